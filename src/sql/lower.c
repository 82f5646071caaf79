/*
 * lower.c -- logical plan to physical plan: the walk, and the nodes that keep their child's rows.
 *
 * The walk goes down with the set of columns needed above and comes back with a plan and what its
 * slots hold (lower.h). Nodes are not pruned of columns on the way: which of them are touched is
 * decided when the plan runs, by the same kind of set. Only scans, and nodes whose columns have
 * positions (the result, inputs of a SET), care.
 */
#include "sql/lower.h"

/* ---- Nodes and columns ---- */

yoda_status lower_node(struct lowering *l, enum plan_kind kind, const struct plan *child,
                       uint32_t column_count, struct plan **node, enum vtype **types,
                       uint32_t **columns)
{
    struct arena *arena = l->q->arena;
    *node = arena_new(arena, struct plan);
    *types = arena_array(arena, enum vtype, column_count);
    *columns = arena_array(arena, uint32_t, column_count);
    if (!*node || !*types || !*columns)
        return fail_nomem(l->q->err, sizeof **node + column_count * sizeof **columns);
    **node = (struct plan){.kind = kind,
                           .child = child,
                           .estimated_rows = child ? child->estimated_rows : 0,
                           .column_count = column_count,
                           .types = *types};
    return YODA_OK;
}

yoda_status lower_same(struct lowering *l, enum plan_kind kind, const struct lowered *child,
                       struct lowered *out)
{
    uint32_t count = child->plan->column_count, *columns = NULL;
    enum vtype *types = NULL;
    struct plan *node = NULL;
    TRY(lower_node(l, kind, child->plan, count, &node, &types, &columns));
    for (uint32_t i = 0; i < count; i++) {
        types[i] = child->plan->types[i];
        columns[i] = child->columns[i];
    }
    *out = (struct lowered){node, columns};
    return YODA_OK;
}

yoda_status lower_copy_set(struct lowering *l, const uint64_t *set, uint64_t **out)
{
    TRY(rel_new_set(l->q, out));
    for (size_t w = 0; w < rel_set_words(l->q); w++)
        (*out)[w] = set[w];
    return YODA_OK;
}

yoda_status lower_slot(struct lowering *l, const struct lowered *from, uint32_t column,
                       uint32_t *slot)
{
    for (*slot = 0; *slot < from->plan->column_count; ++*slot)
        if (from->columns[*slot] == column)
            return YODA_OK;
    return fail(l->q->err, YODA_INTERNAL, "column #%u (%s) is not there", column,
                l->q->columns[column].name ? l->q->columns[column].name : "unnamed");
}

/* ---- Expressions ---- */

/* Is every input known, with the type the expression was made for? */
static yoda_status check_inputs(struct lowering *l, const struct lowered *from, expr_ref e)
{
    if (e->kind == EXPR_INPUT) {
        ASSERT(e->slot < l->q->column_count);
        uint32_t slot = l->slots[e->slot];
        if (slot == COLUMN_NONE)
            return lower_slot(l, from, e->slot, &slot); /* says which */
        if (from->plan->types[slot] != e->type)
            return fail(l->q->err, YODA_INTERNAL, "column #%u changed its type", e->slot);
    }
    for (uint32_t i = 0; i < e->arg_count; i++)
        TRY(check_inputs(l, from, e->args[i]));
    return YODA_OK;
}

static void set_slots(struct lowering *l, const struct lowered *from, bool known)
{
    for (uint32_t i = 0; i < from->plan->column_count; i++)
        if (from->columns[i] != COLUMN_NONE)
            l->slots[from->columns[i]] = known ? i : COLUMN_NONE;
}

yoda_status lower_exprs(struct lowering *l, const struct lowered *from, const expr_ref *in,
                        uint32_t count, expr_ref *out)
{
    yoda_status status = YODA_OK;
    set_slots(l, from, true);
    for (uint32_t i = 0; i < count && status == YODA_OK; i++) {
        status = check_inputs(l, from, in[i]);
        if (status == YODA_OK)
            status = expr_remap(&l->q->build, in[i], l->slots, &out[i]);
    }
    set_slots(l, from, false);
    return status;
}

yoda_status lower_expr(struct lowering *l, const struct lowered *from, expr_ref in, expr_ref *out)
{
    return lower_exprs(l, from, &in, 1, out);
}

yoda_status lower_and(struct lowering *l, const expr_ref *conjuncts, uint32_t count, expr_ref *out)
{
    ASSERT(count > 0);
    *out = conjuncts[0];
    for (uint32_t i = 1; i < count; i++)
        TRY(expr_and(&l->q->build, *out, conjuncts[i], out));
    return YODA_OK;
}

/* ---- Filter, sort, limit ---- */

static yoda_status lower_filter(struct lowering *l, const struct rel *rel, const uint64_t *needed,
                                struct lowered *out)
{
    const struct expr_list *list = &rel->u.filter.conjuncts;
    struct lowered child;
    uint64_t *below = NULL;
    expr_ref condition;
    if (rel->child->kind == REL_SCAN)
        return lower_scan(l, rel->child, list, needed, out);
    TRY(lower_copy_set(l, needed, &below));
    for (uint32_t i = 0; i < list->count; i++)
        expr_inputs(list->items[i], below);
    TRY(lower_rel(l, rel->child, below, &child));
    *out = child;
    if (list->count == 0)
        return YODA_OK;
    TRY(lower_and(l, list->items, list->count, &condition));
    TRY(lower_same(l, PLAN_FILTER, &child, out));
    return lower_expr(l, &child, condition, &out->plan->u.filter.condition);
}

static yoda_status lower_sort(struct lowering *l, const struct rel *rel, const uint64_t *needed,
                              struct lowered *out)
{
    uint32_t count = rel->u.sort.key_count;
    struct sort_key *keys = arena_array(l->q->arena, struct sort_key, count);
    struct lowered child;
    uint64_t *below = NULL;
    if (!keys)
        return fail_nomem(l->q->err, count * sizeof *keys);
    TRY(lower_copy_set(l, needed, &below));
    for (uint32_t i = 0; i < count; i++)
        bit_set(below, rel->u.sort.keys[i].column);
    TRY(lower_rel(l, rel->child, below, &child));
    *out = child;
    if (count == 0)
        return YODA_OK;
    TRY(lower_same(l, PLAN_SORT, &child, out));
    for (uint32_t i = 0; i < count; i++) {
        keys[i] = rel->u.sort.keys[i];
        TRY(lower_slot(l, &child, keys[i].column, &keys[i].column));
    }
    out->plan->u.sort.keys = keys;
    out->plan->u.sort.key_count = count;
    out->plan->u.sort.limit = rel->u.sort.limit;
    return YODA_OK;
}

/* A SORT below, under nothing but MAPs, need not keep more rows than the LIMIT takes. */
static void limit_sort(struct rel *rel, uint64_t keep)
{
    while (rel->kind == REL_MAP)
        rel = rel->child;
    if (rel->kind == REL_SORT && rel->u.sort.limit > keep)
        rel->u.sort.limit = keep;
}

static yoda_status lower_limit(struct lowering *l, const struct rel *rel, const uint64_t *needed,
                               struct lowered *out)
{
    uint64_t limit = rel->u.limit.limit, offset = rel->u.limit.offset;
    struct lowered child;
    limit_sort(rel->child, limit > UINT64_MAX - offset ? UINT64_MAX : limit + offset);
    TRY(lower_rel(l, rel->child, needed, &child));
    *out = child;
    if (limit == UINT64_MAX && offset == 0)
        return YODA_OK;
    TRY(lower_same(l, PLAN_LIMIT, &child, out));
    out->plan->u.limit.limit = limit;
    out->plan->u.limit.offset = offset;
    return YODA_OK;
}

/* ---- The walk ---- */

static yoda_status lower_kind(struct lowering *l, struct rel *rel, const uint64_t *needed,
                              struct lowered *out)
{
    switch (rel->kind) {
    case REL_SCAN:
        return lower_scan(l, rel, NULL, needed, out);
    case REL_VALUES:
        return lower_values(l, rel, needed, out);
    case REL_FILTER:
        return lower_filter(l, rel, needed, out);
    case REL_MAP:
        return lower_map(l, rel, needed, out);
    case REL_JOIN:
        return lower_join(l, rel, needed, out);
    case REL_AGGREGATE:
        return lower_aggregate(l, rel, needed, out);
    case REL_WINDOW:
        return lower_window(l, rel, needed, out);
    case REL_SORT:
        return lower_sort(l, rel, needed, out);
    case REL_LIMIT:
        return lower_limit(l, rel, needed, out);
    case REL_SET:
        return lower_set(l, rel, needed, out);
    case REL_SHARED:
        return lower_shared(l, rel, needed, out);
    case REL_APPLY:
        return fail(l->q->err, YODA_NOT_COLUMNAR, "a subquery that cannot become a join");
    }
    return fail(l->q->err, YODA_INTERNAL, "logical node of unknown kind %d", (int)rel->kind);
}

yoda_status lower_rel(struct lowering *l, struct rel *rel, const uint64_t *needed,
                      struct lowered *out)
{
    if (++l->depth > SQL_DEPTH_MAX)
        return fail(l->q->err, YODA_NOT_COLUMNAR, "the plan is more than %d nodes deep",
                    SQL_DEPTH_MAX);
    TRY(lower_kind(l, rel, needed, out));
    l->depth--;
    out->plan->estimated_rows = estimate_rows(l->q, rel);
    ASSERT(out->plan->column_count == 0 || out->columns);
    return YODA_OK;
}

/* ---- Columns in order ---- */

static bool is_in_order(const struct lowered *from, const uint32_t *columns, uint32_t count)
{
    bool same = from->plan->column_count == count;
    for (uint32_t i = 0; same && i < count; i++)
        same = from->columns[i] == columns[i];
    return same;
}

yoda_status lower_columns(struct lowering *l, struct rel *rel, const uint32_t *columns,
                          uint32_t count, struct lowered *out)
{
    uint64_t *needed = NULL;
    struct pending p;
    struct plan *node = NULL;
    enum vtype *types = NULL;
    uint32_t *made = NULL;
    uint32_t *uses = arena_array(l->q->arena, uint32_t, l->q->column_count);
    expr_ref *exprs = arena_array(l->q->arena, expr_ref, count);
    if (!uses || !exprs)
        return fail_nomem(l->q->err, l->q->column_count * sizeof *uses);
    TRY(rel_new_set(l->q, &needed));
    for (uint32_t i = 0; i < count; i++) {
        bit_set(needed, columns[i]);
        uses[columns[i]]++;
    }
    TRY(lower_pending(l, rel, needed, uses, &p));
    *out = p.base;
    if (p.count == 0 && is_in_order(&p.base, columns, count))
        return YODA_OK;
    for (uint32_t i = 0; i < count; i++) {
        TRY(rel_input(l->q, columns[i], &exprs[i]));
        TRY(lower_inline(l, &p, exprs[i], &exprs[i]));
    }
    TRY(lower_node(l, PLAN_PROJECT, p.base.plan, count, &node, &types, &made));
    TRY(lower_exprs(l, &p.base, exprs, count, exprs));
    for (uint32_t i = 0; i < count; i++) {
        types[i] = exprs[i]->type;
        made[i] = columns[i];
    }
    node->u.project.exprs = exprs;
    *out = (struct lowered){node, made};
    return YODA_OK;
}

yoda_status lower_select(struct query *q, const struct rel_select *select, struct plan **out)
{
    struct lowering l = {.q = q};
    struct lowered root;
    l.slots = arena_array(q->arena, uint32_t, q->column_count);
    l.with = arena_array(q->arena, expr_ref, q->column_count);
    if (!l.slots || !l.with)
        return fail_nomem(q->err, q->column_count * sizeof *l.with);
    for (uint32_t i = 0; i < q->column_count; i++)
        l.slots[i] = COLUMN_NONE;
    TRY(lower_columns(&l, select->rel, select->columns, select->column_count, &root));
    *out = root.plan;
    return YODA_OK;
}
