/*
 * verify.h -- compare a table's two sides at one snapshot.
 *
 * Each row gets a 128-bit hash over its typed values; a table's hash is the sum modulo 2^128, so
 * order does not matter. Also rows, NULLs per column, and a hash per column (key and value) that
 * names the column. When sides differ, a second pass finds the smallest differing key.
 */
#ifndef YODA_CDC_VERIFY_H
#define YODA_CDC_VERIFY_H

#include "cdc/catalog.h"

/*
 * conn is inside a read transaction at the commit point of `version`'s watermark. difference is ""
 * when equal, else "table t, column c, key 5: SQLite has 1, columns have 2" or the like.
 * progress may be NULL; false cancels.
 */
YODA_MUST_CHECK yoda_status verify_table(struct conn *conn, const struct schema_table *table,
                                         const struct table_version *version,
                                         bool (*progress)(void *ctx, uint64_t rows), void *ctx,
                                         uint64_t *rows, char difference[YODA_MESSAGE_MAX],
                                         yoda_error *err);

#endif
