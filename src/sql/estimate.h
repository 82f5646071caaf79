/*
 * estimate.h -- inside the estimates: statistics of columns, samples of filters.
 */
#ifndef YODA_SQL_ESTIMATE_H
#define YODA_SQL_ESTIMATE_H

#include "sql/planner.h"

/* ---- column_statistics.c */
/* Distinct values of a table's column in the pinned version; kept in q->estimates. */
double column_distinct(struct query *q, const struct catalog_table *table, uint32_t column);
/* Is it alone a key: unique, without NULLs, equal values being equal bytes? */
bool column_is_unique(const struct catalog_table *table, uint32_t column);

/* ---- sample.c */
/* Share of a scan's rows that pass its filters, by looking at some; < 0: could not look. */
double sample_filters(struct query *q, const struct rel *scan);

/* ---- estimate.c */
/* Share of rows for which a conjunct is true, by statistics alone. */
double estimate_conjunct(struct query *q, expr_ref e, double rows);
/* The column an equality compares on each side, through nothing else; false for other forms. */
bool estimate_equality(expr_ref e, uint32_t *a, uint32_t *b);

/* Has every left row of a join at most one match? Proven, by keys of the right side. */
bool estimate_matches_once(struct query *q, const struct rel *join);

#endif
