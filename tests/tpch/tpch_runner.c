/*
 * tpch_runner.c -- the 22 TPC-H queries on columns, held against SQLite and the published answers.
 *
 *   tpch_runner FOLDER [option=value]...    FOLDER: tables/X.tbl, queries/qNN.sql, answers/qNN.csv
 *
 * Every query must run on columns. Reals may differ by 1e-9: the published answers come from
 * decimal arithmetic. Their comments and addresses come from another text generator, so those
 * columns are left out, and Q13, which filters on a comment. The last line counts, in the form "N
 * passed, N failed".
 */
#include "answer.h"
#include "tpch_load.h"

#include <math.h>

#define TOLERANCE 1e-9
#define PATH_BYTES 4400
#define OPTIONS_MAX 16

struct run {
    yoda_engine *db;
    const char *folder;
    int query;
    unsigned passed, failed;
};

static void judge(struct run *run, bool good, const char *what, const char *why)
{
    if (good) {
        run->passed++;
        return;
    }
    run->failed++;
    fprintf(stderr, "Q%d: %s: %s\n", run->query, what, why);
}

static char *read_file(const struct run *run, const char *kind, const char *extension)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s/q%02d.%s", run->folder, kind, run->query, extension);
    return tpch_read_text(path);
}

/* ---- The published answers ---- */

/* Cut the line's next field off; NULL behind the last. */
static char *next_field(char **line)
{
    char *field = *line;
    if (!field)
        return NULL;
    char *end = strchr(field, '|');
    *line = end ? end + 1 : NULL;
    if (end)
        *end = 0;
    return field;
}

/* Cut the text's next line off; a row of one NULL is an empty one. NULL at the end. */
static char *next_line(char **text)
{
    char *line = *text;
    if (!line || !*line)
        return NULL;
    size_t size = strcspn(line, "\n");
    *text = line[size] ? line + size + 1 : NULL;
    line[size] = 0;
    if (size > 0 && line[size - 1] == '\r')
        line[size - 1] = 0;
    return line;
}

static bool is_left_out(const char *name)
{
    return strstr(name, "_address") || strstr(name, "_comment");
}

static bool field_same(const yoda_value *v, const char *field)
{
    if (v->type == YODA_INTEGER || v->type == YODA_REAL) {
        double ours = v->type == YODA_REAL ? v->real : (double)v->integer;
        double theirs = strtod(field, NULL);
        return fabs(ours - theirs) <= TOLERANCE * fmax(fabs(ours), fabs(theirs));
    }
    if (v->type == YODA_NULL)
        return !*field;
    return v->size == strlen(field) && memcmp(v->data, field, v->size) == 0;
}

static bool line_same(const struct answer *a, size_t row, const bool *left_out, char *line,
                      char *why)
{
    for (size_t c = 0; c < a->columns; c++) {
        char *field = next_field(&line);
        if (!field || (!left_out[c] && !field_same(&a->values[row * a->columns + c], field))) {
            snprintf(why, ANSWER_WHY_MAX, "row %zu, column %zu: not %s", row, c,
                     field ? field : "there");
            return false;
        }
    }
    return true;
}

/* Before answer_equal, which sorts: the published rows are in order. */
static void check_published(struct run *run, const struct answer *a)
{
    bool left_out[64] = {false}, same = true;
    char why[ANSWER_WHY_MAX] = "";
    char *text = read_file(run, "answers", "csv"), *rest = text;
    char *line = next_line(&rest);
    size_t row = 0;
    if (!line) {
        judge(run, false, "published answer", "cannot be read");
        free(text);
        return;
    }
    for (size_t c = 0; line && c < a->columns; c++)
        left_out[c] = is_left_out(next_field(&line));
    for (; same && row < a->rows && (line = next_line(&rest)) != NULL; row++)
        same = line_same(a, row, left_out, line, why);
    if (same && (row != a->rows || next_line(&rest))) {
        same = false;
        snprintf(why, sizeof why, "%zu rows, not so many as published", a->rows);
    }
    judge(run, same, "published answer", why);
    free(text);
}

/* ---- The sides ---- */

static void check_explain(struct run *run, const char *sql)
{
    yoda_result *tree = NULL;
    yoda_error err = {0};
    bool good = yoda_explain(run->db, sql, &tree, &err) == YODA_OK && yoda_result_next(tree);
    judge(run, good, "EXPLAIN YODA", err.message);
    yoda_result_close(tree);
}

static void check_query(struct run *run)
{
    struct answer_rules rules = {.tolerance = TOLERANCE};
    struct answer columns, sqlite;
    yoda_error err = {0};
    char why[ANSWER_WHY_MAX] = "";
    char *sql = read_file(run, "queries", "sql");
    if (!sql) {
        judge(run, false, "query", "cannot be read");
        return;
    }
    bool ran = answer_query(run->db, sql, YODA_SIDE_COLUMN, 0, &columns, &err) == YODA_OK;
    judge(run, ran, "on columns", err.message);
    if (ran) {
        if (run->query != 13)
            check_published(run, &columns);
        bool same = answer_query(run->db, sql, YODA_SIDE_ROW, 0, &sqlite, &err) == YODA_OK &&
                    answer_equal(&columns, &sqlite, &rules, why);
        judge(run, same, "SQLite's answer", why);
        answer_free(&sqlite);
        check_explain(run, sql);
    }
    answer_free(&columns);
    free(sql);
}

int main(int argc, char **argv)
{
    yoda_option options[OPTIONS_MAX];
    size_t count = 0;
    yoda_error err;
    if (argc < 2)
        return 2;
    struct run run = {.folder = argv[1]};
    char *directory = test_directory_make(), database[PATH_BYTES], tables[PATH_BYTES];
    snprintf(database, sizeof database, "%s/tpch.db", directory);
    snprintf(tables, sizeof tables, "%s/tables", run.folder);
    for (int i = 2; i < argc && count < OPTIONS_MAX; i++) {
        char *equals = strchr(argv[i], '=');
        if (!equals)
            return 2;
        *equals = 0;
        options[count++] = (yoda_option){argv[i], equals + 1};
    }
    if (!tpch_load(database, tables) ||
        yoda_open(database, options, count, &run.db, &err) != YODA_OK ||
        tpch_register(run.db, &err) != YODA_OK) {
        fprintf(stderr, "tpch_runner: cannot load %s\n", tables);
        run.failed++;
    } else {
        for (run.query = 1; run.query <= TPCH_QUERIES; run.query++)
            check_query(&run);
    }
    yoda_close(run.db);
    test_directory_remove(directory);
    printf("%u passed, %u failed\n", run.passed, run.failed);
    return run.failed > 0;
}
