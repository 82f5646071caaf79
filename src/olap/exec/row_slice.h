/*
 * row_slice.h -- kept rows as vectors without a copy.
 *
 * A slice of a row buffer's column is a FLAT vector whose data is the buffer's own; only the
 * bitmaps are made, from the tags.
 */
#ifndef YODA_OLAP_ROW_SLICE_H
#define YODA_OLAP_ROW_SLICE_H

#include "olap/exec/row_buffer.h"

/*
 * Rows [first, first + rows) of a kept column.
 *
 *   out   borrows from the buffer (data) and the arena (bitmaps)
 *
 * Requires  first + rows <= b->rows; rows > 0
 */
YODA_MUST_CHECK yoda_status row_slice(const struct row_buffer *b, uint32_t column, uint32_t first,
                                      uint32_t rows, struct arena *arena, struct vector *out,
                                      yoda_error *err);
/* The same of values and their tags (enum row_tag), [rows]. */
YODA_MUST_CHECK yoda_status row_slice_values(enum vtype type, const void *data,
                                             const uint8_t *tags, uint32_t rows,
                                             struct arena *arena, struct vector *out,
                                             yoda_error *err);

#endif
