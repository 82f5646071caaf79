/*
 * rule_outer_to_inner.c -- an outer join whose NULL rows never come through is an inner one.
 *
 * Walking down, the conditions that rows must meet above are carried along. Where one is not true
 * when all columns of a side are NULL, the rows that an outer join fills up there are not wanted:
 *
 *   LEFT    right side rejected                       -> INNER
 *   FULL    right side rejected, left side rejected   -> LEFT (sides changed for the second), INNER
 *   SINGLE  at most one match, proven by keys         -> LEFT, and on
 */
#include "sql/estimate.h"
#include "sql/rewrite.h"

/* ---- Is a condition not true when these columns are NULL? ---- */

/* Surely NULL when all columns of set are. */
static bool is_null_with(const struct query *q, expr_ref e, const uint64_t *set)
{
    switch (e->kind) {
    case EXPR_CONST:
        return e->constant.type == YODA_NULL;
    case EXPR_INPUT:
        return bit_get(set, e->slot);
    case EXPR_COMPARE:
        if (e->op == OP_IS || e->op == OP_IS_NOT)
            return false;
        break;
    case EXPR_IN:
        return is_null_with(q, e->args[0], set) && e->list_count > 0;
    case EXPR_NEGATE:
    case EXPR_BIT_NOT:
    case EXPR_NOT:
    case EXPR_ARITHMETIC:
    case EXPR_CONCAT:
    case EXPR_CAST:
    case EXPR_LIKE:
        break;
    default:
        return false;
    }
    for (uint32_t i = 0; i < e->arg_count; i++)
        if (is_null_with(q, e->args[i], set))
            return true;
    return false;
}

static bool is_value(expr_ref e)
{
    return e->kind == EXPR_CONST && e->constant.type != YODA_NULL;
}

static bool not_true_with(const struct query *q, expr_ref e, const uint64_t *set)
{
    bool any = false, all = true;
    if (is_null_with(q, e, set))
        return true;
    switch (e->kind) {
    case EXPR_AND:
    case EXPR_OR:
        for (uint32_t i = 0; i < e->arg_count; i++) {
            bool one = not_true_with(q, e->args[i], set);
            any = any || one;
            all = all && one;
        }
        return e->kind == EXPR_AND ? any : all;
    case EXPR_IS_NULL:
        return e->negated && is_null_with(q, e->args[0], set);
    case EXPR_COMPARE:
        return e->op == OP_IS && ((is_value(e->args[0]) && is_null_with(q, e->args[1], set)) ||
                                  (is_value(e->args[1]) && is_null_with(q, e->args[0], set)));
    default:
        return false;
    }
}

static bool rejects(const struct query *q, const struct expr_list *above, const uint64_t *set)
{
    for (uint32_t i = 0; i < above->count; i++)
        if (not_true_with(q, above->items[i], set))
            return true;
    return false;
}

/* ---- The walk ---- */

static yoda_status walk(struct query *q, struct rel *rel, const struct expr_list *above);

static yoda_status available(struct query *q, const struct rel *rel, uint64_t **set)
{
    TRY(rel_new_set(q, set));
    rel_available(rel, *set);
    return YODA_OK;
}

static void settle_full(struct rel *join, bool left_rejected, bool right_rejected)
{
    if (left_rejected && right_rejected) {
        join->u.join.kind = REL_INNER;
    } else if (left_rejected) { /* rows of the right side alone go */
        join->u.join.kind = REL_LEFT;
    } else if (right_rejected) {
        struct rel *left = join->child;
        join->child = join->right;
        join->right = left;
        join->u.join.kind = REL_LEFT;
    }
}

static yoda_status walk_join(struct query *q, struct rel *join, const struct expr_list *above)
{
    struct expr_list all = {0}, none = {0};
    uint64_t *left, *right;
    TRY(available(q, join->child, &left));
    TRY(available(q, join->right, &right));
    if (join->u.join.kind == REL_SINGLE && estimate_matches_once(q, join))
        join->u.join.kind = REL_LEFT;
    if (join->u.join.kind == REL_LEFT && rejects(q, above, right))
        join->u.join.kind = REL_INNER;
    if (join->u.join.kind == REL_FULL)
        settle_full(join, rejects(q, above, left), rejects(q, above, right));
    TRY(rewrite_add_all(q, &all, &join->u.join.on));
    switch (join->u.join.kind) {
    case REL_INNER:
        TRY(rewrite_add_all(q, &all, above));
        TRY(walk(q, join->child, &all));
        return walk(q, join->right, &all);
    case REL_SEMI:
        TRY(walk(q, join->right, &all));
        TRY(rewrite_add_all(q, &all, above));
        return walk(q, join->child, &all);
    case REL_LEFT: /* a row of the right side that does not meet ON is no match anyway */
    case REL_SINGLE:
        TRY(walk(q, join->right, &all));
        return walk(q, join->child, above);
    case REL_ANTI:
    case REL_MARK:
        TRY(walk(q, join->right, join->u.join.null_aware ? &none : &all));
        return walk(q, join->child, above);
    case REL_FULL:
        TRY(walk(q, join->child, &none));
        return walk(q, join->right, &none);
    }
    return YODA_OK;
}

static yoda_status walk(struct query *q, struct rel *rel, const struct expr_list *above)
{
    struct expr_list list = {0};
    struct rel **input;
    switch (rel->kind) {
    case REL_JOIN:
        return walk_join(q, rel, above);
    case REL_FILTER:
        TRY(rewrite_add_all(q, &list, above));
        TRY(rewrite_add_all(q, &list, &rel->u.filter.conjuncts));
        return walk(q, rel->child, &list);
    case REL_MAP: /* conditions over its columns say nothing of the columns below */
    case REL_SORT:
        return walk(q, rel->child,
                    rel->kind == REL_SORT && rel->u.sort.limit != UINT64_MAX ? &list : above);
    default:
        for (uint32_t i = 0; (input = rel_input_at(rel, i)); i++)
            TRY(walk(q, *input, &list));
        return YODA_OK;
    }
}

yoda_status rule_outer_to_inner(struct query *q, struct rel **rel)
{
    struct expr_list none = {0};
    return walk(q, *rel, &none);
}
