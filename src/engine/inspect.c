/*
 * inspect.c -- yoda_inspect: tables, segments and options as results.
 *
 * Tables come from the view and the pinned version, as a query would see them; without ownership
 * from the catalog in the file. Segments load the chunks they describe.
 */
#include "engine/engine.h"

#include "base/str.h"

#define TEXT(s) value_text((s), strlen(s))

struct inspection {
    yoda_engine *engine;
    const char *only; /* table name or NULL */
    yoda_result *result;
    struct arena arena;
    struct catalog_view *view;
    struct snapshot snapshot;
};

static yoda_status append(struct inspection *in, const struct value *row, yoda_error *err)
{
    return batch_list_append(&in->result->list, row, err);
}

static bool wanted(const struct inspection *in, const char *name)
{
    return !in->only || name_equal(in->only, name);
}

/* ---- Options --------------------------------------------------------------------------------- */

static yoda_status inspect_options(struct inspection *in, yoda_error *err)
{
    static const char *const columns[] = {"name", "type", "value", "default", "range", "help"};
    char value[OPTION_TEXT_MAX], range[64];
    TRY(result_set_columns(in->result, COUNT_OF(columns), columns, err));
    for (size_t i = 0; i < option_count(); i++) {
        const struct option_info *info = option_at(i);
        option_value_text(&in->engine->options, info, value);
        option_range_text(info, range);
        struct value row[] = {TEXT(info->name), TEXT(option_type_name(info)),
                              TEXT(value),      TEXT(info->initial),
                              TEXT(range),      TEXT(info->help)};
        TRY(append(in, row, err));
    }
    return YODA_OK;
}

/* ---- Tables ---------------------------------------------------------------------------------- */

static const char *state_name(enum mirror_state state)
{
    static const char *const names[] = {"copying", "ready", "stale", "failed"};
    return names[state];
}

static yoda_status append_table(struct inspection *in, const struct view_table *table,
                                yoda_error *err)
{
    const struct table_version *version = version_find_table(in->snapshot.version, table->tid);
    int64_t rows = 0, deleted = 0, memory = 0, disk = 0;
    uint32_t segments = version ? version->segment_count : 0;
    for (uint32_t i = 0; i < segments; i++) {
        const struct segment_ref *ref = &version->segments[i];
        deleted += ref->deleted_count;
        memory += (int64_t)segment_memory_bytes(ref->segment);
        disk += (int64_t)segment_file_bytes(ref->segment);
    }
    rows = version ? (int64_t)version->live_rows : 0;
    struct value row[] = {TEXT(table->name),   TEXT(state_name(table->state)),
                          value_int(rows),     value_int(deleted),
                          value_int(segments), value_int(memory),
                          value_int(disk),     TEXT(table->reason)};
    return append(in, row, err);
}

static yoda_status list_from_file(struct inspection *in, struct conn *conn, yoda_error *err)
{
    struct catalog_entry *entries = NULL;
    size_t count = 0;
    TRY(catalog_list(conn, &in->arena, &entries, &count, err));
    for (size_t i = 0; i < count; i++) {
        struct value row[] = {TEXT(entries[i].name), TEXT("elsewhere"),
                              value_null(),          value_null(),
                              value_null(),          value_null(),
                              value_null(),          TEXT("another engine owns the columnar side")};
        if (wanted(in, entries[i].name))
            TRY(append(in, row, err));
    }
    return YODA_OK;
}

static yoda_status tables_from_file(struct inspection *in, struct call *call, yoda_error *err)
{
    struct conn *conn = NULL;
    TRY(call_check(call, err));
    TRY(read_pool_lease(in->engine->readers, &call->cancel, &conn, err));
    yoda_status status = list_from_file(in, conn, err);
    read_pool_return(in->engine->readers, conn);
    return status;
}

static yoda_status inspect_tables(struct inspection *in, struct call *call, yoda_error *err)
{
    static const char *const columns[] = {"name",     "state",        "rows",       "deleted",
                                          "segments", "bytes_memory", "bytes_disk", "reason"};
    TRY(result_set_columns(in->result, COUNT_OF(columns), columns, err));
    if (!in->view)
        return tables_from_file(in, call, err);
    for (uint32_t i = 0; i < in->view->table_count; i++)
        if (wanted(in, in->view->tables[i].name))
            TRY(append_table(in, &in->view->tables[i], err));
    return YODA_OK;
}

/* ---- Segments -------------------------------------------------------------------------------- */

/* A prefix bound is the first eight bytes of a text: shown as text where they are plain ASCII. */
static yoda_status prefix_value(struct arena *arena, uint64_t prefix, struct value *out,
                                yoda_error *err)
{
    char text[8];
    size_t size = 0;
    bool plain = true;
    for (; size < sizeof text; size++) {
        text[size] = (char)(prefix >> (56 - 8 * size));
        if (!text[size])
            break;
        plain &= text[size] >= ' ' && text[size] <= '~';
    }
    char *kept = arena_copy(arena, text, size);
    if (!kept)
        return fail_nomem(err, size);
    *out = plain ? value_text(kept, size) : value_blob(kept, size);
    return YODA_OK;
}

static yoda_status zone_values(struct arena *arena, const struct zone *zone, struct value *min,
                               struct value *max, yoda_error *err)
{
    *min = *max = value_null();
    if (zone->kind == ZONE_INT) {
        *min = value_int(zone->min.i);
        *max = value_int(zone->max.i);
    } else if (zone->kind == ZONE_REAL) {
        *min = value_real(zone->min.r);
        *max = value_real(zone->max.r);
    } else if (zone->kind == ZONE_PREFIX) {
        TRY(prefix_value(arena, zone->min.prefix, min, err));
        TRY(prefix_value(arena, zone->max.prefix, max, err));
    }
    return YODA_OK;
}

static yoda_status append_chunk(struct inspection *in, const struct view_table *table,
                                const struct segment_ref *ref, uint32_t column, yoda_error *err)
{
    const struct chunk *chunk = NULL;
    struct value min, max;
    TRY(segment_chunk(ref->segment, column, &chunk, err));
    struct zone zone = chunk_zone(chunk, UINT32_MAX);
    TRY(zone_values(&in->arena, &zone, &min, &max, err));
    struct value row[] = {TEXT(table->name),
                          value_int((int64_t)segment_id(ref->segment)),
                          TEXT(table->columns[column].name),
                          value_int(ref->rows),
                          value_int(ref->deleted_count),
                          TEXT(encoding_name(chunk_encoding(chunk))),
                          value_int((int64_t)chunk_bytes(chunk)),
                          min,
                          max};
    return append(in, row, err);
}

static yoda_status append_segments(struct inspection *in, const struct view_table *table,
                                   yoda_error *err)
{
    const struct table_version *version = version_find_table(in->snapshot.version, table->tid);
    if (!version || version->column_count != table->column_count)
        return YODA_OK;
    for (uint32_t s = 0; s < version->segment_count; s++)
        for (uint32_t c = 0; c < version->column_count; c++)
            TRY(append_chunk(in, table, &version->segments[s], c, err));
    return YODA_OK;
}

static yoda_status inspect_segments(struct inspection *in, yoda_error *err)
{
    static const char *const columns[] = {"table",    "segment", "column", "rows", "deleted",
                                          "encoding", "bytes",   "min",    "max"};
    TRY(result_set_columns(in->result, COUNT_OF(columns), columns, err));
    for (uint32_t i = 0; in->view && i < in->view->table_count; i++)
        if (wanted(in, in->view->tables[i].name))
            TRY(append_segments(in, &in->view->tables[i], err));
    return YODA_OK;
}

/* ---- Entry ----------------------------------------------------------------------------------- */

static yoda_status inspect(struct inspection *in, struct call *call, yoda_inspect_kind kind,
                           yoda_error *err)
{
    switch (kind) {
    case YODA_INSPECT_OPTIONS:
        return inspect_options(in, err);
    case YODA_INSPECT_TABLES:
        return inspect_tables(in, call, err);
    case YODA_INSPECT_SEGMENTS:
        return inspect_segments(in, err);
    }
    return fail(err, YODA_MISUSE, "unknown kind of inspection %d", (int)kind);
}

yoda_status inspect_run(yoda_engine *engine, struct call *call, yoda_inspect_kind kind,
                        const char *table, yoda_result **out, yoda_error *err)
{
    struct inspection in = {.engine = engine, .only = table};
    TRY(result_create(engine->core, &in.result, err));
    arena_init(&in.arena, NULL);
    if (owner_is(engine)) {
        in.view = freshness_view(engine);
        store_acquire(engine->columns.store, &in.snapshot);
    }
    result_set_route(in.result, YODA_SIDE_ROW, "an inspection");
    yoda_status status = inspect(&in, call, kind, err);
    if (in.view) {
        store_release(engine->columns.store, &in.snapshot);
        catalog_view_release(in.view);
    }
    arena_deinit(&in.arena);
    if (status != YODA_OK) {
        yoda_result_close(in.result);
        return status;
    }
    *out = in.result;
    return YODA_OK;
}
