/*
 * flights_demo.c -- a year of flights from New York, replayed through one database file.
 *
 *   writer    this process, one thread        flights: insert, update, delete (flights_replay)
 *   analyst   this process, another thread    queries and probes on the columns (flights_watch)
 *   tower     the sqlite3 shell, by a pipe    weather and remarks (flights_tower)
 *
 * Afterwards every query runs on both sides and every table is verified. Exit code 0: all equal.
 */
#include "flights_data.h"
#include "flights_replay.h"
#include "flights_report.h"
#include "flights_tower.h"
#include "flights_watch.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void load_small_tables(yoda_engine *db, const char *directory)
{
    flights_load_table(db, directory, "airlines",
                       "CREATE TABLE airlines(carrier TEXT PRIMARY KEY, name TEXT)");
    flights_load_table(db, directory, "airports",
                       "CREATE TABLE airports(faa TEXT PRIMARY KEY, name TEXT, lat REAL, lon REAL, "
                       "alt INTEGER, tz INTEGER, dst TEXT, tzone TEXT)");
    flights_load_table(db, directory, "planes",
                       "CREATE TABLE planes(tailnum TEXT PRIMARY KEY, year INTEGER, type TEXT, "
                       "manufacturer TEXT, model TEXT, engines INTEGER, seats INTEGER, "
                       "speed INTEGER, engine TEXT)");
}

static void print_replay(const struct replay *replay, const struct watch *watch,
                         const struct tower *tower)
{
    uint64_t rows = replay->inserts + replay->updates + replay->deletes;
    printf("  writer    %" PRIu64 " inserts, %" PRIu64 " updates, %" PRIu64 " deletes in %zu "
           "transactions: %.0f rows/s\n",
           replay->inserts, replay->updates, replay->deletes, replay->transactions,
           (double)rows / replay->seconds);
    printf("  sqlite3   %" PRIu64 " weather rows and %" PRIu64
           " remarks from the second process\n",
           tower->readings, tower->remarks);
    printf("  analyst   %" PRIu64 " queries beside them, %" PRIu64
           " on columns, %.2f ms on average\n",
           watch->queries, watch->on_columns,
           watch->queries ? watch->query_ms / (double)watch->queries : 0.0);
    printf("  freshness commit to visible p50 %.2f ms, p99 %.2f ms, of %zu probes; %zu missed a "
           "commit\n",
           watch_percentile_ms(watch, 0.50), watch_percentile_ms(watch, 0.99), watch->probes,
           watch->stale);
}

/* Replay the year with all three at work; false when a probe missed a commit. */
static bool replay_year(yoda_engine *db, const struct flights *flights, const char *directory,
                        const char *database)
{
    struct replay replay;
    struct watch watch;
    struct tower tower;
    replay_prepare(&replay, db, flights);
    tower_start(&tower, db, &replay, directory, database);
    watch_start(&watch, db, &replay);
    replay_run(&replay);
    watch_join(&watch);
    tower_join(&tower);
    print_replay(&replay, &watch, &tower);
    bool fresh = watch.stale == 0;
    watch_free(&watch);
    replay_free(&replay);
    return fresh;
}

int main(int argc, char **argv)
{
    yoda_engine *db = NULL;
    yoda_error err;
    if (argc < 3 || argc > 4) {
        fputs("usage: flights_demo DIRECTORY DATABASE [FLIGHTS]\n", stderr);
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("Reading %s\n", argv[1]);
    struct flights flights = flights_load(argv[1], argc > 3 ? strtoul(argv[3], NULL, 10) : 0);
    flights_check(yoda_open(argv[2], NULL, 0, &db, &err), &err, argv[2]);
    printf("Yoda %s\nLoading airlines, airports and planes\n", yoda_version());
    load_small_tables(db, argv[1]);
    printf("Replaying %zu flights\n", flights.count);
    bool good = replay_year(db, &flights, argv[1], argv[2]);
    puts("The same questions on both sides");
    good = report_compare(db) && good;
    puts("Verifying columns against SQLite");
    good = report_verify(db) && good;
    yoda_close(db);
    flights_free(&flights);
    puts(good ? "Everything agrees." : "SOMETHING DIFFERS.");
    return good ? 0 : 1;
}
