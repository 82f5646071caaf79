/*
 * kernel_scalar.c -- the kernels in portable C, for every machine and as a second opinion in tests.
 *
 * Comparisons go through a byte per row, which compilers vectorise, then eight bytes at a time are
 * packed into bits by a multiplication.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "olap/kernel/kernel_table.h"

#define KERNEL_TABLE kernel_scalar
#define KERNEL_ISA CPU_SCALAR
#define KERNEL_LANES 2
#define ALWAYS_INLINE inline __attribute__((always_inline))

/* Bit i = bytes[i], each 0 or 1. */
static inline uint64_t pack64(const uint8_t bytes[64])
{
    uint64_t word = 0;
    for (int k = 0; k < 8; k++) {
        uint64_t eight;
        memcpy(&eight, bytes + 8 * k, 8);
        word |= (eight * UINT64_C(0x0102040810204080) >> 56) << (8 * k);
    }
    return word;
}

/* A table of 256 bytes; map64_u8: false when some byte found is 255. */
struct kernel_bytes {
    const uint8_t *at;
};

static inline struct kernel_bytes load_bytes(const uint8_t table[256])
{
    return (struct kernel_bytes){table};
}

static inline bool map64_u8(const uint8_t *p, const struct kernel_bytes *map, uint32_t *out)
{
    uint32_t most = 0;
    for (int i = 0; i < 64; i++) {
        out[i] = map->at[p[i]];
        most = out[i] > most ? out[i] : most;
    }
    return most != UINT8_MAX;
}

static inline uint64_t range64_u8(const uint8_t *p, uint8_t low, uint8_t span)
{
    uint8_t m[64];
    for (int i = 0; i < 64; i++)
        m[i] = (uint8_t)(p[i] - low) <= span;
    return pack64(m);
}

static inline uint64_t range64_u16(const uint16_t *p, uint16_t low, uint16_t span)
{
    uint8_t m[64];
    for (int i = 0; i < 64; i++)
        m[i] = (uint16_t)(p[i] - low) <= span;
    return pack64(m);
}

static inline uint64_t range64_u32(const uint32_t *p, uint32_t low, uint32_t span)
{
    uint8_t m[64];
    for (int i = 0; i < 64; i++)
        m[i] = p[i] - low <= span;
    return pack64(m);
}

static inline uint64_t range64_u64(const uint64_t *p, uint64_t low, uint64_t span)
{
    uint8_t m[64];
    for (int i = 0; i < 64; i++)
        m[i] = p[i] - low <= span;
    return pack64(m);
}

static inline uint64_t set64_u8(const uint8_t *p, const uint64_t *set)
{
    uint64_t word = 0;
    for (int i = 0; i < 64; i++)
        word |= (uint64_t)bit_get(set, p[i]) << i;
    return word;
}

static inline uint64_t set64_u16(const uint16_t *p, const uint64_t *set)
{
    uint64_t word = 0;
    for (int i = 0; i < 64; i++)
        word |= (uint64_t)bit_get(set, p[i]) << i;
    return word;
}

static inline uint64_t set64_u32(const uint32_t *p, const uint64_t *set)
{
    uint64_t word = 0;
    for (int i = 0; i < 64; i++)
        word |= (uint64_t)bit_get(set, p[i]) << i;
    return word;
}

static ALWAYS_INLINE uint64_t compare64_i64(const int64_t *a, const int64_t *b, bool constant,
                                            int op)
{
    uint8_t m[64];
    for (int i = 0; i < 64; i++) {
        int64_t x = a[i], y = constant ? *b : b[i];
        m[i] = op == KC_EQ   ? x == y
               : op == KC_NE ? x != y
               : op == KC_LT ? x < y
               : op == KC_LE ? x <= y
               : op == KC_GT ? x > y
                             : x >= y;
    }
    return pack64(m);
}

static ALWAYS_INLINE uint64_t compare64_f64(const double *a, const double *b, bool constant, int op)
{
    uint8_t m[64];
    for (int i = 0; i < 64; i++) {
        double x = a[i], y = constant ? *b : b[i];
        m[i] = op == KC_EQ   ? x == y
               : op == KC_NE ? x != y
               : op == KC_LT ? x < y
               : op == KC_LE ? x <= y
               : op == KC_GT ? x > y
                             : x >= y;
    }
    return pack64(m);
}

static inline uint64_t nan64(const double *a)
{
    uint8_t m[64];
    for (int i = 0; i < 64; i++)
        m[i] = a[i] != a[i];
    return pack64(m);
}

#define VSUM uint64_t

static inline uint64_t vsum_zero(void)
{
    return 0;
}

static inline uint64_t vsum_add_u8(uint64_t sum, const uint8_t *p, uint64_t word)
{
    for (int i = 0; i < 64; i++)
        sum += p[i] * (word >> i & 1);
    return sum;
}

static inline uint64_t vsum_add_u16(uint64_t sum, const uint16_t *p, uint64_t word)
{
    for (int i = 0; i < 64; i++)
        sum += p[i] * (word >> i & 1);
    return sum;
}

static inline uint64_t vsum_add_u32(uint64_t sum, const uint32_t *p, uint64_t word)
{
    for (int i = 0; i < 64; i++)
        sum += p[i] * (word >> i & 1);
    return sum;
}

static inline uint64_t vsum_total(uint64_t sum)
{
    return sum;
}

static inline uint64_t match64(const uint8_t *p, struct kernel_letter first, const uint8_t *q,
                               struct kernel_letter last)
{
    uint8_t m[64];
    for (int i = 0; i < 64; i++)
        m[i] = (uint8_t)(((p[i] | first.ignored) == first.byte) &
                         ((q[i] | last.ignored) == last.byte));
    return pack64(m);
}

static size_t select_bits(const uint64_t *bits, size_t n, uint16_t *out)
{
    size_t k = 0;
    for (size_t w = 0; w < BITMAP_WORDS(n); w++) {
        uint64_t word = bits[w];
        if (w == n / 64)
            word &= (UINT64_C(1) << (n % 64)) - 1;
        for (; word; word &= word - 1)
            out[k++] = (uint16_t)(w * 64 + bits_lowest(word));
    }
    return k;
}

#include "olap/kernel/kernel_tmpl.h"
