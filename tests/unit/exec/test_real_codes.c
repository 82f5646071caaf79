/*
 * test_real_codes.c -- doubles as codes: what comes back is what was there, or nothing changed.
 */
#include "test.h"

#include "olap/exec/real_codes.h"

static double decimal(int scale, bool negative, uint64_t *seed)
{
    int64_t m = (int64_t)(test_random(seed) >> (32 + test_random(seed) % 31));
    return (double)(negative ? m / 2 - INT32_MAX / 2 : m) / vector_power10[scale];
}

/* misfit: one row is no decimal of the scale. */
static void one_vector(int scale, bool told, bool negative, bool misfit, uint64_t *seed)
{
    yoda_error err;
    struct arena arena;
    double reals[VECTOR_ROWS];
    uint64_t nulls[VECTOR_WORDS] = {0};
    uint32_t rows = 1 + (uint32_t)(test_random(seed) % VECTOR_ROWS);
    uint8_t misfits = 0;
    for (uint32_t i = 0; i < rows; i++) {
        bool null = test_random(seed) % 10 == 0;
        reals[i] = null ? 0 : test_random(seed) % 50 ? decimal(scale, negative, seed) : -0.0;
        if (null)
            bit_set(nulls, i);
    }
    reals[0] = 7 / vector_power10[scale]; /* tells the scale */
    if (misfit)
        reals[test_random(seed) % rows] = test_random(seed) % 2 ? 1e300 : 1.0 / 3;
    const struct vector v = {
        .type = VT_REAL, .form = VF_FLAT, .count = rows, .data = reals, .nulls = nulls};
    struct vector coded, flat;
    arena_init(&arena, NULL);
    OK(real_codes_of(&v, told ? scale : -1, &misfits, &arena, &coded, &err));
    assert_int_equal(misfits, misfit);
    assert_int_equal(coded.form, misfit ? VF_FLAT : VF_CODES);
    assert_true(misfit || coded.scale == scale);
    assert_true(coded.type == VT_REAL && coded.count == rows && coded.nulls == nulls);
    OK(vector_flatten(&coded, &arena, &flat, &err));
    for (uint32_t i = 0; i < rows; i++)
        assert_true(((const double *)flat.data)[i] == reals[i]);
    arena_deinit(&arena);
}

static void test_vectors(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    for (int n = 0; n < 2000; n++) {
        int told = n % 2, scale = n / 2 % (told ? VECTOR_SCALE_MAX + 1 : 7);
        one_vector(scale, told, n % 3 == 0, n % 5 == 0, &seed);
    }
}

static void test_giving_up(void **state)
{
    (void)state;
    yoda_error err;
    struct arena arena;
    double thirds[100], cents[100];
    uint8_t misfits = 0;
    struct vector out, v = {.type = VT_REAL, .form = VF_FLAT, .count = 100, .data = thirds};
    arena_init(&arena, NULL);
    for (int i = 0; i < 100; i++) {
        thirds[i] = (i + 1) / 3.0;
        cents[i] = i / 100.0;
    }
    for (int i = 0; i < 300; i++)
        OK(real_codes_of(&v, i % 2 ? 2 : -1, &misfits, &arena, &out, &err));
    assert_true(misfits > 0 && misfits < 10);
    v.data = cents;
    OK(real_codes_of(&v, 2, &misfits, &arena, &out, &err));
    assert_true(out.form == VF_FLAT && out.data == cents);
    misfits = 0;
    OK(real_codes_of(&v, 2, &misfits, &arena, &out, &err));
    assert_int_equal(out.form, VF_CODES);
    v.type = VT_INT; /* other vectors stay what they are */
    OK(real_codes_of(&v, 2, &misfits, &arena, &out, &err));
    assert_true(out.form == VF_FLAT && misfits == 0);
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_vectors),
                                       cmocka_unit_test(test_giving_up)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
