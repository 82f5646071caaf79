/*
 * bind_aggregate.c -- aggregate calls: recognised, bound once each, given a column.
 *
 * The same call met twice shares its column. Arguments are bound at level ROW; those of an
 * aggregate over a window at the level of the window's own expressions.
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

bool bind_aggregate_kind(const struct ast_expr *e, enum aggregate_kind *kind)
{
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

bool bind_is_aggregate(const struct ast_expr *e, enum aggregate_kind *kind)
{
    return e->kind == AST_FUNCTION && !e->over && bind_aggregate_kind(e, kind);
}

static unsigned window_contents(const struct ast_window *w)
{
    unsigned found = HAS_WINDOW;
    for (const struct ast_expr *e = w->partition; e; e = e->next)
        found |= bind_contents(e);
    for (const struct ast_order *o = w->order; o; o = o->next)
        found |= bind_contents(o->expr);
    return found;
}

unsigned bind_contents(const struct ast_expr *e)
{
    enum aggregate_kind kind;
    if (!e)
        return 0;
    unsigned found = bind_is_aggregate(e, &kind) ? HAS_AGGREGATE : 0;
    if (e->select || e->kind == AST_IN_TABLE)
        found |= HAS_SUBQUERY;
    if (e->over)
        found |= window_contents(e->over);
    for (const struct ast_expr *arg = e->args; arg; arg = arg->next)
        found |= bind_contents(arg);
    return found | bind_contents(e->left) | bind_contents(e->right) | bind_contents(e->third) |
           bind_contents(e->filter);
}

static bool same_ref(expr_ref a, expr_ref b)
{
    return a == b || (a && b && expr_equal(a, b));
}

static bool same_aggregate(const struct aggregate *a, const struct aggregate *b)
{
    return a->kind == b->kind && a->distinct == b->distinct && a->collation == b->collation &&
           same_ref(a->arg, b->arg) && same_ref(a->filter, b->filter) &&
           same_ref(a->separator, b->separator);
}

static yoda_status reserve(struct scope *s)
{
    if (s->aggregate_count < s->aggregate_capacity)
        return YODA_OK;
    uint32_t capacity = s->aggregate_capacity ? 2 * s->aggregate_capacity : 8;
    struct aggregate *grown = arena_array(s->q->arena, struct aggregate, capacity);
    uint32_t *columns = arena_array(s->q->arena, uint32_t, capacity);
    if (!grown || !columns)
        return fail_nomem(s->q->err, capacity * sizeof *grown);
    if (s->aggregate_count) {
        memcpy(grown, s->aggregates, s->aggregate_count * sizeof *grown);
        memcpy(columns, s->aggregate_columns, s->aggregate_count * sizeof *columns);
    }
    s->aggregates = grown;
    s->aggregate_columns = columns;
    s->aggregate_capacity = capacity;
    return YODA_OK;
}

static yoda_status add_aggregate(struct scope *s, const struct aggregate *a, const char *name)
{
    bool bare = a->kind == AGG_BARE && a->arg->has_affinity;
    bool collated = a->arg && (a->kind == AGG_BARE || a->arg->explicit_collation);
    struct rel_column column = {.name = name,
                                .type = a->type,
                                .classes = bind_classes(a->type, a->classes, true),
                                .affinity = bare ? a->arg->affinity : AFFINITY_BLOB,
                                .has_affinity = bare,
                                .collation = collated ? a->arg->collation : COLLATE_BINARY};
    TRY(reserve(s));
    TRY(rel_new_column(s->q, &column, &s->aggregate_columns[s->aggregate_count]));
    s->aggregates[s->aggregate_count++] = *a;
    return YODA_OK;
}

/* The value of an aggregate is no column: a collation only where a COLLATE travels upward. */
static yoda_status aggregate_input(struct scope *s, const struct aggregate *a, uint32_t column,
                                   expr_ref *out)
{
    TRY(rel_input(s->q, column, out));
    if (a->kind == AGG_BARE)
        return bind_input_like(s->q, column, a->arg, out);
    struct expr *head = arena_new(s->q->arena, struct expr);
    if (!head)
        return fail_nomem(s->q->err, sizeof *head);
    *head = **out;
    head->has_collation = head->explicit_collation = a->arg && a->arg->explicit_collation;
    *out = head;
    return YODA_OK;
}

static yoda_status aggregate_column(struct scope *s, const struct aggregate *wanted,
                                    const char *name, expr_ref *out)
{
    uint32_t i = 0;
    ASSERT(s->grouped);
    while (i < s->aggregate_count && !same_aggregate(&s->aggregates[i], wanted))
        i++;
    if (i == s->aggregate_count)
        TRY(add_aggregate(s, wanted, name));
    return aggregate_input(s, &s->aggregates[i], s->aggregate_columns[i], out);
}

yoda_status bind_aggregate_args(struct scope *s, enum bind_level level, const struct ast_expr *e,
                                struct aggregate *a)
{
    uint64_t own = s->own_names, outer = s->outer_names;
    if (e->distinct && e->arg_count != 1)
        return bind_refuse(s, "DISTINCT aggregates have one argument");
    a->distinct = e->distinct && a->kind != AGG_MIN && a->kind != AGG_MAX;
    if (e->args) {
        TRY(bind_expr(s, level, e->args, &a->arg));
        a->collation = a->arg->collation;
        if (e->args->next)
            TRY(bind_expr(s, level, e->args->next, &a->separator));
        if (a->separator && !expr_is_constant(a->separator))
            return bind_refuse(s, "a group_concat separator that is not constant runs on SQLite");
    }
    if (s->own_names == own && s->outer_names > outer)
        return bind_refuse(s, "an aggregate of the columns of a query around it");
    if (e->filter)
        TRY(bind_expr(s, level, e->filter, &a->filter));
    return aggregate_init(a, s->q->err);
}

yoda_status bind_aggregate(struct scope *s, const struct ast_expr *e, enum aggregate_kind kind,
                           expr_ref *out)
{
    struct aggregate a = {.kind = kind};
    unsigned inside = bind_contents(e->filter);
    for (const struct ast_expr *arg = e->args; arg; arg = arg->next)
        inside |= bind_contents(arg);
    if (inside & (HAS_AGGREGATE | HAS_WINDOW))
        return bind_refuse(s, "misuse of an aggregate or window inside an aggregate");
    enum bind_level level = s->level;
    s->level = LEVEL_ROW;
    yoda_status status = bind_aggregate_args(s, LEVEL_ROW, e, &a);
    s->level = level;
    TRY(status);
    return aggregate_column(s, &a, e->name.text, out);
}

yoda_status bind_bare_column(struct scope *s, expr_ref column, expr_ref *out)
{
    struct aggregate a = {.kind = AGG_BARE, .arg = column, .collation = column->collation};
    TRY(aggregate_init(&a, s->q->err));
    return aggregate_column(s, &a, "bare", out);
}

yoda_status bind_check_bare(struct scope *s)
{
    uint32_t bare = 0, extremes = 0, filtered = 0;
    for (uint32_t i = 0; i < s->aggregate_count; i++) {
        const struct aggregate *a = &s->aggregates[i];
        bool extreme = a->kind == AGG_MIN || a->kind == AGG_MAX;
        bare += a->kind == AGG_BARE;
        extremes += extreme;
        filtered += extreme && a->filter;
    }
    if (bare && (extremes != 1 || filtered))
        return bind_refuse(s, "a bare column beside aggregates (other than one MIN or MAX) takes "
                              "SQLite's choice of row");
    return YODA_OK;
}
