/*
 * arena.c -- bump allocation out of blocks.
 *
 * Blocks form a list, newest first; `next` and `end` bound the free space of the head. Block sizes
 * double from 4 KB to 1 MB. An allocation too large for the next block gets a block of its own,
 * placed behind the head, so that the head's free space is not lost. Each block ends with 64 bytes
 * that are never handed out: kernels may read that far past an array.
 */
#include "base/arena.h"

#include <string.h>

#define ALIGNMENT ((size_t)16)
#define SLACK_BYTES ((size_t)64)
#define BLOCK_BYTES_MIN ((size_t)4096)
#define BLOCK_BYTES_MAX ((size_t)1 << 20)

struct arena_block {
    struct arena_block *older;
    size_t capacity; /* bytes that may be handed out */
    _Alignas(16) char data[];
};

void arena_init(struct arena *arena, struct mem_budget *budget)
{
    *arena = (struct arena){.budget = budget};
}

static size_t block_bytes(const struct arena_block *block)
{
    return sizeof *block + block->capacity + SLACK_BYTES;
}

static void block_free(struct arena *arena, struct arena_block *block)
{
    size_t bytes = block_bytes(block);
    ASSERT(arena->charged_bytes >= bytes);
    arena->charged_bytes -= bytes;
    mem_budget_release(arena->budget, bytes);
    mem_free(block);
}

static struct arena_block *block_make(struct arena *arena, size_t capacity)
{
    if (capacity > (size_t)PTRDIFF_MAX - sizeof(struct arena_block) - SLACK_BYTES)
        return NULL;
    size_t bytes = sizeof(struct arena_block) + capacity + SLACK_BYTES;
    if (mem_budget_charge(arena->budget, bytes, NULL) != YODA_OK)
        return NULL;
    struct arena_block *block = mem_alloc(bytes);
    if (!block) {
        mem_budget_release(arena->budget, bytes);
        return NULL;
    }
    block->older = NULL;
    block->capacity = capacity;
    arena->charged_bytes += bytes;
    return block;
}

static void block_use(struct arena *arena, struct arena_block *block)
{
    arena->head = block;
    arena->next = block->data;
    arena->end = block->data + block->capacity;
}

static size_t next_capacity(const struct arena *arena)
{
    size_t doubled = arena->head ? 2 * arena->head->capacity : 0;
    size_t capacity = doubled < BLOCK_BYTES_MAX ? doubled : BLOCK_BYTES_MAX;
    return capacity > BLOCK_BYTES_MIN ? capacity : BLOCK_BYTES_MIN;
}

/* The spare as one block more at the end of the list. */
static void adopt_spare(struct arena *arena)
{
    struct arena_block *spare = arena->spare;
    if (!spare)
        return;
    ASSERT(arena->head);
    spare->older = arena->head->older;
    arena->head->older = spare;
    arena->spare = NULL;
}

void arena_deinit(struct arena *arena)
{
    adopt_spare(arena);
    for (struct arena_block *block = arena->head, *older; block; block = older) {
        older = block->older;
        block_free(arena, block);
    }
    ASSERT(arena->charged_bytes == 0);
    arena_init(arena, arena->budget);
}

void arena_reset(struct arena *arena)
{
    struct arena_block *largest = arena->head;
    if (!largest)
        return;
    adopt_spare(arena);
    for (struct arena_block *block = largest->older; block; block = block->older)
        largest = block->capacity > largest->capacity ? block : largest;
    for (struct arena_block *block = arena->head, *older; block; block = older) {
        older = block->older;
        if (block != largest)
            block_free(arena, block);
    }
    largest->older = NULL;
    block_use(arena, largest);
    ASSERT(arena->charged_bytes == block_bytes(largest));
}

struct arena_mark arena_mark(const struct arena *arena)
{
    struct arena_block *head = arena->head;
    return (struct arena_mark){head, head ? head->older : NULL, arena->next};
}

/* Free the blocks from *at on down to, not including, end; returns the largest, not freed. */
static struct arena_block *blocks_free(struct arena *arena, struct arena_block *at,
                                       const struct arena_block *end)
{
    struct arena_block *largest = NULL, *other;
    for (struct arena_block *older; at != end; at = older) {
        older = at->older;
        bool larger = !largest || at->capacity > largest->capacity;
        other = larger ? largest : at;
        largest = larger ? at : largest;
        if (other)
            block_free(arena, other);
    }
    return largest;
}

/* Blocks of their own (alloc_slow) lie behind the head of their time: those since the mark are the
 * newer heads, what is behind them, and what is between the marked head and its older one. */
void arena_rewind(struct arena *arena, struct arena_mark mark)
{
    if (!mark.head) {
        arena_reset(arena);
        return;
    }
    struct arena_block *own = blocks_free(arena, mark.head->older, mark.older);
    if (own)
        block_free(arena, own);
    mark.head->older = mark.older;
    struct arena_block *gained = blocks_free(arena, arena->head, mark.head);
    block_use(arena, mark.head);
    arena->next = mark.next;
    if (gained && arena->spare)
        block_free(arena, gained);
    else if (gained)
        arena->spare = gained;
}

/* size bytes from a new block; the current one has no room for them. */
static void *alloc_slow(struct arena *arena, size_t size)
{
    size_t capacity = next_capacity(arena);
    struct arena_block *spare = arena->spare;
    if (spare && size <= spare->capacity) {
        arena->spare = NULL;
        spare->older = arena->head;
        block_use(arena, spare);
        arena->next += size;
        return spare->data;
    }
    if (size > capacity / 4 && arena->head) {
        struct arena_block *own = block_make(arena, size);
        if (!own)
            return NULL;
        own->older = arena->head->older;
        arena->head->older = own;
        return own->data;
    }
    struct arena_block *block = block_make(arena, size > capacity ? size : capacity);
    if (!block)
        return NULL;
    block->older = arena->head;
    block_use(arena, block);
    arena->next += size;
    return block->data;
}

static void *alloc_at(struct arena *arena, size_t padding, size_t size)
{
    size_t room = (size_t)(arena->end - arena->next);
    if (!arena->head || padding > room || size > room - padding)
        return alloc_slow(arena, size);
    char *p = arena->next + padding;
    arena->next = p + size;
    ASSERT(arena->next <= arena->end);
    return p;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    return alloc_at(arena, -(uintptr_t)arena->next % ALIGNMENT, size);
}

void *arena_calloc(struct arena *arena, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        return NULL;
    void *p = arena_alloc(arena, bytes);
    return p ? memset(p, 0, bytes) : NULL;
}

char *arena_copy(struct arena *arena, const void *data, size_t size)
{
    if (size == SIZE_MAX)
        return NULL;
    char *copy = alloc_at(arena, 0, size + 1);
    if (!copy)
        return NULL;
    if (size > 0)
        memcpy(copy, data, size);
    copy[size] = '\0';
    return copy;
}
