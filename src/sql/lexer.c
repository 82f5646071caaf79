/*
 * lexer.c -- the tokens of SQL.
 *
 * One function per family of tokens; each gets the lexer standing on the token's first byte and
 * returns the kind with `at` behind the last one. peek() answers 0 past the end, and no token
 * holds a NUL, so the scanners need no bounds of their own.
 */
#include "sql/lexer.h"

#include "base/status.h"

#include <string.h>

void lexer_init(struct lexer *lexer, const char *sql, uint32_t size)
{
    const char *nul = size ? memchr(sql, 0, size) : NULL;
    lexer->sql = sql;
    lexer->size = nul ? (uint32_t)(nul - sql) : size;
    lexer->at = 0;
}

static unsigned char peek(const struct lexer *lexer, uint32_t ahead)
{
    uint32_t left = lexer->size - lexer->at;
    return ahead < left ? (unsigned char)lexer->sql[lexer->at + ahead] : 0;
}

static bool is_space(unsigned char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}

static bool is_digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex_digit(unsigned char c)
{
    unsigned char folded = (unsigned char)(c | 0x20);
    return is_digit(c) || (folded >= 'a' && folded <= 'f');
}

static bool is_name_char(unsigned char c)
{
    unsigned char folded = (unsigned char)(c | 0x20);
    return is_digit(c) || (folded >= 'a' && folded <= 'z') || c == '_' || c == '$' || c >= 0x80;
}

static enum token_kind take(struct lexer *lexer, uint32_t count, enum token_kind kind)
{
    ASSERT(count <= lexer->size - lexer->at);
    lexer->at += count;
    return kind;
}

/* A comment without its end reaches to the end of the text. */
static void skip_comment(struct lexer *lexer, bool block)
{
    lexer->at += 2;
    while (lexer->at < lexer->size) {
        if (block && peek(lexer, 0) == '*' && peek(lexer, 1) == '/') {
            lexer->at += 2;
            return;
        }
        if (!block && peek(lexer, 0) == '\n')
            return;
        lexer->at++;
    }
}

/* Blanks, comments and the byte order mark. "slash star" as the very last bytes is no comment. */
static void skip_blanks(struct lexer *lexer)
{
    for (;;) {
        unsigned char c = peek(lexer, 0);
        if (is_space(c))
            lexer->at++;
        else if (c == '-' && peek(lexer, 1) == '-')
            skip_comment(lexer, false);
        else if (c == '/' && peek(lexer, 1) == '*' && peek(lexer, 2) != 0)
            skip_comment(lexer, true);
        else if (c == 0xEF && peek(lexer, 1) == 0xBB && peek(lexer, 2) == 0xBF)
            lexer->at += 3;
        else
            return;
    }
}

/* 'text', "name", `name`: the quote doubled stands for itself. */
static enum token_kind scan_quoted(struct lexer *lexer)
{
    unsigned char quote = peek(lexer, 0);
    lexer->at++;
    while (lexer->at < lexer->size) {
        if (peek(lexer, 0) != quote) {
            lexer->at++;
        } else if (peek(lexer, 1) == quote) {
            lexer->at += 2;
        } else {
            lexer->at++;
            return quote == '\'' ? TOKEN_STRING : TOKEN_ID;
        }
    }
    return TOKEN_ILLEGAL;
}

static enum token_kind scan_bracketed(struct lexer *lexer)
{
    while (lexer->at < lexer->size)
        if (lexer->sql[lexer->at++] == ']')
            return TOKEN_ID;
    return TOKEN_ILLEGAL;
}

static void skip_digits(struct lexer *lexer)
{
    while (is_digit(peek(lexer, 0)))
        lexer->at++;
}

static bool at_exponent(const struct lexer *lexer)
{
    unsigned char next = peek(lexer, 1);
    if (peek(lexer, 0) != 'e' && peek(lexer, 0) != 'E')
        return false;
    return is_digit(next) || ((next == '+' || next == '-') && is_digit(peek(lexer, 2)));
}

static enum token_kind scan_decimal(struct lexer *lexer)
{
    enum token_kind kind = TOKEN_INTEGER;
    skip_digits(lexer);
    if (peek(lexer, 0) == '.') {
        kind = TOKEN_REAL;
        lexer->at++;
        skip_digits(lexer);
    }
    if (at_exponent(lexer)) {
        kind = TOKEN_REAL;
        lexer->at += 2;
        skip_digits(lexer);
    }
    return kind;
}

static enum token_kind scan_number(struct lexer *lexer)
{
    enum token_kind kind = TOKEN_INTEGER;
    if (peek(lexer, 0) == '0' && (peek(lexer, 1) | 0x20) == 'x' && is_hex_digit(peek(lexer, 2))) {
        lexer->at += 3;
        while (is_hex_digit(peek(lexer, 0)))
            lexer->at++;
    } else {
        kind = scan_decimal(lexer);
    }
    while (is_name_char(peek(lexer, 0))) {
        kind = TOKEN_ILLEGAL;
        lexer->at++;
    }
    return kind;
}

/* x'...' with an even number of hex digits. */
static enum token_kind scan_blob(struct lexer *lexer)
{
    uint32_t start = lexer->at;
    lexer->at += 2;
    while (is_hex_digit(peek(lexer, 0)))
        lexer->at++;
    enum token_kind kind = TOKEN_BLOB;
    if (peek(lexer, 0) != '\'' || (lexer->at - start) % 2 != 0) {
        kind = TOKEN_ILLEGAL;
        while (lexer->at < lexer->size && peek(lexer, 0) != '\'')
            lexer->at++;
    }
    if (lexer->at < lexer->size)
        lexer->at++;
    return kind;
}

/* ( ... ) behind a variable's name: no blanks inside. */
static bool skip_suffix(struct lexer *lexer)
{
    do
        lexer->at++;
    while (peek(lexer, 0) != 0 && !is_space(peek(lexer, 0)) && peek(lexer, 0) != ')');
    if (peek(lexer, 0) != ')')
        return false;
    lexer->at++;
    return true;
}

/* :name @name $name #name, with Tcl's "::" and one "(suffix)". */
static enum token_kind scan_variable(struct lexer *lexer)
{
    bool named = false;
    lexer->at++;
    for (;;) {
        unsigned char c = peek(lexer, 0);
        if (is_name_char(c)) {
            named = true;
            lexer->at++;
        } else if (c == '(' && named) {
            return skip_suffix(lexer) ? TOKEN_VARIABLE : TOKEN_ILLEGAL;
        } else if (c == ':' && peek(lexer, 1) == ':') {
            lexer->at += 2;
        } else {
            return named ? TOKEN_VARIABLE : TOKEN_ILLEGAL;
        }
    }
}

static enum token_kind scan_word(struct lexer *lexer)
{
    uint32_t start = lexer->at;
    while (is_name_char(peek(lexer, 0)))
        lexer->at++;
    return keyword_find(lexer->sql + start, lexer->at - start);
}

static enum token_kind scan_less(struct lexer *lexer)
{
    switch (peek(lexer, 1)) {
    case '=':
        return take(lexer, 2, TOKEN_LE);
    case '>':
        return take(lexer, 2, TOKEN_NE);
    case '<':
        return take(lexer, 2, TOKEN_SHIFT_LEFT);
    default:
        return take(lexer, 1, TOKEN_LT);
    }
}

static enum token_kind scan_greater(struct lexer *lexer)
{
    switch (peek(lexer, 1)) {
    case '=':
        return take(lexer, 2, TOKEN_GE);
    case '>':
        return take(lexer, 2, TOKEN_SHIFT_RIGHT);
    default:
        return take(lexer, 1, TOKEN_GT);
    }
}

static enum token_kind scan_minus(struct lexer *lexer)
{
    if (peek(lexer, 1) != '>')
        return take(lexer, 1, TOKEN_MINUS);
    return peek(lexer, 2) == '>' ? take(lexer, 3, TOKEN_ARROW2) : take(lexer, 2, TOKEN_ARROW);
}

static enum token_kind scan_dot(struct lexer *lexer)
{
    return is_digit(peek(lexer, 1)) ? scan_number(lexer) : take(lexer, 1, TOKEN_DOT);
}

static enum token_kind scan_symbol(struct lexer *lexer)
{
    switch (peek(lexer, 0)) {
    case ';':
        return take(lexer, 1, TOKEN_SEMICOLON);
    case '(':
        return take(lexer, 1, TOKEN_LEFT_PAREN);
    case ')':
        return take(lexer, 1, TOKEN_RIGHT_PAREN);
    case ',':
        return take(lexer, 1, TOKEN_COMMA);
    case '+':
        return take(lexer, 1, TOKEN_PLUS);
    case '-':
        return scan_minus(lexer);
    case '*':
        return take(lexer, 1, TOKEN_STAR);
    case '/':
        return take(lexer, 1, TOKEN_SLASH);
    case '%':
        return take(lexer, 1, TOKEN_PERCENT);
    case '=':
        return take(lexer, peek(lexer, 1) == '=' ? 2 : 1, TOKEN_EQ);
    case '!':
        return peek(lexer, 1) == '=' ? take(lexer, 2, TOKEN_NE) : take(lexer, 1, TOKEN_ILLEGAL);
    case '<':
        return scan_less(lexer);
    case '>':
        return scan_greater(lexer);
    case '|':
        return peek(lexer, 1) == '|' ? take(lexer, 2, TOKEN_CONCAT) : take(lexer, 1, TOKEN_PIPE);
    case '&':
        return take(lexer, 1, TOKEN_AMPERSAND);
    case '~':
        return take(lexer, 1, TOKEN_TILDE);
    default:
        return take(lexer, 1, TOKEN_ILLEGAL);
    }
}

static enum token_kind scan(struct lexer *lexer)
{
    unsigned char c = peek(lexer, 0);
    switch (c) {
    case '\'':
    case '"':
    case '`':
        return scan_quoted(lexer);
    case '[':
        return scan_bracketed(lexer);
    case '.':
        return scan_dot(lexer);
    case '?':
        lexer->at++;
        skip_digits(lexer);
        return TOKEN_VARIABLE;
    case '$':
    case '@':
    case ':':
    case '#':
        return scan_variable(lexer);
    default:
        break;
    }
    if (is_digit(c))
        return scan_number(lexer);
    if ((c == 'x' || c == 'X') && peek(lexer, 1) == '\'')
        return scan_blob(lexer);
    return is_name_char(c) ? scan_word(lexer) : scan_symbol(lexer);
}

struct token lexer_next(struct lexer *lexer)
{
    skip_blanks(lexer);
    struct token token = {.kind = TOKEN_EOF, .start = lexer->at};
    if (lexer->at < lexer->size)
        token.kind = scan(lexer);
    token.end = lexer->at;
    ASSERT(token.end <= lexer->size);
    ASSERT(token.kind == TOKEN_EOF || token.end > token.start);
    return token;
}
