/*
 * rule_transitive.c -- what is said of a column is said of all it equals.
 *
 * A region is everything whose rows come through to one place above: FILTERs, inner joins, the left
 * sides of the others, the filters of scans. Its equalities of columns make classes (join_graph.h);
 * a test of one member against constants is a test of every member (where equal values are the same
 * value: rewrite_is_exact), added on top of the region for
 * rule_push_down to take to its place. An equality in the condition of an outer, semi or anti join
 * carries tests of the left side over to the right one the same way, within the condition.
 *
 * Equalities that follow from others are not added: the join order uses the classes itself.
 */
#include "sql/join_graph.h"
#include "sql/rewrite.h"

#include <string.h>

#define CONDITIONS_MAX 400u /* regions that say more are left alone: the work is quadratic */

struct region {
    struct query *q;
    struct expr_list known; /* all that holds on top */
    struct expr_list added;
    uint32_t *class_of; /* [column_count] representative */
};

/* ---- Gathering ---- */

static yoda_status gather(struct region *r, struct rel *rel)
{
    switch (rel->kind) {
    case REL_SCAN:
        return rewrite_add_all(r->q, &r->known, &rel->u.scan.filters);
    case REL_FILTER:
        TRY(rewrite_add_all(r->q, &r->known, &rel->u.filter.conjuncts));
        return gather(r, rel->child);
    case REL_MAP:
        return gather(r, rel->child);
    case REL_JOIN:
        if (rel->u.join.kind == REL_FULL)
            return YODA_OK;
        if (rel->u.join.kind == REL_INNER) {
            TRY(rewrite_add_all(r->q, &r->known, &rel->u.join.on));
            TRY(gather(r, rel->right));
        }
        return gather(r, rel->child);
    default:
        return YODA_OK;
    }
}

static uint32_t find_class(const struct region *r, uint32_t column)
{
    while (r->class_of[column] != column)
        column = r->class_of[column];
    return column;
}

static yoda_status make_classes(struct region *r)
{
    TRY(rewrite_identity(r->q, &r->class_of));
    for (uint32_t i = 0; i < r->known.count; i++) {
        uint32_t a, b;
        if (!graph_class_equality(r->q, r->known.items[i], &a, &b))
            continue;
        a = find_class(r, a);
        b = find_class(r, b);
        r->class_of[a < b ? b : a] = a < b ? a : b;
    }
    return YODA_OK;
}

/* ---- Tests of one column ---- */

static void count_inputs(expr_ref e, uint32_t *column, uint32_t *count)
{
    if (e->kind == EXPR_INPUT) {
        *count += *count == 0 || e->slot != *column;
        *column = e->slot;
    }
    for (uint32_t i = 0; i < e->arg_count; i++)
        count_inputs(e->args[i], column, count);
}

/* Does e test one column against constants? */
static bool is_test(expr_ref e, uint32_t *column)
{
    uint32_t count = 0;
    if (e->kind != EXPR_COMPARE && e->kind != EXPR_IN && e->kind != EXPR_OR && e->kind != EXPR_LIKE)
        return false;
    count_inputs(e, column, &count);
    return count == 1;
}

static bool is_known(const struct region *r, expr_ref e)
{
    for (uint32_t i = 0; i < r->known.count; i++)
        if (expr_equal(r->known.items[i], e))
            return true;
    for (uint32_t i = 0; i < r->added.count; i++)
        if (expr_equal(r->added.items[i], e))
            return true;
    return false;
}

static yoda_status move_test(struct query *q, expr_ref e, uint32_t from, uint32_t to, expr_ref *out)
{
    expr_ref *with = arena_array(q->arena, expr_ref, q->column_count + 1);
    if (!with)
        return fail_nomem(q->err, q->column_count * sizeof *with);
    TRY(rel_input(q, to, &with[from]));
    return rel_substitute(q, e, with, out);
}

static yoda_status spread_test(struct region *r, expr_ref e, uint32_t column)
{
    uint32_t class = find_class(r, column), count = r->q->column_count;
    for (uint32_t c = 0; c < count; c++) {
        expr_ref moved;
        if (c == column || find_class(r, c) != class || !rewrite_is_exact(r->q, c))
            continue;
        TRY(move_test(r->q, e, column, c, &moved));
        if (!is_known(r, moved))
            TRY(expr_list_add(r->q, &r->added, moved));
    }
    return YODA_OK;
}

static yoda_status spread(struct region *r)
{
    uint32_t column = 0, count = r->known.count;
    for (uint32_t i = 0; i < count; i++)
        if (is_test(r->known.items[i], &column) && rewrite_is_exact(r->q, column))
            TRY(spread_test(r, r->known.items[i], column));
    return YODA_OK;
}

/* ---- Into conditions of other joins ---- */

static yoda_status cross(struct region *r, struct rel *join, uint32_t left, uint32_t right)
{
    struct expr_list *on = &join->u.join.on;
    uint32_t column = 0;
    for (uint32_t i = 0; i < r->known.count; i++) {
        expr_ref moved, e = r->known.items[i];
        if (!is_test(e, &column) || find_class(r, column) != find_class(r, left) ||
            !rewrite_is_exact(r->q, column) || !rewrite_is_exact(r->q, right))
            continue;
        TRY(move_test(r->q, e, column, right, &moved));
        TRY(expr_list_add(r->q, on, moved));
    }
    return YODA_OK;
}

/* The joins of the region that keep or drop rows of their left side. */
static yoda_status cross_joins(struct region *r, struct rel *rel)
{
    if (rel->kind != REL_JOIN)
        return rel->kind == REL_FILTER || rel->kind == REL_MAP ? cross_joins(r, rel->child)
                                                               : YODA_OK;
    if (rel->u.join.kind == REL_FULL)
        return YODA_OK;
    TRY(cross_joins(r, rel->child));
    if (rel->u.join.kind == REL_INNER)
        return cross_joins(r, rel->right);
    uint32_t count = rel->u.join.null_aware ? 0 : rel->u.join.on.count;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t a, b;
        if (!graph_class_equality(r->q, rel->u.join.on.items[i], &a, &b))
            continue;
        bool swap = rel_provides(r->q, rel->right, a);
        TRY(cross(r, rel, swap ? b : a, swap ? a : b));
    }
    return YODA_OK;
}

/* ---- The rule ---- */

static yoda_status work_region(struct query *q, struct rel **slot)
{
    struct region r = {.q = q};
    TRY(gather(&r, *slot));
    if (r.known.count == 0 || r.known.count > CONDITIONS_MAX)
        return YODA_OK;
    TRY(make_classes(&r));
    TRY(spread(&r));
    TRY(rewrite_add_all(q, &r.known, &r.added));
    TRY(cross_joins(&r, *slot));
    return rewrite_filter(q, slot, &r.added);
}

/* inside: *rel belongs to the region of a node above. */
static yoda_status walk(struct query *q, struct rel **rel, bool inside)
{
    struct rel **input, *node;
    bool region = (*rel)->kind == REL_FILTER || (*rel)->kind == REL_MAP ||
                  ((*rel)->kind == REL_JOIN && (*rel)->u.join.kind != REL_FULL);
    if (region && !inside)
        TRY(work_region(q, rel));
    node = *rel;
    for (uint32_t i = 0; (input = rel_input_at(node, i)); i++)
        TRY(walk(q, input,
                 region && (i == 0 || (node->kind == REL_JOIN && node->u.join.kind == REL_INNER))));
    return YODA_OK;
}

yoda_status rule_transitive(struct query *q, struct rel **rel)
{
    return walk(q, rel, false);
}
