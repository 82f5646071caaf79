/*
 * key_set.c -- gathering and sorting keys.
 */
#include "cdc/key_set.h"

#include <stdlib.h>
#include <string.h>

#define RADIX_BITS 11
#define RADIX_SIZE (1u << RADIX_BITS)
#define RADIX_MIN_COUNT 1024

void key_set_init(struct key_set *set, uint32_t width, const enum collation *collations,
                  struct mem_budget *budget)
{
    memset(set, 0, sizeof *set);
    set->width = width;
    set->collations = collations;
    set->budget = budget;
    arena_init(&set->arena, budget);
}

void key_set_deinit(struct key_set *set)
{
    mem_free(set->ids);
    mem_free(set->values);
    arena_deinit(&set->arena);
    mem_budget_release(set->budget, set->charged_bytes);
    memset(set, 0, sizeof *set);
}

void key_set_clear(struct key_set *set)
{
    set->count = 0;
    if (set->width)
        arena_reset(&set->arena);
}

static yoda_status grow(struct key_set *set, yoda_error *err)
{
    size_t capacity = set->capacity ? set->capacity * 2 : 64;
    size_t size = set->width ? set->width * sizeof *set->values : sizeof *set->ids;
    uint64_t more = (capacity - set->capacity) * size;
    TRY(mem_budget_charge(set->budget, more, err));
    void *grown = mem_realloc(set->width ? (void *)set->values : (void *)set->ids, capacity * size);
    if (!grown) {
        mem_budget_release(set->budget, more);
        return fail_nomem(err, capacity * size);
    }
    if (set->width)
        set->values = grown;
    else
        set->ids = grown;
    set->capacity = capacity;
    set->charged_bytes += more;
    return YODA_OK;
}

yoda_status key_set_add_id(struct key_set *set, int64_t id, yoda_error *err)
{
    ASSERT(set->width == 0);
    if (set->count && set->ids[set->count - 1] == id)
        return YODA_OK; /* a hot row changed several times in a row */
    if (set->count == set->capacity)
        TRY(grow(set, err));
    set->ids[set->count++] = id;
    return YODA_OK;
}

yoda_status key_set_add(struct key_set *set, const struct value *key, yoda_error *err)
{
    ASSERT(set->width > 0);
    if (set->count == set->capacity)
        TRY(grow(set, err));
    struct value *copy = &set->values[set->count * set->width];
    for (uint32_t i = 0; i < set->width; i++) {
        copy[i] = key[i];
        if (key[i].type != YODA_TEXT && key[i].type != YODA_BLOB)
            continue;
        copy[i].p = arena_copy(&set->arena, key[i].p, key[i].size);
        if (!copy[i].p)
            return fail_nomem(err, key[i].size);
    }
    set->count++;
    return YODA_OK;
}

/* ---- Sorting --------------------------------------------------------------------------------- */

static int compare_ids(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* The sign bit flipped, so that unsigned digits sort signed numbers. */
static uint32_t digit_of(int64_t id, unsigned shift)
{
    return (uint32_t)(((uint64_t)id ^ UINT64_C(1) << 63) >> shift) & (RADIX_SIZE - 1);
}

/* One pass from -> to; false when all ids share the digit (nothing moved). */
static bool radix_pass(const int64_t *from, int64_t *to, size_t count, unsigned shift)
{
    size_t starts[RADIX_SIZE] = {0};
    for (size_t i = 0; i < count; i++)
        starts[digit_of(from[i], shift)]++;
    if (starts[digit_of(from[0], shift)] == count)
        return false;
    size_t at = 0;
    for (uint32_t d = 0; d < RADIX_SIZE; d++) {
        size_t n = starts[d];
        starts[d] = at;
        at += n;
    }
    for (size_t i = 0; i < count; i++)
        to[starts[digit_of(from[i], shift)]++] = from[i];
    return true;
}

static yoda_status radix_sort(struct key_set *set, yoda_error *err)
{
    int64_t *from = set->ids, *to = mem_alloc(set->capacity * sizeof *to);
    if (!to)
        return fail_nomem(err, set->capacity * sizeof *to);
    for (unsigned shift = 0; shift < 64; shift += RADIX_BITS)
        if (radix_pass(from, to, set->count, shift)) {
            int64_t *swap = from;
            from = to;
            to = swap;
        }
    set->ids = from;
    mem_free(to);
    return YODA_OK;
}

static bool ids_are_sorted(const struct key_set *set)
{
    for (size_t i = 1; i < set->count; i++)
        if (set->ids[i - 1] > set->ids[i])
            return false;
    return true;
}

static yoda_status sort_ids(struct key_set *set, yoda_error *err)
{
    if (!ids_are_sorted(set)) {
        if (set->count >= RADIX_MIN_COUNT)
            TRY(radix_sort(set, err));
        else
            qsort(set->ids, set->count, sizeof *set->ids, compare_ids);
    }
    size_t n = 1;
    for (size_t i = 1; i < set->count; i++)
        if (set->ids[i] != set->ids[n - 1])
            set->ids[n++] = set->ids[i];
    set->count = n;
    return YODA_OK;
}

int key_set_compare(const struct key_set *set, const struct value *a, const struct value *b)
{
    for (uint32_t i = 0; i < set->width; i++) {
        int order = value_compare(&a[i], &b[i], set->collations[i]);
        if (order)
            return order;
    }
    return 0;
}

static int compare_keys(const void *a, const void *b, void *set)
{
    return key_set_compare(set, a, b);
}

yoda_status key_set_sort(struct key_set *set, yoda_error *err)
{
    if (set->count < 2)
        return YODA_OK;
    if (!set->width)
        return sort_ids(set, err);
    size_t size = set->width * sizeof *set->values, n = 1;
    qsort_r(set->values, set->count, size, compare_keys, set);
    for (size_t i = 1; i < set->count; i++) {
        struct value *key = &set->values[i * set->width];
        if (key_set_compare(set, key, &set->values[(n - 1) * set->width]) != 0)
            memmove(&set->values[n++ * set->width], key, size);
    }
    set->count = n;
    return YODA_OK;
}
