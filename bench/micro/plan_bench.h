/*
 * plan_bench.h -- what the micro benches of plans share: tables in memory, plans by hand, timing.
 *
 * One process measures one thing, so there is one set of everything; what fails ends it.
 */
#ifndef YODA_BENCH_PLAN_BENCH_H
#define YODA_BENCH_PLAN_BENCH_H

#include "base/task_pool.h"
#include "olap/exec/plan.h"

extern struct arena plan_bench_arena; /* of plans: reset it after each */
extern struct expr_builder plan_bench_builder;

/* Print the error and exit unless the status is OK. */
void plan_bench_must(yoda_status status);
#define MUST(call) plan_bench_must(call)

void plan_bench_open(uint32_t threads);
void plan_bench_close(void);
/* Make a table of [columns] columns, column 0 its key, and `rows` rows; fill sets all but the key.
 */
void plan_bench_table(uint32_t tid, uint32_t columns, uint64_t rows,
                      void (*fill)(uint64_t i, struct value *row));
/* The tables are complete: plans see them from now on. */
void plan_bench_freeze(void);

void *plan_bench_new(size_t size); /* zeroed, in the arena */
struct plan *plan_bench_node(enum plan_kind kind, const struct plan *child, uint32_t columns,
                             enum vtype (*type_of)(uint32_t column));
/* COUNT(*) and aggregate(column) of a child. */
const struct plan *plan_bench_aggregate(const struct plan *child, enum aggregate_kind kind,
                                        expr_ref arg);
/* Fastest of some runs, in ns: of CPU where one thread does it all, since what else the machine
 * does matters less there. *count: what COUNT(*) gave. */
int64_t plan_bench_time(const struct plan *plan, int64_t *count);

#endif
