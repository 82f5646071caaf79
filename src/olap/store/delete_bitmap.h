/*
 * delete_bitmap.h -- which rows of a segment are dead: 16 KB, shared by reference count.
 *
 * A bitmap named by a published version never changes; the writer copies it before its first change
 * after a publish. Packed for the manifest it is a list of row numbers or the LZ4 of its words,
 * whichever is shorter, behind a checksum bound to the segment:
 *
 *   offset size
 *        0    1  kind: 1 list (u32 row numbers, ascending), 2 LZ4 block of the words
 *        1    3  zero
 *        4    4  dead rows
 *        8    8  XXH3 of bytes [0, 8) and the payload, seeded with the segment id
 *       16    .  payload
 *
 * Valid: sizes agree, every row is below the segment's rows, the count matches.
 */
#ifndef YODA_STORE_DELETE_BITMAP_H
#define YODA_STORE_DELETE_BITMAP_H

#include "olap/column/chunk.h"

#define DELETE_BITMAP_WORDS BITMAP_WORDS(SEGMENT_ROWS)

struct delete_bitmap {
    _Atomic uint32_t refs;
    uint32_t count; /* bits set */
    struct mem_budget *budget;
    uint64_t words[DELETE_BITMAP_WORDS];
};

/* An empty bitmap, or a copy of `from`. Errors: YODA_NOMEM. */
YODA_MUST_CHECK yoda_status delete_bitmap_create(const struct delete_bitmap *from,
                                                 struct mem_budget *budget,
                                                 struct delete_bitmap **out, yoda_error *err);
struct delete_bitmap *delete_bitmap_acquire(struct delete_bitmap *bitmap); /* NULL stays NULL */
void delete_bitmap_release(struct delete_bitmap *bitmap);                  /* NULL is fine */
/* Requires the caller's only reference and a row that is not dead yet. */
static inline void delete_bitmap_set(struct delete_bitmap *bitmap, uint32_t row)
{
    ASSERT(row < SEGMENT_ROWS && !bit_get(bitmap->words, row));
    bit_set(bitmap->words, row);
    bitmap->count++;
}

/* Pack words [DELETE_BITMAP_WORDS] with `count` bits set. Owner: the caller (mem_free). */
YODA_MUST_CHECK yoda_status delete_bitmap_pack(const uint64_t *words, uint32_t count,
                                               uint64_t segment_id, void **out, uint32_t *size,
                                               yoda_error *err);
/* Unpack for a segment of `rows` rows. Errors: YODA_CORRUPT, YODA_NOMEM. */
YODA_MUST_CHECK yoda_status delete_bitmap_unpack(const void *data, uint32_t size, uint32_t rows,
                                                 uint64_t segment_id, struct mem_budget *budget,
                                                 struct delete_bitmap **out, yoda_error *err);

#endif
