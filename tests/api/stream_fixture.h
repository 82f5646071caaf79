/*
 * stream_fixture.h -- tables that make several parts, streams over them, and reading them out.
 *
 * t has T_ROWS rows: g repeats, v has NULLs, s is short text, z is NULL at both ends of the table.
 * u has few rows. Both are mirrored.
 */
#ifndef YODA_API_STREAM_FIXTURE_H
#define YODA_API_STREAM_FIXTURE_H

#include "async_fixture.h"

#define T_ROWS 100000
#define STREAM_ROWS_MAX 65536
#define STREAM_BYTES_MAX (1 << 20)

static inline void stream_tables(yoda_engine *db)
{
    yoda_error err;
    fixture_execute(db, "CREATE TABLE t(id INTEGER PRIMARY KEY, g INTEGER, v REAL, s TEXT, z INT)");
    fixture_execute(db, "INSERT INTO t WITH RECURSIVE n(i) AS "
                        "(SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) "
                        "SELECT i, i % 37, CASE WHEN i % 11 THEN i / 8.0 END, 'text ' || i % 101, "
                        "CASE WHEN i BETWEEN 30000 AND 70000 THEN i END FROM n");
    fixture_execute(db, "CREATE TABLE u(g INTEGER PRIMARY KEY, name TEXT)");
    fixture_execute(db, "INSERT INTO u SELECT DISTINCT g, 'group ' || g FROM t WHERE g < 30");
    OK(yoda_register_table(db, "t", NULL, &err));
    OK(yoda_register_table(db, "u", NULL, &err));
}

static inline int stream_setup(void **state)
{
    int result = async_setup(state);
    stream_tables(((struct async *)*state)->db);
    return result;
}

static inline yoda_op *stream_submit(yoda_queue *queue, const char *sql, yoda_side side,
                                     uint32_t window, int64_t timeout_ms, uint64_t user_data)
{
    yoda_op_options options = YODA_OP_OPTIONS_INIT;
    yoda_op *op = NULL;
    yoda_error err;
    options.side = side;
    options.window = window;
    options.timeout_ms = timeout_ms;
    OK(yoda_submit_query(queue, sql, NULL, &options, user_data, &op, &err));
    return op;
}

/* The next completion must be a part. */
static inline yoda_result *stream_part(yoda_queue *queue, uint64_t user_data)
{
    yoda_completion *done = async_expect(queue, user_data, YODA_OK);
    assert_int_equal(done->kind, YODA_OP_QUERY);
    assert_int_equal(done->flags, YODA_COMPLETION_MORE);
    assert_non_null(done->result);
    return done->result;
}

static inline void stream_end(yoda_queue *queue, uint64_t user_data, yoda_status status)
{
    yoda_completion *done = async_expect(queue, user_data, status);
    assert_int_equal(done->flags, 0);
    assert_null(done->result);
}

/* Read the stream to its end, a credit for each part; returns how many rows there were. */
static inline uint64_t stream_finish(yoda_queue *queue, yoda_op *op, uint64_t user_data,
                                     uint32_t uncredited)
{
    uint64_t rows = 0;
    assert_int_equal(yoda_op_credit(op, uncredited), YODA_OK);
    for (;;) {
        yoda_completion *done = async_expect(queue, user_data, YODA_OK);
        if (!(done->flags & YODA_COMPLETION_MORE))
            return rows;
        yoda_result_info info;
        yoda_result_info_get(done->result, &info);
        rows += info.rows;
        yoda_result_close(done->result);
        assert_int_equal(yoda_op_credit(op, 1), YODA_OK);
    }
}

/* ---- Rows as lines --------------------------------------------------------------------------- */

struct lines {
    char **text;
    size_t count, room;
};

static inline void lines_add(struct lines *lines, yoda_result *rows)
{
    size_t columns = yoda_result_column_count(rows);
    while (yoda_result_next(rows)) {
        char line[512];
        size_t used = 0;
        for (size_t i = 0; i < columns; i++) {
            yoda_value v;
            yoda_result_value(rows, i, &v);
            int n = v.type == YODA_INTEGER
                        ? snprintf(line + used, sizeof line - used, "i%lld|", (long long)v.integer)
                    : v.type == YODA_REAL
                        ? snprintf(line + used, sizeof line - used, "r%.17g|", v.real)
                        : snprintf(line + used, sizeof line - used, "%d%.*s|", (int)v.type,
                                   (int)v.size, v.data ? (const char *)v.data : "");
            used += (size_t)n;
            assert_true(used < sizeof line);
        }
        if (lines->count == lines->room) {
            lines->room = lines->room ? 2 * lines->room : 1024;
            lines->text = realloc(lines->text, lines->room * sizeof *lines->text);
        }
        line[used] = 0;
        lines->text[lines->count++] = strdup(line);
    }
}

static inline int lines_compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static inline void lines_sort(struct lines *lines)
{
    if (lines->count > 0)
        qsort(lines->text, lines->count, sizeof *lines->text, lines_compare);
}

static inline void lines_free(struct lines *lines)
{
    for (size_t i = 0; i < lines->count; i++)
        free(lines->text[i]);
    free(lines->text);
    *lines = (struct lines){0};
}

#endif
