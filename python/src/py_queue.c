/*
 * py_queue.c -- the type Queue: its life, waiting, and the list of what is in flight.
 *
 * The handle may be used by many threads, but not while it is closed: so every use is counted, and
 * a close first refuses new ones, wakes those that sleep and waits until the count is 0. It then
 * cancels what is in flight and drains until that has ended, so that a write that was done is not
 * reported as interrupted.
 *
 * Fork      In a child the queue belongs to the parent: not even its mutex is touched, for a thread
 *           that the child does not have may hold it.
 */
#include "py_queue.h"

#include "py_arguments.h"
#include "py_error.h"

#include <errno.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#define CLOSE_WAIT_MS 5000 /* for the end of what was cancelled; yoda_queue_close waits on */

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- Using the handle ------------------------------------------------------------------------ */

static int refuse(struct py_queue *self, yoda_status code, const char *message)
{
    struct py_state *state = py_state_of((PyObject *)self);
    if (state)
        py_error_set(state, code, "%s", message);
    return -1;
}

int py_queue_enter(struct py_queue *self)
{
    if (self->pid != getpid())
        return refuse(self, YODA_FORKED, "the queue was opened by the parent process");
    pthread_mutex_lock(&self->mutex);
    bool closed = self->closed;
    self->users += !closed;
    pthread_mutex_unlock(&self->mutex);
    return closed ? refuse(self, YODA_CLOSED, "the queue is closed") : 0;
}

void py_queue_leave(struct py_queue *self)
{
    pthread_mutex_lock(&self->mutex);
    if (--self->users == 0 && self->closed)
        pthread_cond_broadcast(&self->idle);
    pthread_mutex_unlock(&self->mutex);
}

void py_queue_link(struct py_queue *self, struct py_op *op)
{
    pthread_mutex_lock(&self->mutex);
    op->previous = NULL;
    op->next = self->first;
    if (self->first)
        self->first->previous = op;
    self->first = op;
    pthread_mutex_unlock(&self->mutex);
}

void py_queue_unlink_locked(struct py_queue *self, struct py_op *op)
{
    if (op->previous)
        op->previous->next = op->next;
    else
        self->first = op->next;
    if (op->next)
        op->next->previous = op->previous;
    op->next = op->previous = NULL;
}

void py_queue_unlink(struct py_queue *self, struct py_op *op)
{
    pthread_mutex_lock(&self->mutex);
    py_queue_unlink_locked(self, op);
    pthread_mutex_unlock(&self->mutex);
}

/* ---- Create ---------------------------------------------------------------------------------- */

static yoda_queue *create_handle(struct py_state *state, struct py_engine *engine)
{
    yoda_queue *queue = NULL;
    yoda_error err;
    yoda_status status;
    Py_BEGIN_ALLOW_THREADS
        status = yoda_queue_create(engine->engine, &queue, &err);
    Py_END_ALLOW_THREADS
    return status == YODA_OK ? queue : py_error_raise(state, &err, NULL);
}

static PyObject *queue_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static char name_engine[] = "engine";
    static char *names[] = {name_engine, NULL};
    struct py_state *state = PyType_GetModuleState(type);
    PyObject *engine;
    if (!state || !PyArg_ParseTupleAndKeywords(args, keywords, "O!:Queue", names,
                                               state->engine_type, &engine))
        return NULL;
    yoda_queue *handle = create_handle(state, (struct py_engine *)engine);
    if (!handle)
        return NULL;
    struct py_queue *self = (struct py_queue *)PyType_GenericAlloc(type, 0);
    if (!self) {
        yoda_queue_close(handle);
        return NULL;
    }
    pthread_mutex_init(&self->mutex, NULL);
    pthread_cond_init(&self->idle, NULL);
    self->queue = handle;
    self->engine = Py_NewRef(engine);
    self->pid = getpid();
    return (PyObject *)self;
}

/* ---- Close ----------------------------------------------------------------------------------- */

/* Become the only one who uses the handle; false: closed before. */
static bool seize(struct py_queue *self)
{
    pthread_mutex_lock(&self->mutex);
    bool first = !self->closed;
    self->closed = true;
    while (first && self->users > 0) {
        struct timespec soon;
        yoda_queue_wake(self->queue); /* a drain may take a wake from a sleeper: again */
        clock_gettime(CLOCK_REALTIME, &soon);
        soon.tv_nsec += 5000000;
        soon.tv_sec += soon.tv_nsec / 1000000000;
        soon.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&self->idle, &self->mutex, &soon);
    }
    pthread_mutex_unlock(&self->mutex);
    return first;
}

static void cancel_all(struct py_queue *self)
{
    pthread_mutex_lock(&self->mutex);
    for (struct py_op *op = self->first; op; op = op->next)
        (void)yoda_op_cancel(op->op);
    pthread_mutex_unlock(&self->mutex);
}

static void await_all(struct py_queue *self, struct py_state *state)
{
    int64_t end_ms = now_ms() + CLOSE_WAIT_MS;
    int fd = yoda_queue_fd(self->queue);
    for (;;) {
        while (py_drain_last(self, state) > 0)
            continue;
        int64_t left_ms = end_ms - now_ms();
        if (!self->first || left_ms <= 0)
            return;
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        Py_BEGIN_ALLOW_THREADS
            poll(&wait, 1, (int)left_ms);
        Py_END_ALLOW_THREADS
    }
}

static void abandon_all(struct py_queue *self, struct py_state *state)
{
    while (self->first) {
        struct py_op *op = self->first;
        py_queue_unlink(self, op);
        if (state)
            py_drain_abandon(state, op);
        py_op_settle(op);
        Py_DECREF(op);
    }
}

/* Takes no reference to the queue: its dealloc calls this, too. */
static void shut(struct py_queue *self)
{
    bool first;
    Py_BEGIN_ALLOW_THREADS
        first = seize(self);
    Py_END_ALLOW_THREADS
    if (!first)
        return;
    struct py_state *state = py_state_of((PyObject *)self);
    if (state) {
        cancel_all(self);
        await_all(self, state);
    } else {
        PyErr_Clear(); /* the interpreter ends: nobody is left to be told */
    }
    yoda_queue *handle = self->queue;
    self->queue = NULL;
    Py_BEGIN_ALLOW_THREADS
        yoda_queue_close(handle);
    Py_END_ALLOW_THREADS
    abandon_all(self, state);
}

static PyObject *queue_close(PyObject *object, PyObject *unused)
{
    struct py_queue *self = (struct py_queue *)object;
    (void)unused;
    if (self->pid == getpid())
        shut(self);
    Py_RETURN_NONE;
}

static void queue_finalize(PyObject *object)
{
    struct py_queue *self = (struct py_queue *)object;
    PyObject *type, *value, *traceback;
    if (self->pid != getpid())
        return;
    PyErr_Fetch(&type, &value, &traceback);
    shut(self);
    PyErr_Restore(type, value, traceback);
}

static int queue_traverse(PyObject *object, visitproc visit, void *arg)
{
    struct py_queue *self = (struct py_queue *)object;
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(self->engine);
    Py_VISIT(self->on_writable);
    for (struct py_op *op = self->first; op; op = op->next)
        Py_VISIT((PyObject *)op);
    return 0;
}

/* The queue is closed by now, or belongs to a parent process: what is linked will not complete. */
static int queue_clear(PyObject *object)
{
    struct py_queue *self = (struct py_queue *)object;
    Py_CLEAR(self->on_writable);
    while (self->first) {
        struct py_op *op = self->first;
        self->first = op->next;
        op->next = op->previous = NULL;
        Py_DECREF(op);
    }
    return 0;
}

static void queue_dealloc(PyObject *object)
{
    struct py_queue *self = (struct py_queue *)object;
    PyObject_GC_UnTrack(object);
    queue_finalize(object);
    queue_clear(object);
    Py_CLEAR(self->engine);
    PyMem_Free(self->spare);
    if (self->pid == getpid()) {
        pthread_cond_destroy(&self->idle);
        pthread_mutex_destroy(&self->mutex);
    }
    py_free(object);
}

/* ---- Wait ------------------------------------------------------------------------------------ */

/* Milliseconds, -1 for ever; -2 with an exception. */
static int64_t read_timeout(PyObject *value)
{
    if (!value || value == Py_None)
        return -1;
    double seconds = PyFloat_AsDouble(value);
    if (seconds == -1.0 && PyErr_Occurred())
        return -2;
    if (seconds != seconds) {
        PyErr_SetString(PyExc_ValueError, "timeout is NaN");
        return -2;
    }
    if (seconds > 1e12)
        return -1;
    return seconds <= 0 ? 0 : (int64_t)(seconds * 1000 + 0.999);
}

/* Sleep until the descriptor is readable or the time is over; false: a signal came. */
static bool sleep_once(struct py_queue *self, int64_t end_ms)
{
    int64_t left_ms = -1;
    struct pollfd wait = {.fd = yoda_queue_fd(self->queue), .events = POLLIN};
    if (end_ms >= 0) {
        left_ms = end_ms - now_ms();
        left_ms = left_ms < 0 ? 0 : left_ms > INT32_MAX ? INT32_MAX : left_ms;
    }
    return poll(&wait, 1, (int)left_ms) >= 0 || errno != EINTR;
}

/* The signal handlers run while the handle is not in use: they may close the queue. */
static int sleep_until(struct py_queue *self, int64_t end_ms)
{
    bool slept = false;
    while (!slept) {
        if (py_queue_enter(self) < 0)
            return -1;
        Py_BEGIN_ALLOW_THREADS
            slept = sleep_once(self, end_ms);
        Py_END_ALLOW_THREADS
        py_queue_leave(self);
        if (!slept && PyErr_CheckSignals() < 0)
            return -1;
    }
    return 0;
}

static PyObject *queue_wait(PyObject *object, PyObject *const *args, Py_ssize_t count,
                            PyObject *keywords)
{
    static const struct py_signature signature = {"wait", 0, {"timeout"}};
    struct py_queue *self = (struct py_queue *)object;
    PyObject *given[1];
    if (py_arguments_bind(&signature, args, count, keywords, given) < 0)
        return NULL;
    int64_t timeout_ms = read_timeout(given[0]);
    if (timeout_ms < -1)
        return NULL;
    int64_t end_ms = timeout_ms < 0 ? -1 : now_ms() + timeout_ms;
    Py_ssize_t drained = sleep_until(self, end_ms) < 0 ? -1 : py_drain(self);
    return drained < 0 ? NULL : PyLong_FromSsize_t(drained);
}

/* ---- Small ones ------------------------------------------------------------------------------ */

static PyObject *queue_drain(PyObject *object, PyObject *unused)
{
    (void)unused;
    Py_ssize_t count = py_drain((struct py_queue *)object);
    return count < 0 ? NULL : PyLong_FromSsize_t(count);
}

static PyObject *queue_fileno(PyObject *object, PyObject *unused)
{
    struct py_queue *self = (struct py_queue *)object;
    (void)unused;
    if (py_queue_enter(self) < 0)
        return NULL;
    int fd = yoda_queue_fd(self->queue);
    py_queue_leave(self);
    return PyLong_FromLong(fd);
}

static PyObject *queue_wake(PyObject *object, PyObject *unused)
{
    struct py_queue *self = (struct py_queue *)object;
    (void)unused;
    if (py_queue_enter(self) < 0)
        return NULL;
    yoda_queue_wake(self->queue);
    py_queue_leave(self);
    Py_RETURN_NONE;
}

static PyObject *get_closed(PyObject *object, void *unused)
{
    (void)unused;
    return PyBool_FromLong(((struct py_queue *)object)->closed);
}

static PyObject *get_on_writable(PyObject *object, void *unused)
{
    PyObject *callback = ((struct py_queue *)object)->on_writable;
    (void)unused;
    return Py_NewRef(callback ? callback : Py_None);
}

static int set_on_writable(PyObject *object, PyObject *value, void *unused)
{
    struct py_queue *self = (struct py_queue *)object;
    PyObject *before = self->on_writable;
    (void)unused;
    if (value && value != Py_None && !PyCallable_Check(value)) {
        PyErr_SetString(PyExc_TypeError, "on_writable must be callable or None");
        return -1;
    }
    self->on_writable = value == Py_None ? NULL : Py_XNewRef(value);
    Py_XDECREF(before);
    return 0;
}

/* ---- Type ------------------------------------------------------------------------------------ */

#define SUBMIT(name, arguments, doc)                                                               \
    {#name, PY_FAST(py_submit_##name), METH_FASTCALL | METH_KEYWORDS,                              \
     #name "(" arguments ")\n--\n\n" doc},

static PyMethodDef methods[] = {
    {"fileno", queue_fileno, METH_NOARGS,
     "fileno()\n--\n\nReadable while completions wait. Only wait for it."},
    {"drain", queue_drain, METH_NOARGS,
     "drain()\n--\n\nResolve what has completed: how many. Never blocks."},
    {"wait", PY_FAST(queue_wait), METH_FASTCALL | METH_KEYWORDS,
     "wait(timeout=None)\n--\n\nBlock without the GIL until something completes, wake() or the\n"
     "timeout in seconds, then drain."},
    {"wake", queue_wake, METH_NOARGS, "wake()\n--\n\nMake a wait() return. Any thread."},
    {"close", queue_close, METH_NOARGS,
     "close()\n--\n\nCancel what is in flight, wait for it and free the queue. Idempotent."},
    PY_SUBMITS(SUBMIT){NULL, NULL, 0, NULL}};

static PyGetSetDef properties[] = {
    {"closed", get_closed, NULL, "Has it been closed?", NULL},
    {"on_writable", get_on_writable, set_on_writable,
     "Called in a drain when there is room again after an InFlightError.", NULL},
    {NULL, NULL, NULL, NULL, NULL}};

static PyType_Slot slots[] = {
    PY_SLOT(Py_tp_new, queue_new),
    PY_SLOT(Py_tp_dealloc, queue_dealloc),
    PY_SLOT(Py_tp_finalize, queue_finalize),
    PY_SLOT(Py_tp_traverse, queue_traverse),
    PY_SLOT(Py_tp_clear, queue_clear),
    {Py_tp_methods, methods},
    {Py_tp_getset, properties},
    {Py_tp_doc, (char *)"Queue(engine)\n--\n\nOperations and their targets, one queue per loop."},
    {0, NULL}};

PyType_Spec py_queue_spec = {"yoda._yoda.Queue", sizeof(struct py_queue), 0,
                             Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
                             slots};
