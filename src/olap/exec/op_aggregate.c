/*
 * op_aggregate.c -- AGGREGATE: keys, arguments and filters evaluated once per row set.
 *
 * Preparing finds what is shared: equal arguments are one column, equal filters one bitmap, and
 * aggregates over the same sums one unit. The states themselves are in aggregation.h.
 */
#include "olap/exec/aggregation.h"

struct aggregate_sink {
    struct op op; /* must be first */
    struct aggregation_plan plan;
    const expr_ref *keys;
    expr_ref *args;          /* [arg_count] distinct arguments */
    uint32_t arg_count;
    struct decimal_program decimals;
    uint8_t *decimal_args;   /* [arg_count] node of the argument, DECIMAL_NONE */
    uint64_t decimal_roots;  /* those nodes */
    expr_ref *filters;       /* [filter_count] distinct filters */
    uint32_t filter_count;
    uint32_t *unit_filters;  /* [unit_count] index + 1 into filters; 0: none */
    struct aggregation **locals; /* [workers] */
    struct aggregation **finals;
    uint32_t final_count;
    struct aggregation_source source;
    struct aggregation_spill *spill;
};

/* ---- Rows ---- */

static yoda_status eval_all(const expr_ref *exprs, uint32_t count, struct worker *worker,
                            const struct row_set *in, const struct vector **out, yoda_error *err)
{
    struct vector *vectors = arena_array(&worker->scratch, struct vector, count);
    if (!vectors)
        return run_nomem(err, "aggregating");
    for (uint32_t i = 0; i < count; i++) {
        TRY(expr_eval(exprs[i], &worker->eval, in, &vectors[i], err));
        ASSERT(vectors[i].count == in->rows);
    }
    *out = vectors;
    return YODA_OK;
}

/*
 * Arguments: by decimal nodes where these are exact for this row set, by expr_eval otherwise. That
 * might refuse a row which does not count: then *evaluated is false.
 */
static yoda_status eval_args(const struct aggregate_sink *sink, struct worker *worker,
                             const struct row_set *in, struct aggregation_batch *batch,
                             bool *evaluated, yoda_error *err)
{
    struct arena *arena = &worker->scratch;
    struct vector *vectors = arena_array(arena, struct vector, sink->arg_count);
    struct decimal *nodes = arena_array(arena, struct decimal, sink->decimals.count);
    uint8_t *args = arena_array(arena, uint8_t, sink->arg_count);
    if (!vectors || !nodes || !args)
        return run_nomem(err, "aggregating");
    *evaluated = true;
    if (sink->decimal_roots)
        TRY(decimal_eval(&sink->decimals, in, sink->decimal_roots, arena, nodes, err));
    for (uint32_t i = 0; i < sink->arg_count; i++) {
        args[i] = sink->decimal_args[i];
        if (args[i] != DECIMAL_NONE && nodes[args[i]].exact)
            continue;
        *evaluated = !in->alive || sink->args[i]->kind == EXPR_INPUT;
        if (!*evaluated)
            return YODA_OK;
        args[i] = DECIMAL_NONE;
        TRY(expr_eval(sink->args[i], &worker->eval, in, &vectors[i], err));
        ASSERT(vectors[i].count == in->rows);
    }
    batch->args = vectors;
    batch->decimals = nodes;
    batch->decimal_args = args;
    return YODA_OK;
}

static yoda_status eval_filters(const struct aggregate_sink *sink, struct worker *worker,
                                const struct row_set *in, const uint64_t *const **out,
                                yoda_error *err)
{
    struct arena *arena = &worker->scratch;
    const uint64_t **by_unit = arena_array(arena, const uint64_t *, sink->plan.unit_count);
    uint64_t *bits = arena_alloc(arena, sink->filter_count * VECTOR_WORDS * sizeof *bits + 64);
    if (!by_unit || !bits)
        return run_nomem(err, "aggregating");
    for (uint32_t f = 0; f < sink->filter_count; f++)
        TRY(expr_filter(sink->filters[f], &worker->eval, in, bits + f * VECTOR_WORDS, err));
    for (uint32_t u = 0; u < sink->plan.unit_count; u++)
        if (sink->unit_filters[u])
            by_unit[u] = bits + (sink->unit_filters[u] - 1) * VECTOR_WORDS;
    *out = by_unit;
    return YODA_OK;
}

/* Only the rows that count. */
static yoda_status gather_alive(struct worker *worker, const struct row_set *in,
                                struct row_set *out, yoda_error *err)
{
    uint16_t *sel = arena_alloc(&worker->scratch, VECTOR_ROWS * sizeof *sel + 64);
    if (!sel)
        return run_nomem(err, "aggregating");
    uint32_t n = bitmap_to_selection(in->alive, in->rows, sel);
    return row_set_gather(in, NULL, sel, n, &worker->scratch, out, err);
}

static yoda_status eval_keys(struct op *op, struct worker *worker, const struct row_set *in,
                             const struct vector **keys, yoda_error *err)
{
    const struct aggregate_sink *sink = (const struct aggregate_sink *)op;
    return eval_all(sink->keys, sink->plan.key_count, worker, in, keys, err);
}

static yoda_status consume(struct op *op, struct worker *worker, struct aggregation *to,
                           const struct row_set *in, yoda_error *err)
{
    const struct aggregate_sink *sink = (const struct aggregate_sink *)op;
    struct aggregation_batch batch = {.rows = in->rows, .alive = in->alive};
    bool evaluated = false;
    TRY(eval_args(sink, worker, in, &batch, &evaluated, err));
    if (!evaluated) {
        struct row_set dense;
        TRY(gather_alive(worker, in, &dense, err));
        return consume(op, worker, to, &dense, err);
    }
    TRY(eval_keys(op, worker, in, &batch.keys, err));
    TRY(eval_filters(sink, worker, in, &batch.filters, err));
    return aggregation_consume(to, &batch, &worker->scratch, err);
}

static yoda_status local_of(struct aggregate_sink *sink, uint32_t worker,
                            struct aggregation **out, yoda_error *err)
{
    struct aggregation **local = &sink->locals[worker];
    if (!*local)
        TRY(aggregation_create(&sink->plan, sink->op.run->context->budget, local, err));
    *out = *local;
    return YODA_OK;
}

static yoda_status aggregate_push(struct op *op, struct worker *worker, const struct row_set *in,
                                  yoda_error *err)
{
    struct aggregate_sink *sink = (struct aggregate_sink *)op;
    struct aggregation *local;
    bool taken;
    TRY(aggregation_spill_push(sink->spill, worker, in, &taken, err));
    if (taken)
        return YODA_OK;
    TRY(local_of(sink, worker->index, &local, err));
    return consume(op, worker, local, in, err);
}

static yoda_status aggregate_absorb(struct op *op, uint32_t worker,
                                    const struct segment_facts *facts, bool *taken,
                                    yoda_error *err)
{
    struct aggregate_sink *sink = (struct aggregate_sink *)op;
    struct aggregation *local;
    *taken = aggregation_knows(&sink->plan, facts);
    if (!*taken)
        return YODA_OK;
    TRY(local_of(sink, worker, &local, err));
    return aggregation_absorb(local, facts, err);
}

static yoda_status aggregate_finish(struct op *op, struct source **out, yoda_error *err)
{
    struct aggregate_sink *sink = (struct aggregate_sink *)op;
    TRY(aggregation_spill_finish(sink->spill, out, err));
    if (*out)
        return YODA_OK;
    TRY(aggregation_combine(op->run, &sink->plan, sink->locals, &sink->finals, &sink->final_count,
                            err));
    aggregation_source_init(&sink->source, &sink->plan, sink->finals, sink->final_count);
    *out = &sink->source.source;
    return YODA_OK;
}

static void aggregate_destroy(struct op *op)
{
    struct aggregate_sink *sink = (struct aggregate_sink *)op;
    for (uint32_t w = 0; sink->locals && w < op->run->workers; w++)
        aggregation_destroy(sink->locals[w]);
    for (uint32_t i = 0; sink->finals && i < sink->final_count; i++)
        aggregation_destroy(sink->finals[i]);
    aggregation_spill_destroy(sink->spill);
}

static const struct op_type aggregate_type = {
    .push = aggregate_push, .absorb = aggregate_absorb, .finish = aggregate_finish,
    .destroy = aggregate_destroy};

/* ---- Preparing ---- */

/* The place of e among exprs, added if new. */
static uint32_t place_of(expr_ref *exprs, uint32_t *count, expr_ref e)
{
    for (uint32_t i = 0; i < *count; i++)
        if (exprs[i] == e || expr_equal(exprs[i], e))
            return i;
    exprs[*count] = e;
    return (*count)++;
}

static yoda_status fill_args(struct aggregate_sink *sink, struct unit_spec *spec,
                             const struct aggregate *const *bare, uint32_t bare_count,
                             yoda_error *err)
{
    struct arena *arena = &sink->op.run->arena;
    uint32_t *slots = arena_array(arena, uint32_t, bare_count + 1);
    if (!slots)
        return run_nomem(err, "planning");
    spec->arg_slots = slots;
    spec->bare = bare;
    if (spec->aggregate->arg && spec->aggregate->kind != AGG_COUNT_ROWS)
        slots[spec->arg_count++] = place_of(sink->args, &sink->arg_count, spec->aggregate->arg);
    for (uint32_t i = 0; i < bare_count; i++)
        slots[spec->arg_count++] = place_of(sink->args, &sink->arg_count, bare[i]->arg);
    return YODA_OK;
}

/* List the AGG_BARE aggregates; a query with some must have exactly one MIN or MAX. */
static yoda_status find_bare(const struct plan *plan, const struct aggregate **bare,
                             uint32_t *bare_count, yoda_error *err)
{
    uint32_t winners = 0;
    for (uint32_t a = 0; a < plan->u.aggregate.aggregate_count; a++) {
        const struct aggregate *aggregate = &plan->u.aggregate.aggregates[a];
        winners += aggregate->kind == AGG_MIN || aggregate->kind == AGG_MAX;
        if (aggregate->kind == AGG_BARE)
            bare[(*bare_count)++] = aggregate;
    }
    if (*bare_count && winners != 1)
        return fail(err, YODA_NOT_COLUMNAR, "a bare column without a single MIN or MAX");
    return YODA_OK;
}

struct preparing {
    struct unit_spec *specs;
    uint32_t *output_units;
    const struct aggregate **aggregates, **bare;
    uint32_t bare_count;
};

static yoda_status add_unit(struct aggregate_sink *sink, struct preparing *p,
                            const struct aggregate *aggregate, uint32_t *unit, yoda_error *err)
{
    bool witness =
        p->bare_count && (aggregate->kind == AGG_MIN || aggregate->kind == AGG_MAX);
    for (uint32_t u = 0; u < sink->plan.unit_count; u++) {
        if (unit_shared(p->specs[u].aggregate, aggregate)) {
            *unit = u;
            return YODA_OK;
        }
    }
    *unit = sink->plan.unit_count++;
    struct unit_spec *spec = &p->specs[*unit];
    *spec = (struct unit_spec){.type = unit_type_of(aggregate, witness),
                               .aggregate = aggregate,
                               .filter = aggregate->filter,
                               .grouped = sink->plan.key_count > 0};
    if (aggregate->filter)
        sink->unit_filters[*unit] =
            place_of(sink->filters, &sink->filter_count, aggregate->filter) + 1;
    return fill_args(sink, spec, witness ? p->bare : NULL, witness ? p->bare_count : 0, err);
}

static yoda_status add_units(struct aggregate_sink *sink, struct preparing *p,
                             const struct plan *plan, yoda_error *err)
{
    uint32_t winner = 0;
    for (uint32_t a = 0; a < plan->u.aggregate.aggregate_count; a++) {
        const struct aggregate *aggregate = &plan->u.aggregate.aggregates[a];
        p->aggregates[a] = aggregate;
        if (aggregate->kind == AGG_BARE)
            continue;
        TRY(add_unit(sink, p, aggregate, &p->output_units[a], err));
        if (aggregate->kind == AGG_MIN || aggregate->kind == AGG_MAX)
            winner = p->output_units[a];
    }
    for (uint32_t a = 0; a < plan->u.aggregate.aggregate_count; a++)
        if (p->aggregates[a]->kind == AGG_BARE)
            p->output_units[a] = winner;
    return YODA_OK;
}

/* Compile what only sums read; a plain column is summed from its codes anyway. */
static void compile_decimals(struct aggregate_sink *sink, const struct unit_spec *specs)
{
    for (uint32_t i = 0; i < sink->arg_count; i++) {
        bool sums = sink->args[i]->kind != EXPR_INPUT;
        for (uint32_t u = 0; u < sink->plan.unit_count; u++)
            for (uint32_t a = 0; a < specs[u].arg_count; a++)
                if (specs[u].arg_slots[a] == i && !specs[u].type->update_decimal)
                    sums = false;
        sink->decimal_args[i] =
            sums ? decimal_compile(&sink->decimals, sink->args[i]) : DECIMAL_NONE;
        if (sink->decimal_args[i] != DECIMAL_NONE)
            sink->decimal_roots |= UINT64_C(1) << sink->decimal_args[i];
    }
}

/* Rows that do not count must not be evaluated in ways that can refuse them. */
static bool takes_alive(const struct aggregate_sink *sink)
{
    bool takes = sink->filter_count == 0;
    for (uint32_t k = 0; k < sink->plan.key_count; k++)
        takes &= sink->keys[k]->kind == EXPR_INPUT;
    for (uint32_t i = 0; i < sink->arg_count; i++)
        takes &= sink->args[i]->kind == EXPR_INPUT || sink->decimal_args[i] != DECIMAL_NONE;
    return takes;
}

/* Only whether a value occurs changes any state. */
static bool wants_values(const struct aggregate_sink *sink, const struct unit_spec *specs)
{
    bool wants = sink->filter_count == 0;
    for (uint32_t k = 0; k < sink->plan.key_count; k++)
        wants &= sink->keys[k]->kind == EXPR_INPUT;
    for (uint32_t i = 0; i < sink->arg_count; i++)
        wants &= sink->args[i]->kind == EXPR_INPUT;
    for (uint32_t u = 0; u < sink->plan.unit_count; u++)
        wants &= specs[u].type == &unit_distinct || specs[u].type == &unit_minmax;
    return wants;
}

static yoda_status prepare_keys(struct aggregate_sink *sink, const struct plan *plan,
                                yoda_error *err)
{
    uint32_t count = plan->u.aggregate.key_count;
    struct group_key *keys = arena_array(&sink->op.run->arena, struct group_key, count);
    if (!keys)
        return run_nomem(err, "planning");
    for (uint32_t k = 0; k < count; k++) {
        keys[k].type = plan->u.aggregate.keys[k]->type;
        keys[k].collation = plan->u.aggregate.key_collations ? plan->u.aggregate.key_collations[k]
                                                             : COLLATE_BINARY;
        if (keys[k].type == VT_TEXT && keys[k].collation != COLLATE_BINARY)
            return fail(err, YODA_NOT_COLUMNAR,
                        "GROUP BY text under a collation other than BINARY");
    }
    sink->keys = plan->u.aggregate.keys;
    sink->plan.keys = keys;
    sink->plan.key_count = count;
    return YODA_OK;
}

static yoda_status prepare(struct aggregate_sink *sink, const struct plan *plan, yoda_error *err)
{
    struct arena *arena = &sink->op.run->arena;
    uint32_t n = plan->u.aggregate.aggregate_count;
    struct preparing p = {.specs = arena_array(arena, struct unit_spec, n),
                          .output_units = arena_array(arena, uint32_t, n),
                          .aggregates = arena_array(arena, const struct aggregate *, n),
                          .bare = arena_array(arena, const struct aggregate *, n)};
    sink->args = arena_array(arena, expr_ref, n);
    sink->decimal_args = arena_array(arena, uint8_t, n);
    sink->filters = arena_array(arena, expr_ref, n);
    sink->unit_filters = arena_array(arena, uint32_t, n);
    sink->locals = arena_array(arena, struct aggregation *, sink->op.run->workers);
    if (!p.specs || !p.output_units || !p.aggregates || !p.bare || !sink->args || !sink->filters ||
        !sink->decimal_args || !sink->unit_filters || !sink->locals)
        return run_nomem(err, "planning");
    TRY(prepare_keys(sink, plan, err));
    TRY(find_bare(plan, p.bare, &p.bare_count, err));
    TRY(add_units(sink, &p, plan, err));
    compile_decimals(sink, p.specs);
    sink->op.takes_alive = takes_alive(sink);
    sink->op.wants_values = wants_values(sink, p.specs);
    sink->plan.specs = p.specs;
    sink->plan.aggregates = p.aggregates;
    sink->plan.output_units = p.output_units;
    sink->plan.output_count = n;
    sink->op.takes_facts = aggregation_takes_facts(&sink->plan);
    return YODA_OK;
}

/* The child's columns that rows on disk must have. */
static yoda_status prepare_spill(struct aggregate_sink *sink, const struct plan *plan,
                                 yoda_error *err)
{
    struct arena *arena = &sink->op.run->arena;
    if (!plan->child) /* a part of another node, whose rows have no types by themselves */
        return YODA_OK;
    uint64_t *kept = arena_array(arena, uint64_t, BITMAP_WORDS(plan->child->column_count) + 1);
    if (!kept)
        return run_nomem(err, "planning");
    for (uint32_t k = 0; k < sink->plan.key_count; k++)
        expr_inputs(sink->keys[k], kept);
    for (uint32_t i = 0; i < sink->arg_count; i++)
        expr_inputs(sink->args[i], kept);
    for (uint32_t i = 0; i < sink->filter_count; i++)
        expr_inputs(sink->filters[i], kept);
    struct aggregation_spill_op op = {&sink->op, plan,      &sink->plan, kept,
                                      sink->locals, eval_keys, consume};
    sink->spill = aggregation_spill_new(&op);
    return sink->spill ? YODA_OK : run_nomem(err, "planning");
}

yoda_status aggregate_op(struct run *run, const struct plan *plan, struct op **out, yoda_error *err)
{
    struct aggregate_sink *sink = run_new_op(run, sizeof *sink, &aggregate_type, NULL);
    if (!sink)
        return run_nomem(err, "planning");
    ASSERT(plan->column_count ==
           plan->u.aggregate.key_count + plan->u.aggregate.aggregate_count);
    *out = &sink->op;
    TRY(prepare(sink, plan, err));
    return prepare_spill(sink, plan, err);
}
