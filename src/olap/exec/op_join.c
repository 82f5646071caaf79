/*
 * op_join.c -- JOIN: which columns go where, and the order of its pipelines.
 *
 * Build side first, then the child through the probe, then the left-overs. Where the build side has
 * no rows and no row can come out, the child does not run at all.
 */
#include "olap/exec/join.h"

bool join_gives_child(enum join_kind kind)
{
    return kind != JOIN_RIGHT_SEMI && kind != JOIN_RIGHT_ANTI;
}

bool join_gives_build(enum join_kind kind)
{
    return kind != JOIN_SEMI && kind != JOIN_ANTI && kind != JOIN_MARK;
}

bool join_keeps_unmatched_child(enum join_kind kind)
{
    return kind == JOIN_LEFT || kind == JOIN_FULL || kind == JOIN_SINGLE;
}

bool join_wants_matched(enum join_kind kind)
{
    return kind == JOIN_RIGHT || kind == JOIN_FULL || kind == JOIN_RIGHT_SEMI ||
           kind == JOIN_RIGHT_ANTI;
}

bool join_asks_existence(const struct plan *plan)
{
    return !join_gives_build(plan->u.join.kind) && !plan->u.join.residual;
}

/* Where the build side's columns begin in the output; UINT32_MAX: they are not in it. */
static uint32_t build_offset(const struct join *join)
{
    enum join_kind kind = join->plan->u.join.kind;
    if (!join_gives_build(kind))
        return UINT32_MAX;
    return join_gives_child(kind) ? join->child_count : 0;
}

static uint64_t *column_set(struct run *run, uint32_t columns)
{
    return arena_array(&run->arena, uint64_t, BITMAP_WORDS(columns) + 1);
}

static yoda_status residual_columns(struct join *join, yoda_error *err)
{
    expr_ref residual = join->plan->u.join.residual;
    join->residual_inputs = column_set(join->op.run, join->child_count + join->build_count);
    if (!join->residual_inputs)
        return run_nomem(err, "planning");
    if (residual)
        expr_inputs(residual, join->residual_inputs);
    return YODA_OK;
}

/* Columns read of the child: for the output, the keys, the residual. */
static yoda_status child_columns(const struct join *join, uint64_t **out, yoda_error *err)
{
    const struct plan *plan = join->plan;
    uint64_t *set = column_set(join->op.run, join->child_count);
    if (!set)
        return run_nomem(err, "planning");
    for (uint32_t i = 0; i < join->child_count; i++)
        if ((join_gives_child(plan->u.join.kind) && bit_get(join->needed, i)) ||
            bit_get(join->residual_inputs, i))
            bit_set(set, i);
    for (uint32_t k = 0; k < plan->u.join.key_count; k++)
        expr_inputs(plan->u.join.keys[k].probe, set);
    *out = set;
    return YODA_OK;
}

/* Columns kept of the build side: for the output, the residual, keys that are plain columns. */
static yoda_status kept_columns(struct join *join, yoda_error *err)
{
    const struct plan *plan = join->plan;
    uint32_t offset = build_offset(join), keys = plan->u.join.key_count;
    uint64_t *set = column_set(join->op.run, join->build_count);
    join->types = arena_array(&join->op.run->arena, enum vtype, join->build_count + keys);
    join->key_columns = arena_array(&join->op.run->arena, uint32_t, keys);
    join->null_safe = arena_array(&join->op.run->arena, bool, keys);
    if (!set || !join->types || !join->key_columns || !join->null_safe)
        return run_nomem(err, "planning");
    for (uint32_t i = 0; i < join->build_count; i++) {
        join->types[i] = plan->u.join.build->types[i];
        if ((offset != UINT32_MAX && bit_get(join->needed, offset + i)) ||
            bit_get(join->residual_inputs, join->child_count + i))
            bit_set(set, i);
    }
    join->kept_count = join->build_count;
    for (uint32_t k = 0; k < keys; k++) {
        const struct join_key *key = &plan->u.join.keys[k];
        bool plain = key->build->kind == EXPR_INPUT;
        join->null_safe[k] = key->null_safe;
        join->key_columns[k] = plain ? key->build->slot : join->kept_count++;
        if (plain)
            bit_set(set, key->build->slot);
        else
            join->types[join->key_columns[k]] = key->build->type;
    }
    join->kept = set;
    return YODA_OK;
}

/* Does a LIMIT below run in the probe's pipeline? */
static bool has_limit_below(const struct plan *plan)
{
    while (plan->kind == PLAN_FILTER || plan->kind == PLAN_PROJECT || plan->kind == PLAN_JOIN)
        plan = plan->child;
    return plan->kind == PLAN_LIMIT || plan->kind == PLAN_SET || plan->kind == PLAN_SHARED;
}

static yoda_status make_join(struct run *run, const struct plan *plan, const uint64_t *needed,
                             struct op *receiver, struct join **out, yoda_error *err)
{
    struct join *join = run_new_op(run, sizeof *join, &join_probe_type, receiver);
    if (!join)
        return run_nomem(err, "planning");
    join->plan = plan;
    join->needed = needed;
    join->child_count = plan->child->column_count;
    join->build_count = plan->u.join.build->column_count;
    join->set_rows = run_set_rows(run);
    join->may_stop = !has_limit_below(plan->child);
    join->locals = arena_array(&run->arena, struct join_local, run->workers);
    if (!join->locals)
        return run_nomem(err, "planning");
    for (uint32_t w = 0; w < run->workers; w++) {
        join->locals[w].caches = arena_array(&run->arena, struct join_cache,
                                             plan->u.join.key_count + 1);
        if (!join->locals[w].caches)
            return run_nomem(err, "planning");
    }
    TRY(residual_columns(join, err));
    TRY(kept_columns(join, err));
    *out = join;
    return YODA_OK;
}

bool join_is_void(const struct join *join)
{
    enum join_kind kind = join->plan->u.join.kind;
    return join->rows.rows == 0 && (kind == JOIN_INNER || kind == JOIN_SEMI ||
                                    join_wants_matched(kind)) && kind != JOIN_FULL;
}

yoda_status join_make_matched(struct join *join, yoda_error *err)
{
    if (!join_wants_matched(join->plan->u.join.kind))
        return YODA_OK;
    join->matched = arena_calloc(&join->main.table.arena, join->rows.rows + (size_t)1, 1);
    return join->matched ? YODA_OK : run_nomem(err, "joining");
}

/* Dictionaries stay: they may still be in use above. */
void join_release(struct join *join)
{
    join_lookup_deinit(&join->main);
    join_lookup_deinit(&join->others);
    join_lookup_deinit(&join->others_null);
    join_rows_drop(&join->rows);
}

/* The build side is in memory: the child runs straight through the probe. */
static yoda_status run_in_memory(struct join *join, const uint64_t *child_needed,
                                 struct op *receiver, yoda_error *err)
{
    struct run *run = join->op.run;
    struct scan_filter *outer = run->filters;
    TRY(join_build_tables(join, err));
    TRY(join_make_matched(join, err));
    if (!join_is_void(join)) {
        TRY(join_filter_scans(join, err));
        TRY(plan_run_into(run, join->plan->child, child_needed, &join->op, err));
        run->filters = outer;
        if (join->matched)
            TRY(join_rest(join, receiver, err));
    }
    join_release(join);
    return YODA_OK;
}

yoda_status join_run(struct run *run, const struct plan *plan, const uint64_t *needed,
                     struct op *receiver, yoda_error *err)
{
    struct join *join = NULL;
    uint64_t *below = NULL;
    bool spilled = false;
    TRY(make_join(run, plan, needed, receiver, &join, err));
    TRY(child_columns(join, &below, err));
    TRY(join_build(join, err));
    if (join->spill)
        TRY(join_spill_settle(join, &spilled, err));
    if (spilled)
        return join_spill_run(join, below, receiver, err);
    return run_in_memory(join, below, receiver, err);
}
