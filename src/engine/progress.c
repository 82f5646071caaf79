/* progress.c -- telling the user's function, at most every 50 ms and on the calling thread. */
#include "engine/engine.h"

#define INTERVAL_NS (50 * 1000000)

bool progress_report(struct progress *progress, uint64_t done)
{
    yoda_engine *engine = progress->engine;
    int64_t now_ns = os_monotonic_ns();
    if (now_ns - progress->last_ns < INTERVAL_NS)
        return true;
    progress->last_ns = now_ns;
    pthread_mutex_lock(&engine->message_mutex);
    yoda_progress_fn fn = engine->progress;
    void *context = engine->progress_context;
    pthread_mutex_unlock(&engine->message_mutex);
    return !fn || fn(context, progress->what, done, progress->total);
}
