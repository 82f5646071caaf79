/*
 * statement.c -- runs one SQL statement.
 *
 * BEGIN, COMMIT and ROLLBACK become yoda_begin, yoda_commit and yoda_rollback: the transaction is a
 * lease of the one write connection, and statements between them go through it.
 */
#include "statement.h"

#include "statement_kind.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

static FILE *footer_file(const struct shell *shell)
{
    fflush(stdout);
    return shell->interactive ? stdout : stderr;
}

static void write_time(FILE *out, int64_t ns)
{
    if (ns < 1000000000)
        fprintf(out, "%.*f ms", ns < 10000000 ? 2 : 0, (double)ns / 1e6);
    else
        fprintf(out, "%.2f s", (double)ns / 1e9);
}

/* "3 rows in 1.20 ms, columns (scan and group), fresh, 1 of 12 segments" */
static void write_query_footer(const struct shell *shell, yoda_result *result)
{
    yoda_result_info info;
    yoda_result_info_get(result, &info);
    FILE *out = footer_file(shell);
    fprintf(out, "%" PRIu64 " %s in ", info.rows, info.rows == 1 ? "row" : "rows");
    write_time(out, info.elapsed_ns);
    fputs(info.side == YODA_SIDE_COLUMN ? ", columns" : ", SQLite", out);
    if (info.reason && info.reason[0])
        fprintf(out, " (%s)", info.reason);
    if (info.staleness_ms > 0)
        fprintf(out, ", %" PRId64 " ms old", info.staleness_ms);
    else
        fputs(", fresh", out);
    if (info.side == YODA_SIDE_COLUMN)
        fprintf(out, ", %" PRIu64 " of %" PRIu64 " segments", info.segments_read,
                info.segments_total);
    fputc('\n', out);
}

void statement_show(struct shell *shell, yoda_result *result)
{
    shell->mode->write(stdout, result);
    if (shell->footer)
        write_query_footer(shell, result);
}

static void show_change(struct shell *shell, int64_t changes, int64_t start_ns)
{
    if (!shell->footer)
        return;
    FILE *out = footer_file(shell);
    fprintf(out, "%" PRId64 " %s changed in ", changes, changes == 1 ? "row" : "rows");
    write_time(out, progress_bar_clock_ns() - start_ns);
    fputc('\n', out);
}

static bool run_query(struct shell *shell, const char *sql)
{
    yoda_error err = {.sql_offset = -1};
    yoda_result *result = NULL;
    free(shell->last_query);
    shell->last_query = text_buffer_copy(sql);
    shell_work_begin(shell);
    yoda_status status = shell_query(shell, sql, NULL, shell->side, &result, &err);
    shell_work_end(shell);
    if (status != YODA_OK)
        return shell_fail(shell, sql, &err);
    assert(result);
    statement_show(shell, result);
    yoda_result_close(result);
    return true;
}

static bool run_execute(struct shell *shell, const char *sql)
{
    yoda_error err = {.sql_offset = -1};
    int64_t changes = 0, start_ns = progress_bar_clock_ns();
    shell_work_begin(shell);
    yoda_status status = shell->txn ? yoda_txn_execute(shell->txn, sql, NULL, &changes, &err)
                                    : yoda_execute(shell->engine, sql, NULL, &changes, &err);
    shell_work_end(shell);
    if (status != YODA_OK)
        return shell_fail(shell, sql, &err);
    show_change(shell, changes, start_ns);
    return true;
}

static bool run_begin(struct shell *shell)
{
    yoda_error err = {.sql_offset = -1};
    if (shell->txn)
        return shell_complain(shell, "cannot start a transaction within a transaction");
    if (yoda_begin(shell->engine, &shell->txn, &err) != YODA_OK)
        return shell_fail(shell, NULL, &err);
    return true;
}

static bool run_end(struct shell *shell, bool commit)
{
    yoda_error err = {.sql_offset = -1};
    if (!shell->txn)
        return shell_complain(shell, "cannot %s: no transaction is open",
                              commit ? "commit" : "roll back");
    yoda_status status = commit ? yoda_commit(shell->txn, &err) : yoda_rollback(shell->txn, &err);
    assert(shell->txn);
    shell->txn = NULL; /* both free it, whatever they return */
    return status == YODA_OK || shell_fail(shell, NULL, &err);
}

bool statement_run(struct shell *shell, const char *sql)
{
    enum statement_kind kind = statement_kind_of(sql);
    if (kind == STATEMENT_EMPTY)
        return true;
    if (!shell->engine)
        return shell_complain(shell, "no database is open: use .open FILE");
    switch (kind) {
    case STATEMENT_QUERY:
        return run_query(shell, sql);
    case STATEMENT_BEGIN:
        return run_begin(shell);
    case STATEMENT_COMMIT:
    case STATEMENT_ROLLBACK:
        return run_end(shell, kind == STATEMENT_COMMIT);
    case STATEMENT_EXECUTE:
    case STATEMENT_EMPTY:
        break;
    }
    return run_execute(shell, sql);
}
