/*
 * query_state.h -- one reading statement on its way, for the files that run it.
 *
 *   query.c          parse, choose the side, run, fall back; a result
 *   query_plan.c     parameters, pinning, planning against what is pinned
 *   query_stream.c   run and fall back like query.c; a result for every part of the rows
 *   query_inline.c   run it at once, or not at all
 *   query_explain.c  say what would be run, or what it cost
 *
 * Life      query_init -> query_parse -> run or explain -> query_deinit, on one thread; query_end is
 *           all but the first.
 */
#ifndef YODA_ENGINE_QUERY_STATE_H
#define YODA_ENGINE_QUERY_STATE_H

#include "engine/engine.h"
#include "engine/route.h"

#define QUERY_REASON_TEXT (ROUTE_COST_TEXT + 64)

struct query {
    yoda_engine *engine;
    struct call *call;
    const char *sql;
    const yoda_params *params;
    yoda_query_options options;
    int64_t until_ns;     /* inline: give up at this time, and wait for nobody; 0: as it takes */
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

/* ---- query.c --------------------------------------------------------------------------------- */

void query_init(struct query *q, yoda_engine *engine, struct call *call, const char *sql,
                const yoda_params *params, const yoda_query_options *options);
void query_deinit(struct query *q);
/* Run it in some way into a new result, *out, and deinit it. */
typedef yoda_status query_run_fn(struct query *q, yoda_result *result, yoda_error *err);
YODA_MUST_CHECK yoda_status query_end(struct query *q, query_run_fn *run, yoda_result **out,
                                      yoda_error *err);
/* Parse; what the parser does not know is left to SQLite. Errors: TOO_BIG, NOMEM. */
YODA_MUST_CHECK yoda_status query_parse(struct query *q, yoda_error *err);
bool query_explains(const struct query *q);
/* Run a parsed statement, an explanation too, into a result without columns. */
YODA_MUST_CHECK yoda_status query_run_parsed(struct query *q, yoda_result *result, yoda_error *err);
struct run_context query_run_context(struct query *q, struct run_stats *stats);
/* Write down in a result of the columns which version it read, how much of it, and why there. */
void query_note_run(const struct query *q, const struct run_stats *stats, yoda_result *result);
void query_columns_reason(const struct query *q, char out[QUERY_REASON_TEXT]);
/* The columns failed: keep why, note damage. OK: SQLite may answer; else the query ends so. */
YODA_MUST_CHECK yoda_status query_fall_back(struct query *q, yoda_status status,
                                            const yoda_error *why, yoda_error *err);
/* SQLite answers what the columns may soon be able to: see to it. */
void query_wake_sync(const struct query *q);
/* Run on the columns. */
YODA_MUST_CHECK yoda_status query_run_columns(struct query *q, yoda_result *result,
                                              yoda_error *err);
/* Why SQLite answers, where that can be said without parsing; NULL: it cannot. And do it. */
const char *query_known_reason(const struct query *q);
YODA_MUST_CHECK yoda_status query_run_known(struct query *q, const char *reason,
                                            yoda_result *result, yoda_error *err);
/* The columns did not answer, q->reason says why: SQLite does, into a result begun or not. */
YODA_MUST_CHECK yoda_status query_run_refused(struct query *q, yoda_result *result,
                                              yoda_error *err);
/* Unpin; lease a read connection for the query's call, with its deadline. */
YODA_MUST_CHECK yoda_status query_lease(struct query *q, struct conn **out, yoda_error *err);
YODA_MUST_CHECK yoda_status query_run_rows(struct query *q, const char *sql, yoda_result *result,
                                           yoda_error *err);
/* Prepare exactly one statement, and one that reads; may_write: or one with RETURNING. */
YODA_MUST_CHECK yoda_status query_prepare(struct conn *conn, const char *sql, bool may_write,
                                          struct stmt *stmt, yoda_error *err);
/* Name a result's columns after a statement's; the first step is done. */
YODA_MUST_CHECK yoda_status query_set_names(struct stmt *stmt, yoda_result *result,
                                            yoda_error *err);

/* ---- query_plan.c ---------------------------------------------------------------------------- */

/* Plan for the columns: q->plan, on a pinned version that is fresh enough. Errors: the reason why
 * SQLite should answer, and those of the sync. */
YODA_MUST_CHECK yoda_status query_plan_columns(struct query *q, yoda_error *err);
/* Unpin, if something is pinned. */
void query_plan_release(struct query *q);

/* ---- query_explain.c ------------------------------------------------------------------------- */

/* Which side, why, and the plan, as lines of text. */
YODA_MUST_CHECK yoda_status query_explain_plan(struct query *q, yoda_result *result,
                                               yoda_error *err);
/* Run it and say what each node cost. */
YODA_MUST_CHECK yoda_status query_explain_analyze(struct query *q, yoda_result *result,
                                                  yoda_error *err);

#endif
