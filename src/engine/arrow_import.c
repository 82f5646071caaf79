/*
 * arrow_import.c -- formats into kinds, arrays into pointers.
 *
 * What is wrong with a schema or an array is said with the column's name: for what is inside of a
 * column (a dictionary's values, a union's children) too.
 */
#include "engine/arrow_import.h"

#include <inttypes.h>
#include <string.h>

#define DEPTH_MAX 8                  /* dictionaries and unions in each other */
#define ROWS_MAX (INT64_C(1) << 32)  /* offset and length of an array together */
#define WIDTH_MAX ((int64_t)1 << 30) /* so that a row times a width is an int64 */
#define UNION_IDS 128

/* ---- Formats --------------------------------------------------------------------------------- */

static yoda_status refuse(const struct arrow_column *column, const char *format, yoda_error *err)
{
    static const struct {
        const char *prefix, *what;
    } known[] = {
        {"+l", "lists"},
        {"+L", "lists"},
        {"+v", "lists"},
        {"+w", "lists"},
        {"+s", "structs"},
        {"+m", "maps"},
        {"tD", "durations"},
        {"ti", "intervals"},
        {"d:", "decimals"},
        {"+u", "a union"},
        {"w:", "fixed-size binary"},
    };
    if (strncmp(format, "+r", 2) == 0)
        return fail(err, YODA_MISUSE, "column \"%.128s\" is run-end encoded: decode it first",
                    column->name);
    for (size_t i = 0; i < COUNT_OF(known); i++)
        if (strncmp(format, known[i].prefix, 2) == 0)
            return fail(err, YODA_MISUSE,
                        "column \"%.128s\" has %s of the Arrow format \"%.64s\": no SQLite value "
                        "is made of it",
                        column->name, known[i].what, format);
    return fail(err, YODA_MISUSE, "column \"%.128s\" has the unknown Arrow format \"%.64s\"",
                column->name, format);
}

static bool take_number(const char **at, int64_t *out)
{
    bool negative = **at == '-';
    const char *p = *at + negative;
    int64_t number = 0;
    if (*p < '0' || *p > '9')
        return false;
    for (; *p >= '0' && *p <= '9'; p++) {
        number = number * 10 + (*p - '0');
        if (number > WIDTH_MAX)
            return false;
    }
    *at = p;
    *out = negative ? -number : number;
    return true;
}

static bool parse_plain(const char *format, struct arrow_column *out)
{
    static const struct {
        const char *format;
        enum arrow_kind kind;
        int64_t per_second;
    } formats[] = {
        {"n", ARROW_NULL, 0},
        {"b", ARROW_BOOL, 0},
        {"c", ARROW_INT8, 0},
        {"C", ARROW_UINT8, 0},
        {"s", ARROW_INT16, 0},
        {"S", ARROW_UINT16, 0},
        {"i", ARROW_INT32, 0},
        {"I", ARROW_UINT32, 0},
        {"l", ARROW_INT64, 0},
        {"L", ARROW_UINT64, 0},
        {"e", ARROW_FLOAT16, 0},
        {"f", ARROW_FLOAT32, 0},
        {"g", ARROW_FLOAT64, 0},
        {"u", ARROW_TEXT32, 0},
        {"U", ARROW_TEXT64, 0},
        {"vu", ARROW_TEXT_VIEW, 0},
        {"z", ARROW_BLOB32, 0},
        {"Z", ARROW_BLOB64, 0},
        {"vz", ARROW_BLOB_VIEW, 0},
        {"tdD", ARROW_DATE32, 0},
        {"tdm", ARROW_DATE64, 0},
        {"tts", ARROW_TIME32, 1},
        {"ttm", ARROW_TIME32, 1000},
        {"ttu", ARROW_TIME64, 1000000},
        {"ttn", ARROW_TIME64, 1000000000},
    };
    for (size_t i = 0; i < COUNT_OF(formats); i++)
        if (strcmp(format, formats[i].format) == 0) {
            out->kind = formats[i].kind;
            out->per_second = formats[i].per_second;
            return true;
        }
    return false;
}

/* "tss:Europe/Berlin": with a zone the values are in UTC, without they are what the clock showed;
 * both are written as they are. */
static bool parse_timestamp(const char *format, struct arrow_column *out)
{
    static const char units[] = "smun";
    if (strncmp(format, "ts", 2) != 0 || !format[2] || format[3] != ':')
        return false;
    const char *unit = strchr(units, format[2]);
    if (!unit)
        return false;
    out->kind = ARROW_TIMESTAMP;
    out->per_second = 1;
    for (; unit > units; unit--)
        out->per_second *= 1000;
    return true;
}

static bool parse_fixed(const char *format, struct arrow_column *out)
{
    const char *at = format + 2;
    int64_t width;
    if (strncmp(format, "w:", 2) != 0 || !take_number(&at, &width) || *at || width < 0)
        return false;
    out->kind = ARROW_BLOB_FIXED;
    out->width = (uint32_t)width;
    return true;
}

/* "d:precision,scale[,bits]" */
static bool parse_decimal(const char *format, struct arrow_column *out)
{
    const char *at = format + 2;
    int64_t precision, scale, width = 128;
    if (strncmp(format, "d:", 2) != 0 || !take_number(&at, &precision) || *at++ != ',' ||
        !take_number(&at, &scale))
        return false;
    if (*at == ',' && (at++, !take_number(&at, &width)))
        return false;
    if (*at || (width != 32 && width != 64 && width != 128) || precision < 1 || precision > 38 ||
        scale < -ARROW_TEXT_SCALE_MAX || scale > ARROW_TEXT_SCALE_MAX)
        return false;
    out->kind = ARROW_DECIMAL;
    out->precision = (int)precision;
    out->scale = (int)scale;
    out->width = (uint32_t)width / 8;
    return true;
}

/* "+ud:4,7": the ids of its children in their order. */
static bool parse_union(const char *format, struct arrow_column *out)
{
    const char *at = format + 4;
    bool dense = strncmp(format, "+ud:", 4) == 0;
    if (!dense && strncmp(format, "+us:", 4) != 0)
        return false;
    memset(out->child_of, -1, UNION_IDS);
    out->kind = dense ? ARROW_UNION_DENSE : ARROW_UNION_SPARSE;
    for (uint32_t child = 0; *at; child++) {
        int64_t id;
        if (!take_number(&at, &id) || id < 0 || id >= UNION_IDS || out->child_of[id] >= 0 ||
            child == out->child_count || (*at && *at++ != ','))
            return false;
        out->child_of[id] = (int8_t)child;
    }
    return true;
}

static yoda_status parse_format(const char *format, struct arrow_column *out, yoda_error *err)
{
    if (parse_plain(format, out) || parse_timestamp(format, out) || parse_fixed(format, out) ||
        parse_decimal(format, out))
        return out->child_count == 0 ? YODA_OK : refuse(out, format, err);
    if (out->child_of && parse_union(format, out))
        return YODA_OK;
    return refuse(out, format, err);
}

/* ---- Schema ---------------------------------------------------------------------------------- */

static bool is_integer(enum arrow_kind kind)
{
    return kind >= ARROW_INT8 && kind <= ARROW_UINT64;
}

static yoda_status parse_column(const struct ArrowSchema *schema, const char *name, int depth,
                                struct arena *arena, struct arrow_column *out, yoda_error *err);

static yoda_status parse_children(const struct ArrowSchema *schema, int depth, struct arena *arena,
                                  struct arrow_column *out, yoda_error *err)
{
    out->child_count = (uint32_t)schema->n_children;
    out->children = arena_array(arena, struct arrow_column, out->child_count);
    out->child_of = arena_alloc(arena, UNION_IDS);
    if (!out->children || !out->child_of)
        return fail_nomem(err, out->child_count * sizeof *out->children);
    for (uint32_t i = 0; i < out->child_count; i++)
        TRY(parse_column(schema->children[i], out->name, depth, arena, &out->children[i], err));
    return YODA_OK;
}

static yoda_status parse_dictionary(const struct ArrowSchema *schema, int depth,
                                    struct arena *arena, struct arrow_column *out, yoda_error *err)
{
    if (!is_integer(out->kind))
        return fail(err, YODA_MISUSE, "column \"%.128s\": a dictionary's indices are integers",
                    out->name);
    out->code = out->kind;
    out->kind = ARROW_DICTIONARY;
    out->child_count = 1;
    out->children = arena_new(arena, struct arrow_column);
    if (!out->children)
        return fail_nomem(err, sizeof *out->children);
    return parse_column(schema->dictionary, out->name, depth, arena, out->children, err);
}

static yoda_status parse_column(const struct ArrowSchema *schema, const char *name, int depth,
                                struct arena *arena, struct arrow_column *out, yoda_error *err)
{
    out->name = name;
    if (!schema || !schema->format || schema->n_children < 0 ||
        (schema->n_children > 0 && !schema->children))
        return fail(err, YODA_MISUSE, "column \"%.128s\": its Arrow schema is broken", name);
    if (depth == DEPTH_MAX)
        return fail(err, YODA_MISUSE, "column \"%.128s\": unions or dictionaries nest too deep",
                    name);
    if (strncmp(schema->format, "+u", 2) == 0) {
        if (schema->n_children > UNION_IDS)
            return refuse(out, schema->format, err);
        TRY(parse_children(schema, depth + 1, arena, out, err));
    } else if (schema->n_children > 0) {
        return refuse(out, schema->format, err);
    }
    TRY(parse_format(schema->format, out, err));
    return schema->dictionary ? parse_dictionary(schema, depth + 1, arena, out, err) : YODA_OK;
}

static yoda_status check_record(const struct ArrowSchema *schema, yoda_error *err)
{
    if (!schema->format || strcmp(schema->format, "+s") != 0)
        return fail(err, YODA_MISUSE, "the stream is not one of rows: its format is \"%.64s\"",
                    schema->format ? schema->format : "");
    if (schema->n_children < 0 || (schema->n_children > 0 && !schema->children))
        return fail(err, YODA_MISUSE, "the stream's schema is broken");
    if (schema->n_children > ARROW_COLUMNS_MAX)
        return fail(err, YODA_TOO_BIG, "the stream has more than %d columns", ARROW_COLUMNS_MAX);
    return YODA_OK;
}

yoda_status arrow_import_schema(const struct ArrowSchema *schema, struct arena *arena,
                                struct arrow_rows *out, yoda_error *err)
{
    *out = (struct arrow_rows){0};
    TRY(check_record(schema, err));
    out->count = (uint32_t)schema->n_children;
    out->columns = arena_array(arena, struct arrow_column, out->count);
    if (!out->columns)
        return fail_nomem(err, out->count * sizeof *out->columns);
    for (uint32_t i = 0; i < out->count; i++) {
        const struct ArrowSchema *child = schema->children[i];
        const char *given = child && child->name ? child->name : "";
        const char *name = arena_copy(arena, given, strlen(given));
        if (!name)
            return fail_nomem(err, strlen(given));
        TRY(parse_column(child, name, 0, arena, &out->columns[i], err));
    }
    return YODA_OK;
}

/* ---- Declared types -------------------------------------------------------------------------- */

/* Of a union: the one of all children that are not "n". A column declared BLOB converts nothing. */
static const char *declared_type_of_children(const struct arrow_column *column)
{
    const char *type = NULL;
    for (uint32_t i = 0; i < column->child_count; i++) {
        if (column->children[i].kind == ARROW_NULL)
            continue;
        const char *other = arrow_import_declared_type(&column->children[i]);
        if (type && strcmp(type, other) != 0)
            return "BLOB";
        type = other;
    }
    return type ? type : "BLOB";
}

const char *arrow_import_declared_type(const struct arrow_column *column)
{
    if (column->kind == ARROW_BOOL || is_integer(column->kind))
        return "INTEGER";
    if (column->kind >= ARROW_FLOAT16 && column->kind <= ARROW_FLOAT64)
        return "REAL";
    if (column->kind >= ARROW_TEXT32 && column->kind <= ARROW_TEXT_VIEW)
        return "TEXT";
    if (column->kind >= ARROW_DATE32 && column->kind <= ARROW_TIMESTAMP)
        return "TEXT";
    if (column->kind == ARROW_DECIMAL && column->scale == 0) /* long ones would become REAL */
        return column->precision <= 18 ? "INTEGER" : "BLOB";
    if (column->kind == ARROW_DECIMAL)
        return "TEXT";
    return declared_type_of_children(column);
}

/* ---- Batches --------------------------------------------------------------------------------- */

static yoda_status broken(const struct arrow_column *column, const char *what, yoda_error *err)
{
    return fail(err, YODA_MISUSE, "column \"%.128s\": the Arrow array %s", column->name, what);
}

static bool is_union(const struct arrow_column *column)
{
    return column->kind == ARROW_UNION_DENSE || column->kind == ARROW_UNION_SPARSE;
}

static bool is_view(const struct arrow_column *column)
{
    return column->kind == ARROW_TEXT_VIEW || column->kind == ARROW_BLOB_VIEW;
}

static bool has_offsets(const struct arrow_column *column)
{
    return column->kind == ARROW_TEXT32 || column->kind == ARROW_TEXT64 ||
           column->kind == ARROW_BLOB32 || column->kind == ARROW_BLOB64;
}

static yoda_status check_shape(const struct arrow_column *column, const struct ArrowArray *array,
                               yoda_error *err)
{
    int64_t buffers = 2, children = is_union(column) ? column->child_count : 0;
    if (column->kind == ARROW_UNION_SPARSE)
        buffers = 1;
    else if (has_offsets(column))
        buffers = 3;
    if (is_view(column) ? array->n_buffers < 3 : array->n_buffers != buffers)
        return broken(column, "has another number of buffers than its format", err);
    if (!array->buffers)
        return broken(column, "has no buffers", err);
    if (array->n_children != children || (children > 0 && !array->children))
        return broken(column, "has another number of children than its schema", err);
    return YODA_OK;
}

static yoda_status bind_column(struct arrow_column *column, const struct ArrowArray *array,
                               int64_t skip, int64_t rows, yoda_error *err);

/* A dense union's offsets are checked one by one; a sparse one's children are as long as itself. */
static yoda_status bind_union(struct arrow_column *column, const struct ArrowArray *array,
                              yoda_error *err)
{
    bool dense = column->kind == ARROW_UNION_DENSE;
    column->blank = false; /* it has no validity: its children do */
    column->values = array->buffers[0];
    column->bytes = dense ? array->buffers[1] : NULL;
    if (!column->values || (dense && !column->bytes))
        return broken(column, "lacks a buffer", err);
    for (uint32_t i = 0; i < column->child_count; i++)
        TRY(bind_column(&column->children[i], array->children[i], 0,
                        dense ? 0 : array->offset + array->length, err));
    return YODA_OK;
}

static yoda_status bind_view(struct arrow_column *column, const struct ArrowArray *array,
                             yoda_error *err)
{
    column->block_count = array->n_buffers - 3;
    column->blocks = array->buffers + 2;
    column->block_sizes = array->buffers[array->n_buffers - 1];
    if (column->block_count > 0 && !column->block_sizes)
        return broken(column, "does not say how long its buffers are", err);
    return YODA_OK;
}

static yoda_status bind_buffers(struct arrow_column *column, const struct ArrowArray *array,
                                yoda_error *err)
{
    column->validity = array->null_count == 0 ? NULL : array->buffers[0];
    if (array->null_count > 0 && !column->validity)
        return broken(column, "has NULLs but no validity buffer", err);
    column->values = array->buffers[1];
    if (!column->values && !(column->kind == ARROW_BLOB_FIXED && column->width == 0))
        return broken(column, "lacks a buffer", err);
    if (is_view(column))
        return bind_view(column, array, err);
    if (has_offsets(column))
        column->bytes = array->buffers[2]; /* may be NULL where all are empty */
    if (column->kind == ARROW_DICTIONARY)
        return bind_column(&column->children[0], array->dictionary, 0, 0, err);
    return YODA_OK;
}

static yoda_status bind_column(struct arrow_column *column, const struct ArrowArray *array,
                               int64_t skip, int64_t rows, yoda_error *err)
{
    if (!array || !array->release)
        return broken(column, "is missing", err);
    if (array->length < 0 || array->offset < 0 || array->length > ROWS_MAX ||
        array->offset > ROWS_MAX - array->length)
        return broken(column, "has an impossible length or offset", err);
    if (skip > array->length || array->length - skip < rows)
        return broken(column, "is shorter than its batch", err);
    column->offset = array->offset + skip;
    column->length = array->length - skip;
    column->blank = column->kind == ARROW_NULL || array->null_count == array->length;
    if (column->length == 0 || column->kind == ARROW_NULL)
        return YODA_OK;
    TRY(check_shape(column, array, err));
    if (is_union(column))
        return bind_union(column, array, err);
    return column->blank ? YODA_OK : bind_buffers(column, array, err);
}

yoda_status arrow_import_batch(struct arrow_rows *rows, const struct ArrowArray *batch,
                               yoda_error *err)
{
    if (batch->length < 0 || batch->offset < 0 || batch->length > ROWS_MAX ||
        batch->offset > ROWS_MAX - batch->length)
        return fail(err, YODA_MISUSE, "a batch has an impossible length or offset");
    if (batch->n_children != rows->count || (rows->count > 0 && !batch->children))
        return fail(err, YODA_MISUSE, "a batch has %" PRId64 " columns where the stream has %u",
                    batch->n_children, rows->count);
    bool nullable = batch->null_count != 0 && batch->n_buffers > 0 && batch->buffers;
    rows->validity = nullable ? batch->buffers[0] : NULL;
    rows->offset = batch->offset;
    rows->length = batch->length;
    for (uint32_t i = 0; i < rows->count; i++)
        TRY(bind_column(&rows->columns[i], batch->children[i], batch->offset, batch->length, err));
    return YODA_OK;
}
