/*
 * write_lane.c -- grouping small writes.
 *
 *   take the connection -> BEGIN IMMEDIATE -> run one, take the next, ... -> COMMIT -> completions
 *
 * A group ends when nothing that may join it waits, at GROUP_MAX operations, or after GROUP_NS. An
 * operation that fails leaves no trace in it:
 *   a single statement    SQLite undoes the failing statement alone, in a transaction as without
 *   a batch               a savepoint around it is rolled back
 * so every operation gets the answer it would have had alone. Where that cannot be had -- a
 * statement ended the transaction (OR ROLLBACK, a full disk, a cancelled write), left foreign keys
 * to be refused by the COMMIT, or the COMMIT failed -- nothing of the group is kept, and its
 * operations run again one by one, in order: nothing was committed, so nothing happens twice.
 */
#include "engine/write_lane.h"

#include "engine/engine.h"
#include "engine/ingest.h"
#include "engine/route.h"
#include "engine/txn.h"
#include "sql/lexer.h"

#include <string.h>

#define GROUP_MAX 256
#define GROUP_NS (5 * 1000000)

struct write_group {
    yoda_engine *engine;
    struct conn *conn;
    struct yoda_op *ops[GROUP_MAX];
    size_t count;
    int64_t last_rowid; /* last_insert_rowid() before it */
};

/* ---- Which may --------------------------------------------------------------------------------
 */

static bool is_single(const char *sql)
{
    struct lexer lexer;
    struct token token;
    size_t size = strlen(sql);
    if (size > SQL_BYTES_MAX)
        return false;
    if (!memchr(sql, ';', size))
        return true;
    lexer_init(&lexer, sql, (uint32_t)size);
    do
        token = lexer_next(&lexer);
    while (token.kind != TOKEN_SEMICOLON && token.kind != TOKEN_EOF);
    while (token.kind == TOKEN_SEMICOLON)
        token = lexer_next(&lexer);
    return token.kind == TOKEN_EOF;
}

static bool is_plain_write(const char *sql)
{
    static const char *const words[] = {"INSERT", "REPLACE", "UPDATE", "DELETE"};
    return sql && route_begins_with(sql, words, COUNT_OF(words)) && is_single(sql);
}

bool write_lane_groupable(const struct operation_request *request)
{
    if (request->kind == YODA_OP_EXECUTE || request->kind == YODA_OP_EXECUTE_MANY)
        return is_plain_write(request->sql);
    if (request->kind != YODA_OP_EXECUTE_BATCH)
        return false;
    for (size_t i = 0; i < request->count; i++)
        if (!is_plain_write(request->texts[i]))
            return false;
    return true;
}

/* ---- One operation --------------------------------------------------------------------------- */

static struct writer_batch batch_of(const struct yoda_op *op)
{
    const struct operation_request *r = &op->request;
    bool many = r->kind == YODA_OP_EXECUTE_MANY;
    return (struct writer_batch){
        .sql = many ? &r->sql : r->texts, .rows = many ? r->rows : NULL, .count = r->count};
}

static yoda_status run_ingest(yoda_engine *engine, struct yoda_op *op, yoda_error *err)
{
    const struct operation_request *r = &op->request;
    struct ingest_request request = {r->sql, r->stream, (yoda_ingest_mode)r->flags};
    return ingest_held(engine, &op->call, &request, &op->changes, err);
}

static yoda_status run_alone(yoda_engine *engine, struct yoda_op *op, yoda_error *err)
{
    TRY(call_check(&op->call, err));
    if (op->request.kind == YODA_OP_EXECUTE)
        return writer_execute_held(engine, op->request.sql, op->request.rows, &op->changes, err);
    if (op->request.kind == YODA_OP_INGEST)
        return run_ingest(engine, op, err);
    struct writer_batch batch = batch_of(op);
    return writer_batch_held(engine, &batch, &op->changes, err);
}

static void end_alone(yoda_engine *engine, struct yoda_op *op)
{
    yoda_error err = {.sql_offset = -1};
    operation_end(op, run_alone(engine, op, &err), &err);
}

static yoda_status run_batch(struct write_group *group, struct yoda_op *op, bool *kept,
                             yoda_error *err)
{
    struct writer_batch batch = batch_of(op);
    return writer_batch_savepoint(group->engine, &batch, &op->changes, kept, err);
}

/* false: the transaction is spoiled. */
static bool run_inside(struct write_group *group, struct yoda_op *op)
{
    yoda_error err = {.sql_offset = -1};
    bool kept = true;
    yoda_status status = call_check(&op->call, &err);
    if (status == YODA_OK && op->request.kind == YODA_OP_EXECUTE)
        status = writer_run(group->engine, op->request.sql, op->request.rows, &op->changes, &err);
    else if (status == YODA_OK)
        status = run_batch(group, op, &kept, &err);
    operation_end(op, status, &err);
    return kept && conn_in_transaction(group->conn) && !conn_breaks_foreign_keys(group->conn);
}

/* ---- Groups ---------------------------------------------------------------------------------- */

/* The next to run: one that was taken already, or one that waits. NULL: the group is complete. */
static struct yoda_op *next_op(struct write_group *group, size_t i, int64_t begin_ns)
{
    if (i < group->count)
        return group->ops[i];
    if (i == GROUP_MAX || os_monotonic_ns() - begin_ns > GROUP_NS)
        return NULL;
    struct yoda_op *op = lane_take_write(group->engine, true, INT64_MAX);
    if (op)
        group->ops[group->count++] = op;
    return op;
}

/* false: nothing of the group was committed. */
static bool run_together(struct write_group *group)
{
    struct calls *calls = &group->engine->calls;
    int64_t begin_ns = os_monotonic_ns();
    struct yoda_op *op;
    for (size_t i = 0; (op = next_op(group, i, begin_ns)) != NULL; i++) {
        calls_rebind(calls, &calls->writer, &op->call);
        if (!run_inside(group, op)) {
            conn_roll_back(group->conn);
            return false;
        }
    }
    return conn_commit(group->conn, NULL) == YODA_OK;
}

static void run_one_by_one(struct write_group *group)
{
    struct calls *calls = &group->engine->calls;
    group->engine->writer.last_rowid = group->last_rowid;
    conn_set_last_rowid(group->conn, group->last_rowid);
    for (size_t i = 0; i < group->count; i++) {
        operation_reopen(group->ops[i]);
        calls_rebind(calls, &calls->writer, &group->ops[i]->call);
        end_alone(group->engine, group->ops[i]);
    }
}

/* Requires the connection, bound to the first one's call. */
static yoda_status run_group(struct write_group *group, yoda_error *err)
{
    group->last_rowid = group->engine->writer.last_rowid;
    yoda_status status = conn_begin(group->conn, true, err);
    if (status == YODA_BUSY)
        return status;
    if (status != YODA_OK || !run_together(group))
        run_one_by_one(group);
    return YODA_OK;
}

static void finish(struct write_group *group)
{
    for (size_t i = 0; i < group->count; i++)
        dispatch_finish(group->ops[i]);
}

/* Whoever has waited as long for the connection as the one that gave up gives up with it; else each
 * would begin to wait only then. */
static void give_up(struct write_group *group, yoda_status status, const yoda_error *err,
                    int64_t since_ns)
{
    for (size_t i = 0; i < group->count; i++)
        operation_end(group->ops[i], status, err);
    bool all = group->ops[0]->status == YODA_BUSY;
    finish(group);
    struct yoda_op *op;
    while (all && (op = lane_take_write(group->engine, false, since_ns)) != NULL) {
        operation_end(op, status, err);
        dispatch_finish(op);
    }
}

/* Requires the connection. */
static yoda_status run_first(struct write_group *group, yoda_error *err)
{
    struct yoda_op *first = group->ops[0], *second = NULL;
    if (first->groupable)
        second = lane_take_write(group->engine, true, INT64_MAX);
    if (!second) {
        end_alone(group->engine, first);
        return YODA_OK;
    }
    group->ops[group->count++] = second;
    return run_group(group, err);
}

/* One at a time has the connection: a transaction for as long as it is open. */
static yoda_status run_with_connection(struct write_group *group, yoda_error *err)
{
    struct yoda_op *first = group->ops[0];
    if (first->request.kind == YODA_OP_BEGIN)
        return txn_begin(group->engine, &first->call, &first->begun, err);
    TRY(writer_acquire(group->engine, &first->call, err));
    yoda_status status = run_first(group, err);
    writer_release(group->engine);
    return status;
}

void write_lane_run(yoda_engine *engine, struct yoda_op *first)
{
    struct write_group group = {.engine = engine, .conn = engine->writer.conn, .count = 1};
    yoda_error err = {.sql_offset = -1};
    int64_t since_ns = os_monotonic_ns();
    group.ops[0] = first;
    yoda_status status = run_with_connection(&group, &err);
    if (status == YODA_OK)
        finish(&group);
    else
        give_up(&group, status, &err, since_ns);
}

/* ---- Inline ---------------------------------------------------------------------------------- */

/* Requires the connection. An explicit transaction: a statement by itself that is stopped at its
 * very end has been committed all the same. */
static enum inline_outcome run_inline(struct write_group *group)
{
    struct yoda_op *op = group->ops[0];
    if (!conn_commits_unsynced(group->conn) || conn_begin(group->conn, true, NULL) != YODA_OK)
        return INLINE_NOT_NOW;
    bool kept = run_inside(group, op), late = op->status == YODA_TIMEOUT;
    if (kept && !late && conn_commit(group->conn, NULL) == YODA_OK)
        return INLINE_DONE;
    conn_roll_back(group->conn);
    operation_reopen(op);
    group->engine->writer.last_rowid = group->last_rowid;
    return late ? INLINE_TOO_LONG : INLINE_NOT_NOW;
}

enum inline_outcome write_lane_run_inline(yoda_engine *engine, struct yoda_op *op, int64_t until_ns)
{
    ASSERT(op->groupable);
    if (!writer_try(engine, &op->call))
        return INLINE_NOT_NOW;
    struct write_group group = {.engine = engine, .conn = engine->writer.conn, .count = 1};
    group.ops[0] = op;
    group.last_rowid = engine->writer.last_rowid;
    conn_set_brief(group.conn, until_ns);
    enum inline_outcome outcome = run_inline(&group);
    conn_set_brief(group.conn, 0);
    writer_release(engine);
    return outcome;
}
