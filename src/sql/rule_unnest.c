/*
 * rule_unnest.c -- subqueries become joins.
 *
 * From the outside in: an APPLY is first freed of its left side's columns (unnest_pull.c where
 * conjuncts can be pulled up, unnest_domain.c for the rest); then nothing inside reads anything
 * further out, and it is a join:
 *
 *   SCALAR                SINGLE join; an aggregate over all rows: LEFT or INNER
 *   EXISTS, IN            SEMI where a FILTER wants it true, ANTI where it wants it not true,
 *                         otherwise MARK
 *
 * NOT IN and IN as a value must tell NULL from false. A comparison that hashes has null_aware for
 * that. Another, as a conjunct: no row may exist for which it is true or NULL, which is ANTI over
 * `compare IS NOT FALSE`. As a value it is two marks: true for some row, else NULL for some row.
 *
 * A scalar subquery is its first row. More than one is refused at run time (SINGLE), so ORDER BY
 * with LIMIT 1 becomes rank() = 1: a tie, which SQLite breaks by an order of its own, is refused
 * the same way.
 */
#include "sql/unnest.h"

#include "olap/column/chunk.h"

#include <string.h>

enum wanted { WANTED_VALUE, WANTED_TRUE, WANTED_FALSE };

struct unnesting {
    struct query *q;
    struct rel *apply;
    enum wanted wanted;
    struct expr_list on; /* what ties both sides, without the comparison of an IN */
};

/* ---- What nobody sees ---- */

static bool is_distinct(const struct rel *rel)
{
    return rel->kind == REL_AGGREGATE && rel->u.aggregate.keyed && rel->u.aggregate.count == 0 &&
           rel->u.aggregate.key_count > 0;
}

static bool keeps_first(const struct rel *rel)
{
    return rel->kind == REL_LIMIT && rel->u.limit.limit > 0 && rel->u.limit.offset == 0;
}

/* Order, duplicates, computed columns, a LIMIT of some rows: EXISTS asks only for a row. */
static void strip_exists(struct rel **right)
{
    for (;;) {
        const struct rel *rel = *right;
        if (!keeps_first(rel) && !is_distinct(rel) && rel->kind != REL_SORT && rel->kind != REL_MAP)
            return;
        *right = (*right)->child;
    }
}

static bool is_whole_sort(const struct rel *rel)
{
    return rel->kind == REL_SORT && rel->u.sort.limit == UINT64_MAX;
}

/* Under NOCASE a DISTINCT takes values away that are not the same to the IN. */
static bool takes_repeats_only(const struct query *q, const struct rel *distinct)
{
    for (uint32_t i = 0; i < distinct->u.aggregate.key_count; i++) {
        const struct rel_column *key = &q->columns[distinct->u.aggregate.keys[i]];
        if ((key->classes & CLASS_TEXT) && key->collation != COLLATE_BINARY)
            return false;
    }
    return true;
}

static void strip_in(const struct query *q, struct rel **right)
{
    while ((is_distinct(*right) && takes_repeats_only(q, *right)) || is_whole_sort(*right))
        *right = (*right)->child;
}

/* A scalar subquery in order is its first row. */
static yoda_status limit_scalar(struct query *q, struct rel **right)
{
    if (!is_whole_sort(*right))
        return YODA_OK;
    (*right)->u.sort.limit = 1;
    TRY(rel_new(q, REL_LIMIT, *right, right));
    (*right)->u.limit.limit = 1;
    return YODA_OK;
}

/* ---- The first row by an order ---- */

static yoda_status rank_window(struct query *q, const struct rel *sort, struct rel **out)
{
    struct rel_column column = {
        .name = "rank", .classes = CLASS_INTEGER, .type = VT_INT, .affinity = AFFINITY_BLOB};
    TRY(rel_new(q, REL_WINDOW, sort->child, out));
    (*out)->u.window.order = sort->u.sort.keys;
    (*out)->u.window.order_count = sort->u.sort.key_count;
    (*out)->u.window.frame.mode = FRAME_RANGE;
    (*out)->u.window.frame.to = FRAME_CURRENT_ROW;
    (*out)->u.window.columns = arena_array(q->arena, uint32_t, 1);
    (*out)->u.window.calls = arena_array(q->arena, struct window_call, 1);
    if (!(*out)->u.window.columns || !(*out)->u.window.calls)
        return fail_nomem(q->err, sizeof(struct window_call));
    struct window_call *call = &(*out)->u.window.calls[0];
    call->kind = WINDOW_RANK;
    TRY(window_call_init(call, q->err));
    column.type = call->type;
    (*out)->u.window.count = 1;
    return rel_new_column(q, &column, &(*out)->u.window.columns[0]);
}

/* LIMIT 1: without an order any row does, the join checks that there is but one. */
static yoda_status first_by_rank(struct query *q, struct rel **right)
{
    struct rel *limit = *right;
    if (!keeps_first(limit) || limit->u.limit.limit != 1)
        return YODA_OK;
    *right = limit->child;
    if ((*right)->kind != REL_SORT)
        return YODA_OK;
    const struct value one = value_int(1);
    expr_ref rank, constant, first;
    TRY(rank_window(q, *right, right));
    TRY(rel_input(q, (*right)->u.window.columns[0], &rank));
    TRY(expr_constant(&q->build, &one, &constant));
    TRY(expr_compare(&q->build, OP_EQ, rank, constant, &first));
    return rel_filter(q, *right, first, right);
}

/* ---- Freeing the right side ---- */

/* The columns of left that right reads; *any: is there one? Errors: reads that nobody provides. */
static yoda_status find_ties(struct query *q, const struct rel *left, const struct rel *right,
                             uint64_t **out, bool *any)
{
    uint64_t *outer;
    TRY(rel_new_set(q, out));
    TRY(rel_new_set(q, &outer));
    TRY(rel_free(q, right, *out));
    rel_available(left, outer);
    *any = false;
    for (size_t w = 0; w < rel_set_words(q); w++) {
        if ((*out)[w] & ~outer[w])
            return fail(q->err, YODA_NOT_COLUMNAR,
                        "a subquery reads a column that is not in "
                        "reach");
        *any = *any || (*out)[w];
    }
    return YODA_OK;
}

/* A subquery's value that is a column of the query around gets a column of its own. */
static yoda_status own_value(struct query *q, struct rel *apply)
{
    expr_ref e;
    if (apply->u.apply.kind != APPLY_SCALAR || rel_provides(q, apply->right, apply->u.apply.value))
        return YODA_OK;
    TRY(rel_input(q, apply->u.apply.value, &e));
    TRY(rel_column_of_expr(q, e, "value", &apply->u.apply.value));
    return rewrite_map(q, &apply->right, apply->u.apply.value, e);
}

/* Must the whole condition be hash keys? Then only D's columns may tie the sides. */
static bool needs_keys(const struct unnesting *u)
{
    return u->apply->u.apply.kind == APPLY_IN && u->wanted == WANTED_VALUE &&
           u->apply->u.apply.compare->nullable;
}

static yoda_status free_right(struct unnesting *u)
{
    struct query *q = u->q;
    struct rel *apply = u->apply;
    uint64_t *free, *outer;
    bool tied;
    TRY(find_ties(q, apply->child, apply->right, &free, &tied));
    if (!tied)
        return YODA_OK;
    TRY(rel_new_set(q, &outer));
    rel_available(apply->child, outer);
    if (!needs_keys(u))
        TRY(unnest_pull(q, &apply->right, outer, &u->on));
    TRY(find_ties(q, apply->child, apply->right, &free, &tied));
    if (tied && apply->u.apply.kind == APPLY_SCALAR) {
        TRY(first_by_rank(q, &apply->right));
        TRY(find_ties(q, apply->child, apply->right, &free, &tied));
    }
    return tied ? unnest_domain(q, &apply->child, &apply->right, free, &u->on) : YODA_OK;
}

/* ---- Three-valued IN ---- */

/* Does e hash, one side on the left of the join and one on the right? */
static yoda_status hashes(struct unnesting *u, expr_ref e, bool *out)
{
    uint64_t *left, *right;
    expr_ref a, c;
    bool null_safe;
    TRY(rel_new_set(u->q, &left));
    TRY(rel_new_set(u->q, &right));
    rel_available(u->apply->child, left);
    rel_available(u->apply->right, right);
    *out = join_key_of(e, &a, &c, &null_safe) &&
           ((expr_touches(u->q, a, left) && expr_within(u->q, a, left) &&
             expr_touches(u->q, c, right) && expr_within(u->q, c, right)) ||
            (expr_touches(u->q, c, left) && expr_within(u->q, c, left) &&
             expr_touches(u->q, a, right) && expr_within(u->q, a, right)));
    return YODA_OK;
}

static yoda_status all_hash(struct unnesting *u, expr_ref compare, bool *out)
{
    TRY(hashes(u, compare, out));
    for (uint32_t i = 0; i < u->on.count && *out; i++)
        TRY(hashes(u, u->on.items[i], out));
    return YODA_OK;
}

/* The join's condition for an IN. */
static yoda_status tie_in(struct unnesting *u, struct rel *join)
{
    struct query *q = u->q;
    expr_ref compare = u->apply->u.apply.compare;
    struct expr_list *on = &join->u.join.on;
    bool keys;
    if (u->wanted != WANTED_TRUE && compare->nullable) {
        TRY(all_hash(u, compare, &keys));
        if (keys) {
            join->u.join.null_aware = true;
            TRY(expr_list_add(q, on, compare));
            return rewrite_add_all(q, on, &u->on);
        }
        ASSERT(u->wanted == WANTED_FALSE);
        TRY(expr_call(&q->build, "is not false", 12, &compare, 1, &compare));
    }
    TRY(expr_list_add_and(q, on, compare));
    return rewrite_add_all(q, on, &u->on);
}

/* ---- Joins ---- */

static yoda_status to_single(struct unnesting *u, struct rel **slot)
{
    struct rel *apply = u->apply, *join;
    expr_ref value;
    TRY(rel_join(u->q, REL_SINGLE, apply->child, apply->right, &join));
    join->u.join.on = u->on;
    TRY(rel_make_nullable(u->q, apply->right));
    TRY(rel_input(u->q, apply->u.apply.value, &value));
    *slot = join;
    return rewrite_map(u->q, slot, apply->u.apply.result, value);
}

static yoda_status to_mark(struct unnesting *u, struct rel **slot)
{
    static const enum rel_join kinds[] = {
        [WANTED_VALUE] = REL_MARK, [WANTED_TRUE] = REL_SEMI, [WANTED_FALSE] = REL_ANTI};
    struct rel *apply = u->apply, *join;
    const struct value known = value_int(u->wanted == WANTED_TRUE);
    expr_ref value;
    TRY(rel_join(u->q, kinds[u->wanted], apply->child, apply->right, &join));
    join->u.join.mark = apply->u.apply.result;
    if (apply->u.apply.kind == APPLY_IN)
        TRY(tie_in(u, join));
    else
        join->u.join.on = u->on;
    *slot = join;
    if (u->wanted == WANTED_VALUE)
        return YODA_OK;
    TRY(expr_constant(&u->q->build, &known, &value)); /* who reads it above knows it, too */
    return rewrite_map(u->q, slot, apply->u.apply.result, value);
}

static yoda_status new_mark(struct query *q, struct rel *join, expr_ref *out)
{
    const struct rel_column column = {.name = "mark", .type = VT_INT, .classes = CLASS_INTEGER};
    TRY(rel_new_column(q, &column, &join->u.join.mark));
    return rel_input(q, join->u.join.mark, out);
}

/* The condition of the second mark, over a reader of its own: the comparison is NULL. */
static yoda_status tie_null(struct unnesting *u, const struct rel *first, struct rel *join)
{
    struct query *q = u->q;
    const struct rel *second = join->right;
    expr_ref e, *with = arena_array(q->arena, expr_ref, q->column_count + 1);
    if (!with)
        return fail_nomem(q->err, q->column_count * sizeof *with);
    for (uint32_t i = 0; i < first->u.shared.shared->column_count; i++)
        TRY(rel_input(q, second->u.shared.columns[i], &with[first->u.shared.columns[i]]));
    TRY(expr_is_null(&q->build, u->apply->u.apply.compare, false, &e));
    TRY(rel_substitute(q, e, with, &e));
    TRY(expr_list_add(q, &join->u.join.on, e));
    for (uint32_t i = 0; i < u->on.count; i++) {
        TRY(rel_substitute(q, u->on.items[i], with, &e));
        TRY(expr_list_add(q, &join->u.join.on, e));
    }
    return YODA_OK;
}

/* IN as a value, where it may be NULL and does not hash: CASE WHEN true for some row THEN 1 WHEN
 * NULL for some row THEN NULL ELSE 0. */
static yoda_status to_two_marks(struct unnesting *u, struct rel **slot)
{
    struct query *q = u->q;
    struct rel *apply = u->apply, *first, *second, *reader;
    const struct value values[3] = {value_int(1), value_null(), value_int(0)};
    expr_ref when[2], then[3], result;
    TRY(unnest_share(q, &apply->right));
    TRY(unnest_reader(q, apply->right, &reader));
    TRY(rel_join(q, REL_MARK, apply->child, apply->right, &first));
    TRY(new_mark(q, first, &when[0]));
    TRY(expr_list_add_and(q, &first->u.join.on, apply->u.apply.compare));
    TRY(rewrite_add_all(q, &first->u.join.on, &u->on));
    TRY(rel_join(q, REL_MARK, first, reader, &second));
    TRY(new_mark(q, second, &when[1]));
    TRY(tie_null(u, apply->right, second));
    for (int i = 0; i < 3; i++)
        TRY(expr_constant(&q->build, &values[i], &then[i]));
    TRY(expr_case(&q->build, NULL, when, then, 2, then[2], &result));
    *slot = second;
    return rewrite_map(q, slot, apply->u.apply.result, result);
}

static yoda_status to_join(struct unnesting *u, struct rel **slot)
{
    bool keys = true;
    if (u->apply->u.apply.kind == APPLY_SCALAR)
        return to_single(u, slot);
    if (needs_keys(u))
        TRY(all_hash(u, u->apply->u.apply.compare, &keys));
    return keys ? to_mark(u, slot) : to_two_marks(u, slot);
}

static yoda_status unnest_apply(struct query *q, struct rel **slot, enum wanted wanted)
{
    struct unnesting u = {.q = q, .apply = *slot, .wanted = wanted};
    bool done;
    ASSERT((*slot)->kind == REL_APPLY);
    TRY(rule_unnest(q, &u.apply->child)); /* estimates of it are better afterwards */
    if (u.apply->u.apply.kind == APPLY_EXISTS)
        strip_exists(&u.apply->right);
    else if (u.apply->u.apply.kind == APPLY_IN)
        strip_in(q, &u.apply->right);
    else
        TRY(limit_scalar(q, &u.apply->right));
    TRY(own_value(q, u.apply));
    TRY(unnest_aggregate(q, slot, &done));
    if (done)
        return YODA_OK;
    TRY(free_right(&u));
    return to_join(&u, slot);
}

/* ---- The walk ---- */

static bool is_result(expr_ref e, uint32_t column)
{
    return e->kind == EXPR_INPUT && e->slot == column;
}

/* Take the conjunct that is an EXISTS or IN, or its negation, out of the list. */
static enum wanted take_mark(struct expr_list *list, const struct rel *apply)
{
    if (apply->u.apply.kind == APPLY_SCALAR)
        return WANTED_VALUE;
    for (uint32_t i = 0; i < list->count; i++) {
        expr_ref e = list->items[i];
        bool negated = e->kind == EXPR_NOT;
        if (!is_result(negated ? e->args[0] : e, apply->u.apply.result))
            continue;
        list->count--;
        memmove(&list->items[i], &list->items[i + 1], (list->count - i) * sizeof *list->items);
        return negated ? WANTED_FALSE : WANTED_TRUE;
    }
    return WANTED_VALUE;
}

static yoda_status unnest_filter(struct query *q, struct rel **slot)
{
    struct rel *filter = *slot;
    enum wanted wanted = take_mark(&filter->u.filter.conjuncts, filter->child);
    TRY(unnest_apply(q, &filter->child, wanted));
    if (filter->u.filter.conjuncts.count == 0)
        *slot = filter->child;
    return YODA_OK;
}

yoda_status rule_unnest(struct query *q, struct rel **rel)
{
    struct rel **input;
    if ((*rel)->kind == REL_FILTER && (*rel)->child->kind == REL_APPLY)
        TRY(unnest_filter(q, rel));
    else if ((*rel)->kind == REL_APPLY)
        TRY(unnest_apply(q, rel, WANTED_VALUE));
    for (uint32_t i = 0; (input = rel_input_at(*rel, i)); i++)
        TRY(rule_unnest(q, input));
    return YODA_OK;
}
