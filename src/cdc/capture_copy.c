/*
 * capture_copy.c -- the first copy of a table, in slices.
 *
 * Each slice is its own short read transaction: the next rows in key order after the last key
 * copied. Between slices syncs go on and merge the log into the half-copied table as into any other
 * (invariant 4 of capture_state.h); a row changed after its slice is in the log, a row changed
 * before it is read as it is. After the last slice a sync joins the table to the published version.
 */
#include "cdc/capture_state.h"

#include "base/str.h"
#include "oltp/key_scan.h"

#include <stdio.h>

struct copy {
    struct slot *slot;
    struct table *table;
};

static yoda_status remember_key(struct slot *slot, const struct value *row, yoda_error *err)
{
    arena_reset(&slot->after_arena);
    slot->after = arena_array(&slot->after_arena, struct value, slot->def.key_count);
    if (!slot->after)
        return fail_nomem(err, slot->def.key_count * sizeof *slot->after);
    for (uint32_t i = 0; i < slot->def.key_count; i++) {
        struct value v = row[slot->def.key_columns[i]];
        if (v.type == YODA_TEXT || v.type == YODA_BLOB) {
            v.p = arena_copy(&slot->after_arena, v.p, v.size);
            if (!v.p)
                return fail_nomem(err, v.size);
        }
        slot->after[i] = v;
    }
    return YODA_OK;
}

static yoda_status copy_row(void *ctx, const struct value *row, yoda_error *err)
{
    struct copy *copy = ctx;
    enum merge_outcome outcome;
    TRY(table_upsert(copy->table, row, &outcome, err));
    copy->slot->mirror.copied_rows++;
    if (copy->slot->def.key_is_rowid && copy->slot->after) {
        copy->slot->after[0] = row[copy->slot->def.key_columns[0]];
        return YODA_OK;
    }
    return remember_key(copy->slot, row, err);
}

/* A guess for progress reports: counting would read the whole table. */
static yoda_status expect_rows(struct capture *capture, struct slot *slot, yoda_error *err)
{
    slot->mirror.expected_rows = 0;
    if (!slot->def.key_is_rowid)
        return YODA_OK;
    struct str sql;
    int64_t low = 0, high = 0;
    const char *const bounds[] = {"min", "max"};
    for (int i = 0; i < 2; i++) {
        str_init(&sql);
        str_printf(&sql, "SELECT %s(", bounds[i]);
        str_identifier(&sql, slot->mirror.table->rowid_name);
        str_puts(&sql, ") FROM main.");
        str_identifier(&sql, slot->mirror.table->name);
        yoda_status status = str_check(&sql, err);
        if (status == YODA_OK)
            status = conn_query_int(capture->conn, str_text(&sql), 0, i ? &high : &low, err);
        str_deinit(&sql);
        TRY(status);
    }
    slot->mirror.expected_rows = (uint64_t)high - (uint64_t)low + (high != 0 || low != 0);
    return YODA_OK;
}

static yoda_status start_copy(struct capture *capture, struct slot *slot, yoda_error *err)
{
    TRY(expect_rows(capture, slot, err));
    store_write_begin(capture->options.store);
    store_drop_table(capture->options.store, slot->mirror.tid);
    yoda_status status = store_add_table(capture->options.store, slot->mirror.tid, &slot->def, err);
    store_write_end(capture->options.store);
    TRY(status);
    slot->copy_started = true;
    slot->copied = false;
    slot->after = NULL;
    slot->mirror.copied_rows = 0;
    return YODA_OK;
}

/* Requires a read transaction in which the mirror was found to be right. */
static yoda_status copy_slice(struct capture *capture, struct slot *slot, yoda_error *err)
{
    if (!slot->copy_started)
        TRY(start_copy(capture, slot, err));
    bool done = false;
    store_write_begin(capture->options.store);
    struct copy copy = {slot, store_find_table(capture->options.store, slot->mirror.tid)};
    ASSERT(copy.table && !table_is_complete(copy.table));
    struct value after[KEY_COLUMNS_MAX]; /* the scan's bounds stay while slot->after moves on */
    struct arena bytes;
    yoda_status status = YODA_OK;
    arena_init(&bytes, NULL);
    for (uint32_t i = 0; slot->after && i < slot->def.key_count && status == YODA_OK; i++) {
        after[i] = slot->after[i];
        if (after[i].type == YODA_TEXT || after[i].type == YODA_BLOB) {
            after[i].p = arena_copy(&bytes, after[i].p, after[i].size);
            if (!after[i].p)
                status = fail_nomem(err, after[i].size);
        }
    }
    if (status == YODA_OK)
        status = key_scan_table(capture->conn, slot->mirror.table, slot->after ? after : NULL,
                                capture->options.copy_slice_rows, copy_row, &copy, &done, err);
    arena_deinit(&bytes);
    store_write_end(capture->options.store);
    slot->copied = status == YODA_OK && done;
    return status;
}

/* A lock or an interrupt says nothing about the copy: it goes on where it stopped. */
static bool is_passing(yoda_status status)
{
    return status == YODA_BUSY || status == YODA_INTERRUPTED || status == YODA_TIMEOUT;
}

static yoda_status copy_step(struct capture *capture, struct slot *slot, yoda_error *err)
{
    struct glance g;
    if (!slot->copied) {
        TRY(capture_begin(capture, &g, err));
        yoda_status status = YODA_OK;
        if (slot->mirror.state == MIRROR_COPYING)
            status = copy_slice(capture, slot, err);
        capture_end(capture);
        TRY(status);
    }
    if (!slot->copied)
        return YODA_OK;
    yoda_sync_stats stats = {0};
    return capture_sync_unlocked(capture, &stats, err);
}

yoda_status capture_copy_step(struct capture *capture, uint32_t tid, bool *more, yoda_error *err)
{
    struct slot *slot = capture_slot(capture, tid);
    *more = false;
    if (!slot)
        return fail(err, YODA_NOT_FOUND, "no registered table has the number %u", tid);
    if (slot->mirror.state == MIRROR_FAILED && !slot->refused)
        slot->mirror.state = MIRROR_COPYING;
    if (slot->mirror.state != MIRROR_COPYING)
        return YODA_OK;
    yoda_error own = {0};
    capture_lock(capture);
    yoda_status status = copy_step(capture, slot, &own);
    if (status != YODA_OK && !is_passing(status) && slot->mirror.state == MIRROR_COPYING)
        capture_retire(capture, slot, MIRROR_FAILED, own.message);
    *more = slot->mirror.state == MIRROR_COPYING;
    capture_unlock(capture);
    if (status != YODA_OK && err)
        *err = own;
    return status;
}
