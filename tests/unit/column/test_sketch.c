/*
 * test_sketch.c -- estimates of distinct values: close, mergeable, in the chunk's bytes.
 */
#include "test.h"

#include "olap/column/sketch.h"

#include <math.h>

#define ROWS 40000u

static void fill(struct chunk *raw, uint32_t rows, uint32_t distinct, uint32_t from, bool text)
{
    yoda_error err;
    for (uint32_t i = 0; i < rows; i++) {
        char word[32];
        uint32_t number = from + (uint32_t)((uint64_t)i * 2654435761u % distinct);
        int size = snprintf(word, sizeof word, "customer number %u", number);
        struct value v = text ? value_text(word, (size_t)size) : value_int(number);
        if (i % 100 == 99)
            v = value_null();
        OK(chunk_raw_set(raw, i, &v, &err));
    }
}

static struct chunk *encoded(uint32_t rows, uint32_t distinct, uint32_t from, bool text)
{
    struct chunk *raw, *chunk;
    yoda_error err;
    OK(chunk_raw_create(NULL, &raw, &err));
    fill(raw, rows, distinct, from, text);
    OK(chunk_encode(raw, rows, NULL, &chunk, &err));
    chunk_destroy(raw);
    return chunk;
}

/* Three standard errors. */
static void expect_about(double got, double want)
{
    if (fabs(got - want) > fmax(0.4 * want, 3))
        fail_msg("%g distinct values, %g expected", got, want);
}

static void test_estimates(void **state)
{
    (void)state;
    static const uint32_t counts[] = {1, 2, 7, 100, 3000, ROWS};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        for (int text = 0; text < 2; text++) {
            struct sketch sketch = {0};
            struct chunk *chunk = encoded(ROWS, counts[i], 1000, text);
            chunk_sketch(chunk, ROWS, &sketch);
            expect_about(sketch_estimate(&sketch), counts[i] < ROWS ? counts[i] : 0.99 * ROWS);
            chunk_destroy(chunk);
        }
}

static void test_merge(void **state)
{
    (void)state;
    struct chunk *a = encoded(ROWS, 5000, 0, true), *same = encoded(ROWS, 5000, 0, true);
    struct chunk *other = encoded(ROWS, 5000, 5000, true);
    struct sketch sketch = {0};
    chunk_sketch(a, ROWS, &sketch);
    double alone = sketch_estimate(&sketch);
    chunk_sketch(same, ROWS, &sketch);
    assert_true(sketch_estimate(&sketch) == alone);
    chunk_sketch(other, ROWS, &sketch);
    expect_about(sketch_estimate(&sketch), 10000);
    chunk_destroy(a);
    chunk_destroy(same);
    chunk_destroy(other);
}

static void test_raw(void **state)
{
    (void)state;
    struct chunk *raw;
    struct sketch sketch = {0};
    yoda_error err;
    OK(chunk_raw_create(NULL, &raw, &err));
    fill(raw, ROWS, 50, 0, true);
    chunk_sketch(raw, 0, &sketch);
    assert_true(sketch_estimate(&sketch) == 0);
    chunk_sketch(raw, ROWS, &sketch);
    expect_about(sketch_estimate(&sketch), 50);
    chunk_destroy(raw);
}

/* What stands in the sketch already is not taken for part of the sample. */
static void test_raw_into_filled(void **state)
{
    (void)state;
    struct chunk *raw, *first = encoded(ROWS, 5000, 0, true);
    struct sketch sketch = {0};
    yoda_error err;
    OK(chunk_raw_create(NULL, &raw, &err));
    fill(raw, ROWS, 50, 0, true);
    chunk_sketch(first, ROWS, &sketch);
    double alone = sketch_estimate(&sketch);
    for (int i = 0; i < 5; i++)
        chunk_sketch(raw, ROWS, &sketch);
    assert_true(sketch_estimate(&sketch) < 1.2 * alone);
    chunk_destroy(raw);
    chunk_destroy(first);
}

static void test_bytes(void **state)
{
    (void)state;
    uint64_t random = test_seed();
    for (int round = 0; round < 200; round++) {
        struct sketch sketch, back;
        uint8_t bytes[SKETCH_BYTES];
        for (uint32_t i = 0; i < SKETCH_REGISTERS; i++)
            sketch.ranks[i] = (uint8_t)(test_random(&random) % (SKETCH_RANK_MAX + 1));
        sketch_pack(&sketch, bytes);
        assert_true(sketch_unpack(bytes, &back));
        assert_memory_equal(&sketch, &back, sizeof sketch);
        bytes[test_random(&random) % SKETCH_BYTES] = 0xff;
        assert_true(!sketch_unpack(bytes, &back) || back.ranks[0] <= SKETCH_RANK_MAX);
    }
    uint8_t full[SKETCH_BYTES];
    struct sketch back;
    memset(full, 0xff, sizeof full);
    assert_false(sketch_unpack(full, &back));
}

/* Stored and read back, the estimate is the same. */
static void test_file(void **state)
{
    (void)state;
    struct chunk *chunk = encoded(ROWS, 300, 0, true), *back;
    struct sketch before = {0}, after = {0};
    struct buffer *bytes;
    yoda_error err;
    chunk_sketch(chunk, ROWS, &before);
    OK(chunk_serialize(chunk, &bytes, &err));
    OK(chunk_parse(bytes, ROWS, &back, &err));
    chunk_sketch(back, ROWS, &after);
    assert_memory_equal(&before, &after, sizeof before);
    buffer_release(bytes);
    chunk_destroy(back);
    chunk_destroy(chunk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_estimates), cmocka_unit_test(test_merge), cmocka_unit_test(test_raw),
        cmocka_unit_test(test_raw_into_filled),
        cmocka_unit_test(test_bytes),     cmocka_unit_test(test_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
