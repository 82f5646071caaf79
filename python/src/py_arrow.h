/*
 * py_arrow.h -- Arrow structures that many share.
 *
 * An array or schema comes once from the engine, is counted here, and is given to consumers as any
 * number of independent copies that point at the same buffers. Nothing here needs Python: consumers
 * release from any thread, without the GIL, also when the interpreter is gone.
 */
#ifndef YODA_PY_ARROW_H
#define YODA_PY_ARROW_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <yoda.h>

struct py_arrow_schema {
    atomic_size_t refs;
    struct ArrowSchema schema; /* a struct, its children are the columns */
};

struct py_arrow_array {
    atomic_size_t refs;
    struct ArrowArray array; /* a struct without offset */
};

/* Move a structure in, with one reference. NULL: no memory, and it is released. */
struct py_arrow_schema *py_arrow_schema_share(struct ArrowSchema *moved);
struct py_arrow_array *py_arrow_array_share(struct ArrowArray *moved);
struct py_arrow_schema *py_arrow_schema_acquire(struct py_arrow_schema *shared);
struct py_arrow_array *py_arrow_array_acquire(struct py_arrow_array *shared);
void py_arrow_schema_release(struct py_arrow_schema *shared); /* NULL is allowed */
void py_arrow_array_release(struct py_arrow_array *shared);   /* NULL is allowed */

/* A copy of a schema. False: no memory, *out is untouched. */
bool py_arrow_schema_export(const struct ArrowSchema *schema, struct ArrowSchema *out);
/*
 * Rows [offset, offset + length) of a shared array, for a consumer of record batches: the offset is
 * moved into the columns, for many consumers refuse one at the struct. Children can be moved out.
 * False: no memory, *out is untouched.
 */
bool py_arrow_array_export(struct py_arrow_array *shared, int64_t offset, int64_t length,
                           struct ArrowArray *out);
/* An array without rows for a schema. False: no memory. */
bool py_arrow_array_empty(const struct ArrowSchema *schema, struct ArrowArray *out);
/* A stream of whole arrays, from the first. False: no memory. */
bool py_arrow_stream_export(struct py_arrow_schema *schema, struct py_arrow_array *const *arrays,
                            size_t count, struct ArrowArrayStream *out);

#endif
