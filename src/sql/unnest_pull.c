/*
 * unnest_pull.c -- the simple way out of correlation: pull the conjuncts up that tie a subquery.
 *
 * A conjunct over inner and outer columns may leave a subquery where the nodes it passes neither
 * hide its inner columns nor count rows: FILTER, MAP, inner joins, the left side of the others.
 *
 * Through a grouping it may pass as `inner = outer`, inner being one more key: the groups that then
 * match are those of the matching rows. Group equality must be the comparison's equality: same
 * collation, and no text compared as a number ('1' = '1.0' are two groups). NULL is a group that
 * `=` never matches.
 *
 * The scalar subquery with an aggregate over all rows has a row even where no row matches, so the
 * join is a LEFT one, COUNT and TOTAL are 0 where there was no group, and what is computed from
 * them is computed above the join.
 */
#include "sql/unnest.h"

#include "olap/column/chunk.h"
#include "sql/estimate.h"

#include <math.h>

#define REDUCE_ROWS_MIN 20000.0 /* a smaller input is grouped as it is */
#define REDUCE_FACTOR 4.0       /* times as many rows as ask for groups */
#define REDUCE_SHARE_MAX 0.3    /* of the groups asked for */

/* ---- Grouping keys ---- */

static bool reads_something(const struct query *q, expr_ref e)
{
    if (e->kind == EXPR_INPUT)
        return true;
    for (uint32_t i = 0; i < e->arg_count; i++)
        if (reads_something(q, e->args[i]))
            return true;
    return false;
}

/* Is e `inner = outer` or the reverse? *inner is the argument's index. */
static bool is_tie(const struct query *q, expr_ref e, const uint64_t *outer, uint32_t *inner)
{
    if (e->kind != EXPR_COMPARE || (e->op != OP_EQ && e->op != OP_IS) || e->text_as_number)
        return false;
    for (uint32_t i = 0; i < 2; i++)
        if (!expr_touches(q, e->args[i], outer) && reads_something(q, e->args[i]) &&
            expr_within(q, e->args[1 - i], outer)) {
            *inner = i;
            return true;
        }
    return false;
}

static yoda_status add_key(struct query *q, struct rel *aggregate, uint32_t column)
{
    uint32_t count = aggregate->u.aggregate.key_count;
    for (uint32_t i = 0; i < count; i++)
        if (aggregate->u.aggregate.keys[i] == column)
            return YODA_OK;
    uint32_t *keys = arena_array(q->arena, uint32_t, count + 1);
    if (!keys)
        return fail_nomem(q->err, (count + 1) * sizeof *keys);
    for (uint32_t i = 0; i < count; i++)
        keys[i] = aggregate->u.aggregate.keys[i];
    keys[count] = column;
    aggregate->u.aggregate.keys = keys;
    aggregate->u.aggregate.key_count = count + 1;
    return YODA_OK;
}

/* Make the inner side of a tie a key; out is the tie over that key. */
static yoda_status group_by_tie(struct query *q, struct rel *aggregate, expr_ref tie,
                                uint32_t inner, expr_ref *out)
{
    expr_ref args[2] = {tie->args[0], tie->args[1]}, key = args[inner];
    uint32_t column;
    if (key->type == VT_TEXT && key->collation != tie->compare_collation)
        TRY(expr_collate(&q->build, key, tie->compare_collation, &key));
    TRY(rel_compute(q, &aggregate->child, key, "key", &column));
    TRY(add_key(q, aggregate, column));
    TRY(rel_input(q, column, &args[inner]));
    return rewrite_args(q, tie, args, out);
}

/* ---- Pulling ---- */

static yoda_status split(struct query *q, struct expr_list *list, const uint64_t *outer,
                         struct expr_list *out)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        if (expr_touches(q, list->items[i], outer))
            TRY(expr_list_add(q, out, list->items[i]));
        else
            list->items[kept++] = list->items[i];
    }
    list->count = kept;
    return YODA_OK;
}

/* Ties become keys, the rest goes back below. */
static yoda_status pull_through_keys(struct query *q, struct rel *aggregate, const uint64_t *outer,
                                     struct expr_list *out)
{
    struct expr_list pulled = {0};
    TRY(unnest_pull(q, &aggregate->child, outer, &pulled));
    for (uint32_t i = 0; i < pulled.count; i++) {
        uint32_t inner;
        expr_ref tie;
        if (!is_tie(q, pulled.items[i], outer, &inner)) {
            TRY(rel_filter(q, aggregate->child, pulled.items[i], &aggregate->child));
            continue;
        }
        TRY(group_by_tie(q, aggregate, pulled.items[i], inner, &tie));
        TRY(expr_list_add(q, out, tie));
    }
    return YODA_OK;
}

yoda_status unnest_pull(struct query *q, struct rel **rel, const uint64_t *outer,
                        struct expr_list *out)
{
    struct rel *node = *rel;
    switch (node->kind) {
    case REL_FILTER:
        TRY(split(q, &node->u.filter.conjuncts, outer, out));
        TRY(unnest_pull(q, &node->child, outer, out));
        if (node->u.filter.conjuncts.count == 0)
            *rel = node->child;
        return YODA_OK;
    case REL_JOIN:
        if (node->u.join.kind == REL_FULL)
            return YODA_OK;
        if (node->u.join.kind == REL_INNER) {
            TRY(split(q, &node->u.join.on, outer, out));
            TRY(unnest_pull(q, &node->right, outer, out));
        }
        return unnest_pull(q, &node->child, outer, out);
    case REL_MAP:
    case REL_APPLY:
        return unnest_pull(q, &node->child, outer, out);
    case REL_SORT:
        return node->u.sort.limit == UINT64_MAX ? unnest_pull(q, &node->child, outer, out)
                                                : YODA_OK;
    case REL_AGGREGATE:
        return node->u.aggregate.keyed ? pull_through_keys(q, node, outer, out) : YODA_OK;
    default:
        return YODA_OK;
    }
}

/* ---- Aggregates without keys ---- */

static bool counts(const struct aggregate *a)
{
    return a->kind == AGG_COUNT_ROWS || a->kind == AGG_COUNT || a->kind == AGG_TOTAL;
}

yoda_status unnest_rename_counts(struct query *q, struct rel *aggregate, uint32_t **old)
{
    uint32_t count = aggregate->u.aggregate.count;
    uint32_t *columns = arena_array(q->arena, uint32_t, count + 1);
    if (!columns)
        return fail_nomem(q->err, count * sizeof *columns);
    *old = aggregate->u.aggregate.columns;
    for (uint32_t i = 0; i < count; i++) {
        columns[i] = (*old)[i];
        struct rel_column column = q->columns[columns[i]];
        if (counts(&aggregate->u.aggregate.aggregates[i]))
            TRY(rel_new_column(q, &column, &columns[i]));
    }
    aggregate->u.aggregate.columns = columns;
    return rel_make_nullable(q, aggregate);
}

yoda_status unnest_restore_counts(struct query *q, const struct rel *aggregate, const uint32_t *old,
                                  struct rel **rel)
{
    for (uint32_t i = 0; i < aggregate->u.aggregate.count; i++) {
        const struct aggregate *a = &aggregate->u.aggregate.aggregates[i];
        const struct value none = a->kind == AGG_TOTAL ? value_real(0) : value_int(0);
        expr_ref args[2], e;
        if (!counts(a))
            continue;
        TRY(rel_input(q, aggregate->u.aggregate.columns[i], &args[0]));
        TRY(expr_constant(&q->build, &none, &args[1]));
        TRY(expr_call(&q->build, "coalesce", 8, args, 2, &e));
        TRY(rewrite_map(q, rel, old[i], e));
    }
    return YODA_OK;
}

/* The slot of the aggregate below the MAPs of a scalar subquery, or NULL. */
static struct rel **aggregate_slot(struct rel *apply)
{
    struct rel **slot = &apply->right;
    while ((*slot)->kind == REL_MAP)
        slot = &(*slot)->child;
    return (*slot)->kind == REL_AGGREGATE && !(*slot)->u.aggregate.keyed ? slot : NULL;
}

/* Can all of list be keys, and does nothing else tie the aggregate? */
static yoda_status only_ties(struct query *q, const struct rel *left, struct rel *aggregate,
                             const struct expr_list *list, bool *out)
{
    uint64_t *free = NULL, *outer = NULL;
    uint32_t inner;
    TRY(rel_new_set(q, &free));
    TRY(rel_new_set(q, &outer));
    rel_available(left, outer);
    TRY(rel_free(q, aggregate, free));
    *out = true;
    for (size_t w = 0; w < rel_set_words(q); w++)
        *out = *out && !(free[w] & outer[w]);
    for (uint32_t i = 0; i < list->count; i++)
        *out = *out && is_tie(q, list->items[i], outer, &inner);
    return YODA_OK;
}

/* ---- Fewer groups ---- */

/* Share of the groups that rows of left ask for. */
static double asked_share(struct query *q, struct rel *left, struct rel *input,
                          const struct expr_list *ties)
{
    double rows = estimate_rows(q, left), all = estimate_rows(q, input), share = 1;
    if (all < REDUCE_ROWS_MIN || rows * REDUCE_FACTOR > all)
        return 1;
    for (uint32_t i = 0; i < ties->count; i++) {
        uint32_t a, b;
        if (!estimate_equality(ties->items[i], &a, &b))
            continue;
        bool first = rel_provides(q, left, a);
        share = fmin(share, estimate_distinct(q, first ? a : b, rows) /
                                estimate_distinct(q, first ? b : a, all));
    }
    return share;
}

/*
 * Where few of the groups are asked for, only those are made: the aggregate's input is first
 * reduced by a SEMI join with the rows that ask, which are then read twice.
 */
static yoda_status reduce(struct query *q, struct rel *join, struct rel *aggregate)
{
    struct expr_list *ties = &join->u.join.on;
    struct rel *reader, *semi;
    expr_ref a, c;
    bool null_safe;
    if (asked_share(q, join->child, aggregate->child, ties) > REDUCE_SHARE_MAX)
        return YODA_OK;
    for (uint32_t i = 0; i < ties->count; i++)
        if (!join_key_of(ties->items[i], &a, &c, &null_safe))
            return YODA_OK;
    TRY(unnest_share(q, &join->child));
    TRY(unnest_reader(q, join->child, &reader));
    TRY(rel_join(q, REL_SEMI, aggregate->child, reader, &semi));
    expr_ref *with = arena_array(q->arena, expr_ref, q->column_count + 1);
    if (!with)
        return fail_nomem(q->err, q->column_count * sizeof *with);
    for (uint32_t i = 0; i < reader->u.shared.shared->column_count; i++)
        TRY(rel_input(q, reader->u.shared.columns[i], &with[join->child->u.shared.columns[i]]));
    for (uint32_t i = 0; i < ties->count; i++) {
        expr_ref tie;
        TRY(rel_substitute(q, ties->items[i], with, &tie));
        TRY(expr_list_add(q, &semi->u.join.on, tie));
    }
    aggregate->child = semi;
    return YODA_OK;
}

/* left JOIN aggregate, with the MAPs that were above the aggregate now above the join. */
static yoda_status hoist(struct query *q, struct rel **slot, struct rel **aggregate_at,
                         const struct expr_list *ties, const uint64_t *outer)
{
    struct rel *apply = *slot, *aggregate = *aggregate_at, *join;
    uint32_t *old = NULL, inner = 0;
    expr_ref result;
    TRY(rel_join(q, ties->count ? REL_LEFT : REL_INNER, apply->child, aggregate, &join));
    for (uint32_t i = 0; i < ties->count; i++) {
        expr_ref tie = ties->items[i];
        bool is = is_tie(q, tie, outer, &inner);
        ASSERT(is);
        YODA_UNUSED(is);
        TRY(group_by_tie(q, aggregate, tie, inner, &tie));
        TRY(expr_list_add(q, &join->u.join.on, tie));
    }
    if (ties->count) {
        aggregate->u.aggregate.keyed = true;
        TRY(reduce(q, join, aggregate));
        TRY(unnest_rename_counts(q, aggregate, &old));
        TRY(unnest_restore_counts(q, aggregate, old, &join));
    }
    *aggregate_at = join;
    TRY(rel_input(q, apply->u.apply.value, &result));
    *slot = apply->right; /* the topmost MAP, or the join */
    return rewrite_map(q, slot, apply->u.apply.result, result);
}

yoda_status unnest_aggregate(struct query *q, struct rel **slot, bool *done)
{
    struct rel **at = aggregate_slot(*slot);
    struct expr_list ties = {0};
    uint64_t *outer = NULL;
    *done = false;
    if ((*slot)->u.apply.kind != APPLY_SCALAR || !at)
        return YODA_OK;
    TRY(rel_new_set(q, &outer));
    rel_available((*slot)->child, outer);
    TRY(unnest_pull(q, &(*at)->child, outer, &ties));
    TRY(only_ties(q, (*slot)->child, *at, &ties, done));
    return *done ? hoist(q, slot, at, &ties, outer) : rewrite_filter(q, &(*at)->child, &ties);
}
