/*
 * traffic.h -- what a worker does to a specimen until it dies, and what must hold afterwards.
 *
 * Every transaction n (1, 2, ...) inserts n into `ack`; so of the acknowledged ones none may be
 * missing. Transfers keep the sum of the balances. Bulk inserts say in `ack.n` how many rows they
 * wrote: half a transaction would show.
 */
#ifndef YODA_CRASH_TRAFFIC_H
#define YODA_CRASH_TRAFFIC_H

#include "test.h"

#include <stdbool.h>

struct traffic {
    yoda_engine *db;
    uint64_t random;
    int64_t seq;        /* last committed transaction */
    int64_t next_big;   /* next free id of `big` */
    uint64_t io_errors; /* of syncs and checkpoints */
    bool may_fail;      /* files may fail: YODA_IOERR and YODA_FULL are fine there */
};

/* Read seq and next_big from the file. */
bool traffic_init(struct traffic *t, yoda_engine *db, uint64_t seed);
/* One transaction, sync or checkpoint. false: something failed that must not. */
bool traffic_step(struct traffic *t, bool *committed);
/*
 * Everything that was acknowledged is there, on both sides; both sides are equal; a few queries run
 * on columns and say what SQLite says. Prints what is wrong.
 */
bool traffic_check(yoda_engine *db, int64_t acknowledged);

#endif
