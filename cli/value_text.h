/*
 * value_text.h -- values as text: numbers the way SQLite writes them, BLOBs as x'..'.
 */
#ifndef YODA_CLI_VALUE_TEXT_H
#define YODA_CLI_VALUE_TEXT_H

#include "text_buffer.h"
#include "yoda.h"

#include <stdbool.h>

/* Append a REAL. exact: the shortest form that reads back as the same number; else 15 digits. */
void value_text_real(struct text_buffer *out, double real, bool exact);
/* Append the value; NULL appends nothing, TEXT its bytes. */
void value_text_append(struct text_buffer *out, const yoda_value *value, bool exact);
void value_text_hex(struct text_buffer *out, const yoda_value *value);

#endif
