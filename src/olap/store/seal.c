/*
 * seal.c -- encode full RAW segments; row positions and the segment's place stay.
 *
 * Two ways there. A segment that one merge has filled alone is in no version yet and is encoded on
 * the spot (seal_merged), so that a merge of millions of rows holds one RAW segment at a time. All
 * others, which fill over many small merges, are left to maintenance (seal_step): no small merge
 * waits for an encoding.
 */
#include "olap/store/maintain.h"

/* ---- Encoding -------------------------------------------------------------------------------- */

struct encode_job {
    const struct segment *segment;
    struct mem_budget *budget;
    uint32_t rows;
    struct chunk **out;
};

static yoda_status encode_column(void *ctx, uint32_t worker, uint32_t column, yoda_error *err)
{
    const struct encode_job *job = ctx;
    YODA_UNUSED(worker);
    return chunk_encode(segment_chunk_loaded(job->segment, column), job->rows, job->budget,
                        &job->out[column], err);
}

void seal_release_chunks(struct chunk **chunks, uint32_t count)
{
    for (uint32_t c = 0; chunks && c < count; c++) {
        chunk_destroy(chunks[c]);
        chunks[c] = NULL;
    }
}

yoda_status seal_encode(struct store *store, const struct segment *segment, uint32_t rows,
                        struct chunk **out, yoda_error *err)
{
    ASSERT(segment->raw && rows > 0);
    struct encode_job job = {
        .segment = segment, .budget = store->budget, .rows = rows, .out = out};
    for (uint32_t c = 0; c < segment->column_count; c++)
        out[c] = NULL;
    yoda_status status =
        task_pool_run(store->pool, segment->column_count, encode_column, &job, err);
    if (status != YODA_OK)
        seal_release_chunks(out, segment->column_count);
    return status;
}

static yoda_status encode(struct store *store, const struct segment *raw, struct segment **out,
                          yoda_error *err)
{
    struct chunk **chunks = mem_calloc(raw->column_count, sizeof *chunks);
    if (!chunks)
        return fail_nomem(err, raw->column_count * sizeof *chunks);
    yoda_status status = seal_encode(store, raw, SEGMENT_ROWS, chunks, err);
    if (status == YODA_OK) {
        status = segment_create_encoded(raw->place, raw->column_count, SEGMENT_ROWS, chunks, out,
                                        err);
        if (status != YODA_OK)
            seal_release_chunks(chunks, raw->column_count);
    }
    mem_free(chunks);
    return status;
}

/* ---- Picking and swapping in ----------------------------------------------------------------- */

static bool is_sealable(const struct table *table, const struct table_segment *ts)
{
    return ts->segment->raw && ts->rows == SEGMENT_ROWS && !compact_is_due(table, ts);
}

static struct segment *find_sealable(const struct table *table)
{
    for (uint32_t i = 0; i < table->segment_count; i++)
        if (is_sealable(table, &table->segments[i]))
            return table->segments[i].segment;
    return NULL;
}

bool seal_is_due(const struct table *table)
{
    return find_sealable(table) != NULL;
}

static struct segment *pick(struct store *store, uint32_t *tid)
{
    struct segment *found = NULL;
    store_write_begin(store);
    for (uint32_t t = 0; !found && t < store->table_count; t++) {
        found = find_sealable(store->tables[t]);
        *tid = store->tables[t]->tid;
    }
    if (found)
        segment_acquire(found);
    store_write_end(store);
    return found;
}

static yoda_status publish_sealed(struct store *store, uint32_t tid, const struct segment *raw,
                                  struct segment *sealed, yoda_error *err)
{
    const struct table_state *from = store_published(store, tid);
    uint32_t at = compact_find(from, raw);
    if (at == TABLE_NO_SEGMENT)
        return YODA_OK;
    struct table_segment with = {.segment = sealed,
                                 .deleted = from->bitmaps[at],
                                 .rows = from->segments[at].rows};
    struct table_state *state = NULL;
    TRY(table_state_replace(from, at, 1, &with, &state, err));
    yoda_status status = store_republish(store, state, err);
    if (status != YODA_OK)
        table_state_release(state);
    return status;
}

static yoda_status swap_in(struct store *store, uint32_t tid, const struct segment *raw,
                           struct segment *sealed, yoda_error *err)
{
    struct table *table = store_find_table(store, tid);
    uint32_t at = table ? table_segment_index(table, raw) : TABLE_NO_SEGMENT;
    if (at == TABLE_NO_SEGMENT)
        return YODA_OK;
    TRY(publish_sealed(store, tid, raw, sealed, err));
    struct table_segment ts = table->segments[at];
    ASSERT(ts.rows == sealed->rows);
    ts.segment = segment_acquire(sealed);
    ts.deleted = delete_bitmap_acquire(ts.deleted);
    table_replace_segments(table, at, 1, &ts);
    return YODA_OK;
}

void seal_merged(struct table *table, uint32_t index)
{
    struct table_segment ts = table->segments[index];
    struct segment *raw = ts.segment;
    ASSERT(raw->raw && ts.rows == SEGMENT_ROWS && ts.published_rows == 0);
    if (encode(table->store, raw, &ts.segment, NULL) != YODA_OK)
        return;
    ts.deleted = delete_bitmap_acquire(ts.deleted);
    table_replace_segments(table, index, 1, &ts);
    table->store->sealed_by_merges++;
}

yoda_status seal_step(struct store *store, uint64_t *sealed, yoda_error *err)
{
    uint32_t tid = 0;
    struct segment *raw = pick(store, &tid), *made = NULL;
    *sealed = 0;
    if (!raw)
        return YODA_OK;
    yoda_status status = encode(store, raw, &made, err);
    if (status == YODA_OK) {
        store_write_begin(store);
        status = swap_in(store, tid, raw, made, err);
        segment_release(made);
        segment_release(raw);
        store_write_end(store);
        *sealed = status == YODA_OK;
        return status;
    }
    segment_release(raw);
    return status;
}
