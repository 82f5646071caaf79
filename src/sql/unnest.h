/*
 * unnest.h -- inside rule_unnest: the two ways to free a subquery of the columns around it.
 */
#ifndef YODA_SQL_UNNEST_H
#define YODA_SQL_UNNEST_H

#include "sql/planner.h"
#include "sql/rewrite.h"

/* ---- unnest_pull.c: pull the conjuncts up that tie the subquery to the query around */

/*
 * Move conjuncts that read columns of outer from *rel's tree to out, as far as that keeps the rows:
 * they then hold over what *rel provides. Grouping gets further keys for them.
 */
YODA_MUST_CHECK yoda_status unnest_pull(struct query *q, struct rel **rel, const uint64_t *outer,
                                        struct expr_list *out);
/*
 * The scalar subquery that is an aggregate without keys: *slot, an APPLY, becomes a join with the
 * aggregate grouped by what ties it, and *done is set; where that cannot be, nothing changes.
 */
YODA_MUST_CHECK yoda_status unnest_aggregate(struct query *q, struct rel **slot, bool *done);
/* Aggregates that are not NULL over no rows get fresh numbers in aggregate; *rel (which provides
 * those, NULL where there was no group) gets a MAP with the old numbers and the right values. */
YODA_MUST_CHECK yoda_status unnest_rename_counts(struct query *q, struct rel *aggregate,
                                                 uint32_t **old);
YODA_MUST_CHECK yoda_status unnest_restore_counts(struct query *q, const struct rel *aggregate,
                                                  const uint32_t *old, struct rel **rel);

/* ---- unnest_domain.c: run the subquery for all distinct values of the outer columns at once */

/* *left becomes SHARED: the reader, under the same column numbers, of what it was. */
YODA_MUST_CHECK yoda_status unnest_share(struct query *q, struct rel **left);
/* One more reader of the same rows, with columns of its own. */
YODA_MUST_CHECK yoda_status unnest_reader(struct query *q, const struct rel *reader,
                                          struct rel **out);
/* The column of reader `to` that holds what column is in reader `from`. */
uint32_t unnest_column_of(const struct rel *from, uint32_t column, const struct rel *to);
/*
 * After it *right reads no column of *left: it has its own copies of those of free, joined with
 * *left's by the conditions added to on.
 */
YODA_MUST_CHECK yoda_status unnest_domain(struct query *q, struct rel **left, struct rel **right,
                                          const uint64_t *free, struct expr_list *on);

#endif
