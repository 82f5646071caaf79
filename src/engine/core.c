/* core.c -- the reference count around the engine's memory budget. */
#include "engine/core.h"

yoda_status core_create(uint64_t limit_bytes, struct core **out, yoda_error *err)
{
    struct core *core = mem_calloc(1, sizeof *core);
    if (!core)
        return fail_nomem(err, sizeof *core);
    atomic_init(&core->refs, 1);
    mem_budget_init(&core->budget, NULL, limit_bytes);
    *out = core;
    return YODA_OK;
}

struct core *core_acquire(struct core *core)
{
    uint32_t before = atomic_fetch_add_explicit(&core->refs, 1, memory_order_relaxed);
    ASSERT(before > 0);
    YODA_UNUSED(before);
    return core;
}

void core_release(struct core *core)
{
    if (!core)
        return;
    uint32_t before = atomic_fetch_sub_explicit(&core->refs, 1, memory_order_acq_rel);
    ASSERT(before > 0);
    if (before == 1)
        mem_free(core);
}
