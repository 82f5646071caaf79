/* test_api_schema_moves.c -- results of statements whose table changed since they were last run. */
#include "fixture.h"

static void check_columns(yoda_engine *db, const char *const *names, size_t count)
{
    yoda_error err;
    yoda_result *rows = NULL;
    yoda_query_options row = YODA_QUERY_OPTIONS_INIT;
    row.side = YODA_SIDE_ROW;
    OK(yoda_query(db, "SELECT * FROM t", NULL, &row, &rows, &err));
    assert_int_equal(yoda_result_column_count(rows), count);
    for (size_t i = 0; i < count; i++)
        assert_string_equal(yoda_result_column_name(rows, i), names[i]);
    assert_true(yoda_result_next(rows));
    assert_int_equal(yoda_result_int64(rows, count - 1), count);
    yoda_result_close(rows);
}

/* The cached statement is prepared anew inside its first step. */
static void test_cached_statement_gets_new_columns(void **state)
{
    struct fixture *f = *state;
    static const char *const before[] = {"a", "b"}, *const after[] = {"a", "bb", "c"};
    fixture_execute(f->db, "CREATE TABLE t(a INT, b INT); INSERT INTO t VALUES (1, 2)");
    check_columns(f->db, before, 2);
    check_columns(f->db, before, 2);
    fixture_execute(f->db, "ALTER TABLE t ADD COLUMN c INT DEFAULT 3;"
                           "ALTER TABLE t RENAME COLUMN b TO bb");
    check_columns(f->db, after, 3);
    fixture_execute(f->db, "ALTER TABLE t DROP COLUMN c; ALTER TABLE t RENAME COLUMN bb TO b");
    check_columns(f->db, before, 2);
}

/* An index that capture cannot follow refuses the table; asking again says why, at once. */
static void test_refused_after_registration(void **state)
{
    struct fixture *f = *state;
    yoda_error err;
    fixture_execute(f->db, "CREATE TABLE t(a INTEGER PRIMARY KEY, b INT)");
    OK(yoda_register_table(f->db, "t", NULL, &err));
    fixture_execute(f->db, "CREATE UNIQUE INDEX t_sum ON t(a + b); INSERT INTO t VALUES (1, 2)");
    FAILS(YODA_ERROR, yoda_register_table(f->db, "t", NULL, &err));
    assert_non_null(strstr(err.message, "t_sum"));
    assert_int_equal(fixture_int(f->db, "SELECT count(*) FROM t"), 1);
    fixture_execute(f->db, "DROP INDEX t_sum");
    OK(yoda_register_table(f->db, "t", NULL, &err));
    assert_int_equal(fixture_int_on(f->db, "SELECT sum(b) FROM t", YODA_SIDE_COLUMN, NULL), 2);
}

/* A table without INTEGER PRIMARY KEY is copied anew where its rowids may have moved, and every table
 * where its rows may have changed unseen. Scratch tables that come and go are no such reason. */
static void test_scratch_tables_cost_no_copy(void **state)
{
    struct fixture *f = *state;
    yoda_error err;
    yoda_txn *txn = NULL;
    fixture_execute(f->db, "CREATE TABLE h(a, b); INSERT INTO h VALUES (1, 2), (3, 4)");
    OK(yoda_register_table(f->db, "h", NULL, &err));
    fixture_execute(f->db, "CREATE TABLE scratch(x); INSERT INTO scratch VALUES (1);"
                           "DROP TABLE scratch");
    assert_int_equal(fixture_int_on(f->db, "SELECT sum(b) FROM h", YODA_SIDE_COLUMN, NULL), 6);
    fixture_execute(f->db, "BEGIN; CREATE TABLE scratch(x); COMMIT; INSERT INTO h VALUES (5, 6)");
    fixture_execute(f->db, "DROP TABLE scratch");
    assert_int_equal(fixture_int_on(f->db, "SELECT sum(b) FROM h", YODA_SIDE_COLUMN, NULL), 12);
    OK(yoda_begin(f->db, &txn, &err));
    OK(yoda_txn_execute(txn, "CREATE VIEW v AS SELECT a FROM h", NULL, NULL, &err));
    OK(yoda_commit(txn, &err));
    fixture_execute(f->db, "-- gone again\n /**/ drop view v");
    assert_int_equal(fixture_int_on(f->db, "SELECT sum(b) FROM h", YODA_SIDE_COLUMN, NULL), 12);
}

/* What cancels out and touches rows is still found. */
static void test_rows_changed_behind_a_missing_trigger(void **state)
{
    struct fixture *f = *state;
    yoda_error err;
    yoda_result *rows = NULL;
    char restore[2000];
    size_t size = 0;
    fixture_execute(f->db, "CREATE TABLE t(id INTEGER PRIMARY KEY, b); INSERT INTO t VALUES (1, 2)");
    OK(yoda_register_table(f->db, "t", NULL, &err));
    OK(yoda_query(f->db,
                  "SELECT 'DROP TRIGGER ' || name || '; UPDATE t SET b = 9; ' || sql FROM "
                  "sqlite_schema WHERE type = 'trigger' AND tbl_name = 't' AND sql LIKE '%AFTER "
                  "UPDATE%'",
                  NULL, NULL, &rows, &err));
    assert_true(yoda_result_next(rows));
    const char *text = yoda_result_bytes(rows, 0, &size);
    snprintf(restore, sizeof restore, "%.*s", (int)size, text);
    yoda_result_close(rows);
    fixture_execute(f->db, restore);
    assert_int_equal(fixture_int(f->db, "SELECT b FROM t"), 9);
    OK(yoda_sync(f->db, NULL, &err));
    assert_int_equal(fixture_int_on(f->db, "SELECT b FROM t", YODA_SIDE_COLUMN, NULL), 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_cached_statement_gets_new_columns, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_refused_after_registration, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_scratch_tables_cost_no_copy, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_rows_changed_behind_a_missing_trigger, fixture_setup,
                                        fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
