/* rewrite.c -- what several rules do to a tree. */
#include "sql/rewrite.h"

#include "olap/column/chunk.h"

#include <string.h>

/* ---- Making nodes ---- */

yoda_status rewrite_add_all(struct query *q, struct expr_list *list, const struct expr_list *from)
{
    for (uint32_t i = 0; i < from->count; i++)
        TRY(expr_list_add(q, list, from->items[i]));
    return YODA_OK;
}

yoda_status rewrite_filter(struct query *q, struct rel **rel, const struct expr_list *conjuncts)
{
    for (uint32_t i = 0; i < conjuncts->count; i++)
        TRY(rel_filter(q, *rel, conjuncts->items[i], rel));
    return YODA_OK;
}

yoda_status rewrite_map(struct query *q, struct rel **rel, uint32_t column, expr_ref e)
{
    struct rel *map;
    TRY(rel_new(q, REL_MAP, *rel, &map));
    map->u.map.columns = arena_array(q->arena, uint32_t, 1);
    map->u.map.exprs = arena_array(q->arena, expr_ref, 1);
    if (!map->u.map.columns || !map->u.map.exprs)
        return fail_nomem(q->err, sizeof e);
    map->u.map.columns[0] = column;
    map->u.map.exprs[0] = e;
    map->u.map.count = 1;
    *rel = map;
    return YODA_OK;
}

yoda_status rewrite_empty(struct query *q, const struct rel *rel, struct rel **out)
{
    uint64_t *set = NULL;
    TRY(rel_new_set(q, &set));
    rel_available(rel, set);
    TRY(rel_new(q, REL_VALUES, NULL, out));
    uint32_t *columns = arena_array(q->arena, uint32_t, q->column_count + 1);
    if (!columns)
        return fail_nomem(q->err, q->column_count * sizeof *columns);
    uint32_t n = 0;
    for (uint32_t c = 0; c < q->column_count; c++)
        if (bit_get(set, c))
            columns[n++] = c;
    (*out)->u.values.columns = columns;
    (*out)->u.values.column_count = n;
    return YODA_OK;
}

yoda_status rewrite_args(struct query *q, expr_ref e, const expr_ref *args, expr_ref *out)
{
    struct expr *copy = arena_new(q->arena, struct expr);
    expr_ref *list = arena_array(q->arena, expr_ref, e->arg_count);
    if (!copy || !list)
        return fail_nomem(q->err, sizeof *copy);
    memcpy(list, args, e->arg_count * sizeof *list);
    *copy = *e;
    copy->args = list;
    *out = copy;
    return YODA_OK;
}

/* ---- Reading ---- */

static void add_all(uint64_t *set, const uint32_t *columns, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        bit_set(set, columns[i]);
}

static void add_keys(uint64_t *set, const struct sort_key *keys, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        bit_set(set, keys[i].column);
}

static yoda_status add_inputs(void *ctx, expr_ref *e)
{
    expr_inputs(*e, ctx);
    return YODA_OK;
}

yoda_status rewrite_reads(struct rel *rel, uint64_t *set)
{
    TRY(rel_each_expr(rel, add_inputs, set));
    switch (rel->kind) {
    case REL_APPLY:
        if (rel->u.apply.kind == APPLY_SCALAR)
            bit_set(set, rel->u.apply.value);
        return YODA_OK;
    case REL_AGGREGATE:
        add_all(set, rel->u.aggregate.keys, rel->u.aggregate.key_count);
        return YODA_OK;
    case REL_WINDOW:
        add_all(set, rel->u.window.partition, rel->u.window.partition_count);
        add_keys(set, rel->u.window.order, rel->u.window.order_count);
        return YODA_OK;
    case REL_SORT:
        add_keys(set, rel->u.sort.keys, rel->u.sort.key_count);
        return YODA_OK;
    case REL_SET:
        for (uint32_t i = 0; i < rel->u.set.input_count; i++)
            add_all(set, rel->u.set.input_columns[i], rel->u.set.column_count);
        return YODA_OK;
    default:
        return YODA_OK;
    }
}

yoda_status rewrite_each(struct rel *rel, yoda_status (*fn)(void *ctx, struct rel *rel), void *ctx)
{
    struct rel **input;
    TRY(fn(ctx, rel));
    for (uint32_t i = 0; (input = rel_input_at(rel, i)); i++)
        TRY(rewrite_each(*input, fn, ctx));
    return YODA_OK;
}

bool rewrite_is_exact(const struct query *q, uint32_t column)
{
    const struct rel_column *c = &q->columns[column];
    switch (c->type) {
    case VT_INT:
    case VT_BLOB:
    case VT_NULL:
        return true;
    case VT_TEXT:
        return c->collation == COLLATE_BINARY;
    case VT_REAL:
        return !(c->classes & CLASS_NEGATIVE_ZERO);
    case VT_NUM:
        return !(c->classes & CLASS_NEGATIVE_ZERO) &&
               !((c->classes & CLASS_INTEGER) && (c->classes & CLASS_INTEGRAL_REAL));
    }
    return false;
}

/* ---- Renumbering ---- */

struct renumber {
    struct query *q;
    const uint32_t *map;
};

static yoda_status renumber_expr(void *ctx, expr_ref *e)
{
    struct renumber *r = ctx;
    return expr_remap(&r->q->build, *e, r->map, e);
}

/* Arrays may be shared between nodes: each gets its own. */
static yoda_status renumber_columns(struct renumber *r, uint32_t **columns, uint32_t count)
{
    uint32_t *copy = arena_array(r->q->arena, uint32_t, count ? count : 1);
    if (!copy)
        return fail_nomem(r->q->err, count * sizeof *copy);
    for (uint32_t i = 0; i < count; i++)
        copy[i] = r->map[(*columns)[i]];
    *columns = copy;
    return YODA_OK;
}

static yoda_status renumber_keys(struct renumber *r, struct sort_key **keys, uint32_t count)
{
    struct sort_key *copy = arena_array(r->q->arena, struct sort_key, count ? count : 1);
    if (!copy)
        return fail_nomem(r->q->err, count * sizeof *copy);
    for (uint32_t i = 0; i < count; i++) {
        copy[i] = (*keys)[i];
        copy[i].column = r->map[copy[i].column];
    }
    *keys = copy;
    return YODA_OK;
}

static yoda_status renumber_set(struct renumber *r, struct rel *rel)
{
    for (uint32_t i = 0; i < rel->u.set.input_count; i++)
        TRY(renumber_columns(r, &rel->u.set.input_columns[i], rel->u.set.column_count));
    return renumber_columns(r, &rel->u.set.columns, rel->u.set.column_count);
}

static yoda_status renumber_node(void *ctx, struct rel *rel)
{
    struct renumber *r = ctx;
    TRY(rel_each_expr(rel, renumber_expr, r));
    switch (rel->kind) {
    case REL_SCAN:
        rel->u.scan.first = r->map[rel->u.scan.first];
        return YODA_OK;
    case REL_VALUES:
        return renumber_columns(r, &rel->u.values.columns, rel->u.values.column_count);
    case REL_MAP:
        return renumber_columns(r, &rel->u.map.columns, rel->u.map.count);
    case REL_JOIN:
        if (rel->u.join.kind == REL_MARK)
            rel->u.join.mark = r->map[rel->u.join.mark];
        return YODA_OK;
    case REL_APPLY:
        rel->u.apply.result = r->map[rel->u.apply.result];
        if (rel->u.apply.kind == APPLY_SCALAR)
            rel->u.apply.value = r->map[rel->u.apply.value];
        return YODA_OK;
    case REL_AGGREGATE:
        TRY(renumber_columns(r, &rel->u.aggregate.keys, rel->u.aggregate.key_count));
        return renumber_columns(r, &rel->u.aggregate.columns, rel->u.aggregate.count);
    case REL_WINDOW:
        TRY(renumber_columns(r, &rel->u.window.partition, rel->u.window.partition_count));
        TRY(renumber_keys(r, &rel->u.window.order, rel->u.window.order_count));
        return renumber_columns(r, &rel->u.window.columns, rel->u.window.count);
    case REL_SORT:
        return renumber_keys(r, &rel->u.sort.keys, rel->u.sort.key_count);
    case REL_SET:
        return renumber_set(r, rel);
    case REL_SHARED:
        return renumber_columns(r, &rel->u.shared.columns, rel->u.shared.shared->column_count);
    case REL_FILTER:
    case REL_LIMIT:
        return YODA_OK;
    }
    return YODA_OK;
}

yoda_status rewrite_renumber(struct query *q, struct rel *rel, const uint32_t *map)
{
    return rewrite_each(rel, renumber_node, &(struct renumber){q, map});
}

yoda_status rewrite_renumber_node(struct query *q, struct rel *rel, const uint32_t *map)
{
    return renumber_node(&(struct renumber){q, map}, rel);
}

yoda_status rewrite_identity(struct query *q, uint32_t **map)
{
    *map = arena_array(q->arena, uint32_t, q->column_count + 1);
    if (!*map)
        return fail_nomem(q->err, q->column_count * sizeof **map);
    for (uint32_t c = 0; c < q->column_count; c++)
        (*map)[c] = c;
    return YODA_OK;
}

static yoda_status add_made(void *ctx, struct rel *rel)
{
    rel_available(rel, ctx);
    return YODA_OK;
}

yoda_status rewrite_fresh(struct query *q, struct rel *rel, uint32_t **map)
{
    uint64_t *made = NULL;
    uint32_t count = q->column_count;
    TRY(rel_new_set(q, &made));
    TRY(rewrite_each(rel, add_made, made));
    TRY(rewrite_identity(q, map));
    /* In ascending order, so that a table's columns stay in one piece. */
    for (uint32_t c = 0; c < count; c++)
        if (bit_get(made, c)) {
            struct rel_column column = q->columns[c];
            TRY(rel_new_column(q, &column, &(*map)[c]));
        }
    return YODA_OK;
}
