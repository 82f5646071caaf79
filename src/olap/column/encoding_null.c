/*
 * encoding_null.c -- ENC_NULL: every row is NULL; nothing is stored but the header and zones.
 */
#include "olap/column/encoding.h"

static yoda_status build(const struct source *source, struct buffer **out, yoda_error *err)
{
    if (source->classes & CLASS_VALUES)
        return YODA_OK;
    struct chunk_header header = {.encoding = ENC_NULL};
    uint8_t *sections[SECTION_COUNT];
    return chunk_bytes_create(source, &header, out, sections, err);
}

static yoda_status attach(struct chunk *chunk, yoda_error *err)
{
    const struct chunk_header *h = chunk->header;
    if (h->code_width || h->text_bytes || h->classes & CLASS_VALUES)
        return fail(err, YODA_CORRUPT, "chunk: a NULL chunk with values");
    return YODA_OK;
}

static yoda_status read(const struct chunk *chunk, uint32_t row, uint32_t count, enum vtype want,
                        struct arena *arena, struct vector *out, yoda_error *err)
{
    YODA_UNUSED(chunk);
    YODA_UNUSED(row);
    YODA_UNUSED(arena);
    YODA_UNUSED(err);
    chunk_read_null(want, count, out);
    return YODA_OK;
}

static yoda_status value_of(const struct chunk *chunk, uint32_t row, struct arena *arena,
                            struct value *out, yoda_error *err)
{
    YODA_UNUSED(chunk);
    YODA_UNUSED(row);
    YODA_UNUSED(arena);
    YODA_UNUSED(err);
    *out = value_null();
    return YODA_OK;
}

const struct encoding_ops encoding_null_ops = {
    .encoding = ENC_NULL,
    .name = "null",
    .build = build,
    .attach = attach,
    .read = read,
    .value = value_of,
};
