/*
 * py_engine.c -- the type Engine: open, shut down, and questions that are answered at once.
 *
 * The handle lives as long as the object; a shutdown only changes what it answers. Nothing here
 * holds other Python objects than a str, so the collector need not know it.
 */
#include "py_engine.h"

#include "py_arguments.h"
#include "py_error.h"
#include "py_result.h"

#include <string.h>

/* ---- Open ------------------------------------------------------------------------------------ */

/* The texts of an option, borrowed from the pair. */
static int read_option(struct py_state *state, PyObject *pair, yoda_option *out)
{
    if (!PyTuple_Check(pair) || PyTuple_Size(pair) != 2) {
        PyErr_SetString(PyExc_TypeError, "an option is a tuple (name, value) of str");
        return -1;
    }
    out->name = py_arguments_text(state, PyTuple_GetItem(pair, 0), "an option's name");
    if (!out->name)
        return -1;
    out->value = py_arguments_text(state, PyTuple_GetItem(pair, 1), "an option's value");
    return out->value ? 0 : -1;
}

static yoda_option *read_options(struct py_state *state, PyObject *pairs)
{
    Py_ssize_t count = PyTuple_Size(pairs);
    yoda_option *options = PyMem_Calloc((size_t)count + 1, sizeof *options);
    if (!options)
        return (yoda_option *)PyErr_NoMemory();
    for (Py_ssize_t i = 0; i < count; i++)
        if (read_option(state, PyTuple_GetItem(pairs, i), &options[i]) < 0) {
            PyMem_Free(options);
            return NULL;
        }
    return options;
}

static yoda_engine *open_engine(struct py_state *state, const char *path, PyObject *pairs)
{
    yoda_engine *engine = NULL;
    yoda_error err;
    yoda_status status;
    yoda_option *options = read_options(state, pairs);
    if (!options)
        return NULL;
    size_t count = (size_t)PyTuple_Size(pairs);
    Py_BEGIN_ALLOW_THREADS
        status = yoda_open(path, options, count, &engine, &err);
    Py_END_ALLOW_THREADS
    PyMem_Free(options);
    return status == YODA_OK ? engine : py_error_raise(state, &err, NULL);
}

static PyObject *engine_create(PyTypeObject *type, PyObject *path, PyObject *bytes, PyObject *pairs)
{
    struct py_state *state = PyType_GetModuleState(type);
    yoda_engine *engine = state ? open_engine(state, PyBytes_AsString(bytes), pairs) : NULL;
    if (!engine)
        return NULL;
    struct py_engine *self = (struct py_engine *)PyType_GenericAlloc(type, 0);
    if (!self) {
        yoda_close(engine);
        return NULL;
    }
    self->engine = engine;
    self->path = Py_NewRef(path);
    return (PyObject *)self;
}

static PyObject *engine_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static char name_path[] = "path", name_options[] = "options";
    static char *names[] = {name_path, name_options, NULL};
    PyObject *path, *options = NULL, *bytes = NULL, *pairs;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "O|O:Engine", names, &path, &options))
        return NULL;
    if (!PyUnicode_FSConverter(path, &bytes))
        return NULL;
    pairs = options ? PySequence_Tuple(options) : PyTuple_New(0);
    PyObject *self = pairs ? engine_create(type, path, bytes, pairs) : NULL;
    Py_XDECREF(pairs);
    Py_DECREF(bytes);
    return self;
}

/* ---- The end --------------------------------------------------------------------------------- */

static PyObject *engine_shutdown(PyObject *object, PyObject *unused)
{
    struct py_engine *self = (struct py_engine *)object;
    yoda_error err;
    yoda_status status;
    (void)unused;
    self->asked = true;
    Py_BEGIN_ALLOW_THREADS
        status = yoda_shutdown(self->engine, &err);
    Py_END_ALLOW_THREADS
    if (status == YODA_FORKED)
        Py_RETURN_NONE;
    self->closed = true;
    if (status != YODA_OK)
        return py_error_raise(py_state_of(object), &err, NULL);
    Py_RETURN_NONE;
}

static bool is_inherited(const struct py_engine *self)
{
    yoda_engine_status status = {.size = sizeof status};
    return yoda_status_get(self->engine, &status, NULL) == YODA_FORKED;
}

/* An engine that nobody shut down: say so, as Python does for a file. */
static void warn_unclosed(struct py_engine *self)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    if (PyErr_ResourceWarning(NULL, 1, "unclosed engine %R: shutdown() was never called",
                              self->path) < 0)
        PyErr_WriteUnraisable(NULL);
    PyErr_Restore(type, value, traceback);
}

static void engine_dealloc(PyObject *object)
{
    struct py_engine *self = (struct py_engine *)object;
    if (self->engine) {
        if (!self->asked && !is_inherited(self))
            warn_unclosed(self);
        Py_BEGIN_ALLOW_THREADS
            yoda_close(self->engine);
        Py_END_ALLOW_THREADS
    }
    Py_CLEAR(self->path);
    py_free(object);
}

/* ---- Questions ------------------------------------------------------------------------------- */

static PyObject *engine_interrupt(PyObject *object, PyObject *unused)
{
    struct py_engine *self = (struct py_engine *)object;
    (void)unused;
    Py_BEGIN_ALLOW_THREADS
        yoda_interrupt(self->engine);
    Py_END_ALLOW_THREADS
    Py_RETURN_NONE;
}

static PyObject *status_dict(const yoda_engine_status *s)
{
    return Py_BuildValue(
        "{s:N,s:N,s:L,s:L,s:L,s:K,s:L,s:K,s:K,s:K,s:K,s:K,s:K,s:K,s:K,s:K,s:K,s:K,s:N}", "owner",
        PyBool_FromLong(s->owner), "closed", PyBool_FromLong(s->closed), "watermark",
        (long long)s->watermark, "durable_watermark", (long long)s->durable_watermark, "log_head",
        (long long)s->log_head, "lag_events", (unsigned long long)s->lag_events, "lag_ms",
        (long long)s->lag_ms, "tables", (unsigned long long)s->tables, "segments",
        (unsigned long long)s->segments, "rows", (unsigned long long)s->rows, "deleted_rows",
        (unsigned long long)s->deleted_rows, "bytes_memory", (unsigned long long)s->bytes_memory,
        "bytes_disk", (unsigned long long)s->bytes_disk, "syncs", (unsigned long long)s->syncs,
        "failed_syncs", (unsigned long long)s->failed_syncs, "checkpoints",
        (unsigned long long)s->checkpoints, "compactions", (unsigned long long)s->compactions,
        "rebuilds", (unsigned long long)s->rebuilds, "last_error",
        PyUnicode_DecodeUTF8(s->last_error, (Py_ssize_t)strlen(s->last_error), "replace"));
}

static PyObject *engine_status(PyObject *object, PyObject *unused)
{
    struct py_engine *self = (struct py_engine *)object;
    yoda_engine_status answer = {.size = sizeof answer};
    yoda_error err;
    yoda_status status;
    (void)unused;
    Py_BEGIN_ALLOW_THREADS
        status = yoda_status_get(self->engine, &answer, &err);
    Py_END_ALLOW_THREADS
    if (status != YODA_OK)
        return py_error_raise(py_state_of(object), &err, NULL);
    return status_dict(&answer);
}

static PyObject *engine_inspect(PyObject *object, PyObject *const *args, Py_ssize_t count,
                                PyObject *keywords)
{
    static const struct py_signature signature = {"inspect", 1, {"kind", "table"}};
    static const char *const kinds[] = {"tables", "segments", "options", NULL};
    struct py_engine *self = (struct py_engine *)object;
    struct py_state *state = py_state_of(object);
    PyObject *given[2];
    const char *table = NULL;
    yoda_result *result = NULL;
    yoda_error err;
    yoda_status status;
    if (!state || py_arguments_bind(&signature, args, count, keywords, given) < 0)
        return NULL;
    int kind = py_arguments_word(given[0], "kind", kinds);
    if (kind < 0)
        return NULL;
    if (given[1] && given[1] != Py_None) {
        table = py_arguments_text(state, given[1], "table");
        if (!table)
            return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
        status = yoda_inspect(self->engine, (yoda_inspect_kind)kind, table, &result, &err);
    Py_END_ALLOW_THREADS
    return status == YODA_OK ? py_result_new(state, result) : py_error_raise(state, &err, NULL);
}

static PyObject *get_path(PyObject *object, void *unused)
{
    (void)unused;
    return Py_NewRef(((struct py_engine *)object)->path);
}

static PyObject *get_closed(PyObject *object, void *unused)
{
    (void)unused;
    return PyBool_FromLong(((struct py_engine *)object)->closed);
}

/* ---- Type ------------------------------------------------------------------------------------ */

static PyMethodDef methods[] = {
    {"shutdown", engine_shutdown, METH_NOARGS,
     "shutdown()\n--\n\nStop the engine and close its files. Idempotent; any thread. In a forked\n"
     "child: does nothing."},
    {"interrupt", engine_interrupt, METH_NOARGS,
     "interrupt()\n--\n\nCancel every running query and statement."},
    {"status", engine_status, METH_NOARGS,
     "status()\n--\n\nThe fields of yoda_engine_status as a dict."},
    {"inspect", PY_FAST(engine_inspect), METH_FASTCALL | METH_KEYWORDS,
     "inspect(kind, table=None)\n--\n\nA Result about \"tables\", \"segments\" or \"options\"."},
    {NULL, NULL, 0, NULL}};

static PyGetSetDef properties[] = {{"path", get_path, NULL, "As given to open.", NULL},
                                   {"closed", get_closed, NULL, "Has it been shut down?", NULL},
                                   {NULL, NULL, NULL, NULL, NULL}};

static PyType_Slot slots[] = {
    PY_SLOT(Py_tp_new, engine_new),
    PY_SLOT(Py_tp_dealloc, engine_dealloc),
    {Py_tp_methods, methods},
    {Py_tp_getset, properties},
    {Py_tp_doc, (char *)"Engine(path, options=())\n--\n\nOne open database."},
    {0, NULL}};

PyType_Spec py_engine_spec = {"yoda._yoda.Engine", sizeof(struct py_engine), 0,
                              Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE, slots};
