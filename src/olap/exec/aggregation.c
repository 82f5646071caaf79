/* aggregation.c -- one thread's groups and states; see aggregation.h. */
#include "olap/exec/aggregation.h"

#include "olap/kernel/kernel.h"

#define MORSEL_GROUPS 65536u

static const uint32_t zero_ids[VECTOR_ROWS];

static yoda_status init(struct aggregation *a, struct mem_budget *budget, yoda_error *err)
{
    const struct aggregation_plan *plan = a->plan;
    a->units = mem_calloc(plan->unit_count + 1, sizeof *a->units);
    if (!a->units)
        return fail_nomem(err, plan->unit_count * sizeof *a->units);
    if (plan->key_count)
        TRY(group_table_init(&a->table, plan->keys, plan->key_count, GROUP_STRICT, budget, err));
    else
        a->groups = 1;
    for (uint32_t u = 0; u < plan->unit_count; u++) {
        TRY(unit_init(&a->units[u], &plan->specs[u], &a->arena, budget, err));
        TRY(unit_grow(&a->units[u], a->groups, err));
    }
    return YODA_OK;
}

yoda_status aggregation_create(const struct aggregation_plan *plan, struct mem_budget *budget,
                               struct aggregation **out, yoda_error *err)
{
    struct aggregation *a = mem_calloc(1, sizeof *a);
    *out = NULL;
    if (!a)
        return fail_nomem(err, sizeof *a);
    a->plan = plan;
    arena_init(&a->arena, budget);
    yoda_status status = init(a, budget, err);
    if (status != YODA_OK) {
        aggregation_destroy(a);
        return status;
    }
    *out = a;
    return YODA_OK;
}

void aggregation_destroy(struct aggregation *a)
{
    if (!a)
        return;
    for (uint32_t u = 0; a->units && u < a->plan->unit_count; u++)
        if (a->units[u].spec)
            unit_deinit(&a->units[u]);
    mem_free(a->units);
    group_table_deinit(&a->table);
    arena_deinit(&a->arena);
    mem_free(a);
}

void aggregation_fold(struct aggregation *a)
{
    for (uint32_t u = 0; u < a->plan->unit_count; u++)
        tally_fold(&a->units[u]);
}

uint64_t aggregation_bytes(const struct aggregation *a)
{
    uint64_t bytes = a->arena.charged_bytes + group_table_bytes(&a->table);
    for (uint32_t u = 0; u < a->plan->unit_count; u++)
        bytes += unit_bytes(&a->units[u]);
    return bytes;
}

/* The bitmap of each group's rows, of those that are alive. */
static yoda_status make_masks(struct grouping *grouping, struct arena *scratch, yoda_error *err)
{
    uint8_t *ids = arena_alloc(scratch, VECTOR_ROWS + 64);
    uint64_t *masks = arena_alloc(scratch, sizeof *masks * (VECTOR_WORDS + 8) * GROUPS_MASKED);
    if (!ids || !masks)
        return run_nomem(err, "grouping");
    for (uint32_t i = 0; i < grouping->rows; i++)
        ids[i] = (uint8_t)grouping->ids[i];
    for (uint32_t g = 0; g < grouping->groups; g++) {
        uint64_t *mask = masks + g * (VECTOR_WORDS + 8);
        kernels()->range_u8(ids, grouping->rows, (uint8_t)g, (uint8_t)g, mask);
        if (grouping->alive)
            kernels()->and_words(mask, grouping->alive, BITMAP_WORDS(grouping->rows), mask);
        grouping->masks[g] = mask;
        grouping->counts[g] =
            (uint32_t)kernels()->count_words(mask, BITMAP_WORDS(grouping->rows));
    }
    return YODA_OK;
}

static yoda_status find_groups(struct aggregation *a, const struct aggregation_batch *batch,
                               struct grouping *grouping, struct arena *scratch, yoda_error *err)
{
    *grouping = (struct grouping){.rows = batch->rows, .groups = 1, .ids = zero_ids};
    grouping->masked = true;
    grouping->alive = grouping->masks[0] = batch->alive;
    grouping->counts[0] = batch->rows;
    if (batch->alive)
        grouping->counts[0] =
            (uint32_t)kernels()->count_words(batch->alive, BITMAP_WORDS(batch->rows));
    if (a->plan->key_count == 0)
        return YODA_OK;
    uint32_t *ids = arena_alloc(scratch, VECTOR_ROWS * sizeof *ids);
    if (!ids)
        return run_nomem(err, "grouping");
    TRY(group_table_find(&a->table, batch->keys, batch->rows, batch->alive, scratch, ids, err));
    a->groups = a->table.count;
    grouping->ids = ids;
    grouping->groups = a->groups;
    grouping->masked = a->groups <= GROUPS_MASKED;
    if (grouping->masked && a->plan->unit_count)
        TRY(make_masks(grouping, scratch, err));
    return YODA_OK;
}

static bool counts_rows(const struct unit_spec *spec)
{
    return spec->type == &unit_count && spec->arg_count == 0;
}

static struct unit *counter_of(const struct aggregation *a)
{
    for (uint32_t u = 0; u < a->plan->unit_count; u++)
        if (counts_rows(&a->plan->specs[u]) && !a->plan->specs[u].filter)
            return &a->units[u];
    return NULL;
}

static yoda_status update_unit(struct unit *unit, const struct grouping *grouping,
                               const struct aggregation_batch *batch, const uint64_t *filter,
                               struct arena *scratch, yoda_error *err)
{
    const struct unit_spec *spec = unit->spec;
    uint8_t node = DECIMAL_NONE;
    if (spec->type->update_decimal)
        node = batch->decimal_args[spec->arg_slots[0]];
    if (node != DECIMAL_NONE)
        return spec->type->update_decimal(unit, grouping, batch->decimals, node, filter, scratch,
                                          err);
    struct vector *args = arena_array(scratch, struct vector, spec->arg_count);
    if (!args)
        return run_nomem(err, "aggregating");
    for (uint32_t i = 0; i < spec->arg_count; i++)
        args[i] = batch->args[spec->arg_slots[i]];
    return spec->type->update(unit, grouping, args, filter, scratch, err);
}

static yoda_status consume_unit(struct aggregation *a, uint32_t u, const struct grouping *grouping,
                                const struct aggregation_batch *batch, struct arena *scratch,
                                yoda_error *err)
{
    const uint64_t *filter = batch->alive ? batch->alive : batch->filters[u];
    ASSERT(!batch->alive || !batch->filters[u]);
    TRY(unit_grow(&a->units[u], a->groups, err));
    return update_unit(&a->units[u], grouping, batch, filter, scratch, err);
}

yoda_status aggregation_consume(struct aggregation *a, const struct aggregation_batch *batch,
                                struct arena *scratch, yoda_error *err)
{
    struct grouping grouping;
    struct known_tally known = {.counter = counter_of(a)};
    ASSERT(batch->rows > 0 && batch->rows <= VECTOR_ROWS);
    TRY(find_groups(a, batch, &grouping, scratch, err));
    grouping.known = &known;
    for (int last = 0; last <= 1; last++) /* COUNT(*) last: others may know it by then */
        for (uint32_t u = 0; u < a->plan->unit_count; u++)
            if (counts_rows(&a->plan->specs[u]) == last)
                TRY(consume_unit(a, u, &grouping, batch, scratch, err));
    return YODA_OK;
}

/* ---- As a source ---- */

static yoda_status push_groups(const struct aggregation *a, struct worker *worker, uint32_t first,
                               uint32_t rows, yoda_error *err)
{
    const struct aggregation_plan *plan = a->plan;
    uint32_t columns = plan->key_count + plan->output_count;
    struct vector *out = row_set_columns(&worker->scratch, columns, rows);
    if (!out)
        return run_nomem(err, "aggregating");
    for (uint32_t k = 0; k < plan->key_count; k++)
        TRY(group_table_keys(&a->table, k, first, rows, &worker->scratch, &out[k], err));
    for (uint32_t o = 0; o < plan->output_count; o++) {
        const struct unit *unit = &a->units[plan->output_units[o]];
        TRY(unit->spec->type->result(unit, plan->aggregates[o], first, rows, &worker->scratch,
                                     &out[plan->key_count + o], err));
    }
    struct row_set set = {rows, columns, out, NULL};
    return pipeline_push(worker, &set, err);
}

yoda_status aggregation_push(const struct aggregation *a, struct worker *worker, uint32_t first,
                             uint32_t end, yoda_error *err)
{
    for (uint32_t at = first; at < end && !pipeline_stopped(worker); at += VECTOR_ROWS) {
        TRY(pipeline_step(worker, err));
        TRY(push_groups(a, worker, at, end - at < VECTOR_ROWS ? end - at : VECTOR_ROWS, err));
    }
    return YODA_OK;
}

static uint32_t morsels_of(const struct aggregation *a)
{
    return a ? (uint32_t)(((uint64_t)a->groups + MORSEL_GROUPS - 1) / MORSEL_GROUPS) : 0;
}

static yoda_status source_run(struct source *base, struct worker *worker, uint32_t morsel,
                              yoda_error *err)
{
    struct aggregation_source *source = (struct aggregation_source *)base;
    uint32_t final = 0;
    while (morsel >= morsels_of(source->finals[final]))
        morsel -= morsels_of(source->finals[final++]);
    ASSERT(final < source->final_count);
    const struct aggregation *a = source->finals[final];
    uint32_t at = morsel * MORSEL_GROUPS;
    uint32_t end = a->groups - at > MORSEL_GROUPS ? at + MORSEL_GROUPS : a->groups;
    return aggregation_push(a, worker, at, end, err);
}

void aggregation_source_init(struct aggregation_source *source,
                             const struct aggregation_plan *plan, struct aggregation **finals,
                             uint32_t final_count)
{
    *source = (struct aggregation_source){
        .plan = plan, .finals = finals, .final_count = final_count};
    source->source.run = source_run;
    for (uint32_t i = 0; i < final_count; i++)
        source->source.morsel_count += morsels_of(finals[i]);
}
