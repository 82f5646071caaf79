/*
 * verify.c -- compare a table's two sides at one snapshot.
 *
 * First pass   both sides are summed up: rows, and per column NULLs and a hash over (key, value).
 * Sums are modulo 2^128, so order does not matter; the row hash binds the columns together. Second
 * pass  only when the sums differ: the columns' rows are listed by the hash of their key, SQLite is
 * walked in key order, and the first key that is missing or differs on either side is named with
 * its column and both values.
 */
#include "cdc/verify.h"

#include "base/bits.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/str.h"
#include "cdc/mirror_def.h"
#include "oltp/key_scan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define PROGRESS_ROWS 8192
#define SHOWN_BYTES 40

struct column_sum {
    uint64_t nulls;
    uint128 hash; /* of (key, value) */
};

struct side { /* one side's sums */
    uint64_t rows;
    uint128 hash;
    struct column_sum *columns; /* [column_count] */
};

struct verifier {
    struct conn *conn;
    const struct schema_table *table;
    const struct table_version *version;
    struct table_def def;
    bool (*progress)(void *ctx, uint64_t rows);
    void *progress_ctx;
    uint64_t seen; /* rows looked at, for progress */
};

/* ---- Hashing --------------------------------------------------------------------------------- */

static uint128 widen(uint64_t low, uint64_t high)
{
    return (uint128)high << 64 | low;
}

/* The typed value: an INTEGER 1, a REAL 1.0 and a TEXT '1' differ. */
static uint128 hash_value(const struct value *v)
{
    uint64_t bits = (uint64_t)v->i;
    if (v->type == YODA_TEXT || v->type == YODA_BLOB) {
        struct hash128 h = hash_bytes128(v->p, v->size, v->type);
        return widen(h.low, h.high);
    }
    if (v->type == YODA_NULL)
        bits = 0;
    return widen(hash_u64(bits + v->type * UINT64_C(0x9e3779b97f4a7c15)),
                 hash_u64(~bits ^ (uint64_t)v->type << 56));
}

static uint128 mix(uint128 a, uint128 b)
{
    return widen(hash_combine((uint64_t)a, (uint64_t)b),
                 hash_combine((uint64_t)(a >> 64) ^ (uint64_t)b, (uint64_t)(b >> 64)));
}

static uint128 hash_key(const struct table_def *def, const struct value *row)
{
    uint128 hash = 1;
    for (uint32_t i = 0; i < def->key_count; i++)
        hash = mix(hash, hash_value(&row[def->key_columns[i]]));
    return hash;
}

static void sum_row(const struct table_def *def, struct side *side, const struct value *row)
{
    uint128 key = hash_key(def, row), whole = key;
    for (uint32_t i = 0; i < def->column_count; i++) {
        uint128 value = hash_value(&row[i]);
        side->columns[i].nulls += row[i].type == YODA_NULL;
        side->columns[i].hash += mix(key, value);
        whole = mix(whole, value);
    }
    side->rows++;
    side->hash += whole;
}

static yoda_status tick(struct verifier *v, yoda_error *err)
{
    if (++v->seen % PROGRESS_ROWS == 0 && v->progress && !v->progress(v->progress_ctx, v->seen))
        return fail(err, YODA_INTERRUPTED, "verification was cancelled");
    return YODA_OK;
}

/* ---- The columnar side ----------------------------------------------------------------------- */

/* Read the named columns of one row; NULL: all. out [column_count] is filled where asked. */
static yoda_status read_row(const struct segment_ref *ref, uint32_t row, const uint32_t *columns,
                            uint32_t count, struct arena *arena, struct value *out, yoda_error *err)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct chunk *chunk;
        uint32_t column = columns ? columns[i] : i;
        TRY(segment_chunk(ref->segment, column, &chunk, err));
        TRY(chunk_value(chunk, row, arena, &out[column], err));
    }
    return YODA_OK;
}

typedef yoda_status store_row_fn(void *ctx, uint32_t segment, uint32_t row,
                                 const struct value *values, yoda_error *err);

/* Call fn for every live row with the named columns read. */
static yoda_status each_row(struct verifier *v, const uint32_t *columns, uint32_t count,
                            store_row_fn *fn, void *ctx, yoda_error *err)
{
    struct arena arena;
    struct value *values = mem_calloc(v->def.column_count, sizeof *values);
    if (!values)
        return fail_nomem(err, v->def.column_count * sizeof *values);
    arena_init(&arena, NULL);
    yoda_status status = YODA_OK;
    for (uint32_t s = 0; s < v->version->segment_count && status == YODA_OK; s++) {
        const struct segment_ref *ref = &v->version->segments[s];
        for (uint32_t row = 0; row < ref->rows && status == YODA_OK; row++) {
            if (ref->deleted && bit_get(ref->deleted, row))
                continue;
            status = read_row(ref, row, columns, count, &arena, values, err);
            if (status == YODA_OK)
                status = fn(ctx, s, row, values, err);
            arena_reset(&arena);
        }
    }
    arena_deinit(&arena);
    mem_free(values);
    return status;
}

/* ---- First pass ------------------------------------------------------------------------------ */

struct summing {
    struct verifier *verifier;
    struct side *side;
};

static yoda_status sum_sqlite_row(void *ctx, const struct value *row, yoda_error *err)
{
    struct summing *s = ctx;
    sum_row(&s->verifier->def, s->side, row);
    return tick(s->verifier, err);
}

static yoda_status sum_store_row(void *ctx, uint32_t segment, uint32_t row,
                                 const struct value *values, yoda_error *err)
{
    YODA_UNUSED(segment), YODA_UNUSED(row);
    return sum_sqlite_row(ctx, values, err);
}

static bool sides_equal(const struct verifier *v, const struct side *a, const struct side *b)
{
    bool equal = a->rows == b->rows && a->hash == b->hash && v->version->live_rows == b->rows;
    for (uint32_t i = 0; i < v->def.column_count; i++)
        equal &=
            a->columns[i].nulls == b->columns[i].nulls && a->columns[i].hash == b->columns[i].hash;
    return equal;
}

/* ---- Second pass ----------------------------------------------------------------------------- */

struct place { /* a live row of the columns */
    uint64_t key_hash;
    uint32_t segment, row;
};

struct locator {
    struct verifier *verifier;
    struct place *places; /* [count], sorted by key_hash */
    uint64_t *met;        /* bitmap over places: SQLite has the key too */
    size_t count, capacity;
    struct value *values; /* [column_count] scratch */
    struct arena arena;   /* of the first difference */
    struct value *key;    /* [key_count] first differing key, NULL: none yet */
    char *difference;     /* [YODA_MESSAGE_MAX] */
};

static yoda_status add_place(void *ctx, uint32_t segment, uint32_t row, const struct value *values,
                             yoda_error *err)
{
    struct locator *l = ctx;
    ASSERT(l->count <= l->capacity);
    if (l->count == l->capacity)
        return fail(err, YODA_INTERNAL, "the columns hold more rows than their version counts");
    uint64_t hash = (uint64_t)hash_key(&l->verifier->def, values);
    l->places[l->count++] = (struct place){hash, segment, row};
    return YODA_OK;
}

static int compare_places(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    return (x->key_hash > y->key_hash) - (x->key_hash < y->key_hash);
}

static void print_value(struct str *out, const struct value *v)
{
    char number[40];
    uint32_t shown = v->size < SHOWN_BYTES ? v->size : SHOWN_BYTES;
    while (v->type == YODA_TEXT && shown < v->size && shown > 0 && (v->p[shown] & 0xc0) == 0x80)
        shown--; /* no half characters */
    switch (v->type) {
    case YODA_INTEGER:
        str_printf(out, "%" PRId64, v->i);
        break;
    case YODA_REAL:
        str_append(out, number, sqlite_real_to_text(v->r, number));
        break;
    case YODA_TEXT:
        str_literal(out, v->p, shown);
        str_puts(out, shown < v->size ? "..." : "");
        break;
    case YODA_BLOB:
        str_puts(out, "x'");
        for (uint32_t i = 0; i < shown; i++)
            str_printf(out, "%02x", (uint8_t)v->p[i]);
        str_puts(out, shown < v->size ? "'..." : "'");
        break;
    default:
        str_puts(out, "NULL");
    }
}

static const char *column_name(const struct verifier *v, uint32_t column)
{
    return column < v->table->column_count ? v->table->columns[column].name : v->table->rowid_name;
}

static yoda_status keep_key(struct locator *l, const struct value *row, yoda_error *err)
{
    const struct table_def *def = &l->verifier->def;
    l->key = arena_array(&l->arena, struct value, def->key_count);
    for (uint32_t i = 0; l->key && i < def->key_count; i++) {
        l->key[i] = row[def->key_columns[i]];
        if (l->key[i].type != YODA_TEXT && l->key[i].type != YODA_BLOB)
            continue;
        l->key[i].p = arena_copy(&l->arena, l->key[i].p, l->key[i].size);
        if (!l->key[i].p)
            return fail_nomem(err, l->key[i].size);
    }
    return l->key ? YODA_OK : fail_nomem(err, def->key_count * sizeof *l->key);
}

/* column UINT32_MAX: the row is on one side only, which sqlite tells. */
static yoda_status note_difference(struct locator *l, const struct value *row, uint32_t column,
                                   const struct value *other, bool sqlite, yoda_error *err)
{
    const struct verifier *v = l->verifier;
    struct str text;
    str_init(&text);
    str_printf(&text, "table %s, ", v->table->name);
    if (column != UINT32_MAX)
        str_printf(&text, "column %s, ", column_name(v, column));
    str_puts(&text, "key ");
    for (uint32_t i = 0; i < v->def.key_count; i++) {
        str_puts(&text, i ? "," : "");
        print_value(&text, &row[v->def.key_columns[i]]);
    }
    if (column != UINT32_MAX) {
        str_puts(&text, ": SQLite has ");
        print_value(&text, &row[column]);
        str_puts(&text, ", columns have ");
        print_value(&text, other);
    } else {
        str_puts(&text, sqlite ? ": only SQLite has the row" : ": only the columns have the row");
    }
    yoda_status status = str_check(&text, err); /* no text would mean: no difference */
    if (status == YODA_OK)
        snprintf(l->difference, YODA_MESSAGE_MAX, "%s", str_text(&text));
    str_deinit(&text);
    return status == YODA_OK ? keep_key(l, row, err) : status;
}

static bool keys_identical(const struct table_def *def, const struct value *a,
                           const struct value *b)
{
    for (uint32_t i = 0; i < def->key_count; i++)
        if (!value_identical(&a[def->key_columns[i]], &b[def->key_columns[i]]))
            return false;
    return true;
}

static size_t first_place(const struct locator *l, uint64_t hash)
{
    size_t low = 0, high = l->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (l->places[middle].key_hash < hash)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

#define STOP YODA_INTERRUPTED /* the walk's way to end early; told apart by l->key */

static yoda_status compare_row(void *ctx, const struct value *row, yoda_error *err)
{
    struct locator *l = ctx;
    struct verifier *v = l->verifier;
    struct arena arena;
    uint64_t hash = (uint64_t)hash_key(&v->def, row);
    bool found = false;
    arena_init(&arena, NULL);
    yoda_status status = tick(v, err);
    for (size_t i = first_place(l, hash);
         status == YODA_OK && !found && i < l->count && l->places[i].key_hash == hash; i++) {
        const struct place *p = &l->places[i];
        status = read_row(&v->version->segments[p->segment], p->row, NULL, v->def.column_count,
                          &arena, l->values, err);
        if (status != YODA_OK || bit_get(l->met, i) || !keys_identical(&v->def, row, l->values))
            continue;
        found = true;
        bit_set(l->met, i);
        for (uint32_t c = 0; c < v->def.column_count && !l->key && status == YODA_OK; c++)
            if (!value_identical(&row[c], &l->values[c]))
                status = note_difference(l, row, c, &l->values[c], true, err);
    }
    if (status == YODA_OK && !found)
        status = note_difference(l, row, UINT32_MAX, NULL, true, err);
    arena_deinit(&arena);
    return status == YODA_OK && l->key ? STOP : status;
}

static int compare_keys(const struct table_def *def, const struct value *row,
                        const struct value *key)
{
    for (uint32_t i = 0; i < def->key_count; i++) {
        int order = value_compare(&row[def->key_columns[i]], &key[i], def->key_collations[i]);
        if (order)
            return order;
    }
    return 0;
}

/* Rows that only the columns have, if their key is below the first difference known. */
static yoda_status find_extra(struct locator *l, yoda_error *err)
{
    struct verifier *v = l->verifier;
    struct arena arena;
    yoda_status status = YODA_OK;
    arena_init(&arena, NULL);
    for (size_t i = 0; i < l->count && status == YODA_OK; i++) {
        const struct place *p = &l->places[i];
        if (bit_get(l->met, i))
            continue;
        status = read_row(&v->version->segments[p->segment], p->row, v->def.key_columns,
                          v->def.key_count, &arena, l->values, err);
        if (status == YODA_OK && (!l->key || compare_keys(&v->def, l->values, l->key) < 0))
            status = note_difference(l, l->values, UINT32_MAX, NULL, false, err);
        arena_reset(&arena);
    }
    arena_deinit(&arena);
    return status;
}

static yoda_status locate(struct verifier *v, uint64_t rows, char *difference, yoda_error *err)
{
    struct locator l = {.verifier = v, .capacity = rows, .difference = difference};
    bool done;
    arena_init(&l.arena, NULL);
    l.places = mem_calloc(rows + 1, sizeof *l.places);
    l.met = mem_calloc(BITMAP_WORDS(rows + 1), sizeof *l.met);
    l.values = mem_calloc(v->def.column_count, sizeof *l.values);
    yoda_status status =
        l.places && l.met && l.values ? YODA_OK : fail_nomem(err, rows * sizeof *l.places);
    if (status == YODA_OK)
        status = each_row(v, v->def.key_columns, v->def.key_count, add_place, &l, err);
    if (status == YODA_OK) {
        qsort(l.places, l.count, sizeof *l.places, compare_places);
        status = key_scan_table(v->conn, v->table, NULL, 0, compare_row, &l, &done, err);
        if (status == STOP && l.key)
            status = YODA_OK;
    }
    if (status == YODA_OK)
        status = find_extra(&l, err);
    if (status == YODA_OK && !l.key)
        snprintf(difference, YODA_MESSAGE_MAX, "table %s: row counts or hashes differ",
                 v->table->name);
    arena_deinit(&l.arena);
    mem_free(l.places);
    mem_free(l.met);
    mem_free(l.values);
    return status;
}

yoda_status verify_table(struct conn *conn, const struct schema_table *table,
                         const struct table_version *version,
                         bool (*progress)(void *ctx, uint64_t rows), void *ctx, uint64_t *rows,
                         char difference[YODA_MESSAGE_MAX], yoda_error *err)
{
    struct verifier v = {conn, table, version, {0}, progress, ctx, 0};
    bool done;
    difference[0] = '\0';
    *rows = 0;
    mirror_def_build(table, 0, &v.def);
    if (v.def.column_count != version->column_count) {
        snprintf(difference, YODA_MESSAGE_MAX, "table %s: SQLite has %u columns, the copy has %u",
                 table->name, v.def.column_count, version->column_count);
        return YODA_OK;
    }
    struct side sqlite = {0}, store = {0};
    sqlite.columns = mem_calloc(v.def.column_count, sizeof *sqlite.columns);
    store.columns = mem_calloc(v.def.column_count, sizeof *store.columns);
    yoda_status status = sqlite.columns && store.columns ? YODA_OK : fail_nomem(err, 0);
    if (status == YODA_OK)
        status = key_scan_table(conn, table, NULL, 0, sum_sqlite_row,
                                &(struct summing){&v, &sqlite}, &done, err);
    if (status == YODA_OK)
        status = each_row(&v, NULL, v.def.column_count, sum_store_row,
                          &(struct summing){&v, &store}, err);
    *rows = sqlite.rows;
    if (status == YODA_OK && !sides_equal(&v, &sqlite, &store))
        status = locate(&v, store.rows, difference, err);
    mem_free(sqlite.columns);
    mem_free(store.columns);
    return status;
}
