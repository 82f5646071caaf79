/*
 * test_facts.c -- aggregates over whole segments that are not read, against the same by their rows.
 *
 * Two sealed segments and an open one. What a run has read shows in its counts of vectors; without
 * pruning every row is read, and the answers must be the same bits.
 */
#include "plan_fixture.h"

#define ROWS (2 * SEGMENT_ROWS + 5000)
#define OPEN_VECTORS 3
#define ALL_VECTORS (2 * SEGMENT_VECTORS + OPEN_VECTORS)
#define AGGREGATES_MOST 6

static struct fixture *const f = &fixtures[0];
static uint64_t seed;

static void publish(void)
{
    yoda_error err;
    static int64_t watermark;
    store_write_begin(f->store);
    OK(store_publish(f->store, ++watermark, &err));
    store_write_end(f->store);
}

static int make(void **state)
{
    (void)state;
    yoda_error err;
    enum merge_outcome outcome;
    seed = test_seed();
    struct maintenance_stats stats = {0};
    struct table_def def = {.column_count = COLUMNS, .key_count = 1, .key_is_rowid = true};
    mem_budget_init(&f->budget, NULL, 0);
    arena_init(&f->arena, NULL);
    for (uint32_t t = 0; t < 3; t++)
        OK(task_pool_create(1u << t, &f->pools[t], &err));
    struct store_options options = {
        .pool = f->pools[0], .budget = &f->budget, .compact_deleted_percent = 25};
    f->row_count = ROWS;
    f->rows = calloc(ROWS * COLUMNS, sizeof *f->rows);
    OK(store_create(&options, &f->store, &err));
    store_write_begin(f->store);
    OK(store_add_table(f->store, 1, &def, &err));
    struct table *table = store_find_table(f->store, 1);
    for (size_t i = 0; i < ROWS; i++) {
        fill_row(f, i, &seed);
        OK(table_upsert(table, f->rows + i * COLUMNS, &outcome, &err));
    }
    table_set_complete(table, true);
    store_write_end(f->store);
    publish();
    OK(store_maintain(f->store, NULL, &stats, &err));
    publish();
    make_inputs(f);
    return 0;
}

static int unmake(void **state)
{
    (void)state;
    store_release(f->store, &f->snapshot);
    store_destroy(f->store);
    arena_deinit(&f->arena);
    for (int t = 0; t < 3; t++)
        task_pool_destroy(f->pools[t]);
    assert_int_equal(atomic_load(&f->budget.used_bytes), 0);
    free(f->rows);
    return 0;
}

/* ---- Running ---- */

/* Runs it on `threads` (0: 1, 1: 2, 2: 4) and gives its row. */
static yoda_status run_row(const struct plan *plan, uint32_t count, int threads, struct value *row,
                           uint64_t *vectors, yoda_error *err)
{
    f->pool = f->pools[threads];
    TRY(run_plan(f, plan, count, err));
    assert_int_equal(f->out.rows, 1);
    for (uint32_t a = 0; a < count; a++) {
        row[a] = batch_value(f->out.batches[0], a, 0);
        if (row[a].type == YODA_TEXT)
            row[a].p = arena_copy(&f->arena, row[a].p, row[a].size);
    }
    *vectors = atomic_load(&f->stats.vectors_read);
    batch_list_deinit(&f->out);
    return YODA_OK;
}

/* The same answer with statistics, on any number of threads, and without; *vectors: read with. */
static void check(const struct plan *plan, uint32_t count, struct value *row, uint64_t *vectors)
{
    yoda_error err = {0};
    struct value other[AGGREGATES_MOST];
    uint64_t all;
    f->knobs = (struct run_knobs){.no_pruning = true};
    yoda_status status = run_row(plan, count, 0, other, &all, &err);
    f->knobs = (struct run_knobs){0};
    for (int threads = 0; threads < 3; threads++) {
        assert_int_equal(run_row(plan, count, threads, row, vectors, &err), status);
        for (uint32_t a = 0; status == YODA_OK && a < count; a++)
            assert_true(value_identical(&row[a], &other[a]));
    }
}

static const struct plan *plan_of(const expr_ref *filter, uint32_t filters, uint32_t count,
                                  const enum aggregate_kind *kinds, const int *columns)
{
    struct aggregate *aggregates = arena_array(&f->arena, struct aggregate, count);
    for (uint32_t a = 0; a < count; a++)
        aggregates[a] = (struct aggregate){
            .kind = kinds[a], .arg = kinds[a] == AGG_COUNT_ROWS ? NULL : f->in[columns[a]]};
    return plan_aggregate(f, plan_scan(f, filter, filters), NULL, 0, aggregates, count);
}

static const struct plan *plan_one(enum aggregate_kind kind, int column)
{
    return plan_of(NULL, 0, 1, &kind, &column);
}

/* ---- Cases ---- */

static bool is_sum(enum aggregate_kind kind)
{
    return kind == AGG_SUM || kind == AGG_TOTAL || kind == AGG_AVG;
}

/* Only sums of plain doubles are not told. */
static void test_random_aggregates(void **state)
{
    (void)state;
    static const int numbers[] = {COL_ID, COL_K, COL_PRICE, COL_NUM, COL_REAL};
    for (int round = 0; round < 80; round++) {
        enum aggregate_kind kinds[AGGREGATES_MOST];
        int columns[AGGREGATES_MOST];
        struct value row[AGGREGATES_MOST];
        uint32_t count = 1 + (uint32_t)(test_random(&seed) % AGGREGATES_MOST);
        uint64_t vectors;
        bool told = true;
        for (uint32_t a = 0; a < count; a++) {
            kinds[a] = (enum aggregate_kind)(test_random(&seed) % (AGG_MAX + 1));
            columns[a] = is_sum(kinds[a]) ? numbers[test_random(&seed) % COUNT_OF(numbers)]
                                          : (int)(test_random(&seed) % COLUMNS);
            told &= !is_sum(kinds[a]) || columns[a] != COL_REAL;
        }
        const struct plan *plan = plan_of(NULL, 0, count, kinds, columns);
        bool rows_only = count == 1 && kinds[0] == AGG_COUNT_ROWS;
        check(plan, count, row, &vectors);
        if (!told)
            assert_int_equal(vectors, ALL_VECTORS);
        else if (!rows_only)
            assert_true(vectors == OPEN_VECTORS || vectors == 0 /* only COUNT(*)s */);
    }
}

/* Sums and counts of INTEGERs by hand. */
static void test_oracle(void **state)
{
    (void)state;
    const enum aggregate_kind kinds[] = {AGG_COUNT_ROWS, AGG_COUNT, AGG_SUM, AGG_MIN, AGG_TOTAL};
    const int columns[] = {0, COL_K, COL_K, COL_K, COL_ID};
    int64_t count = 0, sum = 0, total = 0;
    struct value row[5];
    uint64_t vectors;
    for (size_t i = 0; i < ROWS; i++) {
        const struct value *r = f->rows + i * COLUMNS;
        total += r[COL_ID].i;
        if (r[COL_K].type == YODA_NULL)
            continue;
        count++;
        sum += r[COL_K].i;
    }
    check(plan_of(NULL, 0, 5, kinds, columns), 5, row, &vectors);
    assert_int_equal(vectors, OPEN_VECTORS);
    assert_int_equal(row[0].i, ROWS);
    assert_int_equal(row[1].i, count);
    assert_int_equal(row[2].i, sum);
    assert_int_equal(row[3].i, -2);
    assert_true(row[4].r == (double)total);
}

/* COUNT(*) alone needs no column: nothing is read. */
static void test_count_rows(void **state)
{
    (void)state;
    struct value row[1];
    uint64_t vectors;
    check(plan_one(AGG_COUNT_ROWS, 0), 1, row, &vectors);
    assert_int_equal(row[0].i, ROWS);
    assert_int_equal(vectors, 0);
}

/* What all rows of a segment pass is no filter for it. */
static void test_filters(void **state)
{
    (void)state;
    static const struct {
        enum expr_op op;
        int column;
        int64_t bound;
        uint64_t vectors;
    } cases[] = {{OP_GE, COL_ID, 0, OPEN_VECTORS},
                 {OP_LT, COL_ID, 2 * SEGMENT_ROWS, OPEN_VECTORS}, /* has no zones */
                 {OP_GE, COL_ID, SEGMENT_ROWS, OPEN_VECTORS},
                 {OP_GE, COL_ID, SEGMENT_ROWS - 1, OPEN_VECTORS + 1},
                 {OP_GE, COL_K, -2, ALL_VECTORS} /* NULLs do not pass */};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const enum aggregate_kind kinds[] = {AGG_COUNT_ROWS, AGG_SUM, AGG_MAX};
        const int columns[] = {0, COL_PRICE, COL_DAY};
        struct value row[3];
        uint64_t vectors;
        expr_ref filter;
        compare(f, cases[i].op, f->in[cases[i].column], value_int(cases[i].bound), &filter);
        check(plan_of(&filter, 1, 3, kinds, columns), 3, row, &vectors);
        assert_int_equal(vectors, cases[i].vectors);
    }
}

/* A sum that may leave int64 is not ours, read or not; its average is. */
static void test_overflow(void **state)
{
    (void)state;
    yoda_error err;
    struct value row[1];
    uint64_t vectors;
    FAILS(YODA_NOT_COLUMNAR, run_row(plan_one(AGG_SUM, COL_BIG), 1, 0, row, &vectors, &err));
    check(plan_one(AGG_SUM, COL_BIG), 1, row, &vectors);
    check(plan_one(AGG_AVG, COL_BIG), 1, row, &vectors);
    assert_int_equal(vectors, OPEN_VECTORS);
}

/* FILTER, DISTINCT, keys and computed arguments need rows. */
static void test_rows_needed(void **state)
{
    (void)state;
    struct value row[1];
    uint64_t vectors;
    yoda_error err;
    expr_ref sum;
    struct aggregate *a = arena_array(&f->arena, struct aggregate, 3);
    a[0] = (struct aggregate){.kind = AGG_SUM, .arg = f->in[COL_K]};
    compare(f, OP_GT, f->in[COL_ID], value_int(10), &a[0].filter);
    a[1] = (struct aggregate){.kind = AGG_COUNT, .arg = f->in[COL_K], .distinct = true};
    OK(expr_arithmetic(&f->b, OP_ADD, f->in[COL_K], f->in[COL_K], &sum));
    a[2] = (struct aggregate){.kind = AGG_SUM, .arg = sum};
    for (int i = 0; i < 3; i++) {
        check(plan_aggregate(f, plan_scan(f, NULL, 0), NULL, 0, &a[i], 1), 1, row, &vectors);
        assert_int_equal(vectors, ALL_VECTORS);
    }
}

static void test_profile(void **state)
{
    (void)state;
    yoda_error err;
    struct op_profile profile[3];
    struct plan *plan = (struct plan *)(uintptr_t)plan_one(AGG_SUM, COL_PRICE);
    memset(profile, 0, sizeof profile);
    assert_int_equal(plan_number(plan), 3);
    struct run_context context = {
        .pool = f->pools[1], .budget = &f->budget, .stats = &f->stats, .profile = profile};
    batch_list_init(&f->out, 1, &f->budget);
    OK(plan_run(plan, f->snapshot.version, 1, &context, &f->out, &err));
    batch_list_deinit(&f->out);
    const struct op_profile *scan = &profile[plan->child->id];
    assert_int_equal(scan->rows, ROWS);
    assert_int_equal(scan->segments_absorbed, 2);
    assert_int_equal(scan->segments_read, 1);
    assert_int_equal(scan->segments_total, 3);
}

/* Last: a segment that loses a row is read again, one that does not is not. */
static void test_deletes(void **state)
{
    (void)state;
    yoda_error err;
    enum merge_outcome outcome;
    struct value row[3];
    uint64_t vectors;
    const enum aggregate_kind kinds[] = {AGG_COUNT_ROWS, AGG_SUM, AGG_MIN};
    const int columns[] = {0, COL_ID, COL_ID};
    store_write_begin(f->store);
    OK(table_delete(store_find_table(f->store, 1), f->rows, &outcome, &err));
    store_write_end(f->store);
    publish();
    store_release(f->store, &f->snapshot);
    store_acquire(f->store, &f->snapshot);
    check(plan_of(NULL, 0, 3, kinds, columns), 3, row, &vectors);
    assert_int_equal(vectors, SEGMENT_VECTORS + OPEN_VECTORS);
    assert_int_equal(row[0].i, ROWS - 1);
    assert_int_equal(row[1].i, (int64_t)ROWS * (ROWS - 1) / 2);
    assert_int_equal(row[2].i, 1);
    check(plan_one(AGG_COUNT_ROWS, 0), 1, row, &vectors);
    assert_int_equal(row[0].i, ROWS - 1);
    assert_int_equal(vectors, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_aggregates), cmocka_unit_test(test_oracle),
        cmocka_unit_test(test_count_rows),        cmocka_unit_test(test_filters),
        cmocka_unit_test(test_overflow),          cmocka_unit_test(test_rows_needed),
        cmocka_unit_test(test_profile),           cmocka_unit_test(test_deletes),
    };
    return cmocka_run_group_tests(tests, make, unmake);
}
