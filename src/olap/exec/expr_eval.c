/*
 * expr_eval.c -- evaluating an expression over the rows of a row set.
 *
 * Arguments first, then the node, by whole vectors. Two shortcuts apply to every node whose rows
 * depend on its arguments alone:
 *   all arguments CONST               evaluated for one row, the result is CONST
 *   one DICT argument, the rest CONST evaluated once per dictionary entry (and once for NULL) when
 *                                     there are fewer entries than rows, then spread by code
 */
#include "olap/exec/eval.h"
#include "olap/exec/function.h"

static const struct number_text *number_text;

void expr_set_number_text(const struct number_text *functions)
{
    number_text = functions;
}

const struct number_text *expr_number_text(void)
{
    ASSERT(number_text);
    return number_text;
}

static yoda_status apply_node(const struct eval_call *call, struct vector *out)
{
    switch (call->e->kind) {
    case EXPR_NEGATE:
        return eval_negate(call, out);
    case EXPR_BIT_NOT:
        return eval_bit_not(call, out);
    case EXPR_NOT:
        return eval_not(call, out);
    case EXPR_ARITHMETIC:
        return eval_arithmetic(call, out);
    case EXPR_CONCAT:
        return eval_concat(call, out);
    case EXPR_COMPARE:
        return eval_compare(call, out);
    case EXPR_IS_NULL:
        return eval_is_null(call, out);
    case EXPR_IN:
        return eval_in(call, out);
    case EXPR_CAST:
        return eval_cast(call, out);
    case EXPR_LIKE:
        return eval_like(call, out);
    case EXPR_CALL:
        return function_eval(call, out);
    default:
        return fail(call->err, YODA_INTERNAL, "expression kind %d", (int)call->e->kind);
    }
}

/* Evaluate for one row and repeat it. */
static yoda_status apply_once(const struct eval_call *call, struct vector *out)
{
    uint32_t n = call->e->arg_count;
    struct vector *args = eval_alloc(call->eval, n * sizeof *args, call->err);
    if (!args)
        return YODA_NOMEM;
    for (uint32_t i = 0; i < n; i++) {
        args[i] = call->args[i];
        args[i].count = 1;
    }
    struct eval_call one = *call;
    one.args = args;
    one.rows = 1;
    struct vector result;
    TRY(apply_node(&one, &result));
    TRY(lane_vector(call->eval, &result, out, call->err));
    out->form = VF_CONST;
    out->count = call->rows;
    return YODA_OK;
}

static uint32_t dict_code(const struct vector *v, uint32_t row)
{
    switch (v->code_width) {
    case 1:
        return ((const uint8_t *)v->data)[row];
    case 2:
        return ((const uint16_t *)v->data)[row];
    default:
        return ((const uint32_t *)v->data)[row];
    }
}

/* The dictionary as a vector, with one more row for NULL. */
static yoda_status dict_vector(const struct eval_call *call, const struct vector *v,
                               struct vector *out)
{
    struct lane_writer w;
    TRY(lane_writer_init(&w, call->eval->arena, v->type, v->dict->count + 1, call->err));
    memcpy(w.s, v->dict->values, v->dict->count * sizeof *w.s);
    lane_writer_null(&w, v->dict->count);
    lane_writer_finish(&w, out);
    return YODA_OK;
}

/* Evaluate for each entry of the dictionary of argument `at`, then spread by code. */
static yoda_status apply_dictionary(const struct eval_call *call, uint32_t at, struct vector *out)
{
    const struct vector *v = &call->args[at];
    uint32_t n = call->e->arg_count, entries = v->dict->count + 1;
    struct vector *args = eval_alloc(call->eval, n * sizeof *args, call->err);
    uint16_t *codes = eval_alloc(call->eval, call->rows * sizeof *codes + 64, call->err);
    if (!args || !codes)
        return YODA_NOMEM;
    for (uint32_t i = 0; i < n; i++) {
        args[i] = call->args[i];
        args[i].count = entries;
    }
    TRY(dict_vector(call, v, &args[at]));
    for (uint32_t row = 0; row < call->rows; row++)
        codes[row] = (uint16_t)(vector_is_null(v, row) ? v->dict->count : dict_code(v, row));
    struct eval_call small = *call;
    small.args = args;
    small.rows = entries;
    struct vector result;
    TRY(apply_node(&small, &result));
    return vector_gather(&result, codes, call->rows, call->eval->arena, out, call->err);
}

/* The DICT argument when evaluating by dictionary pays; UINT32_MAX otherwise. */
static uint32_t dictionary_argument(const struct eval_call *call)
{
    uint32_t found = UINT32_MAX;
    for (uint32_t i = 0; i < call->e->arg_count; i++) {
        const struct vector *v = &call->args[i];
        if (v->form == VF_CONST)
            continue;
        if (v->form != VF_DICT || found != UINT32_MAX || v->dict->count + 1 >= call->rows)
            return UINT32_MAX;
        found = i;
    }
    return found;
}

static bool all_constant(const struct eval_call *call)
{
    for (uint32_t i = 0; i < call->e->arg_count; i++)
        if (call->args[i].form != VF_CONST)
            return false;
    return true;
}

static yoda_status apply(const struct eval_call *call, struct vector *out)
{
    if (call->rows > 1 && all_constant(call))
        return apply_once(call, out);
    uint32_t at = call->e->kind == EXPR_IS_NULL ? UINT32_MAX : dictionary_argument(call);
    if (at != UINT32_MAX) {
        yoda_status status = apply_dictionary(call, at, out);
        /* An entry that no row uses may be what cannot be done: then look at the rows. */
        if (status != YODA_NOT_COLUMNAR)
            return status;
    }
    return apply_node(call, out);
}

static yoda_status eval_operands(const struct expr *e, struct eval *eval, const struct row_set *in,
                                 struct vector *out, yoda_error *err)
{
    struct vector *args = eval_alloc(eval, e->arg_count * sizeof *args, err);
    if (!args)
        return YODA_NOMEM;
    for (uint32_t i = 0; i < e->arg_count; i++)
        TRY(expr_eval(e->args[i], eval, in, &args[i], err));
    if (e->type == VT_NULL) {
        eval_null_vector(in->rows, out);
        return YODA_OK;
    }
    struct eval_call call = {.e = e, .eval = eval, .rows = in->rows, .args = args, .err = err};
    return apply(&call, out);
}

/* A column; an all-NULL chunk may come untyped, an INTEGER or REAL one where NUM is expected. */
static yoda_status eval_input(const struct expr *e, struct eval *eval, const struct row_set *in,
                              struct vector *out, yoda_error *err)
{
    ASSERT(e->slot < in->column_count);
    const struct vector *v = &in->columns[e->slot];
    if (v->type == VT_NULL && e->type != VT_NULL)
        return eval_constant(eval, &(struct value){.type = YODA_NULL}, e->type, in->rows, out,
                             err);
    *out = *v;
    if (v->type == e->type)
        return YODA_OK;
    ASSERT(e->type == VT_NUM && (v->type == VT_INT || v->type == VT_REAL));
    TRY(lane_vector(eval, v, out, err));
    out->type = VT_NUM;
    if (v->type == VT_REAL) {
        uint64_t *reals;
        TRY(eval_bitmap(eval, in->rows, &reals, err));
        bitmap_fill(reals, in->rows);
        out->reals = reals;
    }
    return YODA_OK;
}

yoda_status expr_eval(expr_ref e, struct eval *eval, const struct row_set *in, struct vector *out,
                      yoda_error *err)
{
    switch (e->kind) {
    case EXPR_CONST:
        return eval_constant(eval, &e->constant, e->type, in->rows, out, err);
    case EXPR_INPUT:
        return eval_input(e, eval, in, out, err);
    case EXPR_AND:
    case EXPR_OR:
        return eval_and_or(e, eval, in, out, err);
    case EXPR_CASE:
        return eval_case(e, eval, in, out, err);
    case EXPR_CALL:
        if (function_is_lazy(e->function))
            return eval_coalesce(e, eval, in, out, err);
        return eval_operands(e, eval, in, out, err);
    default:
        return eval_operands(e, eval, in, out, err);
    }
}

yoda_status expr_filter(expr_ref e, struct eval *eval, const struct row_set *in, uint64_t *bits,
                        yoda_error *err)
{
    struct vector v;
    const uint64_t *truth, *nulls;
    TRY(expr_eval(e, eval, in, &v, err));
    TRY(eval_truth(eval, &v, in->rows, &truth, &nulls, err));
    memcpy(bits, truth, BITMAP_WORDS(in->rows) * sizeof *bits);
    return YODA_OK;
}
