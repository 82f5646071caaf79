/*
 * buffer.h -- large shared memory: reference-counted, 64-byte aligned, 64 bytes of slack.
 *
 * Encoded column chunks, result columns and what is exported to Arrow are buffers: whoever points
 * at the bytes holds a reference, so nothing is copied and nothing dies early. The content is
 * immutable once shared. Threads: acquire and release from any.
 */
#ifndef YODA_BASE_BUFFER_H
#define YODA_BASE_BUFFER_H

#include "base/mem.h"

struct buffer {
    _Atomic uint32_t refs;
    size_t size;     /* bytes in use          */
    size_t capacity; /* bytes allocated       */
    uint8_t *data;   /* 64-byte aligned; [capacity] + 64 of slack */
    struct mem_budget *budget; /* charged with capacity, may be NULL; must outlive the buffer */
    bool inside; /* data is in the same allocation */
};

/* Errors: YODA_NOMEM. The new buffer has size bytes, undefined content, one reference. */
YODA_MUST_CHECK yoda_status buffer_create(size_t size, struct mem_budget *budget,
                                          struct buffer **out, yoda_error *err);
struct buffer *buffer_acquire(struct buffer *buffer); /* NULL stays NULL */
void buffer_release(struct buffer *buffer);           /* NULL is fine */
/* Grow (at least doubling) so that capacity >= bytes; requires a single reference. */
YODA_MUST_CHECK yoda_status buffer_reserve(struct buffer *buffer, size_t bytes, yoda_error *err);

#endif
