/* answer.c -- collecting, sorting and comparing answers. */
#include "answer.h"

#include <math.h>

#define TOLERANCE 1e-11

static void collect(struct answer *a)
{
    size_t capacity = 0, used = 0;
    a->columns = yoda_result_column_count(a->result);
    while (yoda_result_next(a->result)) {
        if (used + a->columns > capacity) {
            capacity = capacity ? 2 * capacity : 16 * (a->columns + 1);
            a->values = realloc(a->values, capacity * sizeof *a->values);
        }
        for (size_t c = 0; c < a->columns; c++)
            yoda_result_value(a->result, c, &a->values[used++]);
        a->rows++;
    }
}

yoda_status answer_query(yoda_engine *db, const char *sql, yoda_side side, int64_t timeout_ms,
                         struct answer *out, yoda_error *err)
{
    yoda_query_options options = YODA_QUERY_OPTIONS_INIT;
    yoda_result_info info;
    *out = (struct answer){0};
    options.side = side;
    options.timeout_ms = timeout_ms;
    yoda_status status = yoda_query(db, sql, NULL, &options, &out->result, err);
    if (status != YODA_OK)
        return status;
    yoda_result_info_get(out->result, &info);
    out->side = info.side;
    out->reason = info.reason;
    collect(out);
    return YODA_OK;
}

void answer_free(struct answer *answer)
{
    free(answer->values);
    yoda_result_close(answer->result);
    *answer = (struct answer){0};
}

/* ---- Order ---- */

static int compare_bytes(const yoda_value *a, const yoda_value *b)
{
    size_t shorter = a->size < b->size ? a->size : b->size;
    int order = shorter ? memcmp(a->data, b->data, shorter) : 0;
    return order ? order : (a->size > b->size) - (a->size < b->size);
}

static int compare_values(const yoda_value *a, const yoda_value *b)
{
    if (a->type != b->type)
        return (a->type > b->type) - (a->type < b->type);
    switch (a->type) {
    case YODA_INTEGER:
        return (a->integer > b->integer) - (a->integer < b->integer);
    case YODA_REAL:
        return (a->real > b->real) - (a->real < b->real);
    case YODA_TEXT:
    case YODA_BLOB:
        return compare_bytes(a, b);
    case YODA_NULL:
        break;
    }
    return 0;
}

static size_t sort_columns; /* qsort has no context */

/* Reals come last: two sums that differ in the last digit must not reorder the rows. */
static int compare_rows(const void *x, const void *y)
{
    const yoda_value *a = x, *b = y;
    for (int reals = 0; reals < 2; reals++)
        for (size_t c = 0; c < sort_columns; c++) {
            bool both_real = a[c].type == YODA_REAL && b[c].type == YODA_REAL;
            int order = both_real == (reals == 1) ? compare_values(&a[c], &b[c]) : 0;
            if (order)
                return order;
        }
    return 0;
}

static void sort(struct answer *a)
{
    sort_columns = a->columns;
    if (a->rows > 1 && a->columns > 0)
        qsort(a->values, a->rows, a->columns * sizeof *a->values, compare_rows);
}

/* ---- Equality ---- */

static bool value_same(const yoda_value *a, const yoda_value *b)
{
    if (a->type != YODA_REAL || b->type != YODA_REAL)
        return compare_values(a, b) == 0;
    double size = fmax(fabs(a->real), fabs(b->real));
    return memcmp(&a->real, &b->real, sizeof a->real) == 0 ||
           (size < INFINITY && size > 0 && fabs(a->real - b->real) <= TOLERANCE * size);
}

static void print_value(const yoda_value *v, char out[64])
{
    const unsigned char *bytes = v->data;
    int n = 0;
    switch (v->type) {
    case YODA_INTEGER:
        snprintf(out, 64, "%lld", (long long)v->integer);
        return;
    case YODA_REAL:
        snprintf(out, 64, "%.17g (real)", v->real);
        return;
    case YODA_NULL:
        snprintf(out, 64, "NULL");
        return;
    case YODA_TEXT:
    case YODA_BLOB:
        n = snprintf(out, 64, "%s[%zu] ", v->type == YODA_TEXT ? "text" : "blob", v->size);
        for (size_t i = 0; i < v->size && n < 60; i++)
            n += bytes[i] >= ' ' && bytes[i] <= '~'
                     ? snprintf(out + n, (size_t)(64 - n), "%c", bytes[i])
                     : snprintf(out + n, (size_t)(64 - n), "\\%02x", bytes[i]);
        return;
    }
}

bool answer_equal(struct answer *a, struct answer *b, char why[ANSWER_WHY_MAX])
{
    char left[64], right[64];
    if (a->columns != b->columns || a->rows != b->rows) {
        snprintf(why, ANSWER_WHY_MAX, "%zu rows of %zu columns against %zu of %zu", a->rows,
                 a->columns, b->rows, b->columns);
        return false;
    }
    sort(a);
    sort(b);
    for (size_t i = 0; i < a->rows * a->columns; i++) {
        if (value_same(&a->values[i], &b->values[i]))
            continue;
        print_value(&a->values[i], left);
        print_value(&b->values[i], right);
        snprintf(why, ANSWER_WHY_MAX, "row %zu (sorted), column %zu: %s against SQLite's %s",
                 i / a->columns, i % a->columns, left, right);
        return false;
    }
    return true;
}

/* ---- Both sides ---- */

/* Limits that hit one side and not the other say nothing about the answer. */
static bool is_limit(yoda_status status)
{
    return status == YODA_TIMEOUT || status == YODA_NOMEM || status == YODA_TOO_BIG ||
           status == YODA_INTERRUPTED || status == YODA_BUSY;
}

static enum answer_verdict judge(yoda_status status, struct answer *got, const yoda_error *got_err,
                                 yoda_status wanted_status, struct answer *wanted,
                                 const yoda_error *wanted_err, char why[ANSWER_WHY_MAX])
{
    why[0] = 0;
    if (is_limit(status) || is_limit(wanted_status))
        return ANSWER_NONE;
    if (status == YODA_NOT_COLUMNAR) {
        snprintf(why, ANSWER_WHY_MAX, "%s", got_err->message);
        return ANSWER_NOT_COLUMNAR;
    }
    if (status != YODA_OK && wanted_status != YODA_OK)
        return ANSWER_NONE;
    if ((status != YODA_OK) != (wanted_status != YODA_OK)) {
        snprintf(why, ANSWER_WHY_MAX, "one side fails: %s",
                 status != YODA_OK ? got_err->message : wanted_err->message);
        return ANSWER_DIFFERENT;
    }
    if (got->side != YODA_SIDE_COLUMN) {
        snprintf(why, ANSWER_WHY_MAX, "%s", got->reason);
        return ANSWER_NOT_COLUMNAR;
    }
    return answer_equal(got, wanted, why) ? ANSWER_SAME : ANSWER_DIFFERENT;
}

enum answer_verdict answer_compare(yoda_engine *db, const char *sql, yoda_side side,
                                   int64_t timeout_ms, char why[ANSWER_WHY_MAX])
{
    struct answer got, wanted;
    yoda_error got_err = {0}, wanted_err = {0};
    yoda_status status = answer_query(db, sql, side, timeout_ms, &got, &got_err);
    yoda_status wanted_status =
        answer_query(db, sql, YODA_SIDE_ROW, timeout_ms, &wanted, &wanted_err);
    enum answer_verdict verdict =
        judge(status, &got, &got_err, wanted_status, &wanted, &wanted_err, why);
    answer_free(&got);
    answer_free(&wanted);
    return verdict;
}
