/* flights_watch.c -- queries beside the writer, and the freshness probe. */
#include "flights_watch.h"

#include "flights_report.h"

#include <stdlib.h>
#include <time.h>

#define PAUSE_NS 2000000 /* between probes; the analyst is a person at a dashboard */

static void keep(struct watch *watch, int64_t visible_ns)
{
    if (watch->probes == watch->capacity) {
        watch->capacity = watch->capacity ? 2 * watch->capacity : 4096;
        watch->visible_ns = realloc(watch->visible_ns, watch->capacity * sizeof(int64_t));
        if (!watch->visible_ns)
            flights_die("out of memory");
    }
    watch->visible_ns[watch->probes++] = visible_ns;
}

static int64_t read_marker(yoda_engine *db)
{
    yoda_error err;
    yoda_result *result = NULL;
    yoda_query_options options = YODA_QUERY_OPTIONS_INIT;
    options.side = YODA_SIDE_COLUMN;
    flights_check(yoda_query(db, "SELECT max(n) FROM marker", NULL, &options, &result, &err), &err,
                  "freshness probe");
    int64_t n = yoda_result_next(result) ? yoda_result_int64(result, 0) : -1;
    yoda_result_close(result);
    return n;
}

static void probe(struct watch *watch)
{
    int64_t newest = atomic_load(&watch->replay->committed);
    int64_t committed_ns = watch->replay->committed_ns[newest];
    int64_t seen = read_marker(watch->db);
    if (seen < newest)
        watch->stale++;
    keep(watch, flights_clock_ns() - committed_ns);
}

static void ask(struct watch *watch, const char *sql)
{
    yoda_error err;
    yoda_result *result = NULL;
    yoda_result_info info;
    flights_check(yoda_query(watch->db, sql, NULL, NULL, &result, &err), &err, sql);
    yoda_result_info_get(result, &info);
    watch->queries++;
    watch->on_columns += info.side == YODA_SIDE_COLUMN;
    watch->query_ms += (double)info.elapsed_ns / 1e6;
    yoda_result_close(result);
}

static void *run(void *context)
{
    struct watch *watch = context;
    const struct timespec pause = {.tv_nsec = PAUSE_NS};
    for (size_t turn = 0; !atomic_load(&watch->replay->finished); turn++) {
        for (int i = 0; i < 4; i++) {
            probe(watch);
            nanosleep(&pause, NULL);
        }
        ask(watch, report_live_query(turn));
    }
    return NULL;
}

void watch_start(struct watch *watch, yoda_engine *db, struct replay *replay)
{
    *watch = (struct watch){.db = db, .replay = replay};
    if (pthread_create(&watch->thread, NULL, run, watch) != 0)
        flights_die("cannot start a thread");
}

static int by_size(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

void watch_join(struct watch *watch)
{
    pthread_join(watch->thread, NULL);
    if (watch->probes > 0)
        qsort(watch->visible_ns, watch->probes, sizeof(int64_t), by_size);
}

double watch_percentile_ms(const struct watch *watch, double share)
{
    if (watch->probes == 0)
        return 0;
    size_t at = (size_t)(share * (double)(watch->probes - 1));
    return (double)watch->visible_ns[at] / 1e6;
}

void watch_free(struct watch *watch)
{
    free(watch->visible_ns);
}
