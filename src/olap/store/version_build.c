/*
 * version_build.c -- make and free the immutable states that readers pin.
 */
#include "olap/store/version_build.h"

#include <string.h>

static yoda_status create(uint32_t tid, uint32_t column_count, uint32_t segments,
                          struct table_state **out, yoda_error *err)
{
    size_t size = sizeof **out + segments * (sizeof(struct segment_ref) + sizeof(void *)) +
                  column_count * sizeof(uint32_t);
    struct table_state *state = mem_calloc(1, size);
    *out = state;
    if (!state)
        return fail_nomem(err, size);
    state->refs = 1;
    state->segments = (struct segment_ref *)(state + 1);
    state->bitmaps = (struct delete_bitmap **)(state->segments + segments);
    state->classes = (uint32_t *)(state->bitmaps + segments);
    state->version.tid = tid;
    state->version.column_count = column_count;
    state->version.segments = state->segments;
    state->version.classes = state->classes;
    return YODA_OK;
}

static void add_segment(struct table_state *state, struct segment *segment, uint32_t rows,
                        struct delete_bitmap *deleted, uint32_t deleted_count)
{
    uint32_t i = state->version.segment_count++;
    ASSERT(deleted_count <= rows && rows <= SEGMENT_ROWS);
    bool any = deleted_count > 0;
    state->bitmaps[i] = any ? delete_bitmap_acquire(deleted) : NULL;
    state->segments[i] = (struct segment_ref){.segment = segment_acquire(segment),
                                              .rows = rows,
                                              .deleted_count = deleted_count,
                                              .deleted = any ? deleted->words : NULL};
    state->version.live_rows += rows - deleted_count;
}

static void refresh_frozen_classes(struct table *table)
{
    if (table->frozen_valid)
        return;
    memset(table->frozen_classes, 0, table->def.column_count * sizeof *table->frozen_classes);
    for (uint32_t i = 0; i < table->segment_count; i++)
        for (uint32_t c = 0; i != table->open && c < table->def.column_count; c++)
            table->frozen_classes[c] |= segment_classes(table->segments[i].segment, c);
    table->frozen_valid = true;
}

static void fill_classes(struct table *table, uint32_t *classes)
{
    refresh_frozen_classes(table);
    memcpy(classes, table->frozen_classes, table->def.column_count * sizeof *classes);
    if (table->open == TABLE_NO_SEGMENT || table->segments[table->open].rows == 0)
        return;
    for (uint32_t c = 0; c < table->def.column_count; c++)
        classes[c] |= segment_classes(table->segments[table->open].segment, c);
}

yoda_status table_state_create(struct table *table, struct table_state **out, yoda_error *err)
{
    TRY(create(table->tid, table->def.column_count, table->segment_count, out, err));
    (*out)->schema_hash = table->def.schema_hash;
    for (uint32_t i = 0; i < table->segment_count; i++) {
        const struct table_segment *ts = &table->segments[i];
        if (ts->rows > 0)
            add_segment(*out, ts->segment, ts->rows, ts->deleted, table_segment_deleted(ts));
        if (ts->segment->raw)
            segment_note_raw_bytes(ts->segment);
    }
    fill_classes(table, (*out)->classes);
    ASSERT((*out)->version.live_rows == table->live_rows);
    return YODA_OK;
}

static void copy_segments(struct table_state *to, const struct table_state *from, uint32_t first,
                          uint32_t end)
{
    for (uint32_t i = first; i < end; i++)
        add_segment(to, from->segments[i].segment, from->segments[i].rows, from->bitmaps[i],
                    from->segments[i].deleted_count);
}

yoda_status table_state_replace(const struct table_state *from, uint32_t first, uint32_t count,
                                const struct table_segment *with, struct table_state **out,
                                yoda_error *err)
{
    uint32_t old_count = from->version.segment_count, columns = from->version.column_count;
    ASSERT(count > 0 && first + count <= old_count);
    TRY(create(from->version.tid, columns, old_count - count + 1, out, err));
    (*out)->schema_hash = from->schema_hash;
    copy_segments(*out, from, 0, first);
    if (with)
        add_segment(*out, with->segment, with->rows, with->deleted, table_segment_deleted(with));
    copy_segments(*out, from, first + count, old_count);
    memcpy((*out)->classes, from->classes, columns * sizeof *from->classes);
    ASSERT((*out)->version.live_rows == from->version.live_rows);
    return YODA_OK;
}

struct table_state *table_state_acquire(struct table_state *state)
{
    state->refs++;
    return state;
}

void table_state_release(struct table_state *state)
{
    if (!state || --state->refs > 0)
        return;
    for (uint32_t i = 0; i < state->version.segment_count; i++) {
        segment_release(state->segments[i].segment);
        delete_bitmap_release(state->bitmaps[i]);
    }
    mem_free(state);
}

yoda_status version_node_create(uint32_t table_count, struct version_node **out, yoda_error *err)
{
    size_t size = sizeof **out + table_count * sizeof *(*out)->tables;
    struct version_node *node = mem_calloc(1, size);
    *out = node;
    if (!node)
        return fail_nomem(err, size);
    node->version.tables = node->tables;
    return YODA_OK;
}

void version_node_destroy(struct version_node *node)
{
    if (!node)
        return;
    for (uint32_t i = 0; i < node->version.table_count; i++)
        table_state_release((struct table_state *)(uintptr_t)node->tables[i]);
    mem_free(node);
}
