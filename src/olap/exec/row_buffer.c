/* row_buffer.c -- see row_buffer.h. */
#include "olap/exec/row_buffer.h"

#include "olap/exec/flat_vector.h"
#include "olap/exec/pipeline.h"

#include <string.h>

static bool is_text(enum vtype type)
{
    return type == VT_TEXT || type == VT_BLOB;
}

static size_t element_size(enum vtype type)
{
    return is_text(type) ? sizeof(struct strref) : sizeof(uint64_t);
}

yoda_status row_buffer_init(struct row_buffer *b, const enum vtype *types, uint32_t column_count,
                            const uint64_t *kept, struct mem_budget *budget, yoda_error *err)
{
    *b = (struct row_buffer){.column_count = column_count, .budget = budget};
    arena_init(&b->bytes, budget);
    b->columns = mem_calloc(column_count + 1, sizeof *b->columns);
    if (!b->columns)
        return fail_nomem(err, column_count * sizeof *b->columns);
    for (uint32_t i = 0; i < column_count; i++) {
        struct row_column *column = &b->columns[i];
        column->type = types[i];
        column->kept = !kept || bit_get(kept, i);
        if (!column->kept)
            continue;
        TRY(buffer_create(0, budget, &column->data, err));
        TRY(buffer_create(0, budget, &column->tags, err));
    }
    return YODA_OK;
}

void row_buffer_deinit(struct row_buffer *b)
{
    for (uint32_t i = 0; b->columns && i < b->column_count; i++) {
        buffer_release(b->columns[i].data);
        buffer_release(b->columns[i].tags);
    }
    mem_free(b->columns);
    arena_deinit(&b->bytes);
    *b = (struct row_buffer){0};
}

uint64_t row_buffer_bytes(const struct row_buffer *b)
{
    uint64_t bytes = b->bytes.charged_bytes;
    for (uint32_t i = 0; i < b->column_count; i++)
        if (b->columns[i].kept)
            bytes += b->columns[i].data->capacity + b->columns[i].tags->capacity;
    return bytes;
}

void row_buffer_clear(struct row_buffer *b)
{
    b->rows = 0;
    b->byte_count = 0;
    arena_reset(&b->bytes);
}

static void write_tags(const struct vector *flat, uint8_t *tags)
{
    memset(tags, ROW_VALUE, flat->count);
    for (uint32_t i = 0; flat->reals && i < flat->count; i++)
        if (bit_get(flat->reals, i))
            tags[i] = ROW_REAL;
    for (uint32_t i = 0; flat->nulls && i < flat->count; i++)
        if (bit_get(flat->nulls, i))
            tags[i] = ROW_NULL;
}

/* Copy the texts of rows that are not NULL into the arena: one block for the batch. */
static yoda_status copy_texts(struct row_buffer *b, const struct vector *flat, struct strref *out,
                              yoda_error *err)
{
    const struct strref *in = flat->data;
    size_t total = 0;
    for (uint32_t i = 0; i < flat->count; i++)
        total += vector_is_null(flat, i) ? 0 : in[i].size;
    char *at = arena_alloc(&b->bytes, total);
    if (!at)
        return run_nomem(err, "keeping rows");
    b->byte_count += total;
    for (uint32_t i = 0; i < flat->count; i++) {
        uint32_t size = vector_is_null(flat, i) ? 0 : in[i].size;
        if (size)
            memcpy(at, in[i].ptr, size);
        out[i] = (struct strref){at, size};
        at += size;
    }
    return YODA_OK;
}

static yoda_status append_column(struct row_buffer *b, struct row_column *column,
                                 const struct vector *in, struct arena *scratch, yoda_error *err)
{
    struct vector flat;
    size_t size = element_size(column->type), rows = (size_t)b->rows + in->count;
    if (column->type == VT_NULL) {
        if (in->type != VT_NULL && in->count)
            return fail(err, YODA_NOT_COLUMNAR, "a value where only NULLs were planned");
        TRY(buffer_reserve(column->tags, rows, err));
        column->tags->size = rows;
        memset(column->tags->data + b->rows, ROW_NULL, in->count);
        return YODA_OK;
    }
    TRY(flat_vector_as(in, column->type, scratch, &flat, err));
    TRY(buffer_reserve(column->data, rows * size, err));
    TRY(buffer_reserve(column->tags, rows, err));
    column->data->size = rows * size; /* what a later growth copies */
    column->tags->size = rows;
    write_tags(&flat, column->tags->data + b->rows);
    uint8_t *to = column->data->data + b->rows * size;
    if (is_text(column->type))
        return copy_texts(b, &flat, (struct strref *)(void *)to, err);
    memcpy(to, flat.data, flat.count * size);
    return YODA_OK;
}

yoda_status row_buffer_append(struct row_buffer *b, const struct row_set *in,
                              struct arena *scratch, yoda_error *err)
{
    ASSERT(in->column_count >= b->column_count);
    if (in->rows > UINT32_MAX - b->rows)
        return fail(err, YODA_TOO_BIG, "more than 2^32 rows to keep on one thread");
    for (uint32_t i = 0; i < b->column_count; i++)
        if (b->columns[i].kept)
            TRY(append_column(b, &b->columns[i], &in->columns[i], scratch, err));
    b->rows += in->rows;
    return YODA_OK;
}

struct value row_buffer_value(const struct row_buffer *b, uint32_t column, uint32_t row)
{
    const struct row_column *c = &b->columns[column];
    ASSERT(c->kept && row < b->rows);
    const void *data = c->data->data;
    uint8_t tag = c->tags->data[row];
    if (tag == ROW_NULL)
        return value_null();
    if (is_text(c->type)) {
        struct strref ref = ((const struct strref *)data)[row];
        return c->type == VT_TEXT ? value_text(ref.ptr, ref.size) : value_blob(ref.ptr, ref.size);
    }
    if (tag == ROW_REAL || c->type == VT_REAL)
        return value_real(((const double *)data)[row]);
    return value_int(((const int64_t *)data)[row]);
}

/* The rows with a tag, as bits; are there some? */
static bool gather_tags(const struct row_ref *refs, uint32_t rows, uint32_t column,
                        enum row_tag tag, uint64_t *bits)
{
    uint64_t any = 0;
    for (uint32_t i = 0; i < rows; i++) {
        const uint8_t *tags = refs[i].buffer->columns[column].tags->data;
        uint64_t bit = tags[refs[i].row] == (uint8_t)tag;
        bits[i / 64] |= bit << (i % 64);
        any |= bit;
    }
    return any != 0;
}

static void gather_words(const struct row_ref *refs, uint32_t rows, uint32_t column, uint64_t *out)
{
    for (uint32_t i = 0; i < rows; i++) {
        const void *data = refs[i].buffer->columns[column].data->data;
        out[i] = ((const uint64_t *)data)[refs[i].row];
    }
}

static void gather_texts(const struct row_ref *refs, uint32_t rows, uint32_t column,
                         struct strref *out)
{
    for (uint32_t i = 0; i < rows; i++) {
        const void *data = refs[i].buffer->columns[column].data->data;
        out[i] = ((const struct strref *)data)[refs[i].row];
    }
}

static yoda_status gather_column(const struct row_ref *refs, uint32_t rows, uint32_t column,
                                 struct arena *arena, struct vector *out, yoda_error *err)
{
    enum vtype type = refs[0].buffer->columns[column].type;
    *out = (struct vector){.type = type, .form = VF_FLAT, .count = rows};
    if (type == VT_NULL)
        return YODA_OK;
    void *data = arena_calloc(arena, rows + (size_t)8, element_size(type));
    uint64_t *nulls = arena_array(arena, uint64_t, BITMAP_WORDS(rows) + 1);
    uint64_t *reals = arena_array(arena, uint64_t, BITMAP_WORDS(rows) + 1);
    if (!data || !nulls || !reals)
        return run_nomem(err, "reading kept rows");
    if (is_text(type))
        gather_texts(refs, rows, column, data);
    else
        gather_words(refs, rows, column, data);
    out->data = data;
    if (gather_tags(refs, rows, column, ROW_NULL, nulls))
        out->nulls = nulls;
    if (type == VT_NUM && gather_tags(refs, rows, column, ROW_REAL, reals))
        out->reals = reals;
    return YODA_OK;
}

yoda_status row_buffer_gather(const struct row_ref *refs, uint32_t rows, struct arena *arena,
                              struct row_set *out, yoda_error *err)
{
    ASSERT(rows > 0);
    const struct row_buffer *shape = refs[0].buffer;
    struct vector *columns = row_set_columns(arena, shape->column_count, rows);
    if (!columns)
        return run_nomem(err, "reading kept rows");
    for (uint32_t i = 0; i < shape->column_count; i++)
        if (shape->columns[i].kept)
            TRY(gather_column(refs, rows, i, arena, &columns[i], err));
    *out = (struct row_set){rows, shape->column_count, columns, NULL};
    return YODA_OK;
}
