/*
 * test_capture_schema.c -- schema changes, lost triggers, restarts, restored files, hostile logs.
 */
#include "capture_fixture.h"

static const struct mirror *mirror_of(struct fixture *f, const char *name)
{
    return capture_find(f->capture, name);
}

static void start(struct fixture *f, const char *sql)
{
    memset(f, 0, sizeof *f);
    fixture_open(f);
    run_sql(f, sql);
    register_table(f, "t");
    check_equal(f, "start");
}

/* Is the table still in the published version after a plain sync? */
static bool stays(struct fixture *f)
{
    yoda_error err;
    yoda_sync_stats stats = {0};
    struct snapshot snapshot;
    OK(capture_sync(f->capture, &stats, &err));
    store_acquire(f->store, &snapshot);
    bool found = version_find_table(snapshot.version, 1) != NULL;
    store_release(f->store, &snapshot);
    return found;
}

static void schema_changes(void **state)
{
    (void)state;
    struct fixture f;
    start(
        &f,
        "CREATE TABLE t(k INTEGER PRIMARY KEY, a, b UNIQUE); INSERT INTO t VALUES(1,2,3),(2,3,4)");
    static const char *const harmless[] = {"CREATE TABLE x(a, b UNIQUE)",
                                           "CREATE INDEX xi ON x(a)",
                                           "DROP TABLE x",
                                           "CREATE INDEX ti ON t(a)",
                                           "CREATE VIEW tv AS SELECT * FROM t",
                                           "DROP VIEW tv",
                                           "VACUUM"};
    for (size_t i = 0; i < COUNT_OF(harmless); i++) {
        run_sql(&f, harmless[i]);
        assert_true(stays(&f));
        check_equal(&f, harmless[i]);
    }
    static const char *const heavy[] = {
        "ALTER TABLE t ADD COLUMN c DEFAULT 9",
        "ALTER TABLE t RENAME COLUMN c TO d",
        "ALTER TABLE t DROP COLUMN d",
        "ALTER TABLE t ADD COLUMN e DEFAULT 1",
        "ALTER TABLE t DROP COLUMN e; ALTER TABLE t ADD COLUMN e DEFAULT 1",
        "DROP TRIGGER _yoda_1_au; UPDATE t SET a=a+5",
        "DROP TRIGGER _yoda_1_bi; INSERT OR REPLACE INTO t(k,a,b) VALUES(77,7,3)"};
    for (size_t i = 0; i < COUNT_OF(heavy); i++) {
        run_sql(&f, heavy[i]);
        assert_false(stays(&f));
        check_equal(&f, heavy[i]);
    }
    run_sql(&f, "CREATE UNIQUE INDEX ta ON t(a, b)");
    assert_false(stays(&f)); /* until the recheck triggers know the index */
    yoda_error err;
    OK(capture_reconcile(f.capture, f.writer, &err));
    assert_int_equal(mirror_of(&f, "t")->state, MIRROR_READY); /* nothing was logged: no new copy */
    check_equal(&f, "index");
    fixture_close(&f);
}

static void renames_and_drops(void **state)
{
    (void)state;
    struct fixture f;
    start(&f,
          "CREATE TABLE t(k INTEGER PRIMARY KEY, a UNIQUE, b);"
          "CREATE UNIQUE INDEX ti ON t(lower(b)) WHERE a > 1; INSERT INTO t VALUES(1,2,3),(2,3,4)");
    run_sql(
        &f,
        "ALTER TABLE t RENAME TO \"t \"\"2\"; INSERT OR REPLACE INTO \"t \"\"2\" VALUES (3,2,4)");
    assert_true(stays(&f));
    assert_non_null(mirror_of(&f, "t \"2"));
    check_equal(&f, "rename");
    run_sql(
        &f,
        "ALTER TABLE \"t \"\"2\" RENAME TO t; DROP TABLE t; CREATE TABLE t(k INTEGER PRIMARY KEY)");
    assert_false(stays(&f));
    settle(&f);
    assert_int_equal(capture_mirror_count(f.capture), 0);
    assert_int_equal(query_int(&f, "SELECT count(*) FROM _yoda_table"), 0);
    register_table(&f, "t");
    run_sql(&f, "INSERT INTO t VALUES (5)");
    check_equal(&f, "registered again");
    assert_int_equal(capture_mirror(f.capture, 0)->tid, 2); /* never a number used before */
    fixture_close(&f);
}

static void recreated_with_its_triggers(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, "CREATE TABLE t(k INTEGER PRIMARY KEY, a); INSERT INTO t VALUES(1,2),(2,3)");
    if (shell_sql(
            &f,
            "CREATE TEMP TABLE s AS SELECT sql FROM sqlite_schema WHERE type='trigger';"
            "BEGIN; CREATE TABLE n(k INTEGER PRIMARY KEY, a); INSERT INTO n SELECT k, a*2 FROM t;"
            "DROP TABLE t; ALTER TABLE n RENAME TO t; COMMIT;"))
        check_equal(&f, "the 12 steps without triggers");
    fixture_close(&f);
}

static void refused_tables(void **state)
{
    (void)state;
    struct fixture f = {0};
    struct arena arena;
    struct schema_table *table;
    yoda_error err;
    fixture_open(&f);
    arena_init(&arena, NULL);
    run_sql(&f, "CREATE TABLE h(rowid, _rowid_, oid); CREATE VIEW v AS SELECT 1;"
                "CREATE TABLE e(k INTEGER PRIMARY KEY); CREATE UNIQUE INDEX ei ON e(k % 10)");
    OK(conn_exec(f.writer, "BEGIN", &err));
    OK(schema_table_read(f.writer, "h", &arena, &table, &err));
    FAILS(YODA_ERROR, triggers_install(f.writer, table, 9, &err));
    OK(schema_table_read(f.writer, "e", &arena, &table, &err));
    FAILS(YODA_ERROR, triggers_install(f.writer, table, 9, &err));
    OK(conn_exec(f.writer, "ROLLBACK", &err));
    FAILS(YODA_ERROR, schema_table_read(f.writer, "v", &arena, &table, &err));
    FAILS(YODA_ERROR, schema_table_read(f.writer, "_yoda_log", &arena, &table, &err));
    FAILS(YODA_NOT_FOUND, schema_table_read(f.writer, "nothing", &arena, &table, &err));
    arena_deinit(&arena);
    fixture_close(&f);
}

static void hostile_log(void **state)
{
    (void)state;
    struct fixture f;
    start(&f, "CREATE TABLE t(k INTEGER PRIMARY KEY, a); INSERT INTO t VALUES(1,2),(2,3)");
    run_sql(&f,
            "INSERT INTO _yoda_log(tid,k1) VALUES(99,1),('x',2),(-1,3),(1,'text'),(1,2.5),(1,NULL),"
            "(1e300,1),(NULL,NULL),(1,x'00'),(4294967297,1),(1,9223372036854775807)");
    check_equal(&f, "odd entries");
    run_sql(&f,
            "INSERT INTO _yoda_table VALUES(0,'t',1,NULL,1),(7,NULL,1,NULL,1),(8,'gone',1,NULL,1),"
            "(9,'sqlite_schema',1,2,'x'); INSERT INTO t VALUES (8,8)");
    yoda_error err;
    OK(capture_reconcile(f.capture, f.writer, &err));
    check_equal(&f, "odd registrations");
    run_sql(&f, "DELETE FROM _yoda_log; UPDATE t SET a=99 WHERE k=8");
    check_equal(&f, "log emptied");
    run_sql(&f, "UPDATE _yoda_meta SET value=zeroblob(16) WHERE name='database_id'; INSERT INTO t "
                "VALUES(9,9)");
    check_equal(&f, "another identity");
    fixture_close(&f);
}

static void catalog_dropped(void **state)
{
    (void)state;
    struct fixture f;
    yoda_error err;
    start(&f, "CREATE TABLE t(k INTEGER PRIMARY KEY, a); INSERT INTO t VALUES(1,2),(2,3)");
    run_sql(&f, "DROP TABLE _yoda_log; DROP TABLE _yoda_meta; DROP TABLE _yoda_table");
    assert_false(stays(&f));
    assert_false(stays(&f));
    OK(capture_reconcile(f.capture, f.writer, &err));
    assert_int_equal(capture_mirror_count(f.capture), 0);
    run_sql(&f, "INSERT INTO t VALUES (5,5)"); /* orphan triggers are gone: writes work again */
    register_table(&f, "t");
    check_equal(&f, "registered again");
    fixture_close(&f);
}

/* ---- Restarts -------------------------------------------------------------------------------- */

static void checkpoint(struct fixture *f)
{
    yoda_error err;
    struct snapshot snapshot;
    struct checkpoint *made;
    uint64_t removed;
    store_acquire(f->store, &snapshot);
    OK(store_checkpoint_write(f->store, &snapshot, &made, &err));
    int64_t watermark = snapshot.version->watermark;
    OK(conn_exec(f->writer, "BEGIN IMMEDIATE", &err));
    OK(catalog_commit_checkpoint(f->writer, made, watermark, &err));
    OK(catalog_prune(f->writer, watermark, 1000000, &removed, &err));
    OK(conn_exec(f->writer, "COMMIT", &err));
    store_checkpoint_done(f->store, made, true);
    store_release(f->store, &snapshot);
}

static void restart(struct fixture *f, const char *between)
{
    fixture_stop(f);
    if (between)
        run_sql(f, between);
    char columns[4300];
    snprintf(columns, sizeof columns, "%s/columns", f->directory);
    fixture_start(f, columns);
}

static void restarts(void **state)
{
    (void)state;
    struct fixture f = {.slice_events = 1000, .copy_rows = 1000};
    fixture_open(&f);
    restart(&f, NULL); /* now with files */
    run_sql(&f, "CREATE TABLE t(k INTEGER PRIMARY KEY, a UNIQUE);"
                "CREATE TABLE h(a, b); INSERT INTO t VALUES(1,2),(2,3),(3,4);"
                "INSERT INTO h VALUES (1,1),(2,2),(3,3); DELETE FROM h WHERE a=1");
    register_table(&f, "t");
    register_table(&f, "h");
    check_equal(&f, "copied");
    checkpoint(&f);
    assert_int_equal(query_int(&f, "SELECT count(*) FROM _yoda_segment"), 2);
    restart(&f, "INSERT OR REPLACE INTO t VALUES (4,2); UPDATE h SET b=9");
    assert_int_equal(mirror_of(&f, "t")->state, MIRROR_READY);
    assert_int_equal(mirror_of(&f, "h")->state, MIRROR_READY);
    check_equal(&f, "rows changed while closed");
    checkpoint(&f);
    restart(&f, "VACUUM");
    assert_int_equal(mirror_of(&f, "t")->state, MIRROR_READY);
    assert_int_equal(mirror_of(&f, "h")->state, MIRROR_STALE); /* its rowids may have moved */
    check_equal(&f, "vacuumed while closed");
    checkpoint(&f);
    restart(&f, "ALTER TABLE t ADD COLUMN n DEFAULT 4");
    assert_int_equal(mirror_of(&f, "t")->state, MIRROR_STALE);
    check_equal(&f, "column added while closed");
    checkpoint(&f);
    restart(&f, "DELETE FROM _yoda_log; INSERT INTO t VALUES (50,50,50)");
    assert_int_equal(mirror_of(&f, "t")->state, MIRROR_STALE);
    check_equal(&f, "log lost while closed");
    run_sql(&f, "DROP TABLE h");
    checkpoint(&f);
    restart(&f, NULL);
    check_equal(&f, "table dropped");
    fixture_close(&f);
}

/* Files of an older copy never come back: a checkpoint older than the repair is committed after it.
 */
static void old_checkpoint_after_rebuild(void **state)
{
    (void)state;
    struct fixture f = {0};
    yoda_error err;
    fixture_open(&f);
    restart(&f, NULL);
    run_sql(
        &f,
        "CREATE TABLE h(a, b); INSERT INTO h VALUES (1,1),(2,2),(3,3); DELETE FROM h WHERE a=1");
    register_table(&f, "h");
    check_equal(&f, "copied");
    struct snapshot snapshot;
    struct checkpoint *made;
    store_acquire(f.store, &snapshot);
    OK(store_checkpoint_write(f.store, &snapshot, &made, &err));
    int64_t watermark = snapshot.version->watermark;
    run_sql(&f, "VACUUM");
    settle(&f);
    OK(conn_exec(f.writer, "BEGIN IMMEDIATE", &err));
    OK(catalog_commit_checkpoint(f.writer, made, watermark, &err));
    OK(conn_exec(f.writer, "COMMIT", &err));
    store_checkpoint_done(f.store, made, true);
    store_release(f.store, &snapshot);
    restart(&f, NULL);
    check_equal(&f, "restarted");
    fixture_close(&f);
}

static void in_memory(void **state)
{
    (void)state;
    struct fixture f = {0};
    char uri[64];
    conn_memory_uri(uri);
    fixture_open_path(&f, uri);
    run_sql(&f, "CREATE TABLE t(k INTEGER PRIMARY KEY, a UNIQUE)");
    register_table(&f, "t");
    for (int i = 0; i < 50; i++) {
        run_sql(&f, "INSERT OR REPLACE INTO t(a) VALUES (abs(random()) % 10)");
        check_equal(&f, "memory");
    }
    fixture_close(&f);
}

/* The n-th allocation fails, for every n: nothing half-done is published, the retry converges. */
static void failing_memory(void **state)
{
    (void)state;
    struct fixture f;
    start(&f,
          "CREATE TABLE t(k PRIMARY KEY, a UNIQUE) WITHOUT ROWID; INSERT INTO t VALUES('a','b')");
    for (uint64_t n = 1; n < 60; n++) {
        yoda_error err = {0};
        yoda_sync_stats stats = {0};
        char sql[200];
        snprintf(sql, sizeof sql,
                 "INSERT OR REPLACE INTO t VALUES ('k%d','v%d'),('l%d','%d');"
                 "DELETE FROM t WHERE a='%d'",
                 (int)n % 7, (int)n % 5, (int)n % 9, (int)n, (int)n - 3);
        run_sql(&f, sql);
        if (n % 20 == 0)
            run_sql(&f, "CREATE TABLE IF NOT EXISTS x(a); DROP TABLE x");
        mem_fail_after(n, false);
        yoda_status status = capture_sync(f.capture, &stats, &err);
        if (status == YODA_OK && capture_pending(f.capture))
            status = capture_reconcile(f.capture, f.writer, &err);
        mem_fail_after(0, false);
        assert_true(status == YODA_OK || status == YODA_NOMEM || status == YODA_ERROR);
        check_equal(&f, "after a failed allocation");
    }
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(schema_changes),
        cmocka_unit_test(renames_and_drops),
        cmocka_unit_test(recreated_with_its_triggers),
        cmocka_unit_test(refused_tables),
        cmocka_unit_test(hostile_log),
        cmocka_unit_test(catalog_dropped),
        cmocka_unit_test(restarts),
        cmocka_unit_test(old_checkpoint_after_rebuild),
        cmocka_unit_test(in_memory),
        cmocka_unit_test(failing_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
