/*
 * eval_lane.c -- reading vectors row by row and writing new ones.
 */
#include "olap/exec/eval.h"

static size_t lane_width(enum vtype type)
{
    return type == VT_TEXT || type == VT_BLOB ? sizeof(struct strref) : sizeof(int64_t);
}

void *eval_alloc(struct eval *eval, size_t size, yoda_error *err)
{
    void *p = arena_alloc(eval->arena, size);
    if (!p)
        (void)fail_nomem(err, size);
    return p;
}

yoda_status eval_bitmap(struct eval *eval, uint32_t rows, uint64_t **out, yoda_error *err)
{
    size_t bytes = BITMAP_WORDS(rows) * sizeof(uint64_t);
    *out = eval_alloc(eval, bytes, err);
    if (!*out)
        return YODA_NOMEM;
    memset(*out, 0, bytes);
    return YODA_OK;
}

yoda_status lane_vector(struct eval *eval, const struct vector *in, struct vector *out,
                        yoda_error *err)
{
    if (in->form == VF_FLAT || in->form == VF_CONST || in->type == VT_NULL) {
        *out = *in;
        return YODA_OK;
    }
    return vector_flatten(in, eval->arena, out, err);
}

yoda_status lane_vectors(const struct eval_call *call, struct vector **out)
{
    uint32_t n = call->e->arg_count;
    *out = eval_alloc(call->eval, n * sizeof(struct vector), call->err);
    if (!*out)
        return YODA_NOMEM;
    for (uint32_t i = 0; i < n; i++)
        TRY(lane_vector(call->eval, &call->args[i], &(*out)[i], call->err));
    return YODA_OK;
}

yoda_status lane_writer_init(struct lane_writer *w, struct arena *arena, enum vtype type,
                             uint32_t rows, yoda_error *err)
{
    size_t words = BITMAP_WORDS(rows);
    *w = (struct lane_writer){.type = type, .rows = rows};
    /* Zeroed, because NULL rows hold defined data. */
    w->data = arena_calloc(arena, rows, lane_width(type));
    w->nulls = arena_calloc(arena, words, sizeof(uint64_t));
    if (type == VT_NUM)
        w->reals = arena_calloc(arena, words, sizeof(uint64_t));
    if (!w->data || !w->nulls || (type == VT_NUM && !w->reals))
        return fail_nomem(err, rows * lane_width(type));
    return YODA_OK;
}

void lane_writer_put(struct lane_writer *w, uint32_t row, const struct value *value)
{
    ASSERT(row < w->rows);
    switch (value->type) {
    case YODA_NULL:
        lane_writer_null(w, row);
        break;
    case YODA_INTEGER:
        ASSERT(w->type == VT_INT || w->type == VT_NUM);
        w->i[row] = value->i;
        break;
    case YODA_REAL:
        ASSERT(w->type == VT_REAL || w->type == VT_NUM);
        w->r[row] = value->r;
        if (w->reals)
            bit_set(w->reals, row);
        break;
    default:
        ASSERT(w->type == (value->type == YODA_TEXT ? VT_TEXT : VT_BLOB));
        w->s[row] = (struct strref){.ptr = value->p, .size = value->size};
    }
}

void lane_writer_finish(const struct lane_writer *w, struct vector *out)
{
    *out = (struct vector){.type = w->type,
                           .form = VF_FLAT,
                           .count = w->rows,
                           .data = w->data,
                           .nulls = w->any_null ? w->nulls : NULL,
                           .reals = w->reals};
    if (w->type == VT_NULL)
        eval_null_vector(w->rows, out);
}

void eval_null_vector(uint32_t rows, struct vector *out)
{
    *out = (struct vector){.type = VT_NULL, .form = VF_CONST, .count = rows};
}

void eval_bits_vector(uint32_t rows, const uint64_t *bits, const uint64_t *nulls,
                      struct vector *out)
{
    *out = (struct vector){
        .type = VT_INT, .form = VF_BITS, .count = rows, .data = bits, .nulls = nulls};
}

yoda_status eval_constant(struct eval *eval, const struct value *value, enum vtype type,
                          uint32_t rows, struct vector *out, yoda_error *err)
{
    struct lane_writer w;
    TRY(lane_writer_init(&w, eval->arena, type, 1, err));
    lane_writer_put(&w, 0, value);
    lane_writer_finish(&w, out);
    out->form = VF_CONST;
    out->count = rows;
    return YODA_OK;
}

yoda_status eval_nulls(struct eval *eval, const struct vector *v, uint32_t rows,
                       const uint64_t **out, yoda_error *err)
{
    *out = NULL;
    bool all = v->type == VT_NULL || (v->form == VF_CONST && v->nulls && bit_get(v->nulls, 0));
    if (all) {
        uint64_t *bits;
        TRY(eval_bitmap(eval, rows, &bits, err));
        bitmap_fill(bits, rows);
        *out = bits;
    } else if (v->form != VF_CONST) {
        *out = v->nulls;
    }
    return YODA_OK;
}

yoda_status eval_merge_nulls(const struct eval_call *call, const uint64_t **out)
{
    *out = NULL;
    uint64_t *merged = NULL;
    for (uint32_t i = 0; i < call->e->arg_count; i++) {
        const uint64_t *nulls;
        TRY(eval_nulls(call->eval, &call->args[i], call->rows, &nulls, call->err));
        if (!nulls || nulls == *out)
            continue;
        if (!*out) {
            *out = nulls;
            continue;
        }
        if (!merged) {
            TRY(eval_bitmap(call->eval, call->rows, &merged, call->err));
        }
        kernels()->or_words(*out, nulls, BITMAP_WORDS(call->rows), merged);
        *out = merged;
    }
    return YODA_OK;
}
