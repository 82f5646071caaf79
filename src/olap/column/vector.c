/*
 * vector.c -- bringing vectors of every form into FLAT form, picking rows, reading one row.
 */
#include "olap/column/chunk.h"
#include "olap/kernel/kernel.h"

#include <string.h>

const double vector_power10[VECTOR_SCALE_MAX + 1] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                     1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};

static int64_t code_number(const struct vector *v, uint32_t row)
{
    uint64_t base = (uint64_t)v->base;
    switch (v->code_width) {
    case 1:
        return (int64_t)(base + ((const uint8_t *)v->data)[row]);
    case 2:
        return (int64_t)(base + ((const uint16_t *)v->data)[row]);
    case 4:
        return (int64_t)(base + ((const uint32_t *)v->data)[row]);
    default:
        ASSERT(v->code_width == 8);
        return (int64_t)(base + ((const uint64_t *)v->data)[row]);
    }
}

static void widen_codes(const struct vector *v, int64_t *out)
{
    const struct kernels *k = kernels();
    switch (v->code_width) {
    case 1:
        k->widen_u8(v->data, v->count, v->base, out);
        break;
    case 2:
        k->widen_u16(v->data, v->count, v->base, out);
        break;
    case 4:
        k->widen_u32(v->data, v->count, v->base, out);
        break;
    default:
        ASSERT(v->code_width == 8);
        k->widen_u64(v->data, v->count, v->base, out);
        break;
    }
}

/* Bytes of one element of FLAT data. */
static size_t flat_size(enum vtype type)
{
    return type == VT_TEXT || type == VT_BLOB ? sizeof(struct strref) : 8;
}

static uint64_t *all_bits(struct arena *arena, uint32_t count)
{
    uint64_t *words = arena_alloc(arena, VECTOR_WORDS * sizeof *words);
    if (words)
        bitmap_fill(words, count);
    return words;
}

/* ---- Flatten -------------------------------------------------------------------------------- */

static yoda_status flatten_const(struct vector *v, struct arena *arena, yoda_error *err)
{
    size_t size = flat_size(v->type);
    char *data = arena_alloc(arena, size * v->count + 8);
    if (!data)
        return fail_nomem(err, size * v->count);
    for (uint32_t i = 0; i < v->count; i++)
        memcpy(data + size * i, v->data, size);
    v->data = data;
    const uint64_t **bitmaps[] = {&v->nulls, &v->reals};
    for (size_t i = 0; i < COUNT_OF(bitmaps); i++) {
        if (!*bitmaps[i])
            continue;
        bool on = bit_get(*bitmaps[i], 0);
        *bitmaps[i] = on ? all_bits(arena, v->count) : NULL;
        if (on && !*bitmaps[i])
            return fail_nomem(err, VECTOR_WORDS * 8);
    }
    return YODA_OK;
}

/* INTEGER where divisible by 10^scale: then the quotient is exact and whole; else REAL. */
static void flatten_num(const int64_t *numbers, uint32_t count, double power, uint64_t *data,
                        uint64_t *reals)
{
    int64_t divisor = (int64_t)power;
    for (uint32_t at = 0; at < count; at += 64) {
        uint32_t m = count - at < 64 ? count - at : 64;
        uint64_t word = 0;
        for (uint32_t i = 0; i < m; i++) {
            int64_t number = numbers[at + i], whole = number / divisor;
            bool is_real = whole * divisor != number;
            double real = (double)number / power;
            uint64_t bits;
            memcpy(&bits, &real, sizeof bits);
            data[at + i] = is_real ? bits : (uint64_t)whole;
            word |= (uint64_t)is_real << i;
        }
        reals[at / 64] = word;
    }
}

static yoda_status flatten_codes(struct vector *v, struct arena *arena, yoda_error *err)
{
    int64_t *numbers = arena_alloc(arena, (size_t)v->count * 8 + 8);
    if (!numbers)
        return fail_nomem(err, (size_t)v->count * 8);
    ASSERT(v->scale <= VECTOR_SCALE_MAX);
    widen_codes(v, numbers);
    double power = vector_power10[v->scale];
    if (v->type == VT_REAL) {
        kernels()->divide_i64_f64(numbers, v->count, power, (double *)(void *)numbers);
    } else if (v->type == VT_NUM && v->scale) {
        uint64_t *reals = arena_alloc(arena, VECTOR_WORDS * sizeof *reals);
        if (!reals)
            return fail_nomem(err, VECTOR_WORDS * 8);
        flatten_num(numbers, v->count, power, (uint64_t *)numbers, reals);
        v->reals = reals;
    }
    v->data = numbers;
    return YODA_OK;
}

static yoda_status flatten_dict(struct vector *v, struct arena *arena, yoda_error *err)
{
    struct strref *refs = arena_alloc(arena, sizeof *refs * v->count + 1);
    if (!refs)
        return fail_nomem(err, sizeof *refs * v->count);
    const struct strref *values = v->dict->values;
    for (uint32_t i = 0; i < v->count; i++)
        refs[i] = values[code_number(v, i)];
    v->data = refs;
    return YODA_OK;
}

static yoda_status flatten_iso(struct vector *v, struct arena *arena, yoda_error *err)
{
    struct strref *refs = arena_alloc(arena, sizeof *refs * v->count + 1);
    char *text = arena_alloc(arena, (size_t)v->count * ISO_TEXT_MAX + 1);
    if (!refs || !text)
        return fail_nomem(err, (sizeof *refs + ISO_TEXT_MAX) * v->count);
    for (uint32_t i = 0; i < v->count; i++) {
        char *p = text + (size_t)i * ISO_TEXT_MAX;
        size_t size = iso_format(code_number(v, i), (enum iso_kind)v->iso_kind, p);
        refs[i] = (struct strref){p, (uint32_t)size};
    }
    v->data = refs;
    return YODA_OK;
}

static yoda_status flatten_bits(struct vector *v, struct arena *arena, yoda_error *err)
{
    int64_t *numbers = arena_alloc(arena, (size_t)v->count * 8 + 8);
    if (!numbers)
        return fail_nomem(err, (size_t)v->count * 8);
    const uint64_t *words = v->data;
    for (uint32_t i = 0; i < v->count; i++)
        numbers[i] = bit_get(words, i);
    v->data = numbers;
    return YODA_OK;
}

yoda_status vector_flatten(const struct vector *in, struct arena *arena, struct vector *out,
                           yoda_error *err)
{
    struct vector v = *in;
    v.form = VF_FLAT;
    if (in->type == VT_NULL || in->form == VF_FLAT) {
        *out = v;
        return YODA_OK;
    }
    switch (in->form) {
    case VF_CONST:
        TRY(flatten_const(&v, arena, err));
        break;
    case VF_BITS:
        TRY(flatten_bits(&v, arena, err));
        break;
    case VF_CODES:
        TRY(flatten_codes(&v, arena, err));
        break;
    case VF_DICT:
        TRY(flatten_dict(&v, arena, err));
        break;
    case VF_ISO:
        TRY(flatten_iso(&v, arena, err));
        break;
    case VF_FLAT:
        break;
    }
    v.base = 0;
    v.code_width = v.scale = v.iso_kind = 0;
    v.dict = NULL;
    *out = v;
    return YODA_OK;
}

/* ---- Gather --------------------------------------------------------------------------------- */

static yoda_status gather_bitmap(const uint64_t *in, const uint16_t *sel, uint32_t n,
                                 struct arena *arena, const uint64_t **out, yoda_error *err)
{
    uint64_t *words = arena_alloc(arena, BITMAP_WORDS(n) * sizeof *words + 8);
    if (!words)
        return fail_nomem(err, BITMAP_WORDS(n) * sizeof *words);
    kernels()->gather_bits(in, sel, n, words);
    *out = words;
    return YODA_OK;
}

static void gather_strrefs(const struct strref *in, const uint16_t *sel, uint32_t n,
                           struct strref *out)
{
    for (uint32_t i = 0; i < n; i++)
        out[i] = in[sel[i]];
}

static yoda_status gather_data(const struct vector *in, size_t width, const uint16_t *sel,
                               uint32_t n, struct arena *arena, const void **out, yoda_error *err)
{
    void *data = arena_alloc(arena, width * n + 8);
    if (!data)
        return fail_nomem(err, width * n);
    switch (width) {
    case 1:
        kernels()->gather_u8(in->data, sel, n, data);
        break;
    case 2:
        kernels()->gather_u16(in->data, sel, n, data);
        break;
    case 4:
        kernels()->gather_u32(in->data, sel, n, data);
        break;
    case 8:
        kernels()->gather_u64(in->data, sel, n, data);
        break;
    default:
        ASSERT(width == sizeof(struct strref));
        gather_strrefs(in->data, sel, n, data);
        break;
    }
    *out = data;
    return YODA_OK;
}

yoda_status vector_gather(const struct vector *in, const uint16_t *sel, uint32_t n,
                          struct arena *arena, struct vector *out, yoda_error *err)
{
    struct vector v = *in;
    v.count = n;
    if (in->type != VT_NULL && in->form != VF_CONST) {
        if (in->form == VF_BITS)
            TRY(gather_bitmap(in->data, sel, n, arena, (const uint64_t **)&v.data, err));
        else
            TRY(gather_data(in, in->form == VF_FLAT ? flat_size(in->type) : in->code_width, sel, n,
                            arena, &v.data, err));
        if (in->nulls)
            TRY(gather_bitmap(in->nulls, sel, n, arena, &v.nulls, err));
        if (in->reals)
            TRY(gather_bitmap(in->reals, sel, n, arena, &v.reals, err));
    }
    *out = v;
    return YODA_OK;
}

/* ---- One value ------------------------------------------------------------------------------ */

static struct value strref_value(const struct vector *v, const struct strref *ref)
{
    return v->type == VT_TEXT ? value_text(ref->ptr, ref->size) : value_blob(ref->ptr, ref->size);
}

static struct value flat_value(const struct vector *v, uint32_t at)
{
    switch (v->type) {
    case VT_INT:
        return value_int(((const int64_t *)v->data)[at]);
    case VT_REAL:
        return value_real(((const double *)v->data)[at]);
    case VT_NUM: {
        struct value value = value_int(((const int64_t *)v->data)[at]);
        if (v->reals && bit_get(v->reals, at)) {
            double r;
            memcpy(&r, &value.i, sizeof r);
            value = value_real(r);
        }
        return value;
    }
    case VT_TEXT:
    case VT_BLOB:
        return strref_value(v, (const struct strref *)v->data + at);
    case VT_NULL:
        break;
    }
    return value_null();
}

static struct value code_value(const struct vector *v, uint32_t row)
{
    int64_t number = code_number(v, row);
    if (v->type == VT_INT)
        return value_int(number);
    int64_t divisor = (int64_t)vector_power10[v->scale];
    if (v->type == VT_NUM && number % divisor == 0)
        return value_int(number / divisor);
    return value_real((double)number / vector_power10[v->scale]);
}

yoda_status vector_value(const struct vector *in, uint32_t row, struct arena *arena,
                         struct value *out, yoda_error *err)
{
    ASSERT(row < in->count);
    *out = value_null();
    if (vector_is_null(in, row))
        return YODA_OK;
    switch (in->form) {
    case VF_FLAT:
        *out = flat_value(in, row);
        break;
    case VF_CONST:
        *out = flat_value(in, 0);
        break;
    case VF_BITS:
        *out = value_int(bit_get(in->data, row));
        break;
    case VF_CODES:
        *out = code_value(in, row);
        break;
    case VF_DICT:
        *out = strref_value(in, &in->dict->values[code_number(in, row)]);
        break;
    case VF_ISO: {
        char *text = arena_alloc(arena, ISO_TEXT_MAX);
        if (!text)
            return fail_nomem(err, ISO_TEXT_MAX);
        *out = value_text(
            text, iso_format(code_number(in, row), (enum iso_kind)in->iso_kind, text));
        break;
    }
    }
    return YODA_OK;
}

uint32_t bitmap_to_selection(const uint64_t *bits, uint32_t count, uint16_t *out)
{
    uint16_t block[VECTOR_ROWS + 32]; /* the kernel stores whole registers */
    uint32_t n = 0;
    ASSERT(count <= 65536);
    for (uint32_t at = 0; at < count; at += VECTOR_ROWS) {
        uint32_t rows = count - at < VECTOR_ROWS ? count - at : VECTOR_ROWS;
        uint32_t m = (uint32_t)kernels()->select_bits(bits + at / 64, rows, block);
        for (uint32_t i = 0; i < m; i++)
            out[n + i] = (uint16_t)(block[i] + at);
        n += m;
    }
    return n;
}
