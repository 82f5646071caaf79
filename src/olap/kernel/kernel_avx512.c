/*
 * kernel_avx512.c -- the kernels for x86-64-v4 with VBMI and VBMI2.
 *
 * Comparisons give mask registers. Compaction is a compress into a register and a store of the
 * whole register: the compress-store to memory is microcoded on Zen 4 and 12 to 17 times slower.
 */
#if defined(__x86_64__)

#include <immintrin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "olap/kernel/kernel_table.h"

#define KERNEL_TABLE kernel_avx512
#define KERNEL_ISA CPU_AVX512
#define KERNEL_LANES 8
#define ALWAYS_INLINE inline __attribute__((always_inline))

/* A table of 256 bytes; map64_u8: false when some byte found is 255. */
struct kernel_bytes {
    __m512i quarters[4];
};

static inline struct kernel_bytes load_bytes(const uint8_t table[256])
{
    struct kernel_bytes map;
    for (int q = 0; q < 4; q++)
        map.quarters[q] = _mm512_loadu_si512(table + 64 * q);
    return map;
}

/* Each permute looks at 7 bits of the code; the eighth chooses. */
static inline bool map64_u8(const uint8_t *p, const struct kernel_bytes *map, uint32_t *out)
{
    __m512i code = _mm512_loadu_si512(p);
    __m512i low = _mm512_permutex2var_epi8(map->quarters[0], code, map->quarters[1]);
    __m512i high = _mm512_permutex2var_epi8(map->quarters[2], code, map->quarters[3]);
    __m512i found = _mm512_mask_blend_epi8(_mm512_movepi8_mask(code), low, high);
    __m128i parts[4] = {_mm512_castsi512_si128(found), _mm512_extracti32x4_epi32(found, 1),
                        _mm512_extracti32x4_epi32(found, 2), _mm512_extracti32x4_epi32(found, 3)};
    for (int k = 0; k < 4; k++)
        _mm512_storeu_si512(out + 16 * k, _mm512_cvtepu8_epi32(parts[k]));
    return _mm512_cmpeq_epi8_mask(found, _mm512_set1_epi8(-1)) == 0;
}

static inline uint64_t range64_u8(const uint8_t *p, uint8_t low, uint8_t span)
{
    __m512i x = _mm512_sub_epi8(_mm512_loadu_si512(p), _mm512_set1_epi8((char)low));
    return _mm512_cmple_epu8_mask(x, _mm512_set1_epi8((char)span));
}

static inline uint64_t range64_u16(const uint16_t *p, uint16_t low, uint16_t span)
{
    __m512i l = _mm512_set1_epi16((short)low), s = _mm512_set1_epi16((short)span);
    __m512i x = _mm512_sub_epi16(_mm512_loadu_si512(p), l);
    __m512i y = _mm512_sub_epi16(_mm512_loadu_si512(p + 32), l);
    return (uint64_t)_mm512_cmple_epu16_mask(y, s) << 32 | _mm512_cmple_epu16_mask(x, s);
}

static inline uint64_t range64_u32(const uint32_t *p, uint32_t low, uint32_t span)
{
    __m512i l = _mm512_set1_epi32((int)low), s = _mm512_set1_epi32((int)span);
    uint64_t word = 0;
    for (int k = 0; k < 4; k++) {
        __m512i x = _mm512_sub_epi32(_mm512_loadu_si512(p + 16 * k), l);
        word |= (uint64_t)_mm512_cmple_epu32_mask(x, s) << (16 * k);
    }
    return word;
}

static inline uint64_t range64_u64(const uint64_t *p, uint64_t low, uint64_t span)
{
    __m512i l = _mm512_set1_epi64((int64_t)low), s = _mm512_set1_epi64((int64_t)span);
    uint64_t word = 0;
    for (int k = 0; k < 8; k++) {
        __m512i x = _mm512_sub_epi64(_mm512_loadu_si512(p + 8 * k), l);
        word |= (uint64_t)_mm512_cmple_epu64_mask(x, s) << (8 * k);
    }
    return word;
}

/* Byte code >> 3 of the 32-byte set, then its bit code & 7. */
static inline uint64_t set64_u8(const uint8_t *p, const uint64_t *set)
{
    const __m512i bit = _mm512_set1_epi64((long long)0x8040201008040201);
    __m512i table = _mm512_broadcast_i64x4(_mm256_loadu_si256((const __m256i *)set));
    __m512i code = _mm512_loadu_si512(p);
    __m512i index = _mm512_and_si512(_mm512_srli_epi16(code, 3), _mm512_set1_epi8(31));
    __m512i byte = _mm512_permutexvar_epi8(index, table);
    __m512i want = _mm512_shuffle_epi8(bit, _mm512_and_si512(code, _mm512_set1_epi8(7)));
    return _mm512_test_epi8_mask(byte, want);
}

static inline uint64_t set16_u32(__m512i code, const uint64_t *set)
{
    __m512i word = _mm512_i32gather_epi32(_mm512_srli_epi32(code, 5), (const int *)set, 4);
    __m512i bit = _mm512_sllv_epi32(_mm512_set1_epi32(1),
                                    _mm512_and_si512(code, _mm512_set1_epi32(31)));
    return _mm512_test_epi32_mask(word, bit);
}

static inline uint64_t set64_u16(const uint16_t *p, const uint64_t *set)
{
    uint64_t word = 0;
    for (int k = 0; k < 4; k++) {
        __m256i code = _mm256_loadu_si256((const __m256i *)(p + 16 * k));
        word |= set16_u32(_mm512_cvtepu16_epi32(code), set) << (16 * k);
    }
    return word;
}

static inline uint64_t set64_u32(const uint32_t *p, const uint64_t *set)
{
    uint64_t word = 0;
    for (int k = 0; k < 4; k++)
        word |= set16_u32(_mm512_loadu_si512(p + 16 * k), set) << (16 * k);
    return word;
}

static ALWAYS_INLINE uint64_t compare_epi64(__m512i x, __m512i y, int op)
{
    switch (op) {
    case KC_EQ:
        return _mm512_cmpeq_epi64_mask(x, y);
    case KC_NE:
        return _mm512_cmpneq_epi64_mask(x, y);
    case KC_LT:
        return _mm512_cmplt_epi64_mask(x, y);
    case KC_LE:
        return _mm512_cmple_epi64_mask(x, y);
    case KC_GT:
        return _mm512_cmpgt_epi64_mask(x, y);
    default:
        return _mm512_cmpge_epi64_mask(x, y);
    }
}

static ALWAYS_INLINE uint64_t compare64_i64(const int64_t *a, const int64_t *b, bool constant,
                                            int op)
{
    uint64_t word = 0;
    for (int k = 0; k < 8; k++) {
        __m512i x = _mm512_loadu_si512(a + 8 * k);
        __m512i y = constant ? _mm512_set1_epi64(*b) : _mm512_loadu_si512(b + 8 * k);
        word |= compare_epi64(x, y, op) << (8 * k);
    }
    return word;
}

static ALWAYS_INLINE uint64_t compare_pd(__m512d x, __m512d y, int op)
{
    switch (op) {
    case KC_EQ:
        return _mm512_cmp_pd_mask(x, y, _CMP_EQ_OQ);
    case KC_NE:
        return _mm512_cmp_pd_mask(x, y, _CMP_NEQ_UQ);
    case KC_LT:
        return _mm512_cmp_pd_mask(x, y, _CMP_LT_OQ);
    case KC_LE:
        return _mm512_cmp_pd_mask(x, y, _CMP_LE_OQ);
    case KC_GT:
        return _mm512_cmp_pd_mask(x, y, _CMP_GT_OQ);
    default:
        return _mm512_cmp_pd_mask(x, y, _CMP_GE_OQ);
    }
}

static ALWAYS_INLINE uint64_t compare64_f64(const double *a, const double *b, bool constant, int op)
{
    uint64_t word = 0;
    for (int k = 0; k < 8; k++) {
        __m512d x = _mm512_loadu_pd(a + 8 * k);
        __m512d y = constant ? _mm512_set1_pd(*b) : _mm512_loadu_pd(b + 8 * k);
        word |= compare_pd(x, y, op) << (8 * k);
    }
    return word;
}

static inline uint64_t nan64(const double *a)
{
    uint64_t word = 0;
    for (int k = 0; k < 8; k++) {
        __m512d x = _mm512_loadu_pd(a + 8 * k);
        word |= (uint64_t)_mm512_cmp_pd_mask(x, x, _CMP_UNORD_Q) << (8 * k);
    }
    return word;
}

#define VSUM __m512i

static inline __m512i vsum_zero(void)
{
    return _mm512_setzero_si512();
}

/* Add the two halves of each 64-bit lane. */
static inline __m512i fold_u32(__m512i sum, __m512i x)
{
    sum = _mm512_add_epi64(sum, _mm512_and_si512(x, _mm512_set1_epi64(UINT32_MAX)));
    return _mm512_add_epi64(sum, _mm512_srli_epi64(x, 32));
}

static inline __m512i vsum_add_u8(__m512i sum, const uint8_t *p, uint64_t word)
{
    __m512i x = _mm512_maskz_loadu_epi8(word, p);
    return _mm512_add_epi64(sum, _mm512_sad_epu8(x, _mm512_setzero_si512()));
}

static inline __m512i vsum_add_u16(__m512i sum, const uint16_t *p, uint64_t word)
{
    const __m512i low = _mm512_set1_epi32(0xffff);
    __m512i x = _mm512_maskz_loadu_epi16((uint32_t)word, p);
    __m512i y = _mm512_maskz_loadu_epi16((uint32_t)(word >> 32), p + 32);
    __m512i a = _mm512_add_epi32(_mm512_and_si512(x, low), _mm512_srli_epi32(x, 16));
    __m512i b = _mm512_add_epi32(_mm512_and_si512(y, low), _mm512_srli_epi32(y, 16));
    return fold_u32(sum, _mm512_add_epi32(a, b));
}

static inline __m512i vsum_add_u32(__m512i sum, const uint32_t *p, uint64_t word)
{
    for (int k = 0; k < 4; k++)
        sum = fold_u32(sum, _mm512_maskz_loadu_epi32((uint16_t)(word >> (16 * k)), p + 16 * k));
    return sum;
}

static inline uint64_t vsum_total(__m512i sum)
{
    return (uint64_t)_mm512_reduce_add_epi64(sum);
}

static inline uint64_t match_letter(const uint8_t *p, struct kernel_letter letter)
{
    __m512i folded = _mm512_or_si512(_mm512_loadu_si512(p),
                                     _mm512_set1_epi8((char)letter.ignored));
    return _mm512_cmpeq_epi8_mask(folded, _mm512_set1_epi8((char)letter.byte));
}

static inline uint64_t match64(const uint8_t *p, struct kernel_letter first, const uint8_t *q,
                               struct kernel_letter last)
{
    return match_letter(p, first) & match_letter(q, last);
}

static inline size_t select32(uint32_t bits, __m512i index, uint16_t *out)
{
    _mm512_storeu_si512(out, _mm512_maskz_compress_epi16(bits, index));
    return bits_count(bits);
}

static size_t select_bits(const uint64_t *bits, size_t n, uint16_t *out)
{
    uint16_t first[32];
    for (uint16_t i = 0; i < 32; i++)
        first[i] = i;
    const __m512i iota = _mm512_loadu_si512(first);
    size_t k = 0;
    for (size_t w = 0; w < BITMAP_WORDS(n); w++) {
        uint64_t word = bits[w];
        if (w == n / 64)
            word &= (UINT64_C(1) << (n % 64)) - 1;
        if (!word)
            continue;
        __m512i index = _mm512_add_epi16(iota, _mm512_set1_epi16((short)(w * 64)));
        k += select32((uint32_t)word, index, out + k);
        index = _mm512_add_epi16(index, _mm512_set1_epi16(32));
        k += select32((uint32_t)(word >> 32), index, out + k);
    }
    return k;
}

#include "olap/kernel/kernel_tmpl.h"

#else
extern const int kernel_avx512_absent;
const int kernel_avx512_absent = 1;
#endif
