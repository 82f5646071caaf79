/*
 * thread.c -- starting threads and timed waits.
 *
 * A thread of the engine must never run the application's signal handlers: signals are blocked
 * around pthread_create, so that the new thread inherits the full mask from its first instruction.
 */
#include "base/thread.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define NAME_BYTES 16                             /* with the NUL; Linux refuses longer names */
#define TIMEOUT_MS_MAX (INT64_C(86400000) * 3650) /* ten years: no overflow in time_t sums */

yoda_status thread_start(pthread_t *out, const char *name, void *(*fn)(void *), void *arg,
                         yoda_error *err)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int code = pthread_create(out, NULL, fn, arg);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (code != 0)
        return fail(err, code == EAGAIN || code == ENOMEM ? YODA_NOMEM : YODA_INTERNAL,
                    "cannot start thread %s: %s", name, strerror(code));
    char cut[NAME_BYTES];
    snprintf(cut, sizeof cut, "%.*s", NAME_BYTES - 1, name);
    pthread_setname_np(*out, cut);
    return YODA_OK;
}

void cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &attributes);
    pthread_condattr_destroy(&attributes);
}

bool cond_wait_ms(pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t timeout_ms)
{
    if (timeout_ms < 0)
        return pthread_cond_wait(cond, mutex) == 0;
    if (timeout_ms > TIMEOUT_MS_MAX)
        timeout_ms = TIMEOUT_MS_MAX;
    struct timespec deadline;
    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += (time_t)(timeout_ms / 1000);
    deadline.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    if (deadline.tv_nsec >= 1000000000) {
        deadline.tv_nsec -= 1000000000;
        deadline.tv_sec++;
    }
    return pthread_cond_timedwait(cond, mutex, &deadline) != ETIMEDOUT;
}
