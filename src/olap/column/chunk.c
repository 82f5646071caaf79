/*
 * chunk.c -- what all encodings share: life, classes, NULLs, dispatch.
 */
#include "olap/column/encoding.h"
#include "olap/kernel/kernel.h"

#include <string.h>

static const struct encoding_ops *const all_encodings[] = {
    [ENC_RAW] = &encoding_raw_ops,         [ENC_NULL] = &encoding_null_ops,
    [ENC_CONSTANT] = &encoding_constant_ops, [ENC_FOR] = &encoding_for_ops,
    [ENC_DECIMAL] = &encoding_decimal_ops, [ENC_REAL] = &encoding_real_ops,
    [ENC_NUM] = &encoding_num_ops,         [ENC_DICT] = &encoding_dict_ops,
    [ENC_ISO] = &encoding_iso_ops,         [ENC_PLAIN] = &encoding_plain_ops,
    [ENC_MIXED] = &encoding_mixed_ops,
};

const struct encoding_ops *encoding_ops_of(enum encoding encoding)
{
    return (size_t)encoding < COUNT_OF(all_encodings) ? all_encodings[encoding] : NULL;
}

const char *encoding_name(enum encoding encoding)
{
    const struct encoding_ops *ops = encoding_ops_of(encoding);
    return ops ? ops->name : "?";
}

/* ---- Classes -------------------------------------------------------------------------------- */

bool vtype_of_classes(uint32_t classes, enum vtype *out)
{
    switch (classes & CLASS_VALUES) {
    case 0:
        *out = VT_NULL;
        return true;
    case CLASS_INTEGER:
        *out = VT_INT;
        return true;
    case CLASS_REAL:
        *out = VT_REAL;
        return true;
    case CLASS_INTEGER | CLASS_REAL:
        *out = VT_NUM;
        return true;
    case CLASS_TEXT:
        *out = VT_TEXT;
        return true;
    case CLASS_BLOB:
        *out = VT_BLOB;
        return true;
    default:
        return false;
    }
}

static uint32_t classes_of_vtype(enum vtype type)
{
    static const uint32_t classes[] = {
        [VT_NULL] = 0,
        [VT_INT] = CLASS_INTEGER,
        [VT_REAL] = CLASS_REAL,
        [VT_NUM] = CLASS_INTEGER | CLASS_REAL,
        [VT_TEXT] = CLASS_TEXT,
        [VT_BLOB] = CLASS_BLOB,
    };
    return classes[type];
}

static uint32_t class_of_real(double r)
{
    uint32_t class = CLASS_REAL;
    if (r == 0 && __builtin_signbit(r))
        class |= CLASS_NEGATIVE_ZERO;
    if (__builtin_isinf(r))
        class |= CLASS_INFINITE;
    else if (r >= -0x1p63 && r < 0x1p63 && (double)(int64_t)r == r)
        class |= CLASS_INTEGRAL_REAL;
    return class;
}

uint32_t class_of_value(const struct value *v)
{
    switch (v->type) {
    case YODA_INTEGER:
        return CLASS_INTEGER;
    case YODA_REAL:
        return class_of_real(v->r);
    case YODA_TEXT:
        return CLASS_TEXT;
    case YODA_BLOB:
        return CLASS_BLOB;
    default:
        return CLASS_NULL;
    }
}

/* ---- Life ----------------------------------------------------------------------------------- */

void chunk_destroy(struct chunk *chunk)
{
    if (!chunk)
        return;
    buffer_release(chunk->bytes);
    buffer_release(chunk->dict_values);
    if (chunk->ops && chunk->ops->destroy)
        chunk->ops->destroy(chunk);
    mem_free(chunk);
}

enum encoding chunk_encoding(const struct chunk *chunk)
{
    return chunk->ops->encoding;
}

uint32_t chunk_rows(const struct chunk *chunk)
{
    return atomic_load_explicit(&chunk->rows, memory_order_relaxed);
}

uint32_t chunk_classes(const struct chunk *chunk)
{
    return atomic_load_explicit(&chunk->classes, memory_order_relaxed);
}

uint64_t chunk_bytes(const struct chunk *chunk)
{
    return atomic_load_explicit(&chunk->held_bytes, memory_order_relaxed);
}

struct zone chunk_zone(const struct chunk *chunk, uint32_t vector)
{
    if (chunk->ops->encoding == ENC_RAW)
        return (struct zone){.kind = ZONE_NONE};
    if (vector == UINT32_MAX)
        return zone_unpack(&chunk->header->zone);
    ASSERT(vector * VECTOR_ROWS < chunk_rows(chunk));
    return zone_unpack(&chunk->zones[vector]);
}

/* ---- Reading -------------------------------------------------------------------------------- */

const uint64_t *chunk_nulls(const struct chunk *chunk, uint32_t row)
{
    if (!chunk->nulls || chunk->zones[row / VECTOR_ROWS].null_count == 0)
        return NULL;
    return chunk->nulls + row / 64;
}

uint64_t *chunk_all_bits(struct arena *arena, uint32_t count)
{
    uint64_t *words = arena_alloc(arena, VECTOR_WORDS * sizeof *words);
    if (words)
        bitmap_fill(words, count);
    return words;
}

void chunk_read_null(enum vtype want, uint32_t count, struct vector *out)
{
    static const uint64_t one = 1;
    static const struct strref empty = {"", 0}; /* 16 bytes: serves as any element */
    static const int64_t zero = 0;
    *out = (struct vector){.type = want, .form = VF_CONST, .count = count};
    if (want == VT_NULL)
        return;
    out->data = want == VT_TEXT || want == VT_BLOB ? (const void *)&empty : &zero;
    out->nulls = &one;
}

struct strref *chunk_strrefs(const uint32_t *offsets, const char *text, uint32_t row,
                             const uint16_t *sel, uint32_t n, struct arena *arena)
{
    struct strref *refs = arena_alloc(arena, sizeof *refs * n + 1);
    if (!refs)
        return NULL;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t at = row + (sel ? sel[i] : i);
        refs[i] = (struct strref){text + offsets[at], offsets[at + 1] - offsets[at]};
    }
    return refs;
}

bool chunk_fits(const struct chunk *chunk, enum vtype want)
{
    return (chunk_classes(chunk) & CLASS_VALUES & ~classes_of_vtype(want)) == 0;
}

static yoda_status misfit(const struct chunk *chunk, yoda_error *err)
{
    return fail(err, YODA_NOT_COLUMNAR, "a column holds values of several types (%s)",
                chunk->ops->name);
}

yoda_status chunk_read(const struct chunk *chunk, uint32_t row, uint32_t count, enum vtype want,
                       struct arena *arena, struct vector *out, yoda_error *err)
{
    ASSERT(row % VECTOR_ROWS == 0 && count <= VECTOR_ROWS && row + count <= chunk_rows(chunk));
    *out = (struct vector){.type = want, .count = count};
    if (chunk->ops->encoding == ENC_RAW) /* rows of others may not fit: looks at the tags */
        return chunk->ops->read(chunk, row, count, want, arena, out, err);
    if (!chunk_fits(chunk, want))
        return misfit(chunk, err);
    if (count == 0 || chunk->zones[row / VECTOR_ROWS].kind == ZONE_EMPTY) {
        chunk_read_null(want, count, out);
        return YODA_OK;
    }
    return chunk->ops->read(chunk, row, count, want, arena, out, err);
}

yoda_status chunk_gather(const struct chunk *chunk, uint32_t row, const uint16_t *sel, uint32_t n,
                         enum vtype want, struct arena *arena, struct vector *out, yoda_error *err)
{
    if (n == 0)
        return chunk_read(chunk, row, 0, want, arena, out, err);
    if (chunk->ops->gather && chunk_fits(chunk, want)) {
        *out = (struct vector){.type = want, .count = n};
        TRY(chunk->ops->gather(chunk, row, sel, n, want, arena, out, err));
        const uint64_t *nulls = chunk_nulls(chunk, row);
        if (!nulls)
            return YODA_OK;
        uint64_t *picked = arena_alloc(arena, VECTOR_WORDS * sizeof *picked);
        if (!picked)
            return fail_nomem(err, VECTOR_WORDS * sizeof *picked);
        kernels()->gather_bits(nulls, sel, n, picked);
        out->nulls = picked;
        return YODA_OK;
    }
    uint32_t last = 0;
    for (uint32_t i = 0; i < n; i++)
        last = sel[i] > last ? sel[i] : last;
    struct vector all;
    TRY(chunk_read(chunk, row, last + 1, want, arena, &all, err));
    return vector_gather(&all, sel, n, arena, out, err);
}

yoda_status chunk_value(const struct chunk *chunk, uint32_t row, struct arena *arena,
                        struct value *out, yoda_error *err)
{
    ASSERT(row < chunk_rows(chunk));
    *out = value_null();
    if (chunk->nulls && bit_get(chunk->nulls, row))
        return YODA_OK;
    return chunk->ops->value(chunk, row, arena, out, err);
}
