/*
 * aggregate_distinct.c -- COUNT, SUM, ... (DISTINCT x).
 *
 * While rows come in only the set of (group, value) pairs grows; threads' sets are merged with
 * their groups renumbered. In the end every pair is given once to a plain unit, which has the
 * result. COUNT shows no value, so its set folds what SQLite calls equal; the others must not meet
 * values that are equal but not identical (the set refuses them).
 */
#include "olap/exec/aggregate_unit.h"
#include "olap/exec/flat_vector.h"
#include "olap/exec/pipeline.h"

#include <string.h>

static yoda_status make_set(struct unit *unit, yoda_error *err)
{
    const struct aggregate *aggregate = unit->spec->aggregate;
    struct group_key keys[2] = {{VT_INT, COLLATE_BINARY},
                                {aggregate->arg->type, aggregate->collation}};
    bool grouped = unit->spec->grouped;
    unit->seen = mem_calloc(1, sizeof *unit->seen);
    if (!unit->seen)
        return fail_nomem(err, sizeof *unit->seen);
    return group_table_init(unit->seen, grouped ? keys : keys + 1, grouped ? 2 : 1,
                            aggregate->kind == AGG_COUNT ? GROUP_FOLD : GROUP_STRICT,
                            unit->budget, err);
}

/* Add pairs: groups [rows], values of `rows` rows, none NULL. */
static yoda_status add_pairs(struct unit *unit, const int64_t *groups, const struct vector *values,
                             struct arena *scratch, yoda_error *err)
{
    struct vector keys[2] = {
        {.type = VT_INT, .form = VF_FLAT, .count = values->count, .data = groups}, *values};
    uint32_t *ids = arena_array(scratch, uint32_t, values->count + 1);
    if (!ids)
        return run_nomem(err, "aggregating");
    if (!unit->seen)
        TRY(make_set(unit, err));
    return group_table_find(unit->seen, unit->spec->grouped ? keys : keys + 1, values->count, NULL,
                            scratch, ids, err);
}

static yoda_status distinct_update(struct unit *unit, const struct grouping *grouping,
                                   const struct vector *args, const uint64_t *filter,
                                   struct arena *scratch, yoda_error *err)
{
    const uint64_t *keep;
    if (args[0].type == VT_NULL)
        return YODA_OK;
    TRY(vector_present(&args[0], filter, scratch, &keep, err));
    int64_t *groups = arena_array(scratch, int64_t, grouping->rows + 8);
    uint16_t *sel = arena_alloc(scratch, VECTOR_ROWS * sizeof *sel + 64);
    if (!groups || !sel)
        return run_nomem(err, "aggregating");
    struct vector values = args[0];
    uint32_t n = grouping->rows;
    if (keep) {
        n = bitmap_to_selection(keep, grouping->rows, sel);
        if (n == 0)
            return YODA_OK;
        TRY(vector_gather(&args[0], sel, n, scratch, &values, err));
    }
    for (uint32_t i = 0; i < n; i++)
        groups[i] = grouping->ids[keep ? sel[i] : i];
    return add_pairs(unit, groups, &values, scratch, err);
}

/* Pairs [first, first + rows) of a set: group ids and values. */
static yoda_status read_pairs(const struct unit *unit, uint32_t first, uint32_t rows,
                              struct arena *arena, const int64_t **groups, struct vector *values,
                              yoda_error *err)
{
    bool grouped = unit->spec->grouped;
    struct vector ids;
    TRY(group_table_keys(unit->seen, grouped ? 1 : 0, first, rows, arena, values, err));
    if (grouped) {
        TRY(group_table_keys(unit->seen, 0, first, rows, arena, &ids, err));
        *groups = ids.data;
        return YODA_OK;
    }
    *groups = arena_array(arena, int64_t, rows + 8);
    return *groups ? YODA_OK : run_nomem(err, "aggregating");
}

/* Merge one batch of pairs whose groups map[] knows. */
static yoda_status merge_pairs(struct unit *unit, const struct unit *from, uint32_t first,
                               uint32_t rows, const uint32_t *map, struct arena *scratch,
                               yoda_error *err)
{
    const int64_t *groups;
    struct vector values, some;
    TRY(read_pairs(from, first, rows, scratch, &groups, &values, err));
    int64_t *renumbered = arena_array(scratch, int64_t, rows + 8);
    uint16_t *sel = arena_alloc(scratch, VECTOR_ROWS * sizeof *sel + 64);
    if (!renumbered || !sel)
        return run_nomem(err, "aggregating");
    uint32_t n = 0;
    for (uint32_t i = 0; i < rows; i++) {
        if (map[groups[i]] == UINT32_MAX)
            continue;
        renumbered[n] = map[groups[i]];
        sel[n++] = (uint16_t)i;
    }
    if (n == 0)
        return YODA_OK;
    TRY(vector_gather(&values, sel, n, scratch, &some, err));
    return add_pairs(unit, renumbered, &some, scratch, err);
}

static yoda_status distinct_combine(struct unit *unit, struct unit *from,
                                    const struct group_pairs *pairs, yoda_error *err)
{
    if (!from->seen)
        return YODA_OK;
    uint32_t *map = mem_alloc(((size_t)pairs->from_groups + 1) * sizeof *map);
    if (!map)
        return fail_nomem(err, pairs->from_groups * sizeof *map);
    memset(map, 0xff, ((size_t)pairs->from_groups + 1) * sizeof *map);
    for (uint32_t i = 0; i < pairs->count; i++)
        map[pairs->from[i]] = pairs->to[i];
    struct arena scratch;
    arena_init(&scratch, unit->budget);
    yoda_status status = YODA_OK;
    for (uint32_t at = 0; status == YODA_OK && at < from->seen->count; at += VECTOR_ROWS) {
        uint32_t left = from->seen->count - at;
        arena_reset(&scratch);
        status = merge_pairs(unit, from, at, left < VECTOR_ROWS ? left : VECTOR_ROWS, map,
                             &scratch, err);
    }
    arena_deinit(&scratch);
    mem_free(map);
    return status;
}

static yoda_status give_pairs(struct unit *unit, uint32_t first, uint32_t rows,
                              struct arena *scratch, yoda_error *err)
{
    const int64_t *groups;
    struct vector values;
    TRY(read_pairs(unit, first, rows, scratch, &groups, &values, err));
    uint32_t *ids = arena_array(scratch, uint32_t, rows + 1);
    if (!ids)
        return run_nomem(err, "aggregating");
    for (uint32_t i = 0; i < rows; i++)
        ids[i] = (uint32_t)groups[i];
    struct grouping grouping = {.rows = rows, .groups = unit->groups, .ids = ids};
    return unit->inner->spec->type->update(unit->inner, &grouping, &values, NULL, scratch, err);
}

static yoda_status distinct_settle(struct unit *unit, yoda_error *err)
{
    struct unit_spec *spec = arena_new(unit->arena, struct unit_spec);
    unit->inner = mem_calloc(1, sizeof *unit->inner);
    if (!unit->inner || !spec)
        return run_nomem(err, "aggregating");
    *spec = *unit->spec;
    spec->type = unit_plain_type(unit->spec->aggregate);
    TRY(unit_init(unit->inner, spec, unit->arena, unit->budget, err));
    TRY(unit_grow(unit->inner, unit->groups, err));
    struct arena scratch;
    arena_init(&scratch, unit->budget);
    yoda_status status = YODA_OK;
    uint32_t count = unit->seen ? unit->seen->count : 0;
    for (uint32_t at = 0; status == YODA_OK && at < count; at += VECTOR_ROWS) {
        arena_reset(&scratch);
        status = give_pairs(unit, at, count - at < VECTOR_ROWS ? count - at : VECTOR_ROWS,
                            &scratch, err);
    }
    arena_deinit(&scratch);
    return status;
}

static yoda_status distinct_result(const struct unit *unit, const struct aggregate *aggregate,
                                   uint32_t first, uint32_t rows, struct arena *arena,
                                   struct vector *out, yoda_error *err)
{
    ASSERT(unit->inner);
    return unit->inner->spec->type->result(unit->inner, aggregate, first, rows, arena, out, err);
}

static void distinct_deinit(struct unit *unit)
{
    if (unit->seen)
        group_table_deinit(unit->seen);
    mem_free(unit->seen);
    if (unit->inner && unit->inner->spec)
        unit_deinit(unit->inner);
    mem_free(unit->inner);
}

const struct unit_type unit_distinct = {.state_size = 1,
                                        .update = distinct_update,
                                        .combine = distinct_combine,
                                        .settle = distinct_settle,
                                        .result = distinct_result,
                                        .deinit = distinct_deinit};
