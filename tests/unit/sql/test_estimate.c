/* test_estimate.c -- statistics and samples of a table in a store, against what is in it. */
#include "rel_fixture.h"

#include "olap/exec/expr.h"
#include "olap/store/store.h"
#include "sql/cost.h"

#define ROWS 300000

/* t(id, a = id % 1000, b = id / 1000, c = id % 7 with every fifth NULL) */
struct stored {
    struct fixture f;
    struct store *store;
    struct snapshot snapshot;
    struct task_pool *pool;
    struct rel *t;
};

static void fill(struct stored *s)
{
    yoda_error err;
    enum merge_outcome outcome;
    struct store_options options = {.pool = s->pool, .compact_deleted_percent = 25};
    struct table_def def = {.column_count = FIXTURE_COLUMNS, .key_count = 1, .key_is_rowid = true};
    struct maintenance_stats stats;
    OK(store_create(&options, &s->store, &err));
    store_write_begin(s->store);
    OK(store_add_table(s->store, 1, &def, &err));
    struct table *table = store_find_table(s->store, 1);
    for (int64_t i = 0; i < ROWS; i++) {
        struct value row[FIXTURE_COLUMNS] = {value_int(i), value_int(i % 1000), value_int(i / 1000),
                                             i % 5 ? value_int(i % 7) : value_null()};
        OK(table_upsert(table, row, &outcome, &err));
    }
    table_set_complete(table, true);
    OK(store_publish(s->store, 1, &err));
    store_write_end(s->store);
    OK(store_maintain(s->store, NULL, &stats, &err));
}

static int stored_make(void **state)
{
    static struct stored s;
    yoda_error err;
    fixture_init(&s.f);
    OK(task_pool_create(1, &s.pool, &err));
    fill(&s);
    store_acquire(s.store, &s.snapshot);
    s.t = fixture_scan(&s.f, "t", ROWS);
    ((struct catalog_table *)s.t->u.scan.table)->version =
        version_find_table(s.snapshot.version, 1);
    *state = &s;
    return 0;
}

static int stored_free(void **state)
{
    struct stored *s = *state;
    store_release(s->store, &s->snapshot);
    store_destroy(s->store);
    task_pool_destroy(s->pool);
    fixture_deinit(&s->f);
    return 0;
}

static void near(double got, double expected, double factor)
{
    if (got < expected / factor || got > expected * factor)
        fail_msg("%f is not near %f", got, expected);
}

static void test_distinct(void **state)
{
    struct stored *s = *state;
    near(estimate_distinct(&s->f.q, 0, ROWS), ROWS, 1.01);
    near(estimate_distinct(&s->f.q, 1, ROWS), 1000, 1.6);
    near(estimate_distinct(&s->f.q, 2, ROWS), 300, 1.6);
    near(estimate_distinct(&s->f.q, 3, ROWS), 7, 1.3);
    near(estimate_distinct(&s->f.q, 1, 10), 10, 1.1);
}

static double share_of(struct stored *s, enum expr_op op, uint32_t column, int64_t than)
{
    struct expr_list *filters = &s->t->u.scan.filters;
    filters->count = 0;
    expr_ref e =
        fixture_compare(&s->f, op, fixture_column(&s->f, column), fixture_int(&s->f, than));
    MUST(&s->f, expr_list_add(&s->f.q, filters, e));
    double share = estimate_filters(&s->f.q, s->t);
    filters->count = 0;
    return share;
}

static void test_filters(void **state)
{
    struct stored *s = *state;
    near(share_of(s, OP_LT, 1, 500), 0.5, 1.1);
    near(share_of(s, OP_EQ, 1, 77), 0.001, 3);
    near(share_of(s, OP_EQ, 3, 3), 0.8 / 7, 1.3);
    near(share_of(s, OP_LT, 2, 100), 1.0 / 3, 1.5); /* clustered */
    near(share_of(s, OP_GE, 2, 290), 1.0 / 30, 3.5);
    assert_true(share_of(s, OP_LT, 0, 0) < 0.01); /* ruled out by the zone maps */
}

/* What only a row can tell to be unanswerable leaves a guess, and no error. */
static void test_filter_fails(void **state)
{
    struct stored *s = *state;
    expr_ref sum, e;
    s->t->u.scan.filters.count = 0;
    MUST(&s->f, expr_arithmetic(&s->f.q.build, OP_MUL, fixture_column(&s->f, 0),
                                fixture_int(&s->f, INT64_MAX), &sum));
    e = fixture_compare(&s->f, OP_GT, sum, fixture_int(&s->f, 0));
    MUST(&s->f, expr_list_add(&s->f.q, &s->t->u.scan.filters, e));
    double share = estimate_filters(&s->f.q, s->t);
    assert_true(share > 0 && share < 1);
    s->t->u.scan.filters.count = 0;
}

/* An aggregate that segments tell by themselves costs next to nothing here, and SQLite a scan. */
static void test_told_cost(void **state)
{
    struct stored *s = *state;
    double columns_ns, rows_ns, read_ns;
    struct rel *told = fixture_aggregate(&s->f, s->t, AGG_SUM, fixture_column(&s->f, 1), NULL, 0);
    cost_estimate(&s->f.q, told, &columns_ns, &rows_ns);
    assert_true(rows_ns >= ROWS * 100.0);
    told->u.aggregate.aggregates[0].distinct = true;
    cost_estimate(&s->f.q, told, &read_ns, &rows_ns);
    assert_true(columns_ns * 3 < read_ns);
    assert_true(read_ns < rows_ns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_distinct),
        cmocka_unit_test(test_filters),
        cmocka_unit_test(test_filter_fails),
        cmocka_unit_test(test_told_cost),
    };
    return cmocka_run_group_tests(tests, stored_make, stored_free);
}
