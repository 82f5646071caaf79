/*
 * test_api_upkeep.c -- what the background thread does after a sync when it makes no rounds of its
 * own: encode, checkpoint, and catch up beside queries that SQLite answers meanwhile.
 */
#include "fixture.h"

#include <time.h>
#include <unistd.h>

#define PATIENCE_S 60
#define BATCH 70000 /* two fill a segment: neither sync alone, so neither encodes it */

/* Ask until it is so; the thread needs a moment. */
static void until(bool (*is_so)(yoda_engine *db), yoda_engine *db)
{
    for (time_t end = time(NULL) + PATIENCE_S; !is_so(db); usleep(2000))
        if (time(NULL) > end)
            fail_msg("it did not happen in %d s", PATIENCE_S);
}

static yoda_engine_status status_of(yoda_engine *db)
{
    yoda_error err;
    yoda_engine_status status = {.size = sizeof status};
    OK(yoda_status_get(db, &status, &err));
    return status;
}

static void append(yoda_engine *db, int first, int count)
{
    char sql[300];
    snprintf(sql, sizeof sql,
             "WITH RECURSIVE n(i) AS (SELECT %d UNION ALL SELECT i + 1 FROM n LIMIT %d)"
             "INSERT INTO t SELECT i, i %% 10, 'row ' || (i %% 100) FROM n",
             first, count);
    fixture_execute(db, sql);
}

static void reopen(struct fixture *f, const yoda_option *options, size_t count)
{
    yoda_error err;
    yoda_close(f->db);
    f->db = fixture_open(f->path, options, count);
    fixture_execute(f->db, "CREATE TABLE t(id INTEGER PRIMARY KEY, k INT, s TEXT)");
    OK(yoda_register_table(f->db, "t", NULL, &err));
    OK(yoda_sync(f->db, NULL, &err));
}

static int raw_segments(yoda_engine *db)
{
    yoda_error err;
    yoda_result *rows = NULL;
    int raw = 0;
    size_t size = 0, encoding = SIZE_MAX, columns = 0;
    OK(yoda_inspect(db, YODA_INSPECT_SEGMENTS, "t", &rows, &err));
    columns = yoda_result_column_count(rows);
    for (size_t c = 0; c < columns; c++)
        if (strcmp(yoda_result_column_name(rows, c), "encoding") == 0)
            encoding = c;
    assert_true(encoding < columns);
    while (yoda_result_next(rows)) {
        const char *name = yoda_result_bytes(rows, encoding, &size);
        raw += size == 3 && memcmp(name, "raw", 3) == 0;
    }
    yoda_result_close(rows);
    return raw / 3; /* columns */
}

static bool one_raw_is_left(yoda_engine *db)
{
    return raw_segments(db) <= 1;
}

static void syncs_leave_the_encoding_to_the_thread(void **state)
{
    struct fixture *f = *state;
    yoda_error err;
    const yoda_option options[] = {{"sync_interval_ms", "0"}};
    reopen(f, options, 1);
    append(f->db, 1, BATCH);
    OK(yoda_sync(f->db, NULL, &err));
    assert_int_equal(raw_segments(f->db), 1);
    append(f->db, BATCH + 1, BATCH);
    OK(yoda_sync(f->db, NULL, &err));
    until(one_raw_is_left, f->db);
    fixture_execute(f->db, "DELETE FROM t WHERE id % 7 = 3; UPDATE t SET k = 5 WHERE id % 11 = 1");
    assert_int_equal(
        fixture_int_on(f->db, "SELECT sum(k * 3 + id) FROM t", YODA_SIDE_COLUMN, NULL),
        fixture_int_on(f->db, "SELECT sum(k * 3 + id) FROM t", YODA_SIDE_ROW, NULL));
}

static bool has_checkpoint(yoda_engine *db)
{
    return status_of(db).checkpoints > 0;
}

static void a_checkpoint_that_is_due_is_written(void **state)
{
    struct fixture *f = *state;
    yoda_error err;
    const yoda_option options[] = {{"sync_interval_ms", "0"}, {"checkpoint_events", "50"}};
    reopen(f, options, 2);
    append(f->db, 1, 100);
    OK(yoda_sync(f->db, NULL, &err));
    append(f->db, 101, 10);
    int64_t watermark = status_of(f->db).watermark;
    until(has_checkpoint, f->db);
    assert_int_equal(status_of(f->db).watermark, watermark); /* without a sync */
}

static yoda_side side_of(yoda_engine *db)
{
    yoda_side side;
    assert_true(fixture_int_on(db, "SELECT count(*) FROM t WHERE s LIKE '%7'", YODA_SIDE_AUTO,
                               &side) > 0);
    return side;
}

static bool columns_answer(yoda_engine *db)
{
    return side_of(db) == YODA_SIDE_COLUMN;
}

/* Far behind, the columns are not waited for; they catch up meanwhile. A bulk that was synced says
 * nothing of the wait for one row. */
static void the_wait_goes_with_what_is_pending(void **state)
{
    struct fixture *f = *state;
    yoda_error err;
    const yoda_option options[] = {{"sync_interval_ms", "0"}, {"router", "cost"}};
    reopen(f, options, 2);
    append(f->db, 1, 200000);
    OK(yoda_sync(f->db, NULL, &err));
    assert_int_equal(side_of(f->db), YODA_SIDE_COLUMN);
    fixture_execute(f->db, "INSERT INTO t VALUES (-1, 1, 'row 7')");
    assert_int_equal(side_of(f->db), YODA_SIDE_COLUMN);
    for (int i = 0; i < 3; i++)
        fixture_execute(f->db, "UPDATE t SET k = k + 1");
    assert_int_equal(side_of(f->db), YODA_SIDE_ROW);
    until(columns_answer, f->db);
    assert_int_equal(status_of(f->db).lag_events, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(syncs_leave_the_encoding_to_the_thread, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(a_checkpoint_that_is_due_is_written, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(the_wait_goes_with_what_is_pending, fixture_setup,
                                        fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
