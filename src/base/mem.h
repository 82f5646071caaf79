/*
 * mem.h -- the one seam for memory.
 *
 * Every allocation of the engine goes through here, so that tests can fail the n-th one
 * (mem_fail_after) and count what is alive (mem_live_bytes). SQLite keeps its own allocator.
 *
 * A budget is a shared limit in bytes that large consumers (results, aggregates, sorts, open
 * segments) charge before they allocate. Budgets form a chain: a query's charges also its engine's.
 */
#ifndef YODA_BASE_MEM_H
#define YODA_BASE_MEM_H

#include "base/status.h"

#include <stdatomic.h>

/* Allocate / grow / free. NULL where memory is short or the injected failure hits. size > 0. */
YODA_MUST_CHECK void *mem_alloc(size_t size);
YODA_MUST_CHECK void *mem_calloc(size_t count, size_t size); /* zeroed; overflow-checked */
YODA_MUST_CHECK void *mem_realloc(void *ptr, size_t size);   /* on failure ptr stays valid */
YODA_MUST_CHECK char *mem_strdup(const char *text);
YODA_MUST_CHECK char *mem_strndup(const char *text, size_t length);
/* 64-byte aligned, with 64 bytes of readable slack after size. Freed by mem_free_aligned. */
YODA_MUST_CHECK void *mem_alloc_aligned(size_t size);
void mem_free_aligned(void *ptr);
void mem_free(void *ptr);
/* Give free memory back to the system, where the C library keeps it. Cost: a millisecond or so;
 * worth it after much was freed. */
void mem_trim(void);

/* Tests: fail the n-th allocation from now (1 = next; 0 = never), once or for ever. */
void mem_fail_after(uint64_t n, bool forever);
/* Bytes alive (approximate: malloc_usable_size) and allocations made since start. */
uint64_t mem_live_bytes(void);
uint64_t mem_allocations(void);

struct mem_budget {
    struct mem_budget *parent; /* may be NULL */
    uint64_t limit_bytes;      /* 0: none     */
    _Atomic uint64_t used_bytes;
};
void mem_budget_init(struct mem_budget *budget, struct mem_budget *parent, uint64_t limit_bytes);
/* Errors: YODA_NOMEM naming the limit, nothing charged. budget NULL: always OK. Threads: any. */
YODA_MUST_CHECK yoda_status mem_budget_charge(struct mem_budget *budget, uint64_t bytes,
                                              yoda_error *err);
void mem_budget_release(struct mem_budget *budget, uint64_t bytes);

#endif
