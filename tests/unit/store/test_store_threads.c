/*
 * test_store_threads.c -- readers against a writer that publishes, maintains and checkpoints all
 * the time. Meant for ThreadSanitizer; without it, a check of consistency.
 *
 * Column 1 of row k holds a value such that the sum over all rows is a function of the watermark:
 * the writer moves amounts between rows and adds the change of the watermark to one of them.
 */
#include "test.h"

#include "base/os.h"
#include "base/thread.h"
#include "olap/store/store.h"

#define ROWS 3000
#define READERS 4
#define ROUNDS 300

struct world {
    char *directory;
    struct task_pool *pool;
    struct store *store;
    int64_t values[ROWS];
    _Atomic bool stop;
    _Atomic uint64_t reads;
};

static yoda_status sum_segment(const struct segment_ref *ref, struct arena *arena, int64_t *sum,
                               uint32_t *rows, yoda_error *err)
{
    const struct chunk *chunk = NULL;
    TRY(segment_chunk(ref->segment, 1, &chunk, err));
    for (uint32_t row = 0; row < ref->rows; row += VECTOR_ROWS) {
        uint32_t n = ref->rows - row < VECTOR_ROWS ? ref->rows - row : VECTOR_ROWS;
        struct vector vector, flat;
        arena_reset(arena);
        TRY(chunk_read(chunk, row, n, VT_INT, arena, &vector, err));
        TRY(vector_flatten(&vector, arena, &flat, err));
        for (uint32_t i = 0; i < n; i++) {
            if (ref->deleted && bit_get(ref->deleted, row + i))
                continue;
            *sum += ((const int64_t *)flat.data)[i];
            ++*rows;
        }
    }
    return YODA_OK;
}

static yoda_status check_snapshot(struct store *store, struct arena *arena, int64_t *last,
                                  yoda_error *err)
{
    struct snapshot snapshot;
    yoda_status status = YODA_OK;
    int64_t sum = 0;
    uint32_t rows = 0;
    store_acquire(store, &snapshot);
    const struct table_version *tv = version_find_table(snapshot.version, 1);
    for (uint32_t i = 0; status == YODA_OK && tv && i < tv->segment_count; i++)
        status = sum_segment(&tv->segments[i], arena, &sum, &rows, err);
    int64_t watermark = snapshot.version->watermark;
    store_release(store, &snapshot);
    if (status == YODA_OK && tv && (sum != watermark || rows != ROWS || watermark < *last))
        status = fail(err, YODA_INTERNAL, "sum %lld of %u rows at watermark %lld", (long long)sum,
                      rows, (long long)watermark);
    *last = watermark;
    return status;
}

static void *reader(void *arg)
{
    struct world *w = arg;
    struct arena arena;
    yoda_error err = {.code = YODA_OK};
    int64_t last = 0;
    arena_init(&arena, NULL);
    while (!atomic_load(&w->stop)) {
        struct store_totals totals;
        if (check_snapshot(w->store, &arena, &last, &err) != YODA_OK)
            break;
        store_totals_get(w->store, &totals);
        atomic_fetch_add(&w->reads, 1);
    }
    arena_deinit(&arena);
    return err.code == YODA_OK ? NULL : strdup(err.message);
}

static void write_row(struct world *w, struct table *table, uint32_t k)
{
    yoda_error err;
    char text[24];
    enum merge_outcome outcome;
    struct value row[3] = {value_int(k), value_int(w->values[k])};
    row[2] = value_text(text, (size_t)snprintf(text, sizeof text, "%lld", (long long)w->values[k]));
    OK(table_upsert(table, row, &outcome, &err));
}

static void merge_round(struct world *w, int64_t *watermark, uint64_t *seed)
{
    yoda_error err;
    store_write_begin(w->store);
    struct table *table = store_find_table(w->store, 1);
    for (uint32_t i = 0; i < 400; i++) {
        uint32_t from = (uint32_t)(test_random(seed) % ROWS);
        uint32_t to = (uint32_t)(test_random(seed) % ROWS);
        int64_t amount = (int64_t)(test_random(seed) % 1000);
        w->values[from] -= amount;
        w->values[to] += amount;
        write_row(w, table, from);
        write_row(w, table, to);
    }
    w->values[0] += 3;
    *watermark += 3;
    write_row(w, table, 0);
    OK(store_publish(w->store, *watermark, &err));
    store_write_end(w->store);
}

static void *maintainer(void *arg)
{
    struct world *w = arg;
    yoda_error err = {.code = YODA_OK};
    while (!atomic_load(&w->stop) && err.code == YODA_OK) {
        struct maintenance_stats stats;
        struct snapshot snapshot;
        struct checkpoint *cp = NULL;
        if (store_maintain(w->store, NULL, &stats, &err) != YODA_OK)
            break;
        store_acquire(w->store, &snapshot);
        yoda_status status = store_checkpoint_write(w->store, &snapshot, &cp, &err);
        store_release(w->store, &snapshot);
        store_checkpoint_done(w->store, cp, status == YODA_OK);
    }
    return err.code == YODA_OK ? NULL : strdup(err.message);
}

static void setup(struct world *w)
{
    yoda_error err;
    struct table_def def = {.column_count = 3, .key_count = 1, .key_is_rowid = true};
    memset(w, 0, sizeof *w);
    w->directory = test_directory_make();
    OK(task_pool_create(2, &w->pool, &err));
    struct store_options options = {
        .directory = w->directory, .pool = w->pool, .compact_deleted_percent = 25};
    OK(store_create(&options, &w->store, &err));
    store_write_begin(w->store);
    OK(store_add_table(w->store, 1, &def, &err));
    struct table *table = store_find_table(w->store, 1);
    for (uint32_t k = 0; k < ROWS; k++)
        write_row(w, table, k);
    table_set_complete(table, true);
    OK(store_publish(w->store, 0, &err));
    store_write_end(w->store);
}

static void test_readers_and_writer(void **state)
{
    static struct world w;
    pthread_t readers[READERS], background;
    yoda_error err;
    uint64_t seed = test_seed();
    int64_t watermark = 0;
    void *message = NULL;
    YODA_UNUSED(state);
    setup(&w);
    for (int i = 0; i < READERS; i++)
        OK(thread_start(&readers[i], "reader", reader, &w, &err));
    OK(thread_start(&background, "maintainer", maintainer, &w, &err));
    for (int i = 0; i < ROUNDS; i++)
        merge_round(&w, &watermark, &seed);
    while (atomic_load(&w.reads) < READERS)
        os_sleep_ms(1);
    atomic_store(&w.stop, true);
    pthread_join(background, &message);
    assert_null(message);
    for (int i = 0; i < READERS; i++) {
        pthread_join(readers[i], &message);
        if (message)
            fail_msg("%s", (const char *)message);
    }
    store_destroy(w.store);
    task_pool_destroy(w.pool);
    test_directory_remove(w.directory);
}

/* Every slot taken, and one more reader: it waits until one comes free. */
static void *one_more(void *arg)
{
    struct snapshot snapshot;
    store_acquire(arg, &snapshot);
    store_release(arg, &snapshot);
    return NULL;
}

static void test_all_slots_taken(void **state)
{
    static struct snapshot pins[1024];
    struct store_options options = {0};
    struct store *store = NULL;
    pthread_t thread;
    yoda_error err;
    YODA_UNUSED(state);
    OK(store_create(&options, &store, &err));
    for (size_t i = 0; i < COUNT_OF(pins); i++)
        store_acquire(store, &pins[i]);
    OK(thread_start(&thread, "late", one_more, store, &err));
    os_sleep_ms(5);
    for (size_t i = 0; i < COUNT_OF(pins); i++)
        store_release(store, &pins[i]);
    pthread_join(thread, NULL);
    store_destroy(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_readers_and_writer),
        cmocka_unit_test(test_all_slots_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
