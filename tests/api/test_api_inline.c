/*
 * test_api_inline.c -- small operations that their submit runs itself, and what it leaves to
 * threads.
 *
 * That a submit did the work shows in the operation's phase when it returns. It never has to: under
 * load its time may run out. So it is asked that some of many did.
 */
#include "async_fixture.h"

#include <sys/stat.h>

#define ROUNDS 300

static void reopen(struct async *a, const char *inline_us, const char *synchronous)
{
    const yoda_option options[] = {{"sync_interval_ms", "0"},
                                   {"busy_timeout_ms", "20000"},
                                   {"inline_us", inline_us},
                                   {"synchronous", synchronous}};
    yoda_error err;
    yoda_queue_close(a->queue);
    yoda_close(a->db);
    a->db = fixture_open(a->path, options, 4);
    OK(yoda_queue_create(a->db, &a->queue, &err));
}

static bool is_done(const yoda_op *op)
{
    yoda_op_state state = {.size = sizeof state};
    assert_int_equal(yoda_op_progress(op, &state), YODA_OK);
    return state.phase == YODA_OP_DONE;
}

/* Submit, and wait; was it done when the submit came back? */
static bool run_write(struct async *a, const char *sql)
{
    yoda_op *op;
    yoda_error err;
    OK(yoda_submit_execute(a->queue, sql, NULL, NULL, 1, &op, &err));
    bool done = is_done(op);
    async_expect(a->queue, 1, YODA_OK);
    yoda_op_release(op);
    return done;
}

static bool run_sync(struct async *a, yoda_sync_stats *total)
{
    yoda_op *op;
    yoda_error err;
    OK(yoda_submit_sync(a->queue, NULL, 2, &op, &err));
    bool done = is_done(op);
    yoda_completion *end = async_expect(a->queue, 2, YODA_OK);
    total->events_processed += end->sync.events_processed;
    total->rows_inserted += end->sync.rows_inserted;
    yoda_op_release(op);
    return done;
}

static bool run_query(struct async *a, const char *sql, yoda_side side, int64_t *value)
{
    yoda_op *op;
    yoda_value first;
    async_query(a->queue, 3, sql, side, &op);
    bool done = is_done(op);
    yoda_completion *end = async_expect(a->queue, 3, YODA_OK);
    assert_true(yoda_result_next(end->result));
    yoda_result_value(end->result, 0, &first);
    assert_int_equal(first.type, YODA_INTEGER);
    *value = first.integer;
    yoda_result_close(end->result);
    yoda_op_release(op);
    return done;
}

/* Each sees the ones before it, and syncs count every event once, whoever did them. */
static void one_after_the_other(void **state)
{
    struct async *a = *state;
    yoda_sync_stats total = {0};
    yoda_error err;
    int writes = 0, syncs = 0, counts = 0, points = 0;
    reopen(a, "100000", "normal");
    fixture_execute(a->db, "CREATE TABLE t(id INTEGER PRIMARY KEY, v INTEGER)");
    OK(yoda_register_table(a->db, "t", NULL, &err));
    for (int64_t i = 1; i <= ROUNDS; i++) {
        int64_t value;
        char sql[100];
        snprintf(sql, sizeof sql, "INSERT INTO t VALUES (%d, %d)", (int)i, (int)(3 * i));
        writes += run_write(a, sql);
        if (i % 3 != 0)
            syncs += run_sync(a, &total);
        counts += run_query(a, "SELECT count(*) FROM t", YODA_SIDE_COLUMN, &value);
        assert_int_equal(value, i);
        snprintf(sql, sizeof sql, "SELECT v FROM t WHERE id = %d", (int)i);
        points += run_query(a, sql, YODA_SIDE_ROW, &value);
        assert_int_equal(value, 3 * i);
    }
    run_sync(a, &total);
    assert_int_equal(total.events_processed, ROUNDS);
    assert_int_equal(total.rows_inserted, ROUNDS);
    assert_true(writes > 0);
    assert_true(syncs > 0);
    assert_true(counts > 0);
    assert_true(points > 0);
}

/* What is stopped half way is run once, by the thread. */
static void too_long(void **state)
{
    struct async *a = *state;
    int64_t rows;
    reopen(a, "1000", "normal");
    fixture_execute(a->db, "CREATE TABLE t(id INTEGER PRIMARY KEY, v INTEGER)");
    run_write(a, "INSERT INTO t VALUES (1, 1)");
    for (int i = 1; i <= 4; i++) {
        run_write(a,
                  "INSERT INTO t(v) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
                  "WHERE i < 100000) SELECT i FROM n");
        assert_int_equal(fixture_int(a->db, "SELECT count(*) FROM t"), 1 + 100000 * i);
        run_query(a, "SELECT count(*) FROM t WHERE v % 3 >= 0", YODA_SIDE_ROW, &rows);
        assert_int_equal(rows, 1 + 100000 * i);
    }
    run_write(a, "INSERT INTO t SELECT last_insert_rowid() + 7, 1");
    assert_int_equal(fixture_int(a->db, "SELECT max(id) FROM t"), 400001 + 7);
}

/* A submit would wait for ever for the lock that its own thread gives back afterwards. */
static void locks_are_left_alone(void **state)
{
    struct async *a = *state;
    yoda_engine *other = fixture_open(a->path, NULL, 0);
    yoda_txn *txn;
    yoda_op *op;
    yoda_error err;
    fixture_execute(a->db, "CREATE TABLE t(id INTEGER PRIMARY KEY)");
    run_write(a, "INSERT INTO t VALUES (1)");
    OK(yoda_begin(other, &txn, &err));
    OK(yoda_txn_execute(txn, "INSERT INTO t VALUES (2)", NULL, NULL, &err));
    OK(yoda_submit_execute(a->queue, "INSERT INTO t VALUES (3)", NULL, NULL, 1, &op, &err));
    assert_false(is_done(op));
    OK(yoda_commit(txn, &err));
    async_expect(a->queue, 1, YODA_OK);
    yoda_op_release(op);

    OK(yoda_begin(a->db, &txn, &err));
    OK(yoda_submit_execute(a->queue, "INSERT INTO t VALUES (4)", NULL, NULL, 1, &op, &err));
    assert_false(is_done(op));
    OK(yoda_commit(txn, &err));
    async_expect(a->queue, 1, YODA_OK);
    yoda_op_release(op);
    assert_int_equal(fixture_int(a->db, "SELECT count(*) FROM t"), 4);
    yoda_close(other);
}

static void the_log_is_checkpointed(void **state)
{
    struct async *a = *state;
    char wal[4200];
    struct stat file;
    int64_t largest = 0;
    int done = 0;
    reopen(a, "100000", "normal");
    fixture_execute(a->db, "CREATE TABLE t(id INTEGER PRIMARY KEY, v)");
    snprintf(wal, sizeof wal, "%s-wal", a->path);
    for (int i = 0; i < 4000; i++) {
        done += run_write(a, "INSERT INTO t(v) VALUES (zeroblob(3000))");
        assert_int_equal(stat(wal, &file), 0);
        largest = file.st_size > largest ? file.st_size : largest;
    }
    assert_true(done > 0);
    assert_true(largest < 2 * 1000 * 4120);
}

static void none_where_a_commit_syncs(void **state)
{
    struct async *a = *state;
    reopen(a, "100000", "full");
    fixture_execute(a->db, "CREATE TABLE t(id INTEGER PRIMARY KEY)");
    for (int i = 0; i < 20; i++)
        run_write(a, "INSERT INTO t DEFAULT VALUES");
    reopen(a, "0", "normal");
    for (int i = 0; i < 20; i++)
        run_write(a, "INSERT INTO t DEFAULT VALUES");
    assert_int_equal(fixture_int(a->db, "SELECT count(*) FROM t"), 40);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, async_setup, async_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_after_the_other),       TEST(too_long),
        TEST(locks_are_left_alone),      TEST(the_log_is_checkpointed),
        TEST(none_where_a_commit_syncs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
