/*
 * test_write_literals.c -- which INSERTs run with parameters, and that a changed schema is noticed.
 * That they do what the written ones do: tests/api/test_api_batch_literals.c.
 */
#include "engine/write_literals.h"

#include "olap/exec/expr.h"
#include "test.h"

struct fixture {
    char *directory;
    struct conn *conn;
    struct write_literals literals;
};

static int setup(void **state)
{
    static struct fixture f;
    char path[4200];
    yoda_error err;
    f.directory = test_directory_make();
    snprintf(path, sizeof path, "%s/a.db", f.directory);
    struct conn_options options = {.path = path, .role = CONN_WRITER, .statement_cache = 4};
    OK(conn_open(&options, &f.conn, &err));
    OK(conn_exec(f.conn, "CREATE TABLE t(id INTEGER PRIMARY KEY, a, b)", &err));
    write_literals_init(&f.literals);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    write_literals_deinit(&f->literals);
    conn_close(f->conn);
    test_directory_remove(f->directory);
    return 0;
}

/* Did it run with parameters? It did so without an error. */
static bool runs(struct fixture *f, const char *sql)
{
    yoda_error err = {.sql_offset = -1};
    yoda_status status = YODA_INTERNAL;
    bool ran = write_literals_run(&f->literals, f->conn, sql, &status, &err);
    if (ran)
        OK(status);
    return ran;
}

static int64_t ask(struct fixture *f, const char *sql)
{
    int64_t found = 0;
    yoda_error err;
    OK(conn_query_int(f->conn, sql, -1, &found, &err));
    return found;
}

static void from_the_second_on(void **state)
{
    struct fixture *f = *state;
    assert_false(runs(f, "INSERT INTO t VALUES (1, 'a', 1.5)"));
    assert_true(runs(f, "INSERT INTO t VALUES (2, 'b', -2.5)"));
    assert_true(runs(f, "INSERT INTO t VALUES (3, NULL, x'00')"));
    assert_false(runs(f, "INSERT INTO t(id) VALUES (4)"));
    assert_true(runs(f, "INSERT INTO t VALUES (5, 'it''s', 'c')"));
    assert_true(runs(f, "INSERT INTO t(id) VALUES (6)"));
    assert_int_equal(ask(f, "SELECT sum(id) FROM t"), 2 + 3 + 5 + 6);
    assert_int_equal(ask(f, "SELECT count(*) FROM t WHERE a = 'it''s' AND typeof(b) = 'text'"), 1);
    assert_int_equal(ask(f, "SELECT count(*) FROM t WHERE a IS NULL AND typeof(b) = 'blob'"), 1);
}

static void never(void **state)
{
    static const char *const texts[] = {
        "INSERT INTO t VALUES (1, ?, 2)",
        "INSERT INTO t VALUES (1, :a, 2)",
        "INSERT INTO t VALUES (1, 2, 3) RETURNING id",
        "INSERT INTO t VALUES (1, 2, 3) ON CONFLICT DO NOTHING",
        "INSERT INTO t DEFAULT VALUES",
        "INSERT INTO t SELECT 1, 2, 3",
        "INSERT INTO t VALUES (TRUE, CURRENT_TIMESTAMP, 0x10)",
        "INSERT INTO t VALUES (1, 2, 3); INSERT INTO t VALUES (4, 5, 6)",
        "UPDATE t SET a = 5 WHERE id = 5",
        "DELETE FROM t WHERE id = 5",
        "WITH c AS (SELECT 1) INSERT INTO t VALUES (1, 2, 3)",
        "SELECT 1",
        "INSERT INTO t VALUES (1, 2)",
        "INSERT INTO nowhere VALUES (1)",
    };
    struct fixture *f = *state;
    for (int round = 0; round < 3; round++)
        for (size_t i = 0; i < COUNT_OF(texts); i++)
            if (runs(f, texts[i]))
                fail_msg("%s", texts[i]);
    assert_int_equal(ask(f, "SELECT count(*) FROM t"), 0);
}

static void errors(void **state)
{
    struct fixture *f = *state;
    yoda_error err = {.sql_offset = -1};
    yoda_status status = YODA_OK;
    assert_false(runs(f, "INSERT INTO t VALUES (1, 2, 3)"));
    assert_true(runs(f, "INSERT INTO t VALUES (1, 2, 3)"));
    assert_true(
        write_literals_run(&f->literals, f->conn, "INSERT INTO t VALUES (1, 2, 3)", &status, &err));
    assert_int_equal(status, YODA_CONSTRAINT);
    assert_string_equal(err.message, "UNIQUE constraint failed: t.id");
    assert_int_equal(err.sql_offset, -1);
}

/* A statement that is kept does not prepare any more, or does again. */
static void changed_schema(void **state)
{
    static const char insert[] = "INSERT INTO t(id, a, b) VALUES (NULL, 1 + \"b\", 2)";
    static const char fine[] = "INSERT INTO t(id, a, b) VALUES (NULL, 1, 2)";
    struct fixture *f = *state;
    yoda_error err;
    assert_false(runs(f, insert));
    assert_true(runs(f, insert)); /* "b" is a text for want of a column */
    assert_false(runs(f, fine));
    assert_true(runs(f, fine));
    OK(conn_exec(f->conn, "ALTER TABLE t RENAME COLUMN b TO c", &err));
    yoda_status status = YODA_OK;
    if (write_literals_run(&f->literals, f->conn, fine, &status, &err)) {
        assert_int_equal(status, YODA_ERROR);
        assert_string_equal(err.message, "table t has no column named b");
        assert_int_equal(err.sql_offset, -1);
    }
    OK(conn_exec(f->conn, "ALTER TABLE t RENAME COLUMN c TO b", &err));
    assert_true(runs(f, fine));
    OK(conn_exec(f->conn, "DROP TABLE t; CREATE TABLE t(id, a, b, d DEFAULT 7)", &err));
    assert_true(runs(f, fine));
    assert_int_equal(ask(f, "SELECT sum(d) FROM t"), 7);
}

int main(void)
{
    expr_set_number_text(&(const struct number_text){.text_to_real = sqlite_text_to_real});
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(from_the_second_on, setup, teardown),
        cmocka_unit_test_setup_teardown(never, setup, teardown),
        cmocka_unit_test_setup_teardown(errors, setup, teardown),
        cmocka_unit_test_setup_teardown(changed_schema, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
