/*
 * test_planner.c -- random queries mean the same before and after all rules.
 *
 * Queries are made as a binder makes them: sources joined, subqueries applied, a filter, groups;
 * subqueries nest and read columns of any query around them. rel_interpreter.h runs both trees.
 */
#include "rel_interpreter.h"

#define TABLES 4
#define DEPTH_MAX 3

struct scope { /* columns a query may read: its own and those around */
    uint32_t own[64], own_count;
    uint32_t outer[64], outer_count;
};
struct generator {
    struct fixture *f;
    const struct catalog_table *tables[TABLES];
    uint64_t seed;
    uint32_t scans;
    struct shared_rel *shared; /* a CTE, once it is read */
    bool in_shared;
};

static uint32_t pick(struct generator *g, uint32_t n)
{
    return (uint32_t)(test_random(&g->seed) % n);
}

static uint32_t own_column(struct generator *g, const struct scope *s)
{
    return s->own[pick(g, s->own_count)];
}

static uint32_t any_column(struct generator *g, const struct scope *s)
{
    if (s->outer_count && pick(g, 3) == 0)
        return s->outer[pick(g, s->outer_count)];
    return own_column(g, s);
}

static expr_ref comparison(struct generator *g, const struct scope *s)
{
    static const enum expr_op ops[] = {OP_EQ, OP_EQ, OP_EQ, OP_LT, OP_GE, OP_NE, OP_IS};
    enum expr_op op = ops[pick(g, COUNT_OF(ops))];
    expr_ref a = fixture_column(g->f, own_column(g, s)), b;
    b = pick(g, 3) ? fixture_column(g->f, any_column(g, s)) : fixture_int(g->f, pick(g, 4));
    return pick(g, 2) ? fixture_compare(g->f, op, a, b) : fixture_compare(g->f, op, b, a);
}

static expr_ref condition(struct generator *g, const struct scope *s)
{
    expr_ref e = comparison(g, s), null;
    switch (pick(g, 8)) {
    case 0:
        return fixture_or(g->f, e, comparison(g, s));
    case 1:
        return fixture_or(g->f, fixture_and(g->f, e, comparison(g, s)),
                          fixture_and(g->f, e, comparison(g, s)));
    case 2:
        return fixture_not(g->f, e);
    case 3:
        MUST(g->f, expr_is_null(&g->f->q.build, fixture_column(g->f, any_column(g, s)), pick(g, 2),
                                &null));
        return null;
    default:
        return e;
    }
}

static struct rel *query(struct generator *g, struct scope *s, uint32_t depth);

/* ---- FROM ---- */

/* A reader of the one CTE; the first makes it. */
static struct rel *shared_source(struct generator *g, struct scope *s)
{
    struct rel *rel;
    if (!g->shared) {
        struct scope body = {0};
        uint32_t *columns = arena_array(&g->f->arena, uint32_t, 3);
        g->shared = arena_new(&g->f->arena, struct shared_rel);
        assert_true(g->shared && columns);
        g->in_shared = true;
        g->shared->rel = query(g, &body, DEPTH_MAX - 1);
        g->in_shared = false;
        for (uint32_t i = 0; i < 3; i++)
            columns[i] = body.own[i];
        g->shared->columns = columns;
        g->shared->column_count = 3;
        g->shared->name = "cte";
    }
    uint32_t *columns = arena_array(&g->f->arena, uint32_t, 3);
    assert_non_null(columns);
    MUST(g->f, rel_new(&g->f->q, REL_SHARED, NULL, &rel));
    rel->u.shared.shared = g->shared;
    rel->u.shared.columns = columns;
    g->shared->readers++;
    for (uint32_t i = 0; i < 3; i++) {
        struct rel_column column = g->f->q.columns[g->shared->columns[i]];
        MUST(g->f, rel_new_column(&g->f->q, &column, &columns[i]));
        s->own[s->own_count++] = columns[i];
    }
    return rel;
}

static struct rel *one_source(struct generator *g, struct scope *s, uint32_t *first)
{
    struct rel *rel;
    *first = s->own_count;
    if (!g->in_shared && pick(g, 6) == 0)
        return shared_source(g, s);
    MUST(g->f, rel_scan(&g->f->q, g->tables[pick(g, TABLES)], &rel));
    g->scans++;
    for (uint32_t c = 0; c < FIXTURE_COLUMNS; c++)
        s->own[s->own_count++] = rel->u.scan.first + c;
    return rel;
}

static struct rel *sources(struct generator *g, struct scope *s)
{
    static const enum rel_join kinds[] = {REL_INNER, REL_INNER, REL_INNER,
                                          REL_LEFT,  REL_LEFT,  REL_FULL};
    uint32_t first, count = g->scans > 6 ? 1 : 1 + pick(g, 3);
    struct rel *rel = one_source(g, s, &first);
    for (uint32_t i = 1; i < count; i++) {
        enum rel_join kind = kinds[pick(g, COUNT_OF(kinds))];
        struct scope on = *s;
        struct rel *left = rel, *right = one_source(g, s, &first);
        memcpy(on.own, s->own, sizeof on.own);
        on.own_count = s->own_count;
        if (kind == REL_FULL)
            on.outer_count = 0;
        rel = fixture_join(g->f, kind, left, right, comparison(g, &on));
        if (pick(g, 2))
            MUST(g->f, expr_list_add_and(&g->f->q, &rel->u.join.on, condition(g, &on)));
        if (kind == REL_LEFT || kind == REL_FULL)
            MUST(g->f, rel_make_nullable(&g->f->q, right));
        if (kind == REL_FULL)
            MUST(g->f, rel_make_nullable(&g->f->q, left));
    }
    return rel;
}

/* ---- Subqueries ---- */

static struct rel *ordered_first(struct generator *g, struct rel *rel, const struct scope *s)
{
    struct rel *sort, *limit;
    MUST(g->f, rel_new(&g->f->q, REL_SORT, rel, &sort));
    sort->u.sort.keys = arena_array(&g->f->arena, struct sort_key, 1);
    assert_non_null(sort->u.sort.keys);
    sort->u.sort.keys[0].column = own_column(g, s);
    sort->u.sort.keys[0].descending = pick(g, 2);
    sort->u.sort.key_count = 1;
    sort->u.sort.limit = 1;
    MUST(g->f, rel_new(&g->f->q, REL_LIMIT, sort, &limit));
    limit->u.limit.limit = 1;
    return limit;
}

static struct rel *aggregated(struct generator *g, struct rel *rel, struct scope *s, bool keyed)
{
    static const enum aggregate_kind kinds[] = {AGG_COUNT_ROWS, AGG_COUNT, AGG_SUM, AGG_MIN,
                                                AGG_MAX};
    enum aggregate_kind kind = kinds[pick(g, COUNT_OF(kinds))];
    uint32_t key = own_column(g, s);
    expr_ref arg = kind == AGG_COUNT_ROWS ? NULL : fixture_column(g->f, any_column(g, s));
    rel = fixture_aggregate(g->f, rel, kind, arg, &key, keyed ? 1 : 0);
    s->own_count = 0;
    s->own[s->own_count++] = rel->u.aggregate.columns[0];
    if (keyed)
        s->own[s->own_count++] = key;
    if (pick(g, 3) == 0)
        rel = fixture_filter(g->f, rel, comparison(g, s));
    if (pick(g, 3) == 0) {
        expr_ref sum;
        uint32_t column;
        MUST(g->f, expr_arithmetic(&g->f->q.build, OP_ADD, fixture_column(g->f, s->own[0]),
                                   fixture_column(g->f, any_column(g, s)), &sum));
        MUST(g->f, rel_compute(&g->f->q, &rel, sum, "sum", &column));
        s->own[0] = column;
    }
    return rel;
}

static struct rel *twice(struct generator *g, struct rel *rel, struct scope *s, uint32_t depth)
{
    struct scope other = {.outer_count = s->outer_count};
    struct rel *set;
    memcpy(other.outer, s->outer, sizeof other.outer);
    struct rel *second = query(g, &other, depth);
    uint32_t **inputs = arena_array(&g->f->arena, uint32_t *, 2);
    MUST(g->f, rel_new(&g->f->q, REL_SET, NULL, &set));
    set->u.set.kind = SET_UNION_ALL;
    set->u.set.inputs = arena_array(&g->f->arena, struct rel *, 2);
    set->u.set.input_columns = inputs;
    set->u.set.columns = arena_array(&g->f->arena, uint32_t, 1);
    assert_true(inputs && set->u.set.inputs && set->u.set.columns);
    set->u.set.input_count = 2;
    set->u.set.column_count = 1;
    for (int i = 0; i < 2; i++) {
        inputs[i] = arena_array(&g->f->arena, uint32_t, 1);
        assert_non_null(inputs[i]);
        set->u.set.inputs[i] = i ? second : rel;
        inputs[i][0] = any_column(g, i ? &other : s);
    }
    set->u.set.columns[0] = fixture_new_column(g->f, "union");
    s->own[0] = set->u.set.columns[0];
    s->own_count = 1;
    return set;
}

static struct rel *subquery(struct generator *g, const struct scope *around, struct scope *s,
                            enum apply_kind kind, uint32_t depth)
{
    s->own_count = s->outer_count = 0;
    for (uint32_t i = 0; i < around->own_count && s->outer_count < 30; i++)
        s->outer[s->outer_count++] = around->own[i];
    for (uint32_t i = 0; i < around->outer_count && s->outer_count < 60; i++)
        s->outer[s->outer_count++] = around->outer[i];
    struct rel *rel = query(g, s, depth + 1);
    uint32_t shape = pick(g, 10);
    if (kind == APPLY_SCALAR)
        return shape < 6   ? aggregated(g, rel, s, false)
               : shape < 8 ? ordered_first(g, rel, s)
               : shape < 9 ? aggregated(g, rel, s, true)
                           : rel;
    if (shape == 0)
        return aggregated(g, rel, s, false);
    if (shape <= 2)
        return aggregated(g, rel, s, true);
    if (shape == 3)
        return twice(g, rel, s, depth + 1);
    if (shape == 4)
        MUST(g->f, rel_distinct(&g->f->q, rel, s->own, s->own_count, &rel));
    return rel;
}

/* Apply a subquery to *rel; what it says becomes a conjunct, part of one, or a column. */
static expr_ref apply(struct generator *g, struct rel **rel, struct scope *s, uint32_t depth)
{
    enum apply_kind kind = (enum apply_kind)pick(g, 3);
    struct scope inner;
    expr_ref compare = NULL;
    uint32_t value = 0;
    struct rel *right = subquery(g, s, &inner, kind, depth);
    if (kind == APPLY_IN)
        compare = pick(g, 4) ? fixture_equal(g->f, own_column(g, s), own_column(g, &inner))
                             : fixture_is(g->f, own_column(g, &inner), 1); /* does not hash */
    else if (kind == APPLY_SCALAR)
        value = pick(g, 8) ? own_column(g, &inner) : any_column(g, &inner);
    *rel = fixture_apply(g->f, kind, *rel, right, value, compare);
    expr_ref result = fixture_column(g->f, (*rel)->u.apply.result);
    if (kind == APPLY_SCALAR)
        result = fixture_compare(g->f, pick(g, 2) ? OP_EQ : OP_GE,
                                 fixture_column(g->f, own_column(g, s)), result);
    else if (pick(g, 2))
        result = fixture_not(g->f, result);
    if (pick(g, 4) == 0) /* its value is read above */
        s->own[s->own_count++] = (*rel)->u.apply.result;
    return pick(g, 4) ? result : fixture_or(g->f, result, comparison(g, s));
}

/* ---- SELECT ... FROM ... WHERE ---- */

static struct rel *query(struct generator *g, struct scope *s, uint32_t depth)
{
    struct rel *rel = sources(g, s);
    expr_ref filters[8];
    uint32_t count = 0, applies = depth < DEPTH_MAX ? pick(g, 3) : 0;
    if (depth == 0 && applies == 0)
        applies = pick(g, 2);
    for (uint32_t i = pick(g, 3); i > 0; i--)
        filters[count++] = condition(g, s);
    for (uint32_t i = 0; i < applies && g->scans < 8; i++) {
        expr_ref e = apply(g, &rel, s, depth);
        if (pick(g, 5))
            filters[count++] = e;
    }
    for (uint32_t i = 0; i < count; i++)
        rel = fixture_filter(g->f, rel, filters[i]);
    return rel;
}

static void fill_tables(struct table_data *tables, uint64_t *seed)
{
    for (uint32_t t = 0; t < TABLES; t++) {
        tables[t].count = (uint32_t)(test_random(seed) % (TABLE_ROWS_MAX + 1));
        for (uint32_t r = 0; r < tables[t].count; r++)
            for (uint32_t c = 0; c < FIXTURE_COLUMNS; c++)
                tables[t].cells[r][c] =
                    (struct cell){c == 0 ? (int64_t)r : (int64_t)(test_random(seed) % 4),
                                  c > 0 && test_random(seed) % 5 == 0};
    }
}

/* 0: not run (a refusal), 1: compared */
static int run_one(uint64_t seed)
{
    struct fixture f;
    struct table_data tables[TABLES];
    struct generator g = {.f = &f, .seed = seed};
    int done = 0;
    fixture_init(&f);
    fill_tables(tables, &g.seed);
    for (uint32_t t = 0; t < TABLES; t++) {
        static const char *const names[TABLES] = {"t0", "t1", "t2", "t3"};
        struct catalog_table *table =
            (struct catalog_table *)fixture_table(&f, names[t], (uint64_t)10 << (4 * t));
        table->tid = t;
        g.tables[t] = table;
    }
    struct scope s = {0};
    struct rel *rel = query(&g, &s, 0);
    if (pick(&g, 3) == 0)
        rel = aggregated(&g, rel, &s, pick(&g, 2));
    struct rel_select select = {.rel = rel, .columns = s.own, .column_count = s.own_count};
    struct interpreter in = {.f = &f, .tables = tables};
    arena_init(&in.arena, NULL);
    struct str before;
    str_init(&before);
    rel_print(&f.q, rel, &before);
    char *expected = interpret_text(&in, rel, select.columns, select.column_count);
    bool refused = in.refused;
    in.refused = false;
    yoda_status status = planner_rewrite(&f.q, &select);
    if (status != YODA_OK && status != YODA_NOT_COLUMNAR)
        fail_msg("seed %llu: %s\n%s", (unsigned long long)seed, f.err.message, str_text(&before));
    if (status == YODA_OK && !refused) {
        char *got = interpret_text(&in, select.rel, select.columns, select.column_count);
        if (!in.refused && strcmp(expected, got) != 0)
            fail_msg("seed %llu\n%sbecame\n%sexpected\n%sgot\n%s", (unsigned long long)seed,
                     str_text(&before), fixture_text(&f, select.rel), expected, got);
        done = !in.refused;
    }
    str_deinit(&before);
    arena_deinit(&in.arena);
    fixture_deinit(&f);
    return done;
}

static void test_same_meaning(void **state)
{
    uint64_t seed = test_seed();
    const char *runs = getenv("YODA_TEST_RUNS");
    int count = runs ? atoi(runs) : 300, done = 0;
    YODA_UNUSED(state);
    for (int i = 0; i < count; i++)
        done += run_one(seed + (uint64_t)i);
    print_message("%d of %d queries compared\n", done, count);
    assert_true(done * 2 > count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_same_meaning)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
