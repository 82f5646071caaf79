/*
 * query_stream.c -- a query whose rows go out in parts while it runs.
 *
 * Each part is a result of its own. The receiver may keep us waiting at any part; the pinned
 * version or the open SELECT stays, so all parts are of one snapshot. SQLite may take over from the
 * columns as long as nothing was handed over: afterwards nobody could tell which rows are still to
 * come.
 *
 * An open SELECT on a database in memory locks writers out (SQLite has no WAL there). Its parts are
 * made without waiting and handed over when it has been closed.
 *
 * Types     a part knows its own values only. So that a column which happens to be all NULL in one
 *           part does not change its Arrow type, `types` carries on what it was: at first the
 *           plan's type, then what values there were.
 */
#include "engine/query_state.h"

#include <string.h>

#define PART_BYTES (UINT64_C(1) << 20)

struct stream {
    struct query q;
    const struct query_receiver *receiver;
    uint64_t parts;    /* handed over */
    enum vtype *types; /* [columns], in q.parsed; NULL: not known yet */
    struct run_stats stats;
    int64_t staleness_ms;
    bool keeps;         /* parts are kept for later */
    yoda_result **kept; /* [kept_count], those before kept_first are gone */
    size_t kept_first, kept_count, kept_room;
};

/* ---- Parts ----------------------------------------------------------------------------------- */

static yoda_status set_types(struct stream *s, uint32_t columns, const enum vtype *types,
                             yoda_error *err)
{
    s->types = arena_calloc(&s->q.parsed, columns + (size_t)1, sizeof *s->types);
    if (!s->types)
        return fail_nomem(err, columns * sizeof *s->types);
    if (types)
        memcpy(s->types, types, columns * sizeof *types);
    return YODA_OK;
}

/* What the columns of a part are, for the parts to come. */
static void learn_types(struct stream *s, const yoda_result *part)
{
    static const enum vtype types[] = {[BATCH_INTEGER] = VT_INT,
                                       [BATCH_REAL] = VT_REAL,
                                       [BATCH_TEXT] = VT_TEXT,
                                       [BATCH_BLOB] = VT_BLOB};
    for (size_t b = 0; b < part->list.batch_count; b++)
        for (uint32_t i = 0; i < part->column_count; i++) {
            enum batch_kind kind = part->list.batches[b]->columns[i].kind;
            if (kind != BATCH_NULL && kind != BATCH_MIXED)
                s->types[i] = types[kind];
        }
}

static yoda_status hand_over(struct stream *s, yoda_result *part, yoda_error *err)
{
    part->info.elapsed_ns = os_monotonic_ns() - s->q.call->begin_ns;
    TRY(s->receiver->take(s->receiver->ctx, part, err));
    s->parts++;
    return YODA_OK;
}

static yoda_status keep(struct stream *s, yoda_result *part, yoda_error *err)
{
    if (s->kept_count == s->kept_room) {
        size_t room = s->kept_room ? 2 * s->kept_room : 16;
        yoda_result **kept = mem_realloc(s->kept, room * sizeof *kept);
        if (!kept) {
            yoda_result_close(part);
            return fail_nomem(err, room * sizeof *kept);
        }
        s->kept = kept;
        s->kept_room = room;
    }
    s->kept[s->kept_count++] = part;
    return YODA_OK;
}

static yoda_status hand_over_kept(struct stream *s, yoda_error *err)
{
    while (s->kept_first < s->kept_count)
        TRY(hand_over(s, s->kept[s->kept_first++], err));
    return YODA_OK;
}

/* The part is taken, also on failure. */
static yoda_status send_part(struct stream *s, yoda_result *part, yoda_error *err)
{
    part->is_part = true;
    if (part->column_count > 0) {
        yoda_status status = result_set_types(part, s->types, err);
        if (status != YODA_OK) {
            yoda_result_close(part);
            return status;
        }
        learn_types(s, part);
    }
    return s->keeps ? keep(s, part, err) : hand_over(s, part, err);
}

/* ---- On columns ------------------------------------------------------------------------------ */

static yoda_status column_part(struct stream *s, yoda_result **out, yoda_error *err)
{
    const struct sql_plan *plan = &s->q.plan;
    TRY(result_create(s->q.engine->core, out, err));
    yoda_status status = result_set_columns(*out, plan->column_count, plan->column_names, err);
    if (status != YODA_OK) {
        yoda_result_close(*out);
        return status;
    }
    query_note_run(&s->q, &s->stats, *out);
    (*out)->info.staleness_ms = s->staleness_ms;
    return YODA_OK;
}

static yoda_status take_batch(void *ctx, struct batch *batch, yoda_error *err)
{
    struct stream *s = ctx;
    yoda_result *part = NULL;
    yoda_status status = column_part(s, &part, err);
    if (status != YODA_OK) {
        batch_destroy(batch);
        return status;
    }
    status = batch_list_push(&part->list, batch, err);
    if (status == YODA_OK)
        return send_part(s, part, err);
    batch_destroy(batch);
    yoda_result_close(part);
    return status;
}

static yoda_status send_no_rows(struct stream *s, yoda_error *err)
{
    yoda_result *part = NULL;
    TRY(column_part(s, &part, err));
    return send_part(s, part, err);
}

static yoda_status run_columns(struct stream *s, yoda_error *err)
{
    struct query *q = &s->q;
    struct run_context context = query_run_context(q, &s->stats);
    const struct plan_receiver receiver = {take_batch, s};
    TRY(query_plan_columns(q, err));
    s->staleness_ms = freshness_age_ms(q->engine, q->call->begin_ns);
    TRY(set_types(s, q->plan.column_count, q->plan.root->types, err));
    TRY(plan_run_stream(q->plan.root, q->snapshot.version, q->plan.column_count, &context,
                        &receiver, err));
    return s->parts == 0 ? send_no_rows(s, err) : YODA_OK;
}

/* ---- On SQLite ------------------------------------------------------------------------------- */

static yoda_status fetch_part(struct stream *s, struct stmt *stmt, yoda_result *part,
                              yoda_error *err)
{
    static const struct stmt_room room = {BATCH_ROWS, PART_BYTES};
    uint32_t columns = (uint32_t)stmt_column_count(stmt);
    batch_list_init(&part->list, columns, &s->q.engine->core->budget);
    TRY(query_set_names(stmt, part, err));
    result_set_route(part, YODA_SIDE_ROW, s->q.reason.message);
    return columns > 0 ? stmt_fetch(stmt, &room, &part->list, err) : YODA_OK;
}

/* The first step may prepare a cached statement anew, with other columns: they are known then. */
static yoda_status step_through(struct stream *s, struct stmt *stmt, yoda_error *err)
{
    TRY(stmt_bind_params(stmt, s->q.params, err));
    TRY(stmt_step(stmt, err));
    TRY(set_types(s, (uint32_t)stmt_column_count(stmt), NULL, err));
    do {
        yoda_result *part = NULL;
        TRY(result_create(s->q.engine->core, &part, err));
        yoda_status status = fetch_part(s, stmt, part, err);
        if (status != YODA_OK) {
            yoda_result_close(part);
            return status;
        }
        TRY(send_part(s, part, err));
        if (stmt->row)
            TRY(stmt_step(stmt, err));
    } while (stmt->row);
    return YODA_OK;
}

static yoda_status run_rows(struct stream *s, yoda_error *err)
{
    struct conn *conn = NULL;
    struct stmt stmt = {0};
    s->keeps = s->q.engine->real_path == NULL;
    TRY(query_lease(&s->q, &conn, err));
    yoda_status status = query_prepare(conn, s->q.sql, false, &stmt, err);
    if (status == YODA_OK)
        status = step_through(s, &stmt, err);
    stmt_finish(&stmt);
    read_pool_return(s->q.engine->readers, conn);
    TRY(status);
    return hand_over_kept(s, err);
}

/* ---- Entry ----------------------------------------------------------------------------------- */

static yoda_status run_anywhere(struct stream *s, yoda_error *err)
{
    yoda_error why = {.sql_offset = -1};
    yoda_status status = run_columns(s, &why);
    if (status == YODA_OK)
        return YODA_OK;
    TRY(query_fall_back(&s->q, status, &why, err));
    if (s->parts > 0)
        return fail(err, status,
                    "the columns failed when %llu parts of the stream were delivered: %.300s. "
                    "Side \"row\" avoids this",
                    (unsigned long long)s->parts, why.message);
    query_wake_sync(&s->q);
    return run_rows(s, err);
}

static yoda_status explain(struct stream *s, yoda_error *err)
{
    yoda_result *result = NULL;
    TRY(result_create(s->q.engine->core, &result, err));
    yoda_status status = query_run_parsed(&s->q, result, err);
    if (status == YODA_OK)
        return hand_over(s, result, err);
    yoda_result_close(result);
    return status;
}

static void stream_deinit(struct stream *s)
{
    while (s->kept_first < s->kept_count)
        yoda_result_close(s->kept[s->kept_first++]);
    mem_free(s->kept);
    query_deinit(&s->q);
}

yoda_status query_stream_run(yoda_engine *engine, struct call *call, const char *sql,
                             const yoda_params *params, const yoda_query_options *options,
                             const struct query_receiver *receiver, yoda_error *err)
{
    struct stream s = {.receiver = receiver};
    query_init(&s.q, engine, call, sql, params, options);
    yoda_status status = query_parse(&s.q, err);
    if (status == YODA_OK)
        status = query_explains(&s.q) ? explain(&s, err) : run_anywhere(&s, err);
    status = call_end_status(call, status, err);
    stream_deinit(&s);
    return status;
}
