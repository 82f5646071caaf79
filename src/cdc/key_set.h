/*
 * key_set.h -- the distinct dirty keys of one table in one slice of the log.
 *
 * Keys of rowid tables are plain int64 (sorted by radix when there are many), declared keys are
 * values compared under the key's collations, their bytes in an arena that lives as long as the
 * slice.
 */
#ifndef YODA_CDC_KEY_SET_H
#define YODA_CDC_KEY_SET_H

#include "base/arena.h"
#include "base/value.h"

struct key_set {
    uint32_t width; /* values per key; 0: rowids */
    size_t count, capacity;
    int64_t *ids;                     /* width 0: [count] */
    struct value *values;             /* else [count * width] */
    const enum collation *collations; /* [width], borrowed */
    struct arena arena;
    struct mem_budget *budget;
    uint64_t charged_bytes;
};

void key_set_init(struct key_set *set, uint32_t width, const enum collation *collations,
                  struct mem_budget *budget);
void key_set_deinit(struct key_set *set);
void key_set_clear(struct key_set *set); /* keeps the memory of rowids */
YODA_MUST_CHECK yoda_status key_set_add_id(struct key_set *set, int64_t id, yoda_error *err);
/* key [width]; bytes are copied. */
YODA_MUST_CHECK yoda_status key_set_add(struct key_set *set, const struct value *key,
                                        yoda_error *err);
/* Sort ascending and drop duplicates. */
YODA_MUST_CHECK yoda_status key_set_sort(struct key_set *set, yoda_error *err);
/* Compare two keys of [width] values. */
int key_set_compare(const struct key_set *set, const struct value *a, const struct value *b);

#endif
