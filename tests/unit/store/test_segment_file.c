/*
 * test_segment_file.c -- writing and loading one segment file; every flipped bit is found.
 */
#include "test.h"

#include "base/os.h"
#include "olap/store/segment_file.h"

#define COLUMNS 5
#define ROWS 300

struct fixture {
    char *directory, *path;
    struct chunk *raw[COLUMNS], *chunks[COLUMNS];
    struct segment_identity identity;
    struct segment_file_info info;
};

static struct value value_at(uint32_t column, uint32_t row, char text[32])
{
    switch (column) {
    case 0:
        return value_int((int64_t)row * 3 - 100);
    case 1:
        return row % 7 ? value_real(row / 3.0) : value_null();
    case 2:
        return value_text(text, (size_t)snprintf(text, 32, "text %u", row % 9));
    case 3:
        return value_text(text, (size_t)snprintf(text, 32, "%x-%u", row * 77777u, row));
    default:
        return row % 2 ? value_blob("\0\1", 2) : value_int(row);
    }
}

static void make(struct fixture *f)
{
    yoda_error err;
    char text[32];
    memset(f, 0, sizeof *f);
    f->directory = test_directory_make();
    f->identity = (struct segment_identity){.database_id = {1, 2, 3},
                                            .schema_hash = 99,
                                            .segment_id = 12,
                                            .generation = 3,
                                            .rows = ROWS,
                                            .columns = COLUMNS};
    for (uint32_t c = 0; c < COLUMNS; c++) {
        OK(chunk_raw_create(NULL, &f->raw[c], &err));
        for (uint32_t row = 0; row < ROWS; row++) {
            struct value v = value_at(c, row, text);
            OK(chunk_raw_set(f->raw[c], row, &v, &err));
        }
        OK(chunk_encode(f->raw[c], ROWS, NULL, &f->chunks[c], &err));
    }
    OK(segment_file_write(f->directory, &f->identity, f->chunks, &f->info, &err));
    OK(segment_file_path(f->directory, 12, 3, false, &f->path, &err));
}

static void destroy(struct fixture *f)
{
    for (uint32_t c = 0; c < COLUMNS; c++) {
        chunk_destroy(f->raw[c]);
        chunk_destroy(f->chunks[c]);
    }
    mem_free(f->path);
    test_directory_remove(f->directory);
}

static void test_round_trip(void **state)
{
    struct fixture f;
    struct segment_file *file = NULL;
    struct arena arena;
    yoda_error err;
    char text[32];
    YODA_UNUSED(state);
    make(&f);
    arena_init(&arena, NULL);
    OK(segment_file_open(f.directory, &f.identity, &f.info, NULL, &file, &err));
    for (uint32_t c = 0; c < COLUMNS; c++) {
        struct chunk *chunk = NULL;
        OK(segment_file_load(file, c, &chunk, &err));
        assert_int_equal(segment_file_classes(file, c), chunk_classes(f.chunks[c]));
        assert_int_equal(segment_file_zone(file, c).kind, chunk_zone(f.chunks[c], UINT32_MAX).kind);
        for (uint32_t row = 0; row < ROWS; row++) {
            struct value got, want = value_at(c, row, text);
            OK(chunk_value(chunk, row, &arena, &got, &err));
            assert_true(value_identical(&got, &want));
        }
        chunk_destroy(chunk);
    }
    segment_file_close(file);
    arena_deinit(&arena);
    destroy(&f);
}

static void test_names(void **state)
{
    char name[SEGMENT_FILE_NAME_MAX];
    uint64_t id = 0;
    uint32_t generation = 0;
    bool temporary = false;
    YODA_UNUSED(state);
    segment_file_name(UINT64_MAX, UINT32_MAX, true, name);
    assert_true(segment_file_name_parse(name, &id, &generation, &temporary));
    assert_true(id == UINT64_MAX && generation == UINT32_MAX && temporary);
    const char *foreign[] = {"seg-1-1.yod", "seg-01-1.yoda", "seg-1-1.yoda.bak", "x",
                             "seg--1-1.yoda", "seg-1-1.yoda.tmp2", ""};
    for (size_t i = 0; i < COUNT_OF(foreign); i++)
        assert_false(segment_file_name_parse(foreign[i], &id, &generation, &temporary));
}

/* Open and touch every chunk. */
static yoda_status read_all(const struct fixture *f, yoda_error *err)
{
    struct segment_file *file = NULL;
    TRY(segment_file_open(f->directory, &f->identity, &f->info, NULL, &file, err));
    yoda_status status = YODA_OK;
    for (uint32_t c = 0; status == YODA_OK && c < COLUMNS; c++) {
        struct chunk *chunk = NULL;
        status = segment_file_load(file, c, &chunk, err);
        chunk_destroy(chunk);
    }
    segment_file_close(file);
    return status;
}

static uint8_t *slurp(const struct fixture *f)
{
    FILE *in = fopen(f->path, "rb");
    uint8_t *bytes = malloc(f->info.bytes);
    assert_int_equal(fread(bytes, 1, f->info.bytes, in), f->info.bytes);
    fclose(in);
    return bytes;
}

static void spill(const struct fixture *f, const uint8_t *bytes, size_t size)
{
    FILE *out = fopen(f->path, "wb");
    assert_int_equal(fwrite(bytes, 1, size, out), size);
    fclose(out);
}

static void patch(const struct fixture *f, uint64_t at, uint8_t byte)
{
    FILE *out = fopen(f->path, "r+b");
    fseek(out, (long)at, SEEK_SET);
    fputc(byte, out);
    fclose(out);
}

static void test_every_damaged_byte(void **state)
{
    struct fixture f;
    yoda_error err;
    uint64_t seed = test_seed();
    YODA_UNUSED(state);
    make(&f);
    OK(read_all(&f, &err));
    uint8_t *bytes = slurp(&f);
    for (uint64_t at = 0; at < f.info.bytes; at++) {
        patch(&f, at, (uint8_t)(bytes[at] ^ 1u << test_random(&seed) % 8));
        FAILS(YODA_CORRUPT, read_all(&f, &err));
        assert_non_null(strstr(err.message, "seg-12-3.yoda"));
        patch(&f, at, bytes[at]);
    }
    for (uint64_t size = 0; size < f.info.bytes; size += 1 + test_random(&seed) % 100) {
        spill(&f, bytes, size);
        FAILS(YODA_CORRUPT, read_all(&f, &err));
    }
    spill(&f, bytes, f.info.bytes);
    OK(read_all(&f, &err));
    free(bytes);
    destroy(&f);
}

static void test_foreign_files(void **state)
{
    struct fixture f;
    yoda_error err;
    YODA_UNUSED(state);
    make(&f);
    struct segment_identity identity = f.identity;
    f.identity.database_id[15] ^= 1;
    FAILS(YODA_CORRUPT, read_all(&f, &err));
    f.identity = identity;
    f.identity.schema_hash++;
    FAILS(YODA_CORRUPT, read_all(&f, &err));
    f.identity = identity;
    f.identity.rows--;
    FAILS(YODA_CORRUPT, read_all(&f, &err));
    f.identity = identity;
    f.identity.columns++;
    FAILS(YODA_CORRUPT, read_all(&f, &err));
    f.identity = identity;
    f.info.checksum++;
    FAILS(YODA_CORRUPT, read_all(&f, &err));
    f.info.checksum--;
    f.info.bytes++;
    FAILS(YODA_CORRUPT, read_all(&f, &err));
    f.info.bytes--;
    OK(read_all(&f, &err));
    f.identity.generation++;
    FAILS(YODA_NOT_FOUND, read_all(&f, &err));
    destroy(&f);
}

static void test_many_columns(void **state)
{
    struct fixture f;
    yoda_error err;
    enum { MANY = 700 };
    struct chunk *chunks[MANY];
    struct segment_file *file = NULL;
    YODA_UNUSED(state);
    make(&f);
    f.identity.columns = MANY;
    f.identity.generation = 4;
    for (uint32_t c = 0; c < MANY; c++)
        chunks[c] = f.chunks[c % COLUMNS];
    OK(segment_file_write(f.directory, &f.identity, chunks, &f.info, &err));
    OK(segment_file_open(f.directory, &f.identity, &f.info, NULL, &file, &err));
    struct chunk *chunk = NULL;
    OK(segment_file_load(file, MANY - 1, &chunk, &err));
    chunk_destroy(chunk);
    segment_file_close(file);
    destroy(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),       cmocka_unit_test(test_names),
        cmocka_unit_test(test_every_damaged_byte), cmocka_unit_test(test_foreign_files),
        cmocka_unit_test(test_many_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
