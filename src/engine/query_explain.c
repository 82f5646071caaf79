/*
 * query_explain.c -- EXPLAIN YODA, EXPLAIN YODA ANALYZE: on the side that would run it.
 */
#include "engine/explain.h"
#include "engine/query_state.h"

#include <stdio.h>

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
        status = query_run_rows(q, str_text(&sql), plan, err);
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
    yoda_status status = query_plan_columns(q, &columns_error);
    if (status == YODA_OK) {
        char reason[QUERY_REASON_TEXT];
        query_columns_reason(q, reason);
        str_printf(text, "column: %s\n", reason);
        plan_print(q->plan.root, text);
        return str_check(text, err);
    }
    TRY(query_fall_back(q, status, &columns_error, err));
    TRY(explain_rows(q, text, err));
    return str_check(text, err);
}

static bool is_write(const char *sql)
{
    return !route_may_query(sql);
}

yoda_status query_explain_plan(struct query *q, yoda_result *result, yoda_error *err)
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

/* ---- EXPLAIN YODA ANALYZE -------------------------------------------------------------------- */

/* Run the plan for its profile; the rows are dropped. A budget of its own tells what nodes keep. */
static yoda_status profile_run(struct query *q, struct op_profile *profile, yoda_error *err)
{
    struct run_stats stats = {0};
    struct run_context context = query_run_context(q, &stats);
    struct mem_budget budget;
    struct batch_list rows;
    mem_budget_init(&budget, context.budget, context.budget->limit_bytes);
    context.budget = &budget;
    context.profile = profile;
    batch_list_init(&rows, q->plan.column_count, &budget);
    yoda_status status =
        plan_run(q->plan.root, q->snapshot.version, q->plan.column_count, &context, &rows, err);
    batch_list_deinit(&rows);
    ASSERT(atomic_load(&budget.used_bytes) == 0);
    return status;
}

static yoda_status analyze_columns(struct query *q, yoda_result *result, yoda_error *err)
{
    char reason[QUERY_REASON_TEXT], line[QUERY_REASON_TEXT + 32];
    TRY(query_plan_columns(q, err));
    uint32_t count = q->plan.node_count;
    struct op_profile *profile = arena_array(&q->planned, struct op_profile, count);
    if (!profile)
        return fail_nomem(err, count * sizeof *profile);
    int64_t begin = os_monotonic_ns();
    TRY(profile_run(q, profile, err));
    int64_t end = os_monotonic_ns();
    query_columns_reason(q, reason);
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
        status = query_run_rows(q, q->sql + q->statement->select->span.start, rows, err);
    if (status == YODA_OK)
        status = explain_line(result, "total", os_monotonic_ns() - begin, err);
    yoda_result_close(rows);
    str_deinit(&text);
    return status;
}

yoda_status query_explain_analyze(struct query *q, yoda_result *result, yoda_error *err)
{
    yoda_error columns_error = {.sql_offset = -1};
    TRY(explain_open(result, err));
    yoda_status status = analyze_columns(q, result, &columns_error);
    result_set_route(result, YODA_SIDE_ROW, "an explanation");
    if (status == YODA_OK)
        return YODA_OK;
    TRY(query_fall_back(q, status, &columns_error, err));
    return analyze_rows(q, result, err);
}
