/* test_option.c -- the table of options: defaults, ranges, text forms, and an allocation that
 * fails. */
#include "engine/option.h"

#include "test.h"

static void defaults_are_in_range(void **state)
{
    struct options options;
    char text[OPTION_TEXT_MAX];
    yoda_error err;
    (void)state;
    OK(options_parse(&options, NULL, 0, &err));
    assert_int_equal(options.read_pool_size, 4);
    assert_true(options.columnar && !options.olap_in_memory);
    assert_null(options.olap_path);
    for (size_t i = 0; i < option_count(); i++) {
        const struct option_info *info = option_at(i);
        option_value_text(&options, info, text);
        assert_string_equal(text, info->initial);
        assert_true(strlen(info->help) > 10);
        for (size_t other = 0; other < i; other++)
            assert_string_not_equal(option_at(other)->name, info->name);
    }
    options_deinit(&options);
}

static void values_are_checked(void **state)
{
    static const yoda_option bad[] = {{"synchronous", "extra"},
                                      {"threads", "-1"},
                                      {"threads", ""},
                                      {"threads", " 1"},
                                      {"threads", "1x"},
                                      {"columnar", "maybe"},
                                      {"threads", "99999999999999999999"},
                                      {"threads", NULL},
                                      {NULL, "1"},
                                      {"Threads", "1"}};
    static const yoda_option good[] = {
        {"synchronous", "FULL"}, {"columnar", "off"}, {"olap_path", "/a"}, {"olap_path", "/b"}};
    struct options options;
    char text[OPTION_TEXT_MAX];
    yoda_error err;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        FAILS(YODA_MISUSE, options_parse(&options, &bad[i], 1, &err));
    OK(options_parse(&options, good, 4, &err));
    assert_int_equal(options.synchronous, SYNCHRONOUS_FULL);
    assert_false(options.columnar);
    assert_string_equal(options.olap_path, "/b");
    option_value_text(&options, option_at(2), text);
    assert_string_equal(text, "full");
    options_deinit(&options);
}

static void allocation_fails(void **state)
{
    const yoda_option path = {"olap_path", "/a"};
    struct options options;
    yoda_error err;
    (void)state;
    mem_fail_after(1, false);
    FAILS(YODA_NOMEM, options_parse(&options, &path, 1, &err));
    mem_fail_after(0, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_in_range),
        cmocka_unit_test(values_are_checked),
        cmocka_unit_test(allocation_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
