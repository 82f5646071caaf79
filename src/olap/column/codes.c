/*
 * codes.c -- arrays of unsigned codes of 1, 2, 4 or 8 bytes.
 */
#include "olap/column/encoding.h"

#include <string.h>

uint8_t codes_width(uint64_t max)
{
    return max <= UINT8_MAX ? 1 : max <= UINT16_MAX ? 2 : max <= UINT32_MAX ? 4 : 8;
}

uint64_t codes_get(const void *codes, uint8_t width, size_t row)
{
    switch (width) {
    case 1:
        return ((const uint8_t *)codes)[row];
    case 2:
        return ((const uint16_t *)codes)[row];
    case 4:
        return ((const uint32_t *)codes)[row];
    default:
        ASSERT(width == 8);
        return ((const uint64_t *)codes)[row];
    }
}

#define T uint8_t
#define TN u8
#include "olap/column/codes_tmpl.h"
#define T uint16_t
#define TN u16
#include "olap/column/codes_tmpl.h"
#define T uint32_t
#define TN u32
#include "olap/column/codes_tmpl.h"
#define T uint64_t
#define TN u64
#include "olap/column/codes_tmpl.h"

void codes_write(void *codes, uint8_t width, size_t at, const int64_t *values,
                 const uint64_t *nulls, size_t n, int64_t base)
{
    switch (width) {
    case 1:
        write_u8((uint8_t *)codes + at, values, nulls, n, base);
        break;
    case 2:
        write_u16((uint16_t *)codes + at, values, nulls, n, base);
        break;
    case 4:
        write_u32((uint32_t *)codes + at, values, nulls, n, base);
        break;
    default:
        ASSERT(width == 8);
        write_u64((uint64_t *)codes + at, values, nulls, n, base);
        break;
    }
}

static uint64_t largest_code(const void *codes, uint8_t width, size_t n)
{
    switch (width) {
    case 1:
        return max_u8(codes, n);
    case 2:
        return max_u16(codes, n);
    case 4:
        return max_u32(codes, n);
    default:
        ASSERT(width == 8);
        return max_u64(codes, n);
    }
}

yoda_status codes_build(const struct source *source, struct chunk_header *header, int64_t min,
                        int64_t max, struct buffer **out, yoda_error *err)
{
    ASSERT(min <= max);
    uint8_t *sections[SECTION_COUNT];
    header->base = min;
    header->code_max = (uint64_t)max - (uint64_t)min;
    header->code_width = codes_width(header->code_max);
    TRY(chunk_bytes_create(source, header, out, sections, err));
    const int64_t *values = source->scratch;
    for (uint32_t v = 0; v < source->vectors; v++) {
        size_t at = (size_t)v * VECTOR_ROWS;
        codes_write(sections[SECTION_CODES], header->code_width, at, values + at,
                    source_block_nulls(source, v), source_block_rows(source, v), min);
    }
    return YODA_OK;
}

yoda_status codes_check(struct chunk *chunk, yoda_error *err)
{
    const struct chunk_header *h = chunk->header;
    uint8_t w = h->code_width;
    if (w != 1 && w != 2 && w != 4 && w != 8)
        return fail(err, YODA_CORRUPT, "chunk: code width %u", w);
    if (largest_code(chunk->codes, w, h->rows) != h->code_max)
        return fail(err, YODA_CORRUPT, "chunk: largest code is not the header's");
    chunk->code_last = h->code_max;
    return YODA_OK;
}

yoda_status codes_value(const struct chunk *chunk, uint32_t row, struct arena *arena,
                        struct value *out, yoda_error *err)
{
    YODA_UNUSED(arena);
    YODA_UNUSED(err);
    uint64_t code = codes_get(chunk->codes, chunk->header->code_width, row);
    *out = chunk->ops->code_value(chunk, code);
    return YODA_OK;
}

int codes_compare(const struct chunk *chunk, uint64_t code, const struct value *constant,
                  enum collation collation)
{
    struct value v = chunk->ops->code_value(chunk, code);
    return value_compare(&v, constant, collation);
}
