/* py_result.h -- the type Result. */
#ifndef YODA_PY_RESULT_H
#define YODA_PY_RESULT_H

#include "py_state.h"

/* Takes over the result, also where it fails. */
PyObject *py_result_new(struct py_state *state, yoda_result *result);

#endif
