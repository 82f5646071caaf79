/*
 * gen_case.h -- one generated query, or one metamorphic check, over one generated database.
 *
 * Kinds     CASE_QUERY   columns against SQLite
 *           CASE_TLP     on columns alone: Q against Q WHERE p, Q WHERE NOT p and Q WHERE p IS NULL
 *                        together (ternary logic partitioning)
 *           CASE_NOREC   on columns alone: rows WHERE p against the sum of (p IS TRUE) over all
 * rows A case is made again from the same two seeds, so it can be replayed and made smaller.
 */
#ifndef YODA_GEN_CASE_H
#define YODA_GEN_CASE_H

#include "answer.h"
#include "gen_query.h"

enum case_kind { CASE_QUERY, CASE_TLP, CASE_NOREC, CASE_KINDS };

struct test_case {
    enum case_kind kind;
    struct query query;   /* CASE_QUERY */
    struct pieces pieces; /* otherwise; pieces.from NULL: there is nothing to check */
};

void case_make(struct test_case *c, struct pool *pool, uint64_t seed, const struct schema *schema);
/* Its text, of all statements. */
char *case_text(const struct test_case *c, struct pool *pool);
enum answer_verdict case_run(const struct test_case *c, struct pool *pool, yoda_engine *db,
                             char why[ANSWER_WHY_MAX]);

/* An engine in memory with the schema's statements run; skip[i]: not that one; NULL: all. */
yoda_engine *case_open(const struct schema *schema, const bool *skip, const yoda_option *options,
                       size_t option_count);

/*
 * Make a failing case smaller: parts of the query, then rows and other statements. Prints what is
 * left, ready to be run, with both answers.
 */
void case_shrink(struct test_case *c, struct pool *pool, const struct schema *schema,
                 const yoda_option *options, size_t option_count, bool shrink, FILE *out);

#endif
