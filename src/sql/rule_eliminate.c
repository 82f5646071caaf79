/*
 * rule_eliminate.c -- what changes nothing goes; what nobody reads is not computed.
 *
 *   LEFT join     on a key of its right side, whose columns nobody reads: its left side
 *   DISTINCT      over a key: its input
 *   MAP, WINDOW   without what nobody reads, perhaps without anything
 *   AGGREGATE     without aggregates nobody reads; one without keys keeps one: it makes its row.
 *                 Bare columns stay with their MIN or MAX
 *   UNION ALL     without positions nobody reads
 *
 * needed is what is read above a node; each node adds what it reads itself on the way down.
 */
#include "sql/estimate.h"
#include "sql/rewrite.h"

static yoda_status copy_needed(struct query *q, const uint64_t *needed, uint64_t **out)
{
    TRY(rel_new_set(q, out));
    for (size_t w = 0; w < rel_set_words(q); w++)
        (*out)[w] = needed[w];
    return YODA_OK;
}

/* ---- Joins ---- */

static yoda_status reads_right(struct query *q, const struct rel *join, const uint64_t *needed,
                               bool *out)
{
    uint64_t *right;
    TRY(rel_new_set(q, &right));
    rel_available(join->right, right);
    *out = false;
    for (size_t w = 0; w < rel_set_words(q); w++)
        *out = *out || (right[w] & needed[w]);
    return YODA_OK;
}

static yoda_status drop_join(struct query *q, struct rel **slot, const uint64_t *needed)
{
    bool read;
    while ((*slot)->kind == REL_JOIN && (*slot)->u.join.kind == REL_LEFT) {
        TRY(reads_right(q, *slot, needed, &read));
        if (read || !estimate_matches_once(q, *slot))
            return YODA_OK;
        *slot = (*slot)->child;
    }
    return YODA_OK;
}

/* ---- Computed columns ---- */

static void narrow_map(struct rel **slot, const uint64_t *needed)
{
    struct rel *map = *slot;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < map->u.map.count; i++)
        if (bit_get(needed, map->u.map.columns[i])) {
            map->u.map.columns[kept] = map->u.map.columns[i];
            map->u.map.exprs[kept++] = map->u.map.exprs[i];
        }
    map->u.map.count = kept;
    if (kept == 0)
        *slot = map->child;
}

static void narrow_window(struct rel **slot, const uint64_t *needed)
{
    struct rel *window = *slot;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < window->u.window.count; i++)
        if (bit_get(needed, window->u.window.columns[i])) {
            window->u.window.columns[kept] = window->u.window.columns[i];
            window->u.window.calls[kept++] = window->u.window.calls[i];
        }
    window->u.window.count = kept;
    if (kept == 0)
        *slot = window->child;
}

static bool is_min_max(const struct aggregate *a)
{
    return a->kind == AGG_MIN || a->kind == AGG_MAX;
}

static bool has_bare(const struct rel *rel, const uint64_t *needed)
{
    for (uint32_t i = 0; i < rel->u.aggregate.count; i++)
        if (rel->u.aggregate.aggregates[i].kind == AGG_BARE &&
            bit_get(needed, rel->u.aggregate.columns[i]))
            return true;
    return false;
}

static void narrow_aggregate(struct rel *rel, const uint64_t *needed)
{
    uint32_t kept = 0, count = rel->u.aggregate.count;
    bool bare = has_bare(rel, needed);
    bool makes_rows = rel->u.aggregate.keyed && rel->u.aggregate.key_count > 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct aggregate a = rel->u.aggregate.aggregates[i];
        bool last = !makes_rows && kept == 0 && i + 1 == count;
        if (!bit_get(needed, rel->u.aggregate.columns[i]) && !(bare && is_min_max(&a)) && !last)
            continue;
        rel->u.aggregate.columns[kept] = rel->u.aggregate.columns[i];
        rel->u.aggregate.aggregates[kept++] = a;
    }
    rel->u.aggregate.count = kept;
}

static yoda_status drop_distinct(struct query *q, struct rel **slot)
{
    struct rel *rel = *slot;
    uint64_t *keys;
    if (!rel->u.aggregate.keyed || rel->u.aggregate.count > 0 || rel->u.aggregate.key_count == 0)
        return YODA_OK;
    TRY(rel_new_set(q, &keys));
    for (uint32_t i = 0; i < rel->u.aggregate.key_count; i++)
        bit_set(keys, rel->u.aggregate.keys[i]);
    if (rel_unique_on(q, rel->child, keys))
        *slot = rel->child;
    return YODA_OK;
}

static void narrow_set(struct rel *set, const uint64_t *needed)
{
    uint32_t count = set->u.set.column_count, kept = 0;
    if (set->u.set.kind != SET_UNION_ALL)
        return;
    for (uint32_t c = 0; c < count; c++) {
        uint32_t column = set->u.set.columns[c];
        if (!bit_get(needed, column) && !(kept == 0 && c + 1 == count))
            continue;
        for (uint32_t i = 0; i < set->u.set.input_count; i++)
            set->u.set.input_columns[i][kept] = set->u.set.input_columns[i][c];
        set->u.set.columns[kept++] = column;
    }
    set->u.set.column_count = kept;
}

/* ---- The walk ---- */

/* *slot may become its child, and that again. */
static yoda_status drop(struct query *q, struct rel **slot, const uint64_t *needed)
{
    const struct rel *before;
    do {
        before = *slot;
        switch (before->kind) {
        case REL_JOIN:
            TRY(drop_join(q, slot, needed));
            break;
        case REL_MAP:
            narrow_map(slot, needed);
            break;
        case REL_WINDOW:
            narrow_window(slot, needed);
            break;
        case REL_AGGREGATE:
            narrow_aggregate(*slot, needed);
            TRY(drop_distinct(q, slot));
            break;
        case REL_SET:
            narrow_set(*slot, needed);
            break;
        default:
            break;
        }
    } while (*slot != before);
    return YODA_OK;
}

yoda_status rule_eliminate(struct query *q, struct rel **rel, const uint64_t *needed)
{
    struct rel **input;
    uint64_t *below;
    TRY(drop(q, rel, needed));
    TRY(copy_needed(q, needed, &below));
    TRY(rewrite_reads(*rel, below));
    for (uint32_t i = 0; (input = rel_input_at(*rel, i)); i++)
        TRY(rule_eliminate(q, input, below));
    return YODA_OK;
}
