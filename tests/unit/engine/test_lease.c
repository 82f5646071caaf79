/* test_lease.c -- exclusion, order, time limits and cancellation of leases. */
#include "engine/lease.h"

#include "base/os.h"
#include "test.h"

#include <stdatomic.h>

#define THREADS 6
#define ROUNDS 300

struct shared {
    struct lease lease;
    int inside;
    int64_t total;
    _Atomic bool cancel;
    _Atomic int started;
    yoda_status waited;
};

static void *work(void *arg)
{
    struct shared *s = arg;
    for (int i = 0; i < ROUNDS; i++) {
        assert_int_equal(lease_acquire(&s->lease, NULL, -1, NULL), YODA_OK);
        assert_int_equal(s->inside++, 0);
        s->total++;
        s->inside--;
        lease_release(&s->lease);
    }
    return NULL;
}

static void excludes(void **state)
{
    struct shared s = {.total = 0};
    pthread_t threads[THREADS];
    (void)state;
    lease_init(&s.lease);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, work, &s);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(s.total, THREADS * ROUNDS);
    lease_deinit(&s.lease);
}

static void times_out(void **state)
{
    struct lease lease;
    yoda_error err;
    (void)state;
    lease_init(&lease);
    assert_true(lease_try(&lease));
    assert_true(lease_taken_here(&lease));
    assert_false(lease_try(&lease));
    FAILS(YODA_BUSY, lease_acquire(&lease, NULL, 0, &err));
    FAILS(YODA_BUSY, lease_acquire(&lease, NULL, 5, &err));
    lease_release(&lease);
    assert_false(lease_taken_here(&lease));
    OK(lease_acquire(&lease, NULL, 0, &err));
    lease_release(&lease);
    lease_deinit(&lease);
}

static void *wait_cancelled(void *arg)
{
    struct shared *s = arg;
    atomic_store(&s->started, 1);
    s->waited = lease_acquire(&s->lease, &s->cancel, -1, NULL);
    return NULL;
}

static void is_cancelled(void **state)
{
    struct shared s = {.total = 0};
    pthread_t thread;
    (void)state;
    lease_init(&s.lease);
    assert_true(lease_try(&s.lease));
    pthread_create(&thread, NULL, wait_cancelled, &s);
    while (!atomic_load(&s.started))
        os_sleep_ms(1);
    atomic_store(&s.cancel, true);
    lease_wake(&s.lease);
    pthread_join(thread, NULL);
    assert_int_equal(s.waited, YODA_INTERRUPTED);
    lease_release(&s.lease);
    assert_true(lease_try(&s.lease));
    lease_release(&s.lease);
    lease_deinit(&s.lease);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(excludes),
        cmocka_unit_test(times_out),
        cmocka_unit_test(is_cancelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
