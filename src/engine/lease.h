/*
 * lease.h -- a fair lock that one holder takes for a while: first come, first served.
 *
 * Unlike a mutex it may be given back by another thread than the one that took it (a transaction
 * may move between threads), waiting for it ends at a time limit or when the caller's cancel flag
 * is set, and it knows who holds it so that an error can name the reason.
 *
 * Order     upkeep -> writer -> sync. Whoever holds a lease takes only those to its right.
 */
#ifndef YODA_ENGINE_LEASE_H
#define YODA_ENGINE_LEASE_H

#include "base/thread.h"

struct lease_waiter;
struct lease {
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    struct lease_waiter *first, *last;
    bool held;
    pthread_t holder;
};

void lease_init(struct lease *lease);
void lease_deinit(struct lease *lease);

/*
 * Wait for the lease.
 *
 *   timeout_ms  < 0: for ever
 *
 * Errors  YODA_BUSY (time ran out), YODA_INTERRUPTED (cancel set; needs lease_wake)
 */
YODA_MUST_CHECK yoda_status lease_acquire(struct lease *lease, const _Atomic bool *cancel,
                                          int64_t timeout_ms, yoda_error *err);
/* Take it if it is free and nobody waits. */
YODA_MUST_CHECK bool lease_try(struct lease *lease);
void lease_release(struct lease *lease);
/* Make waiters look at their cancel flags. */
void lease_wake(struct lease *lease);
/* Did the calling thread take it? A hint for messages: another thread may hold it by now. */
bool lease_taken_here(struct lease *lease);

#endif
