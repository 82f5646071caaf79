/*
 * async_poll.c -- Yoda in a poll() loop, beside another descriptor.
 *
 * Reads numbers from standard input, one a line, and stores each without ever waiting for the disk.
 * At the end of the input it asks for their count and sum, shuts the engine down, and leaves.
 *
 *   seq 100 | ./async_poll     ->  100 numbers, 5050 in all
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <yoda.h>

enum { CREATED = 1, STORED, ANSWERED, CLOSED }; /* user_data: what a completion is about */

struct loop {
    yoda_queue *queue;
    char line[64];
    size_t size;
    int waiting;  /* stores in flight */
    int full;     /* YODA_BUSY: read no more until there is room */
    int done;     /* end of input */
    int finished; /* shut down */
};

static void check(yoda_status status, const yoda_error *err)
{
    if (status == YODA_OK)
        return;
    fprintf(stderr, "%s\n", err->message);
    exit(1);
}

/* 0: there is no room for it now. */
static int store(struct loop *loop, long long number)
{
    yoda_value value = {.type = YODA_INTEGER, .integer = number};
    yoda_params params = {1, &value, NULL};
    yoda_error err;
    yoda_status status = yoda_submit_execute(loop->queue, "INSERT INTO number VALUES (?)", &params,
                                             NULL, STORED, NULL, &err);
    loop->full = status == YODA_BUSY;
    if (loop->full)
        return 0;
    check(status, &err);
    loop->waiting++;
    return 1;
}

/* Store the complete lines; what does not fit yet stays in the buffer. */
static void store_lines(struct loop *loop)
{
    char *end;
    while (!loop->full && (end = memchr(loop->line, '\n', loop->size)) != NULL) {
        if (!store(loop, strtoll(loop->line, NULL, 10)))
            return;
        size_t used = (size_t)(end - loop->line) + 1;
        memmove(loop->line, end + 1, loop->size - used);
        loop->size -= used;
    }
}

static void read_input(struct loop *loop)
{
    if (loop->size == sizeof loop->line)
        loop->size = 0; /* no number is that long */
    ssize_t n = read(STDIN_FILENO, loop->line + loop->size, sizeof loop->line - loop->size);
    if (n > 0)
        loop->size += (size_t)n;
    else
        loop->done = 1;
    store_lines(loop);
}

static void answer(struct loop *loop, yoda_result *rows)
{
    yoda_error err;
    yoda_result_next(rows);
    printf("%lld numbers, %lld in all\n", (long long)yoda_result_int64(rows, 0),
           (long long)yoda_result_int64(rows, 1));
    yoda_result_close(rows);
    check(yoda_submit_shutdown(loop->queue, CLOSED, NULL, &err), &err);
}

static void complete(struct loop *loop, const yoda_completion *c)
{
    check(c->status, &c->error);
    if (c->kind == YODA_OP_WRITABLE) {
        loop->full = 0;
        store_lines(loop);
    } else if (c->user_data == STORED) {
        loop->waiting--;
    } else if (c->user_data == ANSWERED) {
        answer(loop, c->result);
    } else if (c->user_data == CLOSED) {
        loop->finished = 1;
    }
}

static void drain(struct loop *loop)
{
    yoda_completion completions[64];
    int n = yoda_queue_drain(loop->queue, completions, 64);
    for (int i = 0; i < n; i++)
        complete(loop, &completions[i]);
}

static void run(struct loop *loop)
{
    yoda_error err;
    int asked = 0;
    while (!loop->finished) {
        int reading = !loop->done && !loop->full;
        struct pollfd fds[] = {{.fd = yoda_queue_fd(loop->queue), .events = POLLIN},
                               {.fd = reading ? STDIN_FILENO : -1, .events = POLLIN}};
        poll(fds, 2, -1);
        if (fds[1].revents)
            read_input(loop);
        if (fds[0].revents)
            drain(loop);
        if (loop->done && !loop->full && loop->waiting == 0 && !asked) {
            asked = 1;
            check(yoda_submit_query(loop->queue, "SELECT count(*), coalesce(sum(n), 0) FROM number",
                                    NULL, NULL, ANSWERED, NULL, &err),
                  &err);
        }
    }
}

int main(void)
{
    struct loop loop = {0};
    yoda_engine *db;
    yoda_error err;
    check(yoda_open("numbers.db", NULL, 0, &db, &err), &err);
    check(yoda_queue_create(db, &loop.queue, &err), &err);
    check(yoda_submit_execute(loop.queue, "CREATE TABLE IF NOT EXISTS number(n INTEGER)", NULL,
                              NULL, CREATED, NULL, &err),
          &err);
    run(&loop);
    yoda_queue_close(loop.queue);
    yoda_close(db);
    return 0;
}
