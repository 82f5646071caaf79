/*
 * query_plan.c -- planning a statement for the columns, or saying why not.
 *
 * Planning comes first, against what is there: a statement the columns cannot plan, or that SQLite
 * is estimated to answer in half the time, costs no sync. What they plan is brought up to date and,
 * when that published something, planned again.
 */
#include "engine/query_state.h"

#include <math.h>

#define FAR_BEHIND_NS 10000000 /* the columns are caught up beside the query that does not wait */

/* ---- Parameters ------------------------------------------------------------------------------ */

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

/* ---- Planning -------------------------------------------------------------------------------- */

void query_plan_release(struct query *q)
{
    if (!q->pinned)
        return;
    store_release(q->engine->columns.store, &q->snapshot);
    catalog_view_release(q->view);
    q->pinned = false;
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
        query_plan_release(q);
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
    query_plan_release(q);
    arena_reset(&q->planned);
    pin(q);
    q->binding = (struct view_binding){.view = q->view,
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
    q->cost =
        (struct route_cost){.columns_ns = q->plan.cost_columns_ns, .rows_ns = q->plan.cost_rows_ns};
    if (q->engine->options.router != ROUTER_COST)
        return YODA_OK;
    if (!route_rows_are_cheaper(&q->cost) && q->cost.rows_ns > 0)
        q->cost.wait_ns = freshness_wait_ns(q->engine, q->call, age_ms);
    if (!route_rows_are_cheaper(&q->cost)) {
        q->cost.wait_ns = 0;
        return YODA_OK;
    }
    if (q->cost.wait_ns > FAR_BEHIND_NS)
        sync_loop_wake(q->engine);
    route_cost_text(&q->cost, text);
    return fail(err, YODA_NOT_COLUMNAR, "SQLite is estimated cheaper (%s)", text);
}

/* A rule that looks at the statement and the view alone: it need not be asked again. */
static yoda_status refuse(struct query *q, const struct catalog_view *view, const char *reason,
                          yoda_error *err)
{
    if (!query_explains(q))
        freshness_note_route(q->engine, view, q->sql, reason);
    return fail(err, YODA_NOT_COLUMNAR, "%s", reason);
}

static yoda_status freshen(struct query *q, yoda_error *err)
{
    yoda_error local = {0};
    yoda_status status =
        freshness_ensure(q->engine, q->call, q->options.max_staleness_ms, q->until_ns, &local);
    if (status != YODA_OK)
        return fail(err, status, "the sync before the query failed: %.400s", local.message);
    return YODA_OK;
}

static yoda_status plan_fresh(struct query *q, yoda_error *err)
{
    bool demanded = q->options.side == YODA_SIDE_COLUMN;
    if (!demanded) {
        TRY(pin_and_plan(q, err));
        if (q->binding.used_count == 0 && q->engine->options.router == ROUTER_COST)
            return refuse(q, q->view, "it reads no table", err);
        TRY(check_cost(q, err));
    }
    TRY(freshen(q, err));
    if (demanded || !pinned_is_newest(q))
        TRY(pin_and_plan(q, err));
    if (q->until_ns > 0 && os_monotonic_ns() + (int64_t)q->plan.cost_columns_ns > q->until_ns)
        return fail(err, YODA_BUSY, "it is estimated to take longer");
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
    const char *reason = route_is_point_read(q->statement, view)  ? "point read by key"
                         : route_is_elsewhere(q->statement, view) ? "the table is not registered"
                                                                  : NULL;
    yoda_status status = reason ? refuse(q, view, reason, err) : YODA_OK;
    catalog_view_release(view);
    return status;
}

yoda_status query_plan_columns(struct query *q, yoda_error *err)
{
    if (q->options.side == YODA_SIDE_ROW)
        return fail(err, YODA_NOT_COLUMNAR, "SQLite was demanded");
    TRY(check_rules(q, err));
    if (!q->values)
        TRY(read_parameters(q, err));
    return plan_fresh(q, err);
}
