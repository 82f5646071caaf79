/* call.c -- registering calls, and carrying cancellation to the connections they use. */
#include "engine/call.h"

#include "base/os.h"

void calls_init(struct calls *calls)
{
    *calls = (struct calls){.state = CALLS_OPEN};
    pthread_mutex_init(&calls->mutex, NULL);
    cond_init(&calls->cond);
}

void calls_deinit(struct calls *calls)
{
    ASSERT(calls->count == 0);
    pthread_cond_destroy(&calls->cond);
    pthread_mutex_destroy(&calls->mutex);
}

static void link_call(struct calls *calls, struct call *call)
{
    call->prev = NULL;
    call->next = calls->first;
    if (call->next)
        call->next->prev = call;
    calls->first = call;
    calls->count++;
}

static yoda_status enter(struct calls *calls, struct call *call, yoda_error *err)
{
    pthread_mutex_lock(&calls->mutex);
    bool open = calls->state == CALLS_OPEN;
    if (open)
        link_call(calls, call);
    pthread_mutex_unlock(&calls->mutex);
    return open ? YODA_OK : fail(err, YODA_CLOSED, "the engine has been shut down");
}

yoda_status calls_enter(struct calls *calls, struct call *call, yoda_error *err)
{
    *call = (struct call){.begin_ns = os_monotonic_ns()};
    return enter(calls, call, err);
}

yoda_status calls_enter_submitted(struct calls *calls, struct call *call, bool lasting,
                                  yoda_error *err)
{
    *call = (struct call){.begin_ns = os_monotonic_ns(), .submitted = true, .lasting = lasting};
    return enter(calls, call, err);
}

void calls_leave(struct calls *calls, struct call *call)
{
    pthread_mutex_lock(&calls->mutex);
    ASSERT(calls->count > 0);
    ASSERT(!call->writing);
    if (call->prev)
        call->prev->next = call->next;
    else
        calls->first = call->next;
    if (call->next)
        call->next->prev = call->prev;
    if (--calls->count == 0)
        pthread_cond_broadcast(&calls->cond);
    pthread_mutex_unlock(&calls->mutex);
}

static void refresh_slot(struct call_slot *slot)
{
    atomic_store(&slot->flag, slot->call && atomic_load(&slot->call->cancel));
}

void calls_cancel(struct calls *calls, bool writers_too)
{
    pthread_mutex_lock(&calls->mutex);
    for (struct call *call = calls->first; call; call = call->next)
        if (writers_too || !(call->writing || call->lasting))
            atomic_store(&call->cancel, true);
    refresh_slot(&calls->writer);
    refresh_slot(&calls->capture);
    pthread_cond_broadcast(&calls->cond);
    pthread_mutex_unlock(&calls->mutex);
}

void calls_cancel_one(struct calls *calls, struct call *call)
{
    pthread_mutex_lock(&calls->mutex);
    atomic_store(&call->cancel, true);
    refresh_slot(&calls->writer);
    refresh_slot(&calls->capture);
    pthread_mutex_unlock(&calls->mutex);
}

bool calls_wait_empty(struct calls *calls, int64_t timeout_ms)
{
    int64_t end_ns = os_monotonic_ns() + timeout_ms * 1000000;
    pthread_mutex_lock(&calls->mutex);
    while (calls->count > 0) {
        int64_t left_ms = timeout_ms < 0 ? -1 : (end_ns - os_monotonic_ns()) / 1000000;
        if (timeout_ms >= 0 && left_ms <= 0)
            break;
        cond_wait_ms(&calls->cond, &calls->mutex, left_ms);
    }
    bool empty = calls->count == 0;
    pthread_mutex_unlock(&calls->mutex);
    return empty;
}

void calls_bind(struct calls *calls, struct call_slot *slot, struct call *call)
{
    pthread_mutex_lock(&calls->mutex);
    ASSERT(!slot->call);
    slot->call = call;
    if (slot == &calls->writer)
        call->writing = true;
    refresh_slot(slot);
    pthread_mutex_unlock(&calls->mutex);
}

void calls_unbind(struct calls *calls, struct call_slot *slot)
{
    pthread_mutex_lock(&calls->mutex);
    ASSERT(slot->call);
    if (slot == &calls->writer)
        slot->call->writing = false;
    slot->call = NULL;
    refresh_slot(slot);
    pthread_mutex_unlock(&calls->mutex);
}

void calls_rebind(struct calls *calls, struct call_slot *slot, struct call *call)
{
    pthread_mutex_lock(&calls->mutex);
    ASSERT(slot->call);
    if (slot == &calls->writer) {
        slot->call->writing = false;
        call->writing = true;
    }
    slot->call = call;
    refresh_slot(slot);
    pthread_mutex_unlock(&calls->mutex);
}

yoda_status call_check(const struct call *call, yoda_error *err)
{
    return atomic_load(&call->cancel) ? fail(err, YODA_INTERRUPTED, "interrupted") : YODA_OK;
}

yoda_status call_end_status(const struct call *call, yoda_status status, yoda_error *err)
{
    bool by_deadline = status == YODA_INTERRUPTED || status == YODA_BUSY;
    if (!by_deadline || atomic_load(&call->cancel) || call->deadline_ns == 0 ||
        os_monotonic_ns() < call->deadline_ns)
        return status;
    return fail(err, YODA_TIMEOUT, "timeout_ms (%lld) ran out",
                (long long)((call->deadline_ns - call->begin_ns) / 1000000));
}

int64_t call_wait_ms(const struct call *call, int64_t limit_ms)
{
    if (call->deadline_ns == 0)
        return limit_ms;
    int64_t left_ms = (call->deadline_ns - os_monotonic_ns()) / 1000000 + 1;
    if (left_ms < 0)
        left_ms = 0;
    return limit_ms >= 0 && limit_ms < left_ms ? limit_ms : left_ms;
}
