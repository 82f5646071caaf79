/* md5.c -- RFC 1321, section 3.4; the table is floor(2^32 * |sin(i + 1)|). */
#include "md5.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static uint32_t rotate(uint32_t x, unsigned n)
{
    return x << n | x >> (32 - n);
}

static void transform(uint32_t state[4], const uint8_t block[64])
{
    static const uint8_t shifts[4][4] = {
        {7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};
    static uint32_t table[64];
    if (!table[0])
        for (int i = 0; i < 64; i++)
            table[i] = (uint32_t)(4294967296.0 * fabs(sin(i + 1.0)));
    uint32_t words[16], a = state[0], b = state[1], c = state[2], d = state[3];
    memcpy(words, block, 64);
    for (unsigned i = 0; i < 64; i++) {
        uint32_t f;
        unsigned g;
        if (i < 16) {
            f = (b & c) | (~b & d);
            g = i;
        } else if (i < 32) {
            f = (d & b) | (~d & c);
            g = (5 * i + 1) % 16;
        } else if (i < 48) {
            f = b ^ c ^ d;
            g = (3 * i + 5) % 16;
        } else {
            f = c ^ (b | ~d);
            g = (7 * i) % 16;
        }
        uint32_t next = b + rotate(a + f + table[i] + words[g], shifts[i / 16][i % 4]);
        a = d;
        d = c;
        c = b;
        b = next;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
}

void md5_init(struct md5 *m)
{
    *m = (struct md5){.state = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476}};
}

void md5_update(struct md5 *m, const void *data, size_t size)
{
    const uint8_t *p = data;
    while (size) {
        size_t at = (size_t)(m->size % 64), n = 64 - at < size ? 64 - at : size;
        memcpy(m->block + at, p, n);
        m->size += n;
        p += n;
        size -= n;
        if (at + n == 64)
            transform(m->state, m->block);
    }
}

void md5_hex(struct md5 *m, char out[33])
{
    uint64_t bits = m->size * 8;
    static const uint8_t pad[64] = {0x80};
    md5_update(m, pad, (size_t)((119 - m->size % 64) % 64 + 1));
    md5_update(m, &bits, 8);
    for (int i = 0; i < 16; i++)
        snprintf(out + 2 * i, 3, "%02x", (unsigned)(m->state[i / 4] >> (8 * (i % 4)) & 0xff));
}
