/*
 * bind_core.c -- one SELECT of a compound, clause by clause.
 *
 *   FROM -> WHERE -> AGGREGATE -> HAVING -> windows -> output -> DISTINCT
 *
 * WHERE, keys and arguments of aggregates are put on rel[LEVEL_ROW], HAVING and what stands above
 * on rel[LEVEL_GROUP]. The output's expressions stay open until ORDER BY has been bound, which may
 * add to them; then they are computed in one MAP.
 */
#include "sql/bind.h"

#include "base/str.h"

/* ---- WHERE ---- */

static yoda_status bind_where(struct scope *s)
{
    const struct ast_expr *e = s->core->where;
    struct expr_list conjuncts = {0};
    while (e) { /* a chain of ANDs leans to the left */
        bool more = e->kind == AST_BINARY && e->op == AST_OP_AND;
        const struct ast_expr *one = more ? e->right : e;
        expr_ref bound;
        if (bind_contents(one) & (HAS_AGGREGATE | HAS_WINDOW))
            return bind_refuse(s, "misuse of an aggregate in WHERE");
        TRY(bind_expr(s, LEVEL_ROW, one, &bound));
        TRY(expr_list_add(s->q, &conjuncts, bound));
        e = more ? e->left : NULL;
    }
    for (uint32_t i = conjuncts.count; i-- > 0;)
        TRY(rel_filter(s->q, s->rel[LEVEL_ROW], conjuncts.items[i], &s->rel[LEVEL_ROW]));
    return YODA_OK;
}

/* ---- The select list ---- */

static yoda_status output_reserve(struct core *core, uint32_t more)
{
    struct core_output *o = &core->output, n = *o;
    struct arena *arena = core->scope.q->arena;
    if (o->count + more > SQL_COLUMNS_MAX)
        return bind_refuse(&core->scope, "more than %u result columns", SQL_COLUMNS_MAX);
    if (o->count + more <= o->capacity)
        return YODA_OK;
    n.capacity = 2 * o->capacity + more;
    n.exprs = arena_array(arena, expr_ref, n.capacity);
    n.names = arena_array(arena, const char *, n.capacity);
    n.table_names = arena_array(arena, const char *, n.capacity);
    n.aliases = arena_array(arena, struct ast_name, n.capacity);
    n.sources = arena_array(arena, const struct ast_expr *, n.capacity);
    if (!n.exprs || !n.names || !n.table_names || !n.aliases || !n.sources)
        return fail_nomem(core->scope.q->err, n.capacity * 5 * sizeof(void *));
    if (o->count) {
        memcpy(n.exprs, o->exprs, o->count * sizeof *n.exprs);
        memcpy(n.names, o->names, o->count * sizeof *n.names);
        memcpy(n.table_names, o->table_names, o->count * sizeof *n.table_names);
        memcpy(n.aliases, o->aliases, o->count * sizeof *n.aliases);
        memcpy(n.sources, o->sources, o->count * sizeof *n.sources);
    }
    *o = n;
    return YODA_OK;
}

/* Does USING of a join further right, which is RIGHT or FULL somewhere, merge this column? */
static bool is_merged(const struct scope *s, uint32_t source, const char *name)
{
    bool right = false, is_using = false;
    for (uint32_t i = source + 1; i < s->source_count; i++) {
        const struct source *next = &s->sources[i];
        right |= next->ast->join == AST_JOIN_RIGHT || next->ast->join == AST_JOIN_FULL;
        for (uint32_t k = 0; k < next->using_count; k++)
            is_using |= ascii_equal_nocase(name, strlen(name), next->using_names[k].text,
                                           next->using_names[k].size);
    }
    return right && is_using;
}

static bool in_own_using(const struct source *source, const char *name)
{
    for (uint32_t k = 0; k < source->using_count; k++)
        if (ascii_equal_nocase(name, strlen(name), source->using_names[k].text,
                               source->using_names[k].size))
            return true;
    return false;
}

static yoda_status add_star_column(struct core *core, uint32_t source,
                                   const struct source_column *c)
{
    struct scope *s = &core->scope;
    struct core_output *o = &core->output;
    const struct ast_name name = {.text = c->name, .size = (uint32_t)strlen(c->name)};
    TRY(output_reserve(core, 1));
    if (is_merged(s, source, c->name)) {
        const struct ast_expr column = {.kind = AST_COLUMN, .name = name};
        TRY(bind_column(s, core->level, &column, &o->exprs[o->count]));
    } else {
        TRY(bind_source_column(s, core->level, c, &o->exprs[o->count]));
    }
    o->names[o->count] = o->table_names[o->count] = c->name;
    o->aliases[o->count] = name;
    o->sources[o->count++] = NULL;
    return YODA_OK;
}

static yoda_status add_star(struct core *core, const struct ast_result *item)
{
    struct scope *s = &core->scope;
    bool one = item->kind == AST_RESULT_TABLE_STAR, seen = false;
    for (uint32_t i = 0; i < s->source_count; i++) {
        const struct source *source = &s->sources[i];
        for (uint32_t c = 0; c < source->column_count; c++) {
            const struct source_column *column = &source->columns[c];
            if (column->hidden)
                continue;
            if (one && (!column->table.text || !bind_same_name(&column->table, &item->table)))
                continue;
            seen = true;
            if (!one && i > 0 && in_own_using(source, column->name))
                continue;
            TRY(add_star_column(core, i, column));
        }
    }
    return seen ? YODA_OK : bind_refuse(s, one ? "no such table: %s" : "no tables specified%s",
                                        one ? item->table.text : "");
}

static yoda_status add_item(struct core *core, const struct ast_result *item)
{
    struct scope *s = &core->scope;
    struct core_output *o = &core->output;
    TRY(output_reserve(core, 1));
    TRY(bind_expr(s, core->level, item->expr, &o->exprs[o->count]));
    TRY(bind_result_name(s, item, false, &o->names[o->count]));
    TRY(bind_result_name(s, item, true, &o->table_names[o->count]));
    o->aliases[o->count] = item->alias;
    o->sources[o->count++] = item->expr;
    return YODA_OK;
}

static yoda_status bind_results(struct core *core)
{
    struct scope *s = &core->scope;
    s->aliases = false;
    s->windows_allowed = true;
    for (const struct ast_result *item = s->core->results; item; item = item->next)
        TRY(item->kind == AST_RESULT_EXPR ? add_item(core, item) : add_star(core, item));
    core->output.visible = core->output.count;
    s->aliases = true;
    return YODA_OK;
}

/* ---- The whole ---- */

static bool is_aggregate_query(const struct ast_core *ast)
{
    if (ast->group_by)
        return true;
    for (const struct ast_result *item = ast->results; item; item = item->next)
        if (item->kind == AST_RESULT_EXPR && (bind_contents(item->expr) & HAS_AGGREGATE))
            return true;
    return false;
}

static yoda_status bind_having(struct scope *s)
{
    expr_ref having;
    if (!s->core->having)
        return YODA_OK;
    if (!s->grouped)
        return bind_refuse(s, "HAVING clause on a non-aggregate query");
    if (bind_contents(s->core->having) & HAS_WINDOW)
        return bind_refuse(s, "misuse of a window function in HAVING");
    TRY(bind_expr(s, LEVEL_GROUP, s->core->having, &having));
    return rel_filter(s->q, s->rel[LEVEL_GROUP], having, &s->rel[LEVEL_GROUP]);
}

yoda_status bind_core(struct query *q, const struct ast_core *ast, const struct bind_place *place,
                      struct core **out)
{
    struct core *core = arena_new(q->arena, struct core);
    if (!core)
        return fail_nomem(q->err, sizeof *core);
    struct scope *s = &core->scope;
    *s = (struct scope){.q = q, .place = *place, .core = ast};
    *out = core;
    if (place->depth > BIND_DEPTH_MAX)
        return bind_refuse(s, "SELECTs nested too deep");
    TRY(bind_from(s, ast->from));
    s->aliases = true;
    TRY(bind_where(s));
    s->grouped = is_aggregate_query(ast);
    if (s->grouped)
        TRY(bind_group_by(s));
    core->level = s->level = s->grouped ? LEVEL_GROUP : LEVEL_ROW;
    TRY(bind_having(s));
    return bind_results(core);
}

/* ---- ORDER BY ---- */

yoda_status bind_term_collation(struct scope *s, const struct ast_expr *term,
                                enum collation *collation)
{
    static const struct ast_expr null_literal = {.kind = AST_LITERAL,
                                                 .literal = {.type = YODA_NULL}};
    if (term->kind != AST_COLLATE)
        return YODA_OK;
    struct ast_expr wrapped = *term;
    expr_ref collated;
    wrapped.left = (struct ast_expr *)&null_literal;
    TRY(bind_expr(s, LEVEL_ROW, &wrapped, &collated));
    *collation = collated->collation;
    return YODA_OK;
}

/* The result that a plain name in ORDER BY means; visible where there is none. */
static uint32_t find_output(const struct core *core, const struct ast_expr *e)
{
    const struct core_output *o = &core->output;
    if (e->kind != AST_COLUMN || e->table.text)
        return o->visible;
    uint32_t i = 0;
    while (i < o->visible && !(o->aliases[i].text && bind_same_name(&o->aliases[i], &e->name)))
        i++;
    return i;
}

static yoda_status add_hidden(struct core *core, expr_ref bound, uint32_t *position)
{
    struct core_output *o = &core->output;
    if (core->scope.core->distinct)
        return bind_refuse(&core->scope, "ORDER BY of SELECT DISTINCT by what is not selected");
    TRY(output_reserve(core, 1));
    *position = o->count;
    o->names[o->count] = o->table_names[o->count] = "order";
    o->exprs[o->count++] = bound;
    return YODA_OK;
}

yoda_status bind_order_term(struct core *core, const struct ast_expr *term, uint32_t *position,
                            enum collation *collation)
{
    struct scope *s = &core->scope;
    struct core_output *o = &core->output;
    const struct ast_expr *e = term;
    while (e->kind == AST_COLLATE)
        e = e->left;
    *position = find_output(core, e);
    if (*position == o->visible) {
        TRY(bind_ordinal(s, term, o->visible, position));
        *position = *position ? *position - 1 : o->visible;
    }
    if (*position < o->visible) {
        *collation = o->exprs[*position]->collation;
        return bind_term_collation(s, term, collation);
    }
    if (!s->grouped && (bind_contents(term) & HAS_AGGREGATE))
        return bind_refuse(s, "misuse of an aggregate in ORDER BY");
    expr_ref bound;
    TRY(bind_expr(s, core->level, term, &bound));
    *collation = bound->collation;
    for (*position = 0; *position < o->count; ++*position)
        if (expr_equal(o->exprs[*position], bound))
            return YODA_OK;
    return add_hidden(core, bound, position);
}

/* ---- Output ---- */

static uint32_t find_equal(const struct query *q, const expr_ref *exprs, const uint32_t *columns,
                           uint32_t count, expr_ref e)
{
    uint32_t i = 0;
    while (i < count && !(expr_equal(exprs[i], e) &&
                          q->columns[columns[i]].collation == e->collation))
        i++;
    return i;
}

yoda_status bind_compute(struct query *q, struct rel **rel, const expr_ref *exprs,
                         const char *const *names, uint32_t count, uint32_t **columns)
{
    struct rel *map;
    uint64_t *has = NULL;
    TRY(rel_new_set(q, &has));
    rel_available(*rel, has);
    TRY(rel_new(q, REL_MAP, *rel, &map));
    *columns = arena_array(q->arena, uint32_t, count + 1);
    map->u.map.columns = arena_array(q->arena, uint32_t, count + 1);
    map->u.map.exprs = arena_array(q->arena, expr_ref, count + 1);
    if (!*columns || !map->u.map.columns || !map->u.map.exprs)
        return fail_nomem(q->err, count * sizeof *exprs);
    for (uint32_t i = 0; i < count; i++) {
        expr_ref e = exprs[i];
        if (e->kind == EXPR_INPUT && q->columns[e->slot].collation == e->collation &&
            bit_get(has, e->slot)) { /* a column of a query around gets one of its own here */
            (*columns)[i] = e->slot;
            continue;
        }
        uint32_t same = find_equal(q, exprs, *columns, i, e), n = map->u.map.count;
        if (same < i) {
            (*columns)[i] = (*columns)[same];
            continue;
        }
        TRY(rel_column_of_expr(q, e, names ? names[i] : "key", &(*columns)[i]));
        map->u.map.columns[n] = (*columns)[i];
        map->u.map.exprs[n] = e;
        map->u.map.count++;
    }
    if (map->u.map.count)
        *rel = map;
    return YODA_OK;
}

yoda_status bind_finish_core(struct core *core, struct rel **rel, uint32_t **columns)
{
    struct scope *s = &core->scope;
    struct core_output *o = &core->output;
    if (s->grouped)
        TRY(bind_finish_group(s));
    *rel = s->rel[core->level];
    TRY(bind_finish_windows(s, rel));
    TRY(bind_compute(s->q, rel, o->exprs, o->names, o->count, columns));
    if (s->core->distinct)
        TRY(rel_distinct(s->q, *rel, *columns, o->visible, rel));
    return YODA_OK;
}

yoda_status bind_bound_of_core(struct core *core, struct rel *rel, uint32_t *columns,
                               struct bound *out)
{
    struct core_output *o = &core->output;
    struct scope *s = &core->scope;
    bool one_row = s->grouped ? !s->core->group_by : !s->core->from;
    *out = (struct bound){.rel = rel,
                          .columns = columns,
                          .names = o->names,
                          .table_names = o->table_names,
                          .count = o->visible,
                          .one_row = one_row};
    out->exprs = arena_array(s->q->arena, expr_ref, o->visible + 1);
    if (!out->exprs)
        return fail_nomem(s->q->err, o->visible * sizeof *out->exprs);
    for (uint32_t i = 0; i < o->visible; i++)
        TRY(bind_input_like(s->q, columns[i], o->exprs[i], &out->exprs[i]));
    return YODA_OK;
}
