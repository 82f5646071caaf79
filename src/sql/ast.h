/*
 * ast.h -- the parsed form of SQLite's SELECT: names unresolved, every node knows its text span.
 *
 * Nodes live in the statement's arena and are immutable after parsing. Lists are singly linked in
 * source order through `next`. Spans are byte offsets [start, end) into the SQL text; SQLite names
 * a result column by the text of its expression, so they are exact.
 */
#ifndef YODA_SQL_AST_H
#define YODA_SQL_AST_H

#include "base/arena.h"
#include "base/value.h"

struct ast_span {
    uint32_t start, end;
};
/* A name or literal text with quotes removed; points into the arena, NUL-terminated. */
struct ast_name {
    const char *text; /* NULL: absent */
    uint32_t size;
    char quote;       /* 0, '"', '`', '[' or '\'' */
};

enum ast_expr_kind {
    AST_LITERAL,      /* value; op is AST_OP_MINUS where the sign of -5 is already in it */
    AST_CURRENT,      /* name: CURRENT_DATE, CURRENT_TIME, CURRENT_TIMESTAMP */
    AST_PARAMETER,    /* parameter: 1-based index */
    AST_COLUMN,       /* [schema.][table.]column */
    AST_UNARY,        /* op, left */
    AST_BINARY,       /* op, left, right (and AND, OR, ||, comparisons, IS [NOT], ->, ->>) */
    AST_LIKE,         /* op LIKE GLOB REGEXP MATCH, left, right, escape in third, negated */
    AST_BETWEEN,      /* left BETWEEN right AND third, negated */
    AST_IN_LIST,      /* left IN (args), negated */
    AST_IN_SELECT,    /* left IN (select), negated */
    AST_IN_TABLE,     /* left IN [schema.]table or table-function(args), negated */
    AST_IS_NULL,      /* left ISNULL / NOTNULL / NOT NULL; negated. (IS NULL is AST_BINARY) */
    AST_CASE,         /* left operand or NULL, args: when, then, ..., right: else or NULL */
    AST_CAST,         /* left, name: type text */
    AST_COLLATE,      /* left, name */
    AST_FUNCTION,     /* name(args) with distinct, star, filter, over */
    AST_EXISTS,       /* select, negated is not used: NOT EXISTS is UNARY NOT */
    AST_SUBQUERY,     /* (select) as a scalar */
    AST_ROW,          /* (a, b, ...) row value: args */
    AST_RAISE         /* RAISE(...): only legal in triggers */
};

enum ast_op {
    AST_OP_NONE,
    AST_OP_NOT, AST_OP_MINUS, AST_OP_PLUS, AST_OP_BIT_NOT, /* unary */
    AST_OP_OR, AST_OP_AND, AST_OP_EQ, AST_OP_NE, AST_OP_LT, AST_OP_LE, AST_OP_GT, AST_OP_GE,
    AST_OP_IS, AST_OP_IS_NOT, /* also IS [NOT] DISTINCT FROM, mapped */
    AST_OP_LIKE, AST_OP_GLOB, AST_OP_REGEXP, AST_OP_MATCH,
    AST_OP_BIT_AND, AST_OP_BIT_OR, AST_OP_SHIFT_LEFT, AST_OP_SHIFT_RIGHT,
    AST_OP_ADD, AST_OP_SUB, AST_OP_MUL, AST_OP_DIV, AST_OP_MOD, AST_OP_CONCAT,
    AST_OP_ARROW, AST_OP_ARROW2 /* -> ->> */
};

struct ast_select;
struct ast_window;

struct ast_expr {
    enum ast_expr_kind kind;
    enum ast_op op;
    bool negated, distinct, star; /* star: count(*) */
    struct ast_span span;
    uint32_t parameter;
    struct value literal;                 /* AST_LITERAL; text in the arena */
    struct ast_name schema, table, name;  /* AST_COLUMN, AST_IN_TABLE; name: function, type, ... */
    struct ast_expr *left, *right, *third;
    struct ast_expr *args;                /* list through next */
    uint32_t arg_count;
    uint32_t depth;                       /* of the tree from here down: a leaf is 1 */
    struct ast_select *select;
    struct ast_expr *filter;              /* FILTER (WHERE ...) */
    struct ast_window *over;              /* OVER ... */
    struct ast_expr *next;
};

enum ast_frame_bound { AST_UNBOUNDED_PRECEDING, AST_PRECEDING, AST_CURRENT_ROW, AST_FOLLOWING,
                       AST_UNBOUNDED_FOLLOWING };
struct ast_window { /* a definition, or a reference when only name is set and is_reference */
    struct ast_name name, base;
    bool is_reference, has_frame;
    struct ast_expr *partition;
    struct ast_order *order;
    enum { AST_FRAME_ROWS, AST_FRAME_RANGE, AST_FRAME_GROUPS } frame_mode;
    enum ast_frame_bound from, to;
    struct ast_expr *from_expr, *to_expr;
    enum { AST_EXCLUDE_NOTHING /* not written */, AST_EXCLUDE_NO_OTHERS, AST_EXCLUDE_CURRENT,
           AST_EXCLUDE_GROUP, AST_EXCLUDE_TIES } exclude;
    struct ast_window *next;
};

struct ast_order {
    struct ast_expr *expr;
    bool descending;
    enum { AST_NULLS_DEFAULT, AST_NULLS_FIRST, AST_NULLS_LAST } nulls;
    struct ast_order *next;
};

struct ast_result { /* one item of the select list */
    enum { AST_RESULT_EXPR, AST_RESULT_STAR, AST_RESULT_TABLE_STAR } kind;
    struct ast_expr *expr;
    struct ast_name alias, table;
    struct ast_result *next;
};

struct ast_source { /* one item of FROM, joined to the one before it */
    enum { AST_SOURCE_TABLE, AST_SOURCE_FUNCTION, AST_SOURCE_SELECT, AST_SOURCE_GROUP } kind;
    struct ast_name schema, name, alias;
    struct ast_name indexed_by;
    bool not_indexed;
    struct ast_expr *args;      /* table function */
    struct ast_select *select;
    struct ast_source *group;   /* ( a JOIN b ... ) */
    /* the join to the left neighbour */
    enum { AST_JOIN_NONE, AST_JOIN_COMMA, AST_JOIN_INNER, AST_JOIN_CROSS, AST_JOIN_LEFT,
           AST_JOIN_RIGHT, AST_JOIN_FULL } join;
    bool natural;
    struct ast_expr *on;
    struct ast_expr *using_columns; /* AST_COLUMN list */
    struct ast_span span;
    struct ast_source *next;
};

struct ast_cte {
    struct ast_name name;
    struct ast_expr *columns; /* AST_COLUMN list or NULL */
    struct ast_select *select;
    enum { AST_CTE_DEFAULT, AST_CTE_MATERIALIZED, AST_CTE_NOT_MATERIALIZED } hint;
    struct ast_cte *next;
};

struct ast_core { /* one SELECT or VALUES of a compound */
    enum { AST_CORE_SELECT, AST_CORE_VALUES } kind;
    enum { AST_COMPOUND_FIRST, AST_UNION, AST_UNION_ALL, AST_INTERSECT, AST_EXCEPT } compound;
    bool distinct;
    struct ast_result *results;
    struct ast_source *from;
    struct ast_expr *where, *group_by, *having;
    struct ast_window *windows;
    struct ast_expr *rows; /* VALUES: list of AST_ROW */
    struct ast_core *next;
};

struct ast_select {
    bool recursive;
    struct ast_cte *ctes;
    struct ast_core *cores; /* first, then compounds */
    struct ast_order *order_by;
    struct ast_expr *limit, *offset;
    uint32_t depth; /* of the deepest expression */
    struct ast_span span;
};

struct ast_view { /* CREATE VIEW name (columns) AS select */
    struct ast_name name;
    struct ast_expr *columns; /* AST_COLUMN list or NULL */
    struct ast_select *select;
};

enum ast_statement_kind {
    AST_STATEMENT_SELECT,
    AST_STATEMENT_EXPLAIN,      /* EXPLAIN [QUERY PLAN] of anything: SQLite's */
    AST_STATEMENT_EXPLAIN_YODA, /* EXPLAIN YODA [ANALYZE] select */
    AST_STATEMENT_OTHER         /* anything that begins with another keyword: not parsed further */
};

struct ast_statement {
    enum ast_statement_kind kind;
    struct ast_select *select;
    uint32_t parameter_count;
    const char *const *parameter_names; /* [parameter_count], index i is parameter i + 1; with its
                                           prefix character; NULL for ? and ?N */
    uint32_t end;        /* offset after the statement and its semicolon */
    bool more_follows;   /* another statement follows */
    bool analyze;        /* EXPLAIN YODA ANALYZE */
};

#endif
