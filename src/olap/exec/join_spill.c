/*
 * join_spill.c -- joins whose build side does not fit into memory (grace hash join).
 *
 *   build   when a worker keeps too much everyone writes: what is kept and what still comes is
 *           dealt into partitions by a hash of the keys' values, a file per worker
 *   child   dealt the same way: rows that can match are in partitions of one number
 *   then    per partition: read its build rows, make the tables, push its child rows through the
 *           probe, then the left-overs
 *
 * Rows with a NULL key are dealt like others: all those of one NULL-aware key meet, and whether
 * there are any is known of the whole. A join without keys has one partition only and does not
 * spill; neither does a NULL-aware one that asks more than its one key.
 */
#include "olap/exec/join.h"
#include "olap/exec/spill.h"

struct join_spill {
    _Atomic bool begun;
    _Atomic bool any_null_key;
    struct spill_partitions **build, **child; /* [workers], NULL until written to */
    const uint64_t *build_kept, *child_needed;
};

bool join_may_spill(const struct join *join)
{
    const struct plan *plan = join->plan;
    if (!join->op.run->context->spill_directory || plan->u.join.key_count == 0)
        return false;
    return !plan->u.join.null_aware ||
           (plan->u.join.key_count == 1 && !plan->u.join.residual);
}

yoda_status join_spill_create(struct join *join, struct join_spill **out, yoda_error *err)
{
    struct run *run = join->op.run;
    struct arena *arena = &run->arena;
    struct join_spill *spill = arena_new(arena, struct join_spill);
    uint64_t *kept = arena_array(arena, uint64_t, BITMAP_WORDS(join->kept_count) + 1);
    if (!spill || !kept)
        return run_nomem(err, "planning");
    for (uint32_t i = 0; i < join->kept_count; i++)
        if (i >= join->build_count || bit_get(join->kept, i))
            bit_set(kept, i);
    spill->build_kept = kept;
    spill->build = arena_array(arena, struct spill_partitions *, run->workers);
    spill->child = arena_array(arena, struct spill_partitions *, run->workers);
    if (!spill->build || !spill->child)
        return run_nomem(err, "planning");
    *out = spill;
    return YODA_OK;
}

void join_spill_destroy(struct join_spill *spill, const struct join *join)
{
    for (uint32_t w = 0; spill && w < join->op.run->workers; w++) {
        spill_partitions_destroy(spill->build[w]);
        spill_partitions_destroy(spill->child[w]);
    }
}

/* ---- Dealing -------------------------------------------------------------------------------- */

/* Partitions of n rows by their key vectors [key_count]. */
static yoda_status deal(const struct join *join, const struct vector *keys, uint32_t n,
                        struct arena *scratch, uint8_t *out, yoda_error *err)
{
    uint64_t *hashes = arena_array(scratch, uint64_t, n);
    if (!hashes)
        return run_nomem(err, "joining");
    for (uint32_t k = 0; k < join->plan->u.join.key_count; k++)
        TRY(join_key_hash(&keys[k], n, scratch, hashes, err));
    for (uint32_t i = 0; i < n; i++)
        out[i] = (uint8_t)(hashes[i] >> (64 - SPILL_PARTITION_BITS));
    return YODA_OK;
}

static void note_nulls(struct join_spill *spill, const struct vector *key, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (vector_is_null(key, i)) {
            atomic_store_explicit(&spill->any_null_key, true, memory_order_relaxed);
            return;
        }
}

/* Build rows to disk; what it takes in scratch is given back. */
static yoda_status write_build(struct join *join, uint32_t worker, const struct vector *columns,
                               uint32_t n, struct arena *scratch, yoda_error *err)
{
    struct join_spill *spill = join->spill;
    struct spill_partitions **partitions = &spill->build[worker];
    struct arena_mark mark = arena_mark(scratch);
    uint32_t count = join->plan->u.join.key_count;
    struct vector *keys = row_set_columns(scratch, count, n);
    uint8_t *numbers = arena_alloc(scratch, n);
    if (!keys || !numbers)
        return run_nomem(err, "joining");
    if (!*partitions)
        TRY(spill_partitions_create(join->op.run, join->plan, join->types, join->kept_count,
                                    spill->build_kept, partitions, err));
    for (uint32_t k = 0; k < count; k++)
        keys[k] = columns[join->key_columns[k]];
    note_nulls(spill, &keys[0], n);
    TRY(deal(join, keys, n, scratch, numbers, err));
    struct row_set rows = {.rows = n, .column_count = join->kept_count, .columns = columns};
    TRY(spill_partitions_add(*partitions, &rows, numbers, scratch, err));
    arena_rewind(scratch, mark);
    return YODA_OK;
}

/* What a worker has in memory, to disk. */
static yoda_status write_kept(struct join *join, uint32_t worker, struct arena *scratch,
                              yoda_error *err)
{
    for (const struct join_piece *piece = join->rows.locals[worker].first; piece;
         piece = piece->next)
        TRY(write_build(join, worker, piece->columns, piece->rows, scratch, err));
    join_rows_forget(&join->rows, worker);
    return YODA_OK;
}

yoda_status join_spill_keep(struct join *join, struct worker *worker, const struct vector *columns,
                            uint32_t n, yoda_error *err)
{
    struct join_spill *spill = join->spill;
    if (!atomic_load_explicit(&spill->begun, memory_order_relaxed)) {
        TRY(join_rows_add(&join->rows, worker->index, columns, n, err));
        if (!spill_due(join->op.run, join_rows_local_bytes(&join->rows, worker->index)))
            return YODA_OK;
        atomic_store_explicit(&spill->begun, true, memory_order_relaxed);
        return write_kept(join, worker->index, &worker->scratch, err);
    }
    if (join->rows.locals[worker->index].rows)
        TRY(write_kept(join, worker->index, &worker->scratch, err));
    return write_build(join, worker->index, columns, n, &worker->scratch, err);
}

yoda_status join_spill_settle(struct join *join, bool *spilled, yoda_error *err)
{
    struct run *run = join->op.run;
    struct arena scratch;
    yoda_status status = YODA_OK;
    *spilled = atomic_load_explicit(&join->spill->begun, memory_order_relaxed);
    arena_init(&scratch, run->context->budget);
    for (uint32_t w = 0; *spilled && w < run->workers && status == YODA_OK; w++) {
        status = write_kept(join, w, &scratch, err);
        if (status == YODA_OK && join->spill->build[w])
            status = spill_partitions_end(join->spill->build[w], err);
    }
    arena_deinit(&scratch);
    return status;
}

/* ---- The child ------------------------------------------------------------------------------ */

struct child_sink {
    struct op op; /* must be first */
    struct join *join;
};

static yoda_status child_push(struct op *op, struct worker *worker, const struct row_set *in,
                              yoda_error *err)
{
    struct join *join = ((struct child_sink *)op)->join;
    const struct plan *plan = join->plan;
    struct spill_partitions **partitions = &join->spill->child[worker->index];
    struct vector *keys = row_set_columns(&worker->scratch, plan->u.join.key_count, in->rows);
    uint8_t *numbers = arena_alloc(&worker->scratch, in->rows);
    if (!keys || !numbers)
        return run_nomem(err, "joining");
    if (!*partitions)
        TRY(spill_partitions_create(join->op.run, plan, plan->child->types, join->child_count,
                                    join->spill->child_needed, partitions, err));
    for (uint32_t k = 0; k < plan->u.join.key_count; k++)
        TRY(expr_eval(plan->u.join.keys[k].probe, &worker->eval, in, &keys[k], err));
    TRY(deal(join, keys, in->rows, &worker->scratch, numbers, err));
    return spill_partitions_add(*partitions, in, numbers, &worker->scratch, err);
}

static const struct op_type child_sink_type = {.push = child_push};

/* ---- A partition ---------------------------------------------------------------------------- */

struct partition { /* one partition of all workers' files; a morsel is a file */
    struct source source; /* must be first */
    struct spill_partitions **files; /* [workers] */
    uint32_t number;
};

static yoda_status read_file(struct spill_reader *reader, struct worker *worker, yoda_error *err)
{
    while (!pipeline_stopped(worker)) {
        struct row_set rows;
        TRY(pipeline_step(worker, err));
        TRY(spill_read(reader, &worker->scratch, &rows, err));
        if (rows.rows == 0)
            break;
        TRY(pipeline_push(worker, &rows, err));
    }
    return YODA_OK;
}

static yoda_status partition_run(struct source *source, struct worker *worker, uint32_t morsel,
                                 yoda_error *err)
{
    const struct partition *partition = (const struct partition *)source;
    struct spill_reader reader = {0};
    if (!partition->files[morsel])
        return YODA_OK;
    TRY(spill_partitions_reader(partition->files[morsel], partition->number, &reader, err));
    yoda_status status = read_file(&reader, worker, err);
    spill_reader_deinit(&reader);
    return status;
}

static uint64_t partition_rows(const struct join *join, struct spill_partitions **files, uint32_t p)
{
    uint64_t rows = 0;
    for (uint32_t w = 0; w < join->op.run->workers; w++)
        rows += files[w] ? spill_partitions_rows(files[w], p) : 0;
    return rows;
}

static struct partition partition_of(const struct join *join, struct spill_partitions **files,
                                     uint32_t number)
{
    return (struct partition){{join->op.run->workers, partition_run}, files, number};
}

static yoda_status keep_push(struct op *op, struct worker *worker, const struct row_set *in,
                             yoda_error *err)
{
    struct join *join = ((struct child_sink *)op)->join;
    return join_rows_add(&join->rows, worker->index, in->columns, in->rows, err);
}

static const struct op_type keep_type = {.push = keep_push};

static yoda_status join_partition(struct join *join, struct op *keep, uint32_t number,
                                  struct op *receiver, yoda_error *err)
{
    struct run *run = join->op.run;
    struct partition build = partition_of(join, join->spill->build, number);
    struct partition child = partition_of(join, join->spill->child, number);
    if (!partition_rows(join, build.files, number) && !partition_rows(join, child.files, number))
        return YODA_OK;
    join_rows_deinit(&join->rows);
    TRY(join_rows_init(&join->rows, join->kept_count, run->workers, run->context->budget, err));
    join->rows.no_dictionaries = true;
    TRY(pipeline_run(run, &build.source, keep, err));
    TRY(join_build_tables(join, err));
    TRY(join_make_matched(join, err));
    if (!join_is_void(join)) {
        TRY(pipeline_run(run, &child.source, &join->op, err));
        if (join->matched)
            TRY(join_rest(join, receiver, err));
    }
    join_release(join);
    return YODA_OK;
}

static yoda_status end_child(struct join *join, yoda_error *err)
{
    for (uint32_t w = 0; w < join->op.run->workers; w++)
        if (join->spill->child[w])
            TRY(spill_partitions_end(join->spill->child[w], err));
    return YODA_OK;
}

yoda_status join_spill_run(struct join *join, const uint64_t *child_needed, struct op *receiver,
                           yoda_error *err)
{
    struct run *run = join->op.run;
    struct child_sink *sink = run_new_op(run, sizeof *sink, &child_sink_type, NULL);
    struct child_sink *keep = run_new_op(run, sizeof *keep, &keep_type, NULL);
    if (!sink || !keep)
        return run_nomem(err, "planning");
    sink->join = keep->join = join;
    join->any_rows = true;
    join->any_null_key = atomic_load_explicit(&join->spill->any_null_key, memory_order_relaxed);
    join->spill->child_needed = child_needed;
    TRY(plan_run_into(run, join->plan->child, child_needed, &sink->op, err));
    TRY(end_child(join, err));
    for (uint32_t p = 0; p < SPILL_PARTITIONS; p++)
        TRY(join_partition(join, &keep->op, p, receiver, err));
    return YODA_OK;
}
