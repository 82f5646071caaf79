/*
 * key_index.h -- key -> row id of one table; belongs to the writer alone.
 *
 *   DENSE  int64 keys in a range of at most about four times their number: u32 [range]
 *   INT    other int64 keys: open addressing over {key, rid}
 *   HASH   any other key: open addressing over {64-bit hash of the normal form, rid}; equal hashes
 *          are told apart by re-reading the row's key columns (struct key_match)
 *
 * DENSE turns into INT by itself when a key arrives that spreads the range too far. Deletion shifts
 * entries back, so there are no tombstones. What can fail is done by key_index_reserve; after it
 * one put of that key cannot fail.
 */
#ifndef YODA_STORE_KEY_INDEX_H
#define YODA_STORE_KEY_INDEX_H

#include "olap/store/row_id.h"

enum key_index_kind { KEY_INDEX_DENSE, KEY_INDEX_INT, KEY_INDEX_HASH };

struct key_entry {
    uint64_t key; /* the key's bits, or its hash */
    uint32_t rid; /* ROW_ID_NONE: free */
};

struct key_index {
    enum key_index_kind kind;
    uint64_t count;
    struct mem_budget *budget;
    int64_t base;              /* DENSE: key of rids[0]                    */
    int64_t key_min, key_max;  /* DENSE: bounds of the keys put so far     */
    uint64_t capacity;         /* DENSE: slots; otherwise a power of two   */
    uint32_t *rids;            /* DENSE [capacity]                         */
    struct key_entry *entries; /* INT, HASH [capacity], NULL when empty    */
};

/* Tells whether the row has the key looked for. NULL for int64 keys. */
struct key_match {
    yoda_status (*same)(void *ctx, uint32_t rid, bool *same, yoda_error *err);
    void *ctx;
};

/* Empty, DENSE or HASH; allocates nothing. */
void key_index_init(struct key_index *index, bool int_keys, struct mem_budget *budget);
void key_index_deinit(struct key_index *index); /* leaves it empty */
uint64_t key_index_bytes(const struct key_index *index);
/* Make room at once for `rows` keys (int keys: within [min, max]) in an empty index. */
YODA_MUST_CHECK yoda_status key_index_prepare(struct key_index *index, uint64_t rows, int64_t min,
                                              int64_t max, yoda_error *err);
/* Make sure that one put of this key cannot fail. Slots found before are void. */
YODA_MUST_CHECK yoda_status key_index_reserve(struct key_index *index, uint64_t key,
                                              yoda_error *err);
/*
 * Find a key: its row id or ROW_ID_NONE, and the slot for put and remove (valid until the next
 * reserve, put or remove; without a reserve only when the key was found).
 * Errors: those of match.
 */
YODA_MUST_CHECK yoda_status key_index_find(const struct key_index *index, uint64_t key,
                                           const struct key_match *match, uint64_t *slot,
                                           uint32_t *rid, yoda_error *err);
/* Map the key to rid at the slot that find gave after reserve. */
void key_index_put(struct key_index *index, uint64_t slot, uint64_t key, uint32_t rid);
/* Remove the entry at a slot at which find found a key. */
void key_index_remove(struct key_index *index, uint64_t slot);
/* Map the key to new_rid if it is mapped to old_rid; returns whether it was. */
bool key_index_move(struct key_index *index, uint64_t key, uint32_t old_rid, uint32_t new_rid);

#endif
