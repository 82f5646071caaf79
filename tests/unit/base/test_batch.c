/* test_batch.c -- random rows through batches against a plain copy, also while memory fails. */
#include "test.h"

#include "base/batch.h"
#include "base/bits.h"

#define COLUMNS 7u

static char pool[1000];

/* What classes a column sees: each bit of `classes` allows one yoda_type. */
static struct value random_value(uint64_t *seed, unsigned classes)
{
    for (;;) {
        uint64_t r = test_random(seed);
        unsigned type = (unsigned)(1 + r % 5);
        size_t at = (r >> 16) % 900, size = (r >> 40) % 40;
        if (!(classes & (1u << type)))
            continue;
        switch (type) {
        case YODA_INTEGER:
            return value_int((int64_t)test_random(seed));
        case YODA_REAL:
            return value_real((double)(int64_t)r / 1000.0);
        case YODA_TEXT:
            return value_text(pool + at, size);
        case YODA_BLOB:
            return value_blob(pool + at, size);
        default:
            return value_null();
        }
    }
}

static unsigned classes_of(uint32_t column, uint32_t row)
{
    enum { I = 1 << YODA_INTEGER, R = 1 << YODA_REAL, T = 1 << YODA_TEXT, B = 1 << YODA_BLOB };
    enum { N = 1 << YODA_NULL };
    static const unsigned classes[COLUMNS] = {N, I, R | N, T | N, B, I | R | T | B | N, T | N};
    if (column == 6) /* long NULL, then TEXT, then everything */
        return row < 100 ? N : row < 300 ? T | N : classes[5];
    return classes[column];
}

/* Every buffer's size must fit the rows and the layout that batch.h promises. */
static void check_layout(const struct batch *batch)
{
    for (uint32_t i = 0; i < batch->column_count; i++) {
        const struct batch_column *c = &batch->columns[i];
        uint64_t nulls = 0;
        for (uint32_t row = 0; row < batch->rows; row++)
            nulls += batch_value(batch, i, row).type == YODA_NULL;
        assert_int_equal(c->null_count, nulls);
        if (c->kind == BATCH_NULL) {
            assert_null(c->data);
            continue;
        }
        if (c->validity) {
            assert_int_equal(c->validity->size, BITMAP_WORDS(batch->rows) * 8);
            assert_int_equal(bitmap_count((uint64_t *)(void *)c->validity->data, batch->rows),
                             batch->rows - nulls);
        }
        if (c->kind == BATCH_TEXT || c->kind == BATCH_BLOB) {
            assert_int_equal(c->offsets->size, (batch->rows + 1u) * 4u);
            assert_int_equal(((int32_t *)(void *)c->offsets->data)[batch->rows], c->data->size);
        } else {
            assert_int_equal(c->data->size, batch->rows * 8u);
        }
        assert_int_equal(c->kind == BATCH_MIXED, c->tags != NULL);
        if (c->tags)
            assert_int_equal(c->tags->size, batch->rows);
    }
}

static void check_row(const struct batch *batch, uint32_t at, const struct value *row)
{
    for (uint32_t i = 0; i < batch->column_count; i++) {
        struct value got = batch_value(batch, i, at);
        assert_true(value_identical(&got, &row[i]));
    }
}

static void test_random_rows(void **state)
{
    (void)state;
    yoda_error err;
    uint64_t seed = test_seed(), live = mem_live_bytes();
    uint32_t rows = BATCH_ROWS + 500;
    struct value *all = malloc(sizeof *all * COLUMNS * rows);
    struct mem_budget budget;
    mem_budget_init(&budget, NULL, 0);
    struct batch_list list;
    batch_list_init(&list, COLUMNS, &budget);
    for (uint32_t row = 0; row < rows; row++) {
        for (uint32_t i = 0; i < COLUMNS; i++)
            all[row * COLUMNS + i] = random_value(&seed, classes_of(i, row));
        OK(batch_list_append(&list, all + row * COLUMNS, &err));
        if (row == 50 || row == 150 || row == 1000)
            check_layout(list.batches[0]);
    }
    assert_int_equal(list.rows, rows);
    assert_int_equal(list.batch_count, 2);
    for (uint32_t row = 0; row < rows; row++)
        check_row(list.batches[row / BATCH_ROWS], row % BATCH_ROWS, all + row * COLUMNS);
    check_layout(list.batches[0]);
    check_layout(list.batches[1]);
    static const enum batch_kind kinds[COLUMNS] = {
        BATCH_NULL, BATCH_INTEGER, BATCH_REAL, BATCH_TEXT, BATCH_BLOB, BATCH_MIXED, BATCH_MIXED};
    for (uint32_t i = 0; i < COLUMNS; i++)
        assert_int_equal(list.batches[0]->columns[i].kind, kinds[i]);
    assert_null(list.batches[0]->columns[1].validity);
    batch_list_deinit(&list);
    assert_int_equal(budget.used_bytes, 0);
    assert_int_equal(mem_live_bytes(), live);
    free(all);
}

/* Fail every allocation in turn; the failed row leaves no trace and can be appended again. */
static void test_failing_memory(void **state)
{
    (void)state;
    yoda_error err;
    uint64_t seed = test_seed(), live = mem_live_bytes();
    struct batch_list list;
    batch_list_init(&list, COLUMNS, NULL);
    static struct value all[600][COLUMNS];
    unsigned failures = 0;
    for (uint32_t row = 0; row < 600; row++) {
        for (uint32_t i = 0; i < COLUMNS; i++)
            all[row][i] = random_value(&seed, classes_of(i, row));
        for (uint64_t n = 1;; n++) {
            mem_fail_after(n, false);
            yoda_status status = batch_list_append(&list, all[row], &err);
            mem_fail_after(0, false);
            if (status == YODA_OK)
                break;
            assert_int_equal(status, YODA_NOMEM);
            assert_int_equal(list.rows, row);
            if (list.batch_count > 0)
                check_layout(list.batches[0]);
            failures++;
        }
    }
    assert_true(failures > 20);
    for (uint32_t row = 0; row < 600; row++)
        check_row(list.batches[0], row, all[row]);
    batch_list_deinit(&list);
    assert_int_equal(mem_live_bytes(), live);
}

static void test_splice_and_push(void **state)
{
    (void)state;
    yoda_error err;
    struct batch_list a, b;
    batch_list_init(&a, 1, NULL);
    batch_list_init(&b, 1, NULL);
    struct value v = value_int(1);
    OK(batch_list_append(&a, &v, &err));
    v = value_text("x", 1);
    OK(batch_list_append(&b, &v, &err));
    OK(batch_list_splice(&a, &b, &err));
    OK(batch_list_splice(&a, &b, &err)); /* now empty */
    assert_int_equal(a.rows, 2);
    assert_int_equal(b.rows, 0);
    v = value_null(); /* a spliced batch is finished: appending opens a new one */
    OK(batch_list_append(&a, &v, &err));
    assert_int_equal(a.batch_count, 3);
    assert_int_equal(a.batches[1]->columns[0].kind, BATCH_TEXT);
    OK(batch_list_append(&b, &v, &err)); /* and b can be used again */
    struct batch *made;
    OK(batch_create(1, &made, &err));
    made->rows = 10;
    made->columns[0].null_count = 10;
    OK(batch_list_push(&a, made, &err));
    assert_int_equal(a.rows, 13);
    assert_int_equal(batch_value(made, 0, 9).type, YODA_NULL);
    batch_list_deinit(&a);
    batch_list_deinit(&b);
}

static void test_too_big_and_zero_columns(void **state)
{
    (void)state;
    yoda_error err;
    struct batch_list list;
    batch_list_init(&list, 1, NULL);
    struct value v = value_blob(pool, UINT32_C(1) << 31);
    FAILS(YODA_TOO_BIG, batch_list_append(&list, &v, &err));
    assert_int_equal(list.batch_count, 0);
    v = value_text("", 0);
    OK(batch_list_append(&list, &v, &err));
    v = value_blob("", 0);
    OK(batch_list_append(&list, &v, &err));
    assert_non_null(batch_value(list.batches[0], 0, 0).p);
    assert_non_null(batch_value(list.batches[0], 0, 1).p);
    batch_list_deinit(&list);
    batch_list_init(&list, 0, NULL);
    OK(batch_list_append(&list, NULL, &err));
    assert_int_equal(list.rows, 1);
    batch_list_deinit(&list);
}

int main(void)
{
    for (size_t i = 0; i < sizeof pool; i++)
        pool[i] = (char)(i * 7);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_rows), cmocka_unit_test(test_failing_memory),
        cmocka_unit_test(test_splice_and_push), cmocka_unit_test(test_too_big_and_zero_columns)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
