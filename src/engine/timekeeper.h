/*
 * timekeeper.h -- cancelling operations whose timeout_ms has run out.
 *
 * A list by deadline, and a thread that sleeps until the soonest; it is started by the first
 * operation that has a deadline, or by a full read lane: it sees, too, that this one does not
 * stall. Timeouts are mostly alike, so a new deadline finds its place near the end of the list.
 *
 * Requires   dispatch.mutex, for all but the thread itself
 */
#ifndef YODA_ENGINE_TIMEKEEPER_H
#define YODA_ENGINE_TIMEKEEPER_H

#include "engine/dispatch.h"

/* Errors: the thread could not be started; op is not in the list then. */
YODA_MUST_CHECK yoda_status timekeeper_add(yoda_engine *engine, struct yoda_op *op,
                                           yoda_error *err);
void timekeeper_remove(struct dispatch *d, struct yoda_op *op);
/* A lane may stall: look at it in time (lane_grow). Short of memory nobody does. */
void timekeeper_watch_lanes(yoda_engine *engine);

#endif
