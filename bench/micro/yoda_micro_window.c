/*
 * yoda_micro_window.c -- window functions and set operations: nanoseconds a row, without SQL.
 *
 * One table in memory; the output goes to COUNT and SUM. The same scan without the node is taken
 * off (of both inputs, for set operations). Prints the fastest of some rounds.
 *
 *   yoda_micro_window [threads] [rows] [case]
 */
#include "olap/exec/plan.h"

#include "base/hash.h"
#include "base/os.h"
#include "base/task_pool.h"
#include "olap/column/chunk.h"

#include <stdio.h>
#include <stdlib.h>

#define ROUNDS 5

enum { ID, GROUP /* 1,000 values */, HALF /* every value twice */, AMOUNT, COLUMNS };

struct bench_case {
    const char *name;
    struct plan *(*make)(void);
    uint32_t scans;
};

static struct store *store;
static struct snapshot snapshot;
static struct task_pool *pool;
static struct arena arena;
static struct mem_budget budget;
static yoda_error error;
static struct expr_builder builder = {&arena, &error};

static void must(yoda_status status)
{
    if (status == YODA_OK)
        return;
    fprintf(stderr, "%d: %s\n", (int)status, error.message);
    exit(1);
}

static void fill_table(uint64_t rows)
{
    struct table_def def = {.column_count = COLUMNS, .key_count = 1, .key_is_rowid = true};
    struct value row[COLUMNS];
    enum merge_outcome outcome;
    store_write_begin(store);
    must(store_add_table(store, 1, &def, &error));
    struct table *table = store_find_table(store, 1);
    for (uint64_t i = 0; i < rows; i++) {
        row[ID] = value_int((int64_t)i);
        row[GROUP] = value_int((int64_t)(hash_u64(i + 1) % 1000));
        row[HALF] = value_int((int64_t)(hash_u64(i / 2) >> 32));
        row[AMOUNT] = value_real((double)(hash_u64(i + 7) % 1000000) / 7);
        must(table_upsert(table, row, &outcome, &error));
    }
    table_set_complete(table, true);
    must(store_publish(store, 1, &error));
    store_write_end(store);
    struct maintenance_stats stats = {0};
    must(store_maintain(store, NULL, &stats, &error));
}

/* ---- Plans ---- */

static void *new(size_t size)
{
    void *p = arena_calloc(&arena, 1, size);
    if (!p)
        exit(1);
    return p;
}

static enum vtype type_of(uint32_t column)
{
    return column == AMOUNT ? VT_REAL : VT_INT;
}

static struct plan *new_plan(enum plan_kind kind, const struct plan *child, uint32_t columns)
{
    struct plan *plan = new (sizeof *plan);
    enum vtype *types = new ((columns + 1) * sizeof *types);
    for (uint32_t i = 0; i < columns; i++)
        types[i] = type_of(i);
    plan->kind = kind;
    plan->child = child;
    plan->column_count = columns;
    plan->types = types;
    return plan;
}

static expr_ref input(uint32_t slot)
{
    expr_ref e;
    uint32_t classes = type_of(slot) == VT_REAL ? CLASS_REAL : CLASS_INTEGER;
    must(expr_input(&builder, slot, classes, AFFINITY_BLOB, true, COLLATE_BINARY, &e));
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

/* COUNT(*), SUM(column) */
static const struct plan *aggregate(const struct plan *child, uint32_t column)
{
    struct plan *plan = new_plan(PLAN_AGGREGATE, child, 2);
    struct aggregate *aggregates = new (2 * sizeof *aggregates);
    expr_ref sum;
    uint32_t classes = child->types[column] == VT_REAL ? CLASS_REAL : CLASS_INTEGER;
    must(expr_input(&builder, column, classes, AFFINITY_BLOB, true, COLLATE_BINARY, &sum));
    aggregates[0].kind = AGG_COUNT_ROWS;
    aggregates[1].kind = AGG_TOTAL;
    aggregates[1].arg = sum;
    for (int i = 0; i < 2; i++)
        must(aggregate_init(&aggregates[i], &error));
    ((enum vtype *)(uintptr_t)plan->types)[1] = aggregates[1].type;
    plan->u.aggregate.aggregates = aggregates;
    plan->u.aggregate.aggregate_count = 2;
    return plan;
}

/* One call OVER (PARTITION BY grp ORDER BY order), unless they are COLUMNS. */
static struct plan *window(const struct window_call *call, uint32_t partition, uint32_t order)
{
    struct plan *plan = new_plan(PLAN_WINDOW, scan(), COLUMNS + 1);
    struct window_call *calls = new (sizeof *calls);
    uint32_t *columns = new (sizeof *columns);
    struct sort_key *key = new (sizeof *key);
    *calls = *call;
    *columns = partition;
    key->column = order;
    must(window_call_init(calls, &error));
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
    const struct plan **inputs = new (2 * sizeof *inputs);
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

/* CPU time where one thread does it all: what else the machine does matters less. */
static int64_t now_ns(void)
{
    return task_pool_workers(pool) == 1 ? os_thread_cpu_ns() : os_monotonic_ns();
}

/* Fastest run, in ns; *rows: what COUNT gave. */
static int64_t time_plan(const struct plan *plan, int64_t *rows)
{
    int64_t best = INT64_MAX;
    for (int i = 0; i < ROUNDS; i++) {
        struct run_context context = {.pool = pool, .budget = &budget};
        struct batch_list out;
        batch_list_init(&out, 2, &budget);
        int64_t start = now_ns();
        must(plan_run(plan, snapshot.version, 2, &context, &out, &error));
        int64_t ns = now_ns() - start;
        best = ns < best ? ns : best;
        *rows = batch_value(out.batches[0], 0, 0).i;
        batch_list_deinit(&out);
    }
    return best;
}

static void report(const struct bench_case *c)
{
    int64_t rows, scanned;
    const struct plan *plan = c->make();
    uint32_t column = plan->column_count - 1;
    int64_t all = time_plan(aggregate(plan, column), &rows);
    int64_t bare = time_plan(aggregate(scan(), column < COLUMNS ? column : ID), &scanned);
    uint64_t read = (uint64_t)scanned * c->scans;
    printf("%-32s %8.2f ns %8.1f ms %10lld rows\n", c->name,
           (double)(all - bare * c->scans) / (double)read, (double)all / 1e6, (long long)rows);
    arena_reset(&arena);
}

int main(int argc, char **argv)
{
    uint32_t threads = argc > 1 ? (uint32_t)atoi(argv[1]) : 1;
    uint64_t rows = argc > 2 ? strtoull(argv[2], NULL, 10) : 1000000;
    mem_budget_init(&budget, NULL, 0);
    arena_init(&arena, NULL);
    must(task_pool_create(threads, &pool, &error));
    struct store_options options = {.pool = pool, .budget = &budget, .compact_deleted_percent = 25};
    must(store_create(&options, &store, &error));
    fill_table(rows);
    store_acquire(store, &snapshot);
    printf("%u thread(s), %llu rows; over the scan, an input row; whole run; rows out\n", threads,
           (unsigned long long)rows);
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        if (argc <= 3 || (size_t)atoi(argv[3]) == i)
            report(&cases[i]);
    store_release(store, &snapshot);
    store_destroy(store);
    task_pool_destroy(pool);
    arena_deinit(&arena);
    return 0;
}
