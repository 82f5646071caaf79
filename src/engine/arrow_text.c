/* arrow_text.c -- the proleptic Gregorian calendar, and digits.
 *
 * Source: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days: years begin
 * in March, so that the leap day is the last one. */
#include "engine/arrow_text.h"

#include "base/status.h"

#include <string.h>

#define DAY_SECONDS INT64_C(86400)
#define ERA_DAYS 146097           /* 400 years */
#define DAYS_MIN INT64_C(-719528) /* 0000-01-01 */
#define DAYS_MAX INT64_C(2932896) /* 9999-12-31 */

static char *put_digits(char *at, uint64_t number, int digits)
{
    for (int i = digits - 1; i >= 0; i--, number /= 10)
        at[i] = (char)('0' + number % 10);
    return at + digits;
}

static int64_t floor_divide(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static char *put_date(char *at, int64_t days)
{
    uint64_t shifted = (uint64_t)(days - DAYS_MIN - 60 + ERA_DAYS); /* since -0400-03-01 */
    uint64_t era = shifted / ERA_DAYS, of_era = shifted % ERA_DAYS;
    uint64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    uint64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    uint64_t shifted_month = (5 * of_year + 2) / 153; /* 0: March */
    uint64_t day = of_year - (153 * shifted_month + 2) / 5 + 1;
    uint64_t month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
    uint64_t year = year_of_era + era * 400 + (month <= 2) - 400;
    at = put_digits(at, year, 4);
    *at++ = '-';
    at = put_digits(at, month, 2);
    *at++ = '-';
    return put_digits(at, day, 2);
}

static char *put_clock(char *at, int64_t seconds)
{
    ASSERT(seconds >= 0 && seconds < DAY_SECONDS);
    uint64_t s = (uint64_t)seconds;
    at = put_digits(at, s / 3600, 2);
    *at++ = ':';
    at = put_digits(at, s / 60 % 60, 2);
    *at++ = ':';
    return put_digits(at, s % 60, 2);
}

static char *put_fraction(char *at, int64_t units, int64_t units_per_second)
{
    uint64_t nanoseconds = (uint64_t)(units * (1000000000 / units_per_second));
    if (nanoseconds == 0)
        return at;
    *at++ = '.';
    if (nanoseconds % 1000 > 0)
        return put_digits(at, nanoseconds, 9);
    if (nanoseconds % 1000000 > 0)
        return put_digits(at, nanoseconds / 1000, 6);
    return put_digits(at, nanoseconds / 1000000, 3);
}

size_t arrow_text_date(int64_t days, char out[ARROW_TEXT_MAX])
{
    if (days < DAYS_MIN || days > DAYS_MAX)
        return 0;
    return (size_t)(put_date(out, days) - out);
}

size_t arrow_text_time(int64_t units, int64_t units_per_second, char out[ARROW_TEXT_MAX])
{
    if (units < 0 || units / units_per_second >= DAY_SECONDS)
        return 0;
    char *at = put_clock(out, units / units_per_second);
    return (size_t)(put_fraction(at, units % units_per_second, units_per_second) - out);
}

size_t arrow_text_timestamp(int64_t units, int64_t units_per_second, char out[ARROW_TEXT_MAX])
{
    int64_t seconds = floor_divide(units, units_per_second);
    int64_t days = floor_divide(seconds, DAY_SECONDS);
    if (days < DAYS_MIN || days > DAYS_MAX)
        return 0;
    char *at = put_date(out, days);
    *at++ = ' ';
    at = put_clock(at, seconds - days * DAY_SECONDS);
    int64_t fraction = units % units_per_second;
    fraction += fraction < 0 ? units_per_second : 0;
    return (size_t)(put_fraction(at, fraction, units_per_second) - out);
}

size_t arrow_text_decimal(int128 value, int scale, char out[ARROW_TEXT_MAX])
{
    char digits[ARROW_TEXT_MAX]; /* the lowest first */
    int count = 0;
    uint128 rest = value < 0 ? -(uint128)value : (uint128)value;
    ASSERT(scale >= -ARROW_TEXT_SCALE_MAX && scale <= ARROW_TEXT_SCALE_MAX);
    for (int i = scale; i < 0 && rest > 0; i++)
        digits[count++] = '0';
    for (; rest > 0 || count <= scale || count == 0; rest /= 10)
        digits[count++] = (char)('0' + (int)(rest % 10));
    char *at = out;
    if (value < 0)
        *at++ = '-';
    while (count > 0) {
        *at++ = digits[--count];
        if (count == scale && scale > 0)
            *at++ = '.';
    }
    ASSERT(at - out < ARROW_TEXT_MAX);
    return (size_t)(at - out);
}
