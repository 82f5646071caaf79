/*
 * planner.c -- the order of the rules, and why.
 *
 *   1  factor_or        before anything sinks: what it takes out of an OR can sink
 *   2  push_down        so that a FILTER stands on the APPLY it reads: SEMI instead of MARK
 *   3  unnest           from here on every node reads its inputs alone
 *   4  the bodies of what is SHARED, each once, by all of these steps
 *   5  push_down        into the joins that unnesting made; outer_to_inner then sees each FILTER
 *                       on the join that it speaks of
 *   6  outer_to_inner   more joins are inner: more equalities, more freedom
 *   7  transitive       over whole regions of inner joins
 *   8  push_down        of what the two found
 *   9  eliminate        with what is needed above known
 *  10  join_order       on final inputs: estimates sample the filters that stand in the scans
 *
 * Then lowering, and the costs of both sides for the router.
 */
#include "sql/planner.h"

#include "sql/cost.h"
#include "sql/rewrite.h"

struct planning {
    struct query *q;
    struct shared_rel **shared; /* [count] all that the tree reaches */
    uint32_t count, capacity;
};

/* ---- SHARED ---- */

static yoda_status collect_node(void *ctx, struct rel *rel)
{
    struct planning *p = ctx;
    if (rel->kind != REL_SHARED)
        return YODA_OK;
    struct shared_rel *shared = rel->u.shared.shared;
    for (uint32_t i = 0; i < p->count; i++)
        if (p->shared[i] == shared) {
            shared->readers++;
            return YODA_OK;
        }
    if (p->count == p->capacity) {
        uint32_t capacity = p->capacity ? 2 * p->capacity : 8;
        struct shared_rel **grown = arena_array(p->q->arena, struct shared_rel *, capacity);
        if (!grown)
            return fail_nomem(p->q->err, capacity * sizeof *grown);
        for (uint32_t i = 0; i < p->count; i++)
            grown[i] = p->shared[i];
        p->shared = grown;
        p->capacity = capacity;
    }
    p->shared[p->count++] = shared;
    shared->readers = 1;
    return rewrite_each(shared->rel, collect_node, p);
}

/* Find all SHARED bodies below rel and count their readers anew. */
static yoda_status collect(struct planning *p, struct rel *rel)
{
    p->count = 0;
    return rewrite_each(rel, collect_node, p);
}

/* What one reader reads alone is not shared: filters may sink into it. */
static yoda_status unshare(struct query *q, struct rel **slot)
{
    struct rel *rel = *slot, **input;
    while (rel->kind == REL_SHARED && rel->u.shared.shared->readers == 1) {
        const struct shared_rel *shared = rel->u.shared.shared;
        uint32_t *columns = rel->u.shared.columns;
        expr_ref *exprs = arena_array(q->arena, expr_ref, shared->column_count + 1);
        if (!exprs)
            return fail_nomem(q->err, shared->column_count * sizeof *exprs);
        for (uint32_t i = 0; i < shared->column_count; i++)
            TRY(rel_input(q, shared->columns[i], &exprs[i]));
        TRY(rel_new(q, REL_MAP, shared->rel, &rel));
        rel->u.map.columns = columns;
        rel->u.map.exprs = exprs;
        rel->u.map.count = shared->column_count;
        *slot = rel;
        break;
    }
    for (uint32_t i = 0; (input = rel_input_at(rel, i)); i++)
        TRY(unshare(q, input));
    return YODA_OK;
}

static yoda_status unshare_all(struct planning *p, struct rel **rel)
{
    TRY(collect(p, *rel));
    for (uint32_t i = 0; i < p->count; i++)
        TRY(unshare(p->q, &p->shared[i]->rel));
    return unshare(p->q, rel);
}

/* A body belongs to all its readers: it cannot read the query around one of them. */
static yoda_status check_bodies(struct planning *p)
{
    for (uint32_t i = 0; i < p->count; i++) {
        uint64_t *free;
        TRY(rel_new_set(p->q, &free));
        TRY(rel_free(p->q, p->shared[i]->rel, free));
        for (size_t w = 0; w < rel_set_words(p->q); w++)
            if (free[w])
                return fail(p->q->err, YODA_NOT_COLUMNAR,
                            "%s is read twice and depends on the query around", p->shared[i]->name);
    }
    return YODA_OK;
}

/* ---- What SQLite's own row order decides ---- */

/* Does rel hand up its rows in the order of one table? */
static bool in_table_order(const struct rel *rel)
{
    while (rel->kind == REL_FILTER || rel->kind == REL_MAP || rel->kind == REL_APPLY)
        rel = rel->child;
    return rel->kind == REL_SCAN || rel->kind == REL_VALUES;
}

static yoda_status check_order(void *ctx, struct rel *rel)
{
    struct query *q = ctx;
    if (rel->kind != REL_AGGREGATE || in_table_order(rel->child))
        return YODA_OK;
    for (uint32_t i = 0; i < rel->u.aggregate.count; i++)
        if (rel->u.aggregate.aggregates[i].kind == AGG_GROUP_CONCAT)
            return fail(q->err, YODA_NOT_COLUMNAR,
                        "group_concat over more than one table: the order of rows is SQLite's");
    return YODA_OK;
}

/* ---- Columns nobody reads ---- */

static yoda_status add_reads(void *ctx, struct rel *rel)
{
    return rewrite_reads(rel, ctx);
}

struct narrowing {
    struct query *q;
    const struct shared_rel *shared;
    const uint64_t *kept; /* bit per column of shared */
};

static yoda_status narrow_reader(void *ctx, struct rel *rel)
{
    struct narrowing *n = ctx;
    if (rel->kind != REL_SHARED || rel->u.shared.shared != n->shared)
        return YODA_OK;
    uint32_t *columns = arena_array(n->q->arena, uint32_t, n->shared->column_count + 1);
    uint32_t count = 0;
    if (!columns)
        return fail_nomem(n->q->err, n->shared->column_count * sizeof *columns);
    for (uint32_t c = 0; c < n->shared->column_count; c++)
        if (bit_get(n->kept, c))
            columns[count++] = rel->u.shared.columns[c];
    rel->u.shared.columns = columns;
    return YODA_OK;
}

struct marking {
    const struct shared_rel *shared;
    const uint64_t *read;
    uint64_t *kept;
};

static yoda_status mark_read(void *ctx, struct rel *rel)
{
    struct marking *m = ctx;
    if (rel->kind == REL_SHARED && rel->u.shared.shared == m->shared)
        for (uint32_t c = 0; c < m->shared->column_count; c++)
            if (bit_get(m->read, rel->u.shared.columns[c]))
                bit_set(m->kept, c);
    return YODA_OK;
}

static yoda_status each_tree(struct planning *p, struct rel *root,
                             yoda_status (*fn)(void *ctx, struct rel *rel), void *ctx)
{
    TRY(rewrite_each(root, fn, ctx));
    for (uint32_t i = 0; i < p->count; i++)
        TRY(rewrite_each(p->shared[i]->rel, fn, ctx));
    return YODA_OK;
}

static yoda_status narrow_one(struct planning *p, struct rel *root, struct shared_rel *shared,
                              const uint64_t *read)
{
    struct query *q = p->q;
    uint64_t *kept = arena_array(q->arena, uint64_t, BITMAP_WORDS(shared->column_count) + 1);
    uint32_t *columns = arena_array(q->arena, uint32_t, shared->column_count + 1), count = 0;
    if (!kept || !columns)
        return fail_nomem(q->err, shared->column_count * sizeof *columns);
    TRY(each_tree(p, root, mark_read, &(struct marking){shared, read, kept}));
    TRY(each_tree(p, root, narrow_reader, &(struct narrowing){q, shared, kept}));
    for (uint32_t c = 0; c < shared->column_count; c++)
        if (bit_get(kept, c))
            columns[count++] = shared->columns[c];
    shared->columns = columns;
    shared->column_count = count;
    return YODA_OK;
}

/* Bodies give what some reader's query reads, and no more. */
static yoda_status narrow_shared(struct planning *p, const struct rel_select *select)
{
    uint64_t *read;
    TRY(collect(p, select->rel));
    TRY(rel_new_set(p->q, &read));
    for (uint32_t i = 0; i < select->column_count; i++)
        bit_set(read, select->columns[i]);
    TRY(each_tree(p, select->rel, add_reads, read));
    for (uint32_t i = 0; i < p->count; i++) /* what bodies hand to each other counts as read */
        for (uint32_t c = 0; c < p->shared[i]->column_count; c++)
            bit_set(read, p->shared[i]->columns[c]);
    for (uint32_t i = 0; i < p->count; i++)
        TRY(narrow_one(p, select->rel, p->shared[i], read));
    return YODA_OK;
}

/* ---- The rules ---- */

static yoda_status rewrite_tree(struct query *q, struct rel **rel, const uint32_t *columns,
                                uint32_t column_count);

static yoda_status rewrite_body(void *ctx, struct rel *rel)
{
    struct query *q = ctx;
    if (rel->kind != REL_SHARED || rel->u.shared.shared->rewritten)
        return YODA_OK;
    struct shared_rel *shared = rel->u.shared.shared;
    shared->rewritten = true;
    return rewrite_tree(q, &shared->rel, shared->columns, shared->column_count);
}

static yoda_status forget_rows(void *ctx, struct rel *rel)
{
    YODA_UNUSED(ctx);
    if (rel->kind != REL_SCAN) /* which rule_push_down looks after */
        rel->rows = -1;
    return YODA_OK;
}

static yoda_status rewrite_tree(struct query *q, struct rel **rel, const uint32_t *columns,
                                uint32_t column_count)
{
    uint64_t *needed;
    TRY(rule_factor_or(q, rel));
    TRY(rule_push_down(q, rel));
    TRY(rule_unnest(q, rel));
    TRY(rewrite_each(*rel, rewrite_body, q));
    TRY(rule_push_down(q, rel));
    TRY(rule_outer_to_inner(q, rel));
    TRY(rule_push_down(q, rel)); /* through joins that are inner now */
    TRY(rule_transitive(q, rel));
    TRY(rule_push_down(q, rel));
    TRY(rel_new_set(q, &needed));
    for (uint32_t i = 0; i < column_count; i++)
        bit_set(needed, columns[i]);
    TRY(rule_eliminate(q, rel, needed));
    TRY(rewrite_each(*rel, forget_rows, NULL));
    return rule_join_order(q, rel);
}

yoda_status planner_rewrite(struct query *q, struct rel_select *select)
{
    struct planning p = {.q = q};
    TRY(unshare_all(&p, &select->rel));
    TRY(collect(&p, select->rel));
    TRY(check_bodies(&p));
    TRY(each_tree(&p, select->rel, check_order, q));
    TRY(rewrite_tree(q, &select->rel, select->columns, select->column_count));
    return narrow_shared(&p, select);
}

yoda_status planner_run(struct query *q, struct rel_select *select, struct sql_plan *out)
{
    struct plan *plan = NULL;
    TRY(planner_rewrite(q, select));
    TRY(lower_select(q, select, &plan));
    *out = (struct sql_plan){.root = plan,
                             .node_count = plan_number(plan),
                             .column_count = select->column_count,
                             .column_names = select->names};
    cost_estimate(q, select->rel, &out->cost_columns_ns, &out->cost_rows_ns);
    return YODA_OK;
}
