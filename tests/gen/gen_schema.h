/*
 * gen_schema.h -- a random schema with its data, as statements.
 *
 * What later parts must know of a column is how its values behave, not only its declaration:
 *
 *   tame        numbers whose sums are exact in any order: small integers, multiples of 1/4
 *   exact       no two of its values compare equal and yet differ (1 and 1.0, 'a' and 'A' NOCASE),
 *               so whichever of equal values an operator keeps, it is the same
 *   plain_only  may be shown and tested for NULL, nothing else: its type, affinity or collation is
 *               one that SQLite itself chooses freely (equal values merged, compound arms)
 */
#ifndef YODA_GEN_SCHEMA_H
#define YODA_GEN_SCHEMA_H

#include "gen_frag.h"

#define COLUMNS_MAX 10
#define TABLES_MAX 6
#define STATEMENTS_MAX 2000

enum kind { KIND_INT, KIND_NUMBER, KIND_TEXT, KIND_DATE, KIND_BLOB, KIND_ANY };

struct column {
    const char *name;
    enum kind kind;
    char affinity;  /* I R N T, or B: none */
    char collation; /* B N R: binary, nocase, rtrim */
    bool tame, exact, plain_only, unique;
};

struct relation { /* a table, a view, and later any source of a FROM */
    const char *name;
    struct column columns[COLUMNS_MAX];
    size_t count;
    double rows;
    bool view;
};

struct schema {
    struct pool *pool;
    uint64_t seed;
    struct relation relations[2 * TABLES_MAX];
    size_t tables, count; /* tables first, then views */
    const char *statements[STATEMENTS_MAX];
    size_t statement_count;
};

/* Numbers below n; true in percent of the cases; one of a list. */
uint32_t gen_below(uint64_t *seed, uint32_t n);
bool gen_chance(uint64_t *seed, uint32_t percent);

/* Make schema and data; the statements in order, "-- register NAME" among them. */
void schema_make(struct schema *s, struct pool *pool, uint64_t seed);
/* A literal such as values of that kind are. */
const char *schema_literal(struct pool *pool, uint64_t *seed, enum kind kind, bool tame);

#endif
