/*
 * vector.h -- up to VECTOR_ROWS values of one column on their way through the executor.
 *
 * A vector has a type (what the values are, static per query) and a form (how they are laid out).
 * Codes stay codes as long as somebody can work on them:
 *
 *   form   data                                   value of row i
 *   FLAT   int64_t / double / struct strref        data[i]
 *   CONST  one element                             data[0] for every row
 *   BITS   uint64_t words, VT_INT only (booleans)  bit i: 0 or 1
 *   CODES  u8/u16/u32/u64 by code_width            VT_INT:  base + code (two's complement wrap)
 *                                                  VT_REAL: (base + code) / 10^scale
 *                                                  VT_NUM:  same, INTEGER where whole
 *   DICT   u8/u16/u32 codes                        dict->values[code], VT_TEXT / VT_BLOB
 *   ISO    u8/u16/u32/u64 codes                    the text of day or second number base + code
 *
 * VT_NUM FLAT: data is uint64_t, the bits of a double where `reals` has the bit, else an int64_t;
 * reals NULL means all INTEGER. Rows with their bit set in `nulls` are NULL and their data is
 * defined but meaningless; nulls NULL means none. VT_NULL: every row is NULL, data is NULL.
 *
 * Owner  everything is borrowed: from the chunk, or from the scratch arena that filled the vector.
 *        Vectors are valid until that arena is reset.
 */
#ifndef YODA_OLAP_VECTOR_H
#define YODA_OLAP_VECTOR_H

#include "base/arena.h"
#include "base/bits.h"
#include "base/value.h"

#define VECTOR_ROWS 2048u
#define VECTOR_WORDS (VECTOR_ROWS / 64)

enum vtype { VT_NULL = 0, VT_INT, VT_REAL, VT_NUM, VT_TEXT, VT_BLOB };
enum vform { VF_FLAT = 0, VF_CONST, VF_BITS, VF_CODES, VF_DICT, VF_ISO };

struct strref {
    const char *ptr;
    uint32_t size;
};

/* A dictionary of one column chunk: distinct values sorted by memcmp, so code order is value order.
 * id is unique in the process: caches per dictionary are keyed by it. */
struct dict {
    uint64_t id;
    uint32_t count;
    const struct strref *values; /* [count] */
};

struct vector {
    enum vtype type;
    enum vform form;
    uint8_t code_width; /* bytes: 1, 2, 4, 8 */
    uint8_t scale;      /* decimal digits, CODES of VT_REAL / VT_NUM */
    uint8_t iso_kind;   /* enum iso_kind, VF_ISO */
    uint32_t count;
    int64_t base;
    const void *data;
    const uint64_t *nulls; /* [BITMAP_WORDS(count)] */
    const uint64_t *reals; /* [BITMAP_WORDS(count)], VT_NUM FLAT / CONST */
    const struct dict *dict;
};

/* 10^0 .. 10^15, the divisors of CODES with a scale. */
#define VECTOR_SCALE_MAX 15
extern const double vector_power10[VECTOR_SCALE_MAX + 1];

static inline bool vector_is_null(const struct vector *v, uint32_t row)
{
    return v->type == VT_NULL || (v->nulls && bit_get(v->nulls, v->form == VF_CONST ? 0 : row));
}

/* Bring a vector into FLAT form in the arena (returns it as is when FLAT already). */
YODA_MUST_CHECK yoda_status vector_flatten(const struct vector *in, struct arena *arena,
                                           struct vector *out, yoda_error *err);
/* Keep the rows listed in sel ([n] ascending or any order, each < in->count); codes stay codes. */
YODA_MUST_CHECK yoda_status vector_gather(const struct vector *in, const uint16_t *sel, uint32_t n,
                                          struct arena *arena, struct vector *out,
                                          yoda_error *err);
/* Read one row (slow path). Text that has to be made (ISO) goes into the arena. */
YODA_MUST_CHECK yoda_status vector_value(const struct vector *in, uint32_t row,
                                         struct arena *arena, struct value *out, yoda_error *err);

/* List the set bits of the first `count` bits: out [count]; returns how many. */
uint32_t bitmap_to_selection(const uint64_t *bits, uint32_t count, uint16_t *out);

#endif
