/*
 * py_state.h -- what one import of the extension holds, and how its parts find it.
 *
 * Everything that is a Python object lives in the module's state, never in a C variable: each
 * interpreter has its own. The types are final, so the type of `self` is the very type that was
 * made from the module, and leads to the state.
 *
 * Threads   The GIL guards what Python objects point at. What is used while it is released (the
 *           handles of Yoda, the list of a queue's operations) has a lock or a count of its own.
 */
#ifndef YODA_PY_STATE_H
#define YODA_PY_STATE_H

#include <Python.h>

#include <yoda.h>

enum py_error_kind {
    PY_WARNING,
    PY_ERROR,
    PY_INTERFACE_ERROR,
    PY_CLOSED_ERROR,
    PY_FORKED_ERROR,
    PY_DATABASE_ERROR,
    PY_DATA_ERROR,
    PY_OPERATIONAL_ERROR,
    PY_BUSY_ERROR,
    PY_IN_FLIGHT_ERROR,
    PY_INTERRUPTED_ERROR,
    PY_TIMEOUT_ERROR,
    PY_INTEGRITY_ERROR,
    PY_INTERNAL_ERROR,
    PY_PROGRAMMING_ERROR,
    PY_NOT_SUPPORTED_ERROR,
    PY_ERROR_KINDS
};

/* Every Python object of the state, so that they are visited, cleared and made in one place. */
#define PY_STATE_TYPES(X)                                                                          \
    X(engine_type, py_engine_spec)                                                                 \
    X(queue_type, py_queue_spec)                                                                   \
    X(op_type, py_op_spec)                                                                         \
    X(transaction_type, py_transaction_spec)                                                       \
    X(result_type, py_result_spec)                                                                 \
    X(batch_type, py_batch_spec)                                                                   \
    X(values_type, py_values_spec)

#define PY_STATE_NAMES(X)                                                                          \
    X(done)                                                                                        \
    X(set_result)                                                                                  \
    X(set_exception)                                                                               \
    X(part)                                                                                        \
    X(code)                                                                                        \
    X(sqlite_code)                                                                                 \
    X(sql_offset)                                                                                  \
    X(hint)                                                                                        \
    X(datetime)                                                                                    \
    X(isoformat)                                                                                   \
    X(keys)

struct py_state {
#define FIELD(name, spec) PyTypeObject *name;
    PY_STATE_TYPES(FIELD)
#undef FIELD
    struct {
#define FIELD(name) PyObject *name;
        PY_STATE_NAMES(FIELD)
#undef FIELD
    } name;                           /* interned */
    PyObject *errors[PY_ERROR_KINDS]; /* exception classes */
    PyObject *date, *datetime, *time; /* of the module datetime; NULL: not met yet */
    PyObject *space;                  /* " ", between date and time */
};

#define DECLARE(name, spec) extern PyType_Spec spec;
PY_STATE_TYPES(DECLARE)
#undef DECLARE

/* The state behind an instance of one of our types. NULL with an exception: the module is gone. */
static inline struct py_state *py_state_of(PyObject *self)
{
    return PyType_GetModuleState(Py_TYPE(self));
}

/* ISO C has no conversion from a function to void *; every system with a dlsym does. */
#define PY_SLOT(id, function)                                                                      \
    {                                                                                              \
        id, __extension__(void *)(function)                                                        \
    }
#define PY_FAST(function) ((PyCFunction)(void (*)(void))(function))

/* Free an instance of a heap type without members. */
static inline void py_free(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    freefunc release = __extension__(freefunc) PyType_GetSlot(type, Py_tp_free);
    release(self);
    Py_DECREF(type);
}

#endif
