/*
 * aggregate_best.c -- the best value so far, for MIN, MAX and what stands beside them.
 *
 * Values that compare equal may differ in their bits (1 and 1.0, -0.0 and 0.0, 'a' and 'A' under
 * NOCASE). SQLite keeps the one it met first, which depends on its scan: such a tie makes the best
 * ambiguous until something strictly better comes.
 */
#include "olap/column/chunk.h"
#include "olap/exec/aggregate_unit.h"
#include "olap/exec/pipeline.h"

#include <string.h>

struct value best_value(const struct best *best)
{
    switch (best->type) {
    case YODA_INTEGER:
        return value_int(best->i);
    case YODA_REAL:
        return value_real(best->r);
    case YODA_TEXT:
        return value_text(best->p, best->size);
    case YODA_BLOB:
        return value_blob(best->p, best->size);
    default:
        return value_null();
    }
}

static yoda_status set_bytes(struct best *best, const struct value *value, struct arena *arena,
                             yoda_error *err)
{
    bool had_bytes = best->type == YODA_TEXT || best->type == YODA_BLOB;
    if (!had_bytes || best->room < value->size) {
        uint32_t room = value->size < 16 ? 16 : value->size;
        char *p = arena_alloc(arena, room);
        if (!p)
            return run_nomem(err, "aggregating");
        best->p = p;
        best->room = room;
    }
    if (value->size)
        memcpy((char *)(uintptr_t)best->p, value->p, value->size);
    best->size = value->size;
    best->type = value->type;
    return YODA_OK;
}

yoda_status best_set(struct best *best, const struct value *value, struct arena *arena,
                     yoda_error *err)
{
    best->ambiguous = 0;
    if (value->type == YODA_TEXT || value->type == YODA_BLOB)
        return set_bytes(best, value, arena, err);
    best->type = value->type;
    if (value->type == YODA_REAL)
        best->r = value->r;
    else
        best->i = value->type == YODA_INTEGER ? value->i : 0;
    return YODA_OK;
}

yoda_status best_offer(struct best *best, const struct value *value,
                       const struct aggregate *aggregate, struct arena *arena, int *outcome,
                       yoda_error *err)
{
    ASSERT(value->type != YODA_NULL);
    *outcome = 1;
    if (best->type) {
        struct value kept = best_value(best);
        int c = value_compare(value, &kept, aggregate->collation);
        *outcome = aggregate->kind == AGG_MIN ? -c : c;
        if (c == 0 && !value_identical(value, &kept))
            best->ambiguous = 1;
    }
    if (*outcome > 0)
        return best_set(best, value, arena, err);
    return YODA_OK;
}

yoda_status best_check(const struct best *best, const struct aggregate *aggregate, yoda_error *err)
{
    /* Kernels do not tell -0.0 from 0.0. */
    bool zeros = best->type == YODA_REAL && best->r == 0 &&
                 (aggregate->arg->classes == 0 ||
                  (aggregate->arg->classes & CLASS_NEGATIVE_ZERO) != 0);
    if (best->ambiguous || zeros)
        return fail(err, YODA_NOT_COLUMNAR, "%s of equal values that are not identical",
                    aggregate->kind == AGG_MIN ? "MIN" : "MAX");
    return YODA_OK;
}
