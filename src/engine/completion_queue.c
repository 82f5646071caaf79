/*
 * completion_queue.c -- the list, the descriptor and its edges.
 *
 * A wake comes from signal handlers: it may only set a flag and write the descriptor. A drain that
 * leaves the list empty therefore always reads the descriptor, whoever wrote it; else a wake that
 * came between two steps would leave it readable for ever.
 */
#include "engine/completion_queue.h"

#include "engine/dispatch.h"
#include "engine/engine.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

yoda_status completion_queue_create(yoda_engine *engine, yoda_queue **out, yoda_error *err)
{
    yoda_queue *queue = mem_calloc(1, sizeof *queue);
    if (!queue)
        return fail_nomem(err, sizeof *queue);
    queue->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (queue->fd < 0) {
        mem_free(queue);
        return fail(err, YODA_IOERR, "eventfd: %s", strerror(errno));
    }
    atomic_init(&queue->refs, 1);
    pthread_mutex_init(&queue->mutex, NULL);
    queue->engine = engine;
    atomic_fetch_add(&engine->refs, 1);
    *out = queue;
    return YODA_OK;
}

yoda_queue *completion_queue_acquire(yoda_queue *queue)
{
    uint32_t before = atomic_fetch_add_explicit(&queue->refs, 1, memory_order_relaxed);
    ASSERT(before > 0);
    YODA_UNUSED(before);
    return queue;
}

void completion_queue_release(yoda_queue *queue)
{
    uint32_t before = atomic_fetch_sub_explicit(&queue->refs, 1, memory_order_acq_rel);
    ASSERT(before > 0);
    if (before > 1)
        return;
    ASSERT(queue->closed && !queue->first && !queue->youngest && !queue->starved);
    yoda_engine *engine = queue->engine;
    pthread_mutex_destroy(&queue->mutex);
    mem_free(queue);
    engine_release(engine);
}

/* ---- The descriptor -------------------------------------------------------------------------- */

/* Can only fail when the counter is at its end: then the descriptor is readable already. */
static void signal_fd(int fd)
{
    uint64_t one = 1;
    ssize_t ignored = write(fd, &one, sizeof one);
    YODA_UNUSED(ignored);
}

static void clear_fd(int fd)
{
    uint64_t count;
    ssize_t ignored = read(fd, &count, sizeof count);
    YODA_UNUSED(ignored);
}

/* Requires the mutex. */
static void signal_edge(yoda_queue *queue)
{
    if (!queue->signalled)
        signal_fd(queue->fd);
    queue->signalled = true;
}

void yoda_queue_wake(yoda_queue *queue)
{
    if (!queue || queue->engine->pid != getpid())
        return; /* a child would wake its parent */
    int before = errno;
    atomic_store(&queue->woken, true);
    signal_fd(queue->fd);
    errno = before;
}

/* ---- The list -------------------------------------------------------------------------------- */

/* false: the queue is closed. */
static bool append(yoda_queue *queue, struct completion_entry *entry)
{
    pthread_mutex_lock(&queue->mutex);
    bool open = !queue->closed;
    if (open) {
        operation_acquire(entry->op);
        if (queue->last)
            queue->last->next = entry;
        else
            queue->first = entry;
        queue->last = entry;
        signal_edge(queue);
    }
    pthread_mutex_unlock(&queue->mutex);
    return open;
}

bool completion_queue_post(yoda_queue *queue, struct yoda_op *op)
{
    ASSERT(atomic_load(&op->phase) == YODA_OP_DONE);
    op->end = (struct completion_entry){.op = op};
    return append(queue, &op->end);
}

yoda_status completion_queue_post_part(struct yoda_op *op, yoda_result *part, yoda_error *err)
{
    struct completion_entry *entry = mem_alloc(sizeof *entry);
    yoda_status status = YODA_OK;
    if (!entry)
        status = fail_nomem(err, sizeof *entry);
    else
        *entry = (struct completion_entry){.op = op, .part = part, .posted_ns = os_monotonic_ns()};
    if (status == YODA_OK && !append(op->queue, entry))
        status = fail(err, YODA_INTERRUPTED, "the queue is closed");
    if (status != YODA_OK) {
        yoda_result_close(part);
        mem_free(entry);
    }
    return status;
}

bool completion_queue_is_empty(yoda_queue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    bool empty = !queue->signalled;
    pthread_mutex_unlock(&queue->mutex);
    return empty;
}

void completion_queue_post_writable(yoda_queue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    if (!queue->closed) {
        queue->writable = true;
        signal_edge(queue);
    }
    pthread_mutex_unlock(&queue->mutex);
}

/* What nobody drained. Returns 1 for an operation's end, 0 for a part. */
static uint32_t drop(struct completion_entry *entry)
{
    struct yoda_op *op = entry->op;
    bool ended = !entry->part;
    if (ended) {
        operation_abandon(op);
    } else {
        yoda_result_close(entry->part);
        mem_free(entry);
    }
    operation_release(op);
    return ended;
}

uint32_t completion_queue_shut(yoda_queue *queue)
{
    uint32_t dropped = 0;
    pthread_mutex_lock(&queue->mutex);
    struct completion_entry *entry = queue->first;
    queue->first = queue->last = NULL;
    queue->closed = true;
    close(queue->fd);
    queue->fd = -1;
    pthread_mutex_unlock(&queue->mutex);
    while (entry) {
        struct completion_entry *next = entry->next;
        dropped += drop(entry);
        entry = next;
    }
    return dropped;
}

/* Requires the mutex. Cuts up to max entries off the list. */
static struct completion_entry *cut(yoda_queue *queue, int max)
{
    struct completion_entry *first = queue->first, *last = NULL;
    for (; max > 0 && queue->first; max--) {
        last = queue->first;
        queue->first = last->next;
    }
    if (last)
        last->next = NULL;
    if (!queue->first)
        queue->last = NULL;
    return last ? first : NULL;
}

/* Returns 1 for an operation's end, 0 for a part. */
static uint32_t hand_out(struct completion_entry *entry, yoda_completion *out)
{
    struct yoda_op *op = entry->op;
    bool ended = !entry->part;
    if (ended) {
        operation_complete(op, out);
    } else {
        operation_complete_part(entry, out);
        mem_free(entry);
    }
    operation_release(op);
    return ended;
}

int completion_queue_take(yoda_queue *queue, yoda_completion *out, int max, bool *woken)
{
    int count = 0;
    pthread_mutex_lock(&queue->mutex);
    if (queue->writable && max > 0) {
        queue->writable = false;
        memset(&out[count], 0, sizeof *out);
        out[count++].kind = YODA_OP_WRITABLE;
    }
    struct completion_entry *entry = cut(queue, max - count);
    if (!queue->first && !queue->writable) {
        queue->signalled = false;
        clear_fd(queue->fd);
    }
    *woken = atomic_exchange(&queue->woken, false);
    pthread_mutex_unlock(&queue->mutex);
    uint32_t drained = 0;
    while (entry) {
        struct completion_entry *next = entry->next;
        drained += hand_out(entry, &out[count++]);
        entry = next;
    }
    dispatch_make_room(queue->engine, drained);
    return count;
}
