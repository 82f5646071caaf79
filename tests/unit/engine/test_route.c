/* test_route.c -- the words that decide a side. */
#include "engine/route.h"

#include "test.h"

static void blank_text(void **state)
{
    (void)state;
    assert_true(route_is_blank(""));
    assert_true(route_is_blank(" ; -- x\n /* y */ ;\t"));
    assert_true(route_is_blank("-- no end"));
    assert_true(route_is_blank("/* no end"));
    assert_false(route_is_blank("/**/ SELECT"));
    assert_false(route_is_blank("- 1"));
    assert_false(route_is_blank("/ 1"));
}

static void what_may_be_queried(void **state)
{
    static const char *const yes[] = {"select 1",
                                      " ;; SELECT 1",
                                      "/* x */ values (1)",
                                      "with a as b",
                                      "EXPLAIN DELETE FROM t",
                                      "pragma user_version",
                                      "PRAGMA main . table_info(t)",
                                      "PRAGMA integrity_check(5)"};
    static const char *const no[] = {"",
                                     "selectx 1",
                                     "insert into t",
                                     "pragma",
                                     "PRAGMA foo = 1",
                                     "PRAGMA main.journal_mode(wal)",
                                     "PRAGMA optimize",
                                     "BEGIN",
                                     "ATTACH 'a' AS b",
                                     "PRAGMA x.wal_checkpoint"};
    (void)state;
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        assert_true(route_may_query(yes[i]));
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        assert_false(route_may_query(no[i]));
}

static void point_reads(void **state)
{
    static const char *const yes[] = {
        "SELECT * FROM t WHERE id = 5", "SELECT * FROM t WHERE -5 = rowid AND v > 1",
        "SELECT v FROM T AS x WHERE x.id IN (1, ?, 3)", "SELECT v FROM t WHERE a = 'x' AND b = ?2"};
    static const char *const no[] = {"SELECT * FROM t",
                                     "SELECT * FROM t WHERE id > 5",
                                     "SELECT * FROM t WHERE id = v",
                                     "SELECT * FROM t WHERE id NOT IN (1)",
                                     "SELECT * FROM t WHERE a = 1",
                                     "SELECT * FROM t, u WHERE id = 1",
                                     "SELECT * FROM u WHERE id = 1",
                                     "SELECT * FROM t WHERE id = 1 UNION SELECT * FROM t",
                                     "SELECT * FROM t WHERE id = 1 OR v = 2"};
    static const struct catalog_column columns[] = {
        {.name = "id"}, {.name = "v"}, {.name = "a"}, {.name = "b"}};
    static const uint32_t rowid[] = {0}, pair[] = {2, 3};
    static const struct view_key keys[] = {{1, rowid}, {2, pair}};
    struct view_table table = {.tid = 1,
                               .name = "t",
                               .column_count = 4,
                               .columns = columns,
                               .rowid_column = 0,
                               .key_count = 2,
                               .keys = keys};
    struct catalog_view view = {.table_count = 1, .tables = &table};
    yoda_error err;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(yes) + COUNT_OF(no); i++) {
        const char *sql = i < COUNT_OF(yes) ? yes[i] : no[i - COUNT_OF(yes)];
        struct arena arena;
        struct ast_statement *statement = NULL;
        arena_init(&arena, NULL);
        OK(sql_parse(sql, strlen(sql), &arena, &statement, &err));
        if (route_is_point_read(statement, &view) != (i < COUNT_OF(yes)))
            fail_msg("%s", sql);
        arena_deinit(&arena);
    }
}

static void costs(void **state)
{
    static const struct {
        struct route_cost cost;
        bool rows;
        const char *text;
    } cases[] = {
        {{95e3, 12e3, 0}, true, "12 us against 95 us"},
        {{95e3, 48e3, 0}, false, "95 us against 48 us"},
        {{95e3, 48e3, 2000}, true, "48 us against 97 us"},
        {{3.21e6, 1.5e9, 0}, false, "3.2 ms against 1.5 s"},
        {{9900, 500, 0}, true, "0.5 us against 9.9 us"},
        {{0, 12e3, 0}, false, ""}, /* not estimated */
        {{95e3, 0, 500000}, false, ""},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[ROUTE_COST_TEXT];
        assert_int_equal(route_rows_are_cheaper(&cases[i].cost), cases[i].rows);
        route_cost_text(&cases[i].cost, text);
        assert_string_equal(text, cases[i].text);
    }
}

static void first_words(void **state)
{
    static const char *const words[] = {"CREATE", "DROP"};
    (void)state;
    assert_true(route_begins_with(" -- x\n;create view v", words, 2));
    assert_true(route_begins_with("DROP", words, 2));
    assert_false(route_begins_with("dropx", words, 2));
    assert_false(route_begins_with("", words, 2));
    assert_false(route_begins_with("INSERT INTO t SELECT 'CREATE'", words, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blank_text),
        cmocka_unit_test(what_may_be_queried),
        cmocka_unit_test(point_reads),
        cmocka_unit_test(costs),
        cmocka_unit_test(first_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
