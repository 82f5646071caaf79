/*
 * table_key.c -- keys of rows: their bits, telling equal hashes apart, building the index.
 *
 * A rowid's bits are the rowid. Any other key's bits are the XXH3 of its normal form, in which keys
 * that are equal under their collations have equal bytes.
 */
#include "olap/store/store_state.h"
#include "olap/store/table.h"

#include "base/hash.h"

#include <inttypes.h>

static size_t key_bound(const struct table_def *def, const struct value *key)
{
    size_t bound = 0;
    for (uint32_t k = 0; k < def->key_count; k++)
        bound += value_key_bound(&key[k]);
    return bound;
}

static uint64_t key_hash(const struct table_def *def, const struct value *key, uint8_t *bytes)
{
    size_t size = 0;
    for (uint32_t k = 0; k < def->key_count; k++)
        size += value_key_write(&key[k], def->key_collations[k], bytes + size);
    return hash_bytes(bytes, size, 0);
}

static yoda_status rowid_bits(const struct value *key, uint64_t *out, yoda_error *err)
{
    if (key->type != YODA_INTEGER)
        return fail(err, YODA_MISUSE, "a rowid is an integer");
    *out = (uint64_t)key->i;
    return YODA_OK;
}

yoda_status table_key_bits(struct table *table, const struct value *key, uint64_t *out,
                           yoda_error *err)
{
    if (table->def.key_is_rowid)
        return rowid_bits(key, out, err);
    size_t bound = key_bound(&table->def, key);
    if (bound > table->key_capacity) {
        uint8_t *grown = mem_realloc(table->key_bytes, bound * 2);
        if (!grown)
            return fail_nomem(err, bound * 2);
        table->key_bytes = grown;
        table->key_capacity = bound * 2;
    }
    *out = key_hash(&table->def, key, table->key_bytes);
    return YODA_OK;
}

/* ---- Equal hashes ---------------------------------------------------------------------------- */

struct match_context {
    struct table *table;
    const struct value *key;
};

static yoda_status row_has_key(void *ctx, uint32_t rid, bool *same, yoda_error *err)
{
    const struct match_context *m = ctx;
    const struct table_def *def = &m->table->def;
    struct segment *segment = table_segment_of(m->table, rid)->segment;
    *same = false;
    for (uint32_t k = 0; k < def->key_count; k++) {
        const struct chunk *chunk = NULL;
        struct value v;
        TRY(segment_chunk(segment, def->key_columns[k], &chunk, err));
        TRY(chunk_value(chunk, row_id_row(rid), &m->table->scratch, &v, err));
        if (value_compare(&v, &m->key[k], def->key_collations[k]) != 0)
            return YODA_OK;
    }
    *same = true;
    return YODA_OK;
}

yoda_status table_key_find(struct table *table, const struct value *key, uint64_t bits,
                           uint64_t *slot, uint32_t *rid, yoda_error *err)
{
    ASSERT(table->index_built);
    if (table->def.key_is_rowid)
        return key_index_find(&table->index, bits, NULL, slot, rid, err);
    struct match_context context = {.table = table, .key = key};
    struct key_match match = {.same = row_has_key, .ctx = &context};
    arena_reset(&table->scratch);
    return key_index_find(&table->index, bits, &match, slot, rid, err);
}

/* ---- Reading the keys of a segment ----------------------------------------------------------- */

static bool is_dead(const uint64_t *deleted, uint32_t row)
{
    return deleted && bit_get(deleted, row);
}

static yoda_status read_rowids(struct segment *segment, uint32_t column, uint32_t rows,
                               const uint64_t *deleted, struct arena *arena, uint64_t *out,
                               yoda_error *err)
{
    const struct chunk *chunk = NULL;
    TRY(segment_chunk(segment, column, &chunk, err));
    for (uint32_t row = 0; row < rows; row += VECTOR_ROWS) {
        uint32_t n = rows - row < VECTOR_ROWS ? rows - row : VECTOR_ROWS;
        struct vector vector, flat;
        arena_reset(arena);
        TRY(chunk_read(chunk, row, n, VT_INT, arena, &vector, err));
        TRY(vector_flatten(&vector, arena, &flat, err));
        const int64_t *data = flat.data;
        for (uint32_t i = 0; i < n; i++) {
            if (is_dead(deleted, row + i))
                continue;
            if (vector_is_null(&flat, i))
                return fail(err, YODA_CORRUPT, "segment %" PRIu64 ": row %u has no rowid",
                            segment_id(segment), row + i);
            *out++ = (uint64_t)data[i];
        }
    }
    return YODA_OK;
}

static yoda_status row_key_hash(const struct table_def *def, const struct chunk *const *chunks,
                                uint32_t row, struct arena *arena, uint64_t *out, yoda_error *err)
{
    struct value key[KEY_COLUMNS_MAX];
    for (uint32_t k = 0; k < def->key_count; k++)
        TRY(chunk_value(chunks[k], row, arena, &key[k], err));
    size_t bound = key_bound(def, key);
    uint8_t *bytes = arena_alloc(arena, bound);
    if (!bytes)
        return fail_nomem(err, bound);
    *out = key_hash(def, key, bytes);
    return YODA_OK;
}

static yoda_status read_hashes(const struct table_def *def, struct segment *segment, uint32_t rows,
                               const uint64_t *deleted, struct arena *arena, uint64_t *out,
                               yoda_error *err)
{
    const struct chunk *chunks[KEY_COLUMNS_MAX];
    for (uint32_t k = 0; k < def->key_count; k++)
        TRY(segment_chunk(segment, def->key_columns[k], &chunks[k], err));
    for (uint32_t row = 0; row < rows; row++) {
        if (row % VECTOR_ROWS == 0)
            arena_reset(arena);
        if (!is_dead(deleted, row))
            TRY(row_key_hash(def, chunks, row, arena, out++, err));
    }
    return YODA_OK;
}

yoda_status table_key_read(const struct table_def *def, struct segment *segment, uint32_t rows,
                           const uint64_t *deleted, uint64_t *out, yoda_error *err)
{
    struct arena arena;
    arena_init(&arena, NULL);
    yoda_status status =
        def->key_is_rowid
            ? read_rowids(segment, def->key_columns[0], rows, deleted, &arena, out, err)
            : read_hashes(def, segment, rows, deleted, &arena, out, err);
    if (status == YODA_NOT_COLUMNAR) /* a rowid column that holds something else */
        status = fail(err, YODA_CORRUPT, "segment %" PRIu64 ": the rowid column has other values",
                      segment_id(segment));
    arena_deinit(&arena);
    return status;
}

/* ---- Building the index ---------------------------------------------------------------------- */

/* The range of the rowids, from zone maps where they are known. */
static void rowid_range(const struct table *table, int64_t *min, int64_t *max)
{
    *min = INT64_MAX;
    *max = INT64_MIN;
    for (uint32_t i = 0; i < table->segment_count; i++) {
        struct zone zone = segment_zone(table->segments[i].segment, table->def.key_columns[0]);
        bool known = zone.kind == ZONE_INT && zone.min.i <= zone.max.i;
        int64_t low = known ? zone.min.i : INT64_MIN, high = known ? zone.max.i : INT64_MAX;
        *min = low < *min ? low : *min;
        *max = high > *max ? high : *max;
    }
}

static yoda_status prepare_index(struct table *table, yoda_error *err)
{
    int64_t min = 0, max = 0;
    if (table->live_rows > 0 && table->def.key_is_rowid)
        rowid_range(table, &min, &max);
    return key_index_prepare(&table->index, table->live_rows, min, max, err);
}

/* Two rows with equal bits: of one key, or two keys with one hash? */
static yoda_status check_distinct(struct table *table, uint32_t rid, uint64_t bits, uint64_t *slot,
                                  yoda_error *err)
{
    const struct table_def *def = &table->def;
    struct segment *segment = table_segment_of(table, rid)->segment;
    struct value key[KEY_COLUMNS_MAX];
    uint32_t other = ROW_ID_NONE;
    struct arena arena;
    yoda_status status = YODA_OK;
    arena_init(&arena, NULL);
    for (uint32_t k = 0; status == YODA_OK && k < def->key_count; k++) {
        const struct chunk *chunk = NULL;
        status = segment_chunk(segment, def->key_columns[k], &chunk, err);
        if (status == YODA_OK)
            status = chunk_value(chunk, row_id_row(rid), &arena, &key[k], err);
    }
    if (status == YODA_OK)
        status = table_key_find(table, key, bits, slot, &other, err);
    arena_deinit(&arena);
    if (status == YODA_OK && other != ROW_ID_NONE)
        return fail(err, YODA_CORRUPT, "segment %" PRIu64 ": the key of row %u occurs twice",
                    segment_id(segment), row_id_row(rid));
    return status;
}

static yoda_status index_row(struct table *table, uint32_t rid, uint64_t bits, yoda_error *err)
{
    uint64_t slot = 0;
    uint32_t other = ROW_ID_NONE;
    TRY(key_index_reserve(&table->index, bits, err));
    TRY(key_index_find(&table->index, bits, NULL, &slot, &other, err));
    if (other != ROW_ID_NONE)
        TRY(check_distinct(table, rid, bits, &slot, err));
    key_index_put(&table->index, slot, bits, rid);
    return YODA_OK;
}

static yoda_status index_segment(struct table *table, const struct table_segment *ts,
                                 uint64_t *keys, yoda_error *err)
{
    const uint64_t *deleted = ts->deleted ? ts->deleted->words : NULL;
    uint32_t number = ts->segment->place->number;
    TRY(table_key_read(&table->def, ts->segment, ts->rows, deleted, keys, err));
    for (uint32_t row = 0; row < ts->rows; row++)
        if (!is_dead(deleted, row))
            TRY(index_row(table, row_id_make(number, row), *keys++, err));
    return YODA_OK;
}

yoda_status table_key_build(struct table *table, yoda_error *err)
{
    if (table->index_built)
        return YODA_OK;
    uint64_t *keys = mem_alloc(SEGMENT_ROWS * sizeof *keys);
    yoda_status status =
        keys ? prepare_index(table, err) : fail_nomem(err, SEGMENT_ROWS * sizeof *keys);
    table->index_built = true; /* for the lookups that the build itself makes */
    for (uint32_t i = 0; status == YODA_OK && i < table->segment_count; i++)
        status = index_segment(table, &table->segments[i], keys, err);
    mem_free(keys);
    table->index_built = status == YODA_OK;
    if (status != YODA_OK)
        key_index_deinit(&table->index);
    ASSERT(status != YODA_OK || table->index.count == table->live_rows);
    return status;
}
