/* py_batch.h -- the type ArrowBatch. */
#ifndef YODA_PY_BATCH_H
#define YODA_PY_BATCH_H

#include "py_arrow.h"
#include "py_state.h"

/* Rows [offset, offset + length) of a shared array; takes references of its own. */
PyObject *py_batch_new(struct py_state *state, struct py_arrow_schema *schema,
                       struct py_arrow_array *array, int64_t offset, int64_t length);

#endif
