/*
 * yoda_micro.c -- what the API does not show: pinning a snapshot.
 *
 * Links the layers themselves, unlike the other benches. Prints nanoseconds per acquire and
 * release, alone and with a second thread doing the same.
 */
#include "olap/store/store.h"

#include "base/os.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define ROUNDS 7
#define PINS 2000000

static struct store *store;

static double pin_ns(void)
{
    int64_t start = os_thread_cpu_ns();
    for (int i = 0; i < PINS; i++) {
        struct snapshot snapshot;
        store_acquire(store, &snapshot);
        store_release(store, &snapshot);
    }
    return (double)(os_thread_cpu_ns() - start) / PINS;
}

static void *pin_beside(void *arg)
{
    *(double *)arg = pin_ns();
    return NULL;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void report(const char *name, double *ns)
{
    qsort(ns, ROUNDS, sizeof *ns, compare);
    printf("%-44s %.1f ns [%.1f..%.1f]  target < 200 ns  %s\n", name, ns[ROUNDS / 2], ns[0],
           ns[ROUNDS - 1], ns[ROUNDS / 2] < 200 ? "yes" : "NO");
}

int main(void)
{
    struct task_pool *pool = NULL;
    struct mem_budget budget;
    yoda_error err;
    double alone[ROUNDS], beside[ROUNDS], other;
    mem_budget_init(&budget, NULL, 0);
    if (task_pool_create(1, &pool, &err) != YODA_OK)
        return 1;
    struct store_options options = {.pool = pool, .budget = &budget, .compact_deleted_percent = 25};
    if (store_create(&options, &store, &err) != YODA_OK)
        return 1;
    for (int i = 0; i < ROUNDS; i++) {
        pthread_t thread;
        alone[i] = pin_ns();
        pthread_create(&thread, NULL, pin_beside, &other);
        beside[i] = pin_ns();
        pthread_join(thread, NULL);
    }
    report("snapshot acquire + release, one thread", alone);
    report("snapshot acquire + release, two threads", beside);
    store_destroy(store);
    task_pool_destroy(pool);
    return 0;
}
