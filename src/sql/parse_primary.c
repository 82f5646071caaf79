/*
 * parse_primary.c -- what stands between operators: names, calls, parentheses, CASE, CAST, EXISTS.
 */
#include "sql/parser.h"

/* [schema.][table.]column; the first name may be a string when a dot follows. */
static yoda_status parse_column(struct parser *p, struct ast_expr **out)
{
    struct ast_expr *e;
    TRY(parser_new_expr(p, AST_COLUMN, p->token.start, &e));
    TRY(parser_take_name(p, &e->name));
    for (int dots = 0; dots < 2 && parser_accept(p, TOKEN_DOT); dots++) {
        e->schema = e->table;
        e->table = e->name;
        TRY(parser_name(p, &e->name));
    }
    *out = e;
    return parser_finish(p, e);
}

/* name(*) | name([DISTINCT | ALL] args), then FILTER and OVER */
static yoda_status parse_call(struct parser *p, struct ast_expr **out)
{
    struct ast_expr *e;
    TRY(parser_new_expr(p, AST_FUNCTION, p->token.start, &e));
    TRY(parser_take_name(p, &e->name));
    TRY(parser_expect(p, TOKEN_LEFT_PAREN));
    if (parser_accept(p, TOKEN_STAR)) {
        e->star = true;
    } else {
        e->distinct = parser_accept(p, TOKEN_DISTINCT);
        if (!e->distinct)
            (void)parser_accept(p, TOKEN_ALL);
        struct parser_exprs args;
        parser_exprs_init(&args);
        if (p->token.kind != TOKEN_RIGHT_PAREN)
            TRY(parse_expr_list(p, &args));
        e->args = args.first;
        e->arg_count = args.count;
    }
    TRY(parser_expect(p, TOKEN_RIGHT_PAREN));
    TRY(parse_window_call(p, e));
    *out = e;
    return parser_finish(p, e);
}

/* Join words can be columns but not functions. */
static yoda_status parse_named(struct parser *p, struct ast_expr **out)
{
    bool callable = p->token.kind != TOKEN_STRING &&
                    keyword_class_of(p->token.kind) != KEYWORD_JOIN;
    if (callable && parser_peek(p, 1) == TOKEN_LEFT_PAREN)
        return parse_call(p, out);
    return parse_column(p, out);
}

static yoda_status parse_subquery(struct parser *p, struct ast_expr **out)
{
    TRY(parser_new_expr(p, AST_SUBQUERY, p->token.start, out));
    TRY(parse_select_parens(p, &(*out)->select));
    return parser_finish(p, *out);
}

/* The rest of (first, ...) behind its first element. */
static yoda_status parse_row(struct parser *p, uint32_t start, struct ast_expr *first,
                             struct ast_expr **out)
{
    struct ast_expr *row;
    struct parser_exprs list;
    TRY(parser_new_expr(p, AST_ROW, start, &row));
    parser_exprs_init(&list);
    parser_exprs_add(&list, first);
    parser_advance(p);
    TRY(parse_expr_list(p, &list));
    TRY(parser_expect(p, TOKEN_RIGHT_PAREN));
    row->args = list.first;
    row->arg_count = list.count;
    *out = row;
    return parser_finish(p, row);
}

/* (select) | (expr) | (expr, ...). A bare parenthesis makes no node; it widens the span. */
static yoda_status parse_parens(struct parser *p, struct ast_expr **out)
{
    enum token_kind next = parser_peek(p, 1);
    if (next == TOKEN_SELECT || next == TOKEN_VALUES || next == TOKEN_WITH)
        return parse_subquery(p, out);
    uint32_t start = p->token.start;
    if (p->parens >= SQL_DEPTH_MAX)
        return parser_too_deep(p);
    p->parens++;
    parser_advance(p);
    TRY(parse_expr(p, out));
    p->parens--;
    if (p->token.kind == TOKEN_COMMA)
        return parse_row(p, start, *out, out);
    TRY(parser_expect(p, TOKEN_RIGHT_PAREN));
    (*out)->span = (struct ast_span){start, p->last_end};
    return YODA_OK;
}

static yoda_status parse_signed(struct parser *p)
{
    if (!parser_accept(p, TOKEN_MINUS))
        (void)parser_accept(p, TOKEN_PLUS);
    return parser_accept(p, TOKEN_INTEGER) ? YODA_OK : parser_expect(p, TOKEN_REAL);
}

/* Any number of names, then (n) or (n, m); the text as written, which may be empty. */
static yoda_status parse_type(struct parser *p, struct ast_name *out)
{
    uint32_t start = p->token.start, end = start;
    while (parser_is_alias(p->token.kind)) {
        parser_advance(p);
        end = p->last_end;
    }
    if (end > start && parser_accept(p, TOKEN_LEFT_PAREN)) {
        TRY(parse_signed(p));
        if (parser_accept(p, TOKEN_COMMA))
            TRY(parse_signed(p));
        TRY(parser_expect(p, TOKEN_RIGHT_PAREN));
        end = p->last_end;
    }
    return parser_unquote(p, p->sql + start, end - start, out);
}

static yoda_status parse_nested(struct parser *p, struct ast_expr **out)
{
    TRY(parser_enter(p));
    TRY(parse_expr(p, out));
    parser_leave(p);
    return YODA_OK;
}

static yoda_status parse_cast(struct parser *p, struct ast_expr **out)
{
    struct ast_expr *e;
    TRY(parser_new_expr(p, AST_CAST, p->token.start, &e));
    parser_advance(p);
    TRY(parser_expect(p, TOKEN_LEFT_PAREN));
    TRY(parse_nested(p, &e->left));
    TRY(parser_expect(p, TOKEN_AS));
    TRY(parse_type(p, &e->name));
    TRY(parser_expect(p, TOKEN_RIGHT_PAREN));
    *out = e;
    return parser_finish(p, e);
}

static yoda_status parse_case(struct parser *p, struct ast_expr **out)
{
    struct ast_expr *e, *part;
    struct parser_exprs parts;
    TRY(parser_new_expr(p, AST_CASE, p->token.start, &e));
    parser_exprs_init(&parts);
    parser_advance(p);
    if (p->token.kind != TOKEN_WHEN)
        TRY(parse_nested(p, &e->left));
    do {
        TRY(parser_expect(p, TOKEN_WHEN));
        TRY(parse_nested(p, &part));
        parser_exprs_add(&parts, part);
        TRY(parser_expect(p, TOKEN_THEN));
        TRY(parse_nested(p, &part));
        parser_exprs_add(&parts, part);
    } while (p->token.kind == TOKEN_WHEN);
    if (parser_accept(p, TOKEN_ELSE))
        TRY(parse_nested(p, &e->right));
    TRY(parser_expect(p, TOKEN_END));
    e->args = parts.first;
    e->arg_count = parts.count;
    ASSERT(e->arg_count >= 2 && e->arg_count % 2 == 0);
    *out = e;
    return parser_finish(p, e);
}

static yoda_status parse_exists(struct parser *p, struct ast_expr **out)
{
    TRY(parser_new_expr(p, AST_EXISTS, p->token.start, out));
    parser_advance(p);
    if (p->token.kind != TOKEN_LEFT_PAREN)
        return parser_syntax_error(p);
    enum token_kind next = parser_peek(p, 1);
    if (next != TOKEN_SELECT && next != TOKEN_VALUES && next != TOKEN_WITH) {
        parser_advance(p);
        return parser_syntax_error(p);
    }
    TRY(parse_select_parens(p, &(*out)->select));
    return parser_finish(p, *out);
}

/* RAISE(IGNORE) | RAISE(ROLLBACK | ABORT | FAIL, message); the message is not kept. */
static yoda_status parse_raise(struct parser *p, struct ast_expr **out)
{
    struct ast_name message;
    TRY(parser_new_expr(p, AST_RAISE, p->token.start, out));
    parser_advance(p);
    TRY(parser_expect(p, TOKEN_LEFT_PAREN));
    enum token_kind what = p->token.kind;
    if (what != TOKEN_IGNORE && what != TOKEN_ROLLBACK && what != TOKEN_ABORT && what != TOKEN_FAIL)
        return parser_syntax_error(p);
    TRY(parser_take_name(p, &(*out)->name));
    if (what != TOKEN_IGNORE) {
        TRY(parser_expect(p, TOKEN_COMMA));
        TRY(parser_name(p, &message));
    }
    TRY(parser_expect(p, TOKEN_RIGHT_PAREN));
    return parser_finish(p, *out);
}

static yoda_status parse_current(struct parser *p, struct ast_expr **out)
{
    TRY(parser_new_expr(p, AST_CURRENT, p->token.start, out));
    TRY(parser_take_name(p, &(*out)->name));
    return parser_finish(p, *out);
}

yoda_status parse_primary(struct parser *p, struct ast_expr **out)
{
    switch (p->token.kind) {
    case TOKEN_STRING:
        if (parser_peek(p, 1) == TOKEN_DOT)
            return parse_column(p, out);
        return parse_literal(p, out);
    case TOKEN_NULL:
    case TOKEN_INTEGER:
    case TOKEN_REAL:
    case TOKEN_BLOB:
        return parse_literal(p, out);
    case TOKEN_VARIABLE:
        return parse_literal_parameter(p, out);
    case TOKEN_LEFT_PAREN:
        return parse_parens(p, out);
    case TOKEN_CASE:
        return parse_case(p, out);
    case TOKEN_CAST:
        return parse_cast(p, out);
    case TOKEN_EXISTS:
        return parse_exists(p, out);
    case TOKEN_RAISE:
        return parse_raise(p, out);
    case TOKEN_CURRENT_DATE:
    case TOKEN_CURRENT_TIME:
    case TOKEN_CURRENT_TIMESTAMP:
        return parse_current(p, out);
    default:
        return parser_is_name(p->token.kind) ? parse_named(p, out) : parser_syntax_error(p);
    }
}
