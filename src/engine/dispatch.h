/*
 * dispatch.h -- from a submit to its completion: lanes, their threads, cancelling, ending.
 *
 *   submit -> WRITE lane  one thread: writes, grouped (write_lane.c)
 *                |        what is neither write nor query passes through, to be in order, into
 *                +-----> UPKEEP lane  one thread: sync, register, unregister, checkpoint
 *                +-----> READ lane    as many threads as pooled read connections and one more:
 *          -> READ lane               queries and verifications
 *
 * Threads are started when there is work for them and none is idle, and end at the shutdown. A
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

#include "engine/operation.h"

#include "base/thread.h"

#define LANE_THREADS_MAX 65 /* read_pool_size at most, and one */

enum lane_id { LANE_READ, LANE_WRITE, LANE_UPKEEP };
#define LANE_COUNT 3

struct lane {
    enum lane_id id;
    yoda_engine *engine;
    struct yoda_op *first, *last;
    uint32_t length;
    uint32_t running; /* operations, or groups of them */
    uint32_t idle, threads, threads_max;
    pthread_cond_t cond;
    pthread_t handles[LANE_THREADS_MAX];
};

struct dispatch {
    pthread_mutex_t mutex;
    struct lane lanes[LANE_COUNT];
    uint32_t in_flight, in_flight_max;
    yoda_queue *starved;
    pthread_cond_t ended; /* an operation of a closing queue has ended */
    bool stop;

    struct yoda_op *soonest, *latest; /* deadlines: timekeeper.c */
    pthread_cond_t deadline_cond;
    pthread_t timekeeper;
    bool timekeeper_started;

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
/* The writer's thread: take the next write, if it was submitted before begin_ns and, where asked,
 * may share a transaction. NULL: there is none. */
struct yoda_op *dispatch_take_write(yoda_engine *engine, bool groupable, int64_t begin_ns);

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
