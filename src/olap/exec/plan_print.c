/*
 * plan_print.c -- a plan as text: one node a line, children indented below their parents.
 *
 *   LIMIT 10
 *     SORT #1 DESC (top 10)
 *       AGGREGATE by flag: count(*), sum(price)
 *         SCAN lineitem (flag, price, day) where day < '1998-09-02'
 */
#include "olap/exec/plan.h"

#include <inttypes.h>

/* Column names where they are known: of the scan below, through nodes that keep columns. */
static const char *const *names_of(const struct plan *plan)
{
    while (plan && (plan->kind == PLAN_FILTER || plan->kind == PLAN_LIMIT ||
                    plan->kind == PLAN_SORT || plan->kind == PLAN_DISTINCT))
        plan = plan->child;
    return plan && plan->kind == PLAN_SCAN ? plan->u.scan.names : NULL;
}

static void print_column(const char *const *names, uint32_t column, struct str *out)
{
    if (names)
        str_puts(out, names[column]);
    else
        str_printf(out, "#%u", (unsigned)column);
}

static void print_exprs(const expr_ref *exprs, uint32_t count, const char *separator,
                        const char *const *names, struct str *out)
{
    for (uint32_t i = 0; i < count; i++) {
        if (i)
            str_puts(out, separator);
        expr_print(exprs[i], names, out);
    }
}

static void print_scan(const struct plan *plan, struct str *out)
{
    str_printf(out, "SCAN %s (", plan->u.scan.table_name);
    for (uint32_t i = 0; i < plan->column_count; i++) {
        if (i)
            str_puts(out, ", ");
        print_column(plan->u.scan.names, i, out);
    }
    str_putc(out, ')');
    if (plan->u.scan.filter_count) {
        str_puts(out, " where ");
        print_exprs(plan->u.scan.filters, plan->u.scan.filter_count, " and ", plan->u.scan.names,
                    out);
    }
}

static const char *aggregate_name(enum aggregate_kind kind)
{
    static const char *const names[] = {
        [AGG_COUNT_ROWS] = "count", [AGG_COUNT] = "count", [AGG_SUM] = "sum",
        [AGG_TOTAL] = "total",      [AGG_AVG] = "avg",     [AGG_MIN] = "min",
        [AGG_MAX] = "max",          [AGG_GROUP_CONCAT] = "group_concat",
        [AGG_BARE] = "bare"};
    ASSERT((size_t)kind < COUNT_OF(names));
    return names[kind];
}

static void print_aggregate(const struct aggregate *aggregate, const char *const *names,
                            struct str *out)
{
    str_printf(out, "%s(%s", aggregate_name(aggregate->kind),
               aggregate->distinct ? "distinct " : "");
    if (aggregate->kind == AGG_COUNT_ROWS)
        str_putc(out, '*');
    else
        expr_print(aggregate->arg, names, out);
    str_putc(out, ')');
    if (aggregate->filter) {
        str_puts(out, " filter (where ");
        expr_print(aggregate->filter, names, out);
        str_putc(out, ')');
    }
}

static void print_aggregates(const struct plan *plan, struct str *out)
{
    const char *const *names = names_of(plan->child);
    str_puts(out, "AGGREGATE");
    if (plan->u.aggregate.key_count) {
        str_puts(out, " by ");
        print_exprs(plan->u.aggregate.keys, plan->u.aggregate.key_count, ", ", names, out);
    }
    for (uint32_t i = 0; i < plan->u.aggregate.aggregate_count; i++) {
        str_puts(out, i ? ", " : ": ");
        print_aggregate(&plan->u.aggregate.aggregates[i], names, out);
    }
}

static void print_sort(const struct plan *plan, struct str *out)
{
    const char *const *names = names_of(plan->child);
    str_puts(out, "SORT ");
    for (uint32_t k = 0; k < plan->u.sort.key_count; k++) {
        const struct sort_key *key = &plan->u.sort.keys[k];
        if (k)
            str_puts(out, ", ");
        print_column(names, key->column, out);
        str_puts(out, key->descending ? " DESC" : "");
        if (key->nulls_last != key->descending)
            str_puts(out, key->nulls_last ? " NULLS LAST" : " NULLS FIRST");
    }
    if (plan->u.sort.limit != UINT64_MAX)
        str_printf(out, " (top %" PRIu64 ")", plan->u.sort.limit);
}

static void print_limit(const struct plan *plan, struct str *out)
{
    str_puts(out, "LIMIT");
    if (plan->u.limit.limit == UINT64_MAX)
        str_puts(out, " none");
    else
        str_printf(out, " %" PRIu64, plan->u.limit.limit);
    if (plan->u.limit.offset)
        str_printf(out, " offset %" PRIu64, plan->u.limit.offset);
}

static void print_node(const struct plan *plan, struct str *out)
{
    switch (plan->kind) {
    case PLAN_SCAN:
        print_scan(plan, out);
        break;
    case PLAN_FILTER:
        str_puts(out, "FILTER ");
        expr_print(plan->u.filter.condition, names_of(plan->child), out);
        break;
    case PLAN_PROJECT:
        str_puts(out, "PROJECT ");
        print_exprs(plan->u.project.exprs, plan->column_count, ", ", names_of(plan->child), out);
        break;
    case PLAN_AGGREGATE:
        print_aggregates(plan, out);
        break;
    case PLAN_DISTINCT:
        str_puts(out, "DISTINCT");
        break;
    case PLAN_SORT:
        print_sort(plan, out);
        break;
    case PLAN_LIMIT:
        print_limit(plan, out);
        break;
    case PLAN_VALUES:
        str_printf(out, "VALUES %u row%s", (unsigned)plan->u.values.row_count,
                   plan->u.values.row_count == 1 ? "" : "s");
        break;
    }
}

void plan_print(const struct plan *plan, struct str *out)
{
    for (uint32_t depth = 0; plan; plan = plan->child, depth++) {
        str_printf(out, "%*s", (int)(2 * depth), "");
        print_node(plan, out);
        str_putc(out, '\n');
    }
}
