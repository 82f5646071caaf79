/*
 * py_capsule.c -- the capsules of the Arrow PyCapsule interface.
 *
 * A capsule owns a struct on the heap. A consumer moves the content out and leaves release NULL
 * behind; the destructor frees what is left.
 */
#include "py_capsule.h"

#define DEFINE_CAPSULE(kind, type, capsule_name)                                                   \
    static void destroy_##kind(PyObject *capsule)                                                  \
    {                                                                                              \
        struct type *content = PyCapsule_GetPointer(capsule, capsule_name);                        \
        if (content && content->release)                                                           \
            content->release(content);                                                             \
        PyMem_Free(content);                                                                       \
    }                                                                                              \
                                                                                                   \
    /* Takes over the content. */                                                                  \
    static PyObject *wrap_##kind(struct type *content)                                             \
    {                                                                                              \
        struct type *moved = PyMem_Malloc(sizeof *moved);                                          \
        PyObject *capsule = NULL;                                                                  \
        if (moved)                                                                                 \
            capsule = PyCapsule_New(moved, capsule_name, destroy_##kind);                          \
        if (capsule) {                                                                             \
            *moved = *content;                                                                     \
            return capsule;                                                                        \
        }                                                                                          \
        PyMem_Free(moved);                                                                         \
        content->release(content);                                                                 \
        return moved ? NULL : PyErr_NoMemory();                                                    \
    }

DEFINE_CAPSULE(schema, ArrowSchema, "arrow_schema")
DEFINE_CAPSULE(array, ArrowArray, "arrow_array")
DEFINE_CAPSULE(stream, ArrowArrayStream, "arrow_array_stream")

PyObject *py_capsule_schema(struct py_arrow_schema *schema)
{
    struct ArrowSchema content;
    if (!py_arrow_schema_export(&schema->schema, &content))
        return PyErr_NoMemory();
    return wrap_schema(&content);
}

PyObject *py_capsule_array(struct py_arrow_array *array, int64_t offset, int64_t length)
{
    struct ArrowArray content;
    if (!py_arrow_array_export(array, offset, length, &content))
        return PyErr_NoMemory();
    return wrap_array(&content);
}

PyObject *py_capsule_stream(struct py_arrow_schema *schema, struct py_arrow_array *const *arrays,
                            size_t count)
{
    struct ArrowArrayStream content;
    if (!py_arrow_stream_export(schema, arrays, count, &content))
        return PyErr_NoMemory();
    return wrap_stream(&content);
}

struct ArrowArrayStream *py_capsule_stream_get(PyObject *capsule)
{
    if (!PyCapsule_IsValid(capsule, "arrow_array_stream")) {
        PyErr_SetString(PyExc_TypeError, "a PyCapsule \"arrow_array_stream\" is needed");
        return NULL;
    }
    struct ArrowArrayStream *stream = PyCapsule_GetPointer(capsule, "arrow_array_stream");
    if (stream && stream->release)
        return stream;
    PyErr_SetString(PyExc_ValueError, "the Arrow stream has been consumed already");
    return NULL;
}
