/* aggregation_combine.c -- the workers' groups become one set; see aggregation.h. */
#include "olap/exec/aggregation.h"

#define PARTITION_BITS 4u
#define PARTITIONS (1u << PARTITION_BITS)
#define GROUPS_MERGED 65536u /* up to this many groups one thread merges everything */

/* Combine groups ids[0..n) of `from` into `to`. */
static yoda_status merge_some(struct aggregation *to, struct aggregation *from,
                              const uint32_t *ids, uint32_t *out, uint32_t n, yoda_error *err)
{
    if (to->plan->key_count) {
        TRY(group_table_merge(&to->table, &from->table, ids, n, out, err));
        to->groups = to->table.count;
    } else {
        ASSERT(n == 1);
        out[0] = 0;
    }
    struct group_pairs pairs = {n, ids, out, from->groups};
    for (uint32_t u = 0; u < to->plan->unit_count; u++) {
        struct unit *unit = &to->units[u], *other = &from->units[u];
        TRY(unit_grow(unit, to->groups, err));
        TRY(unit_grow(other, from->groups, err));
        TRY(unit->spec->type->combine(unit, other, &pairs, err));
    }
    return YODA_OK;
}

/* Combine the groups of one partition (of 1: all). */
static yoda_status merge_partition(struct aggregation *to, struct aggregation *from,
                                   uint32_t partition, uint32_t partitions, yoda_error *err)
{
    uint32_t *ids = mem_alloc(((size_t)from->groups + 1) * 2 * sizeof *ids), n = 0;
    if (!ids)
        return fail_nomem(err, (size_t)from->groups * 2 * sizeof *ids);
    for (uint32_t id = 0; id < from->groups; id++)
        if (partitions == 1 ||
            group_table_hash(&from->table, id) >> (64 - PARTITION_BITS) == partition)
            ids[n++] = id;
    yoda_status status = n ? merge_some(to, from, ids, ids + from->groups, n, err) : YODA_OK;
    mem_free(ids);
    return status;
}

static yoda_status settle(struct aggregation *a, yoda_error *err)
{
    for (uint32_t u = 0; u < a->plan->unit_count; u++) {
        struct unit *unit = &a->units[u];
        TRY(unit_grow(unit, a->groups, err));
        if (unit->spec->type->settle)
            TRY(unit->spec->type->settle(unit, err));
    }
    return YODA_OK;
}

struct combine {
    struct run *run;
    const struct aggregation_plan *plan;
    struct aggregation **locals, **finals;
};

static yoda_status combine_partition(void *ctx, uint32_t worker, uint32_t index, yoda_error *err)
{
    struct combine *c = ctx;
    YODA_UNUSED(worker);
    TRY(run_check(c->run, err));
    TRY(aggregation_create(c->plan, c->run->context->budget, &c->finals[index], err));
    for (uint32_t w = 0; w < c->run->workers; w++)
        if (c->locals[w])
            TRY(merge_partition(c->finals[index], c->locals[w], index, PARTITIONS, err));
    return settle(c->finals[index], err);
}

static yoda_status combine_partitioned(struct combine *c, yoda_error *err)
{
    TRY(run_tasks(c->run, PARTITIONS, combine_partition, c, err));
    for (uint32_t w = 0; w < c->run->workers; w++) {
        aggregation_destroy(c->locals[w]);
        c->locals[w] = NULL;
    }
    return YODA_OK;
}

/* The first aggregation takes in the others. */
static yoda_status combine_whole(struct combine *c, yoda_error *err)
{
    struct aggregation **first = &c->finals[0];
    for (uint32_t w = 0; w < c->run->workers; w++) {
        if (!c->locals[w])
            continue;
        if (*first) {
            TRY(merge_partition(*first, c->locals[w], 0, 1, err));
            aggregation_destroy(c->locals[w]);
        } else {
            *first = c->locals[w];
        }
        c->locals[w] = NULL;
    }
    if (!*first)
        TRY(aggregation_create(c->plan, c->run->context->budget, first, err));
    return settle(*first, err);
}

yoda_status aggregation_combine(struct run *run, const struct aggregation_plan *plan,
                                struct aggregation **locals, struct aggregation ***finals,
                                uint32_t *final_count, yoda_error *err)
{
    struct combine c = {.run = run, .plan = plan, .locals = locals};
    uint64_t groups = 0;
    uint32_t used = 0;
    for (uint32_t w = 0; w < run->workers; w++) {
        groups += locals[w] ? locals[w]->groups : 0;
        used += locals[w] != NULL;
    }
    c.finals = arena_array(&run->arena, struct aggregation *, PARTITIONS);
    if (!c.finals)
        return run_nomem(err, "aggregating");
    bool whole = used <= 1 || groups <= GROUPS_MERGED;
    *finals = c.finals;
    *final_count = whole ? 1 : PARTITIONS;
    return whole ? combine_whole(&c, err) : combine_partitioned(&c, err);
}
