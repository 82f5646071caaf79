/*
 * segment.h -- rows at fixed positions, one chunk per column; and the place a segment has.
 *
 *   struct segment        what versions point at: RAW while it fills, encoded, or from a file
 *   struct segment_place  what the RAW object and its sealed successor share: id, number, file
 *
 * A segment's chunks never change once set: RAW and encoded ones are there from the start, those of
 * a file are loaded one by one at first touch. Sealing makes a new object at the same place. Both
 * are reference-counted; the number goes back to the table with the last reference to the place.
 */
#ifndef YODA_STORE_SEGMENT_H
#define YODA_STORE_SEGMENT_H

#include "olap/store/row_id.h"
#include "olap/store/segment_file.h"
#include "olap/store/store.h"

#include <pthread.h>

struct file_node; /* file_list.h */

struct segment_place {
    _Atomic uint32_t refs;
    uint32_t number;
    uint64_t id;
    struct row_numbers *numbers;
    _Atomic uint64_t file_bytes; /* of the committed file */
    /* Owned by whoever owns the checkpoint (store_state.h): */
    uint32_t generation;      /* of the committed file, 0: none    */
    uint32_t generation_last; /* last one tried                    */
    uint32_t file_rows;
    uint64_t file_checksum;
    struct file_node *node; /* the committed file's, borrowed */
};

YODA_MUST_CHECK yoda_status segment_place_create(struct row_numbers *numbers, uint64_t id,
                                                 struct segment_place **out, yoda_error *err);
struct segment_place *segment_place_acquire(struct segment_place *place);
void segment_place_release(struct segment_place *place); /* NULL is fine */

struct segment {
    _Atomic uint32_t refs;
    uint32_t column_count;
    uint32_t rows; /* of its chunks; 0 for RAW */
    bool raw;
    struct segment_place *place;
    struct segment_file *file;  /* where chunks not yet set are, or NULL */
    _Atomic uint64_t raw_bytes; /* RAW: memory held when last published  */
    pthread_mutex_t load_lock;
    _Atomic(struct chunk *) chunks[]; /* [column_count] */
};

/* All three share the place. */
YODA_MUST_CHECK yoda_status segment_create_raw(struct segment_place *place, uint32_t column_count,
                                               struct mem_budget *budget, struct segment **out,
                                               yoda_error *err);
/* Takes the chunks [column_count] on success. */
YODA_MUST_CHECK yoda_status segment_create_encoded(struct segment_place *place,
                                                   uint32_t column_count, uint32_t rows,
                                                   struct chunk **chunks, struct segment **out,
                                                   yoda_error *err);
/* Takes the file on success. */
YODA_MUST_CHECK yoda_status segment_create_file(struct segment_place *place,
                                                struct segment_file *file, struct segment **out,
                                                yoda_error *err);
struct segment *segment_acquire(struct segment *segment);
void segment_release(struct segment *segment); /* NULL is fine */

/* CLASS_* bits and zone of a column, without loading it. RAW: the writer only. */
uint32_t segment_classes(const struct segment *segment, uint32_t column);
struct zone segment_zone(const struct segment *segment, uint32_t column);
/* RAW: note the memory held, for readers of segment_memory_bytes. Writer only. */
void segment_note_raw_bytes(struct segment *segment);

#endif
