/*
 * test_api_memory_columns.c -- columns kept in memory only, on a file that also knew durable ones.
 *
 * A run with columns in memory prunes the log. The files of an earlier durable run must then not be
 * taken for the state of the durable watermark; and a sync must still know the log for its own.
 */
#include "fixture.h"

#include <stdio.h>

static yoda_engine *open_as(struct fixture *f, const char *in_memory)
{
    const yoda_option options[] = {{"sync_interval_ms", "0"}, {"olap_in_memory", in_memory}};
    return fixture_open(f->path, options, 2);
}

static void test_durable_after_memory(void **state)
{
    struct fixture *f = *state;
    yoda_error err;
    yoda_close(f->db);
    f->db = open_as(f, "false");
    fixture_execute(f->db, "CREATE TABLE t(id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1), (2)");
    OK(yoda_register_table(f->db, "t", NULL, &err));
    OK(yoda_checkpoint(f->db, &err));
    yoda_close(f->db);

    f->db = open_as(f, "true");
    assert_int_equal(fixture_int(f->db, "SELECT count(*) FROM t"), 2);
    fixture_execute(f->db, "INSERT INTO t VALUES (3), (4), (5); DELETE FROM t WHERE id = 1");
    OK(yoda_sync(f->db, NULL, &err));
    yoda_close(f->db);

    f->db = open_as(f, "false");
    OK(yoda_sync(f->db, NULL, &err));
    assert_int_equal(fixture_int_on(f->db, "SELECT count(*) FROM t", YODA_SIDE_COLUMN, NULL), 4);
    assert_int_equal(fixture_int_on(f->db, "SELECT sum(id) FROM t", YODA_SIDE_COLUMN, NULL), 14);
}

/* The log's row at the watermark goes only when a newer one takes its place. */
static void test_pruned_log_is_still_known(void **state)
{
    struct fixture *f = *state;
    yoda_error err;
    yoda_close(f->db);
    f->db = open_as(f, "true");
    fixture_execute(f->db, "CREATE TABLE t(id INTEGER PRIMARY KEY)");
    OK(yoda_register_table(f->db, "t", NULL, &err));
    for (int i = 0; i < 20; i++) {
        fixture_execute(f->db, "INSERT INTO t(id) VALUES (NULL), (NULL)");
        OK(yoda_sync(f->db, NULL, &err));
        fixture_execute(f->db, "INSERT INTO t(id) VALUES (NULL)");
        OK(yoda_checkpoint(f->db, &err));
        assert_int_equal(fixture_int_on(f->db, "SELECT count(*) FROM t", YODA_SIDE_COLUMN, NULL),
                         3 * (i + 1));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_durable_after_memory, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_pruned_log_is_still_known, fixture_setup,
                                        fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
