/*
 * parse_select.c -- WITH, compounds, SELECT and VALUES.
 *
 *   select  [WITH [RECURSIVE] cte, ...] core [UNION [ALL] | EXCEPT | INTERSECT core] ...
 *   core    SELECT ... [ORDER BY] [LIMIT]  |  VALUES (...), ...
 *
 * As in SQLite, ORDER BY and LIMIT belong to a SELECT, not to the compound: the last one's count
 * for the whole, an earlier one's are an error, and a compound that ends in VALUES can have none.
 */
#include "sql/parser.h"

/* ---- WITH ------------------------------------------------------------------------------------ */

/*
 * SQLite parses (and then refuses) COLLATE and a sort order in a column list. It quotes the column
 * as it was written, with the quotes it has there.
 */
static yoda_status refuse_column_options(struct parser *p, const struct ast_expr *column)
{
    uint32_t at = p->token.start;
    bool refused = p->token.kind == TOKEN_COLLATE;
    if (parser_accept(p, TOKEN_COLLATE)) {
        if (!parser_is_alias(p->token.kind))
            return parser_syntax_error(p);
        parser_advance(p);
    }
    refused = refused || p->token.kind == TOKEN_ASC || p->token.kind == TOKEN_DESC;
    if (!refused)
        return YODA_OK;
    if (!parser_accept(p, TOKEN_ASC))
        (void)parser_accept(p, TOKEN_DESC);
    parser_refuse(p, YODA_ERROR, at, "syntax error after column name \"%.*s\"",
                  (int)(column->span.end - column->span.start), p->sql + column->span.start);
    return YODA_OK;
}

yoda_status parse_select_columns(struct parser *p, bool declares, struct ast_expr **out)
{
    struct parser_exprs list;
    parser_exprs_init(&list);
    TRY(parser_expect(p, TOKEN_LEFT_PAREN));
    do {
        struct ast_expr *e;
        TRY(parser_new_expr(p, AST_COLUMN, p->token.start, &e));
        TRY(parser_name(p, &e->name));
        TRY(parser_finish(p, e));
        if (declares)
            TRY(refuse_column_options(p, e));
        parser_exprs_add(&list, e);
    } while (parser_accept(p, TOKEN_COMMA));
    *out = list.first;
    return parser_expect(p, TOKEN_RIGHT_PAREN);
}

static yoda_status parse_cte(struct parser *p, struct ast_cte **out)
{
    struct ast_cte *cte;
    TRY(parser_new(p, sizeof *cte, &cte));
    TRY(parser_name(p, &cte->name));
    if (p->token.kind == TOKEN_LEFT_PAREN)
        TRY(parse_select_columns(p, true, &cte->columns));
    TRY(parser_expect(p, TOKEN_AS));
    if (parser_accept(p, TOKEN_NOT)) {
        TRY(parser_expect(p, TOKEN_MATERIALIZED));
        cte->hint = AST_CTE_NOT_MATERIALIZED;
    } else if (parser_accept(p, TOKEN_MATERIALIZED)) {
        cte->hint = AST_CTE_MATERIALIZED;
    }
    if (p->token.kind != TOKEN_LEFT_PAREN)
        return parser_syntax_error(p);
    *out = cte;
    return parse_select_parens(p, &cte->select);
}

yoda_status parse_select_with(struct parser *p, struct ast_select *select)
{
    struct ast_cte **tail = &select->ctes;
    TRY(parser_expect(p, TOKEN_WITH));
    select->recursive = parser_accept(p, TOKEN_RECURSIVE);
    do {
        TRY(parse_cte(p, tail));
        tail = &(*tail)->next;
    } while (parser_accept(p, TOKEN_COMMA));
    return YODA_OK;
}

/* ---- The select list ------------------------------------------------------------------------- */

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* SQLite names a result column by its text up to the next token, comments included. */
static void widen_span(const struct parser *p, uint32_t start, struct ast_expr *e)
{
    uint32_t end = p->token.start;
    while (end > p->last_end && is_space(p->sql[end - 1]))
        end--;
    e->span = (struct ast_span){start, end};
}

static bool at_table_star(const struct parser *p)
{
    enum token_kind kind = p->token.kind;
    if (!parser_is_name(kind) || kind == TOKEN_CAST || kind == TOKEN_RAISE ||
        kind == TOKEN_CURRENT_DATE || kind == TOKEN_CURRENT_TIME || kind == TOKEN_CURRENT_TIMESTAMP)
        return false;
    return parser_peek(p, 1) == TOKEN_DOT && parser_peek(p, 2) == TOKEN_STAR;
}

static yoda_status parse_result(struct parser *p, struct ast_result **out)
{
    struct ast_result *result;
    TRY(parser_new(p, sizeof *result, &result));
    *out = result;
    if (parser_accept(p, TOKEN_STAR)) {
        result->kind = AST_RESULT_STAR;
        return YODA_OK;
    }
    if (at_table_star(p)) {
        result->kind = AST_RESULT_TABLE_STAR;
        TRY(parser_name(p, &result->table));
        TRY(parser_expect(p, TOKEN_DOT));
        return parser_expect(p, TOKEN_STAR);
    }
    uint32_t start = p->token.start;
    TRY(parse_expr(p, &result->expr));
    widen_span(p, start, result->expr);
    return parser_alias(p, &result->alias);
}

static yoda_status parse_results(struct parser *p, struct ast_result **tail)
{
    do {
        TRY(parse_result(p, tail));
        tail = &(*tail)->next;
    } while (parser_accept(p, TOKEN_COMMA));
    return YODA_OK;
}

/* ---- Clauses --------------------------------------------------------------------------------- */

static yoda_status parse_order_term(struct parser *p, struct ast_order **out)
{
    struct ast_order *term;
    TRY(parser_new(p, sizeof *term, &term));
    TRY(parse_expr(p, &term->expr));
    if (!parser_accept(p, TOKEN_ASC))
        term->descending = parser_accept(p, TOKEN_DESC);
    if (parser_accept(p, TOKEN_NULLS)) {
        term->nulls = p->token.kind == TOKEN_LAST ? AST_NULLS_LAST : AST_NULLS_FIRST;
        if (!parser_accept(p, TOKEN_LAST))
            TRY(parser_expect(p, TOKEN_FIRST));
    }
    *out = term;
    return YODA_OK;
}

yoda_status parse_select_order(struct parser *p, struct ast_order **out)
{
    if (!parser_accept(p, TOKEN_ORDER))
        return YODA_OK;
    TRY(parser_expect(p, TOKEN_BY));
    do {
        TRY(parse_order_term(p, out));
        out = &(*out)->next;
    } while (parser_accept(p, TOKEN_COMMA));
    return YODA_OK;
}

/* LIMIT count | LIMIT count OFFSET skip | LIMIT skip, count */
static yoda_status parse_limit(struct parser *p, struct ast_select *select)
{
    if (!parser_accept(p, TOKEN_LIMIT))
        return YODA_OK;
    TRY(parse_expr(p, &select->limit));
    if (parser_accept(p, TOKEN_OFFSET))
        return parse_expr(p, &select->offset);
    if (!parser_accept(p, TOKEN_COMMA))
        return YODA_OK;
    select->offset = select->limit;
    return parse_expr(p, &select->limit);
}

static yoda_status parse_group_by(struct parser *p, struct ast_core *core)
{
    if (!parser_accept(p, TOKEN_GROUP))
        return YODA_OK;
    struct parser_exprs list;
    parser_exprs_init(&list);
    TRY(parser_expect(p, TOKEN_BY));
    TRY(parse_expr_list(p, &list));
    core->group_by = list.first;
    return YODA_OK;
}

static yoda_status parse_select_core(struct parser *p, struct ast_select *select,
                                     struct ast_core *core)
{
    TRY(parser_expect(p, TOKEN_SELECT));
    core->distinct = parser_accept(p, TOKEN_DISTINCT);
    if (!core->distinct)
        (void)parser_accept(p, TOKEN_ALL);
    TRY(parse_results(p, &core->results));
    if (parser_accept(p, TOKEN_FROM))
        TRY(parse_source(p, &core->from));
    if (parser_accept(p, TOKEN_WHERE))
        TRY(parse_expr(p, &core->where));
    TRY(parse_group_by(p, core));
    if (parser_accept(p, TOKEN_HAVING))
        TRY(parse_expr(p, &core->having));
    if (parser_accept(p, TOKEN_WINDOW))
        TRY(parse_window_clause(p, &core->windows));
    TRY(parse_select_order(p, &select->order_by));
    return parse_limit(p, select);
}

static yoda_status parse_values_core(struct parser *p, struct ast_core *core)
{
    struct parser_exprs rows;
    parser_exprs_init(&rows);
    core->kind = AST_CORE_VALUES;
    TRY(parser_expect(p, TOKEN_VALUES));
    do {
        struct ast_expr *row;
        struct parser_exprs list;
        TRY(parser_new_expr(p, AST_ROW, p->token.start, &row));
        parser_exprs_init(&list);
        TRY(parser_expect(p, TOKEN_LEFT_PAREN));
        TRY(parse_expr_list(p, &list));
        TRY(parser_expect(p, TOKEN_RIGHT_PAREN));
        row->args = list.first;
        row->arg_count = list.count;
        TRY(parser_finish(p, row));
        parser_exprs_add(&rows, row);
    } while (parser_accept(p, TOKEN_COMMA));
    core->rows = rows.first;
    return YODA_OK;
}

/* ---- Compounds ------------------------------------------------------------------------------- */

static const char *compound_name(const struct ast_core *core)
{
    static const char *const names[] = {[AST_UNION] = "UNION", [AST_UNION_ALL] = "UNION ALL",
                                        [AST_INTERSECT] = "INTERSECT", [AST_EXCEPT] = "EXCEPT"};
    ASSERT(core->compound != AST_COMPOUND_FIRST);
    return names[core->compound];
}

/* Accept the operator before the next core; false: the compound ends here. */
static bool accept_compound(struct parser *p, int *out)
{
    if (parser_accept(p, TOKEN_UNION))
        *out = parser_accept(p, TOKEN_ALL) ? AST_UNION_ALL : AST_UNION;
    else if (parser_accept(p, TOKEN_EXCEPT))
        *out = AST_EXCEPT;
    else if (parser_accept(p, TOKEN_INTERSECT))
        *out = AST_INTERSECT;
    else
        return false;
    return true;
}

static yoda_status parse_core(struct parser *p, struct ast_select *select, int compound,
                              struct ast_core **out)
{
    struct ast_core *core;
    TRY(parser_new(p, sizeof *core, &core));
    core->compound = compound;
    *out = core;
    if (p->token.kind == TOKEN_VALUES)
        return parse_values_core(p, core);
    return parse_select_core(p, select, core);
}

/* ORDER BY or LIMIT before a compound operator: SQLite says so once all has been parsed. */
static void refuse_early_order(struct parser *p, bool order, const struct ast_core *next)
{
    parser_refuse(p, YODA_ERROR, p->last_end, "%s clause should come after %s not before",
                  order ? "ORDER BY" : "LIMIT", compound_name(next));
}

static yoda_status parse_cores(struct parser *p, struct ast_select *select)
{
    struct ast_core **tail = &select->cores;
    const struct ast_core *misplaced = NULL; /* the core behind the last early ORDER BY or LIMIT */
    bool misplaced_order = false;
    uint32_t count = 0;
    int compound = AST_COMPOUND_FIRST;
    do {
        bool order = select->order_by != NULL, early = order || select->limit != NULL;
        select->order_by = NULL;
        select->limit = select->offset = NULL;
        TRY(parse_core(p, select, compound, tail));
        if (early) {
            misplaced = *tail;
            misplaced_order = order;
        }
        tail = &(*tail)->next;
        count++;
    } while (accept_compound(p, &compound));
    if (misplaced)
        refuse_early_order(p, misplaced_order, misplaced);
    if (count > PARSER_COMPOUND_MAX)
        parser_refuse(p, YODA_TOO_BIG, p->last_end, "too many terms in compound SELECT");
    return YODA_OK;
}

yoda_status parse_select_body(struct parser *p, struct ast_select *select)
{
    if (p->token.kind != TOKEN_SELECT && p->token.kind != TOKEN_VALUES)
        return parser_syntax_error(p);
    TRY(parse_cores(p, select));
    select->span.end = p->last_end;
    return YODA_OK;
}

yoda_status parse_select(struct parser *p, struct ast_select **out)
{
    struct ast_select *select;
    uint32_t outer_deepest = p->deepest;
    TRY(parser_new(p, sizeof *select, &select));
    select->span.start = p->token.start;
    p->deepest = 0;
    if (p->token.kind == TOKEN_WITH)
        TRY(parse_select_with(p, select));
    TRY(parse_select_body(p, select));
    select->depth = p->deepest;
    p->deepest = outer_deepest;
    *out = select;
    return YODA_OK;
}

yoda_status parse_select_parens(struct parser *p, struct ast_select **out)
{
    TRY(parser_expect(p, TOKEN_LEFT_PAREN));
    TRY(parser_enter(p));
    TRY(parse_select(p, out));
    parser_leave(p);
    return parser_expect(p, TOKEN_RIGHT_PAREN);
}
