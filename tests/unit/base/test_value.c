/* test_value.c -- affinity, order and key bytes of values against plain oracles. */
#include "test.h"

#include "base/value.h"

#include <math.h>

static void test_affinity(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        enum affinity affinity;
    } cases[] = {
        {"", AFFINITY_BLOB},
        {"INT", AFFINITY_INTEGER},
        {"bigint", AFFINITY_INTEGER},
        {"FLOATING POINT", AFFINITY_INTEGER},
        {"CHARINT", AFFINITY_INTEGER},
        {"VARCHAR(10)", AFFINITY_TEXT},
        {"clob", AFFINITY_TEXT},
        {"BLOBTEXT", AFFINITY_TEXT},
        {"TEXTBLOB", AFFINITY_TEXT},
        {"blob", AFFINITY_BLOB},
        {"REALBLOB", AFFINITY_BLOB},
        {"Double", AFFINITY_REAL},
        {"float", AFFINITY_REAL},
        {"REAL", AFFINITY_REAL},
        {"DECIMAL(10,2)", AFFINITY_NUMERIC},
        {"DATE", AFFINITY_NUMERIC},
        {"IN", AFFINITY_NUMERIC},
        {"STRING", AFFINITY_NUMERIC},
        {"POINT", AFFINITY_INTEGER},
        {"BLOB REAL", AFFINITY_BLOB},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(affinity_of_declaration(cases[i].type, strlen(cases[i].type)),
                         cases[i].affinity);
    assert_int_equal(affinity_of_declaration(NULL, 0), AFFINITY_BLOB);
    assert_int_equal(affinity_of_declaration("INTEGER", 2), AFFINITY_NUMERIC);
}

static int sign(int x)
{
    return (x > 0) - (x < 0);
}

/* An x87 long double holds every int64 and every double exactly. */
static int exact_compare(int64_t i, double r)
{
    long double a = (long double)i, b = (long double)r;
    return (a > b) - (a < b);
}

static int64_t random_int(uint64_t *seed)
{
    uint64_t r = test_random(seed);
    int64_t near = (int64_t)(test_random(seed) % 5) - 2;
    uint64_t edge = (uint64_t)1 << (r >> 8) % 64;
    switch (r % 4) {
    case 0:
        return (int64_t)test_random(seed);
    case 1:
        return (int64_t)(edge + (uint64_t)near);
    case 2:
        return (int64_t)(0 - edge + (uint64_t)near);
    default:
        return near;
    }
}

static double random_real(uint64_t *seed)
{
    static const double edges[] = {0.0,
                                   -0.0,
                                   INFINITY,
                                   -INFINITY,
                                   9223372036854775808.0,
                                   -9223372036854775808.0,
                                   9223372036854774784.0,
                                   -9223372036854777856.0,
                                   0.5,
                                   -0.5,
                                   1e300,
                                   5e-324};
    uint64_t r = test_random(seed), bits = test_random(seed);
    if (r % 4 == 0)
        return edges[(r >> 8) % (sizeof edges / sizeof edges[0])];
    if (r % 4 == 1)
        return (double)random_int(seed);
    if (r % 4 == 2)
        return (double)random_int(seed) + (double)(bits % 3) / 2;
    double any;
    memcpy(&any, &bits, sizeof any);
    return isnan(any) ? 1.5 : any;
}

static double neighbour(double r, int64_t step)
{
    int64_t bits;
    memcpy(&bits, &r, sizeof bits);
    bits += step;
    memcpy(&r, &bits, sizeof r);
    return isnan(r) ? 0.5 : r;
}

static void test_int_real(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    if (sizeof(long double) <= 8)
        skip();
    for (int n = 0; n < 200000; n++) {
        int64_t i = random_int(&seed);
        double r = n % 3 ? random_real(&seed) : neighbour((double)i, n % 2 ? 1 : -1);
        assert_int_equal(int_real_compare(i, r), exact_compare(i, r));
    }
    assert_int_equal(int_real_compare(INT64_MAX, 9223372036854775808.0), -1);
    assert_int_equal(int_real_compare(INT64_MIN, -9223372036854775808.0), 0);
    assert_int_equal(int_real_compare(9007199254740993, 9007199254740992.0), 1);
}

static void test_texts(void **state)
{
    (void)state;
    static const struct {
        const char *a;
        size_t a_size;
        const char *b;
        size_t b_size;
        int binary, nocase, rtrim;
    } cases[] = {
        {"abc", 3, "abd", 3, -1, -1, -1},
        {"abc", 3, "ABC", 3, 1, 0, 1},
        {"ab", 2, "abc", 3, -1, -1, -1},
        {"ab", 2, "ab  ", 4, -1, -1, 0},
        {"", 0, "   ", 3, -1, -1, 0},
        {"a\t", 2, "a", 1, 1, 1, 1},
        {"\xc3\x84", 2, "\xc3\xa4", 2, -1, -1, -1},
        {"_", 1, "a", 1, -1, -1, -1},
        {"_", 1, "A", 1, 1, -1, 1},
        {"a\0x", 3, "A\0y", 3, 1, 0, 1},
        {"a\0x", 3, "a\0", 2, 1, 1, 1},
        {NULL, 0, "", 0, 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const int expected[] = {cases[i].binary, cases[i].nocase, cases[i].rtrim};
        for (int c = COLLATE_BINARY; c <= COLLATE_RTRIM; c++) {
            int ab = text_compare(cases[i].a, cases[i].a_size, cases[i].b, cases[i].b_size,
                                  (enum collation)c);
            int ba = text_compare(cases[i].b, cases[i].b_size, cases[i].a, cases[i].a_size,
                                  (enum collation)c);
            assert_int_equal(sign(ab), expected[c]);
            assert_int_equal(sign(ba), -expected[c]);
        }
    }
}

static struct value random_value(uint64_t *seed, char *bytes)
{
    static const char alphabet[] = {'a', 'A', 'b', ' ', '\0'};
    uint64_t r = test_random(seed);
    size_t size = (r >> 8) % 4;
    for (size_t i = 0; i < size; i++)
        bytes[i] = alphabet[test_random(seed) % sizeof alphabet];
    switch (1 + r % 5) {
    case YODA_INTEGER:
        return value_int(random_int(seed));
    case YODA_REAL:
        return value_real(random_real(seed));
    case YODA_TEXT:
        return value_text(bytes, size);
    case YODA_BLOB:
        return value_blob(bytes, size);
    default:
        return value_null();
    }
}

static int rank(uint8_t type)
{
    return type == YODA_NULL ? 0 : type <= YODA_REAL ? 1 : type;
}

/* Equal bytes exactly when equal; a total order; classes in SQLite's order. */
static void test_order_and_keys(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    for (int n = 0; n < 300000; n++) {
        char bytes[3][4];
        struct value v[3];
        for (int i = 0; i < 3; i++)
            v[i] = random_value(&seed, bytes[i]);
        enum collation c = (enum collation)(test_random(&seed) % 3);
        uint8_t a[32], b[32];
        size_t a_size = value_key_write(&v[0], c, a), b_size = value_key_write(&v[1], c, b);
        assert_true(a_size <= value_key_bound(&v[0]) && b_size <= value_key_bound(&v[1]));
        int order = value_compare(&v[0], &v[1], c);
        assert_int_equal(a_size == b_size && memcmp(a, b, a_size) == 0, order == 0);
        assert_int_equal(sign(value_compare(&v[1], &v[0], c)), -sign(order));
        if (rank(v[0].type) != rank(v[1].type))
            assert_int_equal(sign(order), sign(rank(v[0].type) - rank(v[1].type)));
        if (value_identical(&v[0], &v[1]))
            assert_int_equal(order, 0);
        if (order <= 0 && value_compare(&v[1], &v[2], c) <= 0)
            assert_true(value_compare(&v[0], &v[2], c) <= 0);
    }
    struct value zero = value_real(0.0), minus = value_real(-0.0);
    assert_false(value_identical(&zero, &minus));
    assert_int_equal(value_compare(&zero, &minus, COLLATE_BINARY), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_affinity), cmocka_unit_test(test_int_real),
        cmocka_unit_test(test_texts), cmocka_unit_test(test_order_and_keys)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
