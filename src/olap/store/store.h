/*
 * store.h -- the columnar store: all mirrored tables, their versions, their files.
 *
 *   struct store            one per engine; one writer at a time, any number of readers
 *   struct version          immutable: every table's state at one commit point, plus the watermark
 *   struct table_version    immutable: segments, delete bitmaps, visible rows of the open segment
 *   struct segment          rows at fixed positions, one chunk per column; immutable once full
 *   struct key_index        key -> row id; belongs to the writer alone
 *
 * Numbered invariants
 *   1  A row id (segment number << 17 | row) never changes meaning while any version names it;
 *      sealing keeps row positions, only compaction renumbers (and then segments get new numbers).
 *   2  What a version points at never changes below the counts the version carries.
 *   3  The key index maps a key to its only row that is not deleted in the writer's newest state.
 *   4  A version is published only at a commit point of SQLite: its watermark is the newest log
 *      entry of the read snapshot its rows were read at.
 *   5  Delete bitmaps are copied before the first change after a publish.
 *   6  Merging the same log entries again leaves the same rows (idempotence): a failed sync just
 *      does not publish, and its retry converges.
 *
 * Readers acquire the newest version in O(1) without a lock (hazard slots). The writer's calls are
 * made between store_write_begin and store_write_end (a mutex). Encoding, compaction and file
 * writing happen outside it; only swapping their results in takes it.
 */
#ifndef YODA_OLAP_STORE_H
#define YODA_OLAP_STORE_H

#include "base/task_pool.h"
#include "olap/column/chunk.h"

struct store;
struct segment;

/* ---- Tables ---------------------------------------------------------------------------------- */

#define TABLE_COLUMNS_MAX 2001 /* SQLite's 2,000 and the hidden rowid */
#define KEY_COLUMNS_MAX 32

struct table_def {
    uint32_t column_count; /* the table's columns in SQLite's order, then a hidden rowid column if
                              the table is keyed by rowid and has no INTEGER PRIMARY KEY */
    uint32_t key_count;                    /* 1 for rowid tables */
    uint32_t key_columns[KEY_COLUMNS_MAX]; /* indexes into the columns */
    enum collation key_collations[KEY_COLUMNS_MAX];
    bool key_is_rowid;    /* the only key column is an int64, never NULL */
    uint64_t schema_hash; /* of names, types and key: a file of another schema is foreign */
};

/* ---- Store ----------------------------------------------------------------------------------- */

struct store_options {
    const char *directory;     /* NULL: in memory only */
    uint8_t database_id[16];   /* binds files to their SQLite file */
    struct task_pool *pool;    /* borrowed */
    struct mem_budget *budget; /* borrowed */
    uint32_t compact_deleted_percent; /* rewrite a segment past this share of dead rows; 25 */
};

YODA_MUST_CHECK yoda_status store_create(const struct store_options *options, struct store **out,
                                         yoda_error *err);
void store_destroy(struct store *store); /* requires no readers and no writer */

/* ---- Reading --------------------------------------------------------------------------------- */

struct segment_ref { /* one segment as a version sees it */
    struct segment *segment;
    uint32_t rows;           /* visible rows, deleted ones included */
    uint32_t deleted_count;
    const uint64_t *deleted; /* [BITMAP_WORDS(SEGMENT_ROWS)], NULL when none */
};

struct table_version {
    uint32_t tid;
    uint32_t column_count;
    uint32_t segment_count;
    const struct segment_ref *segments; /* [segment_count] */
    uint64_t live_rows;
    const uint32_t *classes; /* [column_count] CLASS_* union over the segments (a superset) */
};

struct version {
    int64_t watermark;
    int64_t published_ns; /* os_monotonic_ns at publication */
    uint32_t table_count;
    const struct table_version *const *tables; /* sorted by tid; only complete tables */
};

struct snapshot {
    const struct version *version;
    uint32_t slot;
};

/* Pin the newest version: O(1), no lock, no allocation. Never fails. Threads: any. */
void store_acquire(struct store *store, struct snapshot *out);
void store_release(struct store *store, struct snapshot *snapshot);
const struct table_version *version_find_table(const struct version *version, uint32_t tid);
/* Distinct values of a column, about: at least 1, at most the rows. Loads chunks of up to 16 segments
 * where they are not; what cannot be read does not count. Never fails. */
double table_distinct(const struct table_version *table, uint32_t column);

/*
 * The chunk of one column, loaded from its file and checked on first touch.
 * Owner   borrowed: lives as long as the segment, so as long as the snapshot
 * Errors  YODA_CORRUPT (checksum or structure; names file, segment, column), YODA_IOERR, YODA_NOMEM
 * Threads any
 */
YODA_MUST_CHECK yoda_status segment_chunk(struct segment *segment, uint32_t column,
                                          const struct chunk **out, yoda_error *err);
/* The chunk if it is in memory, else NULL. Threads: any. */
struct chunk *segment_chunk_loaded(const struct segment *segment, uint32_t column);
/* Are its values plain, as they were merged, or is it sealed (encoded)? */
bool segment_is_open(const struct segment *segment);
uint64_t segment_id(const struct segment *segment);
uint64_t segment_memory_bytes(const struct segment *segment);
uint64_t segment_file_bytes(const struct segment *segment);

/* ---- Writing --------------------------------------------------------------------------------- */

void store_write_begin(struct store *store);
void store_write_end(struct store *store);

/* Between begin and end: */
/* Add an empty table; it is not visible to readers before table_set_complete. */
YODA_MUST_CHECK yoda_status store_add_table(struct store *store, uint32_t tid,
                                            const struct table_def *def, yoda_error *err);
/* Drop a table (absent: fine). Readers of older versions keep theirs. */
void store_drop_table(struct store *store, uint32_t tid);

struct table; /* the writer's view of one table */
struct table *store_find_table(struct store *store, uint32_t tid); /* NULL when absent */
/* From the next publish on readers see the table. */
void table_set_complete(struct table *table, bool complete);
bool table_is_complete(const struct table *table);

enum merge_outcome { MERGE_INSERTED, MERGE_UPDATED, MERGE_DELETED, MERGE_ABSENT };

/*
 * Insert or replace the row with this row's key. row [column_count]; bytes are copied.
 * Errors  the table is then as before: YODA_NOMEM; YODA_TOO_BIG (32,767 segments in use);
 *         YODA_CORRUPT, YODA_IOERR (a file met while the key index was built or a key compared, or
 *         two live rows with one key: make the table anew); YODA_MISUSE (a rowid is no integer)
 */
YODA_MUST_CHECK yoda_status table_upsert(struct table *table, const struct value *row,
                                         enum merge_outcome *outcome, yoda_error *err);
/* Delete by key [key_count]. Errors: as table_upsert. */
YODA_MUST_CHECK yoda_status table_delete(struct table *table, const struct value *key,
                                         enum merge_outcome *outcome, yoda_error *err);
/* Publish everything merged since the last publish as one version. On failure nothing changes. */
YODA_MUST_CHECK yoda_status store_publish(struct store *store, int64_t watermark, yoda_error *err);

/* ---- Maintenance (takes the write lock itself, briefly; one caller at a time) ---------------- */

struct maintenance_stats {
    uint64_t sealed, compacted; /* sealed: by merges since the last call, too */
};
/*
 * Encode full segments, compact those with many dead rows and merge small ones. Rows merged but not
 * published stay unpublished. (Segments that one large merge or copy fills alone are encoded by the
 * merge itself.) cancel may be NULL; checked between segments; YODA_OK then too, the rest is left
 * for the next call.
 */
YODA_MUST_CHECK yoda_status store_maintain(struct store *store, const _Atomic bool *cancel,
                                           struct maintenance_stats *stats, yoda_error *err);
/* Is there anything to maintain or to tell of? Cost: one look at each segment's counts. */
bool store_maintenance_is_due(struct store *store);

/* ---- Files --------------------------------------------------------------------------------------
 * One file per segment and generation, "seg-<id>-<generation>.yoda", immutable. segment_format.h
 * has the byte table. The list of live files and the delete bitmaps are kept by the caller (in
 * SQLite, in the transaction that is the commit point); the store makes and reads them.
 */
struct segment_record { /* one row of the caller's manifest */
    uint32_t tid;
    uint64_t segment_id;
    uint32_t generation;
    uint32_t rows;
    uint64_t file_bytes;
    uint64_t file_checksum; /* of the footer, which has all other checksums */
    const void *deleted;    /* compressed delete bitmap (delete_bitmap_pack), NULL when none */
    uint32_t deleted_size;
};

struct checkpoint; /* what one checkpoint wrote */
/*
 * Write what the pinned version needs and files do not yet hold. No lock is held. Every file is
 * written to a temporary name, synced, renamed; then the directory is synced.
 * After store_checkpoint_write the caller commits records and watermark in one transaction, then
 * calls store_checkpoint_done(committed = true); or false, and the new files are removed.
 * A file that no record names any more goes at the next committed checkpoint, at the earliest.
 * Only complete tables have records; a store in memory has none.
 * Errors  YODA_BUSY while another checkpoint, a recovery or a sweep is under way
 */
YODA_MUST_CHECK yoda_status store_checkpoint_write(struct store *store,
                                                   const struct snapshot *snapshot,
                                                   struct checkpoint **out, yoda_error *err);
size_t checkpoint_record_count(const struct checkpoint *checkpoint);
const struct segment_record *checkpoint_record(const struct checkpoint *checkpoint, size_t i);
/* Complete tables without rows, of which no record tells. */
struct empty_table {
    uint32_t tid;
    uint64_t schema_hash; /* of its table_def */
};
const struct empty_table *checkpoint_empty_tables(const struct checkpoint *checkpoint,
                                                  size_t *count);
void store_checkpoint_done(struct store *store, struct checkpoint *checkpoint, bool committed);

/*
 * Give one table its segments back after a reopen (writer calls; the table was added and is empty).
 * Only footers are read; the key index is built at the first merge. Files of the directory that no
 * record names are removed by store_sweep: call it when all tables are recovered and the manifest
 * that was read is durable. It takes no lock.
 * Errors  YODA_CORRUPT / YODA_NOT_FOUND / YODA_IOERR: the table stays empty; the caller rebuilds
 * it.
 */
YODA_MUST_CHECK yoda_status store_recover_table(struct store *store, uint32_t tid,
                                                const struct segment_record *records, size_t count,
                                                yoda_error *err);
YODA_MUST_CHECK yoda_status store_sweep(struct store *store, yoda_error *err);

/* Totals for the status. Threads: any. */
struct store_totals {
    uint64_t tables, segments, rows, deleted_rows, bytes_memory, bytes_disk;
};
void store_totals_get(struct store *store, struct store_totals *out);

#endif
