/*
 * row_batch.h -- rows of a row buffer as a result batch.
 */
#ifndef YODA_OLAP_ROW_BATCH_H
#define YODA_OLAP_ROW_BATCH_H

#include "base/batch.h"
#include "olap/exec/row_buffer.h"

/* Copy all rows into a batch whose buffers are charged to budget; *out is the caller's.
 * Requires  every column is kept, rows <= BATCH_ROWS, at most INT32_MAX bytes in a text column */
YODA_MUST_CHECK yoda_status row_batch_make(const struct row_buffer *rows, struct mem_budget *budget,
                                           struct batch **out, yoda_error *err);

#endif
