/* rel.c -- making, asking and printing the nodes of rel.h. */
#include "sql/rel.h"

#include "base/str.h"
#include "olap/column/chunk.h"
#include "sql/bind.h"

/* ---- Columns ---- */

yoda_status rel_new_column(struct query *q, const struct rel_column *column, uint32_t *out)
{
    if (q->column_count == q->column_capacity) {
        uint32_t capacity = q->column_capacity ? 2 * q->column_capacity : 64;
        struct rel_column *grown = arena_array(q->arena, struct rel_column, capacity);
        if (!grown)
            return fail_nomem(q->err, capacity * sizeof *grown);
        if (q->column_count)
            memcpy(grown, q->columns, q->column_count * sizeof *grown);
        q->columns = grown;
        q->column_capacity = capacity;
    }
    *out = q->column_count;
    q->columns[q->column_count++] = *column;
    return YODA_OK;
}

yoda_status rel_column_of_expr(struct query *q, expr_ref e, const char *name, uint32_t *out)
{
    struct rel_column column = {.name = name,
                                .type = e->type,
                                .classes = bind_classes(e->type, e->classes, e->nullable),
                                .affinity = e->has_affinity ? e->affinity : AFFINITY_BLOB,
                                .has_affinity = e->has_affinity,
                                .collation = e->collation};
    if (e->kind == EXPR_INPUT) { /* the same values: statistics stay known */
        column.table = q->columns[e->slot].table;
        column.table_column = q->columns[e->slot].table_column;
        column.affinity_unsure = q->columns[e->slot].affinity_unsure && e->has_affinity;
    }
    return rel_new_column(q, &column, out);
}

yoda_status rel_input(struct query *q, uint32_t column, expr_ref *out)
{
    ASSERT(column < q->column_count);
    const struct rel_column *c = &q->columns[column];
    return expr_input(&q->build, column, c->classes, c->affinity, c->has_affinity, c->collation,
                      out);
}

yoda_status rel_make_nullable(struct query *q, const struct rel *rel)
{
    uint64_t *set = NULL;
    TRY(rel_new_set(q, &set));
    rel_available(rel, set);
    for (uint32_t i = 0; i < q->column_count; i++)
        if (bit_get(set, i))
            q->columns[i].classes |= CLASS_NULL;
    return YODA_OK;
}

yoda_status rel_new_set(struct query *q, uint64_t **out)
{
    *out = arena_array(q->arena, uint64_t, rel_set_words(q));
    return *out ? YODA_OK : fail_nomem(q->err, rel_set_words(q) * sizeof **out);
}

static void set_all(uint64_t *set, const uint32_t *columns, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        bit_set(set, columns[i]);
}

static void join_available(const struct rel *rel, uint64_t *set)
{
    enum rel_join kind = rel->u.join.kind;
    rel_available(rel->child, set);
    if (kind == REL_MARK)
        bit_set(set, rel->u.join.mark);
    else if (kind != REL_SEMI && kind != REL_ANTI)
        rel_available(rel->right, set);
}

void rel_available(const struct rel *rel, uint64_t *set)
{
    switch (rel->kind) {
    case REL_SCAN:
        for (uint32_t i = 0; i < rel->u.scan.table->column_count; i++)
            bit_set(set, rel->u.scan.first + i);
        return;
    case REL_VALUES:
        set_all(set, rel->u.values.columns, rel->u.values.column_count);
        return;
    case REL_FILTER:
    case REL_SORT:
    case REL_LIMIT:
        rel_available(rel->child, set);
        return;
    case REL_MAP:
        rel_available(rel->child, set);
        set_all(set, rel->u.map.columns, rel->u.map.count);
        return;
    case REL_JOIN:
        join_available(rel, set);
        return;
    case REL_APPLY:
        rel_available(rel->child, set);
        bit_set(set, rel->u.apply.result);
        return;
    case REL_AGGREGATE:
        set_all(set, rel->u.aggregate.keys, rel->u.aggregate.key_count);
        set_all(set, rel->u.aggregate.columns, rel->u.aggregate.count);
        return;
    case REL_WINDOW:
        rel_available(rel->child, set);
        set_all(set, rel->u.window.columns, rel->u.window.count);
        return;
    case REL_SET:
        set_all(set, rel->u.set.columns, rel->u.set.column_count);
        return;
    case REL_SHARED:
        set_all(set, rel->u.shared.columns, rel->u.shared.shared->column_count);
        return;
    }
}

bool rel_provides(struct query *q, const struct rel *rel, uint32_t column)
{
    uint64_t *set = NULL;
    if (rel_new_set(q, &set) != YODA_OK)
        return false;
    rel_available(rel, set);
    return bit_get(set, column);
}

bool expr_within(const struct query *q, expr_ref e, const uint64_t *set)
{
    if (e->kind == EXPR_INPUT && !bit_get(set, e->slot))
        return false;
    for (uint32_t i = 0; i < e->arg_count; i++)
        if (!expr_within(q, e->args[i], set))
            return false;
    return true;
}

bool expr_touches(const struct query *q, expr_ref e, const uint64_t *set)
{
    if (e->kind == EXPR_INPUT && bit_get(set, e->slot))
        return true;
    for (uint32_t i = 0; i < e->arg_count; i++)
        if (expr_touches(q, e->args[i], set))
            return true;
    return false;
}

yoda_status rel_substitute(struct query *q, expr_ref e, const expr_ref *with, expr_ref *out)
{
    return expr_substitute(&q->build, e, with, out);
}

/* ---- What is free ---- */

static yoda_status add_inputs(void *ctx, expr_ref *e)
{
    expr_inputs(*e, ctx);
    return YODA_OK;
}

/* Columns that nodes below rel make: more than they hand up. */
static void rel_made(const struct rel *rel, uint64_t *set)
{
    struct rel **input;
    rel_available(rel, set);
    for (uint32_t i = 0; (input = rel_input_at((struct rel *)rel, i)); i++)
        rel_made(*input, set);
}

static void add_columns_read(const struct rel *rel, uint64_t *set)
{
    switch (rel->kind) {
    case REL_APPLY:
        if (rel->u.apply.kind == APPLY_SCALAR)
            bit_set(set, rel->u.apply.value);
        return;
    case REL_AGGREGATE:
        set_all(set, rel->u.aggregate.keys, rel->u.aggregate.key_count);
        return;
    case REL_WINDOW:
        set_all(set, rel->u.window.partition, rel->u.window.partition_count);
        for (uint32_t i = 0; i < rel->u.window.order_count; i++)
            bit_set(set, rel->u.window.order[i].column);
        return;
    case REL_SORT:
        for (uint32_t i = 0; i < rel->u.sort.key_count; i++)
            bit_set(set, rel->u.sort.keys[i].column);
        return;
    case REL_SET:
        for (uint32_t i = 0; i < rel->u.set.input_count; i++)
            set_all(set, rel->u.set.input_columns[i], rel->u.set.column_count);
        return;
    default:
        return;
    }
}

static yoda_status rel_read(const struct rel *rel, uint64_t *set)
{
    struct rel **input, *node = (struct rel *)rel;
    TRY(rel_each_expr(node, add_inputs, set));
    add_columns_read(rel, set);
    for (uint32_t i = 0; (input = rel_input_at(node, i)); i++)
        TRY(rel_read(*input, set));
    return YODA_OK;
}

yoda_status rel_free(struct query *q, const struct rel *rel, uint64_t *set)
{
    uint64_t *made = NULL, *read = NULL;
    TRY(rel_new_set(q, &made));
    TRY(rel_new_set(q, &read));
    rel_made(rel, made);
    TRY(rel_read(rel, read));
    for (size_t w = 0; w < rel_set_words(q); w++)
        set[w] |= read[w] & ~made[w];
    return YODA_OK;
}

/* ---- Nodes ---- */

yoda_status rel_new(struct query *q, enum rel_kind kind, struct rel *child, struct rel **out)
{
    struct rel *rel = arena_new(q->arena, struct rel);
    if (!rel)
        return fail_nomem(q->err, sizeof *rel);
    rel->kind = kind;
    rel->child = child;
    rel->rows = -1;
    *out = rel;
    return YODA_OK;
}

yoda_status rel_scan(struct query *q, const struct catalog_table *table, struct rel **out)
{
    TRY(rel_new(q, REL_SCAN, NULL, out));
    (*out)->u.scan.table = table;
    (*out)->u.scan.first = q->column_count;
    (*out)->u.scan.before = q->scans;
    q->scans = *out;
    for (uint32_t i = 0; i < table->column_count; i++) {
        const struct catalog_column *c = &table->columns[i];
        struct rel_column column = {.name = c->name,
                                    .classes = table->classes[i],
                                    .affinity = c->affinity,
                                    .has_affinity = true,
                                    .collation = c->collation,
                                    .table = table,
                                    .table_column = i};
        uint32_t number;
        /* A column of mixed classes has no vector type; the binder refuses to read it. */
        if (!vtype_of_classes(table->classes[i], &column.type))
            column.type = VT_NULL;
        TRY(rel_new_column(q, &column, &number));
        ASSERT(number == (*out)->u.scan.first + i);
    }
    return YODA_OK;
}

yoda_status rel_one_row(struct query *q, struct rel **out)
{
    TRY(rel_new(q, REL_VALUES, NULL, out));
    (*out)->u.values.row_count = 1;
    return YODA_OK;
}

yoda_status rel_filter(struct query *q, struct rel *child, expr_ref condition, struct rel **out)
{
    *out = child;
    if (child->kind != REL_FILTER)
        TRY(rel_new(q, REL_FILTER, child, out));
    (*out)->rows = -1;
    return expr_list_add_and(q, &(*out)->u.filter.conjuncts, condition);
}

yoda_status rel_join(struct query *q, enum rel_join kind, struct rel *left, struct rel *right,
                     struct rel **out)
{
    TRY(rel_new(q, REL_JOIN, left, out));
    (*out)->right = right;
    (*out)->u.join.kind = kind;
    return YODA_OK;
}

yoda_status rel_compute(struct query *q, struct rel **rel, expr_ref e, const char *name,
                        uint32_t *column)
{
    if (e->kind == EXPR_INPUT && q->columns[e->slot].collation == e->collation) {
        *column = e->slot;
        return YODA_OK;
    }
    struct rel *map = *rel;
    if (map->kind == REL_MAP)
        for (uint32_t i = 0; i < map->u.map.count; i++)
            if (expr_equal(map->u.map.exprs[i], e) &&
                q->columns[map->u.map.columns[i]].collation == e->collation) {
                *column = map->u.map.columns[i];
                return YODA_OK;
            }
    TRY(rel_new(q, REL_MAP, *rel, &map));
    map->u.map.columns = arena_array(q->arena, uint32_t, 1);
    map->u.map.exprs = arena_array(q->arena, expr_ref, 1);
    if (!map->u.map.columns || !map->u.map.exprs)
        return fail_nomem(q->err, sizeof(expr_ref));
    TRY(rel_column_of_expr(q, e, name, column));
    map->u.map.columns[0] = *column;
    map->u.map.exprs[0] = e;
    map->u.map.count = 1;
    *rel = map;
    return YODA_OK;
}

yoda_status rel_distinct(struct query *q, struct rel *child, const uint32_t *columns,
                         uint32_t count, struct rel **out)
{
    TRY(rel_new(q, REL_AGGREGATE, child, out));
    uint32_t *keys = arena_array(q->arena, uint32_t, count ? count : 1);
    if (!keys)
        return fail_nomem(q->err, count * sizeof *keys);
    uint32_t n = 0;
    for (uint32_t i = 0; i < count; i++) {
        bool known = false;
        for (uint32_t k = 0; k < n && !known; k++)
            known = keys[k] == columns[i];
        if (!known)
            keys[n++] = columns[i];
    }
    (*out)->u.aggregate.keys = keys;
    (*out)->u.aggregate.key_count = n;
    (*out)->u.aggregate.keyed = true;
    return YODA_OK;
}

yoda_status expr_list_add(struct query *q, struct expr_list *list, expr_ref e)
{
    if (list->count == list->capacity) {
        uint32_t capacity = list->capacity ? 2 * list->capacity : 4;
        expr_ref *grown = arena_array(q->arena, expr_ref, capacity);
        if (!grown)
            return fail_nomem(q->err, capacity * sizeof *grown);
        if (list->count)
            memcpy(grown, list->items, list->count * sizeof *grown);
        list->items = grown;
        list->capacity = capacity;
    }
    list->items[list->count++] = e;
    return YODA_OK;
}

yoda_status expr_list_add_and(struct query *q, struct expr_list *list, expr_ref e)
{
    if (e->kind != EXPR_AND)
        return expr_list_add(q, list, e);
    for (uint32_t i = 0; i < e->arg_count; i++)
        TRY(expr_list_add_and(q, list, e->args[i]));
    return YODA_OK;
}

struct rel **rel_input_at(struct rel *rel, uint32_t i)
{
    if (rel->kind == REL_SET)
        return i < rel->u.set.input_count ? &rel->u.set.inputs[i] : NULL;
    if (i == 0)
        return rel->child ? &rel->child : NULL;
    return i == 1 && rel->right ? &rel->right : NULL;
}

static yoda_status each_of(expr_ref *items, uint32_t count,
                           yoda_status (*fn)(void *ctx, expr_ref *e), void *ctx)
{
    for (uint32_t i = 0; i < count; i++)
        if (items[i])
            TRY(fn(ctx, &items[i]));
    return YODA_OK;
}

static yoda_status each_of_aggregate(struct aggregate *a,
                                     yoda_status (*fn)(void *ctx, expr_ref *e), void *ctx)
{
    TRY(each_of(&a->arg, 1, fn, ctx));
    TRY(each_of(&a->filter, 1, fn, ctx));
    return each_of(&a->separator, 1, fn, ctx);
}

yoda_status rel_each_expr(struct rel *rel, yoda_status (*fn)(void *ctx, expr_ref *e), void *ctx)
{
    switch (rel->kind) {
    case REL_SCAN:
        return each_of(rel->u.scan.filters.items, rel->u.scan.filters.count, fn, ctx);
    case REL_FILTER:
        return each_of(rel->u.filter.conjuncts.items, rel->u.filter.conjuncts.count, fn, ctx);
    case REL_MAP:
        return each_of(rel->u.map.exprs, rel->u.map.count, fn, ctx);
    case REL_JOIN:
        return each_of(rel->u.join.on.items, rel->u.join.on.count, fn, ctx);
    case REL_APPLY:
        return each_of(&rel->u.apply.compare, 1, fn, ctx);
    case REL_AGGREGATE:
        for (uint32_t i = 0; i < rel->u.aggregate.count; i++)
            TRY(each_of_aggregate(&rel->u.aggregate.aggregates[i], fn, ctx));
        return YODA_OK;
    case REL_WINDOW:
        for (uint32_t i = 0; i < rel->u.window.count; i++) {
            TRY(each_of_aggregate(&rel->u.window.calls[i].aggregate, fn, ctx));
            TRY(each_of(rel->u.window.calls[i].args, 3, fn, ctx));
        }
        return YODA_OK;
    default:
        return YODA_OK;
    }
}
