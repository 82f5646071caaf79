/*
 * catalog.h -- Yoda's own tables in the SQLite file (names beginning with _yoda_ are reserved).
 *
 *   _yoda_meta(name TEXT PRIMARY KEY, value)             format, database_id, durable_watermark,
 *                                                        next_tid, schema (see schema_diff.h)
 *   _yoda_table(tid INTEGER PRIMARY KEY, name, schema_hash, request, epoch)   what is registered;
 *                                                        request: the explicit schema as given, or
 *                                                        NULL; epoch: drawn anew for each full
 *                                                        copy, so that files of an older copy are
 *                                                        foreign
 *   _yoda_log(seq INTEGER PRIMARY KEY, tid, k1, ...)     dirty keys; pruning keeps the newest row
 *   _yoda_segment(segment INTEGER, tid, generation, rows, bytes, checksum, deleted BLOB)
 *                                                        the manifest of the columnar files. A
 *                                                        complete table without rows has one row:
 *                                                        segment -1 - tid, rows 0, checksum: the
 *                                                        schema hash of its columnar definition
 * All of it is read as hostile input: another program may have edited it.
 */
#ifndef YODA_CDC_CATALOG_H
#define YODA_CDC_CATALOG_H

#include "olap/store/store.h"
#include "oltp/sqlite_schema.h"

struct catalog_entry {
    uint32_t tid;
    const char *name;
    uint64_t schema_hash;
    const char *request; /* NULL: inferred */
    uint64_t epoch;
};

/* Create the tables when absent (writer, inside or outside a transaction) and read the identity. */
YODA_MUST_CHECK yoda_status catalog_create(struct conn *writer, uint8_t database_id[16],
                                           yoda_error *err);
/* Does the file have the tables? (any connection) */
YODA_MUST_CHECK yoda_status catalog_exists(struct conn *conn, bool *out, yoda_error *err);
YODA_MUST_CHECK yoda_status catalog_list(struct conn *conn, struct arena *arena,
                                         struct catalog_entry **out, size_t *count,
                                         yoda_error *err);
/* Writer, inside a transaction. Adding gives a tid never used before in this file. */
YODA_MUST_CHECK yoda_status catalog_add(struct conn *writer, const char *name,
                                        uint64_t schema_hash, const char *request, uint32_t *tid,
                                        yoda_error *err);
YODA_MUST_CHECK yoda_status catalog_update(struct conn *writer, uint32_t tid, const char *name,
                                           uint64_t schema_hash, yoda_error *err);
/* Start a new copy: files made under another epoch do not fit any more. */
YODA_MUST_CHECK yoda_status catalog_set_epoch(struct conn *writer, uint32_t tid, uint64_t epoch,
                                              yoda_error *err);
YODA_MUST_CHECK yoda_status catalog_remove(struct conn *writer, uint32_t tid, yoda_error *err);

YODA_MUST_CHECK yoda_status catalog_database_id(struct conn *conn, uint8_t out[16],
                                                yoda_error *err);
/* A value of _yoda_meta kept for others: bytes in the arena, *size 0 when absent. */
YODA_MUST_CHECK yoda_status catalog_blob_read(struct conn *conn, const char *name,
                                              struct arena *arena, const void **out, size_t *size,
                                              yoda_error *err);
YODA_MUST_CHECK yoda_status catalog_blob_write(struct conn *writer, const char *name,
                                               const void *data, size_t size, yoda_error *err);
YODA_MUST_CHECK yoda_status catalog_durable_watermark(struct conn *conn, int64_t *out,
                                                      yoda_error *err);
YODA_MUST_CHECK yoda_status catalog_segments(struct conn *conn, uint32_t tid, struct arena *arena,
                                             struct segment_record **out, size_t *count,
                                             yoda_error *err);
/* Does the manifest say that the table, defined so, is complete and has no rows? */
YODA_MUST_CHECK yoda_status catalog_says_empty(struct conn *conn, uint32_t tid,
                                               uint64_t schema_hash, bool *out, yoda_error *err);
/* Writer, inside a transaction: replace the manifest of all tables and move the watermark. */
YODA_MUST_CHECK yoda_status catalog_commit_checkpoint(struct conn *writer,
                                                      const struct checkpoint *checkpoint,
                                                      int64_t watermark, yoda_error *err);
/* Forget the files of one table (it will be rebuilt). */
YODA_MUST_CHECK yoda_status catalog_forget_segments(struct conn *writer, uint32_t tid,
                                                    yoda_error *err);
/* Forget all files: the log is pruned past what they hold. */
YODA_MUST_CHECK yoda_status catalog_forget_manifest(struct conn *writer, yoda_error *err);
/* Writer: remove at most limit log rows with seq <= through, always keeping the newest row. */
YODA_MUST_CHECK yoda_status catalog_prune(struct conn *writer, int64_t through, uint64_t limit,
                                          uint64_t *removed, yoda_error *err);

#endif
