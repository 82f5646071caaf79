/*
 * dict_builder.c -- an open-addressing table of texts, and a sort by eight bytes at a time.
 *
 * Sorting: the bytes all texts begin with are skipped, the next eight are a radix key, and only
 * texts equal so far are compared in full. 65,536 comparisons through qsort would cost more than
 * the rest of encoding a chunk.
 */
#include "olap/column/dict_builder.h"
#include "base/hash.h"
#include "base/mem.h"
#include "olap/column/encoding.h"

#include <stdlib.h>
#include <string.h>

enum { SLOTS_MIN = 1024 };

void dict_builder_init(struct dict_builder *builder)
{
    *builder = (struct dict_builder){0};
}

void dict_builder_deinit(struct dict_builder *builder)
{
    mem_free(builder->values);
    mem_free(builder->slots);
}

bool dict_builder_is_full(const struct dict_builder *builder)
{
    return builder->count == DICT_MAX;
}

/* ---- Table ---------------------------------------------------------------------------------- */

/* Rehash by the kept 32 hash bits into twice the slots; false where memory is short. */
static bool grow_slots(struct dict_builder *b)
{
    uint32_t count = b->slots ? (b->slot_mask + 1) * 2 : SLOTS_MIN;
    uint64_t *slots = mem_calloc(count, sizeof *slots);
    if (!slots)
        return false;
    for (uint32_t i = 0; b->slots && i <= b->slot_mask; i++) {
        uint64_t slot = b->slots[i];
        if (!slot)
            continue;
        uint32_t at = (uint32_t)(slot >> 32) & (count - 1);
        while (slots[at])
            at = (at + 1) & (count - 1);
        slots[at] = slot;
    }
    mem_free(b->slots);
    b->slots = slots;
    b->slot_mask = count - 1;
    return true;
}

static bool grow_values(struct dict_builder *b)
{
    uint32_t capacity = b->capacity ? b->capacity * 2 : SLOTS_MIN / 2;
    struct strref *values = b->values ? mem_realloc(b->values, sizeof *values * capacity)
                                      : mem_alloc(sizeof *values * capacity);
    if (!values)
        return false;
    b->values = values;
    b->capacity = capacity;
    return true;
}

uint32_t dict_builder_add(struct dict_builder *b, const char *p, uint32_t size)
{
    if ((!b->slots || b->count * 2 > b->slot_mask) && !grow_slots(b))
        return UINT32_MAX;
    uint32_t hash = (uint32_t)hash_bytes(p, size, 0), at = hash & b->slot_mask;
    for (uint64_t slot; (slot = b->slots[at]) != 0; at = (at + 1) & b->slot_mask) {
        if ((uint32_t)(slot >> 32) != hash)
            continue;
        uint32_t index = (uint32_t)slot - 1;
        if (b->values[index].size == size && memcmp(b->values[index].ptr, p, size) == 0)
            return index;
    }
    if (b->count == DICT_MAX || (b->count == b->capacity && !grow_values(b)))
        return UINT32_MAX;
    b->slots[at] = (uint64_t)hash << 32 | (b->count + 1);
    b->values[b->count] = (struct strref){p, size};
    b->text_bytes += size;
    return b->count++;
}

/* ---- Sort ----------------------------------------------------------------------------------- */

struct sort_entry {
    uint64_t key; /* eight bytes after the common prefix */
    const struct strref *value;
};

static int compare_entries(const void *x, const void *y)
{
    const struct strref *a = ((const struct sort_entry *)x)->value;
    const struct strref *b = ((const struct sort_entry *)y)->value;
    int order = memcmp(a->ptr, b->ptr, a->size < b->size ? a->size : b->size);
    return order ? order : (a->size > b->size) - (a->size < b->size);
}

/* Length of the prefix that all values share. */
static uint32_t common_prefix(const struct dict_builder *b)
{
    const struct strref *first = &b->values[0];
    uint32_t n = first->size;
    for (uint32_t i = 1; i < b->count; i++) {
        const struct strref *v = &b->values[i];
        n = v->size < n ? v->size : n;
        if (memcmp(v->ptr, first->ptr, n) == 0)
            continue;
        uint32_t same = 0;
        while (v->ptr[same] == first->ptr[same])
            same++;
        n = same;
    }
    return n;
}

/* Stable LSD radix sort by key; bytes that are the same everywhere cost nothing. Returns the array
 * that holds the result. */
static struct sort_entry *radix_sort(struct sort_entry *from, struct sort_entry *to, uint32_t count)
{
    for (int shift = 0; shift < 64; shift += 8) {
        uint32_t at[256] = {0};
        for (uint32_t i = 0; i < count; i++)
            at[from[i].key >> shift & 0xff]++;
        if (at[from[0].key >> shift & 0xff] == count)
            continue;
        uint32_t sum = 0;
        for (int digit = 0; digit < 256; digit++) {
            uint32_t n = at[digit];
            at[digit] = sum;
            sum += n;
        }
        for (uint32_t i = 0; i < count; i++)
            to[at[from[i].key >> shift & 0xff]++] = from[i];
        struct sort_entry *swap = from;
        from = to;
        to = swap;
    }
    return from;
}

/* Order the runs of equal keys by all their bytes. */
static void sort_runs(struct sort_entry *entries, uint32_t count)
{
    for (uint32_t from = 0, to; from < count; from = to) {
        for (to = from + 1; to < count && entries[to].key == entries[from].key;)
            to++;
        if (to - from > 1)
            qsort(entries + from, to - from, sizeof *entries, compare_entries);
    }
}

bool dict_builder_sort(struct dict_builder *b, uint32_t *rank)
{
    if (b->count == 0)
        return true;
    struct sort_entry *entries = mem_alloc(sizeof *entries * b->count * 2);
    struct strref *sorted = mem_alloc(sizeof *sorted * b->count);
    if (!entries || !sorted) {
        mem_free(entries);
        mem_free(sorted);
        return false;
    }
    uint32_t skip = common_prefix(b);
    for (uint32_t i = 0; i < b->count; i++) {
        const struct strref *v = &b->values[i];
        entries[i] = (struct sort_entry){zone_prefix(v->ptr + skip, v->size - skip), v};
    }
    struct sort_entry *order = radix_sort(entries, entries + b->count, b->count);
    sort_runs(order, b->count);
    for (uint32_t i = 0; i < b->count; i++) {
        sorted[i] = *order[i].value;
        rank[order[i].value - b->values] = i;
    }
    mem_free(entries);
    mem_free(b->values);
    b->values = sorted;
    b->capacity = b->count;
    return true;
}
