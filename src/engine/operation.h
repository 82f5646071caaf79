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
 * Threads   what links it is guarded by dispatch.mutex (`completed` by its queue's); the outcome
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
    unsigned flags;
    yoda_op_options options;
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
    struct yoda_op *completed;                       /* the next one to drain */

    yoda_status status;
    yoda_error *error; /* NULL: OK, or no memory to say more */
    int64_t changes;
    yoda_result *result;
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
void operation_acquire(struct yoda_op *op);
void operation_release(struct yoda_op *op);
/* Is it one of the three kinds that the writer runs? */
bool operation_writes(const struct yoda_op *op);
/* Run one that does not write, and keep its outcome. */
void operation_run(struct yoda_op *op);
/* Keep an outcome. err is read when status is not OK. */
void operation_end(struct yoda_op *op, yoda_status status, const yoda_error *err);
/* Forget it again: the operation runs once more. */
void operation_reopen(struct yoda_op *op);
/* Hand the outcome over; the result goes with it. */
void operation_complete(struct yoda_op *op, yoda_completion *out);

#endif
