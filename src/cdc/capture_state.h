/*
 * capture_state.h -- the inside of struct capture, shared by the capture_*.c files only.
 *
 * Numbered invariants
 *   1  watermark is the newest log entry whose effects are in the published version.
 *   2  unmerged: the store's writer state holds changes of a sync that did not end at its commit
 * point; nothing may be published before a later sync ends. Merging again converges. 3  A mirror is
 * visible to readers only in state READY; every other state is incomplete in the store. 4  A copy
 * that has started receives every log entry past the watermark: the rows of a slice were read at a
 * snapshot no older than the watermark, so what changed since is in the log. 5  image and
 * schema_version are of the last snapshot whose mirrors were all compared with the file.
 *   6  views_current is image.views_hash from the end of a sync until other views are noticed,
 * which is before anything read with them is published; 0 from then to the end of the next sync.
 */
#ifndef YODA_CDC_CAPTURE_STATE_H
#define YODA_CDC_CAPTURE_STATE_H

#include "cdc/capture.h"
#include "cdc/key_set.h"
#include "cdc/mirror_def.h"
#include "cdc/schema_diff.h"

#include <pthread.h>
#include <stdatomic.h>

struct slot {             /* one mirror and what only the capture knows of it */
    struct mirror mirror; /* must be first */
    struct arena arena;   /* holds table and request */
    struct table_def def;
    uint64_t epoch;
    bool epoch_pending; /* epoch is not in the file yet: capture_reconcile writes it */
    bool recheck_only; /* STALE because of BEFORE triggers alone; a change logged since ends that */
    bool refused;      /* FAILED because the table cannot be mirrored: no copy is tried */
    struct key_set keys;       /* of the slice being merged */
    bool copy_started, copied; /* copied: all rows are in, the next publish shows them */
    struct value *after;       /* [key_count] last key copied; NULL: none yet */
    struct arena after_arena;
};

struct capture {
    struct capture_options options;
    struct conn *conn;
    pthread_mutex_t conn_lock; /* the connection: all calls take it */
    _Atomic bool working;      /* a call that may take long holds conn_lock */
    int64_t watermark, log_head, durable_seen;
    int64_t data_version; /* of the last sync's snapshot; -1: sync even if nothing was committed */
    uint8_t database_id[16];
    bool catalog_there; /* the file has Yoda's tables */
    uint32_t log_width; /* key columns of _yoda_log */
    struct schema_image image;
    _Atomic uint64_t views_current; /* see capture_views_current */
    struct slot **slots; /* [slot_count], sorted by tid */
    size_t slot_count, slot_capacity;
    bool unmerged;         /* invariant 2 */
    bool publish_wanted;   /* a mirror left or joined since the last publish */
    bool reconcile_wanted; /* the file's catalog is behind what is known here */
};

/* What one read transaction found. */
struct glance {
    int64_t data_version, log_head, durable;
};

void capture_lock(struct capture *capture);
void capture_unlock(struct capture *capture);

struct slot *capture_slot(struct capture *capture, uint32_t tid);
/* Make an empty slot in tid order. */
YODA_MUST_CHECK yoda_status capture_add_slot(struct capture *capture, uint32_t tid,
                                             struct slot **out, yoda_error *err);
void capture_remove_slot(struct capture *capture, struct slot *slot);
/* Take over a description read into *arena (moved), with the request text. */
YODA_MUST_CHECK yoda_status capture_slot_describe(struct capture *capture, struct slot *slot,
                                                  const struct schema_table *table,
                                                  const char *request, struct arena *arena,
                                                  yoda_error *err);
/* Take the mirror out of the versions to come and say why. */
void capture_retire(struct capture *capture, struct slot *slot, enum mirror_state state,
                    const char *reason);
/* Publish mirrors that left at once, if no half-done sync forbids it. */
YODA_MUST_CHECK yoda_status capture_publish_leavers(struct capture *capture, yoda_error *err);

/* BEGIN a read transaction and compare the file with what is known; on failure it is rolled back.
 */
YODA_MUST_CHECK yoda_status capture_begin(struct capture *capture, struct glance *out,
                                          yoda_error *err);
void capture_end(struct capture *capture);
/* capture_sync without the lock. */
YODA_MUST_CHECK yoda_status capture_sync_unlocked(struct capture *capture, yoda_sync_stats *stats,
                                                  yoda_error *err);

/* ---- capture_schema.c ---- */
/* After the image was replaced: invariant 6. */
void capture_note_views(struct capture *capture);
/* Does this rise of the schema's version leave the rows of the table in doubt? */
bool capture_rows_in_doubt(const struct schema_table *table, int64_t surplus);
YODA_MUST_CHECK yoda_status capture_read_log_width(struct capture *capture, struct conn *conn,
                                                   yoda_error *err);
/* Inside a read transaction: compare every mirror with the file if schema_version moved. */
YODA_MUST_CHECK yoda_status capture_check_schema(struct capture *capture, yoda_error *err);
/* The table's name now: SQLite carries our triggers through RENAME. */
YODA_MUST_CHECK yoda_status capture_current_name(struct conn *conn, uint32_t tid, const char *known,
                                                 struct arena *arena, const char **out,
                                                 yoda_error *err);
#endif
