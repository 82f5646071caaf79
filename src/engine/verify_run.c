/*
 * verify_run.c -- comparing the two sides at one commit point.
 *
 * Under the sync lease: sync, begin a read transaction on a connection of its own, and ask whether
 * anything was committed since the sync began to read. If not, both see the same state: the version
 * is pinned, the lease given back, and the comparison takes its time. If writers are too busy for
 * that, the write connection is held for the moment of agreement (always for a memory file, where
 * "anything committed" is a count made just after the commit).
 */
#include "cdc/verify.h"

#include "base/str.h"
#include "engine/engine.h"

#include <stdio.h>

#define ATTEMPTS_FREE 5
#define ATTEMPTS 50

struct verification {
    yoda_engine *engine;
    struct call *call;
    struct conn *conn; /* inside a read transaction while agreed */
    struct snapshot snapshot;
    struct arena arena;
    struct progress progress;
    yoda_verify_report *report;
    bool repairs;
};

/* Requires the sync lease. */
static yoda_status try_agree(struct verification *v, bool *agreed, yoda_error *err)
{
    struct columns *columns = &v->engine->columns;
    int64_t ignored = 0;
    TRY(freshness_sync(v->engine, err));
    TRY(conn_begin(v->conn, false, err));
    yoda_status status =
        conn_query_int(v->conn, "SELECT count(*) FROM sqlite_schema", 0, &ignored, err);
    if (status == YODA_OK)
        status = freshness_is_current(v->engine, agreed, err);
    if (status == YODA_OK && *agreed)
        store_acquire(columns->store, &v->snapshot);
    else
        conn_roll_back(v->conn);
    if (status != YODA_OK)
        *agreed = false;
    return status;
}

static yoda_status agree_once(struct verification *v, bool hold_writer, bool *agreed,
                              yoda_error *err)
{
    if (hold_writer)
        TRY(writer_acquire(v->engine, v->call, err));
    yoda_status status = freshness_lock(v->engine, v->call, err);
    if (status == YODA_OK) {
        status = try_agree(v, agreed, err);
        freshness_unlock(v->engine);
    }
    if (hold_writer)
        writer_release(v->engine);
    return status;
}

static yoda_status agree(struct verification *v, yoda_error *err)
{
    bool agreed = false;
    for (int i = 0; i < ATTEMPTS && !agreed; i++) {
        bool hold_writer = i >= ATTEMPTS_FREE || !v->engine->real_path;
        TRY(agree_once(v, hold_writer, &agreed, err));
        if (atomic_load(&v->call->cancel))
            break;
    }
    if (agreed)
        return YODA_OK;
    if (atomic_load(&v->call->cancel))
        return fail(err, YODA_INTERRUPTED, "interrupted");
    return fail(err, YODA_BUSY, "other processes commit too often to compare at one snapshot");
}

static void part(struct verification *v)
{
    conn_roll_back(v->conn);
    store_release(v->engine->columns.store, &v->snapshot);
}

static bool on_progress(void *ctx, uint64_t rows)
{
    struct verification *v = ctx;
    return !atomic_load(&v->call->cancel) && progress_report(&v->progress, v->report->rows + rows);
}

static yoda_status repair(struct verification *v, const struct catalog_entry *entry,
                          yoda_error *err)
{
    TRY(table_repair_rebuild(v->engine, v->call, entry->tid, "its two sides differed", err));
    TRY(table_repair_copy(v->engine, v->call, entry->name, err));
    v->report->tables_repaired++;
    return YODA_OK;
}

/* Both sides are pinned. *differs: the table needs repair. */
static yoda_status compare(struct verification *v, const struct catalog_entry *entry, bool *differs,
                           yoda_error *err)
{
    char difference[YODA_MESSAGE_MAX] = "";
    struct schema_table *table = NULL;
    uint64_t rows = 0;
    yoda_error why = {.sql_offset = -1};
    yoda_status status = schema_table_read(v->conn, entry->name, &v->arena, &table, &why);
    const struct table_version *version = version_find_table(v->snapshot.version, entry->tid);
    v->report->tables++;
    v->progress.what = entry->name;
    if (status == YODA_OK && !version)
        snprintf(difference, sizeof difference, "table %.128s: not in the columns yet",
                 entry->name);
    else if (status == YODA_OK)
        status = verify_table(v->conn, table, version, on_progress, v, &rows, difference, &why);
    if (status == YODA_CORRUPT || status == YODA_NOT_FOUND) { /* damaged files differ, too */
        snprintf(difference, sizeof difference, "table %.128s: its columns cannot be read",
                 entry->name);
        if (!v->repairs)
            table_repair_note(v->engine, entry->tid, &why); /* heals in the background */
        status = YODA_OK;
    }
    if (status != YODA_OK && err)
        *err = why;
    TRY(status);
    v->report->rows += rows;
    *differs = difference[0] != 0;
    if (!*differs)
        v->report->tables_equal++;
    else if (!v->report->difference[0])
        snprintf(v->report->difference, sizeof v->report->difference, "%s", difference);
    return YODA_OK;
}

/* Compares at one snapshot; tables to repair are left in entries [*count]. */
static yoda_status compare_all(struct verification *v, const char *only,
                               struct catalog_entry **entries, size_t *count, yoda_error *err)
{
    size_t listed = 0, kept = 0, seen = 0;
    TRY(catalog_list(v->conn, &v->arena, entries, &listed, err));
    for (size_t i = 0; i < listed; i++) {
        bool differs = false;
        if (only && !name_equal((*entries)[i].name, only))
            continue;
        seen++;
        TRY(compare(v, &(*entries)[i], &differs, err));
        if (differs)
            (*entries)[kept++] = (*entries)[i];
    }
    *count = kept;
    if (only && seen == 0)
        return fail(err, YODA_NOT_FOUND, "table %.128s is not registered", only);
    return YODA_OK;
}

static yoda_status verify_on(struct verification *v, const char *only, yoda_error *err)
{
    struct catalog_entry *entries = NULL;
    size_t count = 0;
    TRY(agree(v, err));
    yoda_status status = compare_all(v, only, &entries, &count, err);
    part(v);
    for (size_t i = 0; i < count && v->repairs && status == YODA_OK; i++)
        status = repair(v, &entries[i], err);
    return status;
}

/* Registered tables that wait for a repair or a copy get it first. */
static yoda_status settle(yoda_engine *engine, struct call *call, yoda_error *err)
{
    TRY(sync_loop_run(engine, call, NULL, err));
    if (owner_is(engine))
        return YODA_OK;
    pthread_mutex_lock(&engine->message_mutex);
    yoda_status status =
        fail(err, YODA_NOT_COLUMNAR, "nothing to verify: %s", engine->why_not_owner);
    pthread_mutex_unlock(&engine->message_mutex);
    return status;
}

yoda_status verify_run(yoda_engine *engine, struct call *call, const char *table, unsigned flags,
                       yoda_verify_report *report, yoda_error *err)
{
    struct verification v = {.engine = engine,
                             .call = call,
                             .report = report,
                             .repairs = flags & YODA_VERIFY_REPAIR,
                             .progress = {.call = call, .engine = engine, .last_ns = os_monotonic_ns()}};
    TRY(settle(engine, call, err));
    TRY(call_check(call, err));
    TRY(read_pool_lease(engine->readers, &call->cancel, &v.conn, err));
    arena_init(&v.arena, NULL);
    yoda_status status = verify_on(&v, table, err);
    arena_deinit(&v.arena);
    read_pool_return(engine->readers, v.conn);
    return status;
}
