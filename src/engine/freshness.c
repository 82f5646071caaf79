/*
 * freshness.c -- bringing the newest version to within max_staleness_ms of a query's beginning.
 *
 * as_of_ns is a time such that everything committed before it is in the newest version: the begin
 * of the last sync, or of the last look that found nothing new. A query that needs the state of
 * time t is served without any work when as_of_ns >= t; else it looks (one PRAGMA), and syncs when
 * the look says so. Many queries that wait for the lease at once are served by the first one's
 * sync.
 */
#include "engine/engine.h"

yoda_status freshness_lock(yoda_engine *engine, struct call *call, yoda_error *err)
{
    TRY(lease_acquire(&engine->columns.sync, &call->cancel, call_wait_ms(call, -1), err));
    calls_bind(&engine->calls, &engine->calls.capture, call);
    return YODA_OK;
}

bool freshness_try_lock(yoda_engine *engine, struct call *call)
{
    if (!lease_try(&engine->columns.sync))
        return false;
    calls_bind(&engine->calls, &engine->calls.capture, call);
    return true;
}

void freshness_unlock(yoda_engine *engine)
{
    calls_unbind(&engine->calls, &engine->calls.capture);
    lease_release(&engine->columns.sync);
}

struct catalog_view *freshness_view(yoda_engine *engine)
{
    pthread_mutex_lock(&engine->columns.view_mutex);
    struct catalog_view *view = catalog_view_acquire(engine->columns.view);
    pthread_mutex_unlock(&engine->columns.view_mutex);
    return view;
}

static void note_states(struct columns *columns)
{
    bool unfinished = false;
    for (size_t i = 0; i < capture_mirror_count(columns->capture); i++)
        unfinished |= capture_mirror(columns->capture, i)->state == MIRROR_COPYING;
    atomic_store(&columns->unfinished, unfinished);
    atomic_store(&columns->pending, capture_pending(columns->capture));
}

const char *freshness_known_route(yoda_engine *engine, const char *sql, size_t size)
{
    struct columns *columns = &engine->columns;
    uint64_t hash = route_memo_hash(sql, size);
    pthread_mutex_lock(&columns->view_mutex);
    const char *reason = route_memo_find(&columns->memo, columns->view->signature, hash, sql, size);
    pthread_mutex_unlock(&columns->view_mutex);
    return reason;
}

void freshness_note_route(yoda_engine *engine, const struct catalog_view *view, const char *sql,
                          const char *reason)
{
    struct route_memo_entry entry;
    if (!route_memo_entry_init(&entry, view->signature, sql, reason))
        return;
    pthread_mutex_lock(&engine->columns.view_mutex);
    route_memo_put(&engine->columns.memo, &entry);
    pthread_mutex_unlock(&engine->columns.view_mutex);
    route_memo_entry_deinit(&entry);
}

yoda_status freshness_publish_view(yoda_engine *engine, yoda_error *err)
{
    struct columns *columns = &engine->columns;
    note_states(columns);
    if (columns->view->signature == catalog_view_signature(columns->capture))
        return YODA_OK;
    struct catalog_view *view = NULL;
    TRY(catalog_view_create(columns->capture, &view, err));
    pthread_mutex_lock(&columns->view_mutex);
    struct catalog_view *old = columns->view;
    columns->view = view;
    pthread_mutex_unlock(&columns->view_mutex);
    catalog_view_release(old);
    return YODA_OK;
}

yoda_status freshness_sync(yoda_engine *engine, yoda_error *err)
{
    struct columns *columns = &engine->columns;
    yoda_error local = {0};
    ASSERT(owner_is(engine));
    uint64_t commits = atomic_load(&engine->writer.commits);
    uint64_t events = columns->untold.events_processed;
    int64_t begin_ns = os_monotonic_ns();
    yoda_status status = capture_sync(columns->capture, &columns->untold, &local);
    events = columns->untold.events_processed - events;
    if (status == YODA_OK && events > 0)
        sync_estimate_note(&columns->estimate, events, os_monotonic_ns() - begin_ns);
    atomic_fetch_add(status == YODA_OK ? &engine->counters.syncs : &engine->counters.failed_syncs,
                     1);
    if (status != YODA_OK && status != YODA_INTERRUPTED)
        engine_note_error(engine, &local);
    yoda_status published = freshness_publish_view(engine, status == YODA_OK ? &local : NULL);
    if (status == YODA_OK)
        status = published;
    if (status == YODA_OK && events > 0)
        sync_loop_tend(engine);
    if (status == YODA_OK) { /* the view first: who finds the time new enough takes the view */
        atomic_store(&columns->as_of_commits, commits);
        atomic_store(&columns->as_of_ns, begin_ns);
    }
    if (status != YODA_OK && err)
        *err = local;
    return status;
}

void freshness_look(yoda_engine *engine, struct call *call)
{
    struct catalog_view *view = freshness_view(engine);
    bool wanted = owner_is(engine) && view->table_count > 0;
    catalog_view_release(view);
    if (!wanted || freshness_lock(engine, call, NULL) != YODA_OK)
        return;
    yoda_status ignored = capture_look(engine->columns.capture, NULL);
    ignored = freshness_publish_view(engine, NULL);
    YODA_UNUSED(ignored);
    freshness_unlock(engine);
}

/* A memory file can only be changed by the write connection, and asking SQLite would have to wait
 * for an open transaction: count instead. */
yoda_status freshness_is_current(yoda_engine *engine, bool *current, yoda_error *err)
{
    struct columns *columns = &engine->columns;
    if (engine->real_path)
        return capture_is_current(columns->capture, current, err);
    *current = atomic_load(&columns->as_of_commits) == atomic_load(&engine->writer.commits);
    return YODA_OK;
}

/* The time whose commits must be in the version; INT64_MIN: any version will do. */
static int64_t needed_time(const struct call *call, int64_t max_staleness_ms)
{
    if (max_staleness_ms == YODA_STALENESS_ANY || max_staleness_ms > call->begin_ns / 1000000)
        return INT64_MIN;
    ASSERT(max_staleness_ms >= 0);
    return call->begin_ns - max_staleness_ms * 1000000;
}

int64_t freshness_wait_ns(yoda_engine *engine, const struct call *call, int64_t max_staleness_ms)
{
    struct columns *columns = &engine->columns;
    bool current = false;
    if (atomic_load(&columns->as_of_ns) >= needed_time(call, max_staleness_ms))
        return 0;
    if (freshness_is_current(engine, &current, NULL) == YODA_OK && current)
        return 0;
    /* a memory file's log cannot be read beside an open transaction */
    uint64_t events = engine->real_path ? capture_pending_events(columns->capture) : 0;
    return sync_estimate_ns(&columns->estimate, events);
}

yoda_status freshness_sync_by(yoda_engine *engine, int64_t until_ns, yoda_error *err)
{
    struct columns *columns = &engine->columns;
    if (until_ns == 0)
        return freshness_sync(engine, err);
    if (!engine->real_path)
        return fail(err, YODA_BUSY, "a transaction may be open");
    int64_t wait_ns =
        sync_estimate_ns(&columns->estimate, capture_pending_events(columns->capture));
    if (os_monotonic_ns() + wait_ns > until_ns)
        return fail(err, YODA_BUSY, "it is estimated to take longer");
    return freshness_sync(engine, err);
}

static yoda_status lock_by(yoda_engine *engine, struct call *call, int64_t until_ns,
                           yoda_error *err)
{
    if (until_ns == 0)
        return freshness_lock(engine, call, err);
    return freshness_try_lock(engine, call) ? YODA_OK : fail(err, YODA_BUSY, "another one runs");
}

static yoda_status refresh(yoda_engine *engine, int64_t until_ns, yoda_error *err)
{
    bool current = false;
    int64_t begin_ns = os_monotonic_ns();
    TRY(freshness_is_current(engine, &current, err));
    if (!current)
        return freshness_sync_by(engine, until_ns, err);
    atomic_store(&engine->columns.as_of_ns, begin_ns);
    return YODA_OK;
}

yoda_status freshness_ensure(yoda_engine *engine, struct call *call, int64_t max_staleness_ms,
                             int64_t until_ns, yoda_error *err)
{
    struct columns *columns = &engine->columns;
    int64_t needed_ns = needed_time(call, max_staleness_ms);
    if (atomic_load(&columns->as_of_ns) >= needed_ns)
        return YODA_OK;
    TRY(lock_by(engine, call, until_ns, err));
    yoda_status status = YODA_OK;
    if (atomic_load(&columns->as_of_ns) < needed_ns)
        status = refresh(engine, until_ns, err);
    freshness_unlock(engine);
    return status;
}

int64_t freshness_age_ms(yoda_engine *engine, int64_t time_ns)
{
    int64_t as_of_ns = atomic_load(&engine->columns.as_of_ns);
    int64_t age_ns = time_ns - (as_of_ns ? as_of_ns : engine->opened_ns);
    return age_ns > 0 ? (age_ns + 999999) / 1000000 : 0;
}
