/* flights_replay.c -- writes a year of flights as they happen. */
#include "flights_replay.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EVENTS_PER_TRANSACTION 32
#define CANCELLED_AFTER_MINUTES 180
#define PROGRESS_NS 500000000

enum event_kind { EVENT_DEPART, EVENT_LAND, EVENT_CANCEL };

struct event {
    int32_t minute;
    enum event_kind kind;
    uint32_t flight;
};

static const char insert_sql[] =
    "INSERT INTO flights(id, year, month, day, sched_dep_time, sched_arr_time, carrier, flight, "
    "tailnum, origin, dest, distance, hour, minute, time_hour) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
static const char update_sql[] = "UPDATE flights SET dep_time = ?2, dep_delay = ?3, arr_time = ?4, "
                                 "arr_delay = ?5, air_time = ?6 WHERE id = ?1";
static const char delete_sql[] = "DELETE FROM flights WHERE id = ?1";

void replay_prepare(struct replay *replay, yoda_engine *db, const struct flights *flights)
{
    yoda_error err;
    *replay = (struct replay){.db = db, .flights = flights};
    flights_check(yoda_execute(db,
                               "CREATE TABLE flights(id INTEGER PRIMARY KEY, year INTEGER, "
                               "month INTEGER, day INTEGER, dep_time INTEGER, "
                               "sched_dep_time INTEGER, dep_delay INTEGER, arr_time INTEGER, "
                               "sched_arr_time INTEGER, arr_delay INTEGER, carrier TEXT, "
                               "flight INTEGER, tailnum TEXT, origin TEXT, dest TEXT, "
                               "air_time INTEGER, distance INTEGER, hour INTEGER, minute INTEGER, "
                               "time_hour TEXT, remark TEXT);"
                               "CREATE TABLE marker(id INTEGER PRIMARY KEY, n INTEGER);"
                               "INSERT INTO marker VALUES (1, 0)",
                               NULL, NULL, &err),
                  &err, "flights");
    flights_check(yoda_register_table(db, "flights", NULL, &err), &err, "flights");
    flights_check(yoda_register_table(db, "marker", NULL, &err), &err, "marker");
    replay->transactions = (2 * flights->count - 1) / EVENTS_PER_TRANSACTION + 1;
    replay->committed_ns = calloc(replay->transactions + 1, sizeof *replay->committed_ns);
    if (!replay->committed_ns)
        flights_die("out of memory");
    replay->committed_ns[0] = flights_clock_ns();
}

void replay_free(struct replay *replay)
{
    free(replay->committed_ns);
}

static int by_minute(const void *left, const void *right)
{
    const struct event *a = left, *b = right;
    if (a->minute != b->minute)
        return a->minute < b->minute ? -1 : 1;
    if (a->flight != b->flight)
        return a->flight < b->flight ? -1 : 1;
    return (int)a->kind - (int)b->kind;
}

/* Two events per flight: a departure, and a landing or a cancellation. */
static struct event *make_events(const struct flights *flights)
{
    struct event *events = malloc(2 * flights->count * sizeof *events);
    if (!events)
        flights_die("out of memory");
    for (size_t i = 0; i < flights->count; i++) {
        const struct flight *f = &flights->all[i];
        bool cancelled = f->number[FLIGHT_DEP_TIME] == FLIGHT_MISSING;
        int32_t delay = f->number[FLIGHT_DEP_DELAY], air = f->number[FLIGHT_AIR_TIME];
        int32_t takes = (delay > 0 ? delay : 0) + (air > 0 ? air : 120); /* diverted: no air_time */
        int32_t end = f->scheduled + (cancelled ? CANCELLED_AFTER_MINUTES : takes);
        events[2 * i] = (struct event){f->scheduled, EVENT_DEPART, (uint32_t)i};
        events[2 * i + 1] = (struct event){end, cancelled ? EVENT_CANCEL : EVENT_LAND, (uint32_t)i};
    }
    qsort(events, 2 * flights->count, sizeof *events, by_minute);
    return events;
}

static yoda_value integer(int64_t number)
{
    return number == FLIGHT_MISSING ? (yoda_value){.type = YODA_NULL}
                                    : (yoda_value){.type = YODA_INTEGER, .integer = number};
}

static yoda_value text(const char *string)
{
    return string ? (yoda_value){.type = YODA_TEXT, .data = string, .size = strlen(string)}
                  : (yoda_value){.type = YODA_NULL};
}

static void execute(yoda_txn *txn, const char *sql, const yoda_value *values, size_t count)
{
    yoda_error err;
    const yoda_params params = {.count = count, .values = values};
    flights_check(yoda_txn_execute(txn, sql, &params, NULL, &err), &err, "writer");
}

static void write_event(struct replay *replay, yoda_txn *txn, const struct event *event)
{
    const struct flight *f = &replay->flights->all[event->flight];
    const int32_t *n = f->number;
    yoda_value id = integer((int64_t)event->flight + 1);
    if (event->kind == EVENT_DEPART) {
        const yoda_value values[] = {id,
                                     integer(n[FLIGHT_YEAR]),
                                     integer(n[FLIGHT_MONTH]),
                                     integer(n[FLIGHT_DAY]),
                                     integer(n[FLIGHT_SCHED_DEP_TIME]),
                                     integer(n[FLIGHT_SCHED_ARR_TIME]),
                                     text(f->text[FLIGHT_CARRIER]),
                                     integer(n[FLIGHT_FLIGHT]),
                                     text(f->text[FLIGHT_TAILNUM]),
                                     text(f->text[FLIGHT_ORIGIN]),
                                     text(f->text[FLIGHT_DEST]),
                                     integer(n[FLIGHT_DISTANCE]),
                                     integer(n[FLIGHT_HOUR]),
                                     integer(n[FLIGHT_MINUTE]),
                                     text(f->text[FLIGHT_TIME_HOUR])};
        execute(txn, insert_sql, values, sizeof values / sizeof values[0]);
        replay->inserts++;
    } else if (event->kind == EVENT_LAND) {
        const yoda_value values[] = {id,
                                     integer(n[FLIGHT_DEP_TIME]),
                                     integer(n[FLIGHT_DEP_DELAY]),
                                     integer(n[FLIGHT_ARR_TIME]),
                                     integer(n[FLIGHT_ARR_DELAY]),
                                     integer(n[FLIGHT_AIR_TIME])};
        execute(txn, update_sql, values, sizeof values / sizeof values[0]);
        replay->updates++;
    } else {
        execute(txn, delete_sql, &id, 1);
        replay->deletes++;
    }
}

/* Transaction n: its events, and the marker that says so. */
static void write_transaction(struct replay *replay, const struct event *events, size_t count,
                              int64_t n)
{
    yoda_error err;
    yoda_txn *txn = NULL;
    const yoda_value marker = integer(n);
    flights_check(yoda_begin(replay->db, &txn, &err), &err, "writer");
    for (size_t i = 0; i < count; i++)
        write_event(replay, txn, &events[i]);
    execute(txn, "UPDATE marker SET n = ?1 WHERE id = 1", &marker, 1);
    flights_check(yoda_commit(txn, &err), &err, "writer");
    replay->committed_ns[n] = flights_clock_ns();
    atomic_store(&replay->committed, n);
}

static void draw(const struct replay *replay, const struct event *event, int64_t n,
                 int64_t start_ns)
{
    const int32_t *date = replay->flights->all[event->flight].number;
    double seconds = (double)(flights_clock_ns() - start_ns) / 1e9;
    uint64_t rows = replay->inserts + replay->updates + replay->deletes;
    fprintf(stderr, "\r  %04d-%02d-%02d  %3.0f%%  %9" PRIu64 " rows written, %7.0f rows/s ",
            (int)date[FLIGHT_YEAR], (int)date[FLIGHT_MONTH], (int)date[FLIGHT_DAY],
            100.0 * (double)n / (double)replay->transactions, rows, (double)rows / seconds);
}

void replay_run(struct replay *replay)
{
    struct event *events = make_events(replay->flights);
    size_t count = 2 * replay->flights->count;
    int64_t start_ns = flights_clock_ns(), drawn_ns = start_ns;
    for (size_t at = 0; at < count; at += EVENTS_PER_TRANSACTION) {
        size_t size = count - at < EVENTS_PER_TRANSACTION ? count - at : EVENTS_PER_TRANSACTION;
        int64_t n = (int64_t)(at / EVENTS_PER_TRANSACTION) + 1;
        write_transaction(replay, &events[at], size, n);
        if (replay->committed_ns[n] - drawn_ns > PROGRESS_NS || at + size == count) {
            drawn_ns = replay->committed_ns[n];
            draw(replay, &events[at], n, start_ns);
        }
    }
    fputc('\n', stderr);
    replay->seconds = (double)(flights_clock_ns() - start_ns) / 1e9;
    atomic_store(&replay->finished, true);
    free(events);
}
