/*
 * main.c -- the yoda shell: SQL and dot commands over one database file.
 *
 * Exit codes: 0 all went well, 1 a statement or the file failed, 2 the command line is wrong.
 */
#include "session.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_FINE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

struct arguments {
    const char *path;
    char **sql; /* [sql_count] */
    int sql_count;
    bool route;
    bool finished; /* -help or -version did all there was to do */
};

static void print_help(FILE *out)
{
    fputs("usage: yoda [OPTIONS] FILE [SQL...]\n"
          "\n"
          "Runs the SQL given, or else what comes from standard input. FILE is created if it is\n"
          "not there; \":memory:\" keeps everything in memory.\n"
          "\n"
          "  -box -csv -json -line  how rows are shown (box)\n"
          "  -route                 after each statement a line on standard error: rows, time,\n"
          "                         the side that answered and why, age, segments read\n"
          "  -bail                  stop a script at its first error\n"
          "  -o NAME=VALUE          an option of the engine; .options lists them\n"
          "  -version  -help\n"
          "\n"
          "Exit codes: 0 fine, 1 an error, 2 a wrong command line. Type .help in the shell.\n",
          out);
}

static bool add_option(struct shell *shell, char *text)
{
    char *equals = text ? strchr(text, '=') : NULL;
    if (!equals || equals == text) {
        fputs("yoda: -o needs NAME=VALUE\n", stderr);
        return false;
    }
    *equals = 0;
    shell->options =
        text_buffer_array(shell->options, shell->option_count + 1, sizeof *shell->options);
    shell->options[shell->option_count++] = (yoda_option){text, equals + 1};
    return true;
}

/* Take an argument that begins with "-"; value is the one behind it, *used how many it took. */
static bool take_flag(struct shell *shell, struct arguments *arguments, const char *flag,
                      char *value, int *used)
{
    const struct output_mode *mode = output_find(flag);
    *used = 1;
    if (mode) {
        shell->mode = mode;
    } else if (strcmp(flag, "route") == 0) {
        arguments->route = true;
    } else if (strcmp(flag, "bail") == 0) {
        shell->bail = true;
    } else if (strcmp(flag, "o") == 0) {
        *used = 2;
        return add_option(shell, value);
    } else if (strcmp(flag, "help") == 0) {
        print_help(stdout);
        arguments->finished = true;
    } else if (strcmp(flag, "version") == 0) {
        printf("yoda %s\n", yoda_version());
        arguments->finished = true;
    } else {
        fprintf(stderr, "yoda: unknown option -%s\n", flag);
        return false;
    }
    return true;
}

static bool take_arguments(struct shell *shell, struct arguments *arguments, int argc, char **argv)
{
    bool flags = true;
    arguments->sql = argv; /* compacted in place */
    for (int i = 1, used; i < argc && !arguments->finished; i += used) {
        const char *text = argv[i];
        used = 1;
        if (flags && strcmp(text, "--") == 0) {
            flags = false;
        } else if (flags && text[0] == '-' && text[1] && text[1] != ' ') {
            if (!take_flag(shell, arguments, text + 1 + (text[1] == '-'), argv[i + 1], &used))
                return false;
        } else if (!arguments->path) {
            arguments->path = text;
        } else {
            arguments->sql[arguments->sql_count++] = argv[i];
        }
    }
    if (!arguments->path && !arguments->finished)
        fputs("yoda: no database named\n", stderr);
    return arguments->path || arguments->finished;
}

/* Box drawing and wcwidth() need UTF-8, also where the environment names no locale. */
static void set_locale(void)
{
    setlocale(LC_CTYPE, "");
    if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
        setlocale(LC_CTYPE, "C.UTF-8");
}

static void run_input(struct shell *shell, const struct arguments *arguments)
{
    for (int i = 0; i < arguments->sql_count && !shell->quit; i++)
        if (!session_run_text(shell, arguments->sql[i]))
            return;
    if (arguments->sql_count > 0)
        return;
    if (shell->interactive) {
        printf("yoda %s  %s\n.help lists the commands.\n", yoda_version(), shell->path);
        session_run_terminal(shell);
    } else {
        session_run_file(shell, stdin, "stdin");
    }
}

static int run(struct shell *shell, const struct arguments *arguments)
{
    yoda_status status = shell_open(shell, arguments->path);
    if (status != YODA_OK)
        return status == YODA_MISUSE ? EXIT_USAGE : EXIT_FAILED;
    run_input(shell, arguments);
    shell_close(shell);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        perror("yoda: standard output");
        return EXIT_FAILED;
    }
    return shell->failed && !shell->interactive ? EXIT_FAILED : EXIT_FINE;
}

int main(int argc, char **argv)
{
    struct arguments arguments = {0};
    struct shell shell = {.mode = output_find("box"), .max_staleness_ms = YODA_STALENESS_DEFAULT};
    set_locale();
    if (!take_arguments(&shell, &arguments, argc, argv)) {
        fputs("Try yoda -help.\n", stderr);
        free(shell.options);
        return EXIT_USAGE;
    }
    int code = EXIT_FINE;
    if (!arguments.finished) {
        shell.interactive = arguments.sql_count == 0 && isatty(STDIN_FILENO);
        shell.footer = arguments.route || shell.interactive;
        shell.bar.enabled = isatty(STDERR_FILENO);
        if (cancel_start(&shell.cancel, shell.interactive)) {
            code = run(&shell, &arguments);
        } else {
            perror("yoda: cannot start");
            code = EXIT_FAILED;
        }
        cancel_stop(&shell.cancel);
    }
    free(shell.options);
    return code;
}
