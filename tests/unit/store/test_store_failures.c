/*
 * test_store_failures.c -- every allocation and every file event fails once, and nothing is lost.
 *
 * Sweeps: the n-th allocation of a merge, a publish, a maintenance, a checkpoint, a recovery fails,
 * for n = 1, 2, ... until none does; the n-th file event of a checkpoint likewise. After each
 * failure the published rows are the ones before, and the same step then succeeds.
 */
#include "store_model.h"

#include "base/os.h"

#define TID 1

struct world {
    char *directory;
    struct mem_budget budget;
    struct task_pool *pool;
    struct store *store;
    struct table *table;
    struct model model;
    uint64_t seed;
    int64_t watermark;
};

static void open_store(struct world *w)
{
    yoda_error err;
    struct store_options options = {.directory = w->directory,
                                    .pool = w->pool,
                                    .budget = &w->budget,
                                    .compact_deleted_percent = 25};
    struct table_def def = model_table(&w->model);
    OK(store_create(&options, &w->store, &err));
    store_write_begin(w->store);
    OK(store_add_table(w->store, TID, &def, &err));
    w->table = store_find_table(w->store, TID);
    table_set_complete(w->table, true);
    OK(store_publish(w->store, 0, &err));
    store_write_end(w->store);
}

static void world_init(struct world *w, enum model_keys keys)
{
    yoda_error err;
    memset(w, 0, sizeof *w);
    w->directory = test_directory_make();
    w->seed = test_seed();
    mem_budget_init(&w->budget, NULL, 0);
    OK(task_pool_create(1, &w->pool, &err));
    model_init(&w->model, keys, 300);
    open_store(w);
}

static void world_deinit(struct world *w)
{
    store_destroy(w->store);
    assert_int_equal(w->budget.used_bytes, 0);
    task_pool_destroy(w->pool);
    model_deinit(&w->model);
    test_directory_remove(w->directory);
}

/* One change with failing allocations: as before after each failure, done in the end. */
static void change_with_failures(struct world *w, uint32_t u, bool delete)
{
    yoda_error err;
    struct model_row row;
    enum merge_outcome outcome;
    uint32_t counter = (uint32_t)(test_random(&w->seed) % 1000000) + 1;
    yoda_status status = YODA_NOMEM;
    bool was = w->model.counters[u] != 0;
    model_row(&w->model, u, counter, &w->seed, &row);
    for (uint64_t n = 1; status == YODA_NOMEM; n++) {
        mem_fail_after(n, false);
        status = delete ? table_delete(w->table, row.values, &outcome, &err)
                        : table_upsert(w->table, row.values, &outcome, &err);
        mem_fail_after(0, false);
    }
    assert_int_equal(status, YODA_OK);
    assert_int_equal(outcome, delete ? (was ? MERGE_DELETED : MERGE_ABSENT)
                              : was  ? MERGE_UPDATED
                                     : MERGE_INSERTED);
    w->model.counters[u] = delete ? 0 : counter;
    w->model.live += (uint64_t)!delete - was;
}

static void publish_with_failures(struct world *w, const struct model *before)
{
    yoda_error err;
    yoda_status status = YODA_NOMEM;
    for (uint64_t n = 1; status == YODA_NOMEM; n++) {
        mem_fail_after(n, false);
        status = store_publish(w->store, ++w->watermark, &err);
        mem_fail_after(0, false);
        if (status != YODA_OK)
            model_check_newest(before, w->store, TID);
    }
    assert_int_equal(status, YODA_OK);
}

static void test_merge_and_publish(void **state)
{
    YODA_UNUSED(state);
    for (int keys = MODEL_DENSE; keys <= MODEL_TEXT; keys++) {
        struct world w;
        world_init(&w, (enum model_keys)keys);
        for (uint32_t round = 0; round < 6; round++) {
            struct model before = model_copy(&w.model);
            store_write_begin(w.store);
            for (uint32_t i = 0; i < 60; i++)
                change_with_failures(&w, (uint32_t)(test_random(&w.seed) % 300), i % 4 == 3);
            publish_with_failures(&w, &before);
            store_write_end(w.store);
            model_check_newest(&w.model, w.store, TID);
            model_deinit(&before);
        }
        world_deinit(&w);
    }
}

static void merge_plainly(struct world *w, uint32_t changes, uint32_t delete_percent)
{
    yoda_error err;
    store_write_begin(w->store);
    for (uint32_t i = 0; i < changes; i++) {
        uint32_t u = (uint32_t)(test_random(&w->seed) % 300);
        if (test_random(&w->seed) % 100 < delete_percent)
            model_delete(&w->model, w->table, u, &w->seed);
        else
            model_upsert(&w->model, w->table, u, &w->seed);
    }
    OK(store_publish(w->store, ++w->watermark, &err));
    store_write_end(w->store);
}

static yoda_status checkpoint(struct world *w, struct manifest *manifest, yoda_error *err)
{
    struct snapshot snapshot;
    struct checkpoint *cp = NULL;
    store_acquire(w->store, &snapshot);
    yoda_status status = store_checkpoint_write(w->store, &snapshot, &cp, err);
    store_release(w->store, &snapshot);
    if (status == YODA_OK) {
        mem_fail_after(0, false);
        os_fail_after(0, false);
        manifest_take(manifest, cp);
    }
    store_checkpoint_done(w->store, cp, status == YODA_OK);
    return status;
}

static yoda_status recover(struct world *w, const struct manifest *manifest, yoda_error *err)
{
    store_write_begin(w->store);
    yoda_status status =
        store_recover_table(w->store, TID, manifest->records, manifest->count, err);
    store_write_end(w->store);
    return status;
}

static void publish(struct world *w)
{
    yoda_error err;
    store_write_begin(w->store);
    table_set_complete(w->table, true);
    OK(store_publish(w->store, ++w->watermark, &err));
    store_write_end(w->store);
}

/* Leaves a recovered table of one small segment with dead rows. */
static void reopen_with_failures(struct world *w, const struct manifest *manifest)
{
    yoda_error err;
    yoda_status status = YODA_NOMEM;
    store_destroy(w->store);
    open_store(w);
    for (uint64_t n = 1; status == YODA_NOMEM; n++) {
        mem_fail_after(n, false);
        status = recover(w, manifest, &err);
        mem_fail_after(0, false);
    }
    assert_int_equal(status, YODA_OK);
    publish(w);
    model_check_newest(&w->model, w->store, TID);
}

static void maintain_with_failures(struct world *w)
{
    yoda_error err;
    struct maintenance_stats stats;
    yoda_status status = YODA_NOMEM;
    uint64_t failures = 0;
    for (uint64_t n = 1; status == YODA_NOMEM; n++, failures++) {
        mem_fail_after(n, false);
        status = store_maintain(w->store, NULL, &stats, &err);
        mem_fail_after(0, false);
        model_check_newest(&w->model, w->store, TID);
    }
    assert_int_equal(status, YODA_OK);
    assert_int_equal(stats.compacted, 1);
    assert_true(failures > 20);
}

static void test_checkpoint_recover_compact(void **state)
{
    YODA_UNUSED(state);
    for (int keys = MODEL_DENSE; keys <= MODEL_TEXT; keys += 3) {
        struct world w;
        struct manifest manifest = {0};
        yoda_error err;
        yoda_status status = YODA_NOMEM;
        world_init(&w, (enum model_keys)keys);
        merge_plainly(&w, 400, 0);
        for (uint64_t n = 1; status == YODA_NOMEM; n++) {
            mem_fail_after(n, false);
            status = checkpoint(&w, &manifest, &err);
            mem_fail_after(0, false);
        }
        assert_int_equal(status, YODA_OK);
        reopen_with_failures(&w, &manifest);
        merge_plainly(&w, 300, 90);
        maintain_with_failures(&w);
        merge_plainly(&w, 300, 50);
        model_check_newest(&w.model, w.store, TID);
        manifest_deinit(&manifest);
        world_deinit(&w);
    }
}

static uint32_t count_entries;
static yoda_status count_entry(void *ctx, const char *name)
{
    YODA_UNUSED(ctx);
    YODA_UNUSED(name);
    count_entries++;
    return YODA_OK;
}

static void test_file_events(void **state)
{
    struct world w;
    struct manifest manifest = {0};
    yoda_error err;
    YODA_UNUSED(state);
    world_init(&w, MODEL_DENSE);
    for (int full = 0; full < 2; full++) {
        merge_plainly(&w, 200, 20);
        yoda_status status = YODA_IOERR;
        uint64_t failures = 0;
        for (uint64_t n = 1; status != YODA_OK; n++, failures++) {
            os_fail_after(n, full);
            status = checkpoint(&w, &manifest, &err);
            os_fail_after(0, false);
            assert_true(status == YODA_OK || status == (full ? YODA_FULL : YODA_IOERR));
            model_check_newest(&w.model, w.store, TID);
        }
        assert_true(failures > 5);
        OK(store_sweep(w.store, &err));
        count_entries = 0;
        OK(os_list(w.directory, count_entry, NULL, &err));
        assert_int_equal(count_entries, full + 1);
    }
    reopen_with_failures(&w, &manifest);
    manifest_deinit(&manifest);
    world_deinit(&w);
}

static void test_budget(void **state)
{
    struct world w;
    yoda_error err;
    yoda_status status = YODA_OK;
    YODA_UNUSED(state);
    world_init(&w, MODEL_SPARSE);
    w.budget.limit_bytes = w.budget.used_bytes + 100000;
    store_write_begin(w.store);
    for (uint32_t u = 0; status == YODA_OK && u < 300; u++) {
        struct model_row row;
        enum merge_outcome outcome;
        model_row(&w.model, u, 1, &w.seed, &row);
        status = table_upsert(w.table, row.values, &outcome, &err);
    }
    assert_int_equal(status, YODA_NOMEM);
    w.budget.limit_bytes = 0;
    store_write_end(w.store);
    world_deinit(&w);
}

/* Updating a row that no publish has seen takes no further row. */
static void test_overwrite_in_place(void **state)
{
    struct world w;
    struct snapshot snapshot;
    YODA_UNUSED(state);
    world_init(&w, MODEL_DENSE);
    for (uint32_t i = 0; i < 5; i++) {
        store_write_begin(w.store);
        for (uint32_t u = 0; u < 100; u++)
            model_upsert(&w.model, w.table, u, &w.seed);
        store_write_end(w.store);
    }
    publish(&w);
    store_acquire(w.store, &snapshot);
    assert_int_equal(version_find_table(snapshot.version, TID)->segments[0].rows, 100);
    store_release(w.store, &snapshot);
    model_check_newest(&w.model, w.store, TID);
    world_deinit(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_merge_and_publish),
        cmocka_unit_test(test_checkpoint_recover_compact),
        cmocka_unit_test(test_file_events),
        cmocka_unit_test(test_budget),
        cmocka_unit_test(test_overwrite_in_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
