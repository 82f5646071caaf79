/*
 * case_freshness.c -- commit-to-visible: a writer commits 1,000 one-row transactions a second; a
 * reader asks the columnar side again and again. For every transaction: the time from the return of
 * its commit to the return of the first answer that includes it.
 */
#include "bench.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#define RATE 1000

struct shared {
    yoda_engine *engine;
    long transactions;
    double *committed; /* [transactions + 1] wall time of each commit's return, 0: not yet */
    _Atomic long last;
    _Atomic int done;
};

static void sleep_until(double when)
{
    double left = when - wall_seconds();
    if (left <= 0)
        return;
    struct timespec t = {(time_t)left, (long)(1e9 * (left - (double)(time_t)left))};
    nanosleep(&t, NULL);
}

static void *write_steadily(void *arg)
{
    struct shared *s = arg;
    yoda_error err;
    double start = wall_seconds();
    for (long i = 1; i <= s->transactions; i++) {
        yoda_value values[2] = {{.type = YODA_INTEGER, .integer = i},
                                {.type = YODA_REAL, .real = (double)i / 4}};
        yoda_params params = {.count = 2, .values = values};
        sleep_until(start + (double)i / RATE);
        check(yoda_execute(s->engine, "INSERT INTO t VALUES (?, ?)", &params, NULL, &err), &err,
              "insert");
        s->committed[i] = wall_seconds();
        atomic_store(&s->last, i);
    }
    atomic_store(&s->done, 1);
    return NULL;
}

static long newest_visible(yoda_engine *engine)
{
    yoda_result *result;
    yoda_error err;
    yoda_query_options options = YODA_QUERY_OPTIONS_INIT;
    options.side = YODA_SIDE_COLUMN;
    check(yoda_query(engine, "SELECT max(id) FROM t", NULL, &options, &result, &err), &err,
          "query");
    yoda_result_next(result);
    long id = (long)yoda_result_int64(result, 0);
    yoda_result_close(result);
    return id;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void case_freshness(const struct settings *settings)
{
    struct figure p50 = {.name = "commit to visible at 1,000 txn/s, p50", .unit = "ms",
                         .kind = TARGET_VALUE_AT_MOST, .target = 1};
    struct figure p99 = {.name = "commit to visible at 1,000 txn/s, p99", .unit = "ms",
                         .kind = TARGET_VALUE_AT_MOST, .target = 10};
    for (int round = 0; round < settings->rounds; round++) {
        struct shared s = {.transactions = (long)(settings->seconds * RATE)};
        char *path = scratch_path(settings, "freshness.db");
        yoda_error err;
        pthread_t writer;
        s.engine = engine_open(path, NULL);
        s.committed = calloc((size_t)s.transactions + 1, sizeof *s.committed);
        double *latency = calloc((size_t)s.transactions + 1, sizeof *latency);
        engine_exec(s.engine, "CREATE TABLE t(id INTEGER PRIMARY KEY, v REAL)");
        check(yoda_register_table(s.engine, "t", NULL, &err), &err, "register");
        pthread_create(&writer, NULL, write_steadily, &s);
        for (long seen = 0; seen < s.transactions;) {
            long now_visible = newest_visible(s.engine);
            double now = wall_seconds();
            while (atomic_load(&s.last) < now_visible)
                ; /* visible before the writer's call has returned: no wait at all */
            for (; seen < now_visible; seen++) {
                double waited = now - s.committed[seen + 1];
                latency[seen] = waited > 0 ? waited : 0;
            }
        }
        pthread_join(writer, NULL);
        qsort(latency, (size_t)s.transactions, sizeof *latency, compare);
        samples_add(&p50.yoda, 1e3 * latency[s.transactions / 2]);
        samples_add(&p99.yoda, 1e3 * latency[s.transactions * 99 / 100]);
        yoda_close(s.engine);
        free(s.committed);
        free(latency);
        free(path);
        fprintf(stderr, "freshness: round %d of %d\n", round + 1, settings->rounds);
    }
    report_figure(&p50);
    report_figure(&p99);
}
