/* catalog_view.c -- copying the mirrors into an immutable view, and answering the binder from it.
 */
#include "engine/catalog_view.h"

#include "base/hash.h"
#include "base/str.h"

static uint64_t hash_indexes(const struct schema_table *table)
{
    uint64_t h = table->index_count;
    for (uint32_t i = 0; i < table->index_count; i++) /* keys are made from these */
        h = hash_combine(h, table->indexes[i].where ? 1 : table->indexes[i].term_count);
    for (uint32_t i = 0; i < table->lookup_count; i++) {
        const struct schema_lookup *l = &table->lookups[i];
        h = hash_combine(h, (uint64_t)l->column_count << 1 | l->unique);
        for (uint32_t c = 0; c < l->column_count; c++)
            h = hash_combine(h, l->columns[c]);
    }
    return h;
}

uint64_t catalog_view_signature(const struct capture *capture)
{
    uint64_t h = 1;
    for (size_t i = 0; capture && i < capture_mirror_count(capture); i++) {
        const struct mirror *m = capture_mirror(capture, i);
        h = hash_combine(h, m->tid);
        h = hash_combine(h, (uint64_t)m->state);
        h = hash_combine(h, hash_bytes(m->reason, strlen(m->reason), 0));
        if (!m->table)
            continue;
        h = hash_combine(h, m->table->hash);
        h = hash_combine(h, hash_bytes(m->table->name, strlen(m->table->name), 0));
        h = hash_combine(h, hash_indexes(m->table));
    }
    size_t count = 0;
    uint64_t views = 0;
    if (capture)
        capture_views(capture, &count, &views);
    return hash_combine(h, views);
}

static yoda_status copy_text(struct arena *arena, const char *text, const char **out,
                             yoda_error *err)
{
    *out = arena_copy(arena, text, strlen(text));
    return *out ? YODA_OK : fail_nomem(err, strlen(text));
}

static bool has_hidden_rowid(const struct schema_table *table)
{
    return !table->without_rowid && table->rowid_alias < 0;
}

static yoda_status copy_columns(struct arena *arena, const struct schema_table *from,
                                struct view_table *to, yoda_error *err)
{
    bool hidden = has_hidden_rowid(from);
    to->column_count = from->column_count + hidden;
    to->rowid_column = hidden ? (int32_t)from->column_count : from->rowid_alias;
    struct catalog_column *columns = arena_array(arena, struct catalog_column, to->column_count);
    if (!columns)
        return fail_nomem(err, to->column_count * sizeof *columns);
    for (uint32_t i = 0; i < from->column_count; i++) {
        const struct schema_column *c = &from->columns[i];
        TRY(copy_text(arena, c->name, &columns[i].name, err));
        columns[i].affinity = c->affinity;
        columns[i].collation = c->collation;
        columns[i].not_null = c->not_null || (int32_t)i == from->rowid_alias;
    }
    if (hidden)
        columns[from->column_count] = (struct catalog_column){.name = "rowid",
                                                              .affinity = AFFINITY_INTEGER,
                                                              .collation = COLLATE_BINARY,
                                                              .hidden = true,
                                                              .not_null = true};
    to->columns = columns;
    return YODA_OK;
}

/* A unique index over plain columns of the whole table identifies a row. */
static bool index_is_key(const struct schema_index *index)
{
    bool plain = !index->where;
    for (uint32_t i = 0; i < index->term_count; i++)
        plain = plain && index->terms[i].column >= 0;
    return plain && index->term_count > 0;
}

static yoda_status copy_keys(struct arena *arena, const struct schema_table *from,
                             struct view_table *to, yoda_error *err)
{
    struct view_key *keys = arena_array(arena, struct view_key, from->index_count + 1);
    if (!keys)
        return fail_nomem(err, sizeof *keys);
    to->keys = keys;
    for (uint32_t i = 0; i <= from->index_count; i++) {
        bool is_rowid = i == from->index_count;
        if (is_rowid ? to->rowid_column < 0 : !index_is_key(&from->indexes[i]))
            continue;
        uint32_t count = is_rowid ? 1 : from->indexes[i].term_count;
        uint32_t *columns = arena_array(arena, uint32_t, count);
        if (!columns)
            return fail_nomem(err, sizeof *columns);
        for (uint32_t c = 0; c < count; c++)
            columns[c] = (uint32_t)(is_rowid ? to->rowid_column : from->indexes[i].terms[c].column);
        keys[to->key_count++] = (struct view_key){count, columns};
    }
    return YODA_OK;
}

static yoda_status copy_index(struct arena *arena, const uint32_t *from, uint32_t count,
                              bool unique, struct catalog_index *to, yoda_error *err)
{
    uint32_t *columns = arena_array(arena, uint32_t, count);
    if (!columns)
        return fail_nomem(err, count * sizeof *columns);
    memcpy(columns, from, count * sizeof *columns);
    *to = (struct catalog_index){columns, count, unique};
    return YODA_OK;
}

static yoda_status copy_indexes(struct arena *arena, const struct schema_table *from,
                                struct view_table *to, yoda_error *err)
{
    struct catalog_index *indexes = arena_array(arena, struct catalog_index, from->lookup_count + 1);
    if (!indexes)
        return fail_nomem(err, (from->lookup_count + 1) * sizeof *indexes);
    to->indexes = indexes;
    if (to->rowid_column >= 0) {
        uint32_t rowid = (uint32_t)to->rowid_column;
        TRY(copy_index(arena, &rowid, 1, true, &indexes[to->index_count++], err));
    }
    for (uint32_t i = 0; i < from->lookup_count; i++) {
        const struct schema_lookup *l = &from->lookups[i];
        TRY(copy_index(arena, l->columns, l->column_count, l->unique, &indexes[to->index_count++],
                       err));
    }
    return YODA_OK;
}

static const char *state_reason(const struct mirror *m)
{
    if (m->state == MIRROR_READY)
        return "";
    if (m->reason[0])
        return m->reason;
    return m->state == MIRROR_COPYING ? "it is being copied"
           : m->state == MIRROR_STALE ? "its schema changed"
                                      : "its copy failed";
}

static yoda_status copy_mirror(struct arena *arena, const struct mirror *from,
                               struct view_table *to, yoda_error *err)
{
    to->tid = from->tid;
    to->state = from->table ? from->state : MIRROR_STALE;
    TRY(copy_text(arena, from->table ? from->table->name : "", &to->name, err));
    TRY(copy_text(arena, from->table ? state_reason(from) : "it is gone", &to->reason, err));
    if (!from->table)
        return YODA_OK;
    TRY(copy_columns(arena, from->table, to, err));
    TRY(copy_indexes(arena, from->table, to, err));
    return copy_keys(arena, from->table, to, err);
}

static yoda_status copy_views(const struct capture *capture, struct catalog_view *to,
                              yoda_error *err)
{
    size_t count = 0;
    const struct schema_view *views = capture_views(capture, &count, &to->views_hash);
    to->views = arena_array(&to->arena, struct file_view, count);
    if (!to->views)
        return fail_nomem(err, count * sizeof *to->views);
    for (size_t i = 0; i < count; i++) {
        TRY(copy_text(&to->arena, views[i].name, &to->views[i].name, err));
        TRY(copy_text(&to->arena, views[i].sql, &to->views[i].def.sql, err));
        to->view_count++;
    }
    return YODA_OK;
}

yoda_status catalog_view_create(const struct capture *capture, struct catalog_view **out,
                                yoda_error *err)
{
    size_t count = capture ? capture_mirror_count(capture) : 0;
    struct catalog_view *view = mem_calloc(1, sizeof *view);
    if (!view)
        return fail_nomem(err, sizeof *view);
    atomic_init(&view->refs, 1);
    arena_init(&view->arena, NULL);
    view->signature = catalog_view_signature(capture);
    yoda_status status = YODA_OK;
    view->tables = arena_array(&view->arena, struct view_table, count);
    if (!view->tables)
        status = fail_nomem(err, count * sizeof *view->tables);
    for (size_t i = 0; i < count && status == YODA_OK; i++)
        status = copy_mirror(&view->arena, capture_mirror(capture, i),
                             &view->tables[view->table_count++], err);
    if (status == YODA_OK && capture)
        status = copy_views(capture, view, err);
    if (status != YODA_OK) {
        catalog_view_release(view);
        return status;
    }
    *out = view;
    return YODA_OK;
}

struct catalog_view *catalog_view_acquire(struct catalog_view *view)
{
    atomic_fetch_add(&view->refs, 1);
    return view;
}

void catalog_view_release(struct catalog_view *view)
{
    if (!view || atomic_fetch_sub(&view->refs, 1) != 1)
        return;
    arena_deinit(&view->arena);
    mem_free(view);
}

const struct view_table *catalog_view_find(const struct catalog_view *view, const char *name)
{
    for (uint32_t i = 0; i < view->table_count; i++)
        if (name_equal(view->tables[i].name, name))
            return &view->tables[i];
    return NULL;
}

/* The reason lives in the arena; short of memory a constant one must do. */
static const struct catalog_table *refuse(struct view_binding *b, const char *name,
                                          const char *reason, const char **why)
{
    struct str text;
    str_init(&text);
    str_printf(&text, "table %.128s: %s", name, reason);
    char *kept = arena_copy(b->arena, str_text(&text), text.size);
    *why = kept ? kept : "out of memory";
    str_deinit(&text);
    return NULL;
}

static const struct catalog_table *find_table(void *ctx, const char *name, const char **why)
{
    struct view_binding *b = ctx;
    const struct view_table *t = catalog_view_find(b->view, name);
    if (!t)
        return refuse(b, name, "not registered", why);
    if (t->state != MIRROR_READY)
        return refuse(b, name, t->reason, why);
    const struct table_version *version = version_find_table(b->version, t->tid);
    if (!version || version->column_count != t->column_count)
        return refuse(b, name, "its schema changed", why);
    struct catalog_table *out = arena_new(b->arena, struct catalog_table);
    if (!out)
        return refuse(b, name, "out of memory", why);
    if (b->used_count < COUNT_OF(b->used))
        b->used[b->used_count++] = t->tid;
    *out = (struct catalog_table){.tid = t->tid,
                                  .name = t->name,
                                  .column_count = t->column_count,
                                  .columns = t->columns,
                                  .rowid_column = t->rowid_column,
                                  .classes = version->classes,
                                  .live_rows = version->live_rows,
                                  .indexes = t->indexes,
                                  .index_count = t->index_count,
                                  .version = version};
    return out;
}

/* A view that other views have overtaken is not found: then its name is "not registered". */
static const struct catalog_view_def *find_view(void *ctx, const char *name)
{
    const struct view_binding *b = ctx;
    for (size_t i = 0; i < b->view->view_count; i++)
        if (name_equal(b->view->views[i].name, name))
            return capture_views_current(b->capture) == b->view->views_hash
                       ? &b->view->views[i].def
                       : NULL;
    return NULL;
}

struct catalog catalog_view_bind(struct view_binding *binding)
{
    ASSERT(binding->view && binding->version && binding->arena);
    return (struct catalog){.find_table = find_table,
                            .find_view = binding->capture ? find_view : NULL,
                            .ctx = binding};
}
