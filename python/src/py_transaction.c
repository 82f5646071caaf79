/*
 * py_transaction.c -- the type Transaction: a yoda_txn, rolled back when it is forgotten.
 *
 * What is done in a transaction is submitted on a queue, see py_submit_txn.c; an operation under
 * way holds its transaction.
 */
#include "py_transaction.h"

/* Ends the transaction whatever it returns; in a forked child it touches nothing. */
static void roll_back(yoda_txn *txn)
{
    Py_BEGIN_ALLOW_THREADS
        yoda_rollback(txn, NULL);
    Py_END_ALLOW_THREADS
}

PyObject *py_transaction_new(struct py_state *state, yoda_txn *txn, PyObject *engine)
{
    PyObject *object = PyType_GenericAlloc(state->transaction_type, 0);
    if (!object) {
        roll_back(txn);
        return NULL;
    }
    struct py_transaction *self = (struct py_transaction *)object;
    self->txn = txn;
    self->engine = Py_NewRef(engine);
    return object;
}

static void transaction_dealloc(PyObject *object)
{
    struct py_transaction *self = (struct py_transaction *)object;
    PyObject_GC_UnTrack(object);
    if (self->txn)
        roll_back(self->txn);
    Py_CLEAR(self->engine);
    py_free(object);
}

static int transaction_traverse(PyObject *object, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(((struct py_transaction *)object)->engine);
    return 0;
}

/* The engine is let go by the dealloc alone: the handle needs it, and it is part of no cycle. */

static PyObject *get_ended(PyObject *object, void *unused)
{
    (void)unused;
    return PyBool_FromLong(!((struct py_transaction *)object)->txn);
}

static PyGetSetDef properties[] = {
    {"ended", get_ended, NULL, "Has its commit or rollback been submitted?", NULL},
    {NULL, NULL, NULL, NULL, NULL}};

static PyType_Slot slots[] = {
    PY_SLOT(Py_tp_dealloc, transaction_dealloc),
    PY_SLOT(Py_tp_traverse, transaction_traverse),
    {Py_tp_getset, properties},
    {Py_tp_doc, (char *)"A transaction that Queue.begin() started. Forgotten, it is rolled back."},
    {0, NULL}};

PyType_Spec py_transaction_spec = {"yoda._yoda.Transaction", sizeof(struct py_transaction), 0,
                                   Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC |
                                       Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                                   slots};
