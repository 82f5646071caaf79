/* csv_reader.c -- reads comma-separated values. */
#include "csv_reader.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

void csv_reader_init(struct csv_reader *reader, FILE *file)
{
    *reader = (struct csv_reader){.file = file};
}

void csv_reader_deinit(struct csv_reader *reader)
{
    text_buffer_deinit(&reader->text);
    free(reader->fields);
}

void csv_reader_rewind(struct csv_reader *reader)
{
    rewind(reader->file);
    reader->lines = reader->offset = 0;
    reader->error = NULL;
}

static int take(struct csv_reader *reader)
{
    int c = getc_unlocked(reader->file);
    reader->offset += c != EOF;
    reader->lines += c == '\n';
    return c;
}

/* Take a CRLF as one LF. */
static int take_folded(struct csv_reader *reader)
{
    int c = take(reader);
    if (c != '\r')
        return c;
    int after = take(reader);
    if (after == '\n')
        return after;
    if (after != EOF) {
        ungetc(after, reader->file);
        reader->offset--;
    }
    return c;
}

static void skip_mark(struct csv_reader *reader)
{
    char mark[3];
    if (fread(mark, 1, 3, reader->file) == 3 && memcmp(mark, "\xef\xbb\xbf", 3) == 0)
        reader->offset = 3;
    else
        rewind(reader->file);
}

static struct csv_field *add_field(struct csv_reader *reader)
{
    if (reader->count == reader->capacity) {
        reader->capacity = reader->capacity ? 2 * reader->capacity : 32;
        reader->fields =
            text_buffer_array(reader->fields, reader->capacity, sizeof *reader->fields);
    }
    struct csv_field *field = &reader->fields[reader->count++];
    *field = (struct csv_field){.start = reader->text.size};
    return field;
}

/* Read up to the closing quote; returns the character behind it. */
static int read_quoted(struct csv_reader *reader)
{
    for (;;) {
        int c = take(reader);
        if (c == EOF) {
            reader->error = "a quoted field is never closed";
            return EOF;
        }
        if (c == '"') {
            c = take_folded(reader);
            if (c != '"')
                return c;
        }
        text_buffer_char(&reader->text, (char)c);
    }
}

/* Read a field that begins with c; returns the character that ended it. */
static int read_field(struct csv_reader *reader, int c)
{
    struct csv_field *field = add_field(reader);
    if (c == '"') {
        field->quoted = true;
        c = read_quoted(reader);
        if (c != ',' && c != '\n' && c != EOF)
            reader->error = "text follows a closing quote";
    } else {
        for (; c != ',' && c != '\n' && c != EOF; c = take_folded(reader))
            text_buffer_char(&reader->text, (char)c);
    }
    assert(reader->text.size >= field->start);
    field->size = reader->text.size - field->start;
    text_buffer_char(&reader->text, 0);
    return c;
}

bool csv_reader_next(struct csv_reader *reader)
{
    int c;
    reader->count = 0;
    text_buffer_clear(&reader->text);
    if (reader->offset == 0)
        skip_mark(reader);
    do {
        reader->line = reader->lines + 1;
        c = take_folded(reader);
    } while (c == '\n');
    if (c == EOF) {
        if (ferror(reader->file))
            reader->error = strerror(errno);
        return false;
    }
    for (;;) {
        c = read_field(reader, c);
        if (reader->error || c != ',')
            return !reader->error;
        c = take_folded(reader);
    }
}

const char *csv_reader_text(const struct csv_reader *reader, size_t field)
{
    assert(field < reader->count);
    return reader->text.data + reader->fields[field].start;
}
