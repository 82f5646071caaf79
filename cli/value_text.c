/* value_text.c -- values as text. */
#include "value_text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void value_text_real(struct text_buffer *out, double real, bool exact)
{
    char digits[40];
    if (isinf(real)) {
        text_buffer_add(out, real < 0 ? "-Inf" : "Inf");
        return;
    }
    for (int precision = 15; precision <= 17; precision++) {
        snprintf(digits, sizeof digits, "%.*g", precision, real);
        if (!exact || strtod(digits, NULL) == real)
            break;
    }
    size_t mantissa = strcspn(digits, "e");
    text_buffer_append(out, digits, mantissa);
    if (!memchr(digits, '.', mantissa))
        text_buffer_add(out, ".0");
    text_buffer_add(out, digits + mantissa);
}

void value_text_hex(struct text_buffer *out, const yoda_value *value)
{
    const unsigned char *bytes = value->data;
    for (size_t i = 0; i < value->size; i++) {
        text_buffer_char(out, "0123456789abcdef"[bytes[i] >> 4]);
        text_buffer_char(out, "0123456789abcdef"[bytes[i] & 15]);
    }
}

void value_text_append(struct text_buffer *out, const yoda_value *value, bool exact)
{
    switch (value->type) {
    case YODA_INTEGER:
        text_buffer_printf(out, "%" PRId64, value->integer);
        break;
    case YODA_REAL:
        value_text_real(out, value->real, exact);
        break;
    case YODA_TEXT:
        text_buffer_append(out, value->data, value->size);
        break;
    case YODA_BLOB:
        text_buffer_add(out, "x'");
        value_text_hex(out, value);
        text_buffer_char(out, '\'');
        break;
    case YODA_NULL:
        break;
    }
}
