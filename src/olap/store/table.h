/*
 * table.h -- the writer's view of one table: its newest state, published or not.
 *
 * State     segments    in row order; at most one, `open`, is still filling
 *           by_number   segment number -> index in segments
 *           index       key -> row id, built at the first merge after a recovery
 *           published   the table in the newest version, NULL when it is not in it
 *
 * Per segment, rows beyond published_rows and a bitmap with deleted_private are unknown to every
 * version and may change in place; everything else is shared and copied before it changes.
 * Everything here is guarded by the store's write lock.
 */
#ifndef YODA_STORE_TABLE_H
#define YODA_STORE_TABLE_H

#include "olap/store/delete_bitmap.h"
#include "olap/store/key_index.h"
#include "olap/store/segment.h"

struct table_state; /* version_build.h */

struct table_segment {
    struct segment *segment;
    struct delete_bitmap *deleted; /* NULL: none */
    bool deleted_private;
    uint32_t rows;
    uint32_t published_rows;
};

#define TABLE_NO_SEGMENT UINT32_MAX

struct table {
    struct store *store;
    uint32_t tid;
    struct table_def def;
    bool complete;
    bool dirty; /* differs from `published` */
    bool index_built;
    bool frozen_valid;        /* frozen_classes are up to date */
    uint32_t *frozen_classes; /* [column_count] union over all segments but the open one */
    struct row_numbers *numbers;
    struct table_segment *segments; /* [segment_count] */
    uint32_t segment_count, segment_capacity;
    uint32_t *by_number; /* [number_capacity] */
    uint32_t number_capacity;
    uint32_t open; /* index in segments or TABLE_NO_SEGMENT */
    uint64_t live_rows;
    struct key_index index;
    struct table_state *published;
    struct arena scratch;
    uint8_t *key_bytes; /* [key_capacity] normal form of the key at hand */
    size_t key_capacity;
};

YODA_MUST_CHECK yoda_status table_create(struct store *store, uint32_t tid,
                                         const struct table_def *def, struct table **out,
                                         yoda_error *err);
void table_destroy(struct table *table); /* NULL is fine */
/* Drop all rows and the index; `published` stays. */
void table_clear(struct table *table);

static inline struct table_segment *table_segment_of(const struct table *table, uint32_t rid)
{
    uint32_t number = row_id_number(rid);
    ASSERT(number < table->number_capacity);
    ASSERT(table->by_number[number] < table->segment_count);
    return &table->segments[table->by_number[number]];
}
static inline uint32_t table_segment_deleted(const struct table_segment *ts)
{
    return ts->deleted ? ts->deleted->count : 0;
}

/* Make a place with a new segment id. */
YODA_MUST_CHECK yoda_status table_new_place(struct table *table, struct segment_place **out,
                                            yoda_error *err);
/* Make room so that one push_segment or replace_segments with this place cannot fail. */
YODA_MUST_CHECK yoda_status table_reserve_segment(struct table *table,
                                                  const struct segment_place *place,
                                                  yoda_error *err);
/* Append a segment (taken, with its bitmap). */
void table_push_segment(struct table *table, struct table_segment ts);
/* Put `with` (taken; NULL: nothing) in the place of segments [first, first + count); releases
 * those. */
void table_replace_segments(struct table *table, uint32_t first, uint32_t count,
                            const struct table_segment *with);
/* Index of this very segment object, or TABLE_NO_SEGMENT. */
uint32_t table_segment_index(const struct table *table, const struct segment *segment);
/* Make the segment's bitmap private: created or copied where need be. */
YODA_MUST_CHECK yoda_status table_reserve_delete(struct table *table, struct table_segment *ts,
                                                 yoda_error *err);

/* ---- Keys (table_key.c) ---------------------------------------------------------------------- */

/* The 64 bits the index keeps of a key [key_count]. Errors: YODA_NOMEM; YODA_MISUSE for a rowid
 * that is no integer. */
YODA_MUST_CHECK yoda_status table_key_bits(struct table *table, const struct value *key,
                                           uint64_t *out, yoda_error *err);
/* Find a key, its bits known; see key_index_find. */
YODA_MUST_CHECK yoda_status table_key_find(struct table *table, const struct value *key,
                                           uint64_t bits, uint64_t *slot, uint32_t *rid,
                                           yoda_error *err);
/* Build the index if it is not there. Errors: YODA_CORRUPT (two live rows with one key), and those
 * of segment_chunk; the index is then empty and not built. */
YODA_MUST_CHECK yoda_status table_key_build(struct table *table, yoda_error *err);
/* The key bits of the rows of a segment that are not dead in `deleted`, in row order: out [live].
 * The table is only read (definition); no lock is needed. */
YODA_MUST_CHECK yoda_status table_key_read(const struct table_def *def, struct segment *segment,
                                           uint32_t rows, const uint64_t *deleted, uint64_t *out,
                                           yoda_error *err);

#endif
