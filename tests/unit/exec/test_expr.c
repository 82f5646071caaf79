/*
 * test_expr.c -- what random trees do not show: refusals, predicates, printing, tree functions,
 * lazy branches, failing allocations.
 */
#include "expr_oracle.h"

#include "olap/column/code_predicate.h"

static struct arena arena;
static struct expr_builder b;
static yoda_error err;

enum { I, R, T, N, D }; /* slots */

static int setup(void **state)
{
    (void)state;
    oracle_open();
    arena_init(&arena, NULL);
    b = (struct expr_builder){.arena = &arena, .err = &err};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_deinit(&arena);
    return 0;
}

static expr_ref input(uint32_t slot)
{
    static const uint32_t classes[] = {CLASS_INTEGER | CLASS_NULL, CLASS_REAL, CLASS_TEXT,
                                       CLASS_INTEGER | CLASS_REAL, CLASS_TEXT};
    static const enum affinity affinities[] = {AFFINITY_INTEGER, AFFINITY_REAL, AFFINITY_TEXT,
                                               AFFINITY_NUMERIC, AFFINITY_NUMERIC};
    expr_ref e;
    OK(expr_input(&b, slot, classes[slot], affinities[slot], true, COLLATE_BINARY, &e));
    return e;
}

static expr_ref integer(int64_t i)
{
    expr_ref e;
    const struct value v = value_int(i);
    OK(expr_constant(&b, &v, &e));
    return e;
}

static expr_ref text(const char *s)
{
    expr_ref e;
    const struct value v = value_text(s, strlen(s));
    OK(expr_constant(&b, &v, &e));
    return e;
}

static expr_ref compare(enum expr_op op, expr_ref a, expr_ref c)
{
    expr_ref e;
    OK(expr_compare(&b, op, a, c, &e));
    return e;
}

static void assert_prints(expr_ref e, const char *expected)
{
    static const char *const names[] = {"i", "r", "t", "n", "d"};
    struct str s;
    str_init(&s);
    expr_print(e, names, &s);
    assert_string_equal(str_text(&s), expected);
    str_deinit(&s);
}

/* Three rows of i: 9223372036854775807, 0, NULL; t: 'x', '1998-12-01', '12'. */
static const int64_t int_rows[3 + 8] = {INT64_MAX, 0, 5};
static const struct strref text_rows[3 + 4] = {{"x", 1}, {"1998-12-01", 10}, {"12", 2}};
static const uint64_t int_nulls[2] = {4};

static yoda_status eval3(expr_ref e, struct vector *out)
{
    struct vector columns[] = {
        {.type = VT_INT, .form = VF_FLAT, .count = 3, .data = int_rows, .nulls = int_nulls},
        {.type = VT_NULL, .form = VF_CONST, .count = 3},
        {.type = VT_TEXT, .form = VF_FLAT, .count = 3, .data = text_rows},
    };
    struct eval eval = {.arena = &arena};
    struct row_set rows = {.rows = 3, .column_count = 3, .columns = columns};
    return expr_eval(e, &eval, &rows, out, &err);
}

static struct value row3(const struct vector *v, uint32_t row)
{
    struct value value;
    OK(vector_value(v, row, &arena, &value, &err));
    return value;
}

static void test_overflow_is_refused(void **state)
{
    (void)state;
    expr_ref sum, abs;
    struct vector v;
    OK(expr_arithmetic(&b, OP_ADD, input(I), integer(1), &sum));
    FAILS(YODA_NOT_COLUMNAR, eval3(sum, &v));
    assert_string_equal(err.message, "integer overflow turns into REAL");
    /* The lane of a NULL row does not count. */
    OK(expr_arithmetic(&b, OP_SUB, input(I), integer(1), &sum));
    OK(eval3(sum, &v));
    assert_int_equal(row3(&v, 0).i, INT64_MAX - 1);
    assert_int_equal(row3(&v, 2).type, YODA_NULL);
    const expr_ref least = integer(INT64_MIN);
    FAILS(YODA_NOT_COLUMNAR, expr_call(&b, "abs", 3, &least, 1, &abs));
}

/* A branch no row takes may hold anything. */
static void test_branches_are_lazy(void **state)
{
    (void)state;
    expr_ref sum, date, e, small = compare(OP_LT, input(I), integer(10));
    const expr_ref t = input(T);
    struct vector v;
    OK(expr_arithmetic(&b, OP_ADD, input(I), integer(1), &sum));
    OK(expr_case(&b, NULL, &small, &sum, 1, input(I), &e));
    OK(eval3(e, &v));
    assert_int_equal(row3(&v, 0).i, INT64_MAX);
    assert_int_equal(row3(&v, 1).i, 1);
    OK(expr_call(&b, "date", 4, &t, 1, &date));
    FAILS(YODA_NOT_COLUMNAR, eval3(date, &v));
    expr_ref like;
    OK(expr_like(&b, OP_LIKE, t, text("1998%"), NULL, false, &like));
    OK(expr_case(&b, NULL, &like, &date, 1, NULL, &e));
    OK(eval3(e, &v));
    assert_int_equal(row3(&v, 0).type, YODA_NULL);
    assert_memory_equal(row3(&v, 1).p, "1998-12-01", 10);
}

/* `1 OR e` needs no e, but for its errors: SQLite has them where it evaluates both sides. */
static void test_errors_are_not_skipped(void **state)
{
    (void)state;
    expr_ref least, abs, e, like;
    struct vector v;
    OK(expr_arithmetic(&b, OP_SUB, integer(-1), input(I), &least));
    OK(expr_call(&b, "abs", 3, &least, 1, &abs));
    OK(expr_arithmetic(&b, OP_ADD, input(I), integer(1), &e)); /* a REAL there, no error */
    OK(expr_or(&b, integer(1), e, &e));
    OK(eval3(e, &v));
    OK(expr_or(&b, integer(1), abs, &e));
    FAILS(YODA_NOT_COLUMNAR, eval3(e, &v));
    OK(expr_and(&b, integer(0), compare(OP_LT, abs, integer(5)), &e));
    FAILS(YODA_NOT_COLUMNAR, eval3(e, &v));
    const expr_ref with[] = {abs, NULL, NULL, NULL, NULL};
    OK(expr_or(&b, integer(1), input(I), &e));
    OK(eval3(e, &v));
    OK(expr_substitute(&b, e, with, &e));
    FAILS(YODA_NOT_COLUMNAR, eval3(e, &v));
    OK(expr_like(&b, OP_LIKE, input(T), text("x"), input(T), false, &like));
    OK(expr_or(&b, integer(1), like, &e));
    FAILS(YODA_NOT_COLUMNAR, eval3(e, &v));
}

static void test_refusals(void **state)
{
    (void)state;
    expr_ref e;
    const expr_ref one = integer(1), both[] = {input(I), input(T)};
    FAILS(YODA_NOT_COLUMNAR, expr_call(&b, "sum", 3, &one, 1, &e));
    assert_string_equal(err.message, "function sum() runs on SQLite");
    FAILS(YODA_NOT_COLUMNAR, expr_call(&b, "max", 3, &one, 1, &e));
    FAILS(YODA_NOT_COLUMNAR, expr_call(&b, "substr", 6, &one, 1, &e));
    FAILS(YODA_NOT_COLUMNAR, expr_call(&b, "coalesce", 8, both, 2, &e));
    FAILS(YODA_NOT_COLUMNAR, expr_arithmetic(&b, OP_MOD, input(T), one, &e));
    FAILS(YODA_NOT_COLUMNAR, expr_input(&b, 0, CLASS_INTEGER | CLASS_TEXT, AFFINITY_BLOB, true,
                                        COLLATE_BINARY, &e));
    const expr_ref now = text("now"), odd[] = {text("%f"), input(T)};
    FAILS(YODA_NOT_COLUMNAR, expr_call(&b, "date", 4, &now, 1, &e));
    FAILS(YODA_NOT_COLUMNAR, expr_call(&b, "strftime", 8, odd, 2, &e));
}

static void test_folding_and_affinity(void **state)
{
    (void)state;
    expr_ref e;
    OK(expr_arithmetic(&b, OP_MUL, integer(6), integer(7), &e));
    assert_int_equal(e->kind, EXPR_CONST);
    assert_int_equal(e->constant.i, 42);
    assert_prints(compare(OP_EQ, input(I), text("12")), "i = 12");
    assert_prints(compare(OP_EQ, input(T), integer(12)), "t = '12'");
    assert_prints(compare(OP_LE, input(D), text("1998-09-02")), "d <= '1998-09-02'");
    assert_false(compare(OP_LE, input(D), text("1998-09-02"))->text_as_number);
    assert_true(compare(OP_LT, input(T), input(I))->text_as_number);
    OK(expr_not(&b, compare(OP_LT, input(I), integer(3)), &e));
    assert_prints(e, "i >= 3");
}

static void test_predicates(void **state)
{
    (void)state;
    struct predicate p;
    uint32_t slot;
    expr_ref e;
    const expr_ref items[] = {integer(3), text("1"), integer(2), integer(3), text("x")};
    assert_true(expr_as_predicate(compare(OP_GT, integer(5), input(I)), &arena, &slot, &p));
    assert_int_equal(p.op, PRED_LT);
    assert_int_equal(slot, I);
    assert_int_equal(p.constants[0].i, 5);
    assert_false(expr_as_predicate(compare(OP_LT, input(T), input(I)), &arena, &slot, &p));
    assert_false(expr_as_predicate(compare(OP_IS_NOT, input(I), integer(1)), &arena, &slot, &p));
    OK(expr_in(&b, input(I), items, 5, false, &e));
    assert_true(expr_as_predicate(e, &arena, &slot, &p));
    assert_int_equal(p.op, PRED_IN);
    assert_int_equal(p.count, 3);
    assert_prints(e, "i IN (1, 2, 3)");
    OK(expr_is_null(&b, input(T), true, &e));
    assert_true(expr_as_predicate(e, &arena, &slot, &p));
    assert_int_equal(p.op, PRED_NOT_NULL);
}

static void test_printing_and_walks(void **state)
{
    (void)state;
    static const uint32_t map[] = {3, 1, 0, 2, 4};
    expr_ref a, c, sum, when, e;
    OK(expr_arithmetic(&b, OP_SUB, integer(1), input(N), &a));
    OK(expr_arithmetic(&b, OP_MUL, input(R), a, &sum));
    assert_prints(sum, "r * (1 - n)");
    when = compare(OP_IS, input(T), text("it's"));
    OK(expr_case(&b, NULL, &when, &sum, 1, NULL, &e));
    assert_prints(e, "CASE WHEN t IS 'it''s' THEN r * (1 - n) END");
    uint64_t used[1] = {0};
    expr_inputs(e, used);
    assert_int_equal(used[0], 1u << R | 1u << T | 1u << N);
    OK(expr_remap(&b, e, map, &c));
    assert_prints(c, "CASE WHEN i IS 'it''s' THEN r * (1 - t) END");
    assert_false(expr_equal(e, c));
    OK(expr_remap(&b, e, (const uint32_t[]){0, 1, 2, 3, 4}, &c));
    assert_true(expr_equal(e, c));
    assert_false(expr_is_constant(e));
}

/* Every allocation may fail: an error comes back and nothing else happens. */
static void test_allocation_failures(void **state)
{
    (void)state;
    yoda_status status = YODA_NOMEM;
    expr_ref i = input(I);
    for (uint64_t n = 1; n < 200 && status == YODA_NOMEM; n++) {
        struct arena small;
        struct vector v;
        expr_ref product, in, e;
        arena_init(&small, NULL);
        struct expr_builder builder = {.arena = &small, .err = &err};
        mem_fail_after(n, true);
        status = expr_arithmetic(&builder, OP_MUL, i, i, &product);
        if (status == YODA_OK)
            status = expr_in(&builder, product, &i, 1, false, &in);
        if (status == YODA_OK)
            status = expr_case(&builder, NULL, &in, &i, 1, NULL, &e);
        if (status == YODA_OK)
            status = eval3(e, &v);
        mem_fail_after(0, false);
        arena_deinit(&small);
    }
    assert_int_equal(status, YODA_NOT_COLUMNAR); /* the product overflows once all else works */
}

/* A thousand levels, as deep as the parser lets through. */
static void test_deep_trees(void **state)
{
    (void)state;
    expr_ref e = input(I);
    struct vector v;
    for (int depth = 0; depth < 1000; depth++)
        OK(expr_arithmetic(&b, OP_SUB, e, integer(1), &e));
    OK(eval3(e, &v));
    assert_int_equal(row3(&v, 0).i, INT64_MAX - 1000);
    for (int depth = 0; depth < 1000; depth++)
        OK(expr_or(&b, compare(OP_EQ, input(I), integer(depth + 7)), depth ? e : input(I), &e));
    OK(eval3(e, &v));
    assert_int_equal(row3(&v, 1).i, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_overflow_is_refused), TEST(test_branches_are_lazy),
        TEST(test_errors_are_not_skipped),
        TEST(test_refusals),            TEST(test_folding_and_affinity),
        TEST(test_predicates),          TEST(test_printing_and_walks),
        TEST(test_allocation_failures), TEST(test_deep_trees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
