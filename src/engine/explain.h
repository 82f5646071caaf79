/*
 * explain.h -- what EXPLAIN YODA ANALYZE answers with: a row per plan node, with what it cost.
 */
#ifndef YODA_ENGINE_EXPLAIN_H
#define YODA_ENGINE_EXPLAIN_H

#include "engine/result.h"
#include "olap/exec/plan.h"

/* Give a result the columns plan, rows, estimated, ms, bytes, spilled, read, depth. */
YODA_MUST_CHECK yoda_status explain_open(yoda_result *result, yoda_error *err);
/* A line of text in the first column, milliseconds beside it where ns >= 0. */
YODA_MUST_CHECK yoda_status explain_line(yoda_result *result, const char *text, int64_t ns,
                                         yoda_error *err);
/* The tree of a plan that has run; profile [plan_number()]. */
YODA_MUST_CHECK yoda_status explain_tree(yoda_result *result, const struct plan *plan,
                                         const struct op_profile *profile, yoda_error *err);

#endif
