/*
 * op_filter.c -- FILTER above a breaker or a projection (HAVING, a filter on a subquery).
 *
 * Scans filter by themselves. Here the condition gives a bitmap; where all rows pass the row set
 * goes on untouched, otherwise the rows left are gathered so that rows stay dense.
 */
#include "olap/exec/pipeline.h"

struct filter {
    struct op op; /* must be first */
    expr_ref condition;
    const uint64_t *needed;
};

static yoda_status filter_push(struct op *op, struct worker *worker, const struct row_set *in,
                               yoda_error *err)
{
    const struct filter *filter = (const struct filter *)op;
    uint64_t *bits = arena_alloc(&worker->scratch, VECTOR_WORDS * sizeof *bits);
    uint16_t *sel = arena_alloc(&worker->scratch, VECTOR_ROWS * sizeof *sel + 64);
    if (!bits || !sel)
        return run_nomem(err, "filtering rows");
    TRY(expr_filter(filter->condition, &worker->eval, in, bits, err));
    uint32_t n = bitmap_to_selection(bits, in->rows, sel);
    ASSERT(n <= in->rows);
    if (n == 0)
        return YODA_OK;
    if (n == in->rows)
        return op_push(op->next, worker, in, err);
    struct row_set out;
    TRY(row_set_gather(in, filter->needed, sel, n, &worker->scratch, &out, err));
    return op_push(op->next, worker, &out, err);
}

static const struct op_type filter_type = {.push = filter_push};

yoda_status filter_op(struct run *run, const struct plan *plan, const uint64_t *needed,
                      struct op *next, struct op **out, yoda_error *err)
{
    struct filter *filter = run_new_op(run, sizeof *filter, &filter_type, next);
    if (!filter)
        return run_nomem(err, "planning");
    filter->condition = plan->u.filter.condition;
    filter->needed = needed;
    *out = &filter->op;
    return YODA_OK;
}
