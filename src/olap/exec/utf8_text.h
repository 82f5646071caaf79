/*
 * utf8_text.h -- stepping through UTF-8 the way SQLite does, also through bytes that are not UTF-8.
 *
 * A character is a byte below 0xC0, or a byte from 0xC0 on with all continuation bytes after it.
 */
#ifndef YODA_OLAP_UTF8_TEXT_H
#define YODA_OLAP_UTF8_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Step over one character. Requires p < end. */
static inline const char *utf8_skip(const char *p, const char *end)
{
    if ((uint8_t)*p++ >= 0xc0)
        while (p < end && ((uint8_t)*p & 0xc0) == 0x80)
            p++;
    return p;
}

/* Read one character; 0 at the end (p stays), U+FFFD for overlong forms and surrogates. */
static inline uint32_t utf8_read(const char **at, const char *end)
{
    if (*at == end)
        return 0;
    uint32_t c = (uint8_t)*(*at)++;
    if (c < 0xc0)
        return c;
    static const uint8_t lead_bits[8] = {0x1f, 0x1f, 0x1f, 0x1f, 0x0f, 0x0f, 0x07, 0x03};
    c = c >= 0xfc ? (c == 0xfd) : c & lead_bits[(c - 0xc0) >> 3];
    while (*at < end && ((uint8_t)**at & 0xc0) == 0x80)
        c = (c << 6) + ((uint8_t)*(*at)++ & 0x3fu);
    if (c < 0x80 || (c & 0xFFFFF800) == 0xD800 || (c & 0xFFFFFFFE) == 0xFFFE)
        return 0xFFFD;
    return c;
}

/* Bytes before the first NUL: where SQLite works on C strings the rest does not exist. */
static inline size_t utf8_c_size(const char *text, size_t size)
{
    const char *nul = size ? (const char *)memchr(text, 0, size) : NULL;
    return nul ? (size_t)(nul - text) : size;
}

#endif
