/*
 * bind_aggregate.c -- aggregate calls: recognised, bound once each, given a slot.
 *
 * Slots of the aggregation's output: group keys first, then aggregates in the order they were met.
 * The same call met twice shares its slot.
 */
#include "sql/bind.h"

#include "base/str.h"

static const struct {
    const char *name;
    enum aggregate_kind kind;
    uint32_t args_min, args_max;
} aggregate_names[] = {
    {"count", AGG_COUNT, 0, 1},  {"sum", AGG_SUM, 1, 1},
    {"total", AGG_TOTAL, 1, 1},  {"avg", AGG_AVG, 1, 1},
    {"min", AGG_MIN, 1, 1},      {"max", AGG_MAX, 1, 1},
    {"group_concat", AGG_GROUP_CONCAT, 1, 2},
};

bool bind_is_aggregate(const struct ast_expr *e, enum aggregate_kind *kind)
{
    if (e->kind != AST_FUNCTION || e->over)
        return false;
    for (size_t i = 0; i < COUNT_OF(aggregate_names); i++) {
        const char *name = aggregate_names[i].name;
        if (!ascii_equal_nocase(e->name.text, e->name.size, name, strlen(name)) ||
            e->arg_count < aggregate_names[i].args_min ||
            e->arg_count > aggregate_names[i].args_max)
            continue;
        *kind = aggregate_names[i].kind;
        if (*kind == AGG_COUNT && e->arg_count == 0)
            *kind = AGG_COUNT_ROWS;
        return true;
    }
    return false;
}

bool bind_has_aggregate(const struct ast_expr *e)
{
    enum aggregate_kind kind;
    if (!e)
        return false;
    if (bind_is_aggregate(e, &kind))
        return true;
    for (const struct ast_expr *arg = e->args; arg; arg = arg->next)
        if (bind_has_aggregate(arg))
            return true;
    return bind_has_aggregate(e->left) || bind_has_aggregate(e->right) ||
           bind_has_aggregate(e->third);
}

static bool same_ref(expr_ref a, expr_ref b)
{
    return a == b || (a && b && expr_equal(a, b));
}

static bool same_aggregate(const struct aggregate *a, const struct aggregate *b)
{
    return a->kind == b->kind && a->distinct == b->distinct && same_ref(a->arg, b->arg) &&
           same_ref(a->filter, b->filter) && same_ref(a->separator, b->separator);
}

static yoda_status aggregate_slot(struct binder *b, const struct aggregate *wanted, expr_ref *out)
{
    uint32_t i = 0;
    while (i < b->aggregate_count && !same_aggregate(&b->aggregates[i], wanted))
        i++;
    if (i == b->aggregate_count) {
        if (i == b->aggregate_capacity) {
            uint32_t capacity = i ? 2 * i : 8;
            struct aggregate *grown = arena_array(b->arena, struct aggregate, capacity);
            if (!grown)
                return fail_nomem(b->err, capacity * sizeof *grown);
            if (i)
                memcpy(grown, b->aggregates, i * sizeof *grown);
            b->aggregates = grown;
            b->aggregate_capacity = capacity;
        }
        b->aggregates[b->aggregate_count++] = *wanted;
    }
    const struct aggregate *a = &b->aggregates[i];
    bool column = a->kind == AGG_BARE && a->arg->has_affinity;
    return expr_input(&b->build, b->key_count + i, bind_classes(a->type, a->classes, true),
                      column ? a->arg->affinity : AFFINITY_BLOB, column, a->collation, out);
}

yoda_status bind_aggregate(struct binder *b, const struct ast_expr *e, enum aggregate_kind kind,
                           expr_ref *out)
{
    struct aggregate a = {.kind = kind};
    for (const struct ast_expr *arg = e->args; arg; arg = arg->next)
        if (bind_has_aggregate(arg))
            return bind_refuse(b, "misuse of an aggregate inside an aggregate");
    if (bind_has_aggregate(e->filter))
        return bind_refuse(b, "misuse of an aggregate inside FILTER");
    if (e->distinct && e->arg_count != 1)
        return bind_refuse(b, "DISTINCT aggregates have one argument");
    a.distinct = e->distinct && kind != AGG_MIN && kind != AGG_MAX;
    if (e->args) {
        TRY(bind_expr(b, LEVEL_ROW, e->args, &a.arg));
        a.collation = a.arg->collation;
        if (e->args->next)
            TRY(bind_expr(b, LEVEL_ROW, e->args->next, &a.separator));
        if (a.separator && !expr_is_constant(a.separator))
            return bind_refuse(b, "a group_concat separator that is not constant runs on SQLite");
    }
    if (e->filter)
        TRY(bind_expr(b, LEVEL_ROW, e->filter, &a.filter));
    TRY(aggregate_init(&a, b->err));
    return aggregate_slot(b, &a, out);
}

yoda_status bind_bare_column(struct binder *b, expr_ref column, expr_ref *out)
{
    struct aggregate a = {.kind = AGG_BARE, .arg = column, .collation = column->collation};
    TRY(aggregate_init(&a, b->err));
    return aggregate_slot(b, &a, out);
}

yoda_status bind_check_bare(struct binder *b)
{
    uint32_t bare = 0, extremes = 0, filtered = 0;
    for (uint32_t i = 0; i < b->aggregate_count; i++) {
        const struct aggregate *a = &b->aggregates[i];
        bool extreme = a->kind == AGG_MIN || a->kind == AGG_MAX;
        bare += a->kind == AGG_BARE;
        extremes += extreme;
        filtered += extreme && a->filter;
    }
    if (bare && (extremes != 1 || filtered))
        return bind_refuse(b, "a bare column beside aggregates (other than one MIN or MAX) takes "
                              "SQLite's choice of row");
    return YODA_OK;
}
