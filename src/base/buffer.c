/*
 * buffer.c -- reference-counted aligned memory; see buffer.h.
 *
 * The last release must see every other thread's use of the bytes as done: releases are
 * release-ordered and the freeing one acquires.
 *
 * A small buffer lives behind its own header: results of one row are mostly made of such, and an
 * aligned allocation costs several times a plain one.
 */
#include "base/buffer.h"

#include <string.h>

#define CAPACITY_STEP ((size_t)64)
#define SLACK_BYTES ((size_t)64)
#define SMALL_BYTES ((size_t)512)

static struct buffer *make_small(size_t size)
{
    struct buffer *buffer = mem_alloc(sizeof *buffer + CAPACITY_STEP + size + SLACK_BYTES);
    if (!buffer)
        return NULL;
    uintptr_t behind = (uintptr_t)(buffer + 1);
    buffer->data =
        (uint8_t *)(buffer + 1) + (CAPACITY_STEP - behind % CAPACITY_STEP) % CAPACITY_STEP;
    buffer->inside = true;
    memset(buffer->data + size, 0, SLACK_BYTES);
    return buffer;
}

static struct buffer *make_large(size_t size)
{
    struct buffer *buffer = mem_alloc(sizeof *buffer);
    uint8_t *data = buffer ? mem_alloc_aligned(size) : NULL;
    if (!data) {
        mem_free(buffer);
        return NULL;
    }
    buffer->data = data;
    buffer->inside = false;
    return buffer;
}

static void free_bytes(struct buffer *buffer)
{
    if (!buffer->inside)
        mem_free_aligned(buffer->data);
}

yoda_status buffer_create(size_t size, struct mem_budget *budget, struct buffer **out,
                          yoda_error *err)
{
    *out = NULL;
    TRY(mem_budget_charge(budget, size, err));
    struct buffer *buffer = size <= SMALL_BYTES ? make_small(size) : make_large(size);
    if (!buffer) {
        mem_budget_release(budget, size);
        return fail_nomem(err, size);
    }
    ASSERT((uintptr_t)buffer->data % CAPACITY_STEP == 0);
    atomic_init(&buffer->refs, 1);
    buffer->size = size;
    buffer->capacity = size;
    buffer->budget = budget;
    *out = buffer;
    return YODA_OK;
}

struct buffer *buffer_acquire(struct buffer *buffer)
{
    if (buffer) {
        uint32_t before = atomic_fetch_add_explicit(&buffer->refs, 1, memory_order_relaxed);
        ASSERT(before > 0 && before < UINT32_MAX);
        YODA_UNUSED(before);
    }
    return buffer;
}

void buffer_release(struct buffer *buffer)
{
    if (!buffer)
        return;
    uint32_t before = atomic_fetch_sub_explicit(&buffer->refs, 1, memory_order_acq_rel);
    ASSERT(before > 0);
    if (before > 1)
        return;
    mem_budget_release(buffer->budget, buffer->capacity);
    free_bytes(buffer);
    mem_free(buffer);
}

yoda_status buffer_reserve(struct buffer *buffer, size_t bytes, yoda_error *err)
{
    ASSERT(atomic_load_explicit(&buffer->refs, memory_order_relaxed) == 1);
    ASSERT(buffer->size <= buffer->capacity);
    if (bytes <= buffer->capacity)
        return YODA_OK;
    if (bytes > (size_t)PTRDIFF_MAX - CAPACITY_STEP)
        return fail_nomem(err, bytes);
    size_t capacity = bytes > 2 * buffer->capacity ? bytes : 2 * buffer->capacity;
    capacity = (capacity + CAPACITY_STEP - 1) / CAPACITY_STEP * CAPACITY_STEP;
    size_t growth = capacity - buffer->capacity;
    TRY(mem_budget_charge(buffer->budget, growth, err));
    uint8_t *data = mem_alloc_aligned(capacity);
    if (!data) {
        mem_budget_release(buffer->budget, growth);
        return fail_nomem(err, capacity);
    }
    memcpy(data, buffer->data, buffer->size);
    free_bytes(buffer);
    buffer->data = data;
    buffer->inside = false;
    buffer->capacity = capacity;
    return YODA_OK;
}
