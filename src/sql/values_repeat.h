/*
 * values_repeat.h -- INSERT of one row of parameters, as an INSERT of several such rows.
 *
 *   INSERT INTO t(a, b) VALUES (?, ?);  ->  INSERT INTO t(a, b) VALUES (?, ?),(?, ?),(?, ?)
 *
 * Only an INSERT or REPLACE that ends with one list of nothing but `?`: no expression can read what
 * the rows before it changed, and nothing comes back. Not with OR ROLLBACK, after which it could not
 * be tried again row by row.
 */
#ifndef YODA_SQL_VALUES_REPEAT_H
#define YODA_SQL_VALUES_REPEAT_H

#include "base/str.h"

#include <stdint.h>

/* Put the statement of `rows` rows into out; *width: parameters of a row. false: it is no such
 * statement, or there is no memory. */
YODA_MUST_CHECK bool values_repeat(const char *sql, size_t size, uint32_t rows, struct str *out,
                                   uint32_t *width);

#endif
