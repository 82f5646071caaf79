/*
 * expr_oracle.h -- an SQLite in memory beside the evaluator, which does its number conversions.
 */
#ifndef YODA_TEST_EXPR_ORACLE_H
#define YODA_TEST_EXPR_ORACLE_H

#include "test.h"

#include "base/str.h"
#include "olap/column/chunk.h"
#include "olap/exec/expr.h"

#include <sqlite3.h>

/* ---- number_text by SQLite ------------------------------------------------------------------ */

static sqlite3 *oracle_db;

static size_t oracle_real_to_text(double value, char out[40])
{
    sqlite3_snprintf(40, out, "%!.15g", value);
    return strlen(out);
}

static double oracle_text_to_real(const char *text, size_t size)
{
    static sqlite3_stmt *stmt;
    if (!stmt)
        assert_int_equal(sqlite3_prepare_v2(oracle_db, "SELECT CAST(?1 AS REAL)", -1, &stmt, NULL),
                         SQLITE_OK);
    sqlite3_bind_text(stmt, 1, text, (int)size, SQLITE_STATIC);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    double r = sqlite3_column_double(stmt, 0);
    sqlite3_reset(stmt);
    return r;
}

static double oracle_round_real(double value, int digits)
{
    static sqlite3_stmt *stmt;
    if (!stmt)
        assert_int_equal(sqlite3_prepare_v2(oracle_db, "SELECT round(?1, ?2)", -1, &stmt, NULL),
                         SQLITE_OK);
    sqlite3_bind_double(stmt, 1, value);
    sqlite3_bind_int(stmt, 2, digits);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    double r = sqlite3_column_double(stmt, 0);
    sqlite3_reset(stmt);
    return r;
}

static const struct number_text oracle_number_text = {oracle_real_to_text, oracle_text_to_real,
                                                      oracle_round_real};

static void oracle_open(void)
{
    if (oracle_db)
        return;
    assert_int_equal(sqlite3_open(":memory:", &oracle_db), SQLITE_OK);
    expr_set_number_text(&oracle_number_text);
}

#endif
