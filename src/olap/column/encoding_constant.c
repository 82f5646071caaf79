/*
 * encoding_constant.c -- ENC_CONSTANT: one value in every row that is not NULL.
 *
 * A number is in the header, a TEXT or BLOB is the text section (and a dictionary of one). As codes
 * there is one, 0. Vectors without NULLs are CONST; with some, they are codes that are all zero.
 */
#include "olap/column/encoding.h"

#include <string.h>

/* ---- Building ------------------------------------------------------------------------------- */

struct first {
    const struct raw_block *block;
    uint32_t at;
};

static struct first first_present(const struct source *source)
{
    for (uint32_t v = 0; v < source->vectors; v++)
        if (source->zones[v].null_count < source_block_rows(source, v)) {
            const struct raw_block *block = chunk_raw_block(source->raw, v);
            uint32_t at = 0;
            while (block->tags[at] == YODA_NULL)
                at++;
            return (struct first){block, at};
        }
    return (struct first){NULL, 0};
}

static bool same_bits(const struct raw_block *block, uint32_t rows, const struct first *first)
{
    uint64_t bits = first->block->payload[first->at].bits;
    for (uint32_t i = 0; i < rows; i++)
        if (block->payload[i].bits != bits && block->tags[i] != YODA_NULL)
            return false;
    return true;
}

static bool same_bytes(const struct raw_block *block, uint32_t rows, const struct first *first)
{
    const char *p = first->block->payload[first->at].p;
    uint32_t size = first->block->sizes[first->at];
    for (uint32_t i = 0; i < rows; i++) {
        if (block->tags[i] == YODA_NULL)
            continue;
        if (block->sizes[i] != size || memcmp(block->payload[i].p, p, size) != 0)
            return false;
    }
    return true;
}

static bool holds(const struct source *source, const struct first *first, bool bytes)
{
    for (uint32_t v = 0; v < source->vectors; v++) {
        const struct raw_block *block = chunk_raw_block(source->raw, v);
        uint32_t rows = source_block_rows(source, v);
        if (bytes ? !same_bytes(block, rows, first) : !same_bits(block, rows, first))
            return false;
    }
    return true;
}

static yoda_status build(const struct source *source, struct buffer **out, yoda_error *err)
{
    enum vtype type;
    if (!vtype_of_classes(source->classes, &type) || type == VT_NULL || type == VT_NUM)
        return YODA_OK;
    bool bytes = type == VT_TEXT || type == VT_BLOB;
    struct first first = first_present(source);
    if (!holds(source, &first, bytes))
        return YODA_OK;
    struct chunk_header header = {.encoding = ENC_CONSTANT,
                                  .value_type = first.block->tags[first.at]};
    if (bytes)
        header.text_bytes = first.block->sizes[first.at];
    else
        header.base = first.block->payload[first.at].i;
    uint8_t *sections[SECTION_COUNT];
    TRY(chunk_bytes_create(source, &header, out, sections, err));
    if (header.text_bytes)
        memcpy(sections[SECTION_TEXT], first.block->payload[first.at].p, header.text_bytes);
    return YODA_OK;
}

/* ---- Using ---------------------------------------------------------------------------------- */

static struct value constant_of(const struct chunk *chunk)
{
    const struct chunk_header *h = chunk->header;
    if (h->value_type == YODA_TEXT || h->value_type == YODA_BLOB)
        return chunk_bytes_value(chunk, chunk->text, (uint32_t)h->text_bytes);
    struct value v = {.type = h->value_type};
    v.i = h->base;
    return v;
}

static yoda_status attach(struct chunk *chunk, yoda_error *err)
{
    const struct chunk_header *h = chunk->header;
    bool bytes = h->value_type == YODA_TEXT || h->value_type == YODA_BLOB;
    bool number = h->value_type == YODA_INTEGER || h->value_type == YODA_REAL;
    if (!(bytes || number) || h->code_width || (number && h->text_bytes) ||
        h->text_bytes > UINT32_MAX)
        return fail(err, YODA_CORRUPT, "chunk: shape of a constant");
    struct value v = constant_of(chunk);
    if ((h->classes & CLASS_VALUES) != (class_of_value(&v) & CLASS_VALUES))
        return fail(err, YODA_CORRUPT, "chunk: class of a constant");
    if (v.type == YODA_REAL && v.r != v.r)
        return fail(err, YODA_CORRUPT, "chunk: a NaN");
    if (!bytes)
        return YODA_OK;
    const uint32_t offsets[2] = {0, (uint32_t)h->text_bytes};
    return chunk_make_dict(chunk, 1, offsets, err);
}

static yoda_status read_const(const struct chunk *chunk, enum vtype want, struct vector *out)
{
    static const uint64_t one = 1;
    out->form = VF_CONST;
    if (chunk->header->value_type == YODA_TEXT || chunk->header->value_type == YODA_BLOB)
        out->data = chunk->dict.values;
    else
        out->data = &chunk->header->base;
    if (want == VT_NUM && chunk->header->value_type == YODA_REAL)
        out->reals = &one;
    return YODA_OK;
}

static yoda_status read_real(const struct chunk *chunk, uint32_t count, enum vtype want,
                             struct arena *arena, struct vector *out, yoda_error *err)
{
    int64_t *data = arena_alloc(arena, sizeof *data * count);
    if (want == VT_NUM)
        out->reals = chunk_all_bits(arena, count);
    if (!data || (want == VT_NUM && !out->reals))
        return fail_nomem(err, sizeof *data * count);
    for (uint32_t i = 0; i < count; i++)
        data[i] = chunk->header->base;
    out->data = data;
    return YODA_OK;
}

static yoda_status read(const struct chunk *chunk, uint32_t row, uint32_t count, enum vtype want,
                        struct arena *arena, struct vector *out, yoda_error *err)
{
    static const uint8_t zeros[VECTOR_ROWS + 64];
    out->nulls = chunk_nulls(chunk, row);
    if (!out->nulls)
        return read_const(chunk, want, out);
    if (chunk->header->value_type == YODA_REAL)
        return read_real(chunk, count, want, arena, out, err);
    out->data = zeros;
    out->code_width = 1;
    if (chunk->header->value_type == YODA_INTEGER) {
        out->form = VF_CODES;
        out->base = chunk->header->base;
    } else {
        out->form = VF_DICT;
        out->dict = &chunk->dict;
    }
    return YODA_OK;
}

static yoda_status value_of(const struct chunk *chunk, uint32_t row, struct arena *arena,
                            struct value *out, yoda_error *err)
{
    YODA_UNUSED(row);
    YODA_UNUSED(arena);
    YODA_UNUSED(err);
    *out = constant_of(chunk);
    return YODA_OK;
}

static int compare(const struct chunk *chunk, uint64_t code, const struct value *constant,
                   enum collation collation)
{
    YODA_UNUSED(code);
    struct value v = constant_of(chunk);
    return value_compare(&v, constant, collation);
}

const struct encoding_ops encoding_constant_ops = {
    .encoding = ENC_CONSTANT,
    .name = "constant",
    .build = build,
    .attach = attach,
    .read = read,
    .value = value_of,
    .compare = compare,
};
