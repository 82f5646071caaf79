/* test_arrow_text.c -- every day of 10,000 years against a calendar that counts days one by one;
 * decimals against long division of their own digits. */
#include "engine/arrow_text.h"

#include "test.h"

static int days_of_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

static void every_day(void **state)
{
    char got[ARROW_TEXT_MAX], want[64];
    int64_t day = -719528;
    (void)state;
    assert_int_equal(arrow_text_date(day - 1, got), 0);
    for (int year = 0; year < 10000; year++)
        for (int month = 1; month <= 12; month++)
            for (int d = 1; d <= days_of_month(year, month); d++, day++) {
                snprintf(want, sizeof want, "%04d-%02d-%02d", year, month, d);
                assert_int_equal(arrow_text_date(day, got), 10);
                if (memcmp(got, want, 10) != 0)
                    fail_msg("day %lld: %.10s is %s", (long long)day, got, want);
            }
    assert_int_equal(arrow_text_date(day, got), 0);
}

/* Each instant of each unit: the day and the clock of its parts, and no other text for it. */
static void instants(void **state)
{
    static const int64_t units[] = {1, 1000, 1000000, 1000000000};
    char got[ARROW_TEXT_MAX], finer[ARROW_TEXT_MAX], day[ARROW_TEXT_MAX], clock[ARROW_TEXT_MAX];
    uint64_t random = test_seed();
    (void)state;
    for (int round = 0; round < 20000; round++) {
        int unit = (int)(test_random(&random) % 4);
        int64_t per_day = 86400 * units[unit],
                days = (int64_t)(test_random(&random) % 40000) - 20000;
        int64_t rest = (int64_t)(test_random(&random) % (uint64_t)per_day);
        if (test_random(&random) % 2)
            rest -= rest % units[unit];
        size_t size = arrow_text_timestamp(days * per_day + rest, units[unit], got);
        size_t of_day = arrow_text_date(days, day), of_clock;
        of_clock = arrow_text_time(rest, units[unit], clock);
        assert_int_equal(of_day, 10);
        assert_int_equal(size, 11 + of_clock);
        assert_memory_equal(got, day, 10);
        assert_memory_equal(got + 11, clock, of_clock);
        if (unit == 3)
            continue;
        assert_int_equal(
            arrow_text_timestamp((days * per_day + rest) * 1000, units[unit + 1], finer), size);
        assert_memory_equal(got, finer, size);
    }
}

/* The digits without sign and point, leading zeros aside, are those of the number itself. */
static void decimals(void **state)
{
    char got[ARROW_TEXT_MAX], whole[ARROW_TEXT_MAX];
    uint64_t random = test_seed();
    (void)state;
    for (int round = 0; round < 20000; round++) {
        int128 value = (int128)((uint128)test_random(&random) << 64 | test_random(&random));
        value >>= test_random(&random) % 127;
        int scale = (int)(test_random(&random) % 39);
        size_t size = arrow_text_decimal(value, scale, got), digits = 0;
        size_t of_whole = arrow_text_decimal(value, 0, whole);
        assert_int_equal(got[0] == '-', value < 0);
        if (scale > 0)
            assert_int_equal(got[size - (size_t)scale - 1], '.');
        for (size_t i = 0; i < size; i++)
            if (got[i] != '.' && got[i] != '-' && (digits > 0 || got[i] != '0'))
                got[digits++] = got[i];
        size_t sign = value < 0;
        if (value == 0)
            assert_int_equal(digits, 0);
        else
            assert_int_equal(digits, of_whole - sign);
        assert_memory_equal(got, whole + sign, digits);
        int128 back = 0;
        for (size_t i = sign; i < of_whole; i++)
            back = back * 10 - (whole[i] - '0');
        assert_true(back == (value < 0 ? value : -value));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_day),
        cmocka_unit_test(instants),
        cmocka_unit_test(decimals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
