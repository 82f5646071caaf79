/*
 * arena.h -- memory with one lifetime: statement, run, batch.
 *
 * Blocks grow geometrically; freeing is by resetting or destroying the whole arena. Objects made in
 * an arena are never freed one by one. An arena belongs to one thread at a time.
 */
#ifndef YODA_BASE_ARENA_H
#define YODA_BASE_ARENA_H

#include "base/mem.h"

struct arena_block;
struct arena {
    struct arena_block *head;
    struct arena_block *spare; /* given back by arena_rewind, the next block in use; or NULL */
    char *next, *end;
    struct mem_budget *budget; /* borrowed, may be NULL */
    uint64_t charged_bytes;
};

void arena_init(struct arena *arena, struct mem_budget *budget);
void arena_deinit(struct arena *arena);
void arena_reset(struct arena *arena); /* keeps the largest block */

/* A point to come back to: rewinding forgets everything allocated since. Marks nest; resetting the
 * arena voids them. A rewound arena keeps one block of what it had gained, for the next round. */
struct arena_mark {
    struct arena_block *head, *older;
    char *next;
};
struct arena_mark arena_mark(const struct arena *arena);
void arena_rewind(struct arena *arena, struct arena_mark mark);
/* 16-byte aligned, not zeroed. NULL where memory or budget is short. size may be 0. */
YODA_MUST_CHECK void *arena_alloc(struct arena *arena, size_t size);
YODA_MUST_CHECK void *arena_calloc(struct arena *arena, size_t count, size_t size);
/* Unaligned copy of [size] bytes plus a NUL. */
YODA_MUST_CHECK char *arena_copy(struct arena *arena, const void *data, size_t size);
#define arena_new(arena, type) ((type *)arena_calloc((arena), 1, sizeof(type)))
#define arena_array(arena, type, count) ((type *)arena_calloc((arena), (count), sizeof(type)))

#endif
