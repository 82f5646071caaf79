/* route_memo.c -- one slot for each hash; the newest text wins. */
#include "engine/route_memo.h"

#include "base/hash.h"
#include "base/mem.h"

#include <string.h>

uint64_t route_memo_hash(const char *sql, size_t size)
{
    return hash_bytes(sql, size, 0);
}

bool route_memo_entry_init(struct route_memo_entry *entry, uint64_t signature, const char *sql,
                           const char *reason)
{
    size_t size = strlen(sql);
    if (size == 0 || size > ROUTE_MEMO_BYTES_MAX)
        return false;
    *entry = (struct route_memo_entry){.signature = signature,
                                       .hash = route_memo_hash(sql, size),
                                       .size = size,
                                       .sql = mem_strndup(sql, size),
                                       .reason = reason};
    return entry->sql != NULL;
}

void route_memo_entry_deinit(struct route_memo_entry *entry)
{
    mem_free(entry->sql);
    entry->sql = NULL;
}

void route_memo_deinit(struct route_memo *memo)
{
    for (size_t i = 0; i < ROUTE_MEMO_SLOTS; i++)
        route_memo_entry_deinit(&memo->slots[i]);
}

void route_memo_put(struct route_memo *memo, struct route_memo_entry *entry)
{
    struct route_memo_entry *slot = &memo->slots[entry->hash % ROUTE_MEMO_SLOTS];
    struct route_memo_entry before = *slot;
    ASSERT(entry->sql && entry->reason);
    *slot = *entry;
    *entry = before;
}

const char *route_memo_find(const struct route_memo *memo, uint64_t signature, uint64_t hash,
                            const char *sql, size_t size)
{
    const struct route_memo_entry *slot = &memo->slots[hash % ROUTE_MEMO_SLOTS];
    bool same = slot->sql && slot->hash == hash && slot->signature == signature &&
                slot->size == size && memcmp(slot->sql, sql, size) == 0;
    return same ? slot->reason : NULL;
}
