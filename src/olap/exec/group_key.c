/*
 * group_key.c -- key columns to the group table's normal form, column by column.
 *
 * First every key becomes a FLAT vector; values that SQLite calls equal though their bits differ
 * are then folded or noted. Sizes are added up per row, and each column writes its words and bytes.
 */
#include "base/str.h"
#include "olap/exec/flat_vector.h"
#include "olap/exec/group_table.h"
#include "olap/exec/pipeline.h"

yoda_status group_key_check(const struct group_table *table, yoda_error *err)
{
    if (table->mode == GROUP_STRICT && table->seen_integer && table->seen_integral_real)
        return fail(err, YODA_NOT_COLUMNAR,
                    "grouping INTEGERs together with REALs of integral value");
    return YODA_OK;
}

static yoda_status fold_reals(const struct group_table *table, struct vector *v,
                              struct arena *scratch, yoda_error *err)
{
    const double *in = v->data;
    double *out = arena_array(scratch, double, v->count + 8);
    if (!out)
        return run_nomem(err, "grouping");
    for (uint32_t i = 0; i < v->count; i++) {
        bool negative_zero = in[i] == 0 && __builtin_signbit(in[i]);
        if (negative_zero && table->mode == GROUP_STRICT && !vector_is_null(v, i))
            return fail(err, YODA_NOT_COLUMNAR, "grouping the REAL -0.0");
        out[i] = in[i] + 0.0; /* -0.0 becomes 0.0 */
    }
    v->data = out;
    return YODA_OK;
}

static bool is_integral(double r)
{
    return r >= -9223372036854775808.0 && r < 9223372036854775808.0 && (double)(int64_t)r == r;
}

/* NUM: an integral REAL becomes an INTEGER when folding; otherwise its presence is noted. */
static yoda_status fold_num(struct group_table *table, struct vector *v, struct arena *scratch,
                            yoda_error *err)
{
    if (!v->reals) {
        table->seen_integer = true;
        return YODA_OK;
    }
    size_t words = BITMAP_WORDS(v->count);
    int64_t *data = arena_array(scratch, int64_t, v->count + 8);
    uint64_t *reals = arena_array(scratch, uint64_t, words + 1);
    if (!data || !reals)
        return run_nomem(err, "grouping");
    for (uint32_t i = 0; i < v->count; i++) {
        data[i] = ((const int64_t *)v->data)[i];
        if (vector_is_null(v, i))
            continue;
        double r = ((const double *)v->data)[i];
        if (!bit_get(v->reals, i)) {
            table->seen_integer = true;
        } else if (!is_integral(r)) {
            bit_set(reals, i);
        } else if (table->mode == GROUP_FOLD) {
            data[i] = (int64_t)r;
        } else {
            if (r == 0 && __builtin_signbit(r))
                return fail(err, YODA_NOT_COLUMNAR, "grouping the REAL -0.0");
            bit_set(reals, i);
            table->seen_integral_real = true;
        }
    }
    v->data = data;
    v->reals = reals;
    return group_key_check(table, err);
}

static yoda_status fold_text(enum collation collation, struct vector *v, struct arena *scratch,
                             yoda_error *err)
{
    struct strref *out = arena_array(scratch, struct strref, v->count + 1);
    if (!out)
        return run_nomem(err, "grouping");
    for (uint32_t i = 0; i < v->count; i++) {
        struct strref ref = vector_is_null(v, i) ? (struct strref){NULL, 0}
                                                 : ((const struct strref *)v->data)[i];
        if (collation == COLLATE_RTRIM) {
            while (ref.size && ref.ptr[ref.size - 1] == ' ')
                ref.size--;
        } else {
            char *folded = arena_copy(scratch, ref.size ? ref.ptr : "", ref.size);
            if (!folded)
                return run_nomem(err, "grouping");
            for (uint32_t b = 0; b < ref.size; b++)
                folded[b] = ascii_lower(folded[b]);
            ref.ptr = folded;
        }
        out[i] = ref;
    }
    v->data = out;
    return YODA_OK;
}

static bool is_text(enum vtype type)
{
    return type == VT_TEXT || type == VT_BLOB;
}

yoda_status group_key_fold(struct group_table *table, uint32_t k, const struct vector *in,
                           struct arena *scratch, struct vector *out, yoda_error *err)
{
    enum collation collation = table->keys[k].collation;
    TRY(flat_vector_as(in, table->keys[k].type, scratch, out, err));
    if (out->type == VT_REAL && in->form != VF_CODES)
        return fold_reals(table, out, scratch, err);
    if (out->type == VT_NUM)
        return fold_num(table, out, scratch, err);
    if (out->type == VT_TEXT && collation != COLLATE_BINARY)
        return fold_text(collation, out, scratch, err);
    return YODA_OK;
}

/* offsets[i]: where row i begins. */
static yoda_status measure(const struct group_table *table, const struct vector *flat,
                           uint32_t rows, uint32_t *offsets, yoda_error *err)
{
    for (uint32_t i = 0; i < rows; i++)
        offsets[i + 1] = table->fixed_size;
    for (uint32_t k = 0; k < table->key_count; k++) {
        if (!is_text(table->keys[k].type))
            continue;
        const struct strref *refs = flat[k].data;
        for (uint32_t i = 0; i < rows; i++) {
            uint32_t size = vector_is_null(&flat[k], i) ? 0 : refs[i].size;
            uint32_t fixed = offsets[i + 1]; /* no result is stored over its own operand: gcc 12 */
            if (__builtin_add_overflow(fixed, size, &offsets[i + 1]))
                return fail(err, YODA_TOO_BIG, "a group key of more than 4 GiB");
        }
    }
    uint32_t end = 0;
    for (uint32_t i = 0; i < rows; i++) {
        uint32_t begin = end;
        if (__builtin_add_overflow(begin, offsets[i + 1], &end))
            return fail(err, YODA_NOT_COLUMNAR, "group keys of more than 4 GiB in one batch");
        offsets[i + 1] = end;
    }
    return YODA_OK;
}

struct writer { /* where each row of the batch is written */
    uint8_t *bytes;
    const uint32_t *offsets;
    uint32_t fixed_size;
};

static inline uint8_t *row_at(const struct writer *w, uint32_t i)
{
    return w->bytes + (w->offsets ? w->offsets[i] : (size_t)i * w->fixed_size);
}

static void write_meta(const struct group_table *table, uint32_t k, const struct vector *v,
                       uint32_t rows, const struct writer *w)
{
    if (!v->nulls && !v->reals)
        return;
    for (uint32_t i = 0; i < rows; i++) {
        unsigned meta = v->nulls && bit_get(v->nulls, i)   ? GROUP_NULL
                        : v->reals && bit_get(v->reals, i) ? GROUP_REAL
                                                           : 0;
        ASSERT(k / 32 < table->meta_words);
        YODA_UNUSED(table);
        uint64_t word;
        uint8_t *at = row_at(w, i) + (size_t)(k / 32) * 8;
        memcpy(&word, at, sizeof word);
        word |= (uint64_t)meta << (k % 32 * 2);
        memcpy(at, &word, sizeof word);
    }
}

static void write_words(const struct group_table *table, uint32_t k, const struct vector *v,
                        uint32_t rows, const struct writer *w)
{
    size_t at = (size_t)(table->meta_words + k) * 8;
    const uint64_t *data = v->data;
    if (!v->nulls && !w->offsets) {
        uint8_t *to = w->bytes + at;
        for (uint32_t i = 0; i < rows; i++, to += w->fixed_size)
            memcpy(to, &data[i], sizeof *data);
        return;
    }
    for (uint32_t i = 0; !v->nulls && i < rows; i++)
        memcpy(row_at(w, i) + at, &data[i], sizeof *data);
    for (uint32_t i = 0; v->nulls && i < rows; i++) {
        uint64_t word = bit_get(v->nulls, i) ? 0 : data[i];
        memcpy(row_at(w, i) + at, &word, sizeof word);
    }
}

/* cursor[i]: where the next text of row i goes. */
static void write_text(const struct group_table *table, uint32_t k, const struct vector *v,
                       uint32_t rows, const struct writer *w, uint32_t *cursor)
{
    size_t at = (size_t)(table->meta_words + k) * 8;
    const struct strref *refs = v->data;
    for (uint32_t i = 0; i < rows; i++) {
        uint64_t size = v->nulls && bit_get(v->nulls, i) ? 0 : refs[i].size;
        memcpy(row_at(w, i) + at, &size, sizeof size);
        if (size)
            memcpy(w->bytes + cursor[i], refs[i].ptr, size);
        cursor[i] += (uint32_t)size;
    }
}

static yoda_status write_rows(const struct group_table *table, const struct vector *flat,
                              uint32_t rows, const uint32_t *offsets, struct arena *scratch,
                              struct group_rows *out, yoda_error *err)
{
    size_t total = offsets ? offsets[rows] : (size_t)rows * table->fixed_size;
    struct writer w = {arena_calloc(scratch, 1, total + 8), offsets, table->fixed_size};
    uint32_t *cursor = arena_array(scratch, uint32_t, rows + 1);
    if (!w.bytes || !cursor)
        return run_nomem(err, "grouping");
    for (uint32_t i = 0; offsets && i < rows; i++)
        cursor[i] = offsets[i] + table->fixed_size;
    for (uint32_t k = 0; k < table->key_count; k++) {
        write_meta(table, k, &flat[k], rows, &w);
        if (is_text(table->keys[k].type))
            write_text(table, k, &flat[k], rows, &w, cursor);
        else
            write_words(table, k, &flat[k], rows, &w);
    }
    *out = (struct group_rows){w.bytes, offsets, table->fixed_size};
    return YODA_OK;
}

yoda_status group_key_encode(struct group_table *table, const struct vector *keys, uint32_t rows,
                             struct arena *scratch, struct group_rows *out, yoda_error *err)
{
    struct vector *flat = arena_array(scratch, struct vector, table->key_count);
    uint32_t *offsets = NULL;
    if (!flat)
        return run_nomem(err, "grouping");
    for (uint32_t k = 0; k < table->key_count; k++) {
        if (table->keys[k].type == VT_NULL) { /* all rows NULL: any layout will do */
            struct vector nulls = {.type = VT_NULL, .count = rows};
            TRY(flat_vector_as(&nulls, VT_INT, scratch, &flat[k], err));
            continue;
        }
        TRY(group_key_fold(table, k, &keys[k], scratch, &flat[k], err));
    }
    if (table->variable) {
        offsets = arena_array(scratch, uint32_t, rows + 1);
        if (!offsets)
            return run_nomem(err, "grouping");
        TRY(measure(table, flat, rows, offsets, err));
    }
    return write_rows(table, flat, rows, offsets, scratch, out, err);
}
