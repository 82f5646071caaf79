/*
 * output_box.c -- a table drawn with lines, for reading.
 *
 * Two passes over the rows: widths, then lines. Numbers stand right, the rest left, NULL is written
 * out. On a terminal a cell takes at most 100 columns; the other modes never cut.
 */
#include "output.h"

#include "utf8_width.h"
#include "value_text.h"

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#define TERMINAL_CELL_MAX 100

struct box {
    FILE *out;
    size_t columns;
    size_t *widths; /* [columns] */
    size_t cell_max;
    struct text_buffer raw, cell;
};

/* Put the printable form of a value into box->cell; returns its width. */
static size_t render(struct box *box, const yoda_value *value)
{
    text_buffer_clear(&box->raw);
    text_buffer_clear(&box->cell);
    if (value->type == YODA_NULL)
        text_buffer_add(&box->raw, "NULL");
    else
        value_text_append(&box->raw, value, false);
    return utf8_width_append(&box->cell, box->raw.data ? box->raw.data : "", box->raw.size,
                             box->cell_max);
}

static yoda_value name_value(yoda_result *result, size_t column)
{
    const char *name = yoda_result_column_name(result, column);
    size_t size = 0;
    while (name[size])
        size++;
    return (yoda_value){.type = YODA_TEXT, .data = name, .size = size};
}

static void widen(struct box *box, size_t column, const yoda_value *value)
{
    size_t width = render(box, value);
    if (box->widths[column] < width)
        box->widths[column] = width;
}

static void measure(struct box *box, yoda_result *result)
{
    for (size_t c = 0; c < box->columns; c++) {
        yoda_value name = name_value(result, c);
        widen(box, c, &name);
    }
    yoda_result_rewind(result);
    while (yoda_result_next(result))
        for (size_t c = 0; c < box->columns; c++) {
            yoda_value value;
            yoda_result_value(result, c, &value);
            widen(box, c, &value);
        }
}

static void rule(const struct box *box, const char *left, const char *middle, const char *right)
{
    for (size_t c = 0; c < box->columns; c++) {
        fputs(c == 0 ? left : middle, box->out);
        for (size_t i = 0; i < box->widths[c] + 2; i++)
            fputs("\u2500", box->out);
    }
    fprintf(box->out, "%s\n", right);
}

static void write_cell(struct box *box, size_t column, const yoda_value *value)
{
    size_t width = render(box, value);
    assert(column < box->columns && width <= box->widths[column]);
    int space = (int)(box->widths[column] - width);
    bool number = value->type == YODA_INTEGER || value->type == YODA_REAL;
    fprintf(box->out, "\u2502 %*s", number ? space : 0, "");
    if (box->cell.size > 0)
        fwrite(box->cell.data, 1, box->cell.size, box->out);
    fprintf(box->out, "%*s ", number ? 0 : space, "");
}

static void write_rows(struct box *box, yoda_result *result)
{
    for (size_t c = 0; c < box->columns; c++) {
        yoda_value name = name_value(result, c);
        write_cell(box, c, &name);
    }
    fputs("\u2502\n", box->out);
    rule(box, "\u251c", "\u253c", "\u2524");
    yoda_result_rewind(result);
    while (yoda_result_next(result)) {
        for (size_t c = 0; c < box->columns; c++) {
            yoda_value value;
            yoda_result_value(result, c, &value);
            write_cell(box, c, &value);
        }
        fputs("\u2502\n", box->out);
    }
}

void output_box(FILE *out, yoda_result *result)
{
    struct box box = {.out = out, .columns = yoda_result_column_count(result)};
    if (box.columns == 0)
        return;
    box.cell_max = isatty(fileno(out)) ? TERMINAL_CELL_MAX : 0;
    box.widths = text_buffer_array(NULL, box.columns, sizeof *box.widths);
    for (size_t c = 0; c < box.columns; c++)
        box.widths[c] = 0;
    measure(&box, result);
    rule(&box, "\u250c", "\u252c", "\u2510");
    write_rows(&box, result);
    rule(&box, "\u2514", "\u2534", "\u2518");
    free(box.widths);
    text_buffer_deinit(&box.raw);
    text_buffer_deinit(&box.cell);
}
