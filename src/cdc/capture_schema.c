/*
 * capture_schema.c -- noticing schema changes (in the sync's read transaction) and setting them
 * right (capture_reconcile, in a write transaction).
 *
 * A table's rows are in doubt when its columns or key changed, when a trigger that logs changes is
 * missing or altered, or when the schema changed without leaving a trace (schema_diff.h). A
 * doubtful table leaves the published version at once, gets a new epoch -- so that files of the old
 * copy can never come back -- and is copied anew. When only the recheck triggers are behind (an
 * index came or went) and nothing of the table was logged since, its rows are as they were.
 */
#include "cdc/capture_state.h"

#include "base/mem.h"
#include "base/os.h"
#include "base/str.h"
#include "cdc/triggers.h"

#include <inttypes.h>
#include <stdio.h>

bool capture_rows_in_doubt(const struct schema_table *table, int64_t surplus)
{
    return surplus >= 2 || (surplus == 1 && mirror_def_hidden_rowid(table));
}

yoda_status capture_read_log_width(struct capture *capture, struct conn *conn, yoda_error *err)
{
    int64_t width = 0;
    TRY(conn_query_int(conn, "SELECT count(*) - 2 FROM pragma_table_xinfo('_yoda_log', 'main')", 1,
                       &width, err));
    capture->log_width = width < 1                 ? 1
                         : width > KEY_COLUMNS_MAX ? KEY_COLUMNS_MAX
                                                   : (uint32_t)width;
    return YODA_OK;
}

yoda_status capture_current_name(struct conn *conn, uint32_t tid, const char *known,
                                 struct arena *arena, const char **out, yoda_error *err)
{
    TRY(triggers_table(conn, tid, arena, out, err));
    if (!*out)
        *out = known;
    return YODA_OK;
}

void capture_note_views(struct capture *capture)
{
    if (atomic_load(&capture->views_current) != capture->image.views_hash)
        atomic_store(&capture->views_current, 0);
}

/* ---- Noticing -------------------------------------------------------------------------------- */

/* Compare one mirror with the file; takes over the new description when the rows are not in doubt.
 */
static yoda_status check_slot(struct capture *capture, struct slot *slot, int64_t surplus,
                              struct arena *arena, yoda_error *err)
{
    const char *name = NULL;
    struct schema_table *table = NULL;
    enum triggers_state triggers;
    yoda_error why = {0};
    const struct schema_table *known = slot->mirror.table;
    TRY(capture_current_name(capture->conn, slot->mirror.tid, known->name, arena, &name, err));
    yoda_status found = schema_table_read(capture->conn, name, arena, &table, &why);
    if (found == YODA_NOT_FOUND || found == YODA_ERROR) {
        capture_retire(capture, slot, MIRROR_STALE, why.message);
        return YODA_OK;
    }
    if (found != YODA_OK)
        return fail(err, found, "%s", why.message);
    TRY(triggers_inspect(capture->conn, table, slot->mirror.tid, &triggers, err));
    if (table->hash != known->hash) {
        capture_retire(capture, slot, MIRROR_STALE, "the table's columns or key changed");
    } else if (triggers == TRIGGERS_BROKEN) {
        capture_retire(capture, slot, MIRROR_STALE, "capture triggers were dropped or altered");
    } else if (capture_rows_in_doubt(table, surplus)) {
        capture_retire(
            capture, slot, MIRROR_STALE,
            "the schema changed in a way that may have moved rows (VACUUM, re-creation)");
    } else if (triggers == TRIGGERS_RECHECK) {
        bool copying = slot->mirror.state == MIRROR_COPYING;
        capture_retire(capture, slot, MIRROR_STALE, "the table's UNIQUE indexes changed");
        slot->recheck_only = !copying;
    } else {
        capture->reconcile_wanted |= strcmp(table->name, known->name) != 0;
        return capture_slot_describe(capture, slot, table, slot->mirror.request, arena, err);
    }
    return YODA_OK;
}

yoda_status capture_check_schema(struct capture *capture, yoda_error *err)
{
    int64_t version = 0;
    bool exists = false;
    TRY(schema_version_read(capture->conn, &version, err));
    if (version == capture->image.version)
        return YODA_OK;
    struct schema_image image = {0};
    TRY(schema_diff_read(capture->conn, &image, err));
    int64_t surplus = schema_diff_surplus(&capture->image, &image);
    yoda_status status = catalog_exists(capture->conn, &exists, err);
    if (status == YODA_OK && exists)
        status = capture_read_log_width(capture, capture->conn, err);
    for (size_t i = 0; i < capture->slot_count && status == YODA_OK; i++) {
        struct slot *slot = capture->slots[i];
        struct arena arena;
        if (!exists)
            capture_retire(capture, slot, MIRROR_STALE, "Yoda's tables were dropped from the file");
        if (slot->mirror.state == MIRROR_FAILED && slot->refused)
            slot->mirror.state = MIRROR_STALE; /* the change may have been the cure */
        if (slot->mirror.state == MIRROR_STALE) {
            slot->recheck_only &=
                slot->mirror.table && !capture_rows_in_doubt(slot->mirror.table, surplus);
            continue;
        }
        arena_init(&arena, NULL);
        status = check_slot(capture, slot, surplus, &arena, err);
        arena_deinit(&arena);
    }
    if (status != YODA_OK) {
        schema_diff_deinit(&image);
        return status;
    }
    schema_diff_deinit(&capture->image);
    capture->image = image;
    capture_note_views(capture);
    capture->catalog_there = exists;
    capture->reconcile_wanted |=
        exists || capture->slot_count; /* the image in the file is behind now */
    return YODA_OK;
}

/* ---- Setting right --------------------------------------------------------------------------- */

struct decision { /* about one registration, made in the transaction, carried out after its commit
                   */
    uint32_t tid;
    bool remove, refuse, copy, new_epoch;
    uint64_t epoch;
    struct schema_table *table;
    const char *request;
    struct arena arena;
    char reason[YODA_MESSAGE_MAX];
};

struct reconciliation {
    struct capture *capture;
    struct conn *writer;
    struct arena arena;
    struct decision *decisions; /* [count] */
    size_t count;
    int64_t surplus;
    struct schema_image image; /* after the repairs */
    uint8_t database_id[16];
};

static yoda_status logged_since(struct reconciliation *r, uint32_t tid, bool *out, yoda_error *err)
{
    char sql[160];
    int64_t found = 0;
    snprintf(sql, sizeof sql,
             "SELECT 1 FROM main._yoda_log WHERE seq>%" PRId64 " AND tid=%u LIMIT 1",
             r->capture->watermark, tid);
    TRY(conn_query_int(r->writer, sql, 0, &found, err));
    *out = found != 0;
    return YODA_OK;
}

/* Must the rows be copied anew? The reason is written where they must. */
static yoda_status decide_copy(struct reconciliation *r, const struct slot *slot,
                               const struct catalog_entry *entry, enum triggers_state triggers,
                               struct decision *d, yoda_error *err)
{
    bool stale = slot && slot->mirror.state == MIRROR_STALE;
    bool logged = false;
    const char *reason = NULL;
    if (triggers == TRIGGERS_RECHECK || (stale && slot->recheck_only))
        TRY(logged_since(r, d->tid, &logged, err));
    if (!slot)
        reason = "not copied yet";
    else if (stale && !slot->recheck_only)
        reason = slot->mirror.reason;
    else if (slot->refused || !slot->mirror.table)
        reason = "the table can be mirrored again";
    else if (d->table->hash != slot->mirror.table->hash || d->table->hash != entry->schema_hash)
        reason = "the table's columns or key changed";
    else if (triggers == TRIGGERS_BROKEN)
        reason = "capture triggers were dropped or altered";
    else if (capture_rows_in_doubt(d->table, r->surplus))
        reason = "the schema changed in a way that may have moved rows (VACUUM, re-creation)";
    else if (logged)
        reason = "rows changed while the table's UNIQUE indexes did";
    d->copy = reason != NULL;
    d->new_epoch = d->copy && slot;
    if (d->copy)
        snprintf(d->reason, sizeof d->reason, "%s", reason);
    return YODA_OK;
}

static yoda_status decide_epoch(struct reconciliation *r, const struct slot *slot,
                                const struct catalog_entry *entry, struct decision *d,
                                yoda_error *err)
{
    d->epoch = slot ? slot->epoch : entry->epoch;
    if (d->new_epoch && !(slot && slot->epoch_pending))
        os_random(&d->epoch, sizeof d->epoch);
    if (d->epoch == entry->epoch)
        return YODA_OK;
    TRY(catalog_forget_segments(r->writer, d->tid, err));
    return catalog_set_epoch(r->writer, d->tid, d->epoch, err);
}

static yoda_status remove_registration(struct reconciliation *r, struct decision *d,
                                       yoda_error *err)
{
    d->remove = true;
    TRY(triggers_drop(r->writer, d->tid, err));
    return catalog_remove(r->writer, d->tid, err);
}

static yoda_status reconcile_entry(struct reconciliation *r, const struct catalog_entry *entry,
                                   struct decision *d, yoda_error *err)
{
    const struct slot *slot = capture_slot(r->capture, entry->tid);
    const char *name = NULL;
    enum triggers_state triggers;
    yoda_error why = {0};
    d->tid = entry->tid;
    d->request = entry->request;
    d->epoch = entry->epoch;
    TRY(capture_current_name(r->writer, entry->tid, entry->name, &d->arena, &name, err));
    yoda_status found = schema_table_read(r->writer, name, &d->arena, &d->table, &why);
    if (found == YODA_NOT_FOUND || (found == YODA_ERROR && why.sqlite_code == 0))
        return remove_registration(r, d, err);
    if (found != YODA_OK)
        return fail(err, found, "%s", why.message);
    found = mirror_def_check(r->writer, d->table, &why);
    if (found == YODA_ERROR) {
        d->refuse = true;
        snprintf(d->reason, sizeof d->reason, "%s", why.message);
        return triggers_drop(r->writer, d->tid, err);
    }
    TRY(found);
    TRY(triggers_inspect(r->writer, d->table, d->tid, &triggers, err));
    TRY(decide_copy(r, slot, entry, triggers, d, err));
    TRY(decide_epoch(r, slot, entry, d, err));
    if (triggers != TRIGGERS_INTACT)
        TRY(triggers_install(r->writer, d->table, d->tid, err));
    if (strcmp(d->table->name, entry->name) != 0 || d->table->hash != entry->schema_hash)
        TRY(catalog_update(r->writer, d->tid, d->table->name, d->table->hash, err));
    return YODA_OK;
}

static yoda_status drop_orphans(struct reconciliation *r, const struct catalog_entry *entries,
                                size_t count, yoda_error *err)
{
    uint32_t *tids = arena_array(&r->arena, uint32_t, count + 1);
    if (!tids)
        return fail_nomem(err, count * sizeof *tids);
    for (size_t i = 0; i < count; i++)
        tids[i] = entries[i].tid;
    return triggers_drop_orphans(r->writer, tids, count, err);
}

static yoda_status reconcile_file(struct reconciliation *r, yoda_error *err)
{
    struct catalog_entry *entries = NULL;
    struct schema_image before = {0}, kept = {0};
    size_t count = 0;
    bool known = false;
    TRY(schema_diff_read(r->writer, &before, err));
    r->surplus = schema_diff_surplus(&r->capture->image, &before);
    schema_diff_deinit(&before);
    TRY(catalog_create(r->writer, r->database_id, err));
    TRY(catalog_list(r->writer, &r->arena, &entries, &count, err));
    r->decisions = arena_array(&r->arena, struct decision, count + 1);
    if (!r->decisions)
        return fail_nomem(err, count * sizeof *r->decisions);
    TRY(drop_orphans(r, entries, count, err));
    for (; r->count < count; r->count++) {
        arena_init(&r->decisions[r->count].arena, NULL);
        yoda_status status = reconcile_entry(r, &entries[r->count], &r->decisions[r->count], err);
        if (status != YODA_OK) {
            r->count++; /* its arena is to be freed too */
            return status;
        }
    }
    TRY(schema_diff_read(r->writer, &r->image, err));
    TRY(schema_diff_load(r->writer, &kept, &known, err));
    bool same = known && schema_diff_equal(&kept, &r->image);
    schema_diff_deinit(&kept);
    return same ? YODA_OK : schema_diff_save(r->writer, &r->image, err);
}

/* ---- Carrying out ---------------------------------------------------------------------------- */

static yoda_status apply_decision(struct capture *capture, struct decision *d, yoda_error *err)
{
    struct slot *slot = capture_slot(capture, d->tid);
    if (d->remove) {
        if (slot)
            capture_remove_slot(capture, slot);
        return YODA_OK;
    }
    bool fresh = !slot;
    if (fresh)
        TRY(capture_add_slot(capture, d->tid, &slot, err));
    bool was_recheck = slot->recheck_only && slot->mirror.state == MIRROR_STALE;
    slot->refused = d->refuse;
    slot->recheck_only = false;
    slot->epoch = d->epoch;
    slot->epoch_pending = false;
    if (d->refuse)
        capture_retire(capture, slot, MIRROR_FAILED, d->reason);
    else if (d->copy)
        capture_retire(capture, slot, MIRROR_COPYING, d->reason);
    TRY(capture_slot_describe(capture, slot, d->table, d->request, &d->arena, err));
    if (!was_recheck || d->copy || d->refuse)
        return YODA_OK;
    store_write_begin(capture->options.store);
    struct table *table = store_find_table(capture->options.store, d->tid);
    if (table)
        table_set_complete(table, true);
    store_write_end(capture->options.store);
    slot->mirror.state = table ? MIRROR_READY : MIRROR_COPYING;
    slot->mirror.reason[0] = '\0';
    capture->publish_wanted = true;
    return YODA_OK;
}

static bool is_registered(const struct reconciliation *r, uint32_t tid)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->decisions[i].tid == tid)
            return true;
    return false;
}

static yoda_status apply(struct reconciliation *r, yoda_error *err)
{
    struct capture *capture = r->capture;
    for (size_t i = capture->slot_count; i-- > 0;)
        if (!is_registered(r, capture->slots[i]->mirror.tid))
            capture_remove_slot(capture, capture->slots[i]);
    for (size_t i = 0; i < r->count; i++)
        TRY(apply_decision(capture, &r->decisions[i], err));
    schema_diff_deinit(&capture->image);
    capture->image = r->image;
    capture_note_views(capture);
    r->image = (struct schema_image){0};
    memcpy(capture->database_id, r->database_id, sizeof capture->database_id);
    capture->reconcile_wanted = false;
    capture->catalog_there = true;
    TRY(capture_read_log_width(capture, r->writer, err));
    capture->data_version = -1;
    return capture_publish_leavers(capture, err);
}

yoda_status capture_reconcile(struct capture *capture, struct conn *writer, yoda_error *err)
{
    struct reconciliation r = {.capture = capture, .writer = writer};
    capture_lock(capture);
    arena_init(&r.arena, NULL);
    yoda_status status = conn_begin(writer, true, err);
    if (status == YODA_OK) {
        status = reconcile_file(&r, err);
        if (status == YODA_OK)
            status = conn_commit(writer, err);
        conn_roll_back(writer);
    }
    if (status == YODA_OK)
        status = apply(&r, err);
    for (size_t i = 0; i < r.count; i++)
        arena_deinit(&r.decisions[i].arena);
    schema_diff_deinit(&r.image);
    arena_deinit(&r.arena);
    capture_unlock(capture);
    return status;
}
