/* status_report.c -- yoda_status_get: one look at the store, the counters and the log's head. */
#include "engine/engine.h"

#include <string.h>

/* The newest log entry of the file. The log may be absent, or the file busy: then what is known. */
static yoda_status read_log_head(yoda_engine *engine, struct call *call, int64_t *head,
                                 yoda_error *err)
{
    struct conn *conn = NULL;
    int64_t known = *head;
    TRY(call_check(call, err));
    TRY(read_pool_lease(engine->readers, &call->cancel, &conn, err));
    if (conn_query_int(conn, "SELECT max(seq) FROM _yoda_log", known, head, NULL) != YODA_OK)
        *head = known;
    read_pool_return(engine->readers, conn);
    return YODA_OK;
}

static void fill_columns(yoda_engine *engine, yoda_engine_status *s)
{
    struct store_totals totals = {0};
    struct snapshot snapshot;
    store_totals_get(engine->columns.store, &totals);
    store_acquire(engine->columns.store, &snapshot);
    s->watermark = snapshot.version->watermark;
    store_release(engine->columns.store, &snapshot);
    s->durable_watermark = atomic_load(&engine->checkpoints.durable_watermark);
    s->tables = totals.tables;
    s->segments = totals.segments;
    s->rows = totals.rows;
    s->deleted_rows = totals.deleted_rows;
    s->bytes_memory = totals.bytes_memory;
    s->bytes_disk = totals.bytes_disk;
}

static void fill_counters(yoda_engine *engine, yoda_engine_status *s)
{
    struct engine_counters *c = &engine->counters;
    s->syncs = atomic_load(&c->syncs);
    s->failed_syncs = atomic_load(&c->failed_syncs);
    s->checkpoints = atomic_load(&c->checkpoints);
    s->compactions = atomic_load(&c->compactions);
    s->rebuilds = atomic_load(&c->rebuilds);
    pthread_mutex_lock(&engine->message_mutex);
    memcpy(s->last_error, engine->last_error, sizeof s->last_error);
    pthread_mutex_unlock(&engine->message_mutex);
}

yoda_status status_report(yoda_engine *engine, struct call *call, yoda_engine_status *out,
                          yoda_error *err)
{
    size_t size = out->size < sizeof *out ? out->size : sizeof *out;
    yoda_engine_status s = {.size = out->size, .owner = owner_is(engine)};
    if (s.owner)
        fill_columns(engine, &s);
    s.log_head = s.watermark;
    TRY(read_log_head(engine, call, &s.log_head, err));
    if (s.owner && s.log_head > s.watermark) {
        s.lag_events = (uint64_t)(s.log_head - s.watermark);
        s.lag_ms = freshness_age_ms(engine, os_monotonic_ns());
    }
    fill_counters(engine, &s);
    memcpy(out, &s, size);
    return YODA_OK;
}
