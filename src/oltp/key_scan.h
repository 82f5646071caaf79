/*
 * key_scan.h -- read the rows of many keys in one statement.
 *
 * An eponymous virtual table on this connection alone hands SQLite the sorted keys; it joins them
 * with the base table, so that a million keys cost one prepare and an ordered walk. Where the keys
 * fill at least half of their range a range scan replaces the join.
 */
#ifndef YODA_OLTP_KEY_SCAN_H
#define YODA_OLTP_KEY_SCAN_H

#include "oltp/sqlite_schema.h"

/* Called per existing row, in key order for rowid tables: row is [column_count of the mirrored
 * definition]: the table's columns, then the rowid if hidden. Bytes live until it returns. */
typedef yoda_status (*row_fn)(void *ctx, const struct value *row, yoda_error *err);

/* Rows whose rowid is among keys [count], strictly ascending. */
YODA_MUST_CHECK yoda_status key_scan_rowids(struct conn *conn, const struct schema_table *table,
                                            const int64_t *keys, size_t count, row_fn fn,
                                            void *ctx, yoda_error *err);
/* WITHOUT ROWID: rows whose key equals one of keys [count * key columns] (declared key order). */
YODA_MUST_CHECK yoda_status key_scan_keys(struct conn *conn, const struct schema_table *table,
                                          const struct value *keys, size_t count, row_fn fn,
                                          void *ctx, yoda_error *err);
/* All rows in key order, starting after `after` (one key, NULL: from the start), at most limit rows
 * (0: all). *done tells whether the end was reached. */
YODA_MUST_CHECK yoda_status key_scan_table(struct conn *conn, const struct schema_table *table,
                                           const struct value *after, uint64_t limit, row_fn fn,
                                           void *ctx, bool *done, yoda_error *err);

#endif
