/*
 * aggregate_count.c -- COUNT(*) and COUNT(x): rows by group.
 */
#include "olap/exec/aggregate_unit.h"
#include "olap/exec/flat_vector.h"

static yoda_status count_update(struct unit *unit, const struct grouping *grouping,
                                const struct vector *args, const uint64_t *filter,
                                struct arena *scratch, yoda_error *err)
{
    uint64_t *states = unit_states(unit), buffer[VECTOR_WORDS + 1];
    const uint64_t *keep = filter;
    if (unit->spec->arg_count)
        TRY(vector_present(&args[0], filter, scratch, &keep, err));
    if (grouping->masked) {
        for (uint32_t g = 0; g < grouping->groups; g++) {
            size_t n;
            grouping_rows(grouping, g, keep, buffer, &n);
            states[g] += n;
        }
        return YODA_OK;
    }
    bool taken;
    TRY(tally_rows(unit, grouping, keep, &taken, err));
    if (taken)
        return YODA_OK;
    const uint32_t *ids = grouping->ids;
    for (uint32_t i = 0; !keep && i < grouping->rows; i++)
        states[ids[i]]++;
    for (uint32_t i = 0; keep && i < grouping->rows; i++)
        states[ids[i]] += bit_get(keep, i);
    return YODA_OK;
}

static yoda_status count_absorb(struct unit *unit, const struct chunk *chunk, uint32_t rows,
                                yoda_error *err)
{
    uint64_t *states = unit_states(unit);
    YODA_UNUSED(err);
    states[0] += rows - (chunk ? chunk_zone(chunk, UINT32_MAX).null_count : 0);
    return YODA_OK;
}

static void count_fold(struct unit *unit, const struct tally_totals *totals)
{
    uint64_t *states = unit_states(unit);
    ASSERT(totals->first + totals->count <= unit->groups);
    for (uint32_t i = 0; i < totals->count; i++)
        states[totals->first + i] += totals->counts[i];
}

static yoda_status count_combine(struct unit *unit, struct unit *from,
                                 const struct group_pairs *pairs, yoda_error *err)
{
    YODA_UNUSED(err);
    uint64_t *to_states = unit_states(unit);
    const uint64_t *from_states = unit_states(from);
    for (uint32_t i = 0; i < pairs->count; i++)
        to_states[pairs->to[i]] += from_states[pairs->from[i]];
    return YODA_OK;
}

static yoda_status count_result(const struct unit *unit, const struct aggregate *aggregate,
                                uint32_t first, uint32_t rows, struct arena *arena,
                                struct vector *out, yoda_error *err)
{
    YODA_UNUSED(aggregate), YODA_UNUSED(arena), YODA_UNUSED(err);
    ASSERT(first + rows <= unit->groups);
    const uint64_t *states = unit_states(unit);
    *out = (struct vector){
        .type = VT_INT, .form = VF_FLAT, .count = rows, .data = states + first};
    return YODA_OK;
}

const struct unit_type unit_count = {.state_size = sizeof(uint64_t),
                                     .update = count_update,
                                     .fold = count_fold,
                                     .absorb = count_absorb,
                                     .combine = count_combine,
                                     .result = count_result};
