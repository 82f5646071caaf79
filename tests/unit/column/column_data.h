/*
 * column_data.h -- columns of every character for these tests: hard values, near misses.
 */
#ifndef YODA_TESTS_COLUMN_DATA_H
#define YODA_TESTS_COLUMN_DATA_H

#include "test.h"

#include "olap/column/chunk.h"

enum column_kind {
    COLUMN_NULLS, COLUMN_INT_CONSTANT, COLUMN_INT_U8, COLUMN_INT_U16, COLUMN_INT_U32,
    COLUMN_INT_EDGES, COLUMN_MONEY, COLUMN_MONEY_MIXED, COLUMN_REAL_CONSTANT, COLUMN_REAL_EDGES,
    COLUMN_REAL_NEAR, COLUMN_NUM_EDGES, COLUMN_TEXT_CONSTANT, COLUMN_WORDS, COLUMN_TEXT_RANDOM,
    COLUMN_DATES, COLUMN_TIMES, COLUMN_TIMES_T, COLUMN_ALMOST_DATES, COLUMN_BLOBS,
    COLUMN_BLOB_WORDS, COLUMN_ANY, COLUMN_MONEY_WHOLE, COLUMN_KINDS
};

struct column {
    uint32_t rows;
    struct value *values;
    struct arena arena;
};

static inline struct value column_text(struct column *c, uint8_t type, const char *p, size_t size)
{
    char *copy = arena_copy(&c->arena, p, size);
    assert_non_null(copy);
    return (struct value){.type = type, .size = (uint32_t)size, .p = copy};
}

static inline struct value random_bytes_value(struct column *c, uint64_t *seed, uint8_t type)
{
    char text[40];
    size_t size = test_random(seed) % 24;
    for (size_t i = 0; i < size; i++)
        /* NULs, not UTF-8 */
        text[i] = (char)(test_random(seed) % (test_random(seed) % 4 ? 3 : 256));
    return column_text(c, type, text, size);
}

static inline struct value random_word(struct column *c, uint64_t *seed, uint8_t type)
{
    static const char *const words[] = {"",  "a",        "A",         "a ",      "a  ",
                                        "B", "b",        "abc",       "ABC",     "ab",
                                        "é", "prefix 1", "prefix 12", "Prefix 1"};
    const char *word = words[test_random(seed) % (sizeof words / sizeof words[0])];
    return column_text(c, type, word, strlen(word));
}

static inline struct value random_iso(struct column *c, uint64_t *seed, enum iso_kind kind)
{
    static const int64_t days[] = {-719528, -719527, 2932896, 0, -1, 11016 /* 2000-02-29 */, 10957};
    char text[ISO_TEXT_MAX];
    uint64_t r = test_random(seed);
    int64_t number = r % 8 == 0 ? days[(r >> 8) % 7] : (int64_t)(8000 + (r >> 8) % 3000);
    if (kind != ISO_DATE)
        number = number * 86400 + (int64_t)((r >> 40) % 86400);
    return column_text(c, YODA_TEXT, text, iso_format(number, kind, text));
}

static inline double random_edge_real(uint64_t *seed)
{
    static const double edges[] = {0.0, -0.0, 1.0, 0.1, 0.1 + 0.2, 5e-324, 2.2250738585072014e-308,
                                   1.7976931348623157e308, -1e300, 9007199254740992.0,
                                   9007199254740993.0, 9223372036854775808.0, 123.25,
                                   __builtin_inf(), -__builtin_inf(), 1e15, 0.3, 1e-15};
    uint64_t r = test_random(seed);
    double d;
    if (r % 2)
        return edges[(r >> 8) % (sizeof edges / sizeof edges[0])];
    do {
        r = test_random(seed);
        memcpy(&d, &r, sizeof d);
    } while (d != d);
    return d;
}

static inline int64_t random_edge_int(uint64_t *seed)
{
    static const int64_t edges[] = {INT64_MIN, INT64_MIN + 1, -1, 0, 1, INT64_MAX - 1, INT64_MAX,
                                    INT64_C(1) << 53, (INT64_C(1) << 53) + 1};
    uint64_t r = test_random(seed);
    return r % 2 ? edges[(r >> 8) % (sizeof edges / sizeof edges[0])] : (int64_t)test_random(seed);
}

/* A whole double stays REAL; `affine`: as NUMERIC affinity stores it. */
static inline struct value money(int64_t cents, bool affine)
{
    if (affine && cents % 100 == 0)
        return value_int(cents / 100);
    return value_real((double)cents / 100.0);
}

static inline struct value random_any(struct column *c, uint64_t *seed);

static inline struct value column_value(struct column *c, enum column_kind kind, uint64_t *seed)
{
    static const char *const almost[] = {
        "2000-02-30",          "2000-13-01",          "2000-00-10", "2000-1-01",
        "2000-01-01 ",         "0000-01-01",          "9999-12-31", "10000-01-01",
        "2000-01-01T24:00:00", "2000-01-01 00:00:60", "-001-01-01"};
    uint64_t r = test_random(seed);
    switch (kind) {
    case COLUMN_INT_CONSTANT:
        return value_int(-7);
    case COLUMN_INT_U8:
        return value_int((int64_t)(r % 200) - 100);
    case COLUMN_INT_U16:
        return value_int((int64_t)(r % 60000) + INT64_C(1000000000000));
    case COLUMN_INT_U32:
        return value_int((int64_t)(r % 4000000000u) - 3);
    case COLUMN_INT_EDGES:
        return value_int(random_edge_int(seed));
    case COLUMN_MONEY:
        return value_real((double)(int64_t)(r % 100000 * 100 + 1 + r % 99) / 100.0);
    case COLUMN_MONEY_MIXED:
        return money((int64_t)(r % 1000) - 500, true);
    case COLUMN_MONEY_WHOLE:
        return money((int64_t)(r % 1000) + 1, false);
    case COLUMN_REAL_CONSTANT:
        return value_real(-0.0);
    case COLUMN_REAL_EDGES:
        return value_real(random_edge_real(seed));
    case COLUMN_REAL_NEAR: /* doubles a few bits apart */
        return value_real(1.0 / 3.0 + (double)(r % 16) * 0x1p-54);
    case COLUMN_NUM_EDGES:
        return r % 2 ? value_real(random_edge_real(seed)) : value_int(random_edge_int(seed));
    case COLUMN_TEXT_CONSTANT:
        return column_text(c, YODA_TEXT, "same", 4);
    case COLUMN_WORDS:
        return random_word(c, seed, YODA_TEXT);
    case COLUMN_TEXT_RANDOM:
        return random_bytes_value(c, seed, YODA_TEXT);
    case COLUMN_DATES:
        return random_iso(c, seed, ISO_DATE);
    case COLUMN_TIMES:
        return random_iso(c, seed, ISO_DATETIME);
    case COLUMN_TIMES_T:
        return random_iso(c, seed, ISO_DATETIME_T);
    case COLUMN_ALMOST_DATES: {
        const char *text = almost[(r >> 8) % (sizeof almost / sizeof almost[0])];
        return r % 4 ? random_iso(c, seed, ISO_DATE)
                     : column_text(c, YODA_TEXT, text, strlen(text));
    }
    case COLUMN_BLOBS:
        return random_bytes_value(c, seed, YODA_BLOB);
    case COLUMN_BLOB_WORDS:
        return random_word(c, seed, YODA_BLOB);
    case COLUMN_ANY:
        return random_any(c, seed);
    default:
        return value_null();
    }
}

static inline struct value random_any(struct column *c, uint64_t *seed)
{
    enum column_kind kind;
    do
        kind = (enum column_kind)(test_random(seed) % COLUMN_KINDS);
    while (kind == COLUMN_ANY);
    return column_value(c, kind, seed);
}

/* null_percent 100 only for some rows: whole vectors of NULLs appear in long columns. */
static inline void column_make(struct column *c, enum column_kind kind, uint32_t rows,
                               uint32_t null_percent, uint64_t *seed)
{
    arena_init(&c->arena, NULL);
    c->rows = rows;
    c->values = malloc(sizeof *c->values * (rows + 1));
    assert_non_null(c->values);
    for (uint32_t i = 0; i < rows; i++) {
        bool hole = null_percent && i / VECTOR_ROWS == 1;
        bool null = hole || test_random(seed) % 100 < null_percent;
        c->values[i] = null ? value_null() : column_value(c, kind, seed);
    }
}

static inline void column_free(struct column *c)
{
    arena_deinit(&c->arena);
    free(c->values);
}

static inline struct chunk *column_raw(const struct column *c)
{
    yoda_error err;
    struct chunk *raw;
    OK(chunk_raw_create(NULL, &raw, &err));
    for (uint32_t i = 0; i < c->rows; i++)
        OK(chunk_raw_set(raw, i, &c->values[i], &err));
    return raw;
}

static inline struct chunk *column_encode(const struct column *c)
{
    yoda_error err;
    struct chunk *raw = column_raw(c), *out;
    OK(chunk_encode(raw, c->rows, NULL, &out, &err));
    chunk_destroy(raw);
    return out;
}

#endif
