/*
 * batch.c -- building batches value by value, and reading them.
 *
 * Append fills list->open, the last batch, and keeps every buffer's size in step with the rows, so
 * a reader never sees a half-made column. A row is appended in two steps: `prepare` for every
 * column (change the kind, make room; may fail) and then `put` for every column (cannot fail). A
 * row that fails leaves the batch with the rows it had.
 *
 * A column's kind moves one way:  NULL -> INTEGER | REAL | TEXT | BLOB -> MIXED.
 * In a typed column a NULL has a zero in data (an empty range in offsets) and a clear validity bit;
 * the bitmap appears with the first NULL.
 *
 * Offsets are 32 bits, so a batch ends early when the bytes of one column would pass 1 GB. A single
 * larger value gets a batch of its own, up to 2 GB.
 */
#include "base/batch.h"

#include "base/bits.h"

#include <string.h>

#define TEXT_BYTES_MAX ((size_t)1 << 30)
#define FIRST_ROWS 16u /* room made when a buffer appears: many results have one row */

static int64_t *words_of(const struct buffer *buffer)
{
    return (int64_t *)(void *)buffer->data;
}

static int32_t *offsets_of(const struct buffer *buffer)
{
    return (int32_t *)(void *)buffer->data;
}

static uint64_t *bits_of(const struct buffer *buffer)
{
    return (uint64_t *)(void *)buffer->data;
}

static bool is_bytes(uint8_t type)
{
    return type == YODA_TEXT || type == YODA_BLOB;
}

static enum batch_kind kind_of_type(uint8_t type)
{
    static const uint8_t kinds[] = {[YODA_INTEGER] = BATCH_INTEGER,
                                    [YODA_REAL] = BATCH_REAL,
                                    [YODA_TEXT] = BATCH_TEXT,
                                    [YODA_BLOB] = BATCH_BLOB,
                                    [YODA_NULL] = BATCH_NULL};
    ASSERT(type >= YODA_INTEGER && type <= YODA_NULL);
    return (enum batch_kind)kinds[type];
}

static uint8_t type_of_kind(enum batch_kind kind)
{
    static const uint8_t types[] = {[BATCH_NULL] = YODA_NULL,
                                    [BATCH_INTEGER] = YODA_INTEGER,
                                    [BATCH_REAL] = YODA_REAL,
                                    [BATCH_TEXT] = YODA_TEXT,
                                    [BATCH_BLOB] = YODA_BLOB};
    ASSERT(kind < BATCH_MIXED);
    return types[kind];
}

/* ---- Lists and batches ---- */

void batch_list_init(struct batch_list *list, uint32_t column_count, struct mem_budget *budget)
{
    *list = (struct batch_list){.column_count = column_count, .budget = budget};
}

static void column_release(struct batch_column *column)
{
    buffer_release(column->validity);
    buffer_release(column->data);
    buffer_release(column->offsets);
    buffer_release(column->tags);
    buffer_release(column->bytes);
}

void batch_destroy(struct batch *batch)
{
    if (!batch)
        return;
    for (uint32_t i = 0; i < batch->column_count; i++)
        column_release(&batch->columns[i]);
    mem_free(batch);
}

void batch_list_deinit(struct batch_list *list)
{
    for (size_t i = 0; i < list->batch_count; i++)
        batch_destroy(list->batches[i]);
    mem_free(list->batches);
    batch_list_init(list, list->column_count, list->budget);
}

yoda_status batch_create(uint32_t column_count, struct batch **out, yoda_error *err)
{
    *out = NULL;
    size_t size = sizeof(struct batch) + column_count * sizeof(struct batch_column);
    struct batch *batch = mem_calloc(1, size);
    if (!batch)
        return fail_nomem(err, size);
    batch->column_count = column_count;
    batch->columns = (struct batch_column *)(batch + 1);
    *out = batch;
    return YODA_OK;
}

/* Make room for `more` pointers in the list. */
static yoda_status list_reserve(struct batch_list *list, size_t more, yoda_error *err)
{
    if (more <= list->batch_capacity - list->batch_count)
        return YODA_OK;
    size_t wanted = list->batch_count + more, doubled = list->batch_capacity * 2;
    size_t capacity = wanted > doubled ? wanted : doubled;
    struct batch **batches = mem_realloc(list->batches, capacity * sizeof *batches);
    if (!batches)
        return fail_nomem(err, capacity * sizeof *batches);
    list->batches = batches;
    list->batch_capacity = capacity;
    return YODA_OK;
}

yoda_status batch_list_push(struct batch_list *list, struct batch *batch, yoda_error *err)
{
    ASSERT(batch->column_count == list->column_count);
    ASSERT(batch->rows <= BATCH_ROWS);
    TRY(list_reserve(list, 1, err));
    list->batches[list->batch_count++] = batch;
    list->rows += batch->rows;
    list->open = NULL;
    return YODA_OK;
}

yoda_status batch_list_splice(struct batch_list *list, struct batch_list *from, yoda_error *err)
{
    ASSERT(list != from && list->column_count == from->column_count);
    if (from->batch_count == 0)
        return YODA_OK;
    TRY(list_reserve(list, from->batch_count, err));
    memcpy(list->batches + list->batch_count, from->batches,
           from->batch_count * sizeof *list->batches);
    list->batch_count += from->batch_count;
    list->rows += from->rows;
    list->open = NULL;
    from->batch_count = 0;
    from->rows = 0;
    from->open = NULL;
    return YODA_OK;
}

/* ---- Appending: prepare ---- */

/* Have room for bytes in *buffer; an absent one is created empty, or of zeros up to zeros bytes. */
static yoda_status have_room(struct buffer **buffer, size_t zeros, size_t bytes,
                             struct mem_budget *budget, yoda_error *err)
{
    if (*buffer)
        return buffer_reserve(*buffer, bytes, err);
    TRY(buffer_create(bytes, budget, buffer, err));
    ASSERT(zeros <= bytes);
    memset((*buffer)->data, 0, zeros);
    (*buffer)->size = zeros;
    return YODA_OK;
}

static size_t room_rows(uint32_t rows)
{
    return rows + 1 > FIRST_ROWS ? rows + 1 : FIRST_ROWS;
}

/* The bitmap of a column that had no NULL so far. */
static yoda_status validity_add(struct batch_column *column, uint32_t rows, bool valid,
                                struct mem_budget *budget, yoda_error *err)
{
    size_t words = BITMAP_WORDS(room_rows(rows));
    TRY(buffer_create(words * sizeof(uint64_t), budget, &column->validity, err));
    column->validity->size = BITMAP_WORDS(rows) * sizeof(uint64_t);
    memset(column->validity->data, 0, column->validity->size);
    if (valid)
        bitmap_fill(bits_of(column->validity), rows);
    return YODA_OK;
}

/* NULL -> typed: every row so far is NULL. Assigned at the end, so a failure changes nothing. */
static yoda_status column_type(struct batch_column *column, uint32_t rows, enum batch_kind kind,
                               struct mem_budget *budget, yoda_error *err)
{
    struct batch_column typed = {.kind = kind, .null_count = column->null_count};
    bool bytes = kind == BATCH_TEXT || kind == BATCH_BLOB;
    size_t n = room_rows(rows);
    yoda_status status = YODA_OK;
    ASSERT(column->null_count == rows && !column->data);
    if (rows > 0)
        status = validity_add(&typed, rows, false, budget, err);
    if (status == YODA_OK && bytes)
        status = have_room(&typed.offsets, (rows + 1) * sizeof(int32_t), (n + 1) * sizeof(int32_t),
                           budget, err);
    if (status == YODA_OK)
        status = have_room(&typed.data, bytes ? 0 : rows * sizeof(int64_t), n * sizeof(int64_t),
                           budget, err);
    if (status == YODA_OK)
        *column = typed;
    else
        column_release(&typed);
    return status;
}

/* The words of a MIXED column out of the offsets of a TEXT or BLOB column. */
static yoda_status words_from_offsets(const struct batch_column *column, uint32_t rows,
                                      struct buffer **out, struct mem_budget *budget,
                                      yoda_error *err)
{
    TRY(buffer_create(room_rows(rows) * sizeof(uint64_t), budget, out, err));
    (*out)->size = rows * sizeof(uint64_t);
    const int32_t *offsets = offsets_of(column->offsets);
    uint64_t *words = bits_of(*out);
    for (uint32_t i = 0; i < rows; i++)
        words[i] = (uint64_t)offsets[i] << 32 | (uint32_t)(offsets[i + 1] - offsets[i]);
    return YODA_OK;
}

/* Typed -> MIXED: the type moves into tags; numbers keep their words, bytes keep their buffer. */
static yoda_status column_mix(struct batch_column *column, uint32_t rows, struct mem_budget *budget,
                              yoda_error *err)
{
    struct buffer *tags = NULL, *words = NULL;
    bool bytes = column->offsets != NULL;
    TRY(buffer_create(room_rows(rows), budget, &tags, err));
    tags->size = rows;
    memset(tags->data, type_of_kind(column->kind), rows);
    for (uint32_t i = 0; column->validity && i < rows; i++)
        if (!bit_get(bits_of(column->validity), i))
            tags->data[i] = YODA_NULL;
    yoda_status status = bytes ? words_from_offsets(column, rows, &words, budget, err) : YODA_OK;
    if (status != YODA_OK) {
        buffer_release(tags);
        return status;
    }
    if (bytes) {
        column->bytes = column->data;
        column->data = words;
    }
    buffer_release(column->validity);
    buffer_release(column->offsets);
    column->validity = column->offsets = NULL;
    column->tags = tags;
    column->kind = BATCH_MIXED;
    return YODA_OK;
}

static yoda_status prepare_mixed(struct batch_column *column, uint32_t rows,
                                 const struct value *value, struct mem_budget *budget,
                                 yoda_error *err)
{
    TRY(buffer_reserve(column->tags, (size_t)rows + 1, err));
    TRY(buffer_reserve(column->data, ((size_t)rows + 1) * sizeof(uint64_t), err));
    if (!is_bytes(value->type))
        return YODA_OK;
    size_t used = column->bytes ? column->bytes->size : 0;
    return have_room(&column->bytes, 0, used + value->size, budget, err);
}

static yoda_status prepare_typed(struct batch_column *column, uint32_t rows,
                                 const struct value *value, struct mem_budget *budget,
                                 yoda_error *err)
{
    if (value->type == YODA_NULL && !column->validity)
        TRY(validity_add(column, rows, true, budget, err));
    if (column->validity)
        TRY(buffer_reserve(column->validity, BITMAP_WORDS(rows + 1) * sizeof(uint64_t), err));
    if (!column->offsets)
        return buffer_reserve(column->data, ((size_t)rows + 1) * sizeof(int64_t), err);
    TRY(buffer_reserve(column->offsets, ((size_t)rows + 2) * sizeof(int32_t), err));
    size_t more = value->type == YODA_NULL ? 0 : value->size;
    return buffer_reserve(column->data, column->data->size + more, err);
}

/* Bring the column to a kind that can hold value, with room for it behind `rows` rows. */
static yoda_status column_prepare(struct batch_column *column, uint32_t rows,
                                  const struct value *value, struct mem_budget *budget,
                                  yoda_error *err)
{
    enum batch_kind kind = kind_of_type(value->type);
    if (kind != BATCH_NULL && kind != column->kind) {
        if (column->kind == BATCH_NULL)
            TRY(column_type(column, rows, kind, budget, err));
        else if (column->kind != BATCH_MIXED)
            TRY(column_mix(column, rows, budget, err));
    }
    if (column->kind == BATCH_NULL)
        return YODA_OK;
    if (column->kind == BATCH_MIXED)
        return prepare_mixed(column, rows, value, budget, err);
    return prepare_typed(column, rows, value, budget, err);
}

/* ---- Appending: put ---- */

static void put_bytes(struct buffer *buffer, const struct value *value)
{
    ASSERT(value->size <= buffer->capacity - buffer->size);
    if (value->size > 0)
        memcpy(buffer->data + buffer->size, value->p, value->size);
    buffer->size += value->size;
}

static void put_word(struct buffer *buffer, uint32_t rows, uint64_t word)
{
    ASSERT(buffer->size == rows * sizeof word);
    bits_of(buffer)[rows] = word;
    buffer->size += sizeof word;
    ASSERT(buffer->size <= buffer->capacity);
}

static uint64_t number_word(const struct value *value)
{
    uint64_t word = 0;
    if (value->type == YODA_INTEGER)
        word = (uint64_t)value->i;
    else if (value->type == YODA_REAL)
        memcpy(&word, &value->r, sizeof word);
    return word;
}

static void put_validity(struct buffer *validity, uint32_t rows, bool valid)
{
    if (rows % 64 == 0) {
        bits_of(validity)[rows / 64] = 0;
        validity->size += sizeof(uint64_t);
    }
    if (valid)
        bit_set(bits_of(validity), rows);
    ASSERT(validity->size == BITMAP_WORDS(rows + 1) * sizeof(uint64_t));
}

static void put_mixed(struct batch_column *column, uint32_t rows, const struct value *value)
{
    uint64_t word = number_word(value);
    if (is_bytes(value->type)) {
        word = (uint64_t)column->bytes->size << 32 | value->size;
        put_bytes(column->bytes, value);
    }
    put_word(column->data, rows, word);
    column->tags->data[rows] = value->type;
    column->tags->size = (size_t)rows + 1;
}

static void column_put(struct batch_column *column, uint32_t rows, const struct value *value)
{
    bool valid = value->type != YODA_NULL;
    column->null_count += !valid;
    if (column->kind == BATCH_NULL)
        return;
    if (column->kind == BATCH_MIXED) {
        put_mixed(column, rows, value);
        return;
    }
    ASSERT(!valid || kind_of_type(value->type) == column->kind);
    if (column->validity)
        put_validity(column->validity, rows, valid);
    if (!column->offsets) {
        put_word(column->data, rows, number_word(value));
        return;
    }
    if (valid)
        put_bytes(column->data, value);
    offsets_of(column->offsets)[rows + 1] = (int32_t)column->data->size;
    column->offsets->size = ((size_t)rows + 2) * sizeof(int32_t);
}

/* ---- Appending: rows ---- */

static size_t column_bytes_used(const struct batch_column *column)
{
    const struct buffer *bytes = column->kind == BATCH_MIXED ? column->bytes
                                 : column->offsets           ? column->data
                                                             : NULL;
    return bytes ? bytes->size : 0;
}

/* Whether the row's texts keep every column within 1 GB; a row alone in its batch always fits. */
static bool row_fits(const struct batch *batch, const struct value *row)
{
    if (batch->rows == BATCH_ROWS)
        return false;
    for (uint32_t i = 0; i < batch->column_count; i++) {
        size_t used = column_bytes_used(&batch->columns[i]);
        if (used > 0 && is_bytes(row[i].type) && used + row[i].size > TEXT_BYTES_MAX)
            return false;
    }
    return true;
}

static yoda_status list_open(struct batch_list *list, yoda_error *err)
{
    struct batch *batch;
    TRY(batch_create(list->column_count, &batch, err));
    yoda_status status = batch_list_push(list, batch, err);
    if (status != YODA_OK) {
        batch_destroy(batch);
        return status;
    }
    list->open = batch;
    return YODA_OK;
}

yoda_status batch_list_append(struct batch_list *list, const struct value *row, yoda_error *err)
{
    for (uint32_t i = 0; i < list->column_count; i++)
        if (is_bytes(row[i].type) && row[i].size > INT32_MAX)
            return fail(err, YODA_TOO_BIG, "a value of %u bytes is larger than 2 GB",
                        (unsigned)row[i].size);
    if (!list->open || !row_fits(list->open, row))
        TRY(list_open(list, err));
    struct batch *batch = list->open;
    ASSERT(batch == list->batches[list->batch_count - 1]);
    for (uint32_t i = 0; i < list->column_count; i++)
        TRY(column_prepare(&batch->columns[i], batch->rows, &row[i], list->budget, err));
    for (uint32_t i = 0; i < list->column_count; i++)
        column_put(&batch->columns[i], batch->rows, &row[i]);
    batch->rows++;
    list->rows++;
    return YODA_OK;
}

/* ---- Reading ---- */

static struct value mixed_value(const struct batch_column *column, uint32_t row)
{
    uint8_t type = column->tags->data[row];
    uint64_t word = bits_of(column->data)[row];
    struct value value = {.type = type};
    if (type == YODA_INTEGER)
        value.i = (int64_t)word;
    else if (type == YODA_REAL)
        memcpy(&value.r, &word, sizeof word);
    else if (is_bytes(type)) {
        value.size = (uint32_t)word;
        value.p = column->bytes ? (const char *)column->bytes->data + (word >> 32) : "";
    }
    return value;
}

struct value batch_value(const struct batch *batch, uint32_t column, uint32_t row)
{
    ASSERT(column < batch->column_count && row < batch->rows);
    const struct batch_column *c = &batch->columns[column];
    if (c->kind == BATCH_MIXED)
        return mixed_value(c, row);
    if (c->kind == BATCH_NULL || (c->validity && !bit_get(bits_of(c->validity), row)))
        return value_null();
    struct value value = {.type = type_of_kind(c->kind)};
    if (!is_bytes(value.type)) {
        memcpy(&value.i, &words_of(c->data)[row], sizeof value.i);
        return value;
    }
    const int32_t *offsets = offsets_of(c->offsets);
    ASSERT(offsets[row] <= offsets[row + 1]);
    value.size = (uint32_t)(offsets[row + 1] - offsets[row]);
    value.p = c->data ? (const char *)c->data->data + offsets[row] : "";
    return value;
}
