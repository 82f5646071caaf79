/*
 * join_filter.c -- from a join's build side to filters for the scans of its probe side.
 *
 * A key that is a plain column is followed down to the scan it comes from, through whatever drops
 * an output row when the rows under it are dropped: filters, projections, either side of joins,
 * groupings and windows by that column; never a limit. Joins below run after this one's build side
 * is there, so that their build sides are filtered, too.
 */
#include "olap/exec/join.h"
#include "olap/exec/scan_filter.h"

#define BITMAP_BITS (UINT64_C(1) << 24)     /* 2 MB: what caches hold */
#define BITMAP_BITS_MAX (UINT64_C(1) << 26)
#define BLOOM_BITS_PER_ROW 16u
#define BLOOM_WORDS_MAX (UINT64_C(1) << 18) /* 2 MB */

/* Does a row of the probe side without a match go away without a trace? */
static bool drops_unmatched(enum join_kind kind)
{
    return kind == JOIN_INNER || kind == JOIN_SEMI || kind == JOIN_RIGHT ||
           kind == JOIN_RIGHT_SEMI || kind == JOIN_RIGHT_ANTI;
}

static bool is_partition(const struct plan *plan, uint32_t slot)
{
    for (uint32_t i = 0; i < plan->u.window.partition_count; i++)
        if (plan->u.window.partition[i] == slot)
            return true;
    return false;
}

/* The plain column that is column *slot of a list of expressions. */
static bool follow_expr(expr_ref e, uint32_t *slot)
{
    if (e->kind != EXPR_INPUT)
        return false;
    *slot = e->slot;
    return true;
}

/* The input of a join that column *slot comes from, where its rows may be dropped; or NULL. */
static const struct plan *follow_join(const struct plan *plan, uint32_t *slot)
{
    enum join_kind kind = plan->u.join.kind;
    uint32_t child = join_gives_child(kind) ? plan->child->column_count : 0;
    if (*slot < child)
        return kind != JOIN_RIGHT && kind != JOIN_FULL ? plan->child : NULL;
    *slot -= child;
    bool build = kind == JOIN_INNER || kind == JOIN_RIGHT || kind == JOIN_RIGHT_SEMI ||
                 kind == JOIN_RIGHT_ANTI;
    return build ? plan->u.join.build : NULL;
}

/* One step down; NULL: no further. */
static const struct plan *follow(const struct plan *plan, uint32_t *slot)
{
    switch (plan->kind) {
    case PLAN_FILTER:
    case PLAN_DISTINCT:
        return plan->child;
    case PLAN_PROJECT:
        return follow_expr(plan->u.project.exprs[*slot], slot) ? plan->child : NULL;
    case PLAN_AGGREGATE:
        return *slot < plan->u.aggregate.key_count &&
                       follow_expr(plan->u.aggregate.keys[*slot], slot)
                   ? plan->child : NULL;
    case PLAN_SORT:
        return plan->u.sort.limit == UINT64_MAX ? plan->child : NULL;
    case PLAN_WINDOW:
        return is_partition(plan, *slot) ? plan->child : NULL;
    case PLAN_JOIN:
        return follow_join(plan, slot);
    default:
        return NULL;
    }
}

static const struct plan *find_scan(const struct plan *plan, uint32_t *slot)
{
    while (plan && plan->kind != PLAN_SCAN)
        plan = follow(plan, slot);
    return plan && plan->types[*slot] == VT_INT ? plan : NULL;
}

/* Room for a bitmap or a Bloom filter; neither: bounds alone. */
static yoda_status make_room(struct scan_filter *filter, const struct join *join,
                             const struct join_lane *lane, struct arena *arena, yoda_error *err)
{
    unsigned bits = 6;
    uint64_t rows = join->rows.rows;
    while ((UINT64_C(1) << bits) * 64 < rows * BLOOM_BITS_PER_ROW)
        bits++;
    bool bloom = lane->span > BITMAP_BITS && (UINT64_C(1) << bits) <= BLOOM_WORDS_MAX;
    filter->bloom_shift = 64 - bits;
    if (bloom)
        filter->bloom = arena_array(arena, uint64_t, UINT64_C(1) << bits);
    else if (lane->span <= BITMAP_BITS_MAX)
        filter->bits = arena_array(arena, uint64_t, BITMAP_WORDS(lane->span + 1));
    if ((bloom && !filter->bloom) || (!bloom && lane->span <= BITMAP_BITS_MAX && !filter->bits))
        return run_nomem(err, "building a join");
    return YODA_OK;
}

static yoda_status fill(struct scan_filter *filter, const struct join *join, uint32_t key,
                        struct arena *scratch, yoda_error *err)
{
    const struct join_lane *lane = &join->main.coder.lanes[key];
    uint64_t *codes = arena_alloc(scratch, (VECTOR_ROWS + 8) * sizeof *codes);
    if (!codes)
        return run_nomem(err, "building a join");
    struct arena_mark mark = arena_mark(scratch);
    for (uint32_t first = 0; first < join->rows.rows; first += VECTOR_ROWS) {
        uint32_t left = join->rows.rows - first, n = left < VECTOR_ROWS ? left : VECTOR_ROWS;
        struct vector v;
        join_rows_slice(&join->rows, join->key_columns[key], first, n, &v);
        TRY(join_lane_codes(lane, &v, n, NULL, scratch, codes, err));
        for (uint32_t i = 0; i < n; i++) {
            if (codes[i] == JOIN_NO_KEY)
                continue;
            if (filter->bits)
                bit_set(filter->bits, codes[i]);
            else
                scan_filter_add(filter, (int64_t)((uint64_t)lane->low + codes[i]));
        }
        arena_rewind(scratch, mark);
    }
    return YODA_OK;
}

static yoda_status add_filter(struct join *join, uint32_t key, const struct plan *scan,
                              uint32_t column, yoda_error *err)
{
    struct run *run = join->op.run;
    const struct join_lane *lane = &join->main.coder.lanes[key];
    struct scan_filter *filter = arena_new(&run->arena, struct scan_filter);
    if (!filter)
        return run_nomem(err, "planning");
    filter->scan = scan;
    filter->column = column;
    filter->low = lane->low;
    filter->high = (int64_t)((uint64_t)lane->low + lane->span - 1);
    TRY(make_room(filter, join, lane, &join->main.table.arena, err));
    if (filter->bits || filter->bloom) {
        struct arena scratch;
        arena_init(&scratch, run->context->budget);
        yoda_status status = fill(filter, join, key, &scratch, err);
        arena_deinit(&scratch);
        if (status != YODA_OK)
            return status;
    }
    filter->next = run->filters;
    run->filters = filter;
    return YODA_OK;
}

yoda_status join_filter_scans(struct join *join, yoda_error *err)
{
    const struct plan *plan = join->plan;
    if (!drops_unmatched(plan->u.join.kind))
        return YODA_OK;
    for (uint32_t k = 0; k < plan->u.join.key_count; k++) {
        uint32_t slot;
        const struct join_lane *lane = &join->main.coder.lanes[k];
        if (lane->kind != LANE_INT || lane->span == 0 || lane->null_safe ||
            !follow_expr(plan->u.join.keys[k].probe, &slot))
            continue;
        const struct plan *scan = find_scan(plan->child, &slot);
        if (scan)
            TRY(add_filter(join, k, scan, slot, err));
    }
    return YODA_OK;
}
