/*
 * sync_loop.c -- the background thread, and yoda_sync.
 *
 * One round: become the owner if nobody is; sync if anything was committed; set schema changes
 * right if the writer is free; rebuild what is damaged; copy one table's slices; encode and
 * compact; write a checkpoint when one is due. A round that fails keeps its error for the status
 * and the next round tries again. Rounds come every sync_interval_ms, and at once when somebody
 * asks; with an interval of 0 only then. With an interval of 0 a sync that leaves something to
 * encode, compact or checkpoint wakes the thread for that alone.
 */
#include "engine/engine.h"

#define RETRY_MS 1000
#define TRIM_SEGMENTS 2 /* so many at once were sealed: RAW ones of some 10 MB each went */

static yoda_status sync_round(yoda_engine *engine, struct call *call, yoda_error *err)
{
    bool current = false;
    TRY(freshness_lock(engine, call, err));
    yoda_status status = owner_try(engine, err);
    if (status == YODA_OK && owner_is(engine)) {
        status = freshness_is_current(engine, &current, err);
        if (status == YODA_OK && !current)
            status = freshness_sync(engine, err);
    }
    freshness_unlock(engine);
    return status;
}

static yoda_status copy_all(yoda_engine *engine, struct call *call, yoda_error *err)
{
    bool more = true;
    while (more && !atomic_load(&call->cancel))
        TRY(table_repair_copy_slice(engine, call, &more, err));
    return YODA_OK;
}

static yoda_status maintain(yoda_engine *engine, struct call *call, yoda_error *err)
{
    struct maintenance_stats stats = {0};
    TRY(lease_acquire(&engine->checkpoints.upkeep, &call->cancel, -1, err));
    yoda_status status = store_maintain(engine->columns.store, &call->cancel, &stats, err);
    lease_release(&engine->checkpoints.upkeep);
    atomic_fetch_add(&engine->counters.compactions, stats.compacted);
    if (stats.sealed >= TRIM_SEGMENTS)
        mem_trim();
    return status;
}

static yoda_status catch_up(yoda_engine *engine, struct call *call, yoda_error *err)
{
    TRY(sync_round(engine, call, err));
    if (!owner_is(engine))
        return YODA_OK;
    TRY(table_repair_schemas(engine, call, false, err));
    TRY(table_repair_damaged(engine, call, err));
    return copy_all(engine, call, err);
}

static yoda_status tend(yoda_engine *engine, struct call *call, yoda_error *err)
{
    pthread_mutex_lock(&engine->background.mutex);
    engine->background.tend = false;
    pthread_mutex_unlock(&engine->background.mutex);
    TRY(maintain(engine, call, err));
    if (!engine->columns.directory)
        return checkpointer_prune_memory(engine, call, false, NULL, err);
    return checkpointer_due(engine) ? checkpointer_run(engine, call, err) : YODA_OK;
}

static yoda_status round_of_work(yoda_engine *engine, bool whole, struct call *call,
                                 yoda_error *err)
{
    if (whole)
        TRY(catch_up(engine, call, err));
    return owner_is(engine) ? tend(engine, call, err) : YODA_OK;
}

/* Wait for the next round; false: stop. whole: with a sync, not the upkeep alone. */
static bool wait_round(yoda_engine *engine, bool failed, bool *whole)
{
    struct background *b = &engine->background;
    int64_t interval_ms = engine->options.sync_interval_ms;
    int64_t wait_ms = interval_ms == 0 ? -1 : interval_ms;
    if (failed && wait_ms >= 0 && wait_ms < RETRY_MS)
        wait_ms = RETRY_MS;
    pthread_mutex_lock(&b->mutex);
    if (!b->wanted && !b->tend && !b->stop)
        cond_wait_ms(&b->cond, &b->mutex, wait_ms);
    *whole = b->wanted || interval_ms > 0;
    b->wanted = b->tend = false;
    bool go_on = !b->stop;
    pthread_mutex_unlock(&b->mutex);
    return go_on;
}

static void *loop(void *arg)
{
    yoda_engine *engine = arg;
    bool failed = false, whole = false;
    while (wait_round(engine, failed, &whole)) {
        yoda_error err = {0};
        struct call *call = &engine->background.call;
        call->begin_ns = os_monotonic_ns();
        yoda_status status = round_of_work(engine, whole, call, &err);
        failed = status != YODA_OK;
        if (failed && status != YODA_INTERRUPTED && status != YODA_BUSY)
            engine_note_error(engine, &err);
    }
    return NULL;
}

yoda_status sync_loop_start(yoda_engine *engine, yoda_error *err)
{
    if (!engine->options.columnar)
        return YODA_OK;
    TRY(thread_start(&engine->background.thread, "yoda-sync", loop, engine, err));
    engine->background.running = true;
    return YODA_OK;
}

static void raise_flag(struct background *b, bool *flag)
{
    pthread_mutex_lock(&b->mutex);
    *flag = true;
    pthread_cond_signal(&b->cond);
    pthread_mutex_unlock(&b->mutex);
}

void sync_loop_wake(yoda_engine *engine)
{
    raise_flag(&engine->background, &engine->background.wanted);
}

void sync_loop_tend(yoda_engine *engine)
{
    if (store_maintenance_is_due(engine->columns.store) ||
        (engine->columns.directory && checkpointer_due(engine)))
        raise_flag(&engine->background, &engine->background.tend);
}

void sync_loop_stop(yoda_engine *engine)
{
    struct background *b = &engine->background;
    if (!b->running)
        return;
    pthread_mutex_lock(&b->mutex);
    b->stop = true;
    pthread_cond_signal(&b->cond);
    pthread_mutex_unlock(&b->mutex);
    calls_cancel_one(&engine->calls, &b->call);
    engine_cancel(engine, false);
    pthread_join(b->thread, NULL);
    b->running = false;
}

/* ---- yoda_sync ------------------------------------------------------------------------------- */

/* Requires the sync lease. */
static void tell(yoda_engine *engine, yoda_sync_stats *stats)
{
    *stats = engine->columns.untold;
    stats->last_seq = capture_watermark(engine->columns.capture);
    engine->columns.untold = (yoda_sync_stats){0};
}

static yoda_status sync_now(yoda_engine *engine, struct call *call, yoda_sync_stats *stats,
                            yoda_error *err)
{
    TRY(freshness_lock(engine, call, err));
    yoda_status status = owner_try(engine, err);
    if (status == YODA_OK && owner_is(engine))
        status = freshness_sync(engine, err);
    if (status == YODA_OK && owner_is(engine) && stats)
        tell(engine, stats);
    freshness_unlock(engine);
    return status;
}

yoda_status sync_loop_run(yoda_engine *engine, struct call *call, yoda_sync_stats *stats,
                          yoda_error *err)
{
    yoda_status status = sync_now(engine, call, stats, err);
    if (status == YODA_OK && owner_is(engine)) {
        status = table_repair_schemas(engine, call, true, err);
        if (status == YODA_OK && atomic_load(&engine->columns.unfinished))
            status = copy_all(engine, call, err);
        if (status == YODA_OK && atomic_load(&call->cancel))
            status = fail(err, YODA_INTERRUPTED, "interrupted");
        if (status == YODA_OK && !engine->columns.directory)
            status =
                checkpointer_prune_memory(engine, call, false, stats ? &stats->pruned : NULL, err);
    }
    if (status != YODA_OK && stats)
        *stats = (yoda_sync_stats){0};
    return status;
}

/* Nothing to set right, and no part of the work is the writer's? */
static bool is_settled(yoda_engine *engine)
{
    const struct columns *columns = &engine->columns;
    return owner_is(engine) && columns->directory && !atomic_load(&columns->pending) &&
           !atomic_load(&columns->unfinished);
}

bool sync_loop_run_inline(yoda_engine *engine, struct call *call, int64_t until_ns,
                          yoda_sync_stats *stats)
{
    if (!is_settled(engine) || !freshness_try_lock(engine, call))
        return false;
    bool done = freshness_sync_by(engine, until_ns, NULL) == YODA_OK && is_settled(engine);
    if (done)
        tell(engine, stats);
    freshness_unlock(engine);
    return done;
}
