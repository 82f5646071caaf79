/*
 * table_register.c -- yoda_register_table and yoda_unregister_table.
 *
 * Registering is one write transaction (a catalog row and the triggers), then the copy. An explicit
 * schema is a check, not a projection: all columns are mirrored; the columns it names must exist,
 * hold what its types say by SQLite's affinity rules, and its key must be unique in SQLite. Its
 * text is kept, so that the same table is not registered twice differently.
 */
#include "base/str.h"
#include "cdc/triggers.h"
#include "engine/engine.h"

/* Which affinities a column may have to be called by this type. */
static const struct type_rule {
    const char *name;
    uint32_t affinities; /* bits 1 << enum affinity */
} types[] = {
#define BIT(a) (1u << AFFINITY_##a)
    {"int64", BIT(INTEGER) | BIT(NUMERIC)},
    {"int32", BIT(INTEGER) | BIT(NUMERIC)},
    {"bool", BIT(INTEGER) | BIT(NUMERIC)},
    {"float64", BIT(REAL) | BIT(NUMERIC)},
    {"utf8", BIT(TEXT)},
    {"binary", BIT(BLOB)},
    {"date32", BIT(TEXT) | BIT(INTEGER) | BIT(NUMERIC) | BIT(REAL)},
    {"timestamp", BIT(TEXT) | BIT(INTEGER) | BIT(NUMERIC) | BIT(REAL)},
    {"any", BIT(BLOB) | BIT(TEXT) | BIT(NUMERIC) | BIT(INTEGER) | BIT(REAL)},
#undef BIT
};

static const struct type_rule *find_type(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(types); i++)
        if (name_equal(types[i].name, name))
            return &types[i];
    return NULL;
}

static int32_t find_column(const struct schema_table *table, const char *name)
{
    for (uint32_t i = 0; i < table->column_count; i++)
        if (name_equal(table->columns[i].name, name))
            return (int32_t)i;
    return -1;
}

static yoda_status check_column(const struct schema_table *table, const char *name,
                                const char *type, yoda_error *err)
{
    if (!name || !type)
        return fail(err, YODA_MISUSE, "schema of table %.128s: a name or type is NULL",
                    table->name);
    int32_t index = find_column(table, name);
    if (index < 0)
        return fail(err, YODA_NOT_FOUND, "table %.128s has no column %.128s", table->name, name);
    const struct type_rule *rule = find_type(type);
    if (!rule)
        return fail(err, YODA_ERROR,
                    "column %.128s.%.128s: unknown type %.64s (int64 int32 float64 utf8 bool "
                    "binary date32 timestamp any)",
                    table->name, name, type);
    const struct schema_column *column = &table->columns[index];
    if (column->type[0] && !(rule->affinities & 1u << column->affinity))
        return fail(err, YODA_ERROR, "column %.128s.%.128s: declared %.64s in SQLite, not %s",
                    table->name, name, column->type, rule->name);
    return YODA_OK;
}

/* ---- Keys ------------------------------------------------------------------------------------ */

static bool in_key(const yoda_table_schema *schema, const char *column)
{
    for (size_t i = 0; i < schema->key_count; i++)
        if (name_equal(schema->key_names[i], column))
            return true;
    return false;
}

static bool key_is_declared(const struct schema_table *table, const yoda_table_schema *schema)
{
    size_t declared = 0;
    for (uint32_t i = 0; i < table->column_count; i++) {
        if (table->columns[i].primary_key == 0)
            continue;
        declared++;
        if (!in_key(schema, table->columns[i].name))
            return false;
    }
    return declared == schema->key_count;
}

static bool key_is_index(const struct schema_table *table, const struct schema_index *index,
                         const yoda_table_schema *schema)
{
    bool same = !index->where && index->term_count == schema->key_count;
    for (uint32_t i = 0; i < index->term_count && same; i++)
        same = index->terms[i].column >= 0 &&
               in_key(schema, table->columns[index->terms[i].column].name);
    return same;
}

static yoda_status check_key(const struct schema_table *table, const yoda_table_schema *schema,
                             yoda_error *err)
{
    for (size_t i = 0; i < schema->key_count; i++) {
        const char *name = schema->key_names[i];
        if (!name || find_column(table, name) < 0)
            return fail(err, YODA_NOT_FOUND, "key of table %.128s: no column %.128s", table->name,
                        name ? name : "(null)");
    }
    bool unique = schema->key_count == 0 || key_is_declared(table, schema);
    for (uint32_t i = 0; i < table->index_count && !unique; i++)
        unique = key_is_index(table, &table->indexes[i], schema);
    return unique ? YODA_OK
                  : fail(err, YODA_ERROR,
                         "key (%.128s%s) of table %.128s is neither its PRIMARY KEY nor a UNIQUE "
                         "index",
                         schema->key_names[0], schema->key_count > 1 ? ", ..." : "", table->name);
}

static yoda_status check_schema(const struct schema_table *table, const yoda_table_schema *schema,
                                yoda_error *err)
{
    if (!schema)
        return YODA_OK;
    if ((schema->column_count > 0 && (!schema->column_names || !schema->column_types)) ||
        (schema->key_count > 0 && !schema->key_names))
        return fail(err, YODA_MISUSE, "schema of table %.128s: a list is NULL", table->name);
    for (size_t i = 0; i < schema->column_count; i++)
        TRY(check_column(table, schema->column_names[i], schema->column_types[i], err));
    return check_key(table, schema, err);
}

static yoda_status check_table(const struct schema_table *table, yoda_error *err)
{
    if (!table->without_rowid && !table->rowid_name)
        return fail(err, YODA_ERROR,
                    "table %.128s: its columns hide rowid, oid and _rowid_; rename one of them, or "
                    "add an INTEGER PRIMARY KEY",
                    table->name);
    for (uint32_t i = 0; i < table->column_count; i++)
        if (!table->columns[i].collation_known)
            return fail(err, YODA_ERROR,
                        "column %.128s.%.128s uses a collation other than BINARY, NOCASE and RTRIM",
                        table->name, table->columns[i].name);
    return YODA_OK;
}

/* "a int64, b utf8 key a", names quoted; nothing when the schema is inferred. */
static void write_request(const yoda_table_schema *schema, struct str *out)
{
    if (!schema)
        return;
    for (size_t i = 0; i < schema->column_count; i++) {
        str_puts(out, i > 0 ? ", " : "");
        str_identifier(out, schema->column_names[i]);
        str_printf(out, " %s", find_type(schema->column_types[i])->name);
    }
    for (size_t i = 0; i < schema->key_count; i++) {
        str_puts(out, i > 0 ? ", " : " key ");
        str_identifier(out, schema->key_names[i]);
    }
}

/* ---- The transaction ------------------------------------------------------------------------- */

struct registration {
    struct arena *arena;
    const char *name;
    const yoda_table_schema *schema; /* NULL: inferred */
    struct schema_table *table;
    bool known; /* was registered the same way already */
};

static yoda_status find_entry(struct conn *conn, struct arena *arena, const char *name,
                              struct catalog_entry **out, yoda_error *err)
{
    struct catalog_entry *entries = NULL;
    size_t count = 0;
    *out = NULL;
    TRY(catalog_list(conn, arena, &entries, &count, err));
    for (size_t i = 0; i < count; i++)
        if (name_equal(entries[i].name, name))
            *out = &entries[i];
    return YODA_OK;
}

static yoda_status compare_request(const struct catalog_entry *entry, const char *request,
                                   yoda_error *err)
{
    const char *before = entry->request ? entry->request : "";
    if (strcmp(before, request) == 0)
        return YODA_OK;
    return fail(err, YODA_CONFLICT, "table %.128s is registered differently: %.200s", entry->name,
                before[0] ? before : "all columns, inferred");
}

static yoda_status add_entry(struct registration *r, struct conn *conn, const char *request,
                             yoda_error *err)
{
    struct catalog_entry *entry = NULL;
    uint32_t tid = 0;
    TRY(find_entry(conn, r->arena, r->table->name, &entry, err));
    if (entry) {
        r->known = true;
        return compare_request(entry, request, err);
    }
    TRY(catalog_add(conn, r->table->name, r->table->hash, request[0] ? request : NULL, &tid, err));
    return triggers_install(conn, r->table, tid, err);
}

static yoda_status write_registration(void *ctx, struct conn *conn, yoda_error *err)
{
    struct registration *r = ctx;
    struct str request;
    TRY(schema_table_read(conn, r->name, r->arena, &r->table, err));
    TRY(check_table(r->table, err));
    TRY(check_schema(r->table, r->schema, err));
    str_init(&request);
    write_request(r->schema, &request);
    yoda_status status = str_check(&request, err);
    if (status == YODA_OK)
        status = add_entry(r, conn, str_text(&request), err);
    str_deinit(&request);
    return status;
}

/* Requires the writer: the capture picks up what was committed. */
static yoda_status pick_up(yoda_engine *engine, struct call *call, yoda_error *err)
{
    struct columns *columns = &engine->columns;
    TRY(freshness_lock(engine, call, err));
    yoda_status status = owner_try(engine, err);
    if (status == YODA_OK && owner_is(engine)) {
        status = capture_reconcile(columns->capture, engine->writer.conn, err);
        atomic_fetch_add(&columns->epoch, 1);
        yoda_status published = freshness_publish_view(engine, status == YODA_OK ? err : NULL);
        status = status == YODA_OK ? published : status;
    }
    freshness_unlock(engine);
    return status;
}

static yoda_status check_engine(yoda_engine *engine, yoda_error *err)
{
    if (!engine->utf8)
        return fail(err, YODA_ERROR,
                    "the database's text encoding is UTF-16: tables can be "
                    "registered in UTF-8 databases only");
    return YODA_OK;
}

static yoda_status register_in_file(yoda_engine *engine, struct call *call, struct registration *r,
                                    yoda_error *err)
{
    TRY(writer_acquire(engine, call, err));
    yoda_status status = writer_transact(engine, write_registration, r, err);
    if (status == YODA_OK)
        status = pick_up(engine, call, err);
    writer_release(engine);
    return status;
}

yoda_status table_register(yoda_engine *engine, struct call *call, const char *name,
                           const yoda_table_schema *schema, yoda_error *err)
{
    struct arena arena;
    bool inferred = !schema || (schema->column_count == 0 && schema->key_count == 0);
    struct registration r = {.arena = &arena, .name = name, .schema = inferred ? NULL : schema};
    TRY(check_engine(engine, err));
    arena_init(&arena, NULL);
    yoda_status status = register_in_file(engine, call, &r, err);
    if (status == YODA_OK && owner_is(engine))
        status = table_repair_copy(engine, call, r.table->name, err);
    arena_deinit(&arena);
    return status;
}

/* ---- Unregistering --------------------------------------------------------------------------- */

struct removal {
    struct arena *arena;
    const char *name;
    uint32_t tid;
};

static yoda_status write_removal(void *ctx, struct conn *conn, yoda_error *err)
{
    struct removal *r = ctx;
    struct catalog_entry *entry = NULL;
    TRY(find_entry(conn, r->arena, r->name, &entry, err));
    if (!entry)
        return fail(err, YODA_NOT_FOUND, "table %.128s is not registered", r->name);
    r->tid = entry->tid;
    TRY(triggers_drop(conn, r->tid, err));
    TRY(catalog_forget_segments(conn, r->tid, err));
    return catalog_remove(conn, r->tid, err);
}

static yoda_status forget(yoda_engine *engine, struct call *call, uint32_t tid, yoda_error *err)
{
    TRY(freshness_lock(engine, call, err));
    yoda_status status = YODA_OK;
    if (owner_is(engine)) {
        status = capture_forget(engine->columns.capture, tid, err);
        atomic_fetch_add(&engine->columns.epoch, 1);
        yoda_status published = freshness_publish_view(engine, status == YODA_OK ? err : NULL);
        status = status == YODA_OK ? published : status;
    }
    freshness_unlock(engine);
    return status;
}

yoda_status table_unregister(yoda_engine *engine, struct call *call, const char *name,
                             yoda_error *err)
{
    struct arena arena;
    struct removal r = {.arena = &arena, .name = name};
    TRY(writer_acquire(engine, call, err));
    arena_init(&arena, NULL);
    yoda_status status = writer_transact(engine, write_removal, &r, err);
    if (status == YODA_OK)
        status = forget(engine, call, r.tid, err);
    arena_deinit(&arena);
    writer_release(engine);
    return status;
}
