/*
 * lexer.h -- SQL text -> tokens, cut exactly where SQLite cuts them.
 *
 * A lexer is a position in a text: copy it to look ahead. It never fails: what is no token comes
 * out as TOKEN_ILLEGAL with the extent that SQLite names in `unrecognized token: "..."`, and the
 * parser, whose grammar has no place for it, reports it. Blanks and comments are skipped. The text
 * ends at its size or at its first NUL byte.
 */
#ifndef YODA_SQL_LEXER_H
#define YODA_SQL_LEXER_H

#include "sql/keyword.h"

#include <stdint.h>

struct token {
    enum token_kind kind;
    uint32_t start, end; /* byte offsets [start, end); both the text's end for TOKEN_EOF */
};

struct lexer {
    const char *sql; /* borrowed */
    uint32_t size, at;
};

void lexer_init(struct lexer *lexer, const char *sql, uint32_t size);
struct token lexer_next(struct lexer *lexer);

#endif
