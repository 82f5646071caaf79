/*
 * case_capture.c -- what capture costs a writer: the same program, the same stock SQLite calls, on
 * a file without and with the capture triggers. CPU time of the writing thread.
 */
#include "bench.h"

#include <stdlib.h>

static const char table_sql[] =
    "CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER, b INTEGER, c INTEGER, d INTEGER, x REAL,"
    " s TEXT, u TEXT)";
static const char insert_sql[] = "INSERT INTO t(a, b, c, d, x, s, u) VALUES (?, ?, ?, ?, ?, ?, ?)";

static void insert_row(sqlite3_stmt *insert, int i)
{
    for (int c = 1; c <= 4; c++)
        sqlite3_bind_int64(insert, c, (int64_t)i * c);
    sqlite3_bind_double(insert, 5, i * 0.25);
    sqlite3_bind_text(insert, 6, i % 2 ? "north" : "south", -1, SQLITE_STATIC);
    sqlite3_bind_text(insert, 7, "a short text", -1, SQLITE_STATIC);
    if (sqlite3_step(insert) != SQLITE_DONE) {
        fprintf(stderr, "bench: insert failed\n");
        exit(1);
    }
    sqlite3_reset(insert);
}

static sqlite3 *make_database(const struct settings *settings, const char *name, int captured)
{
    char *path = scratch_path(settings, name);
    sqlite3 *db = plain_open(path);
    plain_exec(db, table_sql);
    if (captured) {
        yoda_error err;
        yoda_engine *engine = engine_open(path, NULL);
        check(yoda_register_table(engine, "t", NULL, &err), &err, "register");
        yoda_close(engine);
    }
    free(path);
    return db;
}

/* CPU microseconds per row. */
static double measure(sqlite3 *db, int transactions, int rows)
{
    sqlite3_stmt *insert = plain_prepare(db, insert_sql), *begin = plain_prepare(db, "BEGIN"),
                 *commit = plain_prepare(db, "COMMIT");
    double start = thread_cpu_seconds();
    for (int t = 0; t < transactions; t++) {
        sqlite3_step(begin);
        sqlite3_reset(begin);
        for (int r = 0; r < rows; r++)
            insert_row(insert, t + r);
        sqlite3_step(commit);
        sqlite3_reset(commit);
    }
    double used = thread_cpu_seconds() - start;
    sqlite3_finalize(insert);
    sqlite3_finalize(begin);
    sqlite3_finalize(commit);
    return 1e6 * used / ((double)transactions * rows);
}

void case_capture(const struct settings *settings)
{
    sqlite3 *plain = make_database(settings, "capture-plain.db", 0);
    sqlite3 *captured = make_database(settings, "capture-yoda.db", 1);
    struct figure single = {.name = "one-row transaction with capture", .unit = "us CPU",
                            .kind = TARGET_RATIO_AT_MOST, .target = 1.5};
    struct figure batched = {.name = "row of a 1,000-row transaction with capture",
                             .unit = "us CPU",
                             .kind = TARGET_RATIO_AT_MOST,
                             .target = 2.2};
    measure(plain, 2000, 1);
    measure(captured, 2000, 1);
    for (int round = 0; round < settings->rounds; round++) {
        samples_add(&single.baseline, measure(plain, 10000, 1));
        samples_add(&single.yoda, measure(captured, 10000, 1));
        samples_add(&batched.baseline, measure(plain, 100, 1000));
        samples_add(&batched.yoda, measure(captured, 100, 1000));
        fprintf(stderr, "capture: round %d of %d\n", round + 1, settings->rounds);
    }
    sqlite3_close(plain);
    sqlite3_close(captured);
    report_figure(&single);
    report_figure(&batched);
}
