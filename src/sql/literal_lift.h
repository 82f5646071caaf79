/*
 * literal_lift.h -- INSERT ... VALUES with its literals made parameters, so that many statements of
 * one shape share one prepared statement.
 *
 *   INSERT INTO t VALUES (7, 'a''b', -2.5)  ->  INSERT INTO t VALUES (?, ?, ?)   7, "a'b", -2.5
 *
 * Only where that changes nothing: the statement is an INSERT or REPLACE that ends with its VALUES
 * lists and has no parameters; a lifted literal is a whole value of such a list, with at most a
 * minus before it. Everything else stays as it is written, literals inside expressions too.
 */
#ifndef YODA_SQL_LITERAL_LIFT_H
#define YODA_SQL_LITERAL_LIFT_H

#include "base/str.h"
#include "sql/lexer.h"

#define LITERAL_LIFT_MAX 128 /* parameters: a list longer than that is not lifted */

struct literal_lift { /* used again for the next statement */
    struct str sql;
    struct str head;  /* of the last one lifted, through the parenthesis behind VALUES */
    struct str bytes; /* of texts and blobs that are written otherwise than they are */
    yoda_value values[LITERAL_LIFT_MAX]; /* data points into the given text or into bytes */
    size_t count;
};

void literal_lift_init(struct literal_lift *lift);
void literal_lift_deinit(struct literal_lift *lift);
/* false: not such a statement, nothing to lift, or no memory. The text must outlive the values. */
YODA_MUST_CHECK bool literal_lift_statement(struct literal_lift *lift, const char *sql,
                                            size_t size);
/* Go on through the word VALUES of an INSERT or REPLACE that has no SELECT or parameter before it;
 * false: it is no such statement. */
YODA_MUST_CHECK bool literal_lift_find_values(struct lexer *lexer, struct token *values);

#endif
