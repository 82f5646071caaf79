/*
 * test_api_router.c -- which side answers what both can: the one estimated cheaper, as explained.
 */
#include "fixture.h"

static void make_tables(yoda_engine *db)
{
    yoda_error err;
    fixture_execute(
        db, "CREATE TABLE big(id INTEGER PRIMARY KEY, k INT, v REAL, s TEXT);"
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 200000)"
            "INSERT INTO big SELECT i, i % 50000, i * 0.5, 'row ' || (i % 10) FROM n;"
            "CREATE INDEX big_k ON big(k); CREATE TABLE small(a, b);"
            "INSERT INTO small VALUES (1, 2), (3, 4)");
    OK(yoda_register_table(db, "big", NULL, &err));
    OK(yoda_register_table(db, "small", NULL, &err));
}

struct answer {
    yoda_side side;
    char reason[YODA_MESSAGE_MAX];
};

static struct answer ask(yoda_engine *db, const char *sql, yoda_side demanded)
{
    struct answer answer;
    yoda_error err;
    yoda_result *rows = NULL;
    yoda_result_info info;
    yoda_query_options options = YODA_QUERY_OPTIONS_INIT;
    options.side = demanded;
    OK(yoda_query(db, sql, NULL, &options, &rows, &err));
    yoda_result_info_get(rows, &info);
    answer.side = info.side;
    snprintf(answer.reason, sizeof answer.reason, "%s", info.reason);
    yoda_result_close(rows);
    return answer;
}

/* The first line of EXPLAIN YODA. */
static struct answer explained(yoda_engine *db, const char *sql)
{
    struct answer answer = {.side = YODA_SIDE_AUTO};
    yoda_error err;
    yoda_result *rows = NULL;
    size_t size = 0;
    OK(yoda_explain(db, sql, &rows, &err));
    assert_true(yoda_result_next(rows));
    const char *line = yoda_result_bytes(rows, 0, &size);
    snprintf(answer.reason, sizeof answer.reason, "%.*s", (int)size, line);
    answer.side = strncmp(answer.reason, "column:", 7) ? YODA_SIDE_ROW : YODA_SIDE_COLUMN;
    yoda_result_close(rows);
    return answer;
}

static void check_route(yoda_engine *db, const char *sql, yoda_side side)
{
    struct answer answer = ask(db, sql, YODA_SIDE_AUTO), plan = explained(db, sql);
    if (answer.side != side || plan.side != side)
        fail_msg("%s: %s; %s", sql, answer.reason, plan.reason);
    if (!strstr(answer.reason, " against ") || !strstr(plan.reason, " against "))
        fail_msg("%s: %s; %s", sql, answer.reason, plan.reason);
    if (side == YODA_SIDE_ROW)
        assert_non_null(strstr(answer.reason, "SQLite is estimated cheaper ("));
    assert_int_equal(ask(db, sql, YODA_SIDE_COLUMN).side, YODA_SIDE_COLUMN);
    assert_int_equal(ask(db, sql, YODA_SIDE_ROW).side, YODA_SIDE_ROW);
}

static void by_cost(void **state)
{
    struct fixture *f = *state;
    const yoda_option options[] = {{"sync_interval_ms", "0"}, {"router", "cost"}};
    yoda_close(f->db);
    f->db = fixture_open(f->path, options, 2);
    make_tables(f->db);
    check_route(f->db, "SELECT s, sum(v) FROM big GROUP BY s", YODA_SIDE_COLUMN);
    check_route(f->db, "SELECT count(*) FROM big WHERE s LIKE '%7'", YODA_SIDE_COLUMN);
    check_route(f->db, "SELECT sum(a) FROM small", YODA_SIDE_ROW);
    check_route(f->db, "SELECT sum(v) FROM big WHERE k = 77", YODA_SIDE_ROW);
    fixture_execute(f->db, "INSERT INTO small VALUES (5, 6)"); /* needs a sync: dearer still */
    check_route(f->db, "SELECT sum(b) FROM small", YODA_SIDE_ROW);
}

static void columns_first(void **state)
{
    struct fixture *f = *state;
    make_tables(f->db);
    assert_int_equal(ask(f->db, "SELECT sum(a) FROM small", YODA_SIDE_AUTO).side,
                     YODA_SIDE_COLUMN);
    assert_int_equal(ask(f->db, "SELECT a FROM small WHERE rowid = 1", YODA_SIDE_AUTO).side,
                     YODA_SIDE_ROW); /* a point read needs no estimate */
}

static void expect(yoda_engine *db, const char *sql, yoda_side side, const char *reason)
{
    for (int i = 0; i < 3; i++) { /* the first time it is found out, then it is known */
        struct answer answer = ask(db, sql, YODA_SIDE_AUTO);
        if (answer.side != side || !strstr(answer.reason, reason))
            fail_msg("%s: %s", sql, answer.reason);
    }
}

/* What a rule said of a text holds as long as the catalog is the same, and while no side is
 * demanded. */
static void known_texts_follow_the_catalog(void **state)
{
    struct fixture *f = *state;
    yoda_error err;
    const yoda_option options[] = {{"sync_interval_ms", "0"}, {"router", "cost"}};
    const char *point = "SELECT b FROM t WHERE a = 1";
    const char *sum = "SELECT s, sum(v) FROM big GROUP BY s";
    yoda_close(f->db);
    f->db = fixture_open(f->path, options, 2);
    fixture_execute(f->db, "CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t VALUES (1, 2)");
    make_tables(f->db);
    expect(f->db, "SELECT 1", YODA_SIDE_ROW, "no table");
    assert_int_equal(ask(f->db, "SELECT 1", YODA_SIDE_COLUMN).side, YODA_SIDE_COLUMN);
    expect(f->db, point, YODA_SIDE_ROW, "not registered");
    assert_non_null(strstr(ask(f->db, point, YODA_SIDE_ROW).reason, "demanded"));
    assert_int_equal(explained(f->db, point).side, YODA_SIDE_ROW);
    OK(yoda_register_table(f->db, "t", NULL, &err));
    expect(f->db, point, YODA_SIDE_ROW, "point read");
    assert_int_equal(ask(f->db, point, YODA_SIDE_COLUMN).side, YODA_SIDE_COLUMN);
    expect(f->db, sum, YODA_SIDE_COLUMN, "");
    OK(yoda_unregister_table(f->db, "big", &err));
    expect(f->db, sum, YODA_SIDE_ROW, "not registered");
    OK(yoda_register_table(f->db, "big", NULL, &err));
    expect(f->db, sum, YODA_SIDE_COLUMN, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(by_cost, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(columns_first, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(known_texts_follow_the_catalog, fixture_setup,
                                        fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
