/*
 * table_repair.c -- bringing tables (back) to READY: schema changes, damage, copies.
 *
 * All of it may be done by any thread that comes by: the background thread, yoda_sync,
 * yoda_register_table. Copies go slice by slice under the sync lease, so several may work on one
 * table by turns, and syncs of queries get in between.
 */
#include "engine/engine.h"

#define STALE_TURNS_MAX 10

/* Requires writer and sync lease. */
static yoda_status reconcile(yoda_engine *engine, yoda_error *err)
{
    struct columns *columns = &engine->columns;
    yoda_status status = capture_reconcile(columns->capture, engine->writer.conn, err);
    atomic_fetch_add(&columns->epoch, 1);
    yoda_status published = freshness_publish_view(engine, status == YODA_OK ? err : NULL);
    return status == YODA_OK ? published : status;
}

yoda_status table_repair_schemas(yoda_engine *engine, struct call *call, bool wait, yoda_error *err)
{
    if (!owner_is(engine) || !atomic_load(&engine->columns.pending))
        return YODA_OK;
    if (!wait || lease_taken_here(&engine->writer.lease)) {
        if (!writer_try(engine, call))
            return YODA_OK;
    } else {
        TRY(writer_acquire(engine, call, err));
    }
    yoda_status status = freshness_lock(engine, call, err);
    if (status == YODA_OK) {
        status = reconcile(engine, err);
        freshness_unlock(engine);
    }
    writer_release(engine);
    return status;
}

/* ---- Damage ---------------------------------------------------------------------------------- */

void table_repair_note(yoda_engine *engine, uint32_t tid, const yoda_error *why)
{
    struct columns *columns = &engine->columns;
    bool known = false;
    pthread_mutex_lock(&columns->damage_mutex);
    for (uint32_t i = 0; i < columns->damaged_count; i++)
        known |= columns->damaged[i] == tid;
    if (!known && columns->damaged_count < DAMAGED_MAX) /* one that is left out is found again */
        columns->damaged[columns->damaged_count++] = tid;
    pthread_mutex_unlock(&columns->damage_mutex);
    engine_note_error(engine, why);
    sync_loop_wake(engine);
}

static bool next_damaged(struct columns *columns, uint32_t *tid)
{
    pthread_mutex_lock(&columns->damage_mutex);
    bool found = columns->damaged_count > 0;
    if (found)
        *tid = columns->damaged[0];
    pthread_mutex_unlock(&columns->damage_mutex);
    return found;
}

static void forget_damaged(struct columns *columns, uint32_t tid)
{
    uint32_t kept = 0;
    pthread_mutex_lock(&columns->damage_mutex);
    for (uint32_t i = 0; i < columns->damaged_count; i++)
        if (columns->damaged[i] != tid)
            columns->damaged[kept++] = columns->damaged[i];
    columns->damaged_count = kept;
    pthread_mutex_unlock(&columns->damage_mutex);
}

static yoda_status forget_segments(void *ctx, struct conn *conn, yoda_error *err)
{
    return catalog_forget_segments(conn, *(uint32_t *)ctx, err);
}

static bool is_registered(const struct capture *capture, uint32_t tid)
{
    for (size_t i = 0; i < capture_mirror_count(capture); i++)
        if (capture_mirror(capture, i)->tid == tid)
            return true;
    return false;
}

/* The manifest forgets the table first: a crash before the new copy must not bring the old back. */
static yoda_status rebuild(yoda_engine *engine, struct call *call, uint32_t tid, const char *reason,
                           yoda_error *err)
{
    struct columns *columns = &engine->columns;
    if (columns->directory)
        TRY(writer_transact(engine, forget_segments, &tid, err));
    TRY(freshness_lock(engine, call, err));
    yoda_status status = YODA_OK;
    if (is_registered(columns->capture, tid)) {
        status = capture_rebuild(columns->capture, tid, reason, err);
        atomic_fetch_add(&columns->epoch, 1);
        atomic_fetch_add(&engine->counters.rebuilds, 1);
    }
    yoda_status published = freshness_publish_view(engine, status == YODA_OK ? err : NULL);
    freshness_unlock(engine);
    return status == YODA_OK ? published : status;
}

yoda_status table_repair_rebuild(yoda_engine *engine, struct call *call, uint32_t tid,
                                 const char *reason, yoda_error *err)
{
    TRY(writer_acquire(engine, call, err));
    yoda_status status = rebuild(engine, call, tid, reason, err);
    writer_release(engine);
    return status;
}

yoda_status table_repair_damaged(yoda_engine *engine, struct call *call, yoda_error *err)
{
    uint32_t tid = 0;
    while (next_damaged(&engine->columns, &tid)) {
        TRY(table_repair_rebuild(engine, call, tid, "its columns are damaged", err));
        forget_damaged(&engine->columns, tid);
    }
    return YODA_OK;
}

/* ---- Copies ---------------------------------------------------------------------------------- */

static const struct mirror *first_in(const struct capture *capture, enum mirror_state state)
{
    for (size_t i = 0; i < capture_mirror_count(capture); i++)
        if (capture_mirror(capture, i)->state == state)
            return capture_mirror(capture, i);
    return NULL;
}

/* Requires the sync lease. */
static yoda_status copy_slice(yoda_engine *engine, uint32_t tid, yoda_error *err)
{
    bool more = false;
    yoda_status status = capture_copy_step(engine->columns.capture, tid, &more, err);
    yoda_status published = freshness_publish_view(engine, status == YODA_OK ? err : NULL);
    return status == YODA_OK ? published : status;
}

yoda_status table_repair_copy_slice(yoda_engine *engine, struct call *call, bool *more,
                                    yoda_error *err)
{
    TRY(freshness_lock(engine, call, err));
    yoda_status status = YODA_OK;
    const struct mirror *mirror = first_in(engine->columns.capture, MIRROR_COPYING);
    if (!mirror)
        mirror = first_in(engine->columns.capture, MIRROR_FAILED);
    if (mirror)
        status = copy_slice(engine, mirror->tid, err);
    *more = status == YODA_OK && atomic_load(&engine->columns.unfinished);
    freshness_unlock(engine);
    return status;
}

/* One turn of a copy. *state is the table's afterwards. */
static yoda_status copy_turn(yoda_engine *engine, const char *name, struct progress *progress,
                             enum mirror_state *state, yoda_error *err)
{
    struct capture *capture = engine->columns.capture;
    const struct mirror *mirror = capture_find(capture, name);
    if (!mirror)
        return fail(err, YODA_NOT_FOUND, "table %.128s is not registered", name);
    *state = mirror->state;
    if (*state == MIRROR_READY || *state == MIRROR_STALE)
        return YODA_OK;
    TRY(copy_slice(engine, mirror->tid, err));
    mirror = capture_find(capture, name);
    if (!mirror)
        return YODA_OK; /* dropped meanwhile: the next turn says so */
    *state = mirror->state;
    if (*state == MIRROR_FAILED) /* refused: trying again changes nothing */
        return fail(err, YODA_ERROR, "table %.128s: %.300s", name, mirror->reason);
    progress->total = mirror->expected_rows;
    if (!progress_report(progress, mirror->copied_rows))
        return fail(err, YODA_INTERRUPTED, "cancelled by the progress function");
    return YODA_OK;
}

yoda_status table_repair_copy(yoda_engine *engine, struct call *call, const char *name,
                              yoda_error *err)
{
    struct progress progress = {
        .call = call, .engine = engine, .what = name, .last_ns = os_monotonic_ns()};
    for (int stale_turns = 0; stale_turns < STALE_TURNS_MAX;) {
        enum mirror_state state = MIRROR_COPYING;
        TRY(freshness_lock(engine, call, err));
        yoda_status status = copy_turn(engine, name, &progress, &state, err);
        freshness_unlock(engine);
        TRY(status);
        if (state == MIRROR_READY)
            return YODA_OK;
        if (state == MIRROR_STALE) {
            stale_turns++;
            TRY(table_repair_schemas(engine, call, true, err));
        }
        if (atomic_load(&call->cancel))
            return fail(err, YODA_INTERRUPTED, "interrupted");
    }
    return fail(err, YODA_SCHEMA, "table %.128s: its schema keeps changing", name);
}
