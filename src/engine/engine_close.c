/*
 * engine_close.c -- stopping: interrupt, shutdown, and the end of the handle.
 *
 * Shutdown  1 refuse new calls   2 cancel those that read, let writes end, submitted ones too (those
 *           that do not within busy_timeout_ms are cancelled)   3 stop the threads   4 roll back a
 *           transaction left open   5 sync and write a checkpoint   6 close everything
 * The handle itself lives until yoda_close, the last transaction handle and the last queue are gone.
 */
#include "engine/engine.h"

#include <string.h>

void engine_cancel(yoda_engine *engine, bool writers_too)
{
    calls_cancel(&engine->calls, writers_too);
    lease_wake(&engine->checkpoints.upkeep);
    lease_wake(&engine->writer.lease);
    lease_wake(&engine->columns.sync);
    dispatch_sweep(engine);
}

void engine_note_error(yoda_engine *engine, const yoda_error *err)
{
    pthread_mutex_lock(&engine->message_mutex);
    memcpy(engine->last_error, err->message, sizeof engine->last_error);
    pthread_mutex_unlock(&engine->message_mutex);
}

void engine_release_parts(yoda_engine *engine)
{
    ASSERT(engine->calls.count == 0);
    sync_loop_stop(engine);
    owner_release(engine);
    catalog_view_release(engine->columns.view);
    engine->columns.view = NULL;
    if (engine->readers)
        read_pool_destroy(engine->readers);
    engine->readers = NULL;
    conn_close(engine->writer.conn);
    engine->writer.conn = NULL;
    if (engine->tasks)
        task_pool_destroy(engine->tasks);
    engine->tasks = NULL;
}

static void destroy(yoda_engine *engine)
{
    ASSERT(!engine->writer.conn && !engine->readers && !engine->background.running);
    core_release(engine->core);
    options_deinit(&engine->options);
    mem_free(engine->path);
    mem_free(engine->real_path);
    mem_free(engine->spill_directory);
    mem_free(engine->columns.directory);
    lease_deinit(&engine->writer.lease);
    write_literals_deinit(&engine->writer.literals);
    lease_deinit(&engine->columns.sync);
    lease_deinit(&engine->checkpoints.upkeep);
    route_memo_deinit(&engine->columns.memo);
    pthread_mutex_destroy(&engine->columns.view_mutex);
    pthread_mutex_destroy(&engine->columns.damage_mutex);
    pthread_cond_destroy(&engine->background.cond);
    pthread_mutex_destroy(&engine->background.mutex);
    pthread_mutex_destroy(&engine->message_mutex);
    dispatch_deinit(engine);
    calls_deinit(&engine->calls);
    mem_free(engine);
}

void engine_release(yoda_engine *engine)
{
    if (atomic_fetch_sub(&engine->refs, 1) == 1)
        destroy(engine);
}

/* True for the one thread that does the work; the others return when it is done. */
static bool begin_closing(struct calls *calls)
{
    pthread_mutex_lock(&calls->mutex);
    bool first = calls->state == CALLS_OPEN;
    if (first)
        calls->state = CALLS_CLOSING;
    while (!first && calls->state != CALLS_CLOSED)
        cond_wait_ms(&calls->cond, &calls->mutex, -1);
    pthread_mutex_unlock(&calls->mutex);
    return first;
}

static void end_closing(struct calls *calls)
{
    pthread_mutex_lock(&calls->mutex);
    calls->state = CALLS_CLOSED;
    pthread_cond_broadcast(&calls->cond);
    pthread_mutex_unlock(&calls->mutex);
}

/* Nobody is inside any more, so a lease still held is a transaction's between two calls. */
static void end_transaction(yoda_engine *engine)
{
    if (lease_try(&engine->writer.lease)) {
        lease_release(&engine->writer.lease);
        return;
    }
    yoda_status status = YODA_OK;
    if (conn_in_transaction(engine->writer.conn))
        status = conn_exec(engine->writer.conn, "ROLLBACK", NULL);
    YODA_UNUSED(status); /* closing the connection rolls back, too */
    lease_release(&engine->writer.lease);
}

static yoda_status last_checkpoint(yoda_engine *engine, yoda_error *err)
{
    struct call call = {.begin_ns = os_monotonic_ns()};
    if (!owner_is(engine) || !engine->columns.directory)
        return YODA_OK;
    TRY(freshness_lock(engine, &call, err));
    yoda_status status = freshness_sync(engine, err);
    freshness_unlock(engine);
    TRY(status);
    return checkpointer_run(engine, &call, err);
}

yoda_status engine_shutdown(yoda_engine *engine, yoda_error *err)
{
    if (!begin_closing(&engine->calls))
        return YODA_OK;
    engine_cancel(engine, false);
    if (!calls_wait_empty(&engine->calls, engine->options.busy_timeout_ms)) {
        engine_cancel(engine, true);
        calls_wait_empty(&engine->calls, -1);
    }
    dispatch_stop(engine);
    sync_loop_stop(engine);
    end_transaction(engine);
    yoda_status status = last_checkpoint(engine, err);
    engine_release_parts(engine);
    end_closing(&engine->calls);
    return status;
}
