/*
 * unnest_domain.c -- the general way out of correlation: all outer values at once.
 *
 * D, the distinct values of the outer columns that a subquery reads, is joined with the subquery's
 * input and carried up through its nodes; so the subquery runs once for all rows of D, each of its
 * rows knows which one it is for, and the query around joins with it on D's columns.
 *
 *   left APPLY right  ->  left JOIN right(D) ON left.c IS D.c
 *
 *   FILTER, MAP       as they are, over D's columns
 *   JOIN              into the sides that read outer columns (of an outer join: into the kept one
 *                     in any case); where into both, the copies are equal
 *   APPLY             into its left side; its right side then reads those
 *   AGGREGATE         D's columns are further keys; one without keys has a row for each row of D:
 *                     D LEFT JOIN the groups
 *   WINDOW            D's columns partition further
 *   SET               into each input
 *   SORT              goes: nobody above sees an order
 *   LIMIT             refused
 *
 * left is read twice from then on, so it becomes SHARED; D's copies are DISTINCT over readers of
 * it. D must tell apart what the subquery could: texts are distinct under BINARY, and numbers that
 * are equal without being the same (1 and 1.0, 0.0 and -0.0) are refused.
 *
 * Source  Neumann, Kemper: Unnesting Arbitrary Queries (BTW 2015)
 */
#include "sql/unnest.h"

#include "olap/column/chunk.h"

struct domain {
    struct query *q;
    const struct rel *left; /* SHARED */
    uint32_t *outer;        /* [count] columns of left */
    uint32_t count;
};

static yoda_status push(struct domain *d, struct rel **rel, uint32_t **columns);

static uint32_t *new_columns(struct domain *d, uint32_t count)
{
    return arena_array(d->q->arena, uint32_t, count ? count : 1);
}

/* ---- Copies of D ---- */

yoda_status unnest_reader(struct query *q, const struct rel *reader, struct rel **out)
{
    struct shared_rel *shared = reader->u.shared.shared;
    uint32_t count = shared->column_count;
    uint32_t *columns = arena_array(q->arena, uint32_t, count + 1);
    if (!columns)
        return fail_nomem(q->err, count * sizeof *columns);
    for (uint32_t i = 0; i < count; i++) {
        struct rel_column column = q->columns[reader->u.shared.columns[i]];
        TRY(rel_new_column(q, &column, &columns[i]));
    }
    TRY(rel_new(q, REL_SHARED, NULL, out));
    (*out)->u.shared.shared = shared;
    (*out)->u.shared.columns = columns;
    shared->readers++;
    return YODA_OK;
}

uint32_t unnest_column_of(const struct rel *from, uint32_t column, const struct rel *to)
{
    uint32_t at = 0;
    while (from->u.shared.columns[at] != column)
        at++;
    ASSERT(at < from->u.shared.shared->column_count);
    return to->u.shared.columns[at];
}

/* One more D; columns [count] are its columns. */
static yoda_status new_domain(struct domain *d, struct rel **out, uint32_t **columns)
{
    struct rel *reader;
    *columns = new_columns(d, d->count);
    if (!*columns)
        return fail_nomem(d->q->err, d->count * sizeof **columns);
    TRY(unnest_reader(d->q, d->left, &reader));
    *out = reader;
    for (uint32_t i = 0; i < d->count; i++) {
        expr_ref e;
        TRY(rel_input(d->q, unnest_column_of(d->left, d->outer[i], reader), &e));
        if (e->type == VT_TEXT && e->collation != COLLATE_BINARY)
            TRY(expr_collate(&d->q->build, e, COLLATE_BINARY, &e));
        TRY(rel_compute(d->q, out, e, "outer", &(*columns)[i]));
    }
    return rel_distinct(d->q, *out, *columns, d->count, out);
}

/* a[i] is the same value as b[i]: conjuncts for all columns of D. */
static yoda_status add_same(struct domain *d, const uint32_t *a, const uint32_t *b,
                            struct expr_list *on)
{
    for (uint32_t i = 0; i < d->count; i++) {
        bool nullable = d->q->columns[d->outer[i]].classes & CLASS_NULL;
        expr_ref x, y, same;
        TRY(rel_input(d->q, a[i], &x));
        TRY(rel_input(d->q, b[i], &y));
        if (x->type == VT_TEXT)
            TRY(expr_collate(&d->q->build, x, COLLATE_BINARY, &x));
        TRY(expr_compare(&d->q->build, nullable ? OP_IS : OP_EQ, x, y, &same));
        TRY(expr_list_add(d->q, on, same));
    }
    return YODA_OK;
}

/* ---- Outer columns in a node ---- */

static yoda_status copies_map(struct domain *d, const uint32_t *columns, uint32_t **map)
{
    TRY(rewrite_identity(d->q, map));
    for (uint32_t i = 0; i < d->count; i++)
        (*map)[d->outer[i]] = columns[i];
    return YODA_OK;
}

/* This node reads D's copies instead. */
static yoda_status use_copies(struct domain *d, struct rel *rel, const uint32_t *columns)
{
    uint32_t *map;
    TRY(copies_map(d, columns, &map));
    return rewrite_renumber_node(d->q, rel, map);
}

static yoda_status is_tied(struct domain *d, const struct rel *rel, bool *out)
{
    uint64_t *free;
    TRY(rel_new_set(d->q, &free));
    TRY(rel_free(d->q, rel, free));
    *out = false;
    for (uint32_t i = 0; i < d->count; i++)
        *out = *out || bit_get(free, d->outer[i]);
    return YODA_OK;
}

static yoda_status append(struct domain *d, uint32_t **list, uint32_t *count,
                          const uint32_t *columns)
{
    uint32_t *all = new_columns(d, *count + d->count);
    if (!all)
        return fail_nomem(d->q->err, (*count + d->count) * sizeof *all);
    for (uint32_t i = 0; i < *count; i++)
        all[i] = (*list)[i];
    for (uint32_t i = 0; i < d->count; i++)
        all[*count + i] = columns[i];
    *list = all;
    *count += d->count;
    return YODA_OK;
}

/* ---- Nodes ---- */

static yoda_status push_join(struct domain *d, struct rel *join, uint32_t **columns)
{
    bool left, right;
    uint32_t *other = NULL;
    TRY(is_tied(d, join->child, &left));
    TRY(is_tied(d, join->right, &right));
    if (join->u.join.kind == REL_FULL)
        return fail(d->q->err, YODA_NOT_COLUMNAR, "a FULL JOIN that depends on the query around");
    if (join->u.join.kind == REL_INNER && right && !left)
        TRY(push(d, &join->right, columns));
    else
        TRY(push(d, &join->child, columns));
    bool both = right && (left || join->u.join.kind != REL_INNER);
    if (both)
        TRY(push(d, &join->right, &other));
    TRY(use_copies(d, join, *columns));
    return both ? add_same(d, *columns, other, &join->u.join.on) : YODA_OK;
}

static yoda_status push_apply(struct domain *d, struct rel *apply, uint32_t **columns)
{
    uint32_t *map;
    TRY(push(d, &apply->child, columns));
    TRY(use_copies(d, apply, *columns));
    TRY(copies_map(d, *columns, &map));
    return rewrite_renumber(d->q, apply->right, map);
}

/* An aggregate over all rows: D LEFT JOIN its groups. */
static yoda_status push_keyless(struct domain *d, struct rel **slot, const uint32_t *group,
                                uint32_t **columns)
{
    struct rel *aggregate = *slot, *domain, *join;
    uint32_t *old;
    aggregate->u.aggregate.keyed = true;
    TRY(unnest_rename_counts(d->q, aggregate, &old));
    TRY(new_domain(d, &domain, columns));
    TRY(rel_join(d->q, REL_LEFT, domain, aggregate, &join));
    TRY(add_same(d, *columns, group, &join->u.join.on));
    *slot = join;
    return unnest_restore_counts(d->q, aggregate, old, slot);
}

static yoda_status push_aggregate(struct domain *d, struct rel **slot, uint32_t **columns)
{
    struct rel *aggregate = *slot;
    bool keyed = aggregate->u.aggregate.keyed;
    uint32_t *group;
    for (uint32_t i = 0; i < aggregate->u.aggregate.count; i++)
        if (aggregate->u.aggregate.aggregates[i].kind == AGG_GROUP_CONCAT)
            return fail(d->q->err, YODA_NOT_COLUMNAR,
                        "group_concat in a subquery that depends on the query around");
    TRY(push(d, &aggregate->child, &group));
    TRY(use_copies(d, aggregate, group));
    TRY(append(d, &aggregate->u.aggregate.keys, &aggregate->u.aggregate.key_count, group));
    if (!keyed)
        return push_keyless(d, slot, group, columns);
    *columns = group;
    return YODA_OK;
}

static yoda_status push_window(struct domain *d, struct rel *window, uint32_t **columns)
{
    TRY(push(d, &window->child, columns));
    TRY(use_copies(d, window, *columns));
    return append(d, &window->u.window.partition, &window->u.window.partition_count, *columns);
}

/* One input reads its own copies, in columns [count]. */
static void use_input_copies(const struct domain *d, uint32_t *columns, uint32_t count,
                             const uint32_t *copies)
{
    for (uint32_t c = 0; c < count; c++)
        for (uint32_t i = 0; i < d->count; i++)
            if (columns[c] == d->outer[i])
                columns[c] = copies[i];
}

static yoda_status push_set(struct domain *d, struct rel *set, uint32_t **columns)
{
    uint32_t count = set->u.set.column_count;
    *columns = new_columns(d, d->count);
    if (!*columns)
        return fail_nomem(d->q->err, d->count * sizeof **columns);
    for (uint32_t i = 0; i < set->u.set.input_count; i++) {
        uint32_t *input, n = count;
        TRY(push(d, &set->u.set.inputs[i], &input));
        TRY(append(d, &set->u.set.input_columns[i], &n, input));
        use_input_copies(d, set->u.set.input_columns[i], count, input);
        if (i > 0)
            continue;
        for (uint32_t c = 0; c < d->count; c++) {
            struct rel_column column = d->q->columns[input[c]];
            TRY(rel_new_column(d->q, &column, &(*columns)[c]));
        }
    }
    return append(d, &set->u.set.columns, &set->u.set.column_count, *columns);
}

static yoda_status cross(struct domain *d, struct rel **rel, uint32_t **columns)
{
    struct rel *domain;
    TRY(new_domain(d, &domain, columns));
    return rel_join(d->q, REL_INNER, *rel, domain, rel);
}

/* Make *rel provide D; columns [count] are D's columns in it. */
static yoda_status push(struct domain *d, struct rel **rel, uint32_t **columns)
{
    bool tied;
    struct rel *node = *rel;
    TRY(is_tied(d, node, &tied));
    if (!tied)
        return cross(d, rel, columns);
    switch (node->kind) {
    case REL_FILTER:
    case REL_MAP:
        TRY(push(d, &node->child, columns));
        return use_copies(d, node, *columns);
    case REL_SORT:
        if (node->u.sort.limit != UINT64_MAX)
            break;
        *rel = node->child;
        return push(d, rel, columns);
    case REL_JOIN:
        return push_join(d, node, columns);
    case REL_APPLY:
        return push_apply(d, node, columns);
    case REL_AGGREGATE:
        return push_aggregate(d, rel, columns);
    case REL_WINDOW:
        return push_window(d, node, columns);
    case REL_SET:
        return push_set(d, node, columns);
    default:
        break;
    }
    return fail(d->q->err, YODA_NOT_COLUMNAR,
                "a LIMIT in a subquery that depends on the query "
                "around");
}

/* ---- The left side ---- */

yoda_status unnest_share(struct query *q, struct rel **left)
{
    struct rel *body = *left;
    struct shared_rel *shared = arena_new(q->arena, struct shared_rel);
    uint32_t *read = arena_array(q->arena, uint32_t, q->column_count + 1);
    uint32_t *columns = arena_array(q->arena, uint32_t, q->column_count + 1);
    uint32_t *map, n = 0, count = q->column_count;
    uint64_t *set;
    if (body->kind == REL_SHARED)
        return YODA_OK;
    if (!read || !columns || !shared)
        return fail_nomem(q->err, count * sizeof *columns);
    TRY(rel_new_set(q, &set));
    rel_available(body, set);
    TRY(rewrite_fresh(q, body, &map));
    for (uint32_t c = 0; c < count; c++)
        if (bit_get(set, c)) {
            read[n] = c;
            columns[n++] = map[c];
        }
    TRY(rewrite_renumber(q, body, map));
    *shared = (struct shared_rel){
        .rel = body, .columns = columns, .column_count = n, .readers = 1, .name = "outer rows"};
    TRY(rel_new(q, REL_SHARED, NULL, left));
    (*left)->u.shared.shared = shared;
    (*left)->u.shared.columns = read;
    return YODA_OK;
}

/* Values that are equal must be the same for the subquery too. */
static yoda_status check_exact(struct domain *d, uint32_t column)
{
    const struct rel_column *c = &d->q->columns[column];
    if (c->type == VT_TEXT || rewrite_is_exact(d->q, column))
        return YODA_OK;
    return fail(d->q->err, YODA_NOT_COLUMNAR,
                "a subquery depends on %s, which has equal numbers that are not the same",
                c->name ? c->name : "a value");
}

yoda_status unnest_domain(struct query *q, struct rel **left, struct rel **right,
                          const uint64_t *free, struct expr_list *on)
{
    struct domain d = {.q = q};
    uint32_t count = q->column_count, *columns;
    d.outer = new_columns(&d, count);
    if (!d.outer)
        return fail_nomem(q->err, count * sizeof *d.outer);
    for (uint32_t c = 0; c < count; c++)
        if (bit_get(free, c)) {
            TRY(check_exact(&d, c));
            d.outer[d.count++] = c;
        }
    ASSERT(d.count > 0);
    TRY(unnest_share(q, left));
    d.left = *left;
    TRY(push(&d, right, &columns));
    return add_same(&d, d.outer, columns, on);
}
