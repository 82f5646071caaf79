/*
 * test_chunk_facts.c -- a chunk's sum and bounds against its values, one by one in 128 bits.
 */
#include "column_data.h"

#include <math.h>

static uint64_t seed;

static int128 power_of_ten(int n)
{
    int128 power = 1;
    while (n-- > 0)
        power *= 10;
    return power;
}

/* The number m that a value is: value = m / 10^scale. */
static int128 number_of(const struct value *v, int scale)
{
    if (v->type == YODA_INTEGER)
        return v->i * power_of_ten(scale);
    assert_int_equal(v->type, YODA_REAL);
    double power = (double)power_of_ten(scale), m = nearbyint(v->r * power);
    assert_true(m / power == v->r);
    return (int128)m;
}

static struct chunk_sum naive_sum(const struct column *c, int scale)
{
    struct chunk_sum sum = {.scale = scale};
    for (uint32_t i = 0; i < c->rows; i++) {
        if (c->values[i].type == YODA_NULL)
            continue;
        int128 m = number_of(&c->values[i], scale);
        sum.count++;
        sum.total += m;
        sum.magnitude += fabs((double)m);
        sum.real |= c->values[i].type == YODA_REAL;
    }
    return sum;
}

/* Which chunks have a sum. */
static bool has_sum(const struct chunk *chunk)
{
    struct vector v;
    struct arena arena;
    yoda_error err;
    bool narrow = false;
    switch (chunk_encoding(chunk)) {
    case ENC_NULL:
    case ENC_FOR:
        return true;
    case ENC_CONSTANT:
        return (chunk_classes(chunk) & CLASS_VALUES) == CLASS_INTEGER;
    case ENC_DECIMAL:
        arena_init(&arena, NULL);
        for (uint32_t row = 0; row < chunk_rows(chunk); row += VECTOR_ROWS) {
            enum vtype type;
            assert_true(vtype_of_classes(chunk_classes(chunk), &type));
            OK(chunk_read(chunk, row, 1, type, &arena, &v, &err));
            if (v.form == VF_CODES)
                narrow = v.code_width <= 4;
        }
        arena_deinit(&arena);
        return narrow;
    default:
        return false;
    }
}

static void check_sum(const struct column *c, const struct chunk *chunk)
{
    struct chunk_sum sum, want;
    bool known = chunk_sum(chunk, &sum);
    assert_int_equal(known, has_sum(chunk));
    if (!known)
        return;
    want = naive_sum(c, sum.scale);
    assert_true(sum.total == want.total);
    assert_int_equal(sum.count, want.count);
    assert_int_equal(sum.real, want.real);
    assert_true(sum.real || sum.scale == 0);
    assert_true(sum.magnitude >= want.magnitude * (1 - 1e-12));
}

static void check_bounds(const struct column *c, const struct chunk *chunk)
{
    const struct value *min = NULL, *max = NULL;
    struct chunk_bounds bounds;
    for (uint32_t i = 0; i < c->rows; i++) {
        const struct value *v = &c->values[i];
        if (v->type == YODA_NULL)
            continue;
        min = !min || value_compare(v, min, COLLATE_BINARY) < 0 ? v : min;
        max = !max || value_compare(v, max, COLLATE_BINARY) > 0 ? v : max;
    }
    enum encoding encoding = chunk_encoding(chunk);
    bool zeros = chunk_classes(chunk) & CLASS_NEGATIVE_ZERO;
    bool expected = encoding != ENC_RAW && encoding != ENC_NULL && encoding != ENC_NUM &&
                    encoding != ENC_PLAIN && encoding != ENC_MIXED &&
                    !(encoding == ENC_REAL && zeros);
    assert_int_equal(chunk_bounds(chunk, &bounds), expected);
    if (!expected)
        return;
    assert_true(value_identical(&bounds.min, min));
    assert_true(value_identical(&bounds.max, max));
}

/* The chunk as it is, and from its file. */
static void check_column(const struct column *c)
{
    yoda_error err;
    struct buffer *bytes;
    struct chunk *chunk = column_encode(c), *parsed;
    OK(chunk_serialize(chunk, &bytes, &err));
    OK(chunk_parse(bytes, c->rows, &parsed, &err));
    check_sum(c, chunk);
    check_bounds(c, chunk);
    check_sum(c, parsed);
    check_bounds(c, parsed);
    buffer_release(bytes);
    chunk_destroy(parsed);
    chunk_destroy(chunk);
}

static void test_every_encoding(void **state)
{
    (void)state;
    static const uint32_t rows[] = {1, 63, 300, VECTOR_ROWS, 2 * VECTOR_ROWS + 77, 6000};
    for (int kind = 0; kind < COLUMN_KINDS; kind++)
        for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++)
            for (uint32_t percent = 0; percent <= 40; percent += 20) {
                struct column c;
                column_make(&c, (enum column_kind)kind, rows[r], percent, &seed);
                check_column(&c);
                column_free(&c);
            }
}

/* A full segment of one number: what 64 bits would not hold. */
static void test_extremes(void **state)
{
    (void)state;
    static const int64_t pairs[][2] = {{INT64_MIN, INT64_MIN},
                                       {INT64_MAX, INT64_MAX},
                                       {INT64_MIN, INT64_MAX},
                                       {INT64_MIN, INT64_MIN + 1},
                                       {INT64_MAX - 1, INT64_MAX},
                                       {-1, INT64_MAX},
                                       {INT64_MIN, 0},
                                       {-200, -1},
                                       {UINT32_MAX, 0},
                                       {INT64_C(1) << 32, 0}};
    for (size_t p = 0; p < sizeof pairs / sizeof pairs[0]; p++)
        for (uint32_t percent = 0; percent <= 10; percent += 10) {
            struct column c;
            column_make(&c, COLUMN_INT_U8, SEGMENT_ROWS, percent, &seed);
            for (uint32_t i = 0; i < c.rows; i++)
                if (c.values[i].type != YODA_NULL)
                    c.values[i].i = pairs[p][test_random(&seed) % 2];
            check_column(&c);
            column_free(&c);
        }
}

/* Decimals of 8 bytes are read as doubles, so their sum is nobody's. */
static void test_wide_decimals(void **state)
{
    (void)state;
    struct column c;
    struct chunk_sum sum;
    column_make(&c, COLUMN_MONEY, 1000, 0, &seed);
    c.values[0] = value_real(99999999.01);
    c.values[1] = value_real(0.07);
    struct chunk *chunk = column_encode(&c);
    assert_int_equal(chunk_encoding(chunk), ENC_DECIMAL);
    assert_false(chunk_sum(chunk, &sum));
    chunk_destroy(chunk);
    check_column(&c);
    column_free(&c);
}

/* An open segment knows nothing. */
static void test_raw(void **state)
{
    (void)state;
    struct column c;
    struct chunk_sum sum;
    struct chunk_bounds bounds;
    column_make(&c, COLUMN_INT_U8, 100, 0, &seed);
    struct chunk *raw = column_raw(&c);
    assert_false(chunk_sum(raw, &sum));
    assert_false(chunk_bounds(raw, &bounds));
    chunk_destroy(raw);
    column_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_encoding),
        cmocka_unit_test(test_extremes),
        cmocka_unit_test(test_wide_decimals),
        cmocka_unit_test(test_raw),
    };
    seed = test_seed();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
