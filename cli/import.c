/* import.c -- .import. */
#include "import.h"

#include "column_guess.h"
#include "csv_reader.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define POLL_ROWS 1024 /* between looks at the progress bar and Ctrl-C */

struct import {
    struct shell *shell;
    const struct import_request *request;
    yoda_txn *txn;
    struct csv_reader csv;
    size_t columns;
    char **names;   /* [columns] from the header */
    uint64_t bytes; /* of the file */
    int64_t rows;
};

static bool complain(struct import *in, const char *what)
{
    return shell_complain(in->shell, "%s:%" PRIu64 ": %s", in->request->file, in->csv.line, what);
}

static bool is_null(const struct import *in, size_t field)
{
    assert(field < in->columns && in->columns == in->csv.count);
    const struct csv_field *f = &in->csv.fields[field];
    const char *null_text = in->request->null_text;
    if (f->quoted)
        return false;
    return f->size == 0 || (null_text && strcmp(csv_reader_text(&in->csv, field), null_text) == 0);
}

static bool read_header(struct import *in)
{
    if (!csv_reader_next(&in->csv))
        return complain(in, in->csv.error ? in->csv.error : "the file has no header row");
    in->columns = in->csv.count;
    assert(in->columns > 0 && !in->names);
    in->names = text_buffer_array(NULL, in->columns, sizeof *in->names);
    for (size_t c = 0; c < in->columns; c++) {
        struct text_buffer name = {0};
        text_buffer_add(&name, csv_reader_text(&in->csv, c));
        if (name.size == 0)
            text_buffer_printf(&name, "column%zu", c + 1);
        in->names[c] = name.data;
    }
    return true;
}

/* Step to the next record behind the header; *more is false at the end. */
static bool next_record(struct import *in, const char *what, bool *more)
{
    *more = csv_reader_next(&in->csv);
    if (in->csv.error)
        return complain(in, in->csv.error);
    if (*more && in->csv.count != in->columns) {
        char message[96];
        snprintf(message, sizeof message, "%zu fields, but the header has %zu", in->csv.count,
                 in->columns);
        return complain(in, message);
    }
    if (in->rows % POLL_ROWS == 0) {
        progress_bar_draw(&in->shell->bar, what, in->csv.offset, in->bytes);
        if (cancel_requested(&in->shell->cancel))
            return shell_complain(in->shell, "interrupted: nothing was imported");
    }
    return true;
}

static bool guess_types(struct import *in, struct column_guess *guesses)
{
    bool more = true;
    for (in->rows = 0;; in->rows++) {
        if (!next_record(in, "reading types", &more))
            return false;
        if (!more)
            return true;
        for (size_t c = 0; c < in->columns; c++)
            if (!is_null(in, c))
                column_guess_add(&guesses[c], csv_reader_text(&in->csv, c), in->csv.fields[c].size);
    }
}

static void create_sql(const struct import *in, const struct column_guess *guesses,
                       struct text_buffer *sql)
{
    text_buffer_add(sql, "CREATE TABLE ");
    text_buffer_identifier(sql, in->request->table);
    for (size_t c = 0; c < in->columns; c++) {
        text_buffer_add(sql, c ? ", " : "(");
        text_buffer_identifier(sql, in->names[c]);
        text_buffer_printf(sql, " %s", column_guess_type(&guesses[c]));
    }
    text_buffer_char(sql, ')');
}

static void insert_sql(const struct import *in, struct text_buffer *sql)
{
    text_buffer_add(sql, "INSERT INTO ");
    text_buffer_identifier(sql, in->request->table);
    for (size_t c = 0; c < in->columns; c++) {
        text_buffer_add(sql, c ? "," : "(");
        text_buffer_identifier(sql, in->names[c]);
    }
    for (size_t c = 0; c < in->columns; c++)
        text_buffer_add(sql, c ? ",?" : ") VALUES (?");
    text_buffer_char(sql, ')');
}

static bool execute(struct import *in, const char *sql, const yoda_params *params)
{
    yoda_error err = {.sql_offset = -1};
    if (yoda_txn_execute(in->txn, sql, params, NULL, &err) == YODA_OK)
        return true;
    return params ? complain(in, err.message) : shell_fail(in->shell, NULL, &err);
}

/* 1 if the table (or a view of that name) exists, 0 if not, -1 on an error. */
static int table_exists(struct import *in)
{
    yoda_error err = {.sql_offset = -1};
    yoda_result *result = NULL;
    yoda_value name = {.type = YODA_TEXT, .data = in->request->table,
                       .size = strlen(in->request->table)};
    yoda_params params = {.count = 1, .values = &name};
    if (yoda_txn_query(in->txn,
                       "SELECT 1 FROM sqlite_schema WHERE type IN ('table', 'view') "
                       "AND name = ?1 COLLATE NOCASE",
                       &params, &result, &err) != YODA_OK) {
        shell_fail(in->shell, NULL, &err);
        return -1;
    }
    bool found = yoda_result_next(result);
    yoda_result_close(result);
    return found;
}

static bool create_table(struct import *in)
{
    struct text_buffer sql = {0};
    struct column_guess *guesses = text_buffer_array(NULL, in->columns, sizeof *guesses);
    memset(guesses, 0, in->columns * sizeof *guesses);
    bool done = guess_types(in, guesses);
    if (done) {
        create_sql(in, guesses, &sql);
        done = execute(in, sql.data, NULL);
        csv_reader_rewind(&in->csv);
        csv_reader_next(&in->csv); /* the header again */
    }
    free(guesses);
    text_buffer_deinit(&sql);
    return done;
}

static bool insert_rows(struct import *in, const char *sql, yoda_value *values)
{
    const yoda_params params = {.count = in->columns, .values = values};
    bool more = true;
    for (in->rows = 0;; in->rows++) {
        if (!next_record(in, "importing", &more))
            return false;
        if (!more)
            return true;
        for (size_t c = 0; c < in->columns; c++)
            values[c] = is_null(in, c) ? (yoda_value){.type = YODA_NULL}
                                       : (yoda_value){.type = YODA_TEXT,
                                                      .data = csv_reader_text(&in->csv, c),
                                                      .size = in->csv.fields[c].size};
        if (!execute(in, sql, &params))
            return false;
    }
}

static bool fill(struct import *in)
{
    if (!read_header(in))
        return false;
    int exists = table_exists(in);
    if (exists < 0 || (exists == 0 && !create_table(in)))
        return false;
    struct text_buffer sql = {0};
    yoda_value *values = text_buffer_array(NULL, in->columns, sizeof *values);
    insert_sql(in, &sql);
    bool done = insert_rows(in, sql.data, values);
    free(values);
    text_buffer_deinit(&sql);
    return done;
}

/* A savepoint inside the user's transaction, else a transaction of its own. */
static bool fill_atomically(struct import *in)
{
    yoda_error err = {.sql_offset = -1};
    in->txn = in->shell->txn;
    if (!in->txn && yoda_begin(in->shell->engine, &in->txn, &err) != YODA_OK)
        return shell_fail(in->shell, NULL, &err);
    assert(in->txn);
    bool own = !in->shell->txn;
    bool done = own || execute(in, "SAVEPOINT _yoda_import", NULL);
    done = done && fill(in);
    if (own) {
        yoda_status status = done ? yoda_commit(in->txn, &err) : yoda_rollback(in->txn, &err);
        return status == YODA_OK ? done : shell_fail(in->shell, NULL, &err);
    }
    if (!done)
        execute(in, "ROLLBACK TO _yoda_import", NULL);
    return execute(in, "RELEASE _yoda_import", NULL) && done;
}

int64_t import_run(struct shell *shell, const struct import_request *request)
{
    struct stat st;
    struct import in = {.shell = shell, .request = request};
    FILE *file = fopen(request->file, "re");
    if (!file || fstat(fileno(file), &st) != 0 || !S_ISREG(st.st_mode)) {
        shell_complain(shell, "cannot open %s: %s", request->file,
                       file ? "not an ordinary file" : strerror(errno));
        if (file)
            fclose(file);
        return -1;
    }
    in.bytes = (uint64_t)st.st_size;
    csv_reader_init(&in.csv, file);
    bool done = fill_atomically(&in);
    for (size_t c = 0; c < in.columns; c++)
        free(in.names[c]);
    free(in.names);
    csv_reader_deinit(&in.csv);
    fclose(file);
    return done ? in.rows : -1;
}
