/*
 * utf8_width.h -- how many columns of a terminal a UTF-8 text takes.
 *
 * Ill-formed bytes count and print as U+FFFD, control characters as their pictures (U+2400 on), so
 * that a cell never breaks its line. Needs a UTF-8 LC_CTYPE: main sets one.
 */
#ifndef YODA_CLI_UTF8_WIDTH_H
#define YODA_CLI_UTF8_WIDTH_H

#include "text_buffer.h"

#include <stdint.h>

/* Read one code point at text; returns its bytes (at least 1). Ill-formed: U+FFFD and 1. */
size_t utf8_width_decode(const char *text, size_t size, uint32_t *code);
size_t utf8_width_of(const char *text, size_t size);
/* Append the printable form, at most limit columns wide (0: no limit), and return its width. */
size_t utf8_width_append(struct text_buffer *out, const char *text, size_t size, size_t limit);

#endif
