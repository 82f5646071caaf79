/*
 * txn.c -- yoda_txn: the write connection, leased from BEGIN IMMEDIATE to COMMIT or ROLLBACK.
 *
 * Between its calls nobody is inside the engine, yet the lease is held. SQLite may end a
 * transaction by itself (a full disk, an interrupted write); the handle then only waits to be
 * freed. The handle keeps the engine's memory alive, so that it can say YODA_CLOSED after a
 * yoda_close.
 */
#include "engine/txn.h"

#include "engine/api.h"

#include <stdio.h>
#include <string.h>

struct yoda_txn {
    _Atomic uint32_t refs;
    yoda_engine *engine; /* a reference */
    pthread_mutex_t mutex;
    bool ended; /* the lease was given back; with the mutex */
};

yoda_txn *txn_acquire(yoda_txn *txn)
{
    uint32_t before = atomic_fetch_add_explicit(&txn->refs, 1, memory_order_relaxed);
    ASSERT(before > 0);
    YODA_UNUSED(before);
    return txn;
}

void txn_release(yoda_txn *txn)
{
    uint32_t before = atomic_fetch_sub_explicit(&txn->refs, 1, memory_order_acq_rel);
    ASSERT(before > 0);
    if (before > 1)
        return;
    yoda_engine *engine = txn->engine;
    pthread_mutex_destroy(&txn->mutex);
    mem_free(txn);
    engine_release(engine);
}

yoda_engine *txn_engine(const yoda_txn *txn)
{
    return txn->engine;
}

static yoda_status lock(yoda_txn *txn, struct call *call, yoda_error *err)
{
    struct calls *calls = &txn->engine->calls;
    pthread_mutex_lock(&txn->mutex);
    if (txn->ended) {
        pthread_mutex_unlock(&txn->mutex);
        return fail(err, YODA_CONFLICT, "the transaction has ended");
    }
    calls_bind(calls, &calls->writer, call);
    return YODA_OK;
}

static void unlock(yoda_txn *txn)
{
    calls_unbind(&txn->engine->calls, &txn->engine->calls.writer);
    pthread_mutex_unlock(&txn->mutex);
}

static yoda_status check_open(yoda_txn *txn, yoda_error *err)
{
    if (!conn_in_transaction(txn->engine->writer.conn))
        return fail(err, YODA_CONFLICT, "the transaction has ended: it was rolled back");
    return YODA_OK;
}

/* ---- Begin ----------------------------------------------------------------------------------- */

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
        status = freshness_sync(engine, NULL);
    YODA_UNUSED(status);
    freshness_unlock(engine);
}

static yoda_status begin(yoda_engine *engine, struct call *call, yoda_error *err)
{
    TRY(writer_acquire(engine, call, err));
    sync_memory_file(engine, call);
    yoda_status status = conn_begin(engine->writer.conn, true, err);
    if (status == YODA_OK)
        calls_unbind(&engine->calls, &engine->calls.writer);
    else
        writer_release(engine);
    return status;
}

yoda_status txn_begin(yoda_engine *engine, struct call *call, yoda_txn **out, yoda_error *err)
{
    yoda_txn *txn = mem_calloc(1, sizeof *txn);
    if (!txn)
        return fail_nomem(err, sizeof *txn);
    yoda_status status = begin(engine, call, err);
    if (status != YODA_OK) {
        mem_free(txn);
        return status;
    }
    atomic_fetch_add(&engine->refs, 1);
    atomic_init(&txn->refs, 1);
    pthread_mutex_init(&txn->mutex, NULL);
    txn->engine = engine;
    *out = txn;
    return YODA_OK;
}

/* ---- Statements ------------------------------------------------------------------------------ */

/* A statement should not end the transaction, but some errors make SQLite do so. */
static yoda_status check_still_open(yoda_txn *txn, yoda_status status, yoda_error *err)
{
    if (conn_in_transaction(txn->engine->writer.conn))
        return status;
    if (status == YODA_OK)
        return fail(err, YODA_MISUSE,
                    "the statement ended the transaction: use yoda_commit or yoda_rollback");
    size_t used = err ? strlen(err->message) : 0;
    if (err)
        snprintf(err->message + used, sizeof err->message - used, "; the transaction has ended");
    return status;
}

yoda_status txn_execute(yoda_txn *txn, struct call *call, const char *sql,
                        const yoda_params *params, int64_t *changes, yoda_error *err)
{
    TRY(lock(txn, call, err));
    yoda_status status = check_open(txn, err);
    if (status == YODA_OK) {
        status = writer_run(txn->engine, sql, params, changes, err);
        status = check_still_open(txn, status, err);
    }
    unlock(txn);
    return status;
}

yoda_status txn_execute_many(yoda_txn *txn, struct call *call, const char *sql,
                             const yoda_params *rows, size_t count, int64_t *changes,
                             yoda_error *err)
{
    struct writer_batch batch = {.sql = &sql, .rows = rows, .count = count};
    bool kept = true;
    TRY(lock(txn, call, err));
    yoda_status status = check_open(txn, err);
    if (status == YODA_OK) {
        status = writer_batch_savepoint(txn->engine, &batch, changes, &kept, err);
        if (!kept) /* some of the rows may be in it */
            conn_roll_back(txn->engine->writer.conn);
        if (!kept && status == YODA_OK)
            status = fail(err, YODA_CONFLICT, "the savepoint around the rows was lost");
        status = check_still_open(txn, status, err);
    }
    unlock(txn);
    return status;
}

static yoda_status query(yoda_txn *txn, struct call *call, const char *sql,
                         const yoda_params *params, yoda_result **out, yoda_error *err)
{
    yoda_result *result = NULL;
    TRY(check_open(txn, err));
    TRY(result_create(txn->engine->core, &result, err));
    result_set_rule(result, YODA_SIDE_ROW, "inside a transaction");
    struct conn *conn = txn->engine->writer.conn;
    yoda_status status = query_on_connection(conn, sql, params, true, result, err);
    txn->engine->writer.last_rowid = conn_last_rowid(conn);
    status = check_still_open(txn, status, err);
    if (status != YODA_OK) {
        yoda_result_close(result);
        return status;
    }
    result->info.elapsed_ns = os_monotonic_ns() - call->begin_ns;
    *out = result;
    return YODA_OK;
}

yoda_status txn_query(yoda_txn *txn, struct call *call, const char *sql, const yoda_params *params,
                      yoda_result **out, yoda_error *err)
{
    TRY(lock(txn, call, err));
    yoda_status status = query(txn, call, sql, params, out, err);
    unlock(txn);
    return status;
}

/* ---- End ------------------------------------------------------------------------------------- */

/* Requires the lease bound to a call. */
static yoda_status finish(yoda_txn *txn, bool commit, yoda_error *err)
{
    yoda_status status = commit ? check_open(txn, err) : YODA_OK;
    if (commit && status == YODA_OK)
        return conn_commit(txn->engine->writer.conn, err);
    conn_roll_back(txn->engine->writer.conn);
    return status;
}

yoda_status txn_end(yoda_txn *txn, struct call *call, bool commit, yoda_error *err)
{
    TRY(lock(txn, call, err));
    yoda_status status = finish(txn, commit, err);
    writer_show_schema(txn->engine);
    txn->ended = true;
    writer_release(txn->engine);
    pthread_mutex_unlock(&txn->mutex);
    return status;
}

/* ---- The public calls ------------------------------------------------------------------------ */

static yoda_status enter(yoda_txn *txn, struct call *call, yoda_error *err)
{
    if (!txn)
        return fail(err, YODA_MISUSE, "the transaction is NULL");
    return api_enter(txn->engine, call, err);
}

yoda_status yoda_begin(yoda_engine *engine, yoda_txn **out, yoda_error *err)
{
    struct call call;
    if (!out)
        return fail(err, YODA_MISUSE, "out is NULL");
    *out = NULL;
    TRY(api_enter(engine, &call, err));
    return api_leave(engine, &call, txn_begin(engine, &call, out, err));
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
    return api_leave(txn->engine, &call, txn_execute(txn, &call, sql, params, count, err));
}

yoda_status yoda_txn_execute_many(yoda_txn *txn, const char *sql, const yoda_params *rows,
                                  size_t count, int64_t *changes, yoda_error *err)
{
    struct call call;
    int64_t ignored, *changed = changes ? changes : &ignored;
    *changed = 0;
    if (!sql || (count > 0 && !rows))
        return fail(err, YODA_MISUSE, "%s is NULL", sql ? "rows" : "sql");
    TRY(enter(txn, &call, err));
    return api_leave(txn->engine, &call,
                     txn_execute_many(txn, &call, sql, rows, count, changed, err));
}

yoda_status yoda_txn_query(yoda_txn *txn, const char *sql, const yoda_params *params,
                           yoda_result **out, yoda_error *err)
{
    struct call call;
    if (!out || !sql)
        return fail(err, YODA_MISUSE, "%s is NULL", out ? "sql" : "out");
    *out = NULL;
    TRY(enter(txn, &call, err));
    return api_leave(txn->engine, &call, txn_query(txn, &call, sql, params, out, err));
}

static yoda_status end(yoda_txn *txn, bool commit, yoda_error *err)
{
    struct call call;
    yoda_status status = enter(txn, &call, err);
    if (!txn || status == YODA_FORKED)
        return status;
    if (status == YODA_OK)
        status = api_leave(txn->engine, &call, txn_end(txn, &call, commit, err));
    txn_release(txn);
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
