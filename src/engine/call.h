/*
 * call.h -- the calls in flight: who is inside the engine, and how each is cancelled.
 *
 * Every API call registers a struct call on its stack. yoda_interrupt sets the cancel flag of all
 * of them; shutdown refuses new ones and waits until the list is empty.
 *
 * A columnar run reads its call's own flag. A SQLite connection reads a flag fixed when it was
 * opened, so flags of connections are bound to the call that uses them:
 *   slot     one connection used by one call at a time (writer, capture): the flag follows the call
 *   readers  one flag for the whole pool: set when a reading call is cancelled, cleared when the
 *            last cancelled reading call has left; reads that want to begin meanwhile wait for that
 *            (a cancelled statement ends within some thousand SQLite instructions)
 *
 * Threads   everything here is guarded by calls.mutex, which is taken last and held briefly.
 */
#ifndef YODA_ENGINE_CALL_H
#define YODA_ENGINE_CALL_H

#include "base/thread.h"

#include <stdatomic.h>

struct call {
    _Atomic bool cancel;
    int64_t begin_ns;
    int64_t deadline_ns; /* os_monotonic_ns; 0: none */
    bool reading;        /* uses a connection of the read pool */
    bool writing;        /* holds the write connection */
    struct call *prev, *next;
};

struct call_slot {
    _Atomic bool flag; /* given to the connection */
    struct call *call;
};

enum calls_state { CALLS_OPEN, CALLS_CLOSING, CALLS_CLOSED };

struct calls {
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    enum calls_state state;
    struct call *first;
    uint32_t count;
    struct call_slot writer, capture;
    _Atomic bool readers_flag;
    uint32_t readers_cancelled;
};

void calls_init(struct calls *calls);
void calls_deinit(struct calls *calls);

/* Enter. Errors: YODA_CLOSED. */
YODA_MUST_CHECK yoda_status calls_enter(struct calls *calls, struct call *call, yoda_error *err);
void calls_leave(struct calls *calls, struct call *call);
/* Set the cancel flag of every call, or of all that do not write. The caller wakes the leases. */
void calls_cancel(struct calls *calls, bool writers_too);
/* Cancel one call; it need not be among those in flight. */
void calls_cancel_one(struct calls *calls, struct call *call);
/* Wait until nobody is inside; false when timeout_ms (< 0: none) passed first. */
bool calls_wait_empty(struct calls *calls, int64_t timeout_ms);

void calls_bind(struct calls *calls, struct call_slot *slot, struct call *call);
void calls_unbind(struct calls *calls, struct call_slot *slot);
/* Around the use of a pooled connection. Errors: YODA_INTERRUPTED. */
YODA_MUST_CHECK yoda_status calls_read_begin(struct calls *calls, struct call *call,
                                             yoda_error *err);
void calls_read_end(struct calls *calls, struct call *call);

/* An interrupted call whose deadline has passed ended by its deadline: say YODA_TIMEOUT. */
yoda_status call_end_status(const struct call *call, yoda_status status, yoda_error *err);
/* Milliseconds a wait may take: to the deadline, at most limit_ms (< 0: none); -1: for ever. */
int64_t call_wait_ms(const struct call *call, int64_t limit_ms);

#endif
