/*
 * cancel.h -- Ctrl-C stops the running statement, not the shell.
 *
 * SIGINT is blocked in every thread and taken by one that sits in sigwait(), so yoda_interrupt is
 * called from an ordinary thread and never from a handler.
 *
 *   statement running        interrupt it and remember; the rest of its input is dropped
 *   script, nothing running  end the process with 130
 *   at the prompt            write a byte to wake_fd, on which the line editor waits too
 *
 * Threads   start before any other thread exists, so that all inherit the blocked signal
 */
#ifndef YODA_CLI_CANCEL_H
#define YODA_CLI_CANCEL_H

#include "yoda.h"

#include <pthread.h>
#include <stdbool.h>

struct cancel {
    pthread_t thread;
    bool started;
    bool interactive;
    int wake_fd[2]; /* a pipe, for a SIGINT at the prompt */
    pthread_mutex_t mutex;
    yoda_engine *running; /* guarded by the mutex, as what follows */
    bool requested;
};

bool cancel_start(struct cancel *cancel, bool interactive);
void cancel_stop(struct cancel *cancel);
/* A statement starts and ends; enter forgets an earlier request. */
void cancel_enter(struct cancel *cancel, yoda_engine *engine);
void cancel_leave(struct cancel *cancel);
/* Was SIGINT seen since the last enter? */
bool cancel_requested(struct cancel *cancel);

#endif
