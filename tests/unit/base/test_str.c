/* test_str.c -- str, status, hash and cpu. */
#include "test.h"

#include "base/cpu.h"
#include "base/hash.h"
#include "base/str.h"

static void test_building(void **state)
{
    (void)state;
    yoda_error err;
    struct str s;
    str_init(&s);
    assert_string_equal(str_text(&s), "");
    str_identifier(&s, "a\"b");
    str_putc(&s, ' ');
    str_literal(&s, "it's'", 5);
    str_literal(&s, NULL, 0);
    str_printf(&s, " %d %s", 42, "x");
    assert_string_equal(str_text(&s), "\"a\"\"b\" 'it''s''''' 42 x");
    str_clear(&s);
    size_t expected = 0;
    for (int i = 0; i < 2000; i++) {
        str_printf(&s, "%d,", i);
        expected += (size_t)snprintf(NULL, 0, "%d,", i);
    }
    assert_int_equal(s.size, expected);
    assert_int_equal(strlen(s.data), expected);
    OK(str_check(&s, &err));
    assert_int_equal(strncmp(str_text(&s), "0,1,2,", 6), 0);
    str_deinit(&s);
    assert_string_equal(str_text(&s), "");
}

static void test_failed_append(void **state)
{
    (void)state;
    yoda_error err;
    uint64_t live = mem_live_bytes();
    struct str s;
    str_init(&s);
    str_puts(&s, "kept");
    mem_fail_after(1, false);
    for (int i = 0; i < 100; i++)
        str_puts(&s, "more");
    mem_fail_after(0, false);
    assert_true(s.failed);
    FAILS(YODA_NOMEM, str_check(&s, &err));
    str_clear(&s);
    str_puts(&s, "again");
    assert_string_equal(str_text(&s), "again");
    str_deinit(&s);
    assert_int_equal(mem_live_bytes(), live);
}

static void test_names(void **state)
{
    (void)state;
    assert_true(name_equal("RowID", "rowid"));
    assert_false(name_equal("rowid", "rowid2"));
    assert_false(name_equal("\xc3\x84", "\xc3\xa4"));
    assert_false(ascii_equal_nocase("[", 1, "{", 1));
    assert_int_equal(ascii_lower('@'), '@');
}

static void test_errors(void **state)
{
    (void)state;
    yoda_error err;
    FAILS(YODA_BUSY, fail(&err, YODA_BUSY, "n = %d", 3));
    assert_int_equal(err.code, YODA_BUSY);
    assert_int_equal(err.sql_offset, -1);
    assert_string_equal(err.message, "n = 3");
    assert_int_equal(fail(&err, YODA_ERROR, "outer: %s", err.message), YODA_ERROR);
    assert_string_equal(err.message, "outer: n = 3");
    assert_int_equal(fail_at(&err, YODA_ERROR, 7, "%0600d", 1), YODA_ERROR);
    assert_int_equal(err.sql_offset, 7);
    assert_int_equal(strlen(err.message), YODA_MESSAGE_MAX - 1);
    assert_int_equal(fail(NULL, YODA_FULL, "nobody listens"), YODA_FULL);
    assert_string_equal(yoda_status_name(YODA_NOT_COLUMNAR), "NOT_COLUMNAR");
    assert_string_equal(yoda_status_name(YODA_INTERNAL), "INTERNAL");
    assert_string_equal(yoda_status_name((yoda_status)1000), "UNKNOWN");
}

/* Files may hold these: published XXH3 results for the empty input. */
static void test_hash(void **state)
{
    (void)state;
    assert_true(hash_bytes(NULL, 0, 0) == UINT64_C(0x2d06800538d394c2));
    struct hash128 h = hash_bytes128(NULL, 0, 0);
    assert_true(h.high == UINT64_C(0x99aa06d3014798d8) && h.low == UINT64_C(0x6001c324468d497f));
    assert_true(hash_bytes("a", 1, 0) != hash_bytes("a", 1, 1));
}

static void test_cpu(void **state)
{
    (void)state;
    assert_string_equal(cpu_isa_name(CPU_AVX512), "avx512");
    setenv("YODA_ISA", "scalar", 1);
    assert_int_equal(cpu_isa_chosen(), CPU_SCALAR);
    assert_true(cpu_isa_detect() >= cpu_isa_chosen());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_building), cmocka_unit_test(test_failed_append),
        cmocka_unit_test(test_names),    cmocka_unit_test(test_errors),
        cmocka_unit_test(test_hash),     cmocka_unit_test(test_cpu)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
