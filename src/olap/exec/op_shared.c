/*
 * op_shared.c -- SHARED: rows that several places of a plan read are made once.
 *
 * The first SHARED node over a child runs the child into a sink that keeps all its columns, one
 * row buffer per worker; it stays among the run's operators, where the nodes that come later find
 * it by the child. Each SHARED node is then a source over the kept rows: a morsel is up to
 * MORSEL_ROWS of one buffer, and its vectors borrow the buffer's memory.
 */
#include "olap/exec/profile.h"
#include "olap/exec/row_slice.h"

#define MORSEL_ROWS 65536u

struct keep { /* the sink */
    struct op op; /* must be first */
    const struct plan *child;
    struct row_buffer **locals; /* [workers], NULL: no rows */
};

struct shared_source {
    struct source source; /* must be first */
    const struct keep *keep;
    const struct plan *plan;
    const uint64_t *needed;
};

/* ---- Keeping ---- */

static yoda_status keep_push(struct op *op, struct worker *worker, const struct row_set *in,
                             yoda_error *err)
{
    struct keep *keep = (struct keep *)op;
    struct row_buffer **local = &keep->locals[worker->index];
    if (!*local) {
        *local = mem_calloc(1, sizeof **local);
        if (!*local)
            return fail_nomem(err, sizeof **local);
        TRY(row_buffer_init(*local, keep->child->types, keep->child->column_count, NULL,
                            op->run->context->budget, err));
    }
    return row_buffer_append(*local, in, &worker->scratch, err);
}

static void keep_destroy(struct op *op)
{
    struct keep *keep = (struct keep *)op;
    for (uint32_t w = 0; keep->locals && w < op->run->workers; w++) {
        if (!keep->locals[w])
            continue;
        row_buffer_deinit(keep->locals[w]);
        mem_free(keep->locals[w]);
    }
}

static const struct op_type keep_type = {.push = keep_push, .destroy = keep_destroy};

/* Run the child of a SHARED node into a sink. */
static yoda_status keep_child(struct run *run, const struct plan *plan, struct keep **out,
                              yoda_error *err)
{
    const struct plan *child = plan->child;
    struct keep *keep = run_new_op(run, sizeof *keep, &keep_type, NULL);
    uint64_t *all = arena_array(&run->arena, uint64_t, BITMAP_WORDS(child->column_count) + 1);
    if (!keep || !all)
        return run_nomem(err, "planning");
    keep->child = child;
    keep->locals = arena_array(&run->arena, struct row_buffer *, run->workers);
    if (!keep->locals)
        return run_nomem(err, "planning");
    bitmap_fill(all, child->column_count);
    *out = keep;
    TRY(plan_run_into(run, child, all, &keep->op, err));
    for (uint32_t w = 0; w < run->workers; w++)
        if (keep->locals[w])
            profile_add_bytes(run, plan, row_buffer_bytes(keep->locals[w]));
    return YODA_OK;
}

/* The rows of child, if an earlier node has kept them. */
static struct keep *find_kept(const struct run *run, const struct plan *child)
{
    for (struct op *op = run->ops; op; op = op->made_before)
        if (op->type == &keep_type && ((struct keep *)op)->child == child)
            return (struct keep *)op;
    return NULL;
}

/* ---- Reading ---- */

static uint32_t morsels_of(const struct row_buffer *rows)
{
    return rows ? (uint32_t)(((uint64_t)rows->rows + MORSEL_ROWS - 1) / MORSEL_ROWS) : 0;
}

static yoda_status shared_read(struct source *base, struct worker *worker, uint32_t morsel,
                               yoda_error *err)
{
    struct shared_source *source = (struct shared_source *)base;
    const struct plan *plan = source->plan;
    uint32_t w = 0;
    while (morsel >= morsels_of(source->keep->locals[w]))
        morsel -= morsels_of(source->keep->locals[w++]);
    const struct row_buffer *rows = source->keep->locals[w];
    uint32_t at = morsel * MORSEL_ROWS;
    uint32_t end = rows->rows - at > MORSEL_ROWS ? at + MORSEL_ROWS : rows->rows;
    const uint32_t most = run_set_rows(worker->pipeline->run);
    ASSERT(at < end);
    for (uint32_t n; at < end && !pipeline_stopped(worker); at += n) {
        n = end - at < most ? end - at : most;
        TRY(pipeline_step(worker, err));
        struct vector *columns = row_set_columns(&worker->scratch, plan->column_count, n);
        if (!columns)
            return run_nomem(err, "reading kept rows");
        for (uint32_t i = 0; i < plan->column_count; i++)
            if (bit_get(source->needed, i))
                TRY(row_slice(rows, plan->u.shared.columns[i], at, n, &worker->scratch,
                              &columns[i], err));
        struct row_set set = {n, plan->column_count, columns, NULL};
        TRY(pipeline_push(worker, &set, err));
    }
    return YODA_OK;
}

yoda_status shared_run(struct run *run, const struct plan *plan, const uint64_t *needed,
                       struct op *receiver, yoda_error *err)
{
    ASSERT(plan->kind == PLAN_SHARED);
    struct keep *keep = find_kept(run, plan->child);
    struct shared_source *source = arena_new(&run->arena, struct shared_source);
    if (!source)
        return run_nomem(err, "planning");
    if (!keep)
        TRY(keep_child(run, plan, &keep, err));
    *source = (struct shared_source){.keep = keep, .plan = plan, .needed = needed};
    source->source.run = shared_read;
    for (uint32_t w = 0; w < run->workers; w++)
        source->source.morsel_count += morsels_of(keep->locals[w]);
    return pipeline_run(run, &source->source, receiver, err);
}
