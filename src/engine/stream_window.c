/* stream_window.c -- parking the producer of a stream, and waking it: see stream_window.h. */
#include "engine/stream_window.h"

#include "engine/completion_queue.h"
#include "engine/engine.h"

struct stream_parked { /* on the producer's stack */
    struct stream_parked *before, *behind;
    pthread_cond_t cond;
};

static bool must_wait(const struct yoda_op *op)
{
    return op->parts_out >= op->request.options.window && !atomic_load(&op->call.cancel);
}

static void link_parked(struct dispatch *d, struct stream_parked *me)
{
    me->behind = d->parked;
    if (me->behind)
        me->behind->before = me;
    d->parked = me;
}

static void unlink_parked(struct dispatch *d, const struct stream_parked *me)
{
    *(me->before ? &me->before->behind : &d->parked) = me->behind;
    if (me->behind)
        me->behind->before = me->before;
}

/* With the mutex held, which is given up meanwhile. */
static void park(struct dispatch *d, struct yoda_op *op)
{
    struct stream_parked me = {.before = NULL};
    ASSERT(!op->parked);
    cond_init(&me.cond);
    link_parked(d, &me);
    op->parked = &me;
    while (must_wait(op))
        cond_wait_ms(&me.cond, &d->mutex, -1);
    op->parked = NULL;
    unlink_parked(d, &me);
    pthread_cond_destroy(&me.cond);
}

yoda_status stream_window_send(struct yoda_op *op, yoda_result *part, yoda_error *err)
{
    struct dispatch *d = &op->engine->dispatch;
    ASSERT(op->request.options.window > 0);
    pthread_mutex_lock(&d->mutex);
    if (must_wait(op))
        park(d, op);
    op->parts_out++;
    pthread_mutex_unlock(&d->mutex);
    yoda_status status = call_check(&op->call, err);
    if (status == YODA_OK)
        return completion_queue_post_part(op, part, err);
    yoda_result_close(part);
    return status;
}

void stream_window_credit(struct yoda_op *op, uint32_t parts)
{
    struct dispatch *d = &op->engine->dispatch;
    pthread_mutex_lock(&d->mutex);
    op->parts_out -= parts < op->parts_out ? parts : op->parts_out;
    if (op->parked)
        pthread_cond_signal(&op->parked->cond);
    pthread_mutex_unlock(&d->mutex);
}

void stream_window_wake(struct dispatch *d)
{
    pthread_mutex_lock(&d->mutex);
    for (struct stream_parked *parked = d->parked; parked; parked = parked->behind)
        pthread_cond_signal(&parked->cond);
    pthread_mutex_unlock(&d->mutex);
}
