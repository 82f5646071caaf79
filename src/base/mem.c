/*
 * mem.c -- allocation with counters and injected failures, and budgets.
 *
 * Counters are split over a few cache lines, one chosen per thread, so that counting never makes
 * threads wait for each other; a block freed by another thread than its maker makes one shard
 * negative and the sum stays right. Failure injection costs one relaxed load while it is off.
 */
#include "base/mem.h"

#include <inttypes.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define ALIGNMENT 64u
#define SLACK_BYTES 64u
#define SHARDS 16u
#define HUGE_PAGE_BYTES ((uintptr_t)2 << 20)

static struct counter_shard {
    _Alignas(64) _Atomic uint64_t live_bytes; /* modulo 2^64: only the sum means something */
    _Atomic uint64_t allocations;
} shards[SHARDS];

static _Atomic uint64_t fail_countdown; /* 0: off; 1: the next allocation fails */
static _Atomic bool fail_forever;

static struct counter_shard *shard_of_thread(void)
{
    static _Atomic uint32_t threads_seen;
    static _Thread_local struct counter_shard *mine;
    if (!mine)
        mine = &shards[atomic_fetch_add_explicit(&threads_seen, 1, memory_order_relaxed) % SHARDS];
    return mine;
}

static void *count_alive(void *ptr)
{
    if (ptr) {
        struct counter_shard *shard = shard_of_thread();
        atomic_fetch_add_explicit(&shard->live_bytes, malloc_usable_size(ptr),
                                  memory_order_relaxed);
        atomic_fetch_add_explicit(&shard->allocations, 1, memory_order_relaxed);
    }
    return ptr;
}

static void count_dead(size_t usable_bytes)
{
    atomic_fetch_sub_explicit(&shard_of_thread()->live_bytes, usable_bytes, memory_order_relaxed);
}

/* Large blocks on huge pages: first touching 4 KB after 4 KB costs more than most uses of them. */
static void *advise_huge(void *ptr, size_t size)
{
#ifdef MADV_HUGEPAGE
    if (ptr && size >= 2 * HUGE_PAGE_BYTES) {
        uintptr_t begin = ((uintptr_t)ptr + HUGE_PAGE_BYTES - 1) / HUGE_PAGE_BYTES;
        uintptr_t end = ((uintptr_t)ptr + size) / HUGE_PAGE_BYTES;
        madvise((void *)(begin * HUGE_PAGE_BYTES), (end - begin) * HUGE_PAGE_BYTES, MADV_HUGEPAGE);
    }
#else
    YODA_UNUSED(size);
#endif
    return ptr;
}

static bool failure_due(void)
{
    uint64_t left = atomic_load_explicit(&fail_countdown, memory_order_relaxed);
    while (left != 0) {
        if (left == 1 && atomic_load_explicit(&fail_forever, memory_order_relaxed))
            return true;
        if (atomic_compare_exchange_weak(&fail_countdown, &left, left - 1))
            return left == 1;
    }
    return false;
}

void *mem_alloc(size_t size)
{
    ASSERT(size > 0);
    return failure_due() ? NULL : count_alive(malloc(size));
}

void *mem_calloc(size_t count, size_t size)
{
    ASSERT(count > 0 && size > 0);
    if (count > (size_t)PTRDIFF_MAX / size || failure_due())
        return NULL;
    return count_alive(advise_huge(calloc(count, size), count * size));
}

void *mem_realloc(void *ptr, size_t size)
{
    ASSERT(size > 0);
    if (failure_due())
        return NULL;
    size_t old_bytes = ptr ? malloc_usable_size(ptr) : 0;
    void *grown = realloc(ptr, size);
    if (grown)
        count_dead(old_bytes);
    return count_alive(grown);
}

char *mem_strdup(const char *text)
{
    return mem_strndup(text, strlen(text));
}

char *mem_strndup(const char *text, size_t length)
{
    ASSERT(length < (size_t)PTRDIFF_MAX);
    char *copy = mem_alloc(length + 1);
    if (!copy)
        return NULL;
    if (length > 0)
        memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

void *mem_alloc_aligned(size_t size)
{
    if (size > (size_t)PTRDIFF_MAX - ALIGNMENT - SLACK_BYTES || failure_due())
        return NULL;
    size_t padded = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT + SLACK_BYTES;
    char *ptr = advise_huge(aligned_alloc(ALIGNMENT, padded), padded);
    /* Kernels load whole vectors past the end: let them find the same bytes on every run. */
    if (ptr)
        memset(ptr + size, 0, padded - size);
    return count_alive(ptr);
}

void mem_free_aligned(void *ptr)
{
    mem_free(ptr);
}

void mem_free(void *ptr)
{
    if (!ptr)
        return;
    count_dead(malloc_usable_size(ptr));
    free(ptr);
}

void mem_trim(void)
{
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

void mem_fail_after(uint64_t n, bool forever)
{
    atomic_store(&fail_forever, forever);
    atomic_store(&fail_countdown, n);
}

uint64_t mem_live_bytes(void)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < SHARDS; i++)
        sum += atomic_load_explicit(&shards[i].live_bytes, memory_order_relaxed);
    return sum;
}

uint64_t mem_allocations(void)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < SHARDS; i++)
        sum += atomic_load_explicit(&shards[i].allocations, memory_order_relaxed);
    return sum;
}

void mem_budget_init(struct mem_budget *budget, struct mem_budget *parent, uint64_t limit_bytes)
{
    ASSERT(parent != budget);
    budget->parent = parent;
    budget->limit_bytes = limit_bytes;
    atomic_init(&budget->used_bytes, 0);
}

/* Compare-and-swap rather than add-and-undo: a charge that fails must not make others fail. */
static bool charge_one(struct mem_budget *budget, uint64_t bytes)
{
    uint64_t used = atomic_load_explicit(&budget->used_bytes, memory_order_relaxed);
    do {
        uint64_t limit = budget->limit_bytes ? budget->limit_bytes : UINT64_MAX;
        if (bytes > limit || used > limit - bytes)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&budget->used_bytes, &used, used + bytes,
                                                    memory_order_relaxed, memory_order_relaxed));
    return true;
}

static void release_until(struct mem_budget *budget, const struct mem_budget *end, uint64_t bytes)
{
    for (; budget != end; budget = budget->parent) {
        uint64_t before =
            atomic_fetch_sub_explicit(&budget->used_bytes, bytes, memory_order_relaxed);
        ASSERT(before >= bytes);
        YODA_UNUSED(before);
    }
}

yoda_status mem_budget_charge(struct mem_budget *budget, uint64_t bytes, yoda_error *err)
{
    for (struct mem_budget *level = budget; level; level = level->parent) {
        if (charge_one(level, bytes))
            continue;
        release_until(budget, level, bytes);
        return fail(err, YODA_NOMEM,
                    "memory budget of %" PRIu64 " bytes is used up: %" PRIu64 " in use, %" PRIu64
                    " more wanted",
                    level->limit_bytes,
                    atomic_load_explicit(&level->used_bytes, memory_order_relaxed), bytes);
    }
    return YODA_OK;
}

void mem_budget_release(struct mem_budget *budget, uint64_t bytes)
{
    release_until(budget, NULL, bytes);
}
