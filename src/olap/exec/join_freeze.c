/*
 * join_freeze.c -- one column of a join's build side out of its pieces.
 *
 * A first walk over the pieces finds the form that holds all of them, a second one writes. Slots of
 * NULL rows get the first code.
 */
#include "olap/column/chunk.h"
#include "olap/exec/flat_vector.h"
#include "olap/exec/join_rows.h"

#include <stdlib.h>
#include <string.h>

#define DICT_ROWS_MAX 4096u   /* texts without codes: so few are worth sorting */
#define DICT_VALUES_MAX 16384u /* in all dictionaries of the pieces together */
#define EXACT_MAX (INT64_C(1) << 53)

/* Walks over the pieces of all locals. */
struct walk {
    const struct join_rows *rows;
    uint32_t local, column;
    struct join_piece *next;
    uint32_t first; /* row of the current piece */
    uint32_t end;
};

static struct walk walk_begin(const struct join_rows *rows, uint32_t column)
{
    return (struct walk){.rows = rows, .column = column, .next = rows->locals[0].first};
}

static const struct vector *walk_next(struct walk *w)
{
    while (!w->next && w->local + 1 < w->rows->local_count)
        w->next = w->rows->locals[++w->local].first;
    if (!w->next)
        return NULL;
    const struct join_piece *piece = w->next;
    w->next = piece->next;
    w->first = w->end;
    w->end += piece->rows;
    return &piece->columns[w->column];
}

static bool all_null(const struct vector *v)
{
    return v->type == VT_NULL || (v->form == VF_CONST && v->nulls && bit_get(v->nulls, 0));
}

/* ---- What the pieces have in common --------------------------------------------------------- */

struct facts {
    bool plain;     /* some piece is not codes, or not of one kind */
    bool any_value; /* a piece that is not all NULL */
    bool any_null, any_real;
    bool misfit; /* not of the planned type */
    uint8_t scale, iso_kind;
    int64_t low, high;      /* of numbers of the largest scale */
    uint64_t dict_values;   /* in all different dictionaries */
    const struct dict *dict; /* the last one */
    bool many_dicts;
};

/* Bounds of the codes, those of NULL rows among them. */
static void code_bounds(const struct vector *v, uint64_t *low, uint64_t *high)
{
#define BOUNDS(type)                                                                               \
    do {                                                                                           \
        const type *codes = v->data;                                                               \
        type min = codes[0], max = codes[0];                                                       \
        for (uint32_t i = 1; i < v->count; i++) {                                                  \
            min = codes[i] < min ? codes[i] : min;                                                 \
            max = codes[i] > max ? codes[i] : max;                                                 \
        }                                                                                          \
        *low = min;                                                                                \
        *high = max;                                                                               \
    } while (0)
    ASSERT(v->count > 0);
    switch (v->code_width) {
    case 1:
        BOUNDS(uint8_t);
        break;
    case 2:
        BOUNDS(uint16_t);
        break;
    case 4:
        BOUNDS(uint32_t);
        break;
    default:
        BOUNDS(uint64_t);
        break;
    }
#undef BOUNDS
}

/* Bounds of a piece whose numbers are integers of its scale. */
static void number_bounds(const struct vector *v, int64_t *low, int64_t *high)
{
    if (v->form == VF_CODES || v->form == VF_ISO) {
        uint64_t first, last;
        code_bounds(v, &first, &last);
        *low = (int64_t)((uint64_t)v->base + first);
        *high = (int64_t)((uint64_t)v->base + last);
        return;
    }
    if (v->form == VF_BITS) {
        *low = 0;
        *high = 1;
        return;
    }
    const int64_t *data = v->data;
    *low = INT64_MAX;
    *high = INT64_MIN;
    for (uint32_t i = 0; i < (v->form == VF_CONST ? 1 : v->count); i++) {
        if (v->nulls && bit_get(v->nulls, i))
            continue;
        *low = data[i] < *low ? data[i] : *low;
        *high = data[i] > *high ? data[i] : *high;
    }
}

/* Are the piece's values integers of some scale, in a column of this type? */
static bool is_scaled(const struct vector *v, enum vtype type)
{
    if (type == VT_REAL || v->type == VT_REAL)
        return type == VT_REAL && v->type == VT_REAL && v->form == VF_CODES;
    return !v->reals;
}

/* factor for numbers of scale `from` in scale `to` >= from. */
static int64_t scale_factor(uint8_t from, uint8_t to)
{
    return (int64_t)vector_power10[to - from];
}

/* Bounds in a larger scale; false where they leave what doubles hold exactly. */
static bool rescale(int64_t *low, int64_t *high, uint8_t from, uint8_t to)
{
    if (from == to || *low > *high)
        return true;
    int64_t factor = scale_factor(from, to), limit = EXACT_MAX / factor;
    if (*low < -limit || *high > limit)
        return false;
    *low *= factor;
    *high *= factor;
    return true;
}

static void add_number(struct facts *f, const struct vector *v, enum vtype type)
{
    int64_t low, high;
    uint8_t scale = v->form == VF_CODES ? v->scale : 0;
    f->any_real |= v->type == VT_REAL || v->reals;
    if (f->plain || !is_scaled(v, type)) {
        f->plain = true;
        return;
    }
    number_bounds(v, &low, &high);
    uint8_t to = scale > f->scale ? scale : f->scale;
    if (!rescale(&low, &high, scale, to) || !rescale(&f->low, &f->high, f->scale, to)) {
        f->plain = true;
        return;
    }
    f->scale = to;
    f->low = low < f->low ? low : f->low;
    f->high = high > f->high ? high : f->high;
}

static void add_text(struct facts *f, const struct vector *v)
{
    if (v->form == VF_ISO && !f->dict && (!f->iso_kind || f->iso_kind == v->iso_kind)) {
        int64_t low, high;
        f->iso_kind = v->iso_kind;
        number_bounds(v, &low, &high);
        f->low = low < f->low ? low : f->low;
        f->high = high > f->high ? high : f->high;
    } else if (v->form == VF_DICT && !f->iso_kind) {
        if (v->dict != f->dict) {
            f->many_dicts |= f->dict != NULL;
            f->dict_values += v->dict->count;
        }
        f->dict = v->dict;
    } else {
        f->plain = true;
        f->iso_kind = v->form == VF_ISO ? v->iso_kind : f->iso_kind;
    }
}

static bool fits(enum vtype piece, enum vtype column)
{
    return piece == column || (column == VT_NUM && (piece == VT_INT || piece == VT_REAL));
}

static struct facts find_facts(const struct join_rows *rows, uint32_t column, enum vtype type)
{
    struct facts f = {.low = INT64_MAX, .high = INT64_MIN};
    struct walk w = walk_begin(rows, column);
    for (const struct vector *v; (v = walk_next(&w)) != NULL;) {
        f.any_null |= v->nulls || v->type == VT_NULL;
        if (all_null(v))
            continue;
        f.any_value = true;
        f.misfit |= !fits(v->type, type);
        if (f.misfit)
            break;
        if (type == VT_TEXT || type == VT_BLOB)
            add_text(&f, v);
        else
            add_number(&f, v, type);
    }
    return f;
}

/* ---- Writing -------------------------------------------------------------------------------- */

struct writer {
    struct join_column *out;
    struct arena scratch;
    void *data;
    uint64_t *nulls, *reals;
    yoda_error *err;
};

/* Arrays for all rows and the NULL one. */
static yoda_status writer_init(struct writer *w, const struct join_rows *rows,
                               struct join_column *out, size_t width, bool nulls, bool reals,
                               yoda_error *err)
{
    size_t count = (size_t)rows->rows + 1;
    *w = (struct writer){.out = out, .err = err};
    arena_init(&w->scratch, out->arena.budget);
    w->data = arena_alloc(&out->arena, count * width);
    if (nulls)
        w->nulls = arena_calloc(&out->arena, BITMAP_WORDS(count) + 1, sizeof *w->nulls);
    if (reals)
        w->reals = arena_calloc(&out->arena, BITMAP_WORDS(count) + 1, sizeof *w->reals);
    if (!w->data || (nulls && !w->nulls) || (reals && !w->reals))
        return run_nomem(err, "building a join");
    memset((char *)w->data + rows->rows * width, 0, width);
    if (nulls)
        bit_set(w->nulls, rows->rows);
    out->vector.data = w->data;
    out->vector.nulls = w->nulls;
    out->vector.reals = w->reals;
    out->vector.count = rows->rows;
    return YODA_OK;
}

/* Set `count` bits from `first` on as in bits, or all of them. */
static void put_bits(uint64_t *to, uint32_t first, uint32_t count, const uint64_t *bits, bool all)
{
    for (uint32_t i = 0; to && (bits || all) && i < count; i++)
        if (all || bit_get(bits, i))
            bit_set(to, (size_t)first + i);
}

static void put_nulls(struct writer *w, uint32_t first, const struct vector *v)
{
    bool none = all_null(v);
    put_bits(w->nulls, first, v->count, v->form == VF_CONST ? NULL : v->nulls, none);
}

/* The numbers of a piece in its own scale. */
static yoda_status piece_numbers(struct writer *w, const struct vector *v, const int64_t **out)
{
    if (v->form == VF_CODES || v->form == VF_ISO) {
        int64_t *numbers = arena_alloc(&w->scratch, (VECTOR_ROWS + 8) * sizeof *numbers);
        if (!numbers)
            return run_nomem(w->err, "building a join");
        vector_widen(v, numbers);
        *out = numbers;
        return YODA_OK;
    }
    struct vector flat;
    TRY(vector_flatten(v, &w->scratch, &flat, w->err));
    *out = flat.data;
    return YODA_OK;
}

static void put_codes(void *data, uint8_t width, uint32_t first, const int64_t *numbers,
                      uint32_t count, int64_t factor, int64_t base, const uint64_t *nulls)
{
#define PUT(type)                                                                                  \
    for (uint32_t i = 0; i < count; i++)                                                           \
        ((type *)data)[first + i] =                                                                \
            (type)((uint64_t)numbers[i] * (uint64_t)factor - (uint64_t)base);                      \
    for (uint32_t i = 0; nulls && i < count; i++)                                                  \
        if (bit_get(nulls, i))                                                                     \
            ((type *)data)[first + i] = 0;                                                         \
    break
    switch (width) {
    case 1:
        PUT(uint8_t);
    case 2:
        PUT(uint16_t);
    case 4:
        PUT(uint32_t);
    default:
        PUT(uint64_t);
    }
#undef PUT
}

static uint8_t width_of(uint64_t max)
{
    return max <= UINT8_MAX ? 1 : max <= UINT16_MAX ? 2 : max <= UINT32_MAX ? 4 : 8;
}

/* CODES or ISO: numbers of one scale, base the smallest. */
static yoda_status freeze_codes(struct join_rows *rows, uint32_t column, const struct facts *f,
                                struct writer *w)
{
    struct vector *out = &w->out->vector;
    struct walk walk = walk_begin(rows, column);
    for (const struct vector *v; (v = walk_next(&walk)) != NULL;) {
        const int64_t *numbers = NULL;
        arena_reset(&w->scratch);
        put_nulls(w, walk.first, v);
        if (all_null(v)) {
            memset((char *)w->data + (size_t)walk.first * out->code_width, 0,
                   (size_t)v->count * out->code_width);
            continue;
        }
        TRY(piece_numbers(w, v, &numbers));
        uint8_t scale = v->form == VF_CODES ? v->scale : 0;
        put_codes(w->data, out->code_width, walk.first, numbers, v->count,
                  scale_factor(scale, f->scale), out->base, v->form == VF_CONST ? NULL : v->nulls);
    }
    return YODA_OK;
}

/* FLAT: numbers as they are, texts by reference. Texts that are made here (ISO) go into bytes. */
static yoda_status freeze_flat(struct join_rows *rows, uint32_t column, struct writer *w,
                               size_t size)
{
    struct walk walk = walk_begin(rows, column);
    for (const struct vector *v; (v = walk_next(&walk)) != NULL;) {
        char *to = (char *)w->data + (size_t)walk.first * size;
        struct vector flat;
        arena_reset(&w->scratch);
        put_nulls(w, walk.first, v);
        if (all_null(v)) {
            memset(to, 0, v->count * size);
            continue;
        }
        struct arena *arena = v->form == VF_ISO ? &w->out->arena : &w->scratch;
        TRY(vector_flatten(v, arena, &flat, w->err));
        memcpy(to, flat.data, v->count * size);
        put_bits(w->reals, walk.first, v->count, flat.reals, v->type == VT_REAL);
    }
    return YODA_OK;
}

static yoda_status freeze_numbers(struct join_rows *rows, uint32_t column, enum vtype type,
                                  const struct facts *f, struct writer *w, yoda_error *err)
{
    struct join_column *out = &rows->columns[column];
    out->vector.type = type;
    if (f->plain) {
        out->vector.form = VF_FLAT;
        TRY(writer_init(w, rows, out, 8, f->any_null, type == VT_NUM && f->any_real, err));
        return freeze_flat(rows, column, w, 8);
    }
    out->low = f->low <= f->high ? f->low : 0; /* all NULL after all */
    out->high = f->low <= f->high ? f->high : 0;
    out->vector.form = f->iso_kind ? VF_ISO : VF_CODES;
    out->vector.iso_kind = f->iso_kind;
    out->vector.scale = f->scale;
    out->vector.base = out->low;
    out->vector.code_width = width_of((uint64_t)out->high - (uint64_t)out->low);
    TRY(writer_init(w, rows, out, out->vector.code_width, f->any_null, false, err));
    return freeze_codes(rows, column, f, w);
}

/* ---- Dictionaries --------------------------------------------------------------------------- */

static int compare_refs(const void *a, const void *b)
{
    const struct strref *x = a, *y = b;
    return text_compare(x->ptr, x->size, y->ptr, y->size, COLLATE_BINARY);
}

static uint32_t sort_distinct(struct strref *refs, size_t count)
{
    uint32_t kept = 0;
    if (count == 0)
        return 0;
    qsort(refs, count, sizeof *refs, compare_refs);
    for (size_t i = 1; i < count; i++)
        if (compare_refs(&refs[i], &refs[kept]) != 0)
            refs[++kept] = refs[i];
    return kept + 1;
}

static uint32_t dict_find(const struct dict *dict, const struct strref *ref)
{
    uint32_t low = 0, high = dict->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = compare_refs(ref, &dict->values[middle]);
        if (order == 0)
            return middle;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return 0; /* the slot of a NULL */
}

/* All values of the pieces: of dictionaries as often as they come in a row. */
static yoda_status list_values(struct join_rows *rows, uint32_t column, struct writer *w,
                               struct strref **out, size_t *count, size_t room)
{
    struct strref *refs = arena_alloc(&w->scratch, room * sizeof *refs + 1);
    struct walk walk = walk_begin(rows, column);
    const struct dict *last = NULL;
    size_t n = 0;
    if (!refs)
        return run_nomem(w->err, "building a join");
    for (const struct vector *v; (v = walk_next(&walk)) != NULL;) {
        if (all_null(v) || (v->form == VF_DICT && v->dict == last))
            continue;
        const struct strref *from = v->form == VF_DICT ? v->dict->values : v->data;
        uint32_t m = v->form == VF_DICT ? v->dict->count : v->form == VF_CONST ? 1 : v->count;
        last = v->form == VF_DICT ? v->dict : last;
        for (uint32_t i = 0; i < m; i++)
            if (v->form == VF_DICT || !v->nulls || !bit_get(v->nulls, i))
                refs[n++] = from[i];
        ASSERT(n <= room);
    }
    *out = refs;
    *count = n;
    return YODA_OK;
}

/* Ids of dictionaries made here: apart from those of chunks, which count up from 1. */
static uint64_t new_dict_id(void)
{
    static _Atomic uint64_t last;
    return (UINT64_C(1) << 63) + atomic_fetch_add_explicit(&last, 1, memory_order_relaxed);
}

static yoda_status make_dict(struct join_column *out, const struct strref *refs, uint32_t count,
                             const struct dict **dict_out, yoda_error *err)
{
    struct dict *dict = arena_new(&out->dictionary, struct dict);
    struct strref *values = arena_array(&out->dictionary, struct strref, (size_t)count + 1);
    if (!dict || !values)
        return run_nomem(err, "building a join");
    for (uint32_t i = 0; i < count; i++) {
        char *copy = arena_copy(&out->dictionary, refs[i].ptr, refs[i].size);
        if (!copy)
            return run_nomem(err, "building a join");
        values[i] = (struct strref){copy, refs[i].size};
    }
    *dict = (struct dict){.id = new_dict_id(), .count = count, .values = values};
    *dict_out = dict;
    return YODA_OK;
}

/* Codes in the new dictionary of a piece's rows; map: of its dictionary's codes. */
static yoda_status piece_codes(struct writer *w, const struct vector *v, const struct dict *dict,
                               const uint32_t *map, int64_t *out)
{
    if (v->form == VF_DICT) {
        struct vector codes = *v;
        codes.form = VF_CODES;
        codes.base = 0;
        vector_widen(&codes, out);
        for (uint32_t i = 0; map && i < v->count; i++)
            out[i] = map[out[i]];
        return YODA_OK;
    }
    struct vector flat;
    TRY(vector_flatten(v, &w->scratch, &flat, w->err));
    const struct strref *refs = flat.data;
    for (uint32_t i = 0; i < v->count; i++)
        out[i] = flat.nulls && bit_get(flat.nulls, i) ? 0 : dict_find(dict, &refs[i]);
    return YODA_OK;
}

static yoda_status map_codes(struct writer *w, const struct dict *from, const struct dict *to,
                             uint32_t **map)
{
    if (!*map)
        *map = arena_alloc(&w->out->arena, DICT_VALUES_MAX * sizeof **map);
    if (!*map)
        return run_nomem(w->err, "building a join");
    for (uint32_t i = 0; i < from->count; i++)
        (*map)[i] = dict_find(to, &from->values[i]);
    return YODA_OK;
}

static yoda_status freeze_dict(struct join_rows *rows, uint32_t column, struct writer *w)
{
    struct vector *out = &w->out->vector;
    struct walk walk = walk_begin(rows, column);
    const struct dict *mapped = out->dict;
    uint32_t *map = NULL;
    int64_t codes[VECTOR_ROWS + 64];
    for (const struct vector *v; (v = walk_next(&walk)) != NULL;) {
        arena_reset(&w->scratch);
        put_nulls(w, walk.first, v);
        if (all_null(v)) {
            memset((char *)w->data + (size_t)walk.first * out->code_width, 0,
                   (size_t)v->count * out->code_width);
            continue;
        }
        if (v->form == VF_DICT && v->dict != mapped) {
            TRY(map_codes(w, v->dict, out->dict, &map));
            mapped = v->dict;
        }
        bool same = v->dict == out->dict;
        TRY(piece_codes(w, v, out->dict, same ? NULL : map, codes));
        put_codes(w->data, out->code_width, walk.first, codes, v->count, 1, 0,
                  v->form == VF_CONST ? NULL : v->nulls);
    }
    return YODA_OK;
}

/* Does a dictionary for all pieces pay? */
static bool dict_pays(const struct join_rows *rows, const struct facts *f)
{
    if (f->iso_kind || rows->no_dictionaries)
        return false;
    if (!f->plain && !f->many_dicts)
        return true;
    return f->dict_values <= DICT_VALUES_MAX &&
           (f->plain ? rows->rows <= DICT_ROWS_MAX : f->dict_values <= rows->rows + DICT_ROWS_MAX);
}

static yoda_status freeze_texts(struct join_rows *rows, uint32_t column, enum vtype type,
                                const struct facts *f, struct writer *w, yoda_error *err)
{
    struct join_column *out = &rows->columns[column];
    out->vector.type = type;
    if (!dict_pays(rows, f)) {
        out->vector.form = VF_FLAT;
        TRY(writer_init(w, rows, out, sizeof(struct strref), f->any_null, false, err));
        return freeze_flat(rows, column, w, sizeof(struct strref));
    }
    const struct dict *dict = f->dict;
    if (f->plain || f->many_dicts) {
        struct strref *refs = NULL;
        size_t count = 0;
        *w = (struct writer){.out = out, .err = err};
        arena_init(&w->scratch, out->arena.budget);
        TRY(list_values(rows, column, w, &refs, &count, f->dict_values + rows->rows));
        TRY(make_dict(out, refs, sort_distinct(refs, count), &dict, err));
        arena_deinit(&w->scratch);
    }
    if (dict->count == 0) { /* all NULL after all: codes would have nothing to mean */
        out->vector.type = VT_NULL;
        return YODA_OK;
    }
    out->vector.form = VF_DICT;
    out->vector.dict = dict;
    out->vector.code_width = width_of(dict->count ? dict->count - 1 : 0);
    TRY(writer_init(w, rows, out, out->vector.code_width, f->any_null, false, err));
    return freeze_dict(rows, column, w);
}

yoda_status join_freeze_column(struct join_rows *rows, uint32_t column, enum vtype type,
                               yoda_error *err)
{
    struct join_column *out = &rows->columns[column];
    struct facts f = find_facts(rows, column, type);
    struct writer w = {0};
    yoda_status status = YODA_OK;
    out->low = INT64_MAX;
    out->high = INT64_MIN;
    out->vector = (struct vector){.type = VT_NULL, .count = rows->rows};
    if (!f.any_value)
        return YODA_OK;
    if (f.misfit)
        return fail(err, YODA_NOT_COLUMNAR, "a value of another type than planned");
    if ((type == VT_TEXT || type == VT_BLOB) && (f.plain || !f.iso_kind))
        status = freeze_texts(rows, column, type, &f, &w, err);
    else
        status = freeze_numbers(rows, column, type, &f, &w, err);
    arena_deinit(&w.scratch);
    return status;
}
