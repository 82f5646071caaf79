/*
 * hash.h -- hashing. XXH3 (the system's xxHash) for bytes; a multiplicative mix for integers.
 */
#ifndef YODA_BASE_HASH_H
#define YODA_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

struct hash128 {
    uint64_t low, high;
};

uint64_t hash_bytes(const void *data, size_t size, uint64_t seed);
struct hash128 hash_bytes128(const void *data, size_t size, uint64_t seed);

/* Murmur3's finaliser: every input bit reaches every output bit. */
static inline uint64_t hash_u64(uint64_t x)
{
    x ^= x >> 33;
    x *= UINT64_C(0xff51afd7ed558ccd);
    x ^= x >> 33;
    x *= UINT64_C(0xc4ceb9fe1a85ec53);
    x ^= x >> 33;
    return x;
}
static inline uint64_t hash_combine(uint64_t a, uint64_t b)
{
    return hash_u64(a ^ (b + UINT64_C(0x9e3779b97f4a7c15) + (a << 6) + (a >> 2)));
}

#endif
