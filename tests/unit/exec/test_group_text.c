/*
 * test_group_text.c -- groups by one text: as it lies, by dictionaries, folded. The oracle: rows
 * have the same group exactly if their texts are equal.
 */
#include "test.h"

#include "base/str.h"
#include "olap/exec/group_table.h"

#include <strings.h>

#define WORDS 3000

struct texts {
    struct group_table table;
    struct mem_budget budget;
    struct arena scratch;
    enum collation collation;
    char bytes[WORDS][100];
    struct strref words[WORDS]; /* sorted by memcmp */
    uint32_t ids[WORDS];        /* UINT32_MAX: not met yet */
    uint32_t null_id;
};

static int by_bytes(const void *a, const void *b)
{
    const struct strref *x = a, *y = b;
    return text_compare(x->ptr, x->size, y->ptr, y->size, COLLATE_BINARY);
}

/* All lengths up to 99; close neighbours, some of which NOCASE makes equal. */
static void make_texts(struct texts *t, enum collation collation, uint64_t *seed)
{
    yoda_error err;
    const struct group_key key = {VT_TEXT, collation};
    mem_budget_init(&t->budget, NULL, 0);
    arena_init(&t->scratch, NULL);
    t->collation = collation;
    t->null_id = UINT32_MAX;
    for (uint32_t i = 0; i < WORDS; i++) {
        uint32_t size = i / 2 % 100, number = i / 200 * 2 + i % 2;
        memset(t->bytes[i], 'a', sizeof t->bytes[i]);
        for (uint32_t d = 0; d < 5 && d < size; d++, number /= 4) {
            uint32_t at = d * 7919 % size; /* differences at both ends and between */
            t->bytes[i][at] = "aBcd"[number % 4];
        }
        if (size && test_random(seed) % 2)
            t->bytes[i][size - 1] ^= 0x20;
        t->words[i] = (struct strref){t->bytes[i], size};
        t->ids[i] = UINT32_MAX;
    }
    qsort(t->words, WORDS, sizeof *t->words, by_bytes);
    OK(group_table_init(&t->table, &key, 1, collation ? GROUP_FOLD : GROUP_STRICT, &t->budget,
                        &err));
}

static void drop_texts(struct texts *t)
{
    group_table_deinit(&t->table);
    arena_deinit(&t->scratch);
    assert_int_equal(atomic_load(&t->budget.used_bytes), 0);
}

static bool equal(const struct texts *t, uint32_t a, uint32_t b)
{
    return text_compare(t->words[a].ptr, t->words[a].size, t->words[b].ptr, t->words[b].size,
                        t->collation) == 0;
}

/* Words of one text have one group, which no other text has. */
static void check_all(const struct texts *t)
{
    uint32_t *owner = malloc((t->table.count + 1) * sizeof *owner);
    memset(owner, 0xff, (t->table.count + 1) * sizeof *owner);
    for (uint32_t w = 0; w < WORDS; w++) {
        uint32_t id = t->ids[w];
        if (id == UINT32_MAX)
            continue;
        assert_true(id < t->table.count && id != t->null_id);
        if (owner[id] == UINT32_MAX)
            owner[id] = w;
        assert_true(equal(t, owner[id], w));
    }
    for (uint32_t id = 0; id < t->table.count; id++)
        assert_true((owner[id] == UINT32_MAX) == (id == t->null_id));
    for (uint32_t a = 0; a < WORDS; a += 7)
        for (uint32_t b = a; b < WORDS; b++)
            if (t->ids[a] != UINT32_MAX && t->ids[b] != UINT32_MAX)
                assert_true(equal(t, a, b) == (t->ids[a] == t->ids[b]));
    free(owner);
}

/* Row i is word at[i], NULL where at[i] is WORDS; dead rows are not looked at. */
static void look_up(struct texts *t, const struct vector *v, const uint32_t *at,
                    const uint64_t *alive)
{
    yoda_error err;
    uint32_t ids[VECTOR_ROWS];
    OK(group_table_find(&t->table, v, v->count, alive, &t->scratch, ids, &err));
    for (uint32_t i = 0; i < v->count; i++) {
        if (alive && !bit_get(alive, i))
            continue;
        uint32_t *id = at[i] == WORDS ? &t->null_id : &t->ids[at[i]];
        if (*id == UINT32_MAX)
            *id = ids[i];
        assert_int_equal(*id, ids[i]);
    }
    arena_reset(&t->scratch);
}

static void flat_batch(struct texts *t, bool sorted, bool nullable, uint64_t *seed)
{
    struct strref refs[VECTOR_ROWS];
    uint64_t nulls[VECTOR_WORDS] = {0};
    uint32_t at[VECTOR_ROWS], rows = 1 + (uint32_t)(test_random(seed) % VECTOR_ROWS);
    uint32_t first = (uint32_t)(test_random(seed) % WORDS);
    for (uint32_t i = 0; i < rows; i++) {
        uint32_t skipped = (uint32_t)(test_random(seed) % 40 == 0);
        at[i] = sorted ? (first + i + skipped) % WORDS : (uint32_t)(test_random(seed) % WORDS);
        if (nullable && test_random(seed) % 5 == 0)
            at[i] = WORDS, bit_set(nulls, i);
        refs[i] = at[i] == WORDS ? (struct strref){NULL, 0} : t->words[at[i]];
    }
    struct vector v = {.type = VT_TEXT, .form = VF_FLAT, .count = rows, .data = refs,
                       .nulls = nullable ? nulls : NULL};
    look_up(t, &v, at, NULL);
}

/* Codes of some of the words; what is dead must make no group. */
static void dict_batch(struct texts *t, const struct dict *dict, const uint32_t *words, bool alive,
                       bool nullable, uint64_t *seed)
{
    uint16_t codes[VECTOR_ROWS + 32];
    uint64_t nulls[VECTOR_WORDS] = {0}, living[VECTOR_WORDS] = {0};
    uint32_t at[VECTOR_ROWS], rows = 1 + (uint32_t)(test_random(seed) % VECTOR_ROWS);
    for (uint32_t i = 0; i < rows; i++) {
        codes[i] = (uint16_t)(test_random(seed) % dict->count);
        at[i] = words[codes[i]];
        if (nullable && test_random(seed) % 5 == 0)
            at[i] = WORDS, bit_set(nulls, i);
        if (test_random(seed) % 3)
            bit_set(living, i);
    }
    struct vector v = {.type = VT_TEXT, .form = VF_DICT, .code_width = 2, .count = rows,
                       .data = codes, .dict = dict, .nulls = nullable ? nulls : NULL};
    look_up(t, &v, at, alive ? living : NULL);
}

static void dict_batches(struct texts *t, uint64_t *seed)
{
    static uint64_t dict_id;
    struct strref values[WORDS];
    uint32_t words[WORDS], count = 0, one_in = 1 + (uint32_t)(test_random(seed) % 20);
    for (uint32_t w = 0; w < WORDS; w++)
        if (test_random(seed) % one_in == 0)
            words[count] = w, values[count++] = t->words[w];
    if (!count)
        return;
    struct dict dict = {.id = ++dict_id, .count = count, .values = values};
    for (int b = 0; b < 4; b++)
        dict_batch(t, &dict, words, test_random(seed) % 2, test_random(seed) % 3 == 0, seed);
}

static void test_texts(void **state)
{
    (void)state;
    static const enum collation collations[] = {COLLATE_BINARY, COLLATE_NOCASE, COLLATE_RTRIM};
    static struct texts t;
    uint64_t seed = test_seed();
    for (int round = 0; round < 12; round++) {
        memset(&t, 0, sizeof t);
        make_texts(&t, collations[round % 3], &seed);
        for (int b = 0; b < 12; b++) {
            if (test_random(&seed) % 3 == 0)
                dict_batches(&t, &seed);
            else
                flat_batch(&t, test_random(&seed) % 2, test_random(&seed) % 4 == 0, &seed);
        }
        check_all(&t);
        drop_texts(&t);
    }
}

/* The hashes of rows are those of their groups, however they were found, and merging knows both. */
static void test_hashes(void **state)
{
    (void)state;
    yoda_error err;
    static struct texts t, other;
    uint64_t seed = test_seed();
    uint32_t ids[WORDS], out[WORDS];
    uint64_t hashes[VECTOR_ROWS];
    memset(&t, 0, sizeof t);
    memset(&other, 0, sizeof other);
    make_texts(&t, COLLATE_BINARY, &seed);
    other = t; /* the same words; a table of its own */
    const struct group_key key = {VT_TEXT, COLLATE_BINARY};
    mem_budget_init(&other.budget, NULL, 0);
    OK(group_table_init(&other.table, &key, 1, GROUP_STRICT, &other.budget, &err));
    arena_init(&other.scratch, NULL);
    for (int b = 0; b < 6; b++) {
        flat_batch(&t, b % 2, false, &seed);
        dict_batches(&other, &seed);
    }
    for (uint32_t w = 0; w < WORDS; w += VECTOR_ROWS) {
        uint32_t n = WORDS - w < VECTOR_ROWS ? WORDS - w : VECTOR_ROWS;
        struct vector v = {.type = VT_TEXT, .form = VF_FLAT, .count = n, .data = t.words + w};
        OK(group_table_hash_rows(&t.table, &v, n, &t.scratch, hashes, &err));
        for (uint32_t i = 0; i < n; i++)
            if (t.ids[w + i] != UINT32_MAX)
                assert_true(group_table_hash(&t.table, t.ids[w + i]) == hashes[i]);
    }
    for (uint32_t id = 0; id < other.table.count; id++)
        ids[id] = id;
    OK(group_table_merge(&t.table, &other.table, ids, other.table.count, out, &err));
    if (other.null_id != UINT32_MAX)
        t.null_id = out[other.null_id];
    for (uint32_t w = 0; w < WORDS; w++) {
        if (other.ids[w] == UINT32_MAX)
            continue;
        if (t.ids[w] == UINT32_MAX)
            t.ids[w] = out[other.ids[w]];
        assert_int_equal(t.ids[w], out[other.ids[w]]);
    }
    check_all(&t);
    drop_texts(&other);
    drop_texts(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_texts), cmocka_unit_test(test_hashes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
