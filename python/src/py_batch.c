/*
 * py_batch.c -- the type ArrowBatch: some rows of a shared Arrow array.
 *
 * It holds C references only, no Python objects: slices, capsules and memoryviews hold references
 * of their own and outlive it. Column formats are what the engine exports: "l" "g" "u" "z" "n" and
 * dense unions of these.
 */
#include "py_batch.h"

#include "py_arguments.h"
#include "py_capsule.h"
#include "py_error.h"
#include "py_value.h"

#include <stdlib.h>
#include <string.h>

struct py_batch {
    PyObject_HEAD struct py_arrow_schema *schema;
    struct py_arrow_array *array;
    int64_t offset, length; /* of the array's rows */
};

/* The values of one numeric column, for memoryviews. */
struct py_values {
    PyObject_HEAD struct py_arrow_array *array;
    const void *data;
    const char *format;       /* static: "q" or "d" */
    Py_ssize_t shape, stride; /* one dimension */
};

PyObject *py_batch_new(struct py_state *state, struct py_arrow_schema *schema,
                       struct py_arrow_array *array, int64_t offset, int64_t length)
{
    struct py_batch *self = (struct py_batch *)PyType_GenericAlloc(state->batch_type, 0);
    if (!self)
        return NULL;
    self->schema = py_arrow_schema_acquire(schema);
    self->array = py_arrow_array_acquire(array);
    self->offset = offset;
    self->length = length;
    return (PyObject *)self;
}

static void batch_dealloc(PyObject *object)
{
    struct py_batch *self = (struct py_batch *)object;
    py_arrow_array_release(self->array);
    py_arrow_schema_release(self->schema);
    py_free(object);
}

/* ---- Values ---------------------------------------------------------------------------------- */

/* A column with what is needed to read it; children of a union are columns, too. */
struct column {
    const struct ArrowSchema *schema;
    const struct ArrowArray *array;
    signed char child_of[128]; /* of a union: type id -> child */
};

static void read_type_ids(struct column *column)
{
    const char *at = column->schema->format + strlen("+ud:");
    for (signed char child = 0; *at; child++) {
        char *end;
        long id = strtol(at, &end, 10);
        if (end == at)
            return;
        if (id >= 0 && id < 128)
            column->child_of[id] = child;
        at = *end ? end + 1 : end;
    }
}

static struct column column_at(const struct py_batch *self, int64_t index)
{
    struct column column = {
        self->schema->schema.children[index], self->array->array.children[index], {0}};
    if (column.schema->format[0] == '+')
        read_type_ids(&column);
    return column;
}

static bool is_null(const struct ArrowArray *array, int64_t at)
{
    const uint8_t *bits = array->n_buffers > 0 ? array->buffers[0] : NULL;
    return bits && !(bits[at >> 3] >> (at & 7) & 1);
}

static PyObject *read_bytes(struct py_state *state, const struct ArrowArray *array, int64_t at,
                            bool text)
{
    const int32_t *offsets = array->buffers[1];
    const char *bytes = array->buffers[2];
    size_t size = (size_t)(offsets[at + 1] - offsets[at]);
    const char *from = size > 0 ? bytes + offsets[at] : "";
    return text ? py_value_text(state, from, size)
                : PyBytes_FromStringAndSize(from, (Py_ssize_t)size);
}

/* A value of a column that is no union. */
static PyObject *read_plain(struct py_state *state, const struct ArrowSchema *schema,
                            const struct ArrowArray *array, int64_t row)
{
    int64_t at = array->offset + row;
    char format = schema->format[0];
    if (format == 'n' || is_null(array, at))
        return Py_NewRef(Py_None);
    if (format == 'l')
        return PyLong_FromLongLong(((const int64_t *)array->buffers[1])[at]);
    if (format == 'g')
        return PyFloat_FromDouble(((const double *)array->buffers[1])[at]);
    return read_bytes(state, array, at, format == 'u');
}

/* Where a value of a union is: in which child, and there in which row. */
static int64_t locate(const struct column *column, int64_t row, int *child)
{
    int64_t at = column->array->offset + row;
    signed char id = ((const signed char *)column->array->buffers[0])[at];
    *child = column->child_of[id & 127];
    return ((const int32_t *)column->array->buffers[1])[at];
}

static PyObject *read_value(struct py_state *state, const struct column *column, int64_t row)
{
    if (column->schema->format[0] != '+')
        return read_plain(state, column->schema, column->array, row);
    int child;
    int64_t at = locate(column, row, &child);
    return read_plain(state, column->schema->children[child], column->array->children[child], at);
}

static int64_t count_nulls(const struct column *column, int64_t offset, int64_t length)
{
    int64_t nulls = 0;
    char format = column->schema->format[0];
    if (format == 'n')
        return length;
    for (int64_t row = offset; row < offset + length; row++) {
        int child;
        if (format != '+') {
            nulls += is_null(column->array, column->array->offset + row);
            continue;
        }
        int64_t at = locate(column, row, &child);
        const struct ArrowArray *array = column->array->children[child];
        nulls +=
            column->schema->children[child]->format[0] == 'n' || is_null(array, array->offset + at);
    }
    return nulls;
}

/* ---- Methods --------------------------------------------------------------------------------- */

/* -1 with IndexError. */
static int64_t read_index(const struct py_batch *self, PyObject *value)
{
    int64_t index, count = self->schema->schema.n_children;
    if (py_arguments_int64(value, "index", 0, &index) < 0)
        return -1;
    if (index >= 0 && index < count)
        return index;
    PyErr_Format(PyExc_IndexError, "column %lld of %lld", (long long)index, (long long)count);
    return -1;
}

static PyObject *batch_column(PyObject *object, PyObject *argument)
{
    struct py_batch *self = (struct py_batch *)object;
    struct py_state *state = py_state_of(object);
    int64_t index = state ? read_index(self, argument) : -1;
    if (index < 0)
        return NULL;
    struct column column = column_at(self, index);
    PyObject *list = PyList_New((Py_ssize_t)self->length);
    for (int64_t row = 0; list && row < self->length; row++) {
        PyObject *value = read_value(state, &column, self->offset + row);
        if (!value || PyList_SetItem(list, (Py_ssize_t)row, value) < 0)
            Py_CLEAR(list);
    }
    return list;
}

static PyObject *batch_null_count(PyObject *object, PyObject *argument)
{
    struct py_batch *self = (struct py_batch *)object;
    int64_t index = read_index(self, argument);
    if (index < 0)
        return NULL;
    struct column column = column_at(self, index);
    return PyLong_FromLongLong(count_nulls(&column, self->offset, self->length));
}

static PyObject *values_new(struct py_state *state, const struct py_batch *self,
                            const struct column *column)
{
    static const int64_t nothing = 0;
    struct py_values *values = (struct py_values *)PyType_GenericAlloc(state->values_type, 0);
    if (!values)
        return NULL;
    const int64_t *data = column->array->buffers[1];
    values->array = py_arrow_array_acquire(self->array);
    values->data = data ? data + column->array->offset + self->offset : &nothing;
    values->format = column->schema->format[0] == 'l' ? "q" : "d";
    values->shape = (Py_ssize_t)self->length;
    values->stride = 8;
    return (PyObject *)values;
}

static PyObject *batch_data(PyObject *object, PyObject *argument)
{
    struct py_batch *self = (struct py_batch *)object;
    struct py_state *state = py_state_of(object);
    int64_t index = state ? read_index(self, argument) : -1;
    if (index < 0)
        return NULL;
    struct column column = column_at(self, index);
    char format = column.schema->format[0];
    if (format != 'l' && format != 'g')
        Py_RETURN_NONE;
    PyObject *values = values_new(state, self, &column);
    PyObject *view = values ? PyMemoryView_FromObject(values) : NULL;
    Py_XDECREF(values);
    return view;
}

static int64_t clamp(int64_t value, int64_t high)
{
    return value < 0 ? 0 : value > high ? high : value;
}

static PyObject *batch_slice(PyObject *object, PyObject *const *args, Py_ssize_t count,
                             PyObject *keywords)
{
    static const struct py_signature signature = {"slice", 2, {"offset", "length"}};
    struct py_batch *self = (struct py_batch *)object;
    struct py_state *state = py_state_of(object);
    PyObject *given[2];
    int64_t offset, length;
    if (!state || py_arguments_bind(&signature, args, count, keywords, given) < 0 ||
        py_arguments_int64(given[0], "offset", 0, &offset) < 0 ||
        py_arguments_int64(given[1], "length", 0, &length) < 0)
        return NULL;
    if (offset < 0 || length < 0) {
        PyErr_SetString(PyExc_ValueError, "offset and length must not be negative");
        return NULL;
    }
    offset = clamp(offset, self->length);
    length = clamp(length, self->length - offset);
    return py_batch_new(state, self->schema, self->array, self->offset + offset, length);
}

static PyObject *batch_c_schema(PyObject *object, PyObject *unused)
{
    (void)unused;
    return py_capsule_schema(((struct py_batch *)object)->schema);
}

static PyObject *batch_c_array(PyObject *object, PyObject *const *args, Py_ssize_t count,
                               PyObject *keywords)
{
    static const struct py_signature signature = {"__arrow_c_array__", 0, {"requested_schema"}};
    struct py_batch *self = (struct py_batch *)object;
    PyObject *ignored[1];
    if (py_arguments_bind(&signature, args, count, keywords, ignored) < 0)
        return NULL;
    PyObject *schema = py_capsule_schema(self->schema);
    PyObject *array = schema ? py_capsule_array(self->array, self->offset, self->length) : NULL;
    PyObject *both = array ? PyTuple_Pack(2, schema, array) : NULL;
    Py_XDECREF(schema);
    Py_XDECREF(array);
    return both;
}

/* ---- Properties ------------------------------------------------------------------------------ */

static PyObject *get_num_rows(PyObject *object, void *unused)
{
    (void)unused;
    return PyLong_FromLongLong(((struct py_batch *)object)->length);
}

static PyObject *get_num_columns(PyObject *object, void *unused)
{
    (void)unused;
    return PyLong_FromLongLong(((struct py_batch *)object)->schema->schema.n_children);
}

/* A text of each column. */
static PyObject *list_texts(PyObject *object, const char *(*text_of)(const struct ArrowSchema *))
{
    const struct ArrowSchema *schema = &((struct py_batch *)object)->schema->schema;
    PyObject *list = PyList_New((Py_ssize_t)schema->n_children);
    for (int64_t i = 0; list && i < schema->n_children; i++) {
        const char *text = text_of(schema->children[i]);
        PyObject *item = PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "replace");
        if (!item || PyList_SetItem(list, (Py_ssize_t)i, item) < 0)
            Py_CLEAR(list);
    }
    return list;
}

static const char *name_of(const struct ArrowSchema *schema)
{
    return schema->name;
}

static const char *format_of(const struct ArrowSchema *schema)
{
    return schema->format;
}

static PyObject *get_column_names(PyObject *object, void *unused)
{
    (void)unused;
    return list_texts(object, name_of);
}

static PyObject *get_formats(PyObject *object, void *unused)
{
    (void)unused;
    return list_texts(object, format_of);
}

/* ---- Memoryviews ----------------------------------------------------------------------------- */

static int values_get(PyObject *object, Py_buffer *view, int flags)
{
    struct py_values *self = (struct py_values *)object;
    Py_ssize_t size = self->shape * self->stride;
    if (PyBuffer_FillInfo(view, object, (void *)(uintptr_t)self->data, size, 1, flags) < 0)
        return -1;
    view->itemsize = self->stride;
    if (flags & PyBUF_FORMAT)
        view->format = (char *)(uintptr_t)self->format;
    if ((flags & PyBUF_ND) == PyBUF_ND)
        view->shape = &self->shape;
    if ((flags & PyBUF_STRIDES) == PyBUF_STRIDES)
        view->strides = &self->stride;
    return 0;
}

static void values_dealloc(PyObject *object)
{
    py_arrow_array_release(((struct py_values *)object)->array);
    py_free(object);
}

static PyType_Slot values_slots[] = {
    PY_SLOT(Py_tp_dealloc, values_dealloc),
    PY_SLOT(Py_bf_getbuffer, values_get),
    {Py_tp_doc, (char *)"The values of a numeric column; see ArrowBatch.data()."},
    {0, NULL}};

PyType_Spec py_values_spec = {"yoda._yoda._Values", sizeof(struct py_values), 0,
                              Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE |
                                  Py_TPFLAGS_DISALLOW_INSTANTIATION,
                              values_slots};

/* ---- Type ------------------------------------------------------------------------------------ */

static PyMethodDef methods[] = {
    {"column", batch_column, METH_O, "column(index)\n--\n\nThe values of a column as a list."},
    {"data", batch_data, METH_O,
     "data(index)\n--\n\nA memoryview of an \"l\" or \"g\" column without copying; None for "
     "others."},
    {"null_count", batch_null_count, METH_O, "null_count(index)\n--\n\nHow many values are None."},
    {"slice", PY_FAST(batch_slice), METH_FASTCALL | METH_KEYWORDS,
     "slice(offset, length)\n--\n\nSome rows, sharing the buffers. Past the end is cut off."},
    {"__arrow_c_array__", PY_FAST(batch_c_array), METH_FASTCALL | METH_KEYWORDS,
     "__arrow_c_array__(requested_schema=None)\n--\n\nPyCapsules (schema, array) without copying."},
    {"__arrow_c_schema__", batch_c_schema, METH_NOARGS,
     "__arrow_c_schema__()\n--\n\nA PyCapsule with the schema."},
    {NULL, NULL, 0, NULL}};

static PyGetSetDef properties[] = {
    {"num_rows", get_num_rows, NULL, "How many rows.", NULL},
    {"num_columns", get_num_columns, NULL, "How many columns.", NULL},
    {"column_names", get_column_names, NULL, "The names of the columns.", NULL},
    {"formats", get_formats, NULL, "The Arrow format strings of the columns.", NULL},
    {NULL, NULL, NULL, NULL, NULL}};

static PyType_Slot slots[] = {PY_SLOT(Py_tp_dealloc, batch_dealloc),
                              {Py_tp_methods, methods},
                              {Py_tp_getset, properties},
                              {Py_tp_doc, (char *)"One Arrow record batch, read-only."},
                              {0, NULL}};

PyType_Spec py_batch_spec = {
    "yoda._yoda.ArrowBatch", sizeof(struct py_batch), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};
