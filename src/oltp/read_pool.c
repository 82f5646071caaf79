/*
 * read_pool.c -- read connections kept between uses.
 *
 * Idle connections are a stack: the one returned last has the warmest cache. Opening happens
 * outside the lock. A connection past the pool's size is closed when it comes back.
 */
#include "oltp/read_pool.h"

#include "base/mem.h"

#include <pthread.h>

struct read_pool {
    struct conn_options options;
    char *path;
    pthread_mutex_t lock;
    struct conn **idle; /* [size] */
    uint32_t size, idle_count, leased;
};

yoda_status read_pool_create(const struct conn_options *options, uint32_t size,
                             struct read_pool **out, yoda_error *err)
{
    *out = NULL;
    struct read_pool *pool = mem_calloc(1, sizeof *pool);
    if (!pool)
        return fail_nomem(err, sizeof *pool);
    pool->options = *options;
    pool->options.role = CONN_READER;
    pool->size = size;
    pool->path = mem_strdup(options->path);
    pool->idle = mem_calloc(size ? size : 1, sizeof(struct conn *));
    pthread_mutex_init(&pool->lock, NULL);
    if (!pool->path || !pool->idle) {
        read_pool_destroy(pool);
        return fail_nomem(err, size * sizeof(struct conn *));
    }
    pool->options.path = pool->path;
    *out = pool;
    return YODA_OK;
}

void read_pool_destroy(struct read_pool *pool)
{
    if (!pool)
        return;
    ASSERT(pool->leased == 0);
    for (uint32_t i = 0; i < pool->idle_count; i++)
        conn_close(pool->idle[i]);
    pthread_mutex_destroy(&pool->lock);
    mem_free(pool->idle);
    mem_free(pool->path);
    mem_free(pool);
}

bool read_pool_try(struct read_pool *pool, const _Atomic bool *cancel, struct conn **out)
{
    pthread_mutex_lock(&pool->lock);
    *out = pool->idle_count ? pool->idle[--pool->idle_count] : NULL;
    pool->leased += *out != NULL;
    pthread_mutex_unlock(&pool->lock);
    if (*out)
        conn_set_cancel(*out, cancel);
    return *out != NULL;
}

yoda_status read_pool_lease(struct read_pool *pool, const _Atomic bool *cancel, struct conn **out,
                            yoda_error *err)
{
    struct conn_options options = pool->options;
    options.cancel = cancel;
    if (read_pool_try(pool, cancel, out))
        return YODA_OK;
    pthread_mutex_lock(&pool->lock);
    pool->leased++;
    pthread_mutex_unlock(&pool->lock);
    yoda_status status = conn_open(&options, out, err);
    if (status != YODA_OK) {
        pthread_mutex_lock(&pool->lock);
        pool->leased--;
        pthread_mutex_unlock(&pool->lock);
    }
    return status;
}

void read_pool_return(struct read_pool *pool, struct conn *conn)
{
    conn_set_brief(conn, 0);
    conn_set_cancel(conn, NULL);
    conn_roll_back(conn);
    bool reusable = !conn_in_transaction(conn);
    pthread_mutex_lock(&pool->lock);
    ASSERT(pool->leased > 0);
    pool->leased--;
    if (reusable && pool->idle_count < pool->size) {
        pool->idle[pool->idle_count++] = conn;
        conn = NULL;
    }
    pthread_mutex_unlock(&pool->lock);
    conn_close(conn);
}
