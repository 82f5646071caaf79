/*
 * aggregate_sum_int.c -- SUM, TOTAL and AVG of INTEGERs: exact in 128 bits.
 *
 * SQLite's SUM raises "integer overflow" as soon as a prefix of its scan order leaves int64. That
 * cannot happen when the sum of absolute values stays inside, so that is tracked (rounded, hence
 * the margin); a group past it is SQLite's to answer.
 *
 * Codes are summed as codes: n * base + sum of codes.
 */
#include "olap/exec/aggregate_unit.h"
#include "olap/exec/flat_vector.h"
#include "olap/exec/pipeline.h"
#include "olap/kernel/kernel.h"

#define MAGNITUDE_MAX 9.2233720368547e18 /* a little under 2^63 */

struct sum_int {
    int128 total;
    double magnitude; /* sum of |x|, about */
    uint64_t count;
};

static void add(struct sum_int *s, int128 total, double magnitude, uint64_t count)
{
    s->total += total;
    s->magnitude += magnitude;
    s->count += count;
}

/* A bound of the sum of |base + code| over n rows whose codes add up to codes. */
static double codes_magnitude(const struct vector *v, int128 total, size_t n)
{
    double largest = v->code_width == 1 ? 255.0 : v->code_width == 2 ? 65535.0 : 4294967295.0;
    double base = (double)v->base;
    if (base >= 0)
        return (double)total;
    if (base + largest <= 0)
        return -(double)total;
    return (double)n * (-base > base + largest ? -base : base + largest);
}

static bool sum_codes(const struct vector *v, const uint64_t *mask, size_t n, struct sum_int *s)
{
    uint64_t codes = 0;
    const struct kernels *k = kernels();
    if (v->code_width == 1)
        k->sum_u8(v->data, v->count, mask, &codes);
    else if (v->code_width == 2)
        k->sum_u16(v->data, v->count, mask, &codes);
    else if (v->code_width == 4)
        k->sum_u32(v->data, v->count, mask, &codes);
    else
        return false;
    int128 total = (int128)v->base * (int128)n + (int128)codes;
    add(s, total, codes_magnitude(v, total, n), n);
    return true;
}

static void sum_flat(const struct vector *v, const uint64_t *mask, size_t n, struct sum_int *s)
{
    int128 positive = 0, negative = 0;
    kernels()->sum_i64(v->data, v->count, mask, &positive, &negative);
    add(s, positive + negative, (double)positive - (double)negative, n);
}

static yoda_status update_masked(struct unit *unit, const struct grouping *grouping,
                                 const struct vector *v, const uint64_t *keep,
                                 struct arena *scratch, yoda_error *err)
{
    struct sum_int *states = unit_states(unit);
    struct vector flat = {.count = 0};
    uint64_t buffer[VECTOR_WORDS + 1];
    for (uint32_t g = 0; g < grouping->groups; g++) {
        size_t n;
        const uint64_t *mask = grouping_rows(grouping, g, keep, buffer, &n);
        if (n == 0 || (v->form == VF_CODES && sum_codes(v, mask, n, &states[g])))
            continue;
        if (!flat.data)
            TRY(flat_vector_as(v, VT_INT, scratch, &flat, err));
        sum_flat(&flat, mask, n, &states[g]);
    }
    return YODA_OK;
}

static yoda_status sum_int_update(struct unit *unit, const struct grouping *grouping,
                                  const struct vector *args, const uint64_t *filter,
                                  struct arena *scratch, yoda_error *err)
{
    const uint64_t *keep;
    if (args[0].type == VT_NULL)
        return YODA_OK;
    if (args[0].type != VT_INT)
        return fail(err, YODA_NOT_COLUMNAR, "a sum of INTEGERs met another type");
    TRY(vector_present(&args[0], filter, scratch, &keep, err));
    if (grouping->masked)
        return update_masked(unit, grouping, &args[0], keep, scratch, err);
    struct vector flat;
    TRY(flat_vector_as(&args[0], VT_INT, scratch, &flat, err));
    struct sum_int *states = unit_states(unit);
    const int64_t *data = flat.data;
    for (uint32_t i = 0; i < grouping->rows; i++)
        if (!keep || bit_get(keep, i))
            add(&states[grouping->ids[i]], data[i], __builtin_fabs((double)data[i]), 1);
    return YODA_OK;
}

static yoda_status sum_int_combine(struct unit *unit, struct unit *from,
                                   const struct group_pairs *pairs, yoda_error *err)
{
    YODA_UNUSED(err);
    struct sum_int *to_states = unit_states(unit);
    const struct sum_int *from_states = unit_states(from);
    for (uint32_t i = 0; i < pairs->count; i++) {
        const struct sum_int *s = &from_states[pairs->from[i]];
        add(&to_states[pairs->to[i]], s->total, s->magnitude, s->count);
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
    const struct sum_int *states = unit_states(unit);
    struct flat_builder b;
    ASSERT(first + rows <= unit->groups);
    TRY(flat_builder_init(&b, arena, aggregate->type, rows, err));
    for (uint32_t i = 0; i < rows; i++) {
        struct value value;
        TRY(sum_value(&states[first + i], aggregate->kind, &value, err));
        TRY(flat_builder_set(&b, i, &value, err));
    }
    flat_builder_finish(&b, out);
    return YODA_OK;
}

const struct unit_type unit_sum_int = {.state_size = sizeof(struct sum_int),
                                       .update = sum_int_update,
                                       .combine = sum_int_combine,
                                       .result = sum_int_result};
