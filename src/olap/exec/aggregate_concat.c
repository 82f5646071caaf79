/*
 * aggregate_concat.c -- GROUP_CONCAT: texts of a group joined by a separator, in any order.
 *
 * The bytes grow in the aggregation's arena, doubling. Numbers become text the way SQLite writes
 * them. Past SQLite's own limit for a string the query is SQLite's to fail.
 */
#include "olap/exec/aggregate_unit.h"
#include "olap/exec/flat_vector.h"
#include "olap/exec/pipeline.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define CONCAT_BYTES_MAX 1000000000u /* SQLITE_MAX_LENGTH's default */

struct concat {
    char *bytes;
    uint32_t size, room;
    bool any;
};

/* The text of a number, in buffer; texts as they are. */
static struct strref text_of(const struct value *v, char buffer[48])
{
    if (v->type == YODA_INTEGER)
        return (struct strref){buffer, (uint32_t)snprintf(buffer, 48, "%" PRId64, v->i)};
    if (v->type == YODA_REAL)
        return (struct strref){buffer,
                               (uint32_t)expr_number_text()->real_to_text(v->r, buffer)};
    return (struct strref){v->p, v->size};
}

static struct strref separator_of(const struct unit *unit, char buffer[48])
{
    const struct aggregate *aggregate = unit->spec->aggregate;
    if (!aggregate->separator)
        return (struct strref){",", 1};
    if (aggregate->separator->constant.type == YODA_NULL)
        return (struct strref){"", 0};
    return text_of(&aggregate->separator->constant, buffer);
}

static yoda_status append(struct unit *unit, struct concat *s, struct strref separator,
                          struct strref text, yoda_error *err)
{
    uint64_t size = (uint64_t)s->size + text.size + (s->any ? separator.size : 0);
    if (size > CONCAT_BYTES_MAX)
        return fail(err, YODA_NOT_COLUMNAR, "group_concat past %u bytes", CONCAT_BYTES_MAX);
    if (size > s->room) {
        uint32_t room = (uint32_t)(size < 32 ? 32 : size * 2);
        char *grown = arena_alloc(unit->arena, room);
        if (!grown)
            return run_nomem(err, "concatenating");
        if (s->size)
            memcpy(grown, s->bytes, s->size);
        s->bytes = grown;
        s->room = room;
    }
    char *at = s->bytes + s->size;
    if (s->any && separator.size)
        at = (char *)memcpy(at, separator.ptr, separator.size) + separator.size;
    if (text.size)
        memcpy(at, text.ptr, text.size);
    s->size = (uint32_t)size;
    s->any = true;
    return YODA_OK;
}

static yoda_status concat_update(struct unit *unit, const struct grouping *grouping,
                                 const struct vector *args, const uint64_t *filter,
                                 struct arena *scratch, yoda_error *err)
{
    struct concat *states = unit_states(unit);
    struct vector flat;
    const uint64_t *keep;
    char buffer[48], separator_buffer[48];
    if (args[0].type == VT_NULL)
        return YODA_OK;
    TRY(vector_present(&args[0], filter, scratch, &keep, err));
    TRY(flat_vector_as(&args[0], args[0].type, scratch, &flat, err));
    struct strref separator = separator_of(unit, separator_buffer);
    for (uint32_t i = 0; i < flat.count; i++) {
        if (keep && !bit_get(keep, i))
            continue;
        struct value value = flat_vector_value(&flat, i);
        TRY(append(unit, &states[grouping->ids[i]], separator, text_of(&value, buffer), err));
    }
    return YODA_OK;
}

static yoda_status concat_combine(struct unit *unit, struct unit *from,
                                  const struct group_pairs *pairs, yoda_error *err)
{
    struct concat *to_states = unit_states(unit);
    const struct concat *from_states = unit_states(from);
    char buffer[48];
    struct strref separator = separator_of(unit, buffer);
    for (uint32_t i = 0; i < pairs->count; i++) {
        const struct concat *s = &from_states[pairs->from[i]];
        struct strref text = {s->bytes, s->size};
        if (s->any)
            TRY(append(unit, &to_states[pairs->to[i]], separator, text, err));
    }
    return YODA_OK;
}

static yoda_status concat_result(const struct unit *unit, const struct aggregate *aggregate,
                                 uint32_t first, uint32_t rows, struct arena *arena,
                                 struct vector *out, yoda_error *err)
{
    const struct concat *states = unit_states(unit);
    struct flat_builder b;
    TRY(flat_builder_init(&b, arena, aggregate->type, rows, err));
    for (uint32_t i = 0; i < rows; i++) {
        const struct concat *s = &states[first + i];
        struct value value = s->any ? value_text(s->bytes, s->size) : value_null();
        TRY(flat_builder_set(&b, i, &value, err));
    }
    flat_builder_finish(&b, out);
    return YODA_OK;
}

const struct unit_type unit_concat = {.state_size = sizeof(struct concat),
                                      .update = concat_update,
                                      .combine = concat_combine,
                                      .result = concat_result};
