/*
 * scan_values.h -- the values of a column instead of its rows.
 *
 * Where only matters which values occur (op.wants_values) and a segment's rows are all there, its
 * dictionary is the answer: every entry of a dictionary occurs in some row, because it is built
 * from the rows of its segment. No code is read. Nor are the values pushed again where the worker's
 * last dictionary was the same.
 */
#ifndef YODA_OLAP_SCAN_VALUES_H
#define YODA_OLAP_SCAN_VALUES_H

#include "olap/column/chunk.h"
#include "olap/exec/pipeline.h"

/* The dictionary that stands for a segment's rows; *out is NULL where none does. Errors: as
 * chunk_read. */
YODA_MUST_CHECK yoda_status scan_values_dict(const struct segment_ref *ref,
                                             const struct chunk *chunk, enum vtype want,
                                             struct arena *arena, const struct dict **out,
                                             yoda_error *err);
/* Push each value (dict NULL: none) once, as column `slot` of `columns`; null: NULL too. */
YODA_MUST_CHECK yoda_status scan_values_push(struct worker *worker, const struct dict *dict,
                                             bool null, enum vtype type, uint32_t columns,
                                             uint32_t slot, yoda_error *err);

#endif
