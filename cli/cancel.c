/* cancel.c -- the thread that waits for SIGINT. */
#include "cancel.h"

#include <assert.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#define EXIT_BY_SIGINT 130

static void take_signal(struct cancel *cancel)
{
    pthread_mutex_lock(&cancel->mutex);
    bool idle = !cancel->running;
    cancel->requested = true;
    if (cancel->running)
        yoda_interrupt(cancel->running);
    pthread_mutex_unlock(&cancel->mutex);
    if (idle && !cancel->interactive)
        _exit(EXIT_BY_SIGINT); /* the files are safe at any moment; nothing is worth a wait */
    if (idle && write(cancel->wake_fd[1], "", 1) != 1)
        return; /* the pipe is full of earlier ones */
}

static void *wait_for_signals(void *context)
{
    sigset_t set;
    int number;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    while (sigwait(&set, &number) == 0) {
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
        take_signal(context);
        pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
    }
    return NULL;
}

bool cancel_start(struct cancel *cancel, bool interactive)
{
    sigset_t set;
    *cancel = (struct cancel){.interactive = interactive, .wake_fd = {-1, -1}};
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    if (pthread_mutex_init(&cancel->mutex, NULL) != 0)
        return false;
    if (pthread_sigmask(SIG_BLOCK, &set, NULL) != 0 ||
        pipe2(cancel->wake_fd, O_CLOEXEC | O_NONBLOCK) != 0)
        return false;
    cancel->started = pthread_create(&cancel->thread, NULL, wait_for_signals, cancel) == 0;
    return cancel->started;
}

void cancel_stop(struct cancel *cancel)
{
    if (!cancel->started)
        return;
    pthread_cancel(cancel->thread);
    pthread_join(cancel->thread, NULL);
    close(cancel->wake_fd[0]);
    close(cancel->wake_fd[1]);
    pthread_mutex_destroy(&cancel->mutex);
    cancel->started = false;
}

void cancel_enter(struct cancel *cancel, yoda_engine *engine)
{
    pthread_mutex_lock(&cancel->mutex);
    assert(cancel->started && !cancel->running);
    cancel->running = engine;
    cancel->requested = false;
    pthread_mutex_unlock(&cancel->mutex);
}

void cancel_leave(struct cancel *cancel)
{
    pthread_mutex_lock(&cancel->mutex);
    assert(cancel->running);
    cancel->running = NULL;
    pthread_mutex_unlock(&cancel->mutex);
}

bool cancel_requested(struct cancel *cancel)
{
    pthread_mutex_lock(&cancel->mutex);
    bool requested = cancel->requested;
    pthread_mutex_unlock(&cancel->mutex);
    return requested;
}
