/*
 * aggregate_tally.c -- sums and counts of one row set by group, in words that cannot overflow.
 *
 * States are wide and far apart; a row set is short. So its rows are first added up in one word a
 * group, and the states get each group's total once. A group's word takes codes and their number at
 * once:
 *
 *   word += 2^44 + code        2,048 codes below 2^32 stay below 2^43: the number is word >> 44
 *
 * There are several words a group, for rows in turn: equal groups often come close to each other,
 * and an addition need not wait for the one before it.
 */
#include "olap/exec/aggregate_unit.h"
#include "olap/exec/pipeline.h"

#define COUNT_SHIFT 44
#define LANES 4
#define COUNT_ONE (UINT64_C(1) << COUNT_SHIFT)

static_assert((uint64_t)VECTOR_ROWS << 32 < COUNT_ONE, "codes must not reach the number of rows");
static_assert(VECTOR_ROWS < 1u << (64 - COUNT_SHIFT), "the number of rows must fit");

static inline uint64_t code_at(const void *codes, unsigned width, uint32_t row)
{
    switch (width) {
    case 0:
        return 0;
    case 1:
        return ((const uint8_t *)codes)[row];
    case 2:
        return ((const uint16_t *)codes)[row];
    default:
        return ((const uint32_t *)codes)[row];
    }
}

/* All rows' words; width is a constant wherever this is called. */
static inline void add_words(const struct grouping *grouping, const void *codes, unsigned width,
                             uint64_t *const lanes[LANES])
{
    const uint32_t *ids = grouping->ids;
    uint64_t *a = lanes[0], *b = lanes[1], *c = lanes[2], *d = lanes[3];
    uint32_t i = 0, rows = grouping->rows;
    for (; i + LANES <= rows; i += LANES) {
        a[ids[i]] += COUNT_ONE + code_at(codes, width, i);
        b[ids[i + 1]] += COUNT_ONE + code_at(codes, width, i + 1);
        c[ids[i + 2]] += COUNT_ONE + code_at(codes, width, i + 2);
        d[ids[i + 3]] += COUNT_ONE + code_at(codes, width, i + 3);
    }
    for (; i < rows; i++)
        a[ids[i]] += COUNT_ONE + code_at(codes, width, i);
}

static inline void add_kept(const struct grouping *grouping, const void *codes, unsigned width,
                            const uint64_t *keep, uint64_t *words)
{
    for (uint32_t i = 0; i < grouping->rows; i++) {
        uint64_t mask = (uint64_t)0 - bit_get(keep, i);
        words[grouping->ids[i]] += (COUNT_ONE + code_at(codes, width, i)) & mask;
    }
}

static void add_all(const struct grouping *grouping, const void *codes, unsigned width,
                    uint64_t *const lanes[LANES])
{
    if (width == 0)
        add_words(grouping, codes, 0, lanes);
    else if (width == 1)
        add_words(grouping, codes, 1, lanes);
    else if (width == 2)
        add_words(grouping, codes, 2, lanes);
    else
        add_words(grouping, codes, 4, lanes);
}

/* width 0: only the numbers of rows. */
static yoda_status tally(const struct grouping *grouping, const void *codes, unsigned width,
                         const uint64_t *keep, struct arena *scratch, struct tally *out,
                         yoda_error *err)
{
    uint32_t groups = grouping->groups;
    uint64_t *words = arena_array(scratch, uint64_t, LANES * (size_t)groups);
    uint32_t *counts = arena_alloc(scratch, (groups + 1) * sizeof *counts);
    ASSERT(tally_pays(grouping) && width <= 4);
    if (!words || !counts)
        return run_nomem(err, "aggregating");
    uint64_t *lanes[LANES] = {words, words + groups, words + 2 * groups, words + 3 * groups};
    if (keep)
        add_kept(grouping, codes, width, keep, words);
    else
        add_all(grouping, codes, width, lanes);
    for (uint32_t g = 0; g < groups; g++) {
        uint64_t word = lanes[0][g] + lanes[1][g] + lanes[2][g] + lanes[3][g];
        counts[g] = (uint32_t)(word >> COUNT_SHIFT);
        words[g] = word & (COUNT_ONE - 1);
    }
    *out = (struct tally){.sums = (const int64_t *)words, .counts = counts};
    if (!keep)
        grouping->known->counts = counts;
    return YODA_OK;
}

yoda_status tally_codes(const struct grouping *grouping, const struct vector *codes,
                        const uint64_t *keep, struct arena *scratch, struct tally *out,
                        yoda_error *err)
{
    ASSERT(codes->form == VF_CODES && codes->code_width <= 4 && codes->count == grouping->rows);
    return tally(grouping, codes->data, codes->code_width, keep, scratch, out, err);
}

yoda_status tally_rows(const struct grouping *grouping, const uint64_t *keep,
                       struct arena *scratch, const uint32_t **counts, yoda_error *err)
{
    struct tally t = {.counts = keep ? NULL : grouping->known->counts};
    if (!t.counts)
        TRY(tally(grouping, NULL, 0, keep, scratch, &t, err));
    *counts = t.counts;
    return YODA_OK;
}

yoda_status tally_numbers(const struct grouping *grouping, const int64_t *numbers,
                          const uint64_t *keep, struct arena *scratch, struct tally *out,
                          yoda_error *err)
{
    uint32_t groups = grouping->groups, i = 0, rows = grouping->rows;
    const uint32_t *ids = grouping->ids;
    int64_t *even = arena_array(scratch, int64_t, 2 * (size_t)groups), *odd = even + groups;
    if (!even)
        return run_nomem(err, "aggregating");
    for (; keep && i < rows; i++)
        even[ids[i]] += numbers[i] & -(int64_t)bit_get(keep, i);
    for (; i + 2 <= rows; i += 2) {
        even[ids[i]] += numbers[i];
        odd[ids[i + 1]] += numbers[i + 1];
    }
    if (i < rows)
        even[ids[i]] += numbers[i];
    for (uint32_t g = 0; g < groups; g++)
        even[g] += odd[g];
    out->sums = even;
    return tally_rows(grouping, keep, scratch, &out->counts, err);
}
