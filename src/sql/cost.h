/*
 * cost.h -- what a query costs on columns here, and on SQLite's rows: for the router.
 */
#ifndef YODA_SQL_COST_H
#define YODA_SQL_COST_H

#include "sql/rel.h"

/* Nanoseconds of one thread, by simple models; their constants (cost.c) are estimates of what
 * such work costs, not measurements of this machine. */
void cost_estimate(struct query *q, struct rel *rel, double *columns_ns, double *rows_ns);

#endif
