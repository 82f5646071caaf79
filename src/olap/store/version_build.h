/*
 * version_build.h -- the immutable objects behind struct version and struct table_version.
 *
 *   struct table_state    one table at one commit point; shared by all versions in which the table
 *                         did not change
 *   struct version_node   one version; freed when replaced and no hazard slot names it
 *
 * Their counts are plain integers: only the writer, under its lock, acquires and releases them.
 */
#ifndef YODA_STORE_VERSION_BUILD_H
#define YODA_STORE_VERSION_BUILD_H

#include "olap/store/table.h"

struct table_state {
    struct table_version version; /* must be first */
    uint32_t refs;
    uint64_t schema_hash;
    struct segment_ref *segments;   /* [segment_count] = version.segments */
    struct delete_bitmap **bitmaps; /* [segment_count]                    */
    uint32_t *classes;              /* [column_count] = version.classes   */
};

struct version_node {
    struct version version; /* must be first */
    struct version_node *next_retired;
    const struct table_version *tables[]; /* [table_count] = version.tables */
};

/* The table's newest state, without its empty segments. */
YODA_MUST_CHECK yoda_status table_state_create(struct table *table, struct table_state **out,
                                               yoda_error *err);
/*
 * A copy of `from` with `with` in the place of segments [first, first + count) (NULL: nothing). The
 * classes are those of `from`, a superset.
 */
YODA_MUST_CHECK yoda_status table_state_replace(const struct table_state *from, uint32_t first,
                                                uint32_t count, const struct table_segment *with,
                                                struct table_state **out, yoda_error *err);
struct table_state *table_state_acquire(struct table_state *state);
void table_state_release(struct table_state *state); /* NULL is fine */

/* Room for table_count tables; the caller fills tables and counts. */
YODA_MUST_CHECK yoda_status version_node_create(uint32_t table_count, struct version_node **out,
                                                yoda_error *err);
/* Release its tables too. NULL is fine. */
void version_node_destroy(struct version_node *node);

#endif
