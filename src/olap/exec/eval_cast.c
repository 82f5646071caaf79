/*
 * eval_cast.c -- CAST, and numbers as text.
 */
#include "olap/exec/eval.h"

#include "olap/exec/numeric_text.h"

#include <inttypes.h>
#include <stdio.h>

yoda_status eval_value_text(struct arena *arena, const struct value *in, struct value *out,
                            yoda_error *err)
{
    char text[40];
    size_t size;
    *out = *in;
    if (in->type == YODA_INTEGER)
        size = (size_t)snprintf(text, sizeof text, "%" PRId64, in->i);
    else if (in->type == YODA_REAL)
        size = expr_number_text()->real_to_text(in->r, text);
    else {
        if (in->type == YODA_BLOB)
            out->type = YODA_TEXT;
        return YODA_OK;
    }
    ASSERT(size < sizeof text);
    char *copy = arena_copy(arena, text, size);
    if (!copy)
        return fail_nomem(err, size);
    *out = value_text(copy, size);
    return YODA_OK;
}

static struct value cast_integer(const struct value *in)
{
    int64_t i = 0;
    if (in->type == YODA_INTEGER)
        return *in;
    if (in->type == YODA_REAL)
        return value_int(numeric_real_to_int(in->r));
    (void)numeric_text_int(in->p, in->size, &i);
    return value_int(i);
}

static struct value cast_real(const struct value *in)
{
    if (in->type == YODA_REAL)
        return *in;
    if (in->type == YODA_INTEGER)
        return value_real((double)in->i);
    return value_real(expr_number_text()->text_to_real(in->p, in->size));
}

static yoda_status value_cast(struct arena *arena, enum affinity target, const struct value *in,
                              struct value *out, yoda_error *err)
{
    *out = *in;
    if (in->type == YODA_NULL)
        return YODA_OK;
    bool bytes = in->type == YODA_TEXT || in->type == YODA_BLOB;
    switch (target) {
    case AFFINITY_INTEGER:
        *out = cast_integer(in);
        return YODA_OK;
    case AFFINITY_REAL:
        *out = cast_real(in);
        return YODA_OK;
    case AFFINITY_NUMERIC:
        if (bytes)
            *out = numeric_text_cast(in->p, in->size);
        return YODA_OK;
    case AFFINITY_TEXT:
    case AFFINITY_BLOB:
        break;
    }
    TRY(eval_value_text(arena, in, out, err));
    out->type = target == AFFINITY_TEXT ? YODA_TEXT : YODA_BLOB;
    return YODA_OK;
}

/* TEXT and BLOB have the same bytes, INTEGER to REAL has a kernel; false: row by row. */
static bool cast_whole(const struct eval_call *call, const struct vector *lanes, double *reals,
                       struct vector *out)
{
    enum vtype to = call->e->type;
    *out = *lanes;
    out->type = to;
    if ((to == VT_TEXT || to == VT_BLOB) && (lanes->type == VT_TEXT || lanes->type == VT_BLOB))
        return true;
    if (to != VT_REAL || lanes->type != VT_INT || lanes->form != VF_FLAT)
        return false;
    kernels()->convert_i64_f64(lanes->data, call->rows, reals);
    out->data = reals;
    return true;
}

yoda_status eval_cast(const struct eval_call *call, struct vector *out)
{
    struct vector lanes;
    struct lane_writer w;
    TRY(lane_vector(call->eval, &call->args[0], &lanes, call->err));
    TRY(lane_writer_init(&w, call->eval->arena, call->e->type, call->rows, call->err));
    if (cast_whole(call, &lanes, w.r, out))
        return YODA_OK;
    for (uint32_t row = 0; row < call->rows; row++) {
        struct value in = lane_value(&lanes, row), v;
        TRY(value_cast(call->eval->arena, call->e->affinity, &in, &v, call->err));
        lane_writer_put(&w, row, &v);
    }
    lane_writer_finish(&w, out);
    return YODA_OK;
}
