/*
 * chunk_raw.c -- the open segment's form of a column: tagged values in blocks of 2,048 rows.
 *
 * Invariants
 *   1  A block and a text arena never move: a row's memory is fixed once written.
 *   2  Only rows at or above the published count are written; readers look only below it. The
 *      publication itself orders a row's bytes before its readers; the block pointer is published
 *      with release all the same, because a reader may load it while the writer adds the next one.
 *   3  The class mask only grows and covers every row written: it may say more than the rows a
 *      reader sees, so a mask that does not fit is settled by looking at the tags.
 *
 * Threads  one writer; any number of readers
 */
#include "olap/column/encoding.h"
#include "olap/kernel/kernel.h"

#include <stdalign.h>
#include <string.h>

struct text_block {
    struct text_block *previous;
    size_t size, used;
    char bytes[];
};

enum { TEXT_BLOCK_MIN = 4096, TEXT_BLOCK_MAX = 1 << 20 };

struct raw_chunk {
    struct chunk chunk; /* must be first */
    struct mem_budget *budget;
    struct text_block *text; /* the writer's alone */
    _Atomic(struct raw_block *) blocks[SEGMENT_VECTORS];
};

static struct raw_chunk *raw_of(const struct chunk *chunk)
{
    ASSERT(chunk->ops == &encoding_raw_ops);
    return (struct raw_chunk *)(uintptr_t)chunk;
}

const struct raw_block *chunk_raw_block(const struct chunk *raw, uint32_t vector)
{
    ASSERT(vector < SEGMENT_VECTORS);
    return atomic_load_explicit(&raw_of(raw)->blocks[vector], memory_order_acquire);
}

yoda_status chunk_raw_create(struct mem_budget *budget, struct chunk **out, yoda_error *err)
{
    *out = NULL;
    struct raw_chunk *raw = mem_calloc(1, sizeof *raw);
    if (!raw)
        return fail_nomem(err, sizeof *raw);
    raw->chunk.ops = &encoding_raw_ops;
    atomic_init(&raw->chunk.held_bytes, sizeof *raw);
    raw->budget = budget;
    *out = &raw->chunk;
    return YODA_OK;
}

static void destroy(struct chunk *chunk)
{
    struct raw_chunk *raw = raw_of(chunk);
    for (uint32_t v = 0; v < SEGMENT_VECTORS; v++)
        mem_free(atomic_load_explicit(&raw->blocks[v], memory_order_relaxed));
    for (struct text_block *block = raw->text, *previous; block; block = previous) {
        previous = block->previous;
        mem_free(block);
    }
    mem_budget_release(raw->budget, chunk_bytes(chunk) - sizeof *raw);
}

/* ---- Writing -------------------------------------------------------------------------------- */

static yoda_status allocate(struct raw_chunk *raw, size_t size, void **out, yoda_error *err)
{
    TRY(mem_budget_charge(raw->budget, size, err));
    *out = mem_calloc(1, size);
    if (!*out) {
        mem_budget_release(raw->budget, size);
        return fail_nomem(err, size);
    }
    atomic_fetch_add_explicit(&raw->chunk.held_bytes, size, memory_order_relaxed);
    return YODA_OK;
}

static yoda_status copy_text(struct raw_chunk *raw, const char *p, uint32_t size, const char **out,
                             yoda_error *err)
{
    *out = "";
    if (size == 0)
        return YODA_OK;
    struct text_block *block = raw->text;
    if (!block || block->size - block->used < size) {
        size_t bytes = block ? block->size * 2 : TEXT_BLOCK_MIN;
        bytes = bytes < TEXT_BLOCK_MAX ? bytes : TEXT_BLOCK_MAX;
        bytes = bytes > size ? bytes : size;
        void *memory;
        TRY(allocate(raw, sizeof *block + bytes, &memory, err));
        block = memory;
        block->size = bytes;
        block->previous = raw->text;
        raw->text = block;
    }
    char *at = block->bytes + block->used;
    memcpy(at, p, size);
    block->used += size;
    *out = at;
    return YODA_OK;
}

static yoda_status block_for(struct raw_chunk *raw, uint32_t vector, struct raw_block **out,
                             yoda_error *err)
{
    *out = atomic_load_explicit(&raw->blocks[vector], memory_order_relaxed);
    if (*out)
        return YODA_OK;
    void *memory;
    TRY(allocate(raw, sizeof(struct raw_block), &memory, err));
    *out = memory;
    atomic_store_explicit(&raw->blocks[vector], *out, memory_order_release);
    return YODA_OK;
}

yoda_status chunk_raw_set(struct chunk *chunk, uint32_t row, const struct value *value,
                          yoda_error *err)
{
    struct raw_chunk *raw = raw_of(chunk);
    uint32_t rows = chunk_rows(chunk), at = row % VECTOR_ROWS;
    ASSERT(row <= rows && row < SEGMENT_ROWS);
    ASSERT(value->type != YODA_REAL || value->r == value->r);
    struct raw_block *block;
    const char *text = NULL;
    TRY(block_for(raw, row / VECTOR_ROWS, &block, err));
    bool bytes = value->type == YODA_TEXT || value->type == YODA_BLOB;
    if (bytes)
        TRY(copy_text(raw, value->p, value->size, &text, err));
    block->tags[at] = value->type;
    block->sizes[at] = bytes ? value->size : 0;
    block->payload[at].bits = 0;
    if (bytes)
        block->payload[at].p = text;
    else if (value->type == YODA_REAL)
        block->payload[at].r = value->r;
    else if (value->type == YODA_INTEGER)
        block->payload[at].i = value->i;
    uint32_t classes = chunk_classes(chunk), added = classes | class_of_value(value);
    if (added != classes)
        atomic_store_explicit(&chunk->classes, added, memory_order_relaxed);
    if (row == rows)
        atomic_store_explicit(&chunk->rows, rows + 1, memory_order_relaxed);
    return YODA_OK;
}

/* ---- Reading -------------------------------------------------------------------------------- */

/* Do the first count tags fit `want`? */
static bool tags_fit(const struct raw_block *block, uint32_t count, enum vtype want)
{
    static const uint32_t tags[] = {
        [VT_NULL] = 0,
        [VT_INT] = 1u << YODA_INTEGER,
        [VT_REAL] = 1u << YODA_REAL,
        [VT_NUM] = 1u << YODA_INTEGER | 1u << YODA_REAL,
        [VT_TEXT] = 1u << YODA_TEXT,
        [VT_BLOB] = 1u << YODA_BLOB,
    };
    uint32_t allowed = tags[want] | 1u << YODA_NULL;
    uint32_t seen = 0;
    for (uint32_t i = 0; i < count; i++)
        seen |= 1u << block->tags[i];
    return (seen & ~allowed) == 0;
}

/* Bitmap of rows with this tag; *out NULL where there are none. */
static yoda_status tag_bits(const struct raw_block *block, uint32_t count, uint8_t tag,
                            struct arena *arena, const uint64_t **out, yoda_error *err)
{
    uint64_t *words = arena_alloc(arena, VECTOR_WORDS * sizeof *words);
    if (!words)
        return fail_nomem(err, VECTOR_WORDS * sizeof *words);
    kernels()->range_u8(block->tags, count, tag, tag, words);
    *out = kernels()->count_words(words, BITMAP_WORDS(count)) ? words : NULL;
    return YODA_OK;
}

static yoda_status read_text(const struct raw_block *block, uint32_t count, struct arena *arena,
                             struct vector *out, yoda_error *err)
{
    struct strref *refs = arena_alloc(arena, sizeof *refs * count);
    if (!refs)
        return fail_nomem(err, sizeof *refs * count);
    for (uint32_t i = 0; i < count; i++)
        refs[i] = (struct strref){block->tags[i] == YODA_NULL ? "" : block->payload[i].p,
                                  block->sizes[i]};
    out->data = refs;
    return YODA_OK;
}

static yoda_status read(const struct chunk *chunk, uint32_t row, uint32_t count, enum vtype want,
                        struct arena *arena, struct vector *out, yoda_error *err)
{
    uint32_t classes = chunk_classes(chunk);
    if (count == 0) {
        chunk_read_null(want, 0, out);
        return YODA_OK;
    }
    const struct raw_block *block = chunk_raw_block(chunk, row / VECTOR_ROWS);
    enum vtype type;
    bool known = vtype_of_classes(classes, &type) &&
                 (type == want || (type == VT_INT && want == VT_NUM) || type == VT_NULL);
    if (!known && !tags_fit(block, count, want))
        return fail(err, YODA_NOT_COLUMNAR, "a column holds values of several types");
    if (want == VT_NULL) {
        chunk_read_null(want, count, out);
        return YODA_OK;
    }
    if (classes & CLASS_NULL)
        TRY(tag_bits(block, count, YODA_NULL, arena, &out->nulls, err));
    if (want == VT_NUM && classes & CLASS_REAL)
        TRY(tag_bits(block, count, YODA_REAL, arena, &out->reals, err));
    out->data = block->payload;
    if (want == VT_TEXT || want == VT_BLOB)
        TRY(read_text(block, count, arena, out, err));
    return YODA_OK;
}

static yoda_status value_of(const struct chunk *chunk, uint32_t row, struct arena *arena,
                            struct value *out, yoda_error *err)
{
    YODA_UNUSED(arena);
    YODA_UNUSED(err);
    const struct raw_block *block = chunk_raw_block(chunk, row / VECTOR_ROWS);
    uint32_t at = row % VECTOR_ROWS;
    out->type = block->tags[at];
    out->size = block->sizes[at];
    memcpy(&out->i, &block->payload[at], sizeof out->i);
    return YODA_OK;
}

const struct encoding_ops encoding_raw_ops = {
    .encoding = ENC_RAW,
    .name = "raw",
    .read = read,
    .value = value_of,
    .destroy = destroy,
};
