/*
 * window_value.c -- calls that take a value from another row: lag and lead by distance in the
 * partition, first_value, last_value and nth_value by place in the frame.
 *
 * Where frames begin and end with peer groups, which row of a group stands first is unknown; the
 * answer is known all the same if the group's rows have the same value there.
 */
#include "olap/exec/window.h"

/* ---- lag, lead ---- */

/* The row that lag or lead of row i means, WINDOW_NONE: outside. SQLite adds the offset to the
 * row's number; a NULL gives no row. */
static uint32_t shifted_row(const struct window_partition *p, enum window_kind kind, uint32_t i,
                            const struct value *offset)
{
    int64_t row;
    if (offset->type != YODA_INTEGER)
        return WINDOW_NONE;
    bool overflow = kind == WINDOW_LAG ? __builtin_sub_overflow((int64_t)i, offset->i, &row)
                                       : __builtin_add_overflow((int64_t)i, offset->i, &row);
    return overflow || row < 0 || row >= p->rows ? WINDOW_NONE : (uint32_t)row;
}

yoda_status window_shift(const struct window_partition *p, const struct window_use *use,
                         struct window_column *out, yoda_error *err)
{
    const struct window_column *value = &p->inputs[use->args[0]];
    struct value offset = value_int(1);
    uint32_t work = 0;
    for (uint32_t i = 0; i < p->rows; i++) {
        TRY(window_step(p, &work, 1, err));
        if (use->args[1] != WINDOW_NONE)
            offset = window_value(&p->inputs[use->args[1]], i);
        if (use->call->kind == WINDOW_LAG && offset.type == YODA_INTEGER && offset.i < 0)
            return fail(err, YODA_NOT_COLUMNAR, "lag by a negative offset: SQLite may not see it");
        uint32_t from = shifted_row(p, use->call->kind, i, &offset);
        if (from != WINDOW_NONE)
            window_copy(out, i, value, from);
        else if (use->args[2] != WINDOW_NONE)
            window_copy(out, i, &p->inputs[use->args[2]], i);
    }
    return YODA_OK;
}

/* ---- first_value, last_value, nth_value ---- */

/* The n-th row (0: the first, UINT32_MAX: the last) of what is left of the frame; WINDOW_NONE. */
static uint32_t frame_row(const struct window_partition *p, uint32_t i, uint64_t n, bool last)
{
    struct window_span spans[3];
    if (!window_excludes(p)) {
        uint32_t size = p->hi[i] - p->lo[i];
        if (last)
            return size ? p->hi[i] - 1 : WINDOW_NONE;
        return n < size ? p->lo[i] + (uint32_t)n : WINDOW_NONE;
    }
    uint32_t count = window_spans(p, i, spans);
    if (last)
        return count ? spans[count - 1].to - 1 : WINDOW_NONE;
    for (uint32_t s = 0; s < count; s++) {
        uint32_t size = spans[s].to - spans[s].from;
        if (n < size)
            return spans[s].from + (uint32_t)n;
        n -= size;
    }
    return WINDOW_NONE;
}

/* Do all rows of the group have the same value? */
static bool same_in_group(const struct window_partition *p, const struct window_column *c,
                          uint32_t group)
{
    uint32_t first = p->group_first[group], end = p->group_first[group + 1];
    if (end - first == 1)
        return true;
    struct value value = window_value(c, first);
    for (uint32_t i = first + 1; i < end; i++) {
        struct value other = window_value(c, i);
        if (!value_identical(&value, &other))
            return false;
    }
    return true;
}

static yoda_status place_of(const struct window_partition *p, const struct window_use *use,
                            uint32_t i, uint64_t *out, yoda_error *err)
{
    *out = 0;
    if (use->call->kind != WINDOW_NTH_VALUE)
        return YODA_OK;
    struct value n = window_value(&p->inputs[use->args[1]], i);
    if (n.type != YODA_INTEGER || n.i <= 0)
        return fail(err, YODA_NOT_COLUMNAR,
                    "second argument to nth_value must be a positive integer");
    *out = (uint64_t)n.i - 1;
    return YODA_OK;
}

yoda_status window_pick(const struct window_partition *p, const struct window_use *use,
                        struct window_column *out, yoda_error *err)
{
    const struct window_column *value = &p->inputs[use->args[0]];
    bool last = use->call->kind == WINDOW_LAST_VALUE;
    uint32_t checked = WINDOW_NONE; /* the group looked at last */
    uint32_t work = 0;
    if (window_excludes(p) && use->call->kind == WINDOW_NTH_VALUE &&
        !expr_is_constant(use->call->args[1]))
        return fail(err, YODA_NOT_COLUMNAR, "nth_value with EXCLUDE and a place that varies");
    for (uint32_t i = 0; i < p->rows; i++) {
        uint64_t n;
        TRY(window_step(p, &work, 1, err));
        TRY(place_of(p, use, i, &n, err));
        uint32_t from = frame_row(p, i, n, last);
        if (from == WINDOW_NONE)
            continue;
        uint32_t group = p->group[from];
        if (group != checked) {
            TRY(window_step(p, &work, p->group_first[group + 1] - p->group_first[group], err));
            if (!same_in_group(p, value, group))
                return fail(err, YODA_NOT_COLUMNAR, "the order of equal rows shows in %s",
                            last ? "last_value" : "first_value or nth_value");
        }
        checked = group;
        window_copy(out, i, value, from);
    }
    return YODA_OK;
}
