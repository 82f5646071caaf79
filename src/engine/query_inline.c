/*
 * query_inline.c -- a query on the thread that submits it, if it is a matter of microseconds.
 *
 * Tried are texts that are known to be SQLite's (route_memo.h), and what either side is estimated
 * to answer in time, with a small sync before it where the columns do. A query leaves nothing
 * behind, so one that fails here, for whatever reason, is simply left to a thread, which begins
 * anew.
 */
#include "engine/query_state.h"

static bool fits(const struct query *q, double ns)
{
    return (double)(q->until_ns - os_monotonic_ns()) >= ns;
}

static yoda_status run(struct query *q, yoda_result *result, yoda_error *err)
{
    const char *known = query_known_reason(q);
    if (known)
        return query_run_known(q, known, result, err);
    TRY(query_parse(q, err));
    if (query_explains(q))
        return fail(err, YODA_BUSY, "it is no query");
    yoda_error why = {.sql_offset = -1};
    yoda_status status = query_run_columns(q, result, &why);
    if (status != YODA_NOT_COLUMNAR || q->options.side == YODA_SIDE_COLUMN)
        return status;
    if (!fits(q, q->cost.rows_ns))
        return fail(err, YODA_BUSY, "SQLite is estimated to take longer");
    q->reason = why;
    return query_run_refused(q, result, err);
}

enum inline_outcome query_run_inline(yoda_engine *engine, struct call *call, const char *sql,
                                     const yoda_params *params, const yoda_query_options *options,
                                     int64_t until_ns, yoda_result **out)
{
    struct query q;
    yoda_error why = {.sql_offset = -1};
    query_init(&q, engine, call, sql, params, options);
    q.until_ns = until_ns;
    yoda_status status = query_end(&q, run, out, &why);
    if (status == YODA_OK)
        return INLINE_DONE;
    bool late = status == YODA_TIMEOUT || os_monotonic_ns() > until_ns;
    return late ? INLINE_TOO_LONG : INLINE_NOT_NOW;
}
