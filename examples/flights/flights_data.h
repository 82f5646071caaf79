/*
 * flights_data.h -- the CSV files of nycflights13 in memory: every departure from New York in 2013.
 *
 * All errors here end the program with a message: it is a demo and has nothing to save.
 */
#ifndef FLIGHTS_DATA_H
#define FLIGHTS_DATA_H

#include "yoda.h"

#define FLIGHT_MISSING INT32_MIN

enum flight_number { /* the INTEGER columns of flights.csv, in its order */
    FLIGHT_YEAR,
    FLIGHT_MONTH,
    FLIGHT_DAY,
    FLIGHT_DEP_TIME,
    FLIGHT_SCHED_DEP_TIME,
    FLIGHT_DEP_DELAY,
    FLIGHT_ARR_TIME,
    FLIGHT_SCHED_ARR_TIME,
    FLIGHT_ARR_DELAY,
    FLIGHT_FLIGHT,
    FLIGHT_AIR_TIME,
    FLIGHT_DISTANCE,
    FLIGHT_HOUR,
    FLIGHT_MINUTE,
    FLIGHT_NUMBERS
};
enum flight_text {
    FLIGHT_CARRIER,
    FLIGHT_TAILNUM,
    FLIGHT_ORIGIN,
    FLIGHT_DEST,
    FLIGHT_TIME_HOUR,
    FLIGHT_TEXTS
};

struct flight {
    int32_t number[FLIGHT_NUMBERS]; /* FLIGHT_MISSING where the file says NA */
    const char *text[FLIGHT_TEXTS]; /* NULL where the file says NA           */
    int32_t scheduled;              /* departure, in minutes since 1 January */
};

struct flights {
    struct flight *all; /* [count] */
    size_t count;
    char *bytes; /* of the file; the texts point into it */
};

/* Read flights.csv, at most limit flights (0: all), ordered by scheduled departure. */
struct flights flights_load(const char *directory, size_t limit);
void flights_free(struct flights *flights);
/* Create a table for a small CSV file (every column TEXT, INTEGER or REAL as given) and fill it. */
void flights_load_table(yoda_engine *db, const char *directory, const char *table,
                        const char *create_sql);

/* A whole file, NUL-terminated. */
char *flights_read_file(const char *directory, const char *name);
/* Cut the next record off *at into at most max fields, in place; returns how many, 0 at the end. */
size_t flights_cut_record(char **at, char **fields, size_t max);

/* End with a message. */
__attribute__((noreturn, format(printf, 1, 2))) void flights_die(const char *format, ...);
/* End with the error's message unless status is YODA_OK. */
void flights_check(yoda_status status, const yoda_error *err, const char *what);
int64_t flights_clock_ns(void);

#endif
