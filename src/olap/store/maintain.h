/*
 * maintain.h -- the two kinds of background work on segments, one step each.
 *
 * A step picks work under the lock, does it outside, and swaps the result in under the lock: into
 * the writer's state, and into the newest version, which is published again with its old watermark.
 * Rows that a failed sync left unpublished stay unpublished. If the table has changed so that the
 * result does not fit (dropped, made anew), it is thrown away.
 */
#ifndef YODA_STORE_MAINTAIN_H
#define YODA_STORE_MAINTAIN_H

#include "olap/store/store_state.h"

/* Encode one full RAW segment; *sealed is 0 when there was none. */
YODA_MUST_CHECK yoda_status seal_step(struct store *store, uint64_t *sealed, yoda_error *err);
/*
 * Encode a full RAW segment at once, under the lock: a large merge would otherwise pile up RAW
 * segments faster than seal_step comes. Where memory is short it stays RAW for seal_step.
 * Requires no version shows any of it
 */
void seal_merged(struct table *table, uint32_t index);
/* Is there anything for store_maintain? Under the lock. */
bool seal_is_due(const struct table *table);
bool compact_run_is_due(const struct table *table);
/* Rewrite one run of segments without its dead rows; *compacted counts its segments, 0 for none. */
YODA_MUST_CHECK yoda_status compact_step(struct store *store, uint64_t *compacted, yoda_error *err);

/* Encode rows [0, rows) of a RAW segment's columns in parallel: out [column_count], all NULL on
 * failure. */
YODA_MUST_CHECK yoda_status seal_encode(struct store *store, const struct segment *segment,
                                        uint32_t rows, struct chunk **out, yoda_error *err);
void seal_release_chunks(struct chunk **chunks, uint32_t count);

/* Is the segment's share of dead rows past the limit, and may it be rewritten now? */
bool compact_is_due(const struct table *table, const struct table_segment *ts);
/* Position of a segment in a state, or TABLE_NO_SEGMENT; state may be NULL. */
uint32_t compact_find(const struct table_state *state, const struct segment *segment);

#endif
