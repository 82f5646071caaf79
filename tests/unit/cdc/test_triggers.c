/*
 * test_triggers.c -- the recheck triggers use the index they guard, write nothing without a
 * conflict, and are found intact, behind or broken.
 */
#include "capture_fixture.h"

struct watched {
    const char *create, *index;
};

static const struct watched tables[] = {
    {"CREATE TABLE t(k INTEGER PRIMARY KEY, a TEXT, b); CREATE UNIQUE INDEX i ON t(a COLLATE "
     "NOCASE, b)",
     "INDEX i "},
    {"CREATE TABLE t(k INTEGER PRIMARY KEY, a, b NOT NULL DEFAULT 3); CREATE UNIQUE INDEX i ON "
     "t(b)",
     "INDEX i "},
    {"CREATE TABLE t(k INTEGER PRIMARY KEY, a, b); CREATE UNIQUE INDEX i ON t(b) WHERE a > 3",
     "INDEX i "},
    {"CREATE TABLE t(k INTEGER PRIMARY KEY, a, b); CREATE UNIQUE INDEX i ON t(lower(a), b+1 DESC)",
     "INDEX i "},
    {"CREATE TABLE t(k, a UNIQUE, b) ", "INDEX sqlite_autoindex_t_1 "},
    {"CREATE TABLE t(k INTEGER PRIMARY KEY, a, b, g AS (a||b)); CREATE UNIQUE INDEX i ON t(g)",
     "INDEX i "},
};

/* The SELECT of a trigger's first statement with ? for each NEW."x" and OLD."x". */
static void select_of(struct fixture *f, const char *trigger, char *out, size_t size)
{
    yoda_error err;
    struct stmt stmt;
    char sql[200], text[2000];
    snprintf(sql, sizeof sql, "SELECT sql FROM sqlite_schema WHERE name='%s'", trigger);
    OK(stmt_prepare(f->writer, sql, strlen(sql), &stmt, NULL, &err));
    OK(stmt_step(&stmt, &err));
    assert_true(stmt.row);
    struct value v = stmt_value(&stmt, 0);
    snprintf(text, sizeof text, "%.*s", (int)v.size, v.p);
    stmt_finish(&stmt);
    size_t n = (size_t)snprintf(out, size, "EXPLAIN QUERY PLAN ");
    for (const char *at = strstr(text, ") SELECT ") + 2; *at != ';'; at++) {
        if (strncmp(at, "NEW.\"", 5) == 0 || strncmp(at, "OLD.\"", 5) == 0) {
            at = strchr(at + 5, '"');
            out[n++] = '?';
        } else {
            out[n++] = *at;
        }
        assert_true(n < size);
    }
    out[n] = '\0';
}

static void recheck_uses_its_index(void **state)
{
    (void)state;
    static const char *const triggers[] = {"_yoda_1_bi", "_yoda_1_bu0"};
    for (size_t i = 0; i < COUNT_OF(tables) * 2; i++) {
        struct fixture f = {0};
        yoda_error err;
        struct stmt stmt;
        char sql[2000];
        bool used = false;
        fixture_open(&f);
        run_sql(&f, tables[i / 2].create);
        register_table(&f, "t");
        select_of(&f, triggers[i % 2], sql, sizeof sql);
        OK(stmt_prepare(f.writer, sql, strlen(sql), &stmt, NULL, &err));
        OK(stmt_step(&stmt, &err));
        while (stmt.row) {
            struct value detail = stmt_value(&stmt, 3);
            char text[300];
            snprintf(text, sizeof text, "%.*s ", (int)detail.size, detail.p);
            used |= strncmp(text, "SEARCH", 6) == 0 && strstr(text, tables[i / 2].index) != NULL;
            OK(stmt_step(&stmt, &err));
        }
        stmt_finish(&stmt);
        if (!used)
            fail_msg("%s: %s does not search %s", tables[i / 2].create, sql, tables[i / 2].index);
        fixture_close(&f);
    }
}

static void entries_written(void **state)
{
    (void)state;
    struct fixture f = {0};
    fixture_open(&f);
    run_sql(&f, "CREATE TABLE t(k INTEGER PRIMARY KEY, a UNIQUE, b)");
    register_table(&f, "t");
    static const struct {
        const char *sql;
        int64_t entries;
    } steps[] = {
        {"INSERT INTO t VALUES (1,'a',1)", 1},        {"INSERT INTO t VALUES (2,NULL,1)", 1},
        {"INSERT INTO t VALUES (3,NULL,1)", 1},       {"UPDATE t SET b=2 WHERE k=1", 1},
        {"UPDATE t SET a='z' WHERE k=1", 1},          {"UPDATE t SET rowid=9 WHERE k=1", 2},
        {"REPLACE INTO t VALUES (4,'z',1)", 2},       {"DELETE FROM t WHERE k=4", 1},
        {"INSERT OR IGNORE INTO t VALUES (2,2,2)", 0}};
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        int64_t before = query_int(&f, "SELECT count(*) FROM _yoda_log");
        run_sql(&f, steps[i].sql);
        assert_int_equal(query_int(&f, "SELECT count(*) FROM _yoda_log") - before,
                         steps[i].entries);
    }
    fixture_close(&f);
}

static void inspected(void **state)
{
    (void)state;
    struct fixture f = {0};
    yoda_error err;
    struct arena arena;
    struct schema_table *table;
    enum triggers_state found;
    fixture_open(&f);
    run_sql(&f, "CREATE TABLE t(k INTEGER PRIMARY KEY, a UNIQUE, b)");
    uint32_t tid = register_table(&f, "t");
    arena_init(&arena, NULL);
    OK(schema_table_read(f.reader, "t", &arena, &table, &err));
    OK(triggers_inspect(f.reader, table, tid, &found, &err));
    assert_int_equal(found, TRIGGERS_INTACT);
    run_sql(&f, "DROP TRIGGER _yoda_1_bi");
    OK(triggers_inspect(f.reader, table, tid, &found, &err));
    assert_int_equal(found, TRIGGERS_RECHECK);
    run_sql(
        &f,
        "DROP TRIGGER _yoda_1_ad; CREATE TRIGGER _yoda_1_ad AFTER DELETE ON t BEGIN SELECT 1; END");
    OK(triggers_inspect(f.reader, table, tid, &found, &err));
    assert_int_equal(found, TRIGGERS_BROKEN);
    run_sql(&f, "BEGIN");
    OK(triggers_install(f.writer, table, tid, &err));
    run_sql(&f, "COMMIT");
    OK(triggers_inspect(f.reader, table, tid, &found, &err));
    assert_int_equal(found, TRIGGERS_INTACT);
    run_sql(&f, "BEGIN");
    OK(triggers_drop(f.writer, tid, &err));
    run_sql(&f, "COMMIT");
    assert_int_equal(query_int(&f, "SELECT count(*) FROM sqlite_schema WHERE type='trigger'"), 0);
    arena_deinit(&arena);
    fixture_close(&f);
}

/* The log keeps its newest row, whatever is pruned. */
static void pruning(void **state)
{
    (void)state;
    struct fixture f = {0};
    yoda_error err;
    uint64_t removed;
    fixture_open(&f);
    OK(catalog_prune(f.writer, INT64_MAX, 10, &removed, &err));
    assert_int_equal(removed, 0);
    run_sql(&f, "WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM r WHERE i<100)"
                " INSERT INTO _yoda_log(tid,k1) SELECT 1,i FROM r");
    OK(catalog_prune(f.writer, 50, 20, &removed, &err));
    assert_int_equal(removed, 20);
    OK(catalog_prune(f.writer, 50, 1000, &removed, &err));
    assert_int_equal(removed, 30);
    OK(catalog_prune(f.writer, INT64_MAX, 1000, &removed, &err));
    assert_int_equal(removed, 49);
    assert_int_equal(query_int(&f, "SELECT max(seq) FROM _yoda_log"), 100);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recheck_uses_its_index),
        cmocka_unit_test(entries_written),
        cmocka_unit_test(inspected),
        cmocka_unit_test(pruning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
