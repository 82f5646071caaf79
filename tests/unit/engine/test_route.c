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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blank_text),
        cmocka_unit_test(what_may_be_queried),
        cmocka_unit_test(point_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
