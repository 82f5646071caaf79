/*
 * bind_select.c -- a whole SELECT: WITH, its cores, ORDER BY and LIMIT.
 *
 * Which order and limit count depends on what the answer is for. A result has both. In a subquery
 * the order is kept only where it chooses rows, and a LIMIT that would choose among rows without an
 * order is SQLite's: it has no order of its own to choose by.
 */
#include "sql/bind.h"

#include "sql/planner.h"

/* ---- LIMIT ---- */

static yoda_status constant_count(struct scope *s, const struct ast_expr *e, int64_t *out)
{
    expr_ref bound;
    if (bind_contents(e) & HAS_SUBQUERY)
        return bind_refuse(s, "a subquery in LIMIT runs on SQLite");
    TRY(bind_expr(s, LEVEL_ROW, e, &bound));
    if (bound->kind != EXPR_CONST || bound->constant.type != YODA_INTEGER)
        return bind_refuse(s, "a LIMIT or OFFSET that is not an integer is SQLite's to judge");
    *out = bound->constant.i;
    return YODA_OK;
}

yoda_status bind_limit(struct query *q, const struct ast_select *ast,
                       const struct bind_place *place, struct bound_order *order)
{
    struct scope nothing = {.q = q, .place = *place};
    int64_t n = 0;
    nothing.place.outer = NULL;
    order->limit = UINT64_MAX;
    order->offset = 0;
    if (ast->limit) {
        TRY(constant_count(&nothing, ast->limit, &n));
        order->limit = n < 0 ? UINT64_MAX : (uint64_t)n;
    }
    if (ast->offset) {
        TRY(constant_count(&nothing, ast->offset, &n));
        order->offset = n < 0 ? 0 : (uint64_t)n;
    }
    return YODA_OK;
}

/* ---- Order and limit by use ---- */

static yoda_status put_order(struct query *q, const struct bound_order *order, struct rel **rel)
{
    bool limited = order->limit != UINT64_MAX || order->offset > 0;
    struct rel *node;
    if (order->count) {
        TRY(rel_new(q, REL_SORT, *rel, &node));
        node->u.sort.keys = order->keys;
        node->u.sort.key_count = order->count;
        node->u.sort.limit = order->limit > UINT64_MAX - order->offset
                                 ? UINT64_MAX
                                 : order->limit + order->offset;
        *rel = node;
    }
    if (!limited)
        return YODA_OK;
    TRY(rel_new(q, REL_LIMIT, *rel, &node));
    node->u.limit.limit = order->limit;
    node->u.limit.offset = order->offset;
    *rel = node;
    return YODA_OK;
}

yoda_status bind_finish_order(struct scope *s, const struct bound_order *wanted, bool one_row,
                              struct rel **rel)
{
    struct bound_order order = *wanted;
    enum select_use use = s->place.use;
    if (use == USE_RESULT)
        return put_order(s->q, &order, rel);
    bool first = order.limit >= 1 && order.offset == 0, limited;
    if (use == USE_EXISTS || one_row)
        order.count = 0;
    if ((use == USE_EXISTS || one_row || (use == USE_SCALAR && !order.count)) && first)
        order.limit = UINT64_MAX; /* the first row, which alone matters, is inside */
    if (use == USE_SCALAR && order.count && order.limit > 1)
        order.limit = 1;
    limited = order.limit != UINT64_MAX || order.offset > 0;
    if (limited && !order.count && order.limit > 0 && use != USE_EXISTS && !one_row)
        return bind_refuse(s, "LIMIT without ORDER BY in a subquery takes SQLite's choice of rows");
    if (!limited && use != USE_ORDERED_TABLE)
        order.count = 0;
    return put_order(s->q, &order, rel);
}

/* ---- One core ---- */

static yoda_status bind_order_by(struct core *core, const struct ast_order *ast,
                                 struct bound_order *order, uint32_t **positions)
{
    struct query *q = core->scope.q;
    uint32_t count = 0;
    for (const struct ast_order *o = ast; o; o = o->next)
        count++;
    order->keys = arena_array(q->arena, struct sort_key, count + 1);
    *positions = arena_array(q->arena, uint32_t, count + 1);
    if (!order->keys || !*positions)
        return fail_nomem(q->err, count * sizeof *order->keys);
    for (const struct ast_order *o = ast; o; o = o->next) {
        struct sort_key *key = &order->keys[order->count];
        TRY(bind_order_term(core, o->expr, &(*positions)[order->count++], &key->collation));
        key->descending = o->descending;
        key->nulls_last =
            o->nulls == AST_NULLS_LAST || (o->nulls == AST_NULLS_DEFAULT && o->descending);
    }
    return YODA_OK;
}

static yoda_status bind_single(struct query *q, const struct ast_select *ast,
                               const struct bind_place *place, struct bound *out)
{
    struct bound_order order = {0};
    struct core *core;
    struct rel *rel;
    uint32_t *columns, *positions;
    TRY(bind_core(q, ast->cores, place, &core));
    TRY(bind_order_by(core, ast->order_by, &order, &positions));
    TRY(bind_limit(q, ast, place, &order));
    TRY(bind_finish_core(core, &rel, &columns));
    for (uint32_t i = 0; i < order.count; i++)
        order.keys[i].column = columns[positions[i]];
    TRY(bind_bound_of_core(core, rel, columns, out));
    return bind_finish_order(&core->scope, &order, out->one_row, &out->rel);
}

yoda_status bind_query(struct query *q, const struct ast_select *ast,
                       const struct bind_place *place, struct bound *out)
{
    struct bind_place inner = *place;
    if (place->depth > BIND_DEPTH_MAX)
        return fail(q->err, YODA_NOT_COLUMNAR, "SELECTs nested too deep");
    TRY(bind_open_with(q, ast, place, &inner.ctes));
    if (ast->cores->next)
        return bind_compound(q, ast, &inner, out);
    if (ast->cores->kind == AST_CORE_VALUES)
        return bind_values(q, ast->cores, &inner, out);
    return bind_single(q, ast, &inner, out);
}

yoda_status bind_select(struct query *q, const struct ast_select *ast, struct scope *outer,
                        struct rel_select *out)
{
    struct view_use *views = NULL;
    struct bind_place place = {.outer = outer, .sql = q->sql, .views = &views};
    struct bound bound;
    TRY(bind_count_views(q, ast, &views));
    TRY(bind_query(q, ast, &place, &bound));
    *out = (struct rel_select){.rel = bound.rel,
                               .columns = bound.columns,
                               .names = bound.names,
                               .column_count = bound.count};
    return YODA_OK;
}

yoda_status sql_plan_select(const struct ast_statement *statement, const char *sql,
                            const struct value *params, const struct catalog *catalog,
                            struct arena *arena, struct sql_plan *out, yoda_error *err)
{
    struct query q = {.arena = arena,
                      .err = err,
                      .build = {.arena = arena, .err = err},
                      .catalog = catalog,
                      .sql = sql,
                      .params = params,
                      .parameter_count = statement->parameter_count};
    struct rel_select select;
    TRY(bind_select(&q, statement->select, NULL, &select));
    return planner_run(&q, &select, out);
}
