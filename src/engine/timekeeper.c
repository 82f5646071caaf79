/* timekeeper.c -- the list of deadlines and the thread that waits for them, and for stalled lanes.
 */
#include "engine/timekeeper.h"

#include "engine/engine.h"

static void *watch(void *arg)
{
    yoda_engine *engine = arg;
    struct dispatch *d = &engine->dispatch;
    pthread_mutex_lock(&d->mutex);
    while (!d->stop) {
        struct yoda_op *op = d->soonest, *taken = NULL;
        int64_t now_ns = os_monotonic_ns(), next_ns = lane_grow(&d->lanes[LANE_READ], now_ns);
        d->lanes_watched = next_ns < INT64_MAX;
        if (op && op->call.deadline_ns < next_ns)
            next_ns = op->call.deadline_ns;
        if (next_ns > now_ns) {
            bool ever = next_ns < INT64_MAX;
            cond_wait_ms(&d->deadline_cond, &d->mutex,
                         ever ? (next_ns - now_ns) / 1000000 + 1 : -1);
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

static yoda_status start(yoda_engine *engine, yoda_error *err)
{
    struct dispatch *d = &engine->dispatch;
    if (!d->timekeeper_started)
        TRY(thread_start(&d->timekeeper, "yoda-timeouts", watch, engine, err));
    d->timekeeper_started = true;
    return YODA_OK;
}

void timekeeper_watch_lanes(yoda_engine *engine)
{
    struct dispatch *d = &engine->dispatch;
    yoda_error ignored;
    if (d->lanes_watched || start(engine, &ignored) != YODA_OK)
        return;
    d->lanes_watched = true;
    pthread_cond_signal(&d->deadline_cond);
}

yoda_status timekeeper_add(yoda_engine *engine, struct yoda_op *op, yoda_error *err)
{
    struct dispatch *d = &engine->dispatch;
    ASSERT(op->call.deadline_ns > 0 && !is_linked(d, op));
    TRY(start(engine, err));
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
