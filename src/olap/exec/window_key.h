/*
 * window_key.h -- PARTITION BY and ORDER BY as one number per row.
 *
 * While rows come in, each key column gives 8-byte codes whose order is the values' order: an
 * INTEGER with its sign turned, the bits of a REAL likewise, the group id of a text or blob (of one
 * dictionary per worker). When all rows are there, codes are packed: each key takes as many bits as
 * its range needs, and a bit for NULLs if there are some, the partition keys first. Texts are
 * ranked for that once, over the dictionaries of all workers. So most windows sort by one word.
 *
 *   word 0            word 1 ...                 left aligned; equal numbers: equal keys
 *   [partition|order] [order continued]
 *
 * A NUM key is two codes: its rounded REAL, and what an INTEGER past 2^53 lost by that.
 *
 * Threads  collecting: one worker per window_keys; the rest as said
 */
#ifndef YODA_OLAP_WINDOW_KEY_H
#define YODA_OLAP_WINDOW_KEY_H

#include "olap/exec/group_table.h"
#include "olap/exec/pipeline.h"

enum window_code { CODE_INT, CODE_REAL, CODE_NUM, CODE_NUM_REST, CODE_TEXT };

struct window_part { /* one code per row */
    uint32_t column; /* of the child */
    enum vtype type;
    enum window_code code;
    enum collation collation;
    bool descending, nulls_last;
    /* after window_keys_settle */
    bool has_nulls;
    uint64_t low, high;  /* of the codes that are not NULL */
    uint32_t bits;       /* of the code, without the NULL bit */
};

struct window_key_plan {
    struct window_part *parts; /* [part_count] */
    uint32_t part_count, partition_parts;
    uint32_t bits;           /* of a row's key */
    uint32_t words;          /* the same, at least 1 */
    uint64_t *partition_mask; /* [words] bits of the partition keys */
};

struct window_part_codes { /* one worker's */
    struct buffer *codes;  /* uint64_t, [rows]; of NULLs 0 */
    struct buffer *nulls;  /* uint8_t, [rows]: 1 NULL */
    bool any, any_null;
    uint64_t low, high;
    struct group_table dictionary; /* CODE_TEXT */
    uint64_t *ranks;               /* [dictionary.count], after settling; in the run's arena */
};

struct window_keys { /* one worker's */
    struct window_part_codes *parts; /* [part_count] */
    uint32_t rows;
};

/* The keys of a window node; in the run's arena. */
YODA_MUST_CHECK yoda_status window_key_plan_init(struct window_key_plan *plan, struct run *run,
                                                 const struct plan *window, yoda_error *err);
YODA_MUST_CHECK yoda_status window_keys_init(struct window_keys *keys,
                                             const struct window_key_plan *plan,
                                             struct mem_budget *budget, yoda_error *err);
void window_keys_deinit(struct window_keys *keys, const struct window_key_plan *plan);
YODA_MUST_CHECK yoda_status window_keys_append(struct window_keys *keys,
                                               const struct window_key_plan *plan,
                                               const struct row_set *in, struct arena *scratch,
                                               yoda_error *err);
/* All rows are in: fix the layout. all [run->workers], some NULL. Threads: the caller's. */
YODA_MUST_CHECK yoda_status window_keys_settle(struct window_key_plan *plan, struct run *run,
                                               struct window_keys *const *all, yoda_error *err);
/* Packed keys of a worker's rows: word w of row i in out[w * rows + i], zeroed before. */
YODA_MUST_CHECK yoda_status window_keys_pack(const struct window_keys *keys,
                                             const struct window_key_plan *plan,
                                             const struct run *run, uint64_t *out,
                                             yoda_error *err);

#endif
