/* tpch_load.c -- plain SQLite fills the file as fast as it can; Yoda copies the tables afterwards.
 */
#include "tpch_load.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS_MAX 16
#define PATH_BYTES 4400

const char *const tpch_tables[TPCH_TABLES] = {"region", "nation",   "supplier", "customer",
                                              "part",   "partsupp", "orders",   "lineitem"};

static const char schema[] =
    "CREATE TABLE region(r_regionkey INTEGER NOT NULL PRIMARY KEY, r_name CHAR(25) NOT NULL,"
    " r_comment VARCHAR(152));"
    "CREATE TABLE nation(n_nationkey INTEGER NOT NULL PRIMARY KEY, n_name CHAR(25) NOT NULL,"
    " n_regionkey INTEGER NOT NULL REFERENCES region, n_comment VARCHAR(152));"
    "CREATE TABLE supplier(s_suppkey INTEGER NOT NULL PRIMARY KEY, s_name CHAR(25) NOT NULL,"
    " s_address VARCHAR(40) NOT NULL, s_nationkey INTEGER NOT NULL REFERENCES nation,"
    " s_phone CHAR(15) NOT NULL, s_acctbal DECIMAL(15,2) NOT NULL,"
    " s_comment VARCHAR(101) NOT NULL);"
    "CREATE TABLE customer(c_custkey INTEGER NOT NULL PRIMARY KEY, c_name VARCHAR(25) NOT NULL,"
    " c_address VARCHAR(40) NOT NULL, c_nationkey INTEGER NOT NULL REFERENCES nation,"
    " c_phone CHAR(15) NOT NULL, c_acctbal DECIMAL(15,2) NOT NULL,"
    " c_mktsegment CHAR(10) NOT NULL, c_comment VARCHAR(117) NOT NULL);"
    "CREATE TABLE part(p_partkey INTEGER NOT NULL PRIMARY KEY, p_name VARCHAR(55) NOT NULL,"
    " p_mfgr CHAR(25) NOT NULL, p_brand CHAR(10) NOT NULL, p_type VARCHAR(25) NOT NULL,"
    " p_size INTEGER NOT NULL, p_container CHAR(10) NOT NULL,"
    " p_retailprice DECIMAL(15,2) NOT NULL, p_comment VARCHAR(23) NOT NULL);"
    "CREATE TABLE partsupp(ps_partkey INTEGER NOT NULL REFERENCES part,"
    " ps_suppkey INTEGER NOT NULL REFERENCES supplier, ps_availqty INTEGER NOT NULL,"
    " ps_supplycost DECIMAL(15,2) NOT NULL, ps_comment VARCHAR(199) NOT NULL,"
    " PRIMARY KEY(ps_partkey, ps_suppkey));"
    "CREATE TABLE orders(o_orderkey INTEGER NOT NULL PRIMARY KEY,"
    " o_custkey INTEGER NOT NULL REFERENCES customer, o_orderstatus CHAR(1) NOT NULL,"
    " o_totalprice DECIMAL(15,2) NOT NULL, o_orderdate DATE NOT NULL,"
    " o_orderpriority CHAR(15) NOT NULL, o_clerk CHAR(15) NOT NULL,"
    " o_shippriority INTEGER NOT NULL, o_comment VARCHAR(79) NOT NULL);"
    "CREATE TABLE lineitem(l_orderkey INTEGER NOT NULL REFERENCES orders,"
    " l_partkey INTEGER NOT NULL REFERENCES part,"
    " l_suppkey INTEGER NOT NULL REFERENCES supplier, l_linenumber INTEGER NOT NULL,"
    " l_quantity DECIMAL(15,2) NOT NULL, l_extendedprice DECIMAL(15,2) NOT NULL,"
    " l_discount DECIMAL(15,2) NOT NULL, l_tax DECIMAL(15,2) NOT NULL,"
    " l_returnflag CHAR(1) NOT NULL, l_linestatus CHAR(1) NOT NULL, l_shipdate DATE NOT NULL,"
    " l_commitdate DATE NOT NULL, l_receiptdate DATE NOT NULL, l_shipinstruct CHAR(25) NOT NULL,"
    " l_shipmode CHAR(10) NOT NULL, l_comment VARCHAR(44) NOT NULL,"
    " PRIMARY KEY(l_orderkey, l_linenumber));";

static const char indexes[] = "CREATE INDEX nation_region ON nation(n_regionkey);"
                              "CREATE INDEX supplier_nation ON supplier(s_nationkey);"
                              "CREATE INDEX customer_nation ON customer(c_nationkey);"
                              "CREATE INDEX partsupp_supplier ON partsupp(ps_suppkey);"
                              "CREATE INDEX orders_customer ON orders(o_custkey);"
                              "CREATE INDEX orders_date ON orders(o_orderdate);"
                              "CREATE INDEX lineitem_part ON lineitem(l_partkey, l_suppkey);"
                              "CREATE INDEX lineitem_supplier ON lineitem(l_suppkey);"
                              "CREATE INDEX lineitem_shipdate ON lineitem(l_shipdate);"
                              "ANALYZE;";

static bool run(sqlite3 *db, const char *sql)
{
    char *message = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &message) == SQLITE_OK)
        return true;
    fprintf(stderr, "tpch: %s: %s\n", sql, message ? message : "?");
    sqlite3_free(message);
    return false;
}

/* Texts all the way: the columns' affinities make the numbers, as for any text that is inserted. */
static bool insert_line(sqlite3_stmt *insert, const char *line)
{
    int columns = sqlite3_bind_parameter_count(insert);
    for (int c = 1; c <= columns; c++) {
        size_t size = strcspn(line, "|\r\n");
        if (line[size] != '|' && c < columns)
            return false;
        sqlite3_bind_text(insert, c, line, (int)size, SQLITE_STATIC);
        line += size + 1;
    }
    bool good = sqlite3_step(insert) == SQLITE_DONE;
    sqlite3_reset(insert);
    return good;
}

static sqlite3_stmt *prepare_insert(sqlite3 *db, const char *table)
{
    sqlite3_stmt *probe = NULL, *insert = NULL;
    char sql[200], marks[2 * COLUMNS_MAX + 1] = "";
    snprintf(sql, sizeof sql, "SELECT * FROM %s", table);
    if (sqlite3_prepare_v2(db, sql, -1, &probe, NULL) != SQLITE_OK)
        return NULL;
    for (int c = 0; c < sqlite3_column_count(probe); c++)
        memcpy(marks + (c ? 2 * c - 1 : 0), c ? ",?" : "?", c ? 3 : 2);
    sqlite3_finalize(probe);
    snprintf(sql, sizeof sql, "INSERT INTO %s VALUES (%s)", table, marks);
    return sqlite3_prepare_v2(db, sql, -1, &insert, NULL) == SQLITE_OK ? insert : NULL;
}

static bool fill(sqlite3 *db, const char *folder, const char *table)
{
    char path[PATH_BYTES], *line = NULL;
    size_t capacity = 0, rows = 0;
    bool good = true;
    snprintf(path, sizeof path, "%s/%s.tbl", folder, table);
    FILE *f = fopen(path, "r");
    sqlite3_stmt *insert = f ? prepare_insert(db, table) : NULL;
    if (!insert) {
        fprintf(stderr, "tpch: cannot read %s\n", path);
        if (f)
            fclose(f);
        return false;
    }
    for (; good && getline(&line, &capacity, f) > 0; rows++)
        good = insert_line(insert, line);
    if (!good)
        fprintf(stderr, "tpch: %s: row %zu: %s\n", path, rows, sqlite3_errmsg(db));
    free(line);
    fclose(f);
    sqlite3_finalize(insert);
    return good;
}

bool tpch_load(const char *database, const char *folder)
{
    sqlite3 *db = NULL;
    bool good = sqlite3_open(database, &db) == SQLITE_OK &&
                run(db, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
                        "PRAGMA cache_size = -400000; BEGIN;") &&
                run(db, schema);
    for (size_t t = 0; t < TPCH_TABLES && good; t++)
        good = fill(db, folder, tpch_tables[t]);
    good = good && run(db, "COMMIT;") && run(db, indexes);
    sqlite3_close(db);
    return good;
}

yoda_status tpch_register(yoda_engine *db, yoda_error *err)
{
    yoda_status status = YODA_OK;
    for (size_t t = 0; t < TPCH_TABLES && status == YODA_OK; t++)
        status = yoda_register_table(db, tpch_tables[t], NULL, err);
    return status;
}

char *tpch_read_text(const char *path)
{
    FILE *f = fopen(path, "rb");
    char *text = NULL;
    size_t size = 0, capacity = 0;
    if (!f)
        return NULL;
    for (;;) {
        if (capacity - size < 2)
            text = realloc(text, capacity = capacity ? 2 * capacity : 4096);
        size_t got = text ? fread(text + size, 1, capacity - size - 1, f) : 0;
        size += got;
        if (got == 0)
            break;
    }
    if (text)
        text[size] = 0;
    fclose(f);
    return text;
}
