/* plan_build.c -- making plan nodes; see plan_build.h. */
#include "sql/plan_build.h"

static yoda_status new_node(struct binder *b, enum plan_kind kind, const struct plan *child,
                            uint32_t column_count, struct plan **out, enum vtype **types)
{
    struct plan *node = arena_new(b->arena, struct plan);
    *types = arena_array(b->arena, enum vtype, column_count ? column_count : 1);
    if (!node || !*types)
        return fail_nomem(b->err, sizeof *node + column_count * sizeof **types);
    *node = (struct plan){
        .kind = kind, .child = child, .column_count = column_count, .types = *types};
    *out = node;
    return YODA_OK;
}

/* A node whose rows have its child's columns. */
static yoda_status new_same(struct binder *b, enum plan_kind kind, const struct plan *child,
                            struct plan **out)
{
    enum vtype *types = NULL;
    TRY(new_node(b, kind, child, child->column_count, out, &types));
    memcpy(types, child->types, child->column_count * sizeof *types);
    return YODA_OK;
}

yoda_status plan_new_scan(struct binder *b, const uint64_t *used, const expr_ref *filters,
                          uint32_t filter_count, uint32_t *map, const struct plan **out)
{
    const struct catalog_table *table = b->table;
    uint32_t count = (uint32_t)bitmap_count(used, table->column_count), slot = 0;
    struct plan *node = NULL;
    enum vtype *types = NULL;
    TRY(new_node(b, PLAN_SCAN, NULL, count, &node, &types));
    uint32_t *columns = arena_array(b->arena, uint32_t, count ? count : 1);
    const char **names = arena_array(b->arena, const char *, count ? count : 1);
    expr_ref *mapped = arena_array(b->arena, expr_ref, filter_count ? filter_count : 1);
    if (!columns || !names || !mapped)
        return fail_nomem(b->err, count * sizeof *names);
    for (uint32_t i = 0; i < table->column_count; i++) {
        if (!bit_get(used, i))
            continue;
        if (!vtype_of_classes(table->classes[i], &types[slot]))
            return bind_refuse(b, "column %s mixes storage classes", table->columns[i].name);
        columns[slot] = i;
        names[slot] = table->columns[i].name;
        map[i] = slot++;
    }
    for (uint32_t i = 0; i < filter_count; i++)
        TRY(expr_remap(&b->build, filters[i], map, &mapped[i]));
    node->u.scan.tid = table->tid;
    node->u.scan.table_name = table->name;
    node->u.scan.columns = columns;
    node->u.scan.names = names;
    node->u.scan.filters = mapped;
    node->u.scan.filter_count = filter_count;
    *out = node;
    return YODA_OK;
}

yoda_status plan_new_filter(struct binder *b, const struct plan *child, expr_ref condition,
                            const struct plan **out)
{
    struct plan *node = NULL;
    TRY(new_same(b, PLAN_FILTER, child, &node));
    node->u.filter.condition = condition;
    *out = node;
    return YODA_OK;
}

yoda_status plan_new_project(struct binder *b, const struct plan *child, const expr_ref *exprs,
                             uint32_t count, const struct plan **out)
{
    struct plan *node = NULL;
    enum vtype *types = NULL;
    TRY(new_node(b, PLAN_PROJECT, child, count, &node, &types));
    for (uint32_t i = 0; i < count; i++)
        types[i] = exprs[i]->type;
    node->u.project.exprs = exprs;
    *out = node;
    return YODA_OK;
}

yoda_status plan_new_aggregate(struct binder *b, const struct plan *child, const expr_ref *keys,
                               uint32_t key_count, const struct aggregate *aggregates,
                               uint32_t aggregate_count, const struct plan **out)
{
    struct plan *node = NULL;
    enum vtype *types = NULL;
    TRY(new_node(b, PLAN_AGGREGATE, child, key_count + aggregate_count, &node, &types));
    enum collation *collations = arena_array(b->arena, enum collation, key_count ? key_count : 1);
    if (!collations)
        return fail_nomem(b->err, key_count * sizeof *collations);
    for (uint32_t i = 0; i < key_count; i++) {
        types[i] = keys[i]->type;
        collations[i] = keys[i]->collation;
    }
    for (uint32_t i = 0; i < aggregate_count; i++)
        types[key_count + i] = aggregates[i].type;
    node->u.aggregate.keys = keys;
    node->u.aggregate.key_collations = collations;
    node->u.aggregate.key_count = key_count;
    node->u.aggregate.aggregates = aggregates;
    node->u.aggregate.aggregate_count = aggregate_count;
    *out = node;
    return YODA_OK;
}

yoda_status plan_new_distinct(struct binder *b, const struct plan *child,
                              const enum collation *collations, const struct plan **out)
{
    struct plan *node = NULL;
    TRY(new_same(b, PLAN_DISTINCT, child, &node));
    node->u.distinct.collations = collations;
    *out = node;
    return YODA_OK;
}

yoda_status plan_new_sort(struct binder *b, const struct plan *child, const struct sort_key *keys,
                          uint32_t count, uint64_t limit, const struct plan **out)
{
    struct plan *node = NULL;
    TRY(new_same(b, PLAN_SORT, child, &node));
    node->u.sort.keys = keys;
    node->u.sort.key_count = count;
    node->u.sort.limit = limit;
    *out = node;
    return YODA_OK;
}

yoda_status plan_new_limit(struct binder *b, const struct plan *child, uint64_t limit,
                           uint64_t offset, const struct plan **out)
{
    struct plan *node = NULL;
    TRY(new_same(b, PLAN_LIMIT, child, &node));
    node->u.limit.limit = limit;
    node->u.limit.offset = offset;
    *out = node;
    return YODA_OK;
}
