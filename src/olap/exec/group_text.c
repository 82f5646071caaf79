/*
 * group_text.c -- groups by one TEXT or BLOB column: looked up as they are, without a normal form.
 *
 * Kept keys have the form of every table (meta, length, bytes), so that merging and reading back
 * need not know; but a row's text is hashed and compared where it lies, and only a new one is
 * copied. NULLs go the general way.
 *
 * A batch that lists a sorted dictionary is likely to be followed by others that list the same
 * texts: then the group after the last one found is tried before anything is hashed. The first
 * rows of a batch tell whether it is of that kind.
 */
#include "base/bits.h"
#include "olap/exec/group_table.h"
#include "olap/exec/pipeline.h"

#include <string.h>

#define TEXT_AT 16u /* in a kept key: behind its meta and its length */
#define AHEAD 16u    /* rows whose bytes are on their way */
#define STRAYS_FIRST 2u
#define STRAY_ROWS 8u /* one stray in so many rows is fine */

static inline uint64_t load_u64(const char *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return word;
}

static inline uint64_t load_u32(const char *p)
{
    uint32_t word;
    memcpy(&word, p, sizeof word);
    return word;
}

static inline uint64_t mix(uint64_t a, uint64_t b)
{
    uint128 product = (uint128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Up to 16 bytes as two words, which overlap; with the size they tell all texts apart. */
static inline void short_words(const char *p, uint32_t size, uint64_t *a, uint64_t *b)
{
    if (size >= 8) {
        *a = load_u64(p);
        *b = load_u64(p + size - 8);
    } else if (size >= 4) {
        *a = load_u32(p);
        *b = load_u32(p + size - 4);
    } else {
        *a = size ? (uint64_t)(uint8_t)p[0] << 8 | (uint8_t)p[size - 1] : 0;
        *b = size ? (uint8_t)p[size / 2] : 0;
    }
}

/* In the manner of wyhash: one or two wide multiplications for a short text. */
static inline uint64_t hash_text(struct strref text)
{
    const uint64_t k1 = UINT64_C(0xa0761d6478bd642f), k2 = UINT64_C(0xe7037ed1a0b428db);
    uint64_t a, b, hash = text.size;
    if (text.size > 64)
        return hash_bytes(text.ptr, text.size, 0);
    while (text.size > 16) {
        hash = mix(load_u64(text.ptr) ^ k1 ^ hash, load_u64(text.ptr + 8) ^ k2);
        text.ptr += 16;
        text.size -= 16;
    }
    short_words(text.ptr, text.size, &a, &b);
    return mix(mix(a ^ k1 ^ hash, b ^ k2) ^ k2, hash ^ k1);
}

static inline bool same_16(const char *a, const char *b)
{
    return ((load_u64(a) ^ load_u64(b)) | (load_u64(a + 8) ^ load_u64(b + 8))) == 0;
}

static inline bool same_bytes(const char *a, const char *b, uint32_t size)
{
    uint64_t a1, a2, b1, b2;
    if (size > 32)
        return memcmp(a, b, size) == 0;
    if (size > 16)
        return same_16(a, b) && same_16(a + size - 16, b + size - 16);
    short_words(a, size, &a1, &a2);
    short_words(b, size, &b1, &b2);
    return ((a1 ^ b1) | (a2 ^ b2)) == 0;
}

static inline bool same_text(const uint8_t *kept, struct strref text)
{
    const char *key = (const char *)kept;
    return load_u64(key) == 0 && load_u64(key + 8) == text.size &&
           same_bytes(key + TEXT_AT, text.ptr, text.size);
}

static inline const uint8_t *kept_text(const struct group_table *table, uint32_t id)
{
    return ((const uint8_t *const *)(const void *)table->rows->data)[id];
}

uint64_t group_text_hash(const uint8_t *key, uint32_t size)
{
    ASSERT(size >= TEXT_AT);
    uint64_t meta = load_u64((const char *)key);
    struct strref text = {(const char *)key + TEXT_AT, size - TEXT_AT};
    return meta ? hash_u64(meta) : hash_text(text);
}

/* Find or add one text. */
static yoda_status find_one(struct group_table *table, struct strref text, uint64_t hash,
                            uint32_t *id, yoda_error *err)
{
    uint32_t at = (uint32_t)hash & table->slot_mask;
    for (uint64_t slot; (slot = table->slots[at]) != 0; at = (at + 1) & table->slot_mask) {
        *id = (uint32_t)slot - 1;
        if ((slot ^ hash) >> 32 == 0 && same_text(kept_text(table, *id), text))
            return YODA_OK;
    }
    if (text.size > UINT32_MAX - TEXT_AT)
        return fail(err, YODA_TOO_BIG, "a group key of more than 4 GiB");
    uint64_t size = text.size;
    uint8_t *key;
    TRY(group_table_add(table, TEXT_AT + text.size, hash, &key, err));
    memset(key, 0, 8);
    memcpy(key + 8, &size, sizeof size);
    if (size)
        memcpy(key + TEXT_AT, text.ptr, size);
    *id = table->count - 1;
    return YODA_OK;
}

/* The rows that come in the order of the groups: ids [*done]. */
static yoda_status follow(struct group_table *table, const struct strref *texts, uint32_t rows,
                          uint32_t *ids, uint32_t *done, yoda_error *err)
{
    uint32_t i = 0, next = UINT32_MAX, strays = 0;
    for (; table->count && i < rows && strays <= STRAYS_FIRST + i / STRAY_ROWS; i++) {
        if (next < table->count && same_text(kept_text(table, next), texts[i])) {
            ids[i] = next++;
            continue;
        }
        TRY(find_one(table, texts[i], hash_text(texts[i]), &ids[i], err));
        next = ids[i] + 1;
        strays++;
    }
    *done = i;
    return YODA_OK;
}

/* The group in the first slot that has a hash's salt, if it is the text's; else UINT32_MAX. kept:
 * [rows] of room. Returns how many are not. */
static uint32_t find_first(const struct group_table *table, const struct strref *texts,
                           const uint64_t *hashes, uint32_t rows, const uint8_t **kept,
                           uint32_t *ids)
{
    static const uint8_t no_key[TEXT_AT] = {UINT8_MAX}; /* no text's */
    const uint64_t *slots = table->slots;
    const uint8_t *const *keys = (const uint8_t *const *)(const void *)table->rows->data;
    uint32_t mask = table->slot_mask, missing = 0;
    for (uint32_t i = 0; i < rows; i++) {
        uint64_t hash = hashes[i], slot;
        uint32_t at = (uint32_t)hash & mask;
        while ((slot = slots[at]) != 0 && (slot ^ hash) >> 32 != 0)
            at = (at + 1) & mask;
        ids[i] = (uint32_t)slot - 1;
        kept[i] = slot ? keys[ids[i]] : no_key;
        __builtin_prefetch(kept[i]);
    }
    for (uint32_t i = 0; i < rows; i++) {
        if (same_text(kept[i], texts[i]))
            continue;
        ids[i] = UINT32_MAX;
        missing++;
    }
    return missing;
}

yoda_status group_text_find(struct group_table *table, const struct vector *flat,
                            struct arena *scratch, uint32_t *ids, yoda_error *err)
{
    const struct strref *texts = flat->data;
    uint32_t done, rows = flat->count;
    ASSERT(table->text && flat->form == VF_FLAT && !flat->nulls);
    TRY(follow(table, texts, rows, ids, &done, err));
    texts += done, ids += done, rows -= done;
    uint64_t *hashes = arena_alloc(scratch, (rows + (size_t)1) * sizeof *hashes);
    const uint8_t **kept = arena_alloc(scratch, (rows + (size_t)1) * sizeof *kept);
    if (!hashes || !kept)
        return run_nomem(err, "grouping");
    const uint64_t *slots = table->slots;
    uint32_t mask = table->slot_mask;
    for (uint32_t i = 0; i < rows; i++) {
        __builtin_prefetch(texts[i + AHEAD < rows ? i + AHEAD : i].ptr);
        hashes[i] = hash_text(texts[i]);
        __builtin_prefetch(&slots[(uint32_t)hashes[i] & mask]);
    }
    uint32_t missing = find_first(table, texts, hashes, rows, kept, ids);
    for (uint32_t i = 0; missing && i < rows; i++) { /* from here on kept keys may move */
        if (ids[i] != UINT32_MAX)
            continue;
        TRY(find_one(table, texts[i], hashes[i], &ids[i], err));
        missing--;
    }
    return YODA_OK;
}
