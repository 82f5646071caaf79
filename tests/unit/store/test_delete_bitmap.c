/*
 * test_delete_bitmap.c -- packing, and finding any damage to packed bytes.
 */
#include "test.h"

#include "olap/store/delete_bitmap.h"

static void fill(struct delete_bitmap *bitmap, uint32_t rows, uint32_t percent, uint64_t *seed)
{
    for (uint32_t row = 0; row < rows; row++)
        if (test_random(seed) % 100 < percent)
            delete_bitmap_set(bitmap, row);
    if (bitmap->count == 0)
        delete_bitmap_set(bitmap, rows - 1);
}

static void round_trip(uint32_t rows, uint32_t percent, uint64_t *seed, bool damage)
{
    yoda_error err;
    struct delete_bitmap *bitmap = NULL, *again = NULL;
    void *packed = NULL;
    uint32_t size = 0;
    OK(delete_bitmap_create(NULL, NULL, &bitmap, &err));
    fill(bitmap, rows, percent, seed);
    OK(delete_bitmap_pack(bitmap->words, bitmap->count, 77, &packed, &size, &err));
    assert_true(size <= 16 + 4 * bitmap->count || size < 17000);
    OK(delete_bitmap_unpack(packed, size, rows, 77, NULL, &again, &err));
    assert_int_equal(again->count, bitmap->count);
    assert_memory_equal(again->words, bitmap->words, sizeof bitmap->words);
    delete_bitmap_release(again);
    FAILS(YODA_CORRUPT, delete_bitmap_unpack(packed, size, rows, 78, NULL, &again, &err));
    for (uint32_t cut = 0; damage && cut < size; cut++)
        FAILS(YODA_CORRUPT, delete_bitmap_unpack(packed, cut, rows, 77, NULL, &again, &err));
    for (uint32_t bit = 0; damage && bit < size * 8; bit++) {
        ((uint8_t *)packed)[bit / 8] ^= (uint8_t)(1u << bit % 8);
        FAILS(YODA_CORRUPT, delete_bitmap_unpack(packed, size, rows, 77, NULL, &again, &err));
        ((uint8_t *)packed)[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    mem_free(packed);
    delete_bitmap_release(bitmap);
}

static void test_round_trips(void **state)
{
    uint64_t seed = test_seed();
    YODA_UNUSED(state);
    const uint32_t rows[] = {1, 63, 64, 65, 5000, SEGMENT_ROWS};
    const uint32_t percents[] = {0, 1, 50, 99, 100};
    for (size_t r = 0; r < COUNT_OF(rows); r++)
        for (size_t p = 0; p < COUNT_OF(percents); p++)
            round_trip(rows[r], percents[p], &seed, rows[r] < 100);
}

static void test_row_past_the_segment(void **state)
{
    yoda_error err;
    struct delete_bitmap *bitmap = NULL, *again = NULL;
    YODA_UNUSED(state);
    for (uint32_t dense = 0; dense < 2; dense++) {
        void *packed = NULL;
        uint32_t size = 0;
        OK(delete_bitmap_create(NULL, NULL, &bitmap, &err));
        for (uint32_t row = 0; row < (dense ? 1000 : 1); row++)
            delete_bitmap_set(bitmap, row);
        delete_bitmap_set(bitmap, 1000);
        OK(delete_bitmap_pack(bitmap->words, bitmap->count, 1, &packed, &size, &err));
        FAILS(YODA_CORRUPT, delete_bitmap_unpack(packed, size, 1000, 1, NULL, &again, &err));
        OK(delete_bitmap_unpack(packed, size, 1001, 1, NULL, &again, &err));
        delete_bitmap_release(again);
        mem_free(packed);
        delete_bitmap_release(bitmap);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trips),
        cmocka_unit_test(test_row_past_the_segment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
