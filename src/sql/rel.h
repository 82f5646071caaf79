/*
 * rel.h -- the logical plan: what a SELECT means, before it is decided how to run it.
 *
 * A query has columns, known by number all over the query: every table in a FROM, every computed
 * value and every aggregate gets its own. Expressions (olap/exec/expr.h) name them as EXPR_INPUT
 * slots, so an expression stays valid wherever a rule moves it; lowering renumbers to real slots.
 *
 * A node makes a *set* of columns available to the node above; order and pruning come at lowering:
 *
 *   SCAN       the table's columns
 *   VALUES     its columns; one row without columns is a SELECT without FROM
 *   FILTER     the child's
 *   MAP        the child's and one per expression
 *   JOIN       left and right (SEMI, ANTI: left; MARK: left and the mark)
 *   APPLY      left and the result: a subquery, run as if for each row of left; its right side may
 *              read columns of left (or of any APPLY around). Gone after rule_unnest.
 *   AGGREGATE  keys and aggregates; keys keep their numbers. Without aggregates: DISTINCT
 *   WINDOW     the child's and one per call
 *   SORT       the child's
 *   LIMIT      the child's
 *   SET        its own, one per position
 *   SHARED     its own: one reader of a CTE or view that is read more than once
 *
 * No number is made by two nodes. Nodes live in the arena and are changed in place by the rules,
 * and so are their lists: a node's lists are its own, never also another node's;
 * expressions are immutable.
 */
#ifndef YODA_SQL_REL_H
#define YODA_SQL_REL_H

#include "sql/sql.h"

struct rel_column {
    const char *name;   /* for EXPLAIN */
    enum vtype type;
    uint32_t classes;   /* CLASS_* superset; CLASS_NULL: nullable (also by an outer join) */
    enum affinity affinity;
    bool has_affinity;
    bool affinity_unsure; /* of a compound whose parts do not agree: the binder compares it with
                             nothing that the affinity could convert */
    enum collation collation;
    const struct catalog_table *table; /* of a SCAN, else NULL */
    uint32_t table_column;
};

/* What one planning knows. */
struct query {
    struct arena *arena;
    yoda_error *err;
    struct expr_builder build;
    const struct catalog *catalog;
    const char *sql;
    const struct value *params;
    uint32_t parameter_count;
    struct rel_column *columns;
    uint32_t column_count, column_capacity;
    struct estimates *estimates; /* estimate.c */
    struct rel *scans;           /* all that were made, by u.scan.before */
};

struct expr_list {
    expr_ref *items;
    uint32_t count, capacity;
};

enum rel_kind { REL_SCAN, REL_VALUES, REL_FILTER, REL_MAP, REL_JOIN, REL_APPLY, REL_AGGREGATE,
                REL_WINDOW, REL_SORT, REL_LIMIT, REL_SET, REL_SHARED };

enum rel_join { REL_INNER, REL_LEFT, REL_FULL, REL_SEMI, REL_ANTI, REL_MARK,
                REL_SINGLE /* as LEFT; a second match is "not mine" */ };

enum apply_kind {
    APPLY_SCALAR, /* result: the value of the only row, NULL without one */
    APPLY_EXISTS, /* result: 1 or 0 */
    APPLY_IN      /* result: 1, 0 or NULL: is compare true for some row? */
};

struct shared_rel { /* a CTE or view read by several SHARED nodes */
    struct rel *rel;
    const uint32_t *columns; /* [column_count] of rel, in order */
    uint32_t column_count;
    uint32_t readers;
    const char *name;
    bool rewritten;          /* the rules have been over it */
    const struct plan *plan; /* lowered */
    const uint32_t *slots;   /* [column_count] in plan's output */
};

struct rel {
    enum rel_kind kind;
    struct rel *child; /* left, of JOIN and APPLY */
    struct rel *right;
    double rows;       /* estimate; < 0: not yet made */
    union {
        struct {
            const struct catalog_table *table;
            uint32_t first;           /* column i of the table is column first + i of the query */
            struct expr_list filters; /* conjuncts, put here by pushdown */
            const char *alias;        /* for EXPLAIN, where the table is read twice; may be NULL */
            struct rel *before;
        } scan;
        struct {
            uint32_t *columns; /* [column_count] */
            uint32_t column_count, row_count;
            const expr_ref *exprs; /* [row_count x column_count], no inputs */
        } values;
        struct {
            struct expr_list conjuncts;
        } filter;
        struct {
            uint32_t *columns; /* [count] */
            expr_ref *exprs;   /* [count], over the child's columns (not over each other) */
            uint32_t count;
        } map;
        struct {
            enum rel_join kind;
            struct expr_list on; /* conjuncts over both sides */
            uint32_t mark;       /* MARK: its column */
            bool null_aware;     /* MARK, ANTI of IN: on[0] is the comparison, see plan.h */
        } join;
        struct {
            enum apply_kind kind;
            uint32_t result;        /* column */
            uint32_t value;         /* SCALAR: the column of right */
            expr_ref compare;       /* IN: over left's columns and right's */
        } apply;
        struct {
            uint32_t *keys; /* [key_count] columns of the child */
            uint32_t key_count;
            bool keyed;        /* GROUP BY or DISTINCT: no row in, no row out */
            uint32_t *columns; /* [count] */
            struct aggregate *aggregates; /* [count] over the child's columns */
            uint32_t count;
        } aggregate;
        struct { /* sort_key.column and partition are columns of the query */
            uint32_t *partition;
            uint32_t partition_count;
            struct sort_key *order;
            uint32_t order_count;
            struct window_frame frame;
            uint32_t *columns; /* [count] */
            struct window_call *calls;
            uint32_t count;
        } window;
        struct {
            struct sort_key *keys; /* column: of the query */
            uint32_t key_count;
            uint64_t limit; /* of a LIMIT above, offset included; UINT64_MAX: none */
        } sort;
        struct {
            uint64_t limit, offset;
        } limit;
        struct {
            enum set_kind kind; /* UNION: UNION_ALL under an AGGREGATE */
            struct rel **inputs;
            uint32_t **input_columns; /* [input_count][column_count] */
            uint32_t input_count;
            uint32_t *columns; /* [column_count] */
            uint32_t column_count;
        } set;
        struct {
            struct shared_rel *shared;
            uint32_t *columns; /* [shared->column_count] */
        } shared;
    } u;
};

/* A bound SELECT: columns[i] of rel is result column i. */
struct rel_select {
    struct rel *rel;
    const uint32_t *columns;  /* [column_count] */
    const char *const *names; /* [column_count], as SQLite names them */
    uint32_t column_count;
};

/* ---- Columns -------------------------------------------------------------------------------- */

/* Add a column; the name is borrowed. */
YODA_MUST_CHECK yoda_status rel_new_column(struct query *q, const struct rel_column *column,
                                           uint32_t *out);
/* Add a column with the type, classes, affinity and collation of an expression. */
YODA_MUST_CHECK yoda_status rel_column_of_expr(struct query *q, expr_ref e, const char *name,
                                               uint32_t *out);
/* An EXPR_INPUT for a column, as rel_column describes it. */
YODA_MUST_CHECK yoda_status rel_input(struct query *q, uint32_t column, expr_ref *out);
/* Columns below an outer join may be NULL from now on. */
YODA_MUST_CHECK yoda_status rel_make_nullable(struct query *q, const struct rel *rel);

/* Sets of columns: bitmaps of rel_set_words(q) words, zeroed. */
static inline size_t rel_set_words(const struct query *q)
{
    return BITMAP_WORDS(q->column_count) + 1;
}
YODA_MUST_CHECK yoda_status rel_new_set(struct query *q, uint64_t **out);
/* Add what rel makes available to set. */
void rel_available(const struct rel *rel, uint64_t *set);
bool rel_provides(struct query *q, const struct rel *rel, uint32_t column);
/* Add the columns that expressions anywhere below rel read but nothing below makes: what ties a
 * subquery to the queries around it. */
YODA_MUST_CHECK yoda_status rel_free(struct query *q, const struct rel *rel, uint64_t *set);
/* Does e read only columns of set? none of set? */
bool expr_within(const struct query *q, expr_ref e, const uint64_t *set);
bool expr_touches(const struct query *q, expr_ref e, const uint64_t *set);
/* e with column -> with[column] where that is not NULL ([q->column_count]). */
YODA_MUST_CHECK yoda_status rel_substitute(struct query *q, expr_ref e, const expr_ref *with,
                                           expr_ref *out);

/* ---- Nodes ---------------------------------------------------------------------------------- */

YODA_MUST_CHECK yoda_status rel_new(struct query *q, enum rel_kind kind, struct rel *child,
                                    struct rel **out);
YODA_MUST_CHECK yoda_status rel_scan(struct query *q, const struct catalog_table *table,
                                     struct rel **out);
/* One row without columns. */
YODA_MUST_CHECK yoda_status rel_one_row(struct query *q, struct rel **out);
/* A filter; an AND is split into conjuncts, a filter below is joined. */
YODA_MUST_CHECK yoda_status rel_filter(struct query *q, struct rel *child, expr_ref condition,
                                       struct rel **out);
YODA_MUST_CHECK yoda_status rel_join(struct query *q, enum rel_join kind, struct rel *left,
                                     struct rel *right, struct rel **out);
/* Compute e over *rel's columns: *column is its number; a MAP is put on *rel where e is not a
 * column already. */
YODA_MUST_CHECK yoda_status rel_compute(struct query *q, struct rel **rel, expr_ref e,
                                        const char *name, uint32_t *column);
YODA_MUST_CHECK yoda_status rel_distinct(struct query *q, struct rel *child,
                                         const uint32_t *columns, uint32_t count,
                                         struct rel **out);
YODA_MUST_CHECK yoda_status expr_list_add(struct query *q, struct expr_list *list, expr_ref e);
/* Add e's conjuncts one by one. */
YODA_MUST_CHECK yoda_status expr_list_add_and(struct query *q, struct expr_list *list, expr_ref e);
/* The inputs of a node: child and right, or those of a SET. NULL ends. A slot, so that a rule can
 * put another node there. */
struct rel **rel_input_at(struct rel *rel, uint32_t i);
/* Call fn for every expression that this node (not those below) holds. */
YODA_MUST_CHECK yoda_status rel_each_expr(struct rel *rel,
                                          yoda_status (*fn)(void *ctx, expr_ref *e), void *ctx);
/* Write the tree, a node a line, for tests and errors. */
struct str;
void rel_print(const struct query *q, const struct rel *rel, struct str *out);

#endif
