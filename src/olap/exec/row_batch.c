/*
 * row_batch.c -- kept rows as a result batch: fixed-width columns are copied as they lie, texts get
 * their offsets. A NUM column is INTEGER or REAL where one class occurs in the batch, else MIXED.
 */
#include "olap/exec/row_batch.h"

#include <string.h>

struct tag_counts {
    uint32_t nulls, reals;
};

static struct tag_counts count_tags(const uint8_t *tags, uint32_t rows)
{
    struct tag_counts counts = {0, 0};
    for (uint32_t i = 0; i < rows; i++) {
        counts.nulls += tags[i] == ROW_NULL;
        counts.reals += tags[i] == ROW_REAL;
    }
    return counts;
}

static yoda_status make_validity(struct batch_column *out, const uint8_t *tags, uint32_t rows,
                                 struct mem_budget *budget, yoda_error *err)
{
    if (out->null_count == 0)
        return YODA_OK;
    size_t size = BITMAP_WORDS(rows) * sizeof(uint64_t);
    TRY(buffer_create(size, budget, &out->validity, err));
    uint64_t *bits = (uint64_t *)(void *)out->validity->data;
    memset(bits, 0, size);
    for (uint32_t i = 0; i < rows; i++)
        if (tags[i] != ROW_NULL)
            bit_set(bits, i);
    return YODA_OK;
}

/* 8-byte values; a NULL's slot is zero. */
static yoda_status make_words(struct batch_column *out, const struct row_column *in, uint32_t rows,
                              struct mem_budget *budget, yoda_error *err)
{
    const uint64_t *words = (const uint64_t *)(const void *)in->data->data;
    TRY(buffer_create(rows * sizeof *words, budget, &out->data, err));
    uint64_t *to = (uint64_t *)(void *)out->data->data;
    for (uint32_t i = 0; i < rows; i++)
        to[i] = in->tags->data[i] == ROW_NULL ? 0 : words[i];
    return YODA_OK;
}

static yoda_status make_tags(struct batch_column *out, const uint8_t *tags, uint32_t rows,
                             struct mem_budget *budget, yoda_error *err)
{
    static const uint8_t types[] = {
        [ROW_VALUE] = YODA_INTEGER, [ROW_NULL] = YODA_NULL, [ROW_REAL] = YODA_REAL};
    TRY(buffer_create(rows, budget, &out->tags, err));
    for (uint32_t i = 0; i < rows; i++)
        out->tags->data[i] = types[tags[i]];
    return buffer_create(0, budget, &out->bytes, err);
}

static yoda_status make_texts(struct batch_column *out, const struct row_column *in, uint32_t rows,
                              struct mem_budget *budget, yoda_error *err)
{
    const struct strref *refs = (const struct strref *)(const void *)in->data->data;
    size_t total = 0;
    TRY(buffer_create((rows + 1) * sizeof(int32_t), budget, &out->offsets, err));
    int32_t *offsets = (int32_t *)(void *)out->offsets->data;
    for (uint32_t i = 0; i < rows; i++) {
        offsets[i] = (int32_t)total;
        total += refs[i].size;
    }
    offsets[rows] = (int32_t)total;
    ASSERT(total <= INT32_MAX);
    TRY(buffer_create(total, budget, &out->data, err));
    for (uint32_t i = 0; i < rows; i++)
        if (refs[i].size)
            memcpy(out->data->data + offsets[i], refs[i].ptr, refs[i].size);
    return YODA_OK;
}

static enum batch_kind kind_of(enum vtype type, struct tag_counts counts, uint32_t rows)
{
    if (counts.nulls == rows || type == VT_NULL)
        return BATCH_NULL;
    switch (type) {
    case VT_REAL:
        return BATCH_REAL;
    case VT_TEXT:
        return BATCH_TEXT;
    case VT_BLOB:
        return BATCH_BLOB;
    case VT_NUM:
        if (counts.reals == 0)
            return BATCH_INTEGER;
        return counts.reals + counts.nulls == rows ? BATCH_REAL : BATCH_MIXED;
    default:
        return BATCH_INTEGER;
    }
}

static yoda_status make_column(struct batch_column *out, const struct row_column *in, uint32_t rows,
                               struct mem_budget *budget, yoda_error *err)
{
    struct tag_counts counts = count_tags(in->tags->data, rows);
    out->kind = kind_of(in->type, counts, rows);
    out->null_count = counts.nulls;
    if (out->kind == BATCH_NULL)
        return YODA_OK;
    if (out->kind == BATCH_MIXED) {
        TRY(make_tags(out, in->tags->data, rows, budget, err));
        return make_words(out, in, rows, budget, err);
    }
    TRY(make_validity(out, in->tags->data, rows, budget, err));
    if (out->kind == BATCH_TEXT || out->kind == BATCH_BLOB)
        return make_texts(out, in, rows, budget, err);
    return make_words(out, in, rows, budget, err);
}

static yoda_status fill(const struct row_buffer *rows, struct mem_budget *budget,
                        struct batch *batch, yoda_error *err)
{
    for (uint32_t c = 0; c < rows->column_count; c++)
        TRY(make_column(&batch->columns[c], &rows->columns[c], rows->rows, budget, err));
    batch->rows = rows->rows;
    return YODA_OK;
}

yoda_status row_batch_make(const struct row_buffer *rows, struct mem_budget *budget,
                           struct batch **out, yoda_error *err)
{
    ASSERT(rows->rows <= BATCH_ROWS);
    TRY(batch_create(rows->column_count, out, err));
    yoda_status status = fill(rows, budget, *out, err);
    if (status == YODA_OK)
        return YODA_OK;
    batch_destroy(*out);
    *out = NULL;
    return status;
}
