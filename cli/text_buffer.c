/* text_buffer.c -- text that grows. */
#include "text_buffer.h"

#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *text_buffer_array(void *old, size_t count, size_t size)
{
    void *block = count < SIZE_MAX / size ? realloc(old, count * size + 1) : NULL;
    if (!block) {
        fputs("yoda: out of memory\n", stderr);
        exit(1);
    }
    return block;
}

char *text_buffer_copy(const char *string)
{
    size_t size = strlen(string) + 1;
    return memcpy(text_buffer_array(NULL, size, 1), string, size);
}

static void reserve(struct text_buffer *text, size_t more)
{
    assert(text->size < text->capacity || text->capacity == 0);
    size_t need = text->size + more + 1;
    if (need <= text->capacity)
        return;
    text->capacity = need < 2 * text->capacity ? 2 * text->capacity : need + 64;
    text->data = text_buffer_array(text->data, text->capacity, 1);
}

void text_buffer_append(struct text_buffer *text, const char *bytes, size_t size)
{
    reserve(text, size);
    if (size > 0)
        memcpy(text->data + text->size, bytes, size);
    text->size += size;
    assert(text->size < text->capacity);
    text->data[text->size] = 0;
}

void text_buffer_add(struct text_buffer *text, const char *string)
{
    text_buffer_append(text, string, strlen(string));
}

void text_buffer_char(struct text_buffer *text, char c)
{
    text_buffer_append(text, &c, 1);
}

void text_buffer_printf(struct text_buffer *text, const char *format, ...)
{
    char small[256];
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int size = vsnprintf(small, sizeof small, format, args);
    va_end(args);
    if (size >= 0 && (size_t)size < sizeof small) {
        text_buffer_append(text, small, (size_t)size);
    } else if (size > 0) {
        reserve(text, (size_t)size);
        vsnprintf(text->data + text->size, (size_t)size + 1, format, again);
        text->size += (size_t)size;
    }
    va_end(again);
}

void text_buffer_identifier(struct text_buffer *text, const char *name)
{
    text_buffer_char(text, '"');
    for (; *name; name++) {
        if (*name == '"')
            text_buffer_char(text, '"');
        text_buffer_char(text, *name);
    }
    text_buffer_char(text, '"');
}

void text_buffer_drop(struct text_buffer *text, size_t size)
{
    assert(size <= text->size);
    if (size == 0)
        return;
    memmove(text->data, text->data + size, text->size - size + 1);
    text->size -= size;
}

void text_buffer_clear(struct text_buffer *text)
{
    text->size = 0;
    if (text->data)
        text->data[0] = 0;
}

void text_buffer_deinit(struct text_buffer *text)
{
    free(text->data);
    *text = (struct text_buffer){0};
}
