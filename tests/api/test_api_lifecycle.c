/* test_api_lifecycle.c -- shutdown, fork, interrupts, time limits, transactions left open. */
#include "fixture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

static const char endless[] = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
                              "SELECT count(*) FROM n";

static void shutdown_is_idempotent(void **state)
{
    struct fixture *f = *state;
    yoda_error err;
    yoda_result *rows = NULL;
    yoda_engine_status status = {.size = sizeof status};
    fixture_execute(f->db, "CREATE TABLE t(a)");
    OK(yoda_shutdown(f->db, &err));
    OK(yoda_shutdown(f->db, &err));
    FAILS(YODA_CLOSED, yoda_execute(f->db, "INSERT INTO t VALUES (1)", NULL, NULL, &err));
    FAILS(YODA_CLOSED, yoda_query(f->db, "SELECT 1", NULL, NULL, &rows, &err));
    FAILS(YODA_CLOSED, yoda_sync(f->db, NULL, &err));
    OK(yoda_status_get(f->db, &status, &err));
    assert_true(status.closed);
    yoda_interrupt(f->db);
}

static void results_outlive_the_engine(void **state)
{
    struct fixture *f = *state;
    yoda_error err;
    yoda_result *rows = NULL;
    OK(yoda_query(f->db, "VALUES (1, 'a'), (2, 'b')", NULL, NULL, &rows, &err));
    yoda_close(f->db);
    f->db = NULL;
    assert_true(yoda_result_next(rows) && yoda_result_next(rows));
    assert_int_equal(yoda_result_int64(rows, 0), 2);
    assert_memory_equal(yoda_result_bytes(rows, 1, NULL), "b", 1);
    yoda_result_close(rows);
}

static void open_transaction_is_rolled_back(void **state)
{
    struct fixture *f = *state;
    yoda_error err;
    yoda_txn *txn = NULL;
    fixture_execute(f->db, "CREATE TABLE t(a)");
    OK(yoda_begin(f->db, &txn, &err));
    OK(yoda_txn_execute(txn, "INSERT INTO t VALUES (1)", NULL, NULL, &err));
    yoda_close(f->db);
    FAILS(YODA_CLOSED, yoda_txn_execute(txn, "INSERT INTO t VALUES (2)", NULL, NULL, &err));
    FAILS(YODA_CLOSED, yoda_commit(txn, &err));
    f->db = fixture_open(f->path, NULL, 0);
    assert_int_equal(fixture_int(f->db, "SELECT count(*) FROM t"), 0);
}

static void a_child_process_is_told(void **state)
{
    struct fixture *f = *state;
    yoda_error err;
    yoda_result *rows = NULL;
    fixture_execute(f->db, "CREATE TABLE t(a)");
    pid_t child = fork();
    if (child == 0) {
        bool told =
            yoda_execute(f->db, "INSERT INTO t VALUES (1)", NULL, NULL, &err) == YODA_FORKED &&
            yoda_query(f->db, "SELECT 1", NULL, NULL, &rows, &err) == YODA_FORKED &&
            yoda_shutdown(f->db, &err) == YODA_FORKED;
        yoda_interrupt(f->db);
        yoda_close(f->db);
        _exit(told ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    fixture_execute(f->db, "INSERT INTO t VALUES (1)");
    assert_int_equal(fixture_int(f->db, "SELECT count(*) FROM t"), 1);
}

static void time_limit(void **state)
{
    struct fixture *f = *state;
    yoda_error err;
    yoda_result *rows = NULL;
    yoda_query_options options = YODA_QUERY_OPTIONS_INIT;
    options.timeout_ms = 30;
    FAILS(YODA_TIMEOUT, yoda_query(f->db, endless, NULL, &options, &rows, &err));
    assert_int_equal(fixture_int(f->db, "SELECT 1"), 1);
}

struct runner {
    yoda_engine *db;
    bool writes;
    yoda_status status;
    _Atomic bool ended;
};

static void *run_endless(void *arg)
{
    struct runner *r = arg;
    yoda_result *rows = NULL;
    r->status = r->writes ? yoda_execute(r->db, endless, NULL, NULL, NULL)
                          : yoda_query(r->db, endless, NULL, NULL, &rows, NULL);
    atomic_store(&r->ended, true);
    return NULL;
}

static void interrupted(yoda_engine *db, bool writes)
{
    struct runner runners[3];
    pthread_t threads[3];
    for (int i = 0; i < 3; i++) {
        runners[i] = (struct runner){.db = db, .writes = writes && i == 0};
        pthread_create(&threads[i], NULL, run_endless, &runners[i]);
    }
    for (int i = 0; i < 3; i++) {
        while (
            !atomic_load(&runners[i].ended)) { /* it may not have begun when the first one came */
            yoda_interrupt(db);
            usleep(2000);
        }
        pthread_join(threads[i], NULL);
        assert_int_equal(runners[i].status, YODA_INTERRUPTED);
    }
}

static void interrupts(void **state)
{
    struct fixture *f = *state;
    interrupted(f->db, false);
    interrupted(f->db, true);
    assert_int_equal(fixture_int(f->db, "SELECT 1"), 1);
}

static void shutdown_beside_calls(void **state)
{
    struct fixture *f = *state;
    yoda_error err;
    struct runner runners[3];
    pthread_t threads[3];
    for (int i = 0; i < 3; i++) {
        runners[i] = (struct runner){.db = f->db, .writes = false};
        pthread_create(&threads[i], NULL, run_endless, &runners[i]);
    }
    usleep(20000);
    OK(yoda_shutdown(f->db, &err));
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
        assert_true(runners[i].status == YODA_INTERRUPTED || runners[i].status == YODA_CLOSED);
    }
}

static bool cancel_at_once(void *context, const char *what, uint64_t done, uint64_t total)
{
    (void)what, (void)done, (void)total;
    *(int *)context += 1;
    return false;
}

static void progress_cancels(void **state)
{
    struct fixture *f = *state;
    yoda_error err;
    int calls = 0;
    fixture_execute(f->db,
                    "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT);"
                    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 300000)"
                    "INSERT INTO t SELECT i, 'some text to copy ' || i FROM n");
    yoda_set_progress(f->db, cancel_at_once, &calls);
    yoda_status status = yoda_register_table(f->db, "t", NULL, &err);
    assert_true(status == YODA_OK || (status == YODA_INTERRUPTED && calls == 1));
    yoda_set_progress(f->db, NULL, NULL);
    OK(yoda_register_table(f->db, "t", NULL, &err));
    assert_int_equal(fixture_int_on(f->db, "SELECT count(*) FROM t", YODA_SIDE_COLUMN, NULL),
                     300000);
}

#define T(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(shutdown_is_idempotent),
        T(results_outlive_the_engine),
        T(open_transaction_is_rolled_back),
        T(a_child_process_is_told),
        T(time_limit),
        T(interrupts),
        T(shutdown_beside_calls),
        T(progress_cancels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
