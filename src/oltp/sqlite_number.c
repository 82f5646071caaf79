/*
 * sqlite_number.c -- SQLite's own conversions between REAL and text.
 *
 * Both sides must print and parse numbers alike, and SQLite's way differs between its versions, so
 * the linked library does it: printing through its printf, parsing and round() through a statement
 * on a private connection behind a mutex (it is opened at the first call and kept).
 */
#include "oltp/sqlite_handle.h"

#include <pthread.h>
#include <string.h>

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

double sqlite_text_to_real(const char *text, size_t size)
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
