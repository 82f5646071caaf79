/*
 * parser.c -- what all parts of the parser stand on: tokens, names, nodes, depth.
 */
#include "sql/parser.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void parser_init(struct parser *p, const char *sql, uint32_t size, struct arena *arena,
                 yoda_error *err)
{
    memset(p, 0, sizeof *p);
    p->sql = sql;
    p->arena = arena;
    p->err = err;
    p->last_kind = TOKEN_EOF;
    lexer_init(&p->lexer, sql, size);
    parser_advance(p);
    p->last_end = 0;
}

/* What SQLite takes for a name when it looks ahead from WINDOW and OVER. */
static bool looks_like_name(enum token_kind kind)
{
    return kind == TOKEN_ID || kind == TOKEN_STRING || kind == TOKEN_WINDOW || kind == TOKEN_OVER ||
           keyword_class_of(kind) != KEYWORD_RESERVED;
}

/*
 * WINDOW, OVER and FILTER are keywords only by their neighbours ("WINDOW name AS", ") OVER (" or
 * ") OVER name", ") FILTER ("), names everywhere else.
 */
static enum token_kind resolve(const struct parser *p, enum token_kind kind)
{
    struct lexer ahead = p->lexer;
    enum token_kind next = lexer_next(&ahead).kind;
    bool keyword;
    if (kind == TOKEN_WINDOW)
        keyword = looks_like_name(next) && lexer_next(&ahead).kind == TOKEN_AS;
    else if (kind == TOKEN_OVER)
        keyword = p->last_kind == TOKEN_RIGHT_PAREN &&
                  (next == TOKEN_LEFT_PAREN || looks_like_name(next));
    else
        keyword = p->last_kind == TOKEN_RIGHT_PAREN && next == TOKEN_LEFT_PAREN;
    return keyword ? kind : TOKEN_ID;
}

void parser_advance(struct parser *p)
{
    p->last_kind = p->token.kind;
    p->last_end = p->token.end;
    p->token = lexer_next(&p->lexer);
    enum token_kind kind = p->token.kind;
    if (kind == TOKEN_WINDOW || kind == TOKEN_OVER || kind == TOKEN_FILTER)
        p->token.kind = resolve(p, kind);
}

bool parser_accept(struct parser *p, enum token_kind kind)
{
    if (p->token.kind != kind)
        return false;
    parser_advance(p);
    return true;
}

yoda_status parser_expect(struct parser *p, enum token_kind kind)
{
    return parser_accept(p, kind) ? YODA_OK : parser_syntax_error(p);
}

enum token_kind parser_peek(const struct parser *p, int n)
{
    ASSERT(n > 0);
    struct lexer ahead = p->lexer;
    struct token token = p->token;
    while (n-- > 0)
        token = lexer_next(&ahead);
    return token.kind;
}

void parser_refuse(struct parser *p, yoda_status code, int64_t offset, const char *format, ...)
{
    if (p->refusal.code != YODA_OK && p->refusal_at != p->token.start)
        return;
    p->refusal.code = code;
    p->refusal.sql_offset = offset;
    p->refusal_at = p->token.start;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(p->refusal.message, sizeof p->refusal.message, format, args);
    va_end(args);
}

yoda_status parser_check(struct parser *p)
{
    const yoda_error *noted = &p->refusal;
    if (noted->code == YODA_OK)
        return YODA_OK;
    return fail_at(p->err, noted->code, noted->sql_offset, "%s", noted->message);
}

yoda_status parser_syntax_error(struct parser *p)
{
    if (p->refusal_at != p->token.start)
        TRY(parser_check(p));
    const struct token *t = &p->token;
    int size = (int)(t->end - t->start);
    const char *text = p->sql + t->start;
    if (t->kind == TOKEN_EOF)
        return fail_at(p->err, YODA_ERROR, t->start, "incomplete input");
    if (t->kind == TOKEN_ILLEGAL)
        return fail_at(p->err, YODA_ERROR, t->start, "unrecognized token: \"%.*s\"", size, text);
    return fail_at(p->err, YODA_ERROR, t->start, "near \"%.*s\": syntax error", size, text);
}

bool parser_is_alias(enum token_kind kind)
{
    return kind == TOKEN_ID || kind == TOKEN_STRING || keyword_class_of(kind) == KEYWORD_NAME;
}

bool parser_is_name(enum token_kind kind)
{
    return parser_is_alias(kind) || kind == TOKEN_INDEXED || keyword_class_of(kind) == KEYWORD_JOIN;
}

bool parser_at_select(const struct parser *p)
{
    return p->token.kind == TOKEN_SELECT || p->token.kind == TOKEN_VALUES ||
           p->token.kind == TOKEN_WITH;
}

/* Undouble the inner quotes of text, which begins with a quote; what follows the end is dropped. */
static uint32_t unquote_in_place(char *text, uint32_t size)
{
    char quote = text[0] == '[' ? ']' : text[0];
    uint32_t out = 0;
    for (uint32_t i = 1; i < size; i++) {
        if (text[i] == quote && (i + 1 >= size || text[++i] != quote))
            break;
        text[out++] = text[i];
    }
    text[out] = '\0';
    return out;
}

yoda_status parser_unquote(struct parser *p, const char *text, uint32_t size, struct ast_name *out)
{
    char *copy = arena_copy(p->arena, text, size);
    if (!copy)
        return fail_nomem(p->err, size);
    *out = (struct ast_name){.text = copy, .size = size};
    if (size > 0 && strchr("\"`['", copy[0])) {
        out->quote = copy[0];
        out->size = unquote_in_place(copy, size);
    }
    return YODA_OK;
}

yoda_status parser_take_name(struct parser *p, struct ast_name *out)
{
    const struct token *t = &p->token;
    TRY(parser_unquote(p, p->sql + t->start, t->end - t->start, out));
    parser_advance(p);
    return YODA_OK;
}

yoda_status parser_name(struct parser *p, struct ast_name *out)
{
    return parser_is_name(p->token.kind) ? parser_take_name(p, out) : parser_syntax_error(p);
}

yoda_status parser_dotted_name(struct parser *p, struct ast_name *schema, struct ast_name *name)
{
    TRY(parser_name(p, name));
    if (!parser_accept(p, TOKEN_DOT))
        return YODA_OK;
    *schema = *name;
    return parser_name(p, name);
}

yoda_status parser_alias(struct parser *p, struct ast_name *out)
{
    if (parser_accept(p, TOKEN_AS))
        return parser_name(p, out);
    return parser_is_alias(p->token.kind) ? parser_take_name(p, out) : YODA_OK;
}

yoda_status parser_new(struct parser *p, size_t size, void *out)
{
    void *object = arena_calloc(p->arena, 1, size);
    if (!object)
        return fail_nomem(p->err, size);
    memcpy(out, &object, sizeof object);
    return YODA_OK;
}

yoda_status parser_new_expr(struct parser *p, enum ast_expr_kind kind, uint32_t start,
                            struct ast_expr **out)
{
    TRY(parser_new(p, sizeof **out, out));
    (*out)->kind = kind;
    (*out)->span.start = start;
    return YODA_OK;
}

static uint32_t deeper(uint32_t depth, const struct ast_expr *e)
{
    return e && e->depth > depth ? e->depth : depth;
}

yoda_status parser_finish(struct parser *p, struct ast_expr *e)
{
    uint32_t depth = e->select ? e->select->depth : 0;
    depth = deeper(depth, e->left);
    depth = deeper(depth, e->right);
    depth = deeper(depth, e->third);
    for (const struct ast_expr *arg = e->args; arg; arg = arg->next)
        depth = deeper(depth, arg);
    e->depth = depth + 1;
    e->span.end = p->last_end;
    ASSERT(e->span.start < e->span.end);
    if (e->depth > SQL_DEPTH_MAX)
        return parser_too_deep(p);
    if (e->depth > p->deepest)
        p->deepest = e->depth;
    return YODA_OK;
}

yoda_status parser_too_deep(struct parser *p)
{
    return fail_at(p->err, YODA_TOO_BIG, p->token.start,
                   "Expression tree is too large (maximum depth %d)", SQL_DEPTH_MAX);
}

yoda_status parser_enter(struct parser *p)
{
    if (p->depth + 1 >= SQL_DEPTH_MAX)
        return parser_too_deep(p);
    p->depth++;
    return YODA_OK;
}

void parser_leave(struct parser *p)
{
    ASSERT(p->depth > 0);
    p->depth--;
}

void parser_exprs_init(struct parser_exprs *list)
{
    *list = (struct parser_exprs){.tail = &list->first};
}

void parser_exprs_add(struct parser_exprs *list, struct ast_expr *e)
{
    ASSERT(!e->next && *list->tail == NULL);
    *list->tail = e;
    list->tail = &e->next;
    list->count++;
}
