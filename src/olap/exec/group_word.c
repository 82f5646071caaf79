/*
 * group_word.c -- groups by one INTEGER or REAL column: the key is a word, compared as such.
 *
 *   dense   while the INTEGERs met lie within a range worth an array: value - base -> id + 1; pages
 *           never touched cost nothing, so a range of some millions needs no proof
 *   hashed  from the first batch on that does not fit: slots of (word, id + 1), so that a hit is one
 *           cache line; linear probing, at most 5/8 full
 *
 * NULL is a group beside them. In a batch with NULLs their rows get another row's word and, in the
 * end, the id of NULL: the loops know nothing of them.
 */
#include "base/hash.h"
#include "olap/exec/flat_vector.h"
#include "olap/exec/group_table.h"
#include "olap/kernel/kernel.h"

#include <string.h>

#define DENSE_FREE (UINT64_C(4) << 20)  /* slots that need no reason */
#define DENSE_MAX (UINT64_C(256) << 20) /* and those that do: */
#define DENSE_SPREAD 32u                /* so many slots a group */
#define SLOTS_FIRST 4096u
#define AHEAD 24u /* rows whose slots are on their way */

struct group_slot {
    uint64_t word;
    uint64_t id; /* + 1; 0: free */
};

void group_word_deinit(struct group_table *table)
{
    if (table->dense)
        mem_budget_release(table->budget, table->dense_size * sizeof *table->dense);
    if (table->word_slots)
        mem_budget_release(table->budget,
                           ((uint64_t)table->slot_mask + 1) * sizeof *table->word_slots);
    mem_free(table->dense);
    mem_free(table->word_slots);
    table->dense = NULL;
    table->word_slots = NULL;
}

static inline uint64_t *words_of(const struct group_table *table)
{
    return (uint64_t *)(void *)table->rows->data;
}

/* ---- Hashed ---- */

static yoda_status make_slots(struct group_table *table, uint64_t slots, yoda_error *err)
{
    TRY(mem_budget_charge(table->budget, slots * sizeof *table->word_slots, err));
    struct group_slot *made = mem_calloc(slots, sizeof *made);
    if (!made) {
        mem_budget_release(table->budget, slots * sizeof *made);
        return fail_nomem(err, slots * sizeof *made);
    }
    uint32_t mask = (uint32_t)(slots - 1);
    const uint64_t *words = words_of(table);
    for (uint32_t id = 0; id < table->count; id++) {
        if (id == table->null_id)
            continue;
        uint32_t at = (uint32_t)hash_u64(words[id]) & mask;
        while (made[at].id)
            at = (at + 1) & mask;
        made[at] = (struct group_slot){words[id], (uint64_t)id + 1};
    }
    group_word_deinit(table); /* the smaller slots, or the dense array */
    table->word_slots = made;
    table->slot_mask = mask;
    return YODA_OK;
}

/* Room for `rows` more groups. */
static yoda_status reserve_slots(struct group_table *table, uint32_t rows, yoda_error *err)
{
    uint64_t slots = table->word_slots ? (uint64_t)table->slot_mask + 1 : SLOTS_FIRST;
    while (((uint64_t)table->count + rows) * 8 > slots * 5)
        slots *= 2;
    if (slots > UINT64_C(1) << 31)
        return fail(err, YODA_NOT_COLUMNAR, "more than 2^30 groups");
    if (table->word_slots && slots == (uint64_t)table->slot_mask + 1)
        return YODA_OK;
    return make_slots(table, slots, err);
}

static void find_hashed(struct group_table *table, const uint64_t *words, uint32_t rows,
                        uint32_t *ids)
{
    uint64_t *kept = words_of(table);
    struct group_slot *slots = table->word_slots;
    uint32_t count = table->count, mask = table->slot_mask, places[VECTOR_ROWS];
    for (uint32_t i = 0; i < rows; i++)
        places[i] = (uint32_t)hash_u64(words[i]) & mask;
    for (uint32_t i = 0; i < rows; i++) {
        uint64_t word = words[i];
        uint32_t at = places[i];
        __builtin_prefetch(&slots[places[i + AHEAD < rows ? i + AHEAD : i]]);
        while (slots[at].word != word || !slots[at].id) {
            if (!slots[at].id) {
                kept[count] = word;
                slots[at] = (struct group_slot){word, ++count};
                break;
            }
            at = (at + 1) & mask;
        }
        ids[i] = (uint32_t)slots[at].id - 1;
    }
    table->count = count;
}

/* ---- Dense ---- */

static bool dense_covers(const struct group_table *table, int64_t low, int64_t high)
{
    uint64_t first = (uint64_t)low - table->dense_base, last = (uint64_t)high - table->dense_base;
    return first <= last && last < table->dense_size;
}

/* An array is a luxury: it may take a quarter of the memory left. */
static bool affordable(const struct mem_budget *budget, uint64_t bytes)
{
    for (; budget; budget = budget->parent) {
        uint64_t used = atomic_load_explicit(&budget->used_bytes, memory_order_relaxed);
        if (budget->limit_bytes && (used > budget->limit_bytes ||
                                    bytes > (budget->limit_bytes - used) / 4))
            return false;
    }
    return true;
}

/* Make the array cover low..high too; false when that is not worth its memory. */
static bool dense_extend(struct group_table *table, int64_t low, int64_t high)
{
    uint64_t limit = (uint64_t)table->count * DENSE_SPREAD, old = table->dense_size;
    bool downward = old && low < (int64_t)table->dense_base;
    if (old) {
        int64_t first = (int64_t)table->dense_base, last = first + (int64_t)(old - 1);
        low = first < low ? first : low;
        high = last > high ? last : high;
    }
    limit = limit < DENSE_FREE ? DENSE_FREE : limit > DENSE_MAX ? DENSE_MAX : limit;
    uint64_t size = (uint64_t)high - (uint64_t)low;
    if (size >= limit)
        return false;
    size++;
    uint64_t roomy = size < 2 * old ? 2 * old : size < 4096 ? 4096 : size;
    roomy = roomy < limit ? roomy : limit;
    uint64_t base = (uint64_t)low;
    if (downward) /* room where the next ones will be, short of the end of the integers */
        base -= (uint64_t)low - (uint64_t)INT64_MIN < roomy - size ? 0 : roomy - size;
    if ((uint64_t)INT64_MAX - base < roomy)
        roomy = (uint64_t)INT64_MAX - base + 1;
    if (!affordable(table->budget, roomy * sizeof(uint32_t)) ||
        mem_budget_charge(table->budget, roomy * sizeof(uint32_t), NULL) != YODA_OK)
        return false;
    uint32_t *dense = mem_calloc(roomy, sizeof *dense);
    if (!dense) {
        mem_budget_release(table->budget, roomy * sizeof(uint32_t));
        return false;
    }
    if (old)
        memcpy(dense + (table->dense_base - base), table->dense, old * sizeof *dense);
    group_word_deinit(table);
    table->dense = dense;
    table->dense_base = base;
    table->dense_size = roomy;
    return true;
}

static void find_dense(struct group_table *table, const uint64_t *words, uint32_t rows,
                       uint32_t *ids)
{
    uint64_t *kept = words_of(table), base = table->dense_base;
    uint32_t *dense = table->dense, count = table->count;
    for (uint32_t i = 0; i < rows; i++) {
        uint64_t at = words[i] - base;
        ASSERT(at < table->dense_size);
        uint32_t id = dense[at];
        if (!id) {
            kept[count] = words[i];
            id = dense[at] = ++count;
        }
        ids[i] = id - 1;
    }
    table->count = count;
}

/* ---- Both ---- */

static yoda_status find_words(struct group_table *table, const uint64_t *words, uint32_t rows,
                              uint32_t *ids, yoda_error *err)
{
    size_t room = ((size_t)table->count + rows + 1) * sizeof *words;
    TRY(buffer_reserve(table->rows, room, err));
    if (!table->word_slots && table->keys[0].type == VT_INT) {
        int64_t low, high;
        kernels()->minmax_i64((const int64_t *)words, rows, NULL, &low, &high);
        if (dense_covers(table, low, high) || dense_extend(table, low, high)) {
            find_dense(table, words, rows, ids);
            table->rows->size = table->count * sizeof *words;
            return YODA_OK;
        }
    }
    TRY(reserve_slots(table, rows, err));
    find_hashed(table, words, rows, ids);
    table->rows->size = table->count * sizeof *words;
    return YODA_OK;
}

static yoda_status add_null(struct group_table *table, yoda_error *err)
{
    if (table->null_id != UINT32_MAX)
        return YODA_OK;
    TRY(buffer_reserve(table->rows, ((size_t)table->count + 1) * sizeof(uint64_t), err));
    words_of(table)[table->count] = 0;
    table->null_id = table->count++;
    table->rows->size = table->count * sizeof(uint64_t);
    return YODA_OK;
}

/* nulls: [rows] bits, maybe none set. */
static yoda_status find_nullable(struct group_table *table, const uint64_t *words,
                                 const uint64_t *nulls, uint32_t rows, uint32_t *ids,
                                 yoda_error *err)
{
    uint64_t filled[VECTOR_ROWS];
    uint32_t some = 0;
    if (bitmap_count(nulls, rows) == 0)
        return find_words(table, words, rows, ids, err);
    TRY(add_null(table, err));
    while (some < rows && bit_get(nulls, some))
        some++;
    for (uint32_t i = 0; some < rows && i < rows; i++)
        filled[i] = words[bit_get(nulls, i) ? some : i];
    if (some < rows)
        TRY(find_words(table, filled, rows, ids, err));
    for (uint32_t i = 0; i < rows; i++)
        ids[i] = bit_get(nulls, i) ? table->null_id : ids[i];
    return YODA_OK;
}

yoda_status group_word_find(struct group_table *table, const struct vector *flat, uint32_t *ids,
                            yoda_error *err)
{
    ASSERT(table->word && flat->form == VF_FLAT && flat->count <= VECTOR_ROWS);
    if (flat->count == 0)
        return YODA_OK;
    if (flat->nulls)
        return find_nullable(table, flat->data, flat->nulls, flat->count, ids, err);
    return find_words(table, flat->data, flat->count, ids, err);
}

yoda_status group_word_merge(struct group_table *table, const struct group_table *from,
                             const uint32_t *ids, uint32_t n, uint32_t *out, yoda_error *err)
{
    const uint64_t *kept = words_of(from);
    for (uint32_t at = 0; at < n; at += VECTOR_ROWS) {
        uint64_t words[VECTOR_ROWS], nulls[VECTOR_WORDS] = {0};
        uint32_t rows = n - at < VECTOR_ROWS ? n - at : VECTOR_ROWS;
        bool any_null = false;
        for (uint32_t i = 0; i < rows; i++) {
            words[i] = kept[ids[at + i]];
            if (ids[at + i] == from->null_id)
                bit_set(nulls, i), any_null = true;
        }
        if (any_null)
            TRY(find_nullable(table, words, nulls, rows, out + at, err));
        else
            TRY(find_words(table, words, rows, out + at, err));
    }
    return YODA_OK;
}

yoda_status group_word_keys(const struct group_table *table, uint32_t first, uint32_t rows,
                            struct arena *arena, struct vector *out, yoda_error *err)
{
    *out = (struct vector){.type = table->keys[0].type, .form = VF_FLAT, .count = rows,
                           .data = words_of(table) + first};
    if (table->null_id < first || table->null_id >= first + rows)
        return YODA_OK;
    uint64_t *nulls = arena_array(arena, uint64_t, BITMAP_WORDS(rows) + 1);
    if (!nulls)
        return fail_nomem(err, BITMAP_WORDS(rows) * sizeof *nulls);
    bit_set(nulls, table->null_id - first);
    out->nulls = nulls;
    return YODA_OK;
}
