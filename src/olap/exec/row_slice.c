/* row_slice.c -- see row_slice.h. */
#include "olap/exec/row_slice.h"

#include "olap/exec/pipeline.h"

/* The rows that carry a tag, as bits; *any tells whether some do. */
static void tagged(const uint8_t *tags, uint32_t rows, uint8_t tag, uint64_t *bits, bool *any)
{
    uint64_t all = 0;
    for (uint32_t w = 0; w < BITMAP_WORDS(rows); w++) {
        uint32_t n = rows - w * 64 < 64 ? rows - w * 64 : 64;
        uint64_t word = 0;
        for (uint32_t i = 0; i < n; i++)
            word |= (uint64_t)(tags[w * 64 + i] == tag) << i;
        bits[w] = word;
        all |= word;
    }
    *any = all != 0;
}

yoda_status row_slice_values(enum vtype type, const void *data, const uint8_t *tags, uint32_t rows,
                             struct arena *arena, struct vector *out, yoda_error *err)
{
    bool any_null, any_real;
    *out = (struct vector){.type = type, .form = VF_FLAT, .count = rows};
    if (type == VT_NULL)
        return YODA_OK;
    uint64_t *nulls = arena_alloc(arena, (BITMAP_WORDS(rows) + 1) * sizeof *nulls);
    uint64_t *reals = arena_alloc(arena, (BITMAP_WORDS(rows) + 1) * sizeof *reals);
    if (!nulls || !reals)
        return run_nomem(err, "reading kept rows");
    out->data = data;
    tagged(tags, rows, ROW_NULL, nulls, &any_null);
    out->nulls = any_null ? nulls : NULL;
    if (type == VT_NUM) {
        tagged(tags, rows, ROW_REAL, reals, &any_real);
        out->reals = any_real ? reals : NULL;
    }
    return YODA_OK;
}

yoda_status row_slice(const struct row_buffer *b, uint32_t column, uint32_t first, uint32_t rows,
                      struct arena *arena, struct vector *out, yoda_error *err)
{
    const struct row_column *c = &b->columns[column];
    bool text = c->type == VT_TEXT || c->type == VT_BLOB;
    size_t size = text ? sizeof(struct strref) : sizeof(uint64_t);
    ASSERT(c->kept && rows > 0 && first + rows <= b->rows);
    if (c->type == VT_NULL)
        return row_slice_values(VT_NULL, NULL, NULL, rows, arena, out, err);
    return row_slice_values(c->type, c->data->data + first * size, c->tags->data + first, rows,
                            arena, out, err);
}
