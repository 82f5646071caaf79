/*
 * eval_logic.c -- three-valued logic on bitmaps: AND, OR, NOT, IS NULL, and what counts as true.
 *
 * A truth value is two bitmaps: truth (true rows) and nulls (NULL rows, NULL pointer: none); the
 * two never overlap. The right side of AND and OR is not evaluated when the left decides every row,
 * unless it could be an error: SQLite evaluates both sides where it wants the value, and not where
 * it jumps, so then it is for SQLite to say.
 */
#include "olap/exec/eval.h"

#include "olap/exec/numeric_text.h"

static bool value_truth(const struct value *v)
{
    switch (v->type) {
    case YODA_NULL:
        return false;
    case YODA_INTEGER:
        return v->i != 0;
    case YODA_REAL:
        return v->r != 0.0;
    default:
        return expr_number_text()->text_to_real(v->p, v->size) != 0.0;
    }
}

/* Rows that are not zero, NULL rows not yet taken out. */
static void nonzero_rows(const struct vector *v, uint32_t rows, uint64_t *bits)
{
    if (v->form == VF_FLAT && v->type == VT_INT) {
        kernels()->compare_i64_c(v->data, 0, rows, KC_NE, bits);
        return;
    }
    if (v->form == VF_FLAT && v->type == VT_REAL) {
        kernels()->compare_f64_c(v->data, 0.0, rows, KC_NE, bits);
        return;
    }
    memset(bits, 0, BITMAP_WORDS(rows) * sizeof *bits);
    for (uint32_t row = 0; row < rows; row++) {
        struct value value = lane_value(v, row);
        if (value_truth(&value))
            bit_set(bits, row);
    }
}

yoda_status eval_truth(struct eval *eval, const struct vector *v, uint32_t rows,
                       const uint64_t **truth, const uint64_t **nulls, yoda_error *err)
{
    uint64_t *bits;
    TRY(eval_nulls(eval, v, rows, nulls, err));
    if (v->form == VF_BITS && !*nulls) {
        *truth = v->data;
        return YODA_OK;
    }
    TRY(eval_bitmap(eval, rows, &bits, err));
    *truth = bits;
    if (v->form == VF_CONST) {
        struct value value = lane_value(v, 0);
        if (value_truth(&value))
            bitmap_fill(bits, rows);
        return YODA_OK;
    }
    const uint64_t *source = bits;
    if (v->form == VF_BITS) {
        source = v->data;
    } else {
        struct vector flat;
        TRY(lane_vector(eval, v, &flat, err));
        nonzero_rows(&flat, rows, bits);
    }
    if (*nulls)
        kernels()->andnot_words(source, *nulls, BITMAP_WORDS(rows), bits);
    return YODA_OK;
}

/* One side as two bitmaps. */
struct side {
    const uint64_t *truth, *nulls;
};

static yoda_status side_eval(const struct expr *e, struct eval *eval, const struct row_set *in,
                             struct side *out, yoda_error *err)
{
    struct vector v;
    TRY(expr_eval(e, eval, in, &v, err));
    return eval_truth(eval, &v, in->rows, &out->truth, &out->nulls, err);
}

/* Does the left side alone decide every row: all false under AND, all true under OR? */
static bool decided(const struct expr *e, const struct side *left, uint32_t rows)
{
    if (e->args[1]->raises)
        return false;
    size_t set = kernels()->count_words(left->truth, BITMAP_WORDS(rows));
    if (e->kind == EXPR_OR)
        return set == rows;
    return set == 0 &&
           (!left->nulls || kernels()->count_words(left->nulls, BITMAP_WORDS(rows)) == 0);
}

/* true AND: a & b. NULL: where neither side is false and one is NULL. */
static void and_words(const struct side *a, const struct side *b, size_t words, uint64_t *truth,
                      uint64_t *nulls)
{
    for (size_t i = 0; i < words; i++) {
        uint64_t na = a->nulls ? a->nulls[i] : 0, nb = b->nulls ? b->nulls[i] : 0;
        truth[i] = a->truth[i] & b->truth[i];
        nulls[i] = (na | nb) & (a->truth[i] | na) & (b->truth[i] | nb);
    }
}

static void or_words(const struct side *a, const struct side *b, size_t words, uint64_t *truth,
                     uint64_t *nulls)
{
    for (size_t i = 0; i < words; i++) {
        uint64_t na = a->nulls ? a->nulls[i] : 0, nb = b->nulls ? b->nulls[i] : 0;
        truth[i] = a->truth[i] | b->truth[i];
        nulls[i] = (na | nb) & ~truth[i];
    }
}

yoda_status eval_and_or(const struct expr *e, struct eval *eval, const struct row_set *in,
                        struct vector *out, yoda_error *err)
{
    struct side a, b;
    uint64_t *truth, *nulls;
    TRY(side_eval(e->args[0], eval, in, &a, err));
    if (decided(e, &a, in->rows)) {
        eval_bits_vector(in->rows, a.truth, NULL, out);
        return YODA_OK;
    }
    TRY(side_eval(e->args[1], eval, in, &b, err));
    TRY(eval_bitmap(eval, in->rows, &truth, err));
    TRY(eval_bitmap(eval, in->rows, &nulls, err));
    size_t words = BITMAP_WORDS(in->rows);
    if (e->kind == EXPR_AND)
        and_words(&a, &b, words, truth, nulls);
    else
        or_words(&a, &b, words, truth, nulls);
    eval_bits_vector(in->rows, truth, a.nulls || b.nulls ? nulls : NULL, out);
    return YODA_OK;
}

yoda_status eval_not(const struct eval_call *call, struct vector *out)
{
    const uint64_t *truth, *nulls;
    uint64_t *bits;
    TRY(eval_truth(call->eval, &call->args[0], call->rows, &truth, &nulls, call->err));
    TRY(eval_bitmap(call->eval, call->rows, &bits, call->err));
    bitmap_fill(bits, call->rows);
    kernels()->andnot_words(bits, truth, BITMAP_WORDS(call->rows), bits);
    eval_bits_vector(call->rows, bits, nulls, out);
    return YODA_OK;
}

yoda_status eval_is_null(const struct eval_call *call, struct vector *out)
{
    const uint64_t *nulls;
    uint64_t *bits;
    TRY(eval_nulls(call->eval, &call->args[0], call->rows, &nulls, call->err));
    TRY(eval_bitmap(call->eval, call->rows, &bits, call->err));
    if (call->e->negated)
        bitmap_fill(bits, call->rows);
    if (nulls && call->e->negated)
        kernels()->andnot_words(bits, nulls, BITMAP_WORDS(call->rows), bits);
    else if (nulls)
        memcpy(bits, nulls, BITMAP_WORDS(call->rows) * sizeof *bits);
    eval_bits_vector(call->rows, bits, NULL, out);
    return YODA_OK;
}
