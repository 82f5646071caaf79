/*
 * plan_names.h -- what to call the columns of each node of a plan, for EXPLAIN.
 */
#ifndef YODA_OLAP_PLAN_NAMES_H
#define YODA_OLAP_PLAN_NAMES_H

#include "olap/exec/plan.h"

struct named { /* a plan node and the names of its output */
    const struct plan *plan;
    const char **names; /* [plan->column_count] */
    struct named **inputs;
    uint32_t input_count;
    bool seen;          /* below a SHARED: printed already */
};

/* Name a whole tree. Everything is made in the arena. */
YODA_MUST_CHECK yoda_status plan_names(const struct plan *plan, struct arena *arena,
                                       struct named **out, yoda_error *err);
/* Write an aggregate or a window call as SQL. */
void plan_print_aggregate(const struct aggregate *aggregate, const char *const *names,
                          struct str *out);
void plan_print_call(const struct window_call *call, const char *const *names, struct str *out);

#endif
