/*
 * md5.h -- MD5 (RFC 1321), because sqllogictest files state results as MD5 sums. Tests only.
 */
#ifndef YODA_TEST_MD5_H
#define YODA_TEST_MD5_H

#include <stddef.h>
#include <stdint.h>

struct md5 {
    uint32_t state[4];
    uint64_t size;
    uint8_t block[64];
};

void md5_init(struct md5 *m);
void md5_update(struct md5 *m, const void *data, size_t size);
void md5_hex(struct md5 *m, char out[33]); /* ends the sum */

#endif
