/*
 * join_table.h -- from key numbers (join_key.h) to rows of the build side.
 *
 *   BITS     one bit per number of the domain, where only "is it there" is asked
 *   DENSE    one u32 per number of the domain: the row + 1 (unique), or where its rows begin
 *   RANK     a bit per number and a count per 32 of them: the place of a number among those there.
 *            A quarter byte per number of the domain, for domains a good deal larger than the rows
 *   HASH     16-byte slots with the number inside, linear probing; at most 2/3 full
 *
 * A table is unique when no number has two rows: then a look-up gives the row at once. Otherwise it
 * gives a run of `order`, the rows sorted by number (HASH: grouped by it).
 *
 * Threads  built by one, then immutable.
 */
#ifndef YODA_OLAP_JOIN_TABLE_H
#define YODA_OLAP_JOIN_TABLE_H

#include "olap/exec/pipeline.h"

enum join_table_kind { JOIN_EMPTY, JOIN_BITS, JOIN_DENSE, JOIN_RANK, JOIN_HASH };

struct join_word { /* 32 numbers */
    uint32_t bits;
    uint32_t rank; /* of the first: numbers there are before it */
};

struct join_slot {
    uint64_t key;
    uint32_t first; /* unique: the row; otherwise into order */
    uint32_t count; /* 0: free */
};

struct join_table {
    enum join_table_kind kind;
    bool unique;
    uint64_t domain;
    uint64_t *bits;         /* BITS: [domain] */
    uint32_t *dense;        /* DENSE: unique [domain + 1] row + 1; else [domain + 2] into order */
    struct join_word *words; /* RANK: [domain / 32 + 1] */
    uint32_t *begin;         /* RANK, not unique: [numbers + 1] into order */
    struct join_slot *slots; /* HASH: [slot_count] */
    uint64_t slot_count;
    uint32_t *order;         /* not unique; RANK: always, by rank */
    uint32_t rows;          /* in the table */
    struct arena arena;
};

/*
 * Build from the numbers of the build rows.
 *   keys        [n], below domain or JOIN_NO_KEY
 *   only        rows that count, bitmap; NULL: all
 *   existence   nobody will ask for rows
 */
YODA_MUST_CHECK yoda_status join_table_init(struct join_table *table, const uint64_t *keys,
                                            uint32_t n, const uint64_t *only, uint64_t domain,
                                            bool existence, struct run *run, yoda_error *err);
void join_table_deinit(struct join_table *table); /* zeroed: fine */

/* Unique: the pairs of keys[n] and rows; returns how many. sel, rows: [n] */
uint32_t join_table_pairs(const struct join_table *table, const uint64_t *keys, uint32_t n,
                          uint16_t *sel, uint32_t *rows);
/* Unique: rows[i] of each key, `none` where there is none; returns how many have one. */
uint32_t join_table_rows(const struct join_table *table, const uint64_t *keys, uint32_t n,
                         uint32_t none, uint32_t *rows);
/* The run of each key in order, count 0 where there is none; returns the sum of the counts. Any
 * table but BITS; unique ones give runs of the rows themselves (count 0 or 1). */
uint64_t join_table_runs(const struct join_table *table, const uint64_t *keys, uint32_t n,
                         uint32_t *first, uint32_t *count);
/* bits[i]: keys[i] is there. */
void join_table_test(const struct join_table *table, const uint64_t *keys, uint32_t n,
                     uint64_t *bits);
/* Row at a place of a run. */
static inline uint32_t join_table_row(const struct join_table *table, uint32_t at)
{
    return table->order ? table->order[at] : at;
}

#endif
