/*
 * profile.h -- what each node of a running plan costs: EXPLAIN YODA ANALYZE.
 *
 * Time is charged to exactly one node at any moment of a thread. A worker inside a pipeline keeps
 * whose turn it is: at first the source's node, and at each meter -- an operator that stands behind
 * every node -- the turn goes to the node behind, and back when it has returned. The caller's
 * thread does the same between pipelines, for building, sorting, combining.
 *
 * Without a profile there are no meters, and each of the functions below costs one test.
 */
#ifndef YODA_OLAP_PROFILE_H
#define YODA_OLAP_PROFILE_H

#include "base/os.h"
#include "olap/exec/pipeline.h"

static inline void profile_add_time(struct op_profile *profile, int64_t from_ns, int64_t to_ns)
{
    atomic_fetch_add_explicit(&profile->time_ns, (uint64_t)(to_ns - from_ns),
                              memory_order_relaxed);
}

/* The caller's thread: charge what passed since the last call to the node whose turn it is. */
static inline void profile_charge(struct run *run)
{
    if (!run->context->profile)
        return;
    int64_t now = os_monotonic_ns();
    profile_add_time(&run->context->profile[run->node], run->timed_since_ns, now);
    run->timed_since_ns = now;
}
/* The caller's thread: what passed since the last call is charged elsewhere. */
static inline void profile_skip(struct run *run)
{
    if (run->context->profile)
        run->timed_since_ns = os_monotonic_ns();
}

/* A worker begins and ends a morsel. */
static inline void profile_morsel_begin(struct worker *worker)
{
    const struct run *run = worker->pipeline->run;
    if (!run->context->profile)
        return;
    worker->timed = &run->context->profile[run->node];
    worker->timed_since_ns = os_monotonic_ns();
}
static inline void profile_morsel_end(struct worker *worker)
{
    if (worker->timed)
        profile_add_time(worker->timed, worker->timed_since_ns, os_monotonic_ns());
    worker->timed = NULL;
}

/* A node keeps so many bytes more. */
static inline void profile_add_bytes(const struct run *run, const struct plan *plan,
                                     uint64_t bytes)
{
    struct op_profile *profile = run->context->profile;
    if (profile && plan->id)
        atomic_fetch_add_explicit(&profile[plan->id].bytes, bytes, memory_order_relaxed);
}

/* Run a plan node (plan_run.c's function) with a meter behind it. */
YODA_MUST_CHECK yoda_status profile_node(struct run *run, const struct plan *plan,
                                         const uint64_t *needed, struct op *receiver,
                                         yoda_status (*node)(struct run *run,
                                                             const struct plan *plan,
                                                             const uint64_t *needed,
                                                             struct op *receiver, yoda_error *err),
                                         yoda_error *err);

#endif
