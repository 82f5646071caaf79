/*
 * async_api.c -- the entry points of yoda.h for queues and operations.
 *
 * What is wrong with the call itself is said here at once; what is wrong with the operation comes
 * in its completion.
 */
#include "engine/api.h"
#include "engine/completion_queue.h"
#include "engine/ingest.h"
#include "engine/stream_window.h"
#include "engine/txn.h"

#include <poll.h>

static yoda_status check_queue(const yoda_queue *queue, yoda_error *err)
{
    return queue ? api_check(queue->engine, err) : fail(err, YODA_MISUSE, "the queue is NULL");
}

static yoda_status check_op(const yoda_op *op)
{
    return op ? api_check(op->engine, NULL) : YODA_MISUSE;
}

/* ---- Queues ---------------------------------------------------------------------------------- */

yoda_status yoda_queue_create(yoda_engine *engine, yoda_queue **out, yoda_error *err)
{
    struct call call;
    if (!out)
        return fail(err, YODA_MISUSE, "out is NULL");
    *out = NULL;
    TRY(api_enter(engine, &call, err));
    return api_leave(engine, &call, completion_queue_create(engine, out, err));
}

int yoda_queue_fd(const yoda_queue *queue)
{
    return check_queue(queue, NULL) == YODA_OK ? queue->fd : -1;
}

static yoda_status check_drain(const yoda_queue *queue, const yoda_completion *out, int max)
{
    TRY(check_queue(queue, NULL));
    return max < 0 || (max > 0 && !out) ? YODA_MISUSE : YODA_OK;
}

int yoda_queue_drain(yoda_queue *queue, yoda_completion *out, int max)
{
    bool woken = false;
    yoda_status status = check_drain(queue, out, max);
    if (status != YODA_OK)
        return -(int)status;
    return completion_queue_take(queue, out, max, &woken);
}

/* Sleep until the descriptor is readable or the time is over; false: it is over. */
static bool sleep_until(const yoda_queue *queue, int64_t end_ns)
{
    struct pollfd wait = {.fd = queue->fd, .events = POLLIN};
    int64_t left_ms = -1;
    if (end_ns >= 0) {
        left_ms = (end_ns - os_monotonic_ns() + 999999) / 1000000;
        if (left_ms <= 0)
            return false;
    }
    int ready = poll(&wait, 1, left_ms > INT32_MAX ? INT32_MAX : (int)left_ms);
    YODA_UNUSED(ready); /* a signal: look again, wait again */
    return true;
}

int yoda_queue_wait(yoda_queue *queue, yoda_completion *out, int max, int64_t timeout_ms)
{
    yoda_status status = check_drain(queue, out, max);
    if (status != YODA_OK || max == 0)
        return -(int)status;
    int64_t now_ns = os_monotonic_ns();
    bool limited = timeout_ms >= 0 && timeout_ms < (INT64_MAX - now_ns) / 1000000;
    int64_t end_ns = limited ? now_ns + timeout_ms * 1000000 : -1;
    for (;;) {
        bool woken = false;
        int count = completion_queue_take(queue, out, max, &woken);
        if (count > 0 || woken || !sleep_until(queue, end_ns))
            return count;
    }
}

void yoda_queue_close(yoda_queue *queue)
{
    if (check_queue(queue, NULL) != YODA_OK)
        return;
    dispatch_close_queue(queue, queue->engine->options.busy_timeout_ms);
    dispatch_make_room(queue->engine, completion_queue_shut(queue));
    completion_queue_release(queue);
}

/* ---- Submits --------------------------------------------------------------------------------- */

static yoda_status read_options(const yoda_op_options *in, yoda_op_options *out, yoda_error *err)
{
    *out = (yoda_op_options)YODA_OP_OPTIONS_INIT;
    if (!in)
        return YODA_OK;
    if (in->size < offsetof(yoda_op_options, side))
        return fail(err, YODA_MISUSE, "options.size is %zu: use YODA_OP_OPTIONS_INIT", in->size);
    memcpy(out, in, in->size < sizeof *out ? in->size : sizeof *out);
    if ((unsigned)out->side > YODA_SIDE_ROW)
        return fail(err, YODA_MISUSE, "options.side is %d", (int)out->side);
    if (out->timeout_ms < 0 || out->max_staleness_ms < YODA_STALENESS_ANY)
        return fail(err, YODA_MISUSE, "options: a time is negative");
    return YODA_OK;
}

static yoda_status submit(yoda_queue *queue, struct operation_request *request,
                          const yoda_op_options *options, uint64_t user_data, yoda_op **op,
                          yoda_error *err)
{
    if (op)
        *op = NULL;
    TRY(check_queue(queue, err));
    TRY(read_options(options, &request->options, err));
    if (request->options.window > 0 && request->kind != YODA_OP_QUERY)
        return fail(err, YODA_MISUSE, "options.window is for queries, outside of transactions");
    return dispatch_submit(queue, request, user_data, op, err);
}

/* The same for those that need a text. */
static yoda_status submit_text(yoda_queue *queue, struct operation_request *request,
                               const yoda_op_options *options, uint64_t user_data, yoda_op **op,
                               yoda_error *err)
{
    if (op)
        *op = NULL;
    if (!request->sql)
        return fail(err, YODA_MISUSE, "the statement or table name is NULL");
    return submit(queue, request, options, user_data, op, err);
}

yoda_status yoda_submit_execute(yoda_queue *queue, const char *sql, const yoda_params *params,
                                const yoda_op_options *options, uint64_t user_data, yoda_op **op,
                                yoda_error *err)
{
    struct operation_request request = {.kind = YODA_OP_EXECUTE, .sql = sql, .rows = params};
    return submit_text(queue, &request, options, user_data, op, err);
}

yoda_status yoda_submit_execute_batch(yoda_queue *queue, const char *const *sql, size_t count,
                                      const yoda_op_options *options, uint64_t user_data,
                                      yoda_op **op, yoda_error *err)
{
    struct operation_request request = {
        .kind = YODA_OP_EXECUTE_BATCH, .texts = sql, .count = count};
    if (op)
        *op = NULL;
    if (count > 0 && !sql)
        return fail(err, YODA_MISUSE, "sql is NULL");
    return submit(queue, &request, options, user_data, op, err);
}

yoda_status yoda_submit_execute_many(yoda_queue *queue, const char *sql, const yoda_params *rows,
                                     size_t count, const yoda_op_options *options,
                                     uint64_t user_data, yoda_op **op, yoda_error *err)
{
    struct operation_request request = {
        .kind = YODA_OP_EXECUTE_MANY, .sql = sql, .rows = rows, .count = count};
    if (op)
        *op = NULL;
    if (count > 0 && !rows)
        return fail(err, YODA_MISUSE, "rows is NULL");
    return submit_text(queue, &request, options, user_data, op, err);
}

yoda_status yoda_submit_query(yoda_queue *queue, const char *sql, const yoda_params *params,
                              const yoda_op_options *options, uint64_t user_data, yoda_op **op,
                              yoda_error *err)
{
    struct operation_request request = {.kind = YODA_OP_QUERY, .sql = sql, .rows = params};
    return submit_text(queue, &request, options, user_data, op, err);
}

yoda_status yoda_submit_sync(yoda_queue *queue, const yoda_op_options *options, uint64_t user_data,
                             yoda_op **op, yoda_error *err)
{
    struct operation_request request = {.kind = YODA_OP_SYNC};
    return submit(queue, &request, options, user_data, op, err);
}

yoda_status yoda_submit_register_table(yoda_queue *queue, const char *table,
                                       const yoda_table_schema *schema,
                                       const yoda_op_options *options, uint64_t user_data,
                                       yoda_op **op, yoda_error *err)
{
    struct operation_request request = {
        .kind = YODA_OP_REGISTER_TABLE, .sql = table, .schema = schema};
    return submit_text(queue, &request, options, user_data, op, err);
}

yoda_status yoda_submit_unregister_table(yoda_queue *queue, const char *table,
                                         const yoda_op_options *options, uint64_t user_data,
                                         yoda_op **op, yoda_error *err)
{
    struct operation_request request = {.kind = YODA_OP_UNREGISTER_TABLE, .sql = table};
    return submit_text(queue, &request, options, user_data, op, err);
}

yoda_status yoda_submit_checkpoint(yoda_queue *queue, const yoda_op_options *options,
                                   uint64_t user_data, yoda_op **op, yoda_error *err)
{
    struct operation_request request = {.kind = YODA_OP_CHECKPOINT};
    return submit(queue, &request, options, user_data, op, err);
}

yoda_status yoda_submit_verify(yoda_queue *queue, const char *table, unsigned flags,
                               const yoda_op_options *options, uint64_t user_data, yoda_op **op,
                               yoda_error *err)
{
    struct operation_request request = {.kind = YODA_OP_VERIFY, .sql = table, .flags = flags};
    if (op)
        *op = NULL;
    if (flags & ~YODA_VERIFY_REPAIR)
        return fail(err, YODA_MISUSE, "unknown flags %u", flags);
    return submit(queue, &request, options, user_data, op, err);
}

yoda_status yoda_submit_ingest(yoda_queue *queue, const char *table,
                               struct ArrowArrayStream *stream, yoda_ingest_mode mode,
                               const yoda_op_options *options, uint64_t user_data, yoda_op **op,
                               yoda_error *err)
{
    struct operation_request request = {
        .kind = YODA_OP_INGEST, .sql = table, .stream = stream, .flags = (unsigned)mode};
    if (op)
        *op = NULL;
    TRY(ingest_check(table, stream, mode, err));
    return submit_text(queue, &request, options, user_data, op, err);
}

/* ---- Transactions ---------------------------------------------------------------------------- */

static yoda_status submit_txn(yoda_queue *queue, struct operation_request *request,
                              const yoda_op_options *options, uint64_t user_data, yoda_op **op,
                              yoda_error *err)
{
    if (op)
        *op = NULL;
    TRY(check_queue(queue, err));
    if (!request->txn)
        return fail(err, YODA_MISUSE, "the transaction is NULL");
    if (txn_engine(request->txn) != queue->engine)
        return fail(err, YODA_MISUSE, "the transaction is another engine's");
    return submit(queue, request, options, user_data, op, err);
}

static yoda_status submit_txn_text(yoda_queue *queue, struct operation_request *request,
                                   const yoda_op_options *options, uint64_t user_data, yoda_op **op,
                                   yoda_error *err)
{
    if (op)
        *op = NULL;
    if (!request->sql)
        return fail(err, YODA_MISUSE, "the statement is NULL");
    return submit_txn(queue, request, options, user_data, op, err);
}

/* The application's reference goes to the operation. */
static yoda_status submit_end(yoda_queue *queue, struct operation_request *request,
                              const yoda_op_options *options, uint64_t user_data, yoda_op **op,
                              yoda_error *err)
{
    TRY(submit_txn(queue, request, options, user_data, op, err));
    txn_release(request->txn);
    return YODA_OK;
}

yoda_status yoda_submit_begin(yoda_queue *queue, const yoda_op_options *options, uint64_t user_data,
                              yoda_op **op, yoda_error *err)
{
    struct operation_request request = {.kind = YODA_OP_BEGIN};
    return submit(queue, &request, options, user_data, op, err);
}

yoda_status yoda_submit_txn_execute(yoda_queue *queue, yoda_txn *txn, const char *sql,
                                    const yoda_params *params, const yoda_op_options *options,
                                    uint64_t user_data, yoda_op **op, yoda_error *err)
{
    struct operation_request request = {
        .kind = YODA_OP_TXN_EXECUTE, .txn = txn, .sql = sql, .rows = params};
    return submit_txn_text(queue, &request, options, user_data, op, err);
}

yoda_status yoda_submit_txn_execute_many(yoda_queue *queue, yoda_txn *txn, const char *sql,
                                         const yoda_params *rows, size_t count,
                                         const yoda_op_options *options, uint64_t user_data,
                                         yoda_op **op, yoda_error *err)
{
    struct operation_request request = {
        .kind = YODA_OP_TXN_EXECUTE_MANY, .txn = txn, .sql = sql, .rows = rows, .count = count};
    if (op)
        *op = NULL;
    if (count > 0 && !rows)
        return fail(err, YODA_MISUSE, "rows is NULL");
    return submit_txn_text(queue, &request, options, user_data, op, err);
}

yoda_status yoda_submit_txn_query(yoda_queue *queue, yoda_txn *txn, const char *sql,
                                  const yoda_params *params, const yoda_op_options *options,
                                  uint64_t user_data, yoda_op **op, yoda_error *err)
{
    struct operation_request request = {
        .kind = YODA_OP_TXN_QUERY, .txn = txn, .sql = sql, .rows = params};
    if (op)
        *op = NULL;
    if (options && options->size >= sizeof *options && options->window > 0)
        return fail(err, YODA_MISUSE, "a query in a transaction does not stream: window is not 0");
    return submit_txn_text(queue, &request, options, user_data, op, err);
}

yoda_status yoda_submit_commit(yoda_queue *queue, yoda_txn *txn, const yoda_op_options *options,
                               uint64_t user_data, yoda_op **op, yoda_error *err)
{
    struct operation_request request = {.kind = YODA_OP_COMMIT, .txn = txn};
    return submit_end(queue, &request, options, user_data, op, err);
}

yoda_status yoda_submit_rollback(yoda_queue *queue, yoda_txn *txn, const yoda_op_options *options,
                                 uint64_t user_data, yoda_op **op, yoda_error *err)
{
    struct operation_request request = {.kind = YODA_OP_ROLLBACK, .txn = txn};
    return submit_end(queue, &request, options, user_data, op, err);
}

yoda_status yoda_submit_shutdown(yoda_queue *queue, uint64_t user_data, yoda_op **op,
                                 yoda_error *err)
{
    struct operation_request request = {.kind = YODA_OP_SHUTDOWN};
    return submit(queue, &request, NULL, user_data, op, err);
}

/* ---- Operations ------------------------------------------------------------------------------ */

yoda_status yoda_op_cancel(yoda_op *op)
{
    TRY(check_op(op));
    dispatch_cancel(op);
    return YODA_OK;
}

yoda_status yoda_op_credit(yoda_op *op, uint32_t parts)
{
    TRY(check_op(op));
    if (!operation_streams(op))
        return YODA_MISUSE;
    stream_window_credit(op, parts);
    return YODA_OK;
}

yoda_status yoda_op_progress(const yoda_op *op, yoda_op_state *out)
{
    TRY(check_op(op));
    if (!out || out->size < sizeof *out)
        return YODA_MISUSE;
    out->phase = (yoda_op_phase)atomic_load(&op->phase);
    out->done = atomic_load_explicit(&op->call.done, memory_order_relaxed);
    out->total = atomic_load_explicit(&op->call.total, memory_order_relaxed);
    return YODA_OK;
}

void yoda_op_release(yoda_op *op)
{
    if (check_op(op) == YODA_OK)
        operation_release(op);
}
