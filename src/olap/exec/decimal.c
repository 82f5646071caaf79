/* decimal.c -- compiling and evaluating decimal expressions; see decimal.h. */
#include "olap/exec/decimal.h"

#include "olap/exec/flat_vector.h"
#include "olap/exec/pipeline.h"
#include "olap/kernel/kernel.h"

#include <math.h>

#define CONSTANT_SCALE_MAX 9
#define M_MAX (INT64_C(1) << 61)              /* of any node */
#define SUM_MAX (INT64_MAX / 2 / VECTOR_ROWS) /* of what is summed */
/* Of sums that may be INTEGER: the bound over billions of rows stays clear of an overflow. */
#define INTEGER_MAX (INT64_C(1) << 31)

/* clang-format off */
static const int64_t power10[DECIMAL_SCALE_MAX + 1] = {
    1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000, 10000000000,
    100000000000, 1000000000000, 10000000000000, 100000000000000, 1000000000000000};
/* clang-format on */

/* ---- Compiling ---- */

/* The fewest digits that give the very bits of r back. */
static bool of_real(double r, int64_t *m, uint8_t *scale)
{
    for (uint8_t s = 0; s <= CONSTANT_SCALE_MAX; s++) {
        double scaled = nearbyint(r * (double)power10[s]);
        if (!(fabs(scaled) < 0x1p53))
            return false;
        if (scaled / (double)power10[s] == r) {
            *m = (int64_t)scaled;
            *scale = s;
            return true;
        }
    }
    return false;
}

static bool of_constant(const struct value *value, struct decimal_node *node)
{
    node->kind = DECIMAL_CONSTANT;
    node->real = value->type == YODA_REAL;
    if (value->type == YODA_REAL)
        return of_real(value->r, &node->constant, &node->scale);
    node->constant = value->i;
    return value->type == YODA_INTEGER && value->i < M_MAX && value->i > -M_MAX;
}

static uint8_t add_node(struct decimal_program *program, const struct decimal_node *node)
{
    if (program->count == DECIMAL_NODES)
        return DECIMAL_NONE;
    program->nodes[program->count] = *node;
    return (uint8_t)program->count++;
}

static uint8_t compile_operation(struct decimal_program *program, expr_ref e, enum expr_op op,
                                 expr_ref left, expr_ref right)
{
    struct decimal_node node = {.kind = DECIMAL_OPERATION, .op = op, .expr = e};
    const struct decimal_node zero = {.kind = DECIMAL_CONSTANT};
    node.a = left ? decimal_compile(program, left) : add_node(program, &zero);
    if (node.a == DECIMAL_NONE)
        return DECIMAL_NONE;
    node.b = decimal_compile(program, right);
    return node.b == DECIMAL_NONE ? DECIMAL_NONE : add_node(program, &node);
}

uint8_t decimal_compile(struct decimal_program *program, expr_ref e)
{
    for (uint32_t i = 0; i < program->count; i++)
        if (program->nodes[i].expr && expr_equal(program->nodes[i].expr, e))
            return (uint8_t)i;
    if (e->type != VT_INT && e->type != VT_REAL && e->type != VT_NUM)
        return DECIMAL_NONE;
    struct decimal_node node = {.kind = DECIMAL_COLUMN, .expr = e, .slot = e->slot};
    switch (e->kind) {
    case EXPR_INPUT:
        return add_node(program, &node);
    case EXPR_CONST:
        return of_constant(&e->constant, &node) ? add_node(program, &node) : DECIMAL_NONE;
    case EXPR_NEGATE: /* SQLite computes 0 - x */
        return compile_operation(program, e, OP_SUB, NULL, e->args[0]);
    case EXPR_ARITHMETIC:
        if (e->op > OP_MUL)
            return DECIMAL_NONE;
        return compile_operation(program, e, e->op, e->args[0], e->args[1]);
    default:
        return DECIMAL_NONE;
    }
}

/* ---- Numbers ---- */

struct evaluation {
    const struct row_set *in;
    struct arena *arena;
    yoda_error *err;
};

static bool is_constant(const struct decimal *d)
{
    return !d->codes && !d->numbers;
}

static bool set_bounds(struct decimal *d, int128 low, int128 high)
{
    ASSERT(low <= high);
    d->low = (int64_t)low;
    d->high = (int64_t)high;
    d->exact = low > -M_MAX && high < M_MAX;
    return d->exact;
}

static yoda_status new_numbers(const struct evaluation *ev, int64_t **out)
{
    *out = arena_alloc(ev->arena, VECTOR_ROWS * sizeof **out + 64);
    return *out ? YODA_OK : run_nomem(ev->err, "aggregating");
}

static void subtract_codes(const struct decimal *d, uint32_t rows, int64_t *out)
{
    const void *codes = d->codes->data;
    if (d->codes->code_width == 1)
        for (uint32_t i = 0; i < rows; i++)
            out[i] = d->offset - ((const uint8_t *)codes)[i];
    else if (d->codes->code_width == 2)
        for (uint32_t i = 0; i < rows; i++)
            out[i] = d->offset - ((const uint16_t *)codes)[i];
    else
        for (uint32_t i = 0; i < rows; i++)
            out[i] = d->offset - ((const uint32_t *)codes)[i];
}

/* Bring any form into numbers; the node keeps them. */
static yoda_status make_numbers(const struct evaluation *ev, struct decimal *d)
{
    int64_t *out;
    if (d->numbers)
        return YODA_OK;
    TRY(new_numbers(ev, &out));
    if (!d->codes) {
        for (uint32_t i = 0; i < ev->in->rows; i++)
            out[i] = d->offset;
    } else if (d->minus) {
        subtract_codes(d, ev->in->rows, out);
    } else {
        struct vector shifted = *d->codes;
        shifted.base = d->offset;
        vector_widen(&shifted, out);
    }
    d->numbers = out;
    d->codes = NULL;
    return YODA_OK;
}

/* Bounds from the numbers themselves instead of from the width of their codes. */
static yoda_status tighten(const struct evaluation *ev, struct decimal *d)
{
    TRY(make_numbers(ev, d));
    bool any = kernels()->minmax_i64(d->numbers, ev->in->rows, NULL, &d->low, &d->high);
    ASSERT(any);
    YODA_UNUSED(any);
    return YODA_OK;
}

/* ---- Leaves ---- */

static void eval_constant_vector(const struct vector *v, struct decimal *d)
{
    bool real = v->type == VT_REAL || (v->reals && bit_get(v->reals, 0));
    if (vector_is_null(v, 0))
        return;
    d->real = real;
    if (real && !of_real(*(const double *)v->data, &d->offset, &d->scale))
        return;
    if (!real)
        d->offset = *(const int64_t *)v->data;
    (void)set_bounds(d, d->offset, d->offset);
}

static void eval_column(const struct evaluation *ev, uint32_t slot, uint32_t node,
                        struct decimal *d)
{
    const struct vector *v = &ev->in->columns[slot];
    ASSERT(slot < ev->in->column_count);
    if (v->type != VT_INT && v->type != VT_REAL && v->type != VT_NUM)
        return;
    if (v->form == VF_CONST) {
        eval_constant_vector(v, d);
        return;
    }
    d->nulls = v->nulls;
    d->column = v;
    if (v->form == VF_CODES && v->code_width <= 4 && v->scale <= DECIMAL_SCALE_MAX) {
        int64_t largest = v->code_width == 1   ? UINT8_MAX
                          : v->code_width == 2 ? UINT16_MAX
                                               : UINT32_MAX;
        d->codes = v;
        d->offset = v->base;
        d->scale = v->type == VT_INT ? 0 : v->scale;
        d->real = v->type == VT_REAL;
        d->unsure = v->type == VT_NUM && v->scale ? UINT64_C(1) << node : 0;
        (void)set_bounds(d, v->base, (int128)v->base + largest);
    } else if (v->form == VF_FLAT && v->type != VT_REAL && !v->reals) {
        int64_t low, high;
        d->numbers = v->data;
        if (kernels()->minmax_i64(v->data, ev->in->rows, NULL, &low, &high))
            (void)set_bounds(d, low, high);
    }
}

/* ---- Operations ---- */

/* out: its head (scale, classes, NULLs) is set already. */
static yoda_status multiply_constant(const struct evaluation *ev, struct decimal *x, int64_t factor,
                                     struct decimal *out)
{
    int64_t *numbers;
    int128 low = (int128)x->low * factor, high = (int128)x->high * factor;
    if (!set_bounds(out, low < high ? low : high, low < high ? high : low))
        return YODA_OK;
    out->codes = NULL;
    if (is_constant(x)) {
        out->offset = x->offset * factor;
        return YODA_OK;
    }
    TRY(make_numbers(ev, x));
    TRY(new_numbers(ev, &numbers));
    for (uint32_t i = 0; i < ev->in->rows; i++)
        numbers[i] = x->numbers[i] * factor;
    out->numbers = numbers;
    return YODA_OK;
}

/* *x with more digits; what is not exact stays so. */
static yoda_status rescale(const struct evaluation *ev, struct decimal **x, uint8_t scale,
                           struct decimal *room)
{
    uint8_t digits = (uint8_t)(scale - (*x)->scale);
    if (digits == 0)
        return YODA_OK;
    *room = **x;
    room->scale = scale;
    TRY(multiply_constant(ev, *x, power10[digits], room));
    *x = room;
    return YODA_OK;
}

/* x + y or x - y, one constant and the other's numbers not made: only offsets change. */
static bool shift(const struct decimal *x, const struct decimal *y, bool minus, struct decimal *out)
{
    if (x->numbers || y->numbers || (x->codes && y->codes))
        return false;
    out->offset = minus ? x->offset - y->offset : x->offset + y->offset;
    out->codes = x->codes ? x->codes : y->codes;
    out->minus = x->codes ? x->minus : y->minus != minus;
    return true;
}

static yoda_status add(const struct evaluation *ev, struct decimal *x, struct decimal *y,
                       bool minus, struct decimal *out)
{
    struct decimal room[2];
    int64_t *numbers;
    out->scale = x->scale > y->scale ? x->scale : y->scale;
    TRY(rescale(ev, &x, out->scale, &room[0]));
    TRY(rescale(ev, &y, out->scale, &room[1]));
    if (!x->exact || !y->exact)
        return YODA_OK;
    bool fits = minus ? set_bounds(out, (int128)x->low - y->high, (int128)x->high - y->low)
                      : set_bounds(out, (int128)x->low + y->low, (int128)x->high + y->high);
    if (!fits || shift(x, y, minus, out))
        return YODA_OK;
    TRY(make_numbers(ev, x));
    TRY(make_numbers(ev, y));
    TRY(new_numbers(ev, &numbers));
    out->exact = minus ? kernels()->sub_i64(x->numbers, y->numbers, ev->in->rows, numbers)
                       : kernels()->add_i64(x->numbers, y->numbers, ev->in->rows, numbers);
    ASSERT(out->exact);
    out->numbers = numbers;
    return YODA_OK;
}

static bool set_product_bounds(const struct decimal *x, const struct decimal *y,
                               struct decimal *out)
{
    int128 p[] = {(int128)x->low * y->low, (int128)x->low * y->high, (int128)x->high * y->low,
                  (int128)x->high * y->high};
    int128 low = p[0], high = p[0];
    for (size_t i = 1; i < COUNT_OF(p); i++) {
        low = p[i] < low ? p[i] : low;
        high = p[i] > high ? p[i] : high;
    }
    return set_bounds(out, low, high);
}

static yoda_status multiply(const struct evaluation *ev, struct decimal *x, struct decimal *y,
                            struct decimal *out)
{
    int64_t *numbers;
    if (x->scale + y->scale > DECIMAL_SCALE_MAX)
        return YODA_OK;
    out->scale = (uint8_t)(x->scale + y->scale);
    if (is_constant(x))
        return multiply_constant(ev, y, x->offset, out);
    if (is_constant(y))
        return multiply_constant(ev, x, y->offset, out);
    TRY(make_numbers(ev, x));
    TRY(make_numbers(ev, y));
    if (!set_product_bounds(x, y, out)) {
        TRY(tighten(ev, x));
        TRY(tighten(ev, y));
        if (!set_product_bounds(x, y, out))
            return YODA_OK;
    }
    TRY(new_numbers(ev, &numbers));
    out->exact = kernels()->mul_i64(x->numbers, y->numbers, ev->in->rows, numbers);
    ASSERT(out->exact);
    out->numbers = numbers;
    return YODA_OK;
}

static yoda_status merge_nulls(const struct evaluation *ev, const uint64_t *a, const uint64_t *b,
                               const uint64_t **out)
{
    *out = a ? a : b;
    if (!a || !b || a == b)
        return YODA_OK;
    uint64_t *merged = arena_alloc(ev->arena, (VECTOR_WORDS + 1) * sizeof *merged);
    if (!merged)
        return run_nomem(ev->err, "aggregating");
    kernels()->or_words(a, b, BITMAP_WORDS(ev->in->rows), merged);
    *out = merged;
    return YODA_OK;
}

static yoda_status eval_operation(const struct evaluation *ev, const struct decimal_node *node,
                                  struct decimal *nodes, struct decimal *out)
{
    struct decimal *x = &nodes[node->a], *y = &nodes[node->b];
    if (!x->exact || !y->exact)
        return YODA_OK;
    out->real = x->real || y->real;
    out->unsure = x->unsure | y->unsure;
    TRY(merge_nulls(ev, x->nulls, y->nulls, &out->nulls));
    return node->op == OP_MUL ? multiply(ev, x, y, out) : add(ev, x, y, node->op == OP_SUB, out);
}

static bool fits_sum(const struct decimal *d)
{
    int64_t peak = d->high > -d->low ? d->high : -d->low;
    return peak <= SUM_MAX && (d->real || peak / power10[d->scale] <= INTEGER_MAX);
}

static yoda_status eval_root(const struct evaluation *ev, struct decimal *d)
{
    if (!d->exact)
        return YODA_OK;
    TRY(make_numbers(ev, d));
    if (!fits_sum(d)) {
        TRY(tighten(ev, d));
        d->exact = fits_sum(d);
    }
    return YODA_OK;
}

yoda_status decimal_eval(const struct decimal_program *program, const struct row_set *in,
                         uint64_t roots, struct arena *arena, struct decimal *out, yoda_error *err)
{
    struct evaluation ev = {in, arena, err};
    ASSERT(in->rows > 0 && in->rows <= VECTOR_ROWS);
    for (uint32_t i = 0; i < program->count; i++) {
        const struct decimal_node *node = &program->nodes[i];
        out[i] = (struct decimal){.exact = false};
        if (node->kind == DECIMAL_COLUMN) {
            eval_column(&ev, node->slot, i, &out[i]);
        } else if (node->kind == DECIMAL_CONSTANT) {
            out[i] = (struct decimal){.scale = node->scale, .real = node->real};
            out[i].offset = node->constant;
            (void)set_bounds(&out[i], node->constant, node->constant);
        } else {
            TRY(eval_operation(&ev, node, out, &out[i]));
        }
    }
    for (uint64_t left = roots; left; left &= left - 1)
        TRY(eval_root(&ev, &out[bits_lowest(left)]));
    return YODA_OK;
}

/* ---- Classes ---- */

static bool column_is_real(const struct vector *v, uint32_t row)
{
    uint64_t code = v->code_width == 1   ? ((const uint8_t *)v->data)[row]
                    : v->code_width == 2 ? ((const uint16_t *)v->data)[row]
                                         : ((const uint32_t *)v->data)[row];
    return (v->base + (int64_t)code) % power10[v->scale] != 0;
}

bool decimal_is_real(const struct decimal *nodes, const struct decimal *d, uint32_t row)
{
    ASSERT(d->exact);
    if (d->real)
        return true;
    for (uint64_t left = d->unsure; left; left &= left - 1)
        if (column_is_real(nodes[bits_lowest(left)].column, row))
            return true;
    return false;
}

bool decimal_any_real(const struct decimal *nodes, const struct decimal *d, const uint64_t *mask,
                      uint32_t rows)
{
    if (d->real || !d->unsure)
        return d->real;
    for (uint32_t i = 0; i < rows; i++)
        if ((!mask || bit_get(mask, i)) && decimal_is_real(nodes, d, i))
            return true;
    return false;
}
