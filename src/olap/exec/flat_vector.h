/*
 * flat_vector.h -- making FLAT vectors: from single values, or from a vector of any form.
 */
#ifndef YODA_OLAP_FLAT_VECTOR_H
#define YODA_OLAP_FLAT_VECTOR_H

#include "olap/column/vector.h"

struct flat_builder {
    enum vtype type;
    uint32_t rows;
    void *data;
    uint64_t *nulls, *reals;
    bool has_null, has_real;
};

/* Start a vector of `rows` rows, all NULL. Everything lives in the arena. */
YODA_MUST_CHECK yoda_status flat_builder_init(struct flat_builder *b, struct arena *arena,
                                              enum vtype type, uint32_t rows, yoda_error *err);
/* Set one row (once). Bytes are borrowed. Errors: YODA_NOT_COLUMNAR when the value's class does not
 * fit the type. */
YODA_MUST_CHECK yoda_status flat_builder_set(struct flat_builder *b, uint32_t row,
                                             const struct value *value, yoda_error *err);
void flat_builder_finish(struct flat_builder *b, struct vector *out);

/* `in` as a FLAT vector of type want: INT may become NUM; VT_NULL becomes NULLs of any type. */
YODA_MUST_CHECK yoda_status flat_vector_as(const struct vector *in, enum vtype want,
                                           struct arena *arena, struct vector *out,
                                           yoda_error *err);
/* One row of a FLAT vector; text is borrowed. */
struct value flat_vector_value(const struct vector *flat, uint32_t row);

/* base + code of every row of a CODES or ISO vector: out [count]. */
void vector_widen(const struct vector *in, int64_t *out);

/*
 * The rows that count: not NULL and with their bit in filter (NULL: all). *keep is NULL when all
 * do, else [BITMAP_WORDS(count)] words in the arena.
 */
YODA_MUST_CHECK yoda_status vector_present(const struct vector *in, const uint64_t *filter,
                                           struct arena *arena, const uint64_t **keep,
                                           yoda_error *err);

#endif
