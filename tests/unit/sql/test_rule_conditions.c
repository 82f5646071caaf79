/*
 * test_rule_conditions.c -- rules that find new conditions, and those that drop what is not needed:
 * factor_or, transitive, outer_to_inner, eliminate.
 */
#include "rel_fixture.h"

/* t is #0..#3, u is #4..#7. */
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

static void expect(struct two *w, const struct rel *rel, const char *text)
{
    assert_string_equal(fixture_text(&w->f, rel), text);
    fixture_deinit(&w->f);
}

/* ---- factor_or ---- */

static void test_common_conjunct(void **state)
{
    struct two w;
    YODA_UNUSED(state);
    two_init(&w);
    struct fixture *f = &w.f;
    expr_ref tie = fixture_equal(f, 0, 5);
    expr_ref e = fixture_or(f, fixture_and(f, tie, fixture_is(f, 1, 1)),
                            fixture_and(f, fixture_is(f, 1, 2), tie));
    struct rel *rel = fixture_join(f, REL_INNER, w.t, w.u, NULL);
    rel = fixture_filter(f, rel, e);
    MUST(f, rule_factor_or(&f->q, &rel));
    MUST(f, rule_push_down(&f->q, &rel));
    expect(&w, rel,
           "inner join #0 = #5\n"
           "  scan t #0.. (#1 = 1) OR (#1 = 2) AND (#1 = 1) OR (#1 = 2)\n"
           "  scan u #4..\n");
}

/* TPC-H Q7: each branch says something of each table. */
static void test_one_table_each(void **state)
{
    struct two w;
    YODA_UNUSED(state);
    two_init(&w);
    struct fixture *f = &w.f;
    expr_ref e = fixture_or(f, fixture_and(f, fixture_is(f, 1, 1), fixture_is(f, 5, 2)),
                            fixture_and(f, fixture_is(f, 1, 2), fixture_is(f, 5, 1)));
    struct rel *rel = fixture_join(f, REL_INNER, w.t, w.u, fixture_equal(f, 0, 4));
    rel = fixture_filter(f, rel, e);
    MUST(f, rule_factor_or(&f->q, &rel));
    MUST(f, rule_push_down(&f->q, &rel));
    assert_int_equal(rel->kind, REL_JOIN);
    assert_int_equal(rel->u.join.on.count, 2);
    assert_int_equal(rel->child->u.scan.filters.count, 1);
    assert_int_equal(rel->right->u.scan.filters.count, 1);
    fixture_deinit(f);
}

/* ---- transitive ---- */

static void test_constant_travels(void **state)
{
    struct two w;
    YODA_UNUSED(state);
    two_init(&w);
    struct fixture *f = &w.f;
    struct rel *rel = fixture_join(f, REL_INNER, w.t, w.u, fixture_equal(f, 1, 5));
    rel = fixture_filter(f, rel, fixture_is(f, 1, 7));
    MUST(f, rule_push_down(&f->q, &rel));
    MUST(f, rule_transitive(&f->q, &rel));
    MUST(f, rule_push_down(&f->q, &rel));
    expect(&w, rel,
           "inner join #1 = #5\n"
           "  scan t #0.. #1 = 7\n"
           "  scan u #4.. #5 = 7\n");
}

/* Into the condition of an outer join, never out of it. */
static void test_constant_into_outer(void **state)
{
    struct two w;
    YODA_UNUSED(state);
    two_init(&w);
    struct fixture *f = &w.f;
    struct rel *rel = fixture_join(f, REL_LEFT, w.t, w.u, fixture_equal(f, 1, 5));
    MUST(f, expr_list_add(&f->q, &rel->u.join.on, fixture_is(f, 6, 3)));
    rel = fixture_filter(f, rel, fixture_is(f, 1, 7));
    MUST(f, rule_push_down(&f->q, &rel));
    MUST(f, rule_transitive(&f->q, &rel));
    MUST(f, rule_push_down(&f->q, &rel));
    expect(&w, rel,
           "left join #1 = #5\n"
           "  scan t #0.. #1 = 7\n"
           "  scan u #4.. #6 = 3 AND #5 = 7\n");
}

/* ---- outer_to_inner ---- */

static enum rel_join after(struct two *w, enum rel_join kind, expr_ref filter)
{
    struct fixture *f = &w->f;
    struct rel *rel = fixture_join(f, kind, w->t, w->u, fixture_equal(f, 1, 5));
    struct rel *top = fixture_filter(f, rel, filter);
    MUST(f, rule_outer_to_inner(&f->q, &top));
    return rel->u.join.kind;
}

static void test_outer_to_inner(void **state)
{
    struct two w;
    expr_ref null, not_null;
    YODA_UNUSED(state);
    two_init(&w);
    struct fixture *f = &w.f;
    MUST(f, expr_is_null(&f->q.build, fixture_column(f, 6), false, &null));
    MUST(f, expr_is_null(&f->q.build, fixture_column(f, 6), true, &not_null));
    assert_int_equal(after(&w, REL_LEFT, fixture_is(f, 6, 1)), REL_INNER);
    assert_int_equal(after(&w, REL_LEFT, not_null), REL_INNER);
    assert_int_equal(after(&w, REL_LEFT, null), REL_LEFT);
    assert_int_equal(after(&w, REL_LEFT, fixture_is(f, 1, 1)), REL_LEFT);
    assert_int_equal(after(&w, REL_LEFT, fixture_or(f, fixture_is(f, 6, 1), fixture_is(f, 1, 1))),
                     REL_LEFT);
    assert_int_equal(after(&w, REL_LEFT, fixture_or(f, fixture_is(f, 6, 1), fixture_is(f, 7, 1))),
                     REL_INNER);
    assert_int_equal(after(&w, REL_FULL, fixture_is(f, 6, 1)), REL_LEFT);
    assert_int_equal(after(&w, REL_FULL, fixture_is(f, 1, 1)), REL_LEFT);
    assert_int_equal(after(&w, REL_FULL, fixture_equal(f, 2, 6)), REL_INNER);
    fixture_deinit(f);
}

/* FULL that keeps the right side: the sides change. */
static void test_full_keeps_right(void **state)
{
    struct two w;
    YODA_UNUSED(state);
    two_init(&w);
    struct fixture *f = &w.f;
    struct rel *rel = fixture_join(f, REL_FULL, w.t, w.u, fixture_equal(f, 1, 5));
    struct rel *top = fixture_filter(f, rel, fixture_is(f, 6, 1));
    MUST(f, rule_outer_to_inner(&f->q, &top));
    assert_ptr_equal(rel->child, w.u);
    fixture_deinit(f);
}

/* ---- eliminate ---- */

static yoda_status eliminate(struct fixture *f, struct rel **rel, uint32_t column)
{
    uint64_t *needed;
    TRY(rel_new_set(&f->q, &needed));
    bit_set(needed, column);
    return rule_eliminate(&f->q, rel, needed);
}

static void test_left_join_goes(void **state)
{
    struct two w;
    YODA_UNUSED(state);
    two_init(&w);
    struct fixture *f = &w.f;
    struct rel *key = fixture_join(f, REL_LEFT, w.t, w.u, fixture_equal(f, 1, 4)), *rel = key;
    MUST(f, eliminate(f, &rel, 5));
    assert_ptr_equal(rel, key); /* the right side is read */
    MUST(f, eliminate(f, &rel, 2));
    assert_ptr_equal(rel, w.t);
    struct rel *other = fixture_join(f, REL_LEFT, w.t, w.u, fixture_equal(f, 1, 5));
    rel = other;
    MUST(f, eliminate(f, &rel, 2));
    assert_ptr_equal(rel, other); /* not on a key: rows may double */
    struct rel *inner = fixture_join(f, REL_INNER, w.t, w.u, fixture_equal(f, 1, 4));
    rel = inner;
    MUST(f, eliminate(f, &rel, 2));
    assert_ptr_equal(rel, inner); /* a match may lack */
    fixture_deinit(f);
}

static void test_distinct_goes(void **state)
{
    struct two w;
    const uint32_t with_key[2] = {1, 0}, without[2] = {1, 2};
    struct rel *rel;
    YODA_UNUSED(state);
    two_init(&w);
    MUST(&w.f, rel_distinct(&w.f.q, w.t, with_key, 2, &rel));
    MUST(&w.f, eliminate(&w.f, &rel, 1));
    assert_ptr_equal(rel, w.t);
    MUST(&w.f, rel_distinct(&w.f.q, w.t, without, 2, &rel));
    MUST(&w.f, eliminate(&w.f, &rel, 1));
    assert_int_equal(rel->kind, REL_AGGREGATE);
    fixture_deinit(&w.f);
}

static void test_unread_map_goes(void **state)
{
    struct two w;
    uint32_t column;
    expr_ref sum;
    YODA_UNUSED(state);
    two_init(&w);
    struct rel *rel = w.t;
    MUST(&w.f, expr_arithmetic(&w.f.q.build, OP_ADD, fixture_column(&w.f, 1), fixture_int(&w.f, 1),
                               &sum));
    MUST(&w.f, rel_compute(&w.f.q, &rel, sum, "sum", &column));
    struct rel *map = rel;
    MUST(&w.f, eliminate(&w.f, &rel, column));
    assert_ptr_equal(rel, map);
    MUST(&w.f, eliminate(&w.f, &rel, 1));
    assert_ptr_equal(rel, w.t);
    fixture_deinit(&w.f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_common_conjunct),  cmocka_unit_test(test_one_table_each),
        cmocka_unit_test(test_constant_travels), cmocka_unit_test(test_constant_into_outer),
        cmocka_unit_test(test_outer_to_inner),   cmocka_unit_test(test_full_keeps_right),
        cmocka_unit_test(test_left_join_goes),   cmocka_unit_test(test_distinct_goes),
        cmocka_unit_test(test_unread_map_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
