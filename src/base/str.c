/*
 * str.c -- the growable byte string and ASCII name comparison; see str.h.
 *
 * Invariant: data == NULL, or size < capacity and data[size] == '\0'.
 */
#include "base/str.h"

#include <stdio.h>

#define CAPACITY_MIN ((size_t)64)

void str_init(struct str *s)
{
    *s = (struct str){0};
}

void str_deinit(struct str *s)
{
    mem_free(s->data);
    str_init(s);
}

void str_clear(struct str *s)
{
    s->size = 0;
    s->failed = false;
    if (s->data)
        s->data[0] = '\0';
}

/* Make room for `more` bytes and the NUL. */
static bool grow(struct str *s, size_t more)
{
    if (s->failed)
        return false;
    if (s->data && more < s->capacity - s->size)
        return true;
    size_t capacity = CAPACITY_MIN;
    if (more > (size_t)PTRDIFF_MAX / 2 - s->size) {
        s->failed = true;
        return false;
    }
    while (capacity <= s->size + more)
        capacity *= 2;
    char *data = mem_realloc(s->data, capacity);
    if (!data) {
        s->failed = true;
        return false;
    }
    s->data = data;
    s->capacity = capacity;
    return true;
}

void str_append(struct str *s, const char *data, size_t size)
{
    if (!grow(s, size))
        return;
    if (size > 0)
        memcpy(s->data + s->size, data, size);
    s->size += size;
    s->data[s->size] = '\0';
    ASSERT(s->size < s->capacity);
}

void str_puts(struct str *s, const char *text)
{
    str_append(s, text, strlen(text));
}

void str_putc(struct str *s, char c)
{
    str_append(s, &c, 1);
}

void str_printf(struct str *s, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length < 0) {
        s->failed = true;
        return;
    }
    if (!grow(s, (size_t)length))
        return;
    va_start(args, format);
    vsnprintf(s->data + s->size, s->capacity - s->size, format, args);
    va_end(args);
    s->size += (size_t)length;
    ASSERT(s->size < s->capacity);
}

static void quoted(struct str *s, const char *data, size_t size, char quote)
{
    str_putc(s, quote);
    for (const char *end = data + size; data < end;) {
        const char *inner = memchr(data, quote, (size_t)(end - data));
        const char *stop = inner ? inner + 1 : end;
        str_append(s, data, (size_t)(stop - data));
        if (inner)
            str_putc(s, quote);
        data = stop;
    }
    str_putc(s, quote);
}

void str_identifier(struct str *s, const char *name)
{
    quoted(s, name, strlen(name), '"');
}

void str_literal(struct str *s, const char *data, size_t size)
{
    quoted(s, size > 0 ? data : "", size, '\'');
}

yoda_status str_check(const struct str *s, yoda_error *err)
{
    return s->failed ? fail_nomem(err, s->capacity ? 2 * s->capacity : CAPACITY_MIN) : YODA_OK;
}

char ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

bool ascii_equal_nocase(const char *a, size_t a_size, const char *b, size_t b_size)
{
    if (a_size != b_size)
        return false;
    for (size_t i = 0; i < a_size; i++)
        if (ascii_lower(a[i]) != ascii_lower(b[i]))
            return false;
    return true;
}

bool name_equal(const char *a, const char *b)
{
    return ascii_equal_nocase(a, strlen(a), b, strlen(b));
}
