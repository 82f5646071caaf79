/*
 * capture.c -- the capture's own state: mirrors, recovery at open, and the small questions.
 */
#include "cdc/capture_state.h"

#include "base/mem.h"
#include "base/os.h"
#include "base/str.h"
#include "cdc/triggers.h"

#include <stdio.h>

void capture_lock(struct capture *capture)
{
    atomic_store(&capture->working, true);
    pthread_mutex_lock(&capture->conn_lock);
}

void capture_unlock(struct capture *capture)
{
    atomic_store(&capture->working, false);
    pthread_mutex_unlock(&capture->conn_lock);
}

yoda_status capture_create(const struct capture_options *options, struct capture **out,
                           yoda_error *err)
{
    *out = NULL;
    struct capture *capture = mem_calloc(1, sizeof *capture);
    if (!capture)
        return fail_nomem(err, sizeof *capture);
    ASSERT(options->slice_events > 0 && options->copy_slice_rows > 0);
    capture->options = *options;
    capture->conn = options->conn;
    capture->data_version = -1;
    pthread_mutex_init(&capture->conn_lock, NULL);
    *out = capture;
    return YODA_OK;
}

static void slot_destroy(struct slot *slot)
{
    key_set_deinit(&slot->keys);
    arena_deinit(&slot->after_arena);
    arena_deinit(&slot->arena);
    mem_free(slot);
}

void capture_destroy(struct capture *capture)
{
    if (!capture)
        return;
    for (size_t i = 0; i < capture->slot_count; i++)
        slot_destroy(capture->slots[i]);
    mem_free(capture->slots);
    schema_diff_deinit(&capture->image);
    pthread_mutex_destroy(&capture->conn_lock);
    mem_free(capture);
}

/* ---- Slots ----------------------------------------------------------------------------------- */

/* The first slot whose tid is not below. */
static size_t slot_position(const struct capture *capture, uint32_t tid)
{
    size_t low = 0, high = capture->slot_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (capture->slots[middle]->mirror.tid < tid)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct slot *capture_slot(struct capture *capture, uint32_t tid)
{
    size_t at = slot_position(capture, tid);
    return at < capture->slot_count && capture->slots[at]->mirror.tid == tid ? capture->slots[at]
                                                                             : NULL;
}

yoda_status capture_add_slot(struct capture *capture, uint32_t tid, struct slot **out,
                             yoda_error *err)
{
    ASSERT(!capture_slot(capture, tid));
    if (capture->slot_count == capture->slot_capacity) {
        size_t capacity = capture->slot_capacity ? capture->slot_capacity * 2 : 16;
        struct slot **grown = mem_realloc(capture->slots, capacity * sizeof(struct slot *));
        if (!grown)
            return fail_nomem(err, capacity * sizeof(struct slot *));
        capture->slots = grown;
        capture->slot_capacity = capacity;
    }
    struct slot *slot = mem_calloc(1, sizeof *slot);
    if (!slot)
        return fail_nomem(err, sizeof *slot);
    slot->mirror.tid = tid;
    slot->mirror.state = MIRROR_STALE;
    arena_init(&slot->arena, NULL);
    arena_init(&slot->after_arena, NULL);
    key_set_init(&slot->keys, 0, NULL, capture->options.budget);
    size_t at = slot_position(capture, tid);
    memmove(&capture->slots[at + 1], &capture->slots[at],
            (capture->slot_count - at) * sizeof(struct slot *));
    capture->slots[at] = slot;
    capture->slot_count++;
    *out = slot;
    return YODA_OK;
}

void capture_remove_slot(struct capture *capture, struct slot *slot)
{
    size_t at = slot_position(capture, slot->mirror.tid);
    ASSERT(at < capture->slot_count && capture->slots[at] == slot);
    store_write_begin(capture->options.store);
    store_drop_table(capture->options.store, slot->mirror.tid);
    store_write_end(capture->options.store);
    capture->slot_count--;
    memmove(&capture->slots[at], &capture->slots[at + 1],
            (capture->slot_count - at) * sizeof(struct slot *));
    slot_destroy(slot);
    capture->publish_wanted = true;
}

yoda_status capture_slot_describe(struct capture *capture, struct slot *slot,
                                  const struct schema_table *table, const char *request,
                                  struct arena *arena, yoda_error *err)
{
    const char *kept = request ? arena_copy(arena, request, strlen(request)) : NULL;
    if (request && !kept)
        return fail_nomem(err, strlen(request));
    arena_deinit(&slot->arena);
    slot->arena = *arena;
    arena_init(arena, NULL);
    slot->mirror.table = table;
    slot->mirror.request = kept;
    key_set_deinit(&slot->keys);
    if (table && !slot->refused) {
        mirror_def_build(table, slot->epoch, &slot->def);
        key_set_init(&slot->keys, slot->def.key_is_rowid ? 0 : slot->def.key_count,
                     slot->def.key_collations, capture->options.budget);
    } else {
        key_set_init(&slot->keys, 0, NULL, capture->options.budget);
    }
    return YODA_OK;
}

void capture_retire(struct capture *capture, struct slot *slot, enum mirror_state state,
                    const char *reason)
{
    ASSERT(state != MIRROR_READY);
    store_write_begin(capture->options.store);
    struct table *table = store_find_table(capture->options.store, slot->mirror.tid);
    if (table && table_is_complete(table)) {
        table_set_complete(table, false);
        capture->publish_wanted = true;
    }
    store_write_end(capture->options.store);
    slot->mirror.state = state;
    slot->copy_started = slot->copied = false;
    slot->after = NULL;
    slot->mirror.copied_rows = 0;
    snprintf(slot->mirror.reason, sizeof slot->mirror.reason, "%s", reason);
}

yoda_status capture_publish_leavers(struct capture *capture, yoda_error *err)
{
    if (!capture->publish_wanted)
        return YODA_OK;
    capture->data_version = -1; /* whatever happens here, the next sync publishes what is left */
    if (capture->unmerged)
        return YODA_OK;
    store_write_begin(capture->options.store);
    yoda_status status = store_publish(capture->options.store, capture->watermark, err);
    store_write_end(capture->options.store);
    if (status == YODA_OK)
        capture->publish_wanted = false;
    return status;
}

/* ---- Recovery -------------------------------------------------------------------------------- */

static yoda_status load_segments(struct capture *capture, struct slot *slot, yoda_error *err)
{
    struct arena arena;
    struct segment_record *records;
    size_t count = 0;
    struct store *store = capture->options.store;
    arena_init(&arena, capture->options.budget);
    yoda_error why = {0};
    yoda_status status =
        catalog_segments(capture->conn, slot->mirror.tid, &arena, &records, &count, &why);
    bool complete = count > 0;
    if (status == YODA_OK && count == 0)
        status = catalog_says_empty(capture->conn, slot->mirror.tid, slot->def.schema_hash,
                                    &complete, &why);
    store_write_begin(store);
    yoda_status added = store_add_table(store, slot->mirror.tid, &slot->def, err);
    if (added == YODA_OK && status == YODA_OK && count)
        status = store_recover_table(store, slot->mirror.tid, records, count, &why);
    struct table *table = added == YODA_OK ? store_find_table(store, slot->mirror.tid) : NULL;
    if (table && status == YODA_OK && complete) {
        table_set_complete(table, true);
        slot->mirror.state = MIRROR_READY;
        slot->mirror.reason[0] = '\0';
    }
    store_write_end(store);
    arena_deinit(&arena);
    TRY(added);
    slot->mirror.damaged = status != YODA_OK;
    if (slot->mirror.state != MIRROR_READY) /* files are derived data: copy anew */
        capture_retire(capture, slot, MIRROR_COPYING,
                       status == YODA_OK ? "not copied yet" : why.message);
    return status == YODA_NOMEM ? fail_nomem(err, 0) : YODA_OK;
}

/* Look at one registration: *doubt says why its files cannot be used, NULL when they can. */
static yoda_status recover_slot(struct capture *capture, const struct catalog_entry *entry,
                                int64_t surplus, const char *doubt, yoda_error *err)
{
    struct slot *slot;
    struct arena arena;
    struct schema_table *table = NULL;
    const char *name = NULL;
    enum triggers_state triggers = TRIGGERS_BROKEN;
    TRY(capture_add_slot(capture, entry->tid, &slot, err));
    slot->epoch = entry->epoch;
    arena_init(&arena, NULL);
    yoda_error why = {0};
    yoda_status status =
        capture_current_name(capture->conn, entry->tid, entry->name, &arena, &name, err);
    if (status == YODA_OK) {
        yoda_status found = schema_table_read(capture->conn, name, &arena, &table, &why);
        if (found == YODA_OK)
            found = mirror_def_check(capture->conn, table, &why);
        if (found == YODA_OK)
            status = triggers_inspect(capture->conn, table, entry->tid, &triggers, err);
        else if (found == YODA_NOT_FOUND || found == YODA_ERROR)
            doubt = why.message;
        else
            status = found;
        if (found != YODA_OK)
            table = NULL;
    }
    if (status == YODA_OK)
        status = capture_slot_describe(capture, slot, table, entry->request, &arena, err);
    arena_deinit(&arena);
    TRY(status);
    if (!doubt && (triggers != TRIGGERS_INTACT || table->hash != entry->schema_hash))
        doubt = "the table or its triggers changed while no engine ran";
    if (!doubt && capture_rows_in_doubt(table, surplus))
        doubt = "the schema changed while no engine ran";
    if (doubt) {
        capture_retire(capture, slot, MIRROR_STALE, doubt);
        return YODA_OK;
    }
    return load_segments(capture, slot, err);
}

static yoda_status recover(struct capture *capture, yoda_error *err)
{
    struct arena arena;
    struct catalog_entry *entries = NULL;
    struct schema_image kept = {0};
    size_t count = 0;
    bool known = false;
    int64_t head = 0;
    TRY(catalog_exists(capture->conn, &capture->catalog_there, err));
    if (!capture->catalog_there)
        return schema_diff_read(capture->conn, &capture->image, err);
    TRY(catalog_database_id(capture->conn, capture->database_id, err));
    TRY(catalog_durable_watermark(capture->conn, &capture->watermark, err));
    TRY(conn_query_int(capture->conn, "SELECT max(seq) FROM main._yoda_log", 0, &head, err));
    TRY(capture_read_log_width(capture, capture->conn, err));
    TRY(schema_diff_read(capture->conn, &capture->image, err));
    TRY(schema_diff_load(capture->conn, &kept, &known, err));
    int64_t surplus = known ? schema_diff_surplus(&kept, &capture->image) : INT64_MAX;
    capture->reconcile_wanted = !known || !schema_diff_equal(&kept, &capture->image);
    schema_diff_deinit(&kept);
    const char *doubt =
        head < capture->watermark ? "the change log was cut short or restored" : NULL;
    if (doubt)
        capture->watermark = head;
    capture->durable_seen = capture->watermark;
    capture->log_head = head;
    arena_init(&arena, NULL);
    yoda_status status = catalog_list(capture->conn, &arena, &entries, &count, err);
    for (size_t i = 0; i < count && status == YODA_OK; i++)
        status = recover_slot(capture, &entries[i], surplus, doubt, err);
    arena_deinit(&arena);
    return status;
}

yoda_status capture_recover(struct capture *capture, yoda_error *err)
{
    ASSERT(capture->slot_count == 0);
    capture_lock(capture);
    yoda_status status = conn_begin(capture->conn, false, err);
    if (status == YODA_OK) {
        status = recover(capture, err);
        capture_end(capture);
    }
    capture->publish_wanted = true;
    if (status == YODA_OK)
        status = capture_publish_leavers(capture, err);
    capture_unlock(capture);
    return status;
}

/* ---- Small questions ------------------------------------------------------------------------- */

yoda_status capture_is_current(struct capture *capture, bool *out, yoda_error *err)
{
    int64_t version = 0;
    *out = false;
    if (atomic_load(&capture->working))
        return YODA_OK; /* a sync is going on: the caller will wait for it, not for us */
    pthread_mutex_lock(&capture->conn_lock);
    yoda_status status = data_version_read(capture->conn, &version, err);
    *out = status == YODA_OK && version == capture->data_version && !capture->unmerged &&
           !capture->publish_wanted;
    pthread_mutex_unlock(&capture->conn_lock);
    return status;
}

uint64_t capture_pending_events(struct capture *capture)
{
    static const char sql[] = "SELECT max(seq) FROM main._yoda_log";
    if (atomic_load(&capture->working))
        return 0;
    pthread_mutex_lock(&capture->conn_lock);
    int64_t before = capture->watermark, head = before;
    bool known = capture->catalog_there &&
                 conn_query_int(capture->conn, sql, before, &head, NULL) == YODA_OK;
    pthread_mutex_unlock(&capture->conn_lock);
    return known && head > before ? (uint64_t)head - (uint64_t)before : 0;
}

int64_t capture_watermark(const struct capture *capture)
{
    return capture->watermark;
}

size_t capture_mirror_count(const struct capture *capture)
{
    return capture->slot_count;
}

const struct mirror *capture_mirror(const struct capture *capture, size_t i)
{
    return i < capture->slot_count ? &capture->slots[i]->mirror : NULL;
}

const struct mirror *capture_find(const struct capture *capture, const char *name)
{
    for (size_t i = 0; i < capture->slot_count; i++) {
        const struct mirror *mirror = &capture->slots[i]->mirror;
        if (mirror->table && name_equal(mirror->table->name, name))
            return mirror;
    }
    return NULL;
}

const struct schema_view *capture_views(const struct capture *capture, size_t *count,
                                        uint64_t *hash)
{
    *count = capture->image.view_count;
    *hash = capture->image.views_hash;
    return capture->image.views;
}

uint64_t capture_views_current(const struct capture *capture)
{
    return atomic_load(&capture->views_current);
}

bool capture_pending(const struct capture *capture)
{
    bool pending = capture->reconcile_wanted;
    for (size_t i = 0; i < capture->slot_count; i++)
        pending |=
            capture->slots[i]->mirror.state == MIRROR_STALE || capture->slots[i]->epoch_pending;
    return pending;
}

yoda_status capture_rebuild(struct capture *capture, uint32_t tid, const char *reason,
                            yoda_error *err)
{
    struct slot *slot = capture_slot(capture, tid);
    if (!slot)
        return fail(err, YODA_NOT_FOUND, "no registered table has the number %u", tid);
    if (slot->mirror.state == MIRROR_STALE || !slot->mirror.table || slot->refused)
        return YODA_OK; /* capture_reconcile decides about it first */
    capture_lock(capture);
    capture_retire(capture, slot, MIRROR_COPYING, reason);
    os_random(&slot->epoch, sizeof slot->epoch); /* the files made until now become foreign */
    mirror_def_build(slot->mirror.table, slot->epoch, &slot->def);
    slot->epoch_pending = true;
    yoda_status status = capture_publish_leavers(capture, err);
    capture_unlock(capture);
    return status;
}

yoda_status capture_forget(struct capture *capture, uint32_t tid, yoda_error *err)
{
    struct slot *slot = capture_slot(capture, tid);
    if (!slot)
        return YODA_OK;
    capture_lock(capture);
    capture_remove_slot(capture, slot);
    yoda_status status = capture_publish_leavers(capture, err);
    capture_unlock(capture);
    return status;
}
