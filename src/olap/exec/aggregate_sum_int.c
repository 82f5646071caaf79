/*
 * aggregate_sum_int.c -- SUM, TOTAL and AVG of INTEGERs: exact in 128 bits.
 *
 * SQLite's SUM raises "integer overflow" as soon as a prefix of its scan order leaves int64. That
 * cannot happen when the sum of absolute values stays inside, so that is tracked (rounded, hence
 * the margin); a group past it is SQLite's to answer.
 *
 * Codes are summed as codes: n * base + sum of codes.
 *
 * While no value of the unit was negative and all of them together surely stay inside int64, a
 * group's total is its sum of absolute values: then states are short, half the size. The first row
 * set that may break that turns them into long ones.
 */
#include "olap/exec/aggregate_unit.h"
#include "olap/exec/flat_vector.h"
#include "olap/exec/pipeline.h"
#include "olap/kernel/kernel.h"

#define MAGNITUDE_MAX 9.2233720368547e18 /* a little under 2^63 */

#define BOUND_MAX 9e18 /* what all values of short states may add up to */

struct sum_int { /* a long state */
    int128 total;
    double magnitude; /* sum of |x|, about */
    uint64_t count;
};

struct sum_short {
    int64_t total;
    uint64_t count;
};

static bool is_short(const struct unit *unit)
{
    return unit->state_size == sizeof(struct sum_short);
}

static struct sum_int state_of(const struct unit *unit, uint32_t group)
{
    if (!is_short(unit))
        return ((const struct sum_int *)unit_states(unit))[group];
    const struct sum_short *s = (const struct sum_short *)unit_states(unit) + group;
    return (struct sum_int){s->total, (double)s->total, s->count};
}

static yoda_status make_long(struct unit *unit, yoda_error *err)
{
    struct buffer *made;
    ASSERT(is_short(unit));
    TRY(buffer_create(unit->groups * sizeof(struct sum_int), unit->budget, &made, err));
    struct sum_int *states = (struct sum_int *)(void *)made->data;
    for (uint32_t g = 0; g < unit->groups; g++)
        states[g] = state_of(unit, g);
    buffer_release(unit->states);
    unit->states = made;
    unit->state_size = sizeof *states;
    return YODA_OK;
}

/* Can `rows` more values of low..peak be added to short states? Otherwise they become long. */
static yoda_status expect(struct unit *unit, int64_t low, double peak, double rows, yoda_error *err)
{
    if (!is_short(unit))
        return YODA_OK;
    unit->bound += rows * peak;
    return low >= 0 && unit->bound < BOUND_MAX ? YODA_OK : make_long(unit, err);
}

static void add(struct sum_int *s, int128 total, double magnitude, uint64_t count)
{
    s->total += total;
    s->magnitude += magnitude;
    s->count += count;
}

static void add_group(struct unit *unit, uint32_t group, const struct sum_int *sum)
{
    if (!is_short(unit)) {
        add((struct sum_int *)unit_states(unit) + group, sum->total, sum->magnitude, sum->count);
        return;
    }
    struct sum_short *s = (struct sum_short *)unit_states(unit) + group;
    ASSERT(sum->total >= 0 && sum->total < INT64_MAX - s->total);
    s->total += (int64_t)sum->total;
    s->count += sum->count;
}

static double largest_code(const struct vector *v)
{
    return v->code_width == 1 ? 255.0 : v->code_width == 2 ? 65535.0 : 4294967295.0;
}

/* A bound of the sum of |base + code| over n rows whose codes add up to codes. */
static double codes_magnitude(const struct vector *v, int128 total, size_t n)
{
    double largest = largest_code(v), base = (double)v->base;
    if (base >= 0)
        return (double)total;
    if (base + largest <= 0)
        return -(double)total;
    return (double)n * (-base > base + largest ? -base : base + largest);
}

static void sum_codes(const struct vector *v, const uint64_t *mask, size_t n, struct sum_int *s)
{
    uint64_t codes = 0;
    const struct kernels *k = kernels();
    ASSERT(v->form == VF_CODES && v->code_width <= 4);
    if (v->code_width == 1)
        k->sum_u8(v->data, v->count, mask, &codes);
    else if (v->code_width == 2)
        k->sum_u16(v->data, v->count, mask, &codes);
    else
        k->sum_u32(v->data, v->count, mask, &codes);
    int128 total = (int128)v->base * (int128)n + (int128)codes;
    add(s, total, codes_magnitude(v, total, n), n);
}

static void sum_flat(const struct vector *v, const uint64_t *mask, size_t n, struct sum_int *s)
{
    int128 positive = 0, negative = 0;
    kernels()->sum_i64(v->data, v->count, mask, &positive, &negative);
    add(s, positive + negative, (double)positive - (double)negative, n);
}

/* *flat is filled where the vector is no codes of up to 4 bytes. */
static yoda_status expect_vector(struct unit *unit, const struct vector *v, const uint64_t *keep,
                                 struct arena *scratch, struct vector *flat, yoda_error *err)
{
    int64_t low, high;
    if (v->form == VF_CODES && v->code_width <= 4)
        return expect(unit, v->base, (double)v->base + largest_code(v), v->count, err);
    TRY(flat_vector_as(v, VT_INT, scratch, flat, err));
    if (!kernels()->minmax_i64(flat->data, flat->count, keep, &low, &high))
        return YODA_OK;
    return expect(unit, low, (double)high, flat->count, err);
}

static void update_masked(struct unit *unit, const struct grouping *grouping,
                          const struct vector *v, const struct vector *flat, const uint64_t *keep)
{
    uint64_t buffer[VECTOR_WORDS + 1];
    for (uint32_t g = 0; g < grouping->groups; g++) {
        size_t n;
        struct sum_int sum = {0};
        const uint64_t *mask = grouping_rows(grouping, g, keep, buffer, &n);
        if (n == 0)
            continue;
        if (flat->data)
            sum_flat(flat, mask, n, &sum);
        else
            sum_codes(v, mask, n, &sum);
        add_group(unit, g, &sum);
    }
}

static void update_short(struct sum_short *states, const struct grouping *grouping,
                         const int64_t *data, const uint64_t *keep)
{
    const uint32_t *ids = grouping->ids;
    for (uint32_t i = 0; i < grouping->rows; i++) {
        if (keep && !bit_get(keep, i))
            continue;
        states[ids[i]].total += data[i];
        states[ids[i]].count++;
    }
}

static void update_long(struct sum_int *states, const struct grouping *grouping,
                        const int64_t *data, const uint64_t *keep)
{
    for (uint32_t i = 0; i < grouping->rows; i++)
        if (!keep || bit_get(keep, i))
            add(&states[grouping->ids[i]], data[i], __builtin_fabs((double)data[i]), 1);
}

static void sum_int_fold(struct unit *unit, const struct tally_totals *totals)
{
    const struct vector *v = totals->codes;
    ASSERT(totals->first + totals->count <= unit->groups);
    for (uint32_t i = 0; i < totals->count; i++) {
        uint64_t n = totals->counts[i];
        if (n == 0)
            continue;
        int128 total = (int128)v->base * (int128)n + (int128)totals->sums[i];
        struct sum_int sum = {total, codes_magnitude(v, total, n), n};
        add_group(unit, totals->first + i, &sum);
    }
}

static yoda_status sum_int_update(struct unit *unit, const struct grouping *grouping,
                                  const struct vector *args, const uint64_t *filter,
                                  struct arena *scratch, yoda_error *err)
{
    const uint64_t *keep;
    struct vector flat = {.count = 0};
    if (args[0].type == VT_NULL)
        return YODA_OK;
    if (args[0].type != VT_INT)
        return fail(err, YODA_NOT_COLUMNAR, "a sum of INTEGERs met another type");
    TRY(vector_present(&args[0], filter, scratch, &keep, err));
    TRY(expect_vector(unit, &args[0], keep, scratch, &flat, err));
    if (grouping->masked) {
        update_masked(unit, grouping, &args[0], &flat, keep);
        return YODA_OK;
    }
    bool taken = false;
    if (args[0].form == VF_CODES && args[0].code_width <= 4)
        TRY(tally_codes(unit, grouping, &args[0], keep, &taken, err));
    if (taken)
        return YODA_OK;
    if (!flat.data)
        TRY(flat_vector_as(&args[0], VT_INT, scratch, &flat, err));
    if (is_short(unit))
        update_short(unit_states(unit), grouping, flat.data, keep);
    else
        update_long(unit_states(unit), grouping, flat.data, keep);
    return YODA_OK;
}

static bool sum_int_knows(const struct unit_spec *spec, const struct chunk *chunk)
{
    struct chunk_sum sum;
    YODA_UNUSED(spec);
    return chunk_sum(chunk, &sum) && !sum.real;
}

static yoda_status sum_int_absorb(struct unit *unit, const struct chunk *chunk, uint32_t rows,
                                  yoda_error *err)
{
    struct chunk_sum sum;
    YODA_UNUSED(rows);
    if (!chunk_sum(chunk, &sum) || sum.count == 0)
        return YODA_OK;
    TRY(expect(unit, chunk_zone(chunk, UINT32_MAX).min.i, sum.magnitude, 1, err));
    const struct sum_int whole = {sum.total, sum.magnitude, sum.count};
    add_group(unit, 0, &whole);
    return YODA_OK;
}

static yoda_status sum_int_combine(struct unit *unit, struct unit *from,
                                   const struct group_pairs *pairs, yoda_error *err)
{
    TRY(expect(unit, is_short(from) ? 0 : -1, from->bound, 1, err));
    for (uint32_t i = 0; i < pairs->count; i++) {
        struct sum_int s = state_of(from, pairs->from[i]);
        add_group(unit, pairs->to[i], &s);
    }
    return YODA_OK;
}

static yoda_status sum_value(const struct sum_int *s, enum aggregate_kind kind, struct value *out,
                             yoda_error *err)
{
    if (kind == AGG_TOTAL) {
        *out = value_real((double)s->total);
    } else if (s->count == 0) {
        *out = value_null();
    } else if (kind == AGG_AVG) {
        *out = value_real((double)s->total / (double)s->count);
    } else {
        if (s->magnitude > MAGNITUDE_MAX)
            return fail(err, YODA_NOT_COLUMNAR, "SUM may overflow");
        *out = value_int((int64_t)s->total);
    }
    return YODA_OK;
}

static yoda_status sum_int_result(const struct unit *unit, const struct aggregate *aggregate,
                                  uint32_t first, uint32_t rows, struct arena *arena,
                                  struct vector *out, yoda_error *err)
{
    struct flat_builder b;
    ASSERT(first + rows <= unit->groups);
    TRY(flat_builder_init(&b, arena, aggregate->type, rows, err));
    for (uint32_t i = 0; i < rows; i++) {
        struct value value;
        struct sum_int sum = state_of(unit, first + i);
        TRY(sum_value(&sum, aggregate->kind, &value, err));
        TRY(flat_builder_set(&b, i, &value, err));
    }
    flat_builder_finish(&b, out);
    return YODA_OK;
}

const struct unit_type unit_sum_int = {.state_size = sizeof(struct sum_short),
                                       .update = sum_int_update,
                                       .fold = sum_int_fold,
                                       .knows = sum_int_knows,
                                       .absorb = sum_int_absorb,
                                       .combine = sum_int_combine,
                                       .result = sum_int_result};
