/* py_submit.h -- the frame around every submit. */
#ifndef YODA_PY_SUBMIT_H
#define YODA_PY_SUBMIT_H

#include "py_arguments.h"
#include "py_queue.h"
#include "py_transaction.h"
#include "py_value.h"

/*
 * A submit: convert the arguments, then open, call yoda_submit_*, close. Converting may run any
 * code; from open to close the calling thread runs nothing of Python, and the queue is in use, so
 * closing it waits.
 */
struct py_submit {
    struct py_queue *queue;
    struct py_state *state;
    struct py_op *op;
    yoda_op_options options;
    uint64_t user_data;
    yoda_error err;
};

/* Sort the arguments and read timeout_ms, if there is one (else timeout_at -1). */
int py_submit_read(struct py_submit *s, PyObject *self, const struct py_signature *signature,
                   int timeout_at, PyObject *const *args, Py_ssize_t count, PyObject *keywords,
                   PyObject **out);
/* Put the operation into the list. -1 with an exception: do not submit. */
int py_submit_open(struct py_submit *s, PyObject *target, PyObject *text, PyObject *transaction);
/* The Op; or what the submit was refused with, NULL. */
PyObject *py_submit_close(struct py_submit *s, yoda_status status);

/* The whole of one that has nothing to say but its target and timeout_ms. */
typedef yoda_status py_submit_bare_fn(yoda_queue *, const yoda_op_options *, uint64_t, yoda_op **,
                                      yoda_error *);
PyObject *py_submit_bare(PyObject *self, const struct py_signature *signature,
                         py_submit_bare_fn *submit, PyObject *const *args, Py_ssize_t count,
                         PyObject *keywords);

#endif
