/*
 * op_distinct.c -- DISTINCT: an aggregation whose keys are all columns and that computes nothing.
 */
#include "olap/exec/aggregation.h"

struct distinct {
    struct op op; /* must be first */
    struct aggregation_plan plan;
    struct aggregation **locals; /* [workers] */
    struct aggregation **finals;
    uint32_t final_count;
    struct aggregation_source source;
    struct aggregation_spill *spill;
};

static yoda_status row_keys(struct op *op, struct worker *worker, const struct row_set *in,
                            const struct vector **keys, yoda_error *err)
{
    YODA_UNUSED(op), YODA_UNUSED(worker), YODA_UNUSED(err);
    *keys = in->columns;
    return YODA_OK;
}

static yoda_status consume(struct op *op, struct worker *worker, struct aggregation *to,
                           const struct row_set *in, yoda_error *err)
{
    YODA_UNUSED(op);
    struct aggregation_batch batch = {.rows = in->rows, .keys = in->columns};
    return aggregation_consume(to, &batch, &worker->scratch, err);
}

static yoda_status distinct_push(struct op *op, struct worker *worker, const struct row_set *in,
                                 yoda_error *err)
{
    struct distinct *distinct = (struct distinct *)op;
    struct aggregation **local = &distinct->locals[worker->index];
    bool taken;
    ASSERT(in->column_count == distinct->plan.key_count);
    TRY(aggregation_spill_push(distinct->spill, worker, in, &taken, err));
    if (taken)
        return YODA_OK;
    if (!*local)
        TRY(aggregation_create(&distinct->plan, op->run->context->budget, local, err));
    TRY(consume(op, worker, *local, in, err));
    if (op->wanted && (*local)->groups >= op->wanted) /* LIMIT: any rows will do */
        atomic_store_explicit(&worker->pipeline->stopped, true, memory_order_relaxed);
    return YODA_OK;
}

static yoda_status distinct_finish(struct op *op, struct source **out, yoda_error *err)
{
    struct distinct *distinct = (struct distinct *)op;
    TRY(aggregation_spill_finish(distinct->spill, out, err));
    if (*out)
        return YODA_OK;
    TRY(aggregation_combine(op->run, &distinct->plan, distinct->locals, &distinct->finals,
                            &distinct->final_count, err));
    aggregation_source_init(&distinct->source, &distinct->plan, distinct->finals,
                            distinct->final_count);
    *out = &distinct->source.source;
    return YODA_OK;
}

static void distinct_destroy(struct op *op)
{
    struct distinct *distinct = (struct distinct *)op;
    for (uint32_t w = 0; distinct->locals && w < op->run->workers; w++)
        aggregation_destroy(distinct->locals[w]);
    for (uint32_t i = 0; distinct->finals && i < distinct->final_count; i++)
        aggregation_destroy(distinct->finals[i]);
    aggregation_spill_destroy(distinct->spill);
}

static const struct op_type distinct_type = {
    .push = distinct_push, .finish = distinct_finish, .destroy = distinct_destroy};

yoda_status distinct_op(struct run *run, const struct plan *plan, struct op **out, yoda_error *err)
{
    struct distinct *distinct = run_new_op(run, sizeof *distinct, &distinct_type, NULL);
    struct group_key *keys = arena_array(&run->arena, struct group_key, plan->column_count);
    if (!distinct || !keys)
        return run_nomem(err, "planning");
    *out = &distinct->op;
    distinct->op.wants_values = true;
    distinct->locals = arena_array(&run->arena, struct aggregation *, run->workers);
    if (!distinct->locals)
        return run_nomem(err, "planning");
    for (uint32_t i = 0; i < plan->column_count; i++) {
        keys[i].type = plan->types[i];
        keys[i].collation =
            plan->u.distinct.collations ? plan->u.distinct.collations[i] : COLLATE_BINARY;
        if (keys[i].type == VT_TEXT && keys[i].collation != COLLATE_BINARY)
            return fail(err, YODA_NOT_COLUMNAR,
                        "DISTINCT text under a collation other than BINARY");
    }
    distinct->plan.keys = keys;
    distinct->plan.key_count = plan->column_count;
    struct aggregation_spill_op spill = {&distinct->op,    plan,     &distinct->plan, NULL,
                                         distinct->locals, row_keys, consume};
    distinct->spill = aggregation_spill_new(&spill);
    return distinct->spill ? YODA_OK : run_nomem(err, "planning");
}
