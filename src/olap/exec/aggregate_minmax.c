/*
 * aggregate_minmax.c -- MIN and MAX.
 *
 *   masked, INTEGER / REAL         the minmax kernels
 *   masked, dictionary / ISO text  the smallest or largest code: codes are in value order (BINARY)
 *   scattered, INTEGER / REAL      typed loops over the states
 *   the rest                       value by value
 */
#include "olap/exec/aggregate_unit.h"
#include "olap/exec/flat_vector.h"
#include "olap/exec/pipeline.h"
#include "olap/kernel/kernel.h"

struct batch_args { /* one update */
    struct unit *unit;
    const struct grouping *grouping;
    const struct vector *v;
    const uint64_t *keep;
    struct arena *scratch;
};

static yoda_status offer(const struct batch_args *b, uint32_t group, struct value value,
                         yoda_error *err)
{
    int outcome;
    struct best *states = unit_states(b->unit);
    return best_offer(&states[group], &value, b->unit->spec->aggregate, b->unit->arena, &outcome,
                      err);
}

static bool is_min(const struct batch_args *b)
{
    return b->unit->spec->aggregate->kind == AGG_MIN;
}

/* The kernel's answer for a masked group; false when no row counts. */
static bool kernel_best(const struct vector *flat, const uint64_t *mask, bool min,
                        struct value *out)
{
    if (flat->type == VT_INT) {
        int64_t low, high;
        bool any = kernels()->minmax_i64(flat->data, flat->count, mask, &low, &high);
        *out = value_int(any ? (min ? low : high) : 0);
        return any;
    }
    double low, high;
    bool any = kernels()->minmax_f64(flat->data, flat->count, mask, &low, &high);
    *out = value_real(any ? (min ? low : high) : 0);
    return any;
}

static uint64_t code_at(const struct vector *v, uint32_t i)
{
    switch (v->code_width) {
    case 1:
        return ((const uint8_t *)v->data)[i];
    case 2:
        return ((const uint16_t *)v->data)[i];
    case 4:
        return ((const uint32_t *)v->data)[i];
    default:
        return ((const uint64_t *)v->data)[i];
    }
}

/* The row with the smallest or largest code; v->count when no row counts. */
static uint32_t best_code_row(const struct vector *v, const uint64_t *mask, bool min)
{
    uint32_t row = v->count;
    uint64_t best = 0;
    for (uint32_t i = 0; i < v->count; i++) {
        if (mask && !bit_get(mask, i))
            continue;
        uint64_t code = code_at(v, i);
        if (row == v->count || (min ? code < best : code > best))
            row = i, best = code;
    }
    return row;
}

static yoda_status coded_masked(const struct batch_args *b, yoda_error *err)
{
    uint64_t buffer[VECTOR_WORDS + 1];
    for (uint32_t g = 0; g < b->grouping->groups; g++) {
        size_t n;
        struct value value;
        const uint64_t *mask = grouping_rows(b->grouping, g, b->keep, buffer, &n);
        uint32_t row = n ? best_code_row(b->v, mask, is_min(b)) : b->v->count;
        if (row == b->v->count)
            continue;
        TRY(vector_value(b->v, row, b->scratch, &value, err));
        TRY(offer(b, g, value, err));
    }
    return YODA_OK;
}

static yoda_status numbers_masked(const struct batch_args *b, const struct vector *flat,
                                  yoda_error *err)
{
    uint64_t buffer[VECTOR_WORDS + 1];
    for (uint32_t g = 0; g < b->grouping->groups; g++) {
        size_t n;
        struct value value;
        const uint64_t *mask = grouping_rows(b->grouping, g, b->keep, buffer, &n);
        if (n && kernel_best(flat, mask, is_min(b), &value))
            TRY(offer(b, g, value, err));
    }
    return YODA_OK;
}

static void ints_scattered(const struct batch_args *b, const struct vector *flat)
{
    struct best *states = unit_states(b->unit);
    const int64_t *data = flat->data;
    bool min = is_min(b);
    for (uint32_t i = 0; i < flat->count; i++) {
        struct best *s = &states[b->grouping->ids[i]];
        if (b->keep && !bit_get(b->keep, i))
            continue;
        if (!s->type || (min ? data[i] < s->i : data[i] > s->i))
            s->i = data[i], s->type = YODA_INTEGER;
    }
}

static void reals_scattered(const struct batch_args *b, const struct vector *flat)
{
    struct best *states = unit_states(b->unit);
    const double *data = flat->data;
    bool min = is_min(b);
    for (uint32_t i = 0; i < flat->count; i++) {
        struct best *s = &states[b->grouping->ids[i]];
        if (b->keep && !bit_get(b->keep, i))
            continue;
        if (!s->type || (min ? data[i] < s->r : data[i] > s->r))
            s->r = data[i], s->type = YODA_REAL;
    }
}

static yoda_status values_scattered(const struct batch_args *b, const struct vector *flat,
                                    yoda_error *err)
{
    for (uint32_t i = 0; i < flat->count; i++)
        if (!b->keep || bit_get(b->keep, i))
            TRY(offer(b, b->grouping->ids[i], flat_vector_value(flat, i), err));
    return YODA_OK;
}

static yoda_status minmax_update(struct unit *unit, const struct grouping *grouping,
                                 const struct vector *args, const uint64_t *filter,
                                 struct arena *scratch, yoda_error *err)
{
    const struct aggregate *aggregate = unit->spec->aggregate;
    struct batch_args b = {unit, grouping, &args[0], NULL, scratch};
    if (args[0].type == VT_NULL)
        return YODA_OK;
    TRY(vector_present(&args[0], filter, scratch, &b.keep, err));
    bool coded = args[0].form == VF_DICT || args[0].form == VF_ISO;
    if (grouping->masked && coded && aggregate->collation == COLLATE_BINARY)
        return coded_masked(&b, err);
    struct vector flat;
    TRY(flat_vector_as(&args[0], args[0].type, scratch, &flat, err));
    bool number = flat.type == VT_INT || flat.type == VT_REAL;
    bool as_planned = flat.type == aggregate->arg->type;
    if (number && as_planned && grouping->masked)
        return numbers_masked(&b, &flat, err);
    if (number && as_planned) {
        if (flat.type == VT_INT)
            ints_scattered(&b, &flat);
        else
            reals_scattered(&b, &flat);
        return YODA_OK;
    }
    return values_scattered(&b, &flat, err);
}

static bool minmax_knows(const struct unit_spec *spec, const struct chunk *chunk)
{
    struct chunk_bounds bounds;
    if (chunk_zone(chunk, UINT32_MAX).kind == ZONE_EMPTY)
        return true;
    bool in_order =
        !(chunk_classes(chunk) & CLASS_TEXT) || spec->aggregate->collation == COLLATE_BINARY;
    return in_order && chunk_bounds(chunk, &bounds);
}

static yoda_status minmax_absorb(struct unit *unit, const struct chunk *chunk, uint32_t rows,
                                 yoda_error *err)
{
    struct best *states = unit_states(unit);
    const struct aggregate *aggregate = unit->spec->aggregate;
    struct chunk_bounds bounds;
    int outcome;
    YODA_UNUSED(rows);
    if (chunk_zone(chunk, UINT32_MAX).kind == ZONE_EMPTY || !chunk_bounds(chunk, &bounds))
        return YODA_OK;
    const struct value *value = aggregate->kind == AGG_MIN ? &bounds.min : &bounds.max;
    return best_offer(&states[0], value, aggregate, unit->arena, &outcome, err);
}

static yoda_status minmax_combine(struct unit *unit, struct unit *from,
                                  const struct group_pairs *pairs, yoda_error *err)
{
    struct best *to_states = unit_states(unit);
    const struct best *from_states = unit_states(from);
    for (uint32_t i = 0; i < pairs->count; i++) {
        const struct best *s = &from_states[pairs->from[i]];
        struct best *to = &to_states[pairs->to[i]];
        struct value value = best_value(s);
        int outcome;
        if (!s->type)
            continue;
        TRY(best_offer(to, &value, unit->spec->aggregate, unit->arena, &outcome, err));
        if (outcome >= 0)
            to->ambiguous |= s->ambiguous;
    }
    return YODA_OK;
}

static yoda_status minmax_result(const struct unit *unit, const struct aggregate *aggregate,
                                 uint32_t first, uint32_t rows, struct arena *arena,
                                 struct vector *out, yoda_error *err)
{
    const struct best *states = unit_states(unit);
    struct flat_builder b;
    ASSERT(first + rows <= unit->groups);
    TRY(flat_builder_init(&b, arena, aggregate->type, rows, err));
    for (uint32_t i = 0; i < rows; i++) {
        TRY(best_check(&states[first + i], aggregate, err));
        struct value value = best_value(&states[first + i]);
        TRY(flat_builder_set(&b, i, &value, err));
    }
    flat_builder_finish(&b, out);
    return YODA_OK;
}

const struct unit_type unit_minmax = {.state_size = sizeof(struct best),
                                      .update = minmax_update,
                                      .knows = minmax_knows,
                                      .absorb = minmax_absorb,
                                      .combine = minmax_combine,
                                      .result = minmax_result};
