/*
 * test_api_table_kinds.c -- STRICT tables and generated columns through both sides; a database that
 * may not grow.
 */
#include "fixture.h"

/* Both sides give this integer. */
static void check_both(yoda_engine *db, const char *sql, int64_t expected)
{
    yoda_side side;
    assert_int_equal(fixture_int_on(db, sql, YODA_SIDE_COLUMN, &side), expected);
    assert_int_equal(side, YODA_SIDE_COLUMN);
    assert_int_equal(fixture_int_on(db, sql, YODA_SIDE_ROW, NULL), expected);
}

static void check_verified(yoda_engine *db, uint64_t rows)
{
    yoda_error err;
    yoda_verify_report report;
    OK(yoda_verify(db, NULL, 0, &report, &err));
    assert_string_equal(report.difference, "");
    assert_int_equal(report.rows, rows);
}

static void strict_tables(void **state)
{
    static const char *const columns[] = {"id", "r", "s", "b"},
                             *const types[] = {"int64", "float64", "utf8", "binary"},
                             *const key[] = {"id"};
    const yoda_table_schema schema = {4, columns, types, 1, key};
    struct fixture *f = *state;
    yoda_error err;
    fixture_execute(f->db, "CREATE TABLE t(id INTEGER PRIMARY KEY, i INT, r REAL, s TEXT, b BLOB, "
                           "y ANY) STRICT;"
                           "INSERT INTO t VALUES (1, '12', 3, 4, x'00', '007'), "
                           "(2, NULL, 2.5, 'a', NULL, 7)");
    OK(yoda_register_table(f->db, "t", &schema, &err));
    FAILS(YODA_CONSTRAINT,
          yoda_execute(f->db, "INSERT INTO t(id, i) VALUES (3, 'no number')", NULL, NULL, &err));
    FAILS(YODA_CONSTRAINT, yoda_execute(f->db, "UPDATE t SET b = 'text'", NULL, NULL, &err));
    fixture_execute(f->db, "INSERT INTO t VALUES (3, 3.0, 1, 'b', x'0102', NULL)");
    check_both(f->db, "SELECT count(*) FROM t WHERE typeof(i) = 'integer'", 2);
    check_both(f->db, "SELECT count(*) FROM t WHERE typeof(r) = 'real'", 3);
    check_both(f->db, "SELECT count(*) FROM t WHERE s = '4'", 1);
    check_both(f->db, "SELECT sum(i) FROM t", 15);
    check_both(f->db, "SELECT sum(length(b)) FROM t", 3);
    assert_int_equal(fixture_int(f->db, "SELECT count(*) FROM t WHERE y = '007'"), 1); /* mixed */
    check_verified(f->db, 3);
}

static void generated_columns(void **state)
{
    struct fixture *f = *state;
    yoda_error err;
    fixture_execute(f->db, "CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER, b INTEGER,"
                           " product INTEGER AS (a * b) STORED, total INTEGER AS (a + b),"
                           " label TEXT GENERATED ALWAYS AS ('n' || total) VIRTUAL UNIQUE);"
                           "INSERT INTO t(id, a, b) VALUES (1, 2, 3), (2, 4, 5), (3, NULL, 1)");
    OK(yoda_register_table(f->db, "t", NULL, &err));
    check_both(f->db, "SELECT sum(product) FROM t", 26);
    check_both(f->db, "SELECT sum(total) FROM t", 14);
    check_both(f->db, "SELECT count(*) FROM t WHERE label = 'n9'", 1);
    fixture_execute(f->db, "UPDATE t SET a = 10 WHERE id = 3");
    check_both(f->db, "SELECT max(product) * 100 + max(total) FROM t", 2011);
    /* (4, 1, 4) has the label of row 1, which the REPLACE removes without a delete trigger */
    fixture_execute(f->db, "INSERT OR REPLACE INTO t(id, a, b) VALUES (4, 1, 4)");
    check_both(f->db, "SELECT count(*) FROM t", 3);
    check_both(f->db, "SELECT sum(id) FROM t WHERE label = 'n5'", 4);
    FAILS(YODA_ERROR, yoda_execute(f->db, "UPDATE t SET total = 1", NULL, NULL, &err));
    check_verified(f->db, 3);
    fixture_execute(f->db, "ALTER TABLE t ADD COLUMN twice INTEGER AS (total * 2)");
    OK(yoda_sync(f->db, NULL, &err));
    check_both(f->db, "SELECT sum(twice) FROM t", 50);
    check_verified(f->db, 3);
}

/* A write that finds no room changes nothing on either side, and works once there is room. */
static void full_database(void **state)
{
    static const char grow[] =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 1000)"
        "INSERT INTO t(s) SELECT hex(zeroblob(500)) FROM n";
    struct fixture *f = *state;
    yoda_error err;
    fixture_execute(f->db, "CREATE TABLE t(id INTEGER PRIMARY KEY, s TEXT);"
                           "INSERT INTO t(s) VALUES ('a'), ('b')");
    OK(yoda_register_table(f->db, "t", NULL, &err));
    fixture_execute(f->db, "PRAGMA max_page_count = 40");
    FAILS(YODA_FULL, yoda_execute(f->db, grow, NULL, NULL, &err));
    check_both(f->db, "SELECT count(*) FROM t", 2);
    FAILS(YODA_FULL,
          yoda_execute_batch(f->db, (const char *const[]){"DELETE FROM t", grow}, 2, NULL, &err));
    check_both(f->db, "SELECT count(*) FROM t", 2);
    fixture_execute(f->db, "PRAGMA max_page_count = 1000000");
    fixture_execute(f->db, grow);
    check_both(f->db, "SELECT count(*) FROM t", 1002);
    OK(yoda_checkpoint(f->db, &err));
    check_verified(f->db, 1002);
}

#define T(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(strict_tables),
        T(generated_columns),
        T(full_database),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
