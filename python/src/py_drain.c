/*
 * py_drain.c -- from completions to resolved targets. The hot path.
 *
 * The handle of the queue is used only to fetch a chunk; while targets are resolved their code may
 * do what it likes, closing the queue included. What a target raises is reported and does not stop
 * the others. Only what is no Exception (KeyboardInterrupt) comes out, when all are resolved.
 */
#include "py_error.h"
#include "py_queue.h"
#include "py_result.h"
#include "py_transaction.h"

#include <string.h>

/* What is raised at the end; the first one wins. */
struct pending {
    PyObject *type, *value, *traceback;
};

/* ---- Values ---------------------------------------------------------------------------------- */

static PyObject *sync_tuple(const yoda_sync_stats *s)
{
    return Py_BuildValue("(KKKKKL)", (unsigned long long)s->events_processed,
                         (unsigned long long)s->rows_inserted, (unsigned long long)s->rows_updated,
                         (unsigned long long)s->rows_deleted, (unsigned long long)s->pruned,
                         (long long)s->last_seq);
}

static PyObject *verify_tuple(const yoda_verify_report *r)
{
    PyObject *difference =
        PyUnicode_DecodeUTF8(r->difference, (Py_ssize_t)strlen(r->difference), "replace");
    return Py_BuildValue(
        "(KKKKN)", (unsigned long long)r->tables, (unsigned long long)r->tables_equal,
        (unsigned long long)r->tables_repaired, (unsigned long long)r->rows, difference);
}

/* What the target is given; takes the result or transaction out of the completion. */
static PyObject *value_of(struct py_queue *self, struct py_state *state, yoda_completion *c)
{
    yoda_result *result = c->result;
    yoda_txn *txn = c->txn;
    c->result = NULL;
    c->txn = NULL;
    if (result)
        return py_result_new(state, result);
    if (txn)
        return py_transaction_new(state, txn, self->engine);
    switch (c->kind) {
    case YODA_OP_EXECUTE:
    case YODA_OP_EXECUTE_BATCH:
    case YODA_OP_EXECUTE_MANY:
    case YODA_OP_INGEST:
    case YODA_OP_TXN_EXECUTE:
    case YODA_OP_TXN_EXECUTE_MANY:
        return PyLong_FromLongLong(c->changes);
    case YODA_OP_SYNC:
        return sync_tuple(&c->sync);
    case YODA_OP_VERIFY:
        return verify_tuple(&c->verify);
    default:
        return Py_NewRef(Py_None);
    }
}

/* Nobody wants it any more. */
static void discard(struct py_queue *self, struct py_state *state, yoda_completion *c)
{
    yoda_result_close(c->result);
    c->result = NULL;
    if (c->txn)
        Py_XDECREF(py_transaction_new(state, c->txn, self->engine)); /* rolls back */
    c->txn = NULL;
}

/* ---- Targets --------------------------------------------------------------------------------- */

/* The exception that is set now: report it, or keep it for the end. */
static void handle_exception(PyObject *target, struct pending *pending)
{
    if (PyErr_ExceptionMatches(PyExc_Exception) || pending->type) {
        PyErr_WriteUnraisable(target);
        return;
    }
    PyErr_Fetch(&pending->type, &pending->value, &pending->traceback);
}

static int is_done(struct py_state *state, PyObject *target)
{
    PyObject *answer = PyObject_CallMethodObjArgs(target, state->name.done, NULL);
    if (!answer)
        return -1;
    int done = answer == Py_True ? 1 : answer == Py_False ? 0 : PyObject_IsTrue(answer);
    Py_DECREF(answer);
    return done;
}

/* The exception that is set now, as an object. */
static PyObject *take_exception(void)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    if (traceback && value)
        (void)PyException_SetTraceback(value, traceback);
    Py_XDECREF(type);
    Py_XDECREF(traceback);
    return value;
}

/* Takes over the argument. */
static int call(PyObject *target, PyObject *method, PyObject *argument)
{
    if (!argument)
        return -1;
    PyObject *ignored = PyObject_CallMethodObjArgs(target, method, argument, NULL);
    Py_DECREF(argument);
    Py_XDECREF(ignored);
    return ignored ? 0 : -1;
}

static int deliver(struct py_queue *self, struct py_state *state, const struct py_op *op,
                   PyObject *target, yoda_completion *c)
{
    PyObject *value, *method = state->name.set_exception;
    if (c->status != YODA_OK) {
        value = py_error_create(state, &c->error, op->text);
    } else {
        value = value_of(self, state, c);
        if (value)
            method = c->flags & YODA_COMPLETION_MORE ? state->name.part : state->name.set_result;
    }
    return call(target, method, value ? value : take_exception());
}

static int resolve_target(struct py_queue *self, struct py_state *state, const struct py_op *op,
                          PyObject *target, yoda_completion *c)
{
    int done = is_done(state, target);
    if (done == 0)
        return deliver(self, state, op, target, c);
    if (c->flags & YODA_COMPLETION_MORE)
        (void)yoda_op_cancel(op->op); /* nobody will give credit again */
    discard(self, state, c);
    return done < 0 ? -1 : 0;
}

static void call_writable(struct py_queue *self, struct pending *pending)
{
    PyObject *callback = Py_XNewRef(self->on_writable);
    if (!callback)
        return;
    PyObject *ignored = PyObject_CallNoArgs(callback);
    if (!ignored)
        handle_exception(callback, pending);
    Py_XDECREF(ignored);
    Py_DECREF(callback);
}

static struct py_op *op_of(const yoda_completion *c)
{
    return (struct py_op *)(uintptr_t)c->user_data;
}

/* Takes over the reference to the operation. */
static void resolve(struct py_queue *self, struct py_state *state, yoda_completion *c,
                    struct pending *pending)
{
    if (c->kind == YODA_OP_WRITABLE) {
        call_writable(self, pending);
        return;
    }
    struct py_op *op = op_of(c);
    PyObject *target = Py_XNewRef(op->target);
    if (c->kind == YODA_OP_SHUTDOWN)
        ((struct py_engine *)self->engine)->closed = true;
    if (!target)
        discard(self, state, c); /* closed by a target before it */
    else if (resolve_target(self, state, op, target, c) < 0)
        handle_exception(target, pending);
    Py_XDECREF(target);
    if (!(c->flags & YODA_COMPLETION_MORE))
        py_op_settle(op);
    Py_DECREF(op);
}

/* ---- Chunks ---------------------------------------------------------------------------------- */

static yoda_completion *take_chunk(struct py_queue *self)
{
    pthread_mutex_lock(&self->mutex);
    yoda_completion *chunk = self->spare;
    self->spare = NULL;
    pthread_mutex_unlock(&self->mutex);
    if (!chunk)
        chunk = PyMem_Malloc(PY_DRAIN_CHUNK * sizeof *chunk);
    return chunk ? chunk : (yoda_completion *)PyErr_NoMemory();
}

static void give_chunk(struct py_queue *self, yoda_completion *chunk)
{
    pthread_mutex_lock(&self->mutex);
    if (!self->spare) {
        self->spare = chunk;
        chunk = NULL;
    }
    pthread_mutex_unlock(&self->mutex);
    PyMem_Free(chunk);
}

/* Own what the completions belong to, before any target runs: it might close the queue. */
static void hold_ops(struct py_queue *self, const yoda_completion *chunk, int count)
{
    pthread_mutex_lock(&self->mutex);
    for (int i = 0; i < count; i++) {
        if (chunk[i].kind == YODA_OP_WRITABLE)
            continue;
        if (chunk[i].flags & YODA_COMPLETION_MORE)
            Py_INCREF((PyObject *)op_of(&chunk[i]));
        else
            py_queue_unlink_locked(self, op_of(&chunk[i]));
    }
    pthread_mutex_unlock(&self->mutex);
}

/* -1 with an exception. */
static int fetch(struct py_queue *self, struct py_state *state, yoda_completion *chunk)
{
    if (py_queue_enter(self) < 0)
        return -1;
    int count = yoda_queue_drain(self->queue, chunk, PY_DRAIN_CHUNK);
    py_queue_leave(self);
    if (count < 0) {
        py_error_set(state, (yoda_status)-count, "the queue cannot be drained");
        return -1;
    }
    hold_ops(self, chunk, count);
    return count;
}

static Py_ssize_t finish(Py_ssize_t total, struct pending *pending)
{
    if (!pending->type)
        return total;
    PyErr_Restore(pending->type, pending->value, pending->traceback);
    return -1;
}

Py_ssize_t py_drain(struct py_queue *self)
{
    struct py_state *state = py_state_of((PyObject *)self);
    struct pending pending = {0};
    Py_ssize_t total = 0;
    int count;
    yoda_completion *chunk = state ? take_chunk(self) : NULL;
    if (!chunk)
        return -1;
    do {
        count = fetch(self, state, chunk);
        for (int i = 0; i < count; i++)
            resolve(self, state, &chunk[i], &pending);
        total += count > 0 ? count : 0;
    } while (count == PY_DRAIN_CHUNK);
    give_chunk(self, chunk);
    if (count < 0 && (total > 0 || pending.type))
        PyErr_Clear(); /* a target closed the queue */
    else if (count < 0)
        return -1;
    return finish(total, &pending);
}

Py_ssize_t py_drain_last(struct py_queue *self, struct py_state *state)
{
    struct pending pending = {0};
    int count = 0;
    yoda_completion *chunk = take_chunk(self);
    if (chunk)
        count = yoda_queue_drain(self->queue, chunk, PY_DRAIN_CHUNK);
    hold_ops(self, chunk, count);
    for (int i = 0; i < count; i++)
        if (chunk[i].kind != YODA_OP_WRITABLE)
            resolve(self, state, &chunk[i], &pending);
    if (chunk)
        give_chunk(self, chunk);
    if (finish(count, &pending) < 0)
        PyErr_WriteUnraisable(NULL);
    return count;
}

void py_drain_abandon(struct py_state *state, struct py_op *op)
{
    struct pending pending = {0};
    int done = op->target ? is_done(state, op->target) : 1;
    if (done < 0) {
        handle_exception(op->target, &pending);
    } else if (done == 0) {
        yoda_error err = {.code = YODA_INTERRUPTED,
                          .sql_offset = -1,
                          .message = "the queue was closed before the operation had ended"};
        PyObject *error = py_error_create(state, &err, NULL);
        if (call(op->target, state->name.set_exception, error ? error : take_exception()) < 0)
            handle_exception(op->target, &pending);
    }
    if (finish(0, &pending) < 0)
        PyErr_WriteUnraisable(NULL);
}
