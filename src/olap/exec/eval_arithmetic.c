/*
 * eval_arithmetic.c -- + - * / % & | << >>, unary - and ~, and ||.
 *
 * INTEGER   kernels; an overflow, which SQLite turns into a REAL, refuses the run. A kernel also
 *           sees the lanes of NULL rows: when it reports an overflow the rows are looked at one by
 *           one.
 * REAL      kernels; NaN becomes NULL.
 * NUM       each row has its own class. + - * run on doubles for all rows at once as long as every
 *           INTEGER among operands and results stays below 2^53, where doubles are exact;
 *           otherwise, and for / and %, row by row.
 */
#include "olap/exec/eval.h"

#include "olap/exec/numeric_text.h"

#include <math.h>

#define EXACT_INT_MAX 9007199254740992.0 /* 2^53, also what 2^53 + 1 rounds to */

static yoda_status overflow(yoda_error *err)
{
    return fail(err, YODA_NOT_COLUMNAR, "integer overflow turns into REAL");
}

/* ---- One row -------------------------------------------------------------------------------- */

/* INTEGER op INTEGER; false when SQLite goes on with doubles. */
static bool int_row(enum expr_op op, int64_t a, int64_t b, struct value *out)
{
    int64_t r = 0;
    bool fits = true;
    switch (op) {
    case OP_ADD:
        fits = !__builtin_add_overflow(a, b, &r);
        break;
    case OP_SUB:
        fits = !__builtin_sub_overflow(a, b, &r);
        break;
    case OP_MUL:
        fits = !__builtin_mul_overflow(a, b, &r);
        break;
    default: /* OP_DIV, OP_MOD */
        if (b == 0) {
            *out = value_null();
            return true;
        }
        if (op == OP_MOD)
            r = b == -1 ? 0 : a % b;
        else if (a == INT64_MIN && b == -1)
            fits = false;
        else
            r = a / b;
    }
    *out = value_int(r);
    return fits;
}

static struct value real_row(enum expr_op op, double a, double b)
{
    double r;
    switch (op) {
    case OP_ADD:
        r = a + b;
        break;
    case OP_SUB:
        r = a - b;
        break;
    case OP_MUL:
        r = a * b;
        break;
    case OP_DIV:
        if (b == 0.0)
            return value_null();
        r = a / b;
        break;
    default: { /* OP_MOD works on integers and gives a REAL */
        struct value v;
        (void)int_row(OP_MOD, numeric_real_to_int(a), numeric_real_to_int(b), &v);
        if (v.type == YODA_NULL)
            return v;
        r = (double)v.i;
    }
    }
    return isnan(r) ? value_null() : value_real(r);
}

static double value_as_real(const struct value *v)
{
    return v->type == YODA_INTEGER ? (double)v->i : v->r;
}

/* % casts each operand by itself: an INTEGER beyond 2^53 must not pass through a double. */
static struct value mixed_mod(const struct value *a, const struct value *b)
{
    int64_t i = a->type == YODA_INTEGER ? a->i : numeric_real_to_int(a->r);
    int64_t j = b->type == YODA_INTEGER ? b->i : numeric_real_to_int(b->r);
    struct value v;
    (void)int_row(OP_MOD, i, j, &v);
    return v.type == YODA_NULL ? v : value_real((double)v.i);
}

static struct value any_row(enum expr_op op, const struct value *a, const struct value *b,
                            bool *overflowed)
{
    struct value v;
    if (a->type == YODA_NULL || b->type == YODA_NULL)
        return value_null();
    if (a->type == YODA_INTEGER && b->type == YODA_INTEGER) {
        if (int_row(op, a->i, b->i, &v))
            return v;
        *overflowed = true;
    } else if (op == OP_MOD) {
        return mixed_mod(a, b);
    }
    return real_row(op, value_as_real(a), value_as_real(b));
}

/* Every op and class, row by row. */
static yoda_status arithmetic_rows(const struct eval_call *call, const struct vector *lanes,
                                   struct vector *out)
{
    struct lane_writer w;
    bool overflowed = false;
    TRY(lane_writer_init(&w, call->eval->arena, call->e->type, call->rows, call->err));
    for (uint32_t row = 0; row < call->rows; row++) {
        struct value a = lane_value(&lanes[0], row), b = lane_value(&lanes[1], row);
        struct value v = any_row(call->e->op, &a, &b, &overflowed);
        if (overflowed && w.type == VT_INT)
            return overflow(call->err);
        lane_writer_put(&w, row, &v);
    }
    lane_writer_finish(&w, out);
    return YODA_OK;
}

/* ---- Whole vectors -------------------------------------------------------------------------- */

/* A FLAT form of a vector with any number of rows: CONST is repeated. */
static yoda_status flat_lanes(const struct eval_call *call, const struct vector *in,
                              struct vector *out)
{
    if (in->form == VF_FLAT) {
        *out = *in;
        return YODA_OK;
    }
    return vector_flatten(in, call->eval->arena, out, call->err);
}

/* INTEGER + - * by kernel; *done false when rows must be looked at. */
static yoda_status int_vectors(const struct eval_call *call, const struct vector *lanes, bool *done,
                               struct vector *out)
{
    const struct kernels *k = kernels();
    const uint64_t *nulls;
    struct vector a, b;
    int64_t *r = eval_alloc(call->eval, call->rows * sizeof *r, call->err);
    if (!r)
        return YODA_NOMEM;
    TRY(flat_lanes(call, &lanes[0], &a));
    TRY(flat_lanes(call, &lanes[1], &b));
    TRY(eval_merge_nulls(call, &nulls));
    enum expr_op op = call->e->op;
    *done = op == OP_ADD   ? k->add_i64(a.data, b.data, call->rows, r)
            : op == OP_SUB ? k->sub_i64(a.data, b.data, call->rows, r)
                           : k->mul_i64(a.data, b.data, call->rows, r);
    *out = (struct vector){
        .type = VT_INT, .form = VF_FLAT, .count = call->rows, .data = r, .nulls = nulls};
    return YODA_OK;
}

/* Doubles of a flat INT or REAL vector. */
static yoda_status as_doubles(const struct eval_call *call, const struct vector *in,
                              const double **out)
{
    struct vector flat;
    TRY(flat_lanes(call, in, &flat));
    *out = flat.data;
    if (flat.type == VT_REAL)
        return YODA_OK;
    ASSERT(flat.type == VT_INT);
    double *r = eval_alloc(call->eval, call->rows * sizeof *r, call->err);
    if (!r)
        return YODA_NOMEM;
    kernels()->convert_i64_f64(flat.data, call->rows, r);
    *out = r;
    return YODA_OK;
}

/* Add the rows set in bits to *nulls, if there are any. */
static yoda_status add_nulls(const struct eval_call *call, const uint64_t *bits,
                             const uint64_t **nulls)
{
    size_t words = BITMAP_WORDS(call->rows);
    uint64_t *merged;
    if (kernels()->count_words(bits, words) == 0)
        return YODA_OK;
    TRY(eval_bitmap(call->eval, call->rows, &merged, call->err));
    if (*nulls)
        kernels()->or_words(bits, *nulls, words, merged);
    else
        memcpy(merged, bits, words * sizeof *bits);
    *nulls = merged;
    return YODA_OK;
}

static void f64_op(enum expr_op op, const double *a, const double *b, size_t n, double *r)
{
    const struct kernels *k = kernels();
    if (op == OP_ADD)
        k->add_f64(a, b, n, r);
    else if (op == OP_SUB)
        k->sub_f64(a, b, n, r);
    else if (op == OP_MUL)
        k->mul_f64(a, b, n, r);
    else
        k->div_f64(a, b, n, r);
}

/* REAL + - * / by kernel: operands INT or REAL. */
static yoda_status real_vectors(const struct eval_call *call, const struct vector *lanes,
                                struct vector *out)
{
    const double *a, *b;
    const uint64_t *nulls;
    uint64_t *bits;
    double *r = eval_alloc(call->eval, call->rows * sizeof *r, call->err);
    if (!r)
        return YODA_NOMEM;
    TRY(eval_bitmap(call->eval, call->rows, &bits, call->err));
    TRY(as_doubles(call, &lanes[0], &a));
    TRY(as_doubles(call, &lanes[1], &b));
    TRY(eval_merge_nulls(call, &nulls));
    f64_op(call->e->op, a, b, call->rows, r);
    kernels()->nan_f64(r, call->rows, bits);
    TRY(add_nulls(call, bits, &nulls));
    if (call->e->op == OP_DIV) {
        kernels()->compare_f64_c(b, 0.0, call->rows, KC_EQ, bits);
        TRY(add_nulls(call, bits, &nulls));
    }
    *out = (struct vector){
        .type = VT_REAL, .form = VF_FLAT, .count = call->rows, .data = r, .nulls = nulls};
    return YODA_OK;
}

/* ---- NUM on doubles ------------------------------------------------------------------------- */

/* A NUM, INT or REAL vector as doubles, and which of them are REAL. */
struct doubles {
    double *values;
    uint64_t *reals;
    bool exact; /* every INTEGER is below 2^53 */
};

/* Codes of a decimal-scaled vector whose every number is exact as a double. */
static bool small_codes(const struct vector *v)
{
    const int64_t limit = INT64_C(1) << 49;
    return v->form == VF_CODES && v->code_width <= 4 && v->base > -limit && v->base < limit;
}

static double power_of_ten(unsigned scale)
{
    double p = 1;
    while (scale-- > 0)
        p *= 10;
    return p;
}

/* (base + code) / 10^scale without a per-row division of integers: a quotient is an INTEGER exactly
 * where the double has no fraction, since numerators stay below 2^50. */
static yoda_status doubles_of_codes(const struct eval_call *call, const struct vector *v,
                                    struct doubles *out)
{
    const struct kernels *k = kernels();
    int64_t *codes = eval_alloc(call->eval, call->rows * sizeof *codes, call->err);
    if (!codes)
        return YODA_NOMEM;
    if (v->code_width == 1)
        k->widen_u8(v->data, call->rows, v->base, codes);
    else if (v->code_width == 2)
        k->widen_u16(v->data, call->rows, v->base, codes);
    else
        k->widen_u32(v->data, call->rows, v->base, codes);
    k->divide_i64_f64(codes, call->rows, power_of_ten(v->scale), out->values);
    out->exact = true;
    for (uint32_t row = 0; row < call->rows; row += 64) {
        uint32_t n = call->rows - row < 64 ? call->rows - row : 64;
        uint64_t word = 0;
        for (uint32_t i = 0; i < n; i++) {
            double value = out->values[row + i];
            word |= (uint64_t)(value != (double)(int64_t)value) << i;
        }
        out->reals[row >> 6] = word;
    }
    return YODA_OK;
}

static void doubles_of_lanes(const struct vector *flat, uint32_t rows, struct doubles *out)
{
    const int64_t *data = flat->data;
    bool wide = false;
    for (uint32_t row = 0; row < rows; row++) {
        double d;
        memcpy(&d, &data[row], sizeof d);
        bool real = flat->reals && bit_get(flat->reals, row);
        double converted = (double)data[row];
        wide |= !real && (converted >= EXACT_INT_MAX || converted <= -EXACT_INT_MAX);
        out->values[row] = real ? d : converted;
    }
    if (flat->reals)
        memcpy(out->reals, flat->reals, BITMAP_WORDS(rows) * sizeof *out->reals);
    out->exact = !wide;
}

static yoda_status doubles_init(const struct eval_call *call, const struct vector *v,
                                struct doubles *out)
{
    out->values = eval_alloc(call->eval, call->rows * sizeof *out->values, call->err);
    if (!out->values)
        return YODA_NOMEM;
    TRY(eval_bitmap(call->eval, call->rows, &out->reals, call->err));
    if (v->type == VT_NUM && small_codes(v))
        return doubles_of_codes(call, v, out);
    struct vector flat;
    TRY(flat_lanes(call, v, &flat));
    if (v->type == VT_REAL) {
        memcpy(out->values, flat.data, call->rows * sizeof *out->values);
        bitmap_fill(out->reals, call->rows);
        out->exact = true;
        return YODA_OK;
    }
    doubles_of_lanes(&flat, call->rows, out);
    return YODA_OK;
}

/* Store the INTEGER rows of d as integers in place; false when one reaches 2^53. */
static bool integers_in_place(const struct doubles *d, uint32_t rows)
{
    bool wide = false;
    for (uint32_t row = 0; row < rows; row++) {
        if (bit_get(d->reals, row))
            continue;
        double value = d->values[row];
        if (!(value < EXACT_INT_MAX && value > -EXACT_INT_MAX)) {
            wide = true;
            break;
        }
        int64_t i = (int64_t)value;
        memcpy(&d->values[row], &i, sizeof i);
    }
    return !wide;
}

/* + - * where an operand is NUM; *done false when rows must be looked at. */
static yoda_status num_vectors(const struct eval_call *call, bool *done, struct vector *out)
{
    struct doubles a, b;
    const uint64_t *nulls;
    uint64_t *bits;
    *done = false;
    TRY(doubles_init(call, &call->args[0], &a));
    TRY(doubles_init(call, &call->args[1], &b));
    if (!a.exact || !b.exact)
        return YODA_OK;
    TRY(eval_merge_nulls(call, &nulls));
    TRY(eval_bitmap(call->eval, call->rows, &bits, call->err));
    f64_op(call->e->op, a.values, b.values, call->rows, a.values);
    kernels()->nan_f64(a.values, call->rows, bits);
    TRY(add_nulls(call, bits, &nulls));
    *out = (struct vector){.type = call->e->type,
                           .form = VF_FLAT,
                           .count = call->rows,
                           .data = a.values,
                           .nulls = nulls};
    *done = true;
    if (call->e->type == VT_REAL)
        return YODA_OK;
    kernels()->or_words(a.reals, b.reals, BITMAP_WORDS(call->rows), a.reals);
    out->reals = a.reals;
    *done = integers_in_place(&a, call->rows);
    return YODA_OK;
}

/* ---- Bits ----------------------------------------------------------------------------------- */

static int64_t shift_left(int64_t a, int64_t by)
{
    if (by < 0) { /* the other direction; the count saturates */
        uint64_t count = by > -64 ? (uint64_t)-by : 64;
        if (count >= 64)
            return a < 0 ? -1 : 0;
        return a >> count;
    }
    return by >= 64 ? 0 : (int64_t)((uint64_t)a << by);
}

static int64_t shift_right(int64_t a, int64_t by)
{
    if (by < 0)
        return by > -64 ? (int64_t)((uint64_t)a << -by) : 0;
    return by >= 64 ? (a < 0 ? -1 : 0) : a >> by;
}

static yoda_status bit_vectors(const struct eval_call *call, const struct vector *lanes,
                               struct vector *out)
{
    const uint64_t *nulls;
    struct vector a, b;
    int64_t *r = eval_alloc(call->eval, call->rows * sizeof *r, call->err);
    if (!r)
        return YODA_NOMEM;
    TRY(flat_lanes(call, &lanes[0], &a));
    TRY(flat_lanes(call, &lanes[1], &b));
    TRY(eval_merge_nulls(call, &nulls));
    const int64_t *x = a.data, *y = b.data;
    for (uint32_t row = 0; row < call->rows; row++) {
        switch (call->e->op) {
        case OP_BIT_AND:
            r[row] = x[row] & y[row];
            break;
        case OP_BIT_OR:
            r[row] = x[row] | y[row];
            break;
        case OP_SHIFT_LEFT:
            r[row] = shift_left(x[row], y[row]);
            break;
        default:
            r[row] = shift_right(x[row], y[row]);
        }
    }
    *out = (struct vector){
        .type = VT_INT, .form = VF_FLAT, .count = call->rows, .data = r, .nulls = nulls};
    return YODA_OK;
}

/* ---- Entry points --------------------------------------------------------------------------- */

yoda_status eval_arithmetic(const struct eval_call *call, struct vector *out)
{
    const struct expr *e = call->e;
    enum vtype a = call->args[0].type, b = call->args[1].type;
    bool num = a == VT_NUM || b == VT_NUM, simple = e->op <= OP_MUL, done = false;
    struct vector *lanes;
    if (simple && num) {
        TRY(num_vectors(call, &done, out));
        if (done)
            return YODA_OK;
    }
    TRY(lane_vectors(call, &lanes));
    if (e->op >= OP_BIT_AND)
        return bit_vectors(call, lanes, out);
    if (simple && e->type == VT_INT) {
        TRY(int_vectors(call, lanes, &done, out));
        if (done)
            return YODA_OK;
    }
    if (e->type == VT_REAL && !num && e->op <= OP_DIV)
        return real_vectors(call, lanes, out);
    return arithmetic_rows(call, lanes, out);
}

/* SQLite computes 0 - x. */
yoda_status eval_negate(const struct eval_call *call, struct vector *out)
{
    struct vector *lanes;
    struct lane_writer w;
    bool overflowed = false;
    TRY(lane_vectors(call, &lanes));
    TRY(lane_writer_init(&w, call->eval->arena, call->e->type, call->rows, call->err));
    const struct value zero = value_int(0);
    for (uint32_t row = 0; row < call->rows; row++) {
        struct value a = lane_value(lanes, row), v = any_row(OP_SUB, &zero, &a, &overflowed);
        if (overflowed && w.type == VT_INT)
            return overflow(call->err);
        lane_writer_put(&w, row, &v);
    }
    lane_writer_finish(&w, out);
    return YODA_OK;
}

yoda_status eval_bit_not(const struct eval_call *call, struct vector *out)
{
    struct vector flat;
    const uint64_t *nulls;
    int64_t *r = eval_alloc(call->eval, call->rows * sizeof *r, call->err);
    if (!r)
        return YODA_NOMEM;
    TRY(flat_lanes(call, &call->args[0], &flat));
    TRY(eval_merge_nulls(call, &nulls));
    for (uint32_t row = 0; row < call->rows; row++)
        r[row] = ~((const int64_t *)flat.data)[row];
    *out = (struct vector){
        .type = VT_INT, .form = VF_FLAT, .count = call->rows, .data = r, .nulls = nulls};
    return YODA_OK;
}

/* Operands are TEXT already; embedded NULs are kept. */
yoda_status eval_concat(const struct eval_call *call, struct vector *out)
{
    struct vector *lanes;
    struct lane_writer w;
    TRY(lane_vectors(call, &lanes));
    TRY(lane_writer_init(&w, call->eval->arena, VT_TEXT, call->rows, call->err));
    for (uint32_t row = 0; row < call->rows; row++) {
        struct value a = lane_value(&lanes[0], row), b = lane_value(&lanes[1], row);
        if (a.type == YODA_NULL || b.type == YODA_NULL) {
            lane_writer_null(&w, row);
            continue;
        }
        size_t size = (size_t)a.size + b.size;
        if (size > 1000000000)
            return fail(call->err, YODA_NOT_COLUMNAR, "text past a gigabyte");
        char *text = eval_alloc(call->eval, size, call->err);
        if (!text)
            return YODA_NOMEM;
        if (a.size)
            memcpy(text, a.p, a.size);
        if (b.size)
            memcpy(text + a.size, b.p, b.size);
        w.s[row] = (struct strref){.ptr = text, .size = (uint32_t)size};
    }
    lane_writer_finish(&w, out);
    return YODA_OK;
}
