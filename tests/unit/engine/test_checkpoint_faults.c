/*
 * test_checkpoint_faults.c -- checkpoints whose files cannot be written.
 *
 * Each file event of a checkpoint is made to fail in turn, as a full disk or as a broken one. The
 * call returns the error or has done its work; the rows stay; the next checkpoint succeeds; and
 * what it wrote is what a reopened engine reads.
 */
#include "base/os.h"
#include "test.h"

static const yoda_option options[] = {{"sync_interval_ms", "0"}, {"threads", "1"}};

struct life {
    char *directory;
    char path[4200];
    yoda_engine *db;
    int64_t rows;
};

static void open_life(struct life *l)
{
    yoda_error err;
    OK(yoda_open(l->path, options, 2, &l->db, &err));
}

static int setup(void **state)
{
    yoda_error err;
    struct life *l = calloc(1, sizeof *l);
    l->directory = test_directory_make();
    snprintf(l->path, sizeof l->path, "%s/app.db", l->directory);
    open_life(l);
    OK(yoda_execute(l->db, "CREATE TABLE t(id INTEGER PRIMARY KEY, s TEXT)", NULL, NULL, &err));
    OK(yoda_register_table(l->db, "t", NULL, &err));
    *state = l;
    return 0;
}

static int teardown(void **state)
{
    struct life *l = *state;
    os_fail_after(0, false);
    yoda_close(l->db);
    test_directory_remove(l->directory);
    free(l);
    return 0;
}

/* Something new for the next checkpoint: rows, and dead ones in older files. */
static void write_rows(struct life *l)
{
    yoda_error err;
    OK(yoda_execute(l->db,
                    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 20)"
                    "INSERT INTO t(s) SELECT 'row ' || i FROM n;"
                    "DELETE FROM t WHERE id = (SELECT min(id) FROM t)",
                    NULL, NULL, &err));
    OK(yoda_sync(l->db, NULL, &err));
    l->rows += 19;
}

static void check_rows(struct life *l)
{
    yoda_error err;
    yoda_result *rows = NULL;
    yoda_verify_report report;
    yoda_query_options columns = YODA_QUERY_OPTIONS_INIT;
    columns.side = YODA_SIDE_COLUMN;
    OK(yoda_query(l->db, "SELECT count(*) FROM t", NULL, &columns, &rows, &err));
    assert_true(yoda_result_next(rows));
    assert_int_equal(yoda_result_int64(rows, 0), l->rows);
    yoda_result_close(rows);
    OK(yoda_verify(l->db, NULL, 0, &report, &err));
    assert_string_equal(report.difference, "");
}

static yoda_engine_status status_of(struct life *l)
{
    yoda_error err;
    yoda_engine_status status = {.size = sizeof status};
    OK(yoda_status_get(l->db, &status, &err));
    return status;
}

static void check_saved(struct life *l)
{
    yoda_error err;
    OK(yoda_checkpoint(l->db, &err));
    yoda_engine_status status = status_of(l);
    assert_int_equal(status.durable_watermark, status.watermark);
    check_rows(l);
}

/* A checkpoint whose n-th file event fails; false when it has fewer. */
static bool checkpoint_failing(struct life *l, uint64_t n, bool full)
{
    yoda_error err = {0};
    yoda_engine_status before = status_of(l);
    uint64_t events = os_events();
    os_fail_after(n, full);
    yoda_status status = yoda_checkpoint(l->db, &err);
    os_fail_after(0, false);
    events = os_events() - events;
    yoda_engine_status after = status_of(l);
    if (status == YODA_OK) { /* only removing an old file may fail unsaid */
        assert_int_equal(after.durable_watermark, after.watermark);
        assert_int_equal(after.checkpoints, before.checkpoints + 1);
    } else {
        assert_int_equal(status, full ? YODA_FULL : YODA_IOERR);
        assert_int_equal(err.code, status);
        assert_non_null(strstr(err.message, l->directory));
        assert_int_equal(after.durable_watermark, before.durable_watermark);
        assert_int_equal(after.checkpoints, before.checkpoints);
        check_rows(l);
    }
    return events >= n;
}

static void every_event_fails(struct life *l, bool full)
{
    uint64_t n = 1, refused = 0;
    for (bool met = true; met; n++) {
        uint64_t made = status_of(l).checkpoints;
        write_rows(l);
        met = checkpoint_failing(l, n, full);
        refused += status_of(l).checkpoints == made;
        check_saved(l);
        if (n % 3)
            continue;
        yoda_close(l->db);
        open_life(l);
        check_rows(l);
    }
    assert_true(n > 5 && refused >= 4); /* create, write, sync, rename at least */
}

static void a_full_disk(void **state)
{
    every_event_fails(*state, true);
}

static void a_broken_disk(void **state)
{
    every_event_fails(*state, false);
}

/* The checkpoint of the shutdown fails: the log still has what the files lack. */
static void the_last_checkpoint_fails(void **state)
{
    struct life *l = *state;
    write_rows(l);
    check_saved(l); /* without any checkpoint there is only the copy, made anew */
    for (uint64_t n = 1; n <= 6; n++) {
        yoda_error err = {0};
        write_rows(l);
        os_fail_after(n, n % 2);
        yoda_status status = yoda_shutdown(l->db, &err);
        os_fail_after(0, false);
        assert_true(status == YODA_OK || status == YODA_IOERR || status == YODA_FULL);
        yoda_close(l->db);
        open_life(l);
        check_rows(l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_full_disk, setup, teardown),
        cmocka_unit_test_setup_teardown(a_broken_disk, setup, teardown),
        cmocka_unit_test_setup_teardown(the_last_checkpoint_fails, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
