/*
 * row_id.h -- where a row is: segment number and row in 32 bits, and the numbers of one table.
 *
 *   row id = segment number << 17 | row
 *
 * A number belongs to one segment place (segment.h) from its creation until the last segment
 * object, version and file entry that names the place is gone; only then is it given to another
 * segment. So a row id never changes meaning while anything can name it. With all 32,767 numbers in
 * use (4.29 billion row places in one table) the next segment is refused with YODA_TOO_BIG.
 */
#ifndef YODA_STORE_ROW_ID_H
#define YODA_STORE_ROW_ID_H

#include "olap/column/chunk.h"

#define ROW_ID_BITS 17u
#define ROW_ID_NUMBERS 32767u    /* 32767 itself stays free so that no row has the id below */
#define ROW_ID_NONE UINT32_MAX

static_assert(SEGMENT_ROWS == 1u << ROW_ID_BITS, "a row id holds any row of a segment");

static inline uint32_t row_id_make(uint32_t number, uint32_t row)
{
    return number << ROW_ID_BITS | row;
}
static inline uint32_t row_id_number(uint32_t rid)
{
    return rid >> ROW_ID_BITS;
}
static inline uint32_t row_id_row(uint32_t rid)
{
    return rid & (SEGMENT_ROWS - 1);
}

/* The numbers in use of one table; shared by its places, which may outlive the table. */
struct row_numbers {
    _Atomic uint32_t refs;
    _Atomic uint64_t used[BITMAP_WORDS(ROW_ID_NUMBERS + 1)];
};

YODA_MUST_CHECK yoda_status row_numbers_create(struct row_numbers **out, yoda_error *err);
struct row_numbers *row_numbers_acquire(struct row_numbers *numbers);
void row_numbers_release(struct row_numbers *numbers);
/* Take the lowest free number. Errors: YODA_TOO_BIG. Threads: one taker at a time. */
YODA_MUST_CHECK yoda_status row_numbers_take(struct row_numbers *numbers, uint32_t *out,
                                             yoda_error *err);
/* Give a number back. Threads: any. */
void row_numbers_give(struct row_numbers *numbers, uint32_t number);

#endif
