/*
 * aggregation_facts.c -- whole segments taken in from their statistics, where every state can.
 *
 * Without keys and filters a state changes by what a segment's chunks know of themselves just as it
 * would by their rows: counts, exact sums, bounds. Either every aggregate takes a segment so or its
 * rows are read.
 */
#include "olap/exec/aggregation.h"

bool aggregation_takes_facts(const struct aggregation_plan *plan)
{
    bool takes = plan->key_count == 0;
    for (uint32_t u = 0; u < plan->unit_count; u++) {
        const struct unit_spec *spec = &plan->specs[u];
        takes &= spec->type->absorb && !spec->filter &&
                 (spec->arg_count == 0 || spec->aggregate->arg->kind == EXPR_INPUT);
    }
    return takes;
}

/* The chunk of the argument, NULL where there is none. */
static const struct chunk *chunk_of(const struct unit_spec *spec, const struct segment_facts *facts)
{
    const struct chunk *chunk = NULL;
    if (spec->arg_count) {
        chunk = facts->chunks[spec->aggregate->arg->slot];
        ASSERT(chunk);
    }
    return chunk;
}

bool aggregation_knows(const struct aggregation_plan *plan, const struct segment_facts *facts)
{
    for (uint32_t u = 0; u < plan->unit_count; u++) {
        const struct unit_spec *spec = &plan->specs[u];
        if (spec->type->knows && !spec->type->knows(spec, chunk_of(spec, facts)))
            return false;
    }
    return true;
}

yoda_status aggregation_absorb(struct aggregation *a, const struct segment_facts *facts,
                               yoda_error *err)
{
    ASSERT(a->groups == 1 && aggregation_knows(a->plan, facts));
    for (uint32_t u = 0; u < a->plan->unit_count; u++) {
        struct unit *unit = &a->units[u];
        TRY(unit->spec->type->absorb(unit, chunk_of(unit->spec, facts), facts->rows, err));
    }
    return YODA_OK;
}
