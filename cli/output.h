/*
 * output.h -- writes results: box (for people), csv and json (for programs, lossless), line.
 *
 * To add a mode: write output_<mode>.c with one function of this shape, and add its line to the
 * table in output.c; -<mode> and .mode <mode> follow from the table.
 */
#ifndef YODA_CLI_OUTPUT_H
#define YODA_CLI_OUTPUT_H

#include "yoda.h"

#include <stdio.h>

struct output_mode {
    const char *name;
    void (*write)(FILE *out, yoda_result *result); /* all rows, from the first */
};

/* Return the mode of that name, or NULL. */
const struct output_mode *output_find(const char *name);

void output_box(FILE *out, yoda_result *result);
void output_csv(FILE *out, yoda_result *result);
void output_json(FILE *out, yoda_result *result);
void output_line(FILE *out, yoda_result *result);

#endif
