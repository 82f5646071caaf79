/*
 * join.h -- one join in one run: what its build side, its probe and its left-overs share.
 *
 *   build  every row set of the build side is kept (join_rows.h), with the keys that are not plain
 *          columns of it; then frozen, keys become numbers (join_key.h), numbers a table
 *          (join_table.h)
 *   probe  streaming: row sets of the child become pairs (row of the set, row of the build side),
 *          pairs become row sets of the output
 *   rest   RIGHT, FULL and the RIGHT_ kinds: build rows by whether they were matched
 *
 *   spill  a build side past the memory is dealt into partitions on disk, by a hash of the keys'
 *          values, and so is the child; then partition after partition is a join of its own
 *
 * NULL-aware joins with more than the one key or with a residual have two more tables over the
 * other keys: one of all build rows, one of those whose first key is NULL.
 */
#ifndef YODA_OLAP_JOIN_H
#define YODA_OLAP_JOIN_H

#include "olap/exec/join_key.h"
#include "olap/exec/join_table.h"

struct join_spill;

struct join_lookup { /* build rows by some of the keys */
    struct join_coder coder;
    struct join_table table;
    uint32_t first_key; /* 0, or 1 for the other keys */
};

struct join_local { /* of one worker */
    struct join_cache *caches; /* [key_count] */
};

struct join {
    struct op op; /* the probe; must be first */
    const struct plan *plan;
    const uint64_t *needed;  /* of the output */
    uint32_t child_count, build_count;
    enum vtype *types;       /* of the columns kept: the build side's, then computed keys */
    uint32_t kept_count;
    const uint64_t *kept;    /* which of the build side's are */
    uint32_t *key_columns;   /* [key_count] of the kept rows */
    bool *null_safe;         /* [key_count] */
    uint64_t *residual_inputs;
    struct join_rows rows;
    struct join_lookup main, others, others_null;
    bool any_rows;           /* on the build side, in any partition */
    bool any_null_key;       /* some build row has a NULL first key */
    struct join_spill *spill; /* NULL: all in memory */
    _Atomic uint8_t *matched; /* [rows.rows], where the kind asks for it */
    struct join_local *locals; /* [workers] */
    bool may_stop;           /* a LIMIT above stops the pipeline, none below does */
    uint32_t set_rows;       /* of a row set, at most */
};

/* Which sides' columns does the output have? */
bool join_gives_child(enum join_kind kind);
bool join_gives_build(enum join_kind kind);
bool join_keeps_unmatched_child(enum join_kind kind); /* LEFT, FULL, SINGLE */
bool join_wants_matched(enum join_kind kind);         /* RIGHT, FULL, RIGHT_SEMI, RIGHT_ANTI */
/* Does nobody want to know which build row matched? */
bool join_asks_existence(const struct plan *plan);

/* join_build.c: run the build side; make the tables over what is kept. */
YODA_MUST_CHECK yoda_status join_build(struct join *join, yoda_error *err);
YODA_MUST_CHECK yoda_status join_build_tables(struct join *join, yoda_error *err);
void join_lookup_deinit(struct join_lookup *lookup);
/* join_filter.c: filters for the scans that the probe's keys come from, into run->filters. */
YODA_MUST_CHECK yoda_status join_filter_scans(struct join *join, yoda_error *err);
/* join_probe.c */
extern const struct op_type join_probe_type;
/* join_rest.c: after the probe, push the left-overs into receiver. */
YODA_MUST_CHECK yoda_status join_rest(struct join *join, struct op *receiver, yoda_error *err);

/* op_join.c: the tables are there: flags, and give everything back. */
YODA_MUST_CHECK yoda_status join_make_matched(struct join *join, yoda_error *err);
void join_release(struct join *join);
/* No rows on the build side (or in this partition): can a row come out? */
bool join_is_void(const struct join *join);

/* ---- join_spill.c --------------------------------------------------------------------------- */

/* Can this join be partitioned? */
bool join_may_spill(const struct join *join);
/* Before the build side runs. */
YODA_MUST_CHECK yoda_status join_spill_create(struct join *join, struct join_spill **out,
                                              yoda_error *err);
void join_spill_destroy(struct join_spill *spill, const struct join *join); /* NULL is fine */
/* Build side: keep columns[kept_count] of n rows in memory or on disk, on a worker. */
YODA_MUST_CHECK yoda_status join_spill_keep(struct join *join, struct worker *worker,
                                            const struct vector *columns, uint32_t n,
                                            yoda_error *err);
/* After the build side: was something written? Then the rest is, too. */
YODA_MUST_CHECK yoda_status join_spill_settle(struct join *join, bool *spilled, yoda_error *err);
/* Run the child into partitions, then join them one after the other into receiver. */
YODA_MUST_CHECK yoda_status join_spill_run(struct join *join, const uint64_t *child_needed,
                                           struct op *receiver, yoda_error *err);

/*
 * Columns of the output for pairs, child ++ build, those that `wanted` asks for.
 *   sel    [n] rows of `in`; NULL: all of its rows, in order
 *   ids    [n] build rows; has_misses: some are the NULL row; NULL: no build columns
 */
YODA_MUST_CHECK yoda_status join_pair_columns(const struct join *join, const struct row_set *in,
                                              const uint16_t *sel, const uint32_t *ids, uint32_t n,
                                              bool has_misses, const uint64_t *wanted,
                                              struct arena *arena, struct row_set *out,
                                              yoda_error *err);

#endif
