/*
 * batch.h -- result rows in columns, laid out as Arrow wants them.
 *
 * Both sides produce batches: the columnar executor by whole vectors, the SQLite side value by
 * value. A column starts typed by its first non-NULL value and turns MIXED when a value of another
 * storage class arrives; a MIXED column keeps a type tag per row so that every value keeps its
 * type.
 *
 *   kind     validity (bit 1 = not NULL)  data                     offsets       tags
 *   NULL     -                            -                        -             -
 *   INTEGER  [rows] bits or NULL          int64_t [rows]           -             -
 *   REAL     same                         double [rows]            -             -
 *   TEXT     same                         bytes                    int32 [rows+1] -
 *   BLOB     same                         bytes                    int32 [rows+1] -
 *   MIXED    -                            uint64_t [rows]: int64, double bits,    uint8 [rows]
 *                                         or offset << 32 | size into `bytes`   of yoda_type
 * A batch has at most BATCH_ROWS rows. Batches are immutable once finished; buffers are shared.
 */
#ifndef YODA_BASE_BATCH_H
#define YODA_BASE_BATCH_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/value.h"

#define BATCH_ROWS 65536u

enum batch_kind { BATCH_NULL = 0, BATCH_INTEGER, BATCH_REAL, BATCH_TEXT, BATCH_BLOB, BATCH_MIXED };

struct batch_column {
    enum batch_kind kind;
    uint64_t null_count;
    struct buffer *validity, *data, *offsets, *tags, *bytes; /* references; NULL where unused */
};

struct batch {
    uint32_t rows, column_count;
    struct batch_column *columns; /* [column_count], behind the struct */
};

/* A growing list of batches with column_count columns. Owner: whoever inits deinits. */
struct batch_list {
    uint32_t column_count;
    size_t batch_count, batch_capacity;
    struct batch **batches;
    uint64_t rows;
    struct mem_budget *budget;
    struct batch *open; /* the last batch while append may fill it, else NULL */
};

void batch_list_init(struct batch_list *list, uint32_t column_count, struct mem_budget *budget);
void batch_list_deinit(struct batch_list *list);
/* Move all batches of from behind those of list. Requires equal column counts. */
YODA_MUST_CHECK yoda_status batch_list_splice(struct batch_list *list, struct batch_list *from,
                                              yoda_error *err);
/* Append a finished batch, taken on success. Requires equal column counts, rows <= BATCH_ROWS. */
YODA_MUST_CHECK yoda_status batch_list_push(struct batch_list *list, struct batch *batch,
                                            yoda_error *err);
/* Append one row of [column_count] values (bytes are copied). */
YODA_MUST_CHECK yoda_status batch_list_append(struct batch_list *list, const struct value *row,
                                              yoda_error *err);
/* A batch of 0 rows, all columns BATCH_NULL; the caller sets rows and fills the columns. */
YODA_MUST_CHECK yoda_status batch_create(uint32_t column_count, struct batch **out,
                                         yoda_error *err);
/* Read one value; bytes are borrowed from the batch. */
struct value batch_value(const struct batch *batch, uint32_t column, uint32_t row);
void batch_destroy(struct batch *batch);

#endif
