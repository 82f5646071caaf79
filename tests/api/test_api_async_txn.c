/*
 * test_api_async_txn.c -- submitted transactions: order, what they see, what they hold up, and that
 * the connection comes back however they end.
 */
#include "async_fixture.h"

#include <pthread.h>
#include <unistd.h>

#define CANCEL_MS_MAX 3000
#define INSERT_ENDLESS                                                                             \
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "                             \
    "INSERT INTO t SELECT NULL FROM n WHERE i < 0"

static int setup(void **state)
{
    async_setup(state);
    struct async *a = *state;
    fixture_execute(a->db, "CREATE TABLE t(id INTEGER PRIMARY KEY)");
    return 0;
}

static yoda_txn *begin(yoda_queue *queue, uint64_t user_data)
{
    yoda_error err;
    OK(yoda_submit_begin(queue, NULL, user_data, NULL, &err));
    yoda_completion *done = async_expect(queue, user_data, YODA_OK);
    assert_int_equal(done->kind, YODA_OP_BEGIN);
    assert_non_null(done->txn);
    return done->txn;
}

static void execute(yoda_queue *queue, yoda_txn *txn, uint64_t user_data, const char *sql,
                    yoda_op **op)
{
    yoda_error err;
    OK(yoda_submit_txn_execute(queue, txn, sql, NULL, NULL, user_data, op, &err));
}

static void query(yoda_queue *queue, yoda_txn *txn, uint64_t user_data, const char *sql)
{
    yoda_error err;
    OK(yoda_submit_txn_query(queue, txn, sql, NULL, NULL, user_data, NULL, &err));
}

static void expect_int(yoda_queue *queue, uint64_t user_data, int64_t value)
{
    yoda_completion *done = async_expect(queue, user_data, YODA_OK);
    assert_true(yoda_result_next(done->result));
    assert_int_equal(yoda_result_int64(done->result, 0), value);
    yoda_result_close(done->result);
}

static void commit(yoda_queue *queue, yoda_txn *txn, uint64_t user_data)
{
    yoda_error err;
    OK(yoda_submit_commit(queue, txn, NULL, user_data, NULL, &err));
}

static void rollback(yoda_queue *queue, yoda_txn *txn, uint64_t user_data)
{
    yoda_error err;
    OK(yoda_submit_rollback(queue, txn, NULL, user_data, NULL, &err));
}

static int64_t rows(struct async *a)
{
    return fixture_int_on(a->db, "SELECT count(*) FROM t", YODA_SIDE_ROW, NULL);
}

/* Nobody holds the write connection: a write that may not wait gets it. */
static void expect_free(struct async *a)
{
    yoda_op_options options = YODA_OP_OPTIONS_INIT;
    yoda_error err;
    options.timeout_ms = PATIENCE_MS;
    OK(yoda_submit_execute(a->queue, "DELETE FROM t WHERE id < 0", NULL, &options, 999, NULL,
                           &err));
    async_expect(a->queue, 999, YODA_OK);
}

/* ---- Order ----------------------------------------------------------------------------------- */

/* Submitted in one go, all of it: nothing is awaited. */
static void in_order_and_reads_own_writes(void **state)
{
    struct async *a = *state;
    static const yoda_value ids[] = {{.type = YODA_INTEGER, .integer = 5},
                                     {.type = YODA_INTEGER, .integer = 6}};
    const yoda_params many[] = {{1, &ids[0], NULL}, {1, &ids[1], NULL}};
    yoda_error err;
    yoda_txn *txn = begin(a->queue, 1);
    OK(yoda_submit_txn_execute(a->queue, txn, "INSERT INTO t VALUES (?), (2)", many, NULL, 2, NULL,
                               &err));
    query(a->queue, txn, 3, "SELECT count(*) * 100 + sum(id) FROM t");
    OK(yoda_submit_txn_execute_many(a->queue, txn, "INSERT INTO t VALUES (? + 1)", many, 2, NULL, 4,
                                    NULL, &err));
    query(a->queue, txn, 5, "SELECT count(*) * 100 + sum(id) FROM t");
    commit(a->queue, txn, 6);
    assert_int_equal(async_expect(a->queue, 2, YODA_OK)->changes, 2);
    expect_int(a->queue, 3, 207);
    assert_int_equal(async_expect(a->queue, 4, YODA_OK)->changes, 2);
    expect_int(a->queue, 5, 420);
    assert_int_equal(async_expect(a->queue, 6, YODA_OK)->kind, YODA_OP_COMMIT);
    assert_int_equal(rows(a), 4);
    txn = begin(a->queue, 7);
    execute(a->queue, txn, 8, "DELETE FROM t", NULL);
    query(a->queue, txn, 9, "SELECT count(*) FROM t");
    rollback(a->queue, txn, 10);
    assert_int_equal(async_expect(a->queue, 8, YODA_OK)->changes, 4);
    expect_int(a->queue, 9, 0);
    async_expect(a->queue, 10, YODA_OK);
    assert_int_equal(rows(a), 4);
}

static void other_writes_wait_their_turn(void **state)
{
    struct async *a = *state;
    yoda_error err;
    yoda_op *op;
    yoda_txn *txn = begin(a->queue, 1);
    OK(yoda_submit_execute(a->queue, "INSERT INTO t SELECT 10 + max(id) FROM t", NULL, NULL, 2, &op,
                           &err));
    async_execute(a->queue, 3, "INSERT INTO t SELECT 100 + max(id) FROM t");
    OK(yoda_submit_sync(a->queue, NULL, 4, NULL, &err));
    async_wait_phase(op, YODA_OP_RUNNING); /* waits for the connection */
    execute(a->queue, txn, 5, "INSERT INTO t VALUES (1)", NULL);
    async_expect(a->queue, 5, YODA_OK);
    query(a->queue, txn, 6, "SELECT max(id) FROM t");
    expect_int(a->queue, 6, 1);
    async_query(a->queue, 7, "SELECT count(*) FROM t", YODA_SIDE_ROW, NULL); /* the last commit */
    expect_int(a->queue, 7, 0);
    commit(a->queue, txn, 8);
    bool committed = false;
    for (uint64_t next = 2; next <= 4;) {
        yoda_completion *done = async_next(a->queue);
        assert_int_equal(done->status, YODA_OK);
        committed |= done->user_data == 8;
        next += done->user_data == next;
    }
    if (!committed)
        async_expect(a->queue, 8, YODA_OK);
    assert_int_equal(fixture_int(a->db, "SELECT max(id) FROM t"), 111);
    yoda_op_release(op);
}

static void two_begins(void **state)
{
    struct async *a = *state;
    yoda_error err;
    yoda_op *op;
    yoda_txn *txn = begin(a->queue, 1);
    OK(yoda_submit_begin(a->queue, NULL, 2, &op, &err));
    async_wait_phase(op, YODA_OP_RUNNING);
    execute(a->queue, txn, 3, "INSERT INTO t VALUES (1)", NULL);
    async_expect(a->queue, 3, YODA_OK);
    commit(a->queue, txn, 4);
    yoda_txn *second = NULL;
    for (int i = 0; i < 2; i++) {
        yoda_completion *done = async_next(a->queue);
        assert_int_equal(done->status, YODA_OK);
        if (done->user_data == 2)
            second = done->txn;
    }
    assert_non_null(second);
    query(a->queue, second, 5, "SELECT count(*) FROM t");
    expect_int(a->queue, 5, 1);
    OK(yoda_commit(second, &err)); /* either way of ending it will do */
    expect_free(a);
    yoda_op_release(op);
}

/* The synchronous calls and the submitted ones work on the same handles. */
static void synchronous_and_submitted(void **state)
{
    struct async *a = *state;
    static const yoda_value id = {.type = YODA_INTEGER, .integer = 7};
    const yoda_params params = {1, &id, NULL}, twice[] = {params, params};
    yoda_error err;
    yoda_txn *txn = NULL;
    int64_t changes = -1;
    OK(yoda_begin(a->db, &txn, &err));
    execute(a->queue, txn, 1, "INSERT INTO t VALUES (1)", NULL);
    async_expect(a->queue, 1, YODA_OK);
    OK(yoda_txn_execute_many(txn, "INSERT INTO t VALUES (?)", &params, 1, &changes, &err));
    assert_int_equal(changes, 1);
    FAILS(YODA_CONSTRAINT,
          yoda_txn_execute_many(txn, "INSERT INTO t VALUES (? + 1)", twice, 2, &changes, &err));
    assert_int_equal(changes, 0);
    assert_non_null(strstr(err.message, "row 2"));
    query(a->queue, txn, 2, "SELECT count(*) FROM t");
    expect_int(a->queue, 2, 2);
    commit(a->queue, txn, 3);
    async_expect(a->queue, 3, YODA_OK);
    assert_int_equal(rows(a), 2);
}

/* ---- Errors ---------------------------------------------------------------------------------- */

static void errors_keep_it_open(void **state)
{
    struct async *a = *state;
    static const yoda_value ids[] = {{.type = YODA_INTEGER, .integer = 2},
                                     {.type = YODA_INTEGER, .integer = 3},
                                     {.type = YODA_INTEGER, .integer = 1}};
    const yoda_params many[] = {{1, &ids[0], NULL}, {1, &ids[1], NULL}, {1, &ids[2], NULL}};
    yoda_error err;
    yoda_txn *txn = begin(a->queue, 1);
    execute(a->queue, txn, 2, "INSERT INTO t VALUES (1)", NULL);
    execute(a->queue, txn, 3, "INSERT INTO t VALUES (4), (1)", NULL);
    execute(a->queue, txn, 4, "INSERT INTO nowhere VALUES (1)", NULL);
    OK(yoda_submit_txn_execute_many(a->queue, txn, "INSERT INTO t VALUES (?)", many, 3, NULL, 5,
                                    NULL, &err));
    query(a->queue, txn, 6, "DELETE FROM t");
    query(a->queue, txn, 7, "SELECT count(*) FROM t");
    OK(yoda_submit_txn_execute_many(a->queue, txn, "INSERT INTO t VALUES (?)", many, 2, NULL, 8,
                                    NULL, &err));
    commit(a->queue, txn, 9);
    async_expect(a->queue, 2, YODA_OK);
    assert_int_equal(async_expect(a->queue, 3, YODA_CONSTRAINT)->changes, 0);
    assert_non_null(strstr(async_expect(a->queue, 4, YODA_ERROR)->error.message, "nowhere"));
    yoda_completion *done = async_expect(a->queue, 5, YODA_CONSTRAINT);
    assert_int_equal(done->changes, 0);
    assert_non_null(strstr(done->error.message, "row 3"));
    async_expect(a->queue, 6, YODA_MISUSE);
    expect_int(a->queue, 7, 1);
    assert_int_equal(async_expect(a->queue, 8, YODA_OK)->changes, 2);
    async_expect(a->queue, 9, YODA_OK);
    assert_int_equal(fixture_int(a->db, "SELECT count(*) * 10 + sum(id) FROM t"), 36);
}

static void ended_by_a_statement(void **state)
{
    struct async *a = *state;
    yoda_txn *txn = begin(a->queue, 1);
    execute(a->queue, txn, 2, "INSERT INTO t VALUES (1)", NULL);
    execute(a->queue, txn, 3, "INSERT OR ROLLBACK INTO t VALUES (1)", NULL);
    execute(a->queue, txn, 4, "INSERT INTO t VALUES (4)", NULL); /* must not commit by itself */
    query(a->queue, txn, 5, "SELECT 1");
    commit(a->queue, txn, 6);
    async_expect(a->queue, 2, YODA_OK);
    yoda_completion *done = async_expect(a->queue, 3, YODA_CONSTRAINT);
    assert_non_null(strstr(done->error.message, "the transaction has ended"));
    async_expect(a->queue, 4, YODA_CONFLICT);
    async_expect(a->queue, 5, YODA_CONFLICT);
    async_expect(a->queue, 6, YODA_CONFLICT);
    expect_free(a);
    txn = begin(a->queue, 7);
    execute(a->queue, txn, 8, "COMMIT", NULL);
    rollback(a->queue, txn, 9);
    async_expect(a->queue, 8, YODA_MISUSE);
    async_expect(a->queue, 9, YODA_OK);
    expect_free(a);
    assert_int_equal(rows(a), 0);
}

static void commit_refused(void **state)
{
    struct async *a = *state;
    fixture_execute(a->db, "CREATE TABLE c(t INTEGER REFERENCES t DEFERRABLE INITIALLY DEFERRED);"
                           "PRAGMA foreign_keys = ON");
    yoda_txn *txn = begin(a->queue, 1);
    execute(a->queue, txn, 2, "INSERT INTO c VALUES (77)", NULL);
    commit(a->queue, txn, 3);
    async_expect(a->queue, 2, YODA_OK);
    async_expect(a->queue, 3, YODA_CONSTRAINT);
    expect_free(a);
    assert_int_equal(fixture_int(a->db, "SELECT count(*) FROM c"), 0);
}

static void misuse(void **state)
{
    struct async *a = *state, *other = NULL;
    yoda_op_options options = YODA_OP_OPTIONS_INIT;
    yoda_error err;
    yoda_op *op = NULL;
    async_setup((void **)&other);
    yoda_txn *txn = begin(a->queue, 1);
    FAILS(YODA_MISUSE, yoda_submit_begin(NULL, NULL, 2, &op, &err));
    FAILS(YODA_MISUSE, yoda_submit_commit(a->queue, NULL, NULL, 2, &op, &err));
    FAILS(YODA_MISUSE, yoda_submit_commit(other->queue, txn, NULL, 2, &op, &err));
    FAILS(YODA_MISUSE, yoda_submit_txn_execute(a->queue, txn, NULL, NULL, NULL, 2, &op, &err));
    FAILS(YODA_MISUSE,
          yoda_submit_txn_execute_many(a->queue, txn, "SELECT 1", NULL, 1, NULL, 2, &op, &err));
    FAILS(YODA_MISUSE, yoda_submit_txn_query(a->queue, NULL, "SELECT 1", NULL, NULL, 2, &op, &err));
    options.window = 1;
    FAILS(YODA_MISUSE,
          yoda_submit_txn_query(a->queue, txn, "SELECT 1", NULL, &options, 2, &op, &err));
    FAILS(YODA_MISUSE, yoda_txn_execute_many(NULL, "SELECT 1", NULL, 0, NULL, &err));
    FAILS(YODA_MISUSE, yoda_txn_execute_many(txn, "SELECT 1", NULL, 1, NULL, &err));
    assert_null(op);
    OK(yoda_rollback(txn, &err)); /* refused submits took nothing */
    async_teardown((void **)&other);
}

/* ---- Cancelling ------------------------------------------------------------------------------ */

static void expect_soon(struct async *a, uint64_t user_data, yoda_status status, int64_t since_ms)
{
    async_expect(a->queue, user_data, status);
    assert_true(now_ms() - since_ms < CANCEL_MS_MAX);
}

static void cancel_begin(void **state)
{
    struct async *a = *state;
    yoda_error err;
    yoda_op *running, *waiting;
    yoda_txn *txn = begin(a->queue, 1);
    OK(yoda_submit_begin(a->queue, NULL, 2, &running, &err));
    OK(yoda_submit_begin(a->queue, NULL, 3, &waiting, &err));
    async_wait_phase(running, YODA_OP_RUNNING);
    int64_t since = now_ms();
    yoda_op_cancel(waiting);
    expect_soon(a, 3, YODA_INTERRUPTED, since);
    yoda_op_cancel(running);
    expect_soon(a, 2, YODA_INTERRUPTED, since);
    rollback(a->queue, txn, 4);
    async_expect(a->queue, 4, YODA_OK);
    expect_free(a);
    yoda_op_release(running);
    yoda_op_release(waiting);
}

/* SQLite rolls a transaction back whose write is interrupted; a query that is takes nothing along.
 */
static void cancel_statements(void **state)
{
    struct async *a = *state;
    yoda_error err;
    yoda_op *op;
    yoda_txn *txn = begin(a->queue, 1);
    execute(a->queue, txn, 2, "INSERT INTO t VALUES (1)", NULL);
    async_expect(a->queue, 2, YODA_OK);
    OK(yoda_submit_txn_query(a->queue, txn, ASYNC_ENDLESS, NULL, NULL, 3, &op, &err));
    async_wait_phase(op, YODA_OP_RUNNING);
    usleep(20000);
    int64_t since = now_ms();
    yoda_op_cancel(op);
    expect_soon(a, 3, YODA_INTERRUPTED, since);
    yoda_op_release(op);
    query(a->queue, txn, 4, "SELECT count(*) FROM t");
    expect_int(a->queue, 4, 1);
    execute(a->queue, txn, 5, INSERT_ENDLESS, &op);
    execute(a->queue, txn, 6, "INSERT INTO t VALUES (6)", NULL);
    async_wait_phase(op, YODA_OP_RUNNING);
    usleep(20000);
    since = now_ms();
    yoda_op_cancel(op);
    yoda_op_release(op);
    yoda_completion *done = async_expect(a->queue, 5, YODA_INTERRUPTED);
    assert_non_null(strstr(done->error.message, "the transaction has ended"));
    async_expect(a->queue, 6, YODA_CONFLICT);
    commit(a->queue, txn, 7);
    async_expect(a->queue, 7, YODA_CONFLICT);
    expect_free(a);
    assert_int_equal(rows(a), 0);
}

static void cancel_the_end(void **state)
{
    struct async *a = *state;
    yoda_error err;
    yoda_op *before, *end;
    for (uint64_t i = 0; i < 2; i++) { /* a commit rolls back; a rollback does what it should */
        yoda_txn *txn = begin(a->queue, 1);
        execute(a->queue, txn, 2, "INSERT INTO t VALUES (1)", NULL);
        async_expect(a->queue, 2, YODA_OK);
        OK(yoda_submit_txn_query(a->queue, txn, ASYNC_ENDLESS, NULL, NULL, 3, &before, &err));
        async_wait_phase(before, YODA_OP_RUNNING);
        OK((i ? yoda_submit_rollback : yoda_submit_commit)(a->queue, txn, NULL, 4, &end, &err));
        yoda_op_cancel(end);
        yoda_op_cancel(before);
        async_expect(a->queue, 3, YODA_INTERRUPTED);
        async_expect(a->queue, 4, i ? YODA_OK : YODA_INTERRUPTED);
        yoda_op_release(before);
        yoda_op_release(end);
        expect_free(a);
        assert_int_equal(rows(a), 0);
    }
}

static void timeouts(void **state)
{
    struct async *a = *state;
    yoda_op_options options = YODA_OP_OPTIONS_INIT;
    yoda_error err;
    yoda_op *op;
    yoda_txn *txn = begin(a->queue, 1);
    options.timeout_ms = 50;
    OK(yoda_submit_begin(a->queue, &options, 2, NULL, &err));
    async_expect(a->queue, 2, YODA_TIMEOUT);
    OK(yoda_submit_txn_query(a->queue, txn, ASYNC_ENDLESS, NULL, &options, 3, NULL, &err));
    async_expect(a->queue, 3, YODA_TIMEOUT);
    execute(a->queue, txn, 4, "INSERT INTO t VALUES (1)", NULL);
    async_expect(a->queue, 4, YODA_OK);
    OK(yoda_submit_txn_query(a->queue, txn, ASYNC_ENDLESS, NULL, NULL, 5, &op, &err));
    OK(yoda_submit_commit(a->queue, txn, &options, 6, NULL, &err));
    usleep(80000);
    yoda_op_cancel(op);
    async_expect(a->queue, 5, YODA_INTERRUPTED);
    async_expect(a->queue, 6, YODA_TIMEOUT); /* and so rolled back */
    yoda_op_release(op);
    expect_free(a);
    assert_int_equal(rows(a), 0);
}

static void busy(void **state)
{
    struct async *a = *state;
    yoda_error err;
    async_reopen(a, "100", "10000");
    yoda_txn *txn = begin(a->queue, 1);
    int64_t since = now_ms();
    for (uint64_t i = 2; i < 30; i++)
        OK(yoda_submit_begin(a->queue, NULL, i, NULL, &err));
    for (uint64_t i = 2; i < 30; i++)
        async_expect(a->queue, i, YODA_BUSY);
    assert_true(now_ms() - since < 2000); /* together, not one after the other */
    commit(a->queue, txn, 30);
    async_expect(a->queue, 30, YODA_OK);
    expect_free(a);
}

/* The end of a transaction makes room: it is never refused for want of it. */
static void no_room(void **state)
{
    struct async *a = *state;
    yoda_error err;
    async_reopen(a, "20000", "2");
    yoda_txn *txn = begin(a->queue, 1);
    async_execute(a->queue, 2, "INSERT INTO t VALUES (2)");
    async_execute(a->queue, 3, "INSERT INTO t VALUES (3)");
    FAILS(YODA_BUSY, yoda_submit_txn_query(a->queue, txn, "SELECT 1", NULL, NULL, 4, NULL, &err));
    commit(a->queue, txn, 5);
    int ended = 0;
    while (ended < 3) {
        yoda_completion *done = async_next(a->queue);
        assert_int_equal(done->status, YODA_OK);
        ended += done->kind != YODA_OP_WRITABLE;
    }
}

/* ---- Ends ------------------------------------------------------------------------------------ */

static void closed_undrained(void **state)
{
    struct async *a = *state;
    yoda_error err;
    yoda_queue *queue;
    yoda_op *op;
    for (int held = 0; held < 2; held++) {
        OK(yoda_queue_create(a->db, &queue, &err));
        OK(yoda_submit_begin(queue, NULL, 1, &op, &err));
        if (held)
            async_wait_phase(op, YODA_OP_DONE);
        yoda_queue_close(queue);
        expect_free(a); /* although the operation's handle is still there */
        yoda_op_release(op);
    }
}

static void closed_with_operations(void **state)
{
    struct async *a = *state;
    yoda_error err;
    yoda_queue *queue;
    yoda_op *op;
    for (int ends = 0; ends < 2; ends++) {
        OK(yoda_queue_create(a->db, &queue, &err));
        yoda_txn *txn = begin(queue, 1);
        execute(queue, txn, 2, "INSERT INTO t DEFAULT VALUES", NULL);
        async_expect(queue, 2, YODA_OK);
        OK(yoda_submit_txn_query(queue, txn, ASYNC_ENDLESS, NULL, NULL, 3, &op, &err));
        execute(queue, txn, 4, "INSERT INTO t VALUES (2)", NULL);
        async_wait_phase(op, YODA_OP_RUNNING);
        if (ends)
            commit(queue, txn, 5);
        yoda_queue_close(queue);
        yoda_op_release(op);
        if (!ends) /* it is still ours */
            OK(yoda_commit(txn, &err));
        expect_free(a);
        assert_int_equal(rows(a), 1);
    }
}

/* Used from two sides: what waits finds it ended, not freed. */
static void ended_under_operations(void **state)
{
    struct async *a = *state;
    yoda_error err;
    yoda_op *op;
    yoda_txn *txn = begin(a->queue, 1);
    OK(yoda_submit_txn_query(a->queue, txn, ASYNC_ENDLESS, NULL, NULL, 2, &op, &err));
    for (uint64_t i = 3; i < 6; i++)
        execute(a->queue, txn, i, "INSERT INTO t VALUES (1)", NULL);
    async_wait_phase(op, YODA_OP_RUNNING);
    yoda_op_cancel(op);
    yoda_op_release(op);
    OK(yoda_rollback(txn, &err)); /* somewhere in between */
    async_expect(a->queue, 2, YODA_INTERRUPTED);
    for (uint64_t i = 3; i < 6; i++)
        assert_int_equal(async_next(a->queue)->user_data, i);
    expect_free(a);
    assert_int_equal(rows(a), 0);
}

static void shutdown_with_it_open(void **state)
{
    struct async *a = *state;
    yoda_error err;
    yoda_op *op;
    yoda_txn *txn = begin(a->queue, 1);
    execute(a->queue, txn, 2, "INSERT INTO t VALUES (1)", NULL);
    async_expect(a->queue, 2, YODA_OK);
    OK(yoda_submit_begin(a->queue, NULL, 3, &op, &err));
    async_wait_phase(op, YODA_OP_RUNNING);
    OK(yoda_shutdown(a->db, &err));
    async_expect(a->queue, 3, YODA_INTERRUPTED);
    yoda_op_release(op);
    FAILS(YODA_CLOSED, yoda_submit_txn_query(a->queue, txn, "SELECT 1", NULL, NULL, 4, NULL, &err));
    FAILS(YODA_CLOSED, yoda_submit_commit(a->queue, txn, NULL, 4, NULL, &err));
    yoda_close(a->db);
    a->db = NULL;
    FAILS(YODA_CLOSED, yoda_rollback(txn, &err)); /* frees it */
    yoda_queue_close(a->queue);
    async_open(a, "20000", "10000");
    assert_int_equal(rows(a), 0);
}

/* What was accepted before the shutdown has its turn: the commit, too. */
static void shutdown_with_the_end_accepted(void **state)
{
    struct async *a = *state;
    yoda_error err;
    yoda_txn *txn = begin(a->queue, 1);
    for (uint64_t i = 2; i < 100; i++)
        execute(a->queue, txn, i, "INSERT INTO t DEFAULT VALUES", NULL);
    commit(a->queue, txn, 100);
    async_execute(a->queue, 101, "INSERT INTO t DEFAULT VALUES");
    OK(yoda_shutdown(a->db, &err));
    yoda_completion done;
    int ended = 0;
    for (; yoda_queue_drain(a->queue, &done, 1) == 1; ended++)
        assert_int_equal(done.status, YODA_OK);
    assert_int_equal(ended, 100);
    yoda_queue_close(a->queue);
    yoda_close(a->db);
    async_open(a, "20000", "10000");
    assert_int_equal(rows(a), 99);
}

/* A begin that nobody drained, and an engine that is shut down: nothing is left behind. */
static void shutdown_undrained(void **state)
{
    struct async *a = *state;
    yoda_error err;
    yoda_op *op;
    OK(yoda_submit_begin(a->queue, NULL, 1, &op, &err));
    async_wait_phase(op, YODA_OP_DONE);
    yoda_op_release(op);
    OK(yoda_shutdown(a->db, &err));
    yoda_queue_close(a->queue);
    yoda_close(a->db);
    async_open(a, "20000", "10000");
    expect_free(a);
}

static void interrupt(void **state)
{
    struct async *a = *state;
    yoda_error err;
    yoda_op *op;
    yoda_txn *txn = begin(a->queue, 1);
    OK(yoda_submit_begin(a->queue, NULL, 2, &op, &err));
    async_wait_phase(op, YODA_OP_RUNNING);
    yoda_interrupt(a->db);
    async_expect(a->queue, 2, YODA_INTERRUPTED);
    yoda_op_release(op);
    query(a->queue, txn, 3, "SELECT 1"); /* which was not in a call */
    expect_int(a->queue, 3, 1);
    rollback(a->queue, txn, 4);
    async_expect(a->queue, 4, YODA_OK);
}

/* ---- Threads --------------------------------------------------------------------------------- */

#define WORKERS 3
#define TRANSACTIONS 40

struct worker {
    yoda_engine *db;
    uint64_t seed;
    int64_t committed;
};

/* One transaction of a few inserts; half of them are submitted in one go. */
static void one_transaction(struct worker *w, yoda_queue *queue)
{
    uint64_t r = test_random(&w->seed), count = 1 + r % 4;
    bool keep = r & 64;
    yoda_error err;
    yoda_txn *txn = begin(queue, 1);
    for (uint64_t i = 0; i < count; i++) {
        execute(queue, txn, 2, "INSERT INTO t DEFAULT VALUES", NULL);
        if (r & 128)
            async_expect(queue, 2, YODA_OK);
    }
    OK((keep ? yoda_submit_commit : yoda_submit_rollback)(queue, txn, NULL, 3, NULL, &err));
    for (uint64_t i = 0; !(r & 128) && i < count; i++)
        async_expect(queue, 2, YODA_OK);
    async_expect(queue, 3, YODA_OK);
    w->committed += keep ? (int64_t)count : 0;
    async_execute(queue, 4, "INSERT INTO t DEFAULT VALUES");
    async_expect(queue, 4, YODA_OK);
    w->committed++;
}

static void *work(void *arg)
{
    struct worker *w = arg;
    yoda_queue *queue = NULL;
    yoda_error err;
    OK(yoda_queue_create(w->db, &queue, &err));
    for (int i = 0; i < TRANSACTIONS; i++)
        one_transaction(w, queue);
    yoda_queue_close(queue);
    return NULL;
}

static void queues_in_threads(void **state)
{
    struct async *a = *state;
    struct worker workers[WORKERS];
    pthread_t threads[WORKERS];
    uint64_t seed = test_seed();
    int64_t committed = 0;
    for (int i = 0; i < WORKERS; i++) {
        workers[i] = (struct worker){.db = a->db, .seed = test_random(&seed)};
        pthread_create(&threads[i], NULL, work, &workers[i]);
    }
    for (int i = 0; i < WORKERS; i++) {
        pthread_join(threads[i], NULL);
        committed += workers[i].committed;
    }
    assert_int_equal(rows(a), committed);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, async_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(in_order_and_reads_own_writes),
        TEST(other_writes_wait_their_turn),
        TEST(two_begins),
        TEST(synchronous_and_submitted),
        TEST(errors_keep_it_open),
        TEST(ended_by_a_statement),
        TEST(commit_refused),
        TEST(misuse),
        TEST(cancel_begin),
        TEST(cancel_statements),
        TEST(cancel_the_end),
        TEST(timeouts),
        TEST(busy),
        TEST(no_room),
        TEST(closed_undrained),
        TEST(closed_with_operations),
        TEST(ended_under_operations),
        TEST(shutdown_with_it_open),
        TEST(shutdown_with_the_end_accepted),
        TEST(shutdown_undrained),
        TEST(interrupt),
        TEST(queues_in_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
