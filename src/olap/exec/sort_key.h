/*
 * sort_key.h -- ORDER BY in two steps: an 8-byte prefix that decides most comparisons, then values.
 *
 * The prefix of the first key is monotone: prefix(a) < prefix(b) means a sorts before b; equal
 * prefixes say nothing, save of INTEGERs and REALs that are not at the ends. NULLs get the least or
 * the greatest prefix, DESC inverts the rest.
 */
#ifndef YODA_OLAP_SORT_KEY_H
#define YODA_OLAP_SORT_KEY_H

#include "olap/exec/plan.h"
#include "olap/exec/row_buffer.h"

struct sort_entry {
    uint64_t prefix;
    uint32_t row;
    uint32_t buffer; /* which worker's row buffer */
};

struct sort_order {
    const struct sort_key *keys;
    uint32_t key_count;
    const struct row_buffer *const *buffers; /* by sort_entry.buffer */
};

/* Prefixes of a FLAT vector's rows: out [count]. */
void sort_key_prefixes(const struct sort_key *key, const struct vector *flat, uint64_t *out);
/* Full comparison: <0, 0, >0. */
int sort_key_compare(const struct sort_order *order, const struct sort_entry *a,
                     const struct sort_entry *b);
/* Sort entries [count] with [count] more for scratch; stable. */
void sort_key_sort(const struct sort_order *order, struct sort_entry *entries,
                   struct sort_entry *scratch, uint32_t count);

#endif
