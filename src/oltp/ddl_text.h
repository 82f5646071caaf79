/*
 * ddl_text.h -- cut pieces out of the CREATE texts that SQLite keeps in sqlite_schema.
 *
 * The texts were accepted by SQLite once, so this only needs tokens and the nesting of parentheses:
 * the terms of an index, the condition of a partial index, the expression of a generated column.
 * What does not look as expected gives "not found", never a guess.
 */
#ifndef YODA_OLTP_DDL_TEXT_H
#define YODA_OLTP_DDL_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct ddl_span {
    const char *text; /* [size], inside the text searched */
    size_t size;
};

enum ddl_token_kind { DDL_END, DDL_WORD, DDL_QUOTED /* "x" `x` [x] */, DDL_STRING, DDL_OTHER };

struct ddl_token {
    enum ddl_token_kind kind;
    struct ddl_span span; /* quotes included */
};

/* The token at *at (white space and comments skipped); *at moves behind it. */
struct ddl_token ddl_token_next(const char **at, const char *end);

/* The n-th top-level term between the parentheses of CREATE INDEX, without ASC or DESC. */
bool ddl_index_term(const char *sql, size_t n, struct ddl_span *out);
/* What follows WHERE in CREATE INDEX. */
bool ddl_index_where(const char *sql, struct ddl_span *out);
/* The expression between the parentheses of AS ( ) in a column's definition in CREATE TABLE. */
bool ddl_generated_expr(const char *sql, const char *column, struct ddl_span *out);
/* Does a piece of SQL mention the name? A string of that text counts too. */
bool ddl_mentions(const char *text, const char *name);

#endif
