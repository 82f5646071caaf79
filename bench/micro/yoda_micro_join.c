/*
 * yoda_micro_join.c -- joins by build size: nanoseconds a probe row, without SQL.
 *
 * A table of probe rows with random keys meets build tables of 1 K, 100 K and 1.5 M rows in memory;
 * the output goes to COUNT and SUM. The same scan without a join is taken off. Prints the fastest
 * of some rounds.
 *
 *   yoda_micro_join [threads] [probe rows] [case]
 */
#include "olap/exec/plan.h"

#include "base/hash.h"
#include "base/os.h"
#include "base/task_pool.h"
#include "olap/column/chunk.h"

#include <stdio.h>
#include <stdlib.h>

#define ROUNDS 5
#define SIZES 3

static const uint32_t sizes[SIZES] = {1000, 100000, 1500000};
enum { PROBE_DENSE, PROBE_SPARSE = PROBE_DENSE + SIZES, PROBE_COLUMNS = PROBE_SPARSE + SIZES };
enum { BUILD_ID, BUILD_SPARSE, BUILD_FOUR, BUILD_PAYLOAD, BUILD_COLUMNS };

struct bench_case {
    const char *name;
    enum join_kind kind;
    bool sparse;
    uint32_t build_column;
    bool half; /* only every other build row: half of the probe rows match */
};
static const struct bench_case cases[] = {
    {"dense, unique", JOIN_INNER, false, BUILD_ID, false},
    {"dense, unique, half match", JOIN_INNER, false, BUILD_ID, true},
    {"dense, left", JOIN_LEFT, false, BUILD_ID, true},
    {"hash, unique", JOIN_INNER, true, BUILD_SPARSE, false},
    {"hash, unique, half match", JOIN_INNER, true, BUILD_SPARSE, true},
    {"dense, 4 rows each", JOIN_INNER, false, BUILD_FOUR, false},
    {"semi, bitmap", JOIN_SEMI, false, BUILD_ID, true},
    {"anti, hash", JOIN_ANTI, true, BUILD_SPARSE, true},
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

static int64_t sparse(uint64_t k)
{
    return (int64_t)(k * 1000000007);
}

static void fill_probe(uint64_t i, struct value *row)
{
    for (int s = 0; s < SIZES; s++) {
        uint64_t k = hash_u64(i * 3 + (uint64_t)s + 1) % sizes[s];
        row[1 + PROBE_DENSE + s] = value_int((int64_t)k);
        row[1 + PROBE_SPARSE + s] = value_int(sparse(k));
    }
}

static void fill_build(uint64_t i, struct value *row)
{
    row[1 + BUILD_ID] = value_int((int64_t)i);
    row[1 + BUILD_SPARSE] = value_int(sparse(i));
    row[1 + BUILD_FOUR] = value_int((int64_t)i / 4);
    row[1 + BUILD_PAYLOAD] = value_int((int64_t)(hash_u64(i) % 1000));
}

static void fill_table(uint32_t tid, uint32_t columns, uint64_t rows,
                       void (*fill)(uint64_t i, struct value *row))
{
    struct table_def def = {.column_count = columns + 1, .key_count = 1, .key_is_rowid = true};
    struct value row[16];
    enum merge_outcome outcome;
    store_write_begin(store);
    must(store_add_table(store, tid, &def, &error));
    struct table *table = store_find_table(store, tid);
    for (uint64_t i = 0; i < rows; i++) {
        row[0] = value_int((int64_t)i);
        fill(i, row);
        must(table_upsert(table, row, &outcome, &error));
    }
    table_set_complete(table, true);
    must(store_publish(store, tid, &error));
    store_write_end(store);
    struct maintenance_stats stats = {0};
    must(store_maintain(store, NULL, &stats, &error));
}

static void *new(size_t size)
{
    void *p = arena_calloc(&arena, 1, size);
    if (!p)
        exit(1);
    return p;
}

static struct plan *new_plan(enum plan_kind kind, const struct plan *child, uint32_t columns)
{
    struct plan *plan = new (sizeof *plan);
    enum vtype *types = new ((columns + 1) * sizeof *types);
    for (uint32_t i = 0; i < columns; i++)
        types[i] = VT_INT;
    plan->kind = kind;
    plan->child = child;
    plan->column_count = columns;
    plan->types = types;
    return plan;
}

static expr_ref input(uint32_t slot)
{
    expr_ref e;
    must(expr_input(&builder, slot, CLASS_INTEGER, AFFINITY_INTEGER, true, COLLATE_BINARY, &e));
    return e;
}

/* Columns 1.. of a table; filter may be NULL. */
static const struct plan *scan(uint32_t tid, uint32_t columns, expr_ref filter)
{
    struct plan *plan = new_plan(PLAN_SCAN, NULL, columns);
    uint32_t *list = new (columns * sizeof *list);
    const char **names = new (columns * sizeof *names);
    expr_ref *filters = new (sizeof *filters);
    for (uint32_t i = 0; i < columns; i++) {
        list[i] = i + 1;
        names[i] = "c";
    }
    *filters = filter;
    plan->u.scan.tid = tid;
    plan->u.scan.table_name = "t";
    plan->u.scan.columns = list;
    plan->u.scan.names = names;
    plan->u.scan.filters = filters;
    plan->u.scan.filter_count = filter != NULL;
    return plan;
}

/* COUNT(*), SUM(column) */
static const struct plan *aggregate(const struct plan *child, uint32_t column)
{
    struct plan *plan = new_plan(PLAN_AGGREGATE, child, 2);
    struct aggregate *aggregates = new (2 * sizeof *aggregates);
    aggregates[0].kind = AGG_COUNT_ROWS;
    aggregates[1].kind = AGG_SUM;
    aggregates[1].arg = input(column);
    for (int i = 0; i < 2; i++)
        must(aggregate_init(&aggregates[i], &error));
    plan->u.aggregate.aggregates = aggregates;
    plan->u.aggregate.aggregate_count = 2;
    return plan;
}

static expr_ref every_other(void)
{
    expr_ref two, zero, e;
    struct value v2 = value_int(2), v0 = value_int(0);
    must(expr_constant(&builder, &v2, &two));
    must(expr_constant(&builder, &v0, &zero));
    must(expr_arithmetic(&builder, OP_MOD, input(BUILD_ID), two, &e));
    must(expr_compare(&builder, OP_EQ, e, zero, &e));
    return e;
}

static const struct plan *join(const struct bench_case *c, uint32_t s)
{
    const struct plan *build = scan(2 + s, BUILD_COLUMNS, c->half ? every_other() : NULL);
    bool semi = c->kind == JOIN_SEMI || c->kind == JOIN_ANTI;
    struct plan *plan = new_plan(PLAN_JOIN, scan(1, PROBE_COLUMNS, NULL),
                                 PROBE_COLUMNS + (semi ? 0 : BUILD_COLUMNS));
    struct join_key *key = new (sizeof *key);
    key->probe = input((c->sparse ? PROBE_SPARSE : PROBE_DENSE) + s);
    key->build = input(c->build_column);
    plan->u.join.kind = c->kind;
    plan->u.join.build = build;
    plan->u.join.keys = key;
    plan->u.join.key_count = 1;
    return aggregate(plan, semi ? s : PROBE_COLUMNS + BUILD_PAYLOAD);
}

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

static void report(const struct bench_case *c, uint64_t probe_rows)
{
    printf("%-28s", c->name);
    for (uint32_t s = 0; s < SIZES; s++) {
        int64_t rows, all;
        const struct plan *build = scan(2 + s, BUILD_COLUMNS, c->half ? every_other() : NULL);
        uint32_t column = PROBE_DENSE + s;
        int64_t joined = time_plan(join(c, s), &rows);
        int64_t scanned = time_plan(aggregate(scan(1, PROBE_COLUMNS, NULL), column), &all) +
                          time_plan(aggregate(build, BUILD_PAYLOAD), &all);
        printf("  %6.2f ns %6.1f ms", (double)(joined - scanned) / (double)probe_rows,
               (double)joined / 1e6);
        arena_reset(&arena);
    }
    printf("\n");
}

int main(int argc, char **argv)
{
    uint32_t threads = argc > 1 ? (uint32_t)atoi(argv[1]) : 1;
    uint64_t probe_rows = argc > 2 ? strtoull(argv[2], NULL, 10) : 4000000;
    mem_budget_init(&budget, NULL, 0);
    arena_init(&arena, NULL);
    must(task_pool_create(threads, &pool, &error));
    struct store_options options = {.pool = pool, .budget = &budget, .compact_deleted_percent = 25};
    must(store_create(&options, &store, &error));
    fill_table(1, PROBE_COLUMNS, probe_rows, fill_probe);
    for (uint32_t s = 0; s < SIZES; s++)
        fill_table(2 + s, BUILD_COLUMNS, sizes[s], fill_build);
    store_acquire(store, &snapshot);
    printf("%u thread(s), %llu probe rows; over the scans, a probe row; whole run\n", threads,
           (unsigned long long)probe_rows);
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        if (argc <= 3 || (size_t)atoi(argv[3]) == i)
            report(&cases[i], probe_rows);
    store_release(store, &snapshot);
    store_destroy(store);
    task_pool_destroy(pool);
    arena_deinit(&arena);
    return 0;
}
