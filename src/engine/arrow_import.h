/*
 * arrow_import.h -- read the rows of an Arrow stream as SQLite values.
 *
 *   schema -> columns, once        what each holds, in an arena
 *   batch  -> columns, each time   where its values lie now; nothing is copied
 *   value(column, row)             the struct value, its bytes borrowed
 *
 * What the columns point at belongs to the stream's producer. Its shape is checked: formats,
 * numbers of children and buffers, lengths, offsets, indices, sizes of views. That a buffer is as
 * long as the array says cannot be seen and is believed.
 *
 * Source: "The Arrow C data interface" and "Arrow Columnar Format", arrow.apache.org/docs/format.
 */
#ifndef YODA_ENGINE_ARROW_IMPORT_H
#define YODA_ENGINE_ARROW_IMPORT_H

#include "base/arena.h"
#include "base/value.h"
#include "engine/arrow_text.h"

#define ARROW_COLUMNS_MAX 32766 /* parameters of a statement */

enum arrow_kind {
    ARROW_NULL,
    ARROW_BOOL,
    ARROW_INT8,
    ARROW_UINT8,
    ARROW_INT16,
    ARROW_UINT16,
    ARROW_INT32,
    ARROW_UINT32,
    ARROW_INT64,
    ARROW_UINT64,
    ARROW_FLOAT16,
    ARROW_FLOAT32,
    ARROW_FLOAT64,
    ARROW_TEXT32, /* by the width of their offsets */
    ARROW_TEXT64,
    ARROW_TEXT_VIEW,
    ARROW_BLOB32,
    ARROW_BLOB64,
    ARROW_BLOB_VIEW,
    ARROW_BLOB_FIXED,
    ARROW_DATE32, /* days */
    ARROW_DATE64, /* milliseconds */
    ARROW_TIME32,
    ARROW_TIME64,
    ARROW_TIMESTAMP,
    ARROW_DECIMAL,
    ARROW_DICTIONARY,
    ARROW_UNION_DENSE,
    ARROW_UNION_SPARSE
};

struct arrow_column {
    const char *name; /* the table's column, also for what is inside of it */
    enum arrow_kind kind;
    enum arrow_kind code;          /* dictionary: of its indices */
    uint32_t width;                /* bytes of a fixed binary or a decimal */
    int scale, precision;          /* decimal */
    int64_t per_second;            /* time, timestamp: units */
    struct arrow_column *children; /* [child_count]: a union's; a dictionary's values */
    uint32_t child_count;
    int8_t *child_of; /* union: [128], by type id; -1: none */

    /* of the batch */
    int64_t offset, length;
    bool blank;                 /* all NULL: there may be no buffers */
    const uint8_t *validity;    /* NULL: no NULLs */
    const uint8_t *values;      /* numbers, indices, views, offsets into bytes; union: type ids */
    const uint8_t *bytes;       /* union: offsets into the children */
    const void *const *blocks;  /* views: [block_count] */
    const uint8_t *block_sizes; /* views: [block_count] int64 */
    int64_t block_count;
    char text[ARROW_TEXT_MAX]; /* the last value, where it had to be written */
};

struct arrow_rows {
    struct arrow_column *columns; /* [count] */
    uint32_t count;
    int64_t length;          /* of the batch */
    int64_t offset;          /* of its validity */
    const uint8_t *validity; /* NULL: every row is there; else the others are all NULL */
};

/* Read a stream's schema. Everything is in the arena. Errors: YODA_MISUSE naming the column,
 * YODA_TOO_BIG, YODA_NOMEM. */
YODA_MUST_CHECK yoda_status arrow_import_schema(const struct ArrowSchema *schema,
                                                struct arena *arena, struct arrow_rows *out,
                                                yoda_error *err);
/* Point the columns at a batch of that schema. Errors: YODA_MISUSE naming the column. */
YODA_MUST_CHECK yoda_status arrow_import_batch(struct arrow_rows *rows,
                                               const struct ArrowArray *batch, yoda_error *err);
/* Read row [0, rows->length) of a column. Bytes live as long as the batch, and until the column is
 * read again. Errors: YODA_MISUSE (a broken array), YODA_TOO_BIG (SQLite has no such value). */
YODA_MUST_CHECK yoda_status arrow_import_value(struct arrow_column *column, int64_t row,
                                               struct value *out, yoda_error *err);

/* Is the row itself NULL, with all its columns? */
static inline bool arrow_row_is_null(const struct arrow_rows *rows, int64_t row)
{
    int64_t i = rows->offset + row;
    return rows->validity && !(rows->validity[i >> 3] >> (i & 7) & 1);
}

/* The type to declare for a column that is to hold these values: INTEGER, REAL, TEXT or BLOB. */
const char *arrow_import_declared_type(const struct arrow_column *column);

#endif
