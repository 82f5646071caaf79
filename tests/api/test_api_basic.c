/* test_api_basic.c -- the calls of yoda.h without registered tables: all of it runs on SQLite. */
#include "fixture.h"

static void names_and_version(void **state)
{
    (void)state;
    assert_string_equal(yoda_status_name(YODA_OK), "OK");
    assert_string_equal(yoda_status_name(YODA_NOT_COLUMNAR), "NOT_COLUMNAR");
    assert_string_equal(yoda_status_name(YODA_INTERNAL), "INTERNAL");
    assert_string_equal(yoda_status_name((yoda_status)99), "UNKNOWN");
    assert_memory_equal(yoda_version(), YODA_VERSION " (SQLite ", sizeof YODA_VERSION + 8);
}

static void open_refuses(void **state)
{
    yoda_error err;
    yoda_engine *db = NULL;
    const yoda_option unknown = {"no_such", "1"}, bad = {"read_pool_size", "4ms"},
                      range = {"read_pool_size", "0"};
    (void)state;
    FAILS(YODA_MISUSE, yoda_open("", NULL, 0, &db, &err));
    FAILS(YODA_MISUSE, yoda_open(":memory:", &unknown, 1, &db, &err));
    assert_non_null(strstr(err.message, "no_such"));
    FAILS(YODA_MISUSE, yoda_open(":memory:", &bad, 1, &db, &err));
    assert_non_null(strstr(err.message, "1 .. 64"));
    FAILS(YODA_MISUSE, yoda_open(":memory:", &range, 1, &db, &err));
    assert_int_not_equal(yoda_open("/no/such/directory/x.db", NULL, 0, &db, &err), YODA_OK);
    assert_null(db);
    FAILS(YODA_MISUSE, yoda_sync(NULL, NULL, &err));
    yoda_close(NULL);
}

static void execute_counts(void **state)
{
    struct fixture *f = *state;
    yoda_error err;
    int64_t changes = -1;
    OK(yoda_execute(
        f->db,
        "CREATE TABLE t(id INTEGER PRIMARY KEY, v); INSERT INTO t VALUES (1, 1), (2, 2);"
        " -- done\n",
        NULL, &changes, &err));
    assert_int_equal(changes, 2);
    OK(yoda_execute(f->db, "DELETE FROM t", NULL, &changes, &err));
    assert_int_equal(changes, 2);
    OK(yoda_execute(f->db, " ; ; /* nothing */ ", NULL, &changes, &err));
    assert_int_equal(changes, 0);
}

static void execute_parameters(void **state)
{
    struct fixture *f = *state;
    yoda_error err;
    const yoda_value values[] = {{.type = YODA_INTEGER, .integer = 7},
                                 {.type = YODA_TEXT, .data = "seven", .size = 5}};
    const char *const names[] = {"a", ":b"};
    yoda_params params = {2, values, NULL};
    fixture_execute(f->db, "CREATE TABLE t(a, b)");
    OK(yoda_execute(f->db, "INSERT INTO t VALUES (?, ?)", &params, NULL, &err));
    params.names = names;
    OK(yoda_execute(f->db, "INSERT INTO t VALUES (:a, :b)", &params, NULL, &err));
    params.names = NULL;
    FAILS(YODA_MISUSE,
          yoda_execute(f->db, "INSERT INTO t VALUES (?, ?); SELECT 1", &params, NULL, &err));
    assert_int_equal(fixture_int(f->db, "SELECT count(*) FROM t WHERE a = 7 AND b = 'seven'"), 2);
}

static void execute_errors(void **state)
{
    struct fixture *f = *state;
    yoda_error err;
    int64_t changes = -1;
    fixture_execute(f->db, "CREATE TABLE t(id INTEGER PRIMARY KEY)");
    FAILS(YODA_ERROR,
          yoda_execute(f->db, "INSERT INTO t VALUES (1); SELEC 1", NULL, &changes, &err));
    assert_int_equal(changes, 0);
    assert_int_equal(fixture_int(f->db, "SELECT count(*) FROM t"), 1);
    FAILS(YODA_CONSTRAINT, yoda_execute(f->db, "INSERT INTO t VALUES (1)", NULL, NULL, &err));
    assert_true(err.sqlite_code != 0);
    FAILS(YODA_MISUSE, yoda_execute(f->db, "BEGIN; INSERT INTO t VALUES (2)", NULL, NULL, &err));
    assert_non_null(strstr(err.message, "yoda_begin"));
    assert_int_equal(fixture_int(f->db, "SELECT count(*) FROM t"), 1);
    fixture_execute(f->db, "BEGIN; INSERT INTO t VALUES (3); COMMIT");
    assert_int_equal(fixture_int(f->db, "SELECT count(*) FROM t"), 2);
}

static void batches_are_atomic(void **state)
{
    struct fixture *f = *state;
    yoda_error err;
    int64_t changes = 0;
    const char *const good[] = {"CREATE TABLE t(id INTEGER PRIMARY KEY)",
                                "INSERT INTO t VALUES (1)", "INSERT INTO t VALUES (2)"};
    const char *const bad[] = {"INSERT INTO t VALUES (3)", "INSERT INTO t VALUES (1)"};
    const char *const sly[] = {"INSERT INTO t VALUES (3)", "COMMIT", "INSERT INTO t VALUES (4)"};
    OK(yoda_execute_batch(f->db, good, 3, &changes, &err));
    assert_int_equal(changes, 2);
    FAILS(YODA_CONSTRAINT, yoda_execute_batch(f->db, bad, 2, &changes, &err));
    assert_non_null(strstr(err.message, "statement 2"));
    FAILS(YODA_MISUSE, yoda_execute_batch(f->db, sly, 3, &changes, &err));
    yoda_value one[2] = {{.type = YODA_INTEGER, .integer = 10},
                         {.type = YODA_INTEGER, .integer = 11}};
    yoda_params rows[2] = {{1, &one[0], NULL}, {1, &one[1], NULL}};
    OK(yoda_execute_many(f->db, "INSERT INTO t VALUES (?)", rows, 2, &changes, &err));
    assert_int_equal(changes, 2);
    FAILS(YODA_CONSTRAINT,
          yoda_execute_many(f->db, "INSERT INTO t VALUES (?)", rows, 2, &changes, &err));
    assert_int_equal(changes, 0);
    assert_int_equal(fixture_int(f->db, "SELECT count(*) FROM t WHERE id IN (1, 2, 10, 11)"), 4);
}

static void query_refuses_writes(void **state)
{
    static const char *const refused[] = {"INSERT INTO t VALUES (1)",
                                          "BEGIN",
                                          "COMMIT",
                                          "ATTACH 'x' AS y",
                                          "PRAGMA query_only = 0",
                                          "PRAGMA query_only(0)",
                                          "PRAGMA wal_checkpoint",
                                          "SELECT 1; SELECT 2",
                                          "",
                                          "  -- nothing\n",
                                          "VACUUM",
                                          "SAVEPOINT a",
                                          "WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a"};
    struct fixture *f = *state;
    yoda_error err;
    fixture_execute(f->db, "CREATE TABLE t(id)");
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        yoda_result *rows = (void *)f;
        FAILS(YODA_MISUSE, yoda_query(f->db, refused[i], NULL, NULL, &rows, &err));
        assert_null(rows);
    }
    assert_int_equal(fixture_int(f->db, "SELECT 1;"), 1);
    assert_int_equal(fixture_int(f->db, "VALUES (3)"), 3);
    assert_int_equal(fixture_int(f->db, "WITH a AS (SELECT 4) SELECT * FROM a"), 4);
    assert_int_equal(fixture_int(f->db, "PRAGMA user_version"), 0);
    assert_int_equal(fixture_int(f->db, "PRAGMA main.table_info(t)"), 0);
    assert_true(fixture_int(f->db, "EXPLAIN SELECT 1") >= 0);
}

static void query_errors_come_from_sqlite(void **state)
{
    struct fixture *f = *state;
    yoda_error err;
    yoda_result *rows = NULL;
    FAILS(YODA_ERROR, yoda_query(f->db, "SELECT * FROM missing", NULL, NULL, &rows, &err));
    assert_non_null(strstr(err.message, "no such table: missing"));
    FAILS(YODA_ERROR, yoda_query(f->db, "SELECT FROM", NULL, NULL, &rows, &err));
    assert_non_null(strstr(err.message, "syntax error"));
}

static void values_of_all_types(void **state)
{
    struct fixture *f = *state;
    yoda_error err;
    yoda_result *rows = NULL;
    size_t size = 9;
    OK(yoda_query(f->db, "SELECT 1 AS a, 2.5 AS b, 'x' AS c, x'00ff' AS d, NULL AS e, '' AS f",
                  NULL, NULL, &rows, &err));
    assert_int_equal(yoda_result_column_count(rows), 6);
    assert_string_equal(yoda_result_column_name(rows, 3), "d");
    assert_null(yoda_result_column_name(rows, 6));
    assert_int_equal(yoda_result_type(rows, 0), YODA_NULL); /* before the first row */
    assert_true(yoda_result_next(rows));
    assert_int_equal(yoda_result_int64(rows, 0), 1);
    assert_true(yoda_result_double(rows, 0) == 1.0 && yoda_result_double(rows, 1) == 2.5);
    assert_memory_equal(yoda_result_bytes(rows, 2, &size), "x", 1);
    assert_int_equal(size, 1);
    yoda_value blob;
    yoda_result_value(rows, 3, &blob);
    assert_int_equal(blob.type, YODA_BLOB);
    assert_memory_equal(blob.data, "\0\xff", 2);
    assert_null(yoda_result_bytes(rows, 4, &size));
    assert_non_null(yoda_result_bytes(rows, 5, &size));
    assert_int_equal(size, 0);
    assert_false(yoda_result_next(rows));
    assert_false(yoda_result_next(rows));
    yoda_result_rewind(rows);
    assert_true(yoda_result_next(rows));
    yoda_result_close(rows);
}

static void transactions(void **state)
{
    struct fixture *f = *state;
    yoda_error err;
    yoda_txn *txn = NULL;
    yoda_result *rows = NULL;
    int64_t changes = 0;
    fixture_execute(f->db, "CREATE TABLE t(id INTEGER PRIMARY KEY)");
    OK(yoda_begin(f->db, &txn, &err));
    OK(yoda_txn_execute(txn, "INSERT INTO t VALUES (1), (2)", NULL, &changes, &err));
    assert_int_equal(changes, 2);
    OK(yoda_txn_query(txn, "SELECT count(*) FROM t", NULL, &rows, &err));
    assert_true(yoda_result_next(rows));
    assert_int_equal(yoda_result_int64(rows, 0), 2);
    yoda_result_close(rows);
    assert_int_equal(fixture_int(f->db, "SELECT count(*) FROM t"), 0);
    OK(yoda_commit(txn, &err));
    assert_int_equal(fixture_int(f->db, "SELECT count(*) FROM t"), 2);
    OK(yoda_begin(f->db, &txn, &err));
    OK(yoda_txn_execute(txn, "DELETE FROM t", NULL, NULL, &err));
    OK(yoda_rollback(txn, &err));
    assert_int_equal(fixture_int(f->db, "SELECT count(*) FROM t"), 2);
    OK(yoda_begin(f->db, &txn, &err));
    FAILS(YODA_MISUSE, yoda_txn_execute(txn, "ROLLBACK", NULL, NULL, &err));
    FAILS(YODA_CONFLICT, yoda_txn_execute(txn, "SELECT 1", NULL, NULL, &err));
    FAILS(YODA_CONFLICT, yoda_commit(txn, &err));
    fixture_execute(f->db, "DELETE FROM t");
}

static void returning(void **state)
{
    struct fixture *f = *state;
    yoda_error err;
    yoda_txn *txn = NULL;
    yoda_result *rows = NULL;
    fixture_execute(f->db, "CREATE TABLE t(id INTEGER PRIMARY KEY, a UNIQUE)");
    OK(yoda_begin(f->db, &txn, &err));
    OK(yoda_txn_query(txn, "INSERT INTO t(a) VALUES (5), (6) RETURNING id, a", NULL, &rows, &err));
    assert_true(yoda_result_next(rows) && yoda_result_next(rows));
    assert_int_equal(yoda_result_int64(rows, 0), 2);
    assert_int_equal(yoda_result_int64(rows, 1), 6);
    assert_false(yoda_result_next(rows));
    yoda_result_close(rows);
    FAILS(YODA_CONSTRAINT,
          yoda_txn_query(txn, "INSERT INTO t(a) VALUES (7), (5) RETURNING id", NULL, &rows, &err));
    FAILS(YODA_MISUSE, yoda_txn_query(txn, "DELETE FROM t", NULL, &rows, &err));
    FAILS(YODA_MISUSE, yoda_txn_query(txn, "PRAGMA user_version = 7", NULL, &rows, &err));
    OK(yoda_commit(txn, &err));
    FAILS(YODA_MISUSE, yoda_query(f->db, "DELETE FROM t RETURNING id", NULL, NULL, &rows, &err));
    assert_int_equal(fixture_int(f->db, "SELECT sum(a) FROM t"), 11);
    fixture_execute(f->db, "DROP TABLE t");
}

static void own_transaction_is_named(void **state)
{
    struct fixture *f = *state;
    yoda_error err;
    yoda_txn *txn = NULL;
    const yoda_option options[] = {{"busy_timeout_ms", "20"}};
    yoda_engine *db = fixture_open(":memory:", options, 1);
    (void)f;
    OK(yoda_begin(db, &txn, &err));
    FAILS(YODA_BUSY, yoda_execute(db, "CREATE TABLE t(a)", NULL, NULL, &err));
    assert_non_null(strstr(err.message, "this thread's own open transaction"));
    OK(yoda_rollback(txn, &err));
    fixture_execute(db, "CREATE TABLE t(a)");
    yoda_close(db);
}

static void memory_database(void **state)
{
    yoda_engine *db = fixture_open(":memory:", NULL, 0);
    yoda_engine *other = fixture_open(":memory:", NULL, 0);
    (void)state;
    fixture_execute(db, "CREATE TABLE t(a); INSERT INTO t VALUES (1)");
    fixture_execute(other, "CREATE TABLE t(a)");
    assert_int_equal(fixture_int(db, "SELECT count(*) FROM t"), 1);
    assert_int_equal(fixture_int(other, "SELECT count(*) FROM t"), 0);
    yoda_close(db);
    yoda_close(other);
}

static void options_are_listed(void **state)
{
    struct fixture *f = *state;
    yoda_error err;
    yoda_result *rows = NULL;
    bool seen = false;
    OK(yoda_inspect(f->db, YODA_INSPECT_OPTIONS, NULL, &rows, &err));
    while (yoda_result_next(rows)) {
        size_t n = 0, v = 0;
        const char *name = yoda_result_bytes(rows, 0, &n), *value = yoda_result_bytes(rows, 2, &v);
        if (n == 16 && memcmp(name, "sync_interval_ms", n) == 0) {
            seen = true;
            assert_memory_equal(value, "0", 1);
        }
    }
    assert_true(seen);
    yoda_result_close(rows);
}

#define T(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_version),
        cmocka_unit_test(open_refuses),
        T(execute_counts),
        T(execute_parameters),
        T(execute_errors),
        T(batches_are_atomic),
        T(query_refuses_writes),
        T(query_errors_come_from_sqlite),
        T(values_of_all_types),
        T(transactions),
        T(own_transaction_is_named),
        T(returning),
        cmocka_unit_test(memory_database),
        T(options_are_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
