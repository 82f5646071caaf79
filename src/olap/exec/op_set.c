/*
 * op_set.c -- UNION ALL, INTERSECT and EXCEPT.
 *
 *   input 0 --> relay --.
 *   input 1 --> relay --+--> receiver           UNION ALL: one input after the other
 *
 *   left  --> relay --.
 *   right --> relay --+--> groups --> filter --> receiver      INTERSECT, EXCEPT
 *
 * A relay gives an input's vectors the types of the set: an INT or REAL column becomes NUM where
 * inputs differ. It also keeps what lies behind it in a pipeline of its own, common to all inputs:
 * when a LIMIT there has enough, that shows in the relay and the inputs to come do not start, while
 * a LIMIT inside one input stops that input alone.
 *
 * INTERSECT and EXCEPT group the rows of both sides by all columns and count each side's: two
 * columns more, one per side, that are NULL in the other side's rows. A group of both sides is in
 * the intersection, a group of the left side alone in the difference.
 */
#include "olap/exec/flat_vector.h"
#include "olap/exec/pipeline.h"

struct relay {
    struct op op; /* must be first */
    const enum vtype *types;   /* [column_count] of the set */
    const uint64_t *needed;
    uint32_t column_count;
    uint32_t sides;            /* columns to add: 2, or 0 for UNION ALL */
    uint32_t side;             /* of the input that runs */
    bool widens;               /* the input's types differ from the set's */
    struct pipeline behind;    /* what the operators behind it see */
};

/* ---- The relay ---- */

static yoda_status widen(const struct vector *in, enum vtype want, struct arena *arena,
                         struct vector *out, yoda_error *err)
{
    if (in->type == VT_NULL || in->type == want) {
        *out = *in;
        return YODA_OK;
    }
    if (want != VT_NUM || in->type != VT_REAL)
        return flat_vector_as(in, want, arena, out, err);
    TRY(vector_flatten(in, arena, out, err));
    uint64_t *reals = arena_array(arena, uint64_t, BITMAP_WORDS(in->count) + 1);
    if (!reals)
        return run_nomem(err, "uniting rows");
    bitmap_fill(reals, in->count);
    out->type = VT_NUM;
    out->reals = reals;
    return YODA_OK;
}

/* Vectors of the set's types, and the columns that say which side a row is of. */
static yoda_status relay_columns(const struct relay *relay, const struct row_set *in,
                                 struct arena *arena, struct row_set *out, yoda_error *err)
{
    static const int64_t one = 1;
    uint32_t n = relay->column_count;
    struct vector *columns = row_set_columns(arena, n + relay->sides, in->rows);
    if (!columns)
        return run_nomem(err, "uniting rows");
    for (uint32_t i = 0; i < n; i++)
        if (bit_get(relay->needed, i))
            TRY(widen(&in->columns[i], relay->types[i], arena, &columns[i], err));
    if (relay->sides) {
        columns[n + relay->side].type = VT_INT;
        columns[n + relay->side].form = VF_CONST;
        columns[n + relay->side].data = &one;
    }
    *out = (struct row_set){in->rows, n + relay->sides, columns, in->alive};
    return YODA_OK;
}

static yoda_status relay_push(struct op *op, struct worker *worker, const struct row_set *in,
                              yoda_error *err)
{
    struct relay *relay = (struct relay *)op;
    struct pipeline *before = worker->pipeline;
    struct row_set set = *in;
    ASSERT(in->column_count == relay->column_count);
    if (relay->widens || relay->sides)
        TRY(relay_columns(relay, in, &worker->scratch, &set, err));
    worker->pipeline = &relay->behind;
    yoda_status status = pipeline_stopped(worker) ? YODA_OK : op_push(op->next, worker, &set, err);
    bool stopped = pipeline_stopped(worker);
    worker->pipeline = before;
    if (stopped)
        atomic_store_explicit(&before->stopped, true, memory_order_relaxed);
    return status;
}

static const struct op_type relay_type = {.push = relay_push};

static yoda_status relay_new(struct run *run, const struct plan *plan, const uint64_t *needed,
                             struct op *receiver, struct relay **out, yoda_error *err)
{
    struct relay *relay = run_new_op(run, sizeof *relay, &relay_type, receiver);
    if (!relay)
        return run_nomem(err, "planning");
    relay->types = plan->types;
    relay->needed = needed;
    relay->column_count = plan->column_count;
    relay->behind.run = run;
    relay->behind.first = receiver;
    atomic_init(&relay->behind.stopped, false);
    *out = relay;
    return YODA_OK;
}

static yoda_status run_inputs(struct run *run, const struct plan *plan, struct relay *relay,
                              yoda_error *err)
{
    for (uint32_t i = 0; i < plan->u.set.input_count; i++) {
        const struct plan *input = plan->u.set.inputs[i];
        ASSERT(input->column_count == plan->column_count);
        if (atomic_load_explicit(&relay->behind.stopped, memory_order_relaxed))
            break;
        relay->side = i;
        relay->widens = false;
        for (uint32_t c = 0; c < plan->column_count; c++)
            relay->widens |= input->types[c] != plan->types[c];
        relay->op.takes_alive = relay->op.next->takes_alive;
        TRY(plan_run_into(run, input, relay->needed, &relay->op, err));
    }
    return YODA_OK;
}

/* ---- Groups of both sides ---- */

struct sides { /* a plan of its own, over the set's columns and one count per side */
    struct plan rows, groups, filter; /* rows: what the relay gives, never run as a node */
    struct aggregate counts[2];
};

static yoda_status input_expr(struct run *run, uint32_t slot, enum vtype type, expr_ref *out,
                              yoda_error *err)
{
    struct expr *e = arena_new(&run->arena, struct expr);
    if (!e)
        return run_nomem(err, "planning");
    *e = (struct expr){.kind = EXPR_INPUT, .type = type, .nullable = true, .slot = slot};
    *out = e;
    return YODA_OK;
}

/* GROUP BY all columns; count(left), count(right). */
static yoda_status make_groups(struct run *run, const struct plan *plan, struct sides *sides,
                               yoda_error *err)
{
    uint32_t n = plan->column_count;
    expr_ref *keys = arena_array(&run->arena, expr_ref, n);
    enum vtype *types = arena_array(&run->arena, enum vtype, n + 2);
    if (!keys || !types)
        return run_nomem(err, "planning");
    for (uint32_t i = 0; i < n; i++) {
        types[i] = plan->types[i];
        TRY(input_expr(run, i, types[i], &keys[i], err));
    }
    for (uint32_t side = 0; side < 2; side++) {
        struct aggregate *count = &sides->counts[side];
        count->kind = AGG_COUNT;
        TRY(input_expr(run, n + side, VT_INT, &count->arg, err));
        TRY(aggregate_init(count, err));
        types[n + side] = count->type;
    }
    sides->rows = (struct plan){.kind = PLAN_SET, .id = plan->id, .column_count = n + 2,
                                .types = types};
    sides->groups = sides->rows;
    sides->groups.kind = PLAN_AGGREGATE;
    sides->groups.child = &sides->rows;
    sides->groups.estimated_rows = plan->estimated_rows;
    sides->groups.u.aggregate.keys = keys;
    sides->groups.u.aggregate.key_count = n;
    sides->groups.u.aggregate.aggregates = sides->counts;
    sides->groups.u.aggregate.aggregate_count = 2;
    return YODA_OK;
}

/* left > 0 AND right > 0, or left > 0 AND right = 0 */
static yoda_status make_filter(struct run *run, const struct plan *plan, struct sides *sides,
                               yoda_error *err)
{
    struct expr_builder b = {&run->arena, err};
    bool both = plan->u.set.kind == SET_INTERSECT;
    struct value zero = value_int(0);
    uint32_t n = plan->column_count;
    expr_ref left = NULL, right = NULL, constant = NULL, has_left = NULL, has_right = NULL;
    TRY(input_expr(run, n, VT_INT, &left, err));
    TRY(input_expr(run, n + 1, VT_INT, &right, err));
    TRY(expr_constant(&b, &zero, &constant));
    TRY(expr_compare(&b, OP_GT, left, constant, &has_left));
    TRY(expr_compare(&b, both ? OP_GT : OP_EQ, right, constant, &has_right));
    sides->filter = sides->groups;
    sides->filter.kind = PLAN_FILTER;
    sides->filter.child = &sides->groups;
    return expr_and(&b, has_left, has_right, &sides->filter.u.filter.condition);
}

/* The two counts are not the receiver's. */
static yoda_status trim_push(struct op *op, struct worker *worker, const struct row_set *in,
                             yoda_error *err)
{
    struct row_set out = *in;
    ASSERT(in->column_count > 2 && !in->alive);
    out.column_count -= 2;
    return op_push(op->next, worker, &out, err);
}

static const struct op_type trim_type = {.push = trim_push};

static yoda_status run_sides(struct run *run, const struct plan *plan, const uint64_t *needed,
                             struct op *receiver, yoda_error *err)
{
    struct relay *relay = NULL;
    struct op *groups = NULL, *filter = NULL;
    struct op *trim = run_new_op(run, sizeof *trim, &trim_type, receiver);
    struct sides *sides = arena_new(&run->arena, struct sides);
    uint64_t *all = arena_array(&run->arena, uint64_t, BITMAP_WORDS(plan->column_count) + 1);
    struct source *source = NULL;
    if (!trim || !sides || !all)
        return run_nomem(err, "planning");
    ASSERT(plan->u.set.input_count == 2);
    bitmap_fill(all, plan->column_count);
    TRY(make_groups(run, plan, sides, err));
    TRY(make_filter(run, plan, sides, err));
    TRY(aggregate_op(run, &sides->groups, &groups, err));
    TRY(relay_new(run, plan, all, groups, &relay, err));
    relay->sides = 2;
    TRY(run_inputs(run, plan, relay, err));
    TRY(groups->type->finish(groups, &source, err));
    TRY(filter_op(run, &sides->filter, needed, trim, &filter, err));
    return pipeline_run(run, source, filter, err);
}

yoda_status set_run(struct run *run, const struct plan *plan, const uint64_t *needed,
                    struct op *receiver, yoda_error *err)
{
    struct relay *relay = NULL;
    ASSERT(plan->kind == PLAN_SET);
    if (plan->u.set.kind != SET_UNION_ALL)
        return run_sides(run, plan, needed, receiver, err);
    TRY(relay_new(run, plan, needed, receiver, &relay, err));
    return run_inputs(run, plan, relay, err);
}
