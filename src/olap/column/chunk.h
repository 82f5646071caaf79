/*
 * chunk.h -- one column of one segment, encoded; immutable once it is.
 *
 * Encodings (the interface is open for bit-packing, RLE, delta: add a vtable in encoding_*.c)
 *   ENC_RAW       tagged values of an open segment (13 bytes a value), any mix of classes
 *   ENC_NULL      all rows NULL
 *   ENC_CONSTANT  one value in every row that is not NULL
 *   ENC_FOR       integers: base + u8/u16/u32/u64 code
 *   ENC_DECIMAL   REALs (or REAL and INTEGER mixed the way NUMERIC affinity mixes them: INTEGER
 *                 exactly where integral) as FOR codes over value * 10^scale; only where every
 *                 value comes back bit for bit
 *   ENC_REAL      plain doubles
 *   ENC_NUM       plain 8 bytes + a bitmap telling INTEGER from REAL
 *   ENC_DICT      sorted dictionary + u8/u16/u32 codes, TEXT or BLOB
 *   ENC_ISO       ISO date / timestamp text as FOR codes of day / second numbers; only where every
 *                 text comes back byte for byte
 *   ENC_PLAIN     u32 offsets + bytes, TEXT or BLOB
 *   ENC_MIXED     tagged values: no query runs on it, rows can be read one by one
 *
 * classes tells which storage classes occur (CLASS_* bits); a query's vector type for a column is
 * decided from the union over the segments it reads. NULLs: a bitmap only where there are some;
 * their slots hold the base.
 *
 * Zone maps: min, max and null count for the chunk and for each 2,048 rows, as `struct zone`.
 */
#ifndef YODA_OLAP_CHUNK_H
#define YODA_OLAP_CHUNK_H

#include "base/bits.h"
#include "base/buffer.h"
#include "olap/column/vector.h"

#define SEGMENT_ROWS 131072u
#define SEGMENT_VECTORS (SEGMENT_ROWS / VECTOR_ROWS)

enum encoding {
    ENC_RAW = 0,
    ENC_NULL,
    ENC_CONSTANT,
    ENC_FOR,
    ENC_DECIMAL,
    ENC_REAL,
    ENC_NUM,
    ENC_DICT,
    ENC_ISO,
    ENC_PLAIN,
    ENC_MIXED
};

enum {
    CLASS_INTEGER = 1,
    CLASS_REAL = 2,
    CLASS_TEXT = 4,
    CLASS_BLOB = 8,
    CLASS_NULL = 16,
    CLASS_NEGATIVE_ZERO = 32, /* a REAL -0.0 occurs: equal to 0.0 but not the same bits        */
    CLASS_INTEGRAL_REAL = 64, /* a REAL equal to an int64 occurs: with INTEGERs beside it, equal
                                 values of two types                                          */
    CLASS_INFINITE = 128      /* an infinite REAL occurs                                       */
};
#define CLASS_VALUES 15 /* the four storage classes */
#define CLASS_ALL 255u

/* The vector type that can hold these classes; VT_NULL for none; false when none can (mixed). */
bool vtype_of_classes(uint32_t classes, enum vtype *out);
/* CLASS_* bits of one value. */
uint32_t class_of_value(const struct value *v);

enum iso_kind {
    ISO_DATE = 1,     /* YYYY-MM-DD, days since 1970-01-01                 */
    ISO_DATETIME = 2, /* YYYY-MM-DD HH:MM:SS, seconds since then           */
    ISO_DATETIME_T = 3 /* YYYY-MM-DDTHH:MM:SS                              */
};
#define ISO_TEXT_MAX 20
/* Parse exactly the canonical text (years 0000-9999, real calendar days); false otherwise. */
bool iso_parse(const char *text, size_t size, enum iso_kind kind, int64_t *out);
/* Write the canonical text, return its length (10 or 19). */
size_t iso_format(int64_t number, enum iso_kind kind, char out[ISO_TEXT_MAX]);

/* Bounds of the values that are not NULL. Numbers: as the chunk's class says; a chunk with both
 * INTEGER and REAL uses doubles rounded outward. TEXT and BLOB: 8-byte big-endian prefixes, padded
 * with zeros (max rounded up where it was cut). */
struct zone {
    enum {
        ZONE_NONE = 0, /* unknown */
        ZONE_EMPTY,    /* only NULLs */
        ZONE_INT,
        ZONE_REAL,
        ZONE_PREFIX, /* of TEXT */
        ZONE_BLOB    /* prefix of BLOBs */
    } kind;
    uint32_t null_count;
    union {
        int64_t i;
        double r;
        uint64_t prefix;
    } min, max;
};

struct chunk;

void chunk_destroy(struct chunk *chunk); /* NULL is fine */
enum encoding chunk_encoding(const struct chunk *chunk);
const char *encoding_name(enum encoding encoding);
uint32_t chunk_rows(const struct chunk *chunk);
uint32_t chunk_classes(const struct chunk *chunk);
uint64_t chunk_bytes(const struct chunk *chunk); /* memory held */
/* zone of the whole chunk (vector == UINT32_MAX) or of one vector. ENC_RAW: ZONE_NONE. */
struct zone chunk_zone(const struct chunk *chunk, uint32_t vector);
/* Can its values be read as `want`? Not of ENC_RAW. */
bool chunk_fits(const struct chunk *chunk, enum vtype want);

/* ---- What it knows of all its rows at once (chunk_facts.c) ---------------------------------- */

struct chunk_sum { /* exact; the values are numbers / 10^scale */
    uint64_t count;   /* values that are not NULL */
    int128 total;     /* of the numbers */
    double magnitude; /* all their absolute values together, about, or more */
    int scale;
    bool real; /* some value is REAL: one of INTEGERs alone has scale 0 */
};
/* False where the sum is not known: ENC_RAW, what is read as doubles (plain ones, codes of 8 bytes,
 * a REAL constant), what is no number. */
bool chunk_sum(const struct chunk *chunk, struct chunk_sum *out);

struct chunk_bounds { /* values that occur */
    struct value min, max;
    char text[2][ISO_TEXT_MAX]; /* may be what they point to */
};
/* The least and the greatest value, texts under BINARY; false where they are not known, as in
 * ENC_RAW, and where there are none. */
bool chunk_bounds(const struct chunk *chunk, struct chunk_bounds *out);

/* ---- Reading -------------------------------------------------------------------------------- */

/*
 * Read rows [row, row + count) as `want` (vtype_of_classes of the query's union: VT_NUM may be
 * asked of an INTEGER chunk, any type of an all-NULL one). Codes stay codes; zero copy where
 * possible. out->type is always `want`; an all-NULL range may come as one CONST NULL of that type.
 *
 * Requires  row % VECTOR_ROWS == 0, count <= VECTOR_ROWS, row + count <= rows visible to the reader
 * Errors    YODA_NOMEM, YODA_NOT_COLUMNAR (the values do not fit `want`: never a wrong answer)
 */
YODA_MUST_CHECK yoda_status chunk_read(const struct chunk *chunk, uint32_t row, uint32_t count,
                                       enum vtype want, struct arena *arena, struct vector *out,
                                       yoda_error *err);
/* Same for the n rows row + sel[i]: only those are touched. */
YODA_MUST_CHECK yoda_status chunk_gather(const struct chunk *chunk, uint32_t row,
                                         const uint16_t *sel, uint32_t n, enum vtype want,
                                         struct arena *arena, struct vector *out,
                                         yoda_error *err);
/* Have both chunks a dictionary, and the same values in it? */
bool chunk_same_dict(const struct chunk *a, const struct chunk *b);
/* Read one value of any encoding; made text goes into the arena, other bytes are borrowed. */
YODA_MUST_CHECK yoda_status chunk_value(const struct chunk *chunk, uint32_t row,
                                        struct arena *arena, struct value *out, yoda_error *err);

/* ---- The open segment's form ---------------------------------------------------------------- */
/*
 * Tagged values appended by one writer while readers read rows below the count that was published
 * to them (the publication orders memory; nothing here moves or is rewritten below that count).
 * Per 2,048 rows: u8 tags, u64 payloads, u32 sizes; text bytes in append-only arenas.
 */
YODA_MUST_CHECK yoda_status chunk_raw_create(struct mem_budget *budget, struct chunk **out,
                                             yoda_error *err);
/* Append at `row` (== rows so far, or a row not yet published: it is then overwritten). */
YODA_MUST_CHECK yoda_status chunk_raw_set(struct chunk *chunk, uint32_t row,
                                          const struct value *value, yoda_error *err);

/* ---- Encoding ------------------------------------------------------------------------------- */
/* Choose the smallest exact encoding for rows [0, rows) of a RAW chunk and build it. */
YODA_MUST_CHECK yoda_status chunk_encode(const struct chunk *raw, uint32_t rows,
                                         struct mem_budget *budget, struct chunk **out,
                                         yoda_error *err);

/* ---- Files -------------------------------------------------------------------------------------
 * chunk_format.h has the byte table. A chunk is one contiguous byte string; checksums and place
 * binding belong to the segment file around it. Parsing validates every bound even though the
 * checksum passed: offsets monotone and inside, codes below the dictionary size, widths legal.
 */
YODA_MUST_CHECK yoda_status chunk_serialize(const struct chunk *chunk, struct buffer **out,
                                            yoda_error *err);
/* Takes a reference to bytes and points into it. Errors: YODA_CORRUPT naming what is wrong. */
YODA_MUST_CHECK yoda_status chunk_parse(struct buffer *bytes, uint32_t rows, struct chunk **out,
                                        yoda_error *err);

#endif
