/*
 * sort_run.h -- sorted runs on disk, and reading them as one.
 */
#ifndef YODA_OLAP_SORT_RUN_H
#define YODA_OLAP_SORT_RUN_H

#include "olap/exec/sort_key.h"
#include "olap/exec/spill.h"

struct sort_shape { /* of the rows */
    const enum vtype *types;
    uint32_t column_count;
    const uint64_t *kept;
    const struct sort_key *keys;
    uint32_t key_count;
};

struct sort_runs { /* of one worker */
    struct spill *spill; /* NULL: none yet */
    struct spill_extent *extents; /* mem_free */
    size_t count, room;
};
void sort_runs_deinit(struct sort_runs *runs); /* zeroed: fine */
/* Write rows of a buffer, in the order of entries [count], as one more run. */
YODA_MUST_CHECK yoda_status sort_runs_add(struct sort_runs *runs, const struct run *run,
                                          const struct plan *plan, const struct sort_shape *shape,
                                          const struct row_buffer *rows,
                                          const struct sort_entry *entries, uint32_t count,
                                          yoda_error *err);

/* Push the rows of all runs of all workers in order, at most limit. */
YODA_MUST_CHECK yoda_status sort_runs_merge(const struct sort_runs *runs, uint32_t workers,
                                            const struct sort_shape *shape, uint64_t limit,
                                            struct worker *worker, yoda_error *err);

#endif
