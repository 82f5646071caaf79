/*
 * window_range.h -- kept and sorted rows of a window node, and reading them with their results.
 *
 * A morsel is a range of whole partitions, about MORSEL_ROWS rows together, one partition at least.
 * Its arguments are brought into window order, the calls evaluated partition by partition, and the
 * rows pushed with the results behind the child's columns.
 */
#ifndef YODA_OLAP_WINDOW_RANGE_H
#define YODA_OLAP_WINDOW_RANGE_H

#include "olap/exec/window.h"
#include "olap/exec/window_sort.h"

struct window_input { /* an argument */
    uint32_t column;  /* of the row buffers; WINDOW_NONE: constant */
    enum vtype type;
    struct value constant;
};

struct window_source {
    struct source source; /* must be first */
    const struct window_setup *setup;
    const struct window_input *inputs;       /* [setup->input_count] */
    const uint64_t *needed;                  /* of the node's columns */
    const struct row_buffer *const *buffers; /* by worker */
    const struct window_sort *sorted;
    uint64_t *begins;                        /* [source.morsel_count + 1] */
};

/* Cut the morsels; begins are in the run's arena. */
YODA_MUST_CHECK yoda_status window_source_init(struct window_source *source, struct run *run,
                                               yoda_error *err);

#endif
