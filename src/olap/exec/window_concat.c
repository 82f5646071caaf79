/*
 * window_concat.c -- GROUP_CONCAT over frames.
 *
 * The texts of the whole partition are joined once; a frame's answer is a piece of that. What
 * EXCLUDE leaves of a frame is put together from up to three pieces.
 *
 * An empty text is refused: SQLite cannot tell it from no text at all when a frame moves on.
 */
#include "olap/exec/window.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define CONCAT_BYTES_MAX 1000000000u /* SQLITE_MAX_LENGTH's default */

struct joined {
    const struct window_partition *p;
    const struct window_column *value, *filter; /* filter: NULL for none */
    struct strref separator;
    char *bytes;         /* every text with the separator behind it */
    size_t *begin;       /* [rows + 1] where a row's text begins; equal: it has none */
};

/* The text of a number, in buffer; texts as they are. */
static struct strref text_of(const struct value *v, char buffer[48])
{
    if (v->type == YODA_INTEGER)
        return (struct strref){buffer, (uint32_t)snprintf(buffer, 48, "%" PRId64, v->i)};
    if (v->type == YODA_REAL)
        return (struct strref){buffer, (uint32_t)expr_number_text()->real_to_text(v->r, buffer)};
    return (struct strref){v->p, v->size};
}

static struct strref separator_of(const struct aggregate *a, char buffer[48])
{
    if (!a->separator)
        return (struct strref){",", 1};
    if (a->separator->constant.type == YODA_NULL)
        return (struct strref){"", 0};
    return text_of(&a->separator->constant, buffer);
}

static inline bool counts(const struct joined *j, uint32_t i)
{
    return j->value->type != VT_NULL && j->value->tags[i] != ROW_NULL &&
           (!j->filter || ((const int64_t *)j->filter->data)[i]);
}

static yoda_status measure(struct joined *j, yoda_error *err)
{
    char buffer[48];
    size_t at = 0;
    uint32_t work = 0;
    for (uint32_t i = 0; i < j->p->rows; i++) {
        TRY(window_step(j->p, &work, 1, err));
        j->begin[i] = at;
        if (!counts(j, i))
            continue;
        struct value v = window_value(j->value, i);
        struct strref text = text_of(&v, buffer);
        if (text.size == 0)
            return fail(err, YODA_NOT_COLUMNAR, "group_concat of an empty text in a window");
        at += (size_t)text.size + j->separator.size;
    }
    j->begin[j->p->rows] = at;
    return YODA_OK;
}

static yoda_status join(struct joined *j, yoda_error *err)
{
    char buffer[48];
    uint32_t work = 0;
    j->begin = arena_alloc(j->p->scratch, ((size_t)j->p->rows + 1) * sizeof *j->begin);
    if (!j->begin)
        return run_nomem(err, "concatenating");
    TRY(measure(j, err));
    j->bytes = arena_alloc(j->p->arena, j->begin[j->p->rows]);
    if (!j->bytes)
        return run_nomem(err, "concatenating");
    for (uint32_t i = 0; i < j->p->rows; i++) {
        TRY(window_step(j->p, &work, 1, err));
        if (!counts(j, i))
            continue;
        struct value v = window_value(j->value, i);
        struct strref text = text_of(&v, buffer);
        memcpy(j->bytes + j->begin[i], text.ptr, text.size);
        if (j->separator.size)
            memcpy(j->bytes + j->begin[i] + text.size, j->separator.ptr, j->separator.size);
    }
    return YODA_OK;
}

/* Which of two equal rows comes first would show: they must have the same text. */
static yoda_status check_ties(const struct joined *j, yoda_error *err)
{
    uint32_t work = 0;
    for (uint32_t g = 0; g < j->p->group_count; g++) {
        uint32_t first = j->p->group_first[g], end = j->p->group_first[g + 1];
        TRY(window_step(j->p, &work, end - first, err));
        for (uint32_t i = first + 1; i < end; i++) {
            struct value a = window_value(j->value, first), b = window_value(j->value, i);
            if (counts(j, first) != counts(j, i) || (counts(j, i) && !value_identical(&a, &b)))
                return fail(err, YODA_NOT_COLUMNAR, "the order of equal rows shows in group_concat");
        }
    }
    return YODA_OK;
}

static yoda_status concat_row(const struct joined *j, uint32_t row, struct window_column *out,
                              yoda_error *err)
{
    struct window_span spans[3];
    uint32_t n = window_spans(j->p, row, spans);
    size_t total = 0;
    for (uint32_t s = 0; s < n; s++)
        total += j->begin[spans[s].to] - j->begin[spans[s].from];
    if (total == 0)
        return YODA_OK;
    char *bytes = j->bytes + j->begin[spans[0].from];
    if (total - j->separator.size > CONCAT_BYTES_MAX)
        return fail(err, YODA_NOT_COLUMNAR, "group_concat past %u bytes", CONCAT_BYTES_MAX);
    if (n > 1) {
        char *at = bytes = arena_alloc(j->p->arena, total);
        if (!bytes)
            return run_nomem(err, "concatenating");
        for (uint32_t s = 0; s < n; s++) {
            size_t begin = j->begin[spans[s].from], size = j->begin[spans[s].to] - begin;
            memcpy(at, j->bytes + begin, size);
            at += size;
        }
    }
    ((struct strref *)out->data)[row] =
        (struct strref){bytes, (uint32_t)(total - j->separator.size)};
    out->tags[row] = ROW_VALUE;
    return YODA_OK;
}

yoda_status window_concat(const struct window_partition *p, const struct window_use *use,
                          struct window_column *out, yoda_error *err)
{
    char buffer[48];
    uint32_t work = 0;
    struct joined j = {.p = p, .value = &p->inputs[use->args[0]],
                       .separator = separator_of(&use->call->aggregate, buffer)};
    if (use->filter != WINDOW_NONE)
        j.filter = &p->inputs[use->filter];
    TRY(check_ties(&j, err));
    TRY(join(&j, err));
    for (uint32_t i = 0; i < p->rows; i++) {
        TRY(window_step(p, &work, 1, err));
        TRY(concat_row(&j, i, out, err));
    }
    return YODA_OK;
}
