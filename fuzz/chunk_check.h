/*
 * chunk_check.h -- reads a parsed chunk by every reading function and asks that they agree.
 */
#ifndef YODA_FUZZ_CHUNK_CHECK_H
#define YODA_FUZZ_CHUNK_CHECK_H

#include "olap/column/chunk.h"

/* Aborts, for the fuzzer to see, where two functions say different things of a row. */
void chunk_check(const struct chunk *chunk);

#endif
