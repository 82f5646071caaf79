/*
 * owner.c -- one engine at a time keeps the columnar side of a file.
 *
 * Two locks say who: "<database>-yoda.lock" (who captures and prunes the log) and "LOCK" in the
 * directory of the columnar files (two databases might be given the same one). They are bound to
 * open files, so they go when the process dies. Whoever does not get them answers from SQLite, may
 * still register tables (the owner notices), and tries again at each sync.
 */
#include "base/str.h"
#include "engine/engine.h"

#include <stdio.h>

#define SPILL_NAME_SIZE 43 /* yoda-<32 hexadecimal digits>.spill */

bool owner_is(yoda_engine *engine)
{
    return atomic_load(&engine->columns.owner);
}

static yoda_status lock_path(const char *path, struct os_file **out, yoda_error *err)
{
    TRY(os_file_open(path, OS_READ_WRITE_CREATE, out, err));
    yoda_status status = os_file_try_lock(*out, err);
    if (status != YODA_OK) {
        os_file_close(*out);
        *out = NULL;
    }
    return status;
}

static yoda_status lock_joined(const char *base, const char *suffix, struct os_file **out,
                               yoda_error *err)
{
    struct str path;
    str_init(&path);
    str_puts(&path, base);
    str_puts(&path, suffix);
    yoda_status status = str_check(&path, err);
    if (status == YODA_OK)
        status = lock_path(str_text(&path), out, err);
    str_deinit(&path);
    return status;
}

static yoda_status take_locks(yoda_engine *engine, yoda_error *err)
{
    struct columns *columns = &engine->columns;
    if (!engine->real_path)
        return YODA_OK;
    TRY(lock_joined(engine->real_path, "-yoda.lock", &columns->file_lock, err));
    if (!columns->directory)
        return YODA_OK;
    TRY(os_mkdir(columns->directory, err));
    return lock_joined(columns->directory, "/LOCK", &columns->directory_lock, err);
}

static yoda_status create_store(yoda_engine *engine, yoda_error *err)
{
    struct columns *columns = &engine->columns;
    struct store_options options = {
        .directory = columns->directory,
        .pool = engine->tasks,
        .budget = &engine->core->budget,
        .compact_deleted_percent = (uint32_t)engine->options.compact_deleted_percent,
    };
    memcpy(options.database_id, engine->database_id, sizeof options.database_id);
    return store_create(&options, &columns->store, err);
}

static yoda_status create_capture(yoda_engine *engine, yoda_error *err)
{
    struct columns *columns = &engine->columns;
    struct conn_options conn =
        engine_conn_options(engine, CONN_CAPTURE, &engine->calls.capture.flag);
    TRY(conn_open(&conn, &columns->conn, err));
    struct capture_options options = {
        .conn = columns->conn,
        .store = columns->store,
        .budget = &engine->core->budget,
        .slice_events = (uint64_t)engine->options.sync_batch_size,
        .copy_slice_rows = SEGMENT_ROWS,
        .cancel = &engine->calls.capture.flag,
    };
    return capture_create(&options, &columns->capture, err);
}

/* Tables whose files were damaged or missing are copied anew; the status tells. */
static void note_damaged(yoda_engine *engine)
{
    struct columns *columns = &engine->columns;
    for (size_t i = 0; columns->directory && i < capture_mirror_count(columns->capture); i++) {
        const struct mirror *mirror = capture_mirror(columns->capture, i);
        yoda_error why;
        if (!mirror->damaged)
            continue;
        fail(&why, YODA_CORRUPT, "%.480s", mirror->reason);
        engine_note_error(engine, &why);
        atomic_fetch_add(&engine->counters.rebuilds, 1);
    }
}

/* What the files and the manifest still hold is the state of the last checkpoint. */
static yoda_status recover(yoda_engine *engine, yoda_error *err)
{
    struct columns *columns = &engine->columns;
    TRY(capture_recover(columns->capture, err));
    note_damaged(engine);
    if (columns->directory)
        TRY(store_sweep(columns->store, err));
    atomic_store(&engine->checkpoints.durable_watermark, capture_watermark(columns->capture));
    atomic_store(&engine->checkpoints.last_ns, os_monotonic_ns());
    return freshness_publish_view(engine, err);
}

/* Spill files are unlinked as soon as they are made: what a crash left between the two goes here.
 * Anybody else's are either gone by then or not to be removed by us; neither matters. */
static yoda_status remove_spill(void *ctx, const char *name)
{
    const char *directory = ctx;
    struct str path;
    size_t size = strlen(name);
    if (size != SPILL_NAME_SIZE || strncmp(name, "yoda-", 5) != 0 ||
        strcmp(name + size - 6, ".spill") != 0)
        return YODA_OK;
    str_init(&path);
    str_printf(&path, "%s/%s", directory, name);
    if (str_check(&path, NULL) == YODA_OK) {
        yoda_status ignored = os_unlink(str_text(&path), NULL);
        YODA_UNUSED(ignored);
    }
    str_deinit(&path);
    return YODA_OK;
}

static void sweep_spills(yoda_engine *engine)
{
    if (!engine->spill_directory)
        return;
    yoda_status ignored = os_list(engine->spill_directory, remove_spill, engine->spill_directory,
                                  NULL); /* it may not be there yet */
    YODA_UNUSED(ignored);
}

static void give_up(struct columns *columns)
{
    if (columns->capture)
        capture_destroy(columns->capture);
    columns->capture = NULL;
    conn_close(columns->conn);
    columns->conn = NULL;
    if (columns->store)
        store_destroy(columns->store);
    columns->store = NULL;
    os_file_close(columns->directory_lock);
    columns->directory_lock = NULL;
    os_file_close(columns->file_lock);
    columns->file_lock = NULL;
}

static void say_why_not(yoda_engine *engine, const char *text)
{
    pthread_mutex_lock(&engine->message_mutex);
    snprintf(engine->why_not_owner, sizeof engine->why_not_owner, "%s", text);
    pthread_mutex_unlock(&engine->message_mutex);
}

yoda_status owner_try(yoda_engine *engine, yoda_error *err)
{
    if (owner_is(engine))
        return YODA_OK;
    if (!engine->options.columnar || !engine->utf8) {
        say_why_not(engine, engine->utf8 ? "the option columnar is false"
                                         : "the database's text encoding is not UTF-8");
        return YODA_OK;
    }
    yoda_status status = take_locks(engine, err);
    if (status == YODA_BUSY) {
        say_why_not(engine, "another engine owns the columnar side");
        give_up(&engine->columns);
        return YODA_OK;
    }
    if (status == YODA_OK)
        status = create_store(engine, err);
    if (status == YODA_OK)
        status = create_capture(engine, err);
    if (status == YODA_OK)
        status = recover(engine, err);
    if (status == YODA_OK) {
        sweep_spills(engine);
        atomic_store(&engine->columns.owner, true);
        return YODA_OK;
    }
    say_why_not(engine, "the columnar side could not be opened");
    give_up(&engine->columns);
    return status;
}

void owner_release(yoda_engine *engine)
{
    atomic_store(&engine->columns.owner, false);
    give_up(&engine->columns);
}
