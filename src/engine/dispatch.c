/*
 * dispatch.c -- the lanes: accepting, handing out, cancelling and ending operations.
 *
 * A lane starts another thread when more operations wait in it than threads are idle. That makes
 * the counting simple: an idle thread that was signalled and has not woken yet still counts, and so
 * does the operation it will take.
 */
#include "engine/dispatch.h"

#include "engine/completion_queue.h"
#include "engine/engine.h"
#include "engine/timekeeper.h"
#include "engine/write_lane.h"

/* ---- Lanes (all with the mutex held) --------------------------------------------------------- */

static void lane_push(struct lane *lane, struct yoda_op *op)
{
    op->next = NULL;
    op->prev = lane->last;
    *(lane->last ? &lane->last->next : &lane->first) = op;
    lane->last = op;
    lane->length++;
    op->lane = lane->id;
}

static void lane_remove(struct lane *lane, struct yoda_op *op)
{
    ASSERT(lane->length > 0 && atomic_load(&op->phase) == YODA_OP_WAITING);
    *(op->prev ? &op->prev->next : &lane->first) = op->next;
    *(op->next ? &op->next->prev : &lane->last) = op->prev;
    op->prev = op->next = NULL;
    lane->length--;
}

/* Where it is run in the end. */
static enum lane_id lane_of(const struct yoda_op *op)
{
    if (operation_writes(op))
        return LANE_WRITE;
    bool reads = op->request.kind == YODA_OP_QUERY || op->request.kind == YODA_OP_VERIFY;
    return reads ? LANE_READ : LANE_UPKEEP;
}

static void *lane_main(void *arg);

/* A lane with at least one thread can do without another. */
static yoda_status lane_start_thread(struct lane *lane, yoda_error *err)
{
    static const char *const names[LANE_COUNT] = {"yoda-read", "yoda-write", "yoda-upkeep"};
    yoda_error ignored;
    if (lane->threads == lane->threads_max)
        return YODA_OK;
    yoda_status status = thread_start(&lane->handles[lane->threads], names[lane->id], lane_main,
                                      lane, err ? err : &ignored);
    if (status == YODA_OK)
        lane->threads++;
    return lane->threads > 0 ? YODA_OK : status;
}

static void lane_wake(struct lane *lane)
{
    if (lane->length > lane->idle) {
        yoda_status ignored = lane_start_thread(lane, NULL);
        YODA_UNUSED(ignored); /* there is one: see ensure_threads */
    }
    pthread_cond_signal(&lane->cond);
}

static void enqueue(struct dispatch *d, enum lane_id id, struct yoda_op *op)
{
    lane_push(&d->lanes[id], op);
    lane_wake(&d->lanes[id]);
}

/* What only passes through the write lane has come to its front: all before it is done. */
static void pass_on(struct dispatch *d)
{
    struct lane *lane = &d->lanes[LANE_WRITE];
    while (lane->first && !operation_writes(lane->first)) {
        struct yoda_op *op = lane->first;
        lane_remove(lane, op);
        enqueue(d, lane_of(op), op);
    }
}

static struct yoda_op *start_first(struct lane *lane)
{
    struct yoda_op *op = lane->first;
    lane_remove(lane, op);
    atomic_store(&op->phase, YODA_OP_RUNNING);
    op->start_ns = os_monotonic_ns();
    return op;
}

/* NULL: stop. */
static struct yoda_op *lane_take(struct dispatch *d, struct lane *lane)
{
    pthread_mutex_lock(&d->mutex);
    for (;;) {
        if (lane->id == LANE_WRITE)
            pass_on(d);
        if (lane->first || d->stop)
            break;
        lane->idle++;
        cond_wait_ms(&lane->cond, &d->mutex, -1);
        lane->idle--;
    }
    struct yoda_op *op = lane->first ? start_first(lane) : NULL;
    if (op)
        lane->running++;
    pthread_mutex_unlock(&d->mutex);
    return op;
}

static void *lane_main(void *arg)
{
    struct lane *lane = arg;
    struct dispatch *d = &lane->engine->dispatch;
    for (struct yoda_op *op; (op = lane_take(d, lane)) != NULL;) {
        if (lane->id == LANE_WRITE) {
            write_lane_run(lane->engine, op);
        } else {
            operation_run(op);
            dispatch_finish(op);
        }
        pthread_mutex_lock(&d->mutex);
        lane->running--;
        pthread_mutex_unlock(&d->mutex);
    }
    return NULL;
}

struct yoda_op *dispatch_take_write(yoda_engine *engine, bool groupable, int64_t begin_ns)
{
    struct dispatch *d = &engine->dispatch;
    struct lane *lane = &d->lanes[LANE_WRITE];
    pthread_mutex_lock(&d->mutex);
    struct yoda_op *op = lane->first;
    bool wanted = op && operation_writes(op) && (op->groupable || !groupable) &&
                  op->call.begin_ns <= begin_ns;
    op = wanted ? start_first(lane) : NULL;
    pthread_mutex_unlock(&d->mutex);
    return op;
}

/* ---- Life ------------------------------------------------------------------------------------ */

void dispatch_init(yoda_engine *engine)
{
    struct dispatch *d = &engine->dispatch;
    pthread_mutex_init(&d->mutex, NULL);
    cond_init(&d->ended);
    cond_init(&d->deadline_cond);
    d->in_flight_max = (uint32_t)engine->options.max_in_flight;
    for (size_t i = 0; i < LANE_COUNT; i++) {
        struct lane *lane = &d->lanes[i];
        lane->id = (enum lane_id)i;
        lane->engine = engine;
        lane->threads_max = i == LANE_READ ? (uint32_t)engine->options.read_pool_size + 1 : 1;
        ASSERT(lane->threads_max <= LANE_THREADS_MAX);
        cond_init(&lane->cond);
    }
}

void dispatch_deinit(yoda_engine *engine)
{
    struct dispatch *d = &engine->dispatch;
    ASSERT(d->in_flight == 0 && !d->closers && !d->starved && !d->soonest);
    for (size_t i = 0; i < LANE_COUNT; i++) {
        ASSERT(d->lanes[i].threads == 0);
        pthread_cond_destroy(&d->lanes[i].cond);
    }
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
        while (d->lanes[i].threads > 0)
            pthread_join(d->lanes[i].handles[--d->lanes[i].threads], NULL);
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

static void unlink_sibling(yoda_queue *queue, struct yoda_op *op)
{
    if (op->older_sibling)
        op->older_sibling->younger_sibling = op->younger_sibling;
    *(op->younger_sibling ? &op->younger_sibling->older_sibling : &queue->youngest) =
        op->older_sibling;
}

/* Every lane on the way has a thread, so that nothing that was accepted can be stuck. */
static yoda_status ensure_threads(struct dispatch *d, enum lane_id via, enum lane_id to,
                                  yoda_error *err)
{
    if (d->lanes[via].threads == 0)
        TRY(lane_start_thread(&d->lanes[via], err));
    return d->lanes[to].threads == 0 ? lane_start_thread(&d->lanes[to], err) : YODA_OK;
}

/* With the mutex held, and the call entered: a stopped dispatch has no calls. */
static yoda_status accept(struct dispatch *d, struct yoda_op *op, yoda_error *err)
{
    const struct lane *writes = &d->lanes[LANE_WRITE];
    enum lane_id to = lane_of(op), via = to;
    ASSERT(!d->stop);
    if (op->queue->closing)
        return fail(err, YODA_CLOSED, "the queue is being closed");
    if (op->request.kind != YODA_OP_QUERY && (writes->length > 0 || writes->running > 0))
        via = LANE_WRITE;
    TRY(ensure_threads(d, via, to, err));
    if (op->call.deadline_ns > 0)
        TRY(timekeeper_add(op->engine, op, err));
    operation_acquire(op); /* the caller's: it may end before we return */
    link_sibling(op->queue, op);
    enqueue(d, via, op);
    return YODA_OK;
}

static yoda_status enter_and_accept(struct yoda_op *op, yoda_error *err)
{
    yoda_engine *engine = op->engine;
    struct dispatch *d = &engine->dispatch;
    int64_t timeout_ms = op->request.options.timeout_ms;
    TRY(calls_enter_submitted(&engine->calls, &op->call, operation_writes(op), err));
    if (timeout_ms > 0 && timeout_ms < (INT64_MAX - op->call.begin_ns) / 1000000)
        op->call.deadline_ns = op->call.begin_ns + timeout_ms * 1000000;
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
    TRY(reserve(queue, shutdown, err));
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
    if (!completion_queue_post(queue, op))
        dispatch_make_room(engine, 1);
    pthread_mutex_lock(&d->mutex);
    timekeeper_remove(d, op);
    unlink_sibling(queue, op);
    if (queue->closing && !queue->youngest)
        pthread_cond_broadcast(&d->ended);
    pthread_mutex_unlock(&d->mutex);
    if (op->request.kind != YODA_OP_SHUTDOWN)
        calls_leave(&engine->calls, &op->call);
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
    if (phase == YODA_OP_WAITING)
        take_out(d, op, taken);
}

void dispatch_finish_cancelled(yoda_engine *engine, struct yoda_op *taken)
{
    lease_wake(&engine->checkpoints.upkeep);
    lease_wake(&engine->writer.lease);
    lease_wake(&engine->columns.sync);
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
            if (atomic_load(&op->call.cancel))
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
