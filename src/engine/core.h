/*
 * core.h -- what results need of their engine, and no more: the memory budget, reference-counted.
 *
 * Every buffer is charged to the budget and credits it when it dies. Results and exported Arrow
 * arrays may outlive the engine, so each holds a reference to the core.
 */
#ifndef YODA_ENGINE_CORE_H
#define YODA_ENGINE_CORE_H

#include "base/mem.h"

struct core {
    _Atomic uint32_t refs;
    struct mem_budget budget;
};

YODA_MUST_CHECK yoda_status core_create(uint64_t limit_bytes, struct core **out, yoda_error *err);
struct core *core_acquire(struct core *core);
void core_release(struct core *core); /* NULL is fine. Threads: any */

#endif
