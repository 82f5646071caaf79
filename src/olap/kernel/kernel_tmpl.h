/*
 * kernel_tmpl.h -- every kernel, written once over a small vocabulary.
 *
 * The including file (kernel_scalar.c, kernel_avx2.c, kernel_avx512.c) defines
 *
 *   KERNEL_TABLE, KERNEL_ISA   name and instruction set of the table made here
 *   KERNEL_LANES               doubles in a native vector: 2, 4 or 8
 *   range64_<T>(p, low, span)  one word: bit i = p[i] - low <= span, for 64 codes
 *   set64_<T>(p, set)          one word: bit i = set bit of p[i]
 *   compare64_<T>(a, b, c, op) one word: a[i] op b[i], or a[i] op b[0] when c
 *   nan64(a)                   one word: a[i] is NaN
 *   struct/vector VSUM, vsum_zero, vsum_add_<T>(s, p, word), vsum_total    masked sums of 64 codes
 *   match64(p, first, q, last) one word: (p[i] | first.ignored) == first.byte, q and last the same
 *   select_bits                positions of set bits, whole
 *
 * Masks, table lookups and compaction need intrinsics because no compiler finds them; elementwise
 * arithmetic is left to the vectoriser and reductions use the compilers' generic vectors. The last
 * partial block is copied into a padded one, so nothing is ever read past its end. Reductions of
 * doubles run in the same lanes on every instruction set: the same bits come out.
 */
#include "olap/kernel/kernel_table.h"

#include <math.h>
#include <string.h>

#define KERNEL_CAT_(a, b) a##_##b
#define KERNEL_CAT(a, b) KERNEL_CAT_(a, b)
#define FN(name) KERNEL_CAT(name, TN)

/* The first n bits, 0 < n < 64. */
static inline uint64_t tail_word(size_t n)
{
    return (UINT64_C(1) << n) - 1;
}

static inline uint64_t mask_word(const uint64_t *mask, size_t w)
{
    return mask ? mask[w] : ~UINT64_C(0);
}

#define KERNEL_SMALL_CODES
#define T uint8_t
#define TN u8
#include "olap/kernel/kernel_codes_tmpl.h"
#define T uint16_t
#define TN u16
#include "olap/kernel/kernel_codes_tmpl.h"
#define T uint32_t
#define TN u32
#include "olap/kernel/kernel_codes_tmpl.h"
#undef KERNEL_SMALL_CODES
#define T uint64_t
#define TN u64
#include "olap/kernel/kernel_codes_tmpl.h"

#define T int64_t
#define TN i64
#include "olap/kernel/kernel_compare_tmpl.h"
#define T double
#define TN f64
#include "olap/kernel/kernel_compare_tmpl.h"

static void nan_f64(const double *a, size_t n, uint64_t *bits)
{
    size_t full = n / 64;
    for (size_t w = 0; w < full; w++)
        bits[w] = nan64(a + w * 64);
    if (n % 64) {
        double block[64] = {0};
        memcpy(block, a + full * 64, n % 64 * sizeof *a);
        bits[full] = nan64(block);
    }
}

/* ---- Arithmetic ---------------------------------------------------------------------------- */

static void divide_i64_f64(const int64_t *a, size_t n, double power, double *out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (double)a[i] / power;
}

static void convert_i64_f64(const int64_t *a, size_t n, double *out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (double)a[i];
}

static bool add_i64(const int64_t *a, const int64_t *b, size_t n, int64_t *out)
{
    uint64_t overflow = 0; /* top bit: both operands' signs differ from the result's */
    for (size_t i = 0; i < n; i++) {
        uint64_t x = (uint64_t)a[i], y = (uint64_t)b[i], r = x + y;
        overflow |= (x ^ r) & (y ^ r);
        out[i] = (int64_t)r;
    }
    return !(overflow >> 63);
}

static bool sub_i64(const int64_t *a, const int64_t *b, size_t n, int64_t *out)
{
    uint64_t overflow = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t x = (uint64_t)a[i], y = (uint64_t)b[i], r = x - y;
        overflow |= (x ^ y) & (x ^ r);
        out[i] = (int64_t)r;
    }
    return !(overflow >> 63);
}

/* Bits that the magnitudes of [n] values need: every value is in [-2^bits, 2^bits). */
static unsigned magnitude_bits(const int64_t *a, size_t n)
{
    uint64_t any = 0;
    for (size_t i = 0; i < n; i++)
        any |= (uint64_t)(a[i] ^ (a[i] >> 63));
    return any ? 64 - (unsigned)__builtin_clzll(any) : 0;
}

/* Blocks whose widths prove that no product overflows run unchecked: nearly all. */
static bool mul_i64(const int64_t *a, const int64_t *b, size_t n, int64_t *out)
{
    enum { BLOCK = 512 };
    bool overflow = false;
    for (size_t at = 0; at < n && !overflow; at += BLOCK) {
        size_t m = n - at < BLOCK ? n - at : BLOCK;
        const int64_t *x = a + at, *y = b + at;
        int64_t *r = out + at;
        if (magnitude_bits(x, m) + magnitude_bits(y, m) <= 62)
            for (size_t i = 0; i < m; i++)
                r[i] = (int64_t)((uint64_t)x[i] * (uint64_t)y[i]);
        else
            /* gcc 12 reads x[i] again after storing an aliased r[i] */
            for (size_t i = 0; i < m; i++) {
                int64_t left = x[i], right = y[i], product;
                overflow |= __builtin_mul_overflow(left, right, &product);
                r[i] = product;
            }
    }
    return !overflow;
}

static void add_f64(const double *a, const double *b, size_t n, double *out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = a[i] + b[i];
}

static void sub_f64(const double *a, const double *b, size_t n, double *out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = a[i] - b[i];
}

static void mul_f64(const double *a, const double *b, size_t n, double *out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = a[i] * b[i];
}

static void div_f64(const double *a, const double *b, size_t n, double *out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = a[i] / b[i];
}

/* Blocks: the first that does not fit ends it. */
static bool codes_f64(const double *a, size_t n, double power, double base, uint32_t *out)
{
    enum { BLOCK = 256 };
    const double round = 0x1.8p52, low_bits = 0x1p52; /* adding them: whole numbers in low bits */
    for (size_t at = 0; at < n; at += BLOCK) {
        size_t m = n - at < BLOCK ? n - at : BLOCK;
        uint64_t misfit = 0;
        for (size_t i = 0; i < m; i++) {
            double x = a[at + i], whole = x * power + round - round, code = whole - base;
            double shifted = code + low_bits;
            uint64_t bits;
            memcpy(&bits, &shifted, sizeof bits);
            misfit |= (uint64_t)!(whole / power == x) | (uint64_t)!(code >= 0) |
                      (uint64_t)!(code <= UINT32_MAX);
            out[at + i] = (uint32_t)bits;
        }
        if (misfit)
            return false;
    }
    return true;
}

/* ---- Reductions over generic vectors ------------------------------------------------------- */

typedef double vf64 __attribute__((vector_size(8 * KERNEL_LANES)));
typedef int64_t vi64 __attribute__((vector_size(8 * KERNEL_LANES)));

static ALWAYS_INLINE vf64 load_f64(const double *p)
{
    vf64 v;
    memcpy(&v, p, sizeof v);
    return v;
}

static ALWAYS_INLINE vi64 load_i64(const int64_t *p)
{
    vi64 v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* All ones in the lanes whose bit is set. */
static ALWAYS_INLINE vi64 lane_mask(uint32_t bits)
{
#if KERNEL_LANES == 8
    const vi64 lane = {1, 2, 4, 8, 16, 32, 64, 128};
#elif KERNEL_LANES == 4
    const vi64 lane = {1, 2, 4, 8};
#else
    const vi64 lane = {1, 2};
#endif
    return (vi64)((((vi64){0} + (int64_t)bits) & lane) != 0);
}

/* One block of 32: lane i of the block goes to lane i of the accumulators. */
static ALWAYS_INLINE void sum_block(const double *a, uint32_t mask, vf64 *sum, vf64 *absolute)
{
    const vi64 magnitude = (vi64){0} + INT64_MAX;
    for (int k = 0; k < 32 / KERNEL_LANES; k++) {
        vi64 v = (vi64)load_f64(a + k * KERNEL_LANES);
        if (mask != UINT32_MAX)
            v &= lane_mask(mask >> (k * KERNEL_LANES));
        sum[k] += (vf64)v;
        absolute[k] += (vf64)(v & magnitude);
    }
}

static double sum_lanes(const vf64 *lanes)
{
    double x[32];
    memcpy(x, lanes, sizeof x);
    for (int half = 16; half; half /= 2)
        for (int i = 0; i < half; i++)
            x[i] += x[i + half];
    return x[0];
}

/* 64 additions a lane (the first is exact) and 5 in the tree: 68 roundings at most, below 72. */
static void sum_f64(const double *a, size_t n, const uint64_t *mask, double *sum, double *absolute)
{
    vf64 s[32 / KERNEL_LANES] = {0}, t[32 / KERNEL_LANES] = {0};
    size_t i = 0;
    for (; i + 32 <= n; i += 32) {
        uint32_t word = (uint32_t)(mask_word(mask, i / 64) >> (i % 64));
        if (word == UINT32_MAX)
            sum_block(a + i, UINT32_MAX, s, t);
        else if (word)
            sum_block(a + i, word, s, t);
    }
    if (i < n) {
        double block[32] = {0};
        memcpy(block, a + i, (n - i) * sizeof *a);
        sum_block(block, (uint32_t)(mask_word(mask, i / 64) >> (i % 64)), s, t);
    }
    *sum = sum_lanes(s);
    *absolute = sum_lanes(t);
}

/* Accumulators of sum_i64: halves of 32 bits, so that 131,072 values cannot overflow a lane. */
struct sum_i64_state {
    vi64 positive_low, positive_high, negative_low, negative_high;
};

static ALWAYS_INLINE void sum_i64_block(const int64_t *a, uint32_t mask, struct sum_i64_state *s)
{
    const vi64 low = (vi64){0} + UINT32_MAX;
    for (int k = 0; k < 8 / KERNEL_LANES; k++) {
        vi64 v = load_i64(a + k * KERNEL_LANES);
        if (mask != 0xff)
            v &= lane_mask(mask >> (k * KERNEL_LANES));
        vi64 sign = (vi64)(v < 0);
        vi64 negative = v & sign, positive = v & ~sign;
        s->positive_low += positive & low;
        s->positive_high += positive >> 32;
        s->negative_low += negative & low;
        s->negative_high += negative >> 32;
    }
}

static int128 sum_halves(vi64 low, vi64 high)
{
    int128 total = 0;
    for (int i = 0; i < KERNEL_LANES; i++)
        total += (int128)high[i] * ((int128)1 << 32) + low[i];
    return total;
}

static void sum_i64(const int64_t *a, size_t n, const uint64_t *mask, int128 *positive,
                    int128 *negative)
{
    struct sum_i64_state s = {{0}, {0}, {0}, {0}};
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        uint32_t word = (mask_word(mask, i / 64) >> (i % 64)) & 0xff;
        if (word == 0xff)
            sum_i64_block(a + i, 0xff, &s);
        else if (word)
            sum_i64_block(a + i, word, &s);
    }
    if (i < n) {
        int64_t block[8] = {0};
        memcpy(block, a + i, (n - i) * sizeof *a);
        sum_i64_block(block, (mask_word(mask, i / 64) >> (i % 64)) & 0xff, &s);
    }
    *positive = sum_halves(s.positive_low, s.positive_high);
    *negative = sum_halves(s.negative_low, s.negative_high);
}

#define T int64_t
#define TN i64
#define V vi64
#define T_MIN INT64_MIN
#define T_MAX INT64_MAX
#include "olap/kernel/kernel_minmax_tmpl.h"
#define T double
#define TN f64
#define V vf64
#define T_MIN (-INFINITY)
#define T_MAX INFINITY
#include "olap/kernel/kernel_minmax_tmpl.h"

/* ---- Bitmaps ------------------------------------------------------------------------------- */

static void and_words(const uint64_t *a, const uint64_t *b, size_t words, uint64_t *out)
{
    for (size_t i = 0; i < words; i++)
        out[i] = a[i] & b[i];
}

static void andnot_words(const uint64_t *a, const uint64_t *b, size_t words, uint64_t *out)
{
    for (size_t i = 0; i < words; i++)
        out[i] = a[i] & ~b[i];
}

static void or_words(const uint64_t *a, const uint64_t *b, size_t words, uint64_t *out)
{
    for (size_t i = 0; i < words; i++)
        out[i] = a[i] | b[i];
}

static size_t count_words(const uint64_t *a, size_t words)
{
    size_t n = 0;
    for (size_t i = 0; i < words; i++)
        n += bits_count(a[i]);
    return n;
}

static void gather_bits(const uint64_t *in, const uint16_t *sel, size_t n, uint64_t *out)
{
    for (size_t at = 0; at < n; at += 64) {
        size_t m = n - at < 64 ? n - at : 64;
        uint64_t word = 0;
        for (size_t i = 0; i < m; i++)
            word |= (uint64_t)bit_get(in, sel[at + i]) << i;
        out[at / 64] = word;
    }
}

/* ---- Text search --------------------------------------------------------------------------- */

/* Does all of the needle stand at h? */
static inline bool needle_at(const uint8_t *h, const uint8_t *d, size_t size, bool nocase)
{
    if (!nocase)
        return memcmp(h, d, size) == 0;
    for (size_t i = 0; i < size; i++) {
        struct kernel_letter letter = kernel_letter(d[i], nocase);
        if ((h[i] | letter.ignored) != letter.byte)
            return false;
    }
    return true;
}

/*
 * Candidates by first and last byte, 64 positions a step; the rest of the needle decides. A last
 * step of fewer positions is copied out, since the bytes behind them may not be there.
 */
static inline size_t find_needle(const char *hay, size_t size, size_t from, const char *needle,
                                 size_t needle_size, bool nocase)
{
    if (needle_size > size || from > size - needle_size)
        return SIZE_MAX;
    const uint8_t *h = (const uint8_t *)hay, *d = (const uint8_t *)needle;
    size_t last = needle_size - 1, end = size - last; /* end: past the last position */
    struct kernel_letter a = kernel_letter(d[0], nocase), b = kernel_letter(d[last], nocase);
    for (size_t at = from; at < end; at += 64) {
        uint64_t hits;
        if (end - at >= 64) {
            hits = match64(h + at, a, h + at + last, b);
        } else {
            uint8_t p[64] = {0}, q[64] = {0};
            memcpy(p, h + at, end - at);
            memcpy(q, h + at + last, end - at);
            hits = match64(p, a, q, b) & tail_word(end - at);
        }
        for (; hits; hits &= hits - 1) {
            size_t position = at + bits_lowest(hits);
            if (needle_at(h + position, d, needle_size, nocase))
                return position;
        }
    }
    return SIZE_MAX;
}

static size_t find_bytes(const char *hay, size_t size, size_t from, const char *needle,
                         size_t needle_size)
{
    return find_needle(hay, size, from, needle, needle_size, false);
}

static size_t find_nocase(const char *hay, size_t size, size_t from, const char *needle,
                          size_t needle_size)
{
    return find_needle(hay, size, from, needle, needle_size, true);
}

static bool map_u8(const uint8_t *codes, size_t n, const uint8_t table[256], uint32_t *out)
{
    const struct kernel_bytes map = load_bytes(table);
    bool known = true;
    size_t i = 0;
    for (; i + 64 <= n; i += 64)
        known &= map64_u8(codes + i, &map, out + i);
    for (; i < n; i++) {
        out[i] = table[codes[i]];
        known &= out[i] != UINT8_MAX;
    }
    return known;
}

#define WIDTHS(name) .name##_u8 = name##_u8, .name##_u16 = name##_u16, .name##_u32 = name##_u32
#define ENTRY(name) .name = name
const struct kernels KERNEL_TABLE = {
    .isa = KERNEL_ISA,
    WIDTHS(range),          ENTRY(range_u64),   WIDTHS(set),            ENTRY(compare_i64),
    ENTRY(compare_i64_c),   ENTRY(compare_f64), ENTRY(compare_f64_c),   WIDTHS(widen),
    ENTRY(widen_u64),       ENTRY(add_i64),     ENTRY(sub_i64),         ENTRY(mul_i64),
    ENTRY(divide_i64_f64),  ENTRY(add_f64),     ENTRY(sub_f64),         ENTRY(mul_f64),
    ENTRY(div_f64),         ENTRY(nan_f64),     ENTRY(convert_i64_f64), WIDTHS(sum),
    ENTRY(sum_i64),         ENTRY(sum_f64),     ENTRY(minmax_i64),      ENTRY(minmax_f64),
    ENTRY(and_words),       ENTRY(or_words),    ENTRY(andnot_words),    ENTRY(count_words),
    ENTRY(select_bits),     WIDTHS(gather),     ENTRY(gather_u64),      ENTRY(gather_bits),
    ENTRY(find_bytes),      ENTRY(find_nocase), ENTRY(map_u8),
    ENTRY(codes_f64),
};
