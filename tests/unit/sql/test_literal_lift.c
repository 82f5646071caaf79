/* test_literal_lift.c -- which literals become parameters, and their values. That the statements
 * mean the same is tested where they run: tests/api/test_api_batch_literals.c. */
#include "sql/literal_lift.h"

#include "base/mem.h"
#include "olap/exec/expr.h"
#include "test.h"

static double strtod_text(const char *text, size_t size)
{
    char copy[64];
    assert_true(size < sizeof copy);
    memcpy(copy, text, size);
    copy[size] = 0;
    return strtod(copy, NULL);
}

static void put_value(struct str *out, const yoda_value *v)
{
    if (v->type == YODA_INTEGER)
        str_printf(out, "%lld", (long long)v->integer);
    else if (v->type == YODA_REAL)
        str_printf(out, "%g", v->real);
    else if (v->type == YODA_NULL)
        str_puts(out, "null");
    else
        str_printf(out, "%c[%.*s]", v->type == YODA_TEXT ? 't' : 'b', (int)v->size,
                   (const char *)v->data);
}

/* "sql | value value", or "" when nothing is lifted. */
static void check(const char *sql, const char *expected)
{
    struct literal_lift lift;
    struct str found;
    literal_lift_init(&lift);
    str_init(&found);
    if (literal_lift_statement(&lift, sql, strlen(sql))) {
        str_printf(&found, "%s |", str_text(&lift.sql));
        for (size_t i = 0; i < lift.count; i++) {
            str_putc(&found, ' ');
            put_value(&found, &lift.values[i]);
        }
    }
    assert_string_equal(str_text(&found), expected);
    str_deinit(&found);
    literal_lift_deinit(&lift);
}

static void lifted(void **state)
{
    (void)state;
    check("INSERT INTO t VALUES (1, 'a', NULL, -2.5, x'6162')",
          "INSERT INTO t VALUES (?, ?, ?, ?, ?) | 1 t[a] null -2.5 b[ab]");
    check("insert or ignore into \"v\"(a, b) values(- 7,'it''s'),( 8 , '') ; ",
          "insert or ignore into \"v\"(a, b) values(?,?),( ? , ?) ;  | -7 t[it's] 8 t[]");
    check("REPLACE INTO t VALUES (f(1, 2), 3, 4 + 5, (6), 'x' COLLATE NOCASE, 'y')",
          "REPLACE INTO t VALUES (f(1, 2), ?, 4 + 5, (6), 'x' COLLATE NOCASE, ?) | 3 t[y]");
    check("INSERT INTO t VALUES (0x10, 9223372036854775807, 123456789012345678, -X'61', -'a', 2)",
          "INSERT INTO t VALUES (0x10, 9223372036854775807, ?, -X'61', -'a', ?) | "
          "123456789012345678 2");
    check("INSERT INTO t VALUES ((SELECT 1 WHERE 2 IN (3, 4)), /* , 5 */ 6)",
          "INSERT INTO t VALUES ((SELECT 1 WHERE 2 IN (3, 4)), /* , 5 */ ?) | 6");
    check("INSERT INTO t VALUES ('''', 'b''''c', X'')",
          "INSERT INTO t VALUES (?, ?, ?) | t['] t[b''c] b[]");
}

static void left_alone(void **state)
{
    static const char *const texts[] = {
        "",
        "SELECT 1",
        "VALUES (1)",
        "UPDATE t SET a = 1",
        "INSERT INTO t DEFAULT VALUES",
        "INSERT INTO t SELECT 1, 2",
        "INSERT INTO t SELECT 1 UNION VALUES (2)",
        "WITH c AS (VALUES (1)) INSERT INTO t VALUES (2)",
        "INSERT INTO t VALUES (1, ?)",
        "INSERT INTO t VALUES (:a, 1)",
        "INSERT INTO t VALUES (1) RETURNING id, 5",
        "INSERT INTO t VALUES (1) ON CONFLICT DO UPDATE SET a = 3",
        "INSERT INTO t VALUES (1) UNION SELECT 2",
        "INSERT INTO t VALUES (1); INSERT INTO t VALUES (2)",
        "INSERT INTO t VALUES (1",
        "INSERT INTO t VALUES 1)",
        "INSERT INTO t VALUES (1))",
        "INSERT INTO t VALUES (1, 'open)",
        "INSERT INTO t VALUES (1, 2x)",
        "INSERT INTO t VALUES (a, b, \"c\")",
        "EXPLAIN INSERT INTO t VALUES (1)",
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        check(texts[i], "");
}

static void long_lists(void **state)
{
    (void)state;
    for (int n = LITERAL_LIFT_MAX; n <= LITERAL_LIFT_MAX + 1; n++) {
        struct literal_lift lift;
        struct str sql;
        literal_lift_init(&lift);
        str_init(&sql);
        str_puts(&sql, "INSERT INTO t VALUES (0");
        for (int i = 1; i < n; i++)
            str_printf(&sql, ", %d", i);
        str_puts(&sql, ")");
        bool done = literal_lift_statement(&lift, sql.data, sql.size);
        assert_int_equal(done, n <= LITERAL_LIFT_MAX);
        if (done)
            assert_int_equal(lift.values[n - 1].integer, n - 1);
        str_deinit(&sql);
        literal_lift_deinit(&lift);
    }
}

/* Statements that begin as the one before, wholly or nearly. */
static void one_after_another(void **state)
{
    static const char *const texts[] = {
        "INSERT INTO t VALUES (1, 2)",
        "INSERT INTO t VALUES (3)",
        "INSERT INTO t VALUES",
        "INSERT INTO t VALUES (",
        "INSERT INTO t VALUES (4",
        "INSERT INTO t VALUES (5), (6) ; ",
        "INSERT INTO t VALUES (/* ( */ 7, 'a''b')",
        "INSERT INTO t VALUES (8) RETURNING 1",
        "INSERT INTO t VALUES /* ( */ (9)",
        "INSERT INTO t VALUES /* ( */ (10, ?)",
        "INSERT INTO t VALUES /* ( */ ((11), 12)",
        "INSERT INTO t VALUESX (13)",
        "INSERT INTO u VALUES (14)",
        "INSERT INTO t(a) VALUES (15)",
        "UPDATE t SET a = (16)",
    };
    struct literal_lift kept;
    (void)state;
    literal_lift_init(&kept);
    uint64_t seed = test_seed();
    for (int i = 0; i < 2000; i++) {
        const char *sql = texts[test_random(&seed) % COUNT_OF(texts)];
        struct literal_lift fresh;
        literal_lift_init(&fresh);
        bool expected = literal_lift_statement(&fresh, sql, strlen(sql));
        assert_int_equal(literal_lift_statement(&kept, sql, strlen(sql)), expected);
        assert_int_equal(kept.count * expected, fresh.count * expected);
        if (expected)
            assert_string_equal(kept.sql.data, fresh.sql.data);
        literal_lift_deinit(&fresh);
    }
    literal_lift_deinit(&kept);
}

static void no_memory(void **state)
{
    const char sql[] = "INSERT INTO t VALUES ('it''s', 1)";
    (void)state;
    for (uint64_t n = 1; n <= 3; n++) {
        struct literal_lift lift;
        literal_lift_init(&lift);
        mem_fail_after(n, false); /* the first is only for the next statement's sake */
        assert_int_equal(literal_lift_statement(&lift, sql, sizeof sql - 1), n == 1);
        mem_fail_after(0, false);
        assert_true(literal_lift_statement(&lift, sql, sizeof sql - 1));
        literal_lift_deinit(&lift);
    }
}

int main(void)
{
    expr_set_number_text(&(const struct number_text){.text_to_real = strtod_text});
    const struct CMUnitTest tests[] = {cmocka_unit_test(lifted), cmocka_unit_test(left_alone),
                                       cmocka_unit_test(long_lists), cmocka_unit_test(no_memory),
                                       cmocka_unit_test(one_after_another)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
