/*
 * test_ingest_faults.c -- an ingest when memory is short: every allocation of ours is made to fail
 * in turn. It says OK or NOMEM, its rows are all there or none, and the stream is released once.
 */
#include "base/mem.h"
#include "test.h"

#define ROWS 40

static const char *const formats[] = {"l", "u"};
static int released;
static bool given;
static struct ArrowSchema schemas[2], *schema_children[] = {&schemas[0], &schemas[1]};
static struct ArrowArray arrays[2], *array_children[] = {&arrays[0], &arrays[1]};
static int64_t integers[ROWS];
static int32_t offsets[ROWS + 1];
static const void *integer_buffers[] = {NULL, integers}, *text_buffers[] = {NULL, offsets, ""};

static void drop_schema(struct ArrowSchema *schema)
{
    schema->release = NULL;
}

static void drop_array(struct ArrowArray *array)
{
    array->release = NULL;
}

static void drop_stream(struct ArrowArrayStream *stream)
{
    released++;
    stream->release = NULL;
}

static int get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    (void)stream;
    *out = (struct ArrowSchema){
        .format = "+s", .n_children = 2, .children = schema_children, .release = drop_schema};
    return 0;
}

static int get_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    (void)stream;
    *out = (struct ArrowArray){0};
    if (given)
        return 0;
    given = true;
    *out = (struct ArrowArray){
        .length = ROWS, .n_children = 2, .children = array_children, .release = drop_array};
    return 0;
}

static struct ArrowArrayStream make_stream(void)
{
    for (int i = 0; i < 2; i++) {
        schemas[i] = (struct ArrowSchema){
            .format = formats[i], .name = i ? "b" : "a", .release = drop_schema};
        arrays[i] = (struct ArrowArray){.length = ROWS,
                                        .n_buffers = i ? 3 : 2,
                                        .buffers = i ? text_buffers : integer_buffers,
                                        .release = drop_array};
    }
    given = false;
    released = 0;
    return (struct ArrowArrayStream){
        .get_schema = get_schema, .get_next = get_next, .release = drop_stream};
}

static int64_t count_rows(yoda_engine *db)
{
    yoda_error err;
    yoda_result *rows = NULL;
    yoda_query_options options = YODA_QUERY_OPTIONS_INIT;
    options.side = YODA_SIDE_ROW;
    if (yoda_query(db, "SELECT count(*) FROM t", NULL, &options, &rows, &err) != YODA_OK)
        return 0;
    assert_true(yoda_result_next(rows));
    int64_t count = yoda_result_int64(rows, 0);
    yoda_result_close(rows);
    return count;
}

static yoda_status submit_and_wait(yoda_queue *queue, struct ArrowArrayStream *stream)
{
    yoda_completion done;
    yoda_status status =
        yoda_submit_ingest(queue, "t", stream, YODA_INGEST_CREATE_APPEND, NULL, 0, NULL, NULL);
    if (status != YODA_OK) {
        assert_int_equal(released, 0);
        stream->release(stream);
        return status;
    }
    assert_int_equal(yoda_queue_wait(queue, &done, 1, 60000), 1);
    return done.status;
}

static void every_allocation_fails(void **state)
{
    static const yoda_option options[] = {{"sync_interval_ms", "0"}};
    char *directory = test_directory_make(), path[4096];
    yoda_engine *db = NULL;
    yoda_queue *queue = NULL;
    yoda_error err;
    int failed = 0;
    (void)state;
    snprintf(path, sizeof path, "%s/app.db", directory);
    OK(yoda_open(path, options, 1, &db, &err));
    OK(yoda_queue_create(db, &queue, &err));
    struct ArrowArrayStream stream = make_stream();
    OK(submit_and_wait(queue, &stream)); /* the lane's thread is there */
    for (uint64_t n = 0; n < 60; n++) {
        OK(yoda_execute(db, "DROP TABLE IF EXISTS t", NULL, NULL, &err));
        stream = make_stream();
        mem_fail_after(n / 2 + 1, false);
        yoda_status status =
            n % 2 ? submit_and_wait(queue, &stream)
                  : yoda_ingest(db, "t", &stream, YODA_INGEST_CREATE_APPEND, NULL, NULL);
        mem_fail_after(0, false);
        assert_true(status == YODA_OK || status == YODA_NOMEM);
        assert_int_equal(released, 1);
        assert_int_equal(count_rows(db), status == YODA_OK ? ROWS : 0);
        failed += status == YODA_NOMEM;
    }
    assert_true(failed >= 4);
    yoda_queue_close(queue);
    yoda_close(db);
    test_directory_remove(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_allocation_fails)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
