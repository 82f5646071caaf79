/*
 * spill.h -- rows that do not fit into memory: temporary files of row sets.
 *
 * A spill is one file of rows of one shape. Rows are appended; spill_end closes an extent, and a
 * reader gives the rows of a list of extents back, in order. spill_partitions (below) is the same
 * for rows that are dealt into partitions by a hash.
 *
 * The file is made in run_context.spill_directory and unlinked at once: it is gone with the last
 * descriptor, also after a crash. Nothing in it outlives the process, so it has neither a version
 * nor a checksum.
 *
 * Errors   YODA_FULL and YODA_IOERR name the file; YODA_NOMEM
 * Threads  one writer at a time; after the writing, readers on any threads
 */
#ifndef YODA_OLAP_SPILL_H
#define YODA_OLAP_SPILL_H

#include "olap/exec/pipeline.h"
#include "olap/exec/row_buffer.h"

struct spill; /* opaque; one file */

struct spill_extent { /* where some rows are */
    uint64_t begin, end; /* bytes of the file */
    uint64_t rows;
};

/*
 * Should a breaker that keeps own_bytes on one worker spill? Past knobs.spill_after_bytes where that
 * is set, otherwise when the run's budget gets short and the breaker's part of it is worth the
 * trouble. Always false without a spill_directory.
 */
bool spill_due(const struct run *run, uint64_t own_bytes);

/*
 * Make a spill for rows of these columns; others than kept (bitmap, NULL: all) are left out and come
 * back as placeholders. plan: whose profile counts the bytes, may be NULL. Everything is
 * borrowed.
 */
YODA_MUST_CHECK yoda_status spill_create(const struct run *run, const struct plan *plan,
                                         const enum vtype *types, uint32_t column_count,
                                         const uint64_t *kept, struct spill **out,
                                         yoda_error *err);
void spill_destroy(struct spill *spill); /* NULL is fine */

/* Append rows (all of them: no alive). Vectors of any form, as the types were planned. Row sets of
 * about VECTOR_ROWS rows are best: each is one block of the file. */
YODA_MUST_CHECK yoda_status spill_write(struct spill *spill, const struct row_set *in,
                                        struct arena *scratch, yoda_error *err);
/* Append rows order[0..count) (NULL: 0, 1, ...) of a buffer of the same shape, in blocks of so many
 * rows: what a reader holds at a time. Resets scratch. */
YODA_MUST_CHECK yoda_status spill_write_buffer(struct spill *spill, const struct row_buffer *rows,
                                               const uint32_t *order, uint32_t count,
                                               uint32_t block_rows, struct arena *scratch,
                                               yoda_error *err);
/* What was written since the last call, or the beginning. */
void spill_end(struct spill *spill, struct spill_extent *out);
/* After the last spill_end, before reading. */
YODA_MUST_CHECK yoda_status spill_finish(struct spill *spill, yoda_error *err);

struct spill_reader {
    struct spill *spill;
    const struct spill_extent *extents; /* borrowed, those not begun */
    size_t extent_count;
    uint64_t offset, end; /* of the current extent: not yet in the buffer */
    struct buffer *bytes; /* read ahead */
    size_t at;            /* into bytes: not yet given */
    uint64_t ahead_bytes; /* to read at a time */
};

YODA_MUST_CHECK yoda_status spill_reader_init(struct spill_reader *reader, struct spill *spill,
                                              const struct spill_extent *extents, size_t count,
                                              yoda_error *err);
void spill_reader_deinit(struct spill_reader *reader); /* zeroed: fine */
/* The next row set as FLAT vectors, at most VECTOR_ROWS rows; 0 rows at the end. Valid until the
 * next call and while the arena is not reset. */
YODA_MUST_CHECK yoda_status spill_read(struct spill_reader *reader, struct arena *arena,
                                       struct row_set *out, yoda_error *err);

/* ---- spill_partition.c ---------------------------------------------------------------------- */

#define SPILL_PARTITION_BITS 8u
#define SPILL_PARTITIONS (1u << SPILL_PARTITION_BITS)

struct spill_partitions; /* opaque; one spill, dealt into SPILL_PARTITIONS */

/* Arguments as for spill_create. */
YODA_MUST_CHECK yoda_status spill_partitions_create(const struct run *run, const struct plan *plan,
                                                    const enum vtype *types, uint32_t column_count,
                                                    const uint64_t *kept,
                                                    struct spill_partitions **out,
                                                    yoda_error *err);
void spill_partitions_destroy(struct spill_partitions *partitions); /* NULL is fine */
/* Row i goes to partition[i]. */
YODA_MUST_CHECK yoda_status spill_partitions_add(struct spill_partitions *partitions,
                                                 const struct row_set *in, const uint8_t *partition,
                                                 struct arena *scratch, yoda_error *err);
/* After the last row, before reading. */
YODA_MUST_CHECK yoda_status spill_partitions_end(struct spill_partitions *partitions,
                                                 yoda_error *err);
uint64_t spill_partitions_rows(const struct spill_partitions *partitions, uint32_t partition);
/* Read one partition. Threads: any, at once. */
YODA_MUST_CHECK yoda_status spill_partitions_reader(const struct spill_partitions *partitions,
                                                    uint32_t partition, struct spill_reader *out,
                                                    yoda_error *err);

#endif
