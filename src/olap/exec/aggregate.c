/*
 * aggregate.c -- typing aggregate functions, and what all units share.
 *
 * A function is refused here only for what is known before the first row; ambiguous ties and
 * overflow are found at run time.
 */
#include "olap/column/chunk.h"
#include "olap/exec/aggregate_unit.h"
#include "olap/exec/pipeline.h"
#include "olap/kernel/kernel.h"

#include <string.h>

static bool is_number(enum vtype type)
{
    return type == VT_NULL || type == VT_INT || type == VT_REAL || type == VT_NUM;
}

static void set_type(struct aggregate *a, enum vtype type, uint32_t classes)
{
    a->type = type;
    a->classes = classes;
}

static yoda_status init_sum(struct aggregate *a, yoda_error *err)
{
    if (!is_number(a->arg->type))
        return fail(err, YODA_NOT_COLUMNAR, "a sum over %s",
                    a->arg->type == VT_TEXT ? "text" : "blobs");
    if (a->kind == AGG_TOTAL)
        set_type(a, VT_REAL, CLASS_REAL);
    else if (a->kind == AGG_AVG)
        set_type(a, VT_REAL, CLASS_REAL | CLASS_NULL);
    else if (a->arg->type == VT_INT || a->arg->type == VT_NULL)
        set_type(a, VT_INT, CLASS_INTEGER | CLASS_NULL);
    else if (a->arg->type == VT_REAL)
        set_type(a, VT_REAL, CLASS_REAL | CLASS_NULL);
    else
        set_type(a, VT_NUM, 0);
    if (a->type == VT_REAL)
        a->classes |= CLASS_INTEGRAL_REAL;
    return YODA_OK;
}

static yoda_status init_concat(struct aggregate *a, yoda_error *err)
{
    if (a->arg->type == VT_BLOB)
        return fail(err, YODA_NOT_COLUMNAR, "group_concat over blobs");
    if (a->separator && !expr_is_constant(a->separator))
        return fail(err, YODA_NOT_COLUMNAR, "group_concat with a separator that varies");
    if (a->separator && a->separator->kind == EXPR_CONST &&
        a->separator->constant.type == YODA_BLOB)
        return fail(err, YODA_NOT_COLUMNAR, "group_concat with a blob for a separator");
    if (a->separator && a->separator->kind != EXPR_CONST)
        return fail(err, YODA_NOT_COLUMNAR, "group_concat with a computed separator");
    if (a->distinct && a->collation != COLLATE_BINARY && a->arg->type == VT_TEXT)
        return fail(err, YODA_NOT_COLUMNAR,
                    "group_concat(DISTINCT) under a collation other than BINARY");
    set_type(a, VT_TEXT, CLASS_TEXT | CLASS_NULL);
    return YODA_OK;
}

yoda_status aggregate_init(struct aggregate *a, yoda_error *err)
{
    ASSERT(a->kind == AGG_COUNT_ROWS || a->arg);
    switch (a->kind) {
    case AGG_COUNT_ROWS:
    case AGG_COUNT:
        set_type(a, VT_INT, CLASS_INTEGER);
        return YODA_OK;
    case AGG_SUM:
    case AGG_TOTAL:
    case AGG_AVG:
        return init_sum(a, err);
    case AGG_MIN:
    case AGG_MAX:
        a->distinct = false; /* changes nothing */
        /* fall through */
    case AGG_BARE:
        set_type(a, a->arg->type, a->arg->classes ? a->arg->classes | CLASS_NULL : 0);
        return YODA_OK;
    case AGG_GROUP_CONCAT:
        return init_concat(a, err);
    }
    return fail(err, YODA_INTERNAL, "aggregate of unknown kind %d", (int)a->kind);
}

/* ---- Units ---- */

const struct unit_type *unit_plain_type(const struct aggregate *a)
{
    switch (a->kind) {
    case AGG_SUM:
    case AGG_TOTAL:
    case AGG_AVG:
        return a->arg->type == VT_INT || a->arg->type == VT_NULL ? &unit_sum_int : &unit_sum_real;
    case AGG_MIN:
    case AGG_MAX:
        return &unit_minmax;
    case AGG_GROUP_CONCAT:
        return &unit_concat;
    default:
        return &unit_count;
    }
}

const struct unit_type *unit_type_of(const struct aggregate *a, bool witness)
{
    if (witness && (a->kind == AGG_MIN || a->kind == AGG_MAX))
        return &unit_witness;
    return a->distinct ? &unit_distinct : unit_plain_type(a);
}

static bool is_sum(enum aggregate_kind kind)
{
    return kind == AGG_SUM || kind == AGG_TOTAL || kind == AGG_AVG;
}

static bool same_expr(expr_ref a, expr_ref b)
{
    return a == b || (a && b && expr_equal(a, b));
}

bool unit_shared(const struct aggregate *a, const struct aggregate *b)
{
    bool same_kind = a->kind == b->kind || (is_sum(a->kind) && is_sum(b->kind));
    return same_kind && a->kind != AGG_BARE && a->distinct == b->distinct &&
           a->collation == b->collation && same_expr(a->arg, b->arg) &&
           same_expr(a->filter, b->filter) && same_expr(a->separator, b->separator);
}

yoda_status unit_init(struct unit *unit, const struct unit_spec *spec, struct arena *arena,
                      struct mem_budget *budget, yoda_error *err)
{
    *unit = (struct unit){.spec = spec, .budget = budget, .arena = arena, .scale = -1};
    unit->state_size = spec->type->state_size;
    if (spec->type == &unit_witness)
        unit->state_size *= spec->arg_count;
    return buffer_create(0, budget, &unit->states, err);
}

void unit_deinit(struct unit *unit)
{
    if (unit->spec && unit->spec->type->deinit)
        unit->spec->type->deinit(unit);
    buffer_release(unit->states);
    *unit = (struct unit){0};
}

yoda_status unit_grow(struct unit *unit, uint32_t groups, yoda_error *err)
{
    if (groups <= unit->groups)
        return YODA_OK;
    size_t size = unit->state_size;
    TRY(buffer_reserve(unit->states, groups * size, err));
    unit->states->size = groups * size;
    memset(unit->states->data + unit->groups * size, 0, (groups - unit->groups) * size);
    unit->groups = groups;
    return YODA_OK;
}

uint64_t unit_bytes(const struct unit *unit)
{
    return unit->states->capacity + (unit->seen ? group_table_bytes(unit->seen) : 0);
}

const uint64_t *grouping_rows(const struct grouping *grouping, uint32_t group, const uint64_t *keep,
                              uint64_t *out, size_t *n)
{
    ASSERT(grouping->masked && group < grouping->groups);
    const uint64_t *mask = grouping->masks[group];
    size_t words = BITMAP_WORDS(grouping->rows);
    if (keep == grouping->alive)
        keep = NULL; /* is in the masks */
    if (mask && keep) {
        kernels()->and_words(mask, keep, words, out);
        mask = out;
    } else if (keep) {
        mask = keep;
    }
    *n = keep ? kernels()->count_words(mask, words) : grouping->counts[group];
    return mask;
}
