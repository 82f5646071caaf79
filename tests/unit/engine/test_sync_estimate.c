/*
 * test_sync_estimate.c -- what is expected of the next sync, after large and small ones.
 */
#include "test.h"

#include "engine/sync_estimate.h"

#include "base/status.h"

#define MS INT64_C(1000000)

static void before_any_sync(void **state)
{
    struct sync_estimate e = {0};
    YODA_UNUSED(state);
    int64_t idle = sync_estimate_ns(&e, 0);
    assert_true(idle > 0 && idle < MS);
    assert_true(sync_estimate_ns(&e, 1000000) > 100 * MS);
    assert_true(sync_estimate_ns(&e, UINT64_MAX) > 0);
}

/* A bulk says nothing of a sync of few events, and the other way round. */
static void bulk_and_small_syncs_apart(void **state)
{
    struct sync_estimate e = {0};
    YODA_UNUSED(state);
    sync_estimate_note(&e, 1000000, 1200 * MS);
    assert_true(sync_estimate_ns(&e, 0) < MS);
    assert_true(sync_estimate_ns(&e, 10) < MS);
    for (int i = 0; i < 100; i++)
        sync_estimate_note(&e, 1, MS / 10);
    assert_in_range(sync_estimate_ns(&e, 1), MS / 11, MS / 9);
    assert_in_range(sync_estimate_ns(&e, 1000000), 1100 * MS, 1300 * MS);
}

static void follows_what_syncs_take(void **state)
{
    struct sync_estimate e = {0};
    YODA_UNUSED(state);
    sync_estimate_note(&e, 100000, 100 * MS);
    for (int i = 0; i < 50; i++)
        sync_estimate_note(&e, 100000, 300 * MS);
    assert_in_range(sync_estimate_ns(&e, 100000), 290 * MS, 310 * MS);
}

static void odd_samples_keep_it_positive(void **state)
{
    struct sync_estimate e = {0};
    YODA_UNUSED(state);
    sync_estimate_note(&e, 999, 0);
    sync_estimate_note(&e, UINT64_MAX, 1);
    sync_estimate_note(&e, 1, INT64_MAX);
    sync_estimate_note(&e, 1000, INT64_MAX);
    assert_true(sync_estimate_ns(&e, 0) > 0);
    assert_true(sync_estimate_ns(&e, UINT64_MAX) > 0);
    assert_true(sync_estimate_ns(&e, 1000) >= sync_estimate_ns(&e, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(before_any_sync),
        cmocka_unit_test(bulk_and_small_syncs_apart),
        cmocka_unit_test(follows_what_syncs_take),
        cmocka_unit_test(odd_samples_keep_it_positive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
