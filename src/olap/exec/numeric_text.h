/*
 * numeric_text.h -- numbers in text, read the three different ways SQLite reads them.
 *
 * Syntax is decided here; the REAL a text stands for comes from number_text.text_to_real, so that
 * its last bit is SQLite's.
 */
#ifndef YODA_OLAP_NUMERIC_TEXT_H
#define YODA_OLAP_NUMERIC_TEXT_H

#include "base/value.h"

/*
 * Read the integer prefix of a text; past int64 it saturates.
 *
 * Returns  -1 no digits, 0 an integer with nothing but spaces around it, 1 followed by other text,
 *          2 too large, 3 exactly 2^63 without a minus
 * Source   sqlite3Atoi64
 */
int numeric_text_int(const char *text, size_t size, int64_t *out);

/* The number an operand of + - * / is when it is TEXT or BLOB: INTEGER or REAL, never a NaN. */
struct value numeric_text_operand(const char *text, size_t size);
/* CAST(text AS NUMERIC). */
struct value numeric_text_cast(const char *text, size_t size);
/* Numeric affinity: TEXT that is a number as a whole becomes one, anything else stays. */
struct value numeric_text_affinity(struct value value);
/* CAST(real AS INTEGER): truncates and saturates. */
int64_t numeric_real_to_int(double real);

#endif
