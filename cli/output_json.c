/*
 * output_json.c -- an array of one object per row, one row a line.
 *
 * REAL values read back as the same number; infinities, which JSON lacks, are 1e999 and -1e999.
 * A BLOB is its hexadecimal digits. Ill-formed UTF-8 becomes U+FFFD, so the output always parses.
 */
#include "output.h"

#include "utf8_width.h"
#include "value_text.h"

#include <math.h>
#include <string.h>

static void append_string(struct text_buffer *line, const char *text, size_t size)
{
    text_buffer_char(line, '"');
    for (size_t at = 0; at < size;) {
        uint32_t code;
        size_t step = utf8_width_decode(text + at, size - at, &code);
        if (code == '"' || code == '\\')
            text_buffer_printf(line, "\\%c", (int)code);
        else if (code == '\n')
            text_buffer_add(line, "\\n");
        else if (code < 0x20 || code == 0x7f)
            text_buffer_printf(line, "\\u%04x", code);
        else if (code == 0xfffd)
            text_buffer_add(line, "\ufffd");
        else
            text_buffer_append(line, text + at, step);
        at += step;
    }
    text_buffer_char(line, '"');
}

static void append_value(struct text_buffer *line, const yoda_value *value)
{
    if (value->type == YODA_NULL) {
        text_buffer_add(line, "null");
    } else if (value->type == YODA_TEXT) {
        append_string(line, value->data, value->size);
    } else if (value->type == YODA_BLOB) {
        text_buffer_char(line, '"');
        value_text_hex(line, value);
        text_buffer_char(line, '"');
    } else if (value->type == YODA_REAL && isinf(value->real)) {
        text_buffer_add(line, value->real < 0 ? "-1e999" : "1e999");
    } else {
        value_text_append(line, value, true);
    }
}

void output_json(FILE *out, yoda_result *result)
{
    struct text_buffer line = {0};
    size_t columns = yoda_result_column_count(result);
    const char *before = "[";
    yoda_result_rewind(result);
    while (yoda_result_next(result)) {
        text_buffer_clear(&line);
        for (size_t c = 0; c < columns; c++) {
            const char *name = yoda_result_column_name(result, c);
            yoda_value value;
            yoda_result_value(result, c, &value);
            text_buffer_add(&line, c ? "," : "{");
            append_string(&line, name, strlen(name));
            text_buffer_char(&line, ':');
            append_value(&line, &value);
        }
        fputs(before, out);
        before = ",\n";
        fwrite(line.data, 1, line.size, out);
        fputc('}', out);
    }
    fputs(before[0] == '[' ? "[]\n" : "]\n", out);
    text_buffer_deinit(&line);
}
