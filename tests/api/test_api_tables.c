/* test_api_tables.c -- registered tables: routes, freshness, schema changes, verify, two engines.
 */
#include "fixture.h"

static yoda_side side_of(yoda_engine *db, const char *sql)
{
    yoda_side side = YODA_SIDE_AUTO;
    fixture_int_on(db, sql, YODA_SIDE_AUTO, &side);
    return side;
}

static void make_table(yoda_engine *db)
{
    yoda_error err;
    fixture_execute(db, "CREATE TABLE t(id INTEGER PRIMARY KEY, v REAL, s TEXT);"
                        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 1000)"
                        "INSERT INTO t SELECT i, i * 0.5, 'row ' || (i % 10) FROM n");
    OK(yoda_register_table(db, "t", NULL, &err));
}

static void columns_answer(void **state)
{
    struct fixture *f = *state;
    yoda_side side;
    make_table(f->db);
    assert_int_equal(
        fixture_int_on(f->db, "SELECT count(*) FROM t WHERE v > 100", YODA_SIDE_COLUMN, &side),
        800);
    assert_int_equal(side, YODA_SIDE_COLUMN);
    assert_int_equal(side_of(f->db, "SELECT sum(id) FROM t"), YODA_SIDE_COLUMN);
    assert_int_equal(side_of(f->db, "SELECT count(*) FROM sqlite_schema"), YODA_SIDE_ROW);
    assert_int_equal(side_of(f->db, "SELECT id FROM t WHERE id = 5"), YODA_SIDE_ROW);
    assert_int_equal(side_of(f->db, "SELECT id FROM t WHERE rowid IN (5, 6)"), YODA_SIDE_ROW);
    assert_int_equal(fixture_int_on(f->db, "SELECT id FROM t WHERE id = 5", YODA_SIDE_COLUMN, NULL),
                     5);
    assert_int_equal(fixture_int_on(f->db, "SELECT count(*) FROM t", YODA_SIDE_ROW, &side), 1000);
    assert_int_equal(side, YODA_SIDE_ROW);
}

/* Registering and checkpoints write on the application's connection, invisibly. */
static void last_rowid_is_the_application_s(void **state)
{
    struct fixture *f = *state;
    yoda_error err;
    fixture_execute(f->db, "CREATE TABLE parent(id INTEGER PRIMARY KEY); CREATE TABLE child(p);"
                           "INSERT INTO parent VALUES (4711)");
    OK(yoda_register_table(f->db, "parent", NULL, &err));
    OK(yoda_checkpoint(f->db, &err));
    fixture_execute(f->db, "INSERT INTO child VALUES (last_insert_rowid())");
    assert_int_equal(fixture_int_on(f->db, "SELECT p FROM child", YODA_SIDE_ROW, NULL), 4711);
}

static void demanded_columns_say_why_not(void **state)
{
    struct fixture *f = *state;
    yoda_error err;
    yoda_result *rows = NULL;
    yoda_query_options options = YODA_QUERY_OPTIONS_INIT;
    options.side = YODA_SIDE_COLUMN;
    fixture_execute(f->db, "CREATE TABLE u(a)");
    FAILS(YODA_NOT_COLUMNAR,
          yoda_query(f->db, "SELECT count(*) FROM u", NULL, &options, &rows, &err));
    assert_non_null(strstr(err.message, "not registered"));
    assert_null(rows);
}

static void queries_are_fresh(void **state)
{
    struct fixture *f = *state;
    yoda_error err;
    yoda_result *rows = NULL;
    yoda_result_info info;
    yoda_query_options any = YODA_QUERY_OPTIONS_INIT;
    char sql[100];
    make_table(f->db);
    for (int i = 1; i <= 20; i++) {
        snprintf(sql, sizeof sql, "INSERT INTO t VALUES (%d, 0, 'new')", 1000 + i);
        fixture_execute(f->db, sql);
        assert_int_equal(fixture_int_on(f->db, "SELECT count(*) FROM t", YODA_SIDE_COLUMN, NULL),
                         1000 + i);
    }
    fixture_execute(f->db, "DELETE FROM t WHERE id > 500");
    any.side = YODA_SIDE_COLUMN;
    any.max_staleness_ms = YODA_STALENESS_ANY;
    OK(yoda_query(f->db, "SELECT count(*) FROM t", NULL, &any, &rows, &err));
    assert_true(yoda_result_next(rows));
    assert_int_equal(yoda_result_int64(rows, 0), 1020);
    yoda_result_info_get(rows, &info);
    assert_true(info.staleness_ms >= 1);
    yoda_result_close(rows);
    OK(yoda_query(f->db, "SELECT count(*) FROM t", NULL, NULL, &rows, &err));
    yoda_result_info_get(rows, &info);
    assert_int_equal(info.staleness_ms, 0);
    assert_int_equal(info.side, YODA_SIDE_COLUMN);
    yoda_result_close(rows);
    assert_int_equal(fixture_int(f->db, "SELECT count(*) FROM t"), 500);
}

static void registration_is_checked(void **state)
{
    static const char *const columns[] = {"id", "v"}, *const types[] = {"int64", "float64"},
                             *const wrong_types[] = {"int64", "utf8"},
                             *const no_types[] = {"int64", "huge"},
                             *const no_columns[] = {"id", "w"}, *const key[] = {"id"},
                             *const wrong_key[] = {"v"};
    struct fixture *f = *state;
    yoda_error err;
    yoda_table_schema schema = {2, columns, types, 1, key};
    fixture_execute(f->db, "CREATE TABLE t(id INTEGER PRIMARY KEY, v REAL, s TEXT);"
                           "CREATE VIEW w AS SELECT * FROM t;"
                           "CREATE TABLE h(rowid, oid, _rowid_)");
    FAILS(YODA_NOT_FOUND, yoda_register_table(f->db, "missing", NULL, &err));
    FAILS(YODA_ERROR, yoda_register_table(f->db, "w", NULL, &err));
    FAILS(YODA_ERROR, yoda_register_table(f->db, "h", NULL, &err));
    FAILS(YODA_ERROR, yoda_register_table(f->db, "_yoda_log", NULL, &err));
    schema.column_types = wrong_types;
    FAILS(YODA_ERROR, yoda_register_table(f->db, "t", &schema, &err));
    assert_non_null(strstr(err.message, "t.v"));
    schema.column_types = no_types;
    FAILS(YODA_ERROR, yoda_register_table(f->db, "t", &schema, &err));
    assert_non_null(strstr(err.message, "huge"));
    schema.column_types = types;
    schema.column_names = no_columns;
    FAILS(YODA_NOT_FOUND, yoda_register_table(f->db, "t", &schema, &err));
    assert_non_null(strstr(err.message, "column w"));
    schema.column_names = columns;
    schema.key_names = wrong_key;
    FAILS(YODA_ERROR, yoda_register_table(f->db, "t", &schema, &err));
    assert_non_null(strstr(err.message, "key (v)"));
    schema.key_names = key;
    OK(yoda_register_table(f->db, "t", &schema, &err));
    OK(yoda_register_table(f->db, "T", &schema, &err));
    FAILS(YODA_CONFLICT, yoda_register_table(f->db, "t", NULL, &err));
    OK(yoda_unregister_table(f->db, "t", &err));
    FAILS(YODA_NOT_FOUND, yoda_unregister_table(f->db, "t", &err));
    OK(yoda_register_table(f->db, "t", NULL, &err));
}

static void schema_changes_are_followed(void **state)
{
    struct fixture *f = *state;
    yoda_error err;
    make_table(f->db);
    fixture_execute(f->db, "ALTER TABLE t ADD COLUMN extra INTEGER DEFAULT 3");
    assert_int_equal(fixture_int(f->db, "SELECT sum(extra) FROM t"), 3000);
    OK(yoda_sync(f->db, NULL, &err));
    assert_int_equal(fixture_int_on(f->db, "SELECT sum(extra) FROM t", YODA_SIDE_COLUMN, NULL),
                     3000);
    fixture_execute(f->db, "ALTER TABLE t RENAME TO u");
    assert_int_equal(fixture_int(f->db, "SELECT count(*) FROM u"), 1000);
    OK(yoda_sync(f->db, NULL, &err));
    assert_int_equal(fixture_int_on(f->db, "SELECT count(*) FROM u", YODA_SIDE_COLUMN, NULL), 1000);
    fixture_execute(f->db, "DROP TABLE u; CREATE TABLE u(a); INSERT INTO u VALUES (1)");
    assert_int_equal(fixture_int(f->db, "SELECT count(*) FROM u"), 1);
    OK(yoda_sync(f->db, NULL, &err));
    assert_int_equal(fixture_int(f->db, "SELECT count(*) FROM u"), 1);
    fixture_execute(f->db, "VACUUM");
    assert_int_equal(fixture_int(f->db, "SELECT count(*) FROM u"), 1);
}

static void sync_reports(void **state)
{
    struct fixture *f = *state;
    yoda_error err;
    yoda_sync_stats stats;
    make_table(f->db);
    fixture_execute(f->db, "INSERT INTO t VALUES (2000, 1, 'x'), (2001, 1, 'x');"
                           "UPDATE t SET v = 7 WHERE id = 1; DELETE FROM t WHERE id = 2");
    OK(yoda_sync(f->db, &stats, &err));
    assert_true(stats.events_processed >= 4);
    assert_int_equal(stats.rows_inserted, 2);
    assert_int_equal(stats.rows_updated, 1);
    assert_int_equal(stats.rows_deleted, 1);
    yoda_engine_status status = {.size = sizeof status};
    OK(yoda_status_get(f->db, &status, &err));
    assert_true(status.owner && !status.closed);
    assert_int_equal(status.watermark, stats.last_seq);
    assert_int_equal(status.log_head, stats.last_seq);
    assert_int_equal(status.lag_events, 0);
    assert_int_equal(status.tables, 1);
    assert_int_equal(status.rows, 1001);
    assert_true(status.syncs > 0);
}

static void verify_agrees(void **state)
{
    struct fixture *f = *state;
    yoda_error err;
    yoda_verify_report report;
    make_table(f->db);
    fixture_execute(f->db,
                    "UPDATE t SET s = NULL WHERE id % 3 = 0; DELETE FROM t WHERE id % 7 = 0");
    OK(yoda_verify(f->db, NULL, 0, &report, &err));
    assert_string_equal(report.difference, "");
    assert_int_equal(report.tables, 1);
    assert_int_equal(report.tables_equal, 1);
    assert_int_equal(report.rows, 1000 - 142);
    OK(yoda_verify(f->db, "t", YODA_VERIFY_REPAIR, &report, &err));
    assert_int_equal(report.tables_repaired, 0);
    FAILS(YODA_NOT_FOUND, yoda_verify(f->db, "missing", 0, &report, &err));
}

static void survives_reopening(void **state)
{
    const yoda_option options[] = {{"sync_interval_ms", "0"}};
    struct fixture *f = *state;
    yoda_error err;
    yoda_verify_report report;
    make_table(f->db);
    OK(yoda_checkpoint(f->db, &err));
    fixture_execute(f->db, "DELETE FROM t WHERE id <= 10");
    for (int i = 0; i < 3; i++) {
        yoda_close(f->db);
        f->db = fixture_open(f->path, options, 1);
        OK(yoda_sync(f->db, NULL, &err));
        assert_int_equal(fixture_int_on(f->db, "SELECT count(*) FROM t", YODA_SIDE_COLUMN, NULL),
                         990 + i);
        OK(yoda_verify(f->db, NULL, 0, &report, &err));
        assert_string_equal(report.difference, "");
        char sql[100];
        snprintf(sql, sizeof sql, "INSERT INTO t VALUES (%d, 1, 'again')", i + 1);
        fixture_execute(f->db, sql);
    }
}

static void one_owner(void **state)
{
    const yoda_option options[] = {{"sync_interval_ms", "0"}};
    struct fixture *f = *state;
    yoda_error err;
    yoda_side side;
    make_table(f->db);
    yoda_engine *second = fixture_open(f->path, options, 1);
    yoda_engine_status status = {.size = sizeof status};
    OK(yoda_status_get(second, &status, &err));
    assert_false(status.owner);
    assert_int_equal(fixture_int_on(second, "SELECT count(*) FROM t", YODA_SIDE_AUTO, &side), 1000);
    assert_int_equal(side, YODA_SIDE_ROW);
    fixture_execute(second, "DELETE FROM t WHERE id > 990");
    assert_int_equal(fixture_int_on(f->db, "SELECT count(*) FROM t", YODA_SIDE_COLUMN, NULL), 990);
    fixture_execute(second, "CREATE TABLE u(a); INSERT INTO u VALUES (1)");
    OK(yoda_register_table(second, "u", NULL, &err));
    OK(yoda_sync(f->db, NULL, &err));
    assert_int_equal(fixture_int_on(f->db, "SELECT count(*) FROM u", YODA_SIDE_COLUMN, NULL), 1);
    yoda_close(f->db);
    f->db = second;
    OK(yoda_sync(second, NULL, &err));
    assert_int_equal(fixture_int_on(second, "SELECT count(*) FROM t", YODA_SIDE_COLUMN, NULL), 990);
}

static void explains(void **state)
{
    struct fixture *f = *state;
    yoda_error err;
    yoda_result *rows = NULL;
    size_t size = 0;
    make_table(f->db);
    OK(yoda_explain(f->db, "SELECT s, count(*) FROM t GROUP BY s", &rows, &err));
    assert_true(yoda_result_next(rows));
    assert_memory_equal(yoda_result_bytes(rows, 0, &size), "column: ", 8);
    assert_true(yoda_result_next(rows));
    yoda_result_close(rows);
    OK(yoda_query(f->db, "EXPLAIN YODA SELECT * FROM t WHERE id = 1", NULL, NULL, &rows, &err));
    assert_true(yoda_result_next(rows));
    assert_memory_equal(yoda_result_bytes(rows, 0, &size), "row: point read by key", 22);
    yoda_result_close(rows);
    OK(yoda_explain(f->db, "DELETE FROM t", &rows, &err));
    assert_true(yoda_result_next(rows));
    assert_memory_equal(yoda_result_bytes(rows, 0, &size), "row: writes", 11);
    yoda_result_close(rows);
    FAILS(YODA_ERROR, yoda_explain(f->db, "SELECT * FROM missing", &rows, &err));
}

/* The tree with what each operator did; on SQLite's side, that it ran there. */
static void analyzes(void **state)
{
    struct fixture *f = *state;
    yoda_error err;
    yoda_result *rows = NULL;
    yoda_value id = {.type = YODA_INTEGER, .integer = 10};
    const yoda_params params = {.values = &id, .count = 1};
    yoda_query_options options = YODA_QUERY_OPTIONS_INIT;
    size_t size = 0, nodes = 0, scans = 0;
    make_table(f->db);
    options.side = YODA_SIDE_COLUMN;
    OK(yoda_query(f->db, "EXPLAIN YODA ANALYZE SELECT count(*) FROM t WHERE id > ?", &params,
                  &options, &rows, &err));
    assert_string_equal(yoda_result_column_name(rows, 0), "plan");
    assert_string_equal(yoda_result_column_name(rows, 7), "depth");
    while (yoda_result_next(rows)) {
        if (yoda_result_type(rows, 7) != YODA_INTEGER)
            continue;
        assert_true(yoda_result_double(rows, 3) >= 0);
        assert_int_equal(yoda_result_int64(rows, 7), nodes);
        nodes++;
        if (yoda_result_bytes(rows, 6, &size) && size > 0) {
            assert_int_equal(yoda_result_int64(rows, 1), 990);
            assert_memory_equal(yoda_result_bytes(rows, 6, &size), "1/1 segments", 12);
            scans++;
        }
    }
    assert_true(nodes >= 2);
    assert_int_equal(scans, 1);
    yoda_result_close(rows);
    OK(yoda_query(f->db, "EXPLAIN YODA ANALYZE SELECT * FROM t WHERE id = 1", NULL, NULL, &rows,
                  &err));
    assert_true(yoda_result_next(rows));
    assert_memory_equal(yoda_result_bytes(rows, 0, &size), "row: ", 5);
    yoda_result_close(rows);
}

static void inspections(void **state)
{
    struct fixture *f = *state;
    yoda_error err;
    yoda_result *rows = NULL;
    size_t size = 0;
    make_table(f->db);
    OK(yoda_inspect(f->db, YODA_INSPECT_TABLES, NULL, &rows, &err));
    assert_true(yoda_result_next(rows));
    assert_memory_equal(yoda_result_bytes(rows, 1, &size), "ready", 5);
    assert_int_equal(yoda_result_int64(rows, 2), 1000);
    assert_false(yoda_result_next(rows));
    yoda_result_close(rows);
    OK(yoda_inspect(f->db, YODA_INSPECT_SEGMENTS, "t", &rows, &err));
    int columns = 0;
    while (yoda_result_next(rows))
        columns++;
    assert_int_equal(columns, 3);
    yoda_result_close(rows);
}

static void memory_side(void **state)
{
    const yoda_option options[] = {{"sync_interval_ms", "0"}, {"busy_timeout_ms", "200"}};
    yoda_engine *db = fixture_open(":memory:", options, 2);
    yoda_error err;
    yoda_verify_report report;
    yoda_txn *txn = NULL;
    (void)state;
    make_table(db);
    fixture_execute(db, "DELETE FROM t WHERE id > 900");
    assert_int_equal(fixture_int_on(db, "SELECT count(*) FROM t", YODA_SIDE_COLUMN, NULL), 900);
    OK(yoda_verify(db, NULL, 0, &report, &err));
    assert_string_equal(report.difference, "");
    OK(yoda_begin(db, &txn, &err)); /* the columns answer beside an open transaction */
    OK(yoda_txn_execute(txn, "DELETE FROM t", NULL, NULL, &err));
    assert_int_equal(fixture_int_on(db, "SELECT count(*) FROM t", YODA_SIDE_COLUMN, NULL), 900);
    OK(yoda_commit(txn, &err));
    assert_int_equal(fixture_int_on(db, "SELECT count(*) FROM t", YODA_SIDE_COLUMN, NULL), 0);
    yoda_close(db);
}

static void memory_log_is_pruned(void **state)
{
    const yoda_option options[] = {{"sync_interval_ms", "0"}, {"olap_in_memory", "true"}};
    struct fixture *f = *state;
    yoda_error err;
    yoda_sync_stats stats;
    yoda_close(f->db);
    f->db = fixture_open(f->path, options, 2);
    make_table(f->db);
    fixture_execute(f->db, "UPDATE t SET v = v + 1");
    OK(yoda_sync(f->db, &stats, &err));
    assert_true(stats.pruned > 900);
    assert_int_equal(fixture_int(f->db, "SELECT count(*) FROM _yoda_log"), 1);
}

#define T(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(columns_answer),
        T(last_rowid_is_the_application_s),
        T(demanded_columns_say_why_not),
        T(queries_are_fresh),
        T(registration_is_checked),
        T(schema_changes_are_followed),
        T(sync_reports),
        T(verify_agrees),
        T(survives_reopening),
        T(one_owner),
        T(explains),
        T(analyzes),
        T(inspections),
        cmocka_unit_test(memory_side),
        T(memory_log_is_pruned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
