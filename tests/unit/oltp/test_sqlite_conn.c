/*
 * test_sqlite_conn.c -- connections, statements, numbers, the pool, keys by the thousand, DDL
 * texts.
 */
#include "test.h"

#include "base/os.h"
#include "base/str.h"
#include "oltp/ddl_text.h"
#include "oltp/key_scan.h"
#include "oltp/read_pool.h"

#include <stdatomic.h>

#define DECIMALS 100000

static struct conn *open_memory(uint32_t cache, const _Atomic bool *cancel)
{
    static char uri[64];
    yoda_error err;
    struct conn *conn;
    conn_memory_uri(uri);
    struct conn_options options = {.path = uri,
                                   .role = CONN_WRITER,
                                   .busy_timeout_ms = 50,
                                   .statement_cache = cache,
                                   .cancel = cancel};
    OK(conn_open(&options, &conn, &err));
    return conn;
}

static void statements_and_changes(void **state)
{
    (void)state;
    yoda_error err;
    struct conn *conn = open_memory(2, NULL);
    OK(conn_exec(conn,
                 "CREATE TABLE t(a PRIMARY KEY, b); CREATE TABLE l(x);"
                 "CREATE TRIGGER tr AFTER INSERT ON t BEGIN INSERT INTO l VALUES(1); END;"
                 "INSERT INTO t VALUES (1,2),(2,3);; -- end\n ",
                 &err));
    assert_int_equal(conn_changes(conn), 2);
    OK(conn_exec(conn, "BEGIN; UPDATE t SET b=b+1 RETURNING a; COMMIT; SELECT 1", &err));
    assert_int_equal(conn_changes(conn), 4);
    FAILS(YODA_CONSTRAINT, conn_exec(conn, "INSERT INTO t VALUES (1,1)", &err));
    assert_true(err.sqlite_code != 0);
    FAILS(YODA_ERROR, conn_exec(conn, "SELECT 1; SELECT nope FROM t", &err));
    assert_int_equal(err.sql_offset, 17);
    struct stmt a, b;
    const char sql[] = "SELECT b FROM t WHERE a=?1";
    OK(stmt_prepare(conn, sql, strlen(sql), &a, NULL, &err));
    OK(stmt_prepare(conn, sql, strlen(sql), &b, NULL, &err)); /* the first is leased */
    assert_true(a.handle != b.handle);
    assert_true(stmt_is_readonly(&a));
    yoda_value one = {.type = YODA_INTEGER, .integer = 1};
    yoda_params params = {1, &one, NULL};
    OK(stmt_bind_params(&a, &params, &err));
    OK(stmt_step(&a, &err));
    assert_int_equal(stmt_int(&a, 0), 3);
    FAILS(YODA_MISUSE, stmt_bind_params(&b, NULL, &err));
    stmt_finish(&a);
    stmt_finish(&b);
    stmt_finish(&b);
    const char *names[] = {"x"};
    params.names = names;
    OK(stmt_prepare(conn, "SELECT $x", 9, &a, NULL, &err));
    OK(stmt_bind_params(&a, &params, &err));
    names[0] = "y";
    FAILS(YODA_MISUSE, stmt_bind_params(&a, &params, &err));
    stmt_finish(&a);
    conn_close(conn);
}

static void empty_and_tails(void **state)
{
    (void)state;
    yoda_error err;
    struct stmt stmt;
    const char *tail, sql[] = " -- nothing\n; SELECT 1";
    struct conn *conn = open_memory(4, NULL);
    OK(stmt_prepare(conn, sql, strlen(sql), &stmt, &tail, &err));
    while (!stmt.handle && tail < sql + strlen(sql))
        OK(stmt_prepare(conn, tail, strlen(tail), &stmt, &tail, &err));
    assert_non_null(stmt.handle);
    stmt_finish(&stmt);
    OK(stmt_prepare(conn, "SELECT 1\0SELECT 2", 17, &stmt, &tail, &err));
    stmt_finish(&stmt);
    conn_close(conn);
}

static void collecting_survives_schema_change(void **state)
{
    (void)state;
    yoda_error err;
    struct conn *conn = open_memory(4, NULL);
    OK(conn_exec(conn, "CREATE TABLE t(a); INSERT INTO t VALUES ('x'),(NULL)", &err));
    for (uint32_t columns = 1; columns <= 2; columns++) {
        struct stmt stmt;
        struct batch_list list;
        OK(stmt_prepare(conn, "SELECT * FROM t", 15, &stmt, NULL, &err));
        batch_list_init(&list, (uint32_t)stmt_column_count(&stmt), NULL);
        OK(stmt_collect(&stmt, &list, &err));
        assert_int_equal(list.rows, 2);
        assert_int_equal(list.column_count, columns);
        batch_list_deinit(&list);
        stmt_finish(&stmt);
        if (columns == 1)
            OK(conn_exec(conn, "ALTER TABLE t ADD COLUMN b", &err));
    }
    conn_close(conn);
}

/*
 * SQLite counts a cached statement's steps over all its runs, so once in a while a BEGIN is stopped
 * after it took effect; and a cancelled caller must still be able to end what it began.
 */
static void cancelled_transactions_end(void **state)
{
    yoda_error err;
    _Atomic bool cancel = false;
    int stopped = 0, begun = 0;
    (void)state;
    struct conn *conn = open_memory(16, &cancel);
    OK(conn_exec(conn, "CREATE TABLE t(a)", &err));
    for (int i = 0; i < 4000; i++) {
        cancel = true;
        yoda_status status = conn_begin(conn, false, &err);
        assert_int_equal(conn_in_transaction(conn), status == YODA_OK);
        stopped += status == YODA_INTERRUPTED;
        begun += status == YODA_OK;
        conn_roll_back(conn);
        assert_false(conn_in_transaction(conn));
        cancel = false;
        OK(conn_begin(conn, true, &err));
        OK(conn_exec(conn, "INSERT INTO t VALUES (1)", &err));
        cancel = true;
        OK(conn_commit(conn, &err));
    }
    assert_int_equal(stopped + begun, 4000);
    assert_true(stopped > 0);
    cancel = false;
    int64_t rows = 0;
    OK(conn_query_int(conn, "SELECT count(*) FROM t", 0, &rows, &err));
    assert_int_equal(rows, 4000);
    conn_close(conn);
}

/* Brief: no waiting, no checkpoint, until a commit that is not. */
static void brief(void **state)
{
    (void)state;
    yoda_error err;
    char *directory = test_directory_make(), path[4200];
    snprintf(path, sizeof path, "%s/a.db", directory);
    struct conn_options options = {.path = path, .role = CONN_WRITER, .busy_timeout_ms = 3600000};
    struct conn *one, *two;
    OK(conn_open(&options, &one, &err));
    OK(conn_open(&options, &two, &err));
    assert_false(conn_commits_unsynced(one)); /* not known */
    OK(conn_exec(one, "CREATE TABLE t(a)", &err));
    assert_true(conn_commits_unsynced(one));

    int64_t later_ns = os_monotonic_ns() + INT64_C(3600000000000);
    OK(conn_exec(two, "BEGIN IMMEDIATE", &err));
    conn_set_brief(one, later_ns);
    FAILS(YODA_BUSY, conn_exec(one, "INSERT INTO t VALUES (1)", &err));
    OK(conn_exec(two, "ROLLBACK", &err));
    for (int i = 0; i < 2; i++) /* past the length at which others checkpoint */
        OK(conn_exec(one, "INSERT INTO t VALUES (zeroblob(3000000))", &err));
    assert_false(conn_commits_unsynced(one));
    int64_t pages = 0;
    OK(conn_query_int(two, "PRAGMA page_count", 0, &pages, &err));
    assert_true(pages > 1400);

    conn_set_brief(one, os_monotonic_ns() + 5000000);
    FAILS(YODA_TIMEOUT, conn_exec(one,
                                  "WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM r)"
                                  " SELECT count(*) FROM r",
                                  &err));
    conn_set_brief(one, 0);
    OK(conn_exec(one, "INSERT INTO t VALUES (2)", &err)); /* checkpoints */
    assert_false(conn_commits_unsynced(one));
    OK(conn_exec(one, "INSERT INTO t VALUES (3)", &err)); /* starts the WAL anew */
    assert_true(conn_commits_unsynced(one));
    conn_close(two);
    conn_close(one);

    options.synchronous_full = true;
    OK(conn_open(&options, &one, &err));
    OK(conn_exec(one, "INSERT INTO t VALUES (4)", &err));
    assert_false(conn_commits_unsynced(one));
    conn_close(one);
    test_directory_remove(directory);
}

static void cancel_deadline_busy(void **state)
{
    (void)state;
    static const char endless[] = "WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM r)"
                                  " SELECT count(*) FROM r";
    yoda_error err;
    _Atomic bool cancel = false;
    struct conn *conn = open_memory(4, &cancel);
    conn_set_deadline(conn, os_monotonic_ns() + 5000000);
    FAILS(YODA_TIMEOUT, conn_exec(conn, endless, &err));
    conn_set_deadline(conn, 0);
    cancel = true;
    FAILS(YODA_INTERRUPTED, conn_exec(conn, endless, &err));
    cancel = false;
    conn_close(conn);

    char *directory = test_directory_make(), path[4200];
    snprintf(path, sizeof path, "%s/a.db", directory);
    struct conn_options options = {.path = path, .role = CONN_READER, .busy_timeout_ms = 20};
    struct conn *one, *two;
    FAILS(YODA_IOERR, conn_open(&options, &one, &err)); /* readers do not create files */
    assert_non_null(strstr(err.message, path));
    options.role = CONN_WRITER;
    OK(conn_open(&options, &one, &err));
    OK(conn_open(&options, &two, &err));
    OK(conn_exec(one, "CREATE TABLE t(a); BEGIN IMMEDIATE", &err));
    FAILS(YODA_BUSY, conn_exec(two, "BEGIN IMMEDIATE", &err));
    OK(conn_exec(two, "BEGIN; SELECT * FROM t", &err));
    OK(conn_exec(one, "INSERT INTO t VALUES (1); COMMIT", &err));
    FAILS(YODA_BUSY, conn_exec(two, "INSERT INTO t VALUES (2)", &err)); /* SQLITE_BUSY_SNAPSHOT */
    OK(conn_exec(two, "ROLLBACK", &err));
    conn_close(two);
    options.role = CONN_READER;
    OK(conn_open(&options, &two, &err));
    FAILS(YODA_READONLY, conn_exec(two, "INSERT INTO t VALUES (3)", &err));
    conn_close(one);
    conn_close(two);
    test_directory_remove(directory);
}

static void numbers(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    char text[40];
    assert_int_equal(sqlite_real_to_text(0.1 + 0.2, text), 3);
    assert_string_equal(text, "0.3");
    sqlite_real_to_text(1e300, text);
    assert_string_equal(text, "1.0e+300");
    sqlite_real_to_text(-5, text);
    assert_string_equal(text, "-5.0");
    assert_true(sqlite_text_to_real(" 12.5abc", 8) == 12.5);
    assert_true(sqlite_text_to_real(NULL, 0) == 0);
    assert_true(sqlite_round_real(2.345, 2) == 2.35 || sqlite_round_real(2.345, 2) == 2.34);
    assert_true(sqlite_round_real(-2.5, 0) == -3);
    for (int i = 0; i < 1000; i++) { /* short decimals come back */
        double value = (double)(int64_t)(test_random(&seed) % 2000001 - 1000000) / 100;
        size_t size = sqlite_real_to_text(value, text);
        assert_true(sqlite_text_to_real(text, size) == value);
    }
}

/* Digits with a point somewhere, mostly few enough to be read without SQLite. */
static size_t random_decimal(uint64_t *seed, char out[24])
{
    size_t digits = 1 + test_random(seed) % 16, point = test_random(seed) % (digits + 1);
    size_t zeros = test_random(seed) % 4 ? 0 : test_random(seed) % digits;
    for (size_t i = 0, d = 0; i <= digits; i++)
        out[i] = (char)(i == point    ? '.'
                        : d++ < zeros ? '0'
                                      : '0' + (char)(test_random(seed) % 10));
    return digits + 1;
}

static void decimals(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    char *directory = test_directory_make(), path[4200], text[24];
    snprintf(path, sizeof path, "%s/d.db", directory);
    struct conn *conn;
    struct stmt stmt;
    yoda_error err;
    OK(conn_open(&(struct conn_options){.path = path, .role = CONN_WRITER}, &conn, &err));
    OK(stmt_prepare(conn, "SELECT CAST(?1 AS REAL)", 23, &stmt, NULL, &err));
    for (int i = 0; i < DECIMALS; i++) {
        size_t size = random_decimal(&seed, text);
        struct value given = value_text(text, size);
        OK(stmt_bind(&stmt, 1, &given, &err));
        OK(stmt_step(&stmt, &err));
        double expected = stmt_value(&stmt, 0).r, found = sqlite_text_to_real(text, size);
        if (memcmp(&expected, &found, sizeof found) != 0)
            fail_msg("%.*s: %a, SQLite %a", (int)size, text, found, expected);
        stmt_reset(&stmt);
    }
    stmt_finish(&stmt);
    conn_close(conn);
    test_directory_remove(directory);
}

static void pool(void **state)
{
    (void)state;
    yoda_error err;
    char *directory = test_directory_make(), path[4200];
    snprintf(path, sizeof path, "%s/a.db", directory);
    struct conn_options options = {.path = path, .role = CONN_WRITER};
    struct conn *writer, *leased[3], *again;
    struct read_pool *readers;
    _Atomic bool cancel = true, stays_false = false;
    const char endless[] = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
                           "SELECT count(*) FROM n";
    OK(conn_open(&options, &writer, &err));
    OK(read_pool_create(&options, 2, &readers, &err));
    for (int i = 0; i < 3; i++)
        OK(read_pool_lease(readers, NULL, &leased[i], &err));
    OK(conn_exec(leased[0], "BEGIN; SELECT 1", &err));
    struct conn *last = leased[0];
    read_pool_return(readers, leased[1]);
    read_pool_return(readers, leased[0]);
    read_pool_return(readers, leased[2]);
    OK(read_pool_lease(readers, &cancel, &again, &err));
    assert_ptr_equal(again, last);
    assert_false(conn_in_transaction(again));
    FAILS(YODA_INTERRUPTED, conn_exec(again, endless, &err)); /* the flag of who leases it */
    conn_set_cancel(again, &stays_false);
    OK(conn_exec(again, "SELECT 1", &err));
    read_pool_return(readers, again);
    read_pool_destroy(readers);
    conn_close(writer);
    test_directory_remove(directory);
}

/* ---- Keys ------------------------------------------------------------------------------------ */

struct seen {
    int64_t ids[5000];
    size_t count;
    uint32_t id_column;
};

static yoda_status see(void *ctx, const struct value *row, yoda_error *err)
{
    (void)err;
    struct seen *seen = ctx;
    seen->ids[seen->count++] = row[seen->id_column].i;
    return YODA_OK;
}

static void keys_of_rowid_tables(void **state)
{
    (void)state;
    yoda_error err;
    struct arena arena;
    struct schema_table *table;
    uint64_t seed = test_seed();
    struct conn *conn = open_memory(8, NULL);
    arena_init(&arena, NULL);
    OK(conn_exec(conn,
                 "CREATE TABLE t(a, rowid); WITH RECURSIVE r(i) AS (SELECT -500 UNION ALL SELECT"
                 " i+1 FROM r WHERE i<500) INSERT INTO t(a,_rowid_) SELECT i, i*3 FROM r",
                 &err));
    OK(schema_table_read(conn, "T", &arena, &table, &err));
    assert_string_equal(table->rowid_name, "_rowid_");
    for (int round = 0; round < 50; round++) {
        int64_t keys[3000];
        size_t count = 0, expected = 0;
        uint64_t step = 1 + test_random(&seed) % 40; /* small: dense, by range; large: by key */
        for (int64_t id = -2000; id < 2000; id += 1 + (int64_t)(test_random(&seed) % step)) {
            if (count == COUNT_OF(keys))
                break;
            keys[count++] = id;
            expected += id % 3 == 0 && id >= -1500 && id <= 1500;
        }
        struct seen seen = {.id_column = 2};
        OK(key_scan_rowids(conn, table, keys, count, see, &seen, &err));
        assert_int_equal(seen.count, expected);
        for (size_t i = 1; i < seen.count; i++)
            assert_true(seen.ids[i - 1] < seen.ids[i]);
    }
    struct seen seen = {.id_column = 2};
    struct value after = value_int(-1500);
    bool done;
    OK(key_scan_table(conn, table, &after, 10, see, &seen, &done, &err));
    assert_int_equal(seen.count, 10);
    assert_int_equal(seen.ids[0], -1497);
    assert_false(done);
    arena_deinit(&arena);
    conn_close(conn);
}

static void keys_of_without_rowid(void **state)
{
    (void)state;
    yoda_error err;
    struct arena arena;
    struct schema_table *table;
    struct conn *conn = open_memory(8, NULL);
    arena_init(&arena, NULL);
    OK(conn_exec(
        conn,
        "CREATE TABLE t(n INTEGER, b, a TEXT, PRIMARY KEY(a COLLATE NOCASE, b DESC))"
        " WITHOUT ROWID; INSERT INTO t VALUES (1,1,'a'),(2,2,'A'),(3,x'00','b'),(4,1.5,'C')",
        &err));
    OK(schema_table_read(conn, "t", &arena, &table, &err));
    assert_int_equal(table->key_count, 2);
    assert_int_equal(table->key_columns[0], 2);
    struct value keys[] = {value_text("A", 1),  value_real(1),      value_text("B", 1),
                           value_blob("\0", 1), value_text("c", 1), value_int(1),
                           value_text("c", 1),  value_real(1.5)};
    struct seen seen = {0};
    OK(key_scan_keys(conn, table, keys, 4, see, &seen, &err));
    assert_int_equal(seen.count, 3);
    assert_int_equal(seen.ids[0], 1);
    assert_int_equal(seen.ids[1], 3);
    assert_int_equal(seen.ids[2], 4);
    struct value after[] = {value_text("A", 1), value_int(1)};
    struct seen rest = {0};
    bool done;
    OK(key_scan_table(conn, table, after, 0, see, &rest, &done, &err));
    assert_true(done);
    assert_int_equal(rest.count, 3);
    assert_int_equal(rest.ids[0], 2);
    arena_deinit(&arena);
    conn_close(conn);
}

static void check_span(struct ddl_span span, const char *expected)
{
    assert_int_equal(span.size, strlen(expected));
    assert_memory_equal(span.text, expected, span.size);
}

static void ddl_texts(void **state)
{
    (void)state;
    struct ddl_span span;
    const char index[] =
        "CREATE UNIQUE INDEX \"i(\" /*(*/ ON t -- (\n ( a || ',)' , lower(b, c) DESC,"
        "\"x,\" COLLATE nocase asc) WHERE a > 5 AND b = 'x' -- end";
    assert_true(ddl_index_term(index, 0, &span));
    check_span(span, "a || ',)'");
    assert_true(ddl_index_term(index, 1, &span));
    check_span(span, "lower(b, c)");
    assert_true(ddl_index_term(index, 2, &span));
    check_span(span, "\"x,\" COLLATE nocase");
    assert_false(ddl_index_term(index, 3, &span));
    assert_true(ddl_index_where(index, &span));
    check_span(span, "a > 5 AND b = 'x'");
    assert_false(ddl_index_where("CREATE INDEX i ON t(a)", &span));
    const char table[] =
        "CREATE TABLE t(a, [g 1] TEXT GENERATED ALWAYS AS ((a) || ')') STORED, h AS (1))";
    assert_true(ddl_generated_expr(table, "G 1", &span));
    check_span(span, "(a) || ')'");
    assert_false(ddl_generated_expr(table, "a", &span));
    assert_true(ddl_mentions("x + \"A\"\"b\"", "a\"B"));
    assert_false(ddl_mentions("xa + 'b' /* a */", "a"));
    assert_false(ddl_index_term("CREATE INDEX i ON t(a", 0, &span));
    assert_false(ddl_index_term("'", 0, &span));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statements_and_changes),
        cmocka_unit_test(empty_and_tails),
        cmocka_unit_test(collecting_survives_schema_change),
        cmocka_unit_test(brief),
        cmocka_unit_test(cancel_deadline_busy),
        cmocka_unit_test(cancelled_transactions_end),
        cmocka_unit_test(numbers),
        cmocka_unit_test(decimals),
        cmocka_unit_test(pool),
        cmocka_unit_test(keys_of_rowid_tables),
        cmocka_unit_test(keys_of_without_rowid),
        cmocka_unit_test(ddl_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
