/*
 * arrow_export.c -- results through the Arrow C Data Interface, without copying.
 *
 * Each exported array holds references to the buffers it points at, and to the core whose budget
 * they are charged to; so it may outlive result and engine, and a consumer may move children out.
 *
 * A column has one Arrow type for the whole result, the union over its batches:
 *   no value           "n"; no row at all: what the columnar plan says, "g" for any number
 *   one storage class  "l" "g" "u" "z"
 *   several, or MIXED  dense union of all five, type ids as yoda_type numbers them (1 .. 5)
 * A batch whose column is of one class is exported into a union with its own buffers as that
 * class's child (child offset = row) and its NULLs in the null child; only a MIXED batch is taken
 * apart into one packed child per class.
 */
#include "base/batch.h"
#include "base/bits.h"
#include "engine/result.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define UNION_FORMAT "+ud:1,2,3,4,5"
#define UNION_CHILDREN 5
#define BUFFERS_MAX 3

enum export_type {
    EXPORT_NULL,
    EXPORT_INTEGER,
    EXPORT_REAL,
    EXPORT_TEXT,
    EXPORT_BLOB,
    EXPORT_UNION
};

/* Without a row only the plan knows; on the row side nobody does. */
static enum export_type planned_type(const yoda_result *result, uint32_t column)
{
    static const enum export_type types[] = {
        [VT_NULL] = EXPORT_NULL, [VT_INT] = EXPORT_INTEGER, [VT_REAL] = EXPORT_REAL,
        [VT_NUM] = EXPORT_REAL,  [VT_TEXT] = EXPORT_TEXT,   [VT_BLOB] = EXPORT_BLOB,
    };
    return result->types ? types[result->types[column]] : EXPORT_NULL;
}

/* The column's type over all batches. enum batch_kind has the same first five. */
static enum export_type column_type(const yoda_result *result, uint32_t column)
{
    static_assert((int)EXPORT_BLOB == (int)BATCH_BLOB, "same order");
    enum export_type type = EXPORT_NULL;
    if (result->list.rows == 0)
        return planned_type(result, column);
    for (size_t i = 0; i < result->list.batch_count; i++) {
        enum batch_kind kind = result->list.batches[i]->columns[column].kind;
        if (kind == BATCH_MIXED)
            return EXPORT_UNION;
        if (kind == BATCH_NULL || (int)kind == (int)type)
            continue;
        if (type != EXPORT_NULL)
            return EXPORT_UNION;
        type = (enum export_type)kind;
    }
    if (type == EXPORT_NULL && result->is_part)
        return planned_type(result, column);
    return type;
}

#define T ArrowSchema
#define TN schema
#include "engine/arrow_children_tmpl.h"
#define T ArrowArray
#define TN array
#include "engine/arrow_children_tmpl.h"

/* ---- Schema ---------------------------------------------------------------------------------- */

static void release_schema(struct ArrowSchema *schema)
{
    release_children_schema(schema);
    mem_free(schema->private_data); /* the name */
    schema->release = NULL;
}

static yoda_status init_schema(struct ArrowSchema *out, const char *format, const char *name,
                               int64_t child_count, yoda_error *err)
{
    *out = (struct ArrowSchema){.format = format, .flags = ARROW_FLAG_NULLABLE};
    char *copy = mem_strdup(name);
    if (!copy)
        return fail_nomem(err, strlen(name) + 1);
    out->name = copy;
    out->private_data = copy;
    out->release = release_schema;
    return add_children_schema(out, child_count, err);
}

static yoda_status column_schema(enum export_type type, const char *name, struct ArrowSchema *out,
                                 yoda_error *err)
{
    static const char *const formats[] = {"n", "l", "g", "u", "z", UNION_FORMAT};
    static const char *const names[] = {"integer", "real", "text", "blob", "null"};
    static const char *const children[] = {"l", "g", "u", "z", "n"};
    bool is_union = type == EXPORT_UNION;
    TRY(init_schema(out, formats[type], name, is_union ? UNION_CHILDREN : 0, err));
    for (int i = 0; is_union && i < UNION_CHILDREN; i++)
        TRY(init_schema(out->children[i], children[i], names[i], 0, err));
    return YODA_OK;
}

static yoda_status result_schema(const yoda_result *result, struct ArrowSchema *out,
                                 yoda_error *err)
{
    TRY(init_schema(out, "+s", "", result->column_count, err));
    out->flags = 0;
    for (uint32_t i = 0; i < result->column_count; i++)
        TRY(column_schema(column_type(result, i), result->names[i], out->children[i], err));
    return YODA_OK;
}

yoda_status yoda_result_arrow_schema(yoda_result *result, struct ArrowSchema *out, yoda_error *err)
{
    if (!result || !out)
        return fail(err, YODA_MISUSE, "%s is NULL", result ? "out" : "result");
    yoda_status status = result_schema(result, out, err);
    if (status != YODA_OK) {
        if (out->release)
            out->release(out);
        out->release = NULL;
    }
    return status;
}

/* ---- Arrays ---------------------------------------------------------------------------------- */

struct array_private {
    struct core *core;
    const void *pointers[BUFFERS_MAX];
    struct buffer *held[BUFFERS_MAX]; /* references */
};

static void release_array(struct ArrowArray *array)
{
    struct array_private *private = array->private_data;
    release_children_array(array);
    for (int i = 0; i < BUFFERS_MAX; i++)
        buffer_release(private->held[i]);
    core_release(private->core);
    mem_free(private);
    array->release = NULL;
}

static yoda_status init_array(struct core *core, struct ArrowArray *out, uint32_t rows,
                              int64_t buffer_count, int64_t child_count, yoda_error *err)
{
    *out = (struct ArrowArray){.length = rows, .n_buffers = buffer_count};
    struct array_private *private = mem_calloc(1, sizeof *private);
    if (!private)
        return fail_nomem(err, sizeof *private);
    private->core = core_acquire(core);
    out->private_data = private;
    out->buffers = private->pointers;
    out->release = release_array;
    return add_children_array(out, child_count, err);
}

/* Point buffer i of the array at a shared buffer; takes over the reference. */
static void hold(struct ArrowArray *array, int i, struct buffer *buffer)
{
    struct array_private *private = array->private_data;
    ASSERT(i < array->n_buffers && !private->held[i]);
    private->held[i] = buffer;
    private->pointers[i] = buffer ? buffer->data : NULL;
}

static yoda_status hold_new(struct core *core, struct ArrowArray *array, int i, size_t size,
                            void *out, yoda_error *err)
{
    struct buffer *buffer = NULL;
    TRY(buffer_create(size, &core->budget, &buffer, err));
    memset(buffer->data, 0, size);
    hold(array, i, buffer);
    memcpy(out, &buffer->data, sizeof buffer->data);
    return YODA_OK;
}

static yoda_status null_array(struct core *core, struct ArrowArray *out, uint32_t rows,
                              yoda_error *err)
{
    TRY(init_array(core, out, rows, 0, 0, err));
    out->null_count = rows;
    return YODA_OK;
}

/* Rows of one class, all NULL or none there at all. */
static yoda_status blank_array(struct core *core, enum export_type type, struct ArrowArray *out,
                               uint32_t rows, yoda_error *err)
{
    bool bytes = type == EXPORT_TEXT || type == EXPORT_BLOB;
    uint8_t *ignored;
    TRY(init_array(core, out, rows, bytes ? 3 : 2, 0, err));
    out->null_count = rows;
    TRY(hold_new(core, out, 0, BITMAP_WORDS(rows) * 8, &ignored, err));
    if (!bytes)
        return hold_new(core, out, 1, (size_t)rows * 8, &ignored, err);
    TRY(hold_new(core, out, 1, ((size_t)rows + 1) * 4, &ignored, err));
    return hold_new(core, out, 2, 0, &ignored, err);
}

/* A column of one class with its own buffers. */
static yoda_status shared_array(struct core *core, const struct batch_column *column,
                                struct ArrowArray *out, uint32_t rows, yoda_error *err)
{
    bool bytes = column->kind == BATCH_TEXT || column->kind == BATCH_BLOB;
    TRY(init_array(core, out, rows, bytes ? 3 : 2, 0, err));
    out->null_count = (int64_t)column->null_count;
    hold(out, 0, column->null_count > 0 ? buffer_acquire(column->validity) : NULL);
    if (bytes)
        hold(out, 1, buffer_acquire(column->offsets));
    hold(out, bytes ? 2 : 1, buffer_acquire(column->data));
    return YODA_OK;
}

/* ---- Unions ---------------------------------------------------------------------------------- */

/* Child of a yoda_type: its number less one. */
static int child_of(uint8_t type)
{
    ASSERT(type >= YODA_INTEGER && type <= YODA_NULL);
    return type - YODA_INTEGER;
}

static yoda_status blank_child(struct core *core, int child, struct ArrowArray *out,
                               yoda_error *err)
{
    if (child == child_of(YODA_NULL))
        return null_array(core, out, 0, err);
    return blank_array(core, (enum export_type)(child + 1), out, 0, err);
}

/* A batch of one class in a union column: the child is the column itself. */
static yoda_status wrap_in_union(struct core *core, const struct batch *batch, uint32_t index,
                                 struct ArrowArray *out, yoda_error *err)
{
    const struct batch_column *column = &batch->columns[index];
    int own = column->kind == BATCH_NULL ? -1 : (int)column->kind - 1;
    uint32_t nulls = 0;
    uint8_t *types;
    int32_t *offsets;
    TRY(init_array(core, out, batch->rows, 2, UNION_CHILDREN, err));
    TRY(hold_new(core, out, 0, batch->rows, &types, err));
    TRY(hold_new(core, out, 1, (size_t)batch->rows * 4, &offsets, err));
    for (uint32_t row = 0; row < batch->rows; row++) {
        bool null = batch_value(batch, index, row).type == YODA_NULL;
        types[row] = null ? YODA_NULL : (uint8_t)(own + 1);
        offsets[row] = null ? (int32_t)nulls++ : (int32_t)row;
    }
    for (int child = 0; child < UNION_CHILDREN; child++) {
        struct ArrowArray *to = out->children[child];
        if (child == own)
            TRY(shared_array(core, column, to, batch->rows, err));
        else if (child == child_of(YODA_NULL))
            TRY(null_array(core, to, nulls, err));
        else
            TRY(blank_child(core, child, to, err));
    }
    return YODA_OK;
}

/* What each class needs of a MIXED batch. */
struct mixed_sizes {
    uint32_t rows[UNION_CHILDREN];
    size_t bytes[UNION_CHILDREN];
};

static yoda_status packed_numbers(struct core *core, const struct batch *batch, uint32_t index,
                                  int child, uint32_t count, struct ArrowArray *out,
                                  yoda_error *err)
{
    int64_t *values;
    uint32_t at = 0;
    TRY(init_array(core, out, count, 2, 0, err));
    TRY(hold_new(core, out, 1, (size_t)count * 8, &values, err));
    for (uint32_t row = 0; row < batch->rows; row++) {
        struct value v = batch_value(batch, index, row);
        if (child_of(v.type) == child)
            memcpy(&values[at++], &v.i, sizeof v.i); /* an int64 or a double's bits */
    }
    ASSERT(at == count);
    return YODA_OK;
}

static yoda_status packed_bytes(struct core *core, const struct batch *batch, uint32_t index,
                                int child, const struct mixed_sizes *sizes, struct ArrowArray *out,
                                yoda_error *err)
{
    int32_t *offsets;
    uint8_t *bytes;
    uint32_t count = sizes->rows[child], at = 0;
    size_t used = 0;
    if (sizes->bytes[child] > INT32_MAX)
        return fail(err, YODA_TOO_BIG, "a batch holds more than 2 GB of text in column %u", index);
    TRY(init_array(core, out, count, 3, 0, err));
    TRY(hold_new(core, out, 1, ((size_t)count + 1) * 4, &offsets, err));
    TRY(hold_new(core, out, 2, sizes->bytes[child], &bytes, err));
    for (uint32_t row = 0; row < batch->rows; row++) {
        struct value v = batch_value(batch, index, row);
        if (child_of(v.type) != child)
            continue;
        if (v.size > 0)
            memcpy(bytes + used, v.p, v.size);
        used += v.size;
        offsets[++at] = (int32_t)used;
    }
    ASSERT(at == count && used == sizes->bytes[child]);
    return YODA_OK;
}

static yoda_status split_mixed(struct core *core, const struct batch *batch, uint32_t index,
                               struct ArrowArray *out, yoda_error *err)
{
    struct mixed_sizes sizes = {0};
    int32_t *offsets;
    TRY(init_array(core, out, batch->rows, 2, UNION_CHILDREN, err));
    hold(out, 0, buffer_acquire(batch->columns[index].tags));
    TRY(hold_new(core, out, 1, (size_t)batch->rows * 4, &offsets, err));
    for (uint32_t row = 0; row < batch->rows; row++) {
        struct value v = batch_value(batch, index, row);
        int child = child_of(v.type);
        offsets[row] = (int32_t)sizes.rows[child]++;
        sizes.bytes[child] += v.type == YODA_TEXT || v.type == YODA_BLOB ? v.size : 0;
    }
    for (int child = 0; child < UNION_CHILDREN; child++) {
        struct ArrowArray *to = out->children[child];
        if (child == child_of(YODA_NULL))
            TRY(null_array(core, to, sizes.rows[child], err));
        else if (child == child_of(YODA_TEXT) || child == child_of(YODA_BLOB))
            TRY(packed_bytes(core, batch, index, child, &sizes, to, err));
        else
            TRY(packed_numbers(core, batch, index, child, sizes.rows[child], to, err));
    }
    return YODA_OK;
}

/* ---- Batches --------------------------------------------------------------------------------- */

static yoda_status export_column(struct core *core, enum export_type type,
                                 const struct batch *batch, uint32_t index, struct ArrowArray *out,
                                 yoda_error *err)
{
    const struct batch_column *column = &batch->columns[index];
    if (type == EXPORT_NULL)
        return null_array(core, out, batch->rows, err);
    if (type == EXPORT_UNION)
        return column->kind == BATCH_MIXED ? split_mixed(core, batch, index, out, err)
                                           : wrap_in_union(core, batch, index, out, err);
    if (column->kind == BATCH_NULL)
        return blank_array(core, type, out, batch->rows, err);
    return shared_array(core, column, out, batch->rows, err);
}

static yoda_status export_batch(yoda_result *result, const struct batch *batch,
                                struct ArrowArray *out, yoda_error *err)
{
    TRY(init_array(result->core, out, batch->rows, 1, result->column_count, err));
    for (uint32_t i = 0; i < result->column_count; i++)
        TRY(export_column(result->core, column_type(result, i), batch, i, out->children[i], err));
    return YODA_OK;
}

yoda_status yoda_result_arrow_next(yoda_result *result, struct ArrowArray *out, yoda_error *err)
{
    if (!result || !out)
        return fail(err, YODA_MISUSE, "%s is NULL", result ? "out" : "result");
    *out = (struct ArrowArray){0};
    if (result->arrow_batch >= result->list.batch_count)
        return YODA_OK;
    yoda_status status = export_batch(result, result->list.batches[result->arrow_batch], out, err);
    if (status == YODA_OK) {
        result->arrow_batch++;
        return YODA_OK;
    }
    if (out->release)
        out->release(out);
    out->release = NULL;
    return status;
}

/* ---- Stream ---------------------------------------------------------------------------------- */

struct stream_private {
    yoda_result *result;
    yoda_error err;
};

static int errno_of(yoda_status status)
{
    return status == YODA_OK ? 0 : status == YODA_NOMEM ? ENOMEM : EINVAL;
}

static int stream_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    struct stream_private *private = stream->private_data;
    return errno_of(yoda_result_arrow_schema(private->result, out, &private->err));
}

static int stream_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    struct stream_private *private = stream->private_data;
    return errno_of(yoda_result_arrow_next(private->result, out, &private->err));
}

static const char *stream_error(struct ArrowArrayStream *stream)
{
    struct stream_private *private = stream->private_data;
    return private->err.code == YODA_OK ? NULL : private->err.message;
}

static void release_stream(struct ArrowArrayStream *stream)
{
    struct stream_private *private = stream->private_data;
    yoda_result_close(private->result);
    mem_free(private);
    stream->release = NULL;
}

yoda_status yoda_result_arrow_stream(yoda_result *result, struct ArrowArrayStream *out,
                                     yoda_error *err)
{
    if (!result || !out)
        return fail(err, YODA_MISUSE, "%s is NULL", result ? "out" : "result");
    *out = (struct ArrowArrayStream){0};
    struct stream_private *private = mem_calloc(1, sizeof *private);
    if (!private)
        return fail_nomem(err, sizeof *private);
    private->result = result;
    *out = (struct ArrowArrayStream){.get_schema = stream_schema,
                                     .get_next = stream_next,
                                     .get_last_error = stream_error,
                                     .release = release_stream,
                                     .private_data = private};
    return YODA_OK;
}
