/*
 * catalog.c -- Yoda's own tables: made once, read as hostile input, written by the writer alone.
 *
 * Whatever has the wrong type is either skipped (a registration nobody could have made) or reported
 * as YODA_CORRUPT (the manifest: the caller rebuilds), never trusted.
 */
#include "cdc/catalog.h"

#include "base/hash.h"
#include "base/os.h"
#include "base/str.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define CATALOG_FORMAT 1

/* ---- Statements in one line ------------------------------------------------------------------ */

/* Run one statement with [count] bound values, dropping rows. */
static yoda_status run(struct conn *conn, const char *sql, const struct value *values, int count,
                       yoda_error *err)
{
    struct stmt stmt;
    TRY(stmt_prepare(conn, sql, strlen(sql), &stmt, NULL, err));
    yoda_status status = YODA_OK;
    for (int i = 0; i < count && status == YODA_OK; i++)
        status = stmt_bind(&stmt, i + 1, &values[i], err);
    if (status == YODA_OK)
        status = stmt_step(&stmt, err);
    stmt_finish(&stmt);
    return status;
}

static struct value text_value(const char *text)
{
    return text ? value_text(text, strlen(text)) : value_null();
}

/* ---- Meta ------------------------------------------------------------------------------------ */

yoda_status catalog_blob_write(struct conn *writer, const char *name, const void *data, size_t size,
                               yoda_error *err)
{
    struct value values[] = {text_value(name), value_blob(data, size)};
    return run(writer,
               "INSERT INTO main._yoda_meta(name,value) VALUES(?1,?2)"
               " ON CONFLICT(name) DO UPDATE SET value=excluded.value",
               values, 2, err);
}

static yoda_status meta_int_write(struct conn *writer, const char *name, int64_t value,
                                  yoda_error *err)
{
    struct value values[] = {text_value(name), value_int(value)};
    return run(writer,
               "INSERT INTO main._yoda_meta(name,value) VALUES(?1,?2)"
               " ON CONFLICT(name) DO UPDATE SET value=excluded.value",
               values, 2, err);
}

/* Step to the value of a name: stmt->row tells whether there is one. The caller finishes stmt. */
static yoda_status meta_find(struct conn *conn, const char *name, struct stmt *stmt,
                             yoda_error *err)
{
    static const char sql[] = "SELECT value FROM main._yoda_meta WHERE name=?1";
    struct value key = text_value(name);
    TRY(stmt_prepare(conn, sql, sizeof sql - 1, stmt, NULL, err));
    TRY(stmt_bind(stmt, 1, &key, err));
    return stmt_step(stmt, err);
}

static yoda_status meta_int_read(struct conn *conn, const char *name, int64_t fallback,
                                 int64_t *out, yoda_error *err)
{
    struct stmt stmt = {0};
    *out = fallback;
    yoda_status status = meta_find(conn, name, &stmt, err);
    if (status == YODA_OK && stmt.row) {
        struct value v = stmt_value(&stmt, 0);
        *out = v.type == YODA_INTEGER ? v.i : fallback;
    }
    stmt_finish(&stmt);
    return status;
}

yoda_status catalog_blob_read(struct conn *conn, const char *name, struct arena *arena,
                              const void **out, size_t *size, yoda_error *err)
{
    struct stmt stmt = {0};
    *out = NULL;
    *size = 0;
    yoda_status status = meta_find(conn, name, &stmt, err);
    if (status == YODA_OK && stmt.row) {
        struct value v = stmt_value(&stmt, 0);
        if (v.type == YODA_BLOB && v.size) {
            *out = arena_copy(arena, v.p, v.size);
            *size = v.size;
            if (!*out)
                status = fail_nomem(err, v.size);
        }
    }
    stmt_finish(&stmt);
    return status;
}

yoda_status catalog_database_id(struct conn *conn, uint8_t out[16], yoda_error *err)
{
    struct arena arena;
    const void *id;
    size_t size;
    arena_init(&arena, NULL);
    yoda_status status = catalog_blob_read(conn, "database_id", &arena, &id, &size, err);
    if (status == YODA_OK && size != 16)
        status = fail(err, YODA_CORRUPT, "_yoda_meta holds no database_id");
    if (status == YODA_OK)
        memcpy(out, id, 16);
    arena_deinit(&arena);
    return status;
}

yoda_status catalog_durable_watermark(struct conn *conn, int64_t *out, yoda_error *err)
{
    return meta_int_read(conn, "durable_watermark", 0, out, err);
}

/* ---- Creating -------------------------------------------------------------------------------- */

yoda_status catalog_exists(struct conn *conn, bool *out, yoda_error *err)
{
    int64_t count = 0;
    TRY(conn_query_int(conn,
                       "SELECT count(*) FROM main.sqlite_schema WHERE type='table' AND name IN"
                       "('_yoda_meta','_yoda_table','_yoda_log','_yoda_segment')",
                       0, &count, err));
    *out = count == 4;
    return YODA_OK;
}

static const char create_sql[] =
    "CREATE TABLE IF NOT EXISTS main._yoda_meta(name TEXT PRIMARY KEY, value);"
    "CREATE TABLE IF NOT EXISTS main._yoda_table(tid INTEGER PRIMARY KEY, name TEXT,"
    " schema_hash INTEGER, request TEXT, epoch INTEGER);"
    "CREATE TABLE IF NOT EXISTS main._yoda_log(seq INTEGER PRIMARY KEY, tid INTEGER, k1);"
    "CREATE TABLE IF NOT EXISTS main._yoda_segment(segment INTEGER PRIMARY KEY, tid INTEGER,"
    " generation INTEGER, rows INTEGER, bytes INTEGER, checksum INTEGER, deleted BLOB);";

static yoda_status create_tables(struct conn *writer, uint8_t database_id[16], yoda_error *err)
{
    bool exists = false;
    TRY(catalog_exists(writer, &exists, err));
    if (!exists) {
        TRY(conn_exec(writer, create_sql, err));
        TRY(conn_execf(writer, err,
                       "INSERT OR IGNORE INTO main._yoda_meta VALUES('format',%d),"
                       "('durable_watermark',0),('next_tid',1)",
                       CATALOG_FORMAT));
        os_random(database_id, 16);
        struct value id = value_blob((const char *)database_id, 16);
        TRY(run(writer, "INSERT OR IGNORE INTO main._yoda_meta VALUES('database_id',?1)", &id, 1,
                err));
    }
    int64_t format = 0;
    TRY(meta_int_read(writer, "format", 0, &format, err));
    if (format != CATALOG_FORMAT)
        return fail(err, YODA_CORRUPT,
                    "the file's _yoda_ tables have format %" PRId64 ", this library knows %d",
                    format, CATALOG_FORMAT);
    return catalog_database_id(writer, database_id, err);
}

yoda_status catalog_create(struct conn *writer, uint8_t database_id[16], yoda_error *err)
{
    /* A savepoint works inside and outside a transaction. */
    TRY(conn_exec(writer, "SAVEPOINT yoda_catalog", err));
    yoda_status status = create_tables(writer, database_id, err);
    if (status == YODA_OK)
        status = conn_exec(writer, "RELEASE yoda_catalog", err);
    if (status != YODA_OK)
        YODA_UNUSED(conn_exec(writer, "ROLLBACK TO yoda_catalog; RELEASE yoda_catalog", NULL) !=
                    YODA_OK);
    return status;
}

/* ---- Registrations --------------------------------------------------------------------------- */

static bool is_plain_text(const struct value *v)
{
    return v->type == YODA_TEXT && v->size > 0 && memchr(v->p, 0, v->size) == NULL;
}

/* *valid false: not a row that Yoda wrote. */
static yoda_status read_entry(struct stmt *stmt, struct arena *arena, struct catalog_entry *entry,
                              bool *valid, yoda_error *err)
{
    int64_t tid = stmt_int(stmt, 0);
    struct value name = stmt_value(stmt, 1), request = stmt_value(stmt, 3);
    *valid = tid >= 1 && tid < UINT32_MAX && is_plain_text(&name);
    if (!*valid)
        return YODA_OK;
    entry->tid = (uint32_t)tid;
    entry->schema_hash = (uint64_t)stmt_int(stmt, 2);
    entry->epoch = (uint64_t)stmt_int(stmt, 4);
    entry->name = arena_copy(arena, name.p, name.size);
    entry->request = is_plain_text(&request) ? arena_copy(arena, request.p, request.size) : NULL;
    if (!entry->name || (!entry->request && is_plain_text(&request)))
        return fail_nomem(err, name.size + request.size);
    return YODA_OK;
}

yoda_status catalog_list(struct conn *conn, struct arena *arena, struct catalog_entry **out,
                         size_t *count, yoda_error *err)
{
    static const char sql[] = "SELECT tid,name,schema_hash,request,epoch FROM main._yoda_table"
                              " ORDER BY tid LIMIT ?1";
    int64_t rows = 0;
    *out = NULL;
    *count = 0;
    TRY(conn_query_int(conn, "SELECT count(*) FROM main._yoda_table", 0, &rows, err));
    struct catalog_entry *entries = arena_array(arena, struct catalog_entry, (size_t)rows + 1);
    if (!entries)
        return fail_nomem(err, (size_t)rows * sizeof *entries);
    struct stmt stmt;
    struct value limit = value_int(rows);
    TRY(stmt_prepare(conn, sql, sizeof sql - 1, &stmt, NULL, err));
    yoda_status status = stmt_bind(&stmt, 1, &limit, err);
    if (status == YODA_OK)
        status = stmt_step(&stmt, err);
    while (status == YODA_OK && stmt.row) {
        bool valid = false;
        status = read_entry(&stmt, arena, &entries[*count], &valid, err);
        *count += valid;
        if (status == YODA_OK)
            status = stmt_step(&stmt, err);
    }
    stmt_finish(&stmt);
    *out = entries;
    return status;
}

static uint64_t random_epoch(void)
{
    uint64_t epoch;
    os_random(&epoch, sizeof epoch);
    return epoch;
}

yoda_status catalog_add(struct conn *writer, const char *name, uint64_t schema_hash,
                        const char *request, uint32_t *tid, yoda_error *err)
{
    int64_t next = 1, highest = 0;
    TRY(meta_int_read(writer, "next_tid", 1, &next, err));
    TRY(conn_query_int(writer, "SELECT max(tid) FROM main._yoda_table", 0, &highest, err));
    if (next <= highest)
        next = highest + 1;
    if (next < 1 || next >= UINT32_MAX)
        return fail(err, YODA_CORRUPT, "_yoda_meta: next_tid is %" PRId64, next);
    TRY(meta_int_write(writer, "next_tid", next + 1, err));
    struct value values[] = {value_int(next), text_value(name), value_int((int64_t)schema_hash),
                             text_value(request), value_int((int64_t)random_epoch())};
    TRY(run(writer,
            "INSERT INTO main._yoda_table(tid,name,schema_hash,request,epoch)"
            " VALUES(?1,?2,?3,?4,?5)",
            values, 5, err));
    *tid = (uint32_t)next;
    return YODA_OK;
}

yoda_status catalog_update(struct conn *writer, uint32_t tid, const char *name,
                           uint64_t schema_hash, yoda_error *err)
{
    struct value values[] = {value_int(tid), text_value(name), value_int((int64_t)schema_hash)};
    return run(writer, "UPDATE main._yoda_table SET name=?2, schema_hash=?3 WHERE tid=?1", values,
               3, err);
}

yoda_status catalog_set_epoch(struct conn *writer, uint32_t tid, uint64_t epoch, yoda_error *err)
{
    struct value values[] = {value_int(tid), value_int((int64_t)epoch)};
    return run(writer, "UPDATE main._yoda_table SET epoch=?2 WHERE tid=?1", values, 2, err);
}

yoda_status catalog_forget_segments(struct conn *writer, uint32_t tid, yoda_error *err)
{
    struct value value = value_int(tid);
    return run(writer, "DELETE FROM main._yoda_segment WHERE tid=?1", &value, 1, err);
}

yoda_status catalog_forget_manifest(struct conn *writer, yoda_error *err)
{
    return run(writer, "DELETE FROM main._yoda_segment", NULL, 0, err);
}

yoda_status catalog_remove(struct conn *writer, uint32_t tid, yoda_error *err)
{
    struct value value = value_int(tid);
    TRY(catalog_forget_segments(writer, tid, err));
    return run(writer, "DELETE FROM main._yoda_table WHERE tid=?1", &value, 1, err);
}

/* ---- Manifest -------------------------------------------------------------------------------- */

static yoda_status read_segment(struct stmt *stmt, uint32_t tid, struct arena *arena,
                                struct segment_record *record, yoda_error *err)
{
    int64_t id = stmt_int(stmt, 0), generation = stmt_int(stmt, 1), rows = stmt_int(stmt, 2);
    int64_t bytes = stmt_int(stmt, 3);
    struct value deleted = stmt_value(stmt, 5);
    if (id < 0 || generation < 0 || generation > UINT32_MAX || rows < 1 || rows > SEGMENT_ROWS ||
        bytes < 1 || (deleted.type != YODA_NULL && deleted.type != YODA_BLOB))
        return fail(err, YODA_CORRUPT, "_yoda_segment: the row of segment %" PRId64 " is damaged",
                    id);
    *record = (struct segment_record){.tid = tid,
                                      .segment_id = (uint64_t)id,
                                      .generation = (uint32_t)generation,
                                      .rows = (uint32_t)rows,
                                      .file_bytes = (uint64_t)bytes,
                                      .file_checksum = (uint64_t)stmt_int(stmt, 4)};
    if (deleted.type == YODA_BLOB) {
        record->deleted = arena_copy(arena, deleted.p, deleted.size);
        record->deleted_size = deleted.size;
        if (!record->deleted)
            return fail_nomem(err, deleted.size);
    }
    return YODA_OK;
}

yoda_status catalog_segments(struct conn *conn, uint32_t tid, struct arena *arena,
                             struct segment_record **out, size_t *count, yoda_error *err)
{
    static const char sql[] = "SELECT segment,generation,rows,bytes,checksum,deleted,"
                              " count(*) OVER () FROM main._yoda_segment WHERE tid=?1"
                              " AND NOT (segment=-1-tid AND rows=0) ORDER BY segment";
    struct stmt stmt;
    struct value key = value_int(tid);
    *out = NULL;
    *count = 0;
    TRY(stmt_prepare(conn, sql, sizeof sql - 1, &stmt, NULL, err));
    yoda_status status = stmt_bind(&stmt, 1, &key, err);
    if (status == YODA_OK)
        status = stmt_step(&stmt, err);
    size_t rows = status == YODA_OK && stmt.row ? (size_t)stmt_int(&stmt, 6) : 0;
    struct segment_record *records = arena_array(arena, struct segment_record, rows + 1);
    if (!records && status == YODA_OK)
        status = fail_nomem(err, rows * sizeof *records);
    while (status == YODA_OK && stmt.row && *count < rows) {
        status = read_segment(&stmt, tid, arena, &records[(*count)++], err);
        if (status == YODA_OK)
            status = stmt_step(&stmt, err);
    }
    stmt_finish(&stmt);
    *out = records;
    return status;
}

static int64_t empty_mark(uint32_t tid)
{
    return -1 - (int64_t)tid;
}

yoda_status catalog_says_empty(struct conn *conn, uint32_t tid, uint64_t schema_hash, bool *out,
                               yoda_error *err)
{
    char sql[200];
    int64_t found = 0;
    snprintf(sql, sizeof sql,
             "SELECT count(*)=1 AND max(segment)=%" PRId64 " AND max(rows)=0 AND max(checksum)=%" PRId64
             " FROM main._yoda_segment WHERE tid=%u",
             empty_mark(tid), (int64_t)schema_hash, tid);
    TRY(conn_query_int(conn, sql, 0, &found, err));
    *out = found == 1;
    return YODA_OK;
}

static int compare_ids(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Remove the rows of segments that the checkpoint does not name: ids [count] is sorted. */
static yoda_status drop_other_segments(struct conn *writer, const int64_t *ids, size_t count,
                                       yoda_error *err)
{
    static const char next_sql[] = "SELECT segment FROM main._yoda_segment WHERE segment>?1"
                                   " ORDER BY segment LIMIT 1";
    int64_t at = INT64_MIN; /* ids are never that low: nothing hides at the minimum */
    for (;;) {
        struct stmt stmt;
        struct value after = value_int(at);
        TRY(stmt_prepare(writer, next_sql, sizeof next_sql - 1, &stmt, NULL, err));
        yoda_status status = stmt_bind(&stmt, 1, &after, err);
        if (status == YODA_OK)
            status = stmt_step(&stmt, err);
        bool found = status == YODA_OK && stmt.row;
        at = found ? stmt_int(&stmt, 0) : at;
        stmt_finish(&stmt);
        if (!found)
            return status;
        struct value id = value_int(at);
        if (!count || !bsearch(&at, ids, count, sizeof *ids, compare_ids))
            TRY(run(writer, "DELETE FROM main._yoda_segment WHERE segment=?1", &id, 1, err));
    }
}

/* Rows that say the same already are not rewritten: most of a checkpoint's segments did not change.
 */
static yoda_status write_segment(struct conn *writer, const struct segment_record *r,
                                 yoda_error *err)
{
    struct value values[] = {value_int((int64_t)r->segment_id),
                             value_int(r->tid),
                             value_int(r->generation),
                             value_int(r->rows),
                             value_int((int64_t)r->file_bytes),
                             value_int((int64_t)r->file_checksum),
                             r->deleted ? value_blob(r->deleted, r->deleted_size) : value_null()};
    return run(writer,
               "INSERT INTO main._yoda_segment(segment,tid,generation,rows,bytes,checksum,deleted)"
               " VALUES(?1,?2,?3,?4,?5,?6,?7) ON CONFLICT(segment) DO UPDATE SET tid=excluded.tid,"
               " generation=excluded.generation, rows=excluded.rows, bytes=excluded.bytes,"
               " checksum=excluded.checksum, deleted=excluded.deleted"
               " WHERE tid IS NOT excluded.tid OR generation IS NOT excluded.generation"
               " OR rows IS NOT excluded.rows OR bytes IS NOT excluded.bytes"
               " OR checksum IS NOT excluded.checksum OR deleted IS NOT excluded.deleted",
               values, 7, err);
}

yoda_status catalog_commit_checkpoint(struct conn *writer, const struct checkpoint *checkpoint,
                                      int64_t watermark, yoda_error *err)
{
    ASSERT(conn_in_transaction(writer));
    size_t count = checkpoint_record_count(checkpoint), empty_count = 0;
    const struct empty_table *empty = checkpoint_empty_tables(checkpoint, &empty_count);
    int64_t *ids = mem_calloc(count + empty_count + 1, sizeof *ids);
    if (!ids)
        return fail_nomem(err, (count + empty_count + 1) * sizeof *ids);
    for (size_t i = 0; i < count; i++)
        ids[i] = (int64_t)checkpoint_record(checkpoint, i)->segment_id;
    for (size_t i = 0; i < empty_count; i++)
        ids[count + i] = empty_mark(empty[i].tid);
    qsort(ids, count + empty_count, sizeof *ids, compare_ids);
    yoda_status status = drop_other_segments(writer, ids, count + empty_count, err);
    for (size_t i = 0; i < count && status == YODA_OK; i++)
        status = write_segment(writer, checkpoint_record(checkpoint, i), err);
    for (size_t i = 0; i < empty_count && status == YODA_OK; i++) {
        struct segment_record mark = {.tid = empty[i].tid,
                                      .segment_id = (uint64_t)empty_mark(empty[i].tid),
                                      .file_checksum = empty[i].schema_hash};
        status = write_segment(writer, &mark, err);
    }
    if (status == YODA_OK)
        status = meta_int_write(writer, "durable_watermark", watermark, err);
    mem_free(ids);
    return status;
}

/* ---- Log ------------------------------------------------------------------------------------- */

yoda_status catalog_prune(struct conn *writer, int64_t through, uint64_t limit, uint64_t *removed,
                          yoda_error *err)
{
    int64_t newest = 0, last = 0;
    *removed = 0;
    TRY(conn_query_int(writer, "SELECT max(seq) FROM main._yoda_log", INT64_MIN, &newest, err));
    if (newest == INT64_MIN || limit == 0)
        return YODA_OK;
    if (through >= newest)
        through = newest - 1; /* the newest row stays: an empty log would restart seq at 1 */
    char sql[160];
    snprintf(sql, sizeof sql,
             "SELECT max(seq) FROM (SELECT seq FROM main._yoda_log WHERE seq<=%" PRId64
             " ORDER BY seq LIMIT %" PRIu64 ")",
             through, limit < INT64_MAX ? limit : (uint64_t)INT64_MAX);
    TRY(conn_query_int(writer, sql, INT64_MIN, &last, err));
    if (last == INT64_MIN)
        return YODA_OK;
    int64_t before = conn_changes(writer);
    struct value bound = value_int(last);
    TRY(run(writer, "DELETE FROM main._yoda_log WHERE seq<=?1", &bound, 1, err));
    *removed = (uint64_t)(conn_changes(writer) - before);
    return YODA_OK;
}
