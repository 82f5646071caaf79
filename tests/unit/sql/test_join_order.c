/* test_join_order.c -- which tree a region of inner joins becomes. */
#include "rel_fixture.h"

static uint32_t count_scans(struct rel *rel)
{
    struct rel **input;
    uint32_t n = rel->kind == REL_SCAN;
    for (uint32_t i = 0; (input = rel_input_at(rel, i)); i++)
        n += count_scans(*input);
    return n;
}

static uint32_t count_products(struct rel *rel)
{
    struct rel **input;
    uint32_t n = rel->kind == REL_JOIN && rel->u.join.on.count == 0;
    for (uint32_t i = 0; (input = rel_input_at(rel, i)); i++)
        n += count_products(*input);
    return n;
}

/* A fact with two dimensions, written the wrong way around: the filtered one comes first. */
static void test_star(void **state)
{
    struct fixture f;
    YODA_UNUSED(state);
    fixture_init(&f);
    struct rel *a = fixture_scan(&f, "small", 1000), *b = fixture_scan(&f, "middle", 1000);
    struct rel *c = fixture_scan(&f, "fact", 100000);
    struct rel *rel = fixture_join(&f, REL_INNER, a, b, NULL);
    rel = fixture_join(&f, REL_INNER, rel, c, fixture_equal(&f, 9, 0));
    rel = fixture_filter(&f, rel, fixture_equal(&f, 10, 4));
    rel = fixture_filter(&f, rel, fixture_is(&f, 1, 3));
    MUST(&f, rule_push_down(&f.q, &rel));
    MUST(&f, rule_join_order(&f.q, &rel));
    assert_int_equal(count_products(rel), 0);
    assert_string_equal(fixture_text(&f, rel), "inner join #10 = #4\n"
                                               "  inner join #9 = #0\n"
                                               "    scan fact #8..\n"
                                               "    scan small #0.. #1 = 3\n"
                                               "  scan middle #4..\n");
    fixture_deinit(&f);
}

/* a.x = b.x and b.x = c.x: a and c may meet first, and no equality is counted twice. */
static void test_class(void **state)
{
    struct fixture f;
    YODA_UNUSED(state);
    fixture_init(&f);
    struct rel *a = fixture_scan(&f, "a", 10), *b = fixture_scan(&f, "b", 100000);
    struct rel *c = fixture_scan(&f, "c", 20);
    struct rel *rel = fixture_join(&f, REL_INNER, a, b, fixture_equal(&f, 0, 5));
    rel = fixture_join(&f, REL_INNER, rel, c, fixture_equal(&f, 5, 8));
    MUST(&f, rule_join_order(&f.q, &rel));
    assert_int_equal(rel->u.join.on.count, 1);
    assert_true(rel->child == b || rel->right == b);
    fixture_deinit(&f);
}

/* A selective SEMI join goes to its table, whatever it was written on. */
static void test_semi_sinks(void **state)
{
    struct fixture f;
    YODA_UNUSED(state);
    fixture_init(&f);
    struct rel *a = fixture_scan(&f, "orders", 100000), *b = fixture_scan(&f, "lines", 1000000);
    struct rel *c = fixture_scan(&f, "few", 10);
    struct rel *rel = fixture_join(&f, REL_INNER, a, b, fixture_equal(&f, 0, 5));
    rel = fixture_join(&f, REL_SEMI, rel, c, fixture_equal(&f, 0, 8));
    MUST(&f, rule_join_order(&f.q, &rel));
    assert_int_equal(rel->u.join.kind, REL_INNER);
    struct rel *semi = rel->child == b ? rel->right : rel->child;
    assert_int_equal(semi->u.join.kind, REL_SEMI);
    assert_ptr_equal(semi->child, a);
    fixture_deinit(&f);
}

/* MAPs inside do not stand in the way. */
static void test_map_inside(void **state)
{
    struct fixture f;
    uint32_t column;
    expr_ref sum;
    YODA_UNUSED(state);
    fixture_init(&f);
    struct rel *a = fixture_scan(&f, "a", 10), *b = fixture_scan(&f, "b", 1000);
    struct rel *c = fixture_scan(&f, "c", 100);
    struct rel *rel = fixture_join(&f, REL_INNER, a, b, fixture_equal(&f, 0, 5));
    MUST(&f,
         expr_arithmetic(&f.q.build, OP_ADD, fixture_column(&f, 1), fixture_column(&f, 6), &sum));
    MUST(&f, rel_compute(&f.q, &rel, sum, "sum", &column));
    rel = fixture_join(&f, REL_INNER, rel, c, fixture_equal(&f, column, 8));
    MUST(&f, rule_join_order(&f.q, &rel));
    assert_int_equal(rel->kind, REL_MAP);
    assert_int_equal(count_scans(rel), 3);
    assert_int_equal(count_products(rel), 0);
    fixture_deinit(&f);
}

/* A chain of n tables, in random order of writing. */
static void chain(uint32_t n, bool one_column)
{
    struct fixture f;
    uint64_t seed = test_seed() + n;
    struct rel *rel = NULL, *tables[70];
    fixture_init(&f);
    for (uint32_t i = 0; i < n; i++) {
        tables[i] = fixture_scan(&f, "t", 1 + test_random(&seed) % 100000);
        rel = rel ? fixture_join(&f, REL_INNER, rel, tables[i], NULL) : tables[i];
    }
    for (uint32_t i = 1; i < n; i++)
        rel = fixture_filter(&f, rel,
                             fixture_equal(&f, tables[i - 1]->u.scan.first + (one_column ? 1 : 0),
                                           tables[i]->u.scan.first + 1));
    MUST(&f, rule_push_down(&f.q, &rel));
    MUST(&f, rule_join_order(&f.q, &rel));
    assert_int_equal(count_scans(rel), n);
    assert_int_equal(count_products(rel), 0);
    fixture_deinit(&f);
}

static void test_chains(void **state)
{
    YODA_UNUSED(state);
    for (uint32_t n = 2; n <= 14; n++)
        chain(n, false);
    for (uint32_t n = 2; n <= 14; n += 3)
        chain(n, true); /* every table with every other: the most pairs there are */
    chain(64, false);
    chain(64, true);
}

/* More tables than a set has bits: the order stays, and nothing is lost. */
static void test_too_many(void **state)
{
    struct fixture f;
    struct rel *rel = NULL;
    YODA_UNUSED(state);
    fixture_init(&f);
    for (uint32_t i = 0; i < 70; i++) {
        struct rel *scan = fixture_scan(&f, "t", 100);
        rel = rel ? fixture_join(
                        &f, REL_INNER, rel, scan,
                        fixture_equal(&f, rel->kind == REL_SCAN ? 0 : 1, scan->u.scan.first + 1))
                  : scan;
    }
    MUST(&f, rule_join_order(&f.q, &rel));
    assert_int_equal(count_scans(rel), 70);
    fixture_deinit(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_star),       cmocka_unit_test(test_class),
        cmocka_unit_test(test_semi_sinks), cmocka_unit_test(test_map_inside),
        cmocka_unit_test(test_chains),     cmocka_unit_test(test_too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
