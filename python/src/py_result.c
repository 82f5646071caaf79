/*
 * py_result.c -- the type Result: rows as tuples, or as Arrow batches.
 *
 * The batches are exported once, when they are first asked for, and shared from then on: so a
 * result can be read as often as one likes, in both ways. A yoda_result belongs to one thread at a
 * time; a second one that comes in meanwhile gets an error, not a lock.
 */
#include "py_result.h"

#include "py_arguments.h"
#include "py_arrow.h"
#include "py_batch.h"
#include "py_capsule.h"
#include "py_error.h"
#include "py_value.h"

#include <stdlib.h>
#include <string.h>

struct py_result {
    PyObject_HEAD yoda_result *result;
    struct py_arrow_schema *schema; /* NULL: not exported yet */
    struct py_arrow_array **arrays; /* [count], grown as they come */
    size_t count;
    bool ended; /* tuples() came to the end */
    atomic_flag busy;
};

PyObject *py_result_new(struct py_state *state, yoda_result *result)
{
    struct py_result *self = (struct py_result *)PyType_GenericAlloc(state->result_type, 0);
    if (!self) {
        yoda_result_close(result);
        return NULL;
    }
    self->result = result;
    atomic_flag_clear(&self->busy);
    return (PyObject *)self;
}

static void result_dealloc(PyObject *object)
{
    struct py_result *self = (struct py_result *)object;
    for (size_t i = 0; i < self->count; i++)
        py_arrow_array_release(self->arrays[i]);
    free(self->arrays);
    py_arrow_schema_release(self->schema);
    yoda_result_close(self->result);
    py_free(object);
}

/* Be the only one in the result; leave in any case after true. */
static bool enter(struct py_state *state, struct py_result *self)
{
    if (!state)
        return false;
    if (!atomic_flag_test_and_set(&self->busy))
        return true;
    py_error_set(state, YODA_MISUSE, "another thread is reading this result");
    return false;
}

static void leave(struct py_result *self)
{
    atomic_flag_clear(&self->busy);
}

/* ---- Export ---------------------------------------------------------------------------------- */

static yoda_status no_memory(yoda_error *err)
{
    *err = (yoda_error){.code = YODA_NOMEM, .sql_offset = -1, .message = "out of memory"};
    return YODA_NOMEM;
}

/* Takes over the array. Without the GIL, so the memory is malloc's. */
static yoda_status append(struct py_result *self, struct ArrowArray *array, yoda_error *err)
{
    size_t size = (self->count + 1) * sizeof *self->arrays;
    struct py_arrow_array **arrays = realloc(self->arrays, size);
    if (!arrays) {
        array->release(array);
        return no_memory(err);
    }
    self->arrays = arrays;
    arrays[self->count] = py_arrow_array_share(array);
    if (!arrays[self->count])
        return no_memory(err);
    self->count++;
    return YODA_OK;
}

/* All batches, at least one. Goes on where an earlier try failed. */
static yoda_status export_arrays(struct py_result *self, const struct ArrowSchema *schema,
                                 yoda_error *err)
{
    struct ArrowArray array;
    yoda_status status = YODA_OK;
    do {
        status = yoda_result_arrow_next(self->result, &array, err);
        if (status != YODA_OK || !array.release)
            break;
        status = append(self, &array, err);
    } while (status == YODA_OK);
    if (status != YODA_OK || self->count > 0)
        return status;
    if (!py_arrow_array_empty(schema, &array))
        return no_memory(err);
    return append(self, &array, err);
}

/* Runs without the GIL. */
static yoda_status export_all(struct py_result *self, yoda_error *err)
{
    struct ArrowSchema schema;
    yoda_status status = yoda_result_arrow_schema(self->result, &schema, err);
    if (status != YODA_OK)
        return status;
    status = export_arrays(self, &schema, err);
    if (status != YODA_OK) {
        schema.release(&schema);
        return status;
    }
    self->schema = py_arrow_schema_share(&schema);
    return self->schema ? YODA_OK : no_memory(err);
}

static int need_arrays(PyObject *object)
{
    struct py_result *self = (struct py_result *)object;
    struct py_state *state = py_state_of(object);
    yoda_error err;
    yoda_status status = YODA_OK;
    if (!enter(state, self))
        return -1;
    if (!self->schema) {
        Py_BEGIN_ALLOW_THREADS
            status = export_all(self, &err);
        Py_END_ALLOW_THREADS
    }
    leave(self);
    if (status == YODA_OK)
        return 0;
    py_error_raise(state, &err, NULL);
    return -1;
}

static PyObject *result_batches(PyObject *object, PyObject *unused)
{
    struct py_result *self = (struct py_result *)object;
    (void)unused;
    if (need_arrays(object) < 0)
        return NULL;
    struct py_state *state = py_state_of(object);
    PyObject *list = PyList_New((Py_ssize_t)self->count);
    for (size_t i = 0; list && i < self->count; i++) {
        struct py_arrow_array *array = self->arrays[i];
        PyObject *batch = py_batch_new(state, self->schema, array, 0, array->array.length);
        if (!batch || PyList_SetItem(list, (Py_ssize_t)i, batch) < 0)
            Py_CLEAR(list);
    }
    return list;
}

static PyObject *result_stream(PyObject *object, PyObject *const *args, Py_ssize_t count,
                               PyObject *keywords)
{
    static const struct py_signature signature = {"__arrow_c_stream__", 0, {"requested_schema"}};
    struct py_result *self = (struct py_result *)object;
    PyObject *ignored[1];
    if (py_arguments_bind(&signature, args, count, keywords, ignored) < 0 ||
        need_arrays(object) < 0)
        return NULL;
    return py_capsule_stream(self->schema, self->arrays, self->count);
}

/* ---- Rows ------------------------------------------------------------------------------------ */

static PyObject *read_row(struct py_state *state, const yoda_result *result, size_t width)
{
    PyObject *row = PyTuple_New((Py_ssize_t)width);
    for (size_t i = 0; row && i < width; i++) {
        yoda_value value;
        yoda_result_value(result, i, &value);
        PyObject *item = py_value_new(state, &value);
        if (!item || PyTuple_SetItem(row, (Py_ssize_t)i, item) < 0)
            Py_CLEAR(row);
    }
    return row;
}

static PyObject *read_rows(struct py_state *state, struct py_result *self, int64_t limit)
{
    size_t width = yoda_result_column_count(self->result);
    PyObject *list = PyList_New(0);
    for (int64_t i = 0; list && i != limit && !self->ended; i++) {
        if (!yoda_result_next(self->result)) {
            self->ended = true;
            break;
        }
        PyObject *row = read_row(state, self->result, width);
        if (!row || PyList_Append(list, row) < 0)
            Py_CLEAR(list);
        Py_XDECREF(row);
    }
    return list;
}

static PyObject *result_tuples(PyObject *object, PyObject *const *args, Py_ssize_t count,
                               PyObject *keywords)
{
    static const struct py_signature signature = {"tuples", 0, {"limit"}};
    struct py_result *self = (struct py_result *)object;
    struct py_state *state = py_state_of(object);
    PyObject *given[1];
    int64_t limit;
    if (py_arguments_bind(&signature, args, count, keywords, given) < 0 ||
        py_arguments_int64(given[0], "limit", -1, &limit) < 0 || !enter(state, self))
        return NULL;
    PyObject *rows = read_rows(state, self, limit);
    leave(self);
    return rows;
}

/* ---- What happened --------------------------------------------------------------------------- */

static yoda_result_info info_of(PyObject *object)
{
    yoda_result_info info;
    yoda_result_info_get(((struct py_result *)object)->result, &info);
    return info;
}

static PyObject *get_route(PyObject *object, void *unused)
{
    (void)unused;
    return PyUnicode_FromString(info_of(object).side == YODA_SIDE_COLUMN ? "column" : "row");
}

static PyObject *get_reason(PyObject *object, void *unused)
{
    const char *reason = info_of(object).reason;
    (void)unused;
    return PyUnicode_DecodeUTF8(reason, (Py_ssize_t)strlen(reason), "replace");
}

static PyObject *get_staleness(PyObject *object, void *unused)
{
    (void)unused;
    return PyLong_FromLongLong(info_of(object).staleness_ms);
}

static PyObject *get_watermark(PyObject *object, void *unused)
{
    (void)unused;
    return PyLong_FromLongLong(info_of(object).watermark);
}

static PyObject *get_elapsed(PyObject *object, void *unused)
{
    (void)unused;
    return PyLong_FromLongLong(info_of(object).elapsed_ns);
}

static PyObject *get_rows(PyObject *object, void *unused)
{
    (void)unused;
    return PyLong_FromUnsignedLongLong(info_of(object).rows);
}

static PyObject *get_column_names(PyObject *object, void *unused)
{
    const yoda_result *result = ((struct py_result *)object)->result;
    size_t count = yoda_result_column_count(result);
    PyObject *list = PyList_New((Py_ssize_t)count);
    (void)unused;
    for (size_t i = 0; list && i < count; i++) {
        const char *name = yoda_result_column_name(result, i);
        PyObject *text = PyUnicode_DecodeUTF8(name, (Py_ssize_t)strlen(name), "replace");
        if (!text || PyList_SetItem(list, (Py_ssize_t)i, text) < 0)
            Py_CLEAR(list);
    }
    return list;
}

/* ---- Type ------------------------------------------------------------------------------------ */

static PyMethodDef methods[] = {
    {"batches", result_batches, METH_NOARGS,
     "batches()\n--\n\nAll rows as ArrowBatch; at least one, with no rows when there are none."},
    {"tuples", PY_FAST(result_tuples), METH_FASTCALL | METH_KEYWORDS,
     "tuples(limit=-1)\n--\n\nThe next rows, at most limit; [] at the end."},
    {"__arrow_c_stream__", PY_FAST(result_stream), METH_FASTCALL | METH_KEYWORDS,
     "__arrow_c_stream__(requested_schema=None)\n--\n\nAll rows as a PyCapsule, as often as "
     "wanted."},
    {NULL, NULL, 0, NULL}};

static PyGetSetDef properties[] = {
    {"route", get_route, NULL, "Which side answered: \"column\" or \"row\".", NULL},
    {"reason", get_reason, NULL, "Why that side.", NULL},
    {"staleness_ms", get_staleness, NULL, "Age of the snapshot when the query began.", NULL},
    {"watermark", get_watermark, NULL, "The last change it includes; -1 on the row side.", NULL},
    {"elapsed_ns", get_elapsed, NULL, "Planning, waiting for freshness and running.", NULL},
    {"rows", get_rows, NULL, "How many rows.", NULL},
    {"column_names", get_column_names, NULL, "The names of the columns.", NULL},
    {NULL, NULL, NULL, NULL, NULL}};

static PyType_Slot slots[] = {PY_SLOT(Py_tp_dealloc, result_dealloc),
                              {Py_tp_methods, methods},
                              {Py_tp_getset, properties},
                              {Py_tp_doc, (char *)"A finished result, or one part of a stream."},
                              {0, NULL}};

PyType_Spec py_result_spec = {
    "yoda._yoda.Result", sizeof(struct py_result), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};
