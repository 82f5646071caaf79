/*
 * zone_map.c -- bounds of the values in a chunk and in each of its vectors.
 *
 * Bounds may be wider than the values, never narrower: doubles of large integers are rounded
 * outward, texts are cut to eight bytes and the upper bound is rounded up.
 */
#include "base/bytes.h"
#include "olap/column/code_predicate.h"
#include "olap/column/encoding.h"
#include "olap/kernel/kernel.h"

static uint64_t real_bits(double r)
{
    uint64_t bits;
    memcpy(&bits, &r, sizeof bits);
    return bits;
}

static double real_of_bits(uint64_t bits)
{
    double r;
    memcpy(&r, &bits, sizeof r);
    return r;
}

/* A double <= i; int64 magnitudes are normal doubles, so a step is one in the last bit. */
static double real_below(int64_t i)
{
    double r = (double)i;
    if (int_real_compare(i, r) < 0)
        r = real_of_bits(real_bits(r) + (r > 0 ? UINT64_MAX : 1));
    return r;
}

static double real_above(int64_t i)
{
    double r = (double)i;
    if (int_real_compare(i, r) > 0)
        r = real_of_bits(real_bits(r) + (r > 0 ? 1 : UINT64_MAX));
    return r;
}

uint64_t zone_prefix(const char *p, uint32_t size)
{
    if (size >= 8)
        return __builtin_bswap64(bytes_load_u64(p));
    if (size >= 4) { /* two words that overlap */
        uint64_t head = __builtin_bswap32(bytes_load_u32(p));
        uint64_t tail = __builtin_bswap32(bytes_load_u32(p + size - 4));
        return head << 32 | tail << (8 * (8 - size));
    }
    uint64_t prefix = 0;
    for (uint32_t i = 0; i < size; i++)
        prefix |= (uint64_t)(uint8_t)p[i] << (56 - 8 * i);
    return prefix;
}

/* The rows of a block that are not NULL: NULL where all are; else in mask. */
static const uint64_t *present_rows(uint32_t rows, const uint64_t *nulls, uint64_t *mask)
{
    if (!nulls)
        return NULL;
    bitmap_fill(mask, rows);
    kernels()->andnot_words(mask, nulls, BITMAP_WORDS(rows), mask);
    return mask;
}

static void bounds_numeric(const struct raw_block *block, uint32_t rows, struct zone *zone)
{
    double min = __builtin_inf(), max = -__builtin_inf();
    for (uint32_t i = 0; i < rows; i++) {
        double low, high;
        if (block->tags[i] == YODA_NULL)
            continue;
        if (block->tags[i] == YODA_INTEGER) {
            low = real_below(block->payload[i].i);
            high = real_above(block->payload[i].i);
        } else {
            low = high = block->payload[i].r;
        }
        min = low < min ? low : min;
        max = high > max ? high : max;
    }
    zone->min.r = min;
    zone->max.r = max;
}

static void bounds_bytes(const struct raw_block *block, uint32_t rows, struct zone *zone)
{
    uint64_t min = UINT64_MAX, max = 0;
    for (uint32_t i = 0; i < rows; i++) {
        if (block->tags[i] == YODA_NULL)
            continue;
        uint64_t low = zone_prefix(block->payload[i].p, block->sizes[i]);
        uint64_t high = low + (block->sizes[i] > 8 && low != UINT64_MAX);
        min = low < min ? low : min;
        max = high > max ? high : max;
    }
    zone->min.prefix = min;
    zone->max.prefix = max;
}

struct zone zone_of_block(const struct raw_block *block, uint32_t rows, const uint64_t *nulls,
                          uint32_t null_count, uint32_t chunk_classes)
{
    uint64_t mask[VECTOR_WORDS];
    const uint64_t *present = present_rows(rows, nulls, mask);
    struct zone zone = {.kind = ZONE_EMPTY, .null_count = null_count};
    if (null_count == rows)
        return zone;
    switch (chunk_classes & CLASS_VALUES) {
    case CLASS_INTEGER:
        zone.kind = ZONE_INT;
        kernels()->minmax_i64(&block->payload[0].i, rows, present, &zone.min.i, &zone.max.i);
        break;
    case CLASS_REAL:
        zone.kind = ZONE_REAL;
        kernels()->minmax_f64(&block->payload[0].r, rows, present, &zone.min.r, &zone.max.r);
        break;
    case CLASS_INTEGER | CLASS_REAL:
        zone.kind = ZONE_REAL;
        bounds_numeric(block, rows, &zone);
        break;
    case CLASS_TEXT:
        zone.kind = ZONE_PREFIX;
        bounds_bytes(block, rows, &zone);
        break;
    case CLASS_BLOB:
        zone.kind = ZONE_BLOB;
        bounds_bytes(block, rows, &zone);
        break;
    default:
        zone.kind = ZONE_NONE;
        break;
    }
    return zone;
}

void zone_merge(struct zone *into, const struct zone *zone)
{
    uint32_t null_count = into->null_count + zone->null_count;
    if (into->kind == ZONE_EMPTY) {
        *into = *zone;
    } else if (zone->kind == ZONE_REAL) {
        into->min.r = zone->min.r < into->min.r ? zone->min.r : into->min.r;
        into->max.r = zone->max.r > into->max.r ? zone->max.r : into->max.r;
    } else if (zone->kind == ZONE_INT) {
        into->min.i = zone->min.i < into->min.i ? zone->min.i : into->min.i;
        into->max.i = zone->max.i > into->max.i ? zone->max.i : into->max.i;
    } else if (zone->kind == ZONE_PREFIX || zone->kind == ZONE_BLOB) {
        into->min.prefix =
            zone->min.prefix < into->min.prefix ? zone->min.prefix : into->min.prefix;
        into->max.prefix =
            zone->max.prefix > into->max.prefix ? zone->max.prefix : into->max.prefix;
    }
    into->null_count = null_count;
}

struct zone_record zone_pack(const struct zone *zone)
{
    struct zone_record record = {.kind = zone->kind, .null_count = zone->null_count};
    if (zone->kind > ZONE_EMPTY) {
        memcpy(&record.min, &zone->min, sizeof record.min);
        memcpy(&record.max, &zone->max, sizeof record.max);
    }
    return record;
}

struct zone zone_unpack(const struct zone_record *record)
{
    struct zone zone = {.null_count = record->null_count};
    zone.kind = record->kind;
    memcpy(&zone.min, &record->min, sizeof record->min);
    memcpy(&zone.max, &record->max, sizeof record->max);
    return zone;
}

/* ---- Pruning -------------------------------------------------------------------------------- */

/* low and high: signs of (bound - constant), widened to what is known for sure. */
static bool op_may_match(enum predicate_op op, int low, int high)
{
    switch (op) {
    case PRED_EQ:
    case PRED_IN:
        return low <= 0 && high >= 0;
    case PRED_NE:
        return low != 0 || high != 0;
    case PRED_LT:
        return low < 0;
    case PRED_LE:
        return low <= 0;
    case PRED_GT:
        return high > 0;
    case PRED_GE:
        return high >= 0;
    default:
        return true;
    }
}

/* Texts of equal prefixes may lie on either side, so equality of prefixes is no answer. */
static bool prefix_may_match(enum predicate_op op, const struct value *c, enum collation collation,
                             const struct zone *zone)
{
    uint8_t type = zone->kind == ZONE_PREFIX ? YODA_TEXT : YODA_BLOB;
    if (c->type != type) {
        int order = c->type == YODA_BLOB || c->type == YODA_NULL ? -1 : 1; /* column against c */
        return op_may_match(op, order, order);
    }
    if (type == YODA_TEXT && collation != COLLATE_BINARY)
        return true;
    uint64_t prefix = zone_prefix(c->p, c->size);
    return op_may_match(op, zone->min.prefix > prefix ? 1 : -1, zone->max.prefix < prefix ? -1 : 1);
}

static bool constant_may_match(enum predicate_op op, const struct value *c,
                               enum collation collation, const struct zone *zone)
{
    if (c->type == YODA_NULL)
        return false;
    if (zone->kind == ZONE_PREFIX || zone->kind == ZONE_BLOB)
        return prefix_may_match(op, c, collation, zone);
    bool real = zone->kind == ZONE_REAL;
    struct value min = real ? value_real(zone->min.r) : value_int(zone->min.i);
    struct value max = real ? value_real(zone->max.r) : value_int(zone->max.i);
    return op_may_match(op, value_compare(&min, c, collation), value_compare(&max, c, collation));
}

bool predicate_may_match(const struct predicate *predicate, const struct zone *zone)
{
    if (predicate->op == PRED_IS_NULL)
        return zone->null_count > 0 || zone->kind == ZONE_NONE;
    if (zone->kind == ZONE_EMPTY)
        return false;
    if (predicate->op == PRED_NOT_NULL || zone->kind == ZONE_NONE)
        return true;
    for (uint32_t i = 0; i < predicate->count; i++)
        if (constant_may_match(predicate->op, &predicate->constants[i], predicate->collation,
                               zone))
            return true;
    return false;
}
