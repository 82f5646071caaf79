/*
 * test_stream_faults.c -- streams when memory is short: every allocation between the submit and the
 * end is made to fail in turn. A stream that says OK has sent all rows; nothing stays charged.
 */
#include "base/mem.h"
#include "test.h"

#define ROWS 3000 /* of 1,000 bytes: three parts */

struct stream {
    yoda_queue *queue;
    yoda_op *op;
    int64_t rows;
    yoda_status status;
};

static void read_out(struct stream *s)
{
    static yoda_completion done;
    for (;;) {
        yoda_result_info info;
        assert_int_equal(yoda_queue_wait(s->queue, &done, 1, 60000), 1);
        if (!(done.flags & YODA_COMPLETION_MORE))
            break;
        yoda_result_info_get(done.result, &info);
        s->rows += (int64_t)info.rows;
        yoda_result_close(done.result);
        assert_int_equal(yoda_op_credit(s->op, 1), YODA_OK);
    }
    s->status = done.status;
    assert_null(done.result);
    assert_true(s->status == YODA_OK || (s->status == YODA_NOMEM && done.error.message[0]));
}

static yoda_status run(struct stream *s, const char *sql, yoda_side side)
{
    yoda_op_options options = YODA_OP_OPTIONS_INIT;
    options.window = 1;
    options.side = side;
    s->rows = 0;
    yoda_status status = yoda_submit_query(s->queue, sql, NULL, &options, 1, &s->op, NULL);
    if (status != YODA_OK)
        return status;
    read_out(s);
    yoda_op_release(s->op);
    return s->status;
}

static void check(yoda_engine *db, const char *sql, yoda_side side, int64_t rows)
{
    struct stream s = {.queue = NULL};
    int failed = 0;
    yoda_error err;
    OK(yoda_queue_create(db, &s.queue, &err));
    OK(run(&s, sql, side)); /* the lane's thread, the connection */
    uint64_t allocations = mem_allocations();
    OK(run(&s, sql, side));
    assert_int_equal(s.rows, rows);
    allocations = mem_allocations() - allocations;
    for (uint64_t n = 1; n <= allocations; n += n < 100 ? 1 : n / 20) {
        mem_fail_after(n, false);
        yoda_status status = run(&s, sql, side);
        mem_fail_after(0, false);
        assert_true(status == YODA_OK || status == YODA_NOMEM);
        assert_true(status != YODA_OK || s.rows == rows);
        failed += status != YODA_OK;
    }
    yoda_queue_close(s.queue);
    print_message("%s: %d failed\n", sql, failed);
    assert_true(failed > 3);
}

static void check_database(const char *path)
{
    static const yoda_option options[] = {
        {"sync_interval_ms", "0"}, {"threads", "1"}, {"router", "columns_first"}};
    static const yoda_side sides[] = {YODA_SIDE_COLUMN, YODA_SIDE_ROW};
    yoda_engine *db = NULL;
    yoda_error err;
    OK(yoda_open(path, options, 3, &db, &err));
    OK(yoda_execute(db, "CREATE TABLE t(id INTEGER PRIMARY KEY, s TEXT)", NULL, NULL, &err));
    OK(yoda_execute(db,
                    "INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
                    "WHERE i < 3000) SELECT i, printf('%01000d', i) FROM n",
                    NULL, NULL, &err));
    OK(yoda_register_table(db, "t", NULL, &err));
    for (int i = 0; i < 2; i++) {
        check(db, "SELECT id, s FROM t", sides[i], ROWS);
        check(db, "SELECT id, s FROM t WHERE id < 0", sides[i], 0);
    }
    yoda_close(db);
}

static void every_allocation(void **state)
{
    char path[4096];
    char *directory = test_directory_make();
    (void)state;
    snprintf(path, sizeof path, "%s/app.db", directory);
    check_database(path);
    check_database(":memory:");
    test_directory_remove(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_allocation)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
