/*
 * csv_reader.h -- reads comma-separated values as RFC 4180 has them, one record at a time.
 *
 * Fields may be quoted, with "" for a quote and line breaks inside; lines end in LF or CRLF; a
 * UTF-8 byte order mark is skipped. Text behind a closing quote and a quote that is never closed
 * are errors with the line they begin on.
 */
#ifndef YODA_CLI_CSV_READER_H
#define YODA_CLI_CSV_READER_H

#include "text_buffer.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct csv_field {
    size_t start, size; /* in csv_reader.text, where a NUL follows */
    bool quoted;
};

struct csv_reader {
    FILE *file;
    struct text_buffer text; /* of the current record */
    struct csv_field *fields; /* [count] */
    size_t count, capacity;
    uint64_t line;   /* where the current record begins */
    uint64_t lines;  /* read so far */
    uint64_t offset; /* bytes read so far */
    const char *error;
};

void csv_reader_init(struct csv_reader *reader, FILE *file);
void csv_reader_deinit(struct csv_reader *reader);
/* Start again at the beginning of the file. */
void csv_reader_rewind(struct csv_reader *reader);
/* Read a record; false at the end, or with reader->error set. Empty lines are skipped. */
bool csv_reader_next(struct csv_reader *reader);
const char *csv_reader_text(const struct csv_reader *reader, size_t field);

#endif
