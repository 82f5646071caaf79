/*
 * test_api_async.c -- queues: every kind of operation, the descriptor, cancelling, bounds, ends.
 */
#include "async_fixture.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define CANCEL_MS_MAX 3000 /* 100 ms is the aim; sanitizers and busy machines get more */

/* ---- Kinds ----------------------------------------------------------------------------------- */

static const yoda_value numbers[] = {{.type = YODA_INTEGER, .integer = 10},
                                     {.type = YODA_TEXT, .data = "ten", .size = 3},
                                     {.type = YODA_INTEGER, .integer = 11},
                                     {.type = YODA_NULL}};

static void writes_of_all_kinds(yoda_queue *queue)
{
    static const char *const batch[] = {"INSERT INTO t VALUES (1, 'a')",
                                        "INSERT INTO t VALUES (2, 'b'), (3, 'c')"};
    static const char *const names[] = {"id", "s"};
    const yoda_params rows[] = {{2, numbers, names}, {2, numbers + 2, names}};
    yoda_error err;
    async_execute(queue, 1, "CREATE TABLE t(id INTEGER PRIMARY KEY, s TEXT)");
    OK(yoda_submit_register_table(queue, "t", NULL, NULL, 2, NULL, &err));
    async_execute(queue, 3, "INSERT INTO t VALUES (7, 'x'), (8, 'y')");
    OK(yoda_submit_execute_batch(queue, batch, 2, NULL, 4, NULL, &err));
    OK(yoda_submit_execute_many(queue, "INSERT INTO t VALUES (:id, :s)", rows, 2, NULL, 5, NULL,
                                &err));
}

/* Nothing is awaited in between: the order of the submits is enough. */
static void every_kind(void **state)
{
    struct async *a = *state;
    int64_t changes[16] = {0};
    yoda_error err;
    writes_of_all_kinds(a->queue);
    OK(yoda_submit_sync(a->queue, NULL, 6, NULL, &err));
    OK(yoda_submit_checkpoint(a->queue, NULL, 7, NULL, &err));
    unsigned seen = 0;
    while (seen != 0xfe) {
        yoda_completion *done = async_next(a->queue);
        if (done->status != YODA_OK)
            fail_msg("operation %d: %s", (int)done->user_data, done->error.message);
        assert_false(seen & 1u << done->user_data);
        assert_true(done->queued_ns >= 0 && done->run_ns >= 0 && !done->result);
        seen |= 1u << done->user_data;
        changes[done->user_data] = done->changes;
    }
    assert_int_equal(changes[3], 2);
    assert_int_equal(changes[4], 3);
    assert_int_equal(changes[5], 2);
    async_execute(a->queue, 12, "INSERT INTO t VALUES (20, NULL), (21, 'z')");
    async_execute(a->queue, 13, "DELETE FROM t WHERE id >= 20");
    OK(yoda_submit_sync(a->queue, NULL, 14, NULL, &err));
    async_expect(a->queue, 12, YODA_OK);
    async_expect(a->queue, 13, YODA_OK);
    assert_int_equal(async_expect(a->queue, 14, YODA_OK)->sync.events_processed, 4);
    async_query(a->queue, 8, "SELECT count(*), sum(id) FROM t", YODA_SIDE_COLUMN, NULL);
    yoda_completion *done = async_expect(a->queue, 8, YODA_OK);
    assert_true(yoda_result_next(done->result));
    assert_int_equal(yoda_result_int64(done->result, 0), 7);
    assert_int_equal(yoda_result_int64(done->result, 1), 42);
    yoda_result_close(done->result);
    OK(yoda_submit_verify(a->queue, NULL, 0, NULL, 9, NULL, &err));
    done = async_expect(a->queue, 9, YODA_OK);
    assert_int_equal(done->verify.tables_equal, 1);
    assert_int_equal(done->verify.rows, 7);
    OK(yoda_submit_unregister_table(a->queue, "t", NULL, 10, NULL, &err));
    async_expect(a->queue, 10, YODA_OK);
    async_query(a->queue, 11, "SELECT count(*) FROM t", YODA_SIDE_COLUMN, NULL);
    assert_non_null(strstr(async_expect(a->queue, 11, YODA_NOT_COLUMNAR)->error.message, "t"));
}

/* What is given is copied: it may be gone before the operation runs. */
static void arguments_are_copied(void **state)
{
    struct async *a = *state;
    yoda_error err;
    yoda_txn *txn = NULL;
    fixture_execute(a->db, "CREATE TABLE t(s TEXT, b BLOB)");
    OK(yoda_begin(a->db, &txn, &err));
    char *sql = strdup("INSERT INTO t VALUES ($s, $b)"), *text = strdup("text"), *s = strdup("s");
    yoda_value *values = calloc(2, sizeof *values);
    const char **names = calloc(2, sizeof *names);
    values[0] = (yoda_value){.type = YODA_TEXT, .data = text, .size = 4};
    values[1] = (yoda_value){.type = YODA_BLOB, .data = text, .size = 0};
    names[0] = s;
    names[1] = "b";
    yoda_params params = {2, values, names};
    OK(yoda_submit_execute(a->queue, sql, &params, NULL, 1, NULL, &err));
    free(sql);
    free(text);
    free(s);
    free(values);
    free(names);
    OK(yoda_rollback(txn, &err));
    async_expect(a->queue, 1, YODA_OK);
    assert_int_equal(fixture_int(a->db, "SELECT count(*) FROM t WHERE s = 'text' AND b = x''"), 1);
}

static void misuse(void **state)
{
    struct async *a = *state;
    yoda_error err;
    yoda_op *op = NULL;
    yoda_completion done;
    yoda_op_options options = {0};
    yoda_op_state small = {0};
    const yoda_params odd = {1, NULL, NULL};
    FAILS(YODA_MISUSE, yoda_submit_sync(NULL, NULL, 1, &op, &err));
    FAILS(YODA_MISUSE, yoda_submit_execute(a->queue, NULL, NULL, NULL, 1, &op, &err));
    FAILS(YODA_MISUSE, yoda_submit_execute(a->queue, "SELECT 1", &odd, NULL, 1, &op, &err));
    FAILS(YODA_MISUSE, yoda_submit_sync(a->queue, &options, 1, &op, &err));
    FAILS(YODA_MISUSE, yoda_submit_verify(a->queue, NULL, 8, NULL, 1, &op, &err));
    options.size = sizeof options;
    options.timeout_ms = -1;
    FAILS(YODA_MISUSE, yoda_submit_sync(a->queue, &options, 1, &op, &err));
    assert_null(op);
    assert_int_equal(yoda_queue_drain(NULL, &done, 1), -YODA_MISUSE);
    assert_int_equal(yoda_queue_drain(a->queue, NULL, 1), -YODA_MISUSE);
    assert_int_equal(yoda_queue_wait(a->queue, NULL, 0, -1), 0);
    assert_int_equal(yoda_queue_fd(NULL), -1);
    assert_int_equal(yoda_op_cancel(NULL), YODA_MISUSE);
    yoda_op_release(NULL);
    yoda_queue_wake(NULL);
    yoda_queue_close(NULL);
    OK(yoda_submit_sync(a->queue, NULL, 1, &op, &err));
    assert_int_equal(yoda_op_progress(op, &small), YODA_MISUSE);
    async_expect(a->queue, 1, YODA_OK); /* the refused ones gave none */
    yoda_op_release(op);
    assert_int_equal(yoda_queue_drain(a->queue, &done, 1), 0);
    async_execute(a->queue, 2, "INSERT INTO nowhere VALUES (1)");
    assert_non_null(strstr(async_expect(a->queue, 2, YODA_ERROR)->error.message, "nowhere"));
}

/* ---- The descriptor -------------------------------------------------------------------------- */

static bool readable(yoda_queue *queue, int timeout_ms)
{
    struct pollfd fd = {.fd = yoda_queue_fd(queue), .events = POLLIN};
    return poll(&fd, 1, timeout_ms) == 1;
}

static void descriptor_follows_the_list(void **state)
{
    struct async *a = *state;
    yoda_op *ops[3];
    yoda_completion done[2];
    yoda_error err;
    assert_false(readable(a->queue, 0));
    for (uint64_t i = 0; i < 3; i++)
        OK(yoda_submit_query(a->queue, "SELECT 1", NULL, NULL, i, &ops[i], &err));
    assert_true(readable(a->queue, PATIENCE_MS));
    for (size_t i = 0; i < 3; i++) {
        async_wait_phase(ops[i], YODA_OP_DONE);
        yoda_op_release(ops[i]);
    }
    int taken = yoda_queue_drain(a->queue, done, 1);
    assert_int_equal(taken, 1);
    yoda_result_close(done[0].result);
    for (int left = 2; left > 0; left -= taken) { /* the last one may be DONE and on its way */
        assert_true(readable(a->queue, PATIENCE_MS));
        taken = yoda_queue_drain(a->queue, done, 2);
        for (int i = 0; i < taken; i++)
            yoda_result_close(done[i].result);
    }
    assert_false(readable(a->queue, 0));
    assert_int_equal(yoda_queue_drain(a->queue, done, 2), 0);
}

static yoda_queue *woken_by_signal;

static void on_signal(int number)
{
    (void)number;
    yoda_queue_wake(woken_by_signal);
}

static void *wake_later(void *queue)
{
    usleep(20000);
    yoda_queue_wake(queue);
    return NULL;
}

static void wake_from_anywhere(void **state)
{
    struct async *a = *state;
    yoda_completion done;
    pthread_t thread;
    struct sigaction action = {.sa_handler = on_signal}, before;
    woken_by_signal = a->queue;
    sigaction(SIGUSR1, &action, &before);
    raise(SIGUSR1);
    assert_true(readable(a->queue, 0));
    assert_int_equal(yoda_queue_wait(a->queue, &done, 1, -1), 0);
    assert_false(readable(a->queue, 0));
    sigaction(SIGUSR1, &before, NULL);
    yoda_queue_wake(a->queue);
    yoda_queue_wake(a->queue);
    assert_int_equal(yoda_queue_drain(a->queue, &done, 1), 0);
    assert_false(readable(a->queue, 0));
    assert_int_equal(yoda_queue_wait(a->queue, &done, 1, 1), 0); /* the time is over */
    pthread_create(&thread, NULL, wake_later, a->queue);
    assert_int_equal(yoda_queue_wait(a->queue, &done, 1, -1), 0);
    pthread_join(thread, NULL);
}

/* ---- Cancelling ------------------------------------------------------------------------------ */

static void expect_soon(struct async *a, uint64_t user_data, yoda_status status, int64_t since_ms)
{
    async_expect(a->queue, user_data, status);
    int64_t took_ms = now_ms() - since_ms;
    if (took_ms > 100)
        print_message("operation %d ended after %d ms\n", (int)user_data, (int)took_ms);
    assert_true(took_ms < CANCEL_MS_MAX);
}

static void cancel_running(struct async *a, const char *sql, yoda_side side)
{
    yoda_op *op, *other;
    async_query(a->queue, 1, sql, side, &op);
    async_wait_phase(op, YODA_OP_RUNNING);
    async_query(a->queue, 2, ASYNC_ENDLESS, YODA_SIDE_ROW, &other);
    async_wait_phase(other, YODA_OP_RUNNING);
    usleep(20000);
    int64_t begin = now_ms();
    assert_int_equal(yoda_op_cancel(op), YODA_OK);
    assert_int_equal(yoda_op_cancel(op), YODA_OK);
    expect_soon(a, 1, YODA_INTERRUPTED, begin);
    assert_int_equal(yoda_op_cancel(op), YODA_OK);
    async_query(a->queue, 3, "SELECT 1", YODA_SIDE_ROW, NULL); /* nobody else is disturbed */
    yoda_result_close(async_expect(a->queue, 3, YODA_OK)->result);
    yoda_op_state other_state = {.size = sizeof other_state};
    assert_int_equal(yoda_op_progress(other, &other_state), YODA_OK);
    assert_int_equal(other_state.phase, YODA_OP_RUNNING);
    begin = now_ms();
    yoda_op_cancel(other);
    expect_soon(a, 2, YODA_INTERRUPTED, begin);
    yoda_op_release(op);
    yoda_op_release(other);
}

static void cancel_queries(void **state)
{
    struct async *a = *state;
    yoda_error err;
    fixture_execute(a->db, "CREATE TABLE t(id INTEGER PRIMARY KEY, v INTEGER);"
                           "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT "
                           "4000) INSERT INTO t SELECT i, i FROM n");
    OK(yoda_register_table(a->db, "t", NULL, &err));
    cancel_running(a, ASYNC_ENDLESS, YODA_SIDE_ROW);
    cancel_running(a, "SELECT count(*) FROM t a, t b, t c WHERE a.v + b.v + c.v = -1",
                   YODA_SIDE_COLUMN);
}

static void cancel_writes(void **state)
{
    struct async *a = *state;
    yoda_op *waits, *next;
    yoda_txn *txn;
    yoda_error err;
    fixture_execute(a->db, "CREATE TABLE t(id INTEGER PRIMARY KEY)");
    OK(yoda_begin(a->db, &txn, &err));
    OK(yoda_submit_execute(a->queue, "INSERT INTO t VALUES (1)", NULL, NULL, 1, &waits, &err));
    async_wait_phase(waits, YODA_OP_RUNNING); /* for the connection */
    OK(yoda_submit_execute(a->queue, "INSERT INTO t VALUES (2)", NULL, NULL, 2, &next, &err));
    async_execute(a->queue, 3, "INSERT INTO t VALUES (3)");
    OK(yoda_submit_sync(a->queue, NULL, 4, NULL, &err));
    int64_t begin = now_ms();
    yoda_op_cancel(next);
    expect_soon(a, 2, YODA_INTERRUPTED, begin);
    yoda_op_cancel(waits);
    expect_soon(a, 1, YODA_INTERRUPTED, begin);
    OK(yoda_rollback(txn, &err));
    async_expect(a->queue, 3, YODA_OK);
    async_expect(a->queue, 4, YODA_OK);
    yoda_op_release(waits);
    yoda_op_release(next);
    OK(yoda_submit_execute(a->queue, "INSERT INTO t " ASYNC_ENDLESS, NULL, NULL, 5, &waits, &err));
    async_execute(a->queue, 6, "INSERT INTO t VALUES (6)");
    async_wait_phase(waits, YODA_OP_RUNNING);
    usleep(20000);
    begin = now_ms();
    yoda_op_cancel(waits);
    expect_soon(a, 5, YODA_INTERRUPTED, begin);
    async_expect(a->queue, 6, YODA_OK);
    yoda_op_cancel(waits);
    yoda_op_release(waits);
    assert_int_equal(fixture_int(a->db, "SELECT count(*) * 10 + sum(id) FROM t"), 29);
}

static void timeouts(void **state)
{
    struct async *a = *state;
    yoda_op_options options = YODA_OP_OPTIONS_INIT;
    yoda_txn *txn;
    yoda_error err;
    options.timeout_ms = 50;
    OK(yoda_submit_query(a->queue, ASYNC_ENDLESS, NULL, &options, 1, NULL, &err));
    assert_non_null(strstr(async_expect(a->queue, 1, YODA_TIMEOUT)->error.message, "50"));
    fixture_execute(a->db, "CREATE TABLE t(id INTEGER PRIMARY KEY)");
    OK(yoda_begin(a->db, &txn, &err)); /* one waits for the connection, one behind it */
    OK(yoda_submit_execute(a->queue, "INSERT INTO t VALUES (2)", NULL, &options, 2, NULL, &err));
    async_expect(a->queue, 2, YODA_TIMEOUT);
    async_execute(a->queue, 3, "INSERT INTO t VALUES (3)");
    OK(yoda_submit_sync(a->queue, &options, 4, NULL, &err));
    async_expect(a->queue, 4, YODA_TIMEOUT);
    options.timeout_ms = PATIENCE_MS;
    OK(yoda_submit_execute(a->queue, "INSERT INTO t VALUES (5)", NULL, &options, 5, NULL, &err));
    OK(yoda_rollback(txn, &err));
    async_expect(a->queue, 3, YODA_OK);
    async_expect(a->queue, 5, YODA_OK);
}

static void interrupt_reaches_what_waits(void **state)
{
    struct async *a = *state;
    yoda_txn *txn;
    yoda_error err;
    int ended[4] = {0};
    yoda_op *op;
    OK(yoda_begin(a->db, &txn, &err));
    async_execute(a->queue, 1, "CREATE TABLE a(x)");
    async_execute(a->queue, 2, "CREATE TABLE b(x)");
    async_query(a->queue, 3, ASYNC_ENDLESS, YODA_SIDE_ROW, &op);
    async_wait_phase(op, YODA_OP_RUNNING);
    yoda_interrupt(a->db);
    for (int i = 0; i < 3; i++) {
        yoda_completion *done = async_next(a->queue);
        assert_int_equal(done->status, YODA_INTERRUPTED);
        ended[done->user_data]++;
    }
    for (int i = 1; i <= 3; i++)
        assert_int_equal(ended[i], 1);
    yoda_op_release(op);
    OK(yoda_rollback(txn, &err));
}

/* ---- Bounds ---------------------------------------------------------------------------------- */

#define MANY 10000

static void ten_thousand_in_flight(void **state)
{
    struct async *a = *state;
    unsigned char *seen = calloc(MANY, 1);
    yoda_completion *done = calloc(512, sizeof *done);
    yoda_txn *txn;
    yoda_error err;
    int ended = 0, writable = 0;
    fixture_execute(a->db, "CREATE TABLE t(id INTEGER PRIMARY KEY)");
    OK(yoda_begin(a->db, &txn, &err));
    for (int i = 0; i < MANY; i++) {
        yoda_value id = {.type = YODA_INTEGER, .integer = i / 2}; /* every second one fails */
        yoda_params params = {1, &id, NULL};
        OK(yoda_submit_execute(a->queue, "INSERT INTO t VALUES (?)", &params, NULL, (uint64_t)i,
                               NULL, &err));
    }
    FAILS(YODA_BUSY, yoda_submit_sync(a->queue, NULL, 0, NULL, &err));
    FAILS(YODA_BUSY, yoda_submit_sync(a->queue, NULL, 0, NULL, &err));
    assert_int_equal(yoda_queue_drain(a->queue, done, 512), 0);
    OK(yoda_rollback(txn, &err));
    while (ended < MANY || !writable) {
        int n = yoda_queue_wait(a->queue, done, 512, PATIENCE_MS);
        assert_true(n > 0);
        for (int i = 0; i < n; i++) {
            if (done[i].kind == YODA_OP_WRITABLE) {
                assert_true(ended >= MANY / 4);
                writable++;
                continue;
            }
            assert_int_equal(seen[done[i].user_data]++, 0);
            assert_int_equal(done[i].user_data, ended++); /* in order */
            assert_int_equal(done[i].status, done[i].user_data % 2 ? YODA_CONSTRAINT : YODA_OK);
        }
    }
    assert_int_equal(writable, 1);
    assert_int_equal(yoda_queue_drain(a->queue, done, 512), 0);
    assert_int_equal(fixture_int(a->db, "SELECT count(*) FROM t"), MANY / 2);
    free(done);
    free(seen);
}

static void small_bound(void **state)
{
    struct async *a = *state;
    yoda_error err;
    yoda_completion done;
    yoda_queue *other;
    async_reopen(a, "20000", "1");
    OK(yoda_queue_create(a->db, &other, &err));
    async_query(a->queue, 1, "SELECT 1", YODA_SIDE_ROW, NULL);
    FAILS(YODA_BUSY, yoda_submit_sync(other, NULL, 2, NULL, &err));
    assert_true(readable(a->queue, PATIENCE_MS)); /* ended, but not drained */
    FAILS(YODA_BUSY, yoda_submit_sync(other, NULL, 2, NULL, &err));
    assert_int_equal(yoda_queue_drain(other, &done, 1), 0);
    yoda_result_close(async_expect(a->queue, 1, YODA_OK)->result);
    assert_int_equal(async_next(other)->kind, YODA_OP_WRITABLE);
    OK(yoda_submit_sync(other, NULL, 2, NULL, &err));
    FAILS(YODA_BUSY, yoda_submit_sync(a->queue, NULL, 3, NULL, &err));
    yoda_queue_close(other); /* makes room, too */
    assert_int_equal(async_next(a->queue)->kind, YODA_OP_WRITABLE);
    OK(yoda_submit_sync(a->queue, NULL, 3, NULL, &err));
    async_expect(a->queue, 3, YODA_OK);
}

/* Those that waited together for a connection they did not get give up together. */
static void busy_writes_give_up(void **state)
{
    struct async *a = *state;
    yoda_txn *txn;
    yoda_error err;
    async_reopen(a, "100", "10000");
    OK(yoda_begin(a->db, &txn, &err));
    int64_t begin = now_ms();
    for (uint64_t i = 0; i < 100; i++)
        async_execute(a->queue, i, "CREATE TABLE t(x)");
    int busy = 0;
    for (int i = 0; i < 100; i++)
        busy += async_next(a->queue)->status == YODA_BUSY;
    assert_int_equal(busy, 100);
    assert_true(now_ms() - begin < 5000); /* one after the other they would take 10 s */
    OK(yoda_rollback(txn, &err));
}

/* However many slow ones there are, and although they keep the pool's connections. */
static void slow_queries_hold_nobody_up(void **state)
{
    enum { SLOW = 8 };
    const yoda_option options[] = {{"read_pool_size", "1"}, {"sync_interval_ms", "0"}};
    struct async *a = *state;
    yoda_op *slow[SLOW];
    yoda_error err;
    yoda_queue_close(a->queue);
    yoda_close(a->db);
    a->db = fixture_open(a->path, options, 2);
    OK(yoda_queue_create(a->db, &a->queue, &err));
    for (int round = 0; round < 3; round++) {
        for (uint64_t i = 0; i < SLOW; i++)
            async_query(a->queue, i, ASYNC_ENDLESS, YODA_SIDE_ROW, &slow[i]);
        for (uint64_t i = 0; i < 20; i++) {
            async_query(a->queue, 100 + i, "SELECT 1", YODA_SIDE_ROW, NULL);
            yoda_result_close(async_expect(a->queue, 100 + i, YODA_OK)->result);
        }
        for (size_t i = 0; i < SLOW; i++) {
            async_wait_phase(slow[i], YODA_OP_RUNNING);
            yoda_op_cancel(slow[i]);
            async_expect(a->queue, i, YODA_INTERRUPTED);
            yoda_op_release(slow[i]);
        }
        for (uint64_t i = 0; i < 100; i++) /* the threads too many go */
            async_query(a->queue, 200, "SELECT 1", YODA_SIDE_ROW, NULL);
        for (uint64_t i = 0; i < 100; i++)
            yoda_result_close(async_expect(a->queue, 200, YODA_OK)->result);
    }
}

/* ---- Threads --------------------------------------------------------------------------------- */

struct worker {
    yoda_engine *db;
    int number, errors;
};

static void *use_a_queue(void *arg)
{
    struct worker *w = arg;
    yoda_queue *queue = NULL;
    yoda_completion done[16];
    if (yoda_queue_create(w->db, &queue, NULL) != YODA_OK)
        return NULL;
    int submitted = 0, ended = 0;
    while (ended < 600) {
        for (; submitted < 600 && submitted - ended < 32; submitted++) {
            yoda_value v = {.type = YODA_INTEGER, .integer = w->number * 1000 + submitted};
            yoda_params p = {1, &v, NULL};
            yoda_status s = submitted % 3
                                ? yoda_submit_execute(queue, "INSERT INTO t VALUES (?)", &p, NULL,
                                                      1, NULL, NULL)
                                : yoda_submit_query(queue, "SELECT count(*) FROM t WHERE id <> ?",
                                                    &p, NULL, 2, NULL, NULL);
            w->errors += s != YODA_OK;
        }
        int n = yoda_queue_wait(queue, done, 16, PATIENCE_MS);
        w->errors += n <= 0;
        for (int i = 0; i < n; i++) {
            w->errors += done[i].status != YODA_OK || (done[i].user_data == 2) != !!done[i].result;
            yoda_result_close(done[i].result);
        }
        ended += n > 0 ? n : 600;
    }
    yoda_queue_close(queue);
    return NULL;
}

static void queues_in_threads(void **state)
{
    struct async *a = *state;
    struct worker workers[3];
    pthread_t threads[3];
    yoda_error err;
    fixture_execute(a->db, "CREATE TABLE t(id INTEGER PRIMARY KEY)");
    OK(yoda_register_table(a->db, "t", NULL, &err));
    for (int i = 0; i < 3; i++) {
        workers[i] = (struct worker){.db = a->db, .number = i};
        pthread_create(&threads[i], NULL, use_a_queue, &workers[i]);
    }
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(workers[i].errors, 0);
    }
    assert_int_equal(fixture_int(a->db, "SELECT count(*) FROM t"), 1200);
}

/* Everything at once: cancels and tiny timeouts at random moments, interrupts, and in the end a
 * shutdown in the middle of it. Each accepted operation completes once, whatever it says. */
struct storm {
    yoda_engine *db;
    uint64_t seed;
    int errors, accepted, ended;
};

static void storm_submit(struct storm *w, yoda_queue *queue, yoda_op **op)
{
    static const char *const writes[] = {"INSERT INTO t DEFAULT VALUES", "INSERT INTO nowhere",
                                         "DELETE FROM t WHERE id % 3 = 0"};
    uint64_t r = test_random(&w->seed);
    yoda_op_options options = YODA_OP_OPTIONS_INIT;
    yoda_status status;
    options.timeout_ms = r >> 8 & 1 ? (int64_t)(r >> 16 & 7) : 0;
    *op = NULL;
    if (r % 4 == 0)
        status = yoda_submit_query(queue, r & 16 ? ASYNC_ENDLESS : "SELECT sum(id) FROM t", NULL,
                                   &options, 1, op, NULL);
    else if (r % 32 == 1)
        status = yoda_submit_sync(queue, &options, 1, op, NULL);
    else if (r % 4 == 1)
        status = yoda_submit_execute_batch(queue, writes, 1 + r % 3, &options, 1, op, NULL);
    else
        status = yoda_submit_execute(queue, writes[r % 3], NULL, &options, 1, op, NULL);
    w->accepted += status == YODA_OK;
    w->errors += status != YODA_OK && status != YODA_CLOSED && status != YODA_BUSY;
    w->errors += (status == YODA_OK) != (*op != NULL);
    if (status == YODA_OK && r % 4 == 0 && r & 16 && !options.timeout_ms && r & 32)
        yoda_op_cancel(*op);
}

static void storm_drain(struct storm *w, yoda_queue *queue, int64_t timeout_ms)
{
    yoda_completion done[8];
    int n = yoda_queue_wait(queue, done, 8, timeout_ms);
    w->errors += n < 0;
    for (int i = 0; i < n; i++) {
        w->ended += done[i].kind != YODA_OP_WRITABLE;
        yoda_result_close(done[i].result);
    }
}

static void *storm(void *arg)
{
    enum { HELD = 16 };
    struct storm *w = arg;
    yoda_queue *queue = NULL;
    yoda_op *held[HELD] = {NULL};
    if (yoda_queue_create(w->db, &queue, NULL) != YODA_OK)
        return NULL;
    for (size_t i = 0; i < 1500; i++) {
        yoda_op **op = &held[test_random(&w->seed) % HELD];
        if (*op && test_random(&w->seed) % 2)
            yoda_op_cancel(*op);
        yoda_op_release(*op);
        storm_submit(w, queue, op);
        storm_drain(w, queue, *op ? 0 : 1); /* there may be no room: wait a little */
    }
    for (size_t i = 0; i < HELD; i++) {
        if (held[i])
            yoda_op_cancel(held[i]);
        yoda_op_release(held[i]);
    }
    for (int64_t end = now_ms() + PATIENCE_MS; w->ended < w->accepted && now_ms() < end;)
        storm_drain(w, queue, 100);
    yoda_queue_close(queue);
    return NULL;
}

static void storm_and_shutdown(void **state)
{
    struct async *a = *state;
    struct storm storms[3];
    pthread_t threads[3];
    yoda_error err;
    uint64_t seed = test_seed();
    int accepted = 0;
    async_reopen(a, "2000", "200");
    fixture_execute(a->db, "CREATE TABLE t(id INTEGER PRIMARY KEY)");
    OK(yoda_register_table(a->db, "t", NULL, &err));
    for (int i = 0; i < 3; i++) {
        storms[i] = (struct storm){.db = a->db, .seed = test_random(&seed)};
        pthread_create(&threads[i], NULL, storm, &storms[i]);
    }
    for (int i = 0; i < 10; i++) { /* what is endless and no longer held ends here, too */
        usleep(50000);
        yoda_interrupt(a->db);
    }
    OK(yoda_shutdown(a->db, &err));
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(storms[i].errors, 0);
        assert_int_equal(storms[i].ended, storms[i].accepted);
        accepted += storms[i].accepted;
    }
    assert_true(accepted > 100);
}

/* ---- Ends ------------------------------------------------------------------------------------ */

static void fill_for_the_end(struct async *a, uint64_t first)
{
    for (uint64_t i = 0; i < 3; i++)
        async_query(a->queue, first + i, ASYNC_ENDLESS, YODA_SIDE_ROW, NULL);
    for (uint64_t i = 3; i < 10; i++)
        async_execute(a->queue, first + i, "INSERT INTO t DEFAULT VALUES");
}

/* Queries are cancelled, writes have their turn, each gives one completion. */
static void expect_the_end(yoda_queue *queue)
{
    int seen[11] = {0};
    yoda_completion done;
    while (yoda_queue_drain(queue, &done, 1) == 1) {
        seen[done.user_data]++;
        yoda_status expected = done.user_data < 3 ? YODA_INTERRUPTED : YODA_OK;
        assert_int_equal(done.status, expected);
    }
    for (int i = 0; i < 10; i++)
        assert_int_equal(seen[i], 1);
}

static void shutdown_with_operations_waiting(void **state)
{
    struct async *a = *state;
    yoda_error err;
    fixture_execute(a->db, "CREATE TABLE t(id INTEGER PRIMARY KEY)");
    fill_for_the_end(a, 0);
    OK(yoda_shutdown(a->db, &err));
    expect_the_end(a->queue);
    FAILS(YODA_CLOSED, yoda_submit_sync(a->queue, NULL, 1, NULL, &err));
    OK(yoda_submit_shutdown(a->queue, 9, NULL, &err)); /* again: nothing happens */
    async_expect(a->queue, 9, YODA_OK);
    async_reopen(a, "20000", "10000");
    assert_int_equal(fixture_int(a->db, "SELECT count(*) FROM t"), 7);
}

static void submitted_shutdown(void **state)
{
    struct async *a = *state;
    yoda_error err;
    yoda_op *op;
    yoda_completion done[16];
    fixture_execute(a->db, "CREATE TABLE t(id INTEGER PRIMARY KEY)");
    fill_for_the_end(a, 0);
    OK(yoda_submit_shutdown(a->queue, 10, &op, &err));
    assert_int_equal(yoda_op_cancel(op), YODA_OK); /* cannot be */
    async_wait_phase(op, YODA_OP_DONE);
    yoda_close(a->db); /* the completions are still there */
    a->db = NULL;
    FAILS(YODA_CLOSED, yoda_submit_shutdown(a->queue, 1, NULL, &err));
    int n = yoda_queue_drain(a->queue, done, 16);
    assert_int_equal(n, 11);
    assert_int_equal(done[10].user_data, 10); /* after all others */
    assert_int_equal(done[10].kind, YODA_OP_SHUTDOWN);
    for (int i = 0; i < n; i++)
        assert_int_equal(done[i].status, done[i].user_data < 3 ? YODA_INTERRUPTED : YODA_OK);
    yoda_queue_close(a->queue);
    a->queue = NULL;
    yoda_op_state end = {.size = sizeof end}; /* the handle outlives both */
    assert_int_equal(yoda_op_progress(op, &end), YODA_OK);
    assert_int_equal(end.phase, YODA_OP_DONE);
    assert_int_equal(yoda_op_cancel(op), YODA_OK);
    yoda_op_release(op);
}

static void queue_closed_in_use(void **state)
{
    struct async *a = *state;
    yoda_error err;
    yoda_queue *queue;
    yoda_op *op;
    OK(yoda_queue_create(a->db, &queue, &err));
    for (uint64_t i = 0; i < 20; i++)
        async_query(queue, i, "SELECT 'a result that nobody takes'", YODA_SIDE_ROW, NULL);
    async_query(queue, 20, ASYNC_ENDLESS, YODA_SIDE_ROW, NULL);
    async_query(queue, 21, ASYNC_ENDLESS, YODA_SIDE_ROW, &op);
    int64_t begin = now_ms();
    yoda_queue_close(queue);
    assert_true(now_ms() - begin < CANCEL_MS_MAX);
    yoda_op_state state_of = {.size = sizeof state_of};
    assert_int_equal(yoda_op_progress(op, &state_of), YODA_OK);
    assert_int_equal(state_of.phase, YODA_OP_DONE);
    yoda_op_release(op);
    async_query(a->queue, 1, "SELECT 1", YODA_SIDE_ROW, NULL); /* the other one goes on */
    yoda_result_close(async_expect(a->queue, 1, YODA_OK)->result);
}

static int in_child(struct async *a, yoda_op *op)
{
    yoda_completion done;
    yoda_error err;
    bool refused = yoda_submit_sync(a->queue, NULL, 1, NULL, &err) == YODA_FORKED &&
                   yoda_queue_drain(a->queue, &done, 1) == -YODA_FORKED &&
                   yoda_queue_wait(a->queue, &done, 1, -1) == -YODA_FORKED &&
                   yoda_queue_fd(a->queue) == -1 && yoda_op_cancel(op) == YODA_FORKED;
    yoda_queue_wake(a->queue);
    yoda_op_release(op);
    yoda_queue_close(a->queue);
    yoda_close(a->db);
    return refused ? 0 : 1;
}

static void forked(void **state)
{
    struct async *a = *state;
    yoda_error err;
    yoda_op *op;
    int code = -1;
    OK(yoda_submit_sync(a->queue, NULL, 1, &op, &err));
    pid_t child = fork();
    if (child == 0)
        _exit(in_child(a, op));
    assert_int_equal(waitpid(child, &code, 0), child);
    assert_int_equal(code, 0);
    async_expect(a->queue, 1, YODA_OK);
    assert_false(readable(a->queue, 0)); /* the child woke nobody */
    yoda_op_release(op);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, async_setup, async_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_kind),
        TEST(arguments_are_copied),
        TEST(misuse),
        TEST(descriptor_follows_the_list),
        TEST(wake_from_anywhere),
        TEST(cancel_queries),
        TEST(cancel_writes),
        TEST(timeouts),
        TEST(interrupt_reaches_what_waits),
        TEST(ten_thousand_in_flight),
        TEST(small_bound),
        TEST(busy_writes_give_up),
        TEST(slow_queries_hold_nobody_up),
        TEST(queues_in_threads),
        TEST(storm_and_shutdown),
        TEST(shutdown_with_operations_waiting),
        TEST(submitted_shutdown),
        TEST(queue_closed_in_use),
        TEST(forked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
