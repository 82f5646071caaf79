/*
 * join_rows.h -- the rows of a join's build side: copied as they come, then frozen into columns.
 *
 * While the build side runs each worker copies its row sets as they are, codes as codes. Freezing
 * puts the pieces of all workers together, one array per column in the narrowest form that holds
 * them all, so that a probe gathers by row number alone and what it emits is codes again:
 *
 *   integers, decimals   CODES of 1, 2, 4 or 8 bytes (of one scale)
 *   other numbers        FLAT
 *   ISO texts            ISO, where all pieces are of one kind
 *   texts, blobs         DICT where the pieces' dictionaries are small, or there are few rows;
 *                        sorted and distinct as any dictionary; otherwise FLAT
 *
 * One row more than there are stands at the end: NULL in every column, for rows without a match.
 *
 * Threads  a local belongs to its worker; frozen rows are read from any.
 */
#ifndef YODA_OLAP_JOIN_ROWS_H
#define YODA_OLAP_JOIN_ROWS_H

#include "olap/exec/pipeline.h"

struct join_piece { /* one row set */
    struct join_piece *next;
    uint32_t rows;
    struct vector columns[];
};

struct join_rows_local {
    struct arena pieces; /* until frozen */
    struct arena bytes;  /* texts of FLAT pieces */
    struct join_piece *first, *last;
    uint64_t rows;
};

struct join_column {
    struct vector vector;   /* of all rows and the NULL one, whose bit is set if there are nulls */
    int64_t low, high;      /* bounds of scaled numbers and ISO numbers; low > high: no value */
    struct arena arena;
    struct arena dictionary; /* outlives the rows: see join_rows_drop */
};

struct join_rows {
    uint32_t rows, column_count;
    struct join_column *columns;    /* [column_count] */
    struct join_rows_local *locals; /* [local_count] */
    uint32_t local_count;
    bool no_dictionaries; /* texts stay FLAT: for rows that are frozen again and again */
};

YODA_MUST_CHECK yoda_status join_rows_init(struct join_rows *rows, uint32_t column_count,
                                           uint32_t workers, struct mem_budget *budget,
                                           yoda_error *err);
/* Free the rows, not yet the dictionaries: vectors with their codes may have been kept. */
void join_rows_drop(struct join_rows *rows);
void join_rows_deinit(struct join_rows *rows); /* zeroed: fine */
/* Keep a row set: [column_count] vectors of n rows. */
YODA_MUST_CHECK yoda_status join_rows_add(struct join_rows *rows, uint32_t worker,
                                          const struct vector *columns, uint32_t n,
                                          yoda_error *err);
/* Bytes a worker keeps; forget a worker's rows. */
uint64_t join_rows_local_bytes(const struct join_rows *rows, uint32_t worker);
void join_rows_forget(struct join_rows *rows, uint32_t worker);
/*
 * Put the pieces together.
 *   types   [column_count]
 * Errors  YODA_TOO_BIG where there are more rows than a row number can count
 */
YODA_MUST_CHECK yoda_status join_rows_freeze(struct join_rows *rows, struct run *run,
                                             const enum vtype *types, yoda_error *err);
/* Freeze one column (join_freeze.c); called once each, on any thread. */
YODA_MUST_CHECK yoda_status join_freeze_column(struct join_rows *rows, uint32_t column,
                                               enum vtype type, yoda_error *err);
/* Rows [first, first + n) of a frozen column, borrowed. Requires first % 64 == 0. */
void join_rows_slice(const struct join_rows *rows, uint32_t column, uint32_t first, uint32_t n,
                     struct vector *out);
/* The rows ids[n] of a frozen column; has_misses: some may be the NULL row (number rows->rows). */
YODA_MUST_CHECK yoda_status join_rows_gather(const struct join_rows *rows, uint32_t column,
                                             const uint32_t *ids, uint32_t n, bool has_misses,
                                             struct arena *arena, struct vector *out,
                                             yoda_error *err);
/* One row of a frozen column as a CONST vector of n rows, borrowed where it can. */
YODA_MUST_CHECK yoda_status join_rows_constant(const struct join_rows *rows, uint32_t column,
                                               uint32_t row, uint32_t n, struct arena *arena,
                                               struct vector *out, yoda_error *err);
uint64_t join_rows_bytes(const struct join_rows *rows); /* memory held */

#endif
