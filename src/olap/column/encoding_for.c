/*
 * encoding_for.c -- ENC_FOR: integers as base + code (frame of reference).
 */
#include "olap/column/encoding.h"

#include <string.h>

static yoda_status build(const struct source *source, struct buffer **out, yoda_error *err)
{
    if ((source->classes & CLASS_VALUES) != CLASS_INTEGER)
        return YODA_OK;
    int64_t *values = source->scratch;
    for (uint32_t v = 0; v < source->vectors; v++)
        memcpy(values + (size_t)v * VECTOR_ROWS, chunk_raw_block(source->raw, v)->payload,
               sizeof *values * source_block_rows(source, v));
    struct chunk_header header = {.encoding = ENC_FOR};
    return codes_build(source, &header, source->zone.min.i, source->zone.max.i, out, err);
}

static yoda_status attach(struct chunk *chunk, yoda_error *err)
{
    const struct chunk_header *h = chunk->header;
    TRY(codes_check(chunk, err));
    if ((h->classes & CLASS_VALUES) != CLASS_INTEGER || h->text_bytes)
        return fail(err, YODA_CORRUPT, "chunk: classes of an integer chunk");
    if (h->zone.min != (uint64_t)h->base || h->zone.max - h->zone.min != h->code_max ||
        (int64_t)h->zone.max < h->base)
        return fail(err, YODA_CORRUPT, "chunk: zone of an integer chunk");
    return YODA_OK;
}

static yoda_status read(const struct chunk *chunk, uint32_t row, uint32_t count, enum vtype want,
                        struct arena *arena, struct vector *out, yoda_error *err)
{
    YODA_UNUSED(count);
    YODA_UNUSED(want); /* VT_INT, or VT_NUM of scale 0 */
    YODA_UNUSED(arena);
    YODA_UNUSED(err);
    const struct chunk_header *h = chunk->header;
    out->form = VF_CODES;
    out->code_width = h->code_width;
    out->base = h->base;
    out->data = (const char *)chunk->codes + (size_t)row * h->code_width;
    out->nulls = chunk_nulls(chunk, row);
    return YODA_OK;
}

static struct value number_of(const struct chunk *chunk, uint64_t code)
{
    return value_int((int64_t)((uint64_t)chunk->header->base + code));
}

const struct encoding_ops encoding_for_ops = {
    .encoding = ENC_FOR,
    .name = "for",
    .build = build,
    .attach = attach,
    .read = read,
    .code_value = number_of,
    .value = codes_value,
    .compare = codes_compare,
};
