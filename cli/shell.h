/*
 * shell.h -- the state of one run of the shell: the open database and how results are shown.
 */
#ifndef YODA_CLI_SHELL_H
#define YODA_CLI_SHELL_H

#include "cancel.h"
#include "output.h"
#include "progress_bar.h"
#include "text_buffer.h"
#include "yoda.h"

struct shell {
    yoda_engine *engine; /* NULL only when .open failed */
    yoda_txn *txn;       /* BEGIN was typed; NULL otherwise */
    char *path;
    yoda_option *options; /* [option_count], from -o; used by .open again */
    size_t option_count;

    const struct output_mode *mode;
    yoda_side side;
    int64_t max_staleness_ms;
    bool interactive;
    bool footer; /* a last line after each statement: rows, time, side and why */
    bool bail;   /* stop a script at its first error */

    char *last_query; /* for .flame; NULL before the first */
    bool quit;
    bool failed;        /* something went wrong: the exit code is 1 */
    const char *source; /* of the script being read, for messages; NULL: typed or an argument */
    size_t line;        /* where the current statement begins in it */
    int read_depth;     /* of .read */

    struct cancel cancel;
    struct progress_bar bar;
};

/* Open the database; an error is printed and returned. */
yoda_status shell_open(struct shell *shell, const char *path);
/* Roll back what is open and close the database. */
void shell_close(struct shell *shell);

/* Print an error (sql may be NULL) and remember the failure. Always returns false. */
bool shell_fail(struct shell *shell, const char *sql, const yoda_error *err);
/* The same with a message of the shell's own. */
__attribute__((format(printf, 2, 3))) bool shell_complain(struct shell *shell, const char *format,
                                                          ...);
/* Between these two, Ctrl-C interrupts the engine. */
void shell_work_begin(struct shell *shell);
void shell_work_end(struct shell *shell);
/* Run a query inside the open transaction if there is one. */
yoda_status shell_query(struct shell *shell, const char *sql, const yoda_params *params,
                        yoda_side side, yoda_result **out, yoda_error *err);

#endif
