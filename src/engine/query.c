/*
 * query.c -- one reading statement: parse, choose the side, run, fall back.
 *
 * The columns are tried first unless a rule sends the statement to SQLite at once. Trying begins
 * with planning against what is there: a statement the columns cannot plan, or that SQLite is
 * estimated to answer in half the time, costs no sync. What they plan is brought up to date and,
 * when that published something, planned again. "Not mine" at
 * any point, at run time too, and every failure of the columnar side short of cancellation or
 * memory sends the statement to SQLite; the reason goes into the result. A demanded side gets no
 * fallback.
 */
#include "engine/engine.h"
#include "engine/explain.h"
#include "engine/route.h"

#include <math.h>
#include <stdio.h>

struct query {
    yoda_engine *engine;
    struct call *call;
    const char *sql;
    const yoda_params *params;
    yoda_query_options options;
    struct arena parsed;  /* the statement and its parameters */
    struct arena planned; /* what binding and planning make: reset before planning again */
    struct ast_statement *statement; /* NULL: the parser did not understand it */
    struct value *values;            /* [parameter_count] */
    struct catalog_view *view;       /* while pinned */
    struct snapshot snapshot;
    bool pinned;
    struct view_binding binding;
    struct sql_plan plan;
    struct route_cost cost;
    int64_t planning_ns; /* the last planning */
    yoda_error reason;   /* why not columns: code and message */
};

/* ---- Parsing --------------------------------------------------------------------------------- */

static bool convert_value(const yoda_value *in, struct value *out)
{
    switch (in->type) {
    case YODA_NULL:
        *out = value_null();
        return true;
    case YODA_INTEGER:
        *out = value_int(in->integer);
        return true;
    case YODA_REAL:
        *out = isnan(in->real) ? value_null() : value_real(in->real);
        return true;
    case YODA_TEXT:
    case YODA_BLOB:
        if (in->size > INT32_MAX || (in->size > 0 && !in->data))
            return false;
        *out =
            in->type == YODA_TEXT ? value_text(in->data, in->size) : value_blob(in->data, in->size);
        return true;
    }
    return false;
}

/* "name" and ":name" both mean the parameter written :name, @name or $name. */
static bool name_matches(const char *parameter, const char *given)
{
    if (!parameter || !given)
        return false;
    return strcmp(parameter, given) == 0 || strcmp(parameter + 1, given) == 0;
}

static const yoda_value *given_value(const struct query *q, uint32_t index)
{
    const yoda_params *p = q->params;
    if (!p->names)
        return &p->values[index];
    for (size_t i = 0; i < p->count; i++)
        if (name_matches(q->statement->parameter_names[index], p->names[i]))
            return &p->values[i];
    return NULL;
}

/* Parameters by index. Anything odd about them is left to SQLite to complain about. */
static yoda_status read_parameters(struct query *q, yoda_error *err)
{
    uint32_t count = q->statement->parameter_count;
    size_t given = q->params ? q->params->count : 0;
    if (given != count)
        return fail(err, YODA_NOT_COLUMNAR, "the statement has %u parameters, %zu are given", count,
                    given);
    q->values = arena_array(&q->parsed, struct value, count);
    if (!q->values)
        return fail_nomem(err, count * sizeof *q->values);
    for (uint32_t i = 0; i < count; i++) {
        const yoda_value *value = given_value(q, i);
        if (!value || !convert_value(value, &q->values[i]))
            return fail(err, YODA_NOT_COLUMNAR, "parameter %u has no usable value", i + 1);
    }
    return YODA_OK;
}

static yoda_status parse(struct query *q, yoda_error *err)
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

static void query_init(struct query *q, yoda_engine *engine, struct call *call, const char *sql,
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

/* ---- Planning -------------------------------------------------------------------------------- */

static void unpin(struct query *q)
{
    if (!q->pinned)
        return;
    store_release(q->engine->columns.store, &q->snapshot);
    catalog_view_release(q->view);
    q->pinned = false;
}

static void query_deinit(struct query *q)
{
    unpin(q);
    arena_deinit(&q->planned);
    arena_deinit(&q->parsed);
}

/* A view and a version that belong together: see catalog_view.h. */
static void pin(struct query *q)
{
    ASSERT(!q->pinned);
    for (;;) {
        q->view = freshness_view(q->engine);
        store_acquire(q->engine->columns.store, &q->snapshot);
        q->pinned = true;
        struct catalog_view *now = freshness_view(q->engine);
        bool same = now == q->view;
        catalog_view_release(now);
        if (same)
            return;
        unpin(q);
    }
}

static bool pinned_is_newest(struct query *q)
{
    struct snapshot newest;
    store_acquire(q->engine->columns.store, &newest);
    struct catalog_view *view = freshness_view(q->engine);
    bool same = newest.version == q->snapshot.version && view == q->view;
    catalog_view_release(view);
    store_release(q->engine->columns.store, &newest);
    return same;
}

static yoda_status pin_and_plan(struct query *q, yoda_error *err)
{
    unpin(q);
    arena_reset(&q->planned);
    pin(q);
    q->binding = (struct view_binding){
        .view = q->view,
        .version = q->snapshot.version,
        .capture = q->engine->columns.capture,
        .arena = &q->planned};
    struct catalog catalog = catalog_view_bind(&q->binding);
    int64_t begin = os_monotonic_ns();
    yoda_status status =
        sql_plan_select(q->statement, q->sql, q->values, &catalog, &q->planned, &q->plan, err);
    q->planning_ns = os_monotonic_ns() - begin;
    return status;
}

/* Both sides can: which one? */
static yoda_status check_cost(struct query *q, yoda_error *err)
{
    char text[ROUTE_COST_TEXT];
    int64_t age_ms = q->options.max_staleness_ms;
    q->cost = (struct route_cost){.columns_ns = q->plan.cost_columns_ns,
                                  .rows_ns = q->plan.cost_rows_ns};
    if (q->engine->options.router != ROUTER_COST)
        return YODA_OK;
    if (!route_rows_are_cheaper(&q->cost)) { /* is it worth asking whether a sync is due? */
        q->cost.wait_ns = freshness_sync_ns(q->engine);
        if (route_rows_are_cheaper(&q->cost) && !freshness_is_due(q->engine, q->call, age_ms))
            q->cost.wait_ns = 0;
    }
    if (!route_rows_are_cheaper(&q->cost)) {
        q->cost.wait_ns = 0;
        return YODA_OK;
    }
    route_cost_text(&q->cost, text);
    return fail(err, YODA_NOT_COLUMNAR, "SQLite is estimated cheaper (%s)", text);
}

static yoda_status plan_fresh(struct query *q, yoda_error *err)
{
    bool demanded = q->options.side == YODA_SIDE_COLUMN;
    if (!demanded) {
        TRY(pin_and_plan(q, err));
        TRY(check_cost(q, err));
    }
    yoda_error local = {0};
    yoda_status status = freshness_ensure(q->engine, q->call, q->options.max_staleness_ms, &local);
    if (status != YODA_OK)
        return fail(err, status, "the sync before the query failed: %.400s", local.message);
    if (demanded || !pinned_is_newest(q))
        TRY(pin_and_plan(q, err));
    return YODA_OK;
}

/* The rules that come before trying. */
static yoda_status check_rules(struct query *q, yoda_error *err)
{
    yoda_engine *engine = q->engine;
    if (!q->statement || q->statement->more_follows)
        return fail(err, YODA_NOT_COLUMNAR, "%.400s",
                    q->statement ? "more than one statement" : q->reason.message);
    if (q->statement->kind != AST_STATEMENT_SELECT &&
        q->statement->kind != AST_STATEMENT_EXPLAIN_YODA)
        return fail(err, YODA_NOT_COLUMNAR, "only SELECT runs on columns");
    if (!owner_is(engine)) {
        pthread_mutex_lock(&engine->message_mutex);
        yoda_status status = fail(err, YODA_NOT_COLUMNAR, "%s", engine->why_not_owner);
        pthread_mutex_unlock(&engine->message_mutex);
        return status;
    }
    if (q->options.side == YODA_SIDE_COLUMN)
        return YODA_OK;
    struct catalog_view *view = freshness_view(engine);
    bool point = route_is_point_read(q->statement, view);
    catalog_view_release(view);
    return point ? fail(err, YODA_NOT_COLUMNAR, "point read by key") : YODA_OK;
}

static yoda_status prepare_columns(struct query *q, yoda_error *err)
{
    if (q->options.side == YODA_SIDE_ROW)
        return fail(err, YODA_NOT_COLUMNAR, "SQLite was demanded");
    TRY(check_rules(q, err));
    if (!q->values)
        TRY(read_parameters(q, err));
    return plan_fresh(q, err);
}

/* ---- Running --------------------------------------------------------------------------------- */

static void columns_reason(const struct query *q, char out[ROUTE_COST_TEXT + 64])
{
    char cost[ROUTE_COST_TEXT];
    bool demanded = q->options.side == YODA_SIDE_COLUMN;
    route_cost_text(&q->cost, cost);
    snprintf(out, ROUTE_COST_TEXT + 64, "%s%s%s%s",
             demanded ? "columns were demanded" : "the columns can answer it",
             cost[0] ? " (estimated " : "", cost, cost[0] ? ")" : "");
}

static void note_run(struct query *q, struct run_stats *stats, yoda_result *result)
{
    yoda_result_info *info = &result->info;
    info->watermark = q->snapshot.version->watermark;
    info->segments_read = atomic_load(&stats->segments_read);
    info->segments_total = atomic_load(&stats->segments_total);
    info->vectors_read = atomic_load(&stats->vectors_read);
    info->vectors_total = atomic_load(&stats->vectors_total);
    char reason[ROUTE_COST_TEXT + 64];
    columns_reason(q, reason);
    result_set_route(result, YODA_SIDE_COLUMN, reason);
}

static struct run_context context_of(struct query *q, struct run_stats *stats)
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
        .deadline_ns = q->call->deadline_ns,
        .stats = stats,
    };
}

static yoda_status run_columns(struct query *q, yoda_result *result, yoda_error *err)
{
    struct run_stats stats = {0};
    struct run_context context = context_of(q, &stats);
    TRY(prepare_columns(q, err));
    result->info.staleness_ms = freshness_age_ms(q->engine, q->call->begin_ns);
    TRY(result_set_columns(result, q->plan.column_count, q->plan.column_names, err));
    TRY(result_set_types(result, q->plan.root->types, err));
    TRY(plan_run(q->plan.root, q->snapshot.version, q->plan.column_count, &context, &result->list,
                 err));
    note_run(q, &stats, result);
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

/* Exactly one statement, and one that reads. */
static yoda_status prepare_single(struct conn *conn, const char *sql, struct stmt *stmt,
                                  yoda_error *err)
{
    const char *tail = NULL;
    if (route_is_blank(sql))
        return fail(err, YODA_MISUSE, "there is no statement");
    TRY(stmt_prepare(conn, sql, strlen(sql), stmt, &tail, err));
    if (stmt->handle && !route_is_blank(tail))
        return fail(err, YODA_MISUSE, "yoda_query runs exactly one statement");
    if (!stmt->handle || !stmt_is_readonly(stmt) || !route_may_query(sql))
        return fail(err, YODA_MISUSE,
                    "yoda_query runs only statements that read; use yoda_execute");
    return YODA_OK;
}

/* Names are taken after the rows: the first step may prepare a cached statement anew, with other
 * columns, if the schema moved. */
static yoda_status collect(struct stmt *stmt, const yoda_params *params, yoda_result *result,
                           yoda_error *err)
{
    const char *names[SQL_COLUMNS_MAX];
    TRY(stmt_bind_params(stmt, params, err));
    if (stmt_column_count(stmt) == 0)
        return stmt_step(stmt, err); /* a PRAGMA without a row */
    TRY(stmt_collect(stmt, &result->list, err));
    uint32_t count = (uint32_t)stmt_column_count(stmt);
    if (count > SQL_COLUMNS_MAX)
        return fail(err, YODA_TOO_BIG, "a result has at most %d columns", SQL_COLUMNS_MAX);
    for (uint32_t i = 0; i < count; i++)
        names[i] = stmt_column_name(stmt, (int)i);
    return result_set_names(result, count, names, err);
}

yoda_status query_on_connection(struct conn *conn, const char *sql, const yoda_params *params,
                                yoda_result *result, yoda_error *err)
{
    struct stmt stmt = {0};
    yoda_status status = prepare_single(conn, sql, &stmt, err);
    if (status == YODA_OK)
        status = collect(&stmt, params, result, err);
    stmt_finish(&stmt);
    return status;
}

static yoda_status run_rows(struct query *q, const char *sql, yoda_result *result, yoda_error *err)
{
    yoda_engine *engine = q->engine;
    struct conn *conn = NULL;
    unpin(q); /* SQLite may take long: do not keep old versions alive */
    TRY(call_check(q->call, err));
    TRY(read_pool_lease(engine->readers, &q->call->cancel, &conn, err));
    conn_set_deadline(conn, q->call->deadline_ns);
    yoda_status status = query_on_connection(conn, sql, q->params, result, err);
    read_pool_return(engine->readers, conn);
    return status;
}

static yoda_status run_anywhere(struct query *q, yoda_result *result, yoda_error *err)
{
    yoda_error columns_error = {.sql_offset = -1};
    yoda_status status = run_columns(q, result, &columns_error);
    if (status == YODA_OK)
        return YODA_OK;
    q->reason = columns_error;
    if (!may_fall_back(q, status)) {
        if (err)
            *err = q->reason;
        return status;
    }
    if (atomic_load(&q->engine->columns.pending) || atomic_load(&q->engine->columns.unfinished))
        sync_loop_wake(q->engine);
    result_clear(result);
    result->info.staleness_ms = 0;
    result_set_route(result, YODA_SIDE_ROW, q->reason.message);
    return run_rows(q, q->sql, result, err);
}

/* ---- EXPLAIN YODA ---------------------------------------------------------------------------- */

static yoda_status explain_rows(struct query *q, struct str *text, yoda_error *err)
{
    yoda_result *plan = NULL;
    struct str sql;
    uint32_t start = q->statement && q->statement->select ? q->statement->select->span.start : 0;
    str_init(&sql);
    str_printf(&sql, "EXPLAIN QUERY PLAN %s", q->sql + start);
    str_printf(text, "row: %s\n", q->reason.message);
    yoda_status status = str_check(&sql, err);
    if (status == YODA_OK)
        status = result_create(q->engine->core, &plan, err);
    if (status == YODA_OK)
        status = run_rows(q, str_text(&sql), plan, err);
    while (status == YODA_OK && yoda_result_next(plan)) {
        size_t size = 0;
        const char *detail = yoda_result_bytes(plan, 3, &size);
        str_puts(text, "  sqlite: ");
        str_append(text, detail ? detail : "", size);
        str_putc(text, '\n');
    }
    yoda_result_close(plan);
    str_deinit(&sql);
    return status;
}

static yoda_status explain_text(struct query *q, struct str *text, yoda_error *err)
{
    yoda_error columns_error = {.sql_offset = -1};
    yoda_status status = prepare_columns(q, &columns_error);
    if (status == YODA_OK) {
        char reason[ROUTE_COST_TEXT + 64];
        columns_reason(q, reason);
        str_printf(text, "column: %s\n", reason);
        plan_print(q->plan.root, text);
        return str_check(text, err);
    }
    q->reason = columns_error;
    if (!may_fall_back(q, status)) {
        if (err)
            *err = q->reason;
        return status;
    }
    TRY(explain_rows(q, text, err));
    return str_check(text, err);
}

/* ---- EXPLAIN YODA ANALYZE -------------------------------------------------------------------- */

/* Run the plan for its profile; the rows are dropped. A budget of its own tells what nodes keep. */
static yoda_status profile_run(struct query *q, struct op_profile *profile, yoda_error *err)
{
    struct run_stats stats = {0};
    struct run_context context = context_of(q, &stats);
    struct mem_budget budget;
    struct batch_list rows;
    mem_budget_init(&budget, context.budget, context.budget->limit_bytes);
    context.budget = &budget;
    context.profile = profile;
    batch_list_init(&rows, q->plan.column_count, &budget);
    yoda_status status = plan_run(q->plan.root, q->snapshot.version, q->plan.column_count,
                                  &context, &rows, err);
    batch_list_deinit(&rows);
    ASSERT(atomic_load(&budget.used_bytes) == 0);
    return status;
}

static yoda_status analyze_columns(struct query *q, yoda_result *result, yoda_error *err)
{
    char reason[ROUTE_COST_TEXT + 64], line[ROUTE_COST_TEXT + 96];
    TRY(prepare_columns(q, err));
    uint32_t count = q->plan.node_count;
    struct op_profile *profile = arena_array(&q->planned, struct op_profile, count);
    if (!profile)
        return fail_nomem(err, count * sizeof *profile);
    int64_t begin = os_monotonic_ns();
    TRY(profile_run(q, profile, err));
    int64_t end = os_monotonic_ns();
    columns_reason(q, reason);
    snprintf(line, sizeof line, "column: %s", reason);
    TRY(explain_line(result, line, -1, err));
    TRY(explain_tree(result, q->plan.root, profile, err));
    TRY(explain_line(result, "handing over the rows", (int64_t)profile[0].time_ns, err));
    TRY(explain_line(result, "planning", q->planning_ns, err));
    return explain_line(result, "total", q->planning_ns + end - begin, err);
}

/* SQLite runs it: its plan, and how long it takes. */
static yoda_status analyze_rows(struct query *q, yoda_result *result, yoda_error *err)
{
    yoda_result *rows = NULL;
    struct str text;
    str_init(&text);
    yoda_status status = explain_rows(q, &text, err);
    for (char *line = text.data; status == YODA_OK && line && *line;) {
        size_t size = strcspn(line, "\n");
        char *next = line + size + (line[size] == '\n');
        line[size] = '\0';
        status = explain_line(result, line, -1, err);
        line = next;
    }
    int64_t begin = os_monotonic_ns();
    if (status == YODA_OK)
        status = result_create(q->engine->core, &rows, err);
    if (status == YODA_OK)
        status = run_rows(q, q->sql + q->statement->select->span.start, rows, err);
    if (status == YODA_OK)
        status = explain_line(result, "total", os_monotonic_ns() - begin, err);
    yoda_result_close(rows);
    str_deinit(&text);
    return status;
}

static yoda_status analyze(struct query *q, yoda_result *result, yoda_error *err)
{
    yoda_error columns_error = {.sql_offset = -1};
    TRY(explain_open(result, err));
    yoda_status status = analyze_columns(q, result, &columns_error);
    result_set_route(result, YODA_SIDE_ROW, "an explanation");
    if (status == YODA_OK)
        return YODA_OK;
    q->reason = columns_error;
    if (may_fall_back(q, status))
        return analyze_rows(q, result, err);
    if (err)
        *err = q->reason;
    return status;
}

static bool is_write(const char *sql)
{
    return !route_may_query(sql);
}

static yoda_status explain(struct query *q, yoda_result *result, yoda_error *err)
{
    static const char *const column[] = {"plan"};
    struct str text;
    str_init(&text);
    q->params = NULL;
    yoda_status status = YODA_OK;
    uint32_t count = q->statement ? q->statement->parameter_count : 0;
    q->values = arena_array(&q->parsed, struct value, count);
    if (!q->values)
        status = fail_nomem(err, count * sizeof *q->values);
    for (uint32_t i = 0; q->values && i < count; i++)
        q->values[i] = value_null();
    if (status == YODA_OK && is_write(q->sql))
        str_puts(&text, "row: writes run on SQLite\n");
    else if (status == YODA_OK)
        status = explain_text(q, &text, err);
    if (status == YODA_OK)
        status = result_set_columns(result, 1, column, err);
    if (status == YODA_OK)
        status = result_append_lines(result, str_text(&text), err);
    result_set_route(result, YODA_SIDE_ROW, "an explanation");
    str_deinit(&text);
    return status;
}

/* ---- Entry ----------------------------------------------------------------------------------- */

static yoda_status run(struct query *q, bool only_explain, yoda_result *result, yoda_error *err)
{
    TRY(parse(q, err));
    bool explains = q->statement && q->statement->kind == AST_STATEMENT_EXPLAIN_YODA;
    if (explains && q->statement->analyze && !only_explain)
        return analyze(q, result, err);
    if (only_explain || explains)
        return explain(q, result, err);
    return run_anywhere(q, result, err);
}

static yoda_status run_query(yoda_engine *engine, struct call *call, const char *sql,
                             const yoda_params *params, const yoda_query_options *options,
                             bool only_explain, yoda_result **out, yoda_error *err)
{
    struct query q;
    yoda_result *result = NULL;
    TRY(result_create(engine->core, &result, err));
    query_init(&q, engine, call, sql, params, options);
    yoda_status status = run(&q, only_explain, result, err);
    status = call_end_status(call, status, err);
    query_deinit(&q);
    if (status != YODA_OK) {
        yoda_result_close(result);
        return status;
    }
    result->info.elapsed_ns = os_monotonic_ns() - call->begin_ns;
    *out = result;
    return YODA_OK;
}

yoda_status query_run(yoda_engine *engine, struct call *call, const char *sql,
                      const yoda_params *params, const yoda_query_options *options,
                      yoda_result **out, yoda_error *err)
{
    return run_query(engine, call, sql, params, options, false, out, err);
}

yoda_status query_explain(yoda_engine *engine, struct call *call, const char *sql,
                          yoda_result **out, yoda_error *err)
{
    yoda_query_options options = YODA_QUERY_OPTIONS_INIT;
    return run_query(engine, call, sql, NULL, &options, true, out, err);
}
