/*
 * lease.c -- a queue of waiters on their own stacks, served in order of arrival.
 *
 * A waiter owns the lease when it is the first in the queue and nobody holds it. One condition
 * variable for all: queues are short, and a broadcast costs less than a bug.
 */
#include "engine/lease.h"

#include "base/os.h"

#include <stdatomic.h>

struct lease_waiter {
    struct lease_waiter *next;
};

void lease_init(struct lease *lease)
{
    *lease = (struct lease){.held = false};
    pthread_mutex_init(&lease->mutex, NULL);
    cond_init(&lease->cond);
}

void lease_deinit(struct lease *lease)
{
    ASSERT(!lease->first);
    pthread_cond_destroy(&lease->cond);
    pthread_mutex_destroy(&lease->mutex);
}

static void enqueue(struct lease *lease, struct lease_waiter *me)
{
    me->next = NULL;
    if (lease->last)
        lease->last->next = me;
    else
        lease->first = me;
    lease->last = me;
}

static void dequeue(struct lease *lease, struct lease_waiter *me)
{
    struct lease_waiter *before = NULL, *at = lease->first;
    for (; at != me; at = at->next)
        before = at;
    if (before)
        before->next = me->next;
    else
        lease->first = me->next;
    if (lease->last == me)
        lease->last = before;
}

static void take(struct lease *lease)
{
    ASSERT(!lease->held);
    lease->held = true;
    lease->holder = pthread_self();
}

/* Requires the mutex. The time limit is absolute, so that wake-ups do not stretch it. */
static yoda_status wait_turn(struct lease *lease, struct lease_waiter *me,
                             const _Atomic bool *cancel, int64_t timeout_ms, yoda_error *err)
{
    int64_t end_ns = timeout_ms < 0 ? INT64_MAX : os_monotonic_ns() + timeout_ms * 1000000;
    while (lease->held || lease->first != me) {
        if (cancel && atomic_load(cancel))
            return fail(err, YODA_INTERRUPTED, "interrupted");
        int64_t left_ms = -1;
        if (timeout_ms >= 0) {
            left_ms = (end_ns - os_monotonic_ns() + 999999) / 1000000;
            if (left_ms <= 0)
                return fail(err, YODA_BUSY, "a lock was not free within %lld ms",
                            (long long)timeout_ms);
        }
        cond_wait_ms(&lease->cond, &lease->mutex, left_ms);
    }
    return YODA_OK;
}

yoda_status lease_acquire(struct lease *lease, const _Atomic bool *cancel, int64_t timeout_ms,
                          yoda_error *err)
{
    struct lease_waiter me;
    pthread_mutex_lock(&lease->mutex);
    enqueue(lease, &me);
    yoda_status status = wait_turn(lease, &me, cancel, timeout_ms, err);
    dequeue(lease, &me);
    if (status == YODA_OK)
        take(lease);
    else
        pthread_cond_broadcast(&lease->cond); /* the next one may be first now */
    pthread_mutex_unlock(&lease->mutex);
    return status;
}

bool lease_try(struct lease *lease)
{
    pthread_mutex_lock(&lease->mutex);
    bool taken = !lease->held && !lease->first;
    if (taken)
        take(lease);
    pthread_mutex_unlock(&lease->mutex);
    return taken;
}

void lease_release(struct lease *lease)
{
    pthread_mutex_lock(&lease->mutex);
    ASSERT(lease->held);
    lease->held = false;
    if (lease->first)
        pthread_cond_broadcast(&lease->cond);
    pthread_mutex_unlock(&lease->mutex);
}

void lease_wake(struct lease *lease)
{
    pthread_mutex_lock(&lease->mutex);
    pthread_cond_broadcast(&lease->cond);
    pthread_mutex_unlock(&lease->mutex);
}

bool lease_taken_here(struct lease *lease)
{
    pthread_mutex_lock(&lease->mutex);
    bool here = lease->held && pthread_equal(lease->holder, pthread_self());
    pthread_mutex_unlock(&lease->mutex);
    return here;
}
