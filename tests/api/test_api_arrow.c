/* test_api_arrow.c -- exported arrays hold the values of the rows, and outlive result and engine.
 */
#include "fixture.h"

static yoda_result *run(yoda_engine *db, const char *sql)
{
    yoda_error err;
    yoda_result *rows = NULL;
    OK(yoda_query(db, sql, NULL, NULL, &rows, &err));
    return rows;
}

static bool is_valid(const struct ArrowArray *a, int64_t row)
{
    const uint8_t *bits = a->buffers[0];
    return !bits || (bits[row / 8] >> (row % 8) & 1);
}

static void classes_have_types(void **state)
{
    struct fixture *f = *state;
    yoda_error err;
    struct ArrowSchema schema;
    struct ArrowArray array;
    yoda_result *rows =
        run(f->db, "VALUES (1, 1.5, 'a', x'00', NULL), (2, NULL, 'bcd', NULL, NULL)");
    OK(yoda_result_arrow_schema(rows, &schema, &err));
    assert_string_equal(schema.format, "+s");
    assert_int_equal(schema.n_children, 5);
    const char *const formats[] = {"l", "g", "u", "z", "n"};
    for (int i = 0; i < 5; i++)
        assert_string_equal(schema.children[i]->format, formats[i]);
    assert_string_equal(schema.children[0]->name, "column1");
    schema.release(&schema);
    OK(yoda_result_arrow_next(rows, &array, &err));
    yoda_result_close(rows);
    yoda_close(f->db); /* nothing below may depend on either */
    f->db = NULL;
    assert_int_equal(array.length, 2);
    const int64_t *integers = array.children[0]->buffers[1];
    assert_true(integers[0] == 1 && integers[1] == 2);
    assert_int_equal(array.children[1]->null_count, 1);
    assert_true(is_valid(array.children[1], 0) && !is_valid(array.children[1], 1));
    const int32_t *offsets = array.children[2]->buffers[1];
    assert_int_equal(offsets[2], 4);
    assert_memory_equal(array.children[2]->buffers[2], "abcd", 4);
    assert_int_equal(array.children[4]->n_buffers, 0);
    struct ArrowArray moved = *array.children[2]; /* a consumer may keep one child only */
    array.children[2]->release = NULL;
    array.release(&array);
    assert_null(array.release);
    assert_memory_equal(moved.buffers[2], "abcd", 4);
    moved.release(&moved);
}

/* Read row of a dense union as text for comparison. */
static void union_text(const struct ArrowArray *u, int64_t row, char out[64])
{
    int type = ((const int8_t *)u->buffers[0])[row];
    int32_t at = ((const int32_t *)u->buffers[1])[row];
    const struct ArrowArray *child = u->children[type - 1];
    assert_true(at >= 0 && at < child->length);
    if (type == YODA_INTEGER) {
        snprintf(out, 64, "%lld", (long long)((const int64_t *)child->buffers[1])[at]);
    } else if (type == YODA_REAL) {
        snprintf(out, 64, "%.1f", ((const double *)child->buffers[1])[at]);
    } else if (type == YODA_NULL) {
        snprintf(out, 64, "null");
    } else {
        const int32_t *offsets = child->buffers[1];
        snprintf(out, 64, "%c%.*s", type == YODA_TEXT ? 't' : 'b', offsets[at + 1] - offsets[at],
                 (const char *)child->buffers[2] + offsets[at]);
    }
}

static void mixed_columns_are_unions(void **state)
{
    static const char *const expected[] = {"1", "2.5", "tx", "bAB", "null", "-7", "tyz"};
    struct fixture *f = *state;
    yoda_error err;
    struct ArrowSchema schema;
    struct ArrowArray array;
    char text[64];
    yoda_result *rows = run(f->db, "VALUES (1), (2.5), ('x'), (x'4142'), (NULL), (-7), ('yz')");
    OK(yoda_result_arrow_schema(rows, &schema, &err));
    assert_string_equal(schema.children[0]->format, "+ud:1,2,3,4,5");
    assert_int_equal(schema.children[0]->n_children, 5);
    schema.release(&schema);
    OK(yoda_result_arrow_next(rows, &array, &err));
    yoda_result_close(rows);
    for (int row = 0; row < 7; row++) {
        union_text(array.children[0], row, text);
        assert_string_equal(text, expected[row]);
    }
    array.release(&array);
}

/* Batches of different classes: integers in the first, texts and NULLs in the second, a third of
 * NULLs. */
static void batches_share_one_schema(void **state)
{
    struct fixture *f = *state;
    yoda_error err;
    struct ArrowArrayStream stream;
    struct ArrowSchema schema;
    struct ArrowArray array;
    int64_t row = 0;
    char text[64], want[64];
    yoda_result *rows =
        run(f->db, "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n LIMIT 150000) "
                   "SELECT CASE WHEN i < 65536 THEN i WHEN i < 131072 AND i % 2 THEN 't' || i END, "
                   "CASE WHEN i >= 131072 THEN i END FROM n");
    OK(yoda_result_arrow_stream(rows, &stream, &err));
    assert_int_equal(stream.get_schema(&stream, &schema), 0);
    assert_string_equal(schema.children[0]->format, "+ud:1,2,3,4,5");
    assert_string_equal(schema.children[1]->format, "l");
    schema.release(&schema);
    for (;;) {
        assert_int_equal(stream.get_next(&stream, &array), 0);
        if (!array.release)
            break;
        for (int64_t i = 0; i < array.length; i++, row++) {
            union_text(array.children[0], i, text);
            if (row < 65536)
                snprintf(want, sizeof want, "%lld", (long long)row);
            else if (row < 131072 && row % 2)
                snprintf(want, sizeof want, "tt%lld", (long long)row);
            else
                snprintf(want, sizeof want, "null");
            assert_string_equal(text, want);
            assert_int_equal(is_valid(array.children[1], i), row >= 131072);
        }
        array.release(&array);
    }
    assert_int_equal(row, 150000);
    assert_null(stream.get_last_error(&stream));
    stream.release(&stream);
}

/* SQLite types values, not columns. */
static void empty_results(void **state)
{
    struct fixture *f = *state;
    yoda_error err;
    struct ArrowSchema schema;
    struct ArrowArray array;
    yoda_result *rows = NULL;
    yoda_query_options options = YODA_QUERY_OPTIONS_INIT;
    options.side = YODA_SIDE_ROW;
    OK(yoda_query(f->db, "SELECT 1 AS a WHERE 0", NULL, &options, &rows, &err));
    OK(yoda_result_arrow_schema(rows, &schema, &err));
    assert_string_equal(schema.children[0]->format, "n");
    schema.release(&schema);
    OK(yoda_result_arrow_next(rows, &array, &err));
    assert_null(array.release);
    assert_false(yoda_result_next(rows));
    yoda_result_close(rows);
    FAILS(YODA_MISUSE, yoda_result_arrow_next(NULL, &array, &err));
}

/* The columnar plan knows its types without a value; a column that never had one has none. */
static void empty_columnar_results_have_types(void **state)
{
    static const char *const formats[] = {"l", "g", "u", "z", "g", "n", "l", "g"};
    struct fixture *f = *state;
    yoda_error err;
    yoda_query_options options = YODA_QUERY_OPTIONS_INIT;
    struct ArrowArrayStream stream;
    struct ArrowSchema schema;
    struct ArrowArray array;
    yoda_result *rows = NULL;
    fixture_execute(f->db, "CREATE TABLE t(i INTEGER, r REAL, s TEXT, b BLOB, m NUMERIC, n);"
                           "INSERT INTO t VALUES (1, 1.5, 'a', x'00', 1, NULL),"
                           " (2, NULL, NULL, NULL, 2.5, NULL)");
    OK(yoda_register_table(f->db, "t", NULL, &err));
    options.side = YODA_SIDE_COLUMN;
    OK(yoda_query(f->db,
                  "SELECT i, r, s, b, m, n, i + 1, i * 0.5 FROM t WHERE i > 5 ORDER BY i + r", NULL,
                  &options, &rows, &err));
    OK(yoda_result_arrow_stream(rows, &stream, &err));
    assert_int_equal(stream.get_schema(&stream, &schema), 0);
    assert_int_equal(schema.n_children, 8);
    for (int i = 0; i < 8; i++)
        assert_string_equal(schema.children[i]->format, formats[i]);
    schema.release(&schema);
    assert_int_equal(stream.get_next(&stream, &array), 0);
    assert_null(array.release);
    stream.release(&stream);
}

#define T(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(classes_have_types), T(mixed_columns_are_unions),          T(batches_share_one_schema),
        T(empty_results),      T(empty_columnar_results_have_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
