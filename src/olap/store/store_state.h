/*
 * store_state.h -- struct store, for the files of this folder.
 *
 * Threads   lock             the writer's: tables, versions (but not hazard slots), next_segment_id
 *           newest, groups   lock-free; only the writer stores newest
 *           files_owned      a try-lock over the file state (places' file fields, files): held by a
 *                            checkpoint from write to done, by a recovery, by a sweep
 */
#ifndef YODA_STORE_STORE_STATE_H
#define YODA_STORE_STORE_STATE_H

#include "olap/store/file_list.h"
#include "olap/store/version_build.h"

#define HAZARD_GROUPS 16u
#define HAZARD_SLOTS 64u /* per group: one bit each in a word */

struct hazard_group {
    _Alignas(64) _Atomic uint64_t used;
    _Alignas(64) _Atomic(struct version_node *) slots[HAZARD_SLOTS];
};

struct store {
    struct hazard_group groups[HAZARD_GROUPS];
    _Alignas(64) _Atomic(struct version_node *) newest;
    pthread_mutex_t lock;
    struct version_node *retired; /* replaced, perhaps still pinned */
    struct table **tables;        /* sorted by tid [table_count] */
    uint32_t table_count, table_capacity;
    uint64_t next_segment_id;
    _Atomic uint64_t index_bytes; /* of all key indexes, as of the last publish */
    char *directory; /* NULL: in memory only */
    uint8_t database_id[16];
    struct task_pool *pool;
    struct mem_budget *budget;
    uint32_t compact_deleted_percent;
    uint64_t sealed_by_merges; /* segments, since store_maintain last told of them */
    _Atomic bool files_owned;
    struct file_list files;
};

static inline const struct version_node *store_newest(const struct store *store)
{
    return atomic_load_explicit(&store->newest, memory_order_acquire);
}

/* ---- Writer, under the lock ------------------------------------------------------------------ */

/* Free retired versions that no hazard slot names. */
void store_reap(struct store *store);
/* Does any reader pin this version? (snapshot.c) */
bool snapshot_is_pinned(struct store *store, const struct version_node *node);
/*
 * Publish the newest version again with one table's state exchanged: same watermark, same rows.
 * Takes state on success.
 */
YODA_MUST_CHECK yoda_status store_republish(struct store *store, struct table_state *state,
                                            yoda_error *err);
/* The state of a table in the newest version, NULL when not in it. */
const struct table_state *store_published(const struct store *store, uint32_t tid);

/* Own the file state. Errors: YODA_BUSY. Threads: any. */
YODA_MUST_CHECK yoda_status store_own_files(struct store *store, yoda_error *err);
void store_disown_files(struct store *store);

#endif
