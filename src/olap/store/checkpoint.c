/*
 * checkpoint.c -- write what the files do not have yet, and settle after the caller's commit.
 *
 * A segment's file is up to date when it has the segment's rows: rows never change, and dead ones
 * are in the record's bitmap. The open segment is encoded up to the rows the version shows, under a
 * new generation each time. Nothing here is visible to a recovery until the caller commits the
 * records; then the files that the commit before named and this one does not may go one commit
 * later (file_list.h). The file state is owned from write to done.
 */
#include "olap/store/maintain.h"

#include "base/os.h"

#include <string.h>

struct checkpoint_file {
    struct segment_place *place; /* a reference */
    struct file_node *node;      /* of a new file until it is committed, else NULL */
    struct segment_file_info info;
};

struct checkpoint {
    struct store *store;
    size_t count, written;
    struct segment_record *records;
    struct checkpoint_file *files; /* [count] */
    size_t empty_count;
    struct empty_table *empty; /* [empty_count] */
};

/* ---- One segment ----------------------------------------------------------------------------- */

/* The rows of the file: of a sealed segment all, even those that the version does not show. */
static uint32_t file_rows(const struct segment_ref *ref)
{
    return ref->segment->raw ? ref->rows : ref->segment->rows;
}

static yoda_status gather_chunks(struct segment *segment, struct chunk **out, yoda_error *err)
{
    for (uint32_t c = 0; c < segment->column_count; c++) {
        const struct chunk *chunk = NULL;
        TRY(segment_chunk(segment, c, &chunk, err));
        out[c] = segment_chunk_loaded(segment, c);
    }
    return YODA_OK;
}

static yoda_status write_chunks(struct store *store, const struct segment_ref *ref,
                                const struct segment_identity *identity, struct chunk **chunks,
                                struct segment_file_info *out, yoda_error *err)
{
    struct segment *segment = ref->segment;
    if (!segment->raw) {
        TRY(gather_chunks(segment, chunks, err));
        return segment_file_write(store->directory, identity, chunks, out, err);
    }
    TRY(seal_encode(store, segment, ref->rows, chunks, err));
    yoda_status status = segment_file_write(store->directory, identity, chunks, out, err);
    seal_release_chunks(chunks, segment->column_count);
    return status;
}

static yoda_status write_segment(struct checkpoint *cp, const struct segment_ref *ref,
                                 uint64_t schema_hash, struct checkpoint_file *file,
                                 yoda_error *err)
{
    struct segment_place *place = file->place;
    uint32_t columns = ref->segment->column_count;
    struct segment_identity identity = {.schema_hash = schema_hash,
                                        .segment_id = place->id,
                                        .generation = ++place->generation_last,
                                        .rows = file_rows(ref),
                                        .columns = columns};
    memcpy(identity.database_id, cp->store->database_id, sizeof identity.database_id);
    struct chunk **chunks = mem_calloc(columns, sizeof *chunks);
    if (!chunks)
        return fail_nomem(err, columns * sizeof *chunks);
    yoda_status status = file_node_create(place, identity.generation, &file->node, err);
    if (status == YODA_OK)
        status = write_chunks(cp->store, ref, &identity, chunks, &file->info, err);
    mem_free(chunks);
    cp->written += status == YODA_OK;
    return status;
}

/* Dead rows as the record has them: also those of the file that the version does not show. */
static yoda_status pack_deleted(const struct segment_ref *ref, struct segment_record *record,
                                yoda_error *err)
{
    uint64_t words[DELETE_BITMAP_WORDS] = {0};
    uint32_t count = ref->deleted_count + record->rows - ref->rows;
    if (count == 0)
        return YODA_OK;
    if (ref->deleted)
        memcpy(words, ref->deleted, sizeof words);
    for (uint32_t row = ref->rows; row < record->rows; row++)
        bit_set(words, row);
    void *packed = NULL;
    TRY(delete_bitmap_pack(words, count, record->segment_id, &packed, &record->deleted_size, err));
    record->deleted = packed;
    return YODA_OK;
}

static yoda_status add_segment(struct checkpoint *cp, const struct table_state *state,
                               const struct segment_ref *ref, yoda_error *err)
{
    if (ref->deleted_count == ref->rows)
        return YODA_OK;
    struct checkpoint_file *file = &cp->files[cp->count];
    struct segment_record *record = &cp->records[cp->count];
    struct segment_place *place = segment_place_acquire(ref->segment->place);
    cp->count++;
    file->place = place;
    file->info = (struct segment_file_info){.bytes = atomic_load(&place->file_bytes),
                                            .checksum = place->file_checksum};
    if (place->generation == 0 || place->file_rows != file_rows(ref))
        TRY(write_segment(cp, ref, state->schema_hash, file, err));
    *record = (struct segment_record){
        .tid = state->version.tid,
        .segment_id = place->id,
        .generation = file->node ? file->node->generation : place->generation,
        .rows = file_rows(ref),
        .file_bytes = file->info.bytes,
        .file_checksum = file->info.checksum};
    return pack_deleted(ref, record, err);
}

/* ---- The whole version ----------------------------------------------------------------------- */

static size_t segments_of(const struct version *version)
{
    size_t n = 0;
    for (uint32_t i = 0; i < version->table_count; i++)
        n += version->tables[i]->segment_count;
    return n;
}

static yoda_status write_version(struct checkpoint *cp, const struct version *version,
                                 yoda_error *err)
{
    size_t segments = segments_of(version), tables = version->table_count;
    if (tables == 0 || !cp->store->directory)
        return YODA_OK;
    cp->records = mem_calloc(segments + 1, sizeof *cp->records);
    cp->files = mem_calloc(segments + 1, sizeof *cp->files);
    cp->empty = mem_calloc(tables, sizeof *cp->empty);
    if (!cp->records || !cp->files || !cp->empty)
        return fail_nomem(err, segments * (sizeof *cp->records + sizeof *cp->files));
    for (uint32_t t = 0; t < tables; t++) {
        /* a table_version is the first member of its table_state */
        const struct table_state *state = (const struct table_state *)version->tables[t];
        size_t before = cp->count;
        for (uint32_t i = 0; i < state->version.segment_count; i++)
            TRY(add_segment(cp, state, &state->segments[i], err));
        if (cp->count == before)
            cp->empty[cp->empty_count++] =
                (struct empty_table){state->version.tid, state->schema_hash};
    }
    return cp->written > 0 ? os_sync_directory(cp->store->directory, err) : YODA_OK;
}

yoda_status store_checkpoint_write(struct store *store, const struct snapshot *snapshot,
                                   struct checkpoint **out, yoda_error *err)
{
    *out = NULL;
    TRY(store_own_files(store, err));
    struct checkpoint *cp = mem_calloc(1, sizeof *cp);
    if (!cp) {
        store_disown_files(store);
        return fail_nomem(err, sizeof *cp);
    }
    cp->store = store;
    yoda_status status = write_version(cp, snapshot->version, err);
    if (status == YODA_OK)
        *out = cp;
    else
        store_checkpoint_done(store, cp, false);
    return status;
}

size_t checkpoint_record_count(const struct checkpoint *checkpoint)
{
    return checkpoint->count;
}

const struct segment_record *checkpoint_record(const struct checkpoint *checkpoint, size_t i)
{
    ASSERT(i < checkpoint->count);
    return &checkpoint->records[i];
}

const struct empty_table *checkpoint_empty_tables(const struct checkpoint *checkpoint,
                                                  size_t *count)
{
    *count = checkpoint->empty_count;
    return checkpoint->empty;
}

/* ---- After the commit ------------------------------------------------------------------------ */

static void commit_files(struct checkpoint *cp)
{
    struct file_list *files = &cp->store->files;
    files->round++;
    for (size_t i = 0; i < cp->count; i++) {
        struct checkpoint_file *file = &cp->files[i];
        if (file->node)
            file_list_add(files, file->node, cp->records[i].rows, &file->info);
        file->node = NULL;
        ASSERT(file->place->node && file->place->node->generation == file->place->generation);
        file->place->node->round = files->round;
    }
    file_list_settle(files, cp->store->directory);
}

static void remove_new_files(const struct checkpoint *cp)
{
    for (size_t i = 0; i < cp->count; i++)
        if (cp->files[i].node)
            file_node_unlink(cp->files[i].node, cp->store->directory);
}

void store_checkpoint_done(struct store *store, struct checkpoint *checkpoint, bool committed)
{
    if (!checkpoint)
        return;
    ASSERT(checkpoint->store == store);
    if (committed)
        commit_files(checkpoint);
    else
        remove_new_files(checkpoint);
    for (size_t i = 0; i < checkpoint->count; i++) {
        file_node_destroy(checkpoint->files[i].node);
        segment_place_release(checkpoint->files[i].place);
        mem_free((void *)(uintptr_t)checkpoint->records[i].deleted);
    }
    mem_free(checkpoint->records);
    mem_free(checkpoint->files);
    mem_free(checkpoint->empty);
    mem_free(checkpoint);
    store_disown_files(store);
}
