/*
 * lane.h -- operations of one sort that wait, and the threads that run them: see dispatch.h.
 *
 * Threads   the mutex of the dispatch is held for every call, unless it says otherwise.
 */
#ifndef YODA_ENGINE_LANE_H
#define YODA_ENGINE_LANE_H

#include "engine/operation.h"

#include "base/thread.h"

#define LANE_THREADS_MAX 65 /* read_pool_size at most, and one; the read lane can grow so far */
#define LANE_STREAMS_MAX 64

enum lane_id { LANE_READ, LANE_WRITE, LANE_UPKEEP, LANE_TXN, LANE_STREAM };
#define LANE_COUNT 5

struct lane {
    enum lane_id id;
    yoda_engine *engine;
    struct yoda_op *first, *last;
    uint32_t length;
    uint32_t running; /* operations, or groups of them */
    int64_t moved_ns; /* when an operation was last taken out, or a thread more was started */
    uint32_t idle, threads;
    bool waking;                         /* an idle thread was signalled and has not looked yet */
    uint32_t threads_usual, threads_max; /* above the usual number: only where it stalls */
    pthread_cond_t cond;
    pthread_t handles[LANE_THREADS_MAX]; /* [threads] */
    pthread_t left;                      /* the last one that went by itself, to be joined */
    bool has_left;
};

/* Without the mutex. */
void lane_init(struct lane *lane, enum lane_id id, yoda_engine *engine);
void lane_deinit(struct lane *lane);
/* After dispatch.stop was set and told. Without the mutex. */
void lane_join(struct lane *lane);

/* Where an operation is run in the end. */
enum lane_id lane_of(const struct yoda_op *op);
YODA_MUST_CHECK yoda_status lane_ensure_thread(struct lane *lane, yoda_error *err);
/* Requires that the lane has a thread. */
void lane_enqueue(struct lane *lane, struct yoda_op *op);
void lane_remove(struct lane *lane, struct yoda_op *op);
/* The writer's thread, without the mutex: take the next write, if it was submitted before begin_ns
 * and, where asked, may share a transaction. NULL: there is none. */
struct yoda_op *lane_take_write(yoda_engine *engine, bool groupable, int64_t begin_ns);
/* Give a lane that has stalled a thread more. Returns when to look again; INT64_MAX: when
 * timekeeper_watch_lanes is called. */
int64_t lane_grow(struct lane *lane, int64_t now_ns);

#endif
