/*
 * join_build.c -- the build side of a join: a sink that keeps rows, then tables over them.
 *
 * The sink keeps the columns that the output, the residual and the keys need. A key that is not a
 * plain column is computed here, on the worker, and kept like one more column.
 */
#include "olap/exec/join.h"
#include "olap/exec/profile.h"

struct join_sink {
    struct op op; /* must be first */
    struct join *join;
};

static yoda_status sink_push(struct op *op, struct worker *worker, const struct row_set *in,
                             yoda_error *err)
{
    struct join *join = ((struct join_sink *)op)->join;
    const struct plan *plan = join->plan;
    struct vector *columns = row_set_columns(&worker->scratch, join->kept_count, in->rows);
    if (!columns)
        return run_nomem(err, "building a join");
    for (uint32_t i = 0; i < join->build_count; i++)
        if (bit_get(join->kept, i))
            columns[i] = in->columns[i];
    for (uint32_t k = 0; k < plan->u.join.key_count; k++)
        if (join->key_columns[k] >= join->build_count)
            TRY(expr_eval(plan->u.join.keys[k].build, &worker->eval, in,
                          &columns[join->key_columns[k]], err));
    if (join->spill)
        return join_spill_keep(join, worker, columns, in->rows, err);
    return join_rows_add(&join->rows, worker->index, columns, in->rows, err);
}

static const struct op_type sink_type = {.push = sink_push};

/* ---- Tables --------------------------------------------------------------------------------- */

void join_lookup_deinit(struct join_lookup *lookup)
{
    join_coder_deinit(&lookup->coder);
    join_table_deinit(&lookup->table);
}

struct numbering { /* key numbers of all build rows */
    struct join *join;
    const struct join_lookup *lookup;
    uint64_t *keys;
};

#define TASK_ROWS (32 * VECTOR_ROWS)

static yoda_status number_rows(void *ctx, uint32_t worker, uint32_t index, yoda_error *err)
{
    const struct numbering *numbering = ctx;
    const struct join *join = numbering->join;
    uint64_t end = ((uint64_t)index + 1) * TASK_ROWS;
    end = end < join->rows.rows ? end : join->rows.rows;
    struct arena scratch;
    yoda_status status = YODA_OK;
    YODA_UNUSED(worker);
    arena_init(&scratch, join->op.run->context->budget);
    for (uint64_t first = (uint64_t)index * TASK_ROWS; first < end && status == YODA_OK;
         first += VECTOR_ROWS) {
        uint32_t n = end - first < VECTOR_ROWS ? (uint32_t)(end - first) : VECTOR_ROWS;
        arena_reset(&scratch);
        status = join_coder_rows(&numbering->lookup->coder, &join->rows,
                                 join->key_columns + numbering->lookup->first_key, (uint32_t)first,
                                 n, &scratch, numbering->keys + first, err);
    }
    arena_deinit(&scratch);
    return status;
}

/* A table over the keys from first_key on, of the build rows in only. */
static yoda_status make_lookup(struct join *join, struct join_lookup *lookup, uint32_t first_key,
                               const uint64_t *only, yoda_error *err)
{
    struct run *run = join->op.run;
    uint32_t rows = join->rows.rows, count = join->plan->u.join.key_count - first_key;
    struct arena scratch;
    lookup->first_key = first_key;
    TRY(join_coder_init(&lookup->coder, &join->rows, join->key_columns + first_key,
                        join->null_safe + first_key, count, run, &run->arena, err));
    arena_init(&scratch, run->context->budget);
    struct numbering numbering = {join, lookup,
                                  arena_alloc(&scratch, ((size_t)rows + 8) * sizeof(uint64_t))};
    yoda_status status = numbering.keys ? run_tasks(run, (rows + TASK_ROWS - 1) / TASK_ROWS,
                                                    number_rows, &numbering, err)
                                        : run_nomem(err, "building a join");
    if (status == YODA_OK)
        status = join_table_init(&lookup->table, numbering.keys, rows, only,
                                 lookup->coder.domain, join_asks_existence(join->plan), run, err);
    arena_deinit(&scratch);
    return status;
}

/* Build rows whose first key is NULL: a bitmap, or NULL where there is none. */
static yoda_status null_keys(struct join *join, const uint64_t **out, yoda_error *err)
{
    const struct vector *v = &join->rows.columns[join->key_columns[0]].vector;
    *out = v->nulls;
    if (v->type != VT_NULL || join->rows.rows == 0)
        return YODA_OK;
    uint64_t *all = arena_array(&join->op.run->arena, uint64_t, BITMAP_WORDS(join->rows.rows) + 1);
    if (!all)
        return run_nomem(err, "building a join");
    bitmap_fill(all, join->rows.rows);
    *out = all;
    return YODA_OK;
}

static yoda_status make_null_lookups(struct join *join, yoda_error *err)
{
    const struct plan *plan = join->plan;
    const uint64_t *nulls;
    ASSERT(plan->u.join.key_count > 0);
    TRY(null_keys(join, &nulls, err));
    join->any_null_key |= nulls && bitmap_count(nulls, join->rows.rows) > 0;
    if (plan->u.join.key_count == 1 && !plan->u.join.residual)
        return YODA_OK;
    TRY(make_lookup(join, &join->others, 1, NULL, err));
    return join->any_null_key ? make_lookup(join, &join->others_null, 1, nulls, err) : YODA_OK;
}

static void count_bytes(const struct join *join)
{
    profile_add_bytes(join->op.run, join->plan,
                      join_rows_bytes(&join->rows) + join->main.table.arena.charged_bytes);
}

yoda_status join_build(struct join *join, yoda_error *err)
{
    struct run *run = join->op.run;
    const struct plan *plan = join->plan;
    uint64_t *below = arena_array(&run->arena, uint64_t, BITMAP_WORDS(join->build_count) + 1);
    struct join_sink *sink = run_new_op(run, sizeof *sink, &sink_type, NULL);
    if (!below || !sink)
        return run_nomem(err, "planning");
    sink->join = join;
    for (size_t w = 0; w < BITMAP_WORDS(join->build_count); w++)
        below[w] = join->kept[w];
    for (uint32_t k = 0; k < plan->u.join.key_count; k++)
        expr_inputs(plan->u.join.keys[k].build, below);
    TRY(join_rows_init(&join->rows, join->kept_count, run->workers, run->context->budget, err));
    if (join_may_spill(join))
        TRY(join_spill_create(join, &join->spill, err));
    TRY(plan_run_into(run, plan->u.join.build, below, &sink->op, err));
    return YODA_OK;
}

yoda_status join_build_tables(struct join *join, yoda_error *err)
{
    TRY(join_rows_freeze(&join->rows, join->op.run, join->types, err));
    join->any_rows |= join->rows.rows > 0;
    TRY(make_lookup(join, &join->main, 0, NULL, err));
    if (join->plan->u.join.null_aware)
        TRY(make_null_lookups(join, err));
    count_bytes(join);
    return YODA_OK;
}
