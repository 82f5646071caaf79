/* group_table.c -- the hash table of groups; see group_table.h. */
#include "olap/exec/group_table.h"

#include "olap/exec/pipeline.h"

#include <string.h>

#define SLOTS_FIRST 256u

static yoda_status make_slots(struct group_table *table, uint32_t slots, yoda_error *err)
{
    TRY(mem_budget_charge(table->budget, (uint64_t)slots * sizeof *table->slots, err));
    uint64_t *made = mem_calloc(slots, sizeof *made);
    if (!made) {
        mem_budget_release(table->budget, (uint64_t)slots * sizeof *table->slots);
        return fail_nomem(err, slots * sizeof *made);
    }
    if (table->slots) {
        mem_budget_release(table->budget, ((uint64_t)table->slot_mask + 1) * sizeof *made);
        mem_free(table->slots);
    }
    table->slots = made;
    table->slot_mask = slots - 1;
    return YODA_OK;
}

static yoda_status init_keys(struct group_table *table, const struct group_key *keys,
                             yoda_error *err)
{
    uint32_t n = table->key_count;
    table->keys = mem_calloc(n + 1, sizeof *table->keys);
    table->signatures = mem_calloc(n + 1, sizeof *table->signatures);
    if (!table->keys || !table->signatures)
        return fail_nomem(err, n * sizeof *table->signatures);
    for (uint32_t k = 0; k < n; k++) {
        table->keys[k] = keys[k];
        table->signatures[k].domain = UINT32_MAX; /* like no vector's */
        if (keys[k].type == VT_TEXT || keys[k].type == VT_BLOB)
            table->variable = true;
        if (table->mode == GROUP_STRICT && keys[k].type == VT_TEXT &&
            keys[k].collation != COLLATE_BINARY)
            return fail(err, YODA_NOT_COLUMNAR,
                        "grouping text under a collation other than BINARY");
    }
    table->meta_words = (n + 31) / 32;
    table->fixed_size = (table->meta_words + n) * 8;
    return YODA_OK;
}

yoda_status group_table_init(struct group_table *table, const struct group_key *keys,
                             uint32_t key_count, enum group_mode mode, struct mem_budget *budget,
                             yoda_error *err)
{
    *table = (struct group_table){
        .key_count = key_count, .mode = mode, .budget = budget, .null_id = UINT32_MAX};
    arena_init(&table->bytes, budget);
    TRY(init_keys(table, keys, err));
    TRY(buffer_create(0, budget, &table->rows, err));
    TRY(buffer_create(0, budget, &table->hashes, err));
    table->word = key_count == 1 && (keys[0].type == VT_INT || keys[0].type == VT_REAL);
    table->text = key_count == 1 && table->variable;
    return table->word ? YODA_OK : make_slots(table, SLOTS_FIRST, err);
}

void group_table_deinit(struct group_table *table)
{
    if (table->slots)
        mem_budget_release(table->budget, ((uint64_t)table->slot_mask + 1) * sizeof *table->slots);
    mem_free(table->slots);
    group_word_deinit(table);
    mem_free(table->direct);
    mem_free(table->keys);
    mem_free(table->signatures);
    buffer_release(table->rows);
    buffer_release(table->hashes);
    arena_deinit(&table->bytes);
    *table = (struct group_table){0};
}

uint64_t group_table_bytes(const struct group_table *table)
{
    if (!table->rows || !table->hashes)
        return 0;
    uint64_t slots = (uint64_t)table->slot_mask + 1;
    return table->bytes.charged_bytes + table->rows->capacity + table->hashes->capacity +
           (table->slots ? slots * sizeof *table->slots : 0) +
           (table->word_slots ? slots * 2 * sizeof(uint64_t) : 0) +
           table->dense_size * sizeof *table->dense;
}

static inline const uint8_t *key_of(const struct group_table *table, uint32_t id)
{
    if (table->variable)
        return ((const uint8_t *const *)(const void *)table->rows->data)[id];
    return table->rows->data + (size_t)id * table->fixed_size;
}

static uint64_t hash_key(const uint8_t *key, uint32_t size)
{
    if (size > 64)
        return hash_bytes(key, size, 0);
    uint64_t hash = size, word = 0;
    for (; size >= 8; size -= 8, key += 8) {
        memcpy(&word, key, 8);
        hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 32;
    }
    word = 0;
    memcpy(&word, key, size);
    return hash_u64(hash ^ word);
}

static inline uint64_t hash_row(const struct group_table *table, const uint8_t *key, uint32_t size)
{
    return table->text ? group_text_hash(key, size) : hash_key(key, size);
}

static uint32_t free_slot(const struct group_table *table, uint64_t hash)
{
    uint32_t at = (uint32_t)hash & table->slot_mask;
    while (table->slots[at])
        at = (at + 1) & table->slot_mask;
    return at;
}

static yoda_status rehash(struct group_table *table, yoda_error *err)
{
    if (table->slot_mask >= UINT32_MAX / 2)
        return fail(err, YODA_NOT_COLUMNAR, "more than 2^31 groups");
    TRY(make_slots(table, (table->slot_mask + 1) * 2, err));
    for (uint32_t id = 0; id < table->count; id++) {
        uint64_t hash = group_table_hash(table, id);
        table->slots[free_slot(table, hash)] = (hash & ~UINT64_C(0xffffffff)) | (id + 1);
    }
    return YODA_OK;
}

static yoda_status reserve_row(struct group_table *table, size_t element, yoda_error *err)
{
    size_t id = table->count;
    if (table->rows->capacity < (id + 1) * element)
        TRY(buffer_reserve(table->rows, (id + 1) * element, err));
    if (table->hashes->capacity < (id + 1) * sizeof(uint64_t))
        TRY(buffer_reserve(table->hashes, (id + 1) * sizeof(uint64_t), err));
    table->rows->size = (id + 1) * element; /* what a later growth copies */
    table->hashes->size = (id + 1) * sizeof(uint64_t);
    return YODA_OK;
}

/* Make the next group, whose slot is `at`. */
static yoda_status add_group(struct group_table *table, uint32_t at, uint32_t size, uint64_t hash,
                             uint8_t **key, yoda_error *err)
{
    size_t element = table->variable ? sizeof(uint8_t *) : table->fixed_size;
    TRY(reserve_row(table, element, err));
    *key = table->variable ? arena_alloc(&table->bytes, size)
                           : table->rows->data + table->count * element;
    if (!*key)
        return run_nomem(err, "grouping");
    if (table->variable)
        ((uint8_t **)(void *)table->rows->data)[table->count] = *key;
    ((uint64_t *)(void *)table->hashes->data)[table->count] = hash;
    table->slots[at] = (hash & ~UINT64_C(0xffffffff)) | ++table->count;
    return YODA_OK;
}

static bool is_full(const struct group_table *table)
{
    return (uint64_t)table->count * 2 > table->slot_mask;
}

yoda_status group_table_add(struct group_table *table, uint32_t size, uint64_t hash, uint8_t **key,
                            yoda_error *err)
{
    if (is_full(table))
        TRY(rehash(table, err));
    return add_group(table, free_slot(table, hash), size, hash, key, err);
}

/* Equal fixed parts, which are words, mean equal sizes: the lengths of texts are in them. */
static inline bool key_equal(const uint8_t *kept, const uint8_t *key, uint32_t fixed, uint32_t size)
{
    uint64_t differ = 0;
    for (uint32_t at = 0; at < fixed; at += 8) {
        uint64_t a, b;
        memcpy(&a, kept + at, sizeof a);
        memcpy(&b, key + at, sizeof b);
        differ |= a ^ b;
    }
    return !differ && (size == fixed || memcmp(kept + fixed, key + fixed, size - fixed) == 0);
}

yoda_status group_table_put(struct group_table *table, const uint8_t *key, uint32_t size,
                            uint64_t hash, uint32_t *id, yoda_error *err)
{
    ASSERT(size >= table->fixed_size);
    if (is_full(table))
        TRY(rehash(table, err));
    uint64_t salt = hash & ~UINT64_C(0xffffffff);
    uint32_t at = (uint32_t)hash & table->slot_mask;
    for (uint64_t slot; (slot = table->slots[at]) != 0; at = (at + 1) & table->slot_mask) {
        uint32_t found = (uint32_t)slot - 1;
        if ((slot & ~UINT64_C(0xffffffff)) == salt &&
            key_equal(key_of(table, found), key, table->fixed_size, size)) {
            *id = found;
            return YODA_OK;
        }
    }
    uint8_t *copy;
    TRY(add_group(table, at, size, hash, &copy, err));
    memcpy(copy, key, size);
    *id = table->count - 1;
    return YODA_OK;
}

/* The group whose slot comes first for each hash, if its salt agrees: ids [rows] or UINT32_MAX. */
static void find_candidates(const struct group_table *table, const uint64_t *hashes, uint32_t rows,
                            uint32_t *ids)
{
    const uint64_t *slots = table->slots;
    uint32_t mask = table->slot_mask;
    for (uint32_t i = 0; i < rows; i++) {
        uint64_t slot = slots[(uint32_t)hashes[i] & mask];
        bool agrees = slot != 0 && (slot ^ hashes[i]) >> 32 == 0;
        ids[i] = agrees ? (uint32_t)slot - 1 : UINT32_MAX;
    }
}

static void find_kept(const struct group_table *table, const uint32_t *ids, uint32_t rows,
                      const uint8_t **kept)
{
    for (uint32_t i = 0; i < rows; i++) {
        kept[i] = ids[i] == UINT32_MAX ? NULL : key_of(table, ids[i]);
        __builtin_prefetch(kept[i]);
    }
}

static yoda_status find_encoded(struct group_table *table, const struct group_rows *encoded,
                                uint32_t rows, struct arena *scratch, uint32_t *ids,
                                yoda_error *err)
{
    uint64_t *hashes = arena_alloc(scratch, (rows + 1) * sizeof *hashes);
    const uint8_t **kept = arena_alloc(scratch, (rows + 1) * sizeof *kept);
    uint32_t size, fixed = table->fixed_size;
    if (!hashes || !kept)
        return run_nomem(err, "grouping");
    for (uint32_t i = 0; i < rows; i++) {
        const uint8_t *key = group_row(encoded, i, &size);
        hashes[i] = hash_row(table, key, size);
    }
    find_candidates(table, hashes, rows, ids);
    find_kept(table, ids, rows, kept);
    uint32_t misses = 0;
    for (uint32_t i = 0; i < rows; i++) {
        const uint8_t *key = group_row(encoded, i, &size);
        if (kept[i] && key_equal(kept[i], key, fixed, size))
            continue;
        ids[i] = UINT32_MAX;
        misses++;
    }
    for (uint32_t i = 0; misses && i < rows; i++) { /* from here on kept keys may move */
        if (ids[i] != UINT32_MAX)
            continue;
        const uint8_t *key = group_row(encoded, i, &size);
        TRY(group_table_put(table, key, size, hashes[i], &ids[i], err));
        misses--;
    }
    return YODA_OK;
}

static bool may_be_null(const struct vector *v)
{
    return v->type == VT_NULL || v->nulls;
}

static yoda_status find_hashed(struct group_table *table, const struct vector *keys, uint32_t rows,
                               struct arena *scratch, uint32_t *ids, yoda_error *err)
{
    struct group_rows encoded;
    if (table->text && !may_be_null(&keys[0])) {
        struct vector flat;
        TRY(group_key_fold(table, 0, &keys[0], scratch, &flat, err));
        return group_text_find(table, &flat, scratch, ids, err);
    }
    if (table->word) {
        struct vector flat;
        TRY(group_key_fold(table, 0, &keys[0], scratch, &flat, err));
        return group_word_find(table, &flat, ids, err);
    }
    TRY(group_key_encode(table, keys, rows, scratch, &encoded, err));
    return find_encoded(table, &encoded, rows, scratch, ids, err);
}

yoda_status group_table_hash_rows(struct group_table *table, const struct vector *keys,
                                  uint32_t rows, struct arena *scratch, uint64_t *hashes,
                                  yoda_error *err)
{
    if (table->word) {
        struct vector flat;
        TRY(group_key_fold(table, 0, &keys[0], scratch, &flat, err));
        const uint64_t *words = flat.data;
        for (uint32_t i = 0; i < rows; i++)
            hashes[i] = vector_is_null(&flat, i) ? 0 : hash_u64(words[i]);
        return YODA_OK;
    }
    struct group_rows encoded;
    TRY(group_key_encode(table, keys, rows, scratch, &encoded, err));
    for (uint32_t i = 0; i < rows; i++) {
        uint32_t size;
        const uint8_t *key = group_row(&encoded, i, &size);
        hashes[i] = hash_row(table, key, size);
    }
    return YODA_OK;
}

/* The listed rows of all keys. */
static yoda_status gather_keys(const struct group_table *table, const struct vector *keys,
                               const uint16_t *sel, uint32_t n, struct arena *scratch,
                               struct vector **out, yoda_error *err)
{
    struct vector *some = arena_array(scratch, struct vector, table->key_count);
    if (!some)
        return run_nomem(err, "grouping");
    for (uint32_t k = 0; k < table->key_count; k++) {
        if (keys[k].type == VT_NULL)
            some[k] = (struct vector){.type = VT_NULL, .count = n};
        else
            TRY(vector_gather(&keys[k], sel, n, scratch, &some[k], err));
    }
    *out = some;
    return YODA_OK;
}

/* Look up the rows whose slot is not known yet, each slot once, and fill their slots. */
static yoda_status learn_slots(struct group_table *table, const struct vector *keys,
                               const uint32_t *slots, uint32_t rows, const uint64_t *alive,
                               struct arena *scratch, yoda_error *err)
{
    uint16_t *sel = arena_alloc(scratch, VECTOR_ROWS * sizeof *sel + 64);
    uint32_t *ids = arena_array(scratch, uint32_t, rows);
    struct vector *some = NULL;
    if (!sel || !ids)
        return run_nomem(err, "grouping");
    uint32_t n = 0;
    for (uint32_t i = 0; i < rows; i++) {
        if (table->direct[slots[i]] != UINT32_MAX || (alive && !bit_get(alive, i)))
            continue;
        table->direct[slots[i]] = 0; /* so that the slot is listed once */
        sel[n++] = (uint16_t)i;
    }
    if (n == 0)
        return YODA_OK;
    TRY(gather_keys(table, keys, sel, n, scratch, &some, err));
    TRY(find_hashed(table, some, n, scratch, ids, err));
    for (uint32_t i = 0; i < n; i++)
        table->direct[slots[sel[i]]] = ids[i];
    return YODA_OK;
}

/* ids: slots become group ids; false when one is not known. */
static bool ids_of_slots(const struct group_table *table, const uint32_t *slots, uint32_t rows,
                         uint32_t *ids)
{
    uint32_t most = 0;
    for (uint32_t i = 0; i < rows; i++) {
        uint32_t id = table->direct[slots[i]];
        most = id > most ? id : most;
        ids[i] = id;
    }
    return most != UINT32_MAX;
}

static yoda_status find_direct(struct group_table *table, const struct vector *keys, uint32_t rows,
                               const uint64_t *alive, struct arena *scratch, uint32_t *ids,
                               yoda_error *err)
{
    uint32_t *slots = arena_array(scratch, uint32_t, rows);
    if (!slots)
        return run_nomem(err, "grouping");
    group_direct_slots(table, keys, rows, slots);
    if (ids_of_slots(table, slots, rows, ids))
        return YODA_OK;
    yoda_status status = learn_slots(table, keys, slots, rows, alive, scratch, err);
    if (status != YODA_OK) {
        table->direct_domain = 0; /* some slots are half known */
        return status;
    }
    bool known = ids_of_slots(table, slots, rows, ids);
    ASSERT(known || alive);
    for (uint32_t i = 0; !known && i < rows; i++)
        ids[i] = ids[i] == UINT32_MAX ? 0 : ids[i];
    return YODA_OK;
}

static yoda_status find_alive(struct group_table *table, const struct vector *keys, uint32_t rows,
                              const uint64_t *alive, struct arena *scratch, uint32_t *ids,
                              yoda_error *err)
{
    uint16_t *sel = arena_alloc(scratch, VECTOR_ROWS * sizeof *sel + 64);
    uint32_t *found = arena_array(scratch, uint32_t, rows);
    struct vector *some = NULL;
    if (!sel || !found)
        return run_nomem(err, "grouping");
    uint32_t n = bitmap_to_selection(alive, rows, sel);
    if (n)
        TRY(gather_keys(table, keys, sel, n, scratch, &some, err));
    if (n)
        TRY(find_hashed(table, some, n, scratch, found, err));
    memset(ids, 0, rows * sizeof *ids);
    for (uint32_t i = 0; i < n; i++)
        ids[sel[i]] = found[i];
    return YODA_OK;
}

/* An INTEGER that is no code of one byte: its array needs no learning per segment. */
static bool is_dense(const struct group_table *table, const struct vector *key)
{
    bool coded = key->form == VF_CODES && key->code_width > 1;
    return table->word && !table->word_slots && key->type == VT_INT &&
           (coded || key->form == VF_FLAT);
}

yoda_status group_table_find(struct group_table *table, const struct vector *keys, uint32_t rows,
                             const uint64_t *alive, struct arena *scratch, uint32_t *ids,
                             yoda_error *err)
{
    ASSERT(rows <= VECTOR_ROWS && table->key_count > 0);
    if (is_dense(table, &keys[0]))
        return alive ? find_alive(table, keys, rows, alive, scratch, ids, err)
                     : find_hashed(table, keys, rows, scratch, ids, err);
    if (group_direct_adopt(table, keys))
        return group_direct_ids(table, keys, rows, ids)
                   ? YODA_OK
                   : find_direct(table, keys, rows, alive, scratch, ids, err);
    return alive ? find_alive(table, keys, rows, alive, scratch, ids, err)
                 : find_hashed(table, keys, rows, scratch, ids, err);
}

static uint32_t key_size(const struct group_table *table, const uint8_t *key)
{
    uint64_t size = table->fixed_size;
    for (uint32_t k = 0; table->variable && k < table->key_count; k++) {
        if (table->keys[k].type != VT_TEXT && table->keys[k].type != VT_BLOB)
            continue;
        uint64_t length;
        memcpy(&length, key + (size_t)(table->meta_words + k) * 8, sizeof length);
        size += length;
    }
    return (uint32_t)size;
}

yoda_status group_table_merge(struct group_table *table, const struct group_table *from,
                              const uint32_t *ids, uint32_t n, uint32_t *out, yoda_error *err)
{
    ASSERT(table->key_count == from->key_count && table->fixed_size == from->fixed_size);
    table->seen_integer |= from->seen_integer;
    table->seen_integral_real |= from->seen_integral_real;
    TRY(group_key_check(table, err));
    if (table->word)
        return group_word_merge(table, from, ids, n, out, err);
    uint32_t next = UINT32_MAX;
    for (uint32_t i = 0; i < n; i++) {
        const uint8_t *key = key_of(from, ids[i]);
        uint64_t hash = group_table_hash(from, ids[i]);
        uint32_t size = key_size(from, key);
        if (next < table->count && group_table_hash(table, next) == hash &&
            key_equal(key_of(table, next), key, table->fixed_size, size))
            out[i] = next; /* both in the order of one dictionary */
        else
            TRY(group_table_put(table, key, size, hash, &out[i], err));
        next = out[i] + 1;
    }
    return YODA_OK;
}

/* Where the text of column k begins: behind the texts of the columns before it. */
static const uint8_t *text_of(const struct group_table *table, const uint8_t *key, uint32_t k)
{
    const uint8_t *at = key + table->fixed_size;
    for (uint32_t i = 0; i < k; i++) {
        if (table->keys[i].type != VT_TEXT && table->keys[i].type != VT_BLOB)
            continue;
        uint64_t length;
        memcpy(&length, key + (size_t)(table->meta_words + i) * 8, sizeof length);
        at += length;
    }
    return at;
}

static void read_texts(const struct group_table *table, uint32_t k, uint32_t first, uint32_t rows,
                       struct strref *out)
{
    for (uint32_t i = 0; i < rows; i++) {
        const uint8_t *key = key_of(table, first + i);
        uint64_t size;
        memcpy(&size, key + (size_t)(table->meta_words + k) * 8, sizeof size);
        out[i] = (struct strref){(const char *)text_of(table, key, k), (uint32_t)size};
    }
}

static void read_words(const struct group_table *table, uint32_t k, uint32_t first, uint32_t rows,
                       uint64_t *out)
{
    for (uint32_t i = 0; i < rows; i++)
        memcpy(&out[i], key_of(table, first + i) + (size_t)(table->meta_words + k) * 8,
               sizeof *out);
}

/* The rows whose tag is `tag`; *any: are there some? */
static void read_tags(const struct group_table *table, uint32_t k, uint32_t first, uint32_t rows,
                      unsigned tag, uint64_t *bits, bool *any)
{
    *any = false;
    for (uint32_t i = 0; i < rows; i++) {
        uint64_t meta;
        memcpy(&meta, key_of(table, first + i) + (size_t)(k / 32) * 8, sizeof meta);
        uint64_t bit = ((meta >> (k % 32 * 2)) & 3) == tag;
        bits[i / 64] |= bit << (i % 64);
        *any |= bit;
    }
}

yoda_status group_table_keys(const struct group_table *table, uint32_t k, uint32_t first,
                             uint32_t rows, struct arena *arena, struct vector *out,
                             yoda_error *err)
{
    ASSERT(k < table->key_count && first + rows <= table->count);
    if (table->word)
        return group_word_keys(table, first, rows, arena, out, err);
    enum vtype type = table->keys[k].type;
    bool text = type == VT_TEXT || type == VT_BLOB, any;
    *out = (struct vector){.type = type, .form = VF_FLAT, .count = rows};
    if (type == VT_NULL)
        return YODA_OK;
    void *data = arena_calloc(arena, rows + 8u, text ? sizeof(struct strref) : sizeof(uint64_t));
    uint64_t *nulls = arena_array(arena, uint64_t, BITMAP_WORDS(rows) + 1);
    uint64_t *reals = arena_array(arena, uint64_t, BITMAP_WORDS(rows) + 1);
    if (!data || !nulls || !reals)
        return run_nomem(err, "grouping");
    if (text)
        read_texts(table, k, first, rows, data);
    else
        read_words(table, k, first, rows, data);
    out->data = data;
    read_tags(table, k, first, rows, GROUP_NULL, nulls, &any);
    out->nulls = any ? nulls : NULL;
    if (type == VT_NUM) {
        read_tags(table, k, first, rows, GROUP_REAL, reals, &any);
        out->reals = any ? reals : NULL;
    }
    return YODA_OK;
}
