/*
 * sketch.c -- see sketch.h; what is added when a chunk is encoded, at some 2 % of that time.
 *
 *   DICT, CONSTANT   the dictionary's entries
 *   NULL, MIXED      nothing; no query runs on the second
 *   texts, ISO       every 31st row
 *   numbers          every 127th row. Where these show few values, that is all; otherwise every
 *                    second row, codes where there are codes; what no register can want is passed
 *                    over with a multiplication and a comparison
 *
 * The long steps are prime and the short one changes sides from vector to vector, because data have
 * periods. Where nearly all of the rows looked at differ, so do the others, it is assumed: one more
 * in every rank says twice as many.
 *
 * Numbers are hashed as their 8 bytes or code: INTEGER 1 and REAL 1.0 may count as two, and a
 * DECIMAL in chunks of two scales.
 */
#include "olap/column/sketch.h"

#include "base/hash.h"
#include "olap/column/encoding.h"

#include <math.h>
#include <string.h>

enum { NUMBER_STEP = 2, TEXT_STEP = 31, TRIAL_STEP = 127, TRIAL_LEAST = 4 /* rows a value */ };
#define DIFFER 0.7 /* of the rows looked at: less the sketch's error, all of them */

/* ---- Registers ------------------------------------------------------------------------------ */

/* The rank comes from the first bits, the register from all. */
static void add_hash(struct sketch *s, uint64_t hash)
{
    uint32_t at = hash_u64(hash) % SKETCH_REGISTERS;
    uint8_t rank = hash ? (uint8_t)(__builtin_clzll(hash) + 1) : SKETCH_RANK_MAX;
    if (rank > SKETCH_RANK_MAX)
        rank = SKETCH_RANK_MAX;
    if (rank > s->ranks[at])
        s->ranks[at] = rank;
}

/* A hash above this changes no register. */
static uint64_t limit_of(const struct sketch *s)
{
    uint8_t least = s->ranks[0];
    for (uint32_t i = 1; i < SKETCH_REGISTERS; i++)
        least = s->ranks[i] < least ? s->ranks[i] : least;
    return UINT64_MAX >> least;
}

void sketch_merge(struct sketch *into, const struct sketch *from)
{
    for (uint32_t i = 0; i < SKETCH_REGISTERS; i++)
        if (from->ranks[i] > into->ranks[i])
            into->ranks[i] = from->ranks[i];
}

double sketch_estimate(const struct sketch *sketch)
{
    const double m = SKETCH_REGISTERS, alpha = 0.709;
    double sum = 0;
    uint32_t empty = 0;
    for (uint32_t i = 0; i < SKETCH_REGISTERS; i++) {
        sum += ldexp(1, -(int)sketch->ranks[i]);
        empty += sketch->ranks[i] == 0;
    }
    double estimate = alpha * m * m / sum;
    if (empty && estimate <= 2.5 * m)
        return m * log(m / empty);
    return estimate;
}

void sketch_pack(const struct sketch *sketch, uint8_t out[SKETCH_BYTES])
{
    for (uint32_t i = 0; i < SKETCH_REGISTERS; i += 4) {
        const uint8_t *r = sketch->ranks + i;
        uint32_t word = r[0] | (uint32_t)r[1] << 6 | (uint32_t)r[2] << 12 | (uint32_t)r[3] << 18;
        ASSERT(r[0] <= SKETCH_RANK_MAX && r[3] <= SKETCH_RANK_MAX);
        for (uint32_t b = 0; b < 3; b++)
            *out++ = (uint8_t)(word >> (8 * b));
    }
}

bool sketch_unpack(const uint8_t in[SKETCH_BYTES], struct sketch *out)
{
    bool valid = true;
    for (uint32_t i = 0; i < SKETCH_REGISTERS; i += 4, in += 3) {
        uint32_t word = in[0] | (uint32_t)in[1] << 8 | (uint32_t)in[2] << 16;
        for (uint32_t r = 0; r < 4; r++) {
            out->ranks[i + r] = word >> (6 * r) & 63;
            valid &= out->ranks[i + r] <= SKETCH_RANK_MAX;
        }
    }
    return valid;
}

/* ---- Values --------------------------------------------------------------------------------- */

/* Its first bits are as good as random, which is all that ranks need. */
static uint64_t hash_number(uint64_t bits)
{
    return (bits ^ UINT64_C(0x5851f42d4c957f2d)) * UINT64_C(0x9e3779b97f4a7c15);
}

static uint64_t hash_cell(const struct raw_block *block, uint32_t i)
{
    bool bytes = block->tags[i] == YODA_TEXT || block->tags[i] == YODA_BLOB;
    return bytes ? hash_bytes(block->payload[i].p, block->sizes[i], 0)
                 : hash_number(block->payload[i].bits);
}

/* Every step-th row that is not NULL; returns how many there were. */
static uint32_t add_sample(const struct chunk *raw, uint32_t rows, uint32_t step,
                           struct sketch *into)
{
    uint32_t count = 0;
    for (uint32_t row = 0; row < rows; row += step) {
        const struct raw_block *block = chunk_raw_block(raw, row / VECTOR_ROWS);
        uint32_t i = row % VECTOR_ROWS;
        if (block->tags[i] == YODA_NULL)
            continue;
        add_hash(into, hash_cell(block, i));
        count++;
    }
    return count;
}

/* NULL rows have code 0 or payload 0: one value more. */
#define ADD_NUMBERS(T)                                                                             \
    static void add_##T(const void *data, uint32_t rows, uint64_t base, struct sketch *into)       \
    {                                                                                              \
        const T *numbers = data;                                                                   \
        for (uint32_t row = 0; row < rows;) {                                                      \
            uint64_t limit = limit_of(into);                                                       \
            uint32_t end = rows - row < VECTOR_ROWS ? rows : row + VECTOR_ROWS;                    \
            for (uint32_t i = row + row / VECTOR_ROWS % NUMBER_STEP; i < end; i += NUMBER_STEP) {  \
                uint64_t hash = hash_number(numbers[i] + base);                                    \
                if (hash <= limit)                                                                 \
                    add_hash(into, hash);                                                          \
            }                                                                                      \
            row = end;                                                                             \
        }                                                                                          \
    }
ADD_NUMBERS(uint8_t)
ADD_NUMBERS(uint16_t)
ADD_NUMBERS(uint32_t)
ADD_NUMBERS(uint64_t)
#undef ADD_NUMBERS

static void add_numbers(const struct chunk *chunk, struct sketch *into)
{
    const struct chunk_header *h = chunk->header;
    uint64_t base = (uint64_t)h->base;
    switch (h->code_width) {
    case 1:
        add_uint8_t(chunk->codes, h->rows, base, into);
        return;
    case 2:
        add_uint16_t(chunk->codes, h->rows, base, into);
        return;
    case 4:
        add_uint32_t(chunk->codes, h->rows, base, into);
        return;
    case 8:
        add_uint64_t(chunk->codes, h->rows, base, into);
        return;
    default:
        return;
    }
}

/* Every step-th code of a row that is not NULL. */
static uint32_t add_codes(const struct chunk *chunk, uint32_t step, struct sketch *into)
{
    uint32_t count = 0;
    for (uint32_t row = 0; row < chunk->header->rows; row += step) {
        if (chunk->nulls && bit_get(chunk->nulls, row))
            continue;
        uint64_t code = codes_get(chunk->codes, chunk->header->code_width, row);
        add_hash(into, hash_number(code + (uint64_t)chunk->header->base));
        count++;
    }
    return count;
}

static void add_entries(const struct chunk *chunk, struct sketch *into)
{
    for (uint32_t i = 0; i < chunk->dict.count; i++)
        add_hash(into, hash_bytes(chunk->dict.values[i].ptr, chunk->dict.values[i].size, 0));
}

/* Only every 2^twice-th row was looked at. */
static void extend(struct sketch *sketch, uint32_t looked_at, uint32_t twice)
{
    if (looked_at < 4 * SKETCH_REGISTERS || sketch_estimate(sketch) < DIFFER * looked_at)
        return;
    for (uint32_t i = 0; i < SKETCH_REGISTERS; i++)
        if (sketch->ranks[i] && sketch->ranks[i] + twice <= SKETCH_RANK_MAX)
            sketch->ranks[i] = (uint8_t)(sketch->ranks[i] + twice);
}

static void sketch_numbers(const struct chunk *chunk, struct sketch *into)
{
    uint32_t present = chunk->header->rows - chunk->header->zone.null_count;
    uint32_t tried = add_codes(chunk, TRIAL_STEP, into);
    if (sketch_estimate(into) * TRIAL_LEAST < tried)
        return;
    add_numbers(chunk, into);
    extend(into, present / NUMBER_STEP, 1);
}

void sketch_source(const struct source *source, const struct chunk *chunk, struct sketch *into)
{
    static_assert(NUMBER_STEP == 1 << 1 && TEXT_STEP + 1 == 1 << 5, "what extend is told");
    switch (chunk->ops->encoding) {
    case ENC_NULL:
    case ENC_MIXED:
    case ENC_RAW:
        return;
    case ENC_CONSTANT:
    case ENC_DICT:
        add_entries(chunk, into);
        if (chunk->dict.count == 0)
            add_hash(into, hash_number((uint64_t)chunk->header->base));
        return;
    case ENC_ISO:
        extend(into, add_codes(chunk, TEXT_STEP, into), 5);
        return;
    case ENC_PLAIN:
        extend(into, add_sample(source->raw, source->rows, TEXT_STEP, into), 5);
        return;
    default:
        sketch_numbers(chunk, into);
    }
}

void chunk_sketch(const struct chunk *chunk, uint32_t rows, struct sketch *into)
{
    struct sketch own = {{0}};
    if (chunk->ops->encoding == ENC_RAW)
        extend(&own, add_sample(chunk, rows, TEXT_STEP, &own), 5);
    else if (!sketch_unpack(chunk->header->sketch, &own)) /* parsing has checked it */
        return;
    sketch_merge(into, &own);
}
