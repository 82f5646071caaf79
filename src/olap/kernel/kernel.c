/*
 * kernel.c -- which table of kernels this process uses.
 */
#include "olap/kernel/kernel_table.h"

#include <stdatomic.h>

const struct kernels *kernels_of(enum cpu_isa isa)
{
    if (isa > cpu_isa_detect())
        return NULL;
#if defined(__x86_64__)
    if (isa == CPU_AVX512)
        return &kernel_avx512;
    if (isa == CPU_AVX2)
        return &kernel_avx2;
#endif
    return isa == CPU_SCALAR ? &kernel_scalar : NULL;
}

const struct kernels *kernels(void)
{
    static _Atomic(const struct kernels *) chosen;
    const struct kernels *table = atomic_load_explicit(&chosen, memory_order_relaxed);
    if (!table) {
        table = kernels_of(cpu_isa_chosen());
        if (!table)
            table = &kernel_scalar;
        atomic_store_explicit(&chosen, table, memory_order_relaxed);
    }
    return table;
}
