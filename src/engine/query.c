/*
 * query.c -- one reading statement: parse, choose the side, run, fall back.
 *
 * The columns are tried first unless a rule sends the statement to SQLite at once. "Not mine" at
 * any point, at run time too, and every failure of the columnar side short of cancellation or
 * memory sends the statement to SQLite; the reason goes into the result. A demanded side gets no
 * fallback.
 */
#include "engine/query_state.h"

#include <stdio.h>

/* ---- Life ------------------------------------------------------------------------------------ */

yoda_status query_parse(struct query *q, yoda_error *err)
{
    size_t size = strlen(q->sql);
    if (size > SQL_BYTES_MAX)
        return fail(err, YODA_TOO_BIG, "the statement is longer than %u bytes", SQL_BYTES_MAX);
    yoda_status status = sql_parse(q->sql, size, &q->parsed, &q->statement, &q->reason);
    if (status == YODA_NOMEM) {
        if (err)
            *err = q->reason;
        return status;
    }
    if (status != YODA_OK)
        q->statement = NULL; /* SQLite will say what is wrong, or know more than we do */
    return YODA_OK;
}

void query_init(struct query *q, yoda_engine *engine, struct call *call, const char *sql,
                const yoda_params *params, const yoda_query_options *options)
{
    *q = (struct query){
        .engine = engine, .call = call, .sql = sql, .params = params, .options = *options};
    arena_init(&q->parsed, &engine->core->budget);
    arena_init(&q->planned, &engine->core->budget);
    if (q->options.max_staleness_ms == YODA_STALENESS_DEFAULT)
        q->options.max_staleness_ms = engine->options.max_staleness_ms;
    if (options->timeout_ms > 0 && options->timeout_ms < (INT64_MAX - call->begin_ns) / 1000000)
        call->deadline_ns = call->begin_ns + options->timeout_ms * 1000000;
}

void query_deinit(struct query *q)
{
    query_plan_release(q);
    arena_deinit(&q->planned);
    arena_deinit(&q->parsed);
}

/* ---- Running on columns ---------------------------------------------------------------------- */

void query_columns_reason(const struct query *q, char out[QUERY_REASON_TEXT])
{
    char cost[ROUTE_COST_TEXT];
    bool demanded = q->options.side == YODA_SIDE_COLUMN;
    route_cost_text(&q->cost, cost);
    snprintf(out, QUERY_REASON_TEXT, "%s%s%s%s",
             demanded ? "columns were demanded" : "the columns can answer it",
             cost[0] ? " (estimated " : "", cost, cost[0] ? ")" : "");
}

void query_note_run(const struct query *q, const struct run_stats *stats, yoda_result *result)
{
    yoda_result_info *info = &result->info;
    info->watermark = q->snapshot.version->watermark;
    info->segments_read = atomic_load(&stats->segments_read);
    info->segments_total = atomic_load(&stats->segments_total);
    info->vectors_read = atomic_load(&stats->vectors_read);
    info->vectors_total = atomic_load(&stats->vectors_total);
    char reason[QUERY_REASON_TEXT];
    query_columns_reason(q, reason);
    result_set_route(result, YODA_SIDE_COLUMN, reason);
}

struct run_context query_run_context(struct query *q, struct run_stats *stats)
{
    const struct options *o = &q->engine->options;
    return (struct run_context){
        .knobs = {.no_pruning = !o->debug_pruning,
                  .no_codes = !o->debug_codes,
                  .vector_rows = (uint32_t)o->debug_vector_rows,
                  .spill_after_bytes = (uint64_t)o->debug_spill_after_kb << 10},
        .spill_directory = q->engine->spill_directory,
        .pool = q->engine->tasks,
        .budget = &q->engine->core->budget,
        .cancel = &q->call->cancel,
        .deadline_ns = q->until_ns ? q->until_ns : q->call->deadline_ns,
        .stats = stats,
    };
}

yoda_status query_run_columns(struct query *q, yoda_result *result, yoda_error *err)
{
    struct run_stats stats = {0};
    struct run_context context = query_run_context(q, &stats);
    TRY(query_plan_columns(q, err));
    result->info.staleness_ms = freshness_age_ms(q->engine, q->call->begin_ns);
    TRY(result_set_columns(result, q->plan.column_count, q->plan.column_names, err));
    TRY(result_set_types(result, q->plan.root->types, err));
    TRY(plan_run(q->plan.root, q->snapshot.version, q->plan.column_count, &context, &result->list,
                 err));
    query_note_run(q, &stats, result);
    return YODA_OK;
}

/* Damage is healed in the background: every table the plan reads is suspect. */
static void note_damage(struct query *q, const yoda_error *why)
{
    for (uint32_t i = 0; q->pinned && i < q->binding.used_count; i++)
        table_repair_note(q->engine, q->binding.used[i], why);
}

/* May SQLite answer after the columns failed like this? */
static bool may_fall_back(struct query *q, yoda_status status)
{
    if (status == YODA_CORRUPT || status == YODA_IOERR || status == YODA_NOT_FOUND)
        note_damage(q, &q->reason);
    if (q->options.side == YODA_SIDE_COLUMN)
        return false;
    switch (status) {
    case YODA_NOT_COLUMNAR:
    case YODA_CORRUPT:
    case YODA_IOERR:
    case YODA_NOT_FOUND:
    case YODA_READONLY:
    case YODA_FULL:
    case YODA_SCHEMA:
    case YODA_INTERNAL:
        return true;
    case YODA_BUSY: /* a sync that found a lock held; not when our own time is up */
        return q->call->deadline_ns == 0 || os_monotonic_ns() < q->call->deadline_ns;
    default:
        return false;
    }
}

yoda_status query_fall_back(struct query *q, yoda_status status, const yoda_error *why,
                            yoda_error *err)
{
    ASSERT(status != YODA_OK);
    q->reason = *why;
    if (may_fall_back(q, status))
        return YODA_OK;
    if (err)
        *err = *why;
    return status;
}

/* ---- Running on SQLite ----------------------------------------------------------------------- */

/* INSERT, UPDATE or DELETE with RETURNING. */
static bool returns_rows(const struct stmt *stmt, const char *sql)
{
    static const char *const words[] = {"INSERT", "REPLACE", "UPDATE", "DELETE", "WITH"};
    return stmt_column_count(stmt) > 0 && route_begins_with(sql, words, COUNT_OF(words));
}

yoda_status query_prepare(struct conn *conn, const char *sql, bool may_write, struct stmt *stmt,
                          yoda_error *err)
{
    const char *tail = NULL;
    if (route_is_blank(sql))
        return fail(err, YODA_MISUSE, "there is no statement");
    TRY(stmt_prepare(conn, sql, strlen(sql), stmt, &tail, err));
    if (stmt->handle && !route_is_blank(tail))
        return fail(err, YODA_MISUSE, "yoda_query runs exactly one statement");
    bool reads = stmt->handle && stmt_is_readonly(stmt) && route_may_query(sql);
    if (!reads && !(may_write && stmt->handle && returns_rows(stmt, sql)))
        return fail(err, YODA_MISUSE,
                    "yoda_query runs only statements that read; use yoda_execute");
    return YODA_OK;
}

yoda_status query_set_names(struct stmt *stmt, yoda_result *result, yoda_error *err)
{
    const char *names[SQL_COLUMNS_MAX];
    uint32_t count = (uint32_t)stmt_column_count(stmt);
    if (count > SQL_COLUMNS_MAX)
        return fail(err, YODA_TOO_BIG, "a result has at most %d columns", SQL_COLUMNS_MAX);
    for (uint32_t i = 0; i < count; i++)
        names[i] = stmt_column_name(stmt, (int)i);
    return result_set_names(result, count, names, err);
}

/* Names are taken after the rows: the first step may prepare a cached statement anew, with other
 * columns, if the schema moved. */
static yoda_status collect(struct stmt *stmt, const yoda_params *params, yoda_result *result,
                           yoda_error *err)
{
    TRY(stmt_bind_params(stmt, params, err));
    if (stmt_column_count(stmt) == 0)
        return stmt_step(stmt, err); /* a PRAGMA without a row */
    TRY(stmt_collect(stmt, &result->list, err));
    return query_set_names(stmt, result, err);
}

yoda_status query_on_connection(struct conn *conn, const char *sql, const yoda_params *params,
                                bool may_write, yoda_result *result, yoda_error *err)
{
    struct stmt stmt = {0};
    yoda_status status = query_prepare(conn, sql, may_write, &stmt, err);
    if (status == YODA_OK)
        status = collect(&stmt, params, result, err);
    stmt_finish(&stmt);
    return status;
}

yoda_status query_lease(struct query *q, struct conn **out, yoda_error *err)
{
    query_plan_release(q); /* SQLite may take long: do not keep old versions alive */
    TRY(call_check(q->call, err));
    if (q->until_ns == 0) {
        TRY(read_pool_lease(q->engine->readers, &q->call->cancel, out, err));
        conn_set_deadline(*out, q->call->deadline_ns);
        return YODA_OK;
    }
    if (!read_pool_try(q->engine->readers, &q->call->cancel, out))
        return fail(err, YODA_BUSY, "no read connection is open and free");
    conn_set_brief(*out, q->until_ns);
    return YODA_OK;
}

yoda_status query_run_rows(struct query *q, const char *sql, yoda_result *result, yoda_error *err)
{
    struct conn *conn = NULL;
    TRY(query_lease(q, &conn, err));
    yoda_status status = query_on_connection(conn, sql, q->params, false, result, err);
    read_pool_return(q->engine->readers, conn);
    return status;
}

void query_wake_sync(const struct query *q)
{
    const struct columns *columns = &q->engine->columns;
    if (atomic_load(&columns->pending) || atomic_load(&columns->unfinished))
        sync_loop_wake(q->engine);
}

yoda_status query_run_refused(struct query *q, yoda_result *result, yoda_error *err)
{
    query_wake_sync(q);
    result_clear(result);
    result->info.staleness_ms = 0;
    result_set_route(result, YODA_SIDE_ROW, q->reason.message);
    return query_run_rows(q, q->sql, result, err);
}

static yoda_status run_anywhere(struct query *q, yoda_result *result, yoda_error *err)
{
    yoda_error columns_error = {.sql_offset = -1};
    yoda_status status = query_run_columns(q, result, &columns_error);
    if (status == YODA_OK)
        return YODA_OK;
    TRY(query_fall_back(q, status, &columns_error, err));
    return query_run_refused(q, result, err);
}

/* ---- Entry ----------------------------------------------------------------------------------- */

bool query_explains(const struct query *q)
{
    return q->statement && q->statement->kind == AST_STATEMENT_EXPLAIN_YODA;
}

yoda_status query_run_parsed(struct query *q, yoda_result *result, yoda_error *err)
{
    if (!query_explains(q))
        return run_anywhere(q, result, err);
    return q->statement->analyze ? query_explain_analyze(q, result, err)
                                 : query_explain_plan(q, result, err);
}

const char *query_known_reason(const struct query *q)
{
    static const char *const explain[] = {"EXPLAIN"};
    size_t size = strlen(q->sql);
    if (size > SQL_BYTES_MAX || q->options.side == YODA_SIDE_COLUMN)
        return NULL;
    if (q->options.side == YODA_SIDE_AUTO)
        return freshness_known_route(q->engine, q->sql, size);
    return route_begins_with(q->sql, explain, 1) ? NULL : "SQLite was demanded";
}

yoda_status query_run_known(struct query *q, const char *reason, yoda_result *result,
                            yoda_error *err)
{
    query_wake_sync(q);
    result_set_rule(result, YODA_SIDE_ROW, reason);
    return query_run_rows(q, q->sql, result, err);
}

static yoda_status parse_and_run(struct query *q, yoda_result *result, yoda_error *err)
{
    const char *known = query_known_reason(q);
    if (known)
        return query_run_known(q, known, result, err);
    TRY(query_parse(q, err));
    return query_run_parsed(q, result, err);
}

static yoda_status parse_and_explain(struct query *q, yoda_result *result, yoda_error *err)
{
    TRY(query_parse(q, err));
    return query_explain_plan(q, result, err);
}

yoda_status query_end(struct query *q, query_run_fn *run, yoda_result **out, yoda_error *err)
{
    yoda_result *result = NULL;
    yoda_status status = result_create(q->engine->core, &result, err);
    if (status == YODA_OK)
        status = call_end_status(q->call, run(q, result, err), err);
    query_deinit(q);
    if (status != YODA_OK) {
        yoda_result_close(result);
        return status;
    }
    result->info.elapsed_ns = os_monotonic_ns() - q->call->begin_ns;
    *out = result;
    return YODA_OK;
}

yoda_status query_run(yoda_engine *engine, struct call *call, const char *sql,
                      const yoda_params *params, const yoda_query_options *options,
                      yoda_result **out, yoda_error *err)
{
    struct query q;
    query_init(&q, engine, call, sql, params, options);
    return query_end(&q, parse_and_run, out, err);
}

yoda_status query_explain(yoda_engine *engine, struct call *call, const char *sql,
                          yoda_result **out, yoda_error *err)
{
    yoda_query_options options = YODA_QUERY_OPTIONS_INIT;
    struct query q;
    query_init(&q, engine, call, sql, NULL, &options);
    return query_end(&q, parse_and_explain, out, err);
}
