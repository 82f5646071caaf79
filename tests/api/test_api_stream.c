/*
 * test_api_stream.c -- what is in the parts of a stream: the rows of yoda_query, their types, one
 * snapshot, parts of bounded size; on both sides.
 */
#include "stream_fixture.h"

#include <pthread.h>

/* ---- The same answer ------------------------------------------------------------------------- */

struct question {
    const char *sql;
    bool ordered;
    bool rows_only; /* the columns cannot */
};

static const struct question questions[] = {
    {"SELECT * FROM t", false, false},
    {"SELECT id FROM t", false, false},
    {"SELECT id, s FROM t WHERE g < 5 AND v > 1000", false, false},
    {"SELECT id FROM t WHERE id < 0", false, false},
    {"SELECT t.id, u.name FROM t JOIN u ON t.g = u.g", false, false},
    {"SELECT t.id, u.name FROM t LEFT JOIN u ON t.g = u.g WHERE t.id % 3 = 0", false, false},
    {"SELECT u.name, t.id FROM u LEFT JOIN t ON t.g = u.g AND t.id > 99000", false, false},
    {"SELECT g, count(*), sum(v), min(s) FROM t GROUP BY g", false, false},
    {"SELECT id, count(*) FROM t GROUP BY id", false, false},
    {"SELECT count(*), avg(v) FROM t", false, false},
    {"SELECT DISTINCT g, s FROM t", false, false},
    {"SELECT id, v, s FROM t ORDER BY v DESC, id", true, false},
    {"SELECT id, s FROM t ORDER BY s, id LIMIT 5000 OFFSET 700", true, false},
    {"SELECT id FROM t ORDER BY id LIMIT 0", true, false},
    {"SELECT id, s FROM t UNION ALL SELECT g, name FROM u", false, false},
    {"SELECT id, v FROM t UNION ALL SELECT id, z FROM t", false, false},
    {"SELECT g FROM t INTERSECT SELECT g FROM u", false, false},
    {"SELECT g FROM t EXCEPT SELECT g FROM u", false, false},
    {"SELECT id, g, row_number() OVER (PARTITION BY g ORDER BY id) FROM t", false, false},
    {"SELECT id, sum(id) OVER (ORDER BY id) FROM t ORDER BY id", true, false},
    {"WITH c AS (SELECT g, sum(id) AS n FROM t GROUP BY g) "
     "SELECT a.g, b.n FROM c a JOIN c b ON a.g <= b.g",
     false, false},
    {"VALUES (1, 'a'), (2, 'b')", true, false},
    {"SELECT id, typeof(z), z FROM t WHERE id > (SELECT max(id) - 10 FROM t) ORDER BY id", true,
     false},
    {"PRAGMA table_info(t)", true, true},
    {"PRAGMA user_version", true, true},
};

static void check_part(yoda_result *part, yoda_result *whole, yoda_side side)
{
    yoda_result_info info, expected;
    yoda_result_info_get(part, &info);
    yoda_result_info_get(whole, &expected);
    assert_int_equal(info.side, side);
    assert_string_equal(info.reason, expected.reason);
    assert_true(info.watermark == expected.watermark);
    assert_true(info.rows <= STREAM_ROWS_MAX);
    assert_int_equal(yoda_result_column_count(part), yoda_result_column_count(whole));
    for (size_t i = 0; i < yoda_result_column_count(whole); i++)
        assert_string_equal(yoda_result_column_name(part, i), yoda_result_column_name(whole, i));
}

static size_t read_parts(struct async *a, const struct question *question, yoda_side demanded,
                         yoda_result *whole, struct lines *got)
{
    size_t parts = 0;
    bool rows = demanded == YODA_SIDE_ROW || question->rows_only;
    yoda_op *op = stream_submit(a->queue, question->sql, demanded, 2, 0, 7);
    for (;;) {
        yoda_completion *done = async_expect(a->queue, 7, YODA_OK);
        if (!done->result)
            break;
        assert_int_equal(done->flags, YODA_COMPLETION_MORE);
        check_part(done->result, whole, rows ? YODA_SIDE_ROW : YODA_SIDE_COLUMN);
        lines_add(got, done->result);
        yoda_result_close(done->result);
        parts++;
        assert_int_equal(yoda_op_credit(op, 1), YODA_OK);
    }
    yoda_op_release(op);
    return parts;
}

static void check_question(struct async *a, const struct question *question, yoda_side side)
{
    struct lines expected = {0}, got = {0};
    yoda_query_options options = YODA_QUERY_OPTIONS_INIT;
    yoda_result *whole = NULL;
    yoda_error err;
    options.side = side;
    OK(yoda_query(a->db, question->sql, NULL, &options, &whole, &err));
    size_t parts = read_parts(a, question, side, whole, &got);
    lines_add(&expected, whole);
    if (!question->ordered) {
        lines_sort(&expected);
        lines_sort(&got);
    }
    if (got.count != expected.count || parts == 0)
        fail_msg("%s: %zu rows in %zu parts instead of %zu", question->sql, got.count, parts,
                 expected.count);
    assert_true(parts > 1 || got.count <= STREAM_ROWS_MAX);
    for (size_t i = 0; i < got.count; i++)
        if (strcmp(got.text[i], expected.text[i]) != 0)
            fail_msg("%s: row %zu is %s instead of %s", question->sql, i, got.text[i],
                     expected.text[i]);
    yoda_result_close(whole);
    lines_free(&expected);
    lines_free(&got);
}

static void test_parts_are_the_answer(void **state)
{
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
        check_question(*state, &questions[i], YODA_SIDE_AUTO);
        check_question(*state, &questions[i], YODA_SIDE_ROW);
    }
}

static void test_parameters(void **state)
{
    struct async *a = *state;
    yoda_op_options options = YODA_OP_OPTIONS_INIT;
    yoda_value value = {.type = YODA_INTEGER, .integer = 3};
    yoda_params params = {.count = 1, .values = &value};
    yoda_error err;
    options.window = 1;
    OK(yoda_submit_query(a->queue, "SELECT count(*) FROM t WHERE g = ?", &params, &options, 4, NULL,
                         &err));
    yoda_result *part = stream_part(a->queue, 4);
    assert_true(yoda_result_next(part));
    assert_int_equal(yoda_result_int64(part, 0), 2703);
    yoda_result_close(part);
    stream_end(a->queue, 4, YODA_OK);
}

/* ---- Types ----------------------------------------------------------------------------------- */

static char format_of(yoda_result *part, int column)
{
    struct ArrowSchema schema;
    yoda_error err;
    OK(yoda_result_arrow_schema(part, &schema, &err));
    char format = schema.children[column]->format[0];
    schema.release(&schema);
    return format;
}

/* z is NULL in the first and the last parts. The plan knows its type from the beginning; SQLite
 * does not, but what was seen once stays. */
static void check_types(struct async *a, yoda_side side)
{
    bool seen = side == YODA_SIDE_COLUMN;
    yoda_op *op = stream_submit(a->queue, "SELECT id, z, v, s FROM t", side, 1, 0, 9);
    for (;;) {
        yoda_completion *done = async_expect(a->queue, 9, YODA_OK);
        if (!done->result)
            break;
        int64_t last = 0;
        while (yoda_result_next(done->result))
            last = yoda_result_int64(done->result, 0);
        seen |= last >= 30000;
        assert_int_equal(format_of(done->result, 0), 'l');
        assert_int_equal(format_of(done->result, 1), seen ? 'l' : 'n');
        assert_int_equal(format_of(done->result, 2), 'g');
        assert_int_equal(format_of(done->result, 3), 'u');
        yoda_result_close(done->result);
        yoda_op_credit(op, 1);
    }
    yoda_op_release(op);
}

static void test_types_stay(void **state)
{
    check_types(*state, YODA_SIDE_COLUMN);
    check_types(*state, YODA_SIDE_ROW);
}

/* ---- One snapshot ---------------------------------------------------------------------------- */

static void check_snapshot(struct async *a, yoda_side side, int64_t expected)
{
    yoda_error err;
    yoda_op *op = stream_submit(a->queue, "SELECT id FROM t", side, 1, 0, 3);
    yoda_result *part = stream_part(a->queue, 3);
    int64_t sum = 0;
    fixture_execute(a->db, "DELETE FROM t WHERE id % 2 = 0");
    fixture_execute(a->db, "INSERT INTO t(id) SELECT id + 1000000 FROM t");
    OK(yoda_sync(a->db, NULL, &err));
    for (;;) {
        while (yoda_result_next(part))
            sum += yoda_result_int64(part, 0);
        yoda_result_close(part);
        yoda_op_credit(op, 1);
        yoda_completion *done = async_expect(a->queue, 3, YODA_OK);
        if (!done->result)
            break;
        part = done->result;
    }
    yoda_op_release(op);
    assert_int_equal(sum, expected);
    fixture_execute(a->db, "DELETE FROM t WHERE id > 1000000");
    fixture_execute(a->db, "INSERT INTO t(id) SELECT id + 1 FROM t");
}

static void test_one_snapshot(void **state)
{
    struct async *a = *state;
    int64_t expected = fixture_int(a->db, "SELECT sum(id) FROM t");
    check_snapshot(a, YODA_SIDE_COLUMN, expected);
    check_snapshot(a, YODA_SIDE_ROW, fixture_int(a->db, "SELECT sum(id) FROM t"));
}

/* ---- Sizes ----------------------------------------------------------------------------------- */

/* A row set of 2,048 rows is far too large for a part; so is the one row with 3 MB. */
static void check_wide(struct async *a, yoda_side side)
{
    yoda_op *op = stream_submit(a->queue, "SELECT id, b FROM wide ORDER BY id", side, 1, 0, 5);
    int64_t next = 1, parts = 0;
    for (;; parts++) {
        yoda_completion *done = async_expect(a->queue, 5, YODA_OK);
        uint64_t bytes = 0, rows = 0;
        if (!done->result)
            break;
        for (; yoda_result_next(done->result); rows++) {
            size_t size = 0;
            yoda_result_bytes(done->result, 1, &size);
            bytes += size;
            assert_int_equal(yoda_result_int64(done->result, 0), next++);
        }
        assert_true(rows <= 11 && bytes <= STREAM_BYTES_MAX + 3000000);
        yoda_result_close(done->result);
        yoda_op_credit(op, 1);
    }
    yoda_op_release(op);
    assert_int_equal(next, 201);
    assert_true(parts >= 19);
}

static void test_wide_rows(void **state)
{
    struct async *a = *state;
    yoda_error err;
    fixture_execute(a->db, "CREATE TABLE wide(id INTEGER PRIMARY KEY, b BLOB)");
    fixture_execute(a->db, "INSERT INTO wide WITH RECURSIVE n(i) AS "
                           "(SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) SELECT i, "
                           "zeroblob(CASE i WHEN 100 THEN 3000000 ELSE 100000 END) FROM n");
    OK(yoda_register_table(a->db, "wide", NULL, &err));
    check_wide(a, YODA_SIDE_COLUMN);
    check_wide(a, YODA_SIDE_ROW);
}

/* ---- What is not rows ------------------------------------------------------------------------ */

static void test_errors_and_explanations(void **state)
{
    struct async *a = *state;
    yoda_op_release(stream_submit(a->queue, "SELECT nothing FROM t", YODA_SIDE_AUTO, 1, 0, 1));
    stream_end(a->queue, 1, YODA_ERROR);
    yoda_op_release(stream_submit(a->queue, "DELETE FROM t", YODA_SIDE_AUTO, 1, 0, 2));
    stream_end(a->queue, 2, YODA_MISUSE);
    yoda_op_release(stream_submit(a->queue, "PRAGMA user_version", YODA_SIDE_COLUMN, 1, 0, 3));
    stream_end(a->queue, 3, YODA_NOT_COLUMNAR);
    yoda_op *op = stream_submit(a->queue, "EXPLAIN YODA SELECT g FROM t", YODA_SIDE_AUTO, 1, 0, 4);
    yoda_result *part = stream_part(a->queue, 4);
    assert_string_equal(yoda_result_column_name(part, 0), "plan");
    assert_true(yoda_result_next(part));
    yoda_result_close(part);
    stream_end(a->queue, 4, YODA_OK);
    yoda_op_release(op);
}

/* The last rows overflow, which is REAL on SQLite and nothing on columns. Without parts SQLite
 * takes over; with parts out it cannot. */
static void test_columns_fail_late(void **state)
{
    struct async *a = *state;
    const char *sql = "SELECT id, 9223372036854775807 - 99990 + id FROM t";
    yoda_op *op = stream_submit(a->queue, sql, YODA_SIDE_AUTO, 100, 0, 1);
    yoda_completion *done = async_next(a->queue);
    while (done->result) {
        yoda_result_close(done->result);
        done = async_next(a->queue);
    }
    yoda_op_release(op);
    assert_int_equal(done->status, YODA_NOT_COLUMNAR);
    assert_non_null(strstr(done->error.message, "parts of the stream were delivered"));
    assert_non_null(strstr(done->error.message, "Side \"row\" avoids this"));
    op = stream_submit(a->queue, "SELECT id, 9223372036854775807 + id FROM t", YODA_SIDE_AUTO, 1, 0,
                       2);
    assert_int_equal(stream_finish(a->queue, op, 2, 0), T_ROWS);
    yoda_op_release(op);
}

/* ---- Threads --------------------------------------------------------------------------------- */

static void *read_streams(void *arg)
{
    struct async *a = arg;
    yoda_queue *queue = NULL;
    yoda_op *ops[4];
    uint64_t rows = 0;
    yoda_error err;
    OK(yoda_queue_create(a->db, &queue, &err));
    for (uint64_t i = 0; i < 4; i++)
        ops[i] = stream_submit(queue, "SELECT t.id, t.s, u.name FROM t JOIN u ON t.g = u.g",
                               i % 2 ? YODA_SIDE_ROW : YODA_SIDE_COLUMN, 2, 0, i);
    for (int left = 4; left > 0;) {
        yoda_completion *done = async_next(queue);
        yoda_result_info info = {.rows = 0};
        assert_int_equal(done->status, YODA_OK);
        left -= !done->result;
        if (done->result)
            yoda_result_info_get(done->result, &info);
        rows += info.rows;
        yoda_result_close(done->result);
        assert_int_equal(yoda_op_credit(ops[done->user_data], 1), YODA_OK);
    }
    for (int i = 0; i < 4; i++)
        yoda_op_release(ops[i]);
    yoda_queue_close(queue);
    return (void *)(uintptr_t)rows;
}

static void test_several_threads(void **state)
{
    struct async *a = *state;
    pthread_t threads[3];
    uint64_t expected = 4 * (uint64_t)fixture_int(a->db, "SELECT count(*) FROM t WHERE g < 30");
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_streams, a), 0);
    for (int i = 0; i < 3; i++) {
        void *rows = NULL;
        pthread_join(threads[i], &rows);
        assert_int_equal((uint64_t)(uintptr_t)rows, expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts_are_the_answer),
        cmocka_unit_test(test_parameters),
        cmocka_unit_test(test_types_stay),
        cmocka_unit_test(test_errors_and_explanations),
        cmocka_unit_test(test_columns_fail_late),
        cmocka_unit_test(test_several_threads),
        cmocka_unit_test(test_wide_rows),
        cmocka_unit_test(test_one_snapshot),
    };
    return cmocka_run_group_tests(tests, stream_setup, async_teardown);
}
