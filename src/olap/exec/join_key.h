/*
 * join_key.h -- the keys of a join as one number per row.
 *
 * Each key is a lane: a value becomes a code below the lane's domain, or "cannot match". Codes of
 * all lanes make one number, code 0 + domain 0 * (code 1 + domain 1 * ...), below the coder's
 * domain; a table then knows numbers only, and dense integers stay dense.
 *
 *   lane   build side                 code
 *   INT    integers, whole REALs      value - smallest
 *   ISO    ISO texts of one kind      day or second number - smallest
 *   IDS    other texts, blobs, REALs  number of the value among the different ones (join_ids)
 *
 * NULL of a null-safe lane is its last code; any other NULL cannot match, nor can what is outside
 * of the build side's range or not among its values. Numbers are equal as SQLite compares them:
 * by value across INTEGER and REAL. Where the product of the domains is too large, the lanes' codes
 * together are looked up as one text (`tuples`).
 *
 * Threads  a coder is immutable once made; a cache belongs to one worker.
 */
#ifndef YODA_OLAP_JOIN_KEY_H
#define YODA_OLAP_JOIN_KEY_H

#include "olap/exec/join_rows.h"

#define JOIN_NO_KEY UINT64_MAX
#define JOIN_DOMAIN_MAX (UINT64_C(1) << 62)

struct join_ids { /* different byte strings, numbered from 0; open addressing */
    uint64_t *slots; /* high half of the hash, then the number + 1; 0: free */
    uint64_t mask;
    struct strref *texts; /* [count] */
    uint32_t count, room;
    struct arena bytes, arrays;
};

enum lane_kind { LANE_NONE /* the build side has NULLs only */, LANE_INT, LANE_ISO, LANE_IDS };

struct join_lane {
    enum lane_kind kind;
    bool null_safe;
    uint8_t iso_kind;
    int64_t low;       /* INT, ISO */
    uint64_t span;     /* codes of values; NULL is code span */
    uint64_t stride;   /* product of the domains before */
    struct join_ids ids;
};

struct join_coder {
    uint32_t lane_count;
    struct join_lane *lanes; /* [lane_count] */
    uint64_t domain;
    bool by_tuple;
    struct join_ids tuples;
};

/* Of one worker, per lane: codes of a dictionary. Coders over the same columns of the same rows
 * number values alike, so that they may share it. */
struct join_cache {
    const struct dict *dict;
    uint64_t dict_id;
    uint32_t *codes; /* [dict->count] */
    uint32_t room;
};

/* Make the coder for the keys that are these columns of the frozen rows. */
YODA_MUST_CHECK yoda_status join_coder_init(struct join_coder *coder, const struct join_rows *rows,
                                            const uint32_t *columns, const bool *null_safe,
                                            uint32_t count, struct run *run, struct arena *arena,
                                            yoda_error *err);
void join_coder_deinit(struct join_coder *coder); /* zeroed: fine */
/*
 * Numbers of n rows.
 *   keys    [lane_count] vectors of n rows, any form
 *   caches  [lane_count], zeroed before the first use, freed by the caller; may be NULL
 *   out     [n]; JOIN_NO_KEY for rows that cannot match
 */
YODA_MUST_CHECK yoda_status join_coder_keys(const struct join_coder *coder,
                                            const struct vector *keys, uint32_t n,
                                            struct join_cache *caches, struct arena *scratch,
                                            uint64_t *out, yoda_error *err);
/* Codes of one lane: below its domain, or JOIN_NO_KEY. */
YODA_MUST_CHECK yoda_status join_lane_codes(const struct join_lane *lane, const struct vector *v,
                                            uint32_t n, struct join_cache *cache,
                                            struct arena *scratch, uint64_t *out, yoda_error *err);
/* The same as join_coder_keys for rows [first, first + n) of the build side itself. Requires
 * first % 64 == 0. */
YODA_MUST_CHECK yoda_status join_coder_rows(const struct join_coder *coder,
                                            const struct join_rows *rows, const uint32_t *columns,
                                            uint32_t first, uint32_t n, struct arena *scratch,
                                            uint64_t *out, yoda_error *err);

/* Mix a key's values into hashes[n]: equal values give equal hashes, whatever their types. */
YODA_MUST_CHECK yoda_status join_key_hash(const struct vector *key, uint32_t n,
                                          struct arena *scratch, uint64_t *hashes,
                                          yoda_error *err);

/* ---- join_ids.c ----------------------------------------------------------------------------- */

void join_ids_init(struct join_ids *ids, struct mem_budget *budget);
void join_ids_deinit(struct join_ids *ids);
/* The number of these bytes, a new one where they are new (copied). */
YODA_MUST_CHECK yoda_status join_ids_add(struct join_ids *ids, const char *p, uint32_t size,
                                         uint32_t *out, yoda_error *err);
/* UINT32_MAX where they are not there. */
uint32_t join_ids_find(const struct join_ids *ids, const char *p, uint32_t size);

#endif
