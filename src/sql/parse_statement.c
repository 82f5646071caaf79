/*
 * parse_statement.c -- the first statement of a text: what it is, and where it ends.
 *
 * Only SELECT, VALUES, WITH ... SELECT and EXPLAIN YODA are parsed. Of everything else the end is
 * found: its semicolon, where a semicolon inside CREATE TRIGGER ... BEGIN ... END; does not count.
 * That is sqlite3_complete's machine, here over tokens:
 *
 *    START -> EXPLAIN -> CREATE -> TRIGGER -> (;) SEMICOLON -> (END) CLOSED -> (;) done
 *
 * with NORMAL for every other statement.
 */
#include "sql/parser.h"

#include "base/str.h"

#include <string.h>

enum complete_state {
    COMPLETE_START,
    COMPLETE_NORMAL,
    COMPLETE_EXPLAIN,
    COMPLETE_CREATE,
    COMPLETE_TRIGGER,
    COMPLETE_SEMICOLON,
    COMPLETE_CLOSED,
    COMPLETE_DONE
};

static enum complete_state at_start(enum complete_state state, enum token_kind kind)
{
    if (kind == TOKEN_CREATE)
        return COMPLETE_CREATE;
    if (state == COMPLETE_START)
        return kind == TOKEN_EXPLAIN ? COMPLETE_EXPLAIN : COMPLETE_NORMAL;
    return kind == TOKEN_QUERY || kind == TOKEN_PLAN ? COMPLETE_EXPLAIN : COMPLETE_NORMAL;
}

static enum complete_state after_create(enum token_kind kind)
{
    if (kind == TOKEN_TRIGGER)
        return COMPLETE_TRIGGER;
    return kind == TOKEN_TEMP || kind == TOKEN_TEMPORARY ? COMPLETE_CREATE : COMPLETE_NORMAL;
}

static enum complete_state complete_next(enum complete_state state, enum token_kind kind)
{
    bool semicolon = kind == TOKEN_SEMICOLON;
    switch (state) {
    case COMPLETE_TRIGGER:
        return semicolon ? COMPLETE_SEMICOLON : COMPLETE_TRIGGER;
    case COMPLETE_SEMICOLON:
        if (semicolon)
            return COMPLETE_SEMICOLON;
        return kind == TOKEN_END ? COMPLETE_CLOSED : COMPLETE_TRIGGER;
    case COMPLETE_CLOSED:
        return semicolon ? COMPLETE_DONE : COMPLETE_TRIGGER;
    default:
        break;
    }
    if (semicolon)
        return COMPLETE_DONE;
    if (state == COMPLETE_START || state == COMPLETE_EXPLAIN)
        return at_start(state, kind);
    return state == COMPLETE_CREATE ? after_create(kind) : COMPLETE_NORMAL;
}

/* The offset behind the semicolon of the statement that begins at start, or the text's end. */
static uint32_t statement_end(const struct parser *p, uint32_t start, uint32_t size)
{
    struct lexer lexer = p->lexer;
    lexer.at = start;
    enum complete_state state = COMPLETE_START;
    while (state != COMPLETE_DONE) {
        struct token token = lexer_next(&lexer);
        if (token.kind == TOKEN_EOF)
            return size;
        state = complete_next(state, token.kind);
    }
    return lexer.at;
}

static bool more_follows(const struct parser *p, uint32_t end)
{
    struct lexer lexer = p->lexer;
    lexer.at = end < lexer.size ? end : lexer.size;
    struct token token;
    do
        token = lexer_next(&lexer);
    while (token.kind == TOKEN_SEMICOLON);
    return token.kind != TOKEN_EOF;
}

static bool begins_write(enum token_kind kind)
{
    return kind == TOKEN_INSERT || kind == TOKEN_REPLACE || kind == TOKEN_UPDATE ||
           kind == TOKEN_DELETE;
}

/* Parse a select up to its semicolon. may_write: WITH ... INSERT and the like are another kind. */
static yoda_status parse_query(struct parser *p, bool may_write, struct ast_statement *statement)
{
    struct ast_select *select;
    TRY(parser_new(p, sizeof *select, &select));
    select->span.start = p->token.start;
    if (p->token.kind == TOKEN_WITH) {
        TRY(parse_select_with(p, select));
        if (may_write && begins_write(p->token.kind)) {
            statement->kind = AST_STATEMENT_OTHER;
            return parser_check(p);
        }
    }
    TRY(parse_select_body(p, select));
    if (p->token.kind != TOKEN_SEMICOLON && p->token.kind != TOKEN_EOF)
        return parser_syntax_error(p);
    TRY(parser_check(p));
    select->depth = p->deepest;
    statement->select = select;
    statement->end = p->token.end;
    return parse_literal_check(p);
}

static yoda_status copy_parameters(struct parser *p, struct ast_statement *statement)
{
    uint32_t count = p->parameter_count;
    const char **names = arena_array(p->arena, const char *, count);
    if (!names)
        return fail_nomem(p->err, count * sizeof *names);
    for (const struct parser_parameter *named = p->parameters; named; named = named->next) {
        ASSERT(named->index >= 1 && named->index <= count);
        names[named->index - 1] = named->name.text;
    }
    statement->parameter_count = count;
    statement->parameter_names = names;
    return YODA_OK;
}

static bool at_yoda(const struct parser *p)
{
    const struct token *t = &p->token;
    return t->kind == TOKEN_ID &&
           ascii_equal_nocase(p->sql + t->start, t->end - t->start, "yoda", strlen("yoda"));
}

static yoda_status parse_kind(struct parser *p, struct ast_statement *statement)
{
    statement->kind = AST_STATEMENT_OTHER;
    if (parser_at_select(p)) {
        statement->kind = AST_STATEMENT_SELECT;
        return parse_query(p, true, statement);
    }
    if (!parser_accept(p, TOKEN_EXPLAIN))
        return YODA_OK;
    statement->kind = AST_STATEMENT_EXPLAIN;
    if (!at_yoda(p))
        return YODA_OK;
    statement->kind = AST_STATEMENT_EXPLAIN_YODA;
    parser_advance(p);
    statement->analyze = parser_accept(p, TOKEN_ANALYZE);
    return parse_query(p, false, statement);
}

yoda_status sql_parse(const char *sql, size_t size, struct arena *arena,
                      struct ast_statement **out, yoda_error *err)
{
    *out = NULL;
    if (size > SQL_BYTES_MAX)
        return fail(err, YODA_TOO_BIG, "statement too long");
    struct parser p;
    struct ast_statement *statement;
    parser_init(&p, sql, (uint32_t)size, arena, err);
    TRY(parser_new(&p, sizeof *statement, &statement));
    while (parser_accept(&p, TOKEN_SEMICOLON))
        continue;
    uint32_t start = p.token.start;
    TRY(parse_kind(&p, statement));
    if (statement->select)
        TRY(copy_parameters(&p, statement));
    else
        statement->end = statement_end(&p, start, (uint32_t)size);
    if (statement->end == p.lexer.size)
        statement->end = (uint32_t)size;
    statement->more_follows = more_follows(&p, statement->end);
    ASSERT(statement->end <= size);
    *out = statement;
    return YODA_OK;
}
