/*
 * session.h -- feeds the shell: lines from a terminal, a script or an argument become statements
 * and dot commands.
 *
 * A line that begins with "." is a command, unless a statement is still open; statements end with
 * ";" (see statement_split.h), and at the end of the input.
 */
#ifndef YODA_CLI_SESSION_H
#define YODA_CLI_SESSION_H

#include "shell.h"

/* Run a text; false when it stopped at an error. */
bool session_run_text(struct shell *shell, const char *text);
/* Run a script. Errors carry name and line. */
bool session_run_file(struct shell *shell, FILE *file, const char *name);
/* Prompt, read and run until .quit or the end of the input. */
void session_run_terminal(struct shell *shell);

#endif
