/*
 * aggregate_tally.c -- sums and counts by group, in words that cannot overflow.
 *
 * States are wide and far apart. So rows are first added up in one word a group, over as many row
 * sets as come with codes of one shape (a segment's), and the states get each group's total once. A
 * group's word takes codes and their number at once:
 *
 *   word += 2^48 + code        65,535 codes below 2^32 stay below 2^48: the number is word >> 48
 *
 * Up to LANED_GROUPS groups there are several words a group, for rows in turn: equal groups often
 * come close to each other, and an addition need not wait for the one before it.
 *
 * Emptying the words costs as much as some rows a group. Where a row set has fewer, it waits for a
 * second one of the same shape: then more of them are likely.
 */
#include "olap/exec/aggregate_unit.h"
#include "olap/exec/pipeline.h"

#define COUNT_SHIFT 48
#define COUNT_ONE (UINT64_C(1) << COUNT_SHIFT)
#define WORD_ROWS UINT16_MAX
#define LANES 4u
#define LANED_GROUPS 512u
#define LANE_GAP 8u /* words: lanes a power of two apart would be in each other's way */
#define FOLD_GROUPS 256u

static_assert((uint64_t)WORD_ROWS * UINT32_MAX < COUNT_ONE, "codes must not reach the count");
static_assert(WORD_ROWS < 1u << (64 - COUNT_SHIFT), "the number of rows must fit");

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

static void add_kept(const struct grouping *grouping, const void *codes, unsigned width,
                     const uint64_t *keep, uint64_t *const lanes[LANES])
{
    for (uint32_t i = 0; i < grouping->rows; i++) {
        uint64_t mask = (uint64_t)0 - bit_get(keep, i);
        lanes[i % LANES][grouping->ids[i]] += (COUNT_ONE + code_at(codes, width, i)) & mask;
    }
}

/* ---- The words of a unit ---- */

static void set_lanes(const struct tally *t, uint64_t *lanes[LANES])
{
    for (uint32_t l = 0; l < LANES; l++)
        lanes[l] = t->words + (l < t->lanes ? l * (t->capacity + LANE_GAP) : 0);
}

/* The totals of groups [first, first + count), whose words become 0. */
static void take_totals(const struct tally *t, uint32_t first, uint32_t count, uint64_t *sums,
                        uint64_t *counts)
{
    for (uint32_t l = 0; l < t->lanes; l++) {
        uint64_t *words = t->words + l * (t->capacity + LANE_GAP) + first;
        for (uint32_t g = 0; g < count; g++) {
            sums[g] = (l ? sums[g] : 0) + (words[g] & (COUNT_ONE - 1));
            counts[g] = (l ? counts[g] : 0) + (words[g] >> COUNT_SHIFT);
            words[g] = 0;
        }
    }
}

void tally_fold(struct unit *unit)
{
    struct tally *t = &unit->tally;
    uint64_t sums[FOLD_GROUPS], counts[FOLD_GROUPS];
    for (uint32_t first = 0; first < t->groups; first += FOLD_GROUPS) {
        uint32_t count = t->groups - first < FOLD_GROUPS ? t->groups - first : FOLD_GROUPS;
        struct tally_totals totals = {&t->codes, first, count, sums, counts};
        take_totals(t, first, count, sums, counts);
        unit->spec->type->fold(unit, &totals);
        if (t->counter)
            unit_count.fold(t->counter, &totals);
    }
    t->groups = t->word_rows = 0;
}

static yoda_status make_room(struct unit *unit, uint32_t groups, yoda_error *err)
{
    struct tally *t = &unit->tally;
    uint32_t capacity = LANED_GROUPS;
    while (capacity < groups)
        capacity *= 2;
    uint32_t lanes = capacity == LANED_GROUPS ? LANES : 1;
    tally_fold(unit);
    t->words = arena_array(unit->arena, uint64_t, lanes * (size_t)(capacity + LANE_GAP));
    t->capacity = t->words ? capacity : 0;
    t->lanes = lanes;
    return t->words ? YODA_OK : run_nomem(err, "aggregating");
}

/* Is this the shape of what was added last? If not, it is from now on. */
static bool adopt(struct unit *unit, const struct vector *codes, struct unit *counter)
{
    struct tally *t = &unit->tally;
    if (t->codes.type == codes->type && t->codes.code_width == codes->code_width &&
        t->codes.scale == codes->scale && t->codes.base == codes->base && t->counter == counter)
        return true;
    tally_fold(unit);
    t->codes = (struct vector){.type = codes->type,
                               .form = codes->form,
                               .scale = codes->scale,
                               .code_width = codes->code_width,
                               .base = codes->base};
    t->counter = counter;
    return false;
}

static yoda_status add(struct unit *unit, const struct grouping *grouping,
                       const struct vector *codes, const uint64_t *keep, yoda_error *err)
{
    struct tally *t = &unit->tally;
    uint64_t *lanes[LANES];
    if (grouping->groups > t->capacity)
        TRY(make_room(unit, grouping->groups, err));
    uint32_t rows = t->lanes == 1 ? grouping->rows : grouping->rows / LANES + LANES;
    if (t->word_rows + rows > WORD_ROWS)
        tally_fold(unit);
    t->word_rows += rows;
    t->groups = grouping->groups;
    set_lanes(t, lanes);
    if (keep)
        add_kept(grouping, codes->data, codes->code_width, keep, lanes);
    else
        add_all(grouping, codes->data, codes->code_width, lanes);
    return YODA_OK;
}

yoda_status tally_codes(struct unit *unit, const struct grouping *grouping,
                        const struct vector *codes, const uint64_t *keep, bool *taken,
                        yoda_error *err)
{
    struct known_tally *known = grouping->known;
    ASSERT(codes->form == VF_CODES && codes->code_width <= 4);
    *taken = false;
    if (!known || grouping->masked)
        return YODA_OK;
    bool counts = !known->counted && keep == grouping->alive && known->counter != unit;
    struct unit *counter = counts ? known->counter : NULL; /* from the first tally, and no other */
    bool again = adopt(unit, codes, counter);
    *taken = tally_pays(grouping) || (again && grouping->groups <= TALLY_GROUPS);
    if (!*taken)
        return YODA_OK;
    known->counted |= counter != NULL;
    return add(unit, grouping, codes, keep, err);
}

yoda_status tally_rows(struct unit *unit, const struct grouping *grouping, const uint64_t *keep,
                       bool *taken, yoda_error *err)
{
    static const struct vector no_codes = {.type = VT_INT, .form = VF_CODES};
    *taken = grouping->known && grouping->known->counter == unit && grouping->known->counted &&
             keep == grouping->alive;
    if (*taken || grouping->groups > LANED_GROUPS) /* the states are as good */
        return YODA_OK;
    return tally_codes(unit, grouping, &no_codes, keep, taken, err);
}

/* ---- One row set ---- */

static yoda_status count_rows(const struct grouping *grouping, const uint64_t *keep,
                              struct arena *scratch, const uint32_t **out, yoda_error *err)
{
    uint32_t *counts = arena_array(scratch, uint32_t, grouping->groups);
    if (!counts)
        return run_nomem(err, "aggregating");
    for (uint32_t i = 0; i < grouping->rows; i++)
        counts[grouping->ids[i]] += keep ? bit_get(keep, i) : 1;
    *out = counts;
    return YODA_OK;
}

yoda_status tally_numbers(const struct grouping *grouping, const int64_t *numbers,
                          const uint64_t *keep, struct arena *scratch, struct tally_numbers *out,
                          yoda_error *err)
{
    uint32_t groups = grouping->groups, i = 0, rows = grouping->rows;
    const uint32_t *ids = grouping->ids;
    int64_t *even = arena_array(scratch, int64_t, 2 * (size_t)groups), *odd = even + groups;
    ASSERT(tally_pays(grouping));
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
    out->counts = keep ? NULL : grouping->known->counts;
    if (!out->counts)
        TRY(count_rows(grouping, keep, scratch, &out->counts, err));
    if (!keep)
        grouping->known->counts = out->counts;
    return YODA_OK;
}
