/*
 * sqlite_schema.c -- a table as the pragmas and sqlite_schema describe it.
 *
 * Everything is read inside one implicit or outer read transaction of the caller's connection, so
 * the pieces fit each other when the caller holds one open.
 */
#include "oltp/sqlite_schema.h"

#include "base/hash.h"
#include "base/str.h"
#include "oltp/ddl_text.h"
#include "oltp/sqlite_handle.h"

#include <inttypes.h>

struct reader { /* what the functions below share */
    struct conn *conn;
    struct arena *arena;
    yoda_error *err;
    struct schema_table *table;
    const char *sql; /* CREATE TABLE */
};

/* Copy a text column into the arena; NULL for SQL NULL. */
static yoda_status copy_text(struct reader *r, struct stmt *stmt, int column, const char **out)
{
    struct value v = stmt_value(stmt, column);
    *out = NULL;
    if (v.type != YODA_TEXT)
        return YODA_OK;
    *out = arena_copy(r->arena, v.p, v.size);
    return *out ? YODA_OK : fail_nomem(r->err, v.size);
}

static yoda_status copy_span(struct reader *r, struct ddl_span span, const char **out)
{
    *out = arena_copy(r->arena, span.text, span.size);
    return *out ? YODA_OK : fail_nomem(r->err, span.size);
}

static yoda_status prepare(struct reader *r, const char *sql, const char *name, struct stmt *stmt)
{
    TRY(stmt_prepare(r->conn, sql, strlen(sql), stmt, NULL, r->err));
    struct value v = value_text(name, strlen(name));
    yoda_status status = stmt_bind(stmt, 1, &v, r->err);
    if (status != YODA_OK)
        stmt_finish(stmt);
    return status;
}

/* ---- Kind of table --------------------------------------------------------------------------- */

static yoda_status check_kind(struct reader *r, const char *name, const struct value *type)
{
    if (name_equal(name, "sqlite_schema") || strncmp(name, "sqlite_", 7) == 0 ||
        strncmp(name, "_yoda_", 6) == 0)
        return fail(r->err, YODA_ERROR, "\"%s\" is a reserved table and cannot be registered",
                    name);
    if (type->type == YODA_TEXT && type->size == 5 && memcmp(type->p, "table", 5) == 0)
        return YODA_OK;
    bool view = type->type == YODA_TEXT && type->size == 4 && memcmp(type->p, "view", 4) == 0;
    return fail(r->err, YODA_ERROR,
                view ? "\"%s\" is a view: register the tables it reads"
                     : "\"%s\" is a virtual table: only ordinary tables can be registered",
                name);
}

static yoda_status read_kind(struct reader *r, const char *name)
{
    struct stmt stmt;
    TRY(prepare(r,
                "SELECT name, type, wr, strict FROM pragma_table_list"
                " WHERE schema = 'main' AND name = ?1 COLLATE NOCASE",
                name, &stmt));
    yoda_status status = stmt_step(&stmt, r->err);
    if (status == YODA_OK && !stmt.row)
        status = fail(r->err, YODA_NOT_FOUND, "no such table: %s", name);
    if (status == YODA_OK)
        status = copy_text(r, &stmt, 0, &r->table->name);
    if (status == YODA_OK) {
        struct value type = stmt_value(&stmt, 1);
        status = check_kind(r, r->table->name ? r->table->name : name, &type);
        r->table->without_rowid = stmt_int(&stmt, 2) != 0;
        r->table->strict = stmt_int(&stmt, 3) != 0;
    }
    stmt_finish(&stmt);
    if (status == YODA_OK && !r->table->name)
        status =
            fail(r->err, YODA_CORRUPT, "the schema names no table where \"%s\" should be", name);
    return status;
}

static yoda_status read_sql(struct reader *r, const char *type, const char *name, const char **out)
{
    struct stmt stmt;
    TRY(prepare(r,
                "SELECT sql FROM main.sqlite_schema WHERE name = ?1 COLLATE NOCASE AND type = ?2",
                name, &stmt));
    struct value v = value_text(type, strlen(type));
    yoda_status status = stmt_bind(&stmt, 2, &v, r->err);
    *out = NULL;
    if (status == YODA_OK)
        status = stmt_step(&stmt, r->err);
    if (status == YODA_OK && stmt.row)
        status = copy_text(r, &stmt, 0, out);
    stmt_finish(&stmt);
    return status;
}

/* ---- Columns --------------------------------------------------------------------------------- */

static bool collation_by_name(const char *name, enum collation *out)
{
    static const char *const names[] = {
        [COLLATE_BINARY] = "BINARY", [COLLATE_NOCASE] = "NOCASE", [COLLATE_RTRIM] = "RTRIM"};
    for (unsigned i = 0; i < COUNT_OF(names); i++)
        if (name_equal(name, names[i])) {
            *out = (enum collation)i;
            return true;
        }
    return false;
}

static yoda_status read_column(struct reader *r, struct stmt *stmt, struct schema_column *column)
{
    TRY(copy_text(r, stmt, 0, &column->name));
    TRY(copy_text(r, stmt, 1, &column->type));
    TRY(copy_text(r, stmt, 3, &column->default_sql));
    if (!column->name)
        return fail(r->err, YODA_CORRUPT, "table \"%s\" has a column without name", r->table->name);
    if (!column->type)
        column->type = "";
    column->affinity = affinity_of_declaration(column->type, strlen(column->type));
    if (r->table->strict && name_equal(column->type, "ANY"))
        column->affinity = AFFINITY_BLOB; /* STRICT keeps ANY as it comes */
    column->not_null = stmt_int(stmt, 2) != 0;
    column->primary_key = (uint32_t)stmt_int(stmt, 4);
    column->generated = stmt_int(stmt, 5) >= 2;
    struct ddl_span expr;
    if (column->generated && r->sql && ddl_generated_expr(r->sql, column->name, &expr))
        TRY(copy_span(r, expr, &column->generated_sql));
    const char *collation = NULL;
    if (sqlite3_table_column_metadata(r->conn->db, "main", r->table->name, column->name, NULL,
                                      &collation, NULL, NULL, NULL) != SQLITE_OK)
        return conn_fail(r->conn, r->err);
    column->collation_known =
        collation_by_name(collation ? collation : "BINARY", &column->collation);
    return YODA_OK;
}

static yoda_status count_columns(struct reader *r, uint32_t *out)
{
    struct stmt stmt;
    TRY(prepare(r, "SELECT count(*) FROM pragma_table_xinfo(?1, 'main') WHERE hidden <> 1",
                r->table->name, &stmt));
    yoda_status status = stmt_step(&stmt, r->err);
    *out = status == YODA_OK && stmt.row ? (uint32_t)stmt_int(&stmt, 0) : 0;
    stmt_finish(&stmt);
    return status;
}

static yoda_status read_columns(struct reader *r)
{
    uint32_t count = 0, i = 0;
    TRY(count_columns(r, &count));
    struct schema_column *columns = arena_array(r->arena, struct schema_column, count + 1);
    if (!columns)
        return fail_nomem(r->err, (count + 1) * sizeof *columns);
    struct stmt stmt;
    TRY(prepare(r,
                "SELECT name, type, \"notnull\", dflt_value, pk, hidden"
                " FROM pragma_table_xinfo(?1, 'main') WHERE hidden <> 1 ORDER BY cid",
                r->table->name, &stmt));
    yoda_status status = stmt_step(&stmt, r->err);
    for (; status == YODA_OK && stmt.row && i < count; i++) {
        status = read_column(r, &stmt, &columns[i]);
        if (status == YODA_OK)
            status = stmt_step(&stmt, r->err);
    }
    stmt_finish(&stmt);
    r->table->columns = columns;
    r->table->column_count = i;
    return status;
}

/* ---- Indexes --------------------------------------------------------------------------------- */

static yoda_status read_term(struct reader *r, struct stmt *stmt, const char *sql, size_t n,
                             struct schema_index_term *term)
{
    int64_t column = stmt_int(stmt, 0);
    term->column = column >= 0 && column < r->table->column_count ? (int32_t)column : -1;
    TRY(copy_text(r, stmt, 1, &term->collation));
    if (!term->collation)
        term->collation = "BINARY";
    struct ddl_span expr;
    if (term->column < 0) {
        if (!sql || !ddl_index_term(sql, n, &expr))
            return fail(r->err, YODA_ERROR,
                        "table \"%s\": term %zu of a UNIQUE index is not understood",
                        r->table->name, n + 1);
        TRY(copy_span(r, expr, &term->expr));
    }
    return YODA_OK;
}

static yoda_status read_terms(struct reader *r, struct schema_index *index, const char *sql)
{
    struct schema_index_term terms[64];
    struct stmt stmt;
    uint32_t n = 0;
    TRY(prepare(r, "SELECT cid, coll FROM pragma_index_xinfo(?1, 'main') WHERE key ORDER BY seqno",
                index->name, &stmt));
    yoda_status status = stmt_step(&stmt, r->err);
    while (status == YODA_OK && stmt.row) {
        terms[n] = (struct schema_index_term){0};
        status = read_term(r, &stmt, sql, n, &terms[n]);
        if (status == YODA_OK && ++n == COUNT_OF(terms))
            status = fail(r->err, YODA_TOO_BIG, "index \"%s\" has more than %zu terms", index->name,
                          COUNT_OF(terms) - 1);
        if (status == YODA_OK)
            status = stmt_step(&stmt, r->err);
    }
    stmt_finish(&stmt);
    TRY(status);
    struct schema_index_term *copy = arena_array(r->arena, struct schema_index_term, n + 1);
    if (!copy)
        return fail_nomem(r->err, (n + 1) * sizeof *copy);
    memcpy(copy, terms, n * sizeof *copy);
    index->terms = copy;
    index->term_count = n;
    return YODA_OK;
}

static yoda_status read_index(struct reader *r, struct schema_index *index, bool partial)
{
    const char *sql = NULL;
    struct ddl_span where;
    TRY(read_sql(r, "index", index->name, &sql));
    TRY(read_terms(r, index, sql));
    if (!partial)
        return YODA_OK;
    if (!sql || !ddl_index_where(sql, &where))
        return fail(r->err, YODA_ERROR, "the WHERE of index \"%s\" is not understood", index->name);
    return copy_span(r, where, &index->where);
}

/* The declared key of a WITHOUT ROWID table, from its own index. */
static yoda_status take_key(struct reader *r, const struct schema_index *index)
{
    uint32_t *columns = arena_array(r->arena, uint32_t, index->term_count);
    const char **collations = arena_array(r->arena, const char *, index->term_count);
    if (!columns || !collations)
        return fail_nomem(r->err, 0);
    for (uint32_t i = 0; i < index->term_count; i++) {
        ASSERT(index->terms[i].column >= 0);
        columns[i] = (uint32_t)index->terms[i].column;
        collations[i] = index->terms[i].collation;
    }
    r->table->key_count = index->term_count;
    r->table->key_columns = columns;
    r->table->key_collations = collations;
    return YODA_OK;
}

/* SQLite allows any number of indexes; the list is made in blocks as it is read. */
static yoda_status read_indexes(struct reader *r, bool *key_index)
{
    struct schema_index *list = NULL;
    uint32_t count = 0, capacity = 0;
    struct stmt stmt;
    TRY(prepare(r,
                "SELECT name, origin = 'pk', partial FROM pragma_index_list(?1, 'main')"
                " WHERE \"unique\" ORDER BY name",
                r->table->name, &stmt));
    yoda_status status = stmt_step(&stmt, r->err);
    while (status == YODA_OK && stmt.row) {
        if (count == capacity) {
            capacity = capacity ? capacity * 2 : 8;
            struct schema_index *grown = arena_array(r->arena, struct schema_index, capacity);
            if (!grown) {
                status = fail_nomem(r->err, capacity * sizeof *grown);
                break;
            }
            if (count)
                memcpy(grown, list, count * sizeof *grown);
            list = grown;
        }
        bool key = stmt_int(&stmt, 1) != 0, partial = stmt_int(&stmt, 2) != 0;
        status = copy_text(r, &stmt, 0, &list[count].name);
        if (status == YODA_OK && list[count].name)
            status = read_index(r, &list[count], partial);
        if (status == YODA_OK && key && r->table->without_rowid)
            status = take_key(r, &list[count]);
        *key_index |= key;
        count += !(key && r->table->without_rowid); /* the key itself needs no recheck */
        if (status == YODA_OK)
            status = stmt_step(&stmt, r->err);
    }
    stmt_finish(&stmt);
    r->table->indexes = list;
    r->table->index_count = count;
    return status;
}

/* ---- Lookups --------------------------------------------------------------------------------- */

#define LOOKUP_COLUMNS 64

struct lookup_reader { /* gathers the terms of one index after the other */
    struct reader *r;
    struct schema_lookup *list;
    uint32_t count, capacity;
    int64_t number; /* of the index at hand, -1: none */
    uint32_t columns[LOOKUP_COLUMNS], column_count;
    bool unique, usable;
};

static yoda_status end_lookup(struct lookup_reader *l)
{
    if (l->number < 0 || !l->usable || l->column_count == 0)
        return YODA_OK;
    if (l->count == l->capacity) {
        uint32_t capacity = l->capacity ? l->capacity * 2 : 4;
        struct schema_lookup *grown = arena_array(l->r->arena, struct schema_lookup, capacity);
        if (!grown)
            return fail_nomem(l->r->err, capacity * sizeof *grown);
        if (l->count)
            memcpy(grown, l->list, l->count * sizeof *grown);
        l->list = grown;
        l->capacity = capacity;
    }
    uint32_t *columns = arena_array(l->r->arena, uint32_t, l->column_count);
    if (!columns)
        return fail_nomem(l->r->err, l->column_count * sizeof *columns);
    memcpy(columns, l->columns, l->column_count * sizeof *columns);
    l->list[l->count++] = (struct schema_lookup){columns, l->column_count, l->unique};
    return YODA_OK;
}

/* A row: number of the index, unique, column, collation. */
static yoda_status add_lookup_term(struct lookup_reader *l, struct stmt *stmt)
{
    int64_t number = stmt_int(stmt, 0), column = stmt_int(stmt, 2);
    struct value name = stmt_value(stmt, 3);
    enum collation collation = COLLATE_BINARY;
    if (number != l->number) {
        TRY(end_lookup(l));
        l->number = number;
        l->unique = stmt_int(stmt, 1) != 0;
        l->usable = true;
        l->column_count = 0;
    }
    const struct schema_table *table = l->r->table;
    l->usable = l->usable && column >= 0 && column < table->column_count &&
                l->column_count < LOOKUP_COLUMNS && name.type == YODA_TEXT &&
                collation_by_name(name.p, &collation) &&
                collation == table->columns[column].collation;
    if (l->usable)
        l->columns[l->column_count++] = (uint32_t)column;
    return YODA_OK;
}

static yoda_status read_lookups(struct reader *r)
{
    struct lookup_reader l = {.r = r, .number = -1};
    struct stmt stmt;
    TRY(prepare(r,
                "SELECT il.seq, il.\"unique\", ix.cid, ix.coll FROM pragma_index_list(?1, 'main') il,"
                " pragma_index_xinfo(il.name, 'main') ix WHERE NOT il.partial AND ix.key"
                " ORDER BY il.seq, ix.seqno",
                r->table->name, &stmt));
    yoda_status status = stmt_step(&stmt, r->err);
    while (status == YODA_OK && stmt.row) {
        status = add_lookup_term(&l, &stmt);
        if (status == YODA_OK)
            status = stmt_step(&stmt, r->err);
    }
    stmt_finish(&stmt);
    if (status == YODA_OK)
        status = end_lookup(&l);
    r->table->lookups = l.list;
    r->table->lookup_count = l.count;
    return status;
}

/* ---- Key ------------------------------------------------------------------------------------- */

static bool has_column(const struct schema_table *table, const char *name)
{
    for (uint32_t i = 0; i < table->column_count; i++)
        if (name_equal(table->columns[i].name, name))
            return true;
    return false;
}

/* INTEGER PRIMARY KEY is the rowid unless SQLite made an index for it (as for ... DESC). */
static void find_rowid(struct schema_table *table, bool key_index)
{
    static const char *const names[] = {"rowid", "_rowid_", "oid"};
    table->rowid_alias = -1;
    if (table->without_rowid)
        return;
    for (uint32_t i = 0; i < table->column_count && !key_index; i++)
        if (table->columns[i].primary_key == 1 && name_equal(table->columns[i].type, "INTEGER"))
            table->rowid_alias = (int32_t)i;
    for (uint32_t i = 0; i < COUNT_OF(names) && !table->rowid_name; i++)
        if (!has_column(table, names[i]))
            table->rowid_name = names[i];
    if (table->rowid_alias >= 0 && !table->rowid_name)
        table->rowid_name = table->columns[table->rowid_alias].name;
}

static uint64_t hash_text(uint64_t hash, const char *text)
{
    return hash_combine(hash, text ? hash_bytes(text, strlen(text), 1) : 0);
}

static uint64_t hash_table(const struct schema_table *table)
{
    uint64_t hash = hash_combine(table->without_rowid, table->strict);
    hash = hash_combine(hash, (uint64_t)table->rowid_alias);
    for (uint32_t i = 0; i < table->column_count; i++) {
        const struct schema_column *c = &table->columns[i];
        hash = hash_text(hash, c->name);
        hash = hash_text(hash, c->type);
        hash = hash_text(hash, c->generated_sql);
        hash = hash_combine(hash, (uint64_t)c->collation << 8 | (uint64_t)c->generated << 1);
    }
    for (uint32_t i = 0; i < table->key_count; i++)
        hash = hash_text(hash_combine(hash, table->key_columns[i]), table->key_collations[i]);
    return hash;
}

yoda_status schema_table_read(struct conn *conn, const char *name, struct arena *arena,
                              struct schema_table **out, yoda_error *err)
{
    *out = NULL;
    struct schema_table *table = arena_new(arena, struct schema_table);
    if (!table)
        return fail_nomem(err, sizeof *table);
    struct reader r = {conn, arena, err, table, NULL};
    bool key_index = false;
    TRY(read_kind(&r, name));
    TRY(read_sql(&r, "table", table->name, &r.sql));
    TRY(read_columns(&r));
    TRY(read_indexes(&r, &key_index));
    TRY(read_lookups(&r));
    find_rowid(table, key_index);
    if (table->without_rowid && table->key_count == 0)
        return fail(err, YODA_CORRUPT, "table \"%s\" has no key", table->name);
    table->hash = hash_table(table);
    *out = table;
    return YODA_OK;
}

yoda_status schema_version_read(struct conn *conn, int64_t *out, yoda_error *err)
{
    return conn_query_int(conn, "PRAGMA main.schema_version", 0, out, err);
}

yoda_status data_version_read(struct conn *conn, int64_t *out, yoda_error *err)
{
    return conn_query_int(conn, "PRAGMA main.data_version", 0, out, err);
}
