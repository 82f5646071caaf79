/* tools.c -- opening, running and timing, for both sides. */
#include "bench.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void die(const char *what, const char *message)
{
    fprintf(stderr, "bench: %s: %s\n", what, message);
    exit(1);
}

void check(yoda_status status, const yoda_error *err, const char *what)
{
    if (status != YODA_OK)
        die(what, err->message);
}

sqlite3 *plain_open(const char *path)
{
    sqlite3 *db;
    if (sqlite3_open(path, &db) != SQLITE_OK)
        die(path, sqlite3_errmsg(db));
    sqlite3_busy_timeout(db, 10000);
    plain_exec(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;");
    return db;
}

void plain_exec(sqlite3 *db, const char *sql)
{
    char *message = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
        die(sql, message ? message : "?");
}

sqlite3_stmt *plain_prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *stmt;
    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
        die(sql, sqlite3_errmsg(db));
    return stmt;
}

long plain_drain(sqlite3_stmt *stmt)
{
    static volatile uint64_t sink;
    uint64_t sum = 0;
    long rows = 0;
    int columns = sqlite3_column_count(stmt);
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        for (int c = 0; c < columns; c++) {
            switch (sqlite3_column_type(stmt, c)) {
            case SQLITE_INTEGER:
                sum += (uint64_t)sqlite3_column_int64(stmt, c);
                break;
            case SQLITE_FLOAT:
                sum += (uint64_t)(int64_t)sqlite3_column_double(stmt, c);
                break;
            case SQLITE_TEXT:
                sum += *sqlite3_column_text(stmt, c) + (uint64_t)sqlite3_column_bytes(stmt, c);
                break;
            default:
                break;
            }
        }
        rows++;
    }
    sink = sum;
    (void)sink;
    sqlite3_reset(stmt);
    return rows;
}

yoda_engine *engine_open(const char *path, const char *const *pairs)
{
    yoda_option options[16];
    size_t count = 0;
    yoda_engine *db;
    yoda_error err;
    for (; pairs && pairs[0]; pairs += 2)
        options[count++] = (yoda_option){pairs[0], pairs[1]};
    check(yoda_open(path, options, count, &db, &err), &err, "open");
    return db;
}

void engine_exec(yoda_engine *db, const char *sql)
{
    yoda_error err;
    check(yoda_execute(db, sql, NULL, NULL, &err), &err, sql);
}

static double seconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double wall_seconds(void)
{
    return seconds(CLOCK_MONOTONIC);
}

double thread_cpu_seconds(void)
{
    return seconds(CLOCK_THREAD_CPUTIME_ID);
}

char *scratch_path(const struct settings *settings, const char *name)
{
    char *path = malloc(4096), command[8300];
    snprintf(path, 4096, "%s/%s", settings->directory, name);
    snprintf(command, sizeof command, "rm -rf '%s' '%s'-*", path, path);
    if (system(command))
        die(path, "cannot remove old files");
    return path;
}

uint64_t random_next(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}
