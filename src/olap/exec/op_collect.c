/*
 * op_collect.c -- the last sink: rows become batches.
 *
 * Each worker keeps rows in a row buffer and turns it into a batch whenever BATCH_ROWS are there
 * (or many bytes of text): fixed-width columns are copied as they lie, texts get their offsets. A
 * NUM column is INTEGER or REAL where one class occurs in the batch, else MIXED. An ordered source
 * has one morsel, so its rows are all on one worker, in order.
 */
#include "olap/exec/pipeline.h"
#include "olap/exec/row_buffer.h"

#include <string.h>

#define FLUSH_BYTES (UINT64_C(64) << 20)

struct collect_local {
    struct row_buffer rows;
    struct batch_list list;
};

struct collect {
    struct op op; /* must be first */
    const enum vtype *types;
    uint32_t columns;
    struct batch_list *out;
    struct collect_local **locals; /* [workers] */
};

/* ---- One column of a batch ---- */

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

/* ---- Batches ---- */

/* Texts too long for one batch's offsets: row by row, the list starts batches as it must. */
static yoda_status flush_by_row(struct collect_local *local, yoda_error *err)
{
    const struct row_buffer *rows = &local->rows;
    struct value *row = mem_calloc(rows->column_count + 1, sizeof *row);
    if (!row)
        return fail_nomem(err, rows->column_count * sizeof *row);
    yoda_status status = YODA_OK;
    for (uint32_t i = 0; status == YODA_OK && i < rows->rows; i++) {
        for (uint32_t c = 0; c < rows->column_count; c++)
            row[c] = row_buffer_value(rows, c, i);
        status = batch_list_append(&local->list, row, err);
    }
    mem_free(row);
    return status;
}

static yoda_status fill_batch(struct collect_local *local, struct batch *batch, yoda_error *err)
{
    for (uint32_t c = 0; c < local->rows.column_count; c++)
        TRY(make_column(&batch->columns[c], &local->rows.columns[c], local->rows.rows,
                        local->list.budget, err));
    batch->rows = local->rows.rows;
    return batch_list_push(&local->list, batch, err);
}

static yoda_status flush(struct collect_local *local, yoda_error *err)
{
    if (local->rows.rows == 0)
        return YODA_OK;
    if (local->rows.byte_count > INT32_MAX) {
        TRY(flush_by_row(local, err));
    } else {
        struct batch *batch;
        TRY(batch_create(local->rows.column_count, &batch, err));
        yoda_status status = fill_batch(local, batch, err);
        if (status != YODA_OK) {
            batch_destroy(batch);
            return status;
        }
    }
    row_buffer_clear(&local->rows);
    return YODA_OK;
}

static yoda_status local_create(struct collect *collect, struct collect_local **out,
                                yoda_error *err)
{
    struct collect_local *local = mem_calloc(1, sizeof *local);
    if (!local)
        return fail_nomem(err, sizeof *local);
    *out = local;
    batch_list_init(&local->list, collect->columns, collect->out->budget);
    return row_buffer_init(&local->rows, collect->types, collect->columns, NULL,
                           collect->op.run->context->budget, err);
}

static yoda_status collect_push(struct op *op, struct worker *worker, const struct row_set *in,
                                yoda_error *err)
{
    struct collect *collect = (struct collect *)op;
    struct collect_local **local = &collect->locals[worker->index];
    if (!*local)
        TRY(local_create(collect, local, err));
    struct row_buffer *rows = &(*local)->rows;
    if (rows->rows + in->rows > BATCH_ROWS || rows->byte_count > FLUSH_BYTES)
        TRY(flush(*local, err));
    return row_buffer_append(rows, in, &worker->scratch, err);
}

static yoda_status collect_finish(struct op *op, struct source **out, yoda_error *err)
{
    struct collect *collect = (struct collect *)op;
    *out = NULL;
    for (uint32_t w = 0; w < op->run->workers; w++) {
        if (!collect->locals[w])
            continue;
        TRY(flush(collect->locals[w], err));
        TRY(batch_list_splice(collect->out, &collect->locals[w]->list, err));
    }
    return YODA_OK;
}

static void collect_destroy(struct op *op)
{
    struct collect *collect = (struct collect *)op;
    for (uint32_t w = 0; collect->locals && w < op->run->workers; w++) {
        struct collect_local *local = collect->locals[w];
        if (!local)
            continue;
        row_buffer_deinit(&local->rows);
        batch_list_deinit(&local->list);
        mem_free(local);
    }
}

static const struct op_type collect_type = {
    .push = collect_push, .finish = collect_finish, .destroy = collect_destroy};

yoda_status collect_op(struct run *run, const struct plan *plan, uint32_t columns,
                       struct batch_list *list, struct op **out, yoda_error *err)
{
    struct collect *collect = run_new_op(run, sizeof *collect, &collect_type, NULL);
    if (!collect)
        return run_nomem(err, "planning");
    *out = &collect->op;
    collect->types = plan->types;
    collect->columns = columns;
    collect->out = list;
    collect->locals = arena_array(&run->arena, struct collect_local *, run->workers);
    return collect->locals ? YODA_OK : run_nomem(err, "planning");
}
