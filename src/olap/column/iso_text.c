/*
 * iso_text.c -- ISO dates and timestamps as numbers, in the proleptic Gregorian calendar.
 *
 * Day numbers follow Howard Hinnant's civil-calendar algorithms: a year that starts in March makes
 * the leap day its last day. Years are moved by one 400-year era, so that all is unsigned.
 */
#include "olap/column/chunk.h"

#include <string.h>

enum { ERA_DAYS = 146097, EPOCH_SHIFT = 719468 + ERA_DAYS /* 1970-01-01 from -0400-03-01 */ };

static int64_t days_of_date(uint32_t year, uint32_t month, uint32_t day)
{
    uint32_t y = year + 400 - (month <= 2), in_era = y % 400;
    uint32_t in_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    uint32_t days = in_era * 365 + in_era / 4 - in_era / 100 + in_year;
    return (int64_t)(y / 400) * ERA_DAYS + days - EPOCH_SHIFT;
}

/* The number in [size] digits; sets *bad when a byte is no digit. */
static inline uint32_t digits(const char *p, int size, uint32_t *bad)
{
    uint32_t n = 0;
    for (int i = 0; i < size; i++) {
        uint32_t d = (uint32_t)(uint8_t)p[i] - '0';
        *bad |= d > 9;
        n = n * 10 + d;
    }
    return n;
}

static uint32_t days_in_month(uint32_t year, uint32_t month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return month == 2 && leap ? 29 : days[month - 1];
}

static bool parse_date(const char *p, int64_t *out)
{
    uint32_t bad = (uint32_t)(p[4] != '-') | (uint32_t)(p[7] != '-');
    uint32_t year = digits(p, 4, &bad), month = digits(p + 5, 2, &bad),
             day = digits(p + 8, 2, &bad);
    if (bad || month - 1 > 11 || day == 0 || (day > 28 && day > days_in_month(year, month)))
        return false;
    *out = days_of_date(year, month, day);
    return true;
}

bool iso_parse(const char *text, size_t size, enum iso_kind kind, int64_t *out)
{
    if (kind == ISO_DATE)
        return size == 10 && parse_date(text, out);
    int64_t days;
    if (size != 19 || !parse_date(text, &days))
        return false;
    uint32_t bad = (uint32_t)(text[10] != (kind == ISO_DATETIME ? ' ' : 'T'));
    bad |= (uint32_t)(text[13] != ':') | (uint32_t)(text[16] != ':');
    uint32_t hour = digits(text + 11, 2, &bad), minute = digits(text + 14, 2, &bad);
    uint32_t second = digits(text + 17, 2, &bad);
    if (bad || hour > 23 || minute > 59 || second > 59)
        return false;
    *out = days * 86400 + hour * 3600 + minute * 60 + second;
    return true;
}

static void put2(char *p, uint32_t n)
{
    p[0] = (char)('0' + n / 10 % 10);
    p[1] = (char)('0' + n % 10);
}

static void format_date(int64_t days, char *p)
{
    uint32_t z = (uint32_t)(days + EPOCH_SHIFT);
    uint32_t in_era = z % ERA_DAYS;
    uint32_t y = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    uint32_t in_year = in_era - (365 * y + y / 4 - y / 100);
    uint32_t m = (5 * in_year + 2) / 153, day = in_year - (153 * m + 2) / 5 + 1;
    uint32_t month = m < 10 ? m + 3 : m - 9;
    uint32_t year = y + z / ERA_DAYS * 400 + (month <= 2) - 400;
    put2(p, year / 100);
    put2(p + 2, year % 100);
    p[4] = '-';
    put2(p + 5, month);
    p[7] = '-';
    put2(p + 8, day);
}

size_t iso_format(int64_t number, enum iso_kind kind, char out[ISO_TEXT_MAX])
{
    if (kind == ISO_DATE) {
        format_date(number, out);
        return 10;
    }
    int64_t days = number / 86400, seconds = number % 86400;
    if (seconds < 0) {
        days--;
        seconds += 86400;
    }
    format_date(days, out);
    uint32_t s = (uint32_t)seconds;
    out[10] = kind == ISO_DATETIME ? ' ' : 'T';
    put2(out + 11, s / 3600);
    out[13] = ':';
    put2(out + 14, s / 60 % 60);
    out[16] = ':';
    put2(out + 17, s % 60);
    return 19;
}
