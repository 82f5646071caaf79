/*
 * column_guess.h -- the narrowest column type that keeps every value of a CSV column as written.
 *
 * INTEGER when all are 64-bit integers without needless zeros ("007" stays text), REAL when all are
 * decimal numbers, else TEXT; a column with no values at all is TEXT.
 */
#ifndef YODA_CLI_COLUMN_GUESS_H
#define YODA_CLI_COLUMN_GUESS_H

#include <stdbool.h>
#include <stddef.h>

struct column_guess {
    bool any, not_integer, not_real;
};

void column_guess_add(struct column_guess *guess, const char *text, size_t size);
const char *column_guess_type(const struct column_guess *guess);

#endif
