/*
 * bytes.h -- little-endian integers in byte strings, and a reader that cannot run past its end.
 */
#ifndef YODA_BASE_BYTES_H
#define YODA_BASE_BYTES_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "Yoda's files and kernels are little-endian; a big-endian port needs byte swaps here"
#endif

#define BYTES_LOAD_STORE(bits)                                                                     \
    static inline uint##bits##_t bytes_load_u##bits(const void *p)                                 \
    {                                                                                              \
        uint##bits##_t v;                                                                          \
        memcpy(&v, p, sizeof v);                                                                   \
        return v;                                                                                  \
    }                                                                                              \
    static inline void bytes_store_u##bits(void *p, uint##bits##_t v)                              \
    {                                                                                              \
        memcpy(p, &v, sizeof v);                                                                   \
    }
BYTES_LOAD_STORE(16)
BYTES_LOAD_STORE(32)
BYTES_LOAD_STORE(64)
#undef BYTES_LOAD_STORE

/* Reads move `at` forward; a read past `size` sets `bad`, returns 0 and stays bad. */
struct byte_reader {
    const uint8_t *data;
    uint64_t size, at;
    bool bad;
};
static inline const uint8_t *byte_reader_take(struct byte_reader *r, uint64_t n)
{
    if (r->bad || n > r->size - r->at) {
        r->bad = true;
        return NULL;
    }
    const uint8_t *p = r->data + r->at;
    r->at += n;
    return p;
}
static inline uint8_t byte_reader_u8(struct byte_reader *r)
{
    const uint8_t *p = byte_reader_take(r, 1);
    return p ? *p : 0;
}
static inline uint16_t byte_reader_u16(struct byte_reader *r)
{
    const uint8_t *p = byte_reader_take(r, 2);
    return p ? bytes_load_u16(p) : (uint16_t)0;
}
static inline uint32_t byte_reader_u32(struct byte_reader *r)
{
    const uint8_t *p = byte_reader_take(r, 4);
    return p ? bytes_load_u32(p) : 0;
}
static inline uint64_t byte_reader_u64(struct byte_reader *r)
{
    const uint8_t *p = byte_reader_take(r, 8);
    return p ? bytes_load_u64(p) : 0;
}

#endif
