/*
 * test_async_faults.c -- operations when memory is short: every allocation between a submit and its
 * completion is made to fail in turn. A submit that is refused gives no completion, one that is
 * accepted gives one, and a write says OK exactly when its row is there.
 */
#include "base/mem.h"
#include "test.h"

struct round {
    yoda_engine *db;
    yoda_queue *queue;
    int accepted, ended, inserted;
    int refused, failed; /* in all rounds */
};

static void note(struct round *r, yoda_status status)
{
    assert_true(status == YODA_OK || status == YODA_NOMEM);
    r->accepted += status == YODA_OK;
    r->refused += status != YODA_OK;
}

static void submit_all(struct round *r)
{
    static const char *const batch[] = {"INSERT INTO t VALUES (1)", "INSERT INTO t VALUES (2)"};
    const yoda_value v = {.type = YODA_INTEGER, .integer = 3};
    const yoda_params p = {1, &v, NULL};
    yoda_op_options options = YODA_OP_OPTIONS_INIT;
    options.timeout_ms = 60000;
    note(r,
         yoda_submit_execute(r->queue, "INSERT INTO t VALUES (0)", NULL, &options, 1, NULL, NULL));
    note(r, yoda_submit_execute_batch(r->queue, batch, 2, NULL, 2, NULL, NULL));
    note(r, yoda_submit_execute_many(r->queue, "INSERT INTO t VALUES (?)", &p, 1, NULL, 1, NULL,
                                     NULL));
    note(r, yoda_submit_query(r->queue, "SELECT count(*) FROM t", NULL, NULL, 0, NULL, NULL));
    note(r, yoda_submit_sync(r->queue, NULL, 0, NULL, NULL));
    note(r, yoda_submit_verify(r->queue, NULL, 0, NULL, 0, NULL, NULL));
}

static void drain_all(struct round *r)
{
    yoda_completion done;
    while (r->ended < r->accepted) {
        assert_int_equal(yoda_queue_wait(r->queue, &done, 1, 60000), 1);
        r->ended++;
        if (done.status == YODA_OK)
            r->inserted += (int)done.user_data;
        r->failed += done.status != YODA_OK;
        assert_true(done.status == YODA_OK || done.error.message[0] != 0);
        yoda_result_close(done.result);
    }
    assert_int_equal(yoda_queue_drain(r->queue, &done, 1), 0);
}

static int64_t count_rows(yoda_engine *db)
{
    yoda_error err;
    yoda_result *rows;
    OK(yoda_query(db, "SELECT count(*) FROM t", NULL, NULL, &rows, &err));
    assert_true(yoda_result_next(rows));
    int64_t count = yoda_result_int64(rows, 0);
    yoda_result_close(rows);
    return count;
}

static void every_allocation(void **state)
{
    static const yoda_option options[] = {{"sync_interval_ms", "0"}, {"threads", "1"}};
    struct round r = {.db = NULL};
    yoda_error err;
    (void)state;
    OK(yoda_open(":memory:", options, 2, &r.db, &err));
    OK(yoda_execute(r.db, "CREATE TABLE t(v INTEGER)", NULL, NULL, &err));
    OK(yoda_register_table(r.db, "t", NULL, &err));
    for (uint64_t n = 1; n <= 120; n++) {
        int64_t before = count_rows(r.db);
        r.accepted = r.ended = r.inserted = 0;
        mem_fail_after(n, false);
        yoda_status status = yoda_queue_create(r.db, &r.queue, NULL);
        if (status == YODA_OK) {
            submit_all(&r);
            drain_all(&r);
        }
        mem_fail_after(0, false);
        assert_true(status == YODA_OK || status == YODA_NOMEM);
        yoda_queue_close(status == YODA_OK ? r.queue : NULL);
        assert_int_equal(count_rows(r.db), before + r.inserted);
    }
    assert_true(r.refused > 0 && r.failed > 5); /* which thread's allocation it is varies */
    yoda_close(r.db);
}

static yoda_completion *next(yoda_queue *queue)
{
    static yoda_completion done;
    assert_int_equal(yoda_queue_wait(queue, &done, 1, 60000), 1);
    yoda_result_close(done.result);
    assert_true(done.status == YODA_OK || done.status == YODA_NOMEM);
    return &done;
}

/* Rows that are there afterwards: two of the many, or none. */
static int64_t one_transaction(yoda_queue *queue)
{
    const yoda_value v = {.type = YODA_INTEGER, .integer = 3};
    const yoda_params p[] = {{1, &v, NULL}, {1, &v, NULL}};
    if (yoda_submit_begin(queue, NULL, 1, NULL, NULL) != YODA_OK)
        return 0;
    yoda_txn *txn = next(queue)->txn;
    if (!txn)
        return 0;
    bool there = false;
    if (yoda_submit_txn_execute_many(queue, txn, "INSERT INTO t VALUES (?)", p, 2, NULL, 2, NULL,
                                     NULL) == YODA_OK)
        there = next(queue)->status == YODA_OK;
    if (yoda_submit_txn_query(queue, txn, "SELECT v FROM t", NULL, NULL, 3, NULL, NULL) == YODA_OK)
        next(queue);
    if (yoda_submit_commit(queue, txn, NULL, 4, NULL, NULL) == YODA_OK)
        return next(queue)->status == YODA_OK && there ? 2 : 0;
    yoda_status status = yoda_rollback(txn, NULL); /* refused: it is still ours */
    assert_int_equal(status, YODA_OK);
    return 0;
}

static void every_allocation_of_a_transaction(void **state)
{
    static const yoda_option options[] = {{"sync_interval_ms", "0"}, {"threads", "1"}};
    yoda_engine *db;
    yoda_queue *queue;
    yoda_error err;
    int kept = 0;
    (void)state;
    OK(yoda_open(":memory:", options, 2, &db, &err));
    OK(yoda_execute(db, "CREATE TABLE t(v INTEGER)", NULL, NULL, &err));
    OK(yoda_register_table(db, "t", NULL, &err));
    OK(yoda_queue_create(db, &queue, &err));
    for (uint64_t n = 1; n <= 60; n++) {
        int64_t before = count_rows(db);
        mem_fail_after(n, false);
        int64_t more = one_transaction(queue);
        mem_fail_after(0, false);
        assert_int_equal(count_rows(db), before + more);
        OK(yoda_execute(db, "DELETE FROM t WHERE v < 0", NULL, NULL, &err)); /* it is free */
        kept += more > 0;
    }
    assert_true(kept > 10 && kept < 60);
    yoda_queue_close(queue);
    yoda_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_allocation),
                                       cmocka_unit_test(every_allocation_of_a_transaction)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
