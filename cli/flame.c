/*
 * flame.c -- see flame.h. Boxes are laid out from the left; what a box has no input below is its own
 * time. Pointing at a box shows all that is known of it.
 */
#include "flame.h"

#include "text_buffer.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 1200, ROW = 22, TOP = 48, LETTER = 7 /* pixels, about */ };

struct box {
    char *text; /* of the operator, without the tree's branches */
    char *read;
    int64_t rows, estimated, bytes, spilled, depth;
    double own_ms, all_ms; /* all: with the inputs */
    double left;           /* ms */
};

struct flame {
    struct box *boxes; /* [count] parents first */
    size_t count;
    int64_t depth_max;
};

/* ---- Reading -------------------------------------------------------------------------------- */

static size_t find_column(const yoda_result *result, const char *name)
{
    size_t count = yoda_result_column_count(result), column = 0;
    while (column < count && strcmp(yoda_result_column_name(result, column), name) != 0)
        column++;
    return column;
}

static int64_t integer(const yoda_result *result, const char *name)
{
    return yoda_result_int64(result, find_column(result, name));
}

static char *text(const yoda_result *result, const char *name)
{
    size_t size = 0;
    const char *bytes = yoda_result_bytes(result, find_column(result, name), &size);
    while (size > 0 && ((unsigned char)*bytes >= 0x80 || *bytes == ' ')) /* branches */
        bytes++, size--;
    char *copy = text_buffer_array(NULL, size + 1, 1);
    if (size)
        memcpy(copy, bytes, size);
    copy[size] = 0;
    return copy;
}

static void read_boxes(yoda_result *result, struct flame *flame)
{
    size_t depth = find_column(result, "depth"), ms = find_column(result, "ms");
    yoda_result_rewind(result);
    while (depth < yoda_result_column_count(result) && yoda_result_next(result)) {
        if (yoda_result_type(result, depth) != YODA_INTEGER)
            continue;
        flame->boxes = text_buffer_array(flame->boxes, flame->count + 1, sizeof *flame->boxes);
        struct box *box = &flame->boxes[flame->count++];
        *box = (struct box){.text = text(result, "plan"),
                            .read = text(result, "read"),
                            .rows = integer(result, "rows"),
                            .estimated = integer(result, "estimated"),
                            .bytes = integer(result, "bytes"),
                            .spilled = integer(result, "spilled"),
                            .depth = yoda_result_int64(result, depth),
                            .own_ms = yoda_result_double(result, ms)};
        if (box->depth > flame->depth_max)
            flame->depth_max = box->depth;
    }
}

/* ---- Layout --------------------------------------------------------------------------------- */

/* Place the box at i and all below it; returns the index after them. */
static size_t place(struct flame *flame, size_t i, double left)
{
    struct box *box = &flame->boxes[i];
    double at = left;
    box->left = left;
    box->all_ms = box->own_ms;
    for (i++; i < flame->count && flame->boxes[i].depth > box->depth;) {
        const struct box *input = &flame->boxes[i];
        i = place(flame, i, at);
        at += input->all_ms;
        box->all_ms += input->all_ms;
    }
    return i;
}

/* ---- Drawing -------------------------------------------------------------------------------- */

static void write_escaped(FILE *out, const char *s, size_t size)
{
    for (; size > 0 && *s; s++, size--)
        switch (*s) {
        case '&':
            fputs("&amp;", out);
            break;
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        default:
            fputc((unsigned char)*s < ' ' ? ' ' : *s, out);
        }
}

static const char *color(const char *operator)
{
    static const struct {
        const char *word, *color;
    } colors[] = {{"SCAN", "#9ecae1"},   {"AGGREGATE", "#fdae6b"}, {"DISTINCT", "#fdae6b"},
                  {"JOIN", "#a1d99b"},   {"SORT", "#bcbddc"},      {"WINDOW", "#dadaeb"},
                  {"FILTER", "#fdd0a2"}, {"PROJECT", "#d9d9d9"}};
    size_t words = strcspn(operator, "(:"); /* kinds come first, names later */
    for (size_t i = 0; i < sizeof colors / sizeof colors[0]; i++) {
        const char *at = strstr(operator, colors[i].word);
        if (at && (size_t)(at - operator) < words && at - operator < 12)
            return colors[i].color;
    }
    return "#eeeeee";
}

static void write_title(FILE *out, const struct box *box)
{
    fputs("<title>", out);
    write_escaped(out, box->text, SIZE_MAX);
    fprintf(out, "\nown %.3f ms, with inputs %.3f ms\n%" PRId64 " rows, %" PRId64 " estimated",
            box->own_ms, box->all_ms, box->rows, box->estimated);
    if (box->bytes)
        fprintf(out, "\n%" PRId64 " bytes kept", box->bytes);
    if (box->spilled)
        fprintf(out, "\n%" PRId64 " bytes spilled", box->spilled);
    if (box->read[0])
        fprintf(out, "\nread %s", box->read);
    fputs("</title>", out);
}

/* Bytes of s that fit, whole characters. */
static size_t fitting(const char *s, double pixels)
{
    size_t most = pixels > LETTER ? (size_t)(pixels / LETTER) - 1 : 0, size = strlen(s);
    if (size <= most)
        return size;
    while (most > 0 && ((unsigned char)s[most] & 0xc0) == 0x80)
        most--;
    return most;
}

static void write_box(FILE *out, const struct box *box, double scale)
{
    double x = box->left * scale, width = box->all_ms * scale;
    int64_t y = TOP + box->depth * ROW;
    fputs("<g>", out);
    write_title(out, box);
    fprintf(out,
            "<rect x=\"%.1f\" y=\"%" PRId64 "\" width=\"%.1f\" height=\"%d\" fill=\"%s\" "
            "stroke=\"white\"/>",
            x, y, width < 0.5 ? 0.5 : width, ROW - 1, color(box->text));
    size_t size = fitting(box->text, width);
    if (size > 2) {
        fprintf(out, "<text x=\"%.1f\" y=\"%" PRId64 "\">", x + 4, y + 15);
        write_escaped(out, box->text, size);
        fputs("</text>", out);
    }
    fputs("</g>\n", out);
}

static void write_picture(FILE *out, const struct flame *flame, const char *sql)
{
    double all = flame->boxes[0].all_ms;
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%" PRId64 "\" "
            "font-family=\"monospace\" font-size=\"12\">\n"
            "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n<text x=\"4\" y=\"16\">",
            WIDTH, TOP + (flame->depth_max + 1) * ROW + 8);
    write_escaped(out, sql, fitting(sql, WIDTH));
    fprintf(out,
            "</text>\n<text x=\"4\" y=\"36\">%.3f ms of all threads; a box is as wide as its time "
            "and that of its inputs below</text>\n",
            all);
    for (size_t i = 0; i < flame->count; i++)
        write_box(out, &flame->boxes[i], all > 0 ? WIDTH / all : 0);
    fputs("</svg>\n", out);
}

bool flame_write(FILE *out, yoda_result *result, const char *sql)
{
    struct flame flame = {0};
    read_boxes(result, &flame);
    bool drawn = flame.count > 0;
    if (drawn) {
        size_t end = place(&flame, 0, 0);
        assert(end == flame.count);
        (void)end;
        write_picture(out, &flame, sql);
    }
    for (size_t i = 0; i < flame.count; i++) {
        free(flame.boxes[i].text);
        free(flame.boxes[i].read);
    }
    free(flame.boxes);
    return drawn;
}
