/*
 * encoding_mixed.c -- ENC_MIXED: any values, tagged. Rows can be read one by one; queries that need
 * the column run on SQLite. Also holds texts of more than 4 GB a chunk.
 */
#include "olap/column/encoding.h"

#include <string.h>

static yoda_status build(const struct source *source, struct buffer **out, yoda_error *err)
{
    struct chunk_header header = {
        .encoding = ENC_MIXED, .code_width = 8, .text_bytes = source->text_bytes};
    uint8_t *sections[SECTION_COUNT];
    TRY(chunk_bytes_create(source, &header, out, sections, err));
    uint64_t *payload = (uint64_t *)(void *)sections[SECTION_CODES], at = 0;
    uint32_t *sizes = (uint32_t *)(void *)sections[SECTION_OFFSETS];
    for (uint32_t row = 0; row < source->rows; row++) {
        const struct raw_block *block = chunk_raw_block(source->raw, row / VECTOR_ROWS);
        uint32_t i = row % VECTOR_ROWS, size = block->sizes[i];
        uint8_t tag = block->tags[i];
        sections[SECTION_TAGS][row] = tag;
        sizes[row] = size;
        payload[row] = tag == YODA_TEXT || tag == YODA_BLOB ? at : block->payload[i].bits;
        if (size)
            memcpy(sections[SECTION_TEXT] + at, block->payload[i].p, size);
        at += size;
    }
    ASSERT(at == source->text_bytes);
    return YODA_OK;
}

static bool row_is_valid(const struct chunk *chunk, uint32_t row)
{
    uint8_t tag = chunk->tags[row];
    uint64_t payload = ((const uint64_t *)chunk->codes)[row], size = chunk->offsets[row];
    bool null = chunk->nulls && bit_get(chunk->nulls, row);
    if (tag < YODA_INTEGER || tag > YODA_NULL || (tag == YODA_NULL) != null)
        return false;
    if (tag == YODA_TEXT || tag == YODA_BLOB)
        return payload <= chunk->header->text_bytes && size <= chunk->header->text_bytes - payload;
    double r;
    memcpy(&r, &payload, sizeof r);
    return size == 0 && (tag != YODA_REAL || r == r);
}

static yoda_status attach(struct chunk *chunk, yoda_error *err)
{
    if (chunk->header->code_width != 8)
        return fail(err, YODA_CORRUPT, "chunk: shape of a mixed chunk");
    for (uint32_t row = 0; row < chunk->header->rows; row++)
        if (!row_is_valid(chunk, row))
            return fail(err, YODA_CORRUPT, "chunk: mixed row %u", (unsigned)row);
    return YODA_OK;
}

static yoda_status read(const struct chunk *chunk, uint32_t row, uint32_t count, enum vtype want,
                        struct arena *arena, struct vector *out, yoda_error *err)
{
    YODA_UNUSED(chunk);
    YODA_UNUSED(row);
    YODA_UNUSED(count);
    YODA_UNUSED(want);
    YODA_UNUSED(arena);
    YODA_UNUSED(out);
    return fail(err, YODA_NOT_COLUMNAR, "a column holds values of several types");
}

static yoda_status value_of(const struct chunk *chunk, uint32_t row, struct arena *arena,
                            struct value *out, yoda_error *err)
{
    YODA_UNUSED(arena);
    YODA_UNUSED(err);
    uint64_t payload = ((const uint64_t *)chunk->codes)[row];
    *out = (struct value){.type = chunk->tags[row], .size = chunk->offsets[row]};
    if (out->type == YODA_TEXT || out->type == YODA_BLOB)
        out->p = chunk->text + payload;
    else
        out->i = (int64_t)payload;
    return YODA_OK;
}

const struct encoding_ops encoding_mixed_ops = {
    .encoding = ENC_MIXED,
    .name = "mixed",
    .build = build,
    .attach = attach,
    .read = read,
    .value = value_of,
};
