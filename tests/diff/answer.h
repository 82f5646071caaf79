/*
 * answer.h -- one query's answer held in memory, and whether two answers are the same.
 *
 * Rows are compared as multisets: no test of these suites depends on an order that SQL leaves open.
 * Types must be the same; integers, texts and blobs byte for byte; reals too, apart from the last
 * digits that the order of an addition decides.
 */
#ifndef YODA_DIFF_ANSWER_H
#define YODA_DIFF_ANSWER_H

#include "test.h"

struct answer {
    yoda_result *result; /* owns the bytes of the values */
    yoda_value *values;  /* [rows * columns] */
    size_t rows, columns;
    yoda_side side;
    const char *reason; /* of the result */
};

#define ANSWER_WHY_MAX 700

/* Run one query on a side; on failure *out is empty. */
yoda_status answer_query(yoda_engine *db, const char *sql, yoda_side side, int64_t timeout_ms,
                         struct answer *out, yoda_error *err);
void answer_free(struct answer *answer);
/* Sorts both; on a difference says which in why. */
bool answer_equal(struct answer *a, struct answer *b, char why[ANSWER_WHY_MAX]);

enum answer_verdict {
    ANSWER_SAME,         /* both sides answered the same; columns ran it           */
    ANSWER_NOT_COLUMNAR, /* the columns left it to SQLite                          */
    ANSWER_NONE,         /* neither side answers, or one ran out of time or memory */
    ANSWER_DIFFERENT     /* why says how                                           */
};

/*
 * Run a query on `side` and on SQLite and compare. Nothing may be written in between.
 * A forced YODA_SIDE_COLUMN that is refused is ANSWER_NOT_COLUMNAR, with the reason in why.
 */
enum answer_verdict answer_compare(yoda_engine *db, const char *sql, yoda_side side,
                                   int64_t timeout_ms, char why[ANSWER_WHY_MAX]);

#endif
