/*
 * op_collect.c -- the last sink: rows become batches.
 *
 * Each worker keeps rows in a row buffer and turns it into a batch whenever BATCH_ROWS are there
 * (or many bytes of text). An ordered source has one morsel, so its rows are all on one worker, in
 * order.
 */
#include "olap/exec/pipeline.h"
#include "olap/exec/row_batch.h"

#define FLUSH_BYTES (UINT64_C(64) << 20)

struct collect_local {
    struct row_buffer rows;
    struct batch_list list;
};

struct collect {
    struct op op; /* must be first */
    const enum vtype *types;
    uint32_t columns;
    struct batch_list *out;
    struct collect_local **locals; /* [workers] */
};

/* Texts too long for one batch's offsets: row by row, the list starts batches as it must. */
static yoda_status flush_by_row(struct collect_local *local, yoda_error *err)
{
    const struct row_buffer *rows = &local->rows;
    struct value *row = mem_calloc(rows->column_count + 1, sizeof *row);
    if (!row)
        return fail_nomem(err, rows->column_count * sizeof *row);
    yoda_status status = YODA_OK;
    for (uint32_t i = 0; status == YODA_OK && i < rows->rows; i++) {
        for (uint32_t c = 0; c < rows->column_count; c++)
            row[c] = row_buffer_value(rows, c, i);
        status = batch_list_append(&local->list, row, err);
    }
    mem_free(row);
    return status;
}

static yoda_status flush(struct collect_local *local, yoda_error *err)
{
    if (local->rows.rows == 0)
        return YODA_OK;
    if (local->rows.byte_count > INT32_MAX) {
        TRY(flush_by_row(local, err));
    } else {
        struct batch *batch;
        TRY(row_batch_make(&local->rows, local->list.budget, &batch, err));
        yoda_status status = batch_list_push(&local->list, batch, err);
        if (status != YODA_OK) {
            batch_destroy(batch);
            return status;
        }
    }
    row_buffer_clear(&local->rows);
    return YODA_OK;
}

static yoda_status local_create(struct collect *collect, struct collect_local **out,
                                yoda_error *err)
{
    struct collect_local *local = mem_calloc(1, sizeof *local);
    if (!local)
        return fail_nomem(err, sizeof *local);
    *out = local;
    batch_list_init(&local->list, collect->columns, collect->out->budget);
    return row_buffer_init(&local->rows, collect->types, collect->columns, NULL,
                           collect->op.run->context->budget, err);
}

static yoda_status collect_push(struct op *op, struct worker *worker, const struct row_set *in,
                                yoda_error *err)
{
    struct collect *collect = (struct collect *)op;
    struct collect_local **local = &collect->locals[worker->index];
    if (!*local)
        TRY(local_create(collect, local, err));
    struct row_buffer *rows = &(*local)->rows;
    if (rows->rows + in->rows > BATCH_ROWS || rows->byte_count > FLUSH_BYTES)
        TRY(flush(*local, err));
    return row_buffer_append(rows, in, &worker->scratch, err);
}

static yoda_status collect_finish(struct op *op, struct source **out, yoda_error *err)
{
    struct collect *collect = (struct collect *)op;
    *out = NULL;
    for (uint32_t w = 0; w < op->run->workers; w++) {
        if (!collect->locals[w])
            continue;
        TRY(flush(collect->locals[w], err));
        TRY(batch_list_splice(collect->out, &collect->locals[w]->list, err));
    }
    return YODA_OK;
}

static void collect_destroy(struct op *op)
{
    struct collect *collect = (struct collect *)op;
    for (uint32_t w = 0; collect->locals && w < op->run->workers; w++) {
        struct collect_local *local = collect->locals[w];
        if (!local)
            continue;
        row_buffer_deinit(&local->rows);
        batch_list_deinit(&local->list);
        mem_free(local);
    }
}

static const struct op_type collect_type = {
    .push = collect_push, .finish = collect_finish, .destroy = collect_destroy};

yoda_status collect_op(struct run *run, const struct plan *plan, uint32_t columns,
                       struct batch_list *list, struct op **out, yoda_error *err)
{
    struct collect *collect = run_new_op(run, sizeof *collect, &collect_type, NULL);
    if (!collect)
        return run_nomem(err, "planning");
    *out = &collect->op;
    collect->types = plan->types;
    collect->columns = columns;
    collect->out = list;
    collect->locals = arena_array(&run->arena, struct collect_local *, run->workers);
    return collect->locals ? YODA_OK : run_nomem(err, "planning");
}
