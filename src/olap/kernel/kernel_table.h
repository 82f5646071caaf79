/*
 * kernel_table.h -- the tables behind kernels(): one per instruction set, each in its own file; and
 * what these files share.
 */
#ifndef YODA_OLAP_KERNEL_TABLE_H
#define YODA_OLAP_KERNEL_TABLE_H

#include "olap/kernel/kernel.h"

extern const struct kernels kernel_scalar;
#if defined(__x86_64__)
extern const struct kernels kernel_avx2;
extern const struct kernels kernel_avx512;
#endif

/* A byte of a needle: x is it where (x | ignored) == byte. */
struct kernel_letter {
    uint8_t byte, ignored;
};
static inline struct kernel_letter kernel_letter(uint8_t byte, bool nocase)
{
    bool letter = byte >= 'a' && byte <= 'z';
    return (struct kernel_letter){byte, nocase && letter ? 0x20 : 0};
}

#endif
