/*
 * pipeline.c -- running one pipeline over the task pool.
 *
 * Each worker makes its arenas when it gets its first morsel and keeps them for the pipeline. The
 * scratch arena is reset before each row set: a step allocates the same few kilobytes again and
 * again from one warm block.
 *
 * A sink that waits gets its rows from the caller's thread alone: a thread of the pool that waited
 * would be missing everywhere else.
 */
#include "olap/exec/profile.h"

yoda_status run_nomem(yoda_error *err, const char *what)
{
    return fail(err, YODA_NOMEM, "out of memory while %s: raise memory_limit or ask for less",
                what);
}

yoda_status run_check(const struct run *run, yoda_error *err)
{
    const struct run_context *context = run->context;
    if (context->cancel && atomic_load_explicit(context->cancel, memory_order_relaxed))
        return fail(err, YODA_INTERRUPTED, "interrupted");
    if (context->deadline_ns && os_monotonic_ns() > context->deadline_ns)
        return fail(err, YODA_TIMEOUT, "the query's timeout ran out");
    return YODA_OK;
}

void *run_new_op(struct run *run, size_t size, const struct op_type *type, struct op *next)
{
    struct op *op = arena_calloc(&run->arena, 1, size);
    if (!op)
        return NULL;
    op->type = type;
    op->run = run;
    op->next = next;
    op->made_before = run->ops;
    run->ops = op;
    return op;
}

struct timed_task {
    yoda_status (*fn)(void *ctx, uint32_t worker, uint32_t index, yoda_error *err);
    void *ctx;
    struct op_profile *profile;
};

static yoda_status timed_task(void *ctx, uint32_t worker, uint32_t index, yoda_error *err)
{
    const struct timed_task *task = ctx;
    int64_t begin = os_monotonic_ns();
    yoda_status status = task->fn(task->ctx, worker, index, err);
    profile_add_time(task->profile, begin, os_monotonic_ns());
    return status;
}

static yoda_status run_here(uint32_t count,
                            yoda_status (*fn)(void *ctx, uint32_t worker, uint32_t index,
                                              yoda_error *err),
                            void *ctx, yoda_error *err)
{
    for (uint32_t i = 0; i < count; i++)
        TRY(fn(ctx, 0, i, err));
    return YODA_OK;
}

static yoda_status share_tasks(struct run *run, uint32_t count,
                               yoda_status (*fn)(void *ctx, uint32_t worker, uint32_t index,
                                                 yoda_error *err),
                               void *ctx, yoda_error *err)
{
    if (run->context->pool && count > 1)
        return task_pool_run(run->context->pool, count, fn, ctx, err);
    return run_here(count, fn, ctx, err);
}

yoda_status run_tasks(struct run *run, uint32_t count,
                      yoda_status (*fn)(void *ctx, uint32_t worker, uint32_t index,
                                        yoda_error *err),
                      void *ctx, yoda_error *err)
{
    if (!run->context->profile)
        return share_tasks(run, count, fn, ctx, err);
    struct timed_task task = {fn, ctx, &run->context->profile[run->node]};
    profile_charge(run);
    yoda_status status = share_tasks(run, count, timed_task, &task, err);
    profile_skip(run);
    return status;
}

yoda_status pipeline_step(struct worker *worker, yoda_error *err)
{
    arena_reset(&worker->scratch);
    return run_check(worker->pipeline->run, err);
}

static yoda_status run_morsel(void *ctx, uint32_t index, uint32_t morsel, yoda_error *err)
{
    struct pipeline *pipeline = ctx;
    ASSERT(index < pipeline->run->workers);
    struct worker *worker = &pipeline->workers[index];
    if (!worker->ready) {
        worker->index = index;
        worker->pipeline = pipeline;
        arena_init(&worker->scratch, pipeline->run->context->budget);
        arena_init(&worker->morsel, pipeline->run->context->budget);
        worker->eval.arena = &worker->scratch;
        worker->ready = true;
    }
    if (pipeline_stopped(worker))
        return YODA_OK;
    arena_reset(&worker->morsel);
    profile_morsel_begin(worker);
    yoda_status status = pipeline->source->run(pipeline->source, worker, morsel, err);
    profile_morsel_end(worker);
    return status;
}

static bool sink_waits(const struct op *op)
{
    while (op->next)
        op = op->next;
    return op->waits;
}

yoda_status pipeline_run(struct run *run, struct source *source, struct op *first, yoda_error *err)
{
    struct pipeline pipeline = {.run = run, .source = source, .first = first};
    atomic_init(&pipeline.stopped, false);
    TRY(run_check(run, err));
    pipeline.workers = mem_calloc(run->workers, sizeof *pipeline.workers);
    if (!pipeline.workers)
        return fail_nomem(err, run->workers * sizeof *pipeline.workers);
    profile_charge(run);
    yoda_status status =
        sink_waits(first) ? run_here(source->morsel_count, run_morsel, &pipeline, err)
                          : share_tasks(run, source->morsel_count, run_morsel, &pipeline, err);
    profile_skip(run);
    for (uint32_t i = 0; i < run->workers; i++) {
        if (!pipeline.workers[i].ready)
            continue;
        arena_deinit(&pipeline.workers[i].scratch);
        arena_deinit(&pipeline.workers[i].morsel);
    }
    mem_free(pipeline.workers);
    return status;
}

struct vector *row_set_columns(struct arena *arena, uint32_t count, uint32_t rows)
{
    struct vector *columns = arena_array(arena, struct vector, count);
    for (uint32_t i = 0; columns && i < count; i++)
        columns[i] = (struct vector){.type = VT_NULL, .form = VF_FLAT, .count = rows};
    return columns;
}

yoda_status row_set_gather(const struct row_set *in, const uint64_t *needed, const uint16_t *sel,
                           uint32_t n, struct arena *arena, struct row_set *out, yoda_error *err)
{
    struct vector *columns = row_set_columns(arena, in->column_count, n);
    if (!columns)
        return run_nomem(err, "filtering rows");
    for (uint32_t i = 0; i < in->column_count; i++) {
        if ((needed && !bit_get(needed, i)) || in->columns[i].type == VT_NULL)
            continue;
        TRY(vector_gather(&in->columns[i], sel, n, arena, &columns[i], err));
    }
    *out = (struct row_set){.rows = n, .column_count = in->column_count, .columns = columns};
    return YODA_OK;
}
