/*
 * kernel.h -- the table of SIMD kernels: pure functions over plain arrays.
 *
 * One table per instruction set (kernel_scalar, kernel_avx2, kernel_avx512), compiled from one
 * source, kernel_tmpl.h; kernels() returns the table that cpu_isa_chosen() names. No allocation, no
 * errors, no globals. Lengths are any n up to 131,072; arrays may be read up to 64 bytes past their
 * end (buffers and arenas have that slack) but never written past it. Bitmaps have
 * BITMAP_WORDS(n) words; bits past n are written 0. Sums are assigned to their outputs, not added.
 * Every entry is tested against a naive oracle in tests/unit/kernel for every table at awkward
 * lengths, and all tables give the same bits, also for sums of doubles.
 */
#ifndef YODA_OLAP_KERNEL_H
#define YODA_OLAP_KERNEL_H

#include "base/bits.h"
#include "base/cpu.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kernels {
    enum cpu_isa isa;

    /* bits[i] = low <= codes[i] <= high (unsigned), one per code width */
    void (*range_u8)(const uint8_t *codes, size_t n, uint8_t low, uint8_t high, uint64_t *bits);
    void (*range_u16)(const uint16_t *codes, size_t n, uint16_t low, uint16_t high, uint64_t *bits);
    void (*range_u32)(const uint32_t *codes, size_t n, uint32_t low, uint32_t high, uint64_t *bits);
    void (*range_u64)(const uint64_t *codes, size_t n, uint64_t low, uint64_t high, uint64_t *bits);
    /* bits[i] = set bit of codes[i]; set has 4 words for u8, every code's word otherwise */
    void (*set_u8)(const uint8_t *codes, size_t n, const uint64_t *set, uint64_t *bits);
    void (*set_u16)(const uint16_t *codes, size_t n, const uint64_t *set, uint64_t *bits);
    void (*set_u32)(const uint32_t *codes, size_t n, const uint64_t *set, uint64_t *bits);

    /* bits[i] = a[i] op b[i]; `_c`: with a constant. The codes are enum kernel_compare. */
    void (*compare_i64)(const int64_t *a, const int64_t *b, size_t n, int op, uint64_t *bits);
    void (*compare_i64_c)(const int64_t *a, int64_t b, size_t n, int op, uint64_t *bits);
    void (*compare_f64)(const double *a, const double *b, size_t n, int op, uint64_t *bits);
    void (*compare_f64_c)(const double *a, double b, size_t n, int op, uint64_t *bits);

    /* FOR decoding: out[i] = base + codes[i] (wrapping); doubles: (base + codes[i]) / 10^scale is
     * computed as (double)(base + code) / power */
    void (*widen_u8)(const uint8_t *codes, size_t n, int64_t base, int64_t *out);
    void (*widen_u16)(const uint16_t *codes, size_t n, int64_t base, int64_t *out);
    void (*widen_u32)(const uint32_t *codes, size_t n, int64_t base, int64_t *out);
    void (*widen_u64)(const uint64_t *codes, size_t n, int64_t base, int64_t *out);
    void (*divide_i64_f64)(const int64_t *a, size_t n, double power, double *out);
    /* The other way: a[i] == (base + out[i]) / power for every row (-0.0 is 0.0)? If false, out is
     * undefined. base is whole, |base| < 2^51. */
    bool (*codes_f64)(const double *a, size_t n, double power, double base, uint32_t *out);

    /* out[i] = table[codes[i]]; false when some of them is UINT8_MAX */
    bool (*map_u8)(const uint8_t *codes, size_t n, const uint8_t table[256], uint32_t *out);

    /* Arithmetic. out may alias a or b. i64: returns false when any lane overflows (lanes of NULL
     * rows hold valid values and count), out is then undefined. f64: plain IEEE. */
    bool (*add_i64)(const int64_t *a, const int64_t *b, size_t n, int64_t *out);
    bool (*sub_i64)(const int64_t *a, const int64_t *b, size_t n, int64_t *out);
    bool (*mul_i64)(const int64_t *a, const int64_t *b, size_t n, int64_t *out);
    void (*add_f64)(const double *a, const double *b, size_t n, double *out);
    void (*sub_f64)(const double *a, const double *b, size_t n, double *out);
    void (*mul_f64)(const double *a, const double *b, size_t n, double *out);
    void (*div_f64)(const double *a, const double *b, size_t n, double *out);
    /* bits[i] = a[i] is NaN */
    void (*nan_f64)(const double *a, size_t n, uint64_t *bits);
    void (*convert_i64_f64)(const int64_t *a, size_t n, double *out);

    /* Aggregates over the rows whose bit is set in mask (NULL: all). */
    void (*sum_u8)(const uint8_t *codes, size_t n, const uint64_t *mask, uint64_t *sum);
    void (*sum_u16)(const uint16_t *codes, size_t n, const uint64_t *mask, uint64_t *sum);
    void (*sum_u32)(const uint32_t *codes, size_t n, const uint64_t *mask, uint64_t *sum);
    /* sums of the positive and of the negative values (128-bit safe: high words count carries) */
    void (*sum_i64)(const int64_t *a, size_t n, const uint64_t *mask, int128 *positive,
                    int128 *negative);
    /* Sum of at most VECTOR_ROWS doubles in 32 lanes then a tree: error below 72 half-ulps of the
     * sum of absolute values; *absolute gets that sum */
    void (*sum_f64)(const double *a, size_t n, const uint64_t *mask, double *sum, double *absolute);
    /* min and max; false when no row counts */
    bool (*minmax_i64)(const int64_t *a, size_t n, const uint64_t *mask, int64_t *min,
                       int64_t *max);
    bool (*minmax_f64)(const double *a, size_t n, const uint64_t *mask, double *min, double *max);

    /* Bitmap words; out may alias */
    void (*and_words)(const uint64_t *a, const uint64_t *b, size_t words, uint64_t *out);
    /* a & ~b */
    void (*andnot_words)(const uint64_t *a, const uint64_t *b, size_t words, uint64_t *out);
    void (*or_words)(const uint64_t *a, const uint64_t *b, size_t words, uint64_t *out);
    size_t (*count_words)(const uint64_t *a, size_t words);
    /* positions of the set bits among the first n (n <= 65,536); out [n] + 64 bytes of slack */
    size_t (*select_bits)(const uint64_t *bits, size_t n, uint16_t *out);

    /* out[i] = in[sel[i]] by element width */
    void (*gather_u8)(const uint8_t *in, const uint16_t *sel, size_t n, uint8_t *out);
    void (*gather_u16)(const uint16_t *in, const uint16_t *sel, size_t n, uint16_t *out);
    void (*gather_u32)(const uint32_t *in, const uint16_t *sel, size_t n, uint32_t *out);
    void (*gather_u64)(const uint64_t *in, const uint16_t *sel, size_t n, uint64_t *out);
    void (*gather_bits)(const uint64_t *in, const uint16_t *sel, size_t n, uint64_t *out);

    /* Position of the first occurrence of needle in hay at or after from, or SIZE_MAX.
     * Requires needle_size > 0. */
    size_t (*find_bytes)(const char *hay, size_t size, size_t from, const char *needle,
                         size_t needle_size);
    /* The same with ASCII letters of either case; those of needle are small. */
    size_t (*find_nocase)(const char *hay, size_t size, size_t from, const char *needle,
                          size_t needle_size);
};

enum kernel_compare { KC_EQ, KC_NE, KC_LT, KC_LE, KC_GT, KC_GE };

/* The table in use; the same pointer for the life of the process. */
const struct kernels *kernels(void);
/* A given table, for tests; NULL where the machine lacks the instruction set. */
const struct kernels *kernels_of(enum cpu_isa isa);

#endif
