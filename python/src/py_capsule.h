/* py_capsule.h -- the capsules of the Arrow PyCapsule interface. */
#ifndef YODA_PY_CAPSULE_H
#define YODA_PY_CAPSULE_H

#include "py_arrow.h"
#include "py_state.h"

/* New capsules; what nobody consumed is released with them. NULL with an exception. */
PyObject *py_capsule_schema(struct py_arrow_schema *schema);
PyObject *py_capsule_array(struct py_arrow_array *array, int64_t offset, int64_t length);
PyObject *py_capsule_stream(struct py_arrow_schema *schema, struct py_arrow_array *const *arrays,
                            size_t count);
/* The stream in a capsule that came from elsewhere. NULL with an exception: none, or consumed. */
struct ArrowArrayStream *py_capsule_stream_get(PyObject *capsule);

#endif
