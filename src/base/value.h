/*
 * value.h -- one SQLite value, and SQLite's order of values.
 *
 * The tag is SQLite's storage class with SQLite's numbers (yoda_type). TEXT is UTF-8 and may hold
 * NULs; bytes are borrowed. A REAL is never NaN (SQLite stores NaN as NULL).
 */
#ifndef YODA_BASE_VALUE_H
#define YODA_BASE_VALUE_H

#include "base/status.h"

enum collation {
    COLLATE_BINARY = 0, /* memcmp, then length                     */
    COLLATE_NOCASE = 1, /* ASCII letters folded                    */
    COLLATE_RTRIM = 2   /* trailing spaces (0x20) ignored          */
};

enum affinity {
    AFFINITY_BLOB = 0, /* also "none" */
    AFFINITY_TEXT,
    AFFINITY_NUMERIC,
    AFFINITY_INTEGER,
    AFFINITY_REAL
};

struct value {
    uint8_t type; /* yoda_type */
    uint32_t size;
    union {
        int64_t i;
        double r;
        const char *p; /* [size], TEXT and BLOB */
    };
};

static inline struct value value_null(void)
{
    return (struct value){.type = YODA_NULL};
}
static inline struct value value_int(int64_t i)
{
    return (struct value){.type = YODA_INTEGER, .i = i};
}
static inline struct value value_real(double r)
{
    return (struct value){.type = YODA_REAL, .r = r};
}
static inline struct value value_text(const char *p, size_t size)
{
    return (struct value){.type = YODA_TEXT, .size = (uint32_t)size, .p = p};
}
static inline struct value value_blob(const char *p, size_t size)
{
    return (struct value){.type = YODA_BLOB, .size = (uint32_t)size, .p = p};
}

/* The affinity of a declared column type by SQLite's rules (INT, CHAR/CLOB/TEXT, BLOB, ...). */
enum affinity affinity_of_declaration(const char *declared_type, size_t length);

/* Compare texts under a collation: <0, 0, >0. */
int text_compare(const char *a, size_t a_size, const char *b, size_t b_size, enum collation c);
/* Compare an integer with a real exactly, as sqlite3IntFloatCompare does. */
int int_real_compare(int64_t i, double r);
/* SQLite's total order: NULL < numbers < TEXT < BLOB; numbers by value across INTEGER and REAL. */
int value_compare(const struct value *a, const struct value *b, enum collation c);
/* Same class and same bits (REALs by bits, so -0.0 differs from 0.0). */
bool value_identical(const struct value *a, const struct value *b);

/* Append a key's normal form (equal keys under the collation give equal bytes: an integral REAL
 * becomes an INTEGER, NOCASE folds, RTRIM trims) to out; returns bytes written; needs
 * value_key_bound(v) bytes. */
size_t value_key_bound(const struct value *v);
size_t value_key_write(const struct value *v, enum collation c, uint8_t *out);

#endif
