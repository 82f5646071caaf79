/*
 * op_meter.c -- the operator behind every node of a plan that is profiled: counts the rows that come
 * out and hands the clock over. See profile.h.
 *
 * What a breaker keeps, where it does not say so itself, is what was charged to the run's budget
 * between its start and its first rows.
 */
#include "olap/exec/profile.h"

struct meter {
    struct op op; /* must be first */
    struct op_profile *before, *behind;
    bool keeps;           /* bytes are still to be found out */
    uint64_t start_bytes; /* charged when the node began */
    _Atomic bool started; /* rows have come */
};

static bool is_breaker(const struct plan *plan)
{
    return plan->kind == PLAN_AGGREGATE || plan->kind == PLAN_DISTINCT ||
           plan->kind == PLAN_SORT || plan->kind == PLAN_WINDOW || plan->kind == PLAN_SHARED;
}

static uint64_t charged_bytes(const struct run *run)
{
    const struct mem_budget *budget = run->context->budget;
    return budget ? atomic_load_explicit(&budget->used_bytes, memory_order_relaxed) : 0;
}

static void note_bytes(struct meter *meter)
{
    uint64_t bytes = charged_bytes(meter->op.run);
    bool said = atomic_load_explicit(&meter->before->bytes, memory_order_relaxed) > 0;
    if (!atomic_exchange(&meter->started, true) && !said && bytes > meter->start_bytes)
        atomic_fetch_add_explicit(&meter->before->bytes, bytes - meter->start_bytes,
                                  memory_order_relaxed);
}

static void hand_over(struct worker *worker, struct op_profile *to)
{
    int64_t now = os_monotonic_ns();
    if (worker->timed)
        profile_add_time(worker->timed, worker->timed_since_ns, now);
    worker->timed = to;
    worker->timed_since_ns = now;
}

static yoda_status meter_push(struct op *op, struct worker *worker, const struct row_set *in,
                              yoda_error *err)
{
    struct meter *meter = (struct meter *)op;
    uint64_t rows = in->alive ? bitmap_count(in->alive, in->rows) : in->rows;
    atomic_fetch_add_explicit(&meter->before->rows, rows, memory_order_relaxed);
    if (meter->keeps)
        note_bytes(meter);
    hand_over(worker, meter->behind);
    yoda_status status = op_push(op->next, worker, in, err);
    hand_over(worker, meter->before);
    return status;
}

static yoda_status meter_absorb(struct op *op, uint32_t worker, const struct segment_facts *facts,
                                bool *taken, yoda_error *err)
{
    struct meter *meter = (struct meter *)op;
    TRY(op->next->type->absorb(op->next, worker, facts, taken, err));
    if (*taken)
        atomic_fetch_add_explicit(&meter->before->rows, facts->rows, memory_order_relaxed);
    return YODA_OK;
}

static const struct op_type meter_type = {.push = meter_push, .absorb = meter_absorb};

yoda_status profile_node(struct run *run, const struct plan *plan, const uint64_t *needed,
                         struct op *receiver,
                         yoda_status (*node)(struct run *run, const struct plan *plan,
                                             const uint64_t *needed, struct op *receiver,
                                             yoda_error *err),
                         yoda_error *err)
{
    uint32_t above = run->node;
    if (!plan->id) /* a part that a node made for itself */
        return node(run, plan, needed, receiver, err);
    struct meter *meter = run_new_op(run, sizeof *meter, &meter_type, receiver);
    if (!meter)
        return run_nomem(err, "planning");
    meter->op.takes_alive = receiver->takes_alive;
    meter->op.takes_facts = receiver->takes_facts;
    meter->op.wants_values = receiver->wants_values;
    meter->op.wanted = receiver->wanted;
    meter->before = &run->context->profile[plan->id];
    meter->behind = &run->context->profile[above];
    meter->keeps = is_breaker(plan);
    meter->start_bytes = charged_bytes(run);
    atomic_init(&meter->started, false);
    profile_charge(run);
    run->node = plan->id;
    yoda_status status = node(run, plan, needed, &meter->op, err);
    profile_charge(run);
    run->node = above;
    return status;
}
