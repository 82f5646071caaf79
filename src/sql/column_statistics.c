/*
 * column_statistics.c -- how many distinct values a column has, from what the store knows anyway.
 *
 * A unique index says it exactly. Otherwise the sketches of the segments are merged, and where the
 * column is INTEGER the zone maps bound the answer: a range has no more values than numbers.
 *
 * Open segments are only sampled, which is rough: where others are, they speak for them.
 *
 * Of very large tables a share of the segments is looked at. Failures give a guess: an estimate
 * never stops a query.
 */
#include "sql/estimate.h"

#include "olap/column/sketch.h"

#include <math.h>

#define SEGMENTS_MAX 256u /* looked at */
#define GUESS_SHARE 0.1   /* of the rows, where nothing is known */

struct known {
    const struct catalog_table *table;
    uint32_t column;
    double distinct;
    struct known *next;
};

struct estimates {
    struct known *first;
};

/* ---- Keys ---- */

static bool is_key_column(const struct catalog_table *table, uint32_t column)
{
    bool null = table->classes[column] & CLASS_NULL;
    return (!null || table->columns[column].not_null) &&
           (!(table->classes[column] & CLASS_TEXT) ||
            table->columns[column].collation == COLLATE_BINARY);
}

bool column_is_unique(const struct catalog_table *table, uint32_t column)
{
    for (uint32_t i = 0; i < table->index_count; i++)
        if (table->indexes[i].unique && table->indexes[i].column_count == 1 &&
            table->indexes[i].columns[0] == column)
            return is_key_column(table, column);
    return table->rowid_column >= 0 && (uint32_t)table->rowid_column == column;
}

/* ---- Segments ---- */

struct look { /* at some segments of one column */
    struct sketch sketch;
    int64_t low, high; /* of the INTEGERs; low > high: none */
    bool integers;     /* and no other numbers or texts */
    bool any, encoded; /* segments seen */
};

static void look_at(struct look *l, const struct segment_ref *ref, uint32_t column)
{
    const struct chunk *chunk;
    if (ref->rows == 0 || segment_chunk(ref->segment, column, &chunk, NULL) != YODA_OK)
        return;
    struct sketch sketch = {{0}}; /* of its own: a sample is scaled up */
    bool raw = chunk_encoding(chunk) == ENC_RAW;
    if (raw && l->encoded)
        return;
    chunk_sketch(chunk, ref->rows, &sketch);
    if (!raw && !l->encoded)
        l->sketch = sketch;
    else
        sketch_merge(&l->sketch, &sketch);
    l->any = true;
    l->encoded = l->encoded || !raw;
    struct zone zone = chunk_zone(chunk, UINT32_MAX);
    if (zone.kind == ZONE_INT) {
        l->low = zone.min.i < l->low ? zone.min.i : l->low;
        l->high = zone.max.i > l->high ? zone.max.i : l->high;
    } else if (zone.kind != ZONE_EMPTY) {
        l->integers = false;
    }
}

static double look_at_column(const struct catalog_table *table, uint32_t column)
{
    struct look l = {.low = INT64_MAX, .high = INT64_MIN, .integers = true};
    const struct table_version *version = table->version;
    double rows = (double)table->live_rows, distinct = rows * GUESS_SHARE;
    uint32_t count = version ? version->segment_count : 0, step = count / SEGMENTS_MAX + 1;
    for (uint32_t s = 0; s < count; s += step)
        look_at(&l, &version->segments[s], column);
    if (l.any)
        distinct = sketch_estimate(&l.sketch);
    if (l.any && l.integers && step == 1 && l.low <= l.high)
        distinct = fmin(distinct, (double)l.high - (double)l.low + 1);
    return fmax(1, fmin(distinct, rows));
}

double column_distinct(struct query *q, const struct catalog_table *table, uint32_t column)
{
    if (!q->estimates)
        q->estimates = arena_new(q->arena, struct estimates);
    if (column_is_unique(table, column))
        return fmax((double)table->live_rows, 1);
    if (!q->estimates)
        return fmax(1, (double)table->live_rows * GUESS_SHARE);
    for (const struct known *k = q->estimates->first; k; k = k->next)
        if (k->table == table && k->column == column)
            return k->distinct;
    struct known *k = arena_new(q->arena, struct known);
    double distinct = look_at_column(table, column);
    if (k) {
        *k = (struct known){table, column, distinct, q->estimates->first};
        q->estimates->first = k;
    }
    return distinct;
}
