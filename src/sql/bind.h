/*
 * bind.h -- inside the binder: names resolved, the AST of a SELECT turned into a logical plan.
 *
 * One `struct scope` per SELECT holds what its names can mean; scopes are linked outward, so a
 * subquery finds the columns of the queries around it. Expressions are over columns of the whole
 * query (rel.h), at one of two levels:
 *
 *   ROW    over the rows of FROM: WHERE, group keys, arguments of aggregates, and everything in a
 *          SELECT without aggregates
 *   GROUP  over the groups: select list, HAVING, ORDER BY and windows of an aggregate query
 *
 * A GROUP expression is built top-down: what equals a group key becomes the key's column, an
 * aggregate call its column, everything else is composed from its parts. A column that is neither
 * is a bare column.
 *
 * Each level has a relation under construction, scope.rel[level]. What an expression needs computed
 * beside it (a subquery) is put on top of it while the expression is bound; GROUP's stands on the
 * AGGREGATE, whose child is filled in when all clauses are bound.
 *
 * Whatever is not planned here is refused with YODA_NOT_COLUMNAR and a reason; also real errors
 * (unknown names, misuse of aggregates), because SQLite reports those best itself.
 */
#ifndef YODA_SQL_BIND_H
#define YODA_SQL_BIND_H

#include "sql/rel.h"

#define BIND_DEPTH_MAX 100 /* SELECTs and views inside each other */

enum bind_level { LEVEL_ROW, LEVEL_GROUP };

/* What the answer of a SELECT is for: decides whose ORDER BY and LIMIT count. */
enum select_use {
    USE_RESULT,
    USE_TABLE,         /* in FROM: the order of its rows is nobody's business */
    USE_ORDERED_TABLE, /* in FROM, alone, below a SELECT that shows its rows as they come */
    USE_SCALAR,        /* the first row */
    USE_EXISTS,
    USE_IN
};

struct source_column { /* a column that names can find */
    const char *name;
    struct ast_name table; /* what qualifies it */
    uint32_t column;
    bool hidden;           /* the rowid: not in * */
    bool has_affinity;
    enum affinity affinity;
    enum collation collation;
};

struct source { /* one item of FROM */
    const struct ast_source *ast;
    struct ast_name name; /* its alias or own name */
    struct source_column *columns;
    uint32_t column_count;
    int32_t rowid;        /* of columns; -1: none */
    bool is_group;        /* ( a JOIN b ): its columns have their own tables */
    struct ast_name *using_names; /* USING, or what NATURAL stands for */
    uint32_t using_count;
    struct rel *rel;
};

struct bound_key {
    const struct ast_expr *ast;
    expr_ref expr; /* at level ROW */
    uint32_t column;
};

struct bound_window { /* one definition and the calls over it */
    expr_ref *partition, *order;
    uint32_t partition_count, order_count;
    struct sort_key *keys; /* [order_count]; columns are filled in at the end */
    struct window_frame frame;
    bool anew; /* SQLite sums each of its frames from the start */
    struct window_call *calls;
    uint32_t *columns;
    uint32_t count, capacity;
    struct bound_window *next;
};

/* What is known all over one statement. */
struct view_use {
    const char *name;
    struct ast_view *ast;
    const char *sql;
    uint32_t references;
    bool open; /* being bound */
    struct shared_rel *shared;
    struct bound *bound;
    struct view_use *next;
};

struct cte_use {
    const struct ast_cte *ast;
    uint32_t references;
    bool open;
    struct shared_rel *shared;
    struct bound *bound;
};
struct cte_frame { /* a WITH */
    const struct cte_frame *around;
    struct cte_use *uses;
    uint32_t count;
    struct scope *outer; /* of its SELECT */
    const char *sql;
};

/* Where a SELECT stands. */
struct bind_place {
    struct scope *outer; /* whose names it may use; NULL: none */
    const struct cte_frame *ctes;
    const char *sql;     /* the text that its spans are of */
    struct view_use **views;
    uint32_t depth;
    enum select_use use;
};

struct scope {
    struct query *q;
    struct bind_place place;
    const struct ast_core *core;
    struct source *sources;
    uint32_t source_count;
    uint32_t joined;       /* so many may be named so far */
    enum bind_level level; /* of the clause being bound: where a subquery finds outer columns */
    bool aliases;          /* names may be aliases of the select list */
    bool windows_allowed;
    bool in_keys;          /* binding GROUP BY */
    struct rel *rel[2];    /* by level */
    bool grouped;

    struct bound_key *keys;
    uint32_t key_count;
    bool computed_keys;
    struct aggregate *aggregates;
    uint32_t *aggregate_columns;
    uint32_t aggregate_count, aggregate_capacity;
    struct bound_window *windows;

    uint64_t own_names, outer_names; /* names met so far: of this SELECT, of those around */
};

/* A bound SELECT. exprs[i] is an EXPR_INPUT of columns[i] with the affinity and collation that
 * SQLite gives result i. */
struct bound {
    struct rel *rel;
    uint32_t *columns;
    expr_ref *exprs;
    const char **names;       /* of a result, and of a view's columns */
    const char **table_names; /* of the columns of a table made from it; before duplicates are told
                                 apart */
    uint32_t count;
    bool one_row;             /* at most: an aggregate without GROUP BY, or no FROM */
};

/* Refuse: YODA_NOT_COLUMNAR with a reason. */
yoda_status bind_refuse(struct scope *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- bind_scope.c: what a name means */

enum name_kind { NAME_NONE, NAME_COLUMN, NAME_ALIAS, NAME_AMBIGUOUS };
struct name_match {
    enum name_kind kind;
    const struct source_column **columns; /* more than one: the coalesce() of a FULL JOIN */
    uint32_t count;
    const struct ast_result *alias;
};
bool bind_same_name(const struct ast_name *a, const struct ast_name *b);
/* Look in this scope alone. */
YODA_MUST_CHECK yoda_status bind_find_name(struct scope *s, const struct ast_expr *name,
                                           struct name_match *out);
YODA_MUST_CHECK yoda_status bind_column(struct scope *s, enum bind_level level,
                                        const struct ast_expr *e, expr_ref *out);
/* A column of a source at this level. */
YODA_MUST_CHECK yoda_status bind_source_column(struct scope *s, enum bind_level level,
                                               const struct source_column *column, expr_ref *out);
/* Is it the bare word TRUE (1) or FALSE (0), and not a column? -1 otherwise. */
int bind_truth_word(struct scope *s, const struct ast_expr *e);
/* The name SQLite gives a result column; `made`: as a column of a table in FROM. */
YODA_MUST_CHECK yoda_status bind_result_name(struct scope *s, const struct ast_result *item,
                                             bool made, const char **out);

/* ---- bind_expr.c, bind_row.c */
YODA_MUST_CHECK yoda_status bind_expr(struct scope *s, enum bind_level level,
                                      const struct ast_expr *e, expr_ref *out);
/* expr_compare, where the affinities of both sides are certain. */
YODA_MUST_CHECK yoda_status bind_compare(struct scope *s, enum expr_op op, expr_ref a, expr_ref c,
                                         expr_ref *out);
YODA_MUST_CHECK yoda_status bind_check_pair(struct scope *s, expr_ref a, expr_ref c);
/* May values of this type and these classes be others once the affinity was applied to them? */
bool bind_affinity_changes(enum affinity affinity, enum vtype type, uint32_t classes);
/* The classes of values of this type: those given where they agree with it, else a superset. */
uint32_t bind_classes(enum vtype type, uint32_t classes, bool nullable);
/* The column as an input that behaves as like: its affinity and collation. */
YODA_MUST_CHECK yoda_status bind_input_like(struct query *q, uint32_t column, expr_ref like,
                                            expr_ref *out);
/* A row value's parts, or e itself alone. */
uint32_t bind_row_width(const struct ast_expr *e);
YODA_MUST_CHECK yoda_status bind_row_compare(struct scope *s, enum bind_level level,
                                             const struct ast_expr *e, expr_ref *out);

/* ---- bind_aggregate.c */
enum { HAS_AGGREGATE = 1, HAS_WINDOW = 2, HAS_SUBQUERY = 4 };
/* What is called in e, outside its subqueries. */
unsigned bind_contents(const struct ast_expr *e);
/* Is e a call of an aggregate (not of the scalar min/max, not over a window)? */
bool bind_is_aggregate(const struct ast_expr *e, enum aggregate_kind *kind);
/* The kind of an aggregate's name with so many arguments. */
bool bind_aggregate_kind(const struct ast_expr *e, enum aggregate_kind *kind);
/* Bind a call's arguments into *a and type it. */
YODA_MUST_CHECK yoda_status bind_aggregate_args(struct scope *s, enum bind_level level,
                                                const struct ast_expr *e, struct aggregate *a);
YODA_MUST_CHECK yoda_status bind_aggregate(struct scope *s, const struct ast_expr *e,
                                           enum aggregate_kind kind, expr_ref *out);
/* A bare column: the value on the row of the only MIN or MAX. */
YODA_MUST_CHECK yoda_status bind_bare_column(struct scope *s, expr_ref column, expr_ref *out);
/* Called after the whole SELECT is bound: bare columns need exactly one MIN or MAX. */
YODA_MUST_CHECK yoda_status bind_check_bare(struct scope *s);

/* ---- bind_group.c */
YODA_MUST_CHECK yoda_status bind_group_by(struct scope *s);
/* A key as a GROUP expression; row: the expression that equals it. */
YODA_MUST_CHECK yoda_status bind_key(struct scope *s, const struct bound_key *key, expr_ref row,
                                     expr_ref *out);
/* What is a group key, or contains nothing but keys that are computed: *out, else NULL. */
YODA_MUST_CHECK yoda_status bind_find_key(struct scope *s, const struct ast_expr *e,
                                          expr_ref *out);
/* Put what is known of keys and aggregates into the AGGREGATE. */
YODA_MUST_CHECK yoda_status bind_finish_group(struct scope *s);

/* ---- bind_window.c */
YODA_MUST_CHECK yoda_status bind_window_call(struct scope *s, enum bind_level level,
                                             const struct ast_expr *e, expr_ref *out);
/* Put the windows on *rel. */
YODA_MUST_CHECK yoda_status bind_finish_windows(struct scope *s, struct rel **rel);

/* ---- bind_from.c, bind_source.c */
YODA_MUST_CHECK yoda_status bind_from(struct scope *s, const struct ast_source *from);
/* Open one item of FROM that is not a group. */
YODA_MUST_CHECK yoda_status bind_source(struct scope *s, const struct ast_source *ast,
                                        struct source *out);
/* An item with the columns of a SELECT. */
YODA_MUST_CHECK yoda_status bind_made_source(struct scope *s, const struct bound *bound,
                                             const struct ast_name *name, struct source *out);

/* ---- bind_cte.c: what is read by name and is no table */
YODA_MUST_CHECK yoda_status bind_open_with(struct query *q, const struct ast_select *ast,
                                           const struct bind_place *place,
                                           const struct cte_frame **out);
/* The CTE or view of that name as a source; *found tells. */
YODA_MUST_CHECK yoda_status bind_cte(struct scope *s, const struct ast_source *ast,
                                     struct source *out, bool *found);
YODA_MUST_CHECK yoda_status bind_view(struct scope *s, const struct ast_source *ast,
                                      struct source *out, bool *found);
YODA_MUST_CHECK yoda_status bind_count_views(struct query *q, const struct ast_select *ast,
                                             struct view_use **views);

/* ---- bind_subquery.c */
YODA_MUST_CHECK yoda_status bind_scalar(struct scope *s, enum bind_level level,
                                        const struct ast_select *select, uint32_t value,
                                        uint32_t width, expr_ref *out);
YODA_MUST_CHECK yoda_status bind_exists(struct scope *s, enum bind_level level,
                                        const struct ast_expr *e, expr_ref *out);
YODA_MUST_CHECK yoda_status bind_in_select(struct scope *s, enum bind_level level,
                                           const struct ast_expr *e, expr_ref *out);

/* ---- bind_select.c, bind_core.c, bind_compound.c */
struct core { /* one bound SELECT of a compound, its order and output still open */
    struct scope scope;
    enum bind_level level;
    struct core_output {
        expr_ref *exprs;
        const char **names, **table_names;
        struct ast_name *aliases;         /* what ORDER BY finds it by */
        const struct ast_expr **sources;
        uint32_t visible, count, capacity;
    } output;
};
YODA_MUST_CHECK yoda_status bind_query(struct query *q, const struct ast_select *ast,
                                       const struct bind_place *place, struct bound *out);
YODA_MUST_CHECK yoda_status bind_core(struct query *q, const struct ast_core *ast,
                                      const struct bind_place *place, struct core **out);
/* Where ORDER BY's term is in the output, which it may enlarge; its collation. */
YODA_MUST_CHECK yoda_status bind_order_term(struct core *core, const struct ast_expr *term,
                                            uint32_t *position, enum collation *collation);
/* Compute the output: windows, expressions, DISTINCT. columns [output.count] */
YODA_MUST_CHECK yoda_status bind_finish_core(struct core *core, struct rel **rel,
                                             uint32_t **columns);
YODA_MUST_CHECK yoda_status bind_bound_of_core(struct core *core, struct rel *rel,
                                               uint32_t *columns, struct bound *out);
YODA_MUST_CHECK yoda_status bind_compound(struct query *q, const struct ast_select *ast,
                                          const struct bind_place *place, struct bound *out);
/* The 1-based position an integer literal names; 0: not an integer. */
YODA_MUST_CHECK yoda_status bind_ordinal(struct scope *s, const struct ast_expr *e,
                                         int64_t columns, uint32_t *out);
/* The COLLATE around an ORDER BY term, if there is one. */
YODA_MUST_CHECK yoda_status bind_term_collation(struct scope *s, const struct ast_expr *term,
                                                enum collation *collation);
YODA_MUST_CHECK yoda_status bind_values(struct query *q, const struct ast_core *ast,
                                        const struct bind_place *place, struct bound *out);
/* Compute [count] expressions on *rel, in one MAP. */
YODA_MUST_CHECK yoda_status bind_compute(struct query *q, struct rel **rel, const expr_ref *exprs,
                                         const char *const *names, uint32_t count,
                                         uint32_t **columns);
/* ORDER BY and LIMIT, as far as the use of the answer lets them count. */
struct bound_order {
    struct sort_key *keys;
    uint32_t count;
    uint64_t limit, offset;
};
YODA_MUST_CHECK yoda_status bind_limit(struct query *q, const struct ast_select *ast,
                                       const struct bind_place *place, struct bound_order *order);
YODA_MUST_CHECK yoda_status bind_finish_order(struct scope *s, const struct bound_order *order,
                                              bool one_row, struct rel **rel);

/* Bind a SELECT. outer: NULL for a statement. */
YODA_MUST_CHECK yoda_status bind_select(struct query *q, const struct ast_select *ast,
                                        struct scope *outer, struct rel_select *out);

#endif
