/*
 * sketch.h -- how many distinct values, about: 64 registers of HyperLogLog, mergeable over chunks.
 *
 * A value's hash names a register and offers it a rank, the place of the first 1 bit; the register
 * keeps the highest. Equal values of different chunks offer the same, so the sketch of a table is
 * the merged sketch of its chunks. The error is about 13 %, less for few values, where the empty
 * registers are counted. 6 bits a register: 48 bytes, which a chunk's header has room for.
 *
 * Source  Flajolet, Fusy, Gandouet, Meunier: HyperLogLog (2007)
 */
#ifndef YODA_OLAP_SKETCH_H
#define YODA_OLAP_SKETCH_H

#include "olap/column/chunk.h"

#define SKETCH_REGISTERS 64u
#define SKETCH_BYTES 48u /* packed, 6 bits each */
#define SKETCH_RANK_MAX 59u

struct sketch {
    uint8_t ranks[SKETCH_REGISTERS];
};

void sketch_merge(struct sketch *into, const struct sketch *from);
/* Distinct values that were added; 0 for none. */
double sketch_estimate(const struct sketch *sketch);
void sketch_pack(const struct sketch *sketch, uint8_t out[SKETCH_BYTES]);
/* False where no sketch packs to these bytes. */
bool sketch_unpack(const uint8_t in[SKETCH_BYTES], struct sketch *out);

/* Add the values of rows [0, rows) of a chunk; a RAW chunk's are sampled. Cost: RAW some 20 us. */
void chunk_sketch(const struct chunk *chunk, uint32_t rows, struct sketch *into);

#endif
