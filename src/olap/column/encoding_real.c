/*
 * encoding_real.c -- ENC_REAL: plain doubles.
 *
 * For predicates a double's code is its place in the order of doubles (sign and magnitude turned
 * into one unsigned key) counted from the chunk's minimum.
 */
#include "olap/column/encoding.h"
#include "olap/kernel/kernel.h"

#include <string.h>

static yoda_status build(const struct source *source, struct buffer **out, yoda_error *err)
{
    if ((source->classes & CLASS_VALUES) != CLASS_REAL)
        return YODA_OK;
    struct chunk_header header = {.encoding = ENC_REAL, .code_width = 8};
    uint8_t *sections[SECTION_COUNT];
    TRY(chunk_bytes_create(source, &header, out, sections, err));
    double *values = (double *)(void *)sections[SECTION_CODES];
    for (uint32_t v = 0; v < source->vectors; v++)
        memcpy(values + (size_t)v * VECTOR_ROWS, chunk_raw_block(source->raw, v)->payload,
               sizeof *values * source_block_rows(source, v));
    return YODA_OK;
}

static uint64_t key_of_bits(uint64_t bits)
{
    return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

static double real_of_key(uint64_t key)
{
    uint64_t bits = key >> 63 ? key & INT64_MAX : ~key;
    double r;
    memcpy(&r, &bits, sizeof r);
    return r;
}

static bool has_nan(const double *values, uint32_t rows)
{
    for (uint32_t at = 0; at < rows; at += VECTOR_ROWS) {
        uint64_t bits[VECTOR_WORDS];
        uint32_t n = rows - at < VECTOR_ROWS ? rows - at : VECTOR_ROWS;
        kernels()->nan_f64(values + at, n, bits);
        if (kernels()->count_words(bits, BITMAP_WORDS(n)))
            return true;
    }
    return false;
}

static yoda_status attach(struct chunk *chunk, yoda_error *err)
{
    const struct chunk_header *h = chunk->header;
    if ((h->classes & CLASS_VALUES) != CLASS_REAL || h->code_width != 8 || h->text_bytes)
        return fail(err, YODA_CORRUPT, "chunk: shape of a real chunk");
    if (has_nan(chunk->codes, h->rows))
        return fail(err, YODA_CORRUPT, "chunk: a NaN");
    struct zone zone = zone_unpack(&h->zone);
    if (!(zone.min.r <= zone.max.r))
        return fail(err, YODA_CORRUPT, "chunk: zone of a real chunk");
    /* -0.0 and 0.0 are one place: from the lower to the upper of the two */
    zone.min.r = zone.min.r == 0 ? -0.0 : zone.min.r;
    zone.max.r = zone.max.r == 0 ? 0.0 : zone.max.r;
    struct zone_record record = zone_pack(&zone);
    chunk->code_first = key_of_bits(record.min);
    chunk->code_last = key_of_bits(record.max) - chunk->code_first;
    return YODA_OK;
}

static yoda_status read(const struct chunk *chunk, uint32_t row, uint32_t count, enum vtype want,
                        struct arena *arena, struct vector *out, yoda_error *err)
{
    out->form = VF_FLAT;
    out->data = (const double *)chunk->codes + row;
    out->nulls = chunk_nulls(chunk, row);
    if (want == VT_NUM) {
        out->reals = chunk_all_bits(arena, count);
        if (!out->reals)
            return fail_nomem(err, VECTOR_WORDS * 8);
    }
    return YODA_OK;
}

static yoda_status value_of(const struct chunk *chunk, uint32_t row, struct arena *arena,
                            struct value *out, yoda_error *err)
{
    YODA_UNUSED(arena);
    YODA_UNUSED(err);
    *out = value_real(((const double *)chunk->codes)[row]);
    return YODA_OK;
}

static struct value real_of(const struct chunk *chunk, uint64_t code)
{
    return value_real(real_of_key(code + chunk->code_first));
}

const struct encoding_ops encoding_real_ops = {
    .encoding = ENC_REAL,
    .name = "real",
    .build = build,
    .attach = attach,
    .read = read,
    .code_value = real_of,
    .value = value_of,
    .compare = codes_compare,
};
