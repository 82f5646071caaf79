/* values_repeat.c -- see values_repeat.h. */
#include "sql/values_repeat.h"

#include "sql/literal_lift.h"

#define STATEMENT_BYTES_MAX (1u << 16)

static bool is_anonymous(const struct token *t)
{
    return t->kind == TOKEN_VARIABLE && t->end - t->start == 1;
}

static bool rolls_back(struct lexer lexer)
{
    (void)lexer_next(&lexer);
    return lexer_next(&lexer).kind == TOKEN_OR && lexer_next(&lexer).kind == TOKEN_ROLLBACK;
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
    struct token list;
    uint32_t end = 0;
    if (size > STATEMENT_BYTES_MAX)
        return false;
    lexer_init(&lexer, sql, (uint32_t)size);
    if (rolls_back(lexer) || !literal_lift_find_values(&lexer, &list))
        return false;
    list = lexer_next(&lexer);
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
