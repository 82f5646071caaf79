/*
 * numeric_text.c -- the syntax of numbers in text.
 */
#include "olap/exec/numeric_text.h"

#include "olap/exec/expr.h"

#include <math.h>
#include <string.h>

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static const char *skip_spaces(const char *p, const char *end)
{
    while (p < end && is_space(*p))
        p++;
    return p;
}

static const char *skip_digits(const char *p, const char *end)
{
    while (p < end && is_digit(*p))
        p++;
    return p;
}

int numeric_text_int(const char *text, size_t size, int64_t *out)
{
    const char *end = text + size, *p = skip_spaces(text, end);
    bool negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+'))
        p++;
    const char *start = p;
    while (p < end && *p == '0')
        p++;
    const char *significant = p, *stop = skip_digits(p, end);
    uint64_t u = 0;
    for (; p < stop; p++)
        u = u * 10 + (uint64_t)(*p - '0');
    int rest = stop == start ? -1 : skip_spaces(stop, end) < end ? 1 : 0;
    size_t digits = (size_t)(stop - significant);
    if (digits < 19 || (digits == 19 && u <= INT64_MAX)) {
        *out = negative ? -(int64_t)u : (int64_t)u;
        return rest;
    }
    *out = negative ? INT64_MIN : INT64_MAX;
    if (digits > 19 || u != UINT64_C(1) << 63)
        return 2;
    return negative ? rest : 3;
}

/*
 * Returns  1 an integer, 2 or 3 a number with a point or an exponent, 0 no number, or one that goes
 *          on as other text, -1 the same after a point or an exponent
 * Source   sqlite3AtoF
 */
static int number_syntax(const char *text, size_t size)
{
    const char *end = text + size, *p = skip_spaces(text, end);
    if (p == end)
        return 0;
    if (*p == '-' || *p == '+')
        p++;
    const char *stop = skip_digits(p, end);
    size_t digits = (size_t)(stop - p);
    int type = 1;
    bool exponent_valid = true;
    p = stop;
    if (p < end && *p == '.') {
        type++;
        stop = skip_digits(++p, end);
        digits += (size_t)(stop - p);
        p = stop;
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        type++;
        p++;
        if (p < end && (*p == '-' || *p == '+'))
            p++;
        stop = skip_digits(p, end);
        exponent_valid = stop > p;
        p = stop;
    }
    p = skip_spaces(p, end);
    if (p == end && digits > 0 && exponent_valid)
        return type;
    return type >= 2 && (type == 3 || exponent_valid) && digits > 0 ? -1 : 0;
}

int64_t numeric_real_to_int(double real)
{
    if (real <= (double)INT64_MIN)
        return INT64_MIN;
    if (real >= (double)INT64_MAX)
        return INT64_MAX;
    return (int64_t)real;
}

static double real_of(const char *text, size_t size)
{
    return expr_number_text()->text_to_real(text, size);
}

struct value numeric_text_operand(const char *text, size_t size)
{
    int64_t i;
    int syntax = number_syntax(text, size);
    if (syntax == 0 && numeric_text_int(text, size, &i) <= 1)
        return value_int(i);
    if (syntax == 1 && numeric_text_int(text, size, &i) == 0)
        return value_int(i);
    return value_real(real_of(text, size));
}

/* Is r an integer small enough (2^51) that SQLite turns it into one? */
static bool real_same_as_int(double r, int64_t *i)
{
    *i = numeric_real_to_int(r);
    if (r == 0.0)
        return true;
    return (double)*i == r && *i >= -INT64_C(2251799813685248) && *i < INT64_C(2251799813685248);
}

struct value numeric_text_cast(const char *text, size_t size)
{
    int64_t i;
    int syntax = number_syntax(text, size);
    if ((syntax == 0 || syntax == 1) && numeric_text_int(text, size, &i) <= 1)
        return value_int(i);
    double r = real_of(text, size);
    return real_same_as_int(r, &i) ? value_int(i) : value_real(r);
}

struct value numeric_text_affinity(struct value value)
{
    if (value.type != YODA_TEXT)
        return value;
    int syntax = number_syntax(value.p, value.size);
    if (syntax <= 0)
        return value;
    int64_t i;
    double r = real_of(value.p, value.size);
    if (syntax == 1 &&
        (real_same_as_int(r, &i) || numeric_text_int(value.p, value.size, &i) == 0))
        return value_int(i);
    return value_real(r);
}
