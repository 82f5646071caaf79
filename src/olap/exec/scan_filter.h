/*
 * scan_filter.h -- what a join above already knows of a scan's column: sideways filters.
 *
 * Once a join has its build side, rows of the probe side without a key there are lost already. A
 * filter brings that down to the scan: bounds for its zone maps, and a bitmap over the values from
 * low to high (or a Bloom filter, blocked by words) for the rows. It lets every row pass that
 * matches, and some that do not; NULL never passes. A filter that drops too little turns itself
 * off.
 *
 * Threads  immutable but for its counts; any number of scans' workers.
 */
#ifndef YODA_OLAP_SCAN_FILTER_H
#define YODA_OLAP_SCAN_FILTER_H

#include "olap/exec/pipeline.h"

struct zone;

struct scan_filter {
    struct scan_filter *next; /* of struct run */
    const struct plan *scan;
    uint32_t column;     /* of the scan's output, VT_INT */
    int64_t low, high;   /* low > high: nothing passes */
    uint64_t *bits;      /* [high - low + 2], the last one 0; or NULL */
    uint64_t *bloom;     /* words, or NULL */
    unsigned bloom_shift;
    _Atomic bool off;
    _Atomic uint64_t seen, dropped;
};

/* Add a value to the Bloom filter. */
void scan_filter_add(struct scan_filter *filter, int64_t value);
/* Can no row of the zone pass? */
bool scan_filter_rejects(const struct scan_filter *filter, const struct zone *zone);
static inline bool scan_filter_is_on(const struct scan_filter *filter)
{
    return !atomic_load_explicit(&filter->off, memory_order_relaxed);
}
/* bits[i]: row i of v passes; [BITMAP_WORDS(v->count)]. Counts the rows. */
YODA_MUST_CHECK yoda_status scan_filter_test(struct scan_filter *filter, const struct vector *v,
                                             struct arena *arena, uint64_t *bits, yoda_error *err);

#endif
