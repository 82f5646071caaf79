/*
 * hash.c -- XXH3 from the system's xxHash. The results are stable: files may hold them.
 */
#include "base/hash.h"

#include <xxhash.h>

uint64_t hash_bytes(const void *data, size_t size, uint64_t seed)
{
    return XXH3_64bits_withSeed(data, size, seed);
}

struct hash128 hash_bytes128(const void *data, size_t size, uint64_t seed)
{
    XXH128_hash_t h = XXH3_128bits_withSeed(data, size, seed);
    return (struct hash128){.low = h.low64, .high = h.high64};
}
