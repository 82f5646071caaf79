/*
 * op_sort.c -- ORDER BY, and the top N of it.
 *
 * Each worker keeps its rows and one entry (prefix, row) for each. With a limit it forgets what
 * cannot be among the first N: as soon as twice as many rows are there it sorts, keeps N, and takes
 * the N-th prefix as threshold; later rows above it are dropped before they are stored. In the end
 * the workers' entries are sorted in parallel and merged; the source reads the rows in that order.
 * When memory gets short a worker writes its rows to disk as a sorted run (sort_run.h); then in the
 * end everything is a run, and the runs are merged.
 */
#include "olap/exec/flat_vector.h"
#include "olap/exec/pipeline.h"
#include "olap/exec/sort_run.h"

#define TOP_LIMIT_MAX (UINT64_C(1) << 20) /* past it forgetting costs more than keeping */
#define TOP_ROWS_MIN 4096u

struct sort_local {
    struct row_buffer rows;
    struct buffer *entries; /* struct sort_entry, [rows.rows] */
    bool has_threshold;
    uint64_t threshold;
};

struct sort {
    struct op op; /* must be first */
    const struct plan *plan;
    const uint64_t *kept; /* columns needed above, and the keys */
    bool top;
    uint64_t limit;
    struct sort_local **locals; /* [workers] */
    struct sort_runs *runs;     /* [workers] */
    struct sort_shape shape;
    const struct row_buffer **buffers; /* [workers] */
    struct sort_order order;
    struct buffer *merged;
    uint64_t merged_count;
    struct source source;
};

static struct sort_entry *entries_of(const struct buffer *buffer)
{
    return (struct sort_entry *)(void *)buffer->data;
}

static void local_destroy(struct sort_local *local)
{
    if (!local)
        return;
    row_buffer_deinit(&local->rows);
    buffer_release(local->entries);
    mem_free(local);
}

static yoda_status local_init(struct sort *sort, struct sort_local *local, yoda_error *err)
{
    struct mem_budget *budget = sort->op.run->context->budget;
    TRY(row_buffer_init(&local->rows, sort->plan->types, sort->plan->column_count, sort->kept,
                        budget, err));
    return buffer_create(0, budget, &local->entries, err);
}

static yoda_status local_create(struct sort *sort, struct sort_local **out, yoda_error *err)
{
    struct sort_local *local = mem_calloc(1, sizeof *local);
    if (!local)
        return fail_nomem(err, sizeof *local);
    *out = local;
    return local_init(sort, local, err);
}

static uint64_t local_bytes(const struct sort_local *local)
{
    return row_buffer_bytes(&local->rows) + 2 * local->entries->capacity; /* scratch, too */
}

/* ---- Keeping rows ---- */

/* Sort one worker's entries; the order looks only at this worker's rows. */
static yoda_status sort_local(struct sort *sort, struct sort_local *local, uint32_t worker,
                              yoda_error *err)
{
    struct buffer *scratch;
    const struct row_buffer **buffers = sort->buffers;
    buffers[worker] = &local->rows;
    TRY(buffer_create(local->rows.rows * sizeof(struct sort_entry),
                      sort->op.run->context->budget, &scratch, err));
    sort_key_sort(&sort->order, entries_of(local->entries), entries_of(scratch),
                  local->rows.rows);
    buffer_release(scratch);
    return YODA_OK;
}

/* Copy the first `limit` rows in order into a new row buffer. */
static yoda_status copy_first(struct sort *sort, struct sort_local *local, struct row_buffer *rows,
                              struct arena *scratch, yoda_error *err)
{
    struct sort_entry *entries = entries_of(local->entries);
    TRY(row_buffer_init(rows, sort->plan->types, sort->plan->column_count, sort->kept,
                        sort->op.run->context->budget, err));
    for (uint32_t at = 0; at < sort->limit; at += VECTOR_ROWS) {
        uint64_t left = sort->limit - at;
        uint32_t n = left < VECTOR_ROWS ? (uint32_t)left : VECTOR_ROWS;
        struct row_ref *refs = arena_array(scratch, struct row_ref, n);
        struct row_set set;
        if (!refs)
            return run_nomem(err, "sorting");
        for (uint32_t i = 0; i < n; i++)
            refs[i] = (struct row_ref){&local->rows, entries[at + i].row};
        TRY(row_buffer_gather(refs, n, scratch, &set, err));
        TRY(row_buffer_append(rows, &set, scratch, err));
    }
    return YODA_OK;
}

static yoda_status forget(struct sort *sort, struct sort_local *local, uint32_t worker,
                          yoda_error *err)
{
    struct row_buffer rows;
    struct arena scratch;
    TRY(sort_local(sort, local, worker, err));
    arena_init(&scratch, sort->op.run->context->budget);
    yoda_status status = copy_first(sort, local, &rows, &scratch, err);
    arena_deinit(&scratch);
    if (status != YODA_OK) {
        row_buffer_deinit(&rows);
        return status;
    }
    row_buffer_deinit(&local->rows);
    local->rows = rows;
    struct sort_entry *entries = entries_of(local->entries);
    for (uint32_t i = 0; i < rows.rows; i++)
        entries[i].row = i;
    local->has_threshold = true;
    local->threshold = entries[rows.rows - 1].prefix;
    return YODA_OK;
}

/* Drop the rows above the threshold; *out is in or a smaller row set. */
static yoda_status drop(struct sort *sort, const struct sort_local *local, struct worker *worker,
                        const struct row_set *in, uint64_t *prefixes, struct row_set *out,
                        yoda_error *err)
{
    *out = *in;
    if (!local->has_threshold)
        return YODA_OK;
    uint16_t *sel = arena_alloc(&worker->scratch, VECTOR_ROWS * sizeof *sel + 64);
    if (!sel)
        return run_nomem(err, "sorting");
    uint32_t n = 0;
    for (uint32_t i = 0; i < in->rows; i++) {
        sel[n] = (uint16_t)i;
        prefixes[n] = prefixes[i];
        n += prefixes[i] <= local->threshold;
    }
    out->rows = n;
    if (n == 0 || n == in->rows)
        return YODA_OK;
    return row_set_gather(in, sort->kept, sel, n, &worker->scratch, out, err);
}

static yoda_status keep(struct sort_local *local, uint32_t worker, const struct row_set *rows,
                        const uint64_t *prefixes, struct arena *scratch, yoda_error *err)
{
    uint32_t first = local->rows.rows;
    TRY(buffer_reserve(local->entries, ((size_t)first + rows->rows) * sizeof(struct sort_entry),
                       err));
    local->entries->size = ((size_t)first + rows->rows) * sizeof(struct sort_entry);
    TRY(row_buffer_append(&local->rows, rows, scratch, err));
    struct sort_entry *entries = entries_of(local->entries);
    for (uint32_t i = 0; i < rows->rows; i++)
        entries[first + i] = (struct sort_entry){prefixes[i], first + i, worker};
    return YODA_OK;
}

/* A worker's rows become a run on disk. */
static yoda_status spill_local(struct sort *sort, struct sort_local *local, uint32_t worker,
                               yoda_error *err)
{
    uint32_t rows = local->rows.rows;
    if (rows == 0)
        return YODA_OK;
    TRY(sort_local(sort, local, worker, err));
    TRY(sort_runs_add(&sort->runs[worker], sort->op.run, sort->plan, &sort->shape, &local->rows,
                      entries_of(local->entries), rows < sort->limit ? rows : (uint32_t)sort->limit,
                      err));
    row_buffer_deinit(&local->rows); /* the memory goes, too */
    buffer_release(local->entries);
    local->entries = NULL;
    return local_init(sort, local, err);
}

static yoda_status sort_push(struct op *op, struct worker *worker, const struct row_set *in,
                             yoda_error *err)
{
    struct sort *sort = (struct sort *)op;
    struct sort_local **local = &sort->locals[worker->index];
    struct vector flat;
    struct row_set rows;
    if (sort->limit == 0) {
        atomic_store_explicit(&worker->pipeline->stopped, true, memory_order_relaxed);
        return YODA_OK;
    }
    if (!*local)
        TRY(local_create(sort, local, err));
    uint64_t *prefixes = arena_array(&worker->scratch, uint64_t, in->rows + 1);
    if (!prefixes)
        return run_nomem(err, "sorting");
    if (sort->order.key_count) {
        const struct sort_key *key = &sort->order.keys[0];
        const struct vector *column = &in->columns[key->column];
        TRY(flat_vector_as(column, sort->plan->types[key->column], &worker->scratch, &flat, err));
        sort_key_prefixes(key, &flat, prefixes);
    }
    TRY(drop(sort, *local, worker, in, prefixes, &rows, err));
    if (rows.rows == 0)
        return YODA_OK;
    TRY(keep(*local, worker->index, &rows, prefixes, &worker->scratch, err));
    if (sort->top && (*local)->rows.rows >= 2 * sort->limit + TOP_ROWS_MIN)
        TRY(forget(sort, *local, worker->index, err));
    if (spill_due(op->run, local_bytes(*local)))
        TRY(spill_local(sort, *local, worker->index, err));
    return YODA_OK;
}

/* ---- Reading them in order ---- */

static yoda_status sort_task(void *ctx, uint32_t worker, uint32_t index, yoda_error *err)
{
    struct sort *sort = ctx;
    YODA_UNUSED(worker);
    TRY(run_check(sort->op.run, err));
    return sort->locals[index] ? sort_local(sort, sort->locals[index], index, err) : YODA_OK;
}

/* The worker whose next entry comes first; `workers` when all are at their end. */
static uint32_t first_of(const struct sort *sort, const uint32_t *at)
{
    uint32_t workers = sort->op.run->workers, best = workers;
    for (uint32_t w = 0; w < workers; w++) {
        if (!sort->locals[w] || at[w] == sort->locals[w]->rows.rows)
            continue;
        if (best == workers ||
            sort_key_compare(&sort->order, &entries_of(sort->locals[w]->entries)[at[w]],
                             &entries_of(sort->locals[best]->entries)[at[best]]) < 0)
            best = w;
    }
    return best;
}

static yoda_status merge(struct sort *sort, yoda_error *err)
{
    uint64_t total = 0;
    struct run *run = sort->op.run;
    for (uint32_t w = 0; w < run->workers; w++)
        total += sort->locals[w] ? sort->locals[w]->rows.rows : 0;
    total = total < sort->limit ? total : sort->limit;
    uint32_t *at = arena_array(&run->arena, uint32_t, run->workers);
    if (!at)
        return run_nomem(err, "sorting");
    TRY(buffer_create(total * sizeof(struct sort_entry), run->context->budget, &sort->merged,
                      err));
    struct sort_entry *merged = entries_of(sort->merged);
    for (uint64_t i = 0; i < total; i++) {
        uint32_t w = first_of(sort, at);
        ASSERT(w < run->workers);
        merged[i] = entries_of(sort->locals[w]->entries)[at[w]++];
    }
    sort->merged_count = total;
    return YODA_OK;
}

static yoda_status end_runs(void *ctx, uint32_t worker, uint32_t index, yoda_error *err)
{
    struct sort *sort = ctx;
    YODA_UNUSED(worker);
    TRY(run_check(sort->op.run, err));
    if (sort->locals[index])
        TRY(spill_local(sort, sort->locals[index], index, err));
    return sort->runs[index].spill ? spill_finish(sort->runs[index].spill, err) : YODA_OK;
}

static yoda_status runs_read(struct source *source, struct worker *worker, uint32_t morsel,
                             yoda_error *err)
{
    struct sort *sort = (struct sort *)((char *)source - offsetof(struct sort, source));
    ASSERT(morsel == 0);
    YODA_UNUSED(morsel);
    return sort_runs_merge(sort->runs, sort->op.run->workers, &sort->shape, sort->limit, worker,
                           err);
}

static yoda_status sort_finish(struct op *op, struct source **out, yoda_error *err)
{
    struct sort *sort = (struct sort *)op;
    bool spilled = false;
    for (uint32_t w = 0; w < op->run->workers; w++)
        spilled |= sort->runs[w].spill != NULL;
    *out = &sort->source;
    if (spilled) {
        sort->source = (struct source){.morsel_count = 1, .run = runs_read};
        return run_tasks(op->run, op->run->workers, end_runs, sort, err);
    }
    TRY(run_tasks(op->run, op->run->workers, sort_task, sort, err));
    TRY(merge(sort, err));
    sort->source.morsel_count = sort->merged_count > 0;
    return YODA_OK;
}

static yoda_status sort_read(struct source *source, struct worker *worker, uint32_t morsel,
                             yoda_error *err)
{
    struct sort *sort = (struct sort *)((char *)source - offsetof(struct sort, source));
    const struct sort_entry *entries = entries_of(sort->merged);
    ASSERT(morsel == 0);
    YODA_UNUSED(morsel);
    for (uint64_t at = 0; at < sort->merged_count && !pipeline_stopped(worker);
         at += VECTOR_ROWS) {
        TRY(pipeline_step(worker, err));
        uint64_t left = sort->merged_count - at;
        uint32_t n = left < VECTOR_ROWS ? (uint32_t)left : VECTOR_ROWS;
        struct row_ref *refs = arena_array(&worker->scratch, struct row_ref, n);
        struct row_set set;
        if (!refs)
            return run_nomem(err, "sorting");
        for (uint32_t i = 0; i < n; i++)
            refs[i] = (struct row_ref){sort->buffers[entries[at + i].buffer], entries[at + i].row};
        TRY(row_buffer_gather(refs, n, &worker->scratch, &set, err));
        TRY(pipeline_push(worker, &set, err));
    }
    return YODA_OK;
}

static void sort_destroy(struct op *op)
{
    struct sort *sort = (struct sort *)op;
    for (uint32_t w = 0; sort->locals && w < op->run->workers; w++)
        local_destroy(sort->locals[w]);
    for (uint32_t w = 0; sort->runs && w < op->run->workers; w++)
        sort_runs_deinit(&sort->runs[w]);
    buffer_release(sort->merged);
}

static const struct op_type sort_type = {
    .push = sort_push, .finish = sort_finish, .destroy = sort_destroy};

static uint64_t *kept_columns(struct run *run, const struct plan *plan, const uint64_t *needed)
{
    size_t words = BITMAP_WORDS(plan->column_count);
    uint64_t *kept = arena_array(&run->arena, uint64_t, words + 1);
    for (size_t w = 0; kept && w < words; w++)
        kept[w] = needed[w];
    for (uint32_t k = 0; kept && k < plan->u.sort.key_count; k++)
        bit_set(kept, plan->u.sort.keys[k].column);
    return kept;
}

yoda_status sort_op(struct run *run, const struct plan *plan, const uint64_t *needed,
                    struct op **out, yoda_error *err)
{
    struct sort *sort = run_new_op(run, sizeof *sort, &sort_type, NULL);
    if (!sort)
        return run_nomem(err, "planning");
    *out = &sort->op;
    sort->plan = plan;
    sort->limit = plan->u.sort.limit;
    sort->top = sort->limit <= TOP_LIMIT_MAX;
    sort->kept = kept_columns(run, plan, needed);
    sort->locals = arena_array(&run->arena, struct sort_local *, run->workers);
    sort->runs = arena_array(&run->arena, struct sort_runs, run->workers);
    sort->buffers = arena_array(&run->arena, const struct row_buffer *, run->workers);
    if (!sort->kept || !sort->locals || !sort->runs || !sort->buffers)
        return run_nomem(err, "planning");
    sort->order = (struct sort_order){plan->u.sort.keys, plan->u.sort.key_count, sort->buffers};
    sort->shape = (struct sort_shape){plan->types, plan->column_count, sort->kept,
                                      plan->u.sort.keys, plan->u.sort.key_count};
    sort->source.run = sort_read;
    return YODA_OK;
}
