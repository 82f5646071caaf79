/*
 * pipeline.h -- how rows move: a source, streaming operators, a sink.
 *
 *      source --row set--> op --row set--> ... --row set--> sink
 *        morsel 0..n-1 on any worker                         thread-local state, then finish
 *
 * A source is cut into morsels (a scan: segments); a worker takes one, pushes row sets of up to
 * VECTOR_ROWS dense rows down the chain and comes back for the next. A breaker (aggregate,
 * distinct, sort) is the sink of one pipeline and, after finish, the source of the next.
 *
 * Numbered invariants
 *   1  A row set is valid only during the push: it lives in the worker's scratch arena.
 *   2  Columns that nobody above needs are VT_NULL placeholders.
 *   3  Every row of a row set counts, unless the receiver takes row_set.alive.
 *   4  A vector's type is the plan's type for the column, or VT_NULL when every row is NULL.
 *
 * Threads  push runs on any worker at once; state of a sink is per worker. Everything else is the
 *          caller's thread, and so are pipelines whose sink `waits`: the workers are shared with
 *          other runs.
 */
#ifndef YODA_OLAP_PIPELINE_H
#define YODA_OLAP_PIPELINE_H

#include "olap/exec/plan.h"

struct op;
struct source;
struct pipeline;
struct scan_filter;

struct run { /* one plan_run */
    const struct version *version;
    struct run_context *context;
    uint32_t workers;
    struct arena arena; /* operators; the caller's thread only */
    struct op *ops;     /* all made so far, newest first, for destroy */
    uint32_t node;      /* profile.h: the plan node that runs; 0: above the root */
    int64_t timed_since_ns;
    struct scan_filter *filters; /* of joins being probed, for the scans below them */
};

struct worker { /* one thread inside one pipeline */
    uint32_t index;
    bool ready;
    struct pipeline *pipeline;
    struct arena scratch; /* reset before each row set */
    struct arena morsel;  /* reset before each morsel */
    struct eval eval;     /* over scratch */
    struct op_profile *timed; /* profile.h: whose time passes; NULL: not wanted */
    int64_t timed_since_ns;
};

struct source {
    uint32_t morsel_count;
    yoda_status (*run)(struct source *source, struct worker *worker, uint32_t morsel,
                       yoda_error *err);
};

struct segment_facts { /* a segment all of whose rows count, unread */
    uint32_t rows;
    const struct chunk *const *chunks; /* by the scan's columns; NULL where nobody reads them */
};

struct op_type {
    yoda_status (*push)(struct op *op, struct worker *worker, const struct row_set *in,
                        yoda_error *err);
    /* Where op.takes_facts: take a segment by what its chunks know of themselves, instead of its
     * rows; *taken false: they are wanted. worker: an index, 0 before the workers have begun. */
    yoda_status (*absorb)(struct op *op, uint32_t worker, const struct segment_facts *facts,
                          bool *taken, yoda_error *err);
    /* Sinks: combine the workers' states; *out (may be NULL) is what the next pipeline reads. */
    yoda_status (*finish)(struct op *op, struct source **out, yoda_error *err);
    void (*destroy)(struct op *op); /* may be NULL */
};

struct op {
    const struct op_type *type;
    struct run *run;
    struct op *next;     /* towards the sink */
    struct op *made_before;
    bool takes_alive;    /* push understands row_set.alive */
    bool takes_facts;    /* absorb may take segments */
    bool wants_values;   /* how often equal rows of one column come does not matter */
    bool waits;          /* a sink whose push may wait for somebody: on the caller's thread only */
    uint64_t wanted;     /* any so many rows are enough; 0: all are wanted */
};

struct pipeline {
    struct run *run;
    struct source *source;
    struct op *first;
    struct worker *workers; /* [run->workers] */
    _Atomic bool stopped;   /* enough rows: morsels not yet started are skipped */
};

/* Run all morsels of source through first and the operators behind it; does not finish the sink. */
YODA_MUST_CHECK yoda_status pipeline_run(struct run *run, struct source *source, struct op *first,
                                         yoda_error *err);
/* Sources, before each row set: reset the scratch arena; YODA_INTERRUPTED, YODA_TIMEOUT. */
YODA_MUST_CHECK yoda_status pipeline_step(struct worker *worker, yoda_error *err);
static inline bool pipeline_stopped(const struct worker *worker)
{
    return atomic_load_explicit(&worker->pipeline->stopped, memory_order_relaxed);
}
static inline yoda_status pipeline_push(struct worker *worker, const struct row_set *rows,
                                        yoda_error *err)
{
    struct op *first = worker->pipeline->first;
    return first->type->push(first, worker, rows, err);
}
static inline yoda_status op_push(struct op *op, struct worker *worker, const struct row_set *rows,
                                  yoda_error *err)
{
    return op->type->push(op, worker, rows, err);
}
/* Run fn for 0..count-1 on the run's pool. */
YODA_MUST_CHECK yoda_status run_tasks(struct run *run, uint32_t count,
                                      yoda_status (*fn)(void *ctx, uint32_t worker, uint32_t index,
                                                        yoda_error *err),
                                      void *ctx, yoda_error *err);
/* Check the cancel flag and the deadline. */
YODA_MUST_CHECK yoda_status run_check(const struct run *run, yoda_error *err);
/* Rows of a row set, at most: VECTOR_ROWS, or fewer by the run's knobs. */
static inline uint32_t run_set_rows(const struct run *run)
{
    uint32_t rows = run->context->knobs.vector_rows;
    return rows && rows < VECTOR_ROWS ? rows : VECTOR_ROWS;
}
/* YODA_NOMEM for an arena of the run that gave NULL: says what for and names memory_limit. */
yoda_status run_nomem(yoda_error *err, const char *what);
/* Allocate an operator of `size` bytes (struct op first) in the run; NULL where memory is short. */
void *run_new_op(struct run *run, size_t size, const struct op_type *type, struct op *next);

/* ---- Sources -------------------------------------------------------------------------------- */
/* needed: bitmap of the output columns somebody reads; borrowed for the run. receiver: of the rows;
 * segments that it absorbs are no morsels. */
YODA_MUST_CHECK yoda_status scan_source(struct run *run, const struct plan *plan,
                                        const uint64_t *needed, struct op *receiver,
                                        struct source **out, yoda_error *err);
YODA_MUST_CHECK yoda_status values_source(struct run *run, const struct plan *plan,
                                          struct source **out, yoda_error *err);

/* ---- Streaming operators -------------------------------------------------------------------- */
YODA_MUST_CHECK yoda_status filter_op(struct run *run, const struct plan *plan,
                                      const uint64_t *needed, struct op *next, struct op **out,
                                      yoda_error *err);
YODA_MUST_CHECK yoda_status project_op(struct run *run, const struct plan *plan,
                                       const uint64_t *needed, struct op *next, struct op **out,
                                       yoda_error *err);
YODA_MUST_CHECK yoda_status limit_op(struct run *run, const struct plan *plan, struct op *next,
                                     struct op **out, yoda_error *err);

/* ---- Sinks ---------------------------------------------------------------------------------- */
YODA_MUST_CHECK yoda_status aggregate_op(struct run *run, const struct plan *plan, struct op **out,
                                         yoda_error *err);
YODA_MUST_CHECK yoda_status distinct_op(struct run *run, const struct plan *plan, struct op **out,
                                        yoda_error *err);
YODA_MUST_CHECK yoda_status sort_op(struct run *run, const struct plan *plan,
                                    const uint64_t *needed, struct op **out, yoda_error *err);
/* Rows go to list (its budget is the batches' budget). */
YODA_MUST_CHECK yoda_status collect_op(struct run *run, const struct plan *plan, uint32_t columns,
                                       struct batch_list *list, struct op **out, yoda_error *err);

/* Rows go to receiver in parts while the run goes on; the sink waits. */
YODA_MUST_CHECK yoda_status stream_op(struct run *run, const struct plan *plan, uint32_t columns,
                                      const struct plan_receiver *receiver, struct op **out,
                                      yoda_error *err);

/* ---- Nodes that run their inputs themselves --------------------------------------------------- */
/* Run a node and everything below it into receiver (plan_run.c). needed as for scan_source. The
 * same receiver may get the rows of several pipelines, one after the other. */
YODA_MUST_CHECK yoda_status plan_run_into(struct run *run, const struct plan *plan,
                                          const uint64_t *needed, struct op *receiver,
                                          yoda_error *err);
YODA_MUST_CHECK yoda_status join_run(struct run *run, const struct plan *plan,
                                     const uint64_t *needed, struct op *receiver, yoda_error *err);
YODA_MUST_CHECK yoda_status window_run(struct run *run, const struct plan *plan,
                                       const uint64_t *needed, struct op *receiver,
                                       yoda_error *err);
YODA_MUST_CHECK yoda_status set_run(struct run *run, const struct plan *plan,
                                    const uint64_t *needed, struct op *receiver, yoda_error *err);
YODA_MUST_CHECK yoda_status shared_run(struct run *run, const struct plan *plan,
                                       const uint64_t *needed, struct op *receiver,
                                       yoda_error *err);

/* ---- Row sets ------------------------------------------------------------------------------- */
/* The rows listed in sel ([n]) of the needed columns (NULL: all); others become placeholders. */
YODA_MUST_CHECK yoda_status row_set_gather(const struct row_set *in, const uint64_t *needed,
                                           const uint16_t *sel, uint32_t n, struct arena *arena,
                                           struct row_set *out, yoda_error *err);
/* [count] placeholders of `rows` rows. NULL where memory is short. */
struct vector *row_set_columns(struct arena *arena, uint32_t count, uint32_t rows);

#endif
