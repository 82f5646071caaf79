/* error_text.c -- error messages with a caret. */
#include "error_text.h"

#include "utf8_width.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#define SHOWN_BEFORE 40 /* bytes of a long line kept in front of the place and behind it */
#define SHOWN_AFTER 38

static bool continuation(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

/* Show the line of sql around the offset and put a caret under it. */
static void append_caret(struct text_buffer *out, const char *sql, size_t offset)
{
    size_t start = offset, end = offset, size = strlen(sql);
    assert(offset <= size);
    while (start > 0 && sql[start - 1] != '\n' && offset - start < SHOWN_BEFORE)
        start--;
    while (start > 0 && continuation(sql[start]))
        start--;
    while (end < size && sql[end] != '\n' && (end - offset < SHOWN_AFTER || continuation(sql[end])))
        end++;
    text_buffer_add(out, "  ");
    utf8_width_append(out, sql + start, end - start, 0);
    text_buffer_printf(out, "\n  %*s^\n", (int)utf8_width_of(sql + start, offset - start), "");
}

static size_t lines_before(const char *sql, size_t offset)
{
    size_t lines = 0;
    for (size_t i = 0; i < offset; i++)
        lines += sql[i] == '\n';
    return lines;
}

void error_text_append(struct text_buffer *out, const yoda_error *err, const char *sql,
                       const char *source, size_t line)
{
    bool placed = sql && err->sql_offset >= 0 && (size_t)err->sql_offset <= strlen(sql);
    size_t offset = placed ? (size_t)err->sql_offset : 0;
    if (source)
        text_buffer_printf(out, "%s:%zu: ", source, line + (sql ? lines_before(sql, offset) : 0));
    else
        text_buffer_add(out, "error: ");
    text_buffer_add(out, err->message[0] ? err->message : yoda_status_name(err->code));
    text_buffer_char(out, '\n');
    if (placed)
        append_caret(out, sql, offset);
}
