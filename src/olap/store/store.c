/*
 * store.c -- the store: its tables, the writer's lock, publishing versions, totals.
 */
#include "olap/store/store_state.h"

#include "base/os.h"

#include <string.h>

/* ---- Life ------------------------------------------------------------------------------------ */

static yoda_status init(struct store *store, const struct store_options *options, yoda_error *err)
{
    struct version_node *empty = NULL;
    memcpy(store->database_id, options->database_id, sizeof store->database_id);
    store->pool = options->pool;
    store->budget = options->budget;
    store->compact_deleted_percent = options->compact_deleted_percent;
    store->next_segment_id = 1;
    if (options->directory) {
        store->directory = mem_strdup(options->directory);
        if (!store->directory)
            return fail_nomem(err, strlen(options->directory) + 1);
        TRY(os_mkdir(store->directory, err));
    }
    TRY(version_node_create(0, &empty, err));
    empty->version.published_ns = os_monotonic_ns();
    atomic_store(&store->newest, empty);
    return YODA_OK;
}

yoda_status store_create(const struct store_options *options, struct store **out, yoda_error *err)
{
    *out = NULL;
    struct store *store = mem_alloc_aligned(sizeof *store);
    if (!store)
        return fail_nomem(err, sizeof *store);
    memset(store, 0, sizeof *store);
    pthread_mutex_init(&store->lock, NULL);
    yoda_status status = init(store, options, err);
    if (status == YODA_OK)
        *out = store;
    else
        store_destroy(store);
    return status;
}

void store_destroy(struct store *store)
{
    if (!store)
        return;
    ASSERT(!atomic_load(&store->files_owned));
    store_reap(store);
    ASSERT(!store->retired);
    version_node_destroy(atomic_load(&store->newest));
    for (uint32_t i = 0; i < store->table_count; i++)
        table_destroy(store->tables[i]);
    file_list_deinit(&store->files);
    pthread_mutex_destroy(&store->lock);
    mem_free(store->tables);
    mem_free(store->directory);
    mem_free_aligned(store);
}

void store_write_begin(struct store *store)
{
    pthread_mutex_lock(&store->lock);
}

void store_write_end(struct store *store)
{
    pthread_mutex_unlock(&store->lock);
}

yoda_status store_own_files(struct store *store, yoda_error *err)
{
    if (atomic_exchange_explicit(&store->files_owned, true, memory_order_acquire))
        return fail(err, YODA_BUSY, "a checkpoint is being written");
    return YODA_OK;
}

void store_disown_files(struct store *store)
{
    ASSERT(atomic_load(&store->files_owned));
    atomic_store_explicit(&store->files_owned, false, memory_order_release);
}

/* ---- Tables ---------------------------------------------------------------------------------- */

static uint32_t table_position(const struct store *store, uint32_t tid)
{
    uint32_t i = 0;
    while (i < store->table_count && store->tables[i]->tid < tid)
        i++;
    return i;
}

struct table *store_find_table(struct store *store, uint32_t tid)
{
    uint32_t i = table_position(store, tid);
    return i < store->table_count && store->tables[i]->tid == tid ? store->tables[i] : NULL;
}

yoda_status store_add_table(struct store *store, uint32_t tid, const struct table_def *def,
                            yoda_error *err)
{
    if (store_find_table(store, tid))
        return fail(err, YODA_CONFLICT, "columnar table %u is there already", tid);
    if (store->table_count == store->table_capacity) {
        uint32_t capacity = store->table_capacity * 2 + 8;
        struct table **grown = mem_realloc(store->tables, capacity * sizeof(struct table *));
        if (!grown)
            return fail_nomem(err, capacity * sizeof(struct table *));
        store->tables = grown;
        store->table_capacity = capacity;
    }
    struct table *table = NULL;
    TRY(table_create(store, tid, def, &table, err));
    uint32_t at = table_position(store, tid);
    memmove(store->tables + at + 1, store->tables + at,
            (store->table_count - at) * sizeof(struct table *));
    store->tables[at] = table;
    store->table_count++;
    return YODA_OK;
}

void store_drop_table(struct store *store, uint32_t tid)
{
    struct table *table = store_find_table(store, tid);
    if (!table)
        return;
    uint32_t at = table_position(store, tid);
    store->table_count--;
    memmove(store->tables + at, store->tables + at + 1,
            (store->table_count - at) * sizeof(struct table *));
    table_destroy(table);
}

/* ---- Versions -------------------------------------------------------------------------------- */

void store_reap(struct store *store)
{
    for (struct version_node **at = &store->retired; *at;) {
        struct version_node *node = *at;
        if (snapshot_is_pinned(store, node)) {
            at = &node->next_retired;
            continue;
        }
        *at = node->next_retired;
        version_node_destroy(node);
    }
}

/* Make node the newest version and retire the one before; frees what nobody pins. */
static void install(struct store *store, struct version_node *node)
{
    struct version_node *old = atomic_exchange(&store->newest, node);
    ASSERT(old && old != node);
    old->next_retired = store->retired;
    store->retired = old;
    store_reap(store);
}

const struct table_state *store_published(const struct store *store, uint32_t tid)
{
    /* a table_version is the first member of its table_state */
    return (const struct table_state *)version_find_table(&store_newest(store)->version, tid);
}

/* Add one table's newest state to the node being made. */
static yoda_status add_state(struct version_node *node, struct table *table, yoda_error *err)
{
    struct table_state *state = table->published;
    if (state && !table->dirty)
        table_state_acquire(state);
    else
        TRY(table_state_create(table, &state, err));
    node->tables[node->version.table_count++] = &state->version;
    return YODA_OK;
}

/* The node holds the new state: from here on what it names is shared. */
static void mark_published(struct table *table, const struct version_node *node, uint32_t *at)
{
    table_state_release(table->published);
    table->published = NULL;
    if (!table->complete)
        return;
    struct table_state *state = (struct table_state *)(uintptr_t)node->tables[(*at)++];
    ASSERT(state->version.tid == table->tid);
    table->published = table_state_acquire(state);
    if (!table->dirty)
        return;
    for (uint32_t i = 0; i < table->segment_count; i++) {
        table->segments[i].published_rows = table->segments[i].rows;
        table->segments[i].deleted_private = false;
    }
    table->dirty = false;
}

yoda_status store_publish(struct store *store, int64_t watermark, yoda_error *err)
{
    struct version_node *node = NULL;
    yoda_status status = version_node_create(store->table_count, &node, err);
    for (uint32_t i = 0; status == YODA_OK && i < store->table_count; i++)
        if (store->tables[i]->complete)
            status = add_state(node, store->tables[i], err);
    if (status != YODA_OK) {
        version_node_destroy(node);
        return status;
    }
    uint64_t index_bytes = 0;
    for (uint32_t i = 0, at = 0; i < store->table_count; i++) {
        mark_published(store->tables[i], node, &at);
        index_bytes += key_index_bytes(&store->tables[i]->index);
    }
    atomic_store_explicit(&store->index_bytes, index_bytes, memory_order_relaxed);
    node->version.watermark = watermark;
    node->version.published_ns = os_monotonic_ns();
    install(store, node);
    return YODA_OK;
}

yoda_status store_republish(struct store *store, struct table_state *state, yoda_error *err)
{
    const struct version *newest = &store_newest(store)->version;
    struct version_node *node = NULL;
    TRY(version_node_create(newest->table_count, &node, err));
    for (uint32_t i = 0; i < newest->table_count; i++) {
        struct table_state *old = (struct table_state *)(uintptr_t)newest->tables[i];
        bool exchanged = old->version.tid == state->version.tid;
        node->tables[i] = exchanged ? &state->version : &table_state_acquire(old)->version;
    }
    node->version.table_count = newest->table_count;
    node->version.watermark = newest->watermark;
    node->version.published_ns = newest->published_ns;
    struct table *table = store_find_table(store, state->version.tid);
    if (table && table->published) {
        table_state_release(table->published);
        table->published = table_state_acquire(state);
    }
    install(store, node);
    return YODA_OK;
}

/* ---- Totals ---------------------------------------------------------------------------------- */

static void add_totals(const struct table_version *table, struct store_totals *out)
{
    out->segments += table->segment_count;
    out->rows += table->live_rows;
    for (uint32_t i = 0; i < table->segment_count; i++) {
        const struct segment_ref *ref = &table->segments[i];
        out->deleted_rows += ref->deleted_count;
        out->bytes_memory += segment_memory_bytes(ref->segment);
        out->bytes_memory += ref->deleted ? sizeof(struct delete_bitmap) : 0;
        out->bytes_disk += segment_file_bytes(ref->segment);
    }
}

void store_totals_get(struct store *store, struct store_totals *out)
{
    struct snapshot snapshot;
    *out = (struct store_totals){
        .bytes_memory = atomic_load_explicit(&store->index_bytes, memory_order_relaxed)};
    store_acquire(store, &snapshot);
    out->tables = snapshot.version->table_count;
    for (uint32_t i = 0; i < snapshot.version->table_count; i++)
        add_totals(snapshot.version->tables[i], out);
    store_release(store, &snapshot);
}
