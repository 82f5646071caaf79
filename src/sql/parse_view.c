/*
 * parse_view.c -- the text of a view, as sqlite_schema keeps it.
 *
 *   CREATE [TEMP | TEMPORARY] VIEW [IF NOT EXISTS] [schema.]name [(column, ...)] AS select
 */
#include "sql/parser.h"

static yoda_status parse_head(struct parser *p, struct ast_view *view)
{
    struct ast_name schema;
    TRY(parser_expect(p, TOKEN_CREATE));
    if (!parser_accept(p, TOKEN_TEMP))
        (void)parser_accept(p, TOKEN_TEMPORARY);
    TRY(parser_expect(p, TOKEN_VIEW));
    if (parser_accept(p, TOKEN_IF)) {
        TRY(parser_expect(p, TOKEN_NOT));
        TRY(parser_expect(p, TOKEN_EXISTS));
    }
    TRY(parser_dotted_name(p, &schema, &view->name));
    if (p->token.kind == TOKEN_LEFT_PAREN)
        TRY(parse_select_columns(p, true, &view->columns));
    return parser_expect(p, TOKEN_AS);
}

yoda_status sql_parse_view(const char *sql, size_t size, struct arena *arena, struct ast_view **out,
                           yoda_error *err)
{
    *out = NULL;
    if (size > SQL_BYTES_MAX)
        return fail(err, YODA_TOO_BIG, "view too long");
    struct parser p;
    struct ast_view *view;
    parser_init(&p, sql, (uint32_t)size, arena, err);
    TRY(parser_new(&p, sizeof *view, &view));
    TRY(parse_head(&p, view));
    TRY(parse_select(&p, &view->select));
    (void)parser_accept(&p, TOKEN_SEMICOLON);
    if (p.token.kind != TOKEN_EOF)
        return parser_syntax_error(&p);
    TRY(parser_check(&p));
    TRY(parse_literal_check(&p));
    *out = view;
    return YODA_OK;
}
