/* test_api_reopen.c -- a reopened engine answers from its files, without a new copy. */
#include "fixture.h"

#include <unistd.h>

static void test_every_class_comes_back_from_files(void **state)
{
    struct fixture *f = *state;
    yoda_error err;
    yoda_side side = YODA_SIDE_AUTO;
    const yoda_option options[] = {{"sync_interval_ms", "0"}, {"router", "columns_first"}};
    fixture_execute(f->db,
                    "CREATE TABLE t(id INTEGER PRIMARY KEY, i INT, r REAL, t TEXT, b BLOB, z BLOB);"
                    "WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 3000)"
                    "INSERT INTO t SELECT i, i * 7, i / 7.0, 'text ' || i, CAST(i AS BLOB), NULL"
                    " FROM s");
    OK(yoda_register_table(f->db, "t", NULL, &err));
    OK(yoda_checkpoint(f->db, &err));
    yoda_close(f->db);
    f->db = fixture_open(f->path, options, 2);
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

/* A table that is empty at the checkpoint is not copied anew, and what is written later shows. */
static void test_an_empty_table_comes_back(void **state)
{
    struct fixture *f = *state;
    yoda_error err;
    const yoda_option options[] = {{"sync_interval_ms", "0"}, {"router", "columns_first"}};
    yoda_query_options any = YODA_QUERY_OPTIONS_INIT;
    fixture_execute(f->db, "CREATE TABLE t(id INTEGER PRIMARY KEY, v); CREATE TABLE u(a, b);"
                           "INSERT INTO u VALUES (1, 2), (3, 4)");
    OK(yoda_register_table(f->db, "t", NULL, &err));
    OK(yoda_register_table(f->db, "u", NULL, &err));
    fixture_execute(f->db, "DELETE FROM u");
    OK(yoda_checkpoint(f->db, &err));
    any.max_staleness_ms = YODA_STALENESS_ANY; /* no sync: as it was opened */
    any.side = YODA_SIDE_COLUMN;
    for (int i = 0; i < 3; i++) {
        yoda_result *rows = NULL;
        yoda_close(f->db);
        f->db = fixture_open(f->path, options, 2);
        OK(yoda_query(f->db, "SELECT * FROM t", NULL, &any, &rows, &err));
        assert_int_equal(yoda_result_column_count(rows), 2);
        assert_false(yoda_result_next(rows));
        yoda_result_close(rows);
        OK(yoda_query(f->db, "SELECT * FROM u", NULL, &any, &rows, &err));
        assert_false(yoda_result_next(rows));
        yoda_result_close(rows);
    }
    fixture_execute(f->db, "INSERT INTO t VALUES (7, 8); INSERT INTO u VALUES (5, 6)");
    assert_int_equal(fixture_int_on(f->db, "SELECT sum(v) FROM t", YODA_SIDE_COLUMN, NULL), 8);
    assert_int_equal(fixture_int_on(f->db, "SELECT sum(b) FROM u", YODA_SIDE_COLUMN, NULL), 6);
    yoda_close(f->db);
    f->db = fixture_open(f->path, options, 2);
    assert_int_equal(fixture_int_on(f->db, "SELECT sum(v) FROM t", YODA_SIDE_COLUMN, NULL), 8);
    yoda_engine_status status = {.size = sizeof status};
    OK(yoda_status_get(f->db, &status, &err));
    assert_int_equal(status.rebuilds, 0);
}

/* What a crash left of a spill goes when the next owner opens the file; nothing else does. */
static void test_leftover_spills_go(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {"yoda-0123456789abcdef0123456789abcdef.spill",
                                        "yoda-0123456789abcdef.spill", "mine.spill"};
    const yoda_option auto_directory[] = {{"sync_interval_ms", "0"}};
    for (int given = 0; given < 2; given++) {
        char directory[4200], path[4400];
        snprintf(directory, sizeof directory, given ? "%s" : "%s-yoda",
                 given ? f->directory : f->path);
        const yoda_option here[] = {{"spill_directory", directory}};
        for (size_t i = 0; i < 3; i++) {
            snprintf(path, sizeof path, "%s/%s", directory, names[i]);
            FILE *file = fopen(path, "w");
            assert_non_null(file);
            fclose(file);
        }
        yoda_close(f->db);
        f->db = fixture_open(f->path, given ? here : auto_directory, 1);
        for (size_t i = 0; i < 3; i++) {
            snprintf(path, sizeof path, "%s/%s", directory, names[i]);
            assert_int_equal(access(path, F_OK), i == 0 ? -1 : 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_class_comes_back_from_files, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_damage_found_at_open_is_told, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_an_empty_table_comes_back, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_leftover_spills_go, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
