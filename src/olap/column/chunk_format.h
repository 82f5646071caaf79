/*
 * chunk_format.h -- the bytes of a column chunk, in memory and on disk.
 *
 * A chunk is one byte string: header, one zone per 2,048 rows, then the sections its encoding has,
 * in this order, each starting at a multiple of 64 (the gaps are zero):
 *
 *   nulls    u64 [words(rows)]     bit 1 = NULL; only when the header's zone counts NULLs and the
 *                                  encoding is not NULL
 *   codes    [rows] x code_width   FOR, DECIMAL, DICT, ISO: codes; REAL: doubles; NUM: int64 or
 *                                  double bits; MIXED: the same, or the offset into text
 *   tags     u8 [rows]             MIXED: yoda_type
 *   reals    u64 [words(rows)]     NUM: bit 1 = REAL
 *   offsets  u32 [n + 1]           PLAIN (n = rows), DICT (n = dict_count): into text;
 *                                  MIXED: u32 [rows], sizes
 *   text     [stored_bytes]        PLAIN, DICT, MIXED, CONSTANT of TEXT or BLOB; LZ4 block when
 *                                  flags has CHUNK_LZ4 (PLAIN only; never in memory)
 *
 * The header, little-endian:
 *
 *   offset size  field
 *        0    4  magic "YDCK"
 *        4    1  version, 2
 *        5    1  encoding, enum encoding (never RAW)
 *        6    1  code_width
 *        7    1  scale, DECIMAL
 *        8    1  iso_kind, ISO
 *        9    1  value_type, yoda_type of CONSTANT, DICT, PLAIN; else 0
 *       10    1  flags
 *       11    1  zero
 *       12    4  rows
 *       16    4  classes, CLASS_* bits
 *       20    4  dict_count, DICT
 *       24    8  base, of codes; CONSTANT: the int64 or the double's bits
 *       32    8  code_max, the largest code
 *       40    8  text_bytes, of the text section unpacked
 *       48    8  stored_bytes, of the text section as stored
 *       56   24  zone of the chunk: u32 kind, u32 null_count, u64 min, u64 max (bits)
 *       80   48  distinct values: 64 HyperLogLog ranks of 6 bits (sketch.h)
 *
 * Valid exactly when: every field that the encoding does not use is 0; the sections end at the end
 * of the string; NULL counts equal the bitmap's; codes are at most code_max, and that is what
 * occurs; DICT codes are below dict_count and entries ascend by memcmp; offsets ascend from 0 to
 * text_bytes; ISO numbers lie in the years 0000 to 9999; doubles are not NaN; an INTEGER zone is
 * base and base + code_max; ranks are at most 59.
 *
 * History  1: first; 2: the sketch, where zeros were.
 */
#ifndef YODA_OLAP_CHUNK_FORMAT_H
#define YODA_OLAP_CHUNK_FORMAT_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#define CHUNK_MAGIC 0x4b434459u /* "YDCK" */
#define CHUNK_VERSION 2
#define CHUNK_LZ4 1 /* flags */
#define CHUNK_ALIGN 64

struct zone_record {
    uint32_t kind, null_count;
    uint64_t min, max;
};

struct chunk_header {
    uint32_t magic;
    uint8_t version, encoding, code_width, scale;
    uint8_t iso_kind, value_type, flags, zero;
    uint32_t rows, classes, dict_count;
    int64_t base;
    uint64_t code_max, text_bytes, stored_bytes;
    struct zone_record zone;
    uint8_t sketch[48];
};

static_assert(sizeof(struct zone_record) == 24, "zone record");
static_assert(sizeof(struct chunk_header) == 128, "chunk header");
static_assert(offsetof(struct chunk_header, encoding) == 5, "encoding");
static_assert(offsetof(struct chunk_header, iso_kind) == 8, "iso_kind");
static_assert(offsetof(struct chunk_header, rows) == 12, "rows");
static_assert(offsetof(struct chunk_header, dict_count) == 20, "dict_count");
static_assert(offsetof(struct chunk_header, base) == 24, "base");
static_assert(offsetof(struct chunk_header, code_max) == 32, "code_max");
static_assert(offsetof(struct chunk_header, stored_bytes) == 48, "stored_bytes");
static_assert(offsetof(struct chunk_header, zone) == 56, "zone");
static_assert(offsetof(struct chunk_header, sketch) == 80, "sketch");

#endif
