/* test_rule_unnest.c -- which join a subquery becomes. */
#include "rel_fixture.h"

#include "olap/column/chunk.h"

/* t is #0..#3, u is #4..#7 in all of these. */
struct two {
    struct fixture f;
    struct rel *t, *u;
};

static void two_init(struct two *w)
{
    fixture_init(&w->f);
    w->t = fixture_scan(&w->f, "t", 1000);
    w->u = fixture_scan(&w->f, "u", 1000);
}

static void expect(struct two *w, struct rel *rel, const char *text)
{
    MUST(&w->f, rule_unnest(&w->f.q, &rel));
    assert_string_equal(fixture_text(&w->f, rel), text);
    fixture_deinit(&w->f);
}

/* WHERE [NOT] EXISTS (SELECT ... FROM u WHERE u.a = t.a) */
static struct rel *exists(struct two *w, bool negated)
{
    struct rel *right = fixture_filter(&w->f, w->u, fixture_equal(&w->f, 5, 1));
    struct rel *apply = fixture_apply(&w->f, APPLY_EXISTS, w->t, right, 0, NULL);
    expr_ref mark = fixture_column(&w->f, apply->u.apply.result);
    return fixture_filter(&w->f, apply, negated ? fixture_not(&w->f, mark) : mark);
}

static void test_exists(void **state)
{
    struct two w;
    YODA_UNUSED(state);
    two_init(&w);
    expect(&w, exists(&w, false),
           "map #8 = 1\n"
           "  semi join #5 = #1\n"
           "    scan t #0..\n"
           "    scan u #4..\n");
    two_init(&w);
    expect(&w, exists(&w, true),
           "map #8 = 0\n"
           "  anti join #5 = #1\n"
           "    scan t #0..\n"
           "    scan u #4..\n");
}

/* The mark as a value stays a mark. */
static void test_exists_value(void **state)
{
    struct two w;
    YODA_UNUSED(state);
    two_init(&w);
    expect(&w, exists(&w, false)->child,
           "mark join #8 #5 = #1\n"
           "  scan t #0..\n"
           "  scan u #4..\n");
}

/* WHERE t.b NOT IN (SELECT u.b FROM u WHERE u.a = t.a): three-valued, the comparison first. */
static void test_not_in(void **state)
{
    struct two w;
    YODA_UNUSED(state);
    two_init(&w);
    struct rel *right = fixture_filter(&w.f, w.u, fixture_equal(&w.f, 5, 1));
    struct rel *rel = fixture_apply(&w.f, APPLY_IN, w.t, right, 0, fixture_equal(&w.f, 2, 6));
    rel = fixture_filter(&w.f, rel, fixture_not(&w.f, fixture_column(&w.f, rel->u.apply.result)));
    MUST(&w.f, rule_unnest(&w.f.q, &rel));
    assert_true(rel->child->u.join.null_aware);
    assert_string_equal(fixture_text(&w.f, rel), "map #8 = 0\n"
                                                 "  anti join #2 = #6 AND #5 = #1\n"
                                                 "    scan t #0..\n"
                                                 "    scan u #4..\n");
    fixture_deinit(&w.f);
}

/* NOT IN over what cannot be NULL needs no three values; nor does IN as a condition. */
static void test_in_without_null(void **state)
{
    struct two w;
    YODA_UNUSED(state);
    two_init(&w);
    struct rel *rel = fixture_apply(&w.f, APPLY_IN, w.t, w.u, 0, fixture_equal(&w.f, 0, 4));
    rel = fixture_filter(&w.f, rel, fixture_not(&w.f, fixture_column(&w.f, rel->u.apply.result)));
    MUST(&w.f, rule_unnest(&w.f.q, &rel));
    assert_false(rel->child->u.join.null_aware);
    fixture_deinit(&w.f);
}

/* NOT IN with a tie that does not hash: no row for which the comparison is true or NULL. */
static void test_not_in_residual(void **state)
{
    struct two w;
    YODA_UNUSED(state);
    two_init(&w);
    expr_ref tie = fixture_compare(&w.f, OP_LT, fixture_column(&w.f, 5), fixture_column(&w.f, 1));
    struct rel *right = fixture_filter(&w.f, w.u, tie);
    struct rel *rel = fixture_apply(&w.f, APPLY_IN, w.t, right, 0, fixture_equal(&w.f, 2, 6));
    rel = fixture_filter(&w.f, rel, fixture_not(&w.f, fixture_column(&w.f, rel->u.apply.result)));
    MUST(&w.f, rule_unnest(&w.f.q, &rel));
    assert_int_equal(rel->child->u.join.kind, REL_ANTI);
    assert_false(rel->child->u.join.null_aware);
    assert_int_equal(rel->child->u.join.on.items[0]->kind, EXPR_CALL);
    fixture_deinit(&w.f);
}

/* SELECT (SELECT count(*) FROM u WHERE u.a = t.a): 0 where there is no group. */
static void test_count(void **state)
{
    struct two w;
    YODA_UNUSED(state);
    two_init(&w);
    struct rel *right = fixture_filter(&w.f, w.u, fixture_equal(&w.f, 5, 1));
    right = fixture_aggregate(&w.f, right, AGG_COUNT_ROWS, NULL, NULL, 0);
    struct rel *rel = fixture_apply(&w.f, APPLY_SCALAR, w.t, right, 8, NULL);
    expect(&w, rel,
           "map #9 = #8\n"
           "  map #8 = coalesce(#10, 0)\n"
           "    left join #5 = #1\n"
           "      scan t #0..\n"
           "      aggregate by #5; #10 = count_rows()\n"
           "        scan u #4..\n");
}

/* A whole table's aggregate is one row: a product with it. */
static void test_uncorrelated_aggregate(void **state)
{
    struct two w;
    YODA_UNUSED(state);
    two_init(&w);
    struct rel *right = fixture_aggregate(&w.f, w.u, AGG_MAX, fixture_column(&w.f, 5), NULL, 0);
    struct rel *rel = fixture_apply(&w.f, APPLY_SCALAR, w.t, right, 8, NULL);
    expect(&w, rel,
           "map #9 = #8\n"
           "  inner join\n"
           "    scan t #0..\n"
           "    aggregate; #8 = max(#5)\n"
           "      scan u #4..\n");
}

static void test_scalar(void **state)
{
    struct two w;
    YODA_UNUSED(state);
    two_init(&w);
    struct rel *right = fixture_filter(&w.f, w.u, fixture_equal(&w.f, 4, 1));
    struct rel *rel = fixture_apply(&w.f, APPLY_SCALAR, w.t, right, 6, NULL);
    MUST(&w.f, rule_unnest(&w.f.q, &rel));
    assert_true(w.f.q.columns[6].classes & CLASS_NULL);
    assert_string_equal(fixture_text(&w.f, rel), "map #8 = #6\n"
                                                 "  single join #4 = #1\n"
                                                 "    scan t #0..\n"
                                                 "    scan u #4..\n");
    MUST(&w.f, rule_outer_to_inner(&w.f.q, &rel)); /* on a key: no second match to look for */
    assert_int_equal(rel->child->u.join.kind, REL_LEFT);
    fixture_deinit(&w.f);
}

static uint32_t count_kind(struct rel *rel, enum rel_kind kind)
{
    struct rel **input;
    uint32_t n = rel->kind == kind;
    for (uint32_t i = 0; (input = rel_input_at(rel, i)); i++)
        n += count_kind(*input, kind);
    return n;
}

/* (SELECT count(*) FROM u WHERE u.a < t.a): by the distinct values of t.a. */
static void test_domain(void **state)
{
    struct two w;
    YODA_UNUSED(state);
    two_init(&w);
    expr_ref tie = fixture_compare(&w.f, OP_LT, fixture_column(&w.f, 5), fixture_column(&w.f, 1));
    struct rel *right = fixture_filter(&w.f, w.u, tie);
    right = fixture_aggregate(&w.f, right, AGG_COUNT_ROWS, NULL, NULL, 0);
    struct rel *rel = fixture_apply(&w.f, APPLY_SCALAR, w.t, right, 8, NULL);
    MUST(&w.f, rule_unnest(&w.f.q, &rel));
    uint64_t *free;
    MUST(&w.f, rel_new_set(&w.f.q, &free));
    MUST(&w.f, rel_free(&w.f.q, rel, free));
    for (size_t i = 0; i < rel_set_words(&w.f.q); i++)
        assert_int_equal(free[i], 0);
    assert_int_equal(count_kind(rel, REL_APPLY), 0);
    assert_int_equal(count_kind(rel, REL_SHARED), 3); /* t, and D twice: one to be kept whole */
    MUST(&w.f, rule_push_down(&w.f.q, &rel));
    assert_int_equal(rel->kind, REL_MAP);
    assert_int_equal(rel->child->u.join.kind, REL_SINGLE);
    fixture_deinit(&w.f);
}

/* EXISTS in EXISTS, the inner one tied to the outermost query. */
static void test_nested(void **state)
{
    struct two w;
    YODA_UNUSED(state);
    two_init(&w);
    struct rel *v = fixture_scan(&w.f, "v", 1000); /* #8.. */
    expr_ref ties = fixture_and(&w.f, fixture_equal(&w.f, 9, 1), fixture_equal(&w.f, 10, 6));
    struct rel *inner =
        fixture_apply(&w.f, APPLY_EXISTS, w.u, fixture_filter(&w.f, v, ties), 0, NULL);
    struct rel *right = fixture_filter(&w.f, inner, fixture_column(&w.f, inner->u.apply.result));
    struct rel *rel = fixture_apply(&w.f, APPLY_EXISTS, w.t, right, 0, NULL);
    rel = fixture_filter(&w.f, rel, fixture_column(&w.f, rel->u.apply.result));
    MUST(&w.f, rule_unnest(&w.f.q, &rel));
    assert_int_equal(count_kind(rel, REL_APPLY), 0);
    assert_int_equal(rel->child->u.join.kind, REL_SEMI);
    fixture_deinit(&w.f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exists),
        cmocka_unit_test(test_exists_value),
        cmocka_unit_test(test_not_in),
        cmocka_unit_test(test_in_without_null),
        cmocka_unit_test(test_not_in_residual),
        cmocka_unit_test(test_count),
        cmocka_unit_test(test_uncorrelated_aggregate),
        cmocka_unit_test(test_scalar),
        cmocka_unit_test(test_domain),
        cmocka_unit_test(test_nested),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
