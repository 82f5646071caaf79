/* py_op.h -- the type Op: one submitted operation and who waits for it. */
#ifndef YODA_PY_OP_H
#define YODA_PY_OP_H

#include "py_state.h"

/*
 * While an operation is in flight its queue holds a reference to it, in a list, and the address is
 * the user_data of the completion. Then the links, the target and what came with it are let go.
 */
struct py_op {
    PyObject_HEAD yoda_op *op;
    PyObject *target;      /* NULL: it has completed */
    PyObject *text;        /* statement, or tuple of statements, for errors; NULL: none */
    PyObject *transaction; /* in use by the operation; NULL: none */
    struct py_op *next, *previous;
};

struct py_op *py_op_new(struct py_state *state, PyObject *target, PyObject *text,
                        PyObject *transaction);
/* It has completed: let go what it held. */
void py_op_settle(struct py_op *op);

#endif
