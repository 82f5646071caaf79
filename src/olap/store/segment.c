/*
 * segment.c -- segments, their places, and loading chunks at first touch.
 *
 * A load happens once per column: under the segment's lock, published by a release store; everybody
 * else sees the pointer by an acquire load. A failed load leaves nothing and is tried again by the
 * next reader.
 */
#include "olap/store/segment.h"

/* ---- Places ---------------------------------------------------------------------------------- */

yoda_status segment_place_create(struct row_numbers *numbers, uint64_t id,
                                 struct segment_place **out, yoda_error *err)
{
    *out = NULL;
    struct segment_place *place = mem_calloc(1, sizeof *place);
    if (!place)
        return fail_nomem(err, sizeof *place);
    yoda_status status = row_numbers_take(numbers, &place->number, err);
    if (status != YODA_OK) {
        mem_free(place);
        return status;
    }
    atomic_init(&place->refs, 1);
    place->id = id;
    place->numbers = row_numbers_acquire(numbers);
    *out = place;
    return YODA_OK;
}

struct segment_place *segment_place_acquire(struct segment_place *place)
{
    atomic_fetch_add_explicit(&place->refs, 1, memory_order_relaxed);
    return place;
}

void segment_place_release(struct segment_place *place)
{
    if (!place || atomic_fetch_sub_explicit(&place->refs, 1, memory_order_acq_rel) != 1)
        return;
    row_numbers_give(place->numbers, place->number);
    row_numbers_release(place->numbers);
    mem_free(place);
}

/* ---- Segments -------------------------------------------------------------------------------- */

static yoda_status create(struct segment_place *place, uint32_t column_count, uint32_t rows,
                          struct segment **out, yoda_error *err)
{
    ASSERT(column_count > 0 && column_count <= TABLE_COLUMNS_MAX && rows <= SEGMENT_ROWS);
    size_t size = sizeof(struct segment) + column_count * sizeof(_Atomic(struct chunk *));
    struct segment *segment = mem_calloc(1, size);
    *out = segment;
    if (!segment)
        return fail_nomem(err, size);
    atomic_init(&segment->refs, 1);
    pthread_mutex_init(&segment->load_lock, NULL);
    segment->column_count = column_count;
    segment->rows = rows;
    segment->place = segment_place_acquire(place);
    return YODA_OK;
}

yoda_status segment_create_raw(struct segment_place *place, uint32_t column_count,
                               struct mem_budget *budget, struct segment **out, yoda_error *err)
{
    struct segment *segment = NULL;
    *out = NULL;
    TRY(create(place, column_count, 0, &segment, err));
    segment->raw = true;
    for (uint32_t c = 0; c < column_count; c++) {
        struct chunk *chunk = NULL;
        yoda_status status = chunk_raw_create(budget, &chunk, err);
        if (status != YODA_OK) {
            segment_release(segment);
            return status;
        }
        atomic_init(&segment->chunks[c], chunk);
    }
    *out = segment;
    return YODA_OK;
}

yoda_status segment_create_encoded(struct segment_place *place, uint32_t column_count,
                                   uint32_t rows, struct chunk **chunks, struct segment **out,
                                   yoda_error *err)
{
    TRY(create(place, column_count, rows, out, err));
    for (uint32_t c = 0; c < column_count; c++) {
        ASSERT(chunk_rows(chunks[c]) == rows && chunk_encoding(chunks[c]) != ENC_RAW);
        atomic_init(&(*out)->chunks[c], chunks[c]);
    }
    return YODA_OK;
}

yoda_status segment_create_file(struct segment_place *place, struct segment_file *file,
                                struct segment **out, yoda_error *err)
{
    TRY(create(place, file->identity.columns, file->identity.rows, out, err));
    (*out)->file = file;
    return YODA_OK;
}

struct segment *segment_acquire(struct segment *segment)
{
    atomic_fetch_add_explicit(&segment->refs, 1, memory_order_relaxed);
    return segment;
}

void segment_release(struct segment *segment)
{
    if (!segment || atomic_fetch_sub_explicit(&segment->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (uint32_t c = 0; c < segment->column_count; c++)
        chunk_destroy(segment_chunk_loaded(segment, c));
    segment_file_close(segment->file);
    segment_place_release(segment->place);
    pthread_mutex_destroy(&segment->load_lock);
    mem_free(segment);
}

struct chunk *segment_chunk_loaded(const struct segment *segment, uint32_t column)
{
    ASSERT(column < segment->column_count);
    return atomic_load_explicit(&segment->chunks[column], memory_order_acquire);
}

bool segment_is_open(const struct segment *segment)
{
    const struct chunk *chunk = segment_chunk_loaded(segment, 0);
    return chunk && chunk_encoding(chunk) == ENC_RAW;
}

static yoda_status load(struct segment *segment, uint32_t column, struct chunk **out,
                        yoda_error *err)
{
    ASSERT(segment->file);
    yoda_status status = YODA_OK;
    pthread_mutex_lock(&segment->load_lock);
    *out = segment_chunk_loaded(segment, column);
    if (!*out)
        status = segment_file_load(segment->file, column, out, err);
    if (status == YODA_OK)
        atomic_store_explicit(&segment->chunks[column], *out, memory_order_release);
    pthread_mutex_unlock(&segment->load_lock);
    return status;
}

yoda_status segment_chunk(struct segment *segment, uint32_t column, const struct chunk **out,
                          yoda_error *err)
{
    struct chunk *chunk = segment_chunk_loaded(segment, column);
    yoda_status status = chunk ? YODA_OK : load(segment, column, &chunk, err);
    *out = status == YODA_OK ? chunk : NULL;
    return status;
}

uint64_t segment_id(const struct segment *segment)
{
    return segment->place->id;
}

uint32_t segment_classes(const struct segment *segment, uint32_t column)
{
    if (segment->file)
        return segment_file_classes(segment->file, column);
    return chunk_classes(segment_chunk_loaded(segment, column));
}

struct zone segment_zone(const struct segment *segment, uint32_t column)
{
    if (segment->file)
        return segment_file_zone(segment->file, column);
    return chunk_zone(segment_chunk_loaded(segment, column), UINT32_MAX);
}

static uint64_t chunks_bytes(const struct segment *segment)
{
    uint64_t bytes = 0;
    for (uint32_t c = 0; c < segment->column_count; c++) {
        const struct chunk *chunk = segment_chunk_loaded(segment, c);
        bytes += chunk ? chunk_bytes(chunk) : 0;
    }
    return bytes;
}

void segment_note_raw_bytes(struct segment *segment)
{
    ASSERT(segment->raw);
    atomic_store_explicit(&segment->raw_bytes, chunks_bytes(segment), memory_order_relaxed);
}

uint64_t segment_memory_bytes(const struct segment *segment)
{
    if (segment->raw)
        return atomic_load_explicit(&segment->raw_bytes, memory_order_relaxed);
    return chunks_bytes(segment);
}

uint64_t segment_file_bytes(const struct segment *segment)
{
    return atomic_load_explicit(&segment->place->file_bytes, memory_order_relaxed);
}
