/*
 * test_stream.c -- a run that hands over its rows in parts: how they are cut, when they come, and
 * how the receiver ends it. That the rows are right is tested with every other plan
 * (plan_fixture.h).
 */
#include "plan_fixture.h"

struct receiver {
    struct fixture *f;
    uint32_t parts, parts_max; /* the part that reaches parts_max fails */
    uint64_t rows, bytes_most;
    uint64_t scanned_before; /* rows that were scanned when the first part came */
    yoda_status status;
    _Atomic bool *cancel; /* set at the first part */
};

static uint64_t bytes_of(const struct batch *batch)
{
    uint64_t bytes = (uint64_t)batch->rows * batch->column_count * sizeof(int64_t);
    for (uint32_t c = 0; c < batch->column_count; c++) {
        const struct batch_column *column = &batch->columns[c];
        if (column->kind == BATCH_TEXT)
            bytes += (uint64_t)((const int32_t *)(const void *)column->offsets->data)[batch->rows];
    }
    return bytes;
}

static yoda_status take(void *ctx, struct batch *batch, yoda_error *err)
{
    struct receiver *r = ctx;
    uint64_t bytes = bytes_of(batch);
    if (r->parts++ == 0)
        r->scanned_before = atomic_load(&r->f->stats.rows_scanned);
    r->rows += batch->rows;
    r->bytes_most = bytes > r->bytes_most ? bytes : r->bytes_most;
    batch_destroy(batch);
    if (r->cancel)
        atomic_store(r->cancel, true);
    return r->parts == r->parts_max ? fail(err, r->status, "enough") : YODA_OK;
}

static yoda_status stream(struct receiver *r, const struct plan *plan, const _Atomic bool *cancel,
                          yoda_error *err)
{
    struct fixture *f = r->f;
    struct run_context context = {
        .pool = f->pools[2], .budget = &f->budget, .stats = &f->stats, .cancel = cancel};
    const struct plan_receiver receiver = {take, r};
    memset(&f->stats, 0, sizeof f->stats);
    return plan_run_stream(plan, f->snapshot.version, plan->column_count, &context, &receiver, err);
}

/* Two columns: cut by rows. Nine with texts: cut by bytes. The first part does not wait for the
 * rest of the table. */
static void test_parts_are_cut(void **state)
{
    (void)state;
    FOR_EACH_SETUP(f)
    {
        expr_ref few[1] = {f->in[COL_BIG]};
        struct receiver narrow = {.f = f}, wide = {.f = f};
        OK(stream(&narrow, plan_project(f, plan_scan(f, NULL, 0), few, 1), NULL, &err));
        OK(stream(&wide, plan_scan(f, NULL, 0), NULL, &err));
        assert_int_equal(narrow.rows, f->live);
        assert_int_equal(wide.rows, f->live);
        assert_int_equal(narrow.parts, (f->live + BATCH_ROWS - 1) / BATCH_ROWS);
        assert_true(wide.bytes_most <= UINT64_C(1) << 20);
        if (f->row_count > 100000) {
            assert_true(wide.parts > narrow.parts);
            assert_true(wide.bytes_most > UINT64_C(1000000));
            assert_true(wide.scanned_before < f->live / 2);
        }
    }
}

static void test_no_rows_no_parts(void **state)
{
    (void)state;
    FOR_EACH_SETUP(f)
    {
        expr_ref filter = NULL;
        struct receiver r = {.f = f};
        compare(f, OP_LT, f->in[COL_ID], value_int(0), &filter);
        OK(stream(&r, plan_scan(f, &filter, 1), NULL, &err));
        assert_int_equal(r.parts, 0);
    }
}

/* Its error is the run's, and nothing comes behind it. */
static void test_the_receiver_fails(void **state)
{
    (void)state;
    FOR_EACH_SETUP(f)
    {
        struct receiver r = {.f = f, .parts_max = 1, .status = YODA_INTERRUPTED};
        FAILS(YODA_INTERRUPTED, stream(&r, plan_scan(f, NULL, 0), NULL, &err));
        assert_string_equal(err.message, "enough");
        assert_int_equal(r.parts, 1);
    }
}

static void test_cancel(void **state)
{
    (void)state;
    struct fixture *f = &fixtures[SETUPS - 1];
    _Atomic bool cancel = false;
    yoda_error err;
    struct receiver r = {.f = f, .cancel = &cancel};
    FAILS(YODA_INTERRUPTED, stream(&r, plan_scan(f, NULL, 0), &cancel, &err));
    assert_int_equal(r.parts, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts_are_cut),
        cmocka_unit_test(test_no_rows_no_parts),
        cmocka_unit_test(test_the_receiver_fails),
        cmocka_unit_test(test_cancel),
    };
    return cmocka_run_group_tests(tests, fixtures_make, fixtures_free);
}
