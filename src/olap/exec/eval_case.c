/*
 * eval_case.c -- CASE and coalesce: each branch is evaluated for the rows that take it, and only
 * for them, so that what cannot be done in one branch does not matter to rows of another.
 *
 * State     left   rows not decided yet (a selection into the row set)
 *           out    lanes of the result; a decided row is written once
 * Rows of a branch are gathered (only the columns it reads), evaluated, and scattered into out.
 */
#include "olap/exec/eval.h"

struct branches {
    struct eval *eval;
    const struct row_set *in;
    yoda_error *err;
    struct lane_writer out;
};

/* in's rows sel[n], only the columns e reads; in itself when it is all rows. */
static yoda_status subset(struct branches *b, const struct expr *e, const uint16_t *sel,
                          uint32_t n, struct row_set *out)
{
    *out = *b->in;
    if (n == b->in->rows)
        return YODA_OK;
    uint32_t columns = b->in->column_count;
    uint64_t *used;
    struct vector *vectors = eval_alloc(b->eval, columns * sizeof *vectors, b->err);
    if (!vectors)
        return YODA_NOMEM;
    TRY(eval_bitmap(b->eval, columns + 1, &used, b->err));
    expr_inputs(e, used);
    for (uint32_t i = 0; i < columns; i++) {
        if (!bit_get(used, i))
            eval_null_vector(n, &vectors[i]);
        else
            TRY(vector_gather(&b->in->columns[i], sel, n, b->eval->arena, &vectors[i], b->err));
    }
    *out = (struct row_set){.rows = n, .column_count = columns, .columns = vectors};
    return YODA_OK;
}

static yoda_status eval_subset(struct branches *b, const struct expr *e, const uint16_t *sel,
                               uint32_t n, struct vector *out)
{
    struct row_set rows;
    TRY(subset(b, e, sel, n, &rows));
    return expr_eval(e, b->eval, &rows, out, b->err);
}

/* Write lane k of v to row sel[k]; flat numbers without NULLs go straight. */
static void scatter(struct lane_writer *w, const struct vector *v, const uint16_t *sel, uint32_t n)
{
    if (v->type == w->type && w->type != VT_NUM && w->type != VT_TEXT && w->type != VT_BLOB &&
        !v->nulls && v->type != VT_NULL) {
        const int64_t *data = v->data;
        uint32_t step = v->form == VF_CONST ? 0 : 1;
        for (uint32_t k = 0, from = 0; k < n; k++, from += step)
            w->i[sel[k]] = data[from];
        return;
    }
    for (uint32_t k = 0; k < n; k++) {
        struct value value = lane_value(v, k);
        lane_writer_put(w, sel[k], &value);
    }
}

/* Evaluate a branch's result for its rows. */
static yoda_status take(struct branches *b, const struct expr *e, const uint16_t *sel, uint32_t n)
{
    struct vector v, lanes;
    if (n == 0)
        return YODA_OK;
    TRY(eval_subset(b, e, sel, n, &v));
    TRY(lane_vector(b->eval, &v, &lanes, b->err));
    scatter(&b->out, &lanes, sel, n);
    return YODA_OK;
}

/* Split left[n] by a bitmap over its positions: set ones to hit. Returns how many stay. */
static uint32_t split(uint16_t *left, uint32_t n, const uint64_t *bits, uint16_t *hit,
                      uint32_t *hits)
{
    uint32_t rest = 0;
    *hits = 0;
    for (uint32_t k = 0; k < n; k++) {
        if (bit_get(bits, k))
            hit[(*hits)++] = left[k];
        else
            left[rest++] = left[k];
    }
    return rest;
}

static yoda_status begin(struct branches *b, const struct expr *e, uint16_t **left, uint16_t **hit)
{
    uint32_t rows = b->in->rows;
    *left = eval_alloc(b->eval, rows * sizeof **left + 64, b->err);
    *hit = eval_alloc(b->eval, rows * sizeof **hit + 64, b->err);
    if (!*left || !*hit)
        return YODA_NOMEM;
    for (uint32_t row = 0; row < rows; row++)
        (*left)[row] = (uint16_t)row;
    return lane_writer_init(&b->out, b->eval->arena, e->type, rows, b->err);
}

yoda_status eval_case(const struct expr *e, struct eval *eval, const struct row_set *in,
                      struct vector *out, yoda_error *err)
{
    struct branches b = {.eval = eval, .in = in, .err = err};
    uint16_t *left, *hit;
    uint32_t n = in->rows, hits, i = 0;
    TRY(begin(&b, e, &left, &hit));
    for (; i + 1 < e->arg_count && n > 0; i += 2) {
        struct vector when;
        const uint64_t *truth, *nulls;
        TRY(eval_subset(&b, e->args[i], left, n, &when));
        TRY(eval_truth(eval, &when, n, &truth, &nulls, err));
        n = split(left, n, truth, hit, &hits);
        TRY(take(&b, e->args[i + 1], hit, hits));
    }
    if (n > 0 && i < e->arg_count) {
        TRY(take(&b, e->args[i], left, n));
    } else {
        for (uint32_t k = 0; k < n; k++)
            lane_writer_null(&b.out, left[k]);
    }
    lane_writer_finish(&b.out, out);
    return YODA_OK;
}

yoda_status eval_coalesce(const struct expr *e, struct eval *eval, const struct row_set *in,
                          struct vector *out, yoda_error *err)
{
    struct branches b = {.eval = eval, .in = in, .err = err};
    uint16_t *left, *hit;
    uint32_t n = in->rows, misses;
    TRY(begin(&b, e, &left, &hit));
    for (uint32_t i = 0; i < e->arg_count && n > 0; i++) {
        struct vector v, lanes;
        const uint64_t *nulls;
        TRY(eval_subset(&b, e->args[i], left, n, &v));
        TRY(lane_vector(eval, &v, &lanes, err));
        TRY(eval_nulls(eval, &lanes, n, &nulls, err));
        scatter(&b.out, &lanes, left, n);
        if (!nulls) {
            n = 0;
            break;
        }
        (void)split(left, n, nulls, hit, &misses);
        memcpy(left, hit, misses * sizeof *left);
        n = misses;
    }
    /* A row that an earlier argument left NULL may have got its value from a later one. */
    memset(b.out.nulls, 0, BITMAP_WORDS(in->rows) * sizeof *b.out.nulls);
    b.out.any_null = false;
    for (uint32_t k = 0; k < n; k++)
        lane_writer_null(&b.out, left[k]);
    lane_writer_finish(&b.out, out);
    return YODA_OK;
}
