/*
 * task_pool.c -- jobs on the callers' stacks, a list of them in the pool, sleeping workers.
 *
 * A job lives on its caller's stack and is listed while it has indexes to give. A pool thread joins
 * a job under the mutex (`joined`++), takes indexes without it, and leaves under it; the caller
 * first takes the job off the list, then waits until nobody is joined, so no thread can touch a job
 * that has returned. A free thread joins the job with the fewest threads.
 *
 * Numbers: the caller of a job is worker 0 of it, pool thread k is worker k of every job it joins.
 * A pool thread that itself runs a nested job is worker 0 there and cannot join it a second time.
 *
 * Memory order: results of calls reach the caller through the mutex (leave, then wait). The error
 * is written by the one thread that wins the exchange on `failed`, and read after everybody has
 * left.
 */
#include "base/task_pool.h"

#include "base/mem.h"
#include "base/thread.h"

#include <stdio.h>

struct job {
    yoda_status (*fn)(void *ctx, uint32_t worker, uint32_t index, yoda_error *err);
    void *ctx;
    uint32_t count;
    _Atomic uint64_t next; /* 64 bits: threads keep adding past count */
    _Atomic bool failed;
    uint32_t joined; /* pool threads at work on it; under the mutex */
    yoda_status status;
    yoda_error error;
    struct job *link; /* next in the pool's list; under the mutex */
};

struct worker {
    struct task_pool *pool;
    pthread_t thread;
    uint32_t number; /* from 1; the caller of a job is 0 */
};

struct task_pool {
    pthread_mutex_t mutex;
    pthread_cond_t work; /* a job was listed, or stopping */
    pthread_cond_t left; /* a thread left a job, or a job ended */
    struct job *jobs;    /* with indexes to give, newest first */
    uint32_t running;    /* calls of task_pool_run that use the list */
    uint32_t idle;       /* threads asleep on `work` */
    bool stopping;
    uint32_t thread_count; /* started pool threads, without callers */
    uint32_t workers;
    struct worker threads[];
};

static void job_fail(struct job *job, yoda_status status, const yoda_error *error)
{
    if (atomic_exchange(&job->failed, true))
        return;
    job->status = status;
    job->error = *error;
    atomic_store(&job->next, job->count);
}

static void job_work(struct job *job, uint32_t worker)
{
    yoda_error error = {.sql_offset = -1};
    for (;;) {
        uint64_t index = atomic_fetch_add_explicit(&job->next, 1, memory_order_relaxed);
        if (index >= job->count)
            return;
        yoda_status status = job->fn(job->ctx, worker, (uint32_t)index, &error);
        if (status != YODA_OK) {
            error.code = status;
            job_fail(job, status, &error);
            return;
        }
    }
}

static bool job_has_work(struct job *job)
{
    return atomic_load_explicit(&job->next, memory_order_relaxed) < job->count;
}

static struct job *job_to_join(struct task_pool *pool)
{
    struct job *best = NULL;
    for (struct job *job = pool->jobs; job; job = job->link)
        if (job_has_work(job) && (!best || job->joined < best->joined))
            best = job;
    return best;
}

static void *worker_main(void *arg)
{
    struct worker *self = arg;
    struct task_pool *pool = self->pool;
    pthread_mutex_lock(&pool->mutex);
    while (!pool->stopping) {
        struct job *job = job_to_join(pool);
        if (!job) {
            pool->idle++;
            pthread_cond_wait(&pool->work, &pool->mutex);
            pool->idle--;
            continue;
        }
        job->joined++;
        pthread_mutex_unlock(&pool->mutex);
        job_work(job, self->number);
        pthread_mutex_lock(&pool->mutex);
        ASSERT(job->joined > 0);
        if (--job->joined == 0)
            pthread_cond_broadcast(&pool->left);
    }
    pthread_mutex_unlock(&pool->mutex);
    return NULL;
}

yoda_status task_pool_create(uint32_t threads, struct task_pool **out, yoda_error *err)
{
    *out = NULL;
    uint32_t extra = threads > 1 ? threads - 1 : 0;
    size_t bytes = sizeof(struct task_pool) + extra * sizeof(struct worker);
    struct task_pool *pool = mem_calloc(1, bytes);
    if (!pool)
        return fail_nomem(err, bytes);
    pthread_mutex_init(&pool->mutex, NULL);
    cond_init(&pool->work);
    cond_init(&pool->left);
    pool->workers = extra + 1;
    for (uint32_t i = 0; i < extra; i++) {
        struct worker *worker = &pool->threads[i];
        worker->pool = pool;
        worker->number = i + 1;
        char name[16];
        snprintf(name, sizeof name, "yoda-task-%u", (unsigned)(i + 1) % 100000u);
        yoda_status status = thread_start(&worker->thread, name, worker_main, worker, err);
        if (status != YODA_OK) {
            task_pool_destroy(pool);
            return status;
        }
        pool->thread_count++;
    }
    *out = pool;
    return YODA_OK;
}

void task_pool_destroy(struct task_pool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->mutex);
    while (pool->running > 0)
        pthread_cond_wait(&pool->left, &pool->mutex);
    pool->stopping = true;
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->mutex);
    for (uint32_t i = 0; i < pool->thread_count; i++)
        pthread_join(pool->threads[i].thread, NULL);
    ASSERT(!pool->jobs);
    pthread_cond_destroy(&pool->work);
    pthread_cond_destroy(&pool->left);
    pthread_mutex_destroy(&pool->mutex);
    mem_free(pool);
}

uint32_t task_pool_workers(const struct task_pool *pool)
{
    return pool->workers;
}

static void job_list(struct task_pool *pool, struct job *job)
{
    pthread_mutex_lock(&pool->mutex);
    ASSERT(!pool->stopping);
    pool->running++;
    job->link = pool->jobs;
    pool->jobs = job;
    uint32_t wake = job->count - 1 < pool->idle ? job->count - 1 : pool->idle;
    while (wake-- > 0)
        pthread_cond_signal(&pool->work);
    pthread_mutex_unlock(&pool->mutex);
}

static void job_unlist(struct task_pool *pool, struct job *job)
{
    pthread_mutex_lock(&pool->mutex);
    struct job **at = &pool->jobs;
    while (*at != job)
        at = &(*at)->link;
    *at = job->link;
    while (job->joined > 0)
        pthread_cond_wait(&pool->left, &pool->mutex);
    if (--pool->running == 0)
        pthread_cond_broadcast(&pool->left);
    pthread_mutex_unlock(&pool->mutex);
}

yoda_status task_pool_run(struct task_pool *pool, uint32_t count,
                          yoda_status (*fn)(void *ctx, uint32_t worker, uint32_t index,
                                            yoda_error *err),
                          void *ctx, yoda_error *err)
{
    struct job job = {.fn = fn, .ctx = ctx, .count = count, .status = YODA_OK};
    bool shared = count > 1 && pool->thread_count > 0;
    if (shared)
        job_list(pool, &job);
    job_work(&job, 0);
    if (shared)
        job_unlist(pool, &job);
    if (job.status != YODA_OK && err)
        *err = job.error;
    return job.status;
}
