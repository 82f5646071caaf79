/*
 * fuzz_segment.c -- any bytes as a segment file.
 *
 * The file is opened under the identity its own header claims (so that the fuzzer gets past it),
 * and every column is loaded and read by every reading function.
 */
#include "test.h"

#include "chunk_check.h"
#include "olap/store/segment_file.h"

#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool write_file(const char *folder, const struct segment_identity *identity,
                       const uint8_t *data, size_t size)
{
    char name[SEGMENT_FILE_NAME_MAX], path[4300];
    segment_file_name(identity->segment_id, identity->generation, false, name);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    unlink(path);
    FILE *f = fopen(path, "wb");
    bool good = f && fwrite(data, 1, size, f) == size;
    return f && fclose(f) == 0 && good;
}

static void load_columns(const char *folder, const struct segment_identity *identity,
                         const struct segment_file_info *info)
{
    struct segment_file *file = NULL;
    yoda_error err;
    if (segment_file_open(folder, identity, info, NULL, &file, &err) != YODA_OK)
        return;
    for (uint32_t c = 0; c < identity->columns; c++) {
        struct chunk *chunk = NULL;
        segment_file_zone(file, c);
        if (segment_file_load(file, c, &chunk, &err) == YODA_OK)
            chunk_check(chunk);
        chunk_destroy(chunk);
    }
    segment_file_close(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char *folder;
    struct segment_header_bytes header;
    struct segment_trailer_bytes trailer;
    if (size < sizeof header + sizeof trailer)
        return 0;
    if (!folder)
        folder = test_directory_make();
    memcpy(&header, data, sizeof header);
    memcpy(&trailer, data + size - sizeof trailer, sizeof trailer);
    struct segment_identity identity = {.schema_hash = header.schema_hash,
                                        .segment_id = 1,
                                        .generation = 1,
                                        .rows = header.rows,
                                        .columns = header.columns};
    struct segment_file_info info = {.bytes = size, .checksum = trailer.checksum};
    memcpy(identity.database_id, header.database_id, sizeof identity.database_id);
    if (identity.columns > 2001 || identity.rows > SEGMENT_ROWS || identity.rows == 0 ||
        identity.columns == 0)
        return 0;
    if (write_file(folder, &identity, data, size))
        load_columns(folder, &identity, &info);
    return 0;
}
