/*
 * case_interference.c -- what one thread of analytics costs the writer: the writer's rate alone and
 * beside a looping GROUP BY over the same table, answered by Yoda's columns; the same pair for
 * plain SQLite doing both sides, for comparison. And the largest WAL seen.
 */
#include "bench.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define ROWS 1000000

struct analytics {
    yoda_engine *engine; /* NULL: plain SQLite */
    const char *path;
    _Atomic int stop;
};

static const char *const one_thread[] = {"threads", "1", NULL};
static const char group_sql[] = "SELECT g, count(*), sum(v) FROM t GROUP BY g";

static void *loop_analytics(void *arg)
{
    struct analytics *a = arg;
    sqlite3 *db = a->engine ? NULL : plain_open(a->path);
    sqlite3_stmt *stmt = db ? plain_prepare(db, group_sql) : NULL;
    yoda_query_options options = YODA_QUERY_OPTIONS_INIT;
    options.side = YODA_SIDE_COLUMN;
    while (!atomic_load(&a->stop)) {
        yoda_result *result;
        yoda_error err;
        if (stmt) {
            plain_drain(stmt);
            continue;
        }
        check(yoda_query(a->engine, group_sql, NULL, &options, &result, &err), &err, "group");
        yoda_result_close(result);
    }
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return NULL;
}

static double wal_megabytes(const char *path)
{
    char wal[4200];
    struct stat st;
    snprintf(wal, sizeof wal, "%s-wal", path);
    return stat(wal, &st) ? 0 : (double)st.st_size / 1e6;
}

/* Transactions per second of one insert and one update each, through stock SQLite calls. */
static double write_rate(sqlite3 *db, const char *path, double seconds, long *next, double *wal)
{
    sqlite3_stmt *begin = plain_prepare(db, "BEGIN IMMEDIATE"),
                 *commit = plain_prepare(db, "COMMIT"),
                 *insert = plain_prepare(db, "INSERT INTO t VALUES (?, ?, ?)"),
                 *update = plain_prepare(db, "UPDATE t SET v = v + 1 WHERE id = ?");
    uint64_t seed = 7;
    long count = 0;
    double start = wall_seconds(), now = start;
    for (; now - start < seconds; now = wall_seconds(), count++) {
        sqlite3_step(begin);
        sqlite3_reset(begin);
        sqlite3_bind_int64(insert, 1, ++*next);
        sqlite3_bind_int64(insert, 2, *next % 100);
        sqlite3_bind_double(insert, 3, 1.5);
        sqlite3_step(insert);
        sqlite3_reset(insert);
        sqlite3_bind_int64(update, 1, (int64_t)(random_next(&seed) % ROWS));
        sqlite3_step(update);
        sqlite3_reset(update);
        sqlite3_step(commit);
        sqlite3_reset(commit);
        if (count % 1000 == 0) {
            double size = wal_megabytes(path);
            *wal = size > *wal ? size : *wal;
        }
    }
    sqlite3_finalize(begin);
    sqlite3_finalize(commit);
    sqlite3_finalize(insert);
    sqlite3_finalize(update);
    return (double)count / (now - start);
}

struct side {
    sqlite3 *db;
    yoda_engine *engine;
    char *path;
    long next;
    double wal;
};

static struct side make_side(const struct settings *settings, const char *name, int captured)
{
    struct side s = {.path = scratch_path(settings, name), .next = ROWS};
    char sql[256];
    s.db = plain_open(s.path);
    plain_exec(s.db, "CREATE TABLE t(id INTEGER PRIMARY KEY, g INTEGER, v REAL)");
    snprintf(sql, sizeof sql,
             "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
             " INSERT INTO t SELECT i, i %% 100, i * 0.5 FROM n", ROWS);
    plain_exec(s.db, sql);
    if (captured) {
        yoda_error err;
        s.engine = engine_open(s.path, one_thread);
        check(yoda_register_table(s.engine, "t", NULL, &err), &err, "register");
    }
    plain_exec(s.db, "PRAGMA wal_checkpoint(TRUNCATE)"); /* the load's own WAL does not count */
    return s;
}

static double beside_analytics(const struct settings *settings, struct side *s)
{
    struct analytics a = {.engine = s->engine, .path = s->path};
    pthread_t thread;
    pthread_create(&thread, NULL, loop_analytics, &a);
    double rate = write_rate(s->db, s->path, settings->seconds, &s->next, &s->wal);
    atomic_store(&a.stop, 1);
    pthread_join(thread, NULL);
    return rate;
}

static void close_side(struct side *s)
{
    yoda_close(s->engine);
    sqlite3_close(s->db);
    free(s->path);
}

void case_interference(const struct settings *settings)
{
    struct side yoda = make_side(settings, "beside-yoda.db", 1);
    struct side plain = make_side(settings, "beside-plain.db", 0);
    struct figure ours = {.name = "writer beside analytics (ratio to it alone)", .unit = "txn/s",
                          .kind = TARGET_RATIO_AT_LEAST, .target = 0.9};
    struct figure theirs = {.name = "the same, plain SQLite doing both sides", .unit = "txn/s"};
    struct figure wal = {.name = "largest WAL beside analytics", .unit = "MB",
                         .kind = TARGET_VALUE_AT_MOST, .target = 16};
    double ignored = 0;
    for (int round = 0; round < settings->rounds; round++) {
        samples_add(&ours.baseline, write_rate(yoda.db, yoda.path, settings->seconds, &yoda.next,
                                               &ignored));
        samples_add(&ours.yoda, beside_analytics(settings, &yoda));
        samples_add(&theirs.baseline, write_rate(plain.db, plain.path, settings->seconds,
                                                 &plain.next, &ignored));
        samples_add(&theirs.yoda, beside_analytics(settings, &plain));
        samples_add(&wal.baseline, plain.wal);
        samples_add(&wal.yoda, yoda.wal);
        fprintf(stderr, "interference: round %d of %d\n", round + 1, settings->rounds);
    }
    close_side(&yoda);
    close_side(&plain);
    report_figure(&ours);
    report_figure(&theirs);
    report_figure(&wal);
}
