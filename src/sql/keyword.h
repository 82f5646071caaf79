/*
 * keyword.h -- SQLite's keywords, in alphabetical order, and which of them may stand for a name.
 *
 * SQLite's grammar lets most keywords fall back to a plain identifier where the keyword itself does
 * not fit ("SELECT key, first FROM t"). Words that steer joins (LEFT, CROSS, ...) are names
 * wherever a table or column name must stand, but never an alias without AS.
 */
#ifndef YODA_SQL_KEYWORD_H
#define YODA_SQL_KEYWORD_H

#include <stddef.h>

enum keyword_class {
    KEYWORD_RESERVED, /* never a name */
    KEYWORD_NAME,     /* a name where the keyword does not fit */
    KEYWORD_JOIN      /* part of a join operator; a name where a name must stand */
};

/* X(word, class). The order is the binary search's. */
#define KEYWORD_LIST(X)                                                                            \
    X(ABORT, KEYWORD_NAME)                                                                        \
    X(ACTION, KEYWORD_NAME)                                                                       \
    X(ADD, KEYWORD_RESERVED)                                                                      \
    X(AFTER, KEYWORD_NAME)                                                                        \
    X(ALL, KEYWORD_RESERVED)                                                                      \
    X(ALTER, KEYWORD_RESERVED)                                                                    \
    X(ALWAYS, KEYWORD_NAME)                                                                       \
    X(ANALYZE, KEYWORD_NAME)                                                                      \
    X(AND, KEYWORD_RESERVED)                                                                      \
    X(AS, KEYWORD_RESERVED)                                                                       \
    X(ASC, KEYWORD_NAME)                                                                          \
    X(ATTACH, KEYWORD_NAME)                                                                       \
    X(AUTOINCREMENT, KEYWORD_RESERVED)                                                            \
    X(BEFORE, KEYWORD_NAME)                                                                       \
    X(BEGIN, KEYWORD_NAME)                                                                        \
    X(BETWEEN, KEYWORD_RESERVED)                                                                  \
    X(BY, KEYWORD_NAME)                                                                           \
    X(CASCADE, KEYWORD_NAME)                                                                      \
    X(CASE, KEYWORD_RESERVED)                                                                     \
    X(CAST, KEYWORD_NAME)                                                                         \
    X(CHECK, KEYWORD_RESERVED)                                                                    \
    X(COLLATE, KEYWORD_RESERVED)                                                                  \
    X(COLUMN, KEYWORD_NAME)                                                                       \
    X(COMMIT, KEYWORD_RESERVED)                                                                   \
    X(CONFLICT, KEYWORD_NAME)                                                                     \
    X(CONSTRAINT, KEYWORD_RESERVED)                                                               \
    X(CREATE, KEYWORD_RESERVED)                                                                   \
    X(CROSS, KEYWORD_JOIN)                                                                        \
    X(CURRENT, KEYWORD_NAME)                                                                      \
    X(CURRENT_DATE, KEYWORD_NAME)                                                                 \
    X(CURRENT_TIME, KEYWORD_NAME)                                                                 \
    X(CURRENT_TIMESTAMP, KEYWORD_NAME)                                                            \
    X(DATABASE, KEYWORD_NAME)                                                                     \
    X(DEFAULT, KEYWORD_RESERVED)                                                                  \
    X(DEFERRABLE, KEYWORD_RESERVED)                                                               \
    X(DEFERRED, KEYWORD_NAME)                                                                     \
    X(DELETE, KEYWORD_RESERVED)                                                                   \
    X(DESC, KEYWORD_NAME)                                                                         \
    X(DETACH, KEYWORD_NAME)                                                                       \
    X(DISTINCT, KEYWORD_RESERVED)                                                                 \
    X(DO, KEYWORD_NAME)                                                                           \
    X(DROP, KEYWORD_RESERVED)                                                                     \
    X(EACH, KEYWORD_NAME)                                                                         \
    X(ELSE, KEYWORD_RESERVED)                                                                     \
    X(END, KEYWORD_NAME)                                                                          \
    X(ESCAPE, KEYWORD_RESERVED)                                                                   \
    X(EXCEPT, KEYWORD_RESERVED)                                                                   \
    X(EXCLUDE, KEYWORD_NAME)                                                                      \
    X(EXCLUSIVE, KEYWORD_NAME)                                                                    \
    X(EXISTS, KEYWORD_RESERVED)                                                                   \
    X(EXPLAIN, KEYWORD_NAME)                                                                      \
    X(FAIL, KEYWORD_NAME)                                                                         \
    X(FILTER, KEYWORD_RESERVED)                                                                   \
    X(FIRST, KEYWORD_NAME)                                                                        \
    X(FOLLOWING, KEYWORD_NAME)                                                                    \
    X(FOR, KEYWORD_NAME)                                                                          \
    X(FOREIGN, KEYWORD_RESERVED)                                                                  \
    X(FROM, KEYWORD_RESERVED)                                                                     \
    X(FULL, KEYWORD_JOIN)                                                                         \
    X(GENERATED, KEYWORD_NAME)                                                                    \
    X(GLOB, KEYWORD_NAME)                                                                         \
    X(GROUP, KEYWORD_RESERVED)                                                                    \
    X(GROUPS, KEYWORD_NAME)                                                                       \
    X(HAVING, KEYWORD_RESERVED)                                                                   \
    X(IF, KEYWORD_NAME)                                                                           \
    X(IGNORE, KEYWORD_NAME)                                                                       \
    X(IMMEDIATE, KEYWORD_NAME)                                                                    \
    X(IN, KEYWORD_RESERVED)                                                                       \
    X(INDEX, KEYWORD_RESERVED)                                                                    \
    X(INDEXED, KEYWORD_RESERVED)                                                                  \
    X(INITIALLY, KEYWORD_NAME)                                                                    \
    X(INNER, KEYWORD_JOIN)                                                                        \
    X(INSERT, KEYWORD_RESERVED)                                                                   \
    X(INSTEAD, KEYWORD_NAME)                                                                      \
    X(INTERSECT, KEYWORD_RESERVED)                                                                \
    X(INTO, KEYWORD_RESERVED)                                                                     \
    X(IS, KEYWORD_RESERVED)                                                                       \
    X(ISNULL, KEYWORD_RESERVED)                                                                   \
    X(JOIN, KEYWORD_RESERVED)                                                                     \
    X(KEY, KEYWORD_NAME)                                                                          \
    X(LAST, KEYWORD_NAME)                                                                         \
    X(LEFT, KEYWORD_JOIN)                                                                         \
    X(LIKE, KEYWORD_NAME)                                                                         \
    X(LIMIT, KEYWORD_RESERVED)                                                                    \
    X(MATCH, KEYWORD_NAME)                                                                        \
    X(MATERIALIZED, KEYWORD_NAME)                                                                 \
    X(NATURAL, KEYWORD_JOIN)                                                                      \
    X(NO, KEYWORD_NAME)                                                                           \
    X(NOT, KEYWORD_RESERVED)                                                                      \
    X(NOTHING, KEYWORD_RESERVED)                                                                  \
    X(NOTNULL, KEYWORD_RESERVED)                                                                  \
    X(NULL, KEYWORD_RESERVED)                                                                     \
    X(NULLS, KEYWORD_NAME)                                                                        \
    X(OF, KEYWORD_NAME)                                                                           \
    X(OFFSET, KEYWORD_NAME)                                                                       \
    X(ON, KEYWORD_RESERVED)                                                                       \
    X(OR, KEYWORD_RESERVED)                                                                       \
    X(ORDER, KEYWORD_RESERVED)                                                                    \
    X(OTHERS, KEYWORD_NAME)                                                                       \
    X(OUTER, KEYWORD_JOIN)                                                                        \
    X(OVER, KEYWORD_RESERVED)                                                                     \
    X(PARTITION, KEYWORD_NAME)                                                                    \
    X(PLAN, KEYWORD_NAME)                                                                         \
    X(PRAGMA, KEYWORD_NAME)                                                                       \
    X(PRECEDING, KEYWORD_NAME)                                                                    \
    X(PRIMARY, KEYWORD_RESERVED)                                                                  \
    X(QUERY, KEYWORD_NAME)                                                                        \
    X(RAISE, KEYWORD_NAME)                                                                        \
    X(RANGE, KEYWORD_NAME)                                                                        \
    X(RECURSIVE, KEYWORD_NAME)                                                                    \
    X(REFERENCES, KEYWORD_RESERVED)                                                               \
    X(REGEXP, KEYWORD_NAME)                                                                       \
    X(REINDEX, KEYWORD_NAME)                                                                      \
    X(RELEASE, KEYWORD_NAME)                                                                      \
    X(RENAME, KEYWORD_NAME)                                                                       \
    X(REPLACE, KEYWORD_NAME)                                                                      \
    X(RESTRICT, KEYWORD_NAME)                                                                     \
    X(RETURNING, KEYWORD_RESERVED)                                                                \
    X(RIGHT, KEYWORD_JOIN)                                                                        \
    X(ROLLBACK, KEYWORD_NAME)                                                                     \
    X(ROW, KEYWORD_NAME)                                                                          \
    X(ROWS, KEYWORD_NAME)                                                                         \
    X(SAVEPOINT, KEYWORD_NAME)                                                                    \
    X(SELECT, KEYWORD_RESERVED)                                                                   \
    X(SET, KEYWORD_RESERVED)                                                                      \
    X(TABLE, KEYWORD_RESERVED)                                                                    \
    X(TEMP, KEYWORD_NAME)                                                                         \
    X(TEMPORARY, KEYWORD_NAME)                                                                    \
    X(THEN, KEYWORD_RESERVED)                                                                     \
    X(TIES, KEYWORD_NAME)                                                                         \
    X(TO, KEYWORD_RESERVED)                                                                       \
    X(TRANSACTION, KEYWORD_RESERVED)                                                              \
    X(TRIGGER, KEYWORD_NAME)                                                                      \
    X(UNBOUNDED, KEYWORD_NAME)                                                                    \
    X(UNION, KEYWORD_RESERVED)                                                                    \
    X(UNIQUE, KEYWORD_RESERVED)                                                                   \
    X(UPDATE, KEYWORD_RESERVED)                                                                   \
    X(USING, KEYWORD_RESERVED)                                                                    \
    X(VACUUM, KEYWORD_NAME)                                                                       \
    X(VALUES, KEYWORD_RESERVED)                                                                   \
    X(VIEW, KEYWORD_NAME)                                                                         \
    X(VIRTUAL, KEYWORD_NAME)                                                                      \
    X(WHEN, KEYWORD_RESERVED)                                                                     \
    X(WHERE, KEYWORD_RESERVED)                                                                    \
    X(WINDOW, KEYWORD_RESERVED)                                                                   \
    X(WITH, KEYWORD_NAME)                                                                         \
    X(WITHOUT, KEYWORD_NAME)

enum token_kind {
    TOKEN_EOF,     /* end of the text, or a NUL byte */
    TOKEN_ILLEGAL, /* no token of SQL: an unclosed quote, "12x", a stray character */
    TOKEN_ID,
    TOKEN_STRING,
    TOKEN_BLOB,
    TOKEN_INTEGER, /* decimal or 0x... */
    TOKEN_REAL,
    TOKEN_VARIABLE,
    TOKEN_SEMICOLON,
    TOKEN_LEFT_PAREN,
    TOKEN_RIGHT_PAREN,
    TOKEN_COMMA,
    TOKEN_DOT,
    TOKEN_PLUS,
    TOKEN_MINUS,
    TOKEN_STAR,
    TOKEN_SLASH,
    TOKEN_PERCENT,
    TOKEN_EQ,
    TOKEN_NE,
    TOKEN_LT,
    TOKEN_LE,
    TOKEN_GT,
    TOKEN_GE,
    TOKEN_SHIFT_LEFT,
    TOKEN_SHIFT_RIGHT,
    TOKEN_AMPERSAND,
    TOKEN_PIPE,
    TOKEN_TILDE,
    TOKEN_CONCAT,
    TOKEN_ARROW,
    TOKEN_ARROW2,
#define KEYWORD_TOKEN(word, class) TOKEN_##word,
    KEYWORD_LIST(KEYWORD_TOKEN)
#undef KEYWORD_TOKEN
    TOKEN_COUNT
};

/* The keyword's token, ASCII case ignored; TOKEN_ID where the text is none. */
enum token_kind keyword_find(const char *text, size_t size);
/* The class of a keyword token; KEYWORD_RESERVED for tokens that are no keywords. */
enum keyword_class keyword_class_of(enum token_kind kind);

#endif
