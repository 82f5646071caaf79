/*
 * peer.h -- another process that writes the same file with stock SQLite.
 *
 * Forked before any engine (and so any thread) exists. It runs what it is told and answers with
 * SQLite's result code, one command at a time. It knows nothing of Yoda.
 */
#ifndef YODA_DIFF_PEER_H
#define YODA_DIFF_PEER_H

#include <stdbool.h>
#include <sys/types.h>

struct peer {
    pid_t pid;
    int to, from;
};

bool peer_start(struct peer *peer);
/* 0 or SQLite's result code of the first statement that failed; -1: the process is gone. */
int peer_open(struct peer *peer, const char *path);
int peer_execute(struct peer *peer, const char *sql);
/* Closes the connection of peer_open. */
int peer_close(struct peer *peer);
void peer_stop(struct peer *peer);

#endif
