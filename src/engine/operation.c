/*
 * operation.c -- copying a request, running what does not write, keeping the outcome.
 *
 * The copy is made by one function that runs twice: without memory it measures, with it it copies.
 */
#include "engine/operation.h"

#include "engine/completion_queue.h"
#include "engine/engine.h"
#include "engine/ingest.h"
#include "engine/stream_window.h"
#include "engine/txn.h"
#include "engine/write_lane.h"

#include <stdio.h>
#include <string.h>

#define COUNT_MAX ((size_t)UINT32_MAX)

/* ---- Copying --------------------------------------------------------------------------------- */

struct packer {
    char *base; /* NULL: measuring */
    size_t used;
};

static void *pack(struct packer *p, const void *data, size_t size)
{
    size_t start = (p->used + 15) & ~(size_t)15;
    p->used = start + size;
    if (!p->base)
        return NULL;
    if (size > 0)
        memcpy(p->base + start, data, size);
    return p->base + start;
}

static const char *pack_text(struct packer *p, const char *text)
{
    return text ? pack(p, text, strlen(text) + 1) : NULL;
}

static const char *const *pack_texts(struct packer *p, const char *const *texts, size_t count)
{
    if (!texts)
        return NULL;
    const char **copies = pack(p, texts, count * sizeof *texts);
    for (size_t i = 0; i < count; i++) {
        const char *copy = pack_text(p, texts[i]);
        if (copies)
            copies[i] = copy;
    }
    return copies;
}

static const yoda_value *pack_values(struct packer *p, const yoda_value *values, size_t count)
{
    yoda_value *copies = pack(p, values, count * sizeof *values);
    for (size_t i = 0; i < count; i++) {
        bool bytes = values[i].type == YODA_TEXT || values[i].type == YODA_BLOB;
        if (!bytes || !values[i].data)
            continue;
        const void *copy = pack(p, values[i].data, values[i].size);
        if (copies)
            copies[i].data = copy;
    }
    return copies;
}

/* Rows mostly share one array of names: it is copied once. */
static const yoda_params *pack_rows(struct packer *p, const yoda_params *rows, size_t count)
{
    if (!rows)
        return NULL;
    yoda_params *copies = pack(p, rows, count * sizeof *rows);
    const char *const *names = NULL;
    for (size_t i = 0; i < count; i++) {
        bool same =
            i > 0 && rows[i].names == rows[i - 1].names && rows[i].count == rows[i - 1].count;
        if (!same)
            names = pack_texts(p, rows[i].names, rows[i].count);
        const yoda_value *values = pack_values(p, rows[i].values, rows[i].count);
        if (copies)
            copies[i] = (yoda_params){rows[i].count, values, names};
    }
    return copies;
}

static const yoda_table_schema *pack_schema(struct packer *p, const yoda_table_schema *schema)
{
    if (!schema)
        return NULL;
    yoda_table_schema *copy = pack(p, schema, sizeof *schema);
    const char *const *names = pack_texts(p, schema->column_names, schema->column_count);
    const char *const *types = pack_texts(p, schema->column_types, schema->column_count);
    const char *const *keys = pack_texts(p, schema->key_names, schema->key_count);
    if (copy) {
        copy->column_names = names;
        copy->column_types = types;
        copy->key_names = keys;
    }
    return copy;
}

static size_t row_count(const struct operation_request *request)
{
    if (!request->rows)
        return 0;
    bool many = request->kind == YODA_OP_EXECUTE_MANY || request->kind == YODA_OP_TXN_EXECUTE_MANY;
    return many ? request->count : 1;
}

static struct operation_request pack_request(struct packer *p,
                                             const struct operation_request *request)
{
    struct operation_request copy = *request;
    copy.sql = pack_text(p, request->sql);
    copy.texts = pack_texts(p, request->texts, request->count);
    copy.rows = pack_rows(p, request->rows, row_count(request));
    copy.schema = pack_schema(p, request->schema);
    return copy;
}

static yoda_status check_request(const struct operation_request *request, yoda_error *err)
{
    if (request->count > COUNT_MAX)
        return fail(err, YODA_TOO_BIG, "an operation has at most %zu statements or rows",
                    COUNT_MAX);
    for (size_t i = 0; i < row_count(request); i++) {
        if (request->rows[i].count > COUNT_MAX)
            return fail(err, YODA_TOO_BIG, "row %zu has too many parameters", i + 1);
        if (request->rows[i].count > 0 && !request->rows[i].values)
            return fail(err, YODA_MISUSE, "the parameters of row %zu are NULL", i + 1);
    }
    return YODA_OK;
}

/* ---- Life ------------------------------------------------------------------------------------ */

static yoda_status allocate(yoda_engine *engine, size_t size, struct yoda_op **out, yoda_error *err)
{
    TRY(mem_budget_charge(&engine->core->budget, size, err));
    struct yoda_op *op = mem_alloc(size);
    if (!op) {
        mem_budget_release(&engine->core->budget, size);
        return fail_nomem(err, size);
    }
    *op = (struct yoda_op){.engine = engine, .charged_bytes = size};
    *out = op;
    return YODA_OK;
}

yoda_status operation_create(yoda_queue *queue, const struct operation_request *request,
                             uint64_t user_data, struct yoda_op **out, yoda_error *err)
{
    struct packer packer = {.used = sizeof(struct yoda_op)};
    struct yoda_op *op = NULL;
    TRY(check_request(request, err));
    (void)pack_request(&packer, request);
    size_t size = packer.used;
    TRY(allocate(queue->engine, size, &op, err));
    if (request->kind == YODA_OP_VERIFY) {
        op->report = mem_calloc(1, sizeof *op->report);
        if (!op->report) {
            mem_budget_release(&queue->engine->core->budget, size);
            mem_free(op);
            return fail_nomem(err, sizeof *op->report);
        }
    }
    packer = (struct packer){.base = (char *)op, .used = sizeof *op};
    op->request = pack_request(&packer, request);
    ASSERT(packer.used == size);
    atomic_init(&op->refs, 1);
    atomic_init(&op->phase, YODA_OP_WAITING);
    op->user_data = user_data;
    op->groupable = write_lane_groupable(&op->request);
    op->queue = completion_queue_acquire(queue);
    if (request->txn)
        txn_acquire(request->txn);
    *out = op;
    return YODA_OK;
}

void operation_take_stream(struct yoda_op *op)
{
    if (!op->request.stream)
        return;
    op->stream = *op->request.stream;
    op->request.stream->release = NULL;
    op->request.stream = &op->stream;
}

void operation_acquire(struct yoda_op *op)
{
    uint32_t before = atomic_fetch_add_explicit(&op->refs, 1, memory_order_relaxed);
    ASSERT(before > 0);
    YODA_UNUSED(before);
}

void operation_release(struct yoda_op *op)
{
    uint32_t before = atomic_fetch_sub_explicit(&op->refs, 1, memory_order_acq_rel);
    ASSERT(before > 0);
    if (before > 1)
        return;
    yoda_queue *queue = op->queue;
    ASSERT(!op->stream.release);
    operation_abandon(op);
    if (op->request.txn)
        txn_release(op->request.txn);
    yoda_result_close(op->result);
    mem_free(op->error);
    mem_free(op->report);
    mem_budget_release(&op->engine->core->budget, op->charged_bytes);
    mem_free(op);
    completion_queue_release(queue);
}

/* ---- Running and ending ---------------------------------------------------------------------- */

bool operation_writes(const struct yoda_op *op)
{
    return op->request.kind == YODA_OP_EXECUTE || op->request.kind == YODA_OP_EXECUTE_BATCH ||
           op->request.kind == YODA_OP_EXECUTE_MANY || op->request.kind == YODA_OP_BEGIN ||
           op->request.kind == YODA_OP_INGEST;
}

bool operation_ends_txn(const struct yoda_op *op)
{
    return op->request.kind == YODA_OP_COMMIT || op->request.kind == YODA_OP_ROLLBACK;
}

static yoda_query_options query_options(const struct yoda_op *op)
{
    yoda_query_options options = YODA_QUERY_OPTIONS_INIT;
    options.side = op->request.options.side;
    options.max_staleness_ms = op->request.options.max_staleness_ms;
    return options;
}

static yoda_status run_query(struct yoda_op *op, yoda_error *err)
{
    yoda_query_options options = query_options(op);
    return query_run(op->engine, &op->call, op->request.sql, op->request.rows, &options,
                     &op->result, err);
}

bool operation_streams(const struct yoda_op *op)
{
    return op->request.options.window > 0;
}

static yoda_status send_part(void *op, yoda_result *part, yoda_error *err)
{
    return stream_window_send(op, part, err);
}

static yoda_status run_stream(struct yoda_op *op, yoda_error *err)
{
    const struct query_receiver receiver = {send_part, op};
    yoda_query_options options = query_options(op);
    return query_stream_run(op->engine, &op->call, op->request.sql, op->request.rows, &options,
                            &receiver, err);
}

/* A commit that was cancelled in time rolls back; a rollback does in any case what was asked. */
static yoda_status end_txn(struct yoda_op *op, yoda_error *err)
{
    bool commit = op->request.kind == YODA_OP_COMMIT;
    yoda_status status = commit ? call_check(&op->call, err) : YODA_OK;
    yoda_status ended =
        txn_end(op->request.txn, &op->call, commit && status == YODA_OK, status ? NULL : err);
    return status == YODA_OK ? ended : status;
}

static yoda_status run(struct yoda_op *op, yoda_error *err)
{
    const struct operation_request *r = &op->request;
    if (operation_ends_txn(op))
        return end_txn(op, err);
    TRY(call_check(&op->call, err));
    switch (r->kind) {
    case YODA_OP_QUERY:
        return operation_streams(op) ? run_stream(op, err) : run_query(op, err);
    case YODA_OP_SYNC:
        return sync_loop_run(op->engine, &op->call, &op->sync, err);
    case YODA_OP_REGISTER_TABLE:
        return table_register(op->engine, &op->call, r->sql, r->schema, err);
    case YODA_OP_UNREGISTER_TABLE:
        return table_unregister(op->engine, &op->call, r->sql, err);
    case YODA_OP_CHECKPOINT:
        return checkpointer_run(op->engine, &op->call, err);
    case YODA_OP_VERIFY:
        return verify_run(op->engine, &op->call, r->sql, r->flags, op->report, err);
    case YODA_OP_TXN_EXECUTE:
        return txn_execute(r->txn, &op->call, r->sql, r->rows, &op->changes, err);
    case YODA_OP_TXN_EXECUTE_MANY:
        return txn_execute_many(r->txn, &op->call, r->sql, r->rows, r->count, &op->changes, err);
    case YODA_OP_TXN_QUERY:
        return txn_query(r->txn, &op->call, r->sql, r->rows, &op->result, err);
    case YODA_OP_EXECUTE:
    case YODA_OP_EXECUTE_BATCH:
    case YODA_OP_EXECUTE_MANY:
    case YODA_OP_INGEST:
    case YODA_OP_BEGIN:
    case YODA_OP_COMMIT:
    case YODA_OP_ROLLBACK:
    case YODA_OP_SHUTDOWN:
    case YODA_OP_WRITABLE:
        break;
    }
    return fail(err, YODA_INTERNAL, "operation %d came to the wrong thread", (int)r->kind);
}

void operation_run(struct yoda_op *op)
{
    yoda_error err = {.sql_offset = -1};
    operation_end(op, run(op, &err), &err);
}

#define INLINE_BYTES_MAX 65536 /* more takes longer to write */

bool operation_may_be_inline(const struct yoda_op *op)
{
    if (op->engine->options.inline_us == 0 || op->charged_bytes > INLINE_BYTES_MAX)
        return false;
    switch (op->request.kind) {
    case YODA_OP_EXECUTE:
        return op->groupable;
    case YODA_OP_QUERY:
        return !operation_streams(op);
    default:
        return op->request.kind == YODA_OP_SYNC;
    }
}

enum inline_outcome operation_run_inline(struct yoda_op *op, int64_t until_ns)
{
    if (op->request.kind == YODA_OP_EXECUTE)
        return write_lane_run_inline(op->engine, op, until_ns);
    enum inline_outcome outcome = INLINE_NOT_NOW;
    yoda_query_options options = query_options(op);
    if (op->request.kind == YODA_OP_QUERY)
        outcome = query_run_inline(op->engine, &op->call, op->request.sql, op->request.rows,
                                   &options, until_ns, &op->result);
    else if (sync_loop_run_inline(op->engine, &op->call, until_ns, &op->sync))
        outcome = INLINE_DONE;
    if (outcome == INLINE_DONE)
        operation_end(op, YODA_OK, NULL);
    return outcome;
}

void operation_end(struct yoda_op *op, yoda_status status, const yoda_error *err)
{
    ASSERT(!op->error);
    yoda_error final = {.sql_offset = -1};
    ingest_release(&op->stream);
    if (status != YODA_OK)
        final = *err;
    status = call_end_status(&op->call, status, &final);
    bool stopped = status == YODA_INTERRUPTED || status == YODA_BUSY;
    if (status == YODA_TIMEOUT || (stopped && atomic_load(&op->timed_out)))
        status = fail(&final, YODA_TIMEOUT, "timeout_ms (%lld) ran out",
                      (long long)op->request.options.timeout_ms);
    op->status = status;
    if (status == YODA_OK)
        return;
    op->changes = 0;
    op->error = mem_alloc(sizeof *op->error);
    if (op->error)
        *op->error = final;
}

void operation_reopen(struct yoda_op *op)
{
    mem_free(op->error);
    op->error = NULL;
    op->status = YODA_OK;
    op->changes = 0;
}

static void complete_error(const struct yoda_op *op, yoda_error *out)
{
    if (op->error) {
        *out = *op->error;
        return;
    }
    out->code = op->status;
    out->sqlite_code = 0;
    out->sql_offset = -1;
    out->message[0] = 0;
    if (op->status != YODA_OK)
        snprintf(out->message, sizeof out->message, "%s", yoda_status_name(op->status));
}

void operation_complete_part(const struct completion_entry *entry, yoda_completion *out)
{
    const struct yoda_op *op = entry->op;
    out->user_data = op->user_data;
    out->kind = op->request.kind;
    out->status = YODA_OK;
    out->flags = YODA_COMPLETION_MORE;
    out->changes = 0;
    out->result = entry->part;
    out->txn = NULL;
    out->queued_ns = op->start_ns - op->call.begin_ns;
    out->run_ns = entry->posted_ns - op->start_ns;
    out->sync = (yoda_sync_stats){0};
    out->verify.difference[0] = 0;
    out->error.code = YODA_OK;
    out->error.sqlite_code = 0;
    out->error.sql_offset = -1;
    out->error.message[0] = 0;
}

void operation_complete(struct yoda_op *op, yoda_completion *out)
{
    ASSERT(atomic_load(&op->phase) == YODA_OP_DONE);
    out->user_data = op->user_data;
    out->kind = op->request.kind;
    out->status = op->status;
    out->flags = 0;
    out->changes = op->changes;
    out->result = op->result;
    op->result = NULL;
    out->txn = op->begun;
    op->begun = NULL;
    out->queued_ns = op->start_ns - op->call.begin_ns;
    out->run_ns = op->end_ns - op->start_ns;
    out->sync = op->sync;
    complete_error(op, &out->error);
    if (op->report)
        out->verify = *op->report;
    else
        out->verify.difference[0] = 0;
}

void operation_abandon(struct yoda_op *op)
{
    if (!op->begun)
        return;
    yoda_status ignored = yoda_rollback(op->begun, NULL); /* takes it whatever it says */
    YODA_UNUSED(ignored);
    op->begun = NULL;
}
