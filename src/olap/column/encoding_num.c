/*
 * encoding_num.c -- ENC_NUM: INTEGERs and REALs, 8 bytes each, and a bitmap of the REALs.
 */
#include "olap/column/encoding.h"
#include "olap/kernel/kernel.h"

#include <string.h>

static yoda_status build(const struct source *source, struct buffer **out, yoda_error *err)
{
    if ((source->classes & CLASS_VALUES) != (CLASS_INTEGER | CLASS_REAL))
        return YODA_OK;
    struct chunk_header header = {.encoding = ENC_NUM, .code_width = 8};
    uint8_t *sections[SECTION_COUNT];
    TRY(chunk_bytes_create(source, &header, out, sections, err));
    uint64_t *values = (uint64_t *)(void *)sections[SECTION_CODES];
    uint64_t *reals = (uint64_t *)(void *)sections[SECTION_REALS];
    for (uint32_t v = 0; v < source->vectors; v++) {
        const struct raw_block *block = chunk_raw_block(source->raw, v);
        uint32_t rows = source_block_rows(source, v);
        memcpy(values + (size_t)v * VECTOR_ROWS, block->payload, sizeof *values * rows);
        kernels()->range_u8(block->tags, rows, YODA_REAL, YODA_REAL,
                            reals + (size_t)v * VECTOR_WORDS);
    }
    return YODA_OK;
}

static double real_at(const struct chunk *chunk, uint32_t row)
{
    double r;
    memcpy(&r, (const uint64_t *)chunk->codes + row, sizeof r);
    return r;
}

static yoda_status attach(struct chunk *chunk, yoda_error *err)
{
    const struct chunk_header *h = chunk->header;
    if ((h->classes & CLASS_VALUES) != (CLASS_INTEGER | CLASS_REAL) || h->code_width != 8 ||
        h->text_bytes)
        return fail(err, YODA_CORRUPT, "chunk: shape of a number chunk");
    for (uint32_t row = 0; row < h->rows; row++)
        if (bit_get(chunk->reals, row) && real_at(chunk, row) != real_at(chunk, row))
            return fail(err, YODA_CORRUPT, "chunk: a NaN");
    return YODA_OK;
}

static yoda_status read(const struct chunk *chunk, uint32_t row, uint32_t count, enum vtype want,
                        struct arena *arena, struct vector *out, yoda_error *err)
{
    YODA_UNUSED(count);
    YODA_UNUSED(arena);
    YODA_UNUSED(err);
    ASSERT(want == VT_NUM);
    YODA_UNUSED(want);
    out->form = VF_FLAT;
    out->data = (const uint64_t *)chunk->codes + row;
    out->nulls = chunk_nulls(chunk, row);
    out->reals = chunk->reals + row / 64;
    return YODA_OK;
}

static yoda_status value_of(const struct chunk *chunk, uint32_t row, struct arena *arena,
                            struct value *out, yoda_error *err)
{
    YODA_UNUSED(arena);
    YODA_UNUSED(err);
    *out = bit_get(chunk->reals, row) ? value_real(real_at(chunk, row))
                                      : value_int(((const int64_t *)chunk->codes)[row]);
    return YODA_OK;
}

const struct encoding_ops encoding_num_ops = {
    .encoding = ENC_NUM,
    .name = "num",
    .build = build,
    .attach = attach,
    .read = read,
    .value = value_of,
};
