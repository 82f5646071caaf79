/*
 * task_pool.h -- run the morsels of a job on a few threads, the caller among them.
 *
 * A job is `count` independent calls fn(ctx, worker, index). Workers take indexes from one atomic
 * counter. `worker` is below task_pool_workers() and unique among the threads of the same job, so
 * it can index thread-local state. Several jobs may run at once from different callers; each caller
 * always works on its own job, so a job ends even when all pool threads are busy elsewhere. Small
 * jobs (count == 1) never wake a thread. A pool of 0 extra threads is fine.
 */
#ifndef YODA_BASE_TASK_POOL_H
#define YODA_BASE_TASK_POOL_H

#include "base/status.h"

struct task_pool;

/* threads: total parallelism including the caller (1 = no extra threads). */
YODA_MUST_CHECK yoda_status task_pool_create(uint32_t threads, struct task_pool **out,
                                             yoda_error *err);
void task_pool_destroy(struct task_pool *pool); /* waits for running jobs */
uint32_t task_pool_workers(const struct task_pool *pool);

/*
 * Run the job; returns when every started call has ended. The first failing call's status and error
 * win; indexes not yet started are then skipped.
 */
YODA_MUST_CHECK yoda_status task_pool_run(struct task_pool *pool, uint32_t count,
                                          yoda_status (*fn)(void *ctx, uint32_t worker,
                                                            uint32_t index, yoda_error *err),
                                          void *ctx, yoda_error *err);

#endif
