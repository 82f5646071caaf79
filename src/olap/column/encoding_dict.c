/*
 * encoding_dict.c -- ENC_DICT: the distinct texts in memcmp order, and a code per row.
 *
 * Code order is value order, so ranges, MIN and MAX work on codes. The attempt is given up at
 * 65,536 entries, or when after 8,192 rows 15 in 16 are new (as with some 65,000 distinct values in
 * any order); and dropped where plain text would be smaller.
 */
#include "olap/column/dict_builder.h"
#include "olap/column/encoding.h"

#include <string.h>

enum { TRIAL_ROWS = 8192 };

/* ---- Building ------------------------------------------------------------------------------- */

static yoda_status add_block(struct dict_builder *builder, const struct raw_block *block,
                             uint32_t rows, uint32_t *codes, bool *pays, yoda_error *err)
{
    const char *last = NULL; /* neighbours are often equal */
    uint32_t last_size = 0, last_code = 0;
    for (uint32_t i = 0; i < rows; i++) {
        codes[i] = 0;
        if (block->tags[i] == YODA_NULL)
            continue;
        const char *p = block->payload[i].p;
        uint32_t size = block->sizes[i];
        if (!last || size != last_size || memcmp(p, last, size) != 0) {
            last_code = dict_builder_add(builder, p, size);
            if (last_code == UINT32_MAX) {
                *pays = false;
                return dict_builder_is_full(builder) ? YODA_OK : fail_nomem(err, DICT_MAX);
            }
            last = p;
            last_size = size;
        }
        codes[i] = last_code;
    }
    return YODA_OK;
}

/* Number all rows in order of appearance; *pays false where a dictionary is not worth it. */
static yoda_status add_all(const struct source *source, struct dict_builder *builder, bool *pays,
                           yoda_error *err)
{
    uint32_t *codes = source->scratch, seen = 0;
    for (uint32_t v = 0; v < source->vectors && *pays; v++) {
        uint32_t rows = source_block_rows(source, v);
        TRY(add_block(builder, chunk_raw_block(source->raw, v), rows,
                      codes + (size_t)v * VECTOR_ROWS, pays, err));
        seen += rows - source->zones[v].null_count;
        if (seen >= TRIAL_ROWS && builder->count > seen - seen / 16)
            *pays = false;
    }
    uint64_t plain = source->text_bytes + (uint64_t)source->rows * 4;
    uint64_t dict = builder->text_bytes + builder->count * (4 + sizeof(struct strref)) +
                    (uint64_t)source->rows * codes_width(builder->count ? builder->count - 1 : 0);
    if (dict >= plain || builder->text_bytes > UINT32_MAX)
        *pays = false;
    return YODA_OK;
}

static void write_text(const struct dict_builder *builder, uint32_t *offsets, uint8_t *text)
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < builder->count; i++) {
        offsets[i] = at;
        if (builder->values[i].size)
            memcpy(text + at, builder->values[i].ptr, builder->values[i].size);
        at += builder->values[i].size;
    }
    offsets[builder->count] = at;
}

static void write_codes(const struct source *source, uint8_t width, const uint32_t *rank, void *out)
{
    const uint32_t *codes = source->scratch;
    for (uint32_t v = 0; v < source->vectors; v++) {
        int64_t values[VECTOR_ROWS];
        uint32_t rows = source_block_rows(source, v);
        size_t at = (size_t)v * VECTOR_ROWS;
        for (uint32_t i = 0; i < rows; i++)
            values[i] = rank[codes[at + i]];
        codes_write(out, width, at, values, source_block_nulls(source, v), rows, 0);
    }
}

static yoda_status write_dict(const struct source *source, struct dict_builder *builder,
                              struct buffer **out, yoda_error *err)
{
    uint32_t *rank = mem_alloc(sizeof *rank * builder->count);
    if (!rank || !dict_builder_sort(builder, rank)) {
        mem_free(rank);
        return fail_nomem(err, sizeof *rank * builder->count);
    }
    bool text = (source->classes & CLASS_VALUES) == CLASS_TEXT;
    struct chunk_header header = {.encoding = ENC_DICT,
                                  .value_type = text ? YODA_TEXT : YODA_BLOB,
                                  .code_width = codes_width(builder->count - 1),
                                  .code_max = builder->count - 1,
                                  .dict_count = builder->count,
                                  .text_bytes = builder->text_bytes};
    uint8_t *sections[SECTION_COUNT];
    yoda_status status = chunk_bytes_create(source, &header, out, sections, err);
    if (status == YODA_OK) {
        write_text(builder, (uint32_t *)(void *)sections[SECTION_OFFSETS], sections[SECTION_TEXT]);
        write_codes(source, header.code_width, rank, sections[SECTION_CODES]);
    }
    mem_free(rank);
    return status;
}

static yoda_status build(const struct source *source, struct buffer **out, yoda_error *err)
{
    uint32_t classes = source->classes & CLASS_VALUES;
    if (classes != CLASS_TEXT && classes != CLASS_BLOB)
        return YODA_OK;
    struct dict_builder builder;
    dict_builder_init(&builder);
    bool pays = true;
    yoda_status status = add_all(source, &builder, &pays, err);
    if (status == YODA_OK && pays)
        status = write_dict(source, &builder, out, err);
    dict_builder_deinit(&builder);
    return status;
}

/* ---- Using ---------------------------------------------------------------------------------- */

yoda_status chunk_make_dict(struct chunk *chunk, uint32_t count, const uint32_t *offsets,
                            yoda_error *err)
{
    static _Atomic uint64_t last_id;
    TRY(buffer_create(sizeof(struct strref) * count, chunk->bytes->budget, &chunk->dict_values,
                      err));
    struct strref *values = (struct strref *)(void *)chunk->dict_values->data;
    for (uint32_t i = 0; i < count; i++)
        values[i] = (struct strref){chunk->text + offsets[i], offsets[i + 1] - offsets[i]};
    chunk->dict.id = atomic_fetch_add_explicit(&last_id, 1, memory_order_relaxed) + 1;
    chunk->dict.count = count;
    chunk->dict.values = values;
    return YODA_OK;
}

bool chunk_same_dict(const struct chunk *a, const struct chunk *b)
{
    if (a->ops != &encoding_dict_ops || b->ops != &encoding_dict_ops)
        return false;
    const struct chunk_header *x = a->header, *y = b->header;
    return x->value_type == y->value_type && x->dict_count == y->dict_count &&
           x->text_bytes == y->text_bytes &&
           memcmp(a->offsets, b->offsets, x->dict_count * sizeof *a->offsets) == 0 &&
           memcmp(a->text, b->text, x->text_bytes) == 0;
}

static struct value entry_of(const struct chunk *chunk, uint64_t code)
{
    ASSERT(code < chunk->dict.count);
    const struct strref *entry = &chunk->dict.values[code];
    return chunk_bytes_value(chunk, entry->ptr, entry->size);
}

static yoda_status attach(struct chunk *chunk, yoda_error *err)
{
    const struct chunk_header *h = chunk->header;
    uint32_t class = h->value_type == YODA_TEXT ? CLASS_TEXT : CLASS_BLOB;
    TRY(codes_check(chunk, err));
    if ((h->value_type != YODA_TEXT && h->value_type != YODA_BLOB) || h->dict_count == 0 ||
        (h->classes & CLASS_VALUES) != class || h->code_max >= h->dict_count)
        return fail(err, YODA_CORRUPT, "chunk: shape of a dictionary chunk");
    for (uint32_t i = 0; i < h->dict_count; i++)
        if (chunk->offsets[i] > chunk->offsets[i + 1])
            return fail(err, YODA_CORRUPT, "chunk: dictionary offsets descend");
    if (chunk->offsets[0] != 0 || chunk->offsets[h->dict_count] != h->text_bytes)
        return fail(err, YODA_CORRUPT, "chunk: dictionary offsets");
    TRY(chunk_make_dict(chunk, h->dict_count, chunk->offsets, err));
    for (uint32_t i = 1; i < h->dict_count; i++) {
        struct value a = entry_of(chunk, i - 1), b = entry_of(chunk, i);
        if (value_compare(&a, &b, COLLATE_BINARY) >= 0)
            return fail(err, YODA_CORRUPT, "chunk: dictionary is not sorted");
    }
    return YODA_OK;
}

static yoda_status read(const struct chunk *chunk, uint32_t row, uint32_t count, enum vtype want,
                        struct arena *arena, struct vector *out, yoda_error *err)
{
    YODA_UNUSED(count);
    YODA_UNUSED(want);
    YODA_UNUSED(arena);
    YODA_UNUSED(err);
    uint8_t width = chunk->header->code_width;
    out->form = VF_DICT;
    out->code_width = width;
    out->dict = &chunk->dict;
    out->data = (const char *)chunk->codes + (size_t)row * width;
    out->nulls = chunk_nulls(chunk, row);
    return YODA_OK;
}

const struct encoding_ops encoding_dict_ops = {
    .encoding = ENC_DICT,
    .name = "dict",
    .build = build,
    .attach = attach,
    .read = read,
    .code_value = entry_of,
    .value = codes_value,
    .compare = codes_compare,
};
