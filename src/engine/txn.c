/*
 * txn.c -- yoda_txn: the write connection, leased from BEGIN IMMEDIATE to COMMIT or ROLLBACK.
 *
 * Between its calls nobody is inside the engine, yet the lease is held. SQLite may end a
 * transaction by itself (a full disk, an interrupted write); the handle then only waits to be
 * freed. The handle keeps the engine's memory alive, so that it can say YODA_CLOSED after a
 * yoda_close.
 */
#include "engine/api.h"

struct yoda_txn {
    yoda_engine *engine; /* a reference */
};

static yoda_status enter(yoda_txn *txn, struct call *call, yoda_error *err)
{
    if (!txn)
        return fail(err, YODA_MISUSE, "the transaction is NULL");
    TRY(api_enter(txn->engine, call, err));
    calls_bind(&txn->engine->calls, &txn->engine->calls.writer, call);
    return YODA_OK;
}

static yoda_status leave(yoda_engine *engine, struct call *call, yoda_status status)
{
    calls_unbind(&engine->calls, &engine->calls.writer);
    return api_leave(engine, call, status);
}

static yoda_status check_open(yoda_txn *txn, yoda_error *err)
{
    if (!conn_in_transaction(txn->engine->writer.conn))
        return fail(err, YODA_CONFLICT, "the transaction has ended: it was rolled back");
    return YODA_OK;
}

/*
 * An open transaction locks a memory file against every reader, the capture too: bring the columns
 * up to date first, so that they can answer while it is open. Failure only costs that.
 */
static void sync_memory_file(yoda_engine *engine, struct call *call)
{
    bool current = true;
    if (engine->real_path || !owner_is(engine) || freshness_lock(engine, call, NULL) != YODA_OK)
        return;
    yoda_status status = freshness_is_current(engine, &current, NULL);
    if (status == YODA_OK && !current)
        status = freshness_sync(engine, NULL, NULL);
    YODA_UNUSED(status);
    freshness_unlock(engine);
}

static yoda_status begin(yoda_engine *engine, struct call *call, yoda_txn **out, yoda_error *err)
{
    yoda_txn *txn = mem_calloc(1, sizeof *txn);
    if (!txn)
        return fail_nomem(err, sizeof *txn);
    yoda_status status = writer_acquire(engine, call, err);
    if (status == YODA_OK) {
        sync_memory_file(engine, call);
        status = conn_begin(engine->writer.conn, true, err);
        if (status != YODA_OK)
            writer_release(engine);
    }
    if (status != YODA_OK) {
        mem_free(txn);
        return status;
    }
    calls_unbind(&engine->calls, &engine->calls.writer);
    atomic_fetch_add(&engine->refs, 1);
    txn->engine = engine;
    *out = txn;
    return YODA_OK;
}

yoda_status yoda_begin(yoda_engine *engine, yoda_txn **out, yoda_error *err)
{
    struct call call;
    if (!out)
        return fail(err, YODA_MISUSE, "out is NULL");
    *out = NULL;
    TRY(api_enter(engine, &call, err));
    return api_leave(engine, &call, begin(engine, &call, out, err));
}

yoda_status yoda_txn_execute(yoda_txn *txn, const char *sql, const yoda_params *params,
                             int64_t *changes, yoda_error *err)
{
    struct call call;
    int64_t ignored, *count = changes ? changes : &ignored;
    *count = 0;
    if (!sql)
        return fail(err, YODA_MISUSE, "sql is NULL");
    TRY(enter(txn, &call, err));
    yoda_status status = check_open(txn, err);
    if (status == YODA_OK)
        status = writer_run(txn->engine, sql, params, count, err);
    if (status == YODA_OK && !conn_in_transaction(txn->engine->writer.conn))
        status = fail(err, YODA_MISUSE,
                      "the statement ended the transaction: use yoda_commit or "
                      "yoda_rollback");
    return leave(txn->engine, &call, status);
}

static yoda_status query(yoda_txn *txn, struct call *call, const char *sql,
                         const yoda_params *params, yoda_result **out, yoda_error *err)
{
    yoda_result *result = NULL;
    TRY(check_open(txn, err));
    TRY(result_create(txn->engine->core, &result, err));
    result_set_route(result, YODA_SIDE_ROW, "inside a transaction");
    yoda_status status = query_on_connection(txn->engine->writer.conn, sql, params, result, err);
    if (status != YODA_OK) {
        yoda_result_close(result);
        return status;
    }
    result->info.elapsed_ns = os_monotonic_ns() - call->begin_ns;
    *out = result;
    return YODA_OK;
}

yoda_status yoda_txn_query(yoda_txn *txn, const char *sql, const yoda_params *params,
                           yoda_result **out, yoda_error *err)
{
    struct call call;
    if (!out || !sql)
        return fail(err, YODA_MISUSE, "%s is NULL", out ? "sql" : "out");
    *out = NULL;
    TRY(enter(txn, &call, err));
    return leave(txn->engine, &call, query(txn, &call, sql, params, out, err));
}

/* Requires the lease bound to a call. */
static yoda_status finish(yoda_txn *txn, bool commit, yoda_error *err)
{
    yoda_status status = commit ? check_open(txn, err) : YODA_OK;
    if (commit && status == YODA_OK)
        return conn_commit(txn->engine->writer.conn, err);
    conn_roll_back(txn->engine->writer.conn);
    return status;
}

static yoda_status end(yoda_txn *txn, bool commit, yoda_error *err)
{
    struct call call;
    yoda_status status = txn ? api_enter(txn->engine, &call, err)
                             : fail(err, YODA_MISUSE, "the transaction is NULL");
    if (!txn || status == YODA_FORKED)
        return status;
    yoda_engine *engine = txn->engine;
    if (status == YODA_OK) {
        calls_bind(&engine->calls, &engine->calls.writer, &call);
        status = finish(txn, commit, err);
        writer_show_schema(engine);
        writer_release(engine);
        status = api_leave(engine, &call, status);
    }
    mem_free(txn);
    engine_release(engine);
    return status;
}

yoda_status yoda_commit(yoda_txn *txn, yoda_error *err)
{
    return end(txn, true, err);
}

yoda_status yoda_rollback(yoda_txn *txn, yoda_error *err)
{
    return end(txn, false, err);
}
