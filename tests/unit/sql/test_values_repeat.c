/* test_values_repeat.c -- which INSERTs of one row become INSERTs of several. That they mean the
 * same is tested where they run: tests/api/test_api_batch_literals.c. */
#include "sql/values_repeat.h"

#include "test.h"

static void check(const char *sql, const char *expected, uint32_t width)
{
    struct str out;
    uint32_t found = 0;
    str_init(&out);
    bool repeated = values_repeat(sql, strlen(sql), 3, &out, &found);
    assert_string_equal(repeated ? str_text(&out) : "", expected);
    if (repeated)
        assert_int_equal(found, width);
    str_deinit(&out);
}

static void repeated(void **state)
{
    (void)state;
    check("INSERT INTO t VALUES (?)", "INSERT INTO t VALUES (?),(?),(?)", 1);
    check("insert or ignore into \"values\"(a, b) values( ?,? ) ; -- end",
          "insert or ignore into \"values\"(a, b) values( ?,? ),( ?,? ),( ?,? )", 2);
    check("INSERT INTO t(rollback) VALUES (?)", "INSERT INTO t(rollback) VALUES (?),(?),(?)", 1);
    check("REPLACE INTO t/* ( */VALUES(?, ?, ?);;",
          "REPLACE INTO t/* ( */VALUES(?, ?, ?),(?, ?, ?),(?, ?, ?)", 3);
}

static void refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        "VALUES (?)",
                                        "SELECT 1",
                                        "UPDATE t SET a = ?",
                                        "INSERT INTO t DEFAULT VALUES",
                                        "INSERT INTO t VALUES",
                                        "INSERT INTO t VALUES (",
                                        "INSERT INTO t VALUES ()",
                                        "INSERT INTO t VALUES (?",
                                        "INSERT INTO t VALUES (?,)",
                                        "INSERT INTO t VALUES (?) RETURNING a",
                                        "INSERT INTO t VALUES (?), (?)",
                                        "INSERT INTO t VALUES (?1)",
                                        "INSERT INTO t VALUES (:a)",
                                        "INSERT INTO t VALUES (? + 1)",
                                        "INSERT INTO t VALUES (1, ?)",
                                        "INSERT INTO t VALUES ((?))",
                                        "INSERT INTO t VALUES (?) ON CONFLICT DO NOTHING",
                                        "INSERT INTO t SELECT ? UNION VALUES (?)",
                                        "WITH c AS (SELECT 1) INSERT INTO t VALUES (?)",
                                        "INSERT INTO t VALUES (?); SELECT 1",
                                        "EXPLAIN INSERT INTO t VALUES (?)",
                                        "INSERT INTO t AS ? VALUES (?)",
                                        "INSERT OR ROLLBACK INTO t VALUES (?)"};
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        check(texts[i], "", 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(repeated), cmocka_unit_test(refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
