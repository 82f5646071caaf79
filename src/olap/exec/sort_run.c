/*
 * sort_run.c -- see sort_run.h.
 *
 * The merge keeps one block of each run in a row buffer and the runs in a heap by their next row.
 * What comes out is listed as row references; they are gathered and pushed when a row set is full or
 * before a block goes that they may point into.
 */
#include "olap/exec/sort_run.h"

#include "olap/exec/flat_vector.h"

#define BLOCK_ROWS 256u /* a merge holds one block of every run */

void sort_runs_deinit(struct sort_runs *runs)
{
    spill_destroy(runs->spill);
    mem_free(runs->extents);
    *runs = (struct sort_runs){0};
}

static yoda_status add_extent(struct sort_runs *runs, yoda_error *err)
{
    if (runs->count == runs->room) {
        size_t room = runs->room ? 2 * runs->room : 8;
        struct spill_extent *grown = mem_realloc(runs->extents, room * sizeof *grown);
        if (!grown)
            return fail_nomem(err, room * sizeof *grown);
        runs->extents = grown;
        runs->room = room;
    }
    spill_end(runs->spill, &runs->extents[runs->count++]);
    return YODA_OK;
}

yoda_status sort_runs_add(struct sort_runs *runs, const struct run *run, const struct plan *plan,
                          const struct sort_shape *shape, const struct row_buffer *rows,
                          const struct sort_entry *entries, uint32_t count, yoda_error *err)
{
    struct arena scratch;
    if (!runs->spill)
        TRY(spill_create(run, plan, shape->types, shape->column_count, shape->kept, &runs->spill,
                         err));
    uint32_t *order = mem_alloc((count + (size_t)1) * sizeof *order);
    if (!order)
        return fail_nomem(err, count * sizeof *order);
    for (uint32_t i = 0; i < count; i++)
        order[i] = entries[i].row;
    arena_init(&scratch, run->context->budget);
    yoda_status status = spill_write_buffer(runs->spill, rows, order, count, BLOCK_ROWS, &scratch,
                                            err);
    arena_deinit(&scratch);
    mem_free(order);
    return status == YODA_OK ? add_extent(runs, err) : status;
}

/* ---- Merging ---- */

struct merge_run {
    struct spill_reader reader;
    struct row_buffer rows; /* the current block */
    struct buffer *entries; /* struct sort_entry, [rows.rows] */
    uint32_t at;
};

struct merge {
    const struct sort_shape *shape;
    struct worker *worker;
    struct sort_order order;
    const struct row_buffer **buffers; /* [count] */
    struct merge_run *runs;            /* [count] */
    uint32_t *heap;                    /* [heap_count] runs, the one with the next row first */
    uint32_t count, heap_count;
    struct row_ref *refs; /* [VECTOR_ROWS] */
    uint32_t pending;     /* of refs */
    uint64_t left;        /* of the limit */
};

static const struct sort_entry *head_of(const struct merge *m, uint32_t run)
{
    const struct merge_run *r = &m->runs[run];
    ASSERT(r->at < r->rows.rows);
    return (const struct sort_entry *)(const void *)r->entries->data + r->at;
}

static bool is_before(const struct merge *m, uint32_t a, uint32_t b)
{
    return sort_key_compare(&m->order, head_of(m, a), head_of(m, b)) < 0;
}

static void sift_down(struct merge *m, uint32_t at)
{
    for (;;) {
        uint32_t child = 2 * at + 1, run = m->heap[at];
        if (child >= m->heap_count)
            return;
        if (child + 1 < m->heap_count && is_before(m, m->heap[child + 1], m->heap[child]))
            child++;
        if (!is_before(m, m->heap[child], run))
            return;
        m->heap[at] = m->heap[child];
        m->heap[child] = run;
        at = child;
    }
}

static yoda_status emit(struct merge *m, yoda_error *err)
{
    struct row_set set;
    TRY(pipeline_step(m->worker, err));
    if (m->pending == 0)
        return YODA_OK;
    TRY(row_buffer_gather(m->refs, m->pending, &m->worker->scratch, &set, err));
    m->pending = 0;
    return pipeline_push(m->worker, &set, err);
}

/* Read a run's next block; 0 rows at its end. */
static yoda_status refill(struct merge *m, uint32_t index, yoda_error *err)
{
    struct merge_run *r = &m->runs[index];
    struct arena *scratch = &m->worker->scratch;
    struct row_set set;
    r->at = 0;
    row_buffer_clear(&r->rows);
    TRY(spill_read(&r->reader, scratch, &set, err));
    if (set.rows == 0)
        return YODA_OK;
    TRY(row_buffer_append(&r->rows, &set, scratch, err));
    uint64_t *prefixes = arena_array(scratch, uint64_t, set.rows);
    if (!prefixes)
        return run_nomem(err, "sorting");
    if (m->order.key_count) {
        const struct sort_key *key = &m->order.keys[0];
        struct vector flat;
        TRY(flat_vector_as(&set.columns[key->column], m->shape->types[key->column], scratch, &flat,
                           err));
        sort_key_prefixes(key, &flat, prefixes);
    }
    TRY(buffer_reserve(r->entries, set.rows * sizeof(struct sort_entry), err));
    struct sort_entry *entries = (struct sort_entry *)(void *)r->entries->data;
    for (uint32_t i = 0; i < set.rows; i++)
        entries[i] = (struct sort_entry){prefixes[i], i, index};
    return YODA_OK;
}

/* Take the next row; its run advances. */
static yoda_status advance(struct merge *m, yoda_error *err)
{
    uint32_t run = m->heap[0];
    struct merge_run *r = &m->runs[run];
    m->refs[m->pending++] = (struct row_ref){&r->rows, r->at++};
    m->left--;
    if (r->at == r->rows.rows || m->pending == VECTOR_ROWS)
        TRY(emit(m, err));
    if (r->at == r->rows.rows)
        TRY(refill(m, run, err));
    if (r->rows.rows == 0)
        m->heap[0] = m->heap[--m->heap_count];
    sift_down(m, 0);
    return YODA_OK;
}

static yoda_status open_runs(struct merge *m, const struct sort_runs *runs, uint32_t workers,
                             yoda_error *err)
{
    struct mem_budget *budget = m->worker->scratch.budget;
    for (uint32_t w = 0, n = 0; w < workers; w++) {
        for (size_t i = 0; i < runs[w].count; i++, n++) {
            struct merge_run *r = &m->runs[n];
            m->buffers[n] = &r->rows;
            TRY(row_buffer_init(&r->rows, m->shape->types, m->shape->column_count, m->shape->kept,
                                budget, err));
            TRY(buffer_create(0, budget, &r->entries, err));
            TRY(spill_reader_init(&r->reader, runs[w].spill, &runs[w].extents[i], 1, err));
            TRY(pipeline_step(m->worker, err));
            TRY(refill(m, n, err));
            if (r->rows.rows)
                m->heap[m->heap_count++] = n;
        }
    }
    for (uint32_t at = m->heap_count / 2; at-- > 0;)
        sift_down(m, at);
    return YODA_OK;
}

static yoda_status merge_all(struct merge *m, const struct sort_runs *runs, uint32_t workers,
                             yoda_error *err)
{
    TRY(open_runs(m, runs, workers, err));
    while (m->heap_count && m->left && !pipeline_stopped(m->worker))
        TRY(advance(m, err));
    return emit(m, err);
}

yoda_status sort_runs_merge(const struct sort_runs *runs, uint32_t workers,
                            const struct sort_shape *shape, uint64_t limit, struct worker *worker,
                            yoda_error *err)
{
    struct merge m = {.shape = shape, .worker = worker, .left = limit};
    struct arena arena;
    for (uint32_t w = 0; w < workers; w++)
        m.count += (uint32_t)runs[w].count;
    arena_init(&arena, worker->scratch.budget);
    m.runs = arena_array(&arena, struct merge_run, m.count + 1);
    m.heap = arena_array(&arena, uint32_t, m.count + 1);
    m.buffers = arena_array(&arena, const struct row_buffer *, m.count + 1);
    m.refs = arena_array(&arena, struct row_ref, VECTOR_ROWS);
    m.order = (struct sort_order){shape->keys, shape->key_count, m.buffers};
    yoda_status status = YODA_OK;
    if (m.runs && m.heap && m.buffers && m.refs)
        status = merge_all(&m, runs, workers, err);
    else
        status = run_nomem(err, "sorting");
    for (uint32_t i = 0; m.runs && i < m.count; i++) {
        spill_reader_deinit(&m.runs[i].reader);
        row_buffer_deinit(&m.runs[i].rows);
        buffer_release(m.runs[i].entries);
    }
    arena_deinit(&arena);
    return status;
}
