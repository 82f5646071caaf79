/*
 * capture_sync.c -- one sync: the log past the watermark, the rows it names, the merge, the
 * publication.
 *
 * Cost   an idle call is one glance (a read transaction and a few keyed reads). Per changed row: a
 * log row read by seq, a key into an array, SQLite's keyed read in key order, and table_upsert
 *        straight from SQLite's values. Deletes are the keys that the ordered read did not meet.
 */
#include "cdc/capture_state.h"

#include "base/str.h"
#include "oltp/key_scan.h"

#include <inttypes.h>
#include <stdio.h>

/* ---- The read transaction -------------------------------------------------------------------- */

/* A file put back from a copy has another identity, a lower watermark, or lacks the log row that
 * was read last; then nothing known here can be trusted. */
static bool was_replaced(const struct capture *capture, struct stmt *stmt, const struct glance *g)
{
    struct value id = stmt_value(stmt, 2);
    bool same_id = id.type == YODA_BLOB && id.size == sizeof capture->database_id &&
                   memcmp(id.p, capture->database_id, id.size) == 0;
    bool has_row = stmt_int(stmt, 3) == 1;
    return !same_id || g->log_head < capture->watermark || g->durable < capture->durable_seen ||
           (!has_row && capture->watermark > g->durable);
}

static yoda_status start_anew(struct capture *capture, const struct glance *g, yoda_error *err)
{
    for (size_t i = 0; i < capture->slot_count; i++) {
        capture->slots[i]->recheck_only = false;
        capture_retire(capture, capture->slots[i], MIRROR_STALE,
                       "the file or its change log was replaced");
    }
    TRY(catalog_database_id(capture->conn, capture->database_id, err));
    capture->watermark = g->log_head;
    return YODA_OK;
}

static yoda_status glance(struct capture *capture, struct glance *out, yoda_error *err)
{
    static const char sql[] = "SELECT (SELECT max(seq) FROM main._yoda_log),"
                              " (SELECT value FROM main._yoda_meta WHERE name='durable_watermark'),"
                              " (SELECT value FROM main._yoda_meta WHERE name='database_id'),"
                              " EXISTS(SELECT 1 FROM main._yoda_log WHERE seq=?1)";
    struct stmt stmt;
    TRY(stmt_prepare(capture->conn, sql, sizeof sql - 1, &stmt, NULL, err));
    struct value seq = value_int(capture->watermark);
    yoda_status status = stmt_bind(&stmt, 1, &seq, err);
    if (status == YODA_OK)
        status = stmt_step(&stmt, err);
    bool replaced = false;
    if (status == YODA_OK && stmt.row) {
        out->log_head = stmt_int(&stmt, 0);
        out->durable = stmt_int(&stmt, 1);
        replaced = was_replaced(capture, &stmt, out);
    }
    stmt_finish(&stmt);
    TRY(status);
    if (replaced)
        TRY(start_anew(capture, out, err));
    capture->durable_seen = out->durable;
    return YODA_OK;
}

static yoda_status look(struct capture *capture, struct glance *out, yoda_error *err)
{
    TRY(data_version_read(capture->conn, &out->data_version, err));
    TRY(capture_check_schema(capture, err));
    out->log_head = capture->watermark;
    out->durable = capture->durable_seen;
    return capture->catalog_there ? glance(capture, out, err) : YODA_OK;
}

yoda_status capture_begin(struct capture *capture, struct glance *out, yoda_error *err)
{
    TRY(conn_begin(capture->conn, false, err));
    yoda_status status = look(capture, out, err);
    if (status != YODA_OK)
        capture_end(capture);
    return status;
}

void capture_end(struct capture *capture)
{
    conn_roll_back(capture->conn);
}

/* ---- Reading a slice of the log -------------------------------------------------------------- */

static bool takes_entries(const struct slot *slot)
{
    return slot->mirror.state == MIRROR_READY ||
           (slot->mirror.state == MIRROR_COPYING && slot->copy_started);
}

/* Requires stmt on a row (seq, tid, k1, ...). */
static yoda_status take_entry(struct capture *capture, struct slot *slot, struct stmt *stmt,
                              yoda_error *err)
{
    struct value key[KEY_COLUMNS_MAX];
    if (slot->mirror.state == MIRROR_STALE)
        slot->recheck_only = false;
    if (!takes_entries(slot))
        return YODA_OK;
    bool whole = true;
    for (uint32_t i = 0; i < slot->def.key_count && whole; i++) {
        key[i] = i < capture->log_width ? stmt_value(stmt, (int)i + 2) : value_null();
        whole = slot->def.key_is_rowid ? key[i].type == YODA_INTEGER : key[i].type != YODA_NULL;
    }
    if (!whole) { /* an entry without a key asks for a new copy (triggers.c), whoever wrote it */
        slot->keys.count = 0;
        capture_retire(capture, slot, MIRROR_STALE,
                       "a default value replaced a NULL in a UNIQUE index unseen");
        return YODA_OK;
    }
    return slot->def.key_is_rowid ? key_set_add_id(&slot->keys, key[0].i, err)
                                  : key_set_add(&slot->keys, key, err);
}

static yoda_status read_entries(struct capture *capture, struct stmt *stmt, int64_t *seq,
                                uint64_t *events, yoda_error *err)
{
    struct slot *slot = NULL;
    for (;;) {
        TRY(stmt_step(stmt, err));
        if (!stmt->row)
            return YODA_OK;
        *seq = stmt_int(stmt, 0);
        ++*events;
        struct value tid = stmt_value(stmt, 1);
        if (tid.type != YODA_INTEGER || tid.i < 0 || tid.i > UINT32_MAX)
            continue; /* nobody's entry */
        if (!slot || slot->mirror.tid != tid.i)
            slot = capture_slot(capture, (uint32_t)tid.i);
        if (slot)
            TRY(take_entry(capture, slot, stmt, err));
    }
}

static yoda_status read_slice(struct capture *capture, int64_t *seq, uint64_t *events,
                              yoda_error *err)
{
    struct str sql;
    struct stmt stmt;
    for (size_t i = 0; i < capture->slot_count; i++)
        key_set_clear(&capture->slots[i]->keys);
    str_init(&sql);
    str_puts(&sql, "SELECT seq,tid");
    for (uint32_t i = 0; i < capture->log_width; i++)
        str_printf(&sql, ",k%u", i + 1);
    str_puts(&sql, " FROM main._yoda_log WHERE seq>?1 ORDER BY seq LIMIT ?2");
    yoda_status status = str_check(&sql, err);
    if (status == YODA_OK)
        status = stmt_prepare(capture->conn, str_text(&sql), sql.size, &stmt, NULL, err);
    str_deinit(&sql);
    TRY(status);
    uint64_t limit = capture->options.slice_events;
    struct value values[] = {value_int(*seq),
                             value_int(limit < INT64_MAX ? (int64_t)limit : INT64_MAX)};
    for (int i = 0; i < 2 && status == YODA_OK; i++)
        status = stmt_bind(&stmt, i + 1, &values[i], err);
    if (status == YODA_OK)
        status = read_entries(capture, &stmt, seq, events, err);
    stmt_finish(&stmt);
    return status;
}

/* ---- Merging --------------------------------------------------------------------------------- */

struct merge {
    struct table *table;
    const struct slot *slot;
    size_t next; /* first key not yet met nor deleted */
    yoda_sync_stats *stats;
};

static void count_outcome(yoda_sync_stats *stats, enum merge_outcome outcome)
{
    stats->rows_inserted += outcome == MERGE_INSERTED;
    stats->rows_updated += outcome == MERGE_UPDATED;
    stats->rows_deleted += outcome == MERGE_DELETED;
}

static yoda_status delete_next(struct merge *m, yoda_error *err)
{
    const struct key_set *keys = &m->slot->keys;
    enum merge_outcome outcome;
    struct value id;
    const struct value *key = &id;
    if (keys->width)
        key = &keys->values[m->next * keys->width];
    else
        id = value_int(keys->ids[m->next]);
    m->next++;
    TRY(table_delete(m->table, key, &outcome, err));
    count_outcome(m->stats, outcome);
    return YODA_OK;
}

/* How does the next key compare with the row's? */
static int compare_next(const struct merge *m, const struct value *row)
{
    const struct key_set *keys = &m->slot->keys;
    const struct table_def *def = &m->slot->def;
    if (!keys->width) {
        int64_t id = row[def->key_columns[0]].i;
        return (keys->ids[m->next] > id) - (keys->ids[m->next] < id);
    }
    struct value key[KEY_COLUMNS_MAX];
    for (uint32_t i = 0; i < keys->width; i++)
        key[i] = row[def->key_columns[i]];
    return key_set_compare(keys, &keys->values[m->next * keys->width], key);
}

/* Rows come in key order: keys passed over have no row any more. */
static yoda_status merge_row(void *ctx, const struct value *row, yoda_error *err)
{
    struct merge *m = ctx;
    enum merge_outcome outcome;
    int order = -1;
    while (m->next < m->slot->keys.count && (order = compare_next(m, row)) < 0)
        TRY(delete_next(m, err));
    m->next += order == 0;
    TRY(table_upsert(m->table, row, &outcome, err));
    count_outcome(m->stats, outcome);
    return YODA_OK;
}

static yoda_status merge_keys(struct capture *capture, struct slot *slot, struct merge *m,
                              yoda_error *err)
{
    const struct key_set *keys = &slot->keys;
    if (keys->width)
        TRY(key_scan_keys(capture->conn, slot->mirror.table, keys->values, keys->count, merge_row,
                          m, err));
    else
        TRY(key_scan_rowids(capture->conn, slot->mirror.table, keys->ids, keys->count, merge_row, m,
                            err));
    while (m->next < keys->count)
        TRY(delete_next(m, err));
    return YODA_OK;
}

static yoda_status merge_slot(struct capture *capture, struct slot *slot, yoda_sync_stats *stats,
                              yoda_error *err)
{
    if (slot->keys.count == 0 || !takes_entries(slot))
        return YODA_OK;
    TRY(key_set_sort(&slot->keys, err));
    store_write_begin(capture->options.store);
    struct merge m = {store_find_table(capture->options.store, slot->mirror.tid), slot, 0, stats};
    yoda_status status = YODA_OK;
    if (m.table) {
        capture->unmerged = true;
        status = merge_keys(capture, slot, &m, err);
    }
    store_write_end(capture->options.store);
    return status;
}

static yoda_status merge_log(struct capture *capture, int64_t head, yoda_sync_stats *stats,
                             yoda_error *err)
{
    int64_t seq = capture->watermark;
    while (seq < head) {
        uint64_t events = 0;
        TRY(read_slice(capture, &seq, &events, err));
        if (events == 0)
            break;
        stats->events_processed += events;
        for (size_t i = 0; i < capture->slot_count; i++)
            TRY(merge_slot(capture, capture->slots[i], stats, err));
    }
    return YODA_OK;
}

/* ---- Publishing ------------------------------------------------------------------------------ */

/* Mirrors whose rows are all in join with this publication, or not at all. */
static void set_joiners(struct capture *capture, bool complete)
{
    for (size_t i = 0; i < capture->slot_count; i++) {
        const struct slot *slot = capture->slots[i];
        struct table *table = NULL;
        if (slot->copied && slot->mirror.state == MIRROR_COPYING)
            table = store_find_table(capture->options.store, slot->mirror.tid);
        if (table)
            table_set_complete(table, complete);
    }
}

static void finish_joiners(struct capture *capture)
{
    for (size_t i = 0; i < capture->slot_count; i++) {
        struct slot *slot = capture->slots[i];
        if (!slot->copied || slot->mirror.state != MIRROR_COPYING)
            continue;
        slot->mirror.state = MIRROR_READY;
        slot->mirror.reason[0] = '\0';
        slot->copied = slot->copy_started = false;
        slot->after = NULL;
    }
}

static bool has_joiners(const struct capture *capture)
{
    for (size_t i = 0; i < capture->slot_count; i++)
        if (capture->slots[i]->copied && capture->slots[i]->mirror.state == MIRROR_COPYING)
            return true;
    return false;
}

static yoda_status publish(struct capture *capture, int64_t watermark, yoda_error *err)
{
    store_write_begin(capture->options.store);
    set_joiners(capture, true);
    yoda_status status = store_publish(capture->options.store, watermark, err);
    if (status != YODA_OK)
        set_joiners(capture, false);
    store_write_end(capture->options.store);
    TRY(status);
    finish_joiners(capture);
    capture->watermark = watermark;
    capture->unmerged = capture->publish_wanted = false;
    return YODA_OK;
}

yoda_status capture_sync_unlocked(struct capture *capture, yoda_sync_stats *stats, yoda_error *err)
{
    struct glance g = {0};
    capture->data_version = -1; /* until this ends well */
    TRY(capture_begin(capture, &g, err));
    capture->log_head = g.log_head;
    yoda_status status = merge_log(capture, g.log_head, stats, err);
    capture_end(capture);
    TRY(status);
    if (g.log_head != capture->watermark || capture->unmerged || capture->publish_wanted ||
        has_joiners(capture))
        TRY(publish(capture, g.log_head, err));
    capture->data_version = g.data_version;
    atomic_store(&capture->views_current, capture->image.views_hash);
    stats->last_seq = capture->watermark;
    return YODA_OK;
}

yoda_status capture_look(struct capture *capture, yoda_error *err)
{
    struct glance g = {0};
    capture_lock(capture);
    yoda_status status = capture_begin(capture, &g, err);
    if (status == YODA_OK)
        capture_end(capture);
    capture_unlock(capture);
    return status;
}

yoda_status capture_sync(struct capture *capture, yoda_sync_stats *stats, yoda_error *err)
{
    yoda_sync_stats own = {0};
    capture_lock(capture);
    yoda_status status = capture_sync_unlocked(capture, stats ? stats : &own, err);
    capture_unlock(capture);
    return status;
}
