/*
 * test_chunk.c -- what goes into a chunk comes out bit for bit, in every form and type.
 */
#include "column_data.h"

#include "base/mem.h"

static uint64_t seed;

static void check_value(const struct value *got, const struct value *want, uint32_t row)
{
    if (!value_identical(got, want))
        fail_msg("row %u: type %d instead of %d, or other bits", row, got->type, want->type);
}

/* out must hold values[row0 + (sel ? sel[i] : i)] by itself and after flatten and gather. */
static void check_vector(const struct vector *v, const struct value *values, const uint16_t *sel,
                         uint32_t n, enum vtype want, struct arena *arena)
{
    yoda_error err;
    struct vector flat, picked;
    uint16_t reversed[VECTOR_ROWS];
    assert_int_equal(v->count, n);
    assert_int_equal(v->type, want);
    OK(vector_flatten(v, arena, &flat, &err));
    assert_int_equal(flat.form, VF_FLAT);
    for (uint32_t i = 0; i < n; i++)
        reversed[i] = (uint16_t)(n - 1 - i);
    OK(vector_gather(v, reversed, n, arena, &picked, &err));
    for (uint32_t i = 0; i < n; i++) {
        struct value value;
        const struct value *expected = &values[sel ? sel[i] : i];
        OK(vector_value(v, i, arena, &value, &err));
        check_value(&value, expected, i);
        OK(vector_value(&flat, i, arena, &value, &err));
        check_value(&value, expected, i);
        OK(vector_value(&picked, n - 1 - i, arena, &value, &err));
        check_value(&value, expected, i);
    }
}

static void check_zone(const struct zone *zone, const struct value *values, uint32_t n)
{
    uint32_t nulls = 0;
    for (uint32_t i = 0; i < n; i++) {
        struct value min = value_int(zone->min.i), max = value_int(zone->max.i);
        if (zone->kind == ZONE_REAL) {
            min = value_real(zone->min.r);
            max = value_real(zone->max.r);
        }
        nulls += values[i].type == YODA_NULL;
        if (values[i].type == YODA_NULL || zone->kind > ZONE_REAL || zone->kind == ZONE_NONE)
            continue;
        assert_true(value_compare(&min, &values[i], COLLATE_BINARY) <= 0);
        assert_true(value_compare(&max, &values[i], COLLATE_BINARY) >= 0);
    }
    assert_int_equal(zone->null_count, nulls);
    assert_true(nulls < n || zone->kind == ZONE_EMPTY);
}

static void check_reads(const struct chunk *chunk, const struct column *c, enum vtype want)
{
    yoda_error err;
    struct arena arena;
    struct vector v;
    uint16_t sel[VECTOR_ROWS];
    arena_init(&arena, NULL);
    for (uint32_t row = 0; row < c->rows; row += VECTOR_ROWS) {
        uint32_t left = c->rows - row, count = left < VECTOR_ROWS ? left : VECTOR_ROWS, n = 0;
        if (test_random(&seed) % 4 == 0)
            count = 1 + (uint32_t)(test_random(&seed) % count);
        arena_reset(&arena);
        OK(chunk_read(chunk, row, count, want, &arena, &v, &err));
        check_vector(&v, c->values + row, NULL, count, want, &arena);
        for (uint32_t i = 0; i < count; i++)
            if (test_random(&seed) % 3 == 0)
                sel[n++] = (uint16_t)i;
        OK(chunk_gather(chunk, row, sel, n, want, &arena, &v, &err));
        check_vector(&v, c->values + row, sel, n, want, &arena);
    }
    arena_deinit(&arena);
}

static void check_chunk(const struct chunk *chunk, const struct column *c)
{
    yoda_error err;
    struct arena arena;
    arena_init(&arena, NULL);
    uint32_t classes = 0;
    bool raw = chunk_encoding(chunk) == ENC_RAW;
    assert_int_equal(chunk_rows(chunk), c->rows);
    for (uint32_t i = 0; i < c->rows; i++) {
        struct value v;
        classes |= class_of_value(&c->values[i]);
        OK(chunk_value(chunk, i, &arena, &v, &err));
        check_value(&v, &c->values[i], i);
    }
    assert_int_equal(chunk_classes(chunk), classes);
    enum vtype own;
    bool typed = vtype_of_classes(classes, &own);
    for (enum vtype want = VT_NULL; want <= VT_BLOB; want++) {
        bool fits = typed && chunk_encoding(chunk) != ENC_MIXED &&
                    (want == own || own == VT_NULL ||
                     (want == VT_NUM && (own == VT_INT || own == VT_REAL)));
        struct vector v;
        uint32_t count = c->rows < VECTOR_ROWS ? c->rows : VECTOR_ROWS;
        if (fits)
            check_reads(chunk, c, want);
        else if (!raw && c->rows)
            FAILS(YODA_NOT_COLUMNAR, chunk_read(chunk, 0, count, want, &arena, &v, &err));
    }
    if (!raw) {
        struct zone zone = chunk_zone(chunk, UINT32_MAX);
        check_zone(&zone, c->values, c->rows);
        for (uint32_t row = 0; row < c->rows; row += VECTOR_ROWS) {
            uint32_t left = c->rows - row;
            zone = chunk_zone(chunk, row / VECTOR_ROWS);
            check_zone(&zone, c->values + row, left < VECTOR_ROWS ? left : VECTOR_ROWS);
        }
    }
    arena_deinit(&arena);
}

static enum encoding round_trip(enum column_kind kind, uint32_t rows, uint32_t null_percent)
{
    yoda_error err;
    struct column c;
    struct buffer *bytes;
    struct chunk *encoded, *parsed, *raw;
    column_make(&c, kind, rows, null_percent, &seed);
    raw = column_raw(&c);
    check_chunk(raw, &c);
    OK(chunk_encode(raw, rows, NULL, &encoded, &err));
    chunk_destroy(raw);
    check_chunk(encoded, &c);
    OK(chunk_serialize(encoded, &bytes, &err));
    OK(chunk_parse(bytes, rows, &parsed, &err));
    buffer_release(bytes);
    enum encoding encoding = chunk_encoding(encoded);
    assert_int_equal(chunk_encoding(parsed), encoding);
    chunk_destroy(encoded);
    check_chunk(parsed, &c);
    chunk_destroy(parsed);
    column_free(&c);
    return encoding;
}

static void test_round_trips(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {0, 1, 2, 63, 64, 65, 2047, 2048, 2049, 6000};
    for (int kind = 0; kind < COLUMN_KINDS; kind++)
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
            for (uint32_t nulls = 0; nulls <= 90; nulls += 30)
                round_trip((enum column_kind)kind, sizes[i], nulls);
}

static void test_choices(void **state)
{
    (void)state;
    static const struct {
        enum column_kind kind;
        enum encoding encoding;
    } cases[] = {
        {COLUMN_NULLS, ENC_NULL},          {COLUMN_INT_CONSTANT, ENC_CONSTANT},
        {COLUMN_INT_U8, ENC_FOR},          {COLUMN_INT_EDGES, ENC_FOR},
        {COLUMN_MONEY, ENC_DECIMAL},       {COLUMN_MONEY_MIXED, ENC_DECIMAL},
        {COLUMN_MONEY_WHOLE, ENC_DECIMAL}, {COLUMN_REAL_EDGES, ENC_REAL},
        {COLUMN_REAL_CONSTANT, ENC_CONSTANT}, {COLUMN_NUM_EDGES, ENC_NUM},
        {COLUMN_TEXT_CONSTANT, ENC_CONSTANT}, {COLUMN_WORDS, ENC_DICT},
        {COLUMN_TEXT_RANDOM, ENC_PLAIN},   {COLUMN_DATES, ENC_ISO},
        {COLUMN_TIMES, ENC_ISO},           {COLUMN_TIMES_T, ENC_ISO},
        {COLUMN_BLOB_WORDS, ENC_DICT},     {COLUMN_BLOBS, ENC_PLAIN},
        {COLUMN_ANY, ENC_MIXED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(round_trip(cases[i].kind, 5000, 10), cases[i].encoding);
}

/* Reading must look at the rows asked for, not at what was appended later. */
static void test_raw_prefix(void **state)
{
    (void)state;
    yoda_error err;
    struct column c;
    struct arena arena;
    struct vector v;
    struct value text = value_text("x", 1);
    arena_init(&arena, NULL);
    column_make(&c, COLUMN_INT_U8, 100, 10, &seed);
    struct chunk *raw = column_raw(&c), *encoded;
    OK(chunk_raw_set(raw, 100, &text, &err));
    OK(chunk_read(raw, 0, 100, VT_INT, &arena, &v, &err));
    check_vector(&v, c.values, NULL, 100, VT_INT, &arena);
    FAILS(YODA_NOT_COLUMNAR, chunk_read(raw, 0, 101, VT_INT, &arena, &v, &err));
    OK(chunk_encode(raw, 100, NULL, &encoded, &err));
    check_chunk(encoded, &c);
    chunk_destroy(encoded);
    struct value again = value_int(5); /* an unpublished row is overwritten */
    OK(chunk_raw_set(raw, 100, &again, &err));
    OK(chunk_read(raw, 0, 101, VT_INT, &arena, &v, &err));
    chunk_destroy(raw);
    column_free(&c);
    arena_deinit(&arena);
}

/* Dictionaries up to their limit, texts with a long common prefix, and packing on disk. */
static void test_large(void **state)
{
    (void)state;
    yoda_error err;
    static const uint32_t distinct[] = {200, 3000, 40000, 131072};
    for (size_t d = 0; d < 4; d++) {
        struct column c;
        column_make(&c, COLUMN_NULLS, SEGMENT_ROWS, 0, &seed);
        for (uint32_t i = 0; i < c.rows; i++) {
            char text[80];
            int n = snprintf(text, sizeof text, "a fairly long common prefix %u",
                             (unsigned)(test_random(&seed) % distinct[d]));
            c.values[i] = column_text(&c, YODA_TEXT, text, (size_t)n);
        }
        struct chunk *encoded = column_encode(&c), *parsed;
        assert_int_equal(chunk_encoding(encoded), d < 2    ? ENC_DICT
                                                  : d == 3 ? ENC_PLAIN
                                                           : chunk_encoding(encoded));
        struct buffer *bytes;
        OK(chunk_serialize(encoded, &bytes, &err));
        if (chunk_encoding(encoded) == ENC_PLAIN)
            assert_true(bytes->size < chunk_bytes(encoded));
        OK(chunk_parse(bytes, c.rows, &parsed, &err));
        check_chunk(parsed, &c);
        buffer_release(bytes);
        chunk_destroy(parsed);
        chunk_destroy(encoded);
        column_free(&c);
    }
}

/* Every allocation on the way may fail: a clean YODA_NOMEM, nothing leaks. */
static void test_memory_short(void **state)
{
    (void)state;
    yoda_error err;
    for (int kind = 0; kind < COLUMN_KINDS; kind++) {
        struct column c;
        column_make(&c, (enum column_kind)kind, 3000, 10, &seed);
        struct chunk *raw = column_raw(&c), *encoded = NULL;
        uint64_t live = mem_live_bytes();
        for (uint64_t n = 1; !encoded; n++) {
            assert_true(n < 100);
            mem_fail_after(n, true);
            yoda_status status = chunk_encode(raw, c.rows, NULL, &encoded, &err);
            mem_fail_after(0, false);
            assert_true(status == YODA_OK || status == YODA_NOMEM);
            assert_true(encoded || mem_live_bytes() == live);
        }
        chunk_destroy(encoded);
        chunk_destroy(raw);
        column_free(&c);
    }
}

static void test_iso_text(void **state)
{
    (void)state;
    static const char *const bad[] = {"2000-02-30", "1900-02-29", "2001-02-29", "2000-04-31",
                                      "2000-13-01", "2000-00-01", "2000-01-00", "2000-01-32",
                                      "2000/01/01", "200a-01-01", "-001-01-01", "2000-01-1 ",
                                      "2000-01- 1", "+000-01-01"};
    char text[ISO_TEXT_MAX];
    int64_t number, previous = -719529;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(iso_parse(bad[i], 10, ISO_DATE, &number));
    assert_true(iso_parse("1970-01-01", 10, ISO_DATE, &number) && number == 0);
    assert_true(iso_parse("2000-02-29", 10, ISO_DATE, &number) && number == 11016);
    assert_true(iso_parse("0000-01-01", 10, ISO_DATE, &number) && number == -719528);
    assert_true(iso_parse("9999-12-31", 10, ISO_DATE, &number) && number == 2932896);
    assert_true(iso_parse("1969-12-31 23:59:59", 19, ISO_DATETIME, &number) && number == -1);
    assert_false(iso_parse("1970-01-01T00:00:00", 19, ISO_DATETIME, &number));
    assert_false(iso_parse("1970-01-01 24:00:00", 19, ISO_DATETIME, &number));
    assert_false(iso_parse("1970-01-01 00:60:00", 19, ISO_DATETIME, &number));
    assert_false(iso_parse("1970-01-01 00:00:60", 19, ISO_DATETIME, &number));
    for (unsigned y = 0; y <= 9999; y++)
        for (unsigned m = 1; m <= 12; m++)
            for (unsigned d = 1; d <= 31; d++) {
                char date[40];
                snprintf(date, sizeof date, "%04u-%02u-%02u", y, m, d);
                bool leap = y % 4 == 0 && (y % 100 || y % 400 == 0);
                bool real = d <= (m == 2 ? 28u + leap : 30u + ((m + m / 8) & 1));
                assert_int_equal(iso_parse(date, 10, ISO_DATE, &number), real);
                if (!real)
                    continue;
                assert_true(number == ++previous);
                assert_int_equal(iso_format(number, ISO_DATE, text), 10);
                assert_memory_equal(text, date, 10);
            }
    for (int i = 0; i < 100000; i++) {
        int64_t want = (int64_t)(test_random(&seed) % (3652425ull * 86400)) - 719528 * 86400ll, got;
        enum iso_kind kind = i % 2 ? ISO_DATETIME : ISO_DATETIME_T;
        size_t size = iso_format(want, kind, text);
        if (want <= 2932896 * 86400ll)
            assert_true(iso_parse(text, size, kind, &got) && got == want);
    }
}

static void test_vector_forms(void **state)
{
    (void)state;
    yoda_error err;
    struct arena arena;
    arena_init(&arena, NULL);
    uint64_t words[VECTOR_WORDS], nulls[VECTOR_WORDS];
    uint16_t list[VECTOR_ROWS];
    struct value values[VECTOR_ROWS];
    for (uint32_t n = 1; n <= VECTOR_ROWS; n = n * 2 + 1) {
        uint32_t k = 0;
        for (uint32_t w = 0; w < VECTOR_WORDS; w++) {
            words[w] = test_random(&seed);
            nulls[w] = test_random(&seed);
        }
        for (uint32_t i = 0; i < n; i++)
            values[i] = bit_get(nulls, i) ? value_null() : value_int(bit_get(words, i));
        struct vector bits = {.type = VT_INT, .form = VF_BITS, .count = n, .data = words,
                              .nulls = nulls};
        check_vector(&bits, values, NULL, n, VT_INT, &arena);
        assert_int_equal(bitmap_to_selection(words, n, list), bitmap_count(words, n));
        for (uint32_t i = 0; i < n; i++)
            if (bit_get(words, i))
                assert_int_equal(list[k++], i);
        struct vector none = {.type = VT_NULL, .count = n};
        for (uint32_t i = 0; i < n; i++)
            values[i] = value_null();
        check_vector(&none, values, NULL, n, VT_NULL, &arena);
        struct vector flat;
        OK(vector_flatten(&none, &arena, &flat, &err));
    }
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trips),  cmocka_unit_test(test_choices),
        cmocka_unit_test(test_raw_prefix),   cmocka_unit_test(test_large),
        cmocka_unit_test(test_memory_short), cmocka_unit_test(test_iso_text),
        cmocka_unit_test(test_vector_forms),
    };
    seed = test_seed();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
