/*
 * fuzz_segment.c -- any bytes as a column chunk, and as a segment file.
 *
 * Input: one byte that chooses, then the bytes. 'c': two bytes of row count and a chunk, which is
 * parsed and, if it is accepted, read completely by every reading function; what the functions say
 * of a row must agree. Anything else: a segment file, opened under the identity its own header
 * claims (so that the fuzzer gets past it), and every column loaded and read in the same way.
 */
#include "test.h"

#include "olap/column/chunk.h"
#include "olap/store/segment_file.h"

#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same(const struct value *a, const struct value *b)
{
    if (!value_identical(a, b)) {
        fprintf(stderr, "fuzz_segment: two reading functions differ\n");
        abort();
    }
}

/* Compare a vector's rows with chunk_value's: row i of the vector is row first + sel[i]. */
static void check_vector(const struct chunk *chunk, const struct vector *vector, uint32_t first,
                         const uint16_t *sel, uint32_t count, struct arena *arena)
{
    for (uint32_t i = 0; i < count; i++) {
        struct value a, b;
        yoda_error err;
        if (vector_value(vector, i, arena, &a, &err) != YODA_OK ||
            chunk_value(chunk, first + sel[i], arena, &b, &err) != YODA_OK)
            continue;
        same(&a, &b);
    }
}

static void read_vector(const struct chunk *chunk, uint32_t first, uint32_t count, enum vtype type)
{
    struct arena arena;
    struct vector whole, some, flat;
    uint16_t all[VECTOR_ROWS], odd[VECTOR_ROWS];
    uint32_t odd_count = 0;
    yoda_error err;
    arena_init(&arena, NULL);
    for (uint32_t i = 0; i < count; i++) {
        all[i] = (uint16_t)i;
        if (i % 2)
            odd[odd_count++] = (uint16_t)i;
    }
    if (chunk_read(chunk, first, count, type, &arena, &whole, &err) == YODA_OK) {
        check_vector(chunk, &whole, first, all, count, &arena);
        if (vector_flatten(&whole, &arena, &flat, &err) == YODA_OK)
            check_vector(chunk, &flat, first, all, count, &arena);
    }
    if (odd_count &&
        chunk_gather(chunk, first, odd, odd_count, type, &arena, &some, &err) == YODA_OK)
        check_vector(chunk, &some, first, odd, odd_count, &arena);
    arena_deinit(&arena);
}

static void read_rows(const struct chunk *chunk)
{
    struct arena arena;
    arena_init(&arena, NULL);
    for (uint32_t row = 0; row < chunk_rows(chunk); row++) {
        struct value v;
        yoda_error err;
        if (chunk_value(chunk, row, &arena, &v, &err) != YODA_OK)
            break;
        if (row % VECTOR_ROWS == 0)
            arena_reset(&arena);
    }
    arena_deinit(&arena);
}

static void read_chunk(const struct chunk *chunk)
{
    enum vtype type;
    bool typed = vtype_of_classes(chunk_classes(chunk), &type);
    read_rows(chunk);
    chunk_zone(chunk, UINT32_MAX);
    for (uint32_t row = 0; row < chunk_rows(chunk); row += VECTOR_ROWS) {
        uint32_t left = chunk_rows(chunk) - row;
        chunk_zone(chunk, row / VECTOR_ROWS);
        if (typed)
            read_vector(chunk, row, left < VECTOR_ROWS ? left : VECTOR_ROWS, type);
    }
}

static void try_chunk(const uint8_t *data, size_t size)
{
    struct buffer *bytes = NULL;
    struct chunk *chunk = NULL;
    yoda_error err;
    if (size < 2)
        return;
    uint32_t rows = (uint32_t)data[0] | (uint32_t)data[1] << 8;
    if (buffer_create(size - 2, NULL, &bytes, &err) != YODA_OK)
        return;
    if (size > 2)
        memcpy(bytes->data, data + 2, size - 2);
    if (chunk_parse(bytes, rows, &chunk, &err) == YODA_OK) {
        if (chunk_rows(chunk) != rows)
            abort();
        read_chunk(chunk);
    }
    chunk_destroy(chunk);
    buffer_release(bytes);
}

/* ---- Segment files ---- */

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
            read_chunk(chunk);
        chunk_destroy(chunk);
    }
    segment_file_close(file);
}

static void try_file(const uint8_t *data, size_t size)
{
    static char *folder;
    struct segment_header_bytes header;
    struct segment_trailer_bytes trailer;
    if (size < sizeof header + sizeof trailer)
        return;
    if (!folder)
        folder = test_directory_make();
    memcpy(&header, data, sizeof header);
    memcpy(&trailer, data + size - sizeof trailer, sizeof trailer);
    struct segment_identity identity = {.schema_hash = header.schema_hash,
                                        .segment_id = 1, .generation = 1,
                                        .rows = header.rows, .columns = header.columns};
    struct segment_file_info info = {.bytes = size, .checksum = trailer.checksum};
    memcpy(identity.database_id, header.database_id, sizeof identity.database_id);
    if (identity.columns > 2001 || identity.rows > SEGMENT_ROWS || identity.rows == 0 ||
        identity.columns == 0)
        return;
    if (write_file(folder, &identity, data, size))
        load_columns(folder, &identity, &info);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    if (data[0] == 'c')
        try_chunk(data + 1, size - 1);
    else
        try_file(data + 1, size - 1);
    return 0;
}
