/*
 * bits.h -- bitmaps of uint64_t words (bit i of a map is bit i % 64 of word i / 64), and widths.
 */
#ifndef YODA_BASE_BITS_H
#define YODA_BASE_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

__extension__ typedef __int128 int128;
__extension__ typedef unsigned __int128 uint128;

#define BITMAP_WORDS(bits) (((size_t)(bits) + 63) / 64)

static inline bool bit_get(const uint64_t *words, size_t i)
{
    return (words[i >> 6] >> (i & 63)) & 1;
}

static inline void bit_set(uint64_t *words, size_t i)
{
    words[i >> 6] |= UINT64_C(1) << (i & 63);
}

static inline void bit_clear(uint64_t *words, size_t i)
{
    words[i >> 6] &= ~(UINT64_C(1) << (i & 63));
}

static inline unsigned bits_count(uint64_t word)
{
    return (unsigned)__builtin_popcountll(word);
}

static inline unsigned bits_lowest(uint64_t word) /* word != 0 */
{
    return (unsigned)__builtin_ctzll(word);
}

/* Count the set bits among the first `bits`. */
static inline size_t bitmap_count(const uint64_t *words, size_t bits)
{
    size_t n = 0, full = bits / 64;
    for (size_t i = 0; i < full; i++)
        n += bits_count(words[i]);
    if (bits % 64)
        n += bits_count(words[full] & ((UINT64_C(1) << (bits % 64)) - 1));
    return n;
}

/* Set the first `bits` bits of [BITMAP_WORDS(bits)] words; the tail of the last word is 0. */
static inline void bitmap_fill(uint64_t *words, size_t bits)
{
    size_t full = bits / 64;
    for (size_t i = 0; i < full; i++)
        words[i] = ~UINT64_C(0);
    if (bits % 64)
        words[full] = (UINT64_C(1) << (bits % 64)) - 1;
}

#endif
