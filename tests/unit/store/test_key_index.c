/*
 * test_key_index.c -- the key index against a plain array of (key, row id), all three kinds.
 */
#include "test.h"

#include "base/hash.h"
#include "olap/store/key_index.h"

#define UNIVERSE 6000
#define FRESH 100000 /* row ids are below FRESH * UNIVERSE */

struct model {
    uint64_t keys[UNIVERSE]; /* distinct, or hashes that collide on purpose */
    uint32_t rids[UNIVERSE]; /* ROW_ID_NONE: absent */
    uint64_t count;
};

/* HASH: row id r belongs to universe number r % UNIVERSE. */
static yoda_status same_number(void *ctx, uint32_t rid, bool *same, yoda_error *err)
{
    YODA_UNUSED(err);
    *same = rid % UNIVERSE == *(const uint32_t *)ctx;
    return YODA_OK;
}

static void check_all(const struct key_index *index, const struct model *m, bool verify)
{
    yoda_error err;
    assert_int_equal(index->count, m->count);
    for (uint32_t u = 0; u < UNIVERSE; u++) {
        struct key_match match = {.same = same_number, .ctx = &u};
        uint64_t slot = 0;
        uint32_t rid = 0;
        OK(key_index_find(index, m->keys[u], verify ? &match : NULL, &slot, &rid, &err));
        assert_int_equal(rid, m->rids[u]);
    }
}

static void step(struct key_index *index, struct model *m, bool verify, uint64_t *seed)
{
    yoda_error err;
    uint32_t u = (uint32_t)(test_random(seed) % UNIVERSE), rid = 0;
    struct key_match match = {.same = same_number, .ctx = &u};
    uint64_t slot = 0, choice = test_random(seed) % 8;
    uint32_t fresh = (uint32_t)(test_random(seed) % FRESH) * UNIVERSE + u;
    if (choice < 5)
        OK(key_index_reserve(index, m->keys[u], &err));
    OK(key_index_find(index, m->keys[u], verify ? &match : NULL, &slot, &rid, &err));
    assert_int_equal(rid, m->rids[u]);
    if (choice < 5) {
        key_index_put(index, slot, m->keys[u], fresh);
        m->count += m->rids[u] == ROW_ID_NONE;
        m->rids[u] = fresh;
    } else if (choice < 7 && rid != ROW_ID_NONE) {
        key_index_remove(index, slot);
        m->rids[u] = ROW_ID_NONE;
        m->count--;
    } else if (rid != ROW_ID_NONE) {
        assert_false(key_index_move(index, m->keys[u], rid + FRESH * UNIVERSE, fresh));
        assert_true(key_index_move(index, m->keys[u], rid, fresh));
        m->rids[u] = fresh;
    }
}

static void run(struct model *m, bool int_keys, enum key_index_kind end, uint64_t seed)
{
    struct mem_budget budget;
    struct key_index index;
    mem_budget_init(&budget, NULL, 0);
    key_index_init(&index, int_keys, &budget);
    for (uint32_t u = 0; u < UNIVERSE; u++)
        m->rids[u] = ROW_ID_NONE;
    m->count = 0;
    for (int i = 0; i < 60000; i++)
        step(&index, m, !int_keys, &seed);
    check_all(&index, m, !int_keys);
    assert_int_equal(index.kind, end);
    assert_int_equal(budget.used_bytes, key_index_bytes(&index));
    key_index_deinit(&index);
    assert_int_equal(budget.used_bytes, 0);
}

static void test_random_histories(void **state)
{
    static struct model m;
    uint64_t seed = test_seed();
    YODA_UNUSED(state);
    for (uint32_t u = 0; u < UNIVERSE; u++)
        m.keys[u] = u;
    run(&m, true, KEY_INDEX_DENSE, test_random(&seed));
    for (uint32_t u = 0; u < UNIVERSE; u++)
        m.keys[u] = (uint64_t)(-3000 + (int64_t)u * 2);
    run(&m, true, KEY_INDEX_DENSE, test_random(&seed));
    for (uint32_t u = 0; u < UNIVERSE; u++)
        m.keys[u] = u % 2 ? (uint64_t)INT64_MAX - u : (uint64_t)INT64_MIN + u;
    run(&m, true, KEY_INDEX_INT, test_random(&seed));
    for (uint32_t u = 0; u < UNIVERSE; u++)
        m.keys[u] = hash_u64(u + 1);
    run(&m, true, KEY_INDEX_INT, test_random(&seed));
    for (uint32_t u = 0; u < UNIVERSE; u++)
        m.keys[u] = hash_u64(u / 3); /* three keys with one hash */
    run(&m, false, KEY_INDEX_HASH, test_random(&seed));
}

static void test_dense_at_the_edges(void **state)
{
    struct key_index index;
    yoda_error err;
    const int64_t starts[] = {INT64_MIN, INT64_MAX - 4000, -2000};
    YODA_UNUSED(state);
    for (size_t s = 0; s < COUNT_OF(starts); s++) {
        key_index_init(&index, true, NULL);
        for (uint32_t i = 0; i <= 4000; i++) {
            uint64_t key = (uint64_t)starts[s] + (s == 1 ? 4000 - i : i), slot = 0;
            uint32_t rid = 0;
            OK(key_index_reserve(&index, key, &err));
            OK(key_index_find(&index, key, NULL, &slot, &rid, &err));
            assert_int_equal(rid, ROW_ID_NONE);
            key_index_put(&index, slot, key, i);
        }
        assert_int_equal(index.kind, KEY_INDEX_DENSE);
        assert_int_equal(index.count, 4001);
        key_index_deinit(&index);
    }
}

static void test_prepare(void **state)
{
    struct key_index index;
    yoda_error err;
    YODA_UNUSED(state);
    key_index_init(&index, true, NULL);
    OK(key_index_prepare(&index, 1000000, -5, 3999990, &err));
    assert_int_equal(index.kind, KEY_INDEX_DENSE);
    key_index_deinit(&index);
    OK(key_index_prepare(&index, 1000, INT64_MIN, INT64_MAX, &err));
    assert_int_equal(index.kind, KEY_INDEX_INT);
    uint64_t capacity = index.capacity;
    assert_true(capacity >= 1000);
    key_index_deinit(&index);
    OK(key_index_prepare(&index, 0, 0, 0, &err));
    assert_int_equal(index.capacity, 0);
    key_index_deinit(&index);
}

static void test_failed_allocation(void **state)
{
    struct key_index index;
    yoda_error err;
    YODA_UNUSED(state);
    for (int int_keys = 0; int_keys < 2; int_keys++) {
        key_index_init(&index, int_keys, NULL);
        mem_fail_after(1, false);
        FAILS(YODA_NOMEM, key_index_reserve(&index, 7, &err));
        mem_fail_after(0, false);
        assert_int_equal(index.capacity, 0);
        OK(key_index_reserve(&index, 7, &err));
        key_index_deinit(&index);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_histories),
        cmocka_unit_test(test_dense_at_the_edges),
        cmocka_unit_test(test_prepare),
        cmocka_unit_test(test_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
