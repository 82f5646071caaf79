/*
 * window_sort.h -- rows of all workers in the order of their packed keys.
 *
 * Entries are dealt into buckets by the first bits of their keys, all workers at once; each bucket
 * is then sorted on its own, by radix over the bits that are left of the first word, and by
 * comparing further words where the first are equal. Rows with equal keys stay in the order of
 * workers and arrival, which means nothing.
 */
#ifndef YODA_OLAP_WINDOW_SORT_H
#define YODA_OLAP_WINDOW_SORT_H

#include "olap/exec/pipeline.h"

struct window_entry {
    uint64_t word;   /* the first of the key */
    uint32_t row;    /* of the worker's row buffer */
    uint32_t worker;
};

struct window_sort {
    struct run *run;
    uint32_t bits, words;           /* of a key */
    const uint64_t *partition_mask; /* [words] */
    const uint64_t **keys;          /* by worker: word w of row i at [w * rows + i] */
    const uint32_t *rows;           /* by worker */
    uint64_t count;                 /* of all rows */
    struct buffer *entries;         /* struct window_entry, [count], sorted */
    struct buffer *partitions;      /* bit i: row i begins a partition; bit `count` is set */
    struct buffer *peers;           /* the same for peer groups */
};

/* Sort and mark: run ... rows are given, the buffers are made. Errors: YODA_NOMEM, YODA_INTERRUPTED,
 * YODA_TIMEOUT; deinit in any case. */
YODA_MUST_CHECK yoda_status window_sort(struct window_sort *sort, yoda_error *err);
void window_sort_deinit(struct window_sort *sort);

/* Orders entries whose words are equal: <0, 0, >0. */
struct window_tie {
    int (*compare)(const void *ctx, const struct window_entry *a, const struct window_entry *b);
    const void *ctx; /* compare NULL: they are equal */
};
/* Sort entries [count] by word and tie; stable. scratch [count]. Errors: YODA_INTERRUPTED,
 * YODA_TIMEOUT. */
YODA_MUST_CHECK yoda_status window_sort_compare(const struct run *run,
                                                struct window_entry *entries,
                                                struct window_entry *scratch, uint64_t count,
                                                const struct window_tie *tie, yoda_error *err);

#endif
