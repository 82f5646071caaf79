/*
 * fuzz_chunk.c -- any bytes as a column chunk, of whatever encoding its header claims.
 *
 * Input: two bytes of row count and the chunk. Once parsed it must have that many rows, and
 * whatever the parser accepted, every reading function reads without harm and alike.
 */
#include "chunk_check.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buffer *bytes = NULL;
    struct chunk *chunk = NULL;
    yoda_error err;
    if (size < 2)
        return 0;
    uint32_t rows = (uint32_t)data[0] | (uint32_t)data[1] << 8;
    if (buffer_create(size - 2, NULL, &bytes, &err) != YODA_OK)
        return 0;
    if (size > 2)
        memcpy(bytes->data, data + 2, size - 2);
    if (chunk_parse(bytes, rows, &chunk, &err) == YODA_OK) {
        if (chunk_rows(chunk) != rows)
            abort();
        chunk_check(chunk);
    }
    chunk_destroy(chunk);
    buffer_release(bytes);
    return 0;
}
