/* test_mem.c -- mem, arena and buffer: counting, injected failures, budgets, slack, growth. */
#include "test.h"

#include "base/arena.h"
#include "base/buffer.h"

static void test_counts_and_failures(void **state)
{
    (void)state;
    uint64_t live = mem_live_bytes(), made = mem_allocations();
    char *p = mem_alloc(100);
    assert_non_null(p);
    assert_true(mem_live_bytes() >= live + 100);
    assert_int_equal(mem_allocations(), made + 1);
    mem_fail_after(2, false);
    char *q = mem_strdup("abc");
    assert_string_equal(q, "abc");
    assert_null(mem_realloc(p, 1000));
    p[99] = 1; /* still valid */
    p = mem_realloc(p, 1000);
    assert_non_null(p);
    mem_fail_after(1, true);
    assert_null(mem_alloc(1));
    assert_null(mem_calloc(1, 1));
    assert_null(mem_alloc_aligned(1));
    mem_fail_after(0, false);
    mem_free(p);
    mem_free(q);
    mem_free(NULL);
    assert_null(mem_calloc(SIZE_MAX / 2, 3));
    assert_int_equal(mem_live_bytes(), live);
}

static void test_aligned_slack(void **state)
{
    (void)state;
    for (size_t size = 0; size < 200; size++) {
        uint8_t *p = mem_alloc_aligned(size);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 64, 0);
        for (size_t i = 0; i < 64; i++)
            assert_int_equal(p[size + i], 0);
        mem_free_aligned(p);
    }
}

static void test_budget_chain(void **state)
{
    (void)state;
    yoda_error err;
    struct mem_budget engine, query, other;
    mem_budget_init(&engine, NULL, 1000);
    mem_budget_init(&query, &engine, 0);
    mem_budget_init(&other, &engine, 300);
    OK(mem_budget_charge(&query, 800, &err));
    FAILS(YODA_NOMEM, mem_budget_charge(&other, 301, &err));
    assert_non_null(strstr(err.message, "300"));
    FAILS(YODA_NOMEM, mem_budget_charge(&other, 250, &err));
    assert_non_null(strstr(err.message, "1000"));
    assert_int_equal(other.used_bytes, 0);
    assert_int_equal(engine.used_bytes, 800);
    FAILS(YODA_NOMEM, mem_budget_charge(&query, UINT64_MAX, &err));
    mem_budget_release(&query, 800);
    OK(mem_budget_charge(&other, 300, &err));
    mem_budget_release(&other, 300);
    OK(mem_budget_charge(NULL, UINT64_MAX, &err));
    mem_budget_release(NULL, UINT64_MAX);
    assert_int_equal(engine.used_bytes, 0);
}

/* Random sizes: every piece keeps its own bytes, is aligned, and 64 bytes behind it can be read. */
static void test_arena_random(void **state)
{
    (void)state;
    uint64_t seed = test_seed(), live = mem_live_bytes();
    struct mem_budget budget;
    mem_budget_init(&budget, NULL, 0);
    struct arena arena;
    arena_init(&arena, &budget);
    for (int round = 0; round < 3; round++) {
        static uint8_t *pieces[2000];
        static size_t sizes[2000];
        for (size_t i = 0; i < 2000; i++) {
            sizes[i] = test_random(&seed) % (test_random(&seed) % 50 ? 300 : 40000);
            bool copy = test_random(&seed) % 4 == 0;
            pieces[i] = copy ? (uint8_t *)arena_copy(&arena, "", 0) : arena_alloc(&arena, sizes[i]);
            assert_non_null(pieces[i]);
            if (copy)
                sizes[i] = 1;
            else
                assert_int_equal((uintptr_t)pieces[i] % 16, 0);
            memset(pieces[i], (int)(i & 255), sizes[i]);
        }
        for (size_t i = 0; i < 2000; i++) {
            for (size_t j = 0; j < sizes[i]; j++)
                assert_int_equal(pieces[i][j], i & 255);
            volatile uint8_t sum = 0;
            for (size_t j = 0; j < 64; j++)
                sum = (uint8_t)(sum + pieces[i][sizes[i] + j]);
        }
        assert_int_equal(budget.used_bytes, arena.charged_bytes);
        arena_reset(&arena);
        assert_int_equal(budget.used_bytes, arena.charged_bytes);
    }
    arena_deinit(&arena);
    assert_int_equal(budget.used_bytes, 0);
    assert_int_equal(mem_live_bytes(), live);
}

static void test_arena_limits(void **state)
{
    (void)state;
    struct mem_budget budget;
    mem_budget_init(&budget, NULL, 10000);
    struct arena arena;
    arena_init(&arena, &budget);
    assert_non_null(arena_alloc(&arena, 0));
    uint64_t *zeros = arena_array(&arena, uint64_t, 100);
    for (int i = 0; i < 100; i++)
        assert_int_equal(zeros[i], 0);
    assert_string_equal(arena_copy(&arena, "texts", 4), "text");
    assert_null(arena_alloc(&arena, 9000));
    assert_null(arena_alloc(&arena, SIZE_MAX));
    assert_null(arena_calloc(&arena, SIZE_MAX / 4, 8));
    mem_fail_after(1, false);
    assert_null(arena_alloc(&arena, 4000));
    assert_int_equal(mem_allocations() > 0, 1);
    assert_non_null(arena_alloc(&arena, 4000));
    arena_deinit(&arena);
    assert_int_equal(budget.used_bytes, 0);
}

/* Marks nest: what was there at a mark stays as it was, what came after is given back. */
static void check_marks(struct arena *arena, uint64_t *seed, int depth)
{
    uint8_t *kept = arena_alloc(arena, 100);
    memset(kept, depth, 100);
    for (int round = 0; round < 3; round++) {
        struct arena_mark mark = arena_mark(arena);
        uint64_t charged = arena->charged_bytes;
        for (int i = 0; i < 12; i++) {
            size_t size = test_random(seed) % (i % 4 == 3 ? 300000 : 3000);
            memset(arena_alloc(arena, size), 0xee, size);
        }
        if (depth < 4)
            check_marks(arena, seed, depth + 1);
        arena_rewind(arena, mark);
        /* one block may stay for the next round */
        assert_true(arena->charged_bytes <= charged + (UINT64_C(3) << 20));
        for (int i = 0; i < 100; i++)
            assert_int_equal(kept[i], depth);
    }
}

static void test_arena_marks(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    struct mem_budget budget;
    mem_budget_init(&budget, NULL, 0);
    struct arena arena;
    arena_init(&arena, &budget);
    struct arena_mark empty = arena_mark(&arena);
    check_marks(&arena, &seed, 0);
    uint64_t charged = 0;
    for (int i = 0; i < 100; i++) { /* the same again and again takes no more */
        struct arena_mark mark = arena_mark(&arena);
        for (int j = 0; j < 50; j++)
            assert_non_null(arena_alloc(&arena, 1000 * (size_t)j));
        arena_rewind(&arena, mark);
        if (i == 1)
            charged = arena.charged_bytes;
        assert_true(i < 2 || arena.charged_bytes == charged);
        assert_int_equal(budget.used_bytes, arena.charged_bytes);
    }
    arena_rewind(&arena, empty);
    assert_int_equal(budget.used_bytes, arena.charged_bytes);
    arena_deinit(&arena);
    assert_int_equal(budget.used_bytes, 0);
}

static void test_buffer(void **state)
{
    (void)state;
    yoda_error err;
    uint64_t live = mem_live_bytes();
    struct mem_budget budget;
    mem_budget_init(&budget, NULL, 100000);
    struct buffer *b;
    OK(buffer_create(100, &budget, &b, &err));
    memset(b->data, 7, 100);
    OK(buffer_reserve(b, 101, &err));
    assert_true(b->capacity >= 200 && b->size == 100);
    assert_int_equal((uintptr_t)b->data % 64, 0);
    for (int i = 0; i < 100; i++)
        assert_int_equal(b->data[i], 7);
    assert_int_equal(budget.used_bytes, b->capacity);
    FAILS(YODA_NOMEM, buffer_reserve(b, 200000, &err));
    FAILS(YODA_NOMEM, buffer_reserve(b, SIZE_MAX, &err));
    mem_fail_after(1, false);
    FAILS(YODA_NOMEM, buffer_reserve(b, 5000, &err));
    assert_int_equal(budget.used_bytes, b->capacity);
    assert_ptr_equal(buffer_acquire(b), b);
    buffer_release(b);
    assert_int_equal(b->data[99], 7);
    buffer_release(b);
    buffer_release(buffer_acquire(NULL));
    for (uint64_t n = 1; n <= 2; n++) { /* a small one is one allocation */
        mem_fail_after(n, false);
        FAILS(YODA_NOMEM, buffer_create(n == 1 ? 10 : 10000, &budget, &b, &err));
        assert_null(b);
    }
    for (size_t size = 0; size < 600; size += 7) {
        OK(buffer_create(size, &budget, &b, &err));
        assert_int_equal((uintptr_t)b->data % 64, 0);
        memset(b->data, 9, size);
        for (size_t i = 0; i < 64; i++)
            assert_int_equal(b->data[size + i], 0);
        OK(buffer_reserve(b, size + 1, &err));
        assert_int_equal(b->data[size / 2], size ? 9 : b->data[0]);
        buffer_release(b);
    }
    assert_int_equal(budget.used_bytes, 0);
    assert_int_equal(mem_live_bytes(), live);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts_and_failures), cmocka_unit_test(test_aligned_slack),
        cmocka_unit_test(test_budget_chain),        cmocka_unit_test(test_arena_random),
        cmocka_unit_test(test_arena_limits),        cmocka_unit_test(test_arena_marks),
        cmocka_unit_test(test_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
