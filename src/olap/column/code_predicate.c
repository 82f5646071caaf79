/*
 * code_predicate.c -- predicates in the code domain.
 *
 * An encoding with ordered codes can compare any code's value with a constant. Two binary searches
 * then find where the values equal to the constant begin and end, and every operator is a range of
 * codes. This is right by construction for constants of any class, between codes, or out of range:
 * nothing is converted, the same comparison decides that the row side would use.
 *
 * Collations other than BINARY do not follow a dictionary's order: every entry is tested once.
 */
#include "olap/column/code_predicate.h"
#include "olap/column/encoding.h"
#include "olap/kernel/kernel.h"

#include <string.h>

/* The largest code space for which IN builds a set. */
enum { SET_CODES_MAX = 1 << 20 };

struct code_range {
    bool empty;
    uint64_t low, high; /* inclusive */
};

/* First code whose value is >= (after: >) the constant; false where there is none. */
static bool find_bound(const struct chunk *chunk, const struct value *constant,
                       enum collation collation, bool after, uint64_t *out)
{
    int least = after ? 1 : 0;
    uint64_t low = 0, high = chunk->code_last;
    if (chunk->ops->compare(chunk, high, constant, collation) < least)
        return false;
    while (low < high) { /* high satisfies, everything below low does not */
        uint64_t middle = low + (high - low) / 2;
        if (chunk->ops->compare(chunk, middle, constant, collation) < least)
            low = middle + 1;
        else
            high = middle;
    }
    *out = low;
    return true;
}

/* The codes from..to - 1, where to may be one past the last code (to_end). */
static struct code_range range_between(const struct chunk *chunk, bool from_end, uint64_t from,
                                       bool to_end, uint64_t to)
{
    if (from_end || (!to_end && to <= from))
        return (struct code_range){.empty = true};
    return (struct code_range){false, from, to_end ? chunk->code_last : to - 1};
}

/* Codes whose value compares as op asks; NE gives those of EQ. */
static struct code_range range_of(const struct chunk *chunk, enum predicate_op op,
                                  const struct value *constant, enum collation collation)
{
    uint64_t lower = 0, upper = 0;
    bool lower_end = !find_bound(chunk, constant, collation, false, &lower);
    bool upper_end = !find_bound(chunk, constant, collation, true, &upper);
    switch (op) {
    case PRED_LT:
        return range_between(chunk, false, 0, lower_end, lower);
    case PRED_LE:
        return range_between(chunk, false, 0, upper_end, upper);
    case PRED_GT:
        return range_between(chunk, upper_end, upper, true, 0);
    case PRED_GE:
        return range_between(chunk, lower_end, lower, true, 0);
    default:
        return range_between(chunk, lower_end, lower, upper_end, upper);
    }
}

/* ---- Results -------------------------------------------------------------------------------- */

static void set_none(struct code_predicate *out)
{
    *out = (struct code_predicate){.kind = CODE_PREDICATE_NONE};
}

/* All rows that are not NULL. */
static void set_present(const struct chunk *chunk, struct code_predicate *out)
{
    *out = (struct code_predicate){.kind = CODE_PREDICATE_ALL};
    if (chunk->nulls)
        *out = (struct code_predicate){.kind = CODE_PREDICATE_NULLS, .negated = true};
}

/* A code of a plain double chunk as the double's bits. */
static uint64_t range_bits(const struct chunk *chunk, uint64_t code)
{
    if (chunk->ops->encoding != ENC_REAL)
        return code;
    uint64_t key = code + chunk->code_first;
    return key >> 63 ? key & INT64_MAX : ~key;
}

static void set_range(const struct chunk *chunk, const struct code_range *range, bool negated,
                      struct code_predicate *out)
{
    bool all = !range->empty && range->low == 0 && range->high == chunk->code_last;
    if (range->empty ? !negated : all && negated)
        set_none(out);
    else if (range->empty || all)
        set_present(chunk, out);
    else
        *out = (struct code_predicate){.kind = CODE_PREDICATE_RANGE,
                                       .negated = negated,
                                       .low = range_bits(chunk, range->low),
                                       .high = range_bits(chunk, range->high)};
}

/* Bitmap over all codes of the width (u8) or up to the last one. */
static uint64_t *new_set(const struct chunk *chunk, struct arena *arena)
{
    uint64_t codes = chunk->code_last < 256 ? 256 : chunk->code_last + 1;
    return arena_calloc(arena, BITMAP_WORDS(codes), sizeof(uint64_t));
}

static void set_bits(uint64_t *set, const struct code_range *range)
{
    for (uint64_t code = range->low; !range->empty && code <= range->high; code++)
        bit_set(set, code);
}

/* A set that is one run of codes is a range, which is cheaper to test. */
static void set_set(const struct chunk *chunk, const uint64_t *set, bool negated,
                    struct code_predicate *out)
{
    size_t codes = chunk->code_last + 1, count = bitmap_count(set, codes), first = 0;
    struct code_range range = {.empty = count == 0};
    while (count && !bit_get(set, first))
        first++;
    size_t last = first;
    while (count && last + 1 < codes && bit_get(set, last + 1))
        last++;
    range.low = first;
    range.high = last;
    if (count && last - first + 1 < count)
        *out = (struct code_predicate){
            .kind = CODE_PREDICATE_SET, .negated = negated, .set = set};
    else
        set_range(chunk, &range, negated, out);
}

/* ---- Binding -------------------------------------------------------------------------------- */

static bool op_holds(enum predicate_op op, int order)
{
    switch (op) {
    case PRED_LT:
        return order < 0;
    case PRED_LE:
        return order <= 0;
    case PRED_GT:
        return order > 0;
    case PRED_GE:
        return order >= 0;
    default: /* EQ, IN; NE is EQ negated */
        return order == 0;
    }
}

/* Test every dictionary entry against every constant. */
static yoda_status bind_entries(const struct predicate *predicate, const struct chunk *chunk,
                                struct arena *arena, struct code_predicate *out, yoda_error *err)
{
    uint64_t *set = new_set(chunk, arena);
    if (!set)
        return fail_nomem(err, chunk->code_last / 8);
    for (uint64_t code = 0; code <= chunk->code_last; code++)
        for (uint32_t i = 0; i < predicate->count && !bit_get(set, code); i++) {
            const struct value *c = &predicate->constants[i];
            if (c->type != YODA_NULL &&
                op_holds(predicate->op,
                         chunk->ops->compare(chunk, code, c, predicate->collation)))
                bit_set(set, code);
        }
    set_set(chunk, set, predicate->op == PRED_NE, out);
    return YODA_OK;
}

/* IN over ordered codes: the union of the constants' ranges. */
static yoda_status bind_in(const struct predicate *predicate, const struct chunk *chunk,
                           struct arena *arena, struct code_predicate *out, yoda_error *err)
{
    struct code_range only = {.empty = true};
    uint64_t *set = NULL;
    for (uint32_t i = 0; i < predicate->count; i++) {
        const struct value *c = &predicate->constants[i];
        if (c->type == YODA_NULL)
            continue;
        struct code_range range = range_of(chunk, PRED_EQ, c, predicate->collation);
        if (range.empty || (!only.empty && range.low == only.low && range.high == only.high))
            continue;
        if (only.empty) {
            only = range;
            continue;
        }
        if (chunk->code_last >= SET_CODES_MAX || chunk->header->code_width == 8)
            return YODA_OK; /* NO */
        if (!set) {
            set = new_set(chunk, arena);
            if (!set)
                return fail_nomem(err, chunk->code_last / 8);
            set_bits(set, &only);
        }
        set_bits(set, &range);
    }
    if (set)
        set_set(chunk, set, false, out);
    else
        set_range(chunk, &only, false, out);
    return YODA_OK;
}

/* Without ordered codes only the zone can tell, for all rows or for none. */
static void bind_by_zone(const struct predicate *predicate, const struct chunk *chunk,
                         struct code_predicate *out)
{
    static const enum predicate_op opposite[] = {
        [PRED_EQ] = PRED_NE, [PRED_NE] = PRED_EQ, [PRED_LT] = PRED_GE,
        [PRED_LE] = PRED_GT, [PRED_GT] = PRED_LE, [PRED_GE] = PRED_LT,
    };
    struct zone zone = chunk_zone(chunk, UINT32_MAX);
    if (!predicate_may_match(predicate, &zone)) {
        set_none(out);
        return;
    }
    if (predicate->op > PRED_GE)
        return;
    struct predicate rest = *predicate;
    rest.op = opposite[predicate->op];
    if (!predicate_may_match(&rest, &zone))
        set_present(chunk, out);
}

static void bind_nulls(const struct predicate *predicate, const struct chunk *chunk,
                       struct code_predicate *out)
{
    bool wanted = predicate->op == PRED_IS_NULL;
    if (!chunk->nulls || chunk->ops->encoding == ENC_NULL)
        out->kind = wanted == (chunk->ops->encoding == ENC_NULL) ? CODE_PREDICATE_ALL
                                                                 : CODE_PREDICATE_NONE;
    else
        *out = (struct code_predicate){.kind = CODE_PREDICATE_NULLS, .negated = !wanted};
}

/* Is the order of codes the order of this predicate's collation? */
static bool ordered(const struct predicate *predicate, const struct chunk *chunk)
{
    return predicate->collation == COLLATE_BINARY || chunk->ops->encoding != ENC_DICT ||
           chunk->header->value_type != YODA_TEXT;
}

yoda_status code_predicate_bind(const struct predicate *predicate, const struct chunk *chunk,
                                struct arena *arena, struct code_predicate *out, yoda_error *err)
{
    *out = (struct code_predicate){.kind = CODE_PREDICATE_NO};
    if (chunk->ops->encoding == ENC_RAW || chunk->ops->encoding == ENC_MIXED)
        return YODA_OK;
    if (predicate->op == PRED_IS_NULL || predicate->op == PRED_NOT_NULL) {
        bind_nulls(predicate, chunk, out);
        return YODA_OK;
    }
    bool null_constant = predicate->op != PRED_IN && predicate->constants[0].type == YODA_NULL;
    if (chunk->ops->encoding == ENC_NULL || null_constant) {
        set_none(out);
        return YODA_OK;
    }
    ASSERT(predicate->op == PRED_IN || predicate->count == 1);
    if (!chunk->ops->compare) {
        bind_by_zone(predicate, chunk, out);
        return YODA_OK;
    }
    if (!ordered(predicate, chunk))
        return bind_entries(predicate, chunk, arena, out, err);
    if (predicate->op == PRED_IN)
        return bind_in(predicate, chunk, arena, out, err);
    struct code_range range =
        range_of(chunk, predicate->op, &predicate->constants[0], predicate->collation);
    set_range(chunk, &range, predicate->op == PRED_NE, out);
    return YODA_OK;
}

/* ---- Applying ------------------------------------------------------------------------------- */

static void match_reals(const double *values, uint32_t count, uint64_t low_bits,
                        uint64_t high_bits, uint64_t *out)
{
    double low, high;
    uint64_t below[VECTOR_WORDS];
    memcpy(&low, &low_bits, sizeof low);
    memcpy(&high, &high_bits, sizeof high);
    kernels()->compare_f64_c(values, low, count, KC_GE, out);
    kernels()->compare_f64_c(values, high, count, KC_LE, below);
    kernels()->and_words(out, below, BITMAP_WORDS(count), out);
}

static void match_range(const struct code_predicate *p, const struct chunk *chunk, uint32_t row,
                        uint32_t count, uint64_t *out)
{
    const struct kernels *k = kernels();
    if (chunk->ops->encoding == ENC_REAL) {
        match_reals((const double *)chunk->codes + row, count, p->low, p->high, out);
        return;
    }
    switch (chunk->header->code_width) {
    case 1:
        k->range_u8((const uint8_t *)chunk->codes + row, count, (uint8_t)p->low, (uint8_t)p->high,
                    out);
        break;
    case 2:
        k->range_u16((const uint16_t *)chunk->codes + row, count, (uint16_t)p->low,
                     (uint16_t)p->high, out);
        break;
    case 4:
        k->range_u32((const uint32_t *)chunk->codes + row, count, (uint32_t)p->low,
                     (uint32_t)p->high, out);
        break;
    default:
        k->range_u64((const uint64_t *)chunk->codes + row, count, p->low, p->high, out);
        break;
    }
}

static void match_set(const struct code_predicate *p, const struct chunk *chunk, uint32_t row,
                      uint32_t count, uint64_t *out)
{
    const struct kernels *k = kernels();
    switch (chunk->header->code_width) {
    case 1:
        k->set_u8((const uint8_t *)chunk->codes + row, count, p->set, out);
        break;
    case 2:
        k->set_u16((const uint16_t *)chunk->codes + row, count, p->set, out);
        break;
    default:
        ASSERT(chunk->header->code_width == 4);
        k->set_u32((const uint32_t *)chunk->codes + row, count, p->set, out);
        break;
    }
}

static void apply_vector(const struct code_predicate *p, const struct chunk *chunk, uint32_t row,
                         uint32_t count, uint64_t *bits)
{
    const struct kernels *k = kernels();
    uint64_t match[VECTOR_WORDS];
    size_t words = BITMAP_WORDS(count);
    const uint64_t *nulls = chunk_nulls(chunk, row);
    if (p->kind == CODE_PREDICATE_NULLS) {
        if (nulls)
            (p->negated ? k->andnot_words : k->and_words)(bits, nulls, words, bits);
        else if (!p->negated)
            memset(bits, 0, words * sizeof *bits);
        return;
    }
    if (p->kind == CODE_PREDICATE_RANGE)
        match_range(p, chunk, row, count, match);
    else
        match_set(p, chunk, row, count, match);
    (p->negated ? k->andnot_words : k->and_words)(bits, match, words, bits);
    if (nulls)
        k->andnot_words(bits, nulls, words, bits);
}

void code_predicate_apply(const struct code_predicate *predicate, const struct chunk *chunk,
                          uint32_t row, uint32_t count, uint64_t *bits)
{
    ASSERT(predicate->kind != CODE_PREDICATE_NO);
    ASSERT(row % VECTOR_ROWS == 0 && row + count <= chunk_rows(chunk));
    if (predicate->kind == CODE_PREDICATE_ALL)
        return;
    if (predicate->kind == CODE_PREDICATE_NONE) {
        memset(bits, 0, BITMAP_WORDS(count) * sizeof *bits);
        return;
    }
    for (uint32_t at = 0; at < count; at += VECTOR_ROWS) {
        uint32_t n = count - at < VECTOR_ROWS ? count - at : VECTOR_ROWS;
        apply_vector(predicate, chunk, row + at, n, bits + at / 64);
    }
}
