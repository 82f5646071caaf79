/*
 * test_chunk_raw.c -- readers of published rows while the writer appends: for the thread sanitizer.
 */
#include "column_data.h"

#include "base/thread.h"

static struct {
    struct chunk *chunk;
    _Atomic uint32_t published;
    enum column_kind kind;
    const struct column *column;
    enum vtype want;
} shared;

static void check_rows(uint32_t row, uint32_t count, struct arena *arena)
{
    yoda_error err;
    struct vector v;
    arena_reset(arena);
    OK(chunk_read(shared.chunk, row, count, shared.want, arena, &v, &err));
    for (uint32_t i = 0; i < count; i += 1 + count / 16) {
        struct value a, b;
        OK(vector_value(&v, i, arena, &a, &err));
        OK(chunk_value(shared.chunk, row + i, arena, &b, &err));
        assert_true(value_identical(&a, &shared.column->values[row + i]));
        assert_true(value_identical(&b, &shared.column->values[row + i]));
    }
}

static void *reader(void *arg)
{
    (void)arg;
    struct arena arena;
    arena_init(&arena, NULL);
    uint32_t rows;
    do {
        rows = atomic_load_explicit(&shared.published, memory_order_acquire);
        for (uint32_t row = 0; row < rows; row += VECTOR_ROWS)
            check_rows(row, rows - row < VECTOR_ROWS ? rows - row : VECTOR_ROWS, &arena);
    } while (rows < shared.column->rows);
    arena_deinit(&arena);
    return NULL;
}

static void run(enum column_kind kind, enum vtype want)
{
    yoda_error err;
    uint64_t seed = test_seed();
    struct column c;
    pthread_t threads[2];
    column_make(&c, kind, 9000, 10, &seed);
    shared.column = &c;
    shared.want = want;
    atomic_store(&shared.published, 0);
    OK(chunk_raw_create(NULL, &shared.chunk, &err));
    for (int i = 0; i < 2; i++)
        OK(thread_start(&threads[i], "reader", reader, NULL, &err));
    struct value other = value_text("another class", 13);
    for (uint32_t row = 0; row < c.rows; row++) {
        if (row % 7 == 0)
            OK(chunk_raw_set(shared.chunk, row, &other, &err)); /* overwritten before publishing */
        OK(chunk_raw_set(shared.chunk, row, &c.values[row], &err));
        if (row % 37 == 0)
            atomic_store_explicit(&shared.published, row + 1, memory_order_release);
    }
    atomic_store_explicit(&shared.published, c.rows, memory_order_release);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    chunk_destroy(shared.chunk);
    column_free(&c);
}

static void test_concurrent(void **state)
{
    (void)state;
    run(COLUMN_INT_U32, VT_INT);
    run(COLUMN_MONEY_MIXED, VT_NUM);
    run(COLUMN_WORDS, VT_TEXT);
}

static void test_budget(void **state)
{
    (void)state;
    yoda_error err;
    struct mem_budget budget;
    struct chunk *raw, *encoded;
    mem_budget_init(&budget, NULL, 200000);
    OK(chunk_raw_create(&budget, &raw, &err));
    struct value text = value_text("twelve bytes", 12);
    uint32_t rows = 0;
    while (chunk_raw_set(raw, rows, &text, &err) == YODA_OK)
        rows++;
    assert_true(rows > 2048 && chunk_rows(raw) == rows);
    assert_true(chunk_bytes(raw) >= budget.used_bytes && budget.used_bytes > 0);
    OK(chunk_encode(raw, rows, NULL, &encoded, &err));
    chunk_destroy(encoded);
    chunk_destroy(raw);
    assert_int_equal(budget.used_bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_concurrent),
        cmocka_unit_test(test_budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
