/*
 * test_api_views.c -- views of the file on columns: what they answer, and that a definition changed
 * by anybody is noticed before the next query uses it.
 */
#include "fixture.h"

#include <sqlite3.h>

static void stock_execute(const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_busy_timeout(db, 5000), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void make_tables(yoda_engine *db)
{
    yoda_error err;
    fixture_execute(db, "CREATE TABLE t(id INTEGER PRIMARY KEY, a INT, b INT);"
                        "INSERT INTO t VALUES (1, 10, 100), (2, 20, 200), (3, 30, 300);"
                        "CREATE TABLE u(a INT, s TEXT); INSERT INTO u VALUES (10, 'x'), (30, 'y')");
    OK(yoda_register_table(db, "t", NULL, &err));
    OK(yoda_register_table(db, "u", NULL, &err));
}

static int64_t on_columns(struct fixture *f, const char *sql)
{
    yoda_side side = YODA_SIDE_AUTO;
    int64_t value = fixture_int_on(f->db, sql, YODA_SIDE_COLUMN, &side);
    assert_int_equal(side, YODA_SIDE_COLUMN);
    assert_int_equal(value, fixture_int_on(f->db, sql, YODA_SIDE_ROW, NULL));
    return value;
}

static void views_are_answered(void **state)
{
    struct fixture *f = *state;
    make_tables(f->db);
    fixture_execute(f->db,
                    "CREATE VIEW v AS SELECT a, b FROM t WHERE a > 10;"
                    "CREATE VIEW \"two words\"(k, total) AS SELECT s, sum(b) FROM t JOIN u USING(a)"
                    " GROUP BY s; CREATE VIEW w AS SELECT v.b FROM v, main.u WHERE v.a = u.a");
    assert_int_equal(on_columns(f, "SELECT sum(b) FROM v"), 500);
    assert_int_equal(on_columns(f, "SELECT total FROM [two words] WHERE k = 'y'"), 300);
    assert_int_equal(on_columns(f, "SELECT b FROM W"), 300);
    assert_int_equal(on_columns(f, "SELECT count(*) FROM v x JOIN v y ON x.a <= y.a"), 3);
    fixture_execute(f->db, "INSERT INTO t VALUES (4, 40, 400)");
    assert_int_equal(on_columns(f, "SELECT sum(b) FROM main.v"), 900);
}

static void definitions_are_followed(void **state)
{
    struct fixture *f = *state;
    make_tables(f->db);
    for (int i = 1; i <= 10; i++) {
        char sql[300];
        snprintf(sql, sizeof sql,
                 "DROP VIEW IF EXISTS v; CREATE VIEW v AS SELECT a * %d AS a FROM t;"
                 "UPDATE t SET b = %d WHERE id = 1", i, i);
        if (i % 2)
            stock_execute(f->path, sql);
        else
            fixture_execute(f->db, sql);
        assert_int_equal(on_columns(f, "SELECT sum(a) FROM v"), 60 * i);
    }
}

/* One name, first a table's, then a view's, then a table's again. */
static void names_change_hands(void **state)
{
    struct fixture *f = *state;
    yoda_error err;
    make_tables(f->db);
    stock_execute(f->path, "DROP TABLE u; CREATE VIEW u AS SELECT a + 1 AS a FROM t");
    OK(yoda_sync(f->db, NULL, &err)); /* t may be copied anew */
    assert_int_equal(on_columns(f, "SELECT sum(a) FROM u"), 63);
    stock_execute(f->path, "DROP VIEW u; CREATE TABLE u(a); INSERT INTO u VALUES (5)");
    assert_int_equal(fixture_int(f->db, "SELECT sum(a) FROM u"), 5);
    OK(yoda_register_table(f->db, "u", NULL, &err));
    assert_int_equal(on_columns(f, "SELECT sum(a) FROM u"), 5);
}

static void fails_like_sqlite(struct fixture *f, const char *sql, const char *message)
{
    yoda_error err;
    yoda_result *rows = NULL;
    FAILS(YODA_ERROR, yoda_query(f->db, sql, NULL, NULL, &rows, &err));
    assert_non_null(strstr(err.message, message));
}

static void what_sqlite_refuses_or_answers_itself(void **state)
{
    struct fixture *f = *state;
    yoda_side side = YODA_SIDE_AUTO;
    make_tables(f->db);
    fixture_execute(f->db, "CREATE VIEW v AS SELECT * FROM t; CREATE VIEW broken AS SELECT * FROM "
                           "nowhere; CREATE VIEW s AS SELECT name FROM sqlite_schema;"
                           "CREATE TABLE other(a); INSERT INTO other VALUES (1);"
                           "CREATE VIEW o AS SELECT a FROM other; CREATE TEMP VIEW v AS SELECT 1");
    fails_like_sqlite(f, "SELECT * FROM broken", "nowhere");
    assert_int_equal(fixture_int_on(f->db, "SELECT sum(a) FROM o", YODA_SIDE_AUTO, &side), 1);
    assert_int_equal(side, YODA_SIDE_ROW);
    assert_true(fixture_int_on(f->db, "SELECT count(*) FROM s", YODA_SIDE_AUTO, &side) > 5);
    assert_int_equal(side, YODA_SIDE_ROW);
    assert_int_equal(fixture_int(f->db, "SELECT max(b) FROM v"), 300); /* TEMP: not in the pool */
    fixture_execute(f->db, "DROP VIEW main.v");
    fails_like_sqlite(f, "SELECT max(b) FROM v", "no such table: v");
}

/* A query that accepts an old version gets the view that belongs to it, or SQLite's answer. */
static void old_versions_have_old_views(void **state)
{
    struct fixture *f = *state;
    yoda_error err;
    yoda_query_options any = YODA_QUERY_OPTIONS_INIT;
    any.max_staleness_ms = YODA_STALENESS_ANY;
    make_tables(f->db);
    fixture_execute(f->db, "CREATE VIEW v AS SELECT sum(a) FROM t WHERE id < 3");
    OK(yoda_sync(f->db, NULL, &err));
    stock_execute(f->path, "DELETE FROM t WHERE id = 1; DROP VIEW v;"
                           "CREATE VIEW v AS SELECT -sum(a) FROM t");
    for (int i = 0; i < 2; i++) {
        yoda_result *rows = NULL;
        OK(yoda_query(f->db, "SELECT * FROM v", NULL, &any, &rows, &err));
        assert_true(yoda_result_next(rows));
        int64_t value = yoda_result_int64(rows, 0);
        assert_true(i ? value == -50 : value == 30 || value == -50);
        yoda_result_close(rows);
        OK(yoda_sync(f->db, NULL, &err));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(views_are_answered, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(definitions_are_followed, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(names_change_hands, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(what_sqlite_refuses_or_answers_itself, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(old_versions_have_old_views, fixture_setup,
                                        fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
