/*
 * aggregate_unit.h -- the states behind aggregate functions.
 *
 * A unit is one array of states, indexed by group id. Aggregates that read the same sums share a
 * unit (SUM, TOTAL and AVG of one argument), and MIN or MAX with the bare columns beside it is one
 * unit.
 *
 * Updating a batch has two ways, by the number of groups so far:
 *   masked     up to GROUPS_MASKED groups: for each group the bitmap of its rows, SIMD kernels
 *              under the mask; no keys at all is one group without a mask
 *   scattered  a loop over the rows: states[ids[row]]; codes and counts go to narrow words first,
 *              and from there to the states once in many row sets (aggregate_tally.c)
 *
 * Threads: a unit belongs to one thread-local aggregation; units of two of them are combined later.
 */
#ifndef YODA_OLAP_AGGREGATE_UNIT_H
#define YODA_OLAP_AGGREGATE_UNIT_H

#include "olap/exec/decimal.h"
#include "olap/exec/group_table.h"
#include "olap/exec/plan.h"

#define GROUPS_MASKED 16u

struct unit;
struct unit_spec;
struct tally_totals;

struct known_tally { /* what one unit found out about a batch and others may use */
    struct unit *counter;   /* COUNT(*) without FILTER, NULL: none; updated last */
    bool counted;           /* it gets this batch's numbers of rows from another unit's tally */
    const uint32_t *counts; /* [groups] rows of each, alive or not; NULL: nobody knows */
};

struct grouping { /* the groups of a batch's rows */
    uint32_t rows;
    uint32_t groups;       /* so far; ids are below */
    const uint32_t *ids;   /* [rows], also of rows that are not alive: any group */
    const uint64_t *alive; /* rows that count, for every unit, NULL: all; masks have it */
    bool masked;
    const uint64_t *masks[GROUPS_MASKED]; /* [groups] if masked; NULL: all rows */
    uint32_t counts[GROUPS_MASKED];       /* [groups] if masked: rows of each */
    struct known_tally *known;            /* NULL: nothing is tallied */
};

struct group_pairs { /* groups of one aggregation that are groups of another */
    uint32_t count;
    const uint32_t *from, *to;
    uint32_t from_groups; /* groups of the aggregation combined from */
};

struct unit_type {
    size_t state_size; /* of a new unit */
    /* args [arg_count] evaluated; keep: rows that pass the FILTER (NULL: all) */
    yoda_status (*update)(struct unit *unit, const struct grouping *grouping,
                          const struct vector *args, const uint64_t *filter,
                          struct arena *scratch, yoda_error *err);
    /* The same where the argument is exact: nodes[at]. May be NULL. */
    yoda_status (*update_decimal)(struct unit *unit, const struct grouping *grouping,
                                  const struct decimal *nodes, uint32_t at, const uint64_t *filter,
                                  struct arena *scratch, yoda_error *err);
    /* Take totals into the states; needed by tally_codes and tally_rows. */
    void (*fold)(struct unit *unit, const struct tally_totals *totals);
    yoda_status (*combine)(struct unit *unit, struct unit *from, const struct group_pairs *pairs,
                           yoda_error *err);
    /* Without keys: take in `rows` rows, all that a segment has, by what the argument's chunk knows
     * of itself (NULL: no argument). knows: can it? NULL: always. absorb may be NULL: never. */
    bool (*knows)(const struct unit_spec *spec, const struct chunk *chunk);
    yoda_status (*absorb)(struct unit *unit, const struct chunk *chunk, uint32_t rows,
                          yoda_error *err);
    /* Once, after everything is combined; may be NULL. */
    yoda_status (*settle)(struct unit *unit, yoda_error *err);
    /* The aggregate's value for groups [first, first + rows), FLAT. Threads: any, at once. */
    yoda_status (*result)(const struct unit *unit, const struct aggregate *aggregate,
                          uint32_t first, uint32_t rows, struct arena *arena, struct vector *out,
                          yoda_error *err);
    void (*deinit)(struct unit *unit); /* may be NULL */
};

struct unit_spec { /* what a unit is for; shared by all threads */
    const struct unit_type *type;
    const struct aggregate *aggregate; /* the first one that needed it */
    expr_ref filter;
    uint32_t arg_count;
    const expr_ref *args;     /* distinct expressions */
    const uint32_t *arg_slots; /* place of each arg in the batch's evaluated arguments */
    bool grouped;             /* the query has keys */
    const struct aggregate *const *bare; /* [arg_count - 1]: AGG_BARE, for the witness unit */
};

struct tally { /* what is not in a unit's states yet */
    struct vector codes;   /* their shape: type, width, scale, base */
    struct unit *counter;  /* gets the numbers of rows too, or NULL */
    uint32_t groups;       /* all others' words are 0 */
    uint32_t word_rows;    /* no word counts more */
    uint32_t lanes, capacity;
    uint64_t *words;       /* [lanes] of capacity and a gap, in the unit's arena */
};

struct unit {
    const struct unit_spec *spec;
    struct mem_budget *budget;
    struct arena *arena;    /* of the aggregation: texts */
    struct buffer *states;  /* zeroed, [groups] of state_size bytes */
    size_t state_size;
    uint32_t groups;
    double bound;           /* sums of INTEGERs: no more than all absolute values together */
    int scale;              /* sums: decimal digits of `decimal`, -1 unknown */
    uint8_t misfits;        /* sums: batches of doubles that were no decimals */
    struct tally tally;
    struct group_table *seen; /* DISTINCT: the (group, value) pairs */
    bool packed;              /* DISTINCT: a pair is one word */
    struct unit *inner;       /* DISTINCT: what the values go to in the end */
};

YODA_MUST_CHECK yoda_status unit_init(struct unit *unit, const struct unit_spec *spec,
                                      struct arena *arena, struct mem_budget *budget,
                                      yoda_error *err);
void unit_deinit(struct unit *unit);
YODA_MUST_CHECK yoda_status unit_grow(struct unit *unit, uint32_t groups, yoda_error *err);
/* Memory of its own; what is in the arena is not counted. */
uint64_t unit_bytes(const struct unit *unit);
static inline void *unit_states(const struct unit *unit)
{
    return unit->states->data;
}

/* The unit type for an aggregate (not AGG_BARE). witness: the query has bare columns. */
const struct unit_type *unit_type_of(const struct aggregate *aggregate, bool witness);
/* May two aggregates read one unit? */
bool unit_shared(const struct aggregate *a, const struct aggregate *b);

extern const struct unit_type unit_count, unit_sum_int, unit_sum_real, unit_minmax, unit_witness,
    unit_concat, unit_distinct;
/* The type behind DISTINCT. */
const struct unit_type *unit_plain_type(const struct aggregate *aggregate);

/* rows = mask & keep in out ([VECTOR_WORDS + 1]), NULL when both are; *n gets their count. */
const uint64_t *grouping_rows(const struct grouping *grouping, uint32_t group, const uint64_t *keep,
                              uint64_t *out, size_t *n);

/* ---- Sums by group in narrow words (aggregate_tally.c) -------------------------------------- */

#define TALLY_GROUPS 16384u

struct tally_totals { /* of groups [first, first + count) */
    const struct vector *codes; /* their shape */
    uint32_t first, count;
    const uint64_t *sums;   /* [count] of the codes, the base left out */
    const uint64_t *counts; /* [count] of the rows that were kept */
};

/* Add CODES of up to 4 bytes, or only rows, where that pays; else *taken is false and nothing was
 * done. What was added is in the states after tally_fold. */
YODA_MUST_CHECK yoda_status tally_codes(struct unit *unit, const struct grouping *grouping,
                                        const struct vector *codes, const uint64_t *keep,
                                        bool *taken, yoda_error *err);
YODA_MUST_CHECK yoda_status tally_rows(struct unit *unit, const struct grouping *grouping,
                                       const uint64_t *keep, bool *taken, yoda_error *err);
void tally_fold(struct unit *unit);

/* Are rows many to a group? */
static inline bool tally_pays(const struct grouping *grouping)
{
    return grouping->known && !grouping->masked && grouping->groups <= grouping->rows / 4;
}

struct tally_numbers {
    const int64_t *sums;    /* [groups] */
    const uint32_t *counts; /* [groups] rows that were kept */
};
/* The sums of one batch's numbers, which over any of the rows are int64s. Requires tally_pays. */
YODA_MUST_CHECK yoda_status tally_numbers(const struct grouping *grouping, const int64_t *numbers,
                                          const uint64_t *keep, struct arena *scratch,
                                          struct tally_numbers *out, yoda_error *err);

/* ---- The best value of a group (aggregate_best.c) ------------------------------------------- */

struct best {
    union {
        int64_t i;
        double r;
        const char *p; /* in the unit's arena; `room` bytes */
    };
    uint32_t size, room;
    uint8_t type;      /* yoda_type; 0: nothing yet */
    uint8_t ambiguous; /* equal values with different bits met: SQLite shows the first */
};

struct value best_value(const struct best *best); /* NULL when nothing yet */
YODA_MUST_CHECK yoda_status best_set(struct best *best, const struct value *value,
                                     struct arena *arena, yoda_error *err);
/* Take value if it is better by the aggregate's order; *outcome: <0 worse, 0 equal, >0 taken */
YODA_MUST_CHECK yoda_status best_offer(struct best *best, const struct value *value,
                                       const struct aggregate *aggregate, struct arena *arena,
                                       int *outcome, yoda_error *err);
/* Errors: YODA_NOT_COLUMNAR when which bits SQLite would show is not defined well enough. */
YODA_MUST_CHECK yoda_status best_check(const struct best *best, const struct aggregate *aggregate,
                                       yoda_error *err);

#endif
