/* values_repeat.c -- see values_repeat.h. */
#include "sql/values_repeat.h"

#include "sql/lexer.h"

#define STATEMENT_BYTES_MAX (1u << 16)

static bool is_anonymous(const struct token *t)
{
    return t->kind == TOKEN_VARIABLE && t->end - t->start == 1;
}

/* The token behind the word VALUES; of something else, one that is no parenthesis. */
static struct token find_list(struct lexer *lexer)
{
    struct token t = lexer_next(lexer);
    if (t.kind != TOKEN_INSERT && t.kind != TOKEN_REPLACE)
        return t;
    while (t.kind != TOKEN_VALUES && t.kind != TOKEN_EOF && t.kind != TOKEN_SELECT &&
           t.kind != TOKEN_VARIABLE && t.kind != TOKEN_SEMICOLON && t.kind != TOKEN_ILLEGAL &&
           t.kind != TOKEN_ROLLBACK)
        t = lexer_next(lexer);
    return t.kind == TOKEN_VALUES ? lexer_next(lexer) : (struct token){.kind = TOKEN_EOF};
}

/* `?, ?)`: how many; 0: it is something else. *end: of the parenthesis. */
static uint32_t read_list(struct lexer *lexer, uint32_t *end)
{
    for (uint32_t width = 1;; width++) {
        struct token value = lexer_next(lexer), next = lexer_next(lexer);
        if (!is_anonymous(&value))
            return 0;
        *end = next.end;
        if (next.kind == TOKEN_RIGHT_PAREN)
            return width;
        if (next.kind != TOKEN_COMMA)
            return 0;
    }
}

static bool ends(struct lexer *lexer)
{
    struct token t = lexer_next(lexer);
    while (t.kind == TOKEN_SEMICOLON)
        t = lexer_next(lexer);
    return t.kind == TOKEN_EOF;
}

bool values_repeat(const char *sql, size_t size, uint32_t rows, struct str *out, uint32_t *width)
{
    struct lexer lexer;
    uint32_t end = 0;
    if (size > STATEMENT_BYTES_MAX)
        return false;
    lexer_init(&lexer, sql, (uint32_t)size);
    struct token list = find_list(&lexer);
    *width = list.kind == TOKEN_LEFT_PAREN ? read_list(&lexer, &end) : 0;
    if (*width == 0 || !ends(&lexer))
        return false;
    str_clear(out);
    str_append(out, sql, end);
    for (uint32_t row = 1; row < rows; row++) {
        str_putc(out, ',');
        str_append(out, sql + list.start, end - list.start);
    }
    return str_check(out, NULL) == YODA_OK;
}
