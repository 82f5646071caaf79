/*
 * literal_lift.c -- finding the literals of VALUES lists, token by token.
 *
 * The lists of an INSERT are at depth 0 behind the word VALUES, if no SELECT or WITH came before
 * it. A value is lifted when its neighbours are the parenthesis or commas of its list (depth 1).
 * Bytes are collected first and pointed to at the end: the string that holds them moves as it
 * grows.
 */
#include "sql/literal_lift.h"

#include "olap/exec/expr.h"

#define STATEMENT_BYTES_MAX (1u << 20)
#define DIGITS_MAX 18 /* surely an int64, also negated */

struct lifter {
    struct literal_lift *lift;
    const char *sql;
    struct lexer lexer;
    struct token token, next;
    uint32_t copied; /* of the text, so far */
};

void literal_lift_init(struct literal_lift *lift)
{
    str_init(&lift->sql);
    str_init(&lift->head);
    str_init(&lift->bytes);
    lift->count = 0;
}

void literal_lift_deinit(struct literal_lift *lift)
{
    str_deinit(&lift->bytes);
    str_deinit(&lift->head);
    str_deinit(&lift->sql);
}

static void advance(struct lifter *l)
{
    l->token = l->next;
    l->next = lexer_next(&l->lexer);
}

/* ---- Values ---------------------------------------------------------------------------------- */

static bool read_integer(const char *text, uint32_t size, bool negative, yoda_value *out)
{
    int64_t value = 0;
    if (size > DIGITS_MAX)
        return false;
    for (uint32_t i = 0; i < size; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false; /* 0x... */
        value = value * 10 + (text[i] - '0');
    }
    *out = (yoda_value){.type = YODA_INTEGER, .integer = negative ? -value : value};
    return true;
}

static bool read_real(const char *text, uint32_t size, bool negative, yoda_value *out)
{
    double value = expr_number_text()->text_to_real(text, size);
    *out = (yoda_value){.type = YODA_REAL, .real = negative ? -value : value};
    return true;
}

/* Between the quotes; doubled ones are undoubled into the bytes, whose offset data is for now. */
static bool read_text(struct literal_lift *lift, const char *text, uint32_t size, yoda_value *out)
{
    *out = (yoda_value){.type = YODA_TEXT, .data = text, .size = size};
    if (!memchr(text, '\'', size))
        return true;
    size_t start = lift->bytes.size;
    for (uint32_t i = 0; i < size; i++) {
        str_putc(&lift->bytes, text[i]);
        i += text[i] == '\'';
    }
    out->data = NULL;
    out->integer = (int64_t)start;
    out->size = lift->bytes.size - start;
    return true;
}

static unsigned hex_digit(char c)
{
    return (unsigned)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
}

static bool read_blob(struct literal_lift *lift, const char *hex, uint32_t size, yoda_value *out)
{
    *out = (yoda_value){.type = YODA_BLOB, .integer = (int64_t)lift->bytes.size, .size = size / 2};
    for (uint32_t i = 0; i + 1 < size; i += 2)
        str_putc(&lift->bytes, (char)(hex_digit(hex[i]) << 4 | hex_digit(hex[i + 1])));
    return true;
}

static bool read_literal(struct lifter *l, const struct token *t, bool negative, yoda_value *out)
{
    const char *text = l->sql + t->start;
    uint32_t size = t->end - t->start;
    switch ((int)t->kind) {
    case TOKEN_INTEGER:
        return read_integer(text, size, negative, out);
    case TOKEN_REAL:
        return read_real(text, size, negative, out);
    case TOKEN_STRING:
        return !negative && read_text(l->lift, text + 1, size - 2, out);
    case TOKEN_BLOB:
        return !negative && read_blob(l->lift, text + 2, size - 3, out);
    case TOKEN_NULL:
        *out = (yoda_value){.type = YODA_NULL};
        return !negative;
    default:
        return false;
    }
}

/* ---- Lists ----------------------------------------------------------------------------------- */

/* The token begins a value of a list. Lift it if it is a literal and nothing else; false: there are
 * too many. Otherwise it stays, and so does the token. */
static bool lift_value(struct lifter *l)
{
    struct lifter ahead = *l;
    yoda_value value;
    bool negative = l->token.kind == TOKEN_MINUS;
    if (negative)
        advance(&ahead);
    if (ahead.next.kind != TOKEN_COMMA && ahead.next.kind != TOKEN_RIGHT_PAREN)
        return true;
    if (!read_literal(l, &ahead.token, negative, &value))
        return true;
    if (l->lift->count == LITERAL_LIFT_MAX)
        return false;
    str_append(&l->lift->sql, l->sql + l->copied, l->token.start - l->copied);
    str_putc(&l->lift->sql, '?');
    l->lift->values[l->lift->count++] = value;
    l->copied = ahead.token.end;
    l->lexer = ahead.lexer;
    l->token = ahead.token;
    l->next = ahead.next;
    return true;
}

/* From the word VALUES to the end. */
static bool lift_lists(struct lifter *l)
{
    uint32_t depth = 0;
    for (bool begins = false;; advance(l)) {
        if (begins && !lift_value(l))
            return false;
        enum token_kind kind = l->token.kind;
        begins = depth == 1 && kind == TOKEN_COMMA;
        if (kind == TOKEN_LEFT_PAREN)
            begins = depth++ == 0;
        else if (kind == TOKEN_RIGHT_PAREN && depth-- == 0)
            return false;
        else if (kind == TOKEN_EOF || (kind == TOKEN_SEMICOLON && depth == 0))
            break;
        else if (kind == TOKEN_VARIABLE || kind == TOKEN_ILLEGAL || kind == TOKEN_SEMICOLON ||
                 (depth == 0 && kind != TOKEN_VALUES && kind != TOKEN_COMMA &&
                  kind != TOKEN_RIGHT_PAREN))
            return false;
    }
    while (l->token.kind == TOKEN_SEMICOLON)
        advance(l);
    return l->token.kind == TOKEN_EOF && depth == 0;
}

bool literal_lift_find_values(struct lexer *lexer, struct token *values)
{
    struct token t = lexer_next(lexer);
    if (t.kind != TOKEN_INSERT && t.kind != TOKEN_REPLACE)
        return false;
    for (; t.kind != TOKEN_VALUES; t = lexer_next(lexer))
        if (t.kind == TOKEN_EOF || t.kind == TOKEN_SEMICOLON || t.kind == TOKEN_SELECT ||
            t.kind == TOKEN_VARIABLE || t.kind == TOKEN_ILLEGAL)
            return false;
    *values = t;
    return true;
}

/* A text that begins as the last one did has the same tokens so far: a parenthesis ends none. */
static bool skip_head(struct lifter *l)
{
    const struct str *head = &l->lift->head;
    if (head->size == 0 || l->lexer.size < head->size ||
        memcmp(l->sql, head->data, head->size) != 0)
        return false;
    uint32_t end = (uint32_t)head->size;
    l->token = (struct token){.kind = TOKEN_LEFT_PAREN, .start = end - 1, .end = end};
    l->lexer.at = end;
    l->next = lexer_next(&l->lexer);
    return true;
}

/* Requires the word VALUES. */
static void keep_head(struct lifter *l)
{
    struct str *head = &l->lift->head;
    str_clear(head);
    if (l->next.kind == TOKEN_LEFT_PAREN)
        str_append(head, l->sql, l->next.end);
}

static void point_to_bytes(struct literal_lift *lift)
{
    for (size_t i = 0; i < lift->count; i++) {
        yoda_value *v = &lift->values[i];
        if ((v->type == YODA_TEXT || v->type == YODA_BLOB) && !v->data)
            v->data = str_text(&lift->bytes) + v->integer;
    }
}

bool literal_lift_statement(struct literal_lift *lift, const char *sql, size_t size)
{
    struct lifter l = {.lift = lift, .sql = sql};
    str_clear(&lift->sql);
    str_clear(&lift->bytes);
    lift->count = 0;
    if (size > STATEMENT_BYTES_MAX)
        return false;
    lexer_init(&l.lexer, sql, (uint32_t)size);
    if (!skip_head(&l)) {
        if (!literal_lift_find_values(&l.lexer, &l.token))
            return false;
        l.next = lexer_next(&l.lexer);
        keep_head(&l);
    }
    if (!lift_lists(&l) || lift->count == 0)
        return false;
    str_append(&lift->sql, sql + l.copied, size - l.copied);
    point_to_bytes(lift);
    return str_check(&lift->sql, NULL) == YODA_OK && str_check(&lift->bytes, NULL) == YODA_OK;
}
