/*
 * lower_join.c -- joins: which side is built, which conditions hash, what is tried pair by pair.
 *
 * The build side is the right one, as the join order chose and as LEFT, SEMI and ANTI need it; a
 * left side that is clearly smaller is built instead, where a kind with the sides changed exists
 * and says the same. A conjunct that hashes one side against the other is a key, the rest residual.
 */
#include "sql/lower.h"

struct sides {
    enum join_kind kind;
    struct rel *probe, *build;
    struct lowered child, built;
    struct lowered pair; /* child ++ built: what a residual sees */
};

/* ---- Sides ---- */

static enum join_kind kind_of(enum rel_join kind)
{
    static const enum join_kind kinds[] = {
        [REL_INNER] = JOIN_INNER, [REL_LEFT] = JOIN_LEFT, [REL_FULL] = JOIN_FULL,
        [REL_SEMI] = JOIN_SEMI,   [REL_ANTI] = JOIN_ANTI, [REL_MARK] = JOIN_MARK,
        [REL_SINGLE] = JOIN_SINGLE};
    return kinds[kind];
}

static bool flip_kind(enum join_kind *kind)
{
    switch (*kind) {
    case JOIN_INNER:
    case JOIN_FULL:
        return true;
    case JOIN_LEFT:
        *kind = JOIN_RIGHT;
        return true;
    case JOIN_SEMI:
        *kind = JOIN_RIGHT_SEMI;
        return true;
    case JOIN_ANTI:
        *kind = JOIN_RIGHT_ANTI;
        return true;
    default:
        return false;
    }
}

static void choose_sides(struct lowering *l, struct rel *rel, struct sides *s)
{
    double left = estimate_rows(l->q, rel->child), right = estimate_rows(l->q, rel->right);
    *s = (struct sides){
        .kind = kind_of(rel->u.join.kind), .probe = rel->child, .build = rel->right};
    if (left < right / 2 && !rel->u.join.null_aware && flip_kind(&s->kind)) {
        s->probe = rel->right;
        s->build = rel->child;
    }
}

static yoda_status lower_sides(struct lowering *l, const struct rel *rel, const uint64_t *needed,
                               struct sides *s)
{
    uint64_t *below = NULL;
    TRY(lower_copy_set(l, needed, &below));
    for (uint32_t i = 0; i < rel->u.join.on.count; i++)
        expr_inputs(rel->u.join.on.items[i], below);
    TRY(lower_rel(l, s->probe, below, &s->child));
    return lower_rel(l, s->build, below, &s->built);
}

/* ---- Output ---- */

static bool has_probe(enum join_kind kind)
{
    return kind != JOIN_RIGHT_SEMI && kind != JOIN_RIGHT_ANTI;
}

static bool has_build(enum join_kind kind)
{
    return kind != JOIN_SEMI && kind != JOIN_ANTI && kind != JOIN_MARK;
}

static yoda_status join_node(struct lowering *l, struct sides *s, bool probe, bool build,
                             uint32_t more, struct lowered *out)
{
    uint32_t probe_count = probe ? s->child.plan->column_count : 0, *columns = NULL;
    uint32_t build_count = build ? s->built.plan->column_count : 0;
    enum vtype *types = NULL;
    TRY(lower_node(l, PLAN_JOIN, s->child.plan, probe_count + build_count + more, &out->plan,
                   &types, &columns));
    for (uint32_t i = 0; i < probe_count; i++) {
        types[i] = s->child.plan->types[i];
        columns[i] = s->child.columns[i];
    }
    for (uint32_t i = 0; i < build_count; i++) {
        types[probe_count + i] = s->built.plan->types[i];
        columns[probe_count + i] = s->built.columns[i];
    }
    for (uint32_t i = probe_count + build_count; i < out->plan->column_count; i++) {
        types[i] = VT_INT;
        columns[i] = COLUMN_NONE;
    }
    out->columns = columns;
    return YODA_OK;
}

/* ---- Conditions ---- */

struct conditions {
    const uint64_t *probe, *build; /* what the sides provide */
    struct join_key *keys;
    uint32_t key_count;
    expr_ref *rest;
    uint32_t rest_count;
};

static bool is_one_sided(const struct query *q, expr_ref e, const uint64_t *set)
{
    return expr_touches(q, e, set) && expr_within(q, e, set);
}

static bool as_key(struct lowering *l, const struct conditions *c, expr_ref e, struct join_key *key)
{
    expr_ref a, b;
    if (!join_key_of(e, &a, &b, &key->null_safe))
        return false;
    if (is_one_sided(l->q, a, c->build) && is_one_sided(l->q, b, c->probe)) {
        expr_ref swap = a;
        a = b;
        b = swap;
    }
    key->probe = a;
    key->build = b;
    return is_one_sided(l->q, a, c->probe) && is_one_sided(l->q, b, c->build);
}

static yoda_status provided(struct lowering *l, const struct rel *rel, const uint64_t **out)
{
    uint64_t *set = NULL;
    TRY(rel_new_set(l->q, &set));
    rel_available(rel, set);
    *out = set;
    return YODA_OK;
}

static yoda_status split_conditions(struct lowering *l, const struct rel *rel,
                                    const struct sides *s, struct conditions *c)
{
    const struct expr_list *on = &rel->u.join.on;
    TRY(provided(l, s->probe, &c->probe));
    TRY(provided(l, s->build, &c->build));
    c->keys = arena_array(l->q->arena, struct join_key, on->count);
    c->rest = arena_array(l->q->arena, expr_ref, on->count);
    if (!c->keys || !c->rest)
        return fail_nomem(l->q->err, on->count * sizeof *c->keys);
    for (uint32_t i = 0; i < on->count; i++) {
        if (as_key(l, c, on->items[i], &c->keys[c->key_count]))
            c->key_count++;
        else if (i == 0 && rel->u.join.null_aware)
            return fail(l->q->err, YODA_NOT_COLUMNAR, "IN compares what does not hash");
        else
            c->rest[c->rest_count++] = on->items[i];
    }
    return YODA_OK;
}

/* Columns that keys compare as they are. A NULL may repeat in a unique index, and IS finds it. */
static yoda_status is_build_unique(struct lowering *l, const struct sides *s,
                                   const struct conditions *c, bool *out)
{
    uint64_t *columns = NULL;
    TRY(rel_new_set(l->q, &columns));
    for (uint32_t k = 0; k < c->key_count; k++) {
        expr_ref e = c->keys[k].build;
        if (e->kind == EXPR_INPUT && !(c->keys[k].null_safe && e->nullable))
            bit_set(columns, e->slot);
    }
    *out = rel_unique_on(l->q, s->build, columns);
    return YODA_OK;
}

static yoda_status renumber(struct lowering *l, const struct sides *s, struct conditions *c,
                            struct plan *node)
{
    struct lowered pair = {0};
    expr_ref residual;
    for (uint32_t k = 0; k < c->key_count; k++) {
        TRY(lower_expr(l, &s->child, c->keys[k].probe, &c->keys[k].probe));
        TRY(lower_expr(l, &s->built, c->keys[k].build, &c->keys[k].build));
    }
    node->u.join.keys = c->keys;
    node->u.join.key_count = c->key_count;
    if (c->rest_count == 0)
        return YODA_OK;
    struct sides both = *s;
    TRY(join_node(l, &both, true, true, 0, &pair));
    TRY(lower_and(l, c->rest, c->rest_count, &residual));
    return lower_expr(l, &pair, residual, &node->u.join.residual);
}

yoda_status lower_join(struct lowering *l, struct rel *rel, const uint64_t *needed,
                       struct lowered *out)
{
    struct sides s;
    struct conditions c = {0};
    bool mark = rel->u.join.kind == REL_MARK;
    choose_sides(l, rel, &s);
    TRY(split_conditions(l, rel, &s, &c));
    TRY(lower_sides(l, rel, needed, &s));
    TRY(join_node(l, &s, has_probe(s.kind), has_build(s.kind), mark, out));
    if (mark)
        ((uint32_t *)out->columns)[out->plan->column_count - 1] = rel->u.join.mark;
    out->plan->u.join.kind = s.kind;
    out->plan->u.join.build = s.built.plan;
    out->plan->u.join.null_aware = rel->u.join.null_aware;
    TRY(is_build_unique(l, &s, &c, &out->plan->u.join.build_unique));
    return renumber(l, &s, &c, out->plan);
}
