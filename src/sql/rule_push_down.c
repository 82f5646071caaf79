/*
 * rule_push_down.c -- filters sink as far as they go.
 *
 *   through            which conjuncts
 *   MAP                all, over what the map computes
 *   INNER              those of one side into it, the others into `on`
 *   LEFT, SINGLE       of the left side; of `on` those of the right side into it
 *   SEMI, ANTI, MARK   of the left side; of `on` those of the right side into it
 *   APPLY              those that do not read its result
 *   AGGREGATE          over keys, WINDOW over partition columns: both only where equal values are
 *                      the same value, since a filter may tell 1 from 1.0
 *   UNION ALL          all, into each input; INTERSECT and EXCEPT: over exact columns
 *   SORT               all
 *   LIMIT, SHARED      none
 *
 * A conjunct that reads columns of a query around (before rule_unnest) stays where it is: unnesting
 * looks for it there. A conjunct that is never true leaves no rows.
 */
#include "sql/planner.h"
#include "sql/rewrite.h"

static yoda_status sink(struct query *q, struct rel **slot, struct expr_list *list);

static bool never_true(expr_ref e)
{
    if (e->kind != EXPR_CONST)
        return false;
    switch (e->constant.type) {
    case YODA_NULL:
        return true;
    case YODA_INTEGER:
        return e->constant.i == 0;
    case YODA_REAL:
        return e->constant.r == 0;
    default:
        return false;
    }
}

static bool always_true(expr_ref e)
{
    return e->kind == EXPR_CONST && !never_true(e) &&
           (e->constant.type == YODA_INTEGER || e->constant.type == YODA_REAL);
}

/* Move the conjuncts of list that read only columns of set, or (outside) none of it, to out. */
static yoda_status take_within(struct query *q, struct expr_list *list, const uint64_t *set,
                               struct expr_list *out)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        if (expr_within(q, list->items[i], set))
            TRY(expr_list_add(q, out, list->items[i]));
        else
            list->items[kept++] = list->items[i];
    }
    list->count = kept;
    return YODA_OK;
}

static yoda_status available(struct query *q, const struct rel *rel, uint64_t **set)
{
    TRY(rel_new_set(q, set));
    rel_available(rel, *set);
    return YODA_OK;
}

/* ---- Joins ---- */

/* Conjuncts of `on` over one side alone, but never the comparison of an IN. */
static yoda_status take_on(struct query *q, struct rel *join, const uint64_t *side,
                           struct expr_list *out)
{
    struct expr_list *on = &join->u.join.on, rest = {0};
    uint32_t first = join->u.join.null_aware ? 1 : 0;
    for (uint32_t i = 0; i < on->count; i++)
        TRY(expr_list_add(q, i >= first && expr_within(q, on->items[i], side) ? out : &rest,
                          on->items[i]));
    *on = rest;
    return YODA_OK;
}

static yoda_status sink_inner(struct query *q, struct rel *join, struct expr_list *list)
{
    uint64_t *left, *right, *both;
    struct expr_list to_left = {0}, to_right = {0};
    TRY(available(q, join->child, &left));
    TRY(available(q, join->right, &right));
    TRY(available(q, join, &both));
    TRY(rewrite_add_all(q, list, &join->u.join.on));
    join->u.join.on = (struct expr_list){0};
    TRY(take_within(q, list, left, &to_left));
    TRY(take_within(q, list, right, &to_right));
    TRY(take_within(q, list, both, &join->u.join.on));
    TRY(sink(q, &join->child, &to_left));
    return sink(q, &join->right, &to_right);
}

static yoda_status sink_join(struct query *q, struct rel *join, struct expr_list *list)
{
    enum rel_join kind = join->u.join.kind;
    uint64_t *left, *right;
    struct expr_list to_left = {0}, to_right = {0};
    if (kind == REL_INNER)
        return sink_inner(q, join, list);
    if (kind != REL_FULL) {
        TRY(available(q, join->child, &left));
        TRY(available(q, join->right, &right));
        TRY(take_within(q, list, left, &to_left));
        if (kind == REL_SEMI)
            TRY(take_on(q, join, left, &to_left));
        TRY(take_on(q, join, right, &to_right));
    }
    TRY(sink(q, &join->child, &to_left));
    return sink(q, &join->right, &to_right);
}

/* ---- One input ---- */

/* e over what the map computes. */
static yoda_status sink_map(struct query *q, struct rel *map, struct expr_list *list)
{
    struct expr_list below = {0};
    uint64_t *set, *child;
    expr_ref *with = arena_array(q->arena, expr_ref, q->column_count);
    if (!with)
        return fail_nomem(q->err, q->column_count * sizeof *with);
    TRY(available(q, map, &set));
    TRY(available(q, map->child, &child));
    for (uint32_t i = 0; i < map->u.map.count; i++)
        with[map->u.map.columns[i]] = map->u.map.exprs[i];
    uint32_t kept = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        expr_ref e = list->items[i];
        if (expr_within(q, e, set))
            TRY(rel_substitute(q, e, with, &e));
        if (expr_within(q, e, child)) /* not so where the map reads a query around */
            TRY(expr_list_add_and(q, &below, e));
        else
            list->items[kept++] = list->items[i];
    }
    list->count = kept;
    return sink(q, &map->child, &below);
}

/* Conjuncts over these columns alone, as far as they are exact. */
static yoda_status take_over(struct query *q, struct expr_list *list, const uint32_t *columns,
                             uint32_t count, struct expr_list *out)
{
    uint64_t *set;
    struct expr_list constant = {0};
    TRY(rel_new_set(q, &set));
    TRY(take_within(q, list, set, &constant));
    for (uint32_t i = 0; i < count; i++)
        if (rewrite_is_exact(q, columns[i]))
            bit_set(set, columns[i]);
    TRY(take_within(q, list, set, out));
    return rewrite_add_all(q, list, &constant);
}

static yoda_status sink_apply(struct query *q, struct rel *apply, struct expr_list *list)
{
    uint64_t *left;
    struct expr_list to_left = {0}, none = {0};
    TRY(available(q, apply->child, &left));
    TRY(take_within(q, list, left, &to_left));
    TRY(sink(q, &apply->child, &to_left));
    return sink(q, &apply->right, &none);
}

/* ---- Set operations ---- */

static bool fits_inputs(const struct query *q, const struct rel *set, uint32_t position)
{
    if (set->u.set.kind != SET_UNION_ALL && !rewrite_is_exact(q, set->u.set.columns[position]))
        return false;
    for (uint32_t i = 0; i < set->u.set.input_count; i++)
        if (q->columns[set->u.set.input_columns[i][position]].type !=
            q->columns[set->u.set.columns[position]].type)
            return false;
    return true;
}

static yoda_status sink_set(struct query *q, struct rel *set, struct expr_list *list)
{
    struct expr_list sinking = {0};
    uint64_t *fit;
    TRY(rel_new_set(q, &fit));
    for (uint32_t c = 0; c < set->u.set.column_count; c++)
        if (fits_inputs(q, set, c))
            bit_set(fit, set->u.set.columns[c]);
    TRY(take_within(q, list, fit, &sinking));
    for (uint32_t i = 0; i < set->u.set.input_count; i++) {
        expr_ref *with = arena_array(q->arena, expr_ref, q->column_count);
        struct expr_list below = {0};
        if (!with)
            return fail_nomem(q->err, q->column_count * sizeof *with);
        for (uint32_t c = 0; c < set->u.set.column_count; c++)
            TRY(rel_input(q, set->u.set.input_columns[i][c], &with[set->u.set.columns[c]]));
        for (uint32_t c = 0; c < sinking.count; c++) {
            expr_ref e;
            TRY(rel_substitute(q, sinking.items[c], with, &e));
            TRY(expr_list_add(q, &below, e));
        }
        TRY(sink(q, &set->u.set.inputs[i], &below));
    }
    return YODA_OK;
}

/* ---- All of them ---- */

static yoda_status sink_below(struct query *q, struct rel *rel, struct expr_list *list)
{
    struct expr_list below = {0};
    uint64_t *set;
    switch (rel->kind) {
    case REL_SCAN:
        TRY(available(q, rel, &set));
        rel->rows = list->count ? -1 : rel->rows; /* a sample stays good as long as the filters */
        return take_within(q, list, set, &rel->u.scan.filters);
    case REL_VALUES:
    case REL_SHARED:
        return YODA_OK;
    case REL_MAP:
        return sink_map(q, rel, list);
    case REL_JOIN:
        return sink_join(q, rel, list);
    case REL_APPLY:
        return sink_apply(q, rel, list);
    case REL_SET:
        return sink_set(q, rel, list);
    case REL_AGGREGATE:
        if (rel->u.aggregate.keyed)
            TRY(take_over(q, list, rel->u.aggregate.keys, rel->u.aggregate.key_count, &below));
        break;
    case REL_WINDOW:
        TRY(take_over(q, list, rel->u.window.partition, rel->u.window.partition_count, &below));
        break;
    case REL_SORT:
        if (rel->u.sort.limit == UINT64_MAX) {
            TRY(available(q, rel->child, &set));
            TRY(take_within(q, list, set, &below));
        }
        break;
    case REL_FILTER:
    case REL_LIMIT:
        break;
    }
    return sink(q, &rel->child, &below);
}

/* Sink what list says of *slot; what cannot sink ends as a FILTER on it. Empties list. */
static yoda_status sink(struct query *q, struct rel **slot, struct expr_list *list)
{
    struct expr_list all = {0};
    while ((*slot)->kind == REL_FILTER) {
        TRY(rewrite_add_all(q, list, &(*slot)->u.filter.conjuncts));
        *slot = (*slot)->child;
    }
    for (uint32_t i = 0; i < list->count; i++) {
        if (never_true(list->items[i]))
            return rewrite_empty(q, *slot, slot);
        if (!always_true(list->items[i]))
            TRY(expr_list_add(q, &all, list->items[i]));
    }
    if ((*slot)->kind != REL_SCAN)
        (*slot)->rows = -1;
    TRY(sink_below(q, *slot, &all));
    return rewrite_filter(q, slot, &all);
}

yoda_status rule_push_down(struct query *q, struct rel **rel)
{
    struct expr_list none = {0};
    return sink(q, rel, &none);
}
