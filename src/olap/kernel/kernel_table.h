/*
 * kernel_table.h -- the tables behind kernels(): one per instruction set, each in its own file.
 */
#ifndef YODA_OLAP_KERNEL_TABLE_H
#define YODA_OLAP_KERNEL_TABLE_H

#include "olap/kernel/kernel.h"

extern const struct kernels kernel_scalar;
#if defined(__x86_64__)
extern const struct kernels kernel_avx2;
extern const struct kernels kernel_avx512;
#endif

#endif
