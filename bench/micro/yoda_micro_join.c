/*
 * yoda_micro_join.c -- joins by build size: nanoseconds a probe row, without SQL.
 *
 * A table of probe rows with random keys meets build tables of 1 K, 100 K and 1.5 M rows in memory;
 * the output goes to COUNT and SUM. The same scan without a join is taken off. Prints the fastest
 * of some rounds.
 *
 *   yoda_micro_join [threads] [probe rows] [case]
 */
#include "plan_bench.h"

#include "base/hash.h"
#include "olap/column/chunk.h"

#include <stdio.h>
#include <stdlib.h>

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

static enum vtype type_of(uint32_t column)
{
    YODA_UNUSED(column);
    return VT_INT;
}

static expr_ref input(uint32_t slot)
{
    expr_ref e;
    MUST(expr_input(&plan_bench_builder, slot, CLASS_INTEGER, AFFINITY_INTEGER, true,
                    COLLATE_BINARY, &e));
    return e;
}

/* Columns 1.. of a table; filter may be NULL. */
static const struct plan *scan(uint32_t tid, uint32_t columns, expr_ref filter)
{
    struct plan *plan = plan_bench_node(PLAN_SCAN, NULL, columns, type_of);
    uint32_t *list = plan_bench_new(columns * sizeof *list);
    const char **names = plan_bench_new(columns * sizeof *names);
    expr_ref *filters = plan_bench_new(sizeof *filters);
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

static const struct plan *sum(const struct plan *child, uint32_t column)
{
    return plan_bench_aggregate(child, AGG_SUM, input(column));
}

static expr_ref every_other(void)
{
    expr_ref two, zero, e;
    struct value v2 = value_int(2), v0 = value_int(0);
    MUST(expr_constant(&plan_bench_builder, &v2, &two));
    MUST(expr_constant(&plan_bench_builder, &v0, &zero));
    MUST(expr_arithmetic(&plan_bench_builder, OP_MOD, input(BUILD_ID), two, &e));
    MUST(expr_compare(&plan_bench_builder, OP_EQ, e, zero, &e));
    return e;
}

static const struct plan *join(const struct bench_case *c, uint32_t s)
{
    const struct plan *build = scan(2 + s, BUILD_COLUMNS, c->half ? every_other() : NULL);
    bool semi = c->kind == JOIN_SEMI || c->kind == JOIN_ANTI;
    struct plan *plan = plan_bench_node(PLAN_JOIN, scan(1, PROBE_COLUMNS, NULL),
                                        PROBE_COLUMNS + (semi ? 0 : BUILD_COLUMNS), type_of);
    struct join_key *key = plan_bench_new(sizeof *key);
    key->probe = input((c->sparse ? PROBE_SPARSE : PROBE_DENSE) + s);
    key->build = input(c->build_column);
    plan->u.join.kind = c->kind;
    plan->u.join.build = build;
    plan->u.join.keys = key;
    plan->u.join.key_count = 1;
    return sum(plan, semi ? s : PROBE_COLUMNS + BUILD_PAYLOAD);
}

static void report(const struct bench_case *c, uint64_t probe_rows)
{
    printf("%-28s", c->name);
    for (uint32_t s = 0; s < SIZES; s++) {
        int64_t rows, all;
        const struct plan *build = scan(2 + s, BUILD_COLUMNS, c->half ? every_other() : NULL);
        uint32_t column = PROBE_DENSE + s;
        int64_t joined = plan_bench_time(join(c, s), &rows);
        int64_t scanned = plan_bench_time(sum(scan(1, PROBE_COLUMNS, NULL), column), &all) +
                          plan_bench_time(sum(build, BUILD_PAYLOAD), &all);
        printf("  %6.2f ns %6.1f ms", (double)(joined - scanned) / (double)probe_rows,
               (double)joined / 1e6);
        arena_reset(&plan_bench_arena);
    }
    printf("\n");
}

int main(int argc, char **argv)
{
    uint32_t threads = argc > 1 ? (uint32_t)atoi(argv[1]) : 1;
    uint64_t probe_rows = argc > 2 ? strtoull(argv[2], NULL, 10) : 4000000;
    plan_bench_open(threads);
    plan_bench_table(1, PROBE_COLUMNS + 1, probe_rows, fill_probe);
    for (uint32_t s = 0; s < SIZES; s++)
        plan_bench_table(2 + s, BUILD_COLUMNS + 1, sizes[s], fill_build);
    plan_bench_freeze();
    printf("%u thread(s), %llu probe rows; over the scans, a probe row; whole run\n", threads,
           (unsigned long long)probe_rows);
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        if (argc <= 3 || (size_t)atoi(argv[3]) == i)
            report(&cases[i], probe_rows);
    plan_bench_close();
    return 0;
}
