/*
 * window_frame.c -- where the frame of each row begins and ends.
 *
 * With constant offsets both ends only move forward, so one pass finds them all. GROUPS and RANGE
 * go by peer groups: all rows of one have the same frame. RANGE with an offset compares sums as
 * SQLite does, with the offset added to the row further down the order (or taken from it where the
 * order descends), so that rounding falls alike:
 *
 *   from  x PRECEDING   first row with   value + x >= current
 *   from  x FOLLOWING   first row with   value >= current + x
 *   to    x PRECEDING   behind the last  value + x <= current
 *   to    x FOLLOWING   behind the last  value <= current + x
 *
 * A NULL is a peer of NULLs alone: from and to with an offset, its frame is its group.
 */
#include "olap/exec/window.h"

#include <string.h>

bool window_frames_of_groups(const struct window_frame *frame)
{
    return frame->mode != FRAME_ROWS ||
           (frame->from == FRAME_UNBOUNDED_PRECEDING && frame->to == FRAME_UNBOUNDED_FOLLOWING);
}

/* The part of [from, to) inside [lo, hi), if any. */
static uint32_t add_span(struct window_span *out, uint32_t n, uint32_t from, uint32_t to,
                         uint32_t lo, uint32_t hi)
{
    from = from < lo ? lo : from;
    to = to > hi ? hi : to;
    if (from >= to)
        return n;
    out[n] = (struct window_span){from, to};
    return n + 1;
}

uint32_t window_spans(const struct window_partition *p, uint32_t row, struct window_span out[3])
{
    enum frame_exclude exclude = p->setup->plan->u.window.frame.exclude;
    uint32_t lo = p->lo[row], hi = p->hi[row], n = 0, from = row, to = row;
    if (exclude == EXCLUDE_CURRENT) {
        to = row + 1;
    } else if (exclude != EXCLUDE_NO_OTHERS) {
        from = p->group_first[p->group[row]];
        to = p->group_first[p->group[row] + 1];
    }
    n = add_span(out, n, lo, from, lo, hi);
    if (exclude == EXCLUDE_TIES)
        n = add_span(out, n, row, row + 1, lo, hi);
    n = add_span(out, n, to, hi, lo, hi);
    if (exclude == EXCLUDE_NO_OTHERS && n == 2) {
        out[0].to = out[1].to;
        n = 1;
    }
    return n;
}

/* ---- ROWS ---- */

static uint32_t clamp(int64_t row, uint32_t rows)
{
    return row < 0 ? 0 : row > rows ? rows : (uint32_t)row;
}

/* An offset in rows or groups; past any partition is as good as infinite. */
static int64_t offset_of(const struct value *offset)
{
    ASSERT(offset->type == YODA_INTEGER && offset->i >= 0);
    return offset->i > UINT32_MAX ? UINT32_MAX : offset->i;
}

/* How far a bound is from the current row or group; *unbounded for the partition's ends. */
static int64_t distance(enum frame_bound bound, const struct value *offset, bool *unbounded)
{
    *unbounded = bound == FRAME_UNBOUNDED_PRECEDING || bound == FRAME_UNBOUNDED_FOLLOWING;
    if (bound == FRAME_PRECEDING)
        return -offset_of(offset);
    return bound == FRAME_FOLLOWING ? offset_of(offset) : 0;
}

static yoda_status rows_frames(const struct window_partition *p, uint32_t *lo, uint32_t *hi,
                               yoda_error *err)
{
    const struct window_frame *frame = &p->setup->plan->u.window.frame;
    bool from_start, to_end;
    int64_t from = distance(frame->from, &frame->from_offset, &from_start);
    int64_t to = distance(frame->to, &frame->to_offset, &to_end) + 1;
    uint32_t work = 0;
    for (uint32_t i = 0; i < p->rows; i++) {
        TRY(window_step(p, &work, 1, err));
        lo[i] = from_start ? 0 : clamp(i + from, p->rows);
        hi[i] = to_end ? p->rows : clamp(i + to, p->rows);
        lo[i] = lo[i] < hi[i] ? lo[i] : hi[i];
    }
    return YODA_OK;
}

/* ---- RANGE with an offset ---- */

struct range { /* one bound's pass over the groups */
    const struct window_partition *p;
    const struct window_column *column;
    const struct sort_key *key;
    const struct value *offset;
    yoda_error *err;
};

/* value + offset, or value - offset where the order descends: SQLite's arithmetic. */
static struct value shifted(const struct range *r, const struct value *value)
{
    int64_t whole;
    bool integers = value->type == YODA_INTEGER && r->offset->type == YODA_INTEGER;
    if (integers && r->key->descending && !__builtin_sub_overflow(value->i, r->offset->i, &whole))
        return value_int(whole);
    if (integers && !r->key->descending && !__builtin_add_overflow(value->i, r->offset->i, &whole))
        return value_int(whole);
    double x = r->offset->type == YODA_INTEGER ? (double)r->offset->i : r->offset->r;
    double v = value->type == YODA_INTEGER ? (double)value->i : value->r;
    return value_real(r->key->descending ? v - x : v + x);
}

/* Order of the ORDER BY column: <0, 0, >0. */
static int in_order(const struct range *r, const struct value *a, const struct value *b)
{
    int c = value_compare(a, b, COLLATE_BINARY);
    return r->key->descending ? -c : c;
}

static struct value group_value(const struct range *r, uint32_t group)
{
    return window_value(r->column, r->p->group_first[group]);
}

/* Does a group come before the frame of the current one? */
static bool before_frame(const struct range *r, enum frame_bound from, uint32_t group,
                         uint32_t current)
{
    struct value a = group_value(r, group), b = group_value(r, current);
    if (b.type == YODA_NULL)
        return group < current;
    if (a.type == YODA_NULL)
        return !r->key->nulls_last;
    if (from == FRAME_PRECEDING)
        a = shifted(r, &a);
    else
        b = shifted(r, &b);
    return in_order(r, &a, &b) < 0;
}

/* Does it come behind? */
static bool behind_frame(const struct range *r, enum frame_bound to, uint32_t group,
                         uint32_t current)
{
    struct value a = group_value(r, group), b = group_value(r, current);
    if (b.type == YODA_NULL)
        return group > current;
    if (a.type == YODA_NULL)
        return r->key->nulls_last;
    if (to == FRAME_PRECEDING)
        a = shifted(r, &a);
    else
        b = shifted(r, &b);
    return in_order(r, &a, &b) > 0;
}

static struct range range_of(const struct window_partition *p, const struct value *offset)
{
    ASSERT(p->setup->range_input != WINDOW_NONE);
    return (struct range){.p = p, .column = &p->inputs[p->setup->range_input],
                          .key = &p->setup->plan->u.window.order[0], .offset = offset};
}

/* ---- Frames of groups: which groups, then their rows ---- */

/* First group of each group's frame: out [group_count]. */
static yoda_status groups_from(const struct window_partition *p, uint32_t *out, yoda_error *err)
{
    const struct window_frame *frame = &p->setup->plan->u.window.frame;
    bool offset = frame->from == FRAME_PRECEDING || frame->from == FRAME_FOLLOWING, unbounded;
    uint32_t work = 0;
    if (frame->mode == FRAME_RANGE && offset) {
        struct range r = range_of(p, &frame->from_offset);
        for (uint32_t g = 0, at = 0; g < p->group_count; g++) {
            for (; at < p->group_count && before_frame(&r, frame->from, at, g); at++)
                TRY(window_step(p, &work, 1, err));
            TRY(window_step(p, &work, 1, err));
            out[g] = at;
        }
        return YODA_OK;
    }
    int64_t from = distance(frame->from, &frame->from_offset, &unbounded);
    for (uint32_t g = 0; g < p->group_count; g++)
        out[g] = unbounded ? 0 : clamp(g + from, p->group_count);
    return run_check(p->setup->run, err);
}

/* Behind the last one. */
static yoda_status groups_to(const struct window_partition *p, uint32_t *out, yoda_error *err)
{
    const struct window_frame *frame = &p->setup->plan->u.window.frame;
    bool offset = frame->to == FRAME_PRECEDING || frame->to == FRAME_FOLLOWING, unbounded;
    uint32_t work = 0;
    if (frame->mode == FRAME_RANGE && offset) {
        struct range r = range_of(p, &frame->to_offset);
        for (uint32_t g = 0, at = 0; g < p->group_count; g++) {
            for (; at < p->group_count && !behind_frame(&r, frame->to, at, g); at++)
                TRY(window_step(p, &work, 1, err));
            TRY(window_step(p, &work, 1, err));
            out[g] = at;
        }
        return YODA_OK;
    }
    int64_t to = distance(frame->to, &frame->to_offset, &unbounded) + 1;
    for (uint32_t g = 0; g < p->group_count; g++)
        out[g] = unbounded ? p->group_count : clamp(g + to, p->group_count);
    return run_check(p->setup->run, err);
}

/* Between 3 and 1 FOLLOWING, or 1 and 3 PRECEDING, is no row; none ever enters. */
static bool never(const struct window_frame *frame)
{
    if (frame->mode == FRAME_RANGE || frame->from != frame->to)
        return false;
    return (frame->from == FRAME_FOLLOWING && frame->from_offset.i > frame->to_offset.i) ||
           (frame->from == FRAME_PRECEDING && frame->from_offset.i < frame->to_offset.i);
}

yoda_status window_frames(const struct window_partition *p, uint32_t *lo, uint32_t *hi,
                          yoda_error *err)
{
    const struct window_frame *frame = &p->setup->plan->u.window.frame;
    if (never(frame)) {
        memset(lo, 0, p->rows * sizeof *lo);
        memset(hi, 0, p->rows * sizeof *hi);
        return YODA_OK;
    }
    if (frame->mode == FRAME_ROWS)
        return rows_frames(p, lo, hi, err);
    uint32_t *from = arena_alloc(p->scratch, p->group_count * sizeof *from);
    uint32_t *to = arena_alloc(p->scratch, p->group_count * sizeof *to);
    if (!from || !to)
        return run_nomem(err, "framing windows");
    TRY(groups_from(p, from, err));
    TRY(groups_to(p, to, err));
    uint32_t work = 0;
    for (uint32_t g = 0; g < p->group_count; g++) {
        TRY(window_step(p, &work, p->group_first[g + 1] - p->group_first[g], err));
        uint32_t end = p->group_first[to[g]], begin = p->group_first[from[g]];
        begin = begin < end ? begin : end;
        for (uint32_t i = p->group_first[g]; i < p->group_first[g + 1]; i++) {
            lo[i] = begin;
            hi[i] = end;
        }
    }
    return YODA_OK;
}
