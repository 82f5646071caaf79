/*
 * aggregation.h -- groups and their states: what one worker gathers, and the one result.
 *
 *   worker 1: table + units --.                             .-- final 0 --> rows
 *   worker 2: table + units --+-- ------ by parts ------ ---+-- final 1 --> rows
 *
 * Few groups are merged into the first worker's aggregation; many are merged by parts, each a task
 * that takes the groups of its part of the keys from all workers. When memory gets short a worker's
 * further rows go to disk, dealt by their keys' hash, and each partition is aggregated by itself.
 */
#ifndef YODA_OLAP_AGGREGATION_H
#define YODA_OLAP_AGGREGATION_H

#include "olap/exec/aggregate_unit.h"
#include "olap/exec/pipeline.h"

struct aggregation_plan { /* shared by all threads */
    uint32_t key_count, unit_count, output_count;
    const struct group_key *keys;
    const struct unit_spec *specs;            /* [unit_count] */
    const struct aggregate *const *aggregates; /* [output_count] */
    const uint32_t *output_units;             /* [output_count] */
};

struct aggregation {
    const struct aggregation_plan *plan;
    struct arena arena;       /* texts of states */
    struct group_table table; /* unused without keys */
    struct unit *units;       /* [unit_count] */
    uint32_t groups;
};

YODA_MUST_CHECK yoda_status aggregation_create(const struct aggregation_plan *plan,
                                               struct mem_budget *budget,
                                               struct aggregation **out, yoda_error *err);
void aggregation_destroy(struct aggregation *aggregation); /* NULL is fine */

struct aggregation_batch {
    uint32_t rows;
    const uint64_t *alive;          /* rows that count, NULL: all; not together with filters */
    const struct vector *keys;      /* [key_count] */
    const struct vector *args;      /* evaluated arguments, by unit_spec.arg_slots */
    const struct decimal *decimals; /* nodes of a program */
    const uint8_t *decimal_args;    /* by slot: the node that stands for args, DECIMAL_NONE */
    const uint64_t *const *filters; /* [unit_count], NULL: all rows */
};
YODA_MUST_CHECK yoda_status aggregation_consume(struct aggregation *aggregation,
                                                const struct aggregation_batch *batch,
                                                struct arena *scratch, yoda_error *err);

/* ---- aggregation_facts.c: segments that are not read ---------------------------------------- */

/* Are there aggregates that segments can be taken in by without their rows? */
bool aggregation_takes_facts(const struct aggregation_plan *plan);
/* Can every aggregate take this one? */
bool aggregation_knows(const struct aggregation_plan *plan, const struct segment_facts *facts);
YODA_MUST_CHECK yoda_status aggregation_absorb(struct aggregation *aggregation,
                                               const struct segment_facts *facts,
                                               yoda_error *err);

/* Bring tallies into the states: before states are read or combined. */
void aggregation_fold(struct aggregation *aggregation);
/* Bytes of memory in use. */
uint64_t aggregation_bytes(const struct aggregation *aggregation);

/*
 * Combine the workers' aggregations ([run->workers], some NULL; they are taken).
 *   finals  [*final_count] in the run's arena; the caller destroys them, also after a failure
 */
YODA_MUST_CHECK yoda_status aggregation_combine(struct run *run,
                                                const struct aggregation_plan *plan,
                                                struct aggregation **locals,
                                                struct aggregation ***finals,
                                                uint32_t *final_count, yoda_error *err);
/* Combine groups ids[0..n) of `from` into `to`. Threads: several may read one `from`. */
YODA_MUST_CHECK yoda_status aggregation_merge(struct aggregation *to, struct aggregation *from,
                                              const uint32_t *ids, uint32_t n, yoda_error *err);
/* Once, after everything is combined. */
YODA_MUST_CHECK yoda_status aggregation_settle(struct aggregation *aggregation, yoda_error *err);

struct aggregation_parts { /* group ids sorted by part */
    uint32_t *ids;
    uint32_t begin[GROUP_PARTS_MAX + 1]; /* ids[begin[p]..begin[p + 1]) are those of part p */
};
YODA_MUST_CHECK yoda_status aggregation_split(struct aggregation *aggregation,
                                              const struct group_split *split,
                                              struct aggregation_parts *out, yoda_error *err);
void aggregation_parts_free(struct aggregation_parts *parts); /* zeroed: fine */

/* Rows of finals as a source: keys, then aggregates. */
struct aggregation_source {
    struct source source; /* must be first */
    const struct aggregation_plan *plan;
    struct aggregation **finals;
    uint32_t final_count;
};
void aggregation_source_init(struct aggregation_source *source,
                             const struct aggregation_plan *plan, struct aggregation **finals,
                             uint32_t final_count);
/* Push groups [first, end) row set by row set. */
YODA_MUST_CHECK yoda_status aggregation_push(const struct aggregation *aggregation,
                                             struct worker *worker, uint32_t first, uint32_t end,
                                             yoda_error *err);

/* ---- aggregation_spill.c: groups that do not fit --------------------------------------------- */

struct aggregation_spill;
struct aggregation_spill_op { /* what the operator knows */
    struct op *op;
    const struct plan *plan;
    const struct aggregation_plan *aggregation;
    const uint64_t *kept; /* the child's columns that are read, NULL: all */
    struct aggregation **locals; /* [workers] */
    /* Evaluate the keys of rows. */
    yoda_status (*keys)(struct op *op, struct worker *worker, const struct row_set *in,
                        const struct vector **keys, yoda_error *err);
    /* Take rows in. */
    yoda_status (*consume)(struct op *op, struct worker *worker, struct aggregation *to,
                           const struct row_set *in, yoda_error *err);
};
/* NULL where memory is short. */
struct aggregation_spill *aggregation_spill_new(const struct aggregation_spill_op *op);
void aggregation_spill_destroy(struct aggregation_spill *spill); /* NULL is fine */
/* Before rows come to a worker: do they go to disk? Then they are taken. spill NULL: never. */
YODA_MUST_CHECK yoda_status aggregation_spill_push(struct aggregation_spill *spill,
                                                   struct worker *worker, const struct row_set *in,
                                                   bool *taken, yoda_error *err);
/* All rows are there: *out is NULL when none went to disk, or spill is NULL. */
YODA_MUST_CHECK yoda_status aggregation_spill_finish(struct aggregation_spill *spill,
                                                     struct source **out, yoda_error *err);

#endif
