/*
 * window_best.c -- MIN and MAX over frames.
 *
 * Frames only move forward, so a queue of candidates does: a row is dropped from its end when a
 * better one comes behind it, and from its front when the frame leaves it. The front is the best of
 * the frame. With EXCLUDE a frame is not one piece, and each is looked through.
 *
 * Equal values of different bits (1 and 1.0, 0.0 and -0.0): SQLite's choice depends on how it
 * happens to look, so they are refused where they would show.
 */
#include "olap/exec/window.h"

struct candidates {
    const struct window_partition *p;
    const struct window_column *value, *filter; /* filter: NULL for none */
    bool max;
    bool two_zeros;                    /* 0.0 and -0.0 occur */
    bool two_classes;                  /* INTEGERs and integral REALs occur */
    uint32_t *queue, front, back;      /* rows, the best first: [front, back) */
};

static inline bool counts(const struct candidates *c, uint32_t i)
{
    return c->value->tags[i] != ROW_NULL && (!c->filter || ((const int64_t *)c->filter->data)[i]);
}

/* Is row a better than row b? Neither is NULL. */
static inline bool better(const struct candidates *c, uint32_t a, uint32_t b)
{
    if (c->value->type == VT_INT) {
        const int64_t *data = c->value->data;
        return c->max ? data[a] > data[b] : data[a] < data[b];
    }
    if (c->value->type == VT_REAL) {
        const double *data = c->value->data;
        return c->max ? data[a] > data[b] : data[a] < data[b];
    }
    struct value va = window_value(c->value, a), vb = window_value(c->value, b);
    int order = value_compare(&va, &vb, COLLATE_BINARY);
    return c->max ? order > 0 : order < 0;
}

static bool is_integral(double r)
{
    return r >= -9223372036854775808.0 && r < 9223372036854775808.0 && (double)(int64_t)r == r;
}

static yoda_status find_doubles(struct candidates *c, yoda_error *err)
{
    bool zero = false, minus_zero = false, integer = false, integral = false;
    uint32_t work = 0;
    if (c->value->type != VT_REAL && c->value->type != VT_NUM)
        return YODA_OK;
    for (uint32_t i = 0; i < c->p->rows; i++) {
        TRY(window_step(c->p, &work, 1, err));
        struct value v = window_value(c->value, i);
        if (v.type == YODA_REAL && v.r == 0)
            *(__builtin_signbit(v.r) ? &minus_zero : &zero) = true;
        integer |= v.type == YODA_INTEGER;
        integral |= v.type == YODA_REAL && is_integral(v.r);
    }
    c->two_zeros = zero && minus_zero;
    c->two_classes = integer && integral;
    return YODA_OK;
}

static bool ambiguous(const struct candidates *c, uint32_t row)
{
    if (!c->two_zeros && !c->two_classes)
        return false;
    struct value v = window_value(c->value, row);
    bool real = v.type == YODA_REAL;
    return (c->two_zeros && real && v.r == 0) || (c->two_classes && (!real || is_integral(v.r)));
}

static void enter(struct candidates *c, uint32_t row)
{
    while (c->back > c->front && better(c, row, c->queue[c->back - 1]))
        c->back--;
    c->queue[c->back++] = row;
}

/* The best row of what EXCLUDE leaves, WINDOW_NONE. */
static yoda_status best_of_spans(const struct candidates *c, uint32_t row, uint32_t *work,
                                 uint32_t *out, yoda_error *err)
{
    struct window_span spans[3];
    uint32_t n = window_spans(c->p, row, spans), best = WINDOW_NONE;
    for (uint32_t s = 0; s < n; s++) {
        TRY(window_step(c->p, work, spans[s].to - spans[s].from, err));
        for (uint32_t i = spans[s].from; i < spans[s].to; i++)
            if (counts(c, i) && (best == WINDOW_NONE || better(c, i, best)))
                best = i;
    }
    *out = best;
    return YODA_OK;
}

static yoda_status best_of_frame(struct candidates *c, uint32_t row, uint32_t *entered,
                                 uint32_t *work, uint32_t *out, yoda_error *err)
{
    uint32_t lo = c->p->lo[row], hi = c->p->hi[row];
    for (; *entered < hi; ++*entered) {
        TRY(window_step(c->p, work, 1, err));
        if (counts(c, *entered))
            enter(c, *entered);
    }
    while (c->front < c->back && c->queue[c->front] < lo)
        c->front++;
    ASSERT(c->front == c->back || c->queue[c->front] < hi || lo == hi);
    *out = c->front < c->back && lo < hi ? c->queue[c->front] : WINDOW_NONE;
    return YODA_OK;
}

yoda_status window_best(const struct window_partition *p, const struct window_use *use,
                        struct window_column *out, yoda_error *err)
{
    struct candidates c = {.p = p, .value = &p->inputs[use->args[0]],
                           .max = use->call->aggregate.kind == AGG_MAX};
    uint32_t entered = 0, work = 0;
    if (use->filter != WINDOW_NONE)
        c.filter = &p->inputs[use->filter];
    c.queue = arena_alloc(p->scratch, p->rows * sizeof *c.queue);
    if (!c.queue)
        return run_nomem(err, "framing windows");
    TRY(find_doubles(&c, err));
    for (uint32_t i = 0; i < p->rows; i++) {
        uint32_t best;
        if (window_excludes(p))
            TRY(best_of_spans(&c, i, &work, &best, err));
        else
            TRY(best_of_frame(&c, i, &entered, &work, &best, err));
        TRY(window_step(p, &work, 1, err));
        if (best == WINDOW_NONE)
            continue;
        if (ambiguous(&c, best))
            return fail(err, YODA_NOT_COLUMNAR, "%s of equal values that are not identical",
                        c.max ? "MAX" : "MIN");
        window_copy(out, i, c.value, best);
    }
    return YODA_OK;
}
