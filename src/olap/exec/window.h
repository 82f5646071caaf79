/*
 * window.h -- calls over partitions: what the files of the window operator share.
 *
 *   op_window ── keeps the rows, sorts them (window_key, window_sort), cuts morsels at partition
 *      │         borders and pushes the rows with the calls' results
 *      ▼
 *   window_partition ── peer groups and frames of one partition (window_frame), then each call:
 *      ranks and values (window_call, window_value), sums (window_sum), best values (window_best),
 *      texts (window_concat)
 *
 * Numbered invariants
 *   1  Rows of a range are in window order: by partition, then by the ORDER BY keys.
 *   2  Frames are half-open and inside the partition: 0 <= lo <= hi <= rows; lo and hi never fall
 *      from one row to the next.
 *   3  Which of several equal rows comes first is unknown to us: SQLite takes its scan's order. A
 *      call that would show it is refused (YODA_NOT_COLUMNAR) unless the rows are identical in all
 *      columns that anybody reads.
 *
 * Threads  a range and its partitions belong to one worker
 */
#ifndef YODA_OLAP_WINDOW_H
#define YODA_OLAP_WINDOW_H

#include "olap/exec/flat_vector.h"
#include "olap/exec/pipeline.h"
#include "olap/exec/row_buffer.h"

#define WINDOW_NONE UINT32_MAX
#define WINDOW_CHECK_ROWS 65536u /* between two looks at the cancel flag */

struct window_column { /* values in window order; tags are enum row_tag */
    enum vtype type;
    void *data;    /* int64_t, double or struct strref, [rows] */
    uint8_t *tags; /* [rows] */
};

struct window_use { /* a call and where its arguments are */
    const struct window_call *call;
    uint32_t args[3]; /* columns of the range, WINDOW_NONE */
    uint32_t filter;  /* the same; VT_INT 0 or 1 */
    uint32_t output;  /* column of the node */
};

struct window_setup { /* one node in one run: the same for all threads */
    const struct run *run;
    const struct plan *plan;
    const struct window_use *uses; /* the calls that somebody reads */
    uint32_t use_count;
    uint32_t input_count;          /* columns of a range */
    uint32_t range_input;          /* RANGE with an offset: the ORDER BY column, else WINDOW_NONE */
    bool frames;                   /* some call looks at frames */
    bool ordered;                  /* some call shows the order of all rows: see invariant 3 */
};

struct window_partition {
    const struct window_setup *setup;
    struct arena *arena;                /* of the range: for texts */
    struct arena *scratch;              /* of the partition */
    const struct window_column *inputs; /* [input_count], of this partition */
    uint32_t rows, group_count;
    const uint32_t *group;              /* [rows] the row's peer group */
    const uint32_t *group_first;        /* [group_count + 1] */
    const uint32_t *lo, *hi;            /* [rows] frames, if setup->frames */
};

static inline struct value window_value(const struct window_column *c, uint32_t i)
{
    if (c->tags[i] == ROW_NULL || c->type == VT_NULL)
        return value_null();
    if (c->type == VT_TEXT || c->type == VT_BLOB) {
        struct strref ref = ((const struct strref *)c->data)[i];
        return c->type == VT_TEXT ? value_text(ref.ptr, ref.size) : value_blob(ref.ptr, ref.size);
    }
    if (c->tags[i] == ROW_REAL || c->type == VT_REAL)
        return value_real(((const double *)c->data)[i]);
    return value_int(((const int64_t *)c->data)[i]);
}
static inline size_t window_value_size(enum vtype type)
{
    return type == VT_TEXT || type == VT_BLOB ? sizeof(struct strref) : sizeof(uint64_t);
}
static inline void window_set_int(struct window_column *c, uint32_t i, int64_t value)
{
    ((int64_t *)c->data)[i] = value;
    c->tags[i] = ROW_VALUE;
}
/* Of a REAL or NUM column. */
static inline void window_set_real(struct window_column *c, uint32_t i, double value)
{
    ((double *)c->data)[i] = value;
    c->tags[i] = c->type == VT_NUM ? ROW_REAL : ROW_VALUE;
}
/* Row i of out becomes row `from` of a column that is of its type, or INT where out is NUM. */
void window_copy(struct window_column *out, uint32_t i, const struct window_column *in,
                 uint32_t from);
/* The rows of c from `first` on. */
struct window_column window_column_from(const struct window_column *c, uint32_t first);

/* The parts of a row's frame that EXCLUDE leaves, in order; returns how many. */
struct window_span {
    uint32_t from, to; /* [from, to) */
};
uint32_t window_spans(const struct window_partition *p, uint32_t row, struct window_span out[3]);
static inline bool window_excludes(const struct window_partition *p)
{
    return p->setup->plan->u.window.frame.exclude != EXCLUDE_NO_OTHERS;
}
/* Every WINDOW_CHECK_ROWS calls or so of work: the cancel flag and the deadline. */
YODA_MUST_CHECK static inline yoda_status window_step(const struct window_partition *p,
                                                      uint32_t *work, uint32_t rows,
                                                      yoda_error *err)
{
    *work += rows;
    if (*work < WINDOW_CHECK_ROWS)
        return YODA_OK;
    *work = 0;
    return run_check(p->setup->run, err);
}

/* Peer groups are given; fill lo and hi ([rows]). */
YODA_MUST_CHECK yoda_status window_frames(const struct window_partition *p, uint32_t *lo,
                                          uint32_t *hi, yoda_error *err);
/* Do frames of this node begin and end with peer groups? */
bool window_frames_of_groups(const struct window_frame *frame);

/* Results of one call: out [rows] of the partition; its tags are ROW_NULL before. */
#define WINDOW_FN(name)                                                                            \
    YODA_MUST_CHECK yoda_status name(const struct window_partition *p,                             \
                                     const struct window_use *use, struct window_column *out,      \
                                     yoda_error *err)
WINDOW_FN(window_evaluate); /* any call: by the others */
WINDOW_FN(window_rank);     /* row_number, rank, dense_rank, percent_rank, cume_dist */
WINDOW_FN(window_ntile);
WINDOW_FN(window_shift); /* lag, lead */
WINDOW_FN(window_pick);  /* first_value, last_value, nth_value */
WINDOW_FN(window_count);
WINDOW_FN(window_sum);
WINDOW_FN(window_best);
WINDOW_FN(window_concat);

/* Sums of REALs add up as SQLite 3.43 and later do (compensated) or as those before. Once, before
 * any run. */
void window_set_compensated(bool compensated);

#endif
