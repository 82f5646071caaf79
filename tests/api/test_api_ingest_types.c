/*
 * test_api_ingest_types.c -- what each Arrow format becomes, with offsets, NULLs and the ends of
 * its range; and what is no value, or a broken array, is refused with the column's name.
 */
#include "arrow_source.h"
#include "fixture.h"

#include <float.h>
#include <math.h>

static struct ArrowArrayStream one_column(struct source *source, struct ArrowSchema *schema,
                                          struct ArrowArray *array, int64_t rows)
{
    source_init(source, rows);
    source_add(source, schema, array);
    return source_stream(source);
}

/* All values of x.v, as SQL writes them. */
static void assert_values(yoda_engine *db, const char *want)
{
    yoda_error err;
    yoda_result *rows = NULL;
    size_t size = 0;
    OK(yoda_query(db,
                  "SELECT group_concat(replace(quote(v), '9.0e+999', 'Inf'), ' ')"
                  " FROM (SELECT v FROM x ORDER BY rowid)",
                  NULL, NULL, &rows, &err));
    assert_true(yoda_result_next(rows));
    const char *got = yoda_result_bytes(rows, 0, &size);
    if (size != strlen(want) || memcmp(got, want, size) != 0)
        print_error("got  %.*s\nwant %s\n", (int)size, got, want);
    assert_int_equal(size, strlen(want));
    assert_memory_equal(got, want, size);
    yoda_result_close(rows);
}

static void assert_declared(yoda_engine *db, const char *want)
{
    char sql[256];
    snprintf(sql, sizeof sql,
             "SELECT count(*) FROM pragma_table_info('x') WHERE name = 'v' AND type = '%s'", want);
    assert_int_equal(fixture_int(db, sql), 1);
}

static void becomes(struct fixture *f, struct ArrowSchema schema, struct ArrowArray array,
                    const char *type, const char *want)
{
    yoda_error err;
    struct source source;
    int64_t rows = -1;
    fixture_execute(f->db, "DROP TABLE IF EXISTS x");
    struct ArrowArrayStream stream = one_column(&source, &schema, &array, array.length);
    OK(yoda_ingest(f->db, "x", &stream, YODA_INGEST_CREATE, &rows, &err));
    assert_int_equal(rows, array.length);
    source_is_released(&source);
    assert_values(f->db, want);
    assert_declared(f->db, type);
}

static void refused(struct fixture *f, struct ArrowSchema schema, struct ArrowArray array,
                    yoda_status status, const char *words)
{
    yoda_error err;
    struct source source;
    int64_t rows = -1;
    fixture_execute(f->db, "DROP TABLE IF EXISTS x");
    struct ArrowArrayStream stream = one_column(&source, &schema, &array, array.length);
    FAILS(status, yoda_ingest(f->db, "x", &stream, YODA_INGEST_CREATE, &rows, &err));
    assert_int_equal(rows, 0);
    source_is_released(&source);
    if (!strstr(err.message, words) || !strstr(err.message, "\"v\""))
        print_error("%s\n", err.message);
    assert_non_null(strstr(err.message, words));
    assert_non_null(strstr(err.message, "\"v\""));
    assert_int_equal(fixture_int(f->db, "SELECT count(*) FROM sqlite_schema WHERE name = 'x'"), 0);
}

#define S(format) source_schema(format, "v")

/* Every row has a value ahead of it that is not to be read, and the third is NULL. */
static void fixed(struct fixture *f, const char *format, const void *values, const char *type,
                  const char *want)
{
    const uint8_t validity[] = {0xf6};
    becomes(f, S(format), source_array(3, 1, 1, 2, BUFFERS(validity, values)), type, want);
    becomes(f, S(format), source_array(3, 1, -1, 2, BUFFERS(validity, values)), type, want);
}

static void integers(void **state)
{
    struct fixture *f = *state;
    const int8_t i8[] = {1, -128, 127, 0};
    const uint8_t u8[] = {1, 255, 0, 0};
    const int16_t i16[] = {1, INT16_MIN, INT16_MAX, 0};
    const uint16_t u16[] = {1, UINT16_MAX, 0, 0};
    const int32_t i32[] = {1, INT32_MIN, INT32_MAX, 0};
    const uint32_t u32[] = {1, UINT32_MAX, 0, 0};
    const int64_t i64[] = {1, INT64_MIN + 1, INT64_MAX, 0};
    const uint64_t u64[] = {UINT64_MAX, INT64_MAX, 0, UINT64_MAX};
    const uint8_t bits[] = {0x02}, none_null[] = {0x06};
    fixed(f, "c", i8, "INTEGER", "-128 127 NULL");
    fixed(f, "C", u8, "INTEGER", "255 0 NULL");
    fixed(f, "s", i16, "INTEGER", "-32768 32767 NULL");
    fixed(f, "S", u16, "INTEGER", "65535 0 NULL");
    fixed(f, "i", i32, "INTEGER", "-2147483648 2147483647 NULL");
    fixed(f, "I", u32, "INTEGER", "4294967295 0 NULL");
    fixed(f, "l", i64, "INTEGER", "-9223372036854775807 9223372036854775807 NULL");
    fixed(f, "L", u64, "INTEGER", "9223372036854775807 0 NULL");
    fixed(f, "b", bits, "INTEGER", "1 0 NULL");
    becomes(f, S("i"), source_array(2, 1, 0, 2, BUFFERS(NULL, i32)), "INTEGER",
            "-2147483648 2147483647");
    becomes(f, S("i"), source_array(2, 1, -1, 2, BUFFERS(none_null, i32)), "INTEGER",
            "-2147483648 2147483647");
    becomes(f, S("i"), source_array(2, 0, 2, 2, BUFFERS(NULL, NULL)), "INTEGER", "NULL NULL");
    refused(f, S("L"), source_array(3, 1, 0, 2, BUFFERS(NULL, u64)), YODA_TOO_BIG, "row 3: ");
}

static void numbers_at_odd_addresses(void **state)
{
    struct fixture *f = *state;
    char bytes[1 + 3 * 8];
    const double reals[] = {1.5, 2.5, -3.5};
    memcpy(bytes + 1, reals, sizeof reals);
    becomes(f, S("g"), source_array(3, 0, 0, 2, BUFFERS(NULL, bytes + 1)), "REAL", "1.5 2.5 -3.5");
}

static void reals(void **state)
{
    struct fixture *f = *state;
    /* 1.5, a subnormal, the largest, -infinity, NaN */
    const uint16_t f16[] = {0, 0x3e00, 0x0200, 0x7bff, 0xfc00, 0x7e00};
    const float f32[] = {9, 0.5f, NAN, -INFINITY};
    const double f64[] = {9, -0.25, NAN, INFINITY};
    becomes(f, S("e"), source_array(5, 1, 0, 2, BUFFERS(NULL, f16)), "REAL",
            "1.5 3.0517578125e-05 65504.0 -Inf NULL");
    becomes(f, S("f"), source_array(3, 1, 0, 2, BUFFERS(NULL, f32)), "REAL", "0.5 NULL -Inf");
    becomes(f, S("g"), source_array(3, 1, 0, 2, BUFFERS(NULL, f64)), "REAL", "-0.25 NULL Inf");
}

static void bytes(void **state)
{
    struct fixture *f = *state;
    const uint8_t validity[] = {0xf6};
    const int32_t narrow[] = {0, 1, 4, 4, 9}, empty[] = {0, 0, 0}, down[] = {0, 4, 2};
    const int64_t wide[] = {0, 1, 4, 4, 9};
    const char data[] = "#a'bother", fixed_data[] = "##aabb##";
    becomes(f, S("u"), source_array(3, 1, 1, 3, BUFFERS(validity, narrow, data)), "TEXT",
            "'a''b' '' NULL");
    becomes(f, S("U"), source_array(3, 1, -1, 3, BUFFERS(validity, wide, data)), "TEXT",
            "'a''b' '' NULL");
    becomes(f, S("z"), source_array(3, 1, 1, 3, BUFFERS(validity, narrow, data)), "BLOB",
            "X'612762' X'' NULL");
    becomes(f, S("Z"), source_array(3, 1, 1, 3, BUFFERS(validity, wide, data)), "BLOB",
            "X'612762' X'' NULL");
    becomes(f, S("u"), source_array(2, 0, 0, 3, BUFFERS(NULL, empty, NULL)), "TEXT", "'' ''");
    becomes(f, S("w:2"), source_array(3, 1, 1, 2, BUFFERS(validity, fixed_data)), "BLOB",
            "X'6161' X'6262' NULL");
    becomes(f, S("w:0"), source_array(2, 0, 0, 2, BUFFERS(NULL, NULL)), "BLOB", "X'' X''");
    refused(f, S("u"), source_array(2, 0, 0, 3, BUFFERS(NULL, down, data)), YODA_MISUSE, "row 2: ");
    refused(f, S("u"), source_array(2, 0, 0, 3, BUFFERS(NULL, narrow, NULL)), YODA_MISUSE,
            "lacks a buffer");
}

static void put_view(uint8_t *view, const char *text, int32_t size, int32_t block, int32_t offset)
{
    memset(view, 0, 16);
    memcpy(view, &size, 4);
    memcpy(view + 4, text, size > 12 ? 4 : size < 0 ? 0 : (size_t)size);
    if (size > 12) {
        memcpy(view + 8, &block, 4);
        memcpy(view + 12, &offset, 4);
    }
}

static void views(void **state)
{
    struct fixture *f = *state;
    uint8_t view[4 * 16];
    const uint8_t validity[] = {0xf7};
    const char *first = "the first block", *second = "-- the second block";
    const int64_t sizes[] = {15, 19};
    put_view(view, "twelve bytes", 12, 0, 0);
    put_view(view + 16, first, 15, 0, 0);
    put_view(view + 32, second + 3, 16, 1, 3);
    put_view(view + 48, "null", 4, 0, 0);
    struct ArrowArray array =
        source_array(4, 0, 1, 5, BUFFERS(validity, view, first, second, sizes));
    becomes(f, S("vu"), array, "TEXT", "'twelve bytes' 'the first block' 'the second block' NULL");
    array.offset = 2;
    array.length = 1;
    array.null_count = -1;
    becomes(f, S("vz"), array, "BLOB", "X'746865207365636F6E6420626C6F636B'");
    put_view(view + 32, second, 20, 1, 0);
    refused(f, S("vu"), array, YODA_MISUSE, "leaves its buffer");
    put_view(view + 32, second, 16, 2, 0);
    refused(f, S("vu"), array, YODA_MISUSE, "leaves its buffer");
    put_view(view + 32, "", -1, 0, 0);
    refused(f, S("vu"), array, YODA_MISUSE, "negative");
    put_view(view + 32, "inline", 6, 0, 0);
    becomes(f, S("vu"), source_array(1, 2, 0, 3, BUFFERS(NULL, view, NULL)), "TEXT", "'inline'");
}

static void dates(void **state)
{
    struct fixture *f = *state;
    const int32_t days[] = {0, -1, 11016, -719528, 2932896, 19782};
    const int64_t ms[] = {0, -1, 86399999, 951782400000};
    const int32_t late[] = {2932897}, early[] = {-719529}, far[] = {INT32_MIN};
    const int64_t far_ms[] = {INT64_MIN};
    becomes(f, S("tdD"), source_array(6, 0, 0, 2, BUFFERS(NULL, days)), "TEXT",
            "'1970-01-01' '1969-12-31' '2000-02-29' '0000-01-01' '9999-12-31' '2024-02-29'");
    becomes(f, S("tdm"), source_array(4, 0, 0, 2, BUFFERS(NULL, ms)), "TEXT",
            "'1970-01-01' '1969-12-31' '1970-01-01' '2000-02-29'");
    refused(f, S("tdD"), source_array(1, 0, 0, 2, BUFFERS(NULL, late)), YODA_TOO_BIG, "2932897");
    refused(f, S("tdD"), source_array(1, 0, 0, 2, BUFFERS(NULL, early)), YODA_TOO_BIG, "-719529");
    refused(f, S("tdD"), source_array(1, 0, 0, 2, BUFFERS(NULL, far)), YODA_TOO_BIG, "years");
    refused(f, S("tdm"), source_array(1, 0, 0, 2, BUFFERS(NULL, far_ms)), YODA_TOO_BIG, "years");
}

static void times(void **state)
{
    struct fixture *f = *state;
    const int32_t s[] = {0, 86399}, ms[] = {1500, 86399999}, day[] = {86400}, negative[] = {-1};
    const int64_t us[] = {1, 3661000000}, ns[] = {1, 1000, 1000000, 86399999999999};
    becomes(f, S("tts"), source_array(2, 0, 0, 2, BUFFERS(NULL, s)), "TEXT",
            "'00:00:00' '23:59:59'");
    becomes(f, S("ttm"), source_array(2, 0, 0, 2, BUFFERS(NULL, ms)), "TEXT",
            "'00:00:01.500' '23:59:59.999'");
    becomes(f, S("ttu"), source_array(2, 0, 0, 2, BUFFERS(NULL, us)), "TEXT",
            "'00:00:00.000001' '01:01:01'");
    becomes(f, S("ttn"), source_array(4, 0, 0, 2, BUFFERS(NULL, ns)), "TEXT",
            "'00:00:00.000000001' '00:00:00.000001' '00:00:00.001' '23:59:59.999999999'");
    refused(f, S("tts"), source_array(1, 0, 0, 2, BUFFERS(NULL, day)), YODA_TOO_BIG, "86400");
    refused(f, S("ttm"), source_array(1, 0, 0, 2, BUFFERS(NULL, negative)), YODA_TOO_BIG, "day");
}

static void timestamps(void **state)
{
    struct fixture *f = *state;
    const int64_t s[] = {0, -1, 253402300799, -62167219200}, ms[] = {-1, 1709211600000};
    const int64_t us[] = {-1, 1000}, ns[] = {-1, INT64_MAX, INT64_MIN};
    const int64_t late[] = {253402300800}, far[] = {INT64_MIN};
    becomes(f, S("tss:"), source_array(4, 0, 0, 2, BUFFERS(NULL, s)), "TEXT",
            "'1970-01-01 00:00:00' '1969-12-31 23:59:59' '9999-12-31 23:59:59' "
            "'0000-01-01 00:00:00'");
    becomes(f, S("tsm:UTC"), source_array(2, 0, 0, 2, BUFFERS(NULL, ms)), "TEXT",
            "'1969-12-31 23:59:59.999' '2024-02-29 13:00:00'");
    becomes(f, S("tsu:Europe/Berlin"), source_array(2, 0, 0, 2, BUFFERS(NULL, us)), "TEXT",
            "'1969-12-31 23:59:59.999999' '1970-01-01 00:00:00.001'");
    becomes(f, S("tsn:"), source_array(3, 0, 0, 2, BUFFERS(NULL, ns)), "TEXT",
            "'1969-12-31 23:59:59.999999999' '2262-04-11 23:47:16.854775807' "
            "'1677-09-21 00:12:43.145224192'");
    refused(f, S("tss:"), source_array(1, 0, 0, 2, BUFFERS(NULL, late)), YODA_TOO_BIG, "years");
    refused(f, S("tss:"), source_array(1, 0, 0, 2, BUFFERS(NULL, far)), YODA_TOO_BIG, "years");
}

static void decimals(void **state)
{
    struct fixture *f = *state;
    /* low and high halves */
    const int64_t wide[] = {12345, 0, -5,       -1, INT64_MIN, -1, INT64_MIN, 0, -1 /* 2^64 - 1 */,
                            0,     0, INT64_MIN};
    const int32_t narrow[] = {-12345};
    const int64_t middle[] = {99};
    struct ArrowArray all = source_array(6, 0, 0, 2, BUFFERS(NULL, wide));
    struct ArrowArray two = source_array(2, 0, 0, 2, BUFFERS(NULL, wide));
    becomes(f, S("d:38,0"), all, "BLOB",
            "12345 -5 -9223372036854775808 '9223372036854775808' '18446744073709551615' "
            "'-170141183460469231731687303715884105728'");
    becomes(f, S("d:18,0"), two, "INTEGER", "12345 -5");
    becomes(f, S("d:18,2"), two, "TEXT", "'123.45' '-0.05'");
    becomes(f, S("d:38,38"), all, "TEXT",
            "'0.00000000000000000000000000000000012345' "
            "'-0.00000000000000000000000000000000000005' "
            "'-0.00000000000000000009223372036854775808' "
            "'0.00000000000000000009223372036854775808' "
            "'0.00000000000000000018446744073709551615' "
            "'-1.70141183460469231731687303715884105728'");
    becomes(f, S("d:5,-3,128"), two, "TEXT", "'12345000' '-5000'");
    becomes(f, S("d:9,2,32"), source_array(1, 0, 0, 2, BUFFERS(NULL, narrow)), "TEXT", "'-123.45'");
    becomes(f, S("d:18,2,64"), source_array(1, 0, 0, 2, BUFFERS(NULL, middle)), "TEXT", "'0.99'");
    refused(f, S("d:76,2,256"), two, YODA_MISUSE, "decimals");
    refused(f, S("d:5,39"), two, YODA_MISUSE, "d:5,39");
}

static void nulls(void **state)
{
    struct fixture *f = *state;
    becomes(f, S("n"), source_array(2, 3, 2, 0, NULL), "BLOB", "NULL NULL");
}

static void dictionaries(void **state)
{
    static const char *const formats[] = {"c", "C", "s", "S", "i", "I", "l", "L"};
    struct fixture *f = *state;
    const uint8_t validity[] = {0xf7}, values_validity[] = {0xfb};
    const int32_t offsets[] = {0, 1, 3, 3};
    struct ArrowSchema values_schema = source_schema("u", NULL);
    struct ArrowArray values =
        source_array(2, 1, 1, 3, BUFFERS(values_validity, offsets, "abbccc"));
    int64_t wide[5];
    for (size_t i = 0; i < 8; i++) {
        size_t width = (size_t)1 << i / 2;
        memset(wide, 0, sizeof wide);
        for (size_t j = 0; j < 5; j++)
            ((char *)wide)[j * width] = "\7\0\1\0\0"[j]; /* little-endian; the first is no index */
        struct ArrowSchema schema = S(formats[i]);
        schema.dictionary = &values_schema;
        struct ArrowArray array = source_array(4, 1, 1, 2, BUFFERS(validity, wide));
        array.dictionary = &values;
        becomes(f, schema, array, "TEXT", "'bb' NULL NULL 'bb'");
        array.offset = 0;
        refused(f, schema, array, YODA_MISUSE, "outside of its dictionary");
    }
    struct ArrowSchema schema = S("g");
    schema.dictionary = &values_schema;
    refused(f, schema, source_array(1, 0, 0, 2, BUFFERS(NULL, wide)), YODA_MISUSE, "integers");
    schema.format = "l";
    refused(f, schema, source_array(1, 0, 0, 2, BUFFERS(NULL, wide)), YODA_MISUSE, "missing");
}

static void unions(void **state)
{
    struct fixture *f = *state;
    const int8_t ids[] = {9, 4, 7, 4, 4}, unknown[] = {5, 5};
    const int32_t offsets[] = {99, 1, 0, 0, 2}, outside[] = {0, 3};
    const int64_t integers_data[] = {10, 20, 30, 40, 50};
    const uint8_t validity[] = {0xf7};
    const int32_t text_offsets[] = {0, 1, 2, 3, 4, 5};
    struct ArrowSchema schemas[] = {source_schema("u", "t"), source_schema("l", "i")};
    struct ArrowSchema *schema_children[] = {&schemas[0], &schemas[1]};
    struct ArrowArray arrays[] = {
        source_array(5, 0, 0, 3, BUFFERS(NULL, text_offsets, "abcde")),
        source_array(3, 1, 1, 2, BUFFERS(validity, integers_data)),
    };
    struct ArrowArray *array_children[] = {&arrays[0], &arrays[1]};
    struct ArrowSchema schema = S("+ud:7,4");
    schema.n_children = 2;
    schema.children = schema_children;
    struct ArrowArray array = source_array(4, 1, 0, 2, BUFFERS(ids, offsets));
    array.n_children = 2;
    array.children = array_children;
    becomes(f, schema, array, "BLOB", "30 'a' 20 NULL");
    array.buffers = BUFFERS(unknown, offsets);
    array.length = 1;
    refused(f, schema, array, YODA_MISUSE, "type id");
    array.buffers = BUFFERS(ids, outside);
    refused(f, schema, array, YODA_MISUSE, "outside of a child");

    schema.format = "+us:7,4";
    array = source_array(4, 1, 0, 1, BUFFERS(ids));
    array.n_children = 2;
    array.children = array_children;
    refused(f, schema, array, YODA_MISUSE, "shorter");
    arrays[1] = source_array(5, 0, 1, 2, BUFFERS(validity, integers_data));
    becomes(f, schema, array, "BLOB", "20 'c' NULL 50");
    array.n_children = 1;
    refused(f, schema, array, YODA_MISUSE, "children");
    schema.format = "+us:7,7";
    refused(f, schema, array, YODA_MISUSE, "union");
    schema.format = "+us:7,4,5";
    refused(f, schema, array, YODA_MISUSE, "union");
}

static void what_has_no_value(void **state)
{
    static const char *const formats[][2] = {
        {"+r", "run-end encoded"}, {"+l", "lists"},     {"+L", "lists"},      {"+vl", "lists"},
        {"+w:2", "lists"},         {"+s", "structs"},   {"+m", "maps"},       {"tDs", "durations"},
        {"tiM", "intervals"},      {"tsx:", "unknown"}, {"w:", "fixed-size"}, {"?", "unknown"}};
    struct fixture *f = *state;
    struct ArrowSchema item = source_schema("l", "item"), *children[] = {&item, &item};
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        struct ArrowSchema schema = S(formats[i][0]);
        schema.children = children;
        schema.n_children = formats[i][0][0] == '+' ? 2 : 0;
        refused(f, schema, source_array(1, 0, 0, 2, BUFFERS(NULL, NULL)), YODA_MISUSE,
                formats[i][1]);
    }
}

static void broken_arrays(void **state)
{
    struct fixture *f = *state;
    const int64_t values[] = {1, 2};
    struct ArrowArray array = source_array(2, 0, 0, 3, BUFFERS(NULL, values, values));
    refused(f, S("l"), array, YODA_MISUSE, "buffers");
    array = source_array(2, 0, 0, 2, NULL);
    refused(f, S("l"), array, YODA_MISUSE, "buffers");
    array = source_array(2, 0, 0, 2, BUFFERS(NULL, NULL));
    refused(f, S("l"), array, YODA_MISUSE, "lacks a buffer");
    array = source_array(2, 0, 1, 2, BUFFERS(NULL, values));
    refused(f, S("l"), array, YODA_MISUSE, "validity");
    array = source_array(2, -1, 0, 2, BUFFERS(NULL, values));
    refused(f, S("l"), array, YODA_MISUSE, "offset");
    array = source_array(2, INT64_MAX, 0, 2, BUFFERS(NULL, values));
    refused(f, S("l"), array, YODA_MISUSE, "offset");
    array = source_array(2, 0, 0, 2, BUFFERS(NULL, values));
    array.n_children = 1;
    refused(f, S("l"), array, YODA_MISUSE, "children");
    struct ArrowSchema schema = S("l");
    schema.n_children = -1;
    refused(f, schema, array, YODA_MISUSE, "schema is broken");
    schema = S(NULL);
    refused(f, schema, array, YODA_MISUSE, "schema is broken");
}

/* No rows need no buffers. */
static void empty_arrays(void **state)
{
    static const char *const formats[] = {"l", "u", "vu", "tdD", "b", "w:4", "d:5,2"};
    struct fixture *f = *state;
    yoda_error err;
    struct source source;
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        struct ArrowSchema schema = S(formats[i]);
        struct ArrowArray array = source_array(0, 0, 0, 0, NULL);
        struct ArrowArrayStream stream = one_column(&source, &schema, &array, 0);
        OK(yoda_ingest(f->db, "x", &stream, YODA_INGEST_CREATE_APPEND, NULL, &err));
        source_is_released(&source);
        assert_int_equal(fixture_int(f->db, "SELECT count(*) FROM x"), 0);
    }
}

/* The batch itself is a slice with NULL rows. */
static void sliced_batches(void **state)
{
    struct fixture *f = *state;
    yoda_error err;
    struct source source;
    const int64_t values[] = {0, 1, 2, 3, 4, 5};
    const uint8_t validity[] = {0xf7};
    struct ArrowSchema schema = S("l");
    struct ArrowArray array = source_array(5, 1, 0, 2, BUFFERS(NULL, values));
    struct ArrowArrayStream stream = one_column(&source, &schema, &array, 3);
    source.batch.offset = 2;
    source.batch.null_count = -1;
    source.batch.n_buffers = 1;
    source.batch.buffers = BUFFERS(validity);
    OK(yoda_ingest(f->db, "x", &stream, YODA_INGEST_CREATE, NULL, &err));
    assert_values(f->db, "3 NULL 5");
    source.batch.offset = 3;
    stream = source_stream(&source);
    FAILS(YODA_MISUSE, yoda_ingest(f->db, "x", &stream, YODA_INGEST_APPEND, NULL, &err));
    assert_non_null(strstr(err.message, "\"v\""));
    source_is_released(&source);
}

#define T(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(integers),
        T(numbers_at_odd_addresses),
        T(reals),
        T(bytes),
        T(views),
        T(dates),

        T(times),
        T(timestamps),
        T(decimals),
        T(nulls),
        T(dictionaries),
        T(unions),
        T(what_has_no_value),
        T(broken_arrays),
        T(empty_arrays),
        T(sliced_batches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
