/*
 * bind_window.c -- calls over windows.
 *
 * Equal definitions share one WINDOW node; several are stacked. Arguments, partitions and orders
 * are bound at the level of the select list, so windows see the groups of an aggregate query. The
 * nodes are made when all clauses are bound (bind_finish_windows); until then a call is just its
 * column.
 */
#include "sql/bind.h"

#include "base/str.h"

static const struct {
    const char *name;
    enum window_kind kind;
    uint32_t args_min, args_max;
} window_names[] = {
    {"row_number", WINDOW_ROW_NUMBER, 0, 0},
    {"rank", WINDOW_RANK, 0, 0},
    {"dense_rank", WINDOW_DENSE_RANK, 0, 0},
    {"percent_rank", WINDOW_PERCENT_RANK, 0, 0},
    {"cume_dist", WINDOW_CUME_DIST, 0, 0},
    {"ntile", WINDOW_NTILE, 1, 1},
    {"lag", WINDOW_LAG, 1, 3},
    {"lead", WINDOW_LEAD, 1, 3},
    {"first_value", WINDOW_FIRST_VALUE, 1, 1},
    {"last_value", WINDOW_LAST_VALUE, 1, 1},
    {"nth_value", WINDOW_NTH_VALUE, 2, 2},
};

/* ---- Definitions ---- */

static const struct ast_window *named_window(const struct scope *s, const struct ast_name *name)
{
    for (const struct ast_window *w = s->core->windows; w; w = w->next)
        if (bind_same_name(&w->name, name))
            return w;
    return NULL;
}

/* The whole definition: a base gives what is missing. */
static yoda_status resolve(struct scope *s, const struct ast_window *w, uint32_t depth,
                           struct ast_window *out)
{
    const struct ast_name *name = w->is_reference ? &w->name : &w->base;
    *out = *w;
    if (!name->text)
        return YODA_OK;
    const struct ast_window *found = named_window(s, name);
    struct ast_window base;
    if (!found || depth > 16)
        return bind_refuse(s, "no such window: %s", name->text);
    TRY(resolve(s, found, depth + 1, &base));
    if (w->is_reference) {
        *out = base;
        return YODA_OK;
    }
    if (w->partition || (w->order && base.order) || base.has_frame)
        return bind_refuse(s, "a window overrides what its base %s has", name->text);
    out->partition = base.partition;
    if (!w->order)
        out->order = base.order;
    return YODA_OK;
}

static yoda_status bind_offset(struct scope *s, const struct ast_expr *e, bool range,
                               struct value *out)
{
    expr_ref bound;
    if (!e)
        return YODA_OK;
    if (bind_contents(e) & HAS_SUBQUERY)
        return bind_refuse(s, "a frame offset that is not constant runs on SQLite");
    TRY(bind_expr(s, LEVEL_ROW, e, &bound));
    bool integer = bound->kind == EXPR_CONST && bound->constant.type == YODA_INTEGER;
    bool real = range && bound->kind == EXPR_CONST && bound->constant.type == YODA_REAL;
    if ((!integer && !real) || (integer && bound->constant.i < 0) ||
        (real && !(bound->constant.r >= 0.0)))
        return bind_refuse(s, "a frame offset that is not a constant number runs on SQLite");
    *out = bound->constant;
    return YODA_OK;
}

static yoda_status bind_frame(struct scope *s, const struct ast_window *w,
                              struct window_frame *out)
{
    static const enum frame_mode modes[] = {[AST_FRAME_ROWS] = FRAME_ROWS,
                                            [AST_FRAME_RANGE] = FRAME_RANGE,
                                            [AST_FRAME_GROUPS] = FRAME_GROUPS};
    static const enum frame_bound bounds[] = {
        [AST_UNBOUNDED_PRECEDING] = FRAME_UNBOUNDED_PRECEDING,
        [AST_PRECEDING] = FRAME_PRECEDING,
        [AST_CURRENT_ROW] = FRAME_CURRENT_ROW,
        [AST_FOLLOWING] = FRAME_FOLLOWING,
        [AST_UNBOUNDED_FOLLOWING] = FRAME_UNBOUNDED_FOLLOWING};
    static const enum frame_exclude excludes[] = {[AST_EXCLUDE_NOTHING] = EXCLUDE_NO_OTHERS,
                                                  [AST_EXCLUDE_NO_OTHERS] = EXCLUDE_NO_OTHERS,
                                                  [AST_EXCLUDE_CURRENT] = EXCLUDE_CURRENT,
                                                  [AST_EXCLUDE_GROUP] = EXCLUDE_GROUP,
                                                  [AST_EXCLUDE_TIES] = EXCLUDE_TIES};
    bool range = w->frame_mode == AST_FRAME_RANGE;
    if (range && (w->from_expr || w->to_expr) && (!w->order || w->order->next))
        return bind_refuse(s, "RANGE with an offset needs one ORDER BY term");
    *out = (struct window_frame){.mode = modes[w->frame_mode],
                                 .from = bounds[w->from],
                                 .to = bounds[w->to],
                                 .from_offset = value_null(),
                                 .to_offset = value_null(),
                                 .exclude = excludes[w->exclude]};
    TRY(bind_offset(s, w->from_expr, range, &out->from_offset));
    return bind_offset(s, w->to_expr, range, &out->to_offset);
}

static yoda_status bind_definition(struct scope *s, enum bind_level level,
                                   const struct ast_window *w, struct bound_window *out)
{
    uint32_t n = 0, m = 0;
    for (const struct ast_expr *e = w->partition; e; e = e->next)
        n++;
    for (const struct ast_order *o = w->order; o; o = o->next)
        m++;
    out->partition = arena_array(s->q->arena, expr_ref, n + 1);
    out->order = arena_array(s->q->arena, expr_ref, m + 1);
    out->keys = arena_array(s->q->arena, struct sort_key, m + 1);
    if (!out->partition || !out->order || !out->keys)
        return fail_nomem(s->q->err, (n + m) * sizeof *out->keys);
    for (const struct ast_expr *e = w->partition; e; e = e->next)
        TRY(bind_expr(s, level, e, &out->partition[out->partition_count++]));
    for (const struct ast_order *o = w->order; o; o = o->next) {
        struct sort_key *key = &out->keys[out->order_count];
        TRY(bind_expr(s, level, o->expr, &out->order[out->order_count]));
        key->collation = out->order[out->order_count++]->collation;
        key->descending = o->descending;
        key->nulls_last =
            o->nulls == AST_NULLS_LAST || (o->nulls == AST_NULLS_DEFAULT && o->descending);
    }
    out->anew = w->exclude == AST_EXCLUDE_NO_OTHERS && w->from != AST_UNBOUNDED_PRECEDING;
    return bind_frame(s, w, &out->frame);
}

static bool same_frame(const struct window_frame *a, const struct window_frame *b)
{
    return a->mode == b->mode && a->from == b->from && a->to == b->to &&
           a->exclude == b->exclude && value_identical(&a->from_offset, &b->from_offset) &&
           value_identical(&a->to_offset, &b->to_offset);
}

static bool same_definition(const struct bound_window *a, const struct bound_window *b)
{
    if (a->partition_count != b->partition_count || a->order_count != b->order_count ||
        a->anew != b->anew || !same_frame(&a->frame, &b->frame))
        return false;
    for (uint32_t i = 0; i < a->partition_count; i++)
        if (!expr_equal(a->partition[i], b->partition[i]) ||
            a->partition[i]->collation != b->partition[i]->collation)
            return false;
    for (uint32_t i = 0; i < a->order_count; i++)
        if (!expr_equal(a->order[i], b->order[i]) ||
            a->keys[i].collation != b->keys[i].collation ||
            a->keys[i].descending != b->keys[i].descending ||
            a->keys[i].nulls_last != b->keys[i].nulls_last)
            return false;
    return true;
}

static yoda_status find_window(struct scope *s, enum bind_level level, const struct ast_window *ast,
                               struct bound_window **out)
{
    struct ast_window whole;
    struct bound_window *wanted = arena_new(s->q->arena, struct bound_window), **at = &s->windows;
    if (!wanted)
        return fail_nomem(s->q->err, sizeof *wanted);
    TRY(resolve(s, ast, 0, &whole));
    TRY(bind_definition(s, level, &whole, wanted));
    while (*at && !same_definition(*at, wanted))
        at = &(*at)->next;
    if (!*at)
        *at = wanted;
    *out = *at;
    return YODA_OK;
}

/* ---- Calls ---- */

static yoda_status add_call(struct scope *s, struct bound_window *w,
                            const struct window_call *call, const char *name, expr_ref *out)
{
    if (w->count == w->capacity) {
        uint32_t capacity = w->capacity ? 2 * w->capacity : 4;
        struct window_call *calls = arena_array(s->q->arena, struct window_call, capacity);
        uint32_t *columns = arena_array(s->q->arena, uint32_t, capacity);
        if (!calls || !columns)
            return fail_nomem(s->q->err, capacity * sizeof *calls);
        if (w->count) {
            memcpy(calls, w->calls, w->count * sizeof *calls);
            memcpy(columns, w->columns, w->count * sizeof *columns);
        }
        w->calls = calls;
        w->columns = columns;
        w->capacity = capacity;
    }
    struct rel_column column = {.name = name,
                                .type = call->type,
                                .classes = bind_classes(call->type, call->classes, true),
                                .affinity = AFFINITY_BLOB};
    const struct expr plain = {.affinity = AFFINITY_BLOB};
    TRY(rel_new_column(s->q, &column, &w->columns[w->count]));
    w->calls[w->count] = *call;
    return bind_input_like(s->q, w->columns[w->count++], &plain, out);
}

static yoda_status bind_builtin(struct scope *s, enum bind_level level, const struct ast_expr *e,
                                struct window_call *call)
{
    size_t i = 0;
    while (i < COUNT_OF(window_names) &&
           !ascii_equal_nocase(e->name.text, e->name.size, window_names[i].name,
                               strlen(window_names[i].name)))
        i++;
    if (i == COUNT_OF(window_names) || e->arg_count < window_names[i].args_min ||
        e->arg_count > window_names[i].args_max || e->star)
        return bind_refuse(s, "%s() may not be used as a window function", e->name.text);
    if (e->filter)
        return bind_refuse(s, "FILTER of %s()", e->name.text);
    call->kind = window_names[i].kind;
    for (const struct ast_expr *arg = e->args; arg; arg = arg->next)
        TRY(bind_expr(s, level, arg, &call->args[call->arg_count++]));
    return YODA_OK;
}

/* EXCLUDE NO OTHERS says nothing, but where it is written SQLite sums each frame anew: no REAL that
 * has left a frame has made the sum REAL, or has left a rounding error in it. */
static yoda_status check_anew(struct scope *s, const struct bound_window *window,
                              const struct window_call *call)
{
    const struct aggregate *a = &call->aggregate;
    bool sums = call->kind == WINDOW_AGGREGATE &&
                (a->kind == AGG_SUM || a->kind == AGG_TOTAL || a->kind == AGG_AVG);
    if (!window->anew || !sums || (a->kind == AGG_SUM && a->arg->type == VT_INT))
        return YODA_OK;
    return bind_refuse(s, "a sum over moving frames with EXCLUDE NO OTHERS runs on SQLite");
}

yoda_status bind_window_call(struct scope *s, enum bind_level level, const struct ast_expr *e,
                             expr_ref *out)
{
    struct window_call call = {.kind = WINDOW_AGGREGATE};
    struct bound_window *window = NULL;
    if (!s->windows_allowed || level != (s->grouped ? LEVEL_GROUP : LEVEL_ROW))
        return bind_refuse(s, "misuse of window function %s()", e->name.text);
    if (e->distinct)
        return bind_refuse(s, "DISTINCT is not supported for window functions");
    s->windows_allowed = false; /* no windows inside */
    yoda_status status = find_window(s, level, e->over, &window);
    if (status == YODA_OK && bind_aggregate_kind(e, &call.aggregate.kind))
        status = bind_aggregate_args(s, level, e, &call.aggregate);
    else if (status == YODA_OK)
        status = bind_builtin(s, level, e, &call);
    s->windows_allowed = true;
    TRY(status);
    TRY(window_call_init(&call, s->q->err));
    TRY(check_anew(s, window, &call));
    return add_call(s, window, &call, e->name.text, out);
}

static yoda_status finish_window(struct scope *s, struct bound_window *w, struct rel **rel)
{
    uint32_t *order;
    struct rel *node;
    uint32_t *partition;
    TRY(bind_compute(s->q, rel, w->partition, NULL, w->partition_count, &partition));
    TRY(bind_compute(s->q, rel, w->order, NULL, w->order_count, &order));
    for (uint32_t i = 0; i < w->order_count; i++)
        w->keys[i].column = order[i];
    TRY(rel_new(s->q, REL_WINDOW, *rel, &node));
    node->u.window.partition = partition;
    node->u.window.partition_count = w->partition_count;
    node->u.window.order = w->keys;
    node->u.window.order_count = w->order_count;
    node->u.window.frame = w->frame;
    node->u.window.columns = w->columns;
    node->u.window.calls = w->calls;
    node->u.window.count = w->count;
    *rel = node;
    return YODA_OK;
}

yoda_status bind_finish_windows(struct scope *s, struct rel **rel)
{
    for (struct bound_window *w = s->windows; w; w = w->next)
        if (w->count > 0)
            TRY(finish_window(s, w, rel));
    return YODA_OK;
}
