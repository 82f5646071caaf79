/*
 * flights_report.c -- the queries, run on both sides and compared.
 *
 * Every query has a total order, so answers are compared row by row, value by value and type by
 * type. Times are the best of three runs, planning included.
 */
#include "flights_report.h"

#include "flights_data.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define RUNS 3

static const struct question {
    const char *what, *sql;
} questions[] = {
    {"flights and delays per carrier",
     "SELECT carrier, count(*), avg(dep_delay), max(arr_delay) FROM flights "
     "GROUP BY carrier ORDER BY carrier"},
    {"late arrivals per month",
     "SELECT month, count(*), sum(distance), avg(air_time) FROM flights WHERE arr_delay > 30 "
     "GROUP BY month ORDER BY month"},
    {"ten busiest destinations",
     "SELECT dest, count(*) AS n FROM flights GROUP BY dest ORDER BY n DESC, dest LIMIT 10"},
    {"delay by airport and hour",
     "SELECT origin, hour, count(*), avg(dep_delay) FROM flights GROUP BY origin, hour "
     "ORDER BY origin, hour"},
    {"moderate delays from JFK",
     "SELECT count(*), sum(distance), min(dep_delay), max(dep_delay), avg(arr_delay) FROM flights "
     "WHERE origin = 'JFK' AND dep_delay BETWEEN 15 AND 60"},
    {"hours made up in the air",
     "SELECT count(*), sum(dep_delay - arr_delay) / 60.0 FROM flights WHERE arr_delay < dep_delay"},
    {"airlines by name (join)",
     "SELECT a.name, count(*), avg(f.arr_delay) FROM flights f JOIN airlines a "
     "ON a.carrier = f.carrier GROUP BY a.name ORDER BY count(*) DESC, a.name"},
    {"makers of the planes (join)",
     "SELECT p.manufacturer, count(*) AS n, sum(f.distance) FROM flights f JOIN planes p "
     "ON p.tailnum = f.tailnum GROUP BY p.manufacturer ORDER BY n DESC, p.manufacturer LIMIT 5"},
};
#define QUESTIONS (sizeof questions / sizeof questions[0])
#define LIVE_QUESTIONS 6 /* the first ones: beside a writer a join on SQLite would only wait */

const char *report_live_query(size_t turn)
{
    return questions[turn % LIVE_QUESTIONS].sql;
}

static bool same_value(const yoda_value *a, const yoda_value *b)
{
    if (a->type != b->type)
        return false;
    switch (a->type) {
    case YODA_INTEGER:
        return a->integer == b->integer;
    case YODA_REAL:
        return memcmp(&a->real, &b->real, sizeof a->real) == 0;
    case YODA_TEXT:
    case YODA_BLOB:
        return a->size == b->size && (a->size == 0 || memcmp(a->data, b->data, a->size) == 0);
    case YODA_NULL:
        break;
    }
    return true;
}

static bool same_row(yoda_result *a, yoda_result *b)
{
    for (size_t c = 0; c < yoda_result_column_count(a); c++) {
        yoda_value left, right;
        yoda_result_value(a, c, &left);
        yoda_result_value(b, c, &right);
        if (!same_value(&left, &right))
            return false;
    }
    return true;
}

static bool same_result(yoda_result *a, yoda_result *b)
{
    if (yoda_result_column_count(a) != yoda_result_column_count(b))
        return false;
    yoda_result_rewind(a);
    yoda_result_rewind(b);
    for (;;) {
        bool more = yoda_result_next(a);
        if (more != yoda_result_next(b))
            return false;
        if (!more)
            return true;
        if (!same_row(a, b))
            return false;
    }
}

/* Run a query on one side, keep the last result, return the best time in ms. */
static yoda_status measure(yoda_engine *db, const char *sql, yoda_side side, yoda_result **out,
                           double *best_ms, yoda_error *err)
{
    yoda_query_options options = YODA_QUERY_OPTIONS_INIT;
    options.side = side;
    *out = NULL;
    for (int run = 0; run < RUNS; run++) {
        yoda_result_close(*out);
        int64_t start_ns = flights_clock_ns();
        yoda_status status = yoda_query(db, sql, NULL, &options, out, err);
        double ms = (double)(flights_clock_ns() - start_ns) / 1e6;
        if (status != YODA_OK)
            return status;
        if (run == 0 || ms < *best_ms)
            *best_ms = ms;
    }
    return YODA_OK;
}

static bool compare(yoda_engine *db, const struct question *question)
{
    yoda_error err;
    yoda_result *rows = NULL, *columns = NULL;
    double rows_ms = 0, columns_ms = 0;
    bool same = true;
    flights_check(measure(db, question->sql, YODA_SIDE_ROW, &rows, &rows_ms, &err), &err,
                  question->what);
    yoda_status status =
        measure(db, question->sql, YODA_SIDE_COLUMN, &columns, &columns_ms, &err);
    if (status == YODA_NOT_COLUMNAR) {
        printf("  %-32s %9.2f          -       -  SQLite answers: %s\n", question->what, rows_ms,
               err.message);
    } else {
        flights_check(status, &err, question->what);
        same = same_result(rows, columns);
        printf("  %-32s %9.2f  %9.2f  %5.1fx  %s\n", question->what, rows_ms, columns_ms,
               rows_ms / columns_ms, same ? "same answer" : "THE ANSWERS DIFFER");
    }
    yoda_result_close(rows);
    yoda_result_close(columns);
    return same;
}

bool report_compare(yoda_engine *db)
{
    bool same = true;
    printf("  %-32s %9s  %9s  %6s\n", "", "SQLite ms", "columns", "faster");
    for (size_t i = 0; i < QUESTIONS; i++)
        same = compare(db, &questions[i]) && same;
    return same;
}

bool report_verify(yoda_engine *db)
{
    static const char *const tables[] = {"flights", "airports", "planes",
                                         "airlines", "weather", "marker"};
    bool equal = true;
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        yoda_error err;
        yoda_verify_report report = {0};
        flights_check(yoda_verify(db, tables[i], 0, &report, &err), &err, tables[i]);
        bool same = report.tables == 1 && report.tables_equal == 1;
        printf("  %-10s %8" PRIu64 " rows  %s%s\n", tables[i], report.rows,
               same ? "equal" : "DIFFERENT: ", report.difference);
        equal = equal && same;
    }
    return equal;
}
