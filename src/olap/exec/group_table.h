/*
 * group_table.h -- distinct keys -> dense group ids 0, 1, 2, ...: the heart of GROUP BY and
 * DISTINCT.
 *
 * A key is kept once, in normal form:
 *
 *   meta   2 bits per key column (0 value, 1 NULL, 2 the value is a REAL of a NUM column), in words
 *   word   8 bytes per key column: int64, double bits, or the length of a text
 *   bytes  the texts, one after the other
 *
 * so equal keys are equal bytes, and a key comes back as it was. Open addressing with linear
 * probing; a slot holds the upper hash half (the salt) and the group id + 1. A batch is looked up in
 * passes (hash, slot, key) whose loads do not wait for each other.
 *
 * One INTEGER or REAL column is simpler: the key is its word alone, found in an array or in slots
 * that hold the word (group_word.c). One TEXT or BLOB column is hashed and compared where its bytes
 * lie (group_text.c).
 *
 * Small domains go around the hash: where every key vector is a dictionary, codes, booleans or a
 * constant and the product of their domains is small, slot -> group id is an array, filled lazily
 * and cleared when the vectors' dictionaries or bases change (a new segment).
 *
 * SQLite's equality joins values with different bits: 0.0 and -0.0, 1 and 1.0, texts under NOCASE
 * or RTRIM. Which of them SQLite shows is not defined well enough, so such a pair is refused when
 * it turns up (GROUP_STRICT), or they are folded to one form where the key is not shown
 * (GROUP_FOLD).
 *
 * Threads: one at a time.
 */
#ifndef YODA_OLAP_GROUP_TABLE_H
#define YODA_OLAP_GROUP_TABLE_H

#include "base/buffer.h"
#include "base/hash.h"
#include "olap/column/vector.h"

#define GROUP_DOMAIN_MAX 65537u /* slots of the direct array */

enum { GROUP_NULL = 1, GROUP_REAL = 2 }; /* meta of a key */
enum group_mode { GROUP_STRICT, GROUP_FOLD };

struct group_key { /* one key column */
    enum vtype type;
    enum collation collation;
};

struct group_signature { /* what a direct slot means: equal signatures, equal slots */
    const struct dict *dict;
    uint64_t dict_id;
    int64_t base;
    uint32_t domain; /* values, the NULL slot excluded */
    uint8_t type, form, code_width, scale, iso_kind;
};

struct group_table {
    uint32_t key_count, count; /* count: groups so far */
    enum group_mode mode;
    struct group_key *keys;   /* [key_count] */
    uint32_t meta_words, fixed_size;
    bool variable;            /* some key is text */
    bool seen_integer, seen_integral_real; /* in NUM keys */
    struct mem_budget *budget;
    struct arena bytes;       /* keys of a variable table */
    struct buffer *rows;      /* fixed keys one after the other, or pointers to them */
    struct buffer *hashes;    /* uint64_t [count] */
    uint64_t *slots;          /* [slot_mask + 1] */
    uint32_t slot_mask;
    bool text;                /* one TEXT or BLOB key: hashed as group_text_hash says */
    bool word;                /* one INT or REAL key: rows are words, no hashes are kept */
    uint32_t null_id;         /* word: the group of NULL; UINT32_MAX: none */
    uint32_t *dense;          /* word: [dense_size] id + 1 of dense_base + i */
    uint64_t dense_base, dense_size;
    struct group_slot *word_slots; /* word: [slot_mask + 1], once dense is given up */
    struct group_signature *signatures; /* [key_count], of the direct array */
    uint32_t *direct;         /* [GROUP_DOMAIN_MAX] slot -> id, UINT32_MAX: not known */
    uint32_t direct_domain;
};

/* Errors: YODA_NOMEM; YODA_NOT_COLUMNAR for a strict text key whose collation is not BINARY. */
YODA_MUST_CHECK yoda_status group_table_init(struct group_table *table,
                                             const struct group_key *keys, uint32_t key_count,
                                             enum group_mode mode, struct mem_budget *budget,
                                             yoda_error *err);
void group_table_deinit(struct group_table *table); /* zeroed: fine */

/*
 * Find or add the group of every row.
 *   keys  [key_count] vectors of `rows` rows, any form
 *   alive rows that count (NULL: all): others make no groups, and their ids are of any group
 *   ids   [rows]
 * Errors: YODA_NOT_COLUMNAR (keys equal but not identical), YODA_NOMEM
 */
YODA_MUST_CHECK yoda_status group_table_find(struct group_table *table, const struct vector *keys,
                                             uint32_t rows, const uint64_t *alive,
                                             struct arena *scratch, uint32_t *ids,
                                             yoda_error *err);
/* Find or add groups ids[0..n) of another table of the same shape: out [n]. */
YODA_MUST_CHECK yoda_status group_table_merge(struct group_table *table,
                                              const struct group_table *from, const uint32_t *ids,
                                              uint32_t n, uint32_t *out, yoda_error *err);
static inline uint64_t group_table_hash(const struct group_table *table, uint32_t id)
{
    if (table->word)
        return id == table->null_id
                   ? 0
                   : hash_u64(((const uint64_t *)(const void *)table->rows->data)[id]);
    return ((const uint64_t *)(const void *)table->hashes->data)[id];
}
/* Bytes of memory in use. */
uint64_t group_table_bytes(const struct group_table *table);
/* Key column k of groups [first, first + rows) as a FLAT vector, the table's own where it can. */
YODA_MUST_CHECK yoda_status group_table_keys(const struct group_table *table, uint32_t k,
                                             uint32_t first, uint32_t rows, struct arena *arena,
                                             struct vector *out, yoda_error *err);

/* The hashes by which group_table_hash knows the rows' groups: [rows]. Adds no group. */
YODA_MUST_CHECK yoda_status group_table_hash_rows(struct group_table *table,
                                                  const struct vector *keys, uint32_t rows,
                                                  struct arena *scratch, uint64_t *hashes,
                                                  yoda_error *err);

/* ---- group_split.c: parts of all possible keys ----------------------------------------------- */

#define GROUP_PARTS_MAX 256u

struct group_split { /* equal keys, equal parts, in every table of one shape */
    bool range;     /* by (word - low) >> shift, else by hash >> shift */
    uint64_t low;
    unsigned shift;
};
/* Ranges of the words where all tables are dense, else of the hash. parts: a power of two. */
void group_split_choose(const struct group_table *const *tables, uint32_t count, uint32_t parts,
                        struct group_split *out);
/* The part of each group: out [count]. */
void group_table_split(const struct group_table *table, const struct group_split *split,
                       uint8_t *out);
/* The part of each row, by the hash: out [rows]. */
YODA_MUST_CHECK yoda_status group_table_split_rows(struct group_table *table,
                                                   const struct vector *keys, uint32_t rows,
                                                   const struct group_split *split,
                                                   struct arena *scratch, uint8_t *out,
                                                   yoda_error *err);

/* ---- group_key.c: rows to normal form ------------------------------------------------------- */

struct group_rows { /* keys of some rows in normal form, in an arena */
    const uint8_t *bytes;
    const uint32_t *offsets; /* [rows + 1], NULL: fixed size */
    uint32_t fixed_size;
};
static inline const uint8_t *group_row(const struct group_rows *rows, uint32_t i, uint32_t *size)
{
    if (!rows->offsets) {
        *size = rows->fixed_size;
        return rows->bytes + (size_t)i * rows->fixed_size;
    }
    *size = rows->offsets[i + 1] - rows->offsets[i];
    return rows->bytes + rows->offsets[i];
}
YODA_MUST_CHECK yoda_status group_key_encode(struct group_table *table, const struct vector *keys,
                                             uint32_t rows, struct arena *scratch,
                                             struct group_rows *out, yoda_error *err);
/* Key column k as a FLAT vector whose equal values have equal bits. */
YODA_MUST_CHECK yoda_status group_key_fold(struct group_table *table, uint32_t k,
                                           const struct vector *in, struct arena *scratch,
                                           struct vector *out, yoda_error *err);
/* Both flags of NUM keys set: a 1 and a 1.0 may have met. */
YODA_MUST_CHECK yoda_status group_key_check(const struct group_table *table, yoda_error *err);

/* ---- group_word.c: one column of words ------------------------------------------------------ */

struct group_slot;
void group_word_deinit(struct group_table *table);
YODA_MUST_CHECK yoda_status group_word_find(struct group_table *table, const struct vector *flat,
                                            uint32_t *ids, yoda_error *err);
YODA_MUST_CHECK yoda_status group_word_merge(struct group_table *table,
                                             const struct group_table *from, const uint32_t *ids,
                                             uint32_t n, uint32_t *out, yoda_error *err);
YODA_MUST_CHECK yoda_status group_word_keys(const struct group_table *table, uint32_t first,
                                            uint32_t rows, struct arena *arena, struct vector *out,
                                            yoda_error *err);

/* Find or add a key in normal form. */
YODA_MUST_CHECK yoda_status group_table_put(struct group_table *table, const uint8_t *key,
                                            uint32_t size, uint64_t hash, uint32_t *id,
                                            yoda_error *err);

/* Add a group whose key is not there yet, of `size` bytes that the caller writes to *key. */
YODA_MUST_CHECK yoda_status group_table_add(struct group_table *table, uint32_t size,
                                            uint64_t hash, uint8_t **key, yoda_error *err);

/* ---- group_text.c: one column of texts ------------------------------------------------------ */

/* The hash of a key in normal form. */
uint64_t group_text_hash(const uint8_t *key, uint32_t size);
/* flat: folded, no NULLs. */
YODA_MUST_CHECK yoda_status group_text_find(struct group_table *table, const struct vector *flat,
                                            struct arena *scratch, uint32_t *ids, yoda_error *err);

/* ---- group_direct.c: slots of small domains ------------------------------------------------- */

/* Is the domain small? Then the direct array stands for these vectors. */
bool group_direct_adopt(struct group_table *table, const struct vector *keys);
/* After it: ids [rows] of one key without NULLs; false when some group is not known, or it has
 * another form. */
bool group_direct_ids(const struct group_table *table, const struct vector *keys, uint32_t rows,
                      uint32_t *ids);
/* After group_direct_adopt: slots [rows] in the array. */
void group_direct_slots(const struct group_table *table, const struct vector *keys, uint32_t rows,
                        uint32_t *slots);

#endif
