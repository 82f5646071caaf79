/* plan_bench.c -- see the header. */
#include "plan_bench.h"

#include "base/os.h"
#include "olap/column/chunk.h"

#include <stdio.h>
#include <stdlib.h>

#define ROUNDS 5

static struct store *store;
static struct snapshot snapshot;
static struct task_pool *pool;
static struct mem_budget budget;
static yoda_error error;

struct arena plan_bench_arena;
struct expr_builder plan_bench_builder = {&plan_bench_arena, &error};

void plan_bench_must(yoda_status status)
{
    if (status == YODA_OK)
        return;
    fprintf(stderr, "%d: %s\n", (int)status, error.message);
    exit(1);
}

void plan_bench_open(uint32_t threads)
{
    mem_budget_init(&budget, NULL, 0);
    arena_init(&plan_bench_arena, NULL);
    MUST(task_pool_create(threads, &pool, &error));
    struct store_options options = {.pool = pool, .budget = &budget, .compact_deleted_percent = 25};
    MUST(store_create(&options, &store, &error));
}

void plan_bench_close(void)
{
    store_release(store, &snapshot);
    store_destroy(store);
    task_pool_destroy(pool);
    arena_deinit(&plan_bench_arena);
}

void plan_bench_table(uint32_t tid, uint32_t columns, uint64_t rows,
                      void (*fill)(uint64_t i, struct value *row))
{
    struct table_def def = {.column_count = columns, .key_count = 1, .key_is_rowid = true};
    struct value row[16];
    enum merge_outcome outcome;
    ASSERT(columns <= COUNT_OF(row));
    store_write_begin(store);
    MUST(store_add_table(store, tid, &def, &error));
    struct table *table = store_find_table(store, tid);
    for (uint64_t i = 0; i < rows; i++) {
        row[0] = value_int((int64_t)i);
        fill(i, row);
        MUST(table_upsert(table, row, &outcome, &error));
    }
    table_set_complete(table, true);
    MUST(store_publish(store, tid, &error));
    store_write_end(store);
    struct maintenance_stats stats = {0};
    MUST(store_maintain(store, NULL, &stats, &error));
}

void plan_bench_freeze(void)
{
    store_acquire(store, &snapshot);
}

void *plan_bench_new(size_t size)
{
    void *p = arena_calloc(&plan_bench_arena, 1, size);
    if (!p)
        exit(1);
    return p;
}

struct plan *plan_bench_node(enum plan_kind kind, const struct plan *child, uint32_t columns,
                             enum vtype (*type_of)(uint32_t column))
{
    struct plan *plan = plan_bench_new(sizeof *plan);
    enum vtype *types = plan_bench_new((columns + 1) * sizeof *types);
    for (uint32_t i = 0; i < columns; i++)
        types[i] = type_of(i);
    plan->kind = kind;
    plan->child = child;
    plan->column_count = columns;
    plan->types = types;
    return plan;
}

static enum vtype integer(uint32_t column)
{
    YODA_UNUSED(column);
    return VT_INT;
}

const struct plan *plan_bench_aggregate(const struct plan *child, enum aggregate_kind kind,
                                        expr_ref arg)
{
    struct plan *plan = plan_bench_node(PLAN_AGGREGATE, child, 2, integer);
    struct aggregate *aggregates = plan_bench_new(2 * sizeof *aggregates);
    aggregates[0].kind = AGG_COUNT_ROWS;
    aggregates[1].kind = kind;
    aggregates[1].arg = arg;
    for (int i = 0; i < 2; i++)
        MUST(aggregate_init(&aggregates[i], &error));
    ((enum vtype *)(uintptr_t)plan->types)[1] = aggregates[1].type;
    plan->u.aggregate.aggregates = aggregates;
    plan->u.aggregate.aggregate_count = 2;
    return plan;
}

static int64_t now_ns(void)
{
    return task_pool_workers(pool) == 1 ? os_thread_cpu_ns() : os_monotonic_ns();
}

int64_t plan_bench_time(const struct plan *plan, int64_t *count)
{
    int64_t best = INT64_MAX;
    for (int i = 0; i < ROUNDS; i++) {
        struct run_context context = {.pool = pool, .budget = &budget};
        struct batch_list out;
        batch_list_init(&out, 2, &budget);
        int64_t start = now_ns();
        MUST(plan_run(plan, snapshot.version, 2, &context, &out, &error));
        int64_t ns = now_ns() - start;
        best = ns < best ? ns : best;
        *count = batch_value(out.batches[0], 0, 0).i;
        batch_list_deinit(&out);
    }
    return best;
}
