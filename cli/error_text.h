/*
 * error_text.h -- errors for people: what failed, where, and a caret under the place in the SQL.
 *
 *   script.sql:3: no such column: amout
 *     SELECT sum(amout) FROM sales
 *                ^
 */
#ifndef YODA_CLI_ERROR_TEXT_H
#define YODA_CLI_ERROR_TEXT_H

#include "text_buffer.h"
#include "yoda.h"

/*
 * Append the message for err. sql may be NULL; source is the script's name or NULL, line the one
 * where sql begins in it.
 */
void error_text_append(struct text_buffer *out, const yoda_error *err, const char *sql,
                       const char *source, size_t line);

#endif
