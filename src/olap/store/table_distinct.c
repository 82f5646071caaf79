/*
 * table_distinct.c -- distinct values of a column, from the sketches of its chunks.
 *
 * Some segments spread over the table are merged. How much more they have together than one of them
 * alone says how the number grows, and is carried on to the segments that were not looked at: all
 * the same values, all new ones, or a power of the segments between the two.
 */
#include "olap/column/sketch.h"
#include "olap/store/store.h"

#include <math.h>

enum { SEGMENTS_MOST = 16 };

double table_distinct(const struct table_version *table, uint32_t column)
{
    struct sketch all = {0};
    double alone = 0, known = 0;
    uint32_t count = table->segment_count, looks = count < SEGMENTS_MOST ? count : SEGMENTS_MOST;
    ASSERT(column < table->column_count);
    for (uint32_t i = 0; i < looks; i++) {
        const struct segment_ref *ref = &table->segments[(uint64_t)i * count / looks];
        const struct chunk *chunk;
        struct sketch one = {0};
        if (ref->rows == 0 || segment_chunk(ref->segment, column, &chunk, NULL) != YODA_OK)
            continue;
        chunk_sketch(chunk, ref->rows, &one);
        sketch_merge(&all, &one);
        alone += sketch_estimate(&one);
        known++;
    }
    double together = sketch_estimate(&all);
    if (known > 1 && count > looks && alone > 0 && together > alone / known)
        together *= pow(count / known, log(together * known / alone) / log(known));
    return fmin(fmax(together, 1), fmax((double)table->live_rows, 1));
}
