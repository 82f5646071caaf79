/* flights_tower.c -- feeds the stock sqlite3 shell. */
#include "flights_tower.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PAUSE_NS 20000000
#define READINGS_PER_TRANSACTION 20
#define FIELDS 15

static void send_field(FILE *pipe, const char *field)
{
    if (!*field || strcmp(field, "NA") == 0) {
        fputs("NULL", pipe);
        return;
    }
    fputc('\'', pipe); /* the columns' affinities make numbers of them */
    for (; *field; field++)
        fprintf(pipe, *field == '\'' ? "''" : "%c", *field);
    fputc('\'', pipe);
}

/* One transaction: some weather, and a remark on the flight that departed last. */
static bool send_transaction(struct tower *tower, char **at)
{
    char *fields[FIELDS];
    int readings = 0;
    fputs("BEGIN IMMEDIATE;\n", tower->pipe);
    for (; readings < READINGS_PER_TRANSACTION; readings++) {
        if (flights_cut_record(at, fields, FIELDS) != FIELDS)
            break;
        fputs("INSERT INTO weather VALUES (NULL", tower->pipe);
        for (int i = 0; i < FIELDS; i++) {
            fputc(',', tower->pipe);
            send_field(tower->pipe, fields[i]);
        }
        fputs(");\n", tower->pipe);
    }
    fprintf(tower->pipe, "UPDATE flights SET remark = 'reading %" PRIu64 "' "
                         "WHERE id = (SELECT max(id) FROM flights);\nCOMMIT;\n",
            tower->readings);
    tower->readings += (uint64_t)readings;
    tower->remarks++;
    return fflush(tower->pipe) == 0 && readings == READINGS_PER_TRANSACTION;
}

static void *run(void *context)
{
    struct tower *tower = context;
    const struct timespec pause = {.tv_nsec = PAUSE_NS};
    char *fields[FIELDS], *at = tower->weather;
    flights_cut_record(&at, fields, FIELDS); /* the header */
    while (!atomic_load(&tower->replay->finished) && send_transaction(tower, &at))
        nanosleep(&pause, NULL);
    return NULL;
}

void tower_start(struct tower *tower, yoda_engine *db, struct replay *replay, const char *directory,
                 const char *database)
{
    char command[4200];
    yoda_error err;
    *tower = (struct tower){.replay = replay,
                            .weather = flights_read_file(directory, "weather.csv")};
    flights_check(yoda_execute(db,
                               "CREATE TABLE weather(id INTEGER PRIMARY KEY, origin TEXT, "
                               "year INTEGER, month INTEGER, day INTEGER, hour INTEGER, temp REAL, "
                               "dewp REAL, humid REAL, wind_dir INTEGER, wind_speed REAL, "
                               "wind_gust REAL, precip REAL, pressure REAL, visib REAL, "
                               "time_hour TEXT)",
                               NULL, NULL, &err),
                  &err, "weather");
    flights_check(yoda_register_table(db, "weather", NULL, &err), &err, "weather");
    snprintf(command, sizeof command, "sqlite3 -batch -bail '%s'", database);
    tower->pipe = popen(command, "w");
    if (!tower->pipe)
        flights_die("cannot start sqlite3");
    fputs(".timeout 60000\n", tower->pipe);
    if (pthread_create(&tower->thread, NULL, run, tower) != 0)
        flights_die("cannot start a thread");
}

void tower_join(struct tower *tower)
{
    pthread_join(tower->thread, NULL);
    if (pclose(tower->pipe) != 0)
        flights_die("the sqlite3 process failed");
    free(tower->weather);
}
