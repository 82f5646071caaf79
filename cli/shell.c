/* shell.c -- opening, closing, and what every part of the shell needs: errors and queries. */
#include "shell.h"

#include "error_text.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>

static bool draw_progress(void *context, const char *what, uint64_t done, uint64_t total)
{
    struct shell *shell = context;
    progress_bar_draw(&shell->bar, what, done, total);
    return !cancel_requested(&shell->cancel);
}

yoda_status shell_open(struct shell *shell, const char *path)
{
    yoda_error err = {.sql_offset = -1};
    assert(!shell->engine && !shell->txn && !shell->path);
    yoda_status status =
        yoda_open(path, shell->options, shell->option_count, &shell->engine, &err);
    if (status != YODA_OK) {
        shell->engine = NULL;
        shell_fail(shell, NULL, &err);
        return status;
    }
    shell->path = text_buffer_copy(path);
    yoda_set_progress(shell->engine, draw_progress, shell);
    return YODA_OK;
}

void shell_close(struct shell *shell)
{
    yoda_error err = {.sql_offset = -1};
    if (shell->txn) {
        fputs("yoda: the open transaction was rolled back\n", stderr);
        if (yoda_rollback(shell->txn, &err) != YODA_OK)
            shell_fail(shell, NULL, &err);
    }
    shell->txn = NULL;
    if (shell->engine && yoda_shutdown(shell->engine, &err) != YODA_OK)
        shell_fail(shell, NULL, &err);
    yoda_close(shell->engine);
    shell->engine = NULL;
    free(shell->path);
    free(shell->last_query);
    shell->path = shell->last_query = NULL;
}

bool shell_fail(struct shell *shell, const char *sql, const yoda_error *err)
{
    struct text_buffer text = {0};
    progress_bar_clear(&shell->bar);
    fflush(stdout);
    error_text_append(&text, err, sql, shell->source, shell->line);
    fputs(text.data, stderr);
    text_buffer_deinit(&text);
    shell->failed = true;
    return false;
}

bool shell_complain(struct shell *shell, const char *format, ...)
{
    yoda_error err = {.code = YODA_ERROR, .sql_offset = -1};
    va_list args;
    va_start(args, format);
    vsnprintf(err.message, sizeof err.message, format, args);
    va_end(args);
    return shell_fail(shell, NULL, &err);
}

void shell_work_begin(struct shell *shell)
{
    cancel_enter(&shell->cancel, shell->engine);
}

void shell_work_end(struct shell *shell)
{
    cancel_leave(&shell->cancel);
    progress_bar_clear(&shell->bar);
}

yoda_status shell_query(struct shell *shell, const char *sql, const yoda_params *params,
                        yoda_side side, yoda_result **out, yoda_error *err)
{
    yoda_query_options options = YODA_QUERY_OPTIONS_INIT;
    assert(shell->engine);
    options.side = side;
    options.max_staleness_ms = shell->max_staleness_ms;
    if (shell->txn)
        return yoda_txn_query(shell->txn, sql, params, out, err);
    return yoda_query(shell->engine, sql, params, &options, out, err);
}
