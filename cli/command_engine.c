/* command_engine.c -- commands that ask the engine about itself or give it work. */
#include "command.h"

#include "flame.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

bool command_sync(struct shell *shell, const struct command_line *line)
{
    yoda_error err = {.sql_offset = -1};
    yoda_sync_stats stats = {0};
    (void)line;
    shell_work_begin(shell);
    yoda_status status = yoda_sync(shell->engine, &stats, &err);
    shell_work_end(shell);
    if (status != YODA_OK)
        return shell_fail(shell, NULL, &err);
    printf("%" PRIu64 " changes: %" PRIu64 " rows inserted, %" PRIu64 " updated, %" PRIu64
           " deleted; watermark %" PRId64 "\n",
           stats.events_processed, stats.rows_inserted, stats.rows_updated, stats.rows_deleted,
           stats.last_seq);
    return true;
}

static void print_status(const yoda_engine_status *s)
{
    printf("owner              %s\n", s->owner ? "yes" : "no: another engine keeps the columns");
    printf("watermark          %" PRId64 " of %" PRId64 ", durable up to %" PRId64 "\n",
           s->watermark, s->log_head, s->durable_watermark);
    printf("lag                %" PRIu64 " changes, %" PRId64 " ms\n", s->lag_events, s->lag_ms);
    printf("tables             %" PRIu64 "\n", s->tables);
    printf("segments           %" PRIu64 "\n", s->segments);
    printf("rows               %" PRIu64 ", %" PRIu64 " deleted\n", s->rows, s->deleted_rows);
    printf("bytes              %" PRIu64 " in memory, %" PRIu64 " on disk\n", s->bytes_memory,
           s->bytes_disk);
    printf("syncs              %" PRIu64 ", %" PRIu64 " failed\n", s->syncs, s->failed_syncs);
    printf("checkpoints        %" PRIu64 "\n", s->checkpoints);
    printf("compactions        %" PRIu64 "\n", s->compactions);
    printf("rebuilds           %" PRIu64 "\n", s->rebuilds);
    if (s->last_error[0])
        printf("last error         %s\n", s->last_error);
}

bool command_status(struct shell *shell, const struct command_line *line)
{
    yoda_error err = {.sql_offset = -1};
    yoda_engine_status status = {.size = sizeof status};
    (void)line;
    if (yoda_status_get(shell->engine, &status, &err) != YODA_OK)
        return shell_fail(shell, NULL, &err);
    printf("version            %s\n", yoda_version());
    printf("database           %s\n", shell->path);
    print_status(&status);
    return true;
}

bool command_segments(struct shell *shell, const struct command_line *line)
{
    yoda_error err = {.sql_offset = -1};
    yoda_result *result = NULL;
    yoda_status status = yoda_inspect(shell->engine, YODA_INSPECT_SEGMENTS,
                                      line->count ? line->args[0] : NULL, &result, &err);
    return command_show(shell, status, result, &err);
}

bool command_options(struct shell *shell, const struct command_line *line)
{
    yoda_error err = {.sql_offset = -1};
    yoda_result *result = NULL;
    (void)line;
    yoda_status status = yoda_inspect(shell->engine, YODA_INSPECT_OPTIONS, NULL, &result, &err);
    return command_show(shell, status, result, &err);
}

static bool print_report(struct shell *shell, const yoda_verify_report *report)
{
    printf("%" PRIu64 " of %" PRIu64 " tables equal, %" PRIu64 " rows compared\n",
           report->tables_equal, report->tables, report->rows);
    if (report->tables_repaired > 0)
        printf("%" PRIu64 " tables repaired\n", report->tables_repaired);
    if (report->tables_equal + report->tables_repaired == report->tables)
        return true;
    return shell_complain(shell, "the sides differ: %s", report->difference);
}

bool command_verify(struct shell *shell, const struct command_line *line)
{
    yoda_error err = {.sql_offset = -1};
    yoda_verify_report report = {0};
    size_t tables = line->count;
    bool repair = tables > 0 && strcmp(line->args[tables - 1], "repair") == 0;
    tables -= repair;
    if (tables > 1)
        return shell_complain(shell, "usage: .verify [TABLE] [repair]");
    shell_work_begin(shell);
    yoda_status status = yoda_verify(shell->engine, tables ? line->args[0] : NULL,
                                     repair ? YODA_VERIFY_REPAIR : 0, &report, &err);
    shell_work_end(shell);
    return status == YODA_OK ? print_report(shell, &report) : shell_fail(shell, NULL, &err);
}

bool command_checkpoint(struct shell *shell, const struct command_line *line)
{
    yoda_error err = {.sql_offset = -1};
    (void)line;
    shell_work_begin(shell);
    yoda_status status = yoda_checkpoint(shell->engine, &err);
    shell_work_end(shell);
    return status == YODA_OK || shell_fail(shell, NULL, &err);
}

bool command_explain(struct shell *shell, const struct command_line *line)
{
    yoda_error err = {.sql_offset = -1};
    yoda_result *result = NULL;
    if (yoda_explain(shell->engine, line->rest, &result, &err) != YODA_OK)
        return shell_fail(shell, line->rest, &err);
    while (yoda_result_next(result)) {
        size_t size = 0;
        const char *text = yoda_result_bytes(result, 0, &size);
        printf("%.*s\n", text ? (int)size : 0, text ? text : "");
    }
    yoda_result_close(result);
    return true;
}

/* Run sql profiled and draw it into path. */
static bool draw_flame(struct shell *shell, const char *path, const char *sql)
{
    yoda_error err = {.sql_offset = -1};
    yoda_result *result = NULL;
    struct text_buffer analyze = {0};
    text_buffer_printf(&analyze, "EXPLAIN YODA ANALYZE %s", sql);
    shell_work_begin(shell);
    yoda_status status = shell_query(shell, analyze.data, NULL, shell->side, &result, &err);
    shell_work_end(shell);
    text_buffer_deinit(&analyze);
    if (status != YODA_OK)
        return shell_fail(shell, NULL, &err);
    FILE *file = fopen(path, "we");
    bool drawn = file && flame_write(file, result, sql);
    bool written = file && !ferror(file);
    written = file && fclose(file) == 0 && written;
    yoda_result_close(result);
    if (!file || !written)
        return shell_complain(shell, "cannot write %s: %s", path, strerror(errno));
    if (drawn)
        return true;
    (void)remove(path);
    return shell_complain(shell, "SQLite runs it: there is nothing to draw");
}

bool command_flame(struct shell *shell, const struct command_line *line)
{
    size_t size = strcspn(line->rest, " \t");
    const char *sql = line->rest + size + strspn(line->rest + size, " \t");
    if (!*sql && !shell->last_query)
        return shell_complain(shell, "no query was run yet: .flame FILE SELECT ...");
    char *path = text_buffer_copy(line->rest);
    path[size] = 0;
    bool done = draw_flame(shell, path, *sql ? sql : shell->last_query);
    free(path);
    return done;
}
