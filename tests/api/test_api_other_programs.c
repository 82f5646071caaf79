/*
 * test_api_other_programs.c -- what other programs do to the file: the stock shell, a stock
 * connection that writes blobs in place, one that made the file as UTF-16.
 */
#include "fixture.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#define NO_PROGRAM 127

static sqlite3 *stock_open(const char *path)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_busy_timeout(db, 5000), SQLITE_OK);
    return db;
}

static void stock_execute(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
}

/* ---- Another process ------------------------------------------------------------------------- */

/* Run SQL in the sqlite3 shell; its exit code, NO_PROGRAM when there is no shell. */
static int shell(const char *path, const char *sql)
{
    int status = 0;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        int nothing = open("/dev/null", O_RDWR);
        dup2(nothing, STDIN_FILENO);
        dup2(nothing, STDOUT_FILENO);
        execlp("sqlite3", "sqlite3", "-batch", "-bail", "-cmd", ".timeout 5000", path, sql,
               (char *)NULL);
        _exit(NO_PROGRAM);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* No background round helps here: the query itself must notice the commit. */
static void another_process_is_seen_at_once(void **state)
{
    struct fixture *f = *state;
    yoda_error err;
    yoda_verify_report report;
    char sql[200];
    fixture_execute(f->db, "CREATE TABLE t(id INTEGER PRIMARY KEY, v INTEGER UNIQUE);"
                           "INSERT INTO t VALUES (1, 10), (2, 20)");
    OK(yoda_register_table(f->db, "t", NULL, &err));
    if (shell(f->path, "SELECT 1") == NO_PROGRAM) {
        print_message("sqlite3 shell not found: skipped\n");
        skip();
    }
    for (int i = 3; i <= 12; i++) {
        snprintf(sql, sizeof sql,
                 "INSERT INTO t VALUES (%d, %d); INSERT OR REPLACE INTO t VALUES (1, %d)", i,
                 i * 10, i * 10 + 1);
        assert_int_equal(shell(f->path, sql), 0);
        assert_int_equal(fixture_int_on(f->db, "SELECT count(*) FROM t", YODA_SIDE_COLUMN, NULL),
                         i);
        assert_int_equal(fixture_int_on(f->db, "SELECT max(v) FROM t", YODA_SIDE_COLUMN, NULL),
                         i * 10 + 1);
    }
    assert_int_equal(shell(f->path, "DELETE FROM t WHERE id > 2"), 0);
    assert_int_equal(fixture_int_on(f->db, "SELECT count(*) FROM t", YODA_SIDE_COLUMN, NULL), 2);
    OK(yoda_verify(f->db, NULL, 0, &report, &err));
    assert_string_equal(report.difference, "");
}

/* ---- Blobs written in place -------------------------------------------------------------------
 */

static void blob_overwrite(const char *path, const char *table, int64_t rowid, const char *bytes)
{
    sqlite3 *db = stock_open(path);
    sqlite3_blob *blob = NULL;
    assert_int_equal(sqlite3_blob_open(db, "main", table, "b", rowid, 1, &blob), SQLITE_OK);
    assert_int_equal(sqlite3_blob_write(blob, bytes, (int)strlen(bytes), 0), SQLITE_OK);
    assert_int_equal(sqlite3_blob_close(blob), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* No trigger sees such a write: only a comparison does, and only a repair heals it. */
static void blob_writes_are_found_and_repaired(void **state)
{
    static const char old[] = "SELECT count(*) FROM t WHERE b = x'6f6c64'",
                      new[] = "SELECT count(*) FROM t WHERE b = x'6e6577'";
    struct fixture *f = *state;
    yoda_error err;
    yoda_sync_stats stats;
    yoda_verify_report report;
    fixture_execute(f->db, "CREATE TABLE t(id INTEGER PRIMARY KEY, b BLOB); CREATE TABLE u(a);"
                           "INSERT INTO t VALUES (4, x'6f6c64'), (5, x'6f6c64'); INSERT INTO u "
                           "VALUES (1)");
    OK(yoda_register_table(f->db, "t", NULL, &err));
    OK(yoda_register_table(f->db, "u", NULL, &err));
    blob_overwrite(f->path, "t", 5, "new");
    OK(yoda_sync(f->db, &stats, &err));
    assert_int_equal(stats.events_processed, 0);
    assert_int_equal(fixture_int_on(f->db, old, YODA_SIDE_COLUMN, NULL), 2);
    assert_int_equal(fixture_int_on(f->db, new, YODA_SIDE_ROW, NULL), 1);
    OK(yoda_verify(f->db, NULL, 0, &report, &err));
    assert_string_equal(report.difference,
                        "table t, column b, key 5: SQLite has x'6e6577', columns have x'6f6c64'");
    assert_int_equal(report.tables, 2);
    assert_int_equal(report.tables_equal, 1);
    assert_int_equal(report.tables_repaired, 0);
    OK(yoda_verify(f->db, NULL, YODA_VERIFY_REPAIR, &report, &err));
    assert_true(report.difference[0] != '\0');
    assert_int_equal(report.tables_repaired, 1);
    assert_int_equal(fixture_int_on(f->db, old, YODA_SIDE_COLUMN, NULL), 1);
    assert_int_equal(fixture_int_on(f->db, new, YODA_SIDE_COLUMN, NULL), 1);
    OK(yoda_verify(f->db, NULL, 0, &report, &err));
    assert_string_equal(report.difference, "");
    assert_int_equal(report.tables_equal, 2);
}

/* The next ordinary write of the row brings its blob along. */
static void blob_writes_heal_with_the_row(void **state)
{
    struct fixture *f = *state;
    yoda_error err;
    yoda_verify_report report;
    fixture_execute(f->db, "CREATE TABLE t(id INTEGER PRIMARY KEY, b BLOB, v INTEGER);"
                           "INSERT INTO t VALUES (5, x'6f6c64', 1)");
    OK(yoda_register_table(f->db, "t", NULL, &err));
    blob_overwrite(f->path, "t", 5, "new");
    fixture_execute(f->db, "UPDATE t SET v = 2");
    OK(yoda_verify(f->db, NULL, 0, &report, &err));
    assert_string_equal(report.difference, "");
}

/* ---- UTF-16 ---------------------------------------------------------------------------------- */

static void utf16_is_refused_with_the_reason(void **state)
{
    static const char *const encodings[] = {"UTF-16le", "UTF-16be"};
    struct fixture *f = *state;
    yoda_error err;
    yoda_result *rows = NULL;
    yoda_query_options options = YODA_QUERY_OPTIONS_INIT;
    yoda_engine_status status = {.size = sizeof status};
    yoda_verify_report report;
    for (int i = 0; i < 2; i++) {
        char path[4200], sql[300];
        snprintf(path, sizeof path, "%s/%s.db", f->directory, encodings[i]);
        sqlite3 *stock = stock_open(path);
        snprintf(sql, sizeof sql,
                 "PRAGMA encoding='%s'; CREATE TABLE t(a INTEGER PRIMARY KEY, s TEXT);"
                 "INSERT INTO t VALUES (1, 'h\u00e9')",
                 encodings[i]);
        stock_execute(stock, sql);
        assert_int_equal(sqlite3_close(stock), SQLITE_OK);
        yoda_engine *db = fixture_open(path, NULL, 0);
        assert_int_equal(
            fixture_int(db, "SELECT count(*) FROM pragma_encoding WHERE encoding LIKE 'UTF-16%'"),
            1);
        FAILS(YODA_ERROR, yoda_register_table(db, "t", NULL, &err));
        assert_non_null(strstr(err.message, "UTF-16"));
        FAILS(YODA_NOT_COLUMNAR, yoda_verify(db, NULL, 0, &report, &err));
        assert_non_null(strstr(err.message, "not UTF-8"));
        options.side = YODA_SIDE_COLUMN;
        FAILS(YODA_NOT_COLUMNAR,
              yoda_query(db, "SELECT count(*) FROM t", NULL, &options, &rows, &err));
        OK(yoda_status_get(db, &status, &err));
        assert_false(status.owner);
        fixture_execute(db, "INSERT INTO t VALUES (2, 'h\u00e9')"); /* all else works */
        assert_int_equal(fixture_int(db, "SELECT count(*) FROM t WHERE s = 'h\u00e9'"), 2);
        OK(yoda_checkpoint(db, &err));
        yoda_close(db);
    }
}

#define T(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(another_process_is_seen_at_once),
        T(blob_writes_are_found_and_repaired),
        T(blob_writes_heal_with_the_row),
        T(utf16_is_refused_with_the_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
