/*
 * writer.c -- everything that runs on the one write connection.
 *
 * The connection is leased: by a call for its statements, or by a transaction for its lifetime. A
 * call that waits for the lease longer than busy_timeout_ms is told who has it.
 */
#include "engine/engine.h"
#include "engine/route.h"
#include "engine/write_fold.h"

#include <string.h>

static yoda_status name_holder(yoda_engine *engine, const struct call *call, yoda_error *err)
{
    long long limit_ms = (long long)engine->options.busy_timeout_ms;
    if (!call->submitted && lease_taken_here(&engine->writer.lease))
        return fail(err, YODA_BUSY,
                    "this thread's own open transaction holds the write connection (waited %lld "
                    "ms): use yoda_txn_execute, or end it first",
                    limit_ms);
    return fail(err, YODA_BUSY,
                "another transaction or statement held the write connection longer than "
                "busy_timeout_ms (%lld)",
                limit_ms);
}

/* Checkpoints and registrations write here too: last_insert_rowid() forgets theirs. */
static void take_connection(yoda_engine *engine, struct call *call)
{
    conn_set_last_rowid(engine->writer.conn, engine->writer.last_rowid);
    calls_bind(&engine->calls, &engine->calls.writer, call);
}

yoda_status writer_acquire(yoda_engine *engine, struct call *call, yoda_error *err)
{
    int64_t wait_ms = call_wait_ms(call, engine->options.busy_timeout_ms);
    yoda_status status = lease_acquire(&engine->writer.lease, &call->cancel, wait_ms, err);
    if (status == YODA_BUSY)
        return name_holder(engine, call, err);
    TRY(status);
    take_connection(engine, call);
    return YODA_OK;
}

bool writer_try(yoda_engine *engine, struct call *call)
{
    if (!lease_try(&engine->writer.lease))
        return false;
    take_connection(engine, call);
    return true;
}

void writer_release(yoda_engine *engine)
{
    ASSERT(!conn_in_transaction(engine->writer.conn));
    calls_unbind(&engine->calls, &engine->calls.writer);
    atomic_fetch_add(&engine->writer.commits, 1);
    lease_release(&engine->writer.lease);
}

yoda_status writer_transact(yoda_engine *engine,
                            yoda_status (*fn)(void *ctx, struct conn *conn, yoda_error *err),
                            void *ctx, yoda_error *err)
{
    struct conn *conn = engine->writer.conn;
    TRY(conn_begin(conn, true, err));
    yoda_status status = fn(ctx, conn, err);
    if (status == YODA_OK && !conn_in_transaction(conn))
        return fail(err, YODA_MISUSE, "a statement ended the transaction around it");
    if (status == YODA_OK)
        return conn_commit(conn, err);
    conn_roll_back(conn);
    return status;
}

/* ---- Statements ------------------------------------------------------------------------------ */

static yoda_status run_prepared(struct stmt *stmt, const yoda_params *params, yoda_error *err)
{
    TRY(stmt_bind_params(stmt, params, err));
    do
        TRY(stmt_step(stmt, err));
    while (stmt->row);
    return YODA_OK;
}

/*
 * What a schema change leaves behind is compared with what was there at the last look, and changes
 * that cancel each other (a scratch table made and dropped) look like changes without a trace:
 * every table would be copied anew. So each one that goes through here is looked at by itself.
 * Those of other programs, or made and undone in one transaction, still cost the copy.
 */
static bool touches_schema(const char *sql)
{
    static const char *const words[] = {"CREATE", "DROP", "ALTER"};
    return route_begins_with(sql, words, COUNT_OF(words));
}

void writer_show_schema(yoda_engine *engine)
{
    if (!engine->writer.schema_touched || conn_in_transaction(engine->writer.conn))
        return;
    engine->writer.schema_touched = false;
    freshness_look(engine, engine->calls.writer.call);
}

static yoda_status run_next(struct conn *conn, const char *sql, const yoda_params *params,
                            const char **tail, yoda_error *err)
{
    struct stmt stmt = {0};
    TRY(stmt_prepare(conn, sql, strlen(sql), &stmt, tail, err));
    yoda_status status = YODA_OK;
    if (params && params->count > 0 && !route_is_blank(*tail))
        status = fail(err, YODA_MISUSE, "parameters need a single statement");
    else if (stmt.handle)
        status = run_prepared(&stmt, params, err);
    stmt_finish(&stmt);
    return status;
}

static yoda_status run_as_written(yoda_engine *engine, const char *sql, const yoda_params *params,
                                  yoda_error *err)
{
    struct conn *conn = engine->writer.conn;
    yoda_status status = YODA_OK;
    for (const char *at = sql, *tail; status == YODA_OK && !route_is_blank(at); at = tail) {
        tail = at;
        status = run_next(conn, at, params, &tail, err);
        engine->writer.schema_touched |= touches_schema(at);
        writer_show_schema(engine);
        if (status != YODA_OK && err && err->sql_offset >= 0)
            err->sql_offset += at - sql;
        if (status == YODA_OK && tail == at)
            break;
    }
    return status;
}

static bool run_with_parameters(yoda_engine *engine, const char *sql, const yoda_params *params,
                                yoda_status *status, yoda_error *err)
{
    if ((params && params->count > 0) || engine->options.statement_cache == 0)
        return false;
    return write_literals_run(&engine->writer.literals, engine->writer.conn, sql, status, err);
}

yoda_status writer_run(yoda_engine *engine, const char *sql, const yoda_params *params,
                       int64_t *changes, yoda_error *err)
{
    struct conn *conn = engine->writer.conn;
    int64_t before = conn_changes(conn);
    yoda_status status;
    if (!run_with_parameters(engine, sql, params, &status, err))
        status = run_as_written(engine, sql, params, err);
    *changes = status == YODA_OK ? conn_changes(conn) - before : 0;
    engine->writer.last_rowid = conn_last_rowid(conn);
    return status;
}

yoda_status writer_execute_held(yoda_engine *engine, const char *sql, const yoda_params *params,
                                int64_t *changes, yoda_error *err)
{
    struct conn *conn = engine->writer.conn;
    yoda_status status = writer_run(engine, sql, params, changes, err);
    if (conn_in_transaction(conn)) {
        conn_roll_back(conn);
        *changes = 0;
        if (status == YODA_OK)
            status = fail(err, YODA_MISUSE,
                          "the statements left a transaction open; it was rolled back: use "
                          "yoda_begin, or COMMIT in the same call");
    }
    return status;
}

yoda_status writer_execute(yoda_engine *engine, struct call *call, const char *sql,
                           const yoda_params *params, int64_t *changes, yoda_error *err)
{
    TRY(writer_acquire(engine, call, err));
    yoda_status status = writer_execute_held(engine, sql, params, changes, err);
    writer_release(engine);
    return status;
}

/* ---- Several at once ------------------------------------------------------------------------- */

struct batch_run {
    yoda_engine *engine;
    const struct writer_batch *batch;
    struct write_fold *fold; /* NULL: row by row */
    bool fold_failed;
    bool kept; /* the savepoint did what it should */
    int64_t changes;
};

/* A whole batch: in a transaction of its own, or in a savepoint. */
typedef yoda_status batch_way(struct batch_run *run, yoda_error *err);

static yoda_status run_item(struct batch_run *run, struct conn *conn, size_t i, yoda_error *err)
{
    const struct writer_batch *batch = run->batch;
    const char *sql = batch->sql[batch->rows ? 0 : i];
    int64_t changes = 0;
    if (!sql)
        return fail(err, YODA_MISUSE, "the statement is NULL");
    const yoda_params *params = batch->rows ? &batch->rows[i] : NULL;
    TRY(writer_run(run->engine, sql, params, &changes, err));
    run->changes += changes;
    if (!conn_in_transaction(conn))
        return fail(err, YODA_MISUSE, "it ended the transaction around it");
    return YODA_OK;
}

/* FOLD_ROWS items at once. */
static yoda_status run_fold(struct batch_run *run, struct conn *conn, yoda_error *err)
{
    int64_t before = conn_changes(conn);
    yoda_status status = write_fold_run(run->fold, conn, err);
    run->fold_failed = status != YODA_OK;
    run->changes += conn_changes(conn) - before;
    run->engine->writer.last_rowid = conn_last_rowid(conn);
    return status;
}

/* Say which of them it was: items [i, i + n). */
static void name_items(const struct batch_run *run, size_t i, size_t n, const yoda_error *inner,
                       yoda_error *err)
{
    const char *what = run->batch->rows ? "row" : "statement";
    if (n == 1)
        fail_at(err, inner->code, inner->sql_offset, "%s %zu: %.480s", what, i + 1, inner->message);
    else
        fail_at(err, inner->code, -1, "%ss %zu to %zu: %.480s", what, i + 1, i + n, inner->message);
    if (err)
        err->sqlite_code = inner->sqlite_code;
}

static yoda_status run_items(void *ctx, struct conn *conn, yoda_error *err)
{
    struct batch_run *run = ctx;
    for (size_t i = 0, n; i < run->batch->count; i += n) {
        yoda_error inner = {.sql_offset = -1};
        bool folded = run->fold && write_fold_gather(run->fold, i);
        n = folded ? FOLD_ROWS : 1;
        yoda_status status = folded ? run_fold(run, conn, &inner) : run_item(run, conn, i, &inner);
        if (status == YODA_OK)
            continue;
        inner.code = status;
        name_items(run, i, n, &inner, err);
        return status;
    }
    return YODA_OK;
}

static yoda_status run_in_savepoint(struct batch_run *run, yoda_error *err)
{
    struct conn *conn = run->engine->writer.conn;
    TRY(conn_exec(conn, "SAVEPOINT _yoda_op", err));
    yoda_status status = run_items(run, conn, err);
    run->kept = status == YODA_OK || conn_exec(conn, "ROLLBACK TO _yoda_op", NULL) == YODA_OK;
    run->kept = run->kept && conn_exec(conn, "RELEASE _yoda_op", NULL) == YODA_OK;
    return status;
}

static yoda_status run_in_transaction(struct batch_run *run, yoda_error *err)
{
    return writer_transact(run->engine, run_items, run, err);
}

static bool may_fold(const struct batch_run *run)
{
    yoda_engine *engine = run->engine;
    return run->batch->count >= FOLD_BATCH_MIN && engine->options.statement_cache > 0 &&
           !conn_enforces_foreign_keys(engine->writer.conn);
}

static bool is_stopped(yoda_status status)
{
    return status == YODA_INTERRUPTED || status == YODA_TIMEOUT || status == YODA_BUSY;
}

static yoda_status run_folded(struct batch_run *run, batch_way *way, yoda_error *err)
{
    struct write_fold fold;
    write_fold_init(&fold, run->batch);
    run->fold = &fold;
    yoda_status status = way(run, err);
    run->fold = NULL;
    write_fold_deinit(&fold);
    return status;
}

/* Folded if that may be. What fails so was undone, and is run again for the one row's error. */
static yoda_status run_batch(yoda_engine *engine, const struct writer_batch *batch, batch_way *way,
                             int64_t *changes, bool *kept, yoda_error *err)
{
    struct batch_run run = {.engine = engine, .batch = batch, .kept = true};
    int64_t last_rowid = engine->writer.last_rowid;
    bool folds = may_fold(&run);
    yoda_status status = folds ? run_folded(&run, way, err) : way(&run, err);
    if (run.fold_failed && run.kept && !is_stopped(status)) {
        run.changes = 0;
        conn_set_last_rowid(engine->writer.conn, last_rowid);
        status = way(&run, err);
    }
    *changes = status == YODA_OK ? run.changes : 0;
    *kept = run.kept;
    return status;
}

yoda_status writer_batch_savepoint(yoda_engine *engine, const struct writer_batch *batch,
                                   int64_t *changes, bool *kept, yoda_error *err)
{
    ASSERT(conn_in_transaction(engine->writer.conn));
    return run_batch(engine, batch, run_in_savepoint, changes, kept, err);
}

yoda_status writer_batch_held(yoda_engine *engine, const struct writer_batch *batch,
                              int64_t *changes, yoda_error *err)
{
    bool ignored;
    yoda_status status = run_batch(engine, batch, run_in_transaction, changes, &ignored, err);
    writer_show_schema(engine);
    return status;
}

static yoda_status execute_batch(yoda_engine *engine, struct call *call,
                                 const struct writer_batch *batch, int64_t *changes,
                                 yoda_error *err)
{
    TRY(writer_acquire(engine, call, err));
    yoda_status status = writer_batch_held(engine, batch, changes, err);
    writer_release(engine);
    return status;
}

yoda_status writer_execute_batch(yoda_engine *engine, struct call *call, const char *const *sql,
                                 size_t count, int64_t *changes, yoda_error *err)
{
    struct writer_batch batch = {.sql = sql, .count = count};
    return execute_batch(engine, call, &batch, changes, err);
}

yoda_status writer_execute_many(yoda_engine *engine, struct call *call, const char *sql,
                                const yoda_params *rows, size_t count, int64_t *changes,
                                yoda_error *err)
{
    struct writer_batch batch = {.sql = &sql, .rows = rows, .count = count};
    return execute_batch(engine, call, &batch, changes, err);
}
