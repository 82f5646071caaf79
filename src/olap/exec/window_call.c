/*
 * window_call.c -- typing calls, the calls that number rows, and the way to all others.
 */
#include "olap/column/chunk.h"
#include "olap/exec/window.h"

/* ---- Typing ---- */

static yoda_status init_aggregate(struct window_call *call, yoda_error *err)
{
    struct aggregate *a = &call->aggregate;
    bool best = a->kind == AGG_MIN || a->kind == AGG_MAX;
    if (a->distinct || a->kind == AGG_BARE)
        return fail(err, YODA_NOT_COLUMNAR, "DISTINCT in a window");
    TRY(aggregate_init(a, err));
    if (best && a->type == VT_TEXT && a->collation != COLLATE_BINARY)
        return fail(err, YODA_NOT_COLUMNAR,
                    "%s of text under a collation other than BINARY in a window",
                    a->kind == AGG_MIN ? "MIN" : "MAX");
    call->type = a->type;
    call->classes = a->classes;
    return YODA_OK;
}

static yoda_status integer_arg(const struct window_call *call, uint32_t arg, const char *what,
                               yoda_error *err)
{
    enum vtype type = call->args[arg]->type;
    if (type != VT_INT && type != VT_NULL)
        return fail(err, YODA_NOT_COLUMNAR, "%s that is not an INTEGER", what);
    return YODA_OK;
}

static bool is_number(enum vtype type)
{
    return type == VT_INT || type == VT_REAL || type == VT_NUM;
}

/* The value of the first argument, or of `other` (may be NULL). */
static yoda_status init_value(struct window_call *call, expr_ref other, yoda_error *err)
{
    expr_ref arg = call->args[0];
    call->type = arg->type;
    call->classes = arg->classes ? arg->classes | CLASS_NULL : 0;
    if (!other)
        return YODA_OK;
    if (call->type == VT_NULL)
        call->type = other->type;
    else if (other->type != VT_NULL && other->type != call->type) {
        if (!is_number(call->type) || !is_number(other->type))
            return fail(err, YODA_NOT_COLUMNAR, "a default of another type");
        call->type = VT_NUM;
    }
    call->classes = call->classes && other->classes ? call->classes | other->classes : 0;
    return YODA_OK;
}

yoda_status window_call_init(struct window_call *call, yoda_error *err)
{
    uint32_t n = call->arg_count;
    ASSERT(n <= COUNT_OF(call->args));
    call->type = VT_INT;
    call->classes = CLASS_INTEGER;
    switch (call->kind) {
    case WINDOW_AGGREGATE:
        return init_aggregate(call, err);
    case WINDOW_ROW_NUMBER:
    case WINDOW_RANK:
    case WINDOW_DENSE_RANK:
        return YODA_OK;
    case WINDOW_PERCENT_RANK:
    case WINDOW_CUME_DIST:
        call->type = VT_REAL;
        call->classes = CLASS_REAL | CLASS_INTEGRAL_REAL;
        return YODA_OK;
    case WINDOW_NTILE:
        ASSERT(n == 1);
        return integer_arg(call, 0, "an argument of ntile", err);
    case WINDOW_LAG:
    case WINDOW_LEAD:
        ASSERT(n >= 1);
        if (n > 1)
            TRY(integer_arg(call, 1, "an offset", err));
        return init_value(call, n > 2 ? call->args[2] : NULL, err);
    case WINDOW_NTH_VALUE:
        ASSERT(n == 2);
        TRY(integer_arg(call, 1, "a row number of nth_value", err));
        /* fall through */
    case WINDOW_FIRST_VALUE:
    case WINDOW_LAST_VALUE:
        ASSERT(n >= 1);
        return init_value(call, NULL, err);
    }
    return fail(err, YODA_INTERNAL, "window call of unknown kind %d", (int)call->kind);
}

/* ---- Columns ---- */

struct window_column window_column_from(const struct window_column *c, uint32_t first)
{
    size_t offset = (size_t)first * window_value_size(c->type);
    return (struct window_column){c->type, (uint8_t *)c->data + offset, c->tags + first};
}

void window_copy(struct window_column *out, uint32_t i, const struct window_column *in,
                 uint32_t from)
{
    uint8_t tag = in->type == VT_NULL ? ROW_NULL : in->tags[from];
    if (out->type == VT_NUM && in->type == VT_REAL && tag == ROW_VALUE)
        tag = ROW_REAL;
    out->tags[i] = tag;
    if (tag == ROW_NULL)
        return;
    ASSERT(out->type == in->type || out->type == VT_NUM);
    if (in->type == VT_TEXT || in->type == VT_BLOB)
        ((struct strref *)out->data)[i] = ((const struct strref *)in->data)[from];
    else
        ((uint64_t *)out->data)[i] = ((const uint64_t *)in->data)[from];
}

/* ---- Numbers of rows ---- */

static void rank_group(const struct window_partition *p, enum window_kind kind, uint32_t g,
                       struct window_column *out)
{
    uint32_t first = p->group_first[g], end = p->group_first[g + 1];
    double share = kind == WINDOW_CUME_DIST ? (double)end / (double)p->rows
                   : p->rows > 1            ? (double)first / (double)(p->rows - 1)
                                            : 0.0;
    for (uint32_t i = first; i < end; i++) {
        if (kind == WINDOW_ROW_NUMBER)
            window_set_int(out, i, (int64_t)i + 1);
        else if (kind == WINDOW_RANK)
            window_set_int(out, i, (int64_t)first + 1);
        else if (kind == WINDOW_DENSE_RANK)
            window_set_int(out, i, (int64_t)g + 1);
        else
            window_set_real(out, i, share);
    }
}

yoda_status window_rank(const struct window_partition *p, const struct window_use *use,
                        struct window_column *out, yoda_error *err)
{
    uint32_t work = 0;
    for (uint32_t g = 0; g < p->group_count; g++) {
        rank_group(p, use->call->kind, g, out);
        TRY(window_step(p, &work, p->group_first[g + 1] - p->group_first[g], err));
    }
    return YODA_OK;
}

yoda_status window_ntile(const struct window_partition *p, const struct window_use *use,
                         struct window_column *out, yoda_error *err)
{
    struct value tiles = window_value(&p->inputs[use->args[0]], 0);
    if (tiles.type != YODA_INTEGER || tiles.i <= 0)
        return fail(err, YODA_NOT_COLUMNAR, "argument of ntile must be a positive integer");
    int64_t size = p->rows / tiles.i, larger = p->rows - tiles.i * size;
    int64_t border = larger * (size + 1); /* the first `larger` tiles have one row more */
    uint32_t work = 0;
    for (uint32_t i = 0; i < p->rows; i++) {
        TRY(window_step(p, &work, 1, err));
        int64_t tile = i < border ? i / (size + 1) : larger + (i - border) / (size ? size : 1);
        window_set_int(out, i, tile + 1);
    }
    return YODA_OK;
}

/* ---- Any call ---- */

static yoda_status evaluate_aggregate(const struct window_partition *p,
                                      const struct window_use *use, struct window_column *out,
                                      yoda_error *err)
{
    const struct aggregate *a = &use->call->aggregate;
    switch (a->kind) {
    case AGG_COUNT_ROWS:
    case AGG_COUNT:
        return window_count(p, use, out, err);
    case AGG_SUM:
    case AGG_TOTAL:
    case AGG_AVG:
        return window_sum(p, use, out, err);
    case AGG_MIN:
    case AGG_MAX:
        return window_best(p, use, out, err);
    case AGG_GROUP_CONCAT:
        return window_concat(p, use, out, err);
    case AGG_BARE:
        break;
    }
    return fail(err, YODA_INTERNAL, "aggregate %d in a window", (int)a->kind);
}

yoda_status window_evaluate(const struct window_partition *p, const struct window_use *use,
                            struct window_column *out, yoda_error *err)
{
    switch (use->call->kind) {
    case WINDOW_AGGREGATE:
        return evaluate_aggregate(p, use, out, err);
    case WINDOW_ROW_NUMBER:
    case WINDOW_RANK:
    case WINDOW_DENSE_RANK:
    case WINDOW_PERCENT_RANK:
    case WINDOW_CUME_DIST:
        return window_rank(p, use, out, err);
    case WINDOW_NTILE:
        return window_ntile(p, use, out, err);
    case WINDOW_LAG:
    case WINDOW_LEAD:
        return window_shift(p, use, out, err);
    case WINDOW_FIRST_VALUE:
    case WINDOW_LAST_VALUE:
    case WINDOW_NTH_VALUE:
        return window_pick(p, use, out, err);
    }
    return fail(err, YODA_INTERNAL, "window call of unknown kind %d", (int)use->call->kind);
}
