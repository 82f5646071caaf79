/*
 * encoding_iso.c -- ENC_ISO: dates and timestamps in canonical text, as codes over day or second
 * numbers. The first text says which of the three shapes; one text that differs refuses them all.
 */
#include "olap/column/encoding.h"

#include <string.h>

struct span {
    int64_t min, max;
};

/* Parse a block's texts; false where one is not canonical. */
static bool parse_block(const struct raw_block *block, uint32_t rows, enum iso_kind kind,
                        int64_t *out, struct span *span)
{
    for (uint32_t i = 0; i < rows; i++) {
        if (block->tags[i] == YODA_NULL) {
            out[i] = 0;
            continue;
        }
        if (!iso_parse(block->payload[i].p, block->sizes[i], kind, &out[i]))
            return false;
        span->min = out[i] < span->min ? out[i] : span->min;
        span->max = out[i] > span->max ? out[i] : span->max;
    }
    return true;
}

/* The shape of the first text; 0 where it is none. */
static int kind_of_first(const struct source *source)
{
    for (uint32_t v = 0; v < source->vectors; v++) {
        const struct raw_block *block = chunk_raw_block(source->raw, v);
        for (uint32_t i = 0; i < source_block_rows(source, v); i++) {
            if (block->tags[i] == YODA_NULL)
                continue;
            if (block->sizes[i] == 10)
                return ISO_DATE;
            if (block->sizes[i] != 19)
                return 0;
            return block->payload[i].p[10] == 'T' ? ISO_DATETIME_T : ISO_DATETIME;
        }
    }
    return 0;
}

static yoda_status build(const struct source *source, struct buffer **out, yoda_error *err)
{
    int kind = (source->classes & CLASS_VALUES) == CLASS_TEXT ? kind_of_first(source) : 0;
    if (!kind)
        return YODA_OK;
    struct span span = {INT64_MAX, INT64_MIN};
    int64_t *numbers = source->scratch;
    for (uint32_t v = 0; v < source->vectors; v++)
        if (!parse_block(chunk_raw_block(source->raw, v), source_block_rows(source, v),
                         (enum iso_kind)kind, numbers + (size_t)v * VECTOR_ROWS, &span))
            return YODA_OK;
    struct chunk_header header = {.encoding = ENC_ISO, .iso_kind = (uint8_t)kind};
    return codes_build(source, &header, span.min, span.max, out, err);
}

static yoda_status attach(struct chunk *chunk, yoda_error *err)
{
    const struct chunk_header *h = chunk->header;
    const int64_t day_min = -719528, day_max = 2932896; /* 0000-01-01, 9999-12-31 */
    TRY(codes_check(chunk, err));
    if ((h->classes & CLASS_VALUES) != CLASS_TEXT || h->text_bytes || h->iso_kind < ISO_DATE ||
        h->iso_kind > ISO_DATETIME_T)
        return fail(err, YODA_CORRUPT, "chunk: shape of a date chunk");
    bool days = h->iso_kind == ISO_DATE;
    int64_t min = days ? day_min : day_min * 86400, max = days ? day_max : day_max * 86400 + 86399;
    if (h->base < min || h->base > max || h->code_max > (uint64_t)(max - h->base))
        return fail(err, YODA_CORRUPT, "chunk: a date out of range");
    return YODA_OK;
}

static yoda_status read(const struct chunk *chunk, uint32_t row, uint32_t count, enum vtype want,
                        struct arena *arena, struct vector *out, yoda_error *err)
{
    YODA_UNUSED(count);
    YODA_UNUSED(want);
    YODA_UNUSED(arena);
    YODA_UNUSED(err);
    const struct chunk_header *h = chunk->header;
    out->form = VF_ISO;
    out->iso_kind = h->iso_kind;
    out->code_width = h->code_width;
    out->base = h->base;
    out->data = (const char *)chunk->codes + (size_t)row * h->code_width;
    out->nulls = chunk_nulls(chunk, row);
    return YODA_OK;
}

static size_t format_code(const struct chunk *chunk, uint64_t code, char out[ISO_TEXT_MAX])
{
    const struct chunk_header *h = chunk->header;
    return iso_format((int64_t)((uint64_t)h->base + code), (enum iso_kind)h->iso_kind, out);
}

static yoda_status value_of(const struct chunk *chunk, uint32_t row, struct arena *arena,
                            struct value *out, yoda_error *err)
{
    char *text = arena_alloc(arena, ISO_TEXT_MAX);
    if (!text)
        return fail_nomem(err, ISO_TEXT_MAX);
    uint64_t code = codes_get(chunk->codes, chunk->header->code_width, row);
    *out = value_text(text, format_code(chunk, code, text));
    return YODA_OK;
}

/* Canonical texts of one shape differ in digits only, so every collation orders them as numbers. */
static int compare(const struct chunk *chunk, uint64_t code, const struct value *constant,
                   enum collation collation)
{
    char text[ISO_TEXT_MAX];
    struct value v = value_text(text, format_code(chunk, code, text));
    return value_compare(&v, constant, collation);
}

const struct encoding_ops encoding_iso_ops = {
    .encoding = ENC_ISO,
    .name = "iso",
    .build = build,
    .attach = attach,
    .read = read,
    .value = value_of,
    .compare = compare,
};
