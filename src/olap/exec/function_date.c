/*
 * function_date.c -- date(), time(), datetime(), julianday(), unixepoch() and strftime() of
 * canonical ISO text, without modifiers.
 *
 * Columns held as ISO codes are computed on their day or second numbers, without making text. Text
 * that is not canonical (SQLite reads more forms, and 'now') refuses the run.
 */
#include "base/str.h"
#include "olap/exec/function.h"

#include <inttypes.h>
#include <stdio.h>

#define DAY_SECONDS 86400
#define FORMAT_MAX 64 /* bytes; every specifier makes at most 20 */

struct moment {
    int64_t seconds;       /* since 1970-01-01 00:00:00 */
    char text[ISO_TEXT_MAX]; /* YYYY-MM-DD HH:MM:SS */
};

static void moment_init(struct moment *m, int64_t number, int kind)
{
    m->seconds = kind == ISO_DATE ? number * DAY_SECONDS : number;
    (void)iso_format(m->seconds, ISO_DATETIME, m->text);
}

static bool moment_parse(struct moment *m, const struct value *v)
{
    int64_t number;
    for (int kind = ISO_DATE; kind <= ISO_DATETIME_T; kind++) {
        if (iso_parse(v->p, v->size, (enum iso_kind)kind, &number)) {
            moment_init(m, number, kind);
            return true;
        }
    }
    return false;
}

static int64_t day_of(const struct moment *m)
{
    int64_t day = m->seconds / DAY_SECONDS;
    return m->seconds % DAY_SECONDS < 0 ? day - 1 : day;
}

static int two_digits(const char *p)
{
    return (p[0] - '0') * 10 + (p[1] - '0');
}

static int day_of_year(const struct moment *m)
{
    static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    int year = two_digits(m->text) * 100 + two_digits(m->text + 2);
    int month = two_digits(m->text + 5), day = two_digits(m->text + 8);
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return before[month - 1] + day + (leap && month > 2);
}

/* Write what one specifier stands for; returns its size, 0 where it is not one of ours. */
static size_t format_one(const struct moment *m, char specifier, char out[24])
{
    const char *from = m->text;
    size_t size = 2;
    switch (specifier) {
    case 'Y':
        size = 4;
        break;
    case 'm':
        from += 5;
        break;
    case 'd':
        from += 8;
        break;
    case 'H':
        from += 11;
        break;
    case 'M':
        from += 14;
        break;
    case 'S':
        from += 17;
        break;
    case 'j':
        return (size_t)snprintf(out, 24, "%03d", day_of_year(m));
    case 'w': /* 1970-01-01 was a Thursday */
        return (size_t)snprintf(out, 24, "%d", (int)(((day_of(m) + 4) % 7 + 7) % 7));
    case 's':
        return (size_t)snprintf(out, 24, "%" PRId64, m->seconds);
    case '%':
        from = "%";
        size = 1;
        break;
    default:
        return 0;
    }
    memcpy(out, from, size);
    return size;
}

static size_t format(const struct moment *m, const char *f, size_t f_size, char *out)
{
    size_t size = 0;
    for (size_t i = 0; i < f_size; i++) {
        if (f[i] == '%')
            size += format_one(m, f[++i], out + size);
        else
            out[size++] = f[i];
    }
    return size;
}

/* One moment as the function's result. */
static yoda_status put(const struct eval_call *call, struct lane_writer *w, uint32_t row,
                       const struct moment *m, const struct value *f)
{
    if (w->type == VT_INT) {
        w->i[row] = m->seconds;
        return YODA_OK;
    }
    if (w->type == VT_REAL) {
        w->r[row] = (double)((m->seconds + INT64_C(210866760000)) * 1000) / 86400000.0;
        return YODA_OK;
    }
    char text[FORMAT_MAX / 2 * 20];
    size_t size = format(m, f->p, f->size, text);
    char *copy = arena_copy(call->eval->arena, text, size);
    if (!copy)
        return fail_nomem(call->err, size);
    w->s[row] = (struct strref){.ptr = copy, .size = (uint32_t)size};
    return YODA_OK;
}

/* The format: strftime's first argument, or what the function stands for. */
static struct value format_of(const struct expr *e)
{
    if (e->arg_count == 2)
        return e->args[0]->constant;
    const char *name = e->function->name;
    const char *f = name_equal(name, "date")   ? "%Y-%m-%d"
                    : name_equal(name, "time") ? "%H:%M:%S"
                                               : "%Y-%m-%d %H:%M:%S";
    return value_text(f, strlen(f));
}

static int64_t iso_code(const struct vector *v, uint32_t row)
{
    switch (v->code_width) {
    case 1:
        return v->base + ((const uint8_t *)v->data)[row];
    case 2:
        return v->base + ((const uint16_t *)v->data)[row];
    case 4:
        return v->base + ((const uint32_t *)v->data)[row];
    default:
        return (int64_t)((uint64_t)v->base + ((const uint64_t *)v->data)[row]);
    }
}

yoda_status function_date(const struct eval_call *call, struct vector *out)
{
    const struct vector *v = &call->args[call->e->arg_count - 1];
    struct value f = format_of(call->e);
    struct vector lanes = *v;
    struct lane_writer w;
    struct moment m;
    if (v->form != VF_ISO)
        TRY(lane_vector(call->eval, v, &lanes, call->err));
    TRY(lane_writer_init(&w, call->eval->arena, call->e->type, call->rows, call->err));
    for (uint32_t row = 0; row < call->rows; row++) {
        if (vector_is_null(&lanes, row)) {
            lane_writer_null(&w, row);
            continue;
        }
        if (lanes.form == VF_ISO) {
            moment_init(&m, iso_code(v, row), v->iso_kind);
        } else {
            struct value text = lane_value(&lanes, row);
            if (!moment_parse(&m, &text))
                return fail(call->err, YODA_NOT_COLUMNAR, "%s() of a text that is not an ISO date",
                            call->e->function->name);
        }
        TRY(put(call, &w, row, &m, &f));
    }
    lane_writer_finish(&w, out);
    return YODA_OK;
}

/* Only formats made of specifiers known here. */
static bool format_known(const struct value *f)
{
    struct moment m;
    char text[24];
    moment_init(&m, 0, ISO_DATE);
    if (f->type != YODA_TEXT || f->size > FORMAT_MAX || f->size == 0 || memchr(f->p, 0, f->size))
        return false;
    for (uint32_t i = 0; i < f->size; i++)
        if (f->p[i] == '%' && (++i == f->size || format_one(&m, f->p[i], text) == 0))
            return false;
    return true;
}

yoda_status function_date_build(struct expr_builder *b, const struct function *f,
                                const expr_ref *args, uint32_t count, expr_ref *out)
{
    YODA_UNUSED(out);
    const struct expr *text = args[count - 1];
    if (text->type != VT_TEXT && text->type != VT_NULL)
        return fail(b->err, YODA_NOT_COLUMNAR, "%s() of a number runs on SQLite", f->name);
    if (count == 2 && (args[0]->kind != EXPR_CONST || !format_known(&args[0]->constant)))
        return fail(b->err, YODA_NOT_COLUMNAR, "strftime() with this format runs on SQLite");
    return YODA_OK;
}
