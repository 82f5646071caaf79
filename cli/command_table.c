/* command_table.c -- commands about tables. */
#include "command.h"

#include "import.h"
#include "utf8_width.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

/* Everything but SQLite's and Yoda's own tables, indexes and triggers. */
#define USER_OBJECTS                                                                               \
    "FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' "                             \
    "AND name NOT LIKE '\\_yoda\\_%' ESCAPE '\\' "

static int column_of(yoda_result *result, const char *name)
{
    for (size_t c = 0; c < yoda_result_column_count(result); c++)
        if (strcmp(yoda_result_column_name(result, c), name) == 0)
            return (int)c;
    return -1;
}

static bool same_name(yoda_result *result, int column, const char *name, size_t size)
{
    size_t other_size = 0;
    const char *other = yoda_result_bytes(result, (size_t)column, &other_size);
    return other && other_size == size && strncasecmp(other, name, size) == 0;
}

/* Print " columns: ready, 12 rows" behind a name that is registered. */
static void print_mirror(yoda_result *mirrors, const char *name, size_t size)
{
    int names = column_of(mirrors, "name"), states = column_of(mirrors, "state");
    int rows = column_of(mirrors, "rows");
    yoda_result_rewind(mirrors);
    while (names >= 0 && states >= 0 && yoda_result_next(mirrors)) {
        if (!same_name(mirrors, names, name, size))
            continue;
        size_t state_size = 0;
        const char *state = yoda_result_bytes(mirrors, (size_t)states, &state_size);
        printf("  columns: %.*s", state ? (int)state_size : 0, state ? state : "");
        if (rows >= 0)
            printf(", %" PRId64 " rows", yoda_result_int64(mirrors, (size_t)rows));
    }
}

static void print_tables(yoda_result *tables, yoda_result *mirrors)
{
    size_t widest = 0;
    while (yoda_result_next(tables)) {
        size_t size = 0;
        const char *name = yoda_result_bytes(tables, 0, &size);
        size_t width = utf8_width_of(name, size);
        widest = width > widest ? width : widest;
    }
    yoda_result_rewind(tables);
    while (yoda_result_next(tables)) {
        size_t size = 0;
        const char *name = yoda_result_bytes(tables, 0, &size);
        struct text_buffer row = {0};
        text_buffer_append(&row, name ? name : "", size);
        bool view = same_name(tables, 1, "view", 4);
        printf("%s%*s", row.data, (int)(widest - utf8_width_of(row.data, row.size)), "");
        fputs(view ? "  view" : "", stdout);
        print_mirror(mirrors, row.data, size);
        putchar('\n');
        text_buffer_deinit(&row);
    }
}

bool command_tables(struct shell *shell, const struct command_line *line)
{
    yoda_error err = {.sql_offset = -1};
    yoda_result *tables = NULL, *mirrors = NULL;
    (void)line;
    yoda_status status = shell_query(
        shell, "SELECT name, type " USER_OBJECTS "AND type IN ('table', 'view') ORDER BY name",
        NULL, YODA_SIDE_ROW, &tables, &err);
    if (status == YODA_OK)
        status = yoda_inspect(shell->engine, YODA_INSPECT_TABLES, NULL, &mirrors, &err);
    if (status == YODA_OK)
        print_tables(tables, mirrors);
    else
        shell_fail(shell, NULL, &err);
    yoda_result_close(mirrors);
    yoda_result_close(tables);
    return status == YODA_OK;
}

bool command_schema(struct shell *shell, const struct command_line *line)
{
    yoda_error err = {.sql_offset = -1};
    yoda_result *result = NULL;
    const char *name = line->count ? line->args[0] : NULL;
    yoda_value value = {.type = name ? YODA_TEXT : YODA_NULL, .data = name,
                        .size = name ? strlen(name) : 0};
    yoda_params params = {.count = 1, .values = &value};
    yoda_status status = shell_query(shell,
                                     "SELECT sql " USER_OBJECTS "AND sql IS NOT NULL AND (?1 IS "
                                     "NULL OR tbl_name = ?1 COLLATE NOCASE) ORDER BY rowid",
                                     &params, YODA_SIDE_ROW, &result, &err);
    if (status != YODA_OK)
        return shell_fail(shell, NULL, &err);
    bool any = false;
    while (yoda_result_next(result)) {
        size_t size = 0;
        const char *sql = yoda_result_bytes(result, 0, &size);
        fwrite(sql, 1, size, stdout);
        puts(";");
        any = true;
    }
    yoda_result_close(result);
    return any || !name || shell_complain(shell, "no such table: %s", name);
}

/* The number of rows of a table's columns; -1 when it has none. */
static int64_t mirrored_rows(struct shell *shell, const char *table)
{
    yoda_result *result = NULL;
    int64_t rows = -1;
    if (yoda_inspect(shell->engine, YODA_INSPECT_TABLES, table, &result, NULL) != YODA_OK)
        return -1;
    int column = column_of(result, "rows");
    if (column >= 0 && yoda_result_next(result))
        rows = yoda_result_int64(result, (size_t)column);
    yoda_result_close(result);
    return rows;
}

bool command_register(struct shell *shell, const struct command_line *line)
{
    yoda_error err = {.sql_offset = -1};
    if (shell->txn)
        return shell_complain(shell, "a transaction is open: commit it or roll it back first");
    shell_work_begin(shell);
    yoda_status status = yoda_register_table(shell->engine, line->args[0], NULL, &err);
    shell_work_end(shell);
    if (status != YODA_OK)
        return shell_fail(shell, NULL, &err);
    printf("%s: %" PRId64 " rows in columns\n", line->args[0],
           mirrored_rows(shell, line->args[0]));
    return true;
}

bool command_unregister(struct shell *shell, const struct command_line *line)
{
    yoda_error err = {.sql_offset = -1};
    if (shell->txn)
        return shell_complain(shell, "a transaction is open: commit it or roll it back first");
    if (yoda_unregister_table(shell->engine, line->args[0], &err) != YODA_OK)
        return shell_fail(shell, NULL, &err);
    return true;
}

bool command_import(struct shell *shell, const struct command_line *line)
{
    struct import_request request = {.file = line->args[0],
                                     .table = line->args[1],
                                     .null_text = line->count > 2 ? line->args[2] : NULL};
    shell_work_begin(shell);
    int64_t rows = import_run(shell, &request);
    shell_work_end(shell);
    if (rows < 0)
        return false;
    printf("%s: %" PRId64 " rows imported\n", line->args[1], rows);
    return true;
}
