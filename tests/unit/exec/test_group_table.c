/*
 * test_group_table.c -- keys of one word: dense, hashed, NULL, the ends of the integers; merging and
 * splitting. The oracle: a row's group has the row's key, and no two groups have the same.
 */
#include "test.h"

#include "olap/exec/group_table.h"

#define BATCHES 30

struct keys {
    struct group_table table;
    struct mem_budget budget;
    struct arena scratch;
    bool null_seen;
};

/* Keys in shapes that stay dense, that grow either way, and that do not fit an array. */
static int64_t random_key(int shape, int batch, uint64_t *seed)
{
    uint64_t r = test_random(seed);
    switch (shape) {
    case 0: /* a small range */
        return (int64_t)(r % 5000) - 2500;
    case 1: /* clustered, upward */
        return (int64_t)batch * 100000 + (int64_t)(r % 3000);
    case 2: /* clustered, downward to the least integer */
        return INT64_MIN + (int64_t)(BATCHES - 1 - batch) * 50000 + (int64_t)(r % 3000);
    case 3: /* up to the greatest */
        return INT64_MAX - (int64_t)(BATCHES - 1 - batch) * 50000 - (int64_t)(r % 3000);
    case 4: /* everything */
        return (int64_t)r;
    default: /* dense at first, then both ends */
        return batch < 10 ? (int64_t)(r % 1000) : r % 3 ? INT64_MIN + (int64_t)(r % 7) : INT64_MAX;
    }
}

static void check_batch(struct keys *k, const int64_t *data, const uint64_t *nulls, uint32_t rows,
                        const uint32_t *ids)
{
    yoda_error err;
    struct vector kept;
    OK(group_table_keys(&k->table, 0, 0, k->table.count, &k->scratch, &kept, &err));
    for (uint32_t i = 0; i < rows; i++) {
        assert_true(ids[i] < k->table.count);
        bool null = nulls && bit_get(nulls, i);
        assert_int_equal(vector_is_null(&kept, ids[i]), null);
        if (!null)
            assert_true(((const int64_t *)kept.data)[ids[i]] == data[i]);
    }
}

static int by_word(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void check_distinct(struct keys *k)
{
    yoda_error err;
    struct vector kept;
    uint32_t count = k->table.count, n = 0;
    int64_t *words = malloc((count + 1) * sizeof *words);
    OK(group_table_keys(&k->table, 0, 0, count, &k->scratch, &kept, &err));
    for (uint32_t i = 0; i < count; i++)
        if (!vector_is_null(&kept, i))
            words[n++] = ((const int64_t *)kept.data)[i];
    assert_true(count - n <= 1 && (count > n) == k->null_seen);
    qsort(words, n, sizeof *words, by_word);
    for (uint32_t i = 1; i < n; i++)
        assert_true(words[i - 1] < words[i]);
    free(words);
}

static void fill(struct keys *k, int shape, bool nullable, uint64_t *seed)
{
    yoda_error err;
    int64_t data[VECTOR_ROWS];
    uint64_t nulls[VECTOR_WORDS];
    uint32_t ids[VECTOR_ROWS];
    const struct group_key key = {VT_INT, COLLATE_BINARY};
    mem_budget_init(&k->budget, NULL, 0);
    arena_init(&k->scratch, NULL);
    OK(group_table_init(&k->table, &key, 1, GROUP_STRICT, &k->budget, &err));
    for (int b = 0; b < BATCHES; b++) {
        uint32_t rows = 1 + (uint32_t)(test_random(seed) % VECTOR_ROWS);
        memset(nulls, 0, sizeof nulls);
        for (uint32_t i = 0; i < rows; i++) {
            data[i] = random_key(shape, b, seed);
            if (nullable && (i == 0 || test_random(seed) % 9 == 0))
                bit_set(nulls, i), k->null_seen = true;
        }
        struct vector v = {.type = VT_INT, .form = VF_FLAT, .count = rows, .data = data,
                           .nulls = nullable ? nulls : NULL};
        OK(group_table_find(&k->table, &v, rows, NULL, &k->scratch, ids, &err));
        check_batch(k, data, v.nulls, rows, ids);
        arena_reset(&k->scratch);
    }
    check_distinct(k);
}

static void drop(struct keys *k)
{
    group_table_deinit(&k->table);
    arena_deinit(&k->scratch);
    assert_int_equal(atomic_load(&k->budget.used_bytes), 0);
}

static void test_words(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    for (int shape = 0; shape < 6; shape++) {
        for (int nullable = 0; nullable < 2; nullable++) {
            struct keys k = {0};
            fill(&k, shape, nullable, &seed);
            drop(&k);
        }
    }
}

/* Merging what every table has, part by part, gives each key once and in the part it belongs to. */
static void test_merge_parts(void **state)
{
    (void)state;
    yoda_error err;
    uint64_t seed = test_seed();
    for (int shape = 0; shape < 6; shape++) {
        struct keys k[2] = {{.null_seen = false}, {.null_seen = false}};
        struct group_split split;
        uint32_t merged = 0;
        fill(&k[0], shape, true, &seed);
        fill(&k[1], (shape + (int)(seed % 2)) % 6, true, &seed);
        const struct group_table *tables[2] = {&k[0].table, &k[1].table};
        struct keys all = {.null_seen = true};
        mem_budget_init(&all.budget, NULL, 0);
        arena_init(&all.scratch, NULL);
        const struct group_key key = {VT_INT, COLLATE_BINARY};
        OK(group_table_init(&all.table, &key, 1, GROUP_STRICT, &all.budget, &err));
        group_split_choose(tables, 2, 16, &split);
        uint8_t *parts[2];
        for (int t = 0; t < 2; t++) {
            parts[t] = malloc(k[t].table.count);
            group_table_split(&k[t].table, &split, parts[t]);
        }
        for (uint32_t p = 0; p < 16; p++) {
            for (int t = 0; t < 2; t++) {
                uint32_t n = 0, *ids = malloc((k[t].table.count + 1) * 2 * sizeof *ids);
                for (uint32_t id = 0; id < k[t].table.count; id++)
                    if (parts[t][id] == p)
                        ids[n++] = id;
                OK(group_table_merge(&all.table, &k[t].table, ids, n, ids + k[t].table.count,
                                     &err));
                free(ids);
                merged += n;
            }
        }
        assert_int_equal(merged, k[0].table.count + k[1].table.count); /* parts are below 16 */
        assert_true(all.table.count <= merged && all.table.count >= k[0].table.count);
        check_distinct(&all);
        for (int t = 0; t < 2; t++) {
            free(parts[t]);
            drop(&k[t]);
        }
        drop(&all);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_merge_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
