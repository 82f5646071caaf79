/* join_rows.c -- see join_rows.h. */
#include "olap/exec/join_rows.h"

#include <string.h>

#define ROWS_MAX (UINT32_MAX - 64) /* the NULL row's number fits too */

static size_t element_size(const struct vector *v)
{
    if (v->form == VF_FLAT || v->form == VF_CONST)
        return v->type == VT_TEXT || v->type == VT_BLOB ? sizeof(struct strref) : 8;
    ASSERT(v->form != VF_BITS);
    return v->code_width;
}

yoda_status join_rows_init(struct join_rows *rows, uint32_t column_count, uint32_t workers,
                           struct mem_budget *budget, yoda_error *err)
{
    *rows = (struct join_rows){.column_count = column_count};
    rows->columns = mem_calloc(column_count + 1, sizeof *rows->columns);
    rows->locals = mem_calloc(workers, sizeof *rows->locals);
    if (!rows->columns || !rows->locals) {
        join_rows_deinit(rows);
        return fail_nomem(err, workers * sizeof *rows->locals);
    }
    rows->local_count = workers;
    for (uint32_t w = 0; w < workers; w++) {
        arena_init(&rows->locals[w].pieces, budget);
        arena_init(&rows->locals[w].bytes, budget);
    }
    for (uint32_t c = 0; c < column_count; c++) {
        arena_init(&rows->columns[c].arena, budget);
        arena_init(&rows->columns[c].dictionary, budget);
    }
    return YODA_OK;
}

void join_rows_drop(struct join_rows *rows)
{
    for (uint32_t w = 0; rows->locals && w < rows->local_count; w++) {
        arena_deinit(&rows->locals[w].pieces);
        arena_deinit(&rows->locals[w].bytes);
    }
    for (uint32_t c = 0; rows->columns && c < rows->column_count; c++)
        arena_deinit(&rows->columns[c].arena);
    mem_free(rows->locals);
    rows->locals = NULL;
    rows->rows = 0;
}

void join_rows_deinit(struct join_rows *rows)
{
    join_rows_drop(rows);
    for (uint32_t c = 0; rows->columns && c < rows->column_count; c++)
        arena_deinit(&rows->columns[c].dictionary);
    mem_free(rows->columns);
    *rows = (struct join_rows){0};
}

uint64_t join_rows_bytes(const struct join_rows *rows)
{
    uint64_t bytes = 0;
    for (uint32_t w = 0; rows->locals && w < rows->local_count; w++)
        bytes += rows->locals[w].pieces.charged_bytes + rows->locals[w].bytes.charged_bytes;
    for (uint32_t c = 0; c < rows->column_count; c++)
        bytes += rows->columns[c].arena.charged_bytes + rows->columns[c].dictionary.charged_bytes;
    return bytes;
}

/* ---- Keeping -------------------------------------------------------------------------------- */

static yoda_status copy_bitmap(struct arena *arena, const uint64_t **bits, uint32_t count,
                               yoda_error *err)
{
    size_t words = BITMAP_WORDS(count);
    uint64_t any = 0;
    if (!*bits)
        return YODA_OK;
    for (size_t i = 0; i < words; i++)
        any |= (*bits)[i];
    uint64_t *copy = any ? arena_alloc(arena, words * sizeof *copy) : NULL;
    if (any && !copy)
        return run_nomem(err, "building a join");
    if (copy)
        memcpy(copy, *bits, words * sizeof *copy);
    *bits = copy;
    return YODA_OK;
}

/* Texts into the local's bytes: one block for the piece. */
static yoda_status copy_texts(struct join_rows_local *local, struct vector *v, uint32_t count,
                              yoda_error *err)
{
    const struct strref *in = v->data;
    size_t total = 0;
    struct strref *refs = arena_alloc(&local->pieces, count * sizeof *refs + 1);
    for (uint32_t i = 0; i < count; i++)
        total += v->nulls && bit_get(v->nulls, i) ? 0 : in[i].size;
    char *at = arena_alloc(&local->bytes, total);
    if (!refs || !at)
        return run_nomem(err, "building a join");
    for (uint32_t i = 0; i < count; i++) {
        uint32_t size = v->nulls && bit_get(v->nulls, i) ? 0 : in[i].size;
        if (size)
            memcpy(at, in[i].ptr, size);
        refs[i] = (struct strref){at, size};
        at += size;
    }
    v->data = refs;
    return YODA_OK;
}

static yoda_status keep_vector(struct join_rows_local *local, const struct vector *in,
                               struct vector *out, yoda_error *err)
{
    struct vector v = *in;
    uint32_t count = v.form == VF_CONST ? 1 : v.count; /* elements */
    if (v.type == VT_NULL) {
        *out = (struct vector){.type = VT_NULL, .count = v.count};
        return YODA_OK;
    }
    TRY(copy_bitmap(&local->pieces, &v.nulls, count, err));
    TRY(copy_bitmap(&local->pieces, &v.reals, count, err));
    if ((v.form == VF_FLAT || v.form == VF_CONST) && (v.type == VT_TEXT || v.type == VT_BLOB)) {
        TRY(copy_texts(local, &v, count, err));
    } else {
        size_t size = v.form == VF_BITS ? BITMAP_WORDS(count) * sizeof(uint64_t)
                                        : element_size(&v) * count;
        void *data = arena_alloc(&local->pieces, size);
        if (!data)
            return run_nomem(err, "building a join");
        memcpy(data, v.data, size);
        v.data = data;
    }
    *out = v;
    return YODA_OK;
}

yoda_status join_rows_add(struct join_rows *rows, uint32_t worker, const struct vector *columns,
                          uint32_t n, yoda_error *err)
{
    ASSERT(worker < rows->local_count && n <= VECTOR_ROWS);
    struct join_rows_local *local = &rows->locals[worker];
    struct join_piece *piece =
        arena_alloc(&local->pieces, sizeof *piece + rows->column_count * sizeof *piece->columns);
    if (!piece)
        return run_nomem(err, "building a join");
    piece->next = NULL;
    piece->rows = n;
    for (uint32_t c = 0; c < rows->column_count; c++)
        TRY(keep_vector(local, &columns[c], &piece->columns[c], err));
    if (local->last)
        local->last->next = piece;
    else
        local->first = piece;
    local->last = piece;
    local->rows += n;
    return YODA_OK;
}

uint64_t join_rows_local_bytes(const struct join_rows *rows, uint32_t worker)
{
    const struct join_rows_local *local = &rows->locals[worker];
    return local->pieces.charged_bytes + local->bytes.charged_bytes;
}

void join_rows_forget(struct join_rows *rows, uint32_t worker)
{
    struct join_rows_local *local = &rows->locals[worker];
    arena_deinit(&local->pieces);
    arena_deinit(&local->bytes);
    local->first = local->last = NULL;
    local->rows = 0;
}

struct freezing {
    struct join_rows *rows;
    const enum vtype *types;
};

static yoda_status freeze_task(void *ctx, uint32_t worker, uint32_t index, yoda_error *err)
{
    const struct freezing *freezing = ctx;
    YODA_UNUSED(worker);
    return join_freeze_column(freezing->rows, index, freezing->types[index], err);
}

yoda_status join_rows_freeze(struct join_rows *rows, struct run *run, const enum vtype *types,
                             yoda_error *err)
{
    uint64_t total = 0;
    for (uint32_t w = 0; w < rows->local_count; w++)
        total += rows->locals[w].rows;
    if (total > ROWS_MAX)
        return fail(err, YODA_TOO_BIG, "more than 2^32 rows on the build side of a join");
    rows->rows = (uint32_t)total;
    struct freezing freezing = {rows, types};
    TRY(run_tasks(run, rows->column_count, freeze_task, &freezing, err));
    for (uint32_t w = 0; w < rows->local_count; w++) {
        arena_deinit(&rows->locals[w].pieces);
        rows->locals[w].first = rows->locals[w].last = NULL;
    }
    return YODA_OK;
}

/* ---- Reading -------------------------------------------------------------------------------- */

void join_rows_slice(const struct join_rows *rows, uint32_t column, uint32_t first, uint32_t n,
                     struct vector *out)
{
    struct vector v = rows->columns[column].vector;
    ASSERT(first % 64 == 0 && (uint64_t)first + n <= rows->rows);
    v.count = n;
    if (v.type != VT_NULL) {
        v.data = (const char *)v.data + first * element_size(&v);
        v.nulls = v.nulls ? v.nulls + first / 64 : NULL;
        v.reals = v.reals ? v.reals + first / 64 : NULL;
    }
    *out = v;
}

#define GATHER(type)                                                                               \
    do {                                                                                           \
        const type *from = in;                                                                     \
        type *to = out;                                                                            \
        for (uint32_t i = 0; i < n; i++)                                                           \
            to[i] = from[ids[i]];                                                                  \
    } while (0)

static void gather_elements(const void *in, size_t width, const uint32_t *ids, uint32_t n,
                            void *out)
{
    switch (width) {
    case 1:
        GATHER(uint8_t);
        break;
    case 2:
        GATHER(uint16_t);
        break;
    case 4:
        GATHER(uint32_t);
        break;
    case 8:
        GATHER(uint64_t);
        break;
    default:
        ASSERT(width == sizeof(struct strref));
        GATHER(struct strref);
        break;
    }
}

/* The bits of the rows; NULL: none but that of `also`. */
static uint64_t *gather_bits(const uint64_t *bits, const uint32_t *ids, uint32_t n, uint32_t also,
                             struct arena *arena)
{
    uint64_t *out = arena_alloc(arena, (BITMAP_WORDS(n) + 1) * sizeof *out);
    for (uint32_t at = 0; out && at < n; at += 64) {
        uint32_t m = n - at < 64 ? n - at : 64;
        uint64_t word = 0;
        for (uint32_t i = 0; bits && i < m; i++)
            word |= (uint64_t)bit_get(bits, ids[at + i]) << i;
        for (uint32_t i = 0; !bits && i < m; i++)
            word |= (uint64_t)(ids[at + i] == also) << i;
        out[at / 64] = word;
    }
    return out;
}

yoda_status join_rows_gather(const struct join_rows *rows, uint32_t column, const uint32_t *ids,
                             uint32_t n, bool has_misses, struct arena *arena, struct vector *out,
                             yoda_error *err)
{
    struct vector v = rows->columns[column].vector;
    v.count = n;
    if (v.type == VT_NULL) {
        *out = v;
        return YODA_OK;
    }
    void *data = arena_alloc(arena, element_size(&v) * n + 64);
    if (!data)
        return run_nomem(err, "joining");
    gather_elements(v.data, element_size(&v), ids, n, data);
    v.data = data;
    if (v.nulls || has_misses) {
        v.nulls = gather_bits(v.nulls, ids, n, rows->rows, arena);
        if (!v.nulls)
            return run_nomem(err, "joining");
    }
    if (v.reals) {
        v.reals = gather_bits(v.reals, ids, n, UINT32_MAX, arena);
        if (!v.reals)
            return run_nomem(err, "joining");
    }
    *out = v;
    return YODA_OK;
}

yoda_status join_rows_constant(const struct join_rows *rows, uint32_t column, uint32_t row,
                               uint32_t n, struct arena *arena, struct vector *out,
                               yoda_error *err)
{
    struct vector one;
    TRY(join_rows_gather(rows, column, &row, 1, row == rows->rows, arena, &one, err));
    TRY(vector_flatten(&one, arena, out, err));
    out->count = n;
    if (out->type != VT_NULL)
        out->form = VF_CONST;
    return YODA_OK;
}
