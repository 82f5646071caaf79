/*
 * aggregation_combine.c -- the workers' groups become one set; see aggregation.h.
 *
 * Few groups are merged into the first worker's aggregation. Many are split: each worker's group ids
 * are sorted by the part their key belongs to, then each part is a task that takes its groups from
 * all workers. Parts are ranges of the key where all tables are dense arrays, so that the parts'
 * tables are short arrays too; otherwise ranges of the hash.
 */
#include "olap/exec/aggregation.h"

#define PARTS 16u
#define GROUPS_MERGED 65536u /* up to this many groups one thread merges everything */

/* Combine groups ids[0..n) of `from` into `to`; out [n] gets their new ids. */
static yoda_status merge_groups(struct aggregation *to, struct aggregation *from,
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
    for (uint32_t u = 0; n && u < to->plan->unit_count; u++) {
        struct unit *unit = &to->units[u], *other = &from->units[u];
        ASSERT(other->groups == from->groups);
        TRY(unit_grow(unit, to->groups, err));
        TRY(unit->spec->type->combine(unit, other, &pairs, err));
    }
    return YODA_OK;
}

yoda_status aggregation_merge(struct aggregation *to, struct aggregation *from,
                              const uint32_t *ids, uint32_t n, yoda_error *err)
{
    uint32_t *out = mem_alloc((n + (size_t)1) * sizeof *out);
    if (!out)
        return fail_nomem(err, n * sizeof *out);
    yoda_status status = merge_groups(to, from, ids, out, n, err);
    mem_free(out);
    return status;
}

static yoda_status merge_all(struct aggregation *to, struct aggregation *from, yoda_error *err)
{
    uint32_t *ids = mem_alloc((from->groups + (size_t)1) * sizeof *ids);
    if (!ids)
        return fail_nomem(err, from->groups * sizeof *ids);
    aggregation_fold(from);
    for (uint32_t id = 0; id < from->groups; id++)
        ids[id] = id;
    yoda_status status = aggregation_merge(to, from, ids, from->groups, err);
    mem_free(ids);
    return status;
}

yoda_status aggregation_settle(struct aggregation *a, yoda_error *err)
{
    aggregation_fold(a);
    for (uint32_t u = 0; u < a->plan->unit_count; u++) {
        struct unit *unit = &a->units[u];
        TRY(unit_grow(unit, a->groups, err));
        if (unit->spec->type->settle)
            TRY(unit->spec->type->settle(unit, err));
    }
    return YODA_OK;
}

/* ---- Splitting ---- */

void aggregation_parts_free(struct aggregation_parts *parts)
{
    mem_free(parts->ids);
    parts->ids = NULL;
}

yoda_status aggregation_split(struct aggregation *a, const struct group_split *split,
                              struct aggregation_parts *out, yoda_error *err)
{
    uint32_t next[GROUP_PARTS_MAX];
    uint8_t *part = mem_alloc(a->groups + (size_t)1);
    *out = (struct aggregation_parts){.ids = mem_alloc((a->groups + (size_t)1) * sizeof *out->ids)};
    if (!part || !out->ids) {
        mem_free(part);
        return fail_nomem(err, a->groups * sizeof *out->ids);
    }
    aggregation_fold(a);
    group_table_split(&a->table, split, part);
    for (uint32_t id = 0; id < a->groups; id++)
        out->begin[part[id] + 1u]++;
    for (uint32_t p = 0; p < GROUP_PARTS_MAX; p++) {
        out->begin[p + 1] += out->begin[p];
        next[p] = out->begin[p];
    }
    for (uint32_t id = 0; id < a->groups; id++)
        out->ids[next[part[id]]++] = id;
    ASSERT(out->begin[GROUP_PARTS_MAX] == a->groups);
    mem_free(part);
    return YODA_OK;
}

/* ---- Combining ---- */

struct combine {
    struct run *run;
    const struct aggregation_plan *plan;
    struct aggregation **locals, **finals;
    struct group_split split;
    struct aggregation_parts *parts; /* [workers] */
};

static yoda_status split_local(void *ctx, uint32_t worker, uint32_t index, yoda_error *err)
{
    struct combine *c = ctx;
    YODA_UNUSED(worker);
    TRY(run_check(c->run, err));
    return c->locals[index]
               ? aggregation_split(c->locals[index], &c->split, &c->parts[index], err)
               : YODA_OK;
}

static yoda_status combine_part(void *ctx, uint32_t worker, uint32_t index, yoda_error *err)
{
    struct combine *c = ctx;
    YODA_UNUSED(worker);
    TRY(run_check(c->run, err));
    TRY(aggregation_create(c->plan, c->run->context->budget, &c->finals[index], err));
    for (uint32_t w = 0; w < c->run->workers; w++) {
        const struct aggregation_parts *parts = &c->parts[w];
        uint32_t first = parts->begin[index];
        if (c->locals[w]) /* also none: what keys the table has seen matters to all parts */
            TRY(aggregation_merge(c->finals[index], c->locals[w], parts->ids + first,
                                  parts->begin[index + 1] - first, err));
    }
    return aggregation_settle(c->finals[index], err);
}

static yoda_status combine_parts(struct combine *c, yoda_error *err)
{
    const struct group_table **tables =
        arena_array(&c->run->arena, const struct group_table *, c->run->workers);
    uint32_t count = 0;
    c->parts = arena_array(&c->run->arena, struct aggregation_parts, c->run->workers);
    if (!tables || !c->parts)
        return run_nomem(err, "aggregating");
    for (uint32_t w = 0; w < c->run->workers; w++)
        if (c->locals[w])
            tables[count++] = &c->locals[w]->table;
    group_split_choose(tables, count, PARTS, &c->split);
    yoda_status status = run_tasks(c->run, c->run->workers, split_local, c, err);
    if (status == YODA_OK)
        status = run_tasks(c->run, PARTS, combine_part, c, err);
    for (uint32_t w = 0; w < c->run->workers; w++) {
        aggregation_parts_free(&c->parts[w]);
        aggregation_destroy(c->locals[w]);
        c->locals[w] = NULL;
    }
    return status;
}

/* The first aggregation takes in the others. */
static yoda_status combine_whole(struct combine *c, yoda_error *err)
{
    struct aggregation **first = &c->finals[0];
    for (uint32_t w = 0; w < c->run->workers; w++) {
        if (!c->locals[w])
            continue;
        if (*first) {
            TRY(merge_all(*first, c->locals[w], err));
            aggregation_destroy(c->locals[w]);
        } else {
            *first = c->locals[w];
        }
        c->locals[w] = NULL;
    }
    if (!*first)
        TRY(aggregation_create(c->plan, c->run->context->budget, first, err));
    return aggregation_settle(*first, err);
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
    c.finals = arena_array(&run->arena, struct aggregation *, PARTS);
    if (!c.finals)
        return run_nomem(err, "aggregating");
    bool whole = used <= 1 || groups <= GROUPS_MERGED;
    *finals = c.finals;
    *final_count = whole ? 1 : PARTS;
    return whole ? combine_whole(&c, err) : combine_parts(&c, err);
}
