/*
 * parser.h -- the parser's state and the pieces its files share. Internal to the parser.
 *
 * Recursive descent with one token of lookahead; expressions by precedence climbing (parse_expr.c).
 * A token that fits nowhere ends the parse with SQLite's own message, so nothing is ever skipped or
 * guessed. Keywords that SQLite lets fall back to names do so here too: a keyword is tried first,
 * and where the grammar wants a name, parser_is_name says whether the token may be one.
 *
 * Depth: `depth` counts the tree nodes (and selects, FROM groups) that wait for the node being
 * parsed, `parens` the bare parentheses; neither passes SQL_DEPTH_MAX, so the C stack is bounded.
 * Chains of left-associative operators do not recurse; their depth shows in ast_expr.depth.
 */
#ifndef YODA_SQL_PARSER_H
#define YODA_SQL_PARSER_H

#include "sql/lexer.h"
#include "sql/sql.h"

#define PARSER_COMPOUND_MAX 500 /* selects in one compound, as SQLite's default */
#define PARSER_NAME_BUCKETS 256

struct parser_parameter { /* a named parameter seen before */
    struct ast_name name;
    uint32_t index; /* 1-based */
    struct parser_parameter *next_in_bucket, *next;
};

struct parser {
    const char *sql;
    struct lexer lexer;
    struct arena *arena;
    yoda_error *err;
    struct token token;         /* the current one, not yet accepted */
    enum token_kind last_kind;  /* the token accepted last */
    uint32_t last_end;          /* its end */
    uint32_t depth, parens;
    uint32_t deepest;           /* ast_expr.depth of the select being parsed */
    uint32_t parameter_count;
    struct parser_parameter *parameters;
    struct parser_parameter *buckets[PARSER_NAME_BUCKETS];
    const struct ast_expr *int64_min; /* the literal 9223372036854775808, if just parsed */
    struct token hex_too_big;         /* first hex literal past 64 bits; kind TOKEN_EOF: none */
    bool hex_negative;
    yoda_error refusal;   /* what parser_refuse noted; code YODA_OK: nothing */
    uint32_t refusal_at;  /* start of the token that was current then */
};

/* A list being built in source order. */
struct parser_exprs {
    struct ast_expr *first, **tail;
    uint32_t count;
};

/* ---- parser.c: tokens, names, nodes --------------------------------------------------------- */

void parser_init(struct parser *p, const char *sql, uint32_t size, struct arena *arena,
                 yoda_error *err);
/* Accept the current token and read the next. */
void parser_advance(struct parser *p);
bool parser_accept(struct parser *p, enum token_kind kind);
YODA_MUST_CHECK yoda_status parser_expect(struct parser *p, enum token_kind kind);
/* The kind of the n-th token after the current one; WINDOW, OVER and FILTER stay keywords. */
enum token_kind parser_peek(const struct parser *p, int n);
/* Always fails: `near "x": syntax error` and its relatives, at the current token. */
YODA_MUST_CHECK yoda_status parser_syntax_error(struct parser *p);

/*
 * Note an error that is not the grammar's (an unknown join type, ...) and go on: as in SQLite, a
 * syntax error at the current token or another note there wins over it, a later one does not.
 */
void parser_refuse(struct parser *p, yoda_status code, int64_t offset, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Fail with what was noted, if anything. */
YODA_MUST_CHECK yoda_status parser_check(struct parser *p);

/* May the token be an alias without AS, a collation, a part of a type (strings too)? */
bool parser_is_alias(enum token_kind kind);
/* May it be the name of a table, column or index? */
bool parser_is_name(enum token_kind kind);
/* Does it begin a select? */
bool parser_at_select(const struct parser *p);
/* Take the current token as a name, quotes removed. The caller knows that it is one. */
YODA_MUST_CHECK yoda_status parser_take_name(struct parser *p, struct ast_name *out);
YODA_MUST_CHECK yoda_status parser_name(struct parser *p, struct ast_name *out);
/* name[.name]; schema stays absent without the dot. */
YODA_MUST_CHECK yoda_status parser_dotted_name(struct parser *p, struct ast_name *schema,
                                               struct ast_name *name);
/* [AS name | alias]; out stays absent without. */
YODA_MUST_CHECK yoda_status parser_alias(struct parser *p, struct ast_name *out);
/* Copy [size] bytes of text, removing the quotes it may begin with. */
YODA_MUST_CHECK yoda_status parser_unquote(struct parser *p, const char *text, uint32_t size,
                                           struct ast_name *out);

/* Zeroed memory in the statement's arena. */
YODA_MUST_CHECK yoda_status parser_new(struct parser *p, size_t size, void *out);
YODA_MUST_CHECK yoda_status parser_new_expr(struct parser *p, enum ast_expr_kind kind,
                                            uint32_t start, struct ast_expr **out);
/* Close a node whose children are set: its span ends at the last token, its depth is checked. */
YODA_MUST_CHECK yoda_status parser_finish(struct parser *p, struct ast_expr *e);
/* Go one level down / up again. Errors: YODA_TOO_BIG past SQL_DEPTH_MAX. */
YODA_MUST_CHECK yoda_status parser_enter(struct parser *p);
void parser_leave(struct parser *p);
YODA_MUST_CHECK yoda_status parser_too_deep(struct parser *p);

void parser_exprs_init(struct parser_exprs *list);
void parser_exprs_add(struct parser_exprs *list, struct ast_expr *e);

/* ---- One file each --------------------------------------------------------------------------- */

/* parse_expr.c: a whole expression / the right side of an operator that binds at min or tighter. */
YODA_MUST_CHECK yoda_status parse_expr(struct parser *p, struct ast_expr **out);
/* One or more, separated by commas; they count one level of depth. */
YODA_MUST_CHECK yoda_status parse_expr_list(struct parser *p, struct parser_exprs *list);
/* ( [expr, ...] ) with the current token the left parenthesis. */
YODA_MUST_CHECK yoda_status parse_expr_args(struct parser *p, struct ast_expr **out,
                                            uint32_t *count);

/* parse_primary.c: what stands between operators. */
YODA_MUST_CHECK yoda_status parse_primary(struct parser *p, struct ast_expr **out);

/* parse_literal.c: the current token is a literal / a parameter. */
YODA_MUST_CHECK yoda_status parse_literal(struct parser *p, struct ast_expr **out);
YODA_MUST_CHECK yoda_status parse_literal_parameter(struct parser *p, struct ast_expr **out);
/* Is it a bare #N? SQLite refuses it and goes on as if nothing stood there. e may be NULL. */
bool parse_literal_is_register(const struct parser *p, const struct ast_expr *e);
/* Put a minus into a literal number that has none; false: it must stay an operator. */
bool parse_literal_negate(struct parser *p, struct ast_expr *e);
/* Report the hex literal that was noted on the way, if any. */
YODA_MUST_CHECK yoda_status parse_literal_check(struct parser *p);

/* parse_select.c: WITH list / a select with or without it. */
YODA_MUST_CHECK yoda_status parse_select(struct parser *p, struct ast_select **out);
YODA_MUST_CHECK yoda_status parse_select_with(struct parser *p, struct ast_select *select);
YODA_MUST_CHECK yoda_status parse_select_body(struct parser *p, struct ast_select *select);
/* ( select ) with the current token the left parenthesis. */
YODA_MUST_CHECK yoda_status parse_select_parens(struct parser *p, struct ast_select **out);
/* (column, ...) at its parenthesis. declares: of a CTE or view, where SQLite parses, and then
 * refuses, COLLATE and a sort order behind a name. */
YODA_MUST_CHECK yoda_status parse_select_columns(struct parser *p, bool declares,
                                                 struct ast_expr **out);
/* ORDER BY list, if there is one. */
YODA_MUST_CHECK yoda_status parse_select_order(struct parser *p, struct ast_order **out);

/* parse_source.c: what follows FROM. */
YODA_MUST_CHECK yoda_status parse_source(struct parser *p, struct ast_source **out);

/* parse_window.c: [FILTER (WHERE ...)] [OVER ...] behind a call / WINDOW name AS (...), ... */
YODA_MUST_CHECK yoda_status parse_window_call(struct parser *p, struct ast_expr *call);
YODA_MUST_CHECK yoda_status parse_window_clause(struct parser *p, struct ast_window **out);

#endif
