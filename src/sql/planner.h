/*
 * planner.h -- from a bound SELECT to a physical plan: rules, join order, lowering.
 *
 *   bind_select ─▶ rel ─▶ rules ─▶ join order ─▶ lower ─▶ struct plan
 *
 * A rule is one function in one file: it walks the tree, changes nodes in place (or puts another
 * node into *rel) and keeps the answer. Rules never see a half-built tree and may run in any order
 * unless said otherwise; planner.c has the order and why.
 */
#ifndef YODA_SQL_PLANNER_H
#define YODA_SQL_PLANNER_H

#include "sql/rel.h"

#define RULE YODA_MUST_CHECK yoda_status

/* (a AND x) OR (a AND y) -> a AND (x OR y); and what each side of an OR says of one table alone
 * becomes a filter of that table. */
RULE rule_factor_or(struct query *q, struct rel **rel);
/* APPLY -> joins: semi, anti, mark and single joins; aggregates grouped by what ties them to the
 * query around; in general a join with the distinct values of the outer columns. After it no APPLY
 * is left; what cannot be kept exact is YODA_NOT_COLUMNAR. */
RULE rule_unnest(struct query *q, struct rel **rel);
/* An outer join whose NULL rows a filter above rejects becomes LEFT or INNER. */
RULE rule_outer_to_inner(struct query *q, struct rel **rel);
/* Filters sink as far as they go, into scans; conditions of joins sink into their sides. */
RULE rule_push_down(struct query *q, struct rel **rel);
/* a = b AND b = c -> a = c; a = b AND b < 5 -> a < 5. Before rule_push_down. */
RULE rule_transitive(struct query *q, struct rel **rel);
/* A LEFT join on a unique key whose right side nobody reads is its left side (an inner one is not:
 * SQLite does not enforce foreign keys by default). DISTINCT, ORDER BY and group keys that change
 * nothing go. needed: the columns read above. */
RULE rule_eliminate(struct query *q, struct rel **rel, const uint64_t *needed);
/* Inner joins in the cheapest order: dynamic programming up to 12 relations, greedy beyond. Chooses
 * the build side (right) too. */
RULE rule_join_order(struct query *q, struct rel **rel);

/* ---- Estimates (estimate.c) ----------------------------------------------------------------- */

/* Rows that rel makes; kept in rel->rows. Never fails: where statistics lack it guesses. */
double estimate_rows(struct query *q, struct rel *rel);
/* Distinct values of a column, at most rows. */
double estimate_distinct(struct query *q, uint32_t column, double rows);
/* Share of the rows of a scan that pass its filters, by evaluating them on sampled vectors. */
double estimate_filters(struct query *q, const struct rel *scan);
/* Is at most one row of rel possible for any values of these columns? Proven, by keys. */
bool rel_unique_on(struct query *q, const struct rel *rel, const uint64_t *columns);

/* ---- All of it (planner.c) ------------------------------------------------------------------ */

/* Rules and join order: select->rel is then ready to be lowered. */
YODA_MUST_CHECK yoda_status planner_rewrite(struct query *q, struct rel_select *select);
/*
 * Plan a bound SELECT: rules, join order, lowering, costs. Fills all of out.
 *
 * Errors  YODA_NOT_COLUMNAR with the reason; YODA_NOMEM
 * Cost    under a millisecond for a dozen tables, samples of their filters included
 */
YODA_MUST_CHECK yoda_status planner_run(struct query *q, struct rel_select *select,
                                        struct sql_plan *out);

/* ---- Lowering (lower.c) --------------------------------------------------------------------- */

/* The plan whose output is the select's columns, in order. */
YODA_MUST_CHECK yoda_status lower_select(struct query *q, const struct rel_select *select,
                                         struct plan **out);

#endif
