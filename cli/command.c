/* command.c -- the table of dot commands, splitting their lines, .help. */
#include "command.h"

#include "statement.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static bool command_help(struct shell *shell, const struct command_line *line);

static const struct command {
    const char *name, *arguments;
    size_t least, most; /* number of arguments; most 0 with arguments: the rest of the line */
    bool needs_database;
    bool (*run)(struct shell *shell, const struct command_line *line);
    const char *help;
} commands[] = {
    {"tables", "", 0, 0, true, command_tables, "list tables and views, and which have columns"},
    {"schema", "[TABLE]", 0, 1, true, command_schema, "show the CREATE statements"},
    {"register", "TABLE", 1, 1, true, command_register, "mirror a table into columns"},
    {"unregister", "TABLE", 1, 1, true, command_unregister, "drop a table's columns"},
    {"import", "FILE TABLE [NULL]", 2, 3, true, command_import,
     "load a CSV file with a header row; creates the table; NULL is the text of missing values"},
    {"mode", "box|csv|json|line", 1, 1, false, command_mode, "how rows are shown"},
    {"timer", "on|off", 1, 1, false, command_timer, "a last line with rows, time, side and reason"},
    {"route", "auto|column|row", 1, 1, false, command_route, "which side answers queries"},
    {"fresh", "MS|any|default", 1, 1, false, command_fresh,
     "how old an answer may be; 0 sees every commit, any never waits"},
    {"explain", "SELECT ...", 1, 0, true, command_explain, "show side, reason and columnar plan"},
    {"flame", "FILE [SELECT]", 1, 0, true, command_flame,
     "run a query, or the last one again, and draw where its time goes as an SVG"},
    {"sync", "", 0, 0, true, command_sync, "bring the columns up to the last commit"},
    {"status", "", 0, 0, true, command_status, "counters of the engine"},
    {"segments", "[TABLE]", 0, 1, true, command_segments, "segments, encodings and bounds"},
    {"options", "", 0, 0, true, command_options, "the engine's options, set with -o name=value"},
    {"verify", "[TABLE] [repair]", 0, 2, true, command_verify, "compare columns with SQLite"},
    {"checkpoint", "", 0, 0, true, command_checkpoint, "make the columns durable"},
    {"open", "FILE", 1, 1, false, command_open, "close the database and open another"},
    {"read", "FILE", 1, 1, false, command_read, "run the statements of a file"},
    {"help", "", 0, 0, false, command_help, "this list"},
    {"quit", "", 0, 0, false, command_quit, "end; so do .exit and Ctrl-D"},
    {"exit", "", 0, 0, false, command_quit, NULL},
};
#define COMMAND_COUNT (sizeof commands / sizeof commands[0])

static bool command_help(struct shell *shell, const struct command_line *line)
{
    (void)shell, (void)line;
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (commands[i].help)
            printf(".%-11s%-19s %s\n", commands[i].name, commands[i].arguments, commands[i].help);
    puts("Statements end with \";\". Ctrl-C stops the running one.");
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Cut the next word off *at in place; quotes of either kind keep blanks. NULL at the end. */
static char *cut_word(char **at)
{
    char *from = *at;
    while (is_blank(*from))
        from++;
    if (!*from)
        return NULL;
    char quote = *from == '"' || *from == '\'' ? *from : 0;
    char *word = from, *to = from;
    for (from += quote != 0;
         *from && (quote ? *from != quote || from[1] == quote : !is_blank(*from)); from++) {
        if (quote && *from == quote)
            from++;
        *to++ = *from;
    }
    *at = *from ? from + 1 : from;
    *to = 0;
    return word;
}

static const struct command *find(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static bool usage(struct shell *shell, const struct command *command)
{
    return shell_complain(shell, "usage: .%s%s%s", command->name, command->arguments[0] ? " " : "",
                          command->arguments);
}

/* Split the arguments in place and run. */
static bool run_split(struct shell *shell, const struct command *command,
                      struct command_line *line, char *rest)
{
    if (command->needs_database && !shell->engine)
        return shell_complain(shell, "no database is open: use .open FILE");
    if (command->least > 0 && command->most == 0) /* takes the rest of the line */
        return line->rest[0] ? command->run(shell, line) : usage(shell, command);
    for (char *word; (word = cut_word(&rest));) {
        if (line->count == COMMAND_ARGS_MAX)
            return usage(shell, command);
        line->args[line->count++] = word;
    }
    if (line->count < command->least || line->count > command->most)
        return usage(shell, command);
    return command->run(shell, line);
}

bool command_run(struct shell *shell, const char *text)
{
    assert(text[0] == '.');
    char *copy = text_buffer_copy(text + 1), *at = copy;
    char *name = cut_word(&at);
    const struct command *command = name ? find(name) : NULL;
    bool done;
    if (command) {
        while (is_blank(*at))
            at++;
        char *rest = text_buffer_copy(at);
        struct command_line line = {.name = name, .rest = rest};
        for (size_t end = strlen(rest); end > 0 && is_blank(rest[end - 1]); end--)
            rest[end - 1] = 0;
        done = run_split(shell, command, &line, at);
        free(rest);
    } else {
        done = shell_complain(shell, "unknown command .%s; .help lists them", name ? name : "");
    }
    free(copy);
    return done;
}

bool command_show(struct shell *shell, yoda_status status, yoda_result *result,
                  const yoda_error *err)
{
    if (status != YODA_OK)
        return shell_fail(shell, NULL, err);
    shell->mode->write(stdout, result);
    yoda_result_close(result);
    return true;
}
