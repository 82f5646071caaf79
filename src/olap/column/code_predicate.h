/*
 * code_predicate.h -- a comparison with constants, translated once per chunk into the code domain.
 *
 * `column op constant` becomes a range of codes, a set of codes, or all / none: decided before the
 * loop where the constant lies outside the chunk's range or is not representable. NULL rows never
 * match (except for IS NULL). What has no code form is CODE_PREDICATE_NO: evaluate the expression.
 */
#ifndef YODA_OLAP_CODE_PREDICATE_H
#define YODA_OLAP_CODE_PREDICATE_H

#include "olap/column/chunk.h"

enum predicate_op {
    PRED_EQ, PRED_NE, PRED_LT, PRED_LE, PRED_GT, PRED_GE, PRED_IN /* constants[n], no NULLs */,
    PRED_IS_NULL, PRED_NOT_NULL
};

/* column op constants, compared as SQLite compares values (affinities already applied). */
struct predicate {
    enum predicate_op op;
    enum collation collation;
    uint32_t count; /* 1 for comparisons, n for IN, 0 for NULL tests */
    const struct value *constants;
};

enum code_predicate_kind { CODE_PREDICATE_NO, CODE_PREDICATE_NONE, CODE_PREDICATE_ALL,
                           CODE_PREDICATE_RANGE, CODE_PREDICATE_SET, CODE_PREDICATE_NULLS };

struct code_predicate {
    enum code_predicate_kind kind;
    bool negated;       /* RANGE / SET: rows outside match */
    uint64_t low, high; /* RANGE: unsigned codes, inclusive; plain REAL chunks: double bits  */
    const uint64_t *set; /* SET: bitmap over codes, [dict count], in the arena */
};

/* Translate for one chunk. Zone maps are consulted: NONE / ALL mean the whole chunk. */
YODA_MUST_CHECK yoda_status code_predicate_bind(const struct predicate *predicate,
                                                const struct chunk *chunk, struct arena *arena,
                                                struct code_predicate *out, yoda_error *err);
/* Can any row of this vector match, by its zone map? (false = skip the vector) */
bool predicate_may_match(const struct predicate *predicate, const struct zone *zone);
/*
 * AND the matches of rows [row, row + count) into bits (BITMAP_WORDS(count) words).
 * Requires kind != NO; row % VECTOR_ROWS == 0.
 */
void code_predicate_apply(const struct code_predicate *predicate, const struct chunk *chunk,
                          uint32_t row, uint32_t count, uint64_t *bits);

#endif
