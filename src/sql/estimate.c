/*
 * estimate.c -- how many rows a node makes.
 *
 *   scan        live rows x share of the filters, sampled (sample.c)
 *   filter      x a share by kind of test, from distinct values where there is an equality
 *   join        left x right / the larger number of distinct values, per equality; at most one
 *               match per row where one side is a key
 *   groups      product of the keys' distinct values, at most the rows
 *
 * Distinct values left after a filter follow Cardenas: D (1 - e^(-rows / D)).
 * Source  Cardenas: Analysis and performance of inverted data base structures (CACM 1975)
 */
#include "sql/estimate.h"

#include "sql/rewrite.h"

#include <math.h>

#define SHARE_RANGE (1.0 / 3)
#define SHARE_LIKE 0.1
#define SHARE_NULL 0.05
#define SHARE_OTHER 0.25
#define DISTINCT_SHARE 0.1 /* of the rows, for values nothing is known of */

/* ---- Distinct values ---- */

double estimate_distinct(struct query *q, uint32_t column, double rows)
{
    const struct rel_column *c = &q->columns[column];
    if (rows <= 1)
        return 1;
    if (!c->table)
        return fmax(1, rows * DISTINCT_SHARE);
    double all = column_distinct(q, c->table, c->table_column);
    if (rows >= (double)c->table->live_rows)
        return fmin(all, rows);
    return fmax(1, fmin(rows, all * (1 - exp(-rows / all))));
}

static double expr_distinct(struct query *q, expr_ref e, double rows)
{
    if (e->kind == EXPR_INPUT)
        return estimate_distinct(q, e->slot, rows);
    return e->kind == EXPR_CONST ? 1 : fmax(1, rows * DISTINCT_SHARE);
}

/* ---- Conjuncts ---- */

bool estimate_equality(expr_ref e, uint32_t *a, uint32_t *b)
{
    if (e->kind != EXPR_COMPARE || (e->op != OP_EQ && e->op != OP_IS) ||
        e->args[0]->kind != EXPR_INPUT || e->args[1]->kind != EXPR_INPUT)
        return false;
    *a = e->args[0]->slot;
    *b = e->args[1]->slot;
    return true;
}

static double compare_share(struct query *q, expr_ref e, double rows)
{
    double a, b;
    switch (e->op) {
    case OP_EQ:
    case OP_IS:
        a = expr_distinct(q, e->args[0], rows);
        b = expr_distinct(q, e->args[1], rows);
        return 1 / fmax(a, b);
    case OP_NE:
    case OP_IS_NOT:
        return 0.9;
    default:
        return SHARE_RANGE;
    }
}

double estimate_conjunct(struct query *q, expr_ref e, double rows)
{
    double share = 1;
    switch (e->kind) {
    case EXPR_COMPARE:
        return compare_share(q, e, rows);
    case EXPR_AND:
        for (uint32_t i = 0; i < e->arg_count; i++)
            share *= estimate_conjunct(q, e->args[i], rows);
        return share;
    case EXPR_OR:
        for (uint32_t i = 0; i < e->arg_count; i++)
            share *= 1 - estimate_conjunct(q, e->args[i], rows);
        return 1 - share;
    case EXPR_NOT:
        return 1 - estimate_conjunct(q, e->args[0], rows);
    case EXPR_IN:
        share = fmin(1, e->list_count / expr_distinct(q, e->args[0], rows));
        return e->negated ? 1 - share : share;
    case EXPR_LIKE:
        return e->negated ? 1 - SHARE_LIKE : SHARE_LIKE;
    case EXPR_IS_NULL:
        return e->negated ? 1 - SHARE_NULL : SHARE_NULL;
    default:
        return SHARE_OTHER;
    }
}

static double list_share(struct query *q, const struct expr_list *list, double rows)
{
    double share = 1;
    for (uint32_t i = 0; i < list->count; i++)
        share *= estimate_conjunct(q, list->items[i], rows);
    return share;
}

double estimate_filters(struct query *q, const struct rel *scan)
{
    ASSERT(scan->kind == REL_SCAN);
    if (scan->u.scan.filters.count == 0)
        return 1;
    double share = sample_filters(q, scan);
    return share >= 0 ? share
                      : list_share(q, &scan->u.scan.filters, (double)scan->u.scan.table->live_rows);
}

/* ---- Keys ---- */

static bool index_within(const struct rel *scan, const struct catalog_index *index,
                         const struct query *q, const uint64_t *columns)
{
    const struct catalog_table *table = scan->u.scan.table;
    for (uint32_t i = 0; i < index->column_count; i++) {
        uint32_t c = index->columns[i];
        const struct rel_column *column = &q->columns[scan->u.scan.first + c];
        if (!bit_get(columns, scan->u.scan.first + c) ||
            ((table->classes[c] & CLASS_NULL) && !table->columns[c].not_null) ||
            (column->type == VT_TEXT && table->columns[c].collation != COLLATE_BINARY))
            return false;
    }
    return index->column_count > 0;
}

static bool scan_unique_on(const struct query *q, const struct rel *scan, const uint64_t *columns)
{
    const struct catalog_table *table = scan->u.scan.table;
    if (table->rowid_column >= 0 &&
        bit_get(columns, scan->u.scan.first + (uint32_t)table->rowid_column))
        return true;
    for (uint32_t i = 0; i < table->index_count; i++)
        if (table->indexes[i].unique && index_within(scan, &table->indexes[i], q, columns))
            return true;
    return false;
}

/* A copy of columns, or NULL where memory is short. */
static uint64_t *copy_set(struct query *q, const uint64_t *columns)
{
    uint64_t *set;
    if (rel_new_set(q, &set) != YODA_OK)
        return NULL;
    for (size_t w = 0; w < rel_set_words(q); w++)
        set[w] = columns[w];
    return set;
}

/* columns and what the equalities of a join fix on one side, given a row of the other. */
static uint64_t *fixed_by(struct query *q, const struct rel *join, const struct rel *given,
                          const uint64_t *columns)
{
    uint64_t *set = copy_set(q, columns), *outer;
    if (!set || rel_new_set(q, &outer) != YODA_OK)
        return NULL;
    rel_available(given, outer);
    for (uint32_t i = 0; i < join->u.join.on.count; i++) {
        expr_ref a, c, e = join->u.join.on.items[i];
        bool null_safe;
        if (!join_key_of(e, &a, &c, &null_safe) || e->compare_collation != COLLATE_BINARY)
            continue;
        if (a->kind == EXPR_INPUT && expr_within(q, c, outer))
            bit_set(set, a->slot);
        if (c->kind == EXPR_INPUT && expr_within(q, a, outer))
            bit_set(set, c->slot);
    }
    return set;
}

static bool join_unique_on(struct query *q, const struct rel *join, const uint64_t *columns)
{
    const uint64_t *fixed;
    switch (join->u.join.kind) {
    case REL_SEMI:
    case REL_ANTI:
    case REL_MARK:
        return rel_unique_on(q, join->child, columns);
    case REL_LEFT:
    case REL_SINGLE:
    case REL_INNER:
        fixed = fixed_by(q, join, join->child, columns);
        if (fixed && rel_unique_on(q, join->child, columns) && rel_unique_on(q, join->right, fixed))
            return true;
        if (join->u.join.kind != REL_INNER)
            return false;
        fixed = fixed_by(q, join, join->right, columns);
        return fixed && rel_unique_on(q, join->right, columns) &&
               rel_unique_on(q, join->child, fixed);
    case REL_FULL:
        return false;
    }
    return false;
}

static bool all_within(const uint32_t *list, uint32_t count, const uint64_t *columns)
{
    for (uint32_t i = 0; i < count; i++)
        if (!bit_get(columns, list[i]))
            return false;
    return true;
}

/* Columns of a map that only repeat others stand for those. */
static bool map_unique_on(struct query *q, const struct rel *map, const uint64_t *columns)
{
    uint64_t *set = copy_set(q, columns);
    for (uint32_t i = 0; set && i < map->u.map.count; i++)
        if (map->u.map.exprs[i]->kind == EXPR_INPUT && bit_get(columns, map->u.map.columns[i]) &&
            q->columns[map->u.map.columns[i]].collation == COLLATE_BINARY)
            bit_set(set, map->u.map.exprs[i]->slot);
    return set && rel_unique_on(q, map->child, set);
}

static bool shared_unique_on(struct query *q, const struct rel *rel, const uint64_t *columns)
{
    const struct shared_rel *shared = rel->u.shared.shared;
    uint64_t *set;
    if (rel_new_set(q, &set) != YODA_OK)
        return false;
    for (uint32_t i = 0; i < shared->column_count; i++)
        if (bit_get(columns, rel->u.shared.columns[i]))
            bit_set(set, shared->columns[i]);
    return rel_unique_on(q, shared->rel, set);
}

/* Keys of a group under a collation are unique under any finer one, too. */
bool rel_unique_on(struct query *q, const struct rel *rel, const uint64_t *columns)
{
    switch (rel->kind) {
    case REL_SCAN:
        return scan_unique_on(q, rel, columns);
    case REL_VALUES:
        return rel->u.values.row_count <= 1;
    case REL_LIMIT:
        return rel->u.limit.limit <= 1 || rel_unique_on(q, rel->child, columns);
    case REL_FILTER:
    case REL_SORT:
    case REL_WINDOW:
    case REL_APPLY:
        return rel_unique_on(q, rel->child, columns);
    case REL_MAP:
        return map_unique_on(q, rel, columns);
    case REL_JOIN:
        return join_unique_on(q, rel, columns);
    case REL_AGGREGATE:
        return !rel->u.aggregate.keyed ||
               all_within(rel->u.aggregate.keys, rel->u.aggregate.key_count, columns);
    case REL_SET:
        return rel->u.set.kind != SET_UNION_ALL &&
               all_within(rel->u.set.columns, rel->u.set.column_count, columns);
    case REL_SHARED:
        return shared_unique_on(q, rel, columns);
    }
    return false;
}

bool estimate_matches_once(struct query *q, const struct rel *join)
{
    uint64_t *none, *fixed;
    ASSERT(join->kind == REL_JOIN);
    if (rel_new_set(q, &none) != YODA_OK)
        return false;
    fixed = fixed_by(q, join, join->child, none);
    return fixed && rel_unique_on(q, join->right, fixed);
}

/* ---- Joins ---- */

/* Do the equalities compare columns of one table on the side given? Then they are a reference to
 * the other; columns of several are any pair of their rows. */
static bool refers(struct query *q, const struct rel *join, const struct rel *given)
{
    const struct catalog_table *table = NULL;
    uint32_t count = 0;
    uint64_t *set;
    if (rel_new_set(q, &set) != YODA_OK)
        return false;
    rel_available(given, set);
    for (uint32_t i = 0; i < join->u.join.on.count; i++) {
        uint32_t a, b;
        if (!estimate_equality(join->u.join.on.items[i], &a, &b))
            continue;
        const struct catalog_table *of = q->columns[bit_get(set, a) ? a : b].table;
        if (count++ > 0 && of != table)
            return false;
        table = of;
    }
    return true;
}

static bool one_match(struct query *q, const struct rel *join, const struct rel *side,
                      const struct rel *given)
{
    uint64_t *none, *fixed;
    if (!refers(q, join, given) || rel_new_set(q, &none) != YODA_OK)
        return false;
    fixed = fixed_by(q, join, given, none);
    return fixed && rel_unique_on(q, side, fixed);
}

/* Rows of the table below, were there no filters: what a key's matches are a share of. */
static double base_rows(struct query *q, struct rel *rel)
{
    while (rel->kind == REL_FILTER || rel->kind == REL_MAP)
        rel = rel->child;
    return rel->kind == REL_SCAN ? fmax(1, (double)rel->u.scan.table->live_rows)
                                 : fmax(1, estimate_rows(q, rel));
}

static double side_distinct(struct query *q, expr_ref e, const uint64_t *left, double left_rows,
                            double right_rows)
{
    return expr_distinct(q, e, expr_within(q, e, left) ? left_rows : right_rows);
}

/* Pairs that match. */
static double inner_rows(struct query *q, const struct rel *join)
{
    double left = estimate_rows(q, join->child), right = estimate_rows(q, join->right);
    double rows = left * right;
    uint64_t *set;
    if (rel_new_set(q, &set) != YODA_OK)
        return rows;
    rel_available(join->child, set);
    for (uint32_t i = 0; i < join->u.join.on.count; i++) {
        expr_ref e = join->u.join.on.items[i];
        if (e->kind == EXPR_COMPARE && (e->op == OP_EQ || e->op == OP_IS))
            rows /= fmax(side_distinct(q, e->args[0], set, left, right),
                         side_distinct(q, e->args[1], set, left, right));
        else
            rows *= estimate_conjunct(q, e, rows);
    }
    if (one_match(q, join, join->right, join->child))
        rows = fmin(left, left * right / base_rows(q, join->right));
    else if (one_match(q, join, join->child, join->right))
        rows = fmin(right, left * right / base_rows(q, join->child));
    return rows;
}

/* Share of the left rows that have a match. */
static double semi_share(struct query *q, const struct rel *join)
{
    double left = estimate_rows(q, join->child), right = estimate_rows(q, join->right);
    double share = right >= 1 ? 1 : right;
    uint64_t *set;
    if (rel_new_set(q, &set) != YODA_OK)
        return share;
    rel_available(join->child, set);
    for (uint32_t i = 0; i < join->u.join.on.count; i++) {
        expr_ref e = join->u.join.on.items[i];
        if (e->kind != EXPR_COMPARE || (e->op != OP_EQ && e->op != OP_IS))
            continue;
        double a = side_distinct(q, e->args[0], set, left, right);
        double b = side_distinct(q, e->args[1], set, left, right);
        bool first = expr_within(q, e->args[0], set);
        share = fmin(share, first ? b / a : a / b);
    }
    return fmin(1, share);
}

static double join_rows(struct query *q, const struct rel *join)
{
    double left = estimate_rows(q, join->child);
    switch (join->u.join.kind) {
    case REL_INNER:
        return inner_rows(q, join);
    case REL_LEFT:
        return fmax(left, inner_rows(q, join));
    case REL_FULL:
        return fmax(fmax(left, estimate_rows(q, join->right)), inner_rows(q, join));
    case REL_SEMI:
        return left * semi_share(q, join);
    case REL_ANTI:
        return left * fmax(0.05, 1 - semi_share(q, join));
    case REL_MARK:
    case REL_SINGLE:
        return left;
    }
    return left;
}

/* ---- Rows ---- */

static double group_rows(struct query *q, const struct rel *rel)
{
    double rows = estimate_rows(q, rel->child), groups = 1;
    if (!rel->u.aggregate.keyed)
        return 1;
    for (uint32_t i = 0; i < rel->u.aggregate.key_count && groups < rows; i++)
        groups *= estimate_distinct(q, rel->u.aggregate.keys[i], rows);
    return fmin(groups, rows);
}

static double set_rows(struct query *q, const struct rel *rel)
{
    double rows = estimate_rows(q, rel->u.set.inputs[0]);
    for (uint32_t i = 1; i < rel->u.set.input_count; i++) {
        double other = estimate_rows(q, rel->u.set.inputs[i]);
        if (rel->u.set.kind == SET_UNION_ALL)
            rows += other;
        else if (rel->u.set.kind == SET_INTERSECT)
            rows = fmin(rows, other);
    }
    return rows;
}

static double make_rows(struct query *q, struct rel *rel)
{
    switch (rel->kind) {
    case REL_SCAN:
        return (double)rel->u.scan.table->live_rows * estimate_filters(q, rel);
    case REL_VALUES:
        return rel->u.values.row_count;
    case REL_FILTER:
        return estimate_rows(q, rel->child) *
               list_share(q, &rel->u.filter.conjuncts, estimate_rows(q, rel->child));
    case REL_JOIN:
        return join_rows(q, rel);
    case REL_AGGREGATE:
        return group_rows(q, rel);
    case REL_SORT:
        return fmin(estimate_rows(q, rel->child), (double)rel->u.sort.limit);
    case REL_LIMIT:
        return fmin(estimate_rows(q, rel->child), (double)rel->u.limit.limit);
    case REL_SET:
        return set_rows(q, rel);
    case REL_SHARED:
        return estimate_rows(q, rel->u.shared.shared->rel);
    case REL_MAP:
    case REL_APPLY:
    case REL_WINDOW:
        return estimate_rows(q, rel->child);
    }
    return 1;
}

double estimate_rows(struct query *q, struct rel *rel)
{
    if (rel->rows < 0)
        rel->rows = fmax(0, make_rows(q, rel));
    return rel->rows;
}
