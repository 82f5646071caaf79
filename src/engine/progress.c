/* progress.c -- noting how far a call is, and telling the user's function: at most every 50 ms and on
 * the calling thread. */
#include "engine/engine.h"

#define INTERVAL_NS (50 * 1000000)

bool progress_report(struct progress *progress, uint64_t done)
{
    yoda_engine *engine = progress->engine;
    int64_t now_ns = os_monotonic_ns();
    atomic_store_explicit(&progress->call->done, done, memory_order_relaxed);
    atomic_store_explicit(&progress->call->total, progress->total, memory_order_relaxed);
    if (progress->call->submitted)
        return true;
    if (now_ns - progress->last_ns < INTERVAL_NS)
        return true;
    progress->last_ns = now_ns;
    pthread_mutex_lock(&engine->message_mutex);
    yoda_progress_fn fn = engine->progress;
    void *context = engine->progress_context;
    pthread_mutex_unlock(&engine->message_mutex);
    return !fn || fn(context, progress->what, done, progress->total);
}
