/* py_queue.h -- the type Queue, as its submits and its drain see it. */
#ifndef YODA_PY_QUEUE_H
#define YODA_PY_QUEUE_H

#include "py_engine.h"
#include "py_op.h"

#include <pthread.h>
#include <sys/types.h>

struct py_queue {
    PyObject_HEAD yoda_queue *queue; /* NULL: closed */
    PyObject *engine;
    PyObject *on_writable;  /* NULL: none */
    pid_t pid;              /* that made it: another one leaves everything alone */
    pthread_mutex_t mutex;  /* for what follows; held for a few instructions */
    pthread_cond_t idle;    /* users came to 0 */
    unsigned users;         /* calls that use the handle now */
    bool closed;            /* no more users */
    struct py_op *first;    /* in flight, the newest first; one reference each */
    yoda_completion *spare; /* [PY_DRAIN_CHUNK] memory of the last drain; may be NULL */
};

#define PY_DRAIN_CHUNK 64

/* Use the handle: -1 with ClosedError or ForkedError. Leave in any case after 0. */
int py_queue_enter(struct py_queue *self);
void py_queue_leave(struct py_queue *self);

/* The list takes over the reference. */
void py_queue_link(struct py_queue *self, struct py_op *op);
/* Gives the list's reference back. */
void py_queue_unlink(struct py_queue *self, struct py_op *op);
void py_queue_unlink_locked(struct py_queue *self, struct py_op *op); /* requires the mutex */

/* py_drain.c: resolve what has completed. How many, or -1 with an exception. */
Py_ssize_t py_drain(struct py_queue *self);
/* The same for a queue that is closing, which nobody else uses: no exception comes out. */
Py_ssize_t py_drain_last(struct py_queue *self, struct py_state *state);
/* Resolve the target of an operation that will not complete with InterruptedError. */
void py_drain_abandon(struct py_state *state, struct py_op *op);

/* py_submit.c, py_submit_txn.c */
#define PY_SUBMITS(X)                                                                              \
    X(execute, "target, sql, params=None, timeout_ms=0", "Statements: rows changed.")              \
    X(execute_batch, "target, statements, timeout_ms=0", "In one transaction: rows changed.")      \
    X(execute_many, "target, sql, rows, timeout_ms=0", "In one transaction: rows changed.")        \
    X(query, "target, sql, params=None, timeout_ms=0, side='auto', max_staleness_ms=-1, window=0", \
      "A SELECT: a Result; with a window parts of it, then None.")                                 \
    X(sync, "target, timeout_ms=0", "Bring the columnar side up to date: a tuple of counts.")      \
    X(register_table, "target, name, columns=None, key=(), timeout_ms=0", "Mirror a table: None.") \
    X(unregister_table, "target, name, timeout_ms=0", "Stop mirroring a table: None.")             \
    X(checkpoint, "target, timeout_ms=0", "Make the columnar side durable: None.")                 \
    X(verify, "target, table=None, repair=False, timeout_ms=0", "Compare both sides: a tuple.")    \
    X(ingest, "target, table, stream_capsule, mode='append', timeout_ms=0",                        \
      "Insert the rows of an Arrow stream: how many.")                                             \
    X(begin, "target, timeout_ms=0", "A Transaction.")                                             \
    X(txn_execute, "target, txn, sql, params=None, timeout_ms=0", "As execute, in txn.")           \
    X(txn_execute_many, "target, txn, sql, rows, timeout_ms=0", "As execute_many, in txn.")        \
    X(txn_query, "target, txn, sql, params=None, timeout_ms=0", "As query, in txn.")               \
    X(commit, "target, txn, timeout_ms=0", "End txn and keep its writes: None.")                   \
    X(rollback, "target, txn, timeout_ms=0", "End txn and undo its writes: None.")                 \
    X(shutdown, "target", "Stop the engine: None, after all others.")

#define DECLARE(name, arguments, doc)                                                              \
    PyObject *py_submit_##name(PyObject *self, PyObject *const *args, Py_ssize_t count,            \
                               PyObject *keywords);
PY_SUBMITS(DECLARE)
#undef DECLARE

#endif
