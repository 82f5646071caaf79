/*
 * workload.h -- random SQL over tables of every kind that capture has to follow.
 *
 *   ipk      INTEGER PRIMARY KEY, two more UNIQUE indexes: one partial, one on an expression
 *   txt      TEXT PRIMARY KEY (NULLs allowed, many of them)
 *   comp     composite PRIMARY KEY over a rowid table
 *   nokey    no key at all; also written by rowid
 *   noc      NOCASE key
 *   wor      WITHOUT ROWID, composite key with NOCASE and DESC, one more UNIQUE
 *   strict_t STRICT
 *   gen      generated columns, stored and virtual
 *   parent, child   foreign keys with CASCADE and SET NULL
 *   "we ird ""t"""  names that need quotes everywhere
 *
 * Keys come from a small domain so that statements collide; values are of any class, also in the
 * wrong columns. Many statements fail by design (constraints): only unexpected errors count.
 */
#ifndef YODA_DIFF_WORKLOAD_H
#define YODA_DIFF_WORKLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WORKLOAD_TABLES 11

struct workload {
    uint64_t random; /* splitmix64 state */
    bool use[WORKLOAD_TABLES];
    bool dropped_index[3];
    unsigned added[WORKLOAD_TABLES]; /* columns added by ALTER */
    unsigned next_added;
};

/* Chooses which tables take part. */
void workload_init(struct workload *w, uint64_t seed);
/* Uniform below n. */
uint32_t workload_below(struct workload *w, uint32_t n);
/* The name as the C API wants it (no quotes), NULL when the table takes no part. */
const char *workload_table(const struct workload *w, size_t table);
/* The statements that make a table and its indexes. */
const char *workload_schema(size_t table);
/*
 * One random statement, or a few that belong together; free() it.
 *
 *   savepoints  may contain BEGIN..., SAVEPOINT and so on: for a caller that runs the text in one
 *               go
 */
char *workload_statement(struct workload *w, bool savepoints);
/* A random query over the participating tables that the columns may well answer; free() it. */
char *workload_query(struct workload *w);

#endif
