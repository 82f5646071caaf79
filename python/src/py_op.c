/* py_op.c -- the type Op: cancel, credit and progress of one submitted operation. */
#include "py_op.h"

#include "py_arguments.h"
#include "py_error.h"

struct py_op *py_op_new(struct py_state *state, PyObject *target, PyObject *text,
                        PyObject *transaction)
{
    struct py_op *self = (struct py_op *)PyType_GenericAlloc(state->op_type, 0);
    if (!self)
        return NULL;
    self->target = Py_NewRef(target);
    self->text = Py_XNewRef(text);
    self->transaction = Py_XNewRef(transaction);
    return self;
}

void py_op_settle(struct py_op *self)
{
    Py_CLEAR(self->target);
    Py_CLEAR(self->text);
    Py_CLEAR(self->transaction);
}

static int op_traverse(PyObject *object, visitproc visit, void *arg)
{
    struct py_op *self = (struct py_op *)object;
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(self->target);
    Py_VISIT(self->text);
    Py_VISIT(self->transaction);
    return 0;
}

static int op_clear(PyObject *object)
{
    py_op_settle((struct py_op *)object);
    return 0;
}

static void op_dealloc(PyObject *object)
{
    struct py_op *self = (struct py_op *)object;
    PyObject_GC_UnTrack(object);
    py_op_settle(self);
    yoda_op_release(self->op);
    py_free(object);
}

/* None, or the exception of a call that has no message of its own. */
static PyObject *answer(PyObject *object, yoda_status status, const char *message)
{
    if (status == YODA_OK)
        Py_RETURN_NONE;
    struct py_state *state = py_state_of(object);
    if (status == YODA_FORKED)
        message = "the operation was submitted by the parent process";
    return state ? py_error_set(state, status, "%s", message) : NULL;
}

static PyObject *op_cancel(PyObject *object, PyObject *unused)
{
    (void)unused;
    return answer(object, yoda_op_cancel(((struct py_op *)object)->op), "cannot be cancelled");
}

static PyObject *op_credit(PyObject *object, PyObject *argument)
{
    int64_t parts;
    if (py_arguments_int64(argument, "parts", 0, &parts) < 0)
        return NULL;
    if (parts < 0 || parts > UINT32_MAX) {
        PyErr_SetString(PyExc_ValueError, "parts is out of range");
        return NULL;
    }
    return answer(object, yoda_op_credit(((struct py_op *)object)->op, (uint32_t)parts),
                  "the operation is not a stream");
}

static PyObject *op_progress(PyObject *object, PyObject *unused)
{
    static const char *const phases[] = {"waiting", "running", "done"};
    yoda_op_state state = {.size = sizeof state};
    yoda_status status = yoda_op_progress(((struct py_op *)object)->op, &state);
    (void)unused;
    if (status != YODA_OK)
        return answer(object, status, "no progress is known");
    return Py_BuildValue("(sKK)", phases[state.phase], (unsigned long long)state.done,
                         (unsigned long long)state.total);
}

static PyMethodDef methods[] = {
    {"cancel", op_cancel, METH_NOARGS,
     "cancel()\n--\n\nAsk it to end early. Any thread; the target is resolved all the same."},
    {"credit", op_credit, METH_O,
     "credit(parts)\n--\n\nA streaming query may send so many parts more."},
    {"progress", op_progress, METH_NOARGS,
     "progress()\n--\n\nPhase (\"waiting\", \"running\", \"done\"), done, total (0: not known)."},
    {NULL, NULL, 0, NULL}};

static PyType_Slot slots[] = {PY_SLOT(Py_tp_dealloc, op_dealloc),
                              PY_SLOT(Py_tp_traverse, op_traverse),
                              PY_SLOT(Py_tp_clear, op_clear),
                              {Py_tp_methods, methods},
                              {Py_tp_doc, (char *)"One submitted operation."},
                              {0, NULL}};

PyType_Spec py_op_spec = {"yoda._yoda.Op", sizeof(struct py_op), 0,
                          Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE |
                              Py_TPFLAGS_DISALLOW_INSTANTIATION,
                          slots};
