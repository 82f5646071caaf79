/*
 * op_project.c -- PROJECT: each needed output column is an expression over the input's columns.
 */
#include "olap/exec/pipeline.h"

struct project {
    struct op op; /* must be first */
    const expr_ref *exprs;
    uint32_t column_count;
    const uint64_t *needed;
};

static yoda_status project_push(struct op *op, struct worker *worker, const struct row_set *in,
                                yoda_error *err)
{
    const struct project *project = (const struct project *)op;
    struct vector *columns = row_set_columns(&worker->scratch, project->column_count, in->rows);
    if (!columns)
        return run_nomem(err, "computing columns");
    for (uint32_t i = 0; i < project->column_count; i++) {
        if (!bit_get(project->needed, i))
            continue;
        TRY(expr_eval(project->exprs[i], &worker->eval, in, &columns[i], err));
        ASSERT(columns[i].count == in->rows);
    }
    struct row_set out = {
        .rows = in->rows, .column_count = project->column_count, .columns = columns};
    return op_push(op->next, worker, &out, err);
}

static const struct op_type project_type = {.push = project_push};

yoda_status project_op(struct run *run, const struct plan *plan, const uint64_t *needed,
                       struct op *next, struct op **out, yoda_error *err)
{
    struct project *project = run_new_op(run, sizeof *project, &project_type, next);
    if (!project)
        return run_nomem(err, "planning");
    project->exprs = plan->u.project.exprs;
    project->column_count = plan->column_count;
    project->needed = needed;
    project->op.wanted = next->wanted;
    *out = &project->op;
    return YODA_OK;
}
