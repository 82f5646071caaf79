/*
 * parse_source.c -- FROM: tables, functions, subqueries, groups, and the joins between them.
 *
 * A join operator is a comma, JOIN, or up to three words and JOIN; SQLite takes the words in any
 * order ("LEFT NATURAL OUTER JOIN") and refuses the combination afterwards, and so does this.
 */
#include "sql/parser.h"

#include "base/str.h"

#include <string.h>

enum {
    WORD_INNER = 1,
    WORD_CROSS = 2,
    WORD_NATURAL = 4,
    WORD_LEFT = 8,
    WORD_RIGHT = 16,
    WORD_OUTER = 32,
    JOIN_UNKNOWN = 64
};

static unsigned join_word(const char *text, size_t size)
{
    static const struct {
        const char *word;
        unsigned bits;
    } words[] = {
        {"natural", WORD_NATURAL},
        {"left", WORD_LEFT | WORD_OUTER},
        {"outer", WORD_OUTER},
        {"right", WORD_RIGHT | WORD_OUTER},
        {"full", WORD_LEFT | WORD_RIGHT | WORD_OUTER},
        {"inner", WORD_INNER},
        {"cross", WORD_INNER | WORD_CROSS},
    };
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (ascii_equal_nocase(text, size, words[i].word, strlen(words[i].word)))
            return words[i].bits;
    return JOIN_UNKNOWN;
}

static bool join_is_legal(unsigned bits)
{
    if (bits & JOIN_UNKNOWN)
        return false;
    if ((bits & WORD_INNER) && (bits & WORD_OUTER))
        return false;
    return (bits & (WORD_OUTER | WORD_LEFT | WORD_RIGHT)) != WORD_OUTER;
}

static void refuse_join(struct parser *p, const struct token words[3], int count)
{
    struct str text;
    str_init(&text);
    for (int i = 0; i < count; i++) {
        str_putc(&text, ' ');
        str_append(&text, p->sql + words[i].start, words[i].end - words[i].start);
    }
    parser_refuse(p, YODA_ERROR, words[0].start, "unknown join type:%s", str_text(&text));
    str_deinit(&text);
}

static void set_join(struct ast_source *source, unsigned bits)
{
    source->natural = (bits & WORD_NATURAL) != 0;
    if ((bits & WORD_LEFT) && (bits & WORD_RIGHT))
        source->join = AST_JOIN_FULL;
    else if (bits & WORD_LEFT)
        source->join = AST_JOIN_LEFT;
    else if (bits & WORD_RIGHT)
        source->join = AST_JOIN_RIGHT;
    else
        source->join = bits & WORD_CROSS ? AST_JOIN_CROSS : AST_JOIN_INNER;
}

/* The words before JOIN: a join word, then up to two names of any kind. */
static yoda_status parse_join_words(struct parser *p, struct ast_source *source)
{
    struct token words[3];
    int count = 0;
    unsigned bits = 0;
    while (count < 3 && (count == 0 || parser_is_name(p->token.kind))) {
        words[count++] = p->token;
        bits |= join_word(p->sql + p->token.start, p->token.end - p->token.start);
        parser_advance(p);
    }
    TRY(parser_expect(p, TOKEN_JOIN));
    if (!join_is_legal(bits))
        refuse_join(p, words, count);
    set_join(source, bits);
    return YODA_OK;
}

static bool at_join(const struct parser *p)
{
    return p->token.kind == TOKEN_COMMA || p->token.kind == TOKEN_JOIN ||
           keyword_class_of(p->token.kind) == KEYWORD_JOIN;
}

static yoda_status parse_join(struct parser *p, struct ast_source *source)
{
    if (parser_accept(p, TOKEN_COMMA)) {
        source->join = AST_JOIN_COMMA;
        return YODA_OK;
    }
    if (parser_accept(p, TOKEN_JOIN)) {
        source->join = AST_JOIN_INNER;
        return YODA_OK;
    }
    return parse_join_words(p, source);
}

static yoda_status parse_on_using(struct parser *p, struct ast_source *source)
{
    if (parser_accept(p, TOKEN_ON))
        TRY(parse_expr(p, &source->on));
    else if (parser_accept(p, TOKEN_USING))
        TRY(parse_select_columns(p, false, &source->using_columns));
    else
        return YODA_OK;
    if (source->join == AST_JOIN_NONE && !parse_literal_is_register(p, source->on))
        parser_refuse(p, YODA_ERROR, source->span.start, "a JOIN clause is required before %s",
                      source->on ? "ON" : "USING");
    return YODA_OK;
}

static yoda_status parse_indexed(struct parser *p, struct ast_source *source)
{
    if (parser_accept(p, TOKEN_INDEXED)) {
        TRY(parser_expect(p, TOKEN_BY));
        return parser_name(p, &source->indexed_by);
    }
    if (!parser_accept(p, TOKEN_NOT))
        return YODA_OK;
    source->not_indexed = true;
    return parser_expect(p, TOKEN_INDEXED);
}

static yoda_status parse_named_source(struct parser *p, struct ast_source *source)
{
    TRY(parser_dotted_name(p, &source->schema, &source->name));
    if (p->token.kind == TOKEN_LEFT_PAREN) {
        source->kind = AST_SOURCE_FUNCTION;
        TRY(parse_expr_args(p, &source->args, NULL));
        return parser_alias(p, &source->alias);
    }
    source->kind = AST_SOURCE_TABLE;
    TRY(parser_alias(p, &source->alias));
    return parse_indexed(p, source);
}

/* ( select ) or ( a JOIN b ... ) */
static yoda_status parse_nested_source(struct parser *p, struct ast_source *source)
{
    enum token_kind next = parser_peek(p, 1);
    if (next == TOKEN_SELECT || next == TOKEN_VALUES || next == TOKEN_WITH) {
        source->kind = AST_SOURCE_SELECT;
        TRY(parse_select_parens(p, &source->select));
    } else {
        source->kind = AST_SOURCE_GROUP;
        parser_advance(p);
        TRY(parser_enter(p));
        TRY(parse_source(p, &source->group));
        parser_leave(p);
        TRY(parser_expect(p, TOKEN_RIGHT_PAREN));
    }
    return parser_alias(p, &source->alias);
}

yoda_status parse_source(struct parser *p, struct ast_source **tail)
{
    for (bool first = true; first || at_join(p); first = false) {
        struct ast_source *source;
        TRY(parser_new(p, sizeof *source, &source));
        if (!first)
            TRY(parse_join(p, source));
        source->span.start = p->token.start;
        if (p->token.kind == TOKEN_LEFT_PAREN)
            TRY(parse_nested_source(p, source));
        else
            TRY(parse_named_source(p, source));
        TRY(parse_on_using(p, source));
        source->span.end = p->last_end;
        *tail = source;
        tail = &source->next;
    }
    return YODA_OK;
}
