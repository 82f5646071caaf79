/*
 * encoding.h -- what an encoding is: a table of functions; private to src/olap/column.
 *
 * A chunk's bytes are the same in memory and in a file (chunk_format.h), so encoding means writing
 * them once and parsing what was written: every chunk that a reader sees went through the same
 * checks. An encoding builds the bytes, attaches to parsed ones, and reads rows out of them. One
 * with ordered codes also compares a code with a constant, which is all that predicates on codes
 * need.
 */
#ifndef YODA_OLAP_ENCODING_H
#define YODA_OLAP_ENCODING_H

#include "olap/column/chunk.h"
#include "olap/column/chunk_format.h"

struct encoding_ops;

struct chunk {
    _Atomic uint32_t rows, classes; /* ENC_RAW: grow while readers look */
    _Atomic uint64_t held_bytes;
    const struct encoding_ops *ops;
    /* Encoded chunks only: all pointers go into bytes, except dict_values. */
    struct buffer *bytes;
    const struct chunk_header *header;
    const struct zone_record *zones; /* [vectors] */
    const uint64_t *nulls;           /* NULL where none */
    const void *codes;
    const uint8_t *tags;
    const uint64_t *reals;
    const uint32_t *offsets;
    const char *text;
    struct dict dict;           /* DICT, and CONSTANT of TEXT or BLOB */
    struct buffer *dict_values; /* struct strref [dict.count] */
    uint64_t code_first;        /* REAL: codes are the doubles' order keys minus this */
    uint64_t code_last;         /* largest code that `compare` may be asked for */
    struct chunk_sum sum;       /* where sum_known */
    bool sum_known;
};

/* 2,048 rows of an open segment. */
struct raw_block {
    union {
        int64_t i;
        double r;
        const char *p;
        uint64_t bits;
    } payload[VECTOR_ROWS]; /* NULL rows: 0 */
    uint32_t sizes[VECTOR_ROWS];
    uint8_t tags[VECTOR_ROWS]; /* yoda_type */
};
/* The block of rows [vector * VECTOR_ROWS, ...); NULL where no row of it was written yet. */
const struct raw_block *chunk_raw_block(const struct chunk *raw, uint32_t vector);

/* The rows to encode and what a first pass found out about them. */
struct source {
    const struct chunk *raw;
    uint32_t rows, vectors;
    uint32_t classes, null_count;
    const uint64_t *nulls; /* [BITMAP_WORDS(rows)] */
    uint64_t text_bytes;
    struct zone zone, zones[SEGMENT_VECTORS];
    void *scratch; /* 8 bytes a row */
    struct mem_budget *budget;
};
/* Rows of one block that belong to the source. */
static inline uint32_t source_block_rows(const struct source *source, uint32_t vector)
{
    uint32_t left = source->rows - vector * VECTOR_ROWS;
    return left < VECTOR_ROWS ? left : VECTOR_ROWS;
}
static inline const uint64_t *source_block_nulls(const struct source *source, uint32_t vector)
{
    return source->zones[vector].null_count ? source->nulls + (size_t)vector * VECTOR_WORDS : NULL;
}

struct encoding_ops {
    enum encoding encoding;
    const char *name;
    /* Write the source's bytes; *out stays NULL where this encoding does not hold or not pay. */
    yoda_status (*build)(const struct source *source, struct buffer **out, yoda_error *err);
    /* Check what only this encoding knows; the sections are set and of the right size. */
    yoda_status (*attach)(struct chunk *chunk, yoda_error *err);
    /* Read rows of classes that fit `want`; out has type, count. */
    yoda_status (*read)(const struct chunk *chunk, uint32_t row, uint32_t count, enum vtype want,
                        struct arena *arena, struct vector *out, yoda_error *err);
    /* Same for row + sel[i]; NULL: read, then vector_gather. */
    yoda_status (*gather)(const struct chunk *chunk, uint32_t row, const uint16_t *sel, uint32_t n,
                          enum vtype want, struct arena *arena, struct vector *out,
                          yoda_error *err);
    /* What a code stands for; NULL where an encoding has its own `value` and `compare`. */
    struct value (*code_value)(const struct chunk *chunk, uint64_t code);
    /* Read one row that is not NULL (ENC_RAW: any). */
    yoda_status (*value)(const struct chunk *chunk, uint32_t row, struct arena *arena,
                         struct value *out, yoda_error *err);
    /* Order of a code's value against a constant, ascending with the code; NULL: unordered. */
    int (*compare)(const struct chunk *chunk, uint64_t code, const struct value *constant,
                   enum collation collation);
    void (*destroy)(struct chunk *chunk); /* ENC_RAW */
};

extern const struct encoding_ops encoding_raw_ops, encoding_null_ops, encoding_constant_ops,
    encoding_for_ops, encoding_decimal_ops, encoding_real_ops, encoding_num_ops, encoding_dict_ops,
    encoding_iso_ops, encoding_plain_ops, encoding_mixed_ops;
const struct encoding_ops *encoding_ops_of(enum encoding encoding); /* NULL where unknown */

/* ---- Bytes ---------------------------------------------------------------------------------- */

/* The sections of a chunk, in their order. */
enum section { SECTION_NULLS, SECTION_CODES, SECTION_TAGS, SECTION_REALS, SECTION_OFFSETS,
               SECTION_TEXT, SECTION_COUNT };
/*
 * Make a chunk's bytes from a header with encoding, widths, base and text sizes set: fills the rest
 * of the header, zones and nulls from the source, zeroes the gaps. *sections[i] is where the
 * encoding writes.
 */
yoda_status chunk_bytes_create(const struct source *source, struct chunk_header *header,
                               struct buffer **out, uint8_t *sections[SECTION_COUNT],
                               yoda_error *err);

/* Add the distinct values of a source that was encoded as chunk (sketch.c). */
struct sketch;
void sketch_source(const struct source *source, const struct chunk *chunk, struct sketch *into);

/* Of a parsed chunk: what chunk_sum answers (chunk_facts.c). */
void chunk_facts_make(struct chunk *chunk);

/* ---- Codes ---------------------------------------------------------------------------------- */

uint8_t codes_width(uint64_t max);
uint64_t codes_get(const void *codes, uint8_t width, size_t row);
/* Store code value - base at [at, at + n); 0 in NULL rows (nulls may be NULL). */
void codes_write(void *codes, uint8_t width, size_t at, const int64_t *values,
                 const uint64_t *nulls, size_t n, int64_t base);
/* Build FOR codes of source->scratch (int64_t [rows]) between min and max. */
yoda_status codes_build(const struct source *source, struct chunk_header *header, int64_t min,
                        int64_t max, struct buffer **out, yoda_error *err);
/* Is the largest code what the header says? */
yoda_status codes_check(struct chunk *chunk, yoda_error *err);
/* encoding_ops.value and .compare of an encoding that has code_value. */
yoda_status codes_value(const struct chunk *chunk, uint32_t row, struct arena *arena,
                        struct value *out, yoda_error *err);
int codes_compare(const struct chunk *chunk, uint64_t code, const struct value *constant,
                  enum collation collation);

/* ---- Reading -------------------------------------------------------------------------------- */

/* The NULL bits of a vector, NULL where it has none. */
const uint64_t *chunk_nulls(const struct chunk *chunk, uint32_t row);
/* A bitmap with the first count bits set. */
uint64_t *chunk_all_bits(struct arena *arena, uint32_t count);
void chunk_read_null(enum vtype want, uint32_t count, struct vector *out);
/* n entries of offsets + text as strrefs; sel may be NULL: rows in order. */
struct strref *chunk_strrefs(const uint32_t *offsets, const char *text, uint32_t row,
                             const uint16_t *sel, uint32_t n, struct arena *arena);
static inline struct value chunk_bytes_value(const struct chunk *chunk, const char *p,
                                             uint32_t size)
{
    return (struct value){.type = chunk->header->value_type, .size = size, .p = p};
}
/* Make chunk->dict of [count] entries of offsets + text. */
yoda_status chunk_make_dict(struct chunk *chunk, uint32_t count, const uint32_t *offsets,
                            yoda_error *err);

/* ---- Zones ---------------------------------------------------------------------------------- */

/* Zone of the first rows of a block, as the chunk's classes say. */
struct zone zone_of_block(const struct raw_block *block, uint32_t rows, const uint64_t *nulls,
                          uint32_t null_count, uint32_t chunk_classes);
void zone_merge(struct zone *into, const struct zone *zone);
struct zone_record zone_pack(const struct zone *zone);
struct zone zone_unpack(const struct zone_record *record);
/* First 8 bytes, big-endian, padded with zeros. */
uint64_t zone_prefix(const char *p, uint32_t size);

#endif
