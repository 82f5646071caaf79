/* py_arguments.h -- arguments of fast calls: by position and by name, without a tuple or a dict. */
#ifndef YODA_PY_ARGUMENTS_H
#define YODA_PY_ARGUMENTS_H

#include "py_state.h"

struct py_signature {
    const char *function;
    Py_ssize_t required;
    const char *names[9]; /* ends with NULL */
};

/*
 * Sort the arguments of a METH_FASTCALL | METH_KEYWORDS call into the order of the names.
 *
 *   out   [number of names] borrowed; NULL where not given
 *
 * Errors   -1 with TypeError: too many, too few, unknown, twice
 */
int py_arguments_bind(const struct py_signature *signature, PyObject *const *args, Py_ssize_t count,
                      PyObject *keywords, PyObject **out);

/* An integer argument that may be absent; -1 with an exception that names it. */
int py_arguments_int64(PyObject *value, const char *name, int64_t absent, int64_t *out);
/* The UTF-8 of a str without NUL characters, borrowed from it; NULL with an exception. */
const char *py_arguments_text(struct py_state *state, PyObject *value, const char *name);
/* The index of a str among words (ended by NULL); absent: 0. -1 with ValueError or TypeError. */
int py_arguments_word(PyObject *value, const char *name, const char *const *words);

#endif
