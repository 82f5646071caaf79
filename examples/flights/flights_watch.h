/*
 * flights_watch.h -- the analyst: a thread that queries the columns while the application writes.
 *
 * Between its queries it probes freshness: it notes the newest transaction committed so far, reads
 * marker.n from the columns, and must see that transaction or a later one. The time from the commit
 * to the moment the answer is there is the commit-to-visible time.
 */
#ifndef FLIGHTS_WATCH_H
#define FLIGHTS_WATCH_H

#include "flights_replay.h"

#include <pthread.h>

struct watch {
    yoda_engine *db;
    struct replay *replay;
    pthread_t thread;
    int64_t *visible_ns; /* [probes] commit to visible */
    size_t probes, capacity;
    size_t stale; /* probes that missed a commit: the contract is broken */
    uint64_t queries, on_columns;
    double query_ms; /* in all */
};

void watch_start(struct watch *watch, yoda_engine *db, struct replay *replay);
/* Wait for the thread, which ends when the replay has. The probes are then sorted. */
void watch_join(struct watch *watch);
/* The given share of the probes was at most this long. */
double watch_percentile_ms(const struct watch *watch, double share);
void watch_free(struct watch *watch);

#endif
