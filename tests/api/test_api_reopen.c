/* test_api_reopen.c -- a reopened engine answers from its files, without a new copy. */
#include "fixture.h"

static void test_every_class_comes_back_from_files(void **state)
{
    struct fixture *f = *state;
    yoda_error err;
    yoda_side side = YODA_SIDE_AUTO;
    const yoda_option options[] = {{"sync_interval_ms", "0"}};
    fixture_execute(f->db,
                    "CREATE TABLE t(id INTEGER PRIMARY KEY, i INT, r REAL, t TEXT, b BLOB, z BLOB);"
                    "WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 3000)"
                    "INSERT INTO t SELECT i, i * 7, i / 7.0, 'text ' || i, CAST(i AS BLOB), NULL"
                    " FROM s");
    OK(yoda_register_table(f->db, "t", NULL, &err));
    OK(yoda_checkpoint(f->db, &err));
    yoda_close(f->db);
    f->db = fixture_open(f->path, options, 1);
    const char *sql = "SELECT count(*) FROM t WHERE b >= x'' AND r > 0 AND t > 'a' AND i > 0";
    assert_int_equal(fixture_int_on(f->db, sql, YODA_SIDE_AUTO, &side), 3000);
    assert_int_equal(side, YODA_SIDE_COLUMN);
    yoda_engine_status status = {.size = sizeof status};
    OK(yoda_status_get(f->db, &status, &err));
    assert_string_equal(status.last_error, "");
    assert_int_equal(status.rebuilds, 0);
}

/* A file that is found damaged while opening is told in the status, and the table heals. */
static void test_damage_found_at_open_is_told(void **state)
{
    struct fixture *f = *state;
    yoda_error err;
    char command[5000];
    const yoda_option options[] = {{"sync_interval_ms", "0"}};
    fixture_execute(f->db, "CREATE TABLE t(id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1), (2)");
    OK(yoda_register_table(f->db, "t", NULL, &err));
    OK(yoda_checkpoint(f->db, &err));
    yoda_close(f->db);
    snprintf(command, sizeof command, "rm '%s'-yoda/seg-*", f->path);
    assert_int_equal(system(command), 0);
    f->db = fixture_open(f->path, options, 1);
    OK(yoda_sync(f->db, NULL, &err));
    assert_int_equal(fixture_int_on(f->db, "SELECT sum(id) FROM t", YODA_SIDE_COLUMN, NULL), 3);
    yoda_engine_status status = {.size = sizeof status};
    OK(yoda_status_get(f->db, &status, &err));
    assert_non_null(strstr(status.last_error, "seg-"));
    assert_int_equal(status.rebuilds, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_class_comes_back_from_files, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_damage_found_at_open_is_told, fixture_setup,
                                        fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
