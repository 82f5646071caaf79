/*
 * test_key_set.c -- random rowids of every magnitude come out ascending and distinct.
 */
#include "test.h"

#include "cdc/key_set.h"

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void rowids(void **state)
{
    (void)state;
    yoda_error err;
    uint64_t seed = test_seed();
    static int64_t expected[20000];
    for (int round = 0; round < 60; round++) {
        struct key_set set;
        size_t count = 1 + test_random(&seed) % COUNT_OF(expected), distinct = 1;
        unsigned shift = (unsigned)(test_random(&seed) % 64);
        key_set_init(&set, 0, NULL, NULL);
        for (size_t i = 0; i < count; i++) {
            expected[i] = (int64_t)test_random(&seed) >> shift;
            OK(key_set_add_id(&set, expected[i], &err));
        }
        OK(key_set_sort(&set, &err));
        qsort(expected, count, sizeof *expected, compare);
        for (size_t i = 1; i < count; i++)
            if (expected[i] != expected[distinct - 1])
                expected[distinct++] = expected[i];
        assert_int_equal(set.count, distinct);
        assert_memory_equal(set.ids, expected, distinct * sizeof *expected);
        key_set_deinit(&set);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(rowids)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
