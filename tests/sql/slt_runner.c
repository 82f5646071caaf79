/*
 * slt_runner.c -- runs sqllogictest files against Yoda on three routes.
 *
 * Every query runs on SQLite, on columns (forced; "not mine" is counted, not a failure) and on the
 * route the engine chooses. All answers are held against the file's expectation. Every table that a
 * file creates is registered at once, so queries come after a sync of every change.
 *
 *   slt_runner [-v] [-o option=value]... FILE-OR-FOLDER...
 *
 * -v shows what did not run on columns and why, wrong answers with their SQL, and counts the reasons.
 * The share on columns is that of the queries that read a table, as SQLite itself says (also through
 * views and subqueries).
 *
 * Format: sqlite.org/sqllogictest. Records end at a blank line; skipif / onlyif sqlite, halt and
 * hash-threshold are honoured. I prints as a 32-bit %d, R as %.3f of 16 digits, T with (empty) and
 * @ for unprintables; rowsort and valuesort by strcmp of the printed text. A query that expects
 * nothing may fail: the format has no other way to expect an error.
 *
 * Exit code 0: no mismatch. The last line counts, in the form "N passed, N failed".
 */
#include "md5.h"
#include "test.h"

#include <ctype.h>
#include <dirent.h>
#include <math.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <sys/stat.h>

enum { ROUTE_ROW, ROUTE_COLUMN, ROUTE_AUTO, ROUTES };
static const char *const route_names[] = {"sqlite", "columns", "auto"};
static const yoda_side route_sides[] = {YODA_SIDE_ROW, YODA_SIDE_COLUMN, YODA_SIDE_AUTO};

struct totals {
    size_t files, statements, queries, over_tables, on_columns, auto_columns, mismatches;
};

struct reason { /* why columns refused */
    char *text;
    size_t count;
};
static struct reason *reasons; /* [reason_count] */
static size_t reason_count;

struct label {
    char name[64], hash[33];
};

struct file_run {
    const char *path;
    char **lines;
    size_t line_count, at;
    yoda_engine *db;
    sqlite3 *stock; /* a connection of its own, to ask SQLite about queries */
    size_t hash_threshold;
    struct label *labels;
    size_t label_count;
    struct totals *totals;
};

#define REASONS_SHOWN 20

static bool verbose;
static yoda_option options[32] = {{"olap_in_memory", "true"}, {"sync_interval_ms", "0"}};
static size_t option_count = 2;

static void complain(struct file_run *run, size_t line, const char *route, const char *what)
{
    run->totals->mismatches++;
    fprintf(stderr, "%s:%zu: [%s] %s\n", run->path, line + 1, route, what);
}

/* ---- Reading ---- */

static char *read_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f) {
        fprintf(stderr, "slt_runner: cannot read %s\n", path);
        exit(2);
    }
    fseek(f, 0, SEEK_END);
    size_t size = (size_t)ftell(f);
    rewind(f);
    char *text = malloc(size + 1);
    if (fread(text, 1, size, f) != size)
        exit(2);
    text[size] = 0;
    fclose(f);
    return text;
}

static char **split_lines(char *text, size_t *count)
{
    size_t n = 0, capacity = 1024;
    char **lines = malloc(capacity * sizeof *lines);
    for (char *p = text; *p;) {
        char *end = strchr(p, '\n');
        if (n == capacity)
            lines = realloc(lines, (capacity *= 2) * sizeof *lines);
        lines[n++] = p;
        if (!end)
            break;
        *end = 0;
        if (end > p && end[-1] == '\r')
            end[-1] = 0;
        p = end + 1;
    }
    *count = n;
    return lines;
}

/* Join the lines up to a blank one or "----". */
static char *take_sql(struct file_run *run)
{
    size_t size = 0, start = run->at;
    while (run->at < run->line_count && run->lines[run->at][0] &&
           strcmp(run->lines[run->at], "----"))
        size += strlen(run->lines[run->at++]) + 1;
    char *sql = malloc(size + 1), *p = sql;
    for (size_t i = start; i < run->at; i++)
        p += sprintf(p, "%s\n", run->lines[i]);
    *p = 0;
    return sql;
}

/* ---- Rendering ---- */

static char *render_text(const char *data, size_t size)
{
    if (size == 0)
        return strdup("(empty)");
    char *out = malloc(size + 1);
    size_t n = 0;
    for (; n < size && data[n]; n++)
        out[n] = data[n] < ' ' || data[n] > '~' ? '@' : data[n];
    out[n] = 0;
    return out;
}

/* %.3f of 16 significant digits, rounded, then zeros: SQLite's printf does so, but cuts the 17th
 * digit off before release 3.43. */
static char *real_text(double r)
{
    char digits[40], *out = malloc(400);
    snprintf(digits, sizeof digits, "%.15e", fabs(r));
    int exponent = atoi(strchr(digits, 'e') + 1);
    if (exponent < 13 || !isfinite(r)) {
        snprintf(out, 400, "%.3f", r);
        return out;
    }
    memmove(digits + 1, digits + 2, 15);
    char *p = out;
    if (r < 0)
        *p++ = '-';
    for (int i = 0; i <= exponent + 3; i++) {
        if (i == exponent + 1)
            *p++ = '.';
        *p++ = i < 16 ? digits[i] : '0';
    }
    *p = 0;
    return out;
}

static char *number_text(char type, int64_t i, double r)
{
    if (type == 'R')
        return real_text(r);
    char *out = malloc(16);
    snprintf(out, 16, "%d", (int)i);
    return out;
}

static char *render(const yoda_value *v, char type)
{
    if (v->type == YODA_NULL)
        return strdup("NULL");
    char *text = v->type == YODA_INTEGER ? sqlite3_mprintf("%lld", (long long)v->integer)
                 : v->type == YODA_REAL  ? sqlite3_mprintf("%!.15g", v->real)
                                         : sqlite3_mprintf("%.*s", (int)v->size, v->data);
    char *out;
    if (type == 'T')
        out = v->type == YODA_TEXT || v->type == YODA_BLOB ? render_text(v->data, v->size)
                                                           : strdup(text);
    else if (v->type == YODA_REAL)
        out = number_text(type, (int64_t)v->real, v->real);
    else if (v->type == YODA_INTEGER)
        out = number_text(type, v->integer, (double)v->integer);
    else
        out = number_text(type, strtoll(text, NULL, 10), strtod(text, NULL));
    sqlite3_free(text);
    return out;
}

struct answer {
    char **values;
    size_t count, columns;
};

static void answer_free(struct answer *a)
{
    for (size_t i = 0; i < a->count; i++)
        free(a->values[i]);
    free(a->values);
    *a = (struct answer){0};
}

static struct answer collect(yoda_result *result, const char *types)
{
    struct answer a = {.columns = yoda_result_column_count(result)};
    size_t capacity = 64, type_count = strlen(types);
    a.values = malloc(capacity * sizeof *a.values);
    while (yoda_result_next(result)) {
        for (size_t c = 0; c < a.columns; c++) {
            yoda_value v;
            yoda_result_value(result, c, &v);
            if (a.count == capacity)
                a.values = realloc(a.values, (capacity *= 2) * sizeof *a.values);
            a.values[a.count++] = render(&v, c < type_count ? types[c] : 'T');
        }
    }
    return a;
}

static size_t sort_columns;
static int compare_rows(const void *a, const void *b)
{
    char *const *x = a, *const *y = b;
    for (size_t c = 0; c < sort_columns; c++) {
        int order = strcmp(x[c], y[c]);
        if (order)
            return order;
    }
    return 0;
}

static void sort_answer(struct answer *a, const char *mode)
{
    sort_columns = !strcmp(mode, "rowsort") ? a->columns : 1;
    if (!strcmp(mode, "nosort") || a->count == 0 || sort_columns == 0)
        return;
    qsort(a->values, a->count / sort_columns, sort_columns * sizeof *a->values, compare_rows);
}

static void hash_answer(const struct answer *a, char out[33])
{
    struct md5 m;
    md5_init(&m);
    for (size_t i = 0; i < a->count; i++) {
        md5_update(&m, a->values[i], strlen(a->values[i]));
        md5_update(&m, "\n", 1);
    }
    md5_hex(&m, out);
}

/* ---- Records ---- */

static void register_new_tables(struct file_run *run)
{
    yoda_result *names = NULL;
    yoda_query_options row = YODA_QUERY_OPTIONS_INIT;
    yoda_error err;
    row.side = YODA_SIDE_ROW;
    if (yoda_query(
            run->db,
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
            " AND name NOT LIKE '~_yoda~_%' ESCAPE '~'"
            " AND name NOT IN (SELECT name FROM _yoda_table)"
            " AND sql NOT LIKE 'CREATE VIRTUAL%'",
            NULL, &row, &names, &err) != YODA_OK) {
        complain(run, run->at, "list tables", err.message);
        return;
    }
    while (yoda_result_next(names)) {
        size_t size;
        const char *data = yoda_result_bytes(names, 0, &size);
        char *name = strndup(data, size);
        if (yoda_register_table(run->db, name, NULL, &err) != YODA_OK)
            complain(run, run->at, "register", err.message);
        free(name);
    }
    yoda_result_close(names);
}

static void run_statement(struct file_run *run, bool expect_ok, bool skip)
{
    size_t line = run->at;
    char *sql = take_sql(run);
    yoda_error err;
    if (!skip) {
        bool ok = yoda_execute(run->db, sql, NULL, NULL, &err) == YODA_OK;
        run->totals->statements++;
        if (ok != expect_ok)
            complain(run, line, "statement", ok ? "succeeded, an error was expected" : err.message);
        const char *word = sql;
        while (isspace((unsigned char)*word))
            word++;
        if (ok && (!sqlite3_strnicmp(word, "create", 6) || !sqlite3_strnicmp(word, "alter", 5)))
            register_new_tables(run);
    }
    free(sql);
}

/* Hold an answer against the lines after "----"; returns false and says why on a mismatch. */
static bool matches(struct file_run *run, const struct answer *a, size_t first, size_t end,
                    char hash[33])
{
    hash_answer(a, hash);
    if (first == end)
        return a->count == 0;
    size_t expected_count;
    char expected_hash[64];
    if (end - first == 1 && sscanf(run->lines[first], "%zu values hashing to %63s", &expected_count,
                                   expected_hash) == 2)
        return a->count == expected_count && !strcmp(hash, expected_hash);
    if (a->count != end - first)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (strcmp(a->values[i], run->lines[first + i]))
            return false;
    return true;
}

static void check_label(struct file_run *run, size_t line, const char *label, const char *hash)
{
    for (size_t i = 0; i < run->label_count; i++) {
        if (strcmp(run->labels[i].name, label))
            continue;
        if (strcmp(run->labels[i].hash, hash))
            complain(run, line, "label", "another result under the same label");
        return;
    }
    run->labels = realloc(run->labels, (run->label_count + 1) * sizeof *run->labels);
    struct label *l = &run->labels[run->label_count++];
    snprintf(l->name, sizeof l->name, "%s", label);
    snprintf(l->hash, sizeof l->hash, "%s", hash);
}

/* SQLite asks for leave to read each column, and to read a table of which no column is named. */
static int note_read(void *reads, int action, const char *table, const char *column,
                     const char *schema, const char *source)
{
    (void)column, (void)schema, (void)source;
    if (action == SQLITE_READ && table && sqlite3_strnicmp(table, "sqlite_", 7))
        *(bool *)reads = true;
    return SQLITE_OK;
}

static bool reads_table(struct file_run *run, const char *sql)
{
    bool reads = false;
    sqlite3_stmt *stmt = NULL;
    sqlite3_set_authorizer(run->stock, note_read, &reads);
    sqlite3_prepare_v2(run->stock, sql, -1, &stmt, NULL); /* an error: counted as far as it got */
    sqlite3_set_authorizer(run->stock, NULL, NULL);
    sqlite3_finalize(stmt);
    return reads;
}

struct query {
    const char *types, *sort, *label, *sql;
    size_t line, first, end; /* of the record; of its expected lines */
    bool over_tables;
};

static void note_refusal(struct file_run *run, const struct query *q, const char *why)
{
    size_t i = 0;
    if (!verbose)
        return;
    fprintf(stderr, "%s:%zu: not columnar: %s\n", run->path, q->line + 1, why);
    if (!q->over_tables)
        return;
    while (i < reason_count && strcmp(reasons[i].text, why))
        i++;
    if (i == reason_count) {
        reasons = realloc(reasons, (reason_count + 1) * sizeof *reasons);
        reasons[reason_count++] = (struct reason){.text = strdup(why)};
    }
    reasons[i].count++;
}

static int by_count(const void *a, const void *b)
{
    const struct reason *x = a, *y = b;
    return (x->count < y->count) - (x->count > y->count);
}

static void print_reasons(void)
{
    if (reason_count)
        qsort(reasons, reason_count, sizeof *reasons, by_count);
    for (size_t i = 0; i < reason_count; i++) {
        if (i < REASONS_SHOWN)
            printf("refused %7zu: %s\n", reasons[i].count, reasons[i].text);
        free(reasons[i].text);
    }
    free(reasons);
}

static void run_route(struct file_run *run, const struct query *q, int route)
{
    yoda_query_options how = YODA_QUERY_OPTIONS_INIT;
    yoda_result *result = NULL;
    yoda_error err;
    how.side = route_sides[route];
    yoda_status status = yoda_query(run->db, q->sql, NULL, &how, &result, &err);
    if (status == YODA_NOT_COLUMNAR && route == ROUTE_COLUMN) {
        note_refusal(run, q, err.message);
        return;
    }
    run->totals->on_columns += route == ROUTE_COLUMN && q->over_tables;
    if (status != YODA_OK) {
        if (q->first != q->end) /* nothing expected: an error (an overflow) is fine */
            complain(run, q->line, route_names[route], err.message);
        return;
    }
    yoda_result_info info;
    yoda_result_info_get(result, &info);
    run->totals->auto_columns += route == ROUTE_AUTO && info.side == YODA_SIDE_COLUMN;
    struct answer a = collect(result, q->types);
    yoda_result_close(result);
    sort_answer(&a, q->sort);
    char hash[33];
    if (!matches(run, &a, q->first, q->end, hash)) {
        complain(run, q->line, route_names[route], "wrong answer");
        if (verbose)
            fprintf(stderr, "%s\n", q->sql);
    } else if (q->label[0] && route == ROUTE_ROW)
        check_label(run, q->line, q->label, hash);
    answer_free(&a);
}

static void run_query(struct file_run *run, char *head, bool skip)
{
    char types[256] = "", sort[16] = "nosort", label[64] = "";
    struct query q = {.types = types, .sort = sort, .label = label, .line = run->at};
    sscanf(head, "query %255s %15s %63s", types, sort, label);
    char *sql = take_sql(run);
    q.sql = sql;
    if (run->at < run->line_count && !strcmp(run->lines[run->at], "----"))
        run->at++;
    q.first = run->at;
    while (run->at < run->line_count && run->lines[run->at][0])
        run->at++;
    q.end = run->at;
    if (!skip) {
        run->totals->queries++;
        q.over_tables = reads_table(run, sql);
        run->totals->over_tables += q.over_tables;
        for (int route = 0; route < ROUTES; route++)
            run_route(run, &q, route);
    }
    free(sql);
}

/* One record; false at "halt". */
static bool run_record(struct file_run *run)
{
    bool skip = false;
    char word[32];
    for (;; run->at++) {
        char *line = run->lines[run->at];
        if (sscanf(line, "skipif %31s", word) == 1)
            skip |= !strcmp(word, "sqlite");
        else if (sscanf(line, "onlyif %31s", word) == 1)
            skip |= strcmp(word, "sqlite") != 0;
        else
            break;
        if (run->at + 1 == run->line_count)
            return false;
    }
    char *head = run->lines[run->at++];
    if (!strncmp(head, "halt", 4))
        return skip;
    if (!strncmp(head, "statement", 9))
        run_statement(run, strstr(head, "ok") != NULL, skip);
    else if (!strncmp(head, "query", 5))
        run_query(run, head, skip);
    else if (strncmp(head, "hash-threshold", 14)) {
        complain(run, run->at - 1, "format", head);
        return false;
    }
    return true;
}

static void run_file(const char *path, struct totals *totals)
{
    yoda_error err;
    char *directory = test_directory_make(), database[4200];
    snprintf(database, sizeof database, "%s/slt.db", directory);
    struct file_run run = {.path = path, .totals = totals};
    char *text = read_file(path);
    run.lines = split_lines(text, &run.line_count);
    totals->files++;
    if (yoda_open(database, options, option_count, &run.db, &err) != YODA_OK) {
        complain(&run, 0, "open", err.message);
    } else if (sqlite3_open(database, &run.stock) != SQLITE_OK) {
        complain(&run, 0, "open", sqlite3_errmsg(run.stock));
    } else {
        while (run.at < run.line_count) {
            if (!run.lines[run.at][0] || run.lines[run.at][0] == '#')
                run.at++;
            else if (!run_record(&run))
                break;
        }
    }
    sqlite3_close(run.stock);
    yoda_close(run.db);
    free(run.labels);
    free(run.lines);
    free(text);
    test_directory_remove(directory);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void run_path(const char *path, struct totals *totals)
{
    struct stat st;
    if (stat(path, &st)) {
        fprintf(stderr, "slt_runner: no such file: %s\n", path);
        exit(2);
    }
    if (!S_ISDIR(st.st_mode)) {
        size_t size = strlen(path);
        if (size > 4 && (!strcmp(path + size - 4, ".slt") || !strcmp(path + size - 5, ".test")))
            run_file(path, totals);
        return;
    }
    char *names[4096];
    size_t count = 0;
    DIR *dir = opendir(path);
    for (struct dirent *e; dir && (e = readdir(dir)) && count < 4096;)
        if (e->d_name[0] != '.')
            names[count++] = strdup(e->d_name);
    closedir(dir);
    qsort(names, count, sizeof *names, by_name);
    for (size_t i = 0; i < count; i++) {
        char child[4200];
        snprintf(child, sizeof child, "%s/%s", path, names[i]);
        run_path(child, totals);
        free(names[i]);
    }
}

static void take_option(char *text)
{
    char *equals = strchr(text, '=');
    if (!equals || option_count == 32) {
        fprintf(stderr, "slt_runner: -o wants option=value\n");
        exit(2);
    }
    *equals = 0;
    options[option_count++] = (yoda_option){text, equals + 1};
}

int main(int argc, char **argv)
{
    struct totals totals = {0};
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "-v"))
            verbose = true;
        else if (!strcmp(argv[i], "-o") && i + 1 < argc)
            take_option(argv[++i]);
        else
            run_path(argv[i], &totals);
    }
    double share =
        totals.over_tables ? 100.0 * (double)totals.on_columns / (double)totals.over_tables : 0;
    printf("%zu files, %zu statements, %zu queries on three routes, %zu over tables\n",
           totals.files, totals.statements, totals.queries, totals.over_tables);
    printf("columns: %zu queries (%.1f %% of those over tables); auto chose columns for %zu\n",
           totals.on_columns, share, totals.auto_columns);
    print_reasons();
    size_t checks = totals.statements + totals.queries;
    printf("%zu passed, %zu failed\n",
           checks - (totals.mismatches < checks ? totals.mismatches : checks), totals.mismatches);
    return totals.files == 0 || totals.mismatches ? 1 : 0;
}
