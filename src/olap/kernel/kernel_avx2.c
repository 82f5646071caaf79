/*
 * kernel_avx2.c -- the kernels for x86-64-v3.
 *
 * Unsigned "x <= span" is min(x, span) == x. A comparison's lanes become bits by movemask. Set bits
 * become positions by pext over a register of eight byte indexes, stored whole.
 */
#if defined(__x86_64__)

#include <immintrin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "olap/kernel/kernel_table.h"

#define KERNEL_TABLE kernel_avx2
#define KERNEL_ISA CPU_AVX2
#define KERNEL_LANES 4
#define ALWAYS_INLINE inline __attribute__((always_inline))

static inline __m256i load(const void *p)
{
    return _mm256_loadu_si256((const __m256i *)p);
}

static inline uint64_t bytes_mask(__m256i low, __m256i high)
{
    return (uint32_t)_mm256_movemask_epi8(low) |
           (uint64_t)(uint32_t)_mm256_movemask_epi8(high) << 32;
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
    __m256i l = _mm256_set1_epi8((char)low), s = _mm256_set1_epi8((char)span);
    __m256i x = _mm256_sub_epi8(load(p), l), y = _mm256_sub_epi8(load(p + 32), l);
    return bytes_mask(_mm256_cmpeq_epi8(_mm256_min_epu8(x, s), x),
                      _mm256_cmpeq_epi8(_mm256_min_epu8(y, s), y));
}

static inline __m256i range16_u16(const uint16_t *p, __m256i low, __m256i span)
{
    __m256i x = _mm256_sub_epi16(load(p), low);
    return _mm256_cmpeq_epi16(_mm256_min_epu16(x, span), x);
}

/* packs works within 128-bit halves; the permutation puts the quarters back in order. */
static inline __m256i pack_u16(__m256i a, __m256i b)
{
    return _mm256_permute4x64_epi64(_mm256_packs_epi16(a, b), 0xd8);
}

static inline uint64_t range64_u16(const uint16_t *p, uint16_t low, uint16_t span)
{
    __m256i l = _mm256_set1_epi16((short)low), s = _mm256_set1_epi16((short)span);
    return bytes_mask(pack_u16(range16_u16(p, l, s), range16_u16(p + 16, l, s)),
                      pack_u16(range16_u16(p + 32, l, s), range16_u16(p + 48, l, s)));
}

static inline uint64_t range64_u32(const uint32_t *p, uint32_t low, uint32_t span)
{
    __m256i l = _mm256_set1_epi32((int)low), s = _mm256_set1_epi32((int)span);
    uint64_t word = 0;
    for (int k = 0; k < 8; k++) {
        __m256i x = _mm256_sub_epi32(load(p + 8 * k), l);
        __m256i hit = _mm256_cmpeq_epi32(_mm256_min_epu32(x, s), x);
        word |= (uint64_t)(uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(hit)) << (8 * k);
    }
    return word;
}

static inline uint64_t range64_u64(const uint64_t *p, uint64_t low, uint64_t span)
{
    const __m256i sign = _mm256_set1_epi64x(INT64_MIN);
    __m256i l = _mm256_set1_epi64x((int64_t)low);
    __m256i s = _mm256_xor_si256(_mm256_set1_epi64x((int64_t)span), sign);
    uint64_t word = 0;
    for (int k = 0; k < 16; k++) {
        __m256i x = _mm256_xor_si256(_mm256_sub_epi64(load(p + 4 * k), l), sign);
        __m256i miss = _mm256_cmpgt_epi64(x, s);
        word |= (uint64_t)(uint32_t)_mm256_movemask_pd(_mm256_castsi256_pd(miss)) << (4 * k);
    }
    return ~word;
}

/* Byte code >> 3 of the 32-byte set, picked from two 16-byte halves; then the bit code & 7. */
static inline __m256i set32_u8(const uint8_t *p, __m256i low, __m256i high)
{
    const __m256i bit = _mm256_set1_epi64x((long long)0x8040201008040201);
    __m256i code = load(p);
    __m256i index = _mm256_and_si256(_mm256_srli_epi16(code, 3), _mm256_set1_epi8(15));
    __m256i byte = _mm256_blendv_epi8(_mm256_shuffle_epi8(low, index),
                                      _mm256_shuffle_epi8(high, index), code);
    __m256i want = _mm256_shuffle_epi8(bit, _mm256_and_si256(code, _mm256_set1_epi8(7)));
    return _mm256_cmpeq_epi8(_mm256_and_si256(byte, want), want);
}

static inline uint64_t set64_u8(const uint8_t *p, const uint64_t *set)
{
    __m256i low = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)set));
    __m256i high = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(set + 2)));
    return bytes_mask(set32_u8(p, low, high), set32_u8(p + 32, low, high));
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
    const bool inverted = op == KC_NE || op == KC_LE || op == KC_GE;
    uint64_t word = 0;
    for (int k = 0; k < 16; k++) {
        __m256i x = load(a + 4 * k), y = constant ? _mm256_set1_epi64x(*b) : load(b + 4 * k);
        __m256i hit = op == KC_EQ || op == KC_NE   ? _mm256_cmpeq_epi64(x, y)
                      : op == KC_GT || op == KC_LE ? _mm256_cmpgt_epi64(x, y)
                                                   : _mm256_cmpgt_epi64(y, x);
        word |= (uint64_t)(uint32_t)_mm256_movemask_pd(_mm256_castsi256_pd(hit)) << (4 * k);
    }
    return inverted ? ~word : word;
}

static ALWAYS_INLINE __m256d compare_pd(__m256d x, __m256d y, int op)
{
    switch (op) {
    case KC_EQ:
        return _mm256_cmp_pd(x, y, _CMP_EQ_OQ);
    case KC_NE:
        return _mm256_cmp_pd(x, y, _CMP_NEQ_UQ);
    case KC_LT:
        return _mm256_cmp_pd(x, y, _CMP_LT_OQ);
    case KC_LE:
        return _mm256_cmp_pd(x, y, _CMP_LE_OQ);
    case KC_GT:
        return _mm256_cmp_pd(x, y, _CMP_GT_OQ);
    default:
        return _mm256_cmp_pd(x, y, _CMP_GE_OQ);
    }
}

static ALWAYS_INLINE uint64_t compare64_f64(const double *a, const double *b, bool constant, int op)
{
    uint64_t word = 0;
    for (int k = 0; k < 16; k++) {
        __m256d x = _mm256_loadu_pd(a + 4 * k);
        __m256d y = constant ? _mm256_set1_pd(*b) : _mm256_loadu_pd(b + 4 * k);
        word |= (uint64_t)(uint32_t)_mm256_movemask_pd(compare_pd(x, y, op)) << (4 * k);
    }
    return word;
}

static inline uint64_t nan64(const double *a)
{
    uint64_t word = 0;
    for (int k = 0; k < 16; k++) {
        __m256d x = _mm256_loadu_pd(a + 4 * k);
        __m256d hit = _mm256_cmp_pd(x, x, _CMP_UNORD_Q);
        word |= (uint64_t)(uint32_t)_mm256_movemask_pd(hit) << (4 * k);
    }
    return word;
}

#define VSUM __m256i

static inline __m256i vsum_zero(void)
{
    return _mm256_setzero_si256();
}

/* All ones in byte i where bit i is set. */
static inline __m256i byte_mask(uint32_t bits)
{
    const __m256i spread = _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2,
                                            2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3);
    const __m256i bit = _mm256_set1_epi64x((long long)0x8040201008040201);
    __m256i x = _mm256_shuffle_epi8(_mm256_set1_epi32((int)bits), spread);
    return _mm256_cmpeq_epi8(_mm256_and_si256(x, bit), bit);
}

static inline __m256i u16_mask(uint16_t bits)
{
    const __m256i bit = _mm256_setr_epi16(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096,
                                          8192, 16384, (short)0x8000);
    return _mm256_cmpeq_epi16(_mm256_and_si256(_mm256_set1_epi16((short)bits), bit), bit);
}

static inline __m256i u32_mask(uint8_t bits)
{
    const __m256i bit = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    return _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32(bits), bit), bit);
}

/* Add the two halves of each 64-bit lane. */
static inline __m256i fold_u32(__m256i sum, __m256i x)
{
    sum = _mm256_add_epi64(sum, _mm256_and_si256(x, _mm256_set1_epi64x(UINT32_MAX)));
    return _mm256_add_epi64(sum, _mm256_srli_epi64(x, 32));
}

static inline __m256i vsum_add_u8(__m256i sum, const uint8_t *p, uint64_t word)
{
    const __m256i zero = _mm256_setzero_si256();
    __m256i x = _mm256_and_si256(load(p), byte_mask((uint32_t)word));
    __m256i y = _mm256_and_si256(load(p + 32), byte_mask((uint32_t)(word >> 32)));
    sum = _mm256_add_epi64(sum, _mm256_sad_epu8(x, zero));
    return _mm256_add_epi64(sum, _mm256_sad_epu8(y, zero));
}

static inline __m256i vsum_add_u16(__m256i sum, const uint16_t *p, uint64_t word)
{
    __m256i pairs = _mm256_setzero_si256();
    for (int k = 0; k < 4; k++) {
        __m256i x = _mm256_and_si256(load(p + 16 * k), u16_mask((uint16_t)(word >> (16 * k))));
        pairs = _mm256_add_epi32(pairs, _mm256_and_si256(x, _mm256_set1_epi32(0xffff)));
        pairs = _mm256_add_epi32(pairs, _mm256_srli_epi32(x, 16));
    }
    return fold_u32(sum, pairs);
}

static inline __m256i vsum_add_u32(__m256i sum, const uint32_t *p, uint64_t word)
{
    for (int k = 0; k < 8; k++)
        sum = fold_u32(
            sum, _mm256_and_si256(load(p + 8 * k), u32_mask((uint8_t)(word >> (8 * k)))));
    return sum;
}

static inline uint64_t vsum_total(__m256i sum)
{
    uint64_t x[4];
    _mm256_storeu_si256((__m256i *)x, sum);
    return x[0] + x[1] + x[2] + x[3];
}

static inline __m256i match_letter(const uint8_t *p, struct kernel_letter letter)
{
    __m256i folded = _mm256_or_si256(load(p), _mm256_set1_epi8((char)letter.ignored));
    return _mm256_cmpeq_epi8(folded, _mm256_set1_epi8((char)letter.byte));
}

static inline uint64_t match64(const uint8_t *p, struct kernel_letter first, const uint8_t *q,
                               struct kernel_letter last)
{
    return bytes_mask(_mm256_and_si256(match_letter(p, first), match_letter(q, last)),
                      _mm256_and_si256(match_letter(p + 32, first), match_letter(q + 32, last)));
}

/* Positions of a dense word: the indexes 0..7 whose bit is set, eight bits a step. */
static inline size_t select_dense(uint64_t word, size_t first, uint16_t *out, size_t k)
{
    for (size_t at = 0; at < 64; at += 8) {
        uint64_t byte = word >> at & 0xff;
        uint64_t keep = _pdep_u64(byte, UINT64_C(0x0101010101010101)) * 0xff;
        uint64_t index = _pext_u64(UINT64_C(0x0706050403020100), keep);
        __m128i wide = _mm_cvtepu8_epi16(_mm_cvtsi64_si128((long long)index));
        wide = _mm_add_epi16(wide, _mm_set1_epi16((short)(first + at)));
        _mm_storeu_si128((__m128i *)(out + k), wide);
        k += bits_count(byte);
    }
    return k;
}

static size_t select_bits(const uint64_t *bits, size_t n, uint16_t *out)
{
    size_t k = 0;
    for (size_t w = 0; w < BITMAP_WORDS(n); w++) {
        uint64_t word = bits[w];
        if (w == n / 64)
            word &= (UINT64_C(1) << (n % 64)) - 1;
        if (bits_count(word) > 12) {
            k = select_dense(word, w * 64, out, k);
            continue;
        }
        for (; word; word &= word - 1)
            out[k++] = (uint16_t)(w * 64 + bits_lowest(word));
    }
    return k;
}

#include "olap/kernel/kernel_tmpl.h"

#else
extern const int kernel_avx2_absent;
const int kernel_avx2_absent = 1;
#endif
