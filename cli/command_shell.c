/* command_shell.c -- commands about the shell itself. */
#include "command.h"

#include "session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define READ_DEPTH_MAX 16

bool command_mode(struct shell *shell, const struct command_line *line)
{
    const struct output_mode *mode = output_find(line->args[0]);
    if (!mode)
        return shell_complain(shell, "unknown mode %s: box, csv, json or line", line->args[0]);
    shell->mode = mode;
    return true;
}

bool command_timer(struct shell *shell, const struct command_line *line)
{
    bool on = strcmp(line->args[0], "on") == 0;
    if (!on && strcmp(line->args[0], "off") != 0)
        return shell_complain(shell, "usage: .timer on|off");
    shell->footer = on;
    return true;
}

bool command_route(struct shell *shell, const struct command_line *line)
{
    static const char *const sides[] = {"auto", "column", "row"};
    for (size_t i = 0; i < 3; i++)
        if (strcmp(line->args[0], sides[i]) == 0) {
            shell->side = (yoda_side)i;
            return true;
        }
    return shell_complain(shell, "usage: .route auto|column|row");
}

bool command_fresh(struct shell *shell, const struct command_line *line)
{
    const char *text = line->args[0];
    char *end = NULL;
    errno = 0;
    long long ms = strtoll(text, &end, 10);
    if (strcmp(text, "any") == 0)
        shell->max_staleness_ms = YODA_STALENESS_ANY;
    else if (strcmp(text, "default") == 0)
        shell->max_staleness_ms = YODA_STALENESS_DEFAULT;
    else if (end != text && !*end && errno == 0 && ms >= 0)
        shell->max_staleness_ms = ms;
    else
        return shell_complain(shell, "usage: .fresh MS|any|default");
    return true;
}

bool command_open(struct shell *shell, const struct command_line *line)
{
    shell_close(shell);
    return shell_open(shell, line->args[0]) == YODA_OK;
}

bool command_read(struct shell *shell, const struct command_line *line)
{
    const char *path = line->args[0];
    if (shell->read_depth == READ_DEPTH_MAX)
        return shell_complain(shell, ".read is nested more than %d deep", READ_DEPTH_MAX);
    FILE *file = fopen(path, "re");
    if (!file)
        return shell_complain(shell, "cannot open %s: %s", path, strerror(errno));
    shell->read_depth++;
    bool done = session_run_file(shell, file, path);
    shell->read_depth--;
    fclose(file);
    return done;
}

bool command_quit(struct shell *shell, const struct command_line *line)
{
    (void)line;
    shell->quit = true;
    return true;
}
