/*
 * table_merge.c -- upsert and delete by key.
 *
 * Everything that can fail comes first: room in the index, a private delete bitmap, the values in
 * the open segment (at a row nobody counts yet). Then the row is counted, the old version is marked
 * dead and the index is pointed at the new one; none of that can fail. So a failed call leaves the
 * table as it was.
 *
 * A row that no publish has seen is overwritten in place where that cannot stop half-way: when at
 * most one of its columns needs new bytes, which is set first. (A sync that failed and runs again
 * meets its own rows: most are identical and nothing is written at all.)
 */
#include "olap/store/maintain.h"

/* ---- The open segment ------------------------------------------------------------------------ */

static yoda_status open_segment(struct table *table, yoda_error *err)
{
    struct segment_place *place = NULL;
    struct segment *segment = NULL;
    TRY(table_new_place(table, &place, err));
    yoda_status status = table_reserve_segment(table, place, err);
    if (status == YODA_OK)
        status = segment_create_raw(place, table->def.column_count, table->store->budget, &segment,
                                    err);
    if (status == YODA_OK) {
        table_push_segment(table, (struct table_segment){.segment = segment});
        table->open = table->segment_count - 1;
    }
    segment_place_release(place);
    return status;
}

/* Have the index and an open segment with room for a row. */
static yoda_status make_ready(struct table *table, yoda_error *err)
{
    if (!table->index_built)
        TRY(table_key_build(table, err));
    const struct table_segment *open =
        table->open != TABLE_NO_SEGMENT ? &table->segments[table->open] : NULL;
    if (open && open->rows < SEGMENT_ROWS)
        return YODA_OK;
    if (open && open->published_rows == 0)
        seal_merged(table, table->open);
    return open_segment(table, err);
}

static yoda_status write_row(struct table *table, const struct value *row, yoda_error *err)
{
    const struct table_segment *open = &table->segments[table->open];
    for (uint32_t c = 0; c < table->def.column_count; c++)
        TRY(chunk_raw_set(segment_chunk_loaded(open->segment, c), open->rows, &row[c], err));
    return YODA_OK;
}

/* ---- Overwriting a row that is not published ------------------------------------------------- */

static bool needs_bytes(const struct value *v)
{
    return v->type == YODA_TEXT || v->type == YODA_BLOB;
}

/*
 * Can the row be overwritten without stopping half-way? `bytes_column` gets the column to set
 * first, or column_count.
 */
static yoda_status may_overwrite(struct table *table, const struct segment *segment, uint32_t at,
                                 const struct value *row, uint32_t *bytes_column, bool *may,
                                 yoda_error *err)
{
    *bytes_column = table->def.column_count;
    *may = false;
    arena_reset(&table->scratch);
    for (uint32_t c = 0; c < table->def.column_count; c++) {
        struct value old;
        if (!needs_bytes(&row[c]))
            continue;
        TRY(chunk_value(segment_chunk_loaded(segment, c), at, &table->scratch, &old, err));
        if (value_identical(&old, &row[c]))
            continue;
        if (*bytes_column != table->def.column_count)
            return YODA_OK;
        *bytes_column = c;
    }
    *may = true;
    return YODA_OK;
}

static yoda_status overwrite(struct table *table, uint32_t rid, const struct value *row, bool *done,
                             yoda_error *err)
{
    const struct segment *segment = table_segment_of(table, rid)->segment;
    uint32_t at = row_id_row(rid), bytes_column = 0;
    TRY(may_overwrite(table, segment, at, row, &bytes_column, done, err));
    if (!*done)
        return YODA_OK;
    if (bytes_column < table->def.column_count)
        TRY(chunk_raw_set(segment_chunk_loaded(segment, bytes_column), at, &row[bytes_column],
                          err));
    for (uint32_t c = 0; c < table->def.column_count; c++)
        if (!needs_bytes(&row[c]))
            TRY(chunk_raw_set(segment_chunk_loaded(segment, c), at, &row[c], err));
    return YODA_OK;
}

static bool is_unpublished_open(const struct table *table, uint32_t rid)
{
    const struct table_segment *ts = table_segment_of(table, rid);
    return ts == &table->segments[table->open] && row_id_row(rid) >= ts->published_rows;
}

/* ---- Merging --------------------------------------------------------------------------------- */

static void mark_deleted(struct table *table, uint32_t rid)
{
    struct table_segment *ts = table_segment_of(table, rid);
    ASSERT(ts->deleted_private && row_id_row(rid) < ts->rows);
    delete_bitmap_set(ts->deleted, row_id_row(rid));
    table->live_rows--;
}

static yoda_status append(struct table *table, const struct value *row, uint64_t key, uint64_t slot,
                          uint32_t old_rid, yoda_error *err)
{
    if (old_rid != ROW_ID_NONE)
        TRY(table_reserve_delete(table, table_segment_of(table, old_rid), err));
    TRY(write_row(table, row, err));
    struct table_segment *open = &table->segments[table->open];
    uint32_t rid = row_id_make(open->segment->place->number, open->rows);
    if (old_rid != ROW_ID_NONE)
        mark_deleted(table, old_rid);
    open->rows++;
    table->live_rows++;
    key_index_put(&table->index, slot, key, rid);
    ASSERT(table->index.count == table->live_rows);
    return YODA_OK;
}

static void read_key(const struct table *table, const struct value *row, struct value *key)
{
    for (uint32_t k = 0; k < table->def.key_count; k++)
        key[k] = row[table->def.key_columns[k]];
}

yoda_status table_upsert(struct table *table, const struct value *row, enum merge_outcome *outcome,
                         yoda_error *err)
{
    struct value key[KEY_COLUMNS_MAX];
    uint64_t bits = 0, slot = 0;
    uint32_t rid = ROW_ID_NONE;
    bool overwritten = false;
    TRY(make_ready(table, err));
    read_key(table, row, key);
    TRY(table_key_bits(table, key, &bits, err));
    TRY(key_index_reserve(&table->index, bits, err));
    TRY(table_key_find(table, key, bits, &slot, &rid, err));
    if (rid != ROW_ID_NONE && is_unpublished_open(table, rid))
        TRY(overwrite(table, rid, row, &overwritten, err));
    if (!overwritten)
        TRY(append(table, row, bits, slot, rid, err));
    table->dirty = true;
    *outcome = rid == ROW_ID_NONE ? MERGE_INSERTED : MERGE_UPDATED;
    return YODA_OK;
}

yoda_status table_delete(struct table *table, const struct value *key, enum merge_outcome *outcome,
                         yoda_error *err)
{
    uint64_t bits = 0, slot = 0;
    uint32_t rid = ROW_ID_NONE;
    *outcome = MERGE_ABSENT;
    if (!table->index_built)
        TRY(table_key_build(table, err));
    TRY(table_key_bits(table, key, &bits, err));
    TRY(table_key_find(table, key, bits, &slot, &rid, err));
    if (rid == ROW_ID_NONE)
        return YODA_OK;
    TRY(table_reserve_delete(table, table_segment_of(table, rid), err));
    mark_deleted(table, rid);
    key_index_remove(&table->index, slot);
    table->dirty = true;
    *outcome = MERGE_DELETED;
    return YODA_OK;
}
