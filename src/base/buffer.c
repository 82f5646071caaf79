/*
 * buffer.c -- reference-counted aligned memory; see buffer.h.
 *
 * The last release must see every other thread's use of the bytes as done: releases are
 * release-ordered and the freeing one acquires.
 */
#include "base/buffer.h"

#include <string.h>

#define CAPACITY_STEP ((size_t)64)

yoda_status buffer_create(size_t size, struct mem_budget *budget, struct buffer **out,
                          yoda_error *err)
{
    *out = NULL;
    TRY(mem_budget_charge(budget, size, err));
    struct buffer *buffer = mem_alloc(sizeof *buffer);
    uint8_t *data = buffer ? mem_alloc_aligned(size) : NULL;
    if (!data) {
        mem_free(buffer);
        mem_budget_release(budget, size);
        return fail_nomem(err, size);
    }
    ASSERT((uintptr_t)data % 64 == 0);
    atomic_init(&buffer->refs, 1);
    buffer->size = size;
    buffer->capacity = size;
    buffer->data = data;
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
    mem_free_aligned(buffer->data);
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
    mem_free_aligned(buffer->data);
    buffer->data = data;
    buffer->capacity = capacity;
    return YODA_OK;
}
