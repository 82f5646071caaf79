/*
 * join_probe.c -- row sets of the child against the tables: pairs, and from pairs the output.
 *
 *   keys -> unique table            -> pairs at once, no more than rows
 *        -> runs -> some pairs, at most a row set's worth, again and again
 *           -> residual             -> those that stay
 *   pairs -> output columns -> next operator; what they took in scratch is given back
 *
 * A probe row is matched when some pair of it stays. What the kinds do with that: see join.h.
 */
#include "olap/exec/join.h"

#include <string.h>

struct probe { /* one row set */
    struct join *join;
    struct worker *worker;
    const struct row_set *in;
    struct vector *key_vectors; /* [key_count] */
    uint64_t *keys;             /* [rows] */
    uint64_t *hit;              /* rows with a match, bitmap */
    uint16_t *sel;              /* pairs: [set_rows] */
    uint32_t *ids;
    yoda_error *err;
};

static enum join_kind kind_of(const struct probe *p)
{
    return p->join->plan->u.join.kind;
}

static void *scratch_alloc(struct probe *p, size_t size)
{
    void *memory = arena_alloc(&p->worker->scratch, size + 64);
    if (!memory)
        (void)run_nomem(p->err, "joining");
    return memory;
}

static uint64_t *scratch_bits(struct probe *p, uint32_t rows)
{
    uint64_t *bits = scratch_alloc(p, BITMAP_WORDS(rows) * sizeof *bits);
    if (bits)
        memset(bits, 0, BITMAP_WORDS(rows) * sizeof *bits);
    return bits;
}

/* ---- Output --------------------------------------------------------------------------------- */

static yoda_status build_column(const struct join *join, uint32_t column, const uint32_t *ids,
                                uint32_t n, bool has_misses, struct arena *arena,
                                struct vector *out, yoda_error *err)
{
    bool codes = !join->op.run->context->knobs.no_codes;
    struct vector v;
    if (join->rows.columns[column].vector.type == VT_NULL)
        return YODA_OK; /* the placeholder is right */
    TRY(join_rows_gather(&join->rows, column, ids, n, has_misses, arena, &v, err));
    if (!codes)
        return vector_flatten(&v, arena, out, err);
    *out = v;
    return YODA_OK;
}

yoda_status join_pair_columns(const struct join *join, const struct row_set *in,
                              const uint16_t *sel, const uint32_t *ids, uint32_t n,
                              bool has_misses, const uint64_t *wanted, struct arena *arena,
                              struct row_set *out, yoda_error *err)
{
    uint32_t count = join->child_count + (ids ? join->build_count : 0);
    struct vector *columns = row_set_columns(arena, count, n);
    if (!columns)
        return run_nomem(err, "joining");
    for (uint32_t i = 0; i < join->child_count; i++) {
        if (!bit_get(wanted, i) || in->columns[i].type == VT_NULL)
            continue;
        if (sel)
            TRY(vector_gather(&in->columns[i], sel, n, arena, &columns[i], err));
        else
            columns[i] = in->columns[i];
    }
    for (uint32_t i = 0; ids && i < join->build_count; i++)
        if (bit_get(wanted, join->child_count + i))
            TRY(build_column(join, i, ids, n, has_misses, arena, &columns[join->child_count + i],
                             err));
    *out = (struct row_set){.rows = n, .column_count = count, .columns = columns};
    return YODA_OK;
}

static yoda_status emit(struct probe *p, const struct row_set *out)
{
    TRY(run_check(p->join->op.run, p->err));
    return op_push(p->join->op.next, p->worker, out, p->err);
}

static bool is_identity(const uint16_t *sel, uint32_t n)
{
    uint32_t differ = 0;
    for (uint32_t i = 0; i < n; i++)
        differ |= sel[i] ^ i;
    return differ == 0;
}

/* Pairs to the next operator; sel NULL: every row once. */
static yoda_status emit_pairs(struct probe *p, const uint16_t *sel, const uint32_t *ids, uint32_t n,
                              bool has_misses)
{
    struct row_set out;
    struct arena *arena = &p->worker->scratch;
    if (n == 0)
        return YODA_OK;
    if (sel && n == p->in->rows && is_identity(sel, n))
        sel = NULL;
    struct arena_mark mark = arena_mark(arena);
    TRY(join_pair_columns(p->join, p->in, sel, ids, n, has_misses, p->join->needed, arena, &out,
                          p->err));
    TRY(emit(p, &out));
    arena_rewind(arena, mark);
    return YODA_OK;
}

/* Rows of the child alone, those of bits. */
static yoda_status emit_rows(struct probe *p, const uint64_t *bits)
{
    struct row_set out;
    struct arena *arena = &p->worker->scratch;
    uint16_t *sel = scratch_alloc(p, p->in->rows * sizeof *sel);
    if (!sel)
        return YODA_NOMEM;
    uint32_t n = bitmap_to_selection(bits, p->in->rows, sel);
    if (n == 0)
        return YODA_OK;
    TRY(join_pair_columns(p->join, p->in, n == p->in->rows ? NULL : sel, NULL, n, false,
                          p->join->needed, arena, &out, p->err));
    return emit(p, &out);
}

/* Rows of the child not in hit, with the NULL row of the build side. */
static yoda_status emit_unmatched(struct probe *p)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < p->in->rows; i++) {
        if (bit_get(p->hit, i))
            continue;
        p->sel[n] = (uint16_t)i;
        p->ids[n++] = p->join->rows.rows;
        if (n == p->join->set_rows) {
            TRY(emit_pairs(p, p->sel, p->ids, n, true));
            n = 0;
        }
    }
    return emit_pairs(p, p->sel, p->ids, n, true);
}

/* ---- Pairs ---------------------------------------------------------------------------------- */

static void mark_matched(struct join *join, const uint32_t *ids, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) /* most are marked: reading does not take the line away */
        if (!atomic_load_explicit(&join->matched[ids[i]], memory_order_relaxed))
            atomic_store_explicit(&join->matched[ids[i]], 1, memory_order_relaxed);
}

/* The pairs for which the residual holds, in place; returns in *n how many. */
static yoda_status apply_residual(struct probe *p, uint32_t *n)
{
    const struct join *join = p->join;
    expr_ref residual = join->plan->u.join.residual;
    struct arena *arena = &p->worker->scratch;
    struct row_set pairs;
    if (!residual || *n == 0)
        return YODA_OK;
    struct arena_mark mark = arena_mark(arena);
    uint64_t *bits = scratch_bits(p, *n);
    if (!bits)
        return YODA_NOMEM;
    TRY(join_pair_columns(join, p->in, p->sel, p->ids, *n, false, join->residual_inputs, arena,
                          &pairs, p->err));
    TRY(expr_filter(residual, &p->worker->eval, &pairs, bits, p->err));
    uint32_t kept = 0;
    for (uint32_t i = 0; i < *n; i++) {
        p->sel[kept] = p->sel[i];
        p->ids[kept] = p->ids[i];
        kept += bit_get(bits, i);
    }
    *n = kept;
    arena_rewind(arena, mark);
    return YODA_OK;
}

static yoda_status second_match(struct probe *p)
{
    return fail(p->err, YODA_NOT_COLUMNAR, "a scalar subquery gave more than one row");
}

/* What a kind does with pairs that matched. exists: only hit is asked for. */
static yoda_status take_pairs(struct probe *p, uint32_t n, bool exists)
{
    TRY(run_check(p->join->op.run, p->err));
    TRY(apply_residual(p, &n));
    for (uint32_t i = 0; i < n && (exists || join_keeps_unmatched_child(kind_of(p))); i++) {
        if (kind_of(p) == JOIN_SINGLE && bit_get(p->hit, p->sel[i]))
            return second_match(p);
        bit_set(p->hit, p->sel[i]);
    }
    if (exists)
        return YODA_OK;
    if (p->join->matched)
        mark_matched(p->join, p->ids, n);
    if (join_gives_child(kind_of(p)) && join_gives_build(kind_of(p)))
        return emit_pairs(p, p->sel, p->ids, n, false);
    return YODA_OK;
}

/* Append a run's pairs [at, at + m) from p->sel[n] on, but for build rows that need no other match;
 * returns the new n. */
static uint32_t append_run(struct probe *p, const struct join_table *table, uint32_t row,
                           uint32_t at, uint32_t m, uint32_t n)
{
    const _Atomic uint8_t *done =
        join_gives_child(kind_of(p)) ? NULL : p->join->matched; /* RIGHT_SEMI, RIGHT_ANTI */
    for (uint32_t j = 0; j < m; j++) {
        uint32_t id = join_table_row(table, at + j);
        p->sel[n] = (uint16_t)row;
        p->ids[n] = id;
        n += !done || !atomic_load_explicit(&done[id], memory_order_relaxed);
    }
    return n;
}

static bool stopped(const struct probe *p)
{
    return p->join->may_stop && pipeline_stopped(p->worker);
}

/* All pairs of rows and their runs, in portions. */
static yoda_status take_runs(struct probe *p, const struct join_table *table, const uint64_t *keys,
                             bool exists)
{
    uint32_t rows = p->in->rows, room = p->join->set_rows, n = 0;
    uint32_t *first = scratch_alloc(p, rows * sizeof *first);
    uint32_t *count = scratch_alloc(p, rows * sizeof *count);
    if (!first || !count)
        return YODA_NOMEM;
    if (join_table_runs(table, keys, rows, first, count) == 0)
        return YODA_OK;
    for (uint32_t i = 0; i < rows; i++) {
        for (uint32_t at = 0; at < count[i];) {
            uint32_t m = count[i] - at < room - n ? count[i] - at : room - n;
            n = append_run(p, table, i, first[i] + at, m, n);
            at += m;
            if (n < room)
                continue;
            TRY(take_pairs(p, n, exists));
            if (stopped(p))
                return YODA_OK;
            n = 0;
        }
    }
    return take_pairs(p, n, exists);
}

/* At most one build row for each row, nothing else to be asked. */
static yoda_status take_unique(struct probe *p, const struct join_table *table)
{
    uint32_t rows = p->in->rows, none = p->join->rows.rows, n;
    if (join_keeps_unmatched_child(kind_of(p))) {
        n = join_table_rows(table, p->keys, rows, none, p->ids);
        if (p->join->matched)
            mark_matched(p->join, p->ids, rows); /* the NULL row's flag is nobody's */
        return emit_pairs(p, NULL, p->ids, rows, n < rows);
    }
    n = join_table_pairs(table, p->keys, rows, p->sel, p->ids);
    if (p->join->matched)
        mark_matched(p->join, p->ids, n);
    if (!join_gives_child(kind_of(p)))
        return YODA_OK;
    return emit_pairs(p, p->sel, p->ids, n, false);
}

/* ---- Kinds ---------------------------------------------------------------------------------- */

/* hit: rows that have a match by these tables. */
static yoda_status find_hits(struct probe *p, const struct join_table *table, const uint64_t *keys)
{
    if (p->join->plan->u.join.residual)
        return take_runs(p, table, keys, true);
    join_table_test(table, keys, p->in->rows, p->hit);
    return YODA_OK;
}

/* Keys for the other lanes of the rows in `only`; others cannot match. */
static yoda_status other_keys(struct probe *p, const struct join_lookup *lookup,
                              const uint64_t *only, uint64_t *keys)
{
    struct join_cache *caches = p->join->locals[p->worker->index].caches;
    TRY(join_coder_keys(&lookup->coder, p->key_vectors + 1, p->in->rows, caches + 1,
                        &p->worker->scratch, keys, p->err));
    for (uint32_t i = 0; i < p->in->rows; i++)
        keys[i] = bit_get(only, i) ? keys[i] : JOIN_NO_KEY;
    return YODA_OK;
}

/* Rows of `only` that a lookup over the other keys has a row for, into out. */
static yoda_status find_others(struct probe *p, const struct join_lookup *lookup,
                               const uint64_t *only, uint64_t *out)
{
    uint64_t *hit = p->hit;
    uint64_t *keys = scratch_alloc(p, p->in->rows * sizeof *keys);
    p->hit = scratch_bits(p, p->in->rows);
    if (!keys || !p->hit)
        return YODA_NOMEM;
    TRY(other_keys(p, lookup, only, keys));
    TRY(find_hits(p, &lookup->table, keys));
    for (size_t w = 0; w < BITMAP_WORDS(p->in->rows); w++)
        out[w] |= p->hit[w];
    p->hit = hit;
    return YODA_OK;
}

/* Rows without a match for which IN is NULL rather than false. */
static yoda_status find_unknown(struct probe *p, uint64_t **out)
{
    struct join *join = p->join;
    uint32_t rows = p->in->rows;
    uint64_t *unknown = *out = scratch_bits(p, rows);
    uint64_t *with_null = scratch_bits(p, rows), *others = scratch_bits(p, rows);
    bool simple = join->plan->u.join.key_count == 1 && !join->plan->u.join.residual;
    if (!unknown || !with_null || !others)
        return YODA_NOMEM;
    for (uint32_t i = 0; i < rows; i++) {
        if (bit_get(p->hit, i))
            continue;
        bit_set(vector_is_null(&p->key_vectors[0], i) ? with_null : others, i);
    }
    if (!simple) {
        TRY(find_others(p, &join->others, with_null, unknown));
        return join->any_null_key ? find_others(p, &join->others_null, others, unknown) : YODA_OK;
    }
    for (size_t w = 0; join->any_rows && w < BITMAP_WORDS(rows); w++)
        unknown[w] = with_null[w] | (join->any_null_key ? others[w] : 0);
    return YODA_OK;
}

static yoda_status emit_mark(struct probe *p, const uint64_t *unknown)
{
    const struct join *join = p->join;
    struct vector *columns =
        row_set_columns(&p->worker->scratch, join->child_count + 1, p->in->rows);
    if (!columns)
        return run_nomem(p->err, "joining");
    for (uint32_t i = 0; i < join->child_count; i++)
        if (bit_get(join->needed, i))
            columns[i] = p->in->columns[i];
    columns[join->child_count] = (struct vector){
        .type = VT_INT, .form = VF_BITS, .count = p->in->rows, .data = p->hit, .nulls = unknown};
    struct row_set out = {p->in->rows, join->child_count + 1, columns, NULL};
    return emit(p, &out);
}

/* SEMI, ANTI, MARK. */
static yoda_status push_existence(struct probe *p)
{
    uint64_t *unknown = NULL, *out = scratch_bits(p, p->in->rows);
    if (!out)
        return YODA_NOMEM;
    TRY(find_hits(p, &p->join->main.table, p->keys));
    if (p->join->plan->u.join.null_aware)
        TRY(find_unknown(p, &unknown));
    if (kind_of(p) == JOIN_SEMI)
        return emit_rows(p, p->hit);
    if (kind_of(p) == JOIN_MARK)
        return emit_mark(p, unknown);
    bitmap_fill(out, p->in->rows);
    for (size_t w = 0; w < BITMAP_WORDS(p->in->rows); w++)
        out[w] &= ~(p->hit[w] | (unknown ? unknown[w] : 0));
    return emit_rows(p, out);
}

static yoda_status push_pairs(struct probe *p)
{
    const struct join *join = p->join;
    if (join->main.table.unique && !join->plan->u.join.residual &&
        p->in->rows <= join->set_rows)
        return take_unique(p, &join->main.table);
    TRY(take_runs(p, &join->main.table, p->keys, false));
    if (join_keeps_unmatched_child(kind_of(p)) && !stopped(p))
        return emit_unmatched(p);
    return YODA_OK;
}

/* No keys and one build row: its values are constants beside the child's columns. */
static bool is_constant(const struct join *join)
{
    enum join_kind kind = join->plan->u.join.kind;
    return join->plan->u.join.key_count == 0 && !join->plan->u.join.residual &&
           join->rows.rows == 1 &&
           (kind == JOIN_INNER || kind == JOIN_LEFT || kind == JOIN_SINGLE);
}

static yoda_status push_constant(struct probe *p)
{
    const struct join *join = p->join;
    uint32_t n = p->in->rows;
    struct row_set out;
    struct arena *arena = &p->worker->scratch;
    struct vector *columns = row_set_columns(arena, join->child_count + join->build_count, n);
    if (!columns)
        return run_nomem(p->err, "joining");
    for (uint32_t i = 0; i < join->child_count; i++)
        if (bit_get(join->needed, i))
            columns[i] = p->in->columns[i];
    for (uint32_t i = 0; i < join->build_count; i++)
        if (bit_get(join->needed, join->child_count + i))
            TRY(join_rows_constant(&join->rows, i, 0, n, arena, &columns[join->child_count + i],
                                   p->err));
    out = (struct row_set){n, join->child_count + join->build_count, columns, p->in->alive};
    return emit(p, &out);
}

static yoda_status find_keys(struct probe *p)
{
    const struct plan *plan = p->join->plan;
    uint32_t count = plan->u.join.key_count;
    p->key_vectors = row_set_columns(&p->worker->scratch, count, p->in->rows);
    if (!p->key_vectors)
        return run_nomem(p->err, "joining");
    for (uint32_t k = 0; k < count; k++)
        TRY(expr_eval(plan->u.join.keys[k].probe, &p->worker->eval, p->in, &p->key_vectors[k],
                      p->err));
    return join_coder_keys(&p->join->main.coder, p->key_vectors, p->in->rows,
                           p->join->locals[p->worker->index].caches, &p->worker->scratch, p->keys,
                           p->err);
}

static yoda_status probe_push(struct op *op, struct worker *worker, const struct row_set *in,
                              yoda_error *err)
{
    struct join *join = (struct join *)op;
    struct probe p = {.join = join, .worker = worker, .in = in, .err = err};
    if (is_constant(join))
        return push_constant(&p);
    p.keys = scratch_alloc(&p, in->rows * sizeof *p.keys);
    p.hit = scratch_bits(&p, in->rows);
    p.sel = scratch_alloc(&p, VECTOR_ROWS * sizeof *p.sel);
    p.ids = scratch_alloc(&p, VECTOR_ROWS * sizeof *p.ids);
    if (!p.keys || !p.hit || !p.sel || !p.ids)
        return YODA_NOMEM;
    TRY(find_keys(&p));
    enum join_kind kind = join->plan->u.join.kind;
    if (kind == JOIN_SEMI || kind == JOIN_ANTI || kind == JOIN_MARK)
        return push_existence(&p);
    return push_pairs(&p);
}

static void probe_destroy(struct op *op)
{
    struct join *join = (struct join *)op;
    join_lookup_deinit(&join->main);
    join_lookup_deinit(&join->others);
    join_lookup_deinit(&join->others_null);
    join_rows_deinit(&join->rows);
    join_spill_destroy(join->spill, join);
    for (uint32_t w = 0; join->locals && w < op->run->workers; w++)
        for (uint32_t k = 0; join->locals[w].caches && k < join->plan->u.join.key_count; k++)
            mem_free(join->locals[w].caches[k].codes);
}

const struct op_type join_probe_type = {.push = probe_push, .destroy = probe_destroy};
