/*
 * encoding_decimal.c -- ENC_DECIMAL: numbers that are m / 10^scale, as codes over m.
 *
 * A double d is held when some integer m, |m| < 2^53, gives (double)m / 10^scale with d's very
 * bits. 10^scale up to 10^15 is a double, so that quotient is the double nearest to m / 10^scale:
 * raising the scale by k and m by 10^k keeps it, as long as m stays below 2^53. Scales are
 * therefore only raised on the way, and the rows before are done again. -0.0 and infinities have no
 * m.
 *
 * With INTEGERs in the column the form tells the two types apart by divisibility, so every REAL
 * must not be whole; an INTEGER i is m = i * 10^scale.
 */
#include "olap/column/encoding.h"
#include "olap/kernel/kernel.h"

#include <string.h>

static const int64_t mantissa_max = (INT64_C(1) << 53) - 1;

struct attempt {
    int scale;
    double power;
    int64_t min, max;
};

/* The m of a double at this scale; false where there is none. */
static inline bool mantissa_of(double r, double power, int64_t *out)
{
    const double round = 0x1.8p52; /* adding and taking away rounds to the nearest integer */
    double scaled = r * power;
    if (scaled < 0x1p51 && scaled > -0x1p51)
        *out = (int64_t)(scaled + round - round);
    else if (scaled < 0x1p53 && scaled > -0x1p53) /* whole or a half: truncating is close enough */
        *out = (int64_t)scaled;
    else
        return false;
    double back = (double)*out / power;
    return memcmp(&back, &r, sizeof r) == 0 && *out <= mantissa_max && *out >= -mantissa_max;
}

static inline bool encode_one(const struct attempt *a, const struct raw_block *block, uint32_t i,
                              int64_t *out)
{
    if (block->tags[i] == YODA_REAL) {
        double r = block->payload[i].r;
        return mantissa_of(r, a->power, out);
    }
    int64_t whole = block->payload[i].i; /* an INTEGER, or 0 of a NULL */
    if (__builtin_mul_overflow(whole, (int64_t)a->power, out))
        return false;
    return *out <= mantissa_max && *out >= -mantissa_max;
}

/* How many rows of the block fit the scale; their m go to out. */
static uint32_t encode_block(struct attempt *a, const struct raw_block *block, uint32_t rows,
                             int64_t *out)
{
    int64_t min = a->min, max = a->max;
    uint32_t i = 0;
    for (; i < rows; i++) {
        int64_t m;
        if (!encode_one(a, block, i, &m))
            break;
        out[i] = m;
        if (block->tags[i] == YODA_NULL)
            continue;
        min = m < min ? m : min;
        max = m > max ? m : max;
    }
    a->min = min;
    a->max = max;
    return i;
}

static void set_scale(struct attempt *a, int scale)
{
    a->scale = scale;
    a->power = vector_power10[scale];
    a->min = INT64_MAX;
    a->max = INT64_MIN;
}

/* Raise the scale until this row fits; false where none does. */
static bool raise_scale(struct attempt *a, const struct raw_block *block, uint32_t i)
{
    int64_t m;
    if (block->tags[i] != YODA_REAL)
        return false; /* a larger scale makes integers only larger */
    for (int scale = a->scale + 1; scale <= VECTOR_SCALE_MAX; scale++)
        if (mantissa_of(block->payload[i].r, vector_power10[scale], &m)) {
            set_scale(a, scale);
            return true;
        }
    return false;
}

/* All rows at one scale, into scratch. */
static bool encode_all(const struct source *source, struct attempt *a)
{
    int64_t *out = source->scratch;
    for (uint32_t v = 0; v < source->vectors; v++) {
        const struct raw_block *block = chunk_raw_block(source->raw, v);
        uint32_t rows = source_block_rows(source, v);
        uint32_t done = encode_block(a, block, rows, out + (size_t)v * VECTOR_ROWS);
        if (done == rows)
            continue;
        if (!raise_scale(a, block, done))
            return false;
        v = UINT32_MAX; /* again from the first row */
    }
    return true;
}

static yoda_status build(const struct source *source, struct buffer **out, yoda_error *err)
{
    const uint32_t c = source->classes;
    if (!(c & CLASS_REAL) || c & (CLASS_TEXT | CLASS_BLOB | CLASS_NEGATIVE_ZERO | CLASS_INFINITE))
        return YODA_OK;
    if (c & CLASS_INTEGER && c & CLASS_INTEGRAL_REAL)
        return YODA_OK;
    struct attempt a;
    set_scale(&a, 0);
    if (!encode_all(source, &a))
        return YODA_OK;
    struct chunk_header header = {.encoding = ENC_DECIMAL, .scale = (uint8_t)a.scale};
    return codes_build(source, &header, a.min, a.max, out, err);
}

/* ---- Using ---------------------------------------------------------------------------------- */

static struct value number_of(const struct chunk *chunk, uint64_t code)
{
    const struct chunk_header *h = chunk->header;
    int64_t m = (int64_t)((uint64_t)h->base + code);
    int64_t divisor = (int64_t)vector_power10[h->scale];
    if (h->classes & CLASS_INTEGER && m % divisor == 0)
        return value_int(m / divisor);
    return value_real((double)m / vector_power10[h->scale]);
}

static yoda_status attach(struct chunk *chunk, yoda_error *err)
{
    const struct chunk_header *h = chunk->header;
    TRY(codes_check(chunk, err));
    if (!(h->classes & CLASS_REAL) || h->classes & (CLASS_TEXT | CLASS_BLOB) || h->text_bytes)
        return fail(err, YODA_CORRUPT, "chunk: classes of a decimal chunk");
    if (h->classes & CLASS_INTEGER && h->classes & CLASS_INTEGRAL_REAL) /* codes could not tell */
        return fail(err, YODA_CORRUPT, "chunk: whole REALs beside INTEGERs in a decimal chunk");
    if (h->base < -mantissa_max || h->base > mantissa_max ||
        h->code_max > (uint64_t)(mantissa_max - h->base))
        return fail(err, YODA_CORRUPT, "chunk: range of a decimal chunk");
    return YODA_OK;
}

/* REALs, some of them whole, wanted beside INTEGERs of other chunks: codes would not tell. */
static yoda_status read_reals(struct vector *codes, struct arena *arena, struct vector *out,
                              yoda_error *err)
{
    codes->type = VT_REAL;
    TRY(vector_flatten(codes, arena, out, err));
    out->type = VT_NUM;
    out->reals = chunk_all_bits(arena, out->count);
    return out->reals ? YODA_OK : fail_nomem(err, VECTOR_WORDS * 8);
}

static yoda_status read(const struct chunk *chunk, uint32_t row, uint32_t count, enum vtype want,
                        struct arena *arena, struct vector *out, yoda_error *err)
{
    YODA_UNUSED(count);
    const struct chunk_header *h = chunk->header;
    out->form = VF_CODES;
    out->code_width = h->code_width;
    out->scale = h->scale;
    out->base = h->base;
    out->data = (const char *)chunk->codes + (size_t)row * h->code_width;
    out->nulls = chunk_nulls(chunk, row);
    if (want == VT_NUM && h->classes & CLASS_INTEGRAL_REAL) {
        struct vector codes = *out;
        return read_reals(&codes, arena, out, err);
    }
    return YODA_OK;
}

const struct encoding_ops encoding_decimal_ops = {
    .encoding = ENC_DECIMAL,
    .name = "decimal",
    .build = build,
    .attach = attach,
    .read = read,
    .code_value = number_of,
    .value = codes_value,
    .compare = codes_compare,
};
