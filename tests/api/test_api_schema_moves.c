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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_cached_statement_gets_new_columns, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_refused_after_registration, fixture_setup,
                                        fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
