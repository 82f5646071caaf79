/* test_task_pool.c -- every index once, unique workers, errors, several callers, nesting. */
#include "test.h"

#include "base/mem.h"
#include "base/task_pool.h"
#include "base/thread.h"

#include <stdatomic.h>

#define COUNT 5000u
#define THREADS 4u

struct job {
    struct task_pool *pool;
    uint8_t seen[COUNT];    /* plain: one thread per index */
    uint64_t sums[THREADS]; /* plain: one thread per worker number */
    _Atomic int busy[THREADS];
    uint32_t fail_at;
    _Atomic uint32_t calls;
};

static yoda_status work(void *ctx, uint32_t worker, uint32_t index, yoda_error *err)
{
    struct job *job = ctx;
    if (worker >= task_pool_workers(job->pool) || atomic_fetch_add(&job->busy[worker], 1) != 0)
        return fail(err, YODA_INTERNAL, "worker %u is not alone", (unsigned)worker);
    job->seen[index]++;
    job->sums[worker] += index;
    atomic_fetch_add(&job->calls, 1);
    atomic_fetch_sub(&job->busy[worker], 1);
    return index == job->fail_at ? fail(err, YODA_FULL, "at %u", (unsigned)index) : YODA_OK;
}

static void run_and_check(struct task_pool *pool, uint32_t count)
{
    yoda_error err;
    struct job *job = calloc(1, sizeof *job);
    job->pool = pool;
    job->fail_at = UINT32_MAX;
    OK(task_pool_run(pool, count, work, job, &err));
    uint64_t sum = 0;
    for (uint32_t i = 0; i < THREADS; i++)
        sum += job->sums[i];
    assert_int_equal(sum, (uint64_t)count * (count ? count - 1 : 0) / 2);
    for (uint32_t i = 0; i < COUNT; i++)
        assert_int_equal(job->seen[i], i < count);
    free(job);
}

static void test_every_index_once(void **state)
{
    (void)state;
    yoda_error err;
    uint64_t live = mem_live_bytes();
    for (uint32_t threads = 0; threads <= THREADS; threads++) {
        struct task_pool *pool;
        OK(task_pool_create(threads, &pool, &err));
        assert_int_equal(task_pool_workers(pool), threads ? threads : 1);
        for (int i = 0; i < 20; i++) {
            run_and_check(pool, COUNT);
            run_and_check(pool, (uint32_t)i);
        }
        task_pool_destroy(pool);
    }
    task_pool_destroy(NULL);
    assert_int_equal(mem_live_bytes(), live);
}

static void test_error_wins(void **state)
{
    (void)state;
    yoda_error err;
    struct task_pool *pool;
    OK(task_pool_create(THREADS, &pool, &err));
    for (uint32_t i = 0; i < 50; i++) {
        struct job *job = calloc(1, sizeof *job);
        job->pool = pool;
        job->fail_at = i * 7;
        FAILS(YODA_FULL, task_pool_run(pool, COUNT, work, job, &err));
        char expected[32];
        snprintf(expected, sizeof expected, "at %u", (unsigned)job->fail_at);
        assert_string_equal(err.message, expected);
        assert_int_equal(task_pool_run(pool, i * 7 + 1, work, job, NULL), YODA_FULL);
        free(job);
    }
    task_pool_destroy(pool);
}

static void *caller(void *arg)
{
    for (int i = 0; i < 30; i++)
        run_and_check(arg, COUNT - (uint32_t)i);
    return NULL;
}

static void test_several_callers(void **state)
{
    (void)state;
    yoda_error err;
    struct task_pool *pool;
    OK(task_pool_create(THREADS, &pool, &err));
    pthread_t callers[3];
    for (int i = 0; i < 3; i++)
        OK(thread_start(&callers[i], "a-rather-long-caller-name", caller, pool, &err));
    for (int i = 0; i < 3; i++)
        pthread_join(callers[i], NULL);
    task_pool_destroy(pool);
}

static yoda_status nested(void *ctx, uint32_t worker, uint32_t index, yoda_error *err)
{
    (void)worker, (void)index, (void)err;
    run_and_check(ctx, 100);
    return YODA_OK;
}

static void test_nested(void **state)
{
    (void)state;
    yoda_error err;
    struct task_pool *pool;
    OK(task_pool_create(3, &pool, &err));
    OK(task_pool_run(pool, 200, nested, pool, &err));
    task_pool_destroy(pool);
}

static void test_wait_times_out(void **state)
{
    (void)state;
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t cond;
    cond_init(&cond);
    pthread_mutex_lock(&mutex);
    while (cond_wait_ms(&cond, &mutex, 1))
        continue; /* spurious wake-ups are allowed */
    assert_false(cond_wait_ms(&cond, &mutex, 0));
    pthread_mutex_unlock(&mutex);
    pthread_cond_destroy(&cond);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_index_once), cmocka_unit_test(test_error_wins),
        cmocka_unit_test(test_several_callers), cmocka_unit_test(test_nested),
        cmocka_unit_test(test_wait_times_out)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
