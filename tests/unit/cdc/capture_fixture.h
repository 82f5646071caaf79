/*
 * capture_fixture.h -- a file, its writer, a capture and a store, and one call that proves both
 * sides equal.
 */
#ifndef YODA_TESTS_CAPTURE_FIXTURE_H
#define YODA_TESTS_CAPTURE_FIXTURE_H

#include "test.h"

#include "base/os.h"
#include "base/str.h"
#include "cdc/capture.h"
#include "cdc/triggers.h"
#include "cdc/verify.h"

struct fixture {
    char *directory;
    char path[4200];
    struct conn *writer, *reader, *captured;
    struct task_pool *pool;
    struct mem_budget budget;
    struct store *store;
    struct capture *capture;
    uint64_t slice_events, copy_rows;
};

static inline struct conn *fixture_connect(const char *path, enum conn_role role)
{
    yoda_error err;
    struct conn *conn = NULL;
    struct conn_options options = {
        .path = path, .role = role, .busy_timeout_ms = 5000, .statement_cache = 64};
    OK(conn_open(&options, &conn, &err));
    return conn;
}

static inline void fixture_start(struct fixture *f, const char *directory)
{
    yoda_error err;
    struct store_options store = {.directory = directory,
                                  .pool = f->pool,
                                  .budget = &f->budget,
                                  .compact_deleted_percent = 25};
    OK(catalog_create(f->writer, store.database_id, &err));
    OK(store_create(&store, &f->store, &err));
    f->captured = fixture_connect(f->path, CONN_CAPTURE);
    struct capture_options options = {.conn = f->captured,
                                      .store = f->store,
                                      .budget = &f->budget,
                                      .slice_events = f->slice_events,
                                      .copy_slice_rows = f->copy_rows};
    OK(capture_create(&options, &f->capture, &err));
    OK(capture_recover(f->capture, &err));
}

static inline void fixture_stop(struct fixture *f)
{
    capture_destroy(f->capture);
    store_destroy(f->store);
    conn_close(f->captured);
}

static inline void fixture_open_path(struct fixture *f, const char *path)
{
    yoda_error err;
    snprintf(f->path, sizeof f->path, "%s", path);
    mem_budget_init(&f->budget, NULL, 0);
    OK(task_pool_create(1, &f->pool, &err));
    if (!f->slice_events)
        f->slice_events = 7; /* small: slices are to be cut in the middle of things */
    if (!f->copy_rows)
        f->copy_rows = 5;
    f->writer = fixture_connect(f->path, CONN_WRITER);
    if (conn_exec(f->writer, "PRAGMA synchronous=OFF", NULL) != YODA_OK)
        fail_msg("synchronous");
    f->reader = fixture_connect(f->path, CONN_READER);
    fixture_start(f, NULL);
}

static inline void fixture_open(struct fixture *f)
{
    char path[4200];
    f->directory = test_directory_make();
    snprintf(path, sizeof path, "%s/test.db", f->directory);
    fixture_open_path(f, path);
}

static inline void fixture_close(struct fixture *f)
{
    fixture_stop(f);
    conn_close(f->reader);
    conn_close(f->writer);
    task_pool_destroy(f->pool);
    if (f->directory)
        test_directory_remove(f->directory);
}

static inline void run_sql(struct fixture *f, const char *sql)
{
    yoda_error err;
    OK(conn_exec(f->writer, sql, &err));
}

/* A statement that is allowed to fail on a constraint. */
static inline void try_sql(struct fixture *f, const char *sql)
{
    yoda_error err = {0};
    bool outside = !conn_in_transaction(f->writer);
    yoda_status status = conn_exec(f->writer, sql, &err);
    if (status != YODA_OK && outside && conn_in_transaction(f->writer))
        assert_int_equal(conn_exec(f->writer, "ROLLBACK", NULL),
                         YODA_OK); /* SAVEPOINT came first */
    if (status != YODA_OK && status != YODA_CONSTRAINT && err.sqlite_code != 20 /* MISMATCH */)
        fail_msg("%s: %s", sql, err.message);
}

/* What the engine does: install, commit, reconcile. */
static inline uint32_t register_table(struct fixture *f, const char *name)
{
    yoda_error err;
    struct arena arena;
    struct schema_table *table;
    uint32_t tid = 0;
    arena_init(&arena, NULL);
    OK(conn_exec(f->writer, "BEGIN IMMEDIATE", &err));
    OK(schema_table_read(f->writer, name, &arena, &table, &err));
    OK(catalog_add(f->writer, table->name, table->hash, NULL, &tid, &err));
    OK(triggers_install(f->writer, table, tid, &err));
    OK(conn_exec(f->writer, "COMMIT", &err));
    OK(capture_reconcile(f->capture, f->writer, &err));
    arena_deinit(&arena);
    return tid;
}

/* Sync, repair and copy until nothing is left to do. */
static inline void settle(struct fixture *f)
{
    yoda_error err;
    yoda_sync_stats stats = {0};
    for (int round = 0; round < 100; round++) {
        bool busy = false;
        OK(capture_sync(f->capture, &stats, &err));
        if (capture_pending(f->capture)) {
            OK(capture_reconcile(f->capture, f->writer, &err));
            busy = true;
        }
        for (size_t i = 0; i < capture_mirror_count(f->capture); i++) {
            bool more = capture_mirror(f->capture, i)->state == MIRROR_COPYING;
            uint32_t tid = capture_mirror(f->capture, i)->tid;
            busy |= more;
            while (more)
                OK(capture_copy_step(f->capture, tid, &more, &err));
        }
        if (!busy)
            return;
    }
    fail_msg("the capture does not settle");
}

/* Compare all tables; a difference fails the test and says what was done. */
static inline void check_equal(struct fixture *f, const char *what)
{
    yoda_error err;
    bool current = false;
    settle(f);
    OK(capture_is_current(f->capture, &current, &err));
    assert_true(current);
    struct snapshot snapshot;
    store_acquire(f->store, &snapshot);
    assert_int_equal(snapshot.version->watermark, capture_watermark(f->capture));
    OK(conn_exec(f->reader, "BEGIN", &err));
    for (size_t i = 0; i < capture_mirror_count(f->capture); i++) {
        const struct mirror *mirror = capture_mirror(f->capture, i);
        const struct table_version *version = version_find_table(snapshot.version, mirror->tid);
        char difference[YODA_MESSAGE_MAX];
        uint64_t rows;
        if (mirror->state != MIRROR_READY || !version)
            fail_msg("%s: table is not ready: %s", what, mirror->reason);
        OK(verify_table(f->reader, mirror->table, version, NULL, NULL, &rows, difference, &err));
        if (difference[0])
            fail_msg("%s: %s", what, difference);
    }
    OK(conn_exec(f->reader, "ROLLBACK", &err));
    store_release(f->store, &snapshot);
}

static inline int64_t query_int(struct fixture *f, const char *sql)
{
    yoda_error err;
    int64_t out = 0;
    OK(conn_query_int(f->reader, sql, -1, &out, &err));
    return out;
}

/* Run SQL in the stock shell, another process; false when there is no shell. */
static inline bool shell_sql(struct fixture *f, const char *sql)
{
    char command[8400];
    if (system("command -v sqlite3 >/dev/null 2>&1") != 0) {
        print_message("sqlite3 shell not found: skipped\n");
        return false;
    }
    snprintf(command, sizeof command, "sqlite3 -bail '%s' \"%s\" >/dev/null", f->path, sql);
    assert_int_equal(system(command), 0);
    return true;
}

#endif
