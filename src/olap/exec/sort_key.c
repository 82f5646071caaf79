/*
 * sort_key.c -- prefixes, comparison, and a merge sort over 16-byte entries.
 *
 * The merge sort goes bottom up from insertion-sorted runs; a run that already follows its
 * neighbour is copied, so sorted input costs one comparison per run.
 */
#include "olap/exec/sort_key.h"

#include "olap/exec/flat_vector.h"

#include <string.h>

#define RUN_ROWS 16u

static uint64_t int_prefix(int64_t i)
{
    return (uint64_t)i ^ (UINT64_C(1) << 63);
}

static uint64_t real_prefix(double r)
{
    uint64_t bits;
    r += 0.0; /* -0.0 equals 0.0 */
    memcpy(&bits, &r, sizeof bits);
    return bits >> 63 ? ~bits : bits | (UINT64_C(1) << 63);
}

static uint64_t text_prefix(struct strref ref, enum collation collation)
{
    uint64_t prefix = 0;
    uint32_t size = ref.size;
    while (collation == COLLATE_RTRIM && size && ref.ptr[size - 1] == ' ')
        size--;
    for (uint32_t i = 0; i < 8 && i < size; i++) {
        char c = collation == COLLATE_NOCASE ? ascii_lower(ref.ptr[i]) : ref.ptr[i];
        prefix |= (uint64_t)(uint8_t)c << (56 - 8 * i);
    }
    return prefix;
}

static uint64_t value_prefix(const struct sort_key *key, const struct vector *flat, uint32_t i)
{
    switch (flat->type) {
    case VT_INT:
        return int_prefix(((const int64_t *)flat->data)[i]);
    case VT_REAL:
        return real_prefix(((const double *)flat->data)[i]);
    case VT_NUM: /* rounding an INTEGER to a double keeps the order, though not strictly */
        if (flat->reals && bit_get(flat->reals, i))
            return real_prefix(((const double *)flat->data)[i]);
        return real_prefix((double)((const int64_t *)flat->data)[i]);
    case VT_TEXT:
        return text_prefix(((const struct strref *)flat->data)[i], key->collation);
    case VT_BLOB:
        return text_prefix(((const struct strref *)flat->data)[i], COLLATE_BINARY);
    case VT_NULL:
        break;
    }
    return 0;
}

void sort_key_prefixes(const struct sort_key *key, const struct vector *flat, uint64_t *out)
{
    for (uint32_t i = 0; i < flat->count; i++) {
        if (vector_is_null(flat, i)) {
            out[i] = key->nulls_last ? UINT64_MAX : 0;
            continue;
        }
        uint64_t prefix = value_prefix(key, flat, i);
        if (key->descending)
            prefix = ~prefix;
        /* the ends belong to NULL */
        out[i] = prefix == 0 ? 1 : prefix == UINT64_MAX ? UINT64_MAX - 1 : prefix;
    }
}

static int compare_key(const struct sort_key *key, const struct value *a, const struct value *b)
{
    if (a->type == YODA_NULL || b->type == YODA_NULL) {
        int c = (a->type != YODA_NULL) - (b->type != YODA_NULL);
        return key->nulls_last ? -c : c;
    }
    int c = value_compare(a, b, key->collation);
    return key->descending ? -c : c;
}

/* Does an equal prefix mean an equal first key? The ends stand for several values. */
static bool prefix_is_exact(const struct sort_order *order, const struct sort_entry *entry)
{
    enum vtype type = order->buffers[entry->buffer]->columns[order->keys[0].column].type;
    return (type == VT_INT || type == VT_REAL) && entry->prefix > 1 &&
           entry->prefix < UINT64_MAX - 1;
}

int sort_key_compare(const struct sort_order *order, const struct sort_entry *a,
                     const struct sort_entry *b)
{
    if (a->prefix != b->prefix)
        return a->prefix < b->prefix ? -1 : 1;
    uint32_t first = order->key_count && prefix_is_exact(order, a);
    for (uint32_t k = first; k < order->key_count; k++) {
        const struct sort_key *key = &order->keys[k];
        struct value va = row_buffer_value(order->buffers[a->buffer], key->column, a->row);
        struct value vb = row_buffer_value(order->buffers[b->buffer], key->column, b->row);
        int c = compare_key(key, &va, &vb);
        if (c)
            return c;
    }
    return 0;
}

static inline bool is_after(const struct sort_order *order, const struct sort_entry *a,
                            const struct sort_entry *b)
{
    if (a->prefix != b->prefix)
        return a->prefix > b->prefix;
    return sort_key_compare(order, a, b) > 0;
}

static void insertion_sort(const struct sort_order *order, struct sort_entry *entries,
                           uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        struct sort_entry entry = entries[i];
        uint32_t at = i;
        for (; at > 0 && is_after(order, &entries[at - 1], &entry); at--)
            entries[at] = entries[at - 1];
        entries[at] = entry;
    }
}

/* Merge in[0..middle) and in[middle..count) into out. */
static void merge_runs(const struct sort_order *order, const struct sort_entry *in,
                       uint32_t middle, uint32_t count, struct sort_entry *out)
{
    if (middle >= count || !is_after(order, &in[middle - 1], &in[middle])) {
        memcpy(out, in, count * sizeof *in);
        return;
    }
    uint32_t a = 0, b = middle, n = 0;
    while (a < middle && b < count)
        out[n++] = is_after(order, &in[a], &in[b]) ? in[b++] : in[a++];
    memcpy(out + n, in + a, (middle - a) * sizeof *in);
    memcpy(out + n + (middle - a), in + b, (count - b) * sizeof *in);
}

void sort_key_sort(const struct sort_order *order, struct sort_entry *entries,
                   struct sort_entry *scratch, uint32_t count)
{
    struct sort_entry *from = entries, *to = scratch;
    for (uint32_t at = 0; at < count; at += RUN_ROWS)
        insertion_sort(order, entries + at, count - at < RUN_ROWS ? count - at : RUN_ROWS);
    for (uint64_t run = RUN_ROWS; run < count; run *= 2) {
        for (uint64_t at = 0; at < count; at += 2 * run) {
            uint64_t left = count - at, both = left < 2 * run ? left : 2 * run;
            merge_runs(order, from + at, (uint32_t)(run < both ? run : both), (uint32_t)both,
                       to + at);
        }
        struct sort_entry *swap = from;
        from = to;
        to = swap;
    }
    if (from != entries)
        memcpy(entries, from, count * sizeof *entries);
}
