/*
 * test_table_distinct.c -- distinct values of columns over encoded segments and an open one.
 */
#include "test.h"

#include "olap/store/store.h"

#include <math.h>

#define ROWS (2u * SEGMENT_ROWS + 40000u)

enum { COLUMN_KEY, COLUMN_WORD, COLUMN_PARENT, COLUMN_NOTHING, COLUMNS };

static void make_row(uint32_t k, char text[32], struct value row[COLUMNS])
{
    int size = snprintf(text, 32, "word %u", k * 2654435761u % 300);
    row[COLUMN_KEY] = value_int(k);
    row[COLUMN_WORD] = value_text(text, (size_t)size);
    row[COLUMN_PARENT] = value_int(k / 4);
    row[COLUMN_NOTHING] = value_null();
}

static void fill(struct store *store)
{
    yoda_error err;
    struct table_def def = {
        .column_count = COLUMNS, .key_count = 1, .key_is_rowid = true, .schema_hash = 1};
    enum merge_outcome outcome;
    struct maintenance_stats stats = {0};
    store_write_begin(store);
    OK(store_add_table(store, 1, &def, &err));
    struct table *table = store_find_table(store, 1);
    for (uint32_t k = 0; k < ROWS; k++) {
        char text[32];
        struct value row[COLUMNS];
        make_row(k, text, row);
        OK(table_upsert(table, row, &outcome, &err));
    }
    table_set_complete(table, true);
    OK(store_publish(store, 1, &err));
    store_write_end(store);
    OK(store_maintain(store, NULL, &stats, &err));
    assert_int_equal(stats.sealed, 2);
    store_write_begin(store);
    OK(store_publish(store, 2, &err));
    store_write_end(store);
}

static void expect_about(const struct table_version *table, uint32_t column, double want,
                         double error)
{
    double got = table_distinct(table, column);
    if (fabs(got - want) > error * want)
        fail_msg("column %u: %g distinct values, %g expected", column, got, want);
}

static void test_columns(void **state)
{
    (void)state;
    struct task_pool *pool = NULL;
    struct store *store = NULL;
    struct snapshot snapshot;
    yoda_error err;
    OK(task_pool_create(1, &pool, &err));
    struct store_options options = {.pool = pool, .compact_deleted_percent = 25};
    OK(store_create(&options, &store, &err));
    fill(store);
    store_acquire(store, &snapshot);
    const struct table_version *table = version_find_table(snapshot.version, 1);
    assert_non_null(table);
    expect_about(table, COLUMN_KEY, ROWS, 0.5);
    expect_about(table, COLUMN_WORD, 300, 0.4);
    expect_about(table, COLUMN_PARENT, ROWS / 4, 0.5);
    expect_about(table, COLUMN_NOTHING, 1, 0);
    store_release(store, &snapshot);
    store_destroy(store);
    task_pool_destroy(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_columns)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
