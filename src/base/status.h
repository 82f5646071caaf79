/*
 * status.h -- how failure travels.
 *
 * The line that detects a failure writes the message: `return fail(err, YODA_CORRUPT, "...")`.
 * Everyone above says TRY(g(...)). One `done:` label for cleanup. err may be NULL everywhere.
 * User error, environment, damaged file and our own bug are four different things: a message, a
 * status, YODA_CORRUPT naming file and place, ASSERT.
 */
#ifndef YODA_BASE_STATUS_H
#define YODA_BASE_STATUS_H

#include "yoda.h"

#include <assert.h>

#define TRY(call)                                                                                  \
    do {                                                                                           \
        yoda_status try_status_ = (call);                                                          \
        if (try_status_ != YODA_OK)                                                                \
            return try_status_;                                                                    \
    } while (0)

/* Fill *err (if any) and return code; sql_offset is -1, sqlite_code 0. printf-like. */
yoda_status fail(yoda_error *err, yoda_status code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Same with a byte offset into the SQL text. */
yoda_status fail_at(yoda_error *err, yoda_status code, int64_t sql_offset, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Same for a failed allocation of `bytes`. Does not allocate. */
yoda_status fail_nomem(yoda_error *err, size_t bytes);

/* Checked in every build that is not NDEBUG; states an invariant, never a user error. */
#define ASSERT(condition) assert(condition)

#define YODA_UNUSED(x) ((void)(x))
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#endif
