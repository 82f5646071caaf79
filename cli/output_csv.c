/*
 * output_csv.c -- comma-separated values as RFC 4180 has them, with "\n" at the ends of lines.
 *
 * NULL is an empty field and an empty text is "", so .import reads back what was written.
 */
#include "output.h"

#include "value_text.h"

#include <string.h>

static bool needs_quotes(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (text[i] == ',' || text[i] == '"' || text[i] == '\n' || text[i] == '\r')
            return true;
    return size == 0 || text[0] == ' ' || text[size - 1] == ' ';
}

static void write_text(FILE *out, const char *text, size_t size)
{
    if (!needs_quotes(text, size)) {
        fwrite(text, 1, size, out);
        return;
    }
    fputc('"', out);
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '"')
            fputc('"', out);
        fputc(text[i], out);
    }
    fputc('"', out);
}

static void write_value(FILE *out, const yoda_value *value, struct text_buffer *raw)
{
    if (value->type == YODA_TEXT) {
        write_text(out, value->data, value->size);
        return;
    }
    text_buffer_clear(raw);
    value_text_append(raw, value, true);
    if (raw->size > 0)
        fwrite(raw->data, 1, raw->size, out);
}

void output_csv(FILE *out, yoda_result *result)
{
    struct text_buffer raw = {0};
    size_t columns = yoda_result_column_count(result);
    for (size_t c = 0; c < columns; c++) {
        const char *name = yoda_result_column_name(result, c);
        fputs(c ? "," : "", out);
        write_text(out, name, strlen(name));
    }
    if (columns > 0)
        fputc('\n', out);
    yoda_result_rewind(result);
    while (yoda_result_next(result)) {
        for (size_t c = 0; c < columns; c++) {
            yoda_value value;
            yoda_result_value(result, c, &value);
            fputs(c ? "," : "", out);
            write_value(out, &value, &raw);
        }
        fputc('\n', out);
    }
    text_buffer_deinit(&raw);
}
