/*
 * flame.h -- what a query cost as a picture: an SVG made of the answer to EXPLAIN YODA ANALYZE.
 *
 * A box per operator, its inputs below it; as wide as the time of the operator and of all below.
 */
#ifndef YODA_CLI_FLAME_H
#define YODA_CLI_FLAME_H

#include "yoda.h"

#include <stdio.h>

/* Draw a result; false, and nothing is written, where it has no operators (SQLite ran it). */
bool flame_write(FILE *out, yoda_result *result, const char *sql);

#endif
