/*
 * schema_diff.c -- images of sqlite_schema and the fewest changes between two of them.
 */
#include "cdc/schema_diff.h"

#include "base/arena.h"
#include "base/bytes.h"
#include "base/hash.h"
#include "base/str.h"
#include "cdc/catalog.h"
#include "oltp/sqlite_schema.h"

#include <stdlib.h>

enum schema_object_kind {
    OBJECT_TABLE = 1,
    OBJECT_INDEX,
    OBJECT_VIEW,
    OBJECT_TRIGGER,
    OBJECT_VIRTUAL
};

#define IMAGE_HEAD 8
#define IMAGE_OBJECT 32

static int compare_objects(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct schema_object));
}

/* Kind and name decide identity. */
static int compare_identity(const struct schema_object *a, const struct schema_object *b)
{
    return memcmp(a, b, 2 * sizeof(uint64_t));
}

static uint64_t hash_of(const struct value *v, bool fold)
{
    uint64_t hash = v->type;
    if (v->type != YODA_TEXT)
        return hash;
    if (!fold)
        return hash_bytes(v->p, v->size, 7);
    for (uint32_t i = 0; i < v->size; i++)
        hash = hash_combine(hash, (uint8_t)ascii_lower(v->p[i]));
    return hash;
}

static uint64_t kind_of(const struct value *type, const struct value *sql)
{
    static const char *const names[] = {NULL, "table", "index", "view", "trigger"};
    for (unsigned i = 1; i < COUNT_OF(names); i++)
        if (type->type == YODA_TEXT && type->size == strlen(names[i]) &&
            memcmp(type->p, names[i], type->size) == 0) {
            bool is_virtual = sql->type == YODA_TEXT && sql->size >= 14 &&
                              ascii_equal_nocase(sql->p, 14, "CREATE VIRTUAL", 14);
            return i == OBJECT_TABLE && is_virtual ? OBJECT_VIRTUAL : i;
        }
    return 0;
}

/* ---- Reading --------------------------------------------------------------------------------- */

static yoda_status copy_value(const struct value *v, char **out, yoda_error *err)
{
    *out = mem_alloc((size_t)v->size + 1);
    if (!*out)
        return fail_nomem(err, v->size);
    memcpy(*out, v->p, v->size);
    (*out)[v->size] = '\0';
    return YODA_OK;
}

static yoda_status add_view(struct schema_image *image, const struct value *name,
                            const struct value *sql, yoda_error *err)
{
    size_t n = image->view_count;
    if (name->type != YODA_TEXT || sql->type != YODA_TEXT)
        return YODA_OK; /* nothing that a query could name */
    if ((n & (n - 1)) == 0) { /* the room doubles at powers of two */
        size_t size = (n ? 2 * n : 1) * sizeof *image->views;
        struct schema_view *grown = mem_realloc(image->views, size);
        if (!grown)
            return fail_nomem(err, size);
        image->views = grown;
    }
    image->views[n] = (struct schema_view){0};
    image->view_count++;
    TRY(copy_value(name, &image->views[n].name, err));
    return copy_value(sql, &image->views[n].sql, err);
}

static yoda_status read_objects(struct stmt *stmt, struct schema_image *image, yoda_error *err)
{
    size_t capacity = 0;
    for (;;) {
        TRY(stmt_step(stmt, err));
        if (!stmt->row)
            return YODA_OK;
        if (image->count == capacity) {
            capacity = capacity ? capacity * 2 : 32;
            struct schema_object *grown = mem_realloc(image->objects, capacity * sizeof *grown);
            if (!grown)
                return fail_nomem(err, capacity * sizeof *grown);
            image->objects = grown;
        }
        struct value type = stmt_value(stmt, 0), name = stmt_value(stmt, 1);
        struct value table = stmt_value(stmt, 2), sql = stmt_value(stmt, 3);
        uint64_t kind = kind_of(&type, &sql);
        image->objects[image->count++] = (struct schema_object){
            kind, hash_of(&name, true), hash_of(&table, true), hash_of(&sql, false)};
        if (kind == OBJECT_VIEW)
            TRY(add_view(image, &name, &sql, err));
    }
}

/* Requires sorted objects. */
static uint64_t hash_views(const struct schema_image *image)
{
    uint64_t hash = 1;
    for (size_t i = 0; i < image->count; i++)
        if (image->objects[i].kind == OBJECT_VIEW)
            hash = hash_combine(hash_combine(hash, image->objects[i].name), image->objects[i].sql);
    return hash ? hash : 1;
}

yoda_status schema_diff_read(struct conn *conn, struct schema_image *out, yoda_error *err)
{
    static const char sql[] = "SELECT type,name,tbl_name,sql FROM main.sqlite_schema"
                              " WHERE sql IS NOT NULL AND name NOT GLOB 'sqlite_*'";
    struct schema_image image = {0};
    struct stmt stmt;
    TRY(schema_version_read(conn, &image.version, err));
    TRY(stmt_prepare(conn, sql, sizeof sql - 1, &stmt, NULL, err));
    yoda_status status = read_objects(&stmt, &image, err);
    stmt_finish(&stmt);
    if (status != YODA_OK) {
        schema_diff_deinit(&image);
        return status;
    }
    if (image.count)
        qsort(image.objects, image.count, sizeof *image.objects, compare_objects);
    image.views_hash = hash_views(&image);
    schema_diff_deinit(out);
    *out = image;
    return YODA_OK;
}

void schema_diff_deinit(struct schema_image *image)
{
    for (size_t i = 0; i < image->view_count; i++) {
        mem_free(image->views[i].name);
        mem_free(image->views[i].sql);
    }
    mem_free(image->views);
    mem_free(image->objects);
    *image = (struct schema_image){0};
}

bool schema_diff_equal(const struct schema_image *a, const struct schema_image *b)
{
    return a->version == b->version && a->count == b->count &&
           (a->count == 0 || memcmp(a->objects, b->objects, a->count * sizeof *a->objects) == 0);
}

/* ---- Counting -------------------------------------------------------------------------------- */

struct tally {
    int64_t added_tables, removed_tables, added_others, removed_views, removed_groups;
    bool changed, incomparable;
    uint64_t last_group; /* table of the removed index or trigger counted last */
};

static bool has_table(const struct schema_image *image, uint64_t name)
{
    for (size_t i = 0; i < image->count; i++)
        if (image->objects[i].name == name &&
            (image->objects[i].kind == OBJECT_TABLE || image->objects[i].kind == OBJECT_VIEW))
            return true;
    return false;
}

static void tally_removed(struct tally *t, const struct schema_object *o,
                          const struct schema_image *after)
{
    t->incomparable |= o->kind == OBJECT_VIRTUAL;
    if (o->kind == OBJECT_TABLE) {
        t->removed_tables++;
    } else if (o->kind == OBJECT_VIEW) {
        t->removed_views++;
    } else if (has_table(after, o->table) && t->last_group == 0) {
        /* DROP TABLE takes indexes and triggers along: one change at least, however many went */
        t->last_group = o->table;
        t->removed_groups++;
    }
}

static void tally_added(struct tally *t, const struct schema_object *o)
{
    t->incomparable |= o->kind == OBJECT_VIRTUAL;
    if (o->kind == OBJECT_TABLE)
        t->added_tables++;
    else
        t->added_others++;
}

int64_t schema_diff_surplus(const struct schema_image *before, const struct schema_image *after)
{
    struct tally t = {0};
    size_t i = 0, j = 0;
    if (schema_diff_equal(before, after))
        return 0;
    while (i < before->count || j < after->count) {
        int order = i == before->count  ? 1
                    : j == after->count ? -1
                                        : compare_identity(&before->objects[i], &after->objects[j]);
        if (order < 0) {
            tally_removed(&t, &before->objects[i++], after);
        } else if (order > 0) {
            tally_added(&t, &after->objects[j++]);
        } else {
            t.changed |= compare_objects(&before->objects[i], &after->objects[j]) != 0;
            i++, j++;
        }
    }
    /* A table gone and another come may be one RENAME, which also rewrites what names the table. */
    int64_t renames = t.added_tables < t.removed_tables ? t.added_tables : t.removed_tables;
    int64_t explained = t.added_tables + t.removed_tables - renames + t.added_others +
                        t.removed_views + t.removed_groups + (t.changed && renames == 0);
    int64_t rise = after->version - before->version;
    if (t.incomparable || rise < explained)
        return INT64_MAX; /* virtual tables make others by their own rules; or the version was set
                           */
    return rise - explained;
}

/* ---- In the file ----------------------------------------------------------------------------- */

yoda_status schema_diff_save(struct conn *writer, const struct schema_image *image, yoda_error *err)
{
    size_t size = IMAGE_HEAD + image->count * IMAGE_OBJECT;
    uint8_t *blob = mem_alloc(size);
    if (!blob)
        return fail_nomem(err, size);
    static_assert(sizeof(struct schema_object) == IMAGE_OBJECT,
                  "the blob holds objects as they are");
    bytes_store_u64(blob, (uint64_t)image->version);
    if (image->count)
        memcpy(blob + IMAGE_HEAD, image->objects, image->count * IMAGE_OBJECT);
    yoda_status status = catalog_blob_write(writer, "schema", blob, size, err);
    mem_free(blob);
    return status;
}

static yoda_status parse_image(const uint8_t *blob, size_t size, struct schema_image *out,
                               yoda_error *err)
{
    struct schema_image image = {.version = (int64_t)bytes_load_u64(blob),
                                 .count = (size - IMAGE_HEAD) / IMAGE_OBJECT};
    image.objects = mem_calloc(image.count + 1, sizeof *image.objects);
    if (!image.objects)
        return fail_nomem(err, size);
    memcpy(image.objects, blob + IMAGE_HEAD, image.count * IMAGE_OBJECT);
    schema_diff_deinit(out);
    *out = image;
    return YODA_OK;
}

yoda_status schema_diff_load(struct conn *conn, struct schema_image *out, bool *known,
                             yoda_error *err)
{
    struct arena arena;
    const void *blob;
    size_t size;
    arena_init(&arena, NULL);
    yoda_status status = catalog_blob_read(conn, "schema", &arena, &blob, &size, err);
    *known = status == YODA_OK && size >= IMAGE_HEAD && (size - IMAGE_HEAD) % IMAGE_OBJECT == 0;
    if (*known)
        status = parse_image(blob, size, out, err);
    arena_deinit(&arena);
    return status;
}
