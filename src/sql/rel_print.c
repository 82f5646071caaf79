/* rel_print.c -- a logical plan as text, a node a line: for tests and for whoever writes a rule. */
#include "sql/rel.h"

#include "base/str.h"

static void print_names(const struct query *q, const uint32_t *columns, uint32_t count,
                        struct str *out)
{
    for (uint32_t i = 0; i < count; i++)
        str_printf(out, "%s#%u", i ? ", " : " ", columns[i]);
    YODA_UNUSED(q);
}

static void print_list(const struct expr_list *list, struct str *out)
{
    for (uint32_t i = 0; i < list->count; i++) {
        str_printf(out, "%s", i ? " AND " : " ");
        expr_print(list->items[i], NULL, out);
    }
}

static const char *join_name(enum rel_join kind)
{
    static const char *const names[] = {
        [REL_INNER] = "inner", [REL_LEFT] = "left", [REL_FULL] = "full",    [REL_SEMI] = "semi",
        [REL_ANTI] = "anti",   [REL_MARK] = "mark", [REL_SINGLE] = "single"};
    return names[kind];
}

static void print_keys(const struct sort_key *keys, uint32_t count, struct str *out)
{
    for (uint32_t i = 0; i < count; i++)
        str_printf(out, "%s#%u%s", i ? ", " : " ", keys[i].column,
                   keys[i].descending ? " desc" : "");
}

static void print_aggregate(const struct query *q, const struct rel *rel, struct str *out)
{
    static const char *const names[] = {
        [AGG_COUNT_ROWS] = "count_rows", [AGG_COUNT] = "count", [AGG_SUM] = "sum",
        [AGG_TOTAL] = "total",           [AGG_AVG] = "avg",     [AGG_MIN] = "min",
        [AGG_MAX] = "max",               [AGG_GROUP_CONCAT] = "group_concat",
        [AGG_BARE] = "bare"};
    str_printf(out, "aggregate%s", rel->u.aggregate.keyed ? " by" : "");
    print_names(q, rel->u.aggregate.keys, rel->u.aggregate.key_count, out);
    for (uint32_t i = 0; i < rel->u.aggregate.count; i++) {
        const struct aggregate *a = &rel->u.aggregate.aggregates[i];
        str_printf(out, "; #%u = %s(%s", rel->u.aggregate.columns[i], names[a->kind],
                   a->distinct ? "distinct " : "");
        if (a->arg)
            expr_print(a->arg, NULL, out);
        str_printf(out, ")");
    }
}

static void print_head(const struct query *q, const struct rel *rel, struct str *out)
{
    switch (rel->kind) {
    case REL_SCAN:
        str_printf(out, "scan %s #%u..", rel->u.scan.table->name, rel->u.scan.first);
        print_list(&rel->u.scan.filters, out);
        return;
    case REL_VALUES:
        str_printf(out, "values x%u", rel->u.values.row_count);
        print_names(q, rel->u.values.columns, rel->u.values.column_count, out);
        return;
    case REL_FILTER:
        str_printf(out, "filter");
        print_list(&rel->u.filter.conjuncts, out);
        return;
    case REL_MAP:
        str_printf(out, "map");
        for (uint32_t i = 0; i < rel->u.map.count; i++) {
            str_printf(out, "%s#%u = ", i ? ", " : " ", rel->u.map.columns[i]);
            expr_print(rel->u.map.exprs[i], NULL, out);
        }
        return;
    case REL_JOIN:
        str_printf(out, "%s join", join_name(rel->u.join.kind));
        if (rel->u.join.kind == REL_MARK)
            str_printf(out, " #%u", rel->u.join.mark);
        print_list(&rel->u.join.on, out);
        return;
    case REL_APPLY:
        str_printf(out, "apply %s #%u",
                   rel->u.apply.kind == APPLY_SCALAR   ? "scalar"
                   : rel->u.apply.kind == APPLY_EXISTS ? "exists"
                                                       : "in",
                   rel->u.apply.result);
        return;
    case REL_AGGREGATE:
        print_aggregate(q, rel, out);
        return;
    case REL_WINDOW:
        str_printf(out, "window");
        print_names(q, rel->u.window.columns, rel->u.window.count, out);
        return;
    case REL_SORT:
        str_printf(out, "sort");
        print_keys(rel->u.sort.keys, rel->u.sort.key_count, out);
        return;
    case REL_LIMIT:
        str_printf(out, "limit");
        return;
    case REL_SET:
        str_printf(out, "%s",
                   rel->u.set.kind == SET_UNION_ALL   ? "union all"
                   : rel->u.set.kind == SET_INTERSECT ? "intersect"
                                                      : "except");
        print_names(q, rel->u.set.columns, rel->u.set.column_count, out);
        return;
    case REL_SHARED:
        str_printf(out, "shared %s", rel->u.shared.shared->name);
        print_names(q, rel->u.shared.columns, rel->u.shared.shared->column_count, out);
        return;
    }
}

static void print_at(const struct query *q, const struct rel *rel, int depth, struct str *out)
{
    struct rel **input;
    str_printf(out, "%*s", 2 * depth, "");
    print_head(q, rel, out);
    str_printf(out, "\n");
    for (uint32_t i = 0; (input = rel_input_at((struct rel *)rel, i)); i++)
        print_at(q, *input, depth + 1, out);
}

void rel_print(const struct query *q, const struct rel *rel, struct str *out)
{
    print_at(q, rel, 0, out);
}
