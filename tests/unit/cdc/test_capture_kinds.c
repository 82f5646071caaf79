/*
 * test_capture_kinds.c -- every kind of key under every kind of statement: both sides stay equal.
 */
#include "capture_fixture.h"

struct kind {
    const char *name, *create;
};

/* All have columns k (or k1, k2), u (UNIQUE in the ways that matter), v. */
static const struct kind kinds[] = {
    {"integer key", "CREATE TABLE t(k INTEGER PRIMARY KEY, u UNIQUE, v)"},
    {"autoincrement", "CREATE TABLE t(k INTEGER PRIMARY KEY AUTOINCREMENT, u UNIQUE, v)"},
    {"integer key desc", "CREATE TABLE t(k INTEGER PRIMARY KEY DESC, u UNIQUE, v)"},
    {"text key", "CREATE TABLE t(k TEXT PRIMARY KEY, u UNIQUE, v)"},
    {"nocase key", "CREATE TABLE t(k TEXT COLLATE NOCASE PRIMARY KEY, u UNIQUE COLLATE RTRIM, v)"},
    {"composite", "CREATE TABLE t(k, u, v, PRIMARY KEY(k, u))"},
    {"no key", "CREATE TABLE t(k, u, v)"},
    {"no key, unique", "CREATE TABLE t(k, u UNIQUE ON CONFLICT REPLACE, v)"},
    {"without rowid", "CREATE TABLE t(k PRIMARY KEY, u UNIQUE, v) WITHOUT ROWID"},
    {"without rowid nocase",
     "CREATE TABLE t(u UNIQUE, v, k TEXT COLLATE NOCASE PRIMARY KEY) WITHOUT ROWID"},
    {"without rowid, key collation",
     "CREATE TABLE t(u, v, k TEXT, PRIMARY KEY(k COLLATE NOCASE, u DESC)) WITHOUT ROWID"},
    {"strict", "CREATE TABLE t(k INTEGER PRIMARY KEY, u ANY UNIQUE, v ANY) STRICT"},
    {"generated", "CREATE TABLE t(k INTEGER PRIMARY KEY, u, v, g AS (u || 'x') UNIQUE,"
                  " s AS (v + 1) STORED)"},
    {"partial index", "CREATE TABLE t(k INTEGER PRIMARY KEY, u, v);"
                      "CREATE UNIQUE INDEX i ON t(u) WHERE v > 1"},
    {"expression index", "CREATE TABLE t(k INTEGER PRIMARY KEY, u, v);"
                         "CREATE UNIQUE INDEX i ON t(lower(u), v /* , */ DESC)"},
    {"affinity in expression", "CREATE TABLE t(k INTEGER PRIMARY KEY, u INTEGER, v);"
                               "CREATE UNIQUE INDEX i ON t((u = '5'), v) WHERE u = '5'"},
    {"not null default", "CREATE TABLE t(k INTEGER PRIMARY KEY, u NOT NULL ON CONFLICT REPLACE"
                         " DEFAULT 7 UNIQUE, v)"},
    {"default word",
     "CREATE TABLE t(k INTEGER PRIMARY KEY, u TEXT NOT NULL DEFAULT \"it's\" UNIQUE,"
     " v)"},
    {"default expression",
     "CREATE TABLE t(k INTEGER PRIMARY KEY, u NOT NULL DEFAULT (abs(-7)) UNIQUE,"
     " v)"},
    {"default under generated", "CREATE TABLE t(k INTEGER PRIMARY KEY, u NOT NULL DEFAULT 7, v,"
                                " g AS (u + 0) UNIQUE)"},
    {"rowid names", "CREATE TABLE t(k, u UNIQUE, v, rowid, \"_rowid_\")"},
    {"all names hidden by key",
     "CREATE TABLE t(rowid INTEGER PRIMARY KEY, _rowid_, oid, k, u UNIQUE,"
     " v)"},
};

static const char *const statements[] = {
    "INSERT INTO t(k,u,v) VALUES "
    "(1,'a',1),(2,'b',2),(3,'c',3),(4,'D',4),(5,NULL,5),(6,7,5),(7,5,5)",
    "INSERT OR REPLACE INTO t(k,u,v) VALUES (8,'b',8)",
    "INSERT OR REPLACE INTO t(k,u,v) VALUES (1,'c',2)",
    "INSERT OR REPLACE INTO t(k,u,v) VALUES (9,'d',4),(10,'A',1)",
    "REPLACE INTO t(k,u,v) VALUES (11,5,5),(12,'5',5)",
    "INSERT OR REPLACE INTO t(k,u,v) VALUES (13,NULL,13),(14,NULL,14),(15,7,15)",
    "INSERT OR IGNORE INTO t(k,u,v) VALUES (16,'b',1),(17,'q',1)",
    "UPDATE OR REPLACE t SET u='b' WHERE k=17",
    "UPDATE OR REPLACE t SET u=NULL WHERE k=17",
    "UPDATE OR REPLACE t SET v=5 WHERE v=8",
    "UPDATE t SET v=v+1",
    "UPDATE OR REPLACE t SET k=15 WHERE k=13",
    "UPDATE OR REPLACE t SET k=k+100",
    "UPDATE OR IGNORE t SET k=k-99 WHERE v>3",
    "INSERT INTO t(k,u,v) VALUES (1,'zz',0) ON CONFLICT DO UPDATE SET v=v+10, k=k+50",
    "BEGIN; DELETE FROM t WHERE v>4; ROLLBACK",
    "BEGIN; INSERT INTO t(k,u) VALUES (500,'s1'); SAVEPOINT a; UPDATE t SET k=k+1000; ROLLBACK TO "
    "a; COMMIT",
    "BEGIN; SAVEPOINT a; DELETE FROM t WHERE v=4; ROLLBACK TO a; RELEASE a; COMMIT",
    "INSERT INTO t(k,u,v) SELECT k+2000, u||'n', v FROM t WHERE u IS NOT NULL",
    "INSERT OR FAIL INTO t(k,u,v) VALUES (600,'f1',0),(601,'f1',0)",
    "INSERT INTO t(k,u,v) VALUES (700,x'00410042',x''),(701,x'00',''),(702,1.5,-0.0)",
    "INSERT INTO t(k,u,v) VALUES (703,9223372036854775807,1e308),(704,'n'||char(0)||'l','')",
    "VACUUM",
    "DELETE FROM t WHERE k%2=0",
    "INSERT OR REPLACE INTO t(k,u,v) VALUES (2,'b',2)",
    "DELETE FROM t",
    "INSERT INTO t(k,u,v) VALUES (1,'a',1)",
};

/* recursive_triggers stays off: REPLACE kills without a delete trigger. */
static void run_kind(const struct kind *kind, bool mirrored_first)
{
    struct fixture f = {0};
    fixture_open(&f);
    run_sql(&f, kind->create);
    if (mirrored_first)
        register_table(&f, "t");
    for (size_t i = 0; i < COUNT_OF(statements); i++) {
        char what[600];
        snprintf(what, sizeof what, "%s, after %s", kind->name, statements[i]);
        try_sql(&f, statements[i]);
        if (conn_in_transaction(f.writer))
            run_sql(&f, "COMMIT");
        if (!mirrored_first && i == 5)
            register_table(&f, "t");
        if (mirrored_first || i >= 5)
            check_equal(&f, what);
    }
    fixture_close(&f);
}

static void every_kind(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        run_kind(&kinds[i], true);
}

static void every_kind_copied_later(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        run_kind(&kinds[i], false);
}

/* Many statements between two syncs: the log is merged as a whole. */
static void every_kind_at_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        struct fixture f = {0};
        fixture_open(&f);
        run_sql(&f, kinds[i].create);
        register_table(&f, "t");
        settle(&f);
        for (size_t s = 0; s < COUNT_OF(statements) - 3; s++) {
            try_sql(&f, statements[s]);
            if (conn_in_transaction(f.writer))
                run_sql(&f, "COMMIT");
        }
        check_equal(&f, kinds[i].name);
        fixture_close(&f);
    }
}

static void foreign_keys(void **state)
{
    (void)state;
    struct fixture f = {0};
    fixture_open(&f);
    run_sql(&f, "PRAGMA foreign_keys=ON;"
                "CREATE TABLE p(id INTEGER PRIMARY KEY, n);"
                "CREATE TABLE c(id INTEGER PRIMARY KEY, p REFERENCES p ON DELETE CASCADE"
                " ON UPDATE CASCADE, v);"
                "CREATE TABLE s(id INTEGER PRIMARY KEY, p REFERENCES p ON DELETE SET NULL"
                " ON UPDATE SET DEFAULT)");
    register_table(&f, "p");
    register_table(&f, "c");
    register_table(&f, "s");
    run_sql(
        &f,
        "INSERT INTO p VALUES (1,'a'),(2,'b'),(3,'c'); INSERT INTO c SELECT id*10, id, n FROM p;"
        "INSERT INTO s SELECT id, id FROM p");
    check_equal(&f, "inserts");
    run_sql(&f, "DELETE FROM p WHERE id=1");
    check_equal(&f, "cascade");
    run_sql(&f, "UPDATE p SET id=20 WHERE id=2");
    check_equal(&f, "update cascade");
    run_sql(&f, "INSERT OR REPLACE INTO p VALUES (20,'z')");
    check_equal(&f, "replace of a parent");
    fixture_close(&f);
}

static void names_and_other_processes(void **state)
{
    (void)state;
    struct fixture f = {0};
    fixture_open(&f);
    run_sql(
        &f,
        "CREATE TABLE \"a \"\"b'[]`\"(\"x \"\"y\" INTEGER PRIMARY KEY, \"select\" UNIQUE, \"new\");"
        "CREATE UNIQUE INDEX \"i,(\" ON \"a \"\"b'[]`\"(\"new\"||')', \"select\")"
        " WHERE \"new\" <> ',(';"
        "CREATE TABLE w(a, b, c, PRIMARY KEY(b, a)) WITHOUT ROWID");
    register_table(&f, "A \"B'[]`");
    register_table(&f, "w");
    run_sql(&f, "INSERT INTO \"a \"\"b'[]`\" VALUES (1,'p','q'),(2,'r','s')");
    check_equal(&f, "quoted names");
    run_sql(&f, "INSERT OR REPLACE INTO \"a \"\"b'[]`\" VALUES (3,'p','q'),(4,'x','s')");
    check_equal(&f, "quoted names, replace");
    if (shell_sql(&f,
                  "INSERT INTO w VALUES (1,2,3),(4,5,6); INSERT OR REPLACE INTO w VALUES (1,2,9);"
                  "UPDATE w SET b=b+1; DELETE FROM w WHERE a=4;"
                  "ATTACH ':memory:' AS m; CREATE TABLE m._yoda_log(x);"
                  "INSERT INTO w VALUES (7,7,7);"))
        check_equal(&f, "another process");
    if (shell_sql(&f, "VACUUM"))
        check_equal(&f, "VACUUM by another process");
    fixture_close(&f);
}

static void blob_writes_are_for_verify(void **state)
{
    (void)state;
    struct fixture f = {0};
    fixture_open(&f);
    run_sql(&f, "CREATE TABLE t(k INTEGER PRIMARY KEY, b BLOB); INSERT INTO t VALUES (5,x'0011')");
    uint32_t tid = register_table(&f, "t");
    check_equal(&f, "before");
    yoda_error err; /* what incremental blob I/O leaves behind: a row changed, no trigger saw it */
    struct store *store = f.store;
    store_write_begin(store);
    struct value row[] = {value_int(5), value_blob("\0\2", 2)};
    enum merge_outcome outcome;
    OK(table_upsert(store_find_table(store, tid), row, &outcome, &err));
    OK(store_publish(store, capture_watermark(f.capture), &err));
    store_write_end(store);
    struct snapshot snapshot;
    store_acquire(store, &snapshot);
    char difference[YODA_MESSAGE_MAX];
    uint64_t rows;
    OK(verify_table(f.reader, capture_find(f.capture, "T")->table,
                    version_find_table(snapshot.version, tid), NULL, NULL, &rows, difference,
                    &err));
    store_release(store, &snapshot);
    assert_string_equal(difference,
                        "table t, column b, key 5: SQLite has x'0011', columns have x'0002'");
    OK(capture_rebuild(f.capture, tid, "repair", &err));
    assert_true(capture_pending(f.capture));
    check_equal(&f, "after repair");
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind),
        cmocka_unit_test(every_kind_copied_later),
        cmocka_unit_test(every_kind_at_once),
        cmocka_unit_test(foreign_keys),
        cmocka_unit_test(names_and_other_processes),
        cmocka_unit_test(blob_writes_are_for_verify),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
