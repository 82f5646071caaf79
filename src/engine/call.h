/*
 * call.h -- the calls in flight: who is inside the engine, and how each is cancelled.
 *
 * Every API call registers a struct call on its stack. yoda_interrupt sets the cancel flag of all
 * of them; shutdown refuses new ones and waits until the list is empty.
 *
 * A submitted operation carries a struct call of its own, registered from its submit to its
 * completion.
 *
 * A columnar run and a leased read connection read their call's own flag. The writer and the
 * capture are used by one call after the other, a transaction's at times by none: each has a slot,
 * whose flag follows the call that is bound to it.
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
    int64_t deadline_ns;          /* os_monotonic_ns; 0: none */
    bool writing;                 /* bound to the writer's slot */
    bool submitted;               /* an operation's: runs on a thread of ours */
    bool lasting;                 /* a submitted write: a shutdown lets it have its turn */
    _Atomic uint64_t done, total; /* progress; total 0: not known */
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
};

void calls_init(struct calls *calls);
void calls_deinit(struct calls *calls);

/* Enter. Errors: YODA_CLOSED. */
YODA_MUST_CHECK yoda_status calls_enter(struct calls *calls, struct call *call, yoda_error *err);
/* The same for a submitted operation. */
YODA_MUST_CHECK yoda_status calls_enter_submitted(struct calls *calls, struct call *call,
                                                  bool lasting, yoda_error *err);
void calls_leave(struct calls *calls, struct call *call);
/* Set the cancel flag of every call, or of all that do not write. The caller wakes the leases and
 * sweeps the operations that wait. */
void calls_cancel(struct calls *calls, bool writers_too);
/* Cancel one call; it need not be among those in flight. */
void calls_cancel_one(struct calls *calls, struct call *call);
/* Wait until nobody is inside; false when timeout_ms (< 0: none) passed first. */
bool calls_wait_empty(struct calls *calls, int64_t timeout_ms);

void calls_bind(struct calls *calls, struct call_slot *slot, struct call *call);
void calls_unbind(struct calls *calls, struct call_slot *slot);
/* Bind another call to a bound slot. */
void calls_rebind(struct calls *calls, struct call_slot *slot, struct call *call);
/* Errors: YODA_INTERRUPTED when the call is cancelled. */
YODA_MUST_CHECK yoda_status call_check(const struct call *call, yoda_error *err);

/* An interrupted call whose deadline has passed ended by its deadline: say YODA_TIMEOUT. */
yoda_status call_end_status(const struct call *call, yoda_status status, yoda_error *err);
/* Milliseconds a wait may take: to the deadline, at most limit_ms (< 0: none); -1: for ever. */
int64_t call_wait_ms(const struct call *call, int64_t limit_ms);

#endif
