/*
 * py_value.c -- Python values as parameters, and values of results as Python objects.
 *
 * Nothing is copied: texts and bytes are borrowed from the objects, which are held until the submit
 * is done, for the code of one value (__index__, isoformat) might drop another. Memory comes from
 * blocks that are freed together; the first is part of the struct.
 */
#include "py_value.h"

#include "py_arguments.h"
#include "py_error.h"

#include <stddef.h>
#include <string.h>

#define BLOCK_BYTES 65536

struct py_parameter_block {
    struct py_parameter_block *older;
    union {
        double alignment;
        void *pointer;
    } bytes[]; /* raw memory */
};

struct py_reference {
    struct py_reference *next;
    PyObject *object;
};

struct py_buffer {
    struct py_buffer *next;
    Py_buffer view;
};

/* Where a value stands, for messages. */
struct place {
    size_t row;        /* counted from 1; 0: the only one */
    Py_ssize_t number; /* counted from 1 */
    const char *name;  /* NULL: by position */
};

/* ---- Memory ---------------------------------------------------------------------------------- */

static void *allocate(struct py_parameters *p, size_t size)
{
    size = (size + 7) & ~(size_t)7;
    size_t room = p->blocks ? BLOCK_BYTES : sizeof p->first;
    char *from = p->blocks ? (char *)p->blocks->bytes : p->first.bytes;
    if (size <= room - p->used) {
        void *at = from + p->used;
        p->used += size;
        return at;
    }
    size_t payload = size > BLOCK_BYTES ? size : BLOCK_BYTES;
    struct py_parameter_block *block =
        PyMem_Malloc(offsetof(struct py_parameter_block, bytes) + payload);
    if (!block)
        return PyErr_NoMemory();
    block->older = p->blocks;
    p->blocks = block;
    p->used = size > BLOCK_BYTES ? BLOCK_BYTES : size;
    return block->bytes;
}

/* Takes over the reference, also where it fails. Returns the object, borrowed. */
static PyObject *hold(struct py_parameters *p, PyObject *object)
{
    if (!object)
        return NULL;
    struct py_reference *reference = allocate(p, sizeof *reference);
    if (!reference) {
        Py_DECREF(object);
        return NULL;
    }
    *reference = (struct py_reference){p->references, object};
    p->references = reference;
    return object;
}

static void init(struct py_parameters *p)
{
    p->rows = NULL;
    p->count = 0;
    p->blocks = NULL;
    p->used = 0;
    p->references = NULL;
    p->buffers = NULL;
}

void py_parameters_clear(struct py_parameters *p)
{
    for (struct py_buffer *b = p->buffers; b; b = b->next)
        PyBuffer_Release(&b->view);
    for (struct py_reference *r = p->references; r; r = r->next)
        Py_DECREF(r->object);
    while (p->blocks) {
        struct py_parameter_block *older = p->blocks->older;
        PyMem_Free(p->blocks);
        p->blocks = older;
    }
    init(p);
}

/* ---- One value ------------------------------------------------------------------------------- */

/* Raise: which parameter, and what is wrong with it. Always -1. */
static int refuse(struct py_state *state, const struct place *at, yoda_status code,
                  const char *what, PyObject *value)
{
    char row[48] = "", where[96];
    if (at->row)
        PyOS_snprintf(row, sizeof row, "row %zu, ", at->row);
    if (at->name)
        PyOS_snprintf(where, sizeof where, "%sparameter \"%.40s\"", row, at->name);
    else
        PyOS_snprintf(where, sizeof where, "%sparameter %zd", row, at->number);
    PyObject *type = value ? PyType_GetName(Py_TYPE(value)) : NULL;
    if (type)
        py_error_set(state, code, "%s: %s '%U'", where, what, type);
    else if (!PyErr_Occurred())
        py_error_set(state, code, "%s: %s", where, what);
    Py_XDECREF(type);
    return -1;
}

static int convert_text(struct py_state *state, const struct place *at, PyObject *value,
                        yoda_value *out)
{
    Py_ssize_t size;
    out->type = YODA_TEXT;
    out->data = PyUnicode_AsUTF8AndSize(value, &size);
    if (out->data) {
        out->size = (size_t)size;
        return 0;
    }
    if (!PyErr_ExceptionMatches(PyExc_UnicodeEncodeError))
        return -1;
    PyErr_Clear();
    return refuse(state, at, YODA_TOO_BIG, "the text has surrogates, it is not valid Unicode",
                  NULL);
}

static int convert_int(struct py_state *state, const struct place *at, PyObject *value,
                       yoda_value *out)
{
    int overflow;
    out->type = YODA_INTEGER;
    out->integer = PyLong_AsLongLongAndOverflow(value, &overflow);
    if (overflow)
        return refuse(state, at, YODA_TOO_BIG, "the integer does not fit into 64 bits", NULL);
    return out->integer == -1 && PyErr_Occurred() ? -1 : 0;
}

static int convert_float(PyObject *value, yoda_value *out)
{
    out->type = YODA_REAL;
    out->real = PyFloat_AsDouble(value);
    return out->real == -1.0 && PyErr_Occurred() ? -1 : 0;
}

static int convert_index(struct py_state *state, const struct place *at, PyObject *value,
                         yoda_value *out)
{
    PyObject *number = PyNumber_Index(value);
    if (!number)
        return -1;
    int failed = convert_int(state, at, number, out);
    Py_DECREF(number);
    return failed;
}

/* Any object with the buffer protocol. A single "?" (numpy.bool_) is a truth value, not bytes. */
static int convert_buffer(struct py_parameters *p, PyObject *value, yoda_value *out)
{
    struct py_buffer *buffer = allocate(p, sizeof *buffer);
    if (!buffer || PyObject_GetBuffer(value, &buffer->view, PyBUF_CONTIG_RO) < 0)
        return -1;
    buffer->next = p->buffers;
    p->buffers = buffer;
    out->type = YODA_BLOB;
    out->data = buffer->view.buf ? buffer->view.buf : "";
    out->size = (size_t)buffer->view.len;
    return 0;
}

static int is_truth(PyObject *value)
{
    Py_buffer view;
    if (!PyObject_CheckBuffer(value))
        return 0;
    if (PyObject_GetBuffer(value, &view, PyBUF_FORMAT | PyBUF_ND) < 0) {
        PyErr_Clear();
        return 0;
    }
    int truth = view.ndim == 0 && view.format && strcmp(view.format, "?") == 0;
    PyBuffer_Release(&view);
    return truth;
}

static int convert_truth(PyObject *value, yoda_value *out)
{
    int truth = PyObject_IsTrue(value);
    out->type = YODA_INTEGER;
    out->integer = truth > 0;
    return truth < 0 ? -1 : 0;
}

/*
 * The classes of datetime: 1, or 0 while nobody imported it, for then no value is one of them. Not
 * imported from here: CPython 3.12 cannot load it in an interpreter with its own GIL.
 */
static int find_datetime(struct py_state *state)
{
    if (state->date)
        return 1;
    PyObject *module = PyImport_GetModule(state->name.datetime);
    if (!module)
        return PyErr_Occurred() ? -1 : 0;
    state->datetime = PyObject_GetAttrString(module, "datetime");
    state->time = PyObject_GetAttrString(module, "time");
    if (state->datetime && state->time)
        state->date = PyObject_GetAttrString(module, "date");
    Py_DECREF(module);
    return state->date ? 1 : -1;
}

/* date, time and datetime as text: 1 done, 0 none of them, -1 failed. */
static int convert_moment(struct py_state *state, struct py_parameters *p, const struct place *at,
                          PyObject *value, yoda_value *out)
{
    int found = find_datetime(state);
    if (found <= 0)
        return found;
    bool with_time = PyObject_TypeCheck(value, (PyTypeObject *)state->datetime);
    if (!with_time && !PyObject_TypeCheck(value, (PyTypeObject *)state->date) &&
        !PyObject_TypeCheck(value, (PyTypeObject *)state->time))
        return 0;
    PyObject *text = hold(p, PyObject_CallMethodObjArgs(value, state->name.isoformat,
                                                        with_time ? state->space : NULL, NULL));
    if (!text)
        return -1;
    if (!PyUnicode_Check(text))
        return refuse(state, at, YODA_MISUSE, "isoformat() does not give a str:", value);
    return convert_text(state, at, text, out) < 0 ? -1 : 1;
}

static int convert_other(struct py_state *state, struct py_parameters *p, const struct place *at,
                         PyObject *value, yoda_value *out)
{
    int moment = convert_moment(state, p, at, value, out);
    if (moment != 0)
        return moment < 0 ? -1 : 0;
    if (is_truth(value))
        return convert_truth(value, out);
    if (PyIndex_Check(value))
        return convert_index(state, at, value, out);
    if (PyType_GetSlot(Py_TYPE(value), Py_nb_float))
        return convert_float(value, out);
    if (PyObject_CheckBuffer(value))
        return convert_buffer(p, value, out);
    return refuse(state, at, YODA_MISUSE, "cannot store a value of type", value);
}

/* Requires that somebody holds the value until the clear. */
static int convert(struct py_state *state, struct py_parameters *p, const struct place *at,
                   PyObject *value, yoda_value *out)
{
    *out = (yoda_value){.type = YODA_NULL};
    if (value == Py_None)
        return 0;
    if (PyLong_Check(value)) /* bool, too */
        return convert_int(state, at, value, out);
    if (PyUnicode_Check(value))
        return convert_text(state, at, value, out);
    if (PyFloat_Check(value))
        return convert_float(value, out);
    if (PyBytes_Check(value)) {
        out->type = YODA_BLOB;
        out->data = PyBytes_AsString(value);
        out->size = (size_t)PyBytes_Size(value);
        return 0;
    }
    return convert_other(state, p, at, value, out);
}

/* ---- Parameters of one statement ------------------------------------------------------------- */

static int convert_tuple(struct py_state *state, struct py_parameters *p, size_t row,
                         PyObject *tuple, yoda_params *out)
{
    Py_ssize_t count = PyTuple_Size(tuple);
    yoda_value *values = allocate(p, (size_t)count * sizeof *values);
    if (!values)
        return -1;
    for (Py_ssize_t i = 0; i < count; i++) {
        struct place at = {.row = row, .number = i + 1};
        if (convert(state, p, &at, PyTuple_GetItem(tuple, i), &values[i]) < 0)
            return -1;
    }
    *out = (yoda_params){.count = (size_t)count, .values = values};
    return 0;
}

static int convert_item(struct py_state *state, struct py_parameters *p, size_t row, PyObject *item,
                        const char **name, yoda_value *value)
{
    PyObject *key =
        PyTuple_Check(item) && PyTuple_Size(item) == 2 ? PyTuple_GetItem(item, 0) : NULL;
    if (!key || !PyUnicode_Check(key)) {
        py_error_set(state, YODA_MISUSE, "the names of parameters must be str");
        return -1;
    }
    *name = py_arguments_text(state, key, "the name of a parameter");
    if (!*name)
        return -1;
    struct place at = {.row = row, .name = *name};
    return convert(state, p, &at, PyTuple_GetItem(item, 1), value);
}

static int convert_mapping(struct py_state *state, struct py_parameters *p, size_t row,
                           PyObject *mapping, yoda_params *out)
{
    PyObject *list = hold(p, PyMapping_Items(mapping));
    PyObject *items = list ? hold(p, PySequence_Tuple(list)) : NULL;
    if (!items)
        return -1;
    Py_ssize_t count = PyTuple_Size(items);
    yoda_value *values = allocate(p, (size_t)count * sizeof *values);
    const char **names = allocate(p, (size_t)count * sizeof *names);
    if (!values || !names)
        return -1;
    for (Py_ssize_t i = 0; i < count; i++)
        if (convert_item(state, p, row, PyTuple_GetItem(items, i), &names[i], &values[i]) < 0)
            return -1;
    *out = (yoda_params){.count = (size_t)count, .values = values, .names = names};
    return 0;
}

/* Texts and bytes are sequences, but never meant as one. */
static bool is_scalar(PyObject *params)
{
    return PyUnicode_Check(params) || PyBytes_Check(params) || PyByteArray_Check(params);
}

static int is_mapping(struct py_state *state, PyObject *params)
{
    if (PyTuple_Check(params) || PyList_Check(params))
        return 0;
    return PyDict_Check(params) ||
           (PyMapping_Check(params) && PyObject_HasAttr(params, state->name.keys));
}

static int convert_row(struct py_state *state, struct py_parameters *p, size_t row,
                       PyObject *params, yoda_params *out)
{
    if (is_mapping(state, params))
        return convert_mapping(state, p, row, params, out);
    if (is_scalar(params) || !PySequence_Check(params)) {
        PyObject *type = PyType_GetName(Py_TYPE(params));
        if (type)
            py_error_set(state, YODA_MISUSE, "parameters are a sequence or a mapping, not '%U'",
                         type);
        Py_XDECREF(type);
        return -1;
    }
    PyObject *tuple = hold(p, PySequence_Tuple(params));
    return tuple ? convert_tuple(state, p, row, tuple, out) : -1;
}

int py_parameters_convert(struct py_state *state, PyObject *params, struct py_parameters *out)
{
    init(out);
    if (!params || params == Py_None)
        return 0;
    yoda_params *row = allocate(out, sizeof *row);
    if (!row || convert_row(state, out, 0, params, row) < 0)
        return -1;
    out->rows = row;
    out->count = 1;
    return 0;
}

int py_parameters_convert_rows(struct py_state *state, PyObject *rows, struct py_parameters *out)
{
    init(out);
    if (is_scalar(rows)) {
        py_error_set(state, YODA_MISUSE, "rows are an iterable of sequences or mappings");
        return -1;
    }
    PyObject *tuple = hold(out, PySequence_Tuple(rows));
    if (!tuple)
        return -1;
    size_t count = (size_t)PyTuple_Size(tuple);
    yoda_params *made = allocate(out, count * sizeof *made);
    if (!made)
        return -1;
    for (size_t i = 0; i < count; i++)
        if (convert_row(state, out, i + 1, PyTuple_GetItem(tuple, (Py_ssize_t)i), &made[i]) < 0)
            return -1;
    out->rows = made;
    out->count = count;
    return 0;
}

/* ---- Values of results ----------------------------------------------------------------------- */

PyObject *py_value_text(struct py_state *state, const void *bytes, size_t size)
{
    PyObject *text = PyUnicode_DecodeUTF8(bytes, (Py_ssize_t)size, NULL);
    if (text || !PyErr_ExceptionMatches(PyExc_UnicodeDecodeError))
        return text;
    PyErr_Clear();
    return py_error_set(state, YODA_TOO_BIG,
                        "a TEXT value is not valid UTF-8: CAST(... AS BLOB) gives its bytes");
}

PyObject *py_value_new(struct py_state *state, const yoda_value *value)
{
    switch (value->type) {
    case YODA_INTEGER:
        return PyLong_FromLongLong(value->integer);
    case YODA_REAL:
        return PyFloat_FromDouble(value->real);
    case YODA_TEXT:
        return py_value_text(state, value->data, value->size);
    case YODA_BLOB:
        return PyBytes_FromStringAndSize(value->data, (Py_ssize_t)value->size);
    case YODA_NULL:
        break;
    }
    return Py_NewRef(Py_None);
}
