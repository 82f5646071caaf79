/*
 * test_plan_limits.c -- where a plan must stop or refuse: budget, cancel, deadline, failing memory,
 * ambiguous answers, overflow.
 */
#include "plan_fixture.h"

static const struct plan *plan_count(struct fixture *f, const struct plan *child, expr_ref key)
{
    struct aggregate *count = arena_new(&f->arena, struct aggregate);
    count->kind = AGG_COUNT_ROWS;
    return plan_aggregate(f, child, &key, key ? 1 : 0, count, 1);
}

static void test_cancel_and_deadline(void **state)
{
    (void)state;
    FOR_EACH_SETUP(f)
    {
        const struct plan *plan = plan_count(f, plan_scan(f, NULL, 0), NULL);
        _Atomic bool cancel = true;
        f->cancel = &cancel;
        FAILS(YODA_INTERRUPTED, run_plan(f, plan, 1, &err));
        f->cancel = NULL;
        f->deadline_ns = os_monotonic_ns() - 1;
        FAILS(YODA_TIMEOUT, run_plan(f, plan, 1, &err));
        f->deadline_ns = os_monotonic_ns() + INT64_C(1000000000000);
        OK(run_plan(f, plan, 1, &err));
        batch_list_deinit(&f->out);
        f->deadline_ns = 0;
    }
}

static void test_missing_table(void **state)
{
    (void)state;
    FOR_EACH_SETUP(f)
    {
        struct plan *scan = arena_new(&f->arena, struct plan);
        *scan = *plan_scan(f, NULL, 0);
        scan->u.scan.tid = 77;
        FAILS(YODA_NOT_COLUMNAR, run_plan(f, scan, 1, &err));
    }
}

static void test_budget(void **state)
{
    (void)state;
    static const struct sort_key key = {.column = COL_WORD};
    struct fixture *f = &fixtures[2];
    yoda_error err;
    f->pool = f->pools[1];
    const struct plan *scan = plan_scan(f, NULL, 0);
    const struct plan *plans[3] = {plan_count(f, scan, f->in[COL_BIG]),
                                   plan_sort(f, scan, &key, 1, UINT64_MAX), scan};
    for (int i = 0; i < 3; i++) {
        uint64_t before = atomic_load(&f->budget.used_bytes);
        f->budget.limit_bytes = before + 600000;
        FAILS(YODA_NOMEM, run_plan(f, plans[i], 2, &err));
        f->budget.limit_bytes = 0;
        assert_int_equal(atomic_load(&f->budget.used_bytes), before);
    }
}

/* Every allocation of a run fails once: the run fails cleanly or does not notice. */
static void test_failing_memory(void **state)
{
    (void)state;
    static const struct sort_key key = {.column = COL_WORD};
    struct fixture *f = &fixtures[1];
    yoda_error err = {0};
    f->pool = f->pools[0];
    const struct plan *scan = plan_scan(f, NULL, 0);
    expr_ref product;
    OK(expr_arithmetic(&f->b, OP_MUL, f->in[COL_NUM], f->in[COL_PRICE], &product));
    struct aggregate aggregates[3] = {{.kind = AGG_COUNT, .distinct = true, .arg = f->in[COL_K]},
                                      {.kind = AGG_MAX, .arg = f->in[COL_WORD]},
                                      {.kind = AGG_AVG, .arg = product}};
    const struct plan *plans[3] = {
        plan_aggregate(f, scan, &f->in[COL_TAG], 1, aggregates, 3),
        plan_sort(f, scan, &key, 1, 50), plan_distinct(f, scan)};
    for (int i = 0; i < 3; i++) {
        uint64_t before = atomic_load(&f->budget.used_bytes);
        uint64_t allocations = mem_allocations();
        OK(run_plan(f, plans[i], 1, &err));
        batch_list_deinit(&f->out);
        allocations = mem_allocations() - allocations;
        for (uint64_t n = 1; n <= allocations; n += n < 200 ? 1 : n / 8) {
            mem_fail_after(n, false);
            yoda_status status = run_plan(f, plans[i], 1, &err);
            mem_fail_after(0, false);
            assert_true(status == YODA_OK || status == YODA_NOMEM);
            if (status == YODA_OK)
                batch_list_deinit(&f->out);
            assert_int_equal(atomic_load(&f->budget.used_bytes), before);
        }
    }
}

static void test_pruning_is_counted(void **state)
{
    (void)state;
    struct fixture *f = &fixtures[2];
    yoda_error err;
    expr_ref filter;
    compare(f, OP_LT, f->in[COL_ID], value_int(500), &filter);
    f->pool = f->pools[1];
    OK(run_plan(f, plan_count(f, plan_scan(f, &filter, 1), NULL), 1, &err));
    uint64_t live = 0;
    for (size_t i = 0; i < 500; i++)
        live += !f->dead[i];
    assert_int_equal(batch_value(f->out.batches[0], 0, 0).i, live);
    assert_true(f->stats.vectors_read < f->stats.vectors_total);
    assert_true(f->stats.segments_total >= 2);
    batch_list_deinit(&f->out);
}

static void test_refused_at_planning(void **state)
{
    (void)state;
    FOR_EACH_SETUP(f)
    {
        struct aggregate sum = {.kind = AGG_SUM, .arg = f->in[COL_TAG]};
        FAILS(YODA_NOT_COLUMNAR, aggregate_init(&sum, &err));
        static const enum collation nocase[1] = {COLLATE_NOCASE};
        struct plan *plan = arena_new(&f->arena, struct plan);
        *plan = *plan_count(f, plan_scan(f, NULL, 0), f->in[COL_TAG]);
        plan->u.aggregate.key_collations = nocase;
        FAILS(YODA_NOT_COLUMNAR, run_plan(f, plan, 2, &err));
        struct aggregate bare = {.kind = AGG_BARE, .arg = f->in[COL_TAG]};
        FAILS(YODA_NOT_COLUMNAR,
              run_plan(f, plan_aggregate(f, plan_scan(f, NULL, 0), NULL, 0, &bare, 1), 1, &err));
    }
}

/* A sum past int64 is SQLite's to answer; AVG of the same is not. */
static void test_sum_overflow(void **state)
{
    (void)state;
    FOR_EACH_SETUP(f)
    {
        expr_ref big;
        struct value huge = value_int(INT64_MAX / 20);
        OK(expr_constant(&f->b, &huge, &big));
        struct aggregate sum = {.kind = AGG_SUM, .arg = big};
        FAILS(YODA_NOT_COLUMNAR,
              run_plan(f, plan_aggregate(f, plan_scan(f, NULL, 0), NULL, 0, &sum, 1), 1, &err));
        struct aggregate avg = {.kind = AGG_AVG, .arg = big};
        OK(run_plan(f, plan_aggregate(f, plan_scan(f, NULL, 0), NULL, 0, &avg, 1), 1, &err));
        double error = batch_value(f->out.batches[0], 0, 0).r - (double)huge.i;
        assert_true(error < (double)huge.i * 1e-14 && error > (double)huge.i * -1e-14);
        batch_list_deinit(&f->out);
    }
}

/* COUNT(DISTINCT) folds what NOCASE calls equal: 'blue' and 'BLUE'. */
static void test_count_distinct_nocase(void **state)
{
    (void)state;
    FOR_EACH_SETUP(f)
    {
        struct aggregate count = {.kind = AGG_COUNT, .distinct = true, .arg = f->in[COL_TAG],
                                  .collation = COLLATE_NOCASE};
        bool seen[4] = {false};
        for (size_t i = 0; i < f->row_count; i++) {
            const struct value *v = oracle_row(f, i) ? &oracle_row(f, i)[COL_TAG] : NULL;
            if (v && v->type == YODA_TEXT)
                seen[v->size == 3 ? 0 : v->size == 5 ? 1 : v->size == 4 ? 2 : 3] = true;
        }
        struct value expected = value_int(seen[0] + seen[1] + seen[2] + seen[3]);
        expect_row(f, &expected, 1);
        check_plan(f, plan_aggregate(f, plan_scan(f, NULL, 0), NULL, 0, &count, 1), 1, false);
    }
}

static void test_group_concat(void **state)
{
    (void)state;
    FOR_EACH_SETUP(f)
    {
        struct aggregate concat = {.kind = AGG_GROUP_CONCAT, .arg = f->in[COL_K]};
        OK(run_plan(f, plan_aggregate(f, plan_scan(f, NULL, 0), NULL, 0, &concat, 1), 1, &err));
        struct value text = batch_value(f->out.batches[0], 0, 0);
        uint64_t size = 0, count = 0; /* the order is free: lengths must add up */
        for (size_t i = 0; i < f->row_count; i++) {
            const struct value *row = oracle_row(f, i);
            if (!row || row[COL_K].type == YODA_NULL)
                continue;
            count++;
            size += row[COL_K].i < 0 || row[COL_K].i > 9 ? 2 : 1;
        }
        assert_int_equal(text.size, size + count - 1);
        batch_list_deinit(&f->out);
    }
}

static void test_values(void **state)
{
    (void)state;
    FOR_EACH_SETUP(f)
    {
        static const enum vtype types[2] = {VT_INT, VT_TEXT};
        struct value cells[4] = {value_int(7), value_text("a", 1), value_null(),
                                 value_text("bc", 2)};
        expr_ref *exprs = arena_array(&f->arena, expr_ref, 4);
        for (int i = 0; i < 4; i++)
            OK(expr_constant(&f->b, &cells[i], &exprs[i]));
        struct plan plan = {.kind = PLAN_VALUES, .column_count = 2, .types = types};
        plan.u.values.exprs = exprs;
        for (plan.u.values.row_count = 1; plan.u.values.row_count <= 2; plan.u.values.row_count++) {
            for (uint32_t r = 0; r < plan.u.values.row_count; r++)
                expect_row(f, cells + 2 * r, 2);
            check_plan(f, &plan, 2, false);
        }
    }
}

static void test_print(void **state)
{
    (void)state;
    struct fixture *f = &fixtures[0];
    static const struct sort_key key = {.column = 1, .descending = true, .nulls_last = true};
    struct str s;
    str_init(&s);
    const struct plan *plan = plan_count(f, plan_scan(f, NULL, 0), f->in[COL_TAG]);
    plan_print(plan_limit(f, plan_sort(f, plan, &key, 1, 5), 5, 0), &s);
    assert_string_equal(str_text(&s),
                        "LIMIT 5\n"
                        "└─ SORT count(*) DESC (top 5)\n"
                        "   └─ AGGREGATE by tag: count(*)\n"
                        "      └─ SCAN t (id, k, price, num, real, tag, day, word, big)\n");
    str_deinit(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cancel_and_deadline), cmocka_unit_test(test_missing_table),
        cmocka_unit_test(test_budget),              cmocka_unit_test(test_failing_memory),
        cmocka_unit_test(test_pruning_is_counted),  cmocka_unit_test(test_refused_at_planning),
        cmocka_unit_test(test_sum_overflow),        cmocka_unit_test(test_count_distinct_nocase),
        cmocka_unit_test(test_group_concat),        cmocka_unit_test(test_values),
        cmocka_unit_test(test_print),
    };
    return cmocka_run_group_tests(tests, fixtures_make, fixtures_free);
}
