/* column_guess.c -- types of CSV columns. */
#include "column_guess.h"

#include <errno.h>
#include <stdlib.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t digits(const char *text)
{
    size_t count = 0;
    while (is_digit(text[count]))
        count++;
    return count;
}

/* [+-] digits [. digits] [e [+-] digits], and no zero in front of another digit. */
static bool is_decimal(const char *text, size_t size, bool *integer)
{
    const char *at = text + (*text == '-' || *text == '+');
    size_t whole = digits(at), fraction = 0;
    if (whole > 1 && at[0] == '0')
        return false;
    *integer = at + whole == text + size && *text != '+';
    at += whole;
    if (*at == '.') {
        fraction = digits(at + 1);
        at += 1 + fraction;
    }
    if (whole + fraction == 0)
        return false;
    if (*at == 'e' || *at == 'E') {
        at += 1 + (at[1] == '-' || at[1] == '+');
        size_t exponent = digits(at);
        if (exponent == 0)
            return false;
        at += exponent;
    }
    return at == text + size;
}

void column_guess_add(struct column_guess *guess, const char *text, size_t size)
{
    bool integer = false;
    guess->any = true;
    if (guess->not_real)
        return;
    guess->not_real = !is_decimal(text, size, &integer);
    if (guess->not_real || !integer) {
        guess->not_integer = true;
        return;
    }
    errno = 0;
    (void)strtoll(text, NULL, 10);
    if (errno == ERANGE) /* as REAL it would lose digits */
        guess->not_integer = guess->not_real = true;
}

const char *column_guess_type(const struct column_guess *guess)
{
    if (!guess->any || guess->not_real)
        return "TEXT";
    return guess->not_integer ? "REAL" : "INTEGER";
}
