/*
 * test_store_model.c -- random histories against a naive model: merging, versions held by readers,
 * sealing, compaction, checkpoints and recovery.
 */
#include "store_model.h"

#include "base/os.h"
#include "base/thread.h"
#include "olap/store/store_state.h"

#define TID 7
#define HELD_MAX 4

struct world {
    char *directory;
    struct mem_budget budget;
    struct task_pool *pool;
    struct store *store;
    struct table *table;
    struct model model;
    struct manifest manifest;
    struct snapshot held[HELD_MAX];
    struct model held_models[HELD_MAX];
    int64_t watermark;
    uint64_t seed;
};

static void open_store(struct world *w)
{
    yoda_error err;
    struct store_options options = {.directory = w->directory,
                                    .database_id = {9, 8, 7},
                                    .pool = w->pool,
                                    .budget = &w->budget,
                                    .compact_deleted_percent = 25};
    struct table_def def = model_table(&w->model);
    OK(store_create(&options, &w->store, &err));
    store_write_begin(w->store);
    OK(store_add_table(w->store, TID, &def, &err));
    w->table = store_find_table(w->store, TID);
    store_write_end(w->store);
}

static void world_init(struct world *w, enum model_keys keys, uint32_t universe, uint64_t seed)
{
    yoda_error err;
    memset(w, 0, sizeof *w);
    w->directory = test_directory_make();
    w->seed = seed;
    mem_budget_init(&w->budget, NULL, 0);
    OK(task_pool_create(2, &w->pool, &err));
    model_init(&w->model, keys, universe);
    open_store(w);
}

static void let_go(struct world *w, uint32_t i)
{
    if (!w->held[i].version)
        return;
    model_check(&w->held_models[i], version_find_table(w->held[i].version, TID));
    model_deinit(&w->held_models[i]);
    store_release(w->store, &w->held[i]);
}

static void world_deinit(struct world *w)
{
    for (uint32_t i = 0; i < HELD_MAX; i++)
        let_go(w, i);
    store_destroy(w->store);
    assert_int_equal(w->budget.used_bytes, 0);
    task_pool_destroy(w->pool);
    model_deinit(&w->model);
    manifest_deinit(&w->manifest);
    test_directory_remove(w->directory);
}

static void publish(struct world *w)
{
    yoda_error err;
    store_write_begin(w->store);
    table_set_complete(w->table, true);
    OK(store_publish(w->store, ++w->watermark, &err));
    store_write_end(w->store);
}

static void merge_some(struct world *w, uint32_t changes, uint32_t delete_percent)
{
    store_write_begin(w->store);
    for (uint32_t i = 0; i < changes; i++) {
        uint32_t u = (uint32_t)(test_random(&w->seed) % w->model.universe);
        if (test_random(&w->seed) % 100 < delete_percent)
            model_delete(&w->model, w->table, u, &w->seed);
        else
            model_upsert(&w->model, w->table, u, &w->seed);
    }
    store_write_end(w->store);
}

static void hold(struct world *w)
{
    uint32_t i = (uint32_t)(test_random(&w->seed) % HELD_MAX);
    let_go(w, i);
    store_acquire(w->store, &w->held[i]);
    assert_int_equal(w->held[i].version->watermark, w->watermark);
    w->held_models[i] = model_copy(&w->model);
}

static struct maintenance_stats maintain(struct world *w)
{
    yoda_error err;
    struct maintenance_stats stats;
    OK(store_maintain(w->store, NULL, &stats, &err));
    return stats;
}

static void checkpoint(struct world *w, bool commit)
{
    yoda_error err;
    struct snapshot snapshot;
    struct checkpoint *cp = NULL;
    store_acquire(w->store, &snapshot);
    OK(store_checkpoint_write(w->store, &snapshot, &cp, &err));
    store_release(w->store, &snapshot);
    FAILS(YODA_BUSY, store_sweep(w->store, &err));
    if (commit)
        manifest_take(&w->manifest, cp);
    store_checkpoint_done(w->store, cp, commit);
}

static void reopen(struct world *w)
{
    yoda_error err;
    for (uint32_t i = 0; i < HELD_MAX; i++)
        let_go(w, i);
    store_destroy(w->store);
    assert_int_equal(w->budget.used_bytes, 0);
    open_store(w);
    store_write_begin(w->store);
    OK(store_recover_table(w->store, TID, w->manifest.records, w->manifest.count, &err));
    store_write_end(w->store);
    OK(store_sweep(w->store, &err));
    publish(w);
    model_check_newest(&w->model, w->store, TID);
}

static void random_history(enum model_keys keys, uint32_t steps, uint64_t seed)
{
    struct world w;
    world_init(&w, keys, 900, seed);
    publish(&w);
    for (uint32_t i = 0; i < steps; i++) {
        merge_some(&w, (uint32_t)(test_random(&w.seed) % 400), i % 5 == 4 ? 70 : 20);
        publish(&w);
        switch (test_random(&w.seed) % 8) {
        case 0:
        case 1:
            hold(&w);
            break;
        case 2:
            maintain(&w);
            break;
        case 3:
            checkpoint(&w, test_random(&w.seed) % 4 != 0);
            break;
        case 4:
            checkpoint(&w, true);
            reopen(&w);
            break;
        default:
            model_check_newest(&w.model, w.store, TID);
            break;
        }
    }
    maintain(&w);
    model_check_newest(&w.model, w.store, TID);
    world_deinit(&w);
}

static void test_histories(void **state)
{
    uint64_t seed = test_seed();
    YODA_UNUSED(state);
    for (int keys = MODEL_DENSE; keys <= MODEL_TEXT; keys++)
        random_history((enum model_keys)keys, 60, test_random(&seed));
}

/* More than one full segment: sealing keeps rows, then deletes lead to compaction. */
static void large_history(enum model_keys keys, uint64_t seed)
{
    struct world w;
    world_init(&w, keys, 3 * SEGMENT_ROWS / 2, seed);
    store_write_begin(w.store);
    for (uint32_t u = 0; u < w.model.universe; u++)
        model_upsert(&w.model, w.table, u, &w.seed);
    store_write_end(w.store);
    assert_int_equal(maintain(&w).sealed, 1); /* before any publish */
    publish(&w);
    hold(&w);
    merge_some(&w, 90000, 10);
    publish(&w);
    merge_some(&w, 2000, 50); /* merged, not published: maintenance must not show it */
    struct model merged = model_copy(&w.model);
    struct maintenance_stats stats = maintain(&w);
    publish(&w);
    model_check_newest(&merged, w.store, TID);
    model_deinit(&merged);
    stats = maintain(&w);
    assert_true(stats.compacted > 0);
    model_check_newest(&w.model, w.store, TID);
    merge_some(&w, 3000, 30); /* through the moved index */
    publish(&w);
    checkpoint(&w, true);
    reopen(&w);
    merge_some(&w, 3000, 30);
    publish(&w);
    maintain(&w);
    checkpoint(&w, true);
    reopen(&w);
    world_deinit(&w);
}

static void test_large(void **state)
{
    uint64_t seed = test_seed();
    YODA_UNUSED(state);
    large_history(MODEL_DENSE, test_random(&seed));
    large_history(MODEL_TEXT, test_random(&seed));
}

static uint32_t raw_in_newest(struct world *w)
{
    yoda_error err;
    struct snapshot snapshot;
    uint32_t raw = 0;
    store_acquire(w->store, &snapshot);
    const struct table_version *table = version_find_table(snapshot.version, TID);
    for (uint32_t i = 0; i < table->segment_count; i++) {
        const struct chunk *chunk = NULL;
        OK(segment_chunk(table->segments[i].segment, 0, &chunk, &err));
        raw += chunk_encoding(chunk) == ENC_RAW;
    }
    store_release(w->store, &snapshot);
    return raw;
}

/* Upsert keys [first, end), and on the way change and delete rows just merged: those of the open
 * segment and of segments sealed by this very merge. */
static void bulk(struct world *w, uint32_t first, uint32_t end)
{
    store_write_begin(w->store);
    for (uint32_t u = first; u < end; u++) {
        model_upsert(&w->model, w->table, u, &w->seed);
        uint32_t old = first + (uint32_t)(test_random(&w->seed) % (u - first + 1));
        if (u % 50 == 0)
            model_upsert(&w->model, w->table, old, &w->seed);
        if (u % 70 == 0)
            model_delete(&w->model, w->table, old, &w->seed);
    }
    store_write_end(w->store);
}

static void bulk_history(enum model_keys keys, uint64_t seed)
{
    struct world w;
    uint32_t few = 1000, half = 2 * SEGMENT_ROWS + 5000, all = 4 * SEGMENT_ROWS;
    world_init(&w, keys, all, seed);
    bulk(&w, 0, few);
    publish(&w);
    hold(&w);
    bulk(&w, few, half);
    publish(&w);
    assert_int_equal(raw_in_newest(&w), 2); /* the one that was begun before, and the open one */
    assert_true(store_maintenance_is_due(w.store));
    model_check_newest(&w.model, w.store, TID);
    hold(&w);
    struct model shown = model_copy(&w.model);
    bulk(&w, half, all); /* a sync that fails before it publishes, and its retry */
    model_check_newest(&shown, w.store, TID);
    bulk(&w, half, all);
    merge_some(&w, 5000, 40);
    publish(&w);
    model_deinit(&shown);
    assert_in_range(raw_in_newest(&w), 1, 3);
    model_check_newest(&w.model, w.store, TID);
    assert_true(maintain(&w).sealed > 3);
    assert_false(store_maintenance_is_due(w.store));
    assert_in_range(raw_in_newest(&w), 0, 1);
    checkpoint(&w, true);
    reopen(&w);
    merge_some(&w, 3000, 30);
    publish(&w);
    model_check_newest(&w.model, w.store, TID);
    world_deinit(&w);
}

static void test_bulk(void **state)
{
    uint64_t seed = test_seed();
    YODA_UNUSED(state);
    bulk_history(MODEL_DENSE, test_random(&seed));
    bulk_history(MODEL_TEXT, test_random(&seed));
}

static uint64_t segments_in_newest(struct world *w)
{
    struct store_totals totals;
    store_totals_get(w->store, &totals);
    return totals.segments;
}

/* Each reopen leaves one small segment; runs of them are merged, empty ones go. */
static void test_small_segments(void **state)
{
    struct world w;
    YODA_UNUSED(state);
    world_init(&w, MODEL_SPARSE, 5000, test_seed());
    for (uint32_t i = 0; i < 6; i++) {
        store_write_begin(w.store);
        for (uint32_t u = i * 100; u < i * 100 + 100; u++)
            model_upsert(&w.model, w.table, u, &w.seed);
        store_write_end(w.store);
        publish(&w);
        checkpoint(&w, true);
        reopen(&w);
        assert_int_equal(segments_in_newest(&w), i + 1);
    }
    hold(&w);
    assert_int_equal(maintain(&w).compacted, 6);
    assert_int_equal(segments_in_newest(&w), 1);
    model_check_newest(&w.model, w.store, TID);
    store_write_begin(w.store);
    for (uint32_t u = 0; u < 600; u++)
        model_delete(&w.model, w.table, u, &w.seed);
    store_write_end(w.store);
    publish(&w);
    assert_int_equal(maintain(&w).compacted, 1);
    assert_int_equal(segments_in_newest(&w), 0);
    checkpoint(&w, true);
    assert_int_equal(w.manifest.count, 0);
    reopen(&w);
    world_deinit(&w);
}

/* Rows merged by a sync that failed stay unseen by readers, maintenance and checkpoints. */
static void test_unpublished(void **state)
{
    struct world w;
    YODA_UNUSED(state);
    world_init(&w, MODEL_DENSE, 2000, test_seed());
    merge_some(&w, 3000, 20);
    publish(&w);
    struct model before = model_copy(&w.model);
    merge_some(&w, 3000, 40);
    maintain(&w);
    checkpoint(&w, true);
    model_check_newest(&before, w.store, TID);
    struct model after = w.model;
    w.model = before;
    reopen(&w);
    model_deinit(&after);
    world_deinit(&w);
}

/* A full segment of which the newest version shows only a part is sealed and written with its tail
 * marked dead. */
static void test_partly_published(void **state)
{
    struct world w;
    YODA_UNUSED(state);
    world_init(&w, MODEL_DENSE, SEGMENT_ROWS + 500, test_seed());
    store_write_begin(w.store);
    for (uint32_t u = 0; u < SEGMENT_ROWS - 500; u++)
        model_upsert(&w.model, w.table, u, &w.seed);
    store_write_end(w.store);
    publish(&w);
    struct model before = model_copy(&w.model);
    store_write_begin(w.store);
    for (uint32_t u = SEGMENT_ROWS - 500; u < w.model.universe; u++)
        model_upsert(&w.model, w.table, u, &w.seed);
    for (uint32_t u = 0; u < SEGMENT_ROWS; u += 2) /* dead to the writer only */
        model_delete(&w.model, w.table, u, &w.seed);
    store_write_end(w.store);
    struct maintenance_stats stats = maintain(&w);
    assert_true(stats.sealed == 1 && stats.compacted == 0);
    model_check_newest(&before, w.store, TID);
    checkpoint(&w, true);
    assert_int_equal(w.manifest.records[0].rows, SEGMENT_ROWS);
    model_deinit(&w.model);
    w.model = before;
    reopen(&w);
    merge_some(&w, 2000, 20);
    publish(&w);
    world_deinit(&w);
}

static uint32_t count_entries;
static yoda_status count_entry(void *ctx, const char *name)
{
    YODA_UNUSED(ctx);
    YODA_UNUSED(name);
    count_entries++;
    return YODA_OK;
}

static uint32_t files_in(const char *directory)
{
    yoda_error err;
    count_entries = 0;
    OK(os_list(directory, count_entry, NULL, &err));
    return count_entries;
}

/* A file named by the commit before the last one is still there; the one before that is gone. */
static void test_superseded_files(void **state)
{
    struct world w;
    yoda_error err;
    YODA_UNUSED(state);
    world_init(&w, MODEL_DENSE, 500, test_seed());
    for (uint32_t i = 0; i < 5; i++) {
        merge_some(&w, 200, 0);
        publish(&w);
        checkpoint(&w, true);
        assert_int_equal(files_in(w.directory), i == 0 ? 1 : 2);
        checkpoint(&w, false);
        assert_int_equal(files_in(w.directory), i == 0 ? 1 : 2);
    }
    checkpoint(&w, true);
    assert_int_equal(files_in(w.directory), 1);
    merge_some(&w, 10, 0);
    publish(&w);
    checkpoint(&w, true);
    OK(store_sweep(w.store, &err)); /* keeps the one that a power cut may bring back */
    assert_int_equal(files_in(w.directory), 2);
    reopen(&w);
    assert_int_equal(files_in(w.directory), 1);
    world_deinit(&w);
}

/* A reader of recovered segments can still load chunks after compaction and later commits. */
static void test_reader_of_old_files(void **state)
{
    struct world w;
    YODA_UNUSED(state);
    world_init(&w, MODEL_EDGES, 3000, test_seed());
    merge_some(&w, 6000, 0);
    publish(&w);
    checkpoint(&w, true);
    store_destroy(w.store);
    yoda_error err;
    open_store(&w);
    store_write_begin(w.store);
    OK(store_recover_table(w.store, TID, w.manifest.records, w.manifest.count, &err));
    store_write_end(w.store);
    publish(&w);
    hold(&w);
    merge_some(&w, 3000, 90);
    publish(&w);
    assert_true(maintain(&w).compacted > 0);
    for (uint32_t i = 0; i < 4; i++) {
        merge_some(&w, 10, 0);
        publish(&w);
        checkpoint(&w, true);
    }
    for (uint32_t i = 0; i < HELD_MAX; i++)
        let_go(&w, i);
    reopen(&w);
    world_deinit(&w);
}

static void test_damaged_recovery(void **state)
{
    struct world w;
    yoda_error err;
    YODA_UNUSED(state);
    world_init(&w, MODEL_DENSE, 500, test_seed());
    merge_some(&w, 600, 30);
    publish(&w);
    checkpoint(&w, true);
    store_destroy(w.store);
    open_store(&w);
    struct segment_record *record = &w.manifest.records[0], good = *record;
    store_write_begin(w.store);
    record->file_checksum++;
    FAILS(YODA_CORRUPT, store_recover_table(w.store, TID, record, 1, &err));
    *record = good;
    record->rows--;
    FAILS(YODA_CORRUPT, store_recover_table(w.store, TID, record, 1, &err));
    *record = good;
    record->generation += 5;
    FAILS(YODA_NOT_FOUND, store_recover_table(w.store, TID, record, 1, &err));
    *record = good;
    struct segment_record twice[2] = {good, good};
    FAILS(YODA_CORRUPT, store_recover_table(w.store, TID, twice, 2, &err));
    FAILS(YODA_NOT_FOUND, store_recover_table(w.store, TID + 1, record, 1, &err));
    OK(store_recover_table(w.store, TID, record, 1, &err));
    FAILS(YODA_MISUSE, store_recover_table(w.store, TID, record, 1, &err));
    store_write_end(w.store);
    publish(&w);
    model_check_newest(&w.model, w.store, TID);
    world_deinit(&w);
}

/* Two files with the same live keys: found when the index is built, again and again. */
static void test_duplicate_keys(void **state)
{
    yoda_error err;
    uint64_t seed = test_seed();
    YODA_UNUSED(state);
    for (int keys = MODEL_DENSE; keys <= MODEL_TEXT; keys++) {
        struct world w;
        world_init(&w, (enum model_keys)keys, 200, test_random(&seed));
        merge_some(&w, 300, 0);
        publish(&w);
        checkpoint(&w, true);
        struct manifest first = w.manifest;
        w.manifest = (struct manifest){0};
        store_drop_table(w.store, TID);
        struct table_def def = model_table(&w.model);
        store_write_begin(w.store);
        OK(store_add_table(w.store, TID, &def, &err));
        w.table = store_find_table(w.store, TID);
        memset(w.model.counters, 0, w.model.universe * sizeof *w.model.counters);
        w.model.live = 0;
        store_write_end(w.store);
        merge_some(&w, 300, 0);
        publish(&w);
        checkpoint(&w, true);
        struct segment_record both[2] = {first.records[0], w.manifest.records[0]};
        store_destroy(w.store);
        open_store(&w);
        store_write_begin(w.store);
        OK(store_recover_table(w.store, TID, both, 2, &err));
        struct model_row row;
        enum merge_outcome outcome;
        model_row(&w.model, 5, 1, &seed, &row);
        FAILS(YODA_CORRUPT, table_upsert(w.table, row.values, &outcome, &err));
        FAILS(YODA_CORRUPT, table_delete(w.table, row.values, &outcome, &err));
        store_write_end(w.store);
        manifest_deinit(&first);
        world_deinit(&w);
    }
}

static void test_tables(void **state)
{
    struct world w;
    yoda_error err;
    struct snapshot before, after;
    YODA_UNUSED(state);
    world_init(&w, MODEL_DENSE, 100, test_seed());
    struct table_def def = model_table(&w.model);
    store_write_begin(w.store);
    FAILS(YODA_CONFLICT, store_add_table(w.store, TID, &def, &err));
    OK(store_add_table(w.store, 3, &def, &err));
    OK(store_add_table(w.store, 11, &def, &err));
    store_write_end(w.store);
    merge_some(&w, 300, 0);
    store_acquire(w.store, &before);
    assert_int_equal(before.version->table_count, 0);
    store_release(w.store, &before);
    publish(&w);
    store_acquire(w.store, &before);
    assert_int_equal(before.version->table_count, 1);
    store_write_begin(w.store);
    store_drop_table(w.store, TID);
    store_drop_table(w.store, TID);
    table_set_complete(store_find_table(w.store, 3), true);
    OK(store_publish(w.store, 2, &err));
    store_write_end(w.store);
    store_acquire(w.store, &after);
    assert_null(version_find_table(after.version, TID));
    assert_non_null(version_find_table(after.version, 3));
    assert_null(version_find_table(after.version, 11));
    model_check(&w.model, version_find_table(before.version, TID));
    store_release(w.store, &before);
    store_release(w.store, &after);
    world_deinit(&w);
}

static void test_cancelled(void **state)
{
    struct world w;
    yoda_error err;
    struct maintenance_stats stats;
    _Atomic bool cancel = true;
    YODA_UNUSED(state);
    world_init(&w, MODEL_DENSE, 100, test_seed());
    merge_some(&w, 500, 90);
    publish(&w);
    OK(store_maintain(w.store, &cancel, &stats, &err));
    assert_int_equal(stats.compacted + stats.sealed, 0);
    world_deinit(&w);
}

/* ---- Merges while a segment is being rewritten ---- */

struct compaction {
    struct store *store;
    struct maintenance_stats stats;
    _Atomic bool done;
};

static void *compactor(void *arg)
{
    struct compaction *c = arg;
    yoda_error err;
    yoda_status status = store_maintain(c->store, NULL, &c->stats, &err);
    atomic_store(&c->done, true);
    return status == YODA_OK ? NULL : strdup(err.message);
}

static uint64_t places_made(struct world *w)
{
    store_write_begin(w->store);
    uint64_t next = w->store->next_segment_id;
    store_write_end(w->store);
    return next;
}

/* Rows that die after the rewriting began, published or not, are dead in its result too. */
static void test_merges_during_compaction(void **state)
{
    struct world w;
    struct compaction c = {0};
    pthread_t thread;
    yoda_error err;
    void *message;
    YODA_UNUSED(state);
    world_init(&w, MODEL_DENSE, SEGMENT_ROWS, test_seed());
    store_write_begin(w.store);
    for (uint32_t u = 0; u < w.model.universe; u++)
        model_upsert(&w.model, w.table, u, &w.seed);
    store_write_end(w.store);
    assert_int_equal(maintain(&w).sealed, 1);
    store_write_begin(w.store);
    for (uint32_t u = 0; u < w.model.universe; u += 3)
        model_delete(&w.model, w.table, u, &w.seed);
    store_write_end(w.store);
    publish(&w);
    hold(&w);
    c.store = w.store;
    uint64_t places = places_made(&w);
    OK(thread_start(&thread, "compactor", compactor, &c, &err));
    while (places_made(&w) == places && !atomic_load(&c.done))
        os_sleep_ms(1);
    do { /* the new place says that the compaction has its plan */
        merge_some(&w, 30, 60);
        if (test_random(&w.seed) % 2)
            publish(&w);
        os_sleep_ms(1);
    } while (!atomic_load(&c.done));
    pthread_join(thread, &message);
    assert_null(message);
    assert_true(c.stats.compacted > 0);
    publish(&w);
    model_check_newest(&w.model, w.store, TID);
    merge_some(&w, 3000, 30); /* through the moved index */
    publish(&w);
    checkpoint(&w, true);
    reopen(&w);
    world_deinit(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_histories),           cmocka_unit_test(test_large),
        cmocka_unit_test(test_bulk),
        cmocka_unit_test(test_small_segments),      cmocka_unit_test(test_unpublished),
        cmocka_unit_test(test_superseded_files),    cmocka_unit_test(test_reader_of_old_files),
        cmocka_unit_test(test_damaged_recovery),    cmocka_unit_test(test_duplicate_keys),
        cmocka_unit_test(test_tables),              cmocka_unit_test(test_cancelled),
        cmocka_unit_test(test_partly_published),    cmocka_unit_test(test_merges_during_compaction),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
