/*
 * aggregate_distinct.c -- COUNT, SUM, ... (DISTINCT x).
 *
 * While rows come in only the set of (group, value) pairs grows; threads' sets are merged with
 * their groups renumbered. In the end every pair is given once to a plain unit, which has the
 * result. COUNT shows no value, so its set folds what SQLite calls equal; the others must not meet
 * values that are equal but not identical (the set refuses them).
 *
 * A pair of a group and an INTEGER of 32 bits is packed into one word, for which the set has a
 * shorter way; the first wider INTEGER turns the set into one of two columns.
 */
#include "olap/exec/aggregate_unit.h"
#include "olap/exec/flat_vector.h"
#include "olap/exec/pipeline.h"
#include "olap/kernel/kernel.h"

#include <string.h>

static yoda_status make_set(struct unit *unit, bool packed, yoda_error *err)
{
    const struct aggregate *aggregate = unit->spec->aggregate;
    struct group_key keys[2] = {{VT_INT, COLLATE_BINARY},
                                {aggregate->arg->type, aggregate->collation}};
    bool both = unit->spec->grouped && !packed;
    unit->seen = mem_calloc(1, sizeof *unit->seen);
    if (!unit->seen)
        return fail_nomem(err, sizeof *unit->seen);
    unit->packed = packed;
    return group_table_init(unit->seen, both ? keys : keys + 1, both ? 2 : 1,
                            aggregate->kind == AGG_COUNT ? GROUP_FOLD : GROUP_STRICT,
                            unit->budget, err);
}

/* Words of a packed set: group ids and values. */
static yoda_status split_words(const struct vector *words, struct arena *arena,
                               const int64_t **groups, struct vector *values, yoda_error *err)
{
    const int64_t *in = words->data;
    int64_t *ids = arena_array(arena, int64_t, words->count + 8);
    int64_t *numbers = arena_array(arena, int64_t, words->count + 8);
    if (!ids || !numbers)
        return run_nomem(err, "aggregating");
    for (uint32_t i = 0; i < words->count; i++) {
        ids[i] = (int64_t)((uint64_t)in[i] >> 32);
        numbers[i] = (int32_t)(uint32_t)(uint64_t)in[i];
    }
    *groups = ids;
    *values = *words;
    values->data = numbers;
    return YODA_OK;
}

static yoda_status add_words(struct unit *unit, const int64_t *groups, const int64_t *values,
                             uint32_t rows, struct arena *scratch, yoda_error *err)
{
    uint32_t *ids = arena_array(scratch, uint32_t, rows + 1);
    int64_t *words = arena_array(scratch, int64_t, rows + 8);
    if (!ids || !words)
        return run_nomem(err, "aggregating");
    for (uint32_t i = 0; i < rows; i++)
        words[i] = (int64_t)((uint64_t)groups[i] << 32 | (uint32_t)values[i]);
    struct vector key = {.type = VT_INT, .form = VF_FLAT, .count = rows, .data = words};
    return group_table_find(unit->seen, &key, rows, NULL, scratch, ids, err);
}

static yoda_status add_columns(struct unit *unit, const int64_t *groups,
                               const struct vector *values, struct arena *scratch, yoda_error *err)
{
    struct vector keys[2] = {
        {.type = VT_INT, .form = VF_FLAT, .count = values->count, .data = groups}, *values};
    uint32_t *ids = arena_array(scratch, uint32_t, values->count + 1);
    if (!ids)
        return run_nomem(err, "aggregating");
    return group_table_find(unit->seen, unit->spec->grouped ? keys : keys + 1, values->count, NULL,
                            scratch, ids, err);
}

static void destroy_set(struct group_table *set)
{
    if (set)
        group_table_deinit(set);
    mem_free(set);
}

/* The words of a packed set as pairs of a set of two columns. */
static yoda_status copy_unpacked(struct unit *unit, const struct group_table *packed,
                                 struct arena *scratch, yoda_error *err)
{
    for (uint32_t at = 0; at < packed->count; at += VECTOR_ROWS) {
        const int64_t *groups;
        struct vector words, values;
        uint32_t left = packed->count - at;
        arena_reset(scratch);
        TRY(group_table_keys(packed, 0, at, left < VECTOR_ROWS ? left : VECTOR_ROWS, scratch,
                             &words, err));
        TRY(split_words(&words, scratch, &groups, &values, err));
        TRY(add_columns(unit, groups, &values, scratch, err));
    }
    return YODA_OK;
}

static yoda_status unpack(struct unit *unit, yoda_error *err)
{
    struct arena scratch;
    struct group_table *packed = unit->seen;
    ASSERT(packed && unit->packed);
    arena_init(&scratch, unit->budget);
    yoda_status status = make_set(unit, false, err);
    if (status == YODA_OK)
        status = copy_unpacked(unit, packed, &scratch, err);
    arena_deinit(&scratch);
    destroy_set(packed);
    return status;
}

/* Add pairs: groups [rows], values of `rows` rows, none NULL. */
static yoda_status add_pairs(struct unit *unit, const int64_t *groups, const struct vector *values,
                             struct arena *scratch, yoda_error *err)
{
    int64_t low, high;
    struct vector flat;
    if (!unit->seen)
        TRY(make_set(unit, unit->spec->grouped && unit->spec->aggregate->arg->type == VT_INT,
                     err));
    if (!unit->packed)
        return add_columns(unit, groups, values, scratch, err);
    TRY(flat_vector_as(values, VT_INT, scratch, &flat, err));
    kernels()->minmax_i64(flat.data, flat.count, NULL, &low, &high);
    if (low >= INT32_MIN && high <= INT32_MAX)
        return add_words(unit, groups, flat.data, flat.count, scratch, err);
    TRY(unpack(unit, err));
    return add_columns(unit, groups, &flat, scratch, err);
}

static yoda_status distinct_update(struct unit *unit, const struct grouping *grouping,
                                   const struct vector *args, const uint64_t *filter,
                                   struct arena *scratch, yoda_error *err)
{
    const uint64_t *keep;
    if (args[0].type == VT_NULL)
        return YODA_OK;
    TRY(vector_present(&args[0], filter, scratch, &keep, err));
    int64_t *groups = arena_alloc(scratch, (grouping->rows + (size_t)8) * sizeof *groups);
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
    for (uint32_t i = 0; unit->spec->grouped && i < n; i++)
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
    if (unit->packed) {
        TRY(group_table_keys(unit->seen, 0, first, rows, arena, &ids, err));
        return split_words(&ids, arena, groups, values, err);
    }
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

/* The values of the only group there is. */
static yoda_status merge_values(struct unit *unit, struct unit *from, yoda_error *err)
{
    uint32_t ids[VECTOR_ROWS], found[VECTOR_ROWS], count = from->seen->count;
    if (!unit->seen) {
        unit->seen = from->seen;
        from->seen = NULL;
        return YODA_OK;
    }
    for (uint32_t at = 0; at < count; at += VECTOR_ROWS) {
        uint32_t rows = count - at < VECTOR_ROWS ? count - at : VECTOR_ROWS;
        for (uint32_t i = 0; i < rows; i++)
            ids[i] = at + i;
        TRY(group_table_merge(unit->seen, from->seen, ids, rows, found, err));
    }
    return YODA_OK;
}

static yoda_status distinct_combine(struct unit *unit, struct unit *from,
                                    const struct group_pairs *pairs, yoda_error *err)
{
    if (!from->seen)
        return YODA_OK;
    if (!unit->spec->grouped)
        return merge_values(unit, from, err);
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
    if (spec->type == &unit_count && !spec->grouped) {
        *(uint64_t *)unit_states(unit->inner) = unit->seen ? unit->seen->count : 0;
        return YODA_OK;
    }
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
    destroy_set(unit->seen);
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
