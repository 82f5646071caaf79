/*
 * cpu.c -- reading cpuid.
 *
 * A set counts only if the operating system saves its registers (xgetbv) and every instruction that
 * the kernels of that set are compiled for is there; the lists follow the x86-64 psABI levels.
 */
#include "base/cpu.h"

#include "base/str.h"

#include <stdatomic.h>
#include <stdlib.h>

#if defined(__x86_64__)
#include <cpuid.h>

#define BIT(n) (1u << (n))

/* SSE3, SSSE3, FMA, CX16, SSE4.1, SSE4.2, MOVBE, POPCNT, OSXSAVE, AVX, F16C */
#define LEAF1_ECX_V3                                                                               \
    (BIT(0) | BIT(9) | BIT(12) | BIT(13) | BIT(19) | BIT(20) | BIT(22) | BIT(23) | BIT(27) |       \
     BIT(28) | BIT(29))
#define LEAF7_EBX_V3 (BIT(3) | BIT(5) | BIT(8)) /* BMI1, AVX2, BMI2 */
#define EXTENDED_ECX_V3 BIT(5)                  /* LZCNT */
/* AVX512 F, DQ, CD, BW, VL; then VBMI, VBMI2, VPOPCNTDQ */
#define LEAF7_EBX_V4 (BIT(16) | BIT(17) | BIT(28) | BIT(30) | BIT(31))
#define LEAF7_ECX_AVX512 (BIT(1) | BIT(6) | BIT(14))
#define XCR0_AVX 0x06u    /* SSE and AVX state         */
#define XCR0_AVX512 0xe6u /* and masks, upper halves   */

static bool has(unsigned word, unsigned bits)
{
    return (word & bits) == bits;
}

static unsigned xcr0_low(void)
{
    unsigned low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

enum cpu_isa cpu_isa_detect(void)
{
    unsigned a, b, c, d, leaf7_b, leaf7_c;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !has(c, LEAF1_ECX_V3))
        return CPU_SCALAR;
    if (!__get_cpuid(0x80000001u, &a, &b, &c, &d) || !has(c, EXTENDED_ECX_V3))
        return CPU_SCALAR;
    if (!__get_cpuid_count(7, 0, &a, &leaf7_b, &leaf7_c, &d) || !has(leaf7_b, LEAF7_EBX_V3))
        return CPU_SCALAR;
    unsigned xcr0 = xcr0_low();
    if (!has(xcr0, XCR0_AVX))
        return CPU_SCALAR;
    bool avx512 = has(leaf7_b, LEAF7_EBX_V4) && has(leaf7_c, LEAF7_ECX_AVX512);
    return avx512 && has(xcr0, XCR0_AVX512) ? CPU_AVX512 : CPU_AVX2;
}
#else
enum cpu_isa cpu_isa_detect(void)
{
    return CPU_SCALAR;
}
#endif

static enum cpu_isa choose(void)
{
    enum cpu_isa best = cpu_isa_detect();
    const char *wanted = getenv("YODA_ISA");
    if (!wanted)
        return best;
    for (int isa = CPU_SCALAR; isa <= (int)best; isa++)
        if (name_equal(wanted, cpu_isa_name((enum cpu_isa)isa)))
            return (enum cpu_isa)isa;
    return best;
}

enum cpu_isa cpu_isa_chosen(void)
{
    static _Atomic int chosen = -1; /* two threads may both fill it, with the same answer */
    int isa = atomic_load_explicit(&chosen, memory_order_relaxed);
    if (isa < 0) {
        isa = (int)choose();
        atomic_store_explicit(&chosen, isa, memory_order_relaxed);
    }
    return (enum cpu_isa)isa;
}

const char *cpu_isa_name(enum cpu_isa isa)
{
    switch (isa) {
    case CPU_AVX512:
        return "avx512";
    case CPU_AVX2:
        return "avx2";
    case CPU_SCALAR:
        break;
    }
    return "scalar";
}
