/*
 * thread.h -- pthreads with Yoda's habits: threads are named and start with all signals blocked.
 */
#ifndef YODA_BASE_THREAD_H
#define YODA_BASE_THREAD_H

#include "base/status.h"

#include <pthread.h>

/* Start fn(arg) on a joinable thread called name (at most 15 bytes are kept). */
YODA_MUST_CHECK yoda_status thread_start(pthread_t *out, const char *name, void *(*fn)(void *),
                                         void *arg, yoda_error *err);
/* Wait on cond (initialised by cond_init: monotonic clock) until signalled or timeout_ms passed;
 * false on timeout. timeout_ms < 0: for ever. */
void cond_init(pthread_cond_t *cond);
bool cond_wait_ms(pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t timeout_ms);

#endif
