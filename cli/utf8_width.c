/* utf8_width.c -- display widths of UTF-8 text. */
#include "utf8_width.h"

#include <assert.h>
#include <wchar.h>

#define REPLACEMENT 0xfffdu

/* Bytes of the sequence that a first byte announces; 0 where it cannot start one. */
static size_t sequence_size(unsigned char first)
{
    if (first < 0x80)
        return 1;
    if (first < 0xc2 || first > 0xf4)
        return 0;
    return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

size_t utf8_width_decode(const char *text, size_t size, uint32_t *code)
{
    static const uint32_t smallest[5] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char first = (unsigned char)text[0];
    assert(size > 0);
    size_t need = sequence_size(first);
    *code = REPLACEMENT;
    if (need == 0 || need > size)
        return 1;
    uint32_t value = need == 1 ? first : first & (0x7fu >> need);
    for (size_t i = 1; i < need; i++) {
        unsigned char c = (unsigned char)text[i];
        if ((c & 0xc0) != 0x80)
            return 1;
        value = value << 6 | (c & 0x3f);
    }
    if (value < smallest[need] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
        return 1;
    *code = value;
    return need;
}

static uint32_t printable(uint32_t code)
{
    if (code < 0x20)
        return 0x2400 + code;
    if (code == 0x7f)
        return 0x2421;
    return code >= 0x80 && code < 0xa0 ? REPLACEMENT : code;
}

static size_t code_width(uint32_t code)
{
    int width = code < 0x80 ? 1 : wcwidth((wchar_t)code);
    return width < 0 ? 1 : (size_t)width;
}

size_t utf8_width_of(const char *text, size_t size)
{
    size_t width = 0;
    for (size_t at = 0; at < size;) {
        uint32_t code;
        at += utf8_width_decode(text + at, size - at, &code);
        width += code_width(printable(code));
    }
    return width;
}

static void append_code(struct text_buffer *out, uint32_t code)
{
    if (code < 0x80) {
        text_buffer_char(out, (char)code);
        return;
    }
    char bytes[4];
    size_t size = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = size; i-- > 1; code >>= 6)
        bytes[i] = (char)(0x80 | (code & 0x3f));
    bytes[0] = (char)((0xf0u << (4 - size)) | code);
    text_buffer_append(out, bytes, size);
}

size_t utf8_width_append(struct text_buffer *out, const char *text, size_t size, size_t limit)
{
    size_t width = 0;
    for (size_t at = 0; at < size;) {
        uint32_t code;
        size_t step = utf8_width_decode(text + at, size - at, &code);
        size_t wide = code_width(printable(code));
        size_t room = at + step < size ? 1 : 0; /* for the ellipsis */
        if (limit > 0 && width + wide + room > limit) {
            text_buffer_add(out, "\u2026");
            return width + 1;
        }
        append_code(out, printable(code));
        width += wide;
        at += step;
    }
    return width;
}
