/*
 * aggregate_sum_real.c -- SUM, TOTAL and AVG of REALs, or of REALs and INTEGERs mixed.
 *
 * State, by group:
 *   decimal    codes of decimal vectors, added exactly: sum / 10^scale; the unit's scale is that of
 *              the first such vector, others go to `sum` batch by batch
 *   integer    INTEGERs beside them, exactly
 *   sum, rest  doubles: Neumaier's compensated sum; under a mask the kernel adds a batch in 32
 *              lanes (error below 72 half-ulps of the absolute sum) and the batch's sum is added
 *              here
 *   magnitude  sum of |x| over the INTEGERs: past 2^63 SQLite may raise "integer overflow"
 *   real       a REAL occurred: SUM is REAL
 *
 * Arguments with a decimal form (decimal.h) come as such and go to `decimal` too, as do doubles of
 * many groups that turn out to be decimals (real_codes.h).
 *
 * The result lies within 1e-14 * sum(|x|) of the exact value, whatever the order and the threads.
 * What is not finite is SQLite's to answer.
 *
 * Source: Neumaier, Rundungsfehleranalyse einiger Verfahren zur Summation endlicher Summen (1974).
 */
#include "olap/exec/aggregate_unit.h"
#include "olap/exec/flat_vector.h"
#include "olap/exec/pipeline.h"
#include "olap/exec/real_codes.h"
#include "olap/kernel/kernel.h"

#include <math.h>

#define MAGNITUDE_MAX 9.2233720368547e18 /* a little under 2^63 */

struct sum_real {
    int128 decimal; /* first what the usual row changes: close together */
    uint64_t count;
    bool real;
    int128 integer;
    double sum, rest;
    double magnitude;
};

static inline void add_real(struct sum_real *s, double x)
{
    double t = s->sum + x;
    double big = fabs(s->sum) >= fabs(x) ? s->sum : x;
    double small = fabs(s->sum) >= fabs(x) ? x : s->sum;
    s->rest += (big - t) + small;
    s->sum = t;
}

static int64_t power_of_ten(int scale)
{
    int64_t power = 1;
    ASSERT(scale >= 0 && scale <= 18);
    while (scale-- > 0)
        power *= 10;
    return power;
}

/* Adopt the vector's scale if the unit has none; do they agree? */
static bool scale_fits(struct unit *unit, int scale)
{
    if (unit->scale < 0)
        unit->scale = scale;
    return unit->scale == scale;
}

/* Of another scale: what is integral stays exact, so that a sum of INTEGERs is one. */
static inline void add_decimal(struct sum_real *s, bool fits, int128 codes, int64_t power)
{
    if (fits)
        s->decimal += codes;
    else if (codes % power == 0)
        s->integer += codes / power;
    else
        add_real(s, (double)codes / (double)power);
}

static int128 sum_codes(const struct vector *v, const uint64_t *mask, size_t n)
{
    uint64_t codes = 0;
    const struct kernels *k = kernels();
    if (v->code_width == 1)
        k->sum_u8(v->data, v->count, mask, &codes);
    else if (v->code_width == 2)
        k->sum_u16(v->data, v->count, mask, &codes);
    else
        k->sum_u32(v->data, v->count, mask, &codes);
    return (int128)v->base * (int128)n + (int128)codes;
}

/* Does a code of these rows stand for a REAL, that is, is it not divisible by 10^scale? */
static bool any_real(const struct vector *v, const uint64_t *mask, const int64_t *codes,
                     int64_t power)
{
    if (power == 1)
        return false;
    for (uint32_t i = 0; i < v->count; i++)
        if ((!mask || bit_get(mask, i)) && codes[i] % power != 0)
            return true;
    return false;
}

static double codes_peak(const struct vector *v)
{
    double largest = v->code_width == 1 ? 255.0 : v->code_width == 2 ? 65535.0 : 4294967295.0;
    double base = (double)v->base;
    return fmax(fabs(base), fabs(base + largest));
}

static bool is_decimal(const struct vector *v)
{
    return v->form == VF_CODES && v->code_width <= 4;
}

static yoda_status decimal_masked(struct unit *unit, const struct grouping *grouping,
                                  const struct vector *v, const uint64_t *keep,
                                  struct arena *scratch, yoda_error *err)
{
    struct sum_real *states = unit_states(unit);
    int64_t power = power_of_ten(v->scale), *codes = NULL;
    bool fits = scale_fits(unit, v->scale);
    uint64_t buffer[VECTOR_WORDS + 1];
    for (uint32_t g = 0; g < grouping->groups; g++) {
        size_t n;
        struct sum_real *s = &states[g];
        const uint64_t *mask = grouping_rows(grouping, g, keep, buffer, &n);
        if (n == 0)
            continue;
        add_decimal(s, fits, sum_codes(v, mask, n), power);
        s->count += n;
        if (v->type == VT_REAL)
            s->real = true;
        else
            s->magnitude += (double)n * codes_peak(v) / (double)power;
        if (s->real || power == 1)
            continue;
        if (!codes) {
            codes = arena_array(scratch, int64_t, v->count + 8);
            if (!codes)
                return run_nomem(err, "aggregating");
            vector_widen(v, codes);
        }
        s->real = any_real(v, mask, codes, power);
    }
    return YODA_OK;
}

/* Which groups got a REAL among codes of REALs and INTEGERs. */
static yoda_status note_reals(struct sum_real *states, const struct grouping *grouping,
                              const struct vector *v, const uint64_t *keep, struct arena *scratch,
                              yoda_error *err)
{
    int64_t power = power_of_ten(v->scale), *codes = arena_array(scratch, int64_t, v->count + 8);
    if (!codes)
        return run_nomem(err, "aggregating");
    vector_widen(v, codes);
    for (uint32_t i = 0; i < v->count; i++) {
        struct sum_real *s = &states[grouping->ids[i]];
        if (!s->real && (!keep || bit_get(keep, i)))
            s->real = codes[i] % power != 0;
    }
    return YODA_OK;
}

static void sum_real_fold(struct unit *unit, const struct tally_totals *totals)
{
    const struct vector *v = totals->codes;
    int64_t power = power_of_ten(v->scale);
    bool fits = scale_fits(unit, v->scale), real = v->type == VT_REAL;
    double peak = real ? 0 : codes_peak(v) / (double)power;
    ASSERT(totals->first + totals->count <= unit->groups);
    for (uint32_t i = 0; i < totals->count; i++) {
        struct sum_real *s = (struct sum_real *)unit_states(unit) + totals->first + i;
        uint64_t n = totals->counts[i];
        if (n == 0)
            continue;
        add_decimal(s, fits, (int128)v->base * (int128)n + (int128)totals->sums[i], power);
        s->magnitude += (double)n * peak;
        s->count += n;
        s->real |= real;
    }
}

/* The usual case: REALs of the unit's scale, every row. */
static void add_codes(struct sum_real *states, const struct grouping *grouping,
                      const int64_t *codes)
{
    for (uint32_t i = 0; i < grouping->rows; i++) {
        struct sum_real *s = &states[grouping->ids[i]];
        s->decimal += codes[i];
        s->count++;
        s->real = true;
    }
}

static yoda_status decimal_scattered(struct unit *unit, const struct grouping *grouping,
                                     const struct vector *v, const uint64_t *keep,
                                     struct arena *scratch, yoda_error *err)
{
    struct sum_real *states = unit_states(unit);
    int64_t power = power_of_ten(v->scale), *codes = arena_array(scratch, int64_t, v->count + 8);
    bool fits = scale_fits(unit, v->scale), real = v->type == VT_REAL;
    double peak = real ? 0 : codes_peak(v) / (double)power;
    if (!codes)
        return run_nomem(err, "aggregating");
    vector_widen(v, codes);
    if (fits && real && !keep) {
        add_codes(states, grouping, codes);
        return YODA_OK;
    }
    for (uint32_t i = 0; i < v->count; i++) {
        if (keep && !bit_get(keep, i))
            continue;
        struct sum_real *s = &states[grouping->ids[i]];
        add_decimal(s, fits, codes[i], power);
        s->magnitude += peak;
        s->count++;
        if (!s->real)
            s->real = real || codes[i] % power != 0;
    }
    return YODA_OK;
}

static yoda_status decimal_update(struct unit *unit, const struct grouping *grouping,
                                  const struct vector *v, const uint64_t *keep,
                                  struct arena *scratch, yoda_error *err)
{
    bool taken;
    if (grouping->masked)
        return decimal_masked(unit, grouping, v, keep, scratch, err);
    scale_fits(unit, v->scale);
    TRY(tally_codes(unit, grouping, v, keep, &taken, err));
    if (!taken)
        return decimal_scattered(unit, grouping, v, keep, scratch, err);
    return v->type == VT_REAL || v->scale == 0
               ? YODA_OK
               : note_reals(unit_states(unit), grouping, v, keep, scratch, err);
}

/* The doubles among the rows of a mask, then the INTEGERs (none in a REAL vector). */
static void flat_group(struct sum_real *s, const struct vector *v, const uint64_t *reals,
                       const uint64_t *integers, size_t real_count, size_t integer_count)
{
    if (real_count) {
        double sum = 0, absolute = 0;
        kernels()->sum_f64(v->data, v->count, reals, &sum, &absolute);
        add_real(s, sum);
        s->real = true;
    }
    if (integer_count) {
        int128 positive = 0, negative = 0;
        kernels()->sum_i64(v->data, v->count, integers, &positive, &negative);
        s->integer += positive + negative;
        s->magnitude += (double)positive - (double)negative;
    }
    s->count += real_count + integer_count;
}

static void flat_masked(struct unit *unit, const struct grouping *grouping, const struct vector *v,
                        const uint64_t *keep)
{
    struct sum_real *states = unit_states(unit);
    const struct kernels *k = kernels();
    uint64_t rows[VECTOR_WORDS + 8], reals[VECTOR_WORDS + 8], integers[VECTOR_WORDS + 8];
    size_t words = BITMAP_WORDS(v->count);
    for (uint32_t g = 0; g < grouping->groups; g++) {
        size_t n;
        const uint64_t *mask = grouping_rows(grouping, g, keep, rows, &n);
        if (n == 0)
            continue;
        if (v->type == VT_REAL) {
            flat_group(&states[g], v, mask, NULL, n, 0);
        } else if (!v->reals) {
            flat_group(&states[g], v, NULL, mask, 0, n);
        } else {
            if (!mask) {
                bitmap_fill(rows, v->count);
                mask = rows;
            }
            k->and_words(mask, v->reals, words, reals);
            k->andnot_words(mask, v->reals, words, integers);
            size_t real_count = k->count_words(reals, words);
            flat_group(&states[g], v, reals, integers, real_count, n - real_count);
        }
    }
}

static void add_row(struct sum_real *s, const struct vector *v, uint32_t i)
{
    if (v->type == VT_REAL || (v->reals && bit_get(v->reals, i))) {
        add_real(s, ((const double *)v->data)[i]);
        s->real = true;
    } else {
        int64_t x = ((const int64_t *)v->data)[i];
        s->integer += x;
        s->magnitude += fabs((double)x);
    }
    s->count++;
}

static yoda_status sum_real_update(struct unit *unit, const struct grouping *grouping,
                                   const struct vector *args, const uint64_t *filter,
                                   struct arena *scratch, yoda_error *err)
{
    const struct vector *v = &args[0];
    const uint64_t *keep;
    if (v->type == VT_NULL)
        return YODA_OK;
    if (v->type != VT_INT && v->type != VT_REAL && v->type != VT_NUM)
        return fail(err, YODA_NOT_COLUMNAR, "a sum of numbers met another type");
    TRY(vector_present(v, filter, scratch, &keep, err));
    struct vector coded = *v, flat;
    if (!grouping->masked) /* kernels add doubles faster than codes are made of them */
        TRY(real_codes_of(v, unit->scale, &unit->misfits, scratch, &coded, err));
    if (is_decimal(&coded) && v->type != VT_INT)
        return decimal_update(unit, grouping, &coded, keep, scratch, err);
    TRY(flat_vector_as(v, v->type, scratch, &flat, err));
    if (grouping->masked) {
        flat_masked(unit, grouping, &flat, keep);
        return YODA_OK;
    }
    struct sum_real *states = unit_states(unit);
    for (uint32_t i = 0; i < flat.count; i++)
        if (!keep || bit_get(keep, i))
            add_row(&states[grouping->ids[i]], &flat, i);
    return YODA_OK;
}

/* ---- Decimal expressions ---- */

/* The sum of each group's numbers: none can overflow. */
static void sum_groups(const struct grouping *grouping, const int64_t *numbers,
                       const uint64_t *keep, int64_t *totals)
{
    if (grouping->groups == 1) {
        int128 positive, negative;
        kernels()->sum_i64(numbers, grouping->rows, keep, &positive, &negative);
        totals[0] = (int64_t)(positive + negative);
        return;
    }
    int64_t lanes[4][GROUPS_MASKED] = {{0}}; /* several: no addition waits for another */
    const uint32_t *ids = grouping->ids;
    uint32_t i = 0, rows = grouping->rows;
    for (; i + 4 <= rows; i += 4) {
        lanes[0][ids[i]] += numbers[i];
        lanes[1][ids[i + 1]] += numbers[i + 1];
        lanes[2][ids[i + 2]] += numbers[i + 2];
        lanes[3][ids[i + 3]] += numbers[i + 3];
    }
    for (; i < rows; i++)
        lanes[0][ids[i]] += numbers[i];
    for (size_t w = 0; keep && w < BITMAP_WORDS(rows); w++) { /* take out what does not count */
        uint64_t out = ~keep[w];
        if (w == rows / 64)
            out &= (UINT64_C(1) << (rows % 64)) - 1;
        for (; out; out &= out - 1) {
            uint32_t row = (uint32_t)w * 64 + bits_lowest(out);
            lanes[0][ids[row]] -= numbers[row];
        }
    }
    for (uint32_t g = 0; g < grouping->groups; g++)
        totals[g] = lanes[0][g] + lanes[1][g] + lanes[2][g] + lanes[3][g];
}

static double decimal_peak(const struct decimal *d)
{
    double peak = fmax(fabs((double)d->low), fabs((double)d->high));
    return peak / (double)power_of_ten(d->scale);
}

static void exact_masked(struct unit *unit, const struct grouping *grouping,
                         const struct decimal *nodes, const struct decimal *d, const uint64_t *keep)
{
    struct sum_real *states = unit_states(unit);
    int64_t totals[GROUPS_MASKED], power = power_of_ten(d->scale);
    bool fits = scale_fits(unit, d->scale);
    double peak = d->real ? 0 : decimal_peak(d);
    uint64_t rows[VECTOR_WORDS + 1];
    sum_groups(grouping, d->numbers, keep, totals);
    for (uint32_t g = 0; g < grouping->groups; g++) {
        size_t n;
        struct sum_real *s = &states[g];
        const uint64_t *mask = grouping_rows(grouping, g, keep, rows, &n);
        if (n == 0)
            continue;
        add_decimal(s, fits, totals[g], power);
        s->magnitude += (double)n * peak;
        s->count += n;
        if (!s->real)
            s->real = decimal_any_real(nodes, d, mask, grouping->rows);
    }
}

static yoda_status exact_tallied(struct unit *unit, const struct grouping *grouping,
                                 const struct decimal *nodes, const struct decimal *d,
                                 const uint64_t *keep, struct arena *scratch, yoda_error *err)
{
    struct sum_real *states = unit_states(unit);
    struct tally_numbers tally;
    int64_t power = power_of_ten(d->scale);
    bool fits = scale_fits(unit, d->scale);
    double peak = d->real ? 0 : decimal_peak(d);
    TRY(tally_numbers(grouping, d->numbers, keep, scratch, &tally, err));
    for (uint32_t g = 0; g < grouping->groups; g++) {
        if (tally.counts[g] == 0)
            continue;
        add_decimal(&states[g], fits, tally.sums[g], power);
        states[g].magnitude += tally.counts[g] * peak;
        states[g].count += tally.counts[g];
        states[g].real |= d->real;
    }
    for (uint32_t i = 0; !d->real && d->unsure && i < grouping->rows; i++) {
        struct sum_real *s = &states[grouping->ids[i]];
        if (!s->real && (!keep || bit_get(keep, i)))
            s->real = decimal_is_real(nodes, d, i);
    }
    return YODA_OK;
}

static void exact_scattered(struct unit *unit, const struct grouping *grouping,
                            const struct decimal *nodes, const struct decimal *d,
                            const uint64_t *keep)
{
    struct sum_real *states = unit_states(unit);
    int64_t power = power_of_ten(d->scale);
    bool fits = scale_fits(unit, d->scale);
    double peak = d->real ? 0 : decimal_peak(d);
    for (uint32_t i = 0; i < grouping->rows; i++) {
        if (keep && !bit_get(keep, i))
            continue;
        struct sum_real *s = &states[grouping->ids[i]];
        add_decimal(s, fits, d->numbers[i], power);
        s->magnitude += peak;
        s->count++;
        if (!s->real)
            s->real = decimal_is_real(nodes, d, i);
    }
}

static yoda_status sum_real_update_decimal(struct unit *unit, const struct grouping *grouping,
                                           const struct decimal *nodes, uint32_t at,
                                           const uint64_t *filter, struct arena *scratch,
                                           yoda_error *err)
{
    const struct decimal *d = &nodes[at];
    const struct vector numbers = {.type = VT_INT, .count = grouping->rows, .nulls = d->nulls};
    const uint64_t *keep;
    ASSERT(d->exact && d->numbers);
    TRY(vector_present(&numbers, filter, scratch, &keep, err));
    if (tally_pays(grouping))
        return exact_tallied(unit, grouping, nodes, d, keep, scratch, err);
    if (grouping->masked)
        exact_masked(unit, grouping, nodes, d, keep);
    else
        exact_scattered(unit, grouping, nodes, d, keep);
    return YODA_OK;
}

/* ---- Whole chunks ---- */

/* REALs some of which are whole, beside INTEGERs of other chunks, are read as doubles. */
static bool sum_real_knows(const struct unit_spec *spec, const struct chunk *chunk)
{
    struct chunk_sum sum;
    bool whole_reals = chunk_classes(chunk) & CLASS_INTEGRAL_REAL;
    return chunk_sum(chunk, &sum) && !(whole_reals && spec->aggregate->arg->type == VT_NUM);
}

static yoda_status sum_real_absorb(struct unit *unit, const struct chunk *chunk, uint32_t rows,
                                   yoda_error *err)
{
    struct sum_real *s = unit_states(unit);
    struct chunk_sum sum;
    YODA_UNUSED(rows), YODA_UNUSED(err);
    if (!chunk_sum(chunk, &sum) || sum.count == 0)
        return YODA_OK;
    int64_t power = power_of_ten(sum.scale);
    if (sum.real)
        add_decimal(s, scale_fits(unit, sum.scale), sum.total, power);
    else
        s->integer += sum.total;
    if (chunk_classes(chunk) & CLASS_INTEGER)
        s->magnitude += sum.magnitude / (double)power;
    s->count += sum.count;
    s->real |= sum.real;
    return YODA_OK;
}

static yoda_status sum_real_combine(struct unit *unit, struct unit *from,
                                    const struct group_pairs *pairs, yoda_error *err)
{
    YODA_UNUSED(err);
    struct sum_real *to_states = unit_states(unit);
    const struct sum_real *from_states = unit_states(from);
    bool fits = from->scale < 0 || scale_fits(unit, from->scale);
    int64_t power = from->scale < 0 ? 1 : power_of_ten(from->scale);
    for (uint32_t i = 0; i < pairs->count; i++) {
        const struct sum_real *s = &from_states[pairs->from[i]];
        struct sum_real *to = &to_states[pairs->to[i]];
        if (s->decimal != 0)
            add_decimal(to, fits, s->decimal, power);
        to->integer += s->integer;
        add_real(to, s->sum);
        to->rest += s->rest;
        to->magnitude += s->magnitude;
        to->count += s->count;
        to->real |= s->real;
    }
    return YODA_OK;
}

/* All parts together, rounded once or twice. */
static double sum_total(const struct unit *unit, const struct sum_real *s)
{
    struct sum_real all = {.sum = s->sum, .rest = s->rest};
    if (s->integer != 0)
        add_real(&all, (double)s->integer);
    if (s->decimal != 0) /* 64 bits of precision first: the quotient is rounded nearly once */
        add_real(&all, (double)((long double)s->decimal / (long double)power_of_ten(unit->scale)));
    return all.sum + all.rest;
}

static yoda_status sum_value(const struct unit *unit, const struct sum_real *s,
                             const struct aggregate *aggregate, struct value *out, yoda_error *err)
{
    if (s->count == 0) {
        *out = aggregate->kind == AGG_TOTAL ? value_real(0.0) : value_null();
        return YODA_OK;
    }
    double total = sum_total(unit, s);
    if (!isfinite(total))
        return fail(err, YODA_NOT_COLUMNAR, "a sum that is not finite");
    if (aggregate->kind == AGG_AVG) {
        *out = value_real(total / (double)s->count);
    } else if (aggregate->kind == AGG_TOTAL) {
        *out = value_real(total);
    } else if (s->magnitude > MAGNITUDE_MAX) {
        return fail(err, YODA_NOT_COLUMNAR, "SUM may overflow");
    } else if (s->real) {
        *out = value_real(total);
    } else {
        int128 decimal = unit->scale > 0 ? s->decimal / power_of_ten(unit->scale) : s->decimal;
        *out = value_int((int64_t)(s->integer + decimal));
    }
    return YODA_OK;
}

static yoda_status sum_real_result(const struct unit *unit, const struct aggregate *aggregate,
                                   uint32_t first, uint32_t rows, struct arena *arena,
                                   struct vector *out, yoda_error *err)
{
    const struct sum_real *states = unit_states(unit);
    struct flat_builder b;
    ASSERT(first + rows <= unit->groups);
    TRY(flat_builder_init(&b, arena, aggregate->type, rows, err));
    for (uint32_t i = 0; i < rows; i++) {
        struct value value;
        TRY(sum_value(unit, &states[first + i], aggregate, &value, err));
        TRY(flat_builder_set(&b, i, &value, err));
    }
    flat_builder_finish(&b, out);
    return YODA_OK;
}

const struct unit_type unit_sum_real = {.state_size = sizeof(struct sum_real),
                                        .update = sum_real_update,
                                        .update_decimal = sum_real_update_decimal,
                                        .fold = sum_real_fold,
                                        .knows = sum_real_knows,
                                        .absorb = sum_real_absorb,
                                        .combine = sum_real_combine,
                                        .result = sum_real_result};
