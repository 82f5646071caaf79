/*
 * segment_file.h -- write one segment file; open one by its footer and load its chunks.
 *
 * Files are immutable: written to "<name>.tmp", synced, renamed. An open segment_file holds the
 * directory of the file in memory and no descriptor; a load opens the file for one read.
 */
#ifndef YODA_STORE_SEGMENT_FILE_H
#define YODA_STORE_SEGMENT_FILE_H

#include "olap/column/chunk.h"
#include "olap/store/segment_format.h"

#define SEGMENT_FILE_NAME_MAX 64

struct segment_identity { /* what the file must say of itself */
    uint8_t database_id[16];
    uint64_t schema_hash, segment_id;
    uint32_t generation, rows, columns;
};

struct segment_file_info { /* what the manifest knows of a file */
    uint64_t bytes, checksum;
};

struct segment_file {
    char *path;
    struct segment_identity identity;
    struct segment_file_info info;
    struct mem_budget *budget;
    struct segment_entry_bytes *entries; /* [identity.columns] */
};

/* Write "seg-<id>-<generation>.yoda" (or its ".tmp" name) to out. */
void segment_file_name(uint64_t segment_id, uint32_t generation, bool temporary,
                       char out[SEGMENT_FILE_NAME_MAX]);
/* Read such a name back; false for any other name. */
bool segment_file_name_parse(const char *name, uint64_t *segment_id, uint32_t *generation,
                             bool *temporary);
/* directory/name, mem_free it. */
YODA_MUST_CHECK yoda_status segment_file_path(const char *directory, uint64_t segment_id,
                                              uint32_t generation, bool temporary, char **out,
                                              yoda_error *err);

/* Write chunks [identity.columns] (encoded, each of identity.rows rows) and sync; the directory is
 * not synced. On failure no file is left under either name (a sweep finds what stays). */
YODA_MUST_CHECK yoda_status segment_file_write(const char *directory,
                                               const struct segment_identity *identity,
                                               struct chunk *const *chunks,
                                               struct segment_file_info *out, yoda_error *err);

/* Read and check header, entries and trailer against identity and info.
 * Errors: YODA_CORRUPT, YODA_NOT_FOUND, YODA_IOERR, YODA_NOMEM */
YODA_MUST_CHECK yoda_status segment_file_open(const char *directory,
                                              const struct segment_identity *identity,
                                              const struct segment_file_info *info,
                                              struct mem_budget *budget, struct segment_file **out,
                                              yoda_error *err);
void segment_file_close(struct segment_file *file); /* NULL is fine */
/* Read, check and parse one chunk. Threads: any. */
YODA_MUST_CHECK yoda_status segment_file_load(const struct segment_file *file, uint32_t column,
                                              struct chunk **out, yoda_error *err);
uint32_t segment_file_classes(const struct segment_file *file, uint32_t column);
struct zone segment_file_zone(const struct segment_file *file, uint32_t column);

#endif
