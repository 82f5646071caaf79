/*
 * stream_window.h -- how far a streaming query may be ahead of its reader.
 *
 *   query_stream.c --part--> send --(parts_out < window?)--> completion queue --> drain --.
 *                              ^ no: parked                                               |
 *                              '------------------------- credit <------------------------'
 *
 * A part counts from its posting until it is credited, drained or not. A parked producer sleeps on
 * a condition of its own and looks again when credit comes or somebody was cancelled.
 *
 * Locks   everything here is guarded by dispatch.mutex.
 */
#ifndef YODA_ENGINE_STREAM_WINDOW_H
#define YODA_ENGINE_STREAM_WINDOW_H

#include "engine/dispatch.h"

/* Post a part as soon as there is room for it. The part is taken, also on failure. Errors:
 * YODA_INTERRUPTED (cancelled, the queue is closed), YODA_NOMEM. */
YODA_MUST_CHECK yoda_status stream_window_send(struct yoda_op *op, yoda_result *part,
                                               yoda_error *err);
/* So many parts less are out; more than there are: none. */
void stream_window_credit(struct yoda_op *op, uint32_t parts);
/* Make those who are parked look at their cancel flags. */
void stream_window_wake(struct dispatch *d);

#endif
