/*
 * chunk_encode.c -- choosing an encoding for a RAW chunk's rows.
 *
 * A first pass finds classes, NULLs and zones; then the encodings are asked in the order below, and
 * the first that holds exactly (and pays) has built the chunk. It is then parsed like a file, and its
 * header gets the sketch of its distinct values.
 */
#include "olap/column/encoding.h"
#include "olap/column/sketch.h"
#include "olap/kernel/kernel.h"

#include <string.h>

static const struct encoding_ops *const candidates[] = {
    &encoding_null_ops, &encoding_constant_ops, &encoding_for_ops,  &encoding_decimal_ops,
    &encoding_real_ops, &encoding_num_ops,      &encoding_iso_ops,  &encoding_dict_ops,
    &encoding_plain_ops, &encoding_mixed_ops, /* holds anything */
};

static uint32_t real_classes(const struct raw_block *block, uint32_t rows)
{
    uint32_t classes = 0;
    for (uint32_t i = 0; i < rows; i++)
        if (block->tags[i] == YODA_REAL) {
            struct value v = value_real(block->payload[i].r);
            classes |= class_of_value(&v);
        }
    return classes;
}

static uint32_t block_classes(const struct raw_block *block, uint32_t rows)
{
    static const uint8_t class_of_tag[8] = {
        [YODA_INTEGER] = CLASS_INTEGER, [YODA_REAL] = CLASS_REAL, [YODA_TEXT] = CLASS_TEXT,
        [YODA_BLOB] = CLASS_BLOB,       [YODA_NULL] = CLASS_NULL,
    };
    uint32_t seen = 0, classes = 0;
    for (uint32_t i = 0; i < rows; i++)
        seen |= 1u << block->tags[i];
    for (uint32_t tag = 0; tag < COUNT_OF(class_of_tag); tag++)
        classes |= seen >> tag & 1 ? class_of_tag[tag] : 0;
    return classes & CLASS_REAL ? classes | real_classes(block, rows) : classes;
}

static void scan_classes(struct source *source, uint64_t *nulls)
{
    for (uint32_t v = 0; v < source->vectors; v++) {
        uint32_t rows = source_block_rows(source, v);
        const struct raw_block *block = chunk_raw_block(source->raw, v);
        uint64_t *words = nulls + (size_t)v * VECTOR_WORDS;
        source->classes |= block_classes(block, rows);
        kernels()->range_u8(block->tags, rows, YODA_NULL, YODA_NULL, words);
        uint32_t count = (uint32_t)kernels()->count_words(words, BITMAP_WORDS(rows));
        source->zones[v].null_count = count;
        source->null_count += count;
        for (uint32_t i = 0; i < rows; i++)
            source->text_bytes += block->sizes[i];
    }
}

static void scan_zones(struct source *source)
{
    source->zone = (struct zone){.kind = ZONE_EMPTY};
    for (uint32_t v = 0; v < source->vectors; v++) {
        const uint64_t *nulls = source_block_nulls(source, v);
        source->zones[v] =
            zone_of_block(chunk_raw_block(source->raw, v), source_block_rows(source, v), nulls,
                          source->zones[v].null_count, source->classes);
        zone_merge(&source->zone, &source->zones[v]);
    }
    ASSERT(source->zone.null_count == source->null_count);
}

static yoda_status build(const struct source *source, struct buffer **out, yoda_error *err)
{
    *out = NULL;
    for (size_t i = 0; i < COUNT_OF(candidates) && !*out; i++)
        TRY(candidates[i]->build(source, out, err));
    ASSERT(*out);
    return YODA_OK;
}

/* Nobody else sees the bytes yet. */
static void add_sketch(const struct source *source, const struct chunk *chunk)
{
    struct sketch sketch = {0};
    struct chunk_header *header = (struct chunk_header *)(void *)chunk->bytes->data;
    sketch_source(source, chunk, &sketch);
    sketch_pack(&sketch, header->sketch);
}

yoda_status chunk_encode(const struct chunk *raw, uint32_t rows, struct mem_budget *budget,
                         struct chunk **out, yoda_error *err)
{
    ASSERT(chunk_encoding(raw) == ENC_RAW && rows <= chunk_rows(raw));
    *out = NULL;
    struct source source = {.raw = raw,
                            .rows = rows,
                            .vectors = (rows + VECTOR_ROWS - 1) / VECTOR_ROWS,
                            .budget = budget};
    size_t nulls_size = BITMAP_WORDS(rows) * 8, scratch_size = (size_t)rows * 8;
    uint64_t *nulls = mem_alloc_aligned(nulls_size + scratch_size + 8);
    if (!nulls)
        return fail_nomem(err, nulls_size + scratch_size);
    source.nulls = nulls;
    source.scratch = (char *)nulls + nulls_size;
    scan_classes(&source, nulls);
    scan_zones(&source);

    struct buffer *bytes = NULL;
    yoda_status status = build(&source, &bytes, err);
    mem_free_aligned(nulls);
    if (status == YODA_OK)
        status = chunk_parse(bytes, rows, out, err);
    if (status == YODA_OK)
        add_sketch(&source, *out);
    ASSERT(status == YODA_OK || status == YODA_NOMEM);
    buffer_release(bytes);
    return status;
}
