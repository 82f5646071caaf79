/*
 * operation.h -- one submitted operation: a copy of what was asked, its call, and its outcome.
 *
 * An operation is one allocation: the struct, and behind it everything its request points to.
 *
 * Life      WAITING in a lane -> RUNNING on one thread -> DONE, its completion out
 *           A cancel takes a WAITING one out of its lane and ends it there and then; a RUNNING one
 *           has its call cancelled and ends by itself.
 * Owner     reference-counted: the dispatch until it has ended, the list of completions until it is
 *           drained, the user's handle. It keeps its queue, and so its engine's memory.
 * Threads   what links it is guarded by dispatch.mutex (`end` by its queue's); the outcome
 *           belongs to whoever runs it, and after its end to whoever drains it.
 */
#ifndef YODA_ENGINE_OPERATION_H
#define YODA_ENGINE_OPERATION_H

#include "engine/call.h"

#include <stdatomic.h>

struct operation_request {
    yoda_op_kind kind;
    const char *sql;          /* the statement; or the table's name, NULL: all */
    const char *const *texts; /* batch: [count] */
    const yoda_params *rows;  /* many: [count]; execute, query: [1] or NULL */
    size_t count;
    const yoda_table_schema *schema;
    unsigned flags;                  /* verify; ingest: the mode */
    struct ArrowArrayStream *stream; /* ingest: the caller's, once accepted the operation's */
    yoda_txn *txn; /* what is asked of a transaction; the operation has a reference */
    yoda_op_options options;
};

enum inline_outcome { /* of running something on the thread that submits it */
                      INLINE_DONE,
                      INLINE_NOT_NOW, /* something is in the way, or it is a case for a thread;
                                         nothing is left of it */
                      INLINE_TOO_LONG /* nothing is left of it */
};

struct completion_entry { /* in a queue's list: an operation has ended, or a part of its rows */
    struct completion_entry *next;
    struct yoda_op *op; /* a reference */
    yoda_result *part;  /* NULL: the end */
    int64_t posted_ns;  /* of a part */
};

struct yoda_op {
    _Atomic uint32_t refs;
    yoda_queue *queue; /* a reference */
    yoda_engine *engine;
    uint64_t user_data;
    uint64_t charged_bytes;
    struct operation_request request; /* points behind the struct */
    bool groupable;                   /* may share a transaction: see write_lane.c */
    struct call call;
    _Atomic int phase;      /* yoda_op_phase */
    _Atomic bool timed_out; /* it was the timekeeper that cancelled it */

    unsigned lane;               /* enum lane_id, while it waits */
    struct yoda_op *prev, *next; /* in its lane, or a chain of those taken out */
    struct yoda_op *older_sibling, *younger_sibling; /* in flight of the same queue */
    struct yoda_op *sooner, *later;                  /* by deadline, where there is one */
    struct completion_entry end;

    uint32_t parts_out;           /* posted and not credited: stream_window.c */
    struct stream_parked *parked; /* its thread waits for credit */

    yoda_status status;
    yoda_error *error; /* NULL: OK, or no memory to say more */
    int64_t changes;
    yoda_result *result;
    yoda_txn *begun;                /* begin */
    struct ArrowArrayStream stream; /* ingest: released with its end */
    yoda_sync_stats sync;
    yoda_verify_report *report; /* verify */
    int64_t start_ns, end_ns;
};

/* Check and copy a request; the kind's run state is not set up. refs is 1. Errors: YODA_MISUSE,
 * YODA_TOO_BIG, YODA_NOMEM. */
YODA_MUST_CHECK yoda_status operation_create(yoda_queue *queue,
                                             const struct operation_request *request,
                                             uint64_t user_data, struct yoda_op **out,
                                             yoda_error *err);
/* It is accepted: the caller's stream moves in, if there is one. */
void operation_take_stream(struct yoda_op *op);
void operation_acquire(struct yoda_op *op);
void operation_release(struct yoda_op *op);
/* Does it go through the write lane to its end? Begin does. */
bool operation_writes(const struct yoda_op *op);
/* Commit or rollback: it runs in its turn even when it is cancelled, or the lease would leak. */
bool operation_ends_txn(const struct yoda_op *op);
/* Run one that does not write, and keep its outcome. */
void operation_run(struct yoda_op *op);
/* Could it be run by its submit? */
bool operation_may_be_inline(const struct yoda_op *op);
/* Try; with INLINE_DONE the outcome is kept. Waits for no lock and no disk. */
YODA_MUST_CHECK enum inline_outcome operation_run_inline(struct yoda_op *op, int64_t until_ns);
/* Keep an outcome. err is read when status is not OK. */
void operation_end(struct yoda_op *op, yoda_status status, const yoda_error *err);
/* Forget it again: the operation runs once more. */
void operation_reopen(struct yoda_op *op);
/* Does it send its rows in parts? */
bool operation_streams(const struct yoda_op *op);
/* Hand a part over. */
void operation_complete_part(const struct completion_entry *entry, yoda_completion *out);
/* Hand the outcome over; the result and the transaction go with it. */
void operation_complete(struct yoda_op *op, yoda_completion *out);
/* Nobody will take the outcome: a transaction it began is rolled back. */
void operation_abandon(struct yoda_op *op);

#endif
