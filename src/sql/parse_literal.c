/*
 * parse_literal.c -- literals become values as SQLite makes them; parameters get their numbers.
 *
 * An integer past int64 is a REAL, but its negation may fit: -9223372036854775808 is an INTEGER,
 * so a minus directly before a number is folded into the literal. A hex integer has 64 bits (two's
 * complement) or is an error, which SQLite finds only after the syntax; it is noted and reported
 * last.
 */
#include "sql/parser.h"

#include "olap/exec/expr.h"

#include <string.h>

#define INT64_MIN_DIGITS "9223372036854775808"

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return (c | 0x20) - 'a' + 10;
}

static void literal_hex(struct parser *p, const struct token *t, struct ast_expr *e)
{
    uint32_t at = t->start + 2;
    while (at < t->end && p->sql[at] == '0')
        at++;
    if (t->end - at > 16 && p->hex_too_big.kind == TOKEN_EOF)
        p->hex_too_big = *t;
    uint64_t bits = 0;
    for (; at < t->end; at++)
        bits = bits << 4 | (uint64_t)hex_value(p->sql[at]);
    e->literal = value_int((int64_t)bits);
}

/* [size] decimal digits without leading zeros: does the integer fit, and what is it? */
static bool decimal_fits(const char *digits, uint32_t size, int64_t *out)
{
    size_t limit_size = sizeof INT64_MIN_DIGITS - 1;
    if (size > limit_size || (size == limit_size && memcmp(digits, INT64_MIN_DIGITS, size) >= 0))
        return false;
    int64_t value = 0;
    for (uint32_t i = 0; i < size; i++)
        value = value * 10 + (digits[i] - '0');
    *out = value;
    return true;
}

static void literal_real(struct parser *p, const struct token *t, struct ast_expr *e)
{
    const struct number_text *convert = expr_number_text();
    ASSERT(convert && convert->text_to_real);
    e->literal = value_real(convert->text_to_real(p->sql + t->start, t->end - t->start));
}

static void literal_integer(struct parser *p, const struct token *t, struct ast_expr *e)
{
    if (t->end - t->start > 2 && (p->sql[t->start + 1] | 0x20) == 'x') {
        literal_hex(p, t, e);
        return;
    }
    uint32_t at = t->start;
    while (at < t->end && p->sql[at] == '0')
        at++;
    const char *digits = p->sql + at;
    uint32_t size = t->end - at;
    int64_t value;
    if (decimal_fits(digits, size, &value)) {
        e->literal = value_int(value);
        return;
    }
    literal_real(p, t, e);
    if (size == sizeof INT64_MIN_DIGITS - 1 && memcmp(digits, INT64_MIN_DIGITS, size) == 0)
        p->int64_min = e;
}

static yoda_status literal_blob(struct parser *p, const struct token *t, struct ast_expr *e)
{
    uint32_t size = (t->end - t->start - 3) / 2; /* x'..' */
    const char *hex = p->sql + t->start + 2;
    char *bytes = arena_alloc(p->arena, size);
    if (!bytes)
        return fail_nomem(p->err, size);
    for (uint32_t i = 0; i < size; i++)
        bytes[i] = (char)(hex_value(hex[2 * i]) << 4 | hex_value(hex[2 * i + 1]));
    e->literal = value_blob(bytes, size);
    return YODA_OK;
}

static yoda_status literal_string(struct parser *p, const struct token *t, struct ast_expr *e)
{
    struct ast_name text;
    TRY(parser_unquote(p, p->sql + t->start, t->end - t->start, &text));
    ASSERT(text.quote == '\'');
    e->literal = value_text(text.text, text.size);
    return YODA_OK;
}

yoda_status parse_literal(struct parser *p, struct ast_expr **out)
{
    const struct token t = p->token;
    struct ast_expr *e;
    TRY(parser_new_expr(p, AST_LITERAL, t.start, &e));
    switch (t.kind) {
    case TOKEN_INTEGER:
        literal_integer(p, &t, e);
        break;
    case TOKEN_REAL:
        literal_real(p, &t, e);
        break;
    case TOKEN_BLOB:
        TRY(literal_blob(p, &t, e));
        break;
    case TOKEN_STRING:
        TRY(literal_string(p, &t, e));
        break;
    default:
        ASSERT(t.kind == TOKEN_NULL);
        e->literal = value_null();
        break;
    }
    parser_advance(p);
    *out = e;
    return parser_finish(p, e);
}

/* A hex literal cannot be the negation of the smallest integer either: SQLite calls it too big. */
static void negate_integer(struct parser *p, struct ast_expr *e)
{
    uint32_t at = e->span.start;
    while (p->sql[at] == '(') /* blanks between parentheses lose the message its sign */
        at++;
    if (e->literal.i == INT64_MIN && p->hex_too_big.kind == TOKEN_EOF)
        p->hex_too_big = (struct token){TOKEN_INTEGER, e->span.start, e->span.end};
    if (p->hex_too_big.kind != TOKEN_EOF && p->hex_too_big.start == at)
        p->hex_negative = true;
    if (e->literal.i != INT64_MIN)
        e->literal.i = -e->literal.i;
}

bool parse_literal_negate(struct parser *p, struct ast_expr *e)
{
    if (e->kind != AST_LITERAL || e->op != AST_OP_NONE)
        return false;
    if (e == p->int64_min)
        e->literal = value_int(INT64_MIN);
    else if (e->literal.type == YODA_REAL)
        e->literal.r = -e->literal.r;
    else if (e->literal.type == YODA_INTEGER)
        negate_integer(p, e);
    else
        return false;
    e->op = AST_OP_MINUS;
    return true;
}

yoda_status parse_literal_check(struct parser *p)
{
    const struct token *t = &p->hex_too_big;
    if (t->kind == TOKEN_EOF)
        return YODA_OK;
    return fail_at(p->err, YODA_ERROR, t->start, "hex literal too big: %s%.*s",
                   p->hex_negative ? "-" : "", (int)(t->end - t->start), p->sql + t->start);
}

/* ---- Parameters ------------------------------------------------------------------------------ */

static yoda_status too_many(struct parser *p)
{
    return fail_at(p->err, YODA_TOO_BIG, p->token.start, "too many SQL variables");
}

/* ? takes the number after the highest so far. */
static yoda_status next_number(struct parser *p, uint32_t *out)
{
    if (p->parameter_count >= SQL_PARAMETERS_MAX)
        return too_many(p);
    *out = ++p->parameter_count;
    return YODA_OK;
}

/* ?N is parameter N and lifts the highest number to N. It may be out of range. */
static uint32_t explicit_number(struct parser *p)
{
    uint32_t number = 0;
    for (uint32_t at = p->token.start + 1; at < p->token.end; at++)
        if (number <= SQL_PARAMETERS_MAX)
            number = number * 10 + (uint32_t)(p->sql[at] - '0');
    if (number <= SQL_PARAMETERS_MAX && number > p->parameter_count)
        p->parameter_count = number;
    return number;
}

static uint32_t name_bucket(const char *text, uint32_t size)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (uint32_t i = 0; i < size; i++)
        hash = (hash ^ (unsigned char)text[i]) * 16777619u;
    return hash % PARSER_NAME_BUCKETS;
}

/* The same name is the same parameter; names differ by case and by prefix. */
static yoda_status named_number(struct parser *p, uint32_t *out)
{
    const char *text = p->sql + p->token.start;
    uint32_t size = p->token.end - p->token.start;
    struct parser_parameter **bucket = &p->buckets[name_bucket(text, size)];
    for (struct parser_parameter *seen = *bucket; seen; seen = seen->next_in_bucket)
        if (seen->name.size == size && memcmp(seen->name.text, text, size) == 0) {
            *out = seen->index;
            return YODA_OK;
        }
    struct parser_parameter *added;
    TRY(next_number(p, out));
    TRY(parser_new(p, sizeof *added, &added));
    char *copy = arena_copy(p->arena, text, size);
    if (!copy)
        return fail_nomem(p->err, size);
    *added = (struct parser_parameter){.name = {.text = copy, .size = size}, .index = *out,
                                       .next_in_bucket = *bucket, .next = p->parameters};
    *bucket = p->parameters = added;
    return YODA_OK;
}

static bool is_register(const char *text)
{
    return text[0] == '#' && text[1] >= '0' && text[1] <= '9';
}

bool parse_literal_is_register(const struct parser *p, const struct ast_expr *e)
{
    return e && e->kind == AST_PARAMETER && is_register(p->sql + e->span.start);
}

yoda_status parse_literal_parameter(struct parser *p, struct ast_expr **out)
{
    struct ast_expr *e;
    const char *text = p->sql + p->token.start;
    uint32_t size = p->token.end - p->token.start;
    TRY(parser_new_expr(p, AST_PARAMETER, p->token.start, &e));
    if (size > 1 && text[0] == '?')
        e->parameter = explicit_number(p);
    else if (text[0] == '?')
        TRY(next_number(p, &e->parameter));
    else if (!is_register(text))
        TRY(named_number(p, &e->parameter));
    parser_advance(p);
    if (is_register(text)) /* SQLite's own nested statements use #N; a user's may not */
        parser_refuse(p, YODA_ERROR, e->span.start, "near \"%.*s\": syntax error", (int)size, text);
    else if (e->parameter < 1 || e->parameter > SQL_PARAMETERS_MAX)
        parser_refuse(p, e->parameter ? YODA_TOO_BIG : YODA_ERROR, e->span.start,
                      "variable number must be between ?1 and ?%d", SQL_PARAMETERS_MAX);
    *out = e;
    return parser_finish(p, e);
}
