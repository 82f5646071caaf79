/*
 * sqlite_stmt.c -- prepared statements: a cache by SQL text, binding, stepping, reading values.
 *
 * A cached statement is leased to one user at a time; asking for the same text again meanwhile
 * prepares a second, uncached one. Only texts of exactly one statement are kept. SQLite prepares a
 * statement again by itself when the schema moved, so a cached one never goes stale -- but its
 * columns may change at the first step.
 */
#include "oltp/sqlite_handle.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/str.h"

#include <limits.h>
#include <stdio.h>

/* ---- Cache ----------------------------------------------------------------------------------- */

static bool cache_holds(const struct cached_stmt *entry, uint64_t hash, const char *sql,
                        size_t size)
{
    return entry->hash == hash && entry->sql && entry->size == size && !entry->leased &&
           memcmp(entry->sql, sql, size) == 0;
}

/* Statements come in runs of one: the last one found is looked at first. */
static struct cached_stmt *cache_find(struct conn *conn, const char *sql, size_t size)
{
    uint64_t hash = hash_bytes(sql, size, 0);
    if (conn->cache_last < conn->cache_size &&
        cache_holds(&conn->cache[conn->cache_last], hash, sql, size))
        return &conn->cache[conn->cache_last];
    for (uint32_t i = 0; i < conn->cache_size; i++)
        if (cache_holds(&conn->cache[i], hash, sql, size)) {
            conn->cache_last = i;
            return &conn->cache[i];
        }
    return NULL;
}

static void cache_drop(struct cached_stmt *entry)
{
    sqlite3_finalize(entry->handle);
    mem_free(entry->sql);
    memset(entry, 0, sizeof *entry);
}

/* A free entry, else the least recently used one that is not leased. */
static struct cached_stmt *cache_victim(struct conn *conn)
{
    struct cached_stmt *victim = NULL;
    for (uint32_t i = 0; i < conn->cache_size; i++) {
        struct cached_stmt *entry = &conn->cache[i];
        if (!entry->sql)
            return entry;
        if (!entry->leased && (!victim || entry->used < victim->used))
            victim = entry;
    }
    if (victim)
        cache_drop(victim);
    return victim;
}

static void cache_keep(struct conn *conn, const char *sql, size_t size, struct stmt *stmt)
{
    struct cached_stmt *entry = cache_victim(conn);
    char *text = entry ? mem_strndup(sql, size) : NULL;
    if (!text)
        return; /* not kept: the statement works all the same */
    *entry = (struct cached_stmt){.hash = hash_bytes(sql, size, 0),
                                  .sql = text,
                                  .size = size,
                                  .handle = stmt->handle,
                                  .leased = true,
                                  .used = ++conn->cache_clock};
    stmt->cached = entry;
}

void stmt_cache_clear(struct conn *conn)
{
    for (uint32_t i = 0; i < conn->cache_size; i++) {
        ASSERT(!conn->cache[i].leased);
        cache_drop(&conn->cache[i]);
    }
}

/* ---- Preparing ------------------------------------------------------------------------------- */

static bool is_blank(const char *text, const char *end)
{
    while (text < end && strchr(" \t\r\n\f;", *text))
        text++;
    return text == end;
}

yoda_status stmt_prepare(struct conn *conn, const char *sql, size_t size, struct stmt *out,
                         const char **tail, yoda_error *err)
{
    memset(out, 0, sizeof *out);
    out->conn = conn;
    if (tail)
        *tail = sql + size;
    if (size > INT_MAX)
        return fail(err, YODA_TOO_BIG, "the statement has more than %d bytes", INT_MAX);
    struct cached_stmt *entry = cache_find(conn, sql, size);
    if (entry) {
        entry->leased = true;
        entry->used = ++conn->cache_clock;
        out->handle = entry->handle;
        out->cached = entry;
        return YODA_OK;
    }
    const char *rest = NULL;
    unsigned flags = conn->cache_size ? SQLITE_PREPARE_PERSISTENT : 0;
    if (sqlite3_prepare_v3(conn->db, sql, (int)size, flags, &out->handle, &rest) != SQLITE_OK) {
        ASSERT(!out->handle);
        return conn_fail(conn, err);
    }
    const char *end = sql + size;
    if (!rest || (rest < end && *rest == '\0'))
        rest = end; /* SQLite stops at a NUL: nothing behind it is ever run */
    if (tail)
        *tail = rest;
    if (out->handle && conn->cache_size && is_blank(rest, end))
        cache_keep(conn, sql, size, out);
    return YODA_OK;
}

void stmt_finish(struct stmt *stmt)
{
    if (!stmt->handle)
        return;
    sqlite3_reset(stmt->handle);
    conn_count_changes(stmt->conn);
    stmt->row = false;
    if (stmt->cached) {
        ASSERT(stmt->cached->handle == stmt->handle && stmt->cached->leased);
        sqlite3_clear_bindings(stmt->handle);
        stmt->cached->leased = false;
    } else {
        sqlite3_finalize(stmt->handle);
    }
    stmt->handle = NULL;
}

void stmt_reset(struct stmt *stmt)
{
    sqlite3_reset(stmt->handle);
    stmt->row = false;
}

bool stmt_is_readonly(const struct stmt *stmt)
{
    return !stmt->handle || sqlite3_stmt_readonly(stmt->handle);
}

/* ---- Binding --------------------------------------------------------------------------------- */

static int bind_value(sqlite3_stmt *handle, int index, const struct value *value,
                      sqlite3_destructor_type ownership)
{
    const char *bytes = value->type == YODA_TEXT || value->type == YODA_BLOB ? value->p : NULL;
    if (!bytes)
        bytes = ""; /* SQLite would bind NULL for a null pointer */
    switch (value->type) {
    case YODA_INTEGER:
        return sqlite3_bind_int64(handle, index, value->i);
    case YODA_REAL:
        return sqlite3_bind_double(handle, index, value->r);
    case YODA_TEXT:
        return sqlite3_bind_text64(handle, index, bytes, value->size, ownership, SQLITE_UTF8);
    case YODA_BLOB:
        return sqlite3_bind_blob64(handle, index, bytes, value->size, ownership);
    default:
        return sqlite3_bind_null(handle, index);
    }
}

int bind_borrowed(sqlite3_stmt *handle, int index, const struct value *value)
{
    return bind_value(handle, index, value, SQLITE_STATIC);
}

yoda_status stmt_bind(struct stmt *stmt, int index, const struct value *value, yoda_error *err)
{
    if (bind_value(stmt->handle, index, value, SQLITE_TRANSIENT) != SQLITE_OK)
        return conn_fail(stmt->conn, err);
    return YODA_OK;
}

yoda_status stmt_bind_borrowed(struct stmt *stmt, int index, const struct value *value,
                               yoda_error *err)
{
    if (bind_borrowed(stmt->handle, index, value) != SQLITE_OK)
        return conn_fail(stmt->conn, err);
    return YODA_OK;
}

static yoda_status bind_param(struct stmt *stmt, int index, const yoda_value *in, yoda_error *err)
{
    if (in->type < YODA_INTEGER || in->type > YODA_NULL)
        return fail(err, YODA_MISUSE, "parameter %d has no known type (%d)", index, (int)in->type);
    bool bytes = in->type == YODA_TEXT || in->type == YODA_BLOB;
    if (bytes && in->size > INT_MAX)
        return fail(err, YODA_TOO_BIG, "parameter %d has more than %d bytes", index, INT_MAX);
    struct value value = {.type = (uint8_t)in->type};
    if (bytes) {
        value.size = (uint32_t)in->size;
        value.p = in->data;
        if (in->size && !in->data)
            return fail(err, YODA_MISUSE, "parameter %d has a size but no data", index);
    } else if (in->type == YODA_REAL) {
        value.r = in->real;
    } else {
        value.i = in->integer;
    }
    return stmt_bind_borrowed(stmt, index, &value, err);
}

/* The parameter's index by "name", ":name", "@name" or "$name"; 0 when there is none. */
static int param_index(sqlite3_stmt *handle, const char *name)
{
    if (!name)
        return 0;
    if (strchr(":@$?", name[0]) && name[0])
        return sqlite3_bind_parameter_index(handle, name);
    char prefixed[256];
    for (const char *prefix = ":@$"; *prefix; prefix++) {
        int size = snprintf(prefixed, sizeof prefixed, "%c%s", *prefix, name);
        if (size < 0 || (size_t)size >= sizeof prefixed)
            return 0;
        int index = sqlite3_bind_parameter_index(handle, prefixed);
        if (index)
            return index;
    }
    return 0;
}

yoda_status stmt_bind_params(struct stmt *stmt, const yoda_params *params, yoda_error *err)
{
    size_t wanted = stmt->handle ? (size_t)sqlite3_bind_parameter_count(stmt->handle) : 0;
    size_t given = params ? params->count : 0;
    if (given != wanted)
        return fail(err, YODA_MISUSE, "the statement has %zu parameters, %zu were given", wanted,
                    given);
    for (size_t i = 0; i < given; i++) {
        int index = (int)i + 1;
        if (params->names) {
            index = param_index(stmt->handle, params->names[i]);
            if (index == 0)
                return fail(err, YODA_MISUSE, "the statement has no parameter named \"%s\"",
                            params->names[i] ? params->names[i] : "");
        }
        TRY(bind_param(stmt, index, &params->values[i], err));
    }
    return YODA_OK;
}

/* ---- Stepping and reading -------------------------------------------------------------------- */

yoda_status stmt_step(struct stmt *stmt, yoda_error *err)
{
    stmt->row = false;
    if (!stmt->handle)
        return YODA_OK;
    if (stmt->conn->value_lost)
        return conn_fail(stmt->conn, err);
    int code = sqlite3_step(stmt->handle);
    conn_count_changes(stmt->conn);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        return conn_fail(stmt->conn, err);
    stmt->row = code == SQLITE_ROW;
    return YODA_OK;
}

int stmt_column_count(const struct stmt *stmt)
{
    return stmt->handle ? sqlite3_column_count(stmt->handle) : 0;
}

const char *stmt_column_name(const struct stmt *stmt, int column)
{
    const char *name = sqlite3_column_name(stmt->handle, column);
    return name ? name : "";
}

struct value value_of_sqlite(struct conn *conn, sqlite3_value *value)
{
    switch (sqlite3_value_type(value)) {
    case SQLITE_INTEGER:
        return value_int(sqlite3_value_int64(value));
    case SQLITE_FLOAT:
        return value_real(sqlite3_value_double(value));
    case SQLITE_TEXT: {
        const char *text = (const char *)sqlite3_value_text(value);
        conn->value_lost |= !text;
        return value_text(text ? text : "", text ? (size_t)sqlite3_value_bytes(value) : 0);
    }
    case SQLITE_BLOB: {
        const char *bytes = sqlite3_value_blob(value);
        size_t size = (size_t)sqlite3_value_bytes(value);
        conn->value_lost |= !bytes && size;
        return value_blob(bytes ? bytes : "", bytes ? size : 0);
    }
    default:
        return value_null();
    }
}

struct value stmt_value(struct stmt *stmt, int column)
{
    return value_of_sqlite(stmt->conn, sqlite3_column_value(stmt->handle, column));
}

static uint64_t value_bytes(const struct value *row, int columns)
{
    uint64_t bytes = (uint64_t)columns * sizeof(uint64_t);
    for (int i = 0; i < columns; i++)
        bytes += row[i].type == YODA_TEXT || row[i].type == YODA_BLOB ? row[i].size : 0;
    return bytes;
}

static yoda_status fetch(struct stmt *stmt, const struct stmt_room *room, struct value *row,
                         struct batch_list *out, yoda_error *err)
{
    int columns = (int)out->column_count;
    uint64_t bytes = 0;
    while (stmt->row) {
        for (int i = 0; i < columns; i++)
            row[i] = stmt_value(stmt, i);
        TRY(batch_list_append(out, row, err));
        bytes += value_bytes(row, columns);
        if (out->rows >= room->rows || bytes >= room->bytes)
            break;
        TRY(stmt_step(stmt, err));
    }
    return YODA_OK;
}

yoda_status stmt_fetch(struct stmt *stmt, const struct stmt_room *room, struct batch_list *out,
                       yoda_error *err)
{
    struct value stack[32], *row = stack;
    size_t columns = out->column_count;
    ASSERT((int)columns == stmt_column_count(stmt));
    if (columns > COUNT_OF(stack)) {
        row = mem_alloc(columns * sizeof *row);
        if (!row)
            return fail_nomem(err, columns * sizeof *row);
    }
    yoda_status status = fetch(stmt, room, row, out, err);
    if (row != stack)
        mem_free(row);
    return status;
}

yoda_status stmt_collect(struct stmt *stmt, struct batch_list *out, yoda_error *err)
{
    static const struct stmt_room endless = {UINT64_MAX, UINT64_MAX};
    TRY(stmt_step(stmt, err));
    int columns = stmt_column_count(stmt); /* after the first step: see the top */
    if (out->column_count != (uint32_t)columns) {
        if (out->rows)
            return fail(err, YODA_SCHEMA, "the statement's columns changed while it was run");
        struct mem_budget *budget = out->budget;
        batch_list_deinit(out);
        batch_list_init(out, (uint32_t)columns, budget);
    }
    return stmt_fetch(stmt, &endless, out, err);
}
