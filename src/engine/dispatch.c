/*
 * dispatch.c -- accepting, cancelling and ending operations; what runs them is in lane.c.
 */
#include "engine/dispatch.h"

#include "engine/completion_queue.h"
#include "engine/engine.h"
#include "engine/stream_window.h"
#include "engine/timekeeper.h"

/* ---- Life ------------------------------------------------------------------------------------ */

void dispatch_init(yoda_engine *engine)
{
    struct dispatch *d = &engine->dispatch;
    pthread_mutex_init(&d->mutex, NULL);
    cond_init(&d->ended);
    cond_init(&d->deadline_cond);
    d->in_flight_max = (uint32_t)engine->options.max_in_flight;
    for (size_t i = 0; i < LANE_COUNT; i++)
        lane_init(&d->lanes[i], (enum lane_id)i, engine);
}

void dispatch_deinit(yoda_engine *engine)
{
    struct dispatch *d = &engine->dispatch;
    ASSERT(d->in_flight == 0 && !d->closers && !d->starved && !d->soonest && !d->parked);
    for (size_t i = 0; i < LANE_COUNT; i++)
        lane_deinit(&d->lanes[i]);
    pthread_cond_destroy(&d->deadline_cond);
    pthread_cond_destroy(&d->ended);
    pthread_mutex_destroy(&d->mutex);
}

void dispatch_stop(yoda_engine *engine)
{
    struct dispatch *d = &engine->dispatch;
    pthread_mutex_lock(&d->mutex);
    d->stop = true;
    for (size_t i = 0; i < LANE_COUNT; i++) {
        ASSERT(!d->lanes[i].first);
        pthread_cond_broadcast(&d->lanes[i].cond);
    }
    pthread_cond_signal(&d->deadline_cond);
    pthread_mutex_unlock(&d->mutex);
    for (size_t i = 0; i < LANE_COUNT; i++)
        lane_join(&d->lanes[i]);
    if (d->timekeeper_started)
        pthread_join(d->timekeeper, NULL);
    d->timekeeper_started = false;
}

/* ---- Room ------------------------------------------------------------------------------------ */

static yoda_status reserve(yoda_queue *queue, bool always, yoda_error *err)
{
    struct dispatch *d = &queue->engine->dispatch;
    yoda_status status = YODA_OK;
    pthread_mutex_lock(&d->mutex);
    if (always || d->in_flight < d->in_flight_max) {
        d->in_flight++;
    } else {
        status = fail(err, YODA_BUSY, "max_in_flight (%u) operations are in flight or not drained",
                      d->in_flight_max);
        if (!queue->starved) {
            queue->starved = true;
            queue->next_starved = d->starved;
            d->starved = queue;
        }
    }
    pthread_mutex_unlock(&d->mutex);
    return status;
}

void dispatch_make_room(yoda_engine *engine, uint32_t count)
{
    struct dispatch *d = &engine->dispatch;
    if (count == 0)
        return;
    pthread_mutex_lock(&d->mutex);
    ASSERT(d->in_flight >= count);
    d->in_flight -= count;
    if (d->in_flight <= d->in_flight_max - (d->in_flight_max + 3) / 4) {
        for (yoda_queue *queue = d->starved; queue; queue = queue->next_starved) {
            queue->starved = false;
            completion_queue_post_writable(queue);
        }
        d->starved = NULL;
    }
    pthread_mutex_unlock(&d->mutex);
}

static void forget_starved(struct dispatch *d, yoda_queue *queue)
{
    yoda_queue **at = &d->starved;
    if (!queue->starved)
        return;
    while (*at != queue)
        at = &(*at)->next_starved;
    *at = queue->next_starved;
    queue->starved = false;
}

/* ---- Submitting ------------------------------------------------------------------------------ */

static void link_sibling(yoda_queue *queue, struct yoda_op *op)
{
    op->older_sibling = queue->youngest;
    if (op->older_sibling)
        op->older_sibling->younger_sibling = op;
    queue->youngest = op;
}

/* The last one to leave a queue that is being closed wakes who waits for that. */
static void unlink_sibling(yoda_queue *queue, struct yoda_op *op)
{
    if (op->older_sibling)
        op->older_sibling->younger_sibling = op->younger_sibling;
    *(op->younger_sibling ? &op->younger_sibling->older_sibling : &queue->youngest) =
        op->older_sibling;
    if (queue->closing && !queue->youngest)
        pthread_cond_broadcast(&queue->engine->dispatch.ended);
}

/* With the mutex held, and the call entered: a stopped dispatch has no calls. */
static yoda_status accept(struct dispatch *d, struct yoda_op *op, yoda_error *err)
{
    const struct lane *writes = &d->lanes[LANE_WRITE];
    enum lane_id to = lane_of(op), via = to;
    ASSERT(!d->stop);
    if (op->queue->closing)
        return fail(err, YODA_CLOSED, "the queue is being closed");
    bool free = op->request.kind == YODA_OP_QUERY || op->request.txn;
    if (!free && (writes->length > 0 || writes->running > 0))
        via = LANE_WRITE;
    TRY(lane_ensure_thread(&d->lanes[via], err)); /* nothing that was accepted can be stuck */
    TRY(lane_ensure_thread(&d->lanes[to], err));
    if (op->call.deadline_ns > 0)
        TRY(timekeeper_add(op->engine, op, err));
    operation_take_stream(op);
    operation_acquire(op); /* the caller's: it may end before we return */
    link_sibling(op->queue, op);
    lane_enqueue(&d->lanes[via], op);
    return YODA_OK;
}

/* ---- Inline ---------------------------------------------------------------------------------- */

#define INLINE_PAUSE_MAX 256
#define INLINE_REST_OF_MANY 64

static bool is_idle(const struct lane *lane)
{
    return lane->length == 0 && lane->running == 0;
}

static struct inline_pace *pace_of(struct dispatch *d, const struct yoda_op *op)
{
    return &d->paces[op->request.kind == YODA_OP_QUERY];
}

/* Nothing is on its way that a write would overtake. */
static bool is_first(struct dispatch *d, const struct yoda_op *op)
{
    bool query = op->request.kind == YODA_OP_QUERY;
    return !op->queue->closing && !op->queue->youngest &&
           (query || (is_idle(&d->lanes[LANE_WRITE]) && is_idle(&d->lanes[LANE_UPKEEP])));
}

/* Does the caller have several things under way? Writes are then better grouped, by the lane; and
 * queries are spread over threads when they took their time of this turn. */
static bool is_one_of_many(const struct yoda_op *op)
{
    yoda_queue *queue = op->queue;
    bool drained = completion_queue_is_empty(queue);
    if (drained)
        queue->inline_left_ns = op->engine->options.inline_us * 1000;
    if (op->request.kind == YODA_OP_QUERY)
        return queue->inline_left_ns <= 0;
    const struct yoda_op *youngest = queue->youngest; /* DONE: about to be unlinked */
    return !drained || (youngest && atomic_load(&youngest->phase) != YODA_OP_DONE);
}

static bool claim_inline(struct dispatch *d, struct yoda_op *op)
{
    struct inline_pace *pace = pace_of(d, op);
    pthread_mutex_lock(&d->mutex);
    bool claimed = is_first(d, op) && pace->rest == 0;
    if (is_one_of_many(op)) {
        pace->rest = INLINE_REST_OF_MANY;
        claimed = false;
    } else if (pace->rest > 0) {
        pace->rest--;
    }
    if (claimed) {
        link_sibling(op->queue, op);
        atomic_store(&op->phase, YODA_OP_RUNNING);
        op->start_ns = os_monotonic_ns();
    }
    pthread_mutex_unlock(&d->mutex);
    return claimed;
}

static void unclaim_inline(struct dispatch *d, struct yoda_op *op)
{
    pthread_mutex_lock(&d->mutex);
    unlink_sibling(op->queue, op);
    atomic_store(&op->phase, YODA_OP_WAITING);
    pthread_mutex_unlock(&d->mutex);
}

/* What took too long is tried less and less often. */
static void note_inline(struct dispatch *d, struct yoda_op *op, enum inline_outcome outcome)
{
    struct inline_pace *pace = pace_of(d, op);
    int64_t took_ns = os_monotonic_ns() - op->start_ns;
    bool too_long = outcome == INLINE_TOO_LONG || took_ns > op->engine->options.inline_us * 1000;
    pthread_mutex_lock(&d->mutex);
    op->queue->inline_left_ns -= took_ns;
    if (outcome == INLINE_DONE || too_long)
        pace->pause = too_long ? 2 * pace->pause + 1 : pace->pause / 2;
    if (pace->pause > INLINE_PAUSE_MAX)
        pace->pause = INLINE_PAUSE_MAX;
    if (too_long)
        pace->rest = pace->pause;
    pthread_mutex_unlock(&d->mutex);
}

/* With the call entered. true: it has ended; the caller has a reference all the same. */
static bool run_inline(struct yoda_op *op)
{
    struct dispatch *d = &op->engine->dispatch;
    if (!operation_may_be_inline(op) || !claim_inline(d, op))
        return false;
    int64_t until_ns = op->start_ns + op->engine->options.inline_us * 1000;
    bool deadline_first = op->call.deadline_ns > 0 && op->call.deadline_ns < until_ns;
    enum inline_outcome outcome =
        operation_run_inline(op, deadline_first ? op->call.deadline_ns : until_ns);
    note_inline(d, op, outcome);
    if (outcome != INLINE_DONE) {
        unclaim_inline(d, op);
        return false;
    }
    operation_acquire(op);
    dispatch_finish(op);
    return true;
}

/* ---- Accepting ------------------------------------------------------------------------------- */

/* A shutdown lets it have its turn. */
static bool lasts(const struct yoda_op *op)
{
    if (op->request.txn)
        return op->request.kind != YODA_OP_TXN_QUERY;
    return operation_writes(op) && op->request.kind != YODA_OP_BEGIN;
}

static yoda_status enter_and_accept(struct yoda_op *op, yoda_error *err)
{
    yoda_engine *engine = op->engine;
    struct dispatch *d = &engine->dispatch;
    int64_t timeout_ms = op->request.options.timeout_ms;
    TRY(calls_enter_submitted(&engine->calls, &op->call, lasts(op), err));
    if (timeout_ms > 0 && timeout_ms < (INT64_MAX - op->call.begin_ns) / 1000000)
        op->call.deadline_ns = op->call.begin_ns + timeout_ms * 1000000;
    if (run_inline(op))
        return YODA_OK;
    pthread_mutex_lock(&d->mutex);
    yoda_status status = accept(d, op, err);
    pthread_mutex_unlock(&d->mutex);
    if (status != YODA_OK)
        calls_leave(&engine->calls, &op->call);
    else if (atomic_load(&op->call.cancel))
        dispatch_sweep(engine); /* a sweep that came before it was in its lane */
    return status;
}

/* ---- Shutdown -------------------------------------------------------------------------------- */

static void finish_closers(struct yoda_op *op, yoda_status status, const yoda_error *err)
{
    while (op) {
        struct yoda_op *next = op->next;
        op->next = NULL;
        operation_end(op, status, err);
        dispatch_finish(op);
        op = next;
    }
}

static void *close_engine(void *arg)
{
    yoda_engine *engine = arg;
    struct dispatch *d = &engine->dispatch;
    yoda_error err = {.sql_offset = -1};
    yoda_status status = engine_shutdown(engine, &err);
    pthread_mutex_lock(&d->mutex);
    struct yoda_op *closers = d->closers;
    d->closers = NULL;
    d->closer_done = true;
    pthread_mutex_unlock(&d->mutex);
    finish_closers(closers, status, &err);
    return NULL;
}

/* With the mutex held. *at_once: it is done already, and shutting down again changes nothing. */
static yoda_status accept_shutdown(struct yoda_op *op, bool *at_once, yoda_error *err)
{
    struct dispatch *d = &op->engine->dispatch;
    if (d->handle_gone || op->queue->closing)
        return fail(err, YODA_CLOSED, "the engine has been closed");
    if (!d->closer_started)
        TRY(thread_start(&d->closer, "yoda-close", close_engine, op->engine, err));
    d->closer_started = true;
    *at_once = d->closer_done;
    atomic_store(&op->phase, YODA_OP_RUNNING);
    operation_acquire(op);
    link_sibling(op->queue, op);
    if (!*at_once) {
        op->next = d->closers;
        d->closers = op;
    }
    return YODA_OK;
}

static yoda_status submit_shutdown(struct yoda_op *op, yoda_error *err)
{
    struct dispatch *d = &op->engine->dispatch;
    bool at_once = false;
    op->call.begin_ns = op->start_ns = os_monotonic_ns();
    pthread_mutex_lock(&d->mutex);
    yoda_status status = accept_shutdown(op, &at_once, err);
    pthread_mutex_unlock(&d->mutex);
    if (status == YODA_OK && at_once)
        finish_closers(op, YODA_OK, NULL);
    return status;
}

void dispatch_join_closer(yoda_engine *engine)
{
    struct dispatch *d = &engine->dispatch;
    pthread_mutex_lock(&d->mutex);
    bool started = d->closer_started && !d->handle_gone;
    d->handle_gone = true;
    pthread_mutex_unlock(&d->mutex);
    if (started)
        pthread_join(d->closer, NULL);
}

yoda_status dispatch_submit(yoda_queue *queue, const struct operation_request *request,
                            uint64_t user_data, struct yoda_op **handle, yoda_error *err)
{
    struct yoda_op *op = NULL;
    bool shutdown = request->kind == YODA_OP_SHUTDOWN;
    bool ends = request->kind == YODA_OP_COMMIT || request->kind == YODA_OP_ROLLBACK;
    TRY(reserve(queue, shutdown || ends, err));
    yoda_status status = operation_create(queue, request, user_data, &op, err);
    if (status == YODA_OK)
        status = shutdown ? submit_shutdown(op, err) : enter_and_accept(op, err);
    if (status != YODA_OK)
        dispatch_make_room(queue->engine, 1);
    if (status == YODA_OK && handle)
        *handle = op;
    else if (op)
        operation_release(op);
    return status;
}

/* ---- Ending ---------------------------------------------------------------------------------- */

void dispatch_finish(struct yoda_op *op)
{
    yoda_engine *engine = op->engine;
    struct dispatch *d = &engine->dispatch;
    yoda_queue *queue = op->queue;
    op->end_ns = os_monotonic_ns();
    atomic_store(&op->phase, YODA_OP_DONE);
    bool posted = completion_queue_post(queue, op);
    if (!posted)
        dispatch_make_room(engine, 1);
    pthread_mutex_lock(&d->mutex);
    timekeeper_remove(d, op);
    unlink_sibling(queue, op);
    pthread_mutex_unlock(&d->mutex);
    if (op->request.kind != YODA_OP_SHUTDOWN)
        calls_leave(&engine->calls, &op->call);
    if (!posted)
        operation_abandon(op);
    operation_release(op);
}

/* ---- Cancelling ------------------------------------------------------------------------------ */

/* With the mutex held. */
static void take_out(struct dispatch *d, struct yoda_op *op, struct yoda_op **taken)
{
    struct lane *lane = &d->lanes[op->lane];
    lane_remove(lane, op);
    atomic_store(&op->phase, YODA_OP_RUNNING);
    op->start_ns = os_monotonic_ns();
    timekeeper_remove(d, op);
    op->next = *taken;
    *taken = op;
    if (lane->id == LANE_WRITE)
        pthread_cond_signal(&lane->cond); /* what passes through may have come to the front */
}

void dispatch_cancel_held(struct dispatch *d, struct yoda_op *op, bool timed_out,
                          struct yoda_op **taken)
{
    int phase = atomic_load(&op->phase);
    if (phase == YODA_OP_DONE || op->request.kind == YODA_OP_SHUTDOWN ||
        atomic_load(&op->call.cancel))
        return;
    if (timed_out)
        atomic_store(&op->timed_out, true);
    calls_cancel_one(&op->engine->calls, &op->call);
    if (phase == YODA_OP_WAITING && !operation_ends_txn(op))
        take_out(d, op, taken);
}

void dispatch_finish_cancelled(yoda_engine *engine, struct yoda_op *taken)
{
    lease_wake(&engine->checkpoints.upkeep);
    lease_wake(&engine->writer.lease);
    lease_wake(&engine->columns.sync);
    stream_window_wake(&engine->dispatch);
    while (taken) {
        struct yoda_op *next = taken->next;
        yoda_error err = {.sql_offset = -1};
        taken->next = NULL;
        yoda_status status = fail(&err, YODA_INTERRUPTED, "interrupted before it began");
        operation_end(taken, status, &err);
        dispatch_finish(taken);
        taken = next;
    }
}

void dispatch_cancel(struct yoda_op *op)
{
    struct dispatch *d = &op->engine->dispatch;
    struct yoda_op *taken = NULL;
    pthread_mutex_lock(&d->mutex);
    dispatch_cancel_held(d, op, false, &taken);
    pthread_mutex_unlock(&d->mutex);
    dispatch_finish_cancelled(op->engine, taken);
}

void dispatch_sweep(yoda_engine *engine)
{
    struct dispatch *d = &engine->dispatch;
    struct yoda_op *taken = NULL;
    pthread_mutex_lock(&d->mutex);
    for (size_t i = 0; i < LANE_COUNT; i++)
        for (struct yoda_op *op = d->lanes[i].first, *next; op; op = next) {
            next = op->next;
            if (atomic_load(&op->call.cancel) && !operation_ends_txn(op))
                take_out(d, op, &taken);
        }
    pthread_mutex_unlock(&d->mutex);
    dispatch_finish_cancelled(engine, taken);
}

void dispatch_close_queue(yoda_queue *queue, int64_t timeout_ms)
{
    yoda_engine *engine = queue->engine;
    struct dispatch *d = &engine->dispatch;
    struct yoda_op *taken = NULL;
    int64_t end_ns = os_monotonic_ns() + timeout_ms * 1000000;
    pthread_mutex_lock(&d->mutex);
    queue->closing = true;
    forget_starved(d, queue);
    for (struct yoda_op *op = queue->youngest; op; op = op->older_sibling)
        dispatch_cancel_held(d, op, false, &taken);
    pthread_mutex_unlock(&d->mutex);
    dispatch_finish_cancelled(engine, taken);
    pthread_mutex_lock(&d->mutex);
    while (queue->youngest) {
        int64_t left_ms = (end_ns - os_monotonic_ns()) / 1000000;
        if (left_ms <= 0)
            break;
        cond_wait_ms(&d->ended, &d->mutex, left_ms);
    }
    pthread_mutex_unlock(&d->mutex);
}
