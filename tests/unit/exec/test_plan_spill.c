/*
 * test_plan_spill.c -- breakers past their memory: the same answers by way of the disk, YODA_NOMEM
 * without one, and clean failures of the disk.
 */
#include "plan_fixture.h"

#define BUDGET_BYTES (UINT64_C(12) << 20)

static const struct sort_key by_id = {.column = 0};

/* What a plan did under a budget of its own. */
struct outcome {
    char **lines;
    size_t rows;
    uint64_t spilled_bytes, scanned;
};

static yoda_status run_in(struct fixture *f, const struct plan *plan, uint64_t budget_bytes,
                          const char *directory, struct outcome *out, yoda_error *err)
{
    struct mem_budget budget;
    struct op_profile profile[16];
    struct run_stats stats;
    memset(profile, 0, sizeof profile);
    memset(&stats, 0, sizeof stats);
    mem_budget_init(&budget, NULL, budget_bytes);
    struct run_context context = {.pool = f->pools[1], .budget = &budget, .knobs = f->knobs,
                                  .spill_directory = directory, .profile = profile,
                                  .stats = &stats};
    assert_true(plan_number((struct plan *)(uintptr_t)plan) <= COUNT_OF(profile));
    batch_list_init(&f->out, plan->column_count, NULL);
    yoda_status status =
        plan_run(plan, f->snapshot.version, plan->column_count, &context, &f->out, err);
    mem_fail_after(0, false);
    *out = (struct outcome){0};
    out->scanned = atomic_load(&stats.rows_scanned);
    for (size_t i = 0; i < COUNT_OF(profile); i++)
        out->spilled_bytes += atomic_load(&profile[i].spilled_bytes);
    if (status == YODA_OK) {
        out->rows = f->out.rows;
        out->lines = result_lines(f, plan->column_count);
    }
    batch_list_deinit(&f->out);
    assert_int_equal(atomic_load(&budget.used_bytes), 0);
    return status;
}

static void forget(struct outcome *o)
{
    if (o->lines)
        free_lines(o->lines, o->rows);
    free(o->lines);
}

static void check_same(struct outcome *a, struct outcome *b, bool ordered)
{
    assert_int_equal(a->rows, b->rows);
    if (!ordered) {
        qsort(a->lines, a->rows, sizeof *a->lines, by_line);
        qsort(b->lines, b->rows, sizeof *b->lines, by_line);
    }
    for (size_t i = 0; i < a->rows; i++)
        assert_string_equal(a->lines[i], b->lines[i]);
}

static yoda_status count_entry(void *ctx, const char *name)
{
    (void)name;
    ++*(int *)ctx;
    return YODA_OK;
}

static void check_directory_empty(void)
{
    yoda_error err;
    int entries = 0;
    OK(os_list(spill_directory, count_entry, &entries, &err));
    assert_int_equal(entries, 0);
}

/* A part of the rows, whose first column is `big`: the result is kept in memory, too. */
static const struct plan *some_of(struct fixture *f, const struct plan *plan)
{
    yoda_error err;
    expr_ref big, part;
    OK(expr_input(&f->b, 0, CLASS_INTEGER | CLASS_NULL, AFFINITY_BLOB, true, COLLATE_BINARY, &big));
    compare(f, OP_LT, big, value_int((int64_t)f->row_count / 20 * 1000000007), &part);
    return plan_filter(f, plan, part);
}

/* Every breaker over many groups or rows: texts, numbers, NULLs. */
static uint32_t make_plans(struct fixture *f, const struct plan **plans, bool *ordered)
{
    struct aggregate *aggregates = arena_array(&f->arena, struct aggregate, 8);
    uint32_t n = 0;
    yoda_error err;
    aggregates[n++] = (struct aggregate){.kind = AGG_COUNT_ROWS};
    aggregates[n++] = (struct aggregate){.kind = AGG_SUM, .arg = f->in[COL_K]};
    aggregates[n++] = (struct aggregate){.kind = AGG_SUM, .arg = f->in[COL_PRICE]};
    aggregates[n++] = (struct aggregate){.kind = AGG_MIN, .arg = f->in[COL_WORD]};
    aggregates[n++] = (struct aggregate){.kind = AGG_MAX, .arg = f->in[COL_REAL]};
    aggregates[n++] =
        (struct aggregate){.kind = AGG_COUNT, .distinct = true, .arg = f->in[COL_NUM]};
    compare(f, OP_GT, f->in[COL_K], value_int(3), (expr_ref *)&aggregates[1].filter);
    for (uint32_t i = 0; i < n; i++)
        OK(aggregate_init(&aggregates[i], &err));
    const struct plan *scan = plan_scan(f, NULL, 0);
    expr_ref *keys = arena_array(&f->arena, expr_ref, 4);
    keys[0] = f->in[COL_BIG];
    keys[1] = f->in[COL_WORD];
    keys[2] = f->in[COL_TAG];
    plans[0] = some_of(f, plan_aggregate(f, scan, keys, 1, aggregates, n));
    plans[1] = some_of(f, plan_aggregate(f, scan, keys, 3, aggregates, n));
    plans[2] = some_of(f, plan_distinct(f, plan_project(f, scan, keys, 3)));
    struct sort_key *order = arena_array(&f->arena, struct sort_key, 3);
    order[0] = (struct sort_key){.column = COL_WORD, .descending = true, .nulls_last = true};
    order[1] = (struct sort_key){.column = COL_ID};
    plans[3] = plan_limit(f, plan_sort(f, scan, order, 2, UINT64_MAX), 5000, f->row_count / 2);
    plans[4] = plan_sort(f, plan_distinct(f, plan_project(f, scan, f->in, 1)), &by_id, 1,
                         UINT64_MAX);
    plans[5] = plan_limit(f, plan_sort(f, scan, order, 2, 30000), 5000, 25000);
    for (uint32_t i = 0; i < 6; i++)
        ordered[i] = i >= 3;
    return 6;
}

static void test_budget(void **state)
{
    (void)state;
    struct fixture *f = &fixtures[2];
    const struct plan *plans[8];
    bool ordered[8];
    uint32_t count = make_plans(f, plans, ordered);
    for (uint32_t i = 0; i < count; i++) {
        yoda_error err;
        struct outcome free_run, tight;
        OK(run_in(f, plans[i], 0, spill_directory, &free_run, &err));
        assert_int_equal(free_run.spilled_bytes, 0);
        OK(run_in(f, plans[i], BUDGET_BYTES, spill_directory, &tight, &err));
        assert_true(tight.spilled_bytes > 0 || i >= 4);
        check_same(&free_run, &tight, ordered[i]);
        forget(&tight);
        forget(&free_run);
    }
    check_directory_empty();
}

static void test_no_directory(void **state)
{
    (void)state;
    struct fixture *f = &fixtures[2];
    const struct plan *plans[8];
    bool ordered[8];
    make_plans(f, plans, ordered);
    for (uint32_t i = 0; i < 4; i++) {
        yoda_error err;
        struct outcome none;
        FAILS(YODA_NOMEM, run_in(f, plans[i], BUDGET_BYTES / 4, NULL, &none, &err));
    }
}

static void test_disk_full(void **state)
{
    (void)state;
    struct fixture *f = &fixtures[1];
    const struct plan *plans[8];
    bool ordered[8];
    uint32_t count = make_plans(f, plans, ordered);
    f->knobs.spill_after_bytes = 20000;
    for (uint32_t i = 0; i < count; i++) {
        yoda_status status = YODA_FULL;
        for (uint64_t n = 1; status != YODA_OK; n++) {
            yoda_error err;
            struct outcome o;
            os_fail_after(n, true);
            status = run_in(f, plans[i], 0, spill_directory, &o, &err);
            os_fail_after(0, true);
            n += n / 10;
            assert_true(status == YODA_OK || status == YODA_FULL);
            assert_true(status == YODA_OK || strstr(err.message, spill_directory));
            forget(&o);
        }
    }
    f->knobs.spill_after_bytes = 0;
}

static void test_no_memory(void **state)
{
    (void)state;
    struct fixture *f = &fixtures[0];
    const struct plan *plans[8];
    bool ordered[8];
    uint32_t count = make_plans(f, plans, ordered);
    f->knobs = (struct run_knobs){.spill_after_bytes = 1, .vector_rows = 10};
    for (uint32_t i = 0; i < count; i++) {
        yoda_status status = YODA_NOMEM;
        for (uint64_t n = 1; status != YODA_OK; n += 1 + n / 50) {
            yoda_error err;
            struct outcome o;
            mem_fail_after(n, false);
            status = run_in(f, plans[i], 0, spill_directory, &o, &err);
            assert_true(status == YODA_OK || status == YODA_NOMEM);
            forget(&o);
        }
    }
    f->knobs = (struct run_knobs){0};
}

/* DISTINCT under a LIMIT without an order: any rows of the answer, no more. */
static void test_limited_distinct(void **state)
{
    (void)state;
    FOR_EACH_SETUP(f)
    {
        const struct plan *all =
            plan_distinct(f, plan_project(f, plan_scan(f, NULL, 0), &f->in[COL_WORD], 1));
        for (uint64_t limit = 1; limit <= 1000; limit *= 10) {
            const struct plan *some = plan_limit(f, all, limit, 5);
            struct outcome full, part;
            OK(run_in(f, all, 0, NULL, &full, &err));
            OK(run_in(f, some, 0, NULL, &part, &err));
            uint64_t left = full.rows > 5 ? full.rows - 5 : 0;
            assert_true(full.rows < 1000 || limit > 10 || part.scanned < f->row_count / 2);
            assert_int_equal(part.rows, left < limit ? left : limit);
            qsort(full.lines, full.rows, sizeof *full.lines, by_line);
            qsort(part.lines, part.rows, sizeof *part.lines, by_line);
            for (size_t i = 0, at = 0; i < part.rows; i++, at++) { /* each once */
                while (at < full.rows && strcmp(full.lines[at], part.lines[i]) != 0)
                    at++;
                assert_true(at < full.rows);
            }
            forget(&full);
            forget(&part);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_budget),           cmocka_unit_test(test_no_directory),
        cmocka_unit_test(test_disk_full),        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_limited_distinct),
    };
    return cmocka_run_group_tests(tests, fixtures_make, fixtures_free);
}
