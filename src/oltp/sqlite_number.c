/*
 * sqlite_number.c -- SQLite's own conversions between REAL and text.
 *
 * Both sides must print and parse numbers alike, and SQLite's way differs between its versions, so
 * the linked library does it: printing through its printf, parsing and round() through a statement
 * on a private connection behind a mutex (it is opened at the first call and kept).
 *
 * Its versions compute a short decimal d / 10^k in different ways, each with an error of a few
 * units in the 64th bit. Where the true quotient is far from the middle of two doubles they all
 * round to the nearer one: then we compute it. They leave those near the middle to the library.
 */
#include "oltp/sqlite_handle.h"

#include "base/bits.h"

#include <math.h>

#include <pthread.h>
#include <string.h>

#define DECIMAL_DIGITS 15
#define NEAR_MIDDLE 64 /* in units of the 64th bit; SQLite's errors are below 40 */

static pthread_mutex_t number_lock = PTHREAD_MUTEX_INITIALIZER;
static sqlite3 *number_db; /* under number_lock, as are the statements */
static sqlite3_stmt *number_parse, *number_round;

size_t sqlite_real_to_text(double value, char out[40])
{
    sqlite3_snprintf(40, out, "%!.15g", value);
    return strlen(out);
}

/* Requires number_lock. The statement, or NULL where memory is short. */
static sqlite3_stmt *number_statement(sqlite3_stmt **slot, const char *sql)
{
    if (*slot)
        return *slot;
    if (!number_db) {
        int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
        if (sqlite3_open_v2(":memory:", &number_db, flags, NULL) != SQLITE_OK) {
            sqlite3_close(number_db);
            number_db = NULL;
            return NULL;
        }
    }
    if (sqlite3_prepare_v3(number_db, sql, -1, SQLITE_PREPARE_PERSISTENT, slot, NULL) != SQLITE_OK)
        *slot = NULL;
    return *slot;
}

static double number_result(sqlite3_stmt *handle, double fallback)
{
    double result = fallback;
    if (sqlite3_step(handle) == SQLITE_ROW)
        result = sqlite3_column_double(handle, 0);
    sqlite3_reset(handle);
    sqlite3_clear_bindings(handle);
    return result;
}

/* ---- Short decimals -------------------------------------------------------------------------- */

struct decimal { /* digits / 10^scale */
    uint64_t digits;
    uint32_t scale;
};

/* 12.5, .5 and 5. with at most DECIMAL_DIGITS digits; nothing else. */
static bool read_decimal(const char *text, size_t size, struct decimal *out)
{
    bool point = false;
    uint64_t digits = 0;
    if (size < 2 || size > DECIMAL_DIGITS + 1)
        return false;
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '.' && !point) {
            point = true;
            out->scale = (uint32_t)(size - i - 1);
        } else if (text[i] >= '0' && text[i] <= '9') {
            digits = digits * 10 + (uint64_t)(text[i] - '0');
        } else {
            return false;
        }
    }
    out->digits = digits;
    return point;
}

/* To the nearest double; false: too near to the middle of two. */
static bool divide_decimal(const struct decimal *decimal, double *out)
{
    static const uint64_t powers[DECIMAL_DIGITS + 1] = {1,
                                                        10,
                                                        100,
                                                        1000,
                                                        10000,
                                                        100000,
                                                        1000000,
                                                        10000000,
                                                        100000000,
                                                        1000000000,
                                                        10000000000,
                                                        100000000000,
                                                        1000000000000,
                                                        10000000000000,
                                                        100000000000000,
                                                        1000000000000000};
    *out = 0;
    if (decimal->digits == 0)
        return true;
    int up = __builtin_clzll(decimal->digits) + 62;
    uint128 quotient = ((uint128)decimal->digits << up) / powers[decimal->scale];
    int down = 64 - __builtin_clzll((uint64_t)(quotient >> 64));
    uint64_t top = (uint64_t)(quotient >> down), low = top & 0x7ff;
    if (low > 0x400 - NEAR_MIDDLE && low < 0x400 + NEAR_MIDDLE)
        return false;
    *out = ldexp((double)((top >> 11) + (low > 0x400)), down - up + 11);
    return true;
}

static double parse_with_sqlite(const char *text, size_t size)
{
    double result = 0;
    pthread_mutex_lock(&number_lock);
    sqlite3_stmt *handle = number_statement(&number_parse, "SELECT CAST(?1 AS REAL)");
    if (handle) {
        sqlite3_bind_text64(handle, 1, size ? text : "", size, SQLITE_STATIC, SQLITE_UTF8);
        result = number_result(handle, 0);
    }
    pthread_mutex_unlock(&number_lock);
    return result;
}

double sqlite_text_to_real(const char *text, size_t size)
{
    struct decimal decimal;
    double result;
    if (read_decimal(text, size, &decimal) && divide_decimal(&decimal, &result))
        return result;
    return parse_with_sqlite(text, size);
}

double sqlite_round_real(double value, int digits)
{
    double result = value;
    pthread_mutex_lock(&number_lock);
    sqlite3_stmt *handle = number_statement(&number_round, "SELECT round(?1,?2)");
    if (handle) {
        sqlite3_bind_double(handle, 1, value);
        sqlite3_bind_int(handle, 2, digits);
        result = number_result(handle, value);
    }
    pthread_mutex_unlock(&number_lock);
    return result;
}
