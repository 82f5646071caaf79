/*
 * recover.c -- give a table its segments back from the manifest, and remove files nobody names.
 *
 * Only footers are read; chunks are loaded at first touch and the key index is built at the first
 * merge. A table comes back whole or stays empty.
 */
#include "olap/store/store_state.h"

#include "base/os.h"

#include <inttypes.h>
#include <string.h>

#define SEGMENT_ID_END (UINT64_C(1) << 62) /* larger ones are damage */

static yoda_status open_file(const struct table *table, const struct segment_record *record,
                             struct segment_file **out, yoda_error *err)
{
    const struct store *store = table->store;
    struct segment_identity identity = {.schema_hash = table->def.schema_hash,
                                        .segment_id = record->segment_id,
                                        .generation = record->generation,
                                        .rows = record->rows,
                                        .columns = table->def.column_count};
    memcpy(identity.database_id, store->database_id, sizeof identity.database_id);
    struct segment_file_info info = {.bytes = record->file_bytes,
                                     .checksum = record->file_checksum};
    return segment_file_open(store->directory, &identity, &info, store->budget, out, err);
}

static yoda_status check_record(const struct table *table, const struct segment_record *record,
                                yoda_error *err)
{
    if (record->tid != table->tid || record->rows == 0 || record->rows > SEGMENT_ROWS ||
        record->generation == 0 || record->segment_id >= SEGMENT_ID_END)
        return fail(err, YODA_CORRUPT, "the manifest's record of segment %" PRIu64 " is impossible",
                    record->segment_id);
    if (file_list_has(&table->store->files, record->segment_id, record->generation))
        return fail(err, YODA_CORRUPT, "the manifest names segment %" PRIu64 " twice",
                    record->segment_id);
    return YODA_OK;
}

static yoda_status unpack_deleted(const struct table *table, const struct segment_record *record,
                                  struct delete_bitmap **out, yoda_error *err)
{
    *out = NULL;
    if (!record->deleted)
        return YODA_OK;
    return delete_bitmap_unpack(record->deleted, record->deleted_size, record->rows,
                                record->segment_id, table->store->budget, out, err);
}

/* Make the segment of an open file (taken on success) at a place with the record's id. */
static yoda_status push_file(struct table *table, const struct segment_record *record,
                             struct segment_file *file, struct delete_bitmap *deleted,
                             yoda_error *err)
{
    struct store *store = table->store;
    struct segment_place *place = NULL;
    struct file_node *node = NULL;
    struct segment *segment = NULL;
    TRY(segment_place_create(table->numbers, record->segment_id, &place, err));
    yoda_status status = table_reserve_segment(table, place, err);
    if (status == YODA_OK)
        status = file_node_create(place, record->generation, &node, err);
    if (status == YODA_OK)
        status = segment_create_file(place, file, &segment, err);
    if (status == YODA_OK) {
        file_list_add(&store->files, node, record->rows, &file->info);
        place->generation_last = record->generation;
        node->round = store->files.round;
        struct table_segment ts = {.segment = segment, .deleted = deleted, .rows = record->rows};
        table_push_segment(table, ts);
    } else {
        file_node_destroy(node);
    }
    segment_place_release(place);
    return status;
}

static yoda_status recover_segment(struct table *table, const struct segment_record *record,
                                   yoda_error *err)
{
    struct segment_file *file = NULL;
    struct delete_bitmap *deleted = NULL;
    TRY(check_record(table, record, err));
    TRY(unpack_deleted(table, record, &deleted, err));
    yoda_status status = open_file(table, record, &file, err);
    if (status == YODA_OK)
        status = push_file(table, record, file, deleted, err);
    if (status != YODA_OK) {
        delete_bitmap_release(deleted);
        segment_file_close(file);
        return status;
    }
    return YODA_OK;
}

/* No new segment may take an id that the manifest names, also of a table that cannot be recovered:
 * its new file would replace one that a crash before the next commit brings back. */
static void pass_ids(struct store *store, const struct segment_record *records, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (records[i].segment_id < SEGMENT_ID_END &&
            records[i].segment_id >= store->next_segment_id)
            store->next_segment_id = records[i].segment_id + 1;
}

static yoda_status recover_all(struct table *table, const struct segment_record *records,
                               size_t count, yoda_error *err)
{
    struct file_node *before = table->store->files.head;
    yoda_status status = YODA_OK;
    pass_ids(table->store, records, count);
    for (size_t i = 0; status == YODA_OK && i < count; i++)
        status = recover_segment(table, &records[i], err);
    table->index_built = status != YODA_OK || table->live_rows == 0;
    if (status != YODA_OK) {
        table_clear(table);
        file_list_truncate(&table->store->files, before);
    }
    return status;
}

yoda_status store_recover_table(struct store *store, uint32_t tid,
                                const struct segment_record *records, size_t count,
                                yoda_error *err)
{
    struct table *table = store_find_table(store, tid);
    if (!table)
        return fail(err, YODA_NOT_FOUND, "no columnar table %u", tid);
    if (table->segment_count > 0 || (count > 0 && !store->directory))
        return fail(err, YODA_MISUSE, "columnar table %u cannot be recovered: %s", tid,
                    store->directory ? "it has rows" : "the store has no directory");
    TRY(store_own_files(store, err));
    yoda_status status = recover_all(table, records, count, err);
    store_disown_files(store);
    return status;
}

/* ---- Sweeping -------------------------------------------------------------------------------- */

struct sweep {
    const struct store *store;
    yoda_error *err;
};

static yoda_status sweep_name(void *ctx, const char *name)
{
    const struct sweep *sweep = ctx;
    const struct store *store = sweep->store;
    uint64_t id = 0;
    uint32_t generation = 0;
    bool temporary = false;
    char *path = NULL;
    if (!segment_file_name_parse(name, &id, &generation, &temporary) ||
        (!temporary && file_list_has(&store->files, id, generation)))
        return YODA_OK;
    TRY(segment_file_path(store->directory, id, generation, temporary, &path, sweep->err));
    yoda_status status = os_unlink(path, sweep->err);
    mem_free(path);
    return status;
}

yoda_status store_sweep(struct store *store, yoda_error *err)
{
    struct sweep sweep = {.store = store, .err = err};
    if (!store->directory)
        return YODA_OK;
    TRY(store_own_files(store, err));
    yoda_status status = os_list(store->directory, sweep_name, &sweep, err);
    store_disown_files(store);
    return status;
}
