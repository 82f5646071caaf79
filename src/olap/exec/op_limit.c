/*
 * op_limit.c -- LIMIT and OFFSET.
 *
 * State     seen  rows that have arrived, over all workers
 * Each row set claims the positions [seen, seen + rows) with one atomic add; those inside
 * [offset, offset + limit) pass. Past the end the pipeline is stopped. An ordered source has one
 * morsel, so there positions are the order; without an order any rows will do.
 */
#include "olap/exec/pipeline.h"

struct limit {
    struct op op; /* must be first */
    uint64_t first, end; /* positions that pass: [first, end) */
    _Atomic uint64_t seen;
};

static yoda_status limit_push(struct op *op, struct worker *worker, const struct row_set *in,
                              yoda_error *err)
{
    struct limit *limit = (struct limit *)op;
    uint64_t at = atomic_fetch_add_explicit(&limit->seen, in->rows, memory_order_relaxed);
    if (at + in->rows >= limit->end)
        atomic_store_explicit(&worker->pipeline->stopped, true, memory_order_relaxed);
    uint64_t first = at > limit->first ? at : limit->first;
    uint64_t end = at + in->rows < limit->end ? at + in->rows : limit->end;
    if (first >= end)
        return YODA_OK;
    if (end - first == in->rows)
        return op_push(op->next, worker, in, err);
    uint16_t *sel = arena_alloc(&worker->scratch, VECTOR_ROWS * sizeof *sel + 64);
    if (!sel)
        return run_nomem(err, "limiting rows");
    for (uint64_t i = first; i < end; i++)
        sel[i - first] = (uint16_t)(i - at);
    struct row_set out;
    TRY(row_set_gather(in, NULL, sel, (uint32_t)(end - first), &worker->scratch, &out, err));
    return op_push(op->next, worker, &out, err);
}

static const struct op_type limit_type = {.push = limit_push};

yoda_status limit_op(struct run *run, const struct plan *plan, struct op *next, struct op **out,
                     yoda_error *err)
{
    struct limit *limit = run_new_op(run, sizeof *limit, &limit_type, next);
    if (!limit)
        return run_nomem(err, "planning");
    uint64_t take = plan->u.limit.limit;
    limit->first = plan->u.limit.offset;
    limit->end = take > UINT64_MAX - limit->first ? UINT64_MAX : limit->first + take;
    limit->op.wanted = limit->end < UINT64_MAX ? limit->end : 0;
    atomic_init(&limit->seen, 0);
    *out = &limit->op;
    return YODA_OK;
}
