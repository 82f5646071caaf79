/*
 * make_seeds.c -- writes the generated part of the corpora: a chunk of every encoding into
 * FOLDER/fuzz_chunk and a file of them all into FOLDER/fuzz_segment, so that a fuzzer starts from
 * bytes the parser accepts.
 *
 *   make_seeds FOLDER
 */
#include "test.h"

#include "base/os.h"
#include "olap/column/chunk.h"
#include "olap/store/segment_file.h"

#define ROWS 70

static void must(yoda_status status, const yoda_error *err)
{
    if (status == YODA_OK)
        return;
    fprintf(stderr, "make_seeds: %s\n", err->message);
    exit(1);
}

static const char *const kinds[] = {"null", "constant", "for",   "decimal", "real", "num",
                                    "dict", "iso",      "plain", "blob",    "mixed"};
#define KINDS (sizeof kinds / sizeof *kinds)

static struct value value_of(size_t kind, uint32_t i, char text[40])
{
    int n = 0;
    switch (kind) {
    case 0:
        return value_null();
    case 1:
        return value_int(42);
    case 2:
        return i % 11 ? value_int(1000 + (int64_t)i * 3) : value_null();
    case 3:
        return value_real((double)(i * 25) / 100);
    case 4:
        return value_real((double)i / 7 + 1e-9 * i);
    case 5:
        return i % 2 ? value_int((int64_t)i << 40) : value_real((double)i / 3);
    case 6:
        n = snprintf(text, 40, "word %u", i % 4);
        return value_text(text, (size_t)n);
    case 7:
        n = snprintf(text, 40, "2024-%02u-%02u", 1 + i % 12, 1 + i % 28);
        return value_text(text, (size_t)n);
    case 8:
        n = snprintf(text, 40, "line %u of %u", i * 7919, i);
        return value_text(text, (size_t)n);
    case 9:
        memset(text, (int)i, 40);
        return value_blob(text, i % 20);
    default:
        n = snprintf(text, 40, "m%u", i);
        return i % 3 == 0 ? value_int(i) : i % 3 == 1 ? value_text(text, (size_t)n) : value_null();
    }
}

static struct chunk *make(size_t kind)
{
    struct chunk *raw = NULL, *encoded = NULL;
    yoda_error err;
    char text[40];
    must(chunk_raw_create(NULL, &raw, &err), &err);
    for (uint32_t i = 0; i < ROWS; i++) {
        struct value v = value_of(kind, i, text);
        must(chunk_raw_set(raw, i, &v, &err), &err);
    }
    must(chunk_encode(raw, ROWS, NULL, &encoded, &err), &err);
    chunk_destroy(raw);
    return encoded;
}

static void save(const char *folder, const char *name, const void *head, size_t head_size,
                 const void *data, size_t size)
{
    char path[4200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    if (!f || (head_size > 0 && fwrite(head, 1, head_size, f) != head_size) ||
        fwrite(data, 1, size, f) != size || fclose(f) != 0)
        exit(1);
}

static void save_file(const char *folder, struct chunk *const *chunks)
{
    struct segment_identity identity = {
        .schema_hash = 7, .segment_id = 1, .generation = 1, .rows = ROWS, .columns = KINDS};
    struct segment_file_info info;
    char *directory = test_directory_make(), name[SEGMENT_FILE_NAME_MAX], path[4200];
    yoda_error err;
    must(segment_file_write(directory, &identity, chunks, &info, &err), &err);
    segment_file_name(1, 1, false, name);
    snprintf(path, sizeof path, "%s/%s", directory, name);
    uint8_t *bytes = malloc(info.bytes);
    FILE *f = fopen(path, "rb");
    if (!f || fread(bytes, 1, info.bytes, f) != info.bytes)
        exit(1);
    fclose(f);
    save(folder, "fuzz_segment/segment", NULL, 0, bytes, info.bytes);
    free(bytes);
    test_directory_remove(directory);
}

int main(int argc, char **argv)
{
    struct chunk *chunks[KINDS];
    const uint8_t head[2] = {ROWS, 0};
    yoda_error err;
    if (argc != 2)
        return 2;
    for (size_t i = 0; i < KINDS; i++) {
        struct buffer *bytes = NULL;
        chunks[i] = make(i);
        must(chunk_serialize(chunks[i], &bytes, &err), &err);
        char name[40];
        snprintf(name, sizeof name, "fuzz_chunk/%s", kinds[i]);
        save(argv[1], name, head, sizeof head, bytes->data, bytes->size);
        buffer_release(bytes);
    }
    save_file(argv[1], chunks);
    for (size_t i = 0; i < KINDS; i++)
        chunk_destroy(chunks[i]);
    return 0;
}
