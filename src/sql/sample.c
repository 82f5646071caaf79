/*
 * sample.c -- the share of a scan's rows that pass its filters, found by filtering some of them.
 *
 * First zone maps: segments that a simple filter rules out count as zero rows and are not touched.
 * Then a few vectors, spread evenly over the segments left, are read and filtered as the scan would
 * do it. None found among n rows does not mean none: half a row is counted.
 *
 * Errors of any kind (a value that only SQLite can compare, a file that cannot be read) end the
 * sampling; who asked goes on with a guess.
 */
#include "sql/estimate.h"

#include "olap/column/code_predicate.h"

#include <math.h>

#define VECTORS 8u         /* read at most */
#define COSTLY_VECTORS 3u  /* where a filter is no comparison of codes */
#define SEGMENTS_MAX 1024u /* whose zone maps are looked at */

struct sample {
    struct query *q;
    const struct table_version *version;
    const struct catalog_table *table;
    struct arena arena;   /* of the expressions, for the whole sample */
    struct arena scratch; /* of one vector */
    expr_ref *filters;    /* [filter_count] over the table's columns */
    uint32_t filter_count;
    struct predicate *predicates; /* [filter_count], of those that are simple */
    uint32_t *slots;              /* [filter_count] their columns; UINT32_MAX: not simple */
    uint64_t *read;               /* columns that filters read */
    uint64_t seen, passed;
};

static yoda_status prepare(struct sample *s, const struct rel *scan)
{
    struct expr_builder build = {&s->arena, NULL};
    uint32_t count = scan->u.scan.filters.count, columns = s->table->column_count;
    uint32_t *map = arena_array(&s->arena, uint32_t, s->q->column_count);
    s->filters = arena_array(&s->arena, expr_ref, count);
    s->predicates = arena_array(&s->arena, struct predicate, count);
    s->slots = arena_array(&s->arena, uint32_t, count);
    s->read = arena_array(&s->arena, uint64_t, BITMAP_WORDS(columns) + 1);
    if (!map || !s->filters || !s->predicates || !s->slots || !s->read)
        return YODA_NOMEM;
    for (uint32_t i = 0; i < columns; i++)
        map[scan->u.scan.first + i] = i;
    s->filter_count = count;
    for (uint32_t i = 0; i < count; i++) {
        TRY(expr_remap(&build, scan->u.scan.filters.items[i], map, &s->filters[i]));
        expr_inputs(s->filters[i], s->read);
        if (!expr_as_predicate(s->filters[i], &s->arena, &s->slots[i], &s->predicates[i]))
            s->slots[i] = UINT32_MAX;
    }
    return YODA_OK;
}

/* ---- Zone maps ---- */

static bool may_match(const struct sample *s, const struct segment_ref *ref, uint32_t vector)
{
    for (uint32_t i = 0; i < s->filter_count; i++) {
        const struct chunk *chunk;
        if (s->slots[i] == UINT32_MAX ||
            segment_chunk(ref->segment, s->slots[i], &chunk, NULL) != YODA_OK)
            continue;
        struct zone zone = chunk_zone(chunk, vector);
        if (!predicate_may_match(&s->predicates[i], &zone))
            return false;
    }
    return true;
}

/* ---- Vectors ---- */

static yoda_status read_vectors(struct sample *s, const struct segment_ref *ref, uint32_t row,
                                uint32_t rows, struct vector *columns)
{
    for (uint32_t c = 0; c < s->table->column_count; c++) {
        enum vtype type;
        const struct chunk *chunk;
        columns[c] = (struct vector){.type = VT_NULL, .count = rows};
        if (!bit_get(s->read, c))
            continue;
        if (!vtype_of_classes(s->table->classes[c], &type))
            return YODA_NOT_COLUMNAR;
        TRY(segment_chunk(ref->segment, c, &chunk, NULL));
        TRY(chunk_read(chunk, row, rows, type, &s->scratch, &columns[c], NULL));
    }
    return YODA_OK;
}

static yoda_status sample_vector(struct sample *s, const struct segment_ref *ref, uint32_t vector)
{
    uint32_t row = vector * VECTOR_ROWS;
    uint32_t rows = ref->rows - row < VECTOR_ROWS ? ref->rows - row : VECTOR_ROWS;
    uint64_t all[VECTOR_WORDS] = {0}, bits[VECTOR_WORDS];
    struct eval eval = {&s->scratch};
    arena_reset(&s->scratch);
    struct vector *columns = arena_array(&s->scratch, struct vector, s->table->column_count);
    if (!columns)
        return YODA_NOMEM;
    s->seen += rows;
    if (!may_match(s, ref, vector))
        return YODA_OK;
    TRY(read_vectors(s, ref, row, rows, columns));
    struct row_set in = {.rows = rows, .column_count = s->table->column_count, .columns = columns};
    bitmap_fill(all, rows);
    for (uint32_t i = 0; i < s->filter_count; i++) {
        TRY(expr_filter(s->filters[i], &eval, &in, bits, NULL));
        for (size_t w = 0; w < BITMAP_WORDS(rows); w++)
            all[w] &= bits[w];
    }
    s->passed += bitmap_count(all, rows);
    return YODA_OK;
}

/* ---- All ---- */

/* Segments left by zone maps: their indexes in left; returns their rows. */
static uint64_t choose_segments(const struct sample *s, uint32_t *left, uint32_t *count)
{
    uint64_t rows = 0;
    *count = 0;
    for (uint32_t i = 0; i < s->version->segment_count; i++) {
        const struct segment_ref *ref = &s->version->segments[i];
        if (ref->rows == 0 || (i < SEGMENTS_MAX && !may_match(s, ref, UINT32_MAX)))
            continue;
        left[(*count)++] = i;
        rows += ref->rows;
    }
    return rows;
}

static bool is_cheap(const struct sample *s)
{
    for (uint32_t i = 0; i < s->filter_count; i++)
        if (s->slots[i] == UINT32_MAX)
            return false;
    return true;
}

/* One vector of each chosen segment, or several of each where the segments are few. */
static yoda_status sample_segments(struct sample *s, const uint32_t *left, uint32_t count)
{
    uint32_t budget = is_cheap(s) ? VECTORS : COSTLY_VECTORS;
    for (uint32_t i = 0; i < budget; i++) {
        const struct segment_ref *ref = &s->version->segments[left[(uint64_t)i * count / budget]];
        uint32_t vectors = (ref->rows + VECTOR_ROWS - 1) / VECTOR_ROWS;
        /* Odd steps through the segment, so that vectors at all places are seen. */
        TRY(sample_vector(s, ref, (uint32_t)(((uint64_t)i * 2 + 1) * vectors / (2 * budget))));
    }
    return YODA_OK;
}

static double look(struct sample *s, const struct rel *scan)
{
    uint64_t rows = 0, left_rows;
    uint32_t count;
    if (prepare(s, scan) != YODA_OK)
        return -1;
    uint32_t *left = arena_array(&s->arena, uint32_t, s->version->segment_count + 1u);
    if (!left)
        return -1;
    for (uint32_t i = 0; i < s->version->segment_count; i++)
        rows += s->version->segments[i].rows;
    left_rows = choose_segments(s, left, &count);
    if (rows == 0)
        return 1;
    if (count == 0)
        return 0.5 / (double)rows;
    if (sample_segments(s, left, count) != YODA_OK || s->seen == 0)
        return -1;
    double passed = fmax((double)s->passed, 0.5) / (double)s->seen;
    return passed * (double)left_rows / (double)rows;
}

double sample_filters(struct query *q, const struct rel *scan)
{
    struct sample s = {.q = q, .table = scan->u.scan.table, .version = scan->u.scan.table->version};
    if (!s.version)
        return -1;
    arena_init(&s.arena, NULL);
    arena_init(&s.scratch, NULL);
    double share = look(&s, scan);
    arena_deinit(&s.scratch);
    arena_deinit(&s.arena);
    return share;
}
