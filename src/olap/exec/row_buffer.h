/*
 * row_buffer.h -- rows kept beyond their push: what a sort or a result gathers, column by column.
 *
 * Each column is 8 bytes a row (a strref for texts, whose bytes are copied into the buffer's arena)
 * and a tag byte. Columns that nobody needs are not kept. Threads: one writer; reading from any.
 */
#ifndef YODA_OLAP_ROW_BUFFER_H
#define YODA_OLAP_ROW_BUFFER_H

#include "base/buffer.h"
#include "olap/exec/expr.h"

enum row_tag { ROW_VALUE = 0, ROW_NULL = 1, ROW_REAL = 2 /* of a NUM column */ };

struct row_column {
    enum vtype type;
    bool kept;
    struct buffer *data; /* int64_t, double or struct strref, [rows] */
    struct buffer *tags; /* uint8_t, [rows] */
};

struct row_buffer {
    uint32_t column_count, rows;
    struct row_column *columns;
    struct arena bytes;
    uint64_t byte_count; /* of texts */
    struct mem_budget *budget;
};

/* kept: bitmap of the columns to keep, NULL for all. After a failure deinit as usual. */
YODA_MUST_CHECK yoda_status row_buffer_init(struct row_buffer *b, const enum vtype *types,
                                            uint32_t column_count, const uint64_t *kept,
                                            struct mem_budget *budget, yoda_error *err);
void row_buffer_deinit(struct row_buffer *b);
YODA_MUST_CHECK yoda_status row_buffer_append(struct row_buffer *b, const struct row_set *in,
                                              struct arena *scratch, yoda_error *err);
/* Bytes of memory in use. */
uint64_t row_buffer_bytes(const struct row_buffer *b);
/* Forget the rows, keep the memory of the columns. */
void row_buffer_clear(struct row_buffer *b);
/* Text is borrowed from the buffer. */
struct value row_buffer_value(const struct row_buffer *b, uint32_t column, uint32_t row);

struct row_ref {
    const struct row_buffer *buffer;
    uint32_t row;
};
/* The rows of refs ([rows], from buffers of one shape) as FLAT vectors in the arena. */
YODA_MUST_CHECK yoda_status row_buffer_gather(const struct row_ref *refs, uint32_t rows,
                                              struct arena *arena, struct row_set *out,
                                              yoda_error *err);

#endif
