/*
 * rel_interpreter.h -- a logical plan run naively, row by row, APPLY and all: the oracle of rules.
 *
 * Values are integers or NULL. A row holds a value for every column of the query; running a node
 * under an environment gives rows that are the environment with the node's columns filled in.
 * Expressions are the engine's own, a row at a time.
 */
#ifndef YODA_REL_INTERPRETER_H
#define YODA_REL_INTERPRETER_H

#include "rel_fixture.h"

#define TABLE_ROWS_MAX 5

struct cell {
    int64_t i;
    bool null;
};
struct rows {
    struct cell **items;
    uint32_t count, capacity;
};
struct table_data { /* found by the table's tid */
    struct cell cells[TABLE_ROWS_MAX][FIXTURE_COLUMNS];
    uint32_t count;
};
struct interpreter {
    struct fixture *f;
    struct arena arena;
    const struct table_data *tables;
    bool refused; /* a scalar subquery has more than one row, or a limit cuts between equals */
};

static struct rows interpret(struct interpreter *in, const struct rel *rel, const struct cell *env);

static inline struct cell *copy_row(struct interpreter *in, const struct cell *row)
{
    struct cell *copy = arena_array(&in->arena, struct cell, in->f->q.column_count);
    assert_non_null(copy);
    if (row)
        memcpy(copy, row, in->f->q.column_count * sizeof *copy);
    return copy;
}

static inline void add_row(struct interpreter *in, struct rows *rows, struct cell *row)
{
    if (rows->count == rows->capacity) {
        uint32_t capacity = rows->capacity ? 2 * rows->capacity : 8;
        struct cell **grown = arena_array(&in->arena, struct cell *, capacity);
        assert_non_null(grown);
        if (rows->count)
            memcpy(grown, rows->items, rows->count * sizeof *grown);
        rows->items = grown;
        rows->capacity = capacity;
    }
    rows->items[rows->count++] = row;
}

static inline struct cell compute(struct interpreter *in, expr_ref e, const struct cell *row)
{
    uint32_t count = in->f->q.column_count;
    struct vector *columns = arena_array(&in->arena, struct vector, count), out;
    uint64_t *used = arena_array(&in->arena, uint64_t, BITMAP_WORDS(count) + 1);
    static const uint64_t null_bit = 1;
    struct value v;
    assert_true(columns && used);
    expr_inputs(e, used);
    for (uint32_t c = 0; c < count; c++) {
        columns[c] = (struct vector){.type = VT_NULL, .count = 1};
        if (bit_get(used, c))
            columns[c] = (struct vector){.type = VT_INT,
                                         .count = 1,
                                         .data = &row[c].i,
                                         .nulls = row[c].null ? &null_bit : NULL};
    }
    struct row_set set = {.rows = 1, .column_count = count, .columns = columns};
    struct eval eval = {&in->arena};
    MUST(in->f, expr_eval(e, &eval, &set, &out, &in->f->err));
    MUST(in->f, vector_value(&out, 0, &in->arena, &v, &in->f->err));
    return (struct cell){v.type == YODA_INTEGER ? v.i : 0, v.type == YODA_NULL};
}

static inline bool is_true(struct cell c)
{
    return !c.null && c.i != 0;
}

static inline bool all_true(struct interpreter *in, const struct expr_list *list,
                            const struct cell *row)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (!is_true(compute(in, list->items[i], row)))
            return false;
    return true;
}

static inline bool same_cell(struct cell a, struct cell b)
{
    return a.null == b.null && (a.null || a.i == b.i);
}

static inline bool same_columns(const struct cell *a, const struct cell *b, const uint32_t *columns,
                                uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (!same_cell(a[columns[i]], b[columns[i]]))
            return false;
    return true;
}

/* The row with rel's columns taken from another. */
static inline struct cell *overlay(struct interpreter *in, const struct cell *row,
                                   const struct rel *rel, const struct cell *from)
{
    uint64_t *set;
    struct cell *out = copy_row(in, row);
    MUST(in->f, rel_new_set(&in->f->q, &set));
    rel_available(rel, set);
    for (uint32_t c = 0; c < in->f->q.column_count; c++)
        if (bit_get(set, c))
            out[c] = from ? from[c] : (struct cell){0, true};
    return out;
}

/* ---- Nodes ---- */

static inline struct rows run_scan(struct interpreter *in, const struct rel *rel,
                                   const struct cell *env)
{
    struct rows out = {0};
    const struct table_data *table = &in->tables[rel->u.scan.table->tid];
    for (uint32_t r = 0; r < table->count; r++) {
        struct cell *row = copy_row(in, env);
        for (uint32_t c = 0; c < FIXTURE_COLUMNS; c++)
            row[rel->u.scan.first + c] = table->cells[r][c];
        if (all_true(in, &rel->u.scan.filters, row))
            add_row(in, &out, row);
    }
    return out;
}

static inline struct rows run_values(struct interpreter *in, const struct rel *rel,
                                     const struct cell *env)
{
    struct rows out = {0};
    uint32_t count = rel->u.values.column_count;
    for (uint32_t r = 0; r < rel->u.values.row_count; r++) {
        struct cell *row = copy_row(in, env);
        for (uint32_t c = 0; c < count; c++)
            row[rel->u.values.columns[c]] = compute(in, rel->u.values.exprs[r * count + c], env);
        add_row(in, &out, row);
    }
    return out;
}

/* IN over rows of the right side: 1, 0 or NULL. */
static inline struct cell three_valued(struct interpreter *in, expr_ref compare,
                                       const struct expr_list *others, uint32_t first,
                                       const struct rel *right, const struct cell *left,
                                       const struct rows *rights)
{
    struct cell out = {0, false};
    for (uint32_t r = 0; r < rights->count; r++) {
        struct cell *row = overlay(in, left, right, rights->items[r]);
        bool others_true = true;
        for (uint32_t i = first; others && i < others->count; i++)
            others_true = others_true && is_true(compute(in, others->items[i], row));
        struct cell one = compute(in, compare, row);
        if (others_true && is_true(one))
            return (struct cell){1, false};
        if (others_true && one.null)
            out.null = true;
    }
    return out;
}

static inline void join_row(struct interpreter *in, const struct rel *rel, struct cell *left,
                            const struct rows *rights, bool *right_met, struct rows *out)
{
    enum rel_join kind = rel->u.join.kind;
    bool pairs = kind == REL_INNER || kind == REL_LEFT || kind == REL_FULL || kind == REL_SINGLE;
    uint32_t matches = 0;
    for (uint32_t r = 0; r < rights->count; r++) {
        struct cell *row = overlay(in, left, rel->right, rights->items[r]);
        if (!all_true(in, &rel->u.join.on, row))
            continue;
        matches++;
        right_met[r] = true;
        if (pairs)
            add_row(in, out, row);
    }
    in->refused = in->refused || (kind == REL_SINGLE && matches > 1);
    if (pairs) {
        if (matches == 0 && kind != REL_INNER)
            add_row(in, out, overlay(in, left, rel->right, NULL));
        return;
    }
    struct cell mark = {matches > 0, false};
    if (rel->u.join.null_aware)
        mark =
            three_valued(in, rel->u.join.on.items[0], &rel->u.join.on, 1, rel->right, left, rights);
    if (kind == REL_MARK) {
        left = copy_row(in, left);
        left[rel->u.join.mark] = mark;
        add_row(in, out, left);
    } else if (!mark.null && (mark.i != 0) == (kind == REL_SEMI)) {
        add_row(in, out, left);
    }
}

static inline struct rows run_join(struct interpreter *in, const struct rel *rel,
                                   const struct cell *env)
{
    struct rows out = {0}, lefts = interpret(in, rel->child, env);
    struct rows rights = interpret(in, rel->right, env);
    bool *met = arena_array(&in->arena, bool, rights.count + 1);
    assert_non_null(met);
    for (uint32_t l = 0; l < lefts.count; l++)
        join_row(in, rel, lefts.items[l], &rights, met, &out);
    for (uint32_t r = 0; rel->u.join.kind == REL_FULL && r < rights.count; r++)
        if (!met[r])
            add_row(in, &out, overlay(in, rights.items[r], rel->child, NULL));
    return out;
}

static inline struct rows run_apply(struct interpreter *in, const struct rel *rel,
                                    const struct cell *env)
{
    struct rows out = {0}, lefts = interpret(in, rel->child, env);
    for (uint32_t l = 0; l < lefts.count; l++) {
        struct cell *row = copy_row(in, lefts.items[l]), result = {0, true};
        struct rows rights = interpret(in, rel->right, row);
        if (rel->u.apply.kind == APPLY_EXISTS)
            result = (struct cell){rights.count > 0, false};
        else if (rel->u.apply.kind == APPLY_IN)
            result = three_valued(in, rel->u.apply.compare, NULL, 0, rel->right, row, &rights);
        else if (rights.count > 0)
            result = rights.items[0][rel->u.apply.value];
        in->refused = in->refused || (rel->u.apply.kind == APPLY_SCALAR && rights.count > 1);
        row[rel->u.apply.result] = result;
        add_row(in, &out, row);
    }
    return out;
}

static inline void accumulate(struct interpreter *in, const struct aggregate *a,
                              const struct cell *row, struct cell *state)
{
    if (a->kind == AGG_COUNT_ROWS) {
        state->i++;
        return;
    }
    struct cell v = compute(in, a->arg, row);
    if (v.null)
        return;
    if (a->kind == AGG_COUNT)
        state->i++;
    else if (a->kind == AGG_SUM)
        state->i += v.i;
    else if (state->null || (a->kind == AGG_MIN ? v.i < state->i : v.i > state->i))
        state->i = v.i;
    state->null = false;
}

static inline struct cell *new_group(struct interpreter *in, const struct rel *rel,
                                     const struct cell *row)
{
    struct cell *group = copy_row(in, row);
    for (uint32_t i = 0; i < rel->u.aggregate.count; i++) {
        enum aggregate_kind kind = rel->u.aggregate.aggregates[i].kind;
        group[rel->u.aggregate.columns[i]] =
            (struct cell){0, kind != AGG_COUNT && kind != AGG_COUNT_ROWS};
    }
    return group;
}

static inline struct rows run_aggregate(struct interpreter *in, const struct rel *rel,
                                        const struct cell *env)
{
    struct rows out = {0}, rows = interpret(in, rel->child, env);
    if (!rel->u.aggregate.keyed)
        add_row(in, &out, new_group(in, rel, env));
    for (uint32_t r = 0; r < rows.count; r++) {
        uint32_t g = 0;
        while (g < out.count && !same_columns(out.items[g], rows.items[r], rel->u.aggregate.keys,
                                              rel->u.aggregate.key_count))
            g++;
        if (g == out.count)
            add_row(in, &out, new_group(in, rel, rows.items[r]));
        for (uint32_t i = 0; i < rel->u.aggregate.count; i++)
            accumulate(in, &rel->u.aggregate.aggregates[i], rows.items[r],
                       &out.items[g][rel->u.aggregate.columns[i]]);
    }
    return out;
}

static inline int order_rows(const struct cell *a, const struct cell *b,
                             const struct sort_key *keys, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct cell x = a[keys[i].column], y = b[keys[i].column];
        int order = x.null || y.null ? (int)y.null - (int)x.null : (x.i > y.i) - (x.i < y.i);
        if (order != 0)
            return keys[i].descending ? -order : order;
    }
    return 0;
}

/* rank() only */
static inline struct rows run_window(struct interpreter *in, const struct rel *rel,
                                     const struct cell *env)
{
    struct rows rows = interpret(in, rel->child, env);
    for (uint32_t r = 0; r < rows.count; r++) {
        int64_t rank = 1;
        for (uint32_t k = 0; k < rows.count; k++)
            rank += same_columns(rows.items[r], rows.items[k], rel->u.window.partition,
                                 rel->u.window.partition_count) &&
                    order_rows(rows.items[k], rows.items[r], rel->u.window.order,
                               rel->u.window.order_count) < 0;
        rows.items[r][rel->u.window.columns[0]] = (struct cell){rank, false};
    }
    return rows;
}

static inline struct rows run_sort(struct interpreter *in, const struct rel *rel,
                                   const struct cell *env)
{
    struct rows rows = interpret(in, rel->child, env);
    uint64_t limit = rel->u.sort.limit;
    for (uint32_t i = 1; i < rows.count; i++)
        for (uint32_t k = i; k > 0 && order_rows(rows.items[k], rows.items[k - 1], rel->u.sort.keys,
                                                 rel->u.sort.key_count) < 0;
             k--) {
            struct cell *swap = rows.items[k];
            rows.items[k] = rows.items[k - 1];
            rows.items[k - 1] = swap;
        }
    if (limit > 0 && rows.count > limit &&
        order_rows(rows.items[limit - 1], rows.items[limit], rel->u.sort.keys,
                   rel->u.sort.key_count) == 0)
        in->refused = true;
    return rows;
}

static inline struct rows run_set(struct interpreter *in, const struct rel *rel,
                                  const struct cell *env)
{
    struct rows out = {0};
    assert_int_equal(rel->u.set.kind, SET_UNION_ALL);
    for (uint32_t i = 0; i < rel->u.set.input_count; i++) {
        struct rows rows = interpret(in, rel->u.set.inputs[i], env);
        for (uint32_t r = 0; r < rows.count; r++) {
            struct cell *row = copy_row(in, env);
            for (uint32_t c = 0; c < rel->u.set.column_count; c++)
                row[rel->u.set.columns[c]] = rows.items[r][rel->u.set.input_columns[i][c]];
            add_row(in, &out, row);
        }
    }
    return out;
}

static inline struct rows run_shared(struct interpreter *in, const struct rel *rel,
                                     const struct cell *env)
{
    const struct shared_rel *shared = rel->u.shared.shared;
    struct rows out = {0}, rows = interpret(in, shared->rel, copy_row(in, NULL));
    for (uint32_t r = 0; r < rows.count; r++) {
        struct cell *row = copy_row(in, env);
        for (uint32_t c = 0; c < shared->column_count; c++)
            row[rel->u.shared.columns[c]] = rows.items[r][shared->columns[c]];
        add_row(in, &out, row);
    }
    return out;
}

static inline struct rows run_limit(struct interpreter *in, const struct rel *rel,
                                    const struct cell *env)
{
    struct rows rows = interpret(in, rel->child, env);
    if (rows.count > rel->u.limit.limit)
        rows.count = (uint32_t)rel->u.limit.limit;
    return rows;
}

static struct rows interpret(struct interpreter *in, const struct rel *rel, const struct cell *env)
{
    struct rows out = {0}, rows;
    switch (rel->kind) {
    case REL_SCAN:
        return run_scan(in, rel, env);
    case REL_VALUES:
        return run_values(in, rel, env);
    case REL_JOIN:
        return run_join(in, rel, env);
    case REL_APPLY:
        return run_apply(in, rel, env);
    case REL_AGGREGATE:
        return run_aggregate(in, rel, env);
    case REL_WINDOW:
        return run_window(in, rel, env);
    case REL_SORT:
        return run_sort(in, rel, env);
    case REL_SET:
        return run_set(in, rel, env);
    case REL_SHARED:
        return run_shared(in, rel, env);
    case REL_LIMIT:
        return run_limit(in, rel, env);
    case REL_FILTER:
        rows = interpret(in, rel->child, env);
        for (uint32_t r = 0; r < rows.count; r++)
            if (all_true(in, &rel->u.filter.conjuncts, rows.items[r]))
                add_row(in, &out, rows.items[r]);
        return out;
    case REL_MAP:
        rows = interpret(in, rel->child, env);
        for (uint32_t r = 0; r < rows.count; r++) {
            struct cell *row = copy_row(in, rows.items[r]);
            for (uint32_t i = 0; i < rel->u.map.count; i++)
                row[rel->u.map.columns[i]] = compute(in, rel->u.map.exprs[i], rows.items[r]);
            rows.items[r] = row;
        }
        return rows;
    }
    return out;
}

/* ---- Results ---- */

/* The given columns of all rows as sorted text, in the interpreter's arena. */
static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static inline char *interpret_text(struct interpreter *in, const struct rel *rel,
                                   const uint32_t *columns, uint32_t count)
{
    struct rows rows = interpret(in, rel, copy_row(in, NULL));
    char **lines = arena_array(&in->arena, char *, rows.count + 1);
    struct str text;
    str_init(&text);
    assert_non_null(lines);
    for (uint32_t r = 0; r < rows.count; r++) {
        str_clear(&text);
        for (uint32_t c = 0; c < count; c++)
            if (rows.items[r][columns[c]].null)
                str_puts(&text, "null ");
            else
                str_printf(&text, "%lld ", (long long)rows.items[r][columns[c]].i);
        lines[r] = arena_copy(&in->arena, str_text(&text), text.size);
    }
    if (rows.count)
        qsort(lines, rows.count, sizeof *lines, compare_lines);
    str_clear(&text);
    for (uint32_t r = 0; r < rows.count; r++)
        str_printf(&text, "%s\n", lines[r]);
    char *out = arena_copy(&in->arena, str_text(&text), text.size);
    str_deinit(&text);
    return out;
}

#endif
