/*
 * status.c -- error messages: formatted once where the failure is seen, then only passed on.
 *
 * A message is built aside and copied, so that an argument may point into the error itself
 * (`fail(err, code, "table %s: %s", name, err->message)`). Too long a message is cut.
 */
#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *yoda_status_name(yoda_status status)
{
    static const char *const names[] = {
        [YODA_OK] = "OK",
        [YODA_ERROR] = "ERROR",
        [YODA_MISUSE] = "MISUSE",
        [YODA_NOMEM] = "NOMEM",
        [YODA_IOERR] = "IOERR",
        [YODA_CORRUPT] = "CORRUPT",
        [YODA_BUSY] = "BUSY",
        [YODA_INTERRUPTED] = "INTERRUPTED",
        [YODA_CONSTRAINT] = "CONSTRAINT",
        [YODA_NOT_FOUND] = "NOT_FOUND",
        [YODA_FULL] = "FULL",
        [YODA_READONLY] = "READONLY",
        [YODA_TOO_BIG] = "TOO_BIG",
        [YODA_NOT_COLUMNAR] = "NOT_COLUMNAR",
        [YODA_TIMEOUT] = "TIMEOUT",
        [YODA_SCHEMA] = "SCHEMA",
        [YODA_CLOSED] = "CLOSED",
        [YODA_FORKED] = "FORKED",
        [YODA_CONFLICT] = "CONFLICT",
        [YODA_INTERNAL] = "INTERNAL",
    };
    static_assert(COUNT_OF(names) == YODA_INTERNAL + 1, "every status has a name");
    return (size_t)status < COUNT_OF(names) ? names[status] : "UNKNOWN";
}

static void fill(yoda_error *err, yoda_status code, int64_t sql_offset, const char *format,
                 va_list args) __attribute__((format(printf, 4, 0)));

static void fill(yoda_error *err, yoda_status code, int64_t sql_offset, const char *format,
                 va_list args)
{
    char message[YODA_MESSAGE_MAX];
    if (vsnprintf(message, sizeof message, format, args) < 0)
        message[0] = '\0';
    err->code = code;
    err->sqlite_code = 0;
    err->sql_offset = sql_offset;
    memcpy(err->message, message, strlen(message) + 1);
}

yoda_status fail(yoda_error *err, yoda_status code, const char *format, ...)
{
    ASSERT(code != YODA_OK);
    if (err) {
        va_list args;
        va_start(args, format);
        fill(err, code, -1, format, args);
        va_end(args);
    }
    return code;
}

yoda_status fail_at(yoda_error *err, yoda_status code, int64_t sql_offset, const char *format, ...)
{
    ASSERT(code != YODA_OK);
    if (err) {
        va_list args;
        va_start(args, format);
        fill(err, code, sql_offset, format, args);
        va_end(args);
    }
    return code;
}

yoda_status fail_nomem(yoda_error *err, size_t bytes)
{
    return fail(err, YODA_NOMEM, "out of memory allocating %zu bytes", bytes);
}
