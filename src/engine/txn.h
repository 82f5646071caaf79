/*
 * txn.h -- transactions, for a call that has entered already: txn.c's own, or a submitted one.
 *
 * Owner     a handle is reference-counted: one reference is the application's, until commit or
 *           rollback takes it; one is each submitted operation's, which so finds a transaction that
 *           has ended and not a handle that was freed.
 * Threads   any, one after the other: each call holds the handle's mutex. It is taken after the
 *           call was entered and before the sync lease.
 */
#ifndef YODA_ENGINE_TXN_H
#define YODA_ENGINE_TXN_H

#include "engine/call.h"

/* The handle without its engine's memory: the last reference gives that back, too. */
yoda_txn *txn_acquire(yoda_txn *txn);
void txn_release(yoda_txn *txn);
yoda_engine *txn_engine(const yoda_txn *txn);

/* Wait for the write connection and begin. Errors: as writer_acquire, and SQLite's. */
YODA_MUST_CHECK yoda_status txn_begin(yoda_engine *engine, struct call *call, yoda_txn **out,
                                      yoda_error *err);
YODA_MUST_CHECK yoda_status txn_execute(yoda_txn *txn, struct call *call, const char *sql,
                                        const yoda_params *params, int64_t *changes,
                                        yoda_error *err);
YODA_MUST_CHECK yoda_status txn_execute_many(yoda_txn *txn, struct call *call, const char *sql,
                                             const yoda_params *rows, size_t count,
                                             int64_t *changes, yoda_error *err);
YODA_MUST_CHECK yoda_status txn_query(yoda_txn *txn, struct call *call, const char *sql,
                                      const yoda_params *params, yoda_result **out,
                                      yoda_error *err);
/* Commit or roll back and give the connection back, whatever is returned. The reference stays. */
YODA_MUST_CHECK yoda_status txn_end(yoda_txn *txn, struct call *call, bool commit, yoda_error *err);

#endif
