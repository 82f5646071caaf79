/*
 * bind.h -- inside the binder: names resolved, AST turned into bound expressions and a plan.
 *
 * Two levels of expressions exist in one SELECT:
 *   ROW    over the table's columns: WHERE, GROUP BY keys, arguments of aggregates, and the whole
 *          select list of a query without aggregates. Slots are table columns.
 *   GROUP  over the output of the aggregation: select list, HAVING, ORDER BY of an aggregate query.
 *          Slots are group keys, then aggregates.
 * A GROUP expression is built top-down: what equals a group key becomes that key's slot, an
 * aggregate call becomes its slot, everything else is composed from its parts. A column that is
 * neither is a bare column.
 *
 * Whatever is not planned here is refused with YODA_NOT_COLUMNAR and a reason; also real errors
 * (unknown names, misuse of aggregates), because SQLite reports those best itself.
 */
#ifndef YODA_SQL_BIND_H
#define YODA_SQL_BIND_H

#include "sql/sql.h"

enum bind_level { LEVEL_ROW, LEVEL_GROUP };

struct binder {
    struct arena *arena;
    yoda_error *err;
    struct expr_builder build;
    const char *sql;
    const struct value *params;
    uint32_t parameter_count;
    const struct catalog_table *table;
    struct ast_name table_alias; /* what qualifies columns: the alias, or the table's name */
    const struct ast_core *core;

    /* The aggregation, once the keys are bound. */
    const expr_ref *keys;
    uint32_t key_count;
    struct aggregate *aggregates;
    uint32_t aggregate_count, aggregate_capacity;

    uint32_t alias_depth; /* aliases may refer to aliases; a cycle must end */
};

/* Refuse: YODA_NOT_COLUMNAR with a reason. */
yoda_status bind_refuse(struct binder *b, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- bind_name.c */
/* Find a column of the table; -1 where none has that name. */
int32_t bind_find_column(const struct binder *b, const struct ast_expr *column);
/* The select-list item with this alias, or NULL. */
const struct ast_result *bind_find_alias(const struct binder *b, const struct ast_expr *name);
/* Is it the bare word TRUE (1) or FALSE (0), and not a column? -1 otherwise. */
int bind_truth_word(const struct binder *b, const struct ast_expr *e);

/* ---- bind_expr.c */
YODA_MUST_CHECK yoda_status bind_expr(struct binder *b, enum bind_level level,
                                      const struct ast_expr *e, expr_ref *out);
/* The classes of values of this type: those given where they agree with it, else a superset. */
uint32_t bind_classes(enum vtype type, uint32_t classes, bool nullable);

/* ---- bind_aggregate.c */
/* Is e a call of an aggregate (not of the scalar min/max)? */
bool bind_is_aggregate(const struct ast_expr *e, enum aggregate_kind *kind);
/* Does e contain an aggregate call outside subqueries? */
bool bind_has_aggregate(const struct ast_expr *e);
/* The slot of an aggregate call in the aggregation's output, adding the aggregate when new. */
YODA_MUST_CHECK yoda_status bind_aggregate(struct binder *b, const struct ast_expr *e,
                                           enum aggregate_kind kind, expr_ref *out);
/* A bare column: the value on the row of the only MIN or MAX. */
YODA_MUST_CHECK yoda_status bind_bare_column(struct binder *b, expr_ref column, expr_ref *out);
/* Called after the whole SELECT is bound: bare columns need exactly one MIN or MAX. */
YODA_MUST_CHECK yoda_status bind_check_bare(struct binder *b);

/* ---- result_name.c */
/* The name SQLite gives a result column. */
YODA_MUST_CHECK yoda_status result_name(struct binder *b, const struct ast_result *item,
                                        const char **out);

#endif
