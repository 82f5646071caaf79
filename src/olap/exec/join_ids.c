/* join_ids.c -- different byte strings by number: linear probing on 32 bits of hash each. */
#include "olap/exec/join_key.h"

#include "base/hash.h"

#include <string.h>

#define SLOTS_MIN 64u

void join_ids_init(struct join_ids *ids, struct mem_budget *budget)
{
    *ids = (struct join_ids){0};
    arena_init(&ids->bytes, budget);
    arena_init(&ids->arrays, budget);
}

void join_ids_deinit(struct join_ids *ids)
{
    arena_deinit(&ids->bytes);
    arena_deinit(&ids->arrays);
}

static uint64_t slot_of(uint64_t hash, uint32_t id)
{
    return (hash >> 32 << 32) | (id + 1);
}

static bool same_text(const struct strref *ref, const char *p, uint32_t size)
{
    return ref->size == size && (size == 0 || memcmp(ref->ptr, p, size) == 0);
}

/* The slot that holds the bytes, or the free one where they belong. */
static uint64_t *find_slot(const struct join_ids *ids, uint64_t hash, const char *p, uint32_t size)
{
    for (uint64_t at = hash & ids->mask;; at = (at + 1) & ids->mask) {
        uint64_t *slot = &ids->slots[at];
        if (*slot == 0 || (*slot >> 32 == hash >> 32 &&
                           same_text(&ids->texts[(uint32_t)*slot - 1], p, size)))
            return slot;
    }
}

/* Twice the room, in new arrays; the low half of the hash is asked of the texts again. */
static yoda_status grow(struct join_ids *ids, yoda_error *err)
{
    struct arena old = ids->arrays;
    struct join_ids next = *ids;
    uint64_t slots = ids->mask ? 2 * (ids->mask + 1) : SLOTS_MIN;
    arena_init(&next.arrays, old.budget);
    next.slots = arena_array(&next.arrays, uint64_t, slots);
    next.room = (uint32_t)(slots / 2);
    next.texts = arena_alloc(&next.arrays, next.room * sizeof *next.texts);
    if (!next.slots || !next.texts) {
        arena_deinit(&next.arrays);
        return run_nomem(err, "building a join");
    }
    next.mask = slots - 1;
    if (ids->count)
        memcpy(next.texts, ids->texts, ids->count * sizeof *next.texts);
    for (uint32_t i = 0; i < ids->count; i++) {
        uint64_t hash = hash_bytes(next.texts[i].ptr, next.texts[i].size, 0);
        uint64_t at = hash & next.mask;
        while (next.slots[at])
            at = (at + 1) & next.mask;
        next.slots[at] = slot_of(hash, i);
    }
    *ids = next;
    arena_deinit(&old);
    return YODA_OK;
}

yoda_status join_ids_add(struct join_ids *ids, const char *p, uint32_t size, uint32_t *out,
                         yoda_error *err)
{
    if (ids->count == ids->room)
        TRY(grow(ids, err));
    uint64_t hash = hash_bytes(p, size, 0), *slot = find_slot(ids, hash, p, size);
    if (*slot == 0) {
        char *copy = arena_copy(&ids->bytes, p, size);
        if (!copy)
            return run_nomem(err, "building a join");
        ids->texts[ids->count] = (struct strref){copy, size};
        *slot = slot_of(hash, ids->count++);
    }
    *out = (uint32_t)*slot - 1;
    return YODA_OK;
}

uint32_t join_ids_find(const struct join_ids *ids, const char *p, uint32_t size)
{
    if (ids->count == 0)
        return UINT32_MAX;
    return (uint32_t)*find_slot(ids, hash_bytes(p, size, 0), p, size) - 1;
}
