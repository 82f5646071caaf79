/*
 * test_mirror_def.c -- tables that cannot be mirrored: each refusal names its cause, and installing
 * the triggers leaves nothing behind. What SQL alone cannot make, a stock connection makes before.
 */
#include "capture_fixture.h"

#include "cdc/mirror_def.h"

#include <sqlite3.h>

/* ---- The stock connection -------------------------------------------------------------------- */

static int by_size(void *ctx, int a_size, const void *a, int b_size, const void *b)
{
    (void)ctx, (void)a, (void)b;
    return a_size - b_size;
}

static void stock_make(const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_create_collation(db, "size", SQLITE_UTF8, NULL, by_size), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* ---- Refusals -------------------------------------------------------------------------------- */

/* The table t of the file is refused with a message that has this text in it. */
static void check_refused(struct conn *conn, const char *text)
{
    yoda_error err;
    struct arena arena;
    struct schema_table *table;
    uint8_t id[16];
    int64_t made = 0;
    arena_init(&arena, NULL);
    OK(catalog_create(conn, id, &err));
    OK(conn_exec(conn, "BEGIN", &err));
    OK(schema_table_read(conn, "t", &arena, &table, &err));
    FAILS(YODA_ERROR, mirror_def_check(conn, table, &err));
    FAILS(YODA_ERROR, triggers_install(conn, table, 1, &err));
    if (!strstr(err.message, text))
        fail_msg("\"%s\" does not say \"%s\"", err.message, text);
    OK(conn_exec(conn, "COMMIT", &err));
    OK(conn_query_int(conn, "SELECT count(*) FROM sqlite_schema WHERE type = 'trigger'", -1, &made,
                      &err));
    assert_int_equal(made, 0);
    arena_deinit(&arena);
}

static void refuse(const char *sql, const char *text)
{
    char *directory = test_directory_make(), path[4200];
    snprintf(path, sizeof path, "%s/t.db", directory);
    stock_make(path, sql);
    struct conn *conn = fixture_connect(path, CONN_WRITER);
    check_refused(conn, text);
    conn_close(conn);
    test_directory_remove(directory);
}

static void each_refusal_says_why(void **state)
{
    static const struct {
        const char *sql, *text;
    } cases[] = {
        {"CREATE TABLE t(rowid, _rowid_, oid)", "hide all names of its rowid"},
        {"CREATE TABLE t(k PRIMARY KEY, rowid, \"OID\", [_RowId_])", "hide all names"},
        {"CREATE TABLE t(k INTEGER PRIMARY KEY, a COLLATE size)", "column \"a\" of \"t\""},
        {"CREATE TABLE t(k, a, PRIMARY KEY(k COLLATE size)) WITHOUT ROWID",
         "the key of \"t\" has collation size"},
        {"CREATE TABLE t(k INTEGER PRIMARY KEY, a); CREATE UNIQUE INDEX i ON t(a COLLATE size)",
         "UNIQUE index \"i\" uses collation size"},
        {"CREATE TABLE t(k INTEGER PRIMARY KEY); CREATE UNIQUE INDEX i ON t(k % 10)",
         "computes a term from the INTEGER PRIMARY KEY"},
        {"CREATE TABLE t(k INTEGER PRIMARY KEY, g AS (k + 1) UNIQUE)",
         "computes a term from the INTEGER PRIMARY KEY"},
        {"PRAGMA encoding='UTF-16le'; CREATE TABLE t(k INTEGER PRIMARY KEY)", "UTF-16"},
        {"PRAGMA encoding='UTF-16be'; CREATE TABLE t(k INTEGER PRIMARY KEY)", "UTF-16"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        refuse(cases[i].sql, cases[i].text);
}

/* CREATE TABLE t(c1, c2, ..., PRIMARY KEY(c1, c2, ...)) */
static void wide_key_sql(struct str *sql, int width, const char *suffix)
{
    str_puts(sql, "CREATE TABLE t(");
    for (int i = 1; i <= width; i++)
        str_printf(sql, "c%d INTEGER, ", i);
    str_puts(sql, "PRIMARY KEY(");
    for (int i = 1; i <= width; i++)
        str_printf(sql, "%sc%d", i > 1 ? ", " : "", i);
    str_printf(sql, "))%s", suffix);
}

static void insert_wide_row(struct fixture *f, int width, int first)
{
    struct str sql;
    str_init(&sql);
    str_puts(&sql, "INSERT INTO t VALUES (");
    for (int i = 0; i < width; i++)
        str_printf(&sql, "%s%d", i > 0 ? ", " : "", first + i);
    str_putc(&sql, ')');
    run_sql(f, str_text(&sql));
    str_deinit(&sql);
}

/* As many key columns as fit are mirrored, one more is refused; a rowid table's key is its rowid.
 */
static void widest_keys(void **state)
{
    static const struct {
        int width;
        const char *suffix;
    } fit[] = {{KEY_COLUMNS_MAX, " WITHOUT ROWID"}, {KEY_COLUMNS_MAX + 1, ""}};
    struct str sql;
    (void)state;
    str_init(&sql);
    wide_key_sql(&sql, KEY_COLUMNS_MAX + 1, " WITHOUT ROWID");
    refuse(str_text(&sql), "more than 32 columns");
    for (size_t i = 0; i < COUNT_OF(fit); i++) {
        struct fixture f = {0};
        fixture_open(&f);
        str_clear(&sql);
        wide_key_sql(&sql, fit[i].width, fit[i].suffix);
        run_sql(&f, str_text(&sql));
        insert_wide_row(&f, fit[i].width, 1);
        register_table(&f, "t");
        check_equal(&f, "copied");
        insert_wide_row(&f, fit[i].width, 2);
        run_sql(&f, "UPDATE t SET c32 = 7 WHERE c1 = 1");
        check_equal(&f, "written");
        fixture_close(&f);
    }
    str_deinit(&sql);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_refusal_says_why),
        cmocka_unit_test(widest_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
