/*
 * test_chunk_file.c -- damaged and hostile chunk bytes are refused or read within bounds.
 */
#include "column_data.h"

#include "olap/column/chunk_format.h"
#include "olap/column/code_predicate.h"

static uint64_t seed;

/* Touch everything a reader could; the sanitizers judge. */
static void use_chunk(const struct chunk *chunk, uint32_t rows)
{
    yoda_error err;
    struct arena arena;
    struct vector v, flat;
    arena_init(&arena, NULL);
    for (uint32_t row = 0; row < rows; row += VECTOR_ROWS) {
        uint32_t count = rows - row < VECTOR_ROWS ? rows - row : VECTOR_ROWS;
        for (enum vtype want = VT_NULL; want <= VT_BLOB; want++) {
            if (chunk_read(chunk, row, count, want, &arena, &v, &err) != YODA_OK)
                continue;
            OK(vector_flatten(&v, &arena, &flat, &err));
            for (uint32_t i = 0; i < count; i++) {
                struct value value;
                OK(vector_value(&flat, i, &arena, &value, &err));
                OK(chunk_value(chunk, row + i, &arena, &value, &err));
                for (uint32_t b = 0; (value.type == YODA_TEXT || value.type == YODA_BLOB) &&
                                     b < value.size; b++)
                    seed ^= (uint64_t)(uint8_t)value.p[b] & 1;
            }
        }
    }
    struct chunk_sum sum;
    struct chunk_bounds bounds;
    if (chunk_sum(chunk, &sum))
        seed ^= (uint64_t)sum.total & 1;
    if (chunk_bounds(chunk, &bounds))
        seed ^= value_compare(&bounds.min, &bounds.max, COLLATE_NOCASE) > 0;
    struct value constants[] = {value_int(3), value_real(0.5), value_text("a", 1)};
    for (int op = PRED_EQ; op <= PRED_IN; op++) {
        struct predicate p = {(enum predicate_op)op, COLLATE_NOCASE, op == PRED_IN ? 3 : 1,
                              constants};
        struct code_predicate bound;
        uint64_t bits[VECTOR_WORDS] = {0};
        OK(code_predicate_bind(&p, chunk, &arena, &bound, &err));
        if (bound.kind != CODE_PREDICATE_NO && rows)
            code_predicate_apply(&bound, chunk, 0, rows < VECTOR_ROWS ? rows : VECTOR_ROWS, bits);
    }
    arena_deinit(&arena);
}

static void try_bytes(const uint8_t *data, size_t size, uint32_t rows)
{
    yoda_error err;
    struct buffer *bytes;
    struct chunk *chunk;
    OK(buffer_create(size, NULL, &bytes, &err));
    memcpy(bytes->data, data, size);
    yoda_status status = chunk_parse(bytes, rows, &chunk, &err);
    buffer_release(bytes);
    assert_true(status == YODA_OK || status == YODA_CORRUPT || status == YODA_NOMEM);
    if (status != YODA_OK)
        return;
    use_chunk(chunk, rows);
    chunk_destroy(chunk);
}

static void mutate(uint8_t *data, size_t size)
{
    uint64_t r = test_random(&seed);
    size_t at = r % 3 ? (r >> 8) % (size < 200 ? size : 200) : (r >> 8) % size;
    static const uint64_t values[] = {0, 1, 255, UINT32_MAX, UINT64_MAX, INT64_MAX, 1 << 20, 64};
    uint64_t v = values[(r >> 40) % 8];
    switch (r >> 60 & 3) {
    case 0:
        data[at] ^= (uint8_t)(1u << (r >> 50 & 7));
        break;
    case 1:
        data[at] = (uint8_t)(r >> 32);
        break;
    default:
        memcpy(data + at / 8 * 8, &v, size - at / 8 * 8 < 8 ? size - at / 8 * 8 : 8);
        break;
    }
}

static void test_hostile(void **state)
{
    (void)state;
    yoda_error err;
    for (int kind = 0; kind < COLUMN_KINDS; kind++) {
        struct column c;
        struct buffer *bytes;
        column_make(&c, (enum column_kind)kind, kind % 2 ? 300 : 2100, kind % 3 ? 10 : 0, &seed);
        struct chunk *chunk = column_encode(&c);
        OK(chunk_serialize(chunk, &bytes, &err));
        uint8_t *copy = malloc(bytes->size);
        for (int round = 0; round < 400; round++) {
            memcpy(copy, bytes->data, bytes->size);
            for (uint64_t n = 1 + test_random(&seed) % 3; n; n--)
                mutate(copy, bytes->size);
            try_bytes(copy, bytes->size, c.rows);
        }
        for (int round = 0; round < 40; round++)
            try_bytes(bytes->data, test_random(&seed) % bytes->size, c.rows);
        try_bytes(bytes->data, bytes->size, c.rows + 1);
        free(copy);
        buffer_release(bytes);
        chunk_destroy(chunk);
        column_free(&c);
    }
}

/* Damage that must be named, not read. */
static void test_named(void **state)
{
    (void)state;
    yoda_error err;
    static const struct {
        enum column_kind kind;
        size_t offset;
        uint8_t value;
    } cases[] = {
        {COLUMN_INT_U8, 0, 0},     {COLUMN_INT_U8, 4, 9},    {COLUMN_INT_U8, 5, ENC_RAW},
        {COLUMN_INT_U8, 5, 77},    {COLUMN_INT_U8, 6, 3},    {COLUMN_INT_U8, 32, 255},
        {COLUMN_INT_U8, 100, 255},   {COLUMN_WORDS, 9, 3},     {COLUMN_WORDS, 20, 1},
        {COLUMN_DATES, 8, 0},      {COLUMN_DATES, 30, 0x10}, {COLUMN_MONEY, 7, 16},
        {COLUMN_TEXT_RANDOM, 40, 1}, {COLUMN_NULLS, 60, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct column c;
        struct buffer *bytes;
        struct chunk *chunk, *parsed;
        column_make(&c, cases[i].kind, 1000, 0, &seed);
        chunk = column_encode(&c);
        OK(chunk_serialize(chunk, &bytes, &err));
        uint8_t before = bytes->data[cases[i].offset];
        bytes->data[cases[i].offset] = cases[i].value;
        if (before != cases[i].value)
            FAILS(YODA_CORRUPT, chunk_parse(bytes, c.rows, &parsed, &err));
        buffer_release(bytes);
        chunk_destroy(chunk);
        column_free(&c);
    }
}

/* Equal columns are equal bytes: nothing undefined is stored. */
static void test_deterministic(void **state)
{
    (void)state;
    yoda_error err;
    for (int kind = 0; kind < COLUMN_KINDS; kind++) {
        struct column c;
        struct buffer *a, *b;
        column_make(&c, (enum column_kind)kind, 3001, 10, &seed);
        struct chunk *first = column_encode(&c), *second = column_encode(&c);
        OK(chunk_serialize(first, &a, &err));
        OK(chunk_serialize(second, &b, &err));
        assert_int_equal(a->size, b->size);
        assert_memory_equal(a->data, b->data, a->size);
        buffer_release(a);
        buffer_release(b);
        chunk_destroy(first);
        chunk_destroy(second);
        column_free(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_named),
        cmocka_unit_test(test_deterministic),
    };
    seed = test_seed();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
