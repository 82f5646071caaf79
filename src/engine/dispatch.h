/*
 * dispatch.h -- from a submit to its completion: lanes, their threads, cancelling, ending.
 *
 *   submit -> WRITE lane  one thread: writes, grouped (write_lane.c)
 *                |        what is neither write nor query passes through, to be in order, into
 *                +-----> UPKEEP lane  one thread: sync, register, unregister, checkpoint
 *                +-----> READ lane    as many threads as pooled read connections and one more:
 *          -> READ lane               queries and verifications
 *          -> STREAM lane  LANE_STREAMS_MAX threads at most: queries that send their rows in
 *                          parts, and may be parked between two of them (stream_window.c)
 *          -> TXN lane   one thread: what is asked of the open transaction, past the write lane,
 *                        whose thread may wait for that transaction to end
 *
 * A submit that finds nothing in flight on its queue runs a small write, sync or query itself, for
 * about inline_us: the two wake-ups of threads that it saves take longer. What needs a lock that
 * is not free, a sync of a file, or more time, is undone and goes to its lane.
 *
 * Threads are started when there is work for them and none is idle, and end at the shutdown; where
 * slow queries hold all threads of the READ lane, it gets more, up to LANE_THREADS_MAX. A
 * shutdown itself runs on a thread of its own, the closer, which yoda_close joins.
 *
 * Invariants
 *   1  in_flight counts what was accepted and neither drained nor dropped.
 *   2  An operation is registered in engine.calls from its submit until its completion is posted,
 * so a shutdown that waits for the calls waits for the operations; afterwards every lane is empty.
 *   3  Who takes an operation out of its lane, under the mutex, ends it: nobody else does.
 *
 * Locks   dispatch.mutex is a small one: before calls.mutex and queue.mutex, after the leases.
 */
#ifndef YODA_ENGINE_DISPATCH_H
#define YODA_ENGINE_DISPATCH_H

#include "engine/lane.h"

struct inline_pace {
    uint32_t rest;  /* so many are not tried inline */
    uint32_t pause; /* after the last that took too long; it doubles and halves */
};

struct dispatch {
    pthread_mutex_t mutex;
    struct lane lanes[LANE_COUNT];
    uint32_t in_flight, in_flight_max;
    yoda_queue *starved;
    pthread_cond_t ended; /* an operation of a closing queue has ended */
    bool stop;

    struct stream_parked *parked; /* streams that wait for credit */

    struct inline_pace paces[2]; /* of writes and syncs; of queries */

    struct yoda_op *soonest, *latest; /* deadlines: timekeeper.c */
    pthread_cond_t deadline_cond;
    pthread_t timekeeper;
    bool timekeeper_started, lanes_watched;

    struct yoda_op *closers; /* shutdowns not yet ended, linked by next */
    pthread_t closer;
    bool closer_started, closer_done, handle_gone;
};

void dispatch_init(yoda_engine *engine);
void dispatch_deinit(yoda_engine *engine);

/* Accept a request. handle: NULL, or gets a reference. Errors: as yoda_submit_*. */
YODA_MUST_CHECK yoda_status dispatch_submit(yoda_queue *queue,
                                            const struct operation_request *request,
                                            uint64_t user_data, struct yoda_op **handle,
                                            yoda_error *err);
/* End an operation taken out of its lane, whose outcome is kept: post, unlink, leave, release. */
void dispatch_finish(struct yoda_op *op);

void dispatch_cancel(struct yoda_op *op);
/* Cancel everything in flight on a queue that refuses submits; wait at most timeout_ms. */
void dispatch_close_queue(yoda_queue *queue, int64_t timeout_ms);
/* End what waits and has had its call cancelled. */
void dispatch_sweep(yoda_engine *engine);
/* So many were drained or dropped: tell who was refused. */
void dispatch_make_room(yoda_engine *engine, uint32_t count);
/* End the threads. Requires that nothing is in flight but shutdowns. Idempotent. */
void dispatch_stop(yoda_engine *engine);
/* The handle is about to go: refuse shutdowns, join the closer. */
void dispatch_join_closer(yoda_engine *engine);

/* ---- For timekeeper.c, with the mutex held --------------------------------------------------- */

/* Cancel; what it took out of a lane is put in front of *taken, linked by next. */
void dispatch_cancel_held(struct dispatch *d, struct yoda_op *op, bool timed_out,
                          struct yoda_op **taken);
/* Without the mutex: wake who waits for a lease, and end the chain. */
void dispatch_finish_cancelled(yoda_engine *engine, struct yoda_op *taken);

#endif
