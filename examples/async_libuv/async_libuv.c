/*
 * async_libuv.c -- Yoda in a libuv loop: a uv_poll_t on the queue's descriptor is all it takes.
 *
 * A timer stores a tick every millisecond; after the last one the ticks are counted on the columns
 * and the engine is shut down. libuv's own thread pool is not used.
 */
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>
#include <yoda.h>

#define TICKS 50

enum { CREATED = 1, REGISTERED, STORED, COUNTED, CLOSED }; /* user_data */

struct app {
    yoda_queue *queue;
    uv_poll_t completions;
    uv_timer_t timer;
    int submitted, stored;
};

static void check(yoda_status status, const yoda_error *err)
{
    if (status == YODA_OK)
        return;
    fprintf(stderr, "%s\n", err->message);
    exit(1);
}

static void on_tick(uv_timer_t *timer)
{
    struct app *app = timer->data;
    yoda_value number = {.type = YODA_INTEGER, .integer = app->submitted};
    yoda_params params = {1, &number, NULL};
    yoda_error err;
    check(yoda_submit_execute(app->queue, "INSERT INTO tick VALUES (?)", &params, NULL, STORED,
                              NULL, &err),
          &err);
    if (++app->submitted == TICKS)
        uv_close((uv_handle_t *)timer, NULL);
}

static void count(struct app *app)
{
    yoda_op_options options = YODA_OP_OPTIONS_INIT;
    yoda_error err;
    options.side = YODA_SIDE_COLUMN;
    check(yoda_submit_query(app->queue, "SELECT count(*), max(n) FROM tick", NULL, &options,
                            COUNTED, NULL, &err),
          &err);
}

static void complete(struct app *app, const yoda_completion *c)
{
    yoda_error err;
    check(c->status, &c->error);
    if (c->user_data == REGISTERED) {
        uv_timer_start(&app->timer, on_tick, 1, 1);
    } else if (c->user_data == STORED && ++app->stored == TICKS) {
        count(app);
    } else if (c->user_data == COUNTED) {
        yoda_result_next(c->result);
        printf("%d ticks, the last is %d\n", (int)yoda_result_int64(c->result, 0),
               (int)yoda_result_int64(c->result, 1));
        yoda_result_close(c->result);
        check(yoda_submit_shutdown(app->queue, CLOSED, NULL, &err), &err);
    } else if (c->user_data == CLOSED) {
        uv_close((uv_handle_t *)&app->completions, NULL);
    }
}

static void on_completions(uv_poll_t *poll, int status, int events)
{
    struct app *app = poll->data;
    yoda_completion done[16];
    (void)events;
    int n = status == 0 ? yoda_queue_drain(app->queue, done, 16) : 0;
    for (int i = 0; i < n; i++)
        complete(app, &done[i]);
}

int main(void)
{
    struct app app = {0};
    yoda_engine *db;
    yoda_error err;
    check(yoda_open(":memory:", NULL, 0, &db, &err), &err);
    check(yoda_queue_create(db, &app.queue, &err), &err);
    uv_loop_t *loop = uv_default_loop();
    uv_timer_init(loop, &app.timer);
    uv_poll_init(loop, &app.completions, yoda_queue_fd(app.queue));
    app.timer.data = app.completions.data = &app;
    uv_poll_start(&app.completions, UV_READABLE, on_completions);
    check(yoda_submit_execute(app.queue, "CREATE TABLE tick(n INTEGER)", NULL, NULL, CREATED, NULL,
                              &err),
          &err);
    check(yoda_submit_register_table(app.queue, "tick", NULL, NULL, REGISTERED, NULL, &err), &err);
    uv_run(loop, UV_RUN_DEFAULT);
    uv_loop_close(loop);
    yoda_queue_close(app.queue);
    yoda_close(db);
    return 0;
}
