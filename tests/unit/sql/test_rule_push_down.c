/* test_rule_push_down.c -- where filters come to rest, and what they may not pass. */
#include "rel_fixture.h"

static void test_into_scans(void **state)
{
    struct fixture f;
    YODA_UNUSED(state);
    fixture_init(&f);
    struct rel *t = fixture_scan(&f, "t", 100), *u = fixture_scan(&f, "u", 100);
    struct rel *rel = fixture_join(&f, REL_INNER, t, u, NULL);
    rel = fixture_filter(&f, rel, fixture_is(&f, 1, 5));
    rel = fixture_filter(&f, rel, fixture_is(&f, 6, 7));
    rel = fixture_filter(&f, rel, fixture_equal(&f, 0, 5));
    MUST(&f, rule_push_down(&f.q, &rel));
    assert_string_equal(fixture_text(&f, rel), "inner join #0 = #5\n"
                                               "  scan t #0.. #1 = 5\n"
                                               "  scan u #4.. #6 = 7\n");
    fixture_deinit(&f);
}

static void test_outer_join(void **state)
{
    struct fixture f;
    YODA_UNUSED(state);
    fixture_init(&f);
    struct rel *t = fixture_scan(&f, "t", 100), *u = fixture_scan(&f, "u", 100);
    expr_ref on = fixture_and(&f, fixture_equal(&f, 0, 5),
                              fixture_and(&f, fixture_is(&f, 6, 1), fixture_is(&f, 1, 2)));
    struct rel *rel = fixture_join(&f, REL_LEFT, t, u, on);
    rel = fixture_filter(&f, rel, fixture_is(&f, 2, 3));
    rel = fixture_filter(&f, rel, fixture_is(&f, 7, 4));
    MUST(&f, rule_push_down(&f.q, &rel));
    assert_string_equal(fixture_text(&f, rel), "filter #7 = 4\n"
                                               "  left join #0 = #5 AND #1 = 2\n"
                                               "    scan t #0.. #2 = 3\n"
                                               "    scan u #4.. #6 = 1\n");
    fixture_deinit(&f);
}

static void test_through_map_and_groups(void **state)
{
    struct fixture f;
    YODA_UNUSED(state);
    fixture_init(&f);
    struct rel *rel = fixture_scan(&f, "t", 100);
    expr_ref sum;
    uint32_t column;
    MUST(&f, expr_arithmetic(&f.q.build, OP_ADD, fixture_column(&f, 1), fixture_int(&f, 1), &sum));
    MUST(&f, rel_compute(&f.q, &rel, sum, "s", &column));
    rel = fixture_aggregate(&f, rel, AGG_COUNT_ROWS, NULL, &column, 1);
    uint32_t count = rel->u.aggregate.columns[0];
    rel = fixture_filter(&f, rel, fixture_is(&f, column, 3));
    rel = fixture_filter(&f, rel, fixture_is(&f, count, 2));
    MUST(&f, rule_push_down(&f.q, &rel));
    assert_string_equal(fixture_text(&f, rel), "filter #5 = 2\n"
                                               "  aggregate by #4; #5 = count_rows()\n"
                                               "    map #4 = #1 + 1\n"
                                               "      scan t #0.. (#1 + 1) = 3\n");
    fixture_deinit(&f);
}

static void test_not_through_limit_and_full(void **state)
{
    struct fixture f;
    YODA_UNUSED(state);
    fixture_init(&f);
    struct rel *t = fixture_scan(&f, "t", 100), *u = fixture_scan(&f, "u", 100), *limit;
    struct rel *rel = fixture_join(&f, REL_FULL, t, u, fixture_equal(&f, 0, 5));
    MUST(&f, rel_new(&f.q, REL_LIMIT, rel, &limit));
    limit->u.limit.limit = 3;
    rel = fixture_filter(&f, limit, fixture_is(&f, 1, 5));
    MUST(&f, rule_push_down(&f.q, &rel));
    assert_string_equal(fixture_text(&f, rel), "filter #1 = 5\n"
                                               "  limit\n"
                                               "    full join #0 = #5\n"
                                               "      scan t #0..\n"
                                               "      scan u #4..\n");
    fixture_deinit(&f);
}

/* What is never true leaves no rows, of the left side of a LEFT JOIN none at all. */
static void test_never_true(void **state)
{
    struct fixture f;
    YODA_UNUSED(state);
    fixture_init(&f);
    struct rel *rel = fixture_filter(&f, fixture_scan(&f, "t", 100), fixture_int(&f, 0));
    MUST(&f, rule_push_down(&f.q, &rel));
    assert_string_equal(fixture_text(&f, rel), "values x0 #0, #1, #2, #3\n");
    rel = fixture_filter(&f, fixture_scan(&f, "u", 100), fixture_int(&f, 7));
    MUST(&f, rule_push_down(&f.q, &rel));
    assert_string_equal(fixture_text(&f, rel), "scan u #4..\n");
    fixture_deinit(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_into_scans),
        cmocka_unit_test(test_outer_join),
        cmocka_unit_test(test_through_map_and_groups),
        cmocka_unit_test(test_not_through_limit_and_full),
        cmocka_unit_test(test_never_true),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
