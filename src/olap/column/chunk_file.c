/*
 * chunk_file.c -- laying out a chunk's bytes, storing and parsing them, by chunk_format.h.
 *
 * Parsing trusts nothing: a damaged or hostile string may decode to wrong values (checksums around
 * it catch damage) but never makes a reader leave the string.
 */
#include "olap/column/encoding.h"
#include "olap/column/sketch.h"
#include "olap/kernel/kernel.h"

#include <inttypes.h>
#include <lz4.h>
#include <string.h>

enum { LZ4_TEXT_MIN = 4096, LZ4_TEXT_MAX = 1 << 30 };

static uint64_t align_up(uint64_t n)
{
    return (n + CHUNK_ALIGN - 1) / CHUNK_ALIGN * CHUNK_ALIGN;
}

static uint32_t vectors_of(uint32_t rows)
{
    return (rows + VECTOR_ROWS - 1) / VECTOR_ROWS;
}

struct layout {
    uint64_t offset[SECTION_COUNT], size[SECTION_COUNT];
    uint64_t total;
};

/* Where the sections of a chunk lie. */
static void lay_out(const struct chunk_header *h, struct layout *out)
{
    uint64_t words = BITMAP_WORDS(h->rows) * 8, rows = h->rows;
    bool mixed = h->encoding == ENC_MIXED;
    *out = (struct layout){
        .size = {
            [SECTION_NULLS] = h->zone.null_count && h->encoding != ENC_NULL ? words : 0,
            [SECTION_CODES] = rows * h->code_width,
            [SECTION_TAGS] = mixed ? rows : 0,
            [SECTION_REALS] = h->encoding == ENC_NUM ? words : 0,
            [SECTION_OFFSETS] = h->encoding == ENC_PLAIN  ? (rows + 1) * 4
                                : h->encoding == ENC_DICT ? ((uint64_t)h->dict_count + 1) * 4
                                : mixed                   ? rows * 4
                                                          : 0,
            [SECTION_TEXT] = h->stored_bytes,
        }};
    uint64_t at = sizeof *h + vectors_of(h->rows) * sizeof(struct zone_record);
    out->total = at;
    for (int i = 0; i < SECTION_COUNT; i++) {
        if (!out->size[i])
            continue;
        out->offset[i] = align_up(out->total);
        out->total = out->offset[i] + out->size[i];
    }
}

/* ---- Making --------------------------------------------------------------------------------- */

/* Zero what lies between the sections, so that equal chunks are equal bytes. */
static void zero_gaps(const struct chunk_header *h, const struct layout *layout, uint8_t *data)
{
    uint64_t at = sizeof *h + vectors_of(h->rows) * sizeof(struct zone_record);
    for (int i = 0; i < SECTION_COUNT; i++) {
        if (!layout->size[i])
            continue;
        memset(data + at, 0, layout->offset[i] - at);
        at = layout->offset[i] + layout->size[i];
    }
}

yoda_status chunk_bytes_create(const struct source *source, struct chunk_header *header,
                               struct buffer **out, uint8_t *sections[SECTION_COUNT],
                               yoda_error *err)
{
    header->magic = CHUNK_MAGIC;
    header->version = CHUNK_VERSION;
    header->rows = source->rows;
    header->classes = source->classes;
    header->stored_bytes = header->text_bytes;
    header->zone = zone_pack(&source->zone);
    struct layout layout;
    lay_out(header, &layout);
    TRY(buffer_create(layout.total, source->budget, out, err));
    uint8_t *data = (*out)->data;
    memcpy(data, header, sizeof *header);
    struct zone_record *zones = (struct zone_record *)(void *)(data + sizeof *header);
    for (uint32_t v = 0; v < source->vectors; v++)
        zones[v] = zone_pack(&source->zones[v]);
    zero_gaps(header, &layout, data);
    for (int i = 0; i < SECTION_COUNT; i++)
        sections[i] = layout.size[i] ? data + layout.offset[i] : NULL;
    if (sections[SECTION_NULLS])
        memcpy(sections[SECTION_NULLS], source->nulls, layout.size[SECTION_NULLS]);
    return YODA_OK;
}

/* ---- Storing -------------------------------------------------------------------------------- */

/* The same bytes with the text packed; *out stays NULL where that does not save an eighth. */
static yoda_status pack_text(const struct chunk *chunk, struct buffer **out, yoda_error *err)
{
    struct layout layout;
    lay_out(chunk->header, &layout);
    uint64_t text_size = chunk->header->text_bytes, text_at = layout.offset[SECTION_TEXT];
    uint64_t room = text_size - text_size / 8;
    struct buffer *packed;
    TRY(buffer_create(text_at + room, chunk->bytes->budget, &packed, err));
    int stored = LZ4_compress_default(chunk->text, (char *)packed->data + text_at, (int)text_size,
                                      (int)room);
    if (stored <= 0) {
        buffer_release(packed);
        return YODA_OK;
    }
    memcpy(packed->data, chunk->bytes->data, text_at);
    struct chunk_header *header = (struct chunk_header *)(void *)packed->data;
    header->flags |= CHUNK_LZ4;
    header->stored_bytes = (uint64_t)stored;
    packed->size = text_at + (uint64_t)stored;
    *out = packed;
    return YODA_OK;
}

yoda_status chunk_serialize(const struct chunk *chunk, struct buffer **out, yoda_error *err)
{
    *out = NULL;
    if (chunk->ops->encoding == ENC_RAW)
        return fail(err, YODA_MISUSE, "an open chunk cannot be stored");
    uint64_t text_size = chunk->header->text_bytes;
    if (chunk->ops->encoding == ENC_PLAIN && text_size >= LZ4_TEXT_MIN && text_size <= LZ4_TEXT_MAX)
        TRY(pack_text(chunk, out, err));
    if (!*out)
        *out = buffer_acquire(chunk->bytes);
    return YODA_OK;
}

/* ---- Parsing -------------------------------------------------------------------------------- */

static yoda_status check_header(const struct buffer *bytes, uint32_t rows, yoda_error *err)
{
    const struct chunk_header *h = (const struct chunk_header *)(const void *)bytes->data;
    struct sketch sketch;
    if (bytes->size < sizeof *h || h->magic != CHUNK_MAGIC)
        return fail(err, YODA_CORRUPT, "chunk: no header");
    if (h->version != CHUNK_VERSION)
        return fail(err, YODA_CORRUPT, "chunk: version %u", h->version);
    if (h->rows != rows || rows > SEGMENT_ROWS)
        return fail(err, YODA_CORRUPT, "chunk: %" PRIu32 " rows, %" PRIu32 " expected", h->rows,
                    rows);
    if (h->encoding == ENC_RAW || !encoding_ops_of((enum encoding)h->encoding))
        return fail(err, YODA_CORRUPT, "chunk: encoding %u", h->encoding);
    if (h->zero || h->flags & ~CHUNK_LZ4)
        return fail(err, YODA_CORRUPT, "chunk: reserved bytes are not zero");
    if (!sketch_unpack(h->sketch, &sketch))
        return fail(err, YODA_CORRUPT, "chunk: sketch of distinct values");
    if (h->classes & ~CLASS_ALL)
        return fail(err, YODA_CORRUPT, "chunk: unknown storage classes");
    if (h->code_width > 8 || h->scale > VECTOR_SCALE_MAX || h->dict_count > SEGMENT_ROWS)
        return fail(err, YODA_CORRUPT, "chunk: width, scale or dictionary size");
    if (h->stored_bytes > bytes->size)
        return fail(err, YODA_CORRUPT, "chunk: text ends past the chunk");
    if (!(h->flags & CHUNK_LZ4) && h->stored_bytes != h->text_bytes)
        return fail(err, YODA_CORRUPT, "chunk: text sizes differ");
    struct layout layout;
    lay_out(h, &layout);
    if (layout.total != bytes->size)
        return fail(err, YODA_CORRUPT, "chunk: %zu bytes, %" PRIu64 " expected", bytes->size,
                    layout.total);
    return YODA_OK;
}

/* The kind of zone that values of these classes have. */
static uint32_t zone_kind_of(uint32_t classes)
{
    switch (classes & CLASS_VALUES) {
    case 0:
        return ZONE_EMPTY;
    case CLASS_INTEGER:
        return ZONE_INT;
    case CLASS_REAL:
    case CLASS_INTEGER | CLASS_REAL:
        return ZONE_REAL;
    case CLASS_TEXT:
        return ZONE_PREFIX;
    case CLASS_BLOB:
        return ZONE_BLOB;
    default:
        return ZONE_NONE;
    }
}

static bool zone_is_valid(const struct zone_record *zone, uint32_t kind, uint32_t rows,
                          uint32_t null_count)
{
    uint32_t expected = null_count == rows ? ZONE_EMPTY : kind;
    return zone->null_count == null_count && zone->kind == expected;
}

static yoda_status check_zones(const struct chunk *chunk, yoda_error *err)
{
    const struct chunk_header *h = chunk->header;
    uint32_t kind = zone_kind_of(h->classes), total = 0;
    for (uint32_t v = 0; v < vectors_of(h->rows); v++) {
        uint32_t at = v * VECTOR_ROWS;
        uint32_t rows = h->rows - at < VECTOR_ROWS ? h->rows - at : VECTOR_ROWS;
        uint32_t nulls = h->encoding == ENC_NULL ? rows : 0;
        if (chunk->nulls) {
            const uint64_t *words = chunk->nulls + at / 64;
            nulls = (uint32_t)kernels()->count_words(words, BITMAP_WORDS(rows));
            if (rows % 64 && words[rows / 64] >> (rows % 64))
                return fail(err, YODA_CORRUPT, "chunk: NULL bits past the last row");
        }
        if (!zone_is_valid(&chunk->zones[v], kind, rows, nulls))
            return fail(err, YODA_CORRUPT, "chunk: zone %" PRIu32, v);
        total += nulls;
    }
    if (!zone_is_valid(&h->zone, kind, h->rows, total))
        return fail(err, YODA_CORRUPT, "chunk: zone");
    return YODA_OK;
}

static const void *section_at(const struct buffer *bytes, const struct layout *layout,
                              enum section section)
{
    return layout->size[section] ? bytes->data + layout->offset[section] : NULL;
}

static void set_sections(struct chunk *chunk)
{
    struct layout layout;
    const struct buffer *bytes = chunk->bytes;
    chunk->header = (const struct chunk_header *)(const void *)bytes->data;
    lay_out(chunk->header, &layout);
    chunk->zones = (const struct zone_record *)(const void *)(bytes->data + sizeof *chunk->header);
    chunk->nulls = section_at(bytes, &layout, SECTION_NULLS);
    chunk->codes = section_at(bytes, &layout, SECTION_CODES);
    chunk->tags = section_at(bytes, &layout, SECTION_TAGS);
    chunk->reals = section_at(bytes, &layout, SECTION_REALS);
    chunk->offsets = section_at(bytes, &layout, SECTION_OFFSETS);
    chunk->text = section_at(bytes, &layout, SECTION_TEXT);
    if (!chunk->text)
        chunk->text = "";
    chunk->ops = encoding_ops_of((enum encoding)chunk->header->encoding);
    atomic_init(&chunk->rows, chunk->header->rows);
    atomic_init(&chunk->classes, chunk->header->classes);
}

/* Bytes with the text unpacked: a reference to the same ones where it is not packed. */
static yoda_status unpack_text(struct buffer *bytes, struct buffer **out, yoda_error *err)
{
    const struct chunk_header *h = (const struct chunk_header *)(const void *)bytes->data;
    *out = NULL;
    if (!(h->flags & CHUNK_LZ4)) {
        *out = buffer_acquire(bytes);
        return YODA_OK;
    }
    /* LZ4 cannot expand more than 255 times: no allocation that the input does not pay for. */
    if (h->encoding != ENC_PLAIN || h->text_bytes > LZ4_TEXT_MAX || h->text_bytes == 0 ||
        h->stored_bytes > LZ4_TEXT_MAX ||
        h->stored_bytes == 0 || h->text_bytes / 255 > h->stored_bytes)
        return fail(err, YODA_CORRUPT, "chunk: size of packed text");
    struct layout layout;
    lay_out(h, &layout);
    uint64_t text_at = layout.offset[SECTION_TEXT];
    struct buffer *plain;
    TRY(buffer_create(text_at + h->text_bytes, bytes->budget, &plain, err));
    int size = LZ4_decompress_safe((const char *)bytes->data + text_at,
                                   (char *)plain->data + text_at, (int)h->stored_bytes,
                                   (int)h->text_bytes);
    if (size < 0 || (uint64_t)size != h->text_bytes) {
        buffer_release(plain);
        return fail(err, YODA_CORRUPT, "chunk: packed text is damaged");
    }
    memcpy(plain->data, bytes->data, text_at);
    struct chunk_header *header = (struct chunk_header *)(void *)plain->data;
    header->flags = 0;
    header->stored_bytes = header->text_bytes;
    *out = plain;
    return YODA_OK;
}

yoda_status chunk_parse(struct buffer *bytes, uint32_t rows, struct chunk **out, yoda_error *err)
{
    *out = NULL;
    TRY(check_header(bytes, rows, err));
    struct chunk *chunk = mem_calloc(1, sizeof *chunk);
    if (!chunk)
        return fail_nomem(err, sizeof *chunk);
    yoda_status status = unpack_text(bytes, &chunk->bytes, err);
    if (status != YODA_OK)
        goto done;
    set_sections(chunk);
    status = check_zones(chunk, err);
    if (status == YODA_OK)
        status = chunk->ops->attach(chunk, err);
    if (status == YODA_OK)
        chunk_facts_make(chunk);
    atomic_init(&chunk->held_bytes, sizeof *chunk + chunk->bytes->capacity +
                                        (chunk->dict_values ? chunk->dict_values->capacity : 0));
done:
    if (status != YODA_OK) {
        chunk_destroy(chunk);
        return status;
    }
    *out = chunk;
    return YODA_OK;
}
