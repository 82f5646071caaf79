/*
 * test_kernel.c -- every kernel of every table against the plainest loop, at awkward lengths.
 *
 * Inputs sit at the very end of exact-sized heap blocks, so that the address sanitizer sees a read
 * past the end; outputs must not be touched past theirs.
 */
#include "test.h"

#include <math.h>

#include "olap/kernel/kernel.h"

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

enum { N_MAX = 2100 };
static const size_t lengths[] = {0,  1,  2,  7,  8,   9,   31,  32,  33,  63,   64,
                                 65, 95, 96, 97, 127, 128, 129, 500, 513, 2048, N_MAX};
static uint64_t seed;
static const struct kernels *K;

static void *copy_exact(const void *data, size_t size)
{
    void *p = malloc(size ? size : 1);
    assert_non_null(p);
    memcpy(p, data, size);
    return p;
}

static uint64_t random_edge(void)
{
    static const uint64_t edges[] = {0, 1, 255, 256, 65535, 65536, UINT32_MAX, INT64_MAX,
                                     (uint64_t)INT64_MIN, UINT64_MAX, UINT64_MAX - 1};
    uint64_t r = test_random(&seed);
    return r % 8 == 0 ? edges[(r >> 8) % COUNT_OF(edges)] : r >> (r >> 3) % 64;
}

static double random_real(void)
{
    static const double edges[] = {0.0, -0.0, INFINITY, -INFINITY, NAN, 0.1, 5e-324, 1e308, -1e308};
    uint64_t r = test_random(&seed);
    if (r % 8 == 0)
        return edges[(r >> 8) % COUNT_OF(edges)];
    return (double)(int64_t)(r >> 20) / 1024.0 - 8e9;
}

static void random_bits(uint64_t *words, size_t n)
{
    uint64_t kind = test_random(&seed) % 4;
    for (size_t w = 0; w < BITMAP_WORDS(n); w++) {
        uint64_t r = test_random(&seed);
        words[w] = kind == 0 ? 0 : kind == 1 ? UINT64_MAX : kind == 2 ? r : r & (r >> 7) & (r << 9);
    }
}

static void check_bits(const uint64_t *got, const bool *want, size_t n, const char *what)
{
    for (size_t i = 0; i < BITMAP_WORDS(n) * 64; i++)
        if (bit_get(got, i) != (i < n && want[i]))
            fail_msg("%s: %s n=%zu bit %zu", cpu_isa_name(K->isa), what, n, i);
}

#define FOR_LENGTHS                                                                                \
    for (size_t l_ = 0, n; l_ < COUNT_OF(lengths) && (n = lengths[l_], true); l_++)

/* ---- Codes ---------------------------------------------------------------------------------- */

static void check_map(const void *codes, size_t n)
{
    uint8_t table[256];
    uint32_t *out = malloc(n * sizeof *out + 1);
    bool known = true;
    for (int i = 0; i < 256; i++)
        table[i] = (uint8_t)(test_random(&seed) % (seed % 2 ? 255 : 256));
    bool found = K->map_u8(codes, n, table, out);
    for (size_t i = 0; i < n; i++) {
        uint8_t want = table[((const uint8_t *)codes)[i]];
        assert_int_equal(out[i], want);
        known &= want != UINT8_MAX;
    }
    assert_int_equal(found, known);
    free(out);
}

static void test_codes_of_width(size_t n, int width)
{
    static uint64_t codes[N_MAX], set[(1 << 20) / 64];
    static uint8_t packed[N_MAX * 8];
    static bool want[N_MAX];
    uint64_t bits[N_MAX / 64 + 1], mask[N_MAX / 64 + 1], sum, want_sum = 0;
    uint64_t top = width == 8 ? UINT64_MAX : (UINT64_C(1) << (8 * width)) - 1;
    for (size_t i = 0; i < n; i++) {
        codes[i] = random_edge() & top;
        memcpy(packed + i * (size_t)width, &codes[i], (size_t)width);
    }
    void *p = copy_exact(packed, n * (size_t)width);
    uint64_t low = random_edge() & top, high = random_edge() & top;
    for (size_t i = 0; i < n; i++)
        want[i] = low <= codes[i] && codes[i] <= high;
    width == 1   ? K->range_u8(p, n, (uint8_t)low, (uint8_t)high, bits)
    : width == 2 ? K->range_u16(p, n, (uint16_t)low, (uint16_t)high, bits)
    : width == 4 ? K->range_u32(p, n, (uint32_t)low, (uint32_t)high, bits)
                 : K->range_u64(p, n, low, high, bits);
    check_bits(bits, want, n, "range");

    int64_t base = (int64_t)random_edge(), *wide = malloc(n * 8 + 1);
    width == 1   ? K->widen_u8(p, n, base, wide)
    : width == 2 ? K->widen_u16(p, n, base, wide)
    : width == 4 ? K->widen_u32(p, n, base, wide)
                 : K->widen_u64(p, n, base, wide);
    for (size_t i = 0; i < n; i++)
        assert_true(wide[i] == (int64_t)((uint64_t)base + codes[i]));
    free(wide);
    if (width == 1)
        check_map(packed, n);
    if (width < 8) {
        random_bits(mask, n);
        const uint64_t *m = n % 2 ? mask : NULL;
        for (size_t i = 0; i < n; i++)
            want_sum += !m || bit_get(m, i) ? codes[i] : 0;
        width == 1   ? K->sum_u8(p, n, m, &sum)
        : width == 2 ? K->sum_u16(p, n, m, &sum)
                     : K->sum_u32(p, n, m, &sum);
        assert_true(sum == want_sum);
        for (size_t w = 0; w < COUNT_OF(set); w++)
            set[w] = test_random(&seed);
        for (size_t i = 0; i < n; i++) {
            codes[i] &= (1 << 20) - 1;
            memcpy(packed + i * (size_t)width, &codes[i], (size_t)width);
            want[i] = bit_get(set, codes[i]);
        }
        memcpy(p, packed, n * (size_t)width);
        width == 1   ? K->set_u8(p, n, set, bits)
        : width == 2 ? K->set_u16(p, n, set, bits)
                     : K->set_u32(p, n, set, bits);
        check_bits(bits, want, n, "set");
    }
    free(p);
}

static void test_codes(void **state)
{
    (void)state;
    for (int round = 0; round < 20; round++)
        FOR_LENGTHS for (int width = 1; width <= 8; width *= 2)
            test_codes_of_width(n, width);
}

/* Sums at the documented length with the largest codes: nothing may overflow. */
static void test_sums_large(void **state)
{
    (void)state;
    size_t n = 131072;
    void *p = malloc(n * 8);
    uint64_t sum;
    int128 positive, negative;
    memset(p, 0xff, n * 8);
    K->sum_u8(p, n, NULL, &sum);
    assert_true(sum == n * UINT8_MAX);
    K->sum_u16(p, n, NULL, &sum);
    assert_true(sum == n * UINT16_MAX);
    K->sum_u32(p, n, NULL, &sum);
    assert_true(sum == n * UINT32_MAX);
    for (size_t i = 0; i < n; i++)
        ((int64_t *)p)[i] = i % 2 ? INT64_MIN : INT64_MAX;
    K->sum_i64(p, n, NULL, &positive, &negative);
    assert_true(positive == (int128)INT64_MAX * (int128)(n / 2));
    assert_true(negative == (int128)INT64_MIN * (int128)(n / 2));
    free(p);
}

/* ---- Numbers -------------------------------------------------------------------------------- */

static bool holds_i64(int64_t a, int64_t b, int op)
{
    return op == KC_EQ ? a == b : op == KC_NE ? a != b : op == KC_LT ? a < b
           : op == KC_LE ? a <= b : op == KC_GT ? a > b : a >= b;
}

static bool holds_f64(double a, double b, int op)
{
    return op == KC_EQ ? a == b : op == KC_NE ? a != b : op == KC_LT ? a < b
           : op == KC_LE ? a <= b : op == KC_GT ? a > b : a >= b;
}

static void test_compare(void **state)
{
    (void)state;
    static int64_t a[N_MAX], b[N_MAX];
    static double x[N_MAX], y[N_MAX];
    static bool want[N_MAX];
    uint64_t bits[N_MAX / 64 + 1];
    FOR_LENGTHS for (int op = KC_EQ; op <= KC_GE; op++)
    {
        for (size_t i = 0; i < n; i++) {
            a[i] = (int64_t)random_edge();
            b[i] = i % 3 ? a[i] : (int64_t)random_edge();
            x[i] = random_real();
            y[i] = i % 3 ? x[i] : random_real();
        }
        int64_t *pa = copy_exact(a, n * 8), *pb = copy_exact(b, n * 8);
        double *px = copy_exact(x, n * 8), *py = copy_exact(y, n * 8);
        for (size_t i = 0; i < n; i++)
            want[i] = holds_i64(a[i], b[i], op);
        K->compare_i64(pa, pb, n, op, bits);
        check_bits(bits, want, n, "compare_i64");
        int64_t c = n ? a[n / 2] : 0;
        for (size_t i = 0; i < n; i++)
            want[i] = holds_i64(a[i], c, op);
        K->compare_i64_c(pa, c, n, op, bits);
        check_bits(bits, want, n, "compare_i64_c");
        for (size_t i = 0; i < n; i++)
            want[i] = holds_f64(x[i], y[i], op);
        K->compare_f64(px, py, n, op, bits);
        check_bits(bits, want, n, "compare_f64");
        double d = n ? x[n / 2] : 0;
        for (size_t i = 0; i < n; i++)
            want[i] = holds_f64(x[i], d, op);
        K->compare_f64_c(px, d, n, op, bits);
        check_bits(bits, want, n, "compare_f64_c");
        for (size_t i = 0; i < n; i++)
            want[i] = isnan(x[i]);
        K->nan_f64(px, n, bits);
        check_bits(bits, want, n, "nan");
        free(pa);
        free(pb);
        free(px);
        free(py);
    }
}

static void test_arithmetic(void **state)
{
    (void)state;
    int64_t a[600], b[600], out[600];
    double x[600], y[600], z[600];
    for (int round = 0; round < 300; round++) {
        size_t n = test_random(&seed) % 600;
        int shift = (int)(test_random(&seed) % 64);
        for (size_t i = 0; i < n; i++) {
            a[i] = (int64_t)test_random(&seed) >> shift;
            b[i] = (int64_t)test_random(&seed) >> (round % 2 ? 60 - shift / 2 : 3);
            x[i] = random_real();
            y[i] = random_real();
        }
        bool fits[3] = {true, true, true};
        int64_t want[3][600];
        for (size_t i = 0; i < n; i++) {
            fits[0] &= !__builtin_add_overflow(a[i], b[i], &want[0][i]);
            fits[1] &= !__builtin_sub_overflow(a[i], b[i], &want[1][i]);
            fits[2] &= !__builtin_mul_overflow(a[i], b[i], &want[2][i]);
        }
        bool (*ops[3])(const int64_t *, const int64_t *, size_t, int64_t *) = {
            K->add_i64, K->sub_i64, K->mul_i64};
        for (int op = 0; op < 3; op++) {
            memcpy(out, a, sizeof out); /* aliased */
            if (ops[op](out, b, n, out) != fits[op])
                fail_msg("%s: op %d of n=%zu round %d", cpu_isa_name(K->isa), op, n, round);
            assert_true(!fits[op] || memcmp(out, want[op], n * 8) == 0);
        }
        K->add_f64(x, y, n, z);
        for (size_t i = 0; i < n; i++)
            assert_true(z[i] == x[i] + y[i] || isnan(z[i]));
        K->sub_f64(x, y, n, z);
        for (size_t i = 0; i < n; i++)
            assert_true(z[i] == x[i] - y[i] || isnan(z[i]));
        K->mul_f64(x, y, n, z);
        for (size_t i = 0; i < n; i++)
            assert_true(z[i] == x[i] * y[i] || isnan(z[i]));
        K->div_f64(x, y, n, z);
        for (size_t i = 0; i < n; i++)
            assert_true(z[i] == x[i] / y[i] || isnan(z[i]));
        K->convert_i64_f64(a, n, z);
        for (size_t i = 0; i < n; i++)
            assert_true(z[i] == (double)a[i]);
        K->divide_i64_f64(a, n, 100.0, z);
        for (size_t i = 0; i < n; i++)
            assert_true(z[i] == (double)a[i] / 100.0);
    }
}

static void test_reductions(void **state)
{
    (void)state;
    static int64_t a[N_MAX];
    static double x[N_MAX];
    uint64_t words[N_MAX / 64 + 1];
    for (int round = 0; round < 40; round++)
        FOR_LENGTHS
        {
            random_bits(words, n);
            const uint64_t *mask = round % 3 ? words : NULL;
            int128 want_positive = 0, want_negative = 0, positive, negative;
            int64_t low = INT64_MAX, high = INT64_MIN, min, max;
            double rlow = INFINITY, rhigh = -INFINITY, rmin, rmax;
            size_t count = 0;
            for (size_t i = 0; i < n; i++) {
                a[i] = (int64_t)random_edge();
                do
                    x[i] = random_real();
                while (isnan(x[i]));
                if (mask && !bit_get(mask, i))
                    continue;
                count++;
                *(a[i] < 0 ? &want_negative : &want_positive) += a[i];
                low = a[i] < low ? a[i] : low;
                high = a[i] > high ? a[i] : high;
                rlow = x[i] < rlow ? x[i] : rlow;
                rhigh = x[i] > rhigh ? x[i] : rhigh;
            }
            int64_t *pa = copy_exact(a, n * 8);
            double *px = copy_exact(x, n * 8);
            K->sum_i64(pa, n, mask, &positive, &negative);
            assert_true(positive == want_positive && negative == want_negative);
            assert_int_equal(K->minmax_i64(pa, n, mask, &min, &max), count > 0);
            assert_true(!count || (min == low && max == high));
            assert_int_equal(K->minmax_f64(px, n, mask, &rmin, &rmax), count > 0);
            assert_true(!count || (rmin == rlow && rmax == rhigh));
            free(pa);
            free(px);
        }
}

/* The documented bound, against long double sums; and the same bits on every table. */
static void test_sum_f64(void **state)
{
    (void)state;
    static double x[2048];
    uint64_t words[32];
    for (int round = 0; round < 400; round++) {
        size_t n = round ? test_random(&seed) % 2049 : 2048;
        random_bits(words, 2048);
        const uint64_t *mask = round % 2 ? words : NULL;
        long double want = 0, magnitude = 0;
        for (size_t i = 0; i < n; i++) {
            x[i] = ldexp((double)(int64_t)test_random(&seed), (int)(test_random(&seed) % 90) - 60);
            if (!mask || bit_get(mask, i)) {
                want += x[i];
                magnitude += fabsl((long double)x[i]);
            }
        }
        double sum, absolute, scalar_sum, scalar_absolute;
        double *p = copy_exact(x, n * 8);
        K->sum_f64(p, n, mask, &sum, &absolute);
        kernels_of(CPU_SCALAR)->sum_f64(p, n, mask, &scalar_sum, &scalar_absolute);
        free(p);
        assert_true(fabsl((long double)sum - want) <= 72 * 0x1p-53L * magnitude);
        assert_true(fabsl((long double)absolute - magnitude) <= 72 * 0x1p-53L * magnitude);
        assert_memory_equal(&sum, &scalar_sum, sizeof sum);
        assert_memory_equal(&absolute, &scalar_absolute, sizeof sum);
    }
}

/* ---- Bitmaps, gather, search ---------------------------------------------------------------- */

static void test_bitmaps(void **state)
{
    (void)state;
    uint64_t a[40], b[40], out[40];
    for (int round = 0; round < 200; round++)
        FOR_LENGTHS
        {
            random_bits(a, n);
            random_bits(b, n);
            size_t words = BITMAP_WORDS(n), count = 0, k = 0;
            K->and_words(a, b, words, out);
            for (size_t w = 0; w < words; w++)
                assert_true(out[w] == (a[w] & b[w]));
            K->or_words(a, b, words, out);
            for (size_t w = 0; w < words; w++)
                assert_true(out[w] == (a[w] | b[w]));
            K->andnot_words(a, b, words, out);
            for (size_t w = 0; w < words; w++) {
                assert_true(out[w] == (a[w] & ~b[w]));
                count += bits_count(a[w]);
            }
            assert_int_equal(K->count_words(a, words), count);
            uint16_t *list = malloc(n * 2 + 64);
            size_t got = K->select_bits(a, n, list);
            assert_int_equal(got, bitmap_count(a, n));
            for (size_t i = 0; i < n; i++)
                if (bit_get(a, i))
                    assert_int_equal(list[k++], i);
            free(list);
        }
    static uint64_t all[1024];
    memset(all, 0xff, sizeof all);
    uint16_t *list = malloc(65536 * 2 + 64);
    assert_int_equal(K->select_bits(all, 65536, list), 65536);
    for (size_t i = 0; i < 65536; i++)
        assert_int_equal(list[i], i);
    free(list);
}

static void test_gather(void **state)
{
    (void)state;
    static uint64_t in[N_MAX], out[N_MAX];
    static uint16_t sel[N_MAX];
    for (size_t i = 0; i < N_MAX; i++)
        in[i] = test_random(&seed);
    FOR_LENGTHS
    {
        for (size_t i = 0; i < n; i++)
            sel[i] = (uint16_t)(test_random(&seed) % N_MAX);
        K->gather_u8((void *)in, sel, n, (void *)out);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(((uint8_t *)out)[i], ((uint8_t *)in)[sel[i]]);
        K->gather_u16((void *)in, sel, n, (void *)out);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(((uint16_t *)out)[i], ((uint16_t *)in)[sel[i]]);
        K->gather_u32((void *)in, sel, n, (void *)out);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(((uint32_t *)out)[i], ((uint32_t *)in)[sel[i]]);
        K->gather_u64(in, sel, n, out);
        for (size_t i = 0; i < n; i++)
            assert_true(out[i] == in[sel[i]]);
        K->gather_bits(in, sel, n, out);
        for (size_t i = 0; i < BITMAP_WORDS(n) * 64; i++)
            assert_int_equal(bit_get(out, i), i < n && bit_get(in, sel[i]));
    }
}

static void test_find(void **state)
{
    (void)state;
    for (int round = 0; round < 4000; round++) {
        char hay[300], needle[70];
        size_t size = test_random(&seed) % sizeof hay, m = 1 + test_random(&seed) % 5;
        if (round % 16 == 0)
            m = 1 + test_random(&seed) % sizeof needle;
        for (size_t i = 0; i < size; i++)
            hay[i] = (char)('a' + test_random(&seed) % 2);
        for (size_t i = 0; i < m; i++)
            needle[i] = (char)('a' + test_random(&seed) % 2);
        if (round % 3 == 0 && size >= m)
            memcpy(needle, hay + size - m, m); /* at the very end */
        size_t from = test_random(&seed) % (sizeof hay + 2), want = SIZE_MAX;
        for (size_t i = from; i + m <= size && want == SIZE_MAX; i++)
            if (memcmp(hay + i, needle, m) == 0)
                want = i;
        char *p = copy_exact(hay, size), *q = copy_exact(needle, m);
        assert_true(K->find_bytes(p, size, from, q, m) == want);
        for (size_t i = 0; i < size; i++)
            p[i] = (char)(test_random(&seed) % 2 ? p[i] : p[i] ^ 0x20);
        assert_true(K->find_nocase(p, size, from, q, m) == want);
        free(p);
        free(q);
    }
}

/* Decimals, and now and then one that is none. */
static double some_real(double power, double base, int misfit)
{
    double code = (double)(uint32_t)(test_random(&seed) >> (32 + test_random(&seed) % 32));
    switch (misfit) {
    case 0:
        return (base + code) / power;
    case 1:
        return (base + code) / power * (1 + 0x1p-52);
    case 2:
        return (base - 1) / power;
    case 3:
        return (base + 4294967296.0) / power;
    case 4:
        return NAN;
    default:
        return -INFINITY;
    }
}

static void test_codes_f64(void **state)
{
    (void)state;
    static double a[N_MAX];
    static uint32_t codes[N_MAX];
    static const double powers[] = {1, 10, 100, 1e6, 1e15}, bases[] = {0, INT32_MIN, -7, 1e14};
    FOR_LENGTHS {
        for (int round = 0; round < 40; round++) {
            double power = powers[round % 5], base = bases[round % 4];
            bool fits = true;
            for (size_t i = 0; i < n; i++)
                a[i] = some_real(power, base, 0);
            if (n && round % 3 == 0)
                a[test_random(&seed) % n] = some_real(power, base, round / 3 % 6);
            if (n && round % 4 == 0)
                a[test_random(&seed) % n] = -0.0;
            for (size_t i = 0; i < n; i++) {
                double scaled = a[i] * power + (a[i] < 0 ? -0.5 : 0.5);
                double whole = fabs(scaled) < 1e15 ? (double)(int64_t)scaled : 0.5;
                double code = whole - base;
                fits &= whole / power == a[i] && code >= 0 && code <= UINT32_MAX;
            }
            assert_int_equal(K->codes_f64(a, n, power, base, codes), fits);
            for (size_t i = 0; fits && i < n; i++)
                assert_true((base + codes[i]) / power == a[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codes),      cmocka_unit_test(test_sums_large),
        cmocka_unit_test(test_compare),    cmocka_unit_test(test_arithmetic),
        cmocka_unit_test(test_reductions), cmocka_unit_test(test_sum_f64),
        cmocka_unit_test(test_bitmaps),    cmocka_unit_test(test_gather),
        cmocka_unit_test(test_find),       cmocka_unit_test(test_codes_f64),
    };
    int failed = 0;
    seed = test_seed();
    for (int isa = CPU_SCALAR; isa <= CPU_AVX512; isa++) {
        K = kernels_of((enum cpu_isa)isa);
        if (!K) {
            print_message("skipped: no %s on this machine\n", cpu_isa_name((enum cpu_isa)isa));
            continue;
        }
        failed += cmocka_run_group_tests_name(cpu_isa_name(K->isa), tests, NULL, NULL);
    }
    return failed;
}
