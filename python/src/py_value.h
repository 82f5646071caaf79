/*
 * py_value.h -- Python values as parameters, and values of results as Python objects.
 *
 *   None NULL   bool int __index__ INTEGER   float __float__ REAL   str TEXT   bytes-like BLOB
 *   date 'YYYY-MM-DD'   time 'HH:MM:SS[.ffffff]'   datetime 'YYYY-MM-DD HH:MM:SS[.ffffff][+HH:MM]'
 */
#ifndef YODA_PY_VALUE_H
#define YODA_PY_VALUE_H

#include "py_state.h"

struct py_parameter_block;

/* Parameters of one statement or of many rows; what they point at is held until the clear. */
struct py_parameters {
    yoda_params *rows; /* [count]; NULL: none were given */
    size_t count;
    struct py_parameter_block *blocks; /* newest first */
    size_t used;                       /* of the newest block, or of first */
    struct py_reference *references;
    struct py_buffer *buffers;
    union {
        char bytes[512]; /* enough for most single statements */
        double alignment;
        void *pointer;
    } first;
};

/*
 * Convert the parameters of one statement: None (or NULL), a sequence, or a mapping. Runs code of
 * the values. -1 with an exception that names the parameter; clear in any case.
 */
int py_parameters_convert(struct py_state *state, PyObject *params, struct py_parameters *out);
/* The same for an iterable of rows. */
int py_parameters_convert_rows(struct py_state *state, PyObject *rows, struct py_parameters *out);
void py_parameters_clear(struct py_parameters *parameters);

/* A value of a result; a new reference, NULL with an exception. */
PyObject *py_value_new(struct py_state *state, const yoda_value *value);
/* TEXT as stored: bytes that are not UTF-8 are a DataError. */
PyObject *py_value_text(struct py_state *state, const void *bytes, size_t size);

#endif
