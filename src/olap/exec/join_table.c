/*
 * join_table.c -- see join_table.h.
 *
 * A key that cannot match is clamped to the slot past the domain, which is always empty: the loops
 * over row sets have no branch that depends on data.
 */
#include "olap/exec/join_table.h"

#include "olap/exec/join_key.h"

#include <string.h>

#define BITS_DOMAIN_MAX (UINT64_C(1) << 29) /* 64 MB */
#define DENSE_PER_ROW 2u  /* domain per row, at most, for an array */
#define DENSE_AT_ONCE (UINT64_C(1) << 17)
#define RANK_PER_ROW 64u
#define SPACIOUS_ROWS (1u << 18) /* fewer: a table of up to 10 MB may be emptier */
#define RANK_AT_ONCE (UINT64_C(1) << 22)
#define RANK_DOMAIN_MAX (UINT64_C(1) << 30)

static inline bool counts(const uint64_t *keys, const uint64_t *only, uint32_t i)
{
    return keys[i] != JOIN_NO_KEY && (!only || bit_get(only, i));
}

static inline uint64_t hash_of(uint64_t key)
{
    key *= UINT64_C(0x9e3779b97f4a7c15);
    key ^= key >> 32;
    return key * UINT64_C(0xd6e8feb86659fd93);
}

/* ---- Building ------------------------------------------------------------------------------- */

static yoda_status build_bits(struct join_table *table, const uint64_t *keys, uint32_t n,
                              const uint64_t *only, yoda_error *err)
{
    table->kind = JOIN_BITS;
    table->bits = arena_array(&table->arena, uint64_t, BITMAP_WORDS(table->domain + 1));
    if (!table->bits)
        return run_nomem(err, "building a join");
    for (uint32_t i = 0; i < n; i++)
        if (counts(keys, only, i))
            bit_set(table->bits, keys[i]);
    return YODA_OK;
}

/* False at the first key that comes twice. */
static bool fill_unique(struct join_table *table, const uint64_t *keys, uint32_t n,
                        const uint64_t *only)
{
    for (uint32_t i = 0; i < n; i++) {
        if (!counts(keys, only, i))
            continue;
        if (table->dense[keys[i]])
            return false;
        table->dense[keys[i]] = i + 1;
    }
    return true;
}

/* Counting sort by key: dense[k] ends up where the rows of k begin, dense[k + 1] where they end. */
static void fill_runs(struct join_table *table, const uint64_t *keys, uint32_t n,
                      const uint64_t *only)
{
    uint32_t *begin = table->dense, sum = 0;
    memset(begin, 0, (table->domain + 2) * sizeof *begin);
    for (uint32_t i = 0; i < n; i++)
        if (counts(keys, only, i))
            begin[keys[i] + 1]++;
    for (uint64_t k = 0; k < table->domain + 2; k++) {
        uint32_t m = begin[k];
        begin[k] = sum; /* of key k - 1: moves on to where k begins while its rows are placed */
        sum += m;
    }
    for (uint32_t i = 0; i < n; i++)
        if (counts(keys, only, i))
            table->order[begin[keys[i] + 1]++] = i;
}

static yoda_status build_dense(struct join_table *table, const uint64_t *keys, uint32_t n,
                               const uint64_t *only, yoda_error *err)
{
    table->kind = JOIN_DENSE;
    table->dense = arena_array(&table->arena, uint32_t, table->domain + 2);
    if (!table->dense)
        return run_nomem(err, "building a join");
    table->unique = fill_unique(table, keys, n, only);
    if (table->unique)
        return YODA_OK;
    table->order = arena_alloc(&table->arena, table->rows * sizeof *table->order);
    if (!table->order)
        return run_nomem(err, "building a join");
    fill_runs(table, keys, n, only);
    return YODA_OK;
}

/* ---- RANK ---- */

/* Set bits of a word; the compiler may not assume the instruction. */
static inline uint32_t count_bits(uint32_t x)
{
    x -= x >> 1 & 0x55555555;
    x = (x & 0x33333333) + (x >> 2 & 0x33333333);
    x = (x + (x >> 4)) & 0x0f0f0f0f;
    return x * 0x01010101 >> 24;
}

static inline bool has_key(struct join_word word, uint64_t key)
{
    return word.bits >> (key & 31) & 1;
}

/* Of a key that is there, or the next one that is. */
static inline uint32_t rank_of(struct join_word word, uint64_t key)
{
    return word.rank + count_bits(word.bits & ((UINT32_C(1) << (key & 31)) - 1));
}

/* Bits, then ranks; returns how many different keys there are. */
static uint32_t rank_keys(struct join_table *table, const uint64_t *keys, uint32_t n,
                          const uint64_t *only)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < n; i++)
        if (counts(keys, only, i))
            table->words[keys[i] >> 5].bits |= UINT32_C(1) << (keys[i] & 31);
    for (uint64_t w = 0; w <= table->domain / 32; w++) {
        table->words[w].rank = sum;
        sum += count_bits(table->words[w].bits);
    }
    return sum;
}

/* Counting sort by rank, as fill_runs does it by key. */
static void rank_runs(struct join_table *table, const uint64_t *keys, uint32_t n,
                      const uint64_t *only, uint32_t distinct)
{
    uint32_t *begin = table->begin, sum = 0;
    for (uint32_t i = 0; i < n; i++)
        if (counts(keys, only, i))
            begin[rank_of(table->words[keys[i] >> 5], keys[i]) + 1]++;
    for (uint32_t k = 0; k < distinct + 2; k++) {
        uint32_t m = begin[k];
        begin[k] = sum;
        sum += m;
    }
    for (uint32_t i = 0; i < n; i++)
        if (counts(keys, only, i))
            table->order[begin[rank_of(table->words[keys[i] >> 5], keys[i]) + 1]++] = i;
}

static yoda_status build_rank(struct join_table *table, const uint64_t *keys, uint32_t n,
                              const uint64_t *only, yoda_error *err)
{
    table->kind = JOIN_RANK;
    table->words = arena_array(&table->arena, struct join_word, table->domain / 32 + 1);
    table->order = arena_alloc(&table->arena, table->rows * sizeof *table->order + 64);
    if (!table->words || !table->order)
        return run_nomem(err, "building a join");
    uint32_t distinct = rank_keys(table, keys, n, only);
    table->unique = distinct == table->rows;
    if (table->unique) {
        for (uint32_t i = 0; i < n; i++)
            if (counts(keys, only, i))
                table->order[rank_of(table->words[keys[i] >> 5], keys[i])] = i;
        return YODA_OK;
    }
    table->begin = arena_array(&table->arena, uint32_t, (size_t)distinct + 2);
    if (!table->begin)
        return run_nomem(err, "building a join");
    rank_runs(table, keys, n, only, distinct);
    return YODA_OK;
}

/* ---- HASH ---- */

static struct join_slot *slot_for(const struct join_table *table, uint64_t key)
{
    struct join_slot *slot = table->slots, *end = slot + table->slot_count;
    slot += (uint64_t)(((uint128)hash_of(key) * table->slot_count) >> 64);
    while (slot->count != 0 && slot->key != key)
        if (++slot == end)
            slot = table->slots;
    return slot;
}

/* Slots with their counts; unique tables are done with that. */
static void count_keys(struct join_table *table, const uint64_t *keys, uint32_t n,
                       const uint64_t *only)
{
    table->unique = true;
    for (uint32_t i = 0; i < n; i++) {
        if (!counts(keys, only, i))
            continue;
        struct join_slot *slot = slot_for(table, keys[i]);
        if (slot->count++)
            table->unique = false;
        else
            *slot = (struct join_slot){keys[i], i, 1};
    }
}

static void place_rows(struct join_table *table, const uint64_t *keys, uint32_t n,
                       const uint64_t *only)
{
    uint32_t sum = 0;
    for (uint64_t at = 0; at < table->slot_count; at++) {
        uint32_t count = table->slots[at].count;
        table->slots[at].first = sum + count; /* filled from the end: comes back to the begin */
        sum += count;
    }
    ASSERT(sum == table->rows);
    for (uint32_t i = n; i-- > 0;)
        if (counts(keys, only, i))
            table->order[--slot_for(table, keys[i])->first] = i;
}

static yoda_status build_hash(struct join_table *table, const uint64_t *keys, uint32_t n,
                              const uint64_t *only, yoda_error *err)
{
    table->kind = JOIN_HASH;
    table->slot_count = (uint64_t)table->rows * (table->rows < SPACIOUS_ROWS ? 5 : 3) / 2 + 8;
    table->slots = arena_array(&table->arena, struct join_slot, table->slot_count);
    if (!table->slots)
        return run_nomem(err, "building a join");
    count_keys(table, keys, n, only);
    if (table->unique)
        return YODA_OK;
    table->order = arena_alloc(&table->arena, table->rows * sizeof *table->order);
    if (!table->order)
        return run_nomem(err, "building a join");
    place_rows(table, keys, n, only);
    return YODA_OK;
}

yoda_status join_table_init(struct join_table *table, const uint64_t *keys, uint32_t n,
                            const uint64_t *only, uint64_t domain, bool existence, struct run *run,
                            yoda_error *err)
{
    *table = (struct join_table){.kind = JOIN_EMPTY, .unique = true, .domain = domain};
    arena_init(&table->arena, run->context->budget);
    for (uint32_t i = 0; i < n; i++)
        table->rows += counts(keys, only, i);
    if (table->rows == 0)
        return YODA_OK;
    ASSERT(domain > 0);
    uint64_t rows = table->rows;
    if (existence && domain <= BITS_DOMAIN_MAX && domain <= rows * 4 * RANK_PER_ROW + RANK_AT_ONCE)
        return build_bits(table, keys, n, only, err);
    if (domain <= rows * DENSE_PER_ROW + DENSE_AT_ONCE)
        return build_dense(table, keys, n, only, err);
    if (domain <= RANK_DOMAIN_MAX && domain <= rows * RANK_PER_ROW + RANK_AT_ONCE)
        return build_rank(table, keys, n, only, err);
    return build_hash(table, keys, n, only, err);
}

void join_table_deinit(struct join_table *table)
{
    arena_deinit(&table->arena);
    *table = (struct join_table){.arena = table->arena};
}

/* ---- Looking up ----------------------------------------------------------------------------- */

static inline uint64_t clamp(uint64_t key, uint64_t domain)
{
    return key < domain ? key : domain;
}

static const struct join_slot free_slot;

static inline const struct join_slot *first_slot(const struct join_table *table, uint64_t key)
{
    uint64_t at = (uint64_t)(((uint128)hash_of(key) * table->slot_count) >> 64);
    return key == JOIN_NO_KEY ? &free_slot : table->slots + at;
}

static inline bool is_another(const struct join_slot *slot, uint64_t key)
{
    return (slot->key != key) & (slot->count != 0);
}

/* The slots of keys, a free one where there is none. Round after round without a branch: those that
 * met another key look at the next slot. Requires n <= VECTOR_ROWS */
static void find_slots(const struct join_table *table, const uint64_t *keys, uint32_t n,
                       const struct join_slot **out)
{
    const struct join_slot *end = table->slots + table->slot_count;
    uint16_t again[VECTOR_ROWS];
    uint32_t m = 0;
    ASSERT(n <= VECTOR_ROWS && table->kind == JOIN_HASH);
    for (uint32_t i = 0; i < n; i++) {
        out[i] = first_slot(table, keys[i]);
        again[m] = (uint16_t)i;
        m += is_another(out[i], keys[i]);
    }
    while (m > 0) {
        uint32_t left = 0;
        for (uint32_t j = 0; j < m; j++) {
            uint32_t i = again[j];
            const struct join_slot *slot = out[i] + 1;
            out[i] = slot == end ? table->slots : slot;
            again[left] = (uint16_t)i;
            left += is_another(out[i], keys[i]);
        }
        m = left;
    }
}

uint32_t join_table_pairs(const struct join_table *table, const uint64_t *keys, uint32_t n,
                          uint16_t *sel, uint32_t *rows)
{
    uint32_t m = 0;
    ASSERT(table->unique && table->kind != JOIN_BITS);
    if (table->kind == JOIN_DENSE) {
        const uint32_t *dense = table->dense;
        uint64_t domain = table->domain;
        for (uint32_t i = 0; i < n; i++) {
            uint32_t row = dense[clamp(keys[i], domain)];
            sel[m] = (uint16_t)i;
            rows[m] = row - 1;
            m += row != 0;
        }
    } else if (table->kind == JOIN_RANK) {
        for (uint32_t i = 0; i < n; i++) {
            uint64_t key = clamp(keys[i], table->domain);
            struct join_word word = table->words[key >> 5];
            sel[m] = (uint16_t)i;
            rows[m] = rank_of(word, key);
            m += has_key(word, key);
        }
        for (uint32_t i = 0; i < m; i++)
            rows[i] = table->order[rows[i]];
    } else if (table->kind == JOIN_HASH) {
        const struct join_slot *slots[VECTOR_ROWS];
        find_slots(table, keys, n, slots);
        for (uint32_t i = 0; i < n; i++) {
            sel[m] = (uint16_t)i;
            rows[m] = slots[i]->first;
            m += slots[i]->count != 0;
        }
    }
    return m;
}

/* which ? a : b, where a guess would be wrong half of the time. */
static inline uint32_t pick(bool which, uint32_t a, uint32_t b)
{
    uint32_t mask = 0u - (uint32_t)which;
    return (a & mask) | (b & ~mask);
}

uint32_t join_table_rows(const struct join_table *table, const uint64_t *keys, uint32_t n,
                         uint32_t none, uint32_t *rows)
{
    uint32_t m = 0;
    ASSERT(table->unique && table->kind != JOIN_BITS);
    if (table->kind == JOIN_DENSE) {
        for (uint32_t i = 0; i < n; i++) {
            uint32_t row = table->dense[clamp(keys[i], table->domain)];
            rows[i] = pick(row != 0, row - 1, none);
            m += row != 0;
        }
    } else if (table->kind == JOIN_RANK) {
        for (uint32_t i = 0; i < n; i++) {
            uint64_t key = clamp(keys[i], table->domain);
            struct join_word word = table->words[key >> 5];
            bool found = has_key(word, key);
            rows[i] = found ? table->order[rank_of(word, key)] : none;
            m += found;
        }
    } else if (table->kind == JOIN_HASH) {
        const struct join_slot *slots[VECTOR_ROWS];
        find_slots(table, keys, n, slots);
        for (uint32_t i = 0; i < n; i++) {
            rows[i] = pick(slots[i]->count != 0, slots[i]->first, none);
            m += slots[i]->count != 0;
        }
    } else {
        for (uint32_t i = 0; i < n; i++)
            rows[i] = none;
    }
    return m;
}

static uint64_t dense_runs(const struct join_table *table, const uint64_t *keys, uint32_t n,
                           uint32_t *first, uint32_t *count)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t key = clamp(keys[i], table->domain);
        uint32_t begin = table->dense[key];
        if (table->unique) {
            first[i] = begin - 1;
            count[i] = begin != 0;
        } else {
            first[i] = begin;
            count[i] = key < table->domain ? table->dense[key + 1] - begin : 0;
        }
        sum += count[i];
    }
    return sum;
}

static uint64_t rank_runs_of(const struct join_table *table, const uint64_t *keys, uint32_t n,
                             uint32_t *first, uint32_t *count)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t key = clamp(keys[i], table->domain);
        struct join_word word = table->words[key >> 5];
        uint32_t rank = has_key(word, key) ? rank_of(word, key) : 0;
        first[i] = table->unique ? rank : table->begin[rank];
        count[i] = table->unique ? 1 : table->begin[rank + 1] - table->begin[rank];
        count[i] = has_key(word, key) ? count[i] : 0;
        sum += count[i];
    }
    return sum;
}

uint64_t join_table_runs(const struct join_table *table, const uint64_t *keys, uint32_t n,
                         uint32_t *first, uint32_t *count)
{
    const struct join_slot *slots[VECTOR_ROWS];
    uint64_t sum = 0;
    ASSERT(table->kind != JOIN_BITS);
    if (table->kind == JOIN_DENSE)
        return dense_runs(table, keys, n, first, count);
    if (table->kind == JOIN_RANK)
        return rank_runs_of(table, keys, n, first, count);
    if (table->kind == JOIN_EMPTY) {
        memset(count, 0, n * sizeof *count);
        return 0;
    }
    find_slots(table, keys, n, slots);
    for (uint32_t i = 0; i < n; i++) {
        first[i] = slots[i]->first;
        count[i] = slots[i]->count;
        sum += count[i];
    }
    return sum;
}

/* Is a key there? kind is constant in each caller's loop. */
static inline bool is_there(const struct join_table *table, enum join_table_kind kind, uint64_t key)
{
    uint64_t at = clamp(key, table->domain);
    switch (kind) {
    case JOIN_BITS:
        return bit_get(table->bits, at);
    case JOIN_DENSE:
        return table->unique ? table->dense[at] != 0
                             : at < table->domain && table->dense[at + 1] != table->dense[at];
    case JOIN_RANK:
        return has_key(table->words[at >> 5], at);
    default:
        return false;
    }
}

#define TEST_ALL(kind)                                                                             \
    for (uint32_t i = 0; i < n; i++)                                                               \
        bits[i >> 6] |= (uint64_t)is_there(table, kind, keys[i]) << (i & 63)

void join_table_test(const struct join_table *table, const uint64_t *keys, uint32_t n,
                     uint64_t *bits)
{
    const struct join_slot *slots[VECTOR_ROWS];
    memset(bits, 0, BITMAP_WORDS(n) * sizeof *bits);
    switch (table->kind) {
    case JOIN_BITS:
        TEST_ALL(JOIN_BITS);
        break;
    case JOIN_DENSE:
        TEST_ALL(JOIN_DENSE);
        break;
    case JOIN_RANK:
        TEST_ALL(JOIN_RANK);
        break;
    case JOIN_HASH:
        find_slots(table, keys, n, slots);
        for (uint32_t i = 0; i < n; i++)
            bits[i >> 6] |= (uint64_t)(slots[i]->count != 0) << (i & 63);
        break;
    case JOIN_EMPTY:
        break;
    }
}
