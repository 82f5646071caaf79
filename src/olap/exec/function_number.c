/*
 * function_number.c -- functions of numbers and of values of any class.
 */
#include "olap/exec/function.h"

#include "olap/exec/numeric_text.h"

FUNCTION_SCALAR(abs)
{
    ASSERT(count == 1);
    YODA_UNUSED(count);
    *out = args[0];
    if (out->type == YODA_REAL) {
        if (out->r < 0)
            out->r = -out->r;
        return YODA_OK;
    }
    if (out->i == INT64_MIN)
        return fail(row->err, YODA_NOT_COLUMNAR, "integer overflow in abs()");
    if (out->i < 0)
        out->i = -out->i;
    return YODA_OK;
}

/* sqlite3_value_int: the low 32 bits. */
static int value_int32(const struct value *v)
{
    return (int)(int32_t)(uint32_t)(uint64_t)v->i;
}

FUNCTION_SCALAR(round)
{
    YODA_UNUSED(row);
    int digits = count == 2 ? value_int32(&args[1]) : 0;
    digits = digits < 0 ? 0 : digits > 30 ? 30 : digits;
    *out = value_real(expr_number_text()->round_real(args[0].r, digits));
    return YODA_OK;
}

FUNCTION_SCALAR(sign)
{
    YODA_UNUSED(row);
    YODA_UNUSED(count);
    struct value v = numeric_text_affinity(args[0]);
    if (v.type == YODA_INTEGER)
        *out = value_int((v.i > 0) - (v.i < 0));
    else if (v.type == YODA_REAL)
        *out = value_int((v.r > 0) - (v.r < 0));
    else
        *out = value_null();
    return YODA_OK;
}

/* min keeps the later of equal values, max the earlier one. */
FUNCTION_SCALAR(min_max)
{
    bool max = row->e->function->name[1] == 'a';
    *out = args[0];
    for (uint32_t i = 1; i < count; i++) {
        int order = value_compare(out, &args[i], row->e->compare_collation);
        if (max ? order < 0 : order >= 0)
            *out = args[i];
    }
    return YODA_OK;
}

/* '-0' and '-x' are the INTEGER 0 beside an INTEGER but the REAL -0.0 beside a REAL. */
FUNCTION_SCALAR(number)
{
    YODA_UNUSED(count);
    *out = args[0];
    if (args[0].type != YODA_TEXT && args[0].type != YODA_BLOB)
        return YODA_OK;
    *out = numeric_text_operand(args[0].p, args[0].size);
    if (out->type == YODA_INTEGER && out->i == 0 && args[0].size > 0 &&
        memchr(args[0].p, '-', args[0].size))
        return fail(row->err, YODA_NOT_COLUMNAR, "arithmetic on a text that may be minus zero");
    return YODA_OK;
}

FUNCTION_SCALAR(typeof)
{
    static const char *const names[] = {"", "integer", "real", "text", "blob", "null"};
    YODA_UNUSED(row);
    YODA_UNUSED(count);
    const char *name = names[args[0].type];
    *out = value_text(name, strlen(name));
    return YODA_OK;
}

/* The first argument, NULL where it equals the second; no affinity. */
yoda_status function_nullif(const struct eval_call *call, struct vector *out)
{
    struct vector *lanes;
    struct lane_writer w;
    TRY(lane_vectors(call, &lanes));
    TRY(lane_writer_init(&w, call->eval->arena, call->e->type, call->rows, call->err));
    for (uint32_t row = 0; row < call->rows; row++) {
        struct value a = lane_value(&lanes[0], row), b = lane_value(&lanes[1], row);
        if (value_compare(&a, &b, call->e->compare_collation) == 0)
            a = value_null();
        lane_writer_put(&w, row, &a);
    }
    lane_writer_finish(&w, out);
    return YODA_OK;
}

/* IS [NOT] TRUE and IS [NOT] FALSE: never NULL. */
yoda_status function_is_true(const struct eval_call *call, struct vector *out)
{
    const char *name = call->e->function->name;
    bool not = strstr(name, "not") != NULL, is_false = strstr(name, "false") != NULL;
    const uint64_t *truth, *nulls;
    uint64_t *bits;
    size_t words = BITMAP_WORDS(call->rows);
    TRY(eval_truth(call->eval, &call->args[0], call->rows, &truth, &nulls, call->err));
    TRY(eval_bitmap(call->eval, call->rows, &bits, call->err));
    bitmap_fill(bits, call->rows);
    if (is_false != not) { /* IS FALSE and IS NOT TRUE: rows that are not true */
        kernels()->andnot_words(bits, truth, words, bits);
        if (is_false && nulls)
            kernels()->andnot_words(bits, nulls, words, bits);
    } else {
        memcpy(bits, truth, words * sizeof *bits);
        if (is_false && nulls) /* IS NOT FALSE */
            kernels()->or_words(bits, nulls, words, bits);
    }
    eval_bits_vector(call->rows, bits, NULL, out);
    return YODA_OK;
}
