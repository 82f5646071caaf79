/*
 * rule_factor_or.c -- what an OR says in all its branches.
 *
 *   (a AND x) OR (a AND y)   ->  a AND (x OR y)
 *   (f(t) AND x) OR (g(t) AND y)  ->  ... AND (f(t) OR g(t)), for every table t that each branch
 *                                     says something of alone
 *
 * The first lets join conditions out of an OR; the second filters tables before they are joined
 * (the OR itself stays).
 */
#include "sql/planner.h"
#include "sql/rewrite.h"

#define BRANCHES_MAX 64u

struct branches {
    struct expr_list of[BRANCHES_MAX]; /* conjuncts of each */
    uint32_t count;
};

static yoda_status split(struct query *q, expr_ref e, struct branches *out, bool *fits)
{
    if (e->kind == EXPR_OR) {
        for (uint32_t i = 0; i < e->arg_count; i++)
            TRY(split(q, e->args[i], out, fits));
        return YODA_OK;
    }
    if (out->count == BRANCHES_MAX) {
        *fits = false;
        return YODA_OK;
    }
    return expr_list_add_and(q, &out->of[out->count++], e);
}

static yoda_status join_and(struct query *q, const struct expr_list *list, expr_ref *out)
{
    *out = list->items[0];
    for (uint32_t i = 1; i < list->count; i++)
        TRY(expr_and(&q->build, *out, list->items[i], out));
    return YODA_OK;
}

/* ---- Common conjuncts ---- */

static int32_t find(const struct expr_list *list, expr_ref e)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (expr_equal(list->items[i], e))
            return (int32_t)i;
    return -1;
}

static void remove_at(struct expr_list *list, uint32_t at)
{
    list->items[at] = list->items[--list->count];
}

static yoda_status take_common(struct query *q, struct branches *b, struct expr_list *out)
{
    for (uint32_t i = 0; i < b->of[0].count;) {
        expr_ref e = b->of[0].items[i];
        bool common = true;
        for (uint32_t k = 1; k < b->count && common; k++)
            common = find(&b->of[k], e) >= 0;
        if (!common) {
            i++;
            continue;
        }
        TRY(expr_list_add(q, out, e));
        for (uint32_t k = 0; k < b->count; k++)
            remove_at(&b->of[k], (uint32_t)find(&b->of[k], e));
    }
    return YODA_OK;
}

/* The OR of what is left; *always: a branch with nothing left makes it true. */
static yoda_status join_or(struct query *q, const struct branches *b, expr_ref *out, bool *always)
{
    *always = false;
    for (uint32_t k = 0; k < b->count; k++)
        *always = *always || b->of[k].count == 0;
    if (*always)
        return YODA_OK;
    TRY(join_and(q, &b->of[0], out));
    for (uint32_t k = 1; k < b->count; k++) {
        expr_ref e;
        TRY(join_and(q, &b->of[k], &e));
        TRY(expr_or(&q->build, *out, e, out));
    }
    return YODA_OK;
}

/* ---- What the branches say of one table ---- */

struct tables {
    struct query *q;
    const struct branches *branches;
    struct expr_list *out;
};

/* Conjuncts of a branch over this set alone, as one; NULL: none. */
static yoda_status said_of(struct query *q, const struct expr_list *branch, const uint64_t *set,
                           expr_ref *out)
{
    *out = NULL;
    for (uint32_t i = 0; i < branch->count; i++) {
        expr_ref e = branch->items[i];
        if (!expr_within(q, e, set) || !expr_touches(q, e, set))
            continue;
        if (*out)
            TRY(expr_and(&q->build, *out, e, &e));
        *out = e;
    }
    return YODA_OK;
}

static yoda_status add_of_table(void *ctx, struct rel *rel)
{
    struct tables *t = ctx;
    struct query *q = t->q;
    expr_ref any = NULL;
    uint64_t *set;
    if (rel->kind != REL_SCAN)
        return YODA_OK;
    TRY(rel_new_set(q, &set));
    rel_available(rel, set);
    for (uint32_t k = 0; k < t->branches->count; k++) {
        expr_ref e;
        TRY(said_of(q, &t->branches->of[k], set, &e));
        if (!e)
            return YODA_OK;
        if (any)
            TRY(expr_or(&q->build, any, e, &e));
        any = e;
    }
    return expr_list_add(q, t->out, any);
}

/* ---- One list of conjuncts over the tables below rel ---- */

static bool over_one_table(const struct query *q, struct rel *rel, expr_ref e)
{
    YODA_UNUSED(q);
    return rel->kind == REL_SCAN && e->kind == EXPR_OR;
}

static yoda_status factor_one(struct query *q, struct rel *rel, expr_ref e, struct expr_list *out)
{
    struct branches *b = arena_new(q->arena, struct branches);
    bool fits = true, always;
    expr_ref rest = e;
    if (!b)
        return fail_nomem(q->err, sizeof *b);
    TRY(split(q, e, b, &fits));
    if (!fits)
        return expr_list_add(q, out, e);
    uint32_t before = out->count;
    TRY(take_common(q, b, out));
    if (out->count > before)
        TRY(join_or(q, b, &rest, &always));
    else
        always = false;
    if (always)
        return YODA_OK;
    TRY(expr_list_add(q, out, rest));
    if (over_one_table(q, rel, e))
        return YODA_OK;
    struct tables t = {q, b, out};
    struct rel **input;
    for (uint32_t i = 0; (input = rel_input_at(rel, i)); i++)
        TRY(rewrite_each(*input, add_of_table, &t));
    return YODA_OK;
}

static yoda_status factor_list(struct query *q, struct rel *rel, struct expr_list *list)
{
    struct expr_list out = {0};
    bool any = false;
    for (uint32_t i = 0; i < list->count; i++)
        any = any || list->items[i]->kind == EXPR_OR;
    if (!any)
        return YODA_OK;
    for (uint32_t i = 0; i < list->count; i++)
        if (list->items[i]->kind == EXPR_OR)
            TRY(factor_one(q, rel, list->items[i], &out));
        else
            TRY(expr_list_add(q, &out, list->items[i]));
    *list = out;
    return YODA_OK;
}

yoda_status rule_factor_or(struct query *q, struct rel **rel)
{
    struct rel **input;
    if ((*rel)->kind == REL_FILTER)
        TRY(factor_list(q, *rel, &(*rel)->u.filter.conjuncts));
    else if ((*rel)->kind == REL_JOIN && !(*rel)->u.join.null_aware)
        TRY(factor_list(q, *rel, &(*rel)->u.join.on));
    for (uint32_t i = 0; (input = rel_input_at(*rel, i)); i++)
        TRY(rule_factor_or(q, input));
    return YODA_OK;
}
