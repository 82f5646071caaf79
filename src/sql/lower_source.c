/*
 * lower_source.c -- where rows come from: scans, constant rows, set operations, shared plans.
 */
#include "sql/lower.h"

#include "base/str.h"

/* ---- Scan ---- */

/* Is the table read under another name, too? */
static bool is_read_twice(const struct query *q, const struct rel *rel)
{
    for (const struct rel *other = q->scans; other; other = other->u.scan.before)
        if (other != rel && other->u.scan.table->tid == rel->u.scan.table->tid)
            return true;
    return false;
}

/* What EXPLAIN calls a column: with the alias where that tells it from another. */
static yoda_status column_name(struct lowering *l, const struct rel *rel, uint32_t i,
                               const char **out)
{
    struct str text;
    *out = rel->u.scan.table->columns[i].name;
    if (!rel->u.scan.alias || !is_read_twice(l->q, rel))
        return YODA_OK;
    str_init(&text);
    str_printf(&text, "%s.%s", rel->u.scan.alias, *out);
    *out = arena_copy(l->q->arena, str_text(&text), text.size);
    str_deinit(&text);
    return *out ? YODA_OK : fail_nomem(l->q->err, 0);
}

static yoda_status fill_scan(struct lowering *l, const struct rel *rel, const uint64_t *wanted,
                             struct plan *node, enum vtype *types, uint32_t *columns)
{
    const struct catalog_table *table = rel->u.scan.table;
    uint32_t *table_columns = arena_array(l->q->arena, uint32_t, node->column_count);
    const char **names = arena_array(l->q->arena, const char *, node->column_count);
    uint32_t slot = 0;
    if (!table_columns || !names)
        return fail_nomem(l->q->err, node->column_count * sizeof *names);
    for (uint32_t i = 0; i < table->column_count; i++) {
        if (!bit_get(wanted, rel->u.scan.first + i))
            continue;
        if (!vtype_of_classes(table->classes[i], &types[slot]))
            return fail(l->q->err, YODA_NOT_COLUMNAR, "column %s mixes storage classes",
                        table->columns[i].name);
        table_columns[slot] = i;
        TRY(column_name(l, rel, i, &names[slot]));
        columns[slot++] = rel->u.scan.first + i;
    }
    ASSERT(slot == node->column_count);
    node->u.scan.tid = table->tid;
    node->u.scan.table_name = table->name;
    node->u.scan.columns = table_columns;
    node->u.scan.names = names;
    return YODA_OK;
}

static uint32_t count_wanted(const struct rel *rel, const uint64_t *wanted)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < rel->u.scan.table->column_count; i++)
        count += bit_get(wanted, rel->u.scan.first + i);
    return count;
}

static yoda_status scan_filters(struct lowering *l, const struct rel *rel,
                                const struct expr_list *more, uint64_t *wanted, expr_ref **out,
                                uint32_t *count)
{
    const struct expr_list *own = &rel->u.scan.filters;
    *count = own->count + (more ? more->count : 0);
    *out = arena_array(l->q->arena, expr_ref, *count);
    if (!*out)
        return fail_nomem(l->q->err, *count * sizeof **out);
    for (uint32_t i = 0; i < *count; i++) {
        (*out)[i] = i < own->count ? own->items[i] : more->items[i - own->count];
        expr_inputs((*out)[i], wanted);
    }
    return YODA_OK;
}

yoda_status lower_scan(struct lowering *l, const struct rel *rel, const struct expr_list *more,
                       const uint64_t *needed, struct lowered *out)
{
    uint64_t *wanted = NULL;
    expr_ref *filters = NULL;
    uint32_t filter_count, *columns = NULL;
    enum vtype *types = NULL;
    struct plan *node = NULL;
    TRY(lower_copy_set(l, needed, &wanted));
    TRY(scan_filters(l, rel, more, wanted, &filters, &filter_count));
    TRY(lower_node(l, PLAN_SCAN, NULL, count_wanted(rel, wanted), &node, &types, &columns));
    TRY(fill_scan(l, rel, wanted, node, types, columns));
    *out = (struct lowered){node, columns};
    TRY(lower_exprs(l, out, filters, filter_count, filters));
    node->u.scan.filters = filters;
    node->u.scan.filter_count = filter_count;
    return YODA_OK;
}

/* ---- Constant rows ---- */

yoda_status lower_values(struct lowering *l, const struct rel *rel, const uint64_t *needed,
                         struct lowered *out)
{
    uint32_t width = rel->u.values.column_count, rows = rel->u.values.row_count, n = 0;
    uint32_t *columns = NULL;
    enum vtype *types = NULL;
    struct plan *node = NULL;
    for (uint32_t c = 0; c < width; c++)
        n += bit_get(needed, rel->u.values.columns[c]);
    TRY(lower_node(l, PLAN_VALUES, NULL, n, &node, &types, &columns));
    expr_ref *exprs = arena_array(l->q->arena, expr_ref, (size_t)n * rows);
    if (!exprs)
        return fail_nomem(l->q->err, (size_t)n * rows * sizeof *exprs);
    uint32_t slot = 0;
    for (uint32_t c = 0; c < width; c++) {
        if (!bit_get(needed, rel->u.values.columns[c]))
            continue;
        columns[slot] = rel->u.values.columns[c];
        types[slot] = l->q->columns[columns[slot]].type;
        for (uint32_t r = 0; r < rows; r++)
            exprs[(size_t)r * n + slot] = rel->u.values.exprs[(size_t)r * width + c];
        slot++;
    }
    node->u.values.exprs = exprs;
    node->u.values.row_count = rows;
    *out = (struct lowered){node, columns};
    return YODA_OK;
}

/* ---- Set operations ---- */

/* Positions somebody reads; INTERSECT and EXCEPT compare all of them. */
static yoda_status set_positions(struct lowering *l, const struct rel *rel, const uint64_t *needed,
                                 uint32_t **out, uint32_t *count)
{
    *out = arena_array(l->q->arena, uint32_t, rel->u.set.column_count);
    *count = 0;
    if (!*out)
        return fail_nomem(l->q->err, rel->u.set.column_count * sizeof **out);
    for (uint32_t i = 0; i < rel->u.set.column_count; i++)
        if (rel->u.set.kind != SET_UNION_ALL || bit_get(needed, rel->u.set.columns[i]))
            (*out)[(*count)++] = i;
    return YODA_OK;
}

static yoda_status lower_input(struct lowering *l, const struct rel *rel, uint32_t input,
                               const uint32_t *positions, uint32_t count, const struct plan **out)
{
    struct lowered lowered;
    uint32_t *columns = arena_array(l->q->arena, uint32_t, count);
    if (!columns)
        return fail_nomem(l->q->err, count * sizeof *columns);
    for (uint32_t i = 0; i < count; i++)
        columns[i] = rel->u.set.input_columns[input][positions[i]];
    TRY(lower_columns(l, rel->u.set.inputs[input], columns, count, &lowered));
    *out = lowered.plan;
    return YODA_OK;
}

yoda_status lower_set(struct lowering *l, const struct rel *rel, const uint64_t *needed,
                      struct lowered *out)
{
    uint32_t *positions = NULL, *columns = NULL, count, inputs = rel->u.set.input_count;
    enum vtype *types = NULL;
    struct plan *node = NULL;
    const struct plan **plans = arena_array(l->q->arena, const struct plan *, inputs);
    if (!plans)
        return fail_nomem(l->q->err, inputs * sizeof(struct plan *));
    TRY(set_positions(l, rel, needed, &positions, &count));
    for (uint32_t i = 0; i < inputs; i++)
        TRY(lower_input(l, rel, i, positions, count, &plans[i]));
    TRY(lower_node(l, PLAN_SET, NULL, count, &node, &types, &columns));
    for (uint32_t i = 0; i < count; i++) {
        columns[i] = rel->u.set.columns[positions[i]];
        types[i] = l->q->columns[columns[i]].type;
    }
    node->u.set.kind = rel->u.set.kind;
    node->u.set.inputs = plans;
    node->u.set.input_count = inputs;
    *out = (struct lowered){node, columns};
    return YODA_OK;
}

/* ---- Shared plans ---- */

yoda_status lower_only_reader(struct lowering *l, struct rel *rel)
{
    if (rel->kind != REL_SHARED || rel->u.shared.shared->readers > 1)
        return YODA_OK;
    const struct shared_rel *shared = rel->u.shared.shared;
    uint32_t *columns = rel->u.shared.columns, count = shared->column_count;
    expr_ref *exprs = arena_array(l->q->arena, expr_ref, count);
    if (!exprs)
        return fail_nomem(l->q->err, count * sizeof *exprs);
    for (uint32_t i = 0; i < count; i++)
        TRY(rel_input(l->q, shared->columns[i], &exprs[i]));
    rel->kind = REL_MAP;
    rel->child = shared->rel;
    rel->u.map.columns = columns;
    rel->u.map.exprs = exprs;
    rel->u.map.count = count;
    return YODA_OK;
}

static yoda_status lower_once(struct lowering *l, struct shared_rel *shared)
{
    struct lowered lowered;
    if (shared->plan)
        return YODA_OK;
    uint32_t *slots = arena_array(l->q->arena, uint32_t, shared->column_count);
    if (!slots)
        return fail_nomem(l->q->err, shared->column_count * sizeof *slots);
    TRY(lower_columns(l, shared->rel, shared->columns, shared->column_count, &lowered));
    for (uint32_t i = 0; i < shared->column_count; i++)
        slots[i] = i;
    shared->plan = lowered.plan;
    shared->slots = slots;
    return YODA_OK;
}

yoda_status lower_shared(struct lowering *l, struct rel *rel, const uint64_t *needed,
                         struct lowered *out)
{
    TRY(lower_only_reader(l, rel));
    if (rel->kind == REL_MAP)
        return lower_map(l, rel, needed, out);
    struct shared_rel *shared = rel->u.shared.shared;
    uint32_t *columns = NULL, *slots, n = 0;
    enum vtype *types = NULL;
    struct plan *node = NULL;
    TRY(lower_once(l, shared));
    TRY(lower_node(l, PLAN_SHARED, shared->plan, shared->column_count, &node, &types, &columns));
    slots = arena_array(l->q->arena, uint32_t, shared->column_count);
    if (!slots)
        return fail_nomem(l->q->err, shared->column_count * sizeof *slots);
    for (uint32_t i = 0; i < shared->column_count; i++) {
        if (!bit_get(needed, rel->u.shared.columns[i]))
            continue;
        slots[n] = shared->slots[i];
        types[n] = shared->plan->types[slots[n]];
        columns[n++] = rel->u.shared.columns[i];
    }
    node->column_count = n;
    node->u.shared.columns = slots;
    *out = (struct lowered){node, columns};
    return YODA_OK;
}
