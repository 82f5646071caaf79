/* scan_filter.c -- see scan_filter.h. */
#include "olap/exec/scan_filter.h"

#include "base/hash.h"
#include "olap/column/chunk.h"
#include "olap/exec/flat_vector.h"

#define TRIAL_ROWS 65536u /* seen before a filter is judged */
#define WORTH_TENTHS 1u   /* of the rows, to be dropped */

/* Three bits of a word. */
static inline uint64_t bloom_bits(uint64_t hash)
{
    return UINT64_C(1) << (hash & 63) | UINT64_C(1) << (hash >> 6 & 63) |
           UINT64_C(1) << (hash >> 12 & 63);
}

void scan_filter_add(struct scan_filter *filter, int64_t value)
{
    uint64_t hash = hash_u64((uint64_t)value);
    filter->bloom[hash >> filter->bloom_shift] |= bloom_bits(hash);
}

bool scan_filter_rejects(const struct scan_filter *filter, const struct zone *zone)
{
    return zone->kind == ZONE_EMPTY ||
           (zone->kind == ZONE_INT && (zone->max.i < filter->low || zone->min.i > filter->high));
}

/* One bit a row, 64 rows at a time. test: of row `i`. */
#define TEST_ROWS(test)                                                                            \
    for (uint32_t at = 0; at < n; at += 64) {                                                      \
        uint32_t m = n - at < 64 ? n - at : 64;                                                    \
        uint64_t word = 0;                                                                         \
        for (uint32_t j = 0; j < m; j++) {                                                         \
            uint32_t i = at + j;                                                                   \
            word |= (uint64_t)(test) << j;                                                         \
        }                                                                                          \
        bits[at / 64] = word;                                                                      \
    }

#define TEST_CODES(type)                                                                           \
    do {                                                                                           \
        const type *codes = v->data;                                                               \
        TEST_ROWS(has_offset(filter->bits, (uint64_t)codes[i] + shift, span))                      \
    } while (0)

/* Is low + offset in the bitmap? Offsets past it meet the bit that is always 0. */
static inline bool has_offset(const uint64_t *bits, uint64_t offset, uint64_t span)
{
    return bit_get(bits, offset < span ? offset : span);
}

/* v: CODES or FLAT integers; shift: base - low. */
static void test_bitmap(const struct scan_filter *filter, const struct vector *v, uint64_t *bits)
{
    uint32_t n = v->count;
    uint64_t span = (uint64_t)filter->high - (uint64_t)filter->low + 1;
    uint64_t shift = (v->form == VF_CODES ? (uint64_t)v->base : 0) - (uint64_t)filter->low;
    switch (v->form == VF_CODES ? v->code_width : 8) {
    case 1:
        TEST_CODES(uint8_t);
        break;
    case 2:
        TEST_CODES(uint16_t);
        break;
    case 4:
        TEST_CODES(uint32_t);
        break;
    default:
        TEST_CODES(uint64_t);
        break;
    }
}

static inline bool may_have(const uint64_t *bloom, unsigned shift, uint64_t hash)
{
    uint64_t want = bloom_bits(hash);
    return (bloom[hash >> shift] & want) == want;
}

static void test_bloom(const struct scan_filter *filter, const int64_t *values, uint32_t n,
                       uint64_t *bits)
{
    const uint64_t *bloom = filter->bloom;
    unsigned shift = filter->bloom_shift;
    TEST_ROWS(may_have(bloom, shift, hash_u64((uint64_t)values[i])))
}

static void test_range(const struct scan_filter *filter, const int64_t *values, uint32_t n,
                       uint64_t *bits)
{
    int64_t low = filter->low, high = filter->high;
    TEST_ROWS((values[i] >= low) & (values[i] <= high))
}

static void judge(struct scan_filter *filter, uint32_t rows, uint64_t passed)
{
    uint64_t seen = atomic_fetch_add_explicit(&filter->seen, rows, memory_order_relaxed) + rows;
    uint64_t dropped = atomic_fetch_add_explicit(&filter->dropped, rows - passed,
                                                 memory_order_relaxed) + rows - passed;
    if (seen >= TRIAL_ROWS && dropped * 10 < seen * WORTH_TENTHS)
        atomic_store_explicit(&filter->off, true, memory_order_relaxed);
}

yoda_status scan_filter_test(struct scan_filter *filter, const struct vector *v,
                             struct arena *arena, uint64_t *bits, yoda_error *err)
{
    size_t words = BITMAP_WORDS(v->count);
    struct vector flat = *v;
    bool none = v->type == VT_NULL || filter->low > filter->high;
    for (size_t w = 0; w < words; w++)
        bits[w] = 0;
    if (!none && !(filter->bits && v->form == VF_CODES))
        TRY(vector_flatten(v, arena, &flat, err));
    if (!none && filter->bits)
        test_bitmap(filter, &flat, bits);
    else if (!none && filter->bloom)
        test_bloom(filter, flat.data, v->count, bits);
    else if (!none)
        test_range(filter, flat.data, v->count, bits);
    for (size_t w = 0; flat.nulls && w < words; w++)
        bits[w] &= ~flat.nulls[w];
    judge(filter, v->count, bitmap_count(bits, v->count));
    return YODA_OK;
}
