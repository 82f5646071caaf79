/*
 * real_codes.h -- doubles that are decimals, as codes.
 *
 * Rows of an open segment come as plain doubles. Often they are decimals all the same, as those of
 * encoded segments were found to be: then they are as exact and as fast to add up.
 */
#ifndef YODA_OLAP_REAL_CODES_H
#define YODA_OLAP_REAL_CODES_H

#include "olap/column/vector.h"

/*
 * FLAT REALs as CODES of 4 bytes where each is m / 10^scale bit by bit, -0.0 being 0; else, and of
 * any other vector, *out is *v.
 *   scale    the one to try, -1: what the first rows suggest
 *   misfits  counts vectors that were no decimals; after some nothing is tried any more
 */
YODA_MUST_CHECK yoda_status real_codes_of(const struct vector *v, int scale, uint8_t *misfits,
                                          struct arena *arena, struct vector *out, yoda_error *err);

#endif
