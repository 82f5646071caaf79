/*
 * completion_queue.h -- where operations end: a list of completions with a descriptor to poll.
 *
 *   submit --> dispatch --> lanes --> completion_queue_post --> list --> drain
 *                                          |                      |
 *                                     eventfd written        eventfd read
 *                                     (empty -> not)         (not -> empty)
 *
 * Invariant   under the mutex: the list is not empty exactly when `signalled`; the descriptor is
 *             then readable. It may be readable without (a wake), until the next drain.
 * Locks       dispatch.mutex before queue.mutex.
 */
#ifndef YODA_ENGINE_COMPLETION_QUEUE_H
#define YODA_ENGINE_COMPLETION_QUEUE_H

#include "base/thread.h"

#include <stdatomic.h>

struct yoda_queue {
    _Atomic uint32_t refs; /* the handle and each operation */
    yoda_engine *engine;   /* a reference */
    int fd;
    pthread_mutex_t mutex;
    struct completion_entry *first, *last; /* ended operations, and parts of streams */
    bool writable;                         /* a YODA_OP_WRITABLE waits, too */
    bool signalled;
    bool closed;        /* what ends now is dropped */
    _Atomic bool woken; /* yoda_queue_wake, not yet noticed */

    /* Guarded by dispatch.mutex. */
    bool closing;             /* refuses submits */
    struct yoda_op *youngest; /* in flight */
    int64_t inline_left_ns;   /* for submits to run things themselves, until the next drain */
    bool starved;             /* refused one: wants to be told of room */
    struct yoda_queue *next_starved;
};

YODA_MUST_CHECK yoda_status completion_queue_create(yoda_engine *engine, yoda_queue **out,
                                                    yoda_error *err);
yoda_queue *completion_queue_acquire(yoda_queue *queue);
void completion_queue_release(yoda_queue *queue);
/* Add an ended operation; a reference is taken. false: the queue is closed, nothing was added. */
YODA_MUST_CHECK bool completion_queue_post(yoda_queue *queue, struct yoda_op *op);
/* Add a part of a running operation's rows. It is taken, also on failure. Errors: YODA_INTERRUPTED
 * (the queue is closed), YODA_NOMEM. */
YODA_MUST_CHECK yoda_status completion_queue_post_part(struct yoda_op *op, yoda_result *part,
                                                       yoda_error *err);
/* Does nothing wait to be drained? */
bool completion_queue_is_empty(yoda_queue *queue);
/* Add a YODA_OP_WRITABLE. */
void completion_queue_post_writable(yoda_queue *queue);
/* Take no more completions, close the descriptor, free what was not drained; returns how many of
 * those were operations. */
uint32_t completion_queue_shut(yoda_queue *queue);
/* Take up to max. *woken: somebody asked to be noticed. */
int completion_queue_take(yoda_queue *queue, yoda_completion *out, int max, bool *woken);

#endif
