/*
 * plan_names.c -- names for columns that have none any more: see plan_names.h.
 *
 * Names rise from the scans. A computed column is called by its expression, cut short so that
 * expressions over expressions stay readable.
 */
#include "olap/exec/plan_names.h"

#include <inttypes.h>
#include <stdio.h>

#define NAME_BYTES_MAX 60

struct naming {
    struct arena *arena;
    yoda_error *err;
    struct named **shared; /* [shared_count] children of SHARED nodes: named once */
    uint32_t shared_count, shared_capacity;
};

/* Whole UTF-8 characters of at most NAME_BYTES_MAX bytes. */
static yoda_status keep_name(struct naming *n, const struct str *text, const char **out)
{
    size_t size = text->size;
    bool cut = size > NAME_BYTES_MAX;
    if (cut)
        for (size = NAME_BYTES_MAX; size > 0 && ((uint8_t)text->data[size] & 0xc0) == 0x80; size--)
            continue;
    char *copy = arena_alloc(n->arena, size + sizeof "...");
    if (!copy)
        return fail_nomem(n->err, size);
    memcpy(copy, str_text(text), size);
    memcpy(copy + size, cut ? "..." : "", cut ? sizeof "..." : 1);
    *out = copy;
    return YODA_OK;
}

/* ---- Calls ---- */

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

void plan_print_aggregate(const struct aggregate *aggregate, const char *const *names,
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

void plan_print_call(const struct window_call *call, const char *const *names, struct str *out)
{
    static const char *const calls[] = {
        [WINDOW_ROW_NUMBER] = "row_number",     [WINDOW_RANK] = "rank",
        [WINDOW_DENSE_RANK] = "dense_rank",     [WINDOW_PERCENT_RANK] = "percent_rank",
        [WINDOW_CUME_DIST] = "cume_dist",       [WINDOW_NTILE] = "ntile",
        [WINDOW_LAG] = "lag",                   [WINDOW_LEAD] = "lead",
        [WINDOW_FIRST_VALUE] = "first_value",   [WINDOW_LAST_VALUE] = "last_value",
        [WINDOW_NTH_VALUE] = "nth_value"};
    if (call->kind == WINDOW_AGGREGATE) {
        plan_print_aggregate(&call->aggregate, names, out);
        return;
    }
    str_printf(out, "%s(", calls[call->kind]);
    for (uint32_t i = 0; i < call->arg_count; i++) {
        str_puts(out, i ? ", " : "");
        expr_print(call->args[i], names, out);
    }
    str_putc(out, ')');
}

/* ---- Nodes ---- */

static yoda_status number_name(struct naming *n, uint32_t column, const char **out)
{
    struct str text;
    str_init(&text);
    str_printf(&text, "#%" PRIu32, column);
    yoda_status status = keep_name(n, &text, out);
    str_deinit(&text);
    return status;
}

/* As an operand: an operator goes into parentheses. */
static void print_operand(expr_ref e, const char *const *names, struct str *out)
{
    bool atom = e->kind == EXPR_INPUT || e->kind == EXPR_CONST || e->kind == EXPR_CALL ||
                e->kind == EXPR_CASE || e->kind == EXPR_CAST;
    str_puts(out, atom ? "" : "(");
    expr_print(e, names, out);
    str_puts(out, atom ? "" : ")");
}

/* The name of what node computes at `column`, not of what it passes on. */
static yoda_status computed_name(struct naming *n, const struct named *node, uint32_t column,
                                 const char **out)
{
    const struct plan *plan = node->plan;
    const char *const *below = node->input_count ? node->inputs[0]->names : NULL;
    struct str text;
    str_init(&text);
    if (plan->kind == PLAN_PROJECT)
        print_operand(plan->u.project.exprs[column], below, &text);
    else if (plan->kind == PLAN_VALUES && plan->u.values.row_count == 1)
        expr_print(plan->u.values.exprs[column], NULL, &text);
    else if (plan->kind == PLAN_WINDOW)
        plan_print_call(&plan->u.window.calls[column - plan->child->column_count], below, &text);
    else if (plan->kind == PLAN_AGGREGATE && column < plan->u.aggregate.key_count)
        print_operand(plan->u.aggregate.keys[column], below, &text);
    else if (plan->kind == PLAN_AGGREGATE)
        plan_print_aggregate(
            &plan->u.aggregate.aggregates[column - plan->u.aggregate.key_count], below, &text);
    else if (plan->kind == PLAN_JOIN)
        str_puts(&text, "mark");
    else
        str_printf(&text, "column%" PRIu32, column + 1);
    yoda_status status = keep_name(n, &text, out);
    str_deinit(&text);
    return status;
}

/* Where output `column` comes from unchanged: an input and its column; -1: it is computed. */
static int source_of(const struct plan *plan, uint32_t column, uint32_t *source)
{
    *source = column;
    switch (plan->kind) {
    case PLAN_FILTER:
    case PLAN_DISTINCT:
    case PLAN_SORT:
    case PLAN_LIMIT:
    case PLAN_SET:
        return 0;
    case PLAN_SHARED:
        *source = plan->u.shared.columns[column];
        return 0;
    case PLAN_WINDOW:
        return column < plan->child->column_count ? 0 : -1;
    case PLAN_JOIN:
        if (plan->u.join.kind == JOIN_RIGHT_SEMI || plan->u.join.kind == JOIN_RIGHT_ANTI)
            return 1;
        if (column < plan->child->column_count)
            return 0;
        *source = column - plan->child->column_count;
        return plan->u.join.kind == JOIN_MARK ? -1 : 1;
    default:
        return -1;
    }
}

static yoda_status name_columns(struct naming *n, struct named *node)
{
    const struct plan *plan = node->plan;
    node->names = arena_array(n->arena, const char *, plan->column_count);
    if (!node->names)
        return fail_nomem(n->err, plan->column_count * sizeof(char *));
    for (uint32_t i = 0; i < plan->column_count; i++) {
        uint32_t column;
        int input = source_of(plan, i, &column);
        if (plan->kind == PLAN_SCAN && plan->u.scan.names)
            node->names[i] = plan->u.scan.names[i];
        else if (plan->kind == PLAN_SCAN)
            TRY(number_name(n, i, &node->names[i]));
        else if (input >= 0 && (uint32_t)input < node->input_count)
            node->names[i] = node->inputs[input]->names[column];
        else
            TRY(computed_name(n, node, i, &node->names[i]));
    }
    return YODA_OK;
}

static struct named *find_shared(const struct naming *n, const struct plan *plan)
{
    for (uint32_t i = 0; i < n->shared_count; i++)
        if (n->shared[i]->plan == plan)
            return n->shared[i];
    return NULL;
}

static yoda_status add_shared(struct naming *n, struct named *named)
{
    if (n->shared_count == n->shared_capacity) {
        uint32_t capacity = n->shared_capacity ? 2 * n->shared_capacity : 4;
        struct named **grown = arena_array(n->arena, struct named *, capacity);
        if (!grown)
            return fail_nomem(n->err, capacity * sizeof(struct named *));
        if (n->shared_count)
            memcpy(grown, n->shared, n->shared_count * sizeof(struct named *));
        n->shared = grown;
        n->shared_capacity = capacity;
    }
    n->shared[n->shared_count++] = named;
    return YODA_OK;
}

static yoda_status name_node(struct naming *n, const struct plan *plan, struct named **out)
{
    uint32_t count;
    plan_input(plan, 0, &count);
    struct named *node = arena_new(n->arena, struct named);
    if (!node || !(node->inputs = arena_array(n->arena, struct named *, count)))
        return fail_nomem(n->err, sizeof *node);
    node->plan = plan;
    node->input_count = count;
    for (uint32_t i = 0; i < count; i++) {
        const struct plan *input = plan_input(plan, i, &count);
        struct named *known = plan->kind == PLAN_SHARED ? find_shared(n, input) : NULL;
        if (known) {
            node->inputs[i] = known;
            continue;
        }
        TRY(name_node(n, input, &node->inputs[i]));
        if (plan->kind == PLAN_SHARED)
            TRY(add_shared(n, node->inputs[i]));
    }
    *out = node;
    return name_columns(n, node);
}

yoda_status plan_names(const struct plan *plan, struct arena *arena, struct named **out,
                       yoda_error *err)
{
    struct naming n = {.arena = arena, .err = err};
    return name_node(&n, plan, out);
}
