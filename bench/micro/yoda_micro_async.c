/*
 * yoda_micro_async.c -- what a submitted operation costs when many are in flight: nanoseconds each.
 *
 *   submit   until the last one is accepted
 *   all      until the last completion is drained and its result closed
 *
 * A round submits `operations` of one kind and then drains them. Prints the fastest round, the
 * median and the slowest one.
 *
 *   yoda_micro_async [operations] [rounds] [case]
 */
#include "yoda.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS_MAX 1000
#define DRAIN 256
#define ROWS 10000

struct sample {
    double submit_ns, all_ns;
};

static yoda_engine *db;
static yoda_queue *queue;
static yoda_error error;
static int64_t next_id = ROWS;

static void must(yoda_status status)
{
    if (status == YODA_OK)
        return;
    fprintf(stderr, "%s: %s\n", yoda_status_name(status), error.message);
    exit(1);
}

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* ---- Cases ----------------------------------------------------------------------------------- */

static void submit_constant(uint64_t i)
{
    must(yoda_submit_query(queue, "SELECT 1", NULL, NULL, i, NULL, &error));
}

static void submit_point(uint64_t i)
{
    yoda_value id = {.type = YODA_INTEGER, .integer = (int64_t)(i * 7919 % ROWS)};
    yoda_params params = {1, &id, NULL};
    must(yoda_submit_query(queue, "SELECT v FROM t WHERE id = ?", &params, NULL, i, NULL, &error));
}

static void submit_insert(uint64_t i)
{
    yoda_value row[] = {{.type = YODA_INTEGER, .integer = next_id++},
                        {.type = YODA_REAL, .real = 0.5}};
    yoda_params params = {2, row, NULL};
    must(yoda_submit_execute(queue, "INSERT INTO t VALUES (?, ?)", &params, NULL, i, NULL, &error));
}

static const struct bench_case {
    const char *name;
    void (*submit)(uint64_t i);
} cases[] = {{"SELECT 1", submit_constant},
             {"point read by key", submit_point},
             {"insert of a row", submit_insert}};

/* ---- Rounds ---------------------------------------------------------------------------------- */

static int drain(void)
{
    static yoda_completion done[DRAIN];
    int count = yoda_queue_wait(queue, done, DRAIN, -1);
    for (int i = 0; i < count; i++) {
        if (done[i].status != YODA_OK) {
            fprintf(stderr, "%s\n", done[i].error.message);
            exit(1);
        }
        yoda_result_close(done[i].result);
    }
    return count;
}

static struct sample run_round(const struct bench_case *c, int operations)
{
    double begin = now_ns();
    for (int i = 0; i < operations; i++)
        c->submit((uint64_t)i);
    double submitted = now_ns();
    for (int left = operations; left > 0;)
        left -= drain();
    double end = now_ns();
    return (struct sample){(submitted - begin) / operations, (end - begin) / operations};
}

static int by_all(const void *a, const void *b)
{
    double x = ((const struct sample *)a)->all_ns, y = ((const struct sample *)b)->all_ns;
    return (x > y) - (x < y);
}

static void run_case(const struct bench_case *c, int operations, int rounds)
{
    static struct sample samples[ROUNDS_MAX];
    (void)run_round(c, operations); /* threads, connections, statements */
    for (int i = 0; i < rounds; i++)
        samples[i] = run_round(c, operations);
    qsort(samples, (size_t)rounds, sizeof *samples, by_all);
    const struct sample *median = &samples[rounds / 2];
    printf("%-20s %8.0f %8.0f %8.0f %8.0f\n", c->name, median->submit_ns, samples[0].all_ns,
           median->all_ns, samples[rounds - 1].all_ns);
}

static void open_table(const char *path)
{
    const yoda_option options[] = {{"max_in_flight", "1000000"}};
    must(yoda_open(path, options, 1, &db, &error));
    must(yoda_execute(db,
                      "CREATE TABLE t(id INTEGER PRIMARY KEY, v REAL);"
                      "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n LIMIT 10000)"
                      "INSERT INTO t SELECT i, i / 2.0 FROM n",
                      NULL, NULL, &error));
    must(yoda_queue_create(db, &queue, &error));
}

int main(int argc, char **argv)
{
    char directory[] = "/tmp/yoda_micro_async.XXXXXX", path[64], command[64];
    int operations = argc > 1 ? atoi(argv[1]) : 10000, rounds = argc > 2 ? atoi(argv[2]) : 15;
    if (operations < 1 || operations > 1000000 || rounds < 1 || rounds > ROUNDS_MAX ||
        !mkdtemp(directory))
        return 1;
    snprintf(path, sizeof path, "%s/app.db", directory);
    open_table(path);
    printf("%-20s %8s %8s %8s %8s\n", "ns an operation", "submit", "all: min", "median", "max");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (argc < 4 || strstr(cases[i].name, argv[3]))
            run_case(&cases[i], operations, rounds);
    yoda_queue_close(queue);
    yoda_close(db);
    snprintf(command, sizeof command, "rm -rf %s", directory);
    return system(command) == 0 ? 0 : 1;
}
