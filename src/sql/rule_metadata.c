/*
 * rule_metadata.c -- COUNT, MIN and MAX of a whole table, from what is known without reading it.
 *
 *   COUNT(*)    the live rows of the pinned version
 *   COUNT(c)    less the NULLs that zone maps count
 *   MIN, MAX    of an INTEGER column, the zone maps' ends
 *
 * The last two only where no row is deleted and every segment is encoded: zone maps know nothing of
 * deleted rows and of the open segment. An aggregate that cannot be answered so keeps the scan.
 */
#include "sql/planner.h"
#include "sql/rewrite.h"

#define SEGMENTS_MAX 4096u /* more zone maps than that are not worth reading */

struct whole { /* a column over all segments */
    uint64_t nulls, rows;
    int64_t min, max;
};

static bool add_segment(struct whole *w, const struct segment_ref *ref, uint32_t column,
                        bool values)
{
    const struct chunk *chunk;
    if (ref->rows == 0)
        return true;
    if (ref->deleted_count > 0 || segment_chunk(ref->segment, column, &chunk, NULL) != YODA_OK ||
        chunk_encoding(chunk) == ENC_RAW || chunk_rows(chunk) != ref->rows)
        return false;
    struct zone zone = chunk_zone(chunk, UINT32_MAX);
    if (zone.kind == ZONE_NONE || (values && zone.kind != ZONE_INT && zone.kind != ZONE_EMPTY))
        return false;
    w->nulls += zone.null_count;
    w->rows += ref->rows;
    if (zone.kind == ZONE_INT) {
        w->min = zone.min.i < w->min ? zone.min.i : w->min;
        w->max = zone.max.i > w->max ? zone.max.i : w->max;
    }
    return true;
}

static bool read_whole(const struct catalog_table *table, uint32_t column, bool values,
                       struct whole *out)
{
    const struct table_version *version = table->version;
    *out = (struct whole){.min = INT64_MAX, .max = INT64_MIN};
    if (!version || version->segment_count > SEGMENTS_MAX)
        return false;
    for (uint32_t i = 0; i < version->segment_count; i++)
        if (!add_segment(out, &version->segments[i], column, values))
            return false;
    return true;
}

/* The aggregate's value over the scan, if it is known. */
static bool known_value(const struct query *q, const struct rel *scan, const struct aggregate *a,
                        struct value *out)
{
    const struct catalog_table *table = scan->u.scan.table;
    struct whole whole;
    if (!table->version || a->filter || (a->distinct && a->kind == AGG_COUNT))
        return false;
    if (a->kind == AGG_COUNT_ROWS) {
        *out = value_int((int64_t)table->live_rows);
        return true;
    }
    if ((a->kind != AGG_COUNT && a->kind != AGG_MIN && a->kind != AGG_MAX) ||
        a->arg->kind != EXPR_INPUT)
        return false;
    bool values = a->kind != AGG_COUNT;
    if ((values && q->columns[a->arg->slot].type != VT_INT) ||
        !read_whole(table, a->arg->slot - scan->u.scan.first, values, &whole))
        return false;
    if (!values)
        *out = value_int((int64_t)(whole.rows - whole.nulls));
    else if (whole.rows == whole.nulls)
        return false;
    else
        *out = value_int(a->kind == AGG_MIN ? whole.min : whole.max);
    return true;
}

static const struct rel *whole_scan(const struct rel *rel)
{
    const struct rel *scan = rel->child;
    bool whole = rel->kind == REL_AGGREGATE && !rel->u.aggregate.keyed &&
                 rel->u.aggregate.count > 0 && scan->kind == REL_SCAN &&
                 scan->u.scan.filters.count == 0;
    return whole ? scan : NULL;
}

static yoda_status replace(struct query *q, struct rel **slot, const struct rel *scan)
{
    const struct rel *aggregate = *slot;
    uint32_t count = aggregate->u.aggregate.count;
    expr_ref *exprs = arena_array(q->arena, expr_ref, count);
    struct rel *values;
    if (!exprs)
        return fail_nomem(q->err, count * sizeof *exprs);
    for (uint32_t i = 0; i < count; i++) {
        struct value v;
        if (!known_value(q, scan, &aggregate->u.aggregate.aggregates[i], &v))
            return YODA_OK;
        TRY(expr_constant(&q->build, &v, &exprs[i]));
    }
    TRY(rel_new(q, REL_VALUES, NULL, &values));
    values->u.values.columns = aggregate->u.aggregate.columns;
    values->u.values.column_count = count;
    values->u.values.row_count = 1;
    values->u.values.exprs = exprs;
    *slot = values;
    return YODA_OK;
}

yoda_status rule_metadata(struct query *q, struct rel **rel)
{
    struct rel **input;
    const struct rel *scan = whole_scan(*rel);
    if (scan)
        return replace(q, rel, scan);
    for (uint32_t i = 0; (input = rel_input_at(*rel, i)); i++)
        TRY(rule_metadata(q, input));
    return YODA_OK;
}
