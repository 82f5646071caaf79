/*
 * snapshot.c -- pin the newest version without a lock: hazard slots.
 *
 * A reader claims a slot (one bit in its group's word), stores the newest version in it and looks
 * again: if that is still the newest, the writer, which replaces first and scans the slots after,
 * must see the slot. Both sides use sequentially consistent accesses. Threads start at a group of
 * their own, so a claim rarely meets another; with all 1,024 slots taken a reader yields until one
 * comes free.
 * Source  M. M. Michael, "Hazard Pointers", IEEE TPDS 15(6), 2004.
 */
#include "olap/store/store_state.h"

#include "base/hash.h"

#include <sched.h>

static_assert(HAZARD_SLOTS == 64, "one bit a slot");

static uint32_t home_group(void)
{
    static _Thread_local char marker;
    return (uint32_t)(hash_u64((uint64_t)(uintptr_t)&marker) % HAZARD_GROUPS);
}

static bool claim_in(struct hazard_group *group, uint32_t *slot)
{
    uint64_t used = atomic_load_explicit(&group->used, memory_order_relaxed);
    while (~used) {
        unsigned bit = bits_lowest(~used);
        if (atomic_compare_exchange_weak_explicit(&group->used, &used, used | UINT64_C(1) << bit,
                                                  memory_order_acquire, memory_order_relaxed)) {
            *slot = bit;
            return true;
        }
    }
    return false;
}

static uint32_t claim(struct store *store)
{
    uint32_t slot = 0;
    for (uint32_t i = 0, group = home_group();; i++, group = (group + 1) % HAZARD_GROUPS) {
        if (claim_in(&store->groups[group], &slot))
            return group * HAZARD_SLOTS + slot;
        if (i % HAZARD_GROUPS == HAZARD_GROUPS - 1)
            sched_yield();
    }
}

static _Atomic(struct version_node *) *slot_of(struct store *store, uint32_t slot)
{
    ASSERT(slot < HAZARD_GROUPS * HAZARD_SLOTS);
    return &store->groups[slot / HAZARD_SLOTS].slots[slot % HAZARD_SLOTS];
}

void store_acquire(struct store *store, struct snapshot *out)
{
    uint32_t slot = claim(store);
    struct version_node *node = atomic_load(&store->newest);
    for (;;) {
        atomic_store(slot_of(store, slot), node);
        struct version_node *now = atomic_load(&store->newest);
        if (now == node)
            break;
        node = now;
    }
    *out = (struct snapshot){.version = &node->version, .slot = slot};
}

void store_release(struct store *store, struct snapshot *snapshot)
{
    uint32_t slot = snapshot->slot;
    ASSERT(snapshot->version && &atomic_load(slot_of(store, slot))->version == snapshot->version);
    atomic_store_explicit(slot_of(store, slot), NULL, memory_order_release);
    atomic_fetch_and_explicit(&store->groups[slot / HAZARD_SLOTS].used,
                              ~(UINT64_C(1) << slot % HAZARD_SLOTS), memory_order_release);
    snapshot->version = NULL;
}

/* Slots not claimed hold NULL, and a claim is followed by a store that the scan cannot miss: all
 * slots are read, not only those whose bit is set. */
bool snapshot_is_pinned(struct store *store, const struct version_node *node)
{
    for (uint32_t slot = 0; slot < HAZARD_GROUPS * HAZARD_SLOTS; slot++)
        if (atomic_load(slot_of(store, slot)) == node)
            return true;
    return false;
}

const struct table_version *version_find_table(const struct version *version, uint32_t tid)
{
    uint32_t low = 0, high = version->table_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (version->tables[middle]->tid < tid)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < version->table_count && version->tables[low]->tid == tid;
    return found ? version->tables[low] : NULL;
}
