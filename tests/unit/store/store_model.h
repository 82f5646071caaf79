/*
 * store_model.h -- a naive model of one table for the store's tests.
 *
 * Keys come from a universe of numbers u; the model keeps a counter per u, 0 for an absent row.
 * Every value of a row is computed from (u, counter), so any row can be checked by itself and a
 * version is right if it shows each present u exactly once with its counter.
 *
 *   columns   0 key (and 1: second key, MODEL_TEXT) then: u, counter, text, real or NULL or integer
 */
#ifndef YODA_STORE_MODEL_H
#define YODA_STORE_MODEL_H

#include "test.h"

#include "base/hash.h"
#include "olap/store/store.h"

enum model_keys { MODEL_DENSE, MODEL_SPARSE, MODEL_EDGES, MODEL_TEXT };

struct model {
    enum model_keys keys;
    uint32_t universe;
    uint32_t *counters; /* [universe] */
    uint64_t live;
};

struct model_row {
    struct value values[6];
    char key[32], text[48];
};

static inline void model_init(struct model *m, enum model_keys keys, uint32_t universe)
{
    *m = (struct model){.keys = keys, .universe = universe};
    m->counters = calloc(universe, sizeof *m->counters);
}

static inline struct model model_copy(const struct model *m)
{
    struct model copy = *m;
    copy.counters = malloc(m->universe * sizeof *m->counters);
    memcpy(copy.counters, m->counters, m->universe * sizeof *m->counters);
    return copy;
}

static inline void model_deinit(struct model *m)
{
    free(m->counters);
    m->counters = NULL;
}

static inline uint32_t model_key_columns(const struct model *m)
{
    return m->keys == MODEL_TEXT ? 2 : 1;
}

static inline struct table_def model_table(const struct model *m)
{
    struct table_def def = {.column_count = 4 + model_key_columns(m),
                            .key_count = model_key_columns(m),
                            .key_columns = {0, 1},
                            .key_is_rowid = m->keys != MODEL_TEXT,
                            .schema_hash = 4711 + (uint64_t)m->keys};
    def.key_collations[0] = m->keys == MODEL_TEXT ? COLLATE_NOCASE : COLLATE_BINARY;
    return def;
}

static inline int64_t model_int_key(const struct model *m, uint32_t u)
{
    if (m->keys == MODEL_SPARSE)
        return (int64_t)hash_u64(u + 1);
    if (m->keys == MODEL_EDGES)
        return u % 2 ? INT64_MAX - (int64_t)(u / 2) : INT64_MIN + (int64_t)(u / 2);
    return (int64_t)u - 1000;
}

/* Key values of u; letters of TEXT keys in a case of their own each time. */
static inline void model_key(const struct model *m, uint32_t u, uint64_t *seed,
                             struct model_row *row)
{
    if (m->keys != MODEL_TEXT) {
        row->values[0] = value_int(model_int_key(m, u));
        return;
    }
    int n = snprintf(row->key, sizeof row->key, "name-%x", u / 3);
    for (int i = 0; i < n; i++)
        if (test_random(seed) % 2 && row->key[i] >= 'a' && row->key[i] <= 'z')
            row->key[i] = (char)(row->key[i] - 'a' + 'A');
    row->values[0] = value_text(row->key, (size_t)n);
    row->values[1] = value_int((int64_t)(u % 3));
}

static inline void model_row(const struct model *m, uint32_t u, uint32_t counter, uint64_t *seed,
                             struct model_row *row)
{
    uint32_t c = model_key_columns(m);
    model_key(m, u, seed, row);
    row->values[c] = value_int((int64_t)u);
    row->values[c + 1] = value_int((int64_t)counter);
    int n = snprintf(row->text, sizeof row->text, "row %u of %u", counter, u % 50);
    row->values[c + 2] = value_text(row->text, (size_t)n);
    row->values[c + 3] = counter % 5 == 0   ? value_null()
                         : counter % 5 == 1 ? value_real((double)u + 0.25)
                                            : value_int((int64_t)counter);
}

static inline void model_upsert(struct model *m, struct table *table, uint32_t u, uint64_t *seed)
{
    yoda_error err;
    struct model_row row;
    enum merge_outcome outcome;
    bool was = m->counters[u] != 0;
    uint32_t counter = (uint32_t)(test_random(seed) % 1000000) + 1;
    model_row(m, u, counter, seed, &row);
    OK(table_upsert(table, row.values, &outcome, &err));
    assert_int_equal(outcome, was ? MERGE_UPDATED : MERGE_INSERTED);
    m->live += !was;
    m->counters[u] = counter;
}

static inline void model_delete(struct model *m, struct table *table, uint32_t u, uint64_t *seed)
{
    yoda_error err;
    struct model_row row;
    enum merge_outcome outcome;
    bool was = m->counters[u] != 0;
    model_key(m, u, seed, &row);
    OK(table_delete(table, row.values, &outcome, &err));
    assert_int_equal(outcome, was ? MERGE_DELETED : MERGE_ABSENT);
    m->live -= was;
    m->counters[u] = 0;
}

static inline void model_check_value(const struct value *got, const struct value *want,
                                     enum collation c)
{
    if (got->type == want->type && value_compare(got, want, c) == 0)
        return;
    fail_msg("a value differs: type %d, wanted %d", got->type, want->type);
}

static inline void model_check_row(const struct model *m, const struct segment_ref *ref,
                                   uint32_t row, struct arena *arena, uint8_t *seen)
{
    yoda_error err;
    struct model_row want;
    struct value got[6];
    uint64_t seed = 0;
    uint32_t c = model_key_columns(m);
    struct table_def def = model_table(m);
    for (uint32_t i = 0; i < def.column_count; i++) {
        const struct chunk *chunk = NULL;
        OK(segment_chunk(ref->segment, i, &chunk, &err));
        OK(chunk_value(chunk, row, arena, &got[i], &err));
    }
    assert_true(got[c].type == YODA_INTEGER && got[c].i >= 0 && got[c].i < m->universe);
    uint32_t u = (uint32_t)got[c].i;
    assert_int_equal(seen[u], 0);
    seen[u] = 1;
    assert_int_not_equal(m->counters[u], 0);
    model_row(m, u, m->counters[u], &seed, &want);
    for (uint32_t i = 0; i < def.column_count; i++)
        model_check_value(&got[i], &want.values[i], i == 0 ? COLLATE_NOCASE : COLLATE_BINARY);
}

/* The table version shows exactly the model's rows. */
static inline void model_check(const struct model *m, const struct table_version *tv)
{
    struct arena arena;
    uint8_t *seen = calloc(m->universe, 1);
    uint64_t rows = 0;
    assert_non_null(tv);
    arena_init(&arena, NULL);
    for (uint32_t s = 0; s < tv->segment_count; s++) {
        const struct segment_ref *ref = &tv->segments[s];
        uint32_t dead = 0;
        for (uint32_t row = 0; row < ref->rows; row++) {
            if (row % VECTOR_ROWS == 0)
                arena_reset(&arena);
            if (ref->deleted && bit_get(ref->deleted, row)) {
                dead++;
                continue;
            }
            model_check_row(m, ref, row, &arena, seen);
            rows++;
        }
        assert_int_equal(dead, ref->deleted_count);
    }
    assert_int_equal(rows, m->live);
    assert_int_equal(tv->live_rows, m->live);
    arena_deinit(&arena);
    free(seen);
}

static inline void model_check_newest(const struct model *m, struct store *store, uint32_t tid)
{
    struct snapshot snapshot;
    store_acquire(store, &snapshot);
    model_check(m, version_find_table(snapshot.version, tid));
    store_release(store, &snapshot);
}

/* What a manifest would keep. */
struct manifest {
    size_t count;
    struct segment_record *records;
};

static inline void manifest_deinit(struct manifest *manifest)
{
    for (size_t i = 0; i < manifest->count; i++)
        free((void *)(uintptr_t)manifest->records[i].deleted);
    free(manifest->records);
    *manifest = (struct manifest){0};
}

static inline void manifest_take(struct manifest *manifest, const struct checkpoint *checkpoint)
{
    manifest_deinit(manifest);
    manifest->count = checkpoint_record_count(checkpoint);
    manifest->records = calloc(manifest->count + 1, sizeof *manifest->records);
    for (size_t i = 0; i < manifest->count; i++) {
        manifest->records[i] = *checkpoint_record(checkpoint, i);
        if (!manifest->records[i].deleted)
            continue;
        void *copy = malloc(manifest->records[i].deleted_size);
        memcpy(copy, manifest->records[i].deleted, manifest->records[i].deleted_size);
        manifest->records[i].deleted = copy;
    }
}

#endif
