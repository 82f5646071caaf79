/*
 * text_buffer.h -- text that grows, always NUL-terminated; the shell's only way to allocate.
 *
 * A shell that cannot get a few kilobytes has nothing better to do than to say so and stop: these
 * functions do not return on an empty heap, they exit with 1. The database file stays consistent.
 */
#ifndef YODA_CLI_TEXT_BUFFER_H
#define YODA_CLI_TEXT_BUFFER_H

#include <stddef.h>

struct text_buffer {
    char *data; /* NULL until something was added */
    size_t size, capacity;
};

void text_buffer_append(struct text_buffer *text, const char *bytes, size_t size);
void text_buffer_add(struct text_buffer *text, const char *string);
void text_buffer_char(struct text_buffer *text, char c);
__attribute__((format(printf, 2, 3))) void text_buffer_printf(struct text_buffer *text,
                                                              const char *format, ...);
/* Append an SQL identifier in double quotes. */
void text_buffer_identifier(struct text_buffer *text, const char *name);
/* Drop the first bytes. */
void text_buffer_drop(struct text_buffer *text, size_t size);
void text_buffer_clear(struct text_buffer *text);
void text_buffer_deinit(struct text_buffer *text);

/* realloc of count * size bytes that does not fail. */
void *text_buffer_array(void *old, size_t count, size_t size);
char *text_buffer_copy(const char *string);

#endif
