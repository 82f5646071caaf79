/*
 * chunk_facts.c -- what a chunk tells of all its rows at once: the sum, the least, the greatest.
 *
 * Sums are made when a chunk is parsed, from a file or just encoded: one pass more over the codes
 * that were checked a moment before. Nothing of them is stored, so nothing of them can be damaged.
 * Bounds are what the first and the last code stand for.
 *
 * Source: Moerkotte, Small Materialized Aggregates (VLDB 1998)
 */
#include "olap/column/encoding.h"
#include "olap/kernel/kernel.h"

#include <math.h>

/* The rows that are not NULL: NULL where all are; else in mask. */
static const uint64_t *present_rows(const struct chunk *chunk, uint64_t *mask)
{
    uint32_t rows = chunk->header->rows;
    if (!chunk->nulls)
        return NULL;
    bitmap_fill(mask, rows);
    kernels()->andnot_words(mask, chunk->nulls, BITMAP_WORDS(rows), mask);
    return mask;
}

static double peak_of(const struct chunk_header *h)
{
    return fmax(fabs((double)h->base), fabs((double)h->base + (double)h->code_max));
}

/* Codes of up to 4 bytes. Where signs mix, absolute values are not worth a second pass: they are
 * bounded. */
static void sum_narrow(const struct chunk *chunk, const uint64_t *present, struct chunk_sum *sum)
{
    const struct chunk_header *h = chunk->header;
    const struct kernels *k = kernels();
    uint64_t codes = 0;
    if (h->code_width == 1)
        k->sum_u8(chunk->codes, h->rows, present, &codes);
    else if (h->code_width == 2)
        k->sum_u16(chunk->codes, h->rows, present, &codes);
    else
        k->sum_u32(chunk->codes, h->rows, present, &codes);
    sum->total = (int128)h->base * (int128)sum->count + (int128)codes;
    bool one_sign = h->base >= 0 || h->base + (int64_t)h->code_max <= 0;
    sum->magnitude = one_sign ? fabs((double)sum->total) : (double)sum->count * peak_of(h);
}

/* Codes of 8 bytes: here such a bound would say nothing. */
static void sum_wide(const struct chunk *chunk, const uint64_t *present, struct chunk_sum *sum)
{
    const struct chunk_header *h = chunk->header;
    int64_t numbers[VECTOR_ROWS + 8];
    int128 absolute = 0;
    for (uint32_t at = 0; at < h->rows; at += VECTOR_ROWS) {
        uint32_t n = h->rows - at < VECTOR_ROWS ? h->rows - at : VECTOR_ROWS;
        int128 positive, negative;
        kernels()->widen_u64((const uint64_t *)chunk->codes + at, n, h->base, numbers);
        kernels()->sum_i64(numbers, n, present ? present + at / 64 : NULL, &positive, &negative);
        sum->total += positive + negative;
        absolute += positive - negative;
    }
    sum->magnitude = (double)absolute;
}

static void sum_codes(const struct chunk *chunk, struct chunk_sum *sum)
{
    uint64_t mask[BITMAP_WORDS(SEGMENT_ROWS)];
    const uint64_t *present = present_rows(chunk, mask);
    if (chunk->header->code_width <= 4)
        sum_narrow(chunk, present, sum);
    else
        sum_wide(chunk, present, sum);
}

void chunk_facts_make(struct chunk *chunk)
{
    const struct chunk_header *h = chunk->header;
    struct chunk_sum *sum = &chunk->sum;
    *sum = (struct chunk_sum){.count = h->rows - h->zone.null_count};
    switch (chunk->ops->encoding) {
    case ENC_NULL:
        chunk->sum_known = true;
        break;
    case ENC_CONSTANT:
        chunk->sum_known = h->value_type == YODA_INTEGER;
        if (!chunk->sum_known)
            break;
        sum->total = (int128)h->base * (int128)sum->count;
        sum->magnitude = fabs((double)sum->total);
        break;
    case ENC_DECIMAL:
        chunk->sum_known = h->code_width <= 4;
        sum->scale = h->scale;
        sum->real = true; /* also among INTEGERs: its classes say that one occurs */
        if (chunk->sum_known)
            sum_codes(chunk, sum);
        break;
    case ENC_FOR:
        chunk->sum_known = true;
        sum_codes(chunk, sum);
        break;
    default:
        break;
    }
}

bool chunk_sum(const struct chunk *chunk, struct chunk_sum *out)
{
    if (chunk->sum_known)
        *out = chunk->sum;
    return chunk->sum_known;
}

/* ---- Bounds --------------------------------------------------------------------------------- */

static void iso_bounds(const struct chunk_header *h, struct chunk_bounds *out)
{
    enum iso_kind kind = (enum iso_kind)h->iso_kind;
    int64_t last = (int64_t)((uint64_t)h->base + h->code_max);
    out->min = value_text(out->text[0], iso_format(h->base, kind, out->text[0]));
    out->max = value_text(out->text[1], iso_format(last, kind, out->text[1]));
}

bool chunk_bounds(const struct chunk *chunk, struct chunk_bounds *out)
{
    yoda_error none;
    switch (chunk->ops->encoding) {
    case ENC_CONSTANT: /* any row's value, without asking for memory */
        return chunk->ops->value(chunk, 0, NULL, &out->min, &none) == YODA_OK &&
               chunk->ops->value(chunk, 0, NULL, &out->max, &none) == YODA_OK;
    case ENC_FOR:
    case ENC_DECIMAL:
    case ENC_DICT:
        out->min = chunk->ops->code_value(chunk, 0);
        out->max = chunk->ops->code_value(chunk, chunk->code_last);
        return true;
    case ENC_REAL: /* which zero a zone has is anybody's guess */
        out->min = value_real(chunk_zone(chunk, UINT32_MAX).min.r);
        out->max = value_real(chunk_zone(chunk, UINT32_MAX).max.r);
        return !(chunk_classes(chunk) & CLASS_NEGATIVE_ZERO);
    case ENC_ISO:
        iso_bounds(chunk->header, out);
        return true;
    default:
        return false;
    }
}
