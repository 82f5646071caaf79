/*
 * yoda_micro_window.c -- window functions and set operations: nanoseconds a row, without SQL.
 *
 * One table in memory; the output goes to COUNT and SUM. The same scan without the node is taken
 * off (of both inputs, for set operations). Prints the fastest of some rounds.
 *
 *   yoda_micro_window [threads] [rows] [case]
 */
#include "plan_bench.h"

#include "base/hash.h"
#include "olap/column/chunk.h"

#include <stdio.h>
#include <stdlib.h>

enum { ID, GROUP /* 1,000 values */, HALF /* every value twice */, AMOUNT, COLUMNS };

struct bench_case {
    const char *name;
    struct plan *(*make)(void);
    uint32_t scans;
};

static void fill(uint64_t i, struct value *row)
{
    row[GROUP] = value_int((int64_t)(hash_u64(i + 1) % 1000));
    row[HALF] = value_int((int64_t)(hash_u64(i / 2) >> 32));
    row[AMOUNT] = value_real((double)(hash_u64(i + 7) % 1000000) / 7);
}

/* ---- Plans ---- */

static enum vtype type_of(uint32_t column)
{
    return column == AMOUNT ? VT_REAL : VT_INT;
}

static struct plan *new_plan(enum plan_kind kind, const struct plan *child, uint32_t columns)
{
    return plan_bench_node(kind, child, columns, type_of);
}

static expr_ref input(uint32_t slot)
{
    expr_ref e;
    uint32_t classes = type_of(slot) == VT_REAL ? CLASS_REAL : CLASS_INTEGER;
    MUST(expr_input(&plan_bench_builder, slot, classes, AFFINITY_BLOB, true, COLLATE_BINARY, &e));
    return e;
}

static struct plan *scan(void)
{
    static const uint32_t columns[COLUMNS] = {ID, GROUP, HALF, AMOUNT};
    static const char *const names[COLUMNS] = {"id", "grp", "half", "amount"};
    struct plan *plan = new_plan(PLAN_SCAN, NULL, COLUMNS);
    plan->u.scan.tid = 1;
    plan->u.scan.table_name = "t";
    plan->u.scan.columns = columns;
    plan->u.scan.names = names;
    return plan;
}

static const struct plan *total(const struct plan *child, uint32_t column)
{
    expr_ref arg;
    uint32_t classes = child->types[column] == VT_REAL ? CLASS_REAL : CLASS_INTEGER;
    MUST(expr_input(&plan_bench_builder, column, classes, AFFINITY_BLOB, true, COLLATE_BINARY,
                    &arg));
    return plan_bench_aggregate(child, AGG_TOTAL, arg);
}

/* One call OVER (PARTITION BY grp ORDER BY order), unless they are COLUMNS. */
static struct plan *window(const struct window_call *call, uint32_t partition, uint32_t order)
{
    struct plan *plan = new_plan(PLAN_WINDOW, scan(), COLUMNS + 1);
    struct window_call *calls = plan_bench_new(sizeof *calls);
    uint32_t *columns = plan_bench_new(sizeof *columns);
    struct sort_key *key = plan_bench_new(sizeof *key);
    *calls = *call;
    *columns = partition;
    key->column = order;
    MUST(window_call_init(calls, plan_bench_builder.err));
    ((enum vtype *)(uintptr_t)plan->types)[COLUMNS] = calls->type;
    plan->u.window.partition = columns;
    plan->u.window.partition_count = partition != COLUMNS;
    plan->u.window.order = key;
    plan->u.window.order_count = order != COLUMNS;
    plan->u.window.frame = (struct window_frame){
        .mode = FRAME_RANGE, .from = FRAME_UNBOUNDED_PRECEDING, .to = FRAME_CURRENT_ROW};
    plan->u.window.calls = calls;
    plan->u.window.call_count = 1;
    return plan;
}

static struct plan *row_number(void)
{
    struct window_call call = {.kind = WINDOW_ROW_NUMBER};
    return window(&call, GROUP, ID);
}

static struct plan *sum_of(uint32_t column, uint32_t partition)
{
    struct window_call call = {.kind = WINDOW_AGGREGATE};
    call.aggregate = (struct aggregate){.kind = AGG_SUM, .arg = input(column)};
    struct plan *plan = window(&call, partition, ID);
    plan->u.window.frame.mode = FRAME_ROWS;
    plan->u.window.frame.from = FRAME_PRECEDING;
    plan->u.window.frame.from_offset = value_int(10);
    return plan;
}

static struct plan *sliding_integers(void)
{
    return sum_of(GROUP, GROUP);
}

static struct plan *sliding_reals(void)
{
    return sum_of(AMOUNT, COLUMNS);
}

static struct plan *rank(void)
{
    struct window_call call = {.kind = WINDOW_RANK};
    return window(&call, COLUMNS, HALF);
}

static struct plan *set_of(enum set_kind kind)
{
    struct plan *plan = new_plan(PLAN_SET, NULL, COLUMNS);
    const struct plan **inputs = plan_bench_new(2 * sizeof *inputs);
    inputs[0] = scan();
    inputs[1] = scan();
    plan->u.set.kind = kind;
    plan->u.set.inputs = inputs;
    plan->u.set.input_count = 2;
    return plan;
}

static struct plan *union_all(void)
{
    return set_of(SET_UNION_ALL);
}

static struct plan *intersect(void)
{
    return set_of(SET_INTERSECT);
}

static const struct bench_case cases[] = {
    {"row_number, partitioned", row_number, 1},
    {"sum ROWS 10 PRECEDING, INTEGER", sliding_integers, 1},
    {"sum ROWS 10 PRECEDING, REAL", sliding_reals, 1},
    {"rank, one partition", rank, 1},
    {"UNION ALL", union_all, 2},
    {"INTERSECT, 4 columns", intersect, 2},
};

/* ---- Measuring ---- */

static void report(const struct bench_case *c)
{
    int64_t rows, scanned;
    const struct plan *plan = c->make();
    uint32_t column = plan->column_count - 1;
    int64_t all = plan_bench_time(total(plan, column), &rows);
    int64_t bare = plan_bench_time(total(scan(), column < COLUMNS ? column : ID), &scanned);
    uint64_t read = (uint64_t)scanned * c->scans;
    printf("%-32s %8.2f ns %8.1f ms %10lld rows\n", c->name,
           (double)(all - bare * c->scans) / (double)read, (double)all / 1e6, (long long)rows);
    arena_reset(&plan_bench_arena);
}

int main(int argc, char **argv)
{
    uint32_t threads = argc > 1 ? (uint32_t)atoi(argv[1]) : 1;
    uint64_t rows = argc > 2 ? strtoull(argv[2], NULL, 10) : 1000000;
    plan_bench_open(threads);
    plan_bench_table(1, COLUMNS, rows, fill);
    plan_bench_freeze();
    printf("%u thread(s), %llu rows; over the scan, an input row; whole run; rows out\n", threads,
           (unsigned long long)rows);
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        if (argc <= 3 || (size_t)atoi(argv[3]) == i)
            report(&cases[i]);
    plan_bench_close();
    return 0;
}
