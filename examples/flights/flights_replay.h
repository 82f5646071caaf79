/*
 * flights_replay.h -- the application: writes a year of flights as they happen.
 *
 *   scheduled departure     INSERT, with nothing known yet about how it went
 *   landing                 UPDATE with the actual times and delays
 *   never took off          DELETE three hours later: cancelled
 *
 * Events go in the order of their minutes, in transactions of 32. Each transaction also counts up
 * marker.n, so that a reader can tell which ones it sees.
 */
#ifndef FLIGHTS_REPLAY_H
#define FLIGHTS_REPLAY_H

#include "flights_data.h"

#include <stdatomic.h>

struct replay {
    yoda_engine *db;
    const struct flights *flights;
    int64_t *committed_ns;          /* [transactions + 1] when transaction n was committed */
    _Atomic int64_t committed;      /* the newest: committed_ns[0..committed] is readable  */
    _Atomic bool finished;
    size_t transactions;            /* there will be */
    uint64_t inserts, updates, deletes;
    double seconds;
};

/* Create the tables flights and marker, registered. */
void replay_prepare(struct replay *replay, yoda_engine *db, const struct flights *flights);
/* Write everything; draws its progress on stderr. */
void replay_run(struct replay *replay);
void replay_free(struct replay *replay);

#endif
