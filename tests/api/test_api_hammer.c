/*
 * test_api_hammer.c -- eight threads do everything at once; at the end both sides agree.
 *
 * Each writer moves amounts between accounts inside transactions, so every consistent snapshot has
 * the same total: a reader that sees another total has seen half a transaction.
 */
#include "fixture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#define ACCOUNTS 200
#define TOTAL (ACCOUNTS * 1000)
#define THREADS 8

struct hammer {
    yoda_engine *db;
    _Atomic bool stop;
    _Atomic int failures, columnar;
    uint64_t seeds[THREADS];
};
struct worker {
    struct hammer *h;
    int id;
};

static bool expected(yoda_status status)
{
    return status == YODA_OK || status == YODA_INTERRUPTED || status == YODA_BUSY ||
           status == YODA_CLOSED;
}

static void check(struct hammer *h, const char *what, yoda_status status, const yoda_error *err)
{
    if (expected(status))
        return;
    print_error("%s: %s: %s\n", what, yoda_status_name(status), err->message);
    atomic_fetch_add(&h->failures, 1);
}

static void move(struct hammer *h, uint64_t *random)
{
    yoda_error err = {0};
    char from[128], to[128];
    const char *const sql[] = {from, to};
    int amount = (int)(test_random(random) % 100);
    snprintf(from, sizeof from, "UPDATE account SET amount = amount - %d WHERE id = %d", amount,
             (int)(test_random(random) % ACCOUNTS));
    snprintf(to, sizeof to, "UPDATE account SET amount = amount + %d WHERE id = %d", amount,
             (int)(test_random(random) % ACCOUNTS));
    check(h, "execute_batch", yoda_execute_batch(h->db, sql, 2, NULL, &err), &err);
}

static void move_in_transaction(struct hammer *h, uint64_t *random)
{
    yoda_error err = {0};
    yoda_txn *txn = NULL;
    yoda_status status = yoda_begin(h->db, &txn, &err);
    check(h, "begin", status, &err);
    if (status != YODA_OK)
        return;
    status = yoda_txn_execute(txn, "UPDATE account SET amount = amount + 5 WHERE id = 1", NULL,
                              NULL, &err);
    if (status == YODA_OK)
        status = yoda_txn_execute(txn, "UPDATE account SET amount = amount - 5 WHERE id = 2", NULL,
                                  NULL, &err);
    if (status == YODA_OK && test_random(random) % 2)
        check(h, "commit", yoda_commit(txn, &err), &err);
    else
        check(h, "rollback", yoda_rollback(txn, &err), &err);
}

static void total(struct hammer *h, yoda_side side)
{
    yoda_error err = {0};
    yoda_result *rows = NULL;
    yoda_result_info info;
    yoda_query_options options = YODA_QUERY_OPTIONS_INIT;
    options.side = side;
    yoda_status status =
        yoda_query(h->db, "SELECT sum(amount), count(*) FROM account", NULL, &options, &rows, &err);
    check(h, "query", status, &err);
    if (status != YODA_OK)
        return;
    yoda_result_info_get(rows, &info);
    if (info.side == YODA_SIDE_COLUMN)
        atomic_fetch_add(&h->columnar, 1);
    if (!yoda_result_next(rows) || yoda_result_int64(rows, 0) != TOTAL ||
        yoda_result_int64(rows, 1) != ACCOUNTS) {
        print_error("side %d: total %lld of %lld accounts\n", (int)info.side,
                    (long long)yoda_result_int64(rows, 0), (long long)yoda_result_int64(rows, 1));
        atomic_fetch_add(&h->failures, 1);
    }
    yoda_result_close(rows);
}

static void look_around(struct hammer *h, uint64_t *random)
{
    yoda_error err = {0};
    yoda_engine_status status = {.size = sizeof status};
    yoda_result *rows = NULL;
    switch (test_random(random) % 6) {
    case 0:
        check(h, "sync", yoda_sync(h->db, NULL, &err), &err);
        break;
    case 1:
        check(h, "checkpoint", yoda_checkpoint(h->db, &err), &err);
        break;
    case 2:
        check(h, "status", yoda_status_get(h->db, &status, &err), &err);
        break;
    case 3:
        check(h, "inspect", yoda_inspect(h->db, YODA_INSPECT_TABLES, NULL, &rows, &err), &err);
        yoda_result_close(rows);
        break;
    case 4:
        check(h, "explain", yoda_explain(h->db, "SELECT count(*) FROM account", &rows, &err), &err);
        yoda_result_close(rows);
        break;
    default:
        yoda_interrupt(h->db);
        usleep(3000);
    }
}

static void *work(void *arg)
{
    struct worker *w = arg;
    uint64_t *random = &w->h->seeds[w->id];
    while (!atomic_load(&w->h->stop)) {
        if (w->id < 2)
            move(w->h, random);
        else if (w->id == 2)
            move_in_transaction(w->h, random);
        else if (w->id < 7)
            total(w->h, w->id == 6 ? YODA_SIDE_ROW : YODA_SIDE_AUTO);
        else
            look_around(w->h, random);
    }
    return NULL;
}

static void make_accounts(yoda_engine *db)
{
    char sql[300];
    yoda_error err;
    snprintf(sql, sizeof sql,
             "CREATE TABLE account(id INTEGER PRIMARY KEY, amount INTEGER);"
             "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n LIMIT %d)"
             "INSERT INTO account SELECT i, 1000 FROM n",
             ACCOUNTS);
    fixture_execute(db, sql);
    OK(yoda_register_table(db, "account", NULL, &err));
}

static void hammer(const char *path, bool shut_down_meanwhile)
{
    const yoda_option options[] = {{"sync_interval_ms", "3"},
                                   {"checkpoint_interval_ms", "20"},
                                   {"threads", "2"},
                                   {"router", "columns_first"}};
    struct hammer h = {.db = fixture_open(path, options, 4)};
    struct worker workers[THREADS];
    pthread_t threads[THREADS];
    uint64_t seed = test_seed();
    yoda_error err;
    make_accounts(h.db);
    for (int i = 0; i < THREADS; i++) {
        h.seeds[i] = seed + (uint64_t)i;
        workers[i] = (struct worker){&h, i};
        pthread_create(&threads[i], NULL, work, &workers[i]);
    }
    usleep(1500000);
    if (shut_down_meanwhile)
        OK(yoda_shutdown(h.db, &err));
    atomic_store(&h.stop, true);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&h.failures), 0);
    assert_true(atomic_load(&h.columnar) > 0);
    if (!shut_down_meanwhile) {
        yoda_verify_report report;
        OK(yoda_verify(h.db, NULL, 0, &report, &err));
        assert_string_equal(report.difference, "");
        assert_int_equal(report.tables_equal, 1);
    }
    yoda_close(h.db);
}

static void on_a_file(void **state)
{
    char *directory = test_directory_make(), path[4096];
    (void)state;
    snprintf(path, sizeof path, "%s/app.db", directory);
    hammer(path, false);
    test_directory_remove(directory);
}

static void until_shutdown(void **state)
{
    char *directory = test_directory_make(), path[4096];
    (void)state;
    snprintf(path, sizeof path, "%s/app.db", directory);
    hammer(path, true);
    test_directory_remove(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(on_a_file),
        cmocka_unit_test(until_shutdown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
