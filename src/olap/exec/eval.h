/*
 * eval.h -- inside the evaluator: lanes (rows of FLAT or CONST vectors), and one function per kind
 * of expression.
 *
 * The eval_* functions get the argument vectors already evaluated: any form, of the argument's
 * static type (VT_NULL arguments never reach an expression whose own type is not VT_NULL, except
 * where NULL is a value like any other: IS, IN, CASE, functions that take it).
 */
#ifndef YODA_OLAP_EVAL_H
#define YODA_OLAP_EVAL_H

#include "olap/column/chunk.h"
#include "olap/exec/expr.h"
#include "olap/kernel/kernel.h"

#include <string.h>

struct eval_call { /* what every evaluator needs */
    const struct expr *e;
    struct eval *eval;
    uint32_t rows;
    const struct vector *args; /* [e->arg_count] */
    yoda_error *err;
};

/* ---- Lanes ---------------------------------------------------------------------------------- */

/* One row of a FLAT or CONST vector; bytes are borrowed. */
static inline struct value lane_value(const struct vector *v, uint32_t row)
{
    if (v->form == VF_CONST)
        row = 0;
    if (v->type == VT_NULL || (v->nulls && bit_get(v->nulls, row)))
        return value_null();
    if (v->type == VT_TEXT || v->type == VT_BLOB) {
        const struct strref *s = (const struct strref *)v->data + row;
        return v->type == VT_TEXT ? value_text(s->ptr, s->size) : value_blob(s->ptr, s->size);
    }
    if (v->type == VT_REAL || (v->type == VT_NUM && v->reals && bit_get(v->reals, row)))
        return value_real(((const double *)v->data)[row]);
    return value_int(((const int64_t *)v->data)[row]);
}

/* The vector as it is when FLAT or CONST, flattened otherwise. */
YODA_MUST_CHECK yoda_status lane_vector(struct eval *eval, const struct vector *in,
                                        struct vector *out, yoda_error *err);
/* All arguments of a call as lanes, [e->arg_count] in the arena. */
YODA_MUST_CHECK yoda_status lane_vectors(const struct eval_call *call, struct vector **out);

/* Rows being written, one value at a time or straight into the arrays. */
struct lane_writer {
    enum vtype type;
    uint32_t rows;
    union {
        void *data;
        int64_t *i;
        double *r;
        struct strref *s;
    };
    uint64_t *nulls, *reals; /* zeroed; reals only for VT_NUM */
    bool any_null;
};
YODA_MUST_CHECK yoda_status lane_writer_init(struct lane_writer *w, struct arena *arena,
                                             enum vtype type, uint32_t rows, yoda_error *err);
/* The value's class must fit the writer's type, or be NULL. */
void lane_writer_put(struct lane_writer *w, uint32_t row, const struct value *value);
static inline void lane_writer_null(struct lane_writer *w, uint32_t row)
{
    bit_set(w->nulls, row);
    w->any_null = true;
}
void lane_writer_finish(const struct lane_writer *w, struct vector *out);

/* ---- Making vectors ------------------------------------------------------------------------- */

/* Scratch memory; NULL with the error already written: return YODA_NOMEM. */
YODA_MUST_CHECK void *eval_alloc(struct eval *eval, size_t size, yoda_error *err);
/* Zeroed bitmap over rows. */
YODA_MUST_CHECK yoda_status eval_bitmap(struct eval *eval, uint32_t rows, uint64_t **out,
                                        yoda_error *err);
void eval_null_vector(uint32_t rows, struct vector *out);
/* 0 / 1 rows. nulls may be NULL. */
void eval_bits_vector(uint32_t rows, const uint64_t *bits, const uint64_t *nulls,
                      struct vector *out);
YODA_MUST_CHECK yoda_status eval_constant(struct eval *eval, const struct value *value,
                                          enum vtype type, uint32_t rows, struct vector *out,
                                          yoda_error *err);
/* Rows NULL in any argument: a bitmap over rows, or NULL when there is none. */
YODA_MUST_CHECK yoda_status eval_merge_nulls(const struct eval_call *call, const uint64_t **out);
/* The NULL rows of one vector in the same form, whatever its form. */
YODA_MUST_CHECK yoda_status eval_nulls(struct eval *eval, const struct vector *v, uint32_t rows,
                                       const uint64_t **out, yoda_error *err);

/* ---- Evaluators by kind --------------------------------------------------------------------- */

YODA_MUST_CHECK yoda_status eval_arithmetic(const struct eval_call *call, struct vector *out);
YODA_MUST_CHECK yoda_status eval_negate(const struct eval_call *call, struct vector *out);
YODA_MUST_CHECK yoda_status eval_bit_not(const struct eval_call *call, struct vector *out);
YODA_MUST_CHECK yoda_status eval_concat(const struct eval_call *call, struct vector *out);
YODA_MUST_CHECK yoda_status eval_compare(const struct eval_call *call, struct vector *out);
YODA_MUST_CHECK yoda_status eval_in(const struct eval_call *call, struct vector *out);
YODA_MUST_CHECK yoda_status eval_cast(const struct eval_call *call, struct vector *out);
YODA_MUST_CHECK yoda_status eval_like(const struct eval_call *call, struct vector *out);
YODA_MUST_CHECK yoda_status eval_is_null(const struct eval_call *call, struct vector *out);
YODA_MUST_CHECK yoda_status eval_not(const struct eval_call *call, struct vector *out);

/* Rows a vector calls true, NULL rows excluded, and its NULL rows (NULL: none). */
YODA_MUST_CHECK yoda_status eval_truth(struct eval *eval, const struct vector *v, uint32_t rows,
                                       const uint64_t **truth, const uint64_t **nulls,
                                       yoda_error *err);
/* Those that evaluate their arguments themselves. */
YODA_MUST_CHECK yoda_status eval_and_or(const struct expr *e, struct eval *eval,
                                        const struct row_set *in, struct vector *out,
                                        yoda_error *err);
YODA_MUST_CHECK yoda_status eval_case(const struct expr *e, struct eval *eval,
                                      const struct row_set *in, struct vector *out,
                                      yoda_error *err);
YODA_MUST_CHECK yoda_status eval_coalesce(const struct expr *e, struct eval *eval,
                                          const struct row_set *in, struct vector *out,
                                          yoda_error *err);

/* The text SQLite gives a number; bytes otherwise unchanged. */
YODA_MUST_CHECK yoda_status eval_value_text(struct arena *arena, const struct value *in,
                                            struct value *out, yoda_error *err);

#endif
