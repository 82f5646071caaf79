/*
 * lane.c -- handing operations to threads.
 *
 * A lane starts another thread when more operations wait in it than threads are idle. That makes
 * the counting simple: an idle thread that was signalled and has not woken yet still counts, and so
 * does the operation it will take.
 *
 * Slow queries can keep all threads of the read lane. When it stalls -- something waits, and
 * nothing was taken out of it for STALL_NS -- the timekeeper gives it one thread more, until it
 * moves again. Such a thread goes when it finds another one idle.
 */
#include "engine/lane.h"

#include "engine/engine.h"
#include "engine/timekeeper.h"
#include "engine/write_lane.h"

#define STALL_NS (20 * INT64_C(1000000))

/* ---- What waits, and who comes for it ---------------------------------------------------------
 */

static void lane_push(struct lane *lane, struct yoda_op *op)
{
    op->next = NULL;
    op->prev = lane->last;
    *(lane->last ? &lane->last->next : &lane->first) = op;
    lane->last = op;
    lane->length++;
    op->lane = lane->id;
}

void lane_remove(struct lane *lane, struct yoda_op *op)
{
    ASSERT(lane->length > 0 && atomic_load(&op->phase) == YODA_OP_WAITING);
    *(op->prev ? &op->prev->next : &lane->first) = op->next;
    *(op->next ? &op->next->prev : &lane->last) = op->prev;
    op->prev = op->next = NULL;
    lane->length--;
}

enum lane_id lane_of(const struct yoda_op *op)
{
    if (operation_writes(op))
        return LANE_WRITE;
    if (op->request.txn)
        return LANE_TXN;
    if (operation_streams(op))
        return LANE_STREAM;
    bool reads = op->request.kind == YODA_OP_QUERY || op->request.kind == YODA_OP_VERIFY;
    return reads ? LANE_READ : LANE_UPKEEP;
}

static void *lane_main(void *arg);

/* A lane with at least one thread can do without another. */
static yoda_status lane_start_thread(struct lane *lane, yoda_error *err)
{
    ASSERT(lane->threads < lane->threads_max);
    static const char *const names[LANE_COUNT] = {"yoda-read", "yoda-write", "yoda-upkeep",
                                                  "yoda-txn", "yoda-stream"};
    yoda_error ignored;
    yoda_status status = thread_start(&lane->handles[lane->threads], names[lane->id], lane_main,
                                      lane, err ? err : &ignored);
    if (status == YODA_OK)
        lane->threads++;
    return lane->threads > 0 ? YODA_OK : status;
}

/* One thread is woken at a time: it wakes the next if it finds more than it takes. Until it does, a
 * thread that is awake may have taken it all. */
static void lane_signal(struct lane *lane)
{
    if (!lane->first || lane->idle == 0 || lane->waking)
        return;
    lane->waking = true;
    pthread_cond_signal(&lane->cond);
}

static void lane_wake(struct lane *lane)
{
    if (lane->length > lane->idle && lane->threads < lane->threads_usual) {
        yoda_status ignored = lane_start_thread(lane, NULL);
        YODA_UNUSED(ignored); /* there is one: see lane_ensure_thread */
    } else if (lane->length > lane->idle && lane->threads < lane->threads_max) {
        timekeeper_watch_lanes(lane->engine);
    }
    lane_signal(lane);
}

int64_t lane_grow(struct lane *lane, int64_t now_ns)
{
    while (lane->first && lane->threads < lane->threads_max) {
        int64_t since_ns = lane->first->call.begin_ns;
        if (since_ns < lane->moved_ns)
            since_ns = lane->moved_ns;
        if (now_ns < since_ns + STALL_NS)
            return since_ns + STALL_NS;
        lane->moved_ns = now_ns; /* it will, or there is no memory for now */
        yoda_status ignored = lane_start_thread(lane, NULL);
        YODA_UNUSED(ignored);
    }
    return INT64_MAX;
}

/* The calling thread goes, and joins the one that went before it. Lets go of the mutex. */
static void lane_leave(struct dispatch *d, struct lane *lane)
{
    pthread_t before = lane->left;
    bool join = lane->has_left;
    uint32_t i = 0;
    while (!pthread_equal(lane->handles[i], pthread_self()))
        i++;
    ASSERT(i < lane->threads);
    lane->left = lane->handles[i];
    lane->has_left = true;
    lane->handles[i] = lane->handles[--lane->threads];
    pthread_mutex_unlock(&d->mutex);
    if (join)
        pthread_join(before, NULL);
}

yoda_status lane_ensure_thread(struct lane *lane, yoda_error *err)
{
    return lane->threads == 0 ? lane_start_thread(lane, err) : YODA_OK;
}

void lane_enqueue(struct lane *lane, struct yoda_op *op)
{
    lane_push(lane, op);
    lane_wake(lane);
}

/* What only passes through the write lane has come to its front: all before it is done. */
static void pass_on(struct dispatch *d)
{
    struct lane *lane = &d->lanes[LANE_WRITE];
    while (lane->first && !operation_writes(lane->first)) {
        struct yoda_op *op = lane->first;
        lane_remove(lane, op);
        lane_enqueue(&d->lanes[lane_of(op)], op);
    }
}

static struct yoda_op *start_first(struct lane *lane)
{
    struct yoda_op *op = lane->first;
    lane_remove(lane, op);
    atomic_store(&op->phase, YODA_OP_RUNNING);
    op->start_ns = lane->moved_ns = os_monotonic_ns();
    return op;
}

/* The next operation, after one that was run. NULL: stop. */
static struct yoda_op *lane_take(struct dispatch *d, struct lane *lane, bool ran)
{
    pthread_mutex_lock(&d->mutex);
    lane->running -= ran;
    for (;;) {
        if (lane->id == LANE_WRITE)
            pass_on(d);
        if (lane->first || d->stop)
            break;
        if (lane->threads > lane->threads_usual && lane->idle > 0) {
            lane_leave(d, lane);
            return NULL;
        }
        lane->idle++;
        cond_wait_ms(&lane->cond, &d->mutex, -1);
        lane->idle--;
        lane->waking = false;
    }
    struct yoda_op *op = lane->first ? start_first(lane) : NULL;
    if (op)
        lane->running++;
    lane_signal(lane);
    pthread_mutex_unlock(&d->mutex);
    return op;
}

static void *lane_main(void *arg)
{
    struct lane *lane = arg;
    struct dispatch *d = &lane->engine->dispatch;
    bool ran = false;
    for (struct yoda_op *op; (op = lane_take(d, lane, ran)) != NULL; ran = true) {
        if (lane->id == LANE_WRITE) {
            write_lane_run(lane->engine, op);
        } else {
            operation_run(op);
            dispatch_finish(op);
        }
    }
    return NULL;
}

struct yoda_op *lane_take_write(yoda_engine *engine, bool groupable, int64_t begin_ns)
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

static uint32_t threads_usual(enum lane_id id, const yoda_engine *engine)
{
    if (id == LANE_READ)
        return (uint32_t)engine->options.read_pool_size + 1;
    return id == LANE_STREAM ? LANE_STREAMS_MAX : 1;
}

void lane_init(struct lane *lane, enum lane_id id, yoda_engine *engine)
{
    lane->id = id;
    lane->engine = engine;
    lane->threads_usual = threads_usual(id, engine);
    lane->threads_max = id == LANE_READ ? LANE_THREADS_MAX : lane->threads_usual;
    ASSERT(lane->threads_max <= LANE_THREADS_MAX);
    cond_init(&lane->cond);
}

void lane_deinit(struct lane *lane)
{
    ASSERT(lane->threads == 0);
    pthread_cond_destroy(&lane->cond);
}

void lane_join(struct lane *lane)
{
    while (lane->threads > 0)
        pthread_join(lane->handles[--lane->threads], NULL);
    if (lane->has_left)
        pthread_join(lane->left, NULL);
    lane->has_left = false;
}
