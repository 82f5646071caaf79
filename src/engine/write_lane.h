/*
 * write_lane.h -- the writer's thread: submitted writes, those that wait together in one
 * transaction.
 */
#ifndef YODA_ENGINE_WRITE_LANE_H
#define YODA_ENGINE_WRITE_LANE_H

#include "engine/operation.h"

/* May these statements share a transaction with others? Only single INSERT, REPLACE, UPDATE and
 * DELETE statements: they neither end a transaction nor mean something else inside one. */
bool write_lane_groupable(const struct operation_request *request);

/* Run a groupable operation on the caller's thread until until_ns at most. Waits for no lock and no
 * disk. */
YODA_MUST_CHECK enum inline_outcome write_lane_run_inline(yoda_engine *engine, struct yoda_op *op,
                                                          int64_t until_ns);

/* Run and finish an operation taken from the lane, and what may go with it. */
void write_lane_run(yoda_engine *engine, struct yoda_op *first);

#endif
