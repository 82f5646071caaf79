/*
 * op_scan.c -- SCAN: filtering one segment after another, touching as little as possible.
 *
 *   conjuncts with a code form    bound once per chunk; whole segments and vectors fall by zone
 *                                 map, the rest by a bitmap kernel over the codes
 *   the others                    expr_filter over the columns they read, gathered for the rows
 *                                 left
 *   filters of joins above        bounds against zone maps, then the rows left (scan_filter.h)
 *   columns somebody above needs  gathered last; without a copy where every row is left
 *
 * Where only the values of one column matter and nothing filters, they come from its dictionary
 * (scan_values.h).
 *
 * A segment all of whose rows are left is offered to the receiver unread (op_type.absorb). Without
 * filters that comes before the workers begin, and what is taken is no morsel; so nobody wakes up.
 *
 * What comes out is dense, and codes are still codes. Where most rows are left and the receiver can
 * skip the others by itself, whole vectors and the bitmap come out: nothing is gathered.
 *
 * A morsel is a segment, or a part of one where that costs nothing twice and segments are few.
 *
 * The run's knobs change the work and not the answer: without pruning no zone map is asked and every
 * conjunct is tried on the rows; without codes what is read is flattened at once; row sets can be cut
 * into slices.
 *
 * Per segment, lives in the worker's morsel arena: the chunks touched so far and the bound
 * predicates. Per vector, in scratch: the selection and the columns read for it.
 */
#include "olap/column/code_predicate.h"
#include "olap/exec/scan_filter.h"
#include "olap/exec/scan_values.h"
#include "olap/kernel/kernel.h"

#include <string.h>

#define ALIVE_TENTHS 7u /* of the rows: from here on gathering costs more than skipping */

#define SEGMENTS_MANY 8u  /* a worker: enough to share them evenly as they are */
#define MORSEL_ROWS (SEGMENT_ROWS / 4)

struct conjunct {
    expr_ref expr;
    bool simple; /* has a predicate over one column */
    uint32_t slot;
    struct predicate predicate;
    uint64_t *inputs; /* columns of expr */
};

struct scan_morsel {
    uint32_t segment, row, end;
};

struct scan {
    struct source source; /* must be first */
    struct run *run;
    const struct plan *plan;
    const struct table_version *table;
    const uint64_t *needed;
    const struct run_knobs *knobs;
    struct conjunct *conjuncts; /* [u.scan.filter_count] */
    struct scan_filter **filters; /* [filter_count], of joins above */
    uint32_t filter_count;
    struct op *receiver;
    struct scan_morsel *morsels; /* [source.morsel_count] */
    const struct chunk **told; /* [workers] whose values it pushed last, instead of rows */
};

struct bound { /* a conjunct in one segment */
    const struct conjunct *conjunct;
    const struct chunk *chunk;
    struct code_predicate code;
};

struct segment_scan {
    const struct scan *scan;
    const struct segment_ref *ref;
    struct worker *worker;
    const struct chunk **chunks; /* [column_count], NULL until touched */
    struct bound *coded, *evaluated;
    uint32_t coded_count, evaluated_count;
    struct scan_filter **filters; /* [filter_count], those that are on */
    uint32_t filter_count;
    uint64_t vectors_read, rows_scanned;
};

struct selection { /* the rows left of one vector and the columns read for them */
    uint32_t row, count; /* the vector's place */
    const uint16_t *sel;   /* NULL: all; ascending */
    uint32_t n;
    const uint64_t *alive; /* not NULL: n is all, and these are left */
    struct vector *columns;
    uint64_t *have;
};

/* NULL: not wanted. */
static struct op_profile *profile_of(const struct scan *scan)
{
    struct op_profile *profile = scan->run->context->profile;
    return profile ? &profile[scan->plan->id] : NULL;
}

static yoda_status touch(struct segment_scan *s, uint32_t slot, yoda_error *err)
{
    if (s->chunks[slot])
        return YODA_OK;
    return segment_chunk(s->ref->segment, s->scan->plan->u.scan.columns[slot], &s->chunks[slot],
                         err);
}

/* Cheaper tests first: ranges are a compare, sets a table look-up per row. */
static void insert_coded(struct segment_scan *s, struct bound bound)
{
    uint32_t at = s->coded_count++;
    bool cheap = bound.code.kind != CODE_PREDICATE_SET;
    while (cheap && at > 0 && s->coded[at - 1].code.kind == CODE_PREDICATE_SET) {
        s->coded[at] = s->coded[at - 1];
        at--;
    }
    s->coded[at] = bound;
}

/* Bind one conjunct; *none: no row of the segment can match. */
static yoda_status bind_conjunct(struct segment_scan *s, const struct conjunct *conjunct,
                                 bool *none, yoda_error *err)
{
    struct bound bound = {.conjunct = conjunct};
    if (!conjunct->simple) {
        s->evaluated[s->evaluated_count++] = bound;
        return YODA_OK;
    }
    TRY(touch(s, conjunct->slot, err));
    bound.chunk = s->chunks[conjunct->slot];
    const bool prune = !s->scan->knobs->no_pruning;
    struct zone zone = chunk_zone(bound.chunk, UINT32_MAX);
    if (prune && !predicate_may_match(&conjunct->predicate, &zone)) {
        *none = true;
        return YODA_OK;
    }
    TRY(code_predicate_bind(&conjunct->predicate, bound.chunk, &s->worker->morsel, &bound.code,
                            err));
    bool settled = bound.code.kind == CODE_PREDICATE_NONE || bound.code.kind == CODE_PREDICATE_ALL;
    if (bound.code.kind == CODE_PREDICATE_NO || (settled && !prune))
        s->evaluated[s->evaluated_count++] = bound;
    else if (bound.code.kind == CODE_PREDICATE_NONE)
        *none = true;
    else if (!settled)
        insert_coded(s, bound);
    return YODA_OK;
}

static bool zone_rejects(const struct bound *bounds, uint32_t count, uint32_t vector)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!bounds[i].chunk)
            continue;
        struct zone zone = chunk_zone(bounds[i].chunk, vector);
        if (!predicate_may_match(&bounds[i].conjunct->predicate, &zone))
            return true;
    }
    return false;
}

/* Does a join's filter reject the segment (UINT32_MAX) or vector by its zone map? */
static bool filters_reject(const struct segment_scan *s, uint32_t vector)
{
    for (uint32_t i = 0; i < s->filter_count && !s->scan->knobs->no_pruning; i++) {
        struct zone zone = chunk_zone(s->chunks[s->filters[i]->column], vector);
        if (scan_filter_rejects(s->filters[i], &zone))
            return true;
    }
    return false;
}

/* Read a column for the rows left, unless it is there already. */
static yoda_status read_column(struct segment_scan *s, struct selection *v, uint32_t slot,
                               yoda_error *err)
{
    if (bit_get(v->have, slot))
        return YODA_OK;
    TRY(touch(s, slot, err));
    enum vtype want = s->scan->plan->types[slot];
    struct arena *arena = &s->worker->scratch;
    struct vector *out = &v->columns[slot];
    const struct chunk *chunk = s->chunks[slot];
    if (!v->sel) {
        TRY(chunk_read(chunk, v->row, v->n, want, arena, out, err));
    } else if (chunk_encoding(chunk) == ENC_PLAIN) {
        TRY(chunk_gather(chunk, v->row, v->sel, v->n, want, arena, out, err));
    } else { /* codes are read without a copy, and the selection's end is known */
        struct vector all;
        TRY(chunk_read(chunk, v->row, v->sel[v->n - 1] + 1u, want, arena, &all, err));
        TRY(vector_gather(&all, v->sel, v->n, arena, out, err));
    }
    ASSERT(out->count == v->n);
    if (s->scan->knobs->no_codes) {
        struct vector coded = *out;
        TRY(vector_flatten(&coded, arena, out, err));
    }
    bit_set(v->have, slot);
    return YODA_OK;
}

static yoda_status read_columns(struct segment_scan *s, struct selection *v, const uint64_t *set,
                                yoda_error *err)
{
    for (uint32_t i = 0; i < s->scan->plan->column_count; i++)
        if (bit_get(set, i))
            TRY(read_column(s, v, i, err));
    return YODA_OK;
}

/* Keep the rows whose bit is set (over the rows left); columns read so far follow. */
static yoda_status narrow(struct segment_scan *s, struct selection *v, const uint64_t *bits,
                          yoda_error *err)
{
    struct arena *arena = &s->worker->scratch;
    uint16_t *local = arena_alloc(arena, VECTOR_ROWS * sizeof *local + 64);
    uint16_t *sel = arena_alloc(arena, VECTOR_ROWS * sizeof *sel + 64);
    if (!local || !sel)
        return run_nomem(err, "scanning");
    uint32_t n = bitmap_to_selection(bits, v->n, local);
    if (n == v->n)
        return YODA_OK;
    for (uint32_t i = 0; i < n; i++)
        sel[i] = v->sel ? v->sel[local[i]] : local[i];
    v->sel = sel;
    v->n = n;
    for (uint32_t i = 0; n && i < s->scan->plan->column_count; i++) {
        if (!bit_get(v->have, i) || !bit_get(s->scan->needed, i)) {
            bit_clear(v->have, i); /* read again if a later conjunct wants it */
            v->columns[i] = (struct vector){.type = VT_NULL, .count = n};
            continue;
        }
        struct vector whole = v->columns[i];
        TRY(vector_gather(&whole, local, n, arena, &v->columns[i], err));
    }
    return YODA_OK;
}

/* Deleted rows and conjuncts over codes: a bitmap, then a selection. */
static yoda_status select_coded(struct segment_scan *s, struct selection *v, yoda_error *err)
{
    struct arena *arena = &s->worker->scratch;
    size_t words = BITMAP_WORDS(v->count);
    uint64_t *bits = arena_calloc(arena, words + 8, sizeof *bits);
    uint16_t *sel = arena_alloc(arena, VECTOR_ROWS * sizeof *sel + 64);
    if (!bits || !sel)
        return run_nomem(err, "scanning");
    bitmap_fill(bits, v->count);
    if (s->ref->deleted)
        kernels()->andnot_words(bits, s->ref->deleted + v->row / 64, words, bits);
    for (uint32_t i = 0; i < s->coded_count; i++)
        code_predicate_apply(&s->coded[i].code, s->coded[i].chunk, v->row, v->count, bits);
    size_t left = kernels()->count_words(bits, words);
    if (left < v->count && left * 10 >= (size_t)v->count * ALIVE_TENTHS && !s->evaluated_count &&
        !s->filter_count && s->worker->pipeline->first->takes_alive) {
        v->alive = bits;
        return YODA_OK;
    }
    v->n = bitmap_to_selection(bits, v->count, sel);
    v->sel = v->n == v->count ? NULL : sel;
    return YODA_OK;
}

/* Joins above: rows whose keys they do not have. */
static yoda_status select_filtered(struct segment_scan *s, struct selection *v, yoda_error *err)
{
    uint64_t *bits = arena_alloc(&s->worker->scratch, VECTOR_WORDS * sizeof *bits);
    if (!bits)
        return run_nomem(err, "scanning");
    for (uint32_t i = 0; v->n && i < s->filter_count; i++) {
        struct scan_filter *filter = s->filters[i];
        if (!scan_filter_is_on(filter))
            continue;
        TRY(read_column(s, v, filter->column, err));
        TRY(scan_filter_test(filter, &v->columns[filter->column], &s->worker->scratch, bits, err));
        TRY(narrow(s, v, bits, err));
    }
    return YODA_OK;
}

static yoda_status select_evaluated(struct segment_scan *s, struct selection *v, yoda_error *err)
{
    uint64_t *bits = arena_alloc(&s->worker->scratch, VECTOR_WORDS * sizeof *bits);
    if (!bits)
        return run_nomem(err, "scanning");
    for (uint32_t i = 0; v->n && i < s->evaluated_count; i++) {
        const struct conjunct *conjunct = s->evaluated[i].conjunct;
        TRY(read_columns(s, v, conjunct->inputs, err));
        struct row_set rows = {v->n, s->scan->plan->column_count, v->columns, NULL};
        TRY(expr_filter(conjunct->expr, &s->worker->eval, &rows, bits, err));
        TRY(narrow(s, v, bits, err));
    }
    return YODA_OK;
}

/* Push rows in slices of `most`; rows that do not count are left out of them. */
static yoda_status push_slices(struct worker *worker, const struct row_set *rows, uint32_t most,
                               yoda_error *err)
{
    uint16_t *sel = arena_alloc(&worker->scratch, VECTOR_ROWS * sizeof *sel + 64);
    uint64_t *all = arena_array(&worker->scratch, uint64_t, VECTOR_WORDS + 8);
    if (!sel || !all)
        return run_nomem(err, "scanning");
    bitmap_fill(all, rows->rows);
    uint32_t left = bitmap_to_selection(rows->alive ? rows->alive : all, rows->rows, sel);
    for (uint32_t at = 0; at < left && !pipeline_stopped(worker); at += most) {
        struct row_set slice;
        TRY(row_set_gather(rows, NULL, sel + at, left - at < most ? left - at : most,
                           &worker->scratch, &slice, err));
        TRY(pipeline_push(worker, &slice, err));
    }
    return YODA_OK;
}

static yoda_status scan_vector(struct segment_scan *s, uint32_t row, uint32_t count,
                               yoda_error *err)
{
    struct selection v = {.row = row, .count = count, .n = count};
    s->vectors_read++;
    s->rows_scanned += count;
    if (s->ref->deleted || s->coded_count)
        TRY(select_coded(s, &v, err));
    if (!v.n)
        return YODA_OK;
    uint32_t columns = s->scan->plan->column_count;
    v.columns = row_set_columns(&s->worker->scratch, columns, v.n);
    v.have = arena_array(&s->worker->scratch, uint64_t, BITMAP_WORDS(columns) + 1);
    if (!v.columns || !v.have)
        return run_nomem(err, "scanning");
    if (s->filter_count)
        TRY(select_filtered(s, &v, err));
    TRY(select_evaluated(s, &v, err));
    if (!v.n)
        return YODA_OK;
    TRY(read_columns(s, &v, s->scan->needed, err));
    for (uint32_t i = 0; i < columns; i++) /* inputs of filters only: placeholders again */
        if (!bit_get(s->scan->needed, i))
            v.columns[i] = (struct vector){.type = VT_NULL, .count = v.n};
    struct row_set out = {v.n, columns, v.columns, v.alive};
    const uint32_t most = s->scan->knobs->vector_rows;
    if (most && most < v.n)
        return push_slices(s->worker, &out, most, err);
    return pipeline_push(s->worker, &out, err);
}

static yoda_status scan_vectors(struct segment_scan *s, const struct scan_morsel *morsel,
                                yoda_error *err)
{
    for (uint32_t row = morsel->row; row < morsel->end && !pipeline_stopped(s->worker);
         row += VECTOR_ROWS) {
        TRY(pipeline_step(s->worker, err));
        uint32_t vector = row / VECTOR_ROWS, left = morsel->end - row;
        if (!s->scan->knobs->no_pruning &&
            (zone_rejects(s->coded, s->coded_count, vector) ||
             zone_rejects(s->evaluated, s->evaluated_count, vector) ||
             filters_reject(s, vector)))
            continue;
        TRY(scan_vector(s, row, left < VECTOR_ROWS ? left : VECTOR_ROWS, err));
    }
    return YODA_OK;
}

static yoda_status bind_filters(struct segment_scan *s, bool *none, yoda_error *err)
{
    const struct scan *scan = s->scan;
    s->filters = arena_array(&s->worker->morsel, struct scan_filter *, scan->filter_count);
    if (!s->filters)
        return run_nomem(err, "scanning");
    for (uint32_t i = 0; i < scan->filter_count; i++) {
        if (!scan_filter_is_on(scan->filters[i]))
            continue;
        TRY(touch(s, scan->filters[i]->column, err));
        s->filters[s->filter_count++] = scan->filters[i];
    }
    *none |= filters_reject(s, UINT32_MAX);
    return YODA_OK;
}

static yoda_status bind_segment(struct segment_scan *s, bool *none, yoda_error *err)
{
    const struct plan *plan = s->scan->plan;
    struct arena *arena = &s->worker->morsel;
    uint32_t filters = plan->u.scan.filter_count;
    s->chunks = arena_array(arena, const struct chunk *, plan->column_count);
    s->coded = arena_array(arena, struct bound, filters);
    s->evaluated = arena_array(arena, struct bound, filters);
    if (!s->chunks || !s->coded || !s->evaluated)
        return run_nomem(err, "scanning");
    *none = s->ref->rows == s->ref->deleted_count;
    for (uint32_t i = 0; i < filters && !*none; i++)
        TRY(bind_conjunct(s, &s->scan->conjuncts[i], none, err));
    return *none || !s->scan->filter_count ? YODA_OK : bind_filters(s, none, err);
}

/* The column whose values are all that matters of the segment, or UINT32_MAX. */
static uint32_t only_column(const struct segment_scan *s)
{
    const struct scan *scan = s->scan;
    uint32_t columns = scan->plan->column_count, slot = 0;
    if (!s->worker->pipeline->first->wants_values || s->coded_count || s->evaluated_count ||
        s->filter_count || scan->knobs->no_codes || scan->knobs->no_pruning ||
        bitmap_count(scan->needed, columns) != 1)
        return UINT32_MAX;
    while (!bit_get(scan->needed, slot))
        slot++;
    return slot;
}

/* Push the segment's values instead of its rows, where that is the same. */
static yoda_status scan_values(struct segment_scan *s, bool *done, yoda_error *err)
{
    const struct plan *plan = s->scan->plan;
    const struct dict *dict;
    uint32_t slot = only_column(s);
    *done = false;
    if (slot == UINT32_MAX)
        return YODA_OK;
    TRY(touch(s, slot, err));
    TRY(scan_values_dict(s->ref, s->chunks[slot], plan->types[slot], &s->worker->morsel, &dict,
                         err));
    if (!dict)
        return YODA_OK;
    *done = true;
    bool null = chunk_zone(s->chunks[slot], UINT32_MAX).null_count > 0;
    const struct chunk **told = &s->scan->told[s->worker->index];
    if (*told && chunk_same_dict(*told, s->chunks[slot]))
        dict = NULL; /* what matters is known already */
    else
        *told = s->chunks[slot];
    return scan_values_push(s->worker, dict, null, plan->types[slot], plan->column_count, slot,
                            err);
}

/* Are all of a chunk's rows the segment's, and what the plan thinks they are? */
static bool is_whole(const struct segment_scan *s, uint32_t slot)
{
    const struct chunk *chunk = s->chunks[slot];
    return chunk_encoding(chunk) != ENC_RAW && chunk_rows(chunk) == s->ref->rows &&
           chunk_fits(chunk, s->scan->plan->types[slot]);
}

/* Nothing is left to find out about the rows, and the receiver could do without them. */
static bool may_offer(const struct segment_scan *s)
{
    return s->scan->receiver->takes_facts && !s->coded_count && !s->evaluated_count &&
           !s->scan->filter_count && !s->scan->knobs->no_codes && !s->scan->knobs->no_pruning;
}

/* Offer the segment instead of its rows. `loads`: chunks may be read for that. */
static yoda_status offer_segment(struct segment_scan *s, uint32_t worker, bool loads, bool *taken,
                                 yoda_error *err)
{
    const struct plan *plan = s->scan->plan;
    struct op *receiver = s->scan->receiver;
    struct op_profile *profile = profile_of(s->scan);
    *taken = false;
    for (uint32_t i = 0; i < plan->column_count; i++) {
        if (!bit_get(s->scan->needed, i))
            continue;
        if (s->ref->deleted_count)
            return YODA_OK;
        if (!loads && !segment_chunk_loaded(s->ref->segment, plan->u.scan.columns[i]))
            return YODA_OK;
        TRY(touch(s, i, err));
        if (!is_whole(s, i))
            return YODA_OK;
    }
    struct segment_facts facts = {s->ref->rows - s->ref->deleted_count, s->chunks};
    TRY(receiver->type->absorb(receiver, worker, &facts, taken, err));
    if (*taken && profile)
        atomic_fetch_add_explicit(&profile->segments_absorbed, 1, memory_order_relaxed);
    return YODA_OK;
}

static void count_read(const struct scan *scan, const struct segment_scan *s, bool first)
{
    struct run_stats *stats = scan->run->context->stats;
    struct op_profile *profile = profile_of(scan);
    if (stats) {
        atomic_fetch_add_explicit(&stats->segments_read, first, memory_order_relaxed);
        atomic_fetch_add_explicit(&stats->vectors_read, s->vectors_read, memory_order_relaxed);
        atomic_fetch_add_explicit(&stats->rows_scanned, s->rows_scanned, memory_order_relaxed);
    }
    if (profile) {
        atomic_fetch_add_explicit(&profile->segments_read, first, memory_order_relaxed);
        atomic_fetch_add_explicit(&profile->vectors_read, s->vectors_read, memory_order_relaxed);
    }
}

static yoda_status scan_morsel(struct source *source, struct worker *worker, uint32_t index,
                               yoda_error *err)
{
    struct scan *scan = (struct scan *)source;
    const struct scan_morsel *morsel = &scan->morsels[index];
    struct segment_scan s = {
        .scan = scan, .ref = &scan->table->segments[morsel->segment], .worker = worker};
    const bool whole = morsel->row == 0 && morsel->end == s.ref->rows;
    bool done = false; /* or nothing to do */
    TRY(pipeline_step(worker, err));
    TRY(bind_segment(&s, &done, err));
    if (!done && whole && may_offer(&s))
        TRY(offer_segment(&s, worker->index, true, &done, err));
    if (!done)
        TRY(scan_values(&s, &done, err));
    if (done)
        return YODA_OK;
    yoda_status status = scan_vectors(&s, morsel, err);
    if (s.vectors_read)
        count_read(scan, &s, morsel->row == 0);
    return status;
}

static void count_totals(const struct scan *scan)
{
    const struct table_version *table = scan->table;
    struct run_stats *stats = scan->run->context->stats;
    struct op_profile *profile = profile_of(scan);
    uint64_t segments = table->segment_count, vectors = 0;
    for (uint32_t i = 0; i < table->segment_count; i++)
        vectors += (table->segments[i].rows + VECTOR_ROWS - 1) / VECTOR_ROWS;
    if (stats) {
        atomic_fetch_add_explicit(&stats->segments_total, segments, memory_order_relaxed);
        atomic_fetch_add_explicit(&stats->vectors_total, vectors, memory_order_relaxed);
    }
    if (profile) {
        atomic_fetch_add_explicit(&profile->segments_total, segments, memory_order_relaxed);
        atomic_fetch_add_explicit(&profile->vectors_total, vectors, memory_order_relaxed);
    }
}

static yoda_status prepare_conjuncts(struct scan *scan, struct arena *arena, yoda_error *err)
{
    const struct plan *plan = scan->plan;
    scan->conjuncts = arena_array(arena, struct conjunct, plan->u.scan.filter_count);
    if (!scan->conjuncts)
        return run_nomem(err, "planning");
    for (uint32_t i = 0; i < plan->u.scan.filter_count; i++) {
        struct conjunct *conjunct = &scan->conjuncts[i];
        conjunct->expr = plan->u.scan.filters[i];
        conjunct->inputs = arena_array(arena, uint64_t, BITMAP_WORDS(plan->column_count) + 1);
        if (!conjunct->inputs)
            return run_nomem(err, "planning");
        expr_inputs(conjunct->expr, conjunct->inputs);
        conjunct->simple =
            expr_as_predicate(conjunct->expr, arena, &conjunct->slot, &conjunct->predicate);
        ASSERT(!conjunct->simple || conjunct->slot < plan->column_count);
    }
    return YODA_OK;
}

static yoda_status find_filters(struct scan *scan, yoda_error *err)
{
    uint32_t count = 0;
    for (struct scan_filter *f = scan->run->filters; f; f = f->next)
        count += f->scan == scan->plan;
    scan->filters = arena_array(&scan->run->arena, struct scan_filter *, count);
    if (!scan->filters)
        return run_nomem(err, "planning");
    for (struct scan_filter *f = scan->run->filters; f; f = f->next)
        if (f->scan == scan->plan)
            scan->filters[scan->filter_count++] = f;
    return YODA_OK;
}

/* Is it all the same whether a segment is one morsel or several? An encoded one is not where its
 * predicates would be bound again, or where something else may stand for its rows; an open one
 * where its rows are added up sooner than another thread wakes. */
static bool may_cut(const struct scan *scan, const struct segment_ref *ref)
{
    const struct op *receiver = scan->receiver;
    bool filtered = scan->plan->u.scan.filter_count || scan->filter_count;
    if (scan->table->segment_count >= SEGMENTS_MANY * scan->run->workers || scan->run->workers == 1)
        return false;
    if (segment_is_open(ref->segment))
        return filtered || !receiver->takes_facts;
    return !filtered && !receiver->takes_facts && !receiver->wants_values;
}

static void add_morsels(struct scan *scan, uint32_t segment)
{
    const struct segment_ref *ref = &scan->table->segments[segment];
    uint32_t most = may_cut(scan, ref) ? MORSEL_ROWS : SEGMENT_ROWS;
    for (uint32_t row = 0; row < ref->rows; row += most)
        scan->morsels[scan->source.morsel_count++] = (struct scan_morsel){
            segment, row, ref->rows - row < most ? ref->rows : row + most};
}

/* Segments that the receiver takes before the workers begin are no morsels. */
static yoda_status list_morsels(struct scan *scan, struct arena *arena, yoda_error *err)
{
    const struct table_version *table = scan->table;
    struct segment_scan s = {.scan = scan};
    bool offers = scan->plan->u.scan.filter_count == 0 && may_offer(&s);
    s.chunks = arena_array(arena, const struct chunk *, scan->plan->column_count);
    scan->morsels = arena_array(arena, struct scan_morsel,
                                table->segment_count * (size_t)(SEGMENT_ROWS / MORSEL_ROWS));
    scan->told = arena_array(arena, const struct chunk *, scan->run->workers);
    if (!s.chunks || !scan->morsels || !scan->told)
        return run_nomem(err, "planning");
    for (uint32_t i = 0; i < table->segment_count; i++) {
        bool taken = false;
        s.ref = &table->segments[i];
        for (uint32_t c = 0; c < scan->plan->column_count; c++)
            s.chunks[c] = NULL;
        if (offers)
            TRY(offer_segment(&s, 0, false, &taken, err));
        if (!taken)
            add_morsels(scan, i);
    }
    return YODA_OK;
}

yoda_status scan_source(struct run *run, const struct plan *plan, const uint64_t *needed,
                        struct op *receiver, struct source **out, yoda_error *err)
{
    struct scan *scan = arena_new(&run->arena, struct scan);
    if (!scan)
        return run_nomem(err, "planning");
    scan->run = run;
    scan->plan = plan;
    scan->needed = needed;
    scan->receiver = receiver;
    scan->knobs = &run->context->knobs;
    scan->table = version_find_table(run->version, plan->u.scan.tid);
    if (!scan->table)
        return fail(err, YODA_NOT_COLUMNAR, "table %s has no complete columnar copy",
                    plan->u.scan.table_name);
    TRY(prepare_conjuncts(scan, &run->arena, err));
    TRY(find_filters(scan, err));
    scan->source.run = scan_morsel;
    count_totals(scan);
    TRY(list_morsels(scan, &run->arena, err));
    *out = &scan->source;
    return YODA_OK;
}
