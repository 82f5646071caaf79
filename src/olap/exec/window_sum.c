/*
 * window_sum.c -- COUNT, SUM, TOTAL and AVG over frames.
 *
 * Counts and sums of INTEGERs are differences of prefix sums: any frame in constant time, exactly.
 *
 * REALs are added and taken off one by one in window order, as SQLite does: as the frame moves on,
 * rows that leave are subtracted, rows that come are added, and the sum is never begun anew inside
 * a partition. What was lost to rounding on the way is then lost in both. Once a REAL has entered, a
 * sum stays REAL, even when only INTEGERs are left in the frame. Under EXCLUDE each frame is summed
 * from its first row. SQLite adds plain doubles before 3.43 and compensates later
 * (window_set_compensated).
 *
 * Source: sumStep, sumInverse, kahanBabuskaStep of SQLite's func.c; window.c.
 */
#include "olap/exec/window.h"

#include <math.h>

#define MAGNITUDE_MAX 9.2233720368547e18 /* a little under 2^63 */
#define EXACT_MAX 9007199254740992.0     /* 2^53: sums of INTEGERs in doubles are exact */

static bool compensated;

void window_set_compensated(bool on)
{
    compensated = on;
}

struct summing {
    const struct window_partition *p;
    const struct window_column *value, *filter; /* NULL for none */
    enum aggregate_kind kind;
};

static inline bool counts(const struct summing *s, uint32_t i)
{
    return (!s->value || s->value->tags[i] != ROW_NULL) &&
           (!s->filter || ((const int64_t *)s->filter->data)[i]);
}

static struct summing summing_of(const struct window_partition *p, const struct window_use *use)
{
    struct summing s = {.p = p, .kind = use->call->aggregate.kind};
    if (use->args[0] != WINDOW_NONE)
        s.value = &p->inputs[use->args[0]];
    if (use->filter != WINDOW_NONE)
        s.filter = &p->inputs[use->filter];
    return s;
}

/* ---- Prefix sums ---- */

/* counts [rows + 1]: how many of the rows before each count. */
static yoda_status prefix_counts(const struct summing *s, const uint32_t **counts_out,
                                 yoda_error *err)
{
    uint32_t *out = arena_alloc(s->p->scratch, ((size_t)s->p->rows + 1) * sizeof *out);
    uint32_t n = 0, work = 0;
    if (!out)
        return run_nomem(err, "framing windows");
    for (uint32_t i = 0; i < s->p->rows; i++) {
        TRY(window_step(s->p, &work, 1, err));
        out[i] = n;
        n += counts(s, i);
    }
    out[s->p->rows] = n;
    *counts_out = out;
    return YODA_OK;
}

static yoda_status prefix_sums(const struct summing *s, const int64_t **sums, yoda_error *err)
{
    int64_t *out = arena_alloc(s->p->scratch, ((size_t)s->p->rows + 1) * sizeof *out), sum = 0;
    const int64_t *data = s->value->data;
    uint32_t work = 0;
    if (!out)
        return run_nomem(err, "framing windows");
    for (uint32_t i = 0; i < s->p->rows; i++) {
        TRY(window_step(s->p, &work, 1, err));
        out[i] = sum;
        sum += counts(s, i) ? data[i] : 0;
    }
    out[s->p->rows] = sum;
    *sums = out;
    return YODA_OK;
}

/* How much of a frame: [1] or, under EXCLUDE, up to [3] spans. */
static inline uint32_t spans_of(const struct summing *s, uint32_t row, bool excludes,
                                struct window_span spans[3])
{
    if (excludes)
        return window_spans(s->p, row, spans);
    spans[0] = (struct window_span){s->p->lo[row], s->p->hi[row]};
    return 1;
}

yoda_status window_count(const struct window_partition *p, const struct window_use *use,
                         struct window_column *out, yoda_error *err)
{
    struct summing s = summing_of(p, use);
    struct window_span spans[3];
    bool excludes = window_excludes(p);
    const uint32_t *prefix = NULL;
    uint32_t work = 0;
    TRY(prefix_counts(&s, &prefix, err));
    for (uint32_t i = 0; i < p->rows; i++) {
        uint32_t count = 0;
        TRY(window_step(p, &work, 1, err));
        for (uint32_t n = spans_of(&s, i, excludes, spans); n-- > 0;)
            count += prefix[spans[n].to] - prefix[spans[n].from];
        window_set_int(out, i, count);
    }
    return YODA_OK;
}

static void set_integer_sum(const struct summing *s, struct window_column *out, uint32_t row,
                            int64_t sum, uint32_t count)
{
    if (s->kind == AGG_TOTAL)
        window_set_real(out, row, (double)sum);
    else if (count && s->kind == AGG_AVG)
        window_set_real(out, row, (double)sum / (double)count);
    else if (count)
        window_set_int(out, row, sum);
}

static yoda_status sum_prefixes(const struct summing *s, struct window_column *out,
                                yoda_error *err)
{
    struct window_span spans[3];
    bool excludes = window_excludes(s->p);
    const uint32_t *prefix = NULL;
    const int64_t *sums = NULL;
    uint32_t work = 0;
    TRY(prefix_counts(s, &prefix, err));
    TRY(prefix_sums(s, &sums, err));
    for (uint32_t i = 0; i < s->p->rows; i++) {
        uint32_t count = 0;
        int64_t sum = 0;
        TRY(window_step(s->p, &work, 1, err));
        for (uint32_t n = spans_of(s, i, excludes, spans); n-- > 0;) {
            count += prefix[spans[n].to] - prefix[spans[n].from];
            sum += sums[spans[n].to] - sums[spans[n].from];
        }
        set_integer_sum(s, out, i, sum, count);
    }
    return YODA_OK;
}

/* ---- Step by step ---- */

struct sum {
    int64_t integers; /* wraps: magnitudes are checked before */
    double sum, rest;
    uint64_t count;
    bool real; /* a REAL has entered */
};

static inline void add_real(struct sum *s, double x)
{
    double t = s->sum + x;
    if (compensated)
        s->rest += fabs(s->sum) > fabs(x) ? (s->sum - t) + x : (x - t) + s->sum;
    s->sum = t;
}

static inline void step(const struct summing *s, struct sum *sum, uint32_t row, bool leaves)
{
    if (!counts(s, row))
        return;
    const struct window_column *c = s->value;
    sum->count = leaves ? sum->count - 1 : sum->count + 1;
    if (c->type == VT_REAL || c->tags[row] == ROW_REAL) {
        double x = ((const double *)c->data)[row];
        sum->real = true;
        add_real(sum, leaves ? -x : x);
        return;
    }
    int64_t x = ((const int64_t *)c->data)[row];
    uint64_t before = (uint64_t)sum->integers;
    sum->integers = (int64_t)(leaves ? before - (uint64_t)x : before + (uint64_t)x);
    add_real(sum, leaves ? -(double)x : (double)x);
}

static yoda_status set_sum(const struct summing *s, const struct sum *sum,
                           struct window_column *out, uint32_t row, yoda_error *err)
{
    double total = sum->sum + sum->rest;
    if (!isfinite(total))
        return fail(err, YODA_NOT_COLUMNAR, "a sum that is not finite");
    if (s->kind == AGG_TOTAL)
        window_set_real(out, row, total);
    else if (sum->count && s->kind == AGG_AVG)
        window_set_real(out, row, total / (double)sum->count);
    else if (sum->count && sum->real)
        window_set_real(out, row, total);
    else if (sum->count)
        window_set_int(out, row, sum->integers);
    return YODA_OK;
}

static yoda_status sum_excluding(const struct summing *s, struct window_column *out,
                                 yoda_error *err)
{
    uint32_t work = 0;
    for (uint32_t i = 0; i < s->p->rows; i++) {
        struct sum sum = {0};
        struct window_span spans[3];
        uint32_t n = window_spans(s->p, i, spans);
        for (uint32_t k = 0; k < n; k++) {
            TRY(window_step(s->p, &work, spans[k].to - spans[k].from, err));
            for (uint32_t row = spans[k].from; row < spans[k].to; row++)
                step(s, &sum, row, false);
        }
        TRY(set_sum(s, &sum, out, i, err));
    }
    return YODA_OK;
}

/*
 * Rows enter once and leave once, in SQLite's turns: what leaves does so before the next row enters,
 * but for RANGE with offsets on one side afterwards. Between x and y FOLLOWING also the rows before
 * the first frame pass through, y - x behind each other.
 */
struct turns {
    bool enter_first, passes;
    int64_t length; /* passes: y - x rows or groups */
};

static struct turns turns_of(const struct window_frame *frame)
{
    struct turns t = {false, false, 0};
    bool offsets = frame->from == frame->to &&
                   (frame->from == FRAME_PRECEDING || frame->from == FRAME_FOLLOWING);
    t.enter_first = offsets && frame->mode == FRAME_RANGE;
    t.passes = offsets && frame->mode != FRAME_RANGE && frame->from == FRAME_FOLLOWING;
    if (t.passes)
        t.length = frame->to_offset.i - frame->from_offset.i;
    return t;
}

/* Rows below this one have left when `row` enters. */
static uint32_t passed_at(const struct window_partition *p, int64_t length, uint32_t row)
{
    bool rows = p->setup->plan->u.window.frame.mode == FRAME_ROWS;
    int64_t at = (rows ? row : p->group[row]) - length;
    if (at <= 0)
        return 0;
    return rows ? (uint32_t)at : p->group_first[at];
}

static yoda_status sum_moving(const struct summing *s, struct window_column *out, yoda_error *err)
{
    const struct window_partition *p = s->p;
    struct turns turns = turns_of(&p->setup->plan->u.window.frame);
    struct sum sum = {0};
    uint32_t entered = 0, left = 0, work = 0;
    for (uint32_t i = 0; i < p->rows; i++) {
        uint32_t lo = p->lo[i], hi = p->hi[i];
        TRY(window_step(p, &work, 1, err));
        for (; !turns.enter_first && !turns.passes && left < lo && left < entered; left++)
            step(s, &sum, left, true);
        for (; entered < hi; entered++) {
            TRY(window_step(p, &work, 1, err));
            uint32_t passed = turns.passes ? passed_at(p, turns.length, entered) : 0;
            for (; left < passed; left++)
                step(s, &sum, left, true);
            step(s, &sum, entered, false);
        }
        for (; left < lo; left++)
            step(s, &sum, left, true);
        TRY(set_sum(s, &sum, out, i, err));
    }
    return YODA_OK;
}

/* The sum of |x| over the INTEGERs of the partition, about. */
static yoda_status find_magnitude(const struct summing *s, double *magnitude, yoda_error *err)
{
    const int64_t *data = s->value->data;
    uint32_t work = 0;
    for (uint32_t i = 0; i < s->p->rows; i++) {
        TRY(window_step(s->p, &work, 1, err));
        if (counts(s, i) && s->value->tags[i] != ROW_REAL)
            *magnitude += fabs((double)data[i]);
    }
    return YODA_OK;
}

yoda_status window_sum(const struct window_partition *p, const struct window_use *use,
                       struct window_column *out, yoda_error *err)
{
    struct summing s = summing_of(p, use);
    enum vtype type = s.value->type;
    double magnitude = 0;
    if (type == VT_INT || type == VT_NUM)
        TRY(find_magnitude(&s, &magnitude, err));
    if (magnitude > MAGNITUDE_MAX)
        return fail(err, YODA_NOT_COLUMNAR, "SUM may overflow");
    if (type == VT_INT && (s.kind == AGG_SUM || magnitude < EXACT_MAX || compensated))
        return sum_prefixes(&s, out, err);
    return window_excludes(p) ? sum_excluding(&s, out, err) : sum_moving(&s, out, err);
}
