/*
 * triggers.h -- the capture triggers of one table: dirty keys into _yoda_log, core SQL only.
 *
 * AFTER INSERT / UPDATE / DELETE log the row's key (an UPDATE that changes the key logs both).
 * BEFORE INSERT / UPDATE log, per UNIQUE index, the keys of the rows that a REPLACE would kill:
 * REPLACE fires no delete trigger while recursive_triggers is off. Partial and expression indexes
 * are matched by evaluating their own text over the table and over the new row. A needless entry is
 * harmless. Triggers are re-made, never trusted, from the file.
 */
#ifndef YODA_CDC_TRIGGERS_H
#define YODA_CDC_TRIGGERS_H

#include "base/str.h"
#include "oltp/sqlite_schema.h"

/* Make (or re-make) the triggers of a table and widen _yoda_log if the key needs it. Writer, inside
 * a transaction. */
YODA_MUST_CHECK yoda_status triggers_install(struct conn *writer, const struct schema_table *table,
                                             uint32_t tid, yoda_error *err);
YODA_MUST_CHECK yoda_status triggers_drop(struct conn *writer, uint32_t tid, yoda_error *err);
/* What the file has of the triggers this table needs. */
enum triggers_state {
    TRIGGERS_INTACT,
    TRIGGERS_RECHECK, /* only BEFORE triggers differ (an index came or went): as long as no change
                         of the table has been logged since, nothing was missed */
    TRIGGERS_BROKEN   /* changes may have gone unseen */
};
YODA_MUST_CHECK yoda_status triggers_inspect(struct conn *conn, const struct schema_table *table,
                                             uint32_t tid, enum triggers_state *out,
                                             yoda_error *err);
/* The table that the capture triggers of tid hang on now (SQLite carries them through RENAME); NULL
 * when there are none. */
YODA_MUST_CHECK yoda_status triggers_table(struct conn *conn, uint32_t tid, struct arena *arena,
                                           const char **out, yoda_error *err);
/* Drop capture triggers whose tid is not among tids [count]. */
YODA_MUST_CHECK yoda_status triggers_drop_orphans(struct conn *writer, const uint32_t *tids,
                                                  size_t count, yoda_error *err);

#endif
