/* flat_vector.c -- see flat_vector.h. */
#include "olap/exec/flat_vector.h"

#include "olap/exec/pipeline.h"
#include "olap/kernel/kernel.h"

#include <string.h>

static size_t element_size(enum vtype type)
{
    return type == VT_TEXT || type == VT_BLOB ? sizeof(struct strref) : sizeof(uint64_t);
}

yoda_status flat_builder_init(struct flat_builder *b, struct arena *arena, enum vtype type,
                              uint32_t rows, yoda_error *err)
{
    *b = (struct flat_builder){.type = type, .rows = rows};
    b->data = arena_calloc(arena, rows + 8, element_size(type));
    b->nulls = arena_alloc(arena, (BITMAP_WORDS(rows) + 1) * sizeof *b->nulls);
    b->reals = arena_calloc(arena, BITMAP_WORDS(rows) + 1, sizeof *b->reals);
    if (!b->data || !b->nulls || !b->reals)
        return run_nomem(err, "building rows");
    bitmap_fill(b->nulls, rows);
    return YODA_OK;
}

static yoda_status misfit(const struct value *value, enum vtype type, yoda_error *err)
{
    return fail(err, YODA_NOT_COLUMNAR, "a value of type %d in a column of vector type %d",
                value->type, (int)type);
}

yoda_status flat_builder_set(struct flat_builder *b, uint32_t row, const struct value *value,
                             yoda_error *err)
{
    ASSERT(row < b->rows);
    bool number = b->type == VT_NUM;
    switch (value->type) {
    case YODA_NULL:
        return YODA_OK;
    case YODA_INTEGER:
        if (!number && b->type != VT_INT)
            return misfit(value, b->type, err);
        ((int64_t *)b->data)[row] = value->i;
        break;
    case YODA_REAL:
        if (!number && b->type != VT_REAL)
            return misfit(value, b->type, err);
        ((double *)b->data)[row] = value->r;
        if (number)
            bit_set(b->reals, row), b->has_real = true;
        break;
    default:
        if (b->type != (value->type == YODA_TEXT ? VT_TEXT : VT_BLOB))
            return misfit(value, b->type, err);
        ((struct strref *)b->data)[row] = (struct strref){value->p, value->size};
    }
    bit_clear(b->nulls, row);
    return YODA_OK;
}

void flat_builder_finish(struct flat_builder *b, struct vector *out)
{
    bool nulls = bitmap_count(b->nulls, b->rows) > 0;
    *out = (struct vector){.type = b->type,
                           .form = VF_FLAT,
                           .count = b->rows,
                           .data = b->data,
                           .nulls = nulls ? b->nulls : NULL,
                           .reals = b->has_real ? b->reals : NULL};
    if (b->type == VT_NULL)
        out->data = NULL, out->nulls = NULL;
}

yoda_status flat_vector_as(const struct vector *in, enum vtype want, struct arena *arena,
                           struct vector *out, yoda_error *err)
{
    if (in->type == VT_NULL) {
        struct flat_builder b;
        TRY(flat_builder_init(&b, arena, want, in->count, err));
        flat_builder_finish(&b, out);
        return YODA_OK;
    }
    if (in->type != want && !(in->type == VT_INT && want == VT_NUM))
        return fail(err, YODA_NOT_COLUMNAR, "a column of vector type %d where %d was planned",
                    (int)in->type, (int)want);
    TRY(vector_flatten(in, arena, out, err));
    ASSERT(out->form == VF_FLAT && out->count == in->count);
    out->type = want;
    return YODA_OK;
}

struct value flat_vector_value(const struct vector *flat, uint32_t row)
{
    ASSERT(flat->form == VF_FLAT && row < flat->count);
    if (vector_is_null(flat, row))
        return value_null();
    switch (flat->type) {
    case VT_REAL:
        return value_real(((const double *)flat->data)[row]);
    case VT_NUM:
        if (flat->reals && bit_get(flat->reals, row))
            return value_real(((const double *)flat->data)[row]);
        return value_int(((const int64_t *)flat->data)[row]);
    case VT_TEXT:
    case VT_BLOB: {
        struct strref ref = ((const struct strref *)flat->data)[row];
        return flat->type == VT_TEXT ? value_text(ref.ptr, ref.size)
                                     : value_blob(ref.ptr, ref.size);
    }
    default:
        return value_int(((const int64_t *)flat->data)[row]);
    }
}

void vector_widen(const struct vector *in, int64_t *out)
{
    ASSERT(in->form == VF_CODES || in->form == VF_ISO);
    const struct kernels *k = kernels();
    switch (in->code_width) {
    case 1:
        k->widen_u8(in->data, in->count, in->base, out);
        break;
    case 2:
        k->widen_u16(in->data, in->count, in->base, out);
        break;
    case 4:
        k->widen_u32(in->data, in->count, in->base, out);
        break;
    default:
        k->widen_u64(in->data, in->count, in->base, out);
    }
}

yoda_status vector_present(const struct vector *in, const uint64_t *filter, struct arena *arena,
                           const uint64_t **keep, yoda_error *err)
{
    size_t words = BITMAP_WORDS(in->count);
    bool none = in->type == VT_NULL ||
                (in->form == VF_CONST && in->nulls && bit_get(in->nulls, 0));
    if (!none && (!in->nulls || in->form == VF_CONST)) {
        *keep = filter;
        return YODA_OK;
    }
    uint64_t *bits = arena_calloc(arena, words + 1, sizeof *bits);
    if (!bits)
        return run_nomem(err, "aggregating");
    if (!none) {
        bitmap_fill(bits, in->count);
        kernels()->andnot_words(bits, in->nulls, words, bits);
        if (filter)
            kernels()->and_words(bits, filter, words, bits);
    }
    *keep = bits;
    return YODA_OK;
}
