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

static size_t sort_columns; /* qsort has no context */
static bool sort_loosely;
static double tolerance = TOLERANCE;

static int fold(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

static int compare_bytes(const yoda_value *a, const yoda_value *b)
{
    size_t shorter = a->size < b->size ? a->size : b->size;
    int order = shorter ? memcmp(a->data, b->data, shorter) : 0;
    return order ? order : (a->size > b->size) - (a->size < b->size);
}

/* Without case and spaces at the end: what any of SQLite's collations calls equal is equal. */
static int compare_folded(const yoda_value *a, const yoda_value *b)
{
    const unsigned char *x = a->data, *y = b->data;
    size_t m = a->size, n = b->size, i = 0;
    while (m > 0 && x[m - 1] == ' ')
        m--;
    while (n > 0 && y[n - 1] == ' ')
        n--;
    for (; i < m && i < n; i++)
        if (fold(x[i]) != fold(y[i]))
            return fold(x[i]) - fold(y[i]);
    return (m > n) - (m < n);
}

static bool is_number(const yoda_value *v)
{
    return v->type == YODA_INTEGER || v->type == YODA_REAL;
}

static int compare_numbers(const yoda_value *a, const yoda_value *b)
{
    long double x = a->type == YODA_REAL ? a->real : (long double)a->integer;
    long double y = b->type == YODA_REAL ? b->real : (long double)b->integer;
    if (x == 0 && y == 0 && !sort_loosely) /* a place of its own for -0.0 */
        return (signbit(y) != 0) - (signbit(x) != 0);
    return (x > y) - (x < y);
}

static int compare_values(const yoda_value *a, const yoda_value *b)
{
    if (is_number(a) && is_number(b) && (sort_loosely || a->type == b->type))
        return compare_numbers(a, b);
    if (a->type != b->type)
        return (a->type > b->type) - (a->type < b->type);
    if (a->type == YODA_TEXT && sort_loosely)
        return compare_folded(a, b);
    return a->type == YODA_TEXT || a->type == YODA_BLOB ? compare_bytes(a, b) : 0;
}

/* Does its place in the order depend on the last digits? */
static bool is_rough(const yoda_value *v)
{
    return sort_loosely ? is_number(v) : v->type == YODA_REAL;
}

/* Reals come last: two sums that differ in the last digit must not reorder the rows. */
static int compare_rows(const void *x, const void *y)
{
    const yoda_value *a = x, *b = y;
    for (int rough = 0; rough < 2; rough++)
        for (size_t c = 0; c < sort_columns; c++) {
            bool both = is_rough(&a[c]) && is_rough(&b[c]);
            int order = both == (rough == 1) ? compare_values(&a[c], &b[c]) : 0;
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
    bool reals = a->type == YODA_REAL && b->type == YODA_REAL;
    if (!reals && !(sort_loosely && is_number(a) && is_number(b)))
        return compare_values(a, b) == 0;
    if (reals && memcmp(&a->real, &b->real, sizeof a->real) == 0)
        return true;
    double x = a->type == YODA_REAL ? a->real : (double)a->integer;
    double y = b->type == YODA_REAL ? b->real : (double)b->integer;
    double size = fmax(fabs(x), fabs(y));
    return (sort_loosely && compare_numbers(a, b) == 0) ||
           (size < INFINITY && size > 0 && fabs(x - y) <= tolerance * size);
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

static void say_difference(const struct answer *a, const struct answer *b, size_t i,
                           const char *how, char why[ANSWER_WHY_MAX])
{
    char left[64], right[64];
    print_value(&a->values[i], left);
    print_value(&b->values[i], right);
    snprintf(why, ANSWER_WHY_MAX, "row %zu (%s), column %zu: %s against SQLite's %s",
             i / a->columns, how, i % a->columns, left, right);
}

/* Rows with equal keys may change places, so only the keys are held against each other; which of
 * the values that a collation calls equal stands there is part of that freedom. */
static bool in_order(const struct answer *a, const struct answer *b,
                     const struct answer_rules *rules, char why[ANSWER_WHY_MAX])
{
    bool same = true;
    sort_loosely = true;
    for (size_t row = 0; row < a->rows && same; row++)
        for (size_t k = 0; k < rules->order_count && same; k++) {
            size_t i = row * a->columns + rules->order[k];
            same = rules->order[k] >= a->columns || value_same(&a->values[i], &b->values[i]);
            if (!same)
                say_difference(a, b, i, "in order", why);
        }
    return same;
}

bool answer_equal(struct answer *a, struct answer *b, const struct answer_rules *rules,
                  char why[ANSWER_WHY_MAX])
{
    tolerance = rules && rules->tolerance > 0 ? rules->tolerance : TOLERANCE;
    if (a->columns != b->columns || a->rows != b->rows) {
        snprintf(why, ANSWER_WHY_MAX, "%zu rows of %zu columns against %zu of %zu", a->rows,
                 a->columns, b->rows, b->columns);
        return false;
    }
    if (rules && !in_order(a, b, rules, why))
        return false;
    sort_loosely = rules && rules->loose;
    sort(a);
    sort(b);
    for (size_t i = 0; i < a->rows * a->columns; i++) {
        if (value_same(&a->values[i], &b->values[i]))
            continue;
        say_difference(a, b, i, "sorted", why);
        return false;
    }
    return true;
}

void answer_print(const struct answer *answer, size_t rows_max, FILE *out)
{
    char text[64];
    for (size_t i = 0; i < answer->rows * answer->columns && i < rows_max * answer->columns; i++) {
        print_value(&answer->values[i], text);
        fprintf(out, "%s%s", text, (i + 1) % answer->columns ? " | " : "\n");
    }
    if (answer->rows > rows_max)
        fprintf(out, "... %zu rows\n", answer->rows);
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
                                 const yoda_error *wanted_err, const struct answer_rules *rules,
                                 char why[ANSWER_WHY_MAX])
{
    why[0] = 0;
    if (is_limit(wanted_status))
        return ANSWER_NONE;
    if (is_limit(status)) {
        snprintf(why, ANSWER_WHY_MAX, "%s", got_err->message);
        return ANSWER_SLOW;
    }
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
    return answer_equal(got, wanted, rules, why) ? ANSWER_SAME : ANSWER_DIFFERENT;
}

enum answer_verdict answer_compare_by(yoda_engine *db, const char *sql, yoda_side side,
                                      int64_t timeout_ms, const struct answer_rules *rules,
                                      char why[ANSWER_WHY_MAX])
{
    struct answer got, wanted;
    yoda_error got_err = {0}, wanted_err = {0};
    yoda_status status = answer_query(db, sql, side, timeout_ms, &got, &got_err);
    yoda_status wanted_status =
        answer_query(db, sql, YODA_SIDE_ROW, timeout_ms, &wanted, &wanted_err);
    enum answer_verdict verdict =
        judge(status, &got, &got_err, wanted_status, &wanted, &wanted_err, rules, why);
    answer_free(&got);
    answer_free(&wanted);
    return verdict;
}

enum answer_verdict answer_compare(yoda_engine *db, const char *sql, yoda_side side,
                                   int64_t timeout_ms, char why[ANSWER_WHY_MAX])
{
    enum answer_verdict verdict = answer_compare_by(db, sql, side, timeout_ms, NULL, why);
    return verdict == ANSWER_SLOW ? ANSWER_NONE : verdict;
}
