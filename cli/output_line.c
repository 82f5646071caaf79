/* output_line.c -- one "name = value" per line and an empty line between rows. */
#include "output.h"

#include "utf8_width.h"
#include "value_text.h"

#include <string.h>

static size_t widest_name(yoda_result *result, size_t columns)
{
    size_t widest = 0;
    for (size_t c = 0; c < columns; c++) {
        const char *name = yoda_result_column_name(result, c);
        size_t width = utf8_width_of(name, strlen(name));
        widest = width > widest ? width : widest;
    }
    return widest;
}

static void write_pair(FILE *out, yoda_result *result, size_t column, size_t widest,
                       struct text_buffer *raw)
{
    const char *name = yoda_result_column_name(result, column);
    yoda_value value;
    yoda_result_value(result, column, &value);
    text_buffer_clear(raw);
    if (value.type == YODA_NULL)
        text_buffer_add(raw, "NULL");
    value_text_append(raw, &value, true);
    fprintf(out, "%*s%s = ", (int)(widest - utf8_width_of(name, strlen(name))), "", name);
    if (raw->size > 0)
        fwrite(raw->data, 1, raw->size, out);
    fputc('\n', out);
}

void output_line(FILE *out, yoda_result *result)
{
    struct text_buffer raw = {0};
    size_t columns = yoda_result_column_count(result);
    size_t widest = widest_name(result, columns);
    bool first = true;
    yoda_result_rewind(result);
    while (yoda_result_next(result)) {
        if (!first)
            fputc('\n', out);
        first = false;
        for (size_t c = 0; c < columns; c++)
            write_pair(out, result, c, widest, &raw);
    }
    text_buffer_deinit(&raw);
}
