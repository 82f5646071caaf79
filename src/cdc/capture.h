/*
 * capture.h -- follow the file: read what changed, re-read those rows, merge, publish.
 *
 * State     the capture connection, the watermark, data_version and schema_version last seen
 * One sync  BEGIN; the log past the watermark in slices; per table the distinct keys, sorted; the
 *           rows they name now; upserts and deletes into the store; COMMIT; publish. The read
 *           snapshot is the new commit point, so slices of one sync share one read transaction and
 *           only its end is published. Nothing is published on failure, and merging again
 *           converges.
 * Schema    schema_version moved: every registered table is compared with the file (columns, key,
 *           indexes, triggers, VACUUM). Tables that need the writer to set right are reported in
 *           capture_pending: they leave the published version (their queries go to SQLite) until
 *           the engine has called capture_reconcile.
 * Views     their texts are read with the schema; a view and a version fit each other while
 *           capture_views_current says so.
 * Threads   all calls under the engine's sync lock, except capture_is_current,
 *           capture_pending_events and capture_views_current.
 */
#ifndef YODA_CDC_CAPTURE_H
#define YODA_CDC_CAPTURE_H

#include "cdc/catalog.h"
#include "cdc/schema_diff.h"

struct capture;

struct capture_options {
    struct conn *conn;        /* borrowed: the capture connection */
    struct store *store;      /* borrowed */
    struct mem_budget *budget;
    uint64_t slice_events;    /* log entries per slice; sync_batch_size */
    uint64_t copy_slice_rows; /* rows per backfill slice (one read transaction each) */
    const _Atomic bool *cancel;
};

enum mirror_state {
    MIRROR_COPYING,  /* registered; the first copy or a rebuild is going on or waiting */
    MIRROR_READY,    /* in the published versions */
    MIRROR_STALE,    /* schema or triggers changed: waits for capture_reconcile */
    MIRROR_FAILED    /* the last copy failed; message kept; retried */
};

struct mirror { /* one registered table as the capture sees it */
    uint32_t tid;
    enum mirror_state state;
    const struct schema_table *table; /* NULL when the table is gone */
    const char *request;              /* explicit schema text or NULL */
    char reason[YODA_MESSAGE_MAX];    /* why not ready */
    uint64_t copied_rows, expected_rows;
    bool damaged; /* set by capture_recover: its files could not be used, reason says why */
};

YODA_MUST_CHECK yoda_status capture_create(const struct capture_options *options,
                                           struct capture **out, yoda_error *err);
void capture_destroy(struct capture *capture);

/* Read the registrations and give the store its tables: recovered from files where the manifest and
 * they agree, else MIRROR_COPYING. Sets the watermark to the durable one. */
YODA_MUST_CHECK yoda_status capture_recover(struct capture *capture, yoda_error *err);

/* Has anything been committed since the last sync? One PRAGMA, no transaction. */
YODA_MUST_CHECK yoda_status capture_is_current(struct capture *capture, bool *out, yoda_error *err);

/* How many log entries a sync now would find, about; 0 where a sync is going on or asking fails.
 * One keyed read; waits for no other connection's transaction in a file. */
uint64_t capture_pending_events(struct capture *capture);

/* Compare the schema with what is known, as a sync does, and read no rows. */
YODA_MUST_CHECK yoda_status capture_look(struct capture *capture, yoda_error *err);
/* One sync. stats are added to. */
YODA_MUST_CHECK yoda_status capture_sync(struct capture *capture, yoda_sync_stats *stats,
                                         yoda_error *err);
int64_t capture_watermark(const struct capture *capture);
size_t capture_mirror_count(const struct capture *capture);
const struct mirror *capture_mirror(const struct capture *capture, size_t i);
const struct mirror *capture_find(const struct capture *capture, const char *name);
/* The views of schema main, as last read; *hash is theirs. */
const struct schema_view *capture_views(const struct capture *capture, size_t *count,
                                        uint64_t *hash);
/* The hash of the views that the newest version was read with; 0 while that is not known: other
 * views were seen and no sync has ended since. Who has pinned a version and then finds the hash of
 * the views at hand here uses views no older and no newer than the version's rows. */
uint64_t capture_views_current(const struct capture *capture);
/* Is any table STALE? Then the engine calls capture_reconcile with the writer as soon as it can. */
bool capture_pending(const struct capture *capture);

/*
 * Set right what a schema change broke, in one write transaction: re-make triggers, follow renames,
 * drop registrations of dropped tables; tables whose rows may have changed unseen become COPYING.
 * Also used to register: after catalog_add and triggers_install committed, call it to pick them up.
 */
YODA_MUST_CHECK yoda_status capture_reconcile(struct capture *capture, struct conn *writer,
                                              yoda_error *err);

/*
 * Copy the next slice of one COPYING table (a short read transaction); when the table is done the
 * same call syncs and publishes, and the table is READY. The caller takes and drops the sync lock
 * around each call so that others get their turn. *more: call again.
 */
YODA_MUST_CHECK yoda_status capture_copy_step(struct capture *capture, uint32_t tid, bool *more,
                                              yoda_error *err);
/* Throw a table's columns away and copy it anew (damage, repair). */
YODA_MUST_CHECK yoda_status capture_rebuild(struct capture *capture, uint32_t tid,
                                            const char *reason, yoda_error *err);
YODA_MUST_CHECK yoda_status capture_forget(struct capture *capture, uint32_t tid, yoda_error *err);

#endif
