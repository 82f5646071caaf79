/*
 * plan_run.c -- cutting a plan into pipelines and running them, lowest first.
 *
 * The walk goes from the root down with the operator that will receive a node's rows. A streaming
 * node puts its operator in front of that receiver and goes on below; a breaker first runs
 * everything below it into itself, then runs what it has gathered into the receiver; a leaf runs.
 * On the way down goes a bitmap of the columns that somebody above reads, so that nothing else is
 * touched.
 */
#include "olap/exec/profile.h"

/* An empty column set for a node's output. */
static uint64_t *column_set(struct run *run, uint32_t columns)
{
    return arena_array(&run->arena, uint64_t, BITMAP_WORDS(columns) + 1);
}

static yoda_status run_filter(struct run *run, const struct plan *plan, const uint64_t *needed,
                              struct op *receiver, yoda_error *err)
{
    uint64_t *below = column_set(run, plan->column_count);
    if (!below)
        return run_nomem(err, "planning");
    for (size_t w = 0; w < BITMAP_WORDS(plan->column_count); w++)
        below[w] = needed[w];
    expr_inputs(plan->u.filter.condition, below);
    struct op *op;
    TRY(filter_op(run, plan, needed, receiver, &op, err));
    return plan_run_into(run, plan->child, below, op, err);
}

static yoda_status run_project(struct run *run, const struct plan *plan, const uint64_t *needed,
                               struct op *receiver, yoda_error *err)
{
    uint64_t *below = column_set(run, plan->child->column_count);
    if (!below)
        return run_nomem(err, "planning");
    for (uint32_t i = 0; i < plan->column_count; i++)
        if (bit_get(needed, i))
            expr_inputs(plan->u.project.exprs[i], below);
    struct op *op;
    TRY(project_op(run, plan, needed, receiver, &op, err));
    return plan_run_into(run, plan->child, below, op, err);
}

static void aggregate_inputs(const struct plan *plan, uint64_t *below)
{
    for (uint32_t k = 0; k < plan->u.aggregate.key_count; k++)
        expr_inputs(plan->u.aggregate.keys[k], below);
    for (uint32_t a = 0; a < plan->u.aggregate.aggregate_count; a++) {
        const struct aggregate *aggregate = &plan->u.aggregate.aggregates[a];
        if (aggregate->arg)
            expr_inputs(aggregate->arg, below);
        if (aggregate->filter)
            expr_inputs(aggregate->filter, below);
    }
}

/* The columns a breaker reads of its child. */
static void breaker_inputs(const struct plan *plan, const uint64_t *needed, uint64_t *below)
{
    if (plan->kind == PLAN_AGGREGATE) {
        aggregate_inputs(plan, below);
    } else if (plan->kind == PLAN_DISTINCT) {
        bitmap_fill(below, plan->column_count);
    } else {
        for (size_t w = 0; w < BITMAP_WORDS(plan->column_count); w++)
            below[w] = needed[w];
        for (uint32_t k = 0; k < plan->u.sort.key_count; k++)
            bit_set(below, plan->u.sort.keys[k].column);
    }
}

static yoda_status run_breaker(struct run *run, const struct plan *plan, const uint64_t *needed,
                               struct op *receiver, yoda_error *err)
{
    uint64_t *below = column_set(run, plan->child->column_count);
    if (!below)
        return run_nomem(err, "planning");
    breaker_inputs(plan, needed, below);
    struct op *sink;
    if (plan->kind == PLAN_AGGREGATE)
        TRY(aggregate_op(run, plan, &sink, err));
    else if (plan->kind == PLAN_DISTINCT)
        TRY(distinct_op(run, plan, &sink, err));
    else
        TRY(sort_op(run, plan, needed, &sink, err));
    if (plan->kind == PLAN_DISTINCT) /* the rows of a sort or a group are not any rows */
        sink->wanted = receiver->wanted;
    TRY(plan_run_into(run, plan->child, below, sink, err));
    struct source *source = NULL;
    TRY(sink->type->finish(sink, &source, err));
    ASSERT(source);
    return pipeline_run(run, source, receiver, err);
}

static yoda_status run_leaf(struct run *run, const struct plan *plan, const uint64_t *needed,
                            struct op *receiver, yoda_error *err)
{
    struct source *source;
    if (plan->kind == PLAN_SCAN)
        TRY(scan_source(run, plan, needed, receiver, &source, err));
    else
        TRY(values_source(run, plan, &source, err));
    return pipeline_run(run, source, receiver, err);
}

static yoda_status run_node(struct run *run, const struct plan *plan, const uint64_t *needed,
                            struct op *receiver, yoda_error *err)
{
    struct op *op;
    switch (plan->kind) {
    case PLAN_FILTER:
        return run_filter(run, plan, needed, receiver, err);
    case PLAN_PROJECT:
        return run_project(run, plan, needed, receiver, err);
    case PLAN_LIMIT:
        TRY(limit_op(run, plan, receiver, &op, err));
        return plan_run_into(run, plan->child, needed, op, err);
    case PLAN_AGGREGATE:
    case PLAN_DISTINCT:
    case PLAN_SORT:
        return run_breaker(run, plan, needed, receiver, err);
    case PLAN_SCAN:
    case PLAN_VALUES:
        return run_leaf(run, plan, needed, receiver, err);
    case PLAN_JOIN:
        return join_run(run, plan, needed, receiver, err);
    case PLAN_WINDOW:
        return window_run(run, plan, needed, receiver, err);
    case PLAN_SET:
        return set_run(run, plan, needed, receiver, err);
    case PLAN_SHARED:
        return shared_run(run, plan, needed, receiver, err);
    }
    return fail(err, YODA_INTERNAL, "plan node of unknown kind %d", (int)plan->kind);
}

yoda_status plan_run_into(struct run *run, const struct plan *plan, const uint64_t *needed,
                          struct op *receiver, yoda_error *err)
{
    return run->context->profile ? profile_node(run, plan, needed, receiver, run_node, err)
                                 : run_node(run, plan, needed, receiver, err);
}

/* Rows go to a list or to a receiver; the other one is NULL. */
static yoda_status run_root(struct run *run, const struct plan *plan, uint32_t visible_columns,
                            struct batch_list *list, const struct plan_receiver *receiver,
                            yoda_error *err)
{
    uint64_t *needed = column_set(run, plan->column_count);
    if (!needed)
        return run_nomem(err, "planning");
    bitmap_fill(needed, visible_columns);
    struct op *sink;
    struct source *none;
    if (receiver)
        TRY(stream_op(run, plan, visible_columns, receiver, &sink, err));
    else
        TRY(collect_op(run, plan, visible_columns, list, &sink, err));
    TRY(plan_run_into(run, plan, needed, sink, err));
    return sink->type->finish(sink, &none, err);
}

static yoda_status run_plan(const struct plan *plan, const struct version *version,
                            uint32_t visible_columns, struct run_context *context,
                            struct batch_list *list, const struct plan_receiver *receiver,
                            yoda_error *err)
{
    ASSERT(visible_columns <= plan->column_count);
    struct run run = {.version = version, .context = context};
    run.workers = context->pool ? task_pool_workers(context->pool) : 1;
    arena_init(&run.arena, context->budget);
    profile_skip(&run);
    yoda_status status = run_root(&run, plan, visible_columns, list, receiver, err);
    profile_charge(&run);
    for (struct op *op = run.ops; op; op = op->made_before)
        if (op->type->destroy)
            op->type->destroy(op);
    arena_deinit(&run.arena);
    return status;
}

yoda_status plan_run(const struct plan *plan, const struct version *version,
                     uint32_t visible_columns, struct run_context *context, struct batch_list *out,
                     yoda_error *err)
{
    ASSERT(out->column_count == visible_columns);
    return run_plan(plan, version, visible_columns, context, out, NULL, err);
}

yoda_status plan_run_stream(const struct plan *plan, const struct version *version,
                            uint32_t visible_columns, struct run_context *context,
                            const struct plan_receiver *receiver, yoda_error *err)
{
    return run_plan(plan, version, visible_columns, context, NULL, receiver, err);
}
