/*
 * aggregation_spill.c -- GROUP BY and DISTINCT past the memory; see aggregation.h.
 *
 * A worker whose groups take too much keeps them and writes all further rows to disk, dealt into
 * SPILL_PARTITIONS by the top bits of their keys' hash. In the end each partition is a morsel: the
 * groups of it that are in memory are merged, its rows on disk are taken in, what came out is
 * pushed, and the memory is free again.
 */
#include "olap/exec/aggregation.h"
#include "olap/exec/spill.h"

struct aggregation_spill {
    struct source source; /* must be first */
    struct aggregation_spill_op op;
    struct group_split split;
    struct spill_partitions **rows;  /* [workers], NULL: nothing on disk */
    struct aggregation_parts *parts; /* [workers] of what is in memory */
};

static struct run *run_of(const struct aggregation_spill *spill)
{
    return spill->op.op->run;
}

static yoda_status run_partition(struct source *source, struct worker *worker, uint32_t partition,
                                 yoda_error *err);

struct aggregation_spill *aggregation_spill_new(const struct aggregation_spill_op *op)
{
    struct run *run = op->op->run;
    struct aggregation_spill *spill = arena_new(&run->arena, struct aggregation_spill);
    if (!spill)
        return NULL;
    spill->op = *op;
    spill->split.shift = 64 - SPILL_PARTITION_BITS;
    spill->source.run = run_partition;
    spill->source.morsel_count = SPILL_PARTITIONS;
    spill->rows = arena_array(&run->arena, struct spill_partitions *, run->workers);
    spill->parts = arena_array(&run->arena, struct aggregation_parts, run->workers);
    return spill->rows && spill->parts ? spill : NULL;
}

void aggregation_spill_destroy(struct aggregation_spill *spill)
{
    for (uint32_t w = 0; spill && spill->rows && spill->parts && w < run_of(spill)->workers; w++) {
        spill_partitions_destroy(spill->rows[w]);
        aggregation_parts_free(&spill->parts[w]);
    }
}

/* ---- Writing ---- */

static yoda_status write_rows(struct aggregation_spill *spill, struct worker *worker,
                              const struct row_set *in, yoda_error *err)
{
    struct arena *scratch = &worker->scratch;
    struct row_set dense = *in;
    const struct vector *keys;
    uint8_t *partition = arena_alloc(scratch, VECTOR_ROWS);
    uint16_t *sel = arena_alloc(scratch, VECTOR_ROWS * sizeof *sel + 64);
    if (!partition || !sel)
        return run_nomem(err, "spilling groups");
    if (in->alive) {
        uint32_t n = bitmap_to_selection(in->alive, in->rows, sel);
        TRY(row_set_gather(in, spill->op.kept, sel, n, scratch, &dense, err));
    }
    TRY(spill->op.keys(spill->op.op, worker, &dense, &keys, err));
    TRY(group_table_split_rows(&spill->op.locals[worker->index]->table, keys, dense.rows,
                               &spill->split, scratch, partition, err));
    return spill_partitions_add(spill->rows[worker->index], &dense, partition, scratch, err);
}

yoda_status aggregation_spill_push(struct aggregation_spill *spill, struct worker *worker,
                                   const struct row_set *in, bool *taken, yoda_error *err)
{
    *taken = false;
    if (!spill)
        return YODA_OK;
    const struct run *run = run_of(spill);
    const struct aggregation *local = spill->op.locals[worker->index];
    const struct plan *plan = spill->op.plan;
    if (spill->op.aggregation->key_count == 0 || !local)
        return YODA_OK;
    if (!spill->rows[worker->index]) {
        if (!run->context->spill_directory || !spill_due(run, aggregation_bytes(local)))
            return YODA_OK;
        TRY(spill_partitions_create(run, plan, plan->child->types, plan->child->column_count,
                                    spill->op.kept, &spill->rows[worker->index], err));
    }
    *taken = true;
    return write_rows(spill, worker, in, err);
}

/* ---- Reading ---- */

static yoda_status end_local(void *ctx, uint32_t worker, uint32_t index, yoda_error *err)
{
    struct aggregation_spill *spill = ctx;
    YODA_UNUSED(worker);
    TRY(run_check(run_of(spill), err));
    if (spill->rows[index])
        TRY(spill_partitions_end(spill->rows[index], err));
    struct aggregation *local = spill->op.locals[index];
    return local ? aggregation_split(local, &spill->split, &spill->parts[index], err) : YODA_OK;
}

yoda_status aggregation_spill_finish(struct aggregation_spill *spill, struct source **out,
                                     yoda_error *err)
{
    bool any = false;
    *out = NULL;
    if (!spill)
        return YODA_OK;
    struct run *run = run_of(spill);
    for (uint32_t w = 0; w < run->workers; w++)
        any |= spill->rows[w] != NULL;
    if (!any)
        return YODA_OK;
    *out = &spill->source;
    return run_tasks(run, run->workers, end_local, spill, err);
}

static yoda_status read_rows(const struct aggregation_spill *spill, struct worker *worker,
                             struct spill_reader *reader, struct aggregation *to, yoda_error *err)
{
    for (;;) {
        struct row_set in;
        TRY(pipeline_step(worker, err));
        TRY(spill_read(reader, &worker->scratch, &in, err));
        if (in.rows == 0)
            return YODA_OK;
        TRY(spill->op.consume(spill->op.op, worker, to, &in, err));
    }
}

static yoda_status take_in(const struct aggregation_spill *spill, struct worker *worker,
                           uint32_t partition, struct aggregation *to, yoda_error *err)
{
    for (uint32_t w = 0; w < run_of(spill)->workers; w++) {
        const struct aggregation_parts *parts = &spill->parts[w];
        uint32_t first = parts->begin[partition];
        if (spill->op.locals[w])
            TRY(aggregation_merge(to, spill->op.locals[w], parts->ids + first,
                                  parts->begin[partition + 1] - first, err));
    }
    for (uint32_t w = 0; w < run_of(spill)->workers; w++) {
        struct spill_reader reader = {0};
        if (!spill->rows[w] || spill_partitions_rows(spill->rows[w], partition) == 0)
            continue;
        TRY(spill_partitions_reader(spill->rows[w], partition, &reader, err));
        yoda_status status = read_rows(spill, worker, &reader, to, err);
        spill_reader_deinit(&reader);
        TRY(status);
    }
    return YODA_OK;
}

static yoda_status run_partition(struct source *source, struct worker *worker, uint32_t partition,
                                 yoda_error *err)
{
    struct aggregation_spill *spill = (struct aggregation_spill *)source;
    struct aggregation *to;
    TRY(aggregation_create(spill->op.aggregation, run_of(spill)->context->budget, &to, err));
    yoda_status status = take_in(spill, worker, partition, to, err);
    if (status == YODA_OK)
        status = aggregation_settle(to, err);
    if (status == YODA_OK)
        status = aggregation_push(to, worker, 0, to->groups, err);
    aggregation_destroy(to);
    return status;
}
