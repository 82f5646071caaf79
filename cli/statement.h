/*
 * statement.h -- runs one SQL statement and shows what came of it.
 */
#ifndef YODA_CLI_STATEMENT_H
#define YODA_CLI_STATEMENT_H

#include "shell.h"

/* Run it; false when it failed (the error is printed). */
bool statement_run(struct shell *shell, const char *sql);
/* Show a finished result in the shell's mode, with the footer where wanted. */
void statement_show(struct shell *shell, yoda_result *result);

#endif
