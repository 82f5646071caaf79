/*
 * dict_builder.h -- finding the distinct texts of a column and numbering them in memcmp order.
 */
#ifndef YODA_OLAP_DICT_BUILDER_H
#define YODA_OLAP_DICT_BUILDER_H

#include "olap/column/vector.h"

#define DICT_MAX 65536u

struct dict_builder {
    struct strref *values; /* [count] in order of appearance; bytes are borrowed */
    uint32_t count, capacity;
    uint64_t text_bytes; /* of the distinct values */
    uint64_t *slots;     /* hash << 32 | index + 1; 0: free */
    uint32_t slot_mask;
};

void dict_builder_init(struct dict_builder *builder);
void dict_builder_deinit(struct dict_builder *builder);
/* Number of this text, in order of appearance; UINT32_MAX: memory is short or DICT_MAX is reached
 * (dict_builder_is_full tells which). */
uint32_t dict_builder_add(struct dict_builder *builder, const char *p, uint32_t size);
bool dict_builder_is_full(const struct dict_builder *builder);
/* Sort values; rank [count] gets each number's place. False where memory is short. */
YODA_MUST_CHECK bool dict_builder_sort(struct dict_builder *builder, uint32_t *rank);

#endif
