/*
 * test_api_stream_window.c -- streams that are ahead of their readers: how far they get, that they
 * hold up nobody, and how they end while they are parked. With few connections and threads.
 */
#include "stream_fixture.h"

#define MANY 12 /* more than connections and threads together */
#define PARKING "SELECT t.*, u.name FROM t JOIN u ON t.g = u.g" /* five parts */

static const yoda_side both_sides[] = {YODA_SIDE_COLUMN, YODA_SIDE_ROW};

static void open_small(struct async *a, const char *path, const char *memory_limit_mb,
                       const char *max_in_flight)
{
    const yoda_option options[] = {{"sync_interval_ms", "0"},
                                   {"busy_timeout_ms", "20000"},
                                   {"router", "columns_first"},
                                   {"read_pool_size", "2"},
                                   {"threads", "2"},
                                   {"memory_limit_mb", memory_limit_mb},
                                   {"max_in_flight", max_in_flight}};
    yoda_error err;
    a->db = fixture_open(path, options, 7);
    OK(yoda_queue_create(a->db, &a->queue, &err));
}

static void reopen_small(struct async *a, const char *memory_limit_mb, const char *max_in_flight)
{
    yoda_queue_close(a->queue);
    yoda_close(a->db);
    open_small(a, a->path, memory_limit_mb, max_in_flight);
}

static int window_setup(void **state)
{
    int result = stream_setup(state);
    reopen_small(*state, "0", "10000");
    return result;
}

static void expect_nothing(yoda_queue *queue)
{
    yoda_completion done;
    assert_int_equal(yoda_queue_drain(queue, &done, 1), 0);
}

/* Takes its parts without credit: from the last one on the stream is parked, or about to be. */
static yoda_op *park(yoda_queue *queue, yoda_side side, uint32_t window, int64_t timeout_ms,
                     uint64_t user_data)
{
    yoda_op *op = stream_submit(queue, PARKING, side, window, timeout_ms, user_data);
    for (uint32_t i = 0; i < window; i++)
        yoda_result_close(stream_part(queue, user_data));
    return op;
}

static void park_both(yoda_queue *queue, yoda_op *ops[2])
{
    for (uint64_t i = 0; i < 2; i++)
        ops[i] = park(queue, both_sides[i], 1, 0, i);
}

/* Things that take long enough for a stream to send what it must not. */
static void let_time_pass(struct async *a)
{
    yoda_error err;
    fixture_execute(a->db, "UPDATE t SET v = v + 1 WHERE id < 5000");
    OK(yoda_sync(a->db, NULL, &err));
    assert_int_equal(fixture_int(a->db, "SELECT count(*) FROM t"), T_ROWS);
    assert_int_equal(fixture_int_on(a->db, "SELECT count(*) FROM t", YODA_SIDE_ROW, NULL), T_ROWS);
}

/* ---- The window ------------------------------------------------------------------------------ */

static void test_no_credit_no_parts(void **state)
{
    struct async *a = *state;
    for (int i = 0; i < 2; i++) {
        yoda_op *op = park(a->queue, both_sides[i], 2, 0, 1);
        let_time_pass(a);
        expect_nothing(a->queue);
        assert_int_equal(yoda_op_credit(op, 1), YODA_OK);
        yoda_result_close(stream_part(a->queue, 1));
        let_time_pass(a);
        expect_nothing(a->queue);
        assert_true(stream_finish(a->queue, op, 1, 2) > 0);
        yoda_op_release(op);
    }
}

/* Credit for what nobody has sent is lost: the window does not grow. */
static void test_credit_saturates(void **state)
{
    struct async *a = *state;
    for (int i = 0; i < 2; i++) {
        yoda_op *op = park(a->queue, both_sides[i], 1, 0, 1);
        assert_int_equal(yoda_op_credit(op, 0), YODA_OK);
        assert_int_equal(yoda_op_credit(op, UINT32_MAX), YODA_OK);
        yoda_result_close(stream_part(a->queue, 1));
        let_time_pass(a);
        expect_nothing(a->queue);
        assert_true(stream_finish(a->queue, op, 1, 1) > 0);
        assert_int_equal(yoda_op_credit(op, 1), YODA_OK); /* it has ended */
        yoda_op_release(op);
    }
}

static void test_misuse(void **state)
{
    struct async *a = *state;
    yoda_op_options options = YODA_OP_OPTIONS_INIT;
    yoda_op *op = NULL;
    yoda_error err;
    options.window = 1;
    FAILS(YODA_MISUSE,
          yoda_submit_execute(a->queue, "DELETE FROM t", NULL, &options, 1, &op, &err));
    FAILS(YODA_MISUSE, yoda_submit_sync(a->queue, &options, 1, &op, &err));
    assert_null(op);
    assert_int_equal(yoda_op_credit(NULL, 1), YODA_MISUSE);
    async_query(a->queue, 1, "SELECT 1", YODA_SIDE_AUTO, &op);
    assert_int_equal(yoda_op_credit(op, 1), YODA_MISUSE);
    yoda_result_close(async_expect(a->queue, 1, YODA_OK)->result);
    yoda_op_release(op);
}

/* The answer is many times larger than the memory: yoda_query cannot, a stream can, and it gets no
 * further than its window while nobody reads. */
static void test_memory_is_bounded(void **state)
{
    struct async *a = *state;
    const char *sql = "SELECT t.id, u.name, printf('%0500d', t.id) FROM t CROSS JOIN u "
                      "WHERE t.id <= 20000 AND u.g < 10";
    yoda_query_options options = YODA_QUERY_OPTIONS_INIT;
    yoda_result *rows = NULL;
    yoda_error err;
    fixture_execute(a->db, "CREATE TABLE pad(id INTEGER PRIMARY KEY, s TEXT)");
    fixture_execute(a->db, "INSERT INTO pad SELECT id, printf('%0500d', id % 50) FROM t "
                           "WHERE id <= 50000");
    OK(yoda_register_table(a->db, "pad", NULL, &err));
    reopen_small(a, "24", "10000");
    options.side = YODA_SIDE_COLUMN;
    FAILS(YODA_NOMEM, yoda_query(a->db, "SELECT id, s || s FROM pad", NULL, &options, &rows, &err));
    yoda_op *op = stream_submit(a->queue, "SELECT id, s || s FROM pad", YODA_SIDE_COLUMN, 3, 0, 1);
    assert_int_equal(stream_finish(a->queue, op, 1, 0), 50000);
    yoda_op_release(op);
    options.side = YODA_SIDE_ROW;
    FAILS(YODA_NOMEM, yoda_query(a->db, sql, NULL, &options, &rows, &err));
    op = stream_submit(a->queue, sql, YODA_SIDE_ROW, 3, 0, 2);
    assert_int_equal(stream_finish(a->queue, op, 2, 0), 200000);
    yoda_op_release(op);
}

static void test_in_flight_counts_a_stream_once(void **state)
{
    struct async *a = *state;
    yoda_error err;
    reopen_small(a, "0", "1");
    yoda_op *op = park(a->queue, YODA_SIDE_COLUMN, 2, 0, 1);
    FAILS(YODA_BUSY, yoda_submit_sync(a->queue, NULL, 2, NULL, &err));
    assert_int_equal(yoda_op_cancel(op), YODA_OK);
    stream_end(a->queue, 1, YODA_INTERRUPTED);
    yoda_op_release(op);
    assert_int_equal(async_next(a->queue)->kind, YODA_OP_WRITABLE);
    OK(yoda_submit_sync(a->queue, NULL, 2, NULL, &err));
    async_expect(a->queue, 2, YODA_OK);
}

/* ---- Nobody waits for them ------------------------------------------------------------------- */

static void use_everything(struct async *a)
{
    yoda_error err;
    let_time_pass(a);
    async_query(a->queue, 100, "SELECT count(*) FROM t", YODA_SIDE_COLUMN, NULL);
    yoda_result_close(async_expect(a->queue, 100, YODA_OK)->result);
    async_query(a->queue, 101, "SELECT g, count(*) FROM t GROUP BY g", YODA_SIDE_ROW, NULL);
    yoda_result_close(async_expect(a->queue, 101, YODA_OK)->result);
    async_execute(a->queue, 102, "CREATE TABLE IF NOT EXISTS other(x)");
    async_expect(a->queue, 102, YODA_OK);
    async_execute(a->queue, 103, "INSERT INTO other VALUES (1)");
    async_expect(a->queue, 103, YODA_OK);
    OK(yoda_submit_verify(a->queue, "t", 0, NULL, 104, NULL, &err));
    async_expect(a->queue, 104, YODA_OK);
    OK(yoda_submit_checkpoint(a->queue, NULL, 105, NULL, &err));
    async_expect(a->queue, 105, YODA_OK);
}

static void test_parked_streams_hold_up_nobody(void **state)
{
    struct async *a = *state;
    yoda_op *ops[MANY];
    for (uint64_t i = 0; i < MANY; i++)
        ops[i] = park(a->queue, both_sides[i % 2], 1, 0, i);
    use_everything(a);
    expect_nothing(a->queue);
    for (uint64_t i = 0; i < MANY; i++) {
        assert_true(stream_finish(a->queue, ops[i], i, 1) > 0);
        yoda_op_release(ops[i]);
    }
}

/* SQLite has no WAL in memory, where an open SELECT would keep writers out. */
static void test_memory_database(void **state)
{
    struct async small = {.db = NULL};
    struct async *a = &small;
    (void)state;
    open_small(a, ":memory:", "0", "100");
    stream_tables(a->db);
    yoda_op *op = park(a->queue, YODA_SIDE_ROW, 1, 0, 1);
    let_time_pass(a);
    expect_nothing(a->queue);
    assert_true(stream_finish(a->queue, op, 1, 1) > 0);
    yoda_op_release(op);
    yoda_op_release(park(a->queue, YODA_SIDE_ROW, 1, 0, 2));
    yoda_queue_close(a->queue);
    yoda_close(a->db);
}

/* ---- Ends ------------------------------------------------------------------------------------ */

static void expect_both_end(yoda_queue *queue, yoda_op *ops[2], yoda_status status)
{
    bool ended[2] = {false, false};
    for (int i = 0; i < 2; i++) {
        yoda_completion *done = async_next(queue);
        assert_int_equal(done->status, status);
        assert_int_equal(done->flags, 0);
        assert_true(done->user_data < 2 && !ended[done->user_data]);
        ended[done->user_data] = true;
    }
    yoda_op_release(ops[0]);
    yoda_op_release(ops[1]);
}

static void test_cancel(void **state)
{
    struct async *a = *state;
    yoda_op *ops[2];
    park_both(a->queue, ops);
    for (int i = 0; i < 2; i++)
        assert_int_equal(yoda_op_cancel(ops[i]), YODA_OK);
    expect_both_end(a->queue, ops, YODA_INTERRUPTED);
}

static void test_interrupt(void **state)
{
    struct async *a = *state;
    yoda_op *ops[2];
    park_both(a->queue, ops);
    yoda_interrupt(a->db);
    expect_both_end(a->queue, ops, YODA_INTERRUPTED);
}

/* The time counts while they are parked, which they never stop to be. */
static void test_timeout(void **state)
{
    struct async *a = *state;
    for (int i = 0; i < 2; i++) {
        yoda_op *op = stream_submit(a->queue, PARKING, both_sides[i], 1, 300, 1);
        yoda_completion *done = async_next(a->queue);
        while (done->result) {
            yoda_result_close(done->result);
            done = async_next(a->queue);
        }
        assert_int_equal(done->status, YODA_TIMEOUT);
        yoda_op_release(op);
    }
}

/* Parts that were not drained are freed with the queue (the sanitizer would tell). */
static void test_queue_close(void **state)
{
    struct async *a = *state;
    yoda_error err;
    yoda_op *ops[2], *undrained[2];
    park_both(a->queue, ops);
    for (uint64_t i = 0; i < 2; i++)
        undrained[i] = stream_submit(a->queue, PARKING, both_sides[i], 2, 0, 2 + i);
    yoda_queue_close(a->queue);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(yoda_op_credit(ops[i], 1), YODA_OK);
        yoda_op_release(ops[i]);
        yoda_op_release(undrained[i]);
    }
    OK(yoda_queue_create(a->db, &a->queue, &err));
}

static void test_release_of_the_handle(void **state)
{
    struct async *a = *state;
    yoda_error err;
    yoda_op_release(park(a->queue, YODA_SIDE_COLUMN, 1, 0, 1));
    yoda_op_release(park(a->queue, YODA_SIDE_ROW, 1, 0, 2));
    yoda_queue_close(a->queue);
    OK(yoda_queue_create(a->db, &a->queue, &err));
}

static void test_shutdown(void **state)
{
    struct async *a = *state;
    yoda_op *ops[2], *undrained;
    yoda_error err;
    park_both(a->queue, ops);
    OK(yoda_shutdown(a->db, &err));
    expect_both_end(a->queue, ops, YODA_INTERRUPTED);
    reopen_small(a, "0", "10000");
    park_both(a->queue, ops);
    OK(yoda_submit_shutdown(a->queue, 9, NULL, &err));
    expect_both_end(a->queue, ops, YODA_INTERRUPTED);
    async_expect(a->queue, 9, YODA_OK);
    reopen_small(a, "0", "10000");
    undrained = stream_submit(a->queue, PARKING, YODA_SIDE_COLUMN, 1, 0, 5);
    async_wait_phase(undrained, YODA_OP_RUNNING);
    yoda_close(a->db);
    yoda_completion *done = async_next(a->queue);
    if (done->result) { /* the part came first */
        assert_true(yoda_result_next(done->result));
        yoda_result_close(done->result);
        done = async_next(a->queue);
    }
    assert_int_equal(done->status, YODA_INTERRUPTED);
    yoda_op_release(undrained);
    yoda_queue_close(a->queue);
    open_small(a, a->path, "0", "10000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_credit_no_parts),
        cmocka_unit_test(test_credit_saturates),
        cmocka_unit_test(test_misuse),
        cmocka_unit_test(test_parked_streams_hold_up_nobody),
        cmocka_unit_test(test_memory_database),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_interrupt),
        cmocka_unit_test(test_timeout),
        cmocka_unit_test(test_queue_close),
        cmocka_unit_test(test_release_of_the_handle),
        cmocka_unit_test(test_shutdown),
        cmocka_unit_test(test_in_flight_counts_a_stream_once),
        cmocka_unit_test(test_memory_is_bounded),
    };
    return cmocka_run_group_tests(tests, window_setup, async_teardown);
}
