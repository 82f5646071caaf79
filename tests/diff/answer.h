/*
 * answer.h -- one query's answer held in memory, and whether two answers are the same.
 *
 * Rows are compared as multisets, and in order only where the caller says that it is settled.
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
/* What of an answer is settled; all zero: the rows as a multiset, exactly. */
struct answer_rules {
    bool loose;          /* equal is what SQL calls equal: 1 and 1.0, 'a' and 'A ' */
    const size_t *order; /* [order_count] columns whose values come in this order */
    size_t order_count;
    double tolerance; /* of reals, relative; 0: that of an addition's last digits */
};

/* Sorts both; on a difference says which in why. rules may be NULL. */
bool answer_equal(struct answer *a, struct answer *b, const struct answer_rules *rules,
                  char why[ANSWER_WHY_MAX]);
/* Print up to rows_max rows, a line each. */
void answer_print(const struct answer *answer, size_t rows_max, FILE *out);

enum answer_verdict {
    ANSWER_SAME,         /* both sides answered the same; columns ran it           */
    ANSWER_NOT_COLUMNAR, /* the columns left it to SQLite                          */
    ANSWER_NONE,         /* neither side answers, or one ran out of time or memory */
    ANSWER_DIFFERENT,    /* why says how                                           */
    ANSWER_SLOW          /* columns ran out of time or memory where SQLite did not */
};

/*
 * Run a query on `side` and on SQLite and compare. Nothing may be written in between.
 * A forced YODA_SIDE_COLUMN that is refused is ANSWER_NOT_COLUMNAR, with the reason in why.
 */
enum answer_verdict answer_compare_by(yoda_engine *db, const char *sql, yoda_side side,
                                      int64_t timeout_ms, const struct answer_rules *rules,
                                      char why[ANSWER_WHY_MAX]);
/* The same without rules; ANSWER_SLOW is ANSWER_NONE. */
enum answer_verdict answer_compare(yoda_engine *db, const char *sql, yoda_side side,
                                   int64_t timeout_ms, char why[ANSWER_WHY_MAX]);

#endif
