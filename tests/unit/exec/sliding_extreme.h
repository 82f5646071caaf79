/*
 * sliding_extreme.h -- sliding_min() and sliding_max() for SQLite: its min() and max() over frames
 * whose start moves, told the naive way.
 *
 * SQLite 3.40 keeps such a frame in an index and at times answers from a row that is not its last
 * when the frame has more than about 1,000 values. Equal values: the one that came last wins, the
 * one that came first leaves.
 */
#ifndef YODA_TESTS_SLIDING_EXTREME_H
#define YODA_TESTS_SLIDING_EXTREME_H

#include "expr_oracle.h"

#include <stdlib.h>
#include <string.h>

struct sliding {
    sqlite3_value **values; /* [count], in the order in which they came */
    size_t first, count, room;
};

static inline int sliding_rank(sqlite3_value *v)
{
    int type = sqlite3_value_type(v);
    return type == SQLITE_TEXT ? 2 : type == SQLITE_BLOB ? 3 : 1;
}

static inline long double sliding_number(sqlite3_value *v)
{
    if (sqlite3_value_type(v) == SQLITE_INTEGER)
        return (long double)sqlite3_value_int64(v);
    return sqlite3_value_double(v);
}

static inline int sliding_compare(sqlite3_value *a, sqlite3_value *b)
{
    int by_rank = sliding_rank(a) - sliding_rank(b);
    if (by_rank != 0)
        return by_rank;
    if (sliding_rank(a) == 1) {
        long double x = sliding_number(a), y = sliding_number(b);
        return (x > y) - (x < y);
    }
    int size_a = sqlite3_value_bytes(a), size_b = sqlite3_value_bytes(b);
    int bytes = memcmp(sqlite3_value_blob(a), sqlite3_value_blob(b),
                       (size_t)(size_a < size_b ? size_a : size_b));
    return bytes ? bytes : size_a - size_b;
}

static inline void sliding_step(sqlite3_context *context, int count, sqlite3_value **args)
{
    struct sliding *s = sqlite3_aggregate_context(context, sizeof *s);
    (void)count;
    if (sqlite3_value_type(args[0]) == SQLITE_NULL)
        return;
    if (s->count == s->room) {
        s->room = 2 * s->room + 64;
        s->values = realloc(s->values, s->room * sizeof *s->values);
    }
    s->values[s->count++] = sqlite3_value_dup(args[0]);
}

static inline void sliding_inverse(sqlite3_context *context, int count, sqlite3_value **args)
{
    struct sliding *s = sqlite3_aggregate_context(context, sizeof *s);
    (void)count;
    for (size_t i = s->first; i < s->count; i++)
        if (s->values[i] && sliding_compare(s->values[i], args[0]) == 0) {
            sqlite3_value_free(s->values[i]);
            s->values[i] = NULL;
            break;
        }
    while (s->first < s->count && !s->values[s->first])
        s->first++;
}

static inline void sliding_value(sqlite3_context *context)
{
    struct sliding *s = sqlite3_aggregate_context(context, sizeof *s);
    int sign = sqlite3_user_data(context) ? 1 : -1;
    sqlite3_value *best = NULL;
    for (size_t i = s->first; i < s->count; i++)
        if (s->values[i] && (!best || sign * sliding_compare(s->values[i], best) >= 0))
            best = s->values[i];
    if (best)
        sqlite3_result_value(context, best);
}

static inline void sliding_final(sqlite3_context *context)
{
    struct sliding *s = sqlite3_aggregate_context(context, sizeof *s);
    sliding_value(context);
    for (size_t i = s->first; i < s->count; i++)
        sqlite3_value_free(s->values[i]);
    free(s->values);
}

/* Add them to oracle_db. */
static inline void sliding_register(void)
{
    static const char *const functions[] = {"sliding_min", "sliding_max"};
    for (int i = 0; i < 2; i++)
        assert_int_equal(sqlite3_create_window_function(
                             oracle_db, functions[i], 1, SQLITE_UTF8, i ? oracle_db : NULL,
                             sliding_step, sliding_final, sliding_value, sliding_inverse, NULL),
                         SQLITE_OK);
}

#endif
