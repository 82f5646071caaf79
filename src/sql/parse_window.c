/*
 * parse_window.c -- FILTER, OVER and the WINDOW clause.
 *
 *   window  [base] [PARTITION BY ...] [ORDER BY ...] [frame]
 *   frame   RANGE | ROWS | GROUPS  start | BETWEEN start AND end  [EXCLUDE ...]
 */
#include "sql/parser.h"

/* UNBOUNDED side | CURRENT ROW | expr PRECEDING | expr FOLLOWING */
static yoda_status parse_bound(struct parser *p, bool start, enum ast_frame_bound *bound,
                               struct ast_expr **expr)
{
    if (parser_accept(p, TOKEN_UNBOUNDED)) {
        *bound = start ? AST_UNBOUNDED_PRECEDING : AST_UNBOUNDED_FOLLOWING;
        return parser_expect(p, start ? TOKEN_PRECEDING : TOKEN_FOLLOWING);
    }
    if (parser_accept(p, TOKEN_CURRENT)) {
        *bound = AST_CURRENT_ROW;
        return parser_expect(p, TOKEN_ROW);
    }
    TRY(parse_expr(p, expr));
    *bound = p->token.kind == TOKEN_PRECEDING ? AST_PRECEDING : AST_FOLLOWING;
    return parser_accept(p, TOKEN_PRECEDING) ? YODA_OK : parser_expect(p, TOKEN_FOLLOWING);
}

static yoda_status parse_exclude(struct parser *p, struct ast_window *window)
{
    if (!parser_accept(p, TOKEN_EXCLUDE))
        return YODA_OK;
    if (parser_accept(p, TOKEN_NO)) {
        window->exclude = AST_EXCLUDE_NO_OTHERS;
        return parser_expect(p, TOKEN_OTHERS);
    }
    if (parser_accept(p, TOKEN_CURRENT)) {
        window->exclude = AST_EXCLUDE_CURRENT;
        return parser_expect(p, TOKEN_ROW);
    }
    window->exclude = p->token.kind == TOKEN_GROUP ? AST_EXCLUDE_GROUP : AST_EXCLUDE_TIES;
    return parser_accept(p, TOKEN_GROUP) ? YODA_OK : parser_expect(p, TOKEN_TIES);
}

static bool accept_frame_mode(struct parser *p, struct ast_window *window)
{
    if (parser_accept(p, TOKEN_ROWS))
        window->frame_mode = AST_FRAME_ROWS;
    else if (parser_accept(p, TOKEN_RANGE))
        window->frame_mode = AST_FRAME_RANGE;
    else if (parser_accept(p, TOKEN_GROUPS))
        window->frame_mode = AST_FRAME_GROUPS;
    else
        return false;
    return true;
}

static yoda_status parse_frame(struct parser *p, struct ast_window *window)
{
    window->frame_mode = AST_FRAME_RANGE;
    window->from = AST_UNBOUNDED_PRECEDING;
    window->to = AST_CURRENT_ROW;
    if (!accept_frame_mode(p, window))
        return YODA_OK;
    window->has_frame = true;
    bool between = parser_accept(p, TOKEN_BETWEEN);
    TRY(parse_bound(p, true, &window->from, &window->from_expr));
    if (between) {
        TRY(parser_expect(p, TOKEN_AND));
        TRY(parse_bound(p, false, &window->to, &window->to_expr));
    }
    TRY(parse_exclude(p, window));
    bool backward = (window->from == AST_CURRENT_ROW && window->to == AST_PRECEDING) ||
                    (window->from == AST_FOLLOWING &&
                     (window->to == AST_PRECEDING || window->to == AST_CURRENT_ROW));
    if (backward)
        parser_refuse(p, YODA_ERROR, p->last_end, "unsupported frame specification");
    return YODA_OK;
}

static bool at_window_part(const struct parser *p)
{
    switch (p->token.kind) {
    case TOKEN_PARTITION:
    case TOKEN_ORDER:
    case TOKEN_RANGE:
    case TOKEN_ROWS:
    case TOKEN_GROUPS:
    case TOKEN_RIGHT_PAREN:
        return true;
    default:
        return false;
    }
}

/* ( window ) with the current token the left parenthesis */
static yoda_status parse_window_parens(struct parser *p, struct ast_window *window)
{
    TRY(parser_expect(p, TOKEN_LEFT_PAREN));
    TRY(parser_enter(p));
    if (!at_window_part(p))
        TRY(parser_name(p, &window->base));
    if (parser_accept(p, TOKEN_PARTITION)) {
        struct parser_exprs list;
        parser_exprs_init(&list);
        TRY(parser_expect(p, TOKEN_BY));
        TRY(parse_expr_list(p, &list));
        window->partition = list.first;
    }
    TRY(parse_select_order(p, &window->order));
    TRY(parse_frame(p, window));
    parser_leave(p);
    return parser_expect(p, TOKEN_RIGHT_PAREN);
}

static yoda_status parse_filter(struct parser *p, struct ast_expr *call)
{
    TRY(parser_expect(p, TOKEN_LEFT_PAREN));
    TRY(parser_expect(p, TOKEN_WHERE));
    TRY(parser_enter(p));
    TRY(parse_expr(p, &call->filter));
    parser_leave(p);
    return parser_expect(p, TOKEN_RIGHT_PAREN);
}

yoda_status parse_window_call(struct parser *p, struct ast_expr *call)
{
    if (parser_accept(p, TOKEN_FILTER))
        TRY(parse_filter(p, call));
    if (!parser_accept(p, TOKEN_OVER))
        return YODA_OK;
    TRY(parser_new(p, sizeof *call->over, &call->over));
    if (p->token.kind == TOKEN_LEFT_PAREN)
        return parse_window_parens(p, call->over);
    call->over->is_reference = true;
    return parser_name(p, &call->over->name);
}

yoda_status parse_window_clause(struct parser *p, struct ast_window **tail)
{
    do {
        TRY(parser_new(p, sizeof **tail, tail));
        TRY(parser_name(p, &(*tail)->name));
        TRY(parser_expect(p, TOKEN_AS));
        TRY(parse_window_parens(p, *tail));
        tail = &(*tail)->next;
    } while (parser_accept(p, TOKEN_COMMA));
    return YODA_OK;
}
