/*
 * segment_file.c -- segment files: names, writing, opening by the footer, loading chunks.
 *
 * The reader trusts nothing: every number is tied to the size of the file before memory is
 * allocated for it, and the structure is checked although its checksum has passed.
 */
#include "olap/store/segment_file.h"

#include "base/hash.h"
#include "base/os.h"
#include "base/str.h"

#include <inttypes.h>
#include <stdio.h>

#define TAIL_READ 8192u /* trailer and entries of up to 127 columns in one read */

/* ---- Names ----------------------------------------------------------------------------------- */

void segment_file_name(uint64_t segment_id, uint32_t generation, bool temporary,
                       char out[SEGMENT_FILE_NAME_MAX])
{
    snprintf(out, SEGMENT_FILE_NAME_MAX, "seg-%" PRIu64 "-%" PRIu32 ".yoda%s", segment_id,
             generation, temporary ? ".tmp" : "");
}

bool segment_file_name_parse(const char *name, uint64_t *segment_id, uint32_t *generation,
                             bool *temporary)
{
    char again[SEGMENT_FILE_NAME_MAX];
    if (sscanf(name, "seg-%" SCNu64 "-%" SCNu32, segment_id, generation) != 2)
        return false;
    for (int tmp = 0; tmp <= 1; tmp++) {
        *temporary = tmp;
        segment_file_name(*segment_id, *generation, tmp, again);
        if (strcmp(name, again) == 0)
            return true;
    }
    return false;
}

yoda_status segment_file_path(const char *directory, uint64_t segment_id, uint32_t generation,
                              bool temporary, char **out, yoda_error *err)
{
    char name[SEGMENT_FILE_NAME_MAX];
    segment_file_name(segment_id, generation, temporary, name);
    size_t size = strlen(directory) + 1 + strlen(name) + 1;
    *out = mem_alloc(size);
    if (!*out)
        return fail_nomem(err, size);
    snprintf(*out, size, "%s/%s", directory, name);
    return YODA_OK;
}

/* ---- Checksums ------------------------------------------------------------------------------- */

static uint64_t place_seed(const struct segment_identity *identity, uint32_t column,
                           uint64_t offset)
{
    struct segment_place_bytes place = {.segment_id = identity->segment_id,
                                        .offset = offset,
                                        .generation = identity->generation,
                                        .column = column};
    memcpy(place.database_id, identity->database_id, sizeof place.database_id);
    return hash_bytes(&place, sizeof place, 0);
}

static uint64_t header_checksum(const struct segment_header_bytes *header)
{
    return hash_bytes(header, offsetof(struct segment_header_bytes, checksum), 0);
}

static uint64_t footer_checksum(const struct segment_identity *identity,
                                const struct segment_entry_bytes *entries,
                                const struct segment_trailer_bytes *trailer)
{
    uint64_t seed = place_seed(identity, SEGMENT_NO_COLUMN, trailer->entries_offset);
    uint64_t h = hash_bytes(entries, identity->columns * sizeof *entries, seed);
    return hash_bytes(trailer, offsetof(struct segment_trailer_bytes, checksum), h);
}

static uint64_t padded(uint64_t size)
{
    return (size + SEGMENT_ALIGN - 1) / SEGMENT_ALIGN * SEGMENT_ALIGN;
}

/* ---- Writing --------------------------------------------------------------------------------- */

struct writer {
    struct os_file *file;
    const struct segment_identity *identity;
    struct segment_entry_bytes *entries;
    uint64_t offset;
};

static void make_header(const struct segment_identity *identity, struct segment_header_bytes *out)
{
    *out = (struct segment_header_bytes){.magic = SEGMENT_MAGIC,
                                         .format = SEGMENT_FORMAT,
                                         .columns = identity->columns,
                                         .schema_hash = identity->schema_hash,
                                         .segment_id = identity->segment_id,
                                         .generation = identity->generation,
                                         .rows = identity->rows};
    memcpy(out->database_id, identity->database_id, sizeof out->database_id);
    out->checksum = header_checksum(out);
}

static void make_trailer(const struct segment_identity *identity, uint64_t entries_offset,
                         const struct segment_entry_bytes *entries,
                         struct segment_trailer_bytes *out)
{
    struct segment_header_bytes header;
    make_header(identity, &header);
    uint64_t entries_size = identity->columns * sizeof *entries;
    *out = (struct segment_trailer_bytes){.entries_offset = entries_offset,
                                          .file_size = entries_offset + entries_size + sizeof *out,
                                          .segment_id = identity->segment_id,
                                          .generation = identity->generation,
                                          .columns = identity->columns,
                                          .rows = identity->rows,
                                          .format = SEGMENT_FORMAT,
                                          .header_checksum = header.checksum,
                                          .magic = SEGMENT_MAGIC_END};
    out->checksum = footer_checksum(identity, entries, out);
}

static yoda_status write_bytes(struct writer *w, const void *data, size_t size, yoda_error *err)
{
    TRY(os_file_write(w->file, w->offset, data, size, err));
    w->offset += size;
    return YODA_OK;
}

static void make_entry(struct writer *w, uint32_t column, const struct chunk *chunk,
                       const struct buffer *bytes)
{
    struct zone zone = chunk_zone(chunk, UINT32_MAX);
    struct segment_entry_bytes *entry = &w->entries[column];
    *entry = (struct segment_entry_bytes){.offset = w->offset,
                                          .size = bytes->size,
                                          .classes = chunk_classes(chunk),
                                          .zone_kind = (uint32_t)zone.kind,
                                          .zone_nulls = zone.null_count,
                                          .zone_min = zone.min.prefix,
                                          .zone_max = zone.max.prefix};
    entry->checksum =
        hash_bytes(bytes->data, bytes->size, place_seed(w->identity, column, w->offset));
}

static yoda_status write_chunk(struct writer *w, uint32_t column, const struct chunk *chunk,
                               yoda_error *err)
{
    static const uint8_t zeros[SEGMENT_ALIGN];
    struct buffer *bytes = NULL;
    ASSERT(chunk_encoding(chunk) != ENC_RAW && chunk_rows(chunk) == w->identity->rows);
    ASSERT(w->offset % SEGMENT_ALIGN == 0);
    TRY(chunk_serialize(chunk, &bytes, err));
    make_entry(w, column, chunk, bytes);
    size_t padding = padded(bytes->size) - bytes->size;
    yoda_status status = write_bytes(w, bytes->data, bytes->size, err);
    if (status == YODA_OK && padding)
        status = write_bytes(w, zeros, padding, err);
    buffer_release(bytes);
    return status;
}

static yoda_status write_all(struct writer *w, struct chunk *const *chunks,
                             struct segment_file_info *out, yoda_error *err)
{
    struct segment_header_bytes header;
    make_header(w->identity, &header);
    TRY(write_bytes(w, &header, sizeof header, err));
    for (uint32_t c = 0; c < w->identity->columns; c++)
        TRY(write_chunk(w, c, chunks[c], err));
    struct segment_trailer_bytes trailer;
    make_trailer(w->identity, w->offset, w->entries, &trailer);
    TRY(write_bytes(w, w->entries, w->identity->columns * sizeof *w->entries, err));
    TRY(write_bytes(w, &trailer, sizeof trailer, err));
    ASSERT(w->offset == trailer.file_size);
    *out = (struct segment_file_info){.bytes = w->offset, .checksum = trailer.checksum};
    return os_file_sync(w->file, err);
}

static yoda_status write_named(const char *temporary, const char *path,
                               const struct segment_identity *identity,
                               struct segment_entry_bytes *entries, struct chunk *const *chunks,
                               struct segment_file_info *out, yoda_error *err)
{
    struct writer w = {.identity = identity, .entries = entries};
    TRY(os_unlink(temporary, err)); /* left by a crash */
    yoda_status status = os_file_open(temporary, OS_CREATE_NEW, &w.file, err);
    if (status == YODA_OK)
        status = write_all(&w, chunks, out, err);
    os_file_close(w.file);
    if (status == YODA_OK)
        status = os_rename(temporary, path, err);
    if (status == YODA_OK)
        return YODA_OK;
    yoda_status removed = os_unlink(temporary, NULL);
    YODA_UNUSED(removed); /* what stays is found by a sweep */
    return status;
}

yoda_status segment_file_write(const char *directory, const struct segment_identity *identity,
                               struct chunk *const *chunks, struct segment_file_info *out,
                               yoda_error *err)
{
    ASSERT(identity->columns > 0 && identity->rows > 0 && identity->generation > 0);
    char *temporary = NULL, *path = NULL;
    struct segment_entry_bytes *entries = mem_calloc(identity->columns, sizeof *entries);
    yoda_status status =
        entries ? YODA_OK : fail_nomem(err, identity->columns * sizeof *entries);
    if (status == YODA_OK)
        status = segment_file_path(directory, identity->segment_id, identity->generation, true,
                                   &temporary, err);
    if (status == YODA_OK)
        status = segment_file_path(directory, identity->segment_id, identity->generation, false,
                                   &path, err);
    if (status == YODA_OK)
        status = write_named(temporary, path, identity, entries, chunks, out, err);
    mem_free(temporary);
    mem_free(path);
    mem_free(entries);
    return status;
}

/* ---- Opening --------------------------------------------------------------------------------- */

static yoda_status corrupt(const struct segment_file *file, const char *what, yoda_error *err)
{
    return fail(err, YODA_CORRUPT, "%s: %s", file->path, what);
}

static yoda_status check_header(const struct segment_file *file, struct os_file *os,
                                yoda_error *err)
{
    struct segment_header_bytes got, want;
    TRY(os_file_read(os, 0, &got, sizeof got, err));
    make_header(&file->identity, &want);
    if (got.magic != want.magic || got.checksum != header_checksum(&got))
        return corrupt(file, "the header is damaged", err);
    if (got.format != want.format)
        return fail(err, YODA_CORRUPT, "%s: format %u is not known", file->path, got.format);
    if (memcmp(&got, &want, sizeof got) != 0)
        return corrupt(file, "the header names another database, table or segment", err);
    return YODA_OK;
}

static yoda_status check_entry(const struct segment_file *file, uint32_t column, uint64_t *offset,
                               uint64_t end, yoda_error *err)
{
    const struct segment_entry_bytes *entry = &file->entries[column];
    bool fits = entry->offset == *offset && entry->offset <= end && entry->size > 0 &&
                entry->size <= end - entry->offset;
    bool sane = entry->zero1 == 0 && entry->zero2 == 0 && entry->zone_kind <= ZONE_BLOB &&
                entry->zone_nulls <= file->identity.rows && entry->classes < 256;
    if (!fits || !sane)
        return fail(err, YODA_CORRUPT, "%s: the directory entry of column %u is impossible",
                    file->path, column);
    *offset = entry->offset + padded(entry->size);
    return YODA_OK;
}

static yoda_status check_footer(const struct segment_file *file,
                                const struct segment_trailer_bytes *got, yoda_error *err)
{
    struct segment_trailer_bytes want;
    uint64_t end = got->entries_offset, offset = sizeof(struct segment_header_bytes);
    make_trailer(&file->identity, end, file->entries, &want);
    if (memcmp(got, &want, sizeof want) != 0)
        return corrupt(file, "the footer is damaged", err);
    if (want.checksum != file->info.checksum)
        return corrupt(file, "the footer is not the one the manifest names", err);
    for (uint32_t c = 0; c < file->identity.columns; c++)
        TRY(check_entry(file, c, &offset, end, err));
    return offset == end ? YODA_OK : corrupt(file, "the chunks do not fill the file", err);
}

/* Read the tail of the file at once; the entries again if they are longer than the tail. */
static yoda_status read_footer(struct segment_file *file, struct os_file *os, uint64_t size,
                               yoda_error *err)
{
    uint8_t tail[TAIL_READ];
    struct segment_trailer_bytes trailer;
    uint64_t entries_size = file->identity.columns * sizeof *file->entries;
    uint64_t least = sizeof(struct segment_header_bytes) + entries_size + sizeof trailer;
    if (size != file->info.bytes || size < least)
        return fail(err, YODA_CORRUPT, "%s: has %" PRIu64 " bytes instead of %" PRIu64, file->path,
                    size, file->info.bytes);
    file->entries = mem_alloc(entries_size);
    if (!file->entries)
        return fail_nomem(err, entries_size);
    size_t tail_size = size < TAIL_READ ? (size_t)size : TAIL_READ;
    TRY(os_file_read(os, size - tail_size, tail, tail_size, err));
    memcpy(&trailer, tail + tail_size - sizeof trailer, sizeof trailer);
    uint64_t entries_offset = size - sizeof trailer - entries_size;
    if (entries_size + sizeof trailer <= tail_size)
        memcpy(file->entries, tail + tail_size - sizeof trailer - entries_size, entries_size);
    else
        TRY(os_file_read(os, entries_offset, file->entries, entries_size, err));
    if (trailer.entries_offset != entries_offset)
        return corrupt(file, "the footer is damaged", err);
    return check_footer(file, &trailer, err);
}

static yoda_status open_and_check(struct segment_file *file, yoda_error *err)
{
    struct os_file *os = NULL;
    uint64_t size = 0;
    TRY(os_file_open(file->path, OS_READ, &os, err));
    yoda_status status = os_file_size(os, &size, err);
    if (status == YODA_OK)
        status = read_footer(file, os, size, err);
    if (status == YODA_OK)
        status = check_header(file, os, err);
    os_file_close(os);
    return status;
}

yoda_status segment_file_open(const char *directory, const struct segment_identity *identity,
                              const struct segment_file_info *info, struct mem_budget *budget,
                              struct segment_file **out, yoda_error *err)
{
    *out = NULL;
    struct segment_file *file = mem_calloc(1, sizeof *file);
    if (!file)
        return fail_nomem(err, sizeof *file);
    file->identity = *identity;
    file->info = *info;
    file->budget = budget;
    yoda_status status = segment_file_path(directory, identity->segment_id, identity->generation,
                                           false, &file->path, err);
    if (status == YODA_OK)
        status = open_and_check(file, err);
    if (status == YODA_OK)
        *out = file;
    else
        segment_file_close(file);
    return status;
}

void segment_file_close(struct segment_file *file)
{
    if (!file)
        return;
    mem_free(file->path);
    mem_free(file->entries);
    mem_free(file);
}

uint32_t segment_file_classes(const struct segment_file *file, uint32_t column)
{
    ASSERT(column < file->identity.columns);
    return file->entries[column].classes;
}

struct zone segment_file_zone(const struct segment_file *file, uint32_t column)
{
    ASSERT(column < file->identity.columns);
    const struct segment_entry_bytes *entry = &file->entries[column];
    struct zone zone;
    memset(&zone, 0, sizeof zone);
    memcpy(&zone.kind, &entry->zone_kind, sizeof zone.kind);
    zone.null_count = entry->zone_nulls;
    zone.min.prefix = entry->zone_min;
    zone.max.prefix = entry->zone_max;
    return zone;
}

/* ---- Loading --------------------------------------------------------------------------------- */

static bool all_zero(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (data[i])
            return false;
    return true;
}

static yoda_status read_chunk_bytes(const struct segment_file *file, uint32_t column,
                                    struct buffer *bytes, yoda_error *err)
{
    const struct segment_entry_bytes *entry = &file->entries[column];
    struct os_file *os = NULL;
    TRY(os_file_open(file->path, OS_READ, &os, err));
    yoda_status status = os_file_read(os, entry->offset, bytes->data, bytes->size, err);
    os_file_close(os);
    TRY(status);
    uint64_t seed = place_seed(&file->identity, column, entry->offset);
    if (hash_bytes(bytes->data, entry->size, seed) != entry->checksum ||
        !all_zero(bytes->data + entry->size, bytes->size - entry->size))
        return fail(err, YODA_CORRUPT, "%s: column %u at offset %" PRIu64 ": wrong checksum",
                    file->path, column, entry->offset);
    bytes->size = entry->size;
    return YODA_OK;
}

/* What the footer says of a chunk has steered plans already: the chunk must agree. */
static yoda_status parse_chunk(const struct segment_file *file, uint32_t column,
                               struct buffer *bytes, struct chunk **out, yoda_error *err)
{
    const struct segment_entry_bytes *entry = &file->entries[column];
    yoda_error inner = {.code = YODA_OK};
    yoda_status status = chunk_parse(bytes, file->identity.rows, out, &inner);
    if (status == YODA_NOMEM)
        return fail(err, status, "%s", inner.message);
    if (status != YODA_OK)
        return fail(err, status, "%s: column %u at offset %" PRIu64 ": %.300s", file->path, column,
                    entry->offset, inner.message);
    if (chunk_rows(*out) == file->identity.rows && chunk_classes(*out) == entry->classes)
        return YODA_OK;
    chunk_destroy(*out);
    *out = NULL;
    return fail(err, YODA_CORRUPT, "%s: column %u: chunk and footer disagree", file->path, column);
}

yoda_status segment_file_load(const struct segment_file *file, uint32_t column, struct chunk **out,
                              yoda_error *err)
{
    ASSERT(column < file->identity.columns);
    struct buffer *bytes = NULL;
    *out = NULL;
    TRY(buffer_create(padded(file->entries[column].size), file->budget, &bytes, err));
    yoda_status status = read_chunk_bytes(file, column, bytes, err);
    if (status == YODA_OK)
        status = parse_chunk(file, column, bytes, out, err);
    buffer_release(bytes);
    return status;
}
