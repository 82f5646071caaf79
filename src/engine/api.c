/*
 * api.c -- the entry points of yoda.h: check the handle, register the call, do it, leave.
 *
 * A process id compared at each entry is the fork check: it needs no handler that would outlive a
 * dlclose, and costs less than a lock.
 */
#include "engine/api.h"

#include "base/cpu.h"
#include "engine/ingest.h"
#include "oltp/sqlite_conn.h"

#include <stdio.h>
#include <unistd.h>

static char version_text[128];

static void write_version(void)
{
    snprintf(version_text, sizeof version_text, "%s (SQLite %s, %s)", YODA_VERSION,
             sqlite_version_text(), cpu_isa_name(cpu_isa_chosen()));
}

const char *yoda_version(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, write_version);
    return version_text;
}

yoda_status api_check(const yoda_engine *engine, yoda_error *err)
{
    if (!engine)
        return fail(err, YODA_MISUSE, "the engine is NULL");
    if (engine->pid != getpid())
        return fail(err, YODA_FORKED,
                    "the handle was opened by the parent process: open the file afresh");
    return YODA_OK;
}

yoda_status api_enter(yoda_engine *engine, struct call *call, yoda_error *err)
{
    TRY(api_check(engine, err));
    return calls_enter(&engine->calls, call, err);
}

yoda_status api_leave(yoda_engine *engine, struct call *call, yoda_status status)
{
    calls_leave(&engine->calls, call);
    return status;
}

yoda_status yoda_open(const char *path, const yoda_option *options, size_t count, yoda_engine **out,
                      yoda_error *err)
{
    if (!out)
        return fail(err, YODA_MISUSE, "out is NULL");
    *out = NULL;
    if (!path || !path[0])
        return fail(err, YODA_MISUSE, "the path is empty: name a file, or \":memory:\"");
    if (count > 0 && !options)
        return fail(err, YODA_MISUSE, "options is NULL but count is not 0");
    return engine_open(path, options, count, out, err);
}

yoda_status yoda_shutdown(yoda_engine *engine, yoda_error *err)
{
    TRY(api_check(engine, err));
    return engine_shutdown(engine, err);
}

void yoda_close(yoda_engine *engine)
{
    if (api_check(engine, NULL) != YODA_OK)
        return; /* in a forked child everything belongs to the parent */
    yoda_status ignored = engine_shutdown(engine, NULL);
    YODA_UNUSED(ignored);
    dispatch_join_closer(engine);
    engine_release(engine);
}

void yoda_interrupt(yoda_engine *engine)
{
    if (api_check(engine, NULL) == YODA_OK)
        engine_cancel(engine, true);
}

yoda_status yoda_execute(yoda_engine *engine, const char *sql, const yoda_params *params,
                         int64_t *changes, yoda_error *err)
{
    struct call call;
    int64_t ignored, *count = changes ? changes : &ignored;
    *count = 0;
    if (!sql)
        return fail(err, YODA_MISUSE, "sql is NULL");
    TRY(api_enter(engine, &call, err));
    return api_leave(engine, &call, writer_execute(engine, &call, sql, params, count, err));
}

yoda_status yoda_execute_batch(yoda_engine *engine, const char *const *sql, size_t count,
                               int64_t *changes, yoda_error *err)
{
    struct call call;
    int64_t ignored, *total = changes ? changes : &ignored;
    *total = 0;
    if (count > 0 && !sql)
        return fail(err, YODA_MISUSE, "sql is NULL");
    TRY(api_enter(engine, &call, err));
    return api_leave(engine, &call, writer_execute_batch(engine, &call, sql, count, total, err));
}

yoda_status yoda_execute_many(yoda_engine *engine, const char *sql, const yoda_params *rows,
                              size_t count, int64_t *changes, yoda_error *err)
{
    struct call call;
    int64_t ignored, *total = changes ? changes : &ignored;
    *total = 0;
    if (!sql || (count > 0 && !rows))
        return fail(err, YODA_MISUSE, "%s is NULL", sql ? "rows" : "sql");
    TRY(api_enter(engine, &call, err));
    return api_leave(engine, &call,
                     writer_execute_many(engine, &call, sql, rows, count, total, err));
}

/* Options of a caller compiled against an earlier or later header. */
static yoda_status read_query_options(const yoda_query_options *in, yoda_query_options *out,
                                      yoda_error *err)
{
    *out = (yoda_query_options)YODA_QUERY_OPTIONS_INIT;
    if (!in)
        return YODA_OK;
    if (in->size < offsetof(yoda_query_options, timeout_ms))
        return fail(err, YODA_MISUSE, "options.size is %zu: use YODA_QUERY_OPTIONS_INIT", in->size);
    memcpy(out, in, in->size < sizeof *out ? in->size : sizeof *out);
    if ((unsigned)out->side > YODA_SIDE_ROW)
        return fail(err, YODA_MISUSE, "options.side is %d", (int)out->side);
    if (out->max_staleness_ms < YODA_STALENESS_ANY || out->timeout_ms < 0)
        return fail(err, YODA_MISUSE, "options: a time is negative");
    return YODA_OK;
}

yoda_status yoda_query(yoda_engine *engine, const char *sql, const yoda_params *params,
                       const yoda_query_options *options, yoda_result **out, yoda_error *err)
{
    struct call call;
    yoda_query_options chosen;
    if (!out || !sql)
        return fail(err, YODA_MISUSE, "%s is NULL", out ? "sql" : "out");
    *out = NULL;
    TRY(read_query_options(options, &chosen, err));
    TRY(api_enter(engine, &call, err));
    return api_leave(engine, &call, query_run(engine, &call, sql, params, &chosen, out, err));
}

yoda_status yoda_explain(yoda_engine *engine, const char *sql, yoda_result **out, yoda_error *err)
{
    struct call call;
    if (!out || !sql)
        return fail(err, YODA_MISUSE, "%s is NULL", out ? "sql" : "out");
    *out = NULL;
    TRY(api_enter(engine, &call, err));
    return api_leave(engine, &call, query_explain(engine, &call, sql, out, err));
}

yoda_status yoda_ingest(yoda_engine *engine, const char *table, struct ArrowArrayStream *stream,
                        yoda_ingest_mode mode, int64_t *rows, yoda_error *err)
{
    struct call call;
    struct ingest_request request = {table, stream, mode};
    int64_t ignored, *count = rows ? rows : &ignored;
    *count = 0;
    yoda_status status = ingest_check(table, stream, mode, err);
    if (status == YODA_OK)
        status = api_enter(engine, &call, err);
    if (status == YODA_OK)
        status = api_leave(engine, &call, ingest_run(engine, &call, &request, count, err));
    ingest_release(stream);
    return status;
}

yoda_status yoda_register_table(yoda_engine *engine, const char *table,
                                const yoda_table_schema *schema, yoda_error *err)
{
    struct call call;
    if (!table)
        return fail(err, YODA_MISUSE, "table is NULL");
    TRY(api_enter(engine, &call, err));
    return api_leave(engine, &call, table_register(engine, &call, table, schema, err));
}

yoda_status yoda_unregister_table(yoda_engine *engine, const char *table, yoda_error *err)
{
    struct call call;
    if (!table)
        return fail(err, YODA_MISUSE, "table is NULL");
    TRY(api_enter(engine, &call, err));
    return api_leave(engine, &call, table_unregister(engine, &call, table, err));
}

yoda_status yoda_sync(yoda_engine *engine, yoda_sync_stats *stats, yoda_error *err)
{
    struct call call;
    yoda_sync_stats ignored, *out = stats ? stats : &ignored;
    *out = (yoda_sync_stats){0};
    TRY(api_enter(engine, &call, err));
    return api_leave(engine, &call, sync_loop_run(engine, &call, out, err));
}

yoda_status yoda_checkpoint(yoda_engine *engine, yoda_error *err)
{
    struct call call;
    TRY(api_enter(engine, &call, err));
    return api_leave(engine, &call, checkpointer_run(engine, &call, err));
}

yoda_status yoda_verify(yoda_engine *engine, const char *table, unsigned flags,
                        yoda_verify_report *report, yoda_error *err)
{
    struct call call;
    yoda_verify_report ignored, *out = report ? report : &ignored;
    *out = (yoda_verify_report){0};
    if (flags & ~YODA_VERIFY_REPAIR)
        return fail(err, YODA_MISUSE, "unknown flags %u", flags);
    TRY(api_enter(engine, &call, err));
    return api_leave(engine, &call, verify_run(engine, &call, table, flags, out, err));
}

yoda_status yoda_status_get(yoda_engine *engine, yoda_engine_status *out, yoda_error *err)
{
    struct call call;
    if (!out || out->size < offsetof(yoda_engine_status, watermark))
        return fail(err, YODA_MISUSE, "set out->size to sizeof(yoda_engine_status)");
    TRY(api_check(engine, err));
    yoda_status status = calls_enter(&engine->calls, &call, NULL);
    if (status == YODA_CLOSED) { /* the one question a closed engine answers */
        out->closed = true;
        out->owner = false;
        return YODA_OK;
    }
    return api_leave(engine, &call, status_report(engine, &call, out, err));
}

yoda_status yoda_inspect(yoda_engine *engine, yoda_inspect_kind kind, const char *table,
                         yoda_result **out, yoda_error *err)
{
    struct call call;
    if (!out)
        return fail(err, YODA_MISUSE, "out is NULL");
    *out = NULL;
    TRY(api_enter(engine, &call, err));
    return api_leave(engine, &call, inspect_run(engine, &call, kind, table, out, err));
}

void yoda_set_progress(yoda_engine *engine, yoda_progress_fn fn, void *context)
{
    if (api_check(engine, NULL) != YODA_OK)
        return;
    pthread_mutex_lock(&engine->message_mutex);
    engine->progress = fn;
    engine->progress_context = context;
    pthread_mutex_unlock(&engine->message_mutex);
}
