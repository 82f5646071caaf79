/*
 * encoding_plain.c -- ENC_PLAIN: offsets and bytes of TEXT or BLOB. NULL rows are empty.
 */
#include "olap/column/encoding.h"

#include <string.h>

static yoda_status build(const struct source *source, struct buffer **out, yoda_error *err)
{
    uint32_t classes = source->classes & CLASS_VALUES;
    if ((classes != CLASS_TEXT && classes != CLASS_BLOB) || source->text_bytes > UINT32_MAX)
        return YODA_OK;
    struct chunk_header header = {.encoding = ENC_PLAIN,
                                  .value_type = classes == CLASS_TEXT ? YODA_TEXT : YODA_BLOB,
                                  .text_bytes = source->text_bytes};
    uint8_t *sections[SECTION_COUNT];
    TRY(chunk_bytes_create(source, &header, out, sections, err));
    uint32_t *offsets = (uint32_t *)(void *)sections[SECTION_OFFSETS], at = 0;
    for (uint32_t row = 0; row < source->rows; row++) {
        const struct raw_block *block = chunk_raw_block(source->raw, row / VECTOR_ROWS);
        uint32_t i = row % VECTOR_ROWS, size = block->sizes[i];
        offsets[row] = at;
        if (size)
            memcpy(sections[SECTION_TEXT] + at, block->payload[i].p, size);
        at += size;
    }
    offsets[source->rows] = at;
    ASSERT(at == source->text_bytes);
    return YODA_OK;
}

static yoda_status attach(struct chunk *chunk, yoda_error *err)
{
    const struct chunk_header *h = chunk->header;
    uint32_t class = h->value_type == YODA_TEXT ? CLASS_TEXT : CLASS_BLOB;
    if ((h->value_type != YODA_TEXT && h->value_type != YODA_BLOB) || h->code_width ||
        (h->classes & CLASS_VALUES) != class)
        return fail(err, YODA_CORRUPT, "chunk: shape of a text chunk");
    bool descends = false;
    for (uint32_t i = 0; i < h->rows; i++)
        descends |= chunk->offsets[i] > chunk->offsets[i + 1];
    if (descends || chunk->offsets[0] != 0 || chunk->offsets[h->rows] != h->text_bytes)
        return fail(err, YODA_CORRUPT, "chunk: text offsets");
    return YODA_OK;
}

static yoda_status gather(const struct chunk *chunk, uint32_t row, const uint16_t *sel, uint32_t n,
                          enum vtype want, struct arena *arena, struct vector *out, yoda_error *err)
{
    YODA_UNUSED(want);
    out->form = VF_FLAT;
    out->data = chunk_strrefs(chunk->offsets, chunk->text, row, sel, n, arena);
    return out->data ? YODA_OK : fail_nomem(err, sizeof(struct strref) * n);
}

static yoda_status read(const struct chunk *chunk, uint32_t row, uint32_t count, enum vtype want,
                        struct arena *arena, struct vector *out, yoda_error *err)
{
    out->nulls = chunk_nulls(chunk, row);
    return gather(chunk, row, NULL, count, want, arena, out, err);
}

static yoda_status value_of(const struct chunk *chunk, uint32_t row, struct arena *arena,
                            struct value *out, yoda_error *err)
{
    YODA_UNUSED(arena);
    YODA_UNUSED(err);
    uint32_t from = chunk->offsets[row], to = chunk->offsets[row + 1];
    *out = chunk_bytes_value(chunk, chunk->text + from, to - from);
    return YODA_OK;
}

const struct encoding_ops encoding_plain_ops = {
    .encoding = ENC_PLAIN,
    .name = "plain",
    .build = build,
    .attach = attach,
    .read = read,
    .gather = gather,
    .value = value_of,
};
