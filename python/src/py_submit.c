/*
 * py_submit.c -- the submits of a queue, all but those of transactions.
 */
#include "py_submit.h"

#include "py_arguments.h"
#include "py_capsule.h"
#include "py_error.h"

/* ---- The frame ------------------------------------------------------------------------------- */

int py_submit_read(struct py_submit *s, PyObject *self, const struct py_signature *signature,
                   int timeout_at, PyObject *const *args, Py_ssize_t count, PyObject *keywords,
                   PyObject **out)
{
    int64_t timeout_ms = 0;
    s->queue = (struct py_queue *)self;
    s->state = py_state_of(self);
    if (!s->state || py_arguments_bind(signature, args, count, keywords, out) < 0)
        return -1;
    if (timeout_at >= 0 && py_arguments_int64(out[timeout_at], "timeout_ms", 0, &timeout_ms) < 0)
        return -1;
    if (timeout_ms < 0) {
        PyErr_SetString(PyExc_ValueError, "timeout_ms is negative");
        return -1;
    }
    s->options = (yoda_op_options)YODA_OP_OPTIONS_INIT;
    s->options.timeout_ms = timeout_ms;
    return 0;
}

int py_submit_open(struct py_submit *s, PyObject *target, PyObject *text, PyObject *transaction)
{
    s->op = py_op_new(s->state, target, text, transaction);
    if (!s->op)
        return -1;
    s->user_data = (uint64_t)(uintptr_t)s->op;
    if (py_queue_enter(s->queue) < 0) {
        Py_DECREF(s->op);
        return -1;
    }
    Py_INCREF((PyObject *)s->op); /* the list's */
    py_queue_link(s->queue, s->op);
    return 0;
}

PyObject *py_submit_close(struct py_submit *s, yoda_status status)
{
    if (status != YODA_OK) {
        py_queue_unlink(s->queue, s->op);
        Py_DECREF(s->op);
    }
    py_queue_leave(s->queue);
    if (status == YODA_OK)
        return (PyObject *)s->op;
    py_error_raise_refused(s->state, &s->err, s->op->text);
    Py_DECREF(s->op);
    return NULL;
}

/* ---- Statements ------------------------------------------------------------------------------ */

typedef yoda_status statement_fn(yoda_queue *, const char *, const yoda_params *,
                                 const yoda_op_options *, uint64_t, yoda_op **, yoda_error *);

/* given: target, sql and params. A small one may be run by the submit itself: without the GIL. */
static PyObject *submit_statement(struct py_submit *s, statement_fn *submit, PyObject *const *given)
{
    struct py_parameters params;
    PyObject *op = NULL;
    const char *sql = py_arguments_text(s->state, given[1], "sql");
    if (!sql)
        return NULL;
    if (py_parameters_convert(s->state, given[2], &params) == 0 &&
        py_submit_open(s, given[0], given[1], NULL) == 0) {
        yoda_status status;
        Py_BEGIN_ALLOW_THREADS
            status = submit(s->queue->queue, sql, params.rows, &s->options, s->user_data,
                            &s->op->op, &s->err);
        Py_END_ALLOW_THREADS
        op = py_submit_close(s, status);
    }
    py_parameters_clear(&params);
    return op;
}

PyObject *py_submit_execute(PyObject *self, PyObject *const *args, Py_ssize_t count,
                            PyObject *keywords)
{
    static const struct py_signature signature = {
        "execute", 2, {"target", "sql", "params", "timeout_ms"}};
    struct py_submit s;
    PyObject *given[4];
    if (py_submit_read(&s, self, &signature, 3, args, count, keywords, given) < 0)
        return NULL;
    return submit_statement(&s, yoda_submit_execute, given);
}

/* The texts of a tuple, borrowed from it; free the array. NULL with an exception. */
static const char **read_texts(struct py_state *state, PyObject *tuple, const char *name)
{
    Py_ssize_t count = PyTuple_Size(tuple);
    const char **texts = PyMem_Calloc((size_t)count + 1, sizeof *texts);
    if (!texts)
        return (const char **)PyErr_NoMemory();
    for (Py_ssize_t i = 0; i < count; i++) {
        texts[i] = py_arguments_text(state, PyTuple_GetItem(tuple, i), name);
        if (!texts[i]) {
            PyMem_Free(texts);
            return NULL;
        }
    }
    return texts;
}

/* A tuple of a sequence that is not a str. */
static PyObject *read_tuple(PyObject *sequence, const char *name)
{
    if (!PyUnicode_Check(sequence) && !PyBytes_Check(sequence))
        return PySequence_Tuple(sequence);
    PyErr_Format(PyExc_TypeError, "%s must be a sequence of str, not one", name);
    return NULL;
}

PyObject *py_submit_execute_batch(PyObject *self, PyObject *const *args, Py_ssize_t count,
                                  PyObject *keywords)
{
    static const struct py_signature signature = {
        "execute_batch", 2, {"target", "statements", "timeout_ms"}};
    struct py_submit s;
    PyObject *given[3], *op = NULL;
    if (py_submit_read(&s, self, &signature, 2, args, count, keywords, given) < 0)
        return NULL;
    PyObject *tuple = read_tuple(given[1], "statements");
    const char **texts = tuple ? read_texts(s.state, tuple, "a statement") : NULL;
    if (texts && py_submit_open(&s, given[0], tuple, NULL) == 0)
        op = py_submit_close(&s, yoda_submit_execute_batch(s.queue->queue, texts,
                                                           (size_t)PyTuple_Size(tuple), &s.options,
                                                           s.user_data, &s.op->op, &s.err));
    PyMem_Free(texts);
    Py_XDECREF(tuple);
    return op;
}

PyObject *py_submit_execute_many(PyObject *self, PyObject *const *args, Py_ssize_t count,
                                 PyObject *keywords)
{
    static const struct py_signature signature = {
        "execute_many", 3, {"target", "sql", "rows", "timeout_ms"}};
    struct py_submit s;
    struct py_parameters params;
    PyObject *given[4], *op = NULL;
    if (py_submit_read(&s, self, &signature, 3, args, count, keywords, given) < 0)
        return NULL;
    const char *sql = py_arguments_text(s.state, given[1], "sql");
    if (!sql)
        return NULL;
    if (py_parameters_convert_rows(s.state, given[2], &params) == 0 &&
        py_submit_open(&s, given[0], given[1], NULL) == 0)
        op = py_submit_close(&s, yoda_submit_execute_many(s.queue->queue, sql, params.rows,
                                                          params.count, &s.options, s.user_data,
                                                          &s.op->op, &s.err));
    py_parameters_clear(&params);
    return op;
}

/* side, max_staleness_ms and window. */
static int read_query_options(struct py_submit *s, PyObject *const *given)
{
    static const char *const sides[] = {"auto", "column", "row", NULL};
    int64_t window;
    int side = py_arguments_word(given[0], "side", sides);
    if (side < 0 ||
        py_arguments_int64(given[1], "max_staleness_ms", YODA_STALENESS_DEFAULT,
                           &s->options.max_staleness_ms) < 0 ||
        py_arguments_int64(given[2], "window", 0, &window) < 0)
        return -1;
    if (window < 0 || window > UINT32_MAX) {
        PyErr_SetString(PyExc_ValueError, "window is out of range");
        return -1;
    }
    s->options.side = (yoda_side)side;
    s->options.window = (uint32_t)window;
    return 0;
}

PyObject *py_submit_query(PyObject *self, PyObject *const *args, Py_ssize_t count,
                          PyObject *keywords)
{
    static const struct py_signature signature = {
        "query",
        2,
        {"target", "sql", "params", "timeout_ms", "side", "max_staleness_ms", "window"}};
    struct py_submit s;
    PyObject *given[7];
    if (py_submit_read(&s, self, &signature, 3, args, count, keywords, given) < 0 ||
        read_query_options(&s, given + 4) < 0)
        return NULL;
    return submit_statement(&s, yoda_submit_query, given);
}

/* ---- Tables ---------------------------------------------------------------------------------- */

/* A schema with the Python objects that its texts are borrowed from. */
struct schema {
    yoda_table_schema schema;
    PyObject *columns, *key;
    const char **names, **types, **key_names;
};

static void clear_schema(struct schema *schema)
{
    Py_XDECREF(schema->columns);
    Py_XDECREF(schema->key);
    PyMem_Free(schema->names);
    PyMem_Free(schema->types);
    PyMem_Free(schema->key_names);
}

/* The name and type of a column, given as a tuple. */
static int read_column(struct py_state *state, PyObject *pair, const char **name, const char **type)
{
    if (!PyTuple_Check(pair) || PyTuple_Size(pair) != 2) {
        PyErr_SetString(PyExc_TypeError, "a column is a tuple (name, type) of str");
        return -1;
    }
    *name = py_arguments_text(state, PyTuple_GetItem(pair, 0), "a column's name");
    if (!*name)
        return -1;
    *type = py_arguments_text(state, PyTuple_GetItem(pair, 1), "a column's type");
    return *type ? 0 : -1;
}

static int read_columns(struct py_state *state, PyObject *columns, struct schema *out)
{
    out->columns = PySequence_Tuple(columns);
    if (!out->columns)
        return -1;
    size_t count = (size_t)PyTuple_Size(out->columns);
    out->names = PyMem_Calloc(count + 1, sizeof *out->names);
    out->types = PyMem_Calloc(count + 1, sizeof *out->types);
    if (!out->names || !out->types) {
        PyErr_NoMemory();
        return -1;
    }
    for (size_t i = 0; i < count; i++)
        if (read_column(state, PyTuple_GetItem(out->columns, (Py_ssize_t)i), &out->names[i],
                        &out->types[i]) < 0)
            return -1;
    out->schema.column_count = count;
    out->schema.column_names = out->names;
    out->schema.column_types = out->types;
    return 0;
}

/* Clear in any case. */
static int read_schema(struct py_state *state, PyObject *columns, PyObject *key, struct schema *out)
{
    *out = (struct schema){0};
    if (columns && columns != Py_None && read_columns(state, columns, out) < 0)
        return -1;
    out->key = key ? read_tuple(key, "key") : PyTuple_New(0);
    if (!out->key)
        return -1;
    out->key_names = read_texts(state, out->key, "a key column");
    if (!out->key_names)
        return -1;
    out->schema.key_count = (size_t)PyTuple_Size(out->key);
    out->schema.key_names = out->key_names;
    return 0;
}

PyObject *py_submit_register_table(PyObject *self, PyObject *const *args, Py_ssize_t count,
                                   PyObject *keywords)
{
    static const struct py_signature signature = {
        "register_table", 2, {"target", "name", "columns", "key", "timeout_ms"}};
    struct py_submit s;
    struct schema schema;
    PyObject *given[5], *op = NULL;
    if (py_submit_read(&s, self, &signature, 4, args, count, keywords, given) < 0)
        return NULL;
    const char *name = py_arguments_text(s.state, given[1], "name");
    if (!name)
        return NULL;
    if (read_schema(s.state, given[2], given[3], &schema) == 0 &&
        py_submit_open(&s, given[0], given[1], NULL) == 0)
        op = py_submit_close(&s, yoda_submit_register_table(s.queue->queue, name, &schema.schema,
                                                            &s.options, s.user_data, &s.op->op,
                                                            &s.err));
    clear_schema(&schema);
    return op;
}

PyObject *py_submit_unregister_table(PyObject *self, PyObject *const *args, Py_ssize_t count,
                                     PyObject *keywords)
{
    static const struct py_signature signature = {
        "unregister_table", 2, {"target", "name", "timeout_ms"}};
    struct py_submit s;
    PyObject *given[3];
    if (py_submit_read(&s, self, &signature, 2, args, count, keywords, given) < 0)
        return NULL;
    const char *name = py_arguments_text(s.state, given[1], "name");
    if (!name || py_submit_open(&s, given[0], given[1], NULL) < 0)
        return NULL;
    return py_submit_close(&s, yoda_submit_unregister_table(s.queue->queue, name, &s.options,
                                                            s.user_data, &s.op->op, &s.err));
}

PyObject *py_submit_verify(PyObject *self, PyObject *const *args, Py_ssize_t count,
                           PyObject *keywords)
{
    static const struct py_signature signature = {
        "verify", 1, {"target", "table", "repair", "timeout_ms"}};
    struct py_submit s;
    PyObject *given[4];
    const char *table = NULL;
    if (py_submit_read(&s, self, &signature, 3, args, count, keywords, given) < 0)
        return NULL;
    if (given[1] && given[1] != Py_None) {
        table = py_arguments_text(s.state, given[1], "table");
        if (!table)
            return NULL;
    }
    int repair = given[2] ? PyObject_IsTrue(given[2]) : 0;
    if (repair < 0 || py_submit_open(&s, given[0], NULL, NULL) < 0)
        return NULL;
    return py_submit_close(&s, yoda_submit_verify(s.queue->queue, table,
                                                  repair ? YODA_VERIFY_REPAIR : 0, &s.options,
                                                  s.user_data, &s.op->op, &s.err));
}

PyObject *py_submit_ingest(PyObject *self, PyObject *const *args, Py_ssize_t count,
                           PyObject *keywords)
{
    static const struct py_signature signature = {
        "ingest", 3, {"target", "table", "stream_capsule", "mode", "timeout_ms"}};
    static const char *const modes[] = {"append", "create", "create_append", "replace", NULL};
    struct py_submit s;
    PyObject *given[5];
    if (py_submit_read(&s, self, &signature, 4, args, count, keywords, given) < 0)
        return NULL;
    const char *table = py_arguments_text(s.state, given[1], "table");
    int mode = table ? py_arguments_word(given[3], "mode", modes) : -1;
    struct ArrowArrayStream *stream = mode < 0 ? NULL : py_capsule_stream_get(given[2]);
    if (!stream || py_submit_open(&s, given[0], NULL, NULL) < 0)
        return NULL;
    return py_submit_close(&s,
                           yoda_submit_ingest(s.queue->queue, table, stream, (yoda_ingest_mode)mode,
                                              &s.options, s.user_data, &s.op->op, &s.err));
}

/* ---- Without arguments of their own ---------------------------------------------------------- */

PyObject *py_submit_bare(PyObject *self, const struct py_signature *signature,
                         py_submit_bare_fn *submit, PyObject *const *args, Py_ssize_t count,
                         PyObject *keywords)
{
    struct py_submit s;
    PyObject *given[2];
    if (py_submit_read(&s, self, signature, 1, args, count, keywords, given) < 0 ||
        py_submit_open(&s, given[0], NULL, NULL) < 0)
        return NULL;
    yoda_status status;
    Py_BEGIN_ALLOW_THREADS /* a small sync may be run by the submit itself */
        status = submit(s.queue->queue, &s.options, s.user_data, &s.op->op, &s.err);
    Py_END_ALLOW_THREADS
    return py_submit_close(&s, status);
}

PyObject *py_submit_sync(PyObject *self, PyObject *const *args, Py_ssize_t count,
                         PyObject *keywords)
{
    static const struct py_signature signature = {"sync", 1, {"target", "timeout_ms"}};
    return py_submit_bare(self, &signature, yoda_submit_sync, args, count, keywords);
}

PyObject *py_submit_checkpoint(PyObject *self, PyObject *const *args, Py_ssize_t count,
                               PyObject *keywords)
{
    static const struct py_signature signature = {"checkpoint", 1, {"target", "timeout_ms"}};
    return py_submit_bare(self, &signature, yoda_submit_checkpoint, args, count, keywords);
}

PyObject *py_submit_shutdown(PyObject *self, PyObject *const *args, Py_ssize_t count,
                             PyObject *keywords)
{
    static const struct py_signature signature = {"shutdown", 1, {"target"}};
    struct py_submit s;
    PyObject *given[1];
    if (py_submit_read(&s, self, &signature, -1, args, count, keywords, given) < 0 ||
        py_submit_open(&s, given[0], NULL, NULL) < 0)
        return NULL;
    yoda_status status = yoda_submit_shutdown(s.queue->queue, s.user_data, &s.op->op, &s.err);
    if (status == YODA_OK)
        ((struct py_engine *)s.queue->engine)->asked = true;
    return py_submit_close(&s, status);
}
