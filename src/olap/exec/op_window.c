/*
 * op_window.c -- WINDOW: keeping the rows, sorting them, and who needs what.
 *
 *   child --> sink: a row buffer and key codes per worker
 *                 --> packed keys, sorted entries, borders        (window_key, window_sort)
 *                 --> source: ranges of partitions --> receiver   (window_range, window)
 *
 * The row buffers hold the child's columns that are read above or by a call, and behind them the
 * arguments that are not plain columns, evaluated as rows come in. Calls that nobody reads are left
 * out.
 */
#include "olap/exec/profile.h"
#include "olap/exec/window_key.h"
#include "olap/exec/window_range.h"

#include <string.h>

struct window_local { /* one worker's rows */
    struct row_buffer rows;
    struct window_keys keys;
    struct buffer *packed; /* [words * rows.rows] */
};

struct window {
    struct op op; /* must be first */
    struct window_setup setup;
    struct window_key_plan keys;
    struct window_use *uses;
    struct window_input *inputs;
    expr_ref *computed;    /* [computed_count] columns behind the child's */
    bool *is_filter;       /* [computed_count] */
    uint32_t computed_count;
    enum vtype *types;     /* of the row buffers' columns */
    uint64_t *below;       /* columns of the child that are read */
    uint64_t *kept;        /* columns of the row buffers */
    struct window_local **locals; /* [workers] */
    struct window_sort sort;
    struct window_source source;
};

/* ---- Preparing: which columns ---- */

static uint32_t add_input(struct window *w, struct window_input input)
{
    w->inputs[w->setup.input_count] = input;
    return w->setup.input_count++;
}

/* A kept column of the child. */
static uint32_t column_input(struct window *w, uint32_t column)
{
    for (uint32_t i = 0; i < w->setup.input_count; i++)
        if (w->inputs[i].column == column)
            return i;
    bit_set(w->below, column);
    bit_set(w->kept, column);
    return add_input(w, (struct window_input){.column = column, .type = w->types[column]});
}

static uint32_t expr_input_of(struct window *w, expr_ref e, bool is_filter)
{
    uint32_t n = w->setup.plan->child->column_count;
    if (!e)
        return WINDOW_NONE;
    if (e->kind == EXPR_INPUT && !is_filter)
        return column_input(w, e->slot);
    if (e->kind == EXPR_CONST && !is_filter)
        return add_input(w, (struct window_input){.column = WINDOW_NONE, .type = e->type,
                                                  .constant = e->constant});
    for (uint32_t i = 0; i < w->computed_count; i++)
        if (w->is_filter[i] == is_filter && expr_equal(w->computed[i], e))
            return column_input(w, n + i);
    uint32_t at = w->computed_count++;
    w->computed[at] = e;
    w->is_filter[at] = is_filter;
    w->types[n + at] = is_filter ? VT_INT : e->type;
    expr_inputs(e, w->below);
    return column_input(w, n + at);
}

static bool uses_frame(enum window_kind kind)
{
    return kind == WINDOW_AGGREGATE || kind == WINDOW_FIRST_VALUE || kind == WINDOW_LAST_VALUE ||
           kind == WINDOW_NTH_VALUE;
}

static bool shows_order(enum window_kind kind)
{
    return kind == WINDOW_ROW_NUMBER || kind == WINDOW_NTILE || kind == WINDOW_LAG ||
           kind == WINDOW_LEAD;
}

static void add_use(struct window *w, const struct window_call *call, uint32_t output)
{
    struct window_use *use = &w->uses[w->setup.use_count++];
    bool aggregate = call->kind == WINDOW_AGGREGATE;
    *use = (struct window_use){.call = call, .output = output, .filter = WINDOW_NONE};
    for (uint32_t a = 0; a < 3; a++)
        use->args[a] = WINDOW_NONE;
    if (aggregate && call->aggregate.kind != AGG_COUNT_ROWS)
        use->args[0] = expr_input_of(w, call->aggregate.arg, false);
    if (aggregate)
        use->filter = expr_input_of(w, call->aggregate.filter, true);
    for (uint32_t a = 0; !aggregate && a < call->arg_count; a++)
        use->args[a] = expr_input_of(w, call->args[a], false);
    w->setup.frames |= uses_frame(call->kind);
    w->setup.ordered |= shows_order(call->kind) ||
                        (uses_frame(call->kind) &&
                         !window_frames_of_groups(&w->setup.plan->u.window.frame));
}

static bool bad_offset(const struct window_frame *frame, enum frame_bound bound,
                       const struct value *offset)
{
    if (bound != FRAME_PRECEDING && bound != FRAME_FOLLOWING)
        return false;
    if (offset->type == YODA_INTEGER)
        return offset->i < 0;
    return frame->mode != FRAME_RANGE || offset->type != YODA_REAL || !(offset->r >= 0);
}

/* SQLite (seen in 3.40) does not look at the FILTER of a MIN or MAX whose frame moves its start. */
static yoda_status check_filters(const struct window *w, yoda_error *err)
{
    const struct window_frame *frame = &w->setup.plan->u.window.frame;
    if (frame->from == FRAME_UNBOUNDED_PRECEDING || frame->exclude != EXCLUDE_NO_OTHERS)
        return YODA_OK;
    for (uint32_t u = 0; u < w->setup.use_count; u++) {
        const struct window_call *call = w->uses[u].call;
        bool best = call->aggregate.kind == AGG_MIN || call->aggregate.kind == AGG_MAX;
        if (call->kind == WINDOW_AGGREGATE && best && call->aggregate.filter)
            return fail(err, YODA_NOT_COLUMNAR, "MIN or MAX with FILTER over a frame that moves");
    }
    return YODA_OK;
}

static yoda_status prepare_frame(struct window *w, yoda_error *err)
{
    const struct plan *plan = w->setup.plan;
    const struct window_frame *frame = &plan->u.window.frame;
    bool offset = frame->from == FRAME_PRECEDING || frame->from == FRAME_FOLLOWING ||
                  frame->to == FRAME_PRECEDING || frame->to == FRAME_FOLLOWING;
    w->setup.range_input = WINDOW_NONE;
    if (bad_offset(frame, frame->from, &frame->from_offset) ||
        bad_offset(frame, frame->to, &frame->to_offset))
        return fail(err, YODA_NOT_COLUMNAR, "a frame offset that is not a number of rows");
    if (!w->setup.frames || frame->mode != FRAME_RANGE || !offset)
        return YODA_OK;
    if (plan->u.window.order_count != 1)
        return fail(err, YODA_NOT_COLUMNAR, "RANGE with an offset needs one ORDER BY expression");
    uint32_t column = plan->u.window.order[0].column;
    enum vtype type = plan->child->types[column];
    if (type == VT_TEXT || type == VT_BLOB)
        return fail(err, YODA_NOT_COLUMNAR, "RANGE with an offset over what is not a number");
    w->setup.range_input = column_input(w, column);
    return YODA_OK;
}

static yoda_status allocate(struct window *w, yoda_error *err)
{
    const struct plan *plan = w->setup.plan;
    struct run *run = w->op.run;
    size_t calls = plan->u.window.call_count, computed = 4 * calls;
    size_t columns = plan->child->column_count + computed;
    w->uses = arena_array(&run->arena, struct window_use, calls);
    w->inputs = arena_array(&run->arena, struct window_input, computed + 1);
    w->computed = arena_array(&run->arena, expr_ref, computed);
    w->is_filter = arena_array(&run->arena, bool, computed);
    w->types = arena_array(&run->arena, enum vtype, columns + 1);
    w->below = arena_array(&run->arena, uint64_t, BITMAP_WORDS(columns) + 1);
    w->kept = arena_array(&run->arena, uint64_t, BITMAP_WORDS(columns) + 1);
    w->locals = arena_array(&run->arena, struct window_local *, run->workers);
    if (!w->uses || !w->inputs || !w->computed || !w->is_filter || !w->types || !w->below ||
        !w->kept || !w->locals)
        return run_nomem(err, "planning");
    return YODA_OK;
}

static yoda_status prepare(struct window *w, const uint64_t *needed, yoda_error *err)
{
    const struct plan *plan = w->setup.plan, *child = plan->child;
    TRY(allocate(w, err));
    ASSERT(plan->column_count == child->column_count + plan->u.window.call_count);
    for (uint32_t c = 0; c < child->column_count; c++) {
        w->types[c] = child->types[c];
        if (!bit_get(needed, c))
            continue;
        bit_set(w->below, c);
        bit_set(w->kept, c);
    }
    for (uint32_t i = 0; i < plan->u.window.call_count; i++)
        if (bit_get(needed, child->column_count + i))
            add_use(w, &plan->u.window.calls[i], child->column_count + i);
    TRY(check_filters(w, err));
    TRY(prepare_frame(w, err));
    TRY(window_key_plan_init(&w->keys, w->op.run, plan, err));
    for (uint32_t k = 0; k < w->keys.part_count; k++)
        bit_set(w->below, w->keys.parts[k].column);
    w->setup.uses = w->uses;
    w->setup.run = w->op.run;
    return YODA_OK;
}

/* ---- Keeping rows ---- */

static yoda_status local_create(struct window *w, struct window_local **out, yoda_error *err)
{
    struct mem_budget *budget = w->op.run->context->budget;
    struct window_local *local = mem_calloc(1, sizeof *local);
    if (!local)
        return fail_nomem(err, sizeof *local);
    *out = local;
    TRY(row_buffer_init(&local->rows, w->types,
                        w->setup.plan->child->column_count + w->computed_count, w->kept, budget,
                        err));
    return window_keys_init(&local->keys, &w->keys, budget, err);
}

static yoda_status compute(const struct window *w, uint32_t i, struct worker *worker,
                           const struct row_set *in, struct vector *out, yoda_error *err)
{
    if (!w->is_filter[i])
        return expr_eval(w->computed[i], &worker->eval, in, out, err);
    uint64_t *bits = arena_alloc(&worker->scratch, (VECTOR_WORDS + 8) * sizeof *bits);
    if (!bits)
        return run_nomem(err, "keeping rows");
    *out = (struct vector){.type = VT_INT, .form = VF_BITS, .count = in->rows, .data = bits};
    return expr_filter(w->computed[i], &worker->eval, in, bits, err);
}

static yoda_status window_push(struct op *op, struct worker *worker, const struct row_set *in,
                               yoda_error *err)
{
    struct window *w = (struct window *)op;
    struct window_local **local = &w->locals[worker->index];
    uint32_t n = w->setup.plan->child->column_count;
    if (!*local)
        TRY(local_create(w, local, err));
    struct vector *columns = row_set_columns(&worker->scratch, n + w->computed_count, in->rows);
    if (!columns)
        return run_nomem(err, "keeping rows");
    for (uint32_t c = 0; c < n; c++)
        columns[c] = in->columns[c];
    for (uint32_t i = 0; i < w->computed_count; i++)
        TRY(compute(w, i, worker, in, &columns[n + i], err));
    struct row_set all = {in->rows, n + w->computed_count, columns, NULL};
    TRY(window_keys_append(&(*local)->keys, &w->keys, &all, &worker->scratch, err));
    return row_buffer_append(&(*local)->rows, &all, &worker->scratch, err);
}

static void window_destroy(struct op *op)
{
    struct window *w = (struct window *)op;
    for (uint32_t i = 0; w->locals && i < op->run->workers; i++) {
        struct window_local *local = w->locals[i];
        if (!local)
            continue;
        row_buffer_deinit(&local->rows);
        window_keys_deinit(&local->keys, &w->keys);
        buffer_release(local->packed);
        mem_free(local);
        w->locals[i] = NULL;
    }
    window_sort_deinit(&w->sort);
}

static const struct op_type window_type = {.push = window_push, .destroy = window_destroy};

/* ---- Sorting ---- */

static yoda_status pack_task(void *ctx, uint32_t worker, uint32_t index, yoda_error *err)
{
    struct window *w = ctx;
    struct window_local *local = w->locals[index];
    YODA_UNUSED(worker);
    if (!local)
        return YODA_OK;
    size_t bytes = (size_t)local->rows.rows * w->keys.words * sizeof(uint64_t);
    TRY(buffer_create(bytes, w->op.run->context->budget, &local->packed, err));
    memset(local->packed->data, 0, bytes);
    TRY(window_keys_pack(&local->keys, &w->keys, w->op.run,
                         (uint64_t *)(void *)local->packed->data, err));
    window_keys_deinit(&local->keys, &w->keys);
    return YODA_OK;
}

static void count_bytes(const struct window *w)
{
    uint64_t bytes = w->sort.entries->capacity + w->sort.partitions->capacity +
                     w->sort.peers->capacity;
    for (uint32_t i = 0; i < w->op.run->workers; i++)
        if (w->locals[i])
            bytes += row_buffer_bytes(&w->locals[i]->rows) + w->locals[i]->packed->capacity;
    profile_add_bytes(w->op.run, w->setup.plan, bytes);
}

static yoda_status sort_rows(struct window *w, yoda_error *err)
{
    struct run *run = w->op.run;
    struct window_keys **keys = arena_array(&run->arena, struct window_keys *, run->workers);
    const uint64_t **packed = arena_array(&run->arena, const uint64_t *, run->workers);
    const struct row_buffer **buffers =
        arena_array(&run->arena, const struct row_buffer *, run->workers);
    uint32_t *rows = arena_array(&run->arena, uint32_t, run->workers);
    if (!keys || !packed || !buffers || !rows)
        return run_nomem(err, "planning");
    for (uint32_t i = 0; i < run->workers; i++)
        keys[i] = w->locals[i] ? &w->locals[i]->keys : NULL;
    TRY(window_keys_settle(&w->keys, run, keys, err));
    TRY(run_tasks(run, run->workers, pack_task, w, err));
    w->sort = (struct window_sort){.run = run, .bits = w->keys.bits, .words = w->keys.words,
                                   .partition_mask = w->keys.partition_mask, .keys = packed,
                                   .rows = rows};
    for (uint32_t i = 0; i < run->workers; i++) {
        if (!w->locals[i])
            continue;
        packed[i] = (const uint64_t *)(const void *)w->locals[i]->packed->data;
        buffers[i] = &w->locals[i]->rows;
        rows[i] = buffers[i]->rows;
        w->sort.count += rows[i];
    }
    w->source.buffers = buffers;
    TRY(window_sort(&w->sort, err));
    count_bytes(w);
    return YODA_OK;
}

yoda_status window_run(struct run *run, const struct plan *plan, const uint64_t *needed,
                       struct op *receiver, yoda_error *err)
{
    struct window *w = run_new_op(run, sizeof *w, &window_type, NULL);
    ASSERT(plan->kind == PLAN_WINDOW);
    if (!w)
        return run_nomem(err, "planning");
    w->setup.plan = plan;
    TRY(prepare(w, needed, err));
    TRY(plan_run_into(run, plan->child, w->below, &w->op, err));
    TRY(sort_rows(w, err));
    w->source.setup = &w->setup;
    w->source.inputs = w->inputs;
    w->source.needed = needed;
    w->source.sorted = &w->sort;
    TRY(window_source_init(&w->source, run, err));
    yoda_status status = pipeline_run(run, &w->source.source, receiver, err);
    window_destroy(&w->op); /* a run may have more windows: their memory is not needed together */
    return status;
}
