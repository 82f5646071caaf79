/*
 * flights_tower.h -- the second process: the stock sqlite3 shell writes to the same file.
 *
 * A thread feeds it hourly weather readings and remarks on flights, a small transaction at a time.
 * The shell knows nothing of Yoda; its writes reach the columns through the triggers in the file.
 */
#ifndef FLIGHTS_TOWER_H
#define FLIGHTS_TOWER_H

#include "flights_replay.h"

#include <pthread.h>
#include <stdio.h>

struct tower {
    struct replay *replay;
    FILE *pipe; /* to sqlite3 */
    pthread_t thread;
    char *weather; /* the bytes of weather.csv */
    uint64_t readings, remarks;
};

/* Create the table weather, registered, and start sqlite3 on the database. */
void tower_start(struct tower *tower, yoda_engine *db, struct replay *replay, const char *directory,
                 const char *database);
/* Wait until everything sent is committed; ends the program if sqlite3 reported an error. */
void tower_join(struct tower *tower);

#endif
