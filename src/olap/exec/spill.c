/*
 * spill.c -- one temporary file of row sets; see spill.h.
 *
 * A row set is one block, of whole 8-byte words:
 *
 *   rows, size of what follows
 *   per kept column   flags (BLOCK_NULLS, BLOCK_REALS)
 *                     [rows] values; of a text its length
 *                     bitmaps of the NULLs and of the REALs, where flags say so
 *                     the texts one after the other, padded
 *
 * so that a block that was read is a row set as it lies there, but for the pointers of texts.
 */
#include "olap/exec/spill.h"

#include "base/os.h"
#include "olap/exec/flat_vector.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define WRITE_BYTES ((size_t)256 << 10) /* gathered before a write */
#define READ_BYTES ((uint64_t)128 << 10)
#define READ_SHARE 256u /* of a budget, at most */
#define HEADER_BYTES (2 * sizeof(uint64_t))

enum { BLOCK_NULLS = 1, BLOCK_REALS = 2 };

struct spill {
    const struct run *run;
    struct op_profile *profile; /* may be NULL */
    const enum vtype *types;
    const uint64_t *kept;
    uint32_t column_count;
    struct os_file *file;
    struct buffer *bytes;  /* not yet written */
    uint64_t written;      /* the file's size */
    struct spill_extent extent; /* begun, not yet ended */
};

bool spill_due(const struct run *run, uint64_t own_bytes)
{
    const struct run_context *context = run->context;
    if (!context->spill_directory)
        return false;
    if (context->knobs.spill_after_bytes)
        return own_bytes * run->workers > context->knobs.spill_after_bytes;
    for (const struct mem_budget *b = context->budget; b; b = b->parent) {
        uint64_t used = atomic_load_explicit(&b->used_bytes, memory_order_relaxed);
        if (b->limit_bytes && used > b->limit_bytes / 5 * 2 &&
            own_bytes > b->limit_bytes / 16 / run->workers)
            return true;
    }
    return false;
}

/* ---- The file ---- */

static yoda_status open_file(struct spill *spill, yoda_error *err)
{
    uint64_t name[2];
    char path[4096];
    os_random(name, sizeof name);
    int n = snprintf(path, sizeof path, "%s/yoda-%016" PRIx64 "%016" PRIx64 ".spill",
                     spill->run->context->spill_directory, name[0], name[1]);
    if (n < 0 || (size_t)n >= sizeof path)
        return fail(err, YODA_IOERR, "the path of the spill directory is too long");
    TRY(os_file_open(path, OS_CREATE_NEW, &spill->file, err));
    return os_unlink(path, err);
}

yoda_status spill_create(const struct run *run, const struct plan *plan, const enum vtype *types,
                         uint32_t column_count, const uint64_t *kept, struct spill **out,
                         yoda_error *err)
{
    ASSERT(run->context->spill_directory);
    struct spill *spill = mem_calloc(1, sizeof *spill);
    *out = NULL;
    if (!spill)
        return fail_nomem(err, sizeof *spill);
    *spill = (struct spill){
        .run = run, .types = types, .kept = kept, .column_count = column_count};
    if (plan && run->context->profile)
        spill->profile = &run->context->profile[plan->id];
    yoda_status status = open_file(spill, err);
    if (status == YODA_OK)
        status = buffer_create(0, run->context->budget, &spill->bytes, err);
    if (status != YODA_OK) {
        spill_destroy(spill);
        return status;
    }
    *out = spill;
    return YODA_OK;
}

void spill_destroy(struct spill *spill)
{
    if (!spill)
        return;
    os_file_close(spill->file);
    buffer_release(spill->bytes);
    mem_free(spill);
}

static yoda_status flush(struct spill *spill, yoda_error *err)
{
    size_t size = spill->bytes->size;
    if (size == 0)
        return YODA_OK;
    TRY(run_check(spill->run, err));
    TRY(os_file_write(spill->file, spill->written, spill->bytes->data, size, err));
    spill->written += size;
    spill->bytes->size = 0;
    if (spill->profile)
        atomic_fetch_add_explicit(&spill->profile->spilled_bytes, size, memory_order_relaxed);
    return YODA_OK;
}

/* ---- Writing ---- */

static bool is_text(enum vtype type)
{
    return type == VT_TEXT || type == VT_BLOB;
}

static bool is_kept(const struct spill *spill, uint32_t column)
{
    return (!spill->kept || bit_get(spill->kept, column)) && spill->types[column] != VT_NULL;
}

static size_t text_bytes(const struct vector *flat)
{
    const struct strref *refs = flat->data;
    size_t total = 0;
    for (uint32_t i = 0; i < flat->count; i++)
        total += vector_is_null(flat, i) ? 0 : refs[i].size;
    return (total + 7) / 8 * 8;
}

static size_t column_bytes(const struct vector *flat)
{
    size_t words = BITMAP_WORDS(flat->count);
    return sizeof(uint64_t) * (1 + flat->count + (flat->nulls ? words : 0) +
                               (flat->reals ? words : 0)) +
           (is_text(flat->type) ? text_bytes(flat) : 0);
}

static uint8_t *write_words(uint8_t *at, const void *words, size_t count)
{
    memcpy(at, words, count * sizeof(uint64_t));
    return at + count * sizeof(uint64_t);
}

static uint8_t *write_lengths(uint8_t *at, const struct vector *flat)
{
    const struct strref *refs = flat->data;
    for (uint32_t i = 0; i < flat->count; i++) {
        uint64_t size = vector_is_null(flat, i) ? 0 : refs[i].size;
        at = write_words(at, &size, 1);
    }
    return at;
}

static uint8_t *write_texts(uint8_t *at, const struct vector *flat)
{
    const struct strref *refs = flat->data;
    uint8_t *end = at + text_bytes(flat);
    for (uint32_t i = 0; i < flat->count; i++) {
        if (vector_is_null(flat, i) || refs[i].size == 0)
            continue;
        memcpy(at, refs[i].ptr, refs[i].size);
        at += refs[i].size;
    }
    ASSERT(at <= end && end - at < 8);
    memset(at, 0, (size_t)(end - at));
    return end;
}

static uint8_t *write_column(uint8_t *at, const struct vector *flat)
{
    size_t words = BITMAP_WORDS(flat->count);
    uint64_t flags = (flat->nulls ? BLOCK_NULLS : 0) | (flat->reals ? BLOCK_REALS : 0);
    at = write_words(at, &flags, 1);
    at = is_text(flat->type) ? write_lengths(at, flat) : write_words(at, flat->data, flat->count);
    if (flat->nulls)
        at = write_words(at, flat->nulls, words);
    if (flat->reals)
        at = write_words(at, flat->reals, words);
    return is_text(flat->type) ? write_texts(at, flat) : at;
}

yoda_status spill_write(struct spill *spill, const struct row_set *in, struct arena *scratch,
                        yoda_error *err)
{
    ASSERT(in->column_count >= spill->column_count && !in->alive && in->rows <= VECTOR_ROWS);
    struct vector *flat = arena_array(scratch, struct vector, spill->column_count + 1);
    uint64_t header[2] = {in->rows, 0};
    if (!flat)
        return run_nomem(err, "spilling");
    if (in->rows == 0)
        return YODA_OK;
    for (uint32_t i = 0; i < spill->column_count; i++) {
        if (!is_kept(spill, i))
            continue;
        TRY(flat_vector_as(&in->columns[i], spill->types[i], scratch, &flat[i], err));
        header[1] += column_bytes(&flat[i]);
    }
    size_t size = spill->bytes->size, end = size + HEADER_BYTES + header[1];
    TRY(buffer_reserve(spill->bytes, end, err));
    uint8_t *at = write_words(spill->bytes->data + size, header, 2);
    for (uint32_t i = 0; i < spill->column_count; i++)
        if (is_kept(spill, i))
            at = write_column(at, &flat[i]);
    ASSERT(at == spill->bytes->data + end);
    spill->bytes->size = end;
    spill->extent.rows += in->rows;
    return end >= WRITE_BYTES ? flush(spill, err) : YODA_OK;
}

yoda_status spill_write_buffer(struct spill *spill, const struct row_buffer *rows,
                               const uint32_t *order, uint32_t count, uint32_t block_rows,
                               struct arena *scratch, yoda_error *err)
{
    ASSERT(block_rows > 0 && block_rows <= VECTOR_ROWS);
    for (uint32_t at = 0; at < count; at += block_rows) {
        uint32_t n = count - at < block_rows ? count - at : block_rows;
        struct row_set set;
        arena_reset(scratch);
        struct row_ref *refs = arena_array(scratch, struct row_ref, n);
        if (!refs)
            return run_nomem(err, "spilling");
        for (uint32_t i = 0; i < n; i++)
            refs[i] = (struct row_ref){rows, order ? order[at + i] : at + i};
        TRY(row_buffer_gather(refs, n, scratch, &set, err));
        TRY(spill_write(spill, &set, scratch, err));
    }
    return YODA_OK;
}

void spill_end(struct spill *spill, struct spill_extent *out)
{
    uint64_t end = spill->written + spill->bytes->size;
    *out = spill->extent;
    out->end = end;
    spill->extent = (struct spill_extent){.begin = end};
}

yoda_status spill_finish(struct spill *spill, yoda_error *err)
{
    TRY(flush(spill, err));
    ASSERT(spill->extent.begin == spill->written && spill->extent.rows == 0);
    buffer_release(spill->bytes);
    spill->bytes = NULL;
    return YODA_OK;
}

/* ---- Reading ---- */

yoda_status spill_reader_init(struct spill_reader *reader, struct spill *spill,
                              const struct spill_extent *extents, size_t count, yoda_error *err)
{
    *reader = (struct spill_reader){.spill = spill, .extents = extents, .extent_count = count,
                                    .ahead_bytes = READ_BYTES};
    for (const struct mem_budget *b = spill->run->context->budget; b; b = b->parent)
        if (b->limit_bytes && b->limit_bytes / READ_SHARE < reader->ahead_bytes)
            reader->ahead_bytes = b->limit_bytes / READ_SHARE;
    return buffer_create(0, spill->run->context->budget, &reader->bytes, err);
}

void spill_reader_deinit(struct spill_reader *reader)
{
    buffer_release(reader->bytes);
    *reader = (struct spill_reader){0};
}

/* Have `size` more bytes in the buffer, and what follows them as far as a read should go. */
static yoda_status fill(struct spill_reader *reader, size_t size, yoda_error *err)
{
    struct buffer *bytes = reader->bytes;
    size_t left = bytes->size - reader->at;
    if (left >= size)
        return YODA_OK;
    uint64_t want = size - left > reader->ahead_bytes ? size - left : reader->ahead_bytes;
    uint64_t rest = reader->end - reader->offset;
    want = want < rest ? want : rest;
    if (left + want < size)
        return fail(err, YODA_INTERNAL, "a spilled row set ends behind its extent");
    memmove(bytes->data, bytes->data + reader->at, left);
    reader->at = 0;
    bytes->size = left;
    TRY(buffer_reserve(bytes, left + want, err));
    TRY(os_file_read(reader->spill->file, reader->offset, bytes->data + left, want, err));
    bytes->size = left + want;
    reader->offset += want;
    return YODA_OK;
}

static const uint8_t *take(struct spill_reader *reader, size_t size)
{
    const uint8_t *at = reader->bytes->data + reader->at;
    ASSERT(reader->at + size <= reader->bytes->size);
    reader->at += size;
    return at;
}

static yoda_status read_texts(struct spill_reader *reader, const uint64_t *sizes, uint32_t rows,
                              struct arena *arena, struct vector *out, yoda_error *err)
{
    struct strref *refs = arena_array(arena, struct strref, rows + 8);
    size_t total = 0;
    if (!refs)
        return run_nomem(err, "reading spilled rows");
    const char *bytes = (const char *)reader->bytes->data + reader->at;
    for (uint32_t i = 0; i < rows; i++) {
        refs[i] = (struct strref){bytes + total, (uint32_t)sizes[i]};
        total += sizes[i];
    }
    take(reader, (total + 7) / 8 * 8);
    out->data = refs;
    return YODA_OK;
}

static yoda_status read_column(struct spill_reader *reader, enum vtype type, uint32_t rows,
                               struct arena *arena, struct vector *out, yoda_error *err)
{
    size_t bitmap = BITMAP_WORDS(rows) * sizeof(uint64_t);
    uint64_t flags;
    memcpy(&flags, take(reader, sizeof flags), sizeof flags);
    const void *data = take(reader, rows * sizeof(uint64_t));
    *out = (struct vector){.type = type, .form = VF_FLAT, .count = rows, .data = data};
    if (flags & BLOCK_NULLS)
        out->nulls = (const uint64_t *)(const void *)take(reader, bitmap);
    if (flags & BLOCK_REALS)
        out->reals = (const uint64_t *)(const void *)take(reader, bitmap);
    return is_text(type) ? read_texts(reader, data, rows, arena, out, err) : YODA_OK;
}

yoda_status spill_read(struct spill_reader *reader, struct arena *arena, struct row_set *out,
                       yoda_error *err)
{
    const struct spill *spill = reader->spill;
    *out = (struct row_set){.column_count = spill->column_count};
    while (reader->at == reader->bytes->size && reader->offset == reader->end) {
        if (reader->extent_count == 0)
            return YODA_OK;
        reader->offset = reader->extents->begin;
        reader->end = reader->extents->end;
        ASSERT(reader->end <= spill->written);
        reader->extents++;
        reader->extent_count--;
    }
    uint64_t header[2];
    TRY(fill(reader, HEADER_BYTES, err));
    memcpy(header, take(reader, HEADER_BYTES), sizeof header);
    TRY(fill(reader, header[1], err));
    uint32_t rows = (uint32_t)header[0];
    struct vector *columns = row_set_columns(arena, spill->column_count, rows);
    ASSERT(rows > 0 && rows <= VECTOR_ROWS);
    if (!columns)
        return run_nomem(err, "reading spilled rows");
    for (uint32_t i = 0; i < spill->column_count; i++)
        if (is_kept(spill, i))
            TRY(read_column(reader, spill->types[i], rows, arena, &columns[i], err));
    out->rows = rows;
    out->columns = columns;
    return YODA_OK;
}
