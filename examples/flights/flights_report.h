/*
 * flights_report.h -- the questions asked of the data, on both sides, and whether they agree.
 */
#ifndef FLIGHTS_REPORT_H
#define FLIGHTS_REPORT_H

#include "yoda.h"

/* A query for the analyst's n-th turn, while the data changes. */
const char *report_live_query(size_t turn);
/* Run every query on SQLite and on the columns, print the times; false when an answer differs. */
bool report_compare(yoda_engine *db);
/* Verify every table, print one line each; false when one differs. */
bool report_verify(yoda_engine *db);

#endif
