/* timekeeper.c -- the list of deadlines and the thread that waits for them. */
#include "engine/timekeeper.h"

#include "engine/engine.h"

static void *watch(void *arg)
{
    yoda_engine *engine = arg;
    struct dispatch *d = &engine->dispatch;
    pthread_mutex_lock(&d->mutex);
    while (!d->stop) {
        struct yoda_op *op = d->soonest, *taken = NULL;
        int64_t left_ns = op ? op->call.deadline_ns - os_monotonic_ns() : 0;
        if (!op || left_ns > 0) {
            cond_wait_ms(&d->deadline_cond, &d->mutex, op ? left_ns / 1000000 + 1 : -1);
            continue;
        }
        timekeeper_remove(d, op);
        dispatch_cancel_held(d, op, true, &taken);
        pthread_mutex_unlock(&d->mutex);
        dispatch_finish_cancelled(engine, taken);
        pthread_mutex_lock(&d->mutex);
    }
    pthread_mutex_unlock(&d->mutex);
    return NULL;
}

static bool is_linked(const struct dispatch *d, const struct yoda_op *op)
{
    return op->sooner || op->later || d->soonest == op;
}

yoda_status timekeeper_add(yoda_engine *engine, struct yoda_op *op, yoda_error *err)
{
    struct dispatch *d = &engine->dispatch;
    ASSERT(op->call.deadline_ns > 0 && !is_linked(d, op));
    if (!d->timekeeper_started)
        TRY(thread_start(&d->timekeeper, "yoda-timeouts", watch, engine, err));
    d->timekeeper_started = true;
    struct yoda_op *before = d->latest;
    while (before && before->call.deadline_ns > op->call.deadline_ns)
        before = before->sooner;
    op->sooner = before;
    op->later = before ? before->later : d->soonest;
    *(op->sooner ? &op->sooner->later : &d->soonest) = op;
    *(op->later ? &op->later->sooner : &d->latest) = op;
    if (d->soonest == op)
        pthread_cond_signal(&d->deadline_cond);
    return YODA_OK;
}

void timekeeper_remove(struct dispatch *d, struct yoda_op *op)
{
    if (!is_linked(d, op))
        return;
    *(op->sooner ? &op->sooner->later : &d->soonest) = op->later;
    *(op->later ? &op->later->sooner : &d->latest) = op->sooner;
    op->sooner = op->later = NULL;
}
