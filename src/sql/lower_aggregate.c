/*
 * lower_aggregate.c -- AGGREGATE, DISTINCT and WINDOW.
 *
 * Keys and arguments that a MAP below computes are taken into the node: aggregation works on codes
 * and scaled integers where it sees the expression itself. An argument that several aggregates share
 * is computed once by the node; anything else that would be computed twice is left to a PROJECT.
 */
#include "sql/lower.h"

/* ---- What an aggregation reads ---- */

/* A column that is a whole argument counts once, of however many aggregates. */
static void count_arg(expr_ref arg, uint64_t *seen, uint32_t *uses)
{
    if (arg && arg->kind == EXPR_INPUT && bit_get(seen, arg->slot))
        return;
    if (arg && arg->kind == EXPR_INPUT)
        bit_set(seen, arg->slot);
    if (arg)
        lower_count_uses(arg, uses);
}

/* A bare column is a matter of all aggregates; otherwise what nobody reads goes. */
static bool keep_all(const struct rel *rel)
{
    for (uint32_t i = 0; i < rel->u.aggregate.count; i++)
        if (rel->u.aggregate.aggregates[i].kind == AGG_BARE)
            return true;
    return false;
}

static yoda_status count_reads(struct lowering *l, const struct rel *rel, const uint64_t *needed,
                               uint32_t *uses, uint64_t *below)
{
    bool all = keep_all(rel);
    uint64_t *seen = NULL;
    TRY(rel_new_set(l->q, &seen));
    for (uint32_t k = 0; k < rel->u.aggregate.key_count; k++)
        uses[rel->u.aggregate.keys[k]]++;
    for (uint32_t i = 0; i < rel->u.aggregate.count; i++) {
        const struct aggregate *a = &rel->u.aggregate.aggregates[i];
        if (!all && !bit_get(needed, rel->u.aggregate.columns[i]))
            continue;
        count_arg(a->arg, seen, uses);
        if (a->filter)
            lower_count_uses(a->filter, uses);
    }
    for (uint32_t i = 0; i < l->q->column_count; i++)
        if (uses[i])
            bit_set(below, i);
    return YODA_OK;
}

/* ---- Making the node ---- */

static yoda_status renumber(struct lowering *l, const struct pending *p, expr_ref e, expr_ref *out)
{
    *out = NULL;
    if (!e)
        return YODA_OK;
    TRY(lower_inline(l, p, e, &e));
    return lower_expr(l, &p->base, e, out);
}

static yoda_status make_keys(struct lowering *l, const struct rel *rel, const struct pending *p,
                             struct plan *node, enum vtype *types, uint32_t *columns)
{
    uint32_t count = rel->u.aggregate.key_count;
    expr_ref *keys = arena_array(l->q->arena, expr_ref, count);
    enum collation *collations = arena_array(l->q->arena, enum collation, count);
    if (!keys || !collations)
        return fail_nomem(l->q->err, count * sizeof *keys);
    for (uint32_t k = 0; k < count; k++) {
        uint32_t column = rel->u.aggregate.keys[k];
        TRY(rel_input(l->q, column, &keys[k]));
        TRY(renumber(l, p, keys[k], &keys[k]));
        collations[k] = l->q->columns[column].collation;
        types[k] = keys[k]->type;
        columns[k] = column;
    }
    node->u.aggregate.keys = keys;
    node->u.aggregate.key_collations = collations;
    node->u.aggregate.key_count = count;
    return YODA_OK;
}

static yoda_status make_aggregate(struct lowering *l, const struct pending *p,
                                  const struct aggregate *in, struct aggregate *out)
{
    *out = *in;
    TRY(renumber(l, p, in->arg, &out->arg));
    TRY(renumber(l, p, in->filter, &out->filter));
    return renumber(l, p, in->separator, &out->separator);
}

/* One more than there are: a count for a GROUP BY without keys, or where nobody reads anything. */
static yoda_status make_aggregates(struct lowering *l, const struct rel *rel,
                                   const struct pending *p, const uint64_t *needed,
                                   struct plan *node, enum vtype *types, uint32_t *columns)
{
    uint32_t n = 0, first = rel->u.aggregate.key_count;
    struct aggregate *made = arena_array(l->q->arena, struct aggregate, rel->u.aggregate.count + 1);
    bool all = keep_all(rel);
    if (!made)
        return fail_nomem(l->q->err, rel->u.aggregate.count * sizeof *made);
    for (uint32_t i = 0; i < rel->u.aggregate.count; i++) {
        if (!all && !bit_get(needed, rel->u.aggregate.columns[i]))
            continue;
        TRY(make_aggregate(l, p, &rel->u.aggregate.aggregates[i], &made[n]));
        types[first + n] = made[n].type;
        columns[first + n] = rel->u.aggregate.columns[i];
        n++;
    }
    if (first == 0 && (rel->u.aggregate.keyed || n == 0)) {
        made[n] = (struct aggregate){.kind = AGG_COUNT_ROWS};
        TRY(aggregate_init(&made[n], l->q->err));
        types[n] = made[n].type;
        columns[n] = COLUMN_NONE;
        n++;
    }
    node->u.aggregate.aggregates = made;
    node->u.aggregate.aggregate_count = n;
    node->column_count = first + n;
    return YODA_OK;
}

/* GROUP BY of constants: one group where there are rows, otherwise none. */
static yoda_status only_with_rows(struct lowering *l, struct lowered *out)
{
    struct lowered all = *out;
    uint32_t last = all.plan->column_count - 1;
    struct value zero = value_int(0);
    expr_ref count, none;
    TRY(expr_input(&l->q->build, last, CLASS_INTEGER, AFFINITY_BLOB, false, COLLATE_BINARY,
                   &count));
    TRY(expr_constant(&l->q->build, &zero, &none));
    TRY(lower_same(l, PLAN_FILTER, &all, out));
    return expr_compare(&l->q->build, OP_GT, count, none, &out->plan->u.filter.condition);
}

/* DISTINCT over exactly the child's columns, in their order. */
static bool is_distinct(const struct rel *rel, const struct pending *p)
{
    if (rel->u.aggregate.count || !rel->u.aggregate.key_count || p->count ||
        p->base.plan->column_count != rel->u.aggregate.key_count)
        return false;
    for (uint32_t i = 0; i < p->base.plan->column_count; i++) {
        bool key = false;
        for (uint32_t k = 0; k < rel->u.aggregate.key_count && !key; k++)
            key = rel->u.aggregate.keys[k] == p->base.columns[i];
        if (!key)
            return false;
    }
    return true;
}

static yoda_status make_distinct(struct lowering *l, const struct pending *p, struct lowered *out)
{
    uint32_t count = p->base.plan->column_count;
    enum collation *collations = arena_array(l->q->arena, enum collation, count);
    if (!collations)
        return fail_nomem(l->q->err, count * sizeof *collations);
    for (uint32_t i = 0; i < count; i++)
        collations[i] = l->q->columns[p->base.columns[i]].collation;
    TRY(lower_same(l, PLAN_DISTINCT, &p->base, out));
    out->plan->u.distinct.collations = collations;
    return YODA_OK;
}

yoda_status lower_aggregate(struct lowering *l, struct rel *rel, const uint64_t *needed,
                            struct lowered *out)
{
    struct pending p;
    uint64_t *below = NULL;
    enum vtype *types = NULL;
    uint32_t *columns = NULL, most = rel->u.aggregate.key_count + rel->u.aggregate.count + 1;
    uint32_t *uses = arena_array(l->q->arena, uint32_t, l->q->column_count);
    if (!uses)
        return fail_nomem(l->q->err, l->q->column_count * sizeof *uses);
    TRY(rel_new_set(l->q, &below));
    TRY(count_reads(l, rel, needed, uses, below));
    TRY(lower_pending(l, rel->child, below, uses, &p));
    if (is_distinct(rel, &p))
        return make_distinct(l, &p, out);
    TRY(lower_node(l, PLAN_AGGREGATE, p.base.plan, most, &out->plan, &types, &columns));
    out->columns = columns;
    TRY(make_keys(l, rel, &p, out->plan, types, columns));
    TRY(make_aggregates(l, rel, &p, needed, out->plan, types, columns));
    if (rel->u.aggregate.keyed && rel->u.aggregate.key_count == 0)
        return only_with_rows(l, out);
    return YODA_OK;
}

/* ---- Windows ---- */

static yoda_status window_reads(struct lowering *l, const struct rel *rel, const uint64_t *needed,
                                uint64_t **out)
{
    TRY(lower_copy_set(l, needed, out));
    for (uint32_t i = 0; i < rel->u.window.partition_count; i++)
        bit_set(*out, rel->u.window.partition[i]);
    for (uint32_t i = 0; i < rel->u.window.order_count; i++)
        bit_set(*out, rel->u.window.order[i].column);
    for (uint32_t i = 0; i < rel->u.window.count; i++) {
        const struct window_call *call = &rel->u.window.calls[i];
        expr_ref parts[] = {call->aggregate.arg, call->aggregate.filter, call->aggregate.separator,
                            call->args[0],       call->args[1],          call->args[2]};
        for (size_t e = 0; e < COUNT_OF(parts); e++)
            if (parts[e] && bit_get(needed, rel->u.window.columns[i]))
                expr_inputs(parts[e], *out);
    }
    return YODA_OK;
}

static yoda_status window_keys(struct lowering *l, const struct rel *rel,
                               const struct lowered *child, struct plan *node)
{
    uint32_t parts = rel->u.window.partition_count, terms = rel->u.window.order_count;
    uint32_t *partition = arena_array(l->q->arena, uint32_t, parts);
    enum collation *collations = arena_array(l->q->arena, enum collation, parts);
    struct sort_key *order = arena_array(l->q->arena, struct sort_key, terms);
    if (!partition || !collations || !order)
        return fail_nomem(l->q->err, terms * sizeof *order);
    for (uint32_t i = 0; i < parts; i++) {
        collations[i] = l->q->columns[rel->u.window.partition[i]].collation;
        TRY(lower_slot(l, child, rel->u.window.partition[i], &partition[i]));
    }
    for (uint32_t i = 0; i < terms; i++) {
        order[i] = rel->u.window.order[i];
        TRY(lower_slot(l, child, order[i].column, &order[i].column));
    }
    node->u.window.partition = partition;
    node->u.window.partition_collations = collations;
    node->u.window.partition_count = parts;
    node->u.window.order = order;
    node->u.window.order_count = terms;
    node->u.window.frame = rel->u.window.frame;
    return YODA_OK;
}

static yoda_status window_call(struct lowering *l, const struct lowered *child,
                               const struct window_call *in, struct window_call *out)
{
    const struct pending none = {.base = *child};
    *out = *in;
    TRY(make_aggregate(l, &none, &in->aggregate, &out->aggregate));
    for (uint32_t i = 0; i < COUNT_OF(in->args); i++)
        TRY(renumber(l, &none, in->args[i], &out->args[i]));
    return YODA_OK;
}

yoda_status lower_window(struct lowering *l, struct rel *rel, const uint64_t *needed,
                         struct lowered *out)
{
    struct lowered child;
    uint64_t *below = NULL;
    enum vtype *types = NULL;
    uint32_t *columns = NULL, count = rel->u.window.count, n = 0;
    struct window_call *calls = arena_array(l->q->arena, struct window_call, count);
    if (!calls)
        return fail_nomem(l->q->err, count * sizeof *calls);
    TRY(window_reads(l, rel, needed, &below));
    TRY(lower_rel(l, rel->child, below, &child));
    uint32_t width = child.plan->column_count;
    TRY(lower_node(l, PLAN_WINDOW, child.plan, width + count, &out->plan, &types, &columns));
    out->columns = columns;
    for (uint32_t i = 0; i < width; i++) {
        types[i] = child.plan->types[i];
        columns[i] = child.columns[i];
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!bit_get(needed, rel->u.window.columns[i]))
            continue;
        TRY(window_call(l, &child, &rel->u.window.calls[i], &calls[n]));
        types[width + n] = calls[n].type;
        columns[width + n++] = rel->u.window.columns[i];
    }
    out->plan->column_count = width + n;
    out->plan->u.window.calls = calls;
    out->plan->u.window.call_count = n;
    if (n == 0)
        *out = child;
    return n ? window_keys(l, rel, &child, out->plan) : YODA_OK;
}
