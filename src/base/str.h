/*
 * str.h -- a growable byte string for building text (messages, SQL, plans, CSV).
 *
 * Appends after a failed allocation do nothing; str_check tells at the end, so builders need one
 * check. The content is always NUL-terminated (the NUL is not counted).
 */
#ifndef YODA_BASE_STR_H
#define YODA_BASE_STR_H

#include "base/mem.h"

#include <stdarg.h>
#include <string.h>

struct str {
    char *data; /* NULL until the first append; str_text never returns NULL */
    size_t size, capacity;
    bool failed;
};

void str_init(struct str *s);
void str_deinit(struct str *s);
void str_clear(struct str *s);
void str_append(struct str *s, const char *data, size_t size);
void str_puts(struct str *s, const char *text);
void str_putc(struct str *s, char c);
void str_printf(struct str *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* An identifier in double quotes, a string in single quotes; inner quotes are doubled. */
void str_identifier(struct str *s, const char *name);
void str_literal(struct str *s, const char *data, size_t size);
static inline const char *str_text(const struct str *s)
{
    return s->data ? s->data : "";
}
/* YODA_NOMEM when an append failed. */
YODA_MUST_CHECK yoda_status str_check(const struct str *s, yoda_error *err);

/* ASCII-only case folding and comparison, as SQLite does for names. */
char ascii_lower(char c);
bool ascii_equal_nocase(const char *a, size_t a_size, const char *b, size_t b_size);
bool name_equal(const char *a, const char *b); /* NUL-terminated, ignoring ASCII case */

#endif
