/* py_error.h -- the exceptions of PEP 249, and what makes them of a yoda_error. */
#ifndef YODA_PY_ERROR_H
#define YODA_PY_ERROR_H

#include "py_state.h"

/* Make the classes and add them to the module. -1 with an exception. */
int py_error_init(PyObject *module, struct py_state *state);

/*
 * Make an exception of a yoda_error.
 *
 *   text   the statement, for the offset in characters; a sequence of statements of a batch; or
 *          NULL
 *
 * Returns   a new reference; NULL with an exception
 */
PyObject *py_error_create(struct py_state *state, const yoda_error *err, PyObject *text);
/* py_error_create, and raise it. Always NULL. */
void *py_error_raise(struct py_state *state, const yoda_error *err, PyObject *text);
/* The same for a submit that was refused: too many in flight is an InFlightError. */
void *py_error_raise_refused(struct py_state *state, const yoda_error *err, PyObject *text);
/* Raise an error that was found here; the format is PyUnicode_FromFormat's. Always NULL. */
void *py_error_set(struct py_state *state, yoda_status code, const char *format, ...);

#endif
