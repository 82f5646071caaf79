/*
 * aggregation.h -- groups and their states: what one worker gathers, and the one result.
 *
 *   worker 1: table + units --.                             .-- final 0 --> rows
 *   worker 2: table + units --+-- by the hash's top bits ---+-- final 1 --> rows
 *
 * Few groups are merged into the first worker's aggregation; many are merged by partitions, each a
 * task that takes the groups of its part of the hash range from all workers.
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

/*
 * Combine the workers' aggregations ([run->workers], some NULL; they are taken).
 *   finals  [*final_count] in the run's arena; the caller destroys them, also after a failure
 */
YODA_MUST_CHECK yoda_status aggregation_combine(struct run *run,
                                                const struct aggregation_plan *plan,
                                                struct aggregation **locals,
                                                struct aggregation ***finals,
                                                uint32_t *final_count, yoda_error *err);

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

#endif
