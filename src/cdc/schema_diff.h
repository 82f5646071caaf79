/*
 * schema_diff.h -- what happened to the file's schema between two looks at it.
 *
 * Every schema change raises schema_version by one, and most leave a trace in sqlite_schema.
 * Comparing two images of sqlite_schema gives the fewest changes that explain their difference;
 * what the version rose beyond that is changes without a trace:
 *
 *   VACUUM                                             1   may renumber rows that have no INTEGER
 * PRIMARY KEY DROP COLUMN + ADD COLUMN, DROP + CREATE, ...       2+  may have changed any row
 * unseen
 *
 * The count of explained changes is never too high, so a surplus is never missed. The image is kept
 * in _yoda_meta as well: a VACUUM while no engine ran is found at the next open. An image read from
 * sqlite_schema has the texts of the views, too; the blob has not.
 *
 *   blob      offset  size  field
 *             0       8     schema_version
 *             8       32*n  objects: kind, hash of name, hash of table name, hash of sql (8 bytes
 * each), sorted; without sqlite_% and automatic indexes
 */
#ifndef YODA_CDC_SCHEMA_DIFF_H
#define YODA_CDC_SCHEMA_DIFF_H

#include "oltp/sqlite_conn.h"

struct schema_object {
    uint64_t kind; /* enum schema_object_kind */
    uint64_t name, table, sql;
};

struct schema_view {
    char *name, *sql; /* CREATE VIEW ...; owned */
};

struct schema_image {
    int64_t version;
    size_t count;
    struct schema_object *objects; /* [count], owned */
    size_t view_count;
    struct schema_view *views; /* [view_count], owned */
    uint64_t views_hash;       /* of names and texts; never 0 once read */
};

/* Read the image of the connection's current snapshot. *out is replaced on success. */
YODA_MUST_CHECK yoda_status schema_diff_read(struct conn *conn, struct schema_image *out,
                                             yoda_error *err);
void schema_diff_deinit(struct schema_image *image);
/* Changes beyond those that left a trace; never negative. */
int64_t schema_diff_surplus(const struct schema_image *before, const struct schema_image *after);
bool schema_diff_equal(const struct schema_image *a, const struct schema_image *b);

YODA_MUST_CHECK yoda_status schema_diff_save(struct conn *writer, const struct schema_image *image,
                                             yoda_error *err);
/* The image kept in the file; *known false when there is none (or it is not one). */
YODA_MUST_CHECK yoda_status schema_diff_load(struct conn *conn, struct schema_image *out,
                                             bool *known, yoda_error *err);

#endif
