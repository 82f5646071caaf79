/*
 * mirror_def.h -- how a SQLite table is laid out in the columnar store.
 *
 * The table's columns in SQLite's order; behind them the rowid where the table is keyed by it and
 * no column shows it. Capture, backfill and verify all use this one definition.
 */
#ifndef YODA_CDC_MIRROR_DEF_H
#define YODA_CDC_MIRROR_DEF_H

#include "olap/store/store.h"
#include "oltp/sqlite_schema.h"

static inline bool mirror_def_hidden_rowid(const struct schema_table *table)
{
    return !table->without_rowid && table->rowid_alias < 0;
}

/* Errors: YODA_ERROR where the table cannot be mirrored, with what to do about it. */
YODA_MUST_CHECK yoda_status mirror_def_check(struct conn *conn, const struct schema_table *table,
                                             yoda_error *err);
/* Does SQL text over the table depend on the column, directly or through generated columns? Unknown
 * (text NULL) counts as yes. */
bool mirror_def_depends(const struct schema_table *table, const char *text, uint32_t column);
/* Requires mirror_def_check. epoch: the catalog's; it becomes part of the schema hash. */
void mirror_def_build(const struct schema_table *table, uint64_t epoch, struct table_def *out);

#endif
