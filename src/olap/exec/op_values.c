/*
 * op_values.c -- VALUES: constant rows, the source of a SELECT without FROM.
 *
 * A single row goes on as its expressions give it. More rows are put together column by column; a
 * row whose class does not fit the column's planned type is "not mine".
 */
#include "olap/exec/flat_vector.h"
#include "olap/exec/pipeline.h"

struct values {
    struct source source; /* must be first */
    const struct plan *plan;
};

static const struct row_set no_columns = {.rows = 1};

static yoda_status one_row(const struct plan *plan, struct worker *worker, yoda_error *err)
{
    struct vector *columns = row_set_columns(&worker->scratch, plan->column_count, 1);
    if (!columns)
        return run_nomem(err, "computing values");
    for (uint32_t i = 0; i < plan->column_count; i++)
        TRY(expr_eval(plan->u.values.exprs[i], &worker->eval, &no_columns, &columns[i], err));
    struct row_set out = {1, plan->column_count, columns, NULL};
    return pipeline_push(worker, &out, err);
}

static yoda_status build_column(const struct plan *plan, struct worker *worker, uint32_t column,
                                uint32_t first, uint32_t rows, struct vector *out, yoda_error *err)
{
    struct flat_builder b;
    TRY(flat_builder_init(&b, &worker->scratch, plan->types[column], rows, err));
    for (uint32_t r = 0; r < rows; r++) {
        struct vector cell;
        struct value value;
        size_t at = (size_t)(first + r) * plan->column_count + column;
        TRY(expr_eval(plan->u.values.exprs[at], &worker->eval, &no_columns, &cell, err));
        TRY(vector_value(&cell, 0, &worker->scratch, &value, err));
        TRY(flat_builder_set(&b, r, &value, err));
    }
    flat_builder_finish(&b, out);
    return YODA_OK;
}

static yoda_status values_run(struct source *source, struct worker *worker, uint32_t morsel,
                              yoda_error *err)
{
    const struct plan *plan = ((struct values *)source)->plan;
    uint32_t first = morsel * VECTOR_ROWS, left = plan->u.values.row_count - first;
    uint32_t rows = left < VECTOR_ROWS ? left : VECTOR_ROWS;
    TRY(pipeline_step(worker, err));
    if (plan->u.values.row_count == 1)
        return one_row(plan, worker, err);
    struct vector *columns = row_set_columns(&worker->scratch, plan->column_count, rows);
    if (!columns)
        return run_nomem(err, "computing values");
    for (uint32_t i = 0; i < plan->column_count; i++)
        TRY(build_column(plan, worker, i, first, rows, &columns[i], err));
    struct row_set out = {rows, plan->column_count, columns, NULL};
    return pipeline_push(worker, &out, err);
}

yoda_status values_source(struct run *run, const struct plan *plan, struct source **out,
                          yoda_error *err)
{
    struct values *values = arena_new(&run->arena, struct values);
    if (!values)
        return run_nomem(err, "planning");
    values->plan = plan;
    values->source.morsel_count = (plan->u.values.row_count + VECTOR_ROWS - 1) / VECTOR_ROWS;
    values->source.run = values_run;
    *out = &values->source;
    return YODA_OK;
}
