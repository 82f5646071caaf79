/*
 * key_index.c -- dense array and linear probing, with room made before it is needed.
 *
 * Free places hold ROW_ID_NONE, which is all ones, so new memory is filled with 0xff. The load of
 * the probed table stays at or below 3/4; home(key) is the key's mixed bits, and an entry lies
 * between its home and the next free place (removal restores this by shifting back).
 */
#include "olap/store/key_index.h"

#include "base/hash.h"

#include <string.h>

#define DENSE_RANGE_MIN 65536u /* a range up to this is dense whatever the number of keys */
#define DENSE_SPREAD 4u
#define TABLE_CAPACITY_MIN 1024u
#define SLOT_NONE UINT64_MAX

void key_index_init(struct key_index *index, bool int_keys, struct mem_budget *budget)
{
    *index = (struct key_index){.kind = int_keys ? KEY_INDEX_DENSE : KEY_INDEX_HASH,
                                .budget = budget};
}

uint64_t key_index_bytes(const struct key_index *index)
{
    return index->capacity * (index->kind == KEY_INDEX_DENSE ? sizeof *index->rids
                                                             : sizeof *index->entries);
}

void key_index_deinit(struct key_index *index)
{
    mem_budget_release(index->budget, key_index_bytes(index));
    mem_free(index->rids);
    mem_free(index->entries);
    key_index_init(index, index->kind != KEY_INDEX_HASH, index->budget);
}

/* Charged memory full of free places. */
static yoda_status alloc_free_places(struct key_index *index, uint64_t count, size_t size,
                                     void **out, yoda_error *err)
{
    ASSERT(count > 0);
    uint64_t bytes = count * size;
    TRY(mem_budget_charge(index->budget, bytes, err));
    *out = mem_alloc(bytes);
    if (!*out) {
        mem_budget_release(index->budget, bytes);
        return fail_nomem(err, bytes);
    }
    memset(*out, 0xff, bytes);
    return YODA_OK;
}

/* ---- Open addressing ------------------------------------------------------------------------- */

static uint64_t table_home(const struct key_index *index, uint64_t key)
{
    return hash_u64(key) & (index->capacity - 1);
}

static void table_insert_new(struct key_entry *entries, uint64_t mask, uint64_t key, uint32_t rid)
{
    uint64_t slot = hash_u64(key) & mask;
    while (entries[slot].rid != ROW_ID_NONE)
        slot = (slot + 1) & mask;
    entries[slot] = (struct key_entry){.key = key, .rid = rid};
}

static uint64_t table_capacity_for(uint64_t count)
{
    uint64_t capacity = TABLE_CAPACITY_MIN;
    while (count > capacity / 4 * 3)
        capacity *= 2;
    return capacity;
}

static yoda_status table_grow(struct key_index *index, uint64_t count, yoda_error *err)
{
    uint64_t capacity = table_capacity_for(count);
    void *memory = NULL;
    TRY(alloc_free_places(index, capacity, sizeof *index->entries, &memory, err));
    struct key_entry *entries = memory;
    for (uint64_t i = 0; i < index->capacity; i++)
        if (index->entries[i].rid != ROW_ID_NONE)
            table_insert_new(entries, capacity - 1, index->entries[i].key, index->entries[i].rid);
    mem_budget_release(index->budget, key_index_bytes(index));
    mem_free(index->entries);
    index->entries = entries;
    index->capacity = capacity;
    return YODA_OK;
}

static yoda_status table_reserve(struct key_index *index, yoda_error *err)
{
    if (index->count < index->capacity / 4 * 3)
        return YODA_OK;
    return table_grow(index, index->count + 1, err);
}

static yoda_status table_find(const struct key_index *index, uint64_t key,
                              const struct key_match *match, uint64_t *slot, uint32_t *rid,
                              yoda_error *err)
{
    *slot = SLOT_NONE;
    *rid = ROW_ID_NONE;
    if (index->capacity == 0)
        return YODA_OK;
    uint64_t at = table_home(index, key);
    for (; index->entries[at].rid != ROW_ID_NONE; at = (at + 1) & (index->capacity - 1)) {
        if (index->entries[at].key != key)
            continue;
        bool same = true;
        if (match)
            TRY(match->same(match->ctx, index->entries[at].rid, &same, err));
        if (same) {
            *rid = index->entries[at].rid;
            break;
        }
    }
    *slot = at;
    return YODA_OK;
}

static void table_remove(struct key_index *index, uint64_t hole)
{
    uint64_t mask = index->capacity - 1;
    for (uint64_t at = (hole + 1) & mask; index->entries[at].rid != ROW_ID_NONE;
         at = (at + 1) & mask) {
        uint64_t home = table_home(index, index->entries[at].key);
        if (((at - home) & mask) < ((at - hole) & mask))
            continue; /* its home lies behind the hole */
        index->entries[hole] = index->entries[at];
        hole = at;
    }
    index->entries[hole].rid = ROW_ID_NONE;
}

/* ---- Dense ----------------------------------------------------------------------------------- */

static bool dense_allowed(uint64_t span, uint64_t count)
{
    return span < DENSE_RANGE_MIN || span / DENSE_SPREAD < count;
}

static yoda_status dense_to_table(struct key_index *index, uint64_t count, yoda_error *err)
{
    uint64_t capacity = table_capacity_for(count);
    void *memory = NULL;
    TRY(alloc_free_places(index, capacity, sizeof *index->entries, &memory, err));
    for (uint64_t i = 0; i < index->capacity; i++)
        if (index->rids[i] != ROW_ID_NONE)
            table_insert_new(memory, capacity - 1, (uint64_t)index->base + i, index->rids[i]);
    mem_budget_release(index->budget, key_index_bytes(index));
    mem_free(index->rids);
    index->rids = NULL;
    index->kind = KEY_INDEX_INT;
    index->entries = memory;
    index->capacity = capacity;
    return YODA_OK;
}

/* Cover [min, max] and half as much again on the side that grows. */
static yoda_status dense_cover(struct key_index *index, int64_t min, int64_t max, bool down,
                               yoda_error *err)
{
    uint64_t span = (uint64_t)max - (uint64_t)min, slack = span / 2 + 1024;
    uint64_t room =
        down ? (uint64_t)min - (uint64_t)INT64_MIN : (uint64_t)INT64_MAX - (uint64_t)max;
    if (slack > room)
        slack = room;
    int64_t base = down ? (int64_t)((uint64_t)min - slack) : min;
    uint64_t capacity = span + 1 + slack;
    void *memory = NULL;
    TRY(alloc_free_places(index, capacity, sizeof *index->rids, &memory, err));
    if (index->count > 0) {
        uint64_t from = (uint64_t)index->key_min - (uint64_t)index->base;
        uint64_t to = (uint64_t)index->key_min - (uint64_t)base;
        uint64_t used = (uint64_t)index->key_max - (uint64_t)index->key_min + 1;
        ASSERT(from + used <= index->capacity && to + used <= capacity);
        memcpy((uint32_t *)memory + to, index->rids + from, used * sizeof *index->rids);
    }
    mem_budget_release(index->budget, key_index_bytes(index));
    mem_free(index->rids);
    index->rids = memory;
    index->base = base;
    index->capacity = capacity;
    return YODA_OK;
}

static yoda_status dense_reserve(struct key_index *index, int64_t key, yoda_error *err)
{
    if ((uint64_t)key - (uint64_t)index->base < index->capacity)
        return YODA_OK;
    int64_t min = key, max = key;
    if (index->count > 0) {
        min = key < index->key_min ? key : index->key_min;
        max = key > index->key_max ? key : index->key_max;
    }
    if (!dense_allowed((uint64_t)max - (uint64_t)min, index->count + 1))
        return dense_to_table(index, index->count + 1, err);
    return dense_cover(index, min, max, index->count > 0 && key < index->key_min, err);
}

static void dense_put(struct key_index *index, uint64_t slot, int64_t key, uint32_t rid)
{
    ASSERT(slot < index->capacity && slot == (uint64_t)key - (uint64_t)index->base);
    if (index->count == 0)
        index->key_min = index->key_max = key;
    else if (key < index->key_min)
        index->key_min = key;
    else if (key > index->key_max)
        index->key_max = key;
    index->count += index->rids[slot] == ROW_ID_NONE;
    index->rids[slot] = rid;
}

/* ---- The index ------------------------------------------------------------------------------- */

yoda_status key_index_prepare(struct key_index *index, uint64_t rows, int64_t min, int64_t max,
                              yoda_error *err)
{
    ASSERT(index->count == 0 && index->capacity == 0 && min <= max);
    if (rows == 0)
        return YODA_OK;
    if (index->kind == KEY_INDEX_DENSE && dense_allowed((uint64_t)max - (uint64_t)min, rows))
        return dense_cover(index, min, max, false, err);
    if (index->kind == KEY_INDEX_DENSE)
        return dense_to_table(index, rows, err);
    return table_grow(index, rows, err);
}

yoda_status key_index_reserve(struct key_index *index, uint64_t key, yoda_error *err)
{
    if (index->kind == KEY_INDEX_DENSE)
        return dense_reserve(index, (int64_t)key, err);
    return table_reserve(index, err);
}

yoda_status key_index_find(const struct key_index *index, uint64_t key,
                           const struct key_match *match, uint64_t *slot, uint32_t *rid,
                           yoda_error *err)
{
    if (index->kind != KEY_INDEX_DENSE)
        return table_find(index, key, match, slot, rid, err);
    uint64_t at = key - (uint64_t)index->base;
    *slot = at < index->capacity ? at : SLOT_NONE;
    *rid = at < index->capacity ? index->rids[at] : ROW_ID_NONE;
    return YODA_OK;
}

void key_index_put(struct key_index *index, uint64_t slot, uint64_t key, uint32_t rid)
{
    ASSERT(slot < index->capacity && rid != ROW_ID_NONE);
    if (index->kind == KEY_INDEX_DENSE) {
        dense_put(index, slot, (int64_t)key, rid);
        return;
    }
    index->count += index->entries[slot].rid == ROW_ID_NONE;
    index->entries[slot] = (struct key_entry){.key = key, .rid = rid};
    ASSERT(index->count < index->capacity);
}

void key_index_remove(struct key_index *index, uint64_t slot)
{
    ASSERT(slot < index->capacity && index->count > 0);
    if (index->kind == KEY_INDEX_DENSE)
        index->rids[slot] = ROW_ID_NONE;
    else
        table_remove(index, slot);
    index->count--;
}

static bool move_at(uint32_t *rid, uint32_t old_rid, uint32_t new_rid)
{
    bool same = *rid == old_rid;
    if (same)
        *rid = new_rid;
    return same;
}

bool key_index_move(struct key_index *index, uint64_t key, uint32_t old_rid, uint32_t new_rid)
{
    ASSERT(old_rid != ROW_ID_NONE && new_rid != ROW_ID_NONE);
    if (index->kind == KEY_INDEX_DENSE) {
        uint64_t at = key - (uint64_t)index->base;
        return at < index->capacity && move_at(&index->rids[at], old_rid, new_rid);
    }
    if (index->capacity == 0)
        return false;
    for (uint64_t at = table_home(index, key); index->entries[at].rid != ROW_ID_NONE;
         at = (at + 1) & (index->capacity - 1))
        if (index->entries[at].key == key && move_at(&index->entries[at].rid, old_rid, new_rid))
            return true;
    return false;
}
