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
                 PLAN_LIMIT, PLAN_VALUES, PLAN_JOIN, PLAN_WINDOW, PLAN_SET, PLAN_SHARED };

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

/*
 * How rows of two sides meet. `child` is probed row by row against `build`, which is kept whole; so
 * RIGHT and the RIGHT_ kinds say the same as LEFT, SEMI and ANTI with the kept side changed.
 *
 *   kind                    output columns   rows
 *   INNER                   child ++ build   pairs that match
 *   LEFT, RIGHT, FULL       child ++ build   and those of child / build / both without a match
 *   SEMI, ANTI              child            with / without a match
 *   RIGHT_SEMI, RIGHT_ANTI  build            with / without a match
 *   MARK                    child ++ VT_INT  all, with 1, 0 (or NULL, see null_aware)
 *   SINGLE                  child ++ build   as LEFT; a second match is YODA_NOT_COLUMNAR
 */
enum join_kind { JOIN_INNER, JOIN_LEFT, JOIN_RIGHT, JOIN_FULL, JOIN_SEMI, JOIN_ANTI,
                 JOIN_RIGHT_SEMI, JOIN_RIGHT_ANTI, JOIN_MARK, JOIN_SINGLE };

/* An equality both of whose sides hash: numbers with numbers, BINARY texts with texts, blobs. */
struct join_key {
    expr_ref probe; /* over the child's columns */
    expr_ref build; /* over the build side's columns */
    bool null_safe; /* IS instead of = */
};
/* Can `a op c` (an EXPR_COMPARE of OP_EQ or OP_IS) be a join key? Then its sides, in order. */
bool join_key_of(expr_ref e, expr_ref *a, expr_ref *c, bool *null_safe);

/* ---- Windows -------------------------------------------------------------------------------- */

enum window_kind { WINDOW_AGGREGATE, WINDOW_ROW_NUMBER, WINDOW_RANK, WINDOW_DENSE_RANK,
                   WINDOW_PERCENT_RANK, WINDOW_CUME_DIST, WINDOW_NTILE, WINDOW_LAG, WINDOW_LEAD,
                   WINDOW_FIRST_VALUE, WINDOW_LAST_VALUE, WINDOW_NTH_VALUE };
enum frame_mode { FRAME_ROWS, FRAME_RANGE, FRAME_GROUPS };
enum frame_bound { FRAME_UNBOUNDED_PRECEDING, FRAME_PRECEDING, FRAME_CURRENT_ROW, FRAME_FOLLOWING,
                   FRAME_UNBOUNDED_FOLLOWING };
enum frame_exclude { EXCLUDE_NO_OTHERS, EXCLUDE_CURRENT, EXCLUDE_GROUP, EXCLUDE_TIES };

struct window_frame { /* SQLite's default: RANGE UNBOUNDED PRECEDING .. CURRENT ROW */
    enum frame_mode mode;
    enum frame_bound from, to;
    struct value from_offset, to_offset; /* PRECEDING, FOLLOWING: not negative; RANGE may be REAL */
    enum frame_exclude exclude;
};
struct window_call {
    enum window_kind kind;
    struct aggregate aggregate; /* WINDOW_AGGREGATE: as for GROUP BY, never DISTINCT */
    uint32_t arg_count;
    expr_ref args[3];           /* of the others; ntile, nth_value's N, lag's offset and default */
    enum vtype type;            /* of the result; set by window_call_init */
    uint32_t classes;
};
/* Check and type a call. Errors: YODA_NOT_COLUMNAR with the reason. */
YODA_MUST_CHECK yoda_status window_call_init(struct window_call *call, yoda_error *err);

enum set_kind { SET_UNION_ALL, SET_INTERSECT, SET_EXCEPT /* these two: distinct rows */ };

struct plan {
    enum plan_kind kind;
    uint32_t id; /* from plan_number; 0: not numbered */
    double estimated_rows;    /* of the output; 0: unknown */
    const struct plan *child; /* NULL for SCAN, VALUES and SET */
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
        struct {
            enum join_kind kind;
            const struct plan *build;
            const struct join_key *keys; /* [key_count]; none: every pair is tried */
            uint32_t key_count;
            expr_ref residual; /* over child ++ build columns, also of SEMI ... MARK; or NULL */
            bool null_aware;   /* ANTI, MARK: keys[0] is the comparison of an IN. A row without a
                                  match is NULL (ANTI: dropped) when keys[0] is NULL on its side
                                  and some row agrees in the other keys, or when such a row has a
                                  NULL there */
            bool build_unique; /* at most one build row has any key: proven, and what EXPLAIN
                                  says; a table finds out by itself (join_table.h) */
        } join;
        struct { /* output: the child's columns, then one per call */
            const uint32_t *partition; /* [partition_count] columns of the child */
            const enum collation *partition_collations;
            uint32_t partition_count;
            const struct sort_key *order;
            uint32_t order_count;
            struct window_frame frame;
            const struct window_call *calls;
            uint32_t call_count;
        } window;
        struct { /* columns by position; types are what all inputs fit into */
            enum set_kind kind;
            const struct plan *const *inputs; /* [input_count]; INTERSECT, EXCEPT: two */
            uint32_t input_count;
        } set;
        struct { /* the child runs once per run, however many SHARED nodes point at it */
            const uint32_t *columns; /* [column_count] columns of the child */
        } shared;
    } u;
};

/* Give the nodes ids 1, 2, ..., children first (0: not numbered yet); returns the highest + 1, the
 * size of an array by id. */
uint32_t plan_number(struct plan *root);
/* The nodes below a node: its child, build side or inputs. *count may be 0. */
const struct plan *plan_input(const struct plan *plan, uint32_t i, uint32_t *count);

struct run_stats {
    _Atomic uint64_t segments_read, segments_total, vectors_read, vectors_total, rows_scanned;
};

struct op_profile { /* what one node did in one run, over all workers */
    _Atomic uint64_t rows;     /* out */
    _Atomic uint64_t time_ns;  /* of its own, all workers together */
    _Atomic uint64_t bytes;    /* kept: hash tables, sorted rows */
    _Atomic uint64_t spilled_bytes;
    _Atomic uint64_t segments_read, segments_total, vectors_read, vectors_total; /* SCAN */
    _Atomic uint64_t segments_absorbed; /* SCAN: unread, what their chunks know was enough */
};

/* What may not change an answer; zero is normal. For tests and measurements. */
struct run_knobs {
    bool no_pruning;           /* ignore zone maps */
    bool no_codes;             /* flatten what a scan reads: no operator sees codes */
    uint32_t vector_rows;      /* rows in a row set, at most; 0: VECTOR_ROWS */
    uint64_t spill_after_bytes; /* breakers spill past so many bytes each; 0: by the budget */
};

struct run_context {
    struct run_knobs knobs;
    const char *spill_directory; /* NULL: past the budget the run fails with YODA_NOMEM */
    struct op_profile *profile;  /* [plan_number()], NULL: not wanted */
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

/* Who gets rows while a plan runs. */
struct plan_receiver {
    /* A part of the rows: 1 to BATCH_ROWS of them, about 1 MiB at most where it has more than one.
     * The batch is taken, also on failure, which ends the run. Called on the thread of
     * plan_run_stream, and may wait. */
    yoda_status (*take)(void *ctx, struct batch *batch, yoda_error *err);
    void *ctx;
};
/* plan_run whose rows are handed over as soon as there are enough for a part. Only what comes
 * before the last pipeline runs on several threads. Errors: as plan_run, and the receiver's. */
YODA_MUST_CHECK yoda_status plan_run_stream(const struct plan *plan, const struct version *version,
                                            uint32_t visible_columns, struct run_context *context,
                                            const struct plan_receiver *receiver, yoda_error *err);

/* Where plan_draw writes: a line per node, parents first. `branch` draws its place in the tree, `text`
 * says what it does. */
struct plan_lines {
    void (*line)(void *ctx, const struct plan *plan, uint32_t depth, const char *branch,
                 const char *text);
    void *ctx;
};
YODA_MUST_CHECK yoda_status plan_draw(const struct plan *plan, const struct plan_lines *lines,
                                      yoda_error *err);
/* The tree with estimated rows; out fails where memory is short. */
void plan_print(const struct plan *plan, struct str *out);

#endif
