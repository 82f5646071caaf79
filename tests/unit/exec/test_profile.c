/*
 * test_profile.c -- a profiled run: the same answer, and each node's rows, time and memory.
 */
#include "plan_fixture.h"

#include "base/os.h"

static const struct plan *plan_count(struct fixture *f, const struct plan *child, expr_ref key)
{
    struct aggregate *count = arena_new(&f->arena, struct aggregate);
    count->kind = AGG_COUNT_ROWS;
    return plan_aggregate(f, child, &key, key ? 1 : 0, count, 1);
}

/* Run profiled; profile [8] of nodes by id. */
static void run_profiled(struct fixture *f, const struct plan *plan, uint32_t visible,
                         struct op_profile profile[8], uint64_t *rows)
{
    yoda_error err;
    struct run_context context = {
        .pool = f->pool, .budget = &f->budget, .stats = &f->stats, .profile = profile};
    memset(profile, 0, 8 * sizeof *profile);
    memset(&f->stats, 0, sizeof f->stats);
    assert_true(plan_number((struct plan *)plan) <= 8);
    assert_int_equal(plan_number((struct plan *)plan), plan->id + 1); /* numbered already */
    batch_list_init(&f->out, visible, &f->budget);
    OK(plan_run(plan, f->snapshot.version, visible, &context, &f->out, &err));
    *rows = f->out.rows;
    batch_list_deinit(&f->out);
}

static uint64_t count_rows(struct fixture *f, const struct plan *scan)
{
    yoda_error err;
    OK(run_plan(f, scan, 1, &err));
    uint64_t rows = f->out.rows;
    batch_list_deinit(&f->out);
    return rows;
}

static void test_nodes(void **state)
{
    (void)state;
    FOR_EACH_SETUP(f)
    {
        static const struct sort_key key = {.column = 1, .descending = true};
        struct op_profile profile[8];
        expr_ref filter;
        uint64_t rows;
        compare(f, OP_LT, f->in[COL_ID], value_int(2500), &filter);
        const struct plan *scan = plan_scan(f, &filter, 1);
        uint64_t scanned = count_rows(f, scan);
        const struct plan *groups = plan_count(f, scan, f->in[COL_TAG]);
        const struct plan *sort = plan_sort(f, groups, &key, 1, UINT64_MAX);
        const struct plan *root = plan_limit(f, sort, 2, 0);
        int64_t begin = os_monotonic_ns();
        run_profiled(f, root, 2, profile, &rows);
        uint64_t wall = (uint64_t)(os_monotonic_ns() - begin), sum = 0;
        assert_int_equal(profile[root->id].rows, rows);
        assert_int_equal(profile[scan->id].rows, scanned);
        assert_int_equal(profile[sort->id].rows, profile[groups->id].rows);
        assert_true(profile[groups->id].rows >= rows);
        assert_true(profile[groups->id].bytes > 0 && profile[sort->id].bytes > 0);
        assert_int_equal(profile[scan->id].bytes, 0);
        assert_int_equal(profile[scan->id].segments_total, f->stats.segments_total);
        assert_int_equal(profile[scan->id].vectors_read, f->stats.vectors_read);
        for (uint32_t id = 0; id <= root->id; id++)
            sum += profile[id].time_ns;
        /* Own times do not overlap: together they are at most what all threads had. */
        assert_true(sum <= wall * (f->pool ? task_pool_workers(f->pool) : 1));
        assert_true(profile[scan->id].time_ns > 0 && profile[groups->id].time_ns > 0);
    }
}

/* What streams is metered as well: a filter's rows are those it lets through. */
static void test_streaming(void **state)
{
    (void)state;
    FOR_EACH_SETUP(f)
    {
        struct op_profile profile[8];
        expr_ref condition;
        uint64_t rows;
        compare(f, OP_GE, f->in[COL_ID], value_int(1000), &condition);
        const struct plan *scan = plan_scan(f, NULL, 0);
        const struct plan *filter = plan_filter(f, scan, condition);
        const struct plan *project = plan_project(f, filter, f->in, 2);
        run_profiled(f, project, 2, profile, &rows);
        assert_int_equal(profile[project->id].rows, rows);
        assert_int_equal(profile[filter->id].rows, rows);
        assert_true(profile[scan->id].rows > rows);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_nodes),
                                       cmocka_unit_test(test_streaming)};
    return cmocka_run_group_tests(tests, fixtures_make, fixtures_free);
}
