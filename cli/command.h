/*
 * command.h -- the dot commands.
 *
 * To add one: write command_<name>() in the command_*.c it fits, declare it below, and add its line
 * to the table in command.c; .help is made from the table.
 */
#ifndef YODA_CLI_COMMAND_H
#define YODA_CLI_COMMAND_H

#include "shell.h"

#define COMMAND_ARGS_MAX 4

struct command_line {
    const char *name;
    const char *rest; /* the line behind the name, as typed */
    size_t count;
    char *args[COMMAND_ARGS_MAX]; /* [count], quotes removed */
};

/* Run a line that begins with "."; false when it failed (the error is printed). */
bool command_run(struct shell *shell, const char *line);

/* Print a result that a call gave, or its error; closes the result. */
bool command_show(struct shell *shell, yoda_status status, yoda_result *result,
                  const yoda_error *err);

/* command_table.c */
bool command_tables(struct shell *shell, const struct command_line *line);
bool command_schema(struct shell *shell, const struct command_line *line);
bool command_register(struct shell *shell, const struct command_line *line);
bool command_unregister(struct shell *shell, const struct command_line *line);
bool command_import(struct shell *shell, const struct command_line *line);

/* command_engine.c */
bool command_sync(struct shell *shell, const struct command_line *line);
bool command_status(struct shell *shell, const struct command_line *line);
bool command_segments(struct shell *shell, const struct command_line *line);
bool command_options(struct shell *shell, const struct command_line *line);
bool command_verify(struct shell *shell, const struct command_line *line);
bool command_checkpoint(struct shell *shell, const struct command_line *line);
bool command_explain(struct shell *shell, const struct command_line *line);
bool command_flame(struct shell *shell, const struct command_line *line);

/* command_shell.c */
bool command_mode(struct shell *shell, const struct command_line *line);
bool command_timer(struct shell *shell, const struct command_line *line);
bool command_route(struct shell *shell, const struct command_line *line);
bool command_fresh(struct shell *shell, const struct command_line *line);
bool command_open(struct shell *shell, const struct command_line *line);
bool command_read(struct shell *shell, const struct command_line *line);
bool command_quit(struct shell *shell, const struct command_line *line);

#endif
