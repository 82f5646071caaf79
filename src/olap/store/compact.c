/*
 * compact.c -- rewrite runs of segments without their dead rows.
 *
 * Due are segments whose share of dead rows is past the limit; small sealed segments next to them
 * go along, and runs of at least RUN_MIN small ones are merged for their own sake. A run's live
 * rows fit in one segment, which keeps their order.
 *
 * The base of a job is what the newest version shows of the run (for a table that is in no version:
 * the writer's state). The result has exactly the base's live rows. What was deleted while it was
 * made, by later publishes or by merges not yet published, is found by comparing bitmaps with the
 * base and marked in the result: once for the version published again, once for the writer, if
 * these differ. Then the key index is moved, where it still names the old row.
 */
#include "olap/store/maintain.h"

#define RUN_MIN 4u
#define SMALL_ROWS (SEGMENT_ROWS / 2)

struct source {
    struct segment *segment;    /* a reference              */
    struct delete_bitmap *base; /* a reference, NULL: none  */
    uint32_t rows, live;
};

struct job {
    struct store *store;
    uint32_t tid;
    struct table_def def;
    struct source *sources; /* [count] */
    uint32_t count, live;
    struct segment_place *place; /* of the result; NULL when live == 0 */
    struct chunk **chunks;       /* [column_count] */
    uint64_t *keys;              /* [live] key bits of the rows of the result */
    struct segment *made;
};

/* ---- What to rewrite ------------------------------------------------------------------------- */

uint32_t compact_find(const struct table_state *state, const struct segment *segment)
{
    for (uint32_t i = 0; state && i < state->version.segment_count; i++)
        if (state->segments[i].segment == segment)
            return i;
    return TABLE_NO_SEGMENT;
}

/* Frozen, and the newest version (if the table is in it) shows just what the writer has: the base
 * then has all known deletes, and rewriting makes progress. */
static bool may_compact(const struct table *table, const struct table_segment *ts)
{
    bool frozen = !ts->segment->raw || ts->rows == SEGMENT_ROWS;
    bool known = ts->published_rows == ts->rows && !ts->deleted_private;
    return frozen && ts->rows > 0 && (!table->published || known);
}

bool compact_is_due(const struct table *table, const struct table_segment *ts)
{
    uint64_t dead = table_segment_deleted(ts);
    uint64_t limit = (uint64_t)ts->rows * table->store->compact_deleted_percent;
    return may_compact(table, ts) && (dead == ts->rows || dead * 100 > limit);
}

static uint32_t live_rows(const struct table_segment *ts)
{
    return ts->rows - table_segment_deleted(ts);
}

static bool is_candidate(const struct table *table, const struct table_segment *ts)
{
    return compact_is_due(table, ts) || (may_compact(table, ts) && live_rows(ts) < SMALL_ROWS);
}

/* The run of candidates that begins at first: how many segments; is one of them due? */
static uint32_t run_length(const struct table *table, uint32_t first, bool *due)
{
    uint32_t n = 0, rows = 0;
    *due = false;
    for (; first + n < table->segment_count; n++) {
        const struct table_segment *ts = &table->segments[first + n];
        if (!is_candidate(table, ts) || rows + live_rows(ts) > SEGMENT_ROWS)
            break;
        rows += live_rows(ts);
        *due |= compact_is_due(table, ts);
    }
    return n;
}

static bool find_run(const struct table *table, uint32_t *first, uint32_t *count)
{
    for (uint32_t i = 0; i < table->segment_count;) {
        bool due = false;
        uint32_t n = run_length(table, i, &due);
        if (due || n >= RUN_MIN) {
            *first = i;
            *count = n;
            return true;
        }
        i += n > 0 ? n : 1;
    }
    return false;
}

bool compact_run_is_due(const struct table *table)
{
    uint32_t first = 0, count = 0;
    return find_run(table, &first, &count);
}

/* ---- Planning, under the lock ---------------------------------------------------------------- */

static void job_deinit(struct job *job)
{
    for (uint32_t i = 0; i < job->count; i++) {
        segment_release(job->sources[i].segment);
        delete_bitmap_release(job->sources[i].base);
    }
    seal_release_chunks(job->chunks, job->def.column_count);
    segment_release(job->made);
    segment_place_release(job->place);
    mem_free(job->sources);
    mem_free(job->chunks);
    mem_free(job->keys);
}

static yoda_status add_source(struct job *job, const struct table *table,
                              const struct table_segment *ts, yoda_error *err)
{
    struct source *source = &job->sources[job->count];
    uint32_t at = compact_find(table->published, ts->segment);
    *source = (struct source){.rows = ts->rows};
    if (table->published) {
        ASSERT(at != TABLE_NO_SEGMENT && table->published->segments[at].rows == ts->rows);
        source->base = delete_bitmap_acquire(table->published->bitmaps[at]);
    } else if (ts->deleted) { /* the writer goes on changing its own */
        TRY(delete_bitmap_create(ts->deleted, job->store->budget, &source->base, err));
    }
    source->segment = segment_acquire(ts->segment);
    source->live = source->rows - (source->base ? source->base->count : 0);
    job->live += source->live;
    job->count++;
    return YODA_OK;
}

static yoda_status plan_run(struct job *job, struct table *table, uint32_t first, uint32_t count,
                            yoda_error *err)
{
    job->tid = table->tid;
    job->def = table->def;
    job->sources = mem_calloc(count, sizeof *job->sources);
    if (!job->sources)
        return fail_nomem(err, count * sizeof *job->sources);
    for (uint32_t i = 0; i < count; i++)
        TRY(add_source(job, table, &table->segments[first + i], err));
    ASSERT(job->live <= SEGMENT_ROWS);
    if (job->live > 0)
        TRY(table_new_place(table, &job->place, err));
    return YODA_OK;
}

static yoda_status plan(struct job *job, yoda_error *err)
{
    yoda_status status = YODA_OK;
    store_write_begin(job->store);
    for (uint32_t t = 0; status == YODA_OK && job->count == 0 && t < job->store->table_count; t++) {
        struct table *table = job->store->tables[t];
        uint32_t first = 0, count = 0;
        if (find_run(table, &first, &count))
            status = plan_run(job, table, first, count, err);
    }
    store_write_end(job->store);
    return status;
}

/* ---- Rewriting, outside the lock ------------------------------------------------------------- */

static const uint64_t *base_words(const struct source *source)
{
    return source->base ? source->base->words : NULL;
}

static yoda_status copy_column(const struct source *source, uint32_t column, struct chunk *to,
                               uint32_t *row_out, struct arena *arena, yoda_error *err)
{
    const struct chunk *from = NULL;
    const uint64_t *dead = base_words(source);
    TRY(segment_chunk(source->segment, column, &from, err));
    for (uint32_t row = 0; row < source->rows; row++) {
        struct value v;
        if (row % VECTOR_ROWS == 0)
            arena_reset(arena);
        if (dead && bit_get(dead, row))
            continue;
        TRY(chunk_value(from, row, arena, &v, err));
        TRY(chunk_raw_set(to, (*row_out)++, &v, err));
    }
    return YODA_OK;
}

static yoda_status rewrite_column(void *ctx, uint32_t worker, uint32_t column, yoda_error *err)
{
    struct job *job = ctx;
    struct chunk *raw = NULL;
    struct arena arena;
    uint32_t rows = 0;
    YODA_UNUSED(worker);
    TRY(chunk_raw_create(job->store->budget, &raw, err));
    arena_init(&arena, NULL);
    yoda_status status = YODA_OK;
    for (uint32_t i = 0; status == YODA_OK && i < job->count; i++)
        status = copy_column(&job->sources[i], column, raw, &rows, &arena, err);
    ASSERT(status != YODA_OK || rows == job->live);
    if (status == YODA_OK)
        status = chunk_encode(raw, rows, job->store->budget, &job->chunks[column], err);
    arena_deinit(&arena);
    chunk_destroy(raw);
    return status;
}

static yoda_status read_keys(struct job *job, yoda_error *err)
{
    uint64_t *out = job->keys = mem_alloc(job->live * sizeof *job->keys);
    if (!out)
        return fail_nomem(err, job->live * sizeof *job->keys);
    for (uint32_t i = 0; i < job->count; i++) {
        const struct source *source = &job->sources[i];
        TRY(table_key_read(&job->def, source->segment, source->rows, base_words(source), out, err));
        out += source->live;
    }
    return YODA_OK;
}

static yoda_status rewrite(struct job *job, yoda_error *err)
{
    uint32_t columns = job->def.column_count;
    if (job->live == 0)
        return YODA_OK;
    TRY(read_keys(job, err));
    job->chunks = mem_calloc(columns, sizeof *job->chunks);
    if (!job->chunks)
        return fail_nomem(err, columns * sizeof *job->chunks);
    TRY(task_pool_run(job->store->pool, columns, rewrite_column, job, err));
    TRY(segment_create_encoded(job->place, columns, job->live, job->chunks, &job->made, err));
    mem_free(job->chunks); /* the segment has what they pointed at */
    job->chunks = NULL;
    return YODA_OK;
}

/* ---- Swapping in, under the lock ------------------------------------------------------------- */

/* Mark in `to` what is dead in `now` but not in the base; `at` is the source's first row. */
static void translate(const struct source *source, const struct delete_bitmap *now, uint32_t at,
                      struct delete_bitmap *to)
{
    const uint64_t *base = base_words(source);
    for (uint32_t row = 0; row < source->rows; row++) {
        if (base && bit_get(base, row))
            continue;
        if (bit_get(now->words, row))
            delete_bitmap_set(to, at);
        at++;
    }
}

/* The bitmap of the result for bitmaps now[count] of its sources; NULL when nothing is dead. */
static yoda_status translate_all(const struct job *job, struct delete_bitmap *const *now,
                                 struct delete_bitmap **out, yoda_error *err)
{
    uint32_t at = 0;
    *out = NULL;
    for (uint32_t i = 0; i < job->count; i++) {
        const struct source *source = &job->sources[i];
        uint32_t before = source->base ? source->base->count : 0;
        if (now[i] && now[i]->count > before) {
            if (!*out)
                TRY(delete_bitmap_create(NULL, job->store->budget, out, err));
            translate(source, now[i], at, *out);
        }
        at += source->live;
    }
    ASSERT(at == job->live);
    return YODA_OK;
}

static yoda_status publish_result(const struct job *job, const struct table_state *from,
                                  uint32_t first, yoda_error *err)
{
    struct table_segment with = {.segment = job->made, .rows = job->live};
    struct table_state *state = NULL;
    TRY(translate_all(job, from->bitmaps + first, &with.deleted, err));
    yoda_status status =
        table_state_replace(from, first, job->count, job->made ? &with : NULL, &state, err);
    delete_bitmap_release(with.deleted); /* the state has its own reference */
    TRY(status);
    status = store_republish(job->store, state, err);
    if (status != YODA_OK)
        table_state_release(state);
    return status;
}

static void move_keys(const struct job *job, struct table *table)
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < job->count && table->index_built; i++) {
        const struct source *source = &job->sources[i];
        const uint64_t *base = base_words(source);
        uint32_t number = source->segment->place->number;
        for (uint32_t row = 0; row < source->rows; row++) {
            if (base && bit_get(base, row))
                continue;
            key_index_move(&table->index, job->keys[at], row_id_make(number, row),
                           row_id_make(job->place->number, at));
            at++;
        }
    }
}

/* Do the sources still stand side by side? */
static bool still_there(const struct job *job, const struct table *table, uint32_t first)
{
    for (uint32_t i = 0; i < job->count; i++)
        if (first + i >= table->segment_count ||
            table->segments[first + i].segment != job->sources[i].segment)
            return false;
    return true;
}

static yoda_status writer_bitmap(const struct job *job, const struct table *table, uint32_t first,
                                 struct delete_bitmap **out, yoda_error *err)
{
    struct delete_bitmap **now = mem_calloc(job->count, sizeof(struct delete_bitmap *));
    *out = NULL;
    if (!now)
        return fail_nomem(err, job->count * sizeof(struct delete_bitmap *));
    for (uint32_t i = 0; i < job->count; i++)
        now[i] = table->segments[first + i].deleted;
    yoda_status status = translate_all(job, now, out, err);
    mem_free(now);
    return status;
}

static yoda_status exchange(const struct job *job, struct table *table, uint32_t first,
                            yoda_error *err)
{
    struct table_segment with = {.rows = job->live};
    const struct table_state *from = store_published(job->store, job->tid);
    uint32_t published_first = compact_find(from, job->sources[0].segment);
    if (job->place)
        TRY(table_reserve_segment(table, job->place, err));
    yoda_status status = writer_bitmap(job, table, first, &with.deleted, err);
    if (status == YODA_OK && published_first != TABLE_NO_SEGMENT) {
        with.published_rows = with.rows;
        status = publish_result(job, from, published_first, err);
    }
    if (status != YODA_OK) {
        delete_bitmap_release(with.deleted);
        return status;
    }
    move_keys(job, table);
    with.deleted_private = with.deleted != NULL;
    with.segment = job->made ? segment_acquire(job->made) : NULL;
    table_replace_segments(table, first, job->count, job->made ? &with : NULL);
    return YODA_OK;
}

static yoda_status swap_in(const struct job *job, yoda_error *err)
{
    struct table *table = store_find_table(job->store, job->tid);
    uint32_t first =
        table ? table_segment_index(table, job->sources[0].segment) : TABLE_NO_SEGMENT;
    if (first == TABLE_NO_SEGMENT || !still_there(job, table, first))
        return YODA_OK;
    return exchange(job, table, first, err);
}

yoda_status compact_step(struct store *store, uint64_t *compacted, yoda_error *err)
{
    struct job job = {.store = store};
    *compacted = 0;
    yoda_status status = plan(&job, err);
    if (status == YODA_OK && job.count > 0)
        status = rewrite(&job, err);
    store_write_begin(store);
    if (status == YODA_OK && job.count > 0)
        status = swap_in(&job, err);
    if (status == YODA_OK)
        *compacted = job.count;
    job_deinit(&job);
    store_write_end(store);
    return status;
}
