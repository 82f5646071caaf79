/*
 * gen_query.h -- random SELECTs whose answer SQL leaves no doubt about.
 *
 * A scope is the sources of one FROM, with the scope around it for correlated subqueries. Every
 * expression comes with what is known of its values (struct column), so that sums stay exact, a
 * LIMIT has a total order, and a choice among equal values that differ is seen (query.loose: the
 * answers are then compared by what SQL calls equal). A budget of row combinations keeps SQLite
 * quick.
 */
#ifndef YODA_GEN_QUERY_H
#define YODA_GEN_QUERY_H

#include "gen_schema.h"

#define SOURCES_MAX 6
#define CTES_MAX 3

struct source {
    const char *alias;
    struct relation relation;
};

struct scope {
    struct source sources[SOURCES_MAX];
    size_t count;
    double rows; /* combinations at most */
    const struct scope *outer;
};

struct gen {
    struct pool *pool;
    uint64_t *seed;
    const struct schema *schema;
    struct relation ctes[CTES_MAX];
    size_t cte_count;
    unsigned aliases, nesting, arms; /* arms: inside a compound */
    double budget;
    bool loose;
    bool outer_joined; /* some LEFT JOIN is in the query: no LIMIT, see gen_from.c */
};

struct typed {
    struct frag *frag;
    struct column type; /* name is unset */
};

/* ---- gen_expr.c */

/* Anything that may be shown; of one kind; a text for sums; a condition. */
struct typed expr_show(struct gen *g, const struct scope *scope, unsigned depth);
struct typed expr_of(struct gen *g, const struct scope *scope, enum kind kind, unsigned depth);
struct typed expr_tame(struct gen *g, const struct scope *scope);
struct frag *expr_condition(struct gen *g, const struct scope *scope, unsigned depth);
/* A column reference that passes every wish, of this scope alone; frag NULL: there is none. */
struct column_wish {
    bool exact, tame, unique, any_kind, shown;
    enum kind kind;
};
struct typed expr_column(struct gen *g, const struct scope *scope, struct column_wish wish,
                         bool outer_too);
/* A choice among values of this type has been made: the query is loose if they may differ. */
void expr_chosen(struct gen *g, struct column *type);

/* ---- gen_from.c */

/* Sources and joins; fills scope. The text begins behind "FROM ". */
struct frag *from_make(struct gen *g, struct scope *scope, double budget, bool plain);

/* ---- gen_window.c */

/* A window function of some column over this scope. */
struct typed window_make(struct gen *g, const struct scope *scope);

/* ---- gen_select.c */

struct query {
    struct frag *frag;
    struct relation columns; /* what it returns, and how many rows at most */
    bool loose;
    bool star; /* its columns are not in `columns` */
    struct order {
        size_t columns[COLUMNS_MAX], count; /* output columns (from 0) that ORDER BY names */
        const struct frag *text;            /* gone once the shrinker has dropped it */
    } order;
};

/* A whole statement. */
void query_make(struct query *q, struct pool *pool, uint64_t *seed, const struct schema *schema);
/* SELECT in parentheses' inside, for FROM. Names its columns. */
struct frag *select_derived(struct gen *g, const struct scope *outer, double budget,
                            struct relation *out);
/* Subqueries in expressions, with their parentheses. frag NULL: no budget left. */
struct typed select_scalar(struct gen *g, const struct scope *scope, enum kind kind);
struct frag *select_list(struct gen *g, const struct scope *scope, enum kind kind);
struct frag *select_exists(struct gen *g, const struct scope *scope);

/* ---- Pieces of a metamorphic check: FROM, a condition over it, and columns to show. */
struct pieces {
    struct frag *from, *condition, *columns;
};
void query_pieces(struct pieces *p, struct pool *pool, uint64_t *seed, const struct schema *schema);

#endif
