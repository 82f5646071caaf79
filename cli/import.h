/*
 * import.h -- .import: a CSV file with a header row into a table, in one transaction.
 *
 * A missing table is created: its types are taken from a first pass over the whole file. An
 * existing one takes the fields by the names in the header, and its own affinities convert them.
 * An unquoted empty field is NULL, "" is an empty text.
 */
#ifndef YODA_CLI_IMPORT_H
#define YODA_CLI_IMPORT_H

#include "shell.h"

struct import_request {
    const char *file, *table;
    const char *null_text; /* an unquoted field like this is NULL too; may be NULL */
};

/* Returns the rows imported, or -1: nothing was changed and the error is printed. */
int64_t import_run(struct shell *shell, const struct import_request *request);

#endif
