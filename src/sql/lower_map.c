/*
 * lower_map.c -- computed columns: a chain of MAPs becomes as few PROJECTs as compute nothing twice.
 *
 * A chain is read from its top to find which columns are wanted and how often each is evaluated,
 * then settled from its bottom. A MAP's expressions take in those of the MAPs below, except where
 * one that costs something is evaluated more than once: then all below is computed by a PROJECT
 * first. What is left at the top is pending, for the node above (lower.h).
 */
#include "sql/lower.h"

void lower_count_uses(expr_ref e, uint32_t *uses)
{
    if (e->kind == EXPR_INPUT)
        uses[e->slot]++;
    for (uint32_t i = 0; i < e->arg_count; i++)
        lower_count_uses(e->args[i], uses);
}

static bool is_free(expr_ref e)
{
    return e->kind == EXPR_INPUT || e->kind == EXPR_CONST;
}

static yoda_status pending_init(struct lowering *l, const struct rel *rel, const struct rel *base,
                                struct pending *p)
{
    uint32_t most = 0;
    for (; rel != base; rel = rel->child)
        most += rel->u.map.count;
    *p = (struct pending){.columns = arena_array(l->q->arena, uint32_t, most),
                          .exprs = arena_array(l->q->arena, expr_ref, most)};
    return p->columns && p->exprs ? YODA_OK : fail_nomem(l->q->err, most * sizeof *p->exprs);
}

/* ---- Settling ---- */

static yoda_status pass_through(struct lowering *l, const struct pending *p, const uint64_t *needed,
                                uint32_t *columns, expr_ref *exprs, uint32_t *count)
{
    *count = 0;
    for (uint32_t i = 0; i < p->base.plan->column_count; i++) {
        uint32_t column = p->base.columns[i];
        if (column == COLUMN_NONE || !bit_get(needed, column))
            continue;
        columns[*count] = column;
        TRY(rel_input(l->q, column, &exprs[(*count)++]));
    }
    for (uint32_t i = 0; i < p->count; i++) {
        if (!bit_get(needed, p->columns[i]))
            continue;
        columns[*count] = p->columns[i];
        exprs[(*count)++] = p->exprs[i];
    }
    return YODA_OK;
}

yoda_status lower_settle(struct lowering *l, struct pending *p, const uint64_t *needed)
{
    uint32_t count = p->base.plan->column_count + p->count, *columns = NULL;
    enum vtype *types = NULL;
    struct plan *node = NULL;
    expr_ref *exprs = arena_array(l->q->arena, expr_ref, count);
    if (p->count == 0)
        return YODA_OK;
    if (!exprs)
        return fail_nomem(l->q->err, count * sizeof *exprs);
    TRY(lower_node(l, PLAN_PROJECT, p->base.plan, count, &node, &types, &columns));
    TRY(pass_through(l, p, needed, columns, exprs, &node->column_count));
    TRY(lower_exprs(l, &p->base, exprs, node->column_count, exprs));
    for (uint32_t i = 0; i < node->column_count; i++)
        types[i] = exprs[i]->type;
    node->u.project.exprs = exprs;
    p->base = (struct lowered){node, columns};
    p->count = 0;
    return YODA_OK;
}

/* ---- Inlining ---- */

yoda_status lower_inline(struct lowering *l, const struct pending *p, expr_ref e, expr_ref *out)
{
    *out = e;
    if (p->count == 0)
        return YODA_OK;
    for (uint32_t i = 0; i < p->count; i++)
        l->with[p->columns[i]] = p->exprs[i];
    yoda_status status = rel_substitute(l->q, e, l->with, out);
    for (uint32_t i = 0; i < p->count; i++)
        l->with[p->columns[i]] = NULL;
    return status;
}

/* Would something be computed twice if what is pending were taken into the readers? */
static bool repeats(const struct pending *p, const uint32_t *uses)
{
    for (uint32_t i = 0; i < p->count; i++)
        if (uses[p->columns[i]] > 1 && !is_free(p->exprs[i]))
            return true;
    return false;
}

/* Does a wanted expression of this MAP read something pending that is evaluated more than once? */
static yoda_status reads_repeated(struct lowering *l, const struct rel *map, const uint64_t *wanted,
                                  const struct pending *p, const uint32_t *uses, bool *out)
{
    uint64_t *set = NULL;
    *out = false;
    if (!repeats(p, uses))
        return YODA_OK;
    TRY(rel_new_set(l->q, &set));
    for (uint32_t i = 0; i < p->count; i++)
        if (uses[p->columns[i]] > 1 && !is_free(p->exprs[i]))
            bit_set(set, p->columns[i]);
    for (uint32_t i = 0; i < map->u.map.count && !*out; i++)
        if (bit_get(wanted, map->u.map.columns[i]))
            *out = expr_touches(l->q, map->u.map.exprs[i], set);
    return YODA_OK;
}

static yoda_status add_map(struct lowering *l, const struct rel *map, const uint64_t *wanted,
                           struct pending *p)
{
    uint32_t known = p->count;
    struct pending below = *p;
    for (uint32_t i = 0; i < map->u.map.count; i++) {
        if (!bit_get(wanted, map->u.map.columns[i]))
            continue;
        p->columns[known] = map->u.map.columns[i];
        TRY(lower_inline(l, &below, map->u.map.exprs[i], &p->exprs[known]));
        known++;
    }
    p->count = known;
    return YODA_OK;
}

/* ---- The chain ---- */

struct chain {
    struct rel **maps; /* [count] from the top */
    uint32_t count;
    const uint64_t *needed; /* above the top */
    uint64_t *wanted;       /* anywhere */
};

static void want_inputs(const struct rel *map, uint64_t *wanted, uint32_t *uses)
{
    for (uint32_t i = 0; i < map->u.map.count; i++) {
        if (!bit_get(wanted, map->u.map.columns[i]))
            continue;
        expr_inputs(map->u.map.exprs[i], wanted);
        if (uses)
            lower_count_uses(map->u.map.exprs[i], uses);
    }
}

/* Compute what is pending below maps[last]. */
static yoda_status settle_below(struct lowering *l, const struct chain *chain, uint32_t last,
                                struct pending *p)
{
    uint64_t *needed = NULL;
    TRY(lower_copy_set(l, chain->needed, &needed));
    for (uint32_t i = 0; i <= last; i++)
        want_inputs(chain->maps[i], needed, NULL);
    return lower_settle(l, p, needed);
}

static yoda_status find_chain(struct lowering *l, struct rel *rel, struct rel **base,
                              struct chain *chain)
{
    TRY(lower_only_reader(l, rel));
    for (*base = rel; (*base)->kind == REL_MAP; chain->count++) {
        *base = (*base)->child;
        TRY(lower_only_reader(l, *base));
    }
    chain->maps = arena_array(l->q->arena, struct rel *, chain->count);
    if (!chain->maps)
        return fail_nomem(l->q->err, chain->count * sizeof(struct rel *));
    for (uint32_t i = 0; i < chain->count; i++, rel = rel->child)
        chain->maps[i] = rel;
    return YODA_OK;
}

yoda_status lower_pending(struct lowering *l, struct rel *rel, const uint64_t *needed,
                          uint32_t *uses, struct pending *out)
{
    struct chain chain = {.needed = needed};
    struct rel *base = NULL;
    TRY(find_chain(l, rel, &base, &chain));
    TRY(pending_init(l, rel, base, out));
    TRY(lower_copy_set(l, needed, &chain.wanted));
    for (uint32_t i = 0; i < chain.count; i++)
        want_inputs(chain.maps[i], chain.wanted, uses);
    TRY(lower_rel(l, base, chain.wanted, &out->base));
    for (uint32_t i = chain.count; i-- > 0;) {
        bool settle = false;
        TRY(reads_repeated(l, chain.maps[i], chain.wanted, out, uses, &settle));
        if (settle)
            TRY(settle_below(l, &chain, i, out));
        TRY(add_map(l, chain.maps[i], chain.wanted, out));
    }
    return repeats(out, uses) ? lower_settle(l, out, needed) : YODA_OK;
}

yoda_status lower_map(struct lowering *l, struct rel *rel, const uint64_t *needed,
                      struct lowered *out)
{
    struct pending p;
    uint32_t *uses = arena_array(l->q->arena, uint32_t, l->q->column_count);
    if (!uses)
        return fail_nomem(l->q->err, l->q->column_count * sizeof *uses);
    for (uint32_t i = 0; i < l->q->column_count; i++)
        uses[i] = bit_get(needed, i);
    TRY(lower_pending(l, rel, needed, uses, &p));
    TRY(lower_settle(l, &p, needed));
    *out = p.base;
    return YODA_OK;
}
