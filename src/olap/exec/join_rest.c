/*
 * join_rest.c -- build rows by whether they were matched, after the last probe row.
 *
 * RIGHT and FULL give those without a match beside NULLs, RIGHT_ANTI gives them alone, RIGHT_SEMI
 * gives those with a match.
 */
#include "olap/exec/join.h"

#define MORSEL_ROWS (32 * VECTOR_ROWS)

struct rest {
    struct source source; /* must be first */
    const struct join *join;
};

/* Push the build rows ids[n]. */
static yoda_status push_rows(const struct join *join, struct worker *worker, const uint32_t *ids,
                             uint32_t n, yoda_error *err)
{
    uint32_t before = join_gives_child(join->plan->u.join.kind) ? join->child_count : 0;
    uint32_t count = before + join->build_count;
    struct vector *columns = row_set_columns(&worker->scratch, count, n);
    if (!columns)
        return run_nomem(err, "joining");
    for (uint32_t i = 0; i < join->build_count; i++)
        if (bit_get(join->needed, before + i))
            TRY(join_rows_gather(&join->rows, i, ids, n, false, &worker->scratch,
                                 &columns[before + i], err));
    struct row_set out = {n, count, columns, NULL};
    return pipeline_push(worker, &out, err);
}

static yoda_status rest_run(struct source *source, struct worker *worker, uint32_t morsel,
                            yoda_error *err)
{
    const struct join *join = ((const struct rest *)source)->join;
    uint64_t row = (uint64_t)morsel * MORSEL_ROWS, end = row + MORSEL_ROWS;
    bool want = join->plan->u.join.kind == JOIN_RIGHT_SEMI;
    end = end < join->rows.rows ? end : join->rows.rows;
    while (row < end && !pipeline_stopped(worker)) {
        uint32_t n = 0;
        TRY(pipeline_step(worker, err));
        uint32_t *ids = arena_alloc(&worker->scratch, join->set_rows * sizeof *ids);
        if (!ids)
            return run_nomem(err, "joining");
        for (; row < end && n < join->set_rows; row++) {
            ids[n] = (uint32_t)row;
            n += (atomic_load_explicit(&join->matched[row], memory_order_relaxed) != 0) == want;
        }
        if (n)
            TRY(push_rows(join, worker, ids, n, err));
    }
    return YODA_OK;
}

yoda_status join_rest(struct join *join, struct op *receiver, yoda_error *err)
{
    struct rest rest = {.join = join};
    rest.source.morsel_count = (uint32_t)((join->rows.rows + (uint64_t)MORSEL_ROWS - 1) /
                                          MORSEL_ROWS);
    rest.source.run = rest_run;
    return pipeline_run(join->op.run, &rest.source, receiver, err);
}
