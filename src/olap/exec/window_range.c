/* window_range.c -- see window_range.h. */
#include "olap/exec/window_range.h"

#include "olap/exec/row_slice.h"

#include <string.h>

#define MORSEL_ROWS 65536u

struct range {
    const struct window_source *source;
    struct worker *worker;
    const struct window_entry *entries; /* [rows] */
    uint64_t begin;
    uint32_t rows;
    struct window_column *inputs;       /* [input_count] */
    struct window_column *results;      /* [use_count] */
    struct window_column *cut_inputs;   /* of the partition at hand */
    uint32_t *group, *group_first, *lo, *hi;
};

static const uint64_t *bitmap_of(const struct buffer *buffer)
{
    return (const uint64_t *)(const void *)buffer->data;
}

/* The first set bit from `from` on; there is one. */
static uint64_t next_bit(const uint64_t *bits, uint64_t from)
{
    uint64_t w = from / 64, word = bits[w] & (~UINT64_C(0) << (from % 64));
    while (!word)
        word = bits[++w];
    return w * 64 + bits_lowest(word);
}

/* ---- Rows in window order ---- */

static yoda_status column_new(struct arena *arena, enum vtype type, uint32_t rows,
                              struct window_column *out, yoda_error *err)
{
    out->type = type;
    out->data = arena_alloc(arena, (size_t)rows * window_value_size(type) + 64);
    out->tags = arena_alloc(arena, (size_t)rows + 64);
    if (!out->data || !out->tags)
        return run_nomem(err, "framing windows");
    memset(out->tags, ROW_NULL, rows);
    return YODA_OK;
}

/* Values of a row buffer's column, in the order of the entries. */
static void gather_portion(const struct window_source *source, const struct window_entry *entries,
                   uint32_t rows, uint32_t column, struct window_column *out)
{
    if (out->type == VT_NULL)
        return;
    bool text = out->type == VT_TEXT || out->type == VT_BLOB;
    uint64_t *words = out->data;
    struct strref *refs = out->data;
    for (uint32_t i = 0; i < rows; i++) {
        const struct row_column *c = &source->buffers[entries[i].worker]->columns[column];
        uint32_t row = entries[i].row;
        out->tags[i] = c->tags->data[row];
        if (text)
            refs[i] = ((const struct strref *)(const void *)c->data->data)[row];
        else
            words[i] = ((const uint64_t *)(const void *)c->data->data)[row];
    }
}

static yoda_status gather(const struct range *r, uint32_t column, struct window_column *out,
                          yoda_error *err)
{
    for (uint32_t at = 0, n; at < r->rows; at += n) {
        struct window_column portion = window_column_from(out, at);
        n = r->rows - at < WINDOW_CHECK_ROWS ? r->rows - at : WINDOW_CHECK_ROWS;
        TRY(run_check(r->source->setup->run, err));
        gather_portion(r->source, r->entries + at, n, column, &portion);
    }
    return YODA_OK;
}

static void fill_constant(struct window_column *out, const struct value *v, uint32_t rows)
{
    for (uint32_t i = 0; i < rows && v->type != YODA_NULL; i++) {
        if (v->type == YODA_INTEGER)
            window_set_int(out, i, v->i);
        else if (v->type == YODA_REAL)
            window_set_real(out, i, v->r);
        else
            ((struct strref *)out->data)[i] = (struct strref){v->p, v->size};
        out->tags[i] = out->type == VT_NUM && v->type == YODA_REAL ? ROW_REAL : ROW_VALUE;
    }
}

static yoda_status prepare_columns(struct range *r, yoda_error *err)
{
    const struct window_setup *setup = r->source->setup;
    struct arena *arena = &r->worker->morsel;
    r->inputs = arena_array(arena, struct window_column, setup->input_count);
    r->cut_inputs = arena_array(arena, struct window_column, setup->input_count);
    r->results = arena_array(arena, struct window_column, setup->use_count);
    if (!r->inputs || !r->cut_inputs || !r->results)
        return run_nomem(err, "framing windows");
    for (uint32_t i = 0; i < setup->input_count; i++) {
        const struct window_input *input = &r->source->inputs[i];
        TRY(column_new(arena, input->type, r->rows, &r->inputs[i], err));
        if (input->column == WINDOW_NONE)
            fill_constant(&r->inputs[i], &input->constant, r->rows);
        else
            TRY(gather(r, input->column, &r->inputs[i], err));
    }
    for (uint32_t u = 0; u < setup->use_count; u++)
        TRY(column_new(arena, setup->uses[u].call->type, r->rows, &r->results[u], err));
    return YODA_OK;
}

static yoda_status range_init(struct range *r, struct window_source *source, struct worker *worker,
                              uint32_t morsel, yoda_error *err)
{
    uint64_t begin = source->begins[morsel], rows = source->begins[morsel + 1] - begin;
    struct arena *arena = &worker->morsel;
    if (rows >= UINT32_MAX)
        return fail(err, YODA_TOO_BIG, "more than 2^32 rows in one window partition");
    *r = (struct range){.source = source, .worker = worker, .begin = begin,
                        .rows = (uint32_t)rows};
    r->entries =
        (const struct window_entry *)(const void *)source->sorted->entries->data + begin;
    r->group = arena_alloc(arena, (rows + 1) * sizeof *r->group);
    r->group_first = arena_alloc(arena, (rows + 1) * sizeof *r->group_first);
    r->lo = arena_alloc(arena, (rows + 1) * sizeof *r->lo);
    r->hi = arena_alloc(arena, (rows + 1) * sizeof *r->hi);
    if (!r->group || !r->group_first || !r->lo || !r->hi)
        return run_nomem(err, "framing windows");
    return prepare_columns(r, err);
}

/* ---- Partitions ---- */

static yoda_status find_groups(struct range *r, uint32_t first, struct window_partition *p,
                               yoda_error *err)
{
    const uint64_t *peers = bitmap_of(r->source->sorted->peers);
    uint32_t groups = 0, work = 0;
    for (uint32_t i = 0; i < p->rows; i++) {
        TRY(window_step(p, &work, 1, err));
        if (bit_get(peers, r->begin + first + i))
            r->group_first[groups++] = i;
        r->group[i] = groups - 1;
    }
    r->group_first[groups] = p->rows;
    p->group_count = groups;
    return YODA_OK;
}

static bool same_rows(const struct range *r, const struct window_entry *a,
                      const struct window_entry *b)
{
    const struct row_buffer *rows_a = r->source->buffers[a->worker];
    const struct row_buffer *rows_b = r->source->buffers[b->worker];
    for (uint32_t c = 0; c < rows_a->column_count; c++) {
        if (!rows_a->columns[c].kept)
            continue;
        struct value va = row_buffer_value(rows_a, c, a->row);
        struct value vb = row_buffer_value(rows_b, c, b->row);
        if (!value_identical(&va, &vb))
            return false;
    }
    return true;
}

/* Rows that are equal in the order may only be interchangeable ones. */
static yoda_status check_ties(const struct range *r, uint32_t first,
                              const struct window_partition *p, yoda_error *err)
{
    const struct window_entry *entries = r->entries + first;
    uint32_t work = 0;
    for (uint32_t i = 1; i < p->rows && p->group_count < p->rows; i++) {
        TRY(window_step(p, &work, 1, err));
        if (p->group[i] == p->group[i - 1] && !same_rows(r, &entries[i - 1], &entries[i]))
            return fail(err, YODA_NOT_COLUMNAR,
                        "the order of equal rows shows in a window function");
    }
    return YODA_OK;
}

static yoda_status evaluate(struct range *r, uint32_t first, uint32_t rows, yoda_error *err)
{
    const struct window_setup *setup = r->source->setup;
    struct window_partition p = {.setup = setup, .arena = &r->worker->morsel,
                                 .scratch = &r->worker->scratch, .inputs = r->cut_inputs,
                                 .rows = rows, .group = r->group,
                                 .group_first = r->group_first, .lo = r->lo, .hi = r->hi};
    arena_reset(p.scratch);
    TRY(find_groups(r, first, &p, err));
    for (uint32_t i = 0; i < setup->input_count; i++)
        r->cut_inputs[i] = window_column_from(&r->inputs[i], first);
    if (setup->ordered)
        TRY(check_ties(r, first, &p, err));
    if (setup->frames)
        TRY(window_frames(&p, r->lo, r->hi, err));
    for (uint32_t u = 0; u < setup->use_count; u++) {
        struct window_column out = window_column_from(&r->results[u], first);
        TRY(window_evaluate(&p, &setup->uses[u], &out, err));
    }
    return YODA_OK;
}

static yoda_status evaluate_all(struct range *r, yoda_error *err)
{
    const uint64_t *partitions = bitmap_of(r->source->sorted->partitions);
    uint32_t work = WINDOW_CHECK_ROWS;
    for (uint32_t first = 0, end; first < r->rows; first = end) {
        end = (uint32_t)(next_bit(partitions, r->begin + first + 1) - r->begin);
        ASSERT(end > first && end <= r->rows);
        if (work >= WINDOW_CHECK_ROWS) {
            TRY(run_check(r->worker->pipeline->run, err));
            work = 0;
        }
        work += end - first;
        TRY(evaluate(r, first, end - first, err));
    }
    return YODA_OK;
}

/* ---- Pushing ---- */

static yoda_status push_rows(struct range *r, uint32_t first, uint32_t rows, yoda_error *err)
{
    const struct window_source *source = r->source;
    const struct window_setup *setup = source->setup;
    struct arena *arena = &r->worker->scratch;
    uint32_t below = setup->plan->child->column_count;
    struct vector *columns = row_set_columns(arena, setup->plan->column_count, rows);
    if (!columns)
        return run_nomem(err, "framing windows");
    for (uint32_t c = 0; c < below; c++) {
        struct window_column column;
        if (!bit_get(source->needed, c))
            continue;
        TRY(column_new(arena, setup->plan->types[c], rows, &column, err));
        gather_portion(source, r->entries + first, rows, c, &column);
        TRY(row_slice_values(column.type, column.data, column.tags, rows, arena, &columns[c], err));
    }
    for (uint32_t u = 0; u < setup->use_count; u++) {
        struct window_column column = window_column_from(&r->results[u], first);
        TRY(row_slice_values(column.type, column.data, column.tags, rows, arena,
                             &columns[setup->uses[u].output], err));
    }
    struct row_set set = {rows, setup->plan->column_count, columns, NULL};
    return pipeline_push(r->worker, &set, err);
}

static yoda_status window_read(struct source *base, struct worker *worker, uint32_t morsel,
                               yoda_error *err)
{
    const uint32_t most = run_set_rows(worker->pipeline->run);
    struct range r = {0};
    TRY(range_init(&r, (struct window_source *)base, worker, morsel, err));
    TRY(evaluate_all(&r, err));
    for (uint32_t at = 0, n; at < r.rows && !pipeline_stopped(worker); at += n) {
        n = r.rows - at < most ? r.rows - at : most;
        TRY(pipeline_step(worker, err));
        TRY(push_rows(&r, at, n, err));
    }
    return YODA_OK;
}

yoda_status window_source_init(struct window_source *source, struct run *run, yoda_error *err)
{
    uint64_t count = source->sorted->count, at = 0;
    uint32_t n = 0;
    source->begins = arena_array(&run->arena, uint64_t, count / MORSEL_ROWS + 2);
    if (!source->begins)
        return run_nomem(err, "planning");
    while (at < count) {
        uint64_t next = at + MORSEL_ROWS;
        source->begins[n++] = at;
        at = next < count ? next_bit(bitmap_of(source->sorted->partitions), next) : count;
    }
    source->begins[n] = count;
    source->source.morsel_count = n;
    source->source.run = window_read;
    return YODA_OK;
}
