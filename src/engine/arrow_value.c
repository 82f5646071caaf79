/*
 * arrow_value.c -- value i of an imported Arrow column (declared in arrow_import.h).
 *
 * Buffers may lie at any address. Integers in them are the producer's word: what addresses
 * something is checked before it is followed.
 */
#include "engine/arrow_import.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#define VIEW_BYTES 16
#define VIEW_INLINE 12

static yoda_status broken(const struct arrow_column *column, const char *what, yoda_error *err)
{
    return fail(err, YODA_MISUSE, "column \"%.128s\": the Arrow array %s", column->name, what);
}

/* ---- Numbers --------------------------------------------------------------------------------- */

/* Number i of an array of T that need not be aligned. */
#define LOAD(T, from, i)                                                                           \
    (((const struct { T v; } __attribute__((packed, may_alias)) *)(const void *)(from))[i].v)

/* A uint64 past INT64_MAX comes out negative. */
static inline int64_t load_integer(enum arrow_kind kind, const uint8_t *values, int64_t i)
{
    switch (kind) {
    case ARROW_INT8:
        return (int8_t)values[i];
    case ARROW_UINT8:
        return values[i];
    case ARROW_INT16:
        return LOAD(int16_t, values, i);
    case ARROW_UINT16:
        return LOAD(uint16_t, values, i);
    case ARROW_INT32:
        return LOAD(int32_t, values, i);
    case ARROW_UINT32:
        return LOAD(uint32_t, values, i);
    default:
        ASSERT(kind == ARROW_INT64 || kind == ARROW_UINT64);
        return LOAD(int64_t, values, i);
    }
}

/* IEEE 754 binary16. */
static double half_to_double(uint16_t bits)
{
    int exponent = bits >> 10 & 31, mantissa = bits & 1023;
    double size = exponent == 0 ? ldexp(mantissa, -24) : ldexp(mantissa + 1024, exponent - 25);
    if (exponent == 31)
        size = mantissa ? (double)NAN : (double)INFINITY;
    return bits >> 15 ? -size : size;
}

static inline struct value real_or_null(double number)
{
    return isnan(number) ? value_null() : value_real(number);
}

/* ---- Bytes ----------------------------------------------------------------------------------- */

static inline yoda_status bytes_value(const struct arrow_column *column, int64_t start, int64_t end,
                                      yoda_type type, struct value *out, yoda_error *err)
{
    if (start < 0 || end < start)
        return broken(column, "has offsets that do not ascend", err);
    if (end - start > INT32_MAX)
        return fail(err, YODA_TOO_BIG, "column \"%.128s\": a value has %" PRId64 " bytes",
                    column->name, end - start);
    if (end > start && !column->bytes)
        return broken(column, "lacks a buffer", err);
    const char *p = end > start ? (const char *)column->bytes + start : "";
    *out = (struct value){.type = (uint8_t)type, .size = (uint32_t)(end - start), .p = p};
    return YODA_OK;
}

/* length, then the bytes themselves or: 4 of them, the block, the offset in it. */
static yoda_status view_value(const struct arrow_column *column, int64_t i, yoda_type type,
                              struct value *out, yoda_error *err)
{
    const uint8_t *view = column->values + i * VIEW_BYTES;
    int32_t size = LOAD(int32_t, view, 0), block = LOAD(int32_t, view, 2),
            start = LOAD(int32_t, view, 3);
    const uint8_t *bytes = view + 4;
    if (size < 0)
        return broken(column, "has a view of negative length", err);
    if (size > VIEW_INLINE) {
        if (block < 0 || block >= column->block_count || start < 0 || !column->blocks[block] ||
            LOAD(int64_t, column->block_sizes, block) < (int64_t)start + size)
            return broken(column, "has a view that leaves its buffer", err);
        bytes = (const uint8_t *)column->blocks[block] + start;
    }
    *out = (struct value){.type = (uint8_t)type, .size = (uint32_t)size, .p = (const char *)bytes};
    return YODA_OK;
}

/* ---- What is written ------------------------------------------------------------------------- */

static yoda_status written(struct arrow_column *column, size_t size, int64_t number,
                           struct value *out, yoda_error *err)
{
    if (size == 0)
        return fail(err, YODA_TOO_BIG, "column \"%.128s\": %" PRId64 " is no %s that SQLite knows",
                    column->name, number,
                    column->kind == ARROW_TIME32 || column->kind == ARROW_TIME64
                        ? "time of a day"
                        : "time of the years 0000 to 9999");
    *out = value_text(column->text, size);
    return YODA_OK;
}

static yoda_status date_value(struct arrow_column *column, int64_t i, struct value *out,
                              yoda_error *err)
{
    if (column->kind == ARROW_DATE32) {
        int64_t days = LOAD(int32_t, column->values, i);
        return written(column, arrow_text_date(days, column->text), days, out, err);
    }
    int64_t ms = LOAD(int64_t, column->values, i), day_ms = 86400000;
    int64_t days = ms / day_ms - (ms % day_ms < 0);
    return written(column, arrow_text_date(days, column->text), ms, out, err);
}

static yoda_status clock_value(struct arrow_column *column, int64_t i, struct value *out,
                               yoda_error *err)
{
    if (column->kind == ARROW_TIMESTAMP) {
        int64_t units = LOAD(int64_t, column->values, i);
        size_t size = arrow_text_timestamp(units, column->per_second, column->text);
        return written(column, size, units, out, err);
    }
    int64_t units = column->kind == ARROW_TIME32 ? LOAD(int32_t, column->values, i)
                                                 : LOAD(int64_t, column->values, i);
    return written(column, arrow_text_time(units, column->per_second, column->text), units, out,
                   err);
}

static struct value decimal_value(struct arrow_column *column, int64_t i)
{
    int128 number = column->width == 4   ? LOAD(int32_t, column->values, i)
                    : column->width == 8 ? LOAD(int64_t, column->values, i)
                                         : LOAD(int128, column->values, i);
    if (column->scale == 0 && number >= INT64_MIN && number <= INT64_MAX)
        return value_int((int64_t)number);
    return value_text(column->text, arrow_text_decimal(number, column->scale, column->text));
}

/* ---- What is elsewhere ----------------------------------------------------------------------- */

static yoda_status dictionary_value(struct arrow_column *column, int64_t i, struct value *out,
                                    yoda_error *err)
{
    struct arrow_column *values = &column->children[0];
    int64_t code = load_integer(column->code, column->values, i);
    if (code < 0 || code >= values->length)
        return broken(column, "has an index outside of its dictionary", err);
    return arrow_import_value(values, code, out, err);
}

static yoda_status union_value(struct arrow_column *column, int64_t i, struct value *out,
                               yoda_error *err)
{
    int8_t id = (int8_t)column->values[i];
    int child = id < 0 ? -1 : column->child_of[id];
    if (child < 0)
        return broken(column, "has an unknown type id", err);
    struct arrow_column *from = &column->children[child];
    int64_t at = column->kind == ARROW_UNION_DENSE ? LOAD(int32_t, column->bytes, i) : i;
    if (at < 0 || at >= from->length)
        return broken(column, "has an offset outside of a child", err);
    return arrow_import_value(from, at, out, err);
}

/* ---- Any ------------------------------------------------------------------------------------- */

yoda_status arrow_import_value(struct arrow_column *column, int64_t row, struct value *out,
                               yoda_error *err)
{
    ASSERT(row >= 0 && row < column->length);
    int64_t i = column->offset + row;
    *out = value_null();
    if (column->blank || (column->validity && !(column->validity[i >> 3] >> (i & 7) & 1)))
        return YODA_OK;
    switch (column->kind) {
    case ARROW_NULL:
        return YODA_OK;
    case ARROW_BOOL:
        *out = value_int(column->values[i >> 3] >> (i & 7) & 1);
        return YODA_OK;
    case ARROW_INT8:
    case ARROW_UINT8:
    case ARROW_INT16:
    case ARROW_UINT16:
    case ARROW_INT32:
    case ARROW_UINT32:
    case ARROW_INT64:
        *out = value_int(load_integer(column->kind, column->values, i));
        return YODA_OK;
    case ARROW_UINT64:
        *out = value_int(LOAD(int64_t, column->values, i));
        if (out->i < 0)
            return fail(err, YODA_TOO_BIG,
                        "column \"%.128s\": %" PRIu64 " is larger than any INTEGER", column->name,
                        (uint64_t)out->i);
        return YODA_OK;
    case ARROW_FLOAT16:
        *out = real_or_null(half_to_double(LOAD(uint16_t, column->values, i)));
        return YODA_OK;
    case ARROW_FLOAT32:
        *out = real_or_null((double)LOAD(float, column->values, i));
        return YODA_OK;
    case ARROW_FLOAT64:
        *out = real_or_null(LOAD(double, column->values, i));
        return YODA_OK;
    case ARROW_TEXT32:
    case ARROW_BLOB32:
        return bytes_value(column, LOAD(int32_t, column->values, i),
                           LOAD(int32_t, column->values, i + 1),
                           column->kind == ARROW_TEXT32 ? YODA_TEXT : YODA_BLOB, out, err);
    case ARROW_TEXT64:
    case ARROW_BLOB64:
        return bytes_value(column, LOAD(int64_t, column->values, i),
                           LOAD(int64_t, column->values, i + 1),
                           column->kind == ARROW_TEXT64 ? YODA_TEXT : YODA_BLOB, out, err);
    case ARROW_TEXT_VIEW:
    case ARROW_BLOB_VIEW:
        return view_value(column, i, column->kind == ARROW_TEXT_VIEW ? YODA_TEXT : YODA_BLOB, out,
                          err);
    case ARROW_BLOB_FIXED:
        *out = value_blob(column->width ? (const char *)column->values + i * column->width : "",
                          column->width);
        return YODA_OK;
    case ARROW_DATE32:
    case ARROW_DATE64:
        return date_value(column, i, out, err);
    case ARROW_TIME32:
    case ARROW_TIME64:
    case ARROW_TIMESTAMP:
        return clock_value(column, i, out, err);
    case ARROW_DECIMAL:
        *out = decimal_value(column, i);
        return YODA_OK;
    case ARROW_DICTIONARY:
        return dictionary_value(column, i, out, err);
    case ARROW_UNION_DENSE:
    case ARROW_UNION_SPARSE:
        return union_value(column, i, out, err);
    }
    return fail(err, YODA_INTERNAL, "column \"%.128s\" has no kind", column->name);
}
