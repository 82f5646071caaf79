/*
 * table.c -- the writer's table: its list of segments and the room it keeps for changes.
 */
#include "olap/store/table.h"

#include "olap/store/store_state.h"
#include "olap/store/version_build.h"

#include <string.h>

yoda_status table_create(struct store *store, uint32_t tid, const struct table_def *def,
                         struct table **out, yoda_error *err)
{
    ASSERT(def->column_count > 0 && def->column_count <= TABLE_COLUMNS_MAX);
    ASSERT(def->key_count > 0 && def->key_count <= KEY_COLUMNS_MAX);
    ASSERT(!def->key_is_rowid || def->key_count == 1);
    *out = NULL;
    struct table *table = mem_calloc(1, sizeof *table);
    if (!table)
        return fail_nomem(err, sizeof *table);
    table->store = store;
    table->tid = tid;
    table->def = *def;
    table->open = TABLE_NO_SEGMENT;
    table->index_built = true;
    arena_init(&table->scratch, NULL);
    key_index_init(&table->index, def->key_is_rowid, store->budget);
    yoda_status status = row_numbers_create(&table->numbers, err);
    table->frozen_classes = mem_calloc(def->column_count, sizeof *table->frozen_classes);
    if (status == YODA_OK && !table->frozen_classes)
        status = fail_nomem(err, def->column_count * sizeof *table->frozen_classes);
    if (status == YODA_OK)
        *out = table;
    else
        table_destroy(table);
    return status;
}

static void release_segments(struct table_segment *segments, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        segment_release(segments[i].segment);
        delete_bitmap_release(segments[i].deleted);
    }
}

void table_clear(struct table *table)
{
    release_segments(table->segments, table->segment_count);
    key_index_deinit(&table->index);
    table->segment_count = 0;
    table->open = TABLE_NO_SEGMENT;
    table->live_rows = 0;
    table->index_built = true;
    table->frozen_valid = false;
    table->dirty = true;
}

void table_destroy(struct table *table)
{
    if (!table)
        return;
    table_clear(table);
    table_state_release(table->published);
    row_numbers_release(table->numbers);
    arena_deinit(&table->scratch);
    mem_free(table->frozen_classes);
    mem_free(table->segments);
    mem_free(table->by_number);
    mem_free(table->key_bytes);
    mem_free(table);
}

void table_set_complete(struct table *table, bool complete)
{
    table->complete = complete;
}

bool table_is_complete(const struct table *table)
{
    return table->complete;
}

yoda_status table_new_place(struct table *table, struct segment_place **out, yoda_error *err)
{
    TRY(segment_place_create(table->numbers, table->store->next_segment_id, out, err));
    table->store->next_segment_id++;
    return YODA_OK;
}

static yoda_status grow(void **array, uint32_t *capacity, uint32_t least, size_t size,
                        yoda_error *err)
{
    if (least <= *capacity)
        return YODA_OK;
    uint32_t grown = *capacity * 2 > least ? *capacity * 2 : least + 16;
    void *moved = mem_realloc(*array, grown * size);
    if (!moved)
        return fail_nomem(err, grown * size);
    *array = moved;
    *capacity = grown;
    return YODA_OK;
}

yoda_status table_reserve_segment(struct table *table, const struct segment_place *place,
                                  yoda_error *err)
{
    void *segments = table->segments, *numbers = table->by_number;
    yoda_status status = grow(&segments, &table->segment_capacity, table->segment_count + 1,
                              sizeof *table->segments, err);
    table->segments = segments;
    TRY(status);
    status = grow(&numbers, &table->number_capacity, place->number + 1, sizeof *table->by_number,
                  err);
    table->by_number = numbers;
    return status;
}

static void renumber(struct table *table, uint32_t from)
{
    for (uint32_t i = from; i < table->segment_count; i++) {
        ASSERT(table->segments[i].segment->place->number < table->number_capacity);
        table->by_number[table->segments[i].segment->place->number] = i;
    }
}

void table_push_segment(struct table *table, struct table_segment ts)
{
    ASSERT(table->segment_count < table->segment_capacity);
    ASSERT(table_segment_deleted(&ts) <= ts.rows);
    table->segments[table->segment_count++] = ts;
    table->live_rows += ts.rows - table_segment_deleted(&ts);
    table->frozen_valid = false;
    table->dirty = true;
    renumber(table, table->segment_count - 1);
}

void table_replace_segments(struct table *table, uint32_t first, uint32_t count,
                            const struct table_segment *with)
{
    ASSERT(count > 0 && first + count <= table->segment_count);
    uint32_t put = with ? 1 : 0, behind = first + count;
    release_segments(table->segments + first, count);
    memmove(table->segments + first + put, table->segments + behind,
            (table->segment_count - behind) * sizeof *table->segments);
    if (with)
        table->segments[first] = *with;
    table->segment_count -= count - put;
    if (table->open != TABLE_NO_SEGMENT && table->open >= first)
        table->open = table->open < behind ? TABLE_NO_SEGMENT : table->open - (count - put);
    table->frozen_valid = false;
    table->dirty = true;
    renumber(table, first);
}

uint32_t table_segment_index(const struct table *table, const struct segment *segment)
{
    for (uint32_t i = 0; i < table->segment_count; i++)
        if (table->segments[i].segment == segment)
            return i;
    return TABLE_NO_SEGMENT;
}

yoda_status table_reserve_delete(struct table *table, struct table_segment *ts, yoda_error *err)
{
    if (ts->deleted && ts->deleted_private)
        return YODA_OK;
    struct delete_bitmap *copy = NULL;
    TRY(delete_bitmap_create(ts->deleted, table->store->budget, &copy, err));
    delete_bitmap_release(ts->deleted);
    ts->deleted = copy;
    ts->deleted_private = true;
    table->dirty = true;
    return YODA_OK;
}
