/*
 * case_sync.c -- how close a sync comes to its floor: plain SQLite reading the same rows back by
 * the same keyed join (the log joined with the table), every column fetched. And the first copy of
 * a table beside a full SELECT of it.
 */
#include "bench.h"

#include <stdlib.h>

#define TABLE_ROWS 1000000
#define CHANGES 200000

static const char *const quiet[] = {"sync_interval_ms", "0", "checkpoint_interval_ms", "86400000",
                                    "olap_in_memory", "true", "prune_after_sync", "false", NULL};

static void fill(sqlite3 *db, long first, long count)
{
    char sql[512];
    snprintf(sql, sizeof sql,
             "WITH RECURSIVE n(i) AS (SELECT %ld UNION ALL SELECT i + 1 FROM n WHERE i + 1 < %ld)"
             " INSERT INTO t SELECT i, i * 7 %% 1000, i * 13 %% 100000, i * 0.25,"
             " CASE i %% 4 WHEN 0 THEN 'north' WHEN 1 THEN 'east' WHEN 2 THEN 'south'"
             " ELSE 'west' END,"
             " 'customer ' || (i * 31 %% 50000) FROM n",
             first, first + count);
    plain_exec(db, sql);
}

static long log_head(sqlite3 *db)
{
    sqlite3_stmt *stmt = plain_prepare(db, "SELECT max(seq) FROM _yoda_log");
    sqlite3_step(stmt);
    long head = (long)sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return head;
}

/* Seconds plain SQLite needs to read what changed after `from`. */
static double read_back(sqlite3 *db, long from)
{
    char sql[256];
    snprintf(sql, sizeof sql,
             "SELECT l.k1, t.* FROM _yoda_log l LEFT JOIN t ON t.id = l.k1 WHERE l.seq > %ld",
             from);
    sqlite3_stmt *stmt = plain_prepare(db, sql);
    double start = wall_seconds();
    plain_drain(stmt);
    double used = wall_seconds() - start;
    sqlite3_finalize(stmt);
    return used;
}

static double sync_seconds(yoda_engine *engine)
{
    yoda_error err;
    double start = wall_seconds();
    check(yoda_sync(engine, NULL, &err), &err, "sync");
    return wall_seconds() - start;
}

enum change { APPEND, UPDATE_RANDOM, DELETE_RANDOM };

static void change(sqlite3 *db, enum change kind, long *next, uint64_t *seed)
{
    sqlite3_stmt *stmt;
    plain_exec(db, "BEGIN");
    if (kind == APPEND) {
        fill(db, *next, CHANGES);
        *next += CHANGES;
    } else {
        stmt = plain_prepare(db, kind == UPDATE_RANDOM ? "UPDATE t SET x = x + 1 WHERE id = ?"
                                                       : "DELETE FROM t WHERE id = ?");
        for (int i = 0; i < CHANGES; i++) {
            sqlite3_bind_int64(stmt, 1, (int64_t)(random_next(seed) % (uint64_t)*next));
            sqlite3_step(stmt);
            sqlite3_reset(stmt);
        }
        sqlite3_finalize(stmt);
    }
    plain_exec(db, "COMMIT");
}

static void measure_changes(const struct settings *settings, sqlite3 *db, yoda_engine *engine)
{
    struct figure figures[] = {
        {.name = "sync of 200,000 appended rows", .unit = "s"},
        {.name = "sync of 200,000 random updates", .unit = "s"},
        {.name = "sync of 200,000 random deletes", .unit = "s"},
    };
    long next = TABLE_ROWS;
    uint64_t seed = 42;
    for (int round = 0; round < settings->rounds; round++) {
        for (enum change kind = APPEND; kind <= DELETE_RANDOM; kind++) {
            long head = log_head(db);
            change(db, kind, &next, &seed);
            read_back(db, head); /* the pages come into the cache for both */
            samples_add(&figures[kind].baseline, read_back(db, head));
            samples_add(&figures[kind].yoda, sync_seconds(engine));
        }
        fprintf(stderr, "sync: round %d of %d\n", round + 1, settings->rounds);
    }
    for (enum change kind = APPEND; kind <= DELETE_RANDOM; kind++) {
        figures[kind].kind = TARGET_RATIO_AT_MOST;
        figures[kind].target = 1.5;
        report_figure(&figures[kind]);
    }
}

static double full_select(sqlite3 *db)
{
    sqlite3_stmt *stmt = plain_prepare(db, "SELECT * FROM t");
    double start = wall_seconds();
    plain_drain(stmt);
    double used = wall_seconds() - start;
    sqlite3_finalize(stmt);
    return used;
}

static void measure_copy(const struct settings *settings, sqlite3 *db, yoda_engine *engine)
{
    struct figure copy = {.name = "first copy of 1,000,000 rows", .unit = "s",
                          .kind = TARGET_RATIO_AT_MOST, .target = 1.3};
    yoda_error err;
    full_select(db);
    for (int round = 0; round < settings->rounds; round++) {
        samples_add(&copy.baseline, full_select(db));
        double start = wall_seconds();
        check(yoda_register_table(engine, "t", NULL, &err), &err, "register");
        samples_add(&copy.yoda, wall_seconds() - start);
        if (round + 1 < settings->rounds)
            check(yoda_unregister_table(engine, "t", &err), &err, "unregister");
        fprintf(stderr, "copy: round %d of %d\n", round + 1, settings->rounds);
    }
    report_figure(&copy);
}

void case_sync(const struct settings *settings)
{
    char *path = scratch_path(settings, "sync.db");
    sqlite3 *db = plain_open(path);
    plain_exec(db, "CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER, b INTEGER, x REAL,"
                   " region TEXT,"
                   " name TEXT)");
    fill(db, 0, TABLE_ROWS);
    yoda_engine *engine = engine_open(path, quiet);
    measure_copy(settings, db, engine);
    measure_changes(settings, db, engine);
    yoda_close(engine);
    sqlite3_close(db);
    free(path);
}
