/*
 * async_fixture.h -- an engine with a queue, and waiting for completions one at a time.
 */
#ifndef YODA_API_ASYNC_FIXTURE_H
#define YODA_API_ASYNC_FIXTURE_H

#include "fixture.h"

#include <time.h>

#define PATIENCE_MS 60000 /* for what must come: machines may be slow, never this slow */

struct async {
    char *directory;
    char path[4096];
    yoda_engine *db;
    yoda_queue *queue;
};

static inline int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static inline void async_open(struct async *a, const char *busy_timeout_ms,
                              const char *max_in_flight)
{
    const yoda_option options[] = {{"sync_interval_ms", "0"},
                                   {"busy_timeout_ms", busy_timeout_ms},
                                   {"router", "columns_first"},
                                   {"max_in_flight", max_in_flight}};
    yoda_error err;
    a->db = fixture_open(a->path, options, 4);
    OK(yoda_queue_create(a->db, &a->queue, &err));
}

static inline int async_setup(void **state)
{
    struct async *a = calloc(1, sizeof *a);
    a->directory = test_directory_make();
    snprintf(a->path, sizeof a->path, "%s/app.db", a->directory);
    async_open(a, "20000", "10000");
    *state = a;
    return 0;
}

static inline int async_teardown(void **state)
{
    struct async *a = *state;
    yoda_queue_close(a->queue);
    yoda_close(a->db);
    test_directory_remove(a->directory);
    free(a);
    return 0;
}

/* Open the file again with other options. */
static inline void async_reopen(struct async *a, const char *busy_timeout_ms,
                                const char *max_in_flight)
{
    yoda_queue_close(a->queue);
    yoda_close(a->db);
    async_open(a, busy_timeout_ms, max_in_flight);
}

/* The next completion; fails the test when none comes. */
static inline yoda_completion *async_next(yoda_queue *queue)
{
    static _Thread_local yoda_completion done;
    assert_int_equal(yoda_queue_wait(queue, &done, 1, PATIENCE_MS), 1);
    return &done;
}

/* The next one must be of this operation and end like this. */
static inline yoda_completion *async_expect(yoda_queue *queue, uint64_t user_data,
                                            yoda_status status)
{
    yoda_completion *done = async_next(queue);
    if (done->status != status)
        print_error("operation %llu: %s: %s\n", (unsigned long long)done->user_data,
                    yoda_status_name(done->status), done->error.message);
    assert_int_equal(done->user_data, user_data);
    assert_int_equal(done->status, status);
    assert_int_equal(done->error.code, status);
    return done;
}

static inline void async_execute(yoda_queue *queue, uint64_t user_data, const char *sql)
{
    yoda_error err;
    OK(yoda_submit_execute(queue, sql, NULL, NULL, user_data, NULL, &err));
}

static inline void async_query(yoda_queue *queue, uint64_t user_data, const char *sql,
                               yoda_side side, yoda_op **op)
{
    yoda_op_options options = YODA_OP_OPTIONS_INIT;
    yoda_error err;
    options.side = side;
    OK(yoda_submit_query(queue, sql, NULL, &options, user_data, op, &err));
}

static inline void async_wait_phase(yoda_op *op, yoda_op_phase phase)
{
    yoda_op_state state = {.size = sizeof state};
    const struct timespec nap = {.tv_nsec = 1000000};
    for (int64_t end = now_ms() + PATIENCE_MS; now_ms() < end; nanosleep(&nap, NULL)) {
        assert_int_equal(yoda_op_progress(op, &state), YODA_OK);
        if (state.phase == phase)
            return;
    }
    fail_msg("the operation stays in phase %d", (int)state.phase);
}

/* Runs until it is cancelled, on either side. */
#define ASYNC_ENDLESS                                                                              \
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"

#endif
