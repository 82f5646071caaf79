/*
 * key_scan.c -- reading many rows: the keys as a virtual table, and the three statements around it.
 *
 * _yoda_keys exists on this connection only (eponymous, never in the file). Its cursor walks the
 * caller's array, so nothing is copied or bound per key; CROSS JOIN fixes the order: keys outside,
 * base table inside. SQLite's cursor moves forward cheaply when the next key is near.
 */
#include "oltp/key_scan.h"

#include "base/mem.h"
#include "base/str.h"
#include "oltp/sqlite_handle.h"

#define KEYS_WIDTH 32

struct key_table {              /* the keys of the scan going on; one per connection */
    const int64_t *ids;         /* [count], or */
    const struct value *values; /* [count * width] */
    size_t count;
    uint32_t width;
};

struct key_vtab {
    sqlite3_vtab base; /* must be first */
    struct key_table *keys;
};

struct key_cursor {
    sqlite3_vtab_cursor base; /* must be first */
    size_t at;
};

static struct key_table *keys_of(sqlite3_vtab_cursor *cursor)
{
    return ((struct key_vtab *)cursor->pVtab)->keys;
}

/* ---- The virtual table ----------------------------------------------------------------------- */

static int keys_connect(sqlite3 *db, void *aux, int argc, const char *const *argv,
                        sqlite3_vtab **out, char **message)
{
    YODA_UNUSED(argc), YODA_UNUSED(argv), YODA_UNUSED(message);
    int code = sqlite3_declare_vtab(
        db, "CREATE TABLE x(k0,k1,k2,k3,k4,k5,k6,k7,k8,k9,k10,k11,k12,k13,k14,k15,"
            "k16,k17,k18,k19,k20,k21,k22,k23,k24,k25,k26,k27,k28,k29,k30,k31)");
    if (code != SQLITE_OK)
        return code;
    struct key_vtab *vtab = mem_calloc(1, sizeof *vtab);
    if (!vtab)
        return SQLITE_NOMEM;
    vtab->keys = aux;
    *out = &vtab->base;
    return SQLITE_OK;
}

static int keys_disconnect(sqlite3_vtab *vtab)
{
    mem_free(vtab);
    return SQLITE_OK;
}

static int keys_best_index(sqlite3_vtab *vtab, sqlite3_index_info *info)
{
    YODA_UNUSED(vtab);
    info->estimatedCost = 1;
    info->estimatedRows = 1;
    return SQLITE_OK;
}

static int keys_open(sqlite3_vtab *vtab, sqlite3_vtab_cursor **out)
{
    YODA_UNUSED(vtab);
    struct key_cursor *cursor = mem_calloc(1, sizeof *cursor);
    if (!cursor)
        return SQLITE_NOMEM;
    *out = &cursor->base;
    return SQLITE_OK;
}

static int keys_close(sqlite3_vtab_cursor *cursor)
{
    mem_free(cursor);
    return SQLITE_OK;
}

static int keys_filter(sqlite3_vtab_cursor *cursor, int number, const char *text, int argc,
                       sqlite3_value **argv)
{
    YODA_UNUSED(number), YODA_UNUSED(text), YODA_UNUSED(argc), YODA_UNUSED(argv);
    ((struct key_cursor *)cursor)->at = 0;
    return SQLITE_OK;
}

static int keys_next(sqlite3_vtab_cursor *cursor)
{
    ((struct key_cursor *)cursor)->at++;
    return SQLITE_OK;
}

static int keys_eof(sqlite3_vtab_cursor *cursor)
{
    return ((struct key_cursor *)cursor)->at >= keys_of(cursor)->count;
}

static void result_value(sqlite3_context *context, const struct value *v)
{
    switch (v->type) {
    case YODA_INTEGER:
        sqlite3_result_int64(context, v->i);
        break;
    case YODA_REAL:
        sqlite3_result_double(context, v->r);
        break;
    case YODA_TEXT:
        sqlite3_result_text64(context, v->p, v->size, SQLITE_STATIC, SQLITE_UTF8);
        break;
    case YODA_BLOB:
        sqlite3_result_blob64(context, v->p, v->size, SQLITE_STATIC);
        break;
    default:
        sqlite3_result_null(context);
    }
}

static int keys_column(sqlite3_vtab_cursor *cursor, sqlite3_context *context, int column)
{
    const struct key_table *keys = keys_of(cursor);
    size_t at = ((struct key_cursor *)cursor)->at;
    ASSERT(at < keys->count);
    if (keys->ids)
        sqlite3_result_int64(context, keys->ids[at]);
    else if ((uint32_t)column < keys->width)
        result_value(context, &keys->values[at * keys->width + (uint32_t)column]);
    return SQLITE_OK;
}

static int keys_rowid(sqlite3_vtab_cursor *cursor, sqlite3_int64 *out)
{
    *out = (sqlite3_int64)((struct key_cursor *)cursor)->at;
    return SQLITE_OK;
}

static const sqlite3_module keys_module = {
    .xConnect = keys_connect, /* no xCreate: eponymous only */
    .xBestIndex = keys_best_index,
    .xDisconnect = keys_disconnect,
    .xOpen = keys_open,
    .xClose = keys_close,
    .xFilter = keys_filter,
    .xNext = keys_next,
    .xEof = keys_eof,
    .xColumn = keys_column,
    .xRowid = keys_rowid,
};

static yoda_status keys_publish(struct conn *conn, const int64_t *ids, const struct value *values,
                                size_t count, uint32_t width, yoda_error *err)
{
    ASSERT(width <= KEYS_WIDTH);
    if (!conn->keys) {
        conn->keys = mem_calloc(1, sizeof *conn->keys);
        if (!conn->keys)
            return fail_nomem(err, sizeof *conn->keys);
        if (sqlite3_create_module_v2(conn->db, "_yoda_keys", &keys_module, conn->keys, NULL) !=
            SQLITE_OK) {
            mem_free(conn->keys);
            conn->keys = NULL;
            return conn_fail(conn, err);
        }
    }
    conn->keys->ids = ids;
    conn->keys->values = values;
    conn->keys->count = count;
    conn->keys->width = width;
    return YODA_OK;
}

/* ---- Statements ------------------------------------------------------------------------------ */

/* The row's columns as `t`, then the rowid when no column shows it. */
static void write_columns(struct str *sql, const struct schema_table *table)
{
    str_puts(sql, "SELECT ");
    for (uint32_t i = 0; i < table->column_count; i++) {
        str_puts(sql, i ? ",t." : "t.");
        str_identifier(sql, table->columns[i].name);
    }
    if (!table->without_rowid && table->rowid_alias < 0)
        str_printf(sql, ",t.%s", table->rowid_name);
    str_puts(sql, " FROM ");
}

static void write_table(struct str *sql, const struct schema_table *table)
{
    str_puts(sql, "main.");
    str_identifier(sql, table->name);
    str_puts(sql, " AS t");
}

static void write_rowid(struct str *sql, const struct schema_table *table)
{
    str_puts(sql, "t.");
    str_identifier(sql, table->rowid_name);
}

/* A key column under the key's collation; said only where it is not the column's own, because the
 * planner knows plain columns best. */
static void write_key_column(struct str *sql, const struct schema_table *table, uint32_t i)
{
    static const char *const names[] = {"BINARY", "NOCASE", "RTRIM"};
    const struct schema_column *column = &table->columns[table->key_columns[i]];
    str_puts(sql, "t.");
    str_identifier(sql, column->name);
    if (!name_equal(names[column->collation], table->key_collations[i]))
        str_printf(sql, " COLLATE %s", table->key_collations[i]);
}

struct row_out { /* where the rows go */
    row_fn fn;
    void *ctx;
    uint32_t columns;
    struct value *row;      /* [columns] */
    const int64_t *keys;    /* range scan: only these ids are wanted; NULL: all rows */
    size_t key_count, next; /* next: first key not yet passed */
    int id_column;          /* where the row's rowid is */
    uint64_t rows;
};

static bool is_wanted(struct row_out *out, int64_t id)
{
    while (out->next < out->key_count && out->keys[out->next] < id)
        out->next++;
    return out->next < out->key_count && out->keys[out->next] == id;
}

static yoda_status emit_rows(struct stmt *stmt, struct row_out *out, yoda_error *err)
{
    struct conn *conn = stmt->conn;
    for (;;) {
        TRY(stmt_step(stmt, err));
        if (!stmt->row)
            return YODA_OK;
        if (out->keys && !is_wanted(out, sqlite3_column_int64(stmt->handle, out->id_column)))
            continue;
        for (uint32_t i = 0; i < out->columns; i++)
            out->row[i] = value_of_sqlite(conn, sqlite3_column_value(stmt->handle, (int)i));
        if (conn->value_lost)
            return conn_fail(conn, err);
        out->rows++;
        TRY(out->fn(out->ctx, out->row, err));
    }
}

/* Prepare sql, bind [count] values, run it into out. */
static yoda_status run(struct conn *conn, const struct schema_table *table, struct str *sql,
                       const struct value *bind, uint32_t count, struct row_out *out,
                       yoda_error *err)
{
    TRY(str_check(sql, err));
    struct value stack[32];
    bool hidden = !table->without_rowid && table->rowid_alias < 0;
    out->columns = table->column_count + hidden;
    out->id_column = hidden ? (int)table->column_count : table->rowid_alias;
    out->row = out->columns <= COUNT_OF(stack) ? stack : mem_calloc(out->columns, sizeof *out->row);
    if (!out->row)
        return fail_nomem(err, out->columns * sizeof *out->row);
    struct stmt stmt;
    yoda_status status = stmt_prepare(conn, str_text(sql), sql->size, &stmt, NULL, err);
    for (uint32_t i = 0; status == YODA_OK && i < count; i++)
        if (bind_borrowed(stmt.handle, (int)i + 1, &bind[i]) != SQLITE_OK)
            status = conn_fail(conn, err);
    if (status == YODA_OK && stmt_column_count(&stmt) != (int)out->columns)
        status = fail(err, YODA_SCHEMA, "table \"%s\" changed while it was read", table->name);
    if (status == YODA_OK)
        status = emit_rows(&stmt, out, err);
    stmt_finish(&stmt);
    if (out->row != stack)
        mem_free(out->row);
    return status;
}

/* ---- Scans ----------------------------------------------------------------------------------- */

static bool is_dense(const int64_t *keys, size_t count)
{
    uint64_t range = (uint64_t)keys[count - 1] - (uint64_t)keys[0];
    return count > 1 && range / 2 <= count;
}

static yoda_status scan_range(struct conn *conn, const struct schema_table *table,
                              const int64_t *keys, size_t count, struct row_out *out,
                              yoda_error *err)
{
    struct str sql;
    struct value bounds[] = {value_int(keys[0]), value_int(keys[count - 1])};
    str_init(&sql);
    write_columns(&sql, table);
    write_table(&sql, table);
    str_puts(&sql, " WHERE ");
    write_rowid(&sql, table);
    str_puts(&sql, " BETWEEN ?1 AND ?2 ORDER BY ");
    write_rowid(&sql, table);
    out->keys = keys;
    out->key_count = count;
    yoda_status status = run(conn, table, &sql, bounds, 2, out, err);
    str_deinit(&sql);
    return status;
}

yoda_status key_scan_rowids(struct conn *conn, const struct schema_table *table,
                            const int64_t *keys, size_t count, row_fn fn, void *ctx,
                            yoda_error *err)
{
    struct row_out out = {.fn = fn, .ctx = ctx};
    ASSERT(!table->without_rowid && table->rowid_name);
    if (count == 0)
        return YODA_OK;
    if (is_dense(keys, count))
        return scan_range(conn, table, keys, count, &out, err);
    TRY(keys_publish(conn, keys, NULL, count, 1, err));
    struct str sql;
    str_init(&sql);
    write_columns(&sql, table);
    str_puts(&sql, "_yoda_keys AS k CROSS JOIN ");
    write_table(&sql, table);
    str_puts(&sql, " ON ");
    write_rowid(&sql, table);
    str_puts(&sql, "=k.k0");
    yoda_status status = run(conn, table, &sql, NULL, 0, &out, err);
    str_deinit(&sql);
    return status;
}

yoda_status key_scan_keys(struct conn *conn, const struct schema_table *table,
                          const struct value *keys, size_t count, row_fn fn, void *ctx,
                          yoda_error *err)
{
    struct row_out out = {.fn = fn, .ctx = ctx};
    ASSERT(table->without_rowid && table->key_count > 0);
    if (count == 0)
        return YODA_OK;
    TRY(keys_publish(conn, NULL, keys, count, table->key_count, err));
    struct str sql;
    str_init(&sql);
    write_columns(&sql, table);
    str_puts(&sql, "_yoda_keys AS k CROSS JOIN ");
    write_table(&sql, table);
    for (uint32_t i = 0; i < table->key_count; i++) {
        str_puts(&sql, i ? " AND " : " ON ");
        write_key_column(&sql, table, i);
        str_printf(&sql, "=k.k%u", (unsigned)i);
    }
    yoda_status status = run(conn, table, &sql, NULL, 0, &out, err);
    str_deinit(&sql);
    return status;
}

/* The key columns in the key's order, separated by commas. */
static void write_key(struct str *sql, const struct schema_table *table)
{
    if (!table->without_rowid) {
        write_rowid(sql, table);
        return;
    }
    for (uint32_t i = 0; i < table->key_count; i++) {
        if (i)
            str_putc(sql, ',');
        write_key_column(sql, table, i);
    }
}

yoda_status key_scan_table(struct conn *conn, const struct schema_table *table,
                           const struct value *after, uint64_t limit, row_fn fn, void *ctx,
                           bool *done, yoda_error *err)
{
    struct row_out out = {.fn = fn, .ctx = ctx};
    uint32_t width = table->without_rowid ? table->key_count : 1;
    struct str sql;
    str_init(&sql);
    write_columns(&sql, table);
    write_table(&sql, table);
    if (after) {
        str_puts(&sql, " WHERE (");
        write_key(&sql, table);
        for (uint32_t i = 0; i < width; i++)
            str_puts(&sql, i ? ",?" : ")>(?");
        str_putc(&sql, ')');
    }
    str_puts(&sql, " ORDER BY ");
    write_key(&sql, table);
    if (limit)
        str_printf(&sql, " LIMIT %llu", (unsigned long long)limit);
    yoda_status status = run(conn, table, &sql, after, after ? width : 0, &out, err);
    str_deinit(&sql);
    *done = limit == 0 || out.rows < limit;
    return status;
}
