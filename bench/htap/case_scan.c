/*
 * case_scan.c -- TPC-H Q1 and Q6 shapes over a generated lineitem, SQLite beside two threads of
 * columns. Answers are compared before any time counts. Also: reopening that database.
 */
#include "bench.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char table_sql[] =
    "CREATE TABLE lineitem(l_orderkey INTEGER, l_partkey INTEGER, l_suppkey INTEGER,"
    " l_linenumber INTEGER, l_quantity DECIMAL(15,2), l_extendedprice DECIMAL(15,2),"
    " l_discount DECIMAL(15,2), l_tax DECIMAL(15,2), l_returnflag TEXT, l_linestatus TEXT,"
    " l_shipdate TEXT, l_commitdate TEXT, l_receiptdate TEXT, l_shipinstruct TEXT,"
    " l_shipmode TEXT, l_comment TEXT)";
static const char q1_sql[] =
    "SELECT l_returnflag, l_linestatus, sum(l_quantity), sum(l_extendedprice),"
    " sum(l_extendedprice * (1 - l_discount)),"
    " sum(l_extendedprice * (1 - l_discount) * (1 + l_tax)),"
    " avg(l_quantity), avg(l_extendedprice), avg(l_discount), count(*) FROM lineitem"
    " WHERE l_shipdate <= '1998-09-02' GROUP BY l_returnflag, l_linestatus"
    " ORDER BY l_returnflag, l_linestatus";
static const char q6_sql[] =
    "SELECT sum(l_extendedprice * l_discount) FROM lineitem WHERE l_shipdate >= '1994-01-01'"
    " AND l_shipdate < '1995-01-01' AND l_discount BETWEEN 0.05 AND 0.07 AND l_quantity < 24";

static void date_text(int64_t day, char out[16]) /* days after 1992-01-01 */
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year = 1992;
    for (;; year++) {
        int days = year % 4 ? 365 : 366;
        if (day < days)
            break;
        day -= days;
    }
    int month = 0;
    for (;; month++) {
        int days = lengths[month] + (month == 1 && year % 4 == 0);
        if (day < days)
            break;
        day -= days;
    }
    snprintf(out, 16, "%04d-%02d-%02d", year % 10000, month % 12 + 1, (int)(day % 31) + 1);
}

static void bind_line(sqlite3_stmt *insert, long i, uint64_t *seed)
{
    static const char *const instruct[] = {"DELIVER IN PERSON", "COLLECT COD", "NONE",
                                           "TAKE BACK RETURN"};
    static const char *const mode[] = {"REG AIR", "AIR", "RAIL", "SHIP", "TRUCK", "MAIL", "FOB"};
    uint64_t r = random_next(seed), r2 = random_next(seed);
    int64_t day = (int64_t)(r % 2526), quantity = 1 + (int64_t)(r2 % 50);
    char dates[3][16], comment[64];
    date_text(day, dates[0]);
    date_text(day + (int64_t)(r2 >> 20 & 63), dates[1]);
    date_text(day + 1 + (int64_t)(r2 >> 32 & 31), dates[2]);
    snprintf(comment, sizeof comment, "about the %llx deposits", (unsigned long long)(r2 >> 40));
    sqlite3_bind_int64(insert, 1, i / 4);
    sqlite3_bind_int64(insert, 2, (int64_t)(r >> 16 & 0x1ffff));
    sqlite3_bind_int64(insert, 3, (int64_t)(r >> 40 & 0x1fff));
    sqlite3_bind_int64(insert, 4, i % 4 + 1);
    sqlite3_bind_int64(insert, 5, quantity);
    sqlite3_bind_double(insert, 6, (double)(quantity * (90000 + (int64_t)(r >> 8 & 0xffff))) / 100);
    sqlite3_bind_double(insert, 7, (double)(r2 >> 8 & 0xff) / 25 > 10 ? 0.1
                                   : (double)((r2 >> 8 & 0xff) / 25) / 100);
    sqlite3_bind_double(insert, 8, (double)((r2 >> 16 & 0xff) / 29) / 100);
    int open = day > 1263;
    sqlite3_bind_text(insert, 9, open ? "N" : r2 & 1 ? "A" : "R", 1, SQLITE_STATIC);
    sqlite3_bind_text(insert, 10, day > 1250 ? "O" : "F", 1, SQLITE_STATIC);
    for (int d = 0; d < 3; d++)
        sqlite3_bind_text(insert, 11 + d, dates[d], -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(insert, 14, instruct[r >> 3 & 3], -1, SQLITE_STATIC);
    sqlite3_bind_text(insert, 15, mode[(r >> 5) % 7], -1, SQLITE_STATIC);
    sqlite3_bind_text(insert, 16, comment, -1, SQLITE_TRANSIENT);
}

static void fill(sqlite3 *db, long rows)
{
    uint64_t seed = 1;
    plain_exec(db, table_sql);
    plain_exec(db, "BEGIN");
    sqlite3_stmt *insert =
        plain_prepare(db, "INSERT INTO lineitem VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
    for (long i = 0; i < rows; i++) {
        bind_line(insert, i, &seed);
        sqlite3_step(insert);
        sqlite3_reset(insert);
        if (i % 1000000 == 0)
            fprintf(stderr, "scan: generated %ld rows\n", i);
    }
    sqlite3_finalize(insert);
    plain_exec(db, "COMMIT");
}

static double sqlite_seconds(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *stmt = plain_prepare(db, sql);
    double start = wall_seconds();
    plain_drain(stmt);
    double used = wall_seconds() - start;
    sqlite3_finalize(stmt);
    return used;
}

static yoda_result *column_query(yoda_engine *engine, const char *sql)
{
    yoda_result *result;
    yoda_error err;
    yoda_query_options options = YODA_QUERY_OPTIONS_INIT;
    options.side = YODA_SIDE_COLUMN;
    check(yoda_query(engine, sql, NULL, &options, &result, &err), &err, sql);
    return result;
}

static double column_seconds(yoda_engine *engine, const char *sql)
{
    double start = wall_seconds();
    yoda_result_close(column_query(engine, sql));
    return wall_seconds() - start;
}

/* SQLite before 3.43 adds REALs naively: over millions of equal-signed cents it drifts by some
 * 1e-12 of the sum; Yoda's sums lie within 1e-14 of the exact ones. */
#define NAIVE_DRIFT 2e-11

static void compare_answers(sqlite3 *db, yoda_engine *engine, const char *sql)
{
    sqlite3_stmt *stmt = plain_prepare(db, sql);
    yoda_result *result = column_query(engine, sql);
    int equal = 1;
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        equal &= yoda_result_next(result);
        for (int c = 0; equal && c < sqlite3_column_count(stmt); c++) {
            yoda_value v;
            yoda_result_value(result, (size_t)c, &v);
            equal &= (int)v.type == sqlite3_column_type(stmt, c);
            if (v.type == YODA_REAL)
                equal &= fabs(v.real - sqlite3_column_double(stmt, c)) <=
                         NAIVE_DRIFT * fabs(v.real);
            else if (v.type == YODA_INTEGER)
                equal &= v.integer == sqlite3_column_int64(stmt, c);
            else
                equal &= !memcmp(v.data, sqlite3_column_text(stmt, c), v.size);
        }
    }
    equal &= !yoda_result_next(result);
    sqlite3_finalize(stmt);
    yoda_result_close(result);
    if (!equal) {
        fprintf(stderr, "bench: answers differ: %s\n", sql);
        exit(1);
    }
}

static void measure_query(const struct settings *settings, sqlite3 *db, yoda_engine *engine,
                          const char *name, const char *sql)
{
    struct figure f = {.name = name, .unit = "s", .kind = TARGET_RATIO_AT_MOST, .target = 1.0 / 50};
    compare_answers(db, engine, sql);
    column_seconds(engine, sql);
    for (int round = 0; round < settings->rounds; round++) {
        samples_add(&f.baseline, sqlite_seconds(db, sql));
        samples_add(&f.yoda, column_seconds(engine, sql));
        fprintf(stderr, "%s: round %d of %d\n", name, round + 1, settings->rounds);
    }
    report_figure(&f);
}

void case_scan(const struct settings *settings)
{
    static const char *const two_threads[] = {"threads", "2", NULL};
    struct figure reopen = {.name = "reopen", .unit = "ms", .kind = TARGET_VALUE_AT_MOST,
                            .target = 200};
    char *path = scratch_path(settings, "scan.db");
    yoda_error err;
    sqlite3 *db = plain_open(path);
    fill(db, settings->scan_rows);
    yoda_engine *engine = engine_open(path, two_threads);
    double start = wall_seconds();
    check(yoda_register_table(engine, "lineitem", NULL, &err), &err, "register");
    fprintf(stderr, "scan: copied in %.1f s\n", wall_seconds() - start);
    check(yoda_checkpoint(engine, &err), &err, "checkpoint");
    measure_query(settings, db, engine, "TPC-H Q1 shape, two threads", q1_sql);
    measure_query(settings, db, engine, "TPC-H Q6 shape, two threads", q6_sql);
    yoda_close(engine);
    for (int round = 0; round < settings->rounds; round++) {
        start = wall_seconds();
        engine = engine_open(path, two_threads);
        column_seconds(engine, "SELECT count(*) FROM lineitem");
        samples_add(&reopen.yoda, 1e3 * (wall_seconds() - start));
        yoda_close(engine);
    }
    report_figure(&reopen);
    sqlite3_close(db);
    free(path);
}
