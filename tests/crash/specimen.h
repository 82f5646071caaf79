/*
 * specimen.h -- one closed database with durable columns, made once and copied for every round.
 *
 *   acct    1,000 accounts; transfers keep the sum of the balances
 *   big     [rows] rows, one column per encoding of the columnar side
 *   named   WITHOUT ROWID, TEXT key, blobs
 *   bulk    rows of a transaction: `ack.n` of them carry its number
 *   ack     the number of every transaction a worker committed
 *
 * Everything here runs in forked children: the parent never opens an engine, so it has no threads
 * and may fork as often as it likes.
 */
#ifndef YODA_CRASH_SPECIMEN_H
#define YODA_CRASH_SPECIMEN_H

#include "test.h"

#include <stdbool.h>
#include <sys/types.h>

#define SPECIMEN_ACCOUNTS 1000
#define SPECIMEN_BALANCE 100

/*
 * Make the database directory/app.db in a child process, with its columns checkpointed.
 *
 *   rows         of `big`
 *   generations  2: also updates and checkpoints again; the files of the first checkpoint are then
 *                kept in directory/old
 */
bool specimen_make(const char *directory, uint32_t rows, int generations);
/* Copy every file of a specimen (not old/) to an existing empty directory. */
bool specimen_copy(const char *from, const char *to);
/* Copy one file. */
bool specimen_copy_file(const char *from, const char *to);

/* Run fn in a child; true when it returns 0. *what (may be NULL) says how the child ended. */
bool specimen_in_child(int (*fn)(void *ctx), void *ctx, char what[64]);

/* PRAGMA integrity_check by stock SQLite. */
bool specimen_intact(const char *path);

#endif
