/*
 * segment_format.h -- bytes of a segment file, "seg-<id>-<generation>.yoda", little-endian.
 *
 *   header   [128]
 *   chunks   one per column in column order, each at a multiple of 64, zero bytes between
 *   entries  [columns * 64], one per chunk, at a multiple of 64
 *   trailer  [64], the last bytes of the file
 *
 * Header     offset size                      Entry      offset size
 *                 0    8  SEGMENT_MAGIC                       0    8  offset of the chunk
 *                 8    4  SEGMENT_FORMAT                      8    8  its size without padding
 *                12    4  columns                            16    8  XXH3 of its bytes
 *                16   16  database id                        24    4  classes (CLASS_* bits)
 *                32    8  schema hash                        28    4  zone kind
 *                40    8  segment id                         32    4  zone null count
 *                48    4  generation                         36    4  zero
 *                52    4  rows                               40    8  zone min
 *                56   64  zero                               48    8  zone max
 *               120    8  XXH3 of [0, 120)                   56    8  zero
 *
 * Trailer    offset size
 *                 0    8  offset of the entries
 *                 8    8  size of the file
 *                16    8  segment id
 *                24    4  generation
 *                28    4  columns
 *                32    4  rows
 *                36    4  SEGMENT_FORMAT
 *                40    8  the header's checksum
 *                48    8  XXH3 of the entries and of trailer bytes [0, 48)
 *                56    8  SEGMENT_MAGIC_END
 *
 * The checksums of chunks and trailer are place-bound: the seed is the XXH3 of struct
 * segment_place_bytes, so bytes of another database, segment, generation, column or offset do not
 * pass. The trailer's place has column SEGMENT_NO_COLUMN.
 *
 * Valid if and only if: both magics, the format and all checksums are right; identity, rows and
 * columns are those of the manifest's record; the chunks tile [128, offset of the entries) in order
 * with less than 64 zero bytes after each; the entries end where the trailer begins; the file has
 * the stated size; every zero is zero; each chunk satisfies chunk_format.h. Chunks are checked at
 * first touch, everything else at open.
 *
 * History: 1: first; 2: chunks of version 2.
 */
#ifndef YODA_STORE_SEGMENT_FORMAT_H
#define YODA_STORE_SEGMENT_FORMAT_H

#include "base/status.h"

#define SEGMENT_MAGIC UINT64_C(0x3147455341444f59)     /* "YODASEG1" */
#define SEGMENT_MAGIC_END UINT64_C(0x31444e4541444f59) /* "YODAEND1" */
#define SEGMENT_FORMAT 2u
#define SEGMENT_ALIGN 64u
#define SEGMENT_NO_COLUMN UINT32_MAX

struct segment_header_bytes {
    uint64_t magic;
    uint32_t format, columns;
    uint8_t database_id[16];
    uint64_t schema_hash, segment_id;
    uint32_t generation, rows;
    uint8_t zero[64];
    uint64_t checksum;
};

struct segment_entry_bytes {
    uint64_t offset, size, checksum;
    uint32_t classes, zone_kind, zone_nulls, zero1;
    uint64_t zone_min, zone_max;
    uint64_t zero2;
};

struct segment_trailer_bytes {
    uint64_t entries_offset, file_size, segment_id;
    uint32_t generation, columns, rows, format;
    uint64_t header_checksum, checksum, magic;
};

struct segment_place_bytes {
    uint8_t database_id[16];
    uint64_t segment_id, offset;
    uint32_t generation, column;
};

static_assert(sizeof(struct segment_header_bytes) == 128, "header");
static_assert(offsetof(struct segment_header_bytes, generation) == 48, "header");
static_assert(offsetof(struct segment_header_bytes, checksum) == 120, "header");
static_assert(sizeof(struct segment_entry_bytes) == 64, "entry");
static_assert(offsetof(struct segment_entry_bytes, zone_min) == 40, "entry");
static_assert(sizeof(struct segment_trailer_bytes) == 64, "trailer");
static_assert(offsetof(struct segment_trailer_bytes, checksum) == 48, "trailer");
static_assert(sizeof(struct segment_place_bytes) == 40, "place");

#endif
