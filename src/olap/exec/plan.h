/*
 * plan.h -- physical plans: trees of immutable nodes, and running one.
 *
 * A node's output is rows of column_count columns. Expressions of a node refer to its child's
 * output columns by slot (a scan's filters: to the scan's own columns). The plan lives in an arena,
 * may be cached and be run by several threads at once; run state is made by plan_run.
 *
 * Running cuts the tree into pipelines: a source (scan, or what a breaker has gathered), streaming
 * operators (filter, project), a sink (aggregate, distinct, sort, top-N, collect) with thread-local
 * state, combine and finish. Morsels are segments; each worker pushes row sets of up to 2,048 rows
 * through its pipeline. The cancel flag is read per row set, memory is charged to the budget.
 */
#ifndef YODA_OLAP_PLAN_H
#define YODA_OLAP_PLAN_H

#include "base/batch.h"
#include "base/str.h"
#include "olap/exec/expr.h"
#include "olap/store/store.h"

enum plan_kind { PLAN_SCAN, PLAN_FILTER, PLAN_PROJECT, PLAN_AGGREGATE, PLAN_DISTINCT, PLAN_SORT,
                 PLAN_LIMIT, PLAN_VALUES };

enum aggregate_kind { AGG_COUNT_ROWS, AGG_COUNT, AGG_SUM, AGG_TOTAL, AGG_AVG, AGG_MIN, AGG_MAX,
                      AGG_GROUP_CONCAT,
                      AGG_BARE /* value of arg on the row of the query's only min/max */ };

struct aggregate {
    enum aggregate_kind kind;
    bool distinct;
    expr_ref arg;       /* NULL for COUNT_ROWS */
    expr_ref filter;    /* FILTER (WHERE ...), may be NULL */
    expr_ref separator; /* GROUP_CONCAT: constant, NULL for "," */
    enum collation collation;
    enum vtype type;    /* of the result; set by aggregate_init */
    uint32_t classes;   /* of the result */
};

/* Check and type an aggregate. Errors: YODA_NOT_COLUMNAR with the reason. */
YODA_MUST_CHECK yoda_status aggregate_init(struct aggregate *aggregate, yoda_error *err);

struct sort_key {
    uint32_t column; /* of the child's output */
    bool descending, nulls_last;
    enum collation collation;
};

struct plan {
    enum plan_kind kind;
    const struct plan *child; /* NULL for SCAN and VALUES */
    uint32_t column_count;
    const enum vtype *types; /* [column_count] of the output */

    union {
        struct { /* rows of a table: columns[i] is the table's column of output i */
            uint32_t tid;
            const char *table_name;
            const uint32_t *columns;     /* [column_count] */
            const char *const *names;    /* [column_count], for EXPLAIN */
            const expr_ref *filters;     /* conjuncts over the scan's output columns */
            uint32_t filter_count;
        } scan;
        struct {
            expr_ref condition;
        } filter;
        struct {
            const expr_ref *exprs; /* [column_count] */
        } project;
        struct { /* output: keys, then aggregates; no keys: always one row */
            const expr_ref *keys;
            const enum collation *key_collations;
            uint32_t key_count;
            const struct aggregate *aggregates;
            uint32_t aggregate_count;
        } aggregate;
        struct {
            const enum collation *collations; /* [column_count] */
        } distinct;
        struct { /* output: the child's columns */
            const struct sort_key *keys;
            uint32_t key_count;
            uint64_t limit; /* limit + offset of a LIMIT above: keep that many; UINT64_MAX: all */
        } sort;
        struct {
            uint64_t limit, offset; /* UINT64_MAX: no limit */
        } limit;
        struct { /* constant rows: row_count x column_count expressions without inputs */
            const expr_ref *exprs;
            uint32_t row_count;
        } values;
    } u;
};

struct run_stats {
    _Atomic uint64_t segments_read, segments_total, vectors_read, vectors_total, rows_scanned;
};

struct run_context {
    struct task_pool *pool;
    struct mem_budget *budget;
    const _Atomic bool *cancel; /* may be NULL; set: YODA_INTERRUPTED within a row set */
    int64_t deadline_ns;        /* os_monotonic_ns; 0: none; past it: YODA_TIMEOUT */
    struct run_stats *stats;
};

/*
 * Run a plan on a pinned version. Appends to out the first visible_columns columns of every row, in
 * order when the plan sorts.
 *
 * Errors  YODA_NOT_COLUMNAR (a run-time "not mine": run it on SQLite), YODA_INTERRUPTED,
 *         YODA_TIMEOUT, YODA_NOMEM, YODA_CORRUPT / YODA_IOERR from segment_chunk
 */
YODA_MUST_CHECK yoda_status plan_run(const struct plan *plan, const struct version *version,
                                     uint32_t visible_columns, struct run_context *context,
                                     struct batch_list *out, yoda_error *err);

/* Print the tree, one node a line, indented. */
void plan_print(const struct plan *plan, struct str *out);

#endif
