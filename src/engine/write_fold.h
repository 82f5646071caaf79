/*
 * write_fold.h -- one-row INSERTs of one shape that follow each other in a batch, put in several at
 * a time.
 *
 * To begin and to end a statement is half of what a small INSERT costs SQLite. Folded are literals
 * that can be parameters (literal_lift.h) and rows of parameters, into an INSERT of FOLD_ROWS rows.
 * It puts the same rows in, in the same order, but it fails as a whole: then the batch is undone
 * and run again row by row, so that the error is the one row's.
 *
 * Not where foreign keys are enforced: SQLite checks them at the end of each statement.
 *
 * Threads   with the writer's lease; lives for one batch.
 */
#ifndef YODA_ENGINE_WRITE_FOLD_H
#define YODA_ENGINE_WRITE_FOLD_H

#include "base/arena.h"
#include "oltp/sqlite_conn.h"
#include "sql/literal_lift.h"

#define FOLD_ROWS 16
#define FOLD_BATCH_MIN 64 /* shorter ones do not pay for preparing it */

struct writer_batch;

struct write_fold {
    const struct writer_batch *batch;
    struct literal_lift lift;
    struct str shape;     /* of one row; the fold of the last ones gathered */
    struct str sql;       /* of FOLD_ROWS rows */
    uint32_t width;       /* parameters of a row; 0: the shape cannot be folded */
    yoda_value *values;   /* [FOLD_ROWS * LITERAL_LIFT_MAX], made when needed */
    struct arena bytes;   /* of texts and blobs that the lift will use again */
    uint32_t rest, pause; /* items before the next try; grows while tries fail */
};

/* batch: borrowed. */
void write_fold_init(struct write_fold *fold, const struct writer_batch *batch);
void write_fold_deinit(struct write_fold *fold);
/* Are the FOLD_ROWS items from `first` of one shape? Then they are what write_fold_run puts in. */
YODA_MUST_CHECK bool write_fold_gather(struct write_fold *fold, size_t first);
YODA_MUST_CHECK yoda_status write_fold_run(struct write_fold *fold, struct conn *conn,
                                           yoda_error *err);

#endif
