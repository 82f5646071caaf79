/*
 * result.h -- a finished result: batches, column names, what happened.
 *
 * Everything is materialised and immutable but the two cursors (rows, Arrow). A result needs
 * nothing of the engine except the core, whose budget its buffers are charged to.
 */
#ifndef YODA_ENGINE_RESULT_H
#define YODA_ENGINE_RESULT_H

#include "base/batch.h"
#include "engine/core.h"
#include "olap/column/vector.h"

struct yoda_result {
    struct core *core;
    struct batch_list list;
    char **names;      /* [column_count], and behind them their texts */
    enum vtype *types; /* [column_count] the plan's; NULL: not known before there are values */
    bool is_part;      /* of a stream: columns without a value have their type, too */
    uint32_t column_count;
    yoda_result_info info;
    const char *reason; /* a constant, or reason_kept */
    char *reason_kept;
    size_t batch; /* current row: batch and row in it */
    uint32_t row;
    bool started;
    size_t arrow_batch; /* next to export */
};

/* A result without columns or rows. */
YODA_MUST_CHECK yoda_status result_create(struct core *core, yoda_result **out, yoda_error *err);
/* Set the columns (once) and open the batch list for them. */
YODA_MUST_CHECK yoda_status result_set_columns(yoda_result *result, uint32_t count,
                                               const char *const *names, yoda_error *err);
/* The names alone (once), for a list that was opened or filled already. */
YODA_MUST_CHECK yoda_status result_set_names(yoda_result *result, uint32_t count,
                                             const char *const *names, yoda_error *err);
/* The static types of the columns (once, after the names): an empty result has nothing else. */
YODA_MUST_CHECK yoda_status result_set_types(yoda_result *result, const enum vtype *types,
                                             yoda_error *err);
/* Forget columns and rows: the query starts again on the other side. */
void result_clear(yoda_result *result);
void result_set_route(yoda_result *result, yoda_side side, const char *reason);
/* The same with a constant reason, which is not copied. */
void result_set_rule(yoda_result *result, yoda_side side, const char *reason);
/* Append one row per line of text to a result of one text column. */
YODA_MUST_CHECK yoda_status result_append_lines(yoda_result *result, const char *text,
                                                yoda_error *err);

#endif
