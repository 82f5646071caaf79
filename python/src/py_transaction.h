/* py_transaction.h -- the type Transaction. */
#ifndef YODA_PY_TRANSACTION_H
#define YODA_PY_TRANSACTION_H

#include "py_state.h"

struct py_transaction {
    PyObject_HEAD yoda_txn *txn; /* NULL: it has ended */
    PyObject *engine;            /* keeps it open */
};

/* Takes over the handle, also where it fails (it is rolled back). */
PyObject *py_transaction_new(struct py_state *state, yoda_txn *txn, PyObject *engine);

#endif
