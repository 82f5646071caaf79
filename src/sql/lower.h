/*
 * lower.h -- inside lowering: a logical node to physical ones.
 *
 * Columns of the query become slots of nodes. A lowered subtree is a plan and the list of what its
 * slots hold; an expression over query columns is renumbered against such a list only when the node
 * that evaluates it is made.
 *
 *   needed   set of columns (rel_set) that somebody above reads; a lowered subtree provides those
 *            it can and may provide more
 *   pending  computed columns that no node computes yet: MAPs wait for the node above them, which
 *            takes their expressions into its own where nothing is computed twice by that
 */
#ifndef YODA_SQL_LOWER_H
#define YODA_SQL_LOWER_H

#include "sql/planner.h"

#define COLUMN_NONE UINT32_MAX /* a slot that no column of the query stands for */

struct lowering {
    struct query *q;
    uint32_t *slots; /* [q->column_count], COLUMN_NONE while no expression is renumbered */
    expr_ref *with;  /* [q->column_count], NULL while nothing is taken in */
    uint32_t depth;
};

struct lowered {
    struct plan *plan;
    const uint32_t *columns; /* [plan->column_count] the query's column in each slot */
};

struct pending {
    struct lowered base;
    uint32_t *columns;
    expr_ref *exprs; /* [count] over base's columns, numbered as in the query */
    uint32_t count;
};

/* ---- lower.c */
YODA_MUST_CHECK yoda_status lower_rel(struct lowering *l, struct rel *rel, const uint64_t *needed,
                                      struct lowered *out);
/* Lower rel to a plan whose slots are exactly these columns in this order. */
YODA_MUST_CHECK yoda_status lower_columns(struct lowering *l, struct rel *rel,
                                          const uint32_t *columns, uint32_t count,
                                          struct lowered *out);
/* A node; its types and columns are the caller's to fill ([column_count] each). */
YODA_MUST_CHECK yoda_status lower_node(struct lowering *l, enum plan_kind kind,
                                       const struct plan *child, uint32_t column_count,
                                       struct plan **node, enum vtype **types, uint32_t **columns);
/* A node whose rows have its child's columns. */
YODA_MUST_CHECK yoda_status lower_same(struct lowering *l, enum plan_kind kind,
                                       const struct lowered *child, struct lowered *out);
YODA_MUST_CHECK yoda_status lower_copy_set(struct lowering *l, const uint64_t *set, uint64_t **out);
/* Expressions over columns to expressions over slots. Errors: YODA_INTERNAL for a column that
 * `from` does not have, or has with another type. */
YODA_MUST_CHECK yoda_status lower_exprs(struct lowering *l, const struct lowered *from,
                                        const expr_ref *in, uint32_t count, expr_ref *out);
YODA_MUST_CHECK yoda_status lower_expr(struct lowering *l, const struct lowered *from, expr_ref in,
                                       expr_ref *out);
/* The slot of a column; YODA_INTERNAL where there is none. */
YODA_MUST_CHECK yoda_status lower_slot(struct lowering *l, const struct lowered *from,
                                       uint32_t column, uint32_t *slot);
/* The conjunction of [count > 0] expressions. */
YODA_MUST_CHECK yoda_status lower_and(struct lowering *l, const expr_ref *conjuncts, uint32_t count,
                                      expr_ref *out);

/* ---- lower_map.c */
/*
 * Lower rel; the MAPs on its top stay pending.
 *
 *   uses  [q->column_count] how often the caller evaluates each column: what is used more than once
 *         is computed by a node
 */
YODA_MUST_CHECK yoda_status lower_pending(struct lowering *l, struct rel *rel,
                                          const uint64_t *needed, uint32_t *uses,
                                          struct pending *out);
/* Compute what is pending in a PROJECT; other columns that are not needed go. */
YODA_MUST_CHECK yoda_status lower_settle(struct lowering *l, struct pending *p,
                                         const uint64_t *needed);
/* e with what is pending put in. */
YODA_MUST_CHECK yoda_status lower_inline(struct lowering *l, const struct pending *p, expr_ref e,
                                         expr_ref *out);
/* Add to uses how often e reads each column. */
void lower_count_uses(expr_ref e, uint32_t *uses);
YODA_MUST_CHECK yoda_status lower_map(struct lowering *l, struct rel *rel, const uint64_t *needed,
                                      struct lowered *out);

/* ---- lower_join.c, lower_aggregate.c, lower_source.c */
YODA_MUST_CHECK yoda_status lower_join(struct lowering *l, struct rel *rel, const uint64_t *needed,
                                       struct lowered *out);
YODA_MUST_CHECK yoda_status lower_aggregate(struct lowering *l, struct rel *rel,
                                            const uint64_t *needed, struct lowered *out);
YODA_MUST_CHECK yoda_status lower_window(struct lowering *l, struct rel *rel,
                                         const uint64_t *needed, struct lowered *out);
YODA_MUST_CHECK yoda_status lower_scan(struct lowering *l, const struct rel *rel,
                                       const struct expr_list *more, const uint64_t *needed,
                                       struct lowered *out);
YODA_MUST_CHECK yoda_status lower_values(struct lowering *l, const struct rel *rel,
                                         const uint64_t *needed, struct lowered *out);
YODA_MUST_CHECK yoda_status lower_set(struct lowering *l, const struct rel *rel,
                                      const uint64_t *needed, struct lowered *out);
/* A SHARED that nobody else reads becomes a MAP over what it reads. */
YODA_MUST_CHECK yoda_status lower_only_reader(struct lowering *l, struct rel *rel);
YODA_MUST_CHECK yoda_status lower_shared(struct lowering *l, struct rel *rel,
                                         const uint64_t *needed, struct lowered *out);

#endif
