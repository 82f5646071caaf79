/*
 * plan_select.c -- one SELECT over one table, clause by clause, to a plan.
 *
 *   scan (pruned columns, WHERE conjuncts)
 *     -> aggregate (keys, aggregates) -> filter (HAVING)        when there are any
 *     -> project (visible columns, then hidden sort keys)
 *     -> distinct -> sort (top-N under a LIMIT) -> limit
 *
 * Everything is bound over the table's columns first; when all clauses are known, the used columns
 * are collected and every ROW expression is renumbered to the scan's slots. In an aggregate query
 * only keys, arguments and filters of aggregates, and WHERE are ROW expressions.
 */
#include "sql/plan_build.h"

#include "base/str.h"

struct output { /* the select list and what ORDER BY adds to it */
    expr_ref *exprs;
    const char **names;
    const struct ast_expr **sources; /* AST of the visible ones; NULL for those of a star */
    const struct ast_result **items;
    uint32_t visible, count, capacity;
};

struct select {
    struct binder b;
    const struct ast_select *ast;
    enum bind_level level;
    expr_ref *filters;
    uint32_t filter_count, filter_capacity;
    expr_ref having;
    struct output output;
    struct sort_key *sort_keys;
    uint32_t sort_count;
    uint64_t limit, offset;
};

/* ---- FROM ---- */

static yoda_status check_shape(struct select *s)
{
    const struct ast_core *core = s->ast->cores;
    if (s->ast->ctes)
        return bind_refuse(&s->b, "WITH runs on SQLite");
    if (core->next)
        return bind_refuse(&s->b, "compound SELECTs run on SQLite");
    if (core->kind == AST_CORE_VALUES)
        return bind_refuse(&s->b, "VALUES runs on SQLite");
    if (!core->from)
        return bind_refuse(&s->b, "no table is read");
    if (core->from->next)
        return bind_refuse(&s->b, "joins run on SQLite");
    if (core->from->kind != AST_SOURCE_TABLE)
        return bind_refuse(&s->b, core->from->kind == AST_SOURCE_SELECT
                                      ? "subqueries run on SQLite"
                                      : "table functions and groups in FROM run on SQLite");
    if (core->windows)
        return bind_refuse(&s->b, "window functions run on SQLite");
    return YODA_OK;
}

static yoda_status bind_from(struct select *s, const struct catalog *catalog)
{
    const struct ast_source *from = s->ast->cores->from;
    const char *why = "the table is not registered";
    if (from->schema.text && !ascii_equal_nocase(from->schema.text, from->schema.size, "main", 4))
        return bind_refuse(&s->b, "schema %s is SQLite's", from->schema.text);
    if (from->indexed_by.text)
        return bind_refuse(&s->b, "INDEXED BY names an index of SQLite");
    s->b.table = catalog->find_table(catalog->ctx, from->name.text, &why);
    if (!s->b.table)
        return bind_refuse(&s->b, "%s", why);
    s->b.table_alias = from->alias.text ? from->alias : from->name;
    return YODA_OK;
}

/* ---- WHERE ---- */

/* A bound AND (of BETWEEN, too) is so many conjuncts. */
static yoda_status add_filter(struct select *s, expr_ref e)
{
    if (e->kind == EXPR_AND) {
        for (uint32_t i = 0; i < e->arg_count; i++)
            TRY(add_filter(s, e->args[i]));
        return YODA_OK;
    }
    if (s->filter_count == s->filter_capacity) {
        uint32_t capacity = s->filter_capacity ? 2 * s->filter_capacity : 8;
        expr_ref *grown = arena_array(s->b.arena, expr_ref, capacity);
        if (!grown)
            return fail_nomem(s->b.err, capacity * sizeof *grown);
        if (s->filter_count)
            memcpy(grown, s->filters, s->filter_count * sizeof *grown);
        s->filters = grown;
        s->filter_capacity = capacity;
    }
    s->filters[s->filter_count++] = e;
    return YODA_OK;
}

static yoda_status bind_where(struct select *s, const struct ast_expr *e)
{
    while (e->kind == AST_BINARY && e->op == AST_OP_AND) {
        TRY(bind_where(s, e->right));
        e = e->left;
    }
    if (bind_has_aggregate(e))
        return bind_refuse(&s->b, "misuse of an aggregate in WHERE");
    expr_ref bound;
    TRY(bind_expr(&s->b, LEVEL_ROW, e, &bound));
    return add_filter(s, bound);
}

/* ---- the select list ---- */

static yoda_status output_reserve(struct select *s, uint32_t more)
{
    struct output *o = &s->output;
    if (o->count + more > SQL_COLUMNS_MAX)
        return bind_refuse(&s->b, "more than %u result columns", SQL_COLUMNS_MAX);
    if (o->count + more <= o->capacity)
        return YODA_OK;
    uint32_t capacity = o->count + more + o->capacity;
    struct output n = *o;
    n.capacity = capacity;
    n.exprs = arena_array(s->b.arena, expr_ref, capacity);
    n.names = arena_array(s->b.arena, const char *, capacity);
    n.sources = arena_array(s->b.arena, const struct ast_expr *, capacity);
    n.items = arena_array(s->b.arena, const struct ast_result *, capacity);
    if (!n.exprs || !n.names || !n.sources || !n.items)
        return fail_nomem(s->b.err, capacity * 4 * sizeof(void *));
    for (uint32_t i = 0; i < o->count; i++) {
        n.exprs[i] = o->exprs[i];
        n.names[i] = o->names[i];
        n.sources[i] = o->sources[i];
        n.items[i] = o->items[i];
    }
    *o = n;
    return YODA_OK;
}

static yoda_status add_star(struct select *s, const struct ast_result *item)
{
    struct binder *b = &s->b;
    if (item->kind == AST_RESULT_TABLE_STAR &&
        !ascii_equal_nocase(item->table.text, item->table.size, b->table_alias.text,
                            b->table_alias.size))
        return bind_refuse(b, "no such table: %s", item->table.text);
    TRY(output_reserve(s, b->table->column_count));
    for (uint32_t i = 0; i < b->table->column_count; i++) {
        const struct catalog_column *c = &b->table->columns[i];
        if (c->hidden)
            continue;
        struct ast_expr *column = arena_new(b->arena, struct ast_expr);
        if (!column)
            return fail_nomem(b->err, sizeof *column);
        column->kind = AST_COLUMN;
        column->name = (struct ast_name){.text = c->name, .size = (uint32_t)strlen(c->name)};
        uint32_t at = s->output.count;
        TRY(bind_expr(b, s->level, column, &s->output.exprs[at]));
        s->output.names[at] = c->name;
        s->output.sources[at] = column;
        s->output.count++;
    }
    return YODA_OK;
}

static yoda_status bind_results(struct select *s)
{
    for (const struct ast_result *item = s->b.core->results; item; item = item->next) {
        if (item->kind != AST_RESULT_EXPR) {
            TRY(add_star(s, item));
            continue;
        }
        TRY(output_reserve(s, 1));
        uint32_t at = s->output.count;
        TRY(bind_expr(&s->b, s->level, item->expr, &s->output.exprs[at]));
        TRY(result_name(&s->b, item, &s->output.names[at]));
        s->output.sources[at] = item->expr;
        s->output.items[at] = item;
        s->output.count++;
    }
    s->output.visible = s->output.count;
    return YODA_OK;
}

/* The 1-based position an integer literal names in the select list; 0: not an integer. */
static yoda_status ordinal(struct select *s, const struct ast_expr *e, int64_t columns,
                           uint32_t *out)
{
    *out = 0;
    while (e->kind == AST_COLLATE)
        e = e->left;
    bool negative = e->kind == AST_UNARY && (e->op == AST_OP_MINUS || e->op == AST_OP_PLUS);
    if (negative)
        e = e->left;
    if (e->kind != AST_LITERAL || e->literal.type != YODA_INTEGER)
        return YODA_OK;
    if (negative || e->literal.i < 1 || e->literal.i > columns)
        return bind_refuse(&s->b, "ORDER BY or GROUP BY term out of range");
    *out = (uint32_t)e->literal.i;
    return YODA_OK;
}

/* ---- GROUP BY and aggregates ---- */

/* Where item number i of the select list (stars expanded) is an expression, its AST. */
static yoda_status result_item(struct select *s, uint32_t position, const struct ast_expr **out)
{
    uint32_t i = 1;
    for (const struct ast_result *item = s->b.core->results; item; item = item->next, i++) {
        if (item->kind != AST_RESULT_EXPR)
            return bind_refuse(&s->b, "GROUP BY position beside a star");
        if (i == position) {
            *out = item->expr;
            return YODA_OK;
        }
    }
    return bind_refuse(&s->b, "GROUP BY term out of range");
}

static yoda_status bind_group_by(struct select *s)
{
    uint32_t count = 0, i = 0;
    for (const struct ast_expr *e = s->b.core->group_by; e; e = e->next)
        count++;
    expr_ref *keys = arena_array(s->b.arena, expr_ref, count ? count : 1);
    if (!keys)
        return fail_nomem(s->b.err, count * sizeof *keys);
    for (const struct ast_expr *e = s->b.core->group_by; e; e = e->next, i++) {
        const struct ast_expr *term = e;
        uint32_t position;
        TRY(ordinal(s, e, SQL_COLUMNS_MAX, &position));
        if (position)
            TRY(result_item(s, position, &term));
        if (bind_has_aggregate(term))
            return bind_refuse(&s->b, "aggregates are not allowed in GROUP BY");
        TRY(bind_expr(&s->b, LEVEL_ROW, term, &keys[i]));
    }
    s->b.keys = keys;
    s->b.key_count = count;
    return YODA_OK;
}

static bool is_aggregate_query(const struct select *s)
{
    const struct ast_core *core = s->b.core;
    if (core->group_by || bind_has_aggregate(core->having))
        return true;
    for (const struct ast_result *item = core->results; item; item = item->next)
        if (item->kind == AST_RESULT_EXPR && bind_has_aggregate(item->expr))
            return true;
    for (const struct ast_order *o = s->ast->order_by; o; o = o->next)
        if (bind_has_aggregate(o->expr))
            return true;
    return false;
}

/* ---- ORDER BY ---- */

static yoda_status order_column(struct select *s, const struct ast_order *term, uint32_t *column,
                                enum collation *collation)
{
    struct output *o = &s->output;
    const struct ast_expr *e = term->expr;
    while (e->kind == AST_COLLATE)
        e = e->left;
    expr_ref bound;
    for (uint32_t i = 0; i < o->visible; i++) {
        const struct ast_result *item = o->items[i];
        if (item && item == bind_find_alias(&s->b, e)) {
            *column = i;
            goto found;
        }
    }
    TRY(ordinal(s, term->expr, o->visible, column));
    if (*column) {
        --*column;
        goto found;
    }
    TRY(bind_expr(&s->b, s->level, term->expr, &bound));
    *collation = bound->collation;
    for (*column = 0; *column < o->count; ++*column)
        if (expr_equal(o->exprs[*column], bound))
            return YODA_OK;
    if (s->b.core->distinct)
        return bind_refuse(&s->b, "ORDER BY of SELECT DISTINCT by what is not selected");
    TRY(output_reserve(s, 1));
    o->exprs[o->count++] = bound;
    return YODA_OK;

found:
    *collation = o->exprs[*column]->collation;
    if (term->expr->kind == AST_COLLATE) {
        expr_ref collated;
        struct ast_expr wrapped = *term->expr;
        static const struct ast_expr null_literal = {.kind = AST_LITERAL,
                                                     .literal = {.type = YODA_NULL}};
        wrapped.left = (struct ast_expr *)&null_literal;
        TRY(bind_expr(&s->b, s->level, &wrapped, &collated));
        *collation = collated->collation;
    }
    return YODA_OK;
}

static yoda_status bind_order_by(struct select *s)
{
    uint32_t count = 0;
    for (const struct ast_order *o = s->ast->order_by; o; o = o->next)
        count++;
    s->sort_keys = arena_array(s->b.arena, struct sort_key, count ? count : 1);
    if (!s->sort_keys)
        return fail_nomem(s->b.err, count * sizeof *s->sort_keys);
    for (const struct ast_order *o = s->ast->order_by; o; o = o->next) {
        struct sort_key *key = &s->sort_keys[s->sort_count++];
        TRY(order_column(s, o, &key->column, &key->collation));
        key->descending = o->descending;
        key->nulls_last =
            o->nulls == AST_NULLS_LAST || (o->nulls == AST_NULLS_DEFAULT && o->descending);
    }
    return YODA_OK;
}

/* ---- LIMIT ---- */

static yoda_status constant_count(struct select *s, const struct ast_expr *e, int64_t *out)
{
    expr_ref bound;
    TRY(bind_expr(&s->b, LEVEL_ROW, e, &bound));
    if (bound->kind != EXPR_CONST || bound->constant.type != YODA_INTEGER)
        return bind_refuse(&s->b, "a LIMIT or OFFSET that is not an integer is SQLite's to judge");
    *out = bound->constant.i;
    return YODA_OK;
}

static yoda_status bind_limit(struct select *s)
{
    int64_t n = 0;
    s->limit = UINT64_MAX;
    if (s->ast->limit) {
        TRY(constant_count(s, s->ast->limit, &n));
        s->limit = n < 0 ? UINT64_MAX : (uint64_t)n;
    }
    if (s->ast->offset) {
        TRY(constant_count(s, s->ast->offset, &n));
        s->offset = n < 0 ? 0 : (uint64_t)n;
    }
    return YODA_OK;
}

/* ---- Assembly ---- */

static void collect(expr_ref e, uint64_t *used)
{
    if (e)
        expr_inputs(e, used);
}

/* Bit per table column that any ROW expression reads. */
static yoda_status used_columns(struct select *s, const expr_ref *row_exprs, uint32_t count,
                                uint64_t **out)
{
    uint64_t *used = arena_array(s->b.arena, uint64_t, BITMAP_WORDS(s->b.table->column_count));
    if (!used)
        return fail_nomem(s->b.err, BITMAP_WORDS(s->b.table->column_count) * sizeof *used);
    for (uint32_t i = 0; i < s->filter_count; i++)
        collect(s->filters[i], used);
    for (uint32_t i = 0; i < count; i++)
        collect(row_exprs[i], used);
    for (uint32_t i = 0; i < s->b.aggregate_count; i++) {
        collect(s->b.aggregates[i].arg, used);
        collect(s->b.aggregates[i].filter, used);
    }
    *out = used;
    return YODA_OK;
}

static yoda_status remap_all(struct binder *b, const expr_ref *in, uint32_t count,
                             const uint32_t *map, const expr_ref **out)
{
    expr_ref *mapped = arena_array(b->arena, expr_ref, count ? count : 1);
    if (!mapped)
        return fail_nomem(b->err, count * sizeof *mapped);
    for (uint32_t i = 0; i < count; i++)
        TRY(expr_remap(&b->build, in[i], map, &mapped[i]));
    *out = mapped;
    return YODA_OK;
}

static yoda_status build_source(struct select *s, const expr_ref **row_exprs, uint32_t count,
                                const struct plan **plan)
{
    struct binder *b = &s->b;
    uint64_t *used = NULL;
    uint32_t *map = arena_array(b->arena, uint32_t, b->table->column_count);
    if (!map)
        return fail_nomem(b->err, b->table->column_count * sizeof *map);
    TRY(used_columns(s, *row_exprs, count, &used));
    TRY(plan_new_scan(b, used, s->filters, s->filter_count, map, plan));
    TRY(remap_all(b, *row_exprs, count, map, row_exprs));
    for (uint32_t i = 0; i < b->aggregate_count; i++) {
        struct aggregate *a = &b->aggregates[i];
        if (a->arg)
            TRY(expr_remap(&b->build, a->arg, map, &a->arg));
        if (a->filter)
            TRY(expr_remap(&b->build, a->filter, map, &a->filter));
    }
    return YODA_OK;
}

static yoda_status build_output(struct select *s, const struct plan **plan)
{
    struct binder *b = &s->b;
    const expr_ref *exprs = s->output.exprs;
    if (s->level == LEVEL_ROW) {
        TRY(build_source(s, &exprs, s->output.count, plan));
    } else {
        const expr_ref *keys = b->keys;
        TRY(build_source(s, &keys, b->key_count, plan));
        TRY(plan_new_aggregate(b, *plan, keys, b->key_count, b->aggregates, b->aggregate_count,
                               plan));
        if (s->having)
            TRY(plan_new_filter(b, *plan, s->having, plan));
    }
    return plan_new_project(b, *plan, exprs, s->output.count, plan);
}

static yoda_status build_order(struct select *s, const struct plan **plan)
{
    struct binder *b = &s->b;
    if (b->core->distinct) {
        enum collation *collations = arena_array(b->arena, enum collation, s->output.count);
        if (!collations)
            return fail_nomem(b->err, s->output.count * sizeof *collations);
        for (uint32_t i = 0; i < s->output.count; i++)
            collations[i] = s->output.exprs[i]->collation;
        TRY(plan_new_distinct(b, *plan, collations, plan));
    }
    if (s->sort_count) {
        uint64_t keep = s->limit > UINT64_MAX - s->offset ? UINT64_MAX : s->limit + s->offset;
        TRY(plan_new_sort(b, *plan, s->sort_keys, s->sort_count, keep, plan));
    }
    if (s->limit != UINT64_MAX || s->offset)
        TRY(plan_new_limit(b, *plan, s->limit, s->offset, plan));
    return YODA_OK;
}

static yoda_status bind_clauses(struct select *s)
{
    const struct ast_core *core = s->b.core;
    if (core->where)
        TRY(bind_where(s, core->where));
    s->level = is_aggregate_query(s) ? LEVEL_GROUP : LEVEL_ROW;
    if (core->having && s->level == LEVEL_ROW)
        return bind_refuse(&s->b, "HAVING without GROUP BY");
    TRY(bind_group_by(s));
    TRY(bind_results(s));
    if (core->having)
        TRY(bind_expr(&s->b, LEVEL_GROUP, core->having, &s->having));
    TRY(bind_order_by(s));
    TRY(bind_limit(s));
    return bind_check_bare(&s->b);
}

yoda_status sql_plan_select(const struct ast_statement *statement, const char *sql,
                            const struct value *params, const struct catalog *catalog,
                            struct arena *arena, struct sql_plan *out, yoda_error *err)
{
    struct select s = {.ast = statement->select};
    s.b = (struct binder){.arena = arena,
                          .err = err,
                          .build = {.arena = arena, .err = err},
                          .sql = sql,
                          .params = params,
                          .parameter_count = statement->parameter_count,
                          .core = statement->select->cores};
    const struct plan *plan = NULL;
    TRY(check_shape(&s));
    TRY(bind_from(&s, catalog));
    TRY(bind_clauses(&s));
    TRY(build_output(&s, &plan));
    TRY(build_order(&s, &plan));
    *out = (struct sql_plan){
        .root = plan, .column_count = s.output.visible, .column_names = s.output.names};
    return YODA_OK;
}
