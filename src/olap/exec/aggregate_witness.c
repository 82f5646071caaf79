/*
 * aggregate_witness.c -- MIN or MAX with bare columns: the values of the row where it was found.
 *
 * State, by group: [arg_count] bests: the winning value, then the bare values of its row. A tie
 * between rows whose bare values differ is ambiguous (SQLite keeps the row its scan met first), as
 * is a group without any winner; both are SQLite's to answer.
 */
#include "olap/exec/aggregate_unit.h"
#include "olap/exec/flat_vector.h"
#include "olap/exec/pipeline.h"

static struct best *witness(const struct unit *unit, uint32_t group)
{
    return (struct best *)unit_states(unit) + (size_t)group * unit->spec->arg_count;
}

/* Offer a row: its value and [arg_count - 1] bare values. */
static yoda_status offer_row(struct unit *unit, uint32_t group, const struct value *row,
                             bool ambiguous, yoda_error *err)
{
    struct best *states = witness(unit, group);
    int outcome;
    TRY(best_offer(&states[0], &row[0], unit->spec->aggregate, unit->arena, &outcome, err));
    if (outcome < 0)
        return YODA_OK;
    for (uint32_t a = 1; a < unit->spec->arg_count; a++) {
        if (outcome > 0) {
            TRY(best_set(&states[a], &row[a], unit->arena, err));
            continue;
        }
        struct value kept = best_value(&states[a]);
        if (!value_identical(&kept, &row[a]))
            states[0].ambiguous = 1;
    }
    if (ambiguous)
        states[0].ambiguous = 1;
    return YODA_OK;
}

static yoda_status witness_update(struct unit *unit, const struct grouping *grouping,
                                  const struct vector *args, const uint64_t *filter,
                                  struct arena *scratch, yoda_error *err)
{
    uint32_t n = unit->spec->arg_count;
    struct vector *flat = arena_array(scratch, struct vector, n);
    struct value *row = arena_array(scratch, struct value, n);
    const uint64_t *keep;
    if (!flat || !row)
        return run_nomem(err, "aggregating");
    TRY(vector_present(&args[0], filter, scratch, &keep, err));
    for (uint32_t a = 0; a < n; a++)
        TRY(flat_vector_as(&args[a], args[a].type, scratch, &flat[a], err));
    for (uint32_t i = 0; i < grouping->rows; i++) {
        if (keep && !bit_get(keep, i))
            continue;
        for (uint32_t a = 0; a < n; a++)
            row[a] = flat_vector_value(&flat[a], i);
        TRY(offer_row(unit, grouping->ids[i], row, false, err));
    }
    return YODA_OK;
}

static yoda_status witness_combine(struct unit *unit, struct unit *from,
                                   const struct group_pairs *pairs, yoda_error *err)
{
    struct value row[64];
    uint32_t n = unit->spec->arg_count;
    if (n > COUNT_OF(row))
        return fail(err, YODA_NOT_COLUMNAR, "more than %zu bare columns", COUNT_OF(row) - 1);
    for (uint32_t i = 0; i < pairs->count; i++) {
        const struct best *states = witness(from, pairs->from[i]);
        if (!states[0].type)
            continue;
        for (uint32_t a = 0; a < n; a++)
            row[a] = best_value(&states[a]);
        TRY(offer_row(unit, pairs->to[i], row, states[0].ambiguous, err));
    }
    return YODA_OK;
}

/* Which state an aggregate reads: 0 for the MIN or MAX, else its bare column. */
static uint32_t column_of(const struct unit *unit, const struct aggregate *aggregate)
{
    for (uint32_t a = 1; a < unit->spec->arg_count; a++)
        if (unit->spec->bare[a - 1] == aggregate)
            return a;
    ASSERT(aggregate->kind != AGG_BARE);
    return 0;
}

static yoda_status witness_result(const struct unit *unit, const struct aggregate *aggregate,
                                  uint32_t first, uint32_t rows, struct arena *arena,
                                  struct vector *out, yoda_error *err)
{
    struct flat_builder b;
    uint32_t column = column_of(unit, aggregate);
    TRY(flat_builder_init(&b, arena, aggregate->type, rows, err));
    for (uint32_t i = 0; i < rows; i++) {
        const struct best *states = witness(unit, first + i);
        if (!states[0].type)
            return fail(err, YODA_NOT_COLUMNAR, "a bare column beside a MIN or MAX of no value");
        if (states[0].ambiguous)
            return fail(err, YODA_NOT_COLUMNAR, "a bare column beside a tied MIN or MAX");
        TRY(best_check(&states[0], unit->spec->aggregate, err));
        struct value value = best_value(&states[column]);
        TRY(flat_builder_set(&b, i, &value, err));
    }
    flat_builder_finish(&b, out);
    return YODA_OK;
}

const struct unit_type unit_witness = {.state_size = sizeof(struct best),
                                       .update = witness_update,
                                       .combine = witness_combine,
                                       .result = witness_result};
