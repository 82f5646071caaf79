/*
 * yoda_tpch.c -- a TPC-H database under Yoda, and its queries, for a driving program.
 *
 *   yoda_tpch load  DATABASE FOLDER          make the file from FOLDER/<table>.tbl, copy to columns
 *   yoda_tpch serve DATABASE [option=value]...
 *
 * serve reads requests on stdin and answers on stdout:
 *
 *   request  "<side> <timeout_ms> <bytes>\n" and so many bytes of SQL; side: column, row or auto
 *   answer   "ok <nanoseconds> <rows> <columns>\n" and a line for each row, its values after tabs:
 *            n NULL, i123, r1.5, tTEXT with \t, \n and \\ escaped, xHEX
 *            or "error <status>: <message>\n"
 *
 * The time is that of yoda_query: planning, running, and the finished result in memory.
 */
#include "tpch_load.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define OPTIONS_MAX 32

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void put_text(const char *text, size_t size)
{
    putchar('t');
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '\t' || text[i] == '\n' || text[i] == '\\')
            printf("\\%c", text[i] == '\t' ? 't' : text[i] == '\n' ? 'n' : '\\');
        else
            putchar(text[i]);
    }
}

static void put_value(const yoda_value *v)
{
    switch (v->type) {
    case YODA_NULL:
        putchar('n');
        return;
    case YODA_INTEGER:
        printf("i%" PRId64, v->integer);
        return;
    case YODA_REAL:
        printf("r%.17g", v->real);
        return;
    case YODA_TEXT:
        put_text(v->data, v->size);
        return;
    case YODA_BLOB:
        putchar('x');
        for (size_t i = 0; i < v->size; i++)
            printf("%02x", ((const unsigned char *)v->data)[i]);
        return;
    }
}

static void put_rows(yoda_result *result)
{
    size_t columns = yoda_result_column_count(result);
    while (yoda_result_next(result)) {
        for (size_t c = 0; c < columns; c++) {
            yoda_value v;
            yoda_result_value(result, c, &v);
            if (c > 0)
                putchar('\t');
            put_value(&v);
        }
        putchar('\n');
    }
}

static void answer(yoda_engine *db, const char *side, int64_t timeout_ms, const char *sql)
{
    yoda_query_options how = YODA_QUERY_OPTIONS_INIT;
    yoda_result *result = NULL;
    yoda_result_info info;
    yoda_error err;
    how.side = !strcmp(side, "column") ? YODA_SIDE_COLUMN
               : !strcmp(side, "row")  ? YODA_SIDE_ROW
                                       : YODA_SIDE_AUTO;
    how.timeout_ms = timeout_ms;
    int64_t start = now_ns();
    yoda_status status = yoda_query(db, sql, NULL, &how, &result, &err);
    int64_t used = now_ns() - start;
    if (status != YODA_OK) {
        for (char *p = err.message; *p; p++)
            if (*p == '\n')
                *p = ' ';
        printf("error %s: %s\n", yoda_status_name(status), err.message);
        return;
    }
    yoda_result_info_get(result, &info);
    printf("ok %" PRId64 " %" PRIu64 " %zu\n", used, info.rows, yoda_result_column_count(result));
    put_rows(result);
    yoda_result_close(result);
}

static int serve(yoda_engine *db)
{
    char head[200], side[16];
    int64_t timeout_ms;
    size_t bytes;
    while (fgets(head, sizeof head, stdin)) {
        if (sscanf(head, "%15s %" SCNd64 " %zu", side, &timeout_ms, &bytes) != 3)
            return 2;
        char *sql = calloc(1, bytes + 1);
        if (!sql || fread(sql, 1, bytes, stdin) != bytes) {
            free(sql);
            return 2;
        }
        answer(db, side, timeout_ms, sql);
        fflush(stdout);
        free(sql);
    }
    return 0;
}

static int say(const char *what, const yoda_error *err)
{
    fprintf(stderr, "yoda_tpch: %s: %s\n", what, err->message);
    return 1;
}

int main(int argc, char **argv)
{
    yoda_option options[OPTIONS_MAX];
    size_t count = 0;
    yoda_engine *db = NULL;
    yoda_error err;
    bool load = argc == 4 && !strcmp(argv[1], "load");
    if (!load && (argc < 3 || strcmp(argv[1], "serve"))) {
        fprintf(stderr, "usage: yoda_tpch load DATABASE FOLDER\n"
                        "       yoda_tpch serve DATABASE [option=value]...\n");
        return 2;
    }
    if (load && !tpch_load(argv[2], argv[3]))
        return 1;
    for (int i = 3; !load && i < argc && count < OPTIONS_MAX; i++) {
        char *equals = strchr(argv[i], '=');
        if (!equals)
            return 2;
        *equals = 0;
        options[count++] = (yoda_option){argv[i], equals + 1};
    }
    if (yoda_open(argv[2], options, count, &db, &err) != YODA_OK)
        return say(argv[2], &err);
    int code = 0;
    if (tpch_register(db, &err) != YODA_OK || (load && yoda_checkpoint(db, &err) != YODA_OK))
        code = say("register", &err);
    else if (!load)
        code = serve(db);
    yoda_close(db);
    return code;
}
